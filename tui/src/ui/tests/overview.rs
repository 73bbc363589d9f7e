//! The screens as pictures of text.

use std::time::Duration;

use bytes::Bytes;
use ratatui::style::Color;
use tailwater_core::{
    app::{App, DeployProgress, EventSource, Key, KeyPress, Message, TailState},
    events::{Answer, LogSource},
};

use super::{
    screen_text,
    story::{self, busy_app, new_app, press, ready_app},
};

#[test]
fn the_first_frame_waits_for_nothing() {
    insta::assert_snapshot!(screen_text(&mut new_app(), 80, 24));
}

#[test]
fn a_stack_that_is_being_created() {
    let mut app = new_app();
    story::cloud_ready(&mut app);
    story::half_created(&mut app);
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn a_deployment_that_failed_says_what_why_and_what_to_do() {
    let mut app = new_app();
    story::cloud_ready(&mut app);
    story::half_created(&mut app);
    app.update(Message::Events(vec![
        story::stack_event(
            300,
            "Function",
            "AWS::Lambda::Function",
            "CREATE_FAILED",
            Some("Could not unzip uploaded file: it has no bootstrap (Service: Lambda, Status Code: 400)"),
        ),
        story::stack_event(310, "tailwater", "AWS::CloudFormation::Stack", "ROLLBACK_IN_PROGRESS", None),
    ]));
    app.update(Message::Deploy(DeployProgress::Failed {
        error: "Deploying stack tailwater: ROLLBACK_COMPLETE. The function's zip has no file named bootstrap: build \
                it with --handler-zip FILE."
            .to_owned(),
    }));
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn ready_for_the_first_event() {
    insta::assert_snapshot!(screen_text(&mut ready_app(), 80, 24));
}

#[test]
fn an_overview_at_the_smallest_size() {
    insta::assert_snapshot!(screen_text(&mut busy_app(), 80, 24));
}

#[test]
fn an_overview_with_room() {
    insta::assert_snapshot!(screen_text(&mut busy_app(), 120, 40));
}

#[test]
fn the_help() {
    let mut app = busy_app();
    press(&mut app, "3?");
    insta::assert_snapshot!(screen_text(&mut app, 120, 48));
}

#[test]
fn a_record_opened() {
    let mut app = busy_app();
    press(&mut app, "3");
    story::key(&mut app, Key::Enter);
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn one_pane_large_with_long_rows_wrapped() {
    let mut app = busy_app();
    press(&mut app, "2zw");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn editing_what_is_no_json_yet() {
    let mut app = ready_app();
    press(&mut app, "e");
    app.update(Message::EditorChanged("{\n  \"user_id\": {{int 1 999}},\n}".to_owned()));
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn a_filter_that_hides_all_while_it_is_typed() {
    let mut app = busy_app();
    press(&mut app, "2flevel=ERROR");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn quitting_asks() {
    let mut app = busy_app();
    press(&mut app, "q");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24).lines().last().unwrap_or_default());
}

#[test]
fn trouble_at_two_hops() {
    let mut app = busy_app();
    let refused = |status, message: &str| Answer::Refused {
        status,
        nothing_put: true,
        api_request_id: None,
        message: message.to_owned(),
    };
    app.update(Message::Events(vec![
        story::sent(43, 20_000, refused(429, "Too Many Requests")),
        story::sent(44, 20_000, refused(400, "the body is no JSON: line 1 column 2: expected value")),
        story::sent(45, 20_000, Answer::Unanswered { message: "connection refused".to_owned() }),
        story::log(
            0,
            20_500,
            LogSource::Delivery,
            r#"{"errorCode":"S3.AccessDenied","errorMessage":"Access was denied.","level":"ERROR"}"#,
        ),
        story::log(
            46,
            20_400,
            LogSource::Access,
            r#"{"requestId":"a","status":"429","integrationRequestId":"-","responseLatency":"1"}"#,
        ),
    ]));
    app.update(Message::Tail(
        EventSource::Objects,
        TailState::Retrying { error: "listing the bucket: 503".to_owned(), after: Duration::from_secs(2) },
    ));
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn letters_of_every_kind_keep_the_columns() {
    let mut app = ready_app();
    for (seq, text) in [
        "{\"name\":\"東京都渋谷区神南一丁目\"}",
        "{\"mood\":\"👩‍👩‍👧 ❤️ 👍🏽 🇳🇿\"}",
        "{\"name\":\"שלום עולם\"}",
        "\u{1b}[2J\u{1b}]0;title\u{7}",
        "\u{202e}gnirts\u{200b}",
        "e\u{301}e\u{301} zalgo\u{335}\u{336}\u{337}",
    ]
    .iter()
    .enumerate()
    {
        app.update(Message::Events(vec![story::record_of(seq as u64, 1_000, Bytes::from(format!("{text}\n")))]));
    }
    app.update(Message::Events(vec![story::record_of(9, 1_000, Bytes::from_static(b"\xff\xfe\x00binary"))]));
    press(&mut app, "3");
    let buffer = super::drawn(&mut app, &mut super::Screen::new(), 80, 24);
    insta::assert_snapshot!(super::text(&buffer));
    for y in 5..23 {
        // The pane on the right begins in its own column on every line.
        assert_eq!(buffer[(39, y)].symbol(), " ", "line {y}");
    }
    let raw = buffer.content.iter().any(|cell| cell.symbol().contains(['\u{1b}', '\u{202e}', '\u{200b}', '\u{7}']));
    assert!(!raw, "nothing from outside reaches the terminal raw");
}

#[test]
fn a_small_screen_says_what_it_needs() {
    insta::assert_snapshot!(screen_text(&mut busy_app(), 79, 24).trim_end());
    for (width, height) in [(80, 23), (20, 5), (1, 1)] {
        let text = screen_text(&mut busy_app(), width, height);
        assert!(!text.contains("Send"), "{text}");
    }
}

#[test]
fn without_colours_no_cell_has_one() {
    let mut options = story::options();
    options.colours = false;
    let mut app = App::new(options);
    story::cloud_ready(&mut app);
    story::half_created(&mut app);
    story::ready(&mut app);
    story::event(&mut app, 1, 2_000);
    for keys in ["", "e", "?"] {
        press(&mut app, keys);
        let buffer = super::drawn(&mut app, &mut super::Screen::new(), 120, 40);
        assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    }
}

#[test]
fn every_screen_fits_every_size() {
    for (width, height) in [(80, 24), (81, 25), (100, 30), (120, 40), (160, 48), (237, 71)] {
        for keys in ["", "1z", "2z", "3z", "4zw", "6", "?", "3\n", "e"] {
            let mut app = busy_app();
            for letter in keys.chars() {
                let pressed = if letter == '\n' { KeyPress::of(Key::Enter) } else { KeyPress::char(letter) };
                app.update(Message::Key(pressed));
            }
            let text = screen_text(&mut app, width, height);
            assert_eq!(text.lines().count(), usize::from(height));
            assert!(text.contains("Kinesis"), "{text}");
        }
    }
}

#[test]
fn the_trace_of_an_event_that_landed() {
    let mut app = busy_app();
    press(&mut app, "3");
    for _ in 0..4 {
        press(&mut app, "k");
    }
    press(&mut app, "t");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn the_trace_of_an_event_that_is_held() {
    let mut app = busy_app();
    press(&mut app, "t");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn the_palette_offers_what_can_be_done() {
    let mut app = busy_app();
    press(&mut app, "3:");
    insta::assert_snapshot!("palette_80", screen_text(&mut app, 80, 24));
    press(&mut app, "wr");
    insta::assert_snapshot!("palette_120", screen_text(&mut app, 120, 40));
}
