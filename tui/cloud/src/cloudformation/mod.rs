//! CloudFormation: evaluates templates, provisions and updates what they declare, rolls back.

use std::sync::Arc;

use crate::{
    Place,
    caller::Caller,
    firehose::Firehose,
    gateway::Gateway,
    iam::Iam,
    kinesis::Kinesis,
    lambda::Lambda,
    logs::Logs,
    s3::S3,
    wire::{Input, ServiceError, ServiceResult},
};

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
}

/// The stacks.
pub(crate) struct CloudFormation {
    uses: Uses,
}

impl CloudFormation {
    /// No stacks yet.
    pub fn new(uses: Uses) -> Arc<Self> {
        Arc::new(Self { uses })
    }

    /// A CloudFormation operation, input and output as JSON.
    pub async fn call(self: &Arc<Self>, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        let _ = (caller, input, &self.uses);
        Err(ServiceError::unknown_operation("CloudFormation", operation))
    }
}
