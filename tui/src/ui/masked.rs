//! The last look at a frame before it is shown to a crowd: whatever secret was drawn, whole or cut
//! off at an edge, is painted over, cell by cell.

use ratatui::{buffer::Buffer, layout::Rect};
use tailwater_core::text::mask::Mask;

use super::fit;

/// What stands in a cell of a secret.
const PAINT: &str = "•";

/// Paints over what the mask finds in each line of an area.
pub fn paint(buffer: &mut Buffer, area: Rect, mask: &Mask) {
    let area = area.intersection(buffer.area);
    for y in area.top()..area.bottom() {
        paint_line(buffer, area, y, mask);
    }
}

fn paint_line(buffer: &mut Buffer, area: Rect, y: u16, mask: &Mask) {
    let mut text = String::new();
    // Where in the text each cell begins.
    let mut starts = Vec::with_capacity(usize::from(area.width));
    let mut skip = 0;
    for x in area.left()..area.right() {
        if skip > 0 {
            // The second cell of a wide letter goes with its first.
            starts.push(usize::MAX);
            skip -= 1;
            continue;
        }
        starts.push(text.len());
        let symbol = buffer[(x, y)].symbol();
        text.push_str(symbol);
        skip = fit::width(symbol).saturating_sub(1);
    }
    let mut spans = mask.spans(&text);
    // Panes end where spaces or a sign of cutting stand: what is left of a known secret there is one.
    let mut from = 0;
    for piece in text.split([' ', '…']) {
        spans.extend(
            mask.cut_spans(piece).into_iter().map(|(span, secret)| (from + span.start..from + span.end, secret)),
        );
        from += piece.len();
        from += text[from..].chars().next().map_or(0, char::len_utf8);
    }
    for (span, _) in spans {
        for (x, start) in (area.left()..).zip(&starts) {
            if span.contains(start) {
                buffer[(x, y)].set_symbol(PAINT);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tailwater_core::text::mask::Secret;

    use super::*;

    fn painted(line: &str) -> String {
        let width = u16::try_from(fit::width(line)).expect("a line");
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        buffer.set_string(0, 0, line, ratatui::style::Style::new());
        let mask = Mask::new().with("123456789012", Secret::Account).with("buildbox", Secret::Host);
        let area = buffer.area;
        paint(&mut buffer, area, &mask);
        buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn secrets_are_painted_over_and_the_line_keeps_its_width() {
        assert_eq!(painted("arn:aws:iam::123456789012:role/X"), "arn:aws:iam::••••••••••••:role/X");
        assert_eq!(painted("at https://db.corp:1/x"), "at https://•••••••:1/x");
        assert_eq!(painted("cut: 12345678… end"), "cut: ••••••••… end");
        assert_eq!(painted("…6789012 on buildb"), "…••••••• on ••••••");
        assert_eq!(painted("#42 14:02:07 nothing"), "#42 14:02:07 nothing");
    }
}
