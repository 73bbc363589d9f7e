//! How long a source rests between two reads: a while that doubles every few reads that bring nothing,
//! up to a bound, and that ends at once when something is sent from here or another source saw
//! something come. How often it may read at most is the budget's to hold.

use std::time::{Duration, Instant};

use tailwater_core::app::TailState;

use crate::target::{Rested, Stirred, Target, Time};

/// After so many reads in a row that brought nothing the rest doubles.
const READS_BEFORE_SLOWING: u32 = 10;

/// The rests of one source.
pub(super) struct Rest {
    target: Target,
    time: Time,
    stirred: Stirred,
    first: Duration,
    longest: Duration,
    quiet: u32,
}

impl Rest {
    /// Rests of a source of this target.
    pub(super) fn new(target: &Target, rested: Rested) -> Self {
        Self {
            target: target.clone(),
            time: target.time().clone(),
            stirred: target.stirred(),
            first: rested.first,
            longest: rested.longest,
            quiet: 0,
        }
    }

    /// A read brought something, or nothing.
    pub(super) fn read(&mut self, news: bool) {
        if news {
            self.quiet = 0;
            self.target.stir();
            // That was this source itself.
            self.stirred.settle();
        } else {
            self.quiet = self.quiet.saturating_add(1);
        }
    }

    /// Something goes on: it no longer counts that nothing came.
    pub(super) fn wake(&mut self) {
        self.quiet = 0;
        self.stirred.settle();
    }

    /// How long it rests now.
    pub(super) fn every(&self) -> Duration {
        let doublings = (self.quiet / READS_BEFORE_SLOWING).min(16);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }

    /// How the source fares.
    pub(super) fn state(&self) -> TailState {
        let every = self.every();
        if every > self.first { TailState::Slowed { every } } else { TailState::Following }
    }

    /// Rests until then, or until something goes on.
    pub(super) async fn until(&mut self, then: Instant) {
        if self.longest <= self.first {
            return self.time.sleep_until(then).await;
        }
        tokio::select! {
            () = self.time.sleep_until(then) => {}
            () = self.stirred.stirred() => self.quiet = 0,
        }
    }

    /// Rests.
    pub(super) async fn pause(&mut self) {
        self.until(self.time.now() + self.every()).await;
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::test_util::infallible_client_fn;

    use super::*;
    use crate::target::Moved;

    #[tokio::test]
    async fn it_doubles_to_its_bound_and_starts_again_with_what_is_sent() {
        let (moved, time) = Moved::new();
        let target = Target::scripted(infallible_client_fn(|_| http::Response::new(String::new())), time);
        let rested = Rested { first: Duration::from_millis(500), longest: Duration::from_secs(2) };
        let mut rest = Rest::new(&target, rested);
        let mut waits = Vec::new();
        for _ in 0..4 {
            waits.push(rest.every().as_millis());
            for _ in 0..READS_BEFORE_SLOWING {
                rest.read(false);
            }
        }
        assert_eq!(waits, [500, 1_000, 2_000, 2_000]);
        assert_eq!(rest.state(), TailState::Slowed { every: Duration::from_secs(2) });

        let resting = tokio::spawn(async move {
            rest.pause().await;
            rest
        });
        moved.pass(Duration::from_millis(100)).await;
        assert!(!resting.is_finished());
        target.stir();
        let rest = resting.await.expect("rested");
        assert_eq!(moved.passed(), Duration::from_millis(100));
        assert_eq!(rest.state(), TailState::Following);
    }
}
