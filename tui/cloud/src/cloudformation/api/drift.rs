//! Drift: whether what a stack made is still there. Properties are not compared here: a resource is
//! in sync as long as nobody deleted it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    describe::page,
    request::{no_stack_with_id, strings},
};
use crate::{
    cloudformation::{
        CloudFormation,
        operation::Operation,
        stack::{Drift, DriftDetection, Resource, Stack, iso},
        template::invalid,
    },
    wire::{Input, ServiceResult},
};

/// Statuses in which drift can be detected.
const CHECKABLE: [&str; 6] = [
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
];

impl CloudFormation {
    pub(super) async fn detect_stack_drift(self: &std::sync::Arc<Self>, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        let wanted = strings(&mut input, "LogicalResourceIds")?;
        input.finish()?;
        let stack = self.checkable(&name)?;
        if let Some(unknown) = wanted.iter().find(|id| !stack.resources.contains_key(*id)) {
            return Err(invalid(format!("Resource {unknown} does not exist for stack {name}")));
        }
        let mut drifted = 0;
        for resource in stack.resources.values().filter(|resource| resource.exists()) {
            if wanted.is_empty() || wanted.contains(&resource.logical_id) {
                let drift = self.look_at(&stack, resource).await;
                drifted += usize::from(drift.status == "DELETED");
            }
        }
        let detection = DriftDetection {
            id: uuid::Uuid::new_v4().to_string(),
            status: if drifted == 0 { "IN_SYNC" } else { "DRIFTED" },
            drifted,
            at: Timestamp::now(),
        };
        let output = json!({"StackDriftDetectionId": detection.id});
        self.with_stack(&stack.id, |stack| stack.drift_detections.push(detection));
        Ok(output)
    }

    pub(super) async fn detect_stack_resource_drift(self: &std::sync::Arc<Self>, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        let logical_id = input.required("LogicalResourceId")?;
        input.finish()?;
        let stack = self.checkable(&name)?;
        let resource = stack
            .resources
            .get(&logical_id)
            .filter(|resource| resource.exists())
            .ok_or_else(|| invalid(format!("Resource {logical_id} does not exist for stack {name}")))?;
        let drift = self.look_at(&stack, resource).await;
        Ok(json!({"StackResourceDrift": describe(&stack, resource, drift)}))
    }

    pub(super) fn describe_stack_drift_detection_status(&self, mut input: Input) -> ServiceResult {
        let id = input.required("StackDriftDetectionId")?;
        input.finish()?;
        let found = self.with_stacks(|stacks| {
            stacks.iter().find_map(|stack| {
                let detection = stack.drift_detections.iter().find(|detection| detection.id == id)?;
                Some(json!({
                    "StackId": stack.id,
                    "StackDriftDetectionId": detection.id,
                    "StackDriftStatus": detection.status,
                    "DetectionStatus": "DETECTION_COMPLETE",
                    "DriftedStackResourceCount": detection.drifted,
                    "Timestamp": iso(detection.at),
                }))
            })
        });
        found.ok_or_else(|| invalid(format!("No drift detection with id [{id}] exists.")))
    }

    pub(super) fn describe_stack_resource_drifts(&self, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        let wanted = strings(&mut input, "StackResourceDriftStatusFilters")?;
        let token = input.string("NextToken")?;
        // A page holds at least as many as AWS's longest.
        input.limit("MaxResults", 100)?;
        input.finish()?;
        let id = self.find(&name).ok_or_else(|| no_stack_with_id(&name))?;
        let drifts = self.with_stack(&id, |stack| {
            let found = stack.resources.values().filter_map(|resource| Some((resource, resource.drift?)));
            found
                .filter(|(_, drift)| drift.status != "NOT_CHECKED")
                .filter(|(_, drift)| wanted.is_empty() || wanted.iter().any(|status| status == drift.status))
                .map(|(resource, drift)| describe(stack, resource, drift))
                .collect::<Vec<_>>()
        });
        page("StackResourceDrifts", drifts.unwrap_or_default(), token.as_deref())
    }

    /// The stack of a name, in a status in which it can be checked.
    fn checkable(&self, name: &str) -> ServiceResult<Stack> {
        let id = self.find(name).ok_or_else(|| no_stack_with_id(name))?;
        let stack = self.with_stack(&id, |stack| stack.clone()).ok_or_else(|| no_stack_with_id(name))?;
        if CHECKABLE.contains(&stack.status) {
            return Ok(stack);
        }
        Err(invalid(format!("Drift detection cannot be performed on a stack in {} state.", stack.status)))
    }

    /// Looks whether a resource is there, and writes down what was found.
    async fn look_at(self: &std::sync::Arc<Self>, stack: &Stack, resource: &Resource) -> Drift {
        let request = Operation::request(stack, &resource.logical_id, resource.properties.clone());
        let found = match (self.registry.get(&resource.resource_type), &resource.physical_id) {
            (Some(provider), Some(physical_id)) => provider.exists(&request, physical_id).await,
            _ => Ok(None),
        };
        let status = match found {
            Ok(Some(true)) => "IN_SYNC",
            Ok(Some(false)) => "DELETED",
            Ok(None) | Err(_) => "NOT_CHECKED",
        };
        let drift = Drift { status, at: Timestamp::now() };
        self.with_stack(&stack.id, |stack| {
            if let Some(resource) = stack.resources.get_mut(&resource.logical_id) {
                resource.drift = Some(drift);
            }
        });
        drift
    }
}

fn describe(stack: &Stack, resource: &Resource, drift: Drift) -> Value {
    let properties = Value::Object(resource.properties.clone()).to_string();
    let mut described = json!({
        "StackId": stack.id,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.resource_type,
        "StackResourceDriftStatus": drift.status,
        "Timestamp": iso(drift.at),
    });
    if drift.status == "IN_SYNC" {
        described["ExpectedProperties"] = properties.as_str().into();
        described["ActualProperties"] = properties.into();
        described["PropertyDifferences"] = json!([]);
    }
    described
}
