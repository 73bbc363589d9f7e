//! What a row is: a log line, a record, an object, a resource.

use super::{Part, bundled, text};
use crate::{
    events::{LogLine, LogSource, ObjectKey, Record},
    text::safe::visible,
};

/// What a log line is.
pub fn log(line: &LogLine) -> Vec<Part> {
    let words = match line.source {
        LogSource::Access => {
            "A line of the API's access log: one for each request, whoever sent it, also for those that it refuses itself. \
             responseLatency is how long the whole took, integrationLatency how much of it the function."
        }
        LogSource::Delivery => {
            "Firehose could not deliver, in its own words. It tries again; records stay in the stream meanwhile, until \
             RetentionHours are over. Most often its role lacks a right, or the bucket is gone."
        }
        LogSource::Function => match platform_type(line).as_deref() {
            Some("platform.report") => {
                "REPORT: Lambda's line at the end of each invocation: how long the code ran, what is billed, how much \
                 memory it took at most. Init Duration stands only on a cold start."
            }
            Some("platform.initStart" | "platform.initRuntimeDone" | "platform.initReport") => {
                "A cold start: Lambda makes a new execution environment, because none was free. It is kept for later \
                 requests, which then start warm."
            }
            Some("platform.start") => "START: Lambda hands a request to an execution environment.",
            Some("platform.runtimeDone") => "The code has answered; REPORT follows.",
            _ => {
                "A line of the function itself, one for each event: what became of it, where it was put, how long Kinesis \
                 took. apiRequestId joins it to the client's answer, lambdaRequestId to Lambda's own lines."
            }
        },
    };
    vec![text(words)]
}

fn platform_type(line: &LogLine) -> Option<String> {
    if line.message.starts_with("REPORT ") {
        return Some("platform.report".to_owned());
    }
    let json: serde_json::Value = serde_json::from_str(&line.message).ok()?;
    Some(json.get("type")?.as_str()?.to_owned())
}

/// What a record is.
pub fn record(record: &Record) -> Vec<Part> {
    vec![text(format!(
        "A record of the stream: bytes, a partition key ({}), and a sequence number in its shard, by which it is joined to \
         the answer. Its partition key chose the shard. Its time is when Kinesis took it. Any consumer can read it again \
         until RetentionHours are over.",
        visible(&record.partition_key)
    ))]
}

/// What an object is.
pub fn object(key: &ObjectKey) -> Vec<Part> {
    if key.as_str().starts_with("errors/") {
        return vec![text(
            "An object under the error prefix: records that Firehose could not deliver as they are. It is evidence of a \
             failure, no delivery.",
        )];
    }
    vec![text(
        "An object: one delivery of Firehose, one record a line. The key is YYYY/MM/dd/HH in UTC, from when its oldest \
         record arrived, then the delivery stream, its version, the time, and a random id. Which line is whose event is \
         told by the line's bytes.",
    )]
}

/// What a resource is: the template's own words.
pub fn resource(logical_id: &str, resource_type: &str) -> Vec<Part> {
    let template = bundled();
    let known = template.resource_type(logical_id) == Some(resource_type);
    let mut parts = vec![text(format!("{}: {}", visible(logical_id), visible(resource_type)))];
    match (template.comment(logical_id).filter(|_| known), template.resource(logical_id)) {
        (Some(comment), Some(line)) => {
            parts.push(text(comment));
            parts.push(text(format!("It stands in template.yaml, line {line}.")));
        }
        (None, Some(line)) if known => parts.push(text(format!("It stands in template.yaml, line {line}."))),
        _ => parts.push(text("The bundled template has no such resource: it is of another template.")),
    }
    parts
}
