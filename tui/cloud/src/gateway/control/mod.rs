//! API Gateway's own API, version 2, for HTTP APIs.

mod apis;
mod authorizers;
mod deployments;
mod integrations;
mod routes;
mod stages;
mod tags;

use rand::RngExt;
use serde_json::{Value, json};

use super::Gateway;
use crate::wire::{Input, Request, ServiceError, ServiceResult, rest_json};

/// Where each operation is.
const ROUTES: &[rest_json::Route] = &[
    ("CreateApi", "POST", "/v2/apis", 201),
    ("GetApis", "GET", "/v2/apis", 200),
    ("GetApi", "GET", "/v2/apis/{apiId}", 200),
    ("UpdateApi", "PATCH", "/v2/apis/{apiId}", 200),
    ("DeleteApi", "DELETE", "/v2/apis/{apiId}", 204),
    ("DeleteCorsConfiguration", "DELETE", "/v2/apis/{apiId}/cors", 204),
    ("CreateIntegration", "POST", "/v2/apis/{apiId}/integrations", 201),
    ("GetIntegrations", "GET", "/v2/apis/{apiId}/integrations", 200),
    ("GetIntegration", "GET", "/v2/apis/{apiId}/integrations/{integrationId}", 200),
    ("UpdateIntegration", "PATCH", "/v2/apis/{apiId}/integrations/{integrationId}", 200),
    ("DeleteIntegration", "DELETE", "/v2/apis/{apiId}/integrations/{integrationId}", 204),
    ("CreateRoute", "POST", "/v2/apis/{apiId}/routes", 201),
    ("GetRoutes", "GET", "/v2/apis/{apiId}/routes", 200),
    ("GetRoute", "GET", "/v2/apis/{apiId}/routes/{routeId}", 200),
    ("UpdateRoute", "PATCH", "/v2/apis/{apiId}/routes/{routeId}", 200),
    ("DeleteRoute", "DELETE", "/v2/apis/{apiId}/routes/{routeId}", 204),
    ("CreateAuthorizer", "POST", "/v2/apis/{apiId}/authorizers", 201),
    ("GetAuthorizers", "GET", "/v2/apis/{apiId}/authorizers", 200),
    ("GetAuthorizer", "GET", "/v2/apis/{apiId}/authorizers/{authorizerId}", 200),
    ("UpdateAuthorizer", "PATCH", "/v2/apis/{apiId}/authorizers/{authorizerId}", 200),
    ("DeleteAuthorizer", "DELETE", "/v2/apis/{apiId}/authorizers/{authorizerId}", 204),
    ("CreateStage", "POST", "/v2/apis/{apiId}/stages", 201),
    ("GetStages", "GET", "/v2/apis/{apiId}/stages", 200),
    ("GetStage", "GET", "/v2/apis/{apiId}/stages/{stageName}", 200),
    ("UpdateStage", "PATCH", "/v2/apis/{apiId}/stages/{stageName}", 200),
    ("DeleteStage", "DELETE", "/v2/apis/{apiId}/stages/{stageName}", 204),
    ("DeleteAccessLogSettings", "DELETE", "/v2/apis/{apiId}/stages/{stageName}/accesslogsettings", 204),
    ("DeleteRouteSettings", "DELETE", "/v2/apis/{apiId}/stages/{stageName}/routesettings/{routeKey}", 204),
    ("CreateDeployment", "POST", "/v2/apis/{apiId}/deployments", 201),
    ("GetDeployments", "GET", "/v2/apis/{apiId}/deployments", 200),
    ("GetDeployment", "GET", "/v2/apis/{apiId}/deployments/{deploymentId}", 200),
    ("UpdateDeployment", "PATCH", "/v2/apis/{apiId}/deployments/{deploymentId}", 200),
    ("DeleteDeployment", "DELETE", "/v2/apis/{apiId}/deployments/{deploymentId}", 204),
    ("TagResource", "POST", "/v2/tags/{resourceArn+}", 201),
    ("UntagResource", "DELETE", "/v2/tags/{resourceArn+}", 204),
    ("GetTags", "GET", "/v2/tags/{resourceArn+}", 200),
];
/// Items in a page, where the caller names no number.
const PAGE_ITEMS: usize = 100;

/// Whether API Gateway has this operation here.
pub(crate) fn has_operation(name: &str) -> bool {
    ROUTES.iter().any(|(operation, ..)| *operation == name)
}

/// The operation that a request asks for.
pub(crate) fn operation_of(request: &Request) -> Option<&'static str> {
    let uri = request.uri();
    rest_json::route(ROUTES, request.method(), uri.path(), uri.query()).map(|matched| matched.operation)
}

/// The operation that a request asks for, its input, and the status of success.
pub(super) fn parse(request: &Request) -> ServiceResult<(&'static str, Input, u16)> {
    let uri = request.uri();
    let matched = rest_json::route(ROUTES, request.method(), uri.path(), uri.query()).ok_or_else(|| {
        ServiceError::unknown_operation("API Gateway", &format!("{} {}", request.method(), uri.path()))
    })?;
    let mut members = rest_json::body(request)?;
    for (name, values) in matched.query {
        let value = if name == "tagKeys" {
            Value::from(values)
        } else {
            Value::from(values.into_iter().next_back().unwrap_or_default())
        };
        members.insert(name, value);
    }
    members.extend(matched.path);
    Ok((matched.operation, Input::new(matched.operation, members.into())?, matched.status))
}

/// Carries an operation out.
pub(super) fn call(gateway: &Gateway, operation: &str, input: Input) -> ServiceResult {
    let result = match operation {
        "CreateApi" => gateway.create_api(input),
        "GetApis" => gateway.get_apis(input),
        "GetApi" => gateway.get_api(input),
        "UpdateApi" => gateway.update_api(input),
        "DeleteApi" => gateway.delete_api(input),
        "DeleteCorsConfiguration" => gateway.delete_cors_configuration(input),
        "CreateIntegration" => gateway.create_integration(input),
        "GetIntegrations" => gateway.get_integrations(input),
        "GetIntegration" => gateway.get_integration(input),
        "UpdateIntegration" => gateway.update_integration(input),
        "DeleteIntegration" => gateway.delete_integration(input),
        "CreateRoute" => gateway.create_route(input),
        "GetRoutes" => gateway.get_routes(input),
        "GetRoute" => gateway.get_route(input),
        "UpdateRoute" => gateway.update_route(input),
        "DeleteRoute" => gateway.delete_route(input),
        "CreateAuthorizer" => gateway.create_authorizer(input),
        "GetAuthorizers" => gateway.get_authorizers(input),
        "GetAuthorizer" => gateway.get_authorizer(input),
        "UpdateAuthorizer" => gateway.update_authorizer(input),
        "DeleteAuthorizer" => gateway.delete_authorizer(input),
        "CreateStage" => gateway.create_stage(input),
        "GetStages" => gateway.get_stages(input),
        "GetStage" => gateway.get_stage(input),
        "UpdateStage" => gateway.update_stage(input),
        "DeleteStage" => gateway.delete_stage(input),
        "DeleteAccessLogSettings" => gateway.delete_access_log_settings(input),
        "DeleteRouteSettings" => gateway.delete_route_settings(input),
        "CreateDeployment" => gateway.create_deployment(input),
        "GetDeployments" => gateway.get_deployments(input),
        "GetDeployment" => gateway.get_deployment(input),
        "UpdateDeployment" => gateway.update_deployment(input),
        "DeleteDeployment" => gateway.delete_deployment(input),
        "TagResource" => gateway.tag_resource(input),
        "UntagResource" => gateway.untag_resource(input),
        "GetTags" => gateway.get_tags(input),
        _ => Err(ServiceError::unknown_operation("API Gateway", operation)),
    };
    // API Gateway says `BadRequestException` where other services say `ValidationException`.
    result.map_err(|mut error| {
        if error.code == "ValidationException" {
            "BadRequestException".clone_into(&mut error.code);
        }
        error
    })
}

fn bad_request(message: impl Into<String>) -> ServiceError {
    ServiceError::bad_request("BadRequestException", message)
}

fn conflict(message: impl Into<String>) -> ServiceError {
    ServiceError::new(409, "ConflictException", message)
}

fn not_found(kind: &str, id: &str) -> ServiceError {
    ServiceError::not_found("NotFoundException", format!("Invalid {kind} identifier specified {id}"))
}

/// Small letters and digits, as API Gateway's ids.
fn new_id(length: usize) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    (0..length).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
}

/// A date as API Gateway writes it, to the second.
fn date(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Sets `member` of a JSON object where there is a value.
fn set(object: &mut Value, member: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[member] = value.into();
    }
}

/// Takes `maxResults` and `nextToken`, ends the taking, and gives that page of all items.
fn page(mut input: Input, items: Vec<Value>) -> ServiceResult {
    let count = match input.integer("maxResults")? {
        None => PAGE_ITEMS,
        Some(count) => usize::try_from(count)
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(|| bad_request("Invalid value for maxResults: it must be a positive number"))?,
    };
    let first = match input.string("nextToken")? {
        None => 0,
        Some(token) => token.parse::<usize>().map_err(|_| bad_request("Invalid nextToken"))?,
    };
    input.finish()?;
    let end = first.saturating_add(count);
    let more = end < items.len();
    let shown: Vec<Value> = items.into_iter().skip(first).take(count).collect();
    let mut output = json!({ "items": shown });
    set(&mut output, "nextToken", more.then(|| end.to_string()));
    Ok(output)
}
