//! Orders for trouble on the pipeline's data path, seen through the official SDKs and over HTTP:
//! what a caller gets and what the logs say is what AWS would answer and write.

#![expect(clippy::large_futures, reason = "the SDK's are")]

mod common;

use std::{
    io::{Cursor, Write},
    time::{Duration, Instant},
};

use aws_sdk_firehose::types::{
    BufferingHints, CloudWatchLoggingOptions, DeliveryStreamStatus, DeliveryStreamType,
    ExtendedS3DestinationConfiguration, KinesisStreamSourceConfiguration,
};
use aws_sdk_kinesis::{error::ProvideErrorMetadata, types::PutRecordsRequestEntry};
use aws_sdk_lambda::{
    primitives::Blob,
    types::{Environment, FunctionCode, LogFormat, LoggingConfig, Runtime},
};
use common::{Answer, Signing, json, send};
use http::Request;
use rstest::rstest;
use serde_json::{Value, json};
use tailwater_cloud::{
    Limits, LocalCloud, Options,
    faults::{
        ApiFault, DeliveryEffect, DeliveryFault, FunctionEffect, FunctionFault, Order, StreamEffect, StreamFault, When,
    },
};
use zip::{ZipWriter, write::SimpleFileOptions};

const FUNCTION: &str = "submit";
const STREAM: &str = "events";
const DELIVERY: &str = "delivery";
const BUCKET: &str = "landing";
const ROLE: &str = "arn:aws:iam::000000000000:role/pipe";
const ACCESS_FORMAT: &str = r#"{"requestId":"$context.requestId","status":"$context.status","integrationRequestId":"$context.integration.requestId","integrationStatus":"$context.integration.status","serviceStatus":"$context.integration.integrationStatus","integrationErrorMessage":"$context.integrationErrorMessage"}"#;

/// A function that notes every event it sees, and accepts it.
const BOOTSTRAP: &str = r#"#!/usr/bin/env python3
import http.client, json, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = api.getresponse()
    event = answer.read()
    request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(request_id + "\n")
    body = json.dumps({"statusCode": 202, "body": "taken"})
    api.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", body)
    api.getresponse().read()
"#;

struct Pipe {
    cloud: LocalCloud,
    lambda: aws_sdk_lambda::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    kinesis: aws_sdk_kinesis::Client,
    firehose: aws_sdk_firehose::Client,
    s3: aws_sdk_s3::Client,
    apis: aws_sdk_apigatewayv2::Client,
    folder: tempfile::TempDir,
}

/// How an invocation ended.
struct Invoked {
    error: Option<String>,
    payload: Value,
}

impl Pipe {
    async fn start() -> Self {
        let options = Options {
            supervisor: vec![env!("CARGO_BIN_EXE_cloud-for-tests").into(), "supervisor".into()],
            limits: Limits::Off,
            ..common::options()
        };
        let cloud = LocalCloud::start(options).await.unwrap();
        let config = common::config(&cloud).await;
        let config = config.into_builder().retry_config(aws_config::retry::RetryConfig::disabled()).build();
        let trust = json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": ["lambda.amazonaws.com", "firehose.amazonaws.com"]}}]});
        let iam = aws_sdk_iam::Client::new(&config);
        iam.create_role().role_name("pipe").assume_role_policy_document(trust.to_string()).send().await.unwrap();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        Self {
            lambda: aws_sdk_lambda::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            kinesis: aws_sdk_kinesis::Client::new(&config),
            firehose: aws_sdk_firehose::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            apis: aws_sdk_apigatewayv2::Client::new(&config),
            folder: tempfile::tempdir().unwrap(),
            cloud,
        }
    }

    /// With the function.
    async fn with_function(timeout_seconds: i32, format: LogFormat) -> Self {
        let pipe = Self::start().await;
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        zip.write_all(BOOTSTRAP.as_bytes()).unwrap();
        let code = FunctionCode::builder().zip_file(Blob::new(zip.finish().unwrap().into_inner())).build();
        let seen = Environment::builder().variables("SEEN", pipe.seen_path().to_str().unwrap()).build();
        pipe.lambda
            .create_function()
            .function_name(FUNCTION)
            .runtime(Runtime::Providedal2023)
            .role(ROLE)
            .handler("bootstrap")
            .timeout(timeout_seconds)
            .environment(seen)
            .logging_config(LoggingConfig::builder().log_format(format).build())
            .code(code)
            .send()
            .await
            .unwrap();
        pipe
    }

    /// With the function behind an API.
    async fn with_api() -> Self {
        let pipe = Self::with_function(10, LogFormat::Json).await;
        let arn = format!("arn:aws:lambda:ap-southeast-2:000000000000:function:{FUNCTION}");
        let permit = pipe.lambda.add_permission().function_name(FUNCTION).statement_id("api");
        permit.action("lambda:InvokeFunction").principal("apigateway.amazonaws.com").send().await.unwrap();
        let api = pipe.apis.create_api().name("pipe").protocol_type("HTTP".into()).send().await.unwrap();
        let api = api.api_id().unwrap();
        let integration = pipe.apis.create_integration().api_id(api).integration_type("AWS_PROXY".into());
        let integration = integration.integration_uri(arn).payload_format_version("2.0").send().await.unwrap();
        let target = format!("integrations/{}", integration.integration_id().unwrap());
        pipe.apis.create_route().api_id(api).route_key("POST /submit").target(target).send().await.unwrap();
        pipe.logs.create_log_group().log_group_name("access").send().await.unwrap();
        let log = aws_sdk_apigatewayv2::types::AccessLogSettings::builder()
            .destination_arn("arn:aws:logs:ap-southeast-2:000000000000:log-group:access")
            .format(ACCESS_FORMAT)
            .build();
        let stage = pipe.apis.create_stage().api_id(api).stage_name("$default").auto_deploy(true);
        stage.access_log_settings(log).send().await.unwrap();
        pipe
    }

    /// With a stream.
    async fn with_stream() -> Self {
        let pipe = Self::start().await;
        pipe.kinesis.create_stream().stream_name(STREAM).shard_count(1).send().await.unwrap();
        common::until(async || {
            let answer = pipe.kinesis.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
            let status = answer.stream_description_summary.unwrap().stream_status;
            (status == aws_sdk_kinesis::types::StreamStatus::Active).then_some(())
        })
        .await;
        pipe
    }

    /// With a stream that is delivered at once.
    async fn with_delivery() -> Self {
        let pipe = Self::with_stream().await;
        let place = aws_sdk_s3::types::BucketLocationConstraint::from(pipe.cloud.region());
        let place = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(place).build();
        pipe.s3.create_bucket().bucket(BUCKET).create_bucket_configuration(place).send().await.unwrap();
        pipe.logs.create_log_group().log_group_name("delivery").send().await.unwrap();
        pipe.logs.create_log_stream().log_group_name("delivery").log_stream_name("S3").send().await.unwrap();
        let log = CloudWatchLoggingOptions::builder().enabled(true).log_group_name("delivery").log_stream_name("S3");
        let destination = ExtendedS3DestinationConfiguration::builder()
            .role_arn(ROLE)
            .bucket_arn(format!("arn:aws:s3:::{BUCKET}"))
            .buffering_hints(BufferingHints::builder().interval_in_seconds(0).size_in_mbs(1).build())
            .cloud_watch_logging_options(log.build());
        let source = KinesisStreamSourceConfiguration::builder()
            .kinesis_stream_arn(format!("arn:aws:kinesis:ap-southeast-2:000000000000:stream/{STREAM}"))
            .role_arn(ROLE);
        let create = pipe.firehose.create_delivery_stream().delivery_stream_name(DELIVERY);
        let create = create.delivery_stream_type(DeliveryStreamType::KinesisStreamAsSource);
        let create = create.kinesis_stream_source_configuration(source.build().unwrap());
        create.extended_s3_destination_configuration(destination.build().unwrap()).send().await.unwrap();
        common::until(async || {
            let found = pipe.firehose.describe_delivery_stream().delivery_stream_name(DELIVERY).send().await.unwrap();
            let status = found.delivery_stream_description.unwrap().delivery_stream_status;
            (status == DeliveryStreamStatus::Active).then_some(())
        })
        .await;
        pipe
    }

    fn order(&self, order: Order) -> String {
        self.cloud.faults().add(order).unwrap()
    }

    async fn invoke(&self) -> Invoked {
        let answer = self.lambda.invoke().function_name(FUNCTION).payload(Blob::new("{}")).send().await.unwrap();
        Invoked {
            error: answer.function_error().map(str::to_owned),
            payload: serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap(),
        }
    }

    fn seen_path(&self) -> std::path::PathBuf {
        self.folder.path().join("seen")
    }

    /// How many events the function saw.
    fn seen(&self) -> usize {
        std::fs::read_to_string(self.seen_path()).map(|text| text.lines().count()).unwrap_or_default()
    }

    async fn lines(&self, group: &str) -> Vec<String> {
        let page = self.logs.filter_log_events().log_group_name(group).send().await.unwrap();
        page.events().iter().filter_map(|event| event.message().map(str::to_owned)).collect()
    }

    /// The function's JSON lines of one type, as their records.
    async fn platform(&self, kind: &str) -> Vec<Value> {
        let lines = self.lines(&format!("/aws/lambda/{FUNCTION}")).await;
        let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["type"] == format!("platform.{kind}")).map(|line| line["record"].clone()).collect()
    }

    async fn put(&self, data: &str) {
        let put = self.kinesis.put_record().stream_name(STREAM).partition_key("k");
        put.data(aws_sdk_kinesis::primitives::Blob::new(data)).send().await.unwrap();
    }

    /// The bodies of all objects, once there are so many.
    async fn objects(&self, count: usize) -> Vec<String> {
        let keys = common::until(async || {
            let listed = self.s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
            let keys: Vec<String> = listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect();
            (keys.len() >= count).then_some(keys)
        })
        .await;
        assert_eq!(keys.len(), count, "{keys:?}");
        let mut bodies = Vec::new();
        for key in keys {
            let got = self.s3.get_object().bucket(BUCKET).key(key).send().await.unwrap();
            bodies.push(String::from_utf8(got.body.collect().await.unwrap().to_vec()).unwrap());
        }
        bodies
    }

    async fn post(&self) -> Answer {
        let request = Request::post(format!("{}/submit", self.cloud.gateway_url()));
        send(request.header("content-type", "application/json").body("{}".to_owned()).unwrap()).await
    }

    async fn call(&self, operation: &str, body: &str) -> Answer {
        let request = json(&self.cloud, &format!("Tailwater.{operation}"), body);
        send(Signing::new(&self.cloud, "tailwater").sign(request)).await
    }
}

#[rstest]
#[case(When::Before, 0)]
#[case(When::After, 1)]
#[tokio::test]
async fn a_function_crashes_before_or_after_its_work(#[case] when: When, #[case] seen: usize) {
    let pipe = Pipe::with_function(10, LogFormat::Json).await;
    pipe.order(Order::once(FunctionFault::new(FunctionEffect::Crash(when)).of(FUNCTION)));
    let crashed = pipe.invoke().await;
    assert_eq!(crashed.error.as_deref(), Some("Unhandled"));
    assert_eq!(crashed.payload["errorType"], "Runtime.ExitError");
    let message = crashed.payload["errorMessage"].as_str().unwrap();
    assert!(message.ends_with("Error: Runtime exited with error: signal: killed"), "{message}");
    assert_eq!(pipe.seen(), seen);
    let report = &pipe.platform("report").await[0];
    assert_eq!((&report["status"], &report["errorType"]), (&json!("error"), &json!("Runtime.ExitError")));
    assert_eq!(pipe.platform("fault").await, [json!(message)]);
    // The next one meets no fault, and starts cold: the process is gone.
    let next = pipe.invoke().await;
    assert_eq!((next.error, &next.payload["statusCode"]), (None, &json!(202)));
    assert_eq!(pipe.platform("initStart").await.len(), 2);
    assert_eq!(pipe.seen(), seen + 1);
}

#[rstest]
#[case(When::Before, 0)]
#[case(When::After, 1)]
#[tokio::test]
async fn a_function_runs_into_its_time_limit(#[case] when: When, #[case] seen: usize) {
    let pipe = Pipe::with_function(1, LogFormat::Json).await;
    pipe.order(Order::once(FunctionFault::new(FunctionEffect::Timeout(when))));
    let late = pipe.invoke().await;
    assert_eq!(late.error.as_deref(), Some("Unhandled"));
    let message = late.payload["errorMessage"].as_str().unwrap();
    assert!(message.ends_with("Task timed out after 1.00 seconds"), "{message}");
    assert_eq!(pipe.seen(), seen);
    let report = &pipe.platform("report").await[0];
    assert_eq!((&report["status"], &report["metrics"]["durationMs"]), (&json!("timeout"), &json!(1000.0)));
}

#[rstest]
#[case(When::Before)]
#[case(When::After)]
#[tokio::test]
async fn taking_an_order_back_lets_its_invocation_go_on(#[case] when: When) {
    let pipe = Pipe::with_function(60, LogFormat::Text).await;
    let id = pipe.order(Order::until_cleared(FunctionFault::new(FunctionEffect::Timeout(when))));
    let (answer, ()) = tokio::join!(pipe.invoke(), async {
        let is_met = async || (pipe.cloud.faults().list()[0].met == 1).then_some(());
        common::until(is_met).await;
        if when == When::After {
            common::until(async || (pipe.seen() == 1).then_some(())).await;
        }
        assert!(pipe.cloud.faults().remove(&id));
    });
    assert_eq!((answer.error, &answer.payload["statusCode"]), (None, &json!(202)));
    assert_eq!(pipe.seen(), 1);
}

#[tokio::test]
async fn a_slow_function_is_billed_for_it_and_may_fail_too() {
    let pipe = Pipe::with_function(10, LogFormat::Json).await;
    pipe.order(Order::times(FunctionFault::new(FunctionEffect::Delay(Duration::from_millis(300))), 2));
    let begin = Instant::now();
    assert_eq!(pipe.invoke().await.error, None);
    assert!(begin.elapsed() >= Duration::from_millis(300));
    let report = &pipe.platform("report").await[0];
    assert!(report["metrics"]["billedDurationMs"].as_u64().unwrap() >= 300, "{report}");
    assert_eq!(report["status"], "success");
    let error = FunctionEffect::Error { error_type: "ValueError".into(), message: "no such user".into() };
    pipe.order(Order::once(FunctionFault::new(error)));
    let threw = pipe.invoke().await;
    assert_eq!(threw.error.as_deref(), Some("Unhandled"));
    assert_eq!(threw.payload, json!({"errorType": "ValueError", "errorMessage": "no such user"}));
    assert_eq!(pipe.seen(), 1, "what throws has put nothing");
    let lines = pipe.lines(&format!("/aws/lambda/{FUNCTION}")).await;
    let line = lines.iter().find(|line| line.contains("no such user")).unwrap();
    assert!(line.contains(r#""level":"ERROR""#) && line.contains("ValueError"), "{line}");
    let report = &pipe.platform("report").await[1];
    assert_eq!(report["errorType"], "ValueError");
    // The process that threw takes the next one.
    assert_eq!(pipe.invoke().await.error, None);
    assert_eq!(pipe.platform("initStart").await.len(), 1);
}

#[tokio::test]
async fn a_delay_beyond_the_time_limit_is_a_timeout() {
    let pipe = Pipe::with_function(1, LogFormat::Text).await;
    pipe.order(Order::once(FunctionFault::new(FunctionEffect::Delay(Duration::from_mins(1)))));
    assert_eq!(pipe.invoke().await.error.as_deref(), Some("Unhandled"));
    let lines = pipe.lines(&format!("/aws/lambda/{FUNCTION}")).await;
    assert!(lines.iter().any(|line| line.contains("Task timed out after 1.00 seconds")), "{lines:?}");
    assert_eq!(pipe.seen(), 0);
}

#[tokio::test]
async fn a_stream_throttles_one_record_and_refuses_a_call() {
    let pipe = Pipe::with_stream().await;
    pipe.order(Order::times(StreamFault::new(StreamEffect::Throttle).of(STREAM), 2));
    let put = pipe.kinesis.put_record().stream_name(STREAM).partition_key("k");
    let put = put.data(aws_sdk_kinesis::primitives::Blob::new("x"));
    let refused = put.clone().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ProvisionedThroughputExceededException"));
    let words = format!("Rate exceeded for shard shardId-000000000000 in stream {STREAM} under account 000000000000.");
    assert_eq!(refused.message(), Some(words.as_str()));
    let entry = || {
        let entry = PutRecordsRequestEntry::builder().partition_key("k");
        entry.data(aws_sdk_kinesis::primitives::Blob::new("y")).build().unwrap()
    };
    let batch = pipe.kinesis.put_records().stream_name(STREAM).records(entry()).records(entry());
    let answer = batch.clone().send().await.unwrap();
    assert_eq!(answer.failed_record_count(), Some(1));
    assert_eq!(answer.records()[0].error_message(), Some(words.as_str()));
    assert!(answer.records()[1].sequence_number().is_some());

    let denied = StreamEffect::Error { status: 400, code: "AccessDeniedException".into(), message: String::new() };
    pipe.order(Order::times(StreamFault::new(denied), 2));
    let refused = batch.send().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDeniedException"));
    let words = "User: arn:aws:iam::000000000000:root is not authorized to perform: kinesis:PutRecords on resource: \
                 arn:aws:kinesis:ap-southeast-2:000000000000:stream/events because no identity-based policy allows \
                 the kinesis:PutRecords action";
    assert_eq!(refused.message(), Some(words));
    assert_eq!(pipe.cloud.faults().list()[0].met, 1, "a call that is refused is refused once");
    assert!(put.clone().send().await.is_err());
    put.send().await.unwrap();
}

#[tokio::test]
async fn a_delivery_is_late_until_its_order_is_taken_back() {
    let pipe = Pipe::with_delivery().await;
    let late = DeliveryFault::new(DeliveryEffect::Delay(Duration::from_hours(1))).of(DELIVERY);
    let id = pipe.order(Order::until_cleared(late));
    pipe.put("first").await;
    common::until(async || (pipe.cloud.faults().list()[0].met == 1).then_some(())).await;
    pipe.put("second").await;
    common::until(async || (pipe.cloud.buffered(DELIVERY).unwrap().records == 2).then_some(())).await;
    assert!(pipe.objects(0).await.is_empty());
    assert_eq!(pipe.cloud.faults().list()[0].met, 1, "one delivery is late once");
    assert!(pipe.cloud.faults().remove(&id));
    assert_eq!(pipe.objects(1).await, ["firstsecond"]);
}

#[tokio::test]
async fn a_late_delivery_comes_after_its_time() {
    let pipe = Pipe::with_delivery().await;
    let delay = Duration::from_millis(200);
    pipe.order(Order::once(DeliveryFault::new(DeliveryEffect::Delay(delay))));
    let begin = Instant::now();
    pipe.put("x").await;
    assert_eq!(pipe.objects(1).await, ["x"]);
    assert!(begin.elapsed() >= delay);
}

#[tokio::test]
async fn a_delivery_is_made_twice() {
    let pipe = Pipe::with_delivery().await;
    pipe.order(Order::once(DeliveryFault::new(DeliveryEffect::Twice)));
    pipe.put("x").await;
    assert_eq!(pipe.objects(2).await, ["x", "x"]);
    pipe.put("y").await;
    assert_eq!(pipe.objects(3).await.concat().matches('y').count(), 1);
}

#[tokio::test]
async fn a_delivery_that_s3_refuses_is_told_and_tried_again() {
    let pipe = Pipe::with_delivery().await;
    let denied = DeliveryEffect::Error { code: "AccessDenied".into(), message: String::new() };
    let id = pipe.order(Order::until_cleared(DeliveryFault::new(denied)));
    pipe.put("x").await;
    // The second try comes a second later, by itself.
    let lines = common::until(async || {
        let lines = pipe.lines("delivery").await;
        (lines.len() >= 2).then_some(lines)
    })
    .await;
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["errorCode"], "S3.AccessDenied");
    assert_eq!(line["destination"], format!("arn:aws:s3:::{BUCKET}"));
    assert!(line["message"].as_str().unwrap().starts_with("Access was denied. Ensure that the trust policy"), "{line}");
    assert!(pipe.objects(0).await.is_empty());
    assert!(pipe.cloud.faults().remove(&id));
    assert_eq!(pipe.objects(1).await, ["x"]);
}

#[tokio::test]
async fn what_is_late_on_purpose_is_delivered_when_the_cloud_ends() {
    let pipe = Pipe::with_delivery().await;
    pipe.order(Order::until_cleared(DeliveryFault::new(DeliveryEffect::Delay(Duration::from_hours(1)))));
    pipe.put("x").await;
    common::until(async || (pipe.cloud.buffered(DELIVERY).unwrap().records == 1).then_some(())).await;
    assert_eq!(pipe.cloud.shutdown().await, 0);
}

#[rstest]
#[case(500, When::Before, "doesn't have permissions to call the integration", "-")]
#[case(503, When::Before, "Rate Exceeded.", "429")]
#[case(500, When::After, "Execution failed due to an internal error", "200")]
#[case(503, When::After, "Execution failed due to an internal error", "200")]
#[tokio::test]
async fn the_gateway_answers_5xx(
    #[case] status: u16,
    #[case] when: When,
    #[case] error: &str,
    #[case] service_status: &str,
) {
    let pipe = Pipe::with_api().await;
    pipe.order(Order::once(ApiFault::new(status, when)));
    let answer = pipe.post().await;
    assert_eq!(answer.status.as_u16(), status);
    let words = if status == 500 { "Internal Server Error" } else { "Service Unavailable" };
    assert_eq!(answer.body, json!({"message": words}).to_string());
    assert_eq!(pipe.seen(), usize::from(when == When::After));
    let line: Value = serde_json::from_str(&pipe.lines("access").await[0]).unwrap();
    assert_eq!(line["requestId"], answer.headers["apigw-requestid"].to_str().unwrap());
    assert_eq!(line["status"], status.to_string());
    assert!(line["integrationErrorMessage"].as_str().unwrap().contains(error), "{line}");
    assert_eq!((&line["serviceStatus"], &line["integrationStatus"]), (&json!(service_status), &json!("-")));
    assert_eq!(line["integrationRequestId"] == "-", when == When::Before);
    assert_eq!(pipe.post().await.status, 202);
}

#[tokio::test]
async fn a_crash_behind_the_gateway_is_a_500_that_the_access_log_explains() {
    let pipe = Pipe::with_api().await;
    pipe.order(Order::once(FunctionFault::new(FunctionEffect::Crash(When::Before))));
    let answer = pipe.post().await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (500, r#"{"message":"Internal Server Error"}"#));
    let line: Value = serde_json::from_str(&pipe.lines("access").await[0]).unwrap();
    let report = &pipe.platform("report").await[0];
    assert_eq!(line["integrationRequestId"], report["requestId"]);
    assert!(line["integrationErrorMessage"].as_str().unwrap().contains("Runtime.ExitError"), "{line}");
}

#[tokio::test]
async fn orders_come_and_go_over_the_wire() {
    let pipe = Pipe::start().await;
    let orders = [
        r#"{"Function":{"FunctionName":"submit","Crash":"BEFORE"},"Skip":0,"UntilCleared":true,"Percent":20}"#,
        r#"{"Function":{"Timeout":"AFTER"},"Skip":1,"Count":3}"#,
        r#"{"Function":{"DelayMilliseconds":2000},"Skip":0,"UntilCleared":true}"#,
        r#"{"Function":{"Error":{"Type":"E","Message":"m"}},"Skip":0,"UntilCleared":true}"#,
        r#"{"Stream":{"StreamName":"events","Throttle":true},"Skip":0,"Count":5,"Percent":1}"#,
        r#"{"Stream":{"Error":{"Code":"InternalFailure","Message":"m","Status":500}},"Skip":0,"Count":1}"#,
        r#"{"Delivery":{"DeliveryStreamName":"d","DelayMilliseconds":30000},"Skip":0,"Count":1}"#,
        r#"{"Delivery":{"Twice":true},"Skip":0,"Count":1}"#,
        r#"{"Delivery":{"Error":{"Code":"AccessDenied","Message":""}},"Skip":0,"Count":1}"#,
        r#"{"Api":{"ApiId":"a","Status":503,"When":"AFTER"},"Skip":0,"Count":1}"#,
    ];
    for order in orders {
        let answer = pipe.call("PutFault", order).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let listed: Value = serde_json::from_str(&pipe.call("ListFaults", "{}").await.body).unwrap();
    let listed = listed["Faults"].as_array().unwrap();
    assert_eq!(listed.len(), orders.len());
    for (order, listed) in orders.iter().zip(listed) {
        let mut expected: Value = serde_json::from_str(order).unwrap();
        expected["FaultId"] = listed["FaultId"].clone();
        expected["Met"] = 0.into();
        assert_eq!(*listed, expected);
    }
    assert_eq!(pipe.call("DeleteFaults", "").await.body, r#"{"Deleted":10}"#);

    let timed = r#"{"Delivery": {"Twice": true}, "ForMilliseconds": 3600000}"#;
    assert_eq!(pipe.call("PutFault", timed).await.status, 200);
    let listed: Value = serde_json::from_str(&pipe.call("ListFaults", "{}").await.body).unwrap();
    let listed = &listed["Faults"][0];
    assert_eq!(listed["UntilCleared"], true, "a time without a count is for all of them");
    assert!((1..=3_600_000).contains(&listed["ForMilliseconds"].as_u64().unwrap()), "{listed}");
    pipe.call("DeleteFaults", "").await;
    let short = r#"{"Delivery": {"Twice": true}, "ForMilliseconds": 1}"#;
    assert_eq!(pipe.call("PutFault", short).await.status, 200);
    common::until(async || (pipe.call("ListFaults", "{}").await.body == r#"{"Faults":[]}"#).then_some(())).await;
}

#[rstest]
#[case(r#"{"Function": {"Crash": "NOW"}}"#, "Crash is BEFORE or AFTER, not NOW")]
#[case(r#"{"Function": {"Crash": "BEFORE", "DelayMilliseconds": 1}}"#, "one of Crash, Timeout")]
#[case(r#"{"Function": {"FunctionName": "f"}}"#, "one of Crash, Timeout")]
#[case(r#"{"Function": {"Crash": "BEFORE", "Odd": 1}}"#, "member Odd of PutFault.Function")]
#[case(r#"{"Function": {"Error": {"Message": "m"}}}"#, "'type'")]
#[case(r#"{"Stream": {"Throttle": false}}"#, "Throttle is true or absent")]
#[case(r#"{"Stream": {"Error": {"Code": "C", "Status": 200}}}"#, "400 to 599")]
#[case(r#"{"Delivery": {}}"#, "one of DelayMilliseconds, Twice and Error")]
#[case(r#"{"Api": {"Status": 502}}"#, "500 or 503")]
#[case(r#"{"Api": {}}"#, "takes Status")]
#[case(r#"{"Api": {"ApiId": "", "Status": 500}}"#, "name of the API is empty")]
#[case(r#"{"Api": {"Status": 500}, "Percent": 0}"#, "Percent is 1 to 100")]
#[case(r#"{"Api": {"Status": 500}, "Percent": 101}"#, "Percent is 1 to 100")]
#[case(r#"{"Api": {"Status": 500}, "ForMilliseconds": 0}"#, "ends at once")]
#[case(r#"{"Api": {"Status": 500}, "Count": 0}"#, "nothing meets")]
#[case(r#"{"Api": {"Status": 500}, "Delivery": {"Twice": true}}"#, "takes one of")]
#[tokio::test]
async fn a_wrong_order_is_refused_by_name(#[case] body: &str, #[case] words: &str) {
    let pipe = Pipe::start().await;
    let answer = pipe.call("PutFault", body).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("ValidationException") && answer.body.contains(words), "{answer:?}");
    assert!(pipe.cloud.faults().list().is_empty());
}
