//! A record of the stream.

use bytes::Bytes;

use super::{RecordHash, SequenceNumber, ShardId, Timestamp};

/// A record of the stream.
#[derive(Debug, Clone)]
pub struct Record {
    /// When Kinesis took it (`ApproximateArrivalTimestamp`).
    pub time: Timestamp,
    /// The shard it is in.
    pub shard_id: ShardId,
    /// Its place in the shard.
    pub sequence_number: SequenceNumber,
    /// What chose the shard.
    pub partition_key: String,
    /// The bytes, newline included.
    pub data: Bytes,
}

impl Record {
    /// The hash of its bytes.
    pub fn hash(&self) -> RecordHash {
        RecordHash::of(&self.data)
    }
}
