//! Kinesis Data Streams: the adapter round `ferrokinesis`.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    Place,
    caller::Caller,
    wire::{Input, Request, Response, ServiceError, ServiceResult, json},
};

/// One record as Firehose reads it.
#[derive(Debug, Clone)]
pub(crate) struct StoredRecord {
    pub sequence_number: String,
    pub partition_key: String,
    pub data: Bytes,
    /// Milliseconds since 1970.
    pub arrived_ms: i64,
}

/// The streams.
pub(crate) struct Kinesis {
    place: Arc<Place>,
}

impl Kinesis {
    /// No streams yet.
    pub fn new(place: Arc<Place>) -> Arc<Self> {
        Arc::new(Self { place })
    }

    /// A request whose signature was checked; the answer may be an event stream.
    pub async fn http(&self, caller: &Caller, request: Request) -> Response {
        let _ = (caller, request, &self.place);
        json::answer(Err(ServiceError::internal("not written")))
    }

    /// A Kinesis operation (`CreateStream`, `PutRecord`, …), input and output as JSON.
    pub async fn call(&self, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        let _ = (caller, input);
        Err(ServiceError::unknown_operation("Kinesis", operation))
    }
}
