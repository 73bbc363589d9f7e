//! Operations on authorizers.

use serde_json::{Value, json};

use super::{
    super::{
        Gateway,
        data::jwt::TokenPlace,
        model::{Authorization, Authorizer},
    },
    bad_request, conflict, new_id, not_found, page,
};
use crate::wire::{Input, ServiceError, ServiceResult};

impl Gateway {
    pub(super) fn create_authorizer(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        check_type(&mut input)?;
        let mut authorizer = Authorizer {
            name: input.required("name")?,
            identity_source: String::new(),
            issuer: String::new(),
            audience: Vec::new(),
        };
        if input.peek("identitySource").is_none() || input.peek("jwtConfiguration").is_none() {
            return Err(bad_request("A JWT authorizer needs an identitySource and a jwtConfiguration"));
        }
        take_settings(&mut input, &mut authorizer)?;
        input.finish()?;
        let id = new_id(6);
        let described = describe(&id, &authorizer);
        self.change(&api_id, |api| {
            check_name_is_free(&api.config.authorizers, &id, &authorizer.name)?;
            api.config.authorizers.insert(id, authorizer);
            Ok(())
        })?;
        Ok(described)
    }

    pub(super) fn get_authorizers(&self, mut input: Input) -> ServiceResult {
        let api = self.api(&input.required("apiId")?)?;
        page(input, api.config.authorizers.iter().map(|(id, authorizer)| describe(id, authorizer)).collect())
    }

    pub(super) fn get_authorizer(&self, mut input: Input) -> ServiceResult {
        let api = self.api(&input.required("apiId")?)?;
        let id = input.required("authorizerId")?;
        input.finish()?;
        Ok(describe(&id, api.config.authorizers.get(&id).ok_or_else(|| not_found("Authorizer", &id))?))
    }

    pub(super) fn update_authorizer(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let id = input.required("authorizerId")?;
        self.change(&api_id, |api| {
            let mut authorizer =
                api.config.authorizers.get(&id).cloned().ok_or_else(|| not_found("Authorizer", &id))?;
            if input.peek("authorizerType").is_some() {
                check_type(&mut input)?;
            }
            if let Some(name) = input.string("name")? {
                check_name_is_free(&api.config.authorizers, &id, &name)?;
                authorizer.name = name;
            }
            take_settings(&mut input, &mut authorizer)?;
            input.finish()?;
            let described = describe(&id, &authorizer);
            api.config.authorizers.insert(id, authorizer);
            Ok(described)
        })
    }

    pub(super) fn delete_authorizer(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let id = input.required("authorizerId")?;
        input.finish()?;
        self.change(&api_id, |api| {
            let uses = |authorization: &Authorization| {
                matches!(authorization, Authorization::Jwt { authorizer, .. } if *authorizer == id)
            };
            if let Some(route) = api.config.routes.values().find(|route| uses(&route.authorization)) {
                return Err(conflict(format!("Cannot delete Authorizer '{id}'. The route {} uses it.", route.key)));
            }
            api.config.authorizers.remove(&id).ok_or_else(|| not_found("Authorizer", &id))?;
            Ok(Value::Null)
        })
    }
}

fn check_type(input: &mut Input) -> ServiceResult<()> {
    match input.required("authorizerType")?.as_str() {
        "JWT" => Ok(()),
        other => Err(ServiceError::unsupported_member(input.operation(), &format!("authorizerType {other}"))),
    }
}

fn check_name_is_free(
    authorizers: &std::collections::BTreeMap<String, Authorizer>,
    id: &str,
    name: &str,
) -> ServiceResult<()> {
    if authorizers.iter().any(|(other, authorizer)| other != id && authorizer.name == name) {
        return Err(conflict(format!("Authorizer with name {name} already exists for this API")));
    }
    Ok(())
}

fn take_settings(input: &mut Input, authorizer: &mut Authorizer) -> ServiceResult<()> {
    match input.strings("identitySource")?.as_slice() {
        [] => {}
        [source] if TokenPlace::parse(source).is_some() => authorizer.identity_source.clone_from(source),
        [source] => return Err(bad_request(format!("Invalid identity source specified: {source}"))),
        _ => return Err(bad_request("A JWT authorizer takes one identity source")),
    }
    if let Some(mut jwt) = input.structure("jwtConfiguration")? {
        authorizer.issuer = jwt.required("issuer")?;
        authorizer.audience = jwt.strings("audience")?;
        jwt.finish()?;
        if !authorizer.issuer.starts_with("https://") && !authorizer.issuer.starts_with("http://") {
            return Err(bad_request(format!("Invalid issuer: {}. Issuer must be a URL", authorizer.issuer)));
        }
        if authorizer.audience.is_empty() {
            return Err(bad_request("A JWT authorizer needs an audience"));
        }
    }
    Ok(())
}

fn describe(id: &str, authorizer: &Authorizer) -> Value {
    json!({
        "authorizerId": id,
        "authorizerType": "JWT",
        "identitySource": [authorizer.identity_source],
        "jwtConfiguration": { "audience": authorizer.audience, "issuer": authorizer.issuer },
        "name": authorizer.name,
    })
}
