//! The ways in which what the sources saw can come together.

mod bounds;
mod way;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::events::Level;

fn sequence(number: u64) -> SequenceNumber {
    SequenceNumber(format!("4966{number:04}"))
}

fn shard() -> ShardId {
    "shardId-000000000000".into()
}

fn accepted(seq: u64) -> Sent {
    let answer = Answer::Accepted {
        api_request_id: format!("api-{seq}").into(),
        shard_id: shard(),
        sequence_number: sequence(seq),
    };
    sent(seq, answer)
}

fn sent(seq: u64, answer: Answer) -> Sent {
    Sent {
        seq,
        time: Timestamp::from_millis(1_000),
        latency: Duration::from_millis(9),
        body: Bytes::from_static(b"{ }"),
        answer,
    }
}

fn record(number: u64, data: &str) -> Record {
    Record {
        time: Timestamp::from_millis(1_005),
        shard_id: shard(),
        sequence_number: sequence(number),
        partition_key: "key".into(),
        data: Bytes::from(data.to_owned()),
    }
}

fn object(key: &str, lines: &[&str]) -> Object {
    Object {
        time: Timestamp::from_millis(7_000),
        bucket: "bucket".into(),
        key: key.into(),
        size_bytes: 0,
        lines: ObjectLines::Read {
            hashes: lines.iter().map(|line| RecordHash::of(line.as_bytes())).collect(),
            head: String::new(),
        },
    }
}

fn function_line(seq: u64) -> LogLine {
    let message = format!(
        r#"{{"level":"INFO","apiRequestId":"api-{seq}","lambdaRequestId":"lambda-{seq}","outcome":"accepted","shardId":"{}","sequenceNumber":"{}"}}"#,
        shard(),
        sequence(seq)
    );
    line(&message)
}

fn line(message: &str) -> LogLine {
    let (level, lambda_request_id, api_request_id) = LogLine::read(message);
    LogLine {
        time: Timestamp::from_millis(1_004),
        ingestion_time: Timestamp::from_millis(1_004),
        source: LogSource::Function,
        group: "group".into(),
        stream: "stream".into(),
        event_id: "event".into(),
        lambda_request_id,
        api_request_id,
        level,
        message: message.to_owned(),
    }
}

#[test]
fn an_event_is_followed_to_its_line() {
    let mut traces = Traces::new();
    traces.sending(1, Timestamp::from_millis(1_000));
    assert_eq!(traces.ledger(Timestamp::from_millis(1_001)).on_the_way, 1);
    traces.sent(&accepted(1));
    traces.log(&function_line(1));
    traces.record(&record(1, "{}\n"));
    traces.object(&object("a", &["other\n", "{}\n"]));
    let trace = traces.get(EventNumber::Own(1)).expect("a trace");
    assert_eq!(Hop::ALL.map(|hop| trace.seen_at(hop)), [true; 5]);
    assert_eq!(trace.landing.as_ref().map(|landing| landing.line), Some(2));
    let ledger = traces.ledger(Timestamp::from_millis(8_000));
    assert_eq!((ledger.sent, ledger.in_s3, ledger.others), (1, 1, 0));
    assert_eq!(traces.number_of_record(&sequence(1), &shard()), Some(EventNumber::Own(1)));
    assert_eq!(traces.numbers_in_object(&"a".into()), [EventNumber::Own(1)]);
    assert_eq!(traces.held().records, 0);
}

#[test]
fn a_report_is_joined_through_the_invocation() {
    let mut traces = Traces::new();
    traces.sent(&accepted(1));
    traces.log(&function_line(1));
    let report = line(
        r#"{"time":"2026-11-24T14:02:07.119Z","type":"platform.report","record":{"requestId":"lambda-1","status":"success","metrics":{"durationMs":2.9,"maxMemoryUsedMB":31}}}"#,
    );
    traces.log(&report);
    assert_eq!(traces.number_of_log(&report), Some(EventNumber::Own(1)));
    let trace = traces.get(EventNumber::Own(1)).expect("a trace");
    assert_eq!(trace.report.map(|report| report.duration_ms), Some(2.9));
}

#[test]
fn what_was_seen_before_the_answer_becomes_ours() {
    let mut traces = Traces::new();
    traces.record(&record(7, "x\n"));
    assert_eq!(traces.ledger(Timestamp::default()).others, 1);
    traces.log(&function_line(7));
    traces.sent(&accepted(7));
    let ledger = traces.ledger(Timestamp::from_millis(1_010));
    assert_eq!((ledger.sent, ledger.on_the_way, ledger.others), (1, 1, 0));
    traces.object(&object("a", &["x\n"]));
    assert_eq!(traces.ledger(Timestamp::from_millis(9_000)).in_s3, 1);
}

#[test]
fn equal_bytes_are_settled_by_count() {
    let mut traces = Traces::new();
    for seq in 1..=3 {
        traces.sent(&accepted(seq));
        traces.record(&record(seq, "same\n"));
    }
    traces.object(&object("a", &["same\n", "same\n"]));
    let ledger = traces.ledger(Timestamp::from_millis(1_010));
    assert_eq!((ledger.in_s3, ledger.on_the_way), (2, 1));
    traces.object(&object("b", &["same\n", "same\n"]));
    assert_eq!(traces.ledger(Timestamp::from_millis(1_010)).in_s3, 3);
    assert_eq!(traces.ledger(Timestamp::from_millis(1_010)).duplicates, 0, "a record may still come");
    assert_eq!(traces.ledger(Timestamp::from_millis(30_000)).duplicates, 1);
    let duplicates = |number| traces.waterfall(number, Timestamp::from_millis(30_000)).expect("a trace").duplicates;
    assert_eq!(duplicates(EventNumber::Own(1)).len(), 1);
    assert_eq!(duplicates(EventNumber::Own(2)), []);
}

#[test]
fn refused_needs_proof_and_missing_a_deadline() {
    let mut traces = Traces::new();
    let refused =
        |nothing_put, status| Answer::Refused { status, nothing_put, api_request_id: None, message: String::new() };
    traces.sent(&sent(1, refused(true, 429)));
    traces.sent(&sent(2, refused(false, 500)));
    traces.sent(&sent(3, Answer::Unanswered { message: "timed out".into() }));
    traces.sent(&accepted(4));
    traces.set_interval(Duration::from_secs(10));
    let ledger = traces.ledger(Timestamp::from_millis(1_010));
    assert_eq!((ledger.refused, ledger.unanswered, ledger.on_the_way, ledger.missing), (1, 2, 1, 0));
    let ledger = traces.ledger(Timestamp::from_millis(1_000 + 71_000));
    assert_eq!((ledger.on_the_way, ledger.missing), (0, 1));
}

#[test]
fn the_functions_line_proves_an_event_without_an_answer() {
    let mut traces = Traces::new();
    let answer = Answer::Refused {
        status: 503,
        nothing_put: false,
        api_request_id: Some("api-5".into()),
        message: "Service Unavailable".into(),
    };
    traces.sent(&sent(5, answer));
    assert_eq!(traces.ledger(Timestamp::from_millis(1_010)).unanswered, 1);
    traces.log(&function_line(5));
    assert_eq!(traces.ledger(Timestamp::from_millis(1_010)).unanswered, 0);
    traces.record(&record(5, "late\n"));
    assert_eq!(traces.number_of_record(&sequence(5), &shard()), Some(EventNumber::Own(5)));
}

#[test]
fn what_is_let_go_stays_counted() {
    let mut traces = Traces::new();
    let count = TRACES_KEPT as u64 + 50;
    for seq in 1..=count {
        traces.sent(&accepted(seq));
        traces.record(&record(seq, &format!("{seq}\n")));
        traces.object(&object(&format!("o{seq}"), &[&format!("{seq}\n")]));
    }
    assert!(traces.all().count() <= TRACES_KEPT);
    let ledger = traces.ledger(Timestamp::from_millis(2_000));
    assert_eq!((ledger.sent, ledger.in_s3), (count, count));
    assert_eq!(line("plain words").level, Level::Info);
}

proptest! {
    /// In whatever order the sources speak, the end is the same and the ledger balances all along.
    #[test]
    fn order_does_not_matter(order in Just((0..24_u64).collect::<Vec<_>>()).prop_shuffle()) {
        let mut traces = Traces::new();
        for step in order {
            let seq = step % 6 + 1;
            match step / 6 {
                0 => traces.sent(&accepted(seq)),
                1 => traces.log(&function_line(seq)),
                2 => traces.record(&record(seq, &format!("{}\n", seq % 2))),
                _ => traces.object(&object(&format!("o{seq}"), &[&format!("{}\n", seq % 2)])),
            }
            let ledger = traces.ledger(Timestamp::from_millis(1_010));
            prop_assert_eq!(
                ledger.sent,
                ledger.in_s3 + ledger.on_the_way + ledger.refused + ledger.unanswered + ledger.missing
            );
        }
        let ledger = traces.ledger(Timestamp::from_millis(1_010));
        prop_assert_eq!((ledger.sent, ledger.in_s3, ledger.others), (6, 6, 0));
    }
}
