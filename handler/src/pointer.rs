//! A JSON pointer (RFC 6901), followed through the bytes of a compact JSON text without building a
//! tree.

use std::{borrow::Cow, fmt};

/// A JSON pointer with at least one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer(Vec<String>);

/// Why a text is not a JSON pointer that can be used here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointerError {
    /// It does not begin with `/`.
    NoSlash,
    /// A `~` that is not followed by `0` or `1`.
    BadEscape,
}

impl fmt::Display for PointerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoSlash => "a JSON pointer begins with `/`, as in `/user/id`",
            Self::BadEscape => "in a JSON pointer `~` is written `~0` and `/` in a name `~1`",
        })
    }
}

impl std::error::Error for PointerError {}

impl Pointer {
    /// Reads `/user/id`.
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        let steps = text.strip_prefix('/').ok_or(PointerError::NoSlash)?;
        steps.split('/').map(unescape_step).collect::<Result<_, _>>().map(Self)
    }

    /// The text of the value that this points to, where there is one. `document` is what
    /// [`compact`](crate::compact) made.
    ///
    /// Of members with the same name the last counts, as most readers have it.
    pub fn find<'a>(&self, document: &'a [u8]) -> Option<&'a [u8]> {
        let mut value = document;
        for step in &self.0 {
            value = match value.first()? {
                b'{' => member(value, step)?,
                b'[' => element(value, step)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

fn unescape_step(step: &str) -> Result<String, PointerError> {
    let mut letters = step.chars();
    let mut name = String::with_capacity(step.len());
    while let Some(letter) = letters.next() {
        name.push(match letter {
            '~' => match letters.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return Err(PointerError::BadEscape),
            },
            other => other,
        });
    }
    Ok(name)
}

fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut found = None;
    let mut at = 1;
    while object.get(at) == Some(&b'"') {
        let name_end = value_end(object, at);
        let value_start = name_end + 1;
        let end = value_end(object, value_start);
        if string_text(object.get(at..name_end)?) == name {
            found = object.get(value_start..end);
        }
        at = end + 1;
    }
    found
}

fn element<'a>(array: &'a [u8], index: &str) -> Option<&'a [u8]> {
    // RFC 6901: digits without leading zeros.
    if index.starts_with(['+', '0']) && index != "0" {
        return None;
    }
    let index: usize = index.parse().ok()?;
    let mut at = 1;
    for _ in 0..index {
        let end = value_end(array, at);
        if array.get(end) != Some(&b',') {
            return None;
        }
        at = end + 1;
    }
    array.get(at..value_end(array, at)).filter(|value| !value.is_empty())
}

/// Where the value that begins at `start` ends.
fn value_end(document: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(byte) = document.get(at) {
        match byte {
            b'"' => {
                at = string_end(document, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    document.len()
}

/// Where the string that begins at `start` ends.
fn string_end(document: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = document.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    document.len()
}

/// What a JSON string says, its quotation marks included in `quoted`. A surrogate that stands alone
/// is no character: it reads as U+FFFD.
pub(crate) fn string_text(quoted: &[u8]) -> Cow<'_, str> {
    let inner = quoted.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(quoted);
    let text = String::from_utf8_lossy(inner);
    if !text.contains('\\') {
        return text;
    }
    let mut units = Vec::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            '\\' => match letters.next() {
                Some('u') => {
                    let digits = letters.by_ref().take(4).collect::<String>();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xfffd));
                    continue;
                }
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => break,
            },
            other => other,
        };
        units.extend_from_slice(letter.encode_utf16(&mut [0; 2]));
    }
    Cow::Owned(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::json::tests::values;

    fn find(document: &str, pointer: &str) -> Option<String> {
        let found = Pointer::parse(pointer).unwrap().find(document.as_bytes())?;
        Some(String::from_utf8(found.to_vec()).unwrap())
    }

    #[test]
    fn the_examples_of_rfc_6901() {
        let document = r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#;
        for (pointer, value) in [
            ("/foo", r#"["bar","baz"]"#),
            ("/foo/0", r#""bar""#),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"),
            ("/g|h", "4"),
            ("/i\\j", "5"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/m~0n", "8"),
        ] {
            assert_eq!(find(document, pointer).as_deref(), Some(value), "{pointer}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for (document, pointer) in [
            (r#"{"a":1}"#, "/b"),
            (r#"{"a":1}"#, "/a/b"),
            ("{}", "/a"),
            ("[]", "/0"),
            ("[1,2]", "/2"),
            ("[1,2]", "/-"),
            ("[1,2]", "/01"),
            ("[1,2]", "/+1"),
            ("[1,2]", "/99999999999999999999999"),
            ("7", "/a"),
            (r#""text""#, "/0"),
        ] {
            assert_eq!(find(document, pointer), None, "{pointer} in {document}");
        }
    }

    #[test]
    fn names_compare_by_what_they_say_and_the_last_counts() {
        assert_eq!(find(r#"{"\u0061":1}"#, "/a").as_deref(), Some("1"));
        assert_eq!(find(r#"{"a":1,"b":{"a":3},"a":2}"#, "/a").as_deref(), Some("2"));
        assert_eq!(find(r#"{"a":[{"}":"]"},"\"",[[]],{"b":1.50e+9}]}"#, "/a/3/b").as_deref(), Some("1.50e+9"));
    }

    #[test]
    fn a_pointer_begins_with_a_slash() {
        assert_eq!(Pointer::parse("a"), Err(PointerError::NoSlash));
        assert_eq!(Pointer::parse(""), Err(PointerError::NoSlash));
        assert_eq!(Pointer::parse("/a~2"), Err(PointerError::BadEscape));
        assert_eq!(Pointer::parse("/a~"), Err(PointerError::BadEscape));
    }

    #[test]
    fn a_string_says_what_its_escapes_mean() {
        assert_eq!(string_text(br#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#), "\"\\/\u{8}\u{c}\n\r\té😀");
        assert_eq!(string_text(br#""a\ud800b""#), "a\u{fffd}b");
        assert_eq!(string_text("\"日本\"".as_bytes()), "日本");
    }

    /// Every place in a value, as a pointer.
    fn places(value: &Value, here: &str, all: &mut Vec<String>) {
        let step = |name: &str| format!("{here}/{}", name.replace('~', "~0").replace('/', "~1"));
        let inner: Vec<_> = match value {
            Value::Array(elements) => {
                elements.iter().enumerate().map(|(at, value)| (step(&at.to_string()), value)).collect()
            }
            Value::Object(members) => members.iter().map(|(name, value)| (step(name), value)).collect(),
            _ => vec![],
        };
        for (place, value) in inner {
            places(value, &place, all);
            all.push(place);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_finds_what_serde_json_finds(value in values(), elsewhere in "(/[a0-2~]{0,2}){1,3}") {
            let document = value.to_string();
            let mut all = vec![];
            places(&value, "", &mut all);
            all.extend(Pointer::parse(&elsewhere).is_ok().then_some(elsewhere));
            for place in all {
                prop_assert_eq!(find(&document, &place), value.pointer(&place).map(ToString::to_string), "{}", place);
            }
        }
    }
}
