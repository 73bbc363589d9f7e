//! Live sources, each an async stream of its own event type, read at the target's pace.
//!
//! A source hands over batches through a bounded channel and waits while the reader is behind: the
//! services keep the data. It says when it is in place ([`TailState::Following`]), and when it is
//! not reading and why. While nothing comes it reads less often ([`TailState::Slowed`]). It ends when
//! told to or when its reader is gone. Times at which it is to begin are this machine's; it asks by
//! the services' clock.

mod backoff;
mod consumer;
mod gap;
mod live;
mod logs;
mod look_back;
mod objects;
mod place;
mod records;
mod rest;
mod stack;
mod streams;
#[cfg(test)]
mod tests;

pub use gap::Gap;
pub use logs::logs;
pub use look_back::{Look, Looked};
pub use objects::{Bucket, objects};
pub use records::records;
pub use stack::stack;

use tailwater_core::{app::TailState, events::Timestamp};
use tokio::sync::mpsc::Sender;

/// How many batches may wait for their reader.
pub const BATCHES_AHEAD: usize = 64;

/// Where a source begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With what comes from now on.
    Now,
    /// With what came at this time.
    At(Timestamp),
    /// With the oldest that is there.
    Beginning,
}

/// What a source says.
#[derive(Debug, Clone)]
pub enum Update<T> {
    /// New events, in order.
    Batch(Vec<T>),
    /// How it fares.
    State(TailState),
    /// What came meanwhile can no longer be read.
    Gap(Gap),
}

/// Says how a source fares, if that is news; `false`: nobody listens any more.
async fn say<T>(out: &Sender<Update<T>>, last: &mut Option<TailState>, state: TailState) -> bool {
    if last.as_ref() == Some(&state) {
        return !out.is_closed();
    }
    *last = Some(state.clone());
    out.send(Update::State(state)).await.is_ok()
}
