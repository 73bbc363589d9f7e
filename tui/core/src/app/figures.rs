//! The figures of the strip: how much passed each hop in the last minute, and how fast.

use std::{collections::VecDeque, time::Duration};

use crate::{
    events::{Access, Answer, LambdaRequestId, LogLine, LogSource, Sent, Timestamp},
    text::number,
};

/// How far back the figures look.
pub const WINDOW_SECONDS: i64 = 60;
/// The shorter window that a rate is taken from.
const RATE_SECONDS: i64 = 10;
/// How many durations a percentile is taken from at most.
const MOST_DURATIONS: usize = 1_000;

/// Counts by second, of the last minute.
#[derive(Debug, Default, Clone)]
pub struct Seconds {
    counts: VecDeque<(i64, u64)>,
}

impl Seconds {
    /// Something passed at this time. What is older than the window's newest minute is not counted.
    pub fn add(&mut self, time: Timestamp, count: u64) {
        let second = time.as_millis().div_euclid(1000);
        let newest = self.counts.back().map_or(second, |(newest, _)| second.max(*newest));
        if second <= newest - WINDOW_SECONDS {
            return;
        }
        if let Some((_, known)) = self.counts.iter_mut().rev().find(|(known, _)| *known == second) {
            *known += count;
        } else {
            let place = self.counts.partition_point(|(known, _)| *known < second);
            self.counts.insert(place, (second, count));
        }
        while self.counts.front().is_some_and(|(oldest, _)| *oldest <= newest - WINDOW_SECONDS) {
            self.counts.pop_front();
        }
    }

    /// How many passed in the last `seconds`.
    pub fn within(&self, now: Timestamp, seconds: i64) -> u64 {
        let from = now.as_millis().div_euclid(1000) - seconds;
        self.counts.iter().filter(|(second, _)| *second > from).map(|(_, count)| count).sum()
    }

    /// How many passed in the last minute.
    pub fn in_window(&self, now: Timestamp) -> u64 {
        self.within(now, WINDOW_SECONDS)
    }

    /// One count a second, oldest first, the present one last.
    pub fn by_second(&self, now: Timestamp) -> Vec<u64> {
        let present = now.as_millis().div_euclid(1000);
        let mut seconds = vec![0; usize::try_from(WINDOW_SECONDS).unwrap_or(0)];
        for (second, count) in &self.counts {
            let place = second - (present - WINDOW_SECONDS + 1);
            if let Some(slot) = usize::try_from(place).ok().and_then(|place| seconds.get_mut(place)) {
                *slot += count;
            }
        }
        seconds
    }

    /// `12/s`, `3 in 60 s`, or nothing where nothing passed.
    pub fn words(&self, now: Timestamp) -> Option<String> {
        let recent = self.within(now, RATE_SECONDS);
        let all = self.in_window(now);
        if recent >= 2 * RATE_SECONDS.unsigned_abs() {
            Some(format!("{}/s", number::grouped(recent / RATE_SECONDS.unsigned_abs())))
        } else if all > 0 {
            Some(format!("{} in 60 s", number::grouped(all)))
        } else {
            None
        }
    }
}

/// Durations of the last minute.
#[derive(Debug, Default, Clone)]
pub struct Durations {
    values: VecDeque<(Timestamp, Duration)>,
}

impl Durations {
    /// One more.
    pub fn add(&mut self, time: Timestamp, duration: Duration) {
        self.values.push_back((time, duration));
        while self.values.len() > MOST_DURATIONS {
            self.values.pop_front();
        }
    }

    /// The median of the last minute.
    pub fn p50(&self, now: Timestamp) -> Option<Duration> {
        let from = now.minus(Duration::from_secs(WINDOW_SECONDS.unsigned_abs()));
        let mut recent: Vec<Duration> =
            self.values.iter().filter(|(time, _)| *time > from).map(|(_, value)| *value).collect();
        let middle = recent.len().checked_sub(1)? / 2;
        Some(*recent.select_nth_unstable(middle).1)
    }
}

/// The figures of the strip.
#[derive(Debug, Default)]
pub struct Figures {
    /// Requests sent from here.
    pub sent: Seconds,
    /// Requests that the gateway logged, whoever sent them.
    pub access: Seconds,
    /// From sending to the answer.
    pub latency: Durations,
    /// Answers 429 to what was sent from here.
    pub throttled: Seconds,
    /// Answers 429 that the gateway logged, whoever sent the request.
    pub access_throttled: Seconds,
    /// Other answers that were none of 202, and no answer.
    pub not_accepted: Seconds,
    /// Runs of the function, by its reports.
    pub runs: Seconds,
    /// How long it ran.
    pub run_time: Durations,
    /// Lines of the function that say ERROR.
    pub function_errors: Seconds,
    /// The invocation of the last of them.
    pub failed_invocation: Option<LambdaRequestId>,
    /// Records.
    pub records: Seconds,
    /// Lines in objects, by when the object was written.
    pub landed: Seconds,
    /// Lines in objects, all of them.
    pub lines_in_s3: u64,
    /// Objects, all of them.
    pub objects: u64,
    /// Delivery errors.
    pub delivery_errors: Seconds,
    /// What the last delivery error said, and when.
    pub last_delivery_error: Option<(Timestamp, String)>,
}

impl Figures {
    /// A request was answered, or not.
    pub fn sent(&mut self, sent: &Sent) {
        self.sent.add(sent.time, 1);
        match &sent.answer {
            Answer::Accepted { .. } => {}
            Answer::Refused { status: 429, .. } => self.throttled.add(sent.time, 1),
            Answer::Refused { .. } | Answer::Unanswered { .. } => self.not_accepted.add(sent.time, 1),
        }
        if sent.status().is_some() {
            self.latency.add(sent.time, sent.latency);
        }
    }

    /// A log line came.
    pub fn log(&mut self, line: &LogLine) {
        match line.source {
            LogSource::Access => {
                self.access.add(line.time, 1);
                if Access::parse(&line.message).is_some_and(|access| access.status.as_deref() == Some("429")) {
                    self.access_throttled.add(line.time, 1);
                }
            }
            LogSource::Function => {
                if let Some(report) = line.report() {
                    self.runs.add(line.time, 1);
                    if report.duration_ms.is_finite() && report.duration_ms >= 0.0 {
                        self.run_time.add(line.time, Duration::from_secs_f64(report.duration_ms.min(1e9) / 1000.0));
                    }
                }
                // Several lines of one invocation are one error.
                let again = line.lambda_request_id.is_some() && line.lambda_request_id == self.failed_invocation;
                if line.level == crate::events::Level::Error && !again {
                    self.function_errors.add(line.time, 1);
                    self.failed_invocation.clone_from(&line.lambda_request_id);
                }
            }
            LogSource::Delivery => {
                self.delivery_errors.add(line.time, 1);
                self.last_delivery_error = Some((line.time, crate::text::log_line::brief(line)));
            }
        }
    }

    /// Answers 429 of the last minute: the gateway's log tells of everyone's, and may be behind.
    pub fn throttled_in_window(&self, now: Timestamp) -> u64 {
        self.throttled.in_window(now).max(self.access_throttled.in_window(now))
    }

    /// Whether any figure of the last minute still changes as time passes.
    pub fn any_recent(&self, now: Timestamp) -> bool {
        [&self.sent, &self.access, &self.runs, &self.records, &self.landed, &self.delivery_errors]
            .iter()
            // One second more than the window, so that the last change is drawn too.
            .any(|seconds| seconds.within(now, WINDOW_SECONDS + 2) > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    #[test]
    fn a_rate_says_its_window() {
        let mut seconds = Seconds::default();
        assert_eq!(seconds.words(at(100)), None);
        seconds.add(at(100), 3);
        assert_eq!(seconds.words(at(100)).as_deref(), Some("3 in 60 s"));
        seconds.add(at(101), 27);
        assert_eq!(seconds.words(at(101)).as_deref(), Some("3/s"));
        assert_eq!(seconds.words(at(159)).as_deref(), Some("30 in 60 s"));
        assert_eq!(seconds.words(at(161)), None);
        assert_eq!(seconds.by_second(at(101))[58..], [3, 27]);
    }

    #[test]
    fn late_and_old_seconds_keep_the_window_in_order() {
        let mut seconds = Seconds::default();
        for second in [100, 98, 99, 30, 98] {
            seconds.add(at(second), 1);
        }
        assert_eq!(seconds.counts, [(98, 2), (99, 1), (100, 1)]);
    }

    #[test]
    fn a_median_is_of_the_last_minute() {
        let mut durations = Durations::default();
        for (second, millis) in [(1, 500), (100, 3), (101, 9), (102, 4)] {
            durations.add(at(second), Duration::from_millis(millis));
        }
        assert_eq!(durations.p50(at(102)), Some(Duration::from_millis(4)));
        assert_eq!(durations.p50(at(200)), None);
    }
}
