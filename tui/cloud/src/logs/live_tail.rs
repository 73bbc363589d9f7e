//! `StartLiveTail`: what comes into groups, once a second, as an event stream.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_stream::stream;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use axum::body::Body;
use bytes::Bytes;
use http::header;
use serde_json::{Value, json};

use super::{Logs, constraint, event_id::Position, invalid, no_group, pattern::Pattern, store::Event};
use crate::wire::{Input, Response, ServiceResult, new_request_id};

/// How often a session is told what came.
const UPDATE_INTERVAL: Duration = Duration::from_secs(1);
/// Events in one update; above it AWS samples.
const UPDATE_EVENTS: usize = 500;
/// How long a session lasts.
const LONGEST_SESSION: Duration = Duration::from_hours(3);
/// Groups in one session.
const MOST_GROUPS: usize = 10;

/// What one client wants to be told of.
pub(super) struct Session {
    /// Names of groups, each with the identifier that the client gave.
    groups: Vec<(String, String)>,
    streams: Vec<String>,
    prefixes: Vec<String>,
    pattern: Pattern,
    waiting: Mutex<Waiting>,
}

/// What came since the last update.
#[derive(Default)]
struct Waiting {
    events: Vec<Value>,
    sampled: bool,
}

impl Session {
    /// Whether the session is about this group.
    pub fn reads(&self, group: &str) -> bool {
        self.groups.iter().any(|(name, _)| name == group)
    }

    /// Keeps an event for the next update, where it is one that the session wants.
    pub fn offer(&self, group: &str, position: Position, event: &Event) {
        let of_stream = (self.streams.is_empty() && self.prefixes.is_empty())
            || self.streams.iter().any(|name| **name == *event.stream)
            || self.prefixes.iter().any(|prefix| event.stream.starts_with(prefix.as_str()));
        let Some((_, identifier)) = self.groups.iter().find(|(name, _)| name == group) else { return };
        if !of_stream || !self.pattern.matches(&event.message) {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.events.len() == UPDATE_EVENTS {
            waiting.sampled = true;
            return;
        }
        waiting.events.push(json!({
            "logStreamName": *event.stream,
            "logGroupIdentifier": identifier,
            "message": event.message,
            "timestamp": position.timestamp_ms,
            "ingestionTime": event.ingestion_ms,
        }));
    }

    fn update(&self) -> Value {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        json!({ "sessionMetadata": { "sampled": waiting.sampled }, "sessionResults": waiting.events })
    }
}

impl Logs {
    /// Answers with an event stream that ends with the client, or after three hours.
    pub(super) fn start_live_tail(self: &Arc<Self>, mut input: Input) -> ServiceResult<Response> {
        let identifiers = input.strings("logGroupIdentifiers")?;
        let streams = input.strings("logStreamNames")?;
        let prefixes = input.strings("logStreamNamePrefixes")?;
        let pattern_text = input.string("logEventFilterPattern")?;
        input.finish()?;
        if identifiers.is_empty() || identifiers.len() > MOST_GROUPS {
            return Err(constraint(
                "logGroupIdentifiers",
                format!("{identifiers:?}"),
                "Member must have length between 1 and 10",
            ));
        }
        if (!streams.is_empty() || !prefixes.is_empty()) && identifiers.len() > 1 {
            return Err(invalid("Log streams can be named only where one log group is given."));
        }
        if !streams.is_empty() && !prefixes.is_empty() {
            return Err(invalid("logStreamNames and logStreamNamePrefixes cannot be both specified."));
        }
        let mut groups = Vec::with_capacity(identifiers.len());
        for identifier in &identifiers {
            if !identifier.starts_with("arn:") || identifier.ends_with(":*") {
                return Err(invalid(format!(
                    "The log group identifier {identifier} must be an ARN that does not end with :*."
                )));
            }
            groups.push((self.group_of(identifier)?, identifier.clone()));
        }
        let pattern =
            Pattern::parse(pattern_text.as_deref().unwrap_or_default()).map_err(|error| invalid(error.to_string()))?;
        let started = json!({
            "requestId": new_request_id(),
            "sessionId": new_request_id(),
            "logGroupIdentifiers": identifiers,
            "logStreamNames": streams,
            "logStreamNamePrefixes": prefixes,
            "logEventFilterPattern": pattern_text.unwrap_or_default(),
        });
        let session = Arc::new(Session { groups, streams, prefixes, pattern, waiting: Mutex::default() });
        {
            let mut store = self.store();
            if session.groups.iter().any(|(name, _)| !store.groups.contains_key(name)) {
                return Err(no_group());
            }
            store.sessions.push(Arc::downgrade(&session));
        }
        let mut response = Response::new(Body::from_stream(frames(session, started)));
        let content_type = header::HeaderValue::from_static("application/vnd.amazon.eventstream");
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        crate::wire::json::set_request_id(response.headers_mut());
        Ok(response)
    }
}

/// The frames of a session. Dropping the stream drops the session.
fn frames(
    session: Arc<Session>,
    started: Value,
) -> impl futures::Stream<Item = Result<Bytes, aws_smithy_eventstream::error::Error>> + Send + 'static {
    stream! {
        yield event("initial-response", "application/x-amz-json-1.1", &json!({}));
        yield event("sessionStart", "application/json", &started);
        let end = tokio::time::Instant::now() + LONGEST_SESSION;
        let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + UPDATE_INTERVAL, UPDATE_INTERVAL);
        while tokio::time::Instant::now() < end {
            tick.tick().await;
            yield event("sessionUpdate", "application/json", &session.update());
        }
        let message = json!({ "message": "The session ended: it lasted three hours." });
        yield frame("exception", ":exception-type", "SessionTimeoutException", "application/json", &message);
    }
}

fn event(event_type: &str, content_type: &str, payload: &Value) -> Result<Bytes, aws_smithy_eventstream::error::Error> {
    frame("event", ":event-type", event_type, content_type, payload)
}

fn frame(
    message_type: &str,
    type_header: &str,
    type_name: &str,
    content_type: &str,
    payload: &Value,
) -> Result<Bytes, aws_smithy_eventstream::error::Error> {
    let text = |value: &str| HeaderValue::String(value.to_owned().into());
    let message = Message::new(payload.to_string())
        .add_header(Header::new(":message-type", text(message_type)))
        .add_header(Header::new(type_header.to_owned(), text(type_name)))
        .add_header(Header::new(":content-type", text(content_type)));
    let mut buffer = Vec::new();
    write_message_to(&message, &mut buffer)?;
    Ok(buffer.into())
}
