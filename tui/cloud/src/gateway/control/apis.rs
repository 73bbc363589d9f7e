//! Operations on APIs.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    super::{
        Gateway,
        data::routing::RouteKey,
        model::{Api, Authorization, Config, Cors, DEFAULT_STAGE, Route},
        no_api,
    },
    bad_request, date, new_id, page, set,
};
use crate::wire::{Input, ServiceError, ServiceResult};

/// The only way an HTTP API chooses a route.
const ROUTE_SELECTION: [&str; 2] = ["$request.method $request.path", "${request.method} ${request.path}"];
const KEY_SELECTION: &str = "$request.header.x-api-key";
/// How long a browser may keep a preflight's answer, at most, in seconds.
const LONGEST_CORS_AGE: i64 = 86_400;

impl Gateway {
    pub(super) fn create_api(&self, mut input: Input) -> ServiceResult {
        let name = input.required("name")?;
        match input.required("protocolType")?.as_str() {
            "HTTP" => {}
            other => return Err(ServiceError::unsupported_member("CreateApi", &format!("protocolType {other}"))),
        }
        let mut api = Api {
            id: new_id(10),
            name,
            description: None,
            version: None,
            created: Timestamp::now(),
            tags: input.string_map("tags")?,
            cors: None,
            at_root: false,
            config: Config::default(),
            stages: BTreeMap::new(),
            deployments: BTreeMap::new(),
        };
        let target = input.string("target")?;
        let route_key = input.string("routeKey")?;
        take_settings(&mut input, &mut api)?;
        input.finish()?;
        match (target, route_key) {
            (Some(target), key) => quick_create(&mut api, target, key.as_deref().unwrap_or("$default"))?,
            (None, Some(_)) => return Err(bad_request("A target is required where a routeKey is given")),
            (None, None) => {}
        }
        let mut apis = self.apis.write().unwrap_or_else(PoisonError::into_inner);
        api.at_root = !apis.iter().any(|other| other.at_root);
        let api = Arc::new(api);
        apis.push(api.clone());
        drop(apis);
        Ok(self.describe_api(&api))
    }

    pub(super) fn get_apis(&self, input: Input) -> ServiceResult {
        let items = self.apis().iter().map(|api| self.describe_api(api)).collect();
        page(input, items)
    }

    pub(super) fn get_api(&self, mut input: Input) -> ServiceResult {
        let api = self.api(&input.required("apiId")?)?;
        input.finish()?;
        Ok(self.describe_api(&api))
    }

    pub(super) fn update_api(&self, mut input: Input) -> ServiceResult {
        let id = input.required("apiId")?;
        self.change(&id, |api| {
            if let Some(name) = input.string("name")? {
                api.name = name;
            }
            take_settings(&mut input, api)?;
            input.finish()
        })?;
        Ok(self.describe_api(&*self.api(&id)?))
    }

    pub(super) fn delete_api(&self, mut input: Input) -> ServiceResult {
        let id = input.required("apiId")?;
        input.finish()?;
        let mut apis = self.apis.write().unwrap_or_else(PoisonError::into_inner);
        let index = apis.iter().position(|api| api.id == id).ok_or_else(|| no_api(&self.place, &id))?;
        apis.remove(index);
        Ok(Value::Null)
    }

    pub(super) fn delete_cors_configuration(&self, mut input: Input) -> ServiceResult {
        let id = input.required("apiId")?;
        input.finish()?;
        self.change(&id, |api| {
            api.cors = None;
            Ok(())
        })?;
        Ok(Value::Null)
    }

    /// The first API has the plain address, the others a host name of their own.
    fn api_endpoint(&self, api: &Api) -> String {
        if api.at_root {
            return self.place.gateway_url.clone();
        }
        let port = self.place.gateway_url.rsplit(':').next().unwrap_or_default();
        format!("http://{}.execute-api.localhost:{port}", api.id)
    }

    fn describe_api(&self, api: &Api) -> Value {
        let mut described = json!({
            "apiEndpoint": self.api_endpoint(api),
            "apiId": api.id,
            "apiKeySelectionExpression": KEY_SELECTION,
            "createdDate": date(api.created),
            "disableExecuteApiEndpoint": false,
            "ipAddressType": "ipv4",
            "name": api.name,
            "protocolType": "HTTP",
            "routeSelectionExpression": ROUTE_SELECTION[0],
            "tags": api.tags,
        });
        set(&mut described, "description", api.description.clone());
        set(&mut described, "version", api.version.clone());
        set(&mut described, "corsConfiguration", api.cors.as_ref().map(describe_cors));
        described
    }
}

/// Takes what `CreateApi` and `UpdateApi` have in common.
fn take_settings(input: &mut Input, api: &mut Api) -> ServiceResult<()> {
    if let Some(description) = input.string("description")? {
        api.description = Some(description);
    }
    if let Some(version) = input.string("version")? {
        api.version = Some(version);
    }
    if let Some(cors) = input.structure("corsConfiguration")? {
        // An empty configuration takes the old one away.
        api.cors = Some(take_cors(cors)?).filter(|cors| *cors != Cors::default());
    }
    if input.string("routeSelectionExpression")?.is_some_and(|text| !ROUTE_SELECTION.contains(&text.as_str())) {
        return Err(bad_request(format!("The routeSelectionExpression of an HTTP API is {}", ROUTE_SELECTION[0])));
    }
    if input.string("apiKeySelectionExpression")?.is_some_and(|text| text != KEY_SELECTION) {
        return Err(ServiceError::unsupported_member(input.operation(), "apiKeySelectionExpression"));
    }
    if input.boolean("disableExecuteApiEndpoint")? == Some(true) {
        // There are no custom domains here, so that such an API could not be reached at all.
        return Err(ServiceError::unsupported_member(input.operation(), "disableExecuteApiEndpoint"));
    }
    if input.string("ipAddressType")?.is_some_and(|kind| kind != "ipv4") {
        return Err(ServiceError::unsupported_member(input.operation(), "ipAddressType"));
    }
    Ok(())
}

fn take_cors(mut input: Input) -> ServiceResult<Cors> {
    let cors = Cors {
        allow_credentials: input.boolean("allowCredentials")?.unwrap_or(false),
        allow_headers: input.strings("allowHeaders")?,
        allow_methods: input.strings("allowMethods")?,
        allow_origins: input.strings("allowOrigins")?,
        expose_headers: input.strings("exposeHeaders")?,
        max_age: input.integer("maxAge")?,
    };
    input.finish()?;
    if cors.max_age.is_some_and(|age| !(-1..=LONGEST_CORS_AGE).contains(&age)) {
        return Err(bad_request("maxAge of corsConfiguration must lie between -1 and 86400"));
    }
    if cors.allow_credentials && cors.allow_origins.iter().any(|origin| origin == "*") {
        return Err(bad_request("allowCredentials of corsConfiguration cannot stand beside the origin *"));
    }
    Ok(cors)
}

fn describe_cors(cors: &Cors) -> Value {
    let mut described = json!({ "allowCredentials": cors.allow_credentials });
    let lists = [
        ("allowHeaders", &cors.allow_headers),
        ("allowMethods", &cors.allow_methods),
        ("allowOrigins", &cors.allow_origins),
        ("exposeHeaders", &cors.expose_headers),
    ];
    for (member, list) in lists {
        set(&mut described, member, (!list.is_empty()).then(|| list.clone()));
    }
    set(&mut described, "maxAge", cors.max_age);
    described
}

/// An API made with its integration, route and stage in one call.
fn quick_create(api: &mut Api, target: String, route_key: &str) -> ServiceResult<()> {
    let integration = super::integrations::proxy(target)?;
    let id = new_id(7);
    api.config.integrations.insert(id.clone(), integration);
    let route = Route {
        key: RouteKey::parse(route_key).map_err(bad_request)?,
        integration: Some(id),
        authorization: Authorization::Open,
        operation_name: None,
    };
    api.config.routes.insert(new_id(7), route);
    let mut stage = super::stages::new_stage();
    stage.auto_deploy = true;
    stage.deployment = Some(new_id(6));
    api.stages.insert(DEFAULT_STAGE.to_owned(), stage);
    Ok(())
}
