//! Traces, as the real binary gives them on the embedded cloud.

mod common;

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::{Child, Output, Stdio},
};

use common::User;
use serde_json::Value;

/// `tailwater local` in the background.
struct Cloud(Child);

impl Cloud {
    fn start(user: &User) -> Self {
        let mut child = user
            .command(&["local", "--output", "json", "--gateway-port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        assert!(line.contains("ready"), "{line}");
        Self(child)
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lines(output: &Output, event: &str) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let values = text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    values.filter(|value: &Value| value["event"] == event).collect()
}

fn stage<'a>(trace: &'a Value, place: &str) -> &'a Value {
    let stages = trace["stages"].as_array().expect("stages");
    stages.iter().find(|stage| stage["place"] == place).unwrap_or_else(|| panic!("{place}: {trace}"))
}

/// No hop takes a negative time, and none begins before the one before it by more than the clocks are
/// measured to.
fn assert_times(trace: &Value) {
    for stage in trace["stages"].as_array().expect("stages") {
        let took = &stage["took"];
        if took.is_null() {
            continue;
        }
        let number = |name: &str| took[name].as_f64().unwrap_or_else(|| panic!("{name}: {trace}"));
        assert!(number("leastMs") >= 0.0 && number("mostMs") >= number("leastMs"), "{trace}");
        assert!(took["from"].as_str() <= took["to"].as_str(), "{trace}");
        let finest = stage["at"]["precisionMs"].as_f64().unwrap_or(1.0);
        assert!(took["earlyMs"].as_f64().is_none_or(|early| early <= finest.max(3.0)), "{trace}");
    }
}

#[test]
fn fifty_equal_events_are_fifty_whole_traces() {
    let user = User::new();
    let sent = user.run(&[
        "send",
        "--data",
        r#"{"event":"same"}"#,
        "--count",
        "50",
        "--wait",
        "--timeout",
        "50s",
        "--param",
        "BufferIntervalSeconds=1",
        "--output",
        "json",
    ]);
    assert_eq!(sent.status.code(), Some(0), "{}", String::from_utf8_lossy(&sent.stderr));
    let traces = lines(&sent, "trace");
    assert_eq!(traces.len(), 50);
    let mut positions = BTreeSet::new();
    for trace in &traces {
        assert_eq!(trace["verdict"], "inS3", "{trace}");
        for place in ["sent", "api", "lambda", "kinesis", "firehose", "s3"] {
            assert_eq!(stage(trace, place)["state"], "passed", "{place}: {trace}");
        }
        assert_eq!(trace["identical"]["of"], 50, "{trace}");
        assert_eq!(trace["duplicates"], serde_json::json!([]), "{trace}");
        assert!(positions.insert(trace["identical"]["position"].as_u64()), "{trace}");
        assert_times(trace);
    }
    let summary = &lines(&sent, "summary")[0];
    assert_eq!((&summary["sent"], &summary["inS3"], &summary["duplicates"]), (&50.into(), &50.into(), &0.into()));
}

#[test]
fn an_event_is_found_by_its_ids_and_by_a_part_of_its_body() {
    let user = User::new();
    let _cloud = Cloud::start(&user);
    let deployed = user.run(&["deploy", "--param", "BufferIntervalSeconds=1", "--param", "ThrottleBurst=1"]);
    assert_eq!(deployed.status.code(), Some(0), "{}", String::from_utf8_lossy(&deployed.stderr));
    let sent = user.run(&["send", "--data", r#"{"marker":"needle-417"}"#, "--wait", "--output", "json"]);
    assert_eq!(sent.status.code(), Some(0), "{}", String::from_utf8_lossy(&sent.stderr));
    let own = &lines(&sent, "trace")[0];
    for id in ["apiRequestId", "sequenceNumber", "lambdaRequestId"] {
        let found = user.run(&["trace", own[id].as_str().expect("an id"), "--output", "json"]);
        let said = String::from_utf8_lossy(&found.stderr);
        assert_eq!(found.status.code(), Some(0), "{id}: {said}");
        let trace: Value = serde_json::from_slice(&found.stdout).expect("one trace");
        for known in ["apiRequestId", "sequenceNumber", "lambdaRequestId", "shardId"] {
            assert_eq!(trace[known], own[known], "{id}");
        }
        assert_eq!(stage(&trace, "s3")["key"], stage(own, "s3")["key"]);
        assert_eq!(stage(&trace, "sent")["state"], "notSeen", "someone else's: this command did not send it");
        assert_times(&trace);
        assert!(said.contains("Looking through the access log since"), "{said}");
    }
    let found = user.run(&["trace", "needle-417"]);
    let text = String::from_utf8_lossy(&found.stdout);
    assert_eq!(found.status.code(), Some(0), "{}", String::from_utf8_lossy(&found.stderr));
    assert!(text.contains("in S3") && text.contains(own["sequenceNumber"].as_str().expect("a number")), "{text}");

    let none = user.run(&["trace", "Yx3kAbCdSwMEJZw="]);
    let said = String::from_utf8_lossy(&none.stderr);
    assert_eq!(none.status.code(), Some(1), "{said}");
    assert!(
        said.contains("is not in the access log or the function's log of stack tailwater of the last 7 d"),
        "{said}"
    );

    // The throttle lets one in at once: what it refuses is refused at the API, and waits for nothing.
    let refused = user.run(&["send", "--count", "20", "--concurrency", "20", "--wait", "--output", "json"]);
    assert_eq!(refused.status.code(), Some(1));
    let throttled: Vec<Value> =
        lines(&refused, "trace").into_iter().filter(|trace| trace["verdict"] == "refused").collect();
    let summary = &lines(&refused, "summary")[0];
    assert!(!throttled.is_empty() && summary["refused"] == throttled.len(), "{summary}");
    for trace in &throttled {
        assert_eq!((&stage(trace, "api")["state"], &stage(trace, "api")["status"]), (&"refused".into(), &429.into()));
        assert_eq!(stage(trace, "lambda")["because"], "api", "{trace}");
    }
}
