//! The front door: binds the loopback ports, and routes each request to the service that its
//! signature names.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::body::Body;
use http_body_util::{BodyExt, Limited};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    ACCOUNT_ID, Buffered, Credentials, Dropped, Options, Place, Services,
    caller::Caller,
    faults::{self, CallEffect, Faults},
    gateway, iam, lambda, signature,
    temporary::Temporary,
    wire::{self, Input, NoAnswer, Request, Response, ServiceError, json, no_answer, query, rest_json},
};

/// The largest body that a service other than S3 is handed: Lambda's zip of 50 MiB in base64.
const LARGEST_BODY_BYTES: usize = 80 * 1024 * 1024;
/// The header that names service and operation of AWS's JSON protocol.
const TARGET: &str = "x-amz-target";
/// The gateway's usual port, as in the brief's examples.
const GATEWAY_PORT: u16 = 3000;
/// How many ports after the usual one are tried.
const GATEWAY_PORTS_TRIED: u16 = 100;
/// How long Firehose may take to deliver what it buffers when the cloud ends.
const LAST_DELIVERY: Duration = Duration::from_secs(10);

/// Why a cloud could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port that was asked for is taken or not allowed.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Port {
        /// The port that was tried.
        port: u16,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The folder for objects cannot be used.
    #[error("cannot use {path} for objects: {source}")]
    DataDir {
        /// The folder that was tried.
        path: std::path::PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
}

/// A running cloud. Dropping it ends every task and every function process; [`Self::shutdown`]
/// first delivers what Firehose buffers.
pub struct LocalCloud {
    services: Services,
    gateway_port_taken: bool,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    _temporary: Option<Temporary>,
}

impl LocalCloud {
    /// Binds the ports and serves, on the current tokio runtime.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let endpoint = bind(options.port.unwrap_or(0)).await?;
        let (gateway, gateway_port_taken) = bind_gateway(options.gateway_port).await?;
        let (data_dir, temporary) = data_dir(&options)?;
        let place = Arc::new(Place {
            region: options.region,
            account_id: ACCOUNT_ID.to_owned(),
            endpoint_url: url_of(&endpoint),
            gateway_url: url_of(&gateway),
            data_dir,
            limits: options.limits,
            retained_bytes: options.retained_bytes,
            supervisor: options.supervisor,
        });
        let services = Services::new(place);
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(services.clone(), endpoint, stop.clone()));
        tasks.spawn(services.gateway.clone().serve(gateway));
        Ok(Self { services, gateway_port_taken, stop, tasks, _temporary: temporary })
    }

    /// `http://127.0.0.1:PORT`, where every service answers.
    pub fn endpoint_url(&self) -> &str {
        &self.services.place.endpoint_url
    }

    /// `http://127.0.0.1:PORT`, where the deployed HTTP API answers.
    pub fn gateway_url(&self) -> &str {
        &self.services.place.gateway_url
    }

    /// Whether the gateway's usual port, 3000, was taken by another program.
    pub fn gateway_port_taken(&self) -> bool {
        self.gateway_port_taken
    }

    /// The region this cloud is in.
    pub fn region(&self) -> &str {
        &self.services.place.region
    }

    /// The account it plays.
    pub fn account_id(&self) -> &str {
        &self.services.place.account_id
    }

    /// The account's own keys, fresh for this cloud.
    pub fn credentials(&self) -> Credentials {
        self.services.iam.account_credentials()
    }

    /// What waits in a delivery stream for its next object; `None`: there is none of that name.
    pub fn buffered(&self, delivery_stream: &str) -> Option<Buffered> {
        self.services.firehose.buffered(delivery_stream)
    }

    /// The records that left Kinesis before their retention was over, because all streams together
    /// held more bytes than [`Options::retained_bytes`]: the oldest went first.
    pub fn dropped(&self) -> Dropped {
        self.services.kinesis.dropped()
    }

    /// The orders for trouble: what of this cloud is to fail.
    pub fn faults(&self) -> &Faults {
        &self.services.faults
    }

    /// Delivers what Firehose still buffers, then ends everything. Gives the number of records
    /// that could not be delivered.
    pub async fn shutdown(mut self) -> u64 {
        // An order for trouble is no reason to lose what was delivered late on purpose.
        self.services.faults.clear();
        let undelivered = self.services.firehose.flush(LAST_DELIVERY).await;
        self.stop.cancel();
        self.services.lambda.shutdown().await;
        self.tasks.shutdown().await;
        undelivered
    }
}

impl Drop for LocalCloud {
    fn drop(&mut self) {
        self.stop.cancel();
        self.services.lambda.end_now();
    }
}

fn url_of(listener: &TcpListener) -> String {
    let port = listener.local_addr().map(|address| address.port()).unwrap_or_default();
    format!("http://127.0.0.1:{port}")
}

async fn bind(port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .await
        .map_err(|source| StartError::Port { port, source })
}

async fn bind_gateway(wanted: Option<u16>) -> Result<(TcpListener, bool), StartError> {
    if let Some(port) = wanted {
        return Ok((bind(port).await?, false));
    }
    let mut tried = bind(GATEWAY_PORT).await.map(|listener| (listener, false));
    for port in GATEWAY_PORT + 1..GATEWAY_PORT + GATEWAY_PORTS_TRIED {
        if tried.is_ok() {
            break;
        }
        tried = bind(port).await.map(|listener| (listener, true));
    }
    tried
}

fn data_dir(options: &Options) -> Result<(std::path::PathBuf, Option<Temporary>), StartError> {
    let trouble = |path: &std::path::Path, source| StartError::DataDir { path: path.to_owned(), source };
    if let Some(path) = &options.data_dir {
        std::fs::create_dir_all(path).map_err(|source| trouble(path, source))?;
        return Ok((path.clone(), None));
    }
    let base = std::env::temp_dir();
    let temporary = Temporary::new(&base).map_err(|source| trouble(&base, source))?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

/// Accepts connections and serves them until `stop`.
async fn serve(services: Services, listener: TcpListener, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                let services = services.clone();
                connections.spawn(async move {
                    let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                        let services = services.clone();
                        let version = request.version();
                        let request = request.map(|body| Body::new(wire::Unread::new(body, version)));
                        async move {
                            let response = route(&services, request).await;
                            response.extensions().get::<NoAnswer>().copied().map_or(Ok(response), Err)
                        }
                    });
                    let mut server = auto::Builder::new(TokioExecutor::new());
                    server.http1().timer(TokioTimer::new());
                    server.http2().timer(TokioTimer::new());
                    // A client that goes away in the middle is its own affair.
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Answers one request, by the service that its target or its signature names.
async fn route(services: &Services, request: http::Request<Body>) -> Response {
    let (mut parts, body) = request.into_parts();
    wire::name_host(&mut parts);
    let scope = signature::scope(&parts.headers, parts.uri.query());
    let Some(service) = service_of(&parts, scope.as_ref()) else {
        // Only S3 has requests that name no service: anonymous ones and forms.
        return services.s3.http(http::Request::from_parts(parts, body)).await;
    };
    if service == "s3" {
        return services.s3.http(http::Request::from_parts(parts, body)).await;
    }
    let as_json = parts.headers.contains_key(TARGET);
    let body = if let Ok(collected) = Limited::new(body, LARGEST_BODY_BYTES).collect().await {
        collected.to_bytes()
    } else {
        let error = ServiceError::new(413, "RequestEntityTooLargeException", "The request body is too large.");
        return refuse(&service, as_json, error);
    };
    if service == "sts"
        && scope.is_none()
        && let Some(error) = query::action(&parts.uri, &body).and_then(|action| iam::without_signature(&action))
    {
        return refuse(&service, as_json, error);
    }
    // IAM is one for all regions; its requests are signed for us-east-1.
    let region = match &scope {
        Some((region, _)) if service == "iam" => region,
        _ => &services.place.region,
    };
    let caller = match signature::check(&services.iam, region, &service, &parts, &body).await {
        Ok(caller) => caller,
        Err(error) => return refuse(&service, as_json, signature_words(&service, as_json, error)),
    };
    let request = Request::from_parts(parts, body);
    if service == faults::SERVICE {
        return services.faults.http(&request);
    }
    let effect = operation_of(&service, &request).and_then(|operation| services.faults.meet_call(&service, &operation));
    match effect {
        None => {}
        Some(CallEffect::Error { status, code, message }) => {
            return refuse(&service, as_json, ServiceError::new(status, code, message));
        }
        Some(CallEffect::Delay(delay)) => tokio::time::sleep(delay).await,
        Some(CallEffect::CloseBefore) => return no_answer(),
        Some(CallEffect::CloseAfter) => {
            call(services, &service, as_json, &caller, request).await;
            return no_answer();
        }
    }
    call(services, &service, as_json, &caller, request).await
}

/// The operation that a request names, of a service that has its requests' signature checked here.
fn operation_of(service: &str, request: &Request) -> Option<String> {
    match service {
        "kinesis" | "logs" | "firehose" => json::operation(request).ok(),
        "lambda" => lambda::operation_of(request).map(str::to_owned),
        "apigateway" => gateway::operation_of(request).map(str::to_owned),
        _ => query::action(request.uri(), request.body()),
    }
}

/// Has a request whose signature is right answered by its service.
async fn call(services: &Services, service: &str, as_json: bool, caller: &Caller, request: Request) -> Response {
    match service {
        "kinesis" => services.kinesis.http(caller, request).await,
        "logs" => services.logs.http(caller, request).await,
        "lambda" => services.lambda.http(caller, request).await,
        "apigateway" => services.gateway.http(caller, request).await,
        "firehose" => {
            let result = async {
                let (operation, input) = json::parse(&request)?;
                services.firehose.call(caller, &operation, Input::new(&operation, input)?).await
            };
            json::answer(result.await)
        }
        name @ ("cloudformation" | "iam" | "sts") => {
            let (operation, input) = match query::parse(&request, version(name)) {
                Ok(parsed) => parsed,
                Err(error) => return query::answer("", query::FAULT, Err(error)),
            };
            let result = async {
                let input = Input::new(&operation, input)?;
                match name {
                    "cloudformation" => services.cloudformation.call(caller, &operation, input).await,
                    "iam" => services.iam.call(caller, &operation, input).await,
                    _ => services.iam.call_sts(caller, &operation, input).await,
                }
            };
            let result = result.await;
            query::answer(&operation, namespace(name), result)
        }
        name => {
            let message = format!("The embedded cloud does not offer the service {name}.");
            refuse(name, as_json, ServiceError::bad_request("UnknownOperationException", message))
        }
    }
}

/// The service that a request is for: the one of its target, or else the one it is signed for.
/// `None`: it names none.
fn service_of(parts: &http::request::Parts, scope: Option<&(String, String)>) -> Option<String> {
    let target = parts.headers.get(TARGET).and_then(|target| target.to_str().ok()).and_then(|it| it.split_once('.'));
    let by_target = match target {
        Some(("Kinesis_20131202", _)) => Some("kinesis"),
        Some(("Firehose_20150804", _)) => Some("firehose"),
        Some(("Logs_20140328", _)) => Some("logs"),
        Some(("Tailwater", _)) => Some(faults::SERVICE),
        _ => None,
    };
    let by_scope = scope.map(|(_, service)| service.as_str());
    let content_type = parts.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_form = content_type.is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    // Without a signature the form could be for any service of the query protocol: all refuse it alike.
    let unsigned = (is_form || parts.headers.contains_key(TARGET)).then_some("sts");
    by_target.or(by_scope).or(unsigned).map(str::to_owned)
}

/// A refusal in the protocol of the service, before any operation is known.
fn refuse(service: &str, as_json: bool, error: ServiceError) -> Response {
    match service {
        "kinesis" | "logs" | "firehose" => json::answer(Err(error)),
        "lambda" => rest_json::answer(Err(error), 200, lambda::error_body),
        "apigateway" => rest_json::answer(Err(error), 200, rest_json::message_only),
        _ if as_json => json::answer(Err(error)),
        name => query::answer("", namespace(name), Err(error)),
    }
}

/// What a service calls a bad signature. The query protocol has codes of its own. JSON over POST
/// answers 400, except where a signature lacks parts (seen on Kinesis and `DynamoDB`, for example
/// <https://github.com/aws/aws-sdk-go/issues/2194>); JSON over REST answers 403.
fn signature_words(service: &str, as_json: bool, mut error: ServiceError) -> ServiceError {
    let over_rest = matches!(service, "lambda" | "apigateway");
    if !as_json && !over_rest {
        return error;
    }
    let (code, status) = match error.code.as_str() {
        "InvalidClientTokenId" => ("UnrecognizedClientException", http::StatusCode::BAD_REQUEST),
        "SignatureDoesNotMatch" => ("InvalidSignatureException", http::StatusCode::BAD_REQUEST),
        "IncompleteSignature" => ("IncompleteSignatureException", http::StatusCode::FORBIDDEN),
        "MissingAuthenticationToken" => ("MissingAuthenticationTokenException", http::StatusCode::BAD_REQUEST),
        "ExpiredToken" => ("ExpiredTokenException", http::StatusCode::BAD_REQUEST),
        _ => return error,
    };
    if error.code == "MissingAuthenticationToken" {
        "Missing Authentication Token".clone_into(&mut error.message);
    }
    code.clone_into(&mut error.code);
    error.status = if over_rest { http::StatusCode::FORBIDDEN } else { status };
    error
}

/// The version of the API of a service of the query protocol.
fn version(service: &str) -> &'static str {
    match service {
        "iam" => "2010-05-08",
        "sts" => "2011-06-15",
        _ => "2010-05-15",
    }
}

fn namespace(service: &str) -> &'static str {
    match service {
        "iam" => "https://iam.amazonaws.com/doc/2010-05-08/",
        "sts" => "https://sts.amazonaws.com/doc/2011-06-15/",
        "cloudformation" => "http://cloudformation.amazonaws.com/doc/2010-05-15/",
        _ => query::FAULT,
    }
}
