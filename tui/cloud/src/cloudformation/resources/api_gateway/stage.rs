//! `AWS::ApiGatewayV2::Stage`.

use serde_json::{Map, Value, json};

use super::{
    super::{Kind, Schema, Tags, property, unsupported},
    Part,
};

/// Requests a second and at once that an account has, which is what a stage has by itself.
const ACCOUNT_RATE: u32 = 10_000;
const ACCOUNT_BURST: u32 = 5_000;

static SCHEMA: Schema = Schema {
    type_name: "AWS::ApiGatewayV2::Stage",
    properties: &[
        property("ApiId", Kind::String).required().replaces(),
        property("StageName", Kind::String).required().replaces(),
        property("AutoDeploy", Kind::Boolean),
        property("DeploymentId", Kind::String),
        property("Description", Kind::String),
        property(
            "DefaultRouteSettings",
            Kind::Object(&[
                property("ThrottlingRateLimit", Kind::Number),
                property("ThrottlingBurstLimit", Kind::Integer),
                property("DetailedMetricsEnabled", Kind::Boolean),
                property("LoggingLevel", Kind::String),
                property("DataTraceEnabled", Kind::Boolean),
            ]),
        ),
        property("RouteSettings", Kind::Json),
        property(
            "AccessLogSettings",
            Kind::Object(&[property("DestinationArn", Kind::String), property("Format", Kind::String)]),
        ),
        property("StageVariables", Kind::Map),
        property("Tags", Kind::Map),
        unsupported("AccessPolicyId"),
        unsupported("ClientCertificateId"),
    ],
    attributes: &[],
    tags: Tags::Map,
    identifiers: &["ApiId", "StageName"],
    name: None,
};

/// A deployed state of an API, under a path.
pub(in super::super) static STAGE: Part =
    Part { schema: &SCHEMA, noun: "Stage", id: "stageName", id_attribute: "", undo };

fn undo(property: &str, before: &Value) -> Option<Value> {
    match property {
        "Description" => Some(json!("")),
        "AutoDeploy" => Some(json!(false)),
        "AccessLogSettings" => Some(json!({"DestinationArn": "", "Format": ""})),
        "DefaultRouteSettings" => Some(json!({
            "ThrottlingRateLimit": ACCOUNT_RATE,
            "ThrottlingBurstLimit": ACCOUNT_BURST,
            "DetailedMetricsEnabled": false,
        })),
        "StageVariables" => {
            // An empty value takes a variable away.
            let names = before.as_object().into_iter().flatten().map(|(name, _)| (name.clone(), json!("")));
            Some(Value::Object(names.collect::<Map<_, _>>()))
        }
        _ => None,
    }
}
