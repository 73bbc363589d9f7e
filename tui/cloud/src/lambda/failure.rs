//! Why an execution environment could not start or did not survive an invocation, in Lambda's words.

use bytes::Bytes;
use serde_json::json;

use super::log_stream::Status;

/// Why a start or an invocation came to nothing.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// `Runtime.ExitError`.
    pub error_type: String,
    /// Without the request id.
    pub message: String,
    /// The error object that the function itself gave.
    pub payload: Option<Bytes>,
    pub status: Status,
}

impl Failure {
    /// One of the runtime's.
    pub fn new(error_type: &str, message: impl Into<String>) -> Self {
        Self { error_type: error_type.to_owned(), message: message.into(), payload: None, status: Status::Error }
    }

    /// The function's time was over.
    pub fn timeout(seconds: u32) -> Self {
        Self {
            status: Status::Timeout,
            ..Self::new("Sandbox.Timedout", format!("Task timed out after {seconds}.00 seconds"))
        }
    }

    /// As the log and the answer say it.
    pub fn words(&self, request_id: &str) -> String {
        format!("RequestId: {request_id} Error: {}", self.message)
    }

    /// The error object that the caller gets.
    pub fn payload(&self, request_id: &str) -> Bytes {
        self.payload.clone().unwrap_or_else(|| {
            json!({"errorType": self.error_type, "errorMessage": self.words(request_id)}).to_string().into()
        })
    }

    /// The runtime ended: `exit status 1`, or empty where it said that all was well.
    pub fn exited(how: &str) -> Self {
        let message = if how.is_empty() {
            "Runtime exited without providing a reason".to_owned()
        } else {
            format!("Runtime exited with error: {how}")
        };
        Self::new("Runtime.ExitError", message)
    }
}
