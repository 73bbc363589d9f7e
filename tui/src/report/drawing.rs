//! Drawings as inline SVG. All that is drawn are numbers of ours and names of ours: nothing in them came
//! from outside. Colours come from the page, by class, and none is told by colour alone.

use std::{fmt::Write, time::Duration};

use tailwater_core::{
    pipeline::Hop,
    text::{number, time},
    trace::{Ledger, Moment, PhaseKind, Place, StageState, Waterfall},
};

/// How many points one drawing has at most.
pub const MOST_POINTS: usize = 1_500;

/// The ledger as one bar: each term as wide as its share.
pub fn ledger(ledger: &Ledger) -> String {
    const WIDTH: f64 = 860.0;
    if ledger.sent == 0 {
        return String::new();
    }
    let mut svg = r#"<svg viewBox="0 0 860 30" role="img" aria-label="where the events are" class="bar">"#.to_owned();
    let mut x = 0.0;
    for (count, class, name) in [
        (ledger.in_s3, "in-s3", "in S3"),
        (ledger.on_the_way, "way", "on the way"),
        (ledger.refused, "refused", "refused"),
        (ledger.unanswered, "unanswered", "unanswered"),
        (ledger.missing, "missing", "missing"),
    ] {
        if count == 0 {
            continue;
        }
        // What is rare is still seen.
        let width = (share(count, ledger.sent) * WIDTH).max(3.0).min(WIDTH - x);
        let _ = write!(svg, r#"<rect class="{class}" x="{x:.1}" y="0" width="{width:.1}" height="30"/>"#);
        let words = format!("{} {name}", number::grouped(count));
        if width > 8.0 * words.len() as f64 {
            let _ = write!(svg, r#"<text class="on-bar" x="{:.1}" y="20">{words}</text>"#, x + 8.0);
        }
        x += width;
    }
    svg + "</svg>"
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// A logarithmic scale of times, from one to another number of milliseconds.
struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    fn of<'a>(times: impl Iterator<Item = &'a Duration> + Clone) -> Self {
        let millis = |time: Duration| (time.as_secs_f64() * 1_000.0).max(0.1);
        let least = times.clone().min().map_or(1.0, |time| millis(*time));
        let most = times.max().map_or(10.0, |time| millis(*time));
        // Whole decades would leave most of it empty: a little room on either side.
        let from = least / 1.3;
        Self { from, to: (most * 1.3).max(from * 2.0) }
    }

    /// From 0 to 1.
    fn place(&self, time: Duration) -> f64 {
        let millis = (time.as_secs_f64() * 1_000.0).max(0.1);
        ((millis / self.from).ln() / (self.to / self.from).ln()).clamp(0.0, 1.0)
    }

    /// Round times on it, at most three.
    fn marks(&self) -> Vec<Duration> {
        let mut marks = Vec::new();
        let mut decade = 0.1;
        while decade <= self.to {
            for step in [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0] {
                let millis = decade * step;
                if millis >= self.from && millis <= self.to {
                    marks.push(Duration::from_secs_f64(millis / 1_000.0));
                }
            }
            decade *= 10.0;
        }
        if marks.len() > 3 {
            let step = marks.len().div_ceil(3);
            marks = marks.into_iter().step_by(step).collect();
        }
        marks
    }
}

/// How the times are spread: so many in each of equal parts of a logarithmic scale.
pub fn distribution(times: &[Duration]) -> String {
    const PARTS: usize = 30;
    const WIDTH: f64 = 240.0;
    const HEIGHT: f64 = 34.0;
    if times.is_empty() {
        return String::new();
    }
    let scale = Scale::of(times.iter());
    let mut counts = [0_u64; PARTS];
    for time in times {
        let place = scale.place(*time);
        let part = (0..PARTS).rev().find(|part| place >= *part as f64 / PARTS as f64).unwrap_or(0);
        counts[part] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1);
    let mut svg = format!(
        r#"<svg viewBox="0 0 {WIDTH} {:.0}" role="img" aria-label="distribution" class="distribution">"#,
        HEIGHT + 14.0
    );
    let width = WIDTH / PARTS as f64;
    for (part, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = (share(*count, most) * HEIGHT).max(2.0);
        let _ = write!(
            svg,
            r#"<rect class="column" x="{:.1}" y="{:.1}" width="{:.1}" height="{height:.1}"/>"#,
            part as f64 * width + 0.5,
            HEIGHT - height,
            width - 1.0
        );
    }
    let _ = write!(svg, r#"<line class="axis" x1="0" y1="{HEIGHT}" x2="{WIDTH}" y2="{HEIGHT}"/>"#);
    for mark in scale.marks() {
        let x = scale.place(mark) * WIDTH;
        let anchor = anchor(x, WIDTH);
        let _ = write!(svg, r#"<line class="axis" x1="{x:.1}" y1="{HEIGHT}" x2="{x:.1}" y2="{:.0}"/>"#, HEIGHT + 3.0);
        let _ = write!(
            svg,
            r#"<text class="mark" text-anchor="{anchor}" x="{x:.1}" y="{:.0}">{}</text>"#,
            HEIGHT + 13.0,
            short(mark)
        );
    }
    svg + "</svg>"
}

/// Where a text at the edge of a drawing is held.
fn anchor(x: f64, width: f64) -> &'static str {
    if x < 20.0 {
        "start"
    } else if x > width - 20.0 {
        "end"
    } else {
        "middle"
    }
}

/// `20 ms`, `2 s`: without tenths that are zero.
fn short(duration: Duration) -> String {
    time::duration(duration).replace(".0 ", " ")
}

/// The times over the events, in the order in which they were sent; cold starts are marked.
pub fn over_time(times: &[(u64, Duration)], cold: &[u64]) -> String {
    const WIDTH: f64 = 860.0;
    const HEIGHT: f64 = 88.0;
    const LEFT: f64 = 54.0;
    let mut times = times.to_vec();
    times.sort_unstable();
    let scale = Scale::of(times.iter().map(|(_, time)| time));
    let (first, last) = (times.first().map_or(1, |(seq, _)| *seq), times.last().map_or(1, |(seq, _)| *seq));
    let mut svg = format!(
        r#"<svg viewBox="0 0 {WIDTH} {:.0}" role="img" aria-label="times over the events" class="over-time">"#,
        HEIGHT + 16.0
    );
    let y = |time: Duration| 4.0 + (HEIGHT - 8.0) * (1.0 - scale.place(time));
    for mark in scale.marks() {
        let at = y(mark);
        let _ = write!(svg, r#"<line class="grid" x1="{LEFT}" y1="{at:.1}" x2="{WIDTH}" y2="{at:.1}"/>"#);
        let _ = write!(
            svg,
            r#"<text class="mark" text-anchor="end" x="{:.0}" y="{:.1}">{}</text>"#,
            LEFT - 6.0,
            at + 3.5,
            short(mark)
        );
    }
    let _ = write!(svg, r#"<line class="axis" x1="{LEFT}" y1="{HEIGHT}" x2="{WIDTH}" y2="{HEIGHT}"/>"#);
    let step = times.len().div_ceil(MOST_POINTS).max(1);
    let longest = times.iter().max_by_key(|(_, time)| *time).map(|(seq, _)| *seq);
    for (index, (seq, time)) in times.iter().enumerate() {
        let is_cold = cold.contains(seq);
        if index % step != 0 && !is_cold && Some(*seq) != longest {
            continue;
        }
        let along = share(seq - first, last - first);
        let (x, y) = (LEFT + 6.0 + along * (WIDTH - LEFT - 12.0), y(*time));
        let _ = if is_cold {
            write!(svg, r#"<path class="cold" d="M{x:.1} {:.1}l5 5l-5 5l-5 -5z"/>"#, y - 5.0)
        } else {
            write!(svg, r#"<circle class="point" cx="{x:.1}" cy="{y:.1}" r="2.2"/>"#)
        };
    }
    let _ = write!(
        svg,
        r#"<text class="mark" x="{LEFT}" y="{0:.0}">#{first}</text><text class="mark" text-anchor="end" x="{WIDTH}" y="{0:.0}">#{last}</text>"#,
        HEIGHT + 13.0
    );
    svg + "</svg>"
}

/// A time axis that may be broken once: what comes before is milliseconds, what comes after seconds.
struct Axis {
    begin: i64,
    /// Where the scale changes, and where the second begins on the drawing.
    broken: Option<i64>,
    end: i64,
}

impl Axis {
    const LEFT: f64 = 84.0;
    const WIDTH: f64 = 776.0;
    /// The share of the first scale, and where the second begins.
    const FIRST: f64 = 0.58;
    const SECOND: f64 = 0.62;

    fn of(waterfall: &Waterfall) -> Option<Self> {
        let (begin, end) = waterfall.extent()?;
        let early = [Place::Sent, Place::Hop(Hop::Api), Place::Hop(Hop::Lambda), Place::Hop(Hop::Kinesis)];
        let last_early = waterfall
            .rows
            .iter()
            .filter(|stage| early.contains(&stage.place))
            .filter_map(|stage| {
                stage.bar.filter(|bar| !bar.open).map(|bar| bar.to.micros).max(stage.at.map(|at| at.micros))
            })
            .max();
        // What is measured in whole seconds may be as late as that.
        let at_most = |at: Moment| at.micros + i64::try_from(at.precision.as_micros()).unwrap_or(0);
        let latest =
            waterfall.rows.iter().filter_map(|stage| stage.bar.map(|bar| bar.to).or(stage.at)).map(at_most).max();
        let end = latest.unwrap_or(end).max(end).max(begin + 1_000);
        let broken = last_early.filter(|early| {
            let (before, after) = (early - begin, end - early);
            before > 0 && after > 3 * before
        });
        Some(Self { begin, broken, end })
    }

    fn x(&self, micros: i64) -> f64 {
        let within = |from: i64, to: i64| ((micros - from) as f64 / (to - from).max(1) as f64).clamp(0.0, 1.0);
        let share = match self.broken {
            None => within(self.begin, self.end),
            Some(broken) if micros <= broken => within(self.begin, broken) * Self::FIRST,
            Some(broken) => Self::SECOND + within(broken, self.end) * (1.0 - Self::SECOND),
        };
        Self::LEFT + share * Self::WIDTH
    }

    /// Round times, in microseconds since the begin.
    fn marks(&self) -> Vec<i64> {
        let parts = match self.broken {
            None => vec![(0, self.end - self.begin, 6)],
            Some(broken) => vec![(0, broken - self.begin, 4), (broken - self.begin, self.end - self.begin, 3)],
        };
        let mut marks = Vec::new();
        for (from, to, most) in parts {
            let mut step = 1_000;
            let steps = [1, 2, 5];
            'step: for decade in 0..9 {
                for factor in steps {
                    step = factor * 1_000 * 10_i64.pow(decade);
                    if (to - from) / step < most {
                        break 'step;
                    }
                }
            }
            let first = (from + step - 1) / step * step;
            marks.extend((0..most).map(|index| first + index * step).filter(|mark| *mark <= to));
        }
        marks.dedup();
        marks
    }
}

/// One event's way: a row a hop, on the time that passed since it was sent.
pub fn waterfall(waterfall: &Waterfall) -> String {
    const ROW: f64 = 24.0;
    const TOP: f64 = 18.0;
    let Some(axis) = Axis::of(waterfall) else { return String::new() };
    let height = TOP + ROW * waterfall.rows.len() as f64 + 4.0;
    let mut svg = format!(
        r#"<svg viewBox="0 0 872 {height:.0}" role="img" aria-label="waterfall of {}" class="waterfall">"#,
        waterfall.number
    );
    let mut free_from = 0.0;
    for mark in axis.marks() {
        let x = axis.x(axis.begin + mark);
        let _ = write!(svg, r#"<line class="grid" x1="{x:.1}" y1="{TOP}" x2="{x:.1}" y2="{height:.0}"/>"#);
        let words = if mark == 0 { "0".to_owned() } else { short(Duration::from_micros(mark.unsigned_abs())) };
        let width = words.len() as f64 * 6.0;
        if x - width / 2.0 > free_from {
            let _ = write!(svg, r#"<text class="mark" text-anchor="middle" x="{x:.1}" y="12">{words}</text>"#);
            free_from = x + width / 2.0 + 6.0;
        }
    }
    if axis.broken.is_some() {
        let x = Axis::LEFT + Axis::WIDTH * f64::midpoint(Axis::FIRST, Axis::SECOND);
        let _ = write!(
            svg,
            r#"<path class="break" d="M{:.1} {TOP}V{height:.0}M{:.1} {TOP}V{height:.0}"/>"#,
            x - 3.0,
            x + 3.0
        );
    }
    for (index, stage) in waterfall.rows.iter().enumerate() {
        let y = TOP + ROW * index as f64;
        let middle = y + ROW / 2.0;
        let _ = write!(svg, r#"<text class="place" x="0" y="{:.1}">{}</text>"#, middle + 4.0, stage.place.name());
        let class = class(&stage.state);
        if let Some(bar) = stage.bar {
            let (from, to) = (axis.x(bar.from.micros), axis.x(bar.to.micros));
            let precision = i64::try_from(bar.to.precision.as_micros()).unwrap_or(0);
            let latest = bar.to.micros + precision;
            // At the break the scale changes: a millisecond would look like much.
            let latest =
                axis.broken.filter(|broken| bar.to.micros <= *broken).map_or(latest, |broken| latest.min(broken));
            let at_most = axis.x(latest);
            if at_most - to > 1.0 && !bar.open {
                let _ = write!(
                    svg,
                    r#"<rect class="fog" x="{to:.1}" y="{:.1}" width="{:.1}" height="12"/>"#,
                    middle - 6.0,
                    at_most - to
                );
            }
            let open = if bar.open { " open" } else { "" };
            let _ = write!(
                svg,
                r#"<rect class="span {class}{open}" x="{from:.1}" y="{:.1}" width="{:.1}" height="12" rx="2"/>"#,
                middle - 6.0,
                (to - from).max(2.0)
            );
        } else if let Some(at) = stage.at {
            let x = axis.x(at.micros);
            let _ = write!(svg, r#"<path class="span {class}" d="M{x:.1} {:.1}l6 6l-6 6l-6 -6z"/>"#, middle - 6.0);
        } else {
            let words = match stage.state {
                StageState::NotReached { .. } => "not reached",
                StageState::NotSeen => "not seen",
                _ => "no time known",
            };
            let _ = write!(svg, r#"<text class="none" x="{}" y="{:.1}">{words}</text>"#, Axis::LEFT, middle + 4.0);
        }
        for phase in &stage.phases {
            let kind = match phase.kind {
                PhaseKind::Init => "init",
                PhaseKind::Run => "run",
                PhaseKind::Put => "put",
            };
            let (from, to) = (axis.x(phase.bar.from.micros), axis.x(phase.bar.to.micros));
            let _ = write!(
                svg,
                r#"<rect class="phase {kind}" x="{from:.1}" y="{:.1}" width="{:.1}" height="4"/>"#,
                middle + 2.0,
                (to - from).max(1.5)
            );
        }
    }
    svg + "</svg>"
}

fn class(state: &StageState) -> &'static str {
    match state {
        StageState::Passed => "good",
        StageState::UnderWay | StageState::Held { .. } => "moving",
        StageState::NotSeen | StageState::NotReached { .. } => "quiet",
        StageState::Unanswered { .. }
        | StageState::Failing { .. }
        | StageState::Overdue { .. }
        | StageState::Throttled { .. } => "attention",
        StageState::Refused { .. }
        | StageState::Threw { .. }
        | StageState::TimedOut { .. }
        | StageState::Lost { .. } => "bad",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_share_of_the_ledger_is_seen() {
        let svg = ledger(&Ledger { sent: 10_000, in_s3: 9_999, missing: 1, ..Ledger::default() });
        assert!(svg.contains("9,999 in S3") && svg.contains(r#"class="missing""#), "{svg}");
        assert_eq!(ledger(&Ledger::default()), "");
    }

    #[test]
    fn a_scale_holds_what_it_is_made_of_and_has_few_marks() {
        for millis in [vec![3_u64], vec![1, 1_000], vec![5, 6], vec![900, 60_000]] {
            let times: Vec<Duration> = millis.iter().map(|millis| Duration::from_millis(*millis)).collect();
            let scale = Scale::of(times.iter());
            assert!(times.iter().all(|time| (0.0..=1.0).contains(&scale.place(*time))));
            assert!((1..=3).contains(&scale.marks().len()), "{millis:?}: {:?}", scale.marks());
        }
    }

    #[test]
    fn many_points_are_thinned_but_not_the_longest() {
        let mut times: Vec<(u64, Duration)> = (1..=20_000).map(|seq| (seq, Duration::from_millis(5))).collect();
        times[7_776].1 = Duration::from_secs(5);
        let svg = over_time(&times, &[7_777]);
        assert!(svg.matches("<circle").count() <= MOST_POINTS + 1);
        assert_eq!(svg.matches(r#"class="cold""#).count(), 1);
    }
}
