//! One event's trace in words: hop by hop what was seen, or why it was not.

use super::{App, Detail, Pane, Row, Sign};
use crate::{
    events::{Answer, Timestamp},
    pipeline::Hop,
    text::{log_line, number, safe::visible, time},
    trace::{EventNumber, Trace},
};

/// What a trace says of one hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLine {
    /// The hop; `None`: the sending itself, or a word under the hops.
    pub hop: Option<Hop>,
    /// The state.
    pub sign: Option<Sign>,
    /// In words, safe to print.
    pub words: String,
}

/// The trace that is open.
#[derive(Debug, Clone)]
pub struct TraceView {
    /// The event.
    pub number: EventNumber,
    /// The selected row; `None`: none, and `Enter` shows the bytes.
    pub selected: Option<usize>,
    /// The row that it was opened from, where its pane followed the newest.
    from: Option<(Pane, u64)>,
}

impl App {
    /// Opens an event's trace.
    pub(super) fn open_trace(&mut self, number: EventNumber) {
        let pane = self.pane(self.focus);
        let row = pane.selected().filter(|_| pane.following() && self.detail.is_none()).map(|(id, _)| id);
        let from = match self.trace.take() {
            Some(view) => view.from,
            None => row.map(|id| (self.focus, id)),
        };
        self.detail = None;
        self.trace = Some(TraceView { number, selected: None, from });
    }

    /// Opens the trace of the row that is selected or open.
    pub(super) fn trace_of_row(&mut self) {
        if let Some(number) = self.traced() {
            self.open_trace(number);
        }
    }

    /// Another event's trace in the place of the open one.
    pub(super) fn turn_trace_to(&mut self, number: EventNumber) {
        if let Some(view) = &mut self.trace {
            view.number = number;
            view.selected = None;
        }
    }

    /// Back to where the trace was opened: to the same row, although newer ones may have come.
    pub(super) fn leave_trace(&mut self) {
        let Some(view) = self.trace.take() else { return };
        if let Some((pane, id)) = view.from
            && pane == self.focus
            && self.pane(pane).following()
            && self.pane(pane).selected().is_some_and(|(newest, _)| newest != id)
            && pane != Pane::Send
        {
            self.panes[pane as usize].select(id);
        }
    }

    /// Opens a row of any pane, over whatever is open.
    pub(super) fn open_row(&mut self, pane: Pane, id: u64) {
        if self.trace.is_none() {
            self.focus_on(pane);
            self.panes[pane as usize].select(id);
        }
        if let Some(row) = self.pane(pane).history().get(id) {
            self.detail = Some(Detail::of(pane, id, row, &self.traces, self.offset));
        }
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

    /// What an event's trace is called and how it stands: `Trace #42: in S3 after 6 s`.
    pub fn trace_title(&self, number: EventNumber) -> String {
        let stands = match self.traces.get(number) {
            None => "not known here any more".to_owned(),
            Some(trace) => match (&trace.landing, trace.last_seen()) {
                (Some(landing), _) => match trace.sent_at.or(trace.record_at) {
                    // The object's date has whole seconds.
                    Some(sent) => format!("in S3 after {}", time::whole_seconds(landing.time.since(sent))),
                    None => "in S3".to_owned(),
                },
                (None, _) if trace.settled() => "refused".to_owned(),
                (None, Some(Hop::Kinesis)) => "in Firehose's buffer".to_owned(),
                (None, Some(hop)) => format!("seen last at {}", hop.name()),
                (None, None) => "on its way".to_owned(),
            },
        };
        format!("Trace {number}: {stands}")
    }

    /// An event's trace, hop by hop.
    pub fn trace_lines(&self, number: EventNumber) -> Vec<TraceLine> {
        let Some(trace) = self.traces.get(number) else {
            let words = "Too many events came since: it was let go.".to_owned();
            return vec![TraceLine { hop: None, sign: Some(Sign::Waiting), words }];
        };
        let mut lines = vec![TraceLine { hop: None, sign: None, words: self.sent_words(trace) }];
        for hop in Hop::ALL {
            let (sign, words) = self.hop_words(hop, trace);
            lines.push(TraceLine { hop: Some(hop), sign: Some(sign), words: visible(&words).into_owned() });
        }
        if trace.sent_bytes > 0 && trace.record_bytes > 0 {
            let changed = if trace.sent_bytes == trace.record_bytes { "" } else { " (whitespace out, a newline in)" };
            let words = format!(
                "{} sent, {} as a record{changed}",
                number::size(trace.sent_bytes),
                number::size(trace.record_bytes)
            );
            lines.push(TraceLine { hop: None, sign: None, words });
        }
        lines
    }

    fn sent_words(&self, trace: &Trace) -> String {
        match trace.sent_at {
            Some(sent) => format!("sent from here at {}", self.offset.clock_millis(sent)),
            None => "sent by someone else".to_owned(),
        }
    }

    fn hop_words(&self, hop: Hop, trace: &Trace) -> (Sign, String) {
        match hop {
            Hop::Api => self.api_words(trace),
            Hop::Lambda => Self::lambda_words(trace),
            Hop::Kinesis => self.kinesis_words(trace),
            Hop::Firehose => self.firehose_words(trace),
            Hop::S3 => match &trace.landing {
                Some(landing) => (
                    Sign::Done,
                    format!("line {} of {}, written {}", landing.line, landing.object, self.offset.clock(landing.time)),
                ),
                None if trace.settled() => (Sign::Waiting, "nothing comes here".to_owned()),
                None => (Sign::Waiting, "not yet in an object".to_owned()),
            },
        }
    }

    fn api_words(&self, trace: &Trace) -> (Sign, String) {
        let took = trace.latency.map(time::duration).unwrap_or_default();
        match &trace.answer {
            Some(Answer::Accepted { api_request_id, .. }) => {
                (Sign::Done, format!("202 in {took}, request {api_request_id}"))
            }
            Some(Answer::Refused { status: 429, .. }) => (Sign::Attention, format!("429 in {took}: throttled")),
            Some(Answer::Refused { status, message, .. }) => (Sign::Failed, format!("{status} in {took}: {message}")),
            Some(Answer::Unanswered { message }) => (Sign::Attention, format!("no answer in {took}: {message}")),
            None => match (trace.access_at, trace.sent_at) {
                (Some(access), _) => (Sign::Done, format!("logged at {}", self.offset.clock_millis(access))),
                (None, Some(sent)) => {
                    (Sign::Moving, format!("no answer yet, {}", time::whole_seconds(self.now.since(sent))))
                }
                (None, None) => (Sign::Waiting, "its request was not seen".to_owned()),
            },
        }
    }

    fn lambda_words(trace: &Trace) -> (Sign, String) {
        if !trace.seen_at(Hop::Lambda) {
            return match &trace.answer {
                Some(Answer::Refused { status: 429, .. }) => (Sign::Waiting, "not reached".to_owned()),
                _ => (Sign::Waiting, "no log line of it yet".to_owned()),
            };
        }
        let mut words = vec![trace.outcome.clone().unwrap_or_else(|| "ran".to_owned())];
        if let Some(report) = trace.report {
            words.push(log_line::milliseconds(report.duration_ms));
            words.extend(report.init_ms.map(|init| format!("cold start {}", log_line::milliseconds(init))));
            words.extend(report.max_memory_mb.map(|memory| format!("{memory} MB of memory at most")));
        }
        words.extend(trace.lambda_request_id.as_ref().map(|id| format!("request {id}")));
        (if trace.settled() && trace.landing.is_none() { Sign::Failed } else { Sign::Done }, words.join(", "))
    }

    fn kinesis_words(&self, trace: &Trace) -> (Sign, String) {
        let place = trace
            .place
            .as_ref()
            .map(|(shard, number)| (shard, number))
            .or(match &trace.answer {
                Some(Answer::Accepted { shard_id, sequence_number, .. }) => Some((shard_id, sequence_number)),
                _ => None,
            })
            .map(|(shard, number)| format!("shard {}, {number}", shard.number()));
        match (trace.record_at, place) {
            (Some(arrived), place) => {
                let place = place.map(|place| format!(", {place}")).unwrap_or_default();
                (Sign::Done, format!("arrived {}{place}", self.offset.clock_millis(arrived)))
            }
            (None, Some(place)) => (Sign::Moving, format!("put to {place}; its record is not read yet")),
            (None, None) if trace.settled() => (Sign::Waiting, "nothing was put".to_owned()),
            (None, None) => (Sign::Waiting, "no record of it seen".to_owned()),
        }
    }

    fn firehose_words(&self, trace: &Trace) -> (Sign, String) {
        if let (Some(landing), since) = (&trace.landing, trace.record_at) {
            let held = since.map(|since| format!(" after about {}", time::whole_seconds(landing.time.since(since))));
            return (Sign::Done, format!("delivered it{}", held.unwrap_or_default()));
        }
        let Some(arrived) = trace.record_at.or(trace.sent_at).filter(|_| trace.put()) else {
            return (Sign::Waiting, "has nothing of it".to_owned());
        };
        match self.due_of(arrived) {
            Some(due) if self.now > due => {
                (Sign::Attention, format!("should have delivered it {} ago", time::whole_seconds(self.now.since(due))))
            }
            Some(due) => (Sign::Moving, format!("holds it, {}", self.due_words(due))),
            None => (Sign::Moving, "holds it".to_owned()),
        }
    }

    /// When a record that came then is delivered: with the oldest that is held.
    fn due_of(&self, arrived: Timestamp) -> Option<Timestamp> {
        self.due().filter(|due| *due >= arrived)
    }
}
