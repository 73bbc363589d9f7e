//! The HTTP API gateway: its control plane through the official SDK, its data plane as any HTTP
//! client sees it.

mod common;

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use aws_sdk_apigatewayv2::{
    Client,
    error::ProvideErrorMetadata,
    types::{
        AccessLogSettings, AuthorizationType, AuthorizerType, Cors, IntegrationType, JwtConfiguration, ProtocolType,
        RouteSettings,
    },
};
use axum::{Json, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tailwater_cloud::LocalCloud;

const FUNCTION_ARN: &str = "arn:aws:lambda:ap-southeast-2:000000000000:function:none";
const LOG_FORMAT: &str = r#"{"requestId":"$context.requestId","status":"$context.status","routeKey":"$context.routeKey","error":"$context.error.message","integrationError":"$context.integrationErrorMessage","path":"$context.path","integrationRequestId":"$context.integration.requestId","claim":"$context.authorizer.claims.sub","authorizerError":"$context.authorizer.error"}"#;

/// A cloud with the clients of its gateway.
struct Gateway {
    cloud: LocalCloud,
    apis: Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    lambda: aws_sdk_lambda::Client,
    iam: aws_sdk_iam::Client,
    http: legacy::Client<HttpConnector, Full<Bytes>>,
}

/// What the gateway answered.
struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    body: Bytes,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("an answer in UTF-8")
    }

    fn request_id(&self) -> &str {
        self.headers["apigw-requestid"].to_str().expect("a readable id")
    }
}

impl Gateway {
    async fn start() -> Self {
        let mut options = common::options();
        options.supervisor = vec![env!("CARGO_BIN_EXE_cloud-for-tests").into(), "supervisor".into()];
        let cloud = LocalCloud::start(options).await.expect("a cloud starts");
        let config = common::config(&cloud).await;
        Self {
            apis: Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            http: legacy::Client::builder(TokioExecutor::new()).build_http(),
            cloud,
        }
    }

    async fn create_api(&self, name: &str) -> String {
        let api = self.apis.create_api().name(name).protocol_type(ProtocolType::Http).send().await.unwrap();
        api.api_id().unwrap().to_owned()
    }

    async fn create_integration(&self, api: &str, function: &str) -> String {
        let integration = self
            .apis
            .create_integration()
            .api_id(api)
            .integration_type(IntegrationType::AwsProxy)
            .integration_uri(function)
            .payload_format_version("2.0")
            .send()
            .await
            .unwrap();
        integration.integration_id().unwrap().to_owned()
    }

    async fn create_route(&self, api: &str, key: &str, integration: &str) -> String {
        let target = format!("integrations/{integration}");
        let route = self.apis.create_route().api_id(api).route_key(key).target(target).send().await.unwrap();
        route.route_id().unwrap().to_owned()
    }

    async fn create_default_stage(&self, api: &str) {
        self.logs.create_log_group().log_group_name("access").send().await.unwrap();
        self.apis
            .create_stage()
            .api_id(api)
            .stage_name("$default")
            .auto_deploy(true)
            .access_log_settings(
                AccessLogSettings::builder()
                    .destination_arn("arn:aws:logs:ap-southeast-2:000000000000:log-group:access")
                    .format(LOG_FORMAT)
                    .build(),
            )
            .send()
            .await
            .unwrap();
    }

    /// An API of one route to a function that is not there, in the default stage.
    async fn submit_api(&self) -> (String, String) {
        let api = self.create_api("one").await;
        let integration = self.create_integration(&api, FUNCTION_ARN).await;
        let route = self.create_route(&api, "POST /submit", &integration).await;
        self.create_default_stage(&api).await;
        (api, route)
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(format!("{}{path}", self.cloud.gateway_url()))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let (parts, body) = self.http.request(request).await.expect("the gateway answers").into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(self.request(Method::POST, path).body(Full::new(body.into())).unwrap()).await
    }

    /// The lines of the access log, oldest first.
    async fn access_log(&self) -> Vec<Value> {
        let page = self.logs.filter_log_events().log_group_name("access").send().await.unwrap();
        page.events().iter().map(|event| serde_json::from_str(event.message().unwrap()).unwrap()).collect()
    }
}

#[tokio::test]
async fn apis_and_what_they_are_made_of_are_kept() {
    let gateway = Gateway::start().await;
    let apis = &gateway.apis;
    let api = gateway.create_api("one").await;
    let integration = gateway.create_integration(&api, FUNCTION_ARN).await;
    let route = gateway.create_route(&api, "POST /submit", &integration).await;
    gateway.create_default_stage(&api).await;

    let described = apis.get_api().api_id(&api).send().await.unwrap();
    assert_eq!(described.name(), Some("one"));
    assert_eq!(described.api_endpoint(), Some(gateway.cloud.gateway_url()));
    assert!(described.created_date().is_some());
    let renamed = apis.update_api().api_id(&api).name("two").description("d").send().await.unwrap();
    assert_eq!((renamed.name(), renamed.description()), (Some("two"), Some("d")));

    let found = apis.get_integration().api_id(&api).integration_id(&integration).send().await.unwrap();
    assert_eq!(found.timeout_in_millis(), Some(30_000));
    assert_eq!(found.integration_uri(), Some(FUNCTION_ARN));
    let routes = apis.get_routes().api_id(&api).send().await.unwrap();
    let keys: Vec<_> = routes.items().iter().map(|route| route.route_key()).collect();
    assert_eq!(keys, [Some("POST /submit")]);

    let stage = apis
        .update_stage()
        .api_id(&api)
        .stage_name("$default")
        .default_route_settings(RouteSettings::builder().throttling_burst_limit(7).throttling_rate_limit(3.5).build())
        .send()
        .await
        .unwrap();
    let settings = stage.default_route_settings().unwrap();
    assert_eq!((settings.throttling_burst_limit(), settings.throttling_rate_limit()), (Some(7), Some(3.5)));
    assert!(stage.deployment_id().is_some());

    let arn = format!("arn:aws:apigateway:ap-southeast-2::/apis/{api}");
    apis.tag_resource().resource_arn(&arn).tags("a", "1").tags("b", "2").send().await.unwrap();
    apis.untag_resource().resource_arn(&arn).tag_keys("a").send().await.unwrap();
    let tags = apis.get_tags().resource_arn(&arn).send().await.unwrap();
    assert_eq!(tags.tags().unwrap().keys().collect::<Vec<_>>(), ["b"]);

    let used = apis.delete_integration().api_id(&api).integration_id(&integration).send().await.unwrap_err();
    assert_eq!(used.code(), Some("ConflictException"));
    let twice = apis.create_route().api_id(&api).route_key("POST /submit").send().await.unwrap_err();
    assert_eq!(twice.message(), Some("Route with key POST /submit already exists for this API"));
    apis.delete_route().api_id(&api).route_id(&route).send().await.unwrap();
    apis.delete_integration().api_id(&api).integration_id(&integration).send().await.unwrap();
    apis.delete_stage().api_id(&api).stage_name("$default").send().await.unwrap();
    apis.delete_api().api_id(&api).send().await.unwrap();
    let gone = apis.get_api().api_id(&api).send().await.unwrap_err();
    assert_eq!(gone.code(), Some("NotFoundException"));
    assert!(apis.get_apis().send().await.unwrap().items().is_empty());
}

#[tokio::test]
async fn what_is_not_offered_is_named() {
    let gateway = Gateway::start().await;
    let api = gateway.create_api("one").await;
    let create = || gateway.apis.create_integration().api_id(&api).integration_uri(FUNCTION_ARN);
    let old =
        create().integration_type(IntegrationType::AwsProxy).payload_format_version("1.0").send().await.unwrap_err();
    assert_eq!(old.code(), Some("BadRequestException"));
    assert!(old.message().unwrap().contains("payloadFormatVersion 1.0"), "{old:?}");
    let absent = create().integration_type(IntegrationType::AwsProxy).send().await.unwrap_err();
    let expected = "PayloadFormatVersion is a required parameter for integration type AWS_PROXY";
    assert_eq!(absent.message(), Some(expected));
    let http = create().integration_type(IntegrationType::HttpProxy).send().await.unwrap_err();
    assert!(http.message().unwrap().contains("HTTP_PROXY"), "{http:?}");
    let mapped = create()
        .integration_type(IntegrationType::AwsProxy)
        .payload_format_version("2.0")
        .credentials_arn("arn:aws:iam::000000000000:role/r")
        .send()
        .await
        .unwrap_err();
    assert!(mapped.message().unwrap().contains("credentialsArn"), "{mapped:?}");
    let sockets = gateway.apis.create_api().name("w").protocol_type(ProtocolType::Websocket).send().await.unwrap_err();
    assert!(sockets.message().unwrap().contains("WEBSOCKET"), "{sockets:?}");
    let export = gateway.apis.get_models().api_id(&api).send().await.unwrap_err();
    assert!(export.message().unwrap().contains("/models"), "{export:?}");
}

#[tokio::test]
async fn a_request_that_no_route_takes_is_not_found() {
    let gateway = Gateway::start().await;
    let nowhere = gateway.post("/submit", "{}").await;
    assert_eq!((nowhere.status, nowhere.text()), (StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#));
    assert_eq!(nowhere.request_id().len(), 16);

    gateway.submit_api().await;
    let other = gateway.post("/other", "{}").await;
    assert_eq!((other.status, other.text()), (StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#));
    let method = gateway.send(gateway.request(Method::GET, "/submit").body(Full::default()).unwrap()).await;
    assert_eq!(method.status, StatusCode::NOT_FOUND);
    let head = gateway.send(gateway.request(Method::HEAD, "/submit").body(Full::default()).unwrap()).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::NOT_FOUND, 0));
    let log = gateway.access_log().await;
    assert_eq!(log.len(), 3);
    assert_eq!(log[0]["requestId"], other.request_id());
    assert_eq!(
        (&log[0]["status"], &log[0]["routeKey"], &log[0]["path"]),
        (&json!("404"), &json!("-"), &json!("/other"))
    );
}

#[tokio::test]
async fn a_function_that_does_not_let_the_api_in_is_an_internal_error() {
    let gateway = Gateway::start().await;
    gateway.submit_api().await;
    let answer = gateway.post("/submit", "{}").await;
    assert_eq!(
        (answer.status, answer.text()),
        (StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal Server Error"}"#)
    );
    let log = gateway.access_log().await;
    assert_eq!(log[0]["requestId"], answer.request_id());
    assert_eq!(log[0]["routeKey"], "POST /submit");
    assert!(log[0]["integrationError"].as_str().unwrap().contains("permissions to call the integration"));
}

#[tokio::test]
async fn requests_that_are_too_large_are_refused() {
    let gateway = Gateway::start().await;
    gateway.submit_api().await;
    let large = gateway.post("/submit", vec![b'x'; 10 * 1024 * 1024 + 1]).await;
    assert_eq!(
        (large.status, large.text()),
        (StatusCode::PAYLOAD_TOO_LARGE, r#"{"message":"Request Entity Too Large"}"#)
    );
    let request = gateway.request(Method::POST, "/submit").header("x-long", "x".repeat(10_240));
    let long = gateway.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(long.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}

#[tokio::test]
async fn a_stage_throttles_what_exceeds_its_burst() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.submit_api().await;
    gateway
        .apis
        .update_stage()
        .api_id(&api)
        .stage_name("$default")
        .default_route_settings(RouteSettings::builder().throttling_burst_limit(2).throttling_rate_limit(0.0).build())
        .send()
        .await
        .unwrap();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let answer = gateway.post("/submit", "{}").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.text(), r#"{"message":"Too Many Requests"}"#);
        }
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [500, 500, 429, 429]);
    assert_eq!(gateway.access_log().await[3]["error"], "Too Many Requests");
}

#[tokio::test]
async fn several_apis_and_stages_have_addresses_of_their_own() {
    let gateway = Gateway::start().await;
    gateway.submit_api().await;
    let second = gateway.create_api("second").await;
    let integration = gateway.create_integration(&second, FUNCTION_ARN).await;
    gateway.create_route(&second, "ANY /only-here", &integration).await;
    gateway.apis.create_stage().api_id(&second).stage_name("dev").auto_deploy(true).send().await.unwrap();

    let described = gateway.apis.get_api().api_id(&second).send().await.unwrap();
    let endpoint = described.api_endpoint().unwrap();
    assert!(endpoint.starts_with(&format!("http://{second}.execute-api.localhost:")), "{endpoint}");

    assert_eq!(gateway.post("/only-here", "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(gateway.post(&format!("/_aws/execute-api/{second}/dev/only-here"), "").await.status, 500);
    assert_eq!(gateway.post(&format!("/_aws/execute-api/{second}/none/only-here"), "").await.status, 404);
    let host = format!("{second}.execute-api.localhost:3000");
    let of_host = |path: &str| gateway.request(Method::GET, path).header("host", &host).body(Full::default()).unwrap();
    assert_eq!(gateway.send(of_host("/dev/only-here")).await.status, 500);
    assert_eq!(gateway.send(of_host("/only-here")).await.status, 404, "there is no default stage");
}

#[tokio::test]
async fn a_stage_that_does_not_deploy_by_itself_serves_its_deployment() {
    let gateway = Gateway::start().await;
    let api = gateway.create_api("one").await;
    let integration = gateway.create_integration(&api, FUNCTION_ARN).await;
    gateway.create_route(&api, "GET /old", &integration).await;
    gateway.apis.create_stage().api_id(&api).stage_name("dev").send().await.unwrap();
    assert_eq!(gateway.send(gateway.request(Method::GET, "/dev/old").body(Full::default()).unwrap()).await.status, 404);
    gateway.apis.create_deployment().api_id(&api).stage_name("dev").send().await.unwrap();
    gateway.create_route(&api, "GET /new", &integration).await;
    let status = async |path: &str| {
        gateway.send(gateway.request(Method::GET, path).body(Full::default()).unwrap()).await.status.as_u16()
    };
    assert_eq!((status("/dev/old").await, status("/dev/new").await), (500, 404));
    gateway.apis.create_deployment().api_id(&api).stage_name("dev").send().await.unwrap();
    assert_eq!(status("/dev/new").await, 500);
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_gateway() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.submit_api().await;
    let cors = Cors::builder().allow_origins("https://a.example").allow_methods("POST").max_age(60).build();
    gateway.apis.update_api().api_id(&api).cors_configuration(cors).send().await.unwrap();
    let request = gateway
        .request(Method::OPTIONS, "/submit")
        .header("origin", "https://a.example")
        .header("access-control-request-method", "POST");
    let answer = gateway.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.headers["access-control-allow-origin"], "https://a.example");
    let request = gateway.request(Method::POST, "/submit").header("origin", "https://a.example");
    let answer = gateway.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(answer.headers["access-control-allow-origin"], "https://a.example");

    gateway.apis.update_api().api_id(&api).cors_configuration(Cors::builder().build()).send().await.unwrap();
    assert!(gateway.apis.get_api().api_id(&api).send().await.unwrap().cors_configuration().is_none());
}

#[tokio::test]
async fn a_route_for_signed_requests_takes_only_those() {
    let gateway = Gateway::start().await;
    let (api, route) = gateway.submit_api().await;
    gateway
        .apis
        .update_route()
        .api_id(&api)
        .route_id(&route)
        .authorization_type(AuthorizationType::AwsIam)
        .send()
        .await
        .unwrap();
    let unsigned = gateway.post("/submit", "{}").await;
    assert_eq!((unsigned.status, unsigned.text()), (StatusCode::FORBIDDEN, r#"{"message":"Forbidden"}"#));
    let signed = gateway.send(sign(&gateway, b"{\"a\":1}", b"{\"a\":1}")).await;
    assert_eq!(signed.status, StatusCode::INTERNAL_SERVER_ERROR, "it comes as far as the function");
    let changed = gateway.send(sign(&gateway, b"{\"a\":1}", b"{\"a\":2}")).await;
    assert_eq!(changed.status, StatusCode::FORBIDDEN);
    let log = gateway.access_log().await;
    assert_eq!(log[0]["authorizerError"], "The request is not signed.");
    assert!(log[2]["authorizerError"].as_str().unwrap().contains("signature"), "{}", log[2]);
}

/// A request signed for one body that carries another one.
fn sign(gateway: &Gateway, signed: &[u8], sent: &'static [u8]) -> Request<Full<Bytes>> {
    use aws_sigv4::{
        http_request::{SignableBody, SignableRequest, SigningSettings, sign},
        sign::v4,
    };
    let keys = gateway.cloud.credentials();
    let identity =
        aws_credential_types::Credentials::from_keys(keys.access_key_id, keys.secret_access_key, None).into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("ap-southeast-2")
        .name("execute-api")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let mut request = gateway.request(Method::POST, "/submit").body(Full::new(Bytes::from_static(sent))).unwrap();
    let uri = request.uri().to_string();
    let signable = SignableRequest::new("POST", &uri, std::iter::empty(), SignableBody::Bytes(signed)).unwrap();
    let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request
}

/// An issuer of tokens, at an address of its own.
struct Issuer {
    url: String,
    keys: KeyPair,
}

impl Issuer {
    async fn start() -> Self {
        let keys = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // The DER encoding of a key of 2,048 bits has the modulus at this place.
        let modulus = URL_SAFE_NO_PAD.encode(&keys.public_key().as_ref()[9..265]);
        let discovery = json!({ "jwks_uri": format!("{url}/keys") });
        let set = json!({ "keys": [{ "kty": "RSA", "kid": "k", "use": "sig", "n": modulus, "e": "AQAB" }] });
        let router = axum::Router::new()
            .route("/.well-known/openid-configuration", get(async move || Json(discovery)))
            .route("/keys", get(async move || Json(set)));
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { url, keys }
    }

    fn token(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": "RS256", "kid": "k" })), part(claims));
        let mut signature = vec![0; self.keys.public_modulus_len()];
        self.keys
            .sign(&RSA_PKCS1_SHA256, &aws_lc_rs::rand::SystemRandom::new(), signed.as_bytes(), &mut signature)
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[tokio::test]
async fn a_route_for_tokens_takes_only_those_of_its_issuer() {
    let gateway = Gateway::start().await;
    let issuer = Issuer::start().await;
    let (api, route) = gateway.submit_api().await;
    let authorizer = gateway
        .apis
        .create_authorizer()
        .api_id(&api)
        .name("jwt")
        .authorizer_type(AuthorizerType::Jwt)
        .identity_source("$request.header.Authorization")
        .jwt_configuration(JwtConfiguration::builder().issuer(&issuer.url).audience("me").build())
        .send()
        .await
        .unwrap();
    gateway
        .apis
        .update_route()
        .api_id(&api)
        .route_id(&route)
        .authorization_type(AuthorizationType::Jwt)
        .authorizer_id(authorizer.authorizer_id().unwrap())
        .authorization_scopes("write")
        .send()
        .await
        .unwrap();
    let send = async |token: &str| {
        let request = gateway.request(Method::POST, "/submit").header("authorization", format!("Bearer {token}"));
        gateway.send(request.body(Full::default()).unwrap()).await
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let good =
        json!({ "iss": issuer.url, "aud": "me", "sub": "ann", "exp": now + 60, "iat": now - 60, "scope": "write" });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        issuer.token(&claims)
    };

    let none = gateway.post("/submit", "").await;
    assert_eq!((none.status, none.text()), (StatusCode::UNAUTHORIZED, r#"{"message":"Unauthorized"}"#));
    assert_eq!(none.headers["www-authenticate"], "Bearer");
    assert_eq!(send(&issuer.token(&good)).await.status, 500, "it comes as far as the function");
    let expired = send(&with("exp", json!(now - 1))).await;
    assert_eq!(expired.status, StatusCode::UNAUTHORIZED);
    assert!(expired.headers["www-authenticate"].to_str().unwrap().contains("the token has expired"));
    assert_eq!(send(&with("aud", json!(["you"]))).await.status, 401);
    assert_eq!(send(&with("iss", json!("http://other.example"))).await.status, 401);
    assert_eq!(send(&with("nbf", json!(now + 60))).await.status, 401);
    assert_eq!(send(&with("scope", json!("read"))).await.status, 403);
    let other = Issuer::start().await;
    assert_eq!(send(&other.token(&good)).await.status, 401, "signed by another key");
    let mut broken = issuer.token(&good);
    broken.push('A');
    assert_eq!(send(&broken).await.status, 401);
    let log = gateway.access_log().await;
    assert_eq!((&log[1]["claim"], &log[1]["authorizerError"]), (&json!("ann"), &json!("-")));
    assert_eq!(log[2]["authorizerError"], "the token has expired");
}

/// A function that does what the body says, and by default tells the event it got.
const BOOTSTRAP: &str = r#"#!/usr/bin/env python3
import http.client, json, os, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
def call(method, path, body=None):
    api.request(method, "/2018-06-01/runtime/" + path, body)
    answer = api.getresponse()
    return answer, answer.read()
def handle(event):
    wanted = event.get("body")
    if wanted == "fail":
        raise ValueError("as asked")
    if wanted == "slow":
        time.sleep(2)
    if wanted == "malformed":
        return {"statusCode": "none"}
    if wanted == "plain":
        return {"hello": "world"}
    headers = {"Content-Type": "application/json", "X-Made": "here"}
    return {"statusCode": 202, "headers": headers, "cookies": ["a=1", "b=2"], "body": json.dumps(event)}
while True:
    answer, event = call("GET", "invocation/next")
    request_id = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    try:
        call("POST", f"invocation/{request_id}/response", json.dumps(handle(json.loads(event))))
    except Exception as error:
        said = json.dumps({"errorMessage": str(error), "errorType": type(error).__name__})
        call("POST", f"invocation/{request_id}/error", said)
"#;

impl Gateway {
    /// An API whose one route goes to a function that lets it in. Gives the API and the integration.
    async fn api_with_function(&self) -> (String, String) {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ]});
        let role = self.iam.create_role().role_name("r").assume_role_policy_document(trust.to_string());
        let role_arn = role.send().await.unwrap().role().unwrap().arn().to_owned();
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file("bootstrap", zip::write::SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
        std::io::Write::write_all(&mut zip, BOOTSTRAP.as_bytes()).unwrap();
        let zip = aws_sdk_lambda::primitives::Blob::new(zip.finish().unwrap().into_inner());
        let function = self
            .lambda
            .create_function()
            .function_name("f")
            .runtime(aws_sdk_lambda::types::Runtime::Providedal2023)
            .role(role_arn)
            .handler("bootstrap")
            .timeout(10)
            .code(aws_sdk_lambda::types::FunctionCode::builder().zip_file(zip).build())
            .send()
            .await
            .unwrap();
        let api = self.create_api("one").await;
        let integration = self.create_integration(&api, function.function_arn().unwrap()).await;
        self.create_route(&api, "POST /submit", &integration).await;
        self.create_default_stage(&api).await;
        self.lambda
            .add_permission()
            .function_name("f")
            .statement_id("api")
            .action("lambda:InvokeFunction")
            .principal("apigateway.amazonaws.com")
            .source_arn(format!("arn:aws:execute-api:ap-southeast-2:000000000000:{api}/*/POST/submit"))
            .send()
            .await
            .unwrap();
        (api, integration)
    }
}

#[tokio::test]
async fn a_request_goes_through_the_function_and_back() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.api_with_function().await;
    let request = gateway
        .request(Method::POST, "/submit?a=1&a=2")
        .header("content-type", "application/json")
        .header("cookie", "c=3")
        .header("x-twice", "one")
        .header("x-twice", "two");
    let answer = gateway.send(request.body(Full::from("{\"x\": 1}")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    assert_eq!(answer.headers["x-made"], "here");
    assert_eq!(answer.headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    let event: Value = serde_json::from_str(answer.text()).unwrap();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["body"], "{\"x\": 1}");
    assert_eq!(event["isBase64Encoded"], false);
    assert_eq!(event["cookies"], json!(["c=3"]));
    assert_eq!(event["headers"]["x-twice"], "one,two");
    assert_eq!(event["queryStringParameters"], json!({ "a": "1,2" }));
    let context = &event["requestContext"];
    assert_eq!(context["requestId"], answer.request_id());
    assert_eq!((&context["apiId"], &context["stage"]), (&json!(api), &json!("$default")));
    assert_eq!(context["http"]["sourceIp"], "127.0.0.1");
    let log = gateway.access_log().await;
    assert_eq!(log[0]["requestId"], answer.request_id());
    assert_eq!((&log[0]["status"], &log[0]["integrationError"]), (&json!("202"), &json!("-")));
    assert_eq!(log[0]["integrationRequestId"].as_str().unwrap().len(), 36);
}

#[tokio::test]
async fn what_a_function_does_wrong_has_the_answer_of_aws() {
    let gateway = Gateway::start().await;
    let (api, integration) = gateway.api_with_function().await;
    let plain = gateway.post("/submit", "plain").await;
    assert_eq!((plain.status, plain.text()), (StatusCode::OK, r#"{"hello": "world"}"#));
    assert_eq!(plain.headers["content-type"], "application/json");
    for wrong in ["fail", "malformed"] {
        let answer = gateway.post("/submit", wrong).await;
        let expected = (StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal Server Error"}"#);
        assert_eq!((answer.status, answer.text()), expected, "{wrong}");
    }
    gateway
        .apis
        .update_integration()
        .api_id(&api)
        .integration_id(&integration)
        .timeout_in_millis(50)
        .send()
        .await
        .unwrap();
    let slow = gateway.post("/submit", "slow").await;
    assert_eq!((slow.status, slow.text()), (StatusCode::SERVICE_UNAVAILABLE, r#"{"message":"Service Unavailable"}"#));
    let errors: Vec<_> = gateway.access_log().await.iter().map(|line| line["integrationError"].clone()).collect();
    assert_eq!(errors[0], "-");
    assert_eq!(errors[1], "The Lambda function failed: ValueError: as asked");
    assert!(errors[2].as_str().unwrap().contains("statusCode"), "{}", errors[2]);
    assert_eq!(errors[3], "The function did not answer within 50 ms.");
}

#[tokio::test]
async fn requests_at_once_are_all_answered_and_all_logged() {
    const REQUESTS: usize = 12;
    let gateway = Gateway::start().await;
    gateway.api_with_function().await;
    let answers = futures::future::join_all((0..REQUESTS).map(|_| gateway.post("/submit", "plain"))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    let ids: std::collections::HashSet<_> = answers.iter().map(|answer| answer.request_id().to_owned()).collect();
    let logged: std::collections::HashSet<_> =
        gateway.access_log().await.iter().map(|line| line["requestId"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), REQUESTS);
    assert_eq!(ids, logged);
}
