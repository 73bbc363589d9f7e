//! Why this program makes each call.

use super::{Part, text};
use crate::pipeline::limits;

/// What Calls shows, and why each operation in it is called.
pub fn what(operations: &[(&str, &str)]) -> Vec<Part> {
    let mut parts = vec![text(
        "Calls: every call that this program made to an AWS API, summed up by operation. p50 and p99: half, and 99 of \
         100 of the calls took at most so long, retries included. Left: how many more this program allows itself, so \
         that others can read, too.",
    )];
    if !operations.is_empty() {
        parts.push(Part::Heading("Why each is made"));
    }
    parts.extend(operations.iter().filter(|(_, operation)| !operation.is_empty()).map(|(service, operation)| {
        Part::Fact((*operation).to_owned(), why(operation).map_or_else(|| format!("of {service}"), ToOwned::to_owned))
    }));
    parts.push(text(format!(
        "All readers of a shard share {} GetRecords calls a second, and Firehose takes {} of them.",
        limits::SHARD_READS,
        limits::FIREHOSE_READS
    )));
    parts
}

/// What an operation is called for.
fn why(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "GetCallerIdentity" => "who you are, for the header",
        "DescribeStacks" => "the stack's status, parameters and outputs",
        "DescribeStackEvents" | "DescribeEvents" => "what CloudFormation does, step by step",
        "CreateChangeSet" => "prepares what a deployment would change; changes nothing yet",
        "DescribeChangeSet" => "what the deployment would change, for the preview",
        "ExecuteChangeSet" => "carries the changes out that were agreed to",
        "DeleteChangeSet" => "drops what was not agreed to",
        "DeleteStack" => "takes the stack down",
        "ListShards" => "which shards the stream has",
        "GetShardIterator" => "where reading begins in a shard; lives 5 minutes",
        "GetRecords" => "new records; several calls find none",
        "DescribeStreamSummary" => "the stream's name, shards and encryption",
        "RegisterStreamConsumer" => "--fan-out: a reader with a share of its own, billed by the hour",
        "DeregisterStreamConsumer" => "--fan-out: ends that reader",
        "SubscribeToShard" => "--fan-out: records are pushed",
        "FilterLogEvents" => "new log lines; windows overlap, since lines come late",
        "StartLiveTail" => "--live-tail: lines are pushed, billed by the minute",
        "ListObjectsV2" => "new objects of this hour and the hour before",
        "GetObject" => "an object's lines, to know whose event each is",
        "HeadObject" => "whether the function's package is there already",
        "PutObject" => "the function's package",
        "CreateBucket" | "HeadBucket" => "the bucket for the function's package",
        _ => return None,
    })
}
