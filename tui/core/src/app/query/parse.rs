//! From what is typed to terms, and what is wrong where it is none.

use super::{
    Path, QueryError,
    term::{Compared, Op, Term, What},
};
use crate::{
    app::row::source_word,
    events::{Level, LogSource},
    text::decimal::Decimal,
    trace::EventNumber,
};

/// The terms: one of the outer must hold, and of it all.
pub fn terms(text: &str) -> Result<Vec<Vec<Term>>, QueryError> {
    let mut parser = Parser { text, at: 0 };
    let mut any: Vec<Vec<Term>> = Vec::new();
    let mut all: Vec<Term> = Vec::new();
    // Where a word stood that wants a term behind it.
    let mut waits: Option<(usize, &str)> = None;
    while parser.skip_spaces() {
        if parser.word("or") {
            let at = parser.at - 2;
            if all.is_empty() {
                return Err(error(at, "or stands between two terms: \"or\" in quotes is the word"));
            }
            any.push(std::mem::take(&mut all));
            waits = Some((at, "or"));
        } else if parser.word("and") {
            waits = Some((parser.at - 3, "and"));
        } else {
            all.push(parser.term()?);
            waits = None;
        }
    }
    if let Some((at, word)) = waits {
        return Err(error(at, format!("{word} wants a term behind it: \"{word}\" in quotes is the word")));
    }
    if !all.is_empty() {
        any.push(all);
    }
    Ok(any)
}

fn error(at: usize, what: impl Into<String>) -> QueryError {
    QueryError { at, what: what.into() }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Goes on to the next term; `false`: there is none.
    fn skip_spaces(&mut self) -> bool {
        self.at = self.text.len() - self.rest().trim_start().len();
        self.at < self.text.len()
    }

    /// Takes this word, where it is the whole of the next one.
    fn word(&mut self, word: &str) -> bool {
        let here = self.rest().get(..word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word));
        let found = here && is_end(&self.rest()[word.len()..]);
        if found {
            self.at += word.len();
        }
        found
    }

    fn term(&mut self) -> Result<Term, QueryError> {
        let start = self.at;
        let mut not = false;
        loop {
            if self.word("not") {
                not = !not;
                if !self.skip_spaces() {
                    return Err(error(start, "not wants a term behind it: \"not\" in quotes is the word"));
                }
            } else if self.rest().starts_with('-') {
                not = !not;
                self.at += 1;
                if is_end(self.rest()) {
                    return Err(error(start, "- hides what stands right behind it: -healthcheck"));
                }
            } else {
                return Ok(Term { not, what: self.what()? });
            }
        }
    }

    fn what(&mut self) -> Result<What, QueryError> {
        let rest = self.rest();
        if rest.starts_with('"') {
            let start = self.at;
            let quoted = self.quoted()?;
            if is_end(self.rest()) {
                return Ok(What::Text(quoted.to_lowercase()));
            }
            // A piece of JSON, as it was copied from somewhere: its quotes belong to it.
            self.at = start;
        } else if rest.starts_with('$') && path_begins(&rest[1..]) {
            return self.path();
        } else if let Some(number) = number(rest) {
            self.at += word_length(rest);
            return Ok(What::Number(number));
        } else {
            let name_length = rest.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(rest.len());
            let name = rest[..name_length].to_ascii_lowercase();
            if let Some((op, length)) = Op::at(&rest[name_length..])
                && FIELDS.contains(&name.as_str())
            {
                let at = self.at;
                self.at += name_length + length;
                return self.field(&name, op, at);
            }
        }
        let word = &self.rest()[..word_length(self.rest())];
        self.at += word.len();
        Ok(What::Text(word.to_lowercase()))
    }

    /// A text in quotes; `\"` is a quote in it and `\\` a backslash.
    fn quoted(&mut self) -> Result<String, QueryError> {
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                '\\' => match letters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => text.push('\\'),
                },
                _ => text.push(letter),
            }
        }
        Err(error(self.at, "this quote is not closed"))
    }

    /// What a field or a path is compared with.
    fn compared(&mut self, name: &str) -> Result<Compared, QueryError> {
        if self.rest().starts_with('"') {
            let text = self.quoted()?;
            if is_end(self.rest()) {
                return Ok(Compared::new(text, true));
            }
            return Err(error(self.at, "a space is wanted behind the quotes"));
        }
        let text = &self.rest()[..word_length(self.rest())];
        if text.is_empty() {
            return Err(error(self.at, format!("{name} wants something to be compared with")));
        }
        self.at += text.len();
        Ok(Compared::new(text.to_owned(), false))
    }

    fn field(&mut self, name: &str, op: Op, start: usize) -> Result<What, QueryError> {
        let sign_at = start + name.len();
        let at = self.at;
        let with = self.compared(name)?;
        let text = with.text.as_str();
        let only = |allowed: bool, signs: &str| {
            if allowed { Ok(()) } else { Err(error(sign_at, format!("{name} is compared with {signs} only"))) }
        };
        Ok(match name {
            "level" => {
                only(op != Op::Contains, "= != < <= > >=")?;
                let level = level(text).ok_or_else(|| error(at, "a level is DEBUG, INFO, WARN or ERROR"))?;
                What::Level(op, level)
            }
            "source" => {
                only(matches!(op, Op::Is | Op::IsNot), "= and !=")?;
                let source = source(text).ok_or_else(|| error(at, "a source is access, function or delivery"))?;
                What::Source(op, source)
            }
            "shard" => {
                only(matches!(op, Op::Is | Op::IsNot), "= and !=")?;
                let digits = text.strip_prefix("shardId-").unwrap_or(text);
                if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                    return Err(error(at, "a shard is a number: 0, or shardId-000000000000"));
                }
                let number = digits.trim_start_matches('0');
                What::Shard(op, if number.is_empty() { "0" } else { number }.to_owned())
            }
            "id" => {
                only(!op.orders(), "= != and ~")?;
                What::Id { op, id: with.text }
            }
            "key" => {
                only(!op.orders(), "= != and ~")?;
                What::Key(op, with.text)
            }
            "size" => {
                only(op != Op::Contains, "= != < <= > >=")?;
                let bytes = Decimal::parse(text).ok_or_else(|| error(at, "a size is a number of bytes"))?;
                What::Size(op, bytes)
            }
            _ => {
                if op.orders() && with.number.is_none() {
                    return Err(error(at, "a status is compared with < and > by its number"));
                }
                What::Status(op, with)
            }
        })
    }

    fn path(&mut self) -> Result<What, QueryError> {
        let start = self.at;
        let length = path_length(self.rest()).map_err(|at| error(start + at, "this bracket is not closed"))?;
        let text = &self.rest()[..length];
        let path = Path::parse(text).map_err(|(characters, what)| {
            let at = text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
            error(start + at, format!("no JSON path (like $.user.id or $.items[0]): {what}"))
        })?;
        self.at += length;
        if is_end(self.rest()) {
            return Ok(What::Path(path, None));
        }
        let Some((op, length)) = Op::at(self.rest()) else {
            let what = "a comparison (= != ~ < <= > >=) or a space is wanted here; a name with such signs is $['a-b']";
            return Err(error(self.at, what));
        };
        self.at += length;
        let at = self.at;
        let with = self.compared("the path")?;
        if op.orders() && !with.quoted && with.number.is_none() {
            return Err(error(at, "< and > compare with a number, or with a text in quotes"));
        }
        Ok(What::Path(path, Some((op, with))))
    }
}

/// The names that may stand before a comparison.
const FIELDS: [&str; 7] = ["level", "source", "shard", "id", "status", "key", "size"];

/// Whether a term ends here.
fn is_end(rest: &str) -> bool {
    rest.chars().next().is_none_or(char::is_whitespace)
}

fn word_length(rest: &str) -> usize {
    rest.find(char::is_whitespace).unwrap_or(rest.len())
}

/// Whether what follows a dollar sign makes it the beginning of a path, not of a price.
fn path_begins(rest: &str) -> bool {
    rest.starts_with(['.', '[']) || Op::at(rest).is_some()
}

/// The length of the path that a text begins with; the error is where a bracket opens for good.
fn path_length(text: &str) -> Result<usize, usize> {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '[' => {
                let mut depth = 1;
                let mut quote: Option<char> = None;
                while depth > 0 {
                    let Some((_, letter)) = letters.next() else { return Err(at) };
                    match (quote, letter) {
                        (Some(_), '\\') => {
                            letters.next();
                        }
                        (Some(open), _) if letter == open => quote = None,
                        (None, '\'' | '"') => quote = Some(letter),
                        (None, '[') => depth += 1,
                        (None, ']') => depth -= 1,
                        (Some(_) | None, _) => {}
                    }
                }
            }
            '.' | '*' | '_' => {}
            _ if letter.is_alphanumeric() => {}
            _ => return Ok(at),
        }
    }
    Ok(text.len())
}

/// `#42`, `·7`: the event with this number.
fn number(rest: &str) -> Option<EventNumber> {
    let word = &rest[..word_length(rest)];
    let own = word.strip_prefix('#').and_then(|digits| digits.parse().ok()).map(EventNumber::Own);
    own.or_else(|| word.strip_prefix('·').and_then(|digits| digits.parse().ok()).map(EventNumber::Other))
}

fn level(word: &str) -> Option<Level> {
    [Level::Debug, Level::Info, Level::Warn, Level::Error]
        .into_iter()
        .find(|level| level.word().eq_ignore_ascii_case(word))
}

fn source(word: &str) -> Option<LogSource> {
    [LogSource::Function, LogSource::Access, LogSource::Delivery]
        .into_iter()
        .find(|source| source_word(*source).eq_ignore_ascii_case(word))
}
