//! `AWS::ApiGatewayV2::Deployment`.

use serde_json::{Value, json};

use super::{
    super::{Kind, Schema, Tags, property},
    Part,
};

static SCHEMA: Schema = Schema {
    type_name: "AWS::ApiGatewayV2::Deployment",
    properties: &[
        property("ApiId", Kind::String).required().replaces(),
        property("Description", Kind::String),
        property("StageName", Kind::String).replaces(),
    ],
    attributes: &["DeploymentId"],
    tags: Tags::None,
    identifiers: &["ApiId", "DeploymentId"],
    name: None,
};

/// A snapshot of an API that stages serve.
pub(in super::super) static DEPLOYMENT: Part =
    Part { schema: &SCHEMA, noun: "Deployment", id: "deploymentId", id_attribute: "DeploymentId", undo };

fn undo(property: &str, _: &Value) -> Option<Value> {
    (property == "Description").then(|| json!(""))
}
