//! What happened: keys, time, and what the rooms that touch the world report.

use std::time::Duration;

use bytes::Bytes;

use super::{Begin, CallBudget, EventSource, First, KeyPress, LookBackNews, Mouse, Recording, Replay};
use crate::{
    events::{Event, StackStatus, Timestamp},
    faults::Standing,
    pipeline::{Buffering, Outputs, Preview, Settings},
};

/// Where the pipeline lives, as the header says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The embedded cloud: nothing leaves this machine.
    Local,
    /// AWS, or an endpoint that speaks like it.
    Aws {
        /// Twelve digits.
        account_id: String,
        /// `ap-southeast-2`.
        region: String,
        /// The profile's name, where one was chosen.
        profile: Option<String>,
        /// The custom endpoint, where there is one.
        endpoint_url: Option<String>,
        /// The services that answer elsewhere than the others: `Kinesis at http://localhost:4568`.
        elsewhere: Vec<String>,
        /// Who one is there: `role OnCall`, `user alice`; empty until AWS said it.
        who: String,
    },
}

/// The embedded cloud, once it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudInfo {
    /// Where every service answers.
    pub endpoint_url: String,
    /// Where the HTTP API answers.
    pub gateway_url: String,
    /// This app started it and it ends with this app; else another one runs it.
    pub own: bool,
    /// Something worth a word: the usual port was taken, an earlier cloud was joined.
    pub note: Option<String>,
}

/// How a deployment goes.
#[derive(Debug, Clone)]
pub enum DeployProgress {
    /// It began: so many resources will be made, changed or removed; `None`: not known yet.
    Started {
        /// How many resources change.
        resources: Option<usize>,
    },
    /// There is no stack.
    Absent,
    /// There is a stack.
    Found {
        /// Its status.
        status: StackStatus,
        /// When it came to that, where that is known.
        since: Option<Timestamp>,
        /// Whether Tailwater made it; else it is only watched.
        own: bool,
        /// The pipeline that it is, or why it is none, with what to do.
        pipeline: Result<(Outputs, Buffering), String>,
    },
    /// How the pipeline is set that is there or will be said to be there next.
    Settings(Settings),
    /// These changes stand ready and wait for a yes.
    Previewed(Preview),
    /// This has to be done before a deployment can be prepared, and waits for a yes.
    First(First),
    /// Nothing runs in AWS until the next try begins (`true`), or something does again.
    Between(bool),
    /// An operation that was only watched failed: the first cause, in AWS's words and ours.
    Explained {
        /// The words, a line each.
        error: String,
    },
    /// It ended well, or there was nothing to do.
    Done {
        /// The stack's status.
        status: StackStatus,
        /// The pipeline as it is now.
        outputs: Outputs,
        /// When Firehose delivers.
        buffering: Buffering,
        /// How long it took.
        took: Duration,
        /// Nothing had to be changed.
        unchanged: bool,
    },
    /// It failed: what was tried, what came back, what to do.
    Failed {
        /// The first cause, in AWS's words and ours.
        error: String,
    },
    /// It was stopped by whoever sits here.
    Stopped {
        /// What that came to.
        words: String,
    },
    /// The stack is gone.
    Destroyed {
        /// What is left in the account.
        left: Vec<String>,
    },
}

/// How a source fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TailState {
    /// It reads.
    Following,
    /// It reads less often, since nothing has come for a while; at once again when something is sent
    /// from here or comes.
    Slowed {
        /// How long it waits between two reads.
        every: Duration,
    },
    /// It failed and is tried again after a while.
    Retrying {
        /// What came back.
        error: String,
        /// When it is tried again.
        after: Duration,
    },
    /// It ended for good.
    Ended {
        /// Why.
        error: String,
    },
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// What is known when the app begins, besides its options.
    Begin(Box<Begin>),
    /// A key was pressed that is no text of the editor.
    Key(KeyPress),
    /// A text was pasted outside the editor.
    Paste(String),
    /// The mouse did something on a pane.
    Mouse(Mouse),
    /// The screen has this size now.
    Resize {
        /// In cells.
        width: u16,
        /// In cells.
        height: u16,
    },
    /// The editor holds this text now, or its cursor moved.
    EditorChanged(String),
    /// The time, at least once a second while something on screen depends on it.
    Tick(Timestamp),
    /// The embedded cloud is there.
    CloudReady(CloudInfo),
    /// The embedded cloud could not be started.
    CloudFailed(String),
    /// The target was reached: this is who and where one is.
    Reached(Target),
    /// Something worth a line about what is being done to the stack.
    DeployNote(String),
    /// How far something is that takes its time while the stack is changed.
    DeployStep {
        /// What is being done.
        what: String,
        /// How much of it is done.
        done: u64,
        /// How much there is to do, where that is known.
        total: Option<u64>,
    },
    /// A deployment's progress; its stack events come as [`Event::Stack`] in batches.
    Deploy(DeployProgress),
    /// What a source or the sender saw, in order.
    Events(Vec<Event>),
    /// How the budgets of calls stand.
    Budgets(Vec<CallBudget>),
    /// How a source fares.
    Tail(EventSource, TailState),
    /// Everything that was to be sent has been sent, or was stopped.
    SendingEnded,
    /// Something worth a line, from the rooms that touch the world.
    Notice(String),
    /// Rows were to be saved to a file that is there already.
    FileExists(String),
    /// The faults of the local cloud that are on, or why that can't be told.
    Faults(Result<Vec<Standing>, String>),
    /// The history of earlier sessions, oldest first.
    History(Vec<String>),
    /// This is being recorded now.
    Recording(Recording),
    /// Where the replay stands: whoever gets this is one.
    Replay(Replay),
    /// In a replay: these events are being sent, each with its number.
    Sending(Vec<(u64, Bytes)>),
    /// In a replay: the next event that is sent has this number.
    Numbered(u64),
    /// How looking back goes on.
    LookBack(LookBackNews),
}
