//! Recordings of sessions: written, read, and told again.
//!
//! A recording is what came from outside (the events with their own times, the deployment's progress,
//! how the sources fare) and what hands did (keys, pastes, sends), never the app's own state. It is
//! text: a header line, then one JSON object a line with the milliseconds since the start, a kind and
//! its payload. The types of `wire` are the format: they are this room's own, so that the app's can
//! change without it. Secrets are masked before anything is written.
//!
//! This room draws nothing and knows no service.

mod asciicast;
mod read;
mod record;
mod redact;
mod wire;
mod writer;

pub use asciicast::Asciicast;
pub use read::{Happened, ReadError, Recording};
pub use record::{Recorder, ScreenRecorder};
pub use wire::Header;
pub use writer::create;
