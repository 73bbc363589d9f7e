//! Lambda: functions from zips, run as processes of their own over the Runtime API.

pub mod supervisor;

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    Place,
    caller::Caller,
    iam::Iam,
    logs::Logs,
    s3::S3,
    wire::{Input, Request, Response, ServiceError, ServiceResult, rest_json},
};

/// How one invocation ended.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// The function's answer, or the error object it or the service made.
    pub payload: Bytes,
    /// `Handled` or `Unhandled` where the function failed.
    pub function_error: Option<&'static str>,
    /// Lambda's own id of the invocation.
    pub request_id: String,
}

/// The functions.
pub(crate) struct Lambda {
    place: Arc<Place>,
}

impl Lambda {
    /// No functions yet.
    pub fn new(place: Arc<Place>, _iam: Arc<Iam>, _s3: Arc<S3>, _logs: Arc<Logs>) -> Arc<Self> {
        Arc::new(Self { place })
    }

    /// Runs a function, named by name or ARN, and waits for its end. Refuses with
    /// `ResourceNotFoundException`, `TooManyRequestsException`.
    pub async fn invoke(self: &Arc<Self>, function: &str, payload: Bytes) -> ServiceResult<Invocation> {
        let _ = (function, payload, &self.place);
        Err(ServiceError::internal("not written"))
    }

    /// Whether the function's resource policy lets `service` (`apigateway.amazonaws.com`) invoke it
    /// from `source_arn`.
    pub fn may_invoke(&self, function: &str, service: &str, source_arn: &str) -> bool {
        let _ = (function, service, source_arn);
        false
    }

    /// A request whose signature was checked.
    pub async fn http(self: &Arc<Self>, caller: &Caller, request: Request) -> Response {
        let _ = (caller, request);
        rest_json::answer(Err(ServiceError::internal("not written")), 200, "Message")
    }

    /// A Lambda operation (`CreateFunction`, …), input and output as JSON.
    pub async fn call(self: &Arc<Self>, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        let _ = (caller, input);
        Err(ServiceError::unknown_operation("Lambda", operation))
    }

    /// Ends every process.
    pub async fn shutdown(&self) {}
}
