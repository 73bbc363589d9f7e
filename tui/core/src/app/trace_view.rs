//! The trace that is open: which of its rows is selected, what `Enter` opens, and the way back.

use super::{App, Detail, Pane, Row, Trail};
use crate::{
    events::{ApiRequestId, LambdaRequestId, LogSource, Timestamp},
    pipeline::Hop,
    trace::{EventNumber, Place},
};

/// The most log lines that a trace lists.
const MOST_LOG_LINES: usize = 100;

/// The trace that is open.
#[derive(Debug, Clone)]
pub struct TraceView {
    /// The event.
    pub number: EventNumber,
    /// The selected row; `None`: none, and `Enter` shows the bytes.
    pub selected: Option<usize>,
    /// The bytes at each hop, where they are shown.
    pub bytes: Option<Trail>,
    /// The row that it was opened from, where its pane followed the newest.
    from: Option<(Pane, u64)>,
}

/// A row of a trace that can be selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceItem {
    /// A row of the waterfall.
    Stage(Place),
    /// The line of the bytes.
    Bytes,
    /// A log line, by its row's id in Logs.
    Log(u64),
}

impl App {
    /// The trace that is open.
    pub const fn trace_view(&self) -> Option<&TraceView> {
        self.trace.as_ref()
    }

    /// The rows of the open trace that can be selected, from above.
    pub fn trace_items(&self) -> Vec<TraceItem> {
        let Some(view) = &self.trace else { return Vec::new() };
        let stages = Place::ALL.into_iter().map(TraceItem::Stage);
        let logs = self.log_rows_of(view.number).into_iter().map(TraceItem::Log);
        stages.chain([TraceItem::Bytes]).chain(logs).collect()
    }

    /// The selected row of the open trace.
    pub fn trace_selected(&self) -> Option<TraceItem> {
        let selected = self.trace.as_ref()?.selected?;
        let items = self.trace_items();
        items.get(selected.min(items.len().saturating_sub(1))).copied()
    }

    /// The log lines of an event, oldest first, by their rows' ids in Logs.
    pub fn log_rows_of(&self, number: EventNumber) -> Vec<u64> {
        let rows = self.pane(Pane::Logs).history().iter().rev();
        let of_it = rows.filter(|(_, row)| row.number(&self.traces) == Some(number));
        let mut found: Vec<(Timestamp, u64)> = of_it.map(|(id, row)| (row.time(), id)).take(MOST_LOG_LINES).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Opens an event's trace.
    pub(super) fn open_trace(&mut self, number: EventNumber) {
        let pane = self.pane(self.focus);
        let row = pane.selected().filter(|_| pane.following() && self.detail.is_none()).map(|(id, _)| id);
        let from = match self.trace.take() {
            Some(view) => view.from,
            None => row.map(|id| (self.focus, id)),
        };
        self.detail = None;
        self.help = None;
        self.trace = Some(TraceView { number, selected: None, bytes: None, from });
    }

    /// Opens the trace of the row that is selected or open.
    pub(super) fn trace_of_row(&mut self) {
        let Some(number) = self.traced() else { return };
        // A row that was opened from its own trace leads back to it as it stood.
        if self.detail.is_some() && self.trace() == Some(number) {
            self.detail = None;
        } else {
            self.open_trace(number);
        }
    }

    /// Another event's trace in the place of the open one.
    pub(super) fn turn_trace_to(&mut self, number: EventNumber) {
        if let Some(view) = &mut self.trace {
            view.number = number;
            view.selected = None;
            if let Some(trail) = &mut view.bytes {
                *trail = trail.again();
            }
        }
    }

    /// Back to where the trace was opened: to the same row, although newer ones may have come.
    pub(super) fn leave_trace(&mut self) {
        let Some(view) = self.trace.take() else { return };
        let Some((pane, id)) = view.from else { return };
        let state = &mut self.panes[pane as usize];
        // In Send nothing selected means the last event sent.
        let moved_on = state.following() && state.selected().is_some_and(|(newest, _)| newest != id);
        if pane == self.focus && pane != Pane::Send && moved_on {
            state.select(id);
        }
    }

    /// Moves the selection of the open trace by so many rows.
    pub(super) fn move_in_trace(&mut self, rows: isize) {
        let last = self.trace_items().len().saturating_sub(1);
        let Some(view) = &mut self.trace else { return };
        if let Some(trail) = &mut view.bytes {
            trail.scroll_by(rows);
            return;
        }
        view.selected = Some(match view.selected {
            Some(selected) => selected.saturating_add_signed(rows).min(last),
            // The first step enters from above, or from below.
            None if rows < 0 => last,
            None => usize::try_from(rows - 1).unwrap_or(0).min(last),
        });
    }

    /// Opens what is selected in the trace: a stage's row, a log line, or the bytes.
    pub(super) fn open_in_trace(&mut self) {
        let Some(number) = self.trace() else { return };
        match self.trace_selected() {
            None | Some(TraceItem::Bytes) => {
                if let Some(view) = &mut self.trace {
                    view.bytes = Some(Trail::default());
                }
            }
            Some(TraceItem::Log(id)) => self.open_row(Pane::Logs, id),
            Some(TraceItem::Stage(place)) => match self.row_of_stage(number, place) {
                Some((pane, id)) => self.open_row(pane, id),
                None => self.say(format!("No row of {} at {} is loaded here.", number, place.name())),
            },
        }
    }

    /// Opens a row of any pane, over whatever is open.
    pub(super) fn open_row(&mut self, pane: Pane, id: u64) {
        if self.trace.is_none() {
            self.focus_on(pane);
            self.panes[pane as usize].select(id);
        }
        if let Some(row) = self.pane(pane).history().get(id) {
            self.detail = Some(Detail::of(pane, id, row, &self.traces, self.offset()));
        }
    }

    /// The row that shows an event at a place: the newest of them.
    pub fn row_of_stage(&self, number: EventNumber, place: Place) -> Option<(Pane, u64)> {
        let logged = |row: &Row, wanted: LogSource| matches!(row, Row::Log { line, .. } if line.source == wanted);
        let (pane, source) = match place {
            Place::Sent => (Pane::Send, None),
            Place::Hop(Hop::Api) => (Pane::Logs, Some(LogSource::Access)),
            Place::Hop(Hop::Lambda) => (Pane::Logs, Some(LogSource::Function)),
            Place::Hop(Hop::Kinesis) => (Pane::Records, None),
            Place::Hop(Hop::Firehose) => (Pane::Logs, Some(LogSource::Delivery)),
            Place::Hop(Hop::S3) => (Pane::Objects, None),
        };
        let fits = |row: &Row| source.is_none_or(|source| logged(row, source)) && row.is_of(number, &self.traces);
        let rows = || self.pane(pane).history().iter();
        // Of several lines of the function the one that says what went wrong, or its own.
        let own = |row: &Row| row.is_trouble() || matches!(row, Row::Log { line, .. } if line.api_request_id.is_some());
        let best = (place == Place::Hop(Hop::Lambda)).then(|| rows().rfind(|(_, row)| fits(row) && own(row))).flatten();
        let delivery = || {
            // A delivery's line names no event: while one waits, the newest line is about it, too.
            let waits = self.traces.get(number).is_some_and(|trace| trace.put() && trace.landing.is_none());
            (place == Place::Hop(Hop::Firehose) && waits)
                .then(|| rows().rfind(|(_, row)| logged(row, LogSource::Delivery)))
                .flatten()
        };
        best.or_else(|| rows().rfind(|(_, row)| fits(row))).or_else(delivery).map(|(id, _)| (pane, id))
    }

    /// What `y` copies of an open trace: the selected row, or all ids of the event.
    pub(super) fn copied_of_trace(&self) -> Option<String> {
        let number = self.trace()?;
        let row = match self.trace_selected() {
            Some(TraceItem::Log(id)) => Some((Pane::Logs, id)),
            Some(TraceItem::Stage(place)) => self.row_of_stage(number, place),
            Some(TraceItem::Bytes) | None => None,
        };
        if let Some((pane, id)) = row {
            return self.pane(pane).history().get(id).map(Row::copy_text);
        }
        let trace = self.traces.get(number)?;
        let ids = [
            ("API request id", trace.api_request_id.as_ref().map(ApiRequestId::as_str)),
            ("Lambda request id", trace.lambda_request_id.as_ref().map(LambdaRequestId::as_str)),
            ("shard", trace.place.as_ref().map(|(shard, _)| shard.as_str())),
            ("sequence number", trace.place.as_ref().map(|(_, number)| number.as_str())),
            ("object", trace.landing.as_ref().map(|landing| landing.object.as_str())),
        ];
        let lines = ids.into_iter().filter_map(|(name, id)| Some(format!("{name} {}\n", id?)));
        Some(lines.collect()).filter(|text: &String| !text.is_empty())
    }

    /// An event that Firehose holds, the oldest of those that are known by a row.
    pub(super) fn oldest_held(&self) -> Option<EventNumber> {
        let held = |row: &Row| match row {
            Row::Record(record) => {
                let number = self.traces.number_of_record(&record.sequence_number, &record.shard_id)?;
                self.traces.get(number).is_some_and(|trace| trace.landing.is_none()).then_some(number)
            }
            _ => None,
        };
        self.pane(Pane::Records).history().iter().find_map(|(_, row)| held(row))
    }

    /// Whether `Enter` in a trace shows the bytes, not a row.
    pub(super) fn enter_is_bytes(&self) -> bool {
        matches!(self.trace_selected(), None | Some(TraceItem::Bytes))
    }

    /// Text or hexadecimal, while the bytes are shown.
    pub(super) fn turn_bytes(&mut self) {
        if let Some(trail) = self.trace.as_mut().and_then(|view| view.bytes.as_mut()) {
            trail.hex = !trail.hex;
            trail.scroll = 0;
        }
    }

    /// The bytes at each hop are shown.
    pub(super) fn bytes_shown(&self) -> bool {
        self.trace.as_ref().is_some_and(|view| view.bytes.is_some())
    }
}
