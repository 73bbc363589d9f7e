//! The line at the bottom in which a filter or what to find is typed.

use super::{Key, KeyPress};

/// What the line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptKind {
    /// Rows that do not match are hidden.
    Filter,
    /// The next row that matches is selected.
    Find,
    /// The rows that are shown are saved to the file with this name.
    Save,
    /// The stack's name is typed to agree to a deployment that loses something.
    AgreeToDeploy,
    /// The stack's name is typed to agree to its end.
    AgreeToDestroy,
}

/// The line being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What it is for.
    pub kind: PromptKind,
    text: String,
    /// A byte offset.
    cursor: usize,
}

impl Prompt {
    /// With a text to start from, the cursor behind it.
    pub fn new(kind: PromptKind, text: &str) -> Self {
        let mut prompt = Self { kind, text: String::new(), cursor: 0 };
        prompt.insert(text);
        prompt
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text before the cursor and after it.
    pub fn split(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Puts a text at the cursor: its first line that says anything, since this is one line.
    pub fn insert(&mut self, text: &str) {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        self.text.insert_str(self.cursor, line);
        self.cursor += line.len();
    }

    /// A key that is text or moves in it; whether it was one.
    pub fn key(&mut self, press: KeyPress) -> bool {
        match press {
            KeyPress { key: Key::Char('u'), ctrl: true, .. } => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            KeyPress { key: Key::Char('w'), ctrl: true, .. } => {
                let kept = self.text[..self.cursor].trim_end();
                let start = kept.rfind(' ').map_or(0, |space| space + 1);
                self.text.drain(start..self.cursor);
                self.cursor = start;
            }
            KeyPress { key: Key::Char(letter), ctrl: false, alt: false } if !letter.is_control() => {
                self.text.insert(self.cursor, letter);
                self.cursor += letter.len_utf8();
            }
            KeyPress { key: Key::Backspace, .. } => {
                if let Some(letter) = self.text[..self.cursor].chars().next_back() {
                    self.cursor -= letter.len_utf8();
                    self.text.remove(self.cursor);
                }
            }
            KeyPress { key: Key::Delete, .. } => {
                if self.cursor < self.text.len() {
                    self.text.remove(self.cursor);
                }
            }
            KeyPress { key: Key::Left, .. } => {
                self.cursor -= self.text[..self.cursor].chars().next_back().map_or(0, char::len_utf8);
            }
            KeyPress { key: Key::Right, .. } => {
                self.cursor += self.text[self.cursor..].chars().next().map_or(0, char::len_utf8);
            }
            KeyPress { key: Key::Home, .. } => self.cursor = 0,
            KeyPress { key: Key::End, .. } => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_at_the_cursor_and_takes_one_line_of_a_paste() {
        let mut prompt = Prompt::new(PromptKind::Find, "\n  5f1c é\nmore");
        assert_eq!(prompt.text(), "5f1c é");
        for key in [Key::Left, Key::Backspace, Key::Char('-'), Key::Home, Key::Delete, Key::End, Key::Right] {
            assert!(prompt.key(KeyPress::of(key)));
        }
        assert_eq!(prompt.split(), ("f1c-é", ""));
        prompt.key(KeyPress::ctrl('u'));
        assert_eq!(prompt.text(), "");
        assert!(!prompt.key(KeyPress::ctrl('x')));
    }
}
