//! Traces as pictures of text: the waterfall with its reasons, the bytes at each hop, the list of all
//! events, and what is said when something is wrong.

use std::time::Duration;

use bytes::Bytes;
use tailwater_core::{
    app::{App, Context, Key, Message, Pane},
    events::{Answer, LogSource, Object, ObjectLines, Record, RecordHash, Sent},
    trace::EventNumber,
};

use super::{
    Screen, drawn, screen_text,
    story::{at, key, log, press, ready_app},
};

const SHARD: &str = "shardId-000000000000";

fn api_id(seq: u64) -> String {
    format!("Yx3k{seq:04}PjAEEYw=")
}

fn lambda_id(seq: u64) -> String {
    format!("91aa{seq:04}-8c1e-4a50-b3f1-5d2c77e0a9d4")
}

fn sequence(seq: u64) -> String {
    format!("49665511{seq:04}000000000000000000000000000000000008823")
}

fn body(seq: u64) -> String {
    format!("{{\n  \"event\": \"signup\",\n  \"user_id\": {}\n}}", 400 + seq)
}

fn record_data(seq: u64) -> String {
    format!("{{\"event\":\"signup\",\"user_id\":{}}}\n", 400 + seq)
}

fn events(app: &mut App, events: Vec<tailwater_core::events::Event>) {
    app.update(Message::Events(events));
}

fn answered(seq: u64, millis: i64, answer: Answer) -> tailwater_core::events::Event {
    tailwater_core::events::Event::Sent(Sent {
        seq,
        time: at(millis),
        latency: Duration::from_micros(9_140),
        body: Bytes::from(body(seq)),
        answer,
    })
}

fn accepted(seq: u64, millis: i64) -> tailwater_core::events::Event {
    let answer = Answer::Accepted {
        api_request_id: api_id(seq).into(),
        shard_id: SHARD.into(),
        sequence_number: sequence(seq).into(),
    };
    answered(seq, millis, answer)
}

fn refused(seq: u64, millis: i64, status: u16, message: &str) -> tailwater_core::events::Event {
    let answer = Answer::Refused {
        status,
        nothing_put: status < 500,
        api_request_id: Some(api_id(seq).into()),
        message: message.to_owned(),
    };
    answered(seq, millis, answer)
}

fn access(seq: u64, millis: i64, status: u16, took: i64, reached: bool) -> tailwater_core::events::Event {
    let lambda = if reached { lambda_id(seq) } else { "-".to_owned() };
    let line = format!(
        r#"{{"requestId":"{}","requestTimeEpoch":"{}","status":"{status}","responseLatency":"{took}","integrationLatency":"{took}","integrationRequestId":"{lambda}"}}"#,
        api_id(seq),
        at(millis).as_millis()
    );
    log(seq, millis + took, LogSource::Access, &line)
}

fn platform(seq: u64, millis: i64, kind: &str, rest: &str) -> tailwater_core::events::Event {
    let line = format!(
        r#"{{"time":"{}","type":"platform.{kind}","record":{{"requestId":"{}"{rest}}}}}"#,
        at(millis),
        lambda_id(seq)
    );
    log(seq, millis, LogSource::Function, &line)
}

fn function(seq: u64, millis: i64, outcome: &str, rest: &str) -> tailwater_core::events::Event {
    let line = format!(
        r#"{{"timestamp":"{}","level":"INFO","message":"event {outcome}","apiRequestId":"{}","lambdaRequestId":"{}","outcome":"{outcome}","bytes":34{rest}}}"#,
        at(millis),
        api_id(seq),
        lambda_id(seq)
    );
    log(seq, millis, LogSource::Function, &line)
}

fn put(seq: u64, attempts: u32) -> String {
    format!(
        r#","status":202,"shardId":"{SHARD}","sequenceNumber":"{}","kinesisMs":2.1,"attempts":{attempts}"#,
        sequence(seq)
    )
}

fn record(seq: u64, millis: i64) -> tailwater_core::events::Event {
    tailwater_core::events::Event::Record(Record {
        time: at(millis),
        shard_id: SHARD.into(),
        sequence_number: sequence(seq).into(),
        partition_key: format!("key-{seq}"),
        data: Bytes::from(record_data(seq)),
    })
}

fn object(millis: i64, seqs: &[u64]) -> tailwater_core::events::Event {
    let lines: Vec<String> = seqs.iter().map(|seq| record_data(*seq)).collect();
    let head = lines.concat();
    tailwater_core::events::Event::Object(Object {
        time: at(millis / 1000 * 1000),
        bucket: "api-kinesis-firehose-bucket-000000000000-ap-southeast-2".to_owned(),
        key: format!("2026/11/24/13/tailwater-delivery-1-2026-11-24-13-02-{:02}-6d1f", millis / 1000).into(),
        size_bytes: head.len() as u64,
        lines: ObjectLines::Read { hashes: lines.iter().map(|line| RecordHash::of(line.as_bytes())).collect(), head },
    })
}

/// An event that went through to Kinesis; with a cold start, 41 ms later.
fn through(app: &mut App, seq: u64, millis: i64, cold: bool) {
    let init = if cold { 41 } else { 0 };
    let run = millis + 3 + init;
    let mut seen = vec![accepted(seq, millis), access(seq, millis + 1, 202, 7 + init, true)];
    let mut report = r#","status":"success","metrics":{"durationMs":3.6,"maxMemoryUsedMB":31"#.to_owned();
    if cold {
        report.push_str(r#","initDurationMs":40.2"#);
    }
    report.push('}');
    seen.extend([
        platform(seq, run, "start", ""),
        function(seq, run + 3, "accepted", &put(seq, 1)),
        platform(seq, run + 4, "report", &report),
        record(seq, run + 2),
    ]);
    events(app, seen);
}

/// One cold and two warm events in S3, one that Firehose holds.
fn walked_app() -> App {
    let mut app = ready_app();
    through(&mut app, 1, 2_000, true);
    through(&mut app, 2, 3_400, false);
    through(&mut app, 3, 4_150, false);
    events(&mut app, vec![object(12_000, &[1, 2, 3])]);
    through(&mut app, 4, 15_020, false);
    app.update(Message::Tick(at(18_500)));
    app
}

fn open(app: &mut App, seq: u64) {
    app.update(Message::Paste(api_id(seq)));
    key(app, Key::Enter);
    assert_eq!(app.trace(), Some(EventNumber::Own(seq)), "an id that is pasted leads to its trace");
}

/// The body of a screen: without header, strip, ledger and footer.
fn body_text(app: &mut App, width: u16, height: u16) -> String {
    let text = screen_text(app, width, height);
    let lines: Vec<&str> = text.lines().collect();
    let body = &lines[5..lines.len() - 1];
    body.join("\n").trim_end().to_owned()
}

#[test]
fn the_trace_of_an_event_in_s3() {
    let mut app = walked_app();
    open(&mut app, 3);
    insta::assert_snapshot!("a_trace_80", screen_text(&mut app, 80, 24));
    insta::assert_snapshot!("a_trace_120", screen_text(&mut app, 120, 40));
    insta::assert_snapshot!("a_trace_200", screen_text(&mut app, 200, 60));
}

#[test]
fn a_cold_start_is_a_phase_of_the_function() {
    let mut app = walked_app();
    open(&mut app, 1);
    insta::assert_snapshot!(body_text(&mut app, 80, 24));
}

#[test]
fn what_is_missing_says_why_in_its_row() {
    let mut app = ready_app();
    events(&mut app, vec![refused(1, 1_000, 429, "Too Many Requests"), access(1, 1_001, 429, 1, false)]);
    let fault =
        r#","status":"error","errorType":"Runtime.ExitError","metrics":{"durationMs":4.0,"maxMemoryUsedMB":30}"#;
    events(
        &mut app,
        vec![
            refused(2, 1_200, 502, "Bad Gateway"),
            access(2, 1_201, 502, 8, true),
            platform(2, 1_203, "start", ""),
            platform(2, 1_208, "report", fault),
        ],
    );
    let timeout = r#","status":"timeout","metrics":{"durationMs":10000.0,"maxMemoryUsedMB":30}"#;
    events(
        &mut app,
        vec![
            refused(3, 1_400, 503, "Service Unavailable"),
            access(3, 1_401, 503, 10_008, true),
            platform(3, 1_404, "start", ""),
            platform(3, 11_404, "report", timeout),
        ],
    );
    let throttled = r#","status":503,"kinesisMs":120.5,"attempts":4,"error":"ProvisionedThroughputExceededException""#;
    events(
        &mut app,
        vec![
            refused(4, 1_600, 503, "the stream takes no more events for now"),
            access(4, 1_601, 503, 128, true),
            platform(4, 1_603, "start", ""),
            function(4, 1_726, "throttled", throttled),
        ],
    );
    events(&mut app, vec![answered(5, 1_800, Answer::Unanswered { message: "connection reset by peer".to_owned() })]);
    through(&mut app, 6, 2_000, false);
    events(
        &mut app,
        vec![log(
            0,
            13_000,
            LogSource::Delivery,
            r#"{"errorCode":"S3.AccessDenied","errorMessage":"Access was denied. Ensure that the trust policy allows Firehose to assume the role.","level":"ERROR"}"#,
        )],
    );
    app.update(Message::Tick(at(14_000)));
    let mut pictures = Vec::new();
    for seq in 1..=6 {
        let number = EventNumber::Own(seq);
        app.update(Message::Paste(format!("#{seq}")));
        key(&mut app, Key::Enter);
        if app.trace() != Some(number) {
            press(&mut app, "t");
        }
        assert_eq!(app.trace(), Some(number));
        pictures.push(body_text(&mut app, 80, 24));
        key(&mut app, Key::Esc);
    }
    insta::assert_snapshot!(pictures.join("\n\n"));
    press(&mut app, "5");
    insta::assert_snapshot!("trouble_in_the_list", screen_text(&mut app, 80, 24));
}

#[test]
fn an_event_that_firehose_holds_says_when_it_is_due() {
    let mut app = walked_app();
    open(&mut app, 4);
    insta::assert_snapshot!(body_text(&mut app, 80, 24));
}

#[test]
fn the_bytes_at_each_hop_with_what_changed() {
    let mut app = walked_app();
    open(&mut app, 3);
    key(&mut app, Key::Enter);
    assert_eq!(app.context(), Context::Bytes);
    insta::assert_snapshot!("bytes_80", body_text(&mut app, 80, 24));
    insta::assert_snapshot!("bytes_120", body_text(&mut app, 120, 40));
    press(&mut app, "v");
    insta::assert_snapshot!("bytes_hex_80", body_text(&mut app, 80, 24));
    key(&mut app, Key::Esc);
    assert_eq!(app.context(), Context::Trace);
}

#[test]
fn every_event_is_a_row_of_traces() {
    let mut app = walked_app();
    events(&mut app, vec![refused(5, 16_000, 429, "Too Many Requests"), access(5, 16_001, 429, 1, false)]);
    press(&mut app, "5");
    insta::assert_snapshot!("traces_80", screen_text(&mut app, 80, 24));
    insta::assert_snapshot!("traces_120", screen_text(&mut app, 120, 40));
    insta::assert_snapshot!("traces_200", screen_text(&mut app, 200, 60));
    press(&mut app, "!");
    assert_eq!(app.selected_number(), Some(EventNumber::Own(5)));
    press(&mut app, "fin s3");
    key(&mut app, Key::Enter);
    assert_eq!(app.pane(Pane::Traces).len(), 3);
    press(&mut app, "F");
    assert_eq!(app.pane(Pane::Traces).len(), 5);
    key(&mut app, Key::Enter);
    assert_eq!(app.trace(), Some(EventNumber::Own(5)));
    key(&mut app, Key::Esc);
    assert_eq!((app.trace(), app.focus()), (None, Pane::Traces));
}

#[test]
fn a_trace_leads_to_its_rows_and_back_to_where_one_came_from() {
    let mut app = walked_app();
    press(&mut app, "3");
    press(&mut app, "t");
    assert_eq!(app.trace(), Some(EventNumber::Own(4)));
    // The first stage, then down to Kinesis.
    press(&mut app, "jjjj");
    key(&mut app, Key::Enter);
    assert_eq!(app.context(), Context::Detail);
    assert!(screen_text(&mut app, 80, 24).contains("Record of #4"));
    key(&mut app, Key::Esc);
    assert_eq!(app.context(), Context::Trace);
    // The last log line.
    press(&mut app, "G");
    key(&mut app, Key::Enter);
    assert!(screen_text(&mut app, 80, 24).contains("Log line of #4"));
    press(&mut app, "t");
    assert_eq!(app.context(), Context::Trace);
    through(&mut app, 5, 19_000, false);
    key(&mut app, Key::Esc);
    assert_eq!((app.focus(), app.selected_number()), (Pane::Records, Some(EventNumber::Own(4))));
}

#[test]
fn a_selected_event_is_marked_in_every_pane() {
    let mut app = walked_app();
    press(&mut app, "3kk");
    assert_eq!(app.selected_number(), Some(EventNumber::Own(2)));
    let mut screen = Screen::new();
    let buffer = drawn(&mut app, &mut screen, 200, 60);
    let text = super::text(&buffer);
    // Sent, four log lines, the record, and the one object of many lines that holds it.
    assert_eq!(text.matches("▸#2 ").count(), 6, "{text}");
    let object = text.lines().find(|line| line.contains("#1–#3")).expect("the object");
    assert!(object.contains('▸'), "{text}");
}

#[test]
fn what_is_wrong_stands_where_the_ledger_was() {
    let mut app = ready_app();
    for seq in 1..=3 {
        events(&mut app, vec![record(seq, 2_000)]);
    }
    for second in 0..4 {
        events(
            &mut app,
            vec![log(
                0,
                13_000 + second * 1_000,
                LogSource::Delivery,
                r#"{"errorCode":"S3.AccessDenied","errorMessage":"Access was denied.","level":"ERROR"}"#,
            )],
        );
    }
    app.update(Message::Tick(at(20_000)));
    insta::assert_snapshot!(
        "verdict_others_80",
        screen_text(&mut app, 80, 24).lines().take(5).collect::<Vec<_>>().join("\n")
    );
    through(&mut app, 9, 20_500, false);
    app.update(Message::Tick(at(29_500)));
    insta::assert_snapshot!(
        "verdict_own_80",
        screen_text(&mut app, 80, 24).lines().take(5).collect::<Vec<_>>().join("\n")
    );
    insta::assert_snapshot!(
        "verdict_own_160",
        screen_text(&mut app, 160, 40).lines().take(6).collect::<Vec<_>>().join("\n")
    );
    key(&mut app, Key::Enter);
    assert_eq!(app.context(), Context::Detail, "Enter leads to the line that says why");
    assert!(screen_text(&mut app, 80, 24).contains("S3.AccessDenied"));
}

#[test]
fn every_size_holds_every_view_of_a_trace() {
    for (width, height) in [(80, 24), (81, 25), (100, 30), (119, 35), (120, 40), (160, 48), (237, 71)] {
        let mut app = walked_app();
        for keys in ["5", "t", "j", "\n", "q", "gk", "\n"] {
            for letter in keys.chars() {
                if letter == '\n' {
                    key(&mut app, Key::Enter);
                } else {
                    press(&mut app, &letter.to_string());
                }
            }
            let text = screen_text(&mut app, width, height);
            assert_eq!(text.lines().count(), usize::from(height));
        }
    }
}
