//! One event's way through the hops.

use std::time::Duration;

use crate::{
    events::{
        Answer, ApiRequestId, LambdaRequestId, ObjectKey, PlatformReport, RecordHash, SequenceNumber, ShardId,
        Timestamp,
    },
    pipeline::Hop,
};

/// The line of an object that an event became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    /// The object.
    pub object: ObjectKey,
    /// The line in it, from 1.
    pub line: u64,
    /// The object's date, whole seconds.
    pub time: Timestamp,
}

/// One event's way through the hops, as far as it was seen. Each time is by the clock of whoever
/// measured it.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// When it was sent, by this machine's clock; `None` for others' events.
    pub sent_at: Option<Timestamp>,
    /// From sending to the answer.
    pub latency: Option<Duration>,
    /// What came back; `None`: nothing yet, or someone else's event.
    pub answer: Option<Answer>,
    /// The body's size as sent.
    pub sent_bytes: u64,
    /// The gateway's id of the request.
    pub api_request_id: Option<ApiRequestId>,
    /// The gateway's access line.
    pub access_at: Option<Timestamp>,
    /// The function's own line.
    pub function_at: Option<Timestamp>,
    /// What the function said it did: `accepted`.
    pub outcome: Option<String>,
    /// Lambda's id of the invocation.
    pub lambda_request_id: Option<LambdaRequestId>,
    /// Lambda's report of the invocation.
    pub report: Option<PlatformReport>,
    /// The record's place in the stream.
    pub place: Option<(ShardId, SequenceNumber)>,
    /// When Kinesis took the record.
    pub record_at: Option<Timestamp>,
    /// The record's size.
    pub record_bytes: u64,
    /// The record's bytes.
    pub hash: Option<RecordHash>,
    /// Where it landed.
    pub landing: Option<Landing>,
}

impl Trace {
    /// Whether it was seen at this hop. Firehose itself shows nothing: its proof is the object.
    pub fn seen_at(&self, hop: Hop) -> bool {
        match hop {
            Hop::Api => {
                self.access_at.is_some()
                    || matches!(self.answer, Some(Answer::Accepted { .. } | Answer::Refused { .. }))
            }
            Hop::Lambda => self.function_at.is_some() || self.report.is_some(),
            Hop::Kinesis => self.record_at.is_some(),
            Hop::Firehose | Hop::S3 => self.landing.is_some(),
        }
    }

    /// The last hop at which it was seen.
    pub fn last_seen(&self) -> Option<Hop> {
        Hop::ALL.into_iter().rev().find(|hop| self.seen_at(*hop))
    }

    /// Nothing more is to come.
    pub fn settled(&self) -> bool {
        self.landing.is_some() || matches!(self.answer, Some(Answer::Refused { nothing_put: true, .. }))
    }

    /// Something proves that it was put to the stream.
    pub fn put(&self) -> bool {
        self.record_at.is_some() || self.place.is_some() || matches!(self.answer, Some(Answer::Accepted { .. }))
    }

    /// Takes over what another trace, which turned out to be the same event's, knew.
    pub(super) fn take_from(&mut self, other: Self) {
        macro_rules! or {
            ($($field:ident),*) => { $( if self.$field.is_none() { self.$field = other.$field; } )* };
        }
        or!(
            sent_at,
            latency,
            answer,
            api_request_id,
            access_at,
            function_at,
            outcome,
            lambda_request_id,
            report,
            place,
            record_at,
            hash,
            landing
        );
        self.sent_bytes = self.sent_bytes.max(other.sent_bytes);
        self.record_bytes = self.record_bytes.max(other.record_bytes);
    }
}
