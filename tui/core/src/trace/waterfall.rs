//! One event's way as a waterfall: when it was where, by whose clock, and why it is not further.
//!
//! All times stand on one clock, the gateway's: where another was measured to be off, its times are
//! corrected by that and by nothing else. What would begin before the hop before it is not moved: its
//! bar says by how much, and that clocks are not measured finer.

use std::time::Duration;

use super::{
    AccessFacts, Clock, ClockOffset, EventNumber, Landing, Trace,
    clocks::{Clocks, micros},
};
use crate::{
    events::{Answer, ApiRequestId, LambdaRequestId, ObjectKey, SequenceNumber, ShardId, Timestamp},
    pipeline::Hop,
};

/// What log lines and arrivals are measured to.
const MILLISECOND: Duration = Duration::from_millis(1);
/// What an object's date is measured to.
const SECOND: Duration = Duration::from_secs(1);

/// A row of the waterfall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The sending itself.
    Sent,
    /// A hop.
    Hop(Hop),
}

impl Place {
    /// All six, in the order of the data.
    pub const ALL: [Self; 6] = [
        Self::Sent,
        Self::Hop(Hop::Api),
        Self::Hop(Hop::Lambda),
        Self::Hop(Hop::Kinesis),
        Self::Hop(Hop::Firehose),
        Self::Hop(Hop::S3),
    ];

    /// The name on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Hop(hop) => hop.name(),
        }
    }
}

/// One event's way.
#[derive(Debug, Clone, PartialEq)]
pub struct Waterfall {
    /// What the event is called.
    pub number: EventNumber,
    /// The sending, then the five hops, in order.
    pub rows: Vec<Stage>,
    /// Where other records have the same bytes: lines are told apart by count.
    pub identical: Option<Identical>,
    /// How far the clocks are apart, as measured.
    pub clocks: Vec<ClockOffset>,
    /// Its bytes at each hop.
    pub bytes: HopBytes,
    /// Where it landed once more.
    pub duplicates: Vec<Landing>,
}

impl Waterfall {
    /// A row.
    pub fn row(&self, place: Place) -> Option<&Stage> {
        self.rows.iter().find(|row| row.place == place)
    }

    /// Where it stops, if anything is wrong with it: the first row that says so.
    pub fn trouble(&self) -> Option<&Stage> {
        self.rows.iter().find(|row| row.state.is_trouble())
    }

    /// The first and the last moment of all rows, in microseconds since 1970.
    pub fn extent(&self) -> Option<(i64, i64)> {
        let bars = || self.rows.iter().filter_map(|row| row.bar);
        let moments = || self.rows.iter().filter_map(|row| row.at);
        let first = bars().map(|bar| bar.from.micros).chain(moments().map(|at| at.micros)).min()?;
        let last = bars().map(|bar| bar.to.micros).chain(moments().map(|at| at.micros)).max()?;
        Some((first, last))
    }
}

/// Several records have the same bytes, and it is this one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identical {
    /// Which, from 1, in the order in which they were seen.
    pub position: u64,
    /// How many were seen.
    pub of: u64,
}

/// An event's bytes at each hop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HopBytes {
    /// The size as sent; `None`: someone else's event.
    pub sent: Option<u64>,
    /// The body as sent, where it is still kept.
    pub sent_body: Option<bytes::Bytes>,
    /// The record's size.
    pub record: Option<u64>,
    /// The record, where it is still kept.
    pub record_data: Option<bytes::Bytes>,
    /// The size of the object's line, which has the record's bytes: that is how it was found.
    pub line: Option<u64>,
}

/// What is known of an event at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Where.
    pub place: Place,
    /// How it stands.
    pub state: StageState,
    /// What the place itself measured: when it was sent, taken in, started, arrived, written.
    pub at: Option<Moment>,
    /// From when to when it was there.
    pub bar: Option<Bar>,
    /// What that time was spent on.
    pub phases: Vec<Phase>,
    /// What else is known.
    pub facts: Facts,
}

/// How an event stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StageState {
    /// It went through.
    Passed,
    /// It is there, or on its way from there: nothing says more yet.
    UnderWay,
    /// Firehose holds it.
    Held {
        /// When it is to be delivered; in the past, it is late.
        due: Option<Timestamp>,
    },
    /// It was refused, and nothing comes of it.
    Refused {
        /// The HTTP status; 0 where it was not refused by one.
        status: u16,
        /// In whose words it may be.
        message: String,
    },
    /// The function failed.
    Threw {
        /// The log line, or what the gateway logged of it.
        line: String,
    },
    /// The function ran out of time.
    TimedOut {
        /// After this long.
        after: Option<Duration>,
    },
    /// There were too many.
    Throttled {
        /// How often it was tried.
        times: u32,
    },
    /// Nobody knows whether it was taken.
    Unanswered {
        /// What happened.
        message: String,
    },
    /// Deliveries fail, and it waits.
    Failing {
        /// How often, since it came.
        times: u64,
        /// The last failure.
        message: String,
    },
    /// Nothing of it was seen here, though it was further on, or should be here.
    NotSeen,
    /// It should have been here.
    Overdue {
        /// For so long.
        by: Duration,
    },
    /// It is lost.
    Lost {
        /// What proves it.
        proof: String,
    },
    /// It did not come this far.
    NotReached {
        /// Where it ended, or is.
        because: Place,
    },
}

impl StageState {
    /// Something is wrong.
    pub const fn is_trouble(&self) -> bool {
        !matches!(self, Self::Passed | Self::UnderWay | Self::Held { .. } | Self::NotSeen | Self::NotReached { .. })
    }

    /// A stable word for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::UnderWay => "underWay",
            Self::Held { .. } => "held",
            Self::Refused { .. } => "refused",
            Self::Threw { .. } => "threw",
            Self::TimedOut { .. } => "timedOut",
            Self::Throttled { .. } => "throttled",
            Self::Unanswered { .. } => "unanswered",
            Self::Failing { .. } => "failing",
            Self::NotSeen => "notSeen",
            Self::Overdue { .. } => "overdue",
            Self::Lost { .. } => "lost",
            Self::NotReached { .. } => "notReached",
        }
    }
}

/// A span of time. It is never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// When it began.
    pub from: Moment,
    /// When it ended, or now.
    pub to: Moment,
    /// It goes on.
    pub open: bool,
    /// It seems to begin this much before the hop before it: so finely the clocks are not measured.
    pub early: Option<Duration>,
}

impl Bar {
    fn new(from: Moment, to: Moment) -> Self {
        // Whoever measures in whole seconds may seem to end before the beginning: it ended within its
        // precision.
        let to = if to.micros < from.micros { Moment { micros: from.micros, ..to } } else { to };
        Self { from, to, open: false, early: None }
    }

    /// How long it took at least.
    pub fn least(&self) -> Duration {
        let from = self.from.micros + micros(self.from.precision);
        Duration::from_micros(u64::try_from(self.to.micros - from).unwrap_or(0))
    }

    /// How long it took at most.
    pub fn most(&self) -> Duration {
        let to = self.to.micros + micros(self.to.precision);
        Duration::from_micros(u64::try_from(to - self.from.micros).unwrap_or(0))
    }

    /// How long it is drawn.
    pub fn length(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.to.micros - self.from.micros).unwrap_or(0))
    }
}

/// What a time was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseKind {
    /// The environment was started.
    Init,
    /// The function ran.
    Run,
    /// The record was put, every attempt included.
    Put,
}

/// A part of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    /// What it was.
    pub kind: PhaseKind,
    /// From when to when.
    pub bar: Bar,
}

/// A time with who measured it and how finely: the true one lies from `micros` on, within `precision`.
/// It is corrected by the measured offset of that clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970, on the gateway's clock.
    pub micros: i64,
    /// Who measured it.
    pub clock: Clock,
    /// How finely.
    pub precision: Duration,
}

impl Moment {
    /// As a time in milliseconds.
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_millis(self.micros.div_euclid(1_000))
    }
}

/// What else is known of an event at a place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// The gateway's id.
    pub api_request_id: Option<ApiRequestId>,
    /// Lambda's id.
    pub lambda_request_id: Option<LambdaRequestId>,
    /// Whether the environment was started for it.
    pub cold: Option<bool>,
    /// How long the start took, milliseconds.
    pub init_ms: Option<f64>,
    /// How long the function ran, milliseconds.
    pub run_ms: Option<f64>,
    /// MB of memory used at most.
    pub memory_mb: Option<u64>,
    /// What the function said it did.
    pub outcome: Option<String>,
    /// How often the record was sent to Kinesis.
    pub attempts: Option<u32>,
    /// How long the putting took, milliseconds.
    pub put_ms: Option<f64>,
    /// The shard.
    pub shard_id: Option<ShardId>,
    /// The place in it.
    pub sequence_number: Option<SequenceNumber>,
    /// The size of what was there.
    pub bytes: Option<u64>,
    /// The object.
    pub object: Option<ObjectKey>,
    /// The line in it.
    pub line: Option<u64>,
}

/// What a waterfall is made with besides the trace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub clocks: &'a Clocks,
    pub now: Timestamp,
    /// When Firehose is to deliver it.
    pub due: Option<Timestamp>,
    /// It is past its deadline.
    pub overdue: bool,
    /// How often deliveries failed since it came, and how the last one did.
    pub failures: Option<(u64, &'a str)>,
    /// How long the stream keeps a record.
    pub retention: Option<Duration>,
}

/// The rows of a trace.
pub(super) fn rows(trace: &Trace, around: &Surroundings<'_>) -> Vec<Stage> {
    let make = Make { trace, around };
    let mut rows = vec![make.sent(), make.api(), make.lambda(), make.kinesis(), make.firehose(), make.s3()];
    let mut before: Option<i64> = None;
    for row in &mut rows {
        let Some(bar) = &mut row.bar else { continue };
        let from = bar.from.micros;
        if let Some(before) = before.filter(|before| from < *before) {
            bar.early = Some(Duration::from_micros(u64::try_from(before - from).unwrap_or(0)));
        }
        before = Some(before.map_or(from, |before| before.max(from)));
    }
    // What is behind the place where it ended has not been reached.
    let ended = rows.iter().position(|row| {
        matches!(
            row.state,
            StageState::Refused { .. }
                | StageState::Threw { .. }
                | StageState::TimedOut { .. }
                | StageState::Throttled { .. }
        )
    });
    if let Some(ended) = ended.filter(|_| !trace.put()) {
        let because = rows[ended].place;
        for row in &mut rows[ended + 1..] {
            row.state = StageState::NotReached { because };
        }
    }
    rows
}

struct Make<'a> {
    trace: &'a Trace,
    around: &'a Surroundings<'a>,
}

impl Make<'_> {
    fn moment(&self, time: Timestamp, clock: Clock, precision: Duration) -> Moment {
        let micros = time.as_millis() * 1_000 - self.around.clocks.correction(clock);
        Moment { micros, clock, precision }
    }

    fn bar(&self, from: Timestamp, millis: f64, clock: Clock) -> Bar {
        let from = self.moment(from, clock, MILLISECOND);
        Bar::new(from, after(from, millis))
    }

    fn stage(place: Place, state: StageState) -> Stage {
        Stage { place, state, at: None, bar: None, phases: Vec::new(), facts: Facts::default() }
    }

    fn sent(&self) -> Stage {
        let trace = self.trace;
        let Some(sent) = trace.sent_at else { return Self::stage(Place::Sent, StageState::NotSeen) };
        let mut stage = Self::stage(Place::Sent, StageState::Passed);
        let at = self.moment(sent, Clock::Client, MILLISECOND);
        stage.at = Some(at);
        stage.facts.bytes = (trace.sent_bytes > 0).then_some(trace.sent_bytes);
        stage.bar = Some(match trace.latency {
            Some(latency) => Bar::new(at, after(at, latency.as_secs_f64() * 1_000.0)),
            None => Bar { open: true, ..Bar::new(at, self.moment(self.around.now, Clock::Client, MILLISECOND)) },
        });
        stage
    }

    fn api(&self) -> Stage {
        let trace = self.trace;
        let mut stage = Self::stage(Place::Hop(Hop::Api), self.api_state());
        let access = trace.access.as_ref();
        let answered = match &trace.answer {
            Some(Answer::Accepted { .. }) => Some(202),
            Some(Answer::Refused { status, .. }) => Some(*status),
            _ => None,
        };
        stage.facts.status = answered.or_else(|| access?.status);
        stage.facts.api_request_id.clone_from(&trace.api_request_id);
        if let Some(logged) = trace.access_at {
            let took = access.and_then(|access| access.response_ms).unwrap_or(0);
            // Where a line does not say when the request came: it was written at its end.
            let (from, clock) = match access.and_then(|access| access.request_at) {
                Some(request) => (request, Clock::Gateway),
                None => (logged.minus(Duration::from_millis(took.into())), Clock::Logs),
            };
            stage.bar = Some(self.bar(from, took.into(), clock));
            stage.at = stage.bar.map(|bar| bar.from);
        } else if let (Some(sent), Some(latency)) = (trace.sent_at, trace.latency)
            && answered.is_some()
        {
            // Until the gateway's own line is read, the client's measure bounds it.
            stage.bar = Some(self.bar(sent, latency.as_secs_f64() * 1_000.0, Clock::Client));
        }
        stage
    }

    /// Where the function was reached, what it answered is its own.
    fn api_state(&self) -> StageState {
        let trace = self.trace;
        let reached = self.function_reached();
        match &trace.answer {
            _ if trace.put() => StageState::Passed,
            Some(Answer::Refused { status, message, .. }) => {
                if reached {
                    StageState::Passed
                } else {
                    StageState::Refused { status: *status, message: message.clone() }
                }
            }
            Some(Answer::Unanswered { .. }) if reached => StageState::Passed,
            Some(Answer::Unanswered { message }) => StageState::Unanswered { message: message.clone() },
            Some(Answer::Accepted { .. }) => StageState::Passed,
            None => match &trace.access {
                _ if reached => StageState::Passed,
                Some(AccessFacts { status: Some(status @ 300..), error, .. }) => {
                    StageState::Refused { status: *status, message: error.clone().unwrap_or_default() }
                }
                Some(_) => StageState::Passed,
                None if trace.sent_at.is_some() => StageState::UnderWay,
                None => StageState::NotSeen,
            },
        }
    }

    /// Something shows that Lambda was asked.
    fn function_reached(&self) -> bool {
        let trace = self.trace;
        trace.started_at.is_some()
            || trace.function_at.is_some()
            || trace.report.is_some()
            || trace.fault.is_some()
            || trace.access.as_ref().is_some_and(|access| access.reached || self.lambda_throttled(access))
    }

    fn lambda_throttled(&self, access: &AccessFacts) -> bool {
        access.lambda_status == Some(429) && self.trace.report.is_none()
    }

    fn lambda(&self) -> Stage {
        let trace = self.trace;
        let mut stage = Self::stage(Place::Hop(Hop::Lambda), self.lambda_state());
        stage.facts.lambda_request_id.clone_from(&trace.lambda_request_id);
        stage.facts.outcome.clone_from(&trace.outcome);
        stage.facts.status = trace.function_status;
        if let Some(report) = trace.report {
            stage.facts.init_ms = report.init_ms;
            stage.facts.run_ms = Some(report.duration_ms);
            stage.facts.memory_mb = report.max_memory_mb;
            stage.facts.cold = Some(trace.cold());
        }
        // By the platform's lines; where one of them was not read, by the others.
        let run = match (trace.started_at, trace.report, trace.reported_at, trace.function_at) {
            (Some(start), Some(report), ..) => Some(self.bar(start, report.duration_ms, Clock::Lambda)),
            (None, Some(report), Some(end), _) => {
                let end = self.moment(end, Clock::Lambda, MILLISECOND);
                Some(Bar::new(after(end, -report.duration_ms), end))
            }
            (Some(start), _, _, Some(end)) => {
                let end = self.moment(end, Clock::Lambda, MILLISECOND);
                Some(Bar::new(self.moment(start, Clock::Lambda, MILLISECOND), end))
            }
            (Some(start), ..) => {
                let now = self.moment(self.around.now, Clock::Lambda, MILLISECOND);
                Some(Bar { open: true, ..Bar::new(self.moment(start, Clock::Lambda, MILLISECOND), now) })
            }
            (None, .., Some(end)) => {
                let end = self.moment(end, Clock::Lambda, MILLISECOND);
                Some(Bar::new(end, end))
            }
            _ => None,
        };
        let Some(run) = run else { return stage };
        let init = trace.report.and_then(|report| report.init_ms).map(|init_ms| match trace.init_at {
            Some(from) => self.bar(from, init_ms, Clock::Lambda),
            None => Bar::new(after(run.from, -init_ms), run.from),
        });
        stage.phases.extend(init.map(|bar| Phase { kind: PhaseKind::Init, bar }));
        stage.phases.push(Phase { kind: PhaseKind::Run, bar: run });
        stage.at = Some(run.from);
        let from = init.map_or(run.from, |init| if init.from.micros < run.from.micros { init.from } else { run.from });
        stage.bar = Some(Bar { from, ..run });
        stage
    }

    fn lambda_state(&self) -> StageState {
        let trace = self.trace;
        let words = || trace.function_words.clone().unwrap_or_default();
        match trace.outcome.as_deref() {
            // What Kinesis did to it is Kinesis's.
            Some("accepted" | "throttled" | "failed" | "unknown") if !trace.threw() && !trace.timed_out() => {
                return StageState::Passed;
            }
            Some("invalid" | "too_large" | "not_found" | "method_not_allowed") => {
                return StageState::Refused { status: trace.function_status.unwrap_or(0), message: words() };
            }
            _ => {}
        }
        if trace.timed_out() {
            let after = trace.report.map(|report| Duration::from_secs_f64(report.duration_ms.clamp(0.0, 1e9) / 1e3));
            return StageState::TimedOut { after };
        }
        if trace.threw() {
            let logged = || trace.access.as_ref().and_then(|access| access.error.clone());
            let line = trace.fault.clone().or_else(logged).unwrap_or_else(|| "the function failed".to_owned());
            return StageState::Threw { line };
        }
        if let Some(access) = &trace.access {
            if self.lambda_throttled(access) {
                return StageState::Throttled { times: 1 };
            }
            if access.reached
                && access.status.is_some_and(|status| status >= 500)
                && let Some(error) = &access.error
            {
                return StageState::Threw { line: error.clone() };
            }
        }
        match trace.answer {
            _ if trace.report.is_some() || trace.put() => {
                if trace.report.is_some() {
                    StageState::Passed
                } else {
                    StageState::NotSeen
                }
            }
            _ if trace.started_at.is_some() => StageState::UnderWay,
            _ => StageState::NotSeen,
        }
    }

    fn kinesis(&self) -> Stage {
        let trace = self.trace;
        let mut stage = Self::stage(Place::Hop(Hop::Kinesis), self.kinesis_state());
        let place = trace.place.as_ref().map(|(shard, number)| (shard, number)).or(match &trace.answer {
            Some(Answer::Accepted { shard_id, sequence_number, .. }) => Some((shard_id, sequence_number)),
            _ => None,
        });
        if let Some((shard, number)) = place {
            stage.facts.shard_id = Some(shard.clone());
            stage.facts.sequence_number = Some(number.clone());
        }
        stage.facts.bytes = (trace.record_bytes > 0).then_some(trace.record_bytes);
        let putting = trace.putting.as_ref();
        stage.facts.attempts = putting.and_then(|putting| putting.attempts);
        stage.facts.put_ms = putting.and_then(|putting| putting.kinesis_ms);
        stage.at = trace.record_at.map(|arrived| self.moment(arrived, Clock::Kinesis, MILLISECOND));
        if let (Some(end), Some(millis)) = (trace.function_at, stage.facts.put_ms) {
            let end = self.moment(end, Clock::Lambda, MILLISECOND);
            let bar = Bar::new(after(end, -millis), end);
            stage.phases.push(Phase { kind: PhaseKind::Put, bar });
            stage.bar = Some(bar);
        } else {
            stage.bar = stage.at.map(|at| Bar::new(at, at));
        }
        stage
    }

    fn kinesis_state(&self) -> StageState {
        let trace = self.trace;
        if trace.record_at.is_some() {
            return StageState::Passed;
        }
        let putting = trace.putting.clone().unwrap_or_default();
        match trace.outcome.as_deref() {
            Some("throttled") => StageState::Throttled { times: putting.attempts.unwrap_or(1) },
            Some("failed") => StageState::Refused { status: 0, message: putting.error.unwrap_or_default() },
            Some("unknown") => StageState::Unanswered { message: putting.error.unwrap_or_default() },
            // Kinesis answered where it is: that its record is not read yet takes nothing from that.
            _ if trace.put() => StageState::Passed,
            _ => self.not_further(Hop::Lambda),
        }
    }

    /// Nothing of it is known here: what is known of the place before it says why.
    fn not_further(&self, before: Hop) -> StageState {
        if self.trace.maybe_put() || self.trace.last_seen() >= Some(before) {
            StageState::NotSeen
        } else {
            StageState::NotReached { because: Place::Hop(before) }
        }
    }

    /// Since when Firehose has it.
    fn since(&self) -> Option<Moment> {
        let trace = self.trace;
        let arrived = trace.record_at.map(|time| self.moment(time, Clock::Kinesis, MILLISECOND));
        let logged = || trace.function_at.map(|time| self.moment(time, Clock::Lambda, MILLISECOND));
        let sent = || trace.sent_at.map(|time| self.moment(time, Clock::Client, MILLISECOND));
        arrived.or_else(logged).or_else(sent).filter(|_| trace.put())
    }

    fn lost(&self) -> Option<StageState> {
        let trace = self.trace;
        if let Some(failed) = &trace.failed_delivery {
            let proof = format!("Firehose gave it up and put it in {}, line {}", failed.object, failed.line);
            return Some(StageState::Lost { proof });
        }
        let expired = trace.record_at?.plus(self.around.retention?);
        (self.around.now > expired).then(|| StageState::Lost {
            proof: format!("the stream let its record go at {expired}, and no object that was seen holds it"),
        })
    }

    fn firehose(&self) -> Stage {
        let trace = self.trace;
        let place = Place::Hop(Hop::Firehose);
        let since = self.since();
        if let Some(landing) = &trace.landing {
            let mut stage = Self::stage(place, StageState::Passed);
            stage.bar = since.map(|since| Bar::new(since, self.moment(landing.time, Clock::S3, SECOND)));
            return stage;
        }
        let Some(since) = since else { return Self::stage(place, self.not_further(Hop::Kinesis)) };
        let how = if let Some(lost) = self.lost() {
            lost
        } else if let Some((times, message)) = self.around.failures {
            StageState::Failing { times, message: message.to_owned() }
        } else {
            StageState::Held { due: self.around.due }
        };
        let mut stage = Self::stage(place, how);
        let now = self.moment(self.around.now, Clock::Client, MILLISECOND);
        stage.bar = Some(Bar { open: true, ..Bar::new(since, now) });
        stage
    }

    fn s3(&self) -> Stage {
        let trace = self.trace;
        let place = Place::Hop(Hop::S3);
        if let Some(landing) = &trace.landing {
            let mut stage = Self::stage(place, StageState::Passed);
            let at = self.moment(landing.time, Clock::S3, SECOND);
            stage.at = Some(at);
            stage.bar = Some(Bar::new(at, at));
            stage.facts.object = Some(landing.object.clone());
            stage.facts.line = Some(landing.line);
            stage.facts.bytes = (trace.record_bytes > 0).then_some(trace.record_bytes);
            return stage;
        }
        let state = match self.around.due {
            _ if self.since().is_none() => self.not_further(Hop::Kinesis),
            _ if self.lost().is_some() => StageState::NotReached { because: Place::Hop(Hop::Firehose) },
            Some(due) if self.around.overdue => StageState::Overdue { by: self.around.now.since(due) },
            _ => StageState::NotReached { because: Place::Hop(Hop::Firehose) },
        };
        Self::stage(place, state)
    }
}

/// So many milliseconds later, or earlier.
#[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
fn after(moment: Moment, millis: f64) -> Moment {
    let micros = if millis.is_finite() { (millis.clamp(-1e12, 1e12) * 1_000.0).round() as i64 } else { 0 };
    Moment { micros: moment.micros + micros, ..moment }
}
