//! One row opened: all of it, with the line that keys are about.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, Detail, DetailLine},
    text::number,
};

use super::{Screen, Theme, fit, marks::Marks, title};

/// The cells of a field's name.
const NAME_CELLS: usize = 20;
/// The cells of an object's line's place and event.
const PLACE_CELLS: usize = 6;
const NUMBER_CELLS: usize = 7;
/// How many lines one value takes at most where it is wrapped.
const MOST_LINES: usize = 200;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let Some(detail) = app.detail() else { return };
    let all = number::grouped(detail.lines.len() as u64);
    let state = format!("line {} of {all}", number::grouped(detail.cursor as u64 + 1));
    let inner = title::draw(frame, area, true, &detail.title, &state, theme);
    let width = usize::from(inner.width).saturating_sub(1);
    let marks = Marks::of(app, theme);
    let lines_of =
        |index: usize| detail.lines.get(index).map_or_else(Vec::new, |line| lines(line, width, detail.wrap, theme));
    let height = usize::from(inner.height);
    let top = top(detail, screen.detail_top, height, |index| lines_of(index).len());
    screen.detail_top = top;
    let mut y = inner.y;
    for index in top..detail.lines.len() {
        let under_cursor = index == detail.cursor;
        for (place, drawn) in lines_of(index).into_iter().enumerate() {
            if y >= inner.bottom() {
                return;
            }
            // A heading's first line is the free one over it.
            let is_heading = matches!(detail.lines[index], DetailLine::Heading(_));
            let marked = under_cursor && place == usize::from(is_heading);
            let line = marks.on(drawn);
            frame.buffer_mut().set_string(inner.x, y, if marked { "▸" } else { " " }, theme.accent());
            frame.buffer_mut().set_line(inner.x + 1, y, &line, inner.width.saturating_sub(1));
            if under_cursor && !(is_heading && place == 0) {
                let row = Rect { x: inner.x, y, width: inner.width, height: 1 };
                frame.buffer_mut().set_style(row, theme.strong());
            }
            y += 1;
        }
    }
}

/// The first line in sight: as before where the cursor is then in sight.
fn top(detail: &Detail, before: usize, height: usize, lines_of: impl Fn(usize) -> usize) -> usize {
    let mut lowest = detail.cursor;
    let mut taken = lines_of(lowest);
    while lowest > 0 {
        let more = lines_of(lowest - 1);
        if taken + more > height {
            break;
        }
        taken += more;
        lowest -= 1;
    }
    before.clamp(lowest, detail.cursor)
}

fn lines(line: &DetailLine, width: usize, wrap: bool, theme: Theme) -> Vec<Line<'static>> {
    let (name, text, style) = match line {
        DetailLine::Field(name, value) => (fit::left(name, NAME_CELLS), value.as_str(), Style::new()),
        DetailLine::Heading(words) => {
            return vec![Line::default(), Line::styled(fit::cut(words, width), theme.strong())];
        }
        DetailLine::Text(text) => (String::new(), text.as_str(), Style::new()),
        DetailLine::Json(line) => {
            let sign = match line.fold {
                Some(true) => "▸ ",
                Some(false) => "▾ ",
                None => "  ",
            };
            (format!("{}{sign}", " ".repeat(line.indent())), line.text.as_str(), Style::new())
        }
        DetailLine::Record(line) => {
            let number = line.number.map(|number| number.to_string()).unwrap_or_default();
            let place = format!("{:>width$} ", line.place, width = PLACE_CELLS - 1);
            let style = if line.text.is_some() { Style::new() } else { theme.quiet() };
            (format!("{place}{}", fit::left(&number, NUMBER_CELLS)), line.words(), style)
        }
    };
    let room = width.saturating_sub(fit::width(&name));
    let parts = if wrap { fit::pieces(text, room, MOST_LINES) } else { vec![fit::cut(text, room)] };
    let indent = " ".repeat(fit::width(&name));
    parts
        .into_iter()
        .enumerate()
        .map(|(index, part)| {
            let start = if index == 0 { name.clone() } else { indent.clone() };
            Line::from(vec![Span::styled(start, theme.quiet()), Span::styled(part, style)])
        })
        .collect()
}
