//! `AWS::ApiGatewayV2::…`: the parts of an HTTP API. They differ in their members alone: each file
//! here says what one takes, this one makes, changes and deletes them.

pub(super) mod api;
pub(super) mod authorizer;
pub(super) mod deployment;
pub(super) mod integration;
pub(super) mod route;
pub(super) mod stage;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{Attributes, Failure, Kind, Property, Provider, Request, Schema, deleted, found, tags::tag_changes};
use crate::{
    Place,
    caller::Caller,
    gateway::Gateway,
    wire::{Input, ServiceResult, input::lower_first},
};

const SERVICE: &str = "ApiGatewayV2";

/// What one part of an API is called, and what it is where a template stops saying something.
pub(super) struct Part {
    pub schema: &'static Schema,
    /// `Api`, `Route`, …: what `Create`, `Update`, `Delete` take in their names.
    pub noun: &'static str,
    /// The member that names one: `routeId`.
    pub id: &'static str,
    /// The attribute that gives the id; `""`: none does.
    pub id_attribute: &'static str,
    /// A property that is no longer there, as the value that undoes it; `None`: it cannot be undone.
    pub undo: fn(property: &str, before: &Value) -> Option<Value>,
}

/// One part of APIs.
pub(super) struct PartProvider {
    pub part: &'static Part,
    pub gateway: Arc<Gateway>,
    pub place: Arc<Place>,
}

impl PartProvider {
    async fn call(&self, caller: &Caller, operation: &str, input: Value) -> ServiceResult {
        self.gateway.call(caller, operation, Input::new(operation, input)?).await
    }

    async fn run(&self, request: &Request, operation: &str, input: Value) -> Result<Value, Failure> {
        self.call(&request.caller, operation, input).await.map_err(|error| Failure::of(SERVICE, &error))
    }

    /// The members that name a part: the API's id and its own.
    fn named(&self, request: &Request, physical_id: &str) -> Map<String, Value> {
        let mut members = Map::new();
        if let Some(api_id) = request.properties.get("ApiId") {
            members.insert("apiId".into(), api_id.clone());
        }
        members.insert(self.part.id.into(), physical_id.into());
        members
    }

    fn verb(&self, verb: &str) -> String {
        format!("{verb}{}", self.part.noun)
    }

    fn resource_arn(&self, request: &Request, physical_id: &str) -> String {
        let path = match request.text("ApiId") {
            Some(api_id) => format!("/apis/{api_id}/stages/{physical_id}"),
            None => format!("/apis/{physical_id}"),
        };
        format!("arn:aws:apigateway:{}::{path}", self.place.region)
    }
}

/// Properties with the member names of the wire, which begin small; keys of maps stay as they are.
fn on_the_wire(schema: &[Property], properties: &Map<String, Value>) -> Map<String, Value> {
    properties
        .iter()
        .map(|(name, value)| {
            let kind = schema.iter().find(|property| property.name == name).map(|property| property.kind);
            (lower_first(name), kind.map_or_else(|| value.clone(), |kind| value_on_the_wire(kind, value)))
        })
        .collect()
}

fn value_on_the_wire(kind: Kind, value: &Value) -> Value {
    match (kind, value) {
        (Kind::Object(schema), Value::Object(members)) => Value::Object(on_the_wire(schema, members)),
        (Kind::List(item), Value::Array(items)) => {
            Value::Array(items.iter().map(|value| value_on_the_wire(*item, value)).collect())
        }
        _ => value.clone(),
    }
}

#[async_trait]
impl Provider for PartProvider {
    fn schema(&self) -> &'static Schema {
        self.part.schema
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        let input = on_the_wire(self.part.schema.properties, &request.properties);
        let output = self.run(request, &self.verb("Create"), Value::Object(input)).await?;
        Ok(output[self.part.id].as_str().unwrap_or_default().to_owned())
    }

    async fn settle(&self, request: &Request, physical_id: &str) -> Result<Attributes, Failure> {
        let mut attributes = Attributes::new();
        if !self.part.id_attribute.is_empty() {
            attributes.insert(self.part.id_attribute.into(), physical_id.into());
        }
        if self.part.schema.attributes.contains(&"ApiEndpoint") {
            let output = self.run(request, "GetApi", json!({"apiId": physical_id})).await?;
            attributes.insert("ApiEndpoint".into(), output["apiEndpoint"].clone());
        }
        Ok(attributes)
    }

    async fn update(&self, request: &Request, physical_id: &str, before: &Map<String, Value>) -> Result<(), Failure> {
        let mut changed: Map<String, Value> = Map::new();
        for (name, value) in &request.properties {
            if name != "Tags" && before.get(name) != Some(value) {
                changed.insert(name.clone(), value.clone());
            }
        }
        for (name, value) in before {
            if name == "Tags" || request.properties.contains_key(name) {
                continue;
            }
            let undone = (self.part.undo)(name, value).ok_or_else(|| {
                Failure(format!(
                    "The embedded cloud does not support the removal of the property {name} of {}.",
                    self.part.schema.type_name
                ))
            })?;
            changed.insert(name.clone(), undone);
        }
        if !changed.is_empty() {
            let mut input = on_the_wire(self.part.schema.properties, &changed);
            input.extend(self.named(request, physical_id));
            self.run(request, &self.verb("Update"), Value::Object(input)).await?;
        }
        let (set, removed) = tag_changes(before, &request.properties);
        let arn = self.resource_arn(request, physical_id);
        if !removed.is_empty() {
            self.run(request, "UntagResource", json!({"resourceArn": arn, "tagKeys": removed})).await?;
        }
        if !set.is_empty() {
            self.run(request, "TagResource", json!({"resourceArn": arn, "tags": set})).await?;
        }
        Ok(())
    }

    async fn exists(&self, request: &Request, physical_id: &str) -> Result<Option<bool>, Failure> {
        let input = Value::Object(self.named(request, physical_id));
        found(SERVICE, self.call(&request.caller, &self.verb("Get"), input).await)
    }

    async fn delete(&self, request: &Request, physical_id: &str) -> Result<(), Failure> {
        let input = Value::Object(self.named(request, physical_id));
        deleted(SERVICE, self.call(&request.caller, &self.verb("Delete"), input).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_names_begin_small_and_keys_of_maps_stay() {
        let Value::Object(properties) = json!({
            "ApiId": "a",
            "DefaultRouteSettings": {"ThrottlingRateLimit": 5},
            "StageVariables": {"Key": "v"},
            "RouteSettings": {"GET /A": {"ThrottlingBurstLimit": 1}},
        }) else {
            unreachable!("an object")
        };
        assert_eq!(
            Value::Object(on_the_wire(stage::STAGE.schema.properties, &properties)),
            json!({
                "apiId": "a",
                "defaultRouteSettings": {"throttlingRateLimit": 5},
                "stageVariables": {"Key": "v"},
                "routeSettings": {"GET /A": {"ThrottlingBurstLimit": 1}},
            })
        );
    }
}
