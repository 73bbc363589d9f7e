//! Sources against a service that a test plays, in a time that it moves.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tailwater_core::{
    app::TailState,
    events::{LogSource, Timestamp},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{BATCHES_AHEAD, Gap, Start, Update};
use crate::target::{Extras, Moved, Target};

/// What was asked, and when.
#[derive(Debug, Clone)]
struct Asked {
    at: Duration,
    operation: String,
    input: Value,
}

type Log = Arc<Mutex<Vec<Asked>>>;

/// A target whose calls `answer` answers: from operation, input and how often it was asked before.
fn played(
    answer: impl Fn(&str, &Value, usize) -> http::Response<String> + Send + Sync + 'static,
) -> (Target, Arc<Moved>, Log) {
    let (moved, time) = Moved::new();
    let log: Log = Arc::default();
    let http = infallible_client_fn({
        let (moved, log) = (moved.clone(), log.clone());
        move |request: http::Request<SdkBody>| {
            let target = request.headers().get("x-amz-target").and_then(|name| name.to_str().ok());
            let operation = target.and_then(|name| name.rsplit('.').next()).map(str::to_owned);
            let operation = operation
                .unwrap_or_else(|| request.uri().path_and_query().map(ToString::to_string).unwrap_or_default());
            let input = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or(Value::Null);
            let mut log = log.lock().expect("a log");
            let before = log.iter().filter(|asked| asked.operation == operation).count();
            let answer = answer(&operation, &input, before);
            log.push(Asked { at: moved.passed(), operation, input });
            answer
        }
    });
    (Target::scripted(http, time), moved, log)
}

fn answered(body: &Value) -> http::Response<String> {
    http::Response::new(body.to_string())
}

fn refused(code: &str) -> http::Response<String> {
    http::Response::builder().status(400).body(json!({"__type": code}).to_string()).expect("an answer")
}

fn of<'a>(log: &'a [Asked], operation: &str) -> Vec<&'a Asked> {
    log.iter().filter(|asked| asked.operation.contains(operation)).collect()
}

/// No more than `most` within any `window`.
fn assert_within(asked: &[&Asked], most: usize, window: Duration) {
    for calls in asked.windows(most + 1) {
        let apart = calls[most].at.saturating_sub(calls[0].at);
        assert!(apart >= window, "{} calls within {apart:?}", most + 1);
    }
}

fn states<T>(updates: &mut mpsc::Receiver<Update<T>>) -> (Vec<TailState>, Vec<Gap>, usize) {
    let (mut states, mut gaps, mut events) = (Vec::new(), Vec::new(), 0);
    while let Ok(update) = updates.try_recv() {
        match update {
            Update::State(state) => states.push(state),
            Update::Gap(gap) => gaps.push(gap),
            Update::Batch(batch) => events += batch.len(),
        }
    }
    (states, gaps, events)
}

#[tokio::test]
async fn shards_are_read_twice_a_second_at_most_and_less_while_nothing_comes() {
    let (target, moved, log) = played(|operation, input, _| match operation {
        "ListShards" => answered(&json!({"Shards": [
            {"ShardId": "shardId-000000000000", "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"}, "SequenceNumberRange": {"StartingSequenceNumber": "1"}},
            {"ShardId": "shardId-000000000001", "HashKeyRange": {"StartingHashKey": "2", "EndingHashKey": "3"}, "SequenceNumberRange": {"StartingSequenceNumber": "1"}},
        ]})),
        "GetShardIterator" => answered(&json!({"ShardIterator": input["ShardId"]})),
        _ => answered(&json!({"Records": [], "NextShardIterator": input["ShardIterator"], "MillisBehindLatest": 0})),
    });
    let (out, mut updates) = mpsc::channel(BATCHES_AHEAD);
    tokio::spawn(super::records(target.clone(), "stream".into(), Start::Now, out, CancellationToken::new()));
    moved.pass(Duration::from_mins(1)).await;
    let reads = log.lock().expect("a log").clone();
    for shard in ["shardId-000000000000", "shardId-000000000001"] {
        let reads: Vec<&Asked> =
            of(&reads, "GetRecords").into_iter().filter(|read| read.input["ShardIterator"] == shard).collect();
        assert_within(&reads, 2, Duration::from_secs(1));
        let late = reads.iter().filter(|read| read.at >= Duration::from_secs(30)).count();
        assert!((14..=16).contains(&late), "every 2 s, not {late} in 30 s");
    }
    let (said, ..) = states(&mut updates);
    assert_eq!(said.first(), Some(&TailState::Following));
    assert_eq!(said.last(), Some(&TailState::Slowed { every: Duration::from_secs(2) }));

    // Something is sent from here.
    let before = of(&log.lock().expect("a log"), "GetRecords").len();
    target.stir();
    moved.pass(Duration::from_millis(10)).await;
    assert_eq!(of(&log.lock().expect("a log"), "GetRecords").len(), before + 2);
    assert!(states(&mut updates).0.contains(&TailState::Following));
}

#[tokio::test]
async fn log_groups_share_two_reads_a_second_however_much_comes() {
    let (target, moved, log) = played(|_, input, before| {
        let line = |of: usize| json!({"eventId": format!("{}-{before}-{of}", input["logGroupName"]), "timestamp": before, "message": "x"});
        // Two pages each time.
        let more = (before % 2 == 0).then_some("more");
        answered(&json!({"events": [line(0)], "nextToken": more}))
    });
    let (out, mut updates) = mpsc::channel(BATCHES_AHEAD * 100);
    let groups = vec![
        (LogSource::Function, "function".to_owned()),
        (LogSource::Access, "access".to_owned()),
        (LogSource::Delivery, "delivery".to_owned()),
    ];
    tokio::spawn(super::logs(target, groups, Start::Beginning, out, CancellationToken::new()));
    moved.pass(Duration::from_secs(30)).await;
    let log = log.lock().expect("a log").clone();
    let reads = of(&log, "FilterLogEvents");
    assert_within(&reads, 2, Duration::from_secs(1));
    assert!(reads.len() >= 55, "{} of 60", reads.len());
    let of_delivery = reads.iter().filter(|read| read.input["logGroupName"] == "delivery").count();
    assert!(of_delivery * 2 < reads.len() / 2, "errors are rare: {of_delivery} of {}", reads.len());
    assert_eq!(states(&mut updates).2, reads.len());
}

#[tokio::test]
async fn the_bucket_is_listed_every_two_seconds_at_most() {
    let (target, moved, log) = played(|_, _, _| {
        http::Response::new(
            "<ListBucketResult><Name>b</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
                .to_owned(),
        )
    });
    let (out, mut updates) = mpsc::channel(BATCHES_AHEAD);
    tokio::spawn(super::objects(target.clone(), "bucket".to_owned(), Start::Now, out, CancellationToken::new()));
    for _ in 0..200 {
        // However much goes on.
        target.stir();
        moved.pass(Duration::from_millis(100)).await;
    }
    let log = log.lock().expect("a log").clone();
    let lists = of(&log, "list-type=2");
    assert_within(&lists, 1, Duration::from_secs(2));
    assert!(lists.len() >= 10, "{}", lists.len());
    assert_eq!(states(&mut updates).0, [TailState::Following]);
}

#[tokio::test]
async fn what_kinesis_let_go_while_nobody_read_is_said_and_reading_goes_on_behind_the_last_record() {
    let date = |time: Timestamp| {
        let time = jiff::Timestamp::from_millisecond(time.as_millis()).expect("a time");
        time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    let began = crate::target::now();
    let (target, moved, log) = played(move |operation, _, before| {
        let mut answer = match (operation, before) {
            ("ListShards", _) => answered(
                &json!({"Shards": [{"ShardId": "shardId-000000000000", "HashKeyRange": {"StartingHashKey": "0", "EndingHashKey": "1"}, "SequenceNumberRange": {"StartingSequenceNumber": "1"}}]}),
            ),
            ("GetShardIterator", _) => answered(&json!({"ShardIterator": "i"})),
            ("DescribeStreamSummary", _) => answered(
                &json!({"StreamDescriptionSummary": {"StreamName": "stream", "StreamARN": "arn", "StreamStatus": "ACTIVE", "RetentionPeriodHours": 24, "StreamCreationTimestamp": 1, "EnhancedMonitoring": [], "OpenShardCount": 1}}),
            ),
            ("GetRecords", 0) => answered(
                &json!({"Records": [{"SequenceNumber": "42", "Data": "e30K", "PartitionKey": "k", "ApproximateArrivalTimestamp": 1}], "NextShardIterator": "i", "MillisBehindLatest": 0}),
            ),
            // Kinesis API reference, GetRecords: iterators expire after 5 minutes.
            ("GetRecords", 1) => refused("ExpiredIteratorException"),
            _ => answered(&json!({"Records": [], "NextShardIterator": "i", "MillisBehindLatest": 0})),
        };
        // The laptop's lid was closed for thirty hours before the second read.
        let slept = if operation == "GetRecords" && before == 1 { Duration::from_hours(30) } else { Duration::ZERO };
        let header = date(began.plus(slept)).parse().expect("a date");
        answer.headers_mut().insert("date", header);
        answer
    });
    let (out, mut updates) = mpsc::channel(BATCHES_AHEAD);
    tokio::spawn(super::records(target, "stream".into(), Start::Now, out, CancellationToken::new()));
    moved.pass(Duration::from_secs(5)).await;
    let (_, gaps, events) = states(&mut updates);
    assert_eq!((gaps.len(), events), (1, 1), "{gaps:?}");
    assert!(gaps[0].to_string().contains("keeps records for 24 hours"), "{}", gaps[0]);
    let lost = gaps[0].to.since(gaps[0].from);
    assert!(lost.abs_diff(Duration::from_hours(6)) < Duration::from_mins(1), "{lost:?}");
    let log = log.lock().expect("a log").clone();
    let places = of(&log, "GetShardIterator");
    assert_eq!(places[1].input["ShardIteratorType"], "AFTER_SEQUENCE_NUMBER");
    assert_eq!(places[1].input["StartingSequenceNumber"], "42");
}

#[tokio::test]
async fn a_clock_that_is_ten_minutes_ahead_loses_no_lines() {
    let theirs = crate::target::now().minus(Duration::from_mins(10));
    let (target, moved, log) = played(move |_, _, _| {
        let time = jiff::Timestamp::from_millisecond(theirs.as_millis()).expect("a time");
        let mut answer = answered(&json!({"events": [], "StackEvents": []}));
        let date = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        answer.headers_mut().insert("date", date.parse().expect("a date"));
        answer
    });
    // As on AWS, where who calls is asked first.
    target.logs().filter_log_events().log_group_name("g").send().await.expect("answered");
    let (out, _updates) = mpsc::channel(BATCHES_AHEAD);
    let groups = vec![(LogSource::Function, "function".to_owned())];
    tokio::spawn(super::logs(target.clone(), groups, Start::Now, out, CancellationToken::new()));
    moved.pass(Duration::from_secs(2)).await;
    let log = log.lock().expect("a log").clone();
    let from = Timestamp::from_millis(log[1].input["startTime"].as_i64().expect("a time"));
    let apart = theirs.millis_since(from).abs();
    assert!(apart < 10_000, "asked from {from}, when it was {theirs} there");
    let offset = target.clock_offset_millis();
    assert!((offset + 600_000).abs() < 10_000, "{offset}");
}

#[tokio::test]
async fn what_an_endpoint_lacks_is_named_and_polled_instead() {
    let (target, moved, log) = played(|operation, _, _| match operation {
        // Smithy, AWS JSON 1.1 protocol: an operation that is not there.
        "StartLiveTail" => refused("UnknownOperationException"),
        _ => answered(&json!({"events": []})),
    });
    let target = target.elsewhere(Extras { fan_out: false, live_tail: true });
    let mut notices = target.notices();
    let (out, _updates) = mpsc::channel(BATCHES_AHEAD);
    let groups = vec![(LogSource::Function, "function".to_owned())];
    tokio::spawn(super::logs(target.clone(), groups, Start::Now, out, CancellationToken::new()));
    moved.pass(Duration::from_secs(2)).await;
    let said = notices.recv().await.expect("a notice");
    assert!(said.starts_with("Logs are polled, not pushed: this endpoint does not offer logs:StartLiveTail"), "{said}");
    assert!(!of(&log.lock().expect("a log"), "FilterLogEvents").is_empty());
}

#[tokio::test]
async fn where_groups_cannot_be_read_as_a_whole_their_streams_are() {
    let (target, moved, log) = played(|operation, input, before| match operation {
        "FilterLogEvents" => refused("UnknownOperationException"),
        "DescribeLogStreams" => answered(&json!({"logStreams": [{"logStreamName": "a"}, {"logStreamName": "b"}]})),
        "GetLogEvents" => {
            // One line more with each read, and the end shows by the same token again.
            let lines: Vec<Value> = (0..=before / 4)
                .map(|line| json!({"timestamp": 1_000 + line, "ingestionTime": 2_000, "message": format!("line {line}")}))
                .collect();
            let lines = if input["nextToken"].is_null() { lines } else { Vec::new() };
            answered(&json!({"events": lines, "nextForwardToken": "end"}))
        }
        _ => refused("ResourceNotFoundException"),
    });
    let target = target.elsewhere(Extras::default());
    let mut notices = target.notices();
    let (out, mut updates) = mpsc::channel(BATCHES_AHEAD);
    let groups = vec![(LogSource::Function, "function".to_owned())];
    tokio::spawn(super::logs(target.clone(), groups, Start::Beginning, out, CancellationToken::new()));
    moved.pass(Duration::from_secs(20)).await;
    let said = notices.recv().await.expect("a notice");
    assert!(said.contains("GetLogEvents") && said.contains("does not offer logs:FilterLogEvents"), "{said}");
    let log = log.lock().expect("a log").clone();
    assert_eq!(of(&log, "FilterLogEvents").len(), 1, "asked for once");
    let reads = of(&log, "GetLogEvents").len();
    let (_, _, lines) = states(&mut updates);
    let newest = (reads - 1) / 4 + 1;
    assert!(lines >= 2 * (newest - 1) && lines <= 2 * newest, "{lines} lines of {newest} in each of two streams");
}

#[tokio::test]
async fn lines_that_the_group_let_go_are_said() {
    let (target, moved, log) = played(|operation, _, _| match operation {
        "DescribeLogGroups" => answered(&json!({"logGroups": [{"logGroupName": "function", "retentionInDays": 3}]})),
        _ => answered(&json!({"events": []})),
    });
    let (out, mut updates) = mpsc::channel(BATCHES_AHEAD);
    let groups = vec![(LogSource::Function, "function".to_owned())];
    let start = Start::At(target.now().minus(Duration::from_hours(24 * 10)));
    tokio::spawn(super::logs(target.clone(), groups, start, out, CancellationToken::new()));
    moved.pass(Duration::from_secs(20)).await;
    let (_, gaps, _) = states(&mut updates);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    let words = gaps[0].to_string();
    assert!(words.contains("log group function") && words.contains("3 days"), "{words}");
    let lost = gaps[0].to.since(gaps[0].from);
    assert!(lost.abs_diff(Duration::from_hours(24 * 7)) < Duration::from_mins(1), "{lost:?}");
    assert_eq!(of(&log.lock().expect("a log"), "DescribeLogGroups").len(), 1);
}

#[tokio::test]
async fn errors_are_listed_by_the_hour() {
    let (target, moved, log) = played(|operation, _, _| {
        let below = if operation.contains("delimiter") {
            "<CommonPrefixes><Prefix>errors/processing-failed/</Prefix></CommonPrefixes>"
        } else {
            ""
        };
        http::Response::new(format!("<ListBucketResult><IsTruncated>false</IsTruncated>{below}</ListBucketResult>"))
    });
    let (out, _updates) = mpsc::channel(BATCHES_AHEAD);
    tokio::spawn(super::objects(target.clone(), "bucket".to_owned(), Start::Now, out, CancellationToken::new()));
    moved.pass(Duration::from_mins(1)).await;
    let log = log.lock().expect("a log").clone();
    let of_errors = of(&log, "prefix=errors");
    assert!(of_errors.len() >= 4, "{of_errors:?}");
    for asked in of_errors {
        let whole = !asked.operation.contains("delimiter") && !asked.operation.contains("processing-failed%2F20");
        assert!(!whole, "everything was listed: {}", asked.operation);
    }
}

#[tokio::test]
async fn a_group_that_cannot_be_read_keeps_no_other_from_being_read() {
    let (target, moved, log) = played(|_, input, _| {
        // CloudWatch Logs API reference, FilterLogEvents, errors.
        if input["logGroupName"] == "gone" {
            refused("ResourceNotFoundException")
        } else {
            answered(&json!({"events": []}))
        }
    });
    let (out, mut updates) = mpsc::channel(BATCHES_AHEAD);
    let groups = vec![(LogSource::Delivery, "gone".to_owned()), (LogSource::Function, "function".to_owned())];
    tokio::spawn(super::logs(target.clone(), groups, Start::Now, out, CancellationToken::new()));
    moved.pass(Duration::from_secs(20)).await;
    let log = log.lock().expect("a log");
    let reads = |group: &str| log.iter().filter(|asked| asked.input["logGroupName"] == group).count();
    assert!(reads("function") >= 5 && reads("gone") >= 2, "{} {}", reads("function"), reads("gone"));
    let (states, _, _) = states(&mut updates);
    assert!(states.iter().any(|state| matches!(state, TailState::Retrying { error, .. } if error.contains("gone"))));
}

#[tokio::test]
async fn errors_of_long_ago_are_no_news() {
    let (target, moved, log) = played(|operation, _, _| {
        let object = if operation.contains("prefix=errors") {
            "<Contents><Key>errors/old</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified><Size>1</Size></Contents>"
        } else {
            ""
        };
        let page = format!("<ListBucketResult><IsTruncated>false</IsTruncated>{object}</ListBucketResult>");
        http::Response::new(page)
    });
    let (out, mut updates) = mpsc::channel(BATCHES_AHEAD);
    let start = Start::At(target.now());
    tokio::spawn(super::objects(target.clone(), "bucket".to_owned(), start, out, CancellationToken::new()));
    moved.pass(Duration::from_mins(2)).await;
    let (_, _, events) = states(&mut updates);
    let listed = of(&log.lock().expect("a log"), "prefix=errors").len();
    assert!(listed >= 2, "the errors were listed {listed} times");
    assert_eq!(events, 0);
}
