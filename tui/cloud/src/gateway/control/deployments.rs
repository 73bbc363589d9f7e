//! Operations on deployments.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    super::{Gateway, model::Deployment},
    bad_request, conflict, date, new_id, not_found, page, set,
};
use crate::wire::{Input, ServiceResult};

impl Gateway {
    pub(super) fn create_deployment(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let description = input.string("description")?;
        let stage_name = input.string("stageName")?;
        input.finish()?;
        self.change(&api_id, |api| {
            if api.config.routes.is_empty() {
                return Err(bad_request("At least one route is required before deploying the Api."));
            }
            let id = new_id(6);
            let config = Arc::new(api.config.clone());
            if let Some(name) = stage_name {
                let stage = api.stages.get_mut(&name).ok_or_else(|| not_found("Stage", &name))?;
                if stage.auto_deploy {
                    return Err(bad_request("Deployment ID cannot be set on a stage that has AutoDeploy enabled"));
                }
                stage.deployment = Some(id.clone());
                stage.deployed = Some(config.clone());
                stage.updated = Timestamp::now();
            }
            let deployment = Deployment { created: Timestamp::now(), description, config };
            let described = describe(&id, &deployment);
            api.deployments.insert(id, deployment);
            Ok(described)
        })
    }

    pub(super) fn get_deployments(&self, mut input: Input) -> ServiceResult {
        let api = self.api(&input.required("apiId")?)?;
        page(input, api.deployments.iter().map(|(id, deployment)| describe(id, deployment)).collect())
    }

    pub(super) fn get_deployment(&self, mut input: Input) -> ServiceResult {
        let api = self.api(&input.required("apiId")?)?;
        let id = input.required("deploymentId")?;
        input.finish()?;
        Ok(describe(&id, api.deployments.get(&id).ok_or_else(|| not_found("Deployment", &id))?))
    }

    pub(super) fn update_deployment(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let id = input.required("deploymentId")?;
        let description = input.string("description")?;
        input.finish()?;
        self.change(&api_id, |api| {
            let deployment = api.deployments.get_mut(&id).ok_or_else(|| not_found("Deployment", &id))?;
            if description.is_some() {
                deployment.description = description;
            }
            Ok(describe(&id, deployment))
        })
    }

    pub(super) fn delete_deployment(&self, mut input: Input) -> ServiceResult {
        let api_id = input.required("apiId")?;
        let id = input.required("deploymentId")?;
        input.finish()?;
        self.change(&api_id, |api| {
            if api.stages.values().any(|stage| stage.deployment.as_ref() == Some(&id)) {
                return Err(conflict("Active stages pointing to this deployment must be moved or deleted"));
            }
            api.deployments.remove(&id).ok_or_else(|| not_found("Deployment", &id))?;
            Ok(Value::Null)
        })
    }
}

fn describe(id: &str, deployment: &Deployment) -> Value {
    let mut described = json!({
        "autoDeployed": false,
        "createdDate": date(deployment.created),
        "deploymentId": id,
        "deploymentStatus": "DEPLOYED",
    });
    set(&mut described, "description", deployment.description.clone());
    described
}
