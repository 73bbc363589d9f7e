//! STS: who a caller is, and sessions for callers.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html>

use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    caller::Caller,
    wire::{Input, ServiceError, ServiceResult},
};

use super::{Credentials, Iam, operations::not_offered, policy::Assumer, role_name};

/// A session's shortest life, in seconds.
const SHORTEST_SESSION: i64 = 900;
/// A role session's life where the caller does not say, in seconds.
const USUAL_SESSION: i64 = 3600;
/// The longest life of a session of the account itself, in seconds.
const LONGEST_ACCOUNT_SESSION: i64 = 3600;

/// What an operation that needs no signature is answered; `None`: it needs one.
pub(crate) fn without_signature(operation: &str) -> Option<ServiceError> {
    matches!(operation, "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity").then(|| not_offered("STS", operation))
}

impl Iam {
    pub(super) fn sts(&self, caller: &Caller, operation: &str, mut input: Input) -> ServiceResult {
        match operation {
            "GetCallerIdentity" => {
                input.finish()?;
                Ok(json!({
                    "UserId": self.user_id(caller),
                    "Account": self.place.account_id,
                    "Arn": self.caller_arn(caller),
                }))
            }
            "AssumeRole" => self.assume_role(caller, input),
            "GetSessionToken" => {
                let lifetime = lifetime(&mut input, LONGEST_ACCOUNT_SESSION)?;
                input.finish()?;
                if *caller != Caller::Account {
                    return Err(ServiceError::new(
                        403,
                        "AccessDenied",
                        "Cannot call GetSessionToken with session credentials",
                    ));
                }
                let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
                let (credentials, expires) = keys.session(Caller::Account, lifetime);
                Ok(json!({"Credentials": shape(&credentials, expires)}))
            }
            _ => Err(not_offered("STS", operation)),
        }
    }

    fn assume_role(&self, caller: &Caller, mut input: Input) -> ServiceResult {
        let role_arn = input.required("RoleArn")?;
        let session_name = input.required("RoleSessionName")?;
        check_session_name(&session_name)?;
        let external_id = input.string("ExternalId")?;
        let caller_arn = self.caller_arn(caller);
        let identity = match caller {
            Caller::Role { role_arn, .. } => role_arn.clone(),
            _ => caller_arn.clone(),
        };
        let assumer = Assumer::Identity { arn: &identity, external_id: external_id.as_deref() };
        let (longest, role_id) = {
            let roles = self.roles.read().unwrap_or_else(PoisonError::into_inner);
            let role =
                roles.by_arn(&role_arn).filter(|role| role.trust.allows(&self.place, &assumer)).ok_or_else(|| {
                    ServiceError::new(
                        403,
                        "AccessDenied",
                        format!(
                            "User: {caller_arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
                        ),
                    )
                })?;
            (role.max_session_seconds, role.id.clone())
        };
        let lifetime = lifetime(&mut input, longest)?;
        input.finish()?;
        let caller = Caller::Role { role_arn, session_name: session_name.clone() };
        let arn = self.caller_arn(&caller);
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let (credentials, expires) = keys.session(caller, lifetime);
        Ok(json!({
            "Credentials": shape(&credentials, expires),
            "AssumedRoleUser": {"AssumedRoleId": format!("{role_id}:{session_name}"), "Arn": arn},
        }))
    }

    /// The ARN that messages and `GetCallerIdentity` name a caller by.
    pub fn caller_arn(&self, caller: &Caller) -> String {
        let account = &self.place.account_id;
        match caller {
            Caller::Account | Caller::Service(_) => format!("arn:aws:iam::{account}:root"),
            Caller::Role { role_arn, session_name } => {
                format!("arn:aws:sts::{account}:assumed-role/{}/{session_name}", role_name(role_arn))
            }
        }
    }

    fn user_id(&self, caller: &Caller) -> String {
        match caller {
            Caller::Account | Caller::Service(_) => self.place.account_id.clone(),
            Caller::Role { role_arn, session_name } => {
                let roles = self.roles.read().unwrap_or_else(PoisonError::into_inner);
                let role_id = roles.by_arn(role_arn).map_or("AROA", |role| &role.id);
                format!("{role_id}:{session_name}")
            }
        }
    }
}

fn shape(credentials: &Credentials, expires: Timestamp) -> Value {
    json!({
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

fn lifetime(input: &mut Input, longest: i64) -> ServiceResult<SignedDuration> {
    match input.integer("DurationSeconds")?.unwrap_or(USUAL_SESSION) {
        seconds if seconds < SHORTEST_SESSION => Err(ServiceError::bad_request(
            "ValidationError",
            format!(
                "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: \
                 Member must have value greater than or equal to {SHORTEST_SESSION}"
            ),
        )),
        seconds if seconds > longest => Err(ServiceError::bad_request(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )),
        seconds => Ok(SignedDuration::from_secs(seconds)),
    }
}

fn check_session_name(name: &str) -> ServiceResult<()> {
    let length = name.chars().count();
    if (2..=64).contains(&length) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)) {
        return Ok(());
    }
    Err(ServiceError::bad_request(
        "ValidationError",
        format!(
            "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member \
             must satisfy regular expression pattern: [\\w+=,.@-]*"
        ),
    ))
}
