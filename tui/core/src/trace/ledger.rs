//! The ledger: where the events sent from here are.

use std::time::Duration;

use super::Trace;
use crate::events::{Answer, Timestamp};

/// Where the events sent from here are: `sent` is the sum of the next five, each counted by
/// itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    /// All of them.
    pub sent: u64,
    /// Seen as a line of an object.
    pub in_s3: u64,
    /// Not yet answered, or put and not yet due.
    pub on_the_way: u64,
    /// Refused, and the answer proves that nothing was put.
    pub refused: u64,
    /// No answer, or one that proves nothing, and no record that settles it.
    pub unanswered: u64,
    /// Put, and past the time by which Firehose should have delivered it.
    pub missing: u64,
    /// Others' events that were seen, beside the sum.
    pub others: u64,
}

impl Ledger {
    /// Counts one trace. `deadline`: how long after the put it counts as missing.
    pub(super) fn count(&mut self, trace: &Trace, now: Timestamp, deadline: Option<Duration>) {
        self.sent += 1;
        if trace.landing.is_some() {
            self.in_s3 += 1;
        } else if trace.put() {
            let since = trace.record_at.or(trace.sent_at);
            let overdue = deadline.zip(since).is_some_and(|(deadline, since)| now.since(since) > deadline);
            if overdue {
                self.missing += 1;
            } else {
                self.on_the_way += 1;
            }
        } else {
            match &trace.answer {
                None => self.on_the_way += 1,
                Some(Answer::Refused { nothing_put: true, .. }) => self.refused += 1,
                Some(_) => self.unanswered += 1,
            }
        }
    }
}

/// What Firehose holds, as far as can be told from outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Records seen in the stream and not yet in an object.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the oldest of them was put.
    pub oldest: Option<Timestamp>,
}

impl Held {
    pub(super) fn count(&mut self, trace: &Trace) {
        self.records += 1;
        self.bytes += trace.record_bytes;
        self.oldest = match (self.oldest, trace.record_at) {
            (Some(known), Some(time)) => Some(known.min(time)),
            (known, time) => known.or(time),
        };
    }
}
