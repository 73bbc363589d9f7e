//! `tailwater deploy` with `--target aws`, as the real binary, against an embedded cloud that plays AWS.
#![cfg(all(unix, feature = "local"))]

mod common;

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};

use common::{User, last_json, screen::Screen};
use serde_json::Value;
use tailwater_cloud::{
    LocalCloud, Options,
    faults::{Action, Order, ResourceFault},
};

/// The cloud, and a user with its keys.
struct Aws {
    user: User,
    cloud: LocalCloud,
    zip: PathBuf,
    _threads: tokio::runtime::Runtime,
}

impl Aws {
    fn new() -> Self {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let threads = threads.expect("threads");
        let options = Options { gateway_port: Some(0), ..Options::new(Vec::new()) };
        let cloud = threads.block_on(LocalCloud::start(options)).expect("a cloud");
        let user = User::new();
        let zip = user.folder().join("code.zip");
        let mut writer = zip::ZipWriter::new(std::fs::File::create(&zip).expect("a file"));
        writer
            .start_file("bootstrap", zip::write::SimpleFileOptions::default().unix_permissions(0o755))
            .expect("an entry");
        writer.write_all(b"#!/bin/sh\n").expect("its content");
        writer.finish().expect("a zip");
        Self { user, cloud, zip, _threads: threads }
    }

    fn order(&self, order: Order) {
        self.cloud.faults().add(order).expect("an order that can be met");
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let zip = self.zip.to_str().expect("a path");
        let mut all = vec!["deploy", "--target", "aws", "--handler-zip", zip];
        all.extend(["--endpoint-url", self.cloud.endpoint_url(), "--region", self.cloud.region()]);
        all.extend(more);
        all
    }

    fn keys(&self) -> [(&'static str, String); 2] {
        let keys = self.cloud.credentials();
        [("AWS_ACCESS_KEY_ID", keys.access_key_id), ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key)]
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = self.user.command(&self.arguments(more));
        command.envs(self.keys()).env_remove("AWS_ENDPOINT_URL").env_remove("AWS_PROFILE").stdin(Stdio::null());
        command
    }

    fn deploy(&self, more: &[&str]) -> Output {
        self.command(more).output().expect("the binary runs")
    }

    fn terminal(&self, more: &[&str]) -> Screen {
        let mut command = portable_pty::CommandBuilder::new(env!("CARGO_BIN_EXE_tailwater"));
        command.args(self.arguments(more));
        command.env("HOME", self.user.folder());
        command.env("XDG_STATE_HOME", self.user.folder().join("state"));
        for (name, value) in self.keys() {
            command.env(name, value);
        }
        command.cwd(self.user.folder());
        Screen::start(command, 160, 60)
    }
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_loss_wants_a_yes_of_its_own() {
    let aws = Aws::new();
    let deployed = aws.deploy(&["--yes", "--output", "json"]);
    assert_eq!(last_json(&deployed)["event"], "deployed", "{}", words(&deployed));
    assert!(words(&deployed).contains("Account 000000000000, ap-southeast-2"), "{}", words(&deployed));

    let renamed = ["--param", "StreamName=other", "--output", "json", "--yes"];
    let refused = aws.deploy(&renamed);
    assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
    let lost = "Stream api-kinesis-stream is replaced: the records it still holds go";
    assert!(words(&refused).contains(&format!("! {lost}")), "{}", words(&refused));
    assert!(words(&refused).contains("--allow-loss"), "{}", words(&refused));
    assert!(refused.stdout.is_empty(), "nothing was begun");

    let dry = aws.deploy(&["--param", "StreamName=other", "--output", "json", "--dry-run"]);
    let told = lines(&dry);
    let stream = told.iter().find(|line| line["logicalId"] == "Stream").expect("a line");
    assert_eq!((&stream["event"], &stream["replacement"]), (&"change".into(), &true.into()));
    let name = &stream["properties"][0];
    assert_eq!((&name["before"], &name["after"]), (&"api-kinesis-stream".into(), &"other".into()), "{stream}");
    let preview = &told[told.len() - 2];
    assert_eq!(preview["event"], "preview");
    assert!(preview["losses"].as_array().expect("losses").iter().any(|loss| loss == lost), "{preview}");
    assert_eq!(preview["estimate"], Value::Null, "an endpoint of one's own has no prices");
    assert_eq!(last_json(&dry)["event"], "unchanged");

    let agreed = aws.deploy(&["--param", "StreamName=other", "--output", "json", "--yes", "--allow-loss"]);
    assert_eq!(last_json(&agreed)["event"], "deployed", "{}", words(&agreed));
    assert_eq!(last_json(&agreed)["outputs"]["StreamName"], "other");
}

#[test]
fn the_first_cause_stands_on_the_first_line() {
    let aws = Aws::new();
    let reason = "Could not unzip uploaded file. Please check your file, then try to upload again.";
    aws.order(Order::once(ResourceFault::fail("Function", Action::Create, reason)));
    let failed = aws.deploy(&["--yes", "--output", "json"]);
    assert_eq!(failed.status.code(), Some(1));
    let cause = last_json(&failed)["rootCause"].clone();
    assert_eq!((&cause["logicalId"], &cause["reason"]), (&"Function".into(), &reason.into()));
    assert!(cause["explanation"].as_str().is_some_and(|words| words.contains("zip")), "{cause}");
    assert!(cause["advice"].as_str().is_some_and(|words| words.contains("--handler-zip")), "{cause}");

    aws.order(Order::once(ResourceFault::fail("Function", Action::Create, reason)));
    let failed = aws.deploy(&["--yes"]);
    let text = String::from_utf8_lossy(&failed.stdout).into_owned();
    let report: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("Failed")).collect();
    assert!(report[0].contains("First cause: Function (AWS::Lambda::Function): Could not unzip"), "{text}");
    assert!(
        report.iter().any(|line| line.contains("ROLLBACK_COMPLETE: everything that was made is deleted")),
        "{text}"
    );
}

#[test]
fn without_a_terminal_a_stop_leaves_the_operation_running() {
    let aws = Aws::new();
    // Longer than the pace at which events are read on AWS.
    aws.order(Order::once(ResourceFault::delay("Stream", Action::Create, Duration::from_secs(5))));
    let mut deploying = aws
        .command(&["--yes", "--output", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut events = BufReader::new(deploying.stdout.take().expect("its output"));
    let mut first = String::new();
    events.read_line(&mut first).expect("an event");
    let pid = rustix::process::Pid::from_raw(i32::try_from(deploying.id()).expect("an id")).expect("an id");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("told");
    let mut words = String::new();
    deploying.stderr.take().expect("its words").read_to_string(&mut words).expect("words");
    assert_eq!(deploying.wait().expect("its end").code(), Some(130), "{words}");
    assert!(words.contains("Left running") && words.contains("attaches"), "{words}");

    let again = aws.deploy(&["--yes", "--output", "json"]);
    assert_eq!(last_json(&again)["event"], "deployed", "{}", String::from_utf8_lossy(&again.stderr));
    let told = lines(&again);
    assert_eq!(
        (&told[0]["type"], &told[0]["status"]),
        (&"AWS::CloudFormation::Stack".into(), &"CREATE_IN_PROGRESS".into())
    );
}

#[test]
fn at_a_terminal_the_question_comes_after_the_preview_and_a_stop_offers_to_cancel() {
    let aws = Aws::new();
    aws.order(Order::once(ResourceFault::delay("Stream", Action::Create, Duration::from_mins(1))));
    let mut screen = aws.terminal(&[]);
    let asked = screen.until_shows("Deploy stack tailwater? y/n");
    for words in ["Account 000000000000", "Creates stack tailwater:", "+ Add     Stream", "AWS::Kinesis::Stream"] {
        assert!(asked.contains(words), "{words}: {asked}");
    }
    screen.keys("y\r");
    screen.until_shows("CREATE_IN_PROGRESS");
    screen.keys("\u{3}");
    screen.until_shows("c: cancel it");
    screen.keys("c\r");
    screen.until_shows("The creation is cancelled");
    screen.until_shows("Cancelled: the stack is in DELETE_COMPLETE");
    assert_eq!(screen.end(), 130);
}

#[test]
fn a_no_leaves_nothing() {
    let aws = Aws::new();
    let mut screen = aws.terminal(&[]);
    screen.until_shows("Deploy stack tailwater? y/n");
    screen.keys("n\r");
    screen.until_shows("the answer was not yes");
    assert_eq!(screen.end(), 1);
    let dry = aws.deploy(&["--dry-run"]);
    assert!(String::from_utf8_lossy(&dry.stdout).contains("Creates stack tailwater"), "{}", words(&dry));
}
