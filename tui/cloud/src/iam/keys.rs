//! Credentials: the account's own, and those of sessions, which end.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use crate::caller::Caller;

/// How many sessions that callers of STS asked for are remembered; the oldest are forgotten first.
const SESSIONS_KEPT: usize = 10_000;

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
    /// When the session ends; `None`: with its role or with the cloud.
    pub expires: Option<Timestamp>,
}

/// Every key that signs, and whose it is.
#[derive(Default)]
pub(super) struct Keys {
    owners: HashMap<String, KeyOwner>,
    /// The sessions that services hold: one for each role, service and name, handed out again.
    services: HashMap<(String, String, String), Credentials>,
    /// Access key ids of the sessions that STS handed out, oldest first.
    sessions: VecDeque<String>,
}

impl Keys {
    /// Fresh keys of the account itself.
    pub fn account(&mut self) -> Credentials {
        let credentials = Credentials {
            access_key_id: format!("AKIA{}", random_text(16, KEY_ID_LETTERS)),
            secret_access_key: random_text(40, LETTERS),
            session_token: None,
        };
        self.remember(&credentials, Caller::Account, None);
        credentials
    }

    /// The keys of a service's session; made when first asked for, so that a long-lived cloud with
    /// many function processes holds one for each function and no more.
    pub fn service_session(&mut self, role_arn: &str, service: &str, session_name: &str) -> Credentials {
        let name = (role_arn.to_owned(), service.to_owned(), session_name.to_owned());
        if let Some(known) = self.services.get(&name) {
            return known.clone();
        }
        let credentials = session_credentials();
        let caller = Caller::Role { role_arn: role_arn.to_owned(), session_name: session_name.to_owned() };
        self.remember(&credentials, caller, None);
        self.services.insert(name, credentials.clone());
        credentials
    }

    /// The keys of a session that lasts `lifetime`, and when it ends.
    pub fn session(&mut self, caller: Caller, lifetime: SignedDuration) -> (Credentials, Timestamp) {
        let credentials = session_credentials();
        let expires = Timestamp::now().checked_add(lifetime).unwrap_or(Timestamp::MAX);
        self.remember(&credentials, caller, Some(expires));
        self.sessions.push_back(credentials.access_key_id.clone());
        if self.sessions.len() > SESSIONS_KEPT
            && let Some(oldest) = self.sessions.pop_front()
        {
            self.owners.remove(&oldest);
        }
        (credentials, expires)
    }

    /// Ends every session of a role, as its deletion does.
    pub fn end_sessions_of(&mut self, deleted_arn: &str) {
        self.owners.retain(
            |_, owner| !matches!(&owner.caller, Caller::Role { role_arn, .. } if role_arn.as_str() == deleted_arn),
        );
        self.services.retain(|(role_arn, ..), _| role_arn != deleted_arn);
        let owners = &self.owners;
        self.sessions.retain(|access_key_id| owners.contains_key(access_key_id));
    }

    /// Whose keys these are; `None`: nobody's, or the session is over.
    pub fn owner(&self, access_key_id: &str) -> Option<KeyOwner> {
        self.owners.get(access_key_id).filter(|owner| !owner.is_over()).cloned()
    }

    /// Whether these keys belong to a session that is over.
    pub fn is_expired(&self, access_key_id: &str) -> bool {
        self.owners.get(access_key_id).is_some_and(KeyOwner::is_over)
    }

    fn remember(&mut self, credentials: &Credentials, caller: Caller, expires: Option<Timestamp>) {
        let owner = KeyOwner {
            secret_access_key: credentials.secret_access_key.clone(),
            session_token: credentials.session_token.clone(),
            caller,
            expires,
        };
        self.owners.insert(credentials.access_key_id.clone(), owner);
    }
}

impl KeyOwner {
    fn is_over(&self) -> bool {
        self.expires.is_some_and(|end| Timestamp::now() >= end)
    }
}

const KEY_ID_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn session_credentials() -> Credentials {
    Credentials {
        access_key_id: format!("ASIA{}", random_text(16, KEY_ID_LETTERS)),
        secret_access_key: random_text(40, LETTERS),
        session_token: Some(random_text(120, LETTERS)),
    }
}

/// A unique id as IAM makes them: `AROA` and 17 more for a role.
pub(super) fn unique_id(prefix: &str) -> String {
    format!("{prefix}{}", random_text(17, KEY_ID_LETTERS))
}

/// Random letters out of an alphabet.
fn random_text(length: usize, alphabet: &[u8]) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(alphabet[random.random_range(0..alphabet.len())])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::000000000000:role/r";

    #[test]
    fn a_function_gets_the_same_keys_again() {
        let mut keys = Keys::default();
        let first = keys.service_session(ROLE, "lambda.amazonaws.com", "f");
        let again = keys.service_session(ROLE, "lambda.amazonaws.com", "f");
        let other = keys.service_session(ROLE, "lambda.amazonaws.com", "g");
        assert_eq!(first.access_key_id, again.access_key_id);
        assert_ne!(first.access_key_id, other.access_key_id);
    }

    #[test]
    fn sessions_end_with_their_role() {
        let mut keys = Keys::default();
        let service = keys.service_session(ROLE, "lambda.amazonaws.com", "f");
        let caller = Caller::Role { role_arn: ROLE.to_owned(), session_name: "s".to_owned() };
        let (session, _) = keys.session(caller, SignedDuration::from_hours(1));
        keys.end_sessions_of(ROLE);
        assert!(keys.owner(&service.access_key_id).is_none());
        assert!(keys.owner(&session.access_key_id).is_none());
        assert!(keys.sessions.is_empty());
    }

    #[test]
    fn an_expired_session_signs_nothing_and_is_known_as_expired() {
        let mut keys = Keys::default();
        let (session, _) = keys.session(Caller::Account, SignedDuration::ZERO);
        assert!(keys.owner(&session.access_key_id).is_none());
        assert!(keys.is_expired(&session.access_key_id));
        assert!(!keys.is_expired("AKIAUNKNOWN"));
    }

    #[test]
    fn the_oldest_of_too_many_sessions_is_forgotten() {
        let mut keys = Keys::default();
        let (first, _) = keys.session(Caller::Account, SignedDuration::from_hours(1));
        for _ in 0..SESSIONS_KEPT {
            keys.session(Caller::Account, SignedDuration::from_hours(1));
        }
        assert!(keys.owner(&first.access_key_id).is_none());
        assert_eq!(keys.owners.len(), SESSIONS_KEPT);
    }
}
