//! A trace as text for people and as JSON for programs.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tailwater_core::{
    app::{Axis, BREAK_CELLS, Point},
    pipeline::Hop,
    text::{log_line, number, safe::visible, time},
    trace::{Bar, Clock, ClockOffset, Landing, Moment, Phase, PhaseKind, Place, Stage, StageState, Waterfall},
};

use super::super::{CommandError, print};
use crate::cli::Output;

/// The cells of the chart.
const CELLS: usize = 44;
/// The cells before it: sign and place.
const BEFORE: usize = 11;

/// Prints a trace; `event`: as one of several kinds of JSON lines.
pub fn waterfall(output: Output, waterfall: &Waterfall, bucket: &str, event: bool) -> Result<(), CommandError> {
    print::line(output, || to_json(waterfall, event), || to_text(waterfall, bucket))?;
    Ok(())
}

/// The trace as JSON.
fn to_json(waterfall: &Waterfall, event: bool) -> Value {
    let facts = |place| waterfall.row(place).map(|row| &row.facts);
    let api = facts(Place::Hop(Hop::Api));
    let lambda = facts(Place::Hop(Hop::Lambda));
    let kinesis = facts(Place::Hop(Hop::Kinesis));
    let mut trace = Map::new();
    if event {
        trace.insert("event".into(), "trace".into());
    }
    if let tailwater_core::trace::EventNumber::Own(seq) = waterfall.number {
        trace.insert("seq".into(), seq.into());
    }
    trace.insert("verdict".into(), verdict(waterfall).0.into());
    trace.insert("apiRequestId".into(), json!(api.and_then(|facts| facts.api_request_id.as_ref())));
    trace.insert("lambdaRequestId".into(), json!(lambda.and_then(|facts| facts.lambda_request_id.as_ref())));
    trace.insert("shardId".into(), json!(kinesis.and_then(|facts| facts.shard_id.as_ref())));
    trace.insert("sequenceNumber".into(), json!(kinesis.and_then(|facts| facts.sequence_number.as_ref())));
    trace.insert("stages".into(), waterfall.rows.iter().map(stage_json).collect());
    let identical = waterfall.identical.map(|same| json!({"position": same.position, "of": same.of}));
    trace.insert("identical".into(), json!(identical));
    trace.insert("clocks".into(), waterfall.clocks.iter().map(clock_json).collect());
    let bytes = &waterfall.bytes;
    trace.insert("bytes".into(), json!({"sent": bytes.sent, "record": bytes.record, "line": bytes.line}));
    trace.insert("duplicates".into(), waterfall.duplicates.iter().map(landing_json).collect());
    trace.into()
}

fn stage_json(stage: &Stage) -> Value {
    let mut row = Map::new();
    row.insert("place".into(), place_word(stage.place).into());
    row.insert("state".into(), stage.state.word().into());
    let more: Vec<(&str, Value)> = match &stage.state {
        StageState::Held { due } => vec![("due", json!(due))],
        StageState::Refused { status: 0, message } | StageState::Unanswered { message } => {
            vec![("message", json!(message))]
        }
        StageState::Refused { status, message } => vec![("status", json!(status)), ("message", json!(message))],
        StageState::Threw { line } => vec![("message", json!(line))],
        StageState::TimedOut { after } => vec![("afterMs", json!(after.map(print::millis)))],
        StageState::Throttled { times } => vec![("times", json!(times))],
        StageState::Failing { times, message } => vec![("times", json!(times)), ("message", json!(message))],
        StageState::Overdue { by } => vec![("lateMs", json!(print::millis(*by)))],
        StageState::Lost { proof } => vec![("proof", json!(proof))],
        StageState::NotReached { because } => vec![("because", json!(place_word(*because)))],
        StageState::Passed | StageState::UnderWay | StageState::NotSeen => Vec::new(),
    };
    row.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
    row.insert("at".into(), json!(stage.at.as_ref().map(moment_json)));
    row.insert("took".into(), json!(stage.bar.as_ref().map(bar_json)));
    if !stage.phases.is_empty() {
        let phase = |phase: &Phase| {
            let mut bar = bar_json(&phase.bar);
            bar["phase"] = phase_word(phase.kind).into();
            bar
        };
        row.insert("phases".into(), stage.phases.iter().map(phase).collect());
    }
    let facts = &stage.facts;
    let mut fact = |name: &str, value: Value| {
        if !value.is_null() && !row.contains_key(name) {
            row.insert(name.to_owned(), value);
        }
    };
    fact("status", json!(facts.status));
    fact("coldStart", json!(facts.cold));
    fact("initMs", json!(facts.init_ms));
    fact("runMs", json!(facts.run_ms));
    fact("maxMemoryMB", json!(facts.memory_mb));
    fact("outcome", json!(facts.outcome));
    fact("attempts", json!(facts.attempts));
    fact("putMs", json!(facts.put_ms));
    fact("bytes", json!(facts.bytes));
    fact("key", json!(facts.object));
    fact("line", json!(facts.line));
    row.into()
}

fn moment_json(moment: &Moment) -> Value {
    json!({
        "time": moment.timestamp(),
        "clock": moment.clock.name(),
        "precisionMs": print::millis(moment.precision),
    })
}

fn bar_json(bar: &Bar) -> Value {
    let mut value = json!({
        "from": bar.from.timestamp(),
        "to": bar.to.timestamp(),
        "clock": bar.from.clock.name(),
        "leastMs": print::millis(bar.least()),
        "mostMs": print::millis(bar.most()),
    });
    if bar.open {
        value["open"] = true.into();
    }
    if let Some(early) = bar.early {
        value["earlyMs"] = print::millis(early).into();
    }
    value
}

fn clock_json(offset: &ClockOffset) -> Value {
    json!({
        "clock": offset.clock.name(),
        "against": offset.against.name(),
        "offsetMs": offset.offset_micros as f64 / 1_000.0,
        "uncertaintyMs": offset.uncertainty_micros as f64 / 1_000.0,
    })
}

fn landing_json(landing: &Landing) -> Value {
    json!({"key": landing.object, "line": landing.line, "time": landing.time})
}

fn place_word(place: Place) -> &'static str {
    match place {
        Place::Sent => "sent",
        Place::Hop(Hop::Api) => "api",
        Place::Hop(Hop::Lambda) => "lambda",
        Place::Hop(Hop::Kinesis) => "kinesis",
        Place::Hop(Hop::Firehose) => "firehose",
        Place::Hop(Hop::S3) => "s3",
    }
}

const fn phase_word(kind: PhaseKind) -> &'static str {
    match kind {
        PhaseKind::Init => "init",
        PhaseKind::Run => "run",
        PhaseKind::Put => "put",
    }
}

/// What became of it: a word for programs, and a few for people.
fn verdict(waterfall: &Waterfall) -> (&'static str, String) {
    let state = |place| waterfall.row(place).map(|row| &row.state);
    if state(Place::Hop(Hop::S3)) == Some(&StageState::Passed) {
        let took = whole(waterfall).map(|took| format!(" after {took}")).unwrap_or_default();
        return ("inS3", format!("in S3{took}"));
    }
    if let Some(trouble) = waterfall.trouble() {
        return (trouble.state.word(), format!("{} at {}", state_short(&trouble.state), trouble.place.name()));
    }
    match state(Place::Hop(Hop::Firehose)) {
        Some(StageState::Held { .. }) => ("held", "in Firehose's buffer".to_owned()),
        _ => ("underWay", "on its way".to_owned()),
    }
}

/// From the sending, or the gateway's taking it, to the object's date.
fn whole(waterfall: &Waterfall) -> Option<String> {
    let from = waterfall.rows.iter().filter_map(|row| row.bar).map(|bar| bar.from).next()?;
    let to = waterfall.row(Place::Hop(Hop::S3))?.at?;
    let bar = Bar { from, to, open: false, early: None };
    Some(span(&bar))
}

/// How long a bar is, no finer than both its ends were measured.
fn span(bar: &Bar) -> String {
    let (least, most) = (bar.least(), bar.most());
    if most.saturating_sub(least) < Duration::from_millis(100) {
        return time::duration(bar.length());
    }
    let (least, most) = (least.as_secs(), most.as_secs().max(1));
    if least == 0 { format!("at most {most} s") } else { format!("{} to {most} s", least.min(most)) }
}

const fn state_short(state: &StageState) -> &'static str {
    match state {
        StageState::Passed => "passed",
        StageState::UnderWay => "under way",
        StageState::Held { .. } => "held",
        StageState::Refused { .. } => "refused",
        StageState::Threw { .. } => "failed",
        StageState::TimedOut { .. } => "timed out",
        StageState::Throttled { .. } => "throttled",
        StageState::Unanswered { .. } => "unanswered",
        StageState::Failing { .. } => "deliveries fail",
        StageState::NotSeen => "not seen",
        StageState::Overdue { .. } => "overdue",
        StageState::Lost { .. } => "lost",
        StageState::NotReached { .. } => "not reached",
    }
}

/// The trace as text.
fn to_text(waterfall: &Waterfall, bucket: &str) -> String {
    let mut lines = Vec::new();
    let same = waterfall.identical.map(|same| format!(", {} of {} identical", same.position, same.of));
    lines.push(format!("Trace {}: {}{}", waterfall.number, verdict(waterfall).1, same.unwrap_or_default()));
    let zero = waterfall.extent().map_or(0, |(first, _)| first);
    let axis = axis(waterfall, zero);
    lines.extend(axis.as_ref().map(axis_text));
    for row in &waterfall.rows {
        let chart = axis.as_ref().map(|axis| chart(axis, row, zero)).unwrap_or_default();
        let words = words(row);
        let line = format!(" {} {:<8} {chart:<CELLS$}  {words}", sign(&row.state), row.place.name());
        lines.push(line.trim_end().to_owned());
    }
    lines.extend(ids(waterfall, bucket));
    lines.extend(bytes(waterfall));
    lines.extend(clocks(waterfall));
    for duplicate in &waterfall.duplicates {
        lines.push(format!("   Landed once more: line {} of {}", duplicate.line, visible(duplicate.object.as_str())));
    }
    lines.join("\n")
}

const fn sign(state: &StageState) -> &'static str {
    match state {
        StageState::Passed => "✓",
        StageState::UnderWay | StageState::Held { .. } => "●",
        StageState::Refused { .. }
        | StageState::Threw { .. }
        | StageState::TimedOut { .. }
        | StageState::Lost { .. } => "✗",
        StageState::Throttled { .. }
        | StageState::Unanswered { .. }
        | StageState::Failing { .. }
        | StageState::Overdue { .. } => "!",
        StageState::NotSeen | StageState::NotReached { .. } => "…",
    }
}

fn axis(waterfall: &Waterfall, zero: i64) -> Option<Axis> {
    let bars = waterfall.rows.iter().filter_map(|row| row.bar);
    let points: Vec<Point> = bars
        .flat_map(|bar| [bar.from, bar.to])
        .map(|moment| Point { micros: moment.micros - zero, precision: moment.precision })
        .collect();
    (!points.is_empty()).then(|| Axis::of(&points, CELLS))
}

fn axis_text(axis: &Axis) -> String {
    let mut cells = vec![' '; CELLS];
    for cut in axis.breaks() {
        cells[*cut..(*cut + BREAK_CELLS).min(CELLS)].fill('╱');
    }
    for mark in axis.marks() {
        for (cell, letter) in cells[mark.from.min(CELLS)..].iter_mut().zip(mark.words.chars()) {
            *cell = letter;
        }
    }
    let text: String = cells.into_iter().collect();
    format!("{}{}", " ".repeat(BEFORE + 1), text.trim_end())
}

fn chart(axis: &Axis, row: &Stage, zero: i64) -> String {
    let Some(bar) = row.bar else { return String::new() };
    let mut cells = vec![' '; CELLS];
    let (from, to) = (axis.cell(bar.from.micros - zero), axis.cell(bar.to.micros - zero));
    cells[from..=to].fill('─');
    cells[from] = if from == to { '|' } else { '├' };
    if from < to {
        cells[to] = if bar.open { '▶' } else { '┤' };
    }
    for cut in axis.breaks().iter().filter(|cut| (from..to).contains(cut)) {
        cells[*cut..(*cut + BREAK_CELLS).min(CELLS)].fill('╱');
    }
    cells.into_iter().collect()
}

/// What is said of a row.
fn words(row: &Stage) -> String {
    let facts = &row.facts;
    let mut words: Vec<String> = Vec::new();
    let trouble = match &row.state {
        StageState::Passed => None,
        StageState::UnderWay => Some("under way".to_owned()),
        StageState::Held { due } => Some(match due {
            Some(due) => format!("holds it, due at {due}"),
            None => "holds it".to_owned(),
        }),
        StageState::Refused { status: 0, message } => Some(format!("refused: {message}")),
        StageState::Refused { status, message } => Some(format!("refused, {status}: {message}")),
        StageState::Threw { line } => Some(format!("failed: {line}")),
        StageState::TimedOut { after: Some(after) } => {
            Some(format!("ran out of time after {}", time::duration(*after)))
        }
        StageState::TimedOut { after: None } => Some("ran out of time".to_owned()),
        StageState::Throttled { times: 1 } => Some("throttled".to_owned()),
        StageState::Throttled { times } => Some(format!("throttled {times} times, not put")),
        StageState::Unanswered { message } => Some(format!("no answer: {message}")),
        StageState::Failing { times, message } => Some(format!("deliveries fail, {times} times since: {message}")),
        StageState::NotSeen if row.place == Place::Sent => Some("sent by someone else".to_owned()),
        StageState::NotSeen => Some("not seen".to_owned()),
        StageState::Overdue { by } => Some(format!("not seen, {} late", time::whole_seconds(*by))),
        StageState::Lost { proof } => Some(format!("lost: {proof}")),
        StageState::NotReached { because } => Some(format!("not reached: see {}", because.name())),
    };
    words.extend(trouble);
    if row.state == StageState::Passed || row.bar.is_some() && words.is_empty() {
        words.extend(facts.status.filter(|_| row.place == Place::Hop(Hop::Api)).map(|status| status.to_string()));
        words.extend(facts.cold.map(|cold| if cold { "cold" } else { "warm" }.to_owned()));
        words.extend(facts.init_ms.map(|init| format!("start {}", log_line::milliseconds(init))));
        words.extend(facts.run_ms.map(|run| format!("run {}", log_line::milliseconds(run))));
        words.extend(facts.memory_mb.map(|memory| format!("{memory} MB")));
        words.extend(facts.put_ms.map(|put| format!("put in {}", log_line::milliseconds(put))));
        words.extend(
            facts.attempts.filter(|times| *times > 1).map(|times| format!("throttled, put at attempt {times}")),
        );
        words.extend(facts.shard_id.as_ref().map(|shard| format!("shard {}", shard.number())));
        let spans = matches!(row.place, Place::Sent | Place::Hop(Hop::Api | Hop::Firehose));
        words.extend(row.bar.filter(|_| spans).map(|bar| span(&bar)));
        words.extend(facts.line.map(|line| format!("line {line}")));
        words.extend(row.at.filter(|at| at.clock == Clock::S3).map(|at| format!("{} (whole seconds)", at.timestamp())));
    }
    if let Some(early) = row.bar.and_then(|bar| bar.early).filter(|_| row.place != Place::Hop(Hop::S3)) {
        words.push(format!("seems {} early: clocks are not measured finer", time::duration(early)));
    }
    visible(&words.join(", ")).into_owned()
}

fn ids(waterfall: &Waterfall, bucket: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let facts = |hop| waterfall.row(Place::Hop(hop)).map(|row| &row.facts);
    if let Some(id) = facts(Hop::Api).and_then(|facts| facts.api_request_id.as_ref()) {
        lines.push(format!("   API request {}", visible(id.as_str())));
    }
    if let Some(id) = facts(Hop::Lambda).and_then(|facts| facts.lambda_request_id.as_ref()) {
        lines.push(format!("   Lambda request {}", visible(id.as_str())));
    }
    if let Some(number) = facts(Hop::Kinesis).and_then(|facts| facts.sequence_number.as_ref()) {
        lines.push(format!("   record {}", visible(number.as_str())));
    }
    if let Some(object) = facts(Hop::S3).and_then(|facts| facts.object.as_ref()) {
        lines.push(format!("   s3://{bucket}/{}", visible(object.as_str())));
    }
    lines
}

fn bytes(waterfall: &Waterfall) -> Option<String> {
    let bytes = &waterfall.bytes;
    let mut words = Vec::new();
    words.extend(bytes.sent.map(|size| format!("sent {}", number::size(size))));
    words.extend(bytes.record.map(|size| format!("record {}", number::size(size))));
    words.extend(bytes.line.map(|size| format!("line {}, equal to the record", number::size(size))));
    (!words.is_empty()).then(|| format!("   Bytes: {}", words.join(", ")))
}

fn clocks(waterfall: &Waterfall) -> Option<String> {
    let offset = |offset: &ClockOffset| {
        let (clock, against) = (offset.clock.name(), offset.against.name());
        let within = time::duration(Duration::from_micros(offset.uncertainty_micros.unsigned_abs()));
        if offset.offset_micros == 0 {
            return format!("{clock} and {against} agree within {within}");
        }
        let by = time::duration(Duration::from_micros(offset.offset_micros.unsigned_abs()));
        let way = if offset.offset_micros < 0 { "behind" } else { "ahead of" };
        format!("{clock} {by} {way} {against} ±{within}, corrected")
    };
    let words: Vec<String> = waterfall.clocks.iter().map(offset).collect();
    (!words.is_empty()).then(|| format!("   Clocks: {}", words.join("; ")))
}
