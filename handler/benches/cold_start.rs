//! The measuring half of `benches/cold-start`: starts each function in turns against a Lambda
//! Runtime API and a Kinesis over TLS, both in this process, and tells how long each start took.
//!
//! Reads what to measure as JSON from standard input and writes the figures as JSON. It is a program
//! of its own, without an async runtime, so that little of what is measured is its own time.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// How long a start may take.
const START_DEADLINE: Duration = Duration::from_mins(1);

/// What to measure.
#[derive(Deserialize)]
struct Plan {
    starts: usize,
    /// Events after the first one.
    warm_events: usize,
    certificate: PathBuf,
    key: PathBuf,
    /// Where the functions start.
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    variants: BTreeMap<String, Vec<String>>,
    event_body: String,
    /// What has to arrive in Kinesis.
    record: String,
}

/// One start.
struct Figures {
    cold_ms: f64,
    memory_mb: f64,
    warm_ms: f64,
}

fn main() {
    let plan: Plan = serde_json::from_reader(std::io::stdin()).expect("a plan as JSON on standard input");
    let kinesis = Kinesis::start(&plan);
    let mut results: BTreeMap<&str, Vec<Figures>> = BTreeMap::new();
    // The first start of each fills the file cache and is not counted.
    for turn in 0..=plan.starts {
        for (name, command) in &plan.variants {
            let figures = start(&plan, command, &kinesis.address);
            if turn > 0 {
                results.entry(name).or_default().push(figures);
            }
        }
    }
    let expected = (plan.starts + 1) * plan.variants.len() * (1 + plan.warm_events);
    assert_eq!(kinesis.puts.load(Ordering::SeqCst), expected, "puts");
    let medians: BTreeMap<&str, Value> = results
        .iter()
        .map(|(name, figures)| {
            let of = |value: fn(&Figures) -> f64| median(figures.iter().map(value).collect());
            let value = json!({
                "cold_ms": of(|figures| figures.cold_ms),
                "memory_mb": of(|figures| figures.memory_mb),
                "warm_ms": of(|figures| figures.warm_ms),
            });
            (*name, value)
        })
        .collect();
    println!("{}", json!(medians));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] }
}

/// Starts a function, has it answer every event, and ends it.
fn start(plan: &Plan, command: &[String], kinesis: &str) -> Figures {
    // A Runtime API for each start, so that what the last process still asked for goes nowhere.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let api = listener.local_addr().expect("its address").to_string();
    let answers = serve_runtime_api(listener, 1 + plan.warm_events, &plan.event_body);
    let output = plan.folder.join("output");
    let file = File::create(&output).expect("a file for the function's output");
    let mut command = command.iter();
    let mut process = Command::new(command.next().expect("a program"));
    process
        .args(command)
        .current_dir(&plan.folder)
        .env_clear()
        .envs(&plan.environment)
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .env("AWS_ENDPOINT_URL", format!("https://{kinesis}"))
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("the file"))
        .stderr(file);
    let began = Instant::now();
    let mut process = process.spawn().expect("the function starts");
    let fail = |problem: String, process: &mut Child| -> ! {
        let _ = process.kill();
        panic!("{problem}\n{}", std::fs::read_to_string(&output).unwrap_or_default());
    };
    let next = |process: &mut Child| match answers.recv_timeout(START_DEADLINE) {
        Ok(answer) if answer.response["statusCode"] == 202 => answer,
        Ok(answer) => fail(format!("answered {}", answer.response), process),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => fail("no answer".to_owned(), process),
    };
    let cold_ms = millis(next(&mut process).at - began);
    let memory_mb = peak_memory_mb(process.id());
    let warm = (0..plan.warm_events).map(|_| millis(next(&mut process).took)).collect();
    let _ = process.kill();
    let _ = process.wait();
    Figures { cold_ms, memory_mb, warm_ms: median(warm) }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The most memory that a process held at any one time.
fn peak_memory_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its memory");
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().expect("kilobytes") / 1_024.0
}

/// An answer of the function.
struct Answered {
    at: Instant,
    /// Since its event was handed out.
    took: Duration,
    response: Value,
}

/// Hands out so many events, each once, and tells of every answer.
fn serve_runtime_api(listener: TcpListener, events: usize, body: &str) -> Receiver<Answered> {
    let (answered, answers) = channel();
    let left = Arc::new(AtomicUsize::new(events));
    let given = Arc::new(Mutex::new(Instant::now()));
    let body = body.to_owned();
    thread::spawn(move || {
        // The thread ends with the measurement: nobody asks a Runtime API of an earlier start.
        for connection in listener.incoming().flatten() {
            let (answered, left, given, body) = (answered.clone(), left.clone(), given.clone(), body.clone());
            thread::spawn(move || runtime_api(&connection, &answered, &left, &given, &body));
        }
    });
    answers
}

fn runtime_api(
    connection: &TcpStream,
    answered: &Sender<Answered>,
    left: &AtomicUsize,
    given: &Mutex<Instant>,
    body: &str,
) {
    let _ = connection.set_nodelay(true);
    let mut reader = BufReader::new(connection);
    let mut writer = connection;
    while let Some(request) = Request::read(&mut reader) {
        if request.path.ends_with("/runtime/invocation/next") {
            let taken = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            let Ok(number) = taken else {
                // As Lambda does where there is no event: the answer is waited for.
                let _ = reader.read(&mut [0]);
                return;
            };
            let (headers, event) = invocation(number, body);
            *given.lock().expect("not poisoned") = Instant::now();
            let _ = writer.write_all(&response("200 OK", &headers, event.to_string().as_bytes()));
        } else {
            let at = Instant::now();
            let took = at - *given.lock().expect("not poisoned");
            let _ = writer.write_all(&response("202 Accepted", &[], b""));
            let response = if request.path.ends_with("/response") {
                serde_json::from_slice(&request.body).unwrap_or_default()
            } else {
                json!({"path": request.path, "body": String::from_utf8_lossy(&request.body)})
            };
            if answered.send(Answered { at, took, response }).is_err() {
                return;
            }
        }
    }
}

/// The headers and body of one invocation.
fn invocation(number: usize, body: &str) -> ([(&'static str, String); 5], Value) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", format!("8476a536-e9f4-11e8-9739-{number:012}")),
        ("lambda-runtime-deadline-ms", (now + 10_000).to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:123456789012:function:submit".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_owned()),
    ];
    let event = json!({
        "version": "2.0",
        "routeKey": "POST /submit",
        "rawPath": "/submit",
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "example.execute-api.amazonaws.com"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "example",
            "domainName": "example.execute-api.amazonaws.com",
            "http": {"method": "POST", "path": "/submit", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            "requestId": format!("api-{number}"),
            "routeKey": "POST /submit",
            "stage": "$default",
            "timeEpoch": u64::try_from(now).unwrap_or_default(),
        },
        "body": body,
        "isBase64Encoded": false,
    });
    (headers, event)
}

/// Takes `PutRecord` over TLS, checks the record, numbers it.
struct Kinesis {
    address: String,
    puts: Arc<AtomicUsize>,
}

impl Kinesis {
    fn start(plan: &Plan) -> Self {
        let chain = vec![CertificateDer::from_pem_file(&plan.certificate).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_file(&plan.key).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a certificate that fits its key");
        let tls = Arc::new(tls);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let puts = Arc::new(AtomicUsize::new(0));
        let (counted, record) = (puts.clone(), plan.record.clone());
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (tls, counted, record) = (tls.clone(), counted.clone(), record.clone());
                thread::spawn(move || {
                    let _ = connection.set_nodelay(true);
                    let session = ServerConnection::new(tls).expect("a session");
                    put_records(StreamOwned::new(session, connection), &counted, &record);
                });
            }
        });
        Self { address, puts }
    }
}

fn put_records(stream: StreamOwned<ServerConnection, TcpStream>, puts: &AtomicUsize, record: &str) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = Request::read(&mut stream) {
        assert_eq!(request.header("x-amz-target"), Some("Kinesis_20131202.PutRecord"));
        assert!(request.header("authorization").is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 ")));
        let body: Value = serde_json::from_slice(&request.body).expect("JSON");
        let data = STANDARD.decode(body["Data"].as_str().unwrap_or_default()).expect("base64");
        assert_eq!(String::from_utf8_lossy(&data), record);
        let number = puts.fetch_add(1, Ordering::SeqCst) + 1;
        let output = json!({"ShardId": "shardId-000000000000", "SequenceNumber": number.to_string()});
        let headers = [("content-type", "application/x-amz-json-1.1".to_owned())];
        if stream.get_mut().write_all(&response("200 OK", &headers, output.to_string().as_bytes())).is_err() {
            return;
        }
    }
}

/// An HTTP/1.1 request with its whole body.
struct Request {
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// `None` where the connection ends.
    fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut line = String::new();
        let mut next = |reader: &mut dyn BufRead| {
            line.clear();
            reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
            Some(line.trim_end().to_owned())
        };
        let path = next(reader)?.split(' ').nth(1)?.to_owned();
        let mut headers = Vec::new();
        loop {
            let line = next(reader)?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self { path, headers, body: Vec::new() };
        if request.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = next(reader)?;
                let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
                let start = request.body.len();
                request.body.resize(start + size, 0);
                reader.read_exact(&mut request.body[start..]).ok()?;
                next(reader)?;
                if size == 0 {
                    break;
                }
            }
        } else {
            let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            request.body.resize(length, 0);
            reader.read_exact(&mut request.body).ok()?;
        }
        Some(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// An HTTP/1.1 response in one piece.
fn response(status: &str, headers: &[(&str, String)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len()).into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}
