//! The id of an event: on AWS a decimal number of 56 digits whose high bits are the event's time.
//! Here its low bits are the order of ingestion, so that an id says where its event stands.

/// Where an event stands: by its time, then by the order in which events came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Milliseconds since 1970, never negative.
    pub timestamp_ms: i64,
    /// One number for all groups, one higher with each event.
    pub sequence: u64,
}

/// Words of 32 bits, the lowest first.
const WORDS: usize = 8;
/// Where the time begins in an id, in bits; found by comparing ids of AWS with their times.
const TIME_SHIFT_BITS: u32 = 144;
/// The word and the bit in it where the time begins.
const TIME_WORD: usize = (TIME_SHIFT_BITS / 32) as usize;
const TIME_BIT: u32 = TIME_SHIFT_BITS % 32;
/// A word holds this many decimal digits.
const CHUNK_DIGITS: usize = 9;
const CHUNK: u64 = 1_000_000_000;

impl Position {
    /// The position right after this one.
    pub fn next(self) -> Self {
        Self { sequence: self.sequence.saturating_add(1), ..self }
    }

    /// The id of the event here.
    pub fn event_id(self) -> String {
        let mut words = [0_u32; WORDS];
        words[0] = low_word(u128::from(self.sequence));
        words[1] = low_word(u128::from(self.sequence >> 32));
        let time = u128::from(self.timestamp_ms.unsigned_abs()) << TIME_BIT;
        for (index, word) in words[TIME_WORD..].iter_mut().enumerate() {
            *word = low_word(time >> (32 * index));
        }
        let mut chunks = Vec::new();
        while words.iter().any(|word| *word != 0) {
            let mut rest = 0_u64;
            for word in words.iter_mut().rev() {
                let value = (rest << 32) | u64::from(*word);
                *word = low_word(u128::from(value / CHUNK));
                rest = value % CHUNK;
            }
            chunks.push(rest);
        }
        let chunks: Vec<String> = chunks.iter().rev().map(|chunk| format!("{chunk:0CHUNK_DIGITS$}")).collect();
        format!("{:0>56}", chunks.concat().trim_start_matches('0'))
    }

    /// The position that an id names, `None` where it is none of ours.
    pub fn of_event_id(id: &str) -> Option<Self> {
        if id.is_empty() {
            return None;
        }
        let mut words = [0_u32; WORDS];
        for letter in id.chars() {
            let mut carry = u64::from(letter.to_digit(10)?);
            for word in &mut words {
                let value = u64::from(*word) * 10 + carry;
                *word = low_word(u128::from(value));
                carry = value >> 32;
            }
            if carry != 0 {
                return None;
            }
        }
        let high = |from: usize| words[from..].iter().rev().fold(0_u128, |sum, word| (sum << 32) | u128::from(*word));
        let time = high(TIME_WORD);
        let unused = words[2..TIME_WORD].iter().any(|word| *word != 0) || time & ((1 << TIME_BIT) - 1) != 0;
        if unused {
            return None;
        }
        Some(Self {
            timestamp_ms: i64::try_from(time >> TIME_BIT).ok()?,
            sequence: (u64::from(words[1]) << 32) | u64::from(words[0]),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low word is what is wanted")]
const fn low_word(value: u128) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Position;

    #[test]
    fn an_id_of_today_has_56_digits_and_grows_with_time() {
        let early = Position { timestamp_ms: 1_700_000_000_000, sequence: 9 }.event_id();
        let late = Position { timestamp_ms: 1_800_000_000_000, sequence: 1 }.event_id();
        assert_eq!((early.len(), late.len()), (56, 56));
        assert!(early < late, "{early} stands before {late}");
        assert!(early.chars().all(|letter| letter.is_ascii_digit()));
    }

    #[test]
    fn a_known_time_gives_the_number_of_its_bits() {
        // 2^144 in decimal.
        let expected = format!("{:0>56}", "22300745198530623141535718272648361505980416");
        assert_eq!(Position { timestamp_ms: 1, sequence: 0 }.event_id(), expected);
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in ["", "x", "12", "-1", &"9".repeat(90)] {
            let position = Position::of_event_id(text);
            assert!(position.is_none_or(|position| position.timestamp_ms == 0), "{text} gave {position:?}");
        }
        assert_eq!(Position::of_event_id("1x"), None);
    }

    proptest! {
        #[test]
        fn an_id_names_its_position(timestamp_ms in 0..i64::MAX, sequence: u64) {
            let position = Position { timestamp_ms, sequence };
            prop_assert_eq!(Position::of_event_id(&position.event_id()), Some(position));
        }
    }
}
