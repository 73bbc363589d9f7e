//! What became of bytes from one hop to the next: what was taken out, what was put in.

use std::ops::Range;

/// How two byte strings differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// What the first has and the second has not: places in the first.
    pub removed: Vec<Range<usize>>,
    /// What the second has and the first has not: places in the second.
    pub added: Vec<Range<usize>>,
    /// Nothing but whitespace was taken out, and nothing but a newline at the end put in.
    pub only_whitespace: bool,
}

impl Difference {
    /// From one byte string to the next.
    ///
    /// Where whitespace and a last newline explain it, these are marked one by one; else everything
    /// between what both begin with and what both end with is.
    pub fn of(before: &[u8], after: &[u8]) -> Self {
        whitespace(before, after).unwrap_or_else(|| middle(before, after))
    }

    /// Whether there is none.
    pub const fn is_none(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }

    /// How many bytes were taken out and put in.
    pub fn counts(&self) -> (u64, u64) {
        let sum = |ranges: &[Range<usize>]| ranges.iter().map(|range| range.len() as u64).sum();
        (sum(&self.removed), sum(&self.added))
    }

    /// `whitespace out, newline in`; `equal` where nothing differs.
    pub fn words(&self) -> String {
        if self.is_none() {
            return "equal".to_owned();
        }
        let (removed, added) = self.counts();
        if self.only_whitespace {
            let parts = [(removed, "whitespace out"), (added, "newline in")];
            let parts: Vec<&str> = parts.iter().filter(|(count, _)| *count > 0).map(|(_, words)| *words).collect();
            return parts.join(", ");
        }
        let at = self.removed.first().or(self.added.first()).map_or(0, |range| range.start);
        format!("differs from byte {at}: {removed} B out, {added} B in")
    }
}

/// One step through both: whitespace that only the first has was taken out.
fn whitespace(before: &[u8], after: &[u8]) -> Option<Difference> {
    let mut difference = Difference { only_whitespace: true, ..Difference::default() };
    let mut place = 0;
    for (index, byte) in before.iter().enumerate() {
        if after.get(place) == Some(byte) {
            place += 1;
        } else if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            push(&mut difference.removed, index);
        } else {
            return None;
        }
    }
    match &after[place..] {
        [] => {}
        [b'\n'] => push(&mut difference.added, place),
        _ => return None,
    }
    Some(difference)
}

fn push(ranges: &mut Vec<Range<usize>>, index: usize) {
    match ranges.last_mut() {
        Some(last) if last.end == index => last.end += 1,
        _ => ranges.push(index..index + 1),
    }
}

/// Everything between what both begin with and what both end with.
fn middle(before: &[u8], after: &[u8]) -> Difference {
    let start = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (left, right) = (&before[start..], &after[start..]);
    let end = left.iter().rev().zip(right.iter().rev()).take_while(|(a, b)| a == b).count();
    let range = |all: &[u8]| {
        let range = start..all.len() - end;
        if range.is_empty() { Vec::new() } else { vec![range] }
    };
    Difference { removed: range(before), added: range(after), only_whitespace: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_and_the_newline_are_told_apart_from_all_else() {
        let difference = Difference::of(b"{\n \"a b\": 1\n}", b"{\"a b\":1}\n");
        assert_eq!(difference.removed, [1..3, 9..10, 11..12]);
        assert_eq!(difference.added, vec![9..10]);
        assert_eq!(difference.counts(), (4, 1));
        assert_eq!(difference.words(), "whitespace out, newline in");
        assert_eq!(Difference::of(b"{}", b"{}\n").words(), "newline in");
        assert_eq!(Difference::of(b"{}\n", b"{}\n").words(), "equal");
    }

    #[test]
    fn anything_else_is_said_with_its_place() {
        let difference = Difference::of(b"{\"n\":1.0}", b"{\"n\":1}\n");
        assert!(!difference.only_whitespace);
        assert_eq!((difference.removed[0].clone(), difference.added[0].clone()), (6..9, 6..8));
        assert_eq!(difference.words(), "differs from byte 6: 3 B out, 2 B in");
        assert_eq!(Difference::of(b"", b"ab").words(), "differs from byte 0: 0 B out, 2 B in");
        assert_eq!(Difference::of(b"", b"").words(), "equal");
    }
}
