//! Every answer, against a Kinesis that says what a test wants.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_kinesis::config::http::HttpRequest;
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::HttpResponse,
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use base64::{Engine, engine::general_purpose::STANDARD};
use lambda_http::Context;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Event, Level, Pointer, client::configuration};

/// What Kinesis does with one attempt.
#[derive(Debug, Clone)]
enum Step {
    Answer(u16, Value),
    /// The connection is lost after the request was sent.
    Lost,
    /// Nothing comes.
    Silence,
}

/// A Kinesis that follows a script and remembers what it was sent. After the script it accepts.
#[derive(Debug, Clone, Default)]
struct Kinesis {
    script: Arc<Mutex<VecDeque<Step>>>,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl Kinesis {
    fn that(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { script: Arc::new(Mutex::new(steps.into_iter().collect())), ..Self::default() }
    }

    fn seen(&self) -> Vec<Value> {
        self.seen.lock().unwrap().clone()
    }

    /// The bytes of the only record that it was sent.
    fn record(&self) -> Vec<u8> {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        STANDARD.decode(seen[0]["Data"].as_str().unwrap()).unwrap()
    }

    fn function(&self, pointer: Option<&str>) -> Function {
        let connector = SharedHttpConnector::new(self.clone());
        let http = http_client_fn(move |_, _| connector.clone());
        let variables =
            [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        let configuration = configuration(http, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        Function::new(
            &Client::from_conf(configuration.unwrap()),
            Settings {
                stream_name: "events".into(),
                partition_key_pointer: pointer.map(|text| Pointer::parse(text).unwrap()),
                log_level: Level::Fatal,
            },
        )
    }
}

impl HttpConnector for Kinesis {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        assert_eq!(request.headers().get("x-amz-target"), Some("Kinesis_20131202.PutRecord"));
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        self.seen.lock().unwrap().push(body);
        let step =
            self.script.lock().unwrap().pop_front().unwrap_or_else(|| {
                Step::Answer(200, json!({"ShardId": "shardId-000000000003", "SequenceNumber": "496"}))
            });
        match step {
            Step::Answer(status, body) => HttpConnectorFuture::ready(Ok(HttpResponse::new(
                StatusCode::try_from(status).unwrap(),
                SdkBody::from(body.to_string()),
            ))),
            Step::Lost => HttpConnectorFuture::ready(Err(ConnectorError::io(
                io::Error::from(io::ErrorKind::ConnectionReset).into(),
            ))),
            Step::Silence => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

fn throttled() -> Step {
    let message = "Rate exceeded for shard shardId-000000000000 in stream events under account 111122223333.";
    Step::Answer(400, json!({"__type": "ProvisionedThroughputExceededException", "message": message}))
}

fn event(method: &str, path: &str, body: impl Into<Value>, base64: bool) -> Request {
    let event = json!({
        "version": "2.0",
        "routeKey": "POST /submit",
        "rawPath": path,
        "headers": {"content-type": "application/json"},
        "requestContext": {"requestId": "api-1", "stage": "$default", "http": {"method": method, "path": path}},
        "body": body.into(),
        "isBase64Encoded": base64,
    });
    let mut context = Context::default();
    context.request_id = "lambda-1".into();
    serde_json::from_value::<Event>(event).unwrap().into_request(context)
}

fn submit(body: &str) -> Request {
    event("POST", "/submit", body, false)
}

fn submit_bytes(body: &[u8]) -> Request {
    event("POST", "/submit", STANDARD.encode(body), true)
}

/// Status, body and log line of a request.
async fn ask(function: &Function, request: &Request) -> (u16, Value, Value) {
    let report = function.handle(request).await;
    let response = answer::response(&report);
    assert_eq!(response.headers()["content-type"], "application/json");
    let line = log::line(&report, SystemTime::now());
    assert!(!line.contains('\n'));
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    if response.status() != 202 {
        assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
        assert_eq!(body["error"].as_object().unwrap().len(), 2, "{body}");
        assert!(body["error"]["message"].is_string());
    }
    assert_eq!(body["requestId"], "api-1");
    (response.status().as_u16(), body, serde_json::from_str(&line).unwrap())
}

#[tokio::test]
async fn an_event_is_put_compact_with_one_newline_and_told_of() {
    let kinesis = Kinesis::default();
    let (status, body, line) =
        ask(&kinesis.function(None), &submit("{\"event\": \"signup\", \"user_id\": 1.50}\n")).await;
    assert_eq!(status, 202);
    assert_eq!(body, json!({"requestId": "api-1", "shardId": "shardId-000000000003", "sequenceNumber": "496"}));
    let record = kinesis.record();
    assert_eq!(record, b"{\"event\":\"signup\",\"user_id\":1.50}\n");
    assert_eq!(kinesis.seen()[0]["StreamName"], "events");
    let key = kinesis.seen()[0]["PartitionKey"].as_str().unwrap().to_owned();
    assert!(uuid::Uuid::parse_str(&key).is_ok(), "{key}");
    for (name, value) in [
        ("level", json!("INFO")),
        ("apiRequestId", json!("api-1")),
        ("lambdaRequestId", json!("lambda-1")),
        ("outcome", json!("accepted")),
        ("status", json!(202)),
        ("bytes", json!(record.len())),
        ("sha256", json!(hex::encode(Sha256::digest(&record)))),
        ("shardId", json!("shardId-000000000003")),
        ("sequenceNumber", json!("496")),
        ("attempts", json!(1)),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    assert!(line["kinesisMs"].as_f64().unwrap() >= 0.0);
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    assert!(!line.to_string().contains("signup"));
}

#[tokio::test]
async fn a_body_in_base64_is_the_same() {
    let kinesis = Kinesis::default();
    let (status, ..) = ask(&kinesis.function(None), &submit_bytes("{\"a\": \"é\"}".as_bytes())).await;
    assert_eq!((status, kinesis.record()), (202, "{\"a\":\"é\"}\n".as_bytes().to_vec()));
    let (status, body, _) = ask(&Kinesis::default().function(None), &event("POST", "/submit", "1", true)).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("InvalidJson")));
}

#[tokio::test]
async fn what_is_not_json_is_400_with_line_and_column_and_never_put() {
    let function = Kinesis::default();
    for body in [
        b"".as_slice(),
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"\"\0\"",
        b"{}{}",
        b"{\n  'secret': 1}",
        b"[1,]",
        b"\"\xed\xa0\x80\"",
    ] {
        let (status, answer, line) = ask(&function.function(None), &submit_bytes(body)).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("InvalidJson")), "{body:?}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(" at line ") && message.contains(", column "), "{message}");
        assert_eq!((&line["outcome"], &line["level"]), (&json!("invalid"), &json!("WARN")));
        assert_eq!(line["bytes"], body.len());
        assert!(line["line"].is_u64() && line["column"].is_u64());
        assert!(!line.to_string().contains("secret"));
    }
    let (status, ..) = ask(&function.function(None), &event("POST", "/submit", Value::Null, false)).await;
    assert_eq!(status, 400);
    assert!(function.seen().is_empty());
}

#[tokio::test]
async fn what_parsers_disagree_about_is_put_as_sent() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    for body in [deep.as_str(), r#"{"a":"\ud800","a":1e99999}"#, "123456789012345678901234567890.10", "null"] {
        let kinesis = Kinesis::default();
        let (status, ..) = ask(&kinesis.function(Some("/a")), &submit(body)).await;
        assert_eq!((status, kinesis.record()), (202, format!("{body}\n").into_bytes()));
    }
}

#[tokio::test]
async fn the_largest_record_is_1000_kib_with_its_newline() {
    let text = |record_bytes: usize| format!(" \"{}\" ", "a".repeat(record_bytes - 3));
    let kinesis = Kinesis::default();
    let (status, ..) = ask(&kinesis.function(None), &submit(&text(1_024_000))).await;
    assert_eq!((status, kinesis.record().len()), (202, 1_024_000));
    let kinesis = Kinesis::default();
    let (status, body, line) = ask(&kinesis.function(None), &submit(&text(1_024_001))).await;
    assert_eq!((status, &body["error"]["code"]), (413, &json!("EventTooLarge")));
    assert_eq!((&line["outcome"], &line["bytes"]), (&json!("too_large"), &json!(1_024_001)));
    assert!(kinesis.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_throttled_event_is_tried_again_and_put_once() {
    let kinesis = Kinesis::that([throttled(), throttled()]);
    let (status, _, line) = ask(&kinesis.function(None), &submit("1")).await;
    assert_eq!((status, &line["attempts"]), (202, &json!(3)));
    assert_eq!(kinesis.seen().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stays_throttled_is_503_with_retry_after() {
    let kinesis = Kinesis::that([throttled(), throttled(), throttled()]);
    let function = kinesis.function(None);
    let report = function.handle(&submit("1")).await;
    let response = answer::response(&report);
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(body["error"]["code"], "Throttled");
    assert!(!body.to_string().contains("111122223333"), "{body}");
    let line: Value = serde_json::from_str(&log::line(&report, SystemTime::now())).unwrap();
    assert_eq!((&line["outcome"], &line["level"], &line["attempts"]), (&json!("throttled"), &json!("WARN"), &json!(3)));
    assert_eq!(line.get("maybePut"), None);
    assert!(line["error"].as_str().unwrap().contains("Rate exceeded"));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_put_is_502_and_not_tried_again() {
    for step in [
        Step::Lost,
        Step::Silence,
        Step::Answer(500, json!({"__type": "InternalFailure"})),
        Step::Answer(503, json!({"__type": "ServiceUnavailable"})),
        Step::Answer(200, json!("no output")),
    ] {
        let kinesis = Kinesis::that([step.clone()]);
        let (status, body, line) = ask(&kinesis.function(None), &submit("1")).await;
        assert_eq!((status, &body["error"]["code"]), (502, &json!("OutcomeUnknown")), "{step:?}");
        assert_eq!(kinesis.seen().len(), 1, "{step:?} was tried again");
        assert_eq!((&line["outcome"], &line["level"]), (&json!("unknown"), &json!("ERROR")));
        assert_eq!((&line["maybePut"], &line["attempts"]), (&json!(true), &json!(1)));
        assert!(!line["error"].as_str().unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn silence_after_a_throttle_is_not_called_a_throttle() {
    let kinesis = Kinesis::that([throttled(), Step::Silence]);
    let (status, body, line) = ask(&kinesis.function(None), &submit("1")).await;
    assert_eq!((status, &body["error"]["code"]), (502, &json!("OutcomeUnknown")));
    assert_eq!(line["attempts"], 2);
}

#[tokio::test]
async fn a_refusal_of_kinesis_is_502_and_stays_inside() {
    for code in
        ["AccessDeniedException", "ResourceNotFoundException", "ValidationException", "InvalidArgumentException"]
    {
        let message = "arn:aws:kinesis:eu-west-1:111122223333:stream/events";
        let kinesis = Kinesis::that([Step::Answer(400, json!({"__type": code, "message": message}))]);
        let (status, body, line) = ask(&kinesis.function(None), &submit("1")).await;
        assert_eq!((status, &body["error"]["code"]), (502, &json!("StreamFailed")), "{code}");
        assert!(!body.to_string().contains("kinesis") && !body.to_string().contains(code), "{body}");
        assert_eq!((&line["outcome"], line.get("maybePut")), (&json!("failed"), None));
        let error = line["error"].as_str().unwrap();
        assert!(error.starts_with(code), "{error}");
        // A validation message repeats what it refuses, and that can be a piece of the event.
        assert_eq!(error.contains(message), !code.starts_with('V') && !code.starts_with('I'), "{error}");
        assert_eq!(kinesis.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_is_never_made_put_nothing() {
    // A port that was free a moment ago: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let configuration = configuration(crate::client::http_client(), |name| match name {
        "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
        _ => Some("eu-west-1".into()).filter(|_| !name.starts_with("AWS_ENDPOINT")),
    });
    let settings = Kinesis::default().function(None).settings;
    let function = Function::new(&Client::from_conf(configuration.unwrap()), settings);
    let (status, body, line) = ask(&function, &submit("1")).await;
    assert_eq!((status, &body["error"]["code"]), (502, &json!("StreamFailed")));
    assert_eq!((&line["attempts"], line.get("maybePut")), (&json!(3), None));
}

#[tokio::test]
async fn other_paths_and_methods_get_the_same_shape() {
    let function = Kinesis::default().function(None);
    let (status, body, line) = ask(&function, &event("POST", "/", "{}", false)).await;
    assert_eq!((status, &body["error"]["code"], &line["outcome"]), (404, &json!("NotFound"), &json!("not_found")));
    let request = event("GET", "/submit", Value::Null, false);
    let (status, body, line) = ask(&function, &request).await;
    assert_eq!((status, &body["error"]["code"]), (405, &json!("MethodNotAllowed")));
    assert_eq!(line["outcome"], "method_not_allowed");
    assert_eq!(answer::response(&function.handle(&request).await).headers()["allow"], "POST");
}

#[tokio::test]
async fn the_key_comes_from_the_event_where_it_is_told_to() {
    for (body, key) in [
        (r#"{"user": {"id": "ann"}}"#, "ann"),
        (r#"{"user": {"id": 1.50}}"#, "1.50"),
        (r#"{"user": {"id": true}}"#, "true"),
    ] {
        let kinesis = Kinesis::default();
        ask(&kinesis.function(Some("/user/id")), &submit(body)).await;
        assert_eq!(kinesis.seen()[0]["PartitionKey"], key);
    }
}

#[tokio::test]
async fn an_invocation_without_a_gateway_is_told_lambdas_id() {
    let mut context = Context::default();
    context.request_id = "lambda-1".into();
    let report = Kinesis::default().function(None).handle(&Event::default().into_request(context)).await;
    let body: Value = serde_json::from_slice(answer::response(&report).body()).unwrap();
    assert_eq!((report.outcome.clone(), &body["requestId"]), (Outcome::NotFound, &json!("lambda-1")));
    let line: Value = serde_json::from_str(&log::line(&report, SystemTime::now())).unwrap();
    assert_eq!(line.get("apiRequestId"), None);
}

#[test]
fn a_stages_name_is_no_part_of_the_path() {
    assert_eq!(within_stage("/submit", Some("$default")), "/submit");
    assert_eq!(within_stage("/prod/submit", Some("prod")), "/submit");
    assert_eq!(within_stage("/production/submit", Some("prod")), "/production/submit");
    assert_eq!(within_stage("/submit", None), "/submit");
}

#[test]
fn kinesis_gets_no_more_time_than_the_invocation_has() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let left = |seconds| put::budget(Some(now + Duration::from_secs(seconds)), now);
    assert_eq!(left(3), Duration::from_millis(2_500));
    assert_eq!(left(900), Duration::from_secs(8));
    assert_eq!(put::budget(Some(now), now + Duration::from_secs(1)), Duration::ZERO);
    assert_eq!(put::budget(None, now), Duration::from_secs(8));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_is_put_or_refused_and_never_logged(body in prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        "\\{\"payload[a-z]{0,8}\":[0-9]{1,9}\\}".prop_map(String::into_bytes),
    ]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let kinesis = Kinesis::default();
        let (status, _, line) = runtime.block_on(ask(&kinesis.function(Some("/payload")), &submit_bytes(&body)));
        prop_assert!(matches!(status, 202 | 400));
        prop_assert_eq!(kinesis.seen().len(), usize::from(status == 202));
        prop_assert!(!line.to_string().contains("payload"));
    }
}
