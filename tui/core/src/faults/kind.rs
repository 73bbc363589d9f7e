//! The faults by name, each with what it does and what of it can be set.

use std::time::Duration;

use crate::pipeline::Hop;

/// A fault of the local cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The gateway answers 503, the function is not invoked.
    Api503,
    /// The gateway answers 500, the function is not invoked.
    Api500,
    /// The function does its work, and the gateway answers 503.
    ApiLost,
    /// The function's process dies before it puts the event.
    Crash,
    /// The function's process dies after it put the event.
    CrashAfter,
    /// The function runs into its time limit before it puts the event.
    Timeout,
    /// The function takes its time.
    Slow,
    /// The function answers with an error.
    Throw,
    /// The stream is throttled.
    KinesisThrottle,
    /// The function may not put into the stream.
    KinesisRefuse,
    /// The stream fails.
    KinesisFail,
    /// Firehose delivers late.
    FirehoseDelay,
    /// Firehose delivers twice.
    FirehoseTwice,
    /// S3 refuses what Firehose delivers.
    FirehoseRefused,
}

/// What of a fault can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Adjustment {
    /// How late: faults that are a delay alone have it.
    Amount,
    /// Of a hundred that come by, how many meet it.
    Percent,
    /// How many meet it before it is over.
    Count,
    /// How long it is on.
    Lasts,
}

impl Adjustment {
    /// All four, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Amount, Self::Percent, Self::Count, Self::Lasts];
}

impl Kind {
    /// All of them, in the order of the data.
    pub const ALL: [Self; 14] = [
        Self::Api503,
        Self::Api500,
        Self::ApiLost,
        Self::Crash,
        Self::CrashAfter,
        Self::Timeout,
        Self::Slow,
        Self::Throw,
        Self::KinesisThrottle,
        Self::KinesisRefuse,
        Self::KinesisFail,
        Self::FirehoseDelay,
        Self::FirehoseTwice,
        Self::FirehoseRefused,
    ];

    /// The name that people write.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api503 => "api-503",
            Self::Api500 => "api-500",
            Self::ApiLost => "api-lost",
            Self::Crash => "crash",
            Self::CrashAfter => "crash-after",
            Self::Timeout => "timeout",
            Self::Slow => "slow",
            Self::Throw => "throw",
            Self::KinesisThrottle => "kinesis-throttle",
            Self::KinesisRefuse => "kinesis-refuse",
            Self::KinesisFail => "kinesis-fail",
            Self::FirehoseDelay => "firehose-delay",
            Self::FirehoseTwice => "firehose-twice",
            Self::FirehoseRefused => "firehose-refused",
        }
    }

    /// The fault of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What it does, in a few words.
    pub const fn does(self) -> &'static str {
        match self {
            Self::Api503 => "the gateway answers 503, Lambda is not reached",
            Self::Api500 => "the gateway answers 500, Lambda is not reached",
            Self::ApiLost => "the event is put, then the gateway answers 503",
            Self::Crash => "the function's process dies before it puts the event",
            Self::CrashAfter => "the function's process dies after it put the event",
            Self::Timeout => "the function runs into its time limit, puts nothing",
            Self::Slow => "the function takes so much longer",
            Self::Throw => "the function answers with an error, puts nothing",
            Self::KinesisThrottle => "the stream throttles: throughput exceeded",
            Self::KinesisRefuse => "the stream refuses: access denied",
            Self::KinesisFail => "the stream answers 500 InternalFailure",
            Self::FirehoseDelay => "Firehose delivers so much later than it should",
            Self::FirehoseTwice => "Firehose writes the same records as two objects",
            Self::FirehoseRefused => "S3 refuses Firehose's objects: access denied",
        }
    }

    /// Where it happens.
    pub const fn hop(self) -> Hop {
        match self {
            Self::Api503 | Self::Api500 | Self::ApiLost => Hop::Api,
            Self::Crash | Self::CrashAfter | Self::Timeout | Self::Slow | Self::Throw => Hop::Lambda,
            Self::KinesisThrottle | Self::KinesisRefuse | Self::KinesisFail => Hop::Kinesis,
            Self::FirehoseDelay | Self::FirehoseTwice => Hop::Firehose,
            Self::FirehoseRefused => Hop::S3,
        }
    }

    /// What is counted: what its percents and its count are of.
    pub const fn counts(self) -> &'static str {
        match self.hop() {
            Hop::Api => "request",
            Hop::Lambda => "invocation",
            Hop::Kinesis => "put",
            Hop::Firehose => "delivery",
            Hop::S3 => "try",
        }
    }

    /// How late it makes things where nothing else is said; `None`: it is no delay.
    pub const fn amount(self) -> Option<Duration> {
        match self {
            Self::Slow => Some(Duration::from_secs(2)),
            Self::FirehoseDelay => Some(Duration::from_secs(30)),
            _ => None,
        }
    }

    /// The amounts that can be chosen, smallest first.
    pub const fn amounts(self) -> &'static [Duration] {
        const fn seconds<const N: usize>(values: [u64; N]) -> [Duration; N] {
            let mut all = [Duration::ZERO; N];
            let mut index = 0;
            while index < N {
                all[index] = Duration::from_secs(values[index]);
                index += 1;
            }
            all
        }
        const SLOW: [Duration; 7] = seconds([1, 2, 3, 5, 8, 12, 20]);
        const LATE: [Duration; 7] = seconds([5, 10, 30, 60, 120, 300, 600]);
        match self {
            Self::Slow => &SLOW,
            Self::FirehoseDelay => &LATE,
            _ => &[],
        }
    }

    /// Whether that can be set.
    pub const fn adjusts(self, adjustment: Adjustment) -> bool {
        match adjustment {
            Adjustment::Amount => self.amount().is_some(),
            Adjustment::Percent | Adjustment::Count | Adjustment::Lasts => true,
        }
    }
}
