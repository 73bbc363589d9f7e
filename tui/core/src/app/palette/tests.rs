//! What the palette offers, and what choosing comes to.

use super::*;
use crate::app::Message;
use crate::app::tests::{accepted, key, object, press, ready_app, record, type_in, with_records};

fn names(app: &App) -> Vec<String> {
    app.palette_items().into_iter().map(|item| item.name).collect()
}

#[test]
fn what_does_something_now_stands_first_with_its_key() {
    let mut app = ready_app();
    press(&mut app, ':');
    assert_eq!(app.context(), Context::Palette);
    let items = app.palette_items();
    let first_idle = items.iter().position(|item| !item.now).expect("something does nothing now");
    assert!(items[first_idle..].iter().all(|item| !item.now));
    let send = items.iter().find(|item| item.name == "send").expect("an action");
    assert_eq!((send.key, send.now), ("s", true));
    let mut seen = std::collections::HashSet::new();
    assert!(items.iter().all(|item| seen.insert((item.name.clone(), item.key))), "{:?}", names(&app));
}

#[test]
fn a_few_letters_find_it_and_enter_does_it() {
    let mut app = with_records(3);
    type_in(&mut app, "3:calls");
    assert_eq!(names(&app)[0], ":calls");
    key(&mut app, Key::Enter);
    assert_eq!(app.focus(), Pane::Calls);
    assert!(app.palette().is_none());
    type_in(&mut app, "0:lrg");
    assert_eq!(names(&app)[0], "large");
    key(&mut app, Key::Enter);
    assert_eq!(app.large(), Some(Pane::Records));
}

#[test]
fn words_find_it_too() {
    let mut app = ready_app();
    type_in(&mut app, ":budget");
    assert_eq!(names(&app)[0], "calls");
}

#[test]
fn what_can_t_be_done_says_so_and_stays() {
    let mut app = ready_app();
    type_in(&mut app, ":show all");
    assert!(!app.palette_items()[0].now);
    key(&mut app, Key::Enter);
    let problem = app.palette().and_then(Palette::problem).expect("a problem");
    assert!(problem.starts_with("That does nothing here and now"), "{problem}");
    press(&mut app, 'x');
    assert_eq!(app.palette().and_then(Palette::problem), None);
    key(&mut app, Key::Esc);
    assert_eq!(app.context(), Context::Panes);
}

#[test]
fn a_number_leads_to_its_trace() {
    let mut app = with_records(2);
    app.update(Message::Events(vec![accepted(1), accepted(2)]));
    type_in(&mut app, ":#2");
    assert_eq!(names(&app)[0], "#2");
    key(&mut app, Key::Enter);
    assert_eq!(app.trace(), Some(EventNumber::Own(2)));
    type_in(&mut app, ":#9");
    assert!(!names(&app).contains(&"#9".to_owned()));
}

#[test]
fn a_paste_is_something_to_find_whatever_it_says() {
    let mut app = ready_app();
    app.update(Message::Events(vec![accepted(1), record(1), object(&[1])]));
    app.update(Message::Paste("\n 491 \n".to_owned()));
    assert_eq!(names(&app)[0], "Find 491");
    key(&mut app, Key::Enter);
    assert_eq!(app.trace(), Some(EventNumber::Own(1)));
    key(&mut app, Key::Esc);
    app.update(Message::Paste("{\n  \"n\": 1\n}".to_owned()));
    assert_eq!(names(&app)[0], "Find {\"n\":1}");
    key(&mut app, Key::Enter);
    assert_eq!(app.trace(), Some(EventNumber::Own(1)));
    key(&mut app, Key::Esc);
    app.update(Message::Paste("destroy".to_owned()));
    assert_eq!(names(&app)[0], "Find destroy");
    assert!(key(&mut app, Key::Enter).is_empty());
    assert!(app.destroying().is_none());
}

#[test]
fn choosing_goes_around_and_a_step_up_leaves() {
    let mut app = ready_app();
    press(&mut app, ':');
    let last = app.palette_items().len() - 1;
    key(&mut app, Key::Up);
    assert_eq!(app.palette().map(Palette::selected), Some(last));
    key(&mut app, Key::Down);
    assert_eq!(app.palette().map(Palette::selected), Some(0));
    key(&mut app, Key::Backspace);
    assert!(app.palette().is_none());
}

#[test]
fn a_command_is_typed_in_full_or_completed() {
    let mut app = ready_app();
    type_in(&mut app, "::dest");
    assert_eq!(names(&app)[0], ":destroy");
    key(&mut app, Key::Tab);
    assert_eq!(app.palette().map(|palette| palette.split().0.to_owned()).as_deref(), Some(":destroy"));
    key(&mut app, Key::Enter);
    assert_eq!(app.focus(), Pane::Stack);
    assert!(app.destroying().is_some());
}

#[test]
fn nothing_that_is_typed_breaks_it() {
    let mut app = ready_app();
    for text in ["\\", "!^$'", "日本語", "::::", "#99999999999999999999", "·", "e\u{301}"] {
        press(&mut app, ':');
        type_in(&mut app, text);
        app.palette_items();
        key(&mut app, Key::Esc);
    }
}
