//! Posts events: one, or many at a rate. Yields [`Sent`].

mod answer;
mod load;
mod sign;

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use tailwater_core::{
    events::{Answer, Sent},
    pipeline::{AuthMode, limits},
};

use crate::target::{Target, is_loopback};
use answer::Context;

pub use load::{CONCURRENCY, Load, run};

/// Where a token may come from that is not given on the command line.
const BEARER_VARIABLE: &str = "TAILWATER_BEARER";
/// The gateway ends a request after 30 s; a little more tells its answer from none.
const ANSWER_TIMEOUT: Duration = limits::API_TIMEOUT.saturating_add(Duration::from_secs(5));
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
    /// The API wants a token, and none was given.
    #[error("the API lets in who brings a token (AuthMode JWT): give --bearer TOKEN, or set TAILWATER_BEARER")]
    NoToken,
    /// The method is none.
    #[error("`{0}` is not a method")]
    Method(String),
    /// The client could not be made.
    #[error("prepared to send: {0}")]
    Client(String),
}

/// Posts events to one address.
#[derive(Clone)]
pub struct Sender {
    client: reqwest::Client,
    method: Method,
    url: reqwest::Url,
    headers: HeaderMap,
    auth_mode: AuthMode,
    target: Target,
}

impl Sender {
    /// To this address of a target's pipeline, which lets in whom it says, with these further headers
    /// (`NAME:VALUE`) and bearer token.
    pub fn new(
        target: &Target,
        url: &str,
        auth_mode: AuthMode,
        headers: &[String],
        bearer: Option<&str>,
    ) -> Result<Self, SendError> {
        let bad_url = |reason: String| SendError::Url { url: url.to_owned(), reason };
        let parsed = reqwest::Url::parse(url).map_err(|error| bad_url(error.to_string()))?;
        // A token that the environment holds for another stack would take the signature's place.
        let headers = all_headers(headers, bearer.filter(|_| auth_mode != AuthMode::Iam))?;
        if auth_mode == AuthMode::Jwt && !headers.contains_key(AUTHORIZATION) {
            return Err(SendError::NoToken);
        }
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("tailwater/", env!("CARGO_PKG_VERSION")));
        if let Some(bundle) = target.ca_bundle() {
            let certificates = bundle.certificates().map_err(|error| SendError::Client(error.to_string()))?;
            builder = builder.tls_certs_only(certificates);
        }
        if parsed.host_str().is_some_and(is_loopback) {
            // A proxy knows nothing of this machine's own addresses.
            builder = builder.no_proxy();
            // Not every system's resolver knows that names under `localhost` are this machine
            // (RFC 6761). Port 0 leaves the address's own.
            if let Some(name) = parsed.host_str().filter(|host| host.ends_with(".localhost")) {
                builder = builder.resolve(name, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
            }
        }
        let client = builder.build().map_err(|error| SendError::Client(crate::target::causes(&error)))?;
        Ok(Self { client, method: Method::POST, url: parsed, headers, auth_mode, target: target.clone() })
    }

    /// With another method than POST, and another path, its query included, at the same host.
    pub fn asking(mut self, method: Option<&str>, path: Option<&str>) -> Result<Self, SendError> {
        if let Some(method) = method {
            self.method = method.parse().map_err(|_| SendError::Method(method.to_owned()))?;
        }
        if let Some(path) = path {
            let (bare, query) = path.split_once('?').map_or((path, None), |(bare, query)| (bare, Some(query)));
            self.url.set_path(bare);
            self.url.set_query(query);
        }
        Ok(self)
    }

    /// Posts one event and waits for its answer.
    pub async fn send(&self, seq: u64, body: Bytes) -> Sent {
        let time = crate::target::now();
        let began = Instant::now();
        let answer = self.post(&body).await.unwrap_or_else(|message| Answer::Unanswered { message });
        // What comes of it is looked for at once.
        self.target.stir();
        Sent { seq, time, latency: began.elapsed(), body, answer }
    }

    async fn post(&self, body: &Bytes) -> Result<Answer, String> {
        // Whoever brings an authorization of his own wants that.
        let signs = self.auth_mode == AuthMode::Iam && !self.headers.contains_key(AUTHORIZATION);
        let headers = if signs {
            sign::signed(&self.target, &self.method, &self.url, &self.headers, body).await?
        } else {
            self.headers.clone()
        };
        let request = self.client.request(self.method.clone(), self.url.clone()).headers(headers).body(body.clone());
        let mut response = request.send().await.map_err(|error| unanswered(&error))?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let context = Context {
            auth_mode: self.auth_mode,
            signer: signs.then(|| self.target.identity().arn.as_str()),
            request_id: header("apigw-requestid"),
            challenge: header("www-authenticate"),
        };
        let mut bytes = Vec::new();
        // Whatever answers here may go on for ever.
        while bytes.len() < LARGEST_ANSWER_BYTES
            && let Some(more) = response.chunk().await.map_err(|error| unanswered(&error))?
        {
            bytes.extend_from_slice(&more[..more.len().min(LARGEST_ANSWER_BYTES - bytes.len())]);
        }
        Ok(answer::read(status, &bytes, &context))
    }
}

/// The token of the environment.
pub fn bearer_of_environment() -> Option<String> {
    std::env::var(BEARER_VARIABLE).ok().filter(|token| !token.is_empty())
}

/// The headers of every request: these further ones (`NAME:VALUE`) and the bearer token among them.
pub fn all_headers(headers: &[String], bearer: Option<&str>) -> Result<HeaderMap, SendError> {
    let mut all = HeaderMap::new();
    all.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for header in headers {
        let bad = || SendError::Header(header.clone());
        let (name, value) = header.split_once(':').ok_or_else(bad)?;
        let name: HeaderName = name.trim().parse().map_err(|_| bad())?;
        // As curl does it: a header without a value is not sent.
        if value.trim().is_empty() {
            all.remove(name);
            continue;
        }
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

fn unanswered(error: &reqwest::Error) -> String {
    let words = crate::target::causes(error);
    if error.is_timeout() { format!("no answer within {} s ({words})", ANSWER_TIMEOUT.as_secs()) } else { words }
}
