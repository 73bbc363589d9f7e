//! What a request with a bad signature is answered, service by service.

mod common;

use std::time::{Duration, SystemTime};

use common::{Answer, Signing, form, json, send};
use http::Request;
use rstest::rstest;
use tailwater_cloud::LocalCloud;

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";
const UNKNOWN: &str = "The security token included in the request is invalid.";

async fn cloud() -> LocalCloud {
    LocalCloud::start(common::options()).await.unwrap()
}

/// A harmless call of each service that is asked here.
fn request(cloud: &LocalCloud, service: &str) -> Request<String> {
    match service {
        "kinesis" => json(cloud, "Kinesis_20131202.ListStreams", r#"{"Limit":1}"#),
        "firehose" => json(cloud, "Firehose_20150804.ListDeliveryStreams", r#"{"Limit":1}"#),
        "logs" => json(cloud, "Logs_20140328.DescribeLogGroups", r#"{"limit":1}"#),
        "sts" => form(cloud, &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]),
        "lambda" => Request::get(format!("{}/2015-03-31/functions/", cloud.endpoint_url()))
            .header("host", cloud.endpoint_url().trim_start_matches("http://"))
            .body(String::new())
            .unwrap(),
        other => panic!("{other}"),
    }
}

/// Status, code and message, whatever the protocol.
fn refusal(answer: &Answer) -> (u16, String, String) {
    if let Ok(body) = serde_json::from_str::<serde_json::Value>(&answer.body) {
        let code = answer.headers.get("x-amzn-errortype").map(|value| value.to_str().unwrap().to_owned());
        let message = body["message"].as_str().or(body["Message"].as_str()).unwrap_or_default();
        return (answer.status.as_u16(), code.unwrap_or_default(), message.to_owned());
    }
    let (status, code, message) = answer.refusal();
    (status, code.to_owned(), message.replace("&apos;", "'"))
}

/// What a service calls the refusals that the query protocol calls by these names.
fn expected(service: &str, code: &str) -> (u16, String) {
    match (service, code) {
        ("sts", "IncompleteSignature") => (400, code.to_owned()),
        ("sts", _) => (403, code.to_owned()),
        (_, code) => {
            let code = match code {
                "SignatureDoesNotMatch" => "InvalidSignatureException",
                "InvalidClientTokenId" => "UnrecognizedClientException",
                "IncompleteSignature" => "IncompleteSignatureException",
                "MissingAuthenticationToken" => "MissingAuthenticationTokenException",
                other => panic!("{other}"),
            };
            let forbidden = service == "lambda" || code == "IncompleteSignatureException";
            (if forbidden { 403 } else { 400 }, code.to_owned())
        }
    }
}

#[rstest]
#[tokio::test]
async fn an_honest_request_is_accepted(#[values("kinesis", "sts")] service: &'static str) {
    let cloud = cloud().await;
    let signing = Signing::new(&cloud, service);
    let answer = send(signing.sign(request(&cloud, service))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[rstest]
#[tokio::test]
async fn one_changed_byte_is_noticed(
    #[values("kinesis", "firehose", "logs", "sts", "lambda")] service: &'static str,
    #[values("body", "header", "query", "signature")] place: &str,
) {
    let cloud = cloud().await;
    let mut signed = Signing::new(&cloud, service).sign(request(&cloud, service));
    match place {
        "body" => signed.body_mut().push(' '),
        "header" => {
            let date = signed.headers()["x-amz-date"].to_str().unwrap();
            let last = if date.ends_with("0Z") { "1Z" } else { "0Z" };
            let date = format!("{}{last}", &date[..date.len() - 2]);
            signed.headers_mut().insert("x-amz-date", date.parse().unwrap());
        }
        "query" => {
            let uri = format!("{}?x=1", signed.uri());
            *signed.uri_mut() = uri.parse().unwrap();
        }
        _ => {
            let header = signed.headers()["authorization"].to_str().unwrap();
            let last = if header.ends_with('0') { "1" } else { "0" };
            let header = format!("{}{last}", &header[..header.len() - 1]);
            signed.headers_mut().insert("authorization", header.parse().unwrap());
        }
    }
    let (status, code, message) = refusal(&send(signed).await);
    assert_eq!((status, code), expected(service, "SignatureDoesNotMatch"));
    assert_eq!(message, MISMATCH);
}

#[rstest]
#[case(-16 * 60, "Signature expired: ")]
#[case(16 * 60, "Signature not yet current: ")]
#[tokio::test]
async fn a_date_that_is_a_quarter_of_an_hour_off_is_refused(
    #[case] seconds: i64,
    #[case] begins: &str,
    #[values("kinesis", "sts", "lambda")] service: &'static str,
) {
    let cloud = cloud().await;
    let offset = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    let time = if seconds < 0 { now - offset } else { now + offset };
    let signing = Signing { time, ..Signing::new(&cloud, service) };
    let (status, code, message) = refusal(&send(signing.sign(request(&cloud, service))).await);
    assert_eq!((status, code), expected(service, "SignatureDoesNotMatch"));
    assert!(message.starts_with(begins) && message.contains("15 min."), "{message}");
}

#[rstest]
#[tokio::test]
async fn unknown_keys_and_wrong_secrets_are_told_apart(
    #[values("kinesis", "firehose", "logs", "sts", "lambda")] service: &'static str,
) {
    let cloud = cloud().await;
    let mut signing = Signing::new(&cloud, service);
    "AKIAUNKNOWNUNKNOWN22".clone_into(&mut signing.keys.access_key_id);
    let (status, code, message) = refusal(&send(signing.sign(request(&cloud, service))).await);
    assert_eq!((status, code), expected(service, "InvalidClientTokenId"));
    assert_eq!(message, UNKNOWN);
    let mut signing = Signing::new(&cloud, service);
    signing.keys.secret_access_key = "x".repeat(40);
    let (status, code, message) = refusal(&send(signing.sign(request(&cloud, service))).await);
    assert_eq!((status, code), expected(service, "SignatureDoesNotMatch"));
    assert_eq!(message, MISMATCH);
}

#[tokio::test]
async fn a_session_signs_with_its_token_alone() {
    let cloud = cloud().await;
    let trust = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}"#;
    let create = [("Action", "CreateRole"), ("RoleName", "r"), ("AssumeRolePolicyDocument", trust)];
    common::iam(&cloud, &create).await;
    let arn = "arn:aws:iam::000000000000:role/r";
    let assume = [("Action", "AssumeRole"), ("RoleArn", arn), ("RoleSessionName", "me")];
    let assumed = send(Signing::new(&cloud, "sts").sign(form(&cloud, &assume))).await;
    let text = |name| assumed.element(name).unwrap().to_owned();
    let mut signing = Signing::new(&cloud, "kinesis");
    signing.keys.access_key_id = text("AccessKeyId");
    signing.keys.secret_access_key = text("SecretAccessKey");
    for (token, accepted) in [(None, false), (Some("wrong".to_owned()), false), (Some(text("SessionToken")), true)] {
        signing.keys.session_token = token;
        let answer = send(signing.sign(request(&cloud, "kinesis"))).await;
        if accepted {
            assert_eq!(answer.status, 200, "{answer:?}");
        } else {
            let (status, code, message) = refusal(&answer);
            assert_eq!((status, code), expected("kinesis", "InvalidClientTokenId"));
            assert_eq!(message, UNKNOWN);
        }
    }
}

#[rstest]
#[tokio::test]
async fn the_scope_must_be_that_of_the_request(#[values("kinesis", "sts", "lambda")] service: &'static str) {
    let cloud = cloud().await;
    let signing = Signing { region: "eu-west-1".to_owned(), ..Signing::new(&cloud, service) };
    let (status, code, message) = refusal(&send(signing.sign(request(&cloud, service))).await);
    assert_eq!((status, code), expected(service, "SignatureDoesNotMatch"));
    assert_eq!(message, "Credential should be scoped to a valid region, not 'eu-west-1'.");
}

#[tokio::test]
async fn a_call_of_kinesis_is_signed_for_kinesis() {
    let cloud = cloud().await;
    let signed = Signing::new(&cloud, "firehose").sign(request(&cloud, "kinesis"));
    let (status, code, message) = refusal(&send(signed).await);
    assert_eq!((status, code), expected("kinesis", "SignatureDoesNotMatch"));
    assert_eq!(message, "Credential should be scoped to correct service: 'kinesis'.");
}

#[rstest]
#[tokio::test]
async fn a_request_without_a_signature_is_refused(#[values("kinesis", "firehose", "sts")] service: &'static str) {
    let cloud = cloud().await;
    let (status, code, message) = refusal(&send(request(&cloud, service)).await);
    assert_eq!((status, code), expected(service, "MissingAuthenticationToken"));
    assert!(message.ends_with("issing Authentication Token"), "{message}");
}

#[rstest]
#[case("Credential=", "Credentials=")]
#[case("SignedHeaders=", "Signed=")]
#[case("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512")]
#[tokio::test]
async fn an_incomplete_signature_says_what_is_missing(
    #[case] from: &str,
    #[case] to: &str,
    #[values("kinesis", "sts")] service: &'static str,
) {
    let cloud = cloud().await;
    let mut signed = Signing::new(&cloud, service).sign(request(&cloud, service));
    let header = signed.headers()["authorization"].to_str().unwrap().replace(from, to);
    signed.headers_mut().insert("authorization", header.parse().unwrap());
    let (status, code, message) = refusal(&send(signed).await);
    assert_eq!((status, code), expected(service, "IncompleteSignature"), "{message}");
}

#[tokio::test]
async fn a_header_that_was_signed_must_be_there() {
    let cloud = cloud().await;
    let mut signed = Signing::new(&cloud, "kinesis").sign(request(&cloud, "kinesis"));
    signed.headers_mut().remove("x-amz-date");
    let (status, code, message) = refusal(&send(signed).await);
    assert_eq!((status, code), expected("kinesis", "IncompleteSignature"));
    assert!(message.contains("X-Amz-Date"), "{message}");
}

#[tokio::test]
async fn a_presigned_request_needs_no_header() {
    let cloud = cloud().await;
    let url = format!("{}/?Action=GetCallerIdentity&Version=2011-06-15", cloud.endpoint_url());
    let request = Request::get(url)
        .header("host", cloud.endpoint_url().trim_start_matches("http://"))
        .body(String::new())
        .unwrap();
    let signing = Signing { presigned: true, ..Signing::new(&cloud, "sts") };
    let signed = signing.sign(request);
    let mut changed = signed.clone();
    *changed.uri_mut() = signed.uri().to_string().replace("GetCallerIdentity", "GetSessionToken").parse().unwrap();
    let answer = send(signed).await;
    assert_eq!(answer.element("Arn"), Some("arn:aws:iam::000000000000:root"), "{answer:?}");
    assert_eq!(refusal(&send(changed).await).1, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn a_service_that_is_not_offered_is_named() {
    let cloud = cloud().await;
    let signed = Signing::new(&cloud, "dynamodb").sign(json(&cloud, "DynamoDB_20120810.ListTables", "{}"));
    let (status, _, message) = refusal(&send(signed).await);
    assert_eq!(status, 400);
    assert!(message.contains("dynamodb"), "{message}");
}

#[rstest]
#[tokio::test]
async fn every_answer_tells_the_time(#[values("sts", "kinesis", "lambda")] service: &'static str) {
    let cloud = cloud().await;
    let request = request(&cloud, service);
    let mut refused = Signing::new(&cloud, service);
    refused.time -= Duration::from_hours(1);
    for signing in [Signing::new(&cloud, service), refused] {
        let answer = send(signing.sign(request.clone())).await;
        let date = answer.headers["date"].to_str().unwrap();
        let told = aws_smithy_types::DateTime::from_str(date, aws_smithy_types::date_time::Format::HttpDate).unwrap();
        let off = told.secs() - jiff::Timestamp::now().as_second();
        assert!((-5..=5).contains(&off), "{date}");
    }
}
