//! Where the pipeline lived and how its sources fared, as it stands in a recording.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tailwater_core::app::{self, CallBudget, CloudInfo, EventSource, TailState};

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
        /// The role or user.
        who: String,
    },
}

impl Target {
    /// Of a target.
    pub fn of(target: &app::Target, redaction: &Redaction) -> Self {
        match target {
            app::Target::Local => Self::Local,
            app::Target::Aws { account_id, region, profile, endpoint_url, who } => Self::Aws {
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
            Target::Aws { account_id, region, profile, endpoint_url, who } => {
                Self::Aws { account_id, region, profile, endpoint_url, who }
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
