//! The format: what stands on a recording's lines. A change that old readers would misread counts
//! [`VERSION`] up; a new kind or a new optional field does not, since readers skip what they do not
//! know.

mod deploy;
mod events;
mod hands;
mod outside;

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tailwater_core::{
    app::{self, App, Message, Options},
    events::{Event, Timestamp},
    text::time::UtcOffset,
};

use super::redact::Redaction;
use outside::Target;

/// What a header's `format` says.
pub const FORMAT: &str = "tailwater-session";
/// The version of the format that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// The app keeps no more bodies of earlier sessions.
const MOST_EARLIER: usize = 500;

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    format: String,
    version: u32,
    /// The version of the program that wrote it.
    pub product: String,
    /// When it began.
    pub start: Timestamp,
    offset_seconds: i32,
    /// The screen's width.
    pub columns: u16,
    /// The screen's height.
    pub rows: u16,
    target: Target,
    stack_name: String,
    templates: Vec<String>,
    /// Where the placeholders' random numbers started.
    seed: u64,
}

impl Header {
    /// Of an app that is started with these options.
    pub fn of(options: &Options, (columns, rows): (u16, u16)) -> Self {
        let redaction = Redaction::new(&options.target);
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            product: env!("CARGO_PKG_VERSION").to_owned(),
            start: options.now,
            offset_seconds: options.offset.0,
            columns,
            rows,
            target: Target::of(&options.target, &redaction),
            stack_name: redaction.text(options.stack_name.as_str()),
            templates: options.templates.iter().map(|(name, _)| redaction.text(name)).collect(),
            seed: options.seed,
        }
    }

    /// The same app, recorded from now on.
    #[must_use]
    pub fn beginning_now(&self, app: &App) -> Self {
        let target = Target::of(app.target(), &Redaction::new(app.target()));
        let (columns, rows) = app.size();
        Self { start: app.now(), columns, rows, target, ..self.clone() }
    }

    /// Where the pipeline lived.
    pub fn target(&self) -> app::Target {
        self.target.clone().into()
    }

    /// The stack.
    pub fn stack_name(&self) -> &str {
        &self.stack_name
    }

    /// The names of the sample events that were offered.
    pub fn templates(&self) -> &[String] {
        &self.templates
    }

    /// The offset in which times were shown.
    pub const fn offset(&self) -> UtcOffset {
        UtcOffset(self.offset_seconds)
    }

    /// Where the placeholders' random numbers started.
    pub const fn seed(&self) -> u64 {
        self.seed
    }
}

/// A line after the first.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    /// Milliseconds since the start.
    pub ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Entry {
    /// How it looked at the beginning.
    Begin(outside::Begin),
    /// A request was answered.
    Sent(events::Sent),
    /// A log line came.
    Log(events::Log),
    /// A record came.
    Record(events::Record),
    /// An object landed.
    Object(events::Object),
    /// The stack took a step.
    Stack(events::Stack),
    /// A call was made.
    Call(events::Call),
    /// The embedded cloud is there.
    Cloud(outside::Cloud),
    /// The embedded cloud could not be started.
    CloudFailed(String),
    /// The target was reached.
    Target(Target),
    /// A word on the way of a deployment.
    Note(String),
    /// How far a step of it is.
    Step {
        /// What is being done.
        what: String,
        /// How much is done.
        done: u64,
        /// How much there is to do.
        total: Option<u64>,
    },
    /// A deployment's progress.
    Deploy(deploy::Progress),
    /// How the budgets of calls stand.
    Budgets(Vec<outside::Budget>),
    /// How a source fares.
    Source(outside::Source),
    /// What was to be sent has been sent.
    SendingEnded,
    /// A word from outside.
    Notice(String),
    /// The faults of the local cloud that are on.
    Faults(outside::Faults),
    /// Rows were to be saved to a file that was there already.
    FileExists(String),
    /// How looking back went on.
    LookBack(outside::LookBack),
    /// Events are being sent.
    Send(Vec<events::Sending>),
    /// The number that the next event gets.
    Numbered(u64),
    /// How many bodies were sent in earlier sessions; what they were is not told.
    Earlier(usize),
    /// A key was pressed.
    Key(hands::Key),
    /// A text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(hands::Mouse),
    /// The text in the editor.
    Editor(String),
    /// The screen has this size now.
    Resize {
        /// Its width.
        columns: u16,
        /// Its height.
        rows: u16,
    },
    /// So much is not in the recording, since it came faster than it could be written.
    Gap {
        /// How many messages.
        missed: u64,
    },
}

impl Entry {
    /// What a message leaves in the recording, secrets masked. The clock and the recording itself are no
    /// news.
    pub fn of(message: Message, redaction: &mut Redaction) -> Vec<Self> {
        redaction.learn(&message);
        let one = match message {
            Message::Events(events) => {
                return events.into_iter().map(|event| Self::of_event(event, redaction)).collect();
            }
            Message::Tick(_) | Message::Recording(_) | Message::Replay(_) | Message::Sending(_) => return Vec::new(),
            Message::Begin(begin) => Self::Begin(outside::Begin::of(&begin)),
            Message::FileExists(file) => Self::FileExists(redaction.text(&file)),
            Message::LookBack(news) => Self::LookBack(outside::LookBack::of(news, redaction)),
            Message::Faults(answer) => Self::Faults(outside::Faults::of(answer, redaction)),
            Message::Key(press) => match hands::Key::of(redaction.key(press)) {
                Some(key) => Self::Key(key),
                None => return Vec::new(),
            },
            Message::Paste(text) => Self::Paste(redaction.text(&text)),
            Message::Mouse(mouse) => Self::Mouse(hands::Mouse::of(mouse)),
            Message::Resize { width, height } => Self::Resize { columns: width, rows: height },
            Message::EditorChanged(text) => Self::Editor(redaction.text(&text)),
            Message::CloudReady(info) => Self::Cloud(outside::Cloud::of(&info, redaction)),
            Message::CloudFailed(error) => Self::CloudFailed(redaction.text(&error)),
            Message::Reached(target) => Self::Target(Target::of(&target, redaction)),
            Message::DeployNote(words) => Self::Note(redaction.text(&words)),
            Message::DeployStep { what, done, total } => Self::Step { what: redaction.text(&what), done, total },
            Message::Deploy(progress) => Self::Deploy(deploy::Progress::of(progress, redaction)),
            Message::Budgets(budgets) => Self::Budgets(budgets.into_iter().map(Into::into).collect()),
            Message::Tail(source, state) => Self::Source(outside::Source::of(source, &state, redaction)),
            Message::SendingEnded => Self::SendingEnded,
            Message::Notice(text) => Self::Notice(redaction.text(&text)),
            Message::History(bodies) => Self::Earlier(bodies.len()),
            Message::Numbered(next) => Self::Numbered(next),
        };
        vec![one]
    }

    fn of_event(event: Event, redaction: &mut Redaction) -> Self {
        match event {
            Event::Sent(sent) => Self::Sent(events::Sent::of(&sent, redaction)),
            Event::Log(line) => Self::Log(events::Log::of(&line, redaction)),
            Event::Record(record) => Self::Record(events::Record::of(&record, redaction)),
            Event::Object(object) => Self::Object(events::Object::of(&object, redaction)),
            Event::Stack(event) => Self::Stack(events::Stack::of(event, redaction)),
            Event::Call(call) => Self::Call(events::Call::of(call, redaction)),
        }
    }

    /// That these bodies are being sent.
    pub fn sending(sent: &[(u64, Bytes)], redaction: &mut Redaction) -> Self {
        Self::Send(sent.iter().map(|(seq, body)| events::Sending::of(*seq, body, redaction)).collect())
    }

    /// What it tells the app; `None`: nothing. An error says what in it cannot be understood.
    pub fn message(self) -> Result<Option<Message>, String> {
        let event = |event: Event| Message::Events(vec![event]);
        Ok(Some(match self {
            Self::Sent(sent) => event(Event::Sent(sent.read()?)),
            Self::Log(line) => event(Event::Log(line.read())),
            Self::Record(record) => event(Event::Record(record.read()?)),
            Self::Object(object) => event(Event::Object(object.read()?)),
            Self::Stack(step) => event(Event::Stack(step.read())),
            Self::Call(call) => event(Event::Call(call.read())),
            Self::Begin(begin) => Message::Begin(Box::new(begin.read())),
            Self::Faults(faults) => Message::Faults(faults.read()),
            Self::FileExists(file) => Message::FileExists(file),
            Self::LookBack(news) => Message::LookBack(news.into()),
            Self::Cloud(info) => Message::CloudReady(info.into()),
            Self::CloudFailed(error) => Message::CloudFailed(error),
            Self::Target(target) => Message::Reached(target.into()),
            Self::Note(words) => Message::DeployNote(words),
            Self::Step { what, done, total } => Message::DeployStep { what, done, total },
            Self::Deploy(progress) => Message::Deploy(progress.into()),
            Self::Budgets(budgets) => Message::Budgets(budgets.into_iter().map(Into::into).collect()),
            Self::Source(source) => {
                let (source, state) = source.read();
                Message::Tail(source, state)
            }
            Self::SendingEnded => Message::SendingEnded,
            Self::Notice(text) => Message::Notice(text),
            Self::Send(sent) => {
                Message::Sending(sent.into_iter().map(events::Sending::read).collect::<Result<_, _>>()?)
            }
            Self::Numbered(next) => Message::Numbered(next),
            Self::Earlier(count) => Message::History(vec![String::new(); count.min(MOST_EARLIER)]),
            Self::Key(key) => Message::Key(key.read()?),
            Self::Paste(text) => Message::Paste(text),
            Self::Mouse(mouse) => Message::Mouse(mouse.read()?),
            Self::Editor(text) => Message::EditorChanged(text),
            Self::Gap { missed } => {
                Message::Notice(format!("The recording lacks {missed} messages: they came faster than it was written."))
            }
            Self::Resize { .. } => return Ok(None),
        }))
    }

    /// Whether hands did it, which whoever looks at a replay may do otherwise.
    pub const fn is_of_hands(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Paste(_) | Self::Mouse(_) | Self::Editor(_))
    }
}

/// What an app that runs already was told before the recording began, in short: what it shows is of
/// that, and not what it showed.
pub fn opening(app: &App) -> Vec<Message> {
    let begin = app::Begin {
        settings: Some(Ok(app.settings())),
        theme: Some(app.theme()),
        motion: Some(app.motion()),
        present: app.presents(),
        ..app::Begin::default()
    };
    let mut told = vec![Message::Begin(Box::new(begin))];
    told.extend(app.cloud().cloned().map(Message::CloudReady));
    if let Some(ready) = app.deployment().ready() {
        told.push(Message::Deploy(app::DeployProgress::Done {
            status: ready.status.clone(),
            outputs: ready.outputs.clone(),
            buffering: ready.buffering,
            took: ready.took,
            unchanged: true,
        }));
    }
    if app.deployment().settings.is_known() {
        told.push(Message::Deploy(app::DeployProgress::Settings(app.deployment().settings.clone())));
    }
    for source in [app::EventSource::Logs, app::EventSource::Records, app::EventSource::Objects] {
        told.extend(app.tail(source).cloned().map(|state| Message::Tail(source, state)));
    }
    told.push(Message::Numbered(app.send().next_seq()));
    told.push(Message::EditorChanged(app.send().text().to_owned()));
    told
}

/// A duration in microseconds.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A duration in milliseconds.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
