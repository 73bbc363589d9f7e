//! A line of a log.

use super::{ApiRequestId, LambdaRequestId, Timestamp};

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

/// What Lambda reports at an invocation's end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlatformReport {
    /// Milliseconds of the run.
    pub duration_ms: f64,
    /// Milliseconds of the start, for a cold one.
    pub init_ms: Option<f64>,
    /// MB of memory used at most.
    pub max_memory_mb: Option<u64>,
}

impl LogLine {
    /// Reads level and ids from a message: JSON lines of Lambda and of the function, the access
    /// log's format, and Lambda's text lines (`START`, `END`, `REPORT RequestId: …`).
    pub fn read(message: &str) -> (Level, Option<LambdaRequestId>, Option<ApiRequestId>) {
        let Ok(serde_json::Value::Object(line)) = serde_json::from_str(message) else {
            return (text_level(message), text_request_id(message), None);
        };
        let text = |name: &str| line.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let record = line.get("record");
        let of_record =
            |name: &str| record.and_then(|record| record.get(name)).and_then(|value| value.as_str()).map(str::to_owned);
        let lambda = of_record("requestId")
            .or_else(|| text("lambdaRequestId"))
            .or_else(|| text("AWSRequestId"))
            .or_else(|| text("integrationRequestId").filter(|id| id != "-"));
        // Only the access log names its own request plainly.
        let api = text("apiRequestId").or_else(|| text("requestId").filter(|_| record.is_none()));
        let level = match text("level").or_else(|| of_record("level")) {
            Some(word) => word_level(&word),
            None => status_level(&line, of_record("status").as_deref()),
        };
        (level, lambda.map(Into::into), api.map(Into::into))
    }

    /// What Lambda reports, where this line is a report.
    pub fn report(&self) -> Option<PlatformReport> {
        if let Some(rest) = self.message.strip_prefix("REPORT RequestId: ") {
            let after = |name: &str| rest.split_once(name)?.1.split_whitespace().next()?.parse::<f64>().ok();
            return Some(PlatformReport {
                duration_ms: after("\tDuration: ")?,
                init_ms: after("Init Duration: "),
                max_memory_mb: rest
                    .split_once("Max Memory Used: ")
                    .and_then(|(_, after)| after.split_whitespace().next()?.parse().ok()),
            });
        }
        let line: serde_json::Value = serde_json::from_str(&self.message).ok()?;
        if line.get("type")?.as_str()? != "platform.report" {
            return None;
        }
        let metrics = line.get("record")?.get("metrics")?;
        Some(PlatformReport {
            duration_ms: metrics.get("durationMs")?.as_f64()?,
            init_ms: metrics.get("initDurationMs").and_then(serde_json::Value::as_f64),
            max_memory_mb: metrics.get("maxMemoryUsedMB").and_then(serde_json::Value::as_u64),
        })
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
fn status_level(line: &serde_json::Map<String, serde_json::Value>, platform: Option<&str>) -> Level {
    if matches!(platform, Some("error" | "failure" | "timeout")) {
        return Level::Error;
    }
    let status = line.get("status").and_then(|status| match status {
        serde_json::Value::String(text) => text.parse().ok(),
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
