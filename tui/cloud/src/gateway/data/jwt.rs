//! JSON web tokens as JWT authorizers take them: signed by RSA, of the right issuer and audience, in
//! their time.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderMap;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512};
use serde_json::{Map, Value};

use super::{super::model::Authorizer, jwks::RsaKey};
use crate::wire::rest_json::parse_query;

/// Where a token is in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gateway) enum TokenPlace {
    Header(http::HeaderName),
    Query(String),
}

impl TokenPlace {
    /// Reads an identity source, `$request.header.NAME` or `$request.querystring.NAME`.
    pub fn parse(source: &str) -> Option<Self> {
        if let Some(name) = source.strip_prefix("$request.header.") {
            return name.parse().ok().map(Self::Header);
        }
        let name = source.strip_prefix("$request.querystring.")?;
        (!name.is_empty()).then(|| Self::Query(name.to_owned()))
    }

    /// The token, without the word `Bearer` before it.
    pub fn find(&self, headers: &HeaderMap, query: Option<&str>) -> Option<String> {
        let text = match self {
            Self::Header(name) => headers.get(name)?.to_str().ok()?.to_owned(),
            Self::Query(name) => parse_query(query?).remove(name)?.into_iter().next()?,
        };
        let text = text.trim();
        let token = match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => text,
        };
        (!token.is_empty()).then(|| token.to_owned())
    }
}

/// A token that was taken apart, before anything in it is believed.
#[derive(Debug)]
pub(in crate::gateway) struct Token<'a> {
    algorithm: String,
    /// The key that signed it, as it says.
    pub key_id: Option<String>,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        let malformed = || "the token is malformed".to_owned();
        let (signed, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
        let (head, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let object = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed())?;
            match serde_json::from_slice(&bytes) {
                Ok(Value::Object(members)) => Ok(members),
                _ => Err(malformed()),
            }
        };
        let head = object(head)?;
        let text_of = |name: &str| head.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            algorithm: text_of("alg").ok_or_else(malformed)?,
            key_id: text_of("kid"),
            claims: object(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?,
        })
    }

    /// The claims, once the signature is one of `keys` and everything in them is as the authorizer
    /// wants it at `now` (seconds since 1970).
    pub fn verify(self, authorizer: &Authorizer, keys: &[RsaKey], now: i64) -> Result<Claims, String> {
        let algorithm = match self.algorithm.as_str() {
            "RS256" => &RSA_PKCS1_2048_8192_SHA256,
            "RS384" => &RSA_PKCS1_2048_8192_SHA384,
            "RS512" => &RSA_PKCS1_2048_8192_SHA512,
            other => return Err(format!("signing method {other} is invalid")),
        };
        let signed_by = |key: &RsaKey| {
            (self.key_id.is_none() || key.id == self.key_id)
                && ring::signature::RsaPublicKeyComponents { n: &key.modulus, e: &key.exponent }
                    .verify(algorithm, self.signed.as_bytes(), &self.signature)
                    .is_ok()
        };
        if !keys.iter().any(signed_by) {
            return Err("the token's signature is invalid".to_owned());
        }
        let text = |name: &str| self.claims.get(name).and_then(Value::as_str);
        let seconds = |name: &str| self.claims.get(name).and_then(Value::as_f64);
        if text("iss") != Some(authorizer.issuer.as_str()) {
            return Err("the token has an invalid issuer".to_owned());
        }
        if !self.is_for(&authorizer.audience) {
            return Err("the token has an invalid audience".to_owned());
        }
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in a double")]
        let now = now as f64;
        match seconds("exp") {
            Some(end) if end > now => {}
            Some(_) => return Err("the token has expired".to_owned()),
            None => return Err("the token has no expiry".to_owned()),
        }
        if ["nbf", "iat"].into_iter().filter_map(seconds).any(|start| start > now) {
            return Err("the token is not valid yet".to_owned());
        }
        Ok(Claims(self.claims))
    }

    /// `client_id` counts where a token has no `aud`.
    fn is_for(&self, audience: &[String]) -> bool {
        let is_wanted = |value: &Value| value.as_str().is_some_and(|text| audience.iter().any(|wanted| wanted == text));
        match self.claims.get("aud") {
            Some(Value::Array(items)) => items.iter().any(is_wanted),
            Some(value) => is_wanted(value),
            None => self.claims.get("client_id").is_some_and(is_wanted),
        }
    }
}

/// The claims of a token that is valid.
#[derive(Debug)]
pub(in crate::gateway) struct Claims(Map<String, Value>);

impl Claims {
    /// The scopes granted, in `scope` or `scp`, as a text or a list.
    pub fn scopes(&self) -> Vec<String> {
        match self.0.get("scope").or_else(|| self.0.get("scp")) {
            Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// The claims as API Gateway hands them on: each as text, lists as `[a b]`.
    pub fn texts(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let items: Vec<String> =
                    items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
                format!("[{}]", items.join(" "))
            }
            other => other.to_string(),
        };
        self.0.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_a_header_or_the_query() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer abc".parse().unwrap());
        let header = TokenPlace::parse("$request.header.Authorization").unwrap();
        assert_eq!(header.find(&headers, None).as_deref(), Some("abc"));
        assert_eq!(header.find(&HeaderMap::new(), None), None);
        let query = TokenPlace::parse("$request.querystring.auth").unwrap();
        assert_eq!(query.find(&headers, Some("auth=x%2Ey")).as_deref(), Some("x.y"));
        assert_eq!(TokenPlace::parse("$request.body.token"), None);
    }

    #[test]
    fn malformed_tokens_are_refused() {
        for text in ["", "a.b", "a.b.c", "e30.e30.", "e30.W10.AA"] {
            assert!(Token::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn claims_are_texts_and_scopes_are_split() {
        let claims = |text: &str| Claims(serde_json::from_str(text).unwrap());
        let given = claims(r#"{"sub":"ann","n":3,"roles":["a","b"],"scope":"read write"}"#);
        let texts = given.texts();
        assert_eq!((texts["n"].as_str(), texts["roles"].as_str()), ("3", "[a b]"));
        assert_eq!(given.scopes(), ["read", "write"]);
        assert_eq!(claims(r#"{"scp":["x"]}"#).scopes(), ["x"]);
    }
}
