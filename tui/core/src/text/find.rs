//! Where a text stands in another, whatever the case of its letters.

use std::ops::Range;

/// Whether the bytes contain `lower`, a text in small letters.
pub fn contains(text: &[u8], lower: &str) -> bool {
    if lower.is_ascii() {
        return ascii(text, lower.as_bytes()).is_some();
    }
    String::from_utf8_lossy(text).to_lowercase().contains(lower)
}

/// The places in a text where `lower`, a text in small letters, stands; none overlaps another.
pub fn places(text: &str, lower: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    if lower.is_empty() {
        return places;
    }
    if lower.is_ascii() {
        let mut from = 0;
        while let Some(at) = ascii(&text.as_bytes()[from..], lower.as_bytes()) {
            let start = from + at;
            from = start + lower.len();
            places.push(start..from);
        }
        return places;
    }
    // A letter's small form may be several letters: each knows the place of its letter.
    let letters: Vec<(char, usize, usize)> = text
        .char_indices()
        .flat_map(|(at, letter)| letter.to_lowercase().map(move |small| (small, at, at + letter.len_utf8())))
        .collect();
    let wanted: Vec<char> = lower.chars().collect();
    let mut from = 0;
    while from + wanted.len() <= letters.len() {
        let here = &letters[from..from + wanted.len()];
        if here.iter().map(|(small, ..)| small).eq(&wanted) {
            places.push(here[0].1..here[wanted.len() - 1].2);
            from += wanted.len();
        } else {
            from += 1;
        }
    }
    places
}

/// The first place of an ASCII text in small letters. It begins and ends between characters, since
/// no byte of another character is ASCII.
fn ascii(text: &[u8], lower: &[u8]) -> Option<usize> {
    let (first, rest) = lower.split_first()?;
    let last = text.len().checked_sub(lower.len())?;
    (0..=last)
        .find(|at| text[*at].eq_ignore_ascii_case(first) && text[at + 1..at + lower.len()].eq_ignore_ascii_case(rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_case_of_letters_is_no_matter() {
        assert_eq!(places("Error: an ERROR", "error"), [0..5, 10..15]);
        assert_eq!(places("aaaa", "aa"), [0..2, 2..4]);
        assert_eq!(places("ÄÖ äö", "äö"), [0..4, 5..9]);
        assert!(contains("x\u{1b}ÄÖ".as_bytes(), "äö") && !contains(b"abc", "abcd"));
        assert_eq!(places("abc", ""), []);
    }

    proptest! {
        #[test]
        fn places_can_be_cut_out(text in "[a-zA-ZäÖİ東👍 ]{0,20}", wanted in "[a-zäöi東]{1,3}") {
            for place in places(&text, &wanted.to_lowercase()) {
                prop_assert!(!text[place].is_empty());
            }
        }
    }
}
