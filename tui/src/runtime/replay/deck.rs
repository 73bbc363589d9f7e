//! The clock of a replay: how far it is, how fast it runs, whether it stands.

use std::time::{Duration, Instant};

use tailwater_core::app::{Replay, ReplayStep, Speed};

/// How far a step back or on goes.
const STEP: Duration = Duration::from_secs(5);

/// The clock.
#[derive(Debug, Clone, Copy)]
pub struct Deck {
    length: Duration,
    speed: Speed,
    paused: bool,
    /// Where it stood when it was last told something.
    from: Duration,
    since: Instant,
}

impl Deck {
    /// One that runs from the start.
    pub const fn new(length: Duration, speed: Speed, now: Instant) -> Self {
        Self { length, speed, paused: false, from: Duration::ZERO, since: now }
    }

    /// How far it is.
    pub fn position(&self, now: Instant) -> Duration {
        let passed =
            if self.paused { Duration::ZERO } else { self.speed.of(now.saturating_duration_since(self.since)) };
        (self.from + passed).min(self.length)
    }

    /// How long until the recording is so far; `None`: it does not run.
    pub fn next(&self, at: Option<Duration>, now: Instant) -> Option<Duration> {
        let position = self.position(now);
        if self.paused || position >= self.length {
            return None;
        }
        Some(self.speed.takes(at.unwrap_or(self.length).saturating_sub(position)))
    }

    /// Does what a key asks for.
    pub fn step(&mut self, step: ReplayStep, now: Instant) {
        self.from = self.position(now);
        self.since = now;
        match step {
            ReplayStep::Pause if self.from >= self.length => {
                self.from = Duration::ZERO;
                self.paused = false;
            }
            ReplayStep::Pause => self.paused = !self.paused,
            ReplayStep::Faster => self.speed = self.speed.faster(),
            ReplayStep::Slower => self.speed = self.speed.slower(),
            ReplayStep::Back => self.from = self.from.saturating_sub(STEP),
            ReplayStep::Forward => self.from = (self.from + STEP).min(self.length),
            ReplayStep::Start => self.from = Duration::ZERO,
            ReplayStep::AsRecorded => {}
        }
    }

    /// Where it stands, for the screen.
    pub fn replay(&self, now: Instant, own_view: bool) -> Replay {
        Replay { position: self.position(now), length: self.length, speed: self.speed, paused: self.paused, own_view }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_pauses_seeks_and_starts_again_at_the_end() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let at = |deck: &Deck, seconds| deck.position(after(seconds)).as_secs();
        let mut deck = Deck::new(Duration::from_mins(1), Speed::AS_RECORDED, start);
        assert_eq!(at(&deck, 10), 10);
        deck.step(ReplayStep::Faster, after(10));
        assert_eq!(at(&deck, 12), 14);
        assert_eq!(deck.next(Some(Duration::from_secs(20)), after(12)), Some(Duration::from_secs(3)));
        deck.step(ReplayStep::Pause, after(12));
        assert_eq!((at(&deck, 100), deck.next(None, after(100))), (14, None));
        deck.step(ReplayStep::Back, after(100));
        deck.step(ReplayStep::Pause, after(100));
        assert_eq!(at(&deck, 101), 11);
        deck.step(ReplayStep::Forward, after(101));
        assert_eq!(at(&deck, 101), 16);
        assert_eq!((at(&deck, 1_000), deck.next(None, after(1_000))), (60, None));
        deck.step(ReplayStep::Pause, after(1_000));
        assert_eq!(at(&deck, 1_001), 2);
        deck.step(ReplayStep::Start, after(1_001));
        assert_eq!(at(&deck, 1_001), 0);
    }
}
