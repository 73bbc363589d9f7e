//! The update of a stack to another revision.

use super::{Operation, bracketed, resource::keeps};
use crate::cloudformation::stack::{OnFailure, Resource};

impl Operation {
    /// Does the work of an update in a task of its own. [`Stack::begin_update`] has begun it.
    pub fn start_update(self, on_failure: OnFailure) {
        tokio::spawn(self.update(on_failure));
    }

    async fn update(self, on_failure: OnFailure) {
        let (turn, graph) = self.with(|stack| {
            let graph = stack.revision.as_ref().map(|revision| revision.graph.clone()).unwrap_or_default();
            (stack.turn.clone(), graph)
        });
        let _turn = turn.lock().await;
        let failed = self.work_off(&graph, true, Self::update_resource).await;
        let status = self.with(|stack| {
            // A cancellation or a deletion may have moved the stack on meanwhile.
            if stack.status != "UPDATE_IN_PROGRESS" {
                return stack.status;
            }
            let outcome = if failed.is_empty() {
                self.evaluate_outputs(stack)
            } else {
                Err(failure_reason(&failed, |id| stack.resources.get(id).is_some_and(is_creation)))
            };
            match outcome {
                Ok(()) => stack.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None),
                Err(reason) if on_failure == OnFailure::DoNothing => stack.set_status("UPDATE_FAILED", Some(reason)),
                Err(reason) => stack.set_status("UPDATE_ROLLBACK_IN_PROGRESS", Some(reason)),
            }
            stack.status
        });
        match status {
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => self.finish_update().await,
            "UPDATE_ROLLBACK_IN_PROGRESS" => self.roll_back_update(&[]).await,
            _ => {}
        }
    }

    /// Lets what the update replaced or removed go. The stack is in
    /// `UPDATE_COMPLETE_CLEANUP_IN_PROGRESS`.
    async fn finish_update(&self) {
        let leaving = self.with(|stack| {
            let Some(update) = stack.update.take() else { return Vec::new() };
            let Some(revision) = stack.revision.clone() else { return Vec::new() };
            let mut leaving = Vec::new();
            // What earlier attempts made, none of which is the resource that is there now.
            for resource in update.made {
                let now = stack.resources.get(&resource.logical_id);
                if now.is_none_or(|now| now.physical_id != resource.physical_id) {
                    leaving.push((resource, false));
                }
            }
            for (id, before) in update.before {
                let declared = revision
                    .template
                    .resource(&id)
                    .is_some_and(|declaration| revision.holds(declaration.condition.as_ref()));
                if !declared {
                    let keep = keeps(before.deletion_policy);
                    stack.resources.remove(&id);
                    leaving.push((before, keep));
                } else if let Some(now) = stack.resources.get(&id)
                    && now.physical_id != before.physical_id
                {
                    let keep = keeps(now.update_replace_policy);
                    leaving.push((before, keep));
                }
            }
            leaving
        });
        let failed = self.clean_up(leaving).await;
        self.with(|stack| {
            if stack.status != "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" {
                // A deletion was asked for meanwhile and waits for its turn.
                return;
            }
            let reason = (!failed.is_empty())
                .then(|| format!("The following resource(s) failed to delete: {}. ", bracketed(&failed)));
            stack.set_status("UPDATE_COMPLETE", reason);
        });
    }

    /// Takes a failed update back, in a task of its own. The stack is in
    /// `UPDATE_ROLLBACK_IN_PROGRESS`.
    pub fn start_update_rollback(self, skip: Vec<String>) {
        tokio::spawn(async move {
            let turn = self.with(|stack| stack.turn.clone());
            let _turn = turn.lock().await;
            self.roll_back_update(&skip).await;
        });
    }
}

fn is_creation(resource: &Resource) -> bool {
    resource.status == "CREATE_FAILED"
}

fn failure_reason(failed: &[String], is_creation: impl Fn(&str) -> bool) -> String {
    let (created, updated): (Vec<String>, Vec<String>) = failed.iter().cloned().partition(|id| is_creation(id));
    let told = |verb: &str, ids: &[String]| match ids {
        [] => String::new(),
        ids => format!("The following resource(s) failed to {verb}: {}. ", bracketed(ids)),
    };
    told("create", &created) + &told("update", &updated)
}
