//! What an event is called on the screen.

use std::fmt;

/// What an event is called: `#42` was sent from here, `·7` by someone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventNumber {
    /// Sent from here, by its number in the session.
    Own(u64),
    /// Someone else's, in the order in which they were seen.
    Other(u64),
}

impl fmt::Display for EventNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(number) => write!(formatter, "#{number}"),
            Self::Other(number) => write!(formatter, "·{number}"),
        }
    }
}
