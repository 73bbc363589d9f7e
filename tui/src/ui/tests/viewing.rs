//! The tails as a log viewer, as pictures of text.

use bytes::Bytes;
use tailwater_core::app::{App, Key, Message};

use super::{
    super::Screen,
    drawn, screen_text,
    story::{self, busy_app, key, press},
    text,
};

fn type_and_enter(app: &mut App, letters: &str) {
    press(app, letters);
    key(app, Key::Enter);
}

#[test]
fn a_filter_says_what_it_hides_and_how_that_ends() {
    let mut app = busy_app();
    press(&mut app, "2");
    type_and_enter(&mut app, "f-REPORT Kinesis");
    press(&mut app, "3");
    type_and_enter(&mut app, "f$.user_id>=440");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn what_is_wrong_with_a_filter_is_said_while_it_is_typed() {
    let mut app = busy_app();
    press(&mut app, "2flevel>=WARM");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn what_was_found_is_marked_and_counted() {
    let mut app = busy_app();
    press(&mut app, "3z");
    type_and_enter(&mut app, "/signup");
    press(&mut app, "NN");
    insta::assert_snapshot!(screen_text(&mut app, 120, 40));
    let mut screen = Screen::new();
    let buffer = drawn(&mut app, &mut screen, 120, 40);
    let found = super::super::Theme::new(tailwater_core::app::ThemeName::Auto).found();
    let marked = buffer.content.iter().filter(|cell| Some(cell.bg) == found.bg).count();
    let rows = text(&buffer).matches("signup").count();
    assert!(rows > 30, "{rows}");
    assert_eq!(marked % "signup".len(), 0);
    assert!(marked / "signup".len() >= rows - 1, "{marked} cells of {rows} rows");
}

#[test]
fn a_match_far_to_the_right_is_brought_into_sight() {
    let mut app = story::ready_app();
    let long = format!("{{\"filler\":\"{}\",\"needle\":1}}\n", "東京x".repeat(200));
    app.update(Message::Events(vec![story::record_of(1, 1_000, Bytes::from(long))]));
    press(&mut app, "3");
    type_and_enter(&mut app, "/needle");
    for (width, height) in [(80, 24), (120, 40)] {
        let screen = screen_text(&mut app, width, height);
        assert!(screen.contains("\"needle\":1"), "{screen}");
    }
}

#[test]
fn a_row_that_is_open_folds() {
    let mut app = story::ready_app();
    let data = "{\"event\":\"order\",\"total\":1.50e+03,\"customer\":{\"name\":\"東京 👩‍👩‍👧\",\"id\":12345678901234567890},\
                \"items\":[{\"sku\":\"a-1\"},{\"sku\":\"b-2\"}],\"note\":\"\u{202e}\\u001b[2J\"}\n";
    app.update(Message::Events(vec![story::record_of(1, 1_000, Bytes::from(data))]));
    press(&mut app, "3");
    key(&mut app, Key::Enter);
    type_and_enter(&mut app, "/sku");
    insta::assert_snapshot!("unfolded", screen_text(&mut app, 120, 40));
    press(&mut app, "-");
    insta::assert_snapshot!("folded", screen_text(&mut app, 80, 24));
    press(&mut app, "b");
    insta::assert_snapshot!("bytes", screen_text(&mut app, 120, 40));
}

#[test]
fn an_object_that_is_open_lists_its_lines_and_their_events() {
    let mut app = busy_app();
    press(&mut app, "4");
    key(&mut app, Key::Enter);
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn columns_grow_with_the_width() {
    let mut app = busy_app();
    press(&mut app, "3z");
    insta::assert_snapshot!("records", screen_text(&mut app, 120, 40));
    press(&mut app, "2");
    insta::assert_snapshot!("logs", screen_text(&mut app, 120, 40));
    press(&mut app, "uu");
    let ago = screen_text(&mut app, 120, 40);
    assert!(ago.contains(" s ago "), "{ago}");
}

#[test]
fn hostile_text_stays_in_its_cells_wherever_it_stands() {
    let hostile = "東京👩‍👩‍👧שלום\u{202e}\u{200b}\u{1b}[2J\u{9b}e\u{301}\u{0}";
    let mut app = story::ready_app();
    let body = format!("{{\"{hostile}\":\"{hostile}\",\"n\":1}}\n");
    app.update(Message::Events(vec![
        story::record_of(1, 1_000, Bytes::from(body)),
        story::record_of(2, 1_000, Bytes::from(format!("{hostile}\n").repeat(3))),
        story::log(1, 1_000, tailwater_core::events::LogSource::Function, hostile),
    ]));
    for keys in ["3", "3w", "3z", "3zw", "2zw", "3\n", "3\nw", "3\nb", "3k\n", "2\n", "f東京", "/שלום\n", "3\n/東京\n"]
    {
        for (width, height) in [(80, 24), (97, 30), (120, 40)] {
            for letter in keys.chars() {
                if letter == '\n' { key(&mut app, Key::Enter) } else { press(&mut app, &letter.to_string()) }
            }
            let buffer = drawn(&mut app, &mut Screen::new(), width, height);
            let raw = |symbol: &str| {
                symbol.chars().any(|letter| {
                    letter.is_control() || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
                })
            };
            assert!(!buffer.content.iter().any(|cell| raw(cell.symbol())), "{keys}");
            assert_eq!(text(&buffer).lines().count(), usize::from(height));
            for _ in 0..4 {
                key(&mut app, Key::Esc);
            }
            press(&mut app, "F0");
        }
    }
}
