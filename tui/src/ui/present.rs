//! Presenter mode: the pane that follows the newest event, and the wait for delivery in large
//! letters under it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};
use tailwater_core::app::App;
use tui_big_text::{BigText, PixelSize};

use super::{Theme, fit};

/// The countdown to delivery, over the full width.
pub fn countdown(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let countdown = app.countdown();
    let width = usize::from(area.width);
    let rule = Line::styled("─".repeat(width), theme.quiet());
    frame.buffer_mut().set_line(area.x, area.y, &rule, area.width);
    let letters = Rect { y: area.y + 1, height: area.height.saturating_sub(2).min(4), ..area };
    BigText::builder()
        .pixel_size(PixelSize::Quadrant)
        .style(theme.accent())
        .centered()
        .lines(vec![Line::raw(countdown.large)])
        .build()
        .render(letters, frame.buffer_mut());
    let words = fit::cut(&countdown.words, width);
    let before = width.saturating_sub(fit::width(&words)) / 2;
    let line = Line::styled(format!("{}{words}", " ".repeat(before)), theme.strong());
    frame.buffer_mut().set_line(area.x, letters.bottom(), &line, area.width);
}

/// The keys that were pressed, each as on a key cap.
pub fn keys(app: &App, theme: Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for key in app.pressed_keys() {
        spans.push(Span::styled(format!(" {key} "), theme.selected()));
        spans.push(Span::raw(" "));
    }
    spans
}
