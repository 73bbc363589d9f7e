//! The terminal app, as the real binary in a pseudo-terminal.

mod common;

use common::User;

/// The shortest interval that still shows Firehose holding something.
const FAST: [&str; 2] = ["--param", "BufferIntervalSeconds=1"];

#[test]
fn one_event_is_seen_at_every_hop() {
    let user = User::new();
    let mut app = user.app(&FAST, 120, 40);
    let first = app.until_shows("Kinesis");
    assert!(first.contains("nothing leaves this machine"), "{first}");
    app.until("a stack that is there", |text| text.contains("stack tailwater ✓") && text.contains("4 Objects"));
    app.keys("s");
    app.until_shows("202 in");
    app.until("the function's lines", |text| text.contains("accepted") && text.contains("REPORT"));
    app.until("the record", |text| text.matches(r#"{"event":"signup""#).count() >= 2);
    app.until_shows("1 in S3");
    app.keys("t");
    app.until("its trace", |text| text.contains("Trace #1") && text.contains("line 1"));
    app.keys("q");
    app.until_shows("4 Objects");
    app.keys("q");
    app.until_shows("y/n");
    app.keys("y");
    assert_eq!(app.end(), 0);
    assert!(!app.is_taken_over(), "the terminal was not given back");
}

#[test]
fn what_a_second_terminal_sends_shows_in_the_app() {
    let user = User::new();
    let app = user.app(&FAST, 200, 50);
    app.until("a stack that is there", |text| text.contains("stack tailwater ✓") && text.contains("4 Objects"));
    let sent = user.run(&["send", "--data", r#"{"from":"elsewhere","n":12345678901234567890}"#, "--output", "json"]);
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    app.until_shows(r#"{"from":"elsewhere","n":12345678901234567890}"#);
    app.until_shows("others put 1");
}

#[test]
fn a_body_that_is_no_json_is_refused_and_kept() {
    let user = User::new();
    let mut app = user.app(&FAST, 120, 40);
    app.until("a stack that is there", |text| text.contains("stack tailwater ✓") && text.contains("4 Objects"));
    app.keys("e");
    app.until_shows("EDITING");
    app.keys("]");
    app.until("the mistake", |text| text.contains('✗') && text.contains("line 1"));
    app.keys("\x13");
    app.until("the refusal", |text| text.contains("400") || text.contains("not JSON") || text.contains("line 1"));
    assert!(app.text().contains("]{"), "{}", app.text());
}

#[cfg(unix)]
#[test]
fn told_to_end_it_gives_the_terminal_back() {
    let user = User::new();
    let mut app = user.app(&[], 80, 24);
    app.until_shows("Kinesis");
    let pid = rustix::process::Pid::from_raw(i32::try_from(app.pid()).expect("a process id")).expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("told");
    assert_eq!(app.end(), 0);
    assert!(!app.is_taken_over(), "the terminal was not given back");
}

#[test]
fn a_screen_too_small_says_the_size_it_needs() {
    let user = User::new();
    let app = user.app(&[], 60, 15);
    app.until("the size", |text| text.contains("80") && text.contains("24"));
}

#[test]
fn a_paste_is_found_and_what_was_chosen_is_remembered() {
    let user = User::new();
    let mut app = user.app(&FAST, 120, 40);
    app.until("a stack that is there", |text| text.contains("stack tailwater ✓") && text.contains("4 Objects"));
    app.keys("s");
    app.until("the record", |text| text.matches(r#"{"event":"signup""#).count() >= 2);
    // A terminal that does not bracket a paste: keys, faster than hands are.
    app.keys("\"event\":\"signup\"");
    app.until_shows("Find \"event\":\"signup\"");
    app.keys("\r");
    app.until_shows("Trace #1");
    app.keys("q");
    app.until_shows("4 Objects");
    app.keys(":");
    app.until_shows("Palette");
    app.keys("theme light");
    app.until_shows("❯ theme light");
    app.keys("\r");
    app.until_shows("Theme light");
    app.keys("q");
    app.until_shows("y/n");
    app.keys("y");
    assert_eq!(app.end(), 0);
    let file = user.folder().join("state/tailwater/settings.json");
    let settings = std::fs::read_to_string(&file).expect("settings");
    assert!(settings.contains("\"theme\": \"light\""), "{settings}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);
    }
    let again = user.app(&["--present"], 60, 18);
    again.until_shows("PRESENTING");
}
