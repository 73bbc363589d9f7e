//! The Send pane: the text in the editor, whether it is JSON once filled, templates and history.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{
    events::Timestamp,
    text::{
        json,
        placeholders::{self, PlaceholderError},
    },
};

/// How many bodies the history keeps.
const HISTORY_KEPT: usize = 500;
/// The largest record that Kinesis and Firehose take, and the function with them.
const LARGEST_RECORD_BYTES: usize = crate::pipeline::limits::RECORD_BYTES;

/// A sample event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its text as it is edited here.
    pub text: String,
}

/// Where the text in the editor came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The template at this index; its text is kept there as it is edited.
    Template(usize),
    /// The body at this index of the history.
    History(usize),
    /// A command that was pasted.
    Pasted,
}

/// Whether the text can be sent, and what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// JSON once filled.
    Json {
        /// The text holds placeholders.
        placeholders: bool,
    },
    /// A placeholder is wrong: nothing can be filled, nothing sent.
    Placeholder(PlaceholderError),
    /// Filled, it is no JSON: the function will refuse it.
    NotJson {
        /// In the template, from 1.
        line: usize,
        /// In the template, in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// Larger than the whole way takes.
    TooLarge {
        /// Its size once filled.
        bytes: usize,
    },
}

impl Check {
    /// Whether the function will accept it.
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Json { .. })
    }

    /// In words: `JSON once filled`, `line 3 column 5: expected value`.
    pub fn words(&self) -> String {
        match self {
            Self::Json { placeholders: true } => "JSON once filled".to_owned(),
            Self::Json { placeholders: false } => "JSON".to_owned(),
            Self::Placeholder(error) => error.to_string(),
            Self::NotJson { line, column, message } => format!("line {line} column {column}: {message}"),
            Self::TooLarge { bytes } => {
                format!("{} is more than the 1,000 KiB a record can hold", crate::text::number::size(*bytes as u64))
            }
        }
    }
}

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its number in the session.
    pub seq: u64,
    /// The body.
    pub body: Bytes,
    /// The text before it was filled, for the history.
    pub template: String,
}

/// An event that has no answer yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InFlight {
    /// When it was sent.
    pub since: Timestamp,
    /// The body.
    pub body: Bytes,
}

/// The Send pane.
#[derive(Debug)]
pub struct Send {
    templates: Vec<Template>,
    history: Vec<String>,
    source: Source,
    text: String,
    revision: u64,
    next_seq: u64,
    random: u64,
    check: Check,
    filled: String,
    in_flight: BTreeMap<u64, InFlight>,
    /// How often sending was begun and has not ended.
    running: usize,
    /// The text that was to be sent although it is no JSON: sending the same again does it.
    warned: Option<String>,
}

impl Send {
    /// With these templates, each a name and a text.
    pub fn new(templates: Vec<(String, String)>, seed: u64, now: Timestamp) -> Self {
        let mut templates: Vec<Template> =
            templates.into_iter().map(|(name, text)| Template { name, text: text.trim_end().to_owned() }).collect();
        if templates.is_empty() {
            templates.push(Template { name: "event.json".to_owned(), text: "{}".to_owned() });
        }
        let mut pane = Self {
            text: templates[0].text.clone(),
            templates,
            history: Vec::new(),
            source: Source::Template(0),
            revision: 0,
            next_seq: 1,
            random: seed,
            check: Check::Json { placeholders: false },
            filled: String::new(),
            in_flight: BTreeMap::new(),
            running: 0,
            warned: None,
        };
        pane.recheck(now);
        pane
    }

    /// The text in the editor.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Counts up whenever the text was replaced by something other than the editor.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What the text is called: the template's name, or its place in the history.
    pub fn name(&self) -> String {
        match self.source {
            Source::Template(index) => self.templates.get(index).map_or_else(String::new, |found| found.name.clone()),
            Source::History(index) => format!("sent before, {} of {}", index + 1, self.history.len()),
            Source::Pasted => "from curl".to_owned(),
        }
    }

    /// How many templates there are.
    pub const fn templates(&self) -> usize {
        self.templates.len()
    }

    /// How many bodies the history holds.
    pub const fn history(&self) -> usize {
        self.history.len()
    }

    /// Whether the text can be sent.
    pub const fn check(&self) -> &Check {
        &self.check
    }

    /// The next event's body as it will be put to the stream; empty where it cannot be filled.
    pub fn preview(&self) -> String {
        if self.check.is_good() { json::compact(&self.filled) } else { self.filled.clone() }
    }

    /// Events on their way that have no answer yet, by number.
    pub const fn in_flight(&self) -> &BTreeMap<u64, InFlight> {
        &self.in_flight
    }

    /// The number the next event gets.
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The editor's text changed.
    pub fn edited(&mut self, text: String, now: Timestamp) {
        if text == self.text {
            return;
        }
        if let Source::Template(index) = self.source
            && let Some(template) = self.templates.get_mut(index)
        {
            template.text.clone_from(&text);
        }
        self.text = text;
        self.recheck(now);
    }

    /// The next template, or the previous one.
    pub fn turn_template(&mut self, forward: bool, now: Timestamp) {
        let count = self.templates.len();
        let index = match self.source {
            Source::Template(index) if forward => (index + 1) % count,
            Source::Template(index) => (index + count - 1) % count,
            Source::History(_) | Source::Pasted => 0,
        };
        self.take(Source::Template(index), now);
    }

    /// The body sent before the one shown, or after it: after the last comes the first template.
    /// Says whether there was one.
    pub fn turn_history(&mut self, back: bool, now: Timestamp) -> bool {
        let source = match (self.source, back) {
            (Source::Template(_) | Source::Pasted, true) => self.history.len().checked_sub(1).map(Source::History),
            (Source::Template(_) | Source::Pasted, false) => None,
            (Source::History(index), true) => index.checked_sub(1).map(Source::History),
            (Source::History(index), false) if index + 1 < self.history.len() => Some(Source::History(index + 1)),
            (Source::History(_), false) => Some(Source::Template(0)),
        };
        source.map(|source| self.take(source, now)).is_some()
    }

    fn take(&mut self, source: Source, now: Timestamp) {
        let text = match source {
            Source::Template(index) => self.templates.get(index).map(|template| template.text.clone()),
            Source::History(index) => self.history.get(index).cloned(),
            Source::Pasted => None,
        };
        if let Some(text) = text {
            self.source = source;
            self.text = text;
            self.revision += 1;
            self.recheck(now);
        }
    }

    /// A body that was pasted with its command: one step back brings the text before it back.
    pub fn pasted(&mut self, body: String, now: Timestamp) {
        self.source = Source::Pasted;
        self.text = body;
        self.revision += 1;
        self.recheck(now);
    }

    /// The names and texts of the templates.
    pub fn all_templates(&self) -> &[Template] {
        &self.templates
    }

    /// The bodies that were sent before, oldest first.
    pub fn all_history(&self) -> &[String] {
        &self.history
    }

    /// The template at an index into the editor.
    pub fn choose_template(&mut self, index: usize, now: Timestamp) {
        self.take(Source::Template(index), now);
    }

    /// The body at an index of the history into the editor.
    pub fn choose_history(&mut self, index: usize, now: Timestamp) {
        self.take(Source::History(index), now);
    }

    /// The next event's body, byte for byte as it will be sent.
    pub fn filled(&self) -> &str {
        &self.filled
    }

    /// Bodies of earlier sessions, oldest first.
    pub fn earlier(&mut self, mut bodies: Vec<String>) {
        if let Source::History(index) = &mut self.source {
            *index += bodies.len();
        }
        bodies.append(&mut self.history);
        self.history = bodies;
        self.trim_history();
    }

    /// What the next send carries, and its number is taken; an error says why nothing is sent.
    pub fn take_next(&mut self, now: Timestamp) -> Result<Outgoing, String> {
        self.recheck(now);
        match &self.check {
            Check::Placeholder(error) => return Err(format!("Not sent: {error}")),
            check if !check.is_good() && self.warned.as_ref() != Some(&self.text) => {
                let words = check.words();
                self.warned = Some(self.text.clone());
                return Err(format!("Not sent, {words}. Send again to see how the function refuses it."));
            }
            _ => {}
        }
        self.warned = None;
        let template = self.text.clone();
        let (seq, body) = self.take_filled(now);
        self.running += 1;
        Ok(Outgoing { seq, body, template })
    }

    /// The next of many: its number and its body.
    pub fn take_one_of_many(&mut self, now: Timestamp) -> Result<(u64, Bytes), String> {
        self.recheck(now);
        if !self.check.is_good() {
            return Err(format!("Stopped, {}.", self.check.words()));
        }
        Ok(self.take_filled(now))
    }

    /// Several were handed out that end together.
    pub const fn began(&mut self) {
        self.running += 1;
    }

    fn take_filled(&mut self, now: Timestamp) -> (u64, Bytes) {
        let seq = self.next_seq;
        let body = Bytes::from(self.filled.clone().into_bytes());
        self.in_flight.insert(seq, InFlight { since: now, body: body.clone() });
        self.next_seq += 1;
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.recheck(now);
        (seq, body)
    }

    /// The next event gets this number.
    pub fn number_from(&mut self, next: u64, now: Timestamp) {
        self.next_seq = next;
        self.recheck(now);
    }

    /// Events with these numbers are being sent; gives the numbers of those that were not known.
    pub fn begun(&mut self, events: Vec<(u64, Bytes)>, now: Timestamp) -> Vec<u64> {
        let new: Vec<_> = events.into_iter().filter(|(seq, _)| *seq >= self.next_seq).collect();
        let Some(last) = new.iter().map(|(seq, _)| *seq).max() else { return Vec::new() };
        self.running += 1;
        self.number_from(last.saturating_add(1), now);
        let seqs = new.iter().map(|(seq, _)| *seq).collect();
        self.in_flight.extend(new.into_iter().map(|(seq, body)| (seq, InFlight { since: now, body })));
        seqs
    }

    /// Keeps a body in the history; whether it is not the last one already.
    pub fn remember(&mut self, body: &str) -> bool {
        if self.history.last().is_some_and(|last| last == body) {
            return false;
        }
        self.history.push(body.to_owned());
        self.trim_history();
        true
    }

    fn trim_history(&mut self) {
        let surplus = self.history.len().saturating_sub(HISTORY_KEPT);
        self.history.drain(..surplus);
        if let Source::History(index) = &mut self.source {
            *index = index.saturating_sub(surplus);
        }
    }

    /// An event was answered, or will not be.
    pub fn answered(&mut self, seq: u64) {
        self.in_flight.remove(&seq);
    }

    /// What was begun once has ended. With the last of it, what has no answer will get none.
    pub fn ended(&mut self) -> BTreeMap<u64, InFlight> {
        self.running = self.running.saturating_sub(1);
        if self.running == 0 { std::mem::take(&mut self.in_flight) } else { BTreeMap::new() }
    }

    /// Nothing is waited for any more: what had no answer yet.
    pub fn stopped(&mut self) -> BTreeMap<u64, InFlight> {
        self.running = 0;
        std::mem::take(&mut self.in_flight)
    }

    fn recheck(&mut self, now: Timestamp) {
        // The same numbers for every look at the next event: what is previewed is what is sent.
        let mut state = self.random;
        let mut random = || split_mix(&mut state);
        (self.check, self.filled) = match placeholders::fill_traced(&self.text, self.next_seq, now, &mut random) {
            Err(error) => (Check::Placeholder(error), String::new()),
            Ok((filled, places)) => (check(&self.text, &filled, &places), filled),
        };
    }
}

fn check(template: &str, filled: &str, places: &[placeholders::Filled]) -> Check {
    if filled.len() > LARGEST_RECORD_BYTES && json::compact(filled).len() >= LARGEST_RECORD_BYTES {
        return Check::TooLarge { bytes: filled.len() };
    }
    match json::check(filled) {
        Ok(()) => Check::Json { placeholders: !places.is_empty() },
        Err(error) => {
            let (line, column) = placeholders::line_and_column(template, in_template(error.offset, places));
            Check::NotJson { line, column, message: error.message }
        }
    }
}

/// Where in the template a byte of the filled text came from.
fn in_template(offset: usize, places: &[placeholders::Filled]) -> usize {
    match places.iter().rev().find(|place| place.start <= offset) {
        None => offset,
        Some(place) if offset < place.end => place.template_start,
        Some(place) => place.template_end + (offset - place.end),
    }
}

/// `SplitMix64`: small, and good enough for sample data.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn send(texts: &[&str]) -> Send {
        let templates = texts.iter().enumerate().map(|(index, text)| (format!("{index}.json"), (*text).to_owned()));
        Send::new(templates.collect(), 7, NOW)
    }

    #[test]
    fn what_is_previewed_is_sent_and_the_next_differs() {
        let mut send = send(&["{ \"id\": \"{{uuid}}\", \"n\": {{seq}} }"]);
        let preview = send.preview();
        let first = send.take_next(NOW).unwrap();
        assert_eq!(json::compact(std::str::from_utf8(&first.body).unwrap()), preview);
        let second = send.take_next(NOW).unwrap();
        assert_eq!((first.seq, second.seq), (1, 2));
        assert_ne!(first.body, second.body);
    }

    #[test]
    fn an_error_in_the_filled_text_points_into_the_template() {
        let mut send = send(&["{}"]);
        send.edited("{\n  \"a\": {{int 5000 5000}}, x\n}".to_owned(), NOW);
        let Check::NotJson { line, column, .. } = send.check() else { panic!("{:?}", send.check()) };
        assert_eq!((*line, *column), (2, 27));
        assert!(send.check().words().starts_with("line 2 column 27: "));
    }

    #[test]
    fn what_is_no_json_is_sent_only_when_asked_twice() {
        let mut send = send(&["nonsense"]);
        assert!(send.take_next(NOW).is_err());
        assert_eq!(send.take_next(NOW).unwrap().body, "nonsense");
        assert!(send.take_next(NOW).is_err(), "the warning is given anew");
        send.edited("{{nope}}".to_owned(), NOW);
        assert!(send.take_next(NOW).is_err());
        assert!(send.take_next(NOW).is_err(), "what cannot be filled is never sent");
    }

    #[test]
    fn templates_keep_their_edits_and_history_turns_back() {
        let mut send = send(&["1", "2"]);
        send.edited("10".to_owned(), NOW);
        send.turn_template(true, NOW);
        assert_eq!((send.text(), send.name().as_str()), ("2", "1.json"));
        send.turn_template(true, NOW);
        assert_eq!(send.text(), "10");
        assert!(!send.turn_history(true, NOW));
        assert!(send.remember("a") && send.remember("b") && !send.remember("b"));
        assert!(send.turn_history(true, NOW) && send.turn_history(true, NOW));
        assert_eq!((send.text(), send.name().as_str()), ("a", "sent before, 1 of 2"));
        send.earlier(vec!["older".to_owned()]);
        assert_eq!(send.name(), "sent before, 2 of 3");
        assert!(send.turn_history(true, NOW));
        assert_eq!(send.text(), "older");
    }
}
