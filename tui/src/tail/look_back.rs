//! Looks for one event further back than any live source: in the access log, the function's log, the
//! stream and the objects.
//!
//! What the services can search is searched there: log groups by an id, a shard by a sequence number.
//! From one sight of an event the rest follows by identity: its request id, its invocation, its place in
//! the stream, its bytes. Only a piece of a body has to be read for, in the records of the time asked
//! for and in its objects. What is found is handed over as ordinary events, newest last.

use std::{collections::HashSet, time::Duration};

use aws_sdk_kinesis::{error::ProvideErrorMetadata, types::ShardIteratorType};
use tailwater_core::{
    events::{
        Access, ApiRequestId, Event, FunctionLog, LambdaRequestId, LogLine, LogSource, ObjectLines, Record, RecordHash,
        SequenceNumber, ShardId, Timestamp,
    },
    pipeline::Outputs,
};
use tokio::sync::mpsc::Sender;

use super::{
    Bucket,
    logs::{Unnamed, to_line},
    objects::{list_since, read, read_whole},
    place::to_record,
};
use crate::target::{Target, error_text};

/// Pages of one search of a log group: each may be empty and still not be the last.
const PAGES_MOST: usize = 50;
/// Lines that one search gives at most; the newest of them count.
const LINES_MOST: usize = 500;
/// Lines of an invocation lie this near to each other.
const INVOCATION_TIME: Duration = Duration::from_mins(16);
/// An object may come this long after Firehose's interval: its retries take a while.
const DELIVERY_TIME: Duration = Duration::from_mins(15);
/// Clocks and whole seconds make an object seem to be this much older than its records.
const DATE_SLACK: Duration = Duration::from_secs(5);
/// Objects that are read for one event at most.
const OBJECTS_MOST: usize = 100;
/// Records with a piece of a body that are followed at most; the newest of them.
const MATCHES_MOST: usize = 5;
/// Reads of one shard at most.
const READS_MOST: usize = 200;
/// Other readers share a shard's five reads a second.
const SHARED_SHARD: Duration = Duration::from_secs(1);

/// What a look back tells.
#[derive(Debug, Clone)]
pub enum Looked {
    /// It looks in this now.
    In(String),
    /// It found this.
    Found(Event),
}

/// Where to look, and who is told.
pub struct Look<'a> {
    /// Where the pipeline is.
    pub target: &'a Target,
    /// What it is called.
    pub outputs: &'a Outputs,
    /// Where Firehose delivers.
    pub bucket: &'a Bucket,
    /// Firehose's interval.
    pub interval: Duration,
    /// Who is told.
    pub out: &'a Sender<Looked>,
}

/// What is known of an event from its sights so far.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a sight of its own")]
struct Known {
    api: Option<ApiRequestId>,
    lambda: Option<LambdaRequestId>,
    place: Option<(ShardId, SequenceNumber)>,
    hash: Option<RecordHash>,
    /// A time of it.
    time: Option<Timestamp>,
    /// When it was put.
    put: Option<Timestamp>,
    has_access: bool,
    has_function: bool,
    has_report: bool,
    has_record: bool,
}

impl Known {
    fn line(&mut self, line: &LogLine) {
        self.time.get_or_insert(line.time);
        if line.api_request_id.is_some() {
            self.api.clone_from(&line.api_request_id);
        }
        if line.lambda_request_id.is_some() {
            self.lambda.clone_from(&line.lambda_request_id);
        }
        match line.source {
            LogSource::Access => {
                self.has_access = true;
                if let Some(access) = Access::parse(&line.message) {
                    self.lambda = access.lambda_request_id().or(self.lambda.take());
                }
            }
            LogSource::Function => match line.function_log() {
                FunctionLog::Event(said) => {
                    self.has_function = true;
                    if said.outcome.as_deref() == Some("accepted") {
                        self.put = said.time.or(Some(line.time));
                        self.hash = said.hash.or(self.hash);
                        self.place = said.place.or(self.place.take());
                    }
                }
                FunctionLog::Report(..) => self.has_report = true,
                _ => {}
            },
            LogSource::Delivery => {}
        }
    }

    fn record(&mut self, record: &Record) {
        self.has_record = true;
        self.time.get_or_insert(record.time);
        self.put = Some(record.time);
        self.hash = Some(record.hash());
        self.place = Some((record.shard_id.clone(), record.sequence_number.clone()));
    }
}

impl Look<'_> {
    /// Looks for an id, a sequence number or a piece of a body in what came from `from` until `to`.
    /// Whether anything was found.
    pub async fn look(&self, wanted: &str, from: Timestamp, to: Timestamp) -> Result<bool, String> {
        let wanted = wanted.trim();
        let mut told = HashSet::new();
        if is_word(wanted) {
            let mut lines = Vec::new();
            for (source, group) in self.groups() {
                self.say(format!("{} since {from}", group_words(source))).await;
                lines.extend(self.search(source, group, wanted, from, to).await?);
            }
            if !lines.is_empty() {
                let mut known = Known::default();
                for line in lines {
                    known.line(&line);
                    self.found_line(line, &mut told).await;
                }
                self.follow(known, &mut told).await?;
                return Ok(true);
            }
        }
        if SequenceNumber::looks_like(wanted) {
            self.say("the shards of the stream, by the sequence number".to_owned()).await;
            for shard in self.shards().await? {
                if let Some(record) = self.record_at(&shard, &wanted.into()).await? {
                    self.follow_record(record, &mut told).await?;
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        if ApiRequestId::looks_like(wanted) {
            return Ok(false);
        }
        let records = self.records_with(wanted, from, to).await?;
        if !records.is_empty() {
            for record in records {
                self.follow_record(record, &mut told).await?;
            }
            return Ok(true);
        }
        self.lines_with(wanted, from, to, &mut told).await
    }

    /// The log groups that are there: of what is only watched a part may not be.
    fn groups(&self) -> impl Iterator<Item = (LogSource, &str)> {
        let groups = [
            (LogSource::Access, self.outputs.access_log_group_name.as_str()),
            (LogSource::Function, self.outputs.log_group_name.as_str()),
        ];
        groups.into_iter().filter(|(_, group)| !group.is_empty())
    }

    async fn say(&self, what: String) {
        let _ = self.out.send(Looked::In(what)).await;
    }

    async fn found(&self, event: Event) {
        // Nobody listening ends the look with its task.
        let _ = self.out.send(Looked::Found(event)).await;
    }

    /// Hands a line over once, although several searches find it.
    async fn found_line(&self, line: LogLine, told: &mut HashSet<String>) {
        if told.insert(line.event_id.clone()) {
            self.found(Event::Log(line)).await;
        }
    }

    async fn follow_record(&self, record: Record, told: &mut HashSet<String>) -> Result<(), String> {
        let mut known = Known::default();
        known.record(&record);
        // The function's line names the record by its number.
        let number = record.sequence_number.clone();
        let (from, to) = around(record.time);
        self.found(Event::Record(record)).await;
        let group = &self.outputs.log_group_name;
        for line in self.search(LogSource::Function, group, number.as_str(), from, to).await? {
            known.line(&line);
            self.found_line(line, told).await;
        }
        self.follow(known, told).await
    }

    /// Everything else of an event, from what is known of it.
    async fn follow(&self, mut known: Known, told: &mut HashSet<String>) -> Result<(), String> {
        let (from, to) = around(known.time.unwrap_or_default());
        for _ in 0..2 {
            // The gateway's id leads to the invocation, and that to the gateway's line.
            if let Some(api) = known.api.clone() {
                for (source, group) in self.groups() {
                    let has = if source == LogSource::Access { known.has_access } else { known.has_function };
                    if !has {
                        for line in self.search(source, group, api.as_str(), from, to).await? {
                            known.line(&line);
                            self.found_line(line, told).await;
                        }
                    }
                }
            }
            if let Some(lambda) = known.lambda.clone().filter(|_| !known.has_report) {
                let group = &self.outputs.log_group_name;
                for line in self.search(LogSource::Function, group, lambda.as_str(), from, to).await? {
                    known.line(&line);
                    self.found_line(line, told).await;
                }
            }
            if known.has_access && known.has_report {
                break;
            }
        }
        if let Some((shard, number)) = known.place.clone().filter(|_| !known.has_record)
            && let Some(record) = self.record_at(&shard, &number).await?
        {
            known.record(&record);
            self.found(Event::Record(record)).await;
        }
        if let (Some(hash), Some(put)) = (known.hash, known.put) {
            self.landing(hash, put).await?;
        }
        Ok(())
    }

    /// The lines of a log group that contain a word, oldest first.
    async fn search(
        &self,
        source: LogSource,
        group: &str,
        word: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<LogLine>, String> {
        if group.is_empty() {
            return Ok(Vec::new());
        }
        let client = self.target.logs();
        let pattern = format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""));
        let mut unnamed = Unnamed::default();
        let mut lines = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MOST {
            let page = client
                .filter_log_events()
                .log_group_name(group)
                .filter_pattern(&pattern)
                .start_time(from.as_millis().max(0))
                .end_time(to.as_millis())
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| format!("searched log group {group}: {}", error_text(&error)))?;
            let found = page.events.unwrap_or_default().into_iter();
            lines.extend(found.map(|event| to_line(source, group, event, &mut unnamed)));
            token = page.next_token;
            if token.is_none() || lines.len() >= LINES_MOST {
                break;
            }
        }
        lines.sort_by_key(|line| line.time);
        Ok(lines)
    }

    async fn shards(&self) -> Result<Vec<ShardId>, String> {
        let stream = &self.outputs.stream_name;
        let client = self.target.kinesis();
        let mut shards = Vec::new();
        if stream.is_empty() {
            return Ok(shards);
        }
        let mut token: Option<String> = None;
        loop {
            let request = client.list_shards();
            let request = match token {
                Some(token) => request.next_token(token),
                None => request.stream_name(stream),
            };
            let page = request.send().await;
            let page = page.map_err(|error| format!("listed the shards of stream {stream}: {}", error_text(&error)))?;
            shards.extend(page.shards.unwrap_or_default().into_iter().map(|shard| ShardId(shard.shard_id)));
            token = page.next_token;
            if token.is_none() {
                return Ok(shards);
            }
        }
    }

    /// The record at a place; `None`: it is not in this shard, or no longer.
    async fn record_at(&self, shard: &ShardId, number: &SequenceNumber) -> Result<Option<Record>, String> {
        let stream = &self.outputs.stream_name;
        let client = self.target.kinesis();
        let answer = client
            .get_shard_iterator()
            .stream_name(stream)
            .shard_id(shard.as_str())
            .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
            .starting_sequence_number(number.as_str())
            .send()
            .await;
        let iterator = match answer {
            Ok(answer) => answer.shard_iterator,
            // A number of another shard, or of no record.
            Err(error) if matches!(error.code(), Some("InvalidArgumentException" | "ResourceNotFoundException")) => {
                return Ok(None);
            }
            Err(error) => {
                return Err(format!("asked for a place in {shard} of stream {stream}: {}", error_text(&error)));
            }
        };
        let Some(iterator) = iterator else { return Ok(None) };
        let (records, _, _) = self.read_shard(shard, iterator, 1).await?;
        Ok(records.into_iter().find(|record| record.sequence_number == *number))
    }

    /// One read of a shard: its records, what to go on with, and whether there is more now.
    async fn read_shard(
        &self,
        shard: &ShardId,
        iterator: String,
        limit: i32,
    ) -> Result<(Vec<Record>, Option<String>, bool), String> {
        let client = self.target.kinesis();
        for attempt in 1.. {
            match client.get_records().shard_iterator(&iterator).limit(limit).send().await {
                Ok(page) => {
                    let behind = page.millis_behind_latest.unwrap_or_default() > 0;
                    let records = page.records.into_iter().map(|record| to_record(shard, record)).collect();
                    return Ok((records, page.next_shard_iterator, behind));
                }
                Err(error) if attempt < 5 && error.code() == Some("ProvisionedThroughputExceededException") => {
                    self.target.time().sleep(SHARED_SHARD).await;
                }
                Err(error) => {
                    return Err(format!("read {shard} of stream {}: {}", self.outputs.stream_name, error_text(&error)));
                }
            }
        }
        Ok((Vec::new(), None, false))
    }

    /// The newest records that contain a text, oldest first.
    async fn records_with(&self, text: &str, from: Timestamp, to: Timestamp) -> Result<Vec<Record>, String> {
        let stream = &self.outputs.stream_name;
        let mut found = Vec::new();
        for shard in self.shards().await? {
            self.say(format!("the records of shard {} since {from}", shard.number())).await;
            let answer = self
                .target
                .kinesis()
                .get_shard_iterator()
                .stream_name(stream)
                .shard_id(shard.as_str())
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(aws_smithy_types::DateTime::from_millis(from.as_millis().max(0)))
                .send()
                .await
                .map_err(|error| format!("asked for a place in {shard} of stream {stream}: {}", error_text(&error)))?;
            let mut iterator = answer.shard_iterator;
            let mut reads = 0;
            while let Some(token) = iterator
                && reads < READS_MOST
            {
                reads += 1;
                let (records, next, more) = self.read_shard(&shard, token, 10_000).await?;
                let past = records.last().is_some_and(|record| record.time > to);
                found.extend(records.into_iter().filter(|record| record.time <= to && contains(&record.data, text)));
                iterator = next.filter(|_| more && !past);
            }
        }
        found.sort_by_key(|record| record.time);
        Ok(found.split_off(found.len().saturating_sub(MATCHES_MOST)))
    }

    /// The object that holds an event's line: the first that was written after it came.
    async fn landing(&self, hash: RecordHash, put: Timestamp) -> Result<bool, String> {
        if self.bucket.name.is_empty() {
            return Ok(false);
        }
        let until = put.plus(self.interval + DELIVERY_TIME).min(self.target.now().plus(DATE_SLACK));
        self.say(format!("the objects since {put}")).await;
        let client = self.target.s3();
        let bucket = self.bucket;
        let mut listed = list_since(self.target, &client, bucket, put.minus(DATE_SLACK), until, true).await?;
        listed.retain(|object| object.time >= put.minus(DATE_SLACK) && object.time <= until);
        listed.sort_by(|a, b| (a.time, &a.key).cmp(&(b.time, &b.key)));
        for listed in listed.into_iter().take(OBJECTS_MOST) {
            let failed = bucket.is_error(&listed.key);
            let object = read(&client, bucket, listed).await;
            if let ObjectLines::Read { hashes, .. } = &object.lines
                && hashes.contains(&hash)
            {
                self.found(Event::Object(object)).await;
                // What stands under the error prefix may still have been delivered.
                if !failed {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Looks for a text in the objects: what the stream has let go already. The function's line knows
    /// the record by its hash.
    async fn lines_with(
        &self,
        text: &str,
        from: Timestamp,
        to: Timestamp,
        told: &mut HashSet<String>,
    ) -> Result<bool, String> {
        if self.bucket.name.is_empty() {
            return Ok(false);
        }
        self.say(format!("the objects since {from}")).await;
        let client = self.target.s3();
        let bucket = self.bucket;
        let mut listed = list_since(self.target, &client, bucket, from.minus(self.interval), to, false).await?;
        listed.retain(|object| object.time >= from.minus(DATE_SLACK) && object.time <= to);
        listed.sort_by(|a, b| (b.time, &b.key).cmp(&(a.time, &a.key)));
        for listed in listed.into_iter().take(OBJECTS_MOST) {
            let (object, body) = read_whole(&client, bucket, listed).await;
            let lines = body.split_inclusive(|byte| *byte == b'\n').filter(|line| contains(line, text));
            let hashes: Vec<RecordHash> = lines.take(MATCHES_MOST).map(RecordHash::of).collect();
            if hashes.is_empty() {
                continue;
            }
            let written = object.time;
            let group = &self.outputs.log_group_name;
            let mut known = Vec::new();
            for hash in hashes {
                let before = written.minus(self.interval + DELIVERY_TIME);
                let hex = hash.to_string();
                let lines = self.search(LogSource::Function, group, &hex, before, written.plus(DATE_SLACK));
                for line in lines.await? {
                    let mut one = Known::default();
                    one.line(&line);
                    known.push(one);
                    self.found_line(line, told).await;
                }
            }
            for mut one in known {
                // Its object is found already.
                one.hash = None;
                self.follow(one, told).await?;
            }
            self.found(Event::Object(object)).await;
            return Ok(true);
        }
        Ok(false)
    }
}

fn group_words(source: LogSource) -> &'static str {
    match source {
        LogSource::Access => "the access log",
        LogSource::Function => "the function's log",
        LogSource::Delivery => "the delivery log",
    }
}

/// The time in which lines of the same event lie.
fn around(time: Timestamp) -> (Timestamp, Timestamp) {
    (time.minus(INVOCATION_TIME), time.plus(INVOCATION_TIME))
}

/// Long enough to be looked for in a log, and in one piece.
fn is_word(text: &str) -> bool {
    text.len() >= 4 && !text.chars().any(|letter| letter.is_whitespace() || letter.is_control())
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len().max(1)).any(|window| window == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_decides_where() {
        assert!(ApiRequestId::looks_like("Yx3kAbCdSwMEJZw="));
        assert!(!ApiRequestId::looks_like("5f1c9e1e-aaaa-bbbb-cccc-0123456789ab"));
        assert!(SequenceNumber::looks_like("49660000000000000000000000000000000000000000000000000001"));
        assert!(!SequenceNumber::looks_like("4966"));
        assert!(is_word("user_id") && !is_word("a b c d") && !is_word("ab"));
    }
}
