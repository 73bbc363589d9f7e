//! A time axis for bars of very different lengths: where waiting would flatten everything else, it
//! is left out and the axis says so with a break.
//!
//! Plain arithmetic, in cells: whoever draws asks where a time stands, where the breaks are, and
//! what is written over the axis.

use std::time::Duration;

use crate::text::time;

/// The cells of a break: `╱╱`.
pub const BREAK_CELLS: usize = 2;
/// The most breaks that an axis has: with more it can't be read.
const MOST_BREAKS: usize = 2;
/// A wait is left out where it takes more than so many times all the rest.
const BREAK_FROM: i64 = 4;
/// What is shorter, in microseconds, is no wait.
const BREAK_LEAST: i64 = 300_000;
/// Cells kept on both sides of a break, so that a bar that crosses it is seen to go on.
const BESIDE_BREAK: usize = 2;
/// Cells kept behind the last break: a short bar's words.
const LABEL_CELLS: usize = 5;
/// Cells from one mark to the next, at least.
const MARK_CELLS: i64 = 9;
/// The smallest step between marks, in microseconds: times are shown to the tenth of a millisecond.
const SMALLEST_STEP: i64 = 100;

/// A time on the axis, in microseconds from its zero, and how finely it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Microseconds from the axis' zero; negative before it.
    pub micros: i64,
    /// How finely it was measured.
    pub precision: Duration,
}

/// A word over the axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The cell of the time it names.
    pub cell: usize,
    /// The cell where its words begin.
    pub from: usize,
    /// The words.
    pub words: String,
}

/// A stretch of the axis without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    from: Point,
    to: Point,
    /// The cells of its first and its last time.
    cell: usize,
    last_cell: usize,
}

/// A time axis of so many cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    cells: usize,
    pieces: Vec<Piece>,
    breaks: Vec<usize>,
}

impl Axis {
    /// The axis on which all these times can be shown.
    pub fn of(points: &[Point], cells: usize) -> Self {
        let mut sorted = points.to_vec();
        sorted.sort_unstable();
        let groups = groups(&sorted);
        let breaks = groups.len().saturating_sub(1);
        let beside = breaks * (BREAK_CELLS + 2 * BESIDE_BREAK);
        // Behind a break its time is written, and what stands there has its own words.
        let behind = if breaks > 0 {
            groups.last().map_or(0, |(from, _)| words_of(from).chars().count().max(LABEL_CELLS))
        } else {
            0
        };
        // One cell for each piece's first time; the rest is shared by length, on one scale.
        let room = cells.saturating_sub(beside + behind + groups.len().max(1));
        let whole: i64 = groups.iter().map(|(from, to)| to.micros - from.micros).sum();
        let mut axis = Self { cells, pieces: Vec::new(), breaks: Vec::new() };
        let mut cell = 0;
        for (index, (from, to)) in groups.iter().enumerate() {
            if index > 0 {
                cell += BESIDE_BREAK;
            }
            let length = scaled(to.micros - from.micros, whole, room);
            axis.pieces.push(Piece { from: *from, to: *to, cell, last_cell: cell + length });
            cell += length + 1;
            if index + 1 < groups.len() {
                axis.breaks.push(cell + BESIDE_BREAK);
                cell += BESIDE_BREAK + BREAK_CELLS;
            }
        }
        axis
    }

    /// The cells of the axis.
    pub const fn cells(&self) -> usize {
        self.cells
    }

    /// The first cell of each break.
    pub fn breaks(&self) -> &[usize] {
        &self.breaks
    }

    /// The cell of a time. A time that is in no stretch of the axis stands at the nearest one.
    pub fn cell(&self, micros: i64) -> usize {
        let Some(piece) = self.pieces.iter().find(|piece| micros <= piece.to.micros).or_else(|| self.pieces.last())
        else {
            return 0;
        };
        let span = piece.to.micros - piece.from.micros;
        let offset = (micros - piece.from.micros).clamp(0, span.max(0));
        (piece.cell + scaled(offset, span, piece.last_cell - piece.cell)).min(self.cells.saturating_sub(1))
    }

    /// The words over the axis: round steps, and behind a break the time at which it goes on.
    pub fn marks(&self) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        // What stands behind a break is said first: it is what the break leaves out.
        for piece in self.pieces.iter().skip(1) {
            self.put(&mut marks, piece.cell, piece.from.micros, piece.from.precision);
        }
        for piece in &self.pieces {
            let cells = i64::try_from(piece.last_cell - piece.cell).unwrap_or(i64::MAX);
            let span = piece.to.micros - piece.from.micros;
            if cells == 0 || span == 0 {
                if marks.is_empty() || piece.from.micros == 0 {
                    self.put(&mut marks, piece.cell, piece.from.micros, piece.from.precision);
                }
                continue;
            }
            let step = step(span * MARK_CELLS / cells);
            let first = piece.from.micros.div_euclid(step) + i64::from(piece.from.micros.rem_euclid(step) > 0);
            for index in first..=piece.to.micros.div_euclid(step) {
                self.put(&mut marks, self.cell(index * step), index * step, Duration::ZERO);
            }
        }
        marks.sort_by_key(|mark| mark.from);
        marks
    }

    /// Adds a mark where its words have room.
    fn put(&self, marks: &mut Vec<Mark>, cell: usize, micros: i64, precision: Duration) {
        let words = words_of(&Point { micros, precision });
        let width = words.chars().count();
        let from = cell.min(self.cells.saturating_sub(width));
        let free = marks.iter().all(|mark| {
            let end = mark.from + mark.words.chars().count();
            from > end || from + width < mark.from
        });
        let clear = self.breaks.iter().all(|cut| from >= cut + BREAK_CELLS || from + width <= *cut);
        if free && clear {
            marks.push(Mark { cell, from, words });
        }
    }
}

/// A time as it is written over the axis.
fn words_of(point: &Point) -> String {
    if point.micros == 0 { "0".to_owned() } else { measured(point.micros, point.precision) }
}

/// The stretches between the breaks, each by its first and last time.
fn groups(sorted: &[Point]) -> Vec<(Point, Point)> {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return Vec::new() };
    let mut gaps: Vec<(i64, usize)> =
        sorted.windows(2).enumerate().map(|(index, pair)| (pair[1].micros - pair[0].micros, index + 1)).collect();
    gaps.sort_unstable_by(|a, b| b.cmp(a));
    let mut rest = last.micros - first.micros;
    let mut cuts = Vec::new();
    for (gap, index) in gaps.into_iter().take(MOST_BREAKS) {
        rest -= gap;
        if rest == 0 || gap < BREAK_LEAST || gap / BREAK_FROM <= rest {
            break;
        }
        cuts.push(index);
    }
    cuts.sort_unstable();
    let mut groups = Vec::new();
    let mut from = *first;
    for cut in cuts {
        groups.push((from, sorted[cut - 1]));
        from = sorted[cut];
    }
    groups.push((from, *last));
    groups
}

/// `part` of `whole` in cells, of which the whole has so many; rounded.
fn scaled(part: i64, whole: i64, cells: usize) -> usize {
    if whole <= 0 {
        return 0;
    }
    let cells_wide = i128::try_from(cells).unwrap_or(i128::MAX);
    let scaled = (i128::from(part) * cells_wide + i128::from(whole) / 2) / i128::from(whole);
    usize::try_from(scaled).unwrap_or(0).min(cells)
}

/// The smallest of 1, 2, 5, 10, 20, 50 … that is not below this; of seconds, minutes and hours where it
/// is that long.
fn step(least: i64) -> i64 {
    const SECOND: i64 = 1_000_000;
    const LONG: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600];
    if least > SECOND / 2 {
        let found = LONG.iter().map(|seconds| seconds * SECOND).find(|step| *step >= least);
        return found.unwrap_or_else(|| (least / (86_400 * SECOND) + 1) * 86_400 * SECOND);
    }
    let mut unit = SMALLEST_STEP;
    loop {
        for factor in [1, 2, 5] {
            if unit * factor >= least {
                return unit * factor;
            }
        }
        unit *= 10;
    }
}

/// A difference of times in words, no finer than it was measured: `9.1 ms`, `9 ms`, `6 s`, `−0.4 ms`.
pub fn measured(micros: i64, precision: Duration) -> String {
    let sign = if micros < 0 { "−" } else { "" };
    let length = Duration::from_micros(micros.unsigned_abs());
    let words = if precision >= Duration::from_secs(1) {
        time::duration(Duration::from_secs((length + Duration::from_millis(500)).as_secs())).replacen("0 ms", "0 s", 1)
    } else if precision >= Duration::from_millis(1) {
        let millis = (length + Duration::from_micros(500)).as_millis();
        time::duration(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
    } else {
        time::duration(length)
    };
    if words.starts_with("0 ") { words } else { format!("{sign}{words}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(millis: &[i64], cells: usize) -> Axis {
        let points: Vec<Point> =
            millis.iter().map(|millis| Point { micros: millis * 1_000, precision: Duration::from_millis(1) }).collect();
        Axis::of(&points, cells)
    }

    fn words(axis: &Axis) -> Vec<(usize, String)> {
        axis.marks().into_iter().map(|mark| (mark.from, mark.words)).collect()
    }

    fn expected(marks: &[(usize, &str)]) -> Vec<(usize, String)> {
        marks.iter().map(|(cell, words)| (*cell, (*words).to_owned())).collect()
    }

    #[test]
    fn steps_are_1_2_5() {
        assert_eq!(
            [1, 101, 201, 501, 1_001, 30_000, 400_000].map(step),
            [100, 200, 500, 1_000, 2_000, 50_000, 500_000]
        );
        assert_eq!([600_000, 12_000_000, 59_000_000].map(step), [1_000_000, 15_000_000, 60_000_000]);
        assert_eq!(step(86_400_000_000 * 3), 86_400_000_000 * 4);
    }

    #[test]
    fn an_axis_without_a_wait_has_no_break() {
        let axis = axis(&[0, 3, 5, 10], 41);
        assert!(axis.breaks().is_empty());
        assert_eq!([0, 5_000, 10_000].map(|micros| axis.cell(micros)), [0, 20, 40]);
        assert_eq!(words(&axis), expected(&[(0, "0"), (20, "5 ms"), (36, "10 ms")]).into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_wait_that_flattens_the_rest_is_left_out_and_said() {
        let axis = axis(&[0, 2, 4, 9, 6_000], 44);
        assert_eq!(axis.breaks().len(), 1);
        let cut = axis.breaks()[0];
        assert!(axis.cell(9_000) < cut && axis.cell(6_000_000) > cut + 1, "{axis:?}");
        assert!(axis.cell(6_000_000) < 44);
        // The nine milliseconds have nearly all the room.
        assert!(axis.cell(9_000) > 24);
        let marks = words(&axis);
        assert_eq!(marks.first(), Some(&(0, "0".to_owned())));
        assert_eq!(marks.last().map(|(_, words)| words.as_str()), Some("6 s"));
    }

    #[test]
    fn two_waits_are_two_breaks_and_never_more() {
        assert_eq!(axis(&[0, 9, 900, 905, 60_000], 60).breaks().len(), 2);
        assert_eq!(axis(&[0, 1, 100, 101, 10_000, 10_001, 1_000_000], 60).breaks().len(), 2);
    }

    #[test]
    fn what_is_short_is_no_wait() {
        assert!(axis(&[0, 1, 28], 40).breaks().is_empty());
        assert_eq!(axis(&[0, 1, 400], 40).breaks().len(), 1);
    }

    #[test]
    fn two_times_alone_need_no_break() {
        let axis = axis(&[0, 6_000], 30);
        assert!(axis.breaks().is_empty());
        assert_eq!(axis.cell(6_000_000), 29);
    }

    #[test]
    fn a_time_before_zero_stands_before_it() {
        let axis = axis(&[-2, 0, 8], 31);
        assert!(axis.cell(-2_000) < axis.cell(0));
        assert_eq!(words(&axis).iter().filter(|(_, words)| words == "0").count(), 1);
    }

    #[test]
    fn every_size_and_no_time_at_all_hold() {
        for cells in 0..50 {
            for times in [&[][..], &[5], &[0, 0], &[0, 1, 99_999_999]] {
                let axis = axis(times, cells);
                for micros in [-5, 0, 1_000, 99_999_999_000] {
                    assert!(axis.cell(micros) <= cells, "{cells} {times:?}");
                }
                for mark in axis.marks() {
                    assert!(mark.from + mark.words.chars().count() <= cells.max(mark.words.chars().count()));
                }
            }
        }
    }

    #[test]
    fn a_time_is_no_finer_than_it_was_measured() {
        let second = Duration::from_secs(1);
        let milli = Duration::from_millis(1);
        assert_eq!(measured(6_400_000, second), "6 s");
        assert_eq!(measured(400_000, second), "0 s");
        assert_eq!(measured(-1_400_000, second), "−1 s");
        assert_eq!(measured(9_149, milli), "9 ms");
        assert_eq!(measured(9_149, Duration::ZERO), "9.1 ms");
        assert_eq!(measured(-400, Duration::ZERO), "−0.4 ms");
        assert_eq!(measured(75_000_000, second), "1 min 15 s");
    }
}
