//! What must not stand in a recording is masked here, and what is joined by its bytes stays joined.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use tailwater_core::{
    app::{Key, KeyPress, Message, Target},
    events::RecordHash,
    text::{
        json,
        mask::{Mask, Secret},
    },
};

/// How many bodies that were masked are known by what they were.
const KNOWN_BODIES: usize = 100_000;
/// So many letters in a row are looked at.
const LONGEST_TYPED: usize = 4096;
/// The length of a SHA-256 in hexadecimal digits.
const HASH_DIGITS: usize = 64;

/// Masks secrets.
#[derive(Debug, Default)]
pub struct Redaction {
    mask: Mask,
    /// The hash of each body that was masked, and of what it became. An object's lines are known by
    /// their hashes alone, and a secret could be guessed from its own.
    changed: HashMap<RecordHash, RecordHash>,
    order: VecDeque<RecordHash>,
    /// What was typed since the last key that is no letter.
    typed: String,
}

impl Redaction {
    /// With what is known from the start.
    pub fn new(target: &Target) -> Self {
        let mut redaction = Self::default();
        let names = [std::env::var("HOSTNAME").ok(), std::fs::read_to_string("/etc/hostname").ok()];
        for name in names.into_iter().flatten() {
            redaction.know(name.trim(), Secret::Host);
        }
        redaction.know_target(target);
        redaction
    }

    fn know(&mut self, word: &str, secret: Secret) {
        self.mask = std::mem::take(&mut self.mask).with(word, secret);
    }

    fn know_target(&mut self, target: &Target) {
        if let Target::Aws { account_id, .. } = target {
            self.know(account_id, Secret::Account);
        }
    }

    /// Learns what a message says of who and where one is.
    pub fn learn(&mut self, message: &Message) {
        match message {
            Message::Reached(target) => self.know_target(target),
            Message::Begin(begin) => {
                for host in &begin.hosts {
                    self.know(host, Secret::Host);
                }
            }
            _ => {}
        }
    }

    /// The text without secrets.
    pub fn text(&self, text: &str) -> String {
        self.mask.text(text).into_owned()
    }

    /// The text without secrets, where there is one.
    pub fn maybe(&self, text: Option<&String>) -> Option<String> {
        text.map(|text| self.text(text))
    }

    /// The bytes without secrets: what is no text is masked as far as it can be read.
    pub fn bytes(&self, bytes: &Bytes) -> Bytes {
        let text = String::from_utf8_lossy(bytes);
        match self.mask.text(&text) {
            std::borrow::Cow::Borrowed(_) => bytes.clone(),
            std::borrow::Cow::Owned(masked) => Bytes::from(masked),
        }
    }

    /// A key: a letter of what is by its name a secret (`Authorization: …`) is told as `*`.
    pub fn key(&mut self, press: KeyPress) -> KeyPress {
        match press {
            KeyPress { key: Key::Char(letter), ctrl: false, alt: false } => self.typed.push(letter),
            KeyPress { key: Key::Backspace, ctrl: false, alt: false } => {
                self.typed.pop();
                return press;
            }
            _ => {
                self.typed.clear();
                return press;
            }
        }
        if self.typed.len() > LONGEST_TYPED {
            self.typed.clear();
        }
        let hidden = self.mask.spans(&self.typed).last().is_some_and(|(span, _)| span.end == self.typed.len());
        if hidden { KeyPress::char('*') } else { press }
    }

    /// A body as it is sent: the record that it becomes is known then, too.
    pub fn body(&mut self, body: &Bytes) -> Bytes {
        let masked = self.bytes(body);
        if masked != *body
            && let Ok(text) = std::str::from_utf8(body)
        {
            let line = |text: &str| Bytes::from(json::compact(text) + "\n");
            self.record(&line(text));
        }
        masked
    }

    /// A record's bytes without secrets.
    pub fn record(&mut self, data: &Bytes) -> Bytes {
        let masked = self.bytes(data);
        if masked != *data {
            let before = RecordHash::of(data);
            if self.changed.insert(before, RecordHash::of(&masked)).is_none() {
                self.order.push_back(before);
                if self.order.len() > KNOWN_BODIES
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.changed.remove(&oldest);
                }
            }
        }
        masked
    }

    /// The hash of a record as it stands in the recording.
    pub fn hash(&self, hash: RecordHash) -> RecordHash {
        self.changed.get(&hash).copied().unwrap_or(hash)
    }

    /// A log line without secrets; hashes in it are those of records as they stand in the recording.
    pub fn line(&self, line: &str) -> String {
        let masked = self.text(line);
        if self.changed.is_empty() {
            return masked;
        }
        let words = masked.split_inclusive(|letter: char| !letter.is_ascii_hexdigit());
        words
            .map(|word| {
                let digits = word.trim_end_matches(|letter: char| !letter.is_ascii_hexdigit());
                let known = (digits.len() == HASH_DIGITS).then(|| RecordHash::from_hex(digits)).flatten();
                match known.and_then(|hash| self.changed.get(&hash)) {
                    Some(now) => format!("{now}{}", &word[digits.len()..]),
                    None => word.to_owned(),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_record_is_found_by_the_hash_of_what_it_became() {
        let mut redaction = Redaction::default();
        let body = Bytes::from_static(b"{ \"password\": \"hunter2\" }");
        assert!(!String::from_utf8_lossy(&redaction.body(&body)).contains("hunter2"));
        let record = Bytes::from_static(b"{\"password\":\"hunter2\"}\n");
        let masked = redaction.record(&record);
        assert_eq!(masked, "{\"password\":\"‹token›\"}\n".as_bytes());
        assert_eq!(redaction.hash(RecordHash::of(&record)), RecordHash::of(&masked));
        let line = format!("{{\"sha256\":\"{}\",\"n\":1}}", RecordHash::of(&record));
        assert_eq!(redaction.line(&line), format!("{{\"sha256\":\"{}\",\"n\":1}}", RecordHash::of(&masked)));
        let other = RecordHash::of(b"other");
        assert_eq!(redaction.hash(other), other);
    }

    #[test]
    fn a_secret_that_is_typed_is_hidden_letter_by_letter() {
        let mut redaction = Redaction::default();
        let mut told = |text: &str| -> String {
            let letter = |press: KeyPress| match press.key {
                Key::Char(letter) => letter,
                other => panic!("{other:?}"),
            };
            text.chars().map(|typed| letter(redaction.key(KeyPress::char(typed)))).collect()
        };
        assert_eq!(told(":header x-api-key: hunter2"), ":header x-api-key: *******");
        redaction.key(KeyPress::of(Key::Enter));
        let mut told = |letter| redaction.key(KeyPress::char(letter));
        assert_eq!(told('t'), KeyPress::char('t'));
    }

    #[test]
    fn the_account_is_masked_wherever_it_stands() {
        let redaction = Redaction::new(&Target::Aws {
            account_id: "123456789012".to_owned(),
            region: String::new(),
            profile: None,
            endpoint_url: None,
            elsewhere: Vec::new(),
            who: String::new(),
        });
        assert!(!redaction.text("x123456789012y").contains("123456789012"));
    }
}
