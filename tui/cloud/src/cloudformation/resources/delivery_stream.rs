//! `AWS::KinesisFirehose::DeliveryStream`.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    Attributes, Failure, Kind, Property, Provider, Request, Schema, Tags, deleted, found, is_gone, property,
    tags::{TAG_LIST, tag_changes, tag_list},
    unsupported, wait_for,
};
use crate::{
    caller::Caller,
    firehose::Firehose,
    wire::{Input, ServiceResult},
};

const SERVICE: &str = "Firehose";

const BUFFERING: Property = property(
    "BufferingHints",
    Kind::Object(&[property("IntervalInSeconds", Kind::Integer), property("SizeInMBs", Kind::Integer)]),
);
const LOGGING: Property = property(
    "CloudWatchLoggingOptions",
    Kind::Object(&[
        property("Enabled", Kind::Boolean),
        property("LogGroupName", Kind::String),
        property("LogStreamName", Kind::String),
    ]),
);
const PROCESSING: Property = property(
    "ProcessingConfiguration",
    Kind::Object(&[
        property("Enabled", Kind::Boolean),
        property(
            "Processors",
            Kind::List(&Kind::Object(&[
                property("Type", Kind::String).required(),
                property(
                    "Parameters",
                    Kind::List(&Kind::Object(&[
                        property("ParameterName", Kind::String).required(),
                        property("ParameterValue", Kind::String).required(),
                    ])),
                ),
            ])),
        ),
    ]),
);
const ENCRYPTION: Property = property(
    "EncryptionConfiguration",
    Kind::Object(&[property("NoEncryptionConfig", Kind::String), unsupported("KMSEncryptionConfig")]),
);

const EXTENDED_S3: &[Property] = &[
    property("BucketARN", Kind::String).required(),
    property("RoleARN", Kind::String).required(),
    property("Prefix", Kind::String),
    property("ErrorOutputPrefix", Kind::String),
    property("CompressionFormat", Kind::String),
    property("CustomTimeZone", Kind::String),
    property("FileExtension", Kind::String),
    property("S3BackupMode", Kind::String),
    BUFFERING,
    LOGGING,
    PROCESSING,
    ENCRYPTION,
    property("DynamicPartitioningConfiguration", Kind::Object(&[property("Enabled", Kind::Boolean)])),
    property("DataFormatConversionConfiguration", Kind::Object(&[property("Enabled", Kind::Boolean)])),
    unsupported("S3BackupConfiguration"),
];

const S3: &[Property] = &[
    property("BucketARN", Kind::String).required(),
    property("RoleARN", Kind::String).required(),
    property("Prefix", Kind::String),
    property("ErrorOutputPrefix", Kind::String),
    property("CompressionFormat", Kind::String),
    BUFFERING,
    LOGGING,
    ENCRYPTION,
];

static SCHEMA: Schema = Schema {
    type_name: "AWS::KinesisFirehose::DeliveryStream",
    properties: &[
        property("DeliveryStreamName", Kind::String).replaces(),
        property("DeliveryStreamType", Kind::String).replaces(),
        property(
            "KinesisStreamSourceConfiguration",
            Kind::Object(&[
                property("KinesisStreamARN", Kind::String).required(),
                property("RoleARN", Kind::String).required(),
            ]),
        )
        .replaces(),
        property("ExtendedS3DestinationConfiguration", Kind::Object(EXTENDED_S3)),
        property("S3DestinationConfiguration", Kind::Object(S3)),
        property("Tags", TAG_LIST),
        unsupported("AmazonOpenSearchServerlessDestinationConfiguration"),
        unsupported("AmazonopensearchserviceDestinationConfiguration"),
        unsupported("DatabaseSourceConfiguration"),
        unsupported("DeliveryStreamEncryptionConfigurationInput"),
        unsupported("DirectPutSourceConfiguration"),
        unsupported("ElasticsearchDestinationConfiguration"),
        unsupported("HttpEndpointDestinationConfiguration"),
        unsupported("IcebergDestinationConfiguration"),
        unsupported("MSKSourceConfiguration"),
        unsupported("RedshiftDestinationConfiguration"),
        unsupported("SnowflakeDestinationConfiguration"),
        unsupported("SplunkDestinationConfiguration"),
    ],
    attributes: &["Arn"],
    tags: Tags::List,
    identifiers: &["DeliveryStreamName"],
    name: Some("DeliveryStreamName"),
};

/// Delivery streams.
pub(super) struct DeliveryStream(pub Arc<Firehose>);

impl DeliveryStream {
    async fn call(&self, caller: &Caller, operation: &str, input: Value) -> ServiceResult {
        self.0.call(caller, operation, Input::new(operation, input)?).await
    }

    async fn run(&self, request: &Request, operation: &str, input: Value) -> Result<Value, Failure> {
        self.call(&request.caller, operation, input).await.map_err(|error| Failure::of(SERVICE, &error))
    }

    async fn describe(&self, request: &Request, name: &str) -> Result<Value, Failure> {
        let output = self.run(request, "DescribeDeliveryStream", json!({"DeliveryStreamName": name})).await?;
        Ok(output["DeliveryStreamDescription"].clone())
    }
}

/// The destination under the name that a resource gives it.
fn destination(properties: &Map<String, Value>) -> Option<(&'static str, &Value)> {
    ["ExtendedS3DestinationConfiguration", "S3DestinationConfiguration"]
        .into_iter()
        .find_map(|name| Some((name, properties.get(name)?)))
}

#[async_trait]
impl Provider for DeliveryStream {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        let name = request.name("DeliveryStreamName", 64);
        let mut input = request.properties.clone();
        input.insert("DeliveryStreamName".into(), name.as_str().into());
        self.run(request, "CreateDeliveryStream", Value::Object(input)).await?;
        Ok(name)
    }

    async fn settle(&self, request: &Request, name: &str) -> Result<Attributes, Failure> {
        let arn = wait_for(name, || async {
            let description = self.describe(request, name).await?;
            match description["DeliveryStreamStatus"].as_str() {
                Some("ACTIVE") => Ok(Some(description["DeliveryStreamARN"].clone())),
                Some("CREATING_FAILED") => {
                    let details = description["FailureDescription"]["Details"].as_str();
                    Err(Failure(details.unwrap_or("The delivery stream could not be created.").to_owned()))
                }
                _ => Ok(None),
            }
        });
        Ok(Attributes::from_iter([("Arn".to_owned(), arn.await?)]))
    }

    async fn update(&self, request: &Request, name: &str, before: &Map<String, Value>) -> Result<(), Failure> {
        let after = &request.properties;
        if destination(before) != destination(after)
            && let Some((_, settings)) = destination(after)
        {
            let description = self.describe(request, name).await?;
            let mut update = settings.clone();
            // What the template no longer says goes back to what it is by itself.
            let was = destination(before).map(|(_, settings)| settings.clone()).unwrap_or_default();
            for (member, default) in [
                ("Prefix", json!("")),
                ("ErrorOutputPrefix", json!("")),
                ("CompressionFormat", json!("UNCOMPRESSED")),
                ("FileExtension", json!("")),
                ("BufferingHints", json!({"IntervalInSeconds": 300, "SizeInMBs": 5})),
                ("CloudWatchLoggingOptions", json!({"Enabled": false})),
                ("ProcessingConfiguration", json!({"Enabled": false})),
            ] {
                if update.get(member).is_none() && was.get(member).is_some() {
                    update[member] = default;
                }
            }
            let input = json!({
                "DeliveryStreamName": name,
                "CurrentDeliveryStreamVersionId": description["VersionId"],
                "DestinationId": description["Destinations"][0]["DestinationId"],
                "ExtendedS3DestinationUpdate": update,
            });
            self.run(request, "UpdateDestination", input).await?;
        }
        let (set, removed) = tag_changes(before, after);
        if !removed.is_empty() {
            let input = json!({"DeliveryStreamName": name, "TagKeys": removed});
            self.run(request, "UntagDeliveryStream", input).await?;
        }
        if !set.is_empty() {
            let input = json!({"DeliveryStreamName": name, "Tags": tag_list(&set)});
            self.run(request, "TagDeliveryStream", input).await?;
        }
        Ok(())
    }

    async fn exists(&self, request: &Request, name: &str) -> Result<Option<bool>, Failure> {
        let input = json!({"DeliveryStreamName": name});
        found(SERVICE, self.call(&request.caller, "DescribeDeliveryStream", input).await)
    }

    async fn delete(&self, request: &Request, name: &str) -> Result<(), Failure> {
        let input = json!({"DeliveryStreamName": name});
        deleted(SERVICE, self.call(&request.caller, "DeleteDeliveryStream", input.clone()).await)?;
        wait_for(name, || async {
            match self.call(&request.caller, "DescribeDeliveryStream", input.clone()).await {
                Ok(_) => Ok(None),
                Err(error) if is_gone(&error) => Ok(Some(())),
                Err(error) => Err(Failure::of(SERVICE, &error)),
            }
        })
        .await
    }
}
