//! A stage of a waterfall in words.

use tailwater_core::{
    text::{number, time},
    trace::{Clock, Place, Stage, StageState, Waterfall},
};

/// Sign, class and words of how an event stands at a place.
pub fn state(stage: &Stage) -> (&'static str, &'static str, String) {
    match &stage.state {
        StageState::Passed => ("✓", "good", passed(stage)),
        StageState::UnderWay => ("●", "moving", "under way: nothing says more yet".to_owned()),
        StageState::Held { due: Some(due) } => {
            ("…", "moving", format!("held, to be delivered at {}", time::UtcOffset::default().clock(*due)))
        }
        StageState::Held { due: None } => ("…", "moving", "held".to_owned()),
        StageState::Refused { status: 0, message } => ("✗", "bad", format!("refused: {message}")),
        StageState::Refused { status, message } => ("✗", "bad", format!("refused with {status}: {message}")),
        StageState::Threw { line } => ("✗", "bad", format!("failed: {line}")),
        StageState::TimedOut { after: Some(after) } => {
            ("✗", "bad", format!("ran out of time after {}", time::duration(*after)))
        }
        StageState::TimedOut { after: None } => ("✗", "bad", "ran out of time".to_owned()),
        StageState::Throttled { times } => {
            ("!", "attention", format!("throttled, {}", number::counted(u64::from(*times), "time")))
        }
        StageState::Unanswered { message } => ("!", "attention", format!("unanswered: {message}")),
        StageState::Failing { times, message } => {
            ("!", "attention", format!("delivery failed {}: {message}", number::counted(*times, "time")))
        }
        StageState::NotSeen => ("?", "quiet", "not seen here".to_owned()),
        StageState::Overdue { by } => ("!", "attention", format!("overdue by {}", time::duration(*by))),
        StageState::Lost { proof } => ("✗", "bad", format!("lost: {proof}")),
        StageState::NotReached { because } => {
            ("–", "quiet", format!("not reached: it came as far as {}", because.name()))
        }
    }
}

fn passed(stage: &Stage) -> String {
    let facts = &stage.facts;
    let took = stage.bar.map(|bar| time::duration(bar.length()));
    let took = |words: &str| took.as_ref().map_or_else(|| words.to_owned(), |took| format!("{words} in {took}"));
    match stage.place {
        Place::Sent => took("answered"),
        Place::Hop(tailwater_core::pipeline::Hop::Api) => {
            took(&facts.status.map_or_else(|| "answered".to_owned(), |status| format!("answered {status}")))
        }
        Place::Hop(tailwater_core::pipeline::Hop::Lambda) => took("ran"),
        Place::Hop(tailwater_core::pipeline::Hop::Kinesis) => "in the stream".to_owned(),
        Place::Hop(tailwater_core::pipeline::Hop::Firehose) => took("delivered"),
        Place::Hop(tailwater_core::pipeline::Hop::S3) => match facts.line {
            Some(line) => format!("line {line} of an object"),
            None => "in an object".to_owned(),
        },
    }
}

/// When the place measured it, by whose clock and how finely.
pub fn when(stage: &Stage) -> String {
    let Some(at) = stage.at else { return String::new() };
    let clock = time::UtcOffset::default();
    let fine = at.precision.as_millis() < 1_000;
    let text = if fine { clock.clock_millis(at.timestamp()) } else { clock.clock(at.timestamp()) };
    let precision = time::duration(at.precision).replace(".0 ", " ");
    format!("{text} by {} clock, to {precision}", whose(at.clock))
}

/// Whose clock it is.
const fn whose(clock: Clock) -> &'static str {
    match clock {
        Clock::Client => "this machine's",
        Clock::Gateway => "the gateway's",
        Clock::Lambda => "Lambda's",
        Clock::Kinesis => "Kinesis's",
        Clock::S3 => "S3's",
        Clock::Logs => "the log's",
    }
}

/// What else is known, a line each.
pub fn facts(stage: &Stage) -> Vec<String> {
    let facts = &stage.facts;
    let mut lines = Vec::new();
    let mut add = |name: &str, value: Option<String>| lines.extend(value.map(|value| format!("{name} {value}")));
    let ms = |value: Option<f64>| value.map(|value| format!("{value:.1} ms"));
    add("API request", facts.api_request_id.as_ref().map(ToString::to_string));
    add("Lambda request", facts.lambda_request_id.as_ref().map(ToString::to_string));
    add("cold start:", facts.cold.filter(|cold| *cold).map(|_| ms(facts.init_ms).unwrap_or_else(|| "yes".to_owned())));
    add("ran", ms(facts.run_ms));
    add("memory", facts.memory_mb.map(|megabytes| format!("{megabytes} MB")));
    add("outcome", facts.outcome.clone());
    add("put in", ms(facts.put_ms));
    add("attempts", facts.attempts.filter(|attempts| *attempts > 1).map(|attempts| attempts.to_string()));
    add("shard", facts.shard_id.as_ref().map(|shard| shard.number().to_string()));
    add("sequence number", facts.sequence_number.as_ref().map(ToString::to_string));
    add("object", facts.object.as_ref().map(ToString::to_string));
    add("size", facts.bytes.map(number::size));
    lines
}

/// Whether the function's environment was started for this event.
pub fn is_cold(waterfall: &Waterfall) -> bool {
    waterfall.rows.iter().any(|stage| stage.facts.cold == Some(true))
}

/// How far the clocks are apart, where that was measured.
pub fn clocks(waterfall: &Waterfall) -> Vec<String> {
    waterfall
        .clocks
        .iter()
        .map(|offset| {
            let millis =
                |micros: i64| format!("{}.{:03} ms", micros.unsigned_abs() / 1_000, micros.unsigned_abs() % 1_000);
            let (clock, against) = (whose(offset.clock), whose(offset.against));
            let uncertain = millis(offset.uncertainty_micros);
            match offset.offset_micros {
                0 => format!("{clock} and {against} agree, within {uncertain}"),
                ahead if ahead > 0 => format!("{clock} is {} ahead of {against}, ± {uncertain}", millis(ahead)),
                behind => format!("{clock} is {} behind {against}, ± {uncertain}", millis(behind)),
            }
        })
        .collect()
}
