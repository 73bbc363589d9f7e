//! A line of the gateway's access log.

use serde::Deserialize;

use super::{ApiRequestId, LambdaRequestId, Timestamp};

/// A line of the gateway's access log, in the JSON format that `template.yaml` sets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// `$context.requestId`.
    pub request_id: ApiRequestId,
    /// `$context.requestTimeEpoch`: when the gateway took the request, in milliseconds since 1970.
    #[serde(default)]
    pub request_time_epoch: Option<String>,
    /// `$context.status`.
    #[serde(default)]
    pub status: Option<String>,
    /// `$context.error.message`: the gateway's own words where it refused by itself.
    #[serde(default)]
    pub error_message: Option<String>,
    /// `$context.integration.requestId`: Lambda's id, `-` where it was not reached.
    #[serde(default)]
    pub integration_request_id: Option<String>,
    /// `$context.integrationStatus`: what Lambda itself answered the gateway.
    #[serde(default)]
    pub lambda_status: Option<String>,
    /// `$context.responseLatency`, milliseconds.
    #[serde(default)]
    pub response_latency: Option<String>,
    /// `$context.integrationLatency`, milliseconds.
    #[serde(default)]
    pub integration_latency: Option<String>,
    /// `$context.integrationErrorMessage`: why the function gave no answer.
    #[serde(default)]
    pub integration_error_message: Option<String>,
}

impl Access {
    /// Reads a line; `None` where it is none in this format.
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// When the gateway took the request.
    pub fn request_time(&self) -> Option<Timestamp> {
        number(self.request_time_epoch.as_deref()).map(Timestamp::from_millis)
    }

    /// What the client was answered.
    pub fn status(&self) -> Option<u16> {
        number(self.status.as_deref())
    }

    /// What Lambda itself answered the gateway.
    pub fn lambda_status(&self) -> Option<u16> {
        number(self.lambda_status.as_deref())
    }

    /// From taking the request to the end of the answer, milliseconds.
    pub fn response_millis(&self) -> Option<u32> {
        number(self.response_latency.as_deref())
    }

    /// What of that the function took, as the gateway saw it, milliseconds.
    pub fn integration_millis(&self) -> Option<u32> {
        number(self.integration_latency.as_deref())
    }

    /// Lambda's id of the invocation, where it was reached.
    pub fn lambda_request_id(&self) -> Option<LambdaRequestId> {
        said(self.integration_request_id.as_deref()).map(Into::into)
    }

    /// Why the gateway, or the function behind it, did not answer well.
    pub fn error(&self) -> Option<&str> {
        said(self.integration_error_message.as_deref()).or_else(|| said(self.error_message.as_deref()))
    }
}

/// A variable without a value is written `-`.
fn said(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty() && *text != "-")
}

fn number<T: std::str::FromStr>(text: Option<&str>) -> Option<T> {
    said(text)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_value_says_nothing() {
        let line = r#"{"requestId":"Yx3k=","requestTimeEpoch":"1764000000000","status":"429","responseLatency":"3",
            "errorMessage":"Too Many Requests","integrationRequestId":"-","integrationErrorMessage":"-"}"#;
        let access = Access::parse(line).expect("a line");
        assert_eq!(access.request_time(), Some(Timestamp::from_millis(1_764_000_000_000)));
        assert_eq!(
            (access.status(), access.response_millis(), access.integration_millis()),
            (Some(429), Some(3), None)
        );
        assert_eq!((access.lambda_request_id(), access.error()), (None, Some("Too Many Requests")));
    }
}
