//! Faults of the local cloud, ordered as users order them: the trace of an event that met one says
//! the true hop and reason, and what is on is said by every program that looks.
#![cfg(all(unix, feature = "local"))]

mod common;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use common::{User, last_json};
use serde_json::{Value, json};
use tailwater_core::{
    events::{
        Answer, ApiRequestId, LogLine, LogSource, Object, ObjectKey, ObjectLines, Record, RecordHash, Sent, Timestamp,
    },
    pipeline::Hop,
    trace::{EventNumber, Place, Stage, StageState, Traces},
};

/// How long anything takes that is to happen, but for a function that runs into its time limit.
const PATIENCE: Duration = Duration::from_secs(30);

/// `tailwater local` in the background, with the pipeline.
struct Pipeline {
    user: User,
    cloud: Child,
    config: SdkConfig,
    outputs: Value,
    retention: Duration,
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let _ = self.cloud.kill();
        let _ = self.cloud.wait();
    }
}

impl Pipeline {
    async fn start() -> Self {
        let user = User::new();
        let mut cloud = user
            .command(&["local", "--output", "json", "--gateway-port", "0", "--limits", "off"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        BufReader::new(cloud.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = |name: &str| ready[name].as_str().expect("a text").to_owned();
        let keys = aws_credential_types::Credentials::from_keys(text("accessKeyId"), text("secretAccessKey"), None);
        let config = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(text("endpointUrl"))
            .region(Region::new(text("region")))
            .credentials_provider(keys)
            .load()
            .await;
        let deployed = user.run(&["deploy", "--output", "json", "--param", "BufferIntervalSeconds=0"]);
        let outputs = last_json(&deployed)["outputs"].clone();
        Self { user, cloud, config, outputs, retention: Duration::from_hours(24) }
    }

    fn output(&self, name: &str) -> &str {
        self.outputs[name].as_str().unwrap_or_else(|| panic!("{name} in {}", self.outputs))
    }

    fn fault(&self, words: &[&str]) -> Value {
        let mut all = vec!["fault", "--output", "json"];
        all.extend(words);
        let output = self.user.run(&all);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        if output.stdout.is_empty() { Value::Null } else { last_json(&output) }
    }

    /// Posts an event of its own and reads the answer as the app does.
    async fn send(&self, seq: u64) -> Sent {
        let body = json!({"fault": "test", "seq": seq}).to_string();
        let (time, began) = (now(), Instant::now());
        let post = reqwest::Client::builder().no_proxy().build().expect("a client").post(self.output("SubmitUrl"));
        let response =
            post.header("content-type", "application/json").body(body.clone()).send().await.expect("an answer");
        let status = response.status().as_u16();
        let id = response.headers()["apigw-requestid"].to_str().expect("an id").to_owned();
        let answer = response.text().await.expect("a text");
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
        let code = answer["error"]["code"].as_str();
        let answer = if status == 202 {
            Answer::Accepted {
                api_request_id: ApiRequestId(id),
                shard_id: answer["shardId"].as_str().expect("a shard").into(),
                sequence_number: answer["sequenceNumber"].as_str().expect("a number").into(),
            }
        } else {
            Answer::Refused {
                status,
                nothing_put: matches!(code, Some("Throttled" | "StreamFailed")),
                api_request_id: Some(ApiRequestId(id)),
                message: answer.to_string(),
            }
        };
        Sent { seq, time, latency: began.elapsed(), body: body.into(), answer }
    }

    /// All that the sources hold, joined.
    async fn seen(&self, sent: &Sent) -> Traces {
        let mut traces = Traces::new();
        traces.set_interval(Duration::ZERO);
        traces.set_retention(self.retention);
        traces.sending(sent.seq, sent.time);
        traces.sent(sent);
        for record in self.records().await {
            traces.record(&record);
        }
        for (source, group) in [
            (LogSource::Access, "AccessLogGroupName"),
            (LogSource::Function, "LogGroupName"),
            (LogSource::Delivery, "DeliveryLogGroupName"),
        ] {
            for line in self.lines(source, self.output(group)).await {
                traces.log(&line);
            }
        }
        for object in self.objects().await {
            traces.object(&object);
        }
        traces
    }

    async fn lines(&self, source: LogSource, group: &str) -> Vec<LogLine> {
        let client = aws_sdk_cloudwatchlogs::Client::new(&self.config);
        let mut pages = client.filter_log_events().log_group_name(group).into_paginator().send();
        let mut lines = Vec::new();
        while let Some(page) = pages.next().await {
            for event in page.expect("a page").events.unwrap_or_default() {
                let message = event.message.unwrap_or_default();
                let (level, lambda_request_id, api_request_id) = LogLine::read(&message);
                lines.push(LogLine {
                    time: Timestamp::from_millis(event.timestamp.unwrap_or_default()),
                    ingestion_time: Timestamp::from_millis(event.ingestion_time.unwrap_or_default()),
                    source,
                    group: group.to_owned(),
                    stream: event.log_stream_name.unwrap_or_default(),
                    event_id: event.event_id.unwrap_or_default(),
                    lambda_request_id,
                    api_request_id,
                    level,
                    message,
                });
            }
        }
        lines
    }

    async fn records(&self) -> Vec<Record> {
        let client = aws_sdk_kinesis::Client::new(&self.config);
        let shard = "shardId-000000000000";
        let iterator = client
            .get_shard_iterator()
            .stream_name(self.output("StreamName"))
            .shard_id(shard)
            .shard_iterator_type(aws_sdk_kinesis::types::ShardIteratorType::TrimHorizon)
            .send()
            .await
            .expect("an iterator");
        let read = client.get_records().set_shard_iterator(iterator.shard_iterator).send().await.expect("records");
        let record = |record: aws_sdk_kinesis::types::Record| Record {
            time: Timestamp::from_millis(
                record.approximate_arrival_timestamp.expect("a time").to_millis().expect("one"),
            ),
            shard_id: shard.into(),
            sequence_number: record.sequence_number.as_str().into(),
            partition_key: record.partition_key.unwrap_or_default(),
            data: record.data.into_inner().into(),
        };
        read.records.into_iter().map(record).collect()
    }

    async fn objects(&self) -> Vec<Object> {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true).build();
        let client = aws_sdk_s3::Client::from_conf(config);
        let bucket = self.output("BucketName");
        let listed = client.list_objects_v2().bucket(bucket).send().await.expect("a list");
        let mut objects = Vec::new();
        for object in listed.contents() {
            let key = object.key().expect("a key");
            let got = client.get_object().bucket(bucket).key(key).send().await.expect("an object");
            let body = got.body.collect().await.expect("its body").into_bytes();
            let hashes = body.split_inclusive(|byte| *byte == b'\n').map(RecordHash::of).collect();
            objects.push(Object {
                time: Timestamp::from_millis(object.last_modified().expect("a date").to_millis().expect("one")),
                bucket: bucket.to_owned(),
                key: ObjectKey::from(key),
                size_bytes: body.len() as u64,
                lines: ObjectLines::Read { hashes, head: String::new() },
            });
        }
        objects
    }

    /// The stages of an event's trace, once they are as wanted.
    async fn until(&self, what: &str, sent: &Sent, wanted: impl Fn(&[Stage], &Traces) -> bool) -> Vec<Stage> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let traces = self.seen(sent).await;
            let rows = traces.waterfall(EventNumber::Own(sent.seq), now()).expect("a trace").rows;
            if wanted(&rows, &traces) {
                return rows;
            }
            let states: Vec<String> = rows.iter().map(|row| format!("{:?}: {:?}", row.place, row.state)).collect();
            assert!(Instant::now() < deadline, "{what}: answered {:?}\n{}", sent.answer, states.join("\n"));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Timestamp::from_millis(i64::try_from(since.as_millis()).expect("a time"))
}

fn state(rows: &[Stage], hop: Hop) -> &StageState {
    &rows.iter().find(|row| row.place == Place::Hop(hop)).expect("every hop has a row").state
}

fn stage(rows: &[Stage], hop: Hop) -> &Stage {
    rows.iter().find(|row| row.place == Place::Hop(hop)).expect("every hop has a row")
}

/// Whether the event ended at this hop, and was not seen behind it.
fn ends_at(rows: &[Stage], hop: Hop) -> bool {
    Hop::ALL
        .into_iter()
        .filter(|later| *later > hop)
        .all(|later| *state(rows, later) == StageState::NotReached { because: Place::Hop(hop) })
}

fn landed(rows: &[Stage]) -> bool {
    *state(rows, Hop::S3) == StageState::Passed
}

#[tokio::test]
async fn the_trace_of_an_event_says_which_fault_it_met_and_where() {
    let pipeline = Pipeline::start().await;
    let mut seq = 0;
    let mut met = async |order: &str, wanted: &dyn Fn(&[Stage], &Traces) -> bool| {
        seq += 1;
        pipeline.fault(&[order]);
        let sent = pipeline.send(seq).await;
        let rows = pipeline.until(order, &sent, wanted).await;
        pipeline.fault(&["clear"]);
        (sent, rows)
    };
    met("api-503", &|rows, _| {
        matches!(state(rows, Hop::Lambda), StageState::Throttled { .. }) && ends_at(rows, Hop::Lambda)
    })
    .await;
    met("api-500", &|rows, _| {
        matches!(state(rows, Hop::Api), StageState::Refused { status: 500, .. }) && ends_at(rows, Hop::Api)
    })
    .await;
    let (sent, rows) = met("api-lost", &|rows, _| landed(rows)).await;
    assert_eq!((sent.status(), stage(&rows, Hop::Api).facts.status), (Some(503), Some(503)));
    let exited =
        |rows: &[Stage]| matches!(state(rows, Hop::Lambda), StageState::Threw { line } if line.contains("xit"));
    met("crash", &|rows, _| exited(rows) && ends_at(rows, Hop::Lambda)).await;
    let (sent, _) = met("crash-after", &|rows, _| landed(rows) && exited(rows)).await;
    assert_eq!(sent.status(), Some(500));
    met("throw", &|rows, _| {
        let threw = matches!(state(rows, Hop::Lambda), StageState::Threw { line } if line.contains("ordered to fail"));
        threw && ends_at(rows, Hop::Lambda)
    })
    .await;
    let (sent, rows) = met("slow=700ms", &|rows, _| landed(rows)).await;
    assert!(sent.accepted());
    let lambda = stage(&rows, Hop::Lambda);
    assert!(lambda.facts.run_ms.is_some_and(|run| run >= 700.0), "{lambda:?}");
    assert!(lambda.bar.is_some_and(|bar| bar.length() >= Duration::from_millis(700)), "{lambda:?}");
    // The function tries three times: one that is throttled twice is put at the third.
    let (_, rows) = met("kinesis-throttle=2x", &|rows, _| landed(rows)).await;
    assert_eq!(stage(&rows, Hop::Kinesis).facts.attempts, Some(3));
    met("kinesis-throttle", &|rows, _| {
        *state(rows, Hop::Kinesis) == StageState::Throttled { times: 3 } && ends_at(rows, Hop::Kinesis)
    })
    .await;
    met("kinesis-refuse", &|rows, _| {
        let refused = |message: &str| message.contains("not authorized to perform: kinesis:PutRecord");
        matches!(state(rows, Hop::Kinesis), StageState::Refused { message, .. } if refused(message))
            && ends_at(rows, Hop::Kinesis)
    })
    .await;
    met("kinesis-fail", &|rows, _| {
        matches!(state(rows, Hop::Kinesis), StageState::Unanswered { message } if message.contains("InternalFailure"))
    })
    .await;
    let (sent, _) = met("firehose-delay=1h", &|rows, _| {
        matches!(state(rows, Hop::Firehose), StageState::Held { due: Some(due) } if *due <= now()) && !landed(rows)
    })
    .await;
    pipeline.until("what was late lands when the fault is taken back", &sent, |rows, _| landed(rows)).await;
    met("firehose-twice", &|rows, traces| landed(rows) && traces.ledger(now()).duplicates == 1).await;
    let (sent, _) = met("firehose-refused", &|rows, _| {
        matches!(state(rows, Hop::Firehose), StageState::Failing { times: 1.., message } if message.contains("AccessDenied"))
    })
    .await;
    pipeline.until("what was refused lands when the fault is taken back", &sent, |rows, _| landed(rows)).await;
    let (sent, _) = met("timeout", &|rows, _| {
        let after = |after: &Option<Duration>| after.is_some_and(|after| after >= Duration::from_secs(10));
        matches!(state(rows, Hop::Lambda), StageState::TimedOut { after: took } if after(took))
            && ends_at(rows, Hop::Lambda)
    })
    .await;
    assert_eq!(sent.status(), Some(500));
}

#[test]
fn a_second_terminal_breaks_the_first_ones_pipeline_and_sees_what_is_on() {
    let user = User::new();
    let none = user.run(&["fault"]);
    assert_eq!(none.status.code(), Some(1));
    let words = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(words.contains("no embedded cloud runs") && words.contains("tailwater local"), "{words}");

    let mut app = user.app(&["--fault", "crash=20%"], 130, 30);
    app.until_shows("FAULT crash 20 %");
    app.until_shows("Ready in");
    let listed = last_json(&user.run(&["fault", "list", "--output", "json"]));
    assert_eq!((&listed["order"], &listed["met"]), (&json!("crash=20%"), &json!(0)));
    let put = user.run(&["fault", "slow=3s", "kinesis-throttle=5x"]);
    assert!(put.status.success());
    let text = String::from_utf8_lossy(&put.stdout).into_owned();
    assert!(text.contains("slow 3 s is on") && text.contains("See") && text.contains("fault clear"), "{text}");
    app.until_shows("FAULTS crash 20 % + slow 3 s + kinesis-throttle 5");
    app.keys("B");
    app.until("the panel", |text| text.contains("Break something") && text.contains("met 0"));
    app.keys("x");
    app.until("nothing on", |text| text.contains("nothing is broken") && !text.contains("FAULT"));
    let list = user.run(&["fault", "list"]);
    assert_eq!(String::from_utf8_lossy(&list.stdout), "Nothing is broken.\n");
    // The panel orders too: the selected fault is `crash`.
    app.keys("\r");
    app.until_shows("FAULT crash");
    let listed = last_json(&user.run(&["fault", "list", "--output", "json"]));
    assert_eq!(listed["name"], "crash");
    let cleared = user.run(&["fault", "clear", "crash", "--output", "json"]);
    assert_eq!(last_json(&cleared), json!({"event": "cleared", "deleted": 1}));
    app.until("nothing on", |text| !text.contains("FAULT"));
}

#[test]
fn a_wrong_fault_is_wrong_usage_and_help_lists_the_right_ones() {
    let user = User::new();
    for (arguments, words) in [
        (&["local", "--fault", "crsh"][..], "there is no fault `crsh`"),
        (&["fault", "crash=2s"], "crash,for=2s how long"),
        (&["fault", "list", "more"], "`list` stands alone"),
        (&["status", "--target", "aws", "--region", "eu-west-1", "--fault", "crash"], "--target local"),
        (&["fault", "crash", "--fault", "slow"], "without --fault"),
    ] {
        let output = user.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    for command in ["local", "fault"] {
        let help = user.run(&[command, "--help"]);
        let text = String::from_utf8_lossy(&help.stdout).into_owned();
        for kind in tailwater_core::faults::Kind::ALL {
            assert!(text.contains(kind.name()) && text.contains(kind.does()), "{command}: {}", kind.name());
        }
    }
}
