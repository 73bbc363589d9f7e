//! What the gateway answers where it, and not the function, answers.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body_util::Full;
use serde_json::json;

use super::Answered;

/// Why a request is not answered by the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gateway) enum Refusal {
    /// No token that is accepted; the text for `www-authenticate`.
    Unauthorized(String),
    Forbidden,
    NotFound,
    /// The client took too long to send its body.
    RequestTimeout,
    BodyTooLarge,
    TooManyRequests,
    HeadersTooLarge,
    Internal,
    Unavailable,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The sentence in the answer's body, `$context.error.message`.
    pub fn message(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "Not Found",
            Self::RequestTimeout => "Request Timeout",
            Self::BodyTooLarge => "Request Entity Too Large",
            Self::TooManyRequests => "Too Many Requests",
            Self::HeadersTooLarge => "Request Header Fields Too Large",
            Self::Internal => "Internal Server Error",
            Self::Unavailable => "Service Unavailable",
        }
    }

    /// `$context.error.responseType`, API Gateway's name for the kind of answer.
    pub fn response_type(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "UNAUTHORIZED",
            Self::Forbidden => "ACCESS_DENIED",
            Self::NotFound => "RESOURCE_NOT_FOUND",
            Self::BodyTooLarge => "REQUEST_TOO_LARGE",
            Self::TooManyRequests => "THROTTLED",
            Self::RequestTimeout | Self::HeadersTooLarge => "DEFAULT_4XX",
            Self::Internal => "INTEGRATION_FAILURE",
            Self::Unavailable => "INTEGRATION_TIMEOUT",
        }
    }

    /// The whole answer.
    pub fn answer(&self) -> Answered {
        let body = json!({ "message": self.message() }).to_string();
        let mut answered = Answered::new(Full::new(Bytes::from(body)));
        *answered.status_mut() = self.status();
        answered.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Self::Unauthorized(challenge) = self
            && let Ok(value) = HeaderValue::from_str(challenge)
        {
            answered.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        answered
    }
}
