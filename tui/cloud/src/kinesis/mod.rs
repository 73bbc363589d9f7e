//! Kinesis Data Streams: an engine, and what AWS does that it does not.
//!
//! [`engine`] is the adapter round `ferrokinesis`. Beside it stand [`write`] and [`read`] (limits a
//! shard, order, true `MillisBehindLatest`), [`fan_out`] (records pushed as they come),
//! [`retention`] (what goes, and how much went before its time), [`operations`] (streams) and
//! [`resources`] (consumers, tags and policies).

mod cbor;
mod engine;
mod fan_out;
mod operations;
mod read;
mod reshard;
mod resources;
mod retention;
mod streams;
mod throttle;
mod write;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, header};
use serde_json::{Map, Value};

use crate::{
    Place,
    caller::Caller,
    faults::Faults,
    wire::{Input, Request, Response, ServiceError, ServiceResult, json},
};

use self::{
    engine::Engine,
    fan_out::Subscription,
    streams::{StreamState, Streams},
};

pub use self::engine::Dropped;
pub(crate) use self::{engine::Shard, read::From};

/// How long an operation waits for what the engine does in the background.
const SETTLED_WITHIN: Duration = Duration::from_secs(1);

/// One record as Firehose reads it.
#[derive(Debug, Clone)]
pub(crate) struct StoredRecord {
    pub sequence_number: String,
    pub partition_key: String,
    pub data: Bytes,
    /// Milliseconds since 1970.
    pub arrived_ms: i64,
}

impl StoredRecord {
    /// What a record counts for: its data and its partition key.
    pub fn counted_bytes(&self) -> u64 {
        (self.data.len() + self.partition_key.len()) as u64
    }
}

/// The streams.
pub(crate) struct Kinesis {
    place: Arc<Place>,
    faults: Arc<Faults>,
    engine: Engine,
    streams: Streams,
    /// By consumer ARN and shard.
    subscriptions: Mutex<HashMap<(String, String), Subscription>>,
    letting_go: tokio::sync::Mutex<()>,
    dropped_records: AtomicU64,
    dropped_bytes: AtomicU64,
}

impl Kinesis {
    /// No streams yet. Records that are too old are deleted on the current runtime.
    pub fn new(place: Arc<Place>, faults: Arc<Faults>) -> Arc<Self> {
        let kinesis = Arc::new(Self {
            engine: Engine::new(&place),
            place,
            faults,
            streams: Streams::default(),
            subscriptions: Mutex::default(),
            letting_go: tokio::sync::Mutex::default(),
            dropped_records: AtomicU64::new(0),
            dropped_bytes: AtomicU64::new(0),
        });
        tokio::spawn(retention::sweep(Arc::downgrade(&kinesis)));
        kinesis
    }

    /// A request whose signature was checked; the answer may be an event stream.
    pub async fn http(self: &Arc<Self>, caller: &Caller, request: Request) -> Response {
        let as_cbor = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with(cbor::CONTENT_TYPE));
        let result = async {
            let (operation, members) = if as_cbor { parse_cbor(&request)? } else { parse_json(&request)? };
            if operation == "SubscribeToShard" {
                return self.subscribe_to_shard(members, as_cbor).await;
            }
            let output = self.call(caller, &operation, Input::new(&operation, members.into())?).await?;
            Ok(answer(Ok(output), as_cbor))
        };
        result.await.unwrap_or_else(|error| answer(Err(error), as_cbor))
    }

    /// A Kinesis operation (`CreateStream`, `PutRecord`, …), input and output as JSON.
    /// `SubscribeToShard` answers with an event stream and is only there over HTTP.
    pub async fn call(&self, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        let input = input.into_members();
        match operation {
            "PutRecord" => self.put_record(caller, input).await,
            "PutRecords" => self.put_records(caller, input).await,
            "GetRecords" => self.get_records(input).await,
            "GetShardIterator" => self.get_shard_iterator(input).await,
            "CreateStream" => self.create_stream(input).await,
            "DeleteStream" => self.delete_stream(input).await,
            "ListStreams" => self.list_streams(input).await,
            "ListShards" => self.list_shards(input).await,
            "DescribeStream" => self.describe_stream(input).await,
            "UpdateShardCount" => self.update_shard_count(input).await,
            "DescribeStreamConsumer" => self.describe_stream_consumer(input).await,
            "ListStreamConsumers" => self.list_stream_consumers(input).await,
            "DescribeAccountSettings" => self.describe_account_settings(input),
            "GetResourcePolicy"
            | "PutResourcePolicy"
            | "DeleteResourcePolicy"
            | "ListTagsForResource"
            | "TagResource"
            | "UntagResource" => self.resource_operation(operation, input).await,
            _ => {
                let checked = self.engine.check(operation, input)?;
                let only_reads = ["Describe", "Get", "List"].iter().any(|verb| operation.starts_with(verb));
                let stream = self.engine.stream_name(&checked.members).ok().filter(|_| !only_reads);
                let Some(stream) = stream else {
                    return self.engine.call(checked).await.map(without_nulls);
                };
                // While shards are split or merged nobody puts into one that is about to close.
                let state = self.streams.get(&stream);
                let alone = match &state {
                    Some(state) if matches!(operation, "SplitShard" | "MergeShards") => Some(state.gate.write().await),
                    _ => None,
                };
                let output = self.engine.call(checked).await?;
                self.settle(&stream).await;
                drop(alone);
                self.changed(&stream).await;
                Ok(without_nulls(output))
            }
        }
    }

    /// A stream's state; `ResourceNotFoundException` where there is no such stream.
    async fn state(&self, stream: &str) -> ServiceResult<Arc<StreamState>> {
        if let Some(state) = self.streams.get(stream) {
            Ok(state)
        } else {
            self.engine.stream(stream).await?;
            Err(ServiceError::bad_request(
                "ResourceInUseException",
                format!(
                    "Stream {stream} under account {} not ACTIVE, instead in state DELETING",
                    self.place.account_id
                ),
            ))
        }
    }

    /// Waits until the engine has done what it does in the background, which takes it no time: until
    /// the stream is active, or gone.
    async fn settle(&self, name: &str) {
        let settled = async {
            while self.engine.stream(name).await.is_ok_and(|stream| stream.status != "ACTIVE") {
                tokio::task::yield_now().await;
            }
        };
        // The stream's status says where it stands if this takes longer.
        let _ = tokio::time::timeout(SETTLED_WITHIN, settled).await;
    }

    /// Something about a stream may have changed: its shards, or whether it is encrypted.
    async fn changed(&self, name: &str) {
        if let (Some(state), Ok(stream)) = (self.streams.get(name), self.engine.stream(name).await) {
            state.encrypted.store(stream.encrypted, std::sync::atomic::Ordering::Relaxed);
            state.tell();
        }
    }
}

fn parse_json(request: &Request) -> ServiceResult<(String, Map<String, Value>)> {
    match json::parse(request)? {
        (operation, Value::Object(members)) => Ok((operation, members)),
        _ => Err(ServiceError::bad_request("SerializationException", "The request body must be a JSON object.")),
    }
}

fn parse_cbor(request: &Request) -> ServiceResult<(String, Map<String, Value>)> {
    let operation = json::operation(request)?;
    let members = cbor::decode(request.body())
        .ok_or_else(|| ServiceError::bad_request("SerializationException", "The request body is not a CBOR map."))?;
    Ok((operation, members))
}

fn answer(result: ServiceResult, as_cbor: bool) -> Response {
    if !as_cbor {
        return json::answer(result);
    }
    let body = match &result {
        Ok(Value::Null) => Vec::new(),
        Ok(output) => cbor::encode(output),
        Err(error) => cbor::encode(&json::error_body(error, "__type", "message")),
    };
    let mut response = json::answer(result);
    *response.body_mut() = body.into();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(cbor::CONTENT_TYPE));
    response
}

/// AWS leaves out what is not there.
fn without_nulls(mut output: Value) -> Value {
    if let Value::Object(members) = &mut output {
        members.retain(|_, value| !value.is_null());
        for value in members.values_mut() {
            *value = without_nulls(value.take());
        }
    }
    output
}
