//! IAM and STS: roles of the template, credentials, and who a signature belongs to.
//!
//! [`keys`] knows whose credentials are whose, [`roles`] the roles and their policies, [`policy`]
//! reads policy documents and decides who may assume a role, [`simulation`] what a role may do, [`sts`] hands sessions to callers.

mod keys;
mod managed;
mod operations;
mod policy;
mod role;
mod roles;
mod simulation;
mod sts;

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    Place,
    caller::Caller,
    wire::{Input, ServiceError, ServiceResult},
};

use self::{keys::Keys, policy::Assumer, roles::Roles};

pub use self::keys::Credentials;
pub(crate) use self::{
    keys::KeyOwner,
    operations::exists as has_operation,
    policy::{check_resource_policy, matches_wildcard},
    sts::without_signature,
};

/// Roles, credentials and attribution.
pub(crate) struct Iam {
    place: Arc<Place>,
    account: Credentials,
    keys: RwLock<Keys>,
    roles: RwLock<Roles>,
}

impl Iam {
    /// An account without roles, with fresh random keys.
    pub fn new(place: Arc<Place>) -> Arc<Self> {
        let mut keys = Keys::default();
        let account = keys.account();
        Arc::new(Self { place, account, keys: RwLock::new(keys), roles: RwLock::default() })
    }

    /// The account's own keys.
    pub fn account_credentials(&self) -> Credentials {
        self.account.clone()
    }

    /// Whose keys these are; `None`: nobody's, or the session is over.
    pub fn key_owner(&self, access_key_id: &str) -> Option<KeyOwner> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).owner(access_key_id)
    }

    /// Whether these keys belong to a session that has expired.
    pub fn is_expired(&self, access_key_id: &str) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).is_expired(access_key_id)
    }

    /// Keys for a session of a role, as Lambda hands them to a function; they are valid until the
    /// role is deleted, and the same for every session of that name. Fails with `NoSuchEntity` for
    /// a role that is not there and with `AccessDenied` for one that does not trust `service`
    /// (`lambda.amazonaws.com`, `firehose.amazonaws.com`); services have words of their own for both.
    pub fn assume_for_service(&self, role_arn: &str, service: &str, session_name: &str) -> ServiceResult<Credentials> {
        {
            let roles = self.roles.read().unwrap_or_else(PoisonError::into_inner);
            let role = roles.by_arn(role_arn).ok_or_else(|| roles::no_such_role(role_name(role_arn)))?;
            if !role.trust.allows(&self.place, &Assumer::Service(service)) {
                return Err(ServiceError::new(
                    403,
                    "AccessDenied",
                    format!("{service} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"),
                ));
            }
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        Ok(keys.service_session(role_arn, service, session_name))
    }

    /// An IAM operation (`CreateRole`, `PutRolePolicy`, …), input and output as JSON.
    #[expect(clippy::unused_async, reason = "every service is called alike")]
    pub async fn call(&self, _caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        let mut roles = self.roles.write().unwrap_or_else(PoisonError::into_inner);
        let answer = roles.call(&self.place, operation, input).map_err(query_words)?;
        if let Some(arn) = answer.deleted_role {
            self.keys.write().unwrap_or_else(PoisonError::into_inner).end_sessions_of(&arn);
        }
        Ok(answer.output)
    }

    /// An STS operation (`GetCallerIdentity`, `AssumeRole`).
    #[expect(clippy::unused_async, reason = "every service is called alike")]
    pub async fn call_sts(&self, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        self.sts(caller, operation, input).map_err(query_words)
    }
}

/// The last part of a role's ARN.
fn role_name(role_arn: &str) -> &str {
    role_arn.rsplit('/').next().unwrap_or(role_arn)
}

/// The query protocol calls a refused input `ValidationError`.
fn query_words(mut error: ServiceError) -> ServiceError {
    if matches!(error.code.as_str(), "ValidationException" | "SerializationException") {
        "ValidationError".clone_into(&mut error.code);
    }
    error
}
