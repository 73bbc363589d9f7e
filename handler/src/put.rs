//! Puts a record to the stream, and never twice.
//!
//! The SDK by itself retries a time-out, a lost connection and a 5xx too. Each of these can come
//! after Kinesis took the record, and the retry would then put it a second time with nobody knowing.
//! Here a retry needs proof that nothing was put: an answer of the 4xx class (throttling is one), or
//! a connection that was never made. Everything else ends as [`Failure::Unknown`], which the log line
//! marks `maybePut`, and the client decides. A record can thus be doubled by a client alone, and
//! both of its requests have a log line.

use std::{
    error::Error as StdError,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use aws_sdk_kinesis::{
    Client,
    config::{ConfigBag, Intercept, RuntimeComponents, retry::RetryConfig, timeout::TimeoutConfig},
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::{RequestId, put_record::PutRecordError},
    primitives::Blob,
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            context::{BeforeTransmitInterceptorContextRef, InterceptorContext},
            dyn_dispatch_hint,
        },
        orchestrator::HttpResponse,
        result::ConnectorError,
        retries::classifiers::{ClassifyRetry, RetryAction},
    },
};

/// The longest that Kinesis gets for a record, all attempts together. It is below the function's
/// time-out (10 s in the template) and the gateway's (30 s), so that the client gets an answer of
/// the function's own.
const LONGEST: Duration = Duration::from_secs(8);
/// What is kept of an invocation's time for the answer and the log line.
const RESERVE: Duration = Duration::from_millis(500);
/// The longest for one attempt. One that takes longer is not repeated, so this is no shorter than
/// it must be.
const ATTEMPT: Duration = Duration::from_secs(6);
/// Attempts in all.
const ATTEMPTS: u32 = 3;
/// The first wait after a throttled attempt, before jitter; a shard's budget is one of a second.
const BACKOFF: Duration = Duration::from_millis(250);
/// The longest wait between attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// Kinesis's codes for "not now", each an answer that nothing was put.
const THROTTLING_CODES: [&str; 7] = [
    "ProvisionedThroughputExceededException",
    "KMSThrottlingException",
    "LimitExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// Codes whose message says what an operator needs and cannot hold a piece of the event. A
/// validation message repeats the value it refuses, so it is not among them.
const TELLING_CODES: [&str; 8] = [
    "AccessDeniedException",
    "ExpiredTokenException",
    "InvalidSignatureException",
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "ProvisionedThroughputExceededException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
];

/// Where a record is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub shard_id: String,
    pub sequence_number: String,
}

/// Why a record is not known to be on the stream; each with words for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Not now; nothing was put.
    Throttled(String),
    /// Nothing was put.
    NothingPut(String),
    /// It may have been put.
    Unknown(String),
}

/// What it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Attempted {
    /// How often the record was sent, or tried to be.
    pub attempts: u32,
    /// From the first attempt to the last answer, waits included.
    pub elapsed: Duration,
}

/// How long Kinesis gets, given when Lambda ends the invocation.
pub(crate) fn budget(deadline: Option<SystemTime>, now: SystemTime) -> Duration {
    match deadline {
        Some(deadline) if deadline > SystemTime::UNIX_EPOCH => {
            deadline.duration_since(now).unwrap_or_default().saturating_sub(RESERVE).min(LONGEST)
        }
        _ => LONGEST,
    }
}

/// Puts `record` to `stream` within `budget`. `client` is one that [`never_twice`] made.
pub(crate) async fn put(
    client: &Client,
    stream: &str,
    partition_key: String,
    record: Vec<u8>,
    budget: Duration,
) -> (Result<Place, Failure>, Attempted) {
    let attempts = Attempts::default();
    let start = Instant::now();
    let request = client
        .put_record()
        .stream_name(stream)
        .partition_key(partition_key)
        .data(Blob::new(record))
        .customize()
        .interceptor(attempts.clone());
    let result = match tokio::time::timeout(budget, request.send()).await {
        Ok(Ok(output)) => Ok(Place { shard_id: output.shard_id, sequence_number: output.sequence_number }),
        Ok(Err(error)) => Err(failure(&error)),
        Err(_) if attempts.count() == 0 => Err(Failure::NothingPut("no time was left for an attempt".into())),
        Err(_) => Err(Failure::Unknown(format!("no answer within {} ms", budget.as_millis()))),
    };
    (result, Attempted { attempts: attempts.count(), elapsed: start.elapsed() })
}

/// `client` with the time-outs and retries of a put, whatever its own are.
pub(crate) fn never_twice(client: &Client) -> Client {
    let configuration = client
        .config()
        .to_builder()
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(ATTEMPTS)
                .with_initial_backoff(BACKOFF)
                .with_max_backoff(MAX_BACKOFF),
        )
        .retry_classifier(OnlyWhatWasNotPut);
    Client::from_conf(configuration.build())
}

fn failure(error: &SdkError<PutRecordError, HttpResponse>) -> Failure {
    match error {
        SdkError::ServiceError(answer) => {
            let (code, detail) = (answer.err().code().unwrap_or("no code"), detail(answer.err()));
            if THROTTLING_CODES.contains(&code) {
                Failure::Throttled(detail)
            } else if answer.raw().status().is_client_error() {
                Failure::NothingPut(detail)
            } else {
                Failure::Unknown(detail)
            }
        }
        SdkError::ConstructionFailure(_) => Failure::NothingPut(DisplayErrorContext(error).to_string()),
        SdkError::DispatchFailure(dispatch) if dispatch.as_connector_error().is_some_and(never_connected) => {
            Failure::NothingPut(DisplayErrorContext(error).to_string())
        }
        _ => Failure::Unknown(DisplayErrorContext(error).to_string()),
    }
}

/// Kinesis's code, its message where it may be logged, and its own request id.
fn detail(error: &PutRecordError) -> String {
    let code = error.code().unwrap_or("no code");
    let mut detail = code.to_owned();
    if let Some(message) = error.message().filter(|_| TELLING_CODES.contains(&code)) {
        detail.push_str(": ");
        detail.push_str(message);
    }
    if let Some(id) = error.request_id() {
        detail.push_str(" (Kinesis request ");
        detail.push_str(id);
        detail.push(')');
    }
    detail
}

fn never_connected(error: &ConnectorError) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return error.is_connect();
        }
        next = error.source();
    }
    false
}

/// Forbids every retry without proof that nothing was put; which of the others are worth one stays
/// with the SDK's own classifiers.
#[derive(Debug)]
struct OnlyWhatWasNotPut;

impl ClassifyRetry for OnlyWhatWasNotPut {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let code = error
            .as_operation_error()
            .and_then(|error| error.downcast_ref::<PutRecordError>())
            .and_then(ProvideErrorMetadata::code);
        let nothing_put = code.is_some_and(|code| THROTTLING_CODES.contains(&code))
            || context.response().is_some_and(|response| response.status().is_client_error())
            || error.as_connector_error().is_some_and(never_connected);
        if nothing_put { RetryAction::NoActionIndicated } else { RetryAction::RetryForbidden }
    }

    fn name(&self) -> &'static str {
        "only what was not put"
    }
}

/// Counts attempts.
#[derive(Debug, Clone, Default)]
struct Attempts(Arc<AtomicU32>);

impl Attempts {
    fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "attempts"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
