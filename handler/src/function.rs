//! From a request to its answer: what is refused, what is put, and what is said about it.

use std::time::SystemTime;

use aws_sdk_kinesis::Client;
use lambda_http::{Body, Request, RequestExt, Response, http::Method, request::RequestContext};
use sha2::{Digest, Sha256};

use crate::{
    MAX_RECORD_BYTES, Settings, answer,
    event::NotBase64,
    json::{Invalid, Problem, compact},
    key::partition_key,
    log,
    put::{self, Attempted, Failure, Place},
};

/// The path that events are posted to.
const SUBMIT_PATH: &str = "/submit";

/// The function: what it answers depends on the request, its settings and its stream alone.
#[derive(Debug, Clone)]
pub struct Function {
    client: Client,
    settings: Settings,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// The event is on the stream.
    Accepted(Place),
    /// The body is not JSON.
    Invalid(Invalid),
    /// The record is larger than the whole way takes.
    TooLarge,
    /// The stream takes no more for now; nothing was put.
    Throttled(String),
    /// The stream failed; nothing was put.
    Failed(String),
    /// The stream did not say whether it took the event.
    Unknown(String),
    /// A path other than `/submit`.
    NotFound,
    /// A method other than POST.
    MethodNotAllowed,
}

/// All that is known of a request when it ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// The gateway's id of the request; absent where none invoked the function.
    pub api_request_id: Option<String>,
    /// Lambda's id of the invocation.
    pub lambda_request_id: String,
    pub outcome: Outcome,
    /// The record's size, newline included; the body's, where there is no record.
    pub bytes: usize,
    /// SHA-256 of the record, newline included.
    pub sha256: Option<String>,
    /// What the stream was asked, where it was.
    pub attempted: Option<Attempted>,
}

impl Report {
    /// The id that the client is told: the gateway's, or Lambda's where there is no gateway.
    pub fn request_id(&self) -> &str {
        self.api_request_id.as_deref().unwrap_or(&self.lambda_request_id)
    }
}

impl Function {
    /// A function that puts to the stream of `settings` with `client`, under time-outs and retries of
    /// its own.
    pub fn new(client: &Client, settings: Settings) -> Self {
        Self { client: put::never_twice(client), settings }
    }

    /// Answers a request and writes its log line.
    pub async fn answer(&self, request: &Request) -> Response<Body> {
        let report = self.handle(request).await;
        log::write(&report, self.settings.log_level, SystemTime::now());
        answer::response(&report)
    }

    /// Does what a request asks for.
    pub(crate) async fn handle(&self, request: &Request) -> Report {
        let context = request.lambda_context_ref();
        let (api_request_id, stage) = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(api)) => (api.request_id.clone(), api.stage.as_deref()),
            _ => (None, None),
        };
        let mut report = Report {
            api_request_id,
            lambda_request_id: context.map(|context| context.request_id.clone()).unwrap_or_default(),
            outcome: Outcome::NotFound,
            bytes: request.body().len(),
            sha256: None,
            attempted: None,
        };
        if within_stage(request.raw_http_path(), stage) != SUBMIT_PATH {
            return report;
        }
        if request.method() != Method::POST {
            report.outcome = Outcome::MethodNotAllowed;
            return report;
        }
        if request.extensions().get::<NotBase64>().is_some() {
            report.outcome = Outcome::Invalid(Invalid { line: 1, column: 1, problem: Problem::NotBase64 });
            return report;
        }
        let mut record = match compact(request.body()) {
            Ok(record) => record,
            Err(invalid) => {
                report.outcome = Outcome::Invalid(invalid);
                return report;
            }
        };
        let key = partition_key(&record, self.settings.partition_key_pointer.as_ref());
        record.push(b'\n');
        report.bytes = record.len();
        report.sha256 = Some(hex::encode(Sha256::digest(&record)));
        if record.len() > MAX_RECORD_BYTES {
            report.outcome = Outcome::TooLarge;
            return report;
        }
        let budget = put::budget(context.map(lambda_http::Context::deadline), SystemTime::now());
        let (result, attempted) = put::put(&self.client, &self.settings.stream_name, key, record, budget).await;
        report.attempted = Some(attempted);
        report.outcome = match result {
            Ok(place) => Outcome::Accepted(place),
            Err(Failure::Throttled(detail)) => Outcome::Throttled(detail),
            Err(Failure::NothingPut(detail)) => Outcome::Failed(detail),
            Err(Failure::Unknown(detail)) => Outcome::Unknown(detail),
        };
        report
    }
}

/// The path without the stage's name, which the gateway puts before it for any stage but `$default`.
fn within_stage<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    stage
        .and_then(|stage| path.strip_prefix('/')?.strip_prefix(stage))
        .filter(|rest| rest.starts_with('/'))
        .unwrap_or(path)
}

#[cfg(test)]
#[path = "function/tests.rs"]
mod tests;
