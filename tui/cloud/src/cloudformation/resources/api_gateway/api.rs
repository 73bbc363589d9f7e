//! `AWS::ApiGatewayV2::Api`.

use serde_json::{Value, json};

use super::{
    super::{Kind, Schema, Tags, property, unsupported},
    Part,
};

static SCHEMA: Schema = Schema {
    type_name: "AWS::ApiGatewayV2::Api",
    properties: &[
        property("Name", Kind::String),
        property("ProtocolType", Kind::String).replaces(),
        property("Description", Kind::String),
        property("Version", Kind::String),
        property("RouteSelectionExpression", Kind::String),
        property("ApiKeySelectionExpression", Kind::String),
        property("DisableExecuteApiEndpoint", Kind::Boolean),
        property("IpAddressType", Kind::String),
        property("RouteKey", Kind::String),
        property("Target", Kind::String),
        property(
            "CorsConfiguration",
            Kind::Object(&[
                property("AllowCredentials", Kind::Boolean),
                property("AllowHeaders", Kind::List(&Kind::String)),
                property("AllowMethods", Kind::List(&Kind::String)),
                property("AllowOrigins", Kind::List(&Kind::String)),
                property("ExposeHeaders", Kind::List(&Kind::String)),
                property("MaxAge", Kind::Integer),
            ]),
        ),
        property("Tags", Kind::Map),
        unsupported("BasePath"),
        unsupported("Body"),
        unsupported("BodyS3Location"),
        unsupported("CredentialsArn"),
        unsupported("DisableSchemaValidation"),
        unsupported("FailOnWarnings"),
    ],
    attributes: &["ApiEndpoint", "ApiId"],
    tags: Tags::Map,
    identifiers: &["ApiId"],
    name: None,
};

/// An API.
pub(in super::super) static API: Part = Part { schema: &SCHEMA, noun: "Api", id: "apiId", id_attribute: "ApiId", undo };

fn undo(property: &str, _: &Value) -> Option<Value> {
    match property {
        "Description" | "Version" => Some(json!("")),
        "DisableExecuteApiEndpoint" => Some(json!(false)),
        "CorsConfiguration" => Some(json!({})),
        _ => None,
    }
}
