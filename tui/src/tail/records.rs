//! The stream's records, of every shard, through resharding.
//!
//! On AWS each shard is polled within the budget that it shares with other readers, or, where that is
//! asked for, pushed by enhanced fan-out. On the embedded cloud, where it costs nothing, records are
//! always pushed.

use std::{collections::HashSet, time::Duration};

use aws_sdk_kinesis::{
    operation::{get_records::GetRecordsError, subscribe_to_shard::SubscribeToShardError},
    types::{StartingPosition, SubscribeToShardEventStream},
};
use tailwater_core::{
    app::TailState,
    events::{Record, ShardId},
};
use tokio::{sync::mpsc::Sender, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    Start, Update,
    backoff::Backoff,
    consumer::{Consumer, Consumers},
    place::{Place, Position, to_record},
    rest::Rest,
    say,
};
use crate::target::{OfShard, Target, error_text};

/// How many records one read takes at most: a batch that a screen can take in.
const RECORDS_A_READ: i32 = 1_000;
/// A subscription brings something every 5 s, if only that nothing came; silence means that it is
/// dead.
const SILENCE: Duration = Duration::from_secs(20);
/// A shard takes no second subscription of a consumer within this time (Kinesis API reference,
/// `SubscribeToShard`).
const RESUBSCRIBE: Duration = Duration::from_secs(5);

/// Everything that reading one shard takes.
#[derive(Clone)]
struct Reader {
    target: Target,
    stream: String,
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
    let consumer = consumer(&target, &stream).await;
    let consumer_arn = consumer.as_ref().map(|consumer| consumer.arn.clone());
    let reader = Reader { target, stream, out, consumer_arn };
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

/// Clears what earlier sessions left, and registers a consumer where one is wanted.
async fn consumer(target: &Target, stream: &str) -> Option<Consumer> {
    let wanted = target.extras().fan_out;
    let made = async {
        let consumers = Consumers::open().map_err(|error| format!("opened the folder of consumers: {error}"))?;
        if wanted || consumers.any_left() {
            // A trouble in clearing is no reason not to read.
            if let Err(error) = consumers.clear(target, stream).await {
                target.notice(error);
            }
        }
        if wanted { consumers.register(target, stream).await.map(Some) } else { Ok(None) }
    };
    match made.await {
        Ok(Some(consumer)) => {
            if !target.is_local() {
                target.notice(format!(
                    "Records come by enhanced fan-out until this ends: 0.015 USD per shard-hour and 0.013 USD per GB \
                     (list price of us-east-1), on top of the stream's. The consumer is {}.",
                    consumer.arn
                ));
            }
            Some(consumer)
        }
        Ok(None) => None,
        Err(error) => {
            if wanted {
                target.notice(format!("Records are polled, not pushed: {error}"));
            }
            None
        }
    }
}

/// Follows every shard that there is, then those that come of them.
async fn follow_shards(reader: &Reader, start: Start) {
    let position = match start {
        Start::Now => Position::Latest,
        Start::Beginning => Position::Beginning,
        Start::At(time) => Position::At(reader.target.beginning(time)),
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
                reader.target.time().sleep(after).await;
            }
        }
    };
    let mut followed: HashSet<ShardId> = shards.iter().cloned().collect();
    let mut tasks = JoinSet::new();
    for shard in shards {
        tasks.spawn(Shard::new(reader.clone(), shard, position.clone()).follow());
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
                tasks.spawn(Shard::new(reader.clone(), child, from).follow());
            }
        }
    }
}

/// The shards to begin with: from now on the open ones, else those without a parent that is there.
async fn shards(reader: &Reader, position: &Position) -> Result<Vec<ShardId>, String> {
    let client = reader.target.kinesis();
    let mut all = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let request = client.list_shards();
        let request = match token {
            Some(token) => request.next_token(token),
            None => request.stream_name(&reader.stream),
        };
        let page = request.send().await.map_err(|error| {
            let lacks = reader.target.lacks("kinesis:ListShards", &error);
            lacks.unwrap_or_else(|| format!("listed the shards of stream {}: {}", reader.stream, error_text(&error)))
        })?;
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

/// One shard, as far as it has been read.
struct Shard {
    reader: Reader,
    id: ShardId,
    place: Place,
    rest: Rest,
    backoff: Backoff,
    last: Option<TailState>,
}

/// How a reading of a shard ended.
enum Reading {
    /// The shard has ended, and these came of it.
    Closed(Vec<ShardId>),
    /// It is to be begun anew from where it is.
    Again,
    /// Nobody listens.
    Unheard,
}

impl Shard {
    fn new(reader: Reader, id: ShardId, position: Position) -> Self {
        let rest = Rest::new(&reader.target, reader.target.pace().records);
        Self { reader, id, place: Place::new(position), rest, backoff: Backoff::default(), last: None }
    }

    /// Follows it to its end; gives its children.
    async fn follow(mut self) -> Vec<ShardId> {
        loop {
            match self.read().await {
                Ok(Reading::Closed(children)) => return children,
                Ok(Reading::Again) => {}
                Ok(Reading::Unheard) => return Vec::new(),
                Err(error) => {
                    if !self.back_off(error).await {
                        return Vec::new();
                    }
                }
            }
        }
    }

    async fn read(&mut self) -> Result<Reading, String> {
        let gap = self.place.gap(&self.reader.target, &self.reader.stream, &self.id).await?;
        if let Some(gap) = gap
            && self.reader.out.send(Update::Gap(gap)).await.is_err()
        {
            return Ok(Reading::Unheard);
        }
        if self.reader.consumer_arn.is_some() { self.subscribe().await } else { self.poll().await }
    }

    async fn say(&mut self, state: TailState) -> bool {
        say(&self.reader.out, &mut self.last, state).await
    }

    /// Says why it is not read, and waits; `false`: nobody listens.
    async fn back_off(&mut self, error: String) -> bool {
        let after = self.backoff.next();
        if !self.say(TailState::Retrying { error, after }).await {
            return false;
        }
        self.reader.target.time().sleep(after).await;
        true
    }

    /// Hands records over; `false`: nobody listens.
    async fn hand_over(&mut self, records: Vec<aws_sdk_kinesis::types::Record>, behind_millis: i64) -> bool {
        let behind = Duration::from_millis(u64::try_from(behind_millis).unwrap_or_default());
        self.place.read(&records, self.reader.target.now(), behind);
        self.backoff.reset();
        self.rest.read(!records.is_empty());
        if records.is_empty() {
            return true;
        }
        let batch = records.into_iter().map(|record| to_record(&self.id, record)).collect();
        self.reader.out.send(Update::Batch(batch)).await.is_ok()
    }

    /// Reads one subscription of at most five minutes.
    async fn subscribe(&mut self) -> Result<Reading, String> {
        let (kind, number, time) = self.place.asked();
        let from = StartingPosition::builder().r#type(kind).set_sequence_number(number).set_timestamp(time);
        let from = from.build().map_err(|error| error.to_string())?;
        let (id, stream) = (self.id.clone(), self.reader.stream.clone());
        let trouble = |answer: String| format!("subscribed to {id} of stream {stream}: {answer}");
        let began = self.reader.target.now();
        let request = self.reader.target.kinesis().subscribe_to_shard();
        let request = request.set_consumer_arn(self.reader.consumer_arn.clone()).shard_id(id.as_str());
        let mut output = match request.starting_position(from).send().await {
            Ok(output) => output,
            Err(error) if error.as_service_error().is_some_and(SubscribeToShardError::is_resource_in_use_exception) => {
                self.reader.target.time().sleep(RESUBSCRIBE).await;
                return Ok(Reading::Again);
            }
            Err(error) => return Err(trouble(error_text(&error))),
        };
        let subscribed = self.reader.target.time().now();
        self.place.begun(began);
        self.backoff.reset();
        if !self.say(TailState::Following).await {
            return Ok(Reading::Unheard);
        }
        loop {
            let event = tokio::time::timeout(SILENCE, output.event_stream.recv()).await;
            let event = event.map_err(|_| trouble(format!("silent for {} s", SILENCE.as_secs())))?;
            let event = event.map_err(|error| trouble(error_text(&error)))?;
            let Some(SubscribeToShardEventStream::SubscribeToShardEvent(event)) = event else {
                // One that ends at once would not be taken again at once.
                let time = self.reader.target.time();
                time.sleep(resubscribe_after(time.now().duration_since(subscribed))).await;
                return Ok(Reading::Again);
            };
            if !self.hand_over(event.records, event.millis_behind_latest).await {
                return Ok(Reading::Unheard);
            }
            if let Some(children) = event.child_shards.filter(|children| !children.is_empty()) {
                return Ok(Reading::Closed(children.into_iter().map(|child| ShardId(child.shard_id)).collect()));
            }
        }
    }

    /// Reads by `GetRecords`.
    async fn poll(&mut self) -> Result<Reading, String> {
        let client = self.reader.target.kinesis();
        let (id, stream) = (self.id.clone(), self.reader.stream.clone());
        let (kind, number, time) = self.place.asked();
        let began = self.reader.target.now();
        let answer = client
            .get_shard_iterator()
            .stream_name(&stream)
            .shard_id(id.as_str())
            .shard_iterator_type(kind)
            .set_starting_sequence_number(number)
            .set_timestamp(time)
            .send()
            .await
            .map_err(|error| format!("asked for a place in {id} of stream {stream}: {}", error_text(&error)))?;
        self.place.begun(began);
        let mut iterator = answer.shard_iterator;
        while let Some(token) = &iterator {
            let read = client.get_records().shard_iterator(token).limit(RECORDS_A_READ);
            let page = match read.customize().interceptor(OfShard(id.to_string())).send().await {
                Ok(page) => page,
                Err(error) => {
                    let trouble = format!("read {id} of stream {stream}: {}", error_text(&error));
                    match error.as_service_error() {
                        // After a sleep or a long silence: begun anew behind the last record.
                        Some(GetRecordsError::ExpiredIteratorException(_)) => return Ok(Reading::Again),
                        // Other readers share the shard's five reads a second: the iterator stays good.
                        Some(GetRecordsError::ProvisionedThroughputExceededException(_)) => {
                            if !self.back_off(trouble).await {
                                return Ok(Reading::Unheard);
                            }
                            continue;
                        }
                        _ => return Err(trouble),
                    }
                }
            };
            if !self.hand_over(page.records, page.millis_behind_latest.unwrap_or_default()).await {
                return Ok(Reading::Unheard);
            }
            let state = self.rest.state();
            if !self.say(state).await {
                return Ok(Reading::Unheard);
            }
            iterator = page.next_shard_iterator;
            if iterator.is_none() {
                let children = page.child_shards.unwrap_or_default();
                return Ok(Reading::Closed(children.into_iter().map(|child| ShardId(child.shard_id)).collect()));
            }
            self.rest.pause().await;
        }
        Ok(Reading::Closed(Vec::new()))
    }
}

/// How long to wait before a shard is subscribed to again whose subscription lasted so long.
fn resubscribe_after(lasted: Duration) -> Duration {
    RESUBSCRIBE.saturating_sub(lasted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_that_ends_at_once_is_not_made_again_at_once() {
        assert_eq!(resubscribe_after(Duration::ZERO), RESUBSCRIBE);
        assert_eq!(resubscribe_after(Duration::from_secs(2)), Duration::from_secs(3));
        assert_eq!(resubscribe_after(Duration::from_mins(5)), Duration::ZERO);
    }
}
