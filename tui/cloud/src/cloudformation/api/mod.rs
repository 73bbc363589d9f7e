//! The operations of the wire: what is asked for, checked, and answered.

mod change_sets;
mod describe;
mod drift;
mod events;
mod import;
mod request;
mod stacks;
mod templates;

use std::sync::Arc;

use super::CloudFormation;
use crate::{
    caller::Caller,
    wire::{Input, ServiceError, ServiceResult},
};

/// Runs one operation.
pub(super) async fn call(cloud: &Arc<CloudFormation>, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
    tracing::debug!(?caller, operation, "cloudformation");
    let result = match operation {
        "CreateStack" => cloud.create_stack(input).await,
        "UpdateStack" => cloud.update_stack(input).await,
        "DeleteStack" => cloud.delete_stack(input),
        "CancelUpdateStack" => cloud.cancel_update_stack(input),
        "ContinueUpdateRollback" => cloud.continue_update_rollback(input),
        "RollbackStack" => cloud.rollback_stack(input),
        "UpdateTerminationProtection" => cloud.update_termination_protection(input),
        "DescribeStacks" => cloud.describe_stacks(input),
        "ListStacks" => cloud.list_stacks(input),
        "DescribeEvents" => cloud.describe_events(input),
        "DescribeAccountLimits" => describe::account_limits(input),
        "DescribeStackEvents" => cloud.describe_stack_events(input),
        "DescribeStackResource" => cloud.describe_stack_resource(input),
        "DescribeStackResources" => cloud.describe_stack_resources(input),
        "ListStackResources" => cloud.list_stack_resources(input),
        "GetTemplate" => cloud.get_template(input),
        "GetTemplateSummary" => cloud.get_template_summary(input).await,
        "ValidateTemplate" => cloud.validate_template(input).await,
        "DetectStackDrift" => cloud.detect_stack_drift(input).await,
        "DetectStackResourceDrift" => cloud.detect_stack_resource_drift(input).await,
        "DescribeStackDriftDetectionStatus" => cloud.describe_stack_drift_detection_status(input),
        "DescribeStackResourceDrifts" => cloud.describe_stack_resource_drifts(input),
        "CreateChangeSet" => cloud.create_change_set(input).await,
        "DescribeChangeSet" => cloud.describe_change_set(input),
        "ExecuteChangeSet" => cloud.execute_change_set(input),
        "DeleteChangeSet" => cloud.delete_change_set(input),
        "ListChangeSets" => cloud.list_change_sets(input),
        _ => Err(ServiceError::unknown_operation("CloudFormation", operation)),
    };
    // The query protocol has codes of its own for what is wrong with a request itself.
    result.map_err(|mut error| {
        let code = match error.code.as_str() {
            "ValidationException" | "SerializationException" => "ValidationError",
            "UnknownOperationException" => "InvalidAction",
            _ => return error,
        };
        code.clone_into(&mut error.code);
        error
    })
}
