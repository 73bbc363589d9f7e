//! Pages of sessions as they may go.

use std::time::Duration;

use bytes::Bytes;
use tailwater_core::{
    events::{Answer, ApiRequestId, Object, ObjectKey, ObjectLines, Record, RecordHash, Sent, Timestamp},
    text::mask::Secret,
};

use super::*;

const BEGAN: &str = "2026-11-24T12:00:00.000Z";

fn began() -> Timestamp {
    Timestamp::parse(BEGAN).expect("a time")
}

/// So many events that arrived, then one that was refused with these words.
fn traces(arrived: u64, refusal: &str) -> (Traces, Vec<HopTimes>) {
    let mut traces = Traces::new();
    traces.set_interval(Duration::from_mins(1));
    let mut hashes = Vec::new();
    let sent = |traces: &mut Traces, seq: u64, answer: Answer| {
        let time = began().plus(Duration::from_millis(seq * 20));
        let body = Bytes::from(format!("{{\"seq\":{seq}}}"));
        traces.sent(&Sent { seq, time, latency: Duration::from_millis(30 + seq % 7), body, answer });
    };
    for seq in 1..=arrived {
        let id = ApiRequestId(format!("request-{seq}"));
        let answer = Answer::Accepted {
            api_request_id: id,
            shard_id: "shardId-000000000000".to_owned().into(),
            sequence_number: seq.to_string().into(),
        };
        sent(&mut traces, seq, answer);
        let data = Bytes::from(format!("{{\"seq\":{seq}}}\n"));
        hashes.push(RecordHash::of(&data));
        traces.record(&Record {
            time: began().plus(Duration::from_millis(seq * 20 + 25)),
            shard_id: "shardId-000000000000".to_owned().into(),
            sequence_number: seq.to_string().into(),
            partition_key: "key".to_owned(),
            data,
        });
    }
    traces.object(&Object {
        time: began().plus(Duration::from_secs(63)),
        bucket: "bucket".to_owned(),
        key: ObjectKey("2026/11/24/12/<script>alert(1)</script>".to_owned()),
        size_bytes: 100,
        lines: ObjectLines::Read { hashes, head: String::new() },
    });
    let answer = Answer::Refused { status: 429, message: refusal.to_owned(), api_request_id: None, nothing_put: true };
    sent(&mut traces, arrived + 1, answer);
    let times = |hop, millis: u64| HopTimes {
        hop,
        times: (1..=arrived).map(|seq| (seq, Duration::from_millis(millis + seq % 50))).collect(),
    };
    let hops = vec![times(Hop::Api, 30), times(Hop::Lambda, 200), times(Hop::Kinesis, 150), times(Hop::S3, 63_000)];
    (traces, hops)
}

fn page_of(traces: &Traces, hops: &[HopTimes], events: u64, verdict: Verdict, troubles: Vec<String>) -> String {
    let ended = began().plus(Duration::from_secs(70));
    let findings = Findings {
        verdict,
        events,
        ledger: traces.ledger(ended),
        duplicated: 0,
        hops,
        traces,
        troubles,
        environment: vec![
            ("account".to_owned(), "123456784321".to_owned()),
            ("region".to_owned(), "eu-west-1".to_owned()),
        ],
        began: began(),
        ended,
    };
    render(&findings, &Mask::new().with("123456784321", Secret::Account)).expect("a page")
}

#[test]
fn what_comes_from_outside_is_escaped_and_masked() {
    let hostile = "<img src=x onerror=alert(1)> in account 123456784321, key AKIAIOSFODNN7EXAMPLE";
    let (traces, hops) = traces(3, hostile);
    let page = page_of(&traces, &hops, 4, Verdict::Fail, vec![format!("{hostile} & more")]);
    assert!(!page.contains("<img") && !page.contains("<script"), "raw markup");
    assert!(page.contains("&#60;img src=x") || page.contains("&lt;img src=x"), "escaped, and there");
    for secret in ["123456784321", "AKIAIOSFODNN7EXAMPLE"] {
        assert!(!page.contains(secret), "{secret}");
    }
    assert!(page.contains(Secret::Account.word()), "masked, and said to be");
}

#[test]
fn it_stands_for_itself_and_says_all() {
    let (traces, hops) = traces(60, "Too Many Requests");
    let page = page_of(&traces, &hops, 61, Verdict::Fail, Vec::new());
    for outside in ["http://", "https://", "<script", "<link", "@import", "url(", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
    for words in [
        "60 of 61 events in S3; 1 refused.",
        "refused with 429: Too Many Requests",
        "not reached: it came as far as API",
        "among the slowest",
        "a usual one",
        "52 more events are not shown here",
        "prefers-color-scheme: dark",
        "<h2>Environment</h2>",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("class=\"waterfall\"").count(), 9, "one failed, four slow, four usual");
    assert_eq!(page.matches("<tr><td>#").count(), 61, "each event has its row");
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
}

#[test]
fn thousands_of_events_keep_the_page_small() {
    let (traces, hops) = traces(5_000, "no");
    let page = page_of(&traces, &hops, 5_001, Verdict::TimeLimit, Vec::new());
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    assert!(page.contains("4,501 more events are not listed here"), "what is left out is said");
    assert!(page.contains("Of many points only some are drawn"));
}

#[test]
fn where_nothing_was_sent_it_says_so() {
    let page = page_of(&Traces::new(), &[], 5, Verdict::BrokenOff, vec!["there is no stack demo".to_owned()]);
    assert!(page.contains("broken off") && page.contains("there is no stack demo") && page.contains("5 not sent"));
    assert!(page.contains("No event was sent."));
}

#[test]
fn percentiles_are_of_what_was_seen() {
    let times: Vec<Duration> = (1..=10).map(Duration::from_millis).collect();
    let at = |percent| percentile(&times, percent).map(|time| time.as_millis());
    assert_eq!((at(50), at(90), at(99), at(100)), (Some(5), Some(9), Some(10), Some(10)));
    assert_eq!(percentile(&[], 50), None);
}
