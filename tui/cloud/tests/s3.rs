//! S3 of the embedded cloud, asked by the official SDK.

mod common;

use aws_config::BehaviorVersion;
use aws_sdk_s3::{
    Client,
    config::{Credentials, Region, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    primitives::{ByteStream, DateTime},
    types::{
        BucketLocationConstraint, BucketVersioningStatus, ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload,
        CompletedPart, CreateBucketConfiguration, Delete, MetadataDirective, ObjectIdentifier, Tag, Tagging,
        VersioningConfiguration,
    },
};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client as HttpClient, rt::TokioExecutor};
use std::time::{Duration, SystemTime};
use tailwater_cloud::{LocalCloud, Options};

const MEBIBYTE: usize = 1024 * 1024;

async fn cloud() -> LocalCloud {
    LocalCloud::start(Options { gateway_port: Some(0), ..Options::new(vec![]) }).await.unwrap()
}

fn client_with(cloud: &LocalCloud, key: &str, secret: &str, token: Option<&str>, region: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(cloud.endpoint_url())
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::new(key, secret, token.map(str::to_owned), None, "test"))
        .retry_config(RetryConfig::disabled())
        .force_path_style(true)
        .build();
    Client::from_conf(config)
}

fn client(cloud: &LocalCloud) -> Client {
    let keys = cloud.credentials();
    client_with(cloud, &keys.access_key_id, &keys.secret_access_key, None, cloud.region())
}

/// The code and the words of a refusal.
fn refusal<T: std::fmt::Debug, E, R>(result: Result<T, SdkError<E, R>>) -> (String, String)
where
    SdkError<E, R>: ProvideErrorMetadata,
{
    let error = result.expect_err("this must be refused");
    (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
}

async fn make_bucket(client: &Client, cloud: &LocalCloud, bucket: &str) {
    let here = BucketLocationConstraint::from(cloud.region());
    let configuration = CreateBucketConfiguration::builder().location_constraint(here).build();
    client.create_bucket().bucket(bucket).create_bucket_configuration(configuration).send().await.unwrap();
}

async fn keep_versions(client: &Client, bucket: &str, status: BucketVersioningStatus) {
    let configuration = VersioningConfiguration::builder().status(status).build();
    client.put_bucket_versioning().bucket(bucket).versioning_configuration(configuration).send().await.unwrap();
}

async fn put(client: &Client, bucket: &str, key: &str, body: &[u8]) -> Option<String> {
    let body = ByteStream::from(body.to_vec());
    client.put_object().bucket(bucket).key(key).body(body).send().await.unwrap().version_id
}

async fn read(client: &Client, bucket: &str, key: &str) -> Vec<u8> {
    let output = client.get_object().bucket(bucket).key(key).send().await.unwrap();
    output.body.collect().await.unwrap().to_vec()
}

/// A request as it is, for what no SDK would send.
async fn raw(request: http::Request<Full<bytes::Bytes>>) -> (http::StatusCode, http::HeaderMap, String) {
    let answer = HttpClient::builder(TokioExecutor::new()).build_http().request(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

/// Bytes that are nowhere alike.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "things").await;
    let put = client
        .put_object()
        .bucket("things")
        .key("a/b.json")
        .content_type("application/json")
        .cache_control("no-store")
        .metadata("colour", "red")
        .body(ByteStream::from_static(b"{\"a\":1}\n"))
        .send()
        .await
        .unwrap();
    // `md5sum` of the body.
    assert_eq!(put.e_tag(), Some("\"4588ff3797b78d819d858fa3bdd82b09\""));
    assert_eq!(put.version_id(), None);
    let got = client.get_object().bucket("things").key("a/b.json").send().await.unwrap();
    assert_eq!(got.content_type(), Some("application/json"));
    assert_eq!(got.cache_control(), Some("no-store"));
    assert_eq!(got.metadata().unwrap()["colour"], "red");
    assert_eq!(got.e_tag(), put.e_tag());
    assert!(got.last_modified().is_some());
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"{\"a\":1}\n");
    let head = client.head_object().bucket("things").key("a/b.json").send().await.unwrap();
    assert_eq!(head.content_length(), Some(8));
    let list = client.list_objects_v2().bucket("things").send().await.unwrap();
    assert_eq!(list.contents()[0].key(), Some("a/b.json"));
    assert_eq!(list.contents()[0].size(), Some(8));
    client.delete_object().bucket("things").key("a/b.json").send().await.unwrap();
    let gone = client.get_object().bucket("things").key("a/b.json").send().await;
    assert_eq!(refusal(gone), ("NoSuchKey".to_owned(), "The specified key does not exist.".to_owned()));
    client.delete_bucket().bucket("things").send().await.unwrap();
    let gone = client.list_objects_v2().bucket("things").send().await;
    assert_eq!(refusal(gone), ("NoSuchBucket".to_owned(), "The specified bucket does not exist".to_owned()));
}

#[tokio::test]
async fn buckets_follow_the_rules_of_names_and_places() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "mine").await;
    let here = || {
        let region = BucketLocationConstraint::from(cloud.region());
        CreateBucketConfiguration::builder().location_constraint(region).build()
    };
    let again = client.create_bucket().bucket("mine").create_bucket_configuration(here()).send().await;
    assert_eq!(
        refusal(again),
        (
            "BucketAlreadyOwnedByYou".to_owned(),
            "Your previous request to create the named bucket succeeded and you already own it.".to_owned()
        )
    );
    let nowhere = client.create_bucket().bucket("other").send().await;
    assert_eq!(refusal(nowhere).0, "IllegalLocationConstraintException");
    let elsewhere = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1).build();
    let elsewhere = client.create_bucket().bucket("other").create_bucket_configuration(elsewhere).send().await;
    assert_eq!(
        refusal(elsewhere).1,
        "The eu-west-1 location constraint is incompatible for the region specific endpoint this request was sent to."
    );
    for name in ["Mine", "ab", "a..b", "192.168.0.1", "mine-s3alias"] {
        let refused = client.create_bucket().bucket(name).create_bucket_configuration(here()).send().await;
        assert_eq!(refusal(refused), ("InvalidBucketName".to_owned(), "The specified bucket is not valid.".to_owned()));
    }
    let place = client.get_bucket_location().bucket("mine").send().await.unwrap();
    assert_eq!(place.location_constraint().unwrap().as_str(), cloud.region());
    let head = client.head_bucket().bucket("mine").send().await.unwrap();
    assert_eq!(head.bucket_region(), Some(cloud.region()));
    assert!(client.head_bucket().bucket("nobodys").send().await.unwrap_err().into_service_error().is_not_found());
    make_bucket(&client, &cloud, "another").await;
    let all = client.list_buckets().send().await.unwrap();
    let names: Vec<_> = all.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert_eq!(names, ["another", "mine"]);
    let page = client.list_buckets().max_buckets(1).send().await.unwrap();
    let rest = client.list_buckets().continuation_token(page.continuation_token().unwrap()).send().await.unwrap();
    assert_eq!(rest.buckets()[0].name(), Some("mine"));
    put(&client, "mine", "key", b"x").await;
    let full = client.delete_bucket().bucket("mine").send().await;
    assert_eq!(refusal(full), ("BucketNotEmpty".to_owned(), "The bucket you tried to delete is not empty".to_owned()));
}

/// Changes a request after it was signed.
#[derive(Debug)]
struct Tamper(fn(&mut aws_sdk_s3::config::http::HttpRequest));

impl aws_sdk_s3::config::Intercept for Tamper {
    fn name(&self) -> &'static str {
        "tamper"
    }

    fn modify_before_transmit(
        &self,
        context: &mut aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut<'_>,
        _: &aws_sdk_s3::config::RuntimeComponents,
        _: &mut aws_sdk_s3::config::ConfigBag,
    ) -> Result<(), aws_sdk_s3::error::BoxError> {
        (self.0)(context.request_mut());
        Ok(())
    }
}

#[tokio::test]
async fn only_requests_signed_by_known_keys_are_taken() {
    let cloud = cloud().await;
    let good = client(&cloud);
    make_bucket(&good, &cloud, "guarded").await;
    put(&good, "guarded", "key", b"body").await;
    let keys = cloud.credentials();
    let (key, secret) = (keys.access_key_id.as_str(), keys.secret_access_key.as_str());

    let stranger = client_with(&cloud, "AKIAAAAAAAAAAAAAAAAA", secret, None, cloud.region());
    let refused = refusal(stranger.list_objects_v2().bucket("guarded").send().await);
    let words = "The AWS Access Key Id you provided does not exist in our records.";
    assert_eq!(refused, ("InvalidAccessKeyId".to_owned(), words.to_owned()));

    let forger = client_with(&cloud, key, &secret.replace(&secret[..1], "_"), None, cloud.region());
    let refused = refusal(forger.list_objects_v2().bucket("guarded").send().await);
    assert_eq!(refused.0, "SignatureDoesNotMatch");
    assert!(refused.1.starts_with("The request signature we calculated does not match"), "{}", refused.1);

    let posed = client_with(&cloud, key, secret, Some("made up"), cloud.region());
    let refused = refusal(posed.list_objects_v2().bucket("guarded").send().await);
    assert_eq!(refused.0, "InvalidToken");

    let lost = client_with(&cloud, key, secret, None, "us-west-1");
    let refused = refusal(lost.list_objects_v2().bucket("guarded").send().await);
    let words = format!(
        "The authorization header is malformed; the region 'us-west-1' is wrong; expecting '{}'",
        cloud.region()
    );
    assert_eq!(refused, ("AuthorizationHeaderMalformed".to_owned(), words));

    let path = Tamper(|request| {
        let changed = request.uri().replace("/key", "/kez");
        request.set_uri(changed).unwrap();
    });
    let refused = good.get_object().bucket("guarded").key("key").customize().interceptor(path).send().await;
    assert_eq!(refusal(refused).0, "SignatureDoesNotMatch");

    let header = Tamper(|request| {
        request.headers_mut().insert("x-amz-tagging", "a=b");
    });
    let write = || good.put_object().bucket("guarded").key("new").body(ByteStream::from_static(b"new"));
    let refused = refusal(write().customize().interceptor(header).send().await);
    let words = "There were headers present in the request which were not signed";
    assert_eq!(refused, ("AccessDenied".to_owned(), words.to_owned()));

    let body = Tamper(|request| {
        *request.body_mut() = aws_sdk_s3::primitives::SdkBody::from("neW");
    });
    let refused = refusal(write().customize().interceptor(body).send().await);
    assert!(["XAmzContentSHA256Mismatch", "BadDigest", "IncompleteBody"].contains(&refused.0.as_str()), "{refused:?}");
    assert!(good.head_object().bucket("guarded").key("new").send().await.is_err(), "a refused body was kept");

    let stale = http::Request::get(format!("{}/guarded/key", cloud.endpoint_url()))
        .header("x-amz-date", "20200101T000000Z")
        .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        .header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential={key}/20200101/{}/s3/aws4_request, SignedHeaders=host;x-amz-date, \
                 Signature={}",
                cloud.region(),
                "0".repeat(64)
            ),
        );
    let (status, _, document) = raw(stale.body(Full::default()).unwrap()).await;
    assert_eq!(status, 403);
    let words = "The difference between the request time and the current time is too large.";
    assert!(document.contains(&format!("<Code>RequestTimeTooSkewed</Code><Message>{words}</Message>")), "{document}");
    assert!(document.contains("<RequestTime>20200101T000000Z</RequestTime><ServerTime>"), "{document}");

    let anonymous = http::Request::get(format!("{}/guarded/key", cloud.endpoint_url())).body(Full::default()).unwrap();
    let (status, headers, document) = raw(anonymous).await;
    assert_eq!(status, 403);
    assert!(document.contains("<Code>AccessDenied</Code><Message>Access Denied</Message>"), "{document}");
    assert!(document.contains("<RequestId>") && document.contains("<HostId>"), "{document}");
    assert!(headers.contains_key("x-amz-request-id"));
}

#[tokio::test]
async fn a_presigned_address_is_good_until_it_expires() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "presigned").await;
    put(&client, "presigned", "a key/é+", b"found").await;
    let hour = || PresigningConfig::expires_in(Duration::from_hours(1)).unwrap();
    let get = client.get_object().bucket("presigned").key("a key/é+").presigned(hour()).await.unwrap();
    let request = |uri: &str| http::Request::get(uri).body(Full::default()).unwrap();
    let (status, _, body) = raw(request(get.uri())).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, "found"));

    let put = client.put_object().bucket("presigned").key("new").tagging("a=b").presigned(hour()).await.unwrap();
    let mut upload = http::Request::put(put.uri());
    for (name, value) in put.headers() {
        upload = upload.header(name, value);
    }
    let (status, _, body) = raw(upload.body(Full::from("uploaded")).unwrap()).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(read(&client, "presigned", "new").await, b"uploaded");
    let tags = client.get_object_tagging().bucket("presigned").key("new").send().await.unwrap();
    assert_eq!(tags.tag_set()[0].key(), "a");

    let mut changed = get.uri().to_owned();
    let last = if changed.contains("X-Amz-Signature=0") { "1" } else { "0" };
    let at = changed.find("X-Amz-Signature=").unwrap() + "X-Amz-Signature=".len();
    changed.replace_range(at..=at, last);
    let (status, _, body) = raw(request(&changed)).await;
    assert_eq!(status, 403);
    assert!(body.contains("<Code>SignatureDoesNotMatch</Code>"), "{body}");

    // A signature that cannot be one is wrong like any other.
    let (address, _) = get.uri().split_once("X-Amz-Signature=").unwrap();
    for signature in ["", "abc", &"A".repeat(64)] {
        let (status, _, body) = raw(request(&format!("{address}X-Amz-Signature={signature}"))).await;
        assert_eq!(status, 403, "{body}");
        let told = format!("<SignatureProvided>{signature}</SignatureProvided>");
        assert!(body.contains("<Code>SignatureDoesNotMatch</Code>") && body.contains(&told), "{body}");
    }
    let (status, _, body) = raw(request(&get.uri().replace("X-Amz-Date=", "X-Amz-Dete="))).await;
    assert_eq!(status, 400);
    assert!(body.contains("<Code>AuthorizationQueryParametersError</Code>"), "{body}");

    let past = PresigningConfig::builder()
        .start_time(SystemTime::now() - Duration::from_mins(2))
        .expires_in(Duration::from_mins(1))
        .build()
        .unwrap();
    let stale = client.get_object().bucket("presigned").key("new").presigned(past).await.unwrap();
    let (status, _, body) = raw(request(stale.uri())).await;
    assert_eq!(status, 403);
    for part in [
        "<Code>AccessDenied</Code>",
        "<Message>Request has expired</Message>",
        "<X-Amz-Expires>60<",
        "<ServerTime>",
        "<Expires>",
    ] {
        assert!(body.contains(part), "{part} is not in {body}");
    }
}

#[tokio::test]
async fn versions_are_kept_and_can_all_be_removed() {
    let cloud = cloud().await;
    let client = client(&cloud);
    let bucket = "versioned";
    make_bucket(&client, &cloud, bucket).await;
    put(&client, bucket, "key", b"before").await;
    keep_versions(&client, bucket, BucketVersioningStatus::Enabled).await;
    let second = put(&client, bucket, "key", b"second").await.unwrap();
    let third = put(&client, bucket, "key", b"third").await.unwrap();
    assert_ne!(second, third);
    let old = client.get_object().bucket(bucket).key("key").version_id(&second).send().await.unwrap();
    assert_eq!(old.body.collect().await.unwrap().to_vec(), b"second");
    let old = client.get_object().bucket(bucket).key("key").version_id("null").send().await.unwrap();
    assert_eq!(old.body.collect().await.unwrap().to_vec(), b"before");

    let deleted = client.delete_object().bucket(bucket).key("key").send().await.unwrap();
    assert_eq!(deleted.delete_marker(), Some(true));
    let marker = deleted.version_id().unwrap().to_owned();
    assert_eq!(refusal(client.get_object().bucket(bucket).key("key").send().await).0, "NoSuchKey");
    let named = client.get_object().bucket(bucket).key("key").version_id(&marker).send().await;
    assert_eq!(refusal(named).0, "MethodNotAllowed");
    assert!(client.list_objects_v2().bucket(bucket).send().await.unwrap().contents().is_empty());
    client.delete_object().bucket(bucket).key("key").version_id(&marker).send().await.unwrap();
    assert_eq!(read(&client, bucket, "key").await, b"third");

    keep_versions(&client, bucket, BucketVersioningStatus::Suspended).await;
    assert_eq!(put(&client, bucket, "key", b"fourth").await.as_deref(), Some("null"));
    let unknown = client.get_object().bucket(bucket).key("key").version_id("nonsense").send().await;
    assert_eq!(refusal(unknown), ("InvalidArgument".to_owned(), "Invalid version id specified".to_owned()));

    keep_versions(&client, bucket, BucketVersioningStatus::Enabled).await;
    for index in 0..7 {
        put(&client, bucket, "many", index.to_string().as_bytes()).await;
    }
    client.delete_object().bucket(bucket).key("many").send().await.unwrap();
    client.create_multipart_upload().bucket(bucket).key("unfinished").send().await.unwrap();

    // As a bucket is emptied: a page of versions and delete markers is listed, then removed.
    let refused = client.delete_bucket().bucket(bucket).send().await;
    assert_eq!(
        refusal(refused).1,
        "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
    );
    let (mut key_marker, mut version_marker, mut removed) = (None::<String>, None::<String>, 0);
    loop {
        let page = client
            .list_object_versions()
            .bucket(bucket)
            .max_keys(3)
            .set_key_marker(key_marker)
            .set_version_id_marker(version_marker)
            .send()
            .await
            .unwrap();
        let of = |key: Option<&str>, id: Option<&str>| {
            ObjectIdentifier::builder().key(key.unwrap()).version_id(id.unwrap()).build().unwrap()
        };
        let objects: Vec<_> = page
            .versions()
            .iter()
            .map(|version| of(version.key(), version.version_id()))
            .chain(page.delete_markers().iter().map(|marker| of(marker.key(), marker.version_id())))
            .collect();
        assert!(objects.len() <= 3);
        removed += objects.len();
        let delete = Delete::builder().set_objects(Some(objects)).build().unwrap();
        let answer = client.delete_objects().bucket(bucket).delete(delete).send().await.unwrap();
        assert!(answer.errors().is_empty());
        if page.is_truncated() != Some(true) {
            break;
        }
        (key_marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
    }
    assert_eq!(removed, 3 + 8);
    let uploads = client.list_multipart_uploads().bucket(bucket).send().await.unwrap();
    for upload in uploads.uploads() {
        let (key, id) = (upload.key().unwrap(), upload.upload_id().unwrap());
        client.abort_multipart_upload().bucket(bucket).key(key).upload_id(id).send().await.unwrap();
    }
    assert_eq!(uploads.uploads().len(), 1);
    client.delete_bucket().bucket(bucket).send().await.unwrap();
}

#[tokio::test]
async fn a_listing_is_in_order_and_pages_without_gaps() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "listed").await;
    let mut keys: Vec<String> = (0..12).map(|number| format!("data/{number}")).collect();
    keys.extend(["data/é", "data/z", "Data", "data", "other/a b+c", "\u{1F600}", "\u{FFFD}"].map(str::to_owned));
    for key in &keys {
        put(&client, "listed", key, key.as_bytes()).await;
    }
    keys.sort_unstable();
    let mut paged = Vec::new();
    let mut listing = client.list_objects_v2().bucket("listed").max_keys(4).into_paginator().send();
    while let Some(page) = listing.next().await {
        let page = page.unwrap();
        assert!(page.contents().len() <= 4);
        assert_eq!(page.key_count(), i32::try_from(page.contents().len()).ok());
        paged.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
    }
    assert_eq!(paged, keys);

    let after = client.list_objects_v2().bucket("listed").prefix("data/").start_after("data/9").send().await.unwrap();
    let after: Vec<_> = after.contents().iter().map(|object| object.key().unwrap()).collect();
    assert_eq!(after, ["data/z", "data/é"]);
    let rolled = client.list_objects_v2().bucket("listed").delimiter("/").send().await.unwrap();
    let prefixes: Vec<_> = rolled.common_prefixes().iter().map(|prefix| prefix.prefix().unwrap()).collect();
    assert_eq!(prefixes, ["data/", "other/"]);
    assert_eq!(rolled.contents().len(), 4);
    let encoded = client
        .list_objects_v2()
        .bucket("listed")
        .prefix("other/")
        .encoding_type(aws_sdk_s3::types::EncodingType::Url)
        .send()
        .await
        .unwrap();
    assert_eq!(encoded.contents()[0].key(), Some("other/a%20b%2Bc"));
    let foreign = client.list_objects_v2().bucket("listed").continuation_token("made up").send().await;
    assert_eq!(
        refusal(foreign),
        ("InvalidArgument".to_owned(), "The continuation token provided is incorrect".to_owned())
    );
    let none = client.list_objects_v2().bucket("listed").max_keys(0).send().await.unwrap();
    assert_eq!((none.is_truncated(), none.contents().len()), (Some(false), 0));
    let first = client.list_objects().bucket("listed").delimiter("/").max_keys(2).send().await.unwrap();
    assert_eq!((first.is_truncated(), first.next_marker()), (Some(true), Some("data")));
    let second = client.list_objects().bucket("listed").delimiter("/").max_keys(1).marker("data").send().await.unwrap();
    assert_eq!(second.common_prefixes()[0].prefix(), Some("data/"));
}

#[tokio::test]
async fn keys_may_be_odd() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "odd-keys").await;
    let long = "k".repeat(1024);
    let keys = [
        "a b",
        "a+b",
        "a%2Fb",
        "é/ü",
        "a//b",
        "/a",
        "a/",
        "../../up",
        "a/../b",
        "a/./b",
        "?x=y&z",
        "#",
        "\u{1F600}",
        "a:b;c,d",
        "~._-",
        "<&>\"'",
        "a\\b",
        "a\tb",
        &long,
    ];
    for key in keys {
        put(&client, "odd-keys", key, key.as_bytes()).await;
    }
    for key in keys {
        assert_eq!(read(&client, "odd-keys", key).await, key.as_bytes(), "{key:?}");
    }
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    let list = client.list_objects_v2().bucket("odd-keys").send().await.unwrap();
    assert_eq!(list.contents().iter().map(|object| object.key().unwrap()).collect::<Vec<_>>(), sorted);
    let long = client.put_object().bucket("odd-keys").key("k".repeat(1025)).send().await;
    assert_eq!(refusal(long), ("KeyTooLongError".to_owned(), "Your key is too long".to_owned()));
    for key in keys {
        client.delete_object().bucket("odd-keys").key(key).send().await.unwrap();
    }
    client.delete_bucket().bucket("odd-keys").send().await.unwrap();
}

#[tokio::test]
async fn reads_and_writes_hold_to_their_conditions() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "conditions").await;
    let write =
        |body: &'static [u8]| client.put_object().bucket("conditions").key("key").body(ByteStream::from_static(body));
    let first = write(b"first").if_none_match("*").send().await.unwrap();
    let again = write(b"again").if_none_match("*").send().await;
    let words = "At least one of the pre-conditions you specified did not hold";
    assert_eq!(refusal(again), ("PreconditionFailed".to_owned(), words.to_owned()));
    let etag = first.e_tag().unwrap();
    let second = write(b"second").if_match(etag).send().await.unwrap();
    assert_eq!(refusal(write(b"third").if_match(etag).send().await).0, "PreconditionFailed");
    let missing = client.put_object().bucket("conditions").key("none").if_match(etag).send().await;
    assert_eq!(refusal(missing).0, "NoSuchKey");
    assert_eq!(read(&client, "conditions", "key").await, b"second");

    let get = || client.get_object().bucket("conditions").key("key");
    assert_eq!(refusal(get().if_match(etag).send().await).0, "PreconditionFailed");
    assert!(get().if_match(second.e_tag().unwrap()).send().await.is_ok());
    let known = get().if_none_match(second.e_tag().unwrap()).send().await.unwrap_err();
    assert_eq!(known.raw_response().unwrap().status().as_u16(), 304);
    let later = DateTime::from(SystemTime::now() + Duration::from_mins(1));
    let unchanged = get().if_modified_since(later).send().await.unwrap_err();
    assert_eq!(unchanged.raw_response().unwrap().status().as_u16(), 304);
    assert!(get().if_unmodified_since(later).send().await.is_ok());
    let before = DateTime::from_secs(1);
    assert_eq!(refusal(get().if_unmodified_since(before).send().await).0, "PreconditionFailed");

    // Of writers at once that all want to be the first, one is.
    let writers = (0..8).map(|number: u8| {
        let write = client.put_object().bucket("conditions").key("race").if_none_match("*");
        write.body(ByteStream::from(vec![number])).send()
    });
    let won = futures::future::join_all(writers).await.into_iter().flatten().count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn an_upload_in_parts_becomes_one_object() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "in-parts").await;
    let body = noise(6 * MEBIBYTE + 123);
    let (first, last) = body.split_at(5 * MEBIBYTE);
    let begin = client
        .create_multipart_upload()
        .bucket("in-parts")
        .key("large")
        .content_type("text/plain")
        .checksum_algorithm(ChecksumAlgorithm::Crc32)
        .send()
        .await
        .unwrap();
    let id = begin.upload_id().unwrap();
    let upload = |number: i32, bytes: &[u8]| {
        let part = client.upload_part().bucket("in-parts").key("large").upload_id(id).part_number(number);
        part.checksum_algorithm(ChecksumAlgorithm::Crc32).body(ByteStream::from(bytes.to_vec())).send()
    };
    let sent = [upload(1, first).await.unwrap(), upload(2, last).await.unwrap()];
    let parts: Vec<_> = (1..)
        .zip(&sent)
        .map(|(number, part)| {
            CompletedPart::builder()
                .part_number(number)
                .e_tag(part.e_tag().unwrap())
                .set_checksum_crc32(part.checksum_crc32.clone())
                .build()
        })
        .collect();
    let bare = CompletedPart::builder().part_number(1).e_tag(sent[0].e_tag().unwrap()).build();
    let listed = client.list_parts().bucket("in-parts").key("large").upload_id(id).max_parts(1).send().await.unwrap();
    assert_eq!((listed.parts()[0].size(), listed.is_truncated()), (Some(5 * 1024 * 1024), Some(true)));
    let complete = |parts: Vec<CompletedPart>| {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        client.complete_multipart_upload().bucket("in-parts").key("large").upload_id(id).multipart_upload(parts).send()
    };
    let mut reversed = parts.clone();
    reversed.reverse();
    let words = "The list of parts was not in ascending order. Parts must be ordered by part number.";
    assert_eq!(refusal(complete(reversed).await), ("InvalidPartOrder".to_owned(), words.to_owned()));
    let wrong = CompletedPart::builder().part_number(1).e_tag("\"00\"").checksum_crc32("AAAAAA==").build();
    let wrong = vec![wrong];
    assert_eq!(refusal(complete(wrong).await).0, "InvalidPart");
    assert!(refusal(complete(vec![bare]).await).1.ends_with("It was missing for part 1 in the request."));
    assert!(client.head_object().bucket("in-parts").key("large").send().await.is_err(), "seen before it is whole");

    let done = complete(parts).await.unwrap();
    assert!(done.e_tag().unwrap().ends_with("-2\""), "{:?}", done.e_tag());
    assert!(done.checksum_crc32().unwrap().ends_with("-2"));
    let got = client.get_object().bucket("in-parts").key("large").send().await.unwrap();
    assert_eq!(got.content_type(), Some("text/plain"));
    assert!(got.body.collect().await.unwrap().to_vec() == body, "the object is not what was uploaded");
    let part = client.get_object().bucket("in-parts").key("large").part_number(2).send().await.unwrap();
    assert_eq!(part.parts_count(), Some(2));
    assert!(part.body.collect().await.unwrap().to_vec() == last);
    let gone = client.list_parts().bucket("in-parts").key("large").upload_id(id).send().await;
    assert_eq!(refusal(gone).0, "NoSuchUpload");

    // Parts by copy, the first of them too small to be one.
    let begin = client.create_multipart_upload().bucket("in-parts").key("small").send().await.unwrap();
    let id = begin.upload_id().unwrap();
    let mut parts = Vec::new();
    for (number, range) in [(1, "bytes=0-9"), (2, "bytes=10-19")] {
        let copied = client
            .upload_part_copy()
            .bucket("in-parts")
            .key("small")
            .upload_id(id)
            .part_number(number)
            .copy_source("in-parts/large")
            .copy_source_range(range)
            .send()
            .await
            .unwrap();
        let etag = copied.copy_part_result().unwrap().e_tag().unwrap();
        parts.push(CompletedPart::builder().part_number(number).e_tag(etag).build());
    }
    let complete = |parts: Vec<CompletedPart>| {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        client.complete_multipart_upload().bucket("in-parts").key("small").upload_id(id).multipart_upload(parts).send()
    };
    assert_eq!(refusal(complete(parts.clone()).await).0, "EntityTooSmall");
    complete(parts[1..].to_vec()).await.unwrap();
    assert_eq!(read(&client, "in-parts", "small").await, &body[10..20]);
}

#[tokio::test]
async fn a_large_object_streams_whole_and_by_range() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "ranges").await;
    let body = noise(3 * MEBIBYTE);
    put(&client, "ranges", "large", &body).await;
    assert!(read(&client, "ranges", "large").await == body);
    let get = |range: &str| client.get_object().bucket("ranges").key("large").range(range).send();
    let size = body.len();
    for (range, wanted) in [
        ("bytes=0-0", 0..1),
        ("bytes=1000000-2500000", 1_000_000..2_500_001),
        ("bytes=-5", size - 5..size),
        ("bytes=3145720-9999999", 3_145_720..size),
    ] {
        let part = get(range).await.unwrap();
        assert_eq!(part.content_range(), Some(&*format!("bytes {}-{}/{size}", wanted.start, wanted.end - 1)));
        assert!(part.body.collect().await.unwrap().to_vec() == body[wanted], "{range}");
    }
    let beyond = get("bytes=4000000-").await;
    assert_eq!(refusal(beyond), ("InvalidRange".to_owned(), "The requested range is not satisfiable".to_owned()));
    put(&client, "ranges", "empty", b"").await;
    assert_eq!(read(&client, "ranges", "empty").await, b"");
}

#[tokio::test]
async fn checksums_are_checked_and_kept() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "sums").await;
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        let name = algorithm.as_str().to_owned();
        let body = ByteStream::from_static(b"123456789");
        client
            .put_object()
            .bucket("sums")
            .key(&name)
            .checksum_algorithm(algorithm)
            .body(body)
            .send()
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let head =
            client.head_object().bucket("sums").key(&name).checksum_mode(ChecksumMode::Enabled).send().await.unwrap();
        let kept = [
            head.checksum_crc32(),
            head.checksum_crc32_c(),
            head.checksum_crc64_nvme(),
            head.checksum_sha1(),
            head.checksum_sha256(),
        ];
        assert_eq!(kept.iter().flatten().count(), 1, "{name}: {kept:?}");
        assert_eq!(read(&client, "sums", &name).await, b"123456789");
    }
    let wrong =
        |body: &'static [u8]| client.put_object().bucket("sums").key("wrong").body(ByteStream::from_static(body));
    let refused = wrong(b"body").checksum_crc32("AAAAAA==").send().await;
    let words = "The CRC32 you specified did not match the calculated checksum.";
    assert_eq!(refusal(refused), ("BadDigest".to_owned(), words.to_owned()));
    let refused = wrong(b"body").content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await;
    assert_eq!(refusal(refused).1, "The Content-MD5 you specified did not match what we received.");
    assert_eq!(refusal(wrong(b"body").content_md5("no").send().await).0, "InvalidDigest");
    assert!(client.head_object().bucket("sums").key("wrong").send().await.is_err());
}

#[tokio::test]
async fn copies_take_what_they_are_told() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "copies").await;
    client
        .put_object()
        .bucket("copies")
        .key("from here")
        .content_type("text/css")
        .metadata("a", "1")
        .tagging("kind=source")
        .body(ByteStream::from_static(b"copied"))
        .send()
        .await
        .unwrap();
    let copy = |key: &str| client.copy_object().bucket("copies").key(key).copy_source("copies/from%20here");
    copy("to").send().await.unwrap();
    let to = client.head_object().bucket("copies").key("to").send().await.unwrap();
    assert_eq!((to.content_type(), to.metadata().unwrap()["a"].as_str()), (Some("text/css"), "1"));
    let tags = client.get_object_tagging().bucket("copies").key("to").send().await.unwrap();
    assert_eq!((tags.tag_set()[0].key(), tags.tag_set()[0].value()), ("kind", "source"));
    let replace = copy("to").metadata_directive(MetadataDirective::Replace).content_type("text/html");
    replace.send().await.unwrap();
    let to = client.head_object().bucket("copies").key("to").send().await.unwrap();
    assert_eq!((to.content_type(), to.metadata().is_some_and(|all| !all.is_empty())), (Some("text/html"), false));
    assert_eq!(refusal(copy("from here").send().await).0, "InvalidRequest");
    assert_eq!(refusal(copy("to").copy_source_if_match("\"other\"").send().await).0, "PreconditionFailed");
    let none = client.copy_object().bucket("copies").key("to").copy_source("copies/none").send().await;
    assert_eq!(refusal(none).0, "NoSuchKey");
    let tag = Tag::builder().key("k").value("v").build().unwrap();
    let tagging = Tagging::builder().tag_set(tag).build().unwrap();
    client.put_object_tagging().bucket("copies").key("to").tagging(tagging).send().await.unwrap();
    let got = client.get_object().bucket("copies").key("to").send().await.unwrap();
    assert_eq!(got.tag_count(), Some(1));
}

#[tokio::test]
async fn settings_are_kept_and_have_the_defaults_of_new_buckets() {
    use aws_sdk_s3::types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule,
        LifecycleRuleFilter, ObjectOwnership, PublicAccessBlockConfiguration, ServerSideEncryption, Transition,
        TransitionStorageClass,
    };
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "settings").await;
    let encryption = client.get_bucket_encryption().bucket("settings").send().await.unwrap();
    let rule = &encryption.server_side_encryption_configuration().unwrap().rules()[0];
    let default = rule.apply_server_side_encryption_by_default().unwrap();
    assert_eq!(default.sse_algorithm(), &ServerSideEncryption::Aes256);
    let block = client.get_public_access_block().bucket("settings").send().await.unwrap();
    assert_eq!(block.public_access_block_configuration().unwrap().block_public_acls(), Some(true));
    let ownership = client.get_bucket_ownership_controls().bucket("settings").send().await.unwrap();
    let rule = &ownership.ownership_controls().unwrap().rules()[0];
    assert_eq!(rule.object_ownership(), &ObjectOwnership::BucketOwnerEnforced);
    client.delete_public_access_block().bucket("settings").send().await.unwrap();
    let gone = client.get_public_access_block().bucket("settings").send().await;
    assert_eq!(refusal(gone).0, "NoSuchPublicAccessBlockConfiguration");
    let block = PublicAccessBlockConfiguration::builder().block_public_policy(true).build();
    let put = client.put_public_access_block().bucket("settings").public_access_block_configuration(block);
    put.send().await.unwrap();

    assert_eq!(
        refusal(client.get_bucket_policy().bucket("settings").send().await),
        ("NoSuchBucketPolicy".to_owned(), "The bucket policy does not exist".to_owned())
    );
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::settings/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}}"#;
    client.put_bucket_policy().bucket("settings").policy(policy).send().await.unwrap();
    assert_eq!(client.get_bucket_policy().bucket("settings").send().await.unwrap().policy(), Some(policy));
    let public =
        policy.replace("Deny", "Allow").replace(r#","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#, "");
    assert_eq!(refusal(client.put_bucket_policy().bucket("settings").policy(public).send().await).0, "AccessDenied");
    client.delete_bucket_policy().bucket("settings").send().await.unwrap();

    let rule = || {
        let filter = LifecycleRuleFilter::builder().prefix("tmp/").build();
        LifecycleRule::builder().filter(filter).status(ExpirationStatus::Enabled)
    };
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(7).build();
    let lifecycle = |rule: LifecycleRule| {
        let configuration = BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
        client.put_bucket_lifecycle_configuration().bucket("settings").lifecycle_configuration(configuration).send()
    };
    let kept = rule().abort_incomplete_multipart_upload(abort).build().unwrap();
    lifecycle(kept).await.unwrap();
    let got = client.get_bucket_lifecycle_configuration().bucket("settings").send().await.unwrap();
    assert_eq!(got.rules()[0].abort_incomplete_multipart_upload().unwrap().days_after_initiation(), Some(7));
    let transition = Transition::builder().days(30).storage_class(TransitionStorageClass::Glacier).build();
    let refused = refusal(lifecycle(rule().transitions(transition).build().unwrap()).await);
    assert_eq!(refused.0, "NotImplemented");
    assert!(refused.1.contains("Transitions"), "{}", refused.1);

    assert_eq!(refusal(client.get_bucket_tagging().bucket("settings").send().await).0, "NoSuchTagSet");
    let tag = Tag::builder().key("k").value("v").build().unwrap();
    let tagging = Tagging::builder().tag_set(tag).build().unwrap();
    client.put_bucket_tagging().bucket("settings").tagging(tagging).send().await.unwrap();
    let tags = client.get_bucket_tagging().bucket("settings").send().await.unwrap();
    assert_eq!(tags.tag_set()[0].value(), "v");
    let acl = client.get_bucket_acl().bucket("settings").send().await.unwrap();
    assert_eq!(acl.grants().len(), 1);
}

#[tokio::test]
async fn what_is_not_offered_is_named() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "not-offered").await;
    let refused = refusal(client.get_bucket_cors().bucket("not-offered").send().await);
    assert_eq!(refused.0, "NotImplemented");
    assert!(refused.1.contains("GetBucketCors"), "{}", refused.1);
    let put = || client.put_object().bucket("not-offered").key("key");
    let refused = refusal(put().storage_class(aws_sdk_s3::types::StorageClass::Glacier).send().await);
    assert_eq!(refused.0, "NotImplemented");
    assert!(refused.1.contains("x-amz-storage-class"), "{}", refused.1);
    let refused = refusal(put().server_side_encryption(aws_sdk_s3::types::ServerSideEncryption::AwsKms).send().await);
    assert!(refused.1.contains("x-amz-server-side-encryption"), "{}", refused.1);
    let refused = refusal(put().acl(aws_sdk_s3::types::ObjectCannedAcl::PublicRead).send().await);
    let words = "The bucket does not allow ACLs";
    assert_eq!(refused, ("AccessControlListNotSupported".to_owned(), words.to_owned()));
    let foreign = refusal(put().expected_bucket_owner("111111111111").send().await);
    assert_eq!(foreign.0, "AccessDenied");
}

/// A request without a body, signed.
async fn bodiless(cloud: &LocalCloud, method: &str, address: &str) -> common::Answer {
    const SHA256_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{}{address}", cloud.endpoint_url()))
        .header("host", cloud.endpoint_url().trim_start_matches("http://"))
        .header("x-amz-content-sha256", SHA256_OF_NOTHING)
        .body(String::new())
        .unwrap();
    common::send(common::Signing::new(cloud, "s3").sign(request)).await
}

#[tokio::test]
async fn an_unknown_subresource_is_not_another_operation() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "empty").await;
    make_bucket(&client, &cloud, "full").await;
    put(&client, "full", "key", b"body").await;
    for (method, address, named) in [
        ("PUT", "/full/key?renameObject", "RenameObject"),
        ("PUT", "/full/key?encryption", "UpdateObjectEncryption"),
        ("PUT", "/full/key?annotation&annotationName=n", "PutObjectAnnotation"),
        ("PUT", "/full/key?annotationName=n", "annotationName"),
        ("PUT", "/full/key?unknownthing", "unknownthing"),
        ("PUT", "/full/key?unknown=thing", "unknown"),
        ("PUT", "/full/key?%72enameObject=", "RenameObject"),
        ("PUT", "/full/key?x-id=RenameObject&policy", "policy"),
        ("DELETE", "/full/key?annotation", "DeleteObjectAnnotation"),
        ("GET", "/full/key?annotation", "ListObjectAnnotations"),
        ("GET", "/full/key?annotation&annotationName=n", "GetObjectAnnotation"),
        ("GET", "/full/key?torrent", "GetObjectTorrent"),
        ("POST", "/full/key?select&select-type=2", "SelectObjectContent"),
        ("POST", "/full/key?restore", "RestoreObject"),
        ("DELETE", "/empty?metadataConfiguration", "DeleteBucketMetadataConfiguration"),
        ("DELETE", "/empty/?metadataConfiguration", "DeleteBucketMetadataConfiguration"),
        ("DELETE", "/empty?unknownthing", "unknownthing"),
        ("DELETE", "/empty?inventory", "DeleteBucketInventoryConfiguration"),
        ("GET", "/empty?abac", "GetBucketAbac"),
        ("GET", "/empty?metadataConfiguration", "GetBucketMetadataConfiguration"),
        ("GET", "/empty?torrent", "torrent"),
        ("GET", "/empty?inventory", "ListBucketInventoryConfigurations"),
        ("GET", "/empty?inventory&id=1", "GetBucketInventoryConfiguration"),
        ("GET", "/?unknownthing", "unknownthing"),
        ("PUT", "/new?abac", "PutBucketAbac"),
        ("PUT", "/new?metadataInventoryTable", "UpdateBucketMetadataInventoryTableConfiguration"),
        ("PUT", "/new?metadataJournalTable", "UpdateBucketMetadataJournalTableConfiguration"),
        ("PUT", "/empty?cors", "PutBucketCors"),
        ("PUT", "/empty?website", "PutBucketWebsite"),
        ("PUT", "/empty?logging", "PutBucketLogging"),
        ("POST", "/empty?metadataConfiguration", "CreateBucketMetadataConfiguration"),
    ] {
        let answer = bodiless(&cloud, method, address).await;
        let (status, code, message) = answer.refusal();
        assert_eq!((status, code), (501, "NotImplemented"), "{method} {address}: {answer:?}");
        assert!(message.contains(named), "{method} {address}: {message}");
    }
    for (method, address, resource, allowed) in [
        ("DELETE", "/full/key?acl", "ACL", None),
        ("POST", "/full/key", "OBJECT", Some("DELETE, GET, HEAD, PUT")),
        ("PUT", "/full/key?uploadId=u", "UPLOAD", Some("DELETE, GET, POST")),
        ("DELETE", "/empty?abac", "ABAC", None),
        ("DELETE", "/empty?acl", "ACL", Some("GET")),
        ("DELETE", "/empty?versioning", "VERSIONING", Some("GET, PUT")),
        ("DELETE", "/empty?logging", "LOGGING_STATUS", None),
        ("PATCH", "/empty", "BUCKET", Some("DELETE, GET, HEAD, POST, PUT")),
        ("DELETE", "/", "SERVICE", Some("GET")),
    ] {
        let answer = bodiless(&cloud, method, address).await;
        let words = "The specified method is not allowed against this resource.";
        assert_eq!(answer.refusal(), (405, "MethodNotAllowed", words), "{method} {address}");
        assert_eq!(answer.element("Method"), Some(method));
        assert_eq!(answer.element("ResourceType"), Some(resource));
        assert_eq!(answer.headers.get("allow").map(|value| value.to_str().unwrap()), allowed, "{method} {address}");
    }
    for (method, address, code, words) in [
        ("GET", "/full?policy&acl", "InvalidArgument", "Conflicting query string parameters: acl, policy"),
        ("PUT", "/full/key?versionId=null", "InvalidArgument", "This operation does not accept a version-id."),
        ("DELETE", "/empty?versionId=null", "InvalidArgument", "This operation does not accept a version-id."),
        ("PUT", "/full/key?partNumber=1", "InvalidArgument", "A part is uploaded with its number and an upload id."),
        ("DELETE", "/full/key?versionId", "InvalidArgument", "Version id cannot be the empty string"),
        ("GET", "/full/key?versionId=", "InvalidArgument", "Version id cannot be the empty string"),
        ("DELETE", "/empty?uploadId=u", "InvalidRequest", "A key must be specified"),
        ("PUT", "/new?partNumber=1&uploadId=u", "InvalidRequest", "A key must be specified"),
        ("DELETE", "/empty?partNumber=1", "InvalidRequest", "Object must have a valid key name."),
        ("PUT", "/full?versioning", "MissingRequestBodyError", "Request body is empty."),
    ] {
        let answer = bodiless(&cloud, method, address).await;
        assert_eq!(answer.refusal(), (400, code, words), "{method} {address}");
    }
    let answer = bodiless(&cloud, "POST", "/empty").await;
    assert_eq!((answer.status.as_u16(), answer.element("Code")), (412, Some("PreconditionFailed")));
    assert_eq!(
        answer.element("Condition"),
        Some("Bucket POST must be of the enclosure-type multipart/form-data"),
        "{answer:?}"
    );
    assert_eq!(bodiless(&cloud, "HEAD", "/full/key?acl").await.status, 405);
    let unsigned = http::Request::delete(format!("{}/empty?unknownthing", cloud.endpoint_url()));
    let (status, _, document) = raw(unsigned.body(Full::default()).unwrap()).await;
    assert!(status == 403 && document.contains("<Code>AccessDenied</Code>"), "{document}");

    assert_eq!(read(&client, "full", "key").await, b"body");
    client.head_bucket().bucket("empty").send().await.unwrap();
    assert!(client.head_bucket().bucket("new").send().await.is_err());
    // S3 reads nothing into what begins with `x-`.
    let answer =
        bodiless(&cloud, "GET", "/full/key?x-trace=1&X-Trace&x-id=GetObject&response-content-type=text%2Fplain").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "body"));
}

#[tokio::test]
async fn a_named_data_folder_shows_the_objects_as_files() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { gateway_port: Some(0), data_dir: Some(folder.path().to_owned()), ..Options::new(vec![]) };
    let cloud = LocalCloud::start(options).await.unwrap();
    let client = client(&cloud);
    make_bucket(&client, &cloud, "shown").await;
    put(&client, "shown", "2026/11/24/events", b"one\n").await;
    put(&client, "shown", "2026/11/24/events", b"two\n").await;
    put(&client, "shown", "../../outside", b"inside").await;
    let shown = folder.path().join("shown/2026/11/24/events");
    assert_eq!(std::fs::read(&shown).unwrap(), b"two\n");
    assert!(!folder.path().join("../outside").exists() && !folder.path().join("outside").exists());
    client.delete_object().bucket("shown").key("2026/11/24/events").send().await.unwrap();
    assert!(!shown.exists());
    assert!(folder.path().join("shown").is_dir());
}

#[tokio::test]
async fn the_session_of_a_role_is_known_by_its_token() {
    let cloud = cloud().await;
    make_bucket(&client(&cloud), &cloud, "for-roles").await;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"sts:AssumeRole"}]}"#;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let members = [("Action", "CreateRole"), ("RoleName", "reader"), ("AssumeRolePolicyDocument", trust)];
    let arn = common::iam(&cloud, &members).await.element("Arn").unwrap().to_owned();
    let members =
        [("Action", "PutRolePolicy"), ("RoleName", "reader"), ("PolicyName", "all"), ("PolicyDocument", policy)];
    assert_eq!(common::iam(&cloud, &members).await.status, 200);
    let sts = aws_sdk_sts::Client::new(&common::config(&cloud).await);
    let assumed = sts.assume_role().role_arn(arn).role_session_name("test").send().await.unwrap();
    let keys = assumed.credentials().unwrap();
    let list = async |token: Option<&str>| {
        let client = client_with(&cloud, keys.access_key_id(), keys.secret_access_key(), token, cloud.region());
        client.list_objects_v2().bucket("for-roles").send().await
    };
    assert!(list(Some(keys.session_token())).await.is_ok());
    assert_eq!(refusal(list(Some("another")).await).0, "InvalidToken");
    assert_eq!(refusal(list(None).await).0, "InvalidAccessKeyId");
}

#[tokio::test]
async fn a_thousand_objects_go_at_once_and_uploads_come_in_pages() {
    let cloud = cloud().await;
    let client = client(&cloud);
    make_bucket(&client, &cloud, "many").await;
    for index in 0..1000 {
        put(&client, "many", &format!("{index:04}"), b"x").await;
    }
    let keys = |range: std::ops::Range<u32>| {
        let named = |index| ObjectIdentifier::builder().key(format!("{index:04}")).build().unwrap();
        Delete::builder().set_objects(Some(range.map(named).collect())).build().unwrap()
    };
    let too_many = client.delete_objects().bucket("many").delete(keys(0..1001)).send().await;
    assert_eq!(refusal(too_many).0, "MalformedXML");
    let deleted = client.delete_objects().bucket("many").delete(keys(0..1000)).send().await.unwrap();
    assert_eq!((deleted.deleted().len(), deleted.errors().len()), (1000, 0));
    let mut begun = Vec::new();
    for index in 0..5 {
        let upload = client.create_multipart_upload().bucket("many").key(format!("{}", index % 2)).send().await;
        begun.push(upload.unwrap().upload_id.unwrap());
    }
    let (mut listed, mut key, mut id) = (Vec::new(), None, None);
    loop {
        let page = client.list_multipart_uploads().bucket("many").max_uploads(2);
        let page = page.set_key_marker(key).set_upload_id_marker(id).send().await.unwrap();
        listed.extend(page.uploads().iter().map(|upload| upload.upload_id().unwrap().to_owned()));
        if page.is_truncated() != Some(true) {
            break;
        }
        (key, id) = (page.next_key_marker, page.next_upload_id_marker);
    }
    listed.sort();
    begun.sort();
    assert_eq!(listed, begun);
}
