//! `AWS::Lambda::Function`.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    Attributes, Failure, Kind, Property, Provider, Request, Schema, Tags, deleted, found, property,
    tags::{TAG_LIST, tag_changes, tag_map},
    unsupported, wait_for,
};
use crate::{
    caller::Caller,
    lambda::Lambda,
    wire::{Input, ServiceResult},
};

pub(super) const SERVICE: &str = "Lambda";

const CODE: &[Property] = &[
    property("S3Bucket", Kind::String),
    property("S3Key", Kind::String),
    property("S3ObjectVersion", Kind::String),
    unsupported("ZipFile"),
    unsupported("ImageUri"),
    unsupported("SourceKMSKeyArn"),
];

static SCHEMA: Schema = Schema {
    type_name: "AWS::Lambda::Function",
    properties: &[
        property("FunctionName", Kind::String).replaces(),
        property("PackageType", Kind::String).replaces(),
        property("Code", Kind::Object(CODE)).required(),
        property("Role", Kind::String).required(),
        property("Runtime", Kind::String),
        property("Handler", Kind::String),
        property("Description", Kind::String),
        property("Architectures", Kind::List(&Kind::String)),
        property("MemorySize", Kind::Integer),
        property("Timeout", Kind::Integer),
        property("Environment", Kind::Object(&[property("Variables", Kind::Map)])),
        property("EphemeralStorage", Kind::Object(&[property("Size", Kind::Integer).required()])),
        property(
            "LoggingConfig",
            Kind::Object(&[
                property("LogFormat", Kind::String),
                property("ApplicationLogLevel", Kind::String),
                property("SystemLogLevel", Kind::String),
                property("LogGroup", Kind::String),
            ]),
        ),
        property("TracingConfig", Kind::Object(&[property("Mode", Kind::String)])),
        property("SnapStart", Kind::Object(&[property("ApplyOn", Kind::String).required()])),
        property("Tags", TAG_LIST),
        unsupported("ReservedConcurrentExecutions"),
        unsupported("VpcConfig"),
        unsupported("Layers"),
        unsupported("FileSystemConfigs"),
        unsupported("KmsKeyArn"),
        unsupported("CodeSigningConfigArn"),
        unsupported("DeadLetterConfig"),
        unsupported("ImageConfig"),
        unsupported("RuntimeManagementConfig"),
        unsupported("RecursiveLoop"),
        unsupported("CapacityProviderConfig"),
        unsupported("DurableConfig"),
        unsupported("FunctionScalingConfig"),
        unsupported("PublishToLatestPublished"),
        unsupported("TenancyConfig"),
    ],
    attributes: &["Arn"],
    tags: Tags::List,
    identifiers: &["FunctionName"],
    name: Some("FunctionName"),
};

/// Members of `UpdateFunctionConfiguration`, with what each is where the template is silent.
fn configuration(function_name: &str) -> [(&'static str, Value); 10] {
    [
        ("Role", Value::Null),
        ("Runtime", Value::Null),
        ("Handler", Value::Null),
        ("Description", "".into()),
        ("MemorySize", 128.into()),
        ("Timeout", 3.into()),
        ("Environment", json!({"Variables": {}})),
        ("EphemeralStorage", json!({"Size": 512})),
        ("LoggingConfig", json!({"LogFormat": "Text", "LogGroup": format!("/aws/lambda/{function_name}")})),
        ("TracingConfig", json!({"Mode": "PassThrough"})),
    ]
}

/// Functions.
pub(super) struct Function(pub Arc<Lambda>);

/// A Lambda operation.
pub(super) async fn call(lambda: &Arc<Lambda>, caller: &Caller, operation: &str, input: Value) -> ServiceResult {
    lambda.call(caller, operation, Input::new(operation, input)?).await
}

impl Function {
    async fn run(&self, request: &Request, operation: &str, input: Value) -> Result<Value, Failure> {
        call(&self.0, &request.caller, operation, input).await.map_err(|error| Failure::of(SERVICE, &error))
    }

    /// Waits until the function takes the next change; gives its ARN.
    async fn ready(&self, request: &Request, name: &str) -> Result<Value, Failure> {
        wait_for(name, || async {
            let output = self.run(request, "GetFunction", json!({"FunctionName": name})).await?;
            let configuration = &output["Configuration"];
            let reason = |member: &str| configuration[member].as_str().unwrap_or_default().to_owned();
            if configuration["State"] == "Failed" {
                return Err(Failure(reason("StateReason")));
            }
            if configuration["LastUpdateStatus"] == "Failed" {
                return Err(Failure(reason("LastUpdateStatusReason")));
            }
            let is_ready = configuration["State"] != "Pending" && configuration["LastUpdateStatus"] != "InProgress";
            Ok(is_ready.then(|| configuration["FunctionArn"].clone()))
        })
        .await
    }
}

#[async_trait]
impl Provider for Function {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        let name = request.name("FunctionName", 64);
        let mut input = request.properties.clone();
        input.insert("FunctionName".into(), name.as_str().into());
        if input.shift_remove("Tags").is_some() {
            input.insert("Tags".into(), Value::Object(tag_map(&request.properties)));
        }
        self.run(request, "CreateFunction", Value::Object(input)).await?;
        Ok(name)
    }

    async fn settle(&self, request: &Request, name: &str) -> Result<Attributes, Failure> {
        Ok(Attributes::from_iter([("Arn".to_owned(), self.ready(request, name).await?)]))
    }

    async fn update(&self, request: &Request, name: &str, before: &Map<String, Value>) -> Result<(), Failure> {
        let after = &request.properties;
        let changed = |member: &str| before.get(member) != after.get(member);
        let mut settings = json!({"FunctionName": name});
        for (member, default) in configuration(name) {
            if changed(member) {
                settings[member] = after.get(member).cloned().unwrap_or(default);
            }
        }
        if settings.as_object().is_some_and(|members| members.len() > 1) {
            self.run(request, "UpdateFunctionConfiguration", settings).await?;
            self.ready(request, name).await?;
        }
        if changed("Code") || changed("Architectures") {
            let mut code = after.get("Code").cloned().unwrap_or_else(|| json!({}));
            code["FunctionName"] = name.into();
            code["Architectures"] = after.get("Architectures").cloned().unwrap_or_else(|| json!(["x86_64"]));
            self.run(request, "UpdateFunctionCode", code).await?;
            self.ready(request, name).await?;
        }
        let (set, removed) = tag_changes(before, after);
        if set.is_empty() && removed.is_empty() {
            return Ok(());
        }
        let arn = self.ready(request, name).await?;
        if !removed.is_empty() {
            self.run(request, "UntagResource", json!({"Resource": arn, "TagKeys": removed})).await?;
        }
        if !set.is_empty() {
            self.run(request, "TagResource", json!({"Resource": arn, "Tags": set})).await?;
        }
        Ok(())
    }

    async fn exists(&self, request: &Request, name: &str) -> Result<Option<bool>, Failure> {
        found(SERVICE, call(&self.0, &request.caller, "GetFunctionConfiguration", json!({"FunctionName": name})).await)
    }

    async fn delete(&self, request: &Request, name: &str) -> Result<(), Failure> {
        deleted(SERVICE, call(&self.0, &request.caller, "DeleteFunction", json!({"FunctionName": name})).await)
    }
}
