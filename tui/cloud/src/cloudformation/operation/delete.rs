//! The deletion of a stack: resources in the reverse order of their making.

use std::sync::Arc;

use super::{Operation, bracketed, resource::keeps};
use crate::cloudformation::stack::Resource;

impl Operation {
    /// Does the work of a deletion in a task of its own; with `force`, what cannot be deleted is left
    /// behind. The stack is in `DELETE_IN_PROGRESS`.
    pub fn start_deletion(self, retain: Vec<String>, force: bool) {
        tokio::spawn(async move {
            let turn = self.with(|stack| stack.turn.clone());
            let _turn = turn.lock().await;
            self.delete_resources(&retain, force, false).await;
        });
    }

    /// Deletes every resource and ends the stack. The stack is in `DELETE_IN_PROGRESS`.
    pub(super) async fn delete_resources(&self, retain: &[String], force: bool, created_now: bool) {
        let graph = self.with(|stack| stack.recorded_graph().reversed());
        let retain: Arc<[String]> = retain.into();
        let failed = self
            .work_off(&graph, false, |operation, id| {
                let retain = retain.clone();
                async move {
                    let keep = retain.contains(&id)
                        || operation.with(|stack| {
                            stack.resources.get(&id).is_some_and(|resource| {
                                if created_now {
                                    stack.keeps_at_rollback(resource)
                                } else {
                                    keeps(resource.deletion_policy)
                                }
                            })
                        });
                    let left = operation.clone().delete_resource(id.clone(), keep).await;
                    if !left && force {
                        operation.with(|stack| {
                            let reason = stack.resources.get(&id).and_then(|resource| resource.reason.clone());
                            stack.set_resource_status(&id, "DELETE_SKIPPED", reason);
                        });
                    }
                    left || force
                }
            })
            .await;
        // What an update left behind when a deletion overtook it.
        let leftovers = self.with(|stack| {
            let update = stack.update.take();
            let replaced = |resource: &Resource| {
                stack.resources.get(&resource.logical_id).is_none_or(|now| now.physical_id != resource.physical_id)
            };
            update.map(|update| update.before.into_values().filter(replaced).collect::<Vec<_>>()).unwrap_or_default()
        });
        self.clean_up(
            leftovers
                .into_iter()
                .map(|resource| {
                    let keep = keeps(resource.deletion_policy);
                    (resource, keep)
                })
                .collect(),
        )
        .await;
        self.with(|stack| {
            if failed.is_empty() {
                stack.deleted = Some(jiff::Timestamp::now());
                stack.set_status("DELETE_COMPLETE", None);
            } else {
                let reason = format!("The following resource(s) failed to delete: {}. ", bracketed(&failed));
                stack.set_status("DELETE_FAILED", Some(reason));
            }
        });
    }
}
