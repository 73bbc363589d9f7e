//! Takes back the bucket that an earlier stack left when its data were kept: a bucket's name is
//! taken as long as it exists, and a stack can make its own what is there only by importing it. An
//! import may do nothing else, so the stack begins with the bucket alone and is updated to the whole
//! pipeline then.

use aws_sdk_cloudformation::{
    Client,
    types::{ChangeSetType, Parameter, ResourceToImport, Tag},
};
use tokio::sync::mpsc::Sender;

use super::{
    DeployError, Failure, Progress, Request, Stack, TEMPLATE,
    change_set::{self, PREFIX},
    destroy::{self, BUCKET_DELETED, BUCKET_KEPT},
    follow::follow,
    note, parameters, prepare,
    stack::value_of,
    template,
};
use crate::target::{StackEvents, Target};

/// The parameter that the bucket's name begins with.
const BASE_NAME: &str = "BucketBaseName";
/// The bucket's name in the template.
const BUCKET: &str = "Bucket";
/// What helps whoever does not get the bucket.
const ANOTHER: &str = "Another name leaves it as it is: --param BucketBaseName=NAME";

/// A bucket that is to be taken back.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its name.
    pub bucket: String,
    /// What it holds, in words.
    pub holds: String,
    base_name: String,
    request: Request,
}

/// The bucket that a new stack would make, where an earlier stack of ours left it. Refuses one that
/// another stack has.
pub async fn find(
    target: &Target,
    client: &Client,
    request: &Request,
    values: &[(String, String)],
) -> Result<Option<Kept>, DeployError> {
    let given = value_of(values, BASE_NAME).map(str::to_owned);
    let Some(base_name) = given.or_else(|| template::default_of(BASE_NAME)) else { return Ok(None) };
    let bucket = format!("{base_name}-{}-{}", target.account_id(), target.region());
    // What cannot be looked at, CloudFormation will name.
    if !destroy::bucket_is_there(target, &bucket).await.unwrap_or(false) {
        return Ok(None);
    }
    if let Some(owner) = owner(client, &bucket).await? {
        return Err(DeployError::Call {
            tried: format!("took {bucket} as the bucket's name"),
            answer: format!("it belongs to stack {owner}. {ANOTHER}"),
        });
    }
    // Any other that is in the way is CloudFormation's to name.
    if !destroy::bucket_is_ours(target, &bucket).await {
        return Ok(None);
    }
    let contents = destroy::bucket_contents(target, &bucket).await?;
    let holds = contents.map_or_else(|| "unknown contents".to_owned(), destroy::contents_in_words);
    Ok(Some(Kept { bucket, holds, base_name, request: request.clone() }))
}

/// The stack that a bucket belongs to; `None`: to none that is there.
async fn owner(client: &Client, bucket: &str) -> Result<Option<String>, DeployError> {
    // It fails where no stack has it.
    let Ok(answer) = client.describe_stack_resources().physical_resource_id(bucket).send().await else {
        return Ok(None);
    };
    let Some(id) = answer.stack_resources().iter().find_map(|resource| resource.stack_id()) else { return Ok(None) };
    Ok(Stack::find(client, id).await?.map(|stack| stack.name))
}

/// Whether a stack holds a bucket that was taken back, and nothing of the pipeline yet.
pub fn holds_bucket_alone(stack: &Stack) -> bool {
    stack.parameter("ArtifactKey").is_none() && stack.outputs.is_empty()
}

/// Makes a stack that has the bucket and nothing else.
pub async fn take_back(
    target: &Target,
    client: &Client,
    kept: &Kept,
    progress: &Sender<Progress>,
) -> Result<(), DeployError> {
    let stack = &kept.request.stack_name;
    note(progress, format!("Bucket {} is taken into stack {stack}, with what it holds.", kept.bucket)).await;
    let fail = |answer: String| DeployError::Call {
        tried: format!("took the bucket {} into stack {stack}", kept.bucket),
        answer: format!("{answer}. {ANOTHER}"),
    };
    let (change_set, stack_id) = make(client, kept).await.map_err(|error| fail(error.to_string()))?;
    let ready = change_set::wait(target, client, stack, &change_set, progress).await;
    let answer = match ready {
        Ok(Some(_)) => None,
        Ok(None) => Some("CloudFormation found nothing to import".to_owned()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(answer) = answer {
        // What was refused is not to stay: the first error is the one to tell.
        let _ = change_set::drop(client, stack, &change_set).await;
        let _ = prepare::delete_in_review(client, stack).await;
        return Err(fail(answer));
    }
    let mut events = StackEvents::new(client, stack_id.clone());
    events.skip_past().await?;
    client
        .execute_change_set()
        .stack_name(&stack_id)
        .change_set_name(&change_set)
        .client_request_token(&change_set)
        .send()
        .await
        .map_err(|error| DeployError::call(format!("took the bucket {} into stack {stack}", kept.bucket), &error))?;
    let status = follow(client, &mut events, target.pace().stack, progress).await?;
    if status.as_str() == "IMPORT_COMPLETE" {
        return Ok(());
    }
    Err(fail(Failure::of(status, events.seen()).headline()))
}

/// Has the change set made that imports; gives its name and the stack's ARN.
async fn make(client: &Client, kept: &Kept) -> Result<(String, String), DeployError> {
    let stack = &kept.request.stack_name;
    let tried = || format!("prepared the import into stack {stack}");
    let template = importing(TEMPLATE).ok_or_else(|| DeployError::Call {
        tried: tried(),
        answer: "the template is another than expected".to_owned(),
    })?;
    let bucket = ResourceToImport::builder()
        .resource_type("AWS::S3::Bucket")
        .logical_resource_id(BUCKET)
        .resource_identifier("BucketName", &kept.bucket)
        .build();
    let name = format!("{PREFIX}{}", uuid::Uuid::new_v4().simple());
    let tags = parameters::tags(&kept.request, None);
    let made = client
        .create_change_set()
        .stack_name(stack)
        .change_set_name(&name)
        .change_set_type(ChangeSetType::Import)
        .resources_to_import(bucket)
        .template_body(template)
        .parameters(Parameter::builder().parameter_key(BASE_NAME).parameter_value(&kept.base_name).build())
        .set_role_arn(kept.request.role_arn.clone())
        .set_tags(Some(tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()))
        .send()
        .await
        .map_err(|error| DeployError::call(tried(), &error))?;
    Ok((name, made.stack_id.unwrap_or_else(|| stack.clone())))
}

/// The part of the template that an import takes: the bucket, which must have a policy of its own
/// for its deletion, and the parameter that names it. `None`: the template is not written as this
/// expects.
fn importing(template: &str) -> Option<String> {
    let parameter = block(template, "Parameters:", BASE_NAME)?;
    let bucket = block(template, "Resources:", BUCKET)?;
    if bucket.matches(BUCKET_DELETED).count() != 1 {
        return None;
    }
    let bucket = bucket.replace(BUCKET_DELETED, BUCKET_KEPT);
    Some(format!("AWSTemplateFormatVersion: \"2010-09-09\"\nParameters:\n{parameter}Resources:\n{bucket}"))
}

/// The lines of one member of a section.
fn block(template: &str, section: &str, member: &str) -> Option<String> {
    let mut lines = template.lines().skip_while(|line| *line != section).skip(1);
    let head = format!("  {member}:");
    let first = lines.find(|line| *line == head)?;
    let inside = |line: &&str| line.is_empty() || line.starts_with("   ");
    let mut text = String::new();
    for line in std::iter::once(first).chain(lines.take_while(inside)) {
        text.push_str(line);
        text.push('\n');
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_takes_the_bucket_and_its_name_alone() {
        let template = importing(TEMPLATE).expect("the template is written as expected");
        assert!(
            template.contains("  BucketBaseName:\n") && template.contains("  Bucket:\n    Type: AWS::S3::Bucket\n")
        );
        assert!(template.contains("DeletionPolicy: Retain\n    UpdateReplacePolicy: Retain\n"));
        assert!(template.contains("DaysAfterInitiation: 1"));
        for other in ["Outputs", "BucketPolicy", "ShardCount", "Stream:"] {
            assert!(!template.contains(other), "{other}: {template}");
        }
    }
}
