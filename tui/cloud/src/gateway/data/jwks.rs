//! The public keys of token issuers, fetched as `OpenID` Connect describes it and kept for a while.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde::Deserialize;

/// How long keys are kept, as on AWS.
const KEPT_FOR: Duration = Duration::from_hours(2);
/// How soon keys are fetched again for a token whose key is not among them.
const FETCHED_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// How long one document may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest document.
const LARGEST_DOCUMENT_BYTES: usize = 256 * 1024;

/// The keys of every issuer asked for.
#[derive(Default)]
pub(in crate::gateway) struct KeySets {
    fetched: Mutex<HashMap<String, Fetched>>,
}

#[derive(Clone)]
struct Fetched {
    at: Instant,
    keys: Arc<Vec<RsaKey>>,
}

/// A public RSA key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gateway) struct RsaKey {
    pub id: Option<String>,
    /// Big-endian.
    pub modulus: Vec<u8>,
    /// Big-endian.
    pub exponent: Vec<u8>,
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl KeySets {
    /// The keys of an issuer that may have signed a token naming `key_id`.
    pub async fn of_issuer(&self, issuer: &str, key_id: Option<&str>) -> Result<Arc<Vec<RsaKey>>, String> {
        let known = self.fetched().get(issuer).cloned();
        if let Some(known) = known {
            let age = known.at.elapsed();
            let has_key = key_id.is_none() || known.keys.iter().any(|key| key.id.as_deref() == key_id);
            if age < FETCHED_AGAIN_AFTER || (has_key && age < KEPT_FOR) {
                return Ok(known.keys);
            }
        }
        let keys = Arc::new(fetch_keys(issuer).await?);
        self.fetched().insert(issuer.to_owned(), Fetched { at: Instant::now(), keys: keys.clone() });
        Ok(keys)
    }

    fn fetched(&self) -> std::sync::MutexGuard<'_, HashMap<String, Fetched>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn fetch_keys(issuer: &str) -> Result<Vec<RsaKey>, String> {
    let discovery = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let Discovery { jwks_uri } = fetch(&discovery).await?;
    let KeySet { keys } = fetch(&jwks_uri).await?;
    Ok(keys.into_iter().filter_map(rsa_key).collect())
}

fn rsa_key(key: Jwk) -> Option<RsaKey> {
    if key.kty != "RSA" || key.purpose.is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let number = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?.trim_end_matches('=')).ok();
    Some(RsaKey { id: key.kid, modulus: number(key.n)?, exponent: number(key.e)? })
}

async fn fetch<T: serde::de::DeserializeOwned>(url: &str) -> Result<T, String> {
    let failed = |error: &dyn std::fmt::Display| format!("Caught exception when connecting to {url}: {error}");
    let uri: http::Uri = url.parse().map_err(|error| failed(&error))?;
    let document = async {
        let provider = rustls::crypto::ring::default_provider();
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .map_err(|error| failed(&error))?
            .https_or_http()
            .enable_http1()
            .build();
        let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
        let response = client.get(uri).await.map_err(|error| failed(&error))?;
        if !response.status().is_success() {
            return Err(failed(&response.status()));
        }
        let body = Limited::new(response.into_body(), LARGEST_DOCUMENT_BYTES).collect().await;
        Ok(body.map_err(|error| failed(&error))?.to_bytes())
    };
    let document = tokio::time::timeout(FETCH_TIMEOUT, document)
        .await
        .map_err(|_| failed(&format_args!("no answer within {} s", FETCH_TIMEOUT.as_secs())))??;
    serde_json::from_slice(&document).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rsa_keys_for_signatures_are_taken() {
        let set = r#"{"keys":[
            {"kty":"RSA","kid":"a","use":"sig","n":"AQID","e":"AQAB"},
            {"kty":"RSA","kid":"b","use":"enc","n":"AQID","e":"AQAB"},
            {"kty":"EC","kid":"c","crv":"P-256","x":"","y":""},
            {"kty":"RSA","n":"AQID","e":"AQAB"}]}"#;
        let set: KeySet = serde_json::from_str(set).unwrap();
        let keys: Vec<_> = set.keys.into_iter().filter_map(rsa_key).collect();
        let key =
            |id: Option<&str>| RsaKey { id: id.map(str::to_owned), modulus: vec![1, 2, 3], exponent: vec![1, 0, 1] };
        assert_eq!(keys, [key(Some("a")), key(None)]);
    }
}
