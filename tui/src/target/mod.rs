//! Where the pipeline lives: the embedded cloud, AWS, or an endpoint that speaks like it. From here
//! come the SDK's clients and the identity.

mod clock;
#[cfg(feature = "local")]
mod embedded;
mod folders;
#[cfg(feature = "local")]
mod registration;
mod stack_events;

#[cfg(feature = "local")]
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
#[cfg(feature = "local")]
use aws_credential_types::Credentials;

pub use clock::now;
#[cfg(feature = "local")]
pub use embedded::{Embedded, cloud_options};
pub use folders::state_folder;
#[cfg(feature = "local")]
pub use registration::Claim;
#[cfg(feature = "local")]
pub use registration::Registration;
pub use stack_events::{StackEvents, StackEventsError};

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
    #[error("asked {place} who these credentials belong to: {answer}; {advice}")]
    Identity {
        /// The endpoint or `AWS`.
        place: String,
        /// What came back.
        answer: String,
        /// What to do.
        advice: &'static str,
    },
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
    account_id: String,
    profile: Option<String>,
    endpoint_url: Option<String>,
    /// Keeps an embedded cloud of our own alive, and is `None` where another program runs it.
    #[cfg(feature = "local")]
    embedded: Option<Arc<Embedded>>,
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
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(registration.region.clone()))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
            .endpoint_url(&registration.endpoint_url)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
                aws_smithy_async::rt::sleep::TokioSleep::new(),
            ))
            .time_source(aws_smithy_async::time::SystemTimeSource::new())
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts())
            .stalled_stream_protection(aws_config::stalled_stream_protection::StalledStreamProtectionConfig::disabled())
            .build();
        Self {
            kind: Kind::Local,
            config,
            account_id: registration.account_id.clone(),
            profile: None,
            endpoint_url: Some(registration.endpoint_url.clone()),
            embedded,
        }
    }

    /// AWS, with the SDK's usual chain of settings and credentials; asks who they belong to.
    pub async fn aws(options: &AwsOptions) -> Result<Self, TargetError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard())
            .timeout_config(timeouts());
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
        let endpoint_url = config.endpoint_url().map(str::to_owned);
        let mut target = Self {
            kind: if endpoint_url.is_some() { Kind::Custom } else { Kind::Aws },
            config,
            account_id: String::new(),
            profile: options.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok()),
            endpoint_url,
            #[cfg(feature = "local")]
            embedded: None,
        };
        target.account_id = target.ask_account_id().await?;
        Ok(target)
    }

    async fn ask_account_id(&self) -> Result<String, TargetError> {
        let answer = aws_sdk_sts::Client::from_conf(aws_sdk_sts::config::Builder::from(&self.config).build())
            .get_caller_identity()
            .send()
            .await;
        match answer {
            Ok(identity) => Ok(identity.account().unwrap_or_default().to_owned()),
            Err(error) => Err(TargetError::Identity {
                place: self.endpoint_url.clone().unwrap_or_else(|| "AWS".to_owned()),
                answer: error_text(&error),
                advice: "log in again (`aws sso login`), choose another --profile, or check AWS_ACCESS_KEY_ID",
            }),
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
        &self.account_id
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

    /// How often a source may read. AWS's figures are the budget of AWS-wide limits; the embedded
    /// cloud is ours and answers in microseconds.
    pub fn pace(&self) -> Pace {
        if self.is_local() { Pace::LOCAL } else { Pace::AWS }
    }

    /// A client for CloudFormation.
    pub fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.config)
    }

    /// A client for Kinesis.
    pub fn kinesis(&self) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::new(&self.config)
    }

    /// A client for CloudWatch Logs.
    pub fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        aws_sdk_cloudwatchlogs::Client::new(&self.config)
    }

    /// A client for S3. Bucket names go into the path where the endpoint is not AWS's: its host
    /// has no names below it.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(self.kind != Kind::Aws);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// A client for Firehose.
    pub fn firehose(&self) -> aws_sdk_firehose::Client {
        aws_sdk_firehose::Client::new(&self.config)
    }

    /// A client for Lambda.
    pub fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.config)
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// How often a source reads.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two reads of a shard.
    pub records: Duration,
    /// Records come by enhanced fan-out, which costs nothing here and is pushed at once.
    pub fan_out: bool,
    /// Between two reads of a log group.
    pub logs: Duration,
    /// Between two listings of the bucket.
    pub objects: Duration,
    /// Between two reads of the stack's events.
    pub stack: Duration,
}

impl Pace {
    /// AWS: at most 2 reads a second of a shard, 2 of the logs in all, a listing in 2 s, stack
    /// events every 2 to 3 s.
    pub const AWS: Self = Self {
        records: Duration::from_millis(500),
        fan_out: false,
        logs: Duration::from_millis(1_500),
        objects: Duration::from_secs(2),
        stack: Duration::from_millis(2_500),
    };
    /// The embedded cloud.
    pub const LOCAL: Self = Self {
        records: Duration::from_millis(250),
        fan_out: true,
        logs: Duration::from_millis(200),
        objects: Duration::from_millis(400),
        stack: Duration::from_millis(50),
    };
}

/// An SDK error in one line: the service's code and words where it answered, else what failed on
/// the way there.
pub fn error_text<E, R>(error: &aws_smithy_runtime_api::client::result::SdkError<E, R>) -> String
where
    E: std::error::Error + aws_smithy_types::error::metadata::ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    if let Some(service) = error.as_service_error() {
        return match (service.code(), service.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => service.to_string(),
        };
    }
    causes(error)
}

/// An error with everything that caused it, in one line.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}
