//! What hands did: keys and the mouse. A key is written as people write it.

use serde::{Deserialize, Serialize};
use tailwater_core::app;

/// A key with what was held: `Ctrl-d`, `Enter`, `t`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

/// The keys that are no character, and their names.
const NAMED: [(app::Key, &str); 15] = [
    (app::Key::Enter, "Enter"),
    (app::Key::Esc, "Esc"),
    (app::Key::Tab, "Tab"),
    (app::Key::BackTab, "BackTab"),
    (app::Key::Backspace, "Backspace"),
    (app::Key::Delete, "Delete"),
    (app::Key::Up, "Up"),
    (app::Key::Down, "Down"),
    (app::Key::Left, "Left"),
    (app::Key::Right, "Right"),
    (app::Key::Home, "Home"),
    (app::Key::End, "End"),
    (app::Key::PageUp, "PageUp"),
    (app::Key::PageDown, "PageDown"),
    (app::Key::Char(' '), "Space"),
];

impl Key {
    /// Of a key; `None`: one that has no name here.
    pub fn of(press: app::KeyPress) -> Option<Self> {
        let mut text = String::new();
        if press.ctrl {
            text += "Ctrl-";
        }
        if press.alt {
            text += "Alt-";
        }
        match (NAMED.iter().find(|(key, _)| *key == press.key), press.key) {
            (Some((_, name)), _) => text += name,
            (None, app::Key::Char(letter)) => text.push(letter),
            (None, app::Key::F(number)) => {
                text.push('F');
                text += &number.to_string();
            }
            (None, _) => return None,
        }
        Some(Self(text))
    }

    /// The key.
    pub fn read(self) -> Result<app::KeyPress, String> {
        let mut rest = self.0.as_str();
        let mut held = |prefix: &str| {
            // `-` alone is a key, too.
            let after = rest.strip_prefix(prefix).filter(|after| !after.is_empty());
            rest = after.unwrap_or(rest);
            after.is_some()
        };
        let (ctrl, alt) = (held("Ctrl-"), held("Alt-"));
        let mut letters = rest.chars();
        let key = match (letters.next(), letters.as_str()) {
            (Some(letter), "") => app::Key::Char(letter),
            (Some('F'), number) if number.parse::<u8>().is_ok() => {
                app::Key::F(number.parse().map_err(|_| unknown(&self.0))?)
            }
            _ => {
                let named = NAMED.iter().find(|(_, name)| *name == rest);
                named.map(|(key, _)| *key).ok_or_else(|| unknown(&self.0))?
            }
        };
        Ok(app::KeyPress { key, ctrl, alt })
    }
}

fn unknown(key: &str) -> String {
    format!("no key is called {key}")
}

/// What the mouse did, and on what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mouse {
    what: MouseKind,
    pane: String,
    row: Option<u64>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MouseKind {
    Click,
    WheelUp,
    WheelDown,
}

impl Mouse {
    /// Of what it did.
    pub fn of(mouse: app::Mouse) -> Self {
        let what = match mouse.kind {
            app::MouseKind::Click => MouseKind::Click,
            app::MouseKind::WheelUp => MouseKind::WheelUp,
            app::MouseKind::WheelDown => MouseKind::WheelDown,
        };
        Self { what, pane: name(mouse.pane), row: mouse.row }
    }

    /// What it did.
    pub fn read(self) -> Result<app::Mouse, String> {
        let pane = app::Pane::ALL.into_iter().find(|pane| name(*pane) == self.pane);
        let pane = pane.ok_or_else(|| format!("no pane is called {}", self.pane))?;
        let kind = match self.what {
            MouseKind::Click => app::MouseKind::Click,
            MouseKind::WheelUp => app::MouseKind::WheelUp,
            MouseKind::WheelDown => app::MouseKind::WheelDown,
        };
        Ok(app::Mouse { kind, pane, row: self.row })
    }
}

fn name(pane: app::Pane) -> String {
    format!("{pane:?}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_as_it_was_written() {
        let mut keys: Vec<app::KeyPress> = NAMED.iter().map(|(key, _)| app::KeyPress::of(*key)).collect();
        keys.extend("aF-é:\"".chars().map(app::KeyPress::char));
        keys.extend([app::KeyPress::ctrl('d'), app::KeyPress::of(app::Key::F(12))]);
        keys.push(app::KeyPress { key: app::Key::Char('-'), ctrl: true, alt: true });
        for press in keys {
            let written = Key::of(press).expect("a name");
            assert_eq!(written.clone().read(), Ok(press), "{written:?}");
        }
        assert!(Key("Hyper".to_owned()).read().is_err());
    }
}
