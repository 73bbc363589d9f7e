//! CloudWatch Logs: groups, streams, events; FilterLogEvents and the reads of the usual tools.

use std::sync::Arc;

use crate::{
    Place,
    caller::Caller,
    wire::{Input, Request, Response, ServiceError, ServiceResult, json},
};

/// One line to keep.
#[derive(Debug, Clone)]
pub(crate) struct LogLine {
    /// Milliseconds since 1970, as whoever wrote it measured.
    pub timestamp_ms: i64,
    pub message: String,
}

/// The log groups.
pub(crate) struct Logs {
    place: Arc<Place>,
}

impl Logs {
    /// No groups yet.
    pub fn new(place: Arc<Place>) -> Arc<Self> {
        Arc::new(Self { place })
    }

    /// Makes the group where it is not there, as Lambda does; one that never expires.
    pub fn ensure_group(&self, group: &str) {
        let _ = (group, &self.place);
    }

    /// Appends lines; makes the stream where it is not there. Fails where there is no group.
    pub fn put(&self, group: &str, stream: &str, lines: Vec<LogLine>) -> ServiceResult<()> {
        let _ = (group, stream, lines);
        Ok(())
    }

    /// A request whose signature was checked; `StartLiveTail` answers with an event stream.
    pub async fn http(self: &Arc<Self>, caller: &Caller, request: Request) -> Response {
        let result = async {
            let (operation, input) = json::parse(&request)?;
            self.call(caller, &operation, Input::new(&operation, input)?).await
        };
        json::answer(result.await)
    }

    /// A Logs operation, input and output as JSON.
    pub async fn call(&self, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        let _ = (caller, input);
        Err(ServiceError::unknown_operation("CloudWatch Logs", operation))
    }
}
