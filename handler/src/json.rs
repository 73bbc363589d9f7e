//! Checks that a body is one JSON text by RFC 8259 and removes its insignificant whitespace, in one
//! pass: no tree, no recursion, so that neither depth nor size of an event can hurt.
//!
//! Where the parsers of the world disagree, RFC 8259 decides:
//! - number text, key order, escapes and duplicate names stay exactly as sent; no number is too large;
//! - an escaped surrogate that stands alone (`"\ud800"`) is within the grammar: taken as sent;
//! - invalid UTF-8 is refused (section 8.1), and so is a byte-order mark: a sender "MUST NOT add" it,
//!   and ignoring it, which a parser may do, would put bytes on the stream that a stricter reader of
//!   the same line then refuses;
//! - an unescaped control character in a string, NUL included, is refused, as is anything after the
//!   one value.

use std::fmt;

/// Where and why a body is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid {
    /// The line, from 1. A line ends with a line feed.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// There is nothing but whitespace.
    Empty,
    /// It begins with a byte-order mark.
    ByteOrderMark,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The gateway calls the body base64, and it is not.
    NotBase64,
    /// It ends where more is needed.
    EndsEarly {
        /// What is needed.
        expected: &'static str,
    },
    /// Something else than the grammar allows.
    Unexpected {
        /// What the grammar allows.
        expected: &'static str,
        /// What stands there.
        found: char,
    },
    /// A control character in a string that is not escaped.
    ControlCharacter(char),
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problem {
            Problem::Empty => formatter.write_str("the body is empty")?,
            Problem::ByteOrderMark => formatter.write_str("a byte-order mark is not allowed")?,
            Problem::NotUtf8 => formatter.write_str("the body is not UTF-8")?,
            Problem::NotBase64 => formatter.write_str("the body is marked as base64 and is not")?,
            Problem::EndsEarly { expected } => write!(formatter, "the body ends where {expected} is expected")?,
            Problem::Unexpected { expected, found } => write!(formatter, "expected {expected}, found {found:?}")?,
            Problem::ControlCharacter(found) => {
                write!(formatter, "the control character {found:?} must be escaped in a string")?;
            }
        }
        write!(formatter, " at line {}, column {}", self.line, self.column)
    }
}

impl std::error::Error for Invalid {}

/// The one JSON text of `body` without insignificant whitespace, every other byte as it is.
///
/// # Errors
/// The first place where `body` is not JSON.
pub fn compact(body: &[u8]) -> Result<Vec<u8>, Invalid> {
    let (text, valid) = match std::str::from_utf8(body) {
        Ok(text) => (text, true),
        Err(error) => (std::str::from_utf8(&body[..error.valid_up_to()]).unwrap_or_default(), false),
    };
    if text.starts_with('\u{feff}') {
        return Err(Fault { at: 0, problem: Problem::ByteOrderMark }.locate(text));
    }
    let scanned =
        Scanner { text, bytes: text.as_bytes(), at: 0, out: Vec::with_capacity(text.len() + 1), open: vec![] }.scan();
    match scanned {
        // A fault before the first bad byte comes first in the body, so it is the one to tell.
        Err(fault) if valid || fault.at < text.len() => Err(fault.locate(text)),
        _ if !valid => Err(Fault { at: text.len(), problem: Problem::NotUtf8 }.locate(text)),
        scanned => scanned.map_err(|fault| fault.locate(text)),
    }
}

/// A problem at a byte.
#[derive(Debug)]
struct Fault {
    at: usize,
    problem: Problem,
}

impl Fault {
    fn locate(&self, text: &str) -> Invalid {
        let before = text.get(..self.at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Invalid {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            problem: self.problem,
        }
    }
}

/// What the grammar allows next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    FirstElement,
    FirstName,
    Name,
    Colon,
    /// A comma, or the end of the innermost array or object.
    More,
    End,
}

impl Next {
    /// In words, given the innermost array's or object's opening bracket.
    fn words(self, open: Option<u8>) -> &'static str {
        match self {
            Self::Value => "a value",
            Self::FirstElement => "a value or `]`",
            Self::FirstName => "a name in quotation marks or `}`",
            Self::Name => "a name in quotation marks",
            Self::Colon => "`:`",
            Self::More if open == Some(b'{') => "`,` or `}`",
            Self::More => "`,` or `]`",
            Self::End => "the end of the body",
        }
    }
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    out: Vec<u8>,
    /// The opening brackets of the arrays and objects around this place.
    open: Vec<u8>,
}

impl Scanner<'_> {
    fn scan(mut self) -> Result<Vec<u8>, Fault> {
        let mut next = Next::Value;
        loop {
            while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
                self.at += 1;
            }
            let Some(byte) = self.peek() else {
                return match next {
                    Next::End => Ok(self.out),
                    Next::Value if self.out.is_empty() => Err(Fault { at: 0, problem: Problem::Empty }),
                    _ => Err(self.unexpected(next.words(self.open.last().copied()))),
                };
            };
            next = match (next, byte) {
                (Next::Value | Next::FirstElement, b'{') => self.opened(b'{', Next::FirstName),
                (Next::Value | Next::FirstElement, b'[') => self.opened(b'[', Next::FirstElement),
                (Next::FirstElement, b']') | (Next::FirstName, b'}') => self.closed(),
                (Next::More, b']') if self.open.last() == Some(&b'[') => self.closed(),
                (Next::More, b'}') if self.open.last() == Some(&b'{') => self.closed(),
                (Next::More, b',') => {
                    self.take(1);
                    if self.open.last() == Some(&b'{') { Next::Name } else { Next::Value }
                }
                (Next::FirstName | Next::Name, b'"') => {
                    self.string()?;
                    Next::Colon
                }
                (Next::Colon, b':') => {
                    self.take(1);
                    Next::Value
                }
                (Next::Value | Next::FirstElement, b'"') => {
                    self.string()?;
                    self.after_value()
                }
                (Next::Value | Next::FirstElement, b'-' | b'0'..=b'9') => {
                    self.number()?;
                    self.after_value()
                }
                (Next::Value | Next::FirstElement, b't') => self.literal("true")?,
                (Next::Value | Next::FirstElement, b'f') => self.literal("false")?,
                (Next::Value | Next::FirstElement, b'n') => self.literal("null")?,
                _ => return Err(self.unexpected(next.words(self.open.last().copied()))),
            };
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn unexpected(&self, expected: &'static str) -> Fault {
        let problem = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => Problem::Unexpected { expected, found },
            None => Problem::EndsEarly { expected },
        };
        Fault { at: self.at, problem }
    }

    /// Copies the next `length` bytes.
    fn take(&mut self, length: usize) {
        let end = self.at + length;
        self.out.extend_from_slice(&self.bytes[self.at..end]);
        self.at = end;
    }

    fn opened(&mut self, bracket: u8, next: Next) -> Next {
        self.open.push(bracket);
        self.take(1);
        next
    }

    fn closed(&mut self) -> Next {
        self.open.pop();
        self.take(1);
        self.after_value()
    }

    fn after_value(&self) -> Next {
        if self.open.is_empty() { Next::End } else { Next::More }
    }

    fn literal(&mut self, word: &'static str) -> Result<Next, Fault> {
        let start = self.at;
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return Err(self.unexpected(match word {
                    "true" => "`true`",
                    "false" => "`false`",
                    _ => "`null`",
                }));
            }
            self.at += 1;
        }
        self.copy_from(start);
        Ok(self.after_value())
    }

    fn copy_from(&mut self, start: usize) {
        self.out.extend_from_slice(&self.bytes[start..self.at]);
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.copy_from(start);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.copy_from(start);
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(control @ 0..0x20) => {
                    return Err(Fault { at: self.at, problem: Problem::ControlCharacter(control.into()) });
                }
                Some(_) => self.at += 1,
                None => return Err(self.unexpected("the end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.unexpected("a hexadecimal digit"));
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.unexpected("an escape (one of \"\\/bfnrtu)")),
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "json/tests.rs"]
pub(crate) mod tests;
