//! What the strip says of each hop, and what moves between them.

use std::time::Duration;

use super::{App, EventSource, HopProgress, Moving, Phase, Row, TailState, Target};
use crate::{
    events::{LogSource, Timestamp},
    pipeline::Hop,
    text::{number, time},
    trace::EventNumber,
};

/// How long after a record came its mark is seen on the way to Firehose.
const PASSING: Duration = Duration::from_secs(1);

/// How long an event counts as sent a moment ago.
const FRESH: Duration = Duration::from_secs(3);

/// A state as a sign, to stand beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Done, in order.
    Done,
    /// Being done.
    Moving,
    /// Slow, throttled, or to be looked at.
    Attention,
    /// Failed.
    Failed,
    /// Waits.
    Waiting,
}

impl Sign {
    /// The sign.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Done => "✓",
            Self::Moving => "●",
            Self::Attention => "!",
            Self::Failed => "✗",
            Self::Waiting => "…",
        }
    }
}

/// What the strip says of a hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopView {
    /// The state.
    pub sign: Option<Sign>,
    /// The figures, in few words.
    pub words: String,
    /// What follows them where there is room.
    pub more: String,
    /// The key that shows more of the trouble; empty: none.
    pub key: &'static str,
    /// Counts of the last minute, one a second, oldest first.
    pub by_second: Vec<u64>,
}

/// What is on the line from one hop to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnTheLine {
    /// How many events.
    pub events: u64,
    /// How far along they are, in thousandths.
    pub progress: u16,
}

impl App {
    /// What the strip says of a hop.
    pub fn hop(&self, hop: Hop) -> HopView {
        if self.deployment.ready().is_none() {
            return self.hop_before(hop);
        }
        let (sign, words, more) = match self.trouble_at(hop) {
            Some((sign, words)) => (Some(sign), words, String::new()),
            None => (None, self.hop_figures(hop), self.more_figures(hop)),
        };
        let key = if sign.is_some() { key_to_trouble(hop) } else { "" };
        let seconds = match hop {
            Hop::Api => self.requests(),
            Hop::Lambda => &self.figures.runs,
            Hop::Kinesis => &self.figures.records,
            // Nothing is seen inside Firehose but what leaves it.
            Hop::Firehose => return HopView { sign, words, more, key, by_second: Vec::new() },
            Hop::S3 => &self.figures.landed,
        };
        HopView { sign, words, more, key, by_second: seconds.by_second(self.now) }
    }

    fn hop_before(&self, hop: Hop) -> HopView {
        let (sign, words) = match self.deployment.hop(hop) {
            HopProgress::Waiting => (Sign::Waiting, String::new()),
            HopProgress::Working if matches!(self.deployment.phase, Phase::Failed(_)) => {
                (Sign::Waiting, "stopped".to_owned())
            }
            HopProgress::Working => (Sign::Moving, self.deployment.verb().to_owned()),
            HopProgress::Done(took) => (Sign::Done, time::duration(took)),
            HopProgress::Failed => (Sign::Failed, "failed".to_owned()),
        };
        HopView { sign: Some(sign), words, more: String::new(), key: "", by_second: Vec::new() }
    }

    /// Requests: what the gateway logged, or what was sent from here where its log is behind.
    fn requests(&self) -> &super::figures::Seconds {
        let figures = &self.figures;
        if figures.access.in_window(self.now) >= figures.sent.in_window(self.now) {
            &figures.access
        } else {
            &figures.sent
        }
    }

    fn hop_figures(&self, hop: Hop) -> String {
        let idle = || "idle".to_owned();
        match hop {
            Hop::Api => self.requests().words(self.now).unwrap_or_else(idle),
            Hop::Lambda => match self.figures.run_time.p50(self.now) {
                Some(p50) => format!("p50 {}", time::duration(p50)),
                None => idle(),
            },
            Hop::Kinesis => self.figures.records.words(self.now).unwrap_or_else(idle),
            Hop::Firehose => {
                let held = self.held();
                match self.due() {
                    Some(due) if held.records > 0 => {
                        format!("holds {}, {}", number::grouped(held.records), self.due_words(due))
                    }
                    _ => "holds none".to_owned(),
                }
            }
            Hop::S3 => number::counted(self.figures.lines_in_s3, "event"),
        }
    }

    fn more_figures(&self, hop: Hop) -> String {
        let more = match hop {
            Hop::Api => self.figures.latency.p50(self.now).map(|p50| format!(", p50 {}", time::duration(p50))),
            Hop::Lambda => self.figures.runs.words(self.now).map(|rate| format!(", {rate}")),
            Hop::S3 => Some(format!(", {}", number::counted(self.figures.objects, "object"))),
            Hop::Kinesis | Hop::Firehose => None,
        };
        more.unwrap_or_default()
    }

    /// What is wrong at a hop, in few words.
    pub fn trouble_at(&self, hop: Hop) -> Option<(Sign, String)> {
        let figures = &self.figures;
        let count = |seconds: &super::figures::Seconds| seconds.in_window(self.now);
        match hop {
            Hop::Api => match (figures.throttled_in_window(self.now), count(&figures.not_accepted)) {
                (0, 0) => None,
                (0, others) => Some((Sign::Failed, format!("{} failed", number::grouped(others)))),
                (throttled, _) => Some((Sign::Attention, format!("{} throttled", number::grouped(throttled)))),
            },
            Hop::Lambda => match count(&figures.function_errors) {
                0 => None,
                errors => Some((Sign::Failed, number::counted(errors, "error"))),
            },
            Hop::Kinesis => self.source_trouble(EventSource::Records),
            Hop::Firehose => match count(&figures.delivery_errors) {
                0 => {
                    let due = self.due()?;
                    let late = self.now.since(due);
                    // Firehose's own retries and the listing of the bucket take a moment.
                    (late > Duration::from_secs(5))
                        .then(|| (Sign::Attention, format!("{} late", time::whole_seconds(late))))
                }
                errors => Some((Sign::Failed, number::counted(errors, "delivery error"))),
            },
            Hop::S3 => self.source_trouble(EventSource::Objects),
        }
    }

    /// A source that is not read goes into the messages.
    pub(super) fn log_tail(&mut self, source: EventSource, state: &TailState) {
        let (sign, error) = match state {
            TailState::Retrying { error, .. } => (Sign::Attention, error),
            TailState::Ended { error } => (Sign::Failed, error),
            TailState::Following | TailState::Slowed { .. } => return,
        };
        let words = format!("{source:?} can't be read: {error}");
        self.message_log.add(self.now, sign, &words);
    }

    fn source_trouble(&self, source: EventSource) -> Option<(Sign, String)> {
        match self.tails.get(&source) {
            Some(TailState::Retrying { .. }) => Some((Sign::Attention, "not read".to_owned())),
            Some(TailState::Ended { .. }) => Some((Sign::Failed, "not read".to_owned())),
            _ => None,
        }
    }

    /// When Firehose should deliver what it holds.
    pub fn due(&self) -> Option<Timestamp> {
        let oldest = self.held().oldest?;
        let interval = Duration::from_secs(self.deployment.ready()?.buffering.interval_seconds);
        Some(oldest.plus(interval))
    }

    /// `due in 6 s`; on AWS, whose buffer can't be seen, `due about 03:12:40`.
    pub fn due_words(&self, due: Timestamp) -> String {
        match self.target {
            Target::Local if due > self.now => format!("due in {}", time::whole_seconds(due.since(self.now))),
            Target::Local => "due now".to_owned(),
            Target::Aws { .. } => format!("due about {}", self.offset().clock(due)),
        }
    }

    /// What moves on the line that leads from a hop to the next.
    pub fn moving(&self, from: Hop) -> Moving {
        self.flow.on_line(from, self.now, self.hold())
    }

    /// How many events a hop holds for the eyes to follow, in presenter mode.
    pub fn held_for_eyes(&self, hop: Hop) -> usize {
        self.flow.held_at(hop, self.now, self.hold())
    }

    /// Something moves on the screen: it is to be drawn again soon.
    pub fn moves(&self) -> bool {
        self.motion() && self.flow.moves(self.now, self.hold())
    }

    /// A row tells that its event was at a hop.
    pub(super) fn observe(&mut self, row: &Row) {
        if self.deployment.ready().is_none() {
            return;
        }
        if !self.motion() {
            self.follow_row(row);
            return;
        }
        let (now, hold) = (self.now, self.hold());
        let hop = match row {
            Row::Sent(sent) if sent.accepted() => {
                // Its record may have been seen before the answer told whose it is.
                let number = EventNumber::Own(sent.seq);
                let arrived = self.traces.get(number).is_some_and(|trace| trace.record_at.is_some());
                if arrived { Hop::Firehose } else { Hop::Lambda }
            }
            Row::Sent(_) => Hop::Api,
            Row::Log { line, .. } => match line.source {
                LogSource::Access => Hop::Api,
                LogSource::Function => Hop::Lambda,
                LogSource::Delivery => return,
            },
            // What is in the stream Firehose reads, although nothing shows it.
            Row::Record(_) => Hop::Firehose,
            Row::Object(object) => {
                for number in self.traces.numbers_in_object(&object.key) {
                    self.flow.observe(*number, Hop::S3, false, now, hold);
                }
                return;
            }
            Row::Stack(_) | Row::Trace(_) => return,
        };
        if let Some(number) = row.number(&self.traces) {
            let sent_at = self.traces.get(number).and_then(|trace| trace.sent_at);
            let fresh = sent_at.is_some_and(|sent_at| now.since(sent_at) < FRESH);
            self.flow.observe(number, hop, fresh, now, hold);
        }
    }

    /// What is on the line that leads from a hop to the next.
    pub fn on_the_line(&self, from: Hop) -> OnTheLine {
        let waiting = self.waiting_on_line(from);
        if !self.motion() {
            return waiting;
        }
        // An event is where its mark is: what the mark has still to reach does not show it yet, and
        // from the hop where it waits it will go on.
        let events = waiting.events.saturating_sub(self.flow.before(from));
        match from {
            Hop::Api | Hop::Lambda => OnTheLine { events, progress: 0 },
            Hop::Kinesis => OnTheLine::default(),
            Hop::Firehose | Hop::S3 => OnTheLine { events, ..waiting },
        }
    }

    /// What is on the line, wherever marks are.
    fn waiting_on_line(&self, from: Hop) -> OnTheLine {
        let middle = |events: u64| OnTheLine { events, progress: 500 };
        match from {
            Hop::Api => middle(self.send.in_flight().len() as u64),
            Hop::Lambda => middle(self.put_not_seen()),
            Hop::Kinesis => {
                let from = self.now.minus(PASSING);
                middle(if self.last_record > from { self.figures.records.within(self.now, 1) } else { 0 })
            }
            Hop::Firehose => {
                let held = self.held();
                match (held.oldest, self.due()) {
                    (Some(oldest), Some(due)) if held.records > 0 => {
                        let whole = due.since(oldest).as_millis().max(1);
                        let passed = self.now.since(oldest).as_millis().min(whole);
                        OnTheLine {
                            events: held.records,
                            progress: u16::try_from(passed * 1000 / whole).unwrap_or(1000),
                        }
                    }
                    _ => OnTheLine::default(),
                }
            }
            Hop::S3 => OnTheLine::default(),
        }
    }
}

/// The key of what shows more of a hop's trouble: its log lines, or the calls that fail.
const fn key_to_trouble(hop: Hop) -> &'static str {
    match hop {
        Hop::Api | Hop::Lambda | Hop::Firehose => "2",
        Hop::Kinesis | Hop::S3 => "7",
    }
}
