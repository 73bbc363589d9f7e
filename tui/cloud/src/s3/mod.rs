//! S3: an own backend for the protocol that `s3s` speaks.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    Place,
    iam::Iam,
    wire::{Response, ServiceError, ServiceResult},
};

/// A bucket's settings, in the shapes of S3's API. `None`: never set.
#[derive(Debug, Clone, Default)]
pub(crate) struct BucketSettings {
    /// `Enabled`, `Suspended`; `None`: versions were never kept.
    pub versioning: Option<s3s::dto::BucketVersioningStatus>,
    pub encryption: Option<s3s::dto::ServerSideEncryptionConfiguration>,
    pub public_access_block: Option<s3s::dto::PublicAccessBlockConfiguration>,
    pub ownership: Option<s3s::dto::OwnershipControls>,
    pub lifecycle: Option<s3s::dto::BucketLifecycleConfiguration>,
    /// A policy document as JSON text.
    pub policy: Option<String>,
    pub tags: Vec<(String, String)>,
}

/// What a read gives.
#[derive(Debug, Clone)]
pub(crate) struct StoredObject {
    pub body: Bytes,
    pub version_id: Option<String>,
    /// With its quotes.
    pub etag: String,
}

/// The buckets.
pub(crate) struct S3 {
    place: Arc<Place>,
}

impl S3 {
    /// No buckets yet.
    pub fn new(place: Arc<Place>, _iam: Arc<Iam>) -> Arc<Self> {
        Arc::new(Self { place })
    }

    /// A raw request: `s3s` checks its signature with the keys that IAM knows.
    pub async fn http(self: &Arc<Self>, request: http::Request<axum::body::Body>) -> Response {
        let _ = (request, &self.place);
        Response::new(axum::body::Body::empty())
    }

    /// Makes a bucket of this account.
    pub async fn create_bucket(&self, bucket: &str) -> ServiceResult<()> {
        let _ = bucket;
        Err(ServiceError::internal("not written"))
    }

    /// Deletes an empty bucket; `BucketNotEmpty`, `NoSuchBucket`.
    pub async fn delete_bucket(&self, bucket: &str) -> ServiceResult<()> {
        let _ = bucket;
        Err(ServiceError::internal("not written"))
    }

    /// A bucket's settings; `NoSuchBucket`.
    pub async fn settings(&self, bucket: &str) -> ServiceResult<BucketSettings> {
        let _ = bucket;
        Err(ServiceError::internal("not written"))
    }

    /// Replaces a bucket's settings; `NoSuchBucket`.
    pub async fn set_settings(&self, bucket: &str, settings: BucketSettings) -> ServiceResult<()> {
        let _ = (bucket, settings);
        Err(ServiceError::internal("not written"))
    }

    /// Reads an object whole; `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`.
    pub async fn get(&self, bucket: &str, key: &str, version: Option<&str>) -> ServiceResult<StoredObject> {
        let _ = (bucket, key, version);
        Err(ServiceError::internal("not written"))
    }

    /// Writes an object; gives its version where versions are kept.
    pub async fn put(&self, bucket: &str, key: &str, body: Bytes) -> ServiceResult<Option<String>> {
        let _ = (bucket, key, body);
        Err(ServiceError::internal("not written"))
    }
}
