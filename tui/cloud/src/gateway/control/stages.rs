//! Operations on stages.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    super::{
        Gateway,
        model::{AccessLog, Api, DEFAULT_STAGE, RouteSettings, Stage},
    },
    bad_request, conflict, date, new_id, not_found, page, set,
};
use crate::wire::{Input, ServiceError, ServiceResult};

impl Gateway {
    pub(super) fn create_stage(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let name = input.required("stageName")?;
        let is_plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
        if name != DEFAULT_STAGE && !is_plain {
            return Err(bad_request("Stage name only allows a-zA-Z0-9_- or $default"));
        }
        self.change(&api_id, |api| {
            if api.stages.contains_key(&name) {
                return Err(conflict(format!("Stage {name} already exists for this API")));
            }
            let mut stage = new_stage();
            stage.tags = input.string_map("tags")?;
            take_settings(&mut input, &mut stage, api)?;
            input.finish()?;
            let described = describe(&name, &stage);
            api.stages.insert(name, stage);
            Ok(described)
        })
    }

    pub(super) fn get_stages(&self, mut input: Input) -> ServiceResult {
        let api = self.api(&input.required("apiId")?)?;
        page(input, api.stages.iter().map(|(name, stage)| describe(name, stage)).collect())
    }

    pub(super) fn get_stage(&self, mut input: Input) -> ServiceResult {
        let api = self.api(&input.required("apiId")?)?;
        let name = input.required("stageName")?;
        input.finish()?;
        Ok(describe(&name, api.stages.get(&name).ok_or_else(|| not_found("Stage", &name))?))
    }

    pub(super) fn update_stage(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        self.change_stage(&api_id, &input.required("stageName")?.clone(), |api, stage| {
            take_settings(&mut input, stage, api)?;
            input.finish()
        })
    }

    pub(super) fn delete_stage(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let name = input.required("stageName")?;
        input.finish()?;
        self.change(&api_id, |api| {
            api.stages.remove(&name).ok_or_else(|| not_found("Stage", &name))?;
            Ok(Value::Null)
        })
    }

    pub(super) fn delete_access_log_settings(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let name = input.required("stageName")?;
        input.finish()?;
        self.change_stage(&api_id, &name, |_, stage| {
            stage.access_log = None;
            Ok(())
        })?;
        Ok(Value::Null)
    }

    pub(super) fn delete_route_settings(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let name = input.required("stageName")?;
        let key = input.required("routeKey")?;
        input.finish()?;
        self.change_stage(&api_id, &name, |_, stage| {
            stage.route_settings.remove(&key).ok_or_else(|| not_found("route settings", &key))?;
            Ok(())
        })?;
        Ok(Value::Null)
    }

    fn change_stage(
        &self,
        api_id: &str,
        name: &str,
        change: impl FnOnce(&Api, &mut Stage) -> ServiceResult<()>,
    ) -> ServiceResult {
        self.change(api_id, |api| {
            let mut stage = api.stages.get(name).cloned().ok_or_else(|| not_found("Stage", name))?;
            change(api, &mut stage)?;
            stage.updated = Timestamp::now();
            let described = describe(name, &stage);
            api.stages.insert(name.to_owned(), stage);
            Ok(described)
        })
    }
}

/// A stage with nothing set.
pub(super) fn new_stage() -> Stage {
    let now = Timestamp::now();
    Stage {
        created: now,
        updated: now,
        description: None,
        auto_deploy: false,
        deployment: None,
        deployed: None,
        default_settings: RouteSettings::default(),
        route_settings: std::collections::BTreeMap::new(),
        access_log: None,
        variables: std::collections::BTreeMap::new(),
        tags: std::collections::BTreeMap::new(),
        buckets: std::sync::Arc::default(),
    }
}

fn take_settings(input: &mut Input, stage: &mut Stage, api: &Api) -> ServiceResult<()> {
    if let Some(auto_deploy) = input.boolean("autoDeploy")? {
        // What it served until now stays where it no longer deploys by itself.
        if stage.auto_deploy && !auto_deploy {
            stage.deployed = Some(std::sync::Arc::new(api.config.clone()));
        }
        stage.auto_deploy = auto_deploy;
    }
    if let Some(description) = input.string("description")? {
        stage.description = Some(description);
    }
    if let Some(deployment) = input.string("deploymentId")? {
        if stage.auto_deploy {
            return Err(bad_request("Deployment ID cannot be set on a stage that has AutoDeploy enabled"));
        }
        let config = api.deployments.get(&deployment).map(|deployment| deployment.config.clone());
        stage.deployed = Some(config.ok_or_else(|| not_found("Deployment", &deployment))?);
        stage.deployment = Some(deployment);
    } else if stage.auto_deploy && stage.deployment.is_none() {
        stage.deployment = Some(new_id(6));
    }
    if let Some(settings) = input.structure("defaultRouteSettings")? {
        take_route_settings(settings, &mut stage.default_settings)?;
    }
    if let Some(Value::Object(routes)) = input.take("routeSettings") {
        for (key, settings) in routes {
            if !api.config.routes.values().any(|route| route.key.to_string() == key) {
                return Err(not_found("Route", &key));
            }
            let settings = Input::new(&format!("{}.routeSettings", input.operation()), settings)?;
            take_route_settings(settings, stage.route_settings.entry(key).or_default())?;
        }
    }
    if let Some(settings) = input.structure("accessLogSettings")? {
        stage.access_log = take_access_log(settings)?;
    }
    if input.peek("stageVariables").is_some() {
        stage.variables.extend(input.string_map("stageVariables")?);
        // An empty value takes a variable away, as on AWS.
        stage.variables.retain(|_, value| !value.is_empty());
    }
    Ok(())
}

fn take_route_settings(mut input: Input, settings: &mut RouteSettings) -> ServiceResult<()> {
    if let Some(rate) = input.take("throttlingRateLimit") {
        let rate = match &rate {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        settings.rate = Some(
            rate.filter(|rate| *rate >= 0.0 && rate.is_finite())
                .ok_or_else(|| bad_request("throttlingRateLimit must be a number that is not negative"))?,
        );
    }
    if let Some(burst) = input.integer("throttlingBurstLimit")? {
        settings.burst = Some(
            u32::try_from(burst)
                .map_err(|_| bad_request("throttlingBurstLimit must be a number that is not negative"))?,
        );
    }
    if let Some(detailed) = input.boolean("detailedMetricsEnabled")? {
        settings.detailed_metrics = detailed;
    }
    for member in ["loggingLevel", "dataTraceEnabled"] {
        if input.string(member)?.is_some_and(|value| value != "OFF" && value != "false") {
            return Err(bad_request("Execution logs are not supported on protocolType HTTP"));
        }
    }
    input.finish()
}

fn take_access_log(mut input: Input) -> ServiceResult<Option<AccessLog>> {
    let destination_arn = input.string("destinationArn")?.unwrap_or_default();
    let format = input.string("format")?.unwrap_or_default();
    let operation = input.operation().to_owned();
    input.finish()?;
    if destination_arn.is_empty() && format.is_empty() {
        return Ok(None);
    }
    if !["$context.requestId", "$context.extendedRequestId"].iter().any(|name| format.contains(name)) {
        return Err(bad_request("Access log format must include $context.requestId or $context.extendedRequestId"));
    }
    let parts: Vec<&str> = destination_arn.splitn(7, ':').collect();
    match parts[..] {
        ["arn", _, "logs", _, _, "log-group", name] if !name.is_empty() => {
            Ok(Some(AccessLog { group: name.strip_suffix(":*").unwrap_or(name).to_owned(), destination_arn, format }))
        }
        ["arn", _, "firehose", ..] => Err(ServiceError::unsupported_member(&operation, "destinationArn (Firehose)")),
        _ => Err(bad_request(format!("Invalid access log destination ARN: {destination_arn}"))),
    }
}

fn describe(name: &str, stage: &Stage) -> Value {
    let routes: Map<String, Value> =
        stage.route_settings.iter().map(|(key, settings)| (key.clone(), describe_settings(settings))).collect();
    let mut described = json!({
        "autoDeploy": stage.auto_deploy,
        "createdDate": date(stage.created),
        "defaultRouteSettings": describe_settings(&stage.default_settings),
        "lastUpdatedDate": date(stage.updated),
        "routeSettings": routes,
        "stageName": name,
        "stageVariables": stage.variables,
        "tags": stage.tags,
    });
    set(&mut described, "description", stage.description.clone());
    set(&mut described, "deploymentId", stage.deployment.clone());
    if let Some(deployment) = stage.deployment.as_ref().filter(|_| stage.auto_deploy) {
        let message = format!("Successfully deployed stage with deployment ID '{deployment}'");
        described["lastDeploymentStatusMessage"] = message.into();
    }
    if let Some(log) = &stage.access_log {
        described["accessLogSettings"] = json!({ "destinationArn": log.destination_arn, "format": log.format });
    }
    described
}

fn describe_settings(settings: &RouteSettings) -> Value {
    let mut described = json!({ "detailedMetricsEnabled": settings.detailed_metrics });
    set(&mut described, "throttlingBurstLimit", settings.burst);
    set(&mut described, "throttlingRateLimit", settings.rate);
    described
}
