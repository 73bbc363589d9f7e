//! Stacks that are taken down, in every state that they can be in, by clouds that are in the way.

use std::time::Duration;

use tailwater_cloud::faults::{Action, CallFault, Order, ResourceFault};

use super::{Place, STACK, followed, noted, request, with};
use crate::deploy::{
    DeployError, DestroyOptions, Destroyed, Outcome, Prepared, Progress, Stack, deploy, destroy, remedy,
};

/// Without Firehose's time to deliver.
const NOW: DestroyOptions<'static> =
    DestroyOptions { now: true, keep_data: false, artifacts: false, retain_stuck: false, role_arn: None };
const KEEP: DestroyOptions<'static> = DestroyOptions { keep_data: true, ..NOW };

impl Place {
    async fn destroy(&self, options: DestroyOptions<'_>) -> (Result<Destroyed, DeployError>, Vec<Progress>) {
        followed(async |out| destroy(&self.target, STACK, options, out).await).await
    }

    async fn destroyed(&self, options: DestroyOptions<'_>) -> (Option<String>, Vec<Progress>) {
        match self.destroy(options).await {
            (Ok(Destroyed::Done { kept, .. }), progress) => (kept, progress),
            (other, progress) => panic!("{other:?} {progress:?}"),
        }
    }

    async fn bucket(&self) -> String {
        self.stack().await.deployed(STACK).expect("a pipeline").outputs.bucket_name
    }

    async fn put(&self, bucket: &str, key: &str) {
        let body = aws_sdk_s3::primitives::ByteStream::from_static(b"{}\n");
        self.target.s3().put_object().bucket(bucket).key(key).body(body).send().await.expect("put");
    }

    /// Everything that is left in the account, by name.
    async fn left(&self) -> Vec<String> {
        let target = &self.target;
        let mut left = Vec::new();
        let buckets = target.s3().list_buckets().send().await.expect("buckets");
        left.extend(buckets.buckets().iter().filter_map(|bucket| bucket.name().map(str::to_owned)));
        let streams = target.kinesis().list_streams().send().await.expect("streams");
        left.extend(streams.stream_names().iter().cloned());
        let deliveries = target.firehose().list_delivery_streams().send().await.expect("delivery streams");
        left.extend(deliveries.delivery_stream_names().iter().cloned());
        let functions = target.lambda().list_functions().send().await.expect("functions");
        left.extend(functions.functions().iter().filter_map(|function| function.function_name().map(str::to_owned)));
        let groups = target.logs().describe_log_groups().send().await.expect("log groups");
        left.extend(groups.log_groups().iter().filter_map(|group| group.log_group_name().map(str::to_owned)));
        left
    }

    fn artifacts(&self) -> String {
        format!("tailwater-artifacts-{}-{}", self.target.account_id(), self.target.region())
    }
}

fn said(progress: &[Progress], words: &str) -> bool {
    progress.iter().any(|progress| matches!(progress, Progress::Note(note) if note.contains(words)))
}

#[tokio::test]
async fn nothing_is_left_of_a_pipeline_with_versions_markers_and_uploads() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let bucket = place.bucket().await;
    let s3 = place.target.s3();
    let versioned = aws_sdk_s3::types::VersioningConfiguration::builder()
        .status(aws_sdk_s3::types::BucketVersioningStatus::Enabled)
        .build();
    s3.put_bucket_versioning().bucket(&bucket).versioning_configuration(versioned).send().await.expect("versioned");
    // More than a page of versions.
    let puts = (0..1_100).map(|number| {
        let (place, bucket) = (&place, &bucket);
        async move { place.put(bucket, &format!("key-{}", number % 600)).await }
    });
    futures::StreamExt::collect::<Vec<()>>(futures::StreamExt::buffer_unordered(futures::stream::iter(puts), 16)).await;
    s3.delete_object().bucket(&bucket).key("key-1").send().await.expect("a marker");
    s3.create_multipart_upload().bucket(&bucket).key("half").send().await.expect("an upload");

    let (kept, progress) = place.destroyed(DestroyOptions { artifacts: true, ..NOW }).await;
    assert_eq!(kept, None);
    assert_eq!(place.left().await, Vec::<String>::new());
    assert!(said(&progress, "1,101 versions and 1 unfinished upload deleted"), "{progress:?}");
    let steps = progress.iter().filter(|progress| matches!(progress, Progress::Step { total: None, .. })).count();
    assert!(steps >= 2, "each batch is told: {progress:?}");
    assert!(matches!(place.destroy(NOW).await.0, Ok(Destroyed::Nothing { left }) if left.is_empty()));
}

#[tokio::test]
async fn firehose_has_its_interval_and_the_countdown_ends() {
    let place = Place::new().await;
    place.deployed(&with(&[("BufferIntervalSeconds", "0")])).await;
    let (_, progress) = place.destroyed(DestroyOptions { now: false, ..NOW }).await;
    let steps: Vec<(u64, Option<u64>)> = progress
        .iter()
        .filter_map(|progress| match progress {
            Progress::Step { what, done, total } if what.contains("Firehose") => Some((*done, *total)),
            _ => None,
        })
        .collect();
    assert_eq!((steps.first(), steps.last()), (Some(&(0, Some(1))), Some(&(1, Some(1)))));
}

#[tokio::test]
async fn a_bucket_that_is_written_to_again_is_emptied_again() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let refusal = "The bucket you tried to delete is not empty";
    place.order(Order::once(ResourceFault::fail("AWS::S3::Bucket", Action::Delete, refusal)));
    let (_, progress) = place.destroyed(NOW).await;
    assert!(said(&progress, "emptied again"), "{progress:?}");
    assert_eq!(place.left().await, [place.artifacts()]);
}

#[tokio::test]
async fn what_cannot_be_deleted_is_named_and_may_be_left() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let refusal = "Role is in use by another service";
    place.order(Order::until_cleared(ResourceFault::fail("DeliveryRole", Action::Delete, refusal)));
    let (ended, _) = place.destroy(NOW).await;
    let Ok(Destroyed::Failed { status, cause, stuck, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!(status.as_str(), "DELETE_FAILED");
    assert!(cause.is_some_and(|cause| cause.contains(refusal)));
    assert_eq!(stuck.iter().map(|stuck| stuck.logical_id.as_str()).collect::<Vec<_>>(), ["DeliveryRole"]);
    let (ended, _) = place.destroy(DestroyOptions { retain_stuck: true, ..NOW }).await;
    let Ok(Destroyed::Done { left, .. }) = ended else { panic!("{ended:?}") };
    assert!(left.iter().any(|left| left.resource_type == "AWS::IAM::Role"), "{left:?}");
}

#[tokio::test]
async fn a_stack_that_is_protected_is_not_touched() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let protect = |on| {
        let client = place.client();
        async move {
            let update = client.update_termination_protection().stack_name(STACK).enable_termination_protection(on);
            update.send().await.expect("an answer");
        }
    };
    protect(true).await;
    let (ended, progress) = place.destroy(NOW).await;
    let error = ended.expect_err("refused").to_string();
    assert!(error.contains("--no-enable-termination-protection"), "{error}");
    assert!(progress.is_empty(), "{progress:?}");
    protect(false).await;
    place.destroyed(NOW).await;
}

#[tokio::test]
async fn what_somebody_removed_by_hand_is_not_missed() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let outputs = place.stack().await.deployed(STACK).expect("a pipeline").outputs;
    let target = &place.target;
    target.s3().delete_bucket().bucket(&outputs.bucket_name).send().await.expect("deleted");
    target.kinesis().delete_stream().stream_name(&outputs.stream_name).send().await.expect("deleted");
    let name = &outputs.delivery_stream_name;
    target.firehose().delete_delivery_stream().delivery_stream_name(name).send().await.expect("deleted");
    target.lambda().delete_function().function_name(&outputs.function_name).send().await.expect("deleted");
    let (kept, _) = place.destroyed(KEEP).await;
    assert_eq!((kept, place.left().await), (None, vec![place.artifacts()]));
}

#[tokio::test]
async fn every_half_made_stack_goes() {
    // In review, and made by nobody's execution.
    let place = Place::new().await;
    place.changes(&request()).await;
    assert_eq!(place.status().await, "REVIEW_IN_PROGRESS");
    place.destroyed(NOW).await;
    // Undone, or stuck in being undone.
    for (action, wanted) in [(None, "ROLLBACK_COMPLETE"), (Some(Action::Delete), "ROLLBACK_FAILED")] {
        place.order(Order::once(ResourceFault::fail("Stage", Action::Create, "no stage today")));
        if let Some(action) = action {
            place.order(Order::once(ResourceFault::fail("Bucket", action, "no deletion today")));
        }
        let plan = place.changes(&request()).await;
        place.execute(&plan).await.expect("an outcome");
        assert_eq!(place.status().await, wanted);
        place.destroyed(NOW).await;
        place.cloud.faults().clear();
    }
    // An update that could not be undone.
    place.deployed(&request()).await;
    place.order(Order::times(ResourceFault::fail("Stage", Action::Update, "no stage today"), 2));
    let plan = place.changes(&with(&[("ThrottleRate", "77")])).await;
    place.execute(&plan).await.expect("an outcome");
    assert_eq!(place.status().await, "UPDATE_ROLLBACK_FAILED");
    let bucket = place.bucket().await;
    place.put(&bucket, "kept").await;
    // It takes no update that would keep the bucket: S3's refusal does.
    let (kept, _) = place.destroyed(KEEP).await;
    assert_eq!(kept.as_deref(), Some(bucket.as_str()));
    let mut left = vec![bucket, place.artifacts()];
    left.sort();
    assert_eq!(place.left().await, left);
}

#[tokio::test]
async fn a_deletion_that_runs_is_followed_to_its_end() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    place.order(Order::once(ResourceFault::delay("Api", Action::Delete, Duration::from_millis(300))));
    place.client().delete_stack().stack_name(STACK).send().await.expect("begun");
    let (_, progress) = place.destroyed(NOW).await;
    let of_stack: Vec<String> = progress
        .iter()
        .filter_map(|progress| match progress {
            Progress::Event(event) if event.is_of_stack() => Some(event.status.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(of_stack, ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]);
}

#[tokio::test]
async fn a_bucket_that_was_to_be_kept_goes_when_it_is_so_no_more() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let bucket = place.bucket().await;
    place.put(&bucket, "key").await;
    // The first run is cut short behind its update.
    place.order(Order::until_cleared(CallFault::error(
        "firehose",
        "DescribeDeliveryStream",
        400,
        "AccessDeniedException",
        "not today",
    )));
    place.destroy(KEEP).await.0.expect_err("cut short");
    place.cloud.faults().clear();
    assert_eq!(place.status().await, "UPDATE_COMPLETE");
    place.destroyed(NOW).await;
    assert_eq!(place.left().await, [place.artifacts()]);
}

#[tokio::test]
async fn an_account_that_reserves_no_concurrency_shuts_the_api_out() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    // Lambda developer guide, reserved concurrency: accounts whose quota is the unreserved minimum.
    place.order(Order::once(CallFault::error(
        "lambda",
        "PutFunctionConcurrency",
        400,
        "InvalidParameterValueException",
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below \
         its minimum value of [10].",
    )));
    let (_, progress) = place.destroyed(NOW).await;
    assert!(said(&progress, "permission to call it is taken away"), "{progress:?}");
}

#[tokio::test]
async fn a_log_group_that_lambda_made_goes_too_even_in_the_next_run() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let group = "/aws/lambda/demo-submit";
    place.destroyed(NOW).await;
    place.target.logs().create_log_group().log_group_name(group).send().await.expect("made");
    let (ended, progress) = place.destroy(NOW).await;
    assert!(matches!(ended, Ok(Destroyed::Nothing { .. })), "{ended:?}");
    assert!(said(&progress, group), "{progress:?}");
    assert_eq!(place.left().await, [place.artifacts()]);
}

#[tokio::test]
async fn code_that_another_stack_runs_stays() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let other = crate::deploy::Request { stack_name: "other".to_owned(), ..request() };
    place.deployed(&other).await;
    let (ended, progress) = place.destroy(DestroyOptions { artifacts: true, ..NOW }).await;
    let Ok(Destroyed::Done { left, .. }) = ended else { panic!("{ended:?}") };
    assert!(said(&progress, "another stack runs it too"), "{progress:?}");
    let names: Vec<&str> = left.iter().map(|left| left.name.as_str()).collect();
    assert_eq!(names, [place.artifacts().as_str(), "other"]);
    assert!(left.iter().all(|left| left.cost.is_none()), "nothing is billed here: {left:?}");
}

#[tokio::test]
async fn a_bucket_that_was_kept_is_taken_back() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let bucket = place.bucket().await;
    place.put(&bucket, "kept").await;
    place.destroyed(KEEP).await;

    let prepared = place.prepare(&request()).await;
    let Ok(Prepared::First(first)) = prepared else { panic!("{prepared:?}") };
    assert!(first.why.contains(&bucket) && first.why.contains("1 object, 3 B"), "{}", first.why);
    assert!(first.losses.is_empty());
    assert!(Stack::find(&place.client(), STACK).await.expect("an answer").is_none(), "nothing is done unasked");

    let (outcome, progress) = followed(async |out| deploy(&place.target, &request(), out).await).await;
    assert!(matches!(outcome, Ok(Outcome::Deployed(_))), "{outcome:?} {progress:?}");
    assert_eq!(place.bucket().await, bucket);
    let stack = place.stack().await;
    assert_eq!(stack.parameter("BufferIntervalSeconds"), Some("10"), "as in a first deployment here");
    let objects = place.target.s3().list_objects_v2().bucket(&bucket).send().await.expect("listed");
    assert_eq!(objects.contents().len(), 1);
    assert!(matches!(place.deploy(&request()).await.0, Ok(Outcome::Unchanged(_))));
    // It is the stack's own again, and goes with it.
    place.destroyed(NOW).await;
    assert_eq!(place.left().await, [place.artifacts()]);
}

#[tokio::test]
async fn a_deployer_that_was_cut_short_behind_the_import_goes_on() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let bucket = place.bucket().await;
    place.put(&bucket, "kept").await;
    place.destroyed(KEEP).await;
    let Ok(Prepared::First(first)) = place.prepare(&request()).await else { panic!("a bucket to take back") };
    noted(async |out| remedy(&place.target, &first, None, out).await).await.0.expect("taken back");
    assert_eq!(place.status().await, "IMPORT_COMPLETE");
    // The stack of the bucket alone can go too, and the bucket with it.
    place.deployed(&request()).await;
    place.destroyed(KEEP).await;
    let Ok(Prepared::First(first)) = place.prepare(&request()).await else { panic!("a bucket to take back") };
    noted(async |out| remedy(&place.target, &first, None, out).await).await.0.expect("taken back");
    place.destroyed(NOW).await;
    assert_eq!(place.left().await, [place.artifacts()]);
}

#[tokio::test]
async fn a_bucket_of_others_is_left_as_it_is() {
    let place = Place::new().await;
    let bucket = format!("demo-api-kinesis-{}-{}", place.target.account_id(), place.target.region());
    let named = with(&[("BucketBaseName", "demo-api-kinesis")]);
    let here = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(place.target.region().into())
        .build();
    let made = place.target.s3().create_bucket().bucket(&bucket).create_bucket_configuration(here).send().await;
    made.expect("made");
    assert!(!matches!(place.prepare(&named).await, Ok(Prepared::First(_))));
    // Nor is one taken away from another stack.
    place.target.s3().delete_bucket().bucket(&bucket).send().await.expect("deleted");
    place.deployed(&crate::deploy::Request { stack_name: "other".to_owned(), ..named.clone() }).await;
    let error = place.prepare(&named).await.expect_err("refused").to_string();
    assert!(error.contains("belongs to stack other"), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_imports_nothing_is_said_to_be_so() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let bucket = place.bucket().await;
    place.put(&bucket, "kept").await;
    place.destroyed(KEEP).await;
    let refusal = "ChangeSetType IMPORT is not supported";
    place.order(Order::once(CallFault::error("cloudformation", "CreateChangeSet", 400, "ValidationError", refusal)));
    let error = place.deploy(&request()).await.0.expect_err("refused").to_string();
    assert!(error.contains(refusal) && error.contains("--param BucketBaseName=NAME"), "{error}");
    assert!(Stack::find(&place.client(), STACK).await.expect("an answer").is_none());
}

#[tokio::test]
async fn a_pipeline_that_was_stopped_is_opened_again() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    // The run is cut short behind its first step.
    place.order(Order::once(CallFault::error(
        "firehose",
        "DescribeDeliveryStream",
        400,
        "AccessDeniedException",
        "no",
    )));
    place.destroy(NOW).await.0.expect_err("cut short");
    let (outcome, notes) = place.deploy(&request()).await;
    assert!(matches!(outcome, Ok(Outcome::Unchanged(_))), "{outcome:?}");
    assert!(notes.iter().any(|note| note.contains("takes events again")), "{notes:?}");
    let answer = place.target.lambda().get_function_concurrency().function_name("demo-submit").send().await;
    assert_eq!(answer.expect("an answer").reserved_concurrent_executions(), None);
    // A delivery stream that is gone comes back by no update.
    let name = place.stack().await.deployed(STACK).expect("a pipeline").outputs.delivery_stream_name;
    place.target.firehose().delete_delivery_stream().delivery_stream_name(&name).send().await.expect("deleted");
    let error = place.deploy(&request()).await.0.expect_err("refused").to_string();
    assert!(error.contains(&name) && error.contains("tailwater destroy"), "{error}");
}

#[tokio::test]
async fn a_permission_that_a_destruction_took_away_is_given_back() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let deployed = place.stack().await.deployed(STACK).expect("a pipeline");
    let (lambda, function) = (place.target.lambda(), deployed.outputs.function_name);
    let policy = async || lambda.get_policy().function_name(&function).send().await.ok().and_then(|got| got.policy);
    let before = policy().await.expect("a policy");
    let statement = serde_json::from_str::<serde_json::Value>(&before).expect("JSON")["Statement"][0].clone();
    let sid = statement["Sid"].as_str().expect("an id");
    lambda.remove_permission().function_name(&function).statement_id(sid).send().await.expect("removed");
    let first = match place.prepare(&request()).await {
        Ok(Prepared::First(first)) => first,
        other => panic!("{other:?}"),
    };
    assert!(first.why.contains("API Gateway's permission") && first.losses.is_empty(), "{first:?}");
    place.deploy(&request()).await.0.expect("deployed");
    let after = policy().await.expect("a policy");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&after).expect("JSON")["Statement"][0], statement);
    place.destroyed(NOW).await;
}

#[tokio::test]
async fn a_log_group_of_the_last_stack_is_told_before_it_goes() {
    let place = Place::new().await;
    place.deployed(&request()).await;
    let function = place.stack().await.deployed(STACK).expect("a pipeline").outputs.function_name;
    place.destroyed(NOW).await;
    let survey = async || crate::deploy::survey(&place.target, STACK).await.expect("looked");
    assert!(survey().await.log_groups.is_empty());
    let group = format!("/aws/lambda/{function}");
    place.target.logs().create_log_group().log_group_name(&group).send().await.expect("made");
    assert_eq!(survey().await.log_groups, [group]);
}
