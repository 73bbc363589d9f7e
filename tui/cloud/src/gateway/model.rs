//! What an HTTP API is made of.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use jiff::Timestamp;

use super::data::{routing::RouteKey, throttle::Bucket};

/// The stage that answers without a name in the path.
pub(super) const DEFAULT_STAGE: &str = "$default";

/// An HTTP API.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub version: Option<String>,
    pub created: Timestamp,
    pub tags: BTreeMap<String, String>,
    pub cors: Option<Cors>,
    /// Whether the gateway's plain address, without a name of the API in it, is this API's.
    pub at_root: bool,
    /// What is configured, and what stages that deploy by themselves serve.
    pub config: Config,
    pub stages: BTreeMap<String, Stage>,
    pub deployments: BTreeMap<String, Deployment>,
}

/// What a stage serves.
#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    pub integrations: BTreeMap<String, Integration>,
    pub routes: BTreeMap<String, Route>,
    pub authorizers: BTreeMap<String, Authorizer>,
}

/// A configuration as it was at one moment.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    pub created: Timestamp,
    pub description: Option<String>,
    pub config: Arc<Config>,
}

/// A function that answers requests (`AWS_PROXY`, payload 2.0).
#[derive(Debug, Clone)]
pub(super) struct Integration {
    /// As it was given.
    pub uri: String,
    /// The function's ARN in it.
    pub function_arn: String,
    pub timeout_ms: u64,
    pub description: Option<String>,
}

/// Which requests go to which integration.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub key: RouteKey,
    /// The id of an integration; a route without one answers 404.
    pub integration: Option<String>,
    pub authorization: Authorization,
    pub operation_name: Option<String>,
}

/// Who may use a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authorization {
    Open,
    /// Requests signed with keys of the account.
    Iam,
    /// Requests with a token that the authorizer accepts.
    Jwt {
        authorizer: String,
        /// One of them must be granted; none are asked for where there are none.
        scopes: Vec<String>,
    },
}

/// Accepts the tokens of one issuer.
#[derive(Debug, Clone)]
pub(super) struct Authorizer {
    pub name: String,
    /// As it was given, `$request.header.Authorization`.
    pub identity_source: String,
    pub issuer: String,
    pub audience: Vec<String>,
}

/// A stage.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub created: Timestamp,
    pub updated: Timestamp,
    pub description: Option<String>,
    pub auto_deploy: bool,
    pub deployment: Option<String>,
    /// What it serves where it does not deploy by itself.
    pub deployed: Option<Arc<Config>>,
    pub default_settings: RouteSettings,
    /// By route key.
    pub route_settings: BTreeMap<String, RouteSettings>,
    pub access_log: Option<AccessLog>,
    pub variables: BTreeMap<String, String>,
    pub tags: BTreeMap<String, String>,
    /// By route key: each route has a bucket of its own.
    pub buckets: Arc<Mutex<HashMap<String, Bucket>>>,
}

/// How much a route takes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct RouteSettings {
    /// Requests a second.
    pub rate: Option<f64>,
    /// Requests at once.
    pub burst: Option<u32>,
    /// Asks for metrics, of which there are none here.
    pub detailed_metrics: bool,
}

/// Where a stage's access log goes.
#[derive(Debug, Clone)]
pub(super) struct AccessLog {
    /// As it was given.
    pub destination_arn: String,
    /// The log group's name in it.
    pub group: String,
    pub format: String,
}

/// What browsers of other origins may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cors {
    pub allow_credentials: bool,
    pub allow_headers: Vec<String>,
    pub allow_methods: Vec<String>,
    pub allow_origins: Vec<String>,
    pub expose_headers: Vec<String>,
    /// Seconds.
    pub max_age: Option<i64>,
}

impl Api {
    /// What a stage serves, `None` where nothing was deployed to it.
    pub fn config_of<'a>(&'a self, stage: &'a Stage) -> Option<&'a Config> {
        if stage.auto_deploy { Some(&self.config) } else { stage.deployed.as_deref() }
    }
}

impl Stage {
    /// The throttle of a route: what it sets itself, then what the stage sets, then the account's.
    pub fn throttle(&self, route_key: &str) -> (f64, u32) {
        let own = self.route_settings.get(route_key).copied().unwrap_or_default();
        (
            own.rate.or(self.default_settings.rate).unwrap_or(super::data::throttle::ACCOUNT_RATE),
            own.burst.or(self.default_settings.burst).unwrap_or(super::data::throttle::ACCOUNT_BURST),
        )
    }
}
