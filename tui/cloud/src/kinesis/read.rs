//! `GetRecords`, and the reads of the cloud's own services.

use std::{sync::Arc, time::Instant};

use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::{
    Limits,
    wire::{ServiceError, ServiceResult},
};

use super::{
    Kinesis, StoredRecord,
    engine::{Checked, Engine, Shard, decoded_length},
    streams::StreamState,
};

/// Bytes of records that one `GetRecords` call gives at most.
const ANSWER_BYTES_AT_MOST: u64 = 10 * 1024 * 1024;
/// Records that a service of the cloud reads at once.
const SERVICE_RECORDS_AT_MOST: usize = 64;

/// Where to read on in a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum From {
    /// With the record of this sequence number, or the next one.
    At(String),
    /// Behind the record of this sequence number.
    After(String),
}

/// What a service of the cloud read.
pub(crate) struct Read {
    /// Oldest first; empty: there is nothing new.
    pub records: Vec<StoredRecord>,
    /// How long the next record has been waiting, in milliseconds; 0: there is none yet.
    pub behind_ms: i64,
    /// The shard is closed and everything in it has been read: read its children.
    pub ended: bool,
}

impl Kinesis {
    pub(super) async fn get_records(&self, input: Map<String, Value>) -> ServiceResult {
        let checked = self.engine.check("GetRecords", input)?;
        let position = checked.members.get("ShardIterator").and_then(Value::as_str).and_then(Engine::position);
        let state = match &position {
            Some(position) => self.streams.get(&position.stream),
            None => None,
        };
        // What is no iterator, or one of a stream that is gone, the engine refuses in AWS's words.
        let (Some(position), Some(state)) = (position, state) else {
            return self.engine.call(checked).await;
        };
        let throttled = self.place.limits == Limits::Aws;
        if throttled && !state.with_window(&position.shard_id, |window| window.admit(Instant::now())) {
            return Err(ServiceError::bad_request(
                "ProvisionedThroughputExceededException",
                self.engine.rate_exceeded(&position.stream, &position.shard_id),
            ));
        }
        self.let_expired_go(&position.stream).await;
        let _together = state.gate.read().await;
        let mut answer = self.engine.call(checked).await?;
        let given = cut(&mut answer, &position.stream, &position.shard_id)?;
        if throttled {
            state.with_window(&position.shard_id, |window| window.charge(given, Instant::now()));
        }
        let stream = self.engine.stream(&position.stream).await?;
        if let Some(shard) = stream.shards.iter().find(|shard| shard.id == position.shard_id) {
            self.say_how_far_behind(&mut answer, &position.stream, shard).await;
        }
        if answer.get("NextShardIterator").is_none() {
            answer["ChildShards"] = child_shards(&stream.shards, &position.shard_id);
        }
        Ok(answer)
    }

    /// `MillisBehindLatest`: how old the last record given is, 0 where nothing follows it.
    async fn say_how_far_behind(&self, answer: &mut Value, stream: &str, shard: &Shard) {
        let Some(last) = answer["Records"].as_array().and_then(|records| records.last()) else { return };
        let Some(sequence_number) = last["SequenceNumber"].as_str() else { return };
        let behind = match self.engine.records(stream, shard, sequence_number, true, 1).await.first() {
            None => 0,
            Some(next) => age(next),
        };
        answer["MillisBehindLatest"] = behind.into();
    }

    /// The shards of a stream, open and closed, in the order of their numbers.
    pub async fn shards(&self, stream: &str) -> ServiceResult<Vec<Shard>> {
        Ok(self.engine.stream(stream).await?.shards)
    }

    /// Where a shard's next record will be: what is put from now on is behind it.
    pub async fn latest(&self, stream: &str, shard_id: &str) -> ServiceResult<From> {
        let input = json!({"StreamName": stream, "ShardId": shard_id, "ShardIteratorType": "LATEST"});
        Ok(From::At(self.resolve(input).await?))
    }

    /// An iterator. Where no record is as young as an asked time, the engine begins with the shard's
    /// oldest; on AWS such a reader sees only what comes later.
    pub(super) async fn get_shard_iterator(&self, input: Map<String, Value>) -> ServiceResult {
        let checked = self.engine.check("GetShardIterator", input)?;
        let Some(time) = checked.members.get("Timestamp").and_then(Value::as_f64) else {
            return self.engine.call(checked).await;
        };
        let mut latest = checked.members.clone();
        if let Value::Object(members) = &mut latest {
            members.insert("ShardIteratorType".to_owned(), "LATEST".into());
            members.remove("Timestamp");
        }
        // Asked for before the records are looked through, so that what is put meanwhile is behind it.
        let latest = self.engine.call(Checked { operation: checked.operation, members: latest }).await?;
        let found = self.engine.call(checked).await?;
        let Some(position) = found["ShardIterator"].as_str().and_then(Engine::position) else { return Ok(found) };
        let shards = self.engine.stream(&position.stream).await?.shards;
        let Some(shard) = shards.iter().find(|shard| shard.id == position.shard_id) else { return Ok(found) };
        let first = self.engine.records(&position.stream, shard, &position.sequence_number, false, 1).await;
        let young_enough = first.first().is_some_and(|record| record.arrived_ms as f64 >= (time * 1_000.0).round());
        Ok(if young_enough { found } else { latest })
    }

    /// The sequence number that an iterator of this kind would begin with.
    pub(super) async fn resolve(&self, input: Value) -> ServiceResult<String> {
        let Value::Object(members) = input else { return Err(ServiceError::internal("an input is an object")) };
        let answer = self.get_shard_iterator(members).await?;
        let position = answer["ShardIterator"].as_str().and_then(Engine::position);
        position.map(|position| position.sequence_number).ok_or_else(|| ServiceError::internal("no iterator was given"))
    }

    /// Changes when there is something new in a stream, and ends with it. `None`: no such stream.
    pub fn news(&self, stream: &str) -> Option<watch::Receiver<u64>> {
        self.streams.get(stream).map(|state| state.news.subscribe())
    }

    /// Reads for a service of the cloud; counts towards the shard's limit once a second, as
    /// Firehose's reads do on AWS.
    pub async fn read(&self, stream: &str, shard_id: &str, from: &From) -> ServiceResult<Read> {
        let state = self.state(stream).await?;
        state.with_window(shard_id, |window| window.admit_service(Instant::now()));
        self.read_uncounted(&state, stream, shard_id, from).await
    }

    /// How many records a reader has before it.
    pub async fn count(&self, stream: &str, shard_id: &str, mut from: From) -> u64 {
        let Some(state) = self.streams.get(stream) else { return 0 };
        let mut count = 0;
        while let Ok(read) = self.read_uncounted(&state, stream, shard_id, &from).await
            && let Some(last) = read.records.last()
        {
            count += read.records.len() as u64;
            from = From::After(last.sequence_number.clone());
        }
        count
    }

    /// Reads without counting: fan-out has a throughput of its own.
    pub(super) async fn read_uncounted(
        &self,
        state: &Arc<StreamState>,
        stream: &str,
        shard_id: &str,
        from: &From,
    ) -> ServiceResult<Read> {
        let _together = state.gate.read().await;
        let shards = self.engine.stream(stream).await?.shards;
        let shard = shards.iter().find(|shard| shard.id == shard_id).ok_or_else(|| {
            ServiceError::bad_request(
                "ResourceNotFoundException",
                format!("Shard {shard_id} in stream {stream} under account {} does not exist", self.place.account_id),
            )
        })?;
        let (sequence_number, after) = match from {
            From::At(sequence_number) => (sequence_number, false),
            From::After(sequence_number) => (sequence_number, true),
        };
        let at_most = SERVICE_RECORDS_AT_MOST + 1;
        let mut records = self.engine.records(stream, shard, sequence_number, after, at_most).await;
        let next = if records.len() == at_most { records.pop() } else { None };
        let ended = shard.closed && records.is_empty();
        Ok(Read { records, behind_ms: next.map_or(0, |next| age(&next)), ended })
    }
}

/// Cuts an answer down to what AWS gives at once; gives the bytes that are left.
fn cut(answer: &mut Value, stream: &str, shard_id: &str) -> ServiceResult<u64> {
    let Some(records) = answer.get_mut("Records").and_then(Value::as_array_mut) else { return Ok(0) };
    let mut bytes = 0;
    let mut kept = 0;
    for record in records.iter() {
        let size = decoded_length(record["Data"].as_str().unwrap_or_default());
        if kept > 0 && bytes + size > ANSWER_BYTES_AT_MOST {
            break;
        }
        bytes += size;
        kept += 1;
    }
    if kept < records.len() {
        records.truncate(kept);
        let last = records.last().and_then(|record| record["SequenceNumber"].as_str()).unwrap_or_default();
        let next = Engine::iterator_after(stream, shard_id, last)?;
        answer["NextShardIterator"] = next.into();
    }
    Ok(bytes)
}

fn age(record: &StoredRecord) -> i64 {
    (jiff::Timestamp::now().as_millisecond() - record.arrived_ms).max(1)
}

/// The children of a shard in the shape of `GetRecords` and `SubscribeToShard`.
pub(super) fn child_shards(shards: &[Shard], parent: &str) -> Value {
    shards
        .iter()
        .filter(|shard| shard.parents.iter().any(|name| name == parent))
        .map(|shard| json!({"ShardId": shard.id, "ParentShards": shard.parents, "HashKeyRange": shard.hash_key_range}))
        .collect()
}
