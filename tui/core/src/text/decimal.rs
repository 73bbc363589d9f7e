//! Numbers compared as they are written, whatever their size: `1.50e+03` is `1500`, and
//! `9007199254740993` is not `9007199254740992`.

use std::cmp::Ordering;

/// A number as its sign, its digits without zeros at the ends, and the place of its point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// `d1 d2 d3…`; none: zero.
    digits: Vec<u8>,
    /// The value is `0.d1d2d3… × 10^exponent`.
    exponent: i64,
}

impl Decimal {
    /// Reads a number in JSON's notation; a leading `+` and leading zeros do no harm.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if (whole.is_empty() && fraction.is_empty()) || !all().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let zeros = all().take_while(|digit| *digit == b'0').count();
        let mut digits: Vec<u8> = all().skip(zeros).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let place = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
        Some(Self { negative, digits, exponent: exponent.saturating_add(place) })
    }

    const fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

/// An exponent; one that no machine could hold is as large as it gets.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse().unwrap_or(i64::MAX / 2).min(i64::MAX / 2);
    Some(if text.starts_with('-') { -size } else { size })
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sign().cmp(&other.sign()).then_with(|| {
            let size = self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
            if self.negative { size.reverse() } else { size }
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Decimal {
        Decimal::parse(text).expect(text)
    }

    #[test]
    fn what_is_written_otherwise_is_the_same_number() {
        for same in [["1.50e+03", "1500"], ["0.0", "-0"], ["1e-3", "0.001"], ["007", "7.00"], ["12e400", "1.2E401"]] {
            assert_eq!(of(same[0]), of(same[1]));
        }
    }

    #[test]
    fn no_digit_is_lost() {
        assert!(of("9007199254740993") > of("9007199254740992"));
        assert!(of("0.1") < of("0.10000000000000000000000000001"));
        assert!(of("-2") < of("-1.5") && of("-1") < of("0") && of("1e-400") > of("0"));
        assert!(of("1e99999999999999999999") > of("9e999"));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", "-", "x", "1x", "1e", "1.2.3", ".", "0x10", "1e+", "NaN"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_are_in_order(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(of(&a.to_string()).cmp(&of(&b.to_string())), a.cmp(&b));
        }

        #[test]
        fn never_panics(text in "[-+0-9.eE]{0,12}") {
            let _ = Decimal::parse(&text);
        }
    }
}
