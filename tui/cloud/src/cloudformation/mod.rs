//! `CloudFormation`: evaluates templates, provisions and updates what they declare, rolls back.
//!
//! `template` knows text and functions, `graph` order, `operation` what happens to a stack over
//! time, `resources` one type a file, `validation` finds before all that what would go wrong, `api`
//! the operations of the wire.

mod api;
mod change_set;
mod events;
mod graph;
mod operation;
mod resources;
mod stack;
mod template;
#[cfg(test)]
mod tests;
mod validation;

use std::sync::{Arc, Mutex};

use crate::{
    Place,
    caller::Caller,
    faults::Faults,
    firehose::Firehose,
    gateway::Gateway,
    iam::Iam,
    kinesis::Kinesis,
    lambda::Lambda,
    logs::Logs,
    s3::S3,
    wire::{Input, ServiceResult},
};
use resources::Registry;
pub(crate) use resources::has_type;
use stack::Stack;
use template::Pseudo;

/// The services that resources are made in.
#[derive(Clone)]
pub(crate) struct Uses {
    pub place: Arc<Place>,
    pub iam: Arc<Iam>,
    pub kinesis: Arc<Kinesis>,
    pub s3: Arc<S3>,
    pub logs: Arc<Logs>,
    pub lambda: Arc<Lambda>,
    pub firehose: Arc<Firehose>,
    pub gateway: Arc<Gateway>,
    pub faults: Arc<Faults>,
}

/// The stacks.
pub(crate) struct CloudFormation {
    uses: Uses,
    registry: Registry,
    /// In the order of their creation; deleted ones stay, found by id alone.
    stacks: Mutex<Vec<Stack>>,
}

impl CloudFormation {
    /// No stacks yet.
    pub fn new(uses: Uses) -> Arc<Self> {
        let registry = Registry::new(&uses);
        Self::with_registry(uses, registry)
    }

    /// With other resource types than this cloud's own.
    fn with_registry(uses: Uses, registry: Registry) -> Arc<Self> {
        Arc::new(Self { uses, registry, stacks: Mutex::default() })
    }

    /// A `CloudFormation` operation, input and output as JSON.
    pub async fn call(self: &Arc<Self>, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        api::call(self, caller, operation, input).await
    }

    /// Every stack there is or was.
    fn with_stacks<T>(&self, action: impl FnOnce(&mut Vec<Stack>) -> T) -> T {
        action(&mut self.stacks.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// One stack by its id.
    fn with_stack<T>(&self, stack_id: &str, action: impl FnOnce(&mut Stack) -> T) -> Option<T> {
        self.with_stacks(|stacks| stacks.iter_mut().find(|stack| stack.id == stack_id).map(action))
    }

    /// The pseudo parameters of a stack.
    fn pseudo(&self, stack_id: &str, stack_name: &str) -> Pseudo {
        Pseudo {
            region: self.uses.place.region.clone(),
            account_id: self.uses.place.account_id.clone(),
            stack_id: stack_id.to_owned(),
            stack_name: stack_name.to_owned(),
        }
    }
}
