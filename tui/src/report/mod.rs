//! What is handed on: pictures of the screen, and the report of a smoke test: one page that stands for
//! itself, fit to attach to a ticket. It needs no script, no network and no other file; whatever came
//! from outside is masked and escaped.

mod choose;
mod drawing;
mod page;
mod picture;
mod words;

use std::time::Duration;

use askama::Template;
use tailwater_core::{
    events::Timestamp,
    pipeline::Hop,
    text::{mask::Mask, number, time},
    trace::{EventNumber, Ledger, Traces, Waterfall},
};

use choose::Chosen;
use page::{Cell, EventRow, Fact, Figures, Page, Row, Shown, Term};
pub use picture::{Shades, svg};

/// How many events stand in the table of all.
const MOST_ROWS: usize = 500;

/// How the test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every event was seen once at every hop.
    Pass,
    /// Not every event was, and nothing more is to come.
    Fail,
    /// The time was up first.
    TimeLimit,
    /// Somebody stopped it.
    Stopped,
    /// It could not be carried through.
    BrokenOff,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TimeLimit => "time limit",
            Self::Stopped => "stopped",
            Self::BrokenOff => "broken off",
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Pass => "✓",
            Self::Fail | Self::BrokenOff => "✗",
            Self::TimeLimit | Self::Stopped => "!",
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Pass => "good",
            Self::Fail | Self::BrokenOff => "bad",
            Self::TimeLimit | Self::Stopped => "attention",
        }
    }
}

/// When events were first seen at a hop.
#[derive(Debug, Clone)]
pub struct HopTimes {
    /// The hop.
    pub hop: Hop,
    /// The event, and how long after it was sent it was seen there.
    pub times: Vec<(u64, Duration)>,
}

/// What a report is made of.
pub struct Findings<'a> {
    /// How it ended.
    pub verdict: Verdict,
    /// How many events were to be sent.
    pub events: u64,
    /// Where they are.
    pub ledger: Ledger,
    /// How many lines landed more than once.
    pub duplicated: u64,
    /// When they were seen.
    pub hops: &'a [HopTimes],
    /// All that was seen of them.
    pub traces: &'a Traces,
    /// What went wrong on the way.
    pub troubles: Vec<String>,
    /// What it was done with and where: a name and a value each.
    pub environment: Vec<(String, String)>,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

/// The page.
pub fn render(findings: &Findings<'_>, mask: &Mask) -> Result<String, String> {
    page(findings, mask).render().map_err(|error| error.to_string())
}

fn page(findings: &Findings<'_>, mask: &Mask) -> Page {
    let masked = |text: &str| mask.text(text).into_owned();
    let own: Vec<u64> = findings.traces.own().map(|(seq, _)| seq).collect();
    let arrivals = findings.hops.iter().find(|hop| hop.hop == Hop::S3).map_or(&[][..], |hop| &hop.times);
    let waterfall = |seq: u64| findings.traces.waterfall(EventNumber::Own(seq), findings.ended);
    let chosen = choose::choose(&own, arrivals, |seq| {
        waterfall(seq).is_none_or(|waterfall| waterfall.trouble().is_some())
            || findings.traces.get(EventNumber::Own(seq)).is_none_or(|trace| trace.landing.is_none())
    });
    let cold: Vec<u64> =
        own.iter().copied().filter(|seq| waterfall(*seq).as_ref().is_some_and(words::is_cold)).collect();
    Page {
        verdict: findings.verdict.word(),
        verdict_sign: findings.verdict.sign(),
        verdict_class: findings.verdict.class(),
        sentence: sentence(findings),
        began: full(findings.began),
        ended: full(findings.ended),
        took: time::duration(findings.ended.since(findings.began)),
        troubles: findings.troubles.iter().map(|trouble| masked(trouble)).collect(),
        terms: terms(findings),
        ledger_drawing: drawing::ledger(&findings.ledger),
        figures: findings.hops.iter().map(figures).collect(),
        over_time: findings
            .hops
            .iter()
            .filter(|hop| !hop.times.is_empty())
            .map(|hop| Cell { name: hop.hop.name().to_owned(), drawing: drawing::over_time(&hop.times, &cold) })
            .collect(),
        thinned: findings.hops.iter().any(|hop| hop.times.len() > drawing::MOST_POINTS),
        cold: number::counted(cold.len() as u64, "cold start"),
        shown: chosen.iter().filter_map(|chosen| Some(shown(chosen, &waterfall(chosen.seq)?, mask))).collect(),
        left_out: number::grouped((own.len() - chosen.len()) as u64),
        is_left_out: own.len() > chosen.len(),
        rows: own.iter().take(MOST_ROWS).filter_map(|seq| event_row(*seq, findings, mask)).collect(),
        rows_left_out: number::grouped(own.len().saturating_sub(MOST_ROWS) as u64),
        is_rows_left_out: own.len() > MOST_ROWS,
        environment: findings
            .environment
            .iter()
            .map(|(name, value)| Fact { name: masked(name), value: masked(value) })
            .collect(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

fn full(time: Timestamp) -> String {
    time::UtcOffset::default().full(time)
}

/// The verdict in a sentence.
fn sentence(findings: &Findings<'_>) -> String {
    let ledger = &findings.ledger;
    let events = number::counted(findings.events, "event");
    let mut troubles: Vec<String> = [
        (ledger.missing, "missing"),
        (ledger.refused, "refused"),
        (ledger.unanswered, "unanswered"),
        (ledger.on_the_way, "still on the way"),
        (findings.duplicated, "delivered more than once"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{} {word}", number::grouped(count)))
    .collect();
    let unsent = findings.events.saturating_sub(ledger.sent);
    if unsent > 0 {
        troubles.push(format!("{} not sent", number::grouped(unsent)));
    }
    let landed = format!("{} of {events} in S3", number::grouped(ledger.in_s3));
    if troubles.is_empty() { format!("{landed}, each once.") } else { format!("{landed}; {}.", troubles.join(", ")) }
}

fn terms(findings: &Findings<'_>) -> Vec<Term> {
    let ledger = &findings.ledger;
    [
        ("in S3", ledger.in_s3, "in-s3", "seen as a line of an object"),
        ("on the way", ledger.on_the_way, "way", "not answered yet, or put and not due yet"),
        ("refused", ledger.refused, "refused", "the answer proves that nothing was put"),
        ("unanswered", ledger.unanswered, "unanswered", "no answer, or one that proves nothing"),
        ("missing", ledger.missing, "missing", "put, and past the time for delivery"),
    ]
    .into_iter()
    .map(|(name, count, class, meaning)| Term { name, count: number::grouped(count), class, meaning })
    .collect()
}

/// The times of a hop, sorted.
fn sorted(hop: &HopTimes) -> Vec<Duration> {
    let mut times: Vec<Duration> = hop.times.iter().map(|(_, time)| *time).collect();
    times.sort_unstable();
    times
}

/// The time that so many of a hundred took at most.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied()
}

fn figures(hop: &HopTimes) -> Figures {
    let times = sorted(hop);
    let at = |percent| percentile(&times, percent).map_or_else(|| "–".to_owned(), time::duration);
    Figures {
        name: hop.hop.name(),
        seen: number::grouped(times.len() as u64),
        p50: at(50),
        p90: at(90),
        p99: at(99),
        max: at(100),
        drawing: drawing::distribution(&times),
    }
}

fn shown(chosen: &Chosen, waterfall: &Waterfall, mask: &Mask) -> Shown {
    let masked = |text: String| mask.text(&text).into_owned();
    let identical = waterfall.identical.map(|identical| {
        format!(
            "one of {} with the same bytes, number {}",
            number::grouped(identical.of),
            number::grouped(identical.position)
        )
    });
    let copies = match waterfall.duplicates.len() {
        0 => None,
        more => Some(format!("delivered {} more", number::counted(more as u64, "time"))),
    };
    Shown {
        title: waterfall.number.to_string(),
        why: chosen.why.words(),
        notes: identical.into_iter().chain(copies).collect(),
        drawing: drawing::waterfall(waterfall),
        rows: waterfall
            .rows
            .iter()
            .map(|stage| {
                let (sign, class, words) = words::state(stage);
                Row {
                    place: stage.place.name(),
                    sign,
                    class,
                    words: masked(words),
                    when: words::when(stage),
                    facts: words::facts(stage).into_iter().map(masked).collect(),
                }
            })
            .collect(),
        clocks: words::clocks(waterfall),
    }
}

fn event_row(seq: u64, findings: &Findings<'_>, mask: &Mask) -> Option<EventRow> {
    let trace = findings.traces.get(EventNumber::Own(seq))?;
    let waterfall = findings.traces.waterfall(EventNumber::Own(seq), findings.ended)?;
    let seen = |wanted: Hop| {
        let hop = findings.hops.iter().find(|hop| hop.hop == wanted)?;
        hop.times.iter().find(|(of, _)| *of == seq).map(|(_, time)| time::duration(*time))
    };
    let stage = waterfall.trouble().or_else(|| waterfall.rows.last())?;
    let (sign, class, words) = words::state(stage);
    Some(EventRow {
        number: waterfall.number.to_string(),
        sent: trace.sent_at.map(|at| time::UtcOffset::default().clock_millis(at)).unwrap_or_default(),
        times: [Hop::Api, Hop::Lambda, Hop::Kinesis, Hop::S3]
            .into_iter()
            .map(|hop| seen(hop).unwrap_or_else(|| "–".to_owned()))
            .collect(),
        sign,
        class,
        words: mask.text(&format!("{}: {words}", stage.place.name())).into_owned(),
    })
}

#[cfg(test)]
mod tests;
