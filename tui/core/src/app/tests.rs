//! Messages in, state and effects out.

mod viewing;

use bytes::Bytes;

use super::*;
use crate::{
    events::{LogLine, LogSource, Object, ObjectLines, Record, RecordHash, StackEvent},
    pipeline::{Buffering, Hop, Outputs},
};

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

pub(super) fn options() -> Options {
    Options {
        target: Target::Local,
        stack_name: "tailwater".into(),
        colours: true,
        templates: vec![("a.json".into(), "{\"n\":{{seq}}}".into()), ("b.json".into(), "[]".into())],
        offset: UtcOffset(0),
        template: Vec::new(),
        now: at(0),
        seed: 1,
    }
}

fn done() -> Message {
    let text = |text: &str| text.to_owned();
    Message::Deploy(DeployProgress::Done {
        status: "CREATE_COMPLETE".into(),
        outputs: Outputs {
            api_url: text("http://127.0.0.1:3000"),
            submit_url: text("http://127.0.0.1:3000/submit"),
            stream_name: text("stream"),
            function_name: text("function"),
            log_group_name: text("logs"),
            access_log_group_name: text("access"),
            delivery_stream_name: text("delivery"),
            delivery_log_group_name: text("errors"),
            bucket_name: text("bucket"),
        },
        buffering: Buffering { interval_seconds: 10, size_mb: 1 },
        took: Duration::from_millis(900),
        unchanged: false,
    })
}

pub(super) fn cloud(own: bool) -> Message {
    Message::CloudReady(CloudInfo { endpoint_url: String::new(), gateway_url: String::new(), own, note: None })
}

pub(super) fn ready_app() -> App {
    let mut app = App::new(options());
    app.update(cloud(true));
    app.update(done());
    app
}

pub(super) fn press(app: &mut App, letter: char) -> Vec<Effect> {
    app.update(Message::Key(KeyPress::char(letter)))
}

pub(super) fn key(app: &mut App, key: Key) -> Vec<Effect> {
    app.update(Message::Key(KeyPress::of(key)))
}

pub(super) fn type_in(app: &mut App, letters: &str) {
    for letter in letters.chars() {
        press(app, letter);
    }
}

pub(super) fn accepted(seq: u64) -> Event {
    Event::Sent(Sent {
        seq,
        time: at(1_000),
        latency: Duration::from_millis(9),
        body: Bytes::from(format!("{{\"n\":{seq}}}")),
        answer: Answer::Accepted {
            api_request_id: format!("api-{seq}").into(),
            shard_id: "shardId-000000000000".into(),
            sequence_number: format!("49{seq}").into(),
        },
    })
}

pub(super) fn record(seq: u64) -> Event {
    Event::Record(Record {
        time: at(1_003),
        shard_id: "shardId-000000000000".into(),
        sequence_number: format!("49{seq}").into(),
        partition_key: "key".into(),
        data: Bytes::from(format!("{{\"n\":{seq}}}\n")),
    })
}

fn log(message: &str) -> Event {
    let (level, lambda_request_id, api_request_id) = LogLine::read(message);
    Event::Log(LogLine {
        time: at(1_004),
        ingestion_time: at(1_004),
        source: LogSource::Function,
        group: "group".into(),
        stream: "stream".into(),
        event_id: "id".into(),
        lambda_request_id,
        api_request_id,
        level,
        message: message.into(),
    })
}

pub(super) fn object(seqs: &[u64]) -> Event {
    let lines: Vec<String> = seqs.iter().map(|seq| format!("{{\"n\":{seq}}}\n")).collect();
    Event::Object(Object {
        time: at(11_000),
        bucket: "bucket".into(),
        key: format!("key-{}", seqs[0]).into(),
        size_bytes: 9,
        lines: ObjectLines::Read {
            hashes: lines.iter().map(|line| RecordHash::of(line.as_bytes())).collect(),
            head: lines.concat(),
        },
    })
}

pub(super) fn with_records(count: u64) -> App {
    let mut app = ready_app();
    app.update(Message::Events((1..=count).map(record).collect()));
    press(&mut app, '3');
    app
}

fn selected_text(app: &App) -> String {
    app.pane(app.focus()).selected().map(|(_, row)| row.copy_text()).unwrap_or_default()
}

fn notice(app: &App) -> String {
    match app.line() {
        Some(Line::Notice(words)) => words,
        other => panic!("no notice but {other:?}"),
    }
}

#[test]
fn the_first_key_sends_what_stands_in_the_editor() {
    let mut app = ready_app();
    let effects = press(&mut app, 's');
    assert_eq!(
        effects,
        [
            Effect::Send {
                events: vec![(1, Bytes::from_static(b"{\"n\":1}"))],
                rate: None,
                request: RequestEdits::default()
            },
            Effect::Remember("{\"n\":{{seq}}}".to_owned())
        ]
    );
    assert_eq!(app.on_the_line(Hop::Api).events, 1);
    // The same text is remembered once.
    assert_eq!(press(&mut app, 's').len(), 1);
    app.update(Message::Events(vec![accepted(1)]));
    assert_eq!(app.send().in_flight().keys().copied().collect::<Vec<_>>(), [2]);
    assert_eq!(app.on_the_line(Hop::Api).events, 1);
    assert_eq!((app.moving(Hop::Api).marks, app.on_the_line(Hop::Lambda).events), (vec![0], 0));
    app.update(Message::Tick(at(600)));
    assert_eq!((app.moving(Hop::Api).marks.len(), app.on_the_line(Hop::Lambda).events), (0, 1));
}

#[test]
fn nothing_is_sent_before_the_pipeline_is_there() {
    let mut app = App::new(options());
    assert_eq!(app.context(), Context::Start);
    assert_eq!(press(&mut app, 's'), []);
    app.update(cloud(true));
    assert_eq!(press(&mut app, 'r'), [], "what runs is not started again");
    app.update(Message::Deploy(DeployProgress::Failed { error: "no bootstrap".to_owned() }));
    assert_eq!(press(&mut app, 'r'), [Effect::Deploy]);
    assert!(matches!(app.deployment().phase, Phase::Deploying));
}

#[test]
fn the_hint_follows_the_first_event_and_then_ends() {
    let mut app = ready_app();
    let hint = |app: &App| match app.line() {
        Some(Line::Hint(words)) => words,
        other => format!("{other:?}"),
    };
    assert_eq!(hint(&app), "Ready in 900 ms. Press s to send your first event.");
    press(&mut app, 's');
    assert_eq!(hint(&app), "#1 is on its way to the API.");
    app.update(Message::Events(vec![accepted(1)]));
    assert!(hint(&app).contains("answered 202"), "{}", hint(&app));
    app.update(Message::Events(vec![record(1)]));
    app.update(Message::Tick(at(5_003)));
    assert_eq!(hint(&app), "#1 is a record in Kinesis. Firehose holds it too: due in 6 s, or at 1 MB.");
    app.update(Message::Events(vec![object(&[7, 1])]));
    assert!(hint(&app).starts_with("Event #1 is line 2 of the object."), "{}", hint(&app));
    press(&mut app, 's');
    assert_eq!(app.line(), None);
}

#[test]
fn moving_up_pauses_and_newest_follows_again() {
    let mut app = with_records(5);
    assert!(app.pane(Pane::Records).following());
    key(&mut app, Key::Up);
    assert!(selected_text(&app).contains("\"n\":4"));
    app.update(Message::Events(vec![record(6), record(7)]));
    assert!(selected_text(&app).contains("\"n\":4"));
    assert_eq!(app.pane(Pane::Records).new_below(), 2);
    key(&mut app, Key::Down);
    key(&mut app, Key::Down);
    assert_eq!(app.pane(Pane::Records).new_below(), 1);
    press(&mut app, 'G');
    assert!(app.pane(Pane::Records).following());
    assert!(selected_text(&app).contains("\"n\":7"));
    press(&mut app, 'g');
    assert!(selected_text(&app).contains("\"n\":1"));
}

#[test]
fn a_filter_shows_what_it_does_as_it_is_typed_and_says_what_it_hides() {
    let mut app = with_records(30);
    type_in(&mut app, "f\"n\":2");
    assert_eq!(app.context(), Context::Prompt);
    assert_eq!(app.pane(Pane::Records).len(), 11);
    key(&mut app, Key::Enter);
    app.update(Message::Events(vec![record(200), record(31)]));
    assert_eq!(app.pane(Pane::Records).len(), 12);
    assert!(selected_text(&app).contains("200"));
    press(&mut app, 'f');
    type_in(&mut app, "xyz");
    assert!(app.empty_words(Pane::Records).starts_with("0 of 32 rows match"));
    key(&mut app, Key::Esc);
    assert_eq!(app.pane(Pane::Records).len(), 12, "left as it was");
    press(&mut app, 'F');
    assert_eq!(app.pane(Pane::Records).len(), 32);
}

#[test]
fn a_filter_by_number_learns_numbers_that_come_late() {
    let mut app = with_records(3);
    type_in(&mut app, "f#2");
    key(&mut app, Key::Enter);
    assert_eq!(app.pane(Pane::Records).len(), 0);
    app.update(Message::Events(vec![accepted(2)]));
    assert_eq!(app.pane(Pane::Records).len(), 1);
}

#[test]
fn finding_goes_up_from_the_newest_and_into_other_panes() {
    let mut app = with_records(30);
    type_in(&mut app, "/\"N\":2");
    key(&mut app, Key::Enter);
    assert!(selected_text(&app).contains("\"n\":29"));
    press(&mut app, 'N');
    assert!(selected_text(&app).contains("\"n\":28"));
    press(&mut app, 'n');
    press(&mut app, 'n');
    assert!(selected_text(&app).contains("\"n\":2}"));
    assert_eq!(notice(&app), "Past the newest row, on from the oldest: match 1 of 11.");
    app.update(Message::Events(vec![log("only here")]));
    type_in(&mut app, "/only here");
    key(&mut app, Key::Enter);
    assert_eq!(app.focus(), Pane::Logs);
}

#[test]
fn what_is_not_loaded_is_looked_for_further_back_after_asking() {
    let mut app = with_records(2);
    app.update(Message::Tick(at(60_000)));
    type_in(&mut app, "/Yx3kAbCdSwMEJZw=");
    assert_eq!(key(&mut app, Key::Enter), [], "it asks first");
    let asked = "Yx3kAbCdSwMEJZw= is in no row here. Enter: look 1 h back (up to 9 calls)";
    assert_eq!(app.question_words().as_deref(), Some(asked));
    let hour = Duration::from_hours(1);
    let look = |from: Timestamp, to: Timestamp| Effect::LookBack { wanted: "Yx3kAbCdSwMEJZw=".to_owned(), from, to };
    assert_eq!(key(&mut app, Key::Enter), [look(at(60_000).minus(hour), at(60_000))]);
    assert_eq!(app.question(), None);
    app.update(Message::LookBack(LookBackNews::In("the access log".to_owned())));
    assert_eq!(notice(&app), "Looking for Yx3kAbCdSwMEJZw= in the access log. Ctrl-C stops it.");
    app.update(Message::LookBack(LookBackNews::NotFound));
    let words = app.question_words().expect("a question");
    assert!(
        words.starts_with("Yx3kAbCdSwMEJZw= not found since 21:14. Enter: look 6 h further (up to 9 calls)."),
        "{words}"
    );
    assert!(words.ends_with("Looked in access log, function log, stream, S3"), "{words}");
    // The next step begins where this one ended.
    let first = at(60_000).minus(hour);
    assert_eq!(press(&mut app, 'y'), [look(first.minus(hour * 6), first)]);
    // What is found is an ordinary event, and its trace opens.
    let Event::Log(line) = log("found") else { panic!("a line") };
    let line = LogLine { api_request_id: Some("Yx3kAbCdSwMEJZw=".into()), source: LogSource::Access, ..line };
    app.update(Message::Events(vec![Event::Log(line)]));
    app.update(Message::LookBack(LookBackNews::Found));
    assert_eq!(app.context(), Context::Trace);
}

#[test]
fn looking_back_can_be_left_and_stopped() {
    let mut app = with_records(2);
    type_in(&mut app, "/nowhere");
    key(&mut app, Key::Enter);
    assert_eq!(key(&mut app, Key::Esc), []);
    assert_eq!(app.question(), None);
    type_in(&mut app, "/nowhere");
    key(&mut app, Key::Enter);
    key(&mut app, Key::Enter);
    assert_eq!(app.update(Message::Key(KeyPress::ctrl('c'))), [Effect::StopLooking]);
    app.update(Message::LookBack(LookBackNews::NotFound));
    assert_eq!(app.question(), None, "what was stopped asks no more");
}

#[test]
fn a_paste_starts_nothing() {
    let mut app = with_records(2);
    assert_eq!(app.update(Message::Paste("sssqy\n".to_owned())), []);
    assert_eq!(app.palette().map(Palette::split), Some(("sssqy", "")));
    key(&mut app, Key::Esc);
    press(&mut app, 's');
    press(&mut app, 'q');
    assert_eq!(app.question(), Some(&Question::Quit));
    assert_eq!(app.update(Message::Paste("y".to_owned())), []);
    assert_eq!(app.question(), Some(&Question::Quit));
}

#[test]
fn quitting_asks_only_where_something_is_lost() {
    assert_eq!(press(&mut App::new(options()), 'q'), [Effect::Quit]);
    assert_eq!(press(&mut ready_app(), 'q'), [Effect::Quit]);
    let mut app = with_records(2);
    assert_eq!(key(&mut app, Key::Esc), []);
    assert_eq!(app.question(), None, "Escape goes back, it never quits");
    assert_eq!(press(&mut app, 'q'), []);
    assert_eq!(app.question_words().unwrap(), "The local cloud and 2 events end with it. Quit? y/n");
    assert_eq!(press(&mut app, 's'), [], "only the answer is heard");
    assert_eq!(press(&mut app, 'n'), []);
    assert_eq!(app.question(), None);
    press(&mut app, 'q');
    assert_eq!(press(&mut app, 'y'), [Effect::Quit]);
    // Another's cloud stays.
    app = App::new(options());
    app.update(cloud(false));
    app.update(done());
    app.update(Message::Events(vec![record(1)]));
    assert_eq!(press(&mut app, 'q'), [Effect::Quit]);
}

#[test]
fn back_goes_one_level_at_a_time() {
    let mut app = with_records(2);
    press(&mut app, 'z');
    key(&mut app, Key::Enter);
    press(&mut app, '?');
    assert_eq!(app.context(), Context::Help);
    press(&mut app, 'q');
    assert_eq!(app.context(), Context::Detail);
    key(&mut app, Key::Esc);
    assert_eq!((app.context(), app.large()), (Context::Panes, Some(Pane::Records)));
    press(&mut app, 'q');
    assert_eq!(app.large(), None);
    press(&mut app, '6');
    assert_eq!(app.large(), Some(Pane::Stack));
    press(&mut app, 'q');
    assert_eq!((app.large(), app.focus()), (None, Pane::Records));
}

#[test]
fn interrupting_stops_what_is_sent_before_it_quits() {
    let mut app = ready_app();
    press(&mut app, 's');
    assert_eq!(app.update(Message::Key(KeyPress::ctrl('c'))), [Effect::StopSending]);
    assert_eq!((app.ledger().on_the_way, app.ledger().unanswered), (0, 1));
    assert_eq!(app.update(Message::Key(KeyPress::ctrl('c'))), [], "an event was sent: it asks");
    assert_eq!(app.update(Message::Key(KeyPress::ctrl('c'))), [Effect::Quit]);
}

#[test]
fn what_was_sent_is_waited_for_until_the_last_of_it_ended() {
    let mut app = ready_app();
    press(&mut app, 's');
    press(&mut app, 's');
    app.update(Message::Events(vec![accepted(1)]));
    app.update(Message::SendingEnded);
    assert_eq!(app.send().in_flight().len(), 1);
    app.update(Message::SendingEnded);
    assert_eq!(app.send().in_flight().len(), 0);
    let ledger = app.ledger();
    assert_eq!((ledger.sent, ledger.on_the_way, ledger.unanswered), (2, 1, 1));
}

#[test]
fn letters_are_text_while_editing() {
    let mut app = ready_app();
    press(&mut app, 'e');
    assert!(app.editing());
    assert_eq!(press(&mut app, 's'), []);
    assert_eq!(press(&mut app, 'q'), []);
    app.update(Message::EditorChanged("{\"n\": }".to_owned()));
    assert_eq!(app.send().check().words(), "line 1 column 7: expected value");
    assert_eq!(key(&mut app, Key::F(5)), []);
    assert!(notice(&app).starts_with("Not sent, line 1 column 7"), "{}", notice(&app));
    app.update(Message::EditorChanged("{\"n\": x}".to_owned()));
    assert!(matches!(app.line(), Some(Line::Trouble(_, words)) if words == "line 1 column 7: expected value"));
    app.update(Message::EditorChanged("[1]".to_owned()));
    assert_eq!(key(&mut app, Key::F(5)).len(), 2);
    key(&mut app, Key::Esc);
    assert!(!app.editing());
    assert_eq!(app.send().text(), "[1]");
}

#[test]
fn templates_and_history_turn_in_send_only() {
    let mut app = ready_app();
    key(&mut app, Key::Right);
    assert_eq!(app.send().text(), "[]");
    press(&mut app, 's');
    key(&mut app, Key::Left);
    press(&mut app, '[');
    assert_eq!((app.send().text(), app.send().name().as_str()), ("[]", "sent before, 1 of 1"));
    app.update(Message::Events(vec![record(1)]));
    press(&mut app, '3');
    key(&mut app, Key::Right);
    assert_eq!(app.send().text(), "[]");
    assert_eq!(app.pane(Pane::Records).sideways, 8);
}

#[test]
fn an_account_of_aws_is_sent_to_only_after_a_yes() {
    let target = Target::Aws {
        account_id: "123456784321".to_owned(),
        region: "ap-southeast-2".to_owned(),
        profile: Some("prod-data".to_owned()),
        endpoint_url: None,
        elsewhere: Vec::new(),
        who: String::new(),
    };
    let mut app = App::new(Options { target, ..options() });
    app.update(done());
    assert_eq!(press(&mut app, 's'), []);
    assert!(app.question_words().unwrap().contains("123456784321 prod-data"));
    press(&mut app, 'n');
    press(&mut app, 's');
    assert_eq!(press(&mut app, 'y').len(), 2);
    assert_eq!(press(&mut app, 's').len(), 1, "asked once a session");
}

#[test]
fn an_open_row_turns_to_its_neighbours_and_is_copied_whole() {
    let mut app = with_records(3);
    key(&mut app, Key::Enter);
    press(&mut app, '[');
    let detail = app.detail().unwrap();
    assert!(detail.lines.iter().any(|line| matches!(line, DetailLine::Json(line) if line.text == "\"n\": 2")));
    assert_eq!(press(&mut app, 'y'), [Effect::Copy("{\"n\":2}".to_owned())]);
    press(&mut app, ']');
    press(&mut app, ']');
    assert_eq!(notice(&app), "This is the newest row.");
}

#[test]
fn the_selected_event_is_known_in_every_pane() {
    let mut app = with_records(3);
    app.update(Message::Events(vec![accepted(1), accepted(2), accepted(3), object(&[1, 2])]));
    key(&mut app, Key::Up);
    let number = app.selected_number().unwrap();
    assert_eq!(number, EventNumber::Own(2));
    let (_, object) = app.pane(Pane::Objects).row_at(0).unwrap();
    assert!(object.is_of(number, app.traces()));
    let (_, first) = app.pane(Pane::Send).row_at(0).unwrap();
    assert!(!first.is_of(number, app.traces()));
}

#[test]
fn a_click_focuses_and_selects_and_the_wheel_scrolls() {
    let mut app = with_records(9);
    app.update(Message::Mouse(Mouse { kind: MouseKind::Click, pane: Pane::Logs, row: None }));
    assert_eq!(app.focus(), Pane::Logs);
    app.update(Message::Mouse(Mouse { kind: MouseKind::WheelUp, pane: Pane::Records, row: None }));
    assert_eq!(app.focus(), Pane::Logs);
    assert_eq!(app.pane(Pane::Records).selected_index(), Some(5));
    app.update(Message::Mouse(Mouse { kind: MouseKind::Click, pane: Pane::Records, row: Some(1) }));
    assert!(selected_text(&app).contains("\"n\":2"));
}

#[test]
fn trouble_is_said_with_what_to_do() {
    let mut app = ready_app();
    app.update(Message::Tail(
        EventSource::Records,
        TailState::Retrying { error: "connection refused".to_owned(), after: Duration::from_secs(2) },
    ));
    assert!(matches!(app.hop(Hop::Kinesis).sign, Some(Sign::Attention)));
    let Some(Line::Verdict(verdict)) = app.line() else { panic!("{:?}", app.line()) };
    assert_eq!(verdict.head, "Records can't be read: connection refused. Tried again in 2 s");
    app.update(Message::Tail(EventSource::Records, TailState::Following));
    app.update(Message::Events(vec![Event::Sent(Sent {
        seq: 1,
        time: at(0),
        latency: Duration::from_millis(1),
        body: Bytes::new(),
        answer: Answer::Refused {
            status: 429,
            nothing_put: true,
            api_request_id: None,
            message: "Too Many Requests".to_owned(),
        },
    })]));
    assert_eq!(app.hop(Hop::Api).words, "1 throttled");
    let Some(Line::Verdict(verdict)) = app.line() else { panic!("{:?}", app.line()) };
    assert_eq!((verdict.sign, verdict.why), (Sign::Attention, Some(Why::Trace(EventNumber::Own(1)))));
    assert!(verdict.head.ends_with(": 429, once"), "{verdict:?}");
    // Send follows: there is no row that Enter would open, so that it leads to the reason.
    assert_eq!(app.why_key(&verdict), Some("Enter"));
    key(&mut app, Key::Enter);
    assert_eq!(app.trace(), Some(EventNumber::Own(1)));
    key(&mut app, Key::Esc);
    press(&mut app, '2');
    press(&mut app, '!');
    assert_eq!(app.trace(), Some(EventNumber::Own(1)));
}

#[test]
fn what_others_sent_and_the_api_throttled_shows_too() {
    let mut app = ready_app();
    let message = r#"{"requestId":"r","status":"429"}"#.to_owned();
    app.update(Message::Events(vec![Event::Log(crate::events::LogLine {
        time: at(0),
        ingestion_time: at(0),
        source: crate::events::LogSource::Access,
        group: String::new(),
        stream: String::new(),
        event_id: "1".to_owned(),
        lambda_request_id: None,
        api_request_id: Some("r".into()),
        level: crate::events::Level::Warn,
        message,
    })]));
    assert_eq!(app.hop(Hop::Api).words, "1 throttled");
}

#[test]
fn what_is_late_is_said() {
    let mut app = ready_app();
    app.update(Message::Events(vec![record(1)]));
    app.update(Message::Tick(at(9_003)));
    assert_eq!(app.hop(Hop::Firehose).words, "holds 1, due in 2 s");
    assert!(app.on_the_line(Hop::Firehose).progress > 700);
    app.update(Message::Tick(at(41_003)));
    assert_eq!(app.hop(Hop::Firehose).words, "30 s late");
}

#[test]
fn an_idle_app_is_not_drawn() {
    let mut app = ready_app();
    assert!(app.take_dirty());
    app.update(Message::Tick(at(1_000)));
    assert!(!app.take_dirty());
    app.update(Message::Events(vec![record(1), object(&[1])]));
    assert!(app.take_dirty());
    app.update(Message::Tick(at(2_000)));
    assert!(app.take_dirty(), "the figures of the last minute move");
    app.update(Message::Tick(at(200_000)));
    app.take_dirty();
    assert!(!app.changes_with_time());
    app.update(Message::Tick(at(201_000)));
    assert!(!app.take_dirty());
}

#[test]
fn a_flood_is_bounded_and_what_went_is_counted() {
    let mut app = ready_app();
    type_in(&mut app, "3f\"n\":1");
    key(&mut app, Key::Enter);
    let count = 30_000;
    for first in (0..count).step_by(500) {
        app.update(Message::Events((first..first + 500).map(record).collect()));
    }
    let history = app.pane(Pane::Records).history();
    assert_eq!(history.len() as u64 + history.first(), count);
    assert!(history.len() <= 5_000 && history.bytes() <= 8 << 20);
    assert!((0..app.pane(Pane::Records).len()).all(|index| app.pane(Pane::Records).row_at(index).is_some()));
    let large = Bytes::from(vec![b'x'; 1_000_000]);
    let big = (0..20).map(|seq| {
        let Event::Record(mut record) = record(count + seq) else { unreachable!() };
        record.data = large.clone();
        Event::Record(record)
    });
    app.update(Message::Events(big.collect()));
    assert!(app.pane(Pane::Records).history().bytes() <= 8 << 20);
}

#[test]
fn the_first_failure_of_a_stack_is_its_cause() {
    let mut app = App::new(options());
    let event = |id: &str, status: &str, reason: &str| {
        Event::Stack(StackEvent {
            event_id: format!("{id}{status}"),
            time: at(0),
            logical_id: id.to_owned(),
            physical_id: None,
            resource_type: "AWS::Lambda::Function".to_owned(),
            status: status.into(),
            reason: Some(reason.to_owned()),
        })
    };
    app.update(cloud(true));
    app.update(Message::Events(vec![
        event("Function", "CREATE_IN_PROGRESS", ""),
        event("Other", "CREATE_IN_PROGRESS", ""),
        event("Function", "CREATE_FAILED", "no bootstrap"),
        event("Other", "CREATE_FAILED", "Resource creation cancelled"),
        event("Function", "DELETE_COMPLETE", ""),
    ]));
    app.update(Message::Deploy(DeployProgress::Failed { error: "it failed".to_owned() }));
    let first = app.deployment().first_failure().unwrap();
    assert_eq!((first.logical_id.as_str(), first.reason.as_deref()), ("Function", Some("no bootstrap")));
    assert!(matches!(app.deployment().hop(Hop::Lambda), HopProgress::Failed));
    assert_eq!(app.context(), Context::Start);
    assert!(keymap::footer(&app).contains(&("r", "try again")));
    press(&mut app, '6');
    assert_eq!(app.context(), Context::Panes);
    assert_eq!(app.pane(Pane::Stack).len(), 5);
}

#[test]
fn the_footer_names_only_keys_that_do_something() {
    let app = ready_app();
    let shown: Vec<&str> = keymap::footer(&app).into_iter().map(|(shown, _)| shown).collect();
    assert!(shown.contains(&"s") && shown.contains(&"e") && shown.contains(&"Tab"));
    for absent in ["G", "F", "n", "Enter", "/", "y", "r", "0", "[ ]"] {
        assert!(!shown.contains(&absent), "{absent} does nothing now: {shown:?}");
    }
}
