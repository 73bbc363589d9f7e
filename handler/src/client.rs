//! The SDK's client, configured from Lambda's environment alone.
//!
//! `aws-config` would look for profiles, SSO and metadata services, none of which a function has,
//! and costs most of a cold start. Lambda documents the variables that it sets.

use std::{env, fmt, time::Duration};

use aws_credential_types::Credentials;
use aws_sdk_kinesis::{
    Client, Config,
    config::{BehaviorVersion, IdentityCache, Region, SharedHttpClient, StalledStreamProtectionConfig},
};
use aws_smithy_async::rt::sleep::TokioSleep;

/// How long an unused connection is kept. A function is frozen between invocations, and a connection
/// that the other side has closed meanwhile would cost an event its answer: it is not sent again
/// (see `put`). AWS keeps idle connections for longer than this.
pub(crate) const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// Why there can be no client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigurationError {
    /// A variable that Lambda sets is not there.
    Missing(&'static str),
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(formatter, "{name} is not set: Lambda sets it for every function"),
        }
    }
}

impl std::error::Error for ConfigurationError {}

/// A client for the region, credentials and endpoint of Lambda's environment: `AWS_REGION`,
/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, and where set
/// `AWS_ENDPOINT_URL_KINESIS` or else `AWS_ENDPOINT_URL`, `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`,
/// `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`.
pub fn client(http: SharedHttpClient) -> Result<Client, ConfigurationError> {
    configuration(http, |name| env::var(name).ok()).map(Client::from_conf)
}

/// HTTP without TLS, for an endpoint on this machine.
pub fn plain_http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().pool_idle_timeout(IDLE_CONNECTION).build_http()
}

/// The same as [`client`], from any source of variables. An empty one counts as not set.
pub(crate) fn configuration(
    http: SharedHttpClient,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Config, ConfigurationError> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let needed = |name| variable(name).ok_or(ConfigurationError::Missing(name));
    let is_true = |name| variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));

    let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    let credentials = Credentials::new(
        needed("AWS_ACCESS_KEY_ID")?,
        needed("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "Lambda's environment",
    );
    let mut builder = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.ok_or(ConfigurationError::Missing("AWS_REGION"))?))
        .credentials_provider(credentials)
        .identity_cache(IdentityCache::no_cache())
        .sleep_impl(TokioSleep::new())
        // An answer of Kinesis is one small frame: there is no stream to stall.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .use_fips(is_true("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_true("AWS_USE_DUALSTACK_ENDPOINT"))
        .http_client(http);
    if !is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
        builder.set_endpoint_url(variable("AWS_ENDPOINT_URL_KINESIS").or_else(|| variable("AWS_ENDPOINT_URL")));
    }
    Ok(builder.build())
}
