//! Reads what came back: the function's own answers, and the gateway's `{"message"}`.

use serde_json::Value;
use tailwater_core::events::{Answer, ApiRequestId};

/// What an answer says. `request_id`: the header `apigw-requestid`.
pub fn read(status: u16, request_id: Option<String>, body: &[u8]) -> Answer {
    let json: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let api_request_id = request_id.or_else(|| text(&json, "requestId")).map(ApiRequestId);
    let place = text(&json, "shardId").zip(text(&json, "sequenceNumber"));
    if status == 202
        && let (Some((shard, number)), Some(api_request_id)) = (place, api_request_id.clone())
    {
        return Answer::Accepted { api_request_id, shard_id: shard.into(), sequence_number: number.into() };
    }
    let error = json.get("error");
    let code = error.and_then(|error| text(error, "code"));
    let words = error.and_then(|error| text(error, "message")).or_else(|| text(&json, "message"));
    let words = words.unwrap_or_else(|| String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned());
    // A refusal of the gateway's or of the function's check comes before anything is put, and the
    // function says so where Kinesis refused. A success without a place, and all other 5xx, prove
    // nothing.
    let function_proves = matches!(code.as_deref(), Some("Throttled" | "StreamFailed"));
    let nothing_put = (300..500).contains(&status) || function_proves;
    Answer::Refused { status, nothing_put, api_request_id, message: explained(status, &words) }
}

/// The answer's words with what to do, where that is known.
fn explained(status: u16, words: &str) -> String {
    match status {
        429 => format!("{words}: the API's throttle. Raise it with --param ThrottleRate=… --param ThrottleBurst=…"),
        403 => format!("{words}: AuthMode IAM wants signed requests"),
        401 => format!("{words}: AuthMode JWT wants --bearer TOKEN"),
        _ => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_event_has_its_place() {
        let body = br#"{"requestId":"r","shardId":"shardId-000000000000","sequenceNumber":"4966"}"#;
        assert!(matches!(read(202, Some("r".into()), body), Answer::Accepted { .. }));
    }

    #[test]
    fn only_what_proves_it_says_that_nothing_was_put() {
        let proof = |status, body: &[u8]| match read(status, Some("r".into()), body) {
            Answer::Refused { nothing_put, .. } => nothing_put,
            other => panic!("{other:?}"),
        };
        assert!(proof(429, br#"{"message":"Too Many Requests"}"#));
        assert!(proof(400, br#"{"error":{"code":"InvalidJson","message":"line 1 column 2"},"requestId":"r"}"#));
        assert!(proof(503, br#"{"error":{"code":"Throttled","message":"slow down"},"requestId":"r"}"#));
        assert!(!proof(503, br#"{"message":"Service Unavailable"}"#));
        assert!(!proof(500, br#"{"message":"Internal Server Error"}"#));
        assert!(!proof(502, br#"{"error":{"code":"OutcomeUnknown","message":"?"},"requestId":"r"}"#));
        assert!(!proof(200, b"null"));
    }

    #[test]
    fn words_come_from_whoever_refused() {
        let Answer::Refused { message, .. } = read(429, None, br#"{"message":"Too Many Requests"}"#) else {
            panic!("refused")
        };
        assert!(message.starts_with("Too Many Requests") && message.contains("ThrottleRate"));
    }
}
