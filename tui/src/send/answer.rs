//! Reads what came back: the function's own answers, and the gateway's `{"message"}`.

use serde_json::Value;
use tailwater_core::{
    events::{Answer, ApiRequestId},
    pipeline::AuthMode,
};

/// What an answer comes with, and how it was asked.
#[derive(Debug, Default)]
pub struct Context<'a> {
    /// Whom the API lets in, as the stack says.
    pub auth_mode: AuthMode,
    /// Who signed the request, where it was signed.
    pub signer: Option<&'a str>,
    /// The header `apigw-requestid`.
    pub request_id: Option<String>,
    /// The header `www-authenticate`: why a token was not taken.
    pub challenge: Option<String>,
}

/// What an answer says.
pub fn read(status: u16, body: &[u8], context: &Context<'_>) -> Answer {
    let json: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let api_request_id = context.request_id.clone().or_else(|| text(&json, "requestId")).map(ApiRequestId);
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
    Answer::Refused { status, nothing_put, api_request_id, message: explained(status, &words, context) }
}

/// The answer's words with what to do, where that is known.
fn explained(status: u16, words: &str, context: &Context<'_>) -> String {
    let challenge = context.challenge.as_deref().and_then(error_description).map(|why| format!(" ({why})"));
    let challenge = challenge.unwrap_or_default();
    match (status, context.auth_mode) {
        (429, _) => {
            format!("{words}: the API's throttle. Raise it with --param ThrottleRate=… --param ThrottleBurst=…")
        }
        (401, AuthMode::Jwt) => format!(
            "{words}{challenge}: AuthMode is JWT, and the token was not taken: give --bearer TOKEN (or TAILWATER_BEARER) \
             of the stack's JwtIssuer and JwtAudience that has not expired"
        ),
        (403, AuthMode::Jwt) => {
            format!(
                "{words}{challenge}: AuthMode is JWT, and the token was taken but may not do this: it lacks a scope"
            )
        }
        (403, AuthMode::Iam) => match context.signer {
            Some(signer) => format!(
                "{words}: AuthMode is IAM, and {signer}, who signed, may not call the API: allow execute-api:Invoke on it, \
                 or choose another --profile"
            ),
            None => format!(
                "{words}: AuthMode is IAM, which wants signed requests; a header of yours took the signature's place"
            ),
        },
        (401 | 403, mode) => format!(
            "{words}{challenge}: the stack says AuthMode {}, so this was not its own authorizer: a firewall, or the API \
             was changed by hand",
            mode.as_str()
        ),
        _ => words.to_owned(),
    }
}

/// `error_description="…"` of a challenge (RFC 6750).
fn error_description(challenge: &str) -> Option<&str> {
    challenge.split_once("error_description=\"")?.1.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_id() -> Context<'static> {
        Context { request_id: Some("r".to_owned()), ..Context::default() }
    }

    #[test]
    fn a_refusal_says_whose_it_was_and_what_to_do() {
        let said = |status, auth_mode, signer, challenge: Option<&str>| {
            let context = Context { auth_mode, signer, challenge: challenge.map(str::to_owned), request_id: None };
            match read(status, br#"{"message":"Forbidden"}"#, &context) {
                Answer::Refused { message, .. } => message,
                other => panic!("{other:?}"),
            }
        };
        let signed = said(403, AuthMode::Iam, Some("role admin"), None);
        assert!(signed.contains("role admin") && signed.contains("execute-api:Invoke"), "{signed}");
        assert!(said(403, AuthMode::Iam, None, None).contains("wants signed requests"));
        // API Gateway developer guide, JWT authorizers: the answer's challenge.
        let challenge = r#"Bearer scope="" error="invalid_token" error_description="the token has expired""#;
        let token = said(401, AuthMode::Jwt, None, Some(challenge));
        assert!(token.contains("(the token has expired)") && token.contains("--bearer"), "{token}");
        assert!(said(403, AuthMode::Jwt, None, None).contains("lacks a scope"));
        assert!(said(403, AuthMode::None, None, None).contains("AuthMode NONE"));
    }

    #[test]
    fn an_accepted_event_has_its_place() {
        let body = br#"{"requestId":"r","shardId":"shardId-000000000000","sequenceNumber":"4966"}"#;
        assert!(matches!(read(202, body, &with_id()), Answer::Accepted { .. }));
    }

    #[test]
    fn only_what_proves_it_says_that_nothing_was_put() {
        let proof = |status, body: &[u8]| match read(status, body, &with_id()) {
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
        let Answer::Refused { message, .. } = read(429, br#"{"message":"Too Many Requests"}"#, &Context::default())
        else {
            panic!("refused")
        };
        assert!(message.starts_with("Too Many Requests") && message.contains("ThrottleRate"));
    }
}
