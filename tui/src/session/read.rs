//! Reads a recording. What this version does not know is skipped and counted; a last line that was
//! torn off when the recording program was killed is said.

use std::{path::Path, time::Duration};

use serde::Deserialize;
use tailwater_core::{app::Message, text::number};

use super::wire::{Entry, FORMAT, Header, Line, VERSION};

/// The largest recording that is read: it is held in memory.
const LARGEST_BYTES: u64 = 512 * 1024 * 1024;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("read the recording {file}: {error}")]
    File {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// It is too large.
    #[error("the recording {file} has more than 512 MB, the most that is replayed")]
    TooLarge {
        /// The file.
        file: String,
    },
    /// It is something else.
    #[error("{file} is no recording of Tailwater: its first line says no format {FORMAT}. `--record FILE` makes one")]
    NotOne {
        /// The file.
        file: String,
    },
    /// It was written by a later program.
    #[error(
        "{file} is a recording in format {version}, made by Tailwater {product}; this one reads up to {VERSION}. \
         Replay it with that version"
    )]
    Newer {
        /// The file.
        file: String,
        /// Its format.
        version: u32,
        /// Who made it.
        product: String,
    },
    /// Its header says something that cannot be.
    #[error("the header of the recording {file} cannot be understood: {error}")]
    Header {
        /// The file.
        file: String,
        /// Why.
        error: String,
    },
}

/// Something that happens in a recording.
#[derive(Debug, Clone)]
pub struct Happening {
    /// Milliseconds since the start.
    pub ms: u64,
    /// What the app is told.
    pub what: Happened,
}

/// What happens.
#[derive(Debug, Clone)]
pub enum Happened {
    /// It came from outside.
    Outside(Message),
    /// Hands did it.
    Hands(Message),
    /// The screen has this size now.
    Resize(u16, u16),
}

/// A recording.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The first line.
    pub header: Header,
    /// What happens, in order.
    pub happenings: Vec<Happening>,
    /// How many lines were not understood.
    pub skipped: usize,
    /// The last line is not whole.
    pub torn: bool,
}

impl Recording {
    /// Reads a file.
    pub fn open(file: &Path) -> Result<Self, ReadError> {
        let name = file.display().to_string();
        let failed = |error| ReadError::File { file: name.clone(), error };
        if std::fs::metadata(file).map_err(failed)?.len() > LARGEST_BYTES {
            return Err(ReadError::TooLarge { file: name });
        }
        Self::read(&std::fs::read(file).map_err(failed)?, &name)
    }

    /// Reads the bytes of a file of this name.
    pub fn read(bytes: &[u8], file: &str) -> Result<Self, ReadError> {
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let header = header(lines.next().unwrap_or_default(), file)?;
        let mut recording = Self { header, happenings: Vec::new(), skipped: 0, torn: false };
        for line in lines {
            match happening(line) {
                Some(happening) => recording.add(happening),
                // Whoever was killed while writing wrote no end of the line.
                None if line.last() != Some(&b'\n') => recording.torn = true,
                None if line.trim_ascii().is_empty() => {}
                None => recording.skipped += 1,
            }
        }
        Ok(recording)
    }

    /// Takes in what happens next. Events at the same moment came together.
    fn add(&mut self, mut next: Happening) {
        if let Some(last) = self.happenings.last_mut() {
            next.ms = next.ms.max(last.ms);
            if let (Happened::Outside(Message::Events(before)), Happened::Outside(Message::Events(events))) =
                (&mut last.what, &mut next.what)
                && last.ms == next.ms
            {
                before.append(events);
                return;
            }
        }
        self.happenings.push(next);
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        Duration::from_millis(self.happenings.last().map_or(0, |last| last.ms))
    }

    /// What is to be said of it before it is replayed, where there is something.
    pub fn remarks(&self) -> Option<String> {
        let skipped = (self.skipped > 0).then(|| {
            let lines = number::counted(self.skipped as u64, "line");
            format!("{lines} of the recording skipped: this version does not understand them.")
        });
        let torn = self.torn.then(|| "The recording breaks off in its last line: the rest is whole.".to_owned());
        let remarks: Vec<String> = skipped.into_iter().chain(torn).collect();
        (!remarks.is_empty()).then(|| remarks.join(" "))
    }
}

fn header(line: &[u8], file: &str) -> Result<Header, ReadError> {
    #[derive(Deserialize)]
    struct Says {
        format: String,
        version: u32,
        #[serde(default)]
        product: String,
    }
    let file = file.to_owned();
    let says = serde_json::from_slice::<Says>(line).ok().filter(|says| says.format == FORMAT);
    let Some(says) = says else { return Err(ReadError::NotOne { file }) };
    if says.version > VERSION {
        let product = if says.product.is_empty() { "of a later version".to_owned() } else { says.product };
        return Err(ReadError::Newer { file, version: says.version, product });
    }
    serde_json::from_slice(line).map_err(|error| ReadError::Header { file, error: error.to_string() })
}

/// What a line says; `None`: it is not understood.
fn happening(line: &[u8]) -> Option<Happening> {
    let Line { ms, entry } = serde_json::from_slice(line).ok()?;
    let what = match entry {
        Entry::Resize { columns, rows } => Happened::Resize(columns, rows),
        entry if entry.is_of_hands() => Happened::Hands(entry.message().ok()??),
        entry => Happened::Outside(entry.message().ok()??),
    };
    Some(Happening { ms, what })
}
