//! Throttling: token buckets, as API Gateway has them.

use std::time::Instant;

/// Requests a second of an account, where nothing else is set.
pub(in crate::gateway) const ACCOUNT_RATE: f64 = 10_000.0;
/// Requests at once of an account, where nothing else is set.
pub(in crate::gateway) const ACCOUNT_BURST: u32 = 5_000;

/// A bucket that fills at a rate up to a burst; each request takes one token. A new one is full.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Bucket {
    /// The tokens there were, and when.
    last: Option<(f64, Instant)>,
}

impl Bucket {
    /// Takes a token, where there is one.
    pub fn take(&mut self, rate: f64, burst: u32, now: Instant) -> bool {
        let burst = f64::from(burst);
        let tokens = match self.last {
            None => burst,
            Some((tokens, then)) => (tokens + rate * now.saturating_duration_since(then).as_secs_f64()).min(burst),
        };
        let taken = tokens >= 1.0;
        self.last = Some((if taken { tokens - 1.0 } else { tokens }, now));
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_taken_at_once_and_refills_at_the_rate() {
        let mut bucket = Bucket::default();
        let start = Instant::now();
        let taken = (0..10).filter(|_| bucket.take(2.0, 5, start)).count();
        assert_eq!(taken, 5);
        assert!(!bucket.take(2.0, 5, start + Duration::from_millis(400)));
        assert!(bucket.take(2.0, 5, start + Duration::from_millis(500)));
        assert!(!bucket.take(2.0, 5, start + Duration::from_millis(500)));
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_burst() {
        let mut bucket = Bucket::default();
        let start = Instant::now();
        assert!(bucket.take(100.0, 2, start));
        let later = start + Duration::from_mins(1);
        assert_eq!((0..10).filter(|_| bucket.take(100.0, 2, later)).count(), 2);
    }

    #[test]
    fn no_burst_lets_nothing_through() {
        assert!(!Bucket::default().take(100.0, 0, Instant::now()));
    }
}
