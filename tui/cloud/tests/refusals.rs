//! The bodies of refusals, protocol by protocol, as they are on the wire.

mod common;

use common::{Answer, Signing, form, send};
use http::Request;
use rstest::rstest;
use serde_json::{Value, json};
use tailwater_cloud::LocalCloud;

async fn cloud() -> LocalCloud {
    LocalCloud::start(common::options()).await.unwrap()
}

async fn get(cloud: &LocalCloud, service: &'static str, path: &str) -> Answer {
    let request = Request::get(format!("{}{path}", cloud.endpoint_url()))
        .header("host", cloud.endpoint_url().trim_start_matches("http://"))
        .body(String::new())
        .unwrap();
    send(Signing::new(cloud, service).sign(request)).await
}

#[tokio::test]
async fn lambda_names_an_errors_message_as_its_model_does() {
    let cloud = cloud().await;
    let absent = get(&cloud, "lambda", "/2015-03-31/functions/none").await;
    let message = "Function not found: arn:aws:lambda:ap-southeast-2:000000000000:function:none";
    let body: Value = serde_json::from_str(&absent.body).unwrap();
    assert_eq!(body, json!({"Type": "User", "Message": message}));
    let invalid = get(&cloud, "lambda", "/2015-03-31/functions?MaxItems=0").await;
    let body: Value = serde_json::from_str(&invalid.body).unwrap();
    let message = "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have \
                   value greater than or equal to 1";
    assert_eq!(body, json!({"Type": "User", "message": message}));
}

#[tokio::test]
async fn the_gateway_says_an_errors_message_alone() {
    let cloud = cloud().await;
    let absent = get(&cloud, "apigateway", "/v2/apis/none").await;
    assert_eq!(absent.headers["x-amzn-errortype"], "NotFoundException");
    let body: Value = serde_json::from_str(&absent.body).unwrap();
    let names: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["message"]);
}

#[tokio::test]
async fn a_service_that_is_not_offered_is_refused_in_no_other_services_name() {
    let cloud = cloud().await;
    let request = form(&cloud, &[("Action", "ListQueues"), ("Version", "2012-11-05")]);
    let answer = send(Signing::new(&cloud, "sqs").sign(request)).await;
    assert!(answer.body.contains("AWSFault"), "{answer:?}");
    assert_eq!(answer.refusal().2, "The embedded cloud does not offer the service sqs.");
}

#[tokio::test]
async fn a_version_that_the_service_does_not_have_is_refused() {
    let cloud = cloud().await;
    let request = form(&cloud, &[("Action", "GetCallerIdentity"), ("Version", "2010-05-08")]);
    let answer = send(Signing::new(&cloud, "sts").sign(request)).await;
    let message = "Could not find operation GetCallerIdentity for version 2010-05-08";
    assert_eq!(answer.refusal(), (400, "InvalidAction", message));
}

#[rstest]
#[tokio::test]
async fn an_operation_that_needs_no_signature_is_named(
    #[values("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")] operation: &str,
) {
    let cloud = cloud().await;
    let answer = send(form(&cloud, &[("Action", operation), ("Version", "2011-06-15")])).await;
    let message = format!("The embedded cloud does not offer the operation {operation} of STS.");
    assert_eq!(answer.refusal(), (400, "InvalidAction", message.as_str()));
}
