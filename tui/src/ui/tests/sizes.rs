//! Every view at every size, in every theme: the text as pictures, the colours cell by cell, and
//! nothing that breaks at any size.

use bytes::Bytes;
use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier},
};
use tailwater_core::{
    app::{App, Begin, Message, Target, ThemeName},
    events::{Event, LogSource},
};

use super::{
    super::{Screen, fit, theme},
    drawn,
    story::{self, busy_app, new_app, press, ready_app},
    text,
};

/// The sizes that are looked at.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// Every view, with the keys that lead there from a busy overview.
const VIEWS: [(&str, &str); 12] = [
    ("overview", ""),
    ("logs_large", "2z"),
    ("records_selected", "3kk"),
    ("row_open", "3k\n"),
    ("trace", "3kkkkkkt"),
    ("traces", "5"),
    ("stack", "6"),
    ("calls", "7"),
    ("help", "3?"),
    ("palette", "3:re"),
    ("filter", "2faccepted"),
    ("messages", "m"),
];

fn with_theme(mut app: App, theme: ThemeName) -> App {
    app.update(Message::Begin(Box::new(Begin { theme: Some(theme), ..Begin::default() })));
    app
}

fn in_view(keys: &str) -> App {
    let mut app = busy_app();
    for letter in keys.chars() {
        let key = if letter == '\n' { KeyCode::Enter } else { KeyCode::Char(letter) };
        let event = TerminalEvent::Key(KeyEvent::new(key, KeyModifiers::NONE));
        if let Some(message) = Screen::new().handle(event, &app) {
            app.update(message);
        }
    }
    app
}

#[test]
fn every_view_at_every_size() {
    for (name, keys) in VIEWS {
        let mut pictures = Vec::new();
        for (width, height) in SIZES {
            let mut screen = Screen::new();
            let plain = text(&drawn(&mut in_view(keys), &mut screen, width, height));
            for theme in [ThemeName::Dark, ThemeName::Light, ThemeName::Contrast, ThemeName::Mono] {
                let mut app = with_theme(in_view(keys), theme);
                let buffer = drawn(&mut app, &mut Screen::new(), width, height);
                assert_eq!(text(&buffer), plain, "{name} in {} says the same", theme.name());
                legible(&buffer, theme, name);
            }
            let rule = "─".repeat(usize::from(width));
            pictures.push(format!("{rule}\n{plain}\n{rule}"));
        }
        insta::assert_snapshot!(format!("view_{name}"), pictures.join("\n\n"));
    }
}

/// Each letter can be read on its ground; without colours there are none.
fn legible(buffer: &Buffer, theme: ThemeName, view: &str) {
    for (index, cell) in buffer.content.iter().enumerate() {
        match (cell.fg, cell.bg) {
            (Color::Reset, Color::Reset) => assert_eq!(theme, ThemeName::Mono, "{view}: cell {index} has no colours"),
            (Color::Indexed(letters), Color::Indexed(ground)) => {
                assert_ne!(theme, ThemeName::Mono);
                let blank = cell.symbol().trim().is_empty();
                let ratio = theme::contrast(letters, ground);
                assert!(blank || ratio >= 4.5, "{view}, {}: {:?} at {ratio:.1}", theme.name(), cell);
                assert!(!cell.modifier.contains(Modifier::DIM), "{view}: dim letters have no known contrast");
            }
            other => panic!("{view}, {}: {other:?}", theme.name()),
        }
    }
}

#[test]
fn the_first_screens_are_legible_too() {
    for theme in [ThemeName::Dark, ThemeName::Light, ThemeName::Mono] {
        let mut starting = with_theme(new_app(), theme);
        legible(&drawn(&mut starting, &mut Screen::new(), 80, 24), theme, "start");
        let mut editing = with_theme(ready_app(), theme);
        press(&mut editing, "e");
        legible(&drawn(&mut editing, &mut Screen::new(), 80, 24), theme, "editing");
    }
}

#[test]
fn no_size_breaks_any_view() {
    let widths = [1, 2, 3, 7, 12, 30, 59, 60, 61, 79, 80, 81, 99, 100, 110, 119, 160, 220];
    let heights = [1, 2, 3, 5, 9, 17, 18, 19, 23, 24, 25, 31, 32, 47, 70];
    let mut apps: Vec<App> = VIEWS.iter().map(|(_, keys)| in_view(keys)).collect();
    for keys in ["", "2", ":"] {
        let mut app = in_view(keys);
        app.update(Message::Begin(Box::new(Begin { present: true, ..Begin::default() })));
        apps.push(app);
    }
    let mut screens: Vec<Screen> = apps.iter().map(|_| Screen::new()).collect();
    // Each size comes to each view in turn, as a window that is dragged comes to a running app.
    for (turn, (width, height)) in widths.iter().flat_map(|width| heights.map(|height| (*width, height))).enumerate() {
        for step in 0..3 {
            let index = (turn + step * 5) % apps.len();
            drawn(&mut apps[index], &mut screens[index], width, height);
        }
    }
}

#[test]
fn hostile_letters_never_break_a_line() {
    let nasty = [
        "{\"name\":\"東京都渋谷区神南一丁目東京都渋谷区神南一丁目\"}",
        "{\"mood\":\"👩\u{200d}👩\u{200d}👧 ❤\u{fe0f} 👍🏽 🇳🇿 🏴\u{e0067}\u{e0062}\"}",
        "{\"name\":\"שלום עולם مرحبا بالعالم\"}",
        "e\u{301}e\u{301} zalgo\u{335}\u{336}\u{337} a\u{20dd}",
        "\u{1b}[2J\u{202e}gnirts\u{200b}\u{feff}",
        "ｆｕｌｌｗｉｄｔｈ ﷽ ꧅ ᄀᄀᄀ각",
    ];
    let mut app = ready_app();
    for (seq, line) in nasty.iter().enumerate() {
        let seq = seq as u64;
        app.update(Message::Events(vec![
            story::record_of(seq, 1_000, Bytes::from(format!("{line}\n"))),
            story::log(seq, 1_000, LogSource::Function, line),
        ]));
    }
    for keys in ["3", "w", "lll", "z", "w"] {
        press(&mut app, keys);
        for width in [80, 81, 95, 120, 200] {
            let buffer = drawn(&mut app, &mut Screen::new(), width, 30);
            for (y, line) in text(&buffer).lines().enumerate() {
                assert!(fit::width(line) <= usize::from(width), "{width}, line {y}: {line}");
                assert!(!line.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\u{200d}', '\u{feff}']), "{line}");
            }
            if app.large().is_none() {
                let gap = (width - 1) / 2;
                for y in 5..29 {
                    assert_eq!(buffer[(gap, y)].symbol(), " ", "{width}: the column between the panes, line {y}");
                }
            }
        }
    }
}

/// On AWS, presenting, with secrets in every place.
fn presenting_app() -> App {
    let mut options = story::options();
    options.target = Target::Aws {
        account_id: "123456784321".to_owned(),
        region: "ap-southeast-2".to_owned(),
        profile: Some("prod-data".to_owned()),
        endpoint_url: Some("https://proxy.corp:8443".to_owned()),
        who: "role OnCall".to_owned(),
        elsewhere: Vec::new(),
    };
    let mut app = App::new(options);
    let hosts = vec!["buildbox".to_owned()];
    app.update(Message::Begin(Box::new(Begin { present: true, hosts, ..Begin::default() })));
    story::ready(&mut app);
    for seq in 1..=3 {
        story::event(&mut app, seq, 2_000 + i64::try_from(seq).expect("small") * 400);
    }
    let line = "ERROR arn:aws:iam::123456784321:role/OnCall on buildbox AKIAIOSFODNN7EXAMPLE is not allowed";
    let record = Bytes::from_static(b"{\"from\":\"arn:aws:sns:eu-west-1:123456784321:x\",\"password\":\"hunter2\"}\n");
    app.update(Message::Events(vec![
        story::log(9, 3_400, LogSource::Function, line),
        story::record_of(9, 3_400, record),
    ]));
    app.update(Message::Notice(
        "Posted to https://a1b2c3d4.execute-api.ap-southeast-2.amazonaws.com/submit for 123456784321: 403".to_owned(),
    ));
    app.update(Message::Tick(story::at(4_000)));
    app
}

#[test]
fn a_crowd_learns_no_secret() {
    let mut app = presenting_app();
    for keys in ["", "2", "w", "3", "\n", "q", "m", "q", "?", "q", "7", "6", "1"] {
        for letter in keys.chars() {
            let key = if letter == '\n' { KeyCode::Enter } else { KeyCode::Char(letter) };
            let event = TerminalEvent::Key(KeyEvent::new(key, KeyModifiers::NONE));
            if let Some(message) = Screen::new().handle(event, &app) {
                app.update(message);
            }
        }
        for (width, height) in [(60, 18), (80, 24), (97, 30), (200, 60)] {
            let shown = text(&drawn(&mut app, &mut Screen::new(), width, height));
            for secret in ["1234567", "buildbox", "AKIA", "hunter2", "a1b2c3d4", "proxy.corp", "1234…"] {
                assert!(!shown.contains(secret), "{secret} at {width}x{height} after {keys:?}:\n{shown}");
            }
        }
    }
}

#[test]
fn a_copy_and_the_diagnostics_are_masked_too() {
    let mut app = presenting_app();
    press(&mut app, "3");
    let effects = app.update(Message::Key(tailwater_core::app::KeyPress::char('y')));
    let said = format!("{effects:?}");
    assert!(said.contains("‹account›") && !said.contains("123456784321"), "{said}");
    let text = app.diagnostics();
    for secret in ["123456784321", "buildbox", "a1b2c3d4", "proxy.corp"] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    for part in ["[target]", "[stack]", "[sources]", "[calls]", "[messages]", "‹account›", "‹host›"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn presenter_mode_on_a_projector() {
    let mut app = busy_app();
    app.update(Message::Begin(Box::new(Begin { present: true, ..Begin::default() })));
    press(&mut app, "3k");
    insta::assert_snapshot!(text(&drawn(&mut app, &mut Screen::new(), 60, 18)));
}

#[test]
fn marks_move_as_hops_are_observed_and_then_the_screen_is_still() {
    let mut app = ready_app();
    app.update(Message::Tick(story::at(2_000)));
    story::event(&mut app, 1, 2_000);
    let mut screen = Screen::new();
    let mut seen = Vec::new();
    for millis in (2_000..6_000).step_by(150) {
        app.update(Message::Tick(story::at(millis)));
        let strip = text(&drawn(&mut app, &mut screen, 120, 40)).lines().nth(1).unwrap_or_default().to_owned();
        if seen.last() != Some(&strip) {
            seen.push(strip);
        }
    }
    assert!(!app.moves(), "nothing moves any more");
    insta::assert_snapshot!(seen.join("\n"));
    app.update(Message::Events(vec![Event::Stack(match story::stack_event(1, "X", "T", "UPDATE_COMPLETE", None) {
        Event::Stack(event) => event,
        _ => unreachable!("a stack event"),
    })]));
    assert!(!app.moves());
}

/// What a second of 10,000 records costs: run with `--ignored --nocapture`.
#[test]
#[ignore = "it measures"]
fn ten_thousand_records_a_second() {
    let mut app = ready_app();
    let mut screen = Screen::new();
    press(&mut app, "3fsignup");
    let record = |seq: u64| story::record(seq, 1_000 + i64::try_from(seq / 10).expect("small"));
    // The history is full before it counts.
    for first in (0..10_000).step_by(500) {
        app.update(Message::Events((first..first + 500).map(record).collect()));
    }
    let mut taken_in = std::time::Duration::ZERO;
    let mut drawing = std::time::Duration::ZERO;
    for frame in 0..60 {
        let first = 10_000 + frame * 167;
        let batch: Vec<Event> = (first..first + 167).map(record).collect();
        let began = std::time::Instant::now();
        app.update(Message::Events(batch));
        app.update(Message::Tick(story::at(2_000 + i64::try_from(frame).expect("small") * 16)));
        taken_in += began.elapsed();
        let began = std::time::Instant::now();
        drawn(&mut app, &mut screen, 120, 40);
        drawing += began.elapsed();
    }
    println!("of one second: {taken_in:?} to take 10,020 records in, {drawing:?} for 60 pictures");
}
