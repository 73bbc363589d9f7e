//! The stream's records, of every shard, through resharding.
//!
//! On AWS each shard is polled within the budget that it shares with other readers. On the embedded
//! cloud, where it costs nothing, records come by enhanced fan-out as they are put.

use std::{collections::HashSet, time::Duration};

use aws_sdk_kinesis::{
    Client,
    types::{ConsumerStatus, ShardIteratorType, StartingPosition, SubscribeToShardEventStream},
};
use tailwater_core::{
    app::TailState,
    events::{Record, SequenceNumber, ShardId, Timestamp},
};
use tokio::{sync::mpsc::Sender, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Start, Update, backoff::Backoff, say};
use crate::target::{OfShard, Target, error_text};

/// Between two looks at a consumer that is being registered.
const CONSUMER_PACE: Duration = Duration::from_millis(20);
/// How many looks.
const CONSUMER_LOOKS: u32 = 250;
/// How many records one read takes at most: a batch that a screen can take in.
const RECORDS_A_READ: i32 = 1_000;

/// From where a shard is read on.
#[derive(Debug, Clone)]
enum Position {
    Latest,
    Beginning,
    At(Timestamp),
    After(SequenceNumber),
}

/// Everything that reading one shard takes.
#[derive(Clone)]
struct Reader {
    client: Client,
    stream: String,
    pace: Duration,
    out: Sender<Update<Record>>,
    consumer_arn: Option<String>,
}

/// Follows a stream until `stop` or until nobody listens.
pub async fn records(
    target: Target,
    stream: String,
    start: Start,
    out: Sender<Update<Record>>,
    stop: CancellationToken,
) {
    let client = target.kinesis();
    let pace = target.pace();
    let consumer = if pace.fan_out { Consumer::register(&client, &stream).await } else { None };
    let consumer_arn = consumer.as_ref().map(|consumer| consumer.arn.clone());
    let reader = Reader { client, stream, pace: pace.records, out, consumer_arn };
    let follow = follow_shards(&reader, start);
    tokio::select! {
        () = follow => {}
        () = stop.cancelled() => {}
        () = reader.out.closed() => {}
    }
    if let Some(consumer) = consumer {
        consumer.deregister().await;
    }
}

/// Follows every shard that there is, then those that come of them.
async fn follow_shards(reader: &Reader, start: Start) {
    let position = match start {
        Start::Now => Position::Latest,
        Start::Beginning => Position::Beginning,
        Start::At(time) => Position::At(time),
    };
    let mut last = None;
    let mut backoff = Backoff::default();
    let shards = loop {
        match shards(reader, &position).await {
            Ok(shards) => break shards,
            Err(error) => {
                let after = backoff.next();
                if !say(&reader.out, &mut last, TailState::Retrying { error, after }).await {
                    return;
                }
                tokio::time::sleep(after).await;
            }
        }
    };
    let mut followed: HashSet<ShardId> = shards.iter().cloned().collect();
    let mut tasks = JoinSet::new();
    for shard in shards {
        tasks.spawn(follow_shard(reader.clone(), shard, position.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        // A closed shard names its children: they are read from their beginning, or from the time asked
        // for, which may lie behind it.
        for child in ended.unwrap_or_default() {
            if followed.insert(child.clone()) {
                let from = match &position {
                    Position::At(time) => Position::At(*time),
                    _ => Position::Beginning,
                };
                tasks.spawn(follow_shard(reader.clone(), child, from));
            }
        }
    }
}

/// The shards to begin with: from now on the open ones, else those without a parent that is there.
async fn shards(reader: &Reader, position: &Position) -> Result<Vec<ShardId>, String> {
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let request = reader.client.list_shards();
        let request = match token {
            Some(token) => request.next_token(token),
            None => request.stream_name(&reader.stream),
        };
        let page = request
            .send()
            .await
            .map_err(|error| format!("listed the shards of stream {}: {}", reader.stream, error_text(&error)))?;
        all.extend(page.shards.unwrap_or_default());
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    let there: HashSet<String> = all.iter().map(|shard| shard.shard_id.clone()).collect();
    let first = |shard: &aws_sdk_kinesis::types::Shard| match position {
        Position::Latest => {
            shard.sequence_number_range.as_ref().is_none_or(|range| range.ending_sequence_number.is_none())
        }
        _ => shard.parent_shard_id.as_ref().is_none_or(|parent| !there.contains(parent)),
    };
    Ok(all.into_iter().filter(first).map(|shard| ShardId(shard.shard_id)).collect())
}

/// Follows one shard to its end; gives its children.
async fn follow_shard(reader: Reader, shard: ShardId, mut position: Position) -> Vec<ShardId> {
    let mut last = None;
    let mut backoff = Backoff::default();
    loop {
        let result = if reader.consumer_arn.is_some() {
            subscribe(&reader, &shard, &mut position, &mut last, &mut backoff).await
        } else {
            poll(&reader, &shard, &mut position, &mut last, &mut backoff).await
        };
        match result {
            Ok(Some(children)) => return children,
            Ok(None) if reader.out.is_closed() => return Vec::new(),
            Ok(None) => {}
            Err(error) => {
                let after = backoff.next();
                if !say(&reader.out, &mut last, TailState::Retrying { error, after }).await {
                    return Vec::new();
                }
                tokio::time::sleep(after).await;
            }
        }
    }
}

fn to_record(shard: &ShardId, record: aws_sdk_kinesis::types::Record) -> Record {
    let arrived = record.approximate_arrival_timestamp.and_then(|time| time.to_millis().ok());
    Record {
        time: Timestamp::from_millis(arrived.unwrap_or_default()),
        shard_id: shard.clone(),
        sequence_number: SequenceNumber(record.sequence_number),
        partition_key: record.partition_key.unwrap_or_default(),
        data: bytes::Bytes::from(record.data.into_inner()),
    }
}

/// Reads one subscription of at most five minutes. `Some`: the shard has ended, with its children.
async fn subscribe(
    reader: &Reader,
    shard: &ShardId,
    position: &mut Position,
    last: &mut Option<TailState>,
    backoff: &mut Backoff,
) -> Result<Option<Vec<ShardId>>, String> {
    let from = StartingPosition::builder();
    let from = match &*position {
        Position::Latest => from.r#type(ShardIteratorType::Latest),
        Position::Beginning => from.r#type(ShardIteratorType::TrimHorizon),
        Position::At(time) => from.r#type(ShardIteratorType::AtTimestamp).timestamp(date_time(*time)),
        Position::After(number) => from.r#type(ShardIteratorType::AfterSequenceNumber).sequence_number(number.as_str()),
    };
    let from = from.build().map_err(|error| error.to_string())?;
    if matches!(position, Position::Latest) {
        // Should the subscription break before it brought anything, what came since is read again.
        *position = Position::At(crate::target::now());
    }
    let trouble = |answer: String| format!("subscribed to {shard} of stream {}: {answer}", reader.stream);
    let mut output = reader
        .client
        .subscribe_to_shard()
        .set_consumer_arn(reader.consumer_arn.clone())
        .shard_id(shard.as_str())
        .starting_position(from)
        .send()
        .await
        .map_err(|error| trouble(error_text(&error)))?;
    backoff.reset();
    if !say(&reader.out, last, TailState::Following).await {
        return Ok(None);
    }
    loop {
        let event = output.event_stream.recv().await.map_err(|error| trouble(error_text(&error)))?;
        let Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)) = event else { return Ok(None) };
        if let Some(newest) = event.records.last() {
            *position = Position::After(SequenceNumber(newest.sequence_number.clone()));
        }
        if !event.records.is_empty() {
            let batch = event.records.into_iter().map(|record| to_record(shard, record)).collect();
            if reader.out.send(Update::Batch(batch)).await.is_err() {
                return Ok(None);
            }
        }
        if let Some(children) = event.child_shards
            && !children.is_empty()
        {
            return Ok(Some(children.into_iter().map(|child| ShardId(child.shard_id)).collect()));
        }
    }
}

/// Reads by `GetRecords`. `Some`: the shard has ended, with its children.
async fn poll(
    reader: &Reader,
    shard: &ShardId,
    position: &mut Position,
    last: &mut Option<TailState>,
    backoff: &mut Backoff,
) -> Result<Option<Vec<ShardId>>, String> {
    let began = crate::target::now();
    let request = reader.client.get_shard_iterator().stream_name(&reader.stream).shard_id(shard.as_str());
    let request = match &*position {
        Position::Latest => request.shard_iterator_type(ShardIteratorType::Latest),
        Position::Beginning => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
        Position::At(time) => request.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp(date_time(*time)),
        Position::After(number) => request
            .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
            .starting_sequence_number(number.as_str()),
    };
    let answer = request.send().await;
    let answer = answer
        .map_err(|error| format!("asked for a place in {shard} of stream {}: {}", reader.stream, error_text(&error)))?;
    if matches!(position, Position::Latest) {
        // An iterator that expires before it brought anything is made anew from this moment: from
        // LATEST would lose records, from the start would repeat them.
        *position = Position::At(began);
    }
    let mut iterator = answer.shard_iterator;
    if !say(&reader.out, last, TailState::Following).await {
        return Ok(None);
    }
    while let Some(token) = &iterator {
        let read = reader.client.get_records().shard_iterator(token).limit(RECORDS_A_READ);
        let read = read.customize().interceptor(OfShard(shard.to_string())).send().await;
        let page = match read {
            Ok(page) => page,
            Err(error) if error.as_service_error().is_some_and(aws_sdk_kinesis::operation::get_records::GetRecordsError::is_expired_iterator_exception) => {
                return Ok(None);
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(aws_sdk_kinesis::operation::get_records::GetRecordsError::is_provisioned_throughput_exceeded_exception) =>
            {
                // Other readers share the shard's five reads a second: the iterator stays good.
                let after = backoff.next();
                let error = format!("read {shard} of stream {}: {}", reader.stream, error_text(&error));
                if !say(&reader.out, last, TailState::Retrying { error, after }).await {
                    return Ok(None);
                }
                tokio::time::sleep(after).await;
                continue;
            }
            Err(error) => return Err(format!("read {shard} of stream {}: {}", reader.stream, error_text(&error))),
        };
        backoff.reset();
        if !say(&reader.out, last, TailState::Following).await {
            return Ok(None);
        }
        if let Some(newest) = page.records.last() {
            *position = Position::After(SequenceNumber(newest.sequence_number.clone()));
        }
        if !page.records.is_empty() {
            let batch = page.records.into_iter().map(|record| to_record(shard, record)).collect();
            if reader.out.send(Update::Batch(batch)).await.is_err() {
                return Ok(None);
            }
        }
        iterator = page.next_shard_iterator;
        if iterator.is_none() {
            let children = page.child_shards.unwrap_or_default();
            return Ok(Some(children.into_iter().map(|child| ShardId(child.shard_id)).collect()));
        }
        tokio::time::sleep(reader.pace).await;
    }
    Ok(Some(Vec::new()))
}

fn date_time(time: Timestamp) -> aws_smithy_types::DateTime {
    aws_smithy_types::DateTime::from_millis(time.as_millis())
}

/// A registered consumer: it is deregistered at the end.
struct Consumer {
    client: Client,
    arn: String,
}

impl Consumer {
    /// Registers one; `None` where that does not work, and polling has to do.
    async fn register(client: &Client, stream: &str) -> Option<Self> {
        let summary = client.describe_stream_summary().stream_name(stream).send().await.ok()?;
        let stream_arn = summary.stream_description_summary?.stream_arn;
        let name = format!("tailwater-{}", uuid::Uuid::new_v4().simple());
        let made = client.register_stream_consumer().stream_arn(stream_arn).consumer_name(name).send().await.ok()?;
        let consumer = Self { client: client.clone(), arn: made.consumer?.consumer_arn };
        for _ in 0..CONSUMER_LOOKS {
            let described = client.describe_stream_consumer().consumer_arn(&consumer.arn).send().await.ok()?;
            if described.consumer_description?.consumer_status == ConsumerStatus::Active {
                return Some(consumer);
            }
            tokio::time::sleep(CONSUMER_PACE).await;
        }
        consumer.deregister().await;
        None
    }

    async fn deregister(self) {
        // The stream may be gone by now, and its consumers with it.
        let _ = self.client.deregister_stream_consumer().consumer_arn(self.arn).send().await;
    }
}
