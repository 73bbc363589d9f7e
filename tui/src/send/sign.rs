//! Signs requests to the API with the target's credentials (Signature Version 4, `execute-api`).

use std::time::{Duration, SystemTime};

use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use reqwest::{
    Method, Url,
    header::{CONTENT_TYPE, HeaderMap},
};

use crate::target::Target;

/// API Gateway's name in signatures.
const SERVICE: &str = "execute-api";

/// The headers with the signature of a request with this body.
pub async fn signed(
    target: &Target,
    method: &Method,
    url: &Url,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<HeaderMap, String> {
    let trouble = |what: &dyn std::fmt::Display| format!("not sent: signed it for the API: {what}");
    let credentials = target.credentials().await.map_err(|error| trouble(&error))?;
    let identity = credentials.into();
    let parameters = SigningParams::builder()
        .identity(&identity)
        .region(target.region())
        .name(SERVICE)
        .time(their_now(target.clock_offset_millis()))
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| trouble(&error))?;
    // A type of their own choice is signed, too; what else people add is theirs to vouch for.
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let signed_headers = content_type.map(|value| ("content-type", value)).into_iter();
    let request = SignableRequest::new(method.as_str(), url.as_str(), signed_headers, SignableBody::Bytes(body));
    let request = request.map_err(|error| trouble(&error))?;
    let (instructions, _) = sign(request, &parameters.into()).map_err(|error| trouble(&error))?.into_parts();
    let mut carrier = http::Request::new(());
    instructions.apply_to_request_http1x(&mut carrier);
    let mut all = headers.clone();
    all.extend(carrier.headers().iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(all)
}

/// Now, by the services' clock: they refuse signatures of another time.
fn their_now(offset_millis: i64) -> SystemTime {
    let offset = Duration::from_millis(offset_millis.unsigned_abs());
    let now = SystemTime::now();
    if offset_millis < 0 { now.checked_sub(offset) } else { now.checked_add(offset) }.unwrap_or(now)
}
