//! What happens on a first run, as messages: the cloud, the stack, events, log lines, objects.

use std::time::Duration;

use bytes::Bytes;
use tailwater_core::{
    app::{App, CloudInfo, DeployProgress, Key, KeyPress, Message, Options, Target},
    events::{
        Answer, Event, LogLine, LogSource, Object, ObjectLines, Record, RecordHash, Sent, StackEvent, StackStatus,
        Timestamp,
    },
    pipeline::{Buffering, Outputs},
    text::time::UtcOffset,
};

/// 14:02:07 in UTC+1.
pub const START: Timestamp = Timestamp::from_millis(1_795_525_327_000);

const SIGNUP: &str = "{\n  \"event\": \"signup\",\n  \"user_id\": {{int 1 999}}\n}";
const ORDER: &str = "{\"event\": \"order\", \"id\": \"{{uuid}}\", \"at\": \"{{now}}\"}";

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + millis)
}

pub fn options() -> Options {
    Options {
        target: Target::Local,
        stack_name: "tailwater".into(),
        colours: true,
        templates: vec![("signup.json".to_owned(), SIGNUP.to_owned()), ("order.json".to_owned(), ORDER.to_owned())],
        offset: UtcOffset(3600),
        template: Vec::new(),
        now: START,
        seed: 7,
    }
}

pub fn new_app() -> App {
    App::new(options())
}

pub fn cloud_ready(app: &mut App) {
    app.update(Message::CloudReady(CloudInfo {
        endpoint_url: "http://127.0.0.1:4566".to_owned(),
        gateway_url: "http://127.0.0.1:3000".to_owned(),
        own: true,
        note: None,
    }));
}

pub fn stack_event(millis: i64, logical_id: &str, resource_type: &str, status: &str, reason: Option<&str>) -> Event {
    Event::Stack(StackEvent {
        event_id: format!("{logical_id}-{status}"),
        time: at(millis),
        logical_id: logical_id.to_owned(),
        physical_id: None,
        resource_type: resource_type.to_owned(),
        status: status.into(),
        reason: reason.map(str::to_owned),
    })
}

pub fn half_created(app: &mut App) {
    app.update(Message::Deploy(DeployProgress::Started { resources: Some(12) }));
    app.update(Message::Events(vec![
        stack_event(10, "tailwater", "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS", Some("User Initiated")),
        stack_event(20, "Stream", "AWS::Kinesis::Stream", "CREATE_IN_PROGRESS", None),
        stack_event(22, "Bucket", "AWS::S3::Bucket", "CREATE_IN_PROGRESS", None),
        stack_event(25, "FunctionRole", "AWS::IAM::Role", "CREATE_IN_PROGRESS", None),
        stack_event(90, "Bucket", "AWS::S3::Bucket", "CREATE_COMPLETE", None),
        stack_event(120, "Stream", "AWS::Kinesis::Stream", "CREATE_COMPLETE", None),
        stack_event(130, "FunctionRole", "AWS::IAM::Role", "CREATE_COMPLETE", None),
        stack_event(135, "Function", "AWS::Lambda::Function", "CREATE_IN_PROGRESS", None),
    ]));
    app.update(Message::Tick(at(400)));
}

pub fn ready(app: &mut App) {
    app.update(Message::Deploy(DeployProgress::Done {
        status: StackStatus::from("CREATE_COMPLETE"),
        outputs: Outputs {
            api_url: "http://127.0.0.1:3000".to_owned(),
            submit_url: "http://127.0.0.1:3000/submit".to_owned(),
            stream_name: "api-kinesis-stream".to_owned(),
            function_name: "tailwater-function".to_owned(),
            log_group_name: "/aws/lambda/tailwater-function".to_owned(),
            access_log_group_name: "/aws/apigateway/tailwater".to_owned(),
            delivery_stream_name: "tailwater-delivery".to_owned(),
            delivery_log_group_name: "/aws/kinesisfirehose/tailwater".to_owned(),
            bucket_name: "api-kinesis-firehose-bucket-000000000000-ap-southeast-2".to_owned(),
        },
        buffering: Buffering { interval_seconds: 10, size_mb: 1 },
        took: Duration::from_millis(912),
        unchanged: false,
    }));
    app.update(Message::Tick(at(1_000)));
}

/// The app with its pipeline there, nothing sent.
pub fn ready_app() -> App {
    let mut app = new_app();
    cloud_ready(&mut app);
    half_created(&mut app);
    ready(&mut app);
    app
}

pub fn press(app: &mut App, letters: &str) {
    for letter in letters.chars() {
        app.update(Message::Key(KeyPress::char(letter)));
    }
}

pub fn key(app: &mut App, key: Key) {
    app.update(Message::Key(KeyPress::of(key)));
}

/// The bytes an event becomes as a record.
pub fn data(seq: u64) -> String {
    format!("{{\"event\":\"signup\",\"user_id\":{}}}\n", 400 + seq)
}

pub fn sent(seq: u64, millis: i64, answer: Answer) -> Event {
    Event::Sent(Sent { seq, time: at(millis), latency: Duration::from_millis(9), body: Bytes::from(data(seq)), answer })
}

pub fn accepted(seq: u64, millis: i64) -> Event {
    let answer = Answer::Accepted {
        api_request_id: format!("Yx3k{seq:04}PjAEEYw=").into(),
        shard_id: "shardId-000000000000".into(),
        sequence_number: format!("4966{seq:04}8823").into(),
    };
    sent(seq, millis, answer)
}

pub fn log(seq: u64, millis: i64, source: LogSource, message: &str) -> Event {
    let (level, lambda_request_id, api_request_id) = LogLine::read(message);
    Event::Log(LogLine {
        time: at(millis),
        ingestion_time: at(millis + 3),
        source,
        group: "/aws/lambda/tailwater-function".to_owned(),
        stream: "2026/11/24/[$LATEST]0123".to_owned(),
        event_id: format!("{seq}-{millis}"),
        lambda_request_id,
        api_request_id,
        level,
        message: message.to_owned(),
    })
}

pub fn record(seq: u64, millis: i64) -> Event {
    record_of(seq, millis, Bytes::from(data(seq)))
}

pub fn record_of(seq: u64, millis: i64, data: Bytes) -> Event {
    Event::Record(Record {
        time: at(millis),
        shard_id: "shardId-000000000000".into(),
        sequence_number: format!("4966{seq:04}8823").into(),
        partition_key: format!("key-{seq}"),
        data,
    })
}

/// Everything that one event leaves behind before it lands.
pub fn event(app: &mut App, seq: u64, millis: i64) {
    let (written, reported) = (at(millis + 4), at(millis + 5));
    let function = format!(
        r#"{{"timestamp":"{written}","level":"INFO","apiRequestId":"Yx3k{seq:04}PjAEEYw=","message":"event accepted","lambdaRequestId":"91aa-{seq}","outcome":"accepted","status":202,"bytes":34,"shardId":"shardId-000000000000","sequenceNumber":"4966{seq:04}8823","kinesisMs":0.8,"attempts":1}}"#
    );
    let report = format!(
        r#"{{"time":"{reported}","type":"platform.report","record":{{"requestId":"91aa-{seq}","status":"success","metrics":{{"durationMs":2.9,"maxMemoryUsedMB":31}}}}}}"#
    );
    app.update(Message::Events(vec![
        accepted(seq, millis),
        log(seq, millis + 4, LogSource::Function, &function),
        log(seq, millis + 5, LogSource::Function, &report),
        record(seq, millis + 3),
    ]));
}

pub fn object(name: &str, millis: i64, seqs: std::ops::RangeInclusive<u64>) -> Event {
    let lines: Vec<String> = seqs.map(data).collect();
    let head = lines.concat();
    Event::Object(Object {
        time: at(millis / 1000 * 1000),
        bucket: "api-kinesis-firehose-bucket-000000000000-ap-southeast-2".to_owned(),
        key: format!("2026/11/24/13/tailwater-delivery-1-2026-11-24-13-02-07-{name}").into(),
        size_bytes: head.len() as u64,
        lines: ObjectLines::Read { hashes: lines.iter().map(|line| RecordHash::of(line.as_bytes())).collect(), head },
    })
}

/// The overview of the mock-up: 42 sent, 38 landed, 4 held.
pub fn busy_app() -> App {
    let mut app = ready_app();
    for seq in 1..=38 {
        event(&mut app, seq, 2_000 + i64::try_from(seq).expect("small") * 400);
    }
    app.update(Message::Events(vec![object("bb20", 13_000, 1..=20), object("03be", 18_000, 21..=38)]));
    for seq in 39..=42 {
        event(&mut app, seq, 3_000 + i64::try_from(seq).expect("small") * 400);
    }
    app.update(Message::Tick(at(22_000)));
    app
}
