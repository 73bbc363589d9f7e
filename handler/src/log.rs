//! The one log line of a request: a JSON object on standard output, never with the payload in it.
//!
//! Its names are read by whoever joins a request with its record: `apiRequestId`,
//! `lambdaRequestId`, `outcome`, `bytes`, `sha256`, `shardId`, `sequenceNumber`, `kinesisMs`.

use std::{
    io::{self, Write},
    time::SystemTime,
};

use aws_smithy_types::{DateTime, date_time::Format};
use serde::Serialize;

use crate::{
    answer,
    function::{Outcome, Report},
};

/// How serious a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Below what this function writes: `TRACE` and `DEBUG`.
    Debug,
    /// An event was accepted.
    Info,
    /// A request was refused for what it was, or for the stream's throttle.
    Warn,
    /// The stream failed.
    Error,
    /// Above what this function writes.
    Fatal,
}

impl Level {
    /// Lambda's word for a level; one that it does not have is `INFO`.
    pub fn from_word(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "TRACE" | "DEBUG" => Self::Debug,
            "WARN" => Self::Warn,
            "ERROR" => Self::Error,
            "FATAL" => Self::Fatal,
            _ => Self::Info,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    timestamp: String,
    level: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_request_id: Option<&'a str>,
    lambda_request_id: &'a str,
    outcome: &'a str,
    status: u16,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<&'a str>,
    /// Milliseconds from the first attempt to the last answer, to the tenth.
    #[serde(skip_serializing_if = "Option::is_none")]
    kinesis_ms: Option<f64>,
    /// How often the record was sent; more than once only after answers that nothing was put.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    /// Whether the stream may hold the record although the client was not told so.
    #[serde(skip_serializing_if = "Option::is_none")]
    maybe_put: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// Writes the line of `report`, unless it is below `least`.
pub(crate) fn write(report: &Report, least: Level, now: SystemTime) {
    if level(&report.outcome) >= least {
        write_line(line(report, now));
    }
}

/// Writes why the function cannot go on.
pub(crate) fn write_fatal(message: &str) {
    #[derive(Serialize)]
    struct Fatal<'a> {
        timestamp: String,
        level: &'a str,
        message: &'a str,
    }
    let fatal = Fatal { timestamp: timestamp(SystemTime::now()), level: Level::Fatal.word(), message };
    write_line(serde_json::to_string(&fatal).unwrap_or_default());
}

fn write_line(mut line: String) {
    line.push('\n');
    // Nobody is left to tell where standard output is gone, and the answer is worth more.
    let _ = io::stdout().lock().write_all(line.as_bytes());
}

const fn level(outcome: &Outcome) -> Level {
    match outcome {
        Outcome::Accepted(_) => Level::Info,
        Outcome::Failed(_) | Outcome::Unknown(_) => Level::Error,
        _ => Level::Warn,
    }
}

/// The line of `report`, without its newline.
pub(crate) fn line(report: &Report, now: SystemTime) -> String {
    let (outcome, message) = match &report.outcome {
        Outcome::Accepted(_) => ("accepted", "event accepted"),
        Outcome::Invalid(_) => ("invalid", "body is not JSON"),
        Outcome::TooLarge => ("too_large", "event is too large"),
        Outcome::Throttled(_) => ("throttled", "stream is throttled, nothing was put"),
        Outcome::Failed(_) => ("failed", "stream failed, nothing was put"),
        Outcome::Unknown(_) => ("unknown", "stream did not say whether it took the event"),
        Outcome::NotFound => ("not_found", "no such path"),
        Outcome::MethodNotAllowed => ("method_not_allowed", "no such method"),
    };
    let place = match &report.outcome {
        Outcome::Accepted(place) => Some(place),
        _ => None,
    };
    let invalid = match &report.outcome {
        Outcome::Invalid(invalid) => Some(invalid),
        _ => None,
    };
    let error = match &report.outcome {
        Outcome::Throttled(detail) | Outcome::Failed(detail) | Outcome::Unknown(detail) => Some(detail.as_str()),
        _ => None,
    };
    serde_json::to_string(&Entry {
        timestamp: timestamp(now),
        level: level(&report.outcome).word(),
        message,
        api_request_id: report.api_request_id.as_deref(),
        lambda_request_id: &report.lambda_request_id,
        outcome,
        status: answer::status(&report.outcome).as_u16(),
        bytes: report.bytes,
        sha256: report.sha256.as_deref(),
        shard_id: place.map(|place| place.shard_id.as_str()),
        sequence_number: place.map(|place| place.sequence_number.as_str()),
        kinesis_ms: report.attempted.map(|attempted| (attempted.elapsed.as_secs_f64() * 10_000.0).round() / 10.0),
        attempts: report.attempted.map(|attempted| attempted.attempts),
        maybe_put: matches!(report.outcome, Outcome::Unknown(_)).then_some(true),
        line: invalid.map(|invalid| invalid.line),
        column: invalid.map(|invalid| invalid.column),
        error,
    })
    .unwrap_or_default()
}

/// RFC 3339 in UTC, to the millisecond.
fn timestamp(now: SystemTime) -> String {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let text = DateTime::from_secs(seconds).fmt(Format::DateTime).unwrap_or_default();
    format!("{}.{:03}Z", text.trim_end_matches('Z'), since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_have_three_decimals() {
        let at = |millis| timestamp(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(at(1_764_000_000_000), "2025-11-24T16:00:00.000Z");
        assert_eq!(at(1_764_000_000_007), "2025-11-24T16:00:00.007Z");
    }

    #[test]
    fn levels_are_lambdas_words() {
        assert_eq!(Level::from_word("trace"), Level::Debug);
        assert_eq!(Level::from_word("WARN"), Level::Warn);
        assert_eq!(Level::from_word("loud"), Level::Info);
        assert!(Level::from_word("FATAL") > Level::Error);
    }
}
