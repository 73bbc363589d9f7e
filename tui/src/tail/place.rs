//! From where a shard is read on, and what can no longer be read there.

use std::time::Duration;

use aws_sdk_kinesis::types::ShardIteratorType;
use tailwater_core::events::{Record, SequenceNumber, ShardId, Timestamp};

use super::Gap;
use crate::target::{Target, error_text};

/// No stream keeps its records for less (Kinesis Data Streams quotas: 24 hours to 365 days).
const LEAST_RETENTION: Duration = Duration::from_hours(24);

/// From where a shard is read on.
#[derive(Debug, Clone)]
pub(super) enum Position {
    Latest,
    Beginning,
    At(Timestamp),
    After(SequenceNumber),
}

/// How far a shard has been read.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) position: Position,
    /// By the services' clock: everything until then was seen.
    read_to: Option<Timestamp>,
}

impl Place {
    pub(super) fn new(position: Position) -> Self {
        Self { position, read_to: None }
    }

    /// How to ask for it.
    pub(super) fn asked(&self) -> (ShardIteratorType, Option<String>, Option<aws_smithy_types::DateTime>) {
        match &self.position {
            Position::Latest => (ShardIteratorType::Latest, None, None),
            Position::Beginning => (ShardIteratorType::TrimHorizon, None, None),
            Position::At(time) => {
                let time = aws_smithy_types::DateTime::from_millis(time.as_millis());
                (ShardIteratorType::AtTimestamp, None, Some(time))
            }
            Position::After(number) => (ShardIteratorType::AfterSequenceNumber, Some(number.0.clone()), None),
        }
    }

    /// The shard is being read from here on. Should that break off before it brought anything, what
    /// came since is read again: from LATEST would lose records, from the start would repeat them.
    pub(super) fn begun(&mut self, at: Timestamp) {
        if matches!(self.position, Position::Latest) {
            self.position = Position::At(at);
        }
        self.read_to.get_or_insert(at);
    }

    /// These were read, and the newest is so far behind.
    pub(super) fn read(&mut self, records: &[aws_sdk_kinesis::types::Record], now: Timestamp, behind: Duration) {
        if let Some(newest) = records.last() {
            self.position = Position::After(SequenceNumber(newest.sequence_number.clone()));
        }
        self.read_to = Some(now.minus(behind));
    }

    /// What the stream has let go since it was read.
    pub(super) async fn gap(&mut self, target: &Target, stream: &str, shard: &ShardId) -> Result<Option<Gap>, String> {
        let now = target.now();
        let Some(from) = self.read_to.filter(|read_to| now.since(*read_to) > LEAST_RETENTION) else { return Ok(None) };
        let summary = target.kinesis().describe_stream_summary().stream_name(stream).send().await;
        let summary = summary.map_err(|error| format!("looked at stream {stream}: {}", error_text(&error)))?;
        let hours = summary.stream_description_summary.map(|description| description.retention_period_hours);
        let hours = hours.and_then(|hours| u64::try_from(hours).ok()).unwrap_or(LEAST_RETENTION.as_secs() / 3_600);
        let horizon = now.minus(Duration::from_hours(hours));
        self.read_to = Some(now);
        Ok((horizon > from).then(|| Gap {
            what: format!("records of shard {}", shard.number()),
            from,
            to: horizon,
            reason: format!("stream {stream} keeps records for {hours} hours"),
        }))
    }
}

pub(super) fn to_record(shard: &ShardId, record: aws_sdk_kinesis::types::Record) -> Record {
    let arrived = record.approximate_arrival_timestamp.and_then(|time| time.to_millis().ok());
    Record {
        time: Timestamp::from_millis(arrived.unwrap_or_default()),
        shard_id: shard.clone(),
        sequence_number: SequenceNumber(record.sequence_number),
        partition_key: record.partition_key.unwrap_or_default(),
        data: bytes::Bytes::from(record.data.into_inner()),
    }
}
