//! Clients that speak HTTP/2 from the first byte on, as the SDK for JavaScript does with Kinesis.

mod common;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use common::{Signing, form, json, send_over_http2};
use futures::StreamExt;
use http::Request;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
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
