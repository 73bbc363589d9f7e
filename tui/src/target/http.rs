//! How requests leave: over proxies and with a company's own certificates as in every AWS tool, past
//! proxies to this machine, each in its place in the budget, and over fresh connections after a sleep.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use aws_smithy_http_client::{
    Builder, ConnectorBuilder,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    connector_metadata::ConnectorMetadata,
    dns::{DnsFuture, ResolveDns, ResolveDnsError},
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};

use super::{TargetError, budget::Budget, recorder::Spend};

/// A wall clock that ran so much further than this program did means that the machine slept.
const SLEPT: Duration = Duration::from_secs(20);

/// Certificates to trust instead of the system's: `AWS_CA_BUNDLE`, or a profile's `ca_bundle`.
#[derive(Debug, Clone)]
pub struct CaBundle {
    path: PathBuf,
    pem: Vec<u8>,
}

impl CaBundle {
    /// Reads and checks it.
    pub(super) fn read(path: &Path) -> Result<Self, TargetError> {
        let trouble = |reason: String| TargetError::CaBundle { path: path.display().to_string(), reason };
        let pem = std::fs::read(path).map_err(|error| trouble(error.to_string()))?;
        let bundle = Self { path: path.to_owned(), pem };
        let certificates = bundle.certificates().map_err(|error| trouble(super::causes(&error)))?;
        if certificates.is_empty() {
            return Err(trouble("it holds no certificate (-----BEGIN CERTIFICATE-----)".to_owned()));
        }
        // What can't be read as a certificate shows when a client is made of it.
        let made = reqwest::Client::builder().tls_certs_only(certificates).build();
        made.map_err(|error| trouble(super::causes(&error)))?;
        Ok(bundle)
    }

    /// For `reqwest`.
    pub fn certificates(&self) -> Result<Vec<reqwest::Certificate>, reqwest::Error> {
        reqwest::Certificate::from_pem_bundle(&self.pem)
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether a host is this machine. Names under `localhost` are, too (RFC 6761).
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Knows the names under `localhost`, which not every system's resolver does.
#[derive(Debug, Clone)]
struct Names;

impl ResolveDns for Names {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await;
            match found {
                Ok(addresses) => Ok(addresses.map(|address| address.ip()).collect()),
                Err(_) if is_loopback(name) => Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
                Err(error) => Err(ResolveDnsError::new(error)),
            }
        })
    }
}

/// How requests reach this machine, and how they reach others.
#[derive(Debug, Clone)]
struct Ways {
    here: SharedHttpClient,
    outside: SharedHttpClient,
}

impl Ways {
    fn new(ca_bundle: Option<&CaBundle>) -> Self {
        Self { here: client(ca_bundle, false), outside: client(ca_bundle, true) }
    }
}

fn client(ca_bundle: Option<&CaBundle>, proxies: bool) -> SharedHttpClient {
    let pem = ca_bundle.map(|bundle| bundle.pem.clone());
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        builder.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder.set_proxy_config(Some(if proxies { ProxyConfig::from_env() } else { ProxyConfig::disabled() }));
        if let Some(pem) = &pem {
            let trust = TrustStore::empty().with_pem_certificate(pem.clone());
            if let Ok(context) = TlsContext::builder().with_trust_store(trust).build() {
                builder.set_tls_context(context);
            }
        }
        builder.build_with_resolver(Names)
    })
}

/// The HTTP client of a target.
#[derive(Debug, Clone)]
pub(super) struct Http {
    budget: Arc<Budget>,
    ca_bundle: Option<CaBundle>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    ways: Ways,
    /// A client that a test gave, instead of the ways.
    given: Option<SharedHttpClient>,
    last: (Instant, SystemTime),
}

impl Http {
    /// With what the environment says of proxies.
    pub(super) fn new(budget: Arc<Budget>, ca_bundle: Option<CaBundle>) -> Self {
        let ways = Ways::new(ca_bundle.as_ref());
        Self::with(budget, ca_bundle, ways, None)
    }

    /// To this machine alone, without certificates.
    #[cfg(feature = "local")]
    pub(super) fn to_this_machine(budget: Arc<Budget>) -> Self {
        let plain = Builder::new().build_http();
        Self::with(budget, None, Ways { here: plain.clone(), outside: plain }, None)
    }

    #[cfg(test)]
    pub(super) fn given(budget: Arc<Budget>, client: SharedHttpClient) -> Self {
        let ways = Ways { here: client.clone(), outside: client.clone() };
        Self::with(budget, None, ways, Some(client))
    }

    fn with(budget: Arc<Budget>, ca_bundle: Option<CaBundle>, ways: Ways, given: Option<SharedHttpClient>) -> Self {
        let state = State { ways, given, last: (Instant::now(), SystemTime::now()) };
        Self { budget, ca_bundle, state: Arc::new(Mutex::new(state)) }
    }

    /// What is trusted instead of the system's certificates.
    pub(super) fn ca_bundle(&self) -> Option<&CaBundle> {
        self.ca_bundle.as_ref()
    }

    /// The ways, with new connections where the machine slept: the old ones are dead and do not say so.
    fn ways(&self) -> Ways {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (Instant::now(), SystemTime::now());
        if slept(state.last, now) && state.given.is_none() {
            state.ways = Ways::new(self.ca_bundle.as_ref());
        }
        state.last = now;
        state.ways.clone()
    }
}

fn slept(before: (Instant, SystemTime), now: (Instant, SystemTime)) -> bool {
    let ran = now.0.saturating_duration_since(before.0);
    now.1.duration_since(before.1).is_ok_and(|passed| passed > ran + SLEPT)
}

impl HttpClient for Http {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let ways = self.ways();
        SharedHttpConnector::new(Connector {
            here: ways.here.http_connector(settings, components),
            outside: ways.outside.http_connector(settings, components),
            budget: self.budget.clone(),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ways.outside.connector_metadata()
    }
}

#[derive(Debug)]
struct Connector {
    here: SharedHttpConnector,
    outside: SharedHttpConnector,
    budget: Arc<Budget>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let here = reqwest::Url::parse(request.uri()).is_ok_and(|url| url.host_str().is_some_and(is_loopback));
        let connector = if here { self.here.clone() } else { self.outside.clone() };
        let Some(spend) = request.extension::<Spend>().cloned() else { return connector.call(request) };
        let budget = self.budget.clone();
        HttpConnectorFuture::new(async move {
            spend.waited(budget.spend(spend.of, &spend.key).await);
            connector.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_all_its_names() {
        for own in ["localhost", "api.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1", "LOCALHOST"] {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["localhost.example.com", "10.0.0.1", "notlocalhost", "[2001:db8::1]"] {
            assert!(!is_loopback(other), "{other}");
        }
    }

    #[test]
    fn a_sleep_shows_in_the_wall_clock_alone() {
        let before = (Instant::now(), SystemTime::now());
        let at = |ran: u64, passed: u64| (before.0 + Duration::from_secs(ran), before.1 + Duration::from_secs(passed));
        assert!(slept(before, at(1, 3_600)));
        assert!(!slept(before, at(3_600, 3_600)));
        assert!(!slept(before, at(5, 6)));
    }

    #[test]
    fn a_bundle_without_certificates_is_refused_with_its_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bundle.pem");
        std::fs::write(&path, "nothing").expect("written");
        let error = CaBundle::read(&path).expect_err("no certificate");
        assert!(error.to_string().contains("bundle.pem") && error.to_string().contains("no certificate"), "{error}");
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").expect("written");
        assert!(CaBundle::read(&path).is_err());
        assert!(CaBundle::read(&folder.path().join("none")).is_err());
    }
}
