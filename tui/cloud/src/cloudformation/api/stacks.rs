//! Operations that make, change and delete stacks.

use std::sync::Arc;

use serde_json::{Value, json};

use super::request::{new_name, no_stack, no_stack_with_id, on_failure, standard_deployment, strings, without_extras};
use crate::{
    cloudformation::{
        CloudFormation, change_set,
        operation::Operation,
        stack::{OnFailure, Stack, USER_INITIATED},
        template::invalid,
    },
    wire::{Input, ServiceError, ServiceResult},
};

/// The mode of a deletion that leaves behind what cannot be deleted.
const FORCE: &str = "FORCE_DELETE_STACK";

/// Statuses in which a stack takes an update.
const UPDATABLE: [&str; 7] = [
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_FAILED",
];

/// The operation that a request with this token began before: the request is one that is sent
/// again. Refuses a token that belongs to an operation of another kind.
pub(super) fn begun_with(stack: &Stack, token: Option<&str>, kinds: &[&str]) -> ServiceResult<Option<String>> {
    let Some(token) = token else { return Ok(None) };
    match stack.operations.iter().rev().find(|operation| operation.token.as_deref() == Some(token)) {
        None => Ok(None),
        Some(operation) if kinds.contains(&operation.kind) => Ok(Some(operation.id.clone())),
        Some(_) => Err(ServiceError::bad_request(
            "TokenAlreadyExistsException",
            format!("A client request token [{token}] already exists for another operation."),
        )),
    }
}

/// Refuses an update that would roll back of a stack that is only half made: its last good state is
/// not the one that is there.
pub(super) fn refuse_if_half_made(stack: &Stack, keeps_failures: bool) -> ServiceResult<()> {
    if keeps_failures || !matches!(stack.status, "CREATE_FAILED" | "UPDATE_FAILED") {
        return Ok(());
    }
    Err(invalid(format!(
        "This stack is currently in a non-terminal [{}] state. To update the stack from this state, please use the \
         disable-rollback parameter with update-stack API. To rollback to the last known good state, use the \
         rollback-stack API",
        stack.status
    )))
}

/// Refuses an update of a stack whose status does not allow it.
pub(super) fn refuse_unless_updatable(stack: &Stack) -> ServiceResult<()> {
    if UPDATABLE.contains(&stack.status) {
        return Ok(());
    }
    Err(invalid(format!("Stack:{} is in {} state and can not be updated.", stack.id, stack.status)))
}

impl CloudFormation {
    pub(super) async fn create_stack(self: &Arc<Self>, mut input: Input) -> ServiceResult {
        let name = new_name(&mut input, "StackName")?;
        without_extras(&mut input)?;
        let mut stack = Stack::new(self.new_stack_id(&name), name.clone(), "CREATE_IN_PROGRESS");
        stack.on_failure = on_failure(&mut input, "OnFailure")?.unwrap_or(OnFailure::Rollback);
        stack.retain_except_on_create = input.boolean("RetainExceptOnCreate")?.unwrap_or(false);
        stack.termination_protection = input.boolean("EnableTerminationProtection")?.unwrap_or(false);
        stack.role_arn = self.role(&mut input)?;
        stack.token = input.string("ClientRequestToken")?;
        let revision = self.revision(&mut input, &stack).await?;
        input.finish()?;
        // What cannot be evaluated is told at once, not by a stack that fails.
        change_set::plan(self, &stack, &revision)?;
        stack.revision = Some(revision);
        let id = stack.id.clone();
        let repeated = self.with_stacks(|stacks| {
            if let Some(known) = stacks.iter().find(|known| known.name == name && known.status != "DELETE_COMPLETE") {
                if let Some(operation) = begun_with(known, stack.token.as_deref(), &["CREATE_STACK"])? {
                    return Ok(Some((known.id.clone(), operation)));
                }
                return Err(ServiceError::bad_request(
                    "AlreadyExistsException",
                    format!("Stack [{name}] already exists"),
                ));
            }
            stack.set_status("CREATE_IN_PROGRESS", Some(USER_INITIATED.into()));
            stacks.push(stack);
            Ok(None)
        })?;
        if let Some((id, operation)) = repeated {
            return Ok(json!({"StackId": id, "OperationId": operation}));
        }
        let output = self.begun(&id);
        Operation::new(self, &id).start_creation();
        Ok(output)
    }

    pub(super) async fn update_stack(self: &Arc<Self>, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        without_extras(&mut input)?;
        let id = self.find(&name).ok_or_else(|| no_stack(&name))?;
        let stack = self.with_stack(&id, |stack| stack.clone()).ok_or_else(|| no_stack(&name))?;
        let token = input.string("ClientRequestToken")?;
        if let Some(operation) = begun_with(&stack, token.as_deref(), &["UPDATE_STACK"])? {
            return Ok(json!({"StackId": id, "OperationId": operation}));
        }
        refuse_unless_updatable(&stack)?;
        let disable_rollback = input.boolean("DisableRollback")?.unwrap_or(false);
        let retain_except_on_create = input.boolean("RetainExceptOnCreate")?.unwrap_or(false);
        refuse_if_half_made(&stack, disable_rollback)?;
        let role_arn = self.role(&mut input)?;
        let revision = self.revision(&mut input, &stack).await?;
        input.finish()?;
        let plan = change_set::plan(self, &stack, &revision)?;
        if !plan.changes_anything && !stack.status.ends_with("_FAILED") {
            return Err(invalid("No updates are to be performed."));
        }
        let started = self.with_stack(&id, |stack| {
            // The status was read before the template was evaluated: it may be another by now.
            refuse_unless_updatable(stack)?;
            stack.token = token;
            stack.begin_update(revision);
            stack.retain_except_on_create = retain_except_on_create;
            if role_arn.is_some() {
                stack.role_arn = role_arn;
            }
            Ok(())
        });
        started.unwrap_or_else(|| Err(no_stack(&name)))?;
        let on_failure = if disable_rollback { OnFailure::DoNothing } else { OnFailure::Rollback };
        let output = self.begun(&id);
        Operation::new(self, &id).start_update(on_failure);
        Ok(output)
    }

    pub(super) fn delete_stack(self: &Arc<Self>, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        let retain = strings(&mut input, "RetainResources")?;
        let role_arn = self.role(&mut input)?;
        let token = input.string("ClientRequestToken")?;
        let mode = match input.string("DeletionMode")?.as_deref() {
            None => None,
            Some("STANDARD") => Some("STANDARD"),
            Some(FORCE) => Some(FORCE),
            Some(other) => {
                return Err(invalid(format!(
                    "1 validation error detected: Value '{other}' at 'deletionMode' failed to satisfy constraint: \
                     Member must satisfy enum value set: [STANDARD, FORCE_DELETE_STACK]"
                )));
            }
        };
        standard_deployment(&mut input)?;
        input.finish()?;
        // The deletion of a stack that is not there succeeds.
        let Some(id) = self.find(&name) else { return Ok(Value::Null) };
        let goes_on = self.with_stack(&id, |stack| {
            if matches!(stack.status, "DELETE_COMPLETE" | "DELETE_IN_PROGRESS")
                || begun_with(stack, token.as_deref(), &["DELETE_STACK"])?.is_some()
            {
                return Ok(false);
            }
            if stack.termination_protection {
                return Err(invalid(format!(
                    "Stack [{}] cannot be deleted while TerminationProtection is enabled",
                    stack.name
                )));
            }
            if !retain.is_empty() && stack.status != "DELETE_FAILED" {
                return Err(invalid(format!(
                    "Invalid operation on stack [{}]. When you delete a stack, specify which resources to retain only \
                     when the stack is in the DELETE_FAILED state.",
                    stack.id
                )));
            }
            if mode == Some(FORCE) && stack.status != "DELETE_FAILED" {
                return Err(invalid(format!(
                    "Invalid operation on stack [{}]. The deletion mode {FORCE} is only for a stack in the \
                     DELETE_FAILED state.",
                    stack.id
                )));
            }
            if let Some(unknown) = retain.iter().find(|id| !stack.resources.contains_key(*id)) {
                return Err(invalid(format!(
                    "The specified resources to retain must be in a valid state: resource {unknown} does not exist"
                )));
            }
            stack.token = token;
            stack.deletion_mode = mode;
            if role_arn.is_some() {
                stack.role_arn = role_arn;
            }
            // Nothing that was planned for the stack can be executed any more.
            stack.change_sets.clear();
            // In this order: what is cancelled looks at the status to learn why.
            stack.set_status("DELETE_IN_PROGRESS", Some(USER_INITIATED.into()));
            stack.cancel.cancel();
            Ok(true)
        });
        if goes_on.unwrap_or(Ok(false))? {
            Operation::new(self, &id).start_deletion(retain, mode == Some(FORCE));
        }
        Ok(Value::Null)
    }

    pub(super) fn cancel_update_stack(self: &Arc<Self>, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        let token = input.string("ClientRequestToken")?;
        input.finish()?;
        let id = self.find(&name).ok_or_else(|| no_stack(&name))?;
        let result = self.with_stack(&id, |stack| {
            if stack.status != "UPDATE_IN_PROGRESS" {
                return Err(invalid("CancelUpdateStack cannot be called from current stack status"));
            }
            stack.token = token;
            stack.set_status("UPDATE_ROLLBACK_IN_PROGRESS", Some(USER_INITIATED.into()));
            stack.cancel.cancel();
            Ok(Value::Null)
        });
        result.unwrap_or_else(|| Err(no_stack(&name)))
    }

    pub(super) fn continue_update_rollback(self: &Arc<Self>, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        let mut skip = strings(&mut input, "ResourcesToSkip")?;
        let skips_all = input.boolean("ForceRollback")?.unwrap_or(false);
        if skips_all && !skip.is_empty() {
            return Err(invalid("ForceRollback and ResourcesToSkip are mutually exclusive."));
        }
        let role_arn = self.role(&mut input)?;
        let token = input.string("ClientRequestToken")?;
        input.finish()?;
        let id = self.find(&name).ok_or_else(|| no_stack(&name))?;
        let result = self.with_stack(&id, |stack| {
            if begun_with(stack, token.as_deref(), &["CONTINUE_ROLLBACK"])?.is_some() {
                return Ok(None);
            }
            if stack.status != "UPDATE_ROLLBACK_FAILED" {
                return Err(invalid(format!(
                    "Stack:{} is in {} state and can not continue rolling back",
                    stack.id, stack.status
                )));
            }
            if let Some(unknown) = skip
                .iter()
                .find(|id| stack.resources.get(*id).is_none_or(|resource| resource.status != "UPDATE_FAILED"))
            {
                return Err(invalid(format!(
                    "Resource [{unknown}] can not be skipped: only resources in UPDATE_FAILED state can be."
                )));
            }
            if skips_all {
                let failed = stack.resources.values().filter(|resource| resource.status == "UPDATE_FAILED");
                skip = failed.map(|resource| resource.logical_id.clone()).collect();
            }
            stack.token = token;
            if role_arn.is_some() {
                stack.role_arn = role_arn;
            }
            stack.set_status("UPDATE_ROLLBACK_IN_PROGRESS", Some(USER_INITIATED.into()));
            Ok(Some(skip))
        });
        if let Some(skip) = result.unwrap_or_else(|| Err(no_stack(&name)))? {
            Operation::new(self, &id).start_update_rollback(skip);
        }
        Ok(json!({}))
    }

    pub(super) fn rollback_stack(self: &Arc<Self>, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        without_extras(&mut input)?;
        let retain_except_on_create = input.boolean("RetainExceptOnCreate")?.unwrap_or(false);
        let role_arn = self.role(&mut input)?;
        let token = input.string("ClientRequestToken")?;
        input.finish()?;
        let id = self.find(&name).ok_or_else(|| no_stack(&name))?;
        let of_creation = self.with_stack(&id, |stack| {
            if begun_with(stack, token.as_deref(), &["ROLLBACK"])?.is_some() {
                return Ok(None);
            }
            let status = match stack.status {
                "CREATE_FAILED" => "ROLLBACK_IN_PROGRESS",
                "UPDATE_FAILED" => "UPDATE_ROLLBACK_IN_PROGRESS",
                status => {
                    return Err(invalid(format!(
                        "Stack:{} is in {status} state and can not be rolled back.",
                        stack.id
                    )));
                }
            };
            stack.token = token;
            stack.retain_except_on_create = retain_except_on_create;
            if role_arn.is_some() {
                stack.role_arn = role_arn;
            }
            stack.set_status(status, Some(USER_INITIATED.into()));
            Ok(Some(status == "ROLLBACK_IN_PROGRESS"))
        });
        let of_creation = of_creation.unwrap_or_else(|| Err(no_stack(&name)))?;
        let output = self.begun(&id);
        match of_creation {
            None => {}
            Some(true) => Operation::new(self, &id).start_creation_rollback(),
            Some(false) => Operation::new(self, &id).start_update_rollback(Vec::new()),
        }
        Ok(output)
    }

    /// The answer of an operation that has just begun.
    fn begun(&self, id: &str) -> Value {
        let operation = self.with_stack(id, |stack| stack.operation_id().map(str::to_owned)).flatten();
        json!({"StackId": id, "OperationId": operation})
    }

    pub(super) fn update_termination_protection(&self, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        let enable = input
            .boolean("EnableTerminationProtection")?
            .ok_or_else(|| invalid("EnableTerminationProtection must be specified."))?;
        input.finish()?;
        let id = self.find(&name).ok_or_else(|| no_stack_with_id(&name))?;
        self.with_stack(&id, |stack| stack.termination_protection = enable);
        Ok(json!({"StackId": id}))
    }
}
