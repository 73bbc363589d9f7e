//! A recorded session on a real terminal, and without one.

mod common;

use common::User;

/// Where a replay stands, in seconds, as its header says.
fn position(screen: &str) -> u64 {
    let (_, rest) = screen.split_once("REPLAY ").unwrap_or_else(|| panic!("no replay:\n{screen}"));
    let (minutes, seconds) = rest.split_once(' ').and_then(|(at, _)| at.split_once(':')).expect("a position");
    minutes.parse::<u64>().expect("minutes") * 60 + seconds.parse::<u64>().expect("seconds")
}

#[test]
fn the_sample_plays_pauses_seeks_and_ends_without_any_cloud() {
    let user = User::new();
    let mut app = user.app(&["replay", "--speed", "4"], 120, 34);
    app.until("it run", |screen| screen.contains("REPLAY") && position(screen) >= 2);
    app.keys("P");
    let paused = app.until_shows("paused");
    assert!(paused.contains("local · nothing leaves this machine"), "{paused}");
    app.keys(">");
    let ahead = app.until("five seconds on", |screen| position(screen) == position(&paused) + 5);
    app.keys("<");
    app.until("five seconds back", |screen| position(screen) == position(&paused));
    app.keys("^");
    app.until("the start", |screen| position(screen) == 0);
    assert!(position(&ahead) > 0);
    app.keys(">>>>>>>>>>>>");
    app.until_shows("the end");
    app.keys("0s");
    app.until_shows("This is a replay: nothing is sent or changed");
    app.keys("q");
    assert_eq!(app.end(), 0);
    assert!(!user.folder().join("run").exists(), "no cloud was started");
}

#[test]
fn a_session_is_recorded_and_replayed() {
    let user = User::new();
    let mut app = user.app(&["--record", "session.jsonl"], 80, 24);
    app.until_shows(" REC ");
    app.until_shows("Press s");
    app.keys("s");
    app.until_shows("✓ 202");
    app.keys("\x03");
    app.until_shows("y/n");
    app.keys("y");
    assert_eq!(app.end(), 0);

    let mut again = user.app(&["--record", "session.jsonl"], 80, 24);
    again.until_shows("is there already and is not overwritten");
    assert_eq!(again.end(), 1);

    let mut replay = user.app(&["replay", "session.jsonl", "--speed", "20"], 80, 24);
    replay.until_shows("the end");
    replay.keys("n1");
    let screen = replay.until_shows("✓ 202");
    assert!(!screen.contains(" REC "), "{screen}");
    replay.keys("\x03");
    assert_eq!(replay.end(), 0);
}

#[test]
fn a_replay_without_a_terminal_says_what_else_there_is() {
    let user = User::new();
    let refused = user.run(&["replay"]);
    assert_eq!(refused.status.code(), Some(2));
    let none = user.run(&["replay", "--picture", "x.svg", "Cargo.toml"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&none.stderr).contains("Cargo.toml"), "{none:?}");
    let with_command = user.run(&["status", "--record", "x.jsonl"]);
    assert_eq!(with_command.status.code(), Some(2));
}

#[test]
fn a_picture_and_an_asciicast_need_no_terminal() {
    let user = User::new();
    let file = |name: &str| user.folder().join(name).display().to_string();
    let (picture, cast) = (file("a.svg"), file("a.cast"));
    let made = user.run(&["replay", "--picture", &picture, "--at", "5s", "--size", "80x24", "--asciicast", &cast]);
    assert!(made.status.success(), "{made:?}");
    let svg = std::fs::read_to_string(&picture).expect("the picture");
    assert!(svg.starts_with("<svg ") && svg.contains("Kinesis"));
    let header = std::fs::read_to_string(&cast).expect("the cast");
    assert!(header.starts_with("{\"version\":2,\"width\":80,\"height\":24,"), "{}", &header[..80]);
}
