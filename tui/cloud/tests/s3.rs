//! S3 of the embedded cloud, asked by the official SDK.

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
    let error = result.err().expect("this must be refused");
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
