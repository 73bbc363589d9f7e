//! Sending more than one event, and other requests than the usual one.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tailwater_core::app::{App, Effect, KeyPress, Line, Message, Pane};

use super::{
    super::Screen,
    drawn, screen_text,
    story::{accepted, at, press, ready_app},
};

const CURL: &str = "curl -X PUT http://127.0.0.1:3000/wrong?a=1 -H 'Content-Type: text/plain' \\\n  -H 'Authorization: \
                    Bearer abc.def' -d '{\"event\": \"from curl\"}'";

/// Types a command into the palette.
fn command(app: &mut App, text: &str) -> Vec<Effect> {
    press(app, ":");
    press(app, text);
    app.update(Message::Key(KeyPress::of(tailwater_core::app::Key::Enter)))
}

fn sent(effects: &[Effect]) -> Vec<u64> {
    let seqs = effects.iter().filter_map(|effect| match effect {
        Effect::Send { events, .. } => Some(events.iter().map(|(seq, _)| *seq)),
        _ => None,
    });
    seqs.flatten().collect()
}

fn said(app: &App) -> String {
    match app.line() {
        Some(Line::Notice(words)) => words,
        other => panic!("no notice but {other:?}"),
    }
}

#[test]
fn a_pasted_curl_command_becomes_body_headers_and_path() {
    let mut app = ready_app();
    let mut screen = Screen::new();
    drawn(&mut app, &mut screen, 80, 24);
    for code in [KeyCode::Char('2'), KeyCode::Char('e')] {
        let message = screen.handle(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), &app);
        app.update(message.expect("a key"));
    }
    let message = screen.handle(Event::Paste(CURL.to_owned()), &app).expect("a paste");
    assert!(app.update(message).is_empty(), "nothing is sent by a paste");
    assert_eq!((app.focus(), app.send().text()), (Pane::Send, "{\"event\": \"from curl\"}"));
    insta::assert_snapshot!(super::text(&drawn(&mut app, &mut screen, 80, 24)));
    press(&mut app, "q");
    app.update(Message::Key(KeyPress::of(tailwater_core::app::Key::Esc)));
    let effects = press_and_take(&mut app, 's');
    let Some(Effect::Send { request, events, .. }) = effects.first() else { panic!("{effects:?}") };
    assert_eq!((request.method.as_deref(), request.path.as_deref()), (Some("PUT"), Some("/wrong?a=1")));
    assert_eq!(events[0].1, "{\"event\": \"from curl\"}");
}

fn press_and_take(app: &mut App, letter: char) -> Vec<Effect> {
    app.update(Message::Key(KeyPress::char(letter)))
}

#[test]
fn a_burst_is_counted_while_it_goes_and_a_key_stops_it() {
    let mut app = ready_app();
    let begun = command(&mut app, "burst 100 10");
    assert_eq!(sent(&begun), [1]);
    assert!(sent(&app.update(Message::Tick(at(1_050)))).is_empty(), "the second is due after 100 ms");
    assert_eq!(sent(&app.update(Message::Tick(at(1_400)))), [2, 3, 4, 5]);
    app.update(Message::Events((1..=4).map(|seq| accepted(seq, 1_100)).collect()));
    app.update(Message::Tick(at(2_050)));
    assert!(said(&app).starts_with("11 of 100 sent: 4 accepted, 10.5/s reached."), "{}", said(&app));
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
    press(&mut app, "x");
    assert!(sent(&app.update(Message::Tick(at(5_000)))).is_empty());
    app.update(Message::Events((5..=11).map(|seq| accepted(seq, 1_100)).collect()));
    assert!(said(&app).contains("11 of 100 sent: 11 accepted"), "{}", said(&app));
    assert!(!app.is_loading());
    assert_eq!(app.ledger().sent, 11);
}

#[test]
fn what_cannot_be_sent_many_times_is_said_in_the_palette() {
    let mut app = ready_app();
    assert!(command(&mut app, "burst many").is_empty());
    let text = screen_text(&mut app, 80, 24);
    assert!(text.contains(":burst 500 50"), "{text}");
}

#[test]
fn the_request_is_edited_by_command_and_taken_back() {
    let mut app = ready_app();
    command(&mut app, "header X-Trace: 1");
    command(&mut app, "path /wrong");
    assert!(screen_text(&mut app, 80, 24).contains("! /wrong · X-Trace: 1"));
    let copied = command(&mut app, "curl");
    let Some(Effect::Copy(curl)) = copied.first() else { panic!("{copied:?}") };
    assert!(
        curl.starts_with(
            "curl http://127.0.0.1:3000/wrong -H 'Content-Type: application/json' -H 'X-Trace: 1' --data-raw '{"
        ),
        "{curl}"
    );
    command(&mut app, "reset-request");
    assert!(app.request().is_usual());
}

#[test]
fn templates_and_history_are_picked_from_a_list() {
    let mut app = ready_app();
    app.update(Message::History(vec!["{\"old\":1}".to_owned(), "{\"old\":2}".to_owned()]));
    command(&mut app, "templates");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
    press(&mut app, "ord");
    app.update(Message::Key(KeyPress::of(tailwater_core::app::Key::Enter)));
    assert!(app.send().text().contains("order"), "{}", app.send().text());
    command(&mut app, "history");
    app.update(Message::Key(KeyPress::of(tailwater_core::app::Key::Down)));
    app.update(Message::Key(KeyPress::of(tailwater_core::app::Key::Enter)));
    assert_eq!(app.send().text(), "{\"old\":1}");
}
