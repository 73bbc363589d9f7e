//! Takes a stack down: the intake stops, Firehose delivers, the bucket is emptied, the stack goes.

use std::time::Duration;

use aws_sdk_cloudformation::{
    Client,
    error::ProvideErrorMetadata,
    types::{Capability, Parameter},
};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures::{StreamExt, stream};
use tailwater_core::events::StackStatus;
use tokio::sync::mpsc::Sender;

use super::{DeployError, Deployed, Progress, Stack, follow::follow, note, root_cause, template};
use crate::target::{StackEvents, Target};

/// How many deletions S3 takes in one request.
const DELETIONS_AT_ONCE: usize = 1_000;
/// How many unfinished uploads are aborted at once.
const ABORTS_AT_ONCE: usize = 8;
/// What Firehose may take beyond its interval.
const DELIVERY_GRACE: Duration = Duration::from_secs(5);
/// The same on the embedded cloud, where nothing retries over a network.
const DELIVERY_GRACE_LOCAL: Duration = Duration::from_secs(1);
/// Between two looks at a delivery stream that is being deleted.
const DELIVERY_STREAM_PACE: Duration = Duration::from_secs(2);
/// How long its deletion may take.
const DELIVERY_STREAM_LIMIT: Duration = Duration::from_mins(5);

/// How to take a stack down.
#[derive(Debug, Clone, Copy, Default)]
pub struct DestroyOptions {
    /// Do not wait for Firehose: what it buffers is lost.
    pub now: bool,
    /// Leave the bucket and its objects.
    pub keep_data: bool,
}

/// How it ended.
pub enum Destroyed {
    /// Nothing of the stack is left; `kept` names the bucket that was to be kept.
    Done {
        /// The bucket that is left.
        kept: Option<String>,
    },
    /// There was nothing.
    Nothing,
    /// CloudFormation ended it otherwise.
    Failed {
        /// The stack's status.
        status: StackStatus,
        /// The first cause, in AWS's words.
        cause: Option<String>,
    },
}

/// Takes a stack down.
pub async fn destroy(
    target: &Target,
    stack_name: &str,
    options: DestroyOptions,
    progress: &Sender<Progress>,
) -> Result<Destroyed, DeployError> {
    let client = target.cloudformation();
    let Some(mut stack) = Stack::find(&client, stack_name).await? else { return Ok(Destroyed::Nothing) };
    if !stack.own {
        return Err(DeployError::Foreign(stack_name.to_owned()));
    }
    let mut events = StackEvents::new(&client, stack.id.clone());
    if stack.status.in_progress() {
        note(progress, format!("Stack {stack_name} is in {}: waiting for it to end.", stack.status)).await;
        follow(&client, &mut events, target.pace().stack, progress).await?;
        match Stack::find(&client, stack_name).await? {
            Some(found) => stack = found,
            None => return Ok(Destroyed::Done { kept: None }),
        }
    }
    // A stack that never came up has no outputs and no data.
    let deployed = stack.deployed(stack_name).ok();
    if let Some(deployed) = &deployed {
        drain(target, deployed, options, progress).await?;
        if options.keep_data {
            retain_bucket(target, &client, &stack, progress).await?;
        } else {
            empty_bucket(target, &deployed.outputs.bucket_name, progress).await?;
        }
    }
    events.skip_past().await?;
    client
        .delete_stack()
        .stack_name(&stack.id)
        .send()
        .await
        .map_err(|error| DeployError::call(format!("deleted stack {stack_name}"), &error))?;
    let status = follow(&client, &mut events, target.pace().stack, progress).await?;
    if status.as_str() != "DELETE_COMPLETE" {
        let cause = root_cause(events.seen()).and_then(|event| event.reason.clone());
        return Ok(Destroyed::Failed { status, cause });
    }
    let kept = deployed.map(|deployed| deployed.outputs.bucket_name).filter(|_| options.keep_data);
    Ok(Destroyed::Done { kept })
}

/// Updates the stack so that deleting it leaves the bucket: `DeleteStack` itself takes a list of what
/// to retain only after it has failed.
async fn retain_bucket(
    target: &Target,
    client: &Client,
    stack: &Stack,
    progress: &Sender<Progress>,
) -> Result<(), DeployError> {
    let tried = || "updated the stack so that its bucket is kept".to_owned();
    let template = template::retaining().ok_or_else(|| DeployError::Call {
        tried: tried(),
        answer: "the bundled template does not say where".to_owned(),
    })?;
    let parameters = stack
        .parameters
        .iter()
        .filter(|(key, _)| template::has_parameter(key))
        .map(|(key, _)| Parameter::builder().parameter_key(key).use_previous_value(true).build())
        .collect();
    let mut events = StackEvents::new(client, stack.id.clone());
    events.skip_past().await?;
    let updated = client
        .update_stack()
        .stack_name(&stack.id)
        .template_body(template)
        .set_parameters(Some(parameters))
        .capabilities(Capability::CapabilityNamedIam)
        .send()
        .await;
    match updated {
        Ok(_) => {}
        // It was interrupted after this step the last time.
        Err(error) if error.message().is_some_and(|message| message.contains("No updates are to be performed")) => {
            return Ok(());
        }
        Err(error) => return Err(DeployError::call(tried(), &error)),
    }
    let status = follow(client, &mut events, target.pace().stack, progress).await?;
    if status.as_str() == "UPDATE_COMPLETE" {
        return Ok(());
    }
    let cause = root_cause(events.seen()).and_then(|event| event.reason.clone());
    Err(DeployError::Call { tried: tried(), answer: cause.unwrap_or_else(|| format!("it ended in {status}")) })
}

/// Stops the intake, waits until Firehose has delivered, and deletes the delivery stream so that
/// it cannot write again.
async fn drain(
    target: &Target,
    deployed: &Deployed,
    options: DestroyOptions,
    progress: &Sender<Progress>,
) -> Result<(), DeployError> {
    let outputs = &deployed.outputs;
    // Reserved concurrency 0 is how Lambda is told to stop: the gateway then answers 5xx.
    let stopped = target
        .lambda()
        .put_function_concurrency()
        .function_name(&outputs.function_name)
        .reserved_concurrent_executions(0)
        .send()
        .await;
    if let Err(error) = stopped
        && !is_absent(&error)
    {
        return Err(DeployError::call(format!("stopped the function {}", outputs.function_name), &error));
    }
    let firehose = target.firehose();
    let name = &outputs.delivery_stream_name;
    let there = match firehose.describe_delivery_stream().delivery_stream_name(name).send().await {
        Ok(_) => true,
        Err(error) if is_absent(&error) => false,
        Err(error) => return Err(DeployError::call(format!("looked at the delivery stream {name}"), &error)),
    };
    if !there {
        return Ok(());
    }
    if options.now {
        note(progress, "Not waiting for Firehose: what it still buffers is lost.".to_owned()).await;
    } else {
        let grace = if target.is_local() { DELIVERY_GRACE_LOCAL } else { DELIVERY_GRACE };
        let wait = Duration::from_secs(deployed.buffering.interval_seconds) + grace;
        note(progress, format!("The intake is stopped. Firehose has {} s to deliver what it buffers.", wait.as_secs()))
            .await;
        tokio::time::sleep(wait).await;
    }
    if let Err(error) = firehose.delete_delivery_stream().delivery_stream_name(name).send().await
        && !is_absent(&error)
    {
        return Err(DeployError::call(format!("deleted the delivery stream {name}"), &error));
    }
    let deadline = tokio::time::Instant::now() + DELIVERY_STREAM_LIMIT;
    loop {
        match firehose.describe_delivery_stream().delivery_stream_name(name).send().await {
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(DeployError::call(format!("waited for {name} to go"), &error)),
            Ok(_) if tokio::time::Instant::now() > deadline => {
                return Err(DeployError::Call {
                    tried: format!("waited for the delivery stream {name} to go"),
                    answer: format!("it is still there after {} s", DELIVERY_STREAM_LIMIT.as_secs()),
                });
            }
            Ok(_) => {
                let pace = if target.is_local() { target.pace().stack } else { DELIVERY_STREAM_PACE };
                tokio::time::sleep(pace).await;
            }
        }
    }
}

fn is_absent<E, R>(error: &aws_smithy_runtime_api::client::result::SdkError<E, R>) -> bool
where
    E: ProvideErrorMetadata,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    matches!(code, Some("ResourceNotFoundException" | "NoSuchBucket" | "NotFound"))
}

/// Deletes every version, delete marker and unfinished upload.
async fn empty_bucket(target: &Target, bucket: &str, progress: &Sender<Progress>) -> Result<(), DeployError> {
    let client = target.s3();
    let trouble = || format!("emptied the bucket {bucket}");
    let mut deleted: usize = 0;
    loop {
        // Always the first page: what it listed is gone by the next turn.
        let page = match client.list_object_versions().bucket(bucket).send().await {
            Ok(page) => page,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(DeployError::call(trouble(), &error)),
        };
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let objects: Vec<ObjectIdentifier> = versions
            .chain(markers)
            .filter_map(|(key, version)| {
                ObjectIdentifier::builder().key(key?).set_version_id(version.map(str::to_owned)).build().ok()
            })
            .collect();
        if objects.is_empty() {
            break;
        }
        for batch in objects.chunks(DELETIONS_AT_ONCE) {
            let delete = Delete::builder()
                .set_objects(Some(batch.to_vec()))
                .quiet(true)
                .build()
                .map_err(|error| DeployError::Call { tried: trouble(), answer: error.to_string() })?;
            let answer = client
                .delete_objects()
                .bucket(bucket)
                .delete(delete)
                .send()
                .await
                .map_err(|error| DeployError::call(trouble(), &error))?;
            if let Some(error) = answer.errors().first() {
                return Err(DeployError::Call {
                    tried: format!("deleted {} from {bucket}", error.key().unwrap_or_default()),
                    answer: format!("{}: {}", error.code().unwrap_or_default(), error.message().unwrap_or_default()),
                });
            }
            deleted += batch.len();
        }
    }
    let uploads = client
        .list_multipart_uploads()
        .bucket(bucket)
        .send()
        .await
        .map_err(|error| DeployError::call(format!("looked for unfinished uploads in {bucket}"), &error))?;
    let aborts = uploads.uploads().iter().filter_map(|upload| Some((upload.key()?, upload.upload_id()?)));
    let failed: Vec<_> = stream::iter(aborts)
        .map(|(key, id)| client.abort_multipart_upload().bucket(bucket).key(key).upload_id(id).send())
        .buffer_unordered(ABORTS_AT_ONCE)
        .filter_map(|result| async { result.err() })
        .collect()
        .await;
    if let Some(error) = failed.first() {
        return Err(DeployError::call(format!("aborted an unfinished upload in {bucket}"), error));
    }
    if deleted > 0 {
        note(progress, format!("Bucket {bucket} is empty: {deleted} objects and versions deleted.")).await;
    }
    Ok(())
}
