//! What goes to stdout: JSON lines for programs, lines for people. How a row is written as JSON is
//! the same here and where the app saves rows.

use std::io::{self, Write};

use serde_json::Value;
pub use tailwater_core::text::json_lines::{
    log as log_json, millis, record as record_json, sent as sent_json, stack as stack_json, tagged,
};
use tailwater_core::{
    events::{Answer, LogLine, Object, ObjectLines, Record, Sent, StackEvent},
    pipeline::Outputs,
    text::{json_lines, safe::visible},
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

/// A record as a line for people.
pub fn record_text(record: &Record) -> String {
    let data = String::from_utf8_lossy(record.data.strip_suffix(b"\n").unwrap_or(&record.data));
    format!("{}  shard {}  {}", clock(record.time), record.shard_id.number(), visible(&data))
}

/// A log line as a line for people.
pub fn log_text(line: &LogLine) -> String {
    format!("{}  {:<5} {}", clock(line.time), line.level.word(), visible(&line.message))
}

/// A row of `tail objects`.
pub fn object_json(object: &Object) -> Value {
    json_lines::object(object.time, &object.key, object.size_bytes, object.records().map(|count| count as u64))
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

/// A time for people, in UTC.
fn clock(time: tailwater_core::events::Timestamp) -> String {
    let whole = time.to_string();
    whole.split_once('T').map_or(whole.clone(), |(_, clock)| clock.to_owned())
}
