//! Previews, operations that others began, answers that get lost, and what is kept over updates.

use std::time::Duration;

use tailwater_cloud::faults::{Action, CallFault, Order, ResourceFault};
use tailwater_core::pipeline::Replacement;

use super::{super::discard, *};

/// How often somebody asked for an operation of this status.
async fn begun(place: &Place, status: &str) -> usize {
    let events = place.client().describe_stack_events().stack_name(STACK).send().await.expect("events");
    let is_it = |event: &&aws_sdk_cloudformation::types::StackEvent| {
        event.resource_type() == Some("AWS::CloudFormation::Stack")
            && event.resource_status().is_some_and(|told| told.as_str() == status)
    };
    events.stack_events().iter().filter(is_it).count()
}

#[tokio::test]
async fn a_preview_tells_each_property_with_its_cause() {
    let place = Place::new().await;
    let creation = place.changes(&request()).await;
    assert!(creation.preview.creates && creation.preview.losses.is_empty());
    assert!(creation.preview.changes.iter().all(|change| change.action == "Add"));
    assert_eq!(creation.preview.estimate, None, "nothing is billed here");
    discard(&place.target, &creation).await.expect("dropped");
    assert!(Stack::find(&place.client(), STACK).await.expect("an answer").is_none(), "a preview leaves nothing");

    place.deployed(&request()).await;
    let update = place.changes(&with(&[("ThrottleRate", "60")])).await;
    assert_eq!(update.preview.changes.len(), 1, "{:?}", update.preview.changes);
    let property = &update.preview.changes[0].properties[0];
    assert!(property.path.ends_with("ThrottlingRateLimit"), "{property:?}");
    assert_eq!((property.before.as_deref(), property.after.as_deref()), (Some("50"), Some("60")));
    assert_eq!(property.cause.as_deref(), Some("ThrottleRate"));
    let rate = update.preview.parameters.iter().find(|parameter| parameter.name == "ThrottleRate").expect("told");
    assert_eq!((rate.default.as_deref(), rate.value.as_str()), (Some("50"), "60"));
}

#[tokio::test]
async fn a_no_leaves_alone_what_somebody_else_made_meanwhile() {
    let place = Place::new().await;
    let declined = place.changes(&request()).await;
    place.deployed(&request()).await;
    discard(&place.target, &declined).await.expect("nothing is left to drop");
    assert_eq!(place.status().await, "CREATE_COMPLETE");
}

#[tokio::test]
async fn a_shorter_retention_says_what_is_lost() {
    let place = Place::new().await;
    place.deployed(&with(&[("RetentionHours", "48")])).await;
    let longer = place.changes(&with(&[("RetentionHours", "72")])).await;
    assert!(longer.preview.losses.is_empty(), "{:?}", longer.preview.losses);
    let shorter = place.changes(&with(&[("RetentionHours", "24")])).await;
    assert_eq!(
        shorter.preview.losses,
        ["Stream demo-api-kinesis-stream keeps what it holds less long: what is older goes"]
    );
}

#[tokio::test]
async fn a_replacement_says_what_is_lost() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let plan = place.changes(&with(&[("StreamName", "other"), ("BucketBaseName", "other")])).await;
    let stream = plan.preview.changes.iter().find(|change| change.logical_id == "Stream").expect("it changes");
    assert_eq!(stream.replacement, Replacement::Yes);
    let losses = plan.preview.losses.join("\n");
    assert!(losses.contains("Stream demo-api-kinesis-stream is replaced: the records it still holds go"), "{losses}");
    assert!(losses.contains("Bucket demo-api-kinesis-firehose-bucket-"), "{losses}");
}

#[tokio::test]
async fn an_operation_that_somebody_began_is_followed_and_not_begun_again() {
    let place = Place::new().await;
    place.order(Order::once(ResourceFault::delay("Stream", Action::Create, Duration::from_millis(400))));
    let plan = place.changes(&request()).await;
    // The first deployer is gone: only its call has arrived.
    let call = place.client().execute_change_set().stack_name(STACK).change_set_name(&plan.preview.change_set);
    call.send().await.expect("begun");
    let (prepared, progress) = followed(async |out| prepare(&place.target, &request(), out).await).await;
    assert!(matches!(prepared, Ok(Prepared::Finished(_))), "{prepared:?}");
    let events: Vec<_> = progress
        .iter()
        .filter_map(|progress| match progress {
            Progress::Event(event) => Some(event),
            _ => None,
        })
        .collect();
    assert_eq!(events[0].status.as_str(), "CREATE_IN_PROGRESS", "from its beginning");
    assert_eq!(events[events.len() - 1].status.as_str(), "CREATE_COMPLETE", "to its end");
    assert_eq!(begun(&place, "CREATE_IN_PROGRESS").await, 1);
}

#[tokio::test]
async fn an_execution_whose_answer_is_lost_is_not_begun_twice() {
    for fault in [CallFault::close_after, CallFault::close_before] {
        let place = Place::new().await;
        place.order(Order::once(fault("cloudformation", "ExecuteChangeSet")));
        place.deployed(&request()).await;
        assert_eq!(begun(&place, "CREATE_IN_PROGRESS").await, 1);
    }
}

#[tokio::test]
async fn trouble_while_following_is_waited_out() {
    let place = Place::new().await;
    // More often than the SDK tries by itself.
    let throttled = CallFault::error("cloudformation", "DescribeStackEvents", 400, "Throttling", "Rate exceeded");
    place.order(Order::times(throttled, 4).after(1));
    let words = "The security token included in the request is expired";
    let expired = CallFault::error("cloudformation", "DescribeStackEvents", 403, "ExpiredToken", words);
    place.order(Order::times(expired, 2).after(1));
    let (outcome, notes) = place.deploy(&request()).await;
    assert!(matches!(outcome, Ok(Outcome::Deployed(_))), "{outcome:?}");
    assert_eq!(notes.iter().filter(|note| note.contains("ExpiredToken")).count(), 1, "{notes:#?}");
}

#[tokio::test]
async fn tags_are_kept_beside_ours() {
    let place = Place::new().await;
    let tagged = |key: &str, value: &str| Request { tags: vec![(key.into(), value.into())], ..request() };
    place.deployed(&tagged("team", "data")).await;
    place.deployed(&tagged("cost", "42")).await;
    let mut tags = place.stack().await.tags;
    tags.sort();
    let wanted = [("cost", "42"), ("tailwater", "1"), ("team", "data")].map(|(key, value)| (key.into(), value.into()));
    assert_eq!(tags, wanted);
    let (outcome, _) = place.deploy(&request()).await;
    assert!(matches!(outcome, Ok(Outcome::Unchanged(_))), "tags alone that stay are no change: {outcome:?}");
}

#[tokio::test]
async fn cloudformation_works_with_the_role_and_the_boundary_that_are_given() {
    let place = Place::new().await;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":
        "cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let iam = place.target.iam();
    let made = iam.create_role().role_name("deployer").assume_role_policy_document(trust).send().await.expect("a role");
    iam.put_role_policy().role_name("deployer").policy_name("all").policy_document(all).send().await.expect("allowed");
    let role_arn = made.role().map(|role| role.arn().to_owned());
    let boundary = "arn:aws:iam::aws:policy/AdministratorAccess";
    let wanted = Request { role_arn: role_arn.clone(), ..with(&[("PermissionsBoundaryArn", boundary)]) };
    place.deployed(&wanted).await;
    let described = place.client().describe_stacks().stack_name(STACK).send().await.expect("the stack");
    assert_eq!(described.stacks()[0].role_arn().map(str::to_owned), role_arn);
    let resource = place.client().describe_stack_resource().stack_name(STACK).logical_resource_id("FunctionRole");
    let resource = resource.send().await.expect("the role");
    let name = resource.stack_resource_detail().and_then(|detail| detail.physical_resource_id()).expect("its name");
    let role = iam.get_role().role_name(name).send().await.expect("the role");
    let bounded = role.role().and_then(|role| role.permissions_boundary());
    assert_eq!(bounded.and_then(|bounded| bounded.permissions_boundary_arn()), Some(boundary));
}

#[tokio::test]
async fn a_stream_or_bucket_that_was_removed_by_hand_is_noticed() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let stack = place.stack().await;
    let (stream, bucket) =
        (stack.output("StreamName").expect("a stream"), stack.output("BucketName").expect("a bucket"));
    place.target.kinesis().delete_stream().stream_name(stream).send().await.expect("deleted");
    let drift = loop {
        // Deleting a stream takes its time.
        match place.prepare(&request()).await {
            Err(error @ DeployError::Drift { .. }) => break error,
            Ok(Prepared::Unchanged(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
            other => panic!("{other:?}"),
        }
    };
    assert!(drift.to_string().contains("Stream demo-api-kinesis-stream"), "{drift}");
    assert!(drift.to_string().contains("--param StreamName=NAME"), "{drift}");

    place.target.s3().delete_bucket().bucket(bucket).send().await.expect("deleted");
    let renamed = with(&[("StreamName", "other")]);
    let drift = place.prepare(&renamed).await.expect_err("the bucket is gone too");
    assert!(drift.to_string().contains("Bucket demo-api-kinesis-firehose-bucket"), "{drift}");
}

#[tokio::test]
async fn an_update_can_be_cancelled() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    place.order(Order::once(ResourceFault::delay("Stage", Action::Update, Duration::from_secs(30))));
    let plan = place.changes(&with(&[("ThrottleRate", "60")])).await;
    let cancelling = async {
        while place.status().await != "UPDATE_IN_PROGRESS" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        crate::deploy::cancel(&place.target, &plan).await.expect("cancelled")
    };
    let (outcome, words) = tokio::join!(place.execute(&plan), cancelling);
    assert!(words.contains("goes back"), "{words}");
    match outcome {
        Ok(Outcome::Failed(failure)) => assert_eq!(failure.status.as_str(), "UPDATE_ROLLBACK_COMPLETE"),
        other => panic!("{other:?}"),
    }
}

/// What Firehose says while IAM has not told it of a role yet.
const NOT_TOLD_YET: &str = "Firehose is unable to assume role arn:aws:iam::000000000000:role/demo-DeliveryRole-1. \
                            Please check the role provided.";

/// Each stack of this name that there was, with its status, oldest first.
async fn stacks(place: &Place) -> Vec<String> {
    let listed = place.client().list_stacks().send().await.expect("stacks");
    let mut all: Vec<_> = listed
        .stack_summaries()
        .iter()
        .filter(|stack| stack.stack_name() == Some(STACK))
        .map(|stack| (*stack.creation_time().expect("its time"), stack.stack_status().expect("its status").to_string()))
        .collect();
    all.sort();
    all.into_iter().map(|(_, status)| status).collect()
}

#[tokio::test]
async fn a_retry_is_cancelled_on_the_stack_that_it_makes() {
    let place = Place::new().await;
    place.order(Order::once(ResourceFault::fail("DeliveryStream", Action::Create, NOT_TOLD_YET)));
    let plan = place.changes(&request()).await;
    let cancelling = async {
        let first = place.stack().await.id;
        // The second try is on a stack of its own.
        loop {
            let now = Stack::find(&place.client(), STACK).await.expect("an answer");
            if now.is_some_and(|stack| stack.id != first && stack.status.as_str() == "CREATE_IN_PROGRESS") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        crate::deploy::cancel(&place.target, &plan).await.expect("cancelled")
    };
    place.order(Order::once(ResourceFault::delay("DeliveryStream", Action::Create, Duration::from_secs(30))));
    let (outcome, words) = tokio::join!(place.execute(&plan), cancelling);
    assert!(words.contains("is deleted"), "{words}");
    match outcome {
        Ok(Outcome::Failed(failure)) => assert_eq!(failure.status.as_str(), "DELETE_COMPLETE"),
        other => panic!("{other:?}"),
    }
    assert!(stacks(&place).await.iter().all(|status| status == "DELETE_COMPLETE"));
}

#[tokio::test]
async fn what_was_cancelled_is_not_tried_again() {
    let place = Place::new().await;
    let plan = place.changes(&request()).await;
    place.order(Order::once(ResourceFault::fail("DeliveryStream", Action::Create, NOT_TOLD_YET)));
    place.order(Order::once(ResourceFault::delay("Stream", Action::Delete, Duration::from_millis(300))));
    let cancelling = async {
        while place.status().await != "ROLLBACK_IN_PROGRESS" {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(crate::deploy::goes_on(&plan).await);
        crate::deploy::cancel(&place.target, &plan).await.expect("cancelled")
    };
    let (outcome, words) = tokio::join!(place.execute(&plan), cancelling);
    assert!(words.contains("not tried again"), "{words}");
    assert!(matches!(outcome, Ok(Outcome::Failed(_))), "{outcome:?}");
    assert_eq!(stacks(&place).await, ["ROLLBACK_COMPLETE"]);
    assert!(!crate::deploy::goes_on(&plan).await, "nothing runs any more");
}

#[tokio::test]
async fn what_is_cancelled_before_it_begins_is_not_executed() {
    let place = Place::new().await;
    let plan = place.changes(&request()).await;
    let words = crate::deploy::cancel(&place.target, &plan).await.expect("cancelled");
    assert!(words.contains("nothing runs in AWS"), "{words}");
    let ended = place.execute(&plan).await;
    assert!(matches!(ended, Err(DeployError::GivenUp(_))), "{ended:?}");
    assert!(Stack::find(&place.client(), STACK).await.expect("an answer").is_none(), "nothing of it stays");
}

#[tokio::test]
async fn a_dry_run_puts_nothing_anywhere() {
    let place = Place::new().await;
    let dry = place.changes(&Request { dry_run: true, ..request() }).await;
    assert!(dry.preview.creates && !dry.preview.changes.is_empty());
    discard(&place.target, &dry).await.expect("dropped");
    let buckets = place.target.s3().list_buckets().send().await.expect("buckets");
    assert!(buckets.buckets().is_empty(), "{buckets:?}");
}
