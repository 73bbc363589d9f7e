//! Which events are shown in full: what failed, what was slowest, and what was usual.

use std::time::Duration;

/// How many that failed are shown.
const FAILED: usize = 8;
/// How many of the slowest.
const SLOWEST: usize = 4;
/// How many of the usual.
const USUAL: usize = 4;

/// Why an event is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It did not arrive, or something went wrong with it.
    Failed,
    /// It took the longest.
    Slowest,
    /// It took about as long as most.
    Usual,
}

impl Why {
    pub const fn words(self) -> &'static str {
        match self {
            Self::Failed => "not in S3, or something went wrong on the way",
            Self::Slowest => "among the slowest",
            Self::Usual => "a usual one",
        }
    }
}

/// An event that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    pub seq: u64,
    pub why: Why,
}

/// Chooses among all events, whose arrivals at the end are these.
pub fn choose(all: &[u64], arrivals: &[(u64, Duration)], failed: impl Fn(u64) -> bool) -> Vec<Chosen> {
    let mut chosen: Vec<Chosen> = Vec::new();
    let take = |chosen: &mut Vec<Chosen>, seqs: &mut dyn Iterator<Item = u64>, most: usize, why: Why| {
        let mut taken = 0;
        for seq in seqs {
            if taken == most {
                break;
            }
            if chosen.iter().all(|known| known.seq != seq) {
                chosen.push(Chosen { seq, why });
                taken += 1;
            }
        }
    };
    take(&mut chosen, &mut all.iter().copied().filter(|seq| failed(*seq)), FAILED, Why::Failed);
    let mut by_time: Vec<(u64, Duration)> = arrivals.to_vec();
    by_time.sort_by_key(|(seq, time)| (std::cmp::Reverse(*time), *seq));
    take(&mut chosen, &mut by_time.iter().map(|(seq, _)| *seq), SLOWEST, Why::Slowest);
    if let Some((_, median)) = by_time.get(by_time.len() / 2).copied() {
        by_time.sort_by_key(|(seq, time)| (time.abs_diff(median), *seq));
        take(&mut chosen, &mut by_time.iter().map(|(seq, _)| *seq), USUAL, Why::Usual);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_comes_first_then_the_slowest_then_the_usual() {
        let all: Vec<u64> = (1..=40).collect();
        let arrivals: Vec<(u64, Duration)> = (3..=40).map(|seq| (seq, Duration::from_millis(seq * 10))).collect();
        let chosen = choose(&all, &arrivals, |seq| seq <= 2);
        let of = |why| chosen.iter().filter(|chosen| chosen.why == why).map(|chosen| chosen.seq).collect::<Vec<_>>();
        assert_eq!(of(Why::Failed), [1, 2]);
        assert_eq!(of(Why::Slowest), [40, 39, 38, 37]);
        assert_eq!(of(Why::Usual), [21, 20, 22, 19]);
        assert!(choose(&[], &[], |_| true).is_empty());
        assert_eq!(choose(&all, &[], |_| true).len(), FAILED);
    }
}
