//! Traces: every event as a row, and how long events took at each hop.

use std::time::Duration;

use super::{App, Pane, Query, Row, Sign, measured};
use crate::{
    events::{ApiRequestId, LambdaRequestId, Timestamp},
    pipeline::Hop,
    text::number,
    trace::{Column, EventNumber, HopFigures, Place, StageState, Traces},
};

/// Seconds that a column of a distribution may stand for.
const COLUMN_SECONDS: [u64; 13] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200];
/// The percentile that the bars of a distribution show.
const BAR_PERCENT: u64 = 90;
/// How many eighths of a cell the highest bar has.
const BAR_LEVELS: u8 = 8;

/// Which events have a row in Traces.
#[derive(Debug, Default)]
pub struct TracesPane {
    own: u64,
    other: u64,
}

impl TracesPane {
    /// The events that came since, in the order of their numbers.
    fn newer(&mut self, traces: &Traces) -> Vec<EventNumber> {
        let mut newer = Vec::new();
        while let Some(number @ EventNumber::Own(own)) = traces.beside(EventNumber::Own(self.own), false) {
            self.own = own;
            newer.push(number);
        }
        while let Some(number @ EventNumber::Other(other)) = traces.beside(EventNumber::Other(self.other), false) {
            self.other = other;
            newer.push(number);
        }
        newer
    }
}

/// An event as a row of Traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// When it was sent, or first seen.
    pub time: Option<Timestamp>,
    /// How it stands.
    pub sign: Sign,
    /// In a few words: `in S3`, `refused 429`.
    pub state: String,
    /// How long it was at the API, in Lambda, being put to Kinesis, and in Firehose; in words.
    pub times: [Option<Duration>; 4],
    /// From the sending to S3, no finer than measured.
    pub total: String,
    /// The function's environment was started for it.
    pub cold: bool,
}

/// How long events took at a place, for the table above the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceTimes {
    /// The place.
    pub name: &'static str,
    /// The figures of the whole session.
    pub figures: Option<HopFigures>,
    /// How long 90 of 100 took in each column, in eighths of the longest; `None`: nothing was measured.
    pub bars: Vec<Option<u8>>,
    /// How many cold starts there were in each column.
    pub cold: Vec<u64>,
}

/// The table above the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimesTable {
    /// The places.
    pub places: Vec<PlaceTimes>,
    /// How much time a column stands for.
    pub column: Duration,
}

impl App {
    /// Gives every event that came a row.
    pub(super) fn list_events(&mut self) {
        let newer = self.traces_pane.newer(&self.traces);
        for number in newer {
            self.panes[Pane::Traces as usize].push(Row::Trace(number), &self.traces);
        }
    }

    /// An event as a row of Traces; `None`: it was let go.
    pub fn event_row(&self, number: EventNumber) -> Option<EventRow> {
        let trace = self.traces.get(number)?;
        let waterfall = self.traces.waterfall(number, self.now)?;
        let bar = |place| waterfall.row(place).and_then(|row| row.bar).filter(|bar| !bar.open);
        let millis = |millis: f64| Duration::from_secs_f64(millis.clamp(0.0, 1e12) / 1_000.0);
        let lambda = waterfall.row(Place::Hop(Hop::Lambda)).map(|row| &row.facts);
        let run = lambda.and_then(|facts| Some(millis(facts.run_ms? + facts.init_ms.unwrap_or(0.0))));
        let put = waterfall.row(Place::Hop(Hop::Kinesis)).and_then(|row| row.facts.put_ms).map(millis);
        let began = waterfall.rows.iter().find_map(|row| row.bar).map(|bar| bar.from);
        let written = waterfall.row(Place::Hop(Hop::S3)).and_then(|row| row.at);
        let total = began.zip(written).map(|(from, at)| measured(at.micros - from.micros, at.precision));
        let (sign, state) = short_state(&waterfall, trace.landing.is_some());
        Some(EventRow {
            time: trace.sent_at.or(began.map(|moment| moment.timestamp())),
            sign,
            state,
            times: [
                bar(Place::Hop(Hop::Api)).map(|bar| bar.length()),
                run,
                put,
                bar(Place::Hop(Hop::Firehose)).map(|bar| bar.length()),
            ],
            total: total.unwrap_or_default(),
            cold: trace.cold(),
        })
    }

    /// Whether a row is something to look at.
    pub(super) fn is_trouble(&self, row: &Row) -> bool {
        match row {
            Row::Trace(number) => {
                self.traces.waterfall(*number, self.now).is_some_and(|waterfall| waterfall.trouble().is_some())
            }
            row => row.is_trouble(),
        }
    }

    /// How long events took at each place, with a distribution over so many columns.
    pub fn times_table(&self, columns: usize) -> TimesTable {
        let distributions = Place::ALL.map(|place| self.traces.distribution(place));
        let all = || distributions.iter().flat_map(|distribution| &distribution.columns);
        let first = all().map(|column| column.from).min().unwrap_or(self.now);
        let finest = distributions.iter().map(|distribution| distribution.width.as_secs()).max().unwrap_or(1).max(1);
        let seconds = column_seconds(self.now.since(first).as_secs() + 1, columns, finest);
        let places = Place::ALL.into_iter().zip(&distributions).map(|(place, distribution)| {
            let (bars, cold) = bars(&distribution.columns, self.now, seconds, columns);
            let name = match place {
                Place::Sent => "client",
                Place::Hop(Hop::S3) => "to S3",
                Place::Hop(hop) => hop.name(),
            };
            let cold = if place == Place::Hop(Hop::Lambda) { cold } else { vec![0; columns] };
            PlaceTimes { name, figures: self.traces.figures(place), bars, cold }
        });
        TimesTable { places: places.collect(), column: Duration::from_secs(seconds) }
    }

    /// The event that a text names: by an id of it, its number, or because it is the only one that has
    /// the text anywhere.
    pub fn event_of_text(&self, text: &str) -> Option<EventNumber> {
        let text = text.trim();
        let known = |number: EventNumber| self.traces.get(number).map(|_| number);
        let number = |sign: char| text.strip_prefix(sign).and_then(|digits| digits.parse().ok());
        let named = number('#').map(EventNumber::Own).or_else(|| number('·').map(EventNumber::Other));
        named
            .and_then(known)
            .or_else(|| self.traces.number_of_id(text))
            // An id inside of what was copied with it: `"requestId": "Yx3k…"`.
            .or_else(|| {
                let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "-_=".contains(letter)));
                words.filter(|word| word.len() >= 12).find_map(|word| self.traces.number_of_id(word))
            })
            .or_else(|| self.only_event_with(text))
    }

    fn only_event_with(&self, text: &str) -> Option<EventNumber> {
        let query = Query::find(text).filter(|_| text.len() >= 4)?;
        let mut found = self
            .traces
            .all()
            .map(|(number, _)| number)
            .filter(|number| query.matches(&Row::Trace(*number), &self.traces));
        let only = found.next()?;
        found.next().is_none().then_some(only)
    }
}

/// Whether any text of an event satisfies `test`: its ids, its object, its bytes as far as they are kept.
pub(super) fn any_text(number: EventNumber, traces: &Traces, test: impl Fn(&[u8]) -> bool) -> bool {
    let Some(trace) = traces.get(number) else { return false };
    let texts = [
        trace.api_request_id.as_ref().map(ApiRequestId::as_str),
        trace.lambda_request_id.as_ref().map(LambdaRequestId::as_str),
        trace.place.as_ref().map(|(_, number)| number.as_str()),
        trace.place.as_ref().map(|(shard, _)| shard.as_str()),
        trace.landing.as_ref().map(|landing| landing.object.as_str()),
        trace.outcome.as_deref(),
        trace.fault.as_deref(),
    ];
    let bytes = [trace.sent_body.as_ref(), trace.record_data.as_ref()];
    let waterfall = || traces.waterfall(number, Timestamp::default());
    test(number.to_string().as_bytes())
        || texts.into_iter().flatten().any(|text| test(text.as_bytes()))
        || bytes.into_iter().flatten().any(|bytes| test(bytes))
        || waterfall().is_some_and(|waterfall| {
            let (_, state) = short_state(&waterfall, trace.landing.is_some());
            test(state.as_bytes()) || (trace.cold() && test(b"cold"))
        })
}

/// How an event stands, in a few words.
pub(super) fn short_state(waterfall: &crate::trace::Waterfall, landed: bool) -> (Sign, String) {
    let text = |sign: Sign, words: &str| (sign, words.to_owned());
    let Some(stage) = waterfall.trouble() else {
        let held = waterfall.rows.iter().any(|row| matches!(row.state, StageState::Held { .. }));
        return match waterfall.rows.iter().rfind(|row| row.state == StageState::Passed && row.place != Place::Sent) {
            _ if landed && !waterfall.duplicates.is_empty() => text(Sign::Attention, "in S3, twice"),
            _ if landed => text(Sign::Done, "in S3"),
            _ if held => text(Sign::Moving, "in Firehose"),
            Some(stage) => text(Sign::Moving, &format!("at {}", stage.place.name())),
            None => text(Sign::Moving, "on its way"),
        };
    };
    match &stage.state {
        StageState::Refused { status: 0, .. } => text(Sign::Failed, &format!("{} failed", stage.place.name())),
        StageState::Refused { status: 429, .. } => text(Sign::Attention, "refused 429"),
        StageState::Refused { status, .. } => text(Sign::Failed, &format!("refused {status}")),
        StageState::Threw { .. } => text(Sign::Failed, "threw"),
        StageState::TimedOut { .. } => text(Sign::Failed, "timed out"),
        StageState::Throttled { .. } => text(Sign::Attention, "throttled"),
        StageState::Unanswered { .. } => text(Sign::Attention, "unanswered"),
        StageState::Failing { .. } => text(Sign::Failed, "not delivered"),
        StageState::Overdue { .. } => text(Sign::Failed, "missing"),
        StageState::Lost { .. } => text(Sign::Failed, "lost"),
        _ => text(Sign::Waiting, "on its way"),
    }
}

/// How many seconds a column stands for, so that so many seconds have room.
fn column_seconds(seconds: u64, columns: usize, finest: u64) -> u64 {
    let columns = u64::try_from(columns).unwrap_or(1).max(1);
    let least = seconds.div_ceil(columns).max(finest);
    COLUMN_SECONDS.into_iter().find(|step| *step >= least).unwrap_or(least)
}

/// The columns of the screen from those that were measured: the present one last.
fn bars(measured: &[Column], now: Timestamp, seconds: u64, columns: usize) -> (Vec<Option<u8>>, Vec<u64>) {
    let seconds = i64::try_from(seconds).unwrap_or(1).max(1);
    let slot = |time: Timestamp| time.as_millis().div_euclid(1_000).div_euclid(seconds);
    let last = slot(now);
    let mut merged: Vec<Option<Column>> = vec![None; columns];
    for column in measured {
        let back = usize::try_from((last - slot(column.from)).max(0)).unwrap_or(usize::MAX);
        let Some(place) = columns.checked_sub(back.saturating_add(1)) else { continue };
        match &mut merged[place] {
            Some(known) => {
                known.count += column.count;
                known.cold += column.cold;
                known.max = known.max.max(column.max);
                for (band, count) in known.bands.iter_mut().zip(column.bands) {
                    *band = band.saturating_add(count);
                }
            }
            empty => *empty = Some(column.clone()),
        }
    }
    let durations: Vec<Option<Duration>> =
        merged.iter().map(|column| column.as_ref().map(|column| column.percentile(BAR_PERCENT))).collect();
    let longest = durations.iter().flatten().max().map_or(1, |longest| longest.as_micros().max(1));
    let level = |duration: Duration| {
        let eighths = (duration.as_micros() * u128::from(BAR_LEVELS)).div_ceil(longest);
        u8::try_from(eighths).unwrap_or(BAR_LEVELS).clamp(1, BAR_LEVELS)
    };
    let cold = merged.iter().map(|column| column.as_ref().map_or(0, |column| column.cold)).collect();
    (durations.into_iter().map(|duration| duration.map(level)).collect(), cold)
}

/// `p90 in 10 s each, last 5 min`.
pub fn window_words(table: &TimesTable, columns: usize) -> String {
    let whole = table.column * u32::try_from(columns).unwrap_or(1);
    format!("last {}, p90 of each {}", crate::text::time::duration(whole), crate::text::time::duration(table.column))
}

/// A count of cold starts in a word: `3 cold`.
pub fn cold_words(figures: HopFigures) -> String {
    format!("{} of {} cold", number::grouped(figures.cold), number::grouped(figures.count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::BANDS;

    fn column(second: i64, millis: u64, count: u64, cold: u64) -> Column {
        let duration = Duration::from_millis(millis);
        let mut bands = [0; BANDS];
        bands[crate::trace::band_of(duration)] = u32::try_from(count).expect("small");
        Column { from: Timestamp::from_millis(second * 1_000), count, cold, max: duration, bands }
    }

    #[test]
    fn a_column_is_as_wide_as_the_session_needs() {
        assert_eq!(column_seconds(1, 30, 1), 1);
        assert_eq!(column_seconds(61, 30, 1), 5);
        assert_eq!(column_seconds(600, 60, 1), 10);
        assert_eq!(column_seconds(10, 60, 4), 5);
        assert_eq!(column_seconds(1_000_000, 60, 1), 16_667);
    }

    #[test]
    fn the_present_is_on_the_right_and_the_longest_is_full() {
        let measured = [column(100, 10, 1, 1), column(101, 20, 3, 0), column(107, 40, 1, 0)];
        let (bars, cold) = bars(&measured, Timestamp::from_millis(109_500), 2, 6);
        assert_eq!(bars, [None, Some(4), None, None, Some(8), None]);
        assert_eq!(cold, [0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_older_than_the_window_is_not_drawn() {
        let (bars, _) = bars(&[column(10, 10, 1, 0)], Timestamp::from_millis(100_000), 1, 5);
        assert_eq!(bars, [None; 5]);
    }
}
