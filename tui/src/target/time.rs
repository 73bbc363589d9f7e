//! Waiting. A test replaces the time that passes by one that it moves itself.

use std::time::{Duration, Instant};

/// The time by which sources and budgets wait.
#[derive(Debug, Clone, Default)]
pub struct Time {
    #[cfg(test)]
    moved: Option<std::sync::Arc<moved::Moved>>,
}

impl Time {
    /// Now; it only ever grows.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "a test's time is its own"))]
    pub fn now(&self) -> Instant {
        #[cfg(test)]
        if let Some(moved) = &self.moved {
            return moved.now();
        }
        Instant::now()
    }

    /// Waits until then.
    pub async fn sleep_until(&self, then: Instant) {
        #[cfg(test)]
        if let Some(moved) = &self.moved {
            return moved.sleep_until(then).await;
        }
        tokio::time::sleep_until(then.into()).await;
    }

    /// Waits this long.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + duration).await;
    }
}

#[cfg(test)]
pub use moved::Moved;

#[cfg(test)]
mod moved {
    use std::{
        collections::BTreeMap,
        future::poll_fn,
        sync::{Arc, Mutex},
        task::{Poll, Waker},
        time::{Duration, Instant},
    };

    use super::Time;

    /// So many turns let every other task of a single-threaded runtime come to rest.
    const TURNS_TO_REST: usize = 500;

    /// A time that stands still until a test moves it.
    #[derive(Debug)]
    pub struct Moved {
        began: Instant,
        /// Whoever sleeps moves it himself.
        by_sleepers: bool,
        state: Mutex<State>,
    }

    #[derive(Debug, Default)]
    struct State {
        passed: Duration,
        sleepers: BTreeMap<(Instant, u64), Waker>,
        next_id: u64,
    }

    impl Moved {
        pub fn new() -> (Arc<Self>, Time) {
            Self::with(false)
        }

        /// A time in which nobody has to wait: whoever sleeps moves it.
        pub fn by_sleepers() -> Time {
            Self::with(true).1
        }

        fn with(by_sleepers: bool) -> (Arc<Self>, Time) {
            let moved = Arc::new(Self { began: Instant::now(), by_sleepers, state: Mutex::default() });
            (moved.clone(), Time { moved: Some(moved) })
        }

        pub fn now(&self) -> Instant {
            self.began + self.state.lock().expect("the time").passed
        }

        /// How much has passed since the test began.
        pub fn passed(&self) -> Duration {
            self.state.lock().expect("the time").passed
        }

        pub(super) async fn sleep_until(&self, then: Instant) {
            let mut id = None;
            poll_fn(|context| {
                let mut state = self.state.lock().expect("the time");
                if self.by_sleepers {
                    state.passed = state.passed.max(then - self.began);
                }
                if self.began + state.passed >= then {
                    return Poll::Ready(());
                }
                let id = *id.get_or_insert_with(|| {
                    state.next_id += 1;
                    state.next_id
                });
                state.sleepers.insert((then, id), context.waker().clone());
                Poll::Pending
            })
            .await;
        }

        /// Lets this much time pass, from one sleeper to the next. Between them every task runs as far
        /// as it gets.
        pub async fn pass(&self, duration: Duration) {
            let end = self.now() + duration;
            loop {
                for _ in 0..TURNS_TO_REST {
                    tokio::task::yield_now().await;
                }
                let mut state = self.state.lock().expect("the time");
                let next = state.sleepers.first_key_value().map(|(key, _)| *key).filter(|(then, _)| *then <= end);
                let Some(key) = next else {
                    state.passed = end - self.began;
                    return;
                };
                state.passed = state.passed.max(key.0 - self.began);
                if let Some(waker) = state.sleepers.remove(&key) {
                    waker.wake();
                }
            }
        }
    }
}
