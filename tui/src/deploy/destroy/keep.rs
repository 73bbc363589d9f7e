//! Has CloudFormation leave the bucket when the stack goes. `DeleteStack` itself takes a list of
//! what to retain only after it has failed, so a stack that can be updated is told before; of any
//! other the deletion stops at the bucket, which S3 does not delete while it holds objects.

use aws_sdk_cloudformation::types::{Capability, Parameter, TemplateStage};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{
    Run, contents,
    pieces::{BUCKET, Pieces},
};
use crate::{
    deploy::{Action, DeployError, Stack, TEMPLATE, action, follow::follow, root_cause, template},
    target::{Kind, StackEvents, error_text},
};

/// Where the template says what the function is for: CloudFormation does not take a changed policy
/// alone for an update.
const FUNCTION: &str = "Description: Validates a posted event and puts it on the Kinesis stream.";
const FUNCTION_KEPT: &str = "Description: Stopped, since the stack is being deleted and its bucket kept.";
/// Where it says what becomes of the bucket.
pub const BUCKET_DELETED: &str = "    Type: AWS::S3::Bucket\n    DeletionPolicy: Delete\n";
/// What it says where the bucket is kept.
pub const BUCKET_KEPT: &str = "    Type: AWS::S3::Bucket\n    DeletionPolicy: Retain\n";

/// What a template says of keeping the bucket.
#[derive(Debug, PartialEq, Eq)]
enum Retaining {
    /// It does so.
    Already,
    /// This one does.
    Changed(String),
    /// It is not one that this knows.
    Unknown,
}

/// The same pipeline with its bucket retained.
fn retaining(template: &str) -> Retaining {
    let once = |text: &str| template.matches(text).count() == 1;
    if once(BUCKET_KEPT) {
        Retaining::Already
    } else if once(FUNCTION) && once(BUCKET_DELETED) {
        Retaining::Changed(template.replace(FUNCTION, FUNCTION_KEPT).replace(BUCKET_DELETED, BUCKET_KEPT))
    } else {
        Retaining::Unknown
    }
}

/// Refuses to promise what an endpoint other than AWS may not hold: some delete a bucket with all it
/// holds, whatever the template says of keeping it.
pub async fn refuse_where_lost(run: &Run<'_>, pieces: &Pieces) -> Result<(), DeployError> {
    if run.target.kind() != Kind::Custom {
        return Ok(());
    }
    for bucket in pieces.ids(BUCKET) {
        if contents::contents(run.target, bucket).await?.is_some_and(|contents| contents.objects > 0) {
            return Err(DeployError::Call {
                tried: format!("looked whether this endpoint keeps the bucket {bucket} when its stack goes"),
                answer:
                    "only AWS is known to. Nothing was touched: copy what it holds, then destroy without --keep-data"
                        .to_owned(),
            });
        }
    }
    Ok(())
}

/// Updates the stack so that deleting it leaves the bucket, where its state takes an update.
pub async fn retain(run: &Run<'_>, stack: &Stack, pieces: &Pieces) -> Result<(), DeployError> {
    if action(Some(&stack.status)) != Action::Update || pieces.ids(BUCKET).next().is_none() {
        return Ok(());
    }
    let Err(answer) = update(run, stack).await? else { return Ok(()) };
    run.note(format!(
        "The stack could not be told to keep its bucket ({answer}). It is kept all the same if it holds anything: S3 \
         deletes no bucket that does."
    ))
    .await;
    Ok(())
}

/// Does the update; the inner error says in AWS's words why it did not come about.
async fn update(run: &Run<'_>, stack: &Stack) -> Result<Result<(), String>, DeployError> {
    // What was deployed may be an earlier version: the update is to change nothing else of it.
    let deployed = run.client.get_template().stack_name(&stack.id).template_stage(TemplateStage::Original).send().await;
    let deployed = deployed.ok().and_then(|answer| answer.template_body);
    let template = match deployed.as_deref().map_or(Retaining::Unknown, retaining) {
        Retaining::Already => return Ok(Ok(())),
        Retaining::Changed(template) => template,
        Retaining::Unknown => match retaining(TEMPLATE) {
            Retaining::Changed(template) => template,
            _ => return Ok(Err("the bundled template does not say where".to_owned())),
        },
    };
    let parameters = stack
        .parameters
        .iter()
        .filter(|(key, _)| template::has_parameter(key))
        .map(|(key, _)| Parameter::builder().parameter_key(key).use_previous_value(true).build())
        .collect();
    let mut events = StackEvents::new(run.client, stack.id.clone());
    events.skip_past().await?;
    let updated = run
        .client
        .update_stack()
        .stack_name(run.stack_name)
        .template_body(template)
        .set_parameters(Some(parameters))
        .capabilities(Capability::CapabilityNamedIam)
        .client_request_token(format!("tailwater-{}", uuid::Uuid::new_v4().simple()))
        .set_role_arn(run.options.role_arn.map(str::to_owned))
        .send()
        .await;
    match updated {
        Ok(_) => {}
        Err(error) if error.message().is_some_and(|message| message.contains("No updates are to be performed")) => {
            return Ok(Ok(()));
        }
        Err(error) if error.as_service_error().is_some() => return Ok(Err(error_text(&error))),
        Err(error) => {
            let tried = format!("updated stack {} so that its bucket is kept", run.stack_name);
            return Err(DeployError::call(tried, &error));
        }
    }
    let status = follow(run.client, &mut events, run.target.pace().stack, run.progress).await?;
    if status.as_str() == "UPDATE_COMPLETE" {
        return Ok(Ok(()));
    }
    let cause = root_cause(events.seen()).and_then(|event| event.reason.clone());
    Ok(Err(cause.unwrap_or_else(|| format!("the update ended in {status}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_retaining_template_differs_in_two_lines() {
        let Retaining::Changed(kept) = retaining(TEMPLATE) else { panic!("the template has both places") };
        let different = TEMPLATE.lines().zip(kept.lines()).filter(|(one, other)| one != other).count();
        assert_eq!((different, TEMPLATE.lines().count()), (2, kept.lines().count()));
        assert_eq!(retaining(&kept), Retaining::Already);
        assert_eq!(retaining("Resources: {}"), Retaining::Unknown);
    }
}
