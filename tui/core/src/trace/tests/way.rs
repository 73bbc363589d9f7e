//! What a waterfall says of an event: its times, and why it is not further.

use super::*;

fn access(seq: u64, request_at: i64, took: u64, status: u16, more: &str) -> LogLine {
    let message = format!(
        r#"{{"requestId":"api-{seq}","requestTimeEpoch":"{request_at}","status":"{status}","responseLatency":"{took}"{more}}}"#
    );
    LogLine { source: LogSource::Access, ..line(&message) }
}

fn platform(kind: &str, time: &str, record: &str) -> LogLine {
    line(&format!(r#"{{"time":"{time}","type":"platform.{kind}","record":{record}}}"#))
}

fn sent_at(seq: u64, millis: i64, latency: u64) -> Sent {
    Sent { time: Timestamp::from_millis(millis), latency: Duration::from_millis(latency), ..accepted(seq) }
}

/// An event that goes all the way, on clocks that agree.
fn whole(traces: &mut Traces) {
    traces.set_interval(Duration::from_secs(5));
    traces.sent(&sent_at(1, 1_000, 12));
    traces.log(&platform("initStart", "1970-01-01T00:00:01.002Z", r#"{"phase":"init"}"#));
    traces.log(&platform("start", "1970-01-01T00:00:01.005Z", r#"{"requestId":"lambda-1"}"#));
    traces.log(&line(&format!(
        r#"{{"timestamp":"1970-01-01T00:00:01.008Z","apiRequestId":"api-1","lambdaRequestId":"lambda-1","outcome":"accepted","status":202,"bytes":3,"sha256":"{}","shardId":"{}","sequenceNumber":"{}","kinesisMs":1.5,"attempts":2}}"#,
        RecordHash::of(b"{}\n"),
        shard(),
        sequence(1)
    )));
    let report = r#"{"requestId":"lambda-1","status":"success","metrics":{"durationMs":4.2,"initDurationMs":2.5,"maxMemoryUsedMB":31}}"#;
    traces.log(&platform("report", "1970-01-01T00:00:01.009Z", report));
    traces.log(&access(1, 1_001, 10, 202, r#","integrationRequestId":"lambda-1","lambdaStatus":"200""#));
    traces.record(&Record { time: Timestamp::from_millis(1_007), ..record(1, "{}\n") });
}

fn of(traces: &Traces, seq: u64, now: i64) -> Waterfall {
    traces.waterfall(EventNumber::Own(seq), Timestamp::from_millis(now)).expect("a trace")
}

fn states(waterfall: &Waterfall) -> Vec<&'static str> {
    waterfall.rows.iter().map(|row| row.state.word()).collect()
}

fn millis(bar: Option<Bar>) -> (i64, i64) {
    let bar = bar.expect("a bar");
    (bar.from.micros / 1_000, bar.to.micros / 1_000)
}

#[test]
fn a_whole_way_has_every_time_by_whoever_measured_it() {
    let mut traces = Traces::new();
    whole(&mut traces);
    let held = of(&traces, 1, 2_000);
    assert_eq!(states(&held), ["passed", "passed", "passed", "passed", "held", "notReached"]);
    let firehose = held.row(Place::Hop(Hop::Firehose)).expect("a row");
    assert_eq!(firehose.state, StageState::Held { due: Some(Timestamp::from_millis(6_007)) });
    assert!(firehose.bar.is_some_and(|bar| bar.open));

    traces.object(&object("a", &["{}\n"]));
    let waterfall = of(&traces, 1, 8_000);
    assert_eq!(states(&waterfall), ["passed"; 6]);
    let bars: Vec<_> = waterfall.rows.iter().map(|row| millis(row.bar)).collect();
    assert_eq!(bars, [(1_000, 1_012), (1_001, 1_011), (1_002, 1_009), (1_006, 1_008), (1_007, 7_000), (7_000, 7_000)]);
    let clocks: Vec<_> = waterfall.rows.iter().filter_map(|row| Some(row.at?.clock)).collect();
    assert_eq!(clocks, [Clock::Client, Clock::Gateway, Clock::Lambda, Clock::Kinesis, Clock::S3]);
    let s3 = waterfall.row(Place::Hop(Hop::S3)).and_then(|row| row.at).expect("a moment");
    assert_eq!(s3.precision, Duration::from_secs(1));
    let lambda = waterfall.row(Place::Hop(Hop::Lambda)).expect("a row");
    assert_eq!(lambda.phases.iter().map(|phase| phase.kind).collect::<Vec<_>>(), [PhaseKind::Init, PhaseKind::Run]);
    assert_eq!((lambda.facts.cold, lambda.facts.memory_mb, lambda.facts.init_ms), (Some(true), Some(31), Some(2.5)));
    let kinesis = waterfall.row(Place::Hop(Hop::Kinesis)).expect("a row");
    assert_eq!((kinesis.facts.attempts, kinesis.facts.put_ms), (Some(2), Some(1.5)));
    assert!(waterfall.clocks.iter().all(|offset| offset.offset_micros == 0), "{:?}", waterfall.clocks);
    assert_eq!(waterfall.bytes.sent_body.as_deref(), Some(&b"{ }"[..]));
    assert_eq!((waterfall.bytes.record, waterfall.bytes.line), (Some(3), Some(3)));
    for place in Place::ALL {
        assert_eq!(traces.figures(place).map(|figures| figures.count), Some(1), "{place:?}");
    }
    assert_eq!(traces.hop_figures(Hop::Lambda).map(|figures| figures.cold), Some(1));
}

#[test]
fn a_clock_that_is_off_is_corrected_and_said() {
    let mut traces = Traces::new();
    // This machine is 3 s ahead of the gateway.
    traces.sent(&sent_at(1, 4_000, 12));
    traces.log(&access(1, 1_001, 10, 202, ""));
    let waterfall = of(&traces, 1, 5_000);
    let [offset] = waterfall.clocks[..] else { panic!("{:?}", waterfall.clocks) };
    assert_eq!((offset.clock, offset.against), (Clock::Client, Clock::Gateway));
    assert!((2_998_000..=3_001_000).contains(&offset.offset_micros), "{offset:?}");
    let sent = waterfall.row(Place::Sent).and_then(|row| row.at).expect("a moment");
    assert!((999_000..=1_002_000).contains(&sent.micros), "{sent:?}");
}

#[test]
fn a_date_within_its_second_makes_no_negative_time() {
    let mut traces = Traces::new();
    traces.set_interval(Duration::ZERO);
    traces.sent(&sent_at(1, 7_400, 12));
    traces.record(&Record { time: Timestamp::from_millis(7_405), ..record(1, "{}\n") });
    // Written at 7.6 s: its date says 7.
    traces.object(&object("a", &["{}\n"]));
    let waterfall = of(&traces, 1, 8_000);
    let bar = waterfall.row(Place::Hop(Hop::Firehose)).and_then(|row| row.bar).expect("a bar");
    assert_eq!((bar.least(), bar.length(), bar.most()), (Duration::ZERO, Duration::ZERO, Duration::from_secs(1)));
    let s3 = waterfall.row(Place::Hop(Hop::S3)).and_then(|row| row.bar).expect("a bar");
    assert_eq!(s3.early, Some(Duration::from_millis(405)));
}

#[test]
fn the_gateways_refusal_ends_it_there() {
    let mut traces = Traces::new();
    let answer = Answer::Refused {
        status: 429,
        nothing_put: true,
        api_request_id: Some("api-1".into()),
        message: "Too Many Requests".into(),
    };
    traces.sent(&sent(1, answer));
    let because = Place::Hop(Hop::Api);
    let waterfall = of(&traces, 1, 2_000);
    assert_eq!(waterfall.rows[1].state, StageState::Refused { status: 429, message: "Too Many Requests".into() });
    assert!(waterfall.rows[2..].iter().all(|row| row.state == StageState::NotReached { because }), "{waterfall:#?}");
    // Someone else's, by the access log alone.
    traces.log(&access(2, 1_001, 1, 429, r#","integrationRequestId":"-","errorMessage":"Too Many Requests""#));
    let other = traces.waterfall(EventNumber::Other(1), Timestamp::from_millis(2_000)).expect("a trace");
    assert_eq!(states(&other)[..3], ["notSeen", "refused", "notReached"]);
    assert_eq!(traces.others_ledger(Timestamp::from_millis(2_000)).refused, 1);
}

fn failed(seq: u64, status: u16) -> Sent {
    let id = format!("api-{seq}");
    let message = "Internal Server Error".to_owned();
    sent(seq, Answer::Refused { status, nothing_put: false, api_request_id: Some(id.as_str().into()), message })
}

#[test]
fn a_function_that_threw_says_its_line() {
    let mut traces = Traces::new();
    traces.sent(&failed(1, 500));
    traces.log(&platform("start", "1970-01-01T00:00:01.005Z", r#"{"requestId":"lambda-1"}"#));
    traces.log(&line("thread 'main' panicked at src/main.rs:7: out of luck"));
    traces.log(&platform(
        "fault",
        "1970-01-01T00:00:01.006Z",
        r#""RequestId: lambda-1 Error: Runtime exited with error: exit status 101""#,
    ));
    let report =
        r#"{"requestId":"lambda-1","status":"error","errorType":"Runtime.ExitError","metrics":{"durationMs":1.0}}"#;
    traces.log(&platform("report", "1970-01-01T00:00:01.006Z", report));
    traces.log(&access(1, 1_001, 10, 500, r#","integrationRequestId":"lambda-1","lambdaStatus":"200""#));
    let waterfall = of(&traces, 1, 2_000);
    assert_eq!(states(&waterfall), ["passed", "passed", "threw", "notReached", "notReached", "notReached"]);
    let StageState::Threw { line } = &waterfall.rows[2].state else { panic!("{waterfall:?}") };
    assert!(line.starts_with("thread 'main' panicked at") && line.contains("exit status 101"), "{line}");
    assert_eq!(traces.ledger(Timestamp::from_millis(2_000)).unanswered, 1);
}

#[test]
fn a_function_that_ran_out_of_time_says_after_how_long() {
    let mut traces = Traces::new();
    traces.sent(&failed(1, 500));
    traces.log(&platform("start", "1970-01-01T00:00:01.005Z", r#"{"requestId":"lambda-1"}"#));
    traces.log(&access(1, 1_001, 10, 500, r#","integrationRequestId":"lambda-1","lambdaStatus":"200""#));
    assert_eq!(of(&traces, 1, 1_500).rows[2].state, StageState::UnderWay);
    let report = r#"{"requestId":"lambda-1","status":"timeout","metrics":{"durationMs":10000.0}}"#;
    traces.log(&platform("report", "1970-01-01T00:00:11.006Z", report));
    let after = Some(Duration::from_secs(10));
    assert_eq!(of(&traces, 1, 12_000).rows[2].state, StageState::TimedOut { after });
}

#[test]
fn what_kinesis_refused_is_kinesiss() {
    let put = |outcome: &str| {
        let mut traces = Traces::new();
        traces.sent(&failed(1, 502));
        traces.log(&line(&format!(
            r#"{{"apiRequestId":"api-1","lambdaRequestId":"lambda-1","outcome":"{outcome}","status":502,"bytes":3,"sha256":"{}","kinesisMs":900.0,"attempts":3,"error":"ProvisionedThroughputExceededException: slow down"}}"#,
            RecordHash::of(b"{}\n"),
        )));
        (of(&traces, 1, 2_000), traces.ledger(Timestamp::from_millis(2_000)))
    };
    let (waterfall, ledger) = put("throttled");
    assert_eq!(states(&waterfall)[2..], ["passed", "throttled", "notReached", "notReached"]);
    assert_eq!(waterfall.rows[3].state, StageState::Throttled { times: 3 });
    assert_eq!((ledger.refused, ledger.unanswered), (1, 0));
    let (waterfall, ledger) = put("unknown");
    assert_eq!(states(&waterfall)[3..], ["unanswered", "notSeen", "notSeen"]);
    assert_eq!((ledger.refused, ledger.unanswered), (0, 1));
}

#[test]
fn the_functions_own_refusal_is_its() {
    let mut traces = Traces::new();
    let message = "line 1 column 2".to_owned();
    traces.sent(&sent(
        1,
        Answer::Refused { status: 400, nothing_put: true, api_request_id: Some("api-1".into()), message },
    ));
    traces.log(&line(
        r#"{"message":"body is not JSON","apiRequestId":"api-1","lambdaRequestId":"lambda-1","outcome":"invalid","status":400,"bytes":3}"#,
    ));
    let waterfall = of(&traces, 1, 2_000);
    assert_eq!(waterfall.rows[1].state, StageState::Passed);
    assert_eq!(waterfall.rows[2].state, StageState::Refused { status: 400, message: "body is not JSON".into() });
    assert_eq!(waterfall.trouble().map(|row| row.place), Some(Place::Hop(Hop::Lambda)));
}

#[test]
fn no_answer_is_no_proof() {
    let mut traces = Traces::new();
    traces.sent(&sent(1, Answer::Unanswered { message: "connection reset".into() }));
    let waterfall = of(&traces, 1, 2_000);
    assert_eq!(states(&waterfall)[1..], ["unanswered", "notSeen", "notSeen", "notSeen", "notSeen"]);
}

#[test]
fn what_is_late_is_overdue_and_lost_only_with_proof() {
    let mut traces = Traces::new();
    whole(&mut traces);
    let late = of(&traces, 1, 90_000);
    assert_eq!(late.rows[5].state, StageState::Overdue { by: Duration::from_millis(90_000 - 6_007) });
    assert_eq!(traces.ledger(Timestamp::from_millis(90_000)).missing, 1);
    traces.set_retention(Duration::from_hours(24));
    let StageState::Lost { proof } = &of(&traces, 1, 90_000_000).rows[4].state else { panic!("lost") };
    assert!(proof.contains("1970-01-02T00:00:01.007Z"), "{proof}");

    // What Firehose gave up stands under its error prefix; and still it may land.
    traces.object(&object("errors/format-conversion-failed/a", &["{}\n"]));
    let StageState::Lost { proof } = &of(&traces, 1, 8_000).rows[4].state else { panic!("lost") };
    assert!(proof.contains("errors/format-conversion-failed/a, line 1"), "{proof}");
    let ledger = traces.ledger(Timestamp::from_millis(8_000));
    assert_eq!((ledger.missing, ledger.lost, ledger.balances()), (1, 1, true));
    traces.object(&object("b", &["{}\n"]));
    assert_eq!(traces.ledger(Timestamp::from_millis(8_000)).in_s3, 1);
}

#[test]
fn deliveries_that_fail_are_why_it_waits() {
    let mut traces = Traces::new();
    whole(&mut traces);
    let error = r#"{"errorCode":"S3.AccessDenied","message":"Access was denied."}"#;
    let at = |millis| LogLine { source: LogSource::Delivery, time: Timestamp::from_millis(millis), ..line(error) };
    traces.log(&at(6_100));
    traces.log(&at(6_900));
    let message = "S3.AccessDenied: Access was denied.".to_owned();
    assert_eq!(of(&traces, 1, 8_000).rows[4].state, StageState::Failing { times: 2, message });
    // Another's object says that it works again.
    traces.object(&Object { time: Timestamp::from_millis(9_000), ..object("a", &["other\n"]) });
    assert_eq!(of(&traces, 1, 9_500).rows[4].state.word(), "held");
}

#[test]
fn fifty_equal_events_are_fifty_traces_each_one_of_fifty() {
    let mut traces = Traces::new();
    for seq in 1..=50 {
        traces.sent(&accepted(seq));
    }
    for seq in (1..=50).rev() {
        traces.record(&record(seq, "same\n"));
    }
    traces.object(&object("a", &["same\n"; 20]));
    traces.object(&object("b", &["same\n"; 30]));
    let mut positions: Vec<u64> = (1..=50)
        .map(|seq| {
            let waterfall = of(&traces, seq, 60_000);
            assert_eq!(waterfall.rows[5].state, StageState::Passed);
            assert_eq!(waterfall.duplicates, []);
            let identical = waterfall.identical.expect("one of many");
            assert_eq!(identical.of, 50);
            identical.position
        })
        .collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=50).collect::<Vec<_>>());
    // The whole object once more: each has one duplicate.
    traces.object(&object("c", &["same\n"; 50]));
    assert!((1..=50).all(|seq| of(&traces, seq, 60_000).duplicates.len() == 1));
    assert_eq!(traces.ledger(Timestamp::from_millis(60_000)).duplicates, 50);
}

#[test]
fn a_line_older_than_its_record_is_another_ones() {
    let mut traces = Traces::new();
    traces.object(&object("a", &["same\n"]));
    traces.sent(&accepted(1));
    traces.record(&Record { time: Timestamp::from_millis(60_000), ..record(1, "same\n") });
    assert_eq!(traces.get(EventNumber::Own(1)).and_then(|trace| trace.landing.as_ref()), None);
}

#[test]
fn the_functions_line_alone_finds_the_object() {
    let mut traces = Traces::new();
    traces.log(&line(&format!(
        r#"{{"timestamp":"1970-01-01T00:00:01.008Z","apiRequestId":"api-1","lambdaRequestId":"lambda-1","outcome":"accepted","bytes":3,"sha256":"{}","shardId":"{}","sequenceNumber":"{}"}}"#,
        RecordHash::of(b"{}\n"),
        shard(),
        sequence(1)
    )));
    traces.object(&object("a", &["{}\n"]));
    let number = traces.number_of_id("api-1").expect("known");
    assert_eq!(traces.number_of_id("lambda-1"), Some(number));
    assert_eq!(traces.number_of_id(sequence(1).as_str()), Some(number));
    let waterfall = traces.waterfall(number, Timestamp::from_millis(8_000)).expect("a trace");
    assert_eq!(waterfall.rows[5].state, StageState::Passed);
}

#[test]
fn an_unanswered_event_is_found_by_its_bytes_and_the_time() {
    let lost = |seq, millis| Sent {
        time: Timestamp::from_millis(millis),
        body: Bytes::from_static(b"{ \"a\": 1 }"),
        ..sent(seq, Answer::Unanswered { message: "timed out".into() })
    };
    let put = |number, millis| Record { time: Timestamp::from_millis(millis), ..record(number, "{\"a\":1}\n") };
    let now = Timestamp::from_millis(2_000);
    // Its record was seen before nobody waited for the answer any longer; another's is much older.
    let mut traces = Traces::new();
    traces.record(&put(1, -60_000));
    traces.record(&put(2, 1_005));
    traces.sent(&lost(1, 1_000));
    let ledger = traces.ledger(now);
    assert_eq!((ledger.sent, ledger.on_the_way, ledger.unanswered, ledger.others), (1, 1, 0, 1));
    assert_eq!(traces.number_of_record(&sequence(2), &shard()), Some(EventNumber::Own(1)));
    assert!(traces.get(EventNumber::Own(1)).is_some_and(|trace| trace.found_by_bytes));
    // It is seen later; and two events with the same bytes are settled by count.
    let mut traces = Traces::new();
    traces.sent(&lost(1, 1_000));
    traces.sent(&lost(2, 1_000));
    traces.record(&put(1, 1_005));
    let ledger = traces.ledger(now);
    assert_eq!((ledger.sent, ledger.on_the_way, ledger.unanswered, ledger.others), (2, 1, 1, 0));
    traces.record(&put(2, 1_006));
    traces.record(&put(3, 1_007));
    let ledger = traces.ledger(now);
    assert_eq!((ledger.on_the_way, ledger.unanswered, ledger.others), (2, 0, 1));
}

#[test]
fn what_was_taken_for_an_unanswered_event_goes_back_when_its_answer_comes() {
    let mut traces = Traces::new();
    let body = Bytes::from_static(b"{\"a\":1}");
    traces.sending(1, Timestamp::from_millis(1_000));
    traces.record(&record(1, "{\"a\":1}\n"));
    let lost = Answer::Unanswered { message: "reset".into() };
    traces.sent(&Sent { body: body.clone(), ..sent(2, lost) });
    assert_eq!(traces.number_of_record(&sequence(1), &shard()), Some(EventNumber::Own(2)));
    traces.object(&object("a", &["{\"a\":1}\n"]));
    traces.sent(&Sent { body, ..accepted(1) });
    assert_eq!(traces.number_of_record(&sequence(1), &shard()), Some(EventNumber::Own(1)));
    assert_eq!(traces.numbers_in_object(&"a".into()), [EventNumber::Own(1)]);
    let ledger = traces.ledger(Timestamp::from_millis(8_000));
    assert_eq!((ledger.sent, ledger.in_s3, ledger.unanswered, ledger.others), (2, 1, 1, 0));
    // Its own record comes at last.
    traces.record(&record(2, "{\"a\":1}\n"));
    let ledger = traces.ledger(Timestamp::from_millis(8_000));
    assert_eq!((ledger.in_s3, ledger.on_the_way, ledger.unanswered, ledger.others), (1, 1, 0, 0));
}
