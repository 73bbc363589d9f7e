//! Orders for trouble, met by the official SDK.

mod common;

use std::time::{Duration, Instant};

use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_cloudformation::{error::ProvideErrorMetadata, types::OnFailure};
use common::{Answer, Signing, config, json, options, send};
use rstest::rstest;
use tailwater_cloud::{
    LocalCloud,
    faults::{ANY, Action, CallFault, Order, ResourceFault},
};

async fn cloud() -> (LocalCloud, SdkConfig) {
    let cloud = LocalCloud::start(options()).await.unwrap();
    let config = config(&cloud).await.into_builder().retry_config(RetryConfig::disabled()).build();
    (cloud, config)
}

/// A signed call of the cloud's own service.
async fn order(cloud: &LocalCloud, operation: &str, body: &str) -> Answer {
    let target = format!("Tailwater.{operation}");
    send(Signing::new(cloud, "tailwater").sign(json(cloud, &target, body))).await
}

const THROTTLED: &str = r#"{"Call": {"Service": "SERVICE", "Operation": "*",
    "Error": {"Code": "ThrottlingException", "Message": "Rate exceeded", "Status": 429}}}"#;

#[tokio::test]
async fn an_error_comes_in_the_shape_of_each_service() {
    let (cloud, config) = cloud().await;
    for service in ["cloudformation", "iam", "sts", "s3", "kinesis", "logs", "lambda", "firehose", "apigateway"] {
        let answer = order(&cloud, "PutFault", &THROTTLED.replace("SERVICE", service)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body.contains("FaultId"), "{answer:?}");
        assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.0");
    }
    macro_rules! met {
        ($sdk:ident, $operation:ident) => {{
            let error = $sdk::Client::new(&config).$operation().send().await.unwrap_err();
            let status = error.raw_response().map(|response| response.status().as_u16());
            let told = (status, error.code().map(str::to_owned), error.message().map(str::to_owned));
            let wanted = (Some(429), Some("ThrottlingException".to_owned()), Some("Rate exceeded".to_owned()));
            assert_eq!(told, wanted, stringify!($sdk));
            $sdk::Client::new(&config).$operation().send().await.unwrap();
        }};
    }
    met!(aws_sdk_cloudformation, describe_stacks);
    met!(aws_sdk_iam, list_roles);
    met!(aws_sdk_sts, get_caller_identity);
    met!(aws_sdk_s3, list_buckets);
    met!(aws_sdk_kinesis, list_streams);
    met!(aws_sdk_cloudwatchlogs, describe_log_groups);
    met!(aws_sdk_lambda, list_functions);
    met!(aws_sdk_firehose, list_delivery_streams);
    met!(aws_sdk_apigatewayv2, get_apis);
    assert!(cloud.faults().list().is_empty());
}

#[rstest]
#[tokio::test]
async fn a_lost_answer_is_to_work_that_was_done(#[values(false, true)] after: bool) {
    let (cloud, config) = cloud().await;
    let close = if after { CallFault::close_after } else { CallFault::close_before };
    cloud.faults().add(Order::once(close("kinesis", "CreateStream"))).unwrap();
    cloud.faults().add(Order::once(close("s3", "CreateBucket"))).unwrap();
    let kinesis = aws_sdk_kinesis::Client::new(&config);
    let lost = kinesis.create_stream().stream_name("events").shard_count(1).send().await.unwrap_err();
    assert!(lost.as_service_error().is_none(), "{lost:?}");
    assert_eq!(kinesis.list_streams().send().await.unwrap().stream_names().len(), usize::from(after));
    let s3 = aws_sdk_s3::Client::new(&config);
    let location =
        aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(cloud.region().into()).build();
    let lost = s3.create_bucket().bucket("landing").create_bucket_configuration(location).send().await.unwrap_err();
    assert!(lost.as_service_error().is_none(), "{lost:?}");
    assert_eq!(s3.list_buckets().send().await.unwrap().buckets().len(), usize::from(after));
}

#[tokio::test]
async fn a_late_answer_comes_after_its_delay() {
    let (cloud, config) = cloud().await;
    let delay = Duration::from_millis(50);
    for service in ["sts", "s3"] {
        cloud.faults().add(Order::once(CallFault::delay(service, ANY, delay))).unwrap();
    }
    let begin = Instant::now();
    aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap();
    assert!(begin.elapsed() >= delay);
    let begin = Instant::now();
    aws_sdk_s3::Client::new(&config).list_buckets().send().await.unwrap();
    assert!(begin.elapsed() >= delay);
}

#[tokio::test]
async fn a_call_with_a_wrong_signature_meets_no_fault() {
    let (cloud, _) = cloud().await;
    cloud.faults().add(Order::once(CallFault::close_before(ANY, ANY))).unwrap();
    let mut signing = Signing::new(&cloud, "kinesis");
    signing.keys.secret_access_key.push('x');
    let answer = send(signing.sign(json(&cloud, "Kinesis_20131202.ListStreams", "{}"))).await;
    assert!(answer.body.contains("InvalidSignatureException"), "{answer:?}");
    let mut signing = Signing::new(&cloud, "tailwater");
    signing.keys.secret_access_key.push('x');
    let answer = send(signing.sign(json(&cloud, "Tailwater.DeleteFaults", "{}"))).await;
    assert!(answer.body.contains("InvalidSignatureException"), "{answer:?}");
    assert_eq!(cloud.faults().list().len(), 1);
}

#[tokio::test]
async fn orders_are_listed_as_they_were_put_and_taken_back() {
    let (cloud, config) = cloud().await;
    let call = r#"{"Call": {"Service": "sts", "Operation": "*", "DelayMilliseconds": 1}, "Skip": 0, "Count": 3}"#;
    let resource = r#"{"Resource": {"Resource": "AWS::S3::Bucket", "Action": "DELETE", "StackName": "pipe",
        "Reason": "no"}, "Skip": 2, "UntilCleared": true}"#;
    for body in [call, resource] {
        assert_eq!(order(&cloud, "PutFault", body).await.status, 200);
    }
    aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap();
    let listed = order(&cloud, "ListFaults", "{}").await;
    let listed: serde_json::Value = serde_json::from_str(&listed.body).unwrap();
    let [first, second] = listed["Faults"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    let with = |body: &str, id: &serde_json::Value, met: u32| {
        let mut fault: serde_json::Value = serde_json::from_str(body).unwrap();
        fault["FaultId"] = id.clone();
        fault["Met"] = met.into();
        fault
    };
    assert_eq!(*first, with(&call.replace('3', "2"), &first["FaultId"], 1));
    assert_eq!(*second, with(resource, &second["FaultId"], 0));
    let one = order(&cloud, "DeleteFaults", &format!(r#"{{"FaultIds": [{}]}}"#, first["FaultId"])).await;
    assert_eq!(one.body, r#"{"Deleted":1}"#);
    assert_eq!(order(&cloud, "DeleteFaults", "").await.body, r#"{"Deleted":1}"#);
}

#[rstest]
#[case(r#"{"Call": {"Service": "sqs", "Operation": "*", "Close": "AFTER"}}"#, "the service sqs")]
#[case(r#"{"Call": {"Service": "iam", "Operation": "Get", "Close": "AFTER"}}"#, "iam has no operation Get")]
#[case(r#"{"Call": {"Service": "iam", "Operation": "*", "Close": "NOW"}}"#, "not NOW")]
#[case(r#"{"Call": {"Service": "iam", "Operation": "*", "Close": "AFTER", "Odd": 1}}"#, "member Odd of PutFault.Call")]
#[case(r#"{"Call": {"Service": "iam", "Operation": "*"}}"#, "one of Error, DelayMilliseconds and Close")]
#[case(r#"{"Resource": {"Resource": "*", "Action": "READ", "Reason": "no"}}"#, "not READ")]
#[case(r#"{"Resource": {"Resource": "AWS::X::Y", "Action": "CREATE", "Reason": "no"}}"#, "resource type AWS::X::Y")]
#[case(r#"{"Record": {}}"#, "one of Call, Resource, Function")]
#[tokio::test]
async fn an_unknown_order_is_refused_by_name(#[case] body: &str, #[case] words: &str) {
    let (cloud, _) = cloud().await;
    let answer = order(&cloud, "PutFault", body).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("ValidationException") && answer.body.contains(words), "{answer:?}");
    let other = order(&cloud, "Break", "{}").await;
    assert!(other.body.contains("UnknownOperationException"), "{other:?}");
}

const TWO: &str = r#"{"Resources": {
    "Events": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1}},
    "Group": {"Type": "AWS::Logs::LogGroup", "DependsOn": "Events"}}}"#;

#[tokio::test]
async fn a_resource_fails_as_it_was_ordered_to() {
    let (cloud, config) = cloud().await;
    let client = aws_sdk_cloudformation::Client::new(&config);
    let settled = async |name: &str| common::settled(&client, name).await;
    let faults = cloud.faults();
    let exhausted = "Resource handler returned message: \"Rate exceeded\" (HandlerErrorCode: Throttling)";
    faults.add(Order::once(ResourceFault::fail("Group", Action::Create, exhausted))).unwrap();
    let create = client.create_stack().stack_name("pipe").template_body(TWO).on_failure(OnFailure::DoNothing);
    create.send().await.unwrap();
    assert_eq!(settled("pipe").await, "CREATE_FAILED");
    let group = client.describe_stack_resource().stack_name("pipe").logical_resource_id("Group").send().await.unwrap();
    let detail = group.stack_resource_detail().unwrap();
    assert_eq!(detail.resource_status_reason(), Some(exhausted));

    faults.add(Order::once(ResourceFault::fail("AWS::Kinesis::Stream", Action::Delete, "Not now"))).unwrap();
    client.delete_stack().stack_name("pipe").send().await.unwrap();
    assert_eq!(settled("pipe").await, "DELETE_FAILED");
    client.delete_stack().stack_name("pipe").send().await.unwrap();
    common::until(async || client.describe_stacks().stack_name("pipe").send().await.is_err().then_some(())).await;
}

#[tokio::test]
async fn a_delayed_resource_is_under_way_until_its_time() {
    let (cloud, config) = cloud().await;
    let client = aws_sdk_cloudformation::Client::new(&config);
    let hour = Duration::from_hours(1);
    let id = cloud.faults().add(Order::once(ResourceFault::delay("Group", Action::Create, hour))).unwrap();
    client.create_stack().stack_name("pipe").template_body(TWO).send().await.unwrap();
    common::until(async || cloud.faults().list().is_empty().then_some(())).await;
    assert!(!cloud.faults().remove(&id), "it was met");
    let group = client.describe_stack_resource().stack_name("pipe").logical_resource_id("Group").send().await.unwrap();
    assert_eq!(group.stack_resource_detail().unwrap().resource_status().unwrap().as_str(), "CREATE_IN_PROGRESS");
}
