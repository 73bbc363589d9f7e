//! Lifecycle rules at work: what they let expire goes, in the background.

use std::{
    sync::{Arc, Weak},
    time::{Duration, SystemTime},
};

use s3s::dto::{ExpirationStatus, LifecycleRule, Timestamp};

use super::store::{Bucket, Store, Tags, Version, Versioning};

/// How often rules are carried out. Rules count in days, so that often enough is rarely.
const INTERVAL: Duration = Duration::from_mins(15);
const DAY: Duration = Duration::from_hours(24);

/// Carries out the rules of every bucket from now on, until the store goes.
pub(super) fn start(store: &Arc<Store>) {
    let store: Weak<Store> = Arc::downgrade(store);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let Some(store) = store.upgrade() else { return };
            carry_out(&store, SystemTime::now());
        }
    });
}

/// One thing that a rule does.
#[derive(Debug, PartialEq, Eq)]
enum Act {
    /// The current version expires: it is deleted, or hidden by a delete marker.
    Expire(String),
    /// A version goes for good.
    Remove(String, String),
    /// An upload is aborted.
    Abort((String, String)),
}

fn carry_out(store: &Store, now: SystemTime) {
    let acts: Vec<(String, Vec<Act>)> =
        store.buckets().iter().map(|(name, bucket)| (name.clone(), due(bucket, now))).collect();
    for (bucket, acts) in acts {
        for act in acts {
            let result = match &act {
                Act::Expire(key) => store.delete(&bucket, key, None, |_| Ok(())).map(drop),
                Act::Remove(key, id) => store.delete(&bucket, key, Some(id), |_| Ok(())).map(drop),
                Act::Abort(upload) => store.change(&bucket, |found| {
                    found.uploads.remove(upload);
                    Ok(())
                }),
            };
            tracing::debug!(bucket, ?act, ?result, "a lifecycle rule was carried out");
        }
    }
}

/// What a bucket's rules ask for at a time.
fn due(bucket: &Bucket, now: SystemTime) -> Vec<Act> {
    let mut acts = Vec::new();
    let rules = bucket.settings.lifecycle.iter().flat_map(|lifecycle| &lifecycle.rules);
    for rule in rules.filter(|rule| rule.status.as_str() == ExpirationStatus::ENABLED) {
        if let Some(days) = rule.abort_incomplete_multipart_upload.as_ref().and_then(|it| it.days_after_initiation) {
            let old = bucket.uploads.iter().filter(|((key, _), _)| key.starts_with(prefix(rule)));
            let old = old.filter(|(_, upload)| is_over(upload.initiated, days, now));
            acts.extend(old.map(|(upload, _)| Act::Abort(upload.clone())));
        }
        for (key, versions) in &bucket.objects {
            if key.starts_with(prefix(rule)) {
                acts.extend(due_of_key(bucket.versioning(), rule, key, versions, now));
            }
        }
    }
    acts
}

fn due_of_key(
    versioning: Versioning,
    rule: &LifecycleRule,
    key: &str,
    versions: &[Version],
    now: SystemTime,
) -> Vec<Act> {
    let mut acts = Vec::new();
    let Some((current, noncurrent)) = versions.split_last() else { return acts };
    if let Some(expiration) = &rule.expiration {
        let by_days = expiration.days.is_some_and(|days| is_over(current.modified, days, now));
        let by_date = expiration.date.as_ref().is_some_and(|date| *date <= Timestamp::from(now));
        if current.object.is_some() {
            if (by_days || by_date) && applies(rule, current) {
                acts.push(Act::Expire(key.to_owned()));
            }
        } else if noncurrent.is_empty() && (by_days || expiration.expired_object_delete_marker == Some(true)) {
            acts.push(Act::Remove(key.to_owned(), current.id.clone()));
        }
    }
    if let Some(expiration) = &rule.noncurrent_version_expiration
        && versioning != Versioning::Never
    {
        let kept = usize::try_from(expiration.newer_noncurrent_versions.unwrap_or_default()).unwrap_or_default();
        let days = expiration.noncurrent_days.unwrap_or_default();
        // A version is noncurrent since the next one came.
        let since = versions.iter().skip(1).map(|next| next.modified);
        let all: Vec<(&Version, SystemTime)> = noncurrent.iter().zip(since).collect();
        let old = all.iter().rev().skip(kept).filter(|(version, since)| {
            is_over(*since, days, now) && (version.object.is_none() || applies(rule, version))
        });
        acts.extend(old.map(|(version, _)| Act::Remove(key.to_owned(), version.id.clone())));
    }
    acts
}

fn prefix(rule: &LifecycleRule) -> &str {
    let filter = rule.filter.as_ref();
    let and = filter.and_then(|filter| filter.and.as_ref()).and_then(|and| and.prefix.as_deref());
    let plain = filter.and_then(|filter| filter.prefix.as_deref());
    and.or(plain).or(rule.prefix.as_deref()).unwrap_or_default()
}

/// Whether the sizes and tags of a rule's filter are those of a version.
fn applies(rule: &LifecycleRule, version: &Version) -> bool {
    let (Some(filter), Some(object)) = (&rule.filter, &version.object) else { return true };
    let size = i64::try_from(object.body.size()).unwrap_or(i64::MAX);
    let tagged = |tags: &Tags, wanted: &s3s::dto::Tag| {
        tags.iter().any(|(key, value)| wanted.key.as_ref() == Some(key) && wanted.value.as_ref() == Some(value))
    };
    let (mut larger, mut smaller) = (filter.object_size_greater_than, filter.object_size_less_than);
    let mut wanted: Vec<&s3s::dto::Tag> = filter.tag.iter().collect();
    if let Some(and) = &filter.and {
        larger = larger.or(and.object_size_greater_than);
        smaller = smaller.or(and.object_size_less_than);
        wanted.extend(and.tags.iter().flatten());
    }
    larger.is_none_or(|bound| size > bound)
        && smaller.is_none_or(|bound| size < bound)
        && wanted.into_iter().all(|tag| tagged(&version.tags, tag))
}

/// Whether that many days have gone by.
fn is_over(since: SystemTime, days: i32, now: SystemTime) -> bool {
    let days = u32::try_from(days).unwrap_or_default();
    now.duration_since(since).is_ok_and(|gone| gone >= DAY * days)
}

#[cfg(test)]
mod tests {
    use s3s::dto::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketVersioningStatus, LifecycleExpiration,
        NoncurrentVersionExpiration,
    };

    use super::*;
    use crate::s3::store::NULL_VERSION;

    fn rule() -> LifecycleRule {
        LifecycleRule {
            status: ExpirationStatus::from_static(ExpirationStatus::ENABLED),
            abort_incomplete_multipart_upload: Some(AbortIncompleteMultipartUpload { days_after_initiation: Some(1) }),
            expiration: Some(LifecycleExpiration { days: Some(3), ..LifecycleExpiration::default() }),
            filter: None,
            id: None,
            noncurrent_version_expiration: Some(NoncurrentVersionExpiration {
                newer_noncurrent_versions: None,
                noncurrent_days: Some(2),
            }),
            noncurrent_version_transitions: None,
            prefix: Some("old/".to_owned()),
            transitions: None,
        }
    }

    fn marker(id: &str, modified: SystemTime) -> Version {
        Version { id: id.to_owned(), sequence: 0, modified, object: None, tags: Tags::new() }
    }

    #[test]
    fn versions_and_markers_go_when_their_days_are_over() {
        let start = SystemTime::UNIX_EPOCH;
        let mut bucket = Bucket::default();
        bucket.settings.versioning = Some(BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED));
        bucket.settings.lifecycle = Some(BucketLifecycleConfiguration { rules: vec![rule()] });
        bucket.objects.insert("old/key".to_owned(), vec![marker("a", start), marker("b", start + DAY)]);
        bucket.objects.insert("new/key".to_owned(), vec![marker("c", start)]);
        assert_eq!(due(&bucket, start + DAY * 2), []);
        assert_eq!(due(&bucket, start + DAY * 3), [Act::Remove("old/key".to_owned(), "a".to_owned())]);
        bucket.objects.insert("old/key".to_owned(), vec![marker(NULL_VERSION, start)]);
        assert_eq!(due(&bucket, start + DAY * 3), [Act::Remove("old/key".to_owned(), NULL_VERSION.to_owned())]);
    }
}
