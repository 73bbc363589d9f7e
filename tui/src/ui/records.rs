//! Records: what is in the stream.

use ratatui::{Frame, layout::Rect, style::Style, text::Span};
use tailwater_core::{
    app::{App, EventSource, Pane, Row},
    text::number,
};

use super::{
    Screen, Theme, fit, focused,
    rows::{self, Words},
    title,
};

/// From this width on a row has milliseconds and its size, from the next on its place.
const ROOM_FOR_SIZE: u16 = 56;
const ROOM_FOR_PLACE: u16 = 76;
/// How many cells of a wrapped record are made ready: more is in the row's own view.
const WRAPPED_CELLS: usize = 4_000;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let state = rows::state_words(app, Pane::Records, Some(EventSource::Records));
    let inner = title::draw(frame, area, focused(app, Pane::Records), &title::of(Pane::Records), &state, theme);
    let pane = app.pane(Pane::Records);
    let cells = if pane.wrap { WRAPPED_CELLS } else { usize::from(area.width) + pane.sideways };
    rows::draw(frame, inner, app, screen, Pane::Records, theme, |row| {
        let Row::Record(record) = row else {
            return Words { columns: Vec::new(), text: String::new(), style: Style::new() };
        };
        let clock = app.offset();
        let wide = area.width >= ROOM_FOR_SIZE;
        let time = if wide { clock.clock_millis(record.time) } else { clock.clock(record.time) };
        let mut columns = vec![Span::styled(format!("{time} "), theme.quiet())];
        if wide {
            columns.push(Span::styled(fit::left(&number::size(record.data.len() as u64), 9), theme.quiet()));
        }
        if area.width >= ROOM_FOR_PLACE {
            let shard = fit::cut(record.shard_id.number(), 6);
            let place = format!("shard {shard} {} ", fit::end_of(record.sequence_number.as_str(), 7));
            columns.push(Span::styled(place, theme.quiet()));
        }
        Words { columns, text: fit::start_of(&record.data, cells), style: Style::new() }
    });
}
