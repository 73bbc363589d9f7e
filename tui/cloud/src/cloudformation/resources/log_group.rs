//! `AWS::Logs::LogGroup`.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    Attributes, Failure, Kind, Provider, Request, Schema, Tags, deleted, property,
    tags::{TAG_LIST, tag_changes, tag_map},
    unsupported,
};
use crate::{
    Place,
    caller::Caller,
    logs::Logs,
    wire::{Input, ServiceResult},
};

pub(super) const SERVICE: &str = "CloudWatchLogs";

static SCHEMA: Schema = Schema {
    type_name: "AWS::Logs::LogGroup",
    properties: &[
        property("LogGroupName", Kind::String).replaces(),
        property("RetentionInDays", Kind::Integer),
        property("LogGroupClass", Kind::String),
        property("Tags", TAG_LIST),
        unsupported("KmsKeyId"),
        unsupported("DataProtectionPolicy"),
        unsupported("FieldIndexPolicies"),
        unsupported("ResourcePolicyDocument"),
        unsupported("DeletionProtectionEnabled"),
        unsupported("BearerTokenAuthenticationEnabled"),
    ],
    attributes: &["Arn"],
    tags: Tags::List,
    identifiers: &["LogGroupName"],
    name: Some("LogGroupName"),
};

/// Log groups.
pub(super) struct LogGroup {
    pub place: Arc<Place>,
    pub logs: Arc<Logs>,
}

/// A Logs operation.
pub(super) async fn call(logs: &Logs, caller: &Caller, operation: &str, input: Value) -> ServiceResult {
    logs.call(caller, operation, Input::new(operation, input)?).await
}

impl LogGroup {
    async fn run(&self, request: &Request, operation: &str, input: Value) -> Result<Value, Failure> {
        call(&self.logs, &request.caller, operation, input).await.map_err(|error| Failure::of(SERVICE, &error))
    }

    fn arn(&self, name: &str) -> String {
        self.place.arn("logs", &format!("log-group:{name}"))
    }
}

#[async_trait]
impl Provider for LogGroup {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        let name = request.name("LogGroupName", 512);
        let mut input = json!({"logGroupName": name});
        let tags = tag_map(&request.properties);
        if !tags.is_empty() {
            input["tags"] = Value::Object(tags);
        }
        if let Some(class) = request.properties.get("LogGroupClass") {
            input["logGroupClass"] = class.clone();
        }
        self.run(request, "CreateLogGroup", input).await?;
        if let Some(days) = request.properties.get("RetentionInDays") {
            let input = json!({"logGroupName": name, "retentionInDays": days});
            if let Err(failure) = self.run(request, "PutRetentionPolicy", input).await {
                // Without a record of it nobody would delete the group.
                self.delete(request, &name).await?;
                return Err(failure);
            }
        }
        Ok(name)
    }

    async fn settle(&self, _: &Request, name: &str) -> Result<Attributes, Failure> {
        Ok(Attributes::from_iter([("Arn".to_owned(), Value::from(format!("{}:*", self.arn(name))))]))
    }

    async fn update(&self, request: &Request, name: &str, before: &Map<String, Value>) -> Result<(), Failure> {
        let after = &request.properties;
        if before.get("LogGroupClass") != after.get("LogGroupClass") {
            return Err(Failure("The embedded cloud does not support a change of LogGroupClass.".to_owned()));
        }
        if before.get("RetentionInDays") != after.get("RetentionInDays") {
            let mut input = json!({"logGroupName": name});
            let operation = match after.get("RetentionInDays") {
                Some(days) => {
                    input["retentionInDays"] = days.clone();
                    "PutRetentionPolicy"
                }
                None => "DeleteRetentionPolicy",
            };
            self.run(request, operation, input).await?;
        }
        let (set, removed) = tag_changes(before, after);
        if !removed.is_empty() {
            let input = json!({"resourceArn": self.arn(name), "tagKeys": removed});
            self.run(request, "UntagResource", input).await?;
        }
        if !set.is_empty() {
            self.run(request, "TagResource", json!({"resourceArn": self.arn(name), "tags": set})).await?;
        }
        Ok(())
    }

    async fn exists(&self, request: &Request, name: &str) -> Result<Option<bool>, Failure> {
        let input = json!({"logGroupNamePrefix": name});
        let listed = self.run(request, "DescribeLogGroups", input).await?;
        let groups = listed["logGroups"].as_array();
        Ok(Some(groups.is_some_and(|groups| groups.iter().any(|group| group["logGroupName"] == name))))
    }

    async fn delete(&self, request: &Request, name: &str) -> Result<(), Failure> {
        deleted(SERVICE, call(&self.logs, &request.caller, "DeleteLogGroup", json!({"logGroupName": name})).await)
    }
}
