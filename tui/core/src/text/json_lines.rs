//! Rows as JSON for programs, one line each: what commands print and the app saves.

use serde_json::{Map, Value, json};

use crate::events::{Answer, LogLine, ObjectKey, Record, Sent, StackEvent, Timestamp};

/// The first member, `event` or `source`, before the others.
pub fn tagged(tag: &str, name: &str, members: Map<String, Value>) -> Value {
    let mut line = Map::new();
    line.insert(tag.to_owned(), json!(name));
    line.extend(members);
    Value::Object(line)
}

/// The members of a stack event, to be tagged.
pub fn stack(event: &StackEvent) -> Map<String, Value> {
    let mut line = Map::new();
    line.insert("time".into(), json!(event.time));
    line.insert("logicalId".into(), json!(event.logical_id));
    line.insert("type".into(), json!(event.resource_type));
    line.insert("status".into(), json!(event.status.as_str()));
    line.insert("reason".into(), json!(event.reason));
    line
}

/// `{"event":"sent",…}`.
pub fn sent(sent: &Sent) -> Value {
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

/// A record. `data` is the JSON value as it stands, numbers as sent, or base64 where it is none.
pub fn record(record: &Record) -> String {
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

/// A log line.
pub fn log(line: &LogLine) -> Value {
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

/// An object; `records`: how many lines it has, where they were read.
pub fn object(time: Timestamp, key: &ObjectKey, size_bytes: u64, records: Option<u64>) -> Value {
    json!({
        "source": "objects",
        "time": time,
        "key": key,
        "bytes": size_bytes,
        "records": records,
    })
}

/// Milliseconds with what counts of their fraction.
pub fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn record_of(data: &'static [u8]) -> String {
        record(&Record {
            time: Timestamp::default(),
            shard_id: "shardId-000000000000".into(),
            sequence_number: "4966".into(),
            partition_key: "a}b".to_owned(),
            data: Bytes::from_static(data),
        })
    }

    #[test]
    fn a_record_keeps_the_digits_it_was_sent_with_in_one_line() {
        let line = record_of(b"{\"n\": 12345678901234567890123,\n \"f\":1.50e+03}\n");
        assert!(line.ends_with("\"partitionKey\":\"a}b\",\"data\":{\"n\": 12345678901234567890123,  \"f\":1.50e+03}}"));
        assert!(serde_json::from_str::<Value>(&line).is_ok() && !line.contains('\n'));
    }

    #[test]
    fn what_is_no_json_is_base64_of_all_its_bytes() {
        assert!(record_of(b"\xff\n").ends_with("\"data\":{\"base64\":\"/wo=\"}}"));
    }
}
