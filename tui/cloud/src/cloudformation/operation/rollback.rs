//! Back to what was before: of a creation nothing, of an update the previous revision.

use std::collections::BTreeMap;

use super::{Operation, bracketed};
use crate::cloudformation::{graph::Graph, stack::Resource};

impl Operation {
    /// Deletes what a failed creation made. The stack is in `ROLLBACK_IN_PROGRESS`.
    pub(super) async fn roll_back_creation(&self) {
        let graph = self.with(|stack| stack.recorded_graph().reversed());
        let failed = self
            .work_off(&graph, false, |operation, id| async move {
                let keep = operation.with(|stack| {
                    let resource = stack.resources.get(&id);
                    resource.is_some_and(|resource| stack.keeps_at_rollback(resource))
                });
                operation.delete_resource(id, keep).await
            })
            .await;
        self.with(|stack| {
            if failed.is_empty() {
                stack.set_status("ROLLBACK_COMPLETE", None);
            } else {
                let reason = format!("The following resource(s) failed to delete: {}. ", bracketed(&failed));
                stack.set_status("ROLLBACK_FAILED", Some(reason));
            }
        });
    }

    /// Deletes what a failed creation made, in a task of its own. The stack is in
    /// `ROLLBACK_IN_PROGRESS`.
    pub fn start_creation_rollback(self) {
        tokio::spawn(async move {
            let turn = self.with(|stack| stack.turn.clone());
            let _turn = turn.lock().await;
            self.roll_back_creation().await;
        });
    }

    /// Takes what a failed update touched back. The stack is in `UPDATE_ROLLBACK_IN_PROGRESS`;
    /// resources in `skip` are taken as they are.
    pub(super) async fn roll_back_update(&self, skip: &[String]) {
        let Some(update) = self.with(|stack| stack.update.clone()) else { return };
        let graph = Graph::from_dependencies(
            update
                .before
                .values()
                .filter(|resource| update.touched.contains(&resource.logical_id))
                .map(|resource| (resource.logical_id.clone(), resource.dependencies.clone())),
        );
        // What the update made, noted before records go back to the old ones.
        let made: Vec<Resource> = self.with(|stack| {
            let is_new = |resource: &&Resource| {
                let before = update.before.get(&resource.logical_id);
                let is_known = update.made.iter().any(|known| known.physical_id == resource.physical_id);
                resource.exists() && !is_known && before.is_none_or(|before| before.physical_id != resource.physical_id)
            };
            let made = update.made.iter().chain(stack.resources.values().filter(is_new)).cloned().collect::<Vec<_>>();
            if let Some(update) = &mut stack.update {
                update.made.clone_from(&made);
            }
            made
        });
        let back = Self { cancel: tokio_util::sync::CancellationToken::new(), ..self.clone() };
        let before = std::sync::Arc::new(update.before.clone());
        let skip: std::sync::Arc<[String]> = skip.into();
        let failed = back
            .work_off(&graph, false, |operation, id| {
                let (before, skip) = (before.clone(), skip.clone());
                async move {
                    let Some(before) = before.get(&id).cloned() else { return true };
                    if skip.contains(&id) {
                        operation.with(|stack| {
                            stack.resources.insert(id.clone(), before);
                            stack.set_resource_status(&id, "UPDATE_COMPLETE", None);
                        });
                        return true;
                    }
                    operation.restore_resource(id, before).await
                }
            })
            .await;
        if !failed.is_empty() {
            let reason = format!("The following resource(s) failed to update: {}. ", bracketed(&failed));
            self.with(|stack| {
                if let Some(update) = &mut stack.update {
                    // What went back is done; a further rollback is about the rest.
                    update.touched.retain(|id| failed.contains(id) || !update.before.contains_key(id));
                }
                stack.set_status("UPDATE_ROLLBACK_FAILED", Some(reason));
            });
            return;
        }
        self.with(|stack| {
            stack.revision.clone_from(&update.previous);
            stack.outputs.clone_from(&update.previous_outputs);
            stack.set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None);
        });
        let made = self.with(|stack| {
            let made = made.into_iter().map(|resource| {
                // What was to replace another resource goes: that one is there again.
                let is_new = !update.before.contains_key(&resource.logical_id);
                let keep = is_new && stack.keeps_at_rollback(&resource);
                (resource, keep)
            });
            made.collect()
        });
        back.clean_up(made).await;
        self.with(|stack| {
            stack.resources.retain(|id, _| update.before.contains_key(id));
            stack.update = None;
            stack.set_status("UPDATE_ROLLBACK_COMPLETE", None);
        });
    }

    /// Deletes resources that nobody needs any more, the last made first; `true` keeps one. Gives
    /// the logical ids of those that could not be deleted.
    pub(super) async fn clean_up(&self, resources: Vec<(Resource, bool)>) -> Vec<String> {
        // Several may have been made for one logical id, so they go by their physical ones.
        let key = |resource: &Resource| resource.physical_id.clone().unwrap_or_default();
        let named: BTreeMap<String, (Resource, bool)> =
            resources.into_iter().map(|(resource, keep)| (key(&resource), (resource, keep))).collect();
        let keys_of = |logical_ids: &[String]| -> Vec<String> {
            let is_named = |(resource, _): &&(Resource, bool)| logical_ids.contains(&resource.logical_id);
            named.values().filter(is_named).map(|(resource, _)| key(resource)).collect()
        };
        let graph = Graph::from_dependencies(
            named.iter().map(|(key, (resource, _))| (key.clone(), keys_of(&resource.dependencies))),
        );
        let failed = self
            .work_off(&graph.reversed(), false, |operation, key| {
                let found = named.get(&key).cloned();
                async move {
                    match found {
                        Some((resource, keep)) => operation.clean_up_resource(resource, keep).await,
                        None => true,
                    }
                }
            })
            .await;
        failed.iter().filter_map(|key| Some(named.get(key)?.0.logical_id.clone())).collect()
    }
}
