//! A function's answer as a client gets it.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::Full;
use serde_json::{Map, Value};

use super::Answered;

/// Headers between two hops: the gateway writes its own.
const HOP_HEADERS: [&str; 5] = ["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"];

/// Why a function's answer cannot be handed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The response from the Lambda function doesn't match the format that API Gateway expects: {0}.")]
pub(in crate::gateway) struct Malformed(String);

/// The answer for a payload: an object with `statusCode` says everything itself; any other JSON is
/// the body of a 200.
pub(in crate::gateway) fn from_payload(payload: &Bytes) -> Result<Answered, Malformed> {
    let value: Value =
        serde_json::from_slice(payload).map_err(|error| Malformed(format!("it is not JSON: {error}")))?;
    match value {
        Value::Object(mut members) if members.contains_key("statusCode") => proxy(&mut members),
        _ => {
            let mut answered = Answered::new(Full::new(payload.clone()));
            answered.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(answered)
        }
    }
}

fn proxy(members: &mut Map<String, Value>) -> Result<Answered, Malformed> {
    let malformed = |what: &str| Malformed(what.to_owned());
    let status = match members.remove("statusCode") {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let status = status
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| (200..=599).contains(status))
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(|| malformed("statusCode is not a status between 200 and 599"))?;
    let is_base64 = match members.remove("isBase64Encoded") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => flag,
        Some(_) => return Err(malformed("isBase64Encoded is not true or false")),
    };
    let body = match members.remove("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if is_base64 => {
            STANDARD.decode(text).map_err(|_| malformed("body is not base64"))?.into()
        }
        Some(Value::String(text)) => text.into(),
        Some(_) => return Err(malformed("body is not a string")),
    };
    let mut headers = HeaderMap::new();
    match members.remove("headers") {
        None | Some(Value::Null) => {}
        Some(Value::Object(given)) => {
            for (name, value) in given {
                add_header(&mut headers, &name, &value)?;
            }
        }
        Some(_) => return Err(malformed("headers is not an object")),
    }
    match members.remove("cookies") {
        None | Some(Value::Null) => {}
        Some(Value::Array(cookies)) => {
            for cookie in cookies {
                add_header(&mut headers, "set-cookie", &cookie)?;
            }
        }
        Some(_) => return Err(malformed("cookies is not a list")),
    }
    if !body.is_empty() && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    let mut answered = Answered::new(Full::new(body));
    *answered.status_mut() = status;
    *answered.headers_mut() = headers;
    Ok(answered)
}

fn add_header(headers: &mut HeaderMap, name: &str, value: &Value) -> Result<(), Malformed> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return Err(Malformed(format!("the value of the header {name} is not a string"))),
    };
    let bad = || Malformed(format!("{name} is not a header that HTTP allows"));
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    if HOP_HEADERS.contains(&header.as_str()) {
        return Ok(());
    }
    headers.append(header, HeaderValue::from_bytes(text.as_bytes()).map_err(|_| bad())?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    async fn read(payload: &Value) -> (u16, Vec<(String, String)>, Bytes) {
        let answered = from_payload(&Bytes::from(payload.to_string())).unwrap();
        let headers = answered
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        (answered.status().as_u16(), headers, answered.into_body().collect().await.unwrap().to_bytes())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[tokio::test]
    async fn an_object_with_a_status_says_everything_itself() {
        let payload = json!({
            "statusCode": 202,
            "headers": { "Content-Type": "application/json", "X-Count": 3, "Connection": "close" },
            "multiValueHeaders": {},
            "cookies": ["a=1; Secure", "b=2"],
            "body": "{}",
            "isBase64Encoded": false,
        });
        let (status, headers, body) = read(&payload).await;
        assert_eq!((status, &body[..]), (202, &b"{}"[..]));
        let expected = pairs(&[
            ("content-type", "application/json"),
            ("x-count", "3"),
            ("set-cookie", "a=1; Secure"),
            ("set-cookie", "b=2"),
        ]);
        assert_eq!(headers, expected);
    }

    #[tokio::test]
    async fn base64_is_undone() {
        let (_, _, body) = read(&json!({ "statusCode": "200", "body": "//4=", "isBase64Encoded": true })).await;
        assert_eq!(&body[..], b"\xff\xfe");
    }

    #[rstest]
    #[case(json!({ "message": "hi" }))]
    #[case(json!("hi"))]
    #[case(json!(null))]
    #[tokio::test]
    async fn other_json_is_the_body_of_a_200(#[case] payload: Value) {
        let (status, headers, body) = read(&payload).await;
        assert_eq!((status, headers), (200, pairs(&[("content-type", "application/json")])));
        assert_eq!(body, payload.to_string());
    }

    #[rstest]
    #[case("not json")]
    #[case(r#"{"statusCode":"ok"}"#)]
    #[case(r#"{"statusCode":99}"#)]
    #[case(r#"{"statusCode":100}"#)]
    #[case(r#"{"statusCode":200,"body":{}}"#)]
    #[case(r#"{"statusCode":200,"body":"*","isBase64Encoded":true}"#)]
    #[case(r#"{"statusCode":200,"headers":[]}"#)]
    #[case(r#"{"statusCode":200,"headers":{"a b":"c"}}"#)]
    #[case(r#"{"statusCode":200,"headers":{"a":"b\nc"}}"#)]
    #[case(r#"{"statusCode":200,"cookies":"a=1"}"#)]
    fn what_does_not_fit_is_malformed(#[case] payload: &str) {
        let error = from_payload(&Bytes::copy_from_slice(payload.as_bytes())).unwrap_err();
        assert!(error.to_string().starts_with("The response from the Lambda function doesn't match"), "{error}");
    }
}
