//! What the tests of several services share.

// Each test file uses some of it.
#![allow(dead_code)]

use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tailwater_cloud::{Credentials, LocalCloud, Options};

/// A cloud on free ports.
pub fn options() -> Options {
    Options { gateway_port: Some(0), ..Options::new(Vec::new()) }
}

/// The SDK's configuration for a cloud, with the account's own keys.
pub async fn config(cloud: &LocalCloud) -> SdkConfig {
    config_of(cloud, cloud.credentials()).await
}

/// The SDK's configuration for a cloud, with these keys.
pub async fn config_of(cloud: &LocalCloud, keys: Credentials) -> SdkConfig {
    let keys =
        aws_credential_types::Credentials::from_keys(keys.access_key_id, keys.secret_access_key, keys.session_token);
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(cloud.endpoint_url())
        .region(Region::new(cloud.region().to_owned()))
        .credentials_provider(keys)
        .load()
        .await
}

/// Asks until there is an answer.
pub async fn until<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..1000 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing came of it within ten seconds");
}

/// The status of a stack, once nothing is being done to it.
pub async fn settled(client: &aws_sdk_cloudformation::Client, stack: &str) -> String {
    until(async || {
        let stacks = client.describe_stacks().stack_name(stack).send().await.unwrap();
        let status = stacks.stacks()[0].stack_status().unwrap().as_str().to_owned();
        (!status.ends_with("_IN_PROGRESS")).then_some(status)
    })
    .await
}

/// What a service answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// What stands between the first `<name>` and `</name>`.
    pub fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
    }

    /// Code and message of an error in XML.
    pub fn refusal(&self) -> (u16, &str, &str) {
        let text = |name| self.element(name).unwrap_or_default();
        (self.status.as_u16(), text("Code"), text("Message"))
    }
}

/// With what, for what and when a request is signed.
pub struct Signing {
    pub keys: Credentials,
    pub region: String,
    pub service: &'static str,
    pub time: SystemTime,
    /// The signature goes into the query instead of a header.
    pub presigned: bool,
}

impl Signing {
    /// As an honest client of `cloud` signs.
    pub fn new(cloud: &LocalCloud, service: &'static str) -> Self {
        let region = cloud.region().to_owned();
        Self { keys: cloud.credentials(), region, service, time: SystemTime::now(), presigned: false }
    }

    /// Signs a request.
    pub fn sign(&self, mut request: Request<String>) -> Request<String> {
        let identity = aws_credential_types::Credentials::from_keys(
            self.keys.access_key_id.clone(),
            self.keys.secret_access_key.clone(),
            self.keys.session_token.clone(),
        )
        .into();
        let mut settings = SigningSettings::default();
        if self.presigned {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_mins(1));
        }
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(self.time)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let instructions = {
            let signable = SignableRequest::new(
                request.method().as_str(),
                request.uri().to_string(),
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
                SignableBody::Bytes(request.body().as_bytes()),
            )
            .unwrap();
            sign(signable, &parameters).unwrap().into_parts().0
        };
        instructions.apply_to_request_http1x(&mut request);
        request
    }
}

/// A request of the query protocol.
pub fn form(cloud: &LocalCloud, members: &[(&str, &str)]) -> Request<String> {
    let encoded =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = members.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    Request::post(format!("{}/", cloud.endpoint_url()))
        .header("host", cloud.endpoint_url().trim_start_matches("http://"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(pairs.join("&"))
        .unwrap()
}

/// A request of the JSON protocol.
pub fn json(cloud: &LocalCloud, target: &str, body: &str) -> Request<String> {
    Request::post(format!("{}/", cloud.endpoint_url()))
        .header("host", cloud.endpoint_url().trim_start_matches("http://"))
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .body(body.to_owned())
        .unwrap()
}

/// Sends a request as it is.
pub async fn send(request: Request<String>) -> Answer {
    send_with(Client::builder(TokioExecutor::new()), request).await
}

/// Sends a request over HTTP/2 from the first byte on, its host only where HTTP/2 has it.
pub async fn send_over_http2(mut request: Request<String>) -> Answer {
    request.headers_mut().remove("host");
    let mut builder = Client::builder(TokioExecutor::new());
    builder.http2_only(true);
    send_with(builder, request).await
}

async fn send_with(builder: hyper_util::client::legacy::Builder, request: Request<String>) -> Answer {
    let client = builder.build_http::<Full<bytes::Bytes>>();
    let response = client.request(request.map(|body| Full::new(body.into()))).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// A call of IAM, signed by the account.
pub async fn iam(cloud: &LocalCloud, members: &[(&str, &str)]) -> Answer {
    let signing = Signing { region: "us-east-1".to_owned(), ..Signing::new(cloud, "iam") };
    send(signing.sign(form(cloud, members))).await
}

/// Makes a role that a service may assume, and gives its ARN.
pub async fn role(cloud: &LocalCloud, name: &str, service: &str) -> String {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    let members = [("Action", "CreateRole"), ("RoleName", name), ("AssumeRolePolicyDocument", trust.as_str())];
    let answer = iam(cloud, &members).await;
    answer.element("Arn").unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}
