//! The screens as pictures of text.

use tailwater_core::app::{DeployProgress, Key, Message};

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
