//! Events without an answer: nothing names their record, but its bytes and the time do.
//!
//! Whose bytes were put while an event of ours was out without an answer, and which nothing else names
//! as ours, is that event: several with the same bytes are settled by count, in order.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use super::{Trace, store::Id};
use crate::events::{RecordHash, Timestamp};

/// How many events without an answer are remembered.
const UNANSWERED_KEPT: usize = 10_000;
/// Clocks may be this far apart.
const CLOCKS_APART: Duration = Duration::from_secs(5);
/// The gateway, and with it the function, ends a request after 30 s.
const LONGEST_REQUEST: Duration = Duration::from_secs(35);

/// An event without an answer.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    id: Id,
    sent_at: Timestamp,
}

/// Events without an answer, by the bytes that their record would have.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    by_hash: HashMap<RecordHash, VecDeque<Waiting>>,
    order: VecDeque<RecordHash>,
}

impl Unanswered {
    /// One more.
    pub fn add(&mut self, hash: RecordHash, id: Id, sent_at: Timestamp) {
        self.by_hash.entry(hash).or_default().push_back(Waiting { id, sent_at });
        self.order.push_back(hash);
        while self.order.len() > UNANSWERED_KEPT {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(waiting) = self.by_hash.get_mut(&oldest) {
                waiting.pop_front();
                if waiting.is_empty() {
                    self.by_hash.remove(&oldest);
                }
            }
        }
    }

    /// The oldest that a record with these bytes, put at this time, can be.
    pub fn take(&mut self, hash: &RecordHash, put: Timestamp) -> Option<Id> {
        let waiting = self.by_hash.get_mut(hash)?;
        let place = waiting.iter().position(|one| can_be(one.sent_at, put))?;
        let id = waiting.remove(place)?.id;
        if waiting.is_empty() {
            self.by_hash.remove(hash);
        }
        Some(id)
    }
}

/// Whether what was put then can be what was sent then.
pub(super) fn can_be(sent_at: Timestamp, put: Timestamp) -> bool {
    put >= sent_at.minus(CLOCKS_APART) && put <= sent_at.plus(LONGEST_REQUEST)
}

/// The hash of the record that a body becomes: without insignificant whitespace, with a newline.
pub(super) fn record_hash(body: &[u8]) -> RecordHash {
    let mut record = Vec::with_capacity(body.len() + 1);
    let (mut in_string, mut escaped) = (false, false);
    for byte in body {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            continue;
        } else {
            in_string = *byte == b'"';
        }
        record.push(*byte);
    }
    record.push(b'\n');
    RecordHash::of(&record)
}

/// Nothing names it as ours, and it was put.
pub(super) fn is_nobodys(trace: &Trace) -> bool {
    trace.sent_at.is_none() && trace.put()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_becomes_its_record() {
        let same = |body: &str, record: &str| record_hash(body.as_bytes()) == RecordHash::of(record.as_bytes());
        assert!(same("{ \"a b\" : [1,\t2],\r\n\"c\": \"\\\" d\" }\n", "{\"a b\":[1,2],\"c\":\"\\\" d\"}\n"));
        assert!(same(r#"" \\" "#, "\" \\\\\"\n"));
    }
}
