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
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};

/// How long an unused connection is kept. A function is frozen between invocations, and a connection
/// that the other side has closed meanwhile would cost an event its answer: it is not sent again
/// (see `put`). AWS keeps idle connections for longer than this.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);
/// The longest for a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(2);

/// Why there can be no client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigurationError {
    /// A variable that Lambda sets is not there.
    Missing(&'static str),
    /// The endpoint needs TLS, which [`plain_http`] does not have.
    NotPlainHttp(Option<String>),
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(formatter, "{name} is not set: Lambda sets it for every function"),
            Self::NotPlainHttp(endpoint) => write!(
                formatter,
                "this build of the function has no TLS: AWS_ENDPOINT_URL must begin with http://, and it is {}",
                endpoint.as_deref().unwrap_or("not set")
            ),
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
///
/// # Errors
/// Where the environment names no endpoint that begins with `http://`.
pub fn plain_http() -> Result<SharedHttpClient, ConfigurationError> {
    match endpoint(&|name: &str| env::var(name).ok().filter(|value| !value.is_empty())) {
        Some(endpoint) if endpoint.starts_with("http://") => Ok(http_client()),
        other => Err(ConfigurationError::NotPlainHttp(other)),
    }
}

pub(crate) fn http_client() -> SharedHttpClient {
    pooled(connector().build_http())
}

/// What every connector of the function has.
pub(crate) fn connector() -> ConnectorBuilder {
    Connector::builder()
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT).build())
        .sleep_impl(TokioSleep::new())
        .pool_idle_timeout(IDLE_CONNECTION)
}

/// The one connector as a client. The SDK's own builder makes a second one only to try it, which
/// reads the trusted certificates twice in a cold start.
pub(crate) fn pooled(connector: Connector) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(connector);
    http_client_fn(move |_, _| connector.clone())
}

/// The endpoint that the environment sets in place of AWS's own.
fn endpoint(variable: &impl Fn(&str) -> Option<String>) -> Option<String> {
    if is_true(variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
        return None;
    }
    variable("AWS_ENDPOINT_URL_KINESIS").or_else(|| variable("AWS_ENDPOINT_URL"))
}

fn is_true(value: Option<String>) -> bool {
    value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// The same as [`client`], from any source of variables. An empty one counts as not set.
pub(crate) fn configuration(
    http: SharedHttpClient,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Config, ConfigurationError> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let needed = |name| variable(name).ok_or(ConfigurationError::Missing(name));

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
        .use_fips(is_true(variable("AWS_USE_FIPS_ENDPOINT")))
        .use_dual_stack(is_true(variable("AWS_USE_DUALSTACK_ENDPOINT")))
        .http_client(http);
    builder.set_endpoint_url(endpoint(&variable));
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables<'a>(more: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + use<'a> {
        let lambdas = [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        move |name| more.iter().chain(&lambdas).find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn the_endpoint_of_the_service_goes_first_and_all_can_be_ignored() {
        let both = [("AWS_ENDPOINT_URL", "http://any"), ("AWS_ENDPOINT_URL_KINESIS", "http://kinesis")];
        assert_eq!(endpoint(&variables(&both)).as_deref(), Some("http://kinesis"));
        assert_eq!(endpoint(&variables(&both[..1])).as_deref(), Some("http://any"));
        let ignored = [both[0], ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE")];
        assert_eq!(endpoint(&variables(&ignored)), None);
    }

    #[test]
    fn what_lambda_sets_must_be_there() {
        assert_eq!(
            configuration(http_client(), variables(&[])).unwrap().region().map(ToString::to_string).as_deref(),
            Some("eu-west-1")
        );
        for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            let error = configuration(http_client(), variables(&[(name, "")])).unwrap_err();
            assert_eq!(error, ConfigurationError::Missing(name));
        }
    }
}
