//! Signature version 4: whose request this is, and whether it is as they sent it.

mod authority;
mod presigned;

use bytes::Bytes;
use scratchstack_aws_principal::Principal;
use scratchstack_aws_signature::{
    GetSigningKeyRequest, GetSigningKeyResponse, KSecretKey, NO_ADDITIONAL_SIGNED_HEADERS, SignatureError,
    SignatureOptions, sigv4_validate_request,
};
use std::{
    str::FromStr,
    sync::{Arc, Mutex},
};

use crate::{
    caller::Caller,
    iam::{Iam, KeyOwner},
    wire::{Request, ServiceError, ServiceResult},
};

/// The service and region that a request's credential names
/// (`Credential=KEY/DATE/REGION/SERVICE/aws4_request`, in the header or the query).
pub(crate) fn scope(headers: &http::HeaderMap, query: Option<&str>) -> Option<(String, String)> {
    let credential = headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(['=', ',', ' ']).skip_while(|part| *part != "Credential").nth(1))
        .map(str::to_owned)
        .or_else(|| {
            crate::wire::rest_json::parse_query(query.unwrap_or_default())
                .remove("X-Amz-Credential")
                .and_then(|values| values.into_iter().next())
        })?;
    let mut parts = credential.split('/').skip(2);
    let region = parts.next()?.to_owned();
    Some((region, parts.next()?.to_owned()))
}

/// Checks a request's signature for `service` and gives whose it is.
pub(crate) async fn check(
    iam: &Arc<Iam>,
    region: &str,
    service: &str,
    parts: &http::request::Parts,
    body: &Bytes,
) -> ServiceResult<Caller> {
    if presigned::is_presigned(parts) {
        return presigned::check(iam, region, service, parts, body);
    }
    if let Some(checked) = authority::check(iam, region, service, parts, body) {
        return checked;
    }
    let owner = Arc::new(Mutex::new(None));
    let mut keys = {
        let (iam, owner) = (iam.clone(), owner.clone());
        tower::service_fn(move |request: GetSigningKeyRequest| {
            let (iam, owner) = (iam.clone(), owner.clone());
            async move {
                let found = owner_of(&iam, request.access_key(), request.session_token())?;
                let secret = <KSecretKey>::from_str(&found.secret_access_key)?;
                let signing_key = secret.to_ksigning(request.request_date(), request.region(), request.service());
                if let Ok(mut slot) = owner.lock() {
                    *slot = Some(found.caller);
                }
                Ok(GetSigningKeyResponse::builder()
                    .principal(Principal::new(vec![]))
                    .signing_key(signing_key)
                    .build()?)
            }
        })
    };
    let mut parts = parts.clone();
    parts.uri = encoded_once_more(&parts.uri)?;
    let request = Request::from_parts(parts, body.clone());
    sigv4_validate_request(
        request,
        region,
        service,
        &mut keys,
        chrono::Utc::now(),
        &NO_ADDITIONAL_SIGNED_HEADERS,
        SignatureOptions::default(),
    )
    .await
    .map_err(refusal)?;
    let caller = owner.lock().ok().and_then(|mut slot| slot.take());
    caller.ok_or_else(|| ServiceError::internal("a signature was accepted without an owner"))
}

/// Every service but S3 signs the path encoded once more than it is sent (an ARN's `%3A` as `%253A`).
/// The validating library encodes no further what is encoded, so it is handed such a path.
fn encoded_once_more(uri: &http::Uri) -> ServiceResult<http::Uri> {
    let path = uri.path().replace('%', "%25");
    let path = uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    path.parse().map_err(ServiceError::internal)
}

/// Whose keys a request is signed with, where they are good and come with their token.
fn owner_of(iam: &Iam, access_key_id: &str, session_token: Option<&str>) -> Result<KeyOwner, SignatureError> {
    if iam.is_expired(access_key_id) {
        return Err(SignatureError::ExpiredToken("The security token included in the request is expired".into()));
    }
    iam.key_owner(access_key_id).filter(|owner| owner.session_token.as_deref() == session_token).ok_or_else(|| {
        SignatureError::InvalidClientTokenId("The security token included in the request is invalid.".into())
    })
}

fn refusal(error: tower::BoxError) -> ServiceError {
    let error = SignatureError::from(error);
    let code = match &error {
        SignatureError::ExpiredToken(_) => "ExpiredToken",
        SignatureError::InvalidClientTokenId(_) => "InvalidClientTokenId",
        SignatureError::IncompleteSignature(_) => "IncompleteSignature",
        SignatureError::MissingAuthenticationToken(_) => "MissingAuthenticationToken",
        SignatureError::SignatureDoesNotMatch(_) => "SignatureDoesNotMatch",
        _ => return ServiceError::bad_request("IncompleteSignature", error.to_string()),
    };
    let status = if code == "IncompleteSignature" { 400 } else { 403 };
    ServiceError::new(status, code, error.to_string())
}
