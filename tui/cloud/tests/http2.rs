//! Clients that speak HTTP/2 from the first byte on, as the SDK for JavaScript does with Kinesis.

mod common;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use bytes::Bytes;
use common::{Signing, form, json, send_over_http2};
use futures::StreamExt;
use http::Request;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use sha2::{Digest, Sha256};
use tailwater_cloud::LocalCloud;

#[tokio::test]
async fn the_services_answer_over_http2() {
    let cloud = LocalCloud::start(common::options()).await.unwrap();
    let request = json(&cloud, "Kinesis_20131202.ListStreams", r#"{"Limit":1}"#);
    let answer = send_over_http2(Signing::new(&cloud, "kinesis").sign(request)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let request = form(&cloud, &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]);
    let answer = send_over_http2(Signing::new(&cloud, "sts").sign(request)).await;
    assert_eq!(answer.element("Account"), Some(cloud.account_id()), "{answer:?}");
}

/// A call signed as the SDK for JavaScript signs over HTTP/2: the host under its name there.
fn signed_over_authority(cloud: &LocalCloud, body: &str) -> Request<String> {
    let keys = cloud.credentials();
    let now = SystemTime::now();
    let time = jiff::Timestamp::try_from(now).unwrap().strftime("%Y%m%dT%H%M%SZ").to_string();
    let host = cloud.endpoint_url().trim_start_matches("http://");
    let hash = |text: &str| hex::encode(Sha256::digest(text));
    let canonical =
        format!("POST\n/\n\n:authority:{host}\nx-amz-date:{time}\n\n:authority;x-amz-date\n{}", hash(r#"{"Limit":1}"#));
    let scope = format!("{}/{}/kinesis/aws4_request", &time[..8], cloud.region());
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hash(&canonical));
    let key = generate_signing_key(&keys.secret_access_key, now, cloud.region(), "kinesis");
    let signature = calculate_signature(key, to_sign.as_bytes());
    let mut request = json(cloud, "Kinesis_20131202.ListStreams", body);
    let headers = request.headers_mut();
    headers.insert("x-amz-date", time.parse().unwrap());
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders=:authority;x-amz-date, Signature={signature}",
        keys.access_key_id
    );
    headers.insert("authorization", authorization.parse().unwrap());
    request
}

#[tokio::test]
async fn the_host_may_be_signed_under_the_name_that_http2_has_for_it() {
    let cloud = LocalCloud::start(common::options()).await.unwrap();
    let answer = send_over_http2(signed_over_authority(&cloud, r#"{"Limit":1}"#)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = send_over_http2(signed_over_authority(&cloud, r#"{"Limit":2}"#)).await;
    assert_eq!(answer.headers["x-amzn-errortype"], "InvalidSignatureException", "{answer:?}");
}

/// `curl` does not show an answer whose stream is reset while it still sends.
#[tokio::test]
async fn a_client_that_is_refused_may_send_its_body_to_the_end() {
    const CHUNKS: usize = 50;
    let cloud = LocalCloud::start(common::options()).await.unwrap();
    for url in [format!("{}/none/key", cloud.endpoint_url()), format!("{}/nothing", cloud.gateway_url())] {
        let sent = Arc::new(AtomicUsize::new(0));
        let counter = sent.clone();
        let chunks = futures::stream::iter(0..CHUNKS).map(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; 64 * 1024])))
        });
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        let answer = client.request(Request::put(&url).body(StreamBody::new(chunks)).unwrap()).await.unwrap();
        assert!(answer.status().is_client_error(), "{answer:?}");
        common::until(async || (sent.load(Ordering::Relaxed) == CHUNKS).then_some(())).await;
    }
}

#[tokio::test]
async fn the_gateway_answers_over_http2() {
    let cloud = LocalCloud::start(common::options()).await.unwrap();
    let request = Request::get(format!("{}/nothing", cloud.gateway_url())).body(String::new()).unwrap();
    let answer = send_over_http2(request).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (404, r#"{"message":"Not Found"}"#));
}
