//! Keys, mouse and paste in words of the app's own: it knows no terminal library.

use std::fmt;

use super::Pane;

/// A key, apart from what is held with it. Shift is part of the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A letter, digit or sign, as typed.
    Char(char),
    /// A function key, from 1.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
}

/// A key with what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyPress {
    /// The key.
    pub key: Key,
    /// Control is held.
    pub ctrl: bool,
    /// Alt is held.
    pub alt: bool,
}

impl KeyPress {
    /// A key with nothing held.
    pub const fn of(key: Key) -> Self {
        Self { key, ctrl: false, alt: false }
    }

    /// A character with nothing held.
    pub const fn char(letter: char) -> Self {
        Self::of(Key::Char(letter))
    }

    /// A character with control held.
    pub const fn ctrl(letter: char) -> Self {
        Self { key: Key::Char(letter), ctrl: true, alt: false }
    }
}

impl fmt::Display for KeyPress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            formatter.write_str("Ctrl-")?;
        }
        if self.alt {
            formatter.write_str("Alt-")?;
        }
        match self.key {
            Key::Char(' ') => formatter.write_str("Space"),
            Key::Char(letter) if self.ctrl => write!(formatter, "{}", letter.to_uppercase()),
            Key::Char(letter) => write!(formatter, "{letter}"),
            Key::F(number) => write!(formatter, "F{number}"),
            Key::Enter => formatter.write_str("Enter"),
            Key::Esc => formatter.write_str("Esc"),
            Key::Tab => formatter.write_str("Tab"),
            Key::BackTab => formatter.write_str("Shift-Tab"),
            Key::Backspace => formatter.write_str("Backspace"),
            Key::Delete => formatter.write_str("Delete"),
            Key::Up => formatter.write_str("↑"),
            Key::Down => formatter.write_str("↓"),
            Key::Left => formatter.write_str("←"),
            Key::Right => formatter.write_str("→"),
            Key::Home => formatter.write_str("Home"),
            Key::End => formatter.write_str("End"),
            Key::PageUp => formatter.write_str("PgUp"),
            Key::PageDown => formatter.write_str("PgDn"),
        }
    }
}

/// What the mouse did, and on what: whoever draws knows what stands where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What it did.
    pub kind: MouseKind,
    /// The pane under it.
    pub pane: Pane,
    /// The row of the pane under it, by its id.
    pub row: Option<u64>,
}

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button was pressed.
    Click,
    /// The wheel went up.
    WheelUp,
    /// The wheel went down.
    WheelDown,
}
