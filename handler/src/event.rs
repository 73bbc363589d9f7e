//! The HTTP API's event (payload 2.0) as it comes from the Runtime API, and the answer's way back.
//!
//! `lambda_http` has both conversions too, but its own ends the process or fails the invocation where
//! a client sends a header that is not ASCII, a host that is no host or a query that is no query, and
//! the client would see a 5xx. This one reads only what the function needs of an event.

use base64::{Engine, engine::general_purpose::STANDARD};
use lambda_http::{
    Body, Context, Request, RequestExt, Response,
    aws_lambda_events::apigw::{ApiGatewayV2httpRequestContext, ApiGatewayV2httpResponse},
    http::Method,
    request::RequestContext,
};
use serde::Deserialize;

/// An event of the HTTP API, payload 2.0. What is missing is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    raw_path: Option<String>,
    body: Option<String>,
    is_base64_encoded: bool,
    request_context: EventContext,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct EventContext {
    request_id: Option<String>,
    stage: Option<String>,
    http: EventHttp,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct EventHttp {
    method: Option<String>,
}

/// Marks a request whose body was said to be base64 and is not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotBase64;

impl Event {
    /// The request that the event tells of. A body in base64 is decoded.
    pub fn into_request(self, context: Context) -> Request {
        let mut request = Request::default();
        match (self.body, self.is_base64_encoded) {
            (None, _) => {}
            (Some(text), false) => *request.body_mut() = Body::Text(text),
            (Some(text), true) => match STANDARD.decode(text) {
                Ok(bytes) => *request.body_mut() = Body::Binary(bytes),
                Err(_) => {
                    request.extensions_mut().insert(NotBase64);
                }
            },
        }
        // A method that is none is answered as any other than POST.
        let method = self.request_context.http.method.and_then(|word| Method::from_bytes(word.as_bytes()).ok());
        *request.method_mut() = method.unwrap_or_default();
        let mut api = ApiGatewayV2httpRequestContext::default();
        api.request_id = self.request_context.request_id;
        api.stage = self.request_context.stage;
        request
            .with_raw_http_path(self.raw_path.unwrap_or_default())
            .with_request_context(RequestContext::ApiGatewayV2(api))
            .with_lambda_context(context)
    }
}

/// The answer as the HTTP API takes it, payload 2.0.
pub(crate) fn response(response: Response<Body>) -> ApiGatewayV2httpResponse {
    let (parts, body) = response.into_parts();
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = i64::from(parts.status.as_u16());
    answer.headers = parts.headers;
    answer.body = Some(body);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(event: &str) -> Request {
        serde_json::from_str::<Event>(event).unwrap().into_request(Context::default())
    }

    #[test]
    fn a_gateway_event_becomes_a_request() {
        let request = request(
            r#"{"version":"2.0","routeKey":"POST /submit","rawPath":"/submit","rawQueryString":"a=^ b",
                "headers":{"host":"not a host","x-name":"Zoë"},
                "requestContext":{"requestId":"api-1","stage":"$default","http":{"method":"POST","path":"/submit"}},
                "body":"{\"a\": 1}","isBase64Encoded":false}"#,
        );
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.raw_http_path(), "/submit");
        assert_eq!(request.body(), &Body::Text(r#"{"a": 1}"#.into()));
        let Some(RequestContext::ApiGatewayV2(api)) = request.request_context_ref() else { panic!("no context") };
        assert_eq!(api.request_id.as_deref(), Some("api-1"));
    }

    #[test]
    fn base64_is_decoded_and_marked_where_it_is_none() {
        let decoded = request(r#"{"body":"eyJhIjogMX3/","isBase64Encoded":true}"#);
        assert_eq!(decoded.body(), &Body::Binary(b"{\"a\": 1}\xff".to_vec()));
        let broken = request(r#"{"body":"1","isBase64Encoded":true}"#);
        assert!(broken.extensions().get::<NotBase64>().is_some());
        assert_eq!(broken.body(), &Body::Empty);
    }

    #[test]
    fn any_object_is_read() {
        let request = request(r#"{"records":[]}"#);
        assert_eq!((request.raw_http_path(), request.body()), ("", &Body::Empty));
    }

    #[test]
    fn the_answer_is_payload_2_0() {
        let answer = Response::builder().status(202).header("content-type", "application/json");
        let json = serde_json::to_value(response(answer.body(Body::from("{}")).unwrap())).unwrap();
        assert_eq!(json["statusCode"], 202);
        assert_eq!(json["headers"]["content-type"], "application/json");
        assert_eq!(json["body"], "{}");
        assert_eq!(json["isBase64Encoded"], false);
    }
}
