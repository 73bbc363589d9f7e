//! Orders for trouble to the embedded cloud: signed calls to its own service, over loopback.

use std::time::{Duration, SystemTime};

use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use serde_json::{Value, json};
use tailwater_core::faults::{Order, Standing};

use super::{Target, causes};

/// The name that the cloud's own service is signed with.
const SERVICE: &str = "tailwater";
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
/// The cloud answers at once, or is gone.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Gives orders to the embedded cloud of a target.
#[derive(Clone)]
pub struct Orders {
    client: reqwest::Client,
    target: Target,
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The cloud did not answer.
    #[error("gave the embedded cloud an order: {0}")]
    Call(String),
    /// It refused.
    #[error("the embedded cloud refused the order: {0}")]
    Refused(String),
    /// It answered something else.
    #[error("the embedded cloud answered {0}, which is no answer to an order: it may be of another version")]
    Answer(String),
}

impl Orders {
    /// To the embedded cloud of this target; `None`: it is none.
    pub fn to(target: &Target) -> Result<Option<Self>, OrderError> {
        if !target.is_local() {
            return Ok(None);
        }
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIMEOUT).build();
        let client = client.map_err(|error| OrderError::Call(causes(&error)))?;
        Ok(Some(Self { client, target: target.clone() }))
    }

    /// Orders a fault; gives its id.
    pub async fn put(&self, order: &Order) -> Result<String, OrderError> {
        let answer = self.call("PutFault", &order.to_wire()).await?;
        answer["FaultId"].as_str().map(str::to_owned).ok_or_else(|| OrderError::Answer(answer.to_string()))
    }

    /// What is on.
    pub async fn list(&self) -> Result<Vec<Standing>, OrderError> {
        let answer = self.call("ListFaults", &json!({})).await?;
        Standing::read(&answer).ok_or_else(|| OrderError::Answer(answer.to_string()))
    }

    /// Takes these orders back, or all; gives how many there were.
    pub async fn take_back(&self, ids: Option<&[String]>) -> Result<u64, OrderError> {
        let input = ids.map_or_else(|| json!({}), |ids| json!({"FaultIds": ids}));
        let answer = self.call("DeleteFaults", &input).await?;
        answer["Deleted"].as_u64().ok_or_else(|| OrderError::Answer(answer.to_string()))
    }

    async fn call(&self, operation: &str, input: &Value) -> Result<Value, OrderError> {
        let url = self.target.endpoint_url().unwrap_or_default();
        let body = input.to_string();
        let name = format!("Tailwater.{operation}");
        let headers = [("content-type", CONTENT_TYPE), ("x-amz-target", name.as_str())];
        let trouble = |error: &dyn std::fmt::Display| OrderError::Call(error.to_string());
        let identity = self.target.credentials().await.map_err(|error| trouble(&error))?.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(self.target.region())
            .name(SERVICE)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| trouble(&error))?;
        let signable = SignableBody::Bytes(body.as_bytes());
        let request = SignableRequest::new("POST", url, headers.into_iter(), signable);
        let request = request.map_err(|error| trouble(&error))?;
        let (instructions, _) = sign(request, &parameters.into()).map_err(|error| trouble(&error))?.into_parts();
        let mut post = self.client.post(url).body(body);
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            post = post.header(name, value);
        }
        let answer = post.send().await.map_err(|error| OrderError::Call(causes(&error)))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| OrderError::Call(causes(&error)))?;
        let value: Value = serde_json::from_str(&text).map_err(|_| OrderError::Answer(text))?;
        if status.is_success() {
            return Ok(value);
        }
        let message = value.get("message").and_then(Value::as_str).map_or_else(|| value.to_string(), str::to_owned);
        Err(OrderError::Refused(message))
    }
}
