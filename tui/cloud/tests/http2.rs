//! Clients that speak HTTP/2 from the first byte on, as the SDK for JavaScript does with Kinesis.

mod common;

use common::{Signing, form, json, send_over_http2};
use http::Request;
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

#[tokio::test]
async fn the_gateway_answers_over_http2() {
    let cloud = LocalCloud::start(common::options()).await.unwrap();
    let request = Request::get(format!("{}/nothing", cloud.gateway_url())).body(String::new()).unwrap();
    let answer = send_over_http2(request).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (404, r#"{"message":"Not Found"}"#));
}
