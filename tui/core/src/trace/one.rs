//! One event's way through the hops.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    events::{
        Answer, ApiRequestId, LambdaRequestId, ObjectKey, PlatformReport, RecordHash, ReportStatus, SequenceNumber,
        ShardId, Timestamp,
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

/// What the gateway's access log says of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessFacts {
    /// When the gateway took it.
    pub request_at: Option<Timestamp>,
    /// From there to the end of the answer, milliseconds.
    pub response_ms: Option<u32>,
    /// What of that the function took, as the gateway saw it, milliseconds.
    pub integration_ms: Option<u32>,
    /// What the client was answered.
    pub status: Option<u16>,
    /// What Lambda itself answered the gateway.
    pub lambda_status: Option<u16>,
    /// The function was reached.
    pub reached: bool,
    /// Why it was not answered well.
    pub error: Option<String>,
}

/// What the function says of putting the record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PutFacts {
    /// Milliseconds from the first attempt to Kinesis's last answer.
    pub kinesis_ms: Option<f64>,
    /// How often it was sent.
    pub attempts: Option<u32>,
    /// What Kinesis answered where it did not take it.
    pub error: Option<String>,
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
    /// The body as sent, of the newest events.
    pub sent_body: Option<Bytes>,
    /// The gateway's id of the request.
    pub api_request_id: Option<ApiRequestId>,
    /// The gateway's access line.
    pub access_at: Option<Timestamp>,
    /// What that line says.
    pub access: Option<AccessFacts>,
    /// When the environment began to start that served it first.
    pub init_at: Option<Timestamp>,
    /// When the invocation began.
    pub started_at: Option<Timestamp>,
    /// The function's own line.
    pub function_at: Option<Timestamp>,
    /// What the function said it did: `accepted`.
    pub outcome: Option<String>,
    /// The status that the function answered.
    pub function_status: Option<u16>,
    /// The function's line in its own words, where it did not accept.
    pub function_words: Option<String>,
    /// What the function said of putting it.
    pub putting: Option<PutFacts>,
    /// Lambda's id of the invocation.
    pub lambda_request_id: Option<LambdaRequestId>,
    /// Lambda's report of the invocation.
    pub report: Option<PlatformReport>,
    /// When that was written.
    pub reported_at: Option<Timestamp>,
    /// The line that says why the function failed.
    pub fault: Option<String>,
    /// The record's place in the stream.
    pub place: Option<(ShardId, SequenceNumber)>,
    /// When Kinesis took the record.
    pub record_at: Option<Timestamp>,
    /// The record's size.
    pub record_bytes: u64,
    /// The record, of the newest events.
    pub record_data: Option<Bytes>,
    /// The record's bytes.
    pub hash: Option<RecordHash>,
    /// No answer and no line names its record: its bytes and the time do.
    pub found_by_bytes: bool,
    /// Which of the records with these bytes it is, from 1, in the order they were seen.
    pub nth: u64,
    /// Where it landed.
    pub landing: Option<Landing>,
    /// Where Firehose put it because it could not deliver it.
    pub failed_delivery: Option<Landing>,
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
        self.landing.is_some() || self.refused()
    }

    /// Something proves that it was put to the stream.
    pub fn put(&self) -> bool {
        self.record_at.is_some() || self.place.is_some() || matches!(self.answer, Some(Answer::Accepted { .. }))
    }

    /// Something proves that nothing was put, and nothing is to come: an answer, or what the gateway
    /// or the function logged of one.
    pub fn refused(&self) -> bool {
        if self.put() {
            return false;
        }
        let answered = matches!(self.answer, Some(Answer::Refused { nothing_put: true, .. }));
        let function_says = matches!(
            self.outcome.as_deref(),
            Some("invalid" | "too_large" | "throttled" | "failed" | "not_found" | "method_not_allowed")
        );
        // The gateway refused by itself, or Lambda refused to run the function.
        let gateway_says = self.access.as_ref().is_some_and(|access| {
            let refused = |status: Option<u16>| status.is_some_and(|status| (300..500).contains(&status));
            !access.reached && (refused(access.status) || refused(access.lambda_status))
        });
        answered || function_says || gateway_says
    }

    /// Since when it was in the stream, as far as is known: its arrival, else the function's line of it,
    /// else its sending.
    pub fn put_since(&self) -> Option<Timestamp> {
        self.record_at.or(self.function_at).or(self.sent_at).filter(|_| self.put())
    }

    /// Its record may be in the stream although nobody was told so.
    pub fn maybe_put(&self) -> bool {
        !self.put() && !self.refused() && self.answer.is_some()
    }

    /// The function failed in a way that is not its own answer.
    pub fn threw(&self) -> bool {
        self.report.is_some_and(|report| matches!(report.status, ReportStatus::Failure | ReportStatus::Error))
            || self.fault.is_some() && !self.timed_out()
    }

    /// The function ran out of time.
    pub fn timed_out(&self) -> bool {
        self.report.is_some_and(|report| report.status == ReportStatus::Timeout)
    }

    /// The environment was started for it.
    pub fn cold(&self) -> bool {
        self.report.is_some_and(|report| report.init_ms.is_some()) || self.init_at.is_some()
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
            sent_body,
            api_request_id,
            access_at,
            access,
            init_at,
            started_at,
            function_at,
            outcome,
            function_status,
            function_words,
            putting,
            lambda_request_id,
            report,
            reported_at,
            fault,
            place,
            record_at,
            record_data,
            hash,
            landing,
            failed_delivery
        );
        self.sent_bytes = self.sent_bytes.max(other.sent_bytes);
        self.record_bytes = self.record_bytes.max(other.record_bytes);
        self.nth = self.nth.max(other.nth);
        self.found_by_bytes |= other.found_by_bytes;
    }
}
