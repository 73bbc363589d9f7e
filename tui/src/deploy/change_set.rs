//! Change sets: what stands ready to be executed, made, read, and dropped.

use std::{fmt::Write, time::Duration};

use aws_sdk_cloudformation::{
    Client,
    error::ProvideErrorMetadata,
    operation::describe_change_set::DescribeChangeSetOutput,
    types::{
        Capability, ChangeSetStatus, ChangeSetType, EventFilter, ExecutionStatus, HookFailureMode, OperationEvent,
        Parameter, ResourceChange, Tag,
    },
};
use tokio::sync::mpsc::Sender;

use super::{DeployError, Progress, Request, Stack, TEMPLATE, patience::Patience};
use crate::target::Target;

/// What the names of our change sets begin with.
pub const PREFIX: &str = "tailwater-";
/// How long to wait between two looks at a change set that is being made.
const PACE: Duration = Duration::from_secs(1);
/// The same, on the embedded cloud.
const PACE_LOCAL: Duration = Duration::from_millis(10);

/// A change set that stands ready.
#[derive(Debug)]
pub struct Ready {
    /// Its ARN, or its name where the endpoint gives none.
    pub id: String,
    /// What it changes.
    pub changes: Vec<ResourceChange>,
    /// The parameters that the stack has then, by name.
    pub parameters: Vec<(String, String)>,
}

/// Has a change set made; gives its name and the stack's ARN.
pub async fn make(
    client: &Client,
    request: &Request,
    existing: Option<&Stack>,
    parameters: Vec<Parameter>,
    tags: &[(String, String)],
) -> Result<(String, String), DeployError> {
    let name = format!("{PREFIX}{}", uuid::Uuid::new_v4().simple());
    let kind = if existing.is_some() { ChangeSetType::Update } else { ChangeSetType::Create };
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let made = client
        .create_change_set()
        .stack_name(&request.stack_name)
        .change_set_name(&name)
        .change_set_type(kind)
        .template_body(TEMPLATE)
        .set_parameters(Some(parameters))
        .capabilities(Capability::CapabilityNamedIam)
        .set_role_arn(request.role_arn.clone())
        .set_tags(Some(tags))
        .send()
        .await
        .map_err(|error| DeployError::call(format!("prepared the changes of stack {}", request.stack_name), &error))?;
    Ok((name, made.stack_id.unwrap_or_else(|| request.stack_name.clone())))
}

/// Waits until a change set can be executed; `None` where it holds no changes.
pub async fn wait(
    target: &Target,
    client: &Client,
    stack: &str,
    change_set: &str,
    progress: &Sender<Progress>,
) -> Result<Option<Ready>, DeployError> {
    let pace = if target.is_local() { PACE_LOCAL } else { PACE };
    let mut patience = Patience::new(pace, progress);
    let mut changes = Vec::new();
    let mut token = None;
    loop {
        let answer = match describe(client, stack, change_set, token.clone()).await {
            Ok(answer) => answer,
            Err(error) => {
                patience.bear(error).await?;
                continue;
            }
        };
        patience.relieved().await;
        match answer.status() {
            Some(ChangeSetStatus::CreateComplete) => {
                changes.extend(answer.changes().iter().filter_map(|change| change.resource_change()).cloned());
                token = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
                if token.is_none() {
                    let id = answer.change_set_id().unwrap_or(change_set).to_owned();
                    let parameters = answer.parameters().iter().filter_map(|parameter| {
                        Some((parameter.parameter_key()?.to_owned(), parameter.parameter_value()?.to_owned()))
                    });
                    return Ok(Some(Ready { id, parameters: parameters.collect(), changes }));
                }
            }
            Some(ChangeSetStatus::Failed) => {
                let reason = answer.status_reason().unwrap_or("it gave no reason");
                if reason.contains("didn't contain changes") || reason.contains("No updates are to be performed") {
                    return Ok(None);
                }
                return Err(validation_error(client, stack, change_set).await.unwrap_or_else(|| DeployError::Call {
                    tried: format!("prepared the changes of stack {stack}"),
                    answer: reason.to_owned(),
                }));
            }
            _ => tokio::time::sleep(pace).await,
        }
    }
}

async fn describe(
    client: &Client,
    stack: &str,
    change_set: &str,
    token: Option<String>,
) -> Result<DescribeChangeSetOutput, DeployError> {
    client
        .describe_change_set()
        .stack_name(stack)
        .change_set_name(change_set)
        .include_property_values(true)
        .set_next_token(token)
        .send()
        .await
        .map_err(|error| DeployError::call(format!("read the changes of stack {stack}"), &error))
}

/// What early validation found, the first in full. `DescribeEvents` is the only place that tells it;
/// `None`: the endpoint does not offer that, or there is nothing in it.
async fn validation_error(client: &Client, stack: &str, change_set: &str) -> Option<DeployError> {
    let answer = client
        .describe_events()
        .stack_name(stack)
        .change_set_name(change_set)
        .filters(EventFilter::builder().failed_events(true).build())
        .send()
        .await
        .ok()?;
    let mut found = answer
        .operation_events()
        .iter()
        .filter(|event| event.validation_status_reason().is_some())
        // What only warns is not why it was refused.
        .filter(|event| event.validation_failure_mode() != Some(&HookFailureMode::Warn));
    let first = found.next()?;
    let words = |event: &OperationEvent| {
        let resource = event.logical_resource_id().unwrap_or("the template");
        let kind = event.resource_type().map(|kind| format!(" ({kind})")).unwrap_or_default();
        let at = event.validation_path().map(|path| format!(" at {path}")).unwrap_or_default();
        let by = event.validation_name().map(|name| format!(" [{name}]")).unwrap_or_default();
        format!("{resource}{kind}{at}: {}{by}", event.validation_status_reason().unwrap_or_default())
    };
    let mut what = words(first);
    let others: Vec<String> = found.map(words).collect();
    if !others.is_empty() {
        let _ = write!(what, "; and {} more: {}", others.len(), others.join("; "));
    }
    let resource_type = first.resource_type().unwrap_or_default().to_owned();
    Some(DeployError::Validation { stack: stack.to_owned(), resource_type, what })
}

/// Drops a change set.
pub async fn drop(client: &Client, stack: &str, change_set: &str) -> Result<(), DeployError> {
    client
        .delete_change_set()
        .stack_name(stack)
        .change_set_name(change_set)
        .send()
        .await
        .map_err(|error| DeployError::call(format!("removed the preview of stack {stack}"), &error))?;
    Ok(())
}

/// Drops the change sets that a deployer of ours left when it was killed; gives how many. Whatever
/// cannot be listed or dropped stays: it does no harm, and goes with the next execution.
pub async fn drop_leftovers(client: &Client, stack: &str) -> usize {
    let mut dropped = 0;
    for (name, executed) in list(client, stack).await.unwrap_or_default() {
        if name.starts_with(PREFIX) && !executed && drop(client, stack, &name).await.is_ok() {
            dropped += 1;
        }
    }
    dropped
}

/// Whether every change set of a stack is ours; so it is where there is none.
pub async fn all_own(client: &Client, stack: &str) -> Result<bool, DeployError> {
    Ok(list(client, stack).await?.iter().all(|(name, _)| name.starts_with(PREFIX)))
}

/// Whether a stack has no change set that could still be executed.
pub async fn none_left(client: &Client, stack: &str) -> Result<bool, DeployError> {
    Ok(list(client, stack).await?.is_empty())
}

/// The names of a stack's change sets, and whether each was executed.
async fn list(client: &Client, stack: &str) -> Result<Vec<(String, bool)>, DeployError> {
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let page = client
            .list_change_sets()
            .stack_name(stack)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| DeployError::call(format!("looked for change sets of stack {stack}"), &error))?;
        found.extend(page.summaries().iter().filter_map(|summary| {
            let status = summary.execution_status().map_or("", |status| status.as_str());
            Some((summary.change_set_name()?.to_owned(), status.starts_with("EXECUTE")))
        }));
        token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// How far the execution of a change set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// It has not begun.
    NotBegun,
    /// It has begun, or has ended.
    Begun,
    /// The change set is gone, and something else was executed.
    Gone,
}

/// Finds out whether a change set is being executed: the answer of `ExecuteChangeSet` may get lost.
pub async fn execution(client: &Client, stack_id: &str, change_set_id: &str) -> Result<Execution, DeployError> {
    let tried = || format!("looked whether the changes of stack {stack_id} are being executed");
    let answer = client.describe_change_set().stack_name(stack_id).change_set_name(change_set_id).send().await;
    match answer {
        Ok(answer) => match answer.execution_status().map(ExecutionStatus::as_str) {
            Some(status) if status.starts_with("EXECUTE") => return Ok(Execution::Begun),
            Some("AVAILABLE") => return Ok(Execution::NotBegun),
            _ => {}
        },
        Err(error) if error.code() == Some("ChangeSetNotFound") => {}
        Err(error) => return Err(DeployError::call(tried(), &error)),
    }
    // A change set goes with its execution; the stack still says which it was.
    let stack = Stack::find(client, stack_id).await?;
    let is_ours = stack.is_some_and(|stack| {
        stack.status.as_str() != "REVIEW_IN_PROGRESS" && stack.change_set_id.as_deref() == Some(change_set_id)
    });
    Ok(if is_ours { Execution::Begun } else { Execution::Gone })
}
