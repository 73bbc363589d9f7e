//! A call to AWS.

use std::time::Duration;

use super::Timestamp;

/// A call to AWS (or the local cloud), its retries included.
#[derive(Debug, Clone)]
pub struct Call {
    /// When it began.
    pub time: Timestamp,
    /// The service, as `Kinesis`.
    pub service: String,
    /// The operation, as `GetRecords`.
    pub operation: String,
    /// How long it took.
    pub duration: Duration,
    /// How many attempts after the first.
    pub retries: u32,
    /// `None`: it succeeded; else the error's code.
    pub error: Option<String>,
}
