//! Replays a recording: the app is fed from it, without any cloud or network.

mod deck;
mod export;
mod player;

use std::{
    io::IsTerminal,
    path::Path,
    time::{Duration, Instant},
};

use crossterm::event::EventStream;
use futures::StreamExt;
use tailwater_core::app::{Effect, Message, NOTHING_IS_CHANGED, ReplayStep, Speed, ThemeName};
use tokio::sync::mpsc;

use super::{
    FRAME, MESSAGES_AHEAD, RuntimeError, TICK_MOVING, paint, saving, start,
    terminal::{self, Terminal, ToldToEnd},
};
use crate::{session::Recording, ui};
use deck::Deck;
pub use export::{Export, export};
use player::{Look, Player};

/// The recording that comes with the program.
const SAMPLE: &[u8] = include_bytes!("../../../assets/session.jsonl");
/// What is said where another program would get the terminal.
const NOT_OUTSIDE: &str = "A replay keeps the terminal to itself: save it to a file, or copy it.";
/// While it runs, the place on the screen is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The recording of a file, or the one that comes with the program.
fn recording(file: Option<&Path>) -> Result<Recording, RuntimeError> {
    Ok(match file {
        Some(file) => Recording::open(file)?,
        None => Recording::read(SAMPLE, "the sample recording")?,
    })
}

/// Replays a recording on the terminal until it is quit; the one that comes with the program where
/// no file is named.
pub async fn replay(
    file: Option<&Path>,
    speed: Speed,
    theme: Option<ThemeName>,
    motion: Option<bool>,
) -> Result<(), RuntimeError> {
    let recording = recording(file)?;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(RuntimeError::NoTerminal);
    }
    let (sender, mut messages) = mpsc::channel(MESSAGES_AHEAD);
    let mut end = ToldToEnd::listen()?;
    let mut terminal = Terminal::enter(sender)?;
    let mut deck = Deck::new(recording.length(), speed, Instant::now());
    let remarks = recording.remarks();
    let mut player =
        Player::new(recording, crossterm::terminal::size()?, Look { colours: start::colours(), theme, motion });
    player.go_to(Duration::ZERO);
    if let Some(remarks) = remarks {
        player.app.update(Message::Notice(remarks));
    }
    let mut keys = EventStream::new();
    let mut drawn: Option<Instant> = None;
    loop {
        show(&mut player, &deck);
        // As in the app itself: only what changed is drawn, and not more often than anyone can see.
        if player.app.is_dirty() && drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME) {
            terminal.draw(|frame| ui::draw(frame, &player.app, &mut player.screen))?;
            player.app.take_dirty();
            drawn = Some(Instant::now());
        }
        let frame_due = drawn.map_or_else(Instant::now, |drawn| drawn + FRAME);
        let dirty = player.app.is_dirty();
        let most = if player.app.moves() { TICK_MOVING } else { LOOK_EVERY };
        let next = deck.next(player.next_at(), Instant::now()).map(|wait| wait.clamp(FRAME, most));
        tokio::select! {
            biased;
            () = end.told(true) => return Ok(()),
            key = keys.next() => match key {
                Some(Ok(event)) if terminal::is_suspend(&event) => {
                    terminal.suspend()?;
                    player.app.redraw();
                }
                Some(Ok(event)) => {
                    if let Some(message) = player.screen.handle(event, &player.app)
                        && looked(&mut player, &mut deck, message)
                    {
                        return Ok(());
                    }
                }
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
            () = tokio::time::sleep_until(frame_due.into()), if dirty => {}
            () = tokio::time::sleep(next.unwrap_or(LOOK_EVERY)), if next.is_some() => {
                player.go_to(deck.position(Instant::now()));
            }
            Some(message) = messages.recv() => { player.app.update(message); }
        }
    }
}

/// Tells the app where the replay stands.
fn show(player: &mut Player, deck: &Deck) {
    let replay = deck.replay(Instant::now(), player.has_own_view());
    player.app.update(Message::Replay(replay));
}

/// Someone looks around; `true`: that is the end.
fn looked(player: &mut Player, deck: &mut Deck, message: Message) -> bool {
    let effects = player.look(message);
    let mut refused = false;
    for effect in effects {
        match effect {
            Effect::Quit => return true,
            Effect::Copy(text) => {
                if let Err(error) = terminal::copy(&text) {
                    player.app.update(Message::Notice(format!("copied to the clipboard: {error}")));
                }
            }
            Effect::Save { file, text, what, over } => {
                player.app.update(saving::save(&file, &text, &what, over));
            }
            Effect::OpenIn { .. } | Effect::Print(_) => {
                player.app.update(Message::Notice(NOT_OUTSIDE.to_owned()));
            }
            Effect::Replay(ReplayStep::AsRecorded) => player.as_recorded(),
            Effect::Replay(step) => {
                deck.step(step, Instant::now());
                player.go_to(deck.position(Instant::now()));
            }
            Effect::Picture(file) => {
                let words = paint::to_file(&player.app, &mut player.screen, Path::new(&file));
                player.app.update(Message::Notice(words));
            }
            Effect::Asciicast(file) => {
                let words = match export::asciicast_to_new_file(player.recording(), Path::new(&file)) {
                    Ok(()) => format!("The whole recording is in {file} now: `asciinema play {file}`."),
                    Err(error) => format!("write {file}: {error}"),
                };
                player.app.update(Message::Notice(words));
            }
            effect => refused |= !effect.is_for_replays(),
        }
    }
    if refused {
        player.take_back();
        show(player, deck);
        player.app.update(Message::Notice(NOTHING_IS_CHANGED.to_owned()));
    }
    false
}
