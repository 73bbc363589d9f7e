//! How far the clocks are apart that measured a trace's times.
//!
//! What happens within something else brackets a clock: the gateway takes a request after it was sent
//! and before its answer came, so its clock can't be off by more than the time that was left. Of all
//! events the one that leaves the least time measures best, of those that most agree with.

use std::time::Duration;

/// Who measured a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Clock {
    /// This machine.
    Client,
    /// The gateway's access log.
    Gateway,
    /// Lambda's platform lines and the function's own.
    Lambda,
    /// Kinesis's arrival times.
    Kinesis,
    /// The objects' dates.
    S3,
    /// Nobody at the hop: the time at which a line was logged.
    Logs,
}

impl Clock {
    /// The name in texts and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Gateway => "gateway",
            Self::Lambda => "lambda",
            Self::Kinesis => "kinesis",
            Self::S3 => "s3",
            Self::Logs => "logs",
        }
    }
}

/// How far a clock is from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockOffset {
    /// The clock.
    pub clock: Clock,
    /// The one it was measured against.
    pub against: Clock,
    /// How far it is ahead, in microseconds; 0 where the two agree as far as it can be measured.
    pub offset_micros: i64,
    /// How far that may be off, in microseconds, either way.
    pub uncertainty_micros: i64,
}

/// Between what bounds an offset lies, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    least: i64,
    most: i64,
}

impl Bounds {
    const fn width(self) -> i64 {
        self.most - self.least
    }

    /// An offset that may be none is none: what is not proven is not corrected.
    fn offset(self, clock: Clock, against: Clock) -> ClockOffset {
        let (offset_micros, uncertainty_micros) = if self.least <= 0 && self.most >= 0 {
            (0, self.most.max(-self.least))
        } else {
            (self.least.midpoint(self.most), self.width() / 2)
        };
        ClockOffset { clock, against, offset_micros, uncertainty_micros }
    }
}

/// A span that a clock measured, in microseconds: it began within `precision` from `from` on, and ended
/// within `end_precision` from `to` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub from: i64,
    pub to: i64,
    pub precision: Duration,
    /// An end that is a time and a duration is no finer than both together.
    pub end_precision: Duration,
}

/// What was measured of one clock against another.
#[derive(Debug, Clone, Copy, Default)]
struct Measured {
    /// The finest of the measures by which the two may agree, and how many these are.
    agreeing: Option<Bounds>,
    agree: u64,
    /// The finest of those by which they do not.
    differing: Option<Bounds>,
    differ: u64,
}

impl Measured {
    fn take(&mut self, measure: Option<Bounds>) {
        let Some(measure) = measure else { return };
        let agrees = measure.least <= 0 && measure.most >= 0;
        let (known, count) =
            if agrees { (&mut self.agreeing, &mut self.agree) } else { (&mut self.differing, &mut self.differ) };
        *count += 1;
        // The smallest uncertainty wins.
        if known.is_none_or(|known| measure.width() < known.width()) {
            *known = Some(measure);
        }
    }

    /// What most measures say: a machine that is busy now and then writes a time down late, and that
    /// one measure would be the finest of all.
    fn bounds(&self) -> Option<Bounds> {
        if self.differ > self.agree { self.differing } else { self.agreeing.or(self.differing) }
    }

    fn offset(&self, clock: Clock, against: Clock) -> Option<ClockOffset> {
        self.bounds().map(|bounds| bounds.offset(clock, against))
    }
}

/// The offsets that were measured so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clocks {
    client: Measured,
    lambda: Measured,
    kinesis: Measured,
    /// S3's dates can only be seen to be too early.
    s3_most: Option<i64>,
}

impl Clocks {
    /// The gateway's part of a request lies within the client's.
    pub fn gateway_within_client(&mut self, gateway: Span, client: Span) {
        self.client.take(negated(within(gateway, client)));
    }

    /// From the start of a run to the function's own line lies within the gateway's part of its request.
    pub fn lambda_within_gateway(&mut self, run: Span, gateway: Span) {
        self.lambda.take(within(run, gateway));
    }

    /// An arrival lies within the gateway's part of its request.
    pub fn kinesis_within_gateway(&mut self, arrival: Span, gateway: Span) {
        self.kinesis.take(within(arrival, gateway));
    }

    /// An object is written after its records arrived.
    pub fn s3_after_kinesis(&mut self, date: Span, arrival: Span) {
        let most = date.to + micros(date.end_precision) - arrival.from;
        if most < 0 {
            self.s3_most = Some(self.s3_most.map_or(most, |known| known.min(most)));
        }
    }

    /// How far a clock is ahead of the gateway's, in microseconds.
    pub fn correction(&self, clock: Clock) -> i64 {
        let of = |measured: &Measured| measured.offset(clock, Clock::Gateway).map_or(0, |offset| offset.offset_micros);
        match clock {
            Clock::Client => of(&self.client),
            Clock::Gateway | Clock::Logs => 0,
            Clock::Lambda => of(&self.lambda),
            Clock::Kinesis => of(&self.kinesis),
            Clock::S3 => of(&self.kinesis) + self.s3_most.unwrap_or(0),
        }
    }

    /// What was measured.
    pub fn offsets(&self) -> Vec<ClockOffset> {
        let mut offsets = Vec::new();
        offsets.extend(self.client.offset(Clock::Client, Clock::Gateway));
        offsets.extend(self.lambda.offset(Clock::Lambda, Clock::Gateway));
        offsets.extend(self.kinesis.offset(Clock::Kinesis, Clock::Gateway));
        offsets.extend(self.s3_most.map(|most| ClockOffset {
            clock: Clock::S3,
            against: Clock::Kinesis,
            offset_micros: most,
            uncertainty_micros: 1_000_000,
        }));
        offsets
    }
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// How far the inner clock is ahead of the outer one: the inner span began after the outer one did and
/// ended before it.
fn within(inner: Span, outer: Span) -> Option<Bounds> {
    let least = inner.to - (outer.to + micros(outer.end_precision));
    let most = inner.from + micros(inner.precision) - outer.from;
    // Else one of them is no measurement: it does not fit whatever the clocks say.
    (least <= most).then_some(Bounds { least, most })
}

fn negated(bounds: Option<Bounds>) -> Option<Bounds> {
    bounds.map(|Bounds { least, most }| Bounds { least: -most, most: -least })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from_ms: i64, to_ms: i64) -> Span {
        let precision = Duration::from_millis(1);
        Span { from: from_ms * 1_000, to: to_ms * 1_000, precision, end_precision: precision }
    }

    #[test]
    fn the_smallest_uncertainty_wins() {
        let mut clocks = Clocks::default();
        // The client's clock is 100 ms behind.
        clocks.gateway_within_client(span(1_120, 1_140), span(1_000, 1_060));
        clocks.gateway_within_client(span(2_101, 2_105), span(2_000, 2_006));
        clocks.gateway_within_client(span(3_120, 3_140), span(3_000, 3_060));
        let [offset] = clocks.offsets()[..] else { panic!("one offset") };
        assert_eq!((offset.clock, offset.against), (Clock::Client, Clock::Gateway));
        assert!((-102_000..=-98_000).contains(&offset.offset_micros), "{offset:?}");
        assert!(offset.uncertainty_micros <= 2_000, "{offset:?}");
        assert_eq!(clocks.correction(Clock::Client), offset.offset_micros);
    }

    #[test]
    fn what_may_agree_is_not_corrected() {
        let mut clocks = Clocks::default();
        clocks.gateway_within_client(span(1_001, 1_004), span(1_000, 1_006));
        let [offset] = clocks.offsets()[..] else { panic!("one offset") };
        assert_eq!((offset.offset_micros, clocks.correction(Clock::Client)), (0, 0));
        assert!((2_000..=3_000).contains(&offset.uncertainty_micros), "{offset:?}");
    }

    #[test]
    fn what_can_be_no_part_measures_nothing() {
        let mut clocks = Clocks::default();
        clocks.gateway_within_client(span(1_000, 1_100), span(1_000, 1_006));
        assert!(clocks.offsets().is_empty());
    }

    #[test]
    fn each_clock_is_corrected_by_its_own_offset() {
        let mut clocks = Clocks::default();
        clocks.lambda_within_gateway(span(1_050, 1_052), span(1_000, 1_004));
        clocks.kinesis_within_gateway(span(971, 971), span(1_000, 1_004));
        let lambda = clocks.correction(Clock::Lambda);
        assert!((47_000..=51_000).contains(&lambda), "{lambda}");
        let kinesis = clocks.correction(Clock::Kinesis);
        assert!((-34_000..=-28_000).contains(&kinesis), "{kinesis}");
    }

    #[test]
    fn one_late_writer_is_no_offset() {
        let mut clocks = Clocks::default();
        for _ in 0..3 {
            clocks.lambda_within_gateway(span(1_001, 1_003), span(1_000, 1_006));
        }
        // Its times were written down 500 ms late, and they are finer than all others.
        clocks.lambda_within_gateway(span(1_501, 1_505), span(1_000, 1_004));
        assert_eq!(clocks.correction(Clock::Lambda), 0);
    }

    #[test]
    fn a_date_before_the_arrival_is_the_clocks_fault() {
        let mut clocks = Clocks::default();
        let date = Span {
            from: 5_000_000,
            to: 5_000_000,
            precision: Duration::from_secs(1),
            end_precision: Duration::from_secs(1),
        };
        clocks.s3_after_kinesis(date, span(5_900, 5_900));
        assert!(clocks.offsets().is_empty());
        clocks.s3_after_kinesis(date, span(7_500, 7_500));
        assert_eq!(clocks.correction(Clock::S3), -1_500_000);
    }
}
