//! What the client is told. Every error has the same shape, and nothing of AWS's inside is in it.

use lambda_http::{
    Body, Response,
    http::{
        HeaderValue, StatusCode,
        header::{ALLOW, CONTENT_TYPE, RETRY_AFTER},
    },
};
use serde::Serialize;

use crate::{
    MAX_RECORD_BYTES,
    function::{Outcome, Report},
};

/// After how many seconds a throttled client may try again: a shard's budget is one of a second.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted<'a> {
    request_id: &'a str,
    shard_id: &'a str,
    sequence_number: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refused<'a> {
    error: Error<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
}

/// The answer to a request that ended as `report` says.
pub(crate) fn response(report: &Report) -> Response<Body> {
    let request_id = report.request_id();
    let body = match (&report.outcome, error(report)) {
        (Outcome::Accepted(place), _) => serde_json::to_string(&Accepted {
            request_id,
            shard_id: &place.shard_id,
            sequence_number: &place.sequence_number,
        }),
        (_, (code, message)) => {
            serde_json::to_string(&Refused { error: Error { code, message: &message }, request_id })
        }
    };
    let mut response = Response::new(Body::Text(body.unwrap_or_default()));
    *response.status_mut() = status(&report.outcome);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match report.outcome {
        Outcome::Throttled(_) => {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        Outcome::MethodNotAllowed => {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        _ => {}
    }
    response
}

/// The status of an outcome.
pub(crate) const fn status(outcome: &Outcome) -> StatusCode {
    match outcome {
        Outcome::Accepted(_) => StatusCode::ACCEPTED,
        Outcome::Invalid(_) => StatusCode::BAD_REQUEST,
        Outcome::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Outcome::Throttled(_) => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::Failed(_) | Outcome::Unknown(_) => StatusCode::BAD_GATEWAY,
        Outcome::NotFound => StatusCode::NOT_FOUND,
        Outcome::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
    }
}

fn error(report: &Report) -> (&'static str, String) {
    match &report.outcome {
        Outcome::Accepted(_) => ("", String::new()),
        Outcome::Invalid(invalid) => ("InvalidJson", invalid.to_string()),
        Outcome::TooLarge => (
            "EventTooLarge",
            format!(
                "the event takes {} bytes without whitespace and with its newline; at most {MAX_RECORD_BYTES} \
                 (1,000 KiB) go through",
                report.bytes
            ),
        ),
        Outcome::Throttled(_) => {
            ("Throttled", "the stream takes no more events for now; nothing was stored, try again".into())
        }
        Outcome::Failed(_) => ("StreamFailed", "the stream did not take the event; nothing was stored".into()),
        Outcome::Unknown(_) => (
            "OutcomeUnknown",
            "the stream did not answer; the event may or may not be stored, and sending it again may store it twice"
                .into(),
        ),
        Outcome::NotFound => ("NotFound", "there is nothing at this path; events go to POST /submit".into()),
        Outcome::MethodNotAllowed => ("MethodNotAllowed", "events go to POST /submit".into()),
    }
}
