//! What orders can be about: the services, operations and resource types that there are.

use super::{
    ANY, ApiFault, CallEffect, CallFault, DeliveryEffect, Fault, FunctionEffect, Order, ResourceFault, StreamEffect,
    Times,
};
use crate::{cloudformation, gateway, iam, lambda, s3};

/// Every operation of `CloudFormation` on stacks and types.
const CLOUDFORMATION: &str = "\
    ActivateType BatchDescribeTypeConfigurations CancelUpdateStack ContinueUpdateRollback CreateChangeSet \
    CreateGeneratedTemplate CreateStack CreateStackRefactor DeactivateType DeleteChangeSet \
    DeleteGeneratedTemplate DeleteStack DeregisterType DescribeAccountLimits DescribeChangeSet \
    DescribeChangeSetHooks DescribeEvents DescribeGeneratedTemplate DescribePublisher DescribeResourceScan \
    DescribeStackDriftDetectionStatus DescribeStackEvents DescribeStackRefactor DescribeStackResource \
    DescribeStackResourceDrifts DescribeStackResources DescribeStacks DescribeType DescribeTypeRegistration \
    DetectStackDrift DetectStackResourceDrift EstimateTemplateCost ExecuteChangeSet ExecuteStackRefactor \
    GetGeneratedTemplate GetHookResult GetStackPolicy GetTemplate GetTemplateSummary ListChangeSets \
    ListExports ListGeneratedTemplates ListHookResults ListImports ListResourceScanRelatedResources \
    ListResourceScanResources ListResourceScans ListStackRefactorActions ListStackRefactors \
    ListStackResources ListStacks ListTypeRegistrations ListTypeVersions ListTypes PublishType \
    RecordHandlerProgress RegisterPublisher RegisterType RollbackStack SetStackPolicy SetTypeConfiguration \
    SetTypeDefaultVersion SignalResource StartResourceScan TestType UpdateGeneratedTemplate UpdateStack \
    UpdateTerminationProtection ValidateTemplate";

/// Every operation of Firehose.
const FIREHOSE: &str = "\
    CreateDeliveryStream DeleteDeliveryStream DescribeDeliveryStream ListDeliveryStreams \
    ListTagsForDeliveryStream PutRecord PutRecordBatch StartDeliveryStreamEncryption \
    StopDeliveryStreamEncryption TagDeliveryStream UntagDeliveryStream UpdateDestination";

/// Every operation of Kinesis Data Streams.
const KINESIS: &str = "\
    AddTagsToStream CreateStream DecreaseStreamRetentionPeriod DeleteResourcePolicy DeleteStream \
    DeregisterStreamConsumer DescribeAccountSettings DescribeLimits DescribeStream DescribeStreamConsumer \
    DescribeStreamSummary DisableEnhancedMonitoring EnableEnhancedMonitoring GetRecords GetResourcePolicy \
    GetShardIterator IncreaseStreamRetentionPeriod ListShards ListStreamConsumers ListStreams \
    ListTagsForResource ListTagsForStream MergeShards PutRecord PutRecords PutResourcePolicy \
    RegisterStreamConsumer RemoveTagsFromStream SplitShard StartStreamEncryption StopStreamEncryption \
    SubscribeToShard TagResource UntagResource UpdateAccountSettings UpdateMaxRecordSize UpdateShardCount \
    UpdateStreamMode UpdateStreamWarmThroughput";

/// The operations of `CloudWatch` Logs on groups, streams, events and queries.
const LOGS: &str = "\
    AssociateKmsKey CancelExportTask CreateExportTask CreateLogGroup CreateLogStream DeleteLogGroup \
    DeleteLogStream DeleteMetricFilter DeleteResourcePolicy DeleteRetentionPolicy DeleteSubscriptionFilter \
    DescribeExportTasks DescribeLogGroups DescribeLogStreams DescribeMetricFilters DescribeQueries \
    DescribeResourcePolicies DescribeSubscriptionFilters DisassociateKmsKey FilterLogEvents GetLogEvents \
    GetLogGroupFields GetLogRecord GetQueryResults ListTagsForResource ListTagsLogGroup PutLogEvents \
    PutMetricFilter PutResourcePolicy PutRetentionPolicy PutSubscriptionFilter StartLiveTail StartQuery \
    StopQuery TagLogGroup TagResource TestMetricFilter UntagLogGroup UntagResource";

/// What is wrong with an order, in words.
pub(super) fn check(order: &Order) -> Result<(), String> {
    if order.times == Times::Count(0) {
        return Err("A fault that nothing meets is none: its count is 1 or more.".to_owned());
    }
    if !(1..=100).contains(&order.percent) {
        return Err(format!("Percent is 1 to 100, not {}.", order.percent));
    }
    if order.lasts.is_some_and(|time| time.is_zero()) {
        return Err("A fault that ends at once is none: its time is 1 millisecond or more.".to_owned());
    }
    match &order.fault {
        Fault::Call(fault) => check_call(fault),
        Fault::Resource(fault) => check_resource(fault),
        Fault::Function(fault) => {
            check_name("function", fault.function_name.as_deref())?;
            match &fault.effect {
                FunctionEffect::Error { error_type, .. } if error_type.is_empty() => {
                    Err("An error of a function has a type.".to_owned())
                }
                _ => Ok(()),
            }
        }
        Fault::Stream(fault) => {
            check_name("stream", fault.stream_name.as_deref())?;
            match &fault.effect {
                StreamEffect::Error { status, code, .. } => check_error(*status, code),
                StreamEffect::Throttle => Ok(()),
            }
        }
        Fault::Delivery(fault) => {
            check_name("delivery stream", fault.delivery_stream_name.as_deref())?;
            match &fault.effect {
                DeliveryEffect::Error { code, .. } => check_error(400, code),
                DeliveryEffect::Delay(_) | DeliveryEffect::Twice => Ok(()),
            }
        }
        Fault::Api(ApiFault { api_id, status, .. }) => {
            check_name("API", api_id.as_deref())?;
            match status {
                500 | 503 => Ok(()),
                other => Err(format!("The gateway answers 500 or 503 where a fault makes it, not {other}.")),
            }
        }
    }
}

fn check_name(what: &str, name: Option<&str>) -> Result<(), String> {
    if name == Some("") { Err(format!("The name of the {what} is empty: leave it out for any.")) } else { Ok(()) }
}

fn check_error(status: u16, code: &str) -> Result<(), String> {
    if code.is_empty() {
        return Err("An error has a code.".to_owned());
    }
    check_status(status)
}

fn check_status(status: u16) -> Result<(), String> {
    if (400..=599).contains(&status) {
        Ok(())
    } else {
        Err(format!("The status of an error is 400 to 599, not {status}."))
    }
}

fn check_call(fault: &CallFault) -> Result<(), String> {
    let CallFault { service, operation, effect } = fault;
    if let CallEffect::Error { status, .. } = effect {
        check_status(*status)?;
    }
    let has: &dyn Fn(&str) -> bool = match service.as_str() {
        ANY if operation == ANY => return Ok(()),
        ANY => return Err(format!("An operation of every service is {ANY}, not {operation}.")),
        "apigateway" => &gateway::has_operation,
        "cloudformation" => &|name| is_among(CLOUDFORMATION, name),
        "firehose" => &|name| is_among(FIREHOSE, name),
        "iam" => &|name| iam::has_operation("IAM", name),
        "kinesis" => &|name| is_among(KINESIS, name),
        "lambda" => &lambda::has_operation,
        "logs" => &|name| is_among(LOGS, name),
        "s3" => &s3::has_operation,
        "sts" => &|name| iam::has_operation("STS", name),
        other => return Err(format!("The embedded cloud does not offer the service {other}.")),
    };
    if operation == ANY || has(operation) { Ok(()) } else { Err(format!("{service} has no operation {operation}.")) }
}

fn check_resource(fault: &ResourceFault) -> Result<(), String> {
    let resource = &fault.resource;
    let is_logical_id = !resource.is_empty() && resource.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if resource == ANY || is_logical_id || cloudformation::has_type(resource) {
        Ok(())
    } else if resource.contains("::") {
        Err(format!("The embedded cloud does not offer the resource type {resource}."))
    } else {
        Err(format!("{resource:?} is neither a logical id nor a resource type."))
    }
}

fn is_among(names: &str, name: &str) -> bool {
    names.split_ascii_whitespace().any(|known| known == name)
}
