//! S3: an own backend for the protocol that `s3s` speaks.
//!
//! [`access`] decides who may call, [`backend`] says which function carries out an operation,
//! [`store`] is what they work on; [`refusal`] writes what S3 refuses with.

mod access;
mod backend;
mod blobs;
mod buckets;
mod conditions;
mod configuration;
mod digest;
mod documents;
mod lifecycle;
mod listing;
mod lists;
mod mirror;
mod multipart;
mod objects;
mod refusal;
mod settings;
mod store;
mod tags;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use s3s::service::{S3Service, S3ServiceBuilder};

use self::{
    digest::{Algorithm, Said},
    store::{Attributes, Object, Store, Tags, WriteConditions},
};
use crate::{
    Place,
    iam::Iam,
    wire::{self, Response, ServiceError, ServiceResult},
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
    store: Arc<Store>,
    service: S3Service,
}

impl S3 {
    /// No buckets yet.
    pub fn new(place: Arc<Place>, iam: Arc<Iam>) -> Arc<Self> {
        let store = Arc::new(Store::new(place));
        let mut builder = S3ServiceBuilder::new(backend::Backend(store.clone()));
        builder.set_auth(access::Keys { iam: iam.clone() });
        builder.set_access(access::Gate { iam, store: store.clone() });
        lifecycle::start(&store);
        Arc::new(Self { store, service: builder.build() })
    }

    /// A raw request: `s3s` checks its signature with the keys that IAM knows.
    pub async fn http(self: &Arc<Self>, request: http::Request<axum::body::Body>) -> Response {
        let is_head = request.method() == http::Method::HEAD;
        let (mut parts, body) = request.into_parts();
        if let Err(error) = access::check_scope(&self.store.place.region, &parts.uri, &parts.headers) {
            return refusal::at_once(&error, is_head);
        }
        access::take_headers_of_query(&parts.uri, &mut parts.headers);
        let (uri, headers) = (parts.uri.clone(), parts.headers.clone());
        let body = match documents::checked(&parts, body).await {
            Ok(body) => body,
            Err(error) => return refusal::at_once(&error, is_head),
        };
        let request = http::Request::from_parts(parts, body);
        let response = match self.service.call(request).await {
            Ok(response) => response,
            Err(error) => {
                let error = ServiceError::new(500, "InternalError", format!("{error:?}"));
                return refusal::at_once(&error, is_head);
            }
        };
        if response.status().is_client_error() || response.status().is_server_error() || response.status() == 304 {
            let about = |code: &str, message: &str| access::about_signature(code, message, &uri, &headers);
            return refusal::document(response, is_head, about).await;
        }
        let (mut parts, body) = response.into_parts();
        refusal::identify(&mut parts.headers, &wire::new_request_id());
        parts.headers.insert(HeaderName::from_static("server"), HeaderValue::from_static("AmazonS3"));
        http::Response::from_parts(parts, axum::body::Body::new(body))
    }

    /// Makes a bucket of this account.
    pub async fn create_bucket(&self, bucket: &str) -> ServiceResult<()> {
        buckets::make(&self.store, bucket, BucketSettings::default())
    }

    /// Deletes an empty bucket; `BucketNotEmpty`, `NoSuchBucket`.
    pub async fn delete_bucket(&self, bucket: &str) -> ServiceResult<()> {
        self.store.remove_bucket(bucket)
    }

    /// A bucket's settings; `NoSuchBucket`.
    pub async fn settings(&self, bucket: &str) -> ServiceResult<BucketSettings> {
        self.store.look(bucket, |found| Ok(found.settings.clone()))
    }

    /// Replaces a bucket's settings; `NoSuchBucket`, and the refusals of the operations that set
    /// each of them.
    pub async fn set_settings(&self, bucket: &str, settings: BucketSettings) -> ServiceResult<()> {
        settings::check(&settings)?;
        self.store.change(bucket, |found| {
            let policy = settings.policy.clone();
            let before = std::mem::replace(&mut found.settings, settings);
            let checked = policy.map_or(Ok(()), |policy| settings::check_policy(bucket, found, &policy));
            if checked.is_err() {
                found.settings = before;
            }
            checked
        })
    }

    /// Reads an object whole; `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`.
    pub async fn get(&self, bucket: &str, key: &str, version: Option<&str>) -> ServiceResult<StoredObject> {
        let (object, version_id) = self.store.look(bucket, |found| {
            let version = found.version(key, version)?;
            let object = version.object.clone().ok_or_else(|| refusal::no_such_key(key))?;
            Ok((object, found.shown_id(&version.id)))
        })?;
        let body = object.body.read().await.map_err(refusal::disk)?;
        Ok(StoredObject { body, version_id, etag: format!("\"{}\"", object.etag) })
    }

    /// Writes an object; gives its version where versions are kept.
    pub async fn put(&self, bucket: &str, key: &str, body: Bytes) -> ServiceResult<Option<String>> {
        self.store.look(bucket, |_| Ok(()))?;
        let stream = s3s::dto::StreamingBlob::from(s3s::Body::from(body));
        let received = digest::receive(&self.store.blobs, Some(stream), Said::default(), Algorithm::Crc64Nvme).await?;
        let object = Object {
            etag: hex::encode(received.md5),
            sum: Some(received.full_sum()),
            body: received.blob,
            attributes: Attributes::default(),
            parts: Vec::new(),
        };
        let entered = self.store.enter(bucket, key, object, Tags::new(), &WriteConditions::default())?;
        Ok(entered.0)
    }
}
