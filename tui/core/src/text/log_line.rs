//! A log line in brief: what a row of a pane has room for.

use serde_json::{Map, Value};

use crate::events::{Access, LogLine, LogSource};

/// The line's own words, short: JSON lines of Lambda, of the function and of the gateway become a
/// few words, other lines stay as they are.
pub fn brief(line: &LogLine) -> String {
    if let Some(report) = line.report() {
        let mut words = format!("REPORT {}", milliseconds(report.duration_ms));
        if let Some(memory) = report.max_memory_mb {
            words.push_str(&format!(", {memory} MB"));
        }
        if let Some(init) = report.init_ms {
            words.push_str(&format!(", cold start {}", milliseconds(init)));
        }
        return words;
    }
    if line.source == LogSource::Access
        && let Some(access) = Access::parse(&line.message)
    {
        return access_words(&access);
    }
    match serde_json::from_str(&line.message) {
        Ok(Value::Object(fields)) => json_words(&fields),
        _ => line.message.clone(),
    }
}

/// A figure of milliseconds as Lambda gives it: `2.9 ms`, `112 ms`.
pub fn milliseconds(figure: f64) -> String {
    if figure < 10.0 { format!("{figure:.1} ms") } else { format!("{figure:.0} ms") }
}

fn access_words(access: &Access) -> String {
    let mut words = format!("{} at the API", access.status.as_deref().unwrap_or("no status"));
    if let Some(latency) = access.response_latency.as_deref().filter(|latency| *latency != "-") {
        words.push_str(&format!(" in {latency} ms"));
    }
    if access.integration_request_id.as_deref().is_none_or(|id| id == "-") {
        words.push_str(", Lambda not reached");
    }
    words
}

/// Fields that a row shows elsewhere, or that say the same on every line.
const ELSEWHERE: [&str; 14] = [
    "timestamp",
    "time",
    "level",
    "message",
    "msg",
    "target",
    "requestId",
    "apiRequestId",
    "lambdaRequestId",
    "AWSRequestId",
    "sha256",
    "shardId",
    "sequenceNumber",
    "span",
];

fn json_words(fields: &Map<String, Value>) -> String {
    if let Some(kind) = fields.get("type").and_then(Value::as_str).and_then(|kind| kind.strip_prefix("platform.")) {
        return platform_words(kind, fields.get("record").unwrap_or(&Value::Null));
    }
    if let Some(outcome) = fields.get("outcome").and_then(Value::as_str) {
        return outcome_words(outcome, fields);
    }
    // The default format of `tracing` keeps the words one level deeper.
    let inner = fields.get("fields").and_then(Value::as_object).unwrap_or(fields);
    let mut words = Vec::new();
    for name in ["message", "msg", "errorMessage"] {
        if let Some(text) = inner.get(name).and_then(Value::as_str) {
            words.push(text.to_owned());
        }
    }
    if let Some(bytes) = inner.get("bytes").and_then(Value::as_u64) {
        words.push(super::number::size(bytes));
    }
    for (name, value) in inner {
        if ELSEWHERE.contains(&name.as_str()) || ["errorMessage", "bytes", "fields"].contains(&name.as_str()) {
            continue;
        }
        match value {
            Value::String(text) => words.push(format!("{name}={text}")),
            Value::Null => {}
            other => words.push(format!("{name}={other}")),
        }
    }
    if words.is_empty() { Value::Object(fields.clone()).to_string() } else { words.join(" ") }
}

/// The pipeline's own function: one line for each request.
fn outcome_words(outcome: &str, fields: &Map<String, Value>) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let number = |name: &str| fields.get(name).and_then(Value::as_u64);
    let mut words = match (outcome, text("message")) {
        ("accepted", _) | (_, None) => outcome.to_owned(),
        (_, Some(message)) => message.to_owned(),
    };
    if let Some(bytes) = number("bytes") {
        words.push_str(&format!(" {}", super::number::size(bytes)));
    }
    if let Some(took) = fields.get("kinesisMs").and_then(Value::as_f64) {
        words.push_str(&format!(", Kinesis {}", milliseconds(took)));
    }
    if let Some(attempts) = number("attempts").filter(|attempts| *attempts > 1) {
        words.push_str(&format!(", {attempts} attempts"));
    }
    if let (Some(line), Some(column)) = (number("line"), number("column")) {
        words.push_str(&format!(", line {line} column {column}"));
    }
    if let Some(error) = text("error") {
        words.push_str(&format!(": {error}"));
    }
    words
}

fn platform_words(kind: &str, record: &Value) -> String {
    let status = record.get("status").and_then(Value::as_str);
    let error = record.get("errorType").and_then(Value::as_str);
    let mut words = match kind {
        "initStart" => "INIT, a new process starts".to_owned(),
        "start" => "START".to_owned(),
        "runtimeDone" => "END".to_owned(),
        "initRuntimeDone" => "INIT done".to_owned(),
        other => other.to_owned(),
    };
    if let Some(duration) = record.get("metrics").and_then(|metrics| metrics.get("durationMs")).and_then(Value::as_f64)
    {
        words.push_str(&format!(" {}", milliseconds(duration)));
    }
    if let Some(status) = status.filter(|status| *status != "success") {
        words.push_str(&format!(" {status}"));
    }
    if let Some(error) = error {
        words.push_str(&format!(" {error}"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Timestamp;

    fn brief_of(source: LogSource, message: &str) -> String {
        let (level, lambda_request_id, api_request_id) = LogLine::read(message);
        brief(&LogLine {
            time: Timestamp::default(),
            ingestion_time: Timestamp::default(),
            source,
            group: String::new(),
            stream: String::new(),
            event_id: String::new(),
            lambda_request_id,
            api_request_id,
            level,
            message: message.to_owned(),
        })
    }

    #[test]
    fn known_lines_become_words() {
        let function = |message| brief_of(LogSource::Function, message);
        assert_eq!(
            function(r#"{"level":"INFO","message":"accepted","bytes":34,"shardId":"shardId-0","user":"x","n":1}"#),
            "accepted 34 B user=x n=1"
        );
        assert_eq!(
            function(
                r#"{"level":"INFO","message":"event accepted","outcome":"accepted","bytes":34,"kinesisMs":0.8,"attempts":1}"#
            ),
            "accepted 34 B, Kinesis 0.8 ms"
        );
        assert_eq!(
            function(
                r#"{"message":"body is not JSON","outcome":"invalid","status":400,"bytes":9,"line":1,"column":2}"#
            ),
            "body is not JSON 9 B, line 1 column 2"
        );
        assert_eq!(
            function(r#"{"type":"platform.report","record":{"metrics":{"durationMs":2.94,"maxMemoryUsedMB":31}}}"#),
            "REPORT 2.9 ms, 31 MB"
        );
        assert_eq!(function(r#"{"type":"platform.start","record":{"requestId":"1"}}"#), "START");
        assert_eq!(
            function(
                r#"{"type":"platform.runtimeDone","record":{"status":"timeout","metrics":{"durationMs":3000.5}}}"#
            ),
            "END 3000 ms timeout"
        );
        assert_eq!(function("plain words"), "plain words");
    }

    #[test]
    fn an_access_line_says_whether_lambda_was_reached() {
        assert_eq!(
            brief_of(
                LogSource::Access,
                r#"{"requestId":"a","status":"429","integrationRequestId":"-","responseLatency":"1"}"#
            ),
            "429 at the API in 1 ms, Lambda not reached"
        );
    }
}
