//! The terms of a filter.

use super::Path;
use crate::{
    events::{Level, LogSource},
    text::decimal::Decimal,
    trace::EventNumber,
};

/// A term, or its opposite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// It must not hold.
    pub not: bool,
    /// What must hold.
    pub what: What,
}

impl Term {
    /// This text stands somewhere in the row.
    pub fn text(text: &str) -> Self {
        Self { not: false, what: What::Text(text.to_lowercase()) }
    }
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// This text, in small letters, stands somewhere in the row.
    Text(String),
    /// It is of this event.
    Number(EventNumber),
    /// A log line's level.
    Level(Op, Level),
    /// Whose log it is in.
    Source(Op, LogSource),
    /// Its shard, by its number.
    Shard(Op, String),
    /// One of its ids, or of its event's.
    Id {
        /// How it is compared.
        op: Op,
        /// The id.
        id: String,
    },
    /// The status of an answer, a log line or a stack event.
    Status(Op, Compared),
    /// The partition key, or the object's key.
    Key(Op, String),
    /// Its bytes.
    Size(Op, Decimal),
    /// A value in its JSON.
    Path(Path, Option<(Op, Compared)>),
}

/// How two things are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `=`.
    Is,
    /// `!=`.
    IsNot,
    /// `~`: it is contained, whatever the case of its letters.
    Contains,
    /// `<`.
    Below,
    /// `<=`.
    AtMost,
    /// `>`.
    Above,
    /// `>=`.
    AtLeast,
}

impl Op {
    /// The operator that stands at the beginning of a text, with its length.
    pub fn at(text: &str) -> Option<(Self, usize)> {
        const SIGNS: [(&str, Op); 8] = [
            ("==", Op::Is),
            ("!=", Op::IsNot),
            (">=", Op::AtLeast),
            ("<=", Op::AtMost),
            ("=", Op::Is),
            ("~", Op::Contains),
            (">", Op::Above),
            ("<", Op::Below),
        ];
        SIGNS.iter().find(|(sign, _)| text.starts_with(sign)).map(|(sign, op)| (*op, sign.len()))
    }

    /// Whether it asks for an order.
    pub const fn orders(self) -> bool {
        matches!(self, Self::Below | Self::AtMost | Self::Above | Self::AtLeast)
    }

    /// Whether two things in this order satisfy it.
    pub fn holds<T: Ord + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Is | Self::Contains => left == right,
            Self::IsNot => left != right,
            Self::Below => left < right,
            Self::AtMost => left <= right,
            Self::Above => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// What something is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// As typed, without quotes.
    pub text: String,
    /// It stood in quotes: it is a text, not a number.
    pub quoted: bool,
    /// The number it is, where it is one.
    pub number: Option<Decimal>,
}

impl Compared {
    /// From what was typed.
    pub fn new(text: String, quoted: bool) -> Self {
        let number = if quoted { None } else { Decimal::parse(&text) };
        Self { text, quoted, number }
    }
}

impl What {
    /// The text in small letters that stands in the row because of it.
    pub fn mark(&self) -> Option<String> {
        let text = match self {
            Self::Text(text)
            | Self::Id { id: text, op: Op::Is | Op::Contains }
            | Self::Key(Op::Is | Op::Contains, text) => text,
            Self::Status(Op::Is | Op::Contains, with) | Self::Path(_, Some((Op::Is | Op::Contains, with))) => {
                &with.text
            }
            Self::Level(Op::Is, level) => return Some(level.word().to_lowercase()),
            _ => return None,
        };
        (!text.is_empty()).then(|| text.to_lowercase())
    }
}
