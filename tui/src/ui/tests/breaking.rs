//! The panel of what can be broken, and what the header says of it.

use tailwater_core::{
    app::{App, Effect, FaultOrder, Key, KeyPress, Message},
    faults::{Kind, Standing, parse},
};

use super::{
    screen_text,
    story::{busy_app, press, ready_app},
};

fn standing(id: &str, text: &str, met: u64) -> Standing {
    let order = parse(text).expect("an order").remove(0);
    Standing { id: id.to_owned(), words: order.words(), order: Some(order), met }
}

fn broken(app: &mut App, standing: Vec<Standing>) {
    app.update(Message::Faults(Ok(standing)));
}

fn key(app: &mut App, key: Key) -> Vec<Effect> {
    app.update(Message::Key(KeyPress::of(key)))
}

fn letter(app: &mut App, letter: char) -> Vec<Effect> {
    app.update(Message::Key(KeyPress::char(letter)))
}

#[test]
fn what_can_be_broken() {
    let mut app = ready_app();
    press(&mut app, "B");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn a_fault_that_is_on_comes_with_its_exercise() {
    let mut app = busy_app();
    broken(&mut app, vec![standing("1", "crash=20%", 3)]);
    press(&mut app, "B");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn several_faults_on_a_wide_screen() {
    let mut app = busy_app();
    let other = Standing { id: "4".to_owned(), order: None, words: "call s3 PutObject".to_owned(), met: 0 };
    let delay = standing("2", "firehose-delay=30s,for=118s", 1);
    broken(&mut app, vec![standing("1", "crash=20%", 3), delay, standing("3", "kinesis-throttle=5x,50%", 1204), other]);
    press(&mut app, "B");
    for _ in 0..8 {
        key(&mut app, Key::Down);
    }
    insta::assert_snapshot!(screen_text(&mut app, 120, 40));
}

#[test]
fn every_exercise_fits_the_smallest_screen() {
    for (index, kind) in Kind::ALL.into_iter().enumerate() {
        let mut app = busy_app();
        broken(&mut app, vec![standing("1", kind.name(), 0)]);
        press(&mut app, "B");
        for _ in 0..Kind::ALL.len() {
            key(&mut app, Key::Up);
        }
        for _ in 0..index {
            key(&mut app, Key::Down);
        }
        let screen = screen_text(&mut app, 80, 24);
        // The command is the last of it.
        let (_, command) = app.exercise().pop().expect("an exercise");
        let shown: String = screen.split_whitespace().collect();
        let command: String = command.split_whitespace().collect();
        assert!(shown.contains(&command), "{} {command}\n{screen}", kind.name());
    }
}

#[test]
fn what_is_on_is_said_on_every_screen_and_gone_when_it_is_over() {
    let mut app = busy_app();
    broken(&mut app, vec![standing("1", "crash=20%", 0), standing("2", "slow=3s", 0)]);
    for size in [(80, 24), (120, 40)] {
        let screen = screen_text(&mut app, size.0, size.1);
        assert!(screen.starts_with(" FAULTS crash 20 % + slow 3 s"), "{screen}");
    }
    broken(&mut app, vec![standing("2", "slow=3s", 0)]);
    let screen = screen_text(&mut app, 80, 24);
    assert!(screen.starts_with(" FAULT slow 3 s") && screen.contains("crash is over"), "{screen}");
}

#[test]
fn keys_turn_faults_on_make_them_stronger_and_turn_them_off() {
    let mut app = ready_app();
    press(&mut app, "B");
    assert_eq!(key(&mut app, Key::Left), []);
    let [Effect::Break(FaultOrder::Put(order))] = &key(&mut app, Key::Enter)[..] else { panic!("one order") };
    assert_eq!(order.to_string(), "crash=80%");
    broken(&mut app, vec![standing("1", "crash=80%", 0)]);
    key(&mut app, Key::Tab);
    let effects = key(&mut app, Key::Left);
    let [Effect::Break(FaultOrder::Replace(ids, order))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((ids.as_slice(), order.to_string().as_str()), (&["1".to_owned()][..], "crash=80%,50x"));
    broken(&mut app, vec![standing("2", "crash=80%,50x", 0)]);
    assert_eq!(key(&mut app, Key::Enter), [Effect::Break(FaultOrder::TakeBack(vec!["2".to_owned()]))]);
    broken(&mut app, Vec::new());
    assert!(!screen_text(&mut app, 80, 24).contains("is over"), "whoever turned it off knows");
    assert_eq!(letter(&mut app, 'x'), [], "nothing is on");
    broken(&mut app, vec![standing("3", "slow", 0)]);
    assert_eq!(letter(&mut app, 'x'), [Effect::Break(FaultOrder::Clear)]);
    // Another pane closes the panel.
    letter(&mut app, '2');
    assert!(!app.breaks());
}
