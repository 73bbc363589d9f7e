//! How a stream gets another number of shards: by splits and merges, as AWS does it, so that every
//! shard names its parents and a reader can follow.

/// A shard that takes records: its number in the stream and the hash keys it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub index: usize,
    pub first: u128,
    pub last: u128,
}

/// One step; the shards it makes get the next numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Closes a shard and makes two, the second of which begins at `at`.
    Split { shard: Range, at: u128 },
    /// Closes two neighbours and makes one.
    Merge { left: Range, right: Range },
}

/// The steps from the `open` shards to `target` shards of equal width; `next` is the number of the
/// next shard that is made.
pub(super) fn plan(open: &[Range], target: u32, mut next: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut open = open.to_vec();
    open.sort_by_key(|range| range.first);
    let starts: Vec<u128> = (0..target).map(|index| width(target) * u128::from(index)).collect();
    for &start in &starts {
        let Some(place) = open.iter().position(|range| range.first < start && start <= range.last) else { continue };
        let shard = open[place];
        steps.push(Step::Split { shard, at: start });
        open[place] = Range { index: next, first: shard.first, last: start - 1 };
        open.insert(place + 1, Range { index: next + 1, first: start, last: shard.last });
        next += 2;
    }
    let mut place = 0;
    while place + 1 < open.len() {
        let (left, right) = (open[place], open[place + 1]);
        if starts.contains(&right.first) {
            place += 1;
            continue;
        }
        steps.push(Step::Merge { left, right });
        open[place] = Range { index: next, first: left.first, last: right.last };
        open.remove(place + 1);
        next += 1;
    }
    steps
}

/// The 2^128 hash keys divided by the number of shards.
fn width(shards: u32) -> u128 {
    let shards = u128::from(shards.max(1));
    let carried = u128::from(u128::MAX % shards == shards - 1);
    // Of one shard the width does not fit, and it is not asked for: its only start is 0.
    (u128::MAX / shards).wrapping_add(carried)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Carries the steps out; gives the open shards in order.
    fn carried_out(open: &[Range], steps: &[Step], mut next: usize) -> Vec<Range> {
        let mut open = open.to_vec();
        for step in steps {
            match *step {
                Step::Split { shard, at } => {
                    open.retain(|range| *range != shard);
                    open.push(Range { index: next, first: shard.first, last: at - 1 });
                    open.push(Range { index: next + 1, first: at, last: shard.last });
                    next += 2;
                }
                Step::Merge { left, right } => {
                    assert_eq!(left.last + 1, right.first);
                    open.retain(|range| *range != left && *range != right);
                    open.push(Range { index: next, first: left.first, last: right.last });
                    next += 1;
                }
            }
        }
        open.sort_by_key(|range| range.first);
        open
    }

    fn whole() -> Vec<Range> {
        vec![Range { index: 0, first: 0, last: u128::MAX }]
    }

    #[test]
    fn doubling_splits_each_shard_once() {
        let steps = plan(&whole(), 2, 1);
        assert_eq!(steps, [Step::Split { shard: whole()[0], at: 1 << 127 }]);
    }

    proptest! {
        #[test]
        fn any_number_of_shards_is_reached_from_any_other(from in 1_u32..40, to in 1_u32..40) {
            let first = carried_out(&whole(), &plan(&whole(), from, 1), 1);
            let next = first.iter().map(|range| range.index).max().unwrap_or(0) + 1;
            let second = carried_out(&first, &plan(&first, to, next), next);
            prop_assert_eq!(second.len(), to as usize);
            prop_assert_eq!(second[0].first, 0);
            prop_assert_eq!(second[second.len() - 1].last, u128::MAX);
            for pair in second.windows(2) {
                prop_assert_eq!(pair[0].last + 1, pair[1].first);
            }
            for (index, range) in second.iter().enumerate() {
                prop_assert_eq!(range.first, width(to).wrapping_mul(index as u128));
            }
        }
    }
}
