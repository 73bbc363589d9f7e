//! The language of filters, and of what is looked for.
//!
//! A filter is terms with spaces between them: all of them must hold; `or` stands between terms of
//! which one is enough. A term is a word or a `"quoted text"`, `level>=WARN`, `source=access`,
//! `shard=0`, `id=…`, `status>=400`, `key=…`, `size>1000`, `#42`, `·7`, or a JSON path (RFC 9535)
//! with what it is compared with: `$.user_id=417`, `$.event~sign`, `$..amount>10`. `-` before a
//! term, or `not`, turns it around.
//!
//! Rows are compared as they were sent. A number is compared by its digits, so that none is lost
//! however large it is; only a comparison within brackets (`$.items[?@.price > 10]`) is the path
//! library's own, which rounds to what 64 bits hold.

mod holds;
mod parse;
mod path;
mod term;

#[cfg(test)]
mod tests;

use std::fmt;

use super::Row;
use crate::{text::find, trace::Traces};
use holds::RowTexts;
use path::Path;
use term::{Term, What};

/// What hides rows, or is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// As typed.
    pub text: String,
    /// One of these must hold; of each, all terms.
    any: Vec<Vec<Term>>,
}

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// The byte at which it is wrong.
    pub at: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for QueryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

impl Query {
    /// A filter; `None` where nothing was typed.
    pub fn filter(text: &str) -> Result<Option<Self>, QueryError> {
        let any = parse::terms(text)?;
        Ok((!any.is_empty()).then(|| Self { text: text.trim().to_owned(), any }))
    }

    /// What is to be found: one term of the language, else the text just as it was typed, its
    /// spaces and quotes too.
    pub fn find(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return None;
        }
        let one = parse::terms(trimmed).ok().filter(|any| matches!(any.as_slice(), [all] if all.len() == 1));
        let special = one.filter(|any| !any[0][0].not && !matches!(any[0][0].what, What::Text(_)));
        let any = special.unwrap_or_else(|| vec![vec![Term::text(trimmed)]]);
        Some(Self { text: trimmed.to_owned(), any })
    }

    /// Whether what it matches can change after a row came: numbers and ids are learned later.
    pub fn depends_on_traces(&self) -> bool {
        self.any.iter().flatten().any(|term| matches!(term.what, What::Number(_) | What::Id { .. }))
    }

    /// Whether the row is looked for.
    pub fn matches(&self, row: &Row, traces: &Traces) -> bool {
        let texts = RowTexts::of(row, traces);
        self.any.iter().any(|all| all.iter().all(|term| term.what.holds(&texts) != term.not))
    }

    /// The texts in small letters that stand in a row because of which it matches: what is marked.
    pub fn marks(&self) -> Vec<String> {
        let positive = self.any.iter().flatten().filter(|term| !term.not);
        positive.filter_map(|term| term.what.mark()).collect()
    }

    /// Whether one of the marks stands in a text.
    pub fn is_in(&self, text: &str) -> bool {
        self.marks().iter().any(|mark| find::contains(text.as_bytes(), mark))
    }
}
