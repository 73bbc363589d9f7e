//! One event's trace, hop by hop.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use tailwater_core::{app::App, trace::EventNumber};

use super::{Theme, fit, title};

/// The cells of a hop's name.
const NAME_CELLS: usize = 10;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, number: EventNumber, theme: Theme) {
    let inner = title::draw(frame, area, true, &app.trace_title(number), "", theme);
    let width = usize::from(inner.width).saturating_sub(NAME_CELLS + 4);
    let mut y = inner.y + 1;
    for line in app.trace_lines(number) {
        let name = line.hop.map_or("", tailwater_core::pipeline::Hop::name);
        let sign = line.sign.map_or(Span::raw(" "), |sign| Span::styled(sign.text(), theme.sign(sign)));
        for (index, words) in fit::paragraphs(&line.words, width).into_iter().enumerate() {
            if y >= inner.bottom() {
                return;
            }
            let start = if index == 0 {
                vec![Span::styled(fit::left(name, NAME_CELLS), theme.strong()), sign.clone()]
            } else {
                vec![Span::raw(" ".repeat(NAME_CELLS + 1))]
            };
            let mut spans = start;
            spans.push(Span::raw(format!(" {words}")));
            frame.buffer_mut().set_line(inner.x + 1, y, &Line::from(spans), inner.width.saturating_sub(1));
            y += 1;
        }
    }
}
