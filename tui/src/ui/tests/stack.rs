//! The screens of a stack that is looked at, previewed, deployed and taken down.

use std::time::Duration;

use tailwater_core::{
    app::{
        App, CallBudget, DeployProgress, Effect, First, Key, Message, Options, Pane, Target, TemplateResource, Work,
    },
    events::{Call, CallOutcome, Event},
    pipeline::{Buffering, Change, Estimate, Outputs, ParameterDifference, Preview, PropertyChange, Replacement},
};

use super::{
    screen_text,
    story::{self, key, press, stack_event},
};

fn aws() -> Options {
    let resource = |id: &str, kind: &str, needs: &[&str]| TemplateResource {
        logical_id: id.to_owned(),
        resource_type: format!("AWS::{kind}"),
        conditional: false,
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
    };
    Options {
        target: Target::Aws {
            account_id: String::new(),
            region: "ap-southeast-2".to_owned(),
            profile: None,
            endpoint_url: None,
            elsewhere: Vec::new(),
            who: String::new(),
        },
        template: vec![
            resource("Stream", "Kinesis::Stream", &[]),
            resource("Bucket", "S3::Bucket", &[]),
            resource("DeliveryRole", "IAM::Role", &["Stream", "Bucket"]),
            resource("DeliveryStream", "KinesisFirehose::DeliveryStream", &["Stream", "Bucket", "DeliveryRole"]),
            resource("Function", "Lambda::Function", &["Stream"]),
        ],
        ..story::options()
    }
}

fn reached(app: &mut App) {
    app.update(Message::Reached(Target::Aws {
        account_id: "123456784321".to_owned(),
        region: "ap-southeast-2".to_owned(),
        profile: Some("prod-data".to_owned()),
        endpoint_url: None,
        elsewhere: Vec::new(),
        who: "role OnCall".to_owned(),
    }));
}

/// On AWS, where there is no stack.
fn absent_app() -> App {
    let mut app = App::new(aws());
    reached(&mut app);
    app.update(Message::Deploy(DeployProgress::Absent));
    app
}

fn found(own: bool) -> Message {
    let text = |text: &str| text.to_owned();
    Message::Deploy(DeployProgress::Found {
        status: "UPDATE_COMPLETE".into(),
        since: None,
        own,
        pipeline: Ok((
            Outputs {
                api_url: text("https://a1b2.execute-api.ap-southeast-2.amazonaws.com"),
                submit_url: text("https://a1b2.execute-api.ap-southeast-2.amazonaws.com/submit"),
                stream_name: text("api-kinesis-stream"),
                function_name: text("tailwater-submit"),
                log_group_name: text("/aws/lambda/tailwater-submit"),
                access_log_group_name: text("/aws/vendedlogs/apigateway/tailwater"),
                delivery_stream_name: text("tailwater-delivery"),
                delivery_log_group_name: text("/aws/kinesisfirehose/tailwater"),
                bucket_name: text("api-kinesis-firehose-bucket-123456784321-ap-southeast-2"),
            },
            Buffering { interval_seconds: 60, size_mb: 1 },
        )),
    })
}

/// On AWS, where the pipeline is.
fn watching_app(own: bool) -> App {
    let mut app = App::new(aws());
    reached(&mut app);
    app.update(found(own));
    app
}

fn change(action: &str, id: &str, kind: &str, replacement: Replacement, properties: Vec<PropertyChange>) -> Change {
    Change {
        action: action.to_owned(),
        logical_id: id.to_owned(),
        physical_id: None,
        resource_type: format!("AWS::{kind}"),
        replacement,
        properties,
    }
}

fn property(path: &str, before: Option<&str>, after: Option<&str>, cause: Option<&str>) -> PropertyChange {
    let text = |text: Option<&str>| text.map(str::to_owned);
    PropertyChange { path: format!("/Properties/{path}"), before: text(before), after: text(after), cause: text(cause) }
}

fn creation() -> Preview {
    Preview {
        stack_name: "tailwater".to_owned(),
        change_set: "tailwater-8f21".to_owned(),
        creates: true,
        can_roll_back: false,
        changes: aws()
            .template
            .into_iter()
            .map(|resource| Change {
                action: "Add".to_owned(),
                logical_id: resource.logical_id,
                physical_id: None,
                resource_type: resource.resource_type,
                replacement: Replacement::No,
                properties: Vec::new(),
            })
            .collect(),
        parameters: vec![ParameterDifference {
            name: "ThrottleRate".to_owned(),
            default: Some("50".to_owned()),
            value: "200".to_owned(),
        }],
        losses: Vec::new(),
        estimate: Some(Estimate {
            idle_usd_per_day: 0.36,
            usd_per_million_events: 4.2,
            priced_region: "us-east-1",
            as_of: "2026-11",
            source: "the pricing pages of AWS",
        }),
    }
}

fn loss() -> Preview {
    Preview {
        creates: false,
        can_roll_back: false,
        changes: vec![
            change(
                "Modify",
                "Function",
                "Lambda::Function",
                Replacement::No,
                vec![
                    property("Code/S3Key", Some("tailwater/0a"), Some("tailwater/0b"), Some("ArtifactKey")),
                    property("Environment/Variables/STREAM_NAME", Some("old"), None, Some("Stream")),
                ],
            ),
            change(
                "Modify",
                "Stream",
                "Kinesis::Stream",
                Replacement::Yes,
                vec![property("Name", Some("old"), Some("new"), Some("StreamName"))],
            ),
            change("Remove", "Authorizer", "ApiGatewayV2::Authorizer", Replacement::No, Vec::new()),
        ],
        losses: vec!["Stream api-kinesis-stream is replaced: the records it still keeps are gone.".to_owned()],
        ..creation()
    }
}

fn creating(app: &mut App) {
    let stack = "AWS::CloudFormation::Stack";
    app.update(Message::Events(vec![
        stack_event(0, "tailwater", stack, "CREATE_IN_PROGRESS", Some("User Initiated")),
        stack_event(1_000, "Stream", "AWS::Kinesis::Stream", "CREATE_IN_PROGRESS", None),
        stack_event(1_200, "Bucket", "AWS::S3::Bucket", "CREATE_IN_PROGRESS", None),
        stack_event(9_000, "Stream", "AWS::Kinesis::Stream", "CREATE_COMPLETE", None),
        stack_event(
            9_500,
            "Function",
            "AWS::Lambda::Function",
            "CREATE_IN_PROGRESS",
            Some("Resource creation Initiated"),
        ),
    ]));
    app.update(Message::Tick(story::at(14_000)));
}

#[test]
fn where_no_stack_is_it_says_what_to_press_and_what_that_makes() {
    let mut app = absent_app();
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
    assert_eq!(press_one(&mut app, 'd'), [], "a stray d prepares nothing outside of Stack");
    press(&mut app, "6");
    assert_eq!(press_one(&mut app, 'd'), [Effect::Prepare]);
    assert_eq!(press_one(&mut app, 'd'), [], "once");
}

fn press_one(app: &mut App, letter: char) -> Vec<Effect> {
    app.update(Message::Key(tailwater_core::app::KeyPress::char(letter)))
}

#[test]
fn before_aws_answers_it_says_that_nothing_is_changed() {
    insta::assert_snapshot!(screen_text(&mut App::new(aws()), 80, 24));
}

#[test]
fn a_preview_of_a_creation_is_shown_and_a_y_executes_it() {
    let mut app = absent_app();
    press(&mut app, "6d");
    app.update(Message::Deploy(DeployProgress::Previewed(creation())));
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
    assert_eq!(press_one(&mut app, 'y'), [Effect::Execute]);
    assert!(app.deployment().work == Some(Work::Executing));
}

#[test]
fn a_preview_that_loses_something_wants_the_name() {
    let mut app = watching_app(true);
    press(&mut app, "6d");
    app.update(Message::Deploy(DeployProgress::Previewed(loss())));
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
    assert_eq!(press_one(&mut app, 'y'), []);
    press(&mut app, "tailwate");
    assert!(screen_text(&mut app, 80, 24).contains("Lose that? Type tailwater: tailwate"));
    assert_eq!(app.update(Message::Key(tailwater_core::app::KeyPress::of(Key::Enter))), []);
    assert_eq!(press_one(&mut app, 'y'), []);
    press(&mut app, "tailwater");
    assert_eq!(app.update(Message::Key(tailwater_core::app::KeyPress::of(Key::Enter))), [Effect::Execute]);
}

#[test]
fn a_no_drops_what_stood_ready() {
    let mut app = watching_app(true);
    press(&mut app, "6d");
    app.update(Message::Deploy(DeployProgress::Previewed(loss())));
    assert_eq!(press_one(&mut app, 'n'), [Effect::Discard]);
    assert!(screen_text(&mut app, 80, 24).contains("Nothing was changed: the answer was no."));
}

#[test]
fn what_has_to_be_done_first_is_asked_first() {
    let mut app = watching_app(true);
    press(&mut app, "6d");
    app.update(Message::Deploy(DeployProgress::First(First {
        why: "Stack tailwater is in ROLLBACK_COMPLETE: it never came up, and can only be deleted.".to_owned(),
        what: "Delete what is left of stack tailwater, then create it".to_owned(),
        losses: Vec::new(),
    })));
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
    assert_eq!(press_one(&mut app, 'y'), [Effect::Execute]);
    assert!(app.deployment().work == Some(Work::Preparing), "then it is prepared again");
}

/// Executing what was previewed.
fn executing_app() -> App {
    let mut app = absent_app();
    press(&mut app, "6d");
    app.update(Message::Deploy(DeployProgress::Previewed(creation())));
    press(&mut app, "y");
    creating(&mut app);
    app
}

#[test]
fn a_deployment_is_a_live_chart() {
    let mut app = executing_app();
    insta::assert_snapshot!("a_deployment_is_a_live_chart_80", screen_text(&mut app, 80, 24));
    insta::assert_snapshot!("a_deployment_is_a_live_chart_120", screen_text(&mut app, 120, 40));
    press(&mut app, "v");
    let list = screen_text(&mut app, 80, 24);
    assert!(list.contains("CREATE_COMPLETE") && list.contains("14:02:16.000"), "{list}");
}

#[test]
fn ctrl_c_asks_what_is_to_become_of_it() {
    let mut app = executing_app();
    let ctrl_c = || Message::Key(tailwater_core::app::KeyPress::ctrl('c'));
    assert_eq!(app.update(ctrl_c()), []);
    insta::assert_snapshot!(screen_text(&mut app, 80, 24).lines().last().unwrap_or_default());
    assert_eq!(press_one(&mut app, 'c'), [Effect::Cancel]);
    app.update(ctrl_c());
    key(&mut app, Key::Esc);
    assert!(app.question().is_none());
    app.update(ctrl_c());
    assert_eq!(app.update(ctrl_c()), [Effect::Quit]);
}

#[test]
fn between_two_tries_leaving_is_said_to_give_it_up() {
    let mut app = executing_app();
    app.update(Message::Deploy(DeployProgress::Between(true)));
    app.update(Message::Key(tailwater_core::app::KeyPress::ctrl('c')));
    let screen = screen_text(&mut app, 80, 24);
    assert!(screen.contains("Nothing runs in AWS at this moment"), "{screen}");
    app.update(Message::Deploy(DeployProgress::Between(false)));
    assert!(screen_text(&mut app, 80, 24).contains("CREATE_IN_PROGRESS runs"));
}

#[test]
fn what_failed_without_rollback_can_be_rolled_back_instead() {
    let mut app = watching_app(true);
    press(&mut app, "6d");
    app.update(Message::Deploy(DeployProgress::Previewed(Preview { creates: false, ..creation() })));
    assert!(!screen_text(&mut app, 120, 40).contains("roll back instead"));
    assert_eq!(press_one(&mut app, 'R'), []);
    app.update(Message::Deploy(DeployProgress::Previewed(Preview { can_roll_back: true, ..creation() })));
    assert!(screen_text(&mut app, 120, 40).contains("roll back instead"));
    assert_eq!(press_one(&mut app, 'R'), [Effect::RollBack]);
    assert!(app.deployment().working(), "what rolling back takes is found out");
}

#[test]
fn a_click_selects_a_row_of_the_chart() {
    use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut app = executing_app();
    let mut screen = super::super::Screen::new();
    let text = super::text(&super::drawn(&mut app, &mut screen, 120, 40));
    let row = text.lines().position(|line| line.trim_start().starts_with("Stream ")).expect("a row of the chart");
    let click = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: 4,
        row: u16::try_from(row).expect("a row"),
        modifiers: KeyModifiers::NONE,
    };
    let message = screen.handle(Event::Mouse(click), &app).expect("a row was hit");
    app.update(message);
    let chart = app.chart();
    let selected = app.chart_selected(&chart).and_then(|index| chart.rows.get(index)).and_then(|row| row.logical_id());
    assert_eq!(selected, Some("Stream"));
}

#[test]
fn the_header_says_since_when_the_stack_is_so_and_what_answers_elsewhere() {
    let mut app = watching_app(true);
    let Message::Deploy(DeployProgress::Found { status, own, pipeline, .. }) = found(true) else { panic!("found") };
    let since = tailwater_core::events::Timestamp::parse("2026-11-12T09:00:00.000Z");
    app.update(Message::Deploy(DeployProgress::Found { status, since, own, pipeline }));
    assert!(screen_text(&mut app, 120, 40).contains("stack tailwater ✓ UPDATE_COMPLETE 12 Nov"));
    app.update(Message::Reached(Target::Aws {
        account_id: "123456784321".to_owned(),
        region: "ap-southeast-2".to_owned(),
        profile: None,
        endpoint_url: None,
        elsewhere: vec!["Kinesis at http://127.0.0.1:4568".to_owned()],
        who: "role OnCall".to_owned(),
    }));
    assert!(screen_text(&mut app, 120, 40).contains("Kinesis at http://127.0.0.1:4568"));
}

#[test]
fn a_failure_has_its_first_cause_on_top_and_the_rest_folded() {
    let mut app = executing_app();
    let stack = "AWS::CloudFormation::Stack";
    app.update(Message::Events(vec![
        stack_event(15_000, "Bucket", "AWS::S3::Bucket", "CREATE_FAILED", Some("Resource creation cancelled")),
        stack_event(
            15_000,
            "Function",
            "AWS::Lambda::Function",
            "CREATE_FAILED",
            Some("Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution"),
        ),
        stack_event(15_100, "tailwater", stack, "ROLLBACK_IN_PROGRESS", Some("The following resource(s) failed")),
        stack_event(16_000, "Stream", "AWS::Kinesis::Stream", "DELETE_COMPLETE", None),
        stack_event(17_000, "tailwater", stack, "ROLLBACK_COMPLETE", None),
    ]));
    app.update(Message::Deploy(DeployProgress::Failed {
        error: "First cause: Function (AWS::Lambda::Function): Specified ConcurrentExecutions for function decreases \
                account's UnreservedConcurrentExecution\nThe account's quota is used up.\nAsk for more: Service \
                Quotas, Lambda, Concurrent executions."
            .to_owned(),
    }));
    app.update(Message::Deploy(DeployProgress::Found {
        status: "ROLLBACK_COMPLETE".into(),
        since: None,
        own: true,
        pipeline: Err("Stack tailwater is in ROLLBACK_COMPLETE: it never came up.".to_owned()),
    }));
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
    press(&mut app, "j");
    key(&mut app, Key::Enter);
    let text = screen_text(&mut app, 80, 24);
    assert!(text.contains("▾ 1 other cancelled because of it") && text.contains("Bucket"), "{text}");
    press(&mut app, "0");
    assert!(screen_text(&mut app, 80, 24).contains("6 opens Stack"), "the first screen says what to do");
}

#[test]
fn an_operation_that_someone_else_began_is_attached_to_with_its_history() {
    let mut app = App::new(aws());
    reached(&mut app);
    app.update(Message::Deploy(DeployProgress::Found {
        status: "CREATE_IN_PROGRESS".into(),
        since: None,
        own: true,
        pipeline: Err("no outputs yet".to_owned()),
    }));
    creating(&mut app);
    press(&mut app, "6");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
    assert_eq!(press_one(&mut app, 'd'), [], "one operation at a time");
    let ended = stack_event(15_000, "tailwater", "AWS::CloudFormation::Stack", "CREATE_COMPLETE", None);
    assert_eq!(app.update(Message::Events(vec![ended])), [Effect::Look]);
}

#[test]
fn destroying_says_what_is_lost_and_wants_the_name() {
    let mut app = watching_app(true);
    press(&mut app, "6D");
    insta::assert_snapshot!(screen_text(&mut app, 80, 24));
    press(&mut app, "bi");
    let text = screen_text(&mut app, 80, 24);
    assert!(text.contains("✓ b  bucket") && text.contains("✗ i  Firehose is not waited for"), "{text}");
    key(&mut app, Key::Enter);
    press(&mut app, "tailwater");
    let effects = app.update(Message::Key(tailwater_core::app::KeyPress::of(Key::Enter)));
    assert!(matches!(effects.as_slice(), [Effect::Destroy(how)] if how.keep_data && how.now));
    app.update(Message::DeployNote("The intake is stopped.".to_owned()));
    for done in [1_000, 2_000] {
        app.update(Message::DeployStep {
            what: "Emptying the bucket, versions deleted".to_owned(),
            done,
            total: Some(5_000),
        });
    }
    let text = screen_text(&mut app, 80, 24);
    assert!(text.contains("deleted: 2,000 of 5,000") && !text.contains("1,000 of"), "{text}");
    app.update(Message::Deploy(DeployProgress::Destroyed { left: vec!["S3::Bucket kept (2 objects)".to_owned()] }));
    let text = screen_text(&mut app, 80, 24);
    assert!(text.contains("The stack is deleted, left in the account: S3::Bucket kept"), "{text}");
}

#[test]
fn a_stack_that_is_not_ours_is_only_watched() {
    let mut app = watching_app(false);
    press(&mut app, "6");
    let text = screen_text(&mut app, 80, 24);
    assert!(text.contains("not ours: only watched") && text.contains("did not make this stack"), "{text}");
    assert_eq!((press_one(&mut app, 'd'), press_one(&mut app, 'D')), (vec![], vec![]));
    assert!(app.destroying().is_none());
}

#[test]
fn the_overview_on_aws_says_who_and_where() {
    insta::assert_snapshot!(screen_text(&mut watching_app(true), 80, 24));
}

fn call(service: &str, operation: &str, millis: u64, outcome: CallOutcome) -> Event {
    Event::Call(Call {
        service: service.to_owned(),
        operation: operation.to_owned(),
        started: story::START,
        duration: Duration::from_millis(millis),
        attempts: if outcome == CallOutcome::Answered { 1 } else { 3 },
        throttled: if outcome == CallOutcome::Answered { 0 } else { 3 },
        answer_bytes: 400,
        outcome,
    })
}

#[test]
fn the_calls_are_summed_up_with_what_is_left_and_what_they_cost() {
    let mut app = watching_app(true);
    app.take_dirty();
    let calls = (1..=40).map(|millis| call("Kinesis", "GetRecords", millis, CallOutcome::Answered)).collect();
    app.update(Message::Events(calls));
    assert!(!app.is_dirty(), "calls alone draw nothing elsewhere");
    press(&mut app, "7");
    app.update(Message::Events(vec![
        call("S3", "ListObjectsV2", 80, CallOutcome::Throttled("SlowDown".to_owned())),
        call("CloudWatch Logs", "FilterLogEvents", 33, CallOutcome::Answered),
    ]));
    app.update(Message::Budgets(vec![
        CallBudget {
            name: "records".to_owned(),
            service: "Kinesis".to_owned(),
            operation: "GetRecords".to_owned(),
            used: 18,
            left: Some(2),
            window_seconds: 10,
        },
        CallBudget {
            name: "objects".to_owned(),
            service: "S3".to_owned(),
            operation: "ListObjectsV2".to_owned(),
            used: 1,
            left: Some(4),
            window_seconds: 10,
        },
    ]));
    assert_eq!(app.focus(), Pane::Calls);
    insta::assert_snapshot!("the_calls_80", screen_text(&mut app, 80, 24));
    insta::assert_snapshot!("the_calls_120", screen_text(&mut app, 120, 40));
}
