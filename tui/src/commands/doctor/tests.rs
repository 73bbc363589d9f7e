//! Checks of an account, with what AWS answers told by the test.

use std::sync::{Arc, Mutex};

use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;

use super::{names, permissions, quotas, report::Check};
use crate::{
    deploy::{DeployError, Request, Stack},
    target::{Moved, Target},
};

/// What was asked: the operation's name where the protocol has one, else method and path.
fn asked(request: &http::Request<SdkBody>) -> String {
    if let Some(operation) = request.headers().get("x-amz-target").and_then(|name| name.to_str().ok()) {
        return operation.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let form = request.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    if let Some(action) = form.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        return action.to_owned();
    }
    format!("{} {}{}", request.method(), request.uri().host().unwrap_or_default(), request.uri().path())
}

/// The requests that were made: what was asked, and the body.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// An account that answers by what is asked; the requests are kept.
fn account(answers: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> (Target, Seen) {
    let seen = Seen::default();
    let kept = seen.clone();
    let http = infallible_client_fn(move |request: http::Request<SdkBody>| {
        let operation = asked(&request);
        let body = request.body().bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        kept.lock().expect("requests").push((operation.clone(), body.unwrap_or_default()));
        let (status, body) = answers(&operation);
        http::Response::builder().status(status).body(body).expect("an answer")
    });
    (Target::scripted(http, Moved::by_sleepers()), seen)
}

fn request() -> Request {
    Request { stack_name: "tailwater".to_owned(), ..Request::default() }
}

fn named<'a>(checks: &'a [Check], name: &str) -> &'a Check {
    checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no {name} in {checks:?}"))
}

/// IAM API reference, `SimulatePrincipalPolicy`, example response.
fn simulation(decided: &[(&str, &str)]) -> String {
    let members: Vec<String> = decided
        .iter()
        .map(|(action, decision)| {
            format!(
                "<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision>\
                 <EvalResourceName>*</EvalResourceName><MatchedStatements/><MissingContextValues/></member>"
            )
        })
        .collect();
    format!(
        "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
         <SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>{}</EvaluationResults>\
         </SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>",
        members.concat()
    )
}

/// The errors of the query protocol (IAM API reference, "Common Errors").
fn refusal(code: &str) -> String {
    format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>")
}

#[tokio::test]
async fn a_permission_that_policies_do_not_give_fails_with_the_policy_that_does() {
    let all: Vec<&str> = super::actions::actions().iter().map(|action| action.name).collect();
    let (target, seen) = account(move |operation| {
        assert_eq!(operation, "SimulatePrincipalPolicy");
        let decided: Vec<(&str, &str)> = all
            .iter()
            .map(|name| (*name, if *name == "kinesis:CreateStream" { "implicitDeny" } else { "allowed" }))
            .collect();
        (200, simulation(&decided))
    });
    let checks = permissions::checks(&target, &request()).await;
    let failed: Vec<&Check> = checks.iter().filter(|check| check.ok == Some(false)).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].name, "may kinesis:CreateStream");
    let fix = failed[0].fix.as_deref().expect("a fix");
    assert!(fix.starts_with("aws iam put-user-policy --user-name test "), "{fix}");
    assert!(fix.contains("arn:aws:kinesis:eu-west-1:111122223333:stream/api-kinesis-stream"), "{fix}");
    assert!(checks.iter().all(|check| check.ok.is_some()));
    let bodies = seen.lock().expect("requests");
    assert!(bodies.iter().all(|(_, body)| body.contains("user%2Ftest") && body.contains("aws%3ARequestedRegion")));
}

#[tokio::test]
async fn actions_that_iam_takes_only_alone_are_asked_about_alone() {
    let (target, seen) = account({
        let first = std::sync::atomic::AtomicBool::new(true);
        move |_| {
            if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
                return (400, refusal("InvalidInput"));
            }
            (200, simulation(&[("s3:PutObject", "allowed"), ("s3:DeleteObject", "allowed")]))
        }
    });
    let checks = permissions::checks(&target, &request()).await;
    assert!(checks.iter().any(|check| check.ok == Some(true)));
    let resources = super::actions::actions().iter().map(|action| action.on).collect::<std::collections::BTreeSet<_>>();
    assert!(seen.lock().expect("requests").len() > resources.len() + 1);
}

#[tokio::test]
async fn without_simulation_only_what_can_be_tried_is_known() {
    let (target, _) = account(|operation| match operation {
        "SimulatePrincipalPolicy" | "DescribeStacks" => (403, refusal("AccessDenied")),
        // Kinesis and Firehose API references, errors.
        "DescribeStreamSummary" | "ListShards" | "DescribeDeliveryStream" => {
            (400, r#"{"__type":"ResourceNotFoundException","message":"no such stream"}"#.to_owned())
        }
        "DescribeLogGroups" => (200, "{}".to_owned()),
        "FilterLogEvents" => (400, r#"{"__type":"AccessDeniedException","Message":"not authorized"}"#.to_owned()),
        _ => (404, refusal("NoSuchEntity")),
    });
    let checks = permissions::checks(&target, &request()).await;
    assert_eq!(named(&checks, "may cloudformation:DescribeStacks").ok, Some(false));
    assert_eq!(named(&checks, "may logs:FilterLogEvents").ok, Some(false));
    assert_eq!(named(&checks, "may kinesis:DescribeStreamSummary").ok, Some(true));
    let unknown = named(&checks, "may kinesis:CreateStream");
    assert_eq!(unknown.ok, None);
    assert!(unknown.detail.contains("iam:SimulatePrincipalPolicy is not allowed"), "{}", unknown.detail);
}

#[tokio::test]
async fn a_role_for_cloudformation_takes_its_part_off_the_caller() {
    let (target, seen) = account(|_| (200, simulation(&[])));
    let role_arn = Some("arn:aws:iam::111122223333:role/cloudformation".to_owned());
    let checks = permissions::checks(&target, &Request { role_arn, ..request() }).await;
    assert!(checks.iter().all(|check| check.name != "may kinesis:CreateStream"));
    named(&checks, "may iam:PassRole");
    let seen = seen.lock().expect("requests");
    let passing = seen.iter().find(|(_, body)| body.contains("iam%3APassRole")).expect("asked");
    assert!(passing.1.contains("role%2Fcloudformation") && passing.1.contains("cloudformation.amazonaws.com"));
}

#[tokio::test]
async fn names_that_others_have_fail() {
    let (target, _) = account(|operation| {
        match operation {
        // Kinesis API reference, DescribeStreamSummary, example response.
        "DescribeStreamSummary" => (
            200,
            r#"{"StreamDescriptionSummary":{"StreamName":"api-kinesis-stream","StreamARN":"arn:aws:kinesis:eu-west-1:1:stream/x","StreamStatus":"ACTIVE","RetentionPeriodHours":24,"StreamCreationTimestamp":1.5e9,"EnhancedMonitoring":[],"OpenShardCount":1}}"#.to_owned(),
        ),
        "DescribeLogGroups" => (200, r#"{"logGroups":[{"logGroupName":"/aws/lambda/tailwater-submit"}]}"#.to_owned()),
        other if other.contains("lambda") => (200, r#"{"FunctionName":"tailwater-submit"}"#.to_owned()),
        // HeadBucket of a bucket of another account (S3 API reference).
        _ => (403, String::new()),
    }
    });
    let checks = names::checks(&target, &request(), &Ok(None)).await;
    assert_eq!(named(&checks, "stack name").ok, Some(true));
    for name in ["stream name", "function name", "log groups", "bucket name", "packages"] {
        let check = named(&checks, name);
        assert_eq!((check.ok, check.fix.is_some()), (Some(false), true), "{check:?}");
    }
}

#[tokio::test]
async fn names_that_nobody_has_are_free() {
    let (target, _) = account(|operation| match operation {
        "DescribeStreamSummary" => (400, r#"{"__type":"ResourceNotFoundException"}"#.to_owned()),
        "DescribeLogGroups" => (200, "{}".to_owned()),
        other if other.contains("lambda") => {
            (404, r#"{"__type":"ResourceNotFoundException","Type":"User"}"#.to_owned())
        }
        _ => (404, String::new()),
    });
    let checks = names::checks(&target, &request(), &Ok(None)).await;
    for name in ["stack name", "stream name", "log groups", "bucket name", "packages"] {
        assert_eq!(named(&checks, name).ok, Some(true), "{name}");
    }
}

#[tokio::test]
async fn a_stack_of_others_or_in_a_dead_end_fails() {
    let (target, _) = account(|_| (404, String::new()));
    let stack = |status: &str, own: bool| {
        Ok::<_, DeployError>(Some(Stack {
            changed: None,
            name: "tailwater".to_owned(),
            protected: false,
            id: "arn:aws:cloudformation:eu-west-1:111122223333:stack/tailwater/1".to_owned(),
            status: status.into(),
            detailed_status: None,
            outputs: Vec::new(),
            parameters: Vec::new(),
            tags: Vec::new(),
            change_set_id: None,
            own,
        }))
    };
    for (status, own, expected) in
        [("CREATE_COMPLETE", true, true), ("CREATE_COMPLETE", false, false), ("DELETE_FAILED", true, false)]
    {
        let checks = names::checks(&target, &request(), &stack(status, own)).await;
        assert_eq!(named(&checks, "stack name").ok, Some(expected), "{status} {own}");
    }
}

#[tokio::test]
async fn quotas_that_are_used_up_fail() {
    let (target, _) = account(|operation| {
        match operation {
        // The services' API references, example responses, with the figures of an account that is full.
        "DescribeLimits" => (
            200,
            r#"{"ShardLimit":200,"OpenShardCount":200,"OnDemandStreamCount":0,"OnDemandStreamCountLimit":10}"#.to_owned(),
        ),
        "GetAccountSummary" => (
            200,
            "<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap>\
             <entry><key>Roles</key><value>999</value></entry>\
             <entry><key>RolesQuota</key><value>1000</value></entry>\
             </SummaryMap></GetAccountSummaryResult></GetAccountSummaryResponse>"
                .to_owned(),
        ),
        _ => (
            200,
            r#"{"AccountLimit":{"TotalCodeSize":80530636800,"CodeSizeUnzipped":262144000,"CodeSizeZipped":52428800,"ConcurrentExecutions":10,"UnreservedConcurrentExecutions":0},"AccountUsage":{"TotalCodeSize":80530636000,"FunctionCount":9}}"#.to_owned(),
        ),
    }
    });
    let checks = quotas::checks(&target, &request(), false).await;
    for name in ["shards", "concurrency", "code storage", "roles"] {
        let check = named(&checks, name);
        assert_eq!((check.ok, check.fix.is_some()), (Some(false), true), "{check:?}");
    }
    let existing = quotas::checks(&target, &request(), true).await;
    assert_eq!(named(&existing, "shards").ok, Some(true));
    assert_eq!(named(&existing, "roles").ok, Some(true));
}
