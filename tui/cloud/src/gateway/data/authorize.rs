//! Whether a request may use its route.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    super::{
        Gateway,
        model::{Authorization, Authorizer, Config},
    },
    access_log::Identity,
    jwt::{Token, TokenPlace},
    refusal::Refusal,
};
use crate::{caller::Caller, signature};

/// What is known of a caller who may go on.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Authorized {
    /// For the function: `requestContext.authorizer`.
    pub context: Option<Value>,
    /// For the access log.
    pub claims: BTreeMap<String, String>,
    /// For the access log.
    pub identity: Option<Identity>,
}

/// Why a caller may not go on, with words for the access log.
pub(in crate::gateway) struct Denied {
    pub refusal: Refusal,
    pub reason: String,
}

impl Gateway {
    /// Checks what a route asks for.
    pub(super) async fn authorize(
        &self,
        authorization: &Authorization,
        config: &Config,
        parts: &http::request::Parts,
        body: &Bytes,
    ) -> Result<Authorized, Denied> {
        match authorization {
            Authorization::Open => Ok(Authorized::default()),
            Authorization::Iam => self.authorize_signature(parts, body).await,
            Authorization::Jwt { authorizer, scopes } => match config.authorizers.get(authorizer) {
                Some(authorizer) => self.authorize_token(authorizer, scopes, parts).await,
                None => Err(Denied { refusal: Refusal::Internal, reason: "The authorizer is gone.".to_owned() }),
            },
        }
    }

    async fn authorize_signature(&self, parts: &http::request::Parts, body: &Bytes) -> Result<Authorized, Denied> {
        let denied = |reason: String| Denied { refusal: Refusal::Forbidden, reason };
        if signature::scope(&parts.headers, parts.uri.query()).is_none() {
            return Err(denied("The request is not signed.".to_owned()));
        }
        let caller = signature::check(&self.iam, &self.place.region, "execute-api", parts, body)
            .await
            .map_err(|error| denied(error.message))?;
        let identity = self.identity(&caller, access_key(parts).unwrap_or_default());
        let context = json!({
            "iam": {
                "accessKey": identity.access_key,
                "accountId": identity.account_id,
                "callerId": identity.caller,
                "cognitoIdentity": null,
                "principalOrgId": null,
                "userArn": identity.user_arn,
                "userId": identity.caller,
            }
        });
        Ok(Authorized { context: Some(context), claims: BTreeMap::new(), identity: Some(identity) })
    }

    fn identity(&self, caller: &Caller, access_key: String) -> Identity {
        let account_id = self.place.account_id.clone();
        let (id, user_arn) = match caller {
            Caller::Role { role_arn, session_name } => {
                let role = role_arn.rsplit('/').next().unwrap_or_default();
                let arn = format!("arn:aws:sts::{account_id}:assumed-role/{role}/{session_name}");
                (format!("{access_key}:{session_name}"), arn)
            }
            Caller::Account | Caller::Service(_) => (account_id.clone(), format!("arn:aws:iam::{account_id}:root")),
        };
        Identity { access_key, account_id, caller: id, user_arn }
    }

    async fn authorize_token(
        &self,
        authorizer: &Authorizer,
        scopes: &[String],
        parts: &http::request::Parts,
    ) -> Result<Authorized, Denied> {
        let text = TokenPlace::parse(&authorizer.identity_source)
            .and_then(|place| place.find(&parts.headers, parts.uri.query()))
            .ok_or_else(|| Denied {
                refusal: Refusal::Unauthorized("Bearer".to_owned()),
                reason: "The request has no token.".to_owned(),
            })?;
        let invalid = |reason: String| Denied {
            refusal: Refusal::Unauthorized(format!(
                "Bearer scope=\"\" error=\"invalid_token\" error_description=\"{}\"",
                reason.replace(['"', '\\'], "'"),
            )),
            reason,
        };
        let token = Token::parse(&text).map_err(invalid)?;
        let keys = self.keys.of_issuer(&authorizer.issuer, token.key_id.as_deref()).await.map_err(invalid)?;
        let claims = token.verify(authorizer, &keys, Timestamp::now().as_second()).map_err(invalid)?;
        let granted = claims.scopes();
        if !scopes.is_empty() && !scopes.iter().any(|scope| granted.contains(scope)) {
            return Err(Denied {
                refusal: Refusal::Forbidden,
                reason: format!("The token grants none of the scopes {}.", scopes.join(", ")),
            });
        }
        let texts = claims.texts();
        // AWS names the scopes only where the route asks for some.
        let shown = if scopes.is_empty() { Value::Null } else { granted.into() };
        let context = json!({ "jwt": { "claims": texts, "scopes": shown } });
        Ok(Authorized { context: Some(context), claims: texts, identity: None })
    }
}

/// The public part of the keys that signed a request.
fn access_key(parts: &http::request::Parts) -> Option<String> {
    let in_header = parts
        .headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("Credential="))
        .map(|(_, rest)| rest.to_owned());
    let credential = in_header.or_else(|| {
        let mut query = crate::wire::rest_json::parse_query(parts.uri.query().unwrap_or_default());
        query.remove("X-Amz-Credential")?.into_iter().next()
    })?;
    credential.split('/').next().map(str::to_owned)
}
