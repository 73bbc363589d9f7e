//! How fast one shard may be read: five calls and 2 MB a second.
//!
//! <https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html>

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// `GetRecords` calls that one shard answers in a second.
const READS_A_SECOND: usize = 5;
/// Bytes that one shard gives in a second.
const BYTES_A_SECOND: f64 = 2.0 * 1024.0 * 1024.0;
const SECOND: Duration = Duration::from_secs(1);

/// What was read from one shard lately.
#[derive(Debug, Default)]
pub(super) struct ReadWindow {
    calls: VecDeque<Instant>,
    /// The last read of a service of the cloud.
    service_read: Option<Instant>,
    /// Bytes given and not yet paid for by time.
    owed: f64,
    owed_at: Option<Instant>,
}

impl ReadWindow {
    /// Whether a call may read now; if so it is counted.
    pub fn admit(&mut self, now: Instant) -> bool {
        self.settle(now);
        if self.calls.len() >= READS_A_SECOND || self.owed >= BYTES_A_SECOND {
            return false;
        }
        self.calls.push_back(now);
        true
    }

    /// Counts a read of a service, which is never refused: it reads once a second on AWS, and
    /// counts so here, however often it looks.
    pub fn admit_service(&mut self, now: Instant) {
        self.settle(now);
        if self.service_read.is_none_or(|last| now.duration_since(last) >= SECOND) {
            self.service_read = Some(now);
            self.calls.push_back(now);
        }
    }

    /// Counts what a read gave: an answer of 10 MB keeps later calls waiting.
    pub fn charge(&mut self, bytes: u64, now: Instant) {
        self.settle(now);
        #[expect(clippy::cast_precision_loss, reason = "an answer is at most 10 MB")]
        let bytes = bytes as f64;
        self.owed += bytes;
    }

    fn settle(&mut self, now: Instant) {
        while self.calls.front().is_some_and(|call| now.duration_since(*call) >= SECOND) {
            self.calls.pop_front();
        }
        if let Some(last) = self.owed_at {
            self.owed = (self.owed - now.duration_since(last).as_secs_f64() * BYTES_A_SECOND).max(0.0);
        }
        self.owed_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, milliseconds: u64) -> Instant {
        start + Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_sixth_read_within_a_second_is_refused() {
        let (mut window, start) = (ReadWindow::default(), Instant::now());
        assert!((0..5).all(|read| window.admit(after(start, read * 10))));
        assert!(!window.admit(after(start, 999)));
        assert!(window.admit(after(start, 1000)));
        assert!(!window.admit(after(start, 1005)));
    }

    #[test]
    fn a_service_takes_one_read_a_second_of_the_five() {
        let (mut window, start) = (ReadWindow::default(), Instant::now());
        for look in 0..100 {
            window.admit_service(after(start, look));
        }
        assert!((0..4).all(|_| window.admit(after(start, 100))));
        assert!(!window.admit(after(start, 100)));
    }

    #[test]
    fn ten_megabytes_keep_later_reads_waiting_for_seconds() {
        let (mut window, start) = (ReadWindow::default(), Instant::now());
        assert!(window.admit(start));
        window.charge(10 * 1024 * 1024, start);
        assert!(!window.admit(after(start, 3900)));
        assert!(window.admit(after(start, 4100)));
    }
}
