//! The one interceptor that every call to AWS passes: service, operation, duration, retries,
//! outcome.

use std::{
    sync::{Arc, Mutex},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{
                BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
                FinalizerInterceptorContextRef,
            },
        },
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::{ConfigBag, Layer, Storable, StoreReplace};
use tailwater_core::events::{Call, Timestamp};

/// How many calls are kept until someone takes them.
const CALLS_KEPT: usize = 4_096;

/// Records every call of the clients it is given to.
#[derive(Debug, Clone, Default)]
pub struct CallRecorder {
    calls: Arc<Mutex<std::collections::VecDeque<Call>>>,
}

/// When a call began and how many attempts it made so far.
#[derive(Debug)]
struct Running {
    began: Instant,
    time: SystemTime,
    attempts: std::sync::atomic::AtomicU32,
}

impl Storable for Running {
    type Storer = StoreReplace<Self>;
}

impl CallRecorder {
    /// Takes the calls that were recorded since the last time.
    pub fn take(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner).drain(..).collect()
    }
}

impl Intercept for CallRecorder {
    fn name(&self) -> &'static str {
        "CallRecorder"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut layer = Layer::new("CallRecorder");
        layer.store_put(Running {
            began: Instant::now(),
            time: SystemTime::now(),
            attempts: std::sync::atomic::AtomicU32::new(0),
        });
        config.push_layer(layer);
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(running) = config.load::<Running>() {
            running.attempts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(running) = config.load::<Running>() else { return Ok(()) };
        let metadata = config.load::<Metadata>();
        let error = match context.output_or_error() {
            Some(Err(error)) => Some(format!("{error:?}").chars().take(200).collect()),
            _ => None,
        };
        let since_epoch = running.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let call = Call {
            time: Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)),
            service: metadata.map(|known| known.service().to_owned()).unwrap_or_default(),
            operation: metadata.map(|known| known.name().to_owned()).unwrap_or_default(),
            duration: running.began.elapsed(),
            retries: running.attempts.load(std::sync::atomic::Ordering::Relaxed).saturating_sub(1),
            error,
        };
        let mut calls = self.calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if calls.len() == CALLS_KEPT {
            calls.pop_front();
        }
        calls.push_back(call);
        Ok(())
    }
}
