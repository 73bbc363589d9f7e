//! What `deploy` does to a stack in each of its states.

use std::{fmt::Write, time::Duration};

use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use tailwater_cloud::faults::{Action, Order, ResourceFault};

use super::{
    super::{Failure, plan, prepare::settle, remedy},
    *,
};
use crate::target::Time;

fn failed(outcome: Result<Outcome, DeployError>, status: &str) -> Failure {
    match outcome {
        Ok(Outcome::Failed(failure)) if failure.status.as_str() == status => failure,
        other => panic!("not {status}: {other:?}"),
    }
}

fn fails(resource: &str, action: Action) -> ResourceFault {
    ResourceFault::fail(resource, action, "It does not work today")
}

#[tokio::test]
async fn complete_ones_are_updated() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    assert_eq!(place.status().await, "CREATE_COMPLETE");
    let (outcome, _) = place.deploy(&request()).await;
    assert!(matches!(outcome, Ok(Outcome::Unchanged(_))), "{outcome:?}");
    place.deployed(&with(&[("ThrottleRate", "60")])).await;
    assert_eq!(place.status().await, "UPDATE_COMPLETE");
    place.order(Order::once(fails("Stage", Action::Update)));
    failed(place.deploy(&with(&[("ThrottleRate", "70")])).await.0, "UPDATE_ROLLBACK_COMPLETE");
    place.deployed(&with(&[("ThrottleRate", "70")])).await;
}

#[tokio::test]
async fn one_in_review_is_taken_over_from_a_deployer_that_was_killed() {
    let place = Place::new().await;
    let left = place.changes(&request()).await;
    assert_eq!(place.status().await, "REVIEW_IN_PROGRESS");
    let plan = place.changes(&request()).await;
    let sets = place.client().list_change_sets().stack_name(STACK).send().await.expect("change sets");
    let names: Vec<_> = sets.summaries().iter().filter_map(|summary| summary.change_set_name()).collect();
    assert_eq!(names, [plan.preview.change_set.as_str()], "not {}", left.preview.change_set);
    assert!(matches!(place.execute(&plan).await, Ok(Outcome::Deployed(_))));
}

#[tokio::test]
async fn one_that_never_came_up_is_deleted_first() {
    let place = Place::new().await;
    place.order(Order::once(fails("Stream", Action::Create)));
    failed(place.deploy(&request()).await.0, "ROLLBACK_COMPLETE");
    let Ok(Prepared::First(first)) = place.prepare(&request()).await else { panic!("something is to be done first") };
    assert!(first.losses.is_empty() && first.what.contains("Delete what is left of stack demo"), "{first:?}");
    place.deployed(&request()).await;
    assert_eq!(place.status().await, "CREATE_COMPLETE");
}

#[tokio::test]
async fn a_yes_to_what_is_so_no_more_does_nothing() {
    let place = Place::new().await;
    place.order(Order::once(fails("Stream", Action::Create)));
    failed(place.deploy(&request()).await.0, "ROLLBACK_COMPLETE");
    let Ok(Prepared::First(first)) = place.prepare(&request()).await else { panic!("something is to be done first") };
    // Somebody else does it, and deploys, while the question stands.
    place.deployed(&request()).await;
    let (done, notes) = noted(async |out| remedy(&place.target, &first, None, out).await).await;
    done.expect("nothing had to be done");
    assert!(notes.iter().any(|note| note.contains("not as it was any more")), "{notes:?}");
    assert_eq!(place.status().await, "CREATE_COMPLETE");
}

#[tokio::test]
async fn what_a_rollback_could_not_delete_is_named_before_it_is_deleted() {
    let place = Place::new().await;
    place.order(Order::once(fails("DeliveryStream", Action::Create)));
    place.order(Order::once(fails("Stream", Action::Delete)));
    let failure = failed(place.deploy(&request()).await.0, "ROLLBACK_FAILED");
    assert!(failure.headline().starts_with("DeliveryStream ("), "{}", failure.headline());
    let (refused, _) = place.deploy(&request()).await;
    assert!(refused.expect_err("a loss is not agreed to").to_string().contains("demo-api-kinesis-stream"));
    let Ok(Prepared::First(first)) = place.prepare(&request()).await else { panic!("something is to be done first") };
    assert!(first.losses[0].contains("demo-api-kinesis-stream"), "{first:?}");
    noted(async |out| remedy(&place.target, &first, None, out).await).await.0.expect("done");
    place.deployed(&request()).await;
}

#[tokio::test]
async fn an_update_that_could_not_be_undone_is_undone_first() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    place.order(Order::times(fails("Stage", Action::Update), 2));
    let failure = failed(place.deploy(&with(&[("ThrottleRate", "60")])).await.0, "UPDATE_ROLLBACK_FAILED");
    assert!(failure.rollback.is_some(), "{failure:?}");
    place.order(Order::once(fails("Stage", Action::Update)));
    let (stuck, _) = place.deploy(&with(&[("ThrottleRate", "60")])).await;
    let words = stuck.expect_err("it failed again").to_string();
    assert!(words.contains("--resources-to-skip Stage"), "{words}");
    place.deployed(&with(&[("ThrottleRate", "60")])).await;
    assert_eq!(place.status().await, "UPDATE_COMPLETE");
}

#[tokio::test]
async fn one_that_failed_with_rollback_disabled_goes_on_from_there() {
    let place = Place::new().await;
    let mut plan = place.changes(&request()).await;
    plan.goes_on_as_failed = true;
    place.order(Order::once(fails("Stage", Action::Create)));
    failed(place.execute(&plan).await, "CREATE_FAILED");
    let plan = place.changes(&request()).await;
    assert!(plan.goes_on_as_failed);
    assert!(matches!(place.execute(&plan).await, Ok(Outcome::Deployed(_))));

    let mut plan = place.changes(&with(&[("ThrottleRate", "60")])).await;
    plan.goes_on_as_failed = true;
    place.order(Order::once(fails("Stage", Action::Update)));
    failed(place.execute(&plan).await, "UPDATE_FAILED");
    place.deployed(&with(&[("ThrottleRate", "60")])).await;
    assert_eq!(place.status().await, "UPDATE_COMPLETE");
}

#[tokio::test]
async fn one_that_failed_with_rollback_disabled_can_be_rolled_back_instead() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let mut plan = place.changes(&with(&[("ThrottleRate", "60")])).await;
    assert!(!plan.preview.can_roll_back);
    plan.goes_on_as_failed = true;
    place.order(Order::once(fails("Stage", Action::Update)));
    failed(place.execute(&plan).await, "UPDATE_FAILED");
    assert!(place.changes(&with(&[("ThrottleRate", "70")])).await.preview.can_roll_back);

    let back = Request { roll_back: true, ..request() };
    let first = match place.prepare(&back).await {
        Ok(Prepared::First(first)) => first,
        other => panic!("{other:?}"),
    };
    assert!(first.what.contains("Roll stack demo back") && first.losses.is_empty(), "{first:?}");
    let (done, _) = noted(async |out| crate::deploy::remedy(&place.target, &first, None, out).await).await;
    done.expect("rolled back");
    assert_eq!(place.status().await, "UPDATE_ROLLBACK_COMPLETE");
    assert!(matches!(place.prepare(&back).await, Ok(Prepared::Unchanged(_))), "asked for once");
}

#[tokio::test]
async fn a_creation_that_failed_with_rollback_disabled_says_what_rolling_back_takes() {
    let place = Place::new().await;
    let mut plan = place.changes(&request()).await;
    plan.goes_on_as_failed = true;
    place.order(Order::once(fails("Stage", Action::Create)));
    failed(place.execute(&plan).await, "CREATE_FAILED");
    let back = Request { roll_back: true, ..request() };
    match place.prepare(&back).await {
        Ok(Prepared::First(first)) => {
            assert!(first.losses.iter().any(|loss| loss.contains("with the records it holds")), "{first:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_deletion_that_failed_is_left_to_destroy() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    place.order(Order::once(fails("Stream", Action::Delete)));
    place.client().delete_stack().stack_name(STACK).send().await.expect("deleting");
    while place.status().await == "DELETE_IN_PROGRESS" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (refused, _) = place.deploy(&request()).await;
    let words = refused.expect_err("refused").to_string();
    assert!(words.contains("DELETE_FAILED") && words.contains("tailwater destroy"), "{words}");
}

#[tokio::test]
async fn a_deletion_that_runs_is_waited_for() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    place.order(Order::once(ResourceFault::delay("Stream", Action::Delete, Duration::from_millis(300))));
    place.client().delete_stack().stack_name(STACK).send().await.expect("deleting");
    place.deployed(&request()).await;
    assert_eq!(place.status().await, "CREATE_COMPLETE");
}

#[tokio::test]
async fn one_that_others_made_is_only_watched() {
    let place = Place::new().await;
    let template = r#"{"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}}"#;
    place.client().create_stack().stack_name(STACK).template_body(template).send().await.expect("made");
    let refused = place.prepare(&request()).await.expect_err("not ours");
    assert!(matches!(refused, DeployError::Foreign(_)) && refused.to_string().contains("only watched"), "{refused}");
}

#[tokio::test]
async fn one_that_others_made_is_watched_by_what_it_has() {
    let place = Place::new().await;
    let template = r#"{"Resources": {
        "Orders": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "orders", "ShardCount": 1}},
        "Lines": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/lambda/orders"}},
        "Raw": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "orders-raw"}}}}"#;
    place.client().create_stack().stack_name(STACK).template_body(template).send().await.expect("made");
    while place.status().await != "CREATE_COMPLETE" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stack = place.stack().await;
    let found = crate::deploy::pipeline_of(&place.target, STACK, &stack).await.expect("something to watch");
    assert_eq!((found.outputs.stream_name.as_str(), found.outputs.bucket_name.as_str()), ("orders", "orders-raw"));
    assert_eq!(found.log_groups, [(tailwater_core::events::LogSource::Function, "/aws/lambda/orders".to_owned())]);
    assert_eq!(found.outputs.submit_url, "", "nothing is sent there");
}

/// `DescribeStacks`, shaped as in the API reference of CloudFormation.
fn stack_answer(status: &str) -> String {
    format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult>\
         <Stacks><member><StackName>demo</StackName><StackId>arn:aws:cloudformation:eu-west-1:111122223333:stack/demo/1\
         </StackId><CreationTime>2026-11-24T09:00:00Z</CreationTime><StackStatus>{status}</StackStatus><Tags><member>\
         <Key>tailwater</Key><Value>1</Value></member></Tags></member></Stacks></DescribeStacksResult>\
         </DescribeStacksResponse>"
    )
}

/// `DescribeStackEvents`, newest first, shaped as in the API reference of CloudFormation.
fn events_answer(statuses: &[&str]) -> String {
    let mut events = String::new();
    for (index, status) in statuses.iter().enumerate().rev() {
        let _ = write!(
            events,
            "<member><EventId>{index}</EventId><StackId>x</StackId><StackName>demo</StackName>\
             <LogicalResourceId>demo</LogicalResourceId><ResourceType>AWS::CloudFormation::Stack</ResourceType>\
             <Timestamp>2026-11-24T09:00:0{index}Z</Timestamp><ResourceStatus>{status}</ResourceStatus></member>"
        );
    }
    format!(
        "<DescribeStackEventsResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <DescribeStackEventsResult><StackEvents>{events}</StackEvents></DescribeStackEventsResult>\
         </DescribeStackEventsResponse>"
    )
}

pub fn replayed(answers: &[String]) -> Target {
    let events = answers.iter().map(|body| {
        let request = http::Request::builder().uri("https://aws").body(SdkBody::empty()).expect("a request");
        let answer = http::Response::builder().status(200).body(SdkBody::from(body.as_str())).expect("an answer");
        ReplayEvent::new(request, answer)
    });
    Target::scripted(StaticReplayClient::new(events.collect()), Time::default())
}

#[tokio::test]
async fn whatever_runs_is_attached_to_from_its_beginning() {
    for (running, history, end) in [
        ("CREATE_IN_PROGRESS", &["CREATE_IN_PROGRESS"][..], "CREATE_COMPLETE"),
        ("ROLLBACK_IN_PROGRESS", &["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"], "ROLLBACK_COMPLETE"),
        ("UPDATE_IN_PROGRESS", &["UPDATE_IN_PROGRESS"], "UPDATE_COMPLETE"),
        (
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            &["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"],
            "UPDATE_COMPLETE",
        ),
        (
            "UPDATE_ROLLBACK_IN_PROGRESS",
            &["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"],
            "UPDATE_ROLLBACK_FAILED",
        ),
        (
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            &["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"],
            "UPDATE_ROLLBACK_COMPLETE",
        ),
        ("DELETE_IN_PROGRESS", &["DELETE_IN_PROGRESS"], "DELETE_FAILED"),
        ("IMPORT_IN_PROGRESS", &["IMPORT_IN_PROGRESS"], "IMPORT_COMPLETE"),
        (
            "IMPORT_ROLLBACK_IN_PROGRESS",
            &["IMPORT_IN_PROGRESS", "IMPORT_ROLLBACK_IN_PROGRESS"],
            "IMPORT_ROLLBACK_COMPLETE",
        ),
    ] {
        let before = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"];
        let events: Vec<&str> = before.iter().chain(history).copied().chain([end]).collect();
        let target = replayed(&[stack_answer(running), events_answer(&events), stack_answer(end)]);
        let client = target.cloudformation();
        let (settled, progress) = followed(async |out| settle(&target, &client, STACK, out).await).await;
        let (stack, attached) = settled.expect("settled");
        assert_eq!(stack.expect("a stack").status.as_str(), end, "{running}");
        assert_eq!(attached.expect("attached").as_str(), end, "{running}");
        let seen: Vec<String> = progress
            .iter()
            .filter_map(|progress| match progress {
                Progress::Event(event) => Some(event.status.to_string()),
                _ => None,
            })
            .collect();
        assert_eq!(seen, events[before.len()..], "{running}");
    }
}

#[tokio::test]
async fn what_an_import_left_is_updated_or_explained() {
    for (status, action) in
        [("IMPORT_COMPLETE", plan::Action::Update), ("IMPORT_ROLLBACK_COMPLETE", plan::Action::Update)]
    {
        let target = replayed(&[stack_answer(status)]);
        let client = target.cloudformation();
        let (settled, _) = followed(async |out| settle(&target, &client, STACK, out).await).await;
        let stack = settled.expect("settled").0.expect("a stack");
        assert_eq!(plan::action(Some(&stack.status)), action);
    }
    let target = replayed(&[stack_answer("IMPORT_ROLLBACK_FAILED")]);
    let (refused, _) = noted(async |out| prepare(&target, &request(), out).await).await;
    assert!(refused.expect_err("refused").to_string().contains("an import could not be undone"));
}
