//! Operations on routes.

use serde_json::{Value, json};

use super::{
    super::{
        Gateway,
        data::routing::RouteKey,
        model::{Authorization, Config, Route},
    },
    bad_request, conflict, new_id, not_found, page, set,
};
use crate::wire::{Input, ServiceError, ServiceResult};

impl Gateway {
    pub(super) fn create_route(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let key = RouteKey::parse(&input.required("routeKey")?).map_err(bad_request)?;
        self.change(&api_id, |api| {
            let mut route = Route { key, integration: None, authorization: Authorization::Open, operation_name: None };
            take_settings(&mut input, &mut route, &api.config)?;
            input.finish()?;
            let id = new_id(7);
            check_key_is_free(&api.config, &id, &route.key)?;
            let described = describe(&id, &route);
            api.config.routes.insert(id, route);
            Ok(described)
        })
    }

    pub(super) fn get_routes(&self, mut input: Input) -> ServiceResult {
        let api = self.api(&input.required("apiId")?)?;
        page(input, api.config.routes.iter().map(|(id, route)| describe(id, route)).collect())
    }

    pub(super) fn get_route(&self, mut input: Input) -> ServiceResult {
        let api = self.api(&input.required("apiId")?)?;
        let id = input.required("routeId")?;
        input.finish()?;
        Ok(describe(&id, api.config.routes.get(&id).ok_or_else(|| not_found("Route", &id))?))
    }

    pub(super) fn update_route(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let id = input.required("routeId")?;
        self.change(&api_id, |api| {
            let mut route = api.config.routes.get(&id).cloned().ok_or_else(|| not_found("Route", &id))?;
            if let Some(key) = input.string("routeKey")? {
                route.key = RouteKey::parse(&key).map_err(bad_request)?;
                check_key_is_free(&api.config, &id, &route.key)?;
            }
            take_settings(&mut input, &mut route, &api.config)?;
            input.finish()?;
            let described = describe(&id, &route);
            api.config.routes.insert(id, route);
            Ok(described)
        })
    }

    pub(super) fn delete_route(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let id = input.required("routeId")?;
        input.finish()?;
        self.change(&api_id, |api| {
            api.config.routes.remove(&id).ok_or_else(|| not_found("Route", &id))?;
            Ok(Value::Null)
        })
    }
}

fn check_key_is_free(config: &Config, id: &str, key: &RouteKey) -> ServiceResult<()> {
    if config.routes.iter().any(|(other, route)| other != id && route.key.same_requests(key)) {
        return Err(conflict(format!("Route with key {key} already exists for this API")));
    }
    Ok(())
}

fn take_settings(input: &mut Input, route: &mut Route, config: &Config) -> ServiceResult<()> {
    if let Some(target) = input.string("target")? {
        let integration = target.strip_prefix("integrations/").unwrap_or_default();
        if !config.integrations.contains_key(integration) {
            return Err(bad_request(format!("Unable to find the integration that the target {target} names")));
        }
        route.integration = Some(integration.to_owned());
    }
    if let Some(name) = input.string("operationName")? {
        route.operation_name = Some(name);
    }
    if input.boolean("apiKeyRequired")? == Some(true) {
        // HTTP APIs have no keys.
        return Err(ServiceError::unsupported_member(input.operation(), "apiKeyRequired"));
    }
    take_authorization(input, route, config)
}

fn take_authorization(input: &mut Input, route: &mut Route, config: &Config) -> ServiceResult<()> {
    let kind = input.string("authorizationType")?;
    let given_scopes = input.peek("authorizationScopes").is_some();
    let mut scopes = input.strings("authorizationScopes")?;
    let mut authorizer = input.string("authorizerId")?;
    if let Authorization::Jwt { authorizer: old, scopes: old_scopes } = &route.authorization {
        authorizer = authorizer.or_else(|| Some(old.clone()));
        if !given_scopes {
            scopes.clone_from(old_scopes);
        }
    }
    let is_jwt = matches!(route.authorization, Authorization::Jwt { .. });
    route.authorization = match kind.as_deref() {
        Some("NONE") => Authorization::Open,
        Some("AWS_IAM") => Authorization::Iam,
        Some("JWT") => jwt(authorizer, scopes, config)?,
        None if is_jwt => jwt(authorizer, scopes, config)?,
        None if authorizer.is_some() || !scopes.is_empty() => {
            return Err(bad_request("An authorizer or scopes stand only beside the authorizationType JWT"));
        }
        None => return Ok(()),
        Some(other) => {
            let member = format!("authorizationType {other}");
            return Err(ServiceError::unsupported_member(input.operation(), &member));
        }
    };
    Ok(())
}

fn jwt(authorizer: Option<String>, scopes: Vec<String>, config: &Config) -> ServiceResult<Authorization> {
    let authorizer =
        authorizer.ok_or_else(|| bad_request("An authorizerId is required where the authorizationType is JWT"))?;
    if !config.authorizers.contains_key(&authorizer) {
        return Err(bad_request(format!("Invalid authorizer ID specified: {authorizer}")));
    }
    Ok(Authorization::Jwt { authorizer, scopes })
}

fn describe(id: &str, route: &Route) -> Value {
    let kind = match &route.authorization {
        Authorization::Open => "NONE",
        Authorization::Iam => "AWS_IAM",
        Authorization::Jwt { .. } => "JWT",
    };
    let mut described = json!({
        "apiKeyRequired": false,
        "authorizationType": kind,
        "routeId": id,
        "routeKey": route.key.to_string(),
    });
    if let Authorization::Jwt { authorizer, scopes } = &route.authorization {
        described["authorizerId"] = authorizer.clone().into();
        set(&mut described, "authorizationScopes", (!scopes.is_empty()).then(|| scopes.clone()));
    }
    set(&mut described, "operationName", route.operation_name.clone());
    set(&mut described, "target", route.integration.as_ref().map(|id| format!("integrations/{id}")));
    described
}
