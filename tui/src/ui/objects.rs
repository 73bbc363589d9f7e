//! Objects: what landed in S3, and what Firehose still holds.

use ratatui::{Frame, layout::Rect, style::Style, text::Span};
use tailwater_core::{
    app::{App, EventSource, Pane, Row, Sign, ranges},
    text::{number, safe::visible},
};

use super::{
    Screen, Theme, fit, focused,
    rows::{self, Words},
    title,
};

/// From this width on the whole of a key stands at the end of its row.
const ROOM_FOR_KEY: u16 = 140;
/// The cells of the numbers of events.
const ROOM_FOR_NUMBERS: usize = 9;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let name = title::of(Pane::Objects);
    let state = rows::state_words(app, Pane::Objects, Some(EventSource::Objects), title::room(area, &name));
    let inner = title::draw(frame, area, focused(app, Pane::Objects), &name, &state, theme);
    let buffer = app.buffer_words();
    let reserved = u16::from(buffer.is_some()) * 2;
    let list = Rect { height: inner.height.saturating_sub(reserved), ..inner };
    let nothing_yet = app.pane(Pane::Objects).is_empty() && app.pane(Pane::Objects).filter().is_none();
    let taken = if nothing_yet && buffer.is_some() {
        0
    } else {
        rows::draw(frame, list, app, screen, Pane::Objects, theme, |row, _| words(app, row, area.width, theme))
    };
    if let Some(lines) = buffer {
        for (y, line) in (inner.y + taken..inner.bottom()).zip(lines) {
            let words = fit::cut(&line, usize::from(inner.width).saturating_sub(1));
            frame.buffer_mut().set_string(inner.x + 1, y, words, Style::new());
        }
    }
}

fn words(app: &App, row: &Row, width: u16, theme: Theme) -> Words {
    let Row::Object(object) = row else {
        return Words { columns: Vec::new(), text: String::new(), style: Style::new() };
    };
    let numbers = ranges(app.traces().numbers_in_object(&object.key));
    let time = app.row_time(object.time, false);
    let columns = vec![
        Span::styled(fit::left(&numbers, ROOM_FOR_NUMBERS), theme.strong()),
        Span::styled(format!("{time} "), theme.quiet()),
    ];
    let (lines, style) = match &object.lines {
        Ok(lines) => (number::counted(*lines, "line"), Style::new()),
        Err(reason) => {
            (format!("{} not read: {}", Sign::Attention.text(), visible(reason)), theme.sign(Sign::Attention))
        }
    };
    let size = number::size(object.size_bytes);
    let text = if width >= ROOM_FOR_KEY {
        format!("{lines}, {size}  {}", visible(object.key.as_str()))
    } else {
        let taken = fit::width(&lines) + fit::width(&size) + fit::width(&time) + ROOM_FOR_NUMBERS + 6;
        let room = usize::from(width).saturating_sub(taken).max(5);
        format!("{lines}, {size} {}", fit::end_of(&visible(object.key.as_str()), room))
    };
    Words { columns, text, style }
}
