//! Operations on change sets.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    describe::{describe_parameters, describe_tags, no_change_set},
    import,
    request::{check_name, new_name, no_stack, on_failure, without_extras},
    stacks::{begun_with, refuse_if_half_made, refuse_unless_updatable},
};
use crate::{
    cloudformation::{
        CloudFormation,
        change_set::{self, ChangeSet, ChangeSetType},
        operation::Operation,
        stack::{OnFailure, Stack, USER_INITIATED, iso},
        template::invalid,
        validation::{self, Validated},
    },
    wire::{Input, ServiceError, ServiceResult},
};

const NO_CHANGES: &str = "The submitted information didn't contain changes. Submit different information to create a \
                          change set.";

impl CloudFormation {
    pub(super) async fn create_change_set(self: &Arc<Self>, mut input: Input) -> ServiceResult {
        let stack_name = input.required("StackName")?;
        let name = new_name(&mut input, "ChangeSetName")?;
        let imports_existing = input.boolean("ImportExistingResources")?.unwrap_or(false);
        let checks_early = !input.boolean("DisableValidation")?.unwrap_or(false);
        without_extras(&mut input)?;
        let wanted_imports = import::take(&mut input)?;
        let kind = match input.string("ChangeSetType")?.as_deref() {
            None | Some("UPDATE") => ChangeSetType::Update,
            Some("CREATE") => ChangeSetType::Create,
            Some("IMPORT") => ChangeSetType::Import,
            Some(other) => {
                return Err(invalid(format!(
                    "1 validation error detected: Value '{other}' at 'changeSetType' failed to satisfy constraint: \
                     Member must satisfy enum value set: [IMPORT, UPDATE, CREATE]"
                )));
            }
        };
        import::check_kind(kind, &wanted_imports)?;
        let description = input.string("Description")?;
        let token = input.string("ClientToken")?;
        let role_arn = self.role(&mut input)?;
        let on_stack_failure = on_failure(&mut input, "OnStackFailure")?;
        let stack = self.stack_for(kind, &stack_name, &name)?;
        let known = stack.change_sets.iter().find(|known| known.name == name);
        if let Some(known) = known.filter(|known| token.is_some() && known.token == token) {
            return Ok(json!({"Id": known.id, "StackId": stack.id}));
        }
        if known.is_some_and(|known| known.execution_status != "EXECUTE_COMPLETE") {
            return Err(ServiceError::bad_request(
                "AlreadyExistsException",
                format!("ChangeSet {name} cannot be created due to a mismatch with existing attribute Template"),
            ));
        }
        let revision = self.revision(&mut input, &stack).await?;
        input.finish()?;
        let mut plan = change_set::plan(self, &stack, &revision)?;
        let imports = if kind != ChangeSetType::Import && imports_existing {
            import::existing(self, &stack, &revision, &mut plan).await
        } else {
            import::resolve(self, &stack, &revision, &mut plan, kind, wanted_imports)?
        };
        let is_idle = kind == ChangeSetType::Update && !plan.changes_anything;
        let findings = if checks_early { self.validate(&stack, &plan, &imports).await } else { Vec::new() };
        let trouble = if findings.is_empty() {
            is_idle.then(|| NO_CHANGES.to_owned())
        } else {
            Some(validation::reason(&findings))
        };
        let change_set = ChangeSet {
            id: self.uses.place.arn("cloudformation", &format!("changeSet/{name}/{}", uuid::Uuid::new_v4())),
            name,
            description,
            created: Timestamp::now(),
            kind,
            status: if trouble.is_some() { "FAILED" } else { "CREATE_COMPLETE" },
            execution_status: if trouble.is_some() { "UNAVAILABLE" } else { "AVAILABLE" },
            status_reason: trouble,
            revision,
            role_arn,
            on_stack_failure,
            changes: plan.changes,
            imports,
            imports_existing,
            token,
        };
        let validated = Validated {
            operation_id: uuid::Uuid::new_v4().to_string(),
            change_set_id: change_set.id.clone(),
            at: change_set.created,
            findings,
        };
        let (id, mut stack_id) = (change_set.id.clone(), stack.id.clone());
        self.with_stacks(|stacks| {
            // While the template was evaluated another client may have made the stack: a name is one stack's.
            let is_live = |known: &&mut Stack| known.name == stack.name && known.status != "DELETE_COMPLETE";
            if let Some(known) = stacks.iter_mut().find(is_live) {
                if kind == ChangeSetType::Create && known.status != "REVIEW_IN_PROGRESS" {
                    return Err(exists_already(known, &change_set.name));
                }
                stack_id.clone_from(&known.id);
                known.change_sets.push(change_set);
                known.validations.push(validated);
            } else {
                let mut stack = stack;
                stack.token.clone_from(&change_set.token);
                stack.set_status("REVIEW_IN_PROGRESS", Some(USER_INITIATED.into()));
                stack.status_reason = None;
                stack.change_sets.push(change_set);
                stack.validations.push(validated);
                stacks.push(stack);
            }
            Ok(())
        })?;
        Ok(json!({"Id": id, "StackId": stack_id}))
    }

    /// The stack that a change set is for; of the type CREATE a new one, unless it is in review.
    fn stack_for(&self, kind: ChangeSetType, stack_name: &str, name: &str) -> ServiceResult<Stack> {
        let existing = self.find(stack_name).and_then(|id| self.with_stack(&id, |stack| stack.clone()));
        match (kind, existing) {
            (ChangeSetType::Create | ChangeSetType::Import, Some(stack)) if stack.status == "REVIEW_IN_PROGRESS" => {
                Ok(stack)
            }
            (ChangeSetType::Update, None) => Err(no_stack(stack_name)),
            (ChangeSetType::Update | ChangeSetType::Import, Some(stack)) => {
                refuse_unless_updatable(&stack)?;
                Ok(stack)
            }
            (ChangeSetType::Create, Some(stack)) => Err(exists_already(&stack, name)),
            (ChangeSetType::Create | ChangeSetType::Import, None) => {
                check_name(stack_name, "StackName")?;
                Ok(Stack::new(self.new_stack_id(stack_name), stack_name.to_owned(), "REVIEW_IN_PROGRESS"))
            }
        }
    }

    /// Stack id and change set id of a change set named by its ARN, or by name within a stack.
    pub(super) fn find_change_set(&self, stack_name: Option<&str>, name: &str) -> ServiceResult<(String, String)> {
        if name.starts_with("arn:") {
            return self
                .with_stacks(|stacks| {
                    stacks
                        .iter()
                        .find(|stack| stack.change_sets.iter().any(|known| known.id == name))
                        .map(|stack| (stack.id.clone(), name.to_owned()))
                })
                .ok_or_else(|| no_change_set(name));
        }
        let Some(stack_name) = stack_name else {
            return Err(invalid("StackName must be specified if ChangeSetName is not specified as an ARN."));
        };
        let id = self.find(stack_name).ok_or_else(|| no_stack(stack_name))?;
        let found = self.with_stack(&id, |stack| stack.change_set(name).map(|found| found.id.clone())).flatten();
        Ok((id, found.ok_or_else(|| no_change_set(name))?))
    }

    pub(super) fn describe_change_set(&self, mut input: Input) -> ServiceResult {
        let stack_name = input.string("StackName")?;
        let name = input.required("ChangeSetName")?;
        let with_values = input.boolean("IncludePropertyValues")?.unwrap_or(false);
        // All changes are told at once, so that there is never a further page.
        input.ignore("NextToken");
        input.finish()?;
        let (stack_id, id) = self.find_change_set(stack_name.as_deref(), &name)?;
        let described = self.with_stack(&stack_id, |stack| {
            let change_set = stack.change_set(&id)?;
            let mut described = summarize(stack, change_set);
            let changes = change_set.changes.iter().filter_map(|change| change.describe(with_values));
            described["Changes"] = changes.collect::<Vec<_>>().into();
            described["Capabilities"] = change_set.revision.capabilities.clone().into();
            described["NotificationARNs"] = json!([]);
            described["RollbackConfiguration"] = json!({});
            if change_set.imports_existing {
                described["ImportExistingResources"] = true.into();
            }
            if !change_set.revision.parameters.is_empty() {
                described["Parameters"] = describe_parameters(&change_set.revision.parameters);
            }
            if !change_set.revision.tags.is_empty() {
                described["Tags"] = describe_tags(&change_set.revision.tags);
            }
            if let Some(on_stack_failure) = change_set.on_stack_failure {
                described["OnStackFailure"] = match on_stack_failure {
                    OnFailure::Rollback => "ROLLBACK",
                    OnFailure::DoNothing => "DO_NOTHING",
                    OnFailure::Delete => "DELETE",
                }
                .into();
            }
            Some(described)
        });
        described.flatten().ok_or_else(|| no_change_set(&name))
    }

    pub(super) fn list_change_sets(&self, mut input: Input) -> ServiceResult {
        let name = input.required("StackName")?;
        input.ignore("NextToken");
        input.finish()?;
        let id = self.find(&name).ok_or_else(|| no_stack(&name))?;
        let summaries = self.with_stack(&id, |stack| {
            stack.change_sets.iter().map(|change_set| summarize(stack, change_set)).collect::<Vec<_>>()
        });
        Ok(json!({"Summaries": summaries.unwrap_or_default()}))
    }

    pub(super) fn delete_change_set(&self, mut input: Input) -> ServiceResult {
        let stack_name = input.string("StackName")?;
        let name = input.required("ChangeSetName")?;
        input.finish()?;
        match self.find_change_set(stack_name.as_deref(), &name) {
            Ok((stack_id, id)) => {
                self.with_stack(&stack_id, |stack| stack.change_sets.retain(|change_set| change_set.id != id));
                Ok(json!({}))
            }
            // The deletion of one that is not there succeeds, as long as it could be one.
            Err(error) if error.code == "ChangeSetNotFound" && !name.starts_with("arn:") => Ok(json!({})),
            Err(error) => Err(error),
        }
    }

    pub(super) fn execute_change_set(self: &Arc<Self>, mut input: Input) -> ServiceResult {
        let stack_name = input.string("StackName")?;
        let name = input.required("ChangeSetName")?;
        let token = input.string("ClientRequestToken")?;
        let disable_rollback = input.boolean("DisableRollback")?;
        let retain_except_on_create = input.boolean("RetainExceptOnCreate")?.unwrap_or(false);
        input.finish()?;
        let (stack_id, id) = self.find_change_set(stack_name.as_deref(), &name)?;
        let change_set = self.with_stack(&stack_id, |stack| {
            let change_set = stack.change_set(&id).cloned().ok_or_else(|| no_change_set(&name))?;
            if begun_with(stack, token.as_deref(), &["CREATE_STACK", "UPDATE_STACK"])?.is_some() {
                return Ok(None);
            }
            if change_set.execution_status != "AVAILABLE" {
                return Err(ServiceError::bad_request(
                    "InvalidChangeSetStatus",
                    format!(
                        "ChangeSet [{}] cannot be executed in its current status of [{}]",
                        change_set.id, change_set.status
                    ),
                ));
            }
            let on_failure = on_failure_of(disable_rollback, &change_set);
            match change_set.kind {
                ChangeSetType::Create => {
                    if stack.status != "REVIEW_IN_PROGRESS" {
                        return Err(exists_already(stack, &change_set.name));
                    }
                    stack.revision = Some(change_set.revision.clone());
                    stack.token = token;
                    stack.on_failure = on_failure;
                    stack.updated = Some(Timestamp::now());
                    stack.set_status("CREATE_IN_PROGRESS", Some(USER_INITIATED.into()));
                }
                ChangeSetType::Update => {
                    refuse_unless_updatable(stack)?;
                    refuse_if_half_made(stack, on_failure == OnFailure::DoNothing)?;
                    stack.token = token;
                    stack.begin_update(change_set.revision.clone());
                }
                ChangeSetType::Import => {
                    if stack.status != "REVIEW_IN_PROGRESS" {
                        refuse_unless_updatable(stack)?;
                    }
                    stack.token = token;
                    stack.updated = Some(Timestamp::now());
                    stack.set_status("IMPORT_IN_PROGRESS", Some(USER_INITIATED.into()));
                }
            }
            stack.change_set_id = Some(change_set.id.clone());
            if change_set.role_arn.is_some() {
                stack.role_arn.clone_from(&change_set.role_arn);
            }
            stack.imports.clone_from(&change_set.imports);
            stack.retain_except_on_create = retain_except_on_create;
            // With one executed, the others no longer say what would change.
            stack.change_sets.retain(|known| known.id == change_set.id);
            stack.change_sets.iter_mut().for_each(|known| known.execution_status = "EXECUTE_COMPLETE");
            Ok(Some(change_set))
        });
        let change_set = change_set.unwrap_or_else(|| Err(no_change_set(&name)))?;
        // The same request once more: its operation is under way or done.
        let Some(change_set) = change_set else { return Ok(json!({})) };
        let operation = Operation::new(self, &stack_id);
        match change_set.kind {
            ChangeSetType::Create => operation.start_creation(),
            ChangeSetType::Update => operation.start_update(on_failure_of(disable_rollback, &change_set)),
            ChangeSetType::Import => operation.start_import(change_set.revision, change_set.imports),
        }
        Ok(json!({}))
    }
}

fn exists_already(stack: &Stack, change_set: &str) -> ServiceError {
    invalid(format!(
        "Stack [{}] already exists and cannot be created again with the changeSet [{change_set}].",
        stack.name
    ))
}

fn on_failure_of(disable_rollback: Option<bool>, change_set: &ChangeSet) -> OnFailure {
    match disable_rollback {
        Some(true) => OnFailure::DoNothing,
        _ => change_set.on_stack_failure.unwrap_or(OnFailure::Rollback),
    }
}

fn summarize(stack: &Stack, change_set: &ChangeSet) -> Value {
    let mut summary = json!({
        "ChangeSetName": change_set.name,
        "ChangeSetId": change_set.id,
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": iso(change_set.created),
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "IncludeNestedStacks": false,
    });
    for (name, value) in [("Description", &change_set.description), ("StatusReason", &change_set.status_reason)] {
        if let Some(value) = value {
            summary[name] = value.as_str().into();
        }
    }
    summary
}
