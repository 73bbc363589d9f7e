//! Drift that matters: a stream, delivery stream or bucket that was removed by hand, while CloudFormation takes it to
//! be there. An update would not notice, or would fail half-way.

use aws_sdk_kinesis::error::ProvideErrorMetadata;

use super::{DeployError, Stack};
use crate::target::Target;

/// Refuses a stack whose stream or bucket is gone, unless the deployment names another one: that
/// makes it anew. What cannot be looked at counts as there.
pub async fn check(
    target: &Target,
    stack_name: &str,
    stack: &Stack,
    given: &[(String, String)],
) -> Result<(), DeployError> {
    let renames = |parameter: &str| {
        given.iter().any(|(name, value)| name == parameter && stack.parameter(parameter) != Some(value.as_str()))
    };
    let gone = |what: String, parameter: &str, remade: &str| DeployError::Drift {
        stack: stack_name.to_owned(),
        what,
        advice: format!(
            "an update cannot bring it back. Give {remade} another name, which makes a new one (--param \
             {parameter}=NAME), or run `tailwater destroy`, then `tailwater deploy`"
        ),
    };
    if let Some(stream) = stack.output("StreamName")
        && !renames("StreamName")
        && is_stream_gone(target, stream).await
    {
        return Err(gone(format!("Stream {stream}"), "StreamName", "the stream"));
    }
    if let Some(bucket) = stack.output("BucketName")
        && !renames("BucketBaseName")
        && is_bucket_gone(target, bucket).await
    {
        return Err(gone(format!("Bucket {bucket}"), "BucketBaseName", "the bucket"));
    }
    if let Some(name) = stack.output("DeliveryStreamName")
        && is_delivery_stream_gone(target, name).await
    {
        return Err(DeployError::Drift {
            stack: stack_name.to_owned(),
            what: format!("Delivery stream {name}"),
            advice:
                "somebody deleted it, as a `tailwater destroy` that was cut short does, and an update cannot bring \
                     it back. Run `tailwater destroy`, with --keep-data to keep the bucket, then `tailwater deploy`"
                    .to_owned(),
        });
    }
    Ok(())
}

async fn is_delivery_stream_gone(target: &Target, name: &str) -> bool {
    let answer = target.firehose().describe_delivery_stream().delivery_stream_name(name).send().await;
    answer.is_err_and(|error| error.code() == Some("ResourceNotFoundException"))
}

async fn is_stream_gone(target: &Target, stream: &str) -> bool {
    let answer = target.kinesis().describe_stream_summary().stream_name(stream).send().await;
    answer.is_err_and(|error| error.code() == Some("ResourceNotFoundException"))
}

async fn is_bucket_gone(target: &Target, bucket: &str) -> bool {
    let answer = target.s3().head_bucket().bucket(bucket).send().await;
    answer.is_err_and(|error| {
        error.as_service_error().is_some_and(aws_sdk_s3::operation::head_bucket::HeadBucketError::is_not_found)
    })
}
