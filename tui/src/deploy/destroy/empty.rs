//! Empties a bucket: versions, delete markers, unfinished uploads, in batches side by side.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures::{StreamExt, TryStreamExt, stream};

use tailwater_core::text::number::counted;

use super::{Run, is_absent};
use crate::deploy::DeployError;

/// How many batches are being deleted at once. A batch is a page: S3 lists and deletes at most 1,000
/// versions in one request.
const BATCHES_AT_ONCE: usize = 4;
/// How many unfinished uploads are aborted at once.
const ABORTS_AT_ONCE: usize = 8;
/// How often in a row S3 may delete nothing of what it lists, as it does when it is overloaded.
const MOST_FRUITLESS_ROUNDS: usize = 3;

/// What became of one batch.
#[derive(Default)]
struct Batch {
    found: u64,
    deleted: u64,
    /// What S3 said of the first version that it did not delete.
    refused: Option<String>,
}

/// Deletes everything that a bucket holds. One that is not there is as good as empty.
pub async fn empty(run: &Run<'_>, bucket: &str) -> Result<(), DeployError> {
    let what = format!("Bucket {bucket}: versions and delete markers deleted");
    let (mut deleted, mut fruitless) = (0, 0);
    loop {
        let mut batches = std::pin::pin!(batches(run, bucket));
        let mut round = Batch::default();
        while let Some(batch) = batches.next().await {
            let batch = match batch {
                Ok(batch) => batch,
                Err(Trouble::Absent) => return Ok(()),
                Err(Trouble::Failed(error)) => return Err(error),
            };
            round.found += batch.found;
            round.deleted += batch.deleted;
            round.refused = round.refused.or(batch.refused);
            if batch.deleted > 0 {
                run.step(&what, deleted + round.deleted, None).await;
            }
        }
        deleted += round.deleted;
        if round.found == 0 {
            break;
        }
        fruitless = if round.deleted == 0 { fruitless + 1 } else { 0 };
        if fruitless == MOST_FRUITLESS_ROUNDS {
            return Err(DeployError::Call {
                tried: format!("emptied the bucket {bucket}"),
                answer: round.refused.unwrap_or_else(|| "S3 deletes nothing of what it lists".to_owned()),
            });
        }
    }
    let aborted = abort_uploads(run, bucket).await?;
    if deleted + aborted > 0 {
        run.note(format!(
            "Bucket {bucket} is empty: {} and {} deleted.",
            counted(deleted, "version"),
            counted(aborted, "unfinished upload")
        ))
        .await;
    }
    Ok(())
}

/// Why a batch could not be deleted.
enum Trouble {
    /// The bucket is gone.
    Absent,
    Failed(DeployError),
}

/// One pass over the bucket, from its first version to its last. What is written meanwhile waits
/// for the next.
fn batches<'a>(run: &'a Run<'a>, bucket: &'a str) -> impl futures::Stream<Item = Result<Batch, Trouble>> + 'a {
    let client = run.target.s3();
    let listing = client.clone();
    let pages = stream::try_unfold(Some((None, None)), move |at| {
        let client = listing.clone();
        async move {
            let Some((key, version)) = at else { return Ok(None) };
            let page = client
                .list_object_versions()
                .bucket(bucket)
                .expected_bucket_owner(run.target.account_id())
                .set_key_marker(key)
                .set_version_id_marker(version)
                .send()
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) if is_absent(&error) => return Err(Trouble::Absent),
                Err(error) => {
                    let tried = format!("listed what the bucket {bucket} holds");
                    return Err(Trouble::Failed(DeployError::call(tried, &error)));
                }
            };
            let next = page
                .is_truncated()
                .unwrap_or(false)
                .then(|| (page.next_key_marker.clone(), page.next_version_id_marker.clone()));
            let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
            let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
            let objects: Vec<ObjectIdentifier> = versions
                .chain(markers)
                .filter_map(|(key, version)| {
                    ObjectIdentifier::builder().key(key?).set_version_id(version.map(str::to_owned)).build().ok()
                })
                .collect();
            Ok(Some((objects, next)))
        }
    });
    pages
        .map_ok(move |objects| {
            let client = client.clone();
            async move { delete(run, &client, bucket, objects).await }
        })
        .try_buffer_unordered(BATCHES_AT_ONCE)
}

async fn delete(
    run: &Run<'_>,
    client: &aws_sdk_s3::Client,
    bucket: &str,
    objects: Vec<ObjectIdentifier>,
) -> Result<Batch, Trouble> {
    let found = objects.len() as u64;
    if found == 0 {
        return Ok(Batch::default());
    }
    let tried = || format!("emptied the bucket {bucket}");
    let delete = Delete::builder()
        .set_objects(Some(objects))
        .quiet(true)
        .build()
        .map_err(|error| Trouble::Failed(DeployError::Call { tried: tried(), answer: error.to_string() }))?;
    let answer = client
        .delete_objects()
        .bucket(bucket)
        .expected_bucket_owner(run.target.account_id())
        .delete(delete)
        .send()
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if is_absent(&error) => return Err(Trouble::Absent),
        Err(error) => return Err(Trouble::Failed(DeployError::call(tried(), &error))),
    };
    let refused = answer.errors().first().map(|error| {
        format!(
            "{} ({}): {}",
            error.code().unwrap_or_default(),
            error.key().unwrap_or_default(),
            error.message().unwrap_or_default()
        )
    });
    Ok(Batch { found, deleted: found.saturating_sub(answer.errors().len() as u64), refused })
}

/// Aborts every unfinished upload; gives their number.
async fn abort_uploads(run: &Run<'_>, bucket: &str) -> Result<u64, DeployError> {
    let client = run.target.s3();
    let what = format!("Bucket {bucket}: unfinished uploads aborted");
    let (mut aborted, mut key, mut upload) = (0, None, None);
    loop {
        let page = client
            .list_multipart_uploads()
            .bucket(bucket)
            .expected_bucket_owner(run.target.account_id())
            .set_key_marker(key)
            .set_upload_id_marker(upload)
            .send()
            .await;
        let page = match page {
            Ok(page) => page,
            Err(error) if is_absent(&error) => return Ok(aborted),
            Err(error) => {
                return Err(DeployError::call(format!("looked for unfinished uploads in {bucket}"), &error));
            }
        };
        let aborts: Vec<_> = page
            .uploads()
            .iter()
            .filter_map(|upload| Some((upload.key()?, upload.upload_id()?)))
            .map(|(key, id)| {
                client
                    .abort_multipart_upload()
                    .bucket(bucket)
                    .key(key)
                    .upload_id(id)
                    .expected_bucket_owner(run.target.account_id())
                    .send()
            })
            .collect();
        let mut results = stream::iter(aborts).buffer_unordered(ABORTS_AT_ONCE);
        while let Some(result) = results.next().await {
            match result {
                Ok(_) => aborted += 1,
                // It was completed or aborted meanwhile.
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    return Err(DeployError::call(format!("aborted an unfinished upload in {bucket}"), &error));
                }
            }
        }
        if aborted > 0 {
            run.step(&what, aborted, None).await;
        }
        if !page.is_truncated().unwrap_or(false) {
            return Ok(aborted);
        }
        (key, upload) = (page.next_key_marker, page.next_upload_id_marker);
    }
}

fn is_gone<E, R>(error: &aws_smithy_runtime_api::client::result::SdkError<E, R>) -> bool
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata,
{
    is_absent(error) || error.as_service_error().is_some_and(|error| error.code() == Some("NoSuchUpload"))
}

/// Deletes an emptied bucket that no stack owns any more.
pub async fn delete_bucket(run: &Run<'_>, bucket: &str) -> Result<(), DeployError> {
    let deleted =
        run.target.s3().delete_bucket().bucket(bucket).expected_bucket_owner(run.target.account_id()).send().await;
    match deleted {
        Ok(_) => {
            run.note(format!("Bucket {bucket} is deleted.")).await;
            Ok(())
        }
        Err(error) if is_absent(&error) => Ok(()),
        Err(error) => Err(DeployError::call(format!("deleted the bucket {bucket}"), &error)),
    }
}
