//! `AWS::Lambda::Permission`.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{
    Attributes, Failure, Kind, Provider, Request, Schema, Tags, deleted,
    lambda_function::{SERVICE, call},
    property, unsupported,
};
use crate::lambda::Lambda;

static SCHEMA: Schema = Schema {
    type_name: "AWS::Lambda::Permission",
    properties: &[
        property("Action", Kind::String).required().replaces(),
        property("FunctionName", Kind::String).required().replaces(),
        property("Principal", Kind::String).required().replaces(),
        property("SourceArn", Kind::String).replaces(),
        property("SourceAccount", Kind::String).replaces(),
        unsupported("EventSourceToken"),
        unsupported("FunctionUrlAuthType"),
        unsupported("InvokedViaFunctionUrl"),
        unsupported("PrincipalOrgID"),
    ],
    attributes: &["Id"],
    tags: Tags::None,
    identifiers: &["FunctionName", "Id"],
    name: None,
};

/// Statements of functions' resource policies.
pub(super) struct Permission(pub Arc<Lambda>);

#[async_trait]
impl Provider for Permission {
    fn schema(&self) -> &'static Schema {
        &SCHEMA
    }

    async fn create(&self, request: &Request) -> Result<String, Failure> {
        let id = request.generated_name(100);
        let mut input = request.properties.clone();
        input.insert("StatementId".into(), id.as_str().into());
        call(&self.0, &request.caller, "AddPermission", Value::Object(input))
            .await
            .map_err(|error| Failure::of(SERVICE, &error))?;
        Ok(id)
    }

    async fn settle(&self, _: &Request, id: &str) -> Result<Attributes, Failure> {
        Ok(Attributes::from_iter([("Id".to_owned(), Value::from(id))]))
    }

    async fn update(&self, _: &Request, _: &str, _: &Map<String, Value>) -> Result<(), Failure> {
        // Every property makes a new statement.
        Ok(())
    }

    async fn delete(&self, request: &Request, id: &str) -> Result<(), Failure> {
        let input = json!({"FunctionName": request.text("FunctionName"), "StatementId": id});
        deleted(SERVICE, call(&self.0, &request.caller, "RemovePermission", input).await)
    }
}
