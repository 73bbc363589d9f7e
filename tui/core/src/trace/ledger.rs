//! The ledger: where events are, each term counted from a set of its own.

use std::{collections::BTreeMap, time::Duration};

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
    /// Refused, and something proves that nothing was put.
    pub refused: u64,
    /// No answer, or one that proves nothing, and no record that settles it.
    pub unanswered: u64,
    /// Put, and past the time by which Firehose should have delivered it, or proven lost.
    pub missing: u64,
    /// Of the missing, those that are proven lost.
    pub lost: u64,
    /// Of those on the way, those that were too many to be followed further.
    pub unfollowed: u64,
    /// Others' events that were seen, beside the sum.
    pub others: u64,
    /// Lines beyond the number of records with their bytes, whoever sent them, beside the sum.
    pub duplicates: u64,
}

impl Ledger {
    /// Whether the terms make up the sum.
    pub const fn balances(&self) -> bool {
        self.sent == self.in_s3 + self.on_the_way + self.refused + self.unanswered + self.missing
    }
}

/// The one set that an event is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    /// Sent, and no answer yet.
    Awaited,
    /// Put in this second, and not seen further on: on the way, or, past its deadline, missing.
    Put(i64),
    InS3,
    Refused,
    Unanswered,
    Lost,
    /// Put, and too many came since to follow it.
    Unfollowed,
    /// Someone else's, of which nothing proves yet that it was put or was not.
    Seen,
}

impl Term {
    pub fn of(trace: &Trace) -> Self {
        if trace.landing.is_some() {
            Self::InS3
        } else if trace.failed_delivery.is_some() {
            Self::Lost
        } else if trace.put() {
            Self::Put(second(trace.put_since().unwrap_or_default()))
        } else if trace.refused() {
            Self::Refused
        } else {
            match trace.answer {
                None if trace.sent_at.is_some() => Self::Awaited,
                None => Self::Seen,
                Some(Answer::Accepted { .. } | Answer::Refused { .. } | Answer::Unanswered { .. }) => Self::Unanswered,
            }
        }
    }
}

/// The second a time lies in.
pub(super) fn second(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(1_000)
}

/// Whether what was put in this second is past its deadline.
pub(super) fn is_overdue(put_in: i64, now: Timestamp, deadline: Option<Duration>) -> bool {
    first_in_time(now, deadline).is_some_and(|first| put_in < first)
}

/// The first second of which what was put is not past its deadline.
fn first_in_time(now: Timestamp, deadline: Option<Duration>) -> Option<i64> {
    Some(second(now) - i64::try_from(deadline?.as_secs()).unwrap_or(i64::MAX))
}

/// How many happened in each second.
#[derive(Debug, Clone, Default)]
pub(super) struct BySecond(BTreeMap<i64, u64>);

impl BySecond {
    pub fn add(&mut self, second: i64) {
        *self.0.entry(second).or_default() += 1;
    }

    pub fn remove(&mut self, second: i64) {
        if let Some(count) = self.0.get_mut(&second) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&second);
            }
        }
    }

    pub fn before(&self, second: i64) -> u64 {
        self.0.range(..second).map(|(_, count)| count).sum()
    }

    pub fn from(&self, second: i64) -> u64 {
        self.0.range(second..).map(|(_, count)| count).sum()
    }

    /// Keeps the newest so many seconds.
    pub fn trim(&mut self, most: usize) {
        while self.0.len() > most {
            self.0.pop_first();
        }
    }
}

/// The terms of the ledger, kept up as events change theirs.
#[derive(Debug, Clone, Default)]
pub(super) struct Balance {
    events: u64,
    in_s3: u64,
    awaited: u64,
    refused: u64,
    unanswered: u64,
    lost: u64,
    unfollowed: u64,
    seen: u64,
    put_all: u64,
    put: BySecond,
}

impl Balance {
    pub fn add(&mut self, term: Term) {
        self.events += 1;
        match self.counter(term) {
            Some(counter) => *counter += 1,
            None => {
                if let Term::Put(second) = term {
                    self.put_all += 1;
                    self.put.add(second);
                }
            }
        }
    }

    pub fn remove(&mut self, term: Term) {
        self.events -= 1;
        match self.counter(term) {
            Some(counter) => *counter -= 1,
            None => {
                if let Term::Put(second) = term {
                    self.put_all -= 1;
                    self.put.remove(second);
                }
            }
        }
    }

    fn counter(&mut self, term: Term) -> Option<&mut u64> {
        Some(match term {
            Term::Put(_) => return None,
            Term::Awaited => &mut self.awaited,
            Term::InS3 => &mut self.in_s3,
            Term::Refused => &mut self.refused,
            Term::Unanswered => &mut self.unanswered,
            Term::Lost => &mut self.lost,
            Term::Unfollowed => &mut self.unfollowed,
            Term::Seen => &mut self.seen,
        })
    }

    pub fn events(&self) -> u64 {
        self.events
    }

    pub fn ledger(&self, now: Timestamp, deadline: Option<Duration>) -> Ledger {
        let overdue = first_in_time(now, deadline).map_or(0, |first| self.put.before(first));
        Ledger {
            sent: self.events,
            in_s3: self.in_s3,
            on_the_way: self.awaited + self.seen + self.unfollowed + self.put_all - overdue,
            refused: self.refused,
            unanswered: self.unanswered,
            missing: self.lost + overdue,
            lost: self.lost,
            unfollowed: self.unfollowed,
            others: 0,
            duplicates: 0,
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
