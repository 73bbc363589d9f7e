//! The operations on what an ARN names, a stream or a consumer, and on the account.

use serde_json::{Map, Value, json};

use crate::{
    iam::check_resource_policy,
    wire::{ServiceError, ServiceResult},
};

use super::{Kinesis, without_nulls};

impl Kinesis {
    pub(super) async fn describe_stream_consumer(&self, input: Map<String, Value>) -> ServiceResult {
        let checked = self.engine.check("DescribeStreamConsumer", input)?;
        let mut answer = self.engine.call(checked).await?;
        let consumer = &mut answer["ConsumerDescription"];
        show_active(consumer);
        let stream_arn = consumer["ConsumerARN"].as_str().and_then(|arn| arn.split_once("/consumer/"));
        if let Some(stream_arn) = stream_arn.map(|(stream_arn, _)| Value::from(stream_arn)) {
            consumer["StreamARN"] = stream_arn;
        }
        Ok(answer)
    }

    pub(super) async fn list_stream_consumers(&self, input: Map<String, Value>) -> ServiceResult {
        let checked = self.engine.check("ListStreamConsumers", input)?;
        self.engine.resource(checked.members["StreamARN"].as_str().unwrap_or_default()).await?;
        let mut answer = self.engine.call(checked).await?;
        for consumer in answer["Consumers"].as_array_mut().into_iter().flatten() {
            show_active(consumer);
        }
        Ok(without_nulls(answer))
    }

    /// The account has no commitment, and `UpdateAccountSettings`, which would make one, is refused.
    pub(super) fn describe_account_settings(&self, input: Map<String, Value>) -> ServiceResult {
        self.engine.check("DescribeAccountSettings", input)?;
        Ok(json!({"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}}))
    }

    /// Tags and policies, where the engine does not ask whether there is such a resource.
    pub(super) async fn resource_operation(&self, operation: &str, input: Map<String, Value>) -> ServiceResult {
        let checked = self.engine.check(operation, input)?;
        self.engine.resource(checked.members["ResourceARN"].as_str().unwrap_or_default()).await?;
        if operation == "PutResourcePolicy" {
            check_resource_policy(checked.members["Policy"].as_str().unwrap_or_default())
                .map_err(|error| ServiceError::bad_request("InvalidArgumentException", error.message))?;
        }
        self.engine.call(checked).await.map(without_nulls)
    }
}

/// The engine calls a consumer that can read at once CREATING for half a second.
fn show_active(consumer: &mut Value) {
    if consumer["ConsumerStatus"] == "CREATING" {
        consumer["ConsumerStatus"] = "ACTIVE".into();
    }
}
