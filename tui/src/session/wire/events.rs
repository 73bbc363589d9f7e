//! The events as they stand in a recording.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tailwater_core::events::{self, LogLine, ObjectLines, RecordHash, Timestamp};

use super::{super::redact::Redaction, micros};

/// Bytes: as text where they are text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Body {
    /// Text.
    Text(String),
    /// Anything else.
    Other {
        /// In base64.
        base64: String,
    },
}

impl Body {
    fn of(bytes: &Bytes) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Other { base64: STANDARD.encode(bytes) },
        }
    }

    fn read(self) -> Result<Bytes, String> {
        match self {
            Self::Text(text) => Ok(text.into()),
            Self::Other { base64 } => STANDARD.decode(base64).map(Into::into).map_err(|error| error.to_string()),
        }
    }
}

/// An event that is being sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sending {
    seq: u64,
    body: Body,
}

impl Sending {
    /// Of its number and body.
    pub fn of(seq: u64, body: &Bytes, redaction: &mut Redaction) -> Self {
        Self { seq, body: Body::of(&redaction.body(body)) }
    }

    /// Its number and body.
    pub fn read(self) -> Result<(u64, Bytes), String> {
        Ok((self.seq, self.body.read()?))
    }
}

/// A request with its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    seq: u64,
    time: Timestamp,
    latency_us: u64,
    body: Body,
    answer: Answer,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum Answer {
    Accepted { api_request_id: String, shard_id: String, sequence_number: String },
    Refused { status: u16, nothing_put: bool, api_request_id: Option<String>, message: String },
    Unanswered { message: String },
}

impl Sent {
    /// Of an event.
    pub fn of(sent: &events::Sent, redaction: &mut Redaction) -> Self {
        let answer = match &sent.answer {
            events::Answer::Accepted { api_request_id, shard_id, sequence_number } => Answer::Accepted {
                api_request_id: api_request_id.0.clone(),
                shard_id: shard_id.0.clone(),
                sequence_number: sequence_number.0.clone(),
            },
            events::Answer::Refused { status, nothing_put, api_request_id, message } => Answer::Refused {
                status: *status,
                nothing_put: *nothing_put,
                api_request_id: api_request_id.as_ref().map(|id| id.0.clone()),
                message: redaction.text(message),
            },
            events::Answer::Unanswered { message } => Answer::Unanswered { message: redaction.text(message) },
        };
        let body = Body::of(&redaction.body(&sent.body));
        Self { seq: sent.seq, time: sent.time, latency_us: micros(sent.latency), body, answer }
    }

    /// The event.
    pub fn read(self) -> Result<events::Sent, String> {
        let answer = match self.answer {
            Answer::Accepted { api_request_id, shard_id, sequence_number } => events::Answer::Accepted {
                api_request_id: api_request_id.into(),
                shard_id: shard_id.into(),
                sequence_number: sequence_number.into(),
            },
            Answer::Refused { status, nothing_put, api_request_id, message } => {
                events::Answer::Refused { status, nothing_put, api_request_id: api_request_id.map(Into::into), message }
            }
            Answer::Unanswered { message } => events::Answer::Unanswered { message },
        };
        let latency = Duration::from_micros(self.latency_us);
        Ok(events::Sent { seq: self.seq, time: self.time, latency, body: self.body.read()?, answer })
    }
}

/// A log line. Level and ids are read from the line again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    time: Timestamp,
    ingestion_time: Timestamp,
    source: LogSource,
    group: String,
    stream: String,
    event_id: String,
    message: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LogSource {
    Function,
    Access,
    Delivery,
}

impl Log {
    /// Of an event.
    pub fn of(line: &LogLine, redaction: &Redaction) -> Self {
        Self {
            time: line.time,
            ingestion_time: line.ingestion_time,
            source: match line.source {
                events::LogSource::Function => LogSource::Function,
                events::LogSource::Access => LogSource::Access,
                events::LogSource::Delivery => LogSource::Delivery,
            },
            group: redaction.text(&line.group),
            stream: redaction.text(&line.stream),
            event_id: line.event_id.clone(),
            message: redaction.line(&line.message),
        }
    }

    /// The event.
    pub fn read(self) -> LogLine {
        let (level, lambda_request_id, api_request_id) = LogLine::read(&self.message);
        LogLine {
            time: self.time,
            ingestion_time: self.ingestion_time,
            source: match self.source {
                LogSource::Function => events::LogSource::Function,
                LogSource::Access => events::LogSource::Access,
                LogSource::Delivery => events::LogSource::Delivery,
            },
            group: self.group,
            stream: self.stream,
            event_id: self.event_id,
            lambda_request_id,
            api_request_id,
            level,
            message: self.message,
        }
    }
}

/// A record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    time: Timestamp,
    shard_id: String,
    sequence_number: String,
    partition_key: String,
    data: Body,
}

impl Record {
    /// Of an event.
    pub fn of(record: &events::Record, redaction: &mut Redaction) -> Self {
        Self {
            time: record.time,
            shard_id: record.shard_id.0.clone(),
            sequence_number: record.sequence_number.0.clone(),
            partition_key: redaction.text(&record.partition_key),
            data: Body::of(&redaction.record(&record.data)),
        }
    }

    /// The event.
    pub fn read(self) -> Result<events::Record, String> {
        Ok(events::Record {
            time: self.time,
            shard_id: self.shard_id.into(),
            sequence_number: self.sequence_number.into(),
            partition_key: self.partition_key,
            data: self.data.read()?,
        })
    }
}

/// An object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    time: Timestamp,
    bucket: String,
    key: String,
    size_bytes: u64,
    lines: Lines,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Lines {
    Read { hashes: Vec<String>, head: String },
    Unread { reason: String },
}

impl Object {
    /// Of an event.
    pub fn of(object: &events::Object, redaction: &Redaction) -> Self {
        let lines = match &object.lines {
            ObjectLines::Read { hashes, head } => Lines::Read {
                hashes: hashes.iter().map(|hash| redaction.hash(*hash).to_string()).collect(),
                head: redaction.text(head),
            },
            ObjectLines::Unread { reason } => Lines::Unread { reason: redaction.text(reason) },
        };
        Self {
            time: object.time,
            bucket: redaction.text(&object.bucket),
            key: redaction.text(object.key.as_str()),
            size_bytes: object.size_bytes,
            lines,
        }
    }

    /// The event.
    pub fn read(self) -> Result<events::Object, String> {
        let hash = |text: String| RecordHash::from_hex(&text).ok_or_else(|| format!("{text} is no hash"));
        let lines = match self.lines {
            Lines::Read { hashes, head } => {
                ObjectLines::Read { hashes: hashes.into_iter().map(hash).collect::<Result<_, _>>()?, head }
            }
            Lines::Unread { reason } => ObjectLines::Unread { reason },
        };
        Ok(events::Object {
            time: self.time,
            bucket: self.bucket,
            key: self.key.into(),
            size_bytes: self.size_bytes,
            lines,
        })
    }
}

/// A step of a stack operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stack {
    event_id: String,
    time: Timestamp,
    logical_id: String,
    physical_id: Option<String>,
    resource_type: String,
    status: String,
    reason: Option<String>,
}

impl Stack {
    /// Of an event.
    pub fn of(event: events::StackEvent, redaction: &Redaction) -> Self {
        Self {
            event_id: event.event_id,
            time: event.time,
            physical_id: redaction.maybe(event.physical_id.as_ref()),
            reason: redaction.maybe(event.reason.as_ref()),
            logical_id: event.logical_id,
            resource_type: event.resource_type,
            status: event.status.0,
        }
    }

    /// The event.
    pub fn read(self) -> events::StackEvent {
        events::StackEvent {
            event_id: self.event_id,
            time: self.time,
            logical_id: self.logical_id,
            physical_id: self.physical_id,
            resource_type: self.resource_type,
            status: events::StackStatus(self.status),
            reason: self.reason,
        }
    }
}

/// A call that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    service: String,
    operation: String,
    started: Timestamp,
    duration_us: u64,
    // There are many calls, and nearly all of them are alike.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    attempts: u32,
    #[serde(default, skip_serializing_if = "is_none")]
    throttled: u32,
    answer_bytes: u64,
    #[serde(default, skip_serializing_if = "Outcome::is_answered")]
    outcome: Outcome,
}

const fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_once(attempts: &u32) -> bool {
    *attempts == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_none(throttled: &u32) -> bool {
    *throttled == 0
}

impl Outcome {
    const fn is_answered(&self) -> bool {
        matches!(self, Self::Answered)
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    #[default]
    Answered,
    Throttled(String),
    Failed(String),
}

impl Call {
    /// Of an event.
    pub fn of(call: events::Call, redaction: &Redaction) -> Self {
        Self {
            service: call.service,
            operation: call.operation,
            started: call.started,
            duration_us: micros(call.duration),
            attempts: call.attempts,
            throttled: call.throttled,
            answer_bytes: call.answer_bytes,
            outcome: match call.outcome {
                events::CallOutcome::Answered => Outcome::Answered,
                events::CallOutcome::Throttled(code) => Outcome::Throttled(code),
                events::CallOutcome::Failed(error) => Outcome::Failed(redaction.text(&error)),
            },
        }
    }

    /// The event.
    pub fn read(self) -> events::Call {
        events::Call {
            service: self.service,
            operation: self.operation,
            started: self.started,
            duration: Duration::from_micros(self.duration_us),
            attempts: self.attempts,
            throttled: self.throttled,
            answer_bytes: self.answer_bytes,
            outcome: match self.outcome {
                Outcome::Answered => events::CallOutcome::Answered,
                Outcome::Throttled(code) => events::CallOutcome::Throttled(code),
                Outcome::Failed(error) => events::CallOutcome::Failed(error),
            },
        }
    }
}
