//! `SubscribeToShard`: records are pushed as they come, over an event stream of at most five minutes.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SubscribeToShard.html>

use std::{
    sync::{Arc, PoisonError, Weak},
    time::{Duration, Instant},
};

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::wire::{Response, ServiceError, ServiceResult, json::set_request_id};

use super::{
    Kinesis, cbor,
    read::{From, Read, child_shards},
    streams::StreamState,
};

/// How long one subscription lasts.
const SESSION: Duration = Duration::from_mins(5);
/// How soon after a subscription began another one for the same consumer and shard is refused.
const UNDISTURBED: Duration = Duration::from_secs(5);
/// How often an event comes where nothing is put.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A subscription that runs.
pub(super) struct Subscription {
    began: Instant,
    /// Ends it when another one takes over.
    taken_over: CancellationToken,
}

/// What a subscription reads, and where.
struct Subscribed {
    state: Weak<StreamState>,
    news: watch::Receiver<u64>,
    stream: String,
    shard_id: String,
    from: From,
}

impl Kinesis {
    pub(super) async fn subscribe_to_shard(
        self: &Arc<Self>,
        input: Map<String, Value>,
        as_cbor: bool,
    ) -> ServiceResult<Response> {
        // The engine's rules know only the position's type and would drop what goes with it.
        let position = input.get("StartingPosition").cloned().unwrap_or_default();
        let members = self.engine.check("SubscribeToShard", input)?.members;
        let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
        let (consumer, shard_id) = (text("ConsumerARN"), text("ShardId").to_owned());
        let stream = self.engine.consumer_stream(consumer).await?;
        let state = self.state(&stream).await?;
        let from = self.starting_position(&stream, &shard_id, &position).await?;
        let taken_over = self.take_over(consumer, &shard_id, &stream)?;
        // Held weakly: only once nobody holds the state do its readers learn that the stream is gone.
        let news = state.news.subscribe();
        let shard = Subscribed { state: Arc::downgrade(&state), news, stream, shard_id, from };
        let events = self.clone().events(shard, taken_over, as_cbor);
        let mut response = Response::new(Body::from_stream(events));
        let headers = response.headers_mut();
        headers
            .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/vnd.amazon.eventstream"));
        set_request_id(headers);
        Ok(response)
    }

    async fn starting_position(&self, stream: &str, shard_id: &str, position: &Value) -> ServiceResult<From> {
        let kind = position["Type"].as_str().unwrap_or_default();
        let mut input = json!({"StreamName": stream, "ShardId": shard_id, "ShardIteratorType": kind});
        if let Some(sequence_number) = position.get("SequenceNumber") {
            input["StartingSequenceNumber"] = sequence_number.clone();
        }
        if let Some(timestamp) = position.get("Timestamp") {
            input["Timestamp"] = timestamp.clone();
        }
        Ok(From::At(self.resolve(input).await?))
    }

    fn take_over(&self, consumer: &str, shard_id: &str, stream: &str) -> ServiceResult<CancellationToken> {
        let mut subscriptions = self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner);
        subscriptions.retain(|_, subscription| subscription.began.elapsed() < SESSION);
        let name = (consumer.to_owned(), shard_id.to_owned());
        if let Some(running) = subscriptions.get(&name) {
            if running.began.elapsed() < UNDISTURBED {
                return Err(ServiceError::bad_request(
                    "ResourceInUseException",
                    format!(
                        "Another active subscription exists for this consumer: {}:{stream}:{shard_id}:{}",
                        self.place.account_id,
                        consumer.rsplit("/consumer/").next().unwrap_or(consumer),
                    ),
                ));
            }
            running.taken_over.cancel();
        }
        let taken_over = CancellationToken::new();
        subscriptions.insert(name, Subscription { began: Instant::now(), taken_over: taken_over.clone() });
        Ok(taken_over)
    }

    fn events(
        self: Arc<Self>,
        subscribed: Subscribed,
        taken_over: CancellationToken,
        as_cbor: bool,
    ) -> impl futures::Stream<Item = Result<Bytes, std::convert::Infallible>> {
        let Subscribed { state, mut news, stream, shard_id, mut from } = subscribed;
        async_stream::stream! {
            yield Ok(frame("initial-response", b"{}".to_vec(), false));
            let end = tokio::time::Instant::now() + SESSION;
            let mut due = tokio::time::Instant::now();
            loop {
                news.borrow_and_update();
                let Some(held) = state.upgrade() else { break };
                let Ok(read) = self.read_uncounted(&held, &stream, &shard_id, &from).await else { break };
                drop(held);
                if let Some(last) = read.records.last() {
                    from = From::After(last.sequence_number.clone());
                }
                let more = !read.records.is_empty();
                if more || read.ended || tokio::time::Instant::now() >= due {
                    let children = if read.ended { self.children(&stream, &shard_id).await } else { json!([]) };
                    let event = event(&read, &from, &children);
                    yield Ok(frame("SubscribeToShardEvent", payload(&event, as_cbor), as_cbor));
                    due = tokio::time::Instant::now() + HEARTBEAT;
                }
                if read.ended {
                    break;
                }
                if more {
                    continue;
                }
                tokio::select! {
                    changed = news.changed() => if changed.is_err() { break },
                    () = tokio::time::sleep_until(due.min(end)) => {}
                    () = taken_over.cancelled() => break,
                }
                if tokio::time::Instant::now() >= end {
                    break;
                }
            }
        }
    }

    async fn children(&self, stream: &str, shard_id: &str) -> Value {
        self.engine.stream(stream).await.map_or(json!([]), |stream| child_shards(&stream.shards, shard_id))
    }
}

fn event(read: &Read, from: &From, children: &Value) -> Value {
    let (From::At(continuation) | From::After(continuation)) = from;
    let records: Vec<Value> = read
        .records
        .iter()
        .map(|record| {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in a double")]
            let arrived = record.arrived_ms as f64 / 1000.0;
            json!({
                "SequenceNumber": record.sequence_number,
                "ApproximateArrivalTimestamp": arrived,
                "Data": BASE64.encode(&record.data),
                "PartitionKey": record.partition_key,
            })
        })
        .collect();
    json!({
        "Records": records,
        "ContinuationSequenceNumber": continuation,
        "MillisBehindLatest": read.behind_ms,
        "ChildShards": children,
    })
}

fn payload(event: &Value, as_cbor: bool) -> Vec<u8> {
    if as_cbor { cbor::encode(event) } else { event.to_string().into_bytes() }
}

fn frame(kind: &'static str, payload: Vec<u8>, as_cbor: bool) -> Bytes {
    let content_type = if as_cbor { cbor::CONTENT_TYPE } else { "application/json" };
    let header = |name: &'static str, value: &'static str| Header::new(name, HeaderValue::String(value.into()));
    let message = Message::new(payload)
        .add_header(header(":message-type", "event"))
        .add_header(header(":event-type", kind))
        .add_header(header(":content-type", content_type));
    let mut bytes = Vec::new();
    // A frame fails only where a header or payload is too long for its format, and none is here.
    let _ = write_message_to(&message, &mut bytes);
    bytes.into()
}
