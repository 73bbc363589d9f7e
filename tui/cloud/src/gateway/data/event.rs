//! The event that a function gets for a request: Lambda proxy payload, format 2.0.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::routing::PathParameters;
use crate::wire::rest_json::parse_query;

/// A request as the event tells of it.
pub(in crate::gateway) struct Received<'a> {
    pub account_id: &'a str,
    pub api_id: &'a str,
    pub stage: &'a str,
    pub route_key: &'a str,
    pub method: &'a str,
    /// Decoded, as HTTP APIs hand it on; with the stage's name where it is in the path.
    pub path: &'a str,
    pub raw_query: &'a str,
    /// `HTTP/1.1`.
    pub protocol: &'a str,
    pub headers: &'a HeaderMap,
    pub source_ip: &'a str,
    /// The host that the client named, without its port.
    pub domain_name: &'a str,
    /// The port that the client called.
    pub port: &'a str,
    pub request_id: &'a str,
    pub trace_id: &'a str,
    pub time: Timestamp,
    pub path_parameters: &'a PathParameters,
    pub stage_variables: &'a BTreeMap<String, String>,
    /// What the authorizer says of the caller.
    pub authorizer: Option<Value>,
    pub body: &'a Bytes,
}

/// Headers between two hops, which no function sees.
const HOP_HEADERS: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Received<'_> {
    /// The event.
    pub fn event(&self) -> Value {
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.route_key,
            "rawPath": self.path,
            "rawQueryString": self.raw_query,
        });
        let cookies = self.cookies();
        if !cookies.is_empty() {
            event["cookies"] = cookies.into();
        }
        event["headers"] = self.event_headers().into();
        let parameters = parse_query(self.raw_query);
        if !parameters.is_empty() {
            let joined: Map<String, Value> =
                parameters.into_iter().map(|(name, values)| (name, values.join(",").into())).collect();
            event["queryStringParameters"] = joined.into();
        }
        event["requestContext"] = self.context();
        if !self.path_parameters.is_empty() {
            event["pathParameters"] = json!(self.path_parameters);
        }
        if !self.stage_variables.is_empty() {
            event["stageVariables"] = json!(self.stage_variables);
        }
        let mut is_base64 = false;
        if !self.body.is_empty() {
            event["body"] = match std::str::from_utf8(self.body) {
                Ok(text) if is_text(self.headers) => text.into(),
                _ => {
                    is_base64 = true;
                    STANDARD.encode(self.body).into()
                }
            };
        }
        event["isBase64Encoded"] = is_base64.into();
        event
    }

    fn context(&self) -> Value {
        let mut context = json!({
            "accountId": self.account_id,
            "apiId": self.api_id,
        });
        if let Some(authorizer) = &self.authorizer {
            context["authorizer"] = authorizer.clone();
        }
        context["domainName"] = self.domain_name.into();
        context["domainPrefix"] = self.api_id.into();
        context["http"] = json!({
            "method": self.method,
            "path": self.path,
            "protocol": self.protocol,
            "sourceIp": self.source_ip,
            "userAgent": text_of(self.headers, &header::USER_AGENT),
        });
        context["requestId"] = self.request_id.into();
        context["routeKey"] = self.route_key.into();
        context["stage"] = self.stage.into();
        context["time"] = request_time(self.time).into();
        context["timeEpoch"] = self.time.as_millisecond().into();
        context
    }

    /// Names in small letters, repeated ones joined by commas, cookies apart, and what the gateway
    /// says of the way that the request came.
    fn event_headers(&self) -> Map<String, Value> {
        let mut headers = Map::new();
        for name in self.headers.keys() {
            if name == header::COOKIE || HOP_HEADERS.contains(&name.as_str()) {
                continue;
            }
            headers.insert(name.as_str().to_owned(), text_of(self.headers, name).into());
        }
        headers.entry("content-length").or_insert_with(|| self.body.len().to_string().into());
        let forwarded = text_of(self.headers, &header::HeaderName::from_static("x-forwarded-for"));
        let forwarded =
            if forwarded.is_empty() { self.source_ip.to_owned() } else { format!("{forwarded}, {}", self.source_ip) };
        headers.insert("x-forwarded-for".to_owned(), forwarded.into());
        headers.insert("x-forwarded-port".to_owned(), self.port.into());
        headers.insert("x-forwarded-proto".to_owned(), "http".into());
        headers.entry("x-amzn-trace-id").or_insert_with(|| self.trace_id.into());
        headers
    }

    fn cookies(&self) -> Vec<String> {
        self.headers
            .get_all(header::COOKIE)
            .iter()
            .flat_map(|value| {
                let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
                text.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>()
            })
            .filter(|cookie| !cookie.is_empty())
            .collect()
    }
}

/// A header's values, joined by commas, empty where it is absent.
pub(in crate::gateway) fn text_of(headers: &HeaderMap, name: &header::HeaderName) -> String {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    values.join(",")
}

/// Whether a body of this type is handed on as text. A body without a type counts as text.
fn is_text(headers: &HeaderMap) -> bool {
    let content_type = text_of(headers, &header::CONTENT_TYPE).to_ascii_lowercase();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.is_empty()
        || media_type.starts_with("text/")
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
        || matches!(media_type, "application/json" | "application/xml" | "application/javascript")
}

/// `12/Mar/2020:19:03:58 +0000`.
pub(in crate::gateway) fn request_time(time: Timestamp) -> String {
    time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn event(pairs: &[(&str, &str)], raw_query: &str, body: &[u8]) -> Value {
        let body = Bytes::copy_from_slice(body);
        Received {
            account_id: "000000000000",
            api_id: "abc",
            stage: "$default",
            route_key: "POST /submit",
            method: "POST",
            path: "/submit",
            raw_query,
            protocol: "HTTP/1.1",
            headers: &headers(pairs),
            source_ip: "127.0.0.1",
            domain_name: "127.0.0.1",
            port: "3000",
            request_id: "id=",
            trace_id: "Root=1-0-0",
            time: "2020-03-12T19:03:58.390Z".parse().unwrap(),
            path_parameters: &PathParameters::new(),
            stage_variables: &BTreeMap::new(),
            authorizer: None,
            body: &body,
        }
        .event()
    }

    #[test]
    fn a_request_becomes_the_event_of_format_2() {
        let given = [
            ("Host", "127.0.0.1:3000"),
            ("Content-Type", "application/json"),
            ("User-Agent", "curl/8"),
            ("X-Twice", "one"),
            ("X-Twice", "two"),
            ("Cookie", "a=1; b=2"),
            ("Connection", "close"),
        ];
        assert_eq!(
            event(&given, "p=1&p=2&q=a%20b", b"{\"x\": 1}"),
            json!({
                "version": "2.0",
                "routeKey": "POST /submit",
                "rawPath": "/submit",
                "rawQueryString": "p=1&p=2&q=a%20b",
                "cookies": ["a=1", "b=2"],
                "headers": {
                    "host": "127.0.0.1:3000",
                    "content-type": "application/json",
                    "user-agent": "curl/8",
                    "x-twice": "one,two",
                    "content-length": "8",
                    "x-forwarded-for": "127.0.0.1",
                    "x-forwarded-port": "3000",
                    "x-forwarded-proto": "http",
                    "x-amzn-trace-id": "Root=1-0-0",
                },
                "queryStringParameters": { "p": "1,2", "q": "a b" },
                "requestContext": {
                    "accountId": "000000000000",
                    "apiId": "abc",
                    "domainName": "127.0.0.1",
                    "domainPrefix": "abc",
                    "http": {
                        "method": "POST",
                        "path": "/submit",
                        "protocol": "HTTP/1.1",
                        "sourceIp": "127.0.0.1",
                        "userAgent": "curl/8",
                    },
                    "requestId": "id=",
                    "routeKey": "POST /submit",
                    "stage": "$default",
                    "time": "12/Mar/2020:19:03:58 +0000",
                    "timeEpoch": 1_584_039_838_390_i64,
                },
                "body": "{\"x\": 1}",
                "isBase64Encoded": false,
            })
        );
    }

    #[test]
    fn what_a_request_has_not_the_event_has_not() {
        let event = event(&[], "", b"");
        for member in ["cookies", "queryStringParameters", "pathParameters", "stageVariables", "body"] {
            assert!(event.get(member).is_none(), "{member}");
        }
        assert_eq!(event["isBase64Encoded"], false);
    }

    #[rstest]
    #[case("application/json; charset=utf-8", b"{}", false)]
    #[case("text/plain", b"x", false)]
    #[case("application/vnd.api+json", b"{}", false)]
    #[case("application/x-www-form-urlencoded", b"a=1", true)]
    #[case("application/octet-stream", b"x", true)]
    #[case("application/json", b"\xff\xfe", true)]
    fn bodies_are_text_or_base64(#[case] content_type: &str, #[case] body: &[u8], #[case] is_base64: bool) {
        let event = event(&[("content-type", content_type)], "", body);
        assert_eq!(event["isBase64Encoded"], is_base64);
        let text = event["body"].as_str().unwrap();
        let bytes = if is_base64 { STANDARD.decode(text).unwrap() } else { text.as_bytes().to_vec() };
        assert_eq!(bytes, body);
    }
}
