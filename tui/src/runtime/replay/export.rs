//! What a recording becomes for those who have no Tailwater: an asciicast, a picture.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use tailwater_core::app::{App, Speed, ThemeName};

use super::{super::RuntimeError, Look, Player, paint, recording};
use crate::{
    report::svg,
    session::{Asciicast, Recording, create},
};

/// Changes that come closer together are one frame.
const FRAME: Duration = Duration::from_millis(33);
/// While time alone changes the screen, it is drawn so often.
const TICK: Duration = Duration::from_millis(100);

/// What is to be made of a recording.
#[derive(Debug, Default)]
pub struct Export {
    /// An asciicast of all of it.
    pub asciicast: Option<PathBuf>,
    /// A picture of one moment.
    pub picture: Option<PathBuf>,
    /// The moment; `None`: the end.
    pub at: Option<Duration>,
    /// The screen's size; `None`: as it was recorded.
    pub size: Option<(u16, u16)>,
    /// The theme; `None`: as it was recorded.
    pub theme: Option<ThemeName>,
}

/// Makes it; gives what is to be said of the recording.
pub fn export(file: Option<&Path>, wanted: &Export, speed: Speed) -> Result<Option<String>, RuntimeError> {
    let recording = recording(file)?;
    let remarks = recording.remarks();
    if let Some(picture) = &wanted.picture {
        let text = drawn(self::recording(file)?, wanted);
        fs::write(picture, text).map_err(|error| failed(picture, error))?;
    }
    if let Some(cast) = &wanted.asciicast {
        let written = File::create(cast).and_then(|file| asciicast(recording, wanted, speed, file));
        written.map_err(|error| failed(cast, error))?;
    }
    Ok(remarks)
}

fn failed(file: &Path, error: io::Error) -> RuntimeError {
    RuntimeError::Export { file: file.display().to_string(), error }
}

/// One moment as SVG.
fn drawn(recording: Recording, wanted: &Export) -> String {
    let at = wanted.at.unwrap_or(recording.length()).min(recording.length());
    let mut player = player(recording, wanted);
    player.go_to(at);
    let frame = paint::frame(&player.app, &mut player.screen);
    svg(&frame, "Tailwater", paint::shades(&player.app))
}

fn player(recording: Recording, wanted: &Export) -> Player {
    let look = Look { colours: true, theme: wanted.theme, motion: None };
    match wanted.size {
        Some(size) => Player::new(recording, size, look),
        None => Player::as_recorded_on(recording, look),
    }
}

/// Writes the whole recording to a new file as an asciicast, as it was recorded.
pub fn asciicast_to_new_file(recording: &Recording, file: &Path) -> io::Result<()> {
    asciicast(recording.clone(), &Export::default(), Speed::AS_RECORDED, create(file)?)
}

/// Writes the whole recording as an asciicast: the same one every time.
fn asciicast(recording: Recording, wanted: &Export, speed: Speed, file: File) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    let (start, length) = (recording.header.start, recording.length());
    let mut player = player(recording, wanted);
    let (columns, rows) = player.app.size();
    let mut cast = Asciicast::new(columns, rows);
    writeln!(file, "{}", cast.header(start, "tailwater"))?;
    let mut at = Duration::ZERO;
    loop {
        player.go_to(at);
        if player.app.take_dirty() {
            for line in cast.frame(speed.takes(at), &paint::frame(&player.app, &mut player.screen)) {
                writeln!(file, "{line}")?;
            }
        }
        if at >= length {
            break;
        }
        at = next(&player.app, player.next_at(), at).min(length);
    }
    writeln!(file, "{}", Asciicast::end(speed.takes(length)))?;
    file.flush()
}

/// When the screen may look otherwise.
fn next(app: &App, happens: Option<Duration>, now: Duration) -> Duration {
    let happens = happens.map_or(Duration::MAX, |at| at.max(now + FRAME));
    if app.changes_with_time() { happens.min(now + TICK) } else { happens }
}

#[cfg(test)]
mod tests;
