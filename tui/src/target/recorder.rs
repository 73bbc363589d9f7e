//! What every call passes: it is recorded, takes its place in the budget, tells the services' clock,
//! and shows when the credentials are no longer good.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        endpoint::EndpointPrefix,
        interceptors::{
            Intercept,
            context::{
                BeforeDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef,
                BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef,
                FinalizerInterceptorContextRef,
            },
        },
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
    http::Headers,
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use tailwater_core::events::{Call, CallOutcome, Timestamp};

use super::{budget::Budgeted, calls::Subscribers, causes, clock::Clock, login::Login, notices::Notices};

/// Codes that say that there were too many calls (the SDKs' list of throttling errors).
const THROTTLES: [&str; 13] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
    "LimitExceededException",
];

/// The interceptor of every client of a target.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    pub(super) subscribers: Subscribers,
    pub(super) clock: Arc<Clock>,
    /// Whether the services' clock is another than this machine's.
    pub(super) measures_clock: bool,
    pub(super) login: Login,
    pub(super) notices: Notices,
}

/// The place in the budget that a request takes before it leaves.
#[derive(Debug, Clone)]
pub(super) struct Spend {
    pub(super) of: Budgeted,
    pub(super) key: String,
    waited_micros: Arc<AtomicU64>,
}

impl Spend {
    /// It waited this long.
    pub(super) fn waited(&self, duration: Duration) {
        self.waited_micros.fetch_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Names the shard that a call reads: each has a budget of its own, and an iterator does not tell.
#[derive(Debug, Clone)]
pub struct OfShard(pub String);

impl Storable for OfShard {
    type Storer = StoreReplace<Self>;
}

impl Intercept for OfShard {
    fn name(&self) -> &'static str {
        "OfShard"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(self.clone());
        Ok(())
    }
}

/// A call on its way.
#[derive(Debug, Clone)]
struct UnderWay(Arc<Mutex<Progress>>);

impl Storable for UnderWay {
    type Storer = StoreReplace<Self>;
}

#[derive(Debug)]
struct Progress {
    started: Timestamp,
    began: Instant,
    sent: SystemTime,
    attempts: u32,
    throttled: u32,
    answer_bytes: u64,
    waited_micros: Arc<AtomicU64>,
}

fn progress(config: &ConfigBag) -> Option<MutexGuard<'_, Progress>> {
    Some(config.load::<UnderWay>()?.0.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "Recorder"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(UnderWay(Arc::new(Mutex::new(Progress {
            started: super::now(),
            began: Instant::now(),
            sent: SystemTime::now(),
            attempts: 0,
            throttled: 0,
            answer_bytes: 0,
            waited_micros: Arc::default(),
        }))));
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(mut progress) = progress(config) {
            progress.attempts += 1;
        }
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A host of this machine's own has no other names beside it. `StartLiveTail` has one.
        let prefix = config.load::<EndpointPrefix>();
        if let Some(own) = prefix.and_then(|prefix| without_prefix(context.request().uri(), prefix.as_str())) {
            context.request_mut().set_uri(own)?;
        }
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let key = config.load::<OfShard>().map(|shard| shard.0.clone()).unwrap_or_default();
        let of = config.load::<Metadata>().and_then(|call| Budgeted::of(call.service(), call.name()));
        let Some(mut progress) = progress(config) else { return Ok(()) };
        progress.sent = SystemTime::now();
        if let Some(of) = of {
            let waited_micros = progress.waited_micros.clone();
            context.request_mut().add_extension(Spend { of, key, waited_micros });
        }
        Ok(())
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(mut progress) = progress(config) else { return Ok(()) };
        let headers = context.response().headers();
        progress.answer_bytes += headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0_u64);
        // What a cache answers has an old date.
        if self.measures_clock
            && headers.get("age").is_none()
            && let Some(date) = headers.get("date")
        {
            let waited = Duration::from_micros(progress.waited_micros.load(Ordering::Relaxed));
            if let Some(word) = self.clock.measure(date, progress.sent + waited, SystemTime::now()) {
                self.notices.say(word);
            }
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if matches!(outcome(context), CallOutcome::Throttled(_))
            && let Some(mut progress) = progress(config)
        {
            progress.throttled += 1;
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let outcome = outcome(context);
        match &outcome {
            CallOutcome::Answered => self.login.accepted(),
            CallOutcome::Failed(code) => self.login.refused(code),
            CallOutcome::Throttled(_) => {}
        }
        let (Some(call), Some(progress)) = (config.load::<Metadata>(), progress(config)) else { return Ok(()) };
        let waited = Duration::from_micros(progress.waited_micros.load(Ordering::Relaxed));
        self.subscribers.tell(&Call {
            service: call.service().to_owned(),
            operation: call.name().to_owned(),
            started: progress.started.plus(waited),
            duration: progress.began.elapsed().saturating_sub(waited),
            attempts: progress.attempts,
            throttled: progress.throttled,
            answer_bytes: progress.answer_bytes,
            outcome,
        });
        Ok(())
    }
}

fn outcome(context: &FinalizerInterceptorContextRef<'_>) -> CallOutcome {
    let Some(Err(error)) = context.output_or_error() else { return CallOutcome::Answered };
    if let Some(error) = error.as_operation_error() {
        let code = context
            .response()
            .and_then(|response| code_of(response.headers(), response.body().bytes()))
            .unwrap_or_else(|| error.to_string());
        return if THROTTLES.contains(&code.as_str()) {
            CallOutcome::Throttled(code)
        } else {
            CallOutcome::Failed(code)
        };
    }
    CallOutcome::Failed(if let Some(error) = error.as_connector_error() {
        causes(error)
    } else if error.is_timeout_error() {
        "timed out".to_owned()
    } else if error.is_response_error() {
        "an answer that can't be read".to_owned()
    } else {
        "not sent".to_owned()
    })
}

/// The error's code, wherever the service's protocol puts it.
fn code_of(headers: &Headers, body: Option<&[u8]>) -> Option<String> {
    let named = headers.get("x-amzn-query-error").or_else(|| headers.get("x-amzn-errortype"));
    let of_body = || {
        let body = std::str::from_utf8(body?).ok()?;
        if let Ok(json) = serde_json::from_str::<serde_json::Value>(body) {
            let code = json.get("__type").or_else(|| json.get("code")).or_else(|| json.get("Code"))?;
            return Some(code.as_str()?.to_owned());
        }
        let (_, after) = body.split_once("<Code>")?;
        Some(after.split_once("</Code>")?.0.to_owned())
    };
    let code = named.map(str::to_owned).or_else(of_body)?;
    // `com.amazonaws.kinesis#Code`, `Code:http://…`, `Code;Sender`.
    let code = code.rsplit('#').next().unwrap_or(&code);
    Some(code.split([':', ';']).next().unwrap_or(code).to_owned())
}

/// The same address without the prefix, where its host is this machine.
fn without_prefix(uri: &str, prefix: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://")?;
    let own = rest.strip_prefix(prefix)?;
    let host = own.split(['/', '?']).next().unwrap_or(own);
    super::is_loopback(host_of(host)).then(|| format!("{scheme}://{own}"))
}

/// The host of `host:port`.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_in_every_protocol() {
        let none = Headers::new();
        let of = |body: &str| code_of(&none, Some(body.as_bytes()));
        assert_eq!(
            of(r#"{"__type":"com.amazonaws.kinesis#ExpiredTokenException"}"#).as_deref(),
            Some("ExpiredTokenException")
        );
        assert_eq!(of(r#"{"code":"Boo"}"#).as_deref(), Some("Boo"));
        assert_eq!(
            of("<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>").as_deref(),
            Some("Throttling")
        );
        assert_eq!(of("not found"), None);
        let mut named = Headers::new();
        named.insert("x-amzn-errortype", "TooManyRequestsException:http://internal.amazon.com/coral/");
        assert_eq!(code_of(&named, None).as_deref(), Some("TooManyRequestsException"));
    }

    #[test]
    fn only_hosts_of_this_machine_get_their_name_back() {
        let own = |uri: &str| without_prefix(uri, "stream-");
        assert_eq!(own("http://stream-127.0.0.1:4566/").as_deref(), Some("http://127.0.0.1:4566/"));
        assert_eq!(own("http://stream-localhost:1/x").as_deref(), Some("http://localhost:1/x"));
        assert_eq!(own("https://stream-logs.eu-west-1.amazonaws.com/"), None);
        assert_eq!(own("http://127.0.0.1:4566/"), None);
    }
}
