//! JSON as it was written: checked, indented or compacted without touching a single token, so that
//! numbers, escapes, key order and doubled keys stay exactly as sent.

use super::placeholders::line_and_column;

/// What keeps a text from being JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// The byte offset of the first character that does not fit.
    pub offset: usize,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What was expected or is wrong.
    pub message: String,
}

/// Whether the text is one JSON document of any depth, and if not, where it stops being one.
pub fn check(text: &str) -> Result<(), JsonError> {
    let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) else { return Ok(()) };
    let offset = offset_of(text, error.line(), error.column());
    let (line, column) = line_and_column(text, offset);
    let words = error.to_string();
    let message = words.rsplit_once(" at line ").map_or(words.as_str(), |(message, _)| message).to_owned();
    Err(JsonError { offset, line, column, message })
}

/// The byte offset of a line and a column in bytes, which point at the last character read.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start = match line.checked_sub(2) {
        None => 0,
        Some(newlines) => text.match_indices('\n').nth(newlines).map_or(text.len(), |(at, _)| at + 1),
    };
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The text without insignificant whitespace, as the function puts it to the stream.
pub fn compact(text: &str) -> String {
    let mut compacted = String::with_capacity(text.len());
    for token in Tokens::of(text) {
        compacted.push_str(token);
    }
    compacted
}

/// The text as indented lines. It need not be valid: what is there is kept, in order.
pub fn pretty(text: &str) -> Vec<String> {
    // Deeper levels are not indented further, so that hostile nesting costs no memory.
    const DEEPEST: usize = 32;
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut depth = 0_usize;
    let mut tokens = Tokens::of(text).peekable();
    let next_line = |lines: &mut Vec<String>, line: &mut String, depth: usize| {
        lines.push(std::mem::take(line));
        line.push_str(&"  ".repeat(depth.min(DEEPEST)));
    };
    while let Some(token) = tokens.next() {
        match token {
            "{" | "[" => {
                line.push_str(token);
                if tokens.peek().is_some_and(|next| matches!(*next, "}" | "]")) {
                    line.push_str(tokens.next().unwrap_or_default());
                } else {
                    depth += 1;
                    next_line(&mut lines, &mut line, depth);
                }
            }
            "}" | "]" => {
                depth = depth.saturating_sub(1);
                next_line(&mut lines, &mut line, depth);
                line.push_str(token);
            }
            "," => {
                line.push(',');
                next_line(&mut lines, &mut line, depth);
            }
            ":" => line.push_str(": "),
            _ => line.push_str(token),
        }
    }
    lines.push(line);
    lines
}

/// The tokens of a JSON text: brackets, commas, colons, strings with their quotes, and whatever
/// else stands between them.
pub(super) struct Tokens<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) const fn of(text: &'a str) -> Self {
        Self { rest: text }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
        self.rest = self.rest.trim_start_matches(SPACE);
        let first = *self.rest.as_bytes().first()?;
        let length = match first {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            b'"' => string_length(self.rest),
            _ => self
                .rest
                .find(|letter: char| SPACE.contains(&letter) || "{}[],:\"".contains(letter))
                .unwrap_or(self.rest.len()),
        };
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(token)
    }
}

/// The length of the string that starts here, its quotes included; all of it where it never ends.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_stay_as_written() {
        let text = "{ \"a\" : 1.50e+03 , \"a\":\"\\u00e9 ,: }\" , \"z\" : [ ] , \"y\":[1,{}] }";
        assert_eq!(compact(text), "{\"a\":1.50e+03,\"a\":\"\\u00e9 ,: }\",\"z\":[],\"y\":[1,{}]}");
        assert_eq!(
            pretty(text),
            [
                "{",
                "  \"a\": 1.50e+03,",
                "  \"a\": \"\\u00e9 ,: }\",",
                "  \"z\": [],",
                "  \"y\": [",
                "    1,",
                "    {}",
                "  ]",
                "}"
            ]
        );
    }

    #[test]
    fn an_error_points_at_the_character_that_does_not_fit() {
        let error = check("{\n  \"é\": x\n}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 8));
        assert_eq!(error.message, "expected value");
        let error = check("{\"a\":1").unwrap_err();
        assert_eq!((error.line, error.message.as_str()), (1, "EOF while parsing an object"));
    }

    #[test]
    fn depth_is_no_error_and_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(check(&deep), Ok(()));
        assert_eq!(compact(&deep), deep);
        assert!(pretty(&deep).len() > 100_000);
    }

    proptest! {
        #[test]
        fn never_panics_on_any_text(text in any::<String>()) {
            let _ = check(&text);
            let _ = pretty(&text);
            let _ = compact(&text);
        }
    }
}
