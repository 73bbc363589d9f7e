//! `AWS::ApiGatewayV2::Authorizer`.

use serde_json::Value;

use super::{
    super::{Kind, Schema, Tags, property, unsupported},
    Part,
};

static SCHEMA: Schema = Schema {
    type_name: "AWS::ApiGatewayV2::Authorizer",
    properties: &[
        property("ApiId", Kind::String).required().replaces(),
        property("AuthorizerType", Kind::String).required(),
        property("Name", Kind::String).required(),
        property("IdentitySource", Kind::List(&Kind::String)),
        property(
            "JwtConfiguration",
            Kind::Object(&[property("Audience", Kind::List(&Kind::String)), property("Issuer", Kind::String)]),
        ),
        unsupported("AuthorizerCredentialsArn"),
        unsupported("AuthorizerPayloadFormatVersion"),
        unsupported("AuthorizerResultTtlInSeconds"),
        unsupported("AuthorizerUri"),
        unsupported("EnableSimpleResponses"),
        unsupported("IdentityValidationExpression"),
    ],
    attributes: &["AuthorizerId"],
    tags: Tags::None,
    identifiers: &["AuthorizerId", "ApiId"],
    name: None,
};

/// What checks a bearer token.
pub(in super::super) static AUTHORIZER: Part =
    Part { schema: &SCHEMA, noun: "Authorizer", id: "authorizerId", id_attribute: "AuthorizerId", undo };

fn undo(_: &str, _: &Value) -> Option<Value> {
    None
}
