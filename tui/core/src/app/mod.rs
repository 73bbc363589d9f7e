//! The terminal app as a pure function: (state, message) → (state, effects).
//!
//! The runtime turns keys and batches of events into [`Message`]s, calls [`App::update`], and
//! carries out the [`Effect`]s that come back; the `ui` room draws the state.

mod effect;
mod message;

pub use effect::{Effect, EventSource};
pub use message::{CloudInfo, DeployProgress, Message, TailState, Target};
