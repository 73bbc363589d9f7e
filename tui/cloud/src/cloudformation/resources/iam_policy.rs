//! `AWS::IAM::Policy`: a policy that stands beside the roles that it is put into.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    Attributes, Failure, Kind, Provider, Request, Schema, Tags, deleted,
    iam_role::{SERVICE, call, document},
    property, unsupported,
};
use crate::iam::Iam;

static SCHEMA: Schema = Schema {
    type_name: "AWS::IAM::Policy",
    properties: &[
        property("PolicyName", Kind::String).required().replaces(),
        property("PolicyDocument", Kind::Json).required(),
        property("Roles", Kind::List(&Kind::String)),
        unsupported("Users"),
        unsupported("Groups"),
    ],
    attributes: &["Id"],
    tags: Tags::None,
    identifiers: &["Id"],
    name: None,
};

/// Inline policies of roles.
pub(super) struct Policy(pub Arc<Iam>);

fn roles(properties: &Map<String, Value>) -> Vec<&str> {
    properties.get("Roles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

impl Policy {
    async fn put(&self, request: &Request, name: &str) -> Result<(), Failure> {
        let policy = request.properties.get("PolicyDocument").map(document);
        for role in roles(&request.properties) {
            let input = json!({"RoleName": role, "PolicyName": name, "PolicyDocument": policy});
            call(&self.0, &request.caller, "PutRolePolicy", input)
                .await
                .map_err(|error| Failure::of(SERVICE, &error))?;
        }
        Ok(())
    }

    async fn take_from(&self, request: &Request, name: &str, roles: &[&str]) -> Result<(), Failure> {
        for role in roles {
            let input = json!({"RoleName": role, "PolicyName": name});
            deleted(SERVICE, call(&self.0, &request.caller, "DeleteRolePolicy", input).await)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Provider for Policy {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        let name = request.text("PolicyName").unwrap_or_default().to_owned();
        if roles(&request.properties).is_empty() {
            return Err(Failure("At least one of [Groups,Roles,Users] must be non-empty.".to_owned()));
        }
        self.put(request, &name).await?;
        Ok(name)
    }

    async fn settle(&self, _: &Request, name: &str) -> Result<Attributes, Failure> {
        Ok(Attributes::from_iter([("Id".to_owned(), Value::from(name))]))
    }

    async fn update(&self, request: &Request, name: &str, before: &Map<String, Value>) -> Result<(), Failure> {
        self.put(request, name).await?;
        let after = roles(&request.properties);
        let left: Vec<&str> = roles(before).into_iter().filter(|role| !after.contains(role)).collect();
        self.take_from(request, name, &left).await
    }

    async fn delete(&self, request: &Request, name: &str) -> Result<(), Failure> {
        self.take_from(request, name, &roles(&request.properties)).await
    }
}
