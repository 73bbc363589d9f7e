//! One row of a pane: what was seen, with the words to find it by.

use super::traces_pane::any_text as any_text_of;
use crate::{
    events::{Level, LogLine, LogSource, Object, ObjectKey, ObjectLines, Record, Sent, StackEvent, Timestamp},
    text::log_line,
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

    /// Whether any of its texts satisfies `test`.
    fn any_text(&self, test: impl Fn(&[u8]) -> bool) -> bool {
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

/// Whose log it is, in a word.
pub const fn source_word(source: LogSource) -> &'static str {
    match source {
        LogSource::Function => "function",
        LogSource::Access => "access",
        LogSource::Delivery => "delivery",
    }
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// As typed.
    pub text: String,
    kind: QueryKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum QueryKind {
    /// `#42`, `·7`: the event with this number.
    Number(EventNumber),
    /// `level=ERROR`.
    Level(Level),
    /// `source=access`.
    Source(LogSource),
    /// Anything else, in small letters.
    Text(String),
}

impl Query {
    /// From what was typed; `None` where that is nothing.
    pub fn parse(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return None;
        }
        let lower = trimmed.to_lowercase();
        let number = |sign: char| trimmed.strip_prefix(sign).and_then(|digits| digits.parse().ok());
        let kind = if let Some(number) = number('#') {
            QueryKind::Number(EventNumber::Own(number))
        } else if let Some(number) = number('·') {
            QueryKind::Number(EventNumber::Other(number))
        } else if let Some(level) = lower.strip_prefix("level=").and_then(level) {
            QueryKind::Level(level)
        } else if let Some(source) = lower.strip_prefix("source=").and_then(source) {
            QueryKind::Source(source)
        } else {
            QueryKind::Text(lower)
        };
        Some(Self { text: trimmed.to_owned(), kind })
    }

    /// Whether what it matches can change after a row came: numbers are learned later.
    pub const fn depends_on_traces(&self) -> bool {
        matches!(self.kind, QueryKind::Number(_))
    }

    /// Whether the row is looked for.
    pub fn matches(&self, row: &Row, traces: &Traces) -> bool {
        match &self.kind {
            QueryKind::Number(number) => row.is_of(*number, traces),
            QueryKind::Level(level) => matches!(row, Row::Log { line, .. } if line.level == *level),
            QueryKind::Source(source) => matches!(row, Row::Log { line, .. } if line.source == *source),
            QueryKind::Text(lower) if let Row::Trace(number) = row => {
                any_text_of(*number, traces, |text| contains(text, lower))
            }
            QueryKind::Text(lower) => row.any_text(|text| contains(text, lower)),
        }
    }
}

fn level(word: &str) -> Option<Level> {
    [Level::Debug, Level::Info, Level::Warn, Level::Error]
        .into_iter()
        .find(|level| level.word().eq_ignore_ascii_case(word))
}

fn source(word: &str) -> Option<LogSource> {
    [LogSource::Function, LogSource::Access, LogSource::Delivery]
        .into_iter()
        .find(|source| source_word(*source) == word)
}

/// Whether the text contains `lower`, whatever the case of its letters.
fn contains(text: &[u8], lower: &str) -> bool {
    let needle = lower.as_bytes();
    if lower.is_ascii() {
        return text.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle));
    }
    String::from_utf8_lossy(text).to_lowercase().contains(lower)
}
