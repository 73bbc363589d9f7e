//! What a bucket holds, as far as that is cheap to know.

use super::is_absent;
use crate::{
    deploy::{DeployError, OWN_TAG},
    target::Target,
};

/// How many pages of 1,000 versions are counted; beyond that the figures are said to be at least so.
const MOST_PAGES: usize = 5;

/// What a bucket holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contents {
    /// Objects, older versions included.
    pub objects: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// There are more than were counted.
    pub more: bool,
}

/// Whether a bucket is there and ours.
pub async fn is_there(target: &Target, bucket: &str) -> Result<bool, DeployError> {
    match target.s3().head_bucket().bucket(bucket).expected_bucket_owner(target.account_id()).send().await {
        Ok(_) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(DeployError::call(format!("looked for the bucket {bucket}"), &error)),
    }
}

/// Whether a bucket of this account was made by a stack of Tailwater: a stack's tags are its
/// buckets' too, and stay when the stack goes.
pub async fn is_ours(target: &Target, bucket: &str) -> bool {
    let tags = target.s3().get_bucket_tagging().bucket(bucket).expected_bucket_owner(target.account_id()).send().await;
    tags.is_ok_and(|answer| answer.tag_set().iter().any(|tag| tag.key() == OWN_TAG.0))
}

/// Counts what a bucket holds; `None` where there is none.
pub async fn contents(target: &Target, bucket: &str) -> Result<Option<Contents>, DeployError> {
    let client = target.s3();
    let mut contents = Contents::default();
    let (mut key, mut version) = (None, None);
    for _ in 0..MOST_PAGES {
        let page = client
            .list_object_versions()
            .bucket(bucket)
            .expected_bucket_owner(target.account_id())
            .set_key_marker(key)
            .set_version_id_marker(version)
            .send()
            .await;
        let page = match page {
            Ok(page) => page,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(DeployError::call(format!("counted what the bucket {bucket} holds"), &error)),
        };
        contents.objects += page.versions().len() as u64;
        contents.bytes += page.versions().iter().filter_map(|version| u64::try_from(version.size()?).ok()).sum::<u64>();
        contents.more = page.is_truncated().unwrap_or(false);
        if !contents.more {
            break;
        }
        (key, version) = (page.next_key_marker, page.next_version_id_marker);
    }
    Ok(Some(contents))
}
