//! REST-JSON: the operation in method and path, members in path, query and body.
//! Lambda and API Gateway speak it.

use std::collections::BTreeMap;

use axum::body::Body;
use http::{HeaderValue, Method, header};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{Request, Response, ServiceError, ServiceResult, json};

/// One operation's place: `("GetFunction", "GET", "/2015-03-31/functions/{FunctionName}", 200)`.
/// A `{Name}` segment is that member; `{Name+}` at the end takes the rest of the path. The number
/// is the status of success.
pub(crate) type Route = (&'static str, &'static str, &'static str, u16);

/// A request that was matched to one operation.
pub(crate) struct Matched {
    /// The operation's name.
    pub operation: &'static str,
    /// The members of the path.
    pub path: Map<String, Value>,
    /// The query's parameters, decoded; of repeated ones every value.
    pub query: BTreeMap<String, Vec<String>>,
    /// The status of success.
    pub status: u16,
}

/// The first route that fits.
pub(crate) fn route(routes: &[Route], method: &Method, path: &str, query: Option<&str>) -> Option<Matched> {
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    routes.iter().find_map(|&(operation, wanted_method, pattern, status)| {
        if method.as_str() != wanted_method {
            return None;
        }
        let members = match_path(&pattern.split('/').collect::<Vec<_>>(), &segments)?;
        Some(Matched { operation, path: members, query: parse_query(query.unwrap_or_default()), status })
    })
}

fn match_path(pattern: &[&str], segments: &[&str]) -> Option<Map<String, Value>> {
    let mut members = Map::new();
    for (index, part) in pattern.iter().enumerate() {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        match name {
            Some(name) if name.ends_with('+') => {
                let rest = segments.get(index..)?.join("/");
                members.insert(name.trim_end_matches('+').to_owned(), decode(&rest).into());
                return Some(members);
            }
            Some(name) => {
                let segment = segments.get(index).filter(|segment| !segment.is_empty())?;
                members.insert(name.to_owned(), decode(segment).into());
            }
            None if segments.get(index) != Some(part) => return None,
            None => {}
        }
    }
    (pattern.len() == segments.len()).then_some(members)
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A query string's parameters, decoded.
pub(crate) fn parse_query(query: &str) -> BTreeMap<String, Vec<String>> {
    let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let plain = |text: &str| decode(&text.replace('+', " "));
        parameters.entry(plain(name)).or_default().push(plain(value));
    }
    parameters
}

/// The JSON body of a request, an empty object where it has none.
pub(crate) fn body(request: &Request) -> ServiceResult<Map<String, Value>> {
    if request.body().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(request.body()) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(ServiceError::bad_request("SerializationException", "The request body must be a JSON object.")),
        Err(error) => {
            Err(ServiceError::bad_request("SerializationException", format!("The request body is not JSON: {error}")))
        }
    }
}

/// The body of an error of API Gateway's: its message, beside the members of its shape. The code is
/// in a header.
pub(crate) fn message_only(error: &ServiceError) -> Value {
    let message = std::iter::once(("message", Value::from(error.message.as_str())));
    let members = message.chain(error.members.iter().cloned());
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The answer in this protocol. `error_body` gives the body of an error, which differs between
/// services.
pub(crate) fn answer(result: ServiceResult, success: u16, error_body: fn(&ServiceError) -> Value) -> Response {
    let (status, error_type, body) = match result {
        Ok(output) => (http::StatusCode::from_u16(success).unwrap_or_default(), None, output),
        Err(error) => {
            let body = error_body(&error);
            (error.status, Some(error.code), body)
        }
    };
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    json::set_request_id(headers);
    if let Some(value) = error_type.and_then(|code| HeaderValue::from_str(&code).ok()) {
        headers.insert("x-amzn-errortype", value);
    }
    response
}
