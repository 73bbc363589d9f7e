//! A call to an AWS API, as the recorder in the SDK's clients saw it.

use std::time::Duration;

use super::Timestamp;

/// One call with all its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The service as the SDK names it: `Kinesis`, `CloudWatch Logs`.
    pub service: String,
    /// The operation: `GetRecords`.
    pub operation: String,
    /// When it began.
    pub started: Timestamp,
    /// From its beginning to the answer of the last attempt, waits between attempts included.
    pub duration: Duration,
    /// How often it was sent; 1 without a retry.
    pub attempts: u32,
    /// How many of the attempts were refused because there were too many calls.
    pub throttled: u32,
    /// Bytes of the answers' bodies where their length was stated, for what is billed by size.
    pub answer_bytes: u64,
    /// How it ended.
    pub outcome: CallOutcome,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// With an answer.
    Answered,
    /// The service said that there were too many calls: its error code.
    Throttled(String),
    /// With an error: its code, or what failed on the way.
    Failed(String),
}
