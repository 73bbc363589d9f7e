//! Who listens to the calls that are made, and what each subscriber could not take in.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tailwater_core::events::Call;
use tokio::sync::mpsc::{self, error::TrySendError};

/// How many calls may wait for a subscriber; further ones are dropped for it, and counted.
const CALLS_AHEAD: usize = 1_024;

/// The calls of a target, from the moment of subscribing on.
#[derive(Debug)]
pub struct CallReceiver {
    calls: mpsc::Receiver<Call>,
    dropped: Arc<AtomicU64>,
}

impl CallReceiver {
    /// The next call; `None` once the target is gone.
    pub async fn recv(&mut self) -> Option<Call> {
        self.calls.recv().await
    }

    /// How many calls this subscriber was too slow for.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Hands calls on without ever waiting for a subscriber.
#[derive(Debug, Clone, Default)]
pub(super) struct Subscribers(Arc<Mutex<Vec<Subscriber>>>);

#[derive(Debug)]
struct Subscriber {
    calls: mpsc::Sender<Call>,
    dropped: Arc<AtomicU64>,
}

impl Subscribers {
    /// A new one.
    pub(super) fn subscribe(&self) -> CallReceiver {
        let (sender, calls) = mpsc::channel(CALLS_AHEAD);
        let dropped = Arc::new(AtomicU64::new(0));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Subscriber { calls: sender, dropped: dropped.clone() });
        CallReceiver { calls, dropped }
    }

    /// Tells all of them.
    pub(super) fn tell(&self, call: &Call) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|subscriber| match subscriber.calls.try_send(call.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                subscriber.dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Closed(_)) => false,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tailwater_core::events::{CallOutcome, Timestamp};

    use super::*;

    fn call() -> Call {
        Call {
            service: "Kinesis".to_owned(),
            operation: "GetRecords".to_owned(),
            started: Timestamp::from_millis(0),
            duration: Duration::from_millis(3),
            attempts: 1,
            throttled: 0,
            answer_bytes: 0,
            outcome: CallOutcome::Answered,
        }
    }

    #[tokio::test]
    async fn a_slow_subscriber_loses_calls_that_are_counted_and_a_gone_one_is_forgotten() {
        let subscribers = Subscribers::default();
        let mut slow = subscribers.subscribe();
        drop(subscribers.subscribe());
        for _ in 0..CALLS_AHEAD + 3 {
            subscribers.tell(&call());
        }
        assert_eq!(slow.dropped(), 3);
        assert_eq!(slow.recv().await, Some(call()));
        assert_eq!(subscribers.0.lock().expect("subscribers").len(), 1);
    }
}
