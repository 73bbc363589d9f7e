//! Where the pipeline lives: the embedded cloud, AWS, or an endpoint that speaks like it. From here
//! come the SDK's clients and the identity.
//!
//! Every call passes one interceptor, which records it, and one HTTP client, which holds the budget.

mod activity;
mod budget;
mod calls;
mod clients;
mod clock;
#[cfg(feature = "local")]
mod embedded;
mod endpoints;
mod errors;
mod folders;
mod http;
mod identity;
mod login;
mod notices;
#[cfg(feature = "local")]
mod orders;
mod profile;
mod recorder;
#[cfg(feature = "local")]
mod registration;
#[cfg(test)]
pub mod replay;
mod stack_events;
#[cfg(test)]
mod tests;
mod time;

use std::{sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, identity::IdentityCache, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use tailwater_core::events::Timestamp;

pub use activity::Stirred;
pub use budget::{BUDGET_WINDOW, BudgetState};
pub use calls::CallReceiver;
use clock::UNNOTICED_OFFSET;
pub use clock::now;
#[cfg(feature = "local")]
pub use embedded::{Embedded, cloud_options};
pub use endpoints::ServiceEndpoint;
pub use errors::{causes, error_text, is_unknown_operation};
pub use folders::state_folder;
pub use http::{CaBundle, is_loopback};
pub use identity::Identity;
pub use notices::NoticeReceiver;
#[cfg(feature = "local")]
pub use orders::{OrderError, Orders};
pub use recorder::OfShard;
#[cfg(feature = "local")]
pub use registration::Claim;
#[cfg(feature = "local")]
pub use registration::Registration;
pub use stack_events::{StackEvents, StackEventsError};
#[cfg(test)]
pub use time::Moved;
pub use time::Time;

use activity::Activity;
use budget::Budget;
use calls::Subscribers;
use clients::Clients;
use clock::Clock;
use http::Http;
use login::{Advice, Login};
use notices::Notices;
use profile::Origin;
use recorder::Recorder;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an operation may take with its retries.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(90);

/// Which kind of place the pipeline lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The embedded cloud.
    Local,
    /// AWS itself.
    Aws,
    /// An endpoint that speaks like AWS.
    Custom,
}

/// How AWS is reached, as the command line says it.
#[derive(Debug, Clone, Default)]
pub struct AwsOptions {
    /// One endpoint for every service.
    pub endpoint_url: Option<String>,
    /// The profile's name.
    pub profile: Option<String>,
    /// The region's name.
    pub region: Option<String>,
    /// What is wanted although it costs extra.
    pub extras: Extras,
}

/// What costs extra on AWS, and is there only where it is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extras {
    /// Records by enhanced fan-out.
    pub fan_out: bool,
    /// Logs by Live Tail.
    pub live_tail: bool,
}

/// Why a target cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// `--target aws` without any region.
    #[error(
        "no AWS region is set: give --region NAME, set AWS_REGION, or run `aws configure set region NAME`{for_profile}"
    )]
    NoRegion {
        /// ` --profile NAME`, where one was chosen.
        for_profile: String,
    },
    /// The identity could not be read.
    #[error("asked {place} who these credentials belong to: {answer}. {advice}")]
    Identity {
        /// The endpoint or `AWS`.
        place: String,
        /// What came back.
        answer: String,
        /// What to do.
        advice: String,
    },
    /// The profile's role wants a second factor.
    #[error(
        "profile {profile} assumes a role that wants a code of {serial} (mfa_serial), which AWS's SDK for Rust can't \
         ask for. Let the AWS CLI ask: `eval \"$(aws configure export-credentials --profile {profile} --format env)\"`, \
         then run this without --profile; or give the profile a credential_process that asks"
    )]
    Mfa {
        /// The profile's name.
        profile: String,
        /// The device.
        serial: String,
    },
    /// The certificates can't be read.
    #[error("read the certificates to trust (AWS_CA_BUNDLE, or ca_bundle of the profile) from {path}: {reason}")]
    CaBundle {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The credentials are of a partition without the services.
    #[error(
        "these credentials are of the partition {0}, where the pipeline can't be made: Tailwater knows aws, aws-cn and \
         aws-us-gov. Choose another --profile"
    )]
    Partition(String),
    /// The embedded cloud could not be started.
    #[cfg(feature = "local")]
    #[error("{0}")]
    Cloud(String),
}

/// Where the pipeline lives.
#[derive(Clone)]
pub struct Target {
    kind: Kind,
    config: SdkConfig,
    identity: Identity,
    profile: Option<String>,
    endpoint_url: Option<String>,
    extras: Extras,
    shared: Arc<Shared>,
    /// Keeps an embedded cloud of our own alive, and is `None` where another program runs it.
    #[cfg(feature = "local")]
    embedded: Option<Arc<Embedded>>,
}

/// What all clones of a target share.
struct Shared {
    time: Time,
    budget: Arc<Budget>,
    http: Http,
    login: Login,
    recorder: Recorder,
    activity: Activity,
    clients: Clients,
}

impl Shared {
    fn new(time: Time, budget: Arc<Budget>, http: Http, login: Login, notices: Notices, measures_clock: bool) -> Self {
        let recorder = Recorder {
            subscribers: Subscribers::default(),
            clock: Arc::new(Clock::default()),
            measures_clock,
            login: login.clone(),
            notices,
        };
        Self { time, budget, http, login, recorder, activity: Activity::new(), clients: Clients::default() }
    }
}

impl Target {
    /// The embedded cloud that a registration names.
    #[cfg(feature = "local")]
    pub fn local(registration: &Registration, embedded: Option<Arc<Embedded>>) -> Self {
        let credentials = Credentials::new(
            &registration.access_key_id,
            &registration.secret_access_key,
            None,
            None,
            "tailwater-local",
        );
        let time = Time::default();
        let budget = Arc::new(Budget::new(time.clone(), false));
        let http = Http::to_this_machine(budget.clone());
        let notices = Notices::new();
        let login = Login::fixed(credentials, notices.clone());
        let config = own_config(&registration.region, &login, http.clone())
            .endpoint_url(&registration.endpoint_url)
            .stalled_stream_protection(aws_config::stalled_stream_protection::StalledStreamProtectionConfig::disabled())
            .build();
        Self {
            kind: Kind::Local,
            config,
            identity: Identity {
                account_id: registration.account_id.clone(),
                arn: format!("arn:aws:iam::{}:root", registration.account_id),
            },
            profile: None,
            endpoint_url: Some(registration.endpoint_url.clone()),
            // Pushed records cost nothing here and come at once.
            extras: Extras { fan_out: true, live_tail: false },
            shared: Arc::new(Shared::new(time, budget, http, login, notices, false)),
            embedded,
        }
    }

    /// AWS, with the SDK's usual chain of settings and credentials; asks who they belong to.
    pub async fn aws(options: &AwsOptions) -> Result<Self, TargetError> {
        let facts = profile::facts(options.profile.as_deref()).await;
        let from_environment = options.profile.is_none() && std::env::var_os("AWS_ACCESS_KEY_ID").is_some();
        if let Some(facts) = facts.as_ref().filter(|_| !from_environment)
            && let Some(serial) = &facts.mfa_serial
        {
            return Err(TargetError::Mfa { profile: facts.name.clone(), serial: serial.clone() });
        }
        let bundle = std::env::var("AWS_CA_BUNDLE").ok().or_else(|| facts.as_ref()?.ca_bundle.clone());
        let bundle = bundle.filter(|path| !path.is_empty());
        let bundle = bundle.map(|path| CaBundle::read(path.as_ref())).transpose()?;

        let time = Time::default();
        let budget = Arc::new(Budget::new(time.clone(), true));
        let http = Http::new(budget.clone(), bundle);
        let notices = Notices::new();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts())
            .http_client(http.clone())
            .no_credentials();
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &options.endpoint_url {
            loader = loader.endpoint_url(endpoint);
        }
        let config = loader.load().await;
        if config.region().is_none() {
            let for_profile = options.profile.as_ref().map_or_else(String::new, |name| format!(" --profile {name}"));
            return Err(TargetError::NoRegion { for_profile });
        }
        let origin = if from_environment {
            Origin::Environment
        } else {
            facts.as_ref().map_or(Origin::Other, |facts| facts.origin)
        };
        let login = Login::chain(
            options.profile.clone(),
            config.region().cloned(),
            http.clone(),
            Advice::new(origin, facts.as_ref(), options.profile.is_some()),
            notices.clone(),
        );
        let config = config
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(login.clone()))
            .identity_cache(IdentityCache::no_cache())
            .build();
        let endpoint_url = config.endpoint_url().map(str::to_owned);
        let mut target = Self {
            kind: if endpoint_url.is_some() { Kind::Custom } else { Kind::Aws },
            config,
            identity: Identity::default(),
            // Keys in the environment go before the profile that it names.
            profile: options
                .profile
                .clone()
                .or_else(|| std::env::var("AWS_PROFILE").ok().filter(|_| !from_environment)),
            endpoint_url,
            extras: options.extras,
            shared: Arc::new(Shared::new(time, budget, http, login, notices, true)),
            #[cfg(feature = "local")]
            embedded: None,
        };
        target.identity = target.ask_identity().await?;
        if target.kind == Kind::Aws && !target.identity.is_supported() {
            return Err(TargetError::Partition(target.identity.partition().to_owned()));
        }
        Ok(target)
    }

    /// A target whose requests a test answers, in a time that the test moves.
    #[cfg(test)]
    pub fn scripted(http: impl aws_smithy_runtime_api::client::http::HttpClient + 'static, time: Time) -> Self {
        let budget = Arc::new(Budget::new(time.clone(), true));
        let http = Http::given(budget.clone(), aws_smithy_runtime_api::client::http::SharedHttpClient::new(http));
        let notices = Notices::new();
        let login = Login::fixed(Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"), notices.clone());
        Self {
            kind: Kind::Aws,
            config: own_config("eu-west-1", &login, http.clone()).build(),
            identity: Identity {
                account_id: "111122223333".to_owned(),
                arn: "arn:aws:iam::111122223333:user/test".to_owned(),
            },
            profile: None,
            endpoint_url: None,
            extras: Extras::default(),
            shared: Arc::new(Shared::new(time, budget, http, login, notices, true)),
            #[cfg(feature = "local")]
            embedded: None,
        }
    }

    /// The same at an endpoint that is not AWS's, with what is wanted of it.
    #[cfg(test)]
    #[must_use]
    pub fn elsewhere(mut self, extras: Extras) -> Self {
        self.kind = Kind::Custom;
        self.extras = extras;
        self
    }

    async fn ask_identity(&self) -> Result<Identity, TargetError> {
        let place = || self.endpoint_url.clone().unwrap_or_else(|| "AWS".to_owned());
        match self.sts().get_caller_identity().send().await {
            Ok(identity) => Ok(Identity {
                account_id: identity.account().unwrap_or_default().to_owned(),
                arn: identity.arn().unwrap_or_default().to_owned(),
            }),
            Err(error) => {
                let answer = error_text(&error);
                let of_credentials = || self.shared.login.advice().unwrap_or_default();
                let advice = identity::advice(&answer).unwrap_or_else(of_credentials).to_owned();
                Err(TargetError::Identity { place: place(), answer, advice })
            }
        }
    }

    /// Which kind of place it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it is the embedded cloud.
    pub fn is_local(&self) -> bool {
        self.kind == Kind::Local
    }

    /// The embedded cloud of this process, where it runs one.
    #[cfg(feature = "local")]
    pub fn embedded(&self) -> Option<&Arc<Embedded>> {
        self.embedded.as_ref()
    }

    /// Whether the embedded cloud of another process that was joined has ended.
    #[cfg(feature = "local")]
    pub fn is_gone(&self) -> bool {
        if !self.is_local() || self.embedded.is_some() {
            return false;
        }
        let found = Registration::find().ok().flatten();
        found.is_none_or(|found| Some(found.endpoint_url.as_str()) != self.endpoint_url())
    }

    /// Twelve digits.
    pub fn account_id(&self) -> &str {
        &self.identity.account_id
    }

    /// Whose credentials these are.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The region's name.
    pub fn region(&self) -> &str {
        self.config.region().map_or("", |region| region.as_ref())
    }

    /// The profile's name, where one was chosen.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The endpoint, where it is not AWS's own.
    pub fn endpoint_url(&self) -> Option<&str> {
        self.endpoint_url.as_deref()
    }

    /// Where the keys of the embedded cloud stand, for other tools.
    #[cfg(feature = "local")]
    pub fn keys_file(&self) -> Option<String> {
        let file = self.is_local().then(|| folders::runtime_folder().ok()).flatten()?.join(folders::REGISTRATION_FILE);
        Some(file.display().to_string())
    }

    /// Where the keys of the embedded cloud stand: there is none.
    #[cfg(not(feature = "local"))]
    #[expect(clippy::unused_self, reason = "as where there is one")]
    pub fn keys_file(&self) -> Option<String> {
        None
    }

    /// How often a source reads.
    pub fn pace(&self) -> Pace {
        if self.is_local() { Pace::LOCAL } else { Pace::AWS }
    }

    /// What is wanted although it costs extra.
    pub fn extras(&self) -> Extras {
        self.extras
    }

    /// The services that answer elsewhere than the others.
    pub fn service_endpoints(&self) -> Vec<ServiceEndpoint> {
        endpoints::all(&self.config)
    }

    /// When the credentials in use expire, where they say so.
    pub fn credentials_expire(&self) -> Option<Timestamp> {
        let since_epoch = self.shared.login.expires()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since_epoch.as_millis()).ok().map(Timestamp::from_millis)
    }

    /// The credentials in use, for what is signed outside the SDK.
    pub async fn credentials(&self) -> Result<Credentials, String> {
        self.shared.login.credentials().await.map_err(|error| causes(&error))
    }

    /// The certificates that are trusted instead of the system's.
    pub fn ca_bundle(&self) -> Option<&CaBundle> {
        self.shared.http.ca_bundle()
    }

    /// Every call from now on, as it ends.
    pub fn calls(&self) -> CallReceiver {
        self.shared.recorder.subscribers.subscribe()
    }

    /// How the budgets of calls stand.
    pub fn budget(&self) -> Vec<BudgetState> {
        self.shared.budget.state()
    }

    /// What is to be said of the target from now on: credentials that expired or are good again, a
    /// clock that is off. Each thing is said once.
    pub fn notices(&self) -> NoticeReceiver {
        self.shared.recorder.notices.listen()
    }

    /// Says something of what is done with the target, to whoever listens to its notices.
    pub fn notice(&self, text: String) {
        self.shared.recorder.notices.say(text);
    }

    /// Something was sent or came: sources that had become slow look at once.
    pub fn stir(&self) {
        self.shared.activity.stir();
    }

    /// Notices when something is sent or comes.
    pub fn stirred(&self) -> Stirred {
        self.shared.activity.watch()
    }

    /// The time by which sources wait.
    pub fn time(&self) -> &Time {
        &self.shared.time
    }

    /// The services' clock minus this machine's, in milliseconds; 0 where that can't be told apart.
    pub fn clock_offset_millis(&self) -> i64 {
        self.shared.recorder.clock.offset_millis()
    }

    /// Where a source begins that was asked to begin at this time of this machine's clock: by the
    /// services' clock, and on AWS by as much earlier as can't be told apart.
    pub fn beginning(&self, time: Timestamp) -> Timestamp {
        if self.is_local() { time } else { self.to_their_time(time).minus(UNNOTICED_OFFSET) }
    }

    /// Now, by the services' clock.
    pub fn now(&self) -> Timestamp {
        self.to_their_time(now())
    }

    /// A time of this machine's clock by the services' clock.
    pub fn to_their_time(&self, time: Timestamp) -> Timestamp {
        Timestamp::from_millis(time.as_millis().saturating_add(self.clock_offset_millis()))
    }

    /// Says which operation, `kinesis:ListShards`, an endpoint that is not AWS's lacks, where that is what
    /// the error means.
    pub fn lacks<E>(
        &self,
        operation: &str,
        error: &aws_smithy_runtime_api::client::result::SdkError<
            E,
            aws_smithy_runtime_api::client::orchestrator::HttpResponse,
        >,
    ) -> Option<String>
    where
        E: std::error::Error + aws_smithy_types::error::metadata::ProvideErrorMetadata + 'static,
    {
        let own = endpoints::of_operation(&self.config, operation);
        ((self.kind != Kind::Aws || own.is_some()) && is_unknown_operation(error)).then(|| {
            let place = own.as_deref().or(self.endpoint_url.as_deref()).unwrap_or("this endpoint");
            format!("this endpoint does not offer {operation} ({place} answered {})", error_text(error))
        })
    }
}

/// A configuration that takes nothing from the environment.
#[cfg(any(feature = "local", test))]
fn own_config(region: &str, login: &Login, http: Http) -> aws_types::sdk_config::Builder {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(login.clone()))
        .identity_cache(IdentityCache::no_cache())
        .http_client(http)
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(aws_smithy_async::rt::sleep::TokioSleep::new()))
        .time_source(aws_smithy_async::time::SystemTimeSource::new())
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts())
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// How often a source reads. What it may do at most is held by the budget.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two reads of a shard.
    pub records: Rested,
    /// Between two reads of a log group.
    pub logs: Rested,
    /// The same of a group that has lines only where something went wrong.
    pub errors: Rested,
    /// Between two listings of the bucket.
    pub objects: Rested,
    /// Between two reads of the events of a stack that is only watched.
    pub watched_stack: Rested,
    /// Between two reads of the events of a stack that is being deployed.
    pub stack: Duration,
}

/// How long a source rests between two reads.
#[derive(Debug, Clone, Copy)]
pub struct Rested {
    /// While things come.
    pub first: Duration,
    /// After nothing has come for a while.
    pub longest: Duration,
}

impl Rested {
    const fn millis(first: u64, longest: u64) -> Self {
        Self { first: Duration::from_millis(first), longest: Duration::from_millis(longest) }
    }
}

impl Pace {
    /// AWS: as often as the budget allows, and more and more seldom while nothing comes.
    pub const AWS: Self = Self {
        records: Rested::millis(500, 2_000),
        logs: Rested::millis(500, 4_000),
        errors: Rested::millis(5_000, 10_000),
        objects: Rested::millis(2_000, 8_000),
        watched_stack: Rested::millis(2_500, 10_000),
        stack: Duration::from_millis(2_500),
    };
    /// The embedded cloud, which is ours and answers in microseconds.
    pub const LOCAL: Self = Self {
        records: Rested::millis(250, 250),
        logs: Rested::millis(200, 200),
        errors: Rested::millis(200, 200),
        objects: Rested::millis(400, 400),
        watched_stack: Rested::millis(200, 200),
        stack: Duration::from_millis(50),
    };
}
