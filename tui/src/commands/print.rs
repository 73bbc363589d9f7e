//! What goes to stdout: JSON lines for programs, lines for people.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use tailwater_core::{
    events::{Answer, LogLine, Object, ObjectLines, Record, Sent, StackEvent},
    pipeline::Outputs,
    text::safe::visible,
};

use super::{CommandError, CommandResult, End};
use crate::cli::Output;

/// Prints bytes as they are. A reader that has gone away is no failure.
pub fn print(bytes: &[u8]) -> CommandResult {
    match io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::Failed(format!("wrote to standard output: {error}")))
        }
        _ => Ok(End::Done),
    }
}

/// Prints a value as one line: the JSON for programs, the text for people.
pub fn line(output: Output, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> CommandResult {
    let mut line = match output {
        Output::Json => json().to_string(),
        Output::Text => text(),
    };
    line.push('\n');
    print(line.as_bytes())
}

/// `{"event":"stack",…}`, or with `source` for `tail`.
pub fn stack_json(event: &StackEvent) -> Map<String, Value> {
    let mut line = Map::new();
    line.insert("time".into(), json!(event.time));
    line.insert("logicalId".into(), json!(event.logical_id));
    line.insert("type".into(), json!(event.resource_type));
    line.insert("status".into(), json!(event.status.as_str()));
    line.insert("reason".into(), json!(event.reason));
    line
}

/// A stack event as a line for people.
pub fn stack_text(event: &StackEvent) -> String {
    let sign = if event.status.failed() {
        "✗"
    } else if event.status.as_str().ends_with("_IN_PROGRESS") {
        "●"
    } else {
        "✓"
    };
    let reason = event.reason.as_deref().map(|reason| format!("  {}", visible(reason))).unwrap_or_default();
    format!(
        "{}  {sign} {:<28} {:<20} {}{reason}",
        clock(event.time),
        event.status,
        visible(&event.logical_id),
        event.resource_type
    )
}

/// The first member, `event` or `source`, before the others.
pub fn tagged(tag: &str, name: &str, members: Map<String, Value>) -> Value {
    let mut line = Map::new();
    line.insert(tag.to_owned(), json!(name));
    line.extend(members);
    Value::Object(line)
}

/// `{"event":"sent",…}`.
pub fn sent_json(sent: &Sent) -> Value {
    let (shard_id, sequence_number) = match &sent.answer {
        Answer::Accepted { shard_id, sequence_number, .. } => (Some(shard_id), Some(sequence_number)),
        _ => (None, None),
    };
    json!({
        "event": "sent",
        "seq": sent.seq,
        "status": sent.status(),
        "latencyMs": millis(sent.latency),
        "apiRequestId": sent.api_request_id(),
        "shardId": shard_id,
        "sequenceNumber": sequence_number,
        "error": sent.error(),
    })
}

/// `#42 202 in 9 ms, shard 0`.
pub fn sent_text(sent: &Sent) -> String {
    let took = sent.latency.as_millis();
    match &sent.answer {
        Answer::Accepted { shard_id, sequence_number, .. } => {
            format!("#{} 202 in {took} ms, shard {}, {sequence_number}", sent.seq, shard_id.number())
        }
        Answer::Refused { status, message, .. } => {
            format!("#{} ✗ {status} in {took} ms: {}", sent.seq, visible(message))
        }
        Answer::Unanswered { message } => format!("#{} ! unanswered after {took} ms: {}", sent.seq, visible(message)),
    }
}

/// A row of `tail records`. `data` is the JSON value as it stands, numbers as sent, or base64 where
/// it is none.
pub fn record_json(record: &Record) -> String {
    let bytes = record.data.strip_suffix(b"\n").unwrap_or(&record.data);
    let data = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| serde_json::from_str::<&serde_json::value::RawValue>(text).ok())
        .map_or_else(
            || {
                use base64::Engine;
                json!({ "base64": base64::engine::general_purpose::STANDARD.encode(&record.data) }).to_string()
            },
            |raw| raw.get().to_owned(),
        );
    let head = json!({
        "source": "records",
        "time": record.time,
        "shardId": record.shard_id,
        "sequenceNumber": record.sequence_number,
        "partitionKey": record.partition_key,
    })
    .to_string();
    // The value goes in as text: a parsed one would lose the digits of large numbers. A JSON value
    // can hold line breaks only between its tokens, where they are as good as spaces.
    format!("{},\"data\":{}}}", head.trim_end_matches('}'), data.replace(['\n', '\r'], " "))
}

/// A record as a line for people.
pub fn record_text(record: &Record) -> String {
    let data = String::from_utf8_lossy(record.data.strip_suffix(b"\n").unwrap_or(&record.data));
    format!("{}  shard {}  {}", clock(record.time), record.shard_id.number(), visible(&data))
}

/// A row of `tail logs`.
pub fn log_json(line: &LogLine) -> Value {
    json!({
        "source": "logs",
        "time": line.time,
        "ingestionTime": line.ingestion_time,
        "group": line.group,
        "stream": line.stream,
        "eventId": line.event_id,
        "lambdaRequestId": line.lambda_request_id,
        "apiRequestId": line.api_request_id,
        "level": line.level.word(),
        "message": line.message,
    })
}

/// A log line as a line for people.
pub fn log_text(line: &LogLine) -> String {
    format!("{}  {:<5} {}", clock(line.time), line.level.word(), visible(&line.message))
}

/// A row of `tail objects`.
pub fn object_json(object: &Object) -> Value {
    json!({
        "source": "objects",
        "time": object.time,
        "key": object.key,
        "bytes": object.size_bytes,
        "records": object.records(),
    })
}

/// An object as a line for people.
pub fn object_text(object: &Object) -> String {
    let lines = match &object.lines {
        ObjectLines::Read { hashes, .. } if hashes.len() == 1 => "1 line".to_owned(),
        ObjectLines::Read { hashes, .. } => format!("{} lines", hashes.len()),
        ObjectLines::Unread { reason } => format!("not read: {}", visible(reason)),
    };
    format!(
        "{}  s3://{}/{}  {} B  {lines}",
        clock(object.time),
        object.bucket,
        visible(object.key.as_str()),
        object.size_bytes
    )
}

/// The outputs as lines for people.
pub fn outputs_text(outputs: &Outputs) -> String {
    let Ok(Value::Object(members)) = serde_json::to_value(outputs) else { return String::new() };
    let lines: Vec<String> =
        members.iter().map(|(name, value)| format!("  {name:<22} {}", value.as_str().unwrap_or_default())).collect();
    lines.join("\n")
}

/// Milliseconds with what counts of their fraction.
pub fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

/// A time for people, in UTC.
fn clock(time: tailwater_core::events::Timestamp) -> String {
    let whole = time.to_string();
    whole.split_once('T').map_or(whole.clone(), |(_, clock)| clock.to_owned())
}
