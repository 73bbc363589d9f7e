//! `AWS::ApiGatewayV2::Integration`.

use serde_json::{Value, json};

use super::{
    super::{Kind, Schema, Tags, property, unsupported},
    Part,
};

static SCHEMA: Schema = Schema {
    type_name: "AWS::ApiGatewayV2::Integration",
    properties: &[
        property("ApiId", Kind::String).required().replaces(),
        property("IntegrationType", Kind::String).required(),
        property("IntegrationUri", Kind::String),
        property("IntegrationMethod", Kind::String),
        property("PayloadFormatVersion", Kind::String),
        property("TimeoutInMillis", Kind::Integer),
        property("ConnectionType", Kind::String),
        property("Description", Kind::String),
        unsupported("ConnectionId"),
        unsupported("ContentHandlingStrategy"),
        unsupported("CredentialsArn"),
        unsupported("IntegrationSubtype"),
        unsupported("PassthroughBehavior"),
        unsupported("RequestParameters"),
        unsupported("RequestTemplates"),
        unsupported("ResponseParameters"),
        unsupported("TemplateSelectionExpression"),
        unsupported("TlsConfig"),
    ],
    attributes: &["IntegrationId"],
    tags: Tags::None,
    identifiers: &["ApiId", "IntegrationId"],
    name: None,
};

/// What stands behind routes.
pub(in super::super) static INTEGRATION: Part =
    Part { schema: &SCHEMA, noun: "Integration", id: "integrationId", id_attribute: "IntegrationId", undo };

fn undo(property: &str, _: &Value) -> Option<Value> {
    match property {
        "Description" => Some(json!("")),
        "TimeoutInMillis" => Some(json!(30_000)),
        "ConnectionType" => Some(json!("INTERNET")),
        "IntegrationMethod" => Some(json!("POST")),
        _ => None,
    }
}
