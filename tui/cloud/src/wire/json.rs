//! AWS JSON 1.0/1.1: the operation in `X-Amz-Target`, input and output as JSON bodies.
//! Kinesis, Firehose and `CloudWatch` Logs speak it.

use axum::body::Body;
use http::{HeaderValue, header};
use serde_json::{Map, Value};

use super::{Request, Response, ServiceError, ServiceResult, new_request_id};

/// The operation's name.
pub(crate) fn operation(request: &Request) -> ServiceResult<String> {
    request
        .headers()
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .and_then(|target| target.split_once('.'))
        .map(|(_, operation)| operation.to_owned())
        .ok_or_else(|| {
            ServiceError::bad_request("UnknownOperationException", "The request names no operation in X-Amz-Target.")
        })
}

/// The operation's name and its input.
pub(crate) fn parse(request: &Request) -> ServiceResult<(String, Value)> {
    let operation = operation(request)?;
    let body = request.body();
    let input = if body.is_empty() {
        Value::Object(Map::new())
    } else {
        serde_json::from_slice(body).map_err(|error| {
            ServiceError::bad_request("SerializationException", format!("The request body is not JSON: {error}"))
        })?
    };
    Ok((operation, input))
}

/// The answer in this protocol.
pub(crate) fn answer(result: ServiceResult) -> Response {
    let (status, error_type, body) = match result {
        Ok(output) => (http::StatusCode::OK, None, output),
        Err(error) => (error.status, Some(error.code.clone()), error_body(&error, "__type", "message")),
    };
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    set_request_id(headers);
    if let Some(value) = error_type.and_then(|code| HeaderValue::from_str(&code).ok()) {
        headers.insert("x-amzn-errortype", value);
    }
    response
}

/// An error as a JSON object with its code and message under the names given.
pub(crate) fn error_body(error: &ServiceError, code_name: &str, message_name: &str) -> Value {
    let mut body = Map::new();
    body.insert(code_name.to_owned(), Value::from(error.code.as_str()));
    body.insert(message_name.to_owned(), Value::from(error.message.as_str()));
    for (name, value) in &error.members {
        body.insert((*name).to_owned(), value.clone());
    }
    Value::Object(body)
}

/// Names the request, as AWS does in every answer.
pub(crate) fn set_request_id(headers: &mut http::HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(&new_request_id()) {
        headers.insert("x-amzn-requestid", value);
    }
}
