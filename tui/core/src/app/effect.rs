//! What the app wants done: the runtime starts the room's stream that does it.

use bytes::Bytes;

use super::{Destroying, FaultOrder, ReplayStep, RequestEdits, Viewer};
use crate::events::Timestamp;

/// What the app wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Deploy the stack without asking and follow it to the end: on the embedded cloud only.
    Deploy,
    /// Reach the target where that is still to be done, look at the stack, and watch it.
    Look,
    /// Find out what a deployment would change.
    Prepare,
    /// Carry the changes out that were previewed, and follow them to the end.
    Execute,
    /// Drop the changes that were previewed.
    Discard,
    /// Drop the changes that were previewed, and find out what rolling the stack back takes.
    RollBack,
    /// Take the stack down.
    Destroy(Destroying),
    /// Cancel what is being done to the stack.
    Cancel,
    /// Post these bodies as events with these numbers, `rate` a second (`None`: at once).
    Send {
        /// The bodies, each with its number in the session.
        events: Vec<(u64, Bytes)>,
        /// Events a second.
        rate: Option<u32>,
        /// What of the requests differs from the usual one.
        request: RequestEdits,
    },
    /// Stop what is being sent.
    StopSending,
    /// Look for an id or a part of a body in what came in this time.
    LookBack {
        /// What is looked for.
        wanted: String,
        /// From when.
        from: Timestamp,
        /// Until when.
        to: Timestamp,
    },
    /// Stop looking.
    StopLooking,
    /// Put this text on the user's clipboard (OSC 52).
    Copy(String),
    /// Write this text to a file that only this user can read.
    Save {
        /// The file.
        file: String,
        /// What to write.
        text: String,
        /// What that is, in words: `120 rows`.
        what: String,
        /// Write it over a file that is there; else that is told, and nothing written.
        over: bool,
    },
    /// Show a text in a program of the user's, which has the terminal meanwhile.
    OpenIn {
        /// Which program.
        viewer: Viewer,
        /// How the text's file is called: programs colour by its end.
        name: &'static str,
        /// The text.
        text: String,
    },
    /// Print this on the terminal's own screen, until a key is pressed.
    Print(String),
    /// Remember this body in the history that outlives the session.
    Remember(String),
    /// Record the session to this file.
    Record(String),
    /// End the recording of the session.
    StopRecording,
    /// Draw the screen as it is to this file, as SVG.
    Picture(String),
    /// Record what stands on the screen to this file, as an asciicast; a replay is written whole.
    Asciicast(String),
    /// End the asciicast.
    StopAsciicast,
    /// Steer the replay.
    Replay(ReplayStep),
    /// Break something of the local cloud, or mend it.
    Break(FaultOrder),
    /// Write the diagnostics to a file that is not there yet, readable by its user alone: this, below
    /// what only the program's outside knows.
    Diagnostics {
        /// Where.
        path: String,
        /// What the app knows, secrets masked.
        text: String,
    },
    /// End the app.
    Quit,
}

/// A source that is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventSource {
    /// The function's, the gateway's and the delivery's logs.
    Logs,
    /// The stream's records.
    Records,
    /// The bucket's objects.
    Objects,
}
