//! The sample recording, replayed without any cloud.

use ratatui::buffer::Buffer;
use tailwater_core::{
    app::{Effect, Key, KeyPress, Message, Pane},
    trace::EventNumber,
};

use super::*;

const LOOK: Look = Look { colours: true, theme: None, motion: None };

fn sample() -> Recording {
    recording(None).expect("the sample is a recording")
}

/// The screen's lines, without the spaces at their ends.
fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let line = |cells: &[ratatui::buffer::Cell]| {
        let mut line = String::new();
        let mut column = 0;
        while let Some(cell) = cells.get(column) {
            line.push_str(cell.symbol());
            column += unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1);
        }
        line.trim_end().to_owned()
    };
    buffer.content.chunks(width).map(line).collect::<Vec<_>>().join("\n")
}

fn screen(player: &mut Player) -> String {
    text(&paint::frame(&player.app, &mut player.screen))
}

#[test]
fn the_sample_is_small_whole_and_without_secrets() {
    assert!(super::super::SAMPLE.len() < 200 * 1024, "{} bytes", super::super::SAMPLE.len());
    let sample = sample();
    assert_eq!((sample.skipped, sample.torn), (0, false));
    let text = String::from_utf8(super::super::SAMPLE.to_vec()).expect("text");
    let masked = tailwater_core::text::mask::mask(&text);
    assert!(masked == text, "the sample holds something that is masked");
}

#[test]
fn the_sample_replays_to_its_last_screen() {
    let mut player = Player::as_recorded_on(sample(), LOOK);
    player.go_to(sample().length());
    let ledger = player.app.ledger();
    assert!(ledger.sent > 0 && ledger.in_s3 > 0 && ledger.refused > 0, "{ledger:?}");
    insta::assert_snapshot!(screen(&mut player));
}

#[test]
fn going_back_shows_what_stood_there() {
    let length = sample().length();
    let mut player = Player::new(sample(), (120, 40), LOOK);
    let mut seen = Vec::new();
    for quarter in 1..4 {
        player.go_to(length * quarter / 4);
        seen.push(screen(&mut player));
    }
    for quarter in (1..4).rev() {
        player.go_to(length * quarter / 4);
        assert_eq!(Some(screen(&mut player)), seen.pop());
    }
    assert_eq!(player.next_at().is_some(), !player.recording().happenings.is_empty());
}

#[test]
fn looking_elsewhere_leaves_the_recorded_view_until_it_is_wanted_again() {
    let length = sample().length();
    let mut player = Player::new(sample(), (120, 40), LOOK);
    player.go_to(length / 2);
    let as_recorded = screen(&mut player);
    for letter in ['3', 'z'] {
        assert_eq!(player.look(Message::Key(KeyPress::char(letter))), []);
    }
    assert!(player.has_own_view());
    player.go_to(length);
    player.go_to(length / 2);
    assert_eq!(player.app.large(), Some(Pane::Records), "the view stays one's own on the way back");
    player.as_recorded();
    assert!(!player.has_own_view());
    assert_eq!(screen(&mut player), as_recorded);
}

#[test]
fn nothing_is_done_in_the_world() {
    let mut player = Player::new(sample(), (80, 24), LOOK);
    let deck = super::super::Deck::new(sample().length(), Speed::AS_RECORDED, std::time::Instant::now());
    super::super::show(&mut player, &deck);
    player.go_to(sample().length());
    let sent = player.app.ledger().sent;
    for press in [KeyPress::char('1'), KeyPress::char('s'), KeyPress::of(Key::F(5)), KeyPress::ctrl('c')] {
        let effects = player.look(Message::Key(press));
        assert!(effects.iter().all(|effect| *effect == Effect::Quit || *effect == Effect::Discard), "{effects:?}");
    }
    assert_eq!(player.app.ledger().sent, sent);
    assert!(screen(&mut player).starts_with(" REPLAY "));
}

#[test]
fn a_trace_can_be_followed_in_a_replay() {
    let mut player = Player::new(sample(), (120, 40), LOOK);
    player.go_to(sample().length());
    let trace = player.app.traces().get(EventNumber::Own(1)).expect("the first event");
    assert!(trace.landing.is_some(), "{trace:?}");
}

#[test]
fn an_asciicast_plays_to_the_same_screen_and_is_the_same_every_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = |name: &str| {
        let file = folder.path().join(name);
        asciicast(sample(), &Export::default(), Speed::AS_RECORDED, File::create(&file).expect("a file"))
            .expect("written");
        std::fs::read_to_string(file).expect("the cast")
    };
    let cast = made("first.cast");
    assert!(cast == made("second.cast"), "two exports differ");

    let mut lines = cast.lines();
    let header: serde_json::Value = serde_json::from_str(lines.next().expect("a header")).expect("JSON");
    let cells = |count: u16| std::num::NonZero::new(count).expect("a screen has cells");
    let number = |name: &str| cells(u16::try_from(header[name].as_u64().expect("a number")).expect("small"));
    assert_eq!(header["version"], 2);
    let mut terminal = vt100::Parser::new(number("height"), number("width"), 0);
    let mut before = 0.0;
    for line in lines {
        let (at, kind, data): (f64, String, String) = serde_json::from_str(line).expect("a line");
        assert!(at >= before, "{at} after {before}");
        before = at;
        match kind.as_str() {
            "o" => terminal.process(data.as_bytes()),
            "r" => {
                let (columns, rows) = data.split_once('x').expect("a size");
                let number = |text: &str| cells(text.parse().expect("a number"));
                terminal.screen_mut().set_size(number(rows), number(columns));
            }
            other => panic!("a line of kind {other}"),
        }
    }
    let mut player = Player::as_recorded_on(sample(), LOOK);
    player.go_to(sample().length());
    let wanted: Vec<String> = screen(&mut player).lines().map(str::to_owned).collect();
    let shown: Vec<String> = terminal.screen().contents().lines().map(|line| line.trim_end().to_owned()).collect();
    for (row, line) in wanted.iter().enumerate() {
        assert_eq!(shown.get(row).map_or("", String::as_str), line, "row {row}");
    }
}

#[test]
fn a_picture_is_drawn_at_a_moment_and_a_size() {
    let drawn = |at, size| drawn(sample(), &Export { at: Some(at), size: Some(size), ..Export::default() });
    let first = drawn(Duration::ZERO, (80, 24));
    assert!(first.starts_with("<svg ") && first.ends_with("</svg>\n"));
    assert!(first != drawn(sample().length(), (80, 24)), "a later moment looks otherwise");
    let wide = drawn(Duration::ZERO, (120, 40));
    assert!(wide.contains("width=\"1036.0\""), "{}", &wide[..200]);
}
