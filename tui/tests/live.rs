//! The live side against an endpoint that is reached as AWS is: identity, credentials, signatures.
#![cfg(feature = "local")]

mod common;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use common::{Cloud, User, last_json};
use serde_json::Value;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

impl Cloud {
    /// Has the next call of an operation of Kinesis fail.
    fn fail_once(&self, operation: &str, code: &str) {
        let credentials = Credentials::new(self.text("accessKeyId"), self.text("secretAccessKey"), None, None, "test");
        let config = aws_config::SdkConfig::builder()
            .region(aws_config::Region::new(self.text("region").to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(self.text("endpointUrl"))
            .build();
        let fault = serde_json::json!({
            "Call": {"Service": "kinesis", "Operation": operation, "Error": {"Code": code, "Status": 400}},
        });
        let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread");
        threads.block_on(common::order(&config, "PutFault", &fault.to_string()));
    }

    /// What a `credential_process` gives.
    fn credentials(&self, secret: &str, expiration: &str) -> String {
        serde_json::json!({
            "Version": 1,
            "AccessKeyId": self.text("accessKeyId"),
            "SecretAccessKey": secret,
            "Expiration": expiration,
        })
        .to_string()
    }
}

/// A command that reaches the cloud as it would reach AWS.
fn on_aws(user: &User, arguments: &[&str]) -> Command {
    let mut command = user.command(arguments);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"] {
        command.env_remove(name);
    }
    command
        .env_remove("AWS_ENDPOINT_URL")
        .env("TAILWATER_TARGET", "aws")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", user.folder().join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", user.folder().join("credentials"));
    command
}

fn write(path: &Path, text: &str) {
    let draft = path.with_extension("new");
    std::fs::write(&draft, text).expect("written");
    std::fs::rename(draft, path).expect("in place");
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn status_says_as_whom_and_where_it_looks() {
    let user = User::new();
    let cloud = Cloud::start(&user);
    let (key, secret) = (cloud.text("accessKeyId"), cloud.text("secretAccessKey"));
    write(
        &user.folder().join("credentials"),
        &format!("[dev]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"),
    );
    write(&user.folder().join("config"), &format!("[profile dev]\nregion = {}\n", cloud.text("region")));
    let url = cloud.text("endpointUrl");
    let arguments = ["status", "--profile", "dev", "--output", "json"];

    // AWS_ENDPOINT_URL, with one service elsewhere.
    let mut command = on_aws(&user, &arguments);
    command.env("AWS_ENDPOINT_URL", url).env("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:1");
    let status = last_json(&command.output().expect("it runs"));
    assert_eq!(status["accountId"], cloud.ready["accountId"], "{status}");
    assert_eq!((status["profile"].as_str(), status["endpointUrl"].as_str()), (Some("dev"), Some(url)));
    assert_eq!(status["callerArn"], format!("arn:aws:iam::{}:root", cloud.text("accountId")));
    assert_eq!(status["serviceEndpoints"], serde_json::json!({"Kinesis": "http://127.0.0.1:1"}));

    // The command line's goes before the environment's.
    let mut command = on_aws(&user, &["status", "--profile", "dev", "--output", "json", "--endpoint-url", url]);
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    let status = last_json(&command.output().expect("it runs"));
    assert_eq!((status["endpointUrl"].as_str(), &status["serviceEndpoints"]), (Some(url), &serde_json::json!({})));

    // A profile that is named goes before keys of the environment, as in the AWS CLI.
    let mut command = on_aws(&user, &["status", "--profile", "dev", "--output", "json", "--endpoint-url", url]);
    command.env("AWS_ACCESS_KEY_ID", "AKIDOTHER").env("AWS_SECRET_ACCESS_KEY", "other");
    assert_eq!(last_json(&command.output().expect("it runs"))["accountId"], cloud.ready["accountId"]);
}

#[test]
fn what_the_sdk_cannot_do_is_explained_before_any_call() {
    let user = User::new();
    let config = "[profile admin]\nregion = eu-west-1\nrole_arn = arn:aws:iam::111122223333:role/admin\n\
                  source_profile = me\nmfa_serial = arn:aws:iam::111122223333:mfa/me\n[profile me]\n";
    write(&user.folder().join("config"), config);
    let output = on_aws(&user, &["status", "--profile", "admin"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains("aws configure export-credentials --profile admin --format env"), "{said}");
    assert!(said.contains("mfa/me") && said.contains("credential_process"), "{said}");

    let mut command = on_aws(&user, &["status", "--region", "eu-west-1"]);
    command.env("AWS_CA_BUNDLE", user.folder().join("none.pem"));
    let output = command.output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("none.pem"));
}

#[test]
fn events_are_signed_where_the_api_wants_it() {
    let user = User::new();
    let _cloud = Cloud::start(&user);
    let deployed = user.run(&["deploy", "--param", "AuthMode=IAM", "--param", "BufferIntervalSeconds=1"]);
    assert_eq!(deployed.status.code(), Some(0), "{}", said(&deployed));
    let sent = user.run(&["send", "--count", "3", "--output", "json"]);
    assert_eq!(sent.status.code(), Some(0), "{}{}", said(&sent), String::from_utf8_lossy(&sent.stdout));
    assert_eq!(last_json(&sent)["sent"], 3);

    let unsigned = user.run(&["send", "--header", "Authorization: none", "--output", "json"]);
    assert_eq!(unsigned.status.code(), Some(1));
    let text = String::from_utf8_lossy(&unsigned.stdout).into_owned();
    let line: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    assert_eq!(line["status"], 403);
    assert!(line["error"].as_str().is_some_and(|error| error.contains("AuthMode is IAM")), "{line}");
}

#[cfg(unix)]
#[test]
fn credentials_that_go_bad_are_said_once_and_new_ones_are_picked_up() {
    let user = User::new();
    let cloud = Cloud::start(&user);
    let deployed = user.run(&["deploy", "--param", "BufferIntervalSeconds=1"]);
    assert_eq!(deployed.status.code(), Some(0), "{}", said(&deployed));
    let held = user.folder().join("held.json");
    // They expire before the time at which they are renewed, so that each call asks for them.
    let near = |secret: &str| cloud.credentials(secret, &soon());
    write(&held, &near(cloud.text("secretAccessKey")));
    let config =
        format!("[profile p]\nregion = {}\ncredential_process = cat {}\n", cloud.text("region"), held.display());
    write(&user.folder().join("config"), &config);

    let url = cloud.text("endpointUrl").to_owned();
    let mut command = on_aws(&user, &["tail", "records", "--from-start", "--profile", "p", "--endpoint-url", &url]);
    let mut tail = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let lines = heard(&mut tail);
    // Something was read with the good ones.
    user.run(&["send", "--data", "{\"event\":\"before\"}"]);
    wait_for(&lines, "out", "before");
    write(&held, &near("wrong"));
    wait_for(&lines, "err", "The credential_process of profile p has to give new ones");
    write(&held, &near(cloud.text("secretAccessKey")));
    wait_for(&lines, "err", "The credentials are good again.");
    user.run(&["send", "--data", "{\"event\":\"after\"}"]);
    wait_for(&lines, "out", "after");
    let _ = tail.kill();
    let _ = tail.wait();
}

#[test]
fn an_expired_token_and_an_expired_iterator_cost_no_record_and_repeat_none() {
    let user = User::new();
    let cloud = Cloud::start(&user);
    let deployed = user.run(&["deploy", "--param", "BufferIntervalSeconds=1"]);
    assert_eq!(deployed.status.code(), Some(0), "{}", said(&deployed));
    let file = user.folder().join("credentials");
    let keys = |secret: &str| {
        write(
            &file,
            &format!("[p]\naws_access_key_id = {}\naws_secret_access_key = {secret}\n", cloud.text("accessKeyId")),
        );
    };
    keys(cloud.text("secretAccessKey"));
    write(&user.folder().join("config"), &format!("[profile p]\nregion = {}\n", cloud.text("region")));
    let mut command = on_aws(&user, &["tail", "records", "--from-start", "--profile", "p", "--output", "json"]);
    command.args(["--endpoint-url", cloud.text("endpointUrl")]);
    let mut tail = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let lines = heard(&mut tail);
    let send = |event: &str| user.run(&["send", "--data", &format!("{{\"event\":\"{event}\"}}")]);
    let next = || {
        let is_record = |line: &(&str, String)| line.0 == "out";
        let line = lines.iter().find(is_record).expect("a record").1;
        let record: Value = serde_json::from_str(&line).expect("JSON");
        record["data"]["event"].as_str().unwrap_or_default().to_owned()
    };
    send("one");
    assert_eq!(next(), "one");
    cloud.fail_once("GetRecords", "ExpiredIteratorException");
    send("two");
    assert_eq!(next(), "two");

    // What is in the file is no better, until someone logs in.
    keys("wrong");
    cloud.fail_once("GetRecords", "ExpiredTokenException");
    wait_for(&lines, "err", "The credentials have expired (ExpiredTokenException). Put new keys into profile p");
    send("three");
    keys(cloud.text("secretAccessKey"));
    wait_for(&lines, "err", "The credentials are good again.");
    assert_eq!(next(), "three");
    send("four");
    assert_eq!(next(), "four");
    let _ = tail.kill();
    let _ = tail.wait();
}

/// Half a minute from now.
fn soon() -> String {
    let now = std::time::SystemTime::now() + Duration::from_secs(30);
    aws_smithy_types::DateTime::from(now).fmt(aws_smithy_types::date_time::Format::DateTime).expect("a time")
}

/// What a child says, line by line, with where it says it.
fn heard(child: &mut Child) -> mpsc::Receiver<(&'static str, String)> {
    let (sender, lines) = mpsc::channel();
    let out = BufReader::new(child.stdout.take().expect("its output"));
    let err = BufReader::new(child.stderr.take().expect("its errors"));
    let other = sender.clone();
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(("out", line))));
    std::thread::spawn(move || err.lines().map_while(Result::ok).try_for_each(|line| other.send(("err", line))));
    lines
}

fn wait_for(lines: &mpsc::Receiver<(&'static str, String)>, place: &str, text: &str) {
    let mut before = Vec::new();
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        let left = end.saturating_duration_since(std::time::Instant::now());
        let (from, line) = lines.recv_timeout(left).unwrap_or_else(|_| panic!("never said {text:?}: {before:#?}"));
        if from == place && line.contains(text) {
            return;
        }
        before.push(line);
    }
}

/// A proxy that notes the first line of each request and answers as AWS would, or refuses to tunnel.
fn proxy() -> (String, mpsc::Receiver<String>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            std::thread::spawn(move || answer_as_proxy(stream, &sender));
        }
    });
    (address, lines)
}

fn answer_as_proxy(mut stream: std::net::TcpStream, seen: &mpsc::Sender<String>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).is_ok_and(|read| read == 0) || first.is_empty() {
            return;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a header");
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().expect("a length");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        std::io::Read::read_exact(&mut reader, &mut body).expect("a body");
        let _ = seen.send(first.trim().to_owned());
        // STS API reference, GetCallerIdentity; CloudFormation answers for a stack that is not there.
        let body = String::from_utf8_lossy(&body);
        let (status, answer) = if first.starts_with("CONNECT") {
            ("403 Forbidden", "")
        } else if body.contains("GetCallerIdentity") {
            (
                "200 OK",
                "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/ann</Arn>\
                 <UserId>AIDA</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
            )
        } else {
            (
                "400 Bad Request",
                "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>\
                 <Message>Stack with id tailwater does not exist</Message></Error></ErrorResponse>",
            )
        };
        let length = answer.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\n\r\n{answer}");
        if std::io::Write::write_all(&mut stream, answer.as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn calls_go_over_the_proxy_and_past_it_to_this_machine() {
    let user = User::new();
    let (address, lines) = proxy();
    let status = |url: &str, variables: &[(&str, &str)]| {
        let mut command =
            on_aws(&user, &["status", "--region", "eu-west-1", "--output", "json", "--endpoint-url", url]);
        command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
        command.envs(variables.iter().copied()).output().expect("it runs")
    };
    let output = status("http://aws.example:4566", &[("HTTP_PROXY", &address)]);
    assert_eq!(last_json(&output)["callerArn"], "arn:aws:iam::111122223333:user/ann", "{}", said(&output));
    assert!(lines.try_iter().all(|line| line.starts_with("POST http://aws.example:4566/")));

    let output = status("https://aws.example", &[("HTTPS_PROXY", &address)]);
    assert_eq!(output.status.code(), Some(1));
    let tunnels: Vec<String> = lines.try_iter().collect();
    assert!(
        !tunnels.is_empty() && tunnels.iter().all(|line| line == "CONNECT aws.example:443 HTTP/1.1"),
        "{tunnels:?}"
    );

    let cloud = Cloud::start(&user);
    let (key, secret) = (cloud.text("accessKeyId").to_owned(), cloud.text("secretAccessKey").to_owned());
    let mut command = on_aws(&user, &["status", "--output", "json", "--endpoint-url", cloud.text("endpointUrl")]);
    command.args(["--region", cloud.text("region")]).env("HTTP_PROXY", &address);
    command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret);
    assert_eq!(last_json(&command.output().expect("it runs"))["accountId"], cloud.ready["accountId"]);
    assert_eq!(lines.try_iter().count(), 0, "nothing of this machine's own");
}

#[test]
fn what_costs_extra_is_there_only_when_asked_for_and_says_its_price() {
    let user = User::new();
    let cloud = Cloud::start(&user);
    let deployed = user.run(&["deploy", "--param", "BufferIntervalSeconds=1"]);
    assert_eq!(deployed.status.code(), Some(0), "{}", said(&deployed));
    let (key, secret) = (cloud.text("accessKeyId").to_owned(), cloud.text("secretAccessKey").to_owned());
    let on_aws = |arguments: &[&str]| {
        let mut command = on_aws(&user, arguments);
        command.args(["--endpoint-url", cloud.text("endpointUrl"), "--region", cloud.text("region")]);
        command.env("AWS_ACCESS_KEY_ID", &key).env("AWS_SECRET_ACCESS_KEY", &secret);
        command
    };
    for (source, option, price) in
        [("records", "--fan-out", "0.015 USD per shard-hour"), ("logs", "--live-tail", "0.01 USD per minute")]
    {
        let mut tail = on_aws(&["tail", source, option, "--limit", "1"]);
        let mut tail = tail.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let lines = heard(&mut tail);
        wait_for(&lines, "err", price);
        // It is in place a moment later: what is sent until then is not its concern.
        let sending = std::thread::scope(|scope| {
            let sent = scope.spawn(|| user.run(&["send", "--count", "30", "--rate", "10"]));
            wait_for(&lines, "out", "");
            sent.join()
        });
        assert_eq!(sending.expect("sent").status.code(), Some(0));
        assert_eq!(tail.wait().expect("its end").code(), Some(0));
    }
    let plain = on_aws(&["tail", "records", "--from-start", "--limit", "1"]).output().expect("it runs");
    assert_eq!(plain.status.code(), Some(0));
    assert!(!said(&plain).contains("USD"), "{}", said(&plain));
}
