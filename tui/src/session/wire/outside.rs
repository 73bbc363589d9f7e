//! Where the pipeline lived and how its sources fared, as it stands in a recording.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tailwater_core::{
    app::{self, CallBudget, CloudInfo, EventSource, LookBackNews, Settings, TailState, ThemeName},
    faults::{self, Standing},
};

use super::{super::redact::Redaction, millis};

/// Where the pipeline lived; who one was there is masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Target {
    /// In the embedded cloud.
    Local,
    /// On AWS, or an endpoint that speaks like it.
    Aws {
        /// Masked.
        account_id: String,
        /// The region.
        region: String,
        /// The profile's name.
        profile: Option<String>,
        /// Masked as far as it names a host.
        endpoint_url: Option<String>,
        /// The services that answer elsewhere than the others, masked likewise.
        #[serde(default)]
        elsewhere: Vec<String>,
        /// The role or user.
        who: String,
    },
}

impl Target {
    /// Of a target.
    pub fn of(target: &app::Target, redaction: &Redaction) -> Self {
        match target {
            app::Target::Local => Self::Local,
            app::Target::Aws { account_id, region, profile, endpoint_url, elsewhere, who } => Self::Aws {
                elsewhere: elsewhere.iter().map(|service| redaction.text(service)).collect(),
                account_id: redaction.text(account_id),
                region: region.clone(),
                profile: redaction.maybe(profile.as_ref()),
                endpoint_url: redaction.maybe(endpoint_url.as_ref()),
                who: redaction.text(who),
            },
        }
    }
}

impl From<Target> for app::Target {
    fn from(target: Target) -> Self {
        match target {
            Target::Local => Self::Local,
            Target::Aws { account_id, region, profile, endpoint_url, elsewhere, who } => {
                Self::Aws { account_id, region, profile, endpoint_url, elsewhere, who }
            }
        }
    }
}

/// The embedded cloud.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cloud {
    endpoint_url: String,
    gateway_url: String,
    own: bool,
    note: Option<String>,
}

impl Cloud {
    /// Of what the app was told.
    pub fn of(info: &CloudInfo, redaction: &Redaction) -> Self {
        Self {
            endpoint_url: redaction.text(&info.endpoint_url),
            gateway_url: redaction.text(&info.gateway_url),
            own: info.own,
            note: redaction.maybe(info.note.as_ref()),
        }
    }
}

impl From<Cloud> for CloudInfo {
    fn from(cloud: Cloud) -> Self {
        Self { endpoint_url: cloud.endpoint_url, gateway_url: cloud.gateway_url, own: cloud.own, note: cloud.note }
    }
}

/// How a budget of calls stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    name: String,
    service: String,
    operation: String,
    used: u64,
    left: Option<u64>,
    window_seconds: u64,
}

impl From<CallBudget> for Budget {
    fn from(budget: CallBudget) -> Self {
        let CallBudget { name, service, operation, used, left, window_seconds } = budget;
        Self { name, service, operation, used, left, window_seconds }
    }
}

impl From<Budget> for CallBudget {
    fn from(budget: Budget) -> Self {
        let Budget { name, service, operation, used, left, window_seconds } = budget;
        Self { name, service, operation, used, left, window_seconds }
    }
}

/// How a source fares.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Source {
    source: SourceName,
    state: SourceState,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SourceName {
    Logs,
    Records,
    Objects,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum SourceState {
    Following,
    Slowed { every_ms: u64 },
    Retrying { error: String, after_ms: u64 },
    Ended { error: String },
}

impl Source {
    /// Of what the app was told.
    pub fn of(source: EventSource, state: &TailState, redaction: &Redaction) -> Self {
        let source = match source {
            EventSource::Logs => SourceName::Logs,
            EventSource::Records => SourceName::Records,
            EventSource::Objects => SourceName::Objects,
        };
        let state = match state {
            TailState::Following => SourceState::Following,
            TailState::Slowed { every } => SourceState::Slowed { every_ms: millis(*every) },
            TailState::Retrying { error, after } => {
                SourceState::Retrying { error: redaction.text(error), after_ms: millis(*after) }
            }
            TailState::Ended { error } => SourceState::Ended { error: redaction.text(error) },
        };
        Self { source, state }
    }

    /// What the app was told.
    pub fn read(self) -> (EventSource, TailState) {
        let source = match self.source {
            SourceName::Logs => EventSource::Logs,
            SourceName::Records => EventSource::Records,
            SourceName::Objects => EventSource::Objects,
        };
        let state = match self.state {
            SourceState::Following => TailState::Following,
            SourceState::Slowed { every_ms } => TailState::Slowed { every: Duration::from_millis(every_ms) },
            SourceState::Retrying { error, after_ms } => {
                TailState::Retrying { error, after: Duration::from_millis(after_ms) }
            }
            SourceState::Ended { error } => TailState::Ended { error },
        };
        (source, state)
    }
}

/// How the app looked at the beginning: what was asked for, and what was remembered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Begin {
    settings: Option<Map<String, Value>>,
    theme: Option<String>,
    motion: Option<bool>,
    present: bool,
}

/// What of the remembered settings is told: what the screen shows depends on it.
const TOLD: [&str; 6] = ["theme", "motion", "utc", "focus", "large", "wrap"];

impl Begin {
    /// Of what the app was told.
    pub fn of(begin: &app::Begin) -> Self {
        let settings = begin.settings.as_ref().and_then(|settings| settings.as_ref().ok());
        let told = settings.and_then(|settings| serde_json::from_str::<Map<String, Value>>(&settings.text()).ok());
        Self {
            settings: told.map(|all| all.into_iter().filter(|(name, _)| TOLD.contains(&name.as_str())).collect()),
            theme: begin.theme.map(|theme| theme.name().to_owned()),
            motion: begin.motion,
            present: begin.present,
        }
    }

    /// What the app was told.
    pub fn read(self) -> app::Begin {
        app::Begin {
            settings: self.settings.map(|told| Settings::parse(&Value::Object(told).to_string())),
            theme: self.theme.as_deref().and_then(ThemeName::parse),
            motion: self.motion,
            present: self.present,
            ..app::Begin::default()
        }
    }
}

/// The faults of the local cloud that are on, or why that could not be told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Faults {
    /// These are on.
    On(Vec<Fault>),
    /// That could not be told.
    Unknown(String),
}

/// A fault that is on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    id: String,
    /// The order as it is typed.
    order: Option<String>,
    words: String,
    met: u64,
}

impl Faults {
    /// Of what the app was told.
    pub fn of(answer: Result<Vec<Standing>, String>, redaction: &Redaction) -> Self {
        let fault = |fault: Standing| Fault {
            id: fault.id,
            order: fault.order.map(|order| order.to_string()),
            words: redaction.text(&fault.words),
            met: fault.met,
        };
        match answer {
            Ok(on) => Self::On(on.into_iter().map(fault).collect()),
            Err(why) => Self::Unknown(redaction.text(&why)),
        }
    }

    /// What the app was told.
    pub fn read(self) -> Result<Vec<Standing>, String> {
        let standing = |fault: Fault| {
            let order = fault.order.and_then(|order| faults::parse(&order).ok()?.into_iter().next());
            Standing { id: fault.id, order, words: fault.words, met: fault.met }
        };
        match self {
            Self::On(on) => Ok(on.into_iter().map(standing).collect()),
            Self::Unknown(why) => Err(why),
        }
    }
}

/// How looking back went on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookBack {
    /// It looked in this.
    In(String),
    /// Something was found.
    Found,
    /// There was nothing.
    NotFound,
    /// It could not look.
    Failed(String),
}

impl LookBack {
    /// Of what the app was told.
    pub fn of(news: LookBackNews, redaction: &Redaction) -> Self {
        match news {
            LookBackNews::In(what) => Self::In(redaction.text(&what)),
            LookBackNews::Found => Self::Found,
            LookBackNews::NotFound => Self::NotFound,
            LookBackNews::Failed(error) => Self::Failed(redaction.text(&error)),
        }
    }
}

impl From<LookBack> for LookBackNews {
    fn from(news: LookBack) -> Self {
        match news {
            LookBack::In(what) => Self::In(what),
            LookBack::Found => Self::Found,
            LookBack::NotFound => Self::NotFound,
            LookBack::Failed(error) => Self::Failed(error),
        }
    }
}
