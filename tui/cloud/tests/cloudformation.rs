//! `CloudFormation` through the official SDK: the bundled template and others over the same types.

mod common;

use std::{
    collections::BTreeMap,
    io::{Cursor, Write},
};

use aws_config::SdkConfig;
use aws_sdk_cloudformation::{
    Client,
    error::ProvideErrorMetadata,
    types::{Capability, ChangeSetType, Parameter, StackEvent, StackResource, Tag},
};
use tailwater_cloud::{LocalCloud, Options};
use zip::{ZipWriter, write::SimpleFileOptions};

const TEMPLATE: &str = include_str!("../../../template.yaml");
const HOST: &str = env!("CARGO_BIN_EXE_cloud-for-tests");

/// A function that answers each request with the name of its stream.
const BOOTSTRAP: &str = r#"#!/usr/bin/env python3
import http.client, json, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = api.getresponse()
    answer.read()
    id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    body = json.dumps({"statusCode": 202, "body": os.environ["STREAM_NAME"]})
    api.request("POST", f"/2018-06-01/runtime/invocation/{id}/response", body)
    api.getresponse().read()
"#;

/// A cloud with a function's zip in the bucket `artifacts`.
struct Site {
    cloud: LocalCloud,
    config: SdkConfig,
    client: Client,
}

impl Site {
    async fn start() -> Self {
        Box::pin(Self::begin()).await
    }

    async fn begin() -> Self {
        let options = Options { supervisor: vec![HOST.into(), "supervisor".into()], ..common::options() };
        let cloud = LocalCloud::start(options).await.unwrap();
        let config = common::config(&cloud).await;
        let site = Self { client: Client::new(&config), config, cloud };
        let s3 = site.s3();
        let location = aws_sdk_s3::types::CreateBucketConfiguration::builder()
            .location_constraint(site.cloud.region().into())
            .build();
        s3.create_bucket().bucket("artifacts").create_bucket_configuration(location).send().await.unwrap();
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        zip.write_all(BOOTSTRAP.as_bytes()).unwrap();
        let body = zip.finish().unwrap().into_inner();
        s3.put_object().bucket("artifacts").key("f.zip").body(body.into()).send().await.unwrap();
        site
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    async fn create(&self, template: &str, parameters: &[(&str, &str)]) -> String {
        let create = self.client.create_stack().stack_name("pipe").template_body(template);
        let create = create.capabilities(Capability::CapabilityNamedIam);
        create.set_parameters(Some(parameters_of(parameters))).send().await.unwrap();
        self.settled("pipe").await
    }

    async fn update(&self, template: &str, parameters: &[(&str, &str)]) -> String {
        let update = self.client.update_stack().stack_name("pipe").template_body(template);
        let update = update.capabilities(Capability::CapabilityNamedIam);
        update.set_parameters(Some(parameters_of(parameters))).send().await.unwrap();
        self.settled("pipe").await
    }

    async fn settled(&self, stack: &str) -> String {
        common::settled(&self.client, stack).await
    }

    async fn outputs(&self) -> BTreeMap<String, String> {
        let stacks = self.client.describe_stacks().stack_name("pipe").send().await.unwrap();
        let outputs = stacks.stacks()[0].outputs();
        outputs
            .iter()
            .map(|output| (output.output_key().unwrap().to_owned(), output.output_value().unwrap().to_owned()))
            .collect()
    }

    async fn resources(&self) -> BTreeMap<String, StackResource> {
        let output = self.client.describe_stack_resources().stack_name("pipe").send().await.unwrap();
        let resources = output.stack_resources.unwrap_or_default();
        resources.into_iter().map(|resource| (resource.logical_resource_id().unwrap().to_owned(), resource)).collect()
    }

    async fn physical_ids(&self) -> BTreeMap<String, String> {
        let resources = self.resources().await;
        resources.into_iter().map(|(id, resource)| (id, resource.physical_resource_id.unwrap_or_default())).collect()
    }

    /// Newest first.
    async fn events(&self, stack: &str) -> Vec<StackEvent> {
        let mut pages = self.client.describe_stack_events().stack_name(stack).into_paginator().send();
        let mut events = Vec::new();
        while let Some(page) = pages.next().await {
            events.extend(page.unwrap().stack_events.unwrap_or_default());
        }
        events
    }

    /// What went wrong, for a failed assertion.
    async fn failures(&self) -> Vec<String> {
        self.events("pipe")
            .await
            .iter()
            .filter(|event| event.resource_status().is_some_and(|status| status.as_str().ends_with("FAILED")))
            .map(|event| {
                format!(
                    "{}: {}",
                    event.logical_resource_id().unwrap_or_default(),
                    event.resource_status_reason().unwrap_or_default()
                )
            })
            .collect()
    }

    async fn delete(&self) -> String {
        let stacks = self.client.describe_stacks().stack_name("pipe").send().await.unwrap();
        let id = stacks.stacks()[0].stack_id().unwrap().to_owned();
        self.client.delete_stack().stack_name("pipe").send().await.unwrap();
        self.settled(&id).await
    }
}

fn parameters_of(parameters: &[(&str, &str)]) -> Vec<Parameter> {
    let artifact = [("ArtifactBucket", "artifacts"), ("ArtifactKey", "f.zip")];
    let not_named = |key: &&(&str, &str)| parameters.iter().all(|(named, _)| *named != key.0);
    artifact
        .iter()
        .filter(not_named)
        .chain(parameters)
        .map(|(key, value)| Parameter::builder().parameter_key(*key).parameter_value(*value).build())
        .collect()
}

#[tokio::test]
async fn the_bundled_template_is_created_through_a_change_set() {
    let site = Site::start().await;
    site.client
        .create_change_set()
        .stack_name("pipe")
        .change_set_name("first")
        .change_set_type(ChangeSetType::Create)
        .template_body(TEMPLATE)
        .capabilities(Capability::CapabilityIam)
        .set_parameters(Some(parameters_of(&[])))
        .tags(Tag::builder().key("made-by").value("test").build())
        .send()
        .await
        .unwrap();
    let told = site.client.describe_change_set().stack_name("pipe").change_set_name("first").send().await.unwrap();
    assert_eq!(told.changes().len(), 16);
    site.client.execute_change_set().stack_name("pipe").change_set_name("first").send().await.unwrap();
    assert_eq!(site.settled("pipe").await, "CREATE_COMPLETE", "{:?}", site.failures().await);

    let outputs = site.outputs().await;
    assert_eq!(outputs["StreamName"], "api-kinesis-stream");
    assert_eq!(outputs["BucketName"], "api-kinesis-firehose-bucket-000000000000-ap-southeast-2");
    assert_eq!(outputs["LogGroupName"], "/aws/lambda/pipe-submit");
    assert_eq!(outputs["SubmitUrl"], format!("{}/submit", outputs["ApiUrl"]));
    assert!(outputs["DeliveryStreamName"].starts_with("pipe-DeliveryStream-"));

    let kinesis = aws_sdk_kinesis::Client::new(&site.config);
    let stream = kinesis.describe_stream_summary().stream_name("api-kinesis-stream").send().await.unwrap();
    let stream = stream.stream_description_summary().unwrap();
    assert_eq!((stream.open_shard_count(), stream.retention_period_hours()), (1, 24));
    assert_eq!(stream.key_id(), Some("alias/aws/kinesis"));

    let tags = kinesis.list_tags_for_stream().stream_name("api-kinesis-stream").send().await.unwrap();
    assert_eq!((tags.tags()[0].key(), tags.tags()[0].value()), ("made-by", Some("test")));

    let s3 = site.s3();
    let lifecycle = s3.get_bucket_lifecycle_configuration().bucket(&outputs["BucketName"]).send().await.unwrap();
    assert_eq!(lifecycle.rules()[0].id(), Some("abort-unfinished-uploads"));
    let policy = s3.get_bucket_policy().bucket(&outputs["BucketName"]).send().await.unwrap();
    assert!(policy.policy().unwrap().contains("DenyPlainHttp"));

    // The whole front is wired: a request reaches the function, which knows its stream.
    let (status, body) = post(&format!("{}/submit", site.cloud.gateway_url())).await;
    assert_eq!((status, body.as_str()), (202, "api-kinesis-stream"));

    assert_eq!(site.delete().await, "DELETE_COMPLETE", "{:?}", site.failures().await);
    assert!(kinesis.describe_stream_summary().stream_name("api-kinesis-stream").send().await.is_err());
    assert!(s3.head_bucket().bucket(&outputs["BucketName"]).send().await.is_err());
}

async fn post(url: &str) -> (u16, String) {
    use http_body_util::BodyExt;
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let body = http_body_util::Full::new(bytes::Bytes::from_static(b"{}"));
    let request = http::Request::post(url).body(body).unwrap();
    let answer = client.request(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn an_update_keeps_physical_ids_records_and_objects() {
    let site = Site::start().await;
    assert_eq!(site.create(TEMPLATE, &[]).await, "CREATE_COMPLETE", "{:?}", site.failures().await);
    let before = site.physical_ids().await;
    let bucket = site.outputs().await["BucketName"].clone();
    let kinesis = aws_sdk_kinesis::Client::new(&site.config);
    let put = kinesis.put_record().stream_name("api-kinesis-stream").partition_key("k");
    let put = put.data(aws_sdk_kinesis::primitives::Blob::new("kept")).send().await.unwrap();
    site.s3().put_object().bucket(&bucket).key("kept").body(b"x".to_vec().into()).send().await.unwrap();

    let changed = [
        ("RetentionHours", "48"),
        ("ShardCount", "2"),
        ("BufferIntervalSeconds", "10"),
        ("LogRetentionDays", "14"),
        ("ThrottleRate", "500.5"),
        ("AuthMode", "JWT"),
        ("JwtIssuer", "https://issuer.example"),
        ("JwtAudience", "me"),
        ("PartitionKeyPointer", "/user_id"),
    ];
    assert_eq!(site.update(TEMPLATE, &changed).await, "UPDATE_COMPLETE", "{:?}", site.failures().await);
    let mut after = site.physical_ids().await;
    assert!(after.remove("Authorizer").is_some());
    assert_eq!(after, before);

    let stream = kinesis.describe_stream_summary().stream_name("api-kinesis-stream").send().await.unwrap();
    let stream = stream.stream_description_summary().unwrap();
    assert_eq!((stream.open_shard_count(), stream.retention_period_hours()), (2, 48));
    let iterator = kinesis.get_shard_iterator().stream_name("api-kinesis-stream").shard_id(put.shard_id());
    let iterator = iterator.shard_iterator_type("TRIM_HORIZON".into()).send().await.unwrap();
    let records = kinesis.get_records().set_shard_iterator(iterator.shard_iterator).send().await.unwrap();
    assert_eq!(records.records()[0].data().as_ref(), b"kept");
    assert!(site.s3().head_object().bucket(&bucket).key("kept").send().await.is_ok());
    let firehose = aws_sdk_firehose::Client::new(&site.config);
    let delivery = firehose.describe_delivery_stream().delivery_stream_name(&before["DeliveryStream"]);
    let delivery = delivery.send().await.unwrap();
    let destination = &delivery.delivery_stream_description().unwrap().destinations()[0];
    let hints = destination.extended_s3_destination_description().unwrap().buffering_hints().unwrap();
    assert_eq!(hints.interval_in_seconds(), Some(10));
    let lambda = aws_sdk_lambda::Client::new(&site.config);
    let function = lambda.get_function_configuration().function_name("pipe-submit").send().await.unwrap();
    let variables = function.environment().unwrap().variables().unwrap().clone();
    assert_eq!(variables["PARTITION_KEY_POINTER"], "/user_id");
    let (status, _) = post(&format!("{}/submit", site.cloud.gateway_url())).await;
    assert_eq!(status, 401);

    // And back: the authorizer goes, the route is open again.
    assert_eq!(site.update(TEMPLATE, &[]).await, "UPDATE_COMPLETE", "{:?}", site.failures().await);
    assert_eq!(site.physical_ids().await, before);
    let (status, _) = post(&format!("{}/submit", site.cloud.gateway_url())).await;
    assert_eq!(status, 202);

    // An update that fails half-way is taken back, whatever it had changed before.
    let function = lambda.get_function_configuration().function_name("pipe-submit").send().await.unwrap();
    let broken = [("RetentionHours", "72"), ("LogRetentionDays", "30"), ("ArtifactKey", "nowhere.zip")];
    assert_eq!(site.update(TEMPLATE, &broken).await, "UPDATE_ROLLBACK_COMPLETE", "{:?}", site.failures().await);
    let root = site.failures().await.into_iter().find(|failure| !failure.ends_with("cancelled")).unwrap();
    assert!(root.starts_with("Function: Resource handler returned message"), "{root}");
    assert_eq!(site.physical_ids().await, before);
    let stream = kinesis.describe_stream_summary().stream_name("api-kinesis-stream").send().await.unwrap();
    assert_eq!(stream.stream_description_summary().unwrap().retention_period_hours(), 24);
    let again = lambda.get_function_configuration().function_name("pipe-submit").send().await.unwrap();
    assert_eq!(again.code_sha256(), function.code_sha256());

    // A bucket with objects in it stops the deletion, and loses nothing.
    assert_eq!(site.delete().await, "DELETE_FAILED");
    let root = site.failures().await.into_iter().find(|failure| failure.starts_with("Bucket: ")).unwrap();
    assert!(
        root.contains("Status Code: 409") && root.contains("The bucket you tried to delete is not empty"),
        "{root}"
    );
    assert!(site.s3().head_object().bucket(&bucket).key("kept").send().await.is_ok());
    site.s3().delete_object().bucket(&bucket).key("kept").send().await.unwrap();
    assert_eq!(site.delete().await, "DELETE_COMPLETE");
}

#[tokio::test]
async fn another_stream_name_replaces_stream_and_delivery() {
    let site = Site::start().await;
    assert_eq!(site.create(TEMPLATE, &[]).await, "CREATE_COMPLETE", "{:?}", site.failures().await);
    let before = site.physical_ids().await;
    let changed = [("StreamName", "other")];
    assert_eq!(site.update(TEMPLATE, &changed).await, "UPDATE_COMPLETE", "{:?}", site.failures().await);
    let after = site.physical_ids().await;
    let replaced: Vec<&String> = before.keys().filter(|id| before[*id] != after[*id]).collect();
    assert_eq!(replaced, ["DeliveryStream", "Stream"]);
    let kinesis = aws_sdk_kinesis::Client::new(&site.config);
    assert_eq!(kinesis.list_streams().send().await.unwrap().stream_names(), ["other"]);
    let firehose = aws_sdk_firehose::Client::new(&site.config);
    let names = firehose.list_delivery_streams().send().await.unwrap();
    assert_eq!(names.delivery_stream_names(), [after["DeliveryStream"].clone()]);
}

#[tokio::test]
async fn a_failed_creation_tells_its_root_cause_and_leaves_nothing() {
    let site = Site::start().await;
    assert_eq!(site.create(TEMPLATE, &[("ArtifactKey", "nowhere.zip")]).await, "ROLLBACK_COMPLETE");
    let root = site.failures().await.pop().unwrap();
    assert!(root.starts_with("Function: Resource handler returned message: \""), "{root}");
    assert!(root.contains("(Service: Lambda, Status Code: 400"), "{root}");
    let kinesis = aws_sdk_kinesis::Client::new(&site.config);
    assert!(kinesis.list_streams().send().await.unwrap().stream_names().is_empty());
    let buckets = site.s3().list_buckets().send().await.unwrap();
    assert_eq!(buckets.buckets().len(), 1, "only the artifacts stay");
    let logs = aws_sdk_cloudwatchlogs::Client::new(&site.config);
    assert!(logs.describe_log_groups().send().await.unwrap().log_groups().is_empty());
    let resources = site.resources().await;
    assert!(resources.values().all(|resource| resource.resource_status().unwrap().as_str() == "DELETE_COMPLETE"));
}

/// The same services, otherwise put: JSON, other names and order, other functions, generated names.
const OTHER: &str = r#"{
  "Parameters": {"Days": {"Type": "Number", "Default": "3"}, "Names": {"Type": "CommaDelimitedList", "Default": "one,two"}},
  "Mappings": {"Sizes": {"small": {"shards": 1, "memory": "256"}}},
  "Conditions": {"Big": {"Fn::Or": [{"Fn::Equals": [{"Ref": "Days"}, "30"]}, {"Fn::Equals": ["a", "b"]}]}},
  "Resources": {
    "Zeta": {"Type": "AWS::ApiGatewayV2::Stage", "DependsOn": "Way", "Properties": {
      "StageName": "$default", "AutoDeploy": "true", "ApiId": {"Fn::GetAtt": ["Door", "ApiId"]}}},
    "Way": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {
      "RouteKey": {"Fn::Join": [" ", ["ANY", "/{proxy+}"]]}, "ApiId": {"Ref": "Door"},
      "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "Behind"}]]}}},
    "Behind": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": {
      "ApiId": {"Ref": "Door"}, "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0",
      "IntegrationUri": {"Fn::Sub": ["arn:aws:apigateway:${r}:lambda:path/2015-03-31/functions/${Worker.Arn}/invocations", {"r": {"Ref": "AWS::Region"}}]}}},
    "Door": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": {"Fn::Select": [1, {"Ref": "Names"}]}, "ProtocolType": "HTTP"}},
    "May": {"Type": "AWS::Lambda::Permission", "Properties": {
      "Action": "lambda:InvokeFunction", "FunctionName": {"Fn::GetAtt": ["Worker", "Arn"]}, "Principal": "apigateway.amazonaws.com",
      "SourceArn": {"Fn::Sub": "arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Door}/*"}}},
    "Worker": {"Type": "AWS::Lambda::Function", "DependsOn": ["Right"], "Properties": {
      "Runtime": "provided.al2023", "Handler": "bootstrap", "Code": {"S3Bucket": "artifacts", "S3Key": "f.zip"},
      "Role": {"Fn::GetAtt": ["Self", "Arn"]},
      "MemorySize": {"Fn::FindInMap": ["Sizes", "small", "memory"]},
      "Environment": {"Variables": {"STREAM_NAME": {"Ref": "River"}, "Size": {"Fn::If": ["Big", "big", "small"]}}}}},
    "Self": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {
      "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "firehose.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}}},
    "Right": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "right", "Roles": [{"Ref": "Self"}],
      "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}}},
    "River": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": {"Fn::FindInMap": ["Sizes", "small", "shards"]}}},
    "Carrier": {"Type": "AWS::KinesisFirehose::DeliveryStream", "Properties": {
      "DeliveryStreamType": "KinesisStreamAsSource",
      "KinesisStreamSourceConfiguration": {"KinesisStreamARN": {"Fn::GetAtt": ["River", "Arn"]}, "RoleARN": {"Fn::GetAtt": ["Self", "Arn"]}},
      "ExtendedS3DestinationConfiguration": {"BucketARN": {"Fn::GetAtt": ["Sea", "Arn"]}, "RoleARN": {"Fn::GetAtt": ["Self", "Arn"]}}}},
    "Sea": {"Type": "AWS::S3::Bucket"},
    "Notes": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": {"Ref": "Days"}}},
    "Page": {"Type": "AWS::Logs::LogStream", "Properties": {"LogGroupName": {"Ref": "Notes"}}},
    "Never": {"Type": "AWS::S3::Bucket", "Condition": "Big"}
  },
  "Outputs": {
    "First": {"Value": {"Fn::Select": ["0", {"Fn::Split": ["-", {"Ref": "River"}]}]}},
    "Coded": {"Value": {"Fn::Base64": {"Ref": "AWS::StackName"}}},
    "Absent": {"Condition": "Big", "Value": {"Ref": "Never"}}
  }
}"#;

#[tokio::test]
async fn another_template_over_the_same_types_deploys() {
    let site = Site::start().await;
    site.client
        .create_stack()
        .stack_name("pipe")
        .template_body(OTHER)
        .capabilities(Capability::CapabilityIam)
        .send()
        .await
        .unwrap();
    assert_eq!(site.settled("pipe").await, "CREATE_COMPLETE", "{:?}", site.failures().await);
    let outputs = site.outputs().await;
    assert_eq!(outputs["First"], "pipe");
    assert_eq!(outputs["Coded"], "cGlwZQ==");
    assert!(!outputs.contains_key("Absent"));
    let ids = site.physical_ids().await;
    assert!(ids["River"].starts_with("pipe-River-"), "{ids:?}");
    assert!(ids["Sea"].starts_with("pipe-sea-"), "{ids:?}");
    let (status, body) = post(&format!("{}/anything", site.cloud.gateway_url())).await;
    assert_eq!((status, body.as_str()), (202, ids["River"].as_str()));
    assert_eq!(site.delete().await, "DELETE_COMPLETE", "{:?}", site.failures().await);
}

#[tokio::test]
async fn errors_reach_the_sdk_with_their_codes() {
    let site = Site::start().await;
    let error = site.client.describe_stacks().stack_name("nobody").send().await.unwrap_err().into_service_error();
    assert_eq!(error.code(), Some("ValidationError"));
    assert_eq!(error.message(), Some("Stack with id nobody does not exist"));
    let create = || {
        let create = site.client.create_stack().stack_name("pipe").template_body(TEMPLATE);
        create.set_parameters(Some(parameters_of(&[])))
    };
    let error = create().send().await.unwrap_err().into_service_error();
    assert!(error.is_insufficient_capabilities_exception());
    assert_eq!(error.message(), Some("Requires capabilities : [CAPABILITY_IAM]"));
    create().capabilities(Capability::CapabilityIam).send().await.unwrap();
    let again = create().capabilities(Capability::CapabilityIam).send().await.unwrap_err().into_service_error();
    assert!(again.is_already_exists_exception());
    site.settled("pipe").await;
    let error = site.client.describe_change_set().stack_name("pipe").change_set_name("none").send().await;
    assert!(error.unwrap_err().into_service_error().is_change_set_not_found_exception());
    // What AWS knows and this cloud does not is refused by name.
    let error = site.client.list_stack_sets().send().await.unwrap_err().into_service_error();
    assert!(error.message().unwrap().contains("ListStackSets"));
    let summary = site.client.get_template_summary().template_body(TEMPLATE).send().await.unwrap();
    assert_eq!(summary.resource_types().len(), 14);
    let template = site.client.get_template().stack_name("pipe").send().await.unwrap();
    assert_eq!(template.template_body(), Some(TEMPLATE));
}
