//! S3: an own backend for the protocol that `s3s` speaks.
//!
//! [`access`] decides who may call, [`operations`] refuses what is not offered, [`backend`] says
//! which function carries out an operation, [`store`] is what they work on; [`refusal`] writes what S3 refuses with.

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
mod operations;
mod reads;
mod refusal;
mod settings;
mod store;
mod tags;

use std::sync::Arc;

use bytes::Bytes;
use s3s::service::{S3Service, S3ServiceBuilder};

use self::{
    digest::{Algorithm, Said},
    store::{Attributes, Object, Store, Tags, WriteConditions},
};
use crate::{
    Place,
    faults::Faults,
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

/// Whether S3 has this operation here.
pub(crate) fn has_operation(name: &str) -> bool {
    backend::offers(name)
}

/// The buckets.
pub(crate) struct S3 {
    store: Arc<Store>,
    service: S3Service,
}

#[expect(clippy::unused_async, reason = "whoever uses another service awaits it")]
impl S3 {
    /// No buckets yet.
    pub fn new(place: Arc<Place>, iam: Arc<Iam>, faults: Arc<Faults>) -> Arc<Self> {
        let store = Arc::new(Store::new(place));
        let mut builder = S3ServiceBuilder::new(backend::Backend(store.clone()));
        builder.set_auth(access::Keys { iam: iam.clone() });
        let gate = access::Gate { iam, faults, store: store.clone() };
        builder.set_route(operations::Refused { gate: gate.clone() });
        builder.set_access(gate);
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
        if let Some(comparable) = access::with_possible_signature(&uri) {
            parts.uri = comparable;
        }
        let body = match documents::checked(&parts, body).await {
            Ok(body) => body,
            Err(error) => return refusal::at_once(&error, is_head),
        };
        let unanswered = access::Unanswered::default();
        parts.extensions.insert(unanswered.clone());
        let request = http::Request::from_parts(parts, body);
        let response = match self.service.call(request).await {
            Ok(response) => response,
            Err(error) => {
                let error = ServiceError::new(500, "InternalError", format!("{error:?}"));
                return refusal::at_once(&error, is_head);
            }
        };
        if unanswered.is_set() {
            return wire::no_answer();
        }
        if response.status().is_client_error() || response.status().is_server_error() || response.status() == 304 {
            let about = |code: &str, message: &str| access::about_signature(code, message, &uri, &headers);
            return refusal::document(response, is_head, about).await;
        }
        let (mut parts, body) = response.into_parts();
        refusal::identify(&mut parts.headers, &wire::new_request_id());
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
    pub async fn set_settings(&self, bucket: &str, mut settings: BucketSettings) -> ServiceResult<()> {
        settings::check(&settings)?;
        settings::name_rules(&mut settings);
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
    pub async fn get(&self, bucket: &str, key: &str, version: Option<&str>) -> ServiceResult<Bytes> {
        let object = self.store.look(bucket, |found| {
            let version = found.version(key, version)?;
            version.object.clone().ok_or_else(|| refusal::no_such_key(key))
        })?;
        object.body.read().await.map_err(refusal::disk)
    }

    /// Writes an object, as a service does it; gives its version where versions are kept.
    pub async fn put(&self, bucket: &str, key: &str, body: Bytes) -> ServiceResult<Option<String>> {
        self.store.look(bucket, |_| Ok(()))?;
        let stream = s3s::dto::StreamingBlob::from(s3s::Body::from(body));
        let received = digest::receive(&self.store.blobs, Some(stream), Said::default(), Algorithm::Crc64Nvme).await?;
        let object = Object {
            etag: hex::encode(received.md5),
            sum: Some(received.full_sum()),
            body: received.blob,
            attributes: Attributes {
                content_type: Some("application/octet-stream".to_owned()),
                ..Attributes::default()
            },
            parts: Vec::new(),
        };
        let entered = self.store.enter(bucket, key, object, Tags::new(), &WriteConditions::default())?;
        Ok(entered.0)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{
        config::{BehaviorVersion, Credentials, Region},
        presigning::PresigningConfig,
    };
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::Limits;

    struct Fixture {
        iam: Arc<Iam>,
        s3: Arc<S3>,
        data: tempfile::TempDir,
    }

    fn fixture() -> Fixture {
        let data = tempfile::tempdir().unwrap();
        let place = Arc::new(Place {
            region: "ap-southeast-2".to_owned(),
            account_id: crate::ACCOUNT_ID.to_owned(),
            endpoint_url: "http://127.0.0.1:1".to_owned(),
            gateway_url: "http://127.0.0.1:2".to_owned(),
            data_dir: data.path().to_owned(),
            limits: Limits::Aws,
            retained_bytes: 0,
            supervisor: Vec::new(),
        });
        let iam = Iam::new(place.clone());
        Fixture { s3: S3::new(place, iam.clone(), Arc::default()), iam, data }
    }

    /// A read of `bucket/key`, signed with these keys but not necessarily their token.
    async fn signed_read(keys: &crate::Credentials, token: Option<&str>) -> http::Request<axum::body::Body> {
        let token = token.map(str::to_owned);
        let (key, secret) = (keys.access_key_id.clone(), keys.secret_access_key.clone());
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url("http://127.0.0.1:1")
            .region(Region::new("ap-southeast-2"))
            .credentials_provider(Credentials::new(key, secret, token, None, "test"))
            .force_path_style(true)
            .build();
        let hour = PresigningConfig::expires_in(std::time::Duration::from_hours(1)).unwrap();
        let client = aws_sdk_s3::Client::from_conf(config);
        let signed = client.get_object().bucket("bucket").key("key").presigned(hour).await.unwrap();
        let request = http::Request::get(signed.uri()).header("host", "127.0.0.1:1");
        request.body(axum::body::Body::empty()).unwrap()
    }

    async fn answer(s3: &Arc<S3>, request: http::Request<axum::body::Body>) -> (u16, String) {
        let (parts, body) = s3.http(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn the_keys_of_the_account_have_no_token() {
        let Fixture { iam, s3, data: _data } = fixture();
        s3.create_bucket("bucket").await.unwrap();
        s3.put("bucket", "key", Bytes::from_static(b"body")).await.unwrap();
        let keys = iam.account_credentials();
        assert_eq!(answer(&s3, signed_read(&keys, None).await).await, (200, "body".to_owned()));
        let (status, document) = answer(&s3, signed_read(&keys, Some("made up")).await).await;
        assert_eq!(status, 400);
        assert!(document.contains("<Code>InvalidToken</Code>"), "{document}");
    }

    #[tokio::test]
    async fn other_services_read_and_write_without_http() {
        let Fixture { s3, data, iam: _iam } = fixture();
        assert_eq!(s3.create_bucket("Not a name").await.unwrap_err().code, "InvalidBucketName");
        s3.create_bucket("bucket").await.unwrap();
        assert_eq!(s3.create_bucket("bucket").await.unwrap_err().code, "BucketAlreadyOwnedByYou");
        assert_eq!(s3.put("bucket", "a/b", Bytes::from_static(b"one")).await.unwrap(), None);
        let enabled = s3s::dto::BucketVersioningStatus::from_static(s3s::dto::BucketVersioningStatus::ENABLED);
        let mut settings = s3.settings("bucket").await.unwrap();
        settings.versioning = Some(enabled);
        s3.set_settings("bucket", settings).await.unwrap();
        let version = s3.put("bucket", "a/b", Bytes::from_static(b"two")).await.unwrap();
        assert_eq!(&*s3.get("bucket", "a/b", None).await.unwrap(), b"two");
        assert_eq!(&*s3.get("bucket", "a/b", version.as_deref()).await.unwrap(), b"two");
        assert_eq!(&*s3.get("bucket", "a/b", Some("null")).await.unwrap(), b"one");
        assert_eq!(s3.get("bucket", "none", None).await.unwrap_err().code, "NoSuchKey");
        assert_eq!(s3.get("none", "a/b", None).await.unwrap_err().code, "NoSuchBucket");
        let gone = s3.get("bucket", "a/b", Some(&"A".repeat(32))).await.unwrap_err();
        assert_eq!(gone.code, "NoSuchVersion");
        assert_eq!(s3.delete_bucket("bucket").await.unwrap_err().code, "BucketNotEmpty");
        assert_eq!(std::fs::read(data.path().join("bucket/a/b")).unwrap(), b"two");
    }

    #[tokio::test]
    async fn refused_settings_change_nothing() {
        let Fixture { s3, data: _data, iam: _iam } = fixture();
        s3.create_bucket("bucket").await.unwrap();
        let tags = vec![("k".to_owned(), "v".to_owned())];
        let settings = BucketSettings { policy: Some("{}".to_owned()), tags, ..BucketSettings::default() };
        assert_eq!(s3.set_settings("bucket", settings).await.unwrap_err().code, "MalformedPolicy");
        assert!(s3.settings("bucket").await.unwrap().tags.is_empty());
    }

    /// Version 2 of signatures: HMAC-SHA1 (RFC 2104) in base64.
    fn version_2(secret: &str, text: &str) -> String {
        use base64::Engine as _;
        use s3s::crypto::{Checksum as _, Sha1};
        let pad = |byte: u8| {
            let mut block = [byte; 64];
            block.iter_mut().zip(secret.bytes()).for_each(|(padded, letter)| *padded ^= letter);
            block.to_vec()
        };
        let inner = Sha1::checksum(&[pad(0x36), text.as_bytes().to_vec()].concat());
        let outer = Sha1::checksum(&[pad(0x5c), inner.to_vec()].concat());
        base64::engine::general_purpose::STANDARD.encode(outer)
    }

    #[tokio::test]
    async fn an_address_presigned_by_version_2_is_good_until_its_end() {
        let Fixture { iam, s3, data: _data } = fixture();
        s3.create_bucket("bucket").await.unwrap();
        s3.put("bucket", "key", Bytes::from_static(b"body")).await.unwrap();
        let keys = iam.account_credentials();
        let read = |expires: i64, signed: i64| {
            let text = format!("GET\n\n\n{signed}\n/bucket/key");
            let signature = version_2(&keys.secret_access_key, &text).replace('+', "%2B").replace('/', "%2F");
            let key = &keys.access_key_id;
            let uri = format!("/bucket/key?AWSAccessKeyId={key}&Signature={signature}&Expires={expires}");
            http::Request::get(uri).header("host", "127.0.0.1:1").body(axum::body::Body::empty()).unwrap()
        };
        let now = jiff::Timestamp::now().as_second();
        assert_eq!(answer(&s3, read(now + 60, now + 60)).await, (200, "body".to_owned()));
        let (status, document) = answer(&s3, read(now + 61, now + 60)).await;
        assert_eq!(status, 403);
        assert!(document.contains("<Code>SignatureDoesNotMatch</Code>"), "{document}");
        let (status, document) = answer(&s3, read(now - 60, now - 60)).await;
        assert_eq!(status, 403);
        assert!(document.contains("<Message>Request has expired</Message><ServerTime>"), "{document}");
    }
}
