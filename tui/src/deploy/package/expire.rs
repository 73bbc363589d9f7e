//! Lets old packages go. S3 cannot know which stack was deployed from an object, so its lifecycle
//! rules never touch a current one; this looks at the stacks first. A package that a stack was
//! deployed from stays for as long as the stack: CloudFormation reads it again when an update is
//! rolled back.

use std::{collections::HashSet, time::Duration};

use aws_sdk_s3::{
    Client,
    types::{Delete, ObjectIdentifier},
};
use tailwater_core::events::StackStatus;

use crate::target::{Target, error_text, now};

/// A package that no stack uses goes after this long: someone may still be deploying from it.
pub const UNUSED_FOR: Duration = Duration::from_hours(30 * 24);
/// Where packages stand.
const PREFIX: &str = "functions/";
/// How many objects one request deletes (S3 API reference, `DeleteObjects`).
const MOST_AT_ONCE: usize = 1_000;

/// Deletes what no stack was deployed from and is older than that; gives how many there were. The
/// bucket keeps the deleted versions for a while.
pub async fn unused(target: &Target, bucket: &str, keep: &str, older_than: Duration) -> Result<usize, String> {
    let Some(used) = used(target, bucket).await? else { return Ok(0) };
    let client = target.s3();
    let age = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
    let limit = now().as_millis().saturating_sub(age);
    let mut old = Vec::new();
    let mut pages = client
        .list_objects_v2()
        .bucket(bucket)
        .prefix(PREFIX)
        .expected_bucket_owner(target.account_id())
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| error_text(&error))?;
        old.extend(page.contents().iter().filter_map(|object| {
            let key = object.key()?;
            let modified = object.last_modified()?.to_millis().ok()?;
            (modified <= limit && key != keep && !used.contains(key)).then(|| key.to_owned())
        }));
    }
    for keys in old.chunks(MOST_AT_ONCE) {
        delete(target, &client, bucket, keys).await?;
    }
    Ok(old.len())
}

async fn delete(target: &Target, client: &Client, bucket: &str, keys: &[String]) -> Result<(), String> {
    let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
    let objects = objects.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(|error| error.to_string())?;
    let call = client.delete_objects().bucket(bucket).expected_bucket_owner(target.account_id());
    let answer = call.delete(delete).send().await.map_err(|error| error_text(&error))?;
    match answer.errors().first() {
        None => Ok(()),
        Some(error) => Err(format!(
            "{}: {}",
            error.key().unwrap_or_default(),
            error.message().or(error.code()).unwrap_or("it gave no reason")
        )),
    }
}

/// The keys that stacks of this account and region were deployed from; `None` while one of them
/// changes, since a rollback may want the key it had before.
async fn used(target: &Target, bucket: &str) -> Result<Option<HashSet<String>>, String> {
    let mut used = HashSet::new();
    let client = target.cloudformation();
    let mut pages = client.describe_stacks().into_paginator().send();
    while let Some(page) = pages.next().await {
        for stack in page.map_err(|error| error_text(&error))?.stacks() {
            let value = |name: &str| {
                let found = stack.parameters().iter().find(|parameter| parameter.parameter_key() == Some(name))?;
                found.parameter_value().map(str::to_owned)
            };
            if value("ArtifactBucket").as_deref() != Some(bucket) {
                continue;
            }
            let status = stack.stack_status().map_or("", |status| status.as_str());
            if StackStatus::from(status).in_progress() && status != "REVIEW_IN_PROGRESS" {
                return Ok(None);
            }
            used.extend(value("ArtifactKey"));
        }
    }
    Ok(Some(used))
}
