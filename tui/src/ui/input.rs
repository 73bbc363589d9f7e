//! From the terminal's events to the app's messages.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use tailwater_core::{
    app::{App, Context, Key, KeyPress, Message, Mouse, MouseKind, keymap},
    text::curl,
};

use super::Screen;

impl Screen {
    /// What a terminal's event means. In the editor, keys that do nothing else are text.
    pub fn handle(&mut self, event: Event, app: &App) -> Option<Message> {
        match event {
            Event::Key(key) => self.key(key, app),
            // A curl command is no body: the app takes it apart.
            Event::Paste(text) if app.editing() && !curl::is_curl(&text) => {
                self.follow_text(app);
                self.insert(&text);
                Some(Message::EditorChanged(self.text()))
            }
            Event::Paste(text) => Some(Message::Paste(text)),
            Event::Mouse(mouse) => self.mouse(mouse).map(Message::Mouse),
            Event::Resize(width, height) => Some(Message::Resize { width, height }),
            Event::FocusGained | Event::FocusLost => None,
        }
    }

    fn key(&mut self, event: KeyEvent, app: &App) -> Option<Message> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let press = press(event)?;
        if app.types_by_itself() {
            return Some(Message::Key(press));
        }
        if app.context() == Context::Editing && keymap::action(app, Context::Editing, press).is_none() {
            self.follow_text(app);
            self.edit(event);
            return Some(Message::EditorChanged(self.text()));
        }
        Some(Message::Key(press))
    }

    fn mouse(&self, event: MouseEvent) -> Option<Mouse> {
        let kind = match event.kind {
            MouseEventKind::Down(MouseButton::Left) => MouseKind::Click,
            MouseEventKind::ScrollUp => MouseKind::WheelUp,
            MouseEventKind::ScrollDown => MouseKind::WheelDown,
            _ => return None,
        };
        let (pane, row) = self.hit(event.column, event.row)?;
        Some(Mouse { kind, pane, row })
    }
}

/// The key in the app's words. Shift is part of a character already.
fn press(event: KeyEvent) -> Option<KeyPress> {
    let key = match event.code {
        KeyCode::Char(letter) => Key::Char(letter),
        KeyCode::F(number) => Key::F(number),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => Key::BackTab,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        _ => return None,
    };
    Some(KeyPress {
        key,
        ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
        alt: event.modifiers.contains(KeyModifiers::ALT),
    })
}
