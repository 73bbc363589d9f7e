//! One event's bytes at each hop, side by side where there is room, with what changed marked.

use std::ops::Range;

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, HopOfTrail},
    text::safe::visible,
    trace::EventNumber,
};

use super::{Theme, fit, title};

/// From this width on the hops stand side by side.
const SIDE_BY_SIDE: u16 = 120;
/// Bytes of a line of hexadecimal.
const BYTES_A_LINE: usize = 16;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, number: EventNumber, theme: Theme) {
    let Some(trail) = app.trace_view().and_then(|view| view.bytes.as_ref()) else { return };
    let form = if trail.hex { "hexadecimal" } else { "text" };
    let inner = title::draw(frame, area, true, &format!("Bytes of {number} at each hop"), form, theme);
    let hops = app.trail(number);
    let legend = "Marked: taken out before the next hop, or put in since. ␊ newline · space";
    let legend = Line::styled(fit::cut(legend, usize::from(inner.width) - 2), theme.quiet());
    frame.buffer_mut().set_line(inner.x + 1, inner.y, &legend, inner.width - 1);
    let body = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let room = usize::from(body.height);
    if area.width >= SIDE_BY_SIDE {
        let count = u16::try_from(hops.len()).unwrap_or(1).max(1);
        let each = body.width / count;
        let columns: Vec<Vec<Line>> =
            hops.iter().map(|hop| lines(hop, usize::from(each) - 3, trail.hex, theme)).collect();
        let longest = columns.iter().map(Vec::len).max().unwrap_or(0);
        let first = trail.first_of(longest, room);
        for (index, column) in (0..).zip(columns) {
            let area = Rect { x: body.x + index * each + 1, width: each - 2, ..body };
            print(frame, area, column.into_iter().skip(first));
        }
    } else {
        let mut all: Vec<Line> = Vec::new();
        for hop in &hops {
            if !all.is_empty() {
                all.push(Line::default());
            }
            all.extend(lines(hop, usize::from(body.width) - 2, trail.hex, theme));
        }
        let first = trail.first_of(all.len(), room);
        let area = Rect { x: body.x + 1, width: body.width - 1, ..body };
        print(frame, area, all.into_iter().skip(first));
    }
}

fn print(frame: &mut Frame, area: Rect, lines: impl Iterator<Item = Line<'static>>) {
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        frame.buffer_mut().set_line(area.x, y, &line, area.width);
    }
}

/// A hop's bytes: what they are, then themselves, or why there are none.
fn lines(hop: &HopOfTrail, width: usize, hex: bool, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(fit::cut(hop.title, width), theme.strong())];
    let state = fit::paragraphs(&hop.state, width).into_iter();
    lines.extend(state.filter(|words| !words.is_empty()).map(|words| Line::styled(words, theme.quiet())));
    match &hop.bytes {
        Err(why) => lines.extend(fit::paragraphs(why, width).into_iter().map(Line::raw)),
        Ok(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !hex => lines.extend(text_lines(text, &hop.marks, width)),
            _ => lines.extend(hex_lines(bytes, &hop.marks, width)),
        },
    }
    lines
}

fn mark() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}

fn is_marked(marks: &[Range<usize>], byte: usize) -> bool {
    let after = marks.partition_point(|mark| mark.end <= byte);
    marks.get(after).is_some_and(|mark| mark.contains(&byte))
}

/// Adds a text to a line's spans: to the last one where that has the same style.
fn push(spans: &mut Vec<Span<'static>>, text: &str, style: Style) {
    match spans.last_mut() {
        Some(last) if last.style == style => last.content.to_mut().push_str(text),
        _ => spans.push(Span::styled(text.to_owned(), style)),
    }
}

/// The text, wrapped at the width; newlines are seen, and so is marked space.
fn text_lines(text: &str, marks: &[Range<usize>], width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut spans: Vec<Span> = Vec::new();
    let mut taken = 0;
    for (place, letter) in text.char_indices() {
        let marked = is_marked(marks, place);
        let shown = match letter {
            '\n' => "␊".to_owned(),
            ' ' if marked => "·".to_owned(),
            letter => visible(letter.encode_utf8(&mut [0; 4])).into_owned(),
        };
        let cells = fit::width(&shown);
        if taken + cells > width && taken > 0 {
            lines.push(Line::from(std::mem::take(&mut spans)));
            taken = 0;
        }
        // A newline that stays needs no sign of its own.
        if letter != '\n' || marked {
            push(&mut spans, &shown, if marked { mark() } else { Style::new() });
            taken += cells;
        }
        if letter == '\n' {
            lines.push(Line::from(std::mem::take(&mut spans)));
            taken = 0;
        }
    }
    if !spans.is_empty() {
        lines.push(Line::from(spans));
    }
    lines
}

/// Offset, bytes in hexadecimal, and what of them is printable; as many a line as have room.
fn hex_lines(bytes: &[u8], marks: &[Range<usize>], width: usize) -> Vec<Line<'static>> {
    // Six digits and two spaces, then for each byte three cells and one of text.
    let fitting = width.saturating_sub(9) / 4;
    let each = if fitting >= BYTES_A_LINE { BYTES_A_LINE } else { (fitting / 4 * 4).max(4) };
    let line = |(index, chunk): (usize, &[u8])| {
        let style = |offset: usize| if is_marked(marks, index * each + offset) { mark() } else { Style::new() };
        let mut spans = vec![Span::raw(format!("{:06x}  ", index * each))];
        for (offset, byte) in chunk.iter().enumerate() {
            push(&mut spans, &format!("{byte:02x}"), style(offset));
            push(&mut spans, " ", Style::new());
        }
        push(&mut spans, &" ".repeat((each - chunk.len()) * 3 + 1), Style::new());
        for (offset, byte) in chunk.iter().enumerate() {
            let printable = byte.is_ascii_graphic() || *byte == b' ';
            let letter = if printable { char::from(*byte) } else { '·' };
            push(&mut spans, letter.encode_utf8(&mut [0; 4]), style(offset));
        }
        Line::from(spans)
    };
    bytes.chunks(each).enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| line.spans.iter().map(|span| span.content.as_ref()).collect()).collect()
    }

    #[test]
    fn what_is_marked_is_seen_and_nothing_else_is_added() {
        let lines = text_lines("{\n \"a\": 1}\n", &[1..3, 7..8], 40);
        assert_eq!(plain(&lines), ["{␊", "·\"a\":·1}"]);
        assert_eq!(lines[1].spans[0].style, mark());
        assert_eq!(plain(&text_lines("abcdef", &[], 4)), ["abcd", "ef"]);
        assert_eq!(plain(&text_lines("a\u{1b}b", &[], 9)), ["a␛b"]);
    }

    #[test]
    fn hexadecimal_fits_its_width() {
        let bytes: Vec<u8> = (0..20).collect();
        assert_eq!(hex_lines(&bytes, &[], 80).len(), 2);
        assert_eq!(hex_lines(&bytes, &[], 30).len(), 5);
        let lines = hex_lines(b"ab\n", std::slice::from_ref(&(2..3)), 80);
        assert!(plain(&lines)[0].starts_with("000000  61 62 0a "), "{lines:?}");
        assert_eq!(lines[0].spans.iter().filter(|span| span.style == mark()).count(), 2);
    }
}
