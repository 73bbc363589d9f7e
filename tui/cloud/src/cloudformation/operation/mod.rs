//! What changes stacks: each operation runs in a task of its own, works a graph of resources off
//! and writes down what happens as events.

mod create;
mod delete;
mod import;
mod resource;
mod rollback;
mod update;

use std::{collections::HashMap, sync::Arc};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(super) use resource::changed_properties;

use super::{
    CloudFormation,
    graph::{Graph, Progress},
    stack::Stack,
    template::Pseudo,
};

/// One operation on one stack.
#[derive(Clone)]
pub(super) struct Operation {
    pub cloud: Arc<CloudFormation>,
    pub stack_id: String,
    /// Stops what waits and what has not started; cancelled by the first failure.
    pub cancel: CancellationToken,
}

impl Operation {
    /// The next operation of a stack. What was under way can no longer be cancelled by it.
    pub fn new(cloud: &Arc<CloudFormation>, stack_id: &str) -> Self {
        let cancel = CancellationToken::new();
        let operation = Self { cloud: cloud.clone(), stack_id: stack_id.to_owned(), cancel: cancel.clone() };
        operation.with(|stack| stack.cancel = cancel);
        operation
    }

    /// Reads or changes the stack. A stack is never forgotten, so it is there.
    pub fn with<T: Default>(&self, action: impl FnOnce(&mut Stack) -> T) -> T {
        self.cloud.with_stack(&self.stack_id, action).unwrap_or_default()
    }

    /// The pseudo parameters of the stack.
    pub fn pseudo(&self, stack: &Stack) -> Pseudo {
        self.cloud.pseudo(&stack.id, &stack.name)
    }

    /// Starts work on each resource as soon as what it waits for is done; gives those that
    /// failed. With `stop`, the first failure cancels the rest; without, only what waits for it.
    async fn work_off<F, Fut>(&self, graph: &Graph, stop: bool, start: F) -> Vec<String>
    where
        F: Fn(Self, String) -> Fut,
        Fut: Future<Output = bool> + Send + 'static,
    {
        let mut progress = Progress::new(graph);
        let mut running = JoinSet::new();
        let mut failed = Vec::new();
        let mut ids = HashMap::new();
        loop {
            if !stop || !self.cancel.is_cancelled() {
                for id in progress.ready() {
                    let task = start(self.clone(), id.clone());
                    ids.insert(running.spawn(task).id(), id);
                }
            }
            let (task, succeeded) = match running.join_next_with_id().await {
                None => return failed,
                Some(Ok((task, succeeded))) => (task, succeeded),
                // A panic in a provider is a failure of its resource, never the operation's end.
                Some(Err(error)) => {
                    let reason = Some(format!("Internal failure: {error}"));
                    self.with(|stack| stack.fail_resource(ids.get(&error.id()), reason));
                    (error.id(), false)
                }
            };
            let Some(id) = ids.remove(&task) else { continue };
            if succeeded {
                progress.done(&id);
            } else {
                if stop {
                    self.cancel.cancel();
                }
                failed.push(id);
            }
        }
    }
}

/// `[A, B]`, as reasons list resources.
fn bracketed(ids: &[String]) -> String {
    let mut ids = ids.to_vec();
    ids.sort();
    format!("[{}]", ids.join(", "))
}
