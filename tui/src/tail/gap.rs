//! What a source could not make up for: it was away for longer than the service keeps things.

use std::fmt;

use tailwater_core::events::Timestamp;

/// A time of which something may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What may be missing: `records of shard 0`.
    pub what: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Why it can't be read any more.
    pub reason: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "The {} from {} to {} can't be read any more: {}.",
            self.what, self.from, self.to, self.reason
        )
    }
}
