//! Stack: its operation as a chart, or the list of its events.

use ratatui::{Frame, layout::Rect, style::Style, text::Span};
use tailwater_core::{
    app::{App, Pane, Row, Sign},
    events::StackStatus,
    text::{number, safe::visible},
};

use super::{
    Screen, Theme, chart, fit, focused,
    rows::{self, Words},
    title,
};

pub fn draw(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let name = format!("{} {}", title::of(Pane::Stack), visible(app.stack_name().as_str()));
    let state = if app.events_listed() {
        rows::state_words(app, Pane::Stack, None, title::room(area, &name))
    } else {
        let events = app.pane(Pane::Stack).history();
        number::counted(events.first() + events.len() as u64, "event")
    };
    let inner = title::draw(frame, area, focused(app, Pane::Stack), &name, &state, theme);
    if !app.events_listed() {
        return chart::draw(frame, inner, app, screen, theme);
    }
    rows::draw(frame, inner, app, screen, Pane::Stack, theme, |row, _| {
        let Row::Stack(event) = row else {
            return Words { columns: Vec::new(), text: String::new(), style: Style::new() };
        };
        let sign = sign_of(&event.status);
        let columns = vec![
            Span::styled(format!("{} ", app.row_time(event.time, true)), theme.quiet()),
            Span::styled(sign.text(), theme.sign(sign)),
            Span::raw(" "),
            Span::raw(fit::left(&visible(event.status.as_str()), 20)),
            Span::styled(format!(" {} ", fit::left(&visible(&event.logical_id), 22)), theme.strong()),
        ];
        let reason = event.reason.as_ref().map(|reason| format!(": {}", visible(reason))).unwrap_or_default();
        let text = format!("{}{reason}", visible(&event.resource_type));
        Words { columns, text, style: if sign == Sign::Failed { theme.strong() } else { Style::new() } }
    });
}

/// The sign of a status.
pub fn sign_of(status: &StackStatus) -> Sign {
    if status.failed() {
        Sign::Failed
    } else if status.in_progress() {
        Sign::Moving
    } else {
        Sign::Done
    }
}
