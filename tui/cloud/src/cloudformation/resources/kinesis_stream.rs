//! `AWS::Kinesis::Stream`.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    Attributes, Failure, Kind, Provider, Request, Schema, Tags, deleted, found, is_gone, property,
    tags::{TAG_LIST, tag_changes, tag_map},
    unsupported, wait_for,
};
use crate::{
    caller::Caller,
    kinesis::Kinesis,
    wire::{Input, ServiceError, ServiceResult},
};

const SERVICE: &str = "Kinesis";
/// Hours that a new stream keeps records.
const USUAL_RETENTION_HOURS: i64 = 24;

static SCHEMA: Schema = Schema {
    type_name: "AWS::Kinesis::Stream",
    properties: &[
        property("Name", Kind::String).replaces(),
        property("ShardCount", Kind::Integer),
        property("RetentionPeriodHours", Kind::Integer),
        property("StreamModeDetails", Kind::Object(&[property("StreamMode", Kind::String).required()])),
        property(
            "StreamEncryption",
            Kind::Object(&[
                property("EncryptionType", Kind::String).required(),
                property("KeyId", Kind::String).required(),
            ]),
        ),
        property("Tags", TAG_LIST),
        unsupported("DesiredShardLevelMetrics"),
        unsupported("MaxRecordSizeInKiB"),
        unsupported("WarmThroughputMiBps"),
    ],
    attributes: &["Arn", "WarmThroughputObject"],
    tags: Tags::List,
    identifiers: &["Name"],
    name: Some("Name"),
};

/// Streams.
pub(super) struct Stream(pub Arc<Kinesis>);

impl Stream {
    async fn call(&self, caller: &Caller, operation: &str, input: Value) -> ServiceResult {
        self.0.call(caller, operation, Input::new(operation, input)?).await
    }

    async fn run(&self, caller: &Caller, operation: &str, input: Value) -> Result<Value, Failure> {
        self.call(caller, operation, input).await.map_err(|error| Failure::of(SERVICE, &error))
    }

    /// Waits until the stream takes the next operation.
    async fn active(&self, caller: &Caller, name: &str) -> Result<Value, Failure> {
        wait_for(name, || async {
            let output = self.run(caller, "DescribeStreamSummary", json!({"StreamName": name})).await?;
            let summary = output["StreamDescriptionSummary"].clone();
            Ok((summary["StreamStatus"] == "ACTIVE").then_some(summary))
        })
        .await
    }

    async fn set_retention(&self, request: &Request, name: &str, before: i64, after: i64) -> Result<(), Failure> {
        let operation = match after.cmp(&before) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Greater => "IncreaseStreamRetentionPeriod",
            std::cmp::Ordering::Less => "DecreaseStreamRetentionPeriod",
        };
        let input = json!({"StreamName": name, "RetentionPeriodHours": after});
        self.run(&request.caller, operation, input).await.map(|_| ())
    }

    async fn set_encryption(
        &self,
        request: &Request,
        name: &str,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> Result<(), Failure> {
        if before == after {
            return Ok(());
        }
        self.active(&request.caller, name).await?;
        let (operation, encryption) = match (before, after) {
            (_, Some(after)) => ("StartStreamEncryption", after),
            (Some(before), None) => ("StopStreamEncryption", before),
            (None, None) => return Ok(()),
        };
        let input = json!({
            "StreamName": name,
            "EncryptionType": encryption["EncryptionType"],
            "KeyId": encryption["KeyId"],
        });
        self.run(&request.caller, operation, input).await.map(|_| ())
    }
}

fn retention(properties: &Map<String, Value>) -> i64 {
    properties.get("RetentionPeriodHours").and_then(Value::as_i64).unwrap_or(USUAL_RETENTION_HOURS)
}

fn is_on_demand(properties: &Map<String, Value>) -> bool {
    properties.get("StreamModeDetails").is_some_and(|mode| mode["StreamMode"] == "ON_DEMAND")
}

#[async_trait]
impl Provider for Stream {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        let name = request.name("Name", 128);
        let mut input = json!({"StreamName": name});
        if is_on_demand(&request.properties) {
            input["StreamModeDetails"] = json!({"StreamMode": "ON_DEMAND"});
        } else {
            input["ShardCount"] = request.properties.get("ShardCount").cloned().unwrap_or_else(|| 1.into());
        }
        self.run(&request.caller, "CreateStream", input).await?;
        Ok(name)
    }

    async fn settle(&self, request: &Request, name: &str) -> Result<Attributes, Failure> {
        let summary = self.active(&request.caller, name).await?;
        let mut attributes = Attributes::new();
        attributes.insert("Arn".into(), summary["StreamARN"].clone());
        // A new stream is not yet all that the template says: what CreateStream does not take is
        // set once the stream is active. After an update nothing is left to do here.
        let is_at = summary["RetentionPeriodHours"].as_i64().unwrap_or(USUAL_RETENTION_HOURS);
        self.set_retention(request, name, is_at, retention(&request.properties)).await?;
        let is_encrypted = summary["EncryptionType"].as_str().is_some_and(|kind| kind != "NONE");
        if let (false, Some(encryption)) = (is_encrypted, request.properties.get("StreamEncryption")) {
            self.set_encryption(request, name, None, Some(encryption)).await?;
        }
        let tags = tag_map(&request.properties);
        if !tags.is_empty() {
            let input = json!({"StreamName": name, "Tags": tags});
            self.run(&request.caller, "AddTagsToStream", input).await?;
        }
        self.active(&request.caller, name).await?;
        Ok(attributes)
    }

    async fn update(&self, request: &Request, name: &str, before: &Map<String, Value>) -> Result<(), Failure> {
        let after = &request.properties;
        if is_on_demand(before) != is_on_demand(after) {
            let error = ServiceError::unsupported_member("UpdateStreamMode", "StreamModeDetails");
            return Err(Failure::of(SERVICE, &error));
        }
        self.set_retention(request, name, retention(before), retention(after)).await?;
        self.set_encryption(request, name, before.get("StreamEncryption"), after.get("StreamEncryption")).await?;
        let count = |properties: &Map<String, Value>| properties.get("ShardCount").and_then(Value::as_i64).unwrap_or(1);
        if !is_on_demand(after) && count(before) != count(after) {
            self.active(&request.caller, name).await?;
            let input = json!({"StreamName": name, "TargetShardCount": count(after), "ScalingType": "UNIFORM_SCALING"});
            self.run(&request.caller, "UpdateShardCount", input).await?;
        }
        let (set, removed) = tag_changes(before, after);
        if !removed.is_empty() {
            let input = json!({"StreamName": name, "TagKeys": removed});
            self.run(&request.caller, "RemoveTagsFromStream", input).await?;
        }
        if !set.is_empty() {
            self.run(&request.caller, "AddTagsToStream", json!({"StreamName": name, "Tags": set})).await?;
        }
        Ok(())
    }

    async fn exists(&self, request: &Request, name: &str) -> Result<Option<bool>, Failure> {
        found(SERVICE, self.call(&request.caller, "DescribeStreamSummary", json!({"StreamName": name})).await)
    }

    async fn delete(&self, request: &Request, name: &str) -> Result<(), Failure> {
        let input = json!({"StreamName": name, "EnforceConsumerDeletion": true});
        deleted(SERVICE, self.call(&request.caller, "DeleteStream", input).await)?;
        wait_for(name, || async {
            match self.call(&request.caller, "DescribeStreamSummary", json!({"StreamName": name})).await {
                Ok(_) => Ok(None),
                Err(error) if is_gone(&error) => Ok(Some(())),
                Err(error) => Err(Failure::of(SERVICE, &error)),
            }
        })
        .await
    }
}
