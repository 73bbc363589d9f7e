//! Recorded exchanges with AWS, replayed through the SDK in tests.
//!
//! An exchange is a file under `tui/tests/recorded`: which operation of which service is asked, with which
//! members, what comes back word for word, and which page of AWS's documentation, or which published recording,
//! its shape is taken from. `.ci/recorded-exchanges` holds each against the service models that botocore ships,
//! so that no test stands on a member that AWS does not have.

use std::path::Path;

use aws_config::{Region, retry::RetryConfig};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use serde::Deserialize;
use serde_json::Value;

use super::{Target, Time};

/// The account of the exchanges.
pub const ACCOUNT_ID: &str = "111122223333";
/// Their region.
pub const REGION: &str = "ap-southeast-2";

/// A request and its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Where the shape is taken from.
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "service")]
    _service: String,
    operation: String,
    /// The members that the request must have, with their values.
    #[serde(default)]
    request: Value,
    /// `METHOD PATH`, of a service that names its operations so.
    rest: Option<String>,
    status: u16,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    /// An object is sent as JSON; lines are sent as they are.
    body: Body,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Body {
    Lines(Vec<String>),
    Json(serde_json::Map<String, Value>),
}

impl Exchange {
    /// The exchange in `tui/tests/recorded/NAME.json`.
    pub fn recorded(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded").join(format!("{name}.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The same with another value in the answer: a status, a name, a time.
    pub fn with(mut self, value: &str, other: &str) -> Self {
        let sent = self.answer();
        assert!(sent.contains(value), "the answer of {} does not have {value}: {sent}", self.operation);
        self.body = Body::Lines(vec![sent.replace(value, other)]);
        self
    }

    fn answer(&self) -> String {
        match &self.body {
            Body::Lines(lines) => lines.join("\n"),
            Body::Json(object) => Value::Object(object.clone()).to_string(),
        }
    }

    fn event(&self) -> ReplayEvent {
        let mut answer = http::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            answer = answer.header(name, value);
        }
        let answer = answer.body(SdkBody::from(self.answer())).expect("an answer");
        let request = http::Request::builder().uri("https://replayed/").body(SdkBody::empty()).expect("a request");
        ReplayEvent::new(request, answer)
    }

    /// What a request lacks to be this exchange's; empty where it is.
    fn misses(&self, request: &aws_smithy_runtime_api::client::orchestrator::HttpRequest) -> Vec<String> {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        if let Some(rest) = &self.rest {
            let path = request.uri().splitn(4, '/').nth(3).unwrap_or_default();
            let asked = format!("{} /{path}", request.method());
            let same =
                asked == *rest || asked.starts_with(&format!("{rest}&")) || asked.starts_with(&format!("{rest}?"));
            return if same { Vec::new() } else { vec![format!("asked {asked}, not {rest}")] };
        }
        if let Some(target) = request.headers().get("x-amz-target") {
            let mut missed = Vec::new();
            if target.rsplit('.').next() != Some(&self.operation) {
                missed.push(format!("asked {target}, not {}", self.operation));
            }
            let sent = serde_json::from_str(&body).unwrap_or_default();
            members(&self.request, &sent, "", &mut missed);
            return missed;
        }
        let sent: Vec<(String, String)> = reqwest::Url::parse(&format!("https://replayed/?{body}"))
            .expect("a form")
            .query_pairs()
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect();
        let mut wanted = vec![("Action".to_owned(), self.operation.clone())];
        form(&self.request, String::new(), &mut wanted);
        wanted.retain(|pair| !sent.contains(pair));
        wanted.into_iter().map(|(key, value)| format!("{}: no {key}={value} in {body}", self.operation)).collect()
    }
}

/// The members of `wanted` that `sent` lacks or has with another value.
fn members(wanted: &Value, sent: &Value, path: &str, missed: &mut Vec<String>) {
    match (wanted, sent) {
        (Value::Object(wanted), Value::Object(sent)) => {
            for (name, value) in wanted {
                members(value, sent.get(name).unwrap_or(&Value::Null), &format!("{path}/{name}"), missed);
            }
        }
        _ if wanted == sent || wanted.is_null() => {}
        _ => missed.push(format!("{path} is {sent}, not {wanted}")),
    }
}

/// Members as the query protocol writes them.
fn form(value: &Value, key: String, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                form(value, key, pairs);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                form(value, format!("{key}.member.{}", index + 1), pairs);
            }
        }
        Value::String(text) => pairs.push((key, text.clone())),
        Value::Null => {}
        other => pairs.push((key, other.to_string())),
    }
}

/// AWS as far as some exchanges go. The SDK does not repeat a call by itself here: each answer is one that the
/// code under test sees.
pub struct Replay {
    client: StaticReplayClient,
    exchanges: Vec<Exchange>,
}

impl Replay {
    /// These exchanges, in this order.
    pub fn of(exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        let exchanges: Vec<_> = exchanges.into_iter().collect();
        let client = StaticReplayClient::new(exchanges.iter().map(Exchange::event).collect());
        Self { client, exchanges }
    }

    /// The recorded ones of these names, in this order.
    pub fn recorded(names: &[&str]) -> Self {
        Self::of(names.iter().map(|name| Exchange::recorded(name)))
    }

    /// A target that is answered from here.
    pub fn target(&self) -> Target {
        let mut target = Target::scripted(self.client.clone(), Time::default());
        let config = target.config.into_builder().region(Region::new(REGION)).retry_config(RetryConfig::disabled());
        target.config = config.build();
        target
    }

    /// Every exchange took place, each was asked for what it answers, and nothing else was.
    #[track_caller]
    pub fn assert_asked(&self) {
        let asked: Vec<_> = self.client.actual_requests().collect();
        for (exchange, request) in self.exchanges.iter().zip(&asked) {
            let missed = exchange.misses(request);
            assert!(missed.is_empty(), "{missed:#?}");
        }
        assert_eq!(asked.len(), self.exchanges.len(), "requests, and exchanges that were recorded for them");
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::metadata::ProvideErrorMetadata;

    use super::*;

    #[tokio::test]
    async fn a_recorded_answer_is_read_by_the_sdk() {
        let replay = Replay::recorded(&["cloudformation/describe-change-set"]);
        let client = replay.target().cloudformation();
        let found = client
            .describe_change_set()
            .stack_name("tailwater")
            .change_set_name("tailwater-1")
            .include_property_values(true)
            .send()
            .await
            .expect("an answer");
        replay.assert_asked();
        let change = found.changes()[0].resource_change().expect("a change");
        let target = change.details()[0].target().expect("its property");
        assert_eq!((target.before_value(), target.after_value()), (Some("50"), Some("77")));
    }

    #[tokio::test]
    async fn every_recorded_refusal_has_its_code() {
        let replay = Replay::recorded(&["sts/get-caller-identity-expired", "s3/put-object-foreign-owner"]);
        let target = replay.target();
        let identity = target.sts().get_caller_identity().send().await;
        assert_eq!(identity.expect_err("refused").code(), Some("ExpiredToken"));
        let put = target
            .s3()
            .put_object()
            .bucket("tailwater-artifacts-111122223333-ap-southeast-2")
            .key("functions/0f5a.zip")
            .expected_bucket_owner(ACCOUNT_ID)
            .send()
            .await;
        assert_eq!(put.expect_err("refused").code(), Some("AccessDenied"));
        replay.assert_asked();

        let replay = Replay::recorded(&["kinesis/get-records-throttled"]);
        let records = replay.target().kinesis().get_records().shard_iterator("AAAAAAAAAAE").send().await;
        assert_eq!(records.expect_err("refused").code(), Some("ProvisionedThroughputExceededException"));
        replay.assert_asked();
    }

    #[tokio::test]
    async fn the_values_of_an_answer_can_be_others() {
        let stack = Exchange::recorded("cloudformation/describe-stacks").with("CREATE_COMPLETE", "ROLLBACK_FAILED");
        let replay = Replay::of([stack]);
        let found = replay.target().cloudformation().describe_stacks().stack_name("tailwater").send().await;
        let status = found.expect("an answer").stacks()[0].stack_status().cloned();
        assert_eq!(status.expect("a status").as_str(), "ROLLBACK_FAILED");
    }

    #[tokio::test]
    #[should_panic(expected = "no StackName=tailwater")]
    async fn another_request_than_the_recorded_is_not_taken() {
        let replay = Replay::recorded(&["cloudformation/describe-stacks"]);
        let _ = replay.target().cloudformation().describe_stacks().stack_name("other").send().await;
        replay.assert_asked();
    }
}
