//! Logs: the function's, the gateway's and the delivery's lines.

use ratatui::{Frame, layout::Rect, style::Style, text::Span};
use tailwater_core::{
    app::{App, EventSource, Pane, Row, source_word},
    events::Level,
    text::safe::visible,
};

use super::{
    Screen, Theme, fit, focused,
    rows::{self, Words},
    title,
};

const LAMBDAS_WORDS: [&str; 4] = ["START", "END", "REPORT", "INIT"];
/// From this width on a row says whose log it is in.
const ROOM_FOR_SOURCE: u16 = 56;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let state = rows::state_words(app, Pane::Logs, Some(EventSource::Logs));
    let inner = title::draw(frame, area, focused(app, Pane::Logs), &title::of(Pane::Logs), &state, theme);
    rows::draw(frame, inner, app, screen, Pane::Logs, theme, |row| {
        let Row::Log { line, brief } = row else {
            return Words { columns: Vec::new(), text: String::new(), style: Style::new() };
        };
        let mut columns = vec![Span::styled(format!("{} ", app.offset().clock_millis(line.time)), theme.quiet())];
        if area.width >= ROOM_FOR_SOURCE {
            columns.push(Span::styled(fit::left(source_word(line.source), 9), theme.quiet()));
        }
        // Lambda's own lines begin with a word in capitals, which stands where the level would.
        if line.level != Level::Info || !LAMBDAS_WORDS.iter().any(|word| brief.starts_with(word)) {
            columns.push(Span::styled(fit::left(line.level.word(), 5), theme.level(line.level)));
            columns.push(Span::raw(" "));
        }
        Words { columns, text: visible(brief).into_owned(), style: Style::new() }
    });
}
