//! A line of the gateway's access log.

use serde::Deserialize;

use super::ApiRequestId;

/// A line of the gateway's access log, in the JSON format that `template.yaml` sets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// `$context.requestId`.
    pub request_id: ApiRequestId,
    /// `$context.status`.
    #[serde(default)]
    pub status: Option<String>,
    /// `$context.integration.requestId`: Lambda's id, `-` where it was not reached.
    #[serde(default)]
    pub integration_request_id: Option<String>,
    /// `$context.responseLatency`, milliseconds.
    #[serde(default)]
    pub response_latency: Option<String>,
    /// `$context.integrationLatency`, milliseconds.
    #[serde(default)]
    pub integration_latency: Option<String>,
}

impl Access {
    /// Reads a line; `None` where it is none in this format.
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}
