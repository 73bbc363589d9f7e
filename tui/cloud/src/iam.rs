//! IAM and STS: roles of the template, credentials, and who a signature belongs to.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use rand::RngExt;

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
#[derive(Clone)]
pub(crate) struct KeyOwner {
    pub secret_access_key: String,
    /// A signature with these keys must carry this token.
    pub session_token: Option<String>,
    pub caller: Caller,
}

/// Roles, credentials and attribution.
pub(crate) struct Iam {
    place: Arc<Place>,
    account: Credentials,
    keys: RwLock<HashMap<String, KeyOwner>>,
}

impl Iam {
    /// An account without roles, with fresh random keys.
    pub fn new(place: Arc<Place>) -> Arc<Self> {
        let account = Credentials {
            access_key_id: format!("AKIA{}", random_text(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
            secret_access_key: random_text(40, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
            session_token: None,
        };
        let iam = Self { place, account: account.clone(), keys: RwLock::default() };
        iam.remember(&account, Caller::Account);
        Arc::new(iam)
    }

    fn remember(&self, credentials: &Credentials, caller: Caller) {
        let owner = KeyOwner {
            secret_access_key: credentials.secret_access_key.clone(),
            session_token: credentials.session_token.clone(),
            caller,
        };
        self.keys
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(credentials.access_key_id.clone(), owner);
    }

    /// The account's own keys.
    pub fn account_credentials(&self) -> Credentials {
        self.account.clone()
    }

    /// Whose keys these are; `None`: nobody's.
    pub fn key_owner(&self, access_key_id: &str) -> Option<KeyOwner> {
        self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(access_key_id).cloned()
    }

    /// Keys for a session of a role, as Lambda hands them to a function. The error is the one a
    /// service gives for a role that is not there or does not trust `service`
    /// (`lambda.amazonaws.com`, `firehose.amazonaws.com`).
    pub fn assume_for_service(&self, role_arn: &str, service: &str, session_name: &str) -> ServiceResult<Credentials> {
        let _ = (service, &self.place);
        let credentials = Credentials {
            access_key_id: format!("ASIA{}", random_text(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
            secret_access_key: random_text(40, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
            session_token: Some(random_text(120, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")),
        };
        let caller = Caller::Role { role_arn: role_arn.to_owned(), session_name: session_name.to_owned() };
        self.remember(&credentials, caller);
        Ok(credentials)
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

/// Random letters out of an alphabet.
fn random_text(length: usize, alphabet: &[u8]) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(alphabet[random.random_range(0..alphabet.len())])).collect()
}
