//! Records: what is in the stream.

use ratatui::{Frame, layout::Rect, style::Style, text::Span};
use tailwater_core::{
    app::{App, EventSource, Pane, Row},
    text::{number, safe::visible},
};

use super::{
    Screen, Theme, fit, focused,
    rows::{self, Cells, Words},
    title,
};

/// From these widths on a row has milliseconds and its size, its place, its partition key, and all
/// of its sequence number.
const ROOM_FOR_SIZE: u16 = 56;
const ROOM_FOR_PLACE: u16 = 76;
const ROOM_FOR_KEY: u16 = 100;
const ROOM_FOR_WHOLE_PLACE: u16 = 170;
/// How many cells of a wrapped record are made ready: more is in the row's own view.
const WRAPPED_CELLS: usize = 4_000;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let name = title::of(Pane::Records);
    let state = rows::state_words(app, Pane::Records, Some(EventSource::Records), title::room(area, &name));
    let inner = title::draw(frame, area, focused(app, Pane::Records), &name, &state, theme);
    let in_line = usize::from(area.width) + app.pane(Pane::Records).sideways;
    rows::draw(frame, inner, app, screen, Pane::Records, theme, |row, cells| {
        let Row::Record(record) = row else {
            return Words { columns: Vec::new(), text: String::new(), style: Style::new() };
        };
        let wide = area.width >= ROOM_FOR_SIZE;
        let time = app.row_time(record.time, wide);
        let mut columns = vec![Span::styled(format!("{time} "), theme.quiet())];
        if wide {
            columns.push(Span::styled(fit::left(&number::size(record.data.len() as u64), 9), theme.quiet()));
        }
        if area.width >= ROOM_FOR_PLACE {
            let shard = fit::cut(record.shard_id.number(), 6);
            let room = if area.width >= ROOM_FOR_WHOLE_PLACE { 56 } else { 7 };
            let number = fit::end_of(&visible(record.sequence_number.as_str()), room);
            columns.push(Span::styled(format!("shard {shard} {number} "), theme.quiet()));
        }
        if area.width >= ROOM_FOR_KEY {
            let key = visible(&record.partition_key);
            let room = if area.width >= ROOM_FOR_WHOLE_PLACE { 36 } else { 13 };
            columns.push(Span::styled(fit::left(&fit::cut(&key, room), room + 1), theme.quiet()));
        }
        let cells = if cells == Cells::Many { WRAPPED_CELLS } else { in_line };
        Words { columns, text: fit::start_of(&record.data, cells), style: Style::new() }
    });
}
