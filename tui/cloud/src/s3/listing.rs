//! Listings: which keys and common prefixes come next, in the order of their UTF-8 bytes.

use std::{collections::BTreeMap, ops::Bound};

/// What to list.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted<'a> {
    pub prefix: &'a str,
    /// Keys that have this after the prefix are rolled up into a common prefix; empty: none are.
    pub delimiter: &'a str,
    /// Only what comes after this.
    pub after: Option<&'a str>,
    pub limit: usize,
}

/// One row of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Row<'a, V> {
    Key(&'a str, &'a V),
    Prefix(String),
}

impl<V> Row<'_, V> {
    /// What a next page comes after.
    pub fn name(&self) -> &str {
        match self {
            Self::Key(key, _) => key,
            Self::Prefix(prefix) => prefix,
        }
    }
}

/// The rows wanted, and whether more follow. Only keys whose value is `there` count.
pub(super) fn list<'a, V>(
    all: &'a BTreeMap<String, V>,
    wanted: Wanted<'_>,
    there: impl Fn(&V) -> bool,
) -> (Vec<Row<'a, V>>, bool) {
    let mut rows = Vec::new();
    let mut from = match wanted.after {
        Some(after) if after >= wanted.prefix => Bound::Excluded(after.to_owned()),
        _ => Bound::Included(wanted.prefix.to_owned()),
    };
    loop {
        let next = all
            .range((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(wanted.prefix))
            .find(|(_, value)| there(value));
        let Some((key, value)) = next else { return (rows, false) };
        let rolled_up = common_prefix(key, wanted);
        from = match &rolled_up {
            Some(prefix) => match past(prefix) {
                Some(past) => Bound::Included(past),
                None => Bound::Excluded(key.clone()),
            },
            None => Bound::Excluded(key.clone()),
        };
        let row = match rolled_up {
            // A common prefix that a page before ended with.
            Some(prefix) if wanted.after.is_some_and(|after| after >= prefix.as_str()) => continue,
            Some(prefix) => Row::Prefix(prefix),
            None => Row::Key(key, value),
        };
        if rows.len() == wanted.limit {
            return (rows, true);
        }
        rows.push(row);
    }
}

/// What a key is rolled up into.
pub(super) fn common_prefix(key: &str, wanted: Wanted<'_>) -> Option<String> {
    if wanted.delimiter.is_empty() {
        return None;
    }
    let end = key[wanted.prefix.len()..].find(wanted.delimiter)?;
    Some(key[..wanted.prefix.len() + end + wanted.delimiter.len()].to_owned())
}

/// The first string after all that begin with `prefix`.
fn past(prefix: &str) -> Option<String> {
    let mut past = prefix.to_owned();
    while let Some(last) = past.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            past.push(next);
            return Some(past);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(names: &[&str]) -> BTreeMap<String, u8> {
        names.iter().map(|name| ((*name).to_owned(), 0)).collect()
    }

    fn names(all: &BTreeMap<String, u8>, wanted: Wanted<'_>) -> (Vec<String>, bool) {
        let (rows, more) = list(all, wanted, |_| true);
        (rows.iter().map(|row| row.name().to_owned()).collect(), more)
    }

    #[test]
    fn keys_come_in_the_order_of_their_bytes() {
        let all = keys(&["b", "a/10", "a/2", "é", "\u{1F600}", "\u{FFFD}", "Z"]);
        let wanted = Wanted { limit: 1000, ..Wanted::default() };
        assert_eq!(names(&all, wanted).0, ["Z", "a/10", "a/2", "b", "é", "\u{FFFD}", "\u{1F600}"]);
    }

    #[test]
    fn keys_below_a_delimiter_are_rolled_up() {
        let all = keys(&["a/1", "a/2", "a", "b/x/1", "b/y"]);
        let wanted = Wanted { delimiter: "/", limit: 2, ..Wanted::default() };
        assert_eq!(names(&all, wanted), (vec!["a".to_owned(), "a/".to_owned()], true));
        let rest = Wanted { after: Some("a/"), ..wanted };
        assert_eq!(names(&all, rest), (vec!["b/".to_owned()], false));
        let below = Wanted { prefix: "b/", ..wanted };
        assert_eq!(names(&all, below), (vec!["b/x/".to_owned(), "b/y".to_owned()], false));
    }

    #[test]
    fn nothing_is_more_than_a_page_of_no_rows() {
        assert_eq!(names(&keys(&[]), Wanted::default()), (vec![], false));
    }

    proptest! {
        /// Pages of any size, put together, are the whole listing, each row once.
        #[test]
        fn pages_lose_and_double_nothing(
            all in proptest::collection::btree_set("[ab/\u{10FFFF}é]{1,6}", 0..40),
            delimiter in "[/a]?",
            limit in 1_usize..5,
        ) {
            let all: BTreeMap<String, u8> = all.into_iter().map(|key| (key, 0)).collect();
            let wanted = Wanted { delimiter: &delimiter, limit: 1000, ..Wanted::default() };
            let (whole, more) = names(&all, wanted);
            prop_assert!(!more);
            let (mut paged, mut after): (Vec<String>, Option<String>) = (Vec::new(), None);
            loop {
                let (rows, more) = names(&all, Wanted { after: after.as_deref(), limit, ..wanted });
                paged.extend(rows);
                if !more {
                    break;
                }
                after = paged.last().cloned();
            }
            prop_assert_eq!(paged, whole);
        }
    }
}
