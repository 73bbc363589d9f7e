//! One row opened: all of it.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{app::App, app::DetailLine, text::number};

use super::{Theme, fit, title};

/// The cells of a field's name.
const NAME_CELLS: usize = 20;
/// How many lines one value takes at most where it is wrapped.
const MOST_LINES: usize = 200;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let Some(detail) = app.detail() else { return };
    let all = detail.lines.len();
    let state = match detail.scroll {
        0 => number::counted(all as u64, "line"),
        scroll => format!("from line {} of {}", number::grouped(scroll as u64 + 1), number::grouped(all as u64)),
    };
    let inner = title::draw(frame, area, true, &detail.title, &state, theme);
    let width = usize::from(inner.width).saturating_sub(2);
    let mut y = inner.y;
    for line in detail.lines.iter().skip(detail.scroll) {
        for drawn in lines(line, width, detail.wrap, theme) {
            if y >= inner.bottom() {
                return;
            }
            frame.buffer_mut().set_line(inner.x + 1, y, &drawn, inner.width.saturating_sub(1));
            y += 1;
        }
    }
}

fn lines(line: &DetailLine, width: usize, wrap: bool, theme: Theme) -> Vec<Line<'static>> {
    let (name, text, style) = match line {
        DetailLine::Field(name, value) => (fit::left(name, NAME_CELLS), value, Style::new()),
        DetailLine::Heading(words) => {
            return vec![Line::default(), Line::styled(fit::cut(words, width), theme.strong())];
        }
        DetailLine::Text(text) => (String::new(), text, Style::new()),
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
