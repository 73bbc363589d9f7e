//! `AWS::IAM::Role`.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    Attributes, Failure, Kind, Provider, Request, Schema, Tags, deleted, found, is_gone, property,
    tags::{TAG_LIST, tag_changes, tag_list},
};
use crate::{
    caller::Caller,
    iam::Iam,
    wire::{Input, ServiceResult},
};

pub(super) const SERVICE: &str = "Iam";

static SCHEMA: Schema = Schema {
    type_name: "AWS::IAM::Role",
    properties: &[
        property("RoleName", Kind::String).replaces(),
        property("Path", Kind::String).replaces(),
        property("AssumeRolePolicyDocument", Kind::Json).required(),
        property("Description", Kind::String),
        property("ManagedPolicyArns", Kind::List(&Kind::String)),
        property("MaxSessionDuration", Kind::Integer),
        property("PermissionsBoundary", Kind::String),
        property(
            "Policies",
            Kind::List(&Kind::Object(&[
                property("PolicyName", Kind::String).required(),
                property("PolicyDocument", Kind::Json).required(),
            ])),
        ),
        property("Tags", TAG_LIST),
    ],
    attributes: &["Arn", "RoleId"],
    tags: Tags::List,
    identifiers: &["RoleName"],
    name: Some("RoleName"),
};

/// Roles with the policies that stand in them.
pub(super) struct Role(pub Arc<Iam>);

/// A policy document as text, as IAM takes it.
pub(super) fn document(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An IAM operation.
pub(super) async fn call(iam: &Iam, caller: &Caller, operation: &str, input: Value) -> ServiceResult {
    iam.call(caller, operation, Input::new(operation, input)?).await
}

/// Inline policies by name.
fn policies(properties: &Map<String, Value>) -> Map<String, Value> {
    let policies = properties.get("Policies").and_then(Value::as_array);
    policies
        .into_iter()
        .flatten()
        .filter_map(|policy| Some((policy["PolicyName"].as_str()?.to_owned(), policy["PolicyDocument"].clone())))
        .collect()
}

fn managed(properties: &Map<String, Value>) -> BTreeSet<String> {
    let arns = properties.get("ManagedPolicyArns").and_then(Value::as_array);
    arns.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Role {
    async fn run(&self, request: &Request, operation: &str, input: Value) -> Result<Value, Failure> {
        call(&self.0, &request.caller, operation, input).await.map_err(|error| Failure::of(SERVICE, &error))
    }

    /// Brings the policies from those of `before` to those of the request.
    async fn set_policies(&self, request: &Request, name: &str, before: &Map<String, Value>) -> Result<(), Failure> {
        let (old, new) = (policies(before), policies(&request.properties));
        for (policy, value) in new.iter().filter(|(policy, value)| old.get(*policy) != Some(value)) {
            let input = json!({"RoleName": name, "PolicyName": policy, "PolicyDocument": document(value)});
            self.run(request, "PutRolePolicy", input).await?;
        }
        for policy in old.keys().filter(|policy| !new.contains_key(*policy)) {
            let input = json!({"RoleName": name, "PolicyName": policy});
            deleted(SERVICE, call(&self.0, &request.caller, "DeleteRolePolicy", input).await)?;
        }
        let (old, new) = (managed(before), managed(&request.properties));
        for arn in new.difference(&old) {
            self.run(request, "AttachRolePolicy", json!({"RoleName": name, "PolicyArn": arn})).await?;
        }
        for arn in old.difference(&new) {
            let input = json!({"RoleName": name, "PolicyArn": arn});
            deleted(SERVICE, call(&self.0, &request.caller, "DetachRolePolicy", input).await)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Provider for Role {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        let name = request.name("RoleName", 64);
        let trust = request.properties.get("AssumeRolePolicyDocument").map(document);
        let mut input = json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
        for member in ["Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags"] {
            if let Some(value) = request.properties.get(member) {
                input[member] = value.clone();
            }
        }
        self.run(request, "CreateRole", input).await?;
        // A role whose policies are refused is not left behind without a record.
        if let Err(failure) = self.set_policies(request, &name, &Map::new()).await {
            self.delete(request, &name).await?;
            return Err(failure);
        }
        Ok(name)
    }

    async fn settle(&self, request: &Request, name: &str) -> Result<Attributes, Failure> {
        let output = self.run(request, "GetRole", json!({"RoleName": name})).await?;
        let mut attributes = Attributes::new();
        for attribute in SCHEMA.attributes {
            attributes.insert((*attribute).to_owned(), output["Role"][*attribute].clone());
        }
        Ok(attributes)
    }

    async fn update(&self, request: &Request, name: &str, before: &Map<String, Value>) -> Result<(), Failure> {
        let after = &request.properties;
        let changed = |member: &str| before.get(member) != after.get(member);
        if changed("AssumeRolePolicyDocument")
            && let Some(trust) = after.get("AssumeRolePolicyDocument")
        {
            let input = json!({"RoleName": name, "PolicyDocument": document(trust)});
            self.run(request, "UpdateAssumeRolePolicy", input).await?;
        }
        if changed("Description") || changed("MaxSessionDuration") {
            let input = json!({
                "RoleName": name,
                "Description": request.text("Description").unwrap_or_default(),
                "MaxSessionDuration": after.get("MaxSessionDuration").cloned().unwrap_or_else(|| 3600.into()),
            });
            self.run(request, "UpdateRole", input).await?;
        }
        if changed("PermissionsBoundary") {
            if let Some(boundary) = request.text("PermissionsBoundary") {
                let input = json!({"RoleName": name, "PermissionsBoundary": boundary});
                self.run(request, "PutRolePermissionsBoundary", input).await?;
            } else {
                let input = json!({"RoleName": name});
                let result = call(&self.0, &request.caller, "DeleteRolePermissionsBoundary", input).await;
                deleted(SERVICE, result)?;
            }
        }
        self.set_policies(request, name, before).await?;
        let (set, removed) = tag_changes(before, after);
        if !removed.is_empty() {
            self.run(request, "UntagRole", json!({"RoleName": name, "TagKeys": removed})).await?;
        }
        if !set.is_empty() {
            self.run(request, "TagRole", json!({"RoleName": name, "Tags": tag_list(&set)})).await?;
        }
        Ok(())
    }

    async fn exists(&self, request: &Request, name: &str) -> Result<Option<bool>, Failure> {
        found(SERVICE, call(&self.0, &request.caller, "GetRole", json!({"RoleName": name})).await)
    }

    async fn delete(&self, request: &Request, name: &str) -> Result<(), Failure> {
        for (list, members, operation, member) in [
            ("ListRolePolicies", "PolicyNames", "DeleteRolePolicy", "PolicyName"),
            ("ListAttachedRolePolicies", "AttachedPolicies", "DetachRolePolicy", "PolicyArn"),
        ] {
            // Policies of other resources, `AWS::IAM::Policy`, are theirs: they went before, since
            // they wait for the role, and what somebody else put there goes with the role.
            let output = match call(&self.0, &request.caller, list, json!({"RoleName": name})).await {
                Err(error) if is_gone(&error) => return Ok(()),
                other => other.map_err(|error| Failure::of(SERVICE, &error))?,
            };
            for found in output[members].as_array().into_iter().flatten() {
                let named = found.as_str().map_or_else(|| found["PolicyArn"].clone(), Value::from);
                let mut input = json!({"RoleName": name});
                input[member] = named;
                deleted(SERVICE, call(&self.0, &request.caller, operation, input).await)?;
            }
        }
        deleted(SERVICE, call(&self.0, &request.caller, "DeleteRole", json!({"RoleName": name})).await)
    }
}
