//! A line of the access log: a stage's format with its `$context` variables filled in.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use md5::{Digest, Md5};

use super::{event::request_time, refusal::Refusal};

/// What is known of a request once it was answered.
#[derive(Debug)]
pub(in crate::gateway) struct Entry {
    pub account_id: String,
    pub api_id: String,
    pub stage: String,
    pub domain_name: String,
    pub request_id: String,
    pub time: Timestamp,
    pub source_ip: String,
    pub user_agent: String,
    pub method: String,
    pub path: String,
    pub protocol: String,
    pub route_key: Option<String>,
    pub status: u16,
    pub response_bytes: u64,
    pub response_latency: Duration,
    pub integration: Option<IntegrationRun>,
    /// Why the gateway answered itself.
    pub refusal: Option<Refusal>,
    /// What the authorizer knows of the caller, by name.
    pub claims: BTreeMap<String, String>,
    /// Why the authorizer refused.
    pub authorizer_error: Option<String>,
    /// Whose signature it was.
    pub identity: Option<Identity>,
}

/// How the function's part went.
#[derive(Debug, Clone, Default)]
pub(in crate::gateway) struct IntegrationRun {
    /// Lambda's id of the invocation.
    pub request_id: Option<String>,
    pub latency: Duration,
    /// The status that Lambda itself answered.
    pub service_status: Option<u16>,
    /// The status that the function answered.
    pub function_status: Option<u16>,
    pub error: Option<String>,
}

/// The signer of a request.
#[derive(Debug, Clone)]
pub(in crate::gateway) struct Identity {
    pub access_key: String,
    pub account_id: String,
    /// AWS's unique id of the caller; for the account its number.
    pub caller: String,
    pub user_arn: String,
}

/// Fills a format in. A variable that has no value is `-`. In a JSON format values are escaped, so
/// that no client can break a line.
pub(in crate::gateway) fn render(format: &str, entry: &Entry) -> String {
    let is_json = format.trim_start().starts_with('{');
    let mut line = String::with_capacity(format.len() * 2);
    let mut rest = format;
    while let Some(at) = rest.find("$context.") {
        line.push_str(&rest[..at]);
        let after = &rest[at + "$context.".len()..];
        let end = after
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.' && letter != '_' && letter != '-')
            .unwrap_or(after.len());
        let name = after[..end].trim_end_matches(['.', '-']);
        let value = entry.variable(name).filter(|value| !value.is_empty()).unwrap_or_else(|| "-".to_owned());
        if is_json {
            line.push_str(&json_escaped(&value));
        } else {
            line.push_str(&value);
        }
        rest = &after[name.len()..];
    }
    line.push_str(rest);
    line
}

/// The stream of a stage's lines: 32 hexadecimal digits, the same for one stage.
pub(in crate::gateway) fn stream_name(api_id: &str, stage: &str) -> String {
    hex::encode(Md5::digest(format!("{api_id}/{stage}")))
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

impl Entry {
    fn variable(&self, name: &str) -> Option<String> {
        let run = self.integration.as_ref();
        let milliseconds = |duration: Duration| duration.as_millis().to_string();
        let refusal = self.refusal.as_ref();
        let identity = self.identity.as_ref();
        let value = match name {
            "accountId" => self.account_id.clone(),
            "apiId" | "domainPrefix" => self.api_id.clone(),
            "stage" => self.stage.clone(),
            "domainName" => self.domain_name.clone(),
            // HTTP APIs have one id for both.
            "requestId" | "extendedRequestId" => self.request_id.clone(),
            "requestTime" => request_time(self.time),
            "requestTimeEpoch" => self.time.as_millisecond().to_string(),
            "identity.sourceIp" => self.source_ip.clone(),
            "identity.userAgent" => self.user_agent.clone(),
            "identity.accessKey" => identity?.access_key.clone(),
            "identity.accountId" => identity?.account_id.clone(),
            "identity.caller" | "identity.user" => identity?.caller.clone(),
            "identity.userArn" => identity?.user_arn.clone(),
            "httpMethod" => self.method.clone(),
            "path" => self.path.clone(),
            "protocol" => self.protocol.clone(),
            "routeKey" => self.route_key.clone()?,
            "status" => self.status.to_string(),
            "responseLength" => self.response_bytes.to_string(),
            "responseLatency" => milliseconds(self.response_latency),
            "integration.requestId" => run?.request_id.clone()?,
            "integration.latency" | "integrationLatency" => milliseconds(run?.latency),
            "integration.integrationStatus" | "integrationStatus" => run?.service_status?.to_string(),
            "integration.status" => run?.function_status?.to_string(),
            "integration.error" | "integrationErrorMessage" => run?.error.clone()?,
            "error.message" => refusal?.message().to_owned(),
            "error.messageString" => format!("\"{}\"", refusal?.message()),
            "error.responseType" => refusal?.response_type().to_owned(),
            "authorizer.error" => self.authorizer_error.clone()?,
            _ => {
                let property = name.strip_prefix("authorizer.")?;
                let claim = property.strip_prefix("claims.").unwrap_or(property);
                self.claims.get(claim)?.clone()
            }
        };
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            account_id: "000000000000".into(),
            api_id: "abc".into(),
            stage: "$default".into(),
            domain_name: "127.0.0.1".into(),
            request_id: "Yx3kAbCdSwMEJZw=".into(),
            time: "2020-03-12T19:03:58.390Z".parse().unwrap(),
            source_ip: "127.0.0.1".into(),
            user_agent: "an \"agent\"\n".into(),
            method: "POST".into(),
            path: "/submit".into(),
            protocol: "HTTP/1.1".into(),
            route_key: Some("POST /submit".into()),
            status: 202,
            response_bytes: 42,
            response_latency: Duration::from_micros(12_900),
            integration: Some(IntegrationRun {
                request_id: Some("lambda-id".into()),
                latency: Duration::from_millis(9),
                service_status: Some(200),
                function_status: Some(202),
                error: None,
            }),
            refusal: None,
            claims: BTreeMap::from([("sub".into(), "ann".into())]),
            authorizer_error: None,
            identity: None,
        }
    }

    #[test]
    fn the_usual_format_is_filled_in() {
        let format = "$context.identity.sourceIp - - [$context.requestTime] \"$context.httpMethod $context.routeKey \
                      $context.protocol\" $context.status $context.responseLength $context.requestId";
        assert_eq!(
            render(format, &entry()),
            "127.0.0.1 - - [12/Mar/2020:19:03:58 +0000] \"POST POST /submit HTTP/1.1\" 202 42 Yx3kAbCdSwMEJZw="
        );
    }

    #[test]
    fn a_json_line_stays_json_whatever_the_client_says() {
        let format = r#"{"id":"$context.requestId","agent":"$context.identity.userAgent","ms":"$context.responseLatency",
            "run":"$context.integration.requestId","of":"$context.integration.status/$context.integrationStatus",
            "error":"$context.integrationErrorMessage","sub":"$context.authorizer.claims.sub",
            "none":"$context.nothing.like.this"}"#;
        let line: serde_json::Value = serde_json::from_str(&render(format, &entry())).unwrap();
        assert_eq!(
            line,
            serde_json::json!({
                "id": "Yx3kAbCdSwMEJZw=",
                "agent": "an \"agent\"\n",
                "ms": "12",
                "run": "lambda-id",
                "of": "202/200",
                "error": "-",
                "sub": "ann",
                "none": "-",
            })
        );
    }

    #[test]
    fn a_refusal_is_named() {
        let mut refused = entry();
        refused.integration = None;
        refused.refusal = Some(Refusal::TooManyRequests);
        let format = "$context.requestId. $context.error.message $context.error.messageString \
                      $context.error.responseType $context.integrationLatency";
        assert_eq!(render(format, &refused), "Yx3kAbCdSwMEJZw=. Too Many Requests \"Too Many Requests\" THROTTLED -");
    }

    #[test]
    fn a_stage_has_one_stream() {
        assert_eq!(stream_name("a", "$default"), stream_name("a", "$default"));
        assert_ne!(stream_name("a", "$default"), stream_name("b", "$default"));
        assert_eq!(stream_name("a", "b").len(), 32);
    }
}
