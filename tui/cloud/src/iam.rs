//! IAM and STS: roles of the template, credentials, and who a signature belongs to.

use std::sync::Arc;

use crate::{
    Place,
    caller::Caller,
    wire::{Input, ServiceError, ServiceResult},
};

/// Keys to sign calls with.
#[derive(Clone)]
pub struct Credentials {
    /// The public part.
    pub access_key_id: String,
    /// The secret part.
    pub secret_access_key: String,
    /// There for the credentials of a role.
    pub session_token: Option<String>,
}

/// Whose keys these are.
pub(crate) struct KeyOwner {
    pub secret_access_key: String,
    /// A signature with these keys must carry this token.
    pub session_token: Option<String>,
    pub caller: Caller,
}

/// Roles, credentials and attribution.
pub(crate) struct Iam {
    place: Arc<Place>,
}

impl Iam {
    /// An account without roles, with fresh random keys.
    pub fn new(place: Arc<Place>) -> Arc<Self> {
        Arc::new(Self { place })
    }

    /// The account's own keys.
    pub fn account_credentials(&self) -> Credentials {
        let _ = &self.place;
        todo!()
    }

    /// Whose keys these are; `None`: nobody's.
    pub fn key_owner(&self, access_key_id: &str) -> Option<KeyOwner> {
        let _ = access_key_id;
        None
    }

    /// Keys for a session of a role, as Lambda hands them to a function. The error is the one a
    /// service gives for a role that is not there or does not trust `service`
    /// (`lambda.amazonaws.com`, `firehose.amazonaws.com`).
    pub fn assume_for_service(&self, role_arn: &str, service: &str, session_name: &str) -> ServiceResult<Credentials> {
        let _ = (role_arn, service, session_name);
        Err(ServiceError::internal("not written"))
    }

    /// An IAM operation (`CreateRole`, `PutRolePolicy`, …), input and output as JSON.
    pub async fn call(&self, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        let _ = (caller, input);
        Err(ServiceError::unknown_operation("IAM", operation))
    }

    /// An STS operation (`GetCallerIdentity`, `AssumeRole`).
    pub async fn call_sts(&self, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        let _ = (caller, input);
        Err(ServiceError::unknown_operation("STS", operation))
    }
}
