//! How long events took at each place: figures, and how they spread over time.
//!
//! Bounded whatever comes: durations are counted in bands, and when the session grows long, columns
//! grow wide.

use std::{collections::VecDeque, fmt, time::Duration};

use hdrhistogram::Histogram;

use super::Place;
use crate::events::Timestamp;

/// The longest time that is told apart.
const LONGEST_MICROS: u64 = 24 * 60 * 60 * 1_000_000;
/// How many columns a distribution has at most.
const COLUMNS_MOST: usize = 240;
/// How many bands of durations a column has: two for each doubling.
pub const BANDS: usize = 64;
/// The durations of the first band end here, in microseconds.
const FIRST_BAND_MICROS: u64 = 64;

/// How long events took at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HopFigures {
    /// How many were measured.
    pub count: u64,
    /// Half of them took no longer.
    pub p50: Duration,
    /// 90 of 100 took no longer.
    pub p90: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
    /// How many of them began with a cold start.
    pub cold: u64,
}

/// How long events took at a place, over time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distribution {
    /// How much time a column stands for.
    pub width: Duration,
    /// The columns in which there was anything, oldest first.
    pub columns: Vec<Column>,
}

/// One column of a distribution.
#[derive(Clone, PartialEq, Eq)]
pub struct Column {
    /// When it begins.
    pub from: Timestamp,
    /// How many were measured.
    pub count: u64,
    /// How many of them began with a cold start.
    pub cold: u64,
    /// The longest.
    pub max: Duration,
    /// How many took so long: band `n` ends at [`band_end`]`(n)`.
    pub bands: [u32; BANDS],
}

impl fmt::Debug for Column {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} (cold {}), max {:?}", self.from, self.count, self.cold, self.max)
    }
}

impl Column {
    /// So many of 100 took no longer; to the end of a band, and never longer than the longest.
    pub fn percentile(&self, percent: u64) -> Duration {
        let wanted = (self.count * percent).div_ceil(100).max(1);
        let mut counted = 0;
        for (band, count) in self.bands.iter().enumerate() {
            counted += u64::from(*count);
            if counted >= wanted {
                return band_end(band).min(self.max);
            }
        }
        self.max
    }
}

/// The longest duration of a band.
pub fn band_end(band: usize) -> Duration {
    let octave = FIRST_BAND_MICROS.saturating_mul(1 << (band / 2).min(40));
    Duration::from_micros(if band.is_multiple_of(2) { octave } else { octave + octave / 2 })
}

/// The band of a duration.
pub fn band_of(duration: Duration) -> usize {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    if micros <= FIRST_BAND_MICROS {
        return 0;
    }
    let octave = ((micros - 1) / FIRST_BAND_MICROS).ilog2() as usize;
    let first = 2 * octave + 1;
    let band = if duration <= band_end(first) { first } else { first + 1 };
    band.min(BANDS - 1)
}

/// Takes durations in.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    histogram: Option<Histogram<u32>>,
    cold: u64,
    columns: VecDeque<Column>,
    /// Seconds of a column.
    width: i64,
}

impl Recorder {
    pub fn add(&mut self, time: Timestamp, duration: Duration, cold: bool) {
        if self.histogram.is_none() {
            self.histogram = Histogram::new_with_bounds(1, LONGEST_MICROS, 3).ok();
            self.width = 1;
        }
        let micros = u64::try_from(duration.as_micros()).unwrap_or(LONGEST_MICROS);
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(micros);
        }
        self.cold += u64::from(cold);
        let column = self.column(time);
        column.count += 1;
        column.cold += u64::from(cold);
        column.max = column.max.max(duration);
        let band = &mut column.bands[band_of(duration)];
        *band = band.saturating_add(1);
        while self.columns.len() > COLUMNS_MOST {
            self.widen();
        }
    }

    fn begin(&self, time: Timestamp) -> Timestamp {
        let seconds = time.as_millis().div_euclid(1_000).div_euclid(self.width) * self.width;
        Timestamp::from_millis(seconds * 1_000)
    }

    fn column(&mut self, time: Timestamp) -> &mut Column {
        let from = self.begin(time);
        let place = self.columns.partition_point(|column| column.from < from);
        if self.columns.get(place).is_none_or(|column| column.from != from) {
            self.columns.insert(place, empty(from));
        }
        &mut self.columns[place]
    }

    /// Columns become twice as wide.
    fn widen(&mut self) {
        self.width *= 2;
        let mut wider: VecDeque<Column> = VecDeque::with_capacity(COLUMNS_MOST);
        for column in std::mem::take(&mut self.columns) {
            let from = self.begin(column.from);
            match wider.back_mut().filter(|last| last.from == from) {
                Some(last) => {
                    last.count += column.count;
                    last.cold += column.cold;
                    last.max = last.max.max(column.max);
                    for (band, count) in last.bands.iter_mut().zip(column.bands) {
                        *band = band.saturating_add(count);
                    }
                }
                None => wider.push_back(Column { from, ..column }),
            }
        }
        self.columns = wider;
    }

    pub fn figures(&self) -> Option<HopFigures> {
        let histogram = self.histogram.as_ref()?;
        let at = |quantile| Duration::from_micros(histogram.value_at_quantile(quantile).min(histogram.max()));
        Some(HopFigures {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: self.columns.iter().map(|column| column.max).max().unwrap_or_default(),
            cold: self.cold,
        })
    }

    pub fn distribution(&self) -> Distribution {
        let width = Duration::from_secs(u64::try_from(self.width).unwrap_or(0));
        Distribution { width, columns: self.columns.iter().cloned().collect() }
    }
}

fn empty(from: Timestamp) -> Column {
    Column { from, count: 0, cold: 0, max: Duration::ZERO, bands: [0; BANDS] }
}

/// The times of all places.
#[derive(Debug, Default)]
pub(super) struct Times([Recorder; Place::ALL.len()]);

impl Times {
    pub fn of(&self, place: Place) -> &Recorder {
        &self.0[index(place)]
    }

    pub fn of_mut(&mut self, place: Place) -> &mut Recorder {
        &mut self.0[index(place)]
    }
}

fn index(place: Place) -> usize {
    Place::ALL.iter().position(|known| *known == place).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn figures_are_of_all_that_was_measured() {
        let mut recorder = Recorder::default();
        assert_eq!(recorder.figures(), None);
        for millis in 1..=100 {
            recorder.add(
                Timestamp::from_millis(millis * 10),
                Duration::from_millis(millis.unsigned_abs()),
                millis == 1,
            );
        }
        let figures = recorder.figures().expect("figures");
        assert_eq!((figures.count, figures.cold, figures.max), (100, 1, Duration::from_millis(100)));
        assert!((49..=51).contains(&figures.p50.as_millis()), "{figures:?}");
        assert!((98..=100).contains(&figures.p99.as_millis()), "{figures:?}");
        let distribution = recorder.distribution();
        assert_eq!(distribution.columns.iter().map(|column| column.count).collect::<Vec<_>>(), [99, 1]);
    }

    #[test]
    fn a_long_session_has_wide_columns() {
        let mut recorder = Recorder::default();
        for second in 0..10_000 {
            recorder.add(Timestamp::from_millis(second * 1_000), Duration::from_millis(3), false);
        }
        let distribution = recorder.distribution();
        assert!(distribution.columns.len() <= COLUMNS_MOST);
        assert_eq!(distribution.columns.iter().map(|column| column.count).sum::<u64>(), 10_000);
        assert_eq!(distribution.columns[0].percentile(50), Duration::from_millis(3));
    }

    proptest! {
        #[test]
        fn a_duration_lies_in_its_band(micros in 0..LONGEST_MICROS) {
            let duration = Duration::from_micros(micros);
            let band = band_of(duration);
            prop_assert!(duration <= band_end(band));
            prop_assert!(band == 0 || duration > band_end(band - 1));
        }
    }
}
