//! The credentials of a target, which may expire and be renewed while it is used.
//!
//! The SDK reads the shared files once and keeps what it found. A login in another terminal would
//! then need a restart, so the chain is built anew whenever credentials are due or were refused.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_config::{
    Region, default_provider::credentials::DefaultCredentialsChain, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, Result as ProviderResult, future},
};

use super::{
    causes,
    http::Http,
    notices::Notices,
    profile::{Origin, ProfileFacts},
};

/// Credentials are renewed this long before they expire.
const RENEWED_BEFORE: Duration = Duration::from_mins(1);
/// Credentials that don't say when they expire are read again after this long.
const READ_AGAIN: Duration = Duration::from_mins(15);

/// Codes that say that credentials have expired.
const EXPIRED: [&str; 4] = ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];
/// Codes that say that credentials are not, or no longer, right.
const UNKNOWN: [&str; 7] = [
    // The key is known, its secret another: the SDK has corrected the clock by then.
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidToken",
    "InvalidAccessKeyIdException",
];

/// Gives out credentials.
#[derive(Debug, Clone)]
pub(super) struct Login(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    source: Source,
    notices: Notices,
    /// One at a time reads them; the others then have what it found.
    reading: tokio::sync::Mutex<()>,
    held: Mutex<Option<Held>>,
    /// Someone was told that they are no longer good.
    told: AtomicBool,
}

#[derive(Debug, Clone)]
struct Held {
    credentials: Credentials,
    until: SystemTime,
}

/// Where they come from.
#[derive(Debug)]
enum Source {
    /// The same as long as the target is there.
    #[cfg(any(feature = "local", test))]
    Fixed(Credentials),
    /// The usual chain. A profile that was named explicitly goes before the environment, as in the
    /// AWS CLI.
    Chain { profile: Option<String>, region: Option<Region>, http: Http, advice: Advice },
}

/// What to say when they are no longer good.
#[derive(Debug, Clone)]
pub(super) struct Advice(String);

impl Advice {
    /// By where credentials come from.
    pub(super) fn new(origin: Origin, profile: Option<&ProfileFacts>, explicit: bool) -> Self {
        let name = profile.map_or("default", |profile| profile.name.as_str());
        let of_profile = if explicit || name != "default" { format!(" --profile {name}") } else { String::new() };
        let picked_up = "They are picked up without a restart.";
        Self(match origin {
            Origin::Sso => format!("Log in again: `aws sso login{of_profile}`. {picked_up}"),
            Origin::Console => format!("Log in again: `aws login{of_profile}`. {picked_up}"),
            Origin::Process => {
                format!("The credential_process of profile {name} has to give new ones: log in with it. {picked_up}")
            }
            Origin::Keys => format!("Put new keys into profile {name}: `aws configure{of_profile}`. {picked_up}"),
            Origin::Environment => "They came from AWS_ACCESS_KEY_ID and its like, which can't change under a running \
                 program: set new ones and start again, or log in with a profile (--profile NAME)."
                .to_owned(),
            Origin::Other => {
                format!("Log in again (`aws sso login{of_profile}`, `aws login{of_profile}`). {picked_up}")
            }
        })
    }

    /// The words.
    pub(super) fn words(&self) -> &str {
        &self.0
    }
}

impl Login {
    /// These, always.
    #[cfg(any(feature = "local", test))]
    pub(super) fn fixed(credentials: Credentials, notices: Notices) -> Self {
        Self::with(Source::Fixed(credentials), notices)
    }

    /// By the usual chain.
    pub(super) fn chain(
        profile: Option<String>,
        region: Option<Region>,
        http: Http,
        advice: Advice,
        notices: Notices,
    ) -> Self {
        Self::with(Source::Chain { profile, region, http, advice }, notices)
    }

    fn with(source: Source, notices: Notices) -> Self {
        let shared = Shared {
            source,
            notices,
            reading: tokio::sync::Mutex::default(),
            held: Mutex::default(),
            told: AtomicBool::new(false),
        };
        Self(Arc::new(shared))
    }

    fn held(&self) -> Option<Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When the credentials in use expire, where they say so.
    pub(super) fn expires(&self) -> Option<SystemTime> {
        self.held()?.credentials.expiry()
    }

    /// Credentials that are good as far as is known here.
    pub(super) async fn credentials(&self) -> ProviderResult {
        let fresh = || self.held().filter(|held| held.until > SystemTime::now()).map(|held| held.credentials);
        if let Some(credentials) = fresh() {
            return Ok(credentials);
        }
        let _reading = self.0.reading.lock().await;
        if let Some(credentials) = fresh() {
            return Ok(credentials);
        }
        let now = SystemTime::now();
        let read = match &self.0.source {
            #[cfg(any(feature = "local", test))]
            Source::Fixed(credentials) => Ok(credentials.clone()),
            Source::Chain { profile: Some(profile), region, http, .. } => {
                let config =
                    ProviderConfig::without_region().with_http_client(http.clone()).with_region(region.clone());
                let provider = ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&config);
                provider.build().provide_credentials().await
            }
            Source::Chain { profile: None, region, http, .. } => {
                let config = ProviderConfig::without_region().with_http_client(http.clone());
                let chain = DefaultCredentialsChain::builder().configure(config).region(region.clone()).build().await;
                chain.provide_credentials().await
            }
        };
        match read {
            Ok(credentials) => {
                let until = match credentials.expiry() {
                    Some(expiry) => expiry.checked_sub(RENEWED_BEFORE).unwrap_or(expiry).max(now),
                    None => now + READ_AGAIN,
                };
                let held = Held { credentials: credentials.clone(), until };
                *self.0.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                Ok(credentials)
            }
            Err(error) => {
                // What is held may be good for its last minute.
                if let Some(held) = self.held()
                    && held.credentials.expiry().is_none_or(|expiry| expiry > now)
                {
                    return Ok(held.credentials);
                }
                self.tell(&format!("The credentials can't be renewed ({}).", causes(&error)));
                Err(error)
            }
        }
    }

    /// A call was answered with this code.
    pub(super) fn refused(&self, code: &str) {
        let what = if EXPIRED.contains(&code) {
            "have expired"
        } else if UNKNOWN.contains(&code) {
            "are not right, or no longer"
        } else {
            return;
        };
        *self.0.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.tell(&format!("The credentials {what} ({code})."));
    }

    /// A call was answered.
    pub(super) fn accepted(&self) {
        if self.0.told.load(Ordering::Relaxed) && self.0.told.swap(false, Ordering::Relaxed) {
            self.0.notices.say("The credentials are good again.".to_owned());
        }
    }

    /// Says it once, until they are good again.
    fn tell(&self, what: &str) {
        if let Some(advice) = self.advice()
            && !self.0.told.swap(true, Ordering::Relaxed)
        {
            self.0.notices.say(format!("{what} {advice}"));
        }
    }

    /// What to do when they are no longer good.
    #[cfg_attr(
        not(any(feature = "local", test)),
        expect(clippy::unnecessary_wraps, reason = "the embedded cloud's keys need no advice")
    )]
    pub(super) fn advice(&self) -> Option<&str> {
        match &self.0.source {
            #[cfg(any(feature = "local", test))]
            Source::Fixed(_) => None,
            Source::Chain { advice, .. } => Some(advice.words()),
        }
    }
}

impl ProvideCredentials for Login {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}
