//! Who may call: signatures are checked by `s3s` with the keys that IAM knows; what it leaves
//! open is checked here.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{HeaderMap, Uri};
use s3s::{
    S3Error, S3ErrorCode, S3Result,
    access::{S3Access, S3AccessContext},
    auth::{Credentials, S3Auth, SecretKey},
};

use super::{
    refusal::{Refusal, access_denied, not_offered},
    store::Store,
};
use crate::{
    faults::{CallEffect, Faults},
    iam::Iam,
    signature,
    wire::{ServiceError, ServiceResult, rest_json::parse_query},
};

/// The longest that a presigned address is good for, in seconds: a week.
const LONGEST_EXPIRY: i64 = 604_800;
/// How far a request's time may be from ours, in milliseconds.
const LARGEST_SKEW: &str = "900000";

/// The keys of the account and of its roles.
pub(super) struct Keys {
    pub iam: Arc<Iam>,
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if self.iam.is_expired(access_key) {
            return Err(S3Error::new(S3ErrorCode::ExpiredToken));
        }
        let owner = self.iam.key_owner(access_key).ok_or_else(|| S3Error::new(S3ErrorCode::InvalidAccessKeyId))?;
        Ok(SecretKey::from(owner.secret_access_key))
    }
}

/// Whether a caller may call; sees only requests whose signature is right, or that have none.
#[derive(Clone)]
pub(super) struct Gate {
    pub iam: Arc<Iam>,
    pub faults: Arc<Faults>,
    pub store: Arc<Store>,
}

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let caller = self.caller(context.credentials(), context.uri(), context.headers()).map_err(Refusal::from)?;
        tracing::debug!(?caller, operation = context.s3_op().name(), path = ?context.s3_path(), "S3 is called");
        context.extensions_mut().insert(caller);
        let operation = context.s3_op().name();
        if operation == "PostObject" {
            return Err(Refusal::from(not_offered("the operation PostObject")).into());
        }
        self.offered(operation, context.s3_path().get_bucket_name(), context.headers()).map_err(Refusal::from)?;
        let effect = self.faults.meet_call("s3", operation);
        meet(effect, context.extensions_mut().get()).await
    }
}

/// Set where the request at hand is to get no answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Unanswered(Arc<AtomicBool>);

impl Unanswered {
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What an order for trouble does to a request.
async fn meet(effect: Option<CallEffect>, unanswered: Option<&Unanswered>) -> S3Result<()> {
    match effect {
        None => return Ok(()),
        Some(CallEffect::Error { status, code, message }) => {
            return Err(Refusal::from(ServiceError::new(status, code, message)).into());
        }
        Some(CallEffect::Delay(delay)) => {
            tokio::time::sleep(delay).await;
            return Ok(());
        }
        Some(CallEffect::CloseBefore | CallEffect::CloseAfter) => {}
    }
    if let Some(unanswered) = unanswered {
        unanswered.0.store(true, Ordering::Relaxed);
    }
    // Nobody sees this refusal: it only keeps the request from being carried out.
    if effect == Some(CallEffect::CloseBefore) { Err(Refusal::from(access_denied()).into()) } else { Ok(()) }
}

impl Gate {
    /// Who calls; refuses who does not say so, or not with all that belongs to a signature.
    pub fn caller(
        &self,
        credentials: Option<&Credentials>,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> ServiceResult<crate::caller::Caller> {
        let credentials = credentials.ok_or_else(access_denied)?;
        let key = &credentials.access_key;
        let owner = self.iam.key_owner(key).ok_or_else(|| unknown_key(key))?;
        let query = parse_query(uri.query().unwrap_or_default());
        let presigned = query.get("X-Amz-SignedHeaders").and_then(|values| values.first());
        let token = match presigned {
            Some(_) => query.get("X-Amz-Security-Token").and_then(|values| values.first()).cloned(),
            None => header(headers, "x-amz-security-token").map(str::to_owned),
        };
        check_token(key, owner.session_token.as_deref(), token.as_deref())?;
        if !is_version_2(&query) {
            let signed = match presigned {
                Some(signed) => signed.as_str(),
                None => signed_headers(headers).unwrap_or_default(),
            };
            let in_query = |name: &str| presigned.is_some() && query.keys().any(|key| key.eq_ignore_ascii_case(name));
            all_signed(signed, headers, in_query)?;
        }
        let expected = ["x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"];
        let mut expected = expected.iter().filter_map(|name| header(headers, name));
        if expected.any(|account| account != self.store.place.account_id) {
            return Err(access_denied());
        }
        Ok(owner.caller)
    }

    /// Refuses the headers that ask for what this cloud does not do.
    fn offered(&self, operation: &str, bucket: Option<&str>, headers: &HeaderMap) -> ServiceResult<()> {
        for name in headers.keys().map(http::HeaderName::as_str) {
            let value = header(headers, name).unwrap_or_default();
            let fine = match name {
                "x-amz-acl" => {
                    self.check_acl(operation, bucket, value)?;
                    true
                }
                "x-amz-server-side-encryption" => value == "AES256",
                "x-amz-storage-class" => value == "STANDARD",
                "x-amz-bucket-object-lock-enabled" | "x-amz-server-side-encryption-bucket-key-enabled" => {
                    value.eq_ignore_ascii_case("false")
                }
                "x-amz-website-redirect-location" | "x-amz-write-offset-bytes" => false,
                name => ![
                    "x-amz-grant-",
                    "x-amz-object-lock-",
                    "x-amz-server-side-encryption-aws-kms-",
                    "x-amz-server-side-encryption-context",
                    "x-amz-server-side-encryption-customer-",
                    "x-amz-copy-source-server-side-encryption-customer-",
                ]
                .iter()
                .any(|prefix| name.starts_with(prefix)),
            };
            if !fine {
                return Err(not_offered(&format!("the value {value:?} of the header {name}")).with("Header", name));
            }
        }
        Ok(())
    }

    /// Access control lists are off, as in every new bucket of S3.
    fn check_acl(&self, operation: &str, bucket: Option<&str>, value: &str) -> ServiceResult<()> {
        if operation == "CreateBucket" {
            return if value == "private" {
                Ok(())
            } else {
                Err(ServiceError::bad_request(
                    "InvalidBucketAclWithObjectOwnership",
                    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
                ))
            };
        }
        if value == "bucket-owner-full-control" {
            return Ok(());
        }
        let enforced = |bucket: &str| self.store.look(bucket, |found| Ok(super::settings::lists_are_off(found)));
        if bucket.map_or(Ok(true), enforced).unwrap_or(true) {
            return Err(ServiceError::bad_request("AccessControlListNotSupported", "The bucket does not allow ACLs"));
        }
        if value == "private" { Ok(()) } else { Err(not_offered(&format!("the access control list {value:?}"))) }
    }
}

fn unknown_key(key: &str) -> ServiceError {
    ServiceError::new(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
        .with("AWSAccessKeyId", key)
}

/// The keys of a session are good with its token only; without one S3 does not know them.
fn check_token(key: &str, wanted: Option<&str>, given: Option<&str>) -> ServiceResult<()> {
    match (wanted, given) {
        (wanted, given) if wanted == given => Ok(()),
        (_, None) => Err(unknown_key(key)),
        (_, Some(given)) => {
            Err(ServiceError::bad_request("InvalidToken", "The provided token is malformed or otherwise invalid.")
                .with("Token-0", given))
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn signed_headers(headers: &HeaderMap) -> Option<&str> {
    let authorization = header(headers, "authorization")?;
    let (_, rest) = authorization.split_once("SignedHeaders=")?;
    rest.split([',', ' ']).next()
}

/// What S3 acts on must be signed: the host, and each header of its own.
fn all_signed(signed: &str, headers: &HeaderMap, in_query: impl Fn(&str) -> bool) -> ServiceResult<()> {
    let is_signed = |name: &str| signed.split(';').any(|signed| signed.eq_ignore_ascii_case(name));
    let missing: Vec<&str> = headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| (*name == "host" || name.starts_with("x-amz-")) && *name != "x-amz-content-sha256")
        .filter(|name| !is_signed(name) && !in_query(name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(ServiceError::new(403, "AccessDenied", "There were headers present in the request which were not signed")
        .with("HeadersNotSigned", missing.join(", ")))
}

/// The parameters of a presigned address that are about its signature.
const OF_SIGNATURE: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-content-sha256",
];

/// The parameters that an address presigned by version 4 has.
const PRESIGNED: [&str; 6] =
    ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"];

/// Whether this is an address presigned by version 2 of signatures, which covers every header of
/// S3's own.
fn is_version_2(query: &BTreeMap<String, Vec<String>>) -> bool {
    query.contains_key("Signature") && query.contains_key("AWSAccessKeyId")
}

/// Makes headers of what a presigned address carries as parameters instead, as signers do with
/// headers of S3's own.
pub(super) fn take_headers_of_query(uri: &Uri, headers: &mut HeaderMap) {
    let query = parse_query(uri.query().unwrap_or_default());
    if !query.contains_key("X-Amz-Signature") && !is_version_2(&query) {
        return;
    }
    for (name, values) in &query {
        let name = name.to_ascii_lowercase();
        let of_signature = OF_SIGNATURE.contains(&name.as_str()) && !is_version_2(&query);
        let name = Some(name).filter(|name| name.starts_with("x-amz-") && !of_signature);
        let name = name.and_then(|name| http::HeaderName::try_from(name).ok());
        let value = values.first().and_then(|value| http::HeaderValue::from_str(value).ok());
        if let (Some(name), Some(value)) = (name, value)
            && !headers.contains_key(&name)
        {
            headers.insert(name, value);
        }
    }
}

/// Gives an address whose signature cannot be one the signature of nothing: to S3 it is wrong like
/// any other, to `s3s` it is a malformed request.
pub(super) fn with_possible_signature(uri: &Uri) -> Option<Uri> {
    const NAME: &str = "X-Amz-Signature=";
    let is_possible = |signature: &str| {
        signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    };
    let pairs = uri.query()?.split('&').map(|pair| match pair.strip_prefix(NAME) {
        Some(signature) if !is_possible(signature) => format!("{NAME}{}", "0".repeat(64)),
        _ => pair.to_owned(),
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    if uri.query() == Some(&query) {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}?{query}", uri.path()).parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// What is checked before a signature is: its version, and the region and dates it names.
pub(super) fn check_scope(region: &str, uri: &Uri, headers: &HeaderMap) -> ServiceResult<()> {
    let query = parse_query(uri.query().unwrap_or_default());
    let asked = |name: &str| query.get(name).and_then(|values| values.first()).map(String::as_str);
    // Its signature says nothing of a request's time. Presigned, version 2 names its end, and some
    // clients presign no other way.
    if header(headers, "authorization").is_some_and(|value| value.starts_with("AWS ")) {
        return Err(ServiceError::bad_request(
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ));
    }
    if let Some((named, _)) = signature::scope(headers, uri.query())
        && named != region
    {
        let error = if headers.contains_key(http::header::AUTHORIZATION) {
            ServiceError::bad_request(
                "AuthorizationHeaderMalformed",
                format!("The authorization header is malformed; the region '{named}' is wrong; expecting '{region}'"),
            )
        } else {
            ServiceError::bad_request(
                "AuthorizationQueryParametersError",
                format!(
                    "Error parsing the X-Amz-Credential parameter; the region '{named}' is wrong; expecting '{region}'"
                ),
            )
        };
        return Err(error.with("Region", region));
    }
    if asked("X-Amz-Signature").is_some() && !PRESIGNED.iter().all(|name| query.contains_key(*name)) {
        return Err(ServiceError::bad_request(
            "AuthorizationQueryParametersError",
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, \
             X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        ));
    }
    let Some(expires) = asked("X-Amz-Expires") else { return Ok(()) };
    let message = match expires.parse::<i64>() {
        Err(_) => "X-Amz-Expires should be a number",
        Ok(seconds) if seconds < 0 => "X-Amz-Expires must be non-negative",
        Ok(LONGEST_EXPIRY..) => {
            if expires == "604800" {
                return Ok(());
            }
            "X-Amz-Expires must be less than a week (in seconds) that is 604800"
        }
        Ok(_) => return Ok(()),
    };
    Err(ServiceError::bad_request("AuthorizationQueryParametersError", message))
}

/// The members that S3 adds to the errors of a signature.
pub(super) fn about_signature(
    code: &str,
    message: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Vec<(&'static str, String)> {
    let query = parse_query(uri.query().unwrap_or_default());
    let asked = |name: &str| query.get(name).and_then(|values| values.first()).cloned().unwrap_or_default();
    let part = |name: &str| {
        let found = header(headers, "authorization").and_then(|value| value.split_once(name));
        found.and_then(|(_, rest)| rest.split([',', ' ']).next()).map(str::to_owned)
    };
    let key = || {
        let credential = part("Credential=").unwrap_or_else(|| asked("X-Amz-Credential"));
        let credential = if credential.is_empty() { asked("AWSAccessKeyId") } else { credential };
        credential.split('/').next().unwrap_or_default().to_owned()
    };
    let now = || jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    match code {
        "InvalidAccessKeyId" => vec![("AWSAccessKeyId", key())],
        "SignatureDoesNotMatch" => vec![
            ("AWSAccessKeyId", key()),
            ("SignatureProvided", part("Signature=").unwrap_or_else(|| asked("X-Amz-Signature"))),
        ],
        "RequestTimeTooSkewed" => vec![
            ("RequestTime", header(headers, "x-amz-date").map_or_else(|| asked("X-Amz-Date"), str::to_owned)),
            ("ServerTime", now()),
            ("MaxAllowedSkewMilliseconds", LARGEST_SKEW.to_owned()),
        ],
        "AccessDenied" if message == "Request has expired" => {
            let mut members = vec![("ServerTime", now())];
            let expires = asked("X-Amz-Expires");
            let written = |end: jiff::Timestamp| end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let end = if is_version_2(&query) {
                asked("Expires").parse().ok().and_then(|end| jiff::Timestamp::from_second(end).ok())
            } else {
                let seconds = jiff::SignedDuration::from_secs(expires.parse().unwrap_or_default());
                let end = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", asked("X-Amz-Date"))
                    .and_then(|signed| jiff::tz::TimeZone::UTC.to_timestamp(signed))
                    .and_then(|signed| signed.checked_add(seconds));
                members.push(("X-Amz-Expires", expires));
                end.ok()
            };
            members.extend(end.map(|end| ("Expires", written(end))));
            members
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_session_need_its_token() {
        let code = |wanted, given| check_token("ASIA", wanted, given).map_err(|error| error.code);
        assert_eq!(code(Some("right"), Some("right")), Ok(()));
        assert_eq!(code(Some("right"), Some("wrong")).unwrap_err(), "InvalidToken");
        assert_eq!(code(Some("right"), None).unwrap_err(), "InvalidAccessKeyId");
        assert_eq!(code(None, Some("any")).unwrap_err(), "InvalidToken");
    }

    #[test]
    fn parameters_that_stand_for_headers_become_them() {
        let uri = Uri::from_static("/b/k?X-Amz-Signature=1&X-Amz-Date=2&x-amz-tagging=a%3Db&x-id=PutObject");
        let mut headers = HeaderMap::new();
        take_headers_of_query(&uri, &mut headers);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["x-amz-tagging"], "a=b");
    }
}
