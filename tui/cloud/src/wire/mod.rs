//! AWS's wire protocols, each written once: they turn an HTTP request into an operation's name and
//! its input as JSON, and a service's output or error back into HTTP.

pub(crate) mod error;
pub(crate) mod input;
pub(crate) mod json;
pub(crate) mod query;
pub(crate) mod rest_json;

pub(crate) use error::{ServiceError, ServiceResult};
pub(crate) use input::Input;

/// A whole request: its body has been read and its signature checked.
pub(crate) type Request = http::Request<bytes::Bytes>;
/// An answer; its body may be a stream.
pub(crate) type Response = http::Response<axum::body::Body>;

/// A request id as AWS writes it.
pub(crate) fn new_request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
