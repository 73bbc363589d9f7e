//! The function's code: deleted when asked for, and its bucket with it where no other stack of
//! Tailwater in this account and region takes code from there.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::{Run, contents, empty, is_absent, leftovers::own_stacks};
use crate::deploy::{DeployError, Stack, package};

/// Deletes a stack's code, or the whole bucket. `None`: the stack is gone already.
pub async fn delete(run: &Run<'_>, stack: Option<&Stack>) -> Result<(), DeployError> {
    let bucket = package::bucket_name(run.target.account_id(), run.target.region());
    if let Some(given) = stack.and_then(|stack| stack.parameter("ArtifactBucket")).filter(|given| *given != bucket) {
        run.note(format!("The function's code is in {given}, which Tailwater did not make: it stays there.")).await;
        return Ok(());
    }
    if !contents::is_there(run.target, &bucket).await? {
        return Ok(());
    }
    let others = own_stacks(run).await?;
    let users: Vec<&Stack> =
        others.iter().filter(|other| other.parameter("ArtifactBucket") == Some(bucket.as_str())).collect();
    if users.is_empty() {
        empty::empty(run, &bucket).await?;
        return empty::delete_bucket(run, &bucket).await;
    }
    let Some(key) = stack.and_then(|stack| stack.parameter("ArtifactKey")) else {
        run.note(format!("Bucket {bucket} stays: other stacks take their code from it.")).await;
        return Ok(());
    };
    if users.iter().any(|other| other.parameter("ArtifactKey") == Some(key)) {
        run.note(format!("The function's code s3://{bucket}/{key} stays: another stack runs it too.")).await;
        return Ok(());
    }
    delete_versions(run, &bucket, key).await
}

/// Deletes every version of one key. It has a handful: a key is named by its content.
async fn delete_versions(run: &Run<'_>, bucket: &str, key: &str) -> Result<(), DeployError> {
    let tried = || format!("deleted the function's code s3://{bucket}/{key}");
    let client = run.target.s3();
    let listed = client
        .list_object_versions()
        .bucket(bucket)
        .prefix(key)
        .expected_bucket_owner(run.target.account_id())
        .send()
        .await;
    let page = match listed {
        Ok(page) => page,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(DeployError::call(tried(), &error)),
    };
    let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
    let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
    let objects: Vec<ObjectIdentifier> = versions
        .chain(markers)
        .filter(|(found, _)| *found == Some(key))
        .filter_map(|(key, version)| {
            ObjectIdentifier::builder().key(key?).set_version_id(version.map(str::to_owned)).build().ok()
        })
        .collect();
    if objects.is_empty() {
        return Ok(());
    }
    let delete = Delete::builder()
        .set_objects(Some(objects))
        .quiet(true)
        .build()
        .map_err(|error| DeployError::Call { tried: tried(), answer: error.to_string() })?;
    let answer = client
        .delete_objects()
        .bucket(bucket)
        .expected_bucket_owner(run.target.account_id())
        .delete(delete)
        .send()
        .await
        .map_err(|error| DeployError::call(tried(), &error))?;
    if let Some(error) = answer.errors().first() {
        let answer = format!("{}: {}", error.code().unwrap_or_default(), error.message().unwrap_or_default());
        return Err(DeployError::Call { tried: tried(), answer });
    }
    run.note(format!("The function's code s3://{bucket}/{key} is deleted.")).await;
    Ok(())
}
