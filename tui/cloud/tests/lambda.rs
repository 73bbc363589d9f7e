//! Lambda through the official SDK, with bootstraps in shell and Python: what a function sees, what
//! its callers get, and that no process outlives its cloud.

use std::{
    collections::HashSet,
    ffi::OsString,
    io::{BufRead, BufReader, Cursor, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_sdk_lambda::{
    Client,
    error::ProvideErrorMetadata,
    operation::create_function::builders::CreateFunctionFluentBuilder,
    primitives::Blob,
    types::{
        ApplicationLogLevel, Architecture, Environment, FunctionCode, InvocationType, LogFormat, LogType,
        LoggingConfig, Runtime, SystemLogLevel,
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

/// The clients of one cloud, in this process or another.
struct Clients {
    lambda: Client,
    iam: aws_sdk_iam::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    s3: aws_sdk_s3::Client,
}

impl Clients {
    async fn new(endpoint: &str, access_key: &str, secret_key: &str) -> Self {
        let keys = Credentials::from_keys(access_key, secret_key, None);
        let config = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .region(Region::new("ap-southeast-2"))
            .credentials_provider(keys)
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .load()
            .await;
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        let clients = Self {
            lambda: Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
        };
        clients.create_role("function", "lambda.amazonaws.com").await;
        clients
    }

    async fn create_role(&self, name: &str, service: &str) {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"},
        ]});
        self.iam.create_role().role_name(name).assume_role_policy_document(trust.to_string()).send().await.unwrap();
    }

    /// A function to complete and create.
    fn function(&self, name: &str, zip: Blob) -> CreateFunctionFluentBuilder {
        self.lambda
            .create_function()
            .function_name(name)
            .runtime(Runtime::Providedal2023)
            .role("arn:aws:iam::000000000000:role/function")
            .handler("bootstrap")
            .timeout(10)
            .code(FunctionCode::builder().zip_file(zip).build())
    }

    async fn create(&self, name: &str, zip: Blob) {
        self.function(name, zip).send().await.unwrap();
    }

    async fn invoke(&self, name: &str, payload: &Value) -> Answer {
        let output = self
            .lambda
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

    /// Every line of a log group, in order.
    async fn log_lines(&self, group: &str) -> Vec<String> {
        let page = self.logs.filter_log_events().log_group_name(group).send().await.unwrap();
        page.events().iter().filter_map(|event| event.message().map(str::to_owned)).collect()
    }
}

/// A cloud in this process.
struct Cloud {
    inner: LocalCloud,
    clients: Clients,
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
        let clients = Clients::new(cloud.endpoint_url(), &keys.access_key_id, &keys.secret_access_key).await;
        Self { inner: cloud, clients, data }
    }

    /// The processes that its functions are made of.
    fn processes(&self) -> Vec<i32> {
        processes_of(self.data.path())
    }
}

impl std::ops::Deref for Cloud {
    type Target = Clients;

    fn deref(&self) -> &Clients {
        &self.clients
    }
}

/// A cloud in a process of its own, to be killed.
struct FarCloud {
    process: Child,
    clients: Clients,
    data: tempfile::TempDir,
}

impl FarCloud {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut process = Command::new(HOST).arg("cloud").arg(data.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let clients = Clients::new(words[0], words[1], words[2]).await;
        Self { process, clients, data }
    }
}

impl Drop for FarCloud {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Answer {
    payload: Value,
    error: Option<String>,
    log: String,
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
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn a_shell_bootstrap_answers() {
    if Command::new("curl").arg("--version").output().is_err() {
        return;
    }
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
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn code_comes_out_of_a_bucket_too_and_new_code_runs_after_an_update() {
    let cloud = Cloud::start().await;
    cloud
        .s3
        .create_bucket()
        .bucket("code")
        .create_bucket_configuration(
            aws_sdk_s3::types::CreateBucketConfiguration::builder()
                .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::ApSoutheast2)
                .build(),
        )
        .send()
        .await
        .unwrap();
    for (key, word) in [("one.zip", "one"), ("two.zip", "two")] {
        let zip = bootstrap(&python(&format!("def handle(event, _): return '{word}'"))).into_inner();
        cloud.s3.put_object().bucket("code").key(key).body(zip.into()).send().await.unwrap();
    }
    let code = |key: &str| FunctionCode::builder().s3_bucket("code").s3_key(key).build();
    cloud.function("f", bootstrap("")).code(code("one.zip")).send().await.unwrap();
    assert_eq!(cloud.invoke("f", &json!({})).await.payload, "one");
    let before = cloud.processes();
    cloud.lambda.update_function_code().function_name("f").s3_bucket("code").s3_key("two.zip").send().await.unwrap();
    assert_eq!(cloud.invoke("f", &json!({})).await.payload, "two");
    until("the end of the environment with the old code", || before.iter().all(|pid| !runs(*pid)).then_some(())).await;

    let missing = cloud.function("g", bootstrap("")).code(code("three.zip")).send().await.unwrap_err();
    assert_eq!(missing.code(), Some("InvalidParameterValueException"));
    assert!(missing.message().unwrap().contains("S3 Error Code: NoSuchKey"), "{missing:?}");
    cloud.inner.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_invocations_at_once_run_in_ten_processes() {
    let cloud = Cloud::start().await;
    // Each waits until all ten have begun: fewer processes would never end it.
    let script = "import pathlib, time\n\
        place = pathlib.Path(os.environ['MEETING'])\n\
        def handle(event, _):\n    \
            (place / str(event)).touch()\n    \
            while len(list(place.iterdir())) < 10: time.sleep(0.01)\n    \
            return os.getpid()\n";
    let meeting = tempfile::tempdir().unwrap();
    let environment = Environment::builder().variables("MEETING", meeting.path().to_str().unwrap()).build();
    cloud.function("meet", bootstrap(&python(script))).environment(environment).timeout(60).send().await.unwrap();
    let numbers: Vec<Value> = (0..10).map(|number| json!(number)).collect();
    let answers = futures::future::join_all(numbers.iter().map(|number| cloud.invoke("meet", number))).await;
    let processes: HashSet<i64> = answers.iter().map(|answer| answer.payload.as_i64().unwrap()).collect();
    assert_eq!(processes.len(), 10);
    let warm = cloud.invoke("meet", &json!(0)).await;
    assert!(processes.contains(&warm.payload.as_i64().unwrap()));
    cloud.inner.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_invocations_than_environments_wait_and_another_function_finds_room() {
    let cloud = Cloud::start().await;
    // Without the site's packages Python starts in a tenth of the time.
    let script = python("def handle(event, _): return os.getpid()").replacen("env python3", "env -S python3 -SE", 1);
    cloud.create("many", bootstrap(&script)).await;
    cloud.create("other", bootstrap(&script)).await;
    let payload = json!({});
    let answers = futures::future::join_all((0..80).map(|_| cloud.invoke("many", &payload))).await;
    let processes: HashSet<i64> = answers.iter().map(|answer| answer.payload.as_i64().unwrap()).collect();
    assert!(processes.len() <= 64, "{} processes", processes.len());
    assert!(cloud.invoke("other", &payload).await.payload.is_i64());
    cloud.inner.shutdown().await;
    assert_eq!(processes_of(cloud.data.path()), Vec::<i32>::new());
}

#[tokio::test]
async fn a_function_that_runs_out_of_time_is_ended_and_the_next_call_starts_afresh() {
    let cloud = Cloud::start().await;
    let script = "import time\ndef handle(event, _):\n    print('begun', flush=True)\n    time.sleep(event)\n    return os.getpid()\n";
    cloud.function("slow", bootstrap(&python(script))).timeout(1).send().await.unwrap();
    let late = cloud.invoke("slow", &json!(600)).await;
    assert_eq!(late.error.as_deref(), Some("Unhandled"));
    assert_eq!(late.payload["errorType"], "Sandbox.Timedout");
    let message = late.payload["errorMessage"].as_str().unwrap();
    assert!(message.ends_with("Task timed out after 1.00 seconds"), "{message}");
    assert!(late.log.contains("begun\n") && late.log.contains("\tStatus: timeout"), "{}", late.log);
    assert!(late.log.contains("Duration: 1000.00 ms\tBilled Duration: 1000 ms"), "{}", late.log);
    assert_eq!(cloud.processes(), Vec::<i32>::new(), "the processes of the ended environment");
    let next = cloud.invoke("slow", &json!(0)).await;
    assert!(next.error.is_none() && next.log.contains("Init Duration"), "{}", next.log);
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn a_crash_is_told_as_lambda_tells_it_and_the_next_call_starts_afresh() {
    let cloud = Cloud::start().await;
    let script = "def handle(event, _):\n    print('last words', end='', flush=True)\n    \
        os._exit(3) if event == 'exit' else os.kill(os.getpid(), 9) if event == 'kill' else None\n    return 'fine'\n";
    cloud.create("crash", bootstrap(&python(script))).await;
    let exit = cloud.invoke("crash", &json!("exit")).await;
    assert_eq!(exit.error.as_deref(), Some("Unhandled"));
    assert_eq!(exit.payload["errorType"], "Runtime.ExitError");
    let message = exit.payload["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("RequestId: ") && message.ends_with("Error: Runtime exited with error: exit status 3"));
    assert!(exit.log.contains("last words\n") && exit.log.contains("Error Type: Runtime.ExitError"), "{}", exit.log);
    let killed = cloud.invoke("crash", &json!("kill")).await;
    assert!(killed.payload["errorMessage"].as_str().unwrap().ends_with("Runtime exited with error: signal: killed"));
    assert_eq!(cloud.invoke("crash", &json!("live")).await.payload, "fine");
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn an_error_of_the_function_is_handed_through_and_the_process_lives_on() {
    let cloud = Cloud::start().await;
    cloud.create("picky", bootstrap(&python("def handle(event, _): return 1 / event"))).await;
    let error = cloud.invoke("picky", &json!(0)).await;
    assert_eq!(error.error.as_deref(), Some("Unhandled"));
    assert_eq!(error.payload, json!({"errorMessage": "division by zero", "errorType": "ZeroDivisionError"}));
    let next = cloud.invoke("picky", &json!(2)).await;
    assert!(next.payload == json!(0.5) && !next.log.contains("Init Duration"));
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_executed_is_named() {
    let cloud = Cloud::start().await;
    let elf_for_another_machine = {
        let mut head = b"\x7fELF\x02\x01\x01".to_vec();
        head.resize(64, 0);
        head[18] = 243;
        String::from_utf8_lossy(&head).into_owned()
    };
    let cases = [
        ("none", zip_of(&[("main.py", "x", 0o755)]), "Couldn't find valid bootstrap(s): ["),
        ("no-bit", zip_of(&[("bootstrap", "#!/bin/sh\n", 0o644)]), "/bootstrap: permission denied"),
        ("no-interpreter", bootstrap("#!/no/such/interpreter\n"), "/bootstrap: no such file or directory"),
        ("no-format", bootstrap("\u{1}\u{2}\u{3}\u{4}"), "/bootstrap: exec format error"),
        ("elf", bootstrap(&elf_for_another_machine), "/bootstrap: exec format error"),
    ];
    for (name, zip, words) in cases {
        cloud.create(name, zip).await;
        let answer = cloud.invoke(name, &json!({})).await;
        assert_eq!(answer.error.as_deref(), Some("Unhandled"), "{name}");
        assert_eq!(answer.payload["errorType"], "Runtime.InvalidEntrypoint", "{name}: {}", answer.payload);
        assert!(answer.payload["errorMessage"].as_str().unwrap().contains(words), "{name}: {}", answer.payload);
        assert!(answer.log.contains(words), "{name}: {}", answer.log);
    }
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn a_binary_for_another_machine_than_the_functions_is_refused_even_where_it_would_run() {
    let cloud = Cloud::start().await;
    let own = std::fs::read("/bin/true").unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
    writer.write_all(&own).unwrap();
    let zip = Blob::new(writer.finish().unwrap().into_inner());
    let other = if cfg!(target_arch = "x86_64") { Architecture::Arm64 } else { Architecture::X8664 };
    cloud.function("other", zip).architectures(other).send().await.unwrap();
    let answer = cloud.invoke("other", &json!({})).await;
    assert!(answer.payload["errorMessage"].as_str().unwrap().ends_with("exec format error"), "{}", answer.payload);
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn a_start_that_fails_is_tried_once_more_within_the_invocation() {
    let cloud = Cloud::start().await;
    // The first start of all leaves a mark and ends.
    let script = "import pathlib\nmark = pathlib.Path(os.environ['MARK'])\n\
        if not mark.exists():\n    mark.touch()\n    sys.exit(7)\n\
        def handle(event, _): return 'second start'\n";
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let environment = Environment::builder().variables("MARK", mark.to_str().unwrap()).build();
    cloud.function("twice", bootstrap(&python(script))).environment(environment).send().await.unwrap();
    let answer = cloud.invoke("twice", &json!({})).await;
    assert_eq!(answer.payload, "second start");
    let lines = cloud.log_lines("/aws/lambda/twice").await;
    assert!(lines.iter().any(|line| line.contains("Phase: init\tStatus: error")), "{lines:?}");

    let fails = "api.request('POST', '/2018-06-01/runtime/init/error', '{\"errorType\":\"Own.Reason\",\"errorMessage\":\"no\"}')\n\
        print(api.getresponse().status, flush=True)\nsys.exit(1)\n";
    cloud.create("never", bootstrap(&format!("{PYTHON}\n{fails}"))).await;
    let answer = cloud.invoke("never", &json!({})).await;
    assert_eq!(answer.payload, json!({"errorType": "Own.Reason", "errorMessage": "no"}));
    assert!(answer.log.contains("202\n"), "{}", answer.log);
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn the_environment_holds_what_lambda_promises_and_nothing_of_the_clouds() {
    let cloud = Cloud::start().await;
    let script =
        "def handle(event, headers): return {'env': dict(os.environ), 'headers': dict(headers), 'cwd': os.getcwd()}";
    let environment = Environment::builder().variables("OWN", "value").build();
    cloud.function("show", bootstrap(&python(script))).environment(environment).memory_size(256).send().await.unwrap();
    let seen = cloud.invoke("show", &json!({})).await.payload;
    let variables = &seen["env"];
    assert_eq!(variables["OWN"], "value");
    assert_eq!(variables["_HANDLER"], "bootstrap");
    assert_eq!(variables["AWS_REGION"], "ap-southeast-2");
    assert_eq!(variables["AWS_DEFAULT_REGION"], "ap-southeast-2");
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_NAME"], "show");
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "256");
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_VERSION"], "$LATEST");
    assert_eq!(variables["AWS_LAMBDA_LOG_GROUP_NAME"], "/aws/lambda/show");
    assert!(variables["AWS_LAMBDA_LOG_STREAM_NAME"].as_str().unwrap().contains("/[$LATEST]"));
    assert_eq!(variables["AWS_ENDPOINT_URL"], cloud.inner.endpoint_url());
    assert!(variables["AWS_ACCESS_KEY_ID"].as_str().unwrap().starts_with("ASIA"));
    assert!(!variables["AWS_SESSION_TOKEN"].as_str().unwrap().is_empty());
    assert_eq!(variables["LAMBDA_TASK_ROOT"], seen["cwd"]);
    for of_the_cloud in ["CARGO_MANIFEST_DIR", "USER", "TAILWATER_FUNCTION_ENVIRONMENT"] {
        assert_eq!(variables[of_the_cloud], Value::Null, "{of_the_cloud}");
    }
    let headers = &seen["headers"];
    assert_eq!(
        headers["lambda-runtime-invoked-function-arn"],
        "arn:aws:lambda:ap-southeast-2:000000000000:function:show"
    );
    assert!(headers["lambda-runtime-trace-id"].as_str().unwrap().starts_with("Root=1-"));
    assert!(headers["lambda-runtime-deadline-ms"].as_str().unwrap().parse::<i64>().unwrap() > 1_600_000_000_000);

    // A function may name another endpoint.
    let environment = Environment::builder().variables("AWS_ENDPOINT_URL", "http://elsewhere").build();
    cloud.lambda.update_function_configuration().function_name("show").environment(environment).send().await.unwrap();
    let seen = cloud.invoke("show", &json!({})).await.payload;
    assert_eq!(seen["env"]["AWS_ENDPOINT_URL"], "http://elsewhere");
    assert_eq!(seen["env"]["OWN"], Value::Null);
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn json_logs_hold_the_functions_lines_and_the_platforms_from_their_levels_on() {
    let cloud = Cloud::start().await;
    let script = "def handle(event, _):\n    \
        print('plain'); print(json.dumps({'level': 'DEBUG', 'n': 1})); print(json.dumps({'level': 'WARN', 'n': 2}), flush=True)\n    \
        return os.environ['AWS_LAMBDA_LOG_LEVEL'] + os.environ['AWS_LAMBDA_LOG_FORMAT']\n";
    let logging = LoggingConfig::builder()
        .log_format(LogFormat::Json)
        .application_log_level(ApplicationLogLevel::Info)
        .system_log_level(SystemLogLevel::Info)
        .log_group("own-group")
        .build();
    cloud.function("json", bootstrap(&python(script))).logging_config(logging).send().await.unwrap();
    assert_eq!(cloud.invoke("json", &json!({})).await.payload, "INFOJSON");
    let lines = cloud.log_lines("own-group").await;
    let kinds: Vec<String> = lines
        .iter()
        .map(|line| match serde_json::from_str::<Value>(line) {
            Ok(value) => value["type"].as_str().or(value["level"].as_str()).unwrap().to_owned(),
            Err(_) => line.clone(),
        })
        .collect();
    assert_eq!(kinds, ["platform.initStart", "platform.start", "plain", "WARN", "platform.report"]);
    let report: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(report["record"]["status"], "success");
    let metrics = &report["record"]["metrics"];
    assert!(metrics["initDurationMs"].as_f64().unwrap() > 0.0);
    assert!(metrics["durationMs"].as_f64().unwrap() <= metrics["billedDurationMs"].as_f64().unwrap());
    assert_eq!(metrics["memorySizeMB"], 128);
    assert!(metrics["maxMemoryUsedMB"].as_u64().unwrap() > 1);

    let quiet = LoggingConfig::builder().log_format(LogFormat::Json).system_log_level(SystemLogLevel::Warn).build();
    cloud.lambda.update_function_configuration().function_name("json").logging_config(quiet).send().await.unwrap();
    let before = lines.len();
    cloud.invoke("json", &json!({})).await;
    let lines = cloud.log_lines("own-group").await;
    assert!(lines[before..].iter().all(|line| !line.contains("platform.")), "{:?}", &lines[before..]);
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn a_response_that_is_too_large_or_for_another_request_is_refused() {
    let cloud = Cloud::start().await;
    let script = "def handle(event, headers):\n    \
        if event == 'large': return 'x' * 6291557\n    \
        return call('POST', 'invocation/00000000-0000-0000-0000-000000000000/response', '1')[0].status\n";
    cloud.create("f", bootstrap(&python(script))).await;
    assert_eq!(cloud.invoke("f", &json!("wrong id")).await.payload, 400);
    let large = cloud.invoke("f", &json!("large")).await;
    assert_eq!(large.payload["errorType"], "Function.ResponseSizeTooLarge");
    // The same process goes on.
    assert_eq!(cloud.invoke("f", &json!("wrong id")).await.payload, 400);
    let request = Blob::new(format!("\"{}\"", "x".repeat(6_291_456)));
    let refused = cloud.lambda.invoke().function_name("f").payload(request).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("RequestTooLargeException"));
    let no_json = cloud.lambda.invoke().function_name("f").payload(Blob::new("{")).send().await.unwrap_err();
    assert_eq!(no_json.code(), Some("InvalidRequestContentException"));
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn a_reservation_of_nothing_stops_the_function_and_an_event_is_queued() {
    let cloud = Cloud::start().await;
    let folder = tempfile::tempdir().unwrap();
    let done = folder.path().join("done");
    let script = "def handle(event, _): open(event, 'w').close()";
    cloud.create("f", bootstrap(&python(script))).await;
    let send = async |kind: InvocationType| {
        let payload = Blob::new(json!(done.to_str().unwrap()).to_string());
        cloud.lambda.invoke().function_name("f").invocation_type(kind).payload(payload).send().await
    };
    cloud.lambda.put_function_concurrency().function_name("f").reserved_concurrent_executions(0).send().await.unwrap();
    let stopped = send(InvocationType::RequestResponse).await.unwrap_err();
    assert_eq!((stopped.code(), stopped.message()), (Some("TooManyRequestsException"), Some("Rate Exceeded.")));
    assert_eq!(stopped.raw_response().unwrap().status().as_u16(), 429);
    cloud.lambda.delete_function_concurrency().function_name("f").send().await.unwrap();
    assert_eq!(send(InvocationType::DryRun).await.unwrap().status_code(), 204);
    assert!(!done.exists());
    assert_eq!(send(InvocationType::Event).await.unwrap().status_code(), 202);
    until("the queued invocation", || done.exists().then_some(())).await;
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn the_control_plane_speaks_as_aws_does() {
    let cloud = Cloud::start().await;
    let lambda = &cloud.lambda;
    let created = cloud.function("f", bootstrap("#!/bin/sh\n")).tags("team", "x").send().await.unwrap();
    assert_eq!(created.state().unwrap().as_str(), "Pending");
    let shown = lambda.get_function().function_name("f").send().await.unwrap();
    let configuration = shown.configuration().unwrap();
    assert_eq!(configuration.state().unwrap().as_str(), "Active");
    assert_eq!(configuration.last_update_status().unwrap().as_str(), "Successful");
    assert_eq!(configuration.code_sha256().unwrap().len(), 44);
    assert_eq!(shown.tags().unwrap()["team"], "x");

    let again = cloud.function("f", bootstrap("")).send().await.unwrap_err();
    assert_eq!(again.code(), Some("ResourceConflictException"));
    assert_eq!(again.message(), Some("Function already exist: f"));
    let no_zip = cloud.function("g", Blob::new("no zip")).send().await.unwrap_err();
    assert_eq!(
        no_zip.message(),
        Some("Could not unzip uploaded file. Please check your file, then try to upload again.")
    );
    let no_role = cloud.function("g", bootstrap("")).role("arn:aws:iam::000000000000:role/none").send().await;
    assert_eq!(no_role.unwrap_err().message(), Some("The role defined for the function cannot be assumed by Lambda."));
    cloud.create_role("of-firehose", "firehose.amazonaws.com").await;
    let wrong_role = cloud.function("g", bootstrap("")).role("arn:aws:iam::000000000000:role/of-firehose").send().await;
    assert_eq!(wrong_role.unwrap_err().code(), Some("InvalidParameterValueException"));
    let old = cloud.function("g", bootstrap("")).runtime(Runtime::Python39).send().await.unwrap_err();
    assert!(old.message().unwrap().contains("python3.9"), "{old:?}");
    let none = lambda.get_function().function_name("none").send().await.unwrap_err();
    assert_eq!(none.message(), Some("Function not found: arn:aws:lambda:ap-southeast-2:000000000000:function:none"));
    let stale = lambda.update_function_configuration().function_name("f").revision_id("stale").send().await;
    assert_eq!(stale.unwrap_err().code(), Some("PreconditionFailedException"));
    let version = lambda.publish_version().function_name("f").send().await.unwrap_err();
    assert!(version.message().unwrap().contains("PublishVersion"), "{version:?}");

    let arn = configuration.function_arn().unwrap();
    lambda.tag_resource().resource(arn).tags("more", "y").send().await.unwrap();
    lambda.untag_resource().resource(arn).tag_keys("team").send().await.unwrap();
    let tags = lambda.list_tags().resource(arn).send().await.unwrap();
    assert_eq!(tags.tags().unwrap().keys().collect::<Vec<_>>(), ["more"]);

    let permission = || {
        lambda
            .add_permission()
            .function_name("f")
            .statement_id("api")
            .action("lambda:InvokeFunction")
            .principal("apigateway.amazonaws.com")
            .source_arn("arn:aws:execute-api:ap-southeast-2:000000000000:api/*")
    };
    permission().send().await.unwrap();
    assert_eq!(permission().send().await.unwrap_err().code(), Some("ResourceConflictException"));
    let policy = lambda.get_policy().function_name("f").send().await.unwrap();
    let policy: Value = serde_json::from_str(policy.policy().unwrap()).unwrap();
    assert_eq!(policy["Statement"][0]["Principal"], json!({"Service": "apigateway.amazonaws.com"}));
    lambda.remove_permission().function_name("f").statement_id("api").send().await.unwrap();
    assert!(lambda.get_policy().function_name("f").send().await.is_err());

    cloud.create("a", bootstrap("#!/bin/sh\n")).await;
    let first = lambda.list_functions().max_items(1).send().await.unwrap();
    assert_eq!(first.functions()[0].function_name(), Some("a"));
    let second = lambda.list_functions().marker(first.next_marker().unwrap()).send().await.unwrap();
    assert_eq!(second.functions()[0].function_name(), Some("f"));
    let versions = lambda.list_versions_by_function().function_name("f").send().await.unwrap();
    assert_eq!(versions.versions()[0].version(), Some("$LATEST"));
    lambda.delete_function().function_name("f").send().await.unwrap();
    assert!(lambda.get_function().function_name("f").send().await.is_err());
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn a_process_killed_while_it_waits_is_replaced_without_the_caller_knowing() {
    let cloud = Cloud::start().await;
    cloud.create("f", bootstrap(&python("def handle(event, _): return os.getpid()"))).await;
    let pid = cloud.invoke("f", &json!({})).await.payload.as_i64().unwrap();
    kill(&[i32::try_from(pid).unwrap()]);
    invoke_once_more(&cloud, "f").await;
    let answer = cloud.invoke("f", &json!({})).await;
    assert!(answer.payload.is_i64() && answer.payload.as_i64() != Some(pid));
    cloud.inner.shutdown().await;
}

/// Invokes a function whose process was killed while it waited. An invocation that was handed over
/// in the moment before that was seen is told so; any other finds a new process.
async fn invoke_once_more(clients: &Clients, name: &str) {
    let answer = clients.invoke(name, &json!({})).await;
    assert!(answer.error.is_none() || answer.payload["errorType"] == "Runtime.ExitError", "{}", answer.payload);
}

/// A function that ignores SIGTERM and has two children of sessions of their own, forked twice, one
/// of them with no variables left. Answers with the numbers of all three.
fn stubborn() -> Blob {
    let script = r#"
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def daemon(forget):
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() != 0: os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(write, str(os.getpid()).encode())
        os.close(write)
        if forget:
            os.closerange(0, 64)
            os.chdir("/")
            os.execve("/bin/sleep", ["sleep", "1000"], {})
        time.sleep(1000)
    os.close(write)
    pid = int(os.read(read, 32))
    os.wait()
    return pid
children = [daemon(False), daemon(True)]
def handle(event, _): return [os.getpid()] + children
"#;
    bootstrap(&python(script))
}

async fn start_stubborn(clients: &Clients) -> Vec<i32> {
    clients.create("stubborn", stubborn()).await;
    let answer = clients.invoke("stubborn", &json!({})).await;
    let pids: Vec<i32> =
        serde_json::from_value(answer.payload.clone()).unwrap_or_else(|_| panic!("{}", answer.payload));
    assert!(pids.len() == 3 && pids.iter().all(|pid| runs(*pid)));
    pids
}

async fn until_gone(pids: &[i32]) {
    let gone = until("the end of the processes", || pids.iter().all(|pid| !runs(*pid)).then_some(()));
    gone.await;
}

/// The two that supervise a bootstrap: the keeper and its guard.
fn supervisors_of(pid: i32) -> [i32; 2] {
    let keeper = parent_of(pid);
    [keeper, parent_of(keeper)]
}

fn parent_of(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Kills them, in this order. One that ends because of another before its turn is no error.
fn kill(pids: &[i32]) {
    Command::new("kill").arg("-KILL").args(pids.iter().map(i32::to_string)).stderr(Stdio::null()).status().unwrap();
}

#[tokio::test]
async fn no_process_outlives_a_cloud_that_ends_or_is_dropped() {
    let cloud = Cloud::start().await;
    let pids = start_stubborn(&cloud).await;
    cloud.inner.shutdown().await;
    assert!(pids.iter().all(|pid| !runs(*pid)), "after shutdown");

    let cloud = Cloud::start().await;
    let pids = start_stubborn(&cloud).await;
    let Cloud { inner, data, .. } = cloud;
    drop(inner);
    // The two that carry the cloud's mark are gone when drop returns; the third a moment later.
    assert!(!runs(pids[0]) && !runs(pids[1]), "after drop");
    until_gone(&pids).await;
    assert_eq!(processes_of(data.path()), Vec::<i32>::new());
}

#[tokio::test]
async fn no_process_outlives_a_killed_cloud() {
    let mut cloud = FarCloud::start().await;
    let mut pids = start_stubborn(&cloud.clients).await;
    pids.extend(supervisors_of(pids[0]));
    cloud.process.kill().unwrap();
    until_gone(&pids).await;
    assert_eq!(processes_of(cloud.data.path()), Vec::<i32>::new());
}

#[tokio::test]
async fn no_process_outlives_its_killed_supervisor_whichever_it_is() {
    let cloud = Cloud::start().await;
    for killed in [0, 1] {
        let pids = start_stubborn(&cloud).await;
        let supervisors = supervisors_of(pids[0]);
        kill(&[supervisors[killed]]);
        until_gone(&[pids, supervisors.to_vec()].concat()).await;
        // The function itself goes on, in a new environment.
        invoke_once_more(&cloud, "stubborn").await;
        assert!(cloud.invoke("stubborn", &json!({})).await.error.is_none());
        cloud.lambda.delete_function().function_name("stubborn").send().await.unwrap();
    }
    cloud.inner.shutdown().await;
}

#[tokio::test]
async fn no_process_outlives_both_supervisors_killed_at_once_nor_all_three() {
    let cloud = Cloud::start().await;
    let pids = start_stubborn(&cloud).await;
    kill(&supervisors_of(pids[0]));
    // The child without variables cannot be found by its mark then; the others are.
    until_gone(&pids[..2]).await;
    until("the end of the processes", || cloud.processes().is_empty().then_some(())).await;
    kill_if_runs(pids[2]);
    cloud.inner.shutdown().await;

    let mut far = FarCloud::start().await;
    let pids = start_stubborn(&far.clients).await;
    let [keeper, guard] = supervisors_of(pids[0]);
    kill(&[i32::try_from(far.process.id()).unwrap(), guard, keeper]);
    far.process.wait().unwrap();
    // The bootstrap goes by itself; what it forked goes when the next cloud starts.
    until_gone(&pids[..1]).await;
    let next = Cloud::start().await;
    until_gone(&pids[..2]).await;
    kill_if_runs(pids[2]);
    next.inner.shutdown().await;
}

fn kill_if_runs(pid: i32) {
    if runs(pid) {
        kill(&[pid]);
    }
}
