//! One event's trace in words: hop by hop when it was there, or why it was not.

use std::time::Duration;

use super::{App, Axis, Point, Sign, Target, measured, traces_pane::short_state};
use crate::{
    events::{ShardId, Timestamp},
    pipeline::Hop,
    text::{number, safe::visible, time},
    trace::{Bar, Clock, ClockOffset, EventNumber, Moment, PhaseKind, Place, Stage, StageState, Waterfall},
};

/// How many letters of an id are kept where it is shortened: at its start and at its end.
const ID_LETTERS: (usize, usize) = (4, 4);

/// A trace as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceScreen {
    /// What it is and how it stands: `Trace #42 · API id Yx3k… · in S3 after 6 s`.
    pub title: String,
    /// The rows of the waterfall.
    pub rows: Vec<TraceRow>,
    /// Every time that stands on the axis, from its zero.
    pub points: Vec<Point>,
    /// What became of the bytes.
    pub bytes: String,
    /// What else is to be said: equal events, duplicates, clocks; safe to print.
    pub notes: Vec<(Option<Sign>, String)>,
}

impl TraceScreen {
    /// The axis, in so many cells.
    pub fn axis(&self, cells: usize) -> Axis {
        Axis::of(&self.points, cells)
    }
}

/// A row of the waterfall, as it is drawn. Its texts are safe to print.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceRow {
    /// Where.
    pub place: Place,
    /// The state.
    pub sign: Sign,
    /// A word beside the name: `client`, `202`, `cold`, `shard 0`, `line 4`.
    pub word: String,
    /// From when to when it was there.
    pub bar: Option<RowBar>,
    /// Ids, memory, place: shortened.
    pub facts: String,
    /// The same where there is room.
    pub long_facts: String,
    /// Why it is not further, or what is unusual.
    pub reason: String,
    /// What needs a line of its own: the object's address.
    pub below: String,
}

/// A bar on the axis, in microseconds from its zero.
#[derive(Debug, Clone, PartialEq)]
pub struct RowBar {
    /// Where it begins.
    pub from: i64,
    /// Where it ends.
    pub to: i64,
    /// It goes on.
    pub open: bool,
    /// It is a moment, not a span.
    pub moment: bool,
    /// What is written on it or beside it.
    pub label: String,
    /// Its parts that are drawn in their own way.
    pub phases: Vec<(PhaseKind, i64, i64)>,
}

impl App {
    /// An event's trace as it is drawn; `None`: it was let go.
    pub fn trace_screen(&self, number: EventNumber) -> Option<TraceScreen> {
        let waterfall = self.traces.waterfall(number, self.now)?;
        let zero = zero_of(&waterfall);
        let rows: Vec<TraceRow> = waterfall.rows.iter().map(|stage| self.trace_row(stage, zero)).collect();
        Some(TraceScreen {
            title: self.trace_title(&waterfall),
            points: points(&waterfall, zero),
            rows,
            bytes: bytes_words(&waterfall),
            notes: self.notes(&waterfall),
        })
    }

    /// What a trace is and how it stands.
    fn trace_title(&self, waterfall: &Waterfall) -> String {
        let id = waterfall.rows.iter().find_map(|row| row.facts.api_request_id.as_ref());
        let id = id.map(|id| format!(" · API id {}", visible(&short(id.as_str())))).unwrap_or_default();
        format!("Trace {}{id} · {}", waterfall.number, self.stands(waterfall))
    }

    /// How an event stands, in few words.
    pub fn stands(&self, waterfall: &Waterfall) -> String {
        let row = |place| waterfall.row(place);
        if let Some(written) = row(Place::Hop(Hop::S3)).filter(|row| row.state == StageState::Passed) {
            let began = waterfall.rows.iter().find_map(|row| row.bar.or(None).map(|bar| bar.from));
            return match (began, written.at) {
                (Some(from), Some(at)) => format!("in S3 after {}", measured(at.micros - from.micros, at.precision)),
                _ => "in S3".to_owned(),
            };
        }
        if waterfall.trouble().is_some() {
            return short_state(waterfall, false).1;
        }
        let held = row(Place::Hop(Hop::Firehose)).filter(|row| matches!(row.state, StageState::Held { .. }));
        if let Some(stage) = held {
            return format!("Firehose {}", self.state_words(stage).1);
        }
        match waterfall.rows.iter().rfind(|row| row.state == StageState::Passed && row.place != Place::Sent) {
            Some(stage) => format!("seen last at {}", stage.place.name()),
            None => "on its way".to_owned(),
        }
    }

    fn trace_row(&self, stage: &Stage, zero: i64) -> TraceRow {
        let (sign, reason) = self.state_words(stage);
        let passed = matches!(stage.state, StageState::Passed | StageState::UnderWay | StageState::Held { .. });
        let mut reasons = Vec::new();
        if let StageState::Held { .. } = stage.state {
            // That it holds it is what its open bar says.
            reasons.push(reason.strip_prefix("holds it, ").unwrap_or(&reason).to_owned());
        } else if !reason.is_empty() {
            reasons.push(reason);
        }
        if let (StageState::Passed, Place::Hop(Hop::Kinesis), Some(attempts @ 2..)) =
            (&stage.state, stage.place, stage.facts.attempts)
        {
            let refused = number::counted(u64::from(attempts - 1), "attempt");
            reasons.push(format!("put at attempt {attempts}: Kinesis refused {refused} before"));
        }
        // Two times that are each measured to a millisecond can differ by two.
        let early = stage.bar.and_then(|bar| bar.early.filter(|early| *early > bar.from.precision * 2));
        if let Some(early) = early {
            reasons.push(format!("seems {} too early: clocks", time::duration(early)));
        }
        // What the function answered passed the API all the same.
        let answered_badly =
            stage.place == Place::Hop(Hop::Api) && stage.facts.status.is_some_and(|status| status >= 400);
        let unusual = sign == Sign::Done && (!reasons.is_empty() || answered_badly);
        TraceRow {
            place: stage.place,
            sign: if unusual { Sign::Attention } else { sign },
            word: word(stage),
            bar: stage
                .bar
                .filter(|_| passed || stage.bar.is_some_and(|bar| bar.length() > Duration::ZERO))
                .map(|bar| row_bar(stage, bar, zero)),
            facts: facts(stage, false),
            long_facts: facts(stage, true),
            reason: visible(&reasons.join("; ")).into_owned(),
            below: self.below(stage),
        }
    }

    /// A stage's state: its sign and, where it is not simply passed, its words.
    pub fn state_words(&self, stage: &Stage) -> (Sign, String) {
        let seconds = |since: Option<Bar>| since.map(|bar| time::whole_seconds(bar.length()));
        match &stage.state {
            StageState::Passed => (Sign::Done, String::new()),
            StageState::UnderWay => (
                Sign::Moving,
                seconds(stage.bar).map_or_else(|| "on its way".to_owned(), |passed| format!("for {passed} so far")),
            ),
            StageState::Held { due } => self.held_words(*due),
            // Its status stands beside.
            StageState::Refused { status: 429, message } => (Sign::Attention, said("refused", message)),
            StageState::Refused { status: 0, message } => (Sign::Failed, said("not taken", message)),
            StageState::Refused { message, .. } => (Sign::Failed, said("refused", message)),
            StageState::Threw { line } => {
                let at = stage.bar.map(|bar| format!(" at {}", self.offset.clock(bar.to.timestamp())));
                // Its id stands beside.
                let line = line
                    .strip_prefix("RequestId: ")
                    .and_then(|rest| rest.split_once(" Error: "))
                    .map_or(line.as_str(), |(_, words)| words);
                (Sign::Failed, said(&format!("threw{}", at.unwrap_or_default()), line))
            }
            StageState::TimedOut { after } => {
                let after = after.map(|after| format!(" after {}", time::duration(after)));
                (Sign::Failed, format!("timed out{}: nothing shows that it was put", after.unwrap_or_default()))
            }
            StageState::Throttled { times } => {
                let tried = if *times > 1 { format!(", tried {times} times") } else { String::new() };
                (Sign::Attention, format!("throttled{tried}: nothing was put"))
            }
            StageState::Unanswered { message } => (Sign::Attention, said("no answer", message)),
            StageState::Failing { times, message } => {
                let times = number::counted(*times, "delivery error");
                (Sign::Failed, said(&format!("can't deliver, {times}"), message))
            }
            StageState::NotSeen => (Sign::Waiting, not_seen(stage.place).to_owned()),
            StageState::Overdue { by } => (Sign::Attention, format!("not seen, {} late", time::whole_seconds(*by))),
            StageState::Lost { proof } => (Sign::Failed, said("lost", proof)),
            StageState::NotReached { because } => (Sign::Waiting, not_reached(stage.place, *because)),
        }
    }

    fn held_words(&self, due: Option<Timestamp>) -> (Sign, String) {
        match (due, &self.target) {
            (None, _) => (Sign::Moving, "holds it".to_owned()),
            (Some(due), _) if self.now.since(due) > Duration::from_secs(5) => {
                (Sign::Attention, format!("holds it, {} late", time::whole_seconds(self.now.since(due))))
            }
            (Some(due), Target::Local) if due > self.now => {
                (Sign::Moving, format!("holds it, due in {}", time::whole_seconds(due.since(self.now))))
            }
            (Some(_), Target::Local) => (Sign::Moving, "holds it, due now".to_owned()),
            (Some(due), Target::Aws { .. }) => {
                (Sign::Moving, format!("holds it, due about {}", self.offset.clock(due)))
            }
        }
    }

    /// The object's address.
    fn below(&self, stage: &Stage) -> String {
        match (stage.place, &stage.facts.object, self.deployment.ready()) {
            (Place::Hop(Hop::S3), Some(object), Some(ready)) => {
                visible(&format!("s3://{}/{object}", ready.outputs.bucket_name)).into_owned()
            }
            (Place::Hop(Hop::S3), Some(object), None) => visible(object.as_str()).into_owned(),
            _ => String::new(),
        }
    }

    fn notes(&self, waterfall: &Waterfall) -> Vec<(Option<Sign>, String)> {
        let mut notes = Vec::new();
        if let Some(identical) = waterfall.identical.filter(|identical| identical.of > 1) {
            notes.push((
                None,
                format!(
                    "One of {} identical, number {} of them: their lines are told apart by count.",
                    number::grouped(identical.of),
                    number::grouped(identical.position)
                ),
            ));
        }
        if let Some(last) = waterfall.duplicates.last() {
            let more = waterfall.duplicates.len() as u64;
            let words = format!(
                "Delivered {} more: line {} of {}, written {}.",
                if more == 1 { "once".to_owned() } else { number::counted(more, "time") },
                number::grouped(last.line),
                last.object,
                self.offset.clock(last.time)
            );
            notes.push((Some(Sign::Attention), visible(&words).into_owned()));
        }
        let clocks = if self.cloud.is_some() {
            "Clocks: all of this machine, so there is nothing to correct.".to_owned()
        } else {
            clock_words(waterfall)
        };
        notes.push((None, clocks));
        notes
    }
}

/// Where the axis has its zero: at the sending, else at the first moment.
fn zero_of(waterfall: &Waterfall) -> i64 {
    let sent = waterfall.row(Place::Sent).and_then(|row| row.bar).map(|bar| bar.from.micros);
    sent.or_else(|| waterfall.extent().map(|(first, _)| first)).unwrap_or(0)
}

fn points(waterfall: &Waterfall, zero: i64) -> Vec<Point> {
    let point = |moment: Moment| Point { micros: moment.micros - zero, precision: moment.precision };
    let of_bar = |bar: Bar| [point(bar.from), point(bar.to)];
    let bars =
        waterfall.rows.iter().flat_map(|row| row.bar.into_iter().chain(row.phases.iter().map(|phase| phase.bar)));
    bars.flat_map(of_bar).collect()
}

fn row_bar(stage: &Stage, bar: Bar, zero: i64) -> RowBar {
    let moment = bar.length() == Duration::ZERO && !bar.open;
    let precision = bar.from.precision.max(bar.to.precision);
    let fine = |millis: Option<f64>| {
        millis.map(|millis| time::duration(Duration::from_secs_f64(millis.clamp(0.0, 1e12) / 1_000.0)))
    };
    let length = measured(bar.to.micros - bar.from.micros, precision);
    let label = match stage.place {
        // The object's date has whole seconds.
        Place::Hop(Hop::S3) => "±1 s".to_owned(),
        Place::Sent if !bar.open => measured(bar.to.micros - bar.from.micros, Duration::ZERO),
        // The gateway's own line is not read yet.
        Place::Hop(Hop::Api) if bar.from.clock == Clock::Client => {
            format!("≤ {}", measured(bar.to.micros - bar.from.micros, Duration::ZERO))
        }
        Place::Hop(Hop::Lambda) => match (fine(stage.facts.init_ms), fine(stage.facts.run_ms)) {
            (Some(init), Some(run)) => format!("init {init} + {run}"),
            (None, Some(run)) => run,
            _ if moment => String::new(),
            _ => length,
        },
        Place::Hop(Hop::Kinesis) => match fine(stage.facts.put_ms) {
            Some(put) => put,
            None if moment => String::new(),
            None => length,
        },
        Place::Hop(Hop::Firehose) if bar.to.precision >= Duration::from_secs(1) => format!("{length} ±1 s"),
        _ => length,
    };
    let relative = |bar: Bar| (bar.from.micros - zero, bar.to.micros - zero);
    let phases = stage.phases.iter().map(|phase| {
        let (from, to) = relative(phase.bar);
        (phase.kind, from, to)
    });
    let (from, to) = relative(bar);
    RowBar { from, to, open: bar.open, moment, label, phases: phases.collect() }
}

/// A word beside a place's name.
fn word(stage: &Stage) -> String {
    let facts = &stage.facts;
    match stage.place {
        Place::Sent if stage.state == StageState::NotSeen => "others".to_owned(),
        Place::Sent => "client".to_owned(),
        Place::Hop(Hop::Api) => facts.status.map(|status| status.to_string()).unwrap_or_default(),
        Place::Hop(Hop::Lambda) => match facts.cold {
            Some(true) => "cold".to_owned(),
            Some(false) => "warm".to_owned(),
            None => String::new(),
        },
        Place::Hop(Hop::Kinesis) => {
            facts.shard_id.as_ref().map(|shard: &ShardId| format!("shard {}", shard.number())).unwrap_or_default()
        }
        Place::Hop(Hop::Firehose) => match stage.state {
            StageState::Passed | StageState::Held { .. } | StageState::Failing { .. } => "buffer".to_owned(),
            _ => String::new(),
        },
        Place::Hop(Hop::S3) => facts.line.map(|line| format!("line {}", number::grouped(line))).unwrap_or_default(),
    }
}

/// What is known beside the bar.
fn facts(stage: &Stage, long: bool) -> String {
    let facts = &stage.facts;
    let id = |text: &str| if long { text.to_owned() } else { short(text) };
    let mut words = Vec::new();
    match stage.place {
        Place::Sent => words.extend(facts.bytes.map(number::size)),
        Place::Hop(Hop::Api) if long => words.extend(facts.api_request_id.as_ref().map(|text| id(text.as_str()))),
        Place::Hop(Hop::Lambda) => {
            words.extend(facts.lambda_request_id.as_ref().map(|text| id(text.as_str())));
            words.extend(facts.memory_mb.map(|memory| format!("{memory} MB")));
        }
        Place::Hop(Hop::Kinesis) => {
            words.extend(facts.sequence_number.as_ref().map(|text| id(text.as_str())));
            words.extend(facts.bytes.map(number::size));
        }
        Place::Hop(Hop::Api | Hop::Firehose | Hop::S3) => {}
    }
    visible(&words.join("  ")).into_owned()
}

fn said(what: &str, message: &str) -> String {
    if message.is_empty() { what.to_owned() } else { format!("{what}: {message}") }
}

const fn not_seen(place: Place) -> &'static str {
    match place {
        Place::Sent => "sent by someone else: only what followed was seen",
        Place::Hop(Hop::Api) => "no access log line of it seen",
        Place::Hop(Hop::Lambda) => "no log line of it seen",
        Place::Hop(Hop::Kinesis) => "no record of it seen",
        Place::Hop(Hop::Firehose) => "nothing of it seen",
        Place::Hop(Hop::S3) => "in no object that was seen",
    }
}

fn not_reached(place: Place, because: Place) -> String {
    match (place, because) {
        (Place::Hop(Hop::S3), Place::Hop(Hop::Firehose)) => "waits for Firehose".to_owned(),
        (_, because) => format!("not reached: it ended at {}", because.name()),
    }
}

/// What became of the bytes: `sent 39 B → record 34 B (whitespace out, newline in) → line 34 B, equal`.
fn bytes_words(waterfall: &Waterfall) -> String {
    use crate::text::difference::Difference;
    let bytes = &waterfall.bytes;
    let mut words = Vec::new();
    words.extend(bytes.sent.map(|sent| format!("sent {}", number::size(sent))));
    if let Some(record) = bytes.record {
        let both = bytes.sent_body.as_ref().zip(bytes.record_data.as_ref());
        let became = match (both, bytes.sent) {
            (Some((sent, data)), _) => format!(" ({})", Difference::of(sent, data).words()),
            _ => String::new(),
        };
        words.push(format!("record {}{became}", number::size(record)));
    }
    words.extend(bytes.line.map(|line| format!("line {}, equal", number::size(line))));
    if words.is_empty() { "not seen".to_owned() } else { words.join(" → ") }
}

/// How the clocks stand to each other: `client −0.4 ms ±2 ms against the gateway, corrected`.
fn clock_words(waterfall: &Waterfall) -> String {
    let bars = waterfall.rows.iter().filter_map(|row| row.bar);
    let used: Vec<Clock> = bars.flat_map(|bar| [bar.from.clock, bar.to.clock]).collect();
    let (agree, differ): (Vec<&ClockOffset>, Vec<&ClockOffset>) = waterfall
        .clocks
        .iter()
        .filter(|offset| used.contains(&offset.clock))
        .partition(|offset| offset.offset_micros == 0);
    let unsure = |micros: i64| time::duration(Duration::from_micros(micros.unsigned_abs()));
    let mut words: Vec<String> = differ
        .iter()
        .map(|offset| {
            let sign = if offset.offset_micros > 0 { "+" } else { "" };
            let off = measured(offset.offset_micros, Duration::ZERO);
            let unsure = unsure(offset.uncertainty_micros);
            format!("{} {sign}{off} ±{unsure} against the gateway, corrected", clock_name(offset.clock))
        })
        .collect();
    if let Some(most) = agree.iter().map(|offset| offset.uncertainty_micros).max() {
        let names: Vec<&str> = agree.iter().map(|offset| clock_name(offset.clock)).collect();
        words.push(format!("{} agree with the gateway's within {}", names.join(", "), unsure(most)));
    }
    if words.is_empty() {
        "Clocks: not measured against each other yet.".to_owned()
    } else {
        format!("Clocks: {}", words.join("; "))
    }
}

const fn clock_name(clock: Clock) -> &'static str {
    match clock {
        Clock::Client => "client",
        Clock::Gateway => "gateway",
        Clock::Lambda => "Lambda",
        Clock::Kinesis => "Kinesis",
        Clock::S3 => "S3",
        Clock::Logs => "log times",
    }
}

/// An id by its start and its end: `Yx3k…EYw=`.
pub fn short(id: &str) -> String {
    let letters = id.chars().count();
    if letters <= ID_LETTERS.0 + ID_LETTERS.1 + 1 {
        return id.to_owned();
    }
    let start: String = id.chars().take(ID_LETTERS.0).collect();
    let end: String = id.chars().skip(letters - ID_LETTERS.1).collect();
    format!("{start}…{end}")
}
