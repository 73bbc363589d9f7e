//! The adapter round `ferrokinesis`: the only file that names it.
//!
//! The engine keeps streams, shards, consumers and records, and checks inputs in AWS's words. What
//! it lacks stands beside it in this room. Records are put and read through it record by record,
//! so that they carry milliseconds and are never seen out of order.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use ferrokinesis::{
    actions::{self, Operation},
    error::KinesisErrorResponse,
    sequence, shard_iterator,
    store::{Store, StoreOptions},
    types::{
        ConsumerStatus, EncryptionType, HashKeyRange, SequenceNumberRange, Shard as EngineShard,
        StoredRecord as EngineRecord, StoredRecordRef, StreamMode, StreamModeDetails,
    },
    validation::{self, FieldDef},
};
use serde_json::{Map, Value};

use crate::{
    Limits, Place,
    wire::{ServiceError, ServiceResult},
};

use super::{
    StoredRecord,
    reshard::{Range, Step, plan},
};

/// Open shards that one cloud may have.
pub(super) const SHARDS_AT_MOST: u32 = 1000;
/// How long a stream keeps its records at most: 365 days. The engine's rules know the 7 days of old.
/// <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html>
const RETENTION_HOURS_AT_MOST: f64 = 8760.0;
/// Operations that the engine accepts and does nothing with.
const WITHOUT_EFFECT: [&str; 3] = ["UpdateAccountSettings", "UpdateMaxRecordSize", "UpdateStreamWarmThroughput"];
/// Records of one shard looked at in one step of deleting old ones.
const DELETED_AT_ONCE: usize = 256;

/// The engine.
#[derive(Clone)]
pub(super) struct Engine {
    store: Store,
}

/// An operation's input that was checked.
pub(super) struct Checked {
    pub operation: Operation,
    pub members: Value,
}

/// One shard of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Shard {
    pub id: String,
    /// No parents, one after a split, two after a merge.
    pub parents: Vec<String>,
    /// `StartingHashKey` and `EndingHashKey`.
    pub hash_key_range: Value,
    /// Below every record's sequence number.
    pub starting_sequence_number: String,
    /// It takes no more records.
    pub closed: bool,
    index: i64,
}

/// A stream as far as this room needs it.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub arn: String,
    pub status: String,
    pub created: f64,
    pub mode: Value,
    pub encrypted: bool,
    pub retention_hours: u32,
    pub shards: Vec<Shard>,
}

/// A record to put; `data` is base64 as it came.
pub(super) struct NewRecord<'a> {
    pub partition_key: &'a str,
    pub explicit_hash_key: Option<&'a str>,
    pub data: &'a str,
}

/// Where a record went.
pub(super) struct Placed {
    pub shard_id: String,
    pub sequence_number: String,
    /// What it counts for: its data and its partition key.
    pub bytes: u64,
}

/// What an iterator points at.
pub(super) struct Position {
    pub stream: String,
    pub shard_id: String,
    pub sequence_number: String,
}

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// How many.
    pub records: u64,
    /// Data and partition keys.
    pub bytes: u64,
}

impl Engine {
    /// An engine without streams, in this place.
    pub fn new(place: &Place) -> Self {
        let store = Store::new(StoreOptions {
            create_stream_ms: 0,
            delete_stream_ms: 0,
            update_stream_ms: 0,
            shard_limit: SHARDS_AT_MOST,
            // Old records are deleted here, where their bytes are counted.
            retention_check_interval_secs: 0,
            enforce_limits: place.limits == Limits::Aws,
            aws_account_id: place.account_id.clone(),
            aws_region: place.region.clone(),
            ..StoreOptions::default()
        });
        Self { store }
    }

    /// Checks an input in AWS's words. A member that the engine does not act on is refused.
    pub fn check(&self, operation: &str, mut members: Map<String, Value>) -> ServiceResult<Checked> {
        let known = operation.parse().ok().filter(|_| !WITHOUT_EFFECT.contains(&operation));
        let known: Operation = known.ok_or_else(|| ServiceError::unknown_operation("Kinesis", operation))?;
        let mut rules = known.validation_rules();
        if let Some((_, hours)) = rules.iter_mut().find(|(name, _)| *name == "RetentionPeriodHours") {
            hours.less_than_or_equal = Some(RETENTION_HOURS_AT_MOST);
        }
        let takes = |name: &str| rules.iter().any(|(rule, _)| *rule == name);
        if let Some(arn) = members.get("StreamARN").and_then(Value::as_str) {
            if takes("StreamName") {
                let name = self.name_of(arn)?;
                members.entry("StreamName").or_insert(name.into());
            }
            if !takes("StreamARN") {
                members.remove("StreamARN");
            }
        }
        if let Some((name, _)) = members.iter().find(|(name, value)| !value.is_null() && !takes(name)) {
            return Err(ServiceError::unsupported_member(operation, name));
        }
        let fields: Vec<(&str, &FieldDef)> = rules.iter().map(|(name, rule)| (*name, rule)).collect();
        let members = validation::check_types(&Value::Object(members), &fields).map_err(refusal)?;
        validation::check_validations(&members, &fields, None).map_err(refusal)?;
        Ok(Checked { operation: known, members })
    }

    /// Carries out an operation of the engine.
    pub async fn call(&self, checked: Checked) -> ServiceResult {
        let output = actions::dispatch(&self.store, checked.operation, checked.members).await.map_err(refusal)?;
        Ok(output.unwrap_or(Value::Null))
    }

    /// The stream that an input names by name or ARN.
    pub fn stream_name(&self, members: &Value) -> ServiceResult<String> {
        self.store.resolve_stream_name(members).map_err(refusal)
    }

    fn name_of(&self, arn: &str) -> ServiceResult<String> {
        let own = format!("arn:aws:kinesis:{}:{}:stream/", self.store.aws_region, self.store.aws_account_id);
        match arn.strip_prefix(&own) {
            Some(name) if !name.contains('/') => Ok(name.to_owned()),
            _ => Err(ServiceError::bad_request(
                "ResourceNotFoundException",
                format!("Stream {arn} under account {} not found.", self.store.aws_account_id),
            )),
        }
    }

    /// The names of all streams, in order.
    pub async fn stream_names(&self) -> Vec<String> {
        self.store.list_stream_names().await
    }

    /// A stream; `ResourceNotFoundException`.
    pub async fn stream(&self, name: &str) -> ServiceResult<Stream> {
        let stream = self.store.get_stream(name).await.map_err(refusal)?;
        let shards = stream
            .shards
            .iter()
            .enumerate()
            .map(|(index, shard)| Shard {
                id: shard.shard_id.clone(),
                parents: shard.parent_shard_id.iter().chain(&shard.adjacent_parent_shard_id).cloned().collect(),
                hash_key_range: json(&shard.hash_key_range),
                starting_sequence_number: shard.sequence_number_range.starting_sequence_number.clone(),
                closed: shard.sequence_number_range.ending_sequence_number.is_some(),
                index: index_of(index),
            })
            .collect();
        Ok(Stream {
            arn: stream.stream_arn,
            status: stream.stream_status.to_string(),
            created: stream.stream_creation_timestamp.0,
            mode: json(&stream.stream_mode_details),
            encrypted: matches!(stream.encryption_type, EncryptionType::Kms),
            retention_hours: stream.retention_period_hours,
            shards,
        })
    }

    /// Sets what `CreateStream` may carry and the engine's own does not take.
    pub async fn complete_stream(&self, name: &str, on_demand: bool, tags: Map<String, Value>) -> ServiceResult<()> {
        self.store
            .update_stream(name, |stream| {
                if on_demand {
                    stream.stream_mode_details = StreamModeDetails { stream_mode: StreamMode::OnDemand };
                }
                stream.tags.extend(tags.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))));
                Ok(())
            })
            .await
            .map_err(refusal)
    }

    /// Gives a stream another number of shards of equal width; gives the number it had.
    pub async fn reshard(&self, name: &str, target: u32) -> ServiceResult<usize> {
        self.store
            .update_stream(name, |stream| {
                let open: Vec<Range> = stream
                    .shards
                    .iter()
                    .enumerate()
                    .filter(|(_, shard)| shard.sequence_number_range.ending_sequence_number.is_none())
                    .map(|(index, shard)| Range {
                        index,
                        first: shard.hash_key_range.start_u128(),
                        last: shard.hash_key_range.end_u128(),
                    })
                    .collect();
                for step in plan(&open, target, stream.shards.len()) {
                    match step {
                        Step::Split { shard, at } => {
                            close(&mut stream.shards, shard.index);
                            make(&mut stream.shards, &[shard.index], shard.first, at - 1);
                            make(&mut stream.shards, &[shard.index], at, shard.last);
                        }
                        Step::Merge { left, right } => {
                            close(&mut stream.shards, left.index);
                            close(&mut stream.shards, right.index);
                            make(&mut stream.shards, &[left.index, right.index], left.first, right.last);
                        }
                    }
                }
                Ok(open.len())
            })
            .await
            .map_err(refusal)
    }

    /// Open shards of all streams.
    pub async fn open_shards(&self) -> u32 {
        self.store.sum_open_shards().await
    }

    /// Puts one record, or refuses it as one too many for its shard's second. The caller sees to it
    /// that nobody reads or puts in between.
    pub async fn put(&self, stream: &str, record: &NewRecord<'_>, throttled: bool) -> ServiceResult<Placed> {
        let hash_key = match record.explicit_hash_key {
            Some(text) => text.parse().map_err(|_| {
                ServiceError::bad_request(
                    "InvalidArgumentException",
                    format!(
                        "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value \
                         was {text}"
                    ),
                )
            })?,
            None => sequence::partition_key_to_hash_key(record.partition_key),
        };
        let placed = self.store.allocate_sequence(stream, &hash_key).await.map_err(refusal)?;
        if throttled {
            let message = self.rate_exceeded(stream, &placed.shard_id);
            return Err(ServiceError::bad_request("ProvisionedThroughputExceededException", message));
        }
        let bytes = decoded_length(record.data) + record.partition_key.len() as u64;
        self.store.try_reserve_shard_throughput(stream, &placed.shard_id, bytes, placed.now).await.map_err(
            |error| {
                let mut error = refusal(error);
                error.message = self.rate_exceeded(stream, &placed.shard_id);
                error
            },
        )?;
        let stored = StoredRecordRef {
            partition_key: record.partition_key,
            data: record.data,
            // The engine's own time is up to a second ahead in the shards of a fresh split.
            approximate_arrival_timestamp: seconds(now_ms()),
        };
        self.store.put_record(stream, &placed.stream_key, &stored).await.map_err(refusal)?;
        Ok(Placed { shard_id: placed.shard_id, sequence_number: placed.seq_num, bytes })
    }

    /// AWS's words when a shard's limit is reached.
    pub fn rate_exceeded(&self, stream: &str, shard_id: &str) -> String {
        format!("Rate exceeded for shard {shard_id} in stream {stream} under account {}.", self.store.aws_account_id)
    }

    /// What an iterator points at; `None` where it is none.
    pub fn position(iterator: &str) -> Option<Position> {
        let (_, stream, shard_id, sequence_number) = shard_iterator::decode_shard_iterator(iterator).ok()?;
        Some(Position { stream, shard_id, sequence_number })
    }

    /// An iterator behind a record.
    pub fn iterator_after(stream: &str, shard_id: &str, sequence_number: &str) -> ServiceResult<String> {
        let last = sequence::parse_sequence(sequence_number).map_err(ServiceError::internal)?;
        let next = sequence::increment_sequence(&last, None);
        Ok(shard_iterator::create_shard_iterator(stream, shard_id, &next, now_ms()))
    }

    /// Whether `text` is a sequence number.
    pub fn is_sequence_number(text: &str) -> bool {
        sequence::parse_sequence(text).is_ok()
    }

    /// Records of a shard from a sequence number on (`after`: behind it), oldest first.
    pub async fn records(
        &self,
        stream: &str,
        shard: &Shard,
        from: &str,
        after: bool,
        at_most: usize,
    ) -> Vec<StoredRecord> {
        // Keys are `SHARD/SEQUENCE`: a key with one more character is the next possible one.
        let start = format!("{}/{from}{}", sequence::shard_ix_to_hex(shard.index), if after { "\0" } else { "" });
        let end = sequence::shard_ix_to_hex(shard.index + 1);
        let found = self.store.get_records_range_limited(stream, &start, &end, at_most).await;
        found.into_iter().map(|(key, record)| stored(&key, record)).collect()
    }

    /// Deletes the oldest records of a stream that arrived before `before_ms`.
    pub async fn delete_before(&self, name: &str, before_ms: i64) -> Dropped {
        let Ok(stream) = self.stream(name).await else { return Dropped::default() };
        let mut dropped = Dropped::default();
        for shard in &stream.shards {
            // Nearly always nothing is old enough, and one record tells.
            let mut at_most = 1;
            loop {
                let old: Vec<StoredRecord> = self
                    .records(name, shard, "", false, at_most)
                    .await
                    .into_iter()
                    .take_while(|record| record.arrived_ms < before_ms)
                    .collect();
                if old.is_empty() {
                    break;
                }
                self.delete(name, shard, &old).await;
                dropped.count(&old);
                at_most = DELETED_AT_ONCE;
            }
        }
        dropped
    }

    /// Deletes the oldest records of all the streams, whatever their shard, until `bytes` are free.
    pub async fn delete_oldest(&self, names: &[String], bytes: u64) -> Vec<(String, Dropped)> {
        let mut heads = Vec::new();
        for name in names {
            let Ok(stream) = self.stream(name).await else { continue };
            for shard in stream.shards {
                let head = self.records(name, &shard, "", false, 1).await;
                if let Some(first) = head.first() {
                    heads.push((first.arrived_ms, name, shard));
                }
            }
        }
        heads.sort_by_key(|(arrived_ms, ..)| std::cmp::Reverse(*arrived_ms));
        let mut result: Vec<(String, Dropped)> = Vec::new();
        let mut freed = 0;
        while freed < bytes {
            let Some((_, name, shard)) = heads.pop() else { break };
            // The oldest shard gives records until the next shard's are older.
            let next_ms = heads.last().map_or(i64::MAX, |(arrived_ms, ..)| *arrived_ms);
            let mut oldest = Vec::new();
            let window = self.records(name, &shard, "", false, DELETED_AT_ONCE / 8).await;
            let mut rest = None;
            for record in window {
                if freed >= bytes || record.arrived_ms > next_ms {
                    rest = Some(record.arrived_ms);
                    break;
                }
                freed += record.counted_bytes();
                oldest.push(record);
            }
            self.delete(name, &shard, &oldest).await;
            let mut dropped = Dropped::default();
            dropped.count(&oldest);
            result.push((name.clone(), dropped));
            let head_ms = match rest {
                Some(arrived_ms) => Some(arrived_ms),
                None => self.records(name, &shard, "", false, 1).await.first().map(|record| record.arrived_ms),
            };
            if let Some(head_ms) = head_ms {
                let place = heads.partition_point(|(arrived_ms, ..)| *arrived_ms > head_ms);
                heads.insert(place, (head_ms, name, shard));
            }
        }
        result
    }

    async fn delete(&self, stream: &str, shard: &Shard, records: &[StoredRecord]) {
        let hex = sequence::shard_ix_to_hex(shard.index);
        let keys: Vec<String> = records.iter().map(|record| format!("{hex}/{}", record.sequence_number)).collect();
        self.store.delete_record_keys(stream, &keys).await;
    }

    /// The stream of a consumer that may subscribe; AWS's refusal where it may not.
    pub async fn consumer_stream(&self, consumer_arn: &str) -> ServiceResult<String> {
        let consumer = self.store.get_consumer(consumer_arn).await.ok_or_else(|| {
            ServiceError::bad_request("ResourceNotFoundException", format!("Consumer {consumer_arn} not found."))
        })?;
        // The engine calls a consumer that can read at once CREATING for half a second.
        if consumer.consumer_status == ConsumerStatus::Deleting {
            return Err(ServiceError::bad_request(
                "ResourceInUseException",
                format!("Consumer {consumer_arn} is not ACTIVE."),
            ));
        }
        let (stream_arn, _) = consumer_arn.split_once("/consumer/").unwrap_or((consumer_arn, ""));
        self.name_of(stream_arn)
    }

    /// Whether the stream or consumer of an ARN is there; `ResourceNotFoundException`.
    pub async fn resource(&self, arn: &str) -> ServiceResult<()> {
        if let Some((stream_arn, _)) = arn.split_once("/consumer/") {
            self.stream(&self.name_of(stream_arn)?).await?;
            let found = self.store.get_consumer(arn).await;
            return found.map(|_| ()).ok_or_else(|| {
                ServiceError::bad_request("ResourceNotFoundException", format!("Consumer {arn} not found."))
            });
        }
        self.stream(&self.name_of(arn)?).await.map(|_| ())
    }

    /// The ARNs of the consumers of a stream.
    pub async fn consumer_arns(&self, stream_arn: &str) -> Vec<String> {
        let consumers = self.store.list_consumers_for_stream(stream_arn).await;
        consumers.into_iter().map(|consumer| consumer.consumer_arn).collect()
    }
}

/// A shard takes no more records from now on.
fn close(shards: &mut [EngineShard], index: usize) {
    let range = &mut shards[index].sequence_number_range;
    let created = sequence::parse_sequence(&range.starting_sequence_number).map_or(0, |start| start.shard_create_time);
    range.ending_sequence_number = Some(sequence_number(created, index, Some((sequence::MAX_SEQ_IX, now_ms()))));
}

/// Adds a shard for the hash keys from `first` to `last`.
fn make(shards: &mut Vec<EngineShard>, parents: &[usize], first: u128, last: u128) {
    let index = shards.len();
    let parent = |place: usize| parents.get(place).map(|index| shards[*index].shard_id.clone());
    let shard = EngineShard {
        shard_id: sequence::shard_id_name(index_of(index)),
        parent_shard_id: parent(0),
        adjacent_parent_shard_id: parent(1),
        hash_key_range: HashKeyRange::new(first.to_string(), last.to_string()),
        sequence_number_range: SequenceNumberRange {
            // Children begin a second after their parents end, as the engine's own do.
            starting_sequence_number: sequence_number(now_ms() + 1000, index, None),
            ending_sequence_number: None,
        },
    };
    shards.push(shard);
}

fn sequence_number(shard_create_time: u64, index: usize, at: Option<(u64, u64)>) -> String {
    sequence::stringify_sequence(&sequence::SeqObj {
        shard_create_time,
        seq_ix: at.map(|(number, _)| number),
        seq_time: at.map(|(_, time)| time),
        byte1: None,
        seq_rand: None,
        shard_ix: index_of(index),
        version: 2,
    })
}

fn index_of(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

fn now_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}

impl Dropped {
    fn count(&mut self, records: &[StoredRecord]) {
        self.records += records.len() as u64;
        self.bytes += records.iter().map(StoredRecord::counted_bytes).sum::<u64>();
    }
}

fn stored(key: &str, record: EngineRecord) -> StoredRecord {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
    let arrived_ms = (record.approximate_arrival_timestamp * 1000.0).round() as i64;
    StoredRecord {
        sequence_number: key.split_once('/').map_or(key, |(_, sequence_number)| sequence_number).to_owned(),
        partition_key: record.partition_key,
        // What was put was checked to be base64.
        data: BASE64.decode(record.data).map(Bytes::from).unwrap_or_default(),
        arrived_ms,
    }
}

fn seconds(milliseconds: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in a double")]
    let seconds = milliseconds as f64 / 1000.0;
    seconds
}

/// The bytes that a base64 text stands for.
pub(super) fn decoded_length(text: &str) -> u64 {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding) as u64
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn refusal(error: KinesisErrorResponse) -> ServiceError {
    ServiceError::new(error.status_code, error.body.error_type, error.body.message.unwrap_or_default())
}
