//! This machine's clock, and how far it is from the services'.

use std::{
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_smithy_types::{DateTime, date_time::Format};
use tailwater_core::{events::Timestamp, text::time};

/// Half of what a `Date` header resolves: it names whole seconds, cut off.
const HALF_A_SECOND_MILLIS: i64 = 500;
/// Below this an offset can't be told from the header's resolution and the way of the answer.
pub(super) const UNNOTICED_OFFSET: Duration = Duration::from_secs(2);
/// From here on it is worth a word. AWS refuses signatures that are 5 minutes off (15 in S3).
const WORTH_A_WORD_MILLIS: i64 = 60_000;
/// An answer that took longer says little about the clock.
const LONGEST_MEASURE: Duration = Duration::from_secs(10);

/// Now, by this machine's clock.
pub fn now() -> Timestamp {
    to_timestamp(SystemTime::now())
}

fn to_timestamp(time: SystemTime) -> Timestamp {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// What is known of the services' clock.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// The services' clock minus this machine's.
    offset_millis: AtomicI64,
    told: AtomicBool,
}

impl Clock {
    /// Takes the `Date` of an answer into account; gives a word where the clocks are far apart, once.
    pub(super) fn measure(&self, date: &str, sent: SystemTime, received: SystemTime) -> Option<String> {
        let took = received.duration_since(sent).ok().filter(|took| *took <= LONGEST_MEASURE)?;
        let date = DateTime::from_str(date, Format::HttpDate).ok()?.to_millis().ok()?;
        let middle = to_timestamp(sent + took / 2);
        let offset = date + HALF_A_SECOND_MILLIS - middle.as_millis();
        self.offset_millis.store(offset, Ordering::Relaxed);
        if offset.abs() < WORTH_A_WORD_MILLIS {
            self.told.store(false, Ordering::Relaxed);
            return None;
        }
        (!self.told.swap(true, Ordering::Relaxed)).then(|| {
            format!(
                "This machine's clock is {} {} AWS's: signatures and starting times are corrected by that. Set the \
                 clock, e.g. `sudo timedatectl set-ntp true` or `sudo sntp -sS time.apple.com`.",
                time::duration(Duration::from_millis(offset.unsigned_abs())),
                if offset > 0 { "behind" } else { "ahead of" }
            )
        })
    }

    /// The services' clock minus this machine's, in milliseconds; 0 where it can't be told apart.
    pub(super) fn offset_millis(&self) -> i64 {
        let offset = self.offset_millis.load(Ordering::Relaxed);
        if Duration::from_millis(offset.unsigned_abs()) < UNNOTICED_OFFSET { 0 } else { offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_measured_and_said_once() {
        let clock = Clock::default();
        // Tue, 24 Nov 2026 10:00:00 GMT, by this machine ten minutes earlier.
        let sent = UNIX_EPOCH + Duration::from_mins(29_925_230);
        let date = "Tue, 24 Nov 2026 10:00:00 GMT";
        let received = sent + Duration::from_secs(1);
        let said = clock.measure(date, sent, received).expect("a word");
        assert!(said.contains("behind AWS's"), "{said}");
        assert_eq!(clock.offset_millis(), 600_000);
        assert_eq!(clock.measure(date, sent, received), None);
        // Set right, it is none any more.
        let sent = sent + Duration::from_mins(10);
        assert_eq!(clock.measure(date, sent, sent + Duration::from_millis(40)), None);
        assert_eq!(clock.offset_millis(), 0);
        assert_eq!(clock.measure("soon", sent, sent), None);
    }
}
