//! Deployments that fail: the first cause is on the first line of what people see, with what it means
//! and what to do below it.

use tailwater_cloud::faults::{Action, CallFault, Order, ResourceFault};

use super::{
    super::{change_set, failure::Kind},
    states::replayed,
    *,
};

/// What people see of a deployment that fails.
async fn report(place: &Place, request: &Request) -> Vec<String> {
    match place.deploy(request).await.0 {
        Ok(Outcome::Failed(failure)) => failure.report(),
        Err(error) => error.report(),
        other => panic!("it did not fail: {other:?}"),
    }
}

/// The first line holds the cause, the second what it means, the third what to do.
fn check(report: &[String], cause: &[&str], meaning: &str, advice: &str) {
    for words in cause {
        assert!(report[0].contains(words), "{words}: {report:#?}");
    }
    assert!(report.len() > 2 && report[1].contains(meaning), "{meaning}: {report:#?}");
    assert!(report[2].contains(advice), "{advice}: {report:#?}");
}

/// A resource that fails as AWS words it.
async fn with_resource_failing(resource: &str, words: &str) -> Vec<String> {
    let place = Place::new().await;
    place.order(Order::once(ResourceFault::fail(resource, Action::Create, words)));
    report(&place, &request()).await
}

/// A call that is refused as AWS words it.
async fn with_call_failing(service: &str, operation: &str, code: &str, message: &str) -> Vec<String> {
    let place = Place::new().await;
    place.order(Order::until_cleared(CallFault::error(service, operation, 400, code, message)));
    report(&place, &request()).await
}

#[tokio::test]
async fn a_bad_zip() {
    let words = "Could not unzip uploaded file. Please check your file, then try to upload again.";
    let report = with_resource_failing("Function", words).await;
    check(&report, &["Function (AWS::Lambda::Function)", "Could not unzip"], "cannot use the zip", "--handler-zip");
    assert!(report.iter().any(|line| line.contains("The stack is in ROLLBACK_COMPLETE")), "{report:#?}");
}

#[tokio::test]
async fn a_missing_permission() {
    let words = "API: iam:CreateRole User: arn:aws:sts::111122223333:assumed-role/dev/me is not authorized to perform: \
                 iam:CreateRole on resource: arn:aws:iam::111122223333:role/demo-FunctionRole-1";
    let report = with_resource_failing("FunctionRole", words).await;
    check(&report, &["FunctionRole (AWS::IAM::Role)", "iam:CreateRole"], "permission is missing", "--role-arn");
}

#[tokio::test]
async fn a_taken_name() {
    let place = Place::new().await;
    let name = format!("taken-{}-{}", place.cloud.account_id(), place.cloud.region());
    let location = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(place.cloud.region().into())
        .build();
    let bucket = place.target.s3().create_bucket().bucket(&name).create_bucket_configuration(location);
    bucket.send().await.expect("a bucket");
    let report = report(&place, &with(&[("BucketBaseName", "taken")])).await;
    check(&report, &["early validation refused Bucket (AWS::S3::Bucket)"], "there already", "BucketBaseName");
}

#[tokio::test]
async fn a_name_that_is_taken_while_it_deploys() {
    // As the resource handler of AWS::Kinesis::Stream words it, in public issue threads.
    let words = "Resource handler returned message: \"Stream demo-api-kinesis-stream under account 111122223333 already \
                 exists. (Service: Kinesis, Status Code: 400)\"";
    let report = with_resource_failing("Stream", words).await;
    check(&report, &["Stream (AWS::Kinesis::Stream)", "already exists"], "there already", "--param StreamName");
}

#[tokio::test]
async fn a_bad_parameter() {
    let words = "1 validation error detected: Value '9000' at 'retentionPeriodHours' failed to satisfy constraint: Member \
                 must have value less than or equal to 8760";
    let report = with_resource_failing("Stream", words).await;
    check(&report, &["Stream (AWS::Kinesis::Stream)", "9000"], "not one that AWS takes", "--param");
}

#[tokio::test]
async fn a_throttled_api() {
    let report = with_call_failing("cloudformation", "CreateChangeSet", "Throttling", "Rate exceeded").await;
    check(&report, &["prepared the changes of stack demo", "Rate exceeded"], "no more calls", "again in a minute");
}

#[tokio::test]
async fn an_expired_token() {
    let words = "The security token included in the request is expired";
    let report = with_call_failing("cloudformation", "CreateChangeSet", "ExpiredToken", words).await;
    check(&report, &["ExpiredToken"], "credentials have expired", "aws sso login");
}

#[tokio::test]
async fn a_deleted_artifact_bucket() {
    // As the resource handler of AWS::Lambda::Function words it, in public issue threads.
    let words = "Resource handler returned message: \"Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error \
                 Message: The specified bucket does not exist (Service: Lambda, Status Code: 400)\"";
    let report = with_resource_failing("Function", words).await;
    check(&report, &["Function (", "NoSuchBucket"], "was deleted", "makes the bucket");
}

#[tokio::test]
async fn a_quota() {
    let words = "This request would exceed the shard limit for the account 111122223333 in eu-west-1. Current shard count: \
                 200. Limit: 200.";
    let report = with_resource_failing("Stream", words).await;
    check(&report, &["Stream (", "shard limit"], "no more streams or shards", "Service Quotas");
}

#[tokio::test]
async fn an_unsupported_region() {
    let words = "Template format error: Unrecognized resource types: [AWS::KinesisFirehose::DeliveryStream]";
    let report = with_call_failing("cloudformation", "CreateChangeSet", "ValidationError", words).await;
    check(&report, &["Unrecognized resource types"], "region does not offer", "--region");
}

#[tokio::test]
async fn a_time_out() {
    let report = with_resource_failing("Stream", "Exceeded attempts to wait").await;
    check(&report, &["Stream (", "Exceeded attempts to wait"], "not done in the time", "again");
}

/// `DescribeChangeSet` and `DescribeEvents`, shaped as in the API reference of CloudFormation.
#[tokio::test]
async fn early_validation() {
    let namespace = "xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"";
    let change_set = format!(
        "<DescribeChangeSetResponse {namespace}><DescribeChangeSetResult><ChangeSetName>tailwater-1</ChangeSetName>\
         <Status>FAILED</Status><StatusReason>The following hook(s)/validation failed: \
         [AWS::EarlyValidation::PropertyValidation]. To troubleshoot Early Validation errors, use the DescribeEvents API \
         for detailed failure information.</StatusReason></DescribeChangeSetResult></DescribeChangeSetResponse>"
    );
    let events = format!(
        "<DescribeEventsResponse {namespace}><DescribeEventsResult><OperationEvents><member><EventId>1</EventId>\
         <EventType>VALIDATION_ERROR</EventType><LogicalResourceId>Stream</LogicalResourceId><ValidationFailureMode>FAIL\
         </ValidationFailureMode><ValidationName>PROPERTY_VALIDATION</ValidationName><ValidationStatus>FAILED\
         </ValidationStatus><ValidationStatusReason>#/ShardCount: 0 is not greater or equal to 1</ValidationStatusReason>\
         <ValidationPath>/Resources/Stream/Properties/ShardCount</ValidationPath></member></OperationEvents>\
         </DescribeEventsResult></DescribeEventsResponse>"
    );
    let target = replayed(&[change_set.clone(), events]);
    let client = target.cloudformation();
    let (refused, _) = noted(async |out| change_set::wait(&target, &client, STACK, "tailwater-1", out).await).await;
    check(
        &refused.expect_err("refused").report(),
        &["Stream at /Resources/Stream/Properties/ShardCount", "0 is not greater or equal to 1"],
        "before it made anything",
        "--param",
    );

    // An endpoint without DescribeEvents: what the change set itself says has to do.
    let none = format!("<DescribeEventsResponse {namespace}><DescribeEventsResult/></DescribeEventsResponse>");
    let target = replayed(&[change_set, none]);
    let client = target.cloudformation();
    let (refused, _) = noted(async |out| change_set::wait(&target, &client, STACK, "tailwater-1", out).await).await;
    check(&refused.expect_err("refused").report(), &["AWS::EarlyValidation"], "before it made anything", "--param");
}

#[tokio::test]
async fn a_rollback_that_fails_too() {
    let place = Place::new().await;
    place.order(Order::once(ResourceFault::fail("DeliveryStream", Action::Create, "Rate exceeded")));
    let words = "User: x is not authorized to perform: kinesis:DeleteStream on resource: y";
    place.order(Order::once(ResourceFault::fail("Stream", Action::Delete, words)));
    let report = report(&place, &request()).await;
    check(&report, &["DeliveryStream (", "Rate exceeded"], "no more calls", "again in a minute");
    assert!(report.iter().any(|line| line.contains("Undoing it failed too: Stream") && line.contains("DeleteStream")));
    assert!(
        report.iter().any(|line| line.contains("ROLLBACK_FAILED: the next `tailwater deploy` offers")),
        "{report:#?}"
    );
}

#[tokio::test]
async fn a_service_role_that_cannot_be_assumed() {
    let place = Place::new().await;
    let role_arn = Some("arn:aws:iam::111122223333:role/nobody".to_owned());
    let report = report(&place, &Request { role_arn, ..request() }).await;
    check(&report, &["prepared the changes"], "cannot be handed over", "--role-arn");
}

#[tokio::test]
async fn a_role_that_firehose_does_not_know_yet_is_tried_again() {
    let place = Place::new().await;
    let words = "Firehose is unable to assume role arn:aws:iam::000000000000:role/demo-DeliveryRole-1. Please check the role \
                 provided.";
    place.order(Order::once(ResourceFault::fail("DeliveryStream", Action::Create, words)));
    let (outcome, notes) = place.deploy(&request()).await;
    assert!(matches!(outcome, Ok(Outcome::Deployed(_))), "{outcome:?}");
    assert!(
        notes.iter().any(|note| note.contains("unable to assume role") && note.contains("tried again")),
        "{notes:#?}"
    );

    place.order(Order::until_cleared(ResourceFault::fail("DeliveryStream", Action::Create, words)));
    let stream = with(&[("StreamName", "other")]);
    match place.deploy(&stream).await.0 {
        Ok(Outcome::Failed(failure)) => assert_eq!(failure.kind(), Some(Kind::IamPropagation)),
        other => panic!("{other:?}"),
    }
}
