//! Placeholders in the body of an event: `{{uuid}} {{now}} {{seq}} {{int A B}} {{pick a b c}}`.
//!
//! Time and randomness are handed in, so that a preview shows what will be sent.

use crate::events::Timestamp;

/// The placeholders, as errors and help name them.
pub const KNOWN: &str = "{{uuid}} {{now}} {{seq}} {{int A B}} {{pick a b c}}";

/// What is wrong with a placeholder, and where in the template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} column {column}: {message}")]
pub struct PlaceholderError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// Fills the placeholders of `template`; everything else stays byte for byte.
///
/// `{{uuid}}` is a version 4 UUID, `{{now}}` is `now` in RFC 3339 with milliseconds, `{{seq}}` the
/// event's number, `{{int A B}}` a whole number from A to B, both possible, `{{pick a b c}}` one of
/// the words. They are filled in as they stand: quotes around them belong to the template.
pub fn fill(
    template: &str,
    seq: u64,
    now: Timestamp,
    random: &mut impl FnMut() -> u64,
) -> Result<String, PlaceholderError> {
    fill_traced(template, seq, now, random).map(|(filled, _)| filled)
}

/// Where one placeholder stood and what it became, as byte offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// Where it starts in the template.
    pub template_start: usize,
    /// Where it ends in the template.
    pub template_end: usize,
    /// Where its value starts in the filled text.
    pub start: usize,
    /// Where its value ends in the filled text.
    pub end: usize,
}

/// Like [`fill`], with where each placeholder stood, so that an error found in the filled text can
/// be shown in the template.
pub fn fill_traced(
    template: &str,
    seq: u64,
    now: Timestamp,
    random: &mut impl FnMut() -> u64,
) -> Result<(String, Vec<Filled>), PlaceholderError> {
    let mut filled = String::with_capacity(template.len());
    let mut places = Vec::new();
    let mut rest_start = 0;
    while let Some(found) = template[rest_start..].find("{{") {
        let open = rest_start + found;
        filled.push_str(&template[rest_start..open]);
        let error = |message: String| error_at(template, open, message);
        let inside_start = open + 2;
        // A placeholder never spans lines: an unclosed one must not swallow the rest of the body.
        let line_end = template[inside_start..].find('\n').map_or(template.len(), |end| inside_start + end);
        let Some(length) = template[inside_start..line_end].find("}}") else {
            return Err(error(
                "{{ without }} on the same line. For the text {{ in a string, write \\u007b{".to_owned(),
            ));
        };
        let value = value(&template[inside_start..inside_start + length], seq, now, random).map_err(error)?;
        let start = filled.len();
        filled.push_str(&value);
        rest_start = inside_start + length + 2;
        places.push(Filled { template_start: open, template_end: rest_start, start, end: filled.len() });
    }
    filled.push_str(&template[rest_start..]);
    Ok((filled, places))
}

fn value(inside: &str, seq: u64, now: Timestamp, random: &mut impl FnMut() -> u64) -> Result<String, String> {
    let mut words = inside.split_whitespace();
    let name = words.next().unwrap_or_default();
    let arguments: Vec<&str> = words.collect();
    let alone = |value: String| {
        if arguments.is_empty() { Ok(value) } else { Err(format!("{{{{{name}}}}} takes nothing after its name")) }
    };
    match name {
        "uuid" => alone(uuid(random(), random())),
        "now" => alone(now.to_string()),
        "seq" => alone(seq.to_string()),
        "int" => match arguments[..] {
            [low, high] => int(low, high, random),
            _ => Err("{{int A B}} takes two whole numbers, as {{int 1 999}}".to_owned()),
        },
        "pick" if arguments.is_empty() => Err("{{pick a b c}} takes words to pick from".to_owned()),
        "pick" => {
            let index = below(arguments.len() as u128, random());
            Ok(arguments[usize::try_from(index).unwrap_or(0)].to_owned())
        }
        "" => Err(format!("an empty placeholder. Known: {KNOWN}")),
        _ => Err(format!(
            "no placeholder {{{{{name}}}}}. Known: {KNOWN}. For the text {{{{ in a string, write \\u007b{{"
        )),
    }
}

fn int(low: &str, high: &str, random: &mut impl FnMut() -> u64) -> Result<String, String> {
    let whole = |text: &str| {
        text.parse::<i64>().map_err(|_| format!("{{{{int A B}}}} takes whole numbers, and {text} is none it can hold"))
    };
    let (low, high) = (i128::from(whole(low)?), i128::from(whole(high)?));
    if low > high {
        return Err(format!("{{{{int {low} {high}}}}}: the first number is the smaller one"));
    }
    let span = (high - low).unsigned_abs() + 1;
    Ok((low + i128::try_from(below(span, random())).unwrap_or(0)).to_string())
}

/// A number below `span` (at most 2^64) from 64 random bits.
const fn below(span: u128, random: u64) -> u128 {
    (random as u128 * span) >> 64
}

fn uuid(high: u64, low: u64) -> String {
    let high = (high & 0xffff_ffff_ffff_0fff) | 0x4000;
    let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

fn error_at(template: &str, offset: usize, message: String) -> PlaceholderError {
    let (line, column) = line_and_column(template, offset);
    PlaceholderError { line, column, message }
}

/// The line and the column, in characters and from 1, of a byte offset.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);

    fn filled(template: &str, random: u64) -> Result<String, PlaceholderError> {
        fill(template, 42, NOW, &mut || random)
    }

    #[test]
    fn fills_each_placeholder_and_nothing_else() {
        let body = filled(r#"{"n":{{seq}},"at":"{{now}}","a":{"b":{ }}}"#, 0).unwrap();
        assert_eq!(body, r#"{"n":42,"at":"2023-11-14T22:13:20.123Z","a":{"b":{ }}}"#);
    }

    #[test]
    fn int_reaches_both_ends_and_no_further() {
        assert_eq!(filled("{{int -2 3}}", 0).unwrap(), "-2");
        assert_eq!(filled("{{int -2 3}}", u64::MAX).unwrap(), "3");
        let widest = format!("{{{{int {} {}}}}}", i64::MIN, i64::MAX);
        assert_eq!(filled(&widest, 0).unwrap(), i64::MIN.to_string());
        assert_eq!(filled(&widest, u64::MAX).unwrap(), i64::MAX.to_string());
    }

    #[test]
    fn pick_takes_the_first_and_the_last_word() {
        assert_eq!(filled("{{pick a b c}}", 0).unwrap(), "a");
        assert_eq!(filled("{{ pick  a  b  c }}", u64::MAX).unwrap(), "c");
    }

    #[test]
    fn a_uuid_is_of_version_4() {
        assert_eq!(filled("{{uuid}}", 0).unwrap(), "00000000-0000-4000-8000-000000000000");
        assert_eq!(filled("{{uuid}}", u64::MAX).unwrap(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn an_error_says_where_and_what_to_write() {
        let error = filled("{\n  \"é\": {{nope}}\n}", 0).unwrap_err();
        assert_eq!((error.line, error.column), (2, 8));
        assert!(error.message.contains("{{nope}}") && error.message.contains("{{uuid}}"), "{error}");
        for bad in ["{{", "{{}}", "{{int 1}}", "{{int 2 1}}", "{{int a b}}", "{{pick}}", "{{seq 1}}", "{{now\n}}"] {
            assert!(filled(bad, 0).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_place_says_where_it_stood_and_what_it_became() {
        let (filled, places) = fill_traced("[{{seq}}, 1]", 42, NOW, &mut || 0).unwrap();
        assert_eq!(filled, "[42, 1]");
        assert_eq!(places, [Filled { template_start: 1, template_end: 8, start: 1, end: 3 }]);
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_text_without_placeholders(text in ".{0,60}", random: u64) {
            let result = filled(&text, random);
            if !text.contains("{{") {
                prop_assert_eq!(result.unwrap(), text);
            }
        }
    }
}
