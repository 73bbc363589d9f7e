//! Records a session as it runs.

use std::{fs::File, path::Path, time::Duration};

use bytes::Bytes;
use ratatui::buffer::Buffer;
use tailwater_core::{
    app::{App, Message},
    events::{Event, Timestamp},
};

use super::{
    asciicast::Asciicast,
    redact::Redaction,
    wire::{self, Entry, Header, Line},
    writer::{Failed, Writer, create},
};

/// A recording that is being written.
pub struct Recorder {
    start: Timestamp,
    writer: Writer<(u64, Item)>,
}

enum Item {
    Message(Box<Message>),
    Sending(Vec<(u64, Bytes)>),
}

impl Recorder {
    /// Makes the file and writes the header. `failed` learns why the recording ended before its time.
    pub fn start(file: &Path, header: &Header, failed: Failed) -> std::io::Result<Self> {
        let text = serde_json::to_string(header)?;
        Ok(Self::to_file(create(file)?, header, text, failed))
    }

    fn to_file(file: File, header: &Header, text: String, failed: Failed) -> Self {
        let mut redaction = Redaction::new(&header.target());
        let encode = move |(ms, item): (u64, Item), missed| {
            let gap = (missed > 0).then_some(Entry::Gap { missed });
            let entries = match item {
                Item::Message(message) => Entry::of(*message, &mut redaction),
                Item::Sending(events) => vec![Entry::sending(&events, &mut redaction)],
            };
            let lines = gap.into_iter().chain(entries);
            lines.filter_map(|entry| serde_json::to_string(&Line { ms, entry }).ok()).collect()
        };
        Self { start: header.start, writer: Writer::start(file, text, encode, failed) }
    }

    /// Says what the app knows already, where it runs.
    pub fn open(&self, app: &App) {
        for message in wire::opening(app) {
            self.see(app.now(), &message);
        }
    }

    /// Records what the app is told.
    pub fn see(&self, now: Timestamp, message: &Message) {
        if matches!(message, Message::Tick(_)) {
            return;
        }
        self.writer.give((self.at(now), Item::Message(Box::new(message.clone()))), weight(message));
    }

    /// Records what the app sends.
    pub fn sending(&self, now: Timestamp, events: &[(u64, Bytes)]) {
        let bytes = events.iter().map(|(_, body)| body.len() + 64).sum();
        self.writer.give((self.at(now), Item::Sending(events.to_vec())), bytes);
    }

    fn at(&self, now: Timestamp) -> u64 {
        u64::try_from(now.millis_since(self.start)).unwrap_or(0)
    }
}

/// The memory that a message takes, about.
fn weight(message: &Message) -> usize {
    const OF_ONE: usize = 256;
    match message {
        Message::Events(events) => events
            .iter()
            .map(|event| {
                OF_ONE
                    + match event {
                        Event::Sent(sent) => sent.body.len(),
                        Event::Log(line) => line.message.len(),
                        Event::Record(record) => record.data.len(),
                        Event::Object(object) => object.records().unwrap_or(0) * size_of::<[u8; 32]>(),
                        Event::Stack(_) | Event::Call(_) => OF_ONE,
                    }
            })
            .sum(),
        Message::Paste(text) | Message::EditorChanged(text) | Message::Notice(text) => OF_ONE + text.len(),
        _ => OF_ONE,
    }
}

/// An asciicast of the screen that is being written.
pub struct ScreenRecorder {
    start: Timestamp,
    last: Timestamp,
    cast: Asciicast,
    writer: Writer<Vec<String>>,
}

impl ScreenRecorder {
    /// Makes the file for a screen of this size. `failed` learns why it ended before its time.
    pub fn start(file: &Path, (columns, rows): (u16, u16), start: Timestamp, failed: Failed) -> std::io::Result<Self> {
        let cast = Asciicast::new(columns, rows);
        let header = cast.header(start, "tailwater");
        let writer = Writer::start(create(file)?, header, |lines, _| lines, failed);
        Ok(Self { start, last: start, cast, writer })
    }

    /// Records a frame.
    pub fn frame(&mut self, now: Timestamp, frame: &Buffer) {
        self.last = self.last.max(now);
        self.give(|cast, at| cast.frame(at, frame));
    }

    fn give(&mut self, lines: impl FnOnce(&mut Asciicast, Duration) -> Vec<String>) {
        let lines = lines(&mut self.cast, self.last.since(self.start));
        let bytes = lines.iter().map(String::len).sum();
        self.writer.give(lines, bytes);
    }

    /// Ends it: the last frame stands until then.
    pub fn end(mut self, now: Timestamp) {
        self.last = self.last.max(now);
        self.give(|_, at| vec![Asciicast::end(at)]);
    }
}

#[cfg(test)]
mod tests;
