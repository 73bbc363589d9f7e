//! Times and durations for people, no finer than they were measured.

use std::time::Duration;

use crate::events::Timestamp;

/// The offset from UTC in which times are shown, in seconds east.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UtcOffset(pub i32);

impl UtcOffset {
    /// `UTC`, `UTC+1`, `UTC−3:30`.
    pub fn name(self) -> String {
        let minutes = self.0.unsigned_abs() / 60;
        let sign = if self.0 < 0 { '−' } else { '+' };
        match (minutes / 60, minutes % 60) {
            (0, 0) => "UTC".to_owned(),
            (hours, 0) => format!("UTC{sign}{hours}"),
            (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
        }
    }

    /// `14:02:07.118`.
    pub fn clock_millis(self, time: Timestamp) -> String {
        format!("{}.{:03}", self.clock(time), time.as_millis().rem_euclid(1000))
    }

    /// `14:02:07`.
    pub fn clock(self, time: Timestamp) -> String {
        let seconds = (time.as_millis().div_euclid(1000) + i64::from(self.0)).rem_euclid(86_400);
        format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }

    /// `12 Nov`, with the year where it is another than now.
    pub fn day(self, time: Timestamp, now: Timestamp) -> String {
        let offset = jiff::tz::Offset::from_seconds(self.0).unwrap_or(jiff::tz::Offset::UTC);
        let date = |time: Timestamp| {
            jiff::Timestamp::from_millisecond(time.as_millis()).ok().map(|instant| offset.to_datetime(instant).date())
        };
        match (date(time), date(now)) {
            (Some(date), Some(today)) if date.year() == today.year() => date.strftime("%-d %b").to_string(),
            (Some(date), _) => date.strftime("%-d %b %Y").to_string(),
            (None, _) => time.to_string(),
        }
    }

    /// `2026-11-24 14:02:07.118 UTC+1`.
    pub fn full(self, time: Timestamp) -> String {
        let offset = jiff::tz::Offset::from_seconds(self.0).unwrap_or(jiff::tz::Offset::UTC);
        match jiff::Timestamp::from_millisecond(time.as_millis()) {
            Ok(instant) => {
                format!("{} {} {}", offset.to_datetime(instant).date(), self.clock_millis(time), self.name())
            }
            Err(_) => time.to_string(),
        }
    }
}

/// `0.8 ms`, `9 ms`, `0.9 s`, `6 s`, `1 min 5 s`, `2 h 3 min`, `3 d 4 h`.
pub fn duration(duration: Duration) -> String {
    let micros = duration.as_micros();
    let seconds = (duration.as_millis() + 500) / 1000;
    match micros {
        0..9_950 => tenths((micros + 50) / 100, "ms"),
        9_950..949_500 => format!("{} ms", (micros + 500) / 1000),
        949_500..9_950_000 => tenths((micros + 50_000) / 100_000, "s"),
        _ if seconds < 60 => format!("{seconds} s"),
        _ => coarse(seconds),
    }
}

/// A duration in whole seconds, rounded up: what a countdown shows. `6 s`, `1 min 5 s`.
pub fn whole_seconds(duration: Duration) -> String {
    let seconds = duration.as_millis().div_ceil(1000);
    if seconds < 60 { format!("{seconds} s") } else { coarse(seconds) }
}

fn tenths(tenths: u128, unit: &str) -> String {
    match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        tenth => format!("{}.{tenth} {unit}", tenths / 10),
    }
}

fn coarse(seconds: u128) -> String {
    let (large, large_unit, small, small_unit) = match seconds {
        0..3_600 => (seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => (seconds / 3_600, "h", seconds / 60 % 60, "min"),
        _ => (seconds / 86_400, "d", seconds / 3_600 % 24, "h"),
    };
    if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_in_its_offset() {
        let time = Timestamp::parse("2026-11-24T23:02:07.118Z").unwrap();
        assert_eq!(UtcOffset(0).clock_millis(time), "23:02:07.118");
        assert_eq!(UtcOffset(3600).clock(time), "00:02:07");
        assert_eq!(UtcOffset(3600).full(time), "2026-11-25 00:02:07.118 UTC+1");
        assert_eq!(UtcOffset(-12_600).name(), "UTC−3:30");
    }

    #[test]
    fn a_duration_has_two_digits_at_most_before_its_unit_changes() {
        let of = |micros| duration(Duration::from_micros(micros));
        assert_eq!([0, 840, 9_100, 9_949].map(of), ["0 ms", "0.8 ms", "9.1 ms", "9.9 ms"]);
        assert_eq!([9_950, 112_000, 950_000].map(of), ["10 ms", "112 ms", "1 s"]);
        assert_eq!([6_040_000, 12_300_000, 65_000_000].map(of), ["6 s", "12 s", "1 min 5 s"]);
        assert_eq!([3_600_000_000, 7_380_000_000, 360_000_000_000].map(of), ["1 h", "2 h 3 min", "4 d 4 h"]);
    }

    #[test]
    fn a_countdown_ends_at_zero_not_before() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), "1 s");
        assert_eq!(whole_seconds(Duration::from_secs(6)), "6 s");
        assert_eq!(whole_seconds(Duration::ZERO), "0 s");
        assert_eq!(whole_seconds(Duration::from_millis(64_001)), "1 min 5 s");
    }
}
