//! One request from its head to its answer and its line in the access log.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use jiff::Timestamp;
use rand::RngExt;

use super::{
    super::{
        Gateway,
        model::{Api, DEFAULT_STAGE, Stage},
    },
    Answered,
    access_log::{self, Entry},
    cors,
    event::{Received, text_of},
    integration,
    refusal::Refusal,
    routing::{self, decode},
    throttle,
};
use crate::{
    faults::When,
    logs::LogLine,
    wire::{Unread, name_host},
};

/// The largest body.
const LARGEST_BODY_BYTES: usize = 10 * 1024 * 1024;
/// The longest request line with all headers.
const LONGEST_HEAD_BYTES: usize = 10_240;
/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Where every API answers whatever its address: `/_aws/execute-api/ID/STAGE/…`.
const PREFIX: &str = "/_aws/execute-api/";
/// What stands between an API's id and the rest of its host name.
const HOST_MARK: &str = ".execute-api.";
/// The gateway's name of a request, in every answer.
const REQUEST_ID_HEADER: &str = "apigw-requestid";

/// Which API and stage a request is for.
struct Target {
    api: Arc<Api>,
    stage: String,
    /// The path that routes are chosen by, as it was sent.
    route_path: String,
    /// The path that the function and the log see, as it was sent: with the stage's name, where
    /// that is in the path.
    full_path: String,
}

impl Target {
    fn stage(&self) -> Option<&Stage> {
        self.api.stages.get(&self.stage)
    }
}

/// Answers a request.
pub(super) async fn answer(gateway: Arc<Gateway>, peer: SocketAddr, request: http::Request<Incoming>) -> Answered {
    let began = Instant::now();
    let (mut parts, body) = request.into_parts();
    name_host(&mut parts);
    let body = Unread::new(body, parts.version);
    let request_id = new_request_id();
    let target = gateway.target(&parts);
    let mut answered = match &target {
        None => Refusal::NotFound.answer(),
        Some(target) => {
            let mut entry = gateway.entry(target, peer, &parts, &request_id);
            let result = gateway.exchange(target, &mut entry, &parts, body).await;
            let mut answered = result.unwrap_or_else(|refusal| {
                let answered = refusal.answer();
                entry.refusal = Some(refusal);
                answered
            });
            if let Some(cors) = &target.api.cors
                && entry.route_key.is_some()
            {
                cors::apply(cors, &parts.headers, answered.headers_mut());
            }
            entry.status = answered.status().as_u16();
            entry.response_bytes = answered.body().size_hint().exact().unwrap_or_default();
            entry.response_latency = began.elapsed();
            gateway.log(target, &entry);
            answered
        }
    };
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        answered.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    answered
}

impl Gateway {
    /// The API and stage that a request names by its host or path.
    fn target(&self, parts: &http::request::Parts) -> Option<Target> {
        let apis = self.apis();
        let path = parts.uri.path();
        let by_id = |id: &str| apis.iter().find(|api| api.id == id).cloned();
        if let Some(rest) = path.strip_prefix(PREFIX) {
            let (id, rest) = rest.split_once('/').unwrap_or((rest, ""));
            let (stage, rest) = rest.split_once('/').unwrap_or((rest, ""));
            let (api, stage) = (by_id(id)?, decode(stage));
            let route_path = format!("/{rest}");
            let full_path = if stage == DEFAULT_STAGE { route_path.clone() } else { format!("/{stage}{route_path}") };
            return Some(Target { api, stage, route_path, full_path });
        }
        let host = host_of(parts);
        let api = match host.split_once(HOST_MARK) {
            Some((id, _)) => by_id(id)?,
            // Where the API that had the plain address is gone, the only one left takes its place.
            None => match (apis.iter().find(|api| api.at_root), &apis[..]) {
                (Some(api), _) | (None, [api]) => api.clone(),
                _ => return None,
            },
        };
        let full_path = path.to_owned();
        let (first, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        let first = decode(first);
        if first != DEFAULT_STAGE && api.stages.contains_key(&first) {
            return Some(Target { api, stage: first, route_path: format!("/{rest}"), full_path });
        }
        Some(Target { api, stage: DEFAULT_STAGE.to_owned(), route_path: full_path.clone(), full_path })
    }

    /// What is known of a request before anything was done.
    fn entry(&self, target: &Target, peer: SocketAddr, parts: &http::request::Parts, request_id: &str) -> Entry {
        Entry {
            account_id: self.place.account_id.clone(),
            api_id: target.api.id.clone(),
            stage: target.stage.clone(),
            domain_name: host_of(parts).split(':').next().unwrap_or_default().to_owned(),
            request_id: request_id.to_owned(),
            time: Timestamp::now(),
            source_ip: peer.ip().to_string(),
            user_agent: text_of(&parts.headers, &header::USER_AGENT),
            method: parts.method.as_str().to_owned(),
            path: decode(&target.full_path),
            protocol: format!("{:?}", parts.version),
            route_key: None,
            status: 0,
            response_bytes: 0,
            response_latency: Duration::ZERO,
            integration: None,
            refusal: None,
            claims: std::collections::BTreeMap::new(),
            authorizer_error: None,
            identity: None,
        }
    }

    async fn exchange(
        self: &Arc<Self>,
        target: &Target,
        entry: &mut Entry,
        parts: &http::request::Parts,
        body: Unread,
    ) -> Result<Answered, Refusal> {
        let api = &target.api;
        let stage = target.stage().ok_or(Refusal::NotFound)?;
        let config = api.config_of(stage).ok_or(Refusal::NotFound)?;
        if head_bytes(parts) > LONGEST_HEAD_BYTES {
            return Err(Refusal::HeadersTooLarge);
        }
        if let Some(answered) = api.cors.as_ref().and_then(|cors| cors::preflight(cors, &parts.method, &parts.headers))
        {
            return Ok(answered);
        }
        let routes = config.routes.values().map(|route| (&route.key, route));
        let (key, route, path_parameters) =
            routing::choose(routes, parts.method.as_str(), &target.route_path).ok_or(Refusal::NotFound)?;
        let route_key = key.to_string();
        entry.route_key = Some(route_key.clone());
        if !self.lets_through(stage, &route_key) {
            return Err(Refusal::TooManyRequests);
        }
        let body = read_body(&parts.headers, body).await?;
        let authorized = match self.authorize(&route.authorization, config, parts, &body).await {
            Ok(authorized) => authorized,
            Err(denied) => {
                entry.authorizer_error = Some(denied.reason);
                return Err(denied.refusal);
            }
        };
        entry.claims = authorized.claims;
        entry.identity = authorized.identity;
        let function =
            route.integration.as_ref().and_then(|id| config.integrations.get(id)).ok_or(Refusal::NotFound)?;
        let host = host_of(parts);
        let event = Received {
            account_id: &entry.account_id,
            api_id: &api.id,
            stage: &target.stage,
            route_key: &route_key,
            method: &entry.method,
            path: &entry.path,
            raw_query: parts.uri.query().unwrap_or_default(),
            protocol: &entry.protocol,
            headers: &parts.headers,
            source_ip: &entry.source_ip,
            domain_name: &entry.domain_name,
            port: host.rsplit_once(':').map_or("80", |(_, port)| port),
            request_id: &entry.request_id,
            trace_id: &new_trace_id(entry.time),
            time: entry.time,
            path_parameters: &path_parameters,
            stage_variables: &stage.variables,
            authorizer: authorized.context,
            body: &body,
        }
        .event();
        let resource = format!("{}/{}/{}", api.id, target.stage, key.execution_resource(&entry.method));
        let source_arn = self.place.arn("execute-api", &resource);
        let trouble = self.faults.meet_request(&api.id);
        if let Some((status, When::Before)) = trouble {
            let (refusal, run) = integration::not_invoked(status);
            entry.integration = Some(run);
            return Err(refusal);
        }
        let (result, run) = self.integrate(function, &source_arn, event.to_string().into()).await;
        let Some((status, When::After)) = trouble else {
            entry.integration = Some(run);
            return result;
        };
        let (refusal, run) = integration::answer_lost(status, run);
        entry.integration = Some(run);
        Err(refusal)
    }

    /// Whether the account's and the route's throttle let one more request through.
    fn lets_through(&self, stage: &Stage, route_key: &str) -> bool {
        let now = Instant::now();
        let (rate, burst) = stage.throttle(route_key);
        let of_route = {
            let mut buckets = stage.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            match buckets.get_mut(route_key) {
                Some(bucket) => bucket.take(rate, burst, now),
                None => buckets.entry(route_key.to_owned()).or_default().take(rate, burst, now),
            }
        };
        of_route
            && self.account.lock().unwrap_or_else(PoisonError::into_inner).take(
                throttle::ACCOUNT_RATE,
                throttle::ACCOUNT_BURST,
                now,
            )
    }

    fn log(&self, target: &Target, entry: &Entry) {
        let Some(log) = target.stage().and_then(|stage| stage.access_log.as_ref()) else { return };
        // The line's own time is that of its writing: whoever follows the log reads on from there.
        let timestamp_ms = jiff::Timestamp::now().as_millisecond();
        let line = LogLine { timestamp_ms, message: access_log::render(&log.format, entry) };
        let stream = access_log::stream_name(&target.api.id, &target.stage);
        if let Err(error) = self.logs.put(&log.group, &stream, vec![line]) {
            tracing::warn!(%error, group = log.group, "a line of the access log is lost");
        }
    }
}

/// The host that a client named, with its port.
fn host_of(parts: &http::request::Parts) -> String {
    match parts.uri.authority() {
        Some(authority) => authority.as_str().to_owned(),
        None => text_of(&parts.headers, &header::HOST),
    }
}

/// The bytes of a request's line and headers.
fn head_bytes(parts: &http::request::Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.to_string().len();
    line + parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>()
}

async fn read_body(headers: &HeaderMap, body: Unread) -> Result<Bytes, Refusal> {
    let told = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|bytes| bytes > LARGEST_BODY_BYTES as u64) {
        return Err(Refusal::BodyTooLarge);
    }
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, LARGEST_BODY_BYTES).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge),
        // The client went away or broke the protocol: it gets no answer, the log tells of the end.
        Ok(Err(_)) | Err(_) => Err(Refusal::RequestTimeout),
    }
}

/// A request id of API Gateway's shape: eleven random bytes in URL-safe base64.
fn new_request_id() -> String {
    URL_SAFE.encode(rand::rng().random::<[u8; 11]>())
}

/// A trace id of X-Ray's shape: the time in seconds and 96 random bits.
fn new_trace_id(time: Timestamp) -> String {
    format!("Root=1-{:08x}-{}", time.as_second(), hex::encode(rand::rng().random::<[u8; 12]>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_have_the_shape_of_aws() {
        let id = new_request_id();
        assert_eq!(id.len(), 16);
        assert!(id.ends_with('='), "{id}");
        assert_ne!(id, new_request_id());
    }
}
