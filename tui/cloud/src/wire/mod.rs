//! AWS's wire protocols, each written once: they turn an HTTP request into an operation's name and
//! its input as JSON, and a service's output or error back into HTTP.

pub(crate) mod error;
pub(crate) mod input;
pub(crate) mod json;
pub(crate) mod query;
pub(crate) mod rest_json;
mod unread;

use http::{HeaderValue, header};

pub(crate) use error::{ServiceError, ServiceResult};
pub(crate) use input::Input;
pub(crate) use unread::Unread;

/// A whole request: its body has been read and its signature checked.
pub(crate) type Request = http::Request<bytes::Bytes>;
/// An answer; its body may be a stream.
pub(crate) type Response = http::Response<axum::body::Body>;

/// Marks an answer that is never sent: the connection is closed instead.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the request was ordered to get no answer")]
pub(crate) struct NoAnswer;

/// What stands for the answer to a request that gets none.
pub(crate) fn no_answer() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(NoAnswer);
    response
}

/// Gives a request of HTTP/2 the form that signatures, S3 and the gateway's events know: its host as
/// a header, its target without the host, its cookies in one header.
pub(crate) fn name_host(parts: &mut http::request::Parts) {
    if parts.version != http::Version::HTTP_2 {
        return;
    }
    let authority = parts.uri.authority().map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(host)) = authority {
        parts.headers.entry(header::HOST).or_insert(host);
    }
    if let Some(Ok(target)) = parts.uri.path_and_query().map(|target| target.as_str().parse()) {
        parts.uri = target;
    }
    let cookies: Vec<&[u8]> = parts.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let (true, Ok(cookies)) = (cookies.len() > 1, HeaderValue::from_bytes(&cookies.join(&b"; "[..]))) {
        parts.headers.insert(header::COOKIE, cookies);
    }
}

/// A request id as AWS writes it.
pub(crate) fn new_request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_http2_gets_its_host_and_one_cookie_header() {
        let request = http::Request::get("http://127.0.0.1:3000/a?b=c")
            .version(http::Version::HTTP_2)
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(())
            .unwrap();
        let (mut parts, ()) = request.into_parts();
        name_host(&mut parts);
        assert_eq!(parts.uri, "/a?b=c");
        assert_eq!(parts.headers[header::HOST], "127.0.0.1:3000");
        assert_eq!(parts.headers.get_all(header::COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }
}
