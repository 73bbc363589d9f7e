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
/// From these widths on a row says whose log it is in, and the end or the whole of its request's id.
const ROOM_FOR_SOURCE: u16 = 56;
const ROOM_FOR_ID: u16 = 100;
const ROOM_FOR_WHOLE_ID: u16 = 160;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let name = title::of(Pane::Logs);
    let state = rows::state_words(app, Pane::Logs, Some(EventSource::Logs), title::room(area, &name));
    let inner = title::draw(frame, area, focused(app, Pane::Logs), &name, &state, theme);
    rows::draw(frame, inner, app, screen, Pane::Logs, theme, |row, _| {
        let Row::Log { line, brief } = row else {
            return Words { columns: Vec::new(), text: String::new(), style: Style::new() };
        };
        let mut columns = vec![Span::styled(format!("{} ", app.row_time(line.time, true)), theme.quiet())];
        if area.width >= ROOM_FOR_SOURCE {
            columns.push(Span::styled(fit::left(source_word(line.source), 9), theme.quiet()));
        }
        if area.width >= ROOM_FOR_ID {
            let cells = if area.width >= ROOM_FOR_WHOLE_ID { 36 } else { 9 };
            let id = line.api_request_id.as_ref().map(tailwater_core::events::ApiRequestId::as_str);
            let id = id
                .or_else(|| line.lambda_request_id.as_ref().map(tailwater_core::events::LambdaRequestId::as_str))
                .unwrap_or_default();
            columns.push(Span::styled(fit::left(&fit::end_of(&visible(id), cells), cells + 1), theme.quiet()));
        }
        // Lambda's own lines begin with a word in capitals, which stands where the level would.
        if line.level != Level::Info || !LAMBDAS_WORDS.iter().any(|word| brief.starts_with(word)) {
            columns.push(Span::styled(fit::left(line.level.word(), 5), theme.level(line.level)));
            columns.push(Span::raw(" "));
        }
        Words { columns, text: visible(brief).into_owned(), style: Style::new() }
    });
}
