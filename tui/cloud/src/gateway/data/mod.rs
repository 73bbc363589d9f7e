//! The gateway's clients: connections, and what happens to a request between the socket and the
//! function.

pub(super) mod access_log;
pub(super) mod answer;
pub(super) mod authorize;
pub(super) mod cors;
pub(super) mod event;
pub(super) mod exchange;
pub(super) mod integration;
pub(super) mod jwks;
pub(super) mod jwt;
pub(super) mod refusal;
pub(super) mod routing;
pub(super) mod throttle;

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::Gateway;

/// Headers of one request, more than AWS's limit in bytes can hold.
const MOST_HEADERS: usize = 1_000;
/// How long to wait after a connection could not be taken, since the cause (no more file
/// descriptors) lasts a while.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An answer to a client.
pub(super) type Answered = http::Response<Full<Bytes>>;

/// Takes connections until the task is dropped, which ends them too.
pub(super) async fn serve(gateway: Arc<Gateway>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(gateway.clone(), stream, peer));
                }
                Err(error) => {
                    tracing::warn!(%error, "the gateway cannot take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection(gateway: Arc<Gateway>, stream: TcpStream, peer: SocketAddr) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let gateway = gateway.clone();
        async move {
            // A task of its own: the function's run and its access log do not depend on a client
            // that stays.
            let answered = tokio::spawn(exchange::answer(gateway, peer, request)).await;
            Ok::<_, Infallible>(answered.unwrap_or_else(|_| refusal::Refusal::Internal.answer()))
        }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).max_headers(MOST_HEADERS);
    server.http2().timer(TokioTimer::new());
    // A client that goes away in the middle is its own affair.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}
