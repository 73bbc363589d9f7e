//! What has the terminal instead of the app for a while: a pager, an editor, or a row that is
//! printed where the terminal's own copying reaches it. The app goes on taking in what comes.

use std::io::{self, Write};

use crossterm::event::{Event, EventStream, KeyEventKind};
use futures::StreamExt;
use tailwater_core::app::{App, Message, Viewer};
use tokio::{process::Command, sync::mpsc::Receiver};

use super::{Doing, now, terminal};

/// What is to have the terminal.
pub(super) enum Outside {
    /// A text, until a key is pressed.
    Print(String),
    /// A program that shows a text.
    OpenIn {
        /// Which.
        viewer: Viewer,
        /// The end of the text's file's name.
        name: &'static str,
        /// The text.
        text: String,
    },
}

/// How it ended.
pub(super) enum Ended {
    /// The app has the terminal again.
    Back,
    /// The program is to end.
    Told,
}

/// Shows it and comes back. The terminal was given back before.
pub(super) async fn show(
    outside: Outside,
    app: &mut App,
    doing: &mut Doing,
    messages: &mut Receiver<Message>,
    end: &mut terminal::ToldToEnd,
) -> io::Result<Ended> {
    match outside {
        Outside::Print(text) => {
            let mut out = io::stdout();
            write!(out, "{text}\nPress any key to go back.")?;
            out.flush()?;
            let raw = terminal::Raw::enter()?;
            let mut keys = EventStream::new();
            let pressed = async {
                while let Some(Ok(event)) = keys.next().await {
                    if matches!(event, Event::Key(key) if key.kind == KeyEventKind::Press) {
                        break;
                    }
                }
            };
            let ended = meanwhile(pressed, app, doing, messages, end, true).await;
            drop(keys);
            drop(raw);
            writeln!(out)?;
            Ok(match ended {
                Some(()) => Ended::Back,
                None => Ended::Told,
            })
        }
        Outside::OpenIn { viewer, name, text } => {
            let mut file = tempfile::Builder::new().prefix("tailwater-").suffix(&format!("-{name}")).tempfile()?;
            file.write_all(text.as_bytes())?;
            file.flush()?;
            let words = match viewer.command(|name| std::env::var(name).ok()) {
                Ok(words) => words,
                Err(error) => {
                    app.update(Message::Notice(error));
                    return Ok(Ended::Back);
                }
            };
            let (program, arguments) = words.split_first().ok_or_else(|| io::Error::other("no program"))?;
            let child = Command::new(program).args(arguments).arg(file.path()).kill_on_drop(true).spawn();
            let mut child = match child {
                Ok(child) => child,
                Err(error) => {
                    let variable = if viewer == Viewer::Pager { "$PAGER" } else { "$EDITOR" };
                    app.update(Message::Notice(format!("started {program}: {error}. {variable} names another one.")));
                    return Ok(Ended::Back);
                }
            };
            // Its Ctrl-C reaches this program, too, and is not meant for it.
            match meanwhile(child.wait(), app, doing, messages, end, false).await {
                Some(Ok(status)) if !status.success() => {
                    app.update(Message::Notice(format!("{program} ended with {status}.")));
                    Ok(Ended::Back)
                }
                Some(Err(error)) => Err(error),
                Some(Ok(_)) => Ok(Ended::Back),
                None => Ok(Ended::Told),
            }
        }
    }
}

/// Takes in what comes until something is done; `None`: the program is told to end.
async fn meanwhile<T>(
    done: impl Future<Output = T>,
    app: &mut App,
    doing: &mut Doing,
    messages: &mut Receiver<Message>,
    end: &mut terminal::ToldToEnd,
    interrupts: bool,
) -> Option<T> {
    tokio::pin!(done);
    loop {
        tokio::select! {
            done = &mut done => return Some(done),
            () = end.told(interrupts) => return None,
            Some(message) = messages.recv() => {
                app.update(Message::Tick(now()));
                if doing.update(app, message).await {
                    return None;
                }
            }
        }
    }
}
