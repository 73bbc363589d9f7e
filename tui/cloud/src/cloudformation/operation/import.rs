//! An import: resources that are there become the stack's own.

use std::collections::BTreeMap;

use super::{Operation, bracketed, resource::record_of};
use crate::{
    cloudformation::{
        resources::Failure,
        stack::{Revision, STACK_TYPE},
        template::ResourceDeclaration,
    },
    faults::Action,
};

impl Operation {
    /// Does the work of an import in a task of its own. The stack is in `IMPORT_IN_PROGRESS`; `imports`
    /// gives physical ids by logical id.
    pub fn start_import(self, revision: Revision, imports: BTreeMap<String, String>) {
        tokio::spawn(async move {
            let turn = self.with(|stack| stack.turn.clone());
            let _turn = turn.lock().await;
            self.import(revision, imports).await;
        });
    }

    async fn import(&self, revision: Revision, imports: BTreeMap<String, String>) {
        let previous = self.with(|stack| stack.revision.replace(revision.clone()));
        let mut failed = Vec::new();
        let mut taken = Vec::new();
        for id in revision.graph.sorted() {
            let (Some(declaration), Some(physical_id)) = (revision.template.resource(&id), imports.get(&id)) else {
                continue;
            };
            if self.import_resource(&revision, declaration, physical_id).await {
                taken.push(id);
            } else {
                failed.push(id);
                break;
            }
        }
        if failed.is_empty() {
            self.with(|stack| stack.set_status("IMPORT_COMPLETE", None));
            return;
        }
        let reason = format!("The following resource(s) failed to import: {}. ", bracketed(&failed));
        self.with(|stack| stack.set_status("IMPORT_ROLLBACK_IN_PROGRESS", Some(reason)));
        let mut held = Vec::new();
        for id in taken.into_iter().rev() {
            if let Err(Failure(reason)) = self.let_go(&id).await {
                self.with(|stack| stack.set_resource_status(&id, "IMPORT_ROLLBACK_FAILED", Some(reason)));
                held.push(id);
            }
        }
        self.with(|stack| {
            // They are as they were: there, and nobody's.
            stack.resources.retain(|id, _| !imports.contains_key(id) || held.contains(id));
            if held.is_empty() {
                stack.revision = previous;
                stack.set_status("IMPORT_ROLLBACK_COMPLETE", None);
            } else {
                let reason = format!("The following resource(s) failed to rollback: {}. ", bracketed(&held));
                stack.set_status("IMPORT_ROLLBACK_FAILED", Some(reason));
            }
        });
    }

    /// Gives a resource back that was taken in.
    async fn let_go(&self, id: &str) -> Result<(), Failure> {
        let found = self.with(|stack| {
            stack.set_resource_status(id, "IMPORT_ROLLBACK_IN_PROGRESS", None);
            let resource = stack.resources.get(id)?.clone();
            Some((Self::request(stack, id, resource.properties), resource.resource_type))
        });
        if let Some((request, resource_type)) = found {
            self.meet(&request, &resource_type, Action::Import).await.map_err(met)?;
        }
        self.with(|stack| stack.set_resource_status(id, "IMPORT_ROLLBACK_COMPLETE", None));
        Ok(())
    }

    /// Takes a resource in, with its events. Gives whether it is the stack's own now.
    pub(super) async fn import_resource(
        &self,
        revision: &Revision,
        declaration: &ResourceDeclaration,
        physical_id: &str,
    ) -> bool {
        let id = &declaration.logical_id;
        match self.take_in(revision, declaration, physical_id).await {
            Ok(()) => true,
            Err(Failure(reason)) => {
                self.with(|stack| {
                    stack.set_resource_status(id, "IMPORT_FAILED", Some(reason));
                    // It stays what it was: there, and not this stack's.
                    if let Some(resource) = stack.resources.get_mut(id) {
                        resource.physical_id = None;
                    }
                });
                false
            }
        }
    }

    async fn take_in(
        &self,
        revision: &Revision,
        declaration: &ResourceDeclaration,
        physical_id: &str,
    ) -> Result<(), Failure> {
        let id = &declaration.logical_id;
        let resource_type = &declaration.resource_type;
        let prepared = self.with(|stack| {
            let evaluated = self.evaluate(stack, revision, declaration);
            let properties = evaluated.as_ref().map(|evaluated| evaluated.properties.clone()).unwrap_or_default();
            let metadata = evaluated.as_ref().ok().and_then(|evaluated| evaluated.metadata.clone());
            let mut record = record_of(declaration, revision, properties.clone(), metadata);
            record.physical_id = Some(physical_id.to_owned());
            record.imported = true;
            stack.resources.insert(id.clone(), record);
            stack.set_resource_status(id, "IMPORT_IN_PROGRESS", Some("Resource import started.".into()));
            Some(evaluated.map(|_| Self::request(stack, id, properties)))
        });
        let Some(prepared) = prepared else { return Ok(()) };
        let request = prepared.map_err(Failure)?;
        let provider =
            self.cloud.registry.get(resource_type).ok_or_else(|| super::resource::unknown_type(resource_type))?;
        self.meet(&request, resource_type, Action::Import).await.map_err(met)?;
        let owner = self.cloud.with_stacks(|stacks| {
            let others = stacks.iter().filter(|stack| stack.id != self.stack_id);
            let mut owners = others.filter(|stack| {
                stack.resources.values().any(|resource| {
                    resource.exists()
                        && resource.resource_type == *resource_type
                        && resource.physical_id.as_deref() == Some(physical_id)
                })
            });
            owners.next().map(|stack| stack.id.clone())
        });
        if let Some(owner) = owner {
            return Err(Failure(format!("{physical_id} already belongs to {STACK_TYPE} {owner}")));
        }
        match provider.exists(&request, physical_id).await? {
            Some(true) => {}
            Some(false) => {
                return Err(Failure(format!(
                    "Resource of type '{resource_type}' with identifier '{physical_id}' was not found."
                )));
            }
            None => return Err(Failure(format!("Resource type {resource_type} is not supported for import."))),
        }
        let attributes = provider.settle(&request, physical_id).await?;
        self.with(|stack| {
            if let Some(resource) = stack.resources.get_mut(id) {
                resource.attributes = attributes;
            }
            stack.set_resource_status(id, "IMPORT_COMPLETE", Some("Resource import completed.".into()));
            let tags = "Apply stack-level tags to imported resource if applicable.";
            stack.set_resource_status(id, "UPDATE_IN_PROGRESS", Some(tags.into()));
        });
        // Its own properties are taken for what the template says; the stack's tags are put on it.
        let mut own = revision.clone();
        own.tags.clear();
        let before = self.with(|stack| self.evaluate(stack, &own, declaration).ok());
        if let Some(before) = before
            && before.properties != request.properties
        {
            provider.update(&request, physical_id, &before.properties).await?;
        }
        self.with(|stack| stack.set_resource_status(id, "UPDATE_COMPLETE", None));
        Ok(())
    }
}

/// Why an import fails that met trouble; without a reason it was cancelled.
fn met(failure: Option<Failure>) -> Failure {
    failure.unwrap_or_else(|| Failure("Resource import cancelled".to_owned()))
}
