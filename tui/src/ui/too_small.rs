//! The one line of a screen that is too small for the rest.

use ratatui::{
    Frame,
    layout::Rect,
    widgets::{Paragraph, Wrap},
};
use tailwater_core::app::SMALLEST;

pub fn draw(frame: &mut Frame, area: Rect) {
    let (width, height) = SMALLEST;
    let words =
        format!("Tailwater needs {width}×{height}; this terminal is {}×{}. Make it larger.", area.width, area.height);
    frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), area);
}
