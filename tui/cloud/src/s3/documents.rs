//! Requests whose body is a document: it is checked against the digests that come with it before
//! `s3s` reads it, which does not look at them.

use axum::body::Body;
use http::{Method, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use s3s::crypto::{Checksum as _, Md5};

use super::digest::{Algorithm, Hasher, check_md5, check_sum};
use crate::wire::{ServiceError, ServiceResult, rest_json::parse_query};

/// The largest document that `s3s` reads.
const LARGEST_DOCUMENT_BYTES: usize = 20 * 1024 * 1024;

/// Whether the body is a document rather than an object's bytes.
fn is_document(parts: &Parts) -> bool {
    let query = parse_query(parts.uri.query().unwrap_or_default());
    let path = parts.uri.path().trim_start_matches('/');
    let of_bucket = path.split_once('/').is_none_or(|(_, key)| key.is_empty());
    match parts.method {
        Method::PUT => of_bucket || query.contains_key("tagging"),
        Method::POST => query.contains_key("delete"),
        _ => false,
    }
}

/// Gives the body on, checked; 400 `BadDigest`, and `InvalidRequest` for a deletion without any
/// digest.
pub(super) async fn checked(parts: &Parts, body: Body) -> ServiceResult<s3s::Body> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let framed = header("x-amz-content-sha256").is_some_and(|value| value.starts_with("STREAMING-"));
    if framed || !is_document(parts) {
        return Ok(s3s::Body::http_body_unsync(body));
    }
    let body = Limited::new(body, LARGEST_DOCUMENT_BYTES).collect().await.map_err(|_| {
        ServiceError::bad_request("MaxMessageLengthExceeded", "Your request was too big.")
            .with("MaxMessageLengthBytes", LARGEST_DOCUMENT_BYTES)
    })?;
    let body = body.to_bytes();
    let mut has_digest = false;
    if let Some(wanted) = header("content-md5") {
        has_digest = true;
        check_md5(wanted, Md5::checksum(&body))?;
    }
    for algorithm in Algorithm::ALL {
        if let Some(wanted) = header(algorithm.header()) {
            has_digest = true;
            let mut hasher = Hasher::new(algorithm);
            hasher.update(&body);
            check_sum(algorithm, wanted, &hasher.finish())?;
        }
    }
    if parts.method == Method::POST && !has_digest {
        return Err(ServiceError::bad_request(
            "InvalidRequest",
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        ));
    }
    Ok(s3s::Body::from(body))
}
