//! `AWS::ApiGatewayV2::Route`.

use serde_json::{Value, json};

use super::{
    super::{Kind, Schema, Tags, property, unsupported},
    Part,
};

static SCHEMA: Schema = Schema {
    type_name: "AWS::ApiGatewayV2::Route",
    properties: &[
        property("ApiId", Kind::String).required().replaces(),
        property("RouteKey", Kind::String).required(),
        property("Target", Kind::String),
        property("AuthorizationType", Kind::String),
        property("AuthorizerId", Kind::String),
        property("AuthorizationScopes", Kind::List(&Kind::String)),
        property("OperationName", Kind::String),
        property("ApiKeyRequired", Kind::Boolean),
        unsupported("ModelSelectionExpression"),
        unsupported("RequestModels"),
        unsupported("RequestParameters"),
        unsupported("RouteResponseSelectionExpression"),
    ],
    attributes: &["RouteId"],
    tags: Tags::None,
    identifiers: &["ApiId", "RouteId"],
    name: None,
};

/// Which requests go where.
pub(in super::super) static ROUTE: Part =
    Part { schema: &SCHEMA, noun: "Route", id: "routeId", id_attribute: "RouteId", undo };

fn undo(property: &str, _: &Value) -> Option<Value> {
    match property {
        "AuthorizationType" => Some(json!("NONE")),
        // Gone with the type that it belongs to.
        "AuthorizerId" => Some(Value::Null),
        "AuthorizationScopes" => Some(json!([])),
        "OperationName" => Some(json!("")),
        "ApiKeyRequired" => Some(json!(false)),
        _ => None,
    }
}
