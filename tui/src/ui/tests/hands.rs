//! What hands do: keys into the editor, pastes, the mouse.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use tailwater_core::app::{App, Effect, Message, Pane};

use super::{
    super::Screen,
    drawn,
    story::{busy_app, press, ready_app},
};

fn handle(app: &mut App, screen: &mut Screen, event: Event) -> Vec<Effect> {
    screen.handle(event, app).map(|message| app.update(message)).unwrap_or_default()
}

fn type_key(app: &mut App, screen: &mut Screen, code: KeyCode, modifiers: KeyModifiers) -> Vec<Effect> {
    handle(app, screen, Event::Key(KeyEvent::new(code, modifiers)))
}

fn letters(app: &mut App, screen: &mut Screen, text: &str) {
    for letter in text.chars() {
        type_key(app, screen, KeyCode::Char(letter), KeyModifiers::NONE);
    }
}

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Event {
    Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
}

#[test]
fn the_editor_takes_letters_undo_and_pastes_and_sends() {
    let mut app = ready_app();
    let mut screen = Screen::new();
    drawn(&mut app, &mut screen, 80, 24);
    letters(&mut app, &mut screen, "e");
    letters(&mut app, &mut screen, "sq");
    assert!(app.send().text().starts_with("sq{"));
    type_key(&mut app, &mut screen, KeyCode::Char('u'), KeyModifiers::CONTROL);
    type_key(&mut app, &mut screen, KeyCode::Char('u'), KeyModifiers::CONTROL);
    assert!(app.send().text().starts_with("{\n"), "undone: {}", app.send().text());
    for _ in 0..4 {
        type_key(&mut app, &mut screen, KeyCode::Down, KeyModifiers::SHIFT);
    }
    type_key(&mut app, &mut screen, KeyCode::End, KeyModifiers::SHIFT);
    type_key(&mut app, &mut screen, KeyCode::Backspace, KeyModifiers::NONE);
    assert_eq!(app.send().text(), "");
    handle(&mut app, &mut screen, Event::Paste("{\r\n \"a\": 1}".to_owned()));
    assert_eq!(app.send().text(), "{\n \"a\": 1}");
    let effects = type_key(&mut app, &mut screen, KeyCode::Char('s'), KeyModifiers::CONTROL);
    assert!(matches!(&effects[0], Effect::Send { events, .. } if events[0].1 == "{\n \"a\": 1}"));
}

#[test]
fn another_template_replaces_the_text_and_undo_brings_it_back() {
    let mut app = ready_app();
    let mut screen = Screen::new();
    drawn(&mut app, &mut screen, 80, 24);
    let first = app.send().text().to_owned();
    type_key(&mut app, &mut screen, KeyCode::Right, KeyModifiers::NONE);
    let second = app.send().text().to_owned();
    letters(&mut app, &mut screen, "e ");
    assert_eq!(app.send().text(), format!(" {second}"));
    for _ in 0..3 {
        type_key(&mut app, &mut screen, KeyCode::Char('u'), KeyModifiers::CONTROL);
    }
    assert_eq!(app.send().text(), first);
}

#[test]
fn the_mouse_finds_what_was_drawn() {
    let mut app = busy_app();
    let mut screen = Screen::new();
    let buffer = drawn(&mut app, &mut screen, 80, 24);
    let row = (0..24).find(|y| (0..40).map(|x| buffer[(x, *y)].symbol()).collect::<String>().starts_with(" #38"));
    handle(&mut app, &mut screen, mouse(MouseEventKind::Down(MouseButton::Left), 5, row.expect("a record")));
    assert_eq!(app.focus(), Pane::Records);
    assert_eq!(app.selected_number().expect("a number").to_string(), "#38");
    handle(&mut app, &mut screen, mouse(MouseEventKind::ScrollUp, 60, 10));
    assert!(!app.pane(Pane::Logs).following());
    assert!(screen.handle(mouse(MouseEventKind::Moved, 1, 1), &app).is_none());
    assert!(screen.handle(mouse(MouseEventKind::ScrollUp, 1, 0), &app).is_none(), "the header is no pane");
}

#[test]
fn a_selected_row_stays_in_sight_and_in_place() {
    let mut app = busy_app();
    let mut screen = Screen::new();
    press(&mut app, "3");
    for _ in 0..20 {
        press(&mut app, "k");
        drawn(&mut app, &mut screen, 80, 24);
    }
    let before = super::text(&drawn(&mut app, &mut screen, 80, 24));
    assert!(before.contains("▸#22"), "{before}");
    app.update(Message::Events((43..60).map(|seq| super::story::record(seq, 23_000)).collect()));
    let after = super::text(&drawn(&mut app, &mut screen, 80, 24));
    let line = |text: &str| text.lines().position(|line| line.contains("▸#22")).expect("the row");
    assert_eq!(line(&before), line(&after));
    assert!(after.contains("paused, 17 new below"), "{after}");
}
