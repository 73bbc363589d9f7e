//! The help: what is focused, and all keys, from the key map.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use tailwater_core::app::App;

use super::{Theme, fit, title};

/// The cells of the keys' column.
const KEY_CELLS: usize = 15;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let lines = app.help_lines();
    let scroll = app.help().unwrap_or(0);
    let room = usize::from(area.height).saturating_sub(1);
    let state = if lines.len() > scroll + room { "↓ for more" } else { "" };
    let inner = title::draw(frame, area, true, "Help", state, theme);
    let width = usize::from(inner.width).saturating_sub(2);
    for (y, (key, words)) in (inner.y..inner.bottom()).zip(lines.iter().skip(scroll)) {
        let line = if key.is_empty() {
            Line::raw(fit::cut(words, width))
        } else {
            Line::from(vec![
                Span::styled(fit::left(key, KEY_CELLS), theme.accent()),
                Span::raw(fit::cut(words, width.saturating_sub(KEY_CELLS))),
            ])
        };
        frame.buffer_mut().set_line(inner.x + 1, y, &line, inner.width.saturating_sub(1));
    }
}
