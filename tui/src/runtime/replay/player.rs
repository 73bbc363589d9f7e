//! The app as a recording feeds it: at any moment of the recording it is what it was then, as far as
//! the recording tells.

use std::time::Duration;

use tailwater_core::{
    app::{App, Begin, Effect, Message, Options, ThemeName},
    events::StackName,
};

use super::super::start;
use crate::{
    session::{Happened, Recording},
    ui::Screen,
};

/// How many of one's own keys are pressed again after a step back.
const OWN_KEYS_KEPT: usize = 500;

/// How it is to look, whatever the recording says.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Whether colours may be used.
    pub colours: bool,
    /// The theme that was asked for.
    pub theme: Option<ThemeName>,
    /// Whether things are to move.
    pub motion: Option<bool>,
}

impl Look {
    /// What was recorded, where nothing else is asked for.
    fn over(self, begin: Begin) -> Message {
        // Colours that nobody asked for here are not used where there are to be none.
        let recorded = begin.theme.filter(|_| self.colours);
        let (theme, motion) = (self.theme.or(recorded), self.motion.or(begin.motion));
        Message::Begin(Box::new(Begin { theme, motion, ..begin }))
    }
}

/// The app, and how much of the recording it was told.
pub struct Player {
    recording: Recording,
    /// The app.
    pub app: App,
    /// What is remembered between two draws.
    pub screen: Screen,
    size: (u16, u16),
    /// The screen has the size that it was recorded with, whatever that becomes.
    as_large_as_recorded: bool,
    look: Look,
    next: usize,
    position: Duration,
    /// From here on the recorded keys are not pressed: whoever sits here looks elsewhere.
    own_since: Option<Duration>,
    own: Vec<Message>,
}

impl Player {
    /// At the start, on a screen of this size.
    pub fn new(recording: Recording, size: (u16, u16), look: Look) -> Self {
        let app = app(&recording, size, look);
        Self {
            recording,
            app,
            screen: Screen::new(),
            size,
            as_large_as_recorded: false,
            look,
            next: 0,
            position: Duration::ZERO,
            own_since: None,
            own: Vec::new(),
        }
    }

    /// At the start, on the screen that was recorded.
    pub fn as_recorded_on(recording: Recording, look: Look) -> Self {
        let size = (recording.header.columns, recording.header.rows);
        Self { as_large_as_recorded: true, ..Self::new(recording, size, look) }
    }

    /// The recording.
    pub const fn recording(&self) -> &Recording {
        &self.recording
    }

    /// When something happens next.
    pub fn next_at(&self) -> Option<Duration> {
        self.recording.happenings.get(self.next).map(|next| Duration::from_millis(next.ms))
    }

    /// Whether whoever sits here looks elsewhere than the recording did.
    pub const fn has_own_view(&self) -> bool {
        self.own_since.is_some()
    }

    /// Goes to this moment. Back is from the start on.
    pub fn go_to(&mut self, position: Duration) {
        if position < self.position {
            self.begin_again(position);
            return;
        }
        self.run_to(position);
    }

    fn begin_again(&mut self, position: Duration) {
        self.next = 0;
        let replay = self.app.replay().copied();
        self.app = app(&self.recording, self.size, self.look);
        if let Some(replay) = replay {
            self.app.update(Message::Replay(replay));
        }
        self.screen = Screen::new();
        self.run_to(position);
        for message in self.own.clone() {
            let _looking_only = self.app.update(message);
        }
    }

    fn run_to(&mut self, position: Duration) {
        while let Some(next) = self.recording.happenings.get(self.next) {
            let at = Duration::from_millis(next.ms);
            if at > position {
                break;
            }
            self.next += 1;
            self.app.replayed(Message::Tick(self.recording.header.start.plus(at)));
            match &next.what {
                Happened::Outside(Message::Begin(begin)) => {
                    self.app.replayed(self.look.over((**begin).clone()));
                }
                Happened::Outside(message) => self.app.replayed(message.clone()),
                Happened::Hands(_) if self.own_since.is_some_and(|since| at > since) => {}
                Happened::Hands(message) => {
                    self.app.replayed(message.clone());
                    if matches!(message, Message::EditorChanged(_)) {
                        self.screen.take_text(&self.app);
                    }
                }
                Happened::Resize(width, height) if self.as_large_as_recorded => {
                    self.app.replayed(Message::Resize { width: *width, height: *height });
                }
                Happened::Resize(..) => {}
            }
        }
        self.position = position;
        self.app.replayed(Message::Tick(self.recording.header.start.plus(position)));
    }

    /// Takes in what whoever sits here does.
    pub fn look(&mut self, message: Message) -> Vec<Effect> {
        if let Message::Resize { width, height } = message {
            self.size = (width, height);
        }
        if self.app.leaves_the_recording(&message) {
            self.own_since.get_or_insert(self.position);
            if self.own.len() < OWN_KEYS_KEPT {
                self.own.push(message.clone());
            }
        }
        self.app.update(message)
    }

    /// What was done last is undone: it would have changed the world.
    pub fn take_back(&mut self) {
        self.own.pop();
        self.begin_again(self.position);
    }

    /// Looks where the recording looks.
    pub fn as_recorded(&mut self) {
        self.own_since = None;
        self.own.clear();
        self.begin_again(self.position);
    }
}

/// The app before anything happened.
fn app(recording: &Recording, (width, height): (u16, u16), look: Look) -> App {
    let header = &recording.header;
    let known = start::templates();
    let templates = header.templates().iter().map(|name| {
        let text = known.iter().find(|(known, _)| known == name).map_or("{}", |(_, text)| text.as_str());
        (name.clone(), text.to_owned())
    });
    let mut app = App::new(Options {
        target: header.target(),
        stack_name: StackName::from(header.stack_name()),
        colours: look.colours,
        template: crate::deploy::template_resources(),
        templates: templates.collect(),
        offset: header.offset(),
        now: header.start,
        seed: header.seed(),
    });
    app.update(look.over(Begin::default()));
    app.update(Message::Resize { width, height });
    app
}
