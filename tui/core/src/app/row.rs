//! One row of a pane: what was seen, with the texts to find it by.

use crate::{
    events::{Level, LogLine, LogSource, Object, ObjectKey, ObjectLines, Record, Sent, StackEvent, Timestamp},
    text::{json_lines, log_line},
    trace::{EventNumber, Traces},
};

/// One row of a pane.
#[derive(Debug, Clone)]
pub enum Row {
    /// A request with its answer.
    Sent(Sent),
    /// A log line.
    Log {
        /// The line.
        line: LogLine,
        /// The line in few words.
        brief: String,
    },
    /// A record.
    Record(Record),
    /// An object.
    Object(ObjectRow),
    /// A step of a stack operation.
    Stack(StackEvent),
    /// An event with all that is known of it.
    Trace(EventNumber),
}

/// An object without the hashes of its lines: the traces have taken those.
#[derive(Debug, Clone)]
pub struct ObjectRow {
    /// `LastModified`, whole seconds.
    pub time: Timestamp,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: ObjectKey,
    /// The size.
    pub size_bytes: u64,
    /// How many lines, or why it was not read.
    pub lines: Result<u64, String>,
    /// The first of its text.
    pub head: String,
}

impl From<Object> for ObjectRow {
    fn from(object: Object) -> Self {
        let (lines, head) = match object.lines {
            ObjectLines::Read { hashes, head } => (Ok(hashes.len() as u64), head),
            ObjectLines::Unread { reason } => (Err(reason), String::new()),
        };
        Self { time: object.time, bucket: object.bucket, key: object.key, size_bytes: object.size_bytes, lines, head }
    }
}

impl ObjectRow {
    /// The lines of the part of its text that was loaded. The last one counts only where its end was
    /// loaded too.
    pub fn loaded_lines(&self) -> Vec<&str> {
        let whole = self.head.len() as u64 >= self.size_bytes;
        let lines = self.head.split_inclusive('\n').filter(|line| whole || line.ends_with('\n'));
        lines.map(|line| line.trim_end_matches('\n')).collect()
    }
}

impl Row {
    /// A row for a log line.
    pub fn log(line: LogLine) -> Self {
        Self::Log { brief: log_line::brief(&line), line }
    }

    /// The memory it takes, about.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Sent(sent) => sent.body.len() + sent.error().map_or(160, str::len),
                Self::Log { line, brief } => {
                    line.message.len()
                        + brief.len()
                        + line.group.len()
                        + line.stream.len()
                        + line.event_id.len()
                        + line.lambda_request_id.as_ref().map_or(0, |id| id.as_str().len())
                        + line.api_request_id.as_ref().map_or(0, |id| id.as_str().len())
                }
                Self::Record(record) => {
                    record.data.len()
                        + record.partition_key.len()
                        + record.shard_id.as_str().len()
                        + record.sequence_number.as_str().len()
                }
                Self::Object(object) => object.head.len() + object.bucket.len() + object.key.as_str().len(),
                Self::Trace(_) => 0,
                Self::Stack(event) => {
                    event.event_id.len()
                        + event.logical_id.len()
                        + event.resource_type.len()
                        + event.reason.as_ref().map_or(0, String::len)
                        + event.physical_id.as_ref().map_or(0, String::len)
                }
            }
    }

    /// The event it belongs to, where it belongs to one.
    pub fn number(&self, traces: &Traces) -> Option<EventNumber> {
        match self {
            Self::Sent(sent) => Some(EventNumber::Own(sent.seq)),
            Self::Log { line, .. } => traces.number_of_log(line),
            Self::Record(record) => traces.number_of_record(&record.sequence_number, &record.shard_id),
            Self::Object(object) => match traces.numbers_in_object(&object.key) {
                [only] => Some(*only),
                _ => None,
            },
            Self::Trace(number) => Some(*number),
            Self::Stack(_) => None,
        }
    }

    /// The time that its source gave it; none for an event's trace.
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Sent(sent) => sent.time,
            Self::Log { line, .. } => line.time,
            Self::Record(record) => record.time,
            Self::Object(object) => object.time,
            Self::Stack(event) => event.time,
            Self::Trace(_) => Timestamp::default(),
        }
    }

    /// Whether it stands for an event that is no more: it was let go, or is another one's.
    pub fn is_gone(&self, traces: &Traces) -> bool {
        matches!(self, Self::Trace(number) if traces.get(*number).is_none())
    }

    /// Whether the event is this row's, or one of this row's.
    pub fn is_of(&self, number: EventNumber, traces: &Traces) -> bool {
        match self {
            Self::Object(object) => traces.numbers_in_object(&object.key).contains(&number),
            _ => self.number(traces) == Some(number),
        }
    }

    /// Whether this is something to look at: refused, failed, not read.
    pub fn is_trouble(&self) -> bool {
        match self {
            Self::Sent(sent) => !sent.accepted(),
            Self::Log { line, .. } => line.level >= Level::Warn,
            // Only what is known of the event says that.
            Self::Record(_) | Self::Trace(_) => false,
            Self::Object(object) => object.lines.is_err(),
            Self::Stack(event) => event.status.failed(),
        }
    }

    /// What `y` copies: the thing itself, as it is.
    pub fn copy_text(&self) -> String {
        match self {
            Self::Sent(sent) => String::from_utf8_lossy(&sent.body).into_owned(),
            Self::Log { line, .. } => line.message.clone(),
            Self::Record(record) => {
                let text = String::from_utf8_lossy(&record.data);
                text.strip_suffix('\n').unwrap_or(&text).to_owned()
            }
            Self::Object(object) => format!("s3://{}/{}", object.bucket, object.key),
            Self::Trace(number) => number.to_string(),
            Self::Stack(event) => format!(
                "{} {} {} {}{}",
                event.time,
                event.status,
                event.resource_type,
                event.logical_id,
                event.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default()
            ),
        }
    }

    /// The row as JSON in one line, as commands print it.
    pub fn json_line(&self, traces: &Traces) -> String {
        match self {
            Self::Trace(number) => json_of_event(*number, traces).to_string(),
            Self::Sent(sent) => json_lines::sent(sent).to_string(),
            Self::Log { line, .. } => json_lines::log(line).to_string(),
            Self::Record(record) => json_lines::record(record),
            Self::Object(object) => {
                json_lines::object(object.time, &object.key, object.size_bytes, object.lines.as_ref().ok().copied())
                    .to_string()
            }
            Self::Stack(event) => json_lines::tagged("source", "stack", json_lines::stack(event)).to_string(),
        }
    }

    /// Whether any of its texts satisfies `test`.
    pub(super) fn any_text(&self, test: impl Fn(&[u8]) -> bool) -> bool {
        let any = |texts: &[&str]| texts.iter().any(|text| test(text.as_bytes()));
        match self {
            Self::Sent(sent) => {
                test(&sent.body)
                    || any(&[
                        sent.api_request_id().map_or("", |id| id.as_str()),
                        sent.error().unwrap_or(""),
                        &sent.status().map(|status| status.to_string()).unwrap_or_default(),
                    ])
            }
            Self::Log { line, brief } => any(&[
                &line.message,
                brief,
                line.level.word(),
                source_word(line.source),
                line.lambda_request_id.as_ref().map_or("", |id| id.as_str()),
                &line.stream,
            ]),
            Self::Record(record) => {
                test(&record.data)
                    || any(&[record.sequence_number.as_str(), &record.partition_key, record.shard_id.as_str()])
            }
            Self::Object(object) => any(&[object.key.as_str(), &object.head]),
            Self::Trace(number) => test(number.to_string().as_bytes()),
            Self::Stack(event) => any(&[
                &event.logical_id,
                &event.resource_type,
                event.status.as_str(),
                event.reason.as_deref().unwrap_or(""),
                event.physical_id.as_deref().unwrap_or(""),
            ]),
        }
    }
}

/// An event in few members: what it is called at each hop, as far as that is known.
fn json_of_event(number: EventNumber, traces: &Traces) -> serde_json::Value {
    let trace = traces.get(number);
    let place = trace.and_then(|trace| trace.place.as_ref());
    let landing = trace.and_then(|trace| trace.landing.as_ref());
    serde_json::json!({
        "source": "traces",
        "event": number.to_string(),
        "sent": trace.and_then(|trace| trace.sent_at),
        "apiRequestId": trace.and_then(|trace| trace.api_request_id.as_ref()),
        "lambdaRequestId": trace.and_then(|trace| trace.lambda_request_id.as_ref()),
        "shardId": place.map(|(shard, _)| shard),
        "sequenceNumber": place.map(|(_, number)| number),
        "key": landing.map(|landing| &landing.object),
        "line": landing.map(|landing| landing.line),
    })
}

/// Whose log it is, in a word.
pub const fn source_word(source: LogSource) -> &'static str {
    match source {
        LogSource::Function => "function",
        LogSource::Access => "access",
        LogSource::Delivery => "delivery",
    }
}
