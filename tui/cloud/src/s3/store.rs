//! What is in the buckets: the index, in memory, over bodies on disk.
//!
//! A body is written before its object is entered, and every change is made under one lock: an
//! object is seen whole or not at all, and a condition holds when its write is made.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rand::RngExt as _;
use s3s::dto::{BucketVersioningStatus, ETag, ETagCondition, Timestamp};

use super::{
    BucketSettings,
    blobs::{Blob, Blobs},
    digest::{Algorithm, Sum},
    mirror::Mirror,
    refusal::{invalid_argument, no_such_bucket, no_such_key, no_such_version, not_offered, precondition_failed},
};
use crate::{
    Place,
    wire::{ServiceError, ServiceResult},
};

/// The id of the version that was written while versions were not kept.
pub(super) const NULL_VERSION: &str = "null";
/// How long the ids of versions are here.
const VERSION_ID_LETTERS: usize = 32;

/// Tags in the order they were given.
pub(super) type Tags = Vec<(String, String)>;

/// What goes with a body, given by whoever wrote it.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes {
    pub cache_control: Option<String>,
    pub content_disposition: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub content_type: Option<String>,
    pub expires: Option<Timestamp>,
    pub metadata: Option<HashMap<String, String>>,
}

/// A part that an object was made of.
#[derive(Debug, Clone)]
pub(super) struct PartOfObject {
    pub number: i32,
    pub size: u64,
    pub sum: Option<Sum>,
}

/// A body and what is known of it; never changes.
#[derive(Debug)]
pub(super) struct Object {
    pub body: Arc<Blob>,
    /// Without quotes.
    pub etag: String,
    pub sum: Option<Sum>,
    pub attributes: Attributes,
    /// Of an object that was uploaded in parts.
    pub parts: Vec<PartOfObject>,
}

impl Object {
    /// In the shape of S3's API.
    pub fn etag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }
}

/// One version of a key.
#[derive(Debug, Clone)]
pub(super) struct Version {
    /// [`NULL_VERSION`] where versions were not kept.
    pub id: String,
    /// Rises with every version of the cloud.
    pub sequence: u64,
    /// Whole seconds, as S3 keeps it.
    pub modified: SystemTime,
    /// `None`: a delete marker.
    pub object: Option<Arc<Object>>,
    pub tags: Tags,
}

/// A part on its way into an object.
#[derive(Debug, Clone)]
pub(super) struct UploadedPart {
    pub body: Arc<Blob>,
    pub md5: [u8; 16],
    pub sum: Sum,
    pub modified: SystemTime,
}

/// A multipart upload that was begun.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub initiated: SystemTime,
    pub attributes: Attributes,
    pub tags: Tags,
    pub algorithm: Algorithm,
    /// Whether the client chose the algorithm.
    pub algorithm_chosen: bool,
    /// Whether the object's checksum is one of its parts' checksums.
    pub composite: bool,
    pub parts: BTreeMap<i32, UploadedPart>,
}

/// A bucket.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub created: Option<SystemTime>,
    pub settings: BucketSettings,
    /// Whether these settings, which every new bucket has, were deleted.
    pub public_access_block_deleted: bool,
    pub ownership_deleted: bool,
    /// Of each key its versions, the newest last; never empty.
    pub objects: BTreeMap<String, Vec<Version>>,
    /// By key and upload id.
    pub uploads: BTreeMap<(String, String), Upload>,
}

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versioning {
    Never,
    Enabled,
    Suspended,
}

impl Bucket {
    pub fn versioning(&self) -> Versioning {
        match self.settings.versioning.as_ref().map(BucketVersioningStatus::as_str) {
            None => Versioning::Never,
            Some(BucketVersioningStatus::ENABLED) => Versioning::Enabled,
            Some(_) => Versioning::Suspended,
        }
    }

    /// The id to show for a version: none in a bucket that never kept versions.
    pub fn shown_id(&self, id: &str) -> Option<String> {
        (self.versioning() != Versioning::Never).then(|| id.to_owned())
    }

    /// The current object of a key; a delete marker is none.
    pub fn current(&self, key: &str) -> Option<&Version> {
        self.objects.get(key)?.last().filter(|version| version.object.is_some())
    }

    /// The version that a read names, or the newest, which may be a delete marker.
    pub fn version(&self, key: &str, id: Option<&str>) -> ServiceResult<&Version> {
        let versions = self.objects.get(key).map(Vec::as_slice).unwrap_or_default();
        let Some(id) = id else { return versions.last().ok_or_else(|| no_such_key(key)) };
        check_version_id(id)?;
        versions.iter().find(|version| version.id == id).ok_or_else(|| no_such_version(key, id))
    }

    /// Like [`Self::version`], to be changed.
    pub fn version_mut(&mut self, key: &str, id: Option<&str>) -> ServiceResult<&mut Version> {
        let versions = self.objects.get_mut(key).map(Vec::as_mut_slice).unwrap_or_default();
        let Some(id) = id else { return versions.last_mut().ok_or_else(|| no_such_key(key)) };
        check_version_id(id)?;
        versions.iter_mut().find(|version| version.id == id).ok_or_else(|| no_such_version(key, id))
    }

    /// Enters a version where the bucket's versioning puts it, and gives its id.
    fn enter(&mut self, sequence: u64, key: &str, object: Option<Arc<Object>>, tags: Tags) -> String {
        let id = match self.versioning() {
            Versioning::Enabled => version_id(sequence),
            Versioning::Never | Versioning::Suspended => NULL_VERSION.to_owned(),
        };
        let versions = self.objects.entry(key.to_owned()).or_default();
        if id == NULL_VERSION {
            versions.retain(|version| version.id != NULL_VERSION);
        }
        if versions.is_empty() {
            // Most keys have one version ever.
            versions.reserve_exact(1);
        }
        versions.push(Version { id: id.clone(), sequence, modified: now(), object, tags });
        id
    }

    /// Removes a version for good; gives it.
    fn remove(&mut self, key: &str, id: &str) -> Option<Version> {
        let versions = self.objects.get_mut(key)?;
        let position = versions.iter().position(|version| version.id == id)?;
        let removed = versions.remove(position);
        if versions.is_empty() {
            self.objects.remove(key);
        }
        Some(removed)
    }
}

/// What a deletion did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Deleted {
    /// The version that was deleted, or the delete marker that was made.
    pub version_id: Option<String>,
    /// Whether that is a delete marker.
    pub delete_marker: bool,
}

/// Conditions of a write.
#[derive(Debug, Default)]
pub(super) struct WriteConditions {
    pub if_match: Option<ETagCondition>,
    pub if_none_match: Option<ETagCondition>,
}

impl WriteConditions {
    fn check(&self, key: &str, current: Option<&Version>) -> ServiceResult<()> {
        let object = current.and_then(|version| version.object.as_ref());
        match &self.if_none_match {
            None => {}
            Some(ETagCondition::Any) if object.is_none() => {}
            Some(ETagCondition::Any) => return Err(precondition_failed("If-None-Match")),
            Some(_) => return Err(not_offered("a value other than * of the header If-None-Match in a write")),
        }
        match (&self.if_match, object) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(no_such_key(key)),
            (Some(condition), Some(object)) if matches(condition, &object.etag()) => Ok(()),
            (Some(_), Some(_)) => Err(precondition_failed("If-Match")),
        }
    }
}

/// Whether an entity tag is what a condition names.
pub(super) fn matches(condition: &ETagCondition, etag: &ETag) -> bool {
    condition.as_etag().is_none_or(|wanted| wanted.weak_cmp(etag))
}

/// The buckets and their bodies.
#[derive(Debug)]
pub(super) struct Store {
    pub place: Arc<Place>,
    pub blobs: Blobs,
    mirror: Mirror,
    sequence: AtomicU64,
    buckets: RwLock<BTreeMap<String, Bucket>>,
}

impl Store {
    pub fn new(place: Arc<Place>) -> Self {
        let (blobs, mirror) = (Blobs::new(&place.data_dir), Mirror::new(&place.data_dir));
        Self { place, blobs, mirror, sequence: AtomicU64::new(1), buckets: RwLock::default() }
    }

    pub fn buckets(&self) -> RwLockReadGuard<'_, BTreeMap<String, Bucket>> {
        self.buckets.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn buckets_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Bucket>> {
        self.buckets.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// Looks into a bucket.
    pub fn look<T>(&self, bucket: &str, look: impl FnOnce(&Bucket) -> ServiceResult<T>) -> ServiceResult<T> {
        look(self.buckets().get(bucket).ok_or_else(|| no_such_bucket(bucket))?)
    }

    /// Changes a bucket, but not its objects, whose changes [`Self::enter`] and [`Self::delete`]
    /// make.
    pub fn change<T>(&self, bucket: &str, change: impl FnOnce(&mut Bucket) -> ServiceResult<T>) -> ServiceResult<T> {
        change(self.buckets_mut().get_mut(bucket).ok_or_else(|| no_such_bucket(bucket))?)
    }

    /// Enters an object whose body is complete; gives the version's id to show and its time.
    pub fn enter(
        &self,
        bucket: &str,
        key: &str,
        object: Object,
        tags: Tags,
        conditions: &WriteConditions,
    ) -> ServiceResult<(Option<String>, SystemTime)> {
        let object = Arc::new(object);
        self.change(bucket, |found| {
            conditions.check(key, found.current(key))?;
            let id = found.enter(self.next(), key, Some(object.clone()), tags);
            self.show(bucket, key, found);
            Ok((found.shown_id(&id), found.current(key).map_or_else(now, |version| version.modified)))
        })
    }

    /// Enters the object that an upload became and ends the upload, unless it has ended.
    pub fn complete(
        &self,
        bucket: &str,
        upload: &(String, String),
        object: Object,
        conditions: &WriteConditions,
    ) -> ServiceResult<Option<String>> {
        self.change(bucket, |found| {
            let (key, upload_id) = upload;
            conditions.check(key, found.current(key))?;
            let Some(ended) = found.uploads.remove(upload) else {
                return Err(super::refusal::no_such_upload(upload_id));
            };
            let id = found.enter(self.next(), key, Some(Arc::new(object)), ended.tags);
            self.show(bucket, key, found);
            Ok(found.shown_id(&id))
        })
    }

    /// Deletes a version, or puts a delete marker where versions are kept.
    pub fn delete(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
        condition: impl FnOnce(Option<&Version>) -> ServiceResult<()>,
    ) -> ServiceResult<Deleted> {
        self.change(bucket, |found| {
            let deleted = match (version_id, found.versioning()) {
                (Some(id), _) => {
                    check_version_id(id)?;
                    let named = found.objects.get(key).and_then(|all| all.iter().find(|version| version.id == id));
                    condition(named)?;
                    let removed = found.remove(key, id);
                    let delete_marker = removed.is_some_and(|version| version.object.is_none());
                    Deleted { version_id: Some(id.to_owned()), delete_marker }
                }
                (None, Versioning::Never) => {
                    condition(found.current(key))?;
                    found.remove(key, NULL_VERSION);
                    Deleted::default()
                }
                (None, Versioning::Enabled | Versioning::Suspended) => {
                    condition(found.current(key))?;
                    let id = found.enter(self.next(), key, None, Tags::new());
                    Deleted { version_id: Some(id), delete_marker: true }
                }
            };
            self.show(bucket, key, found);
            Ok(deleted)
        })
    }

    /// Removes an empty bucket.
    pub fn remove_bucket(&self, bucket: &str) -> ServiceResult<()> {
        let mut buckets = self.buckets_mut();
        let found = buckets.get(bucket).ok_or_else(|| no_such_bucket(bucket))?;
        if !found.objects.is_empty() {
            let words = match found.versioning() {
                Versioning::Never => "The bucket you tried to delete is not empty",
                _ => "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
            };
            return Err(ServiceError::new(409, "BucketNotEmpty", words).with("BucketName", bucket));
        }
        buckets.remove(bucket);
        self.mirror.hide_bucket(bucket);
        Ok(())
    }

    /// Makes a key's file what the index says.
    fn show(&self, bucket: &str, key: &str, found: &Bucket) {
        match found.current(key).and_then(|version| version.object.as_ref()) {
            Some(object) => self.mirror.show(bucket, key, &object.body.path()),
            None => self.mirror.hide(bucket, key),
        }
    }
}

/// How many letters of a version's id tell its sequence.
const SEQUENCE_LETTERS: usize = 12;

/// An id that tells its version's sequence, so that a listing goes on behind a version that was
/// deleted meanwhile.
fn version_id(sequence: u64) -> String {
    format!("{sequence:0SEQUENCE_LETTERS$X}{}", new_id(VERSION_ID_LETTERS - SEQUENCE_LETTERS))
}

/// How many of a key's versions are older than the one that `id` names, which may be gone.
pub(super) fn older_than(versions: &[Version], id: &str) -> usize {
    if let Some(position) = versions.iter().position(|version| version.id == id) {
        return position;
    }
    let sequence = id.get(..SEQUENCE_LETTERS).and_then(|letters| u64::from_str_radix(letters, 16).ok());
    // Of an id that tells nothing all versions are taken: rather twice than not at all.
    sequence.map_or(versions.len(), |sequence| versions.partition_point(|version| version.sequence < sequence))
}

/// 400 for what cannot be the id of a version.
fn check_version_id(id: &str) -> ServiceResult<()> {
    if id == NULL_VERSION || (id.len() == VERSION_ID_LETTERS && id.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
        return Ok(());
    }
    Err(invalid_argument("Invalid version id specified", "versionId", id))
}

/// A random id in the letters of S3's.
pub(super) fn new_id(letters: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    (0..letters).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}

/// Now, in whole seconds.
pub(super) fn now() -> SystemTime {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    UNIX_EPOCH + Duration::from_secs(seconds)
}
