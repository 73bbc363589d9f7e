//! What a service answers when it refuses.

use http::StatusCode;

/// A service's refusal: the same value whatever protocol carries it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct ServiceError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The code, as `ValidationError` or `ResourceNotFoundException`.
    pub code: String,
    /// The sentence for people.
    pub message: String,
    /// Further members of the error's shape, by their wire names.
    pub members: Vec<(&'static str, serde_json::Value)>,
}

/// What an operation gives back: its output in the shape of the service's API.
pub(crate) type ServiceResult<T = serde_json::Value> = Result<T, ServiceError>;

impl ServiceError {
    /// A refusal that is the sender's fault.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            code: code.into(),
            message: message.into(),
            members: Vec::new(),
        }
    }

    /// HTTP 400 with `code`.
    pub fn bad_request(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// HTTP 404 with `code`.
    pub fn not_found(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(404, code, message)
    }

    /// Something failed inside the cloud.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        Self::new(500, "InternalFailure", message.to_string())
    }

    /// The operation is one of AWS's that this cloud does not offer, or none at all.
    pub fn unknown_operation(service: &str, operation: &str) -> Self {
        Self::new(
            400,
            "UnknownOperationException",
            format!("The embedded cloud does not offer the operation {operation} of {service}."),
        )
    }

    /// A member of an operation's input that this cloud does not act on: refused, never ignored.
    pub fn unsupported_member(operation: &str, member: &str) -> Self {
        Self::new(
            400,
            "ValidationException",
            format!("The embedded cloud does not support the member {member} of {operation}."),
        )
    }

    /// Adds a further member of the error's shape.
    pub fn with(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }
}
