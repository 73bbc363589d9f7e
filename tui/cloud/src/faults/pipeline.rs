//! Trouble on the pipeline's data path: what an invocation, a put, a delivery or a request to the
//! gateway meets.
//!
//! What a fault holds back goes on as soon as its order is taken back.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// When, seen from the function's own work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The function has not seen the event: nothing was put.
    Before,
    /// The function has done its work, and only its answer is lost: the event was put.
    After,
}

/// Invocations, and what they meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionFault {
    /// The function's name; `None`: any.
    pub function_name: Option<String>,
    /// What the invocation meets.
    pub effect: FunctionEffect,
}

/// What an invocation meets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FunctionEffect {
    /// The function gets the event so much later, within the invocation: it counts for its time
    /// limit and is billed.
    Delay(Duration),
    /// The function's process is killed.
    Crash(When),
    /// The invocation lasts until the function's time limit ends it.
    Timeout(When),
    /// The function answers with an error, as one that threw before it put anything.
    Error {
        /// `errorType`.
        error_type: String,
        /// `errorMessage`.
        message: String,
    },
}

impl FunctionFault {
    /// An invocation of any function that meets this.
    pub fn new(effect: FunctionEffect) -> Self {
        Self { function_name: None, effect }
    }

    /// Only of that function.
    #[must_use]
    pub fn of(mut self, function_name: &str) -> Self {
        self.function_name = Some(function_name.to_owned());
        self
    }
}

/// Records that are put into a stream, by whomever, and what they meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamFault {
    /// The stream's name; `None`: any.
    pub stream_name: Option<String>,
    /// What the record meets.
    pub effect: StreamEffect,
}

/// What a record meets that is put.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamEffect {
    /// `ProvisionedThroughputExceededException`, as where the shard's second is used up. Of a
    /// `PutRecords` it fails that record alone.
    Throttle,
    /// The call is refused.
    Error {
        /// The HTTP status, 400 to 599.
        status: u16,
        /// The error's code. `AccessDeniedException` without a message names caller, action and
        /// stream as AWS does.
        code: String,
        /// The sentence for people.
        message: String,
    },
}

impl StreamFault {
    /// A record put into any stream that meets this.
    pub fn new(effect: StreamEffect) -> Self {
        Self { stream_name: None, effect }
    }

    /// Only into that stream.
    #[must_use]
    pub fn of(mut self, stream_name: &str) -> Self {
        self.stream_name = Some(stream_name.to_owned());
        self
    }
}

/// Deliveries of Firehose, and what they meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFault {
    /// The delivery stream's name; `None`: any.
    pub delivery_stream_name: Option<String>,
    /// What the delivery meets.
    pub effect: DeliveryEffect,
}

/// What a delivery meets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryEffect {
    /// It is so much later than its interval or size says. Records go on being buffered meanwhile.
    Delay(Duration),
    /// The same records are written again, as another object.
    Twice,
    /// S3 refuses this try: the delivery log says so, and another try follows.
    Error {
        /// S3's code, as `AccessDenied`.
        code: String,
        /// The sentence for people; empty: AWS's, where the code has one.
        message: String,
    },
}

impl DeliveryFault {
    /// A delivery of any delivery stream that meets this.
    pub fn new(effect: DeliveryEffect) -> Self {
        Self { delivery_stream_name: None, effect }
    }

    /// Only of that delivery stream.
    #[must_use]
    pub fn of(mut self, delivery_stream_name: &str) -> Self {
        self.delivery_stream_name = Some(delivery_stream_name.to_owned());
        self
    }
}

/// Requests to an HTTP API that a route was found for, and what they are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiFault {
    /// The API's id; `None`: any.
    pub api_id: Option<String>,
    /// 500 or 503.
    pub status: u16,
    /// [`When::Before`]: the function is not invoked; [`When::After`]: it is, and its answer is lost.
    pub when: When,
}

impl ApiFault {
    /// A request to any API that is answered so.
    pub fn new(status: u16, when: When) -> Self {
        Self { api_id: None, status, when }
    }

    /// Only to that API.
    #[must_use]
    pub fn of(mut self, api_id: &str) -> Self {
        self.api_id = Some(api_id.to_owned());
        self
    }
}

/// What something at hand meets.
#[derive(Debug, Clone)]
pub(crate) struct Met<E> {
    pub effect: E,
    /// The order was taken back: what it holds goes on.
    pub lifted: CancellationToken,
}

impl Met<Duration> {
    /// Waits as long as was ordered, or until the order is taken back.
    pub async fn wait(self) {
        tokio::select! {
            () = tokio::time::sleep(self.effect) => {}
            () = self.lifted.cancelled() => {}
        }
    }
}

/// How an invocation is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FunctionEnd {
    Crash(When),
    Timeout(When),
    Error { error_type: String, message: String },
}

/// What an invocation meets: a delay and an end, each of an order of its own.
#[derive(Debug, Default)]
pub(crate) struct MetInvocation {
    pub delay: Option<Met<Duration>>,
    pub end: Option<Met<FunctionEnd>>,
}

pub(super) fn is_of(wanted: Option<&String>, name: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == name)
}
