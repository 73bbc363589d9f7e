//! Lambda through the official SDK, with bootstraps in shell and Python: what a function sees, what
//! its callers get, and that no process outlives its cloud.

use std::{
    collections::HashMap,
    ffi::OsString,
    io::{Cursor, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aws_sdk_lambda::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    error::ProvideErrorMetadata,
    primitives::Blob,
    types::{
        Architecture, Environment, FunctionCode, InvocationType, LogFormat, LogType, LoggingConfig, Runtime,
        SystemLogLevel,
    },
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tailwater_cloud::{LocalCloud, Options};
use zip::{ZipWriter, write::SimpleFileOptions};

/// Nothing here takes long; what has not happened by then never will.
const PATIENCE: Duration = Duration::from_secs(20);
const HOST: &str = env!("CARGO_BIN_EXE_cloud-for-tests");

/// The part of a Python bootstrap that speaks the Runtime API; `handle(event, context)` is added.
const PYTHON: &str = r#"#!/usr/bin/env python3
import http.client, json, os, sys
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=None, headers={}):
    api.request(method, "/2018-06-01/runtime/" + path, body, headers)
    answer = api.getresponse()
    return answer, answer.read()
def main(handle):
    while True:
        answer, event = call("GET", "invocation/next")
        request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            result = handle(json.loads(event), answer.headers)
            call("POST", f"invocation/{request_id}/response", json.dumps(result))
        except Exception as error:
            said = json.dumps({"errorMessage": str(error), "errorType": type(error).__name__})
            call("POST", f"invocation/{request_id}/error", said)
"#;

fn python(handler: &str) -> String {
    format!("{PYTHON}\n{handler}\nmain(handle)\n")
}

fn zip_of(entries: &[(&str, &str, u32)]) -> Blob {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content, mode) in entries {
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    Blob::new(writer.finish().unwrap().into_inner())
}

fn bootstrap(content: &str) -> Blob {
    zip_of(&[("bootstrap", content, 0o755)])
}

fn client(endpoint: &str, access_key: &str, secret_key: &str) -> Client {
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ap-southeast-2"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new(access_key, secret_key, None, None, "test"))
        .retry_config(aws_sdk_lambda::config::retry::RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

struct Cloud {
    cloud: LocalCloud,
    lambda: Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    /// Unique to this cloud, so that its processes can be told from those of other tests.
    data: tempfile::TempDir,
}

impl Cloud {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut options = Options::new(vec![OsString::from(HOST), OsString::from("supervisor")]);
        options.data_dir = Some(data.path().to_owned());
        options.gateway_port = Some(0);
        let cloud = LocalCloud::start(options).await.unwrap();
        let keys = cloud.credentials();
        let lambda = client(cloud.endpoint_url(), &keys.access_key_id, &keys.secret_access_key);
        let logs = aws_sdk_cloudwatchlogs::Config::builder()
            .behavior_version(aws_sdk_cloudwatchlogs::config::BehaviorVersion::latest())
            .region(aws_sdk_cloudwatchlogs::config::Region::new("ap-southeast-2"))
            .endpoint_url(cloud.endpoint_url())
            .credentials_provider(Credentials::new(keys.access_key_id, keys.secret_access_key, None, None, "test"))
            .build();
        Self { cloud, lambda, logs: aws_sdk_cloudwatchlogs::Client::from_conf(logs), data }
    }

    async fn create(&self, name: &str, zip: Blob) {
        create(&self.lambda, name, zip, 10, &[]).await;
    }

    async fn invoke(&self, name: &str, payload: &Value) -> Answer {
        invoke(&self.lambda, name, payload).await
    }

    /// Processes that this cloud's functions are made of: they know its data folder.
    fn processes(&self) -> Vec<i32> {
        processes_of(self.data.path())
    }
}

async fn create(lambda: &Client, name: &str, zip: Blob, timeout: i32, variables: &[(&str, &str)]) {
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    lambda
        .create_function()
        .function_name(name)
        .runtime(Runtime::Providedal2023)
        .role(role(lambda).await)
        .handler("bootstrap")
        .timeout(timeout)
        .environment(Environment::builder().set_variables(Some(variables)).build())
        .code(FunctionCode::builder().zip_file(zip).build())
        .send()
        .await
        .unwrap();
}

/// The role of every function here.
async fn role(_lambda: &Client) -> String {
    "arn:aws:iam::000000000000:role/function".to_owned()
}

struct Answer {
    payload: Value,
    error: Option<String>,
    log: String,
}

async fn invoke(lambda: &Client, name: &str, payload: &Value) -> Answer {
    let output = lambda
        .invoke()
        .function_name(name)
        .log_type(LogType::Tail)
        .payload(Blob::new(payload.to_string()))
        .send()
        .await
        .unwrap();
    let log = output.log_result().map(|log| BASE64_STANDARD.decode(log).unwrap()).unwrap_or_default();
    Answer {
        payload: serde_json::from_slice(output.payload().unwrap().as_ref()).unwrap(),
        error: output.function_error().map(str::to_owned),
        log: String::from_utf8(log).unwrap(),
    }
}

/// The processes, supervisors included, that have a folder of this cloud in their variables.
fn processes_of(data: &Path) -> Vec<i32> {
    let wanted = data.to_str().unwrap().as_bytes().to_vec();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|environment| environment.windows(wanted.len()).any(|part| part == wanted))
        })
        .collect()
}

fn runs(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')))
}

/// Looks again and again until it is so.
async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} has not happened");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_python_bootstrap_answers_cold_and_then_warm_in_the_same_process() {
    let cloud = Cloud::start().await;
    cloud.create("echo", bootstrap(&python("def handle(event, _): return {'pid': os.getpid(), 'event': event}"))).await;
    let cold = cloud.invoke("echo", &json!({"a": 1})).await;
    let warm = cloud.invoke("echo", &json!({"a": 2})).await;
    assert_eq!(cold.payload["event"], json!({"a": 1}));
    assert_eq!(warm.payload["event"], json!({"a": 2}));
    assert_eq!(cold.payload["pid"], warm.payload["pid"]);
    assert!(cold.log.contains("Init Duration: "), "{}", cold.log);
    assert!(!warm.log.contains("Init Duration: "), "{}", warm.log);
    let lines: Vec<&str> = warm.log.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(lines, ["START", "END", "REPORT"]);
    cloud.cloud.shutdown().await;
}

#[tokio::test]
async fn a_shell_bootstrap_answers() {
    let cloud = Cloud::start().await;
    let script = r#"#!/bin/sh
while true; do
  event=$(curl -sS -D "$TMPDIR/headers" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next")
  id=$(grep -i '^lambda-runtime-aws-request-id' "$TMPDIR/headers" | tr -d '[:space:]' | cut -d: -f2)
  echo "handling $id"
  curl -sS -o /dev/null -d "{\"was\":$event}" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response"
done
"#;
    cloud.create("shell", bootstrap(script)).await;
    let answer = cloud.invoke("shell", &json!({"x": [1, 2]})).await;
    assert_eq!(answer.payload, json!({"was": {"x": [1, 2]}}));
    assert!(answer.log.contains("handling "), "{}", answer.log);
    cloud.cloud.shutdown().await;
}
