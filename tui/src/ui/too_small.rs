//! The one line of a screen that is too small for the rest.

use ratatui::{
    Frame,
    layout::Rect,
    widgets::{Paragraph, Wrap},
};
use tailwater_core::{app::App, text::safe::visible};

pub fn draw(frame: &mut Frame, area: Rect, app: &App) {
    let (width, height) = app.smallest();
    // A question is asked at any size: it waits for an answer.
    let words = app.question_words().map_or_else(
        || {
            format!(
                "Tailwater needs {width}×{height}; this terminal is {}×{}. Make it larger.",
                area.width, area.height
            )
        },
        |question| visible(&question).into_owned(),
    );
    frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), area);
}
