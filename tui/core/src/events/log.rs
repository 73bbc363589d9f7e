//! A line of a log.

use serde_json::Value;

use super::{ApiRequestId, LambdaRequestId, RecordHash, SequenceNumber, ShardId, Timestamp};

/// Whose log a line is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogSource {
    /// The function's.
    Function,
    /// The gateway's access log.
    Access,
    /// Firehose's delivery errors.
    Delivery,
}

/// How serious a line is, as it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `TRACE` and `DEBUG`.
    Debug,
    /// `INFO`, and lines that say nothing.
    Info,
    /// `WARN`.
    Warn,
    /// `ERROR` and `FATAL`.
    Error,
}

impl Level {
    /// The word as logs write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// A line of a log.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// Its time, by the clock of whoever wrote it.
    pub time: Timestamp,
    /// When CloudWatch Logs took it in.
    pub ingestion_time: Timestamp,
    /// Whose log it is in.
    pub source: LogSource,
    /// The log group.
    pub group: String,
    /// The log stream.
    pub stream: String,
    /// CloudWatch Logs' id of the event; unique.
    pub event_id: String,
    /// The invocation that wrote it, where the line says so.
    pub lambda_request_id: Option<LambdaRequestId>,
    /// The gateway's request it belongs to, where the line says so.
    pub api_request_id: Option<ApiRequestId>,
    /// How serious it is.
    pub level: Level,
    /// The line as it came, without its last newline.
    pub message: String,
}

/// How an invocation ended, as Lambda reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportStatus {
    /// The function answered.
    Success,
    /// The function said that it failed.
    Failure,
    /// The function ended, or could not be started.
    Error,
    /// The function ran out of time.
    Timeout,
}

impl ReportStatus {
    fn from_word(word: &str) -> Self {
        match word {
            "failure" => Self::Failure,
            "error" => Self::Error,
            "timeout" => Self::Timeout,
            _ => Self::Success,
        }
    }
}

/// What Lambda reports at an invocation's end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlatformReport {
    /// Milliseconds of the run.
    pub duration_ms: f64,
    /// Milliseconds of the start, for a cold one.
    pub init_ms: Option<f64>,
    /// MB of memory used at most.
    pub max_memory_mb: Option<u64>,
    /// How it ended.
    pub status: ReportStatus,
}

/// The function's own line of one event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FunctionLine {
    /// When it was written, by the function's clock.
    pub time: Option<Timestamp>,
    /// `accepted`, `invalid`, `throttled`, …
    pub outcome: Option<String>,
    /// The status that the client is answered.
    pub status: Option<u16>,
    /// The line's own words.
    pub message: Option<String>,
    /// The record's bytes.
    pub hash: Option<RecordHash>,
    /// The record's size.
    pub bytes: Option<u64>,
    /// Where the record is.
    pub place: Option<(ShardId, SequenceNumber)>,
    /// Milliseconds from the first attempt to put it to Kinesis's last answer.
    pub kinesis_ms: Option<f64>,
    /// How often it was sent to Kinesis.
    pub attempts: Option<u32>,
    /// What Kinesis answered where it did not take it.
    pub error: Option<String>,
}

/// What a line of the function's log group is.
#[derive(Debug, Clone, PartialEq)]
pub enum FunctionLog {
    /// An environment is being started.
    InitStart,
    /// An invocation begins.
    Start,
    /// The function ended where it should not have: Lambda's words.
    Fault(String),
    /// An invocation is over; with the type of its error.
    Report(PlatformReport, Option<String>),
    /// The function's own line of an event.
    Event(FunctionLine),
    /// Anything else.
    Other,
}

impl LogLine {
    /// Reads level and ids from a message: JSON lines of Lambda and of the function, the access
    /// log's format, and Lambda's text lines (`START`, `END`, `REPORT RequestId: …`).
    pub fn read(message: &str) -> (Level, Option<LambdaRequestId>, Option<ApiRequestId>) {
        let Ok(Value::Object(line)) = serde_json::from_str(message) else {
            return (text_level(message), text_request_id(message), None);
        };
        let text = |name: &str| line.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let record = line.get("record");
        let of_record =
            |name: &str| record.and_then(|record| record.get(name)).and_then(|value| value.as_str()).map(str::to_owned);
        // A fault's record is a sentence that names the request.
        let in_words = || record.and_then(Value::as_str).and_then(text_request_id).map(|id| id.0);
        let lambda = of_record("requestId")
            .or_else(in_words)
            .or_else(|| text("lambdaRequestId"))
            .or_else(|| text("AWSRequestId"))
            .or_else(|| text("integrationRequestId").filter(|id| id != "-"));
        // Only the access log names its own request plainly.
        let api = text("apiRequestId").or_else(|| text("requestId").filter(|_| record.is_none()));
        let level = match text("level").or_else(|| of_record("level")) {
            Some(word) => word_level(&word),
            // A delivery error of Firehose, which has no level.
            None if line.contains_key("errorCode") && line.contains_key("deliveryStreamARN") => Level::Error,
            None => status_level(&line, of_record("status").as_deref()),
        };
        (level, lambda.map(Into::into), api.map(Into::into))
    }

    /// What Lambda reports, where this line is a report.
    pub fn report(&self) -> Option<PlatformReport> {
        // Most lines are none, and parsing is what costs.
        if !self.message.starts_with("REPORT ") && !self.message.contains("\"platform.report\"") {
            return None;
        }
        match self.function_log() {
            FunctionLog::Report(report, _) => Some(report),
            _ => None,
        }
    }

    /// What this line of the function's log group is.
    pub fn function_log(&self) -> FunctionLog {
        match serde_json::from_str(&self.message) {
            Ok(Value::Object(line)) => of_json(&line),
            _ => of_text(&self.message),
        }
    }

    /// The time that a platform line or the function's line gives itself, else the log's.
    pub fn own_time(&self) -> Timestamp {
        let after = |name: &str| self.message.split_once(name)?.1.split('"').next();
        let own = after("\"time\":\"").or_else(|| after("\"timestamp\":\""));
        own.and_then(Timestamp::parse).unwrap_or(self.time)
    }
}

fn of_text(message: &str) -> FunctionLog {
    if let Some(rest) = message.strip_prefix("REPORT RequestId: ") {
        let after = |name: &str| rest.split_once(name)?.1.split_whitespace().next();
        let number = |name: &str| after(name)?.parse::<f64>().ok();
        let Some(duration_ms) = number("\tDuration: ") else { return FunctionLog::Other };
        let report = PlatformReport {
            duration_ms,
            init_ms: number("Init Duration: "),
            max_memory_mb: after("Max Memory Used: ").and_then(|used| used.parse().ok()),
            status: after("Status: ").map_or(ReportStatus::Success, ReportStatus::from_word),
        };
        return FunctionLog::Report(report, after("Error Type: ").map(str::to_owned));
    }
    if message.starts_with("START RequestId: ") {
        FunctionLog::Start
    } else if message.starts_with("INIT_START") {
        FunctionLog::InitStart
    } else if message.starts_with("RequestId: ") && message.contains(" Error: ")
        || message.contains(" Task timed out after ")
    {
        FunctionLog::Fault(message.to_owned())
    } else {
        FunctionLog::Other
    }
}

fn of_json(line: &serde_json::Map<String, Value>) -> FunctionLog {
    let text = |name: &str| line.get(name).and_then(Value::as_str);
    let record = line.get("record");
    let of_record = |name: &str| record.and_then(|record| record.get(name));
    match text("type") {
        Some("platform.initStart") => FunctionLog::InitStart,
        Some("platform.start") => FunctionLog::Start,
        Some("platform.fault") => FunctionLog::Fault(record.and_then(Value::as_str).unwrap_or_default().to_owned()),
        Some("platform.report") => {
            let metric = |name: &str| of_record("metrics").and_then(|metrics| metrics.get(name));
            let Some(duration_ms) = metric("durationMs").and_then(Value::as_f64) else { return FunctionLog::Other };
            let report = PlatformReport {
                duration_ms,
                init_ms: metric("initDurationMs").and_then(Value::as_f64),
                max_memory_mb: metric("maxMemoryUsedMB").and_then(Value::as_u64),
                status: of_record("status")
                    .and_then(Value::as_str)
                    .map_or(ReportStatus::Success, ReportStatus::from_word),
            };
            FunctionLog::Report(report, of_record("errorType").and_then(Value::as_str).map(str::to_owned))
        }
        None if text("apiRequestId").is_some() || text("outcome").is_some() => FunctionLog::Event(FunctionLine {
            time: text("timestamp").and_then(Timestamp::parse),
            outcome: text("outcome").map(str::to_owned),
            status: line.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok()),
            message: text("message").map(str::to_owned),
            hash: text("sha256").and_then(RecordHash::from_hex),
            bytes: line.get("bytes").and_then(Value::as_u64),
            place: text("shardId").zip(text("sequenceNumber")).map(|(shard, number)| (shard.into(), number.into())),
            kinesis_ms: line.get("kinesisMs").and_then(Value::as_f64),
            attempts: line.get("attempts").and_then(Value::as_u64).and_then(|times| u32::try_from(times).ok()),
            error: text("error").map(str::to_owned),
        }),
        _ => FunctionLog::Other,
    }
}

fn word_level(word: &str) -> Level {
    match word.to_ascii_uppercase().as_str() {
        "TRACE" | "DEBUG" => Level::Debug,
        "WARN" | "WARNING" => Level::Warn,
        "ERROR" | "FATAL" | "CRITICAL" => Level::Error,
        _ => Level::Info,
    }
}

/// A platform line that reports a failure, or an access line with a status of 400 or more.
fn status_level(line: &serde_json::Map<String, Value>, platform: Option<&str>) -> Level {
    if matches!(platform, Some("error" | "failure" | "timeout")) {
        return Level::Error;
    }
    let status = line.get("status").and_then(|status| match status {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    });
    match status {
        Some(500..) => Level::Error,
        Some(400..) => Level::Warn,
        _ => Level::Info,
    }
}

fn text_level(message: &str) -> Level {
    let mut words = message.split(|letter: char| !letter.is_ascii_alphabetic()).take(8);
    words
        .find_map(|word| {
            matches!(word, "ERROR" | "FATAL" | "WARN" | "WARNING" | "DEBUG" | "TRACE").then(|| word_level(word))
        })
        .unwrap_or(Level::Info)
}

fn text_request_id(message: &str) -> Option<LambdaRequestId> {
    let (_, rest) = message.split_once("RequestId: ")?;
    rest.split_whitespace().next().map(Into::into)
}
