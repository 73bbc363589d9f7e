//! The terminal app as a pure function: (state, message) → (state, effects).
//!
//! The runtime turns keys and batches of events into [`Message`]s, calls [`App::update`], and
//! carries out the [`Effect`]s that come back; the `ui` room draws the state.

mod agreeing;
mod asking;
mod axis;
mod body;
mod breaking;
mod calls;
mod chart;
mod commands;
mod deployment;
mod detail;
mod diagnostics;
mod effect;
mod figures;
mod finding;
mod flow;
mod help;
mod history;
pub mod keymap;
mod keys;
mod layout;
mod load;
mod look;
mod look_back;
mod message;
mod message_log;
mod moving;
mod palette;
mod pane;
mod picker;
mod possible;
mod present;
mod press;
mod prompt;
mod query;
mod recording;
mod replay;
mod request;
mod row;
mod saving;
mod send;
mod settings;
mod strip;
mod times;
mod tour;
mod trace_view;
mod trace_words;
mod traces_pane;
mod trail;
mod verdict;
mod words;

pub use asking::AskingLine;
pub use axis::{Axis, BREAK_CELLS, Mark, Point, measured};
use body::Body;
pub use body::JsonLine;
pub use breaking::{Breaking, FaultOrder, FaultRow};
pub use calls::{CallBudget, CallRow, Calls, OperationCalls};
pub use chart::{Chart, ChartResource, ChartRow, TemplateResource, axis_step};
pub use commands::{COMMANDS, Command};
pub use deployment::{
    Deployment, Destroying, First, HopProgress, Operation, Phase, Ready, ResourceState, Work, is_done,
};
pub use detail::{Detail, DetailLine, RecordLine, ranges};
pub use effect::{Effect, EventSource};
pub use figures::{Figures, Seconds, WINDOW_SECONDS};
pub use flow::Moving;
pub use help::{HelpLine, HelpView};
pub use history::History;
pub use keymap::{Action, Context};
pub use keys::{Key, KeyPress, Mouse, MouseKind};
pub use layout::{Area, Arrangement, Layout, SMALLEST};
pub use load::LoadPlan;
pub use look::Begin;
pub use look_back::{LookBack, LookBackNews};
pub use message::{CloudInfo, DeployProgress, Message, TailState, Target};
pub use message_log::{MessageLog, Said};
pub use palette::{Item, Palette};
pub use pane::{Direction, Pane, PaneState};
pub use picker::{Picker, PickerItem, PickerKind};
pub use present::{Countdown, HELD_AT_EACH_HOP, Present, SMALLEST_TO_PRESENT};
pub use prompt::{Prompt, PromptKind};
pub use query::{Query, QueryError};
pub use recording::Recording;
pub use replay::{NOTHING_IS_CHANGED, Replay, ReplayStep, Speed};
pub use request::RequestEdits;
pub use row::{ObjectRow, Row, source_word};
pub use saving::Viewer;
pub use send::{Check, InFlight, Outgoing, Send, Template};
pub use settings::{Settings, ThemeName};
pub use strip::{HopView, OnTheLine, Sign};
pub use times::Times;
pub use tour::{TOUR_LINES, TourWords};
pub use trace_view::{TraceItem, TraceView};
pub use trace_words::{RowBar, TraceRow, TraceScreen, short};
pub use traces_pane::{EventRow, PlaceTimes, TimesTable, TracesPane, cold_words, window_words};
pub use trail::{HopOfTrail, Trail};
pub use verdict::{Evidence, Streak, Trouble, Troubles, Verdict, Why, verdict};
pub use words::Line;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use finding::Finding;

use crate::{
    events::{Answer, Event, Sent, StackName, Timestamp},
    text::time::UtcOffset,
    trace::{EventNumber, Held, Ledger, Traces},
};

/// How long a word on what was just done stays.
const NOTICE_STAYS: Duration = Duration::from_secs(8);
/// How many accepted events that no record shows yet are looked for on the strip.
const PUT_NOT_SEEN_MOST: usize = 50;

/// On AWS, below this width, Send is one line and the tails have the room.
const TAILS_BELOW: u16 = 100;

/// What the app is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the pipeline lives.
    pub target: Target,
    /// The stack.
    pub stack_name: StackName,
    /// Whether colours may be used: not with `NO_COLOR`.
    pub colours: bool,
    /// The resources of the bundled template, and what needs what.
    pub template: Vec<TemplateResource>,
    /// Sample events, each a name and a text with placeholders.
    pub templates: Vec<(String, String)>,
    /// The offset in which times are shown.
    pub offset: UtcOffset,
    /// The time.
    pub now: Timestamp,
    /// Where the placeholders' random numbers start.
    pub seed: u64,
}

/// A question that waits for `y` or `n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Quit, although something is lost.
    Quit,
    /// Send for the first time to an account of AWS.
    SendToAws,
    /// Send many events to an account of AWS.
    LoadToAws(LoadPlan),
    /// What is to become of the operation that runs.
    Running,
    /// Look for an event further back.
    LookBack,
    /// Write over this file.
    Overwrite(String),
}

/// The app's state.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
pub struct App {
    target: Target,
    stack_name: StackName,
    colours: bool,
    offset: UtcOffset,
    /// Rows say how long ago they are.
    ago: bool,
    now: Timestamp,
    size: (u16, u16),
    cloud: Option<CloudInfo>,
    deployment: Deployment,
    template: Vec<TemplateResource>,
    /// The chart's row that was chosen; `None`: the one that changed last.
    chart_row: Option<usize>,
    /// What failed because of the first cause is shown.
    unfolded: bool,
    /// Stack shows its events, not the chart.
    events_listed: bool,
    /// The first line of the preview in sight.
    preview_scroll: usize,
    /// The end of the stack is being asked about.
    destroying: Option<Destroying>,
    calls: Calls,
    traces: Traces,
    figures: Figures,
    tails: HashMap<EventSource, TailState>,
    send: Send,
    /// What of the request differs from the usual one.
    request: RequestEdits,
    /// Many events that are being sent.
    load: Option<load::Load>,
    /// A list to pick from, while it is open.
    picker: Option<Picker>,
    /// The tour, while it is on.
    tour: Option<tour::Tour>,
    /// Nothing was ever sent: the tour is offered.
    tour_offered: bool,
    panes: [PaneState; Pane::ALL.len()],
    /// When the last record came, by the clock of the stream.
    last_record: Timestamp,
    focus: Pane,
    /// The pane of the overview that was focused before Stack was.
    focus_before: Pane,
    large: bool,
    editing: bool,
    prompt: Option<Prompt>,
    finding: Finding,
    palette: Option<Palette>,
    detail: Option<Detail>,
    /// The trace that is open.
    trace: Option<TraceView>,
    /// Which events have a row in Traces.
    traces_pane: TracesPane,
    /// What went wrong, as rows showed it.
    troubles: Troubles,
    /// What is wrong, once it was worked out for this state.
    #[expect(clippy::option_option, reason = "known that nothing is wrong is not the same as not known yet")]
    known_verdict: RefCell<Option<Option<Verdict>>>,
    /// What is broken on purpose.
    breaking: Breaking,
    /// How far the messages are scrolled up from the newest, where they are open.
    messages: Option<usize>,
    message_log: MessageLog,
    look: look::Look,
    flow: flow::Flow,
    present: Option<Present>,
    /// The help, where it is open.
    help: Option<HelpView>,
    question: Option<Question>,
    look_back: Option<LookBack>,
    notice: Option<(String, Timestamp)>,
    /// Sending to this account was agreed to.
    send_agreed: bool,
    recording: Recording,
    /// Where the replay stands; `None`: this is no replay.
    replay: Option<Replay>,
    /// A recording tells what happens.
    fed: bool,
    /// What comes in now is told by the recording, not done by whoever sits here.
    from_recording: bool,
    ledger: Cell<Option<Ledger>>,
    held: Cell<Option<Held>>,
    dirty: bool,
}

impl App {
    /// The app before anything happened: its first frame waits for nothing.
    pub fn new(options: Options) -> Self {
        // Whoever comes to AWS came to look, whoever is on a local cloud sends.
        let (phase, focus) = match options.target {
            Target::Local => (Phase::StartingCloud, Pane::Send),
            Target::Aws { .. } => (Phase::Looking, Pane::Logs),
        };
        Self {
            deployment: Deployment::new(phase, options.now),
            send: Send::new(options.templates, options.seed, options.now),
            request: RequestEdits::default(),
            load: None,
            picker: None,
            tour: None,
            tour_offered: false,
            target: options.target,
            stack_name: options.stack_name,
            colours: options.colours,
            offset: options.offset,
            ago: false,
            now: options.now,
            size: SMALLEST,
            cloud: None,
            template: options.template,
            chart_row: None,
            unfolded: false,
            events_listed: false,
            preview_scroll: 0,
            destroying: None,
            calls: Calls::default(),
            traces: Traces::new(),
            figures: Figures::default(),
            tails: HashMap::new(),
            panes: Pane::ALL.map(PaneState::of),
            last_record: Timestamp::default(),
            focus,
            focus_before: focus,
            large: false,
            editing: false,
            prompt: None,
            finding: Finding::default(),
            palette: None,
            detail: None,
            trace: None,
            traces_pane: TracesPane::default(),
            troubles: Troubles::default(),
            known_verdict: RefCell::default(),
            breaking: Breaking::default(),
            help: None,
            messages: None,
            message_log: MessageLog::default(),
            look: look::Look::default(),
            flow: flow::Flow::default(),
            present: None,
            question: None,
            look_back: None,
            notice: None,
            send_agreed: false,
            recording: Recording::default(),
            replay: None,
            fed: false,
            from_recording: false,
            ledger: Cell::new(None),
            held: Cell::new(None),
            dirty: true,
        }
    }

    /// Takes in what happened, and says what is to be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        *self.known_verdict.get_mut() = None;
        let effects = self.take_in(message);
        self.watch_tour();
        effects
    }

    fn take_in(&mut self, message: Message) -> Vec<Effect> {
        if let Message::Tick(now) = message {
            self.tick(now);
            return self.load_due();
        }
        if let Message::Events(events) = &message
            && events.iter().all(|event| matches!(event, Event::Call(_)))
        {
            return self.called(events);
        }
        if let Message::Budgets(budgets) = message {
            self.dirty |= self.calls.set_budgets(budgets) && self.focus == Pane::Calls;
            return Vec::new();
        }
        if let Message::Replay(replay) = message {
            self.set_replay(replay);
            return Vec::new();
        }
        self.dirty = true;
        let mut effects = Vec::new();
        match message {
            Message::Tick(_) | Message::Budgets(_) | Message::Replay(_) => {}
            Message::Begin(begin) => self.begin(*begin),
            Message::Key(press) => return self.press(press),
            Message::Paste(text) => self.paste(&text),
            Message::Mouse(mouse) => self.mouse(mouse),
            Message::Resize { width, height } => self.size = (width, height),
            Message::EditorChanged(text) => {
                if text != self.send.text() {
                    self.notice = None;
                }
                self.send.edited(text, self.now);
            }
            Message::CloudReady(info) => {
                if let Some(note) = &info.note {
                    self.say(note.clone());
                }
                self.cloud = Some(info);
                self.traces.set_one_clock();
                if matches!(self.deployment.phase, Phase::StartingCloud | Phase::CloudFailed(_)) {
                    self.deployment.phase = Phase::Deploying;
                }
            }
            Message::CloudFailed(error) => {
                self.message_log.add(self.now, Sign::Failed, &error);
                self.deployment.phase = Phase::CloudFailed(error);
            }
            Message::Reached(target) => self.target = target,
            Message::DeployNote(words) => {
                if self.focus != Pane::Stack {
                    self.say(words.clone());
                }
                self.deployment.note(words, self.now);
            }
            Message::DeployStep { what, done, total } => {
                self.deployment.step(&what, done, total, self.now);
            }
            Message::Deploy(progress) => {
                if matches!(progress, DeployProgress::Previewed(_) | DeployProgress::First(_)) {
                    self.preview_scroll = 0;
                }
                if let DeployProgress::Failed { error } | DeployProgress::Explained { error } = &progress {
                    self.message_log.add(self.now, Sign::Failed, error);
                }
                self.deployment.progress(progress, self.now);
                if self.deployment.ready().is_none() {
                    self.tails.clear();
                }
                if let Some(retention) = self.retention() {
                    self.traces.set_retention(retention);
                }
                if let Some(ready) = self.deployment.ready() {
                    // What was said on the way gives place to the next step; how the cloud came up stays.
                    self.notice = None;
                    if let Some(note) = self.cloud.as_ref().and_then(|cloud| cloud.note.clone()) {
                        self.notice = Some((note, self.now.plus(NOTICE_STAYS)));
                    }
                    self.traces.set_interval(Duration::from_secs(ready.buffering.interval_seconds));
                    self.forget_sums();
                }
            }
            Message::Events(events) => {
                let operated = self.deployment.operating();
                for event in events {
                    self.seen(event);
                }
                // What someone else made or took away is looked at when it is done.
                let look = operated && !self.deployment.operating() && self.deployment.work.is_none();
                let others = self.cloud.as_ref().is_some_and(|cloud| !cloud.own);
                if look && (others || matches!(self.target, Target::Aws { .. })) {
                    effects.push(Effect::Look);
                }
                self.forget_sums();
                self.list_events();
                self.look_again();
            }
            // What still comes of a pipeline that was taken down is no news.
            Message::Tail(..) if self.deployment.ready().is_none() => {}
            Message::Tail(source, state) => {
                self.log_tail(source, &state);
                self.tails.insert(source, state);
            }
            Message::SendingEnded => {
                let left = self.send.ended();
                if !left.is_empty() {
                    self.stop_load();
                }
                self.unanswered(left, "sending ended without an answer");
            }
            Message::Notice(text) => self.say(text),
            Message::FileExists(file) => self.ask_to_overwrite(file),
            Message::Faults(answer) => self.set_faults(answer),
            Message::History(bodies) => {
                self.offer_tour(bodies.len());
                self.send.earlier(bodies);
            }
            Message::Recording(recording) => self.recording = recording,
            Message::Numbered(next) => self.send.number_from(next, self.now),
            Message::Sending(events) => {
                let seqs = self.send.begun(events, self.now);
                for seq in &seqs {
                    self.traces.sending(*seq, self.now);
                }
                self.load_begun(&seqs);
                self.forget_sums();
            }
            Message::LookBack(news) => self.looked_back(news),
        }
        effects
    }

    /// Calls alone: they come all the time, and only the view of them changes.
    fn called(&mut self, events: &[Event]) -> Vec<Effect> {
        for event in events {
            if let Event::Call(call) = event {
                self.calls.add(call);
            }
        }
        self.dirty |= self.focus == Pane::Calls;
        Vec::new()
    }

    fn tick(&mut self, now: Timestamp) {
        let changes = self.changes_with_time();
        self.now = now;
        if self.finding.is_due() {
            self.look_again();
        }
        self.dirty |= self.forget_pressed_keys();
        if self.moves() {
            self.dirty = true;
            let hold = self.hold();
            self.flow.pass(now, hold);
            self.flow.retain(|number| self.traces.get(number).is_some());
            self.follow_newest_event();
        }
        if self.notice.as_ref().is_some_and(|(_, until)| *until <= now) {
            self.notice = None;
        }
        if changes {
            self.forget_sums();
            self.dirty = true;
        }
    }

    fn seen(&mut self, event: Event) {
        let (pane, row) = match event {
            Event::Sent(sent) => {
                self.traces.sent(&sent);
                self.figures.sent(&sent);
                self.send.answered(sent.seq);
                self.load_answered(&sent);
                (Pane::Send, Row::Sent(sent))
            }
            Event::Log(line) => {
                self.traces.log(&line);
                self.figures.log(&line);
                (Pane::Logs, Row::log(line))
            }
            Event::Record(record) => {
                self.traces.record(&record);
                self.figures.records.add(record.time, 1);
                self.last_record = self.last_record.max(record.time);
                (Pane::Records, Row::Record(record))
            }
            Event::Object(object) => {
                self.traces.object(&object);
                let lines = object.records().unwrap_or(0) as u64;
                self.figures.landed.add(object.time, lines);
                self.figures.lines_in_s3 += lines;
                self.figures.objects += 1;
                (Pane::Objects, Row::Object(object.into()))
            }
            Event::Stack(event) => {
                if !self.deployment.event(&event) {
                    return;
                }
                (Pane::Stack, Row::Stack(event))
            }
            Event::Call(call) => {
                self.calls.add(&call);
                return;
            }
        };
        self.observe(&row);
        self.troubles.see(&row, (pane, self.panes[pane as usize].history().next()));
        self.panes[pane as usize].push(row, &self.traces);
    }

    /// Events that will get no answer: each may have arrived or not.
    fn unanswered(&mut self, left: BTreeMap<u64, InFlight>, why: &str) {
        for (seq, InFlight { since, body }) in left {
            let answer = Answer::Unanswered { message: why.to_owned() };
            self.seen(Event::Sent(Sent { seq, time: since, latency: self.now.since(since), body, answer }));
        }
        self.forget_sums();
    }

    fn say(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.message_log.add(self.now, Sign::Done, &text);
        self.notice = Some((text, self.now.plus(NOTICE_STAYS)));
    }

    fn forget_sums(&self) {
        self.ledger.set(None);
        self.held.set(None);
    }

    /// Whether the screen differs from the one last drawn.
    pub const fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// The screen is to be drawn again, whatever changed.
    pub const fn redraw(&mut self) {
        self.dirty = true;
    }

    /// Whether the screen differs from the one last drawn; asking makes it drawn.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// Whether time alone changes what the screen shows: while this is so, ticks are due at least
    /// once a second.
    pub fn changes_with_time(&self) -> bool {
        self.deployment.running()
            || self.notice.is_some()
            || self.finding.is_due()
            || (self.ago && self.panes.iter().any(|pane| !pane.is_empty()))
            || self.shows_keys()
            || self.moves()
            || self.load.is_some()
            || !self.send.in_flight().is_empty()
            || self.figures.any_recent(self.now)
            || self.held().records > 0
            || self.ledger().on_the_way > 0
    }

    /// Where the pipeline lives.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The stack.
    pub const fn stack_name(&self) -> &StackName {
        &self.stack_name
    }

    /// Whether colours may be used.
    pub const fn colours(&self) -> bool {
        self.colours
    }

    /// The offset in which times are shown.
    pub const fn offset(&self) -> UtcOffset {
        self.offset
    }

    /// The time of the last tick.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The screen's width and height in cells.
    pub const fn size(&self) -> (u16, u16) {
        self.size
    }

    /// The embedded cloud, once it is there.
    pub const fn cloud(&self) -> Option<&CloudInfo> {
        self.cloud.as_ref()
    }

    /// How far the deployment is.
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Every event that was seen.
    pub const fn traces(&self) -> &Traces {
        &self.traces
    }

    /// The figures of the last minute.
    pub const fn figures(&self) -> &Figures {
        &self.figures
    }

    /// How a source fares, once it said so.
    pub fn tail(&self, source: EventSource) -> Option<&TailState> {
        self.tails.get(&source)
    }

    /// The Send pane's editor, templates and history.
    pub const fn send(&self) -> &Send {
        &self.send
    }

    /// A pane's rows.
    pub const fn pane(&self, pane: Pane) -> &PaneState {
        &self.panes[pane as usize]
    }

    /// The focused pane.
    pub const fn focus(&self) -> Pane {
        self.focus
    }

    /// The pane that takes all the room, where one does.
    pub fn large(&self) -> Option<Pane> {
        (self.large || self.focus.is_apart()).then_some(self.focus)
    }

    /// Whether keys are text for the editor.
    pub fn editing(&self) -> bool {
        self.context() == Context::Editing
    }

    /// The line being typed.
    pub const fn prompt(&self) -> Option<&Prompt> {
        self.prompt.as_ref()
    }

    /// The row that is open.
    pub const fn detail(&self) -> Option<&Detail> {
        self.detail.as_ref()
    }

    /// The event whose trace is open.
    pub fn trace(&self) -> Option<EventNumber> {
        self.trace.as_ref().map(|view| view.number)
    }

    /// The question that waits.
    pub const fn question(&self) -> Option<&Question> {
        self.question.as_ref()
    }

    /// Where the events sent from here are, now.
    pub fn ledger(&self) -> Ledger {
        let ledger = self.ledger.get().unwrap_or_else(|| self.traces.ledger(self.now));
        self.ledger.set(Some(ledger));
        ledger
    }

    /// What Firehose holds, as far as can be told.
    pub fn held(&self) -> Held {
        let held = self.held.get().unwrap_or_else(|| self.traces.held());
        self.held.set(Some(held));
        held
    }

    /// The event whose row is selected: it is marked in every pane.
    pub fn selected_number(&self) -> Option<EventNumber> {
        self.pane(self.focus).selected().and_then(|(_, row)| row.number(&self.traces))
    }

    /// What stands where.
    pub fn layout(&self) -> Layout {
        self.layout_of(self.size.0, self.size.1)
    }

    /// What stands where on a screen of this size.
    pub fn layout_of(&self, width: u16, height: u16) -> Layout {
        let height = height.saturating_sub(self.tour_lines());
        let on_aws = matches!(self.target, Target::Aws { .. });
        let how = if self.presents() {
            Arrangement::Present
        } else if on_aws && width < TAILS_BELOW && self.focus != Pane::Send {
            Arrangement::Tails
        } else {
            Arrangement::Grid
        };
        let large = if self.presents() { Some(self.focus) } else { self.large() };
        Layout::with(width, height, self.header_lines(), large, how)
    }

    /// The smallest screen that is drawn now.
    pub const fn smallest(&self) -> (u16, u16) {
        if self.presents() { SMALLEST_TO_PRESENT } else { SMALLEST }
    }

    /// On AWS a second line says who one is there.
    pub const fn header_lines(&self) -> u16 {
        match self.target {
            Target::Local => 1,
            Target::Aws { .. } => 2,
        }
    }

    /// Whether Stack shows its events, not the chart.
    pub const fn events_listed(&self) -> bool {
        self.events_listed
    }

    /// The first line of the preview in sight.
    pub const fn preview_scroll(&self) -> usize {
        self.preview_scroll
    }

    /// How the stack would be taken down, while that is asked about.
    pub const fn destroying(&self) -> Option<&Destroying> {
        self.destroying.as_ref()
    }

    /// Where a key that is pressed now is pressed.
    pub fn context(&self) -> Context {
        if self.palette.is_some() && self.question.is_none() { Context::Palette } else { self.context_below() }
    }

    /// Where a key is pressed when the palette is closed.
    pub(super) fn context_below(&self) -> Context {
        if self.question == Some(Question::Running) {
            Context::Running
        } else if self.question.is_some() {
            Context::Question
        } else if self.prompt.is_some() {
            Context::Prompt
        } else if self.messages.is_some() {
            Context::Messages
        } else if self.picker.is_some() {
            Context::Picker
        } else if self.help.is_some() {
            Context::Help
        } else {
            self.context_beneath_help()
        }
    }

    /// Where a key would be pressed if the help were closed.
    fn context_beneath_help(&self) -> Context {
        if self.detail.is_some() {
            Context::Detail
        } else if self.bytes_shown() {
            Context::Bytes
        } else if self.trace.is_some() {
            Context::Trace
        } else if self.breaks() {
            Context::Breaking
        } else if self.focus == Pane::Stack && self.destroying.is_some() {
            Context::Destroy
        } else if self.focus == Pane::Stack && self.deployment.losses().is_some() {
            Context::Preview
        } else if self.deployment.ready().is_none() && !self.focus.is_apart() {
            Context::Start
        } else if self.editing {
            Context::Editing
        } else {
            Context::Panes
        }
    }

    /// Accepted events that no record shows yet, among the last ones.
    fn put_not_seen(&self) -> u64 {
        let last = self.traces.own().rev().take(PUT_NOT_SEEN_MOST);
        last.filter(|(_, trace)| trace.put() && trace.record_at.is_none() && trace.landing.is_none()).count() as u64
    }
}

#[cfg(test)]
mod tests;
