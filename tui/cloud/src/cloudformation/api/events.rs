//! `DescribeEvents`: what happened, operation by operation, and what an early validation found.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::request::no_stack;
use crate::{
    cloudformation::{
        CloudFormation, events,
        stack::{Stack, StackOperation, iso},
        template::invalid,
        validation::Validated,
    },
    wire::{Input, ServiceResult},
};

/// The kind of operation that makes a change set.
const CREATE_CHANGESET: &str = "CREATE_CHANGESET";

/// Which events are asked for.
struct Wanted {
    /// Of one operation; `None`: of all.
    operation: Option<String>,
    /// Of the making of one change set.
    change_set: Option<String>,
    failed_only: bool,
}

/// The events of one operation, newest first.
struct Group {
    started: Timestamp,
    events: Vec<Value>,
}

impl CloudFormation {
    pub(super) fn describe_events(&self, mut input: Input) -> ServiceResult {
        let stack_name = input.string("StackName")?;
        let change_set = input.string("ChangeSetName")?;
        let operation = input.string("OperationId")?;
        let mut failed_only = false;
        if let Some(mut filters) = input.structure("Filters")? {
            failed_only = filters.boolean("FailedEvents")?.unwrap_or(false);
            filters.finish()?;
        }
        let token = input.string("NextToken")?;
        input.finish()?;
        let is_arn = change_set.as_ref().is_some_and(|name| name.starts_with("arn:"));
        if stack_name.is_none() && operation.is_none() && !is_arn {
            return Err(invalid("One of ChangeSetName, OperationId or StackName must be specified"));
        }
        let (stack_id, change_set) = match (&change_set, &operation) {
            (Some(name), _) => {
                // What was found is told even after the change set is gone.
                let by_arn = self.with_stacks(|stacks| {
                    let of = |stack: &&Stack| stack.validations.iter().any(|known| known.change_set_id == *name);
                    stacks.iter().find(of).map(|stack| (stack.id.clone(), name.clone()))
                });
                let found = by_arn.map_or_else(|| self.find_change_set(stack_name.as_deref(), name), Ok)?;
                (found.0, Some(found.1))
            }
            (None, Some(operation)) if stack_name.is_none() => {
                let found = self.with_stacks(|stacks| {
                    stacks.iter().find(|stack| has_operation(stack, operation)).map(|stack| stack.id.clone())
                });
                (found.ok_or_else(|| invalid(format!("Operation [{operation}] does not exist")))?, None)
            }
            _ => {
                let name = stack_name.unwrap_or_default();
                (self.find(&name).ok_or_else(|| no_stack(&name))?, None)
            }
        };
        let wanted = Wanted { operation, change_set, failed_only };
        let events = self.with_stack(&stack_id, |stack| told(stack, &wanted)).unwrap_or_default();
        page(events, token.as_deref())
    }
}

fn has_operation(stack: &Stack, id: &str) -> bool {
    stack.operations.iter().any(|operation| operation.id == id)
        || stack.validations.iter().any(|validated| validated.operation_id == id)
}

/// The wanted events of a stack, newest first.
fn told(stack: &Stack, wanted: &Wanted) -> Vec<Value> {
    let fits = |id: &str| wanted.operation.as_deref().is_none_or(|operation| operation == id);
    let of_stack = stack.operations.iter().filter(|operation| wanted.change_set.is_none() && fits(&operation.id));
    let of_change_sets = stack.validations.iter().filter(|validated| {
        fits(&validated.operation_id) && wanted.change_set.as_ref().is_none_or(|id| *id == validated.change_set_id)
    });
    let mut groups: Vec<Group> = of_stack
        .map(|operation| of_operation(stack, operation, wanted.failed_only))
        .chain(of_change_sets.map(|validated| of_validation(stack, validated, wanted.failed_only)))
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.started));
    groups.into_iter().flat_map(|group| group.events).collect()
}

fn of_operation(stack: &Stack, operation: &StackOperation, failed_only: bool) -> Group {
    let mut summary = summary(stack, &operation.id, operation.kind, operation.status(), operation.started);
    if let Some(ended) = operation.ended {
        summary["EndTime"] = iso(ended).into();
        summary["Timestamp"] = iso(ended).into();
    }
    if let Some(token) = &operation.token {
        summary["ClientRequestToken"] = token.as_str().into();
    }
    let events = stack
        .events
        .iter()
        .rev()
        .filter(|event| event.operation.as_ref() == Some(&operation.id) && (!failed_only || event.is_failure()))
        .map(|event| event.describe_in(operation, stack));
    let summary = (!failed_only || operation.failed).then_some(summary);
    Group { started: operation.started, events: summary.into_iter().chain(events).collect() }
}

fn of_validation(stack: &Stack, validated: &Validated, failed_only: bool) -> Group {
    let failed = !validated.findings.is_empty();
    let status = if failed { "FAILED" } else { "SUCCEEDED" };
    let mut summary = summary(stack, &validated.operation_id, CREATE_CHANGESET, status, validated.at);
    summary["EndTime"] = iso(validated.at).into();
    if failed {
        summary["DetailedStatus"] = "VALIDATION_FAILED".into();
    }
    let findings = validated.findings.iter().map(|finding| {
        let mut event = json!({
            "EventId": finding.event_id,
            "StackId": stack.id,
            "OperationId": validated.operation_id,
            "OperationType": CREATE_CHANGESET,
            "EventType": "VALIDATION_ERROR",
            "LogicalResourceId": finding.logical_id,
            "ResourceType": finding.resource_type,
            "Timestamp": iso(validated.at),
            "ValidationFailureMode": "FAIL",
            "ValidationName": finding.validation.name(),
            "ValidationStatus": "FAILED",
            "ValidationStatusReason": finding.reason,
            "ValidationPath": finding.path,
        });
        if let Some(physical_id) = &finding.physical_id {
            event["PhysicalResourceId"] = physical_id.as_str().into();
        }
        event
    });
    let summary = (!failed_only || failed).then_some(summary);
    Group { started: validated.at, events: summary.into_iter().chain(findings).collect() }
}

/// What is told of an operation as a whole; its id is that of the operation.
fn summary(stack: &Stack, id: &str, kind: &str, status: &str, started: Timestamp) -> Value {
    json!({
        "EventId": id,
        "StackId": stack.id,
        "OperationId": id,
        "OperationType": kind,
        "OperationStatus": status,
        "EventType": "STACK_EVENT",
        "Timestamp": iso(started),
        "StartTime": iso(started),
    })
}

/// One page; the token is the id of the last event told, so that newer ones do not move it.
fn page(events: Vec<Value>, token: Option<&str>) -> ServiceResult {
    let start = match token {
        None => 0,
        Some(token) => events
            .iter()
            .position(|event| event["EventId"] == token)
            .map(|index| index + 1)
            .ok_or_else(|| invalid("The specified NextToken is invalid."))?,
    };
    let mut told: Vec<Value> = events.into_iter().skip(start).take(events::PAGE + 1).collect();
    let has_more = told.len() > events::PAGE;
    told.truncate(events::PAGE);
    let next = told.last().filter(|_| has_more).map(|event| event["EventId"].clone());
    let mut output = json!({"OperationEvents": told});
    if let Some(next) = next {
        output["NextToken"] = next;
    }
    Ok(output)
}
