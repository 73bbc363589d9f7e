//! One resource, made, changed or deleted, with its events.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Operation;
use crate::{
    cloudformation::{
        resources::{Attributes, Failure, Request, Update},
        stack::{Resource, Revision, Stack},
        template::{DeletionPolicy, ResourceDeclaration},
    },
    faults::{Action, ResourceEffect},
};

const CREATE_CANCELLED: &str = "Resource creation cancelled";
const UPDATE_CANCELLED: &str = "Resource update cancelled";
const REPLACEMENT: &str = "Requested update requires the creation of a new physical resource; hence creating one.";

/// Properties that a provider takes, and metadata.
pub(super) struct Evaluated {
    pub properties: Map<String, Value>,
    pub metadata: Option<Value>,
}

impl Operation {
    /// Makes a resource of the revision that the stack is at. Gives whether it is there.
    pub(super) async fn create_resource(self, logical_id: String) -> bool {
        let import = self.with(|stack| {
            let physical_id = stack.imports.get(&logical_id)?.clone();
            let (declaration, revision) = declaration(stack, &logical_id)?;
            Some((declaration, revision, physical_id))
        });
        if let Some((declaration, revision, physical_id)) = import {
            return self.import_resource(&revision, &declaration, &physical_id).await;
        }
        let prepared = self.with(|stack| {
            let (declaration, revision) = declaration(stack, &logical_id)?;
            let evaluated = self.evaluate(stack, &revision, &declaration);
            let (properties, metadata, trouble) = match evaluated {
                Ok(evaluated) => (evaluated.properties, evaluated.metadata, None),
                Err(reason) => (Map::new(), None, Some(reason)),
            };
            stack
                .resources
                .insert(logical_id.clone(), record_of(&declaration, &revision, properties.clone(), metadata));
            stack.set_resource_status(&logical_id, "CREATE_IN_PROGRESS", None);
            if trouble.is_some() {
                stack.set_resource_status(&logical_id, "CREATE_FAILED", trouble);
                return None;
            }
            Some((declaration.resource_type.clone(), Self::request(stack, &logical_id, properties)))
        });
        let Some((resource_type, request)) = prepared else { return false };
        match self.make(&resource_type, &request, "CREATE_IN_PROGRESS").await {
            Ok(attributes) => {
                self.with(|stack| {
                    if let Some(resource) = stack.resources.get_mut(&logical_id) {
                        resource.attributes = attributes;
                    }
                    stack.set_resource_status(&logical_id, "CREATE_COMPLETE", None);
                });
                true
            }
            Err(failure) => {
                let reason = failure.map_or_else(|| CREATE_CANCELLED.to_owned(), |failure| failure.0);
                self.with(|stack| stack.set_resource_status(&logical_id, "CREATE_FAILED", Some(reason)));
                false
            }
        }
    }

    /// Creates and settles a resource whose record is in the stack; `Err(None)`: cancelled.
    async fn make(
        &self,
        resource_type: &str,
        request: &Request,
        status: &'static str,
    ) -> Result<Attributes, Option<Failure>> {
        let provider = self.cloud.registry.get(resource_type).ok_or_else(|| Some(unknown_type(resource_type)))?;
        if self.cancel.is_cancelled() {
            return Err(None);
        }
        self.meet(request, resource_type, Action::Create).await?;
        // The creation itself is never left half-way: its outcome decides what a rollback deletes.
        let physical_id = provider.create(request).await.map_err(Some)?;
        self.with(|stack| {
            if let Some(resource) = stack.resources.get_mut(&request.logical_id) {
                resource.physical_id = Some(physical_id.clone());
            }
            stack.set_resource_status(&request.logical_id, status, Some("Resource creation Initiated".into()));
        });
        tokio::select! {
            () = self.cancel.cancelled() => Err(None),
            settled = provider.settle(request, &physical_id) => settled.map_err(Some),
        }
    }

    /// Brings a resource to the revision that the stack is at: makes, changes, replaces it, or
    /// leaves it alone without an event.
    pub(super) async fn update_resource(self, logical_id: String) -> bool {
        enum Step {
            Create,
            Nothing,
            InPlace(String, Request, String, Map<String, Value>),
            Replace(String, Request),
        }
        let step = self.with(|stack| {
            let Some((declaration, revision)) = declaration(stack, &logical_id) else { return Some(Step::Nothing) };
            let Some(current) = stack.resources.get(&logical_id).filter(|resource| resource.exists()).cloned() else {
                touch(stack, &logical_id);
                return Some(Step::Create);
            };
            let evaluated = match self.evaluate(stack, &revision, &declaration) {
                Ok(evaluated) => evaluated,
                Err(reason) => {
                    touch(stack, &logical_id);
                    stack.set_resource_status(&logical_id, "UPDATE_FAILED", Some(reason));
                    return None;
                }
            };
            let mut next = record_of(&declaration, &revision, evaluated.properties.clone(), evaluated.metadata);
            next.physical_id.clone_from(&current.physical_id);
            next.attributes.clone_from(&current.attributes);
            next.imported = current.imported;
            (next.status, next.reason, next.at) = (current.status, current.reason.clone(), current.at);
            let changed = changed_properties(&current.properties, &evaluated.properties);
            // What failed before and was kept is brought to its end now.
            if changed.is_empty() && !current.status.ends_with("_FAILED") {
                stack.resources.insert(logical_id.clone(), next);
                return Some(Step::Nothing);
            }
            touch(stack, &logical_id);
            let request = Self::request(stack, &logical_id, evaluated.properties);
            let physical_id = current.physical_id.clone().unwrap_or_default();
            stack.resources.insert(logical_id.clone(), next);
            if self.replaces(&declaration.resource_type, &changed) {
                if let Some(reason) = self.same_name(&declaration.resource_type, &current, &request) {
                    stack.set_resource_status(&logical_id, "UPDATE_FAILED", Some(reason));
                    if let Some(resource) = stack.resources.get_mut(&logical_id) {
                        resource.properties = current.properties;
                    }
                    return None;
                }
                stack.set_resource_status(&logical_id, "UPDATE_IN_PROGRESS", Some(REPLACEMENT.into()));
                if let Some(update) = &mut stack.update
                    && update.before.get(&logical_id).is_none_or(|before| before.physical_id != current.physical_id)
                {
                    // An earlier attempt made it; it is neither what was nor what will be.
                    update.made.push(current);
                }
                if let Some(resource) = stack.resources.get_mut(&logical_id) {
                    resource.physical_id = None;
                }
                return Some(Step::Replace(declaration.resource_type, request));
            }
            stack.set_resource_status(&logical_id, "UPDATE_IN_PROGRESS", None);
            Some(Step::InPlace(declaration.resource_type, request, physical_id, current.properties))
        });
        let outcome = match step {
            None => return false,
            Some(Step::Nothing) => return true,
            Some(Step::Create) => return self.create_resource(logical_id).await,
            Some(Step::InPlace(resource_type, request, physical_id, before)) => {
                self.change(&resource_type, &request, &physical_id, &before).await
            }
            Some(Step::Replace(resource_type, request)) => {
                self.make(&resource_type, &request, "UPDATE_IN_PROGRESS").await
            }
        };
        match outcome {
            Ok(attributes) => {
                self.with(|stack| {
                    if let Some(resource) = stack.resources.get_mut(&logical_id) {
                        resource.attributes = attributes;
                    }
                    stack.set_resource_status(&logical_id, "UPDATE_COMPLETE", None);
                });
                true
            }
            Err(failure) => {
                let reason = failure.map_or_else(|| UPDATE_CANCELLED.to_owned(), |failure| failure.0);
                self.with(|stack| stack.set_resource_status(&logical_id, "UPDATE_FAILED", Some(reason)));
                false
            }
        }
    }

    /// Changes a resource in place; `Err(None)`: cancelled.
    async fn change(
        &self,
        resource_type: &str,
        request: &Request,
        physical_id: &str,
        before: &Map<String, Value>,
    ) -> Result<Attributes, Option<Failure>> {
        let provider = self.cloud.registry.get(resource_type).ok_or_else(|| Some(unknown_type(resource_type)))?;
        if self.cancel.is_cancelled() {
            return Err(None);
        }
        self.meet(request, resource_type, Action::Update).await?;
        provider.update(request, physical_id, before).await.map_err(Some)?;
        tokio::select! {
            () = self.cancel.cancelled() => Err(None),
            settled = provider.settle(request, physical_id) => settled.map_err(Some),
        }
    }

    /// Does what was ordered of an action: fails, or waits; `Err(None)`: cancelled meanwhile.
    pub(super) async fn meet(
        &self,
        request: &Request,
        resource_type: &str,
        action: Action,
    ) -> Result<(), Option<Failure>> {
        let faults = &self.cloud.uses.faults;
        match faults.meet_action(&request.stack_name, &request.logical_id, resource_type, action) {
            None => Ok(()),
            Some(ResourceEffect::Fail { reason }) => Err(Some(Failure(reason))),
            Some(ResourceEffect::Delay(delay)) if action == Action::Delete => {
                // The end of a deletion is waited for, whatever else fails.
                tokio::time::sleep(delay).await;
                Ok(())
            }
            Some(ResourceEffect::Delay(delay)) => tokio::select! {
                () = self.cancel.cancelled() => Err(None),
                () = tokio::time::sleep(delay) => Ok(()),
            },
        }
    }

    /// Takes a resource back to what it was before the update that failed.
    pub(super) async fn restore_resource(self, logical_id: String, before: Resource) -> bool {
        let now = self.with(|stack| stack.resources.get(&logical_id).cloned());
        let Some(now) = now else { return true };
        let attempted = now.properties.clone();
        let was_replaced = now.physical_id != before.physical_id;
        let request = self.with(|stack| {
            let mut restored = before.clone();
            restored.status = now.status;
            stack.resources.insert(logical_id.clone(), restored);
            stack.set_resource_status(&logical_id, "UPDATE_IN_PROGRESS", None);
            Some(Self::request(stack, &logical_id, before.properties.clone()))
        });
        let Some(request) = request else { return true };
        let physical_id = before.physical_id.clone().unwrap_or_default();
        let outcome = if was_replaced || changed_properties(&attempted, &before.properties).is_empty() {
            Ok(before.attributes.clone())
        } else {
            self.change(&before.resource_type, &request, &physical_id, &attempted).await
        };
        let (status, reason) = match outcome {
            Ok(_) => ("UPDATE_COMPLETE", None),
            Err(failure) => {
                // It is still as the failed update left it; a further rollback starts from there.
                self.with(|stack| {
                    if let Some(resource) = stack.resources.get_mut(&logical_id) {
                        resource.properties = attempted;
                    }
                });
                ("UPDATE_FAILED", Some(failure.map_or_else(|| UPDATE_CANCELLED.to_owned(), |failure| failure.0)))
            }
        };
        self.with(|stack| stack.set_resource_status(&logical_id, status, reason));
        status == "UPDATE_COMPLETE"
    }

    /// Deletes a resource of the stack, unless its policy keeps it. Gives whether it left.
    pub(super) async fn delete_resource(self, logical_id: String, keep: bool) -> bool {
        let found = self.with(|stack| {
            let resource = stack.resources.get(&logical_id)?.clone();
            if !resource.exists() {
                if resource.status != "DELETE_COMPLETE" && resource.status != "DELETE_SKIPPED" {
                    stack.set_resource_status(&logical_id, "DELETE_COMPLETE", None);
                }
                return None;
            }
            if keep {
                stack.set_resource_status(&logical_id, "DELETE_SKIPPED", None);
                return None;
            }
            stack.set_resource_status(&logical_id, "DELETE_IN_PROGRESS", None);
            Some(resource)
        });
        let Some(resource) = found else { return true };
        match self.remove(&resource).await {
            Ok(()) => {
                self.with(|stack| stack.set_resource_status(&logical_id, "DELETE_COMPLETE", None));
                true
            }
            Err(failure) => {
                self.with(|stack| stack.set_resource_status(&logical_id, "DELETE_FAILED", Some(failure.0)));
                false
            }
        }
    }

    /// Deletes a resource that has left the template or was replaced: events only, since the
    /// stack's own record is another.
    pub(super) async fn clean_up_resource(self, resource: Resource, keep: bool) -> bool {
        if !resource.exists() {
            return true;
        }
        if keep {
            self.with(|stack| stack.record(&resource, "DELETE_SKIPPED", None));
            return true;
        }
        self.with(|stack| stack.record(&resource, "DELETE_IN_PROGRESS", None));
        let outcome = self.remove(&resource).await;
        let (status, reason) = match outcome {
            Ok(()) => ("DELETE_COMPLETE", None),
            Err(failure) => ("DELETE_FAILED", Some(failure.0)),
        };
        self.with(|stack| stack.record(&resource, status, reason));
        status == "DELETE_COMPLETE"
    }

    async fn remove(&self, resource: &Resource) -> Result<(), Failure> {
        let Some(provider) = self.cloud.registry.get(&resource.resource_type) else {
            return Err(unknown_type(&resource.resource_type));
        };
        let request = self.with(|stack| Some(Self::request(stack, &resource.logical_id, resource.properties.clone())));
        match (request, &resource.physical_id) {
            (Some(request), Some(physical_id)) => {
                if let Err(Some(failure)) = self.meet(&request, &resource.resource_type, Action::Delete).await {
                    return Err(failure);
                }
                provider.delete(&request, physical_id).await
            }
            _ => Ok(()),
        }
    }

    pub(in crate::cloudformation) fn request(
        stack: &Stack,
        logical_id: &str,
        properties: Map<String, Value>,
    ) -> Request {
        Request {
            caller: stack.caller(),
            stack_name: stack.name.clone(),
            logical_id: logical_id.to_owned(),
            properties,
        }
    }

    pub(super) fn evaluate(
        &self,
        stack: &Stack,
        revision: &Revision,
        declaration: &ResourceDeclaration,
    ) -> Result<Evaluated, String> {
        let pseudo = self.pseudo(stack);
        let scope = revision.scope(&pseudo, stack);
        let schema = self
            .cloud
            .registry
            .schema(&declaration.resource_type)
            .ok_or_else(|| unknown_type(&declaration.resource_type).0)?;
        let mut properties = scope.evaluate_members(&declaration.properties).map_err(|error| error.message)?;
        schema.join_tags(&mut properties, &revision.tags);
        let properties = schema.accept(&declaration.logical_id, properties)?;
        let metadata = match &declaration.metadata {
            None => None,
            Some(metadata) => scope.evaluate(metadata).map_err(|error| error.message)?,
        };
        Ok(Evaluated { properties, metadata })
    }

    fn replaces(&self, resource_type: &str, changed: &[String]) -> bool {
        let Some(schema) = self.cloud.registry.schema(resource_type) else { return false };
        changed.iter().any(|name| schema.property(name).is_some_and(|property| property.update == Update::Replacement))
    }

    /// A resource with a name of its own cannot stand beside its replacement.
    fn same_name(&self, resource_type: &str, before: &Resource, after: &Request) -> Option<String> {
        let name = self.cloud.registry.schema(resource_type)?.name?;
        let name_before = before.properties.get(name)?;
        (after.properties.get(name)? == name_before).then(|| {
            let text = name_before.as_str().map_or_else(|| name_before.to_string(), str::to_owned);
            format!(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {text} \
                 and update the stack again."
            )
        })
    }
}

fn declaration(stack: &Stack, logical_id: &str) -> Option<(ResourceDeclaration, Revision)> {
    let revision = stack.revision.clone()?;
    let declaration = revision.template.resource(logical_id)?.clone();
    Some((declaration, revision))
}

pub(super) fn record_of(
    declaration: &ResourceDeclaration,
    revision: &Revision,
    properties: Map<String, Value>,
    metadata: Option<Value>,
) -> Resource {
    Resource {
        logical_id: declaration.logical_id.clone(),
        resource_type: declaration.resource_type.clone(),
        physical_id: None,
        status: "CREATE_IN_PROGRESS",
        reason: None,
        at: Timestamp::now(),
        properties,
        attributes: Map::new(),
        dependencies: revision.graph.dependencies(&declaration.logical_id),
        deletion_policy: declaration.deletion_policy,
        update_replace_policy: declaration.update_replace_policy,
        metadata,
        drift: None,
        imported: false,
    }
}

fn touch(stack: &mut Stack, logical_id: &str) {
    if let Some(update) = &mut stack.update {
        update.touched.insert(logical_id.to_owned());
    }
}

pub(super) fn unknown_type(resource_type: &str) -> Failure {
    Failure(format!("Unrecognized resource type: {resource_type}"))
}

/// Names of the properties that differ.
pub(crate) fn changed_properties(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let mut names: Vec<String> =
        after.iter().filter(|(name, value)| before.get(*name) != Some(value)).map(|(name, _)| name.clone()).collect();
    names.extend(before.keys().filter(|name| !after.contains_key(*name)).cloned());
    names
}

/// Whether a policy keeps a resource that its stack lets go.
pub(super) fn keeps(policy: DeletionPolicy) -> bool {
    policy != DeletionPolicy::Delete
}
