//! The tour: what to look at and which key to press, at the lower end of the screen.

use ratatui::{Frame, layout::Rect, style::Style};
use tailwater_core::app::TourWords;

use super::{Theme, fit, title};

pub fn draw(frame: &mut Frame, area: Rect, words: &TourWords, theme: Theme) {
    let inner = title::draw(frame, area, true, &words.title, "Esc ends the tour", theme);
    let width = usize::from(inner.width).saturating_sub(2);
    for (y, line) in (inner.y..inner.bottom()).zip(fit::paragraphs(&words.text, width)) {
        frame.buffer_mut().set_string(inner.x + 1, y, line, Style::new());
    }
}
