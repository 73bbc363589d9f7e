//! What AWS allows at each hop: one place, for the code that keeps to it and for the words that
//! explain it.

use std::time::Duration;

/// The largest body that an HTTP API takes, in MB.
pub const API_BODY_MB: u64 = 10;
/// The largest request line with all headers that an HTTP API takes, in bytes.
pub const API_HEADER_BYTES: u64 = 10_240;
/// After this an HTTP API answers 503, while the function runs on.
pub const API_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest payload of a synchronous invocation, envelope and base64 included, in MB.
pub const LAMBDA_PAYLOAD_MB: u64 = 6;
/// Executions at once that an account has unless it asked for others.
pub const LAMBDA_CONCURRENCY: u64 = 1_000;
/// The largest record that Kinesis and Firehose take together, newline included: what the function
/// lets through.
pub const RECORD_BYTES: usize = 1_000 * 1024;
/// Records a second that a shard takes in.
pub const SHARD_RECORDS_IN: u64 = 1_000;
/// MB a second that a shard takes in.
pub const SHARD_MB_IN: u64 = 1;
/// MB a second that a shard gives out to readers that share it.
pub const SHARD_MB_OUT: u64 = 2;
/// `GetRecords` calls a second that all readers of a shard share.
pub const SHARD_READS: u64 = 5;
/// How often Firehose itself reads a shard, a second.
pub const FIREHOSE_READS: u64 = 1;
/// Hours that Kinesis keeps a record at most.
pub const RETENTION_MOST_HOURS: u64 = 8_760;
/// The longest interval of Firehose, in seconds.
pub const BUFFER_MOST_SECONDS: u64 = 900;
/// The largest buffer of Firehose, in MB.
pub const BUFFER_MOST_MB: u64 = 128;
/// How long Firehose tries to deliver what it read from a stream before it lets it go.
pub const FIREHOSE_RETRY: Duration = Duration::from_hours(24);
/// Puts a second that S3 takes under one prefix.
pub const S3_PUTS_A_PREFIX: u64 = 3_500;
/// The largest object that one put writes, in GB.
pub const S3_PUT_GB: u64 = 5;
/// `FilterLogEvents` gives at most so many lines a call.
pub const LOGS_LINES_A_CALL: u64 = 10_000;
