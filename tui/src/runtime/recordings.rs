//! What goes to files while the app runs: the session, and what stands on the screen.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use ratatui::buffer::Buffer;
use tailwater_core::{
    app::{App, Message, Options, Recording},
    text::number,
};
use tokio::sync::mpsc::Sender;

use crate::{
    session::{Header, Recorder, ScreenRecorder},
    target::now,
};

/// The recordings that run.
pub struct Recordings {
    header: Header,
    messages: Sender<Message>,
    session: Option<Running<Recorder>>,
    screen: Option<Running<ScreenRecorder>>,
}

struct Running<T> {
    file: String,
    recorder: T,
    /// It ended by itself, and that was said.
    failed: Arc<AtomicBool>,
}

impl Recordings {
    /// None yet, of an app that is started with these options on a screen of this size.
    pub fn new(options: &Options, size: (u16, u16), messages: Sender<Message>) -> Self {
        Self { header: Header::of(options, size), messages, session: None, screen: None }
    }

    /// Begins to record the session; `fresh`: with the app itself.
    pub fn begin(&mut self, app: &mut App, file: &str, fresh: bool) -> Result<(), String> {
        let header = if fresh { self.header.clone() } else { self.header.beginning_now(app) };
        let (failed, told) = self.failing(format!("The recording {file} ended"));
        let recorder = Recorder::start(Path::new(file), &header, told).map_err(|error| words(&error))?;
        if !fresh {
            recorder.open(app);
        }
        self.session = Some(Running { file: file.to_owned(), recorder, failed });
        self.tell(app);
        Ok(())
    }

    /// Begins to record the session of an app that runs, and says so.
    pub fn record(&mut self, app: &mut App, file: &str) {
        let words = match self.begin(app, file, false) {
            Ok(()) => format!("Recording to {file}, secrets masked. `:record` again ends it."),
            Err(error) => format!("record the session to {file}: {error}"),
        };
        app.update(Message::Notice(words));
    }

    /// Ends the recording of the session.
    pub fn stop(&mut self, app: &mut App) {
        if let Some(running) = self.session.take() {
            let file = running.file.clone();
            drop(running);
            self.tell(app);
            app.update(Message::Notice(format!("Recorded: `tailwater replay {file}` plays it{}.", size(&file))));
        }
    }

    /// Begins an asciicast, and says so.
    pub fn cast(&mut self, app: &mut App, file: &str) {
        let (failed, told) = self.failing(format!("The asciicast {file} ended"));
        let words = match ScreenRecorder::start(Path::new(file), app.size(), now(), told) {
            Ok(recorder) => {
                self.screen = Some(Running { file: file.to_owned(), recorder, failed });
                self.tell(app);
                format!("Recording the screen to {file} as it is drawn. `:asciicast` again ends it.")
            }
            Err(error) => format!("record the screen to {file}: {}", self::words(&error)),
        };
        app.update(Message::Notice(words));
        app.redraw();
    }

    /// Ends the asciicast.
    pub fn stop_cast(&mut self, app: &mut App) {
        if let Some(Running { file, recorder, .. }) = self.screen.take() {
            recorder.end(now());
            self.tell(app);
            app.update(Message::Notice(format!("Recorded: `asciinema play {file}` plays it{}.", size(&file))));
        }
    }

    /// Records what the app is about to be told.
    pub fn see(&mut self, app: &mut App, message: &Message) {
        let over = |failed: Option<&Arc<AtomicBool>>| failed.is_some_and(|failed| failed.load(Ordering::Relaxed));
        if over(self.session.as_ref().map(|running| &running.failed)) {
            self.session = None;
            self.tell(app);
        }
        if over(self.screen.as_ref().map(|running| &running.failed)) {
            self.screen = None;
            self.tell(app);
        }
        if let Some(running) = &self.session {
            running.recorder.see(app.now(), message);
        }
    }

    /// Records what is being sent.
    pub fn sending(&self, events: &[(u64, Bytes)]) {
        if let Some(running) = &self.session {
            running.recorder.sending(now(), events);
        }
    }

    /// Records what was drawn.
    pub fn drawn(&mut self, frame: &Buffer) {
        if let Some(running) = &mut self.screen {
            running.recorder.frame(now(), frame);
        }
    }

    /// Ends them with the app.
    pub fn end(&mut self) {
        self.session = None;
        if let Some(running) = self.screen.take() {
            running.recorder.end(now());
        }
    }

    fn tell(&self, app: &mut App) {
        app.update(Message::Recording(Recording {
            session: self.session.as_ref().map(|running| running.file.clone()),
            screen: self.screen.as_ref().map(|running| running.file.clone()),
        }));
    }

    /// Who learns that a recording failed: the screen.
    fn failing(&self, what: String) -> (Arc<AtomicBool>, Box<dyn FnOnce(String) + Send>) {
        let failed = Arc::new(AtomicBool::new(false));
        let (flag, messages) = (failed.clone(), self.messages.clone());
        let told = move |error: String| {
            flag.store(true, Ordering::Relaxed);
            // The app may have ended, and listens no more; while it waits for this thread it must not
            // be waited for.
            let _ = messages.try_send(Message::Notice(format!("{what}: {error}. What was written stays.")));
        };
        (failed, Box::new(told))
    }
}

fn words(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        "it is there already and is not overwritten. Choose another name".to_owned()
    } else {
        error.to_string()
    }
}

/// `, 12 KiB`.
fn size(file: &str) -> String {
    std::fs::metadata(file).map(|file| format!(", {}", number::size(file.len()))).unwrap_or_default()
}
