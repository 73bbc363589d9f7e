//! The terminal app's loop: spawns what touches the world, routes what comes of it, draws. It knows
//! no service.

mod burst;
mod diagnostics;
mod history;
mod outside;
mod paint;
mod recordings;
mod remembered;
mod replay;
mod saving;
mod start;
mod terminal;
mod work;

use std::{
    io::IsTerminal,
    path::Path,
    time::{Duration, Instant},
};

use crossterm::event::EventStream;
use futures::StreamExt;
use tailwater_core::app::{App, Begin, Effect, Message, Options, Settings};
use tokio::sync::mpsc;

use crate::{
    target::now,
    ui::{self, Screen},
};
use history::History;
use outside::{Ended, Outside};
use recordings::Recordings;
use remembered::Remembered;
pub use replay::{Export, export, replay};
pub use start::start;
use terminal::Terminal;
use work::Work;

/// At most so often the screen is drawn: 60 times a second.
const FRAME: Duration = Duration::from_millis(16);
/// How long messages are taken in between two draws.
const MESSAGES_FOR: Duration = Duration::from_millis(4);
/// How many messages may wait: behind that, sources wait.
const MESSAGES_AHEAD: usize = 256;
/// Between two looks at the clock while many events are sent: each is sent when it is due.
const LOAD_TICK: Duration = Duration::from_millis(10);
/// Between two looks at the clock while the screen shows something that changes with time.
const TICK: Duration = Duration::from_millis(500);
/// The same while something moves: twenty pictures a second.
const TICK_MOVING: Duration = Duration::from_millis(50);

/// Why the app could not run.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// There is no terminal to draw on.
    #[error(
        "the terminal app needs a terminal, and standard input or output is none. \
         For scripts there are commands: see `tailwater --help`"
    )]
    NoTerminal,
    /// The session cannot be recorded.
    #[error("record the session to {file}: {error}")]
    Record {
        /// The file.
        file: String,
        /// Why not.
        error: String,
    },
    /// A recording cannot be replayed.
    #[error(transparent)]
    Replay(#[from] crate::session::ReadError),
    /// What a recording was to become cannot be written.
    #[error("write {file}: {error}")]
    Export {
        /// The file.
        file: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The terminal failed.
    #[error("used the terminal: {0}")]
    Terminal(#[from] std::io::Error),
}

/// Runs the app until it is quit, and records it where that is wanted.
async fn run(options: Options, mut begin: Begin, work: Work, record: Option<&Path>) -> Result<(), RuntimeError> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(RuntimeError::NoTerminal);
    }
    let (sender, mut messages) = mpsc::channel(MESSAGES_AHEAD);
    let mut end = terminal::ToldToEnd::listen()?;
    let (width, height) = crossterm::terminal::size()?;
    let mut recordings = Recordings::new(&options, (width, height), sender.clone());
    let mut app = App::new(options);
    if let Some(file) = record {
        recordings
            .begin(&mut app, &file.display().to_string(), true)
            .map_err(|error| RuntimeError::Record { file: file.display().to_string(), error })?;
    }
    let (remembered, settings) = Remembered::open();
    begin.settings = settings;
    let begin = Message::Begin(Box::new(begin));
    recordings.see(&mut app, &begin);
    app.update(begin);
    let mut terminal = Terminal::enter(sender.clone())?;
    let mut screen = Screen::new();
    terminal.take_mouse(app.mouse_wanted())?;
    app.update(Message::Resize { width, height });
    // The first frame waits for nothing.
    terminal.draw(|frame| ui::draw(frame, &app, &mut screen))?;
    app.take_dirty();

    let history = History::open();
    let earlier = Message::History(history.bodies());
    let mut doing = Doing { work: work.start(sender), history, remembered, outside: None, recordings, picture: None };
    doing.update(&mut app, earlier).await;
    let mut keys = EventStream::new();
    let mut drawn = Instant::now();
    let mut next_picture = tokio::time::interval(TICK_MOVING);
    next_picture.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut next_load = tokio::time::interval(LOAD_TICK);
    next_load.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut next_tick = tokio::time::interval(TICK);
    next_tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let quit = 'app: loop {
        // The message phase. Keys go first: a flood of events must not make them wait.
        let frame_due = drawn + FRAME;
        let dirty = app.is_dirty();
        tokio::select! {
            biased;
            () = end.told(true) => break 'app true,
            key = keys.next() => match key {
                Some(Ok(event)) => {
                    doing.update(&mut app, Message::Tick(now())).await;
                    let events = if app.editing() { vec![event] } else { burst::gather(&mut keys, event).await };
                    for event in events {
                        if terminal::is_suspend(&event) && !app.editing() {
                            terminal.suspend()?;
                            app.redraw();
                        } else if let Some(message) = screen.handle(event, &app)
                            && doing.update(&mut app, message).await
                        {
                            break 'app false;
                        }
                    }
                }
                Some(Err(error)) => return Err(error.into()),
                None => break 'app true,
            },
            () = tokio::time::sleep_until(frame_due.into()), if dirty => {}
            Some(message) = messages.recv() => {
                doing.update(&mut app, Message::Tick(now())).await;
                let until = Instant::now() + MESSAGES_FOR;
                let mut next = Some(message);
                while let Some(message) = next {
                    if doing.update(&mut app, message).await {
                        break 'app false;
                    }
                    next = if Instant::now() < until { messages.try_recv().ok() } else { None };
                }
            }
            _ = next_load.tick(), if app.is_loading() => { doing.update(&mut app, Message::Tick(now())).await; }
            _ = next_picture.tick(), if app.moves() => { doing.update(&mut app, Message::Tick(now())).await; }
            _ = next_tick.tick(), if app.changes_with_time() => { doing.update(&mut app, Message::Tick(now())).await; }
        }
        if let Some(outside) = doing.outside.take() {
            // Whoever has the terminal now reads its keys.
            drop(keys);
            terminal.lend()?;
            let ended = outside::show(outside, &mut app, &mut doing, &mut messages, &mut end).await;
            // What was pressed to stop the other program was not meant for this one.
            end = terminal::ToldToEnd::listen()?;
            terminal.take_again()?;
            keys = EventStream::new();
            let (width, height) = crossterm::terminal::size()?;
            app.update(Message::Resize { width, height });
            match ended {
                Ok(Ended::Back) => {}
                Ok(Ended::Told) => break 'app true,
                Err(error) => {
                    app.update(Message::Notice(format!("showed it outside the app: {error}")));
                }
            }
        }
        // The draw phase: only when something changed, and not more often than anyone can see.
        if app.is_dirty() && drawn.elapsed() >= FRAME {
            terminal.take_mouse(app.mouse_wanted())?;
            let frame = terminal.draw(|frame| ui::draw(frame, &app, &mut screen))?;
            doing.recordings.drawn(frame);
            app.take_dirty();
            drawn = Instant::now();
        }
        if let Some(file) = doing.picture.take() {
            let words = paint::to_file(&app, &mut screen, Path::new(&file));
            app.update(Message::Notice(words));
        }
    };
    drop(terminal);
    doing.recordings.end();
    doing.remember(&app.settings());
    doing.work.end(quit).await;
    Ok(())
}

/// What carries the app's wishes out.
struct Doing {
    work: work::Running,
    history: History,
    /// What is to have the terminal next.
    outside: Option<Outside>,
    recordings: Recordings,
    /// The picture that is to be drawn.
    picture: Option<String>,
    remembered: Remembered,
}

impl Doing {
    /// Where it can't be written, the next session begins as this one did: that is no reason to hold
    /// up the end.
    fn remember(&mut self, settings: &Settings) {
        let _ = self.remembered.write(settings);
    }

    /// Hands a message to the app and carries out what comes of it; `true`: the app ends.
    async fn update(&mut self, app: &mut App, message: Message) -> bool {
        self.recordings.see(app, &message);
        for effect in app.update(message) {
            match effect {
                Effect::Quit => return true,
                Effect::Record(file) => self.recordings.record(app, &file),
                Effect::StopRecording => self.recordings.stop(app),
                Effect::Picture(file) => self.picture = Some(file),
                Effect::Asciicast(file) => self.recordings.cast(app, &file),
                Effect::StopAsciicast => self.recordings.stop_cast(app),
                // This is no replay.
                Effect::Replay(_) => {}
                Effect::Copy(text) => {
                    if let Err(error) = terminal::copy(&text) {
                        app.update(Message::Notice(format!("copied to the clipboard: {error}")));
                    }
                }
                Effect::Save { file, text, what, over } => {
                    app.update(saving::save(&file, &text, &what, over));
                }
                Effect::OpenIn { viewer, name, text } => self.outside = Some(Outside::OpenIn { viewer, name, text }),
                Effect::Print(text) => self.outside = Some(Outside::Print(text)),
                Effect::Remember(body) => {
                    if let Err(error) = self.history.add(&body) {
                        app.update(Message::Notice(format!("wrote the history of sent events: {error}")));
                    }
                }
                Effect::Diagnostics { path, text } => {
                    let said = diagnostics::write(&path, &text);
                    app.update(Message::Notice(said));
                }
                Effect::Deploy => self.work.begin(),
                Effect::Look => self.work.look(),
                Effect::Prepare => self.work.prepare(),
                Effect::Execute => self.work.execute(),
                Effect::Discard => self.work.discard(),
                Effect::RollBack => self.work.roll_back(),
                Effect::Destroy(how) => self.work.destroy(how),
                Effect::Cancel => self.work.cancel(),
                Effect::Send { events, rate, request } => {
                    self.recordings.sending(&events);
                    self.work.send(events, rate, request).await;
                }
                #[cfg(feature = "local")]
                Effect::Break(order) => self.work.order(order),
                #[cfg(not(feature = "local"))]
                Effect::Break(_) => {}
                Effect::StopSending => self.work.stop_sending(),
                Effect::LookBack { wanted, from, to } => self.work.look_back(wanted, from, to),
                Effect::StopLooking => self.work.stop_looking(),
            }
        }
        false
    }
}
