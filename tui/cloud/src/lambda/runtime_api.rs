//! The Lambda Runtime API (2018-06-01) of one execution environment, on a loopback port of its own:
//! turns the runtime's HTTP requests into [`ApiCall`]s and answers them as Lambda does.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
};

use axum::body::Body;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_util::task::AbortOnDropHandle;

/// Bytes of an answer to a synchronous invocation, the envelope included.
pub(super) const LARGEST_PAYLOAD_BYTES: usize = 6_291_556;
/// What all paths begin with.
const PREFIX: &str = "/2018-06-01/runtime/";

/// A runtime that waits for its next invocation.
pub(super) type Waiter = oneshot::Sender<Result<NextInvocation, ApiAnswer>>;

/// What the runtime asks for or says.
pub(super) enum ApiCall {
    /// It is ready for the next invocation.
    Next(Waiter),
    /// It finished the invocation named.
    Finished { request_id: String, result: FunctionResult, reply: oneshot::Sender<ApiAnswer> },
    /// It cannot start.
    InitError { result: FunctionResult, reply: oneshot::Sender<ApiAnswer> },
}

/// What the function made of an invocation.
#[derive(Debug, Clone)]
pub(super) enum FunctionResult {
    Answer(Bytes),
    /// The error object, and the type that the header or the object names.
    Error {
        payload: Bytes,
        error_type: String,
    },
    /// More than [`LARGEST_PAYLOAD_BYTES`].
    TooLarge,
}

/// One invocation, as handed to the runtime.
#[derive(Debug, Clone)]
pub(super) struct NextInvocation {
    pub request_id: String,
    /// Milliseconds since 1970 at which the function's time is over.
    pub deadline_ms: i64,
    pub function_arn: String,
    pub trace_id: String,
    /// JSON text of the caller's `ClientContext`.
    pub client_context: Option<String>,
    pub payload: Bytes,
}

/// How what the runtime said is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ApiAnswer {
    Accepted,
    /// The invocation named is not the one that runs.
    InvalidRequestId,
    /// It cannot say this now.
    InvalidState,
    TooLarge,
}

/// The listener of one environment. Dropping it closes every connection.
pub(super) struct RuntimeApi {
    /// `127.0.0.1:PORT`, for `AWS_LAMBDA_RUNTIME_API`.
    pub address: SocketAddr,
    /// What the runtime says.
    pub calls: mpsc::Receiver<ApiCall>,
    _server: AbortOnDropHandle<()>,
}

impl RuntimeApi {
    /// Listens on a free port.
    pub async fn listen() -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let address = listener.local_addr()?;
        let (sender, calls) = mpsc::channel(8);
        let server = AbortOnDropHandle::new(tokio::spawn(serve(listener, sender)));
        Ok(Self { address, calls, _server: server })
    }
}

async fn serve(listener: TcpListener, calls: mpsc::Sender<ApiCall>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                let calls = calls.clone();
                connections.spawn(async move {
                    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                        let calls = calls.clone();
                        async move { Ok::<_, Infallible>(answer(&calls, request).await) }
                    });
                    // A runtime that goes away in the middle is seen by its process's end.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .timer(TokioTimer::new())
                        .header_read_timeout(None)
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn answer(calls: &mpsc::Sender<ApiCall>, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Some(path) = parts.uri.path().strip_prefix(PREFIX) else { return page_not_found() };
    let path: Vec<&str> = path.split('/').collect();
    match (&parts.method, path.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(calls).await,
        (&Method::POST, ["invocation", request_id, "response"]) => {
            let result = read_answer(body).await;
            finished(calls, request_id, result).await
        }
        (&Method::POST, ["invocation", request_id, "error"]) => {
            let result = read_error(&parts.headers, body).await;
            finished(calls, request_id, result).await
        }
        (&Method::POST, ["init", "error"]) => {
            let result = read_error(&parts.headers, body).await;
            ask(calls, |reply| ApiCall::InitError { result, reply }).await
        }
        (_, ["invocation", "next"] | ["invocation", _, "response" | "error"] | ["init", "error"]) => {
            error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "The method is not allowed for this path.")
        }
        _ => page_not_found(),
    }
}

async fn next(calls: &mpsc::Sender<ApiCall>) -> Response<Body> {
    let (reply, invocation) = oneshot::channel();
    if calls.send(ApiCall::Next(reply)).await.is_err() {
        return environment_ends();
    }
    let invocation = match invocation.await {
        Ok(Ok(invocation)) => invocation,
        Ok(Err(refusal)) => return answer_of(Some(refusal)),
        Err(_) => return environment_ends(),
    };
    let mut response = Response::new(Body::from(invocation.payload));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set("lambda-runtime-aws-request-id", &invocation.request_id);
    set("lambda-runtime-deadline-ms", &invocation.deadline_ms.to_string());
    set("lambda-runtime-invoked-function-arn", &invocation.function_arn);
    set("lambda-runtime-trace-id", &invocation.trace_id);
    if let Some(context) = &invocation.client_context {
        set("lambda-runtime-client-context", context);
    }
    response
}

async fn finished(calls: &mpsc::Sender<ApiCall>, request_id: &str, result: FunctionResult) -> Response<Body> {
    let request_id = request_id.to_owned();
    ask(calls, |reply| ApiCall::Finished { request_id, result, reply }).await
}

async fn ask(
    calls: &mpsc::Sender<ApiCall>,
    call: impl FnOnce(oneshot::Sender<ApiAnswer>) -> ApiCall,
) -> Response<Body> {
    let (reply, taken) = oneshot::channel();
    if calls.send(call(reply)).await.is_err() {
        return environment_ends();
    }
    answer_of(taken.await.ok())
}

fn answer_of(answer: Option<ApiAnswer>) -> Response<Body> {
    match answer {
        Some(ApiAnswer::Accepted) => accepted(),
        Some(ApiAnswer::InvalidRequestId) => error(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
        Some(ApiAnswer::InvalidState) => error(
            StatusCode::FORBIDDEN,
            "InvalidStateTransition",
            "State transition is not allowed: the runtime cannot say this now.",
        ),
        Some(ApiAnswer::TooLarge) => error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            &format!("Exceeded maximum allowed payload size ({LARGEST_PAYLOAD_BYTES} bytes)."),
        ),
        None => environment_ends(),
    }
}

/// Reads an answer to its end, which for a streaming one comes late; its trailers may say that it
/// failed after all.
async fn read_answer(body: Incoming) -> FunctionResult {
    let (bytes, trailers) = match read(body).await {
        Read::Whole(bytes, trailers) => (bytes, trailers),
        Read::TooLarge => return FunctionResult::TooLarge,
        Read::Broken => return truncated(),
    };
    let Some(error_type) = text(&trailers, "lambda-runtime-function-error-type") else {
        return FunctionResult::Answer(bytes);
    };
    let payload = text(&trailers, "lambda-runtime-function-error-body")
        .and_then(|body| BASE64_STANDARD.decode(body).ok())
        .map_or_else(|| json!({"errorType": error_type}).to_string().into(), Bytes::from);
    FunctionResult::Error { payload, error_type }
}

async fn read_error(headers: &HeaderMap, body: Incoming) -> FunctionResult {
    let payload = match read(body).await {
        Read::Whole(bytes, _) => bytes,
        Read::TooLarge => return FunctionResult::TooLarge,
        Read::Broken => return truncated(),
    };
    let error_type = text(headers, "lambda-runtime-function-error-type")
        .or_else(|| {
            let object: Value = serde_json::from_slice(&payload).ok()?;
            Some(object.get("errorType")?.as_str()?.to_owned())
        })
        .unwrap_or_else(|| "Runtime.Unknown".to_owned());
    FunctionResult::Error { payload, error_type }
}

fn truncated() -> FunctionResult {
    let error_type = "Runtime.TruncatedResponse".to_owned();
    let payload = json!({"errorType": error_type, "errorMessage": "The runtime's answer ended early."});
    FunctionResult::Error { payload: payload.to_string().into(), error_type }
}

enum Read {
    Whole(Bytes, HeaderMap),
    TooLarge,
    Broken,
}

/// Reads a body to its end even where it is too large: a runtime that is still writing would not
/// see the refusal.
async fn read(mut body: Incoming) -> Read {
    let mut bytes = BytesMut::new();
    let mut trailers = HeaderMap::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Read::Broken };
        match frame.into_data() {
            Ok(data) => {
                length = length.saturating_add(data.len());
                if length <= LARGEST_PAYLOAD_BYTES {
                    bytes.extend_from_slice(&data);
                }
            }
            Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
        }
    }
    if length > LARGEST_PAYLOAD_BYTES { Read::TooLarge } else { Read::Whole(bytes.freeze(), trailers) }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn accepted() -> Response<Body> {
    json_response(StatusCode::ACCEPTED, &json!({"status": "OK"}))
}

fn page_not_found() -> Response<Body> {
    let mut response = Response::new(Body::from("404 page not found\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn environment_ends() -> Response<Body> {
    error(StatusCode::GONE, "EnvironmentEnds", "The execution environment is being ended.")
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response<Body> {
    json_response(status, &json!({"errorMessage": message, "errorType": kind}))
}

fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
