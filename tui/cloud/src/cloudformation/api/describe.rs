//! Operations that tell what there is and what happened.

use serde_json::{Value, json};

use super::request::{no_stack, no_stack_with_id, strings};
use crate::{
    cloudformation::{
        CloudFormation, events,
        stack::{OnFailure, Resource, Stack, iso},
        template::invalid,
    },
    wire::{Input, ServiceError, ServiceResult},
};

/// Stacks or resources in one page of a list.
const PAGE: usize = 100;

impl CloudFormation {
    pub(super) fn describe_stacks(&self, mut input: Input) -> ServiceResult {
        let name = input.string("StackName")?;
        let token = input.string("NextToken")?;
        input.finish()?;
        if let Some(name) = name {
            let id = self.find(&name).ok_or_else(|| no_stack_with_id(&name))?;
            return Ok(json!({"Stacks": self.with_stack(&id, |stack| vec![describe(stack)])}));
        }
        let stacks: Vec<Value> = self.with_stacks(|stacks| {
            stacks.iter().rev().filter(|stack| stack.status != "DELETE_COMPLETE").map(describe).collect()
        });
        page("Stacks", stacks, token.as_deref())
    }

    pub(super) fn list_stacks(&self, mut input: Input) -> ServiceResult {
        let wanted = strings(&mut input, "StackStatusFilter")?;
        let token = input.string("NextToken")?;
        input.finish()?;
        let stacks: Vec<Value> = self.with_stacks(|stacks| {
            stacks
                .iter()
                .rev()
                .filter(|stack| wanted.is_empty() || wanted.iter().any(|status| status == stack.status))
                .map(summarize)
                .collect()
        });
        page("StackSummaries", stacks, token.as_deref())
    }

    pub(super) fn describe_stack_events(&self, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        let token = input.string("NextToken")?;
        input.finish()?;
        let id = self.find(&name).ok_or_else(|| no_stack(&name))?;
        let found = self.with_stack(&id, |stack| {
            // The token is the last event told: newer ones do not move the pages that follow.
            let end = match &token {
                None => stack.events.len(),
                Some(token) => stack
                    .events
                    .iter()
                    .position(|event| event.id == *token)
                    .ok_or_else(|| invalid("The specified NextToken is invalid."))?,
            };
            let start = end.saturating_sub(events::PAGE);
            let told: Vec<Value> = stack.events[start..end].iter().rev().map(|event| event.describe(stack)).collect();
            let mut output = json!({"StackEvents": told});
            if start > 0 {
                output["NextToken"] = stack.events[start].id.as_str().into();
            }
            Ok(output)
        });
        found.unwrap_or_else(|| Err(no_stack(&name)))
    }

    pub(super) fn describe_stack_resource(&self, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        let logical_id = input.required("LogicalResourceId")?;
        input.finish()?;
        let id = self.find(&name).ok_or_else(|| no_stack_with_id(&name))?;
        let detail = self.with_stack(&id, |stack| {
            let resource = stack.resources.get(&logical_id)?;
            let mut detail = describe_resource(stack, resource, "LastUpdatedTimestamp");
            if let Some(metadata) = &resource.metadata {
                detail["Metadata"] = metadata.to_string().into();
            }
            Some(detail)
        });
        match detail.flatten() {
            Some(detail) => Ok(json!({"StackResourceDetail": detail})),
            None => Err(invalid(format!("Resource {logical_id} does not exist for stack {name}"))),
        }
    }

    pub(super) fn describe_stack_resources(&self, mut input: Input) -> ServiceResult {
        let name = input.string("StackName")?;
        let logical_id = input.string("LogicalResourceId")?;
        let physical_id = input.string("PhysicalResourceId")?;
        input.finish()?;
        let id = match (&name, &physical_id) {
            (Some(_), Some(_)) => {
                return Err(invalid("You must specify either StackName or PhysicalResourceId, but not both."));
            }
            (Some(name), None) => self.find(name).ok_or_else(|| no_stack_with_id(name))?,
            (None, Some(physical_id)) => self
                .with_stacks(|stacks| {
                    stacks
                        .iter()
                        .find(|stack| {
                            stack.resources.values().any(|resource| resource.physical_id.as_ref() == Some(physical_id))
                        })
                        .map(|stack| stack.id.clone())
                })
                .ok_or_else(|| invalid(format!("Stack for {physical_id} does not exist")))?,
            (None, None) => {
                return Err(invalid("Either StackName or PhysicalResourceId must be specified."));
            }
        };
        let resources = self.with_stack(&id, |stack| {
            stack
                .resources
                .values()
                .filter(|resource| logical_id.as_ref().is_none_or(|id| resource.logical_id == *id))
                .map(|resource| describe_resource(stack, resource, "Timestamp"))
                .collect::<Vec<_>>()
        });
        let resources = resources.unwrap_or_default();
        if let (Some(logical_id), true) = (logical_id, resources.is_empty()) {
            let name = name.unwrap_or(id);
            return Err(invalid(format!("Resource {logical_id} does not exist for stack {name}")));
        }
        Ok(json!({"StackResources": resources}))
    }

    pub(super) fn list_stack_resources(&self, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        let token = input.string("NextToken")?;
        input.finish()?;
        let id = self.find(&name).ok_or_else(|| no_stack_with_id(&name))?;
        let resources = self.with_stack(&id, |stack| {
            let described = stack.resources.values().map(|resource| {
                let mut summary = describe_resource(stack, resource, "LastUpdatedTimestamp");
                if let Value::Object(members) = &mut summary {
                    members.remove("StackId");
                    members.remove("StackName");
                }
                summary
            });
            described.collect()
        });
        page("StackResourceSummaries", resources.unwrap_or_default(), token.as_deref())
    }
}

/// What an account may have, as `DescribeAccountLimits` tells it: AWS's own numbers
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_AccountLimit.html>).
const ACCOUNT_LIMITS: [(&str, u32); 3] =
    [("StackLimit", 2000), ("StackOutputsLimit", 200), ("ConcurrentResourcesLimit", 2500)];

pub(super) fn account_limits(mut input: Input) -> ServiceResult {
    // All limits are told at once, so that there is never a further page.
    input.ignore("NextToken");
    input.finish()?;
    let limits = ACCOUNT_LIMITS.map(|(name, value)| json!({"Name": name, "Value": value}));
    Ok(json!({"AccountLimits": limits}))
}

fn drift_of(stack: &Stack) -> Value {
    match stack.drift_detections.last() {
        None => json!({"StackDriftStatus": "NOT_CHECKED"}),
        Some(found) => json!({"StackDriftStatus": found.status, "LastCheckTimestamp": iso(found.at)}),
    }
}

fn drift_of_resource(resource: &Resource) -> Value {
    match resource.drift.filter(|drift| drift.status != "NOT_CHECKED") {
        None => json!({"StackResourceDriftStatus": "NOT_CHECKED"}),
        Some(drift) => json!({"StackResourceDriftStatus": drift.status, "LastCheckTimestamp": iso(drift.at)}),
    }
}

/// One page of a list; the token is the index of its first item.
pub(super) fn page(member: &'static str, items: Vec<Value>, token: Option<&str>) -> ServiceResult {
    let start = match token {
        None => 0,
        Some(token) => token.parse::<usize>().map_err(|_| invalid("The specified NextToken is invalid."))?,
    };
    let has_more = items.len() > start + PAGE;
    let told: Vec<Value> = items.into_iter().skip(start).take(PAGE).collect();
    let mut output = json!({});
    output[member] = told.into();
    if has_more {
        output["NextToken"] = (start + PAGE).to_string().into();
    }
    Ok(output)
}

/// A stack as `DescribeStacks` tells it.
fn describe(stack: &Stack) -> Value {
    let mut described = json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": iso(stack.created),
        "RollbackConfiguration": {},
        "StackStatus": stack.status,
        "DisableRollback": stack.on_failure == OnFailure::DoNothing,
        "NotificationARNs": [],
        "Tags": [],
        "EnableTerminationProtection": stack.termination_protection,
        "DriftInformation": drift_of(stack),
    });
    let optional = [
        ("ChangeSetId", stack.change_set_id.clone()),
        ("StackStatusReason", stack.status_reason.clone()),
        ("LastUpdatedTime", stack.updated.map(iso)),
        ("DeletionTime", stack.deleted.map(iso)),
        ("RoleARN", stack.role_arn.clone()),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            described[name] = value.into();
        }
    }
    // The operation that was asked for, and the rollback that followed from it.
    let mut last = Vec::new();
    for operation in stack.operations.iter().rev() {
        last.push(json!({"OperationType": operation.kind, "OperationId": operation.id}));
        if operation.by_user {
            break;
        }
    }
    if !last.is_empty() {
        described["LastOperations"] = last.into();
    }
    if stack.retain_except_on_create {
        described["RetainExceptOnCreate"] = true.into();
    }
    if let Some(mode) = stack.deletion_mode {
        described["DeletionMode"] = mode.into();
    }
    if let Some(revision) = &stack.revision {
        if let Some(description) = &revision.template.description {
            described["Description"] = description.as_str().into();
        }
        if !revision.parameters.is_empty() {
            described["Parameters"] = describe_parameters(&revision.parameters);
        }
        if !revision.capabilities.is_empty() {
            described["Capabilities"] = revision.capabilities.clone().into();
        }
        described["Tags"] = describe_tags(&revision.tags);
    }
    if !stack.outputs.is_empty() {
        described["Outputs"] = stack
            .outputs
            .iter()
            .map(|output| {
                let mut told = json!({"OutputKey": output.key, "OutputValue": output.value});
                if let Some(description) = &output.description {
                    told["Description"] = description.as_str().into();
                }
                told
            })
            .collect();
    }
    described
}

/// Parameters with their values; those that must not be shown as stars.
pub(super) fn describe_parameters(parameters: &[crate::cloudformation::template::ResolvedParameter]) -> Value {
    parameters
        .iter()
        .map(|parameter| {
            let value = if parameter.no_echo { "****" } else { parameter.text.as_str() };
            json!({"ParameterKey": parameter.name, "ParameterValue": value})
        })
        .collect()
}

/// Tags as the API lists them.
pub(super) fn describe_tags(tags: &[(String, String)]) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn summarize(stack: &Stack) -> Value {
    let mut summary = json!({
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": iso(stack.created),
        "StackStatus": stack.status,
        "DriftInformation": drift_of(stack),
    });
    let description = stack.revision.as_ref().and_then(|revision| revision.template.description.clone());
    let optional = [
        ("TemplateDescription", description),
        ("StackStatusReason", stack.status_reason.clone()),
        ("LastUpdatedTime", stack.updated.map(iso)),
        ("DeletionTime", stack.deleted.map(iso)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            summary[name] = value.into();
        }
    }
    summary
}

fn describe_resource(stack: &Stack, resource: &Resource, time_member: &'static str) -> Value {
    let mut described = json!({
        "StackName": stack.name,
        "StackId": stack.id,
        "LogicalResourceId": resource.logical_id,
        "ResourceType": resource.resource_type,
        "ResourceStatus": resource.status,
        "DriftInformation": drift_of_resource(resource),
    });
    described[time_member] = iso(resource.at).into();
    for (name, value) in [("PhysicalResourceId", &resource.physical_id), ("ResourceStatusReason", &resource.reason)] {
        if let Some(value) = value {
            described[name] = value.as_str().into();
        }
    }
    described
}

/// The refusal of a change set that is not there.
pub(super) fn no_change_set(name: &str) -> ServiceError {
    ServiceError::not_found("ChangeSetNotFound", format!("ChangeSet [{name}] does not exist"))
}
