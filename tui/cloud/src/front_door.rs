//! The front door: binds the loopback ports, and routes each request to the service that its
//! signature names.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    ACCOUNT_ID, Credentials, Options, Place, Services, signature,
    wire::{Input, Request, Response, ServiceError, ServiceResult, json, query, rest_json},
};

/// The largest body that a service other than S3 is handed: Lambda's zip of 50 MiB in base64.
const LARGEST_BODY_BYTES: usize = 80 * 1024 * 1024;
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
    _temporary: Option<tempfile::TempDir>,
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

    /// Delivers what Firehose still buffers, then ends everything. Gives the number of records
    /// that could not be delivered.
    pub async fn shutdown(mut self) -> u64 {
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

fn data_dir(options: &Options) -> Result<(std::path::PathBuf, Option<tempfile::TempDir>), StartError> {
    match &options.data_dir {
        Some(path) => {
            std::fs::create_dir_all(path).map_err(|source| StartError::DataDir { path: path.clone(), source })?;
            Ok((path.clone(), None))
        }
        None => {
            let temporary = tempfile::Builder::new()
                .prefix("tailwater-")
                .tempdir()
                .map_err(|source| StartError::DataDir { path: std::env::temp_dir(), source })?;
            Ok((temporary.path().to_owned(), Some(temporary)))
        }
    }
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
                        async move { Ok::<_, std::convert::Infallible>(route(&services, request.map(Body::new)).await) }
                    });
                    // A client that goes away in the middle is its own affair.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .timer(TokioTimer::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Answers one request, by the service that its signature names.
async fn route(services: &Services, request: http::Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Some((region, service)) = signature::scope(&parts.headers, parts.uri.query()) else {
        if parts.headers.contains_key("x-amz-target") || parts.headers.get(http::header::CONTENT_TYPE).is_some() {
            return json::answer(Err(ServiceError::new(
                403,
                "MissingAuthenticationTokenException",
                "Request is missing Authentication Token",
            )));
        }
        // Only S3 has requests that name no service: anonymous ones and forms.
        return services.s3.http(http::Request::from_parts(parts, body)).await;
    };
    if service == "s3" {
        return services.s3.http(http::Request::from_parts(parts, body)).await;
    }
    let body = match Limited::new(body, LARGEST_BODY_BYTES).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(_) => {
            let error = ServiceError::new(413, "RequestEntityTooLargeException", "The request body is too large.");
            return refuse(&service, Err(error));
        }
    };
    let caller = match check(services, &region, &service, &parts, &body).await {
        Ok(caller) => caller,
        Err(error) => return refuse(&service, Err(error)),
    };
    let request = Request::from_parts(parts, body);
    match service.as_str() {
        "kinesis" => services.kinesis.http(&caller, request).await,
        "logs" => services.logs.http(&caller, request).await,
        "lambda" => services.lambda.http(&caller, request).await,
        "apigateway" => services.gateway.http(&caller, request).await,
        "firehose" => {
            let result = async {
                let (operation, input) = json::parse(&request)?;
                services.firehose.call(&caller, &operation, Input::new(&operation, input)?).await
            };
            json::answer(result.await)
        }
        name => {
            let (operation, input) = match query::parse(&request) {
                Ok(parsed) => parsed,
                Err(error) => return refuse(name, Err(error)),
            };
            let result = async {
                let input = Input::new(&operation, input)?;
                match name {
                    "cloudformation" => services.cloudformation.call(&caller, &operation, input).await,
                    "iam" => services.iam.call(&caller, &operation, input).await,
                    "sts" => services.iam.call_sts(&caller, &operation, input).await,
                    _ => Err(ServiceError::unknown_operation(name, &operation)),
                }
            };
            let result = result.await;
            query::answer(&operation, namespace(name), result)
        }
    }
}

async fn check(
    services: &Services,
    region: &str,
    service: &str,
    parts: &http::request::Parts,
    body: &Bytes,
) -> ServiceResult<crate::caller::Caller> {
    // IAM is one for all regions; its requests are signed for us-east-1.
    let wanted = if service == "iam" { region } else { &services.place.region };
    signature::check(&services.iam, wanted, service, parts, body).await
}

/// A refusal in the protocol of the service, before any operation is known.
fn refuse(service: &str, result: ServiceResult) -> Response {
    match service {
        // These protocols name the same refusals a little differently.
        "kinesis" | "logs" | "firehose" => json::answer(result.map_err(|error| json_code(error))),
        "lambda" => rest_json::answer(result.map_err(json_code), 200, "Message"),
        "apigateway" => rest_json::answer(result.map_err(json_code), 200, "message"),
        name => query::answer("", namespace(name), result),
    }
}

fn json_code(mut error: ServiceError) -> ServiceError {
    let code = match error.code.as_str() {
        "InvalidClientTokenId" => "UnrecognizedClientException",
        "SignatureDoesNotMatch" => "InvalidSignatureException",
        "IncompleteSignature" => "IncompleteSignatureException",
        "MissingAuthenticationToken" => "MissingAuthenticationTokenException",
        "ExpiredToken" => "ExpiredTokenException",
        other => other,
    };
    error.code = code.to_owned();
    error
}

fn namespace(service: &str) -> &'static str {
    match service {
        "iam" => "https://iam.amazonaws.com/doc/2010-05-08/",
        "sts" => "https://sts.amazonaws.com/doc/2011-06-15/",
        _ => "http://cloudformation.amazonaws.com/doc/2010-05-15/",
    }
}
