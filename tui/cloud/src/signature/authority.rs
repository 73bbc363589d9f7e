//! Requests over HTTP/2 that sign the host under its name there, `:authority`, as the SDK for
//! JavaScript does with Kinesis. No header can have that name, so the validating library never finds
//! what was signed.

use bytes::Bytes;
use http::{header::AUTHORIZATION, request::Parts};

use crate::{caller::Caller, iam::Iam, wire::ServiceResult};

use super::{
    presigned::{AUTHORITY, Claim, verify},
    refusal,
};

/// Checks the signature and gives whose it is; `None`: the request does not sign that name, or says
/// too little of its signature for this.
pub(super) fn check(
    iam: &Iam,
    region: &str,
    service: &str,
    parts: &Parts,
    body: &Bytes,
) -> Option<ServiceResult<Caller>> {
    if parts.version != http::Version::HTTP_2 {
        return None;
    }
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let said = header(AUTHORIZATION.as_str())?.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let found = |wanted: &str| said.split(',').find_map(|part| part.trim().strip_prefix(wanted)?.strip_prefix('='));
    let signed_headers = found("SignedHeaders").filter(|names| names.split(';').any(|name| name == AUTHORITY))?;
    let claim = Claim {
        credential: found("Credential")?,
        signature: found("Signature")?,
        signed_headers,
        time: header("x-amz-date")?,
        token: header("x-amz-security-token"),
    };
    Some(verify(iam, region, service, &claim, parts, body).map_err(|error| refusal(error.into())))
}
