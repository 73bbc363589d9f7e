//! A recording is read as it was written, without its secrets.

use std::time::Duration;

use tailwater_core::{
    app::{
        Begin, CallBudget, CloudInfo, DeployProgress, EventSource, First, KeyPress, LookBackNews, Mouse, MouseKind,
        Options, Pane, Settings, TailState, Target, ThemeName,
    },
    events::{
        Answer, Call, CallOutcome, LogLine, LogSource, Object, ObjectLines, Record, RecordHash, Sent, StackEvent,
    },
    faults::{self, Standing},
    pipeline::{self, Buffering, Change, Estimate, Outputs, ParameterDifference, Preview, PropertyChange, Replacement},
    text::time::UtcOffset,
};

use super::{
    super::{Happened, ReadError, Recording},
    *,
};

const START: Timestamp = Timestamp::from_millis(1_795_525_327_000);
const ACCOUNT: &str = "123456789012";

fn options() -> Options {
    Options {
        target: Target::Aws {
            account_id: ACCOUNT.to_owned(),
            region: "ap-southeast-2".to_owned(),
            profile: Some("prod".to_owned()),
            endpoint_url: None,
            elsewhere: Vec::new(),
            who: "role OnCall".to_owned(),
        },
        stack_name: "tailwater".into(),
        colours: true,
        template: Vec::new(),
        templates: vec![("signup.json".to_owned(), "{}".to_owned())],
        offset: UtcOffset(3600),
        now: START,
        seed: 7,
    }
}

fn at(millis: u64) -> Timestamp {
    START.plus(Duration::from_millis(millis))
}

/// Writes messages and reads the file.
fn recorded(messages: &[Message]) -> (String, Recording) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("session.jsonl");
    let header = Header::of(&options(), (120, 40));
    let recorder = Recorder::start(&file, &header, Box::new(|error| panic!("{error}"))).expect("a recorder");
    for (index, message) in messages.iter().enumerate() {
        recorder.see(at(10 * index as u64), message);
    }
    drop(recorder);
    let text = std::fs::read_to_string(&file).expect("the file");
    (text, Recording::open(&file).expect("a recording"))
}

fn sent(body: &str, answer: Answer) -> Event {
    let latency = Duration::from_micros(9_123);
    Event::Sent(Sent { seq: 1, time: at(1), latency, body: Bytes::from(body.to_owned()), answer })
}

fn record(data: &[u8]) -> Event {
    Event::Record(Record {
        time: at(2),
        shard_id: "shardId-000000000001".into(),
        sequence_number: "49660000000000000000000000000000000000000000000000008823".into(),
        partition_key: "key".to_owned(),
        data: Bytes::copy_from_slice(data),
    })
}

fn object(lines: ObjectLines) -> Event {
    Event::Object(Object {
        time: at(3_000),
        bucket: "bucket".to_owned(),
        key: "2026/11/24/13/x".into(),
        size_bytes: 34,
        lines,
    })
}

fn log(message: &str) -> Event {
    let (level, lambda_request_id, api_request_id) = LogLine::read(message);
    Event::Log(LogLine {
        time: at(4),
        ingestion_time: at(5),
        source: LogSource::Function,
        group: "/aws/lambda/tailwater-function".to_owned(),
        stream: "2026/11/24/[$LATEST]01".to_owned(),
        event_id: "1".to_owned(),
        lambda_request_id,
        api_request_id,
        level,
        message: message.to_owned(),
    })
}

fn outputs() -> Outputs {
    let text = |text: &str| text.to_owned();
    Outputs {
        api_url: text("http://127.0.0.1:3000"),
        submit_url: text("http://127.0.0.1:3000/submit"),
        stream_name: text("stream"),
        function_name: text("function"),
        log_group_name: text("logs"),
        access_log_group_name: text("access"),
        delivery_stream_name: text("delivery"),
        delivery_log_group_name: text("errors"),
        bucket_name: text("bucket"),
    }
}

fn preview() -> Preview {
    Preview {
        stack_name: "tailwater".to_owned(),
        change_set: "tw-8f21".to_owned(),
        creates: false,
        can_roll_back: true,
        changes: vec![Change {
            action: "Modify".to_owned(),
            logical_id: "Stream".to_owned(),
            physical_id: Some("api-kinesis-stream".to_owned()),
            resource_type: "AWS::Kinesis::Stream".to_owned(),
            replacement: Replacement::Maybe,
            properties: vec![PropertyChange {
                path: "/Properties/ShardCount".to_owned(),
                before: Some("1".to_owned()),
                after: None,
                cause: Some("ShardCount".to_owned()),
            }],
        }],
        parameters: vec![ParameterDifference { name: "ShardCount".to_owned(), default: None, value: "2".to_owned() }],
        losses: vec!["records".to_owned()],
        estimate: Some(Estimate {
            idle_usd_per_day: 0.36,
            usd_per_million_events: 2.4,
            priced_region: "us-east-1".into(),
            as_of: "2026-11".into(),
            source: "pricing pages".into(),
        }),
    }
}

/// One of everything that is recorded, without a secret in it.
fn one_of_each() -> Vec<Message> {
    let accepted = Answer::Accepted {
        api_request_id: "Yx3k=".into(),
        shard_id: "shardId-000000000001".into(),
        sequence_number: "4966".into(),
    };
    let refused = Answer::Refused {
        status: 429,
        nothing_put: true,
        api_request_id: Some("Yx3l=".into()),
        message: "Too Many Requests".to_owned(),
    };
    let source = |state| Message::Tail(EventSource::Records, state);
    vec![
        Message::CloudReady(CloudInfo {
            endpoint_url: "http://127.0.0.1:4566".to_owned(),
            gateway_url: "http://127.0.0.1:3000".to_owned(),
            own: true,
            note: Some("port 3000 is taken".to_owned()),
        }),
        Message::CloudFailed("no port".to_owned()),
        Message::DeployNote("packaging".to_owned()),
        Message::DeployStep { what: "deleted objects".to_owned(), done: 3, total: None },
        Message::Deploy(DeployProgress::Started { resources: Some(12) }),
        Message::Deploy(DeployProgress::Absent),
        Message::Deploy(DeployProgress::Found {
            status: "CREATE_COMPLETE".into(),
            since: Some(at(1)),
            own: true,
            pipeline: Ok((outputs(), Buffering { interval_seconds: 60, size_mb: 1 })),
        }),
        Message::Deploy(DeployProgress::Found {
            status: "CREATE_COMPLETE".into(),
            since: None,
            own: false,
            pipeline: Err("it has no stream".to_owned()),
        }),
        Message::Deploy(DeployProgress::Settings(pipeline::Settings::of(
            [("ShardCount".to_owned(), "2".to_owned())],
            "ap-southeast-2",
        ))),
        Message::Deploy(DeployProgress::Between(true)),
        Message::Deploy(DeployProgress::Previewed(preview())),
        Message::Deploy(DeployProgress::First(First {
            why: "it failed".to_owned(),
            what: "delete it".to_owned(),
            losses: vec!["nothing".to_owned()],
        })),
        Message::Deploy(DeployProgress::Explained { error: "why".to_owned() }),
        Message::Deploy(DeployProgress::Done {
            status: "CREATE_COMPLETE".into(),
            outputs: outputs(),
            buffering: Buffering { interval_seconds: 10, size_mb: 1 },
            took: Duration::from_millis(912),
            unchanged: false,
        }),
        Message::Deploy(DeployProgress::Failed { error: "why".to_owned() }),
        Message::Deploy(DeployProgress::Stopped { words: "stopped".to_owned() }),
        Message::Deploy(DeployProgress::Destroyed { left: vec!["a bucket".to_owned()] }),
        Message::Events(vec![sent("{\"é\": 1.10}", accepted)]),
        Message::Events(vec![sent("{}", refused)]),
        Message::Events(vec![sent("{}", Answer::Unanswered { message: "timed out".to_owned() })]),
        Message::Events(vec![record(b"{\"n\":12345678901234567890}\n")]),
        Message::Events(vec![record(b"\xff\x00no text")]),
        Message::Events(vec![object(ObjectLines::Read {
            hashes: vec![RecordHash::of(b"a\n")],
            head: "a\n".to_owned(),
        })]),
        Message::Events(vec![object(ObjectLines::Unread { reason: "too large".to_owned() })]),
        Message::Events(vec![log("{\"level\":\"ERROR\",\"requestId\":\"Yx3k=\"}"), log("START RequestId: 91aa")]),
        Message::Events(vec![Event::Stack(StackEvent {
            event_id: "1".to_owned(),
            time: at(6),
            logical_id: "Stream".to_owned(),
            physical_id: None,
            resource_type: "AWS::Kinesis::Stream".to_owned(),
            status: "CREATE_FAILED".into(),
            reason: Some("no".to_owned()),
        })]),
        Message::Events(vec![Event::Call(Call {
            service: "Kinesis".to_owned(),
            operation: "GetRecords".to_owned(),
            started: at(7),
            duration: Duration::from_micros(1_234),
            attempts: 2,
            throttled: 1,
            answer_bytes: 99,
            outcome: CallOutcome::Throttled("LimitExceeded".to_owned()),
        })]),
        Message::Budgets(vec![CallBudget {
            name: "records".to_owned(),
            service: "Kinesis".to_owned(),
            operation: "GetRecords".to_owned(),
            used: 1,
            left: None,
            window_seconds: 60,
        }]),
        source(TailState::Following),
        source(TailState::Slowed { every: Duration::from_secs(5) }),
        source(TailState::Retrying { error: "refused".to_owned(), after: Duration::from_millis(1_500) }),
        source(TailState::Ended { error: "gone".to_owned() }),
        Message::Begin(Box::new(Begin {
            settings: Some(Settings::parse("{\"focus\":\"logs\",\"large\":true}")),
            theme: Some(ThemeName::Light),
            motion: Some(false),
            present: true,
            ..Begin::default()
        })),
        Message::Faults(Ok(vec![Standing {
            id: "1".to_owned(),
            order: faults::parse("crash=20%").expect("an order").pop(),
            words: "the function crashes".to_owned(),
            met: 3,
        }])),
        Message::Faults(Err("no cloud".to_owned())),
        Message::LookBack(LookBackNews::In("the access log".to_owned())),
        Message::FileExists("rows.jsonl".to_owned()),
        Message::LookBack(LookBackNews::Found),
        Message::LookBack(LookBackNews::NotFound),
        Message::LookBack(LookBackNews::Failed("no".to_owned())),
        Message::SendingEnded,
        Message::Notice("a word".to_owned()),
        Message::Numbered(42),
        Message::History(vec![String::new(); 3]),
        Message::Key(KeyPress::ctrl('d')),
        Message::Paste("5f1c9e".to_owned()),
        Message::Mouse(Mouse { kind: MouseKind::WheelUp, pane: Pane::Objects, row: Some(3) }),
        Message::EditorChanged("{\n}".to_owned()),
    ]
}

#[test]
fn everything_is_read_as_it_was_told() {
    let messages = one_of_each();
    let (_, recording) = recorded(&messages);
    assert_eq!((recording.skipped, recording.torn), (0, false));
    assert_eq!(recording.happenings.len(), messages.len());
    for (index, (happening, message)) in recording.happenings.iter().zip(&messages).enumerate() {
        assert_eq!(happening.ms, 10 * index as u64);
        let (Happened::Outside(read) | Happened::Hands(read)) = &happening.what else { panic!("{happening:?}") };
        assert_eq!(format!("{read:?}"), format!("{message:?}"));
        let by_hand =
            matches!(message, Message::Key(_) | Message::Paste(_) | Message::Mouse(_) | Message::EditorChanged(_));
        assert_eq!(matches!(happening.what, Happened::Hands(_)), by_hand, "{message:?}");
    }
}

#[test]
fn what_is_sent_and_how_large_the_screen_is_stands_in_it_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("session.jsonl");
    let header = Header::of(&options(), (120, 40));
    let recorder = Recorder::start(&file, &header, Box::new(|error| panic!("{error}"))).expect("a recorder");
    recorder.sending(at(5), &[(7, Bytes::from_static(b"{\"token\":\"hush\"}"))]);
    recorder.see(at(6), &Message::Resize { width: 80, height: 24 });
    drop(recorder);
    let recording = Recording::open(&file).expect("a recording");
    let [sending, resized] = recording.happenings.as_slice() else { panic!("{:?}", recording.happenings) };
    let Happened::Outside(Message::Sending(events)) = &sending.what else { panic!("{sending:?}") };
    assert_eq!(events[..], [(7, Bytes::from("{\"token\":\"‹token›\"}"))]);
    assert!(matches!(resized.what, Happened::Resize(80, 24)));
    assert_eq!(recording.header.offset(), UtcOffset(3600));
    assert_eq!(recording.length(), Duration::from_millis(6));
}

#[test]
fn no_secret_is_in_it_and_a_masked_record_is_still_found_in_its_object() {
    let secret = "{\"user\":\"ann\",\"password\":\"hunter2\"}\n";
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLWhlcmU";
    let messages = [
        Message::Reached(options().target),
        Message::Events(vec![
            record(secret.as_bytes()),
            log(&format!("{{\"sha256\":\"{}\"}}", RecordHash::of(secret.as_bytes()))),
            log(&format!("Authorization: Bearer {token}")),
            object(ObjectLines::Read {
                hashes: vec![RecordHash::of(b"other\n"), RecordHash::of(secret.as_bytes())],
                head: secret.to_owned(),
            }),
        ]),
        Message::Paste(format!(
            "curl -H 'Authorization: Bearer {token}' https://a1.execute-api.eu-west-1.amazonaws.com"
        )),
        Message::EditorChanged(format!("arn:aws:iam::{ACCOUNT}:role/x AKIAIOSFODNN7EXAMPLE")),
        Message::Deploy(DeployProgress::Failed { error: format!("User: arn:aws:sts::{ACCOUNT}:assumed-role/x") }),
    ];
    let (text, recording) = recorded(&messages);
    let hash = RecordHash::of(secret.as_bytes()).to_string();
    for secret in ["hunter2", token, ACCOUNT, "AKIAIOSFODNN7EXAMPLE", "a1.execute-api", hash.as_str()] {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    let Happened::Outside(Message::Events(events)) = &recording.happenings[1].what else { panic!("no events") };
    let [Event::Record(record), Event::Log(line), _, Event::Object(object)] = events.as_slice() else {
        panic!("{events:?}")
    };
    let ObjectLines::Read { hashes, .. } = &object.lines else { panic!("{object:?}") };
    assert_eq!(hashes[1], record.hash());
    assert!(line.message.contains(&record.hash().to_string()));
}

#[test]
fn what_is_unknown_or_torn_is_skipped_and_said() {
    let (text, _) = recorded(&[Message::SendingEnded, Message::Notice("a".to_owned())]);
    let (first, rest) = text.split_once('\n').expect("a header");
    let odd = "{\"ms\":1,\"kind\":\"dance\",\"data\":{}}\n\n{\"ms\":2,\"kind\":\"key\",\"data\":\"Hyper\"}\nno json\n";
    let recording = Recording::read(format!("{first}\n{odd}{rest}{{\"ms\":99,\"ki").as_bytes(), "x").expect("read");
    assert_eq!((recording.happenings.len(), recording.skipped, recording.torn), (2, 3, true));
    let remarks = recording.remarks().expect("remarks");
    assert!(remarks.contains("3 lines") && remarks.contains("breaks off"), "{remarks}");
    // A line that is whole but for its end is whole.
    let whole = Recording::read(text.trim_end().as_bytes(), "x").expect("read");
    assert_eq!((whole.happenings.len(), whole.torn, whole.remarks()), (2, false, None));
}

#[test]
fn what_is_no_recording_or_a_later_one_is_refused_with_what_to_do() {
    let read = |text: &str| Recording::read(text.as_bytes(), "x.jsonl").expect_err("refused");
    for other in ["", "\n", "{}", "[1]\n", "{\"version\":2,\"width\":80}\n", "\u{1f}\u{8b}"] {
        assert!(matches!(read(other), ReadError::NotOne { .. }), "{other:?}");
    }
    let (text, _) = recorded(&[]);
    let later = read(&text.replace("\"version\":1", "\"version\":2").replace("\"product\":\"", "\"product\":\"9."));
    assert!(later.to_string().contains("format 2, made by Tailwater 9."), "{later}");
    let odd = read(&text.replace("\"columns\":120", "\"columns\":\"wide\""));
    assert!(matches!(odd, ReadError::Header { .. }), "{odd}");
}

#[test]
fn a_recording_is_never_written_over() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let header = Header::of(&options(), (80, 24));
    let refused = Recorder::start(file.path(), &header, Box::new(|_| ())).err().expect("refused");
    assert_eq!(refused.kind(), std::io::ErrorKind::AlreadyExists);
}
