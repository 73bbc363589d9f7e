//! Requests whose signature is in the query, as a presigned `GetCallerIdentity` has it. (S3 checks
//! its own.)
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::str::FromStr;

use bytes::Bytes;
use chrono::{NaiveDateTime, TimeDelta, Utc};
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use scratchstack_aws_signature::{KSecretKey, SignatureError};
use sha2::{Digest, Sha256};

use crate::{caller::Caller, iam::Iam, wire::ServiceResult};

use super::{owner_of, refusal};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TIME: &str = "%Y%m%dT%H%M%SZ";
/// How far a request's time may be from ours.
const MISMATCH: TimeDelta = TimeDelta::minutes(15);
/// The name that HTTP/2 has for the host.
pub(super) const AUTHORITY: &str = ":authority";
/// What RFC 3986 leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Whether a request carries its signature in the query, and only there.
pub(super) fn is_presigned(parts: &http::request::Parts) -> bool {
    !parts.headers.contains_key(http::header::AUTHORIZATION)
        && parameters(parts).iter().any(|(name, _)| name == "X-Amz-Algorithm")
}

/// Checks the signature and gives whose it is.
pub(super) fn check(
    iam: &Iam,
    region: &str,
    service: &str,
    parts: &http::request::Parts,
    body: &Bytes,
) -> ServiceResult<Caller> {
    verified(iam, region, service, parts, body).map_err(|error| refusal(error.into()))
}

fn verified(
    iam: &Iam,
    region: &str,
    service: &str,
    parts: &http::request::Parts,
    body: &Bytes,
) -> Result<Caller, SignatureError> {
    let parameters = parameters(parts);
    let found = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    if found("X-Amz-Algorithm") != Some(ALGORITHM) {
        return Err(SignatureError::MissingAuthenticationToken("Request is missing Authentication Token".into()));
    }
    let missing: Vec<String> = ["X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"]
        .into_iter()
        .filter(|name| found(name).is_none())
        .map(|name| format!("AWS query-string parameters must include '{name}'."))
        .collect();
    let (Some(credential), Some(signature), Some(signed_headers), Some(time)) =
        (found("X-Amz-Credential"), found("X-Amz-Signature"), found("X-Amz-SignedHeaders"), found("X-Amz-Date"))
    else {
        let message = format!("{} Re-examine the query-string parameters.", missing.join(" "));
        return Err(SignatureError::IncompleteSignature(message));
    };
    let token = found("X-Amz-Security-Token");
    let claim = Claim { credential, signature, signed_headers, time, token };
    verify(iam, region, service, &claim, parts, body)
}

/// What a request says of its signature.
pub(super) struct Claim<'a> {
    /// `KEY/DATE/REGION/SERVICE/aws4_request`.
    pub credential: &'a str,
    pub signature: &'a str,
    /// Names, separated by semicolons.
    pub signed_headers: &'a str,
    pub time: &'a str,
    pub token: Option<&'a str>,
}

/// Checks a request against what it says of its signature, and gives whose it is.
pub(super) fn verify(
    iam: &Iam,
    region: &str,
    service: &str,
    claim: &Claim<'_>,
    parts: &http::request::Parts,
    body: &Bytes,
) -> Result<Caller, SignatureError> {
    let Claim { credential, signature, time, .. } = *claim;
    let parameters = parameters(parts);
    let signed_headers: Vec<&str> = claim.signed_headers.split(';').collect();
    if !signed_headers.contains(&"host") && !signed_headers.contains(&AUTHORITY) {
        let message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
        return Err(SignatureError::SignatureDoesNotMatch(Some(message.into())));
    }
    let requested = NaiveDateTime::parse_from_str(time, TIME).map_err(|_| {
        SignatureError::IncompleteSignature(format!(
            "Date must be in ISO-8601 'basic format'. Got '{time}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })?;
    check_time(requested)?;
    let access_key_id = check_credential(credential, region, service, requested)?;
    let owner = owner_of(iam, access_key_id, claim.token)?;
    let scope = credential.split_once('/').map_or("", |(_, scope)| scope);
    let canonical = canonical_request(parts, &parameters, &signed_headers, body);
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let secret = <KSecretKey>::from_str(&owner.secret_access_key)
        .map_err(|error| SignatureError::InternalServiceError(error.into()))?;
    let key = secret.to_ksigning(requested.date(), region, service);
    let mut code = <Hmac<Sha256> as Mac>::new_from_slice(key.as_ref())
        .map_err(|error| SignatureError::InternalServiceError(error.into()))?;
    code.update(to_sign.as_bytes());
    let is_right = hex::decode(signature).is_ok_and(|signature| code.verify_slice(&signature).is_ok());
    if is_right {
        return Ok(owner.caller);
    }
    let message = "The request signature we calculated does not match the signature you provided. Check your AWS \
                   Secret Access Key and signing method. Consult the service documentation for details.";
    Err(SignatureError::SignatureDoesNotMatch(Some(message.into())))
}

fn check_time(requested: NaiveDateTime) -> Result<(), SignatureError> {
    let now = Utc::now().naive_utc();
    let written = |time: NaiveDateTime| time.format(TIME).to_string();
    let (earliest, latest) = (now - MISMATCH, now + MISMATCH);
    let message = if requested < earliest {
        let (requested, earliest, now) = (written(requested), written(earliest), written(now));
        format!("Signature expired: {requested} is now earlier than {earliest} ({now} - 15 min.)")
    } else if requested > latest {
        let (requested, latest, now) = (written(requested), written(latest), written(now));
        format!("Signature not yet current: {requested} is still later than {latest} ({now} + 15 min.)")
    } else {
        return Ok(());
    };
    Err(SignatureError::SignatureDoesNotMatch(Some(message)))
}

/// Checks `KEY/DATE/REGION/SERVICE/aws4_request` and gives the key.
fn check_credential<'a>(
    credential: &'a str,
    region: &str,
    service: &str,
    requested: NaiveDateTime,
) -> Result<&'a str, SignatureError> {
    let [access_key_id, date, scoped_region, scoped_service, end] = credential.split('/').collect::<Vec<_>>()[..]
    else {
        return Err(SignatureError::IncompleteSignature(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
             '{credential}'"
        )));
    };
    let mut wrong = Vec::new();
    if scoped_region != region {
        wrong.push(format!("Credential should be scoped to a valid region, not '{scoped_region}'."));
    }
    if scoped_service != service {
        wrong.push(format!("Credential should be scoped to correct service: '{service}'."));
    }
    if end != "aws4_request" {
        wrong.push(format!("Credential should be scoped with a valid terminator: 'aws4_request', not '{end}'."));
    }
    if date != requested.format("%Y%m%d").to_string() {
        wrong
            .push(format!("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: '{date}'."));
    }
    if wrong.is_empty() { Ok(access_key_id) } else { Err(SignatureError::SignatureDoesNotMatch(Some(wrong.join(" ")))) }
}

fn canonical_request(
    parts: &http::request::Parts,
    parameters: &[(String, String)],
    signed_headers: &[&str],
    body: &Bytes,
) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    // The path is encoded once more than it was sent.
    let path: Vec<String> = parts.uri.path().split('/').map(encoded).collect();
    let mut query: Vec<(String, String)> = parameters
        .iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let headers: Vec<String> = signed_headers
        .iter()
        .map(|name| {
            let values: Vec<String> = parts
                .headers
                .get_all(if *name == AUTHORITY { "host" } else { *name })
                .iter()
                .map(|value| {
                    String::from_utf8_lossy(value.as_bytes()).split_ascii_whitespace().collect::<Vec<_>>().join(" ")
                })
                .collect();
            format!("{name}:{}", values.join(","))
        })
        .collect();
    format!(
        "{}\n{}\n{}\n{}\n\n{}\n{}",
        parts.method,
        path.join("/"),
        query.join("&"),
        headers.join("\n"),
        signed_headers.join(";"),
        hex::encode(Sha256::digest(body))
    )
}

/// The query's parameters, decoded, as they were sent.
fn parameters(parts: &http::request::Parts) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}
