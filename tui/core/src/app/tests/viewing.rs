//! The tails as a log viewer: what is hidden, found, marked, opened, taken out.

use super::*;
use crate::events::SequenceNumber;

fn rows(app: &App) -> Vec<String> {
    let pane = app.pane(app.focus());
    (0..pane.len()).filter_map(|index| pane.row_at(index)).map(|(_, row)| row.copy_text()).collect()
}

fn trouble(app: &App) -> String {
    match app.line() {
        Some(Line::Trouble(_, words)) => words,
        other => panic!("no trouble but {other:?}"),
    }
}

fn record_of(seq: u64, data: &str) -> Event {
    Event::Record(Record {
        time: at(1_003),
        shard_id: "shardId-000000000000".into(),
        sequence_number: SequenceNumber(format!("49{seq}")),
        partition_key: "key".into(),
        data: Bytes::from(format!("{data}\n")),
    })
}

#[test]
fn a_row_in_view_stays_selected_while_old_ones_are_let_go() {
    let mut app = with_records(4_000);
    for _ in 0..500 {
        key(&mut app, Key::Up);
    }
    let before = selected_text(&app);
    app.update(Message::Events((4_001..=7_000).map(record).collect()));
    let pane = app.pane(Pane::Records);
    assert_eq!(pane.history().first(), 2_000, "let go");
    assert_eq!(selected_text(&app), before);
    assert_eq!(pane.new_below(), 3_000);
    app.update(Message::Events((7_001..=9_000).map(record).collect()));
    assert!(selected_text(&app).contains("\"n\":4001"), "it was let go: the oldest that is left");
}

#[test]
fn a_filter_never_loses_rows_and_says_how_many_it_hides() {
    let mut app = with_records(30);
    type_in(&mut app, "f$.n>=28");
    key(&mut app, Key::Enter);
    assert_eq!((app.pane(Pane::Records).len(), app.pane(Pane::Records).hidden()), (3, 27));
    app.update(Message::Events((31..=40).map(record).collect()));
    assert_eq!((app.pane(Pane::Records).len(), app.pane(Pane::Records).hidden()), (13, 27));
    press(&mut app, 'F');
    assert_eq!((app.pane(Pane::Records).len(), app.pane(Pane::Records).hidden()), (40, 0));
}

#[test]
fn what_is_wrong_with_a_filter_is_said_while_it_is_typed_and_hides_nothing() {
    let mut app = with_records(30);
    type_in(&mut app, "f$.n=1");
    assert_eq!(rows(&app).len(), 1);
    type_in(&mut app, " level=LOUD");
    assert_eq!(trouble(&app), "Column 13: a level is DEBUG, INFO, WARN or ERROR.");
    assert_eq!(app.filter_error().expect("an error").at, 12);
    assert_eq!(rows(&app).len(), 1, "the terms before it");
    key(&mut app, Key::Enter);
    assert_eq!(app.context(), Context::Prompt, "it stays where it can be mended");
    key(&mut app, Key::Esc);
    assert_eq!(rows(&app).len(), 30);
}

#[test]
fn finding_says_which_of_how_many_and_goes_around() {
    let mut app = with_records(30);
    type_in(&mut app, "/\"n\":1");
    assert_eq!(app.marks(), ["\"n\":1"], "marked while it is typed");
    key(&mut app, Key::Enter);
    // 1 and 10 to 19.
    assert_eq!(notice(&app), "Match 11 of 11.");
    assert_eq!(app.pane(Pane::Records).found_place(), Some(11));
    press(&mut app, 'N');
    assert_eq!(notice(&app), "Match 10 of 11.");
    press(&mut app, 'n');
    press(&mut app, 'n');
    assert_eq!(notice(&app), "Past the newest row, on from the oldest: match 1 of 11.");
    app.update(Message::Events(vec![record(100), record(7)]));
    assert_eq!(app.pane(Pane::Records).found(), 12, "what comes is looked at, too");
    type_in(&mut app, "f$.n>1");
    key(&mut app, Key::Enter);
    assert_eq!(app.pane(Pane::Records).found(), 11, "of the rows that are shown");
    key(&mut app, Key::Esc);
    assert_eq!((app.marks().len(), app.pane(Pane::Records).found()), (0, 0));
    assert_eq!(app.pane(Pane::Records).len(), 31, "the filter stays");
}

#[test]
fn the_next_trouble_says_when_there_is_none_or_only_this() {
    let mut app = ready_app();
    press(&mut app, '2');
    app.update(Message::Events(vec![log("fine"), log("WARN one"), log("fine too")]));
    press(&mut app, '!');
    assert_eq!(selected_text(&app), "WARN one");
    press(&mut app, '!');
    assert_eq!(notice(&app), "No other row of this pane failed or warns.");
    type_in(&mut app, "ffine");
    key(&mut app, Key::Enter);
    press(&mut app, '!');
    assert_eq!(notice(&app), "No row of this pane failed or warns, of those shown.");
}

#[test]
fn numbers_learned_in_a_flood_are_looked_up_a_few_times_a_second() {
    let mut app = with_records(3);
    type_in(&mut app, "f#2 or #3");
    key(&mut app, Key::Enter);
    app.update(Message::Events(vec![accepted(2)]));
    app.update(Message::Events(vec![accepted(3)]));
    assert_eq!(rows(&app).len(), 1);
    assert!(app.changes_with_time());
    app.update(Message::Tick(at(300)));
    assert_eq!(rows(&app).len(), 2);
}

#[test]
fn times_are_local_in_utc_or_how_long_ago() {
    let mut app = App::new(Options { offset: UtcOffset(3600), ..options() });
    app.update(Message::Begin(Box::default()));
    app.update(cloud(true));
    app.update(done());
    app.update(Message::Events(vec![record(1)]));
    app.update(Message::Tick(at(63_003)));
    let shown = |app: &App| app.row_time(at(1_003), false);
    let local = shown(&app);
    press(&mut app, 'u');
    assert_eq!(notice(&app), "Times are in UTC.");
    assert_ne!(shown(&app), local);
    assert_eq!(app.offset().name(), "UTC");
    press(&mut app, 'u');
    assert_eq!(shown(&app), " 1 min ago");
    assert!(app.changes_with_time());
    press(&mut app, 'u');
    assert_eq!(shown(&app), local);
    assert_eq!(app.offset().name(), "UTC+1");
}

#[test]
fn an_open_row_folds_and_its_parts_are_copied() {
    let mut app = ready_app();
    app.update(Message::Events(vec![record_of(1, "{\"n\":1.0e2,\"who\":{\"id\":12345678901234567890}}")]));
    press(&mut app, '3');
    key(&mut app, Key::Enter);
    type_in(&mut app, "/7890");
    key(&mut app, Key::Enter);
    assert_eq!(press(&mut app, 'c'), [Effect::Copy("12345678901234567890".to_owned())]);
    assert_eq!(press(&mut app, 'p'), [Effect::Copy("$.who.id".to_owned())]);
    let lines = |app: &App| app.detail().expect("open").lines.len();
    let all = lines(&app);
    key(&mut app, Key::Left);
    key(&mut app, Key::Left);
    assert_eq!(lines(&app), all - 2, "the value it stands in is folded");
    assert_eq!(press(&mut app, 'p'), [Effect::Copy("$.who".to_owned())]);
    key(&mut app, Key::Enter);
    assert_eq!(lines(&app), all);
    press(&mut app, '-');
    assert_eq!(lines(&app), all - 2);
    press(&mut app, 'n');
    assert_eq!(press(&mut app, 'p'), [Effect::Copy("$.who.id".to_owned())], "finding unfolds");
    press(&mut app, '+');
    press(&mut app, 'b');
    assert!(app.detail().expect("open").lines.iter().any(|line| line.holds("7b 22")), "its bytes");
    assert_eq!(press(&mut app, 'p'), [], "a byte has no path");
    press(&mut app, 'g');
    assert_eq!(press(&mut app, 'y').len(), 1);
}

#[test]
fn a_line_of_an_object_leads_to_its_event() {
    let mut app = ready_app();
    app.update(Message::Events(vec![accepted(1), accepted(2), record(1), record(2), object(&[9, 2, 1])]));
    press(&mut app, '4');
    key(&mut app, Key::Enter);
    let lines: Vec<_> = app
        .detail()
        .expect("open")
        .lines
        .iter()
        .filter_map(|line| match line {
            DetailLine::Record(line) => Some((line.place, line.number, line.text.clone().unwrap_or_default())),
            _ => None,
        })
        .collect();
    let own = |seq| Some(EventNumber::Own(seq));
    assert_eq!(
        lines,
        [(1, None, "{\"n\":9}".to_owned()), (2, own(2), "{\"n\":2}".to_owned()), (3, own(1), "{\"n\":1}".to_owned())]
    );
    key(&mut app, Key::End);
    key(&mut app, Key::Up);
    key(&mut app, Key::Enter);
    assert_eq!(app.trace(), own(2));
}

#[test]
fn rows_are_saved_as_commands_print_them_and_never_over_a_file_unasked() {
    let mut app = with_records(12);
    type_in(&mut app, "f$.n>10");
    key(&mut app, Key::Enter);
    press(&mut app, 'W');
    assert_eq!(app.prompt().expect("a prompt").text(), "tailwater-records.jsonl");
    let effects = key(&mut app, Key::Enter);
    let [Effect::Save { file, text, what, over: false }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((file.as_str(), what.as_str()), ("tailwater-records.jsonl", "2 rows"));
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[0]["data"]["n"], 11);
    assert_eq!(lines[1]["source"], "records");
    app.update(Message::FileExists(file.clone()));
    assert!(app.question_words().expect("a question").contains("is there already"));
    let over = press(&mut app, 'y');
    assert!(matches!(over.as_slice(), [Effect::Save { over: true, .. }]), "{over:?}");
}

#[test]
fn what_a_pager_prints_is_safe_and_an_editor_gets_what_was_sent() {
    let mut app = ready_app();
    app.update(Message::Events(vec![record_of(1, "{\"a\":\"\u{202e}x\"}"), record_of(2, "\u{1b}[2J")]));
    press(&mut app, '3');
    let text = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::OpenIn { text, .. } | Effect::Print(text)] => text.clone(),
        other => panic!("{other:?}"),
    };
    for letter in ['o', 'Y'] {
        assert!(!text(press(&mut app, letter)).contains(['\u{202e}', '\u{1b}']), "{letter}");
    }
    assert!(text(press(&mut app, 'O')).contains('\u{202e}'));
    key(&mut app, Key::Enter);
    assert!(!text(press(&mut app, 'o')).contains('\u{1b}'));
    assert_eq!(text(press(&mut app, 'O')), "\u{1b}[2J\n");
}
