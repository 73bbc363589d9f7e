//! The headless commands, as the real binary on the embedded cloud.

mod common;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use common::{User, last_json};
use serde_json::Value;

/// `tailwater local` in the background.
struct Cloud {
    child: Child,
    ready: Value,
}

impl Cloud {
    fn start(user: &User, arguments: &[&str]) -> Self {
        let mut all = vec!["local", "--output", "json", "--gateway-port", "0"];
        all.extend(arguments);
        let mut child = user.command(&all).stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, ready }
    }

    #[cfg(unix)]
    fn end(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).expect("an id")).expect("an id");
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("told");
        self.child.wait().expect("its end").code()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(output: &std::process::Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn smoke_sees_every_event_at_every_hop() {
    let user = User::new();
    let output = user.run(&[
        "smoke",
        "--events",
        "20",
        "--timeout",
        "50s",
        "--param",
        "BufferIntervalSeconds=1",
        "--output",
        "json",
    ]);
    let result = last_json(&output);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(result["verdict"], "pass", "{result}");
    for hop in ["api", "lambda", "kinesis", "s3"] {
        assert_eq!(result["hops"][hop]["seen"], 20, "{result}");
        assert!(result["hops"][hop]["p50Ms"].as_f64() > Some(0.0), "{result}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipeline_lives_from_deploy_to_destroy() {
    let user = User::new();
    let cloud = Cloud::start(&user, &[]);
    assert_eq!(cloud.ready["event"], "ready");
    assert_eq!(cloud.ready["region"], "ap-southeast-2");

    let second = user.run(&["local"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("already runs"));

    let none = user.run(&["status", "--output", "json"]);
    assert_eq!(none.status.code(), Some(1));
    assert_eq!(last_json(&none)["stackStatus"], Value::Null);

    let preview = user.run(&["deploy", "--dry-run", "--output", "json"]);
    assert_eq!(preview.status.code(), Some(0), "{}", String::from_utf8_lossy(&preview.stderr));
    assert_eq!(user.run(&["status"]).status.code(), Some(1), "a preview leaves nothing behind");

    let deployed = user.run(&["deploy", "--param", "BufferIntervalSeconds=1", "--output", "json"]);
    assert_eq!(last_json(&deployed)["event"], "deployed", "{}", String::from_utf8_lossy(&deployed.stderr));
    let events = lines(&deployed);
    assert!(events.len() > 30 && events[0]["event"] == "stack", "{events:?}");
    let again = user.run(&["deploy", "--output", "json"]);
    assert_eq!(last_json(&again)["event"], "unchanged");
    let updated = user.run(&["deploy", "--param", "ThrottleRate=200", "--output", "json"]);
    assert_eq!(last_json(&updated)["stackStatus"], "UPDATE_COMPLETE");

    let sent = user.run(&[
        "send",
        "--data",
        r#"{ "n": {{seq}}, "big": 1234567890123456789012 }"#,
        "--count",
        "3",
        "--output",
        "json",
    ]);
    let results = lines(&sent);
    assert_eq!(results.len(), 4, "{results:?}");
    assert!(results[..3].iter().all(|line| line["status"] == 202), "{results:?}");
    assert_eq!((&results[3]["sent"], &results[3]["failed"]), (&3.into(), &0.into()));

    let mut reader = user.command(&["tail", "stack", "--from-start"]).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut first = String::new();
    BufReader::new(reader.stdout.take().expect("its output")).read_line(&mut first).expect("a row");
    assert_eq!(reader.wait().expect("it ends with its reader").code(), Some(0));
    let joined = user.command(&["tail", "records"]).stderr(Stdio::piped()).spawn().expect("it runs");

    let records = user.run(&["tail", "records", "--from-start", "--limit", "3", "--output", "json"]);
    let text = String::from_utf8_lossy(&records.stdout).into_owned();
    assert!(text.contains(r#""data":{"n":1,"big":1234567890123456789012}"#), "{text}");
    let logs = user.run(&["tail", "logs", "--from-start", "--filter", "accepted", "--limit", "3", "--output", "json"]);
    let id = results[0]["apiRequestId"].as_str().expect("an id");
    assert!(lines(&logs).iter().any(|line| line["apiRequestId"] == id), "{:?}", lines(&logs));
    let objects = user.run(&["tail", "objects", "--from-start", "--limit", "1", "--output", "json"]);
    assert!(lines(&objects)[0]["records"].as_u64() >= Some(1));
    let stack = user.run(&["tail", "stack", "--from-start", "--limit", "1", "--output", "json"]);
    assert_eq!(lines(&stack)[0]["source"], "stack");
    let all = user.run(&["tail", "all", "--from-start", "--for", "2s", "--output", "json"]);
    for source in ["records", "logs", "objects", "stack"] {
        assert!(lines(&all).iter().any(|line| line["source"] == source), "{source}");
    }

    let kept = user.run(&["destroy", "--keep-data", "--output", "json"]);
    let bucket = last_json(&kept)["keptBucket"].as_str().map(str::to_owned);
    assert!(bucket.is_some_and(|name| name.starts_with("api-kinesis-firehose-bucket-")), "{}", last_json(&kept));
    let left = last_json(&kept)["left"].clone();
    assert_eq!((&left[0]["type"], &left[0]["cost"]), (&"AWS::S3::Bucket".into(), &Value::Null), "{left}");
    let again = user.run(&["deploy", "--param", "BufferIntervalSeconds=1", "--output", "json"]);
    assert_eq!(last_json(&again)["event"], "deployed", "{}", String::from_utf8_lossy(&again.stderr));
    let objects = user.run(&["tail", "objects", "--from-start", "--limit", "1", "--output", "json"]);
    assert!(lines(&objects)[0]["records"].as_u64() >= Some(1), "the kept bucket is taken back");
    let destroyed = user.run(&["destroy", "--output", "json"]);
    assert_eq!(last_json(&destroyed)["event"], "destroyed", "{}", String::from_utf8_lossy(&destroyed.stderr));
    assert_eq!(user.run(&["status"]).status.code(), Some(1));
    let twice = user.run(&["destroy", "--output", "json"]);
    assert_eq!(last_json(&twice)["event"], "destroyed");
    assert_eq!(cloud.end(), Some(0));
    let joined = joined.wait_with_output().expect("it ends with the cloud");
    assert_eq!(joined.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&joined.stderr).contains("has ended"));
}

#[test]
fn two_stacks_live_side_by_side() {
    /// A command on both stacks at once, with all default parameters.
    fn on_both(user: &User, arguments: &[&str]) -> [Value; 2] {
        let started = ["a", "b"].map(|stack| {
            let mut all = vec!["--stack-name", stack, "--output", "json"];
            all.extend(arguments);
            let mut command = user.command(&all);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
        });
        started.map(|command| {
            let output = command.wait_with_output().expect("its end");
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            last_json(&output)
        })
    }

    let user = User::new();
    let _cloud = Cloud::start(&user, &[]);
    let [first, second] = on_both(&user, &["deploy"]).map(|deployed| deployed["outputs"].clone());
    for (name, value) in first.as_object().expect("outputs") {
        assert_ne!(*value, second[name], "{name} is the same in both");
    }
    for smoke in on_both(&user, &["smoke", "--events", "3", "--timeout", "50s"]) {
        assert_eq!((&smoke["verdict"], &smoke["delivered"]), (&"pass".into(), &3.into()), "{smoke}");
    }
    // Everything has been delivered: there is nothing to wait for.
    for destroyed in on_both(&user, &["destroy", "--now"]) {
        assert_eq!(destroyed["event"], "destroyed", "{destroyed}");
    }
    for stack in ["a", "b"] {
        assert_eq!(user.run(&["--stack-name", stack, "status"]).status.code(), Some(1), "{stack} is gone");
    }
}

#[test]
fn a_throttled_event_is_said_to_be_that() {
    let user = User::new();
    let _cloud = Cloud::start(&user, &[]);
    let sent = user.run(&[
        "send",
        "--param",
        "ThrottleRate=1",
        "--param",
        "ThrottleBurst=1",
        "--count",
        "10",
        "--output",
        "json",
    ]);
    assert_eq!(sent.status.code(), Some(1));
    let refused: Vec<Value> = lines(&sent).into_iter().filter(|line| line["status"] == 429).collect();
    assert!(!refused.is_empty());
    assert!(refused[0]["error"].as_str().is_some_and(|error| error.contains("ThrottleRate")), "{refused:?}");
}

#[test]
fn wrong_usage_is_said_before_any_call() {
    let user = User::new();
    let not_a_zip = user.folder().join("code.zip");
    std::fs::write(&not_a_zip, "hello").expect("written");
    for wrong in [
        vec!["deploy", "--param", "Nonsense=1"],
        vec!["deploy", "--param", "LogRetentionDays=8"],
        vec!["deploy", "--handler-zip", not_a_zip.to_str().expect("a path")],
        vec!["send", "--data", "{{int 5}}"],
        vec!["send", "--endpoint-url", "http://127.0.0.1:1"],
        vec!["send", "--header", "nope"],
        vec!["deploy", "--param", "AuthMode=JWT"],
        vec!["tail", "nothing"],
        vec!["deploy", "--target", "aws", "--region", "us-east-1"],
        vec![],
    ] {
        let output = user.command(&wrong).stdin(Stdio::null()).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stderr.is_empty(), "{wrong:?}");
    }
}

#[test]
fn a_taken_port_is_named() {
    let user = User::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = user.run(&["local", "--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(&port));
}

#[test]
fn the_template_is_the_bundled_one() {
    let user = User::new();
    let output = user.run(&["template"]);
    assert_eq!(output.stdout, include_bytes!("../../template.yaml"));
    assert!(user.run(&["completions", "bash"]).status.success());
}
