//! The query protocol: operation and input as a form, output as XML.
//! `CloudFormation`, IAM and STS speak it.

use std::{collections::BTreeMap, fmt::Write};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, header};
use quick_xml::escape::escape;
use serde_json::{Map, Value};

use super::{Request, Response, ServiceError, ServiceResult, new_request_id, rest_json::parse_query};

/// The name space of what AWS answers before it has found the operation.
pub(crate) const FAULT: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// The members of a request, as they were sent.
fn members(uri: &http::Uri, body: &Bytes) -> BTreeMap<String, Vec<String>> {
    if body.is_empty() {
        parse_query(uri.query().unwrap_or_default())
    } else {
        parse_query(&String::from_utf8_lossy(body))
    }
}

/// The operation's name (`Action`), where the request has one.
pub(crate) fn action(uri: &http::Uri, body: &Bytes) -> Option<String> {
    members(uri, body).remove("Action")?.pop()
}

/// The operation's name and its input, lists and maps unfolded. A request for another version of
/// the API than `version` is refused.
pub(crate) fn parse(request: &Request, version: &str) -> ServiceResult<(String, Value)> {
    let (mut operation, mut asked_version) = (None, None);
    let mut tree = Node::default();
    for (name, values) in members(request.uri(), request.body()) {
        let value = values.into_iter().next_back().unwrap_or_default();
        match name.as_str() {
            "Action" => operation = Some(value),
            "Version" => asked_version = Some(value),
            // A presigned request carries its signature beside the operation.
            name if name.starts_with("X-Amz-") => {}
            _ => tree.insert(name.split('.'), value),
        }
    }
    let operation = operation
        .ok_or_else(|| ServiceError::bad_request("MissingAction", "The request names no operation in Action."))?;
    if let Some(other) = asked_version.filter(|asked| asked != version) {
        let message = format!("Could not find operation {operation} for version {other}");
        return Err(ServiceError::bad_request("InvalidAction", message));
    }
    let input = if tree.children.is_empty() { Value::Object(Map::new()) } else { tree.into_value() };
    Ok((operation, input))
}

/// What dotted names unfold into, before it is known what is a list.
#[derive(Default)]
struct Node {
    text: Option<String>,
    children: Vec<(String, Node)>,
}

impl Node {
    fn insert<'a>(&mut self, mut path: impl Iterator<Item = &'a str>, value: String) {
        let Some(name) = path.next() else {
            self.text = Some(value);
            return;
        };
        let index = self.children.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.children.push((name.to_owned(), Node::default()));
            self.children.len() - 1
        });
        self.children[index].1.insert(path, value);
    }

    fn into_value(self) -> Value {
        let Self { text, mut children } = self;
        // `X.member.1=a&X.member.2=b` is the list `X`; an empty list is sent as `X=`.
        if children.len() == 1 && (children[0].0 == "member" || children[0].0 == "entry") {
            let is_map = children[0].0 == "entry";
            let mut items = children.remove(0).1.children;
            items.sort_by_key(|(index, _)| index.parse::<u64>().unwrap_or(u64::MAX));
            let items: Vec<Value> = items.into_iter().map(|(_, node)| node.into_value()).collect();
            if !is_map {
                return Value::Array(items);
            }
            let pairs = items.into_iter().filter_map(|pair| {
                let key = pair.get("key")?.as_str()?.to_owned();
                Some((key, pair.get("value")?.clone()))
            });
            return Value::Object(pairs.collect());
        }
        if children.is_empty() {
            return Value::from(text.unwrap_or_default());
        }
        Value::Object(children.into_iter().map(|(name, node)| (name, node.into_value())).collect::<Map<_, _>>())
    }
}

/// The answer in this protocol. `namespace` is the service's XML name space.
pub(crate) fn answer(operation: &str, namespace: &str, result: ServiceResult) -> Response {
    let request_id = new_request_id();
    let (status, text) = match result {
        Ok(output) => {
            let mut text = format!("<{operation}Response xmlns=\"{namespace}\">");
            if !output.is_null() {
                let _ = write!(text, "<{operation}Result>");
                write_members(&mut text, &output);
                let _ = write!(text, "</{operation}Result>");
            }
            let _ = write!(
                text,
                "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
            );
            (http::StatusCode::OK, text)
        }
        Err(error) => {
            let fault = if error.status.is_client_error() { "Sender" } else { "Receiver" };
            let text = format!(
                "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{fault}</Type><Code>{}</Code>\
                 <Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
                escape(error.code.as_str()),
                escape(error.message.as_str()),
            );
            (error.status, text)
        }
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert("x-amzn-requestid", value);
    }
    response
}

fn write_members(text: &mut String, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
                let _ = write!(text, "<{name}>");
                write_members(text, member);
                let _ = write!(text, "</{name}>");
            }
        }
        Value::Array(items) => {
            for item in items {
                text.push_str("<member>");
                write_members(text, item);
                text.push_str("</member>");
            }
        }
        Value::String(content) => text.push_str(&escape(content.as_str())),
        Value::Null => {}
        other => text.push_str(&other.to_string()),
    }
}
