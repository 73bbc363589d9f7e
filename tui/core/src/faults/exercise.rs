//! A short exercise for each fault: what to look at, where, why it is so, and how one would tell
//! on AWS.

use super::Kind;
use crate::pipeline::Outputs;

/// An exercise. Names of the pipeline stand in braces; see [`fill`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exercise {
    /// What one sees.
    pub see: &'static str,
    /// Where it shows.
    pub place: &'static str,
    /// Why it is so.
    pub why: &'static str,
    /// Which metric or log tells it on AWS.
    pub tell: &'static str,
    /// The AWS CLI command.
    pub command: &'static str,
}

/// Lines of the function's log that report a failure.
const FAILED_REPORTS: &str = "aws logs filter-log-events --log-group-name {functionLog} \
                              --filter-pattern '{ $.type = \"platform.report\" && $.record.status != \"success\" }'";
/// Lines of the access log with a 5xx.
const SERVER_ERRORS: &str =
    "aws logs filter-log-events --log-group-name {accessLog} --filter-pattern '{ $.status = \"5*\" }'";
/// Lines of the function that say that the stream did not take an event.
const NOT_PUT: &str = "aws logs filter-log-events --log-group-name {functionLog} \
                       --filter-pattern '{ $.outcome = \"throttled\" || $.outcome = \"failed\" || $.outcome = \"unknown\" }'";
/// The delivery's errors.
const DELIVERY_LOG: &str = "aws logs tail {deliveryLog} --since 15m";

impl Kind {
    /// What to do with the fault once it is on.
    pub const fn exercise(self) -> Exercise {
        match self {
            Self::Api503 => Exercise {
                see: "503 Service Unavailable. The event is refused: nothing was put.",
                place: "Access log (2): the line has no integration id. The function's log has nothing of it.",
                why: "Lambda had no room (429 Rate Exceeded): the account's or the function's concurrency was used up.",
                tell: "Metrics 5xx of the API and Throttles of the function; sending again later is safe.",
                command: SERVER_ERRORS,
            },
            Self::Api500 => Exercise {
                see: "500 Internal Server Error. The event is refused: nothing was put.",
                place: "Access log (2): integrationErrorMessage says it, and there is no integration id.",
                why: "The API may not invoke the function: its resource policy does not let it in.",
                tell: "Metric 5xx of the API while Invocations of the function stand still.",
                command: "aws lambda get-policy --function-name {function}",
            },
            Self::ApiLost => Exercise {
                see: "503, and yet the record appears in Kinesis and lands in S3. Send it again: it lands twice.",
                place: "Access log (2): 503 with an integration id. The function's line of that id says accepted.",
                why: "The gateway failed after the function was done. A 5xx does not prove that nothing was put.",
                tell: "Metric 5xx of the API without Errors of the function; join both logs by the integration id.",
                command: SERVER_ERRORS,
            },
            Self::Crash => Exercise {
                see: "500 Internal Server Error. The next event starts a new process: a cold start in its trace.",
                place: "Function log (2): platform.fault, Runtime.ExitError; platform.report has status error.",
                why: "The process died before it put the event. The access log has Lambda's id: its lines tell why.",
                tell: "Metric Errors of the function; out of memory looks the same, with Max Memory Used at its limit.",
                command: FAILED_REPORTS,
            },
            Self::CrashAfter => Exercise {
                see: "500, and yet the record is in Kinesis and lands in S3. Send it again: it lands twice.",
                place: "Function log (2): the line `accepted`, then platform.fault Runtime.ExitError of the same id.",
                why: "The process died between put and answer. A 500 does not prove that nothing was put.",
                tell: "Metric Errors of the function, while IncomingRecords of the stream go on.",
                command: FAILED_REPORTS,
            },
            Self::Timeout => Exercise {
                see: "After 10 s (the function's Timeout in the template) 500. Nothing in Kinesis.",
                place: "Function log (2): platform.report has status timeout, and its duration is the limit.",
                why: "The function waited for something that never came. Lambda ended it, and its process with it.",
                tell: "Metric Duration of the function, maximum at its Timeout, with Errors: `Task timed out`.",
                command: FAILED_REPORTS,
            },
            Self::Slow => Exercise {
                see: "202, but late. Latency and the p99 of the API rise, while Kinesis and Firehose are as fast as ever.",
                place: "Trace (t): the bar of Lambda is long. Function log: durationMs. A second event at once: a cold start.",
                why: "One process takes one event at a time: while it is busy, Lambda starts another. Time is billed.",
                tell: "Metrics Duration and ConcurrentExecutions of the function; beyond its Timeout it is a timeout.",
                command: "aws logs filter-log-events --log-group-name {functionLog} \
                          --filter-pattern '{ $.record.metrics.durationMs > 1000 }'",
            },
            Self::Throw => Exercise {
                see: "500 Internal Server Error. The next event is warm: the process lives on.",
                place: "Function log (2): a line of level ERROR with errorType, then platform.report with the same.",
                why: "The function gave up with an error before it put the event; its process took no harm.",
                tell: "Metric Errors of the function. The client sees only 500: the reason stands in the log.",
                command: FAILED_REPORTS,
            },
            Self::KinesisThrottle => Exercise {
                see: "Some events take longer, others get 503 with retry-after: nothing was put.",
                place: "Function log (2): attempts 2 or 3; after 3 the outcome `throttled` with Kinesis's words.",
                why: "A shard takes 1,000 records or 1 MB a second. The function tries 3 times, then asks the client to wait.",
                tell: "Metric WriteProvisionedThroughputExceeded of the stream: more shards, or better spread keys.",
                command: NOT_PUT,
            },
            Self::KinesisRefuse => Exercise {
                see: "502 Bad Gateway at once. Nothing was put, and trying again does not help.",
                place: "Function log (2): outcome failed, error AccessDeniedException with role, action and stream.",
                why: "The function's role may not do kinesis:PutRecord on this stream.",
                tell: "The function's log; CloudTrail has the denied call where data events are on.",
                command: "aws iam get-role-policy --role-name $(aws lambda get-function-configuration --function-name \
                          {function} --query Role --output text | cut -d/ -f2) --policy-name put-to-stream-and-log",
            },
            Self::KinesisFail => Exercise {
                see: "502 Bad Gateway: the function does not know whether the event was put, and says so.",
                place: "Function log (2): outcome unknown, maybePut true. It is not tried again: that could double it.",
                why: "A 5xx of Kinesis can come after the record was stored. Only the stream itself can tell.",
                tell: "Metric PutRecord.Success of the stream; look for the record's bytes in the shard.",
                command: NOT_PUT,
            },
            Self::FirehoseDelay => Exercise {
                see: "The countdown ends and nothing lands. Kinesis has every record.",
                place: "Strip and Objects (4): held, past due, and no delivery error in the logs.",
                why: "Firehose promises no time: the interval is when it begins to deliver.",
                tell: "Metric DeliveryToS3.DataFreshness: the age of the oldest record not in S3.",
                command: "aws cloudwatch get-metric-statistics --namespace AWS/Firehose --metric-name \
                          DeliveryToS3.DataFreshness --dimensions Name=DeliveryStreamName,Value={delivery} --period 60 \
                          --statistics Maximum --start-time $(date -u -d -15min +%FT%TZ) --end-time $(date -u +%FT%TZ)",
            },
            Self::FirehoseTwice => Exercise {
                see: "Two objects with the same lines: each event of them landed twice.",
                place: "Objects (4) and the ledger: duplicates. Trace (t): two landings of one record.",
                why: "Firehose delivers at least once: where an answer of S3 is lost, it writes again under another key.",
                tell: "No metric tells it: whoever reads the bucket has to drop what comes twice, by an id in the event.",
                command: "aws s3 ls --recursive s3://{bucket}/",
            },
            Self::FirehoseRefused => Exercise {
                see: "202 and a record for each event, but nothing lands. Turned off, all of it lands.",
                place: "Delivery log (2, f source=delivery): S3.AccessDenied, again with each try.",
                why: "The delivery role may not write to the bucket. Firehose tries on for 24 h, Kinesis keeps the records.",
                tell: "Metric DeliveryToS3.Success of Firehose falls to 0, DataFreshness rises.",
                command: DELIVERY_LOG,
            },
        }
    }
}

/// A text with the names of the deployed pipeline in the place of those in braces.
pub fn fill(text: &str, outputs: &Outputs) -> String {
    [
        ("{function}", &outputs.function_name),
        ("{functionLog}", &outputs.log_group_name),
        ("{accessLog}", &outputs.access_log_group_name),
        ("{delivery}", &outputs.delivery_stream_name),
        ("{deliveryLog}", &outputs.delivery_log_group_name),
        ("{bucket}", &outputs.bucket_name),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (mark, name)| text.replace(mark, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exercise_is_whole_and_names_the_pipeline_alone() {
        let outputs: Outputs = serde_json::from_value(serde_json::json!({
            "ApiUrl": "u", "SubmitUrl": "u", "StreamName": "n", "FunctionName": "n", "LogGroupName": "n",
            "AccessLogGroupName": "n", "DeliveryStreamName": "n", "DeliveryLogGroupName": "n", "BucketName": "n",
        }))
        .unwrap();
        for kind in Kind::ALL {
            let Exercise { see, place, why, tell, command } = kind.exercise();
            for text in [see, place, why, tell] {
                assert!(text.ends_with(['.', '`']) && text.len() < 120, "{}: {text}", kind.name());
            }
            assert!(command.starts_with("aws "), "{command}");
            let filled = fill(command, &outputs);
            let left = filled.matches('{').count() - filled.matches("{ $").count();
            assert_eq!(left, 0, "{filled}");
        }
    }
}
