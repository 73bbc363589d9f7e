//! The help and the tour as pictures of text.

use tailwater_core::{
    app::{App, DeployProgress, Key, Message},
    pipeline::Settings,
};

use super::{
    screen_text,
    story::{self, at, busy_app, key, new_app, press, ready_app},
};

/// As a stack of the template tells its parameters.
fn settings(app: &mut App) {
    let parameters = [
        ("AuthMode", "NONE"),
        ("ThrottleRate", "50"),
        ("ThrottleBurst", "100"),
        ("ShardCount", "2"),
        ("RetentionHours", "24"),
        ("BufferIntervalSeconds", "10"),
        ("BufferSizeMB", "1"),
        ("LogRetentionDays", "7"),
        ("Architecture", "x86_64"),
        ("PartitionKeyPointer", ""),
        ("BucketBaseName", "api-kinesis-firehose-bucket"),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = Settings::of(parameters, "ap-southeast-2");
    app.update(Message::Deploy(DeployProgress::Settings(settings)));
}

#[test]
fn help_says_first_what_it_is_and_what_to_do() {
    let mut app = busy_app();
    settings(&mut app);
    press(&mut app, "3?");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn help_tells_a_hop_with_the_values_of_what_is_deployed() {
    let mut app = busy_app();
    settings(&mut app);
    press(&mut app, "?");
    for _ in 0..3 {
        key(&mut app, Key::Right);
    }
    insta::assert_snapshot!(screen_text(&mut app, 120, 48));
}

#[test]
fn help_before_the_pipeline_is_there() {
    let mut app = new_app();
    story::cloud_ready(&mut app);
    press(&mut app, "?");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
}

#[test]
fn help_scrolls_to_its_end_and_no_further() {
    let mut app = ready_app();
    screen_text(&mut app, 80, 24);
    press(&mut app, "?GGG");
    let end = screen_text(&mut app, 80, 24);
    assert!(end.contains("#42 was sent from here"), "{end}");
    press(&mut app, "jjjjj");
    press(&mut app, "g");
    assert!(screen_text(&mut app, 80, 24).contains("Send: an event is a JSON document"));
}

#[test]
fn a_tour_ends_with_ones_own_event_in_s3() {
    let mut app = ready_app();
    app.update(Message::History(Vec::new()));
    let offered = screen_text(&mut app, 80, 24);
    assert!(offered.contains("i starts a tour"), "{offered}");
    press(&mut app, "i");
    insta::assert_snapshot!("tour_1_the_strip", screen_text(&mut app, 80, 24));
    press(&mut app, "s");
    story::event(&mut app, 1, 1_500);
    app.update(Message::Tick(at(2_000)));
    insta::assert_snapshot!("tour_2_the_answer", screen_text(&mut app, 80, 24));
    press(&mut app, "2");
    insta::assert_snapshot!("tour_3_the_log_line", screen_text(&mut app, 80, 24));
    press(&mut app, "3");
    insta::assert_snapshot!("tour_4_the_record", screen_text(&mut app, 80, 24));
    press(&mut app, "4");
    app.update(Message::Tick(at(3_000)));
    insta::assert_snapshot!("tour_5_the_countdown", screen_text(&mut app, 80, 24));
    app.update(Message::Events(vec![story::object("bb20", 11_000, 1..=1)]));
    app.update(Message::Tick(at(12_000)));
    insta::assert_snapshot!("tour_6_it_landed", screen_text(&mut app, 80, 24));
    press(&mut app, "t");
    insta::assert_snapshot!("tour_7_its_trace", screen_text(&mut app, 80, 24));
    press(&mut app, "q4");
    key(&mut app, Key::Enter);
    insta::assert_snapshot!("tour_8_its_line", screen_text(&mut app, 80, 24));
    press(&mut app, "q");
    key(&mut app, Key::Esc);
    assert!(app.tour().is_none());
}

#[test]
fn a_tour_is_left_with_esc_and_offered_to_newcomers_alone() {
    let mut app = ready_app();
    app.update(Message::History(vec!["{}".to_owned()]));
    assert!(!screen_text(&mut app, 80, 24).contains("i starts a tour"));
    app.begin_tour();
    assert!(app.tour().is_some());
    key(&mut app, Key::Esc);
    assert!(app.tour().is_none());
}
