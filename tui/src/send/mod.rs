//! Posts events: one, or many at a rate. Yields [`Sent`].

mod answer;
mod load;

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tailwater_core::events::{Answer, Sent};

pub use load::{CONCURRENCY, Load, run};

/// The gateway ends a request after 30 s; a little more tells its answer from none.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(35);
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const LARGEST_ANSWER_BYTES: usize = 64 * 1024;

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// A header is none.
    #[error("`{0}` is not a header: write NAME:VALUE")]
    Header(String),
    /// The address is none.
    #[error("`{url}` is not an address that events can be posted to: {reason}")]
    Url {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// The client could not be made.
    #[error("prepared to send: {0}")]
    Client(String),
}

/// Posts events to one address.
#[derive(Debug, Clone)]
pub struct Sender {
    client: reqwest::Client,
    url: reqwest::Url,
    headers: HeaderMap,
}

impl Sender {
    /// To this address, with these further headers (`NAME:VALUE`) and bearer token.
    pub fn new(url: &str, headers: &[String], bearer: Option<&str>) -> Result<Self, SendError> {
        let bad_url = |reason: String| SendError::Url { url: url.to_owned(), reason };
        let parsed = reqwest::Url::parse(url).map_err(|error| bad_url(error.to_string()))?;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("tailwater/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&parsed) {
            // A proxy knows nothing of this machine's own addresses.
            builder = builder.no_proxy();
            // Not every system's resolver knows that names under `localhost` are this machine
            // (RFC 6761). Port 0 leaves the address's own.
            if let Some(name) = parsed.host_str().filter(|host| host.ends_with(".localhost")) {
                builder = builder.resolve(name, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
            }
        }
        let client = builder.build().map_err(|error| SendError::Client(error.to_string()))?;
        Ok(Self { client, url: parsed, headers: all_headers(headers, bearer)? })
    }

    /// Posts one event and waits for its answer.
    pub async fn send(&self, seq: u64, body: Bytes) -> Sent {
        let time = crate::target::now();
        let began = Instant::now();
        let posted = self.client.post(self.url.clone()).headers(self.headers.clone()).body(body.clone()).send().await;
        let answer = match posted {
            Ok(response) => {
                let status = response.status().as_u16();
                let header =
                    response.headers().get("apigw-requestid").and_then(|id| id.to_str().ok()).map(str::to_owned);
                match response.bytes().await {
                    Ok(bytes) => answer::read(status, header, &bytes[..bytes.len().min(LARGEST_ANSWER_BYTES)]),
                    Err(error) => Answer::Unanswered { message: unanswered(&error) },
                }
            }
            Err(error) => Answer::Unanswered { message: unanswered(&error) },
        };
        Sent { seq, time, latency: began.elapsed(), body, answer }
    }
}

/// The headers of every request: these further ones (`NAME:VALUE`) and the bearer token among them.
pub fn all_headers(headers: &[String], bearer: Option<&str>) -> Result<HeaderMap, SendError> {
    let mut all = HeaderMap::new();
    all.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for header in headers {
        let bad = || SendError::Header(header.clone());
        let (name, value) = header.split_once(':').ok_or_else(bad)?;
        let name: HeaderName = name.trim().parse().map_err(|_| bad())?;
        all.insert(name, value.trim().parse().map_err(|_| bad())?);
    }
    if let Some(token) = bearer {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| SendError::Header("Authorization: Bearer …".to_owned()))?;
        value.set_sensitive(true);
        all.insert(AUTHORIZATION, value);
    }
    Ok(all)
}

fn is_loopback(url: &reqwest::Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "127.0.0.1" || host == "[::1]" || host == "localhost" || host.ends_with(".localhost")
    })
}

fn unanswered(error: &reqwest::Error) -> String {
    let words = crate::target::causes(error);
    if error.is_timeout() { format!("no answer within {} s ({words})", ANSWER_TIMEOUT.as_secs()) } else { words }
}
