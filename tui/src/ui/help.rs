//! The help: what is looked at, explained, and all keys below it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use tailwater_core::app::{App, HelpLine};

use super::{Theme, fit, title};

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let lines = app.help_lines();
    let scroll = app.help().unwrap_or(0);
    let room = usize::from(area.height).saturating_sub(1);
    let below = lines.len().saturating_sub(scroll + room);
    let state = match (scroll, below) {
        (0, 0) => String::new(),
        (_, 0) => "the end".to_owned(),
        (_, below) => format!("↓ {below} lines more"),
    };
    let inner = title::draw(frame, area, true, &app.help_title(), &state, theme);
    let width = usize::from(inner.width).saturating_sub(2);
    for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(scroll)) {
        let line = match line {
            HelpLine::Heading(words) => Line::styled(fit::cut(words, width), theme.strong()),
            HelpLine::Text(words) => Line::raw(fit::cut(words, width)),
            HelpLine::Fact(name, words) => Line::from(vec![
                Span::styled(name.as_str(), theme.accent()),
                Span::raw(fit::cut(words, width.saturating_sub(fit::width(name)))),
            ]),
            HelpLine::Command(words) => Line::styled(words.as_str(), theme.quiet()),
            HelpLine::Blank => Line::default(),
        };
        frame.buffer_mut().set_line(inner.x + 1, y, &line, inner.width.saturating_sub(1));
    }
}
