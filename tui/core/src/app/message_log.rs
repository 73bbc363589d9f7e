//! Everything that was said in the line under the ledger, so that nothing is lost that stood there
//! for a few seconds only.

use std::collections::VecDeque;

use super::{App, Sign};
use crate::events::Timestamp;

/// How many messages are kept.
const KEPT: usize = 500;
/// How much of one is kept.
const LONGEST: usize = 4 * 1024;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When it was said first.
    pub time: Timestamp,
    /// Whether it tells of trouble.
    pub sign: Sign,
    /// The words.
    pub words: String,
    /// How often it was said in a row.
    pub times: u64,
}

/// The messages, oldest first.
#[derive(Debug, Default)]
pub struct MessageLog {
    said: VecDeque<Said>,
    let_go: u64,
}

impl MessageLog {
    /// Adds one; the same as before is counted.
    pub fn add(&mut self, time: Timestamp, sign: Sign, words: &str) {
        let end = words.char_indices().map(|(at, _)| at).nth(LONGEST).unwrap_or(words.len());
        let words = &words[..end];
        if let Some(last) = self.said.back_mut().filter(|last| last.words == words && last.sign == sign) {
            last.times += 1;
            return;
        }
        self.said.push_back(Said { time, sign, words: words.to_owned(), times: 1 });
        if self.said.len() > KEPT {
            self.said.pop_front();
            self.let_go += 1;
        }
    }

    /// All that are kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Said> + ExactSizeIterator {
        self.said.iter()
    }

    /// How many older ones were let go.
    pub const fn let_go(&self) -> u64 {
        self.let_go
    }
}

impl App {
    /// Everything that was said.
    pub const fn message_log(&self) -> &MessageLog {
        &self.message_log
    }

    /// How many messages the view is scrolled up from the newest, where it is open.
    pub const fn messages(&self) -> Option<usize> {
        self.messages
    }

    /// Downwards is towards the newest.
    pub(super) fn scroll_messages(&mut self, rows: isize) {
        let last = self.message_log.said.len().saturating_sub(1);
        if let Some(scroll) = &mut self.messages {
            *scroll = scroll.saturating_add_signed(rows.saturating_neg()).min(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_counts_what_repeats_and_goes() {
        let mut log = MessageLog::default();
        let at = Timestamp::from_millis(1);
        for number in 0..KEPT + 2 {
            log.add(at, Sign::Done, &format!("message {number}"));
            log.add(at, Sign::Done, &format!("message {number}"));
        }
        assert_eq!((log.iter().len(), log.let_go()), (KEPT, 2));
        assert!(log.iter().all(|said| said.times == 2));
        log.add(at, Sign::Failed, &"é".repeat(LONGEST * 2));
        assert_eq!(log.iter().next_back().map(|said| said.words.chars().count()), Some(LONGEST));
    }
}
