//! The function's part of a request: may it be invoked, what does it answer, how long may it take.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    super::{Gateway, model::Integration},
    Answered,
    access_log::IntegrationRun,
    answer,
    refusal::Refusal,
};
use crate::{
    lambda::Invocation,
    wire::{ServiceError, ServiceResult},
};

/// The service that a function's resource policy must let in.
const PRINCIPAL: &str = "apigateway.amazonaws.com";
/// AWS's words where the function's policy does not let the API in.
const NO_PERMISSION: &str = "The IAM role configured on the integration or API Gateway doesn't have permissions to \
                             call the integration. Check the permissions and try again.";
/// API Gateway's words where it failed itself.
const INTERNAL_ERROR: &str = "Execution failed due to an internal error";
/// How much of a function's own error is told in the access log, in characters.
const ERROR_CHARACTERS: usize = 300;

impl Gateway {
    /// Invokes the function of an integration for a route, which `source_arn` names, and gives what
    /// the client gets, with what the access log tells.
    pub(super) async fn integrate(
        self: &Arc<Self>,
        integration: &Integration,
        source_arn: &str,
        event: Bytes,
    ) -> (Result<Answered, Refusal>, IntegrationRun) {
        if !self.lambda.may_invoke(&integration.function_arn, PRINCIPAL, source_arn) {
            let run = IntegrationRun { error: Some(NO_PERMISSION.to_owned()), ..IntegrationRun::default() };
            return (Err(Refusal::Internal), run);
        }
        let began = Instant::now();
        let lambda = self.lambda.clone();
        let function = integration.function_arn.clone();
        // A task of its own: the function runs on when the gateway no longer waits for it.
        let invocation = tokio::spawn(async move { lambda.invoke(&function, event).await });
        let timeout = Duration::from_millis(integration.timeout_ms);
        let ended = tokio::time::timeout(timeout, invocation).await;
        let run = IntegrationRun { latency: began.elapsed(), ..IntegrationRun::default() };
        match ended {
            Err(_) => {
                let error = format!("The function did not answer within {} ms.", integration.timeout_ms);
                (Err(Refusal::Unavailable), IntegrationRun { error: Some(error), ..run })
            }
            Ok(Err(_)) => {
                let error = "The invocation failed inside the embedded cloud.".to_owned();
                (Err(Refusal::Internal), IntegrationRun { error: Some(error), ..run })
            }
            Ok(Ok(result)) => finish(result, run),
        }
    }
}

/// The answer of a fault that has the function not invoked. A 500 is what comes of an API that may
/// not invoke its function; a 503 what comes of a function whose concurrency is used up.
pub(super) fn not_invoked(status: u16) -> (Refusal, IntegrationRun) {
    if status == 503 {
        let run = IntegrationRun {
            service_status: Some(429),
            error: Some("Rate Exceeded.".to_owned()),
            ..IntegrationRun::default()
        };
        (Refusal::Unavailable, run)
    } else {
        (Refusal::Internal, IntegrationRun { error: Some(NO_PERMISSION.to_owned()), ..IntegrationRun::default() })
    }
}

/// The answer of a fault that loses what the function answered.
pub(super) fn answer_lost(status: u16, run: IntegrationRun) -> (Refusal, IntegrationRun) {
    let run = IntegrationRun { function_status: None, error: Some(INTERNAL_ERROR.to_owned()), ..run };
    (if status == 503 { Refusal::Unavailable } else { Refusal::Internal }, run)
}

/// What becomes of an invocation's end.
fn finish(result: ServiceResult<Invocation>, mut run: IntegrationRun) -> (Result<Answered, Refusal>, IntegrationRun) {
    let invocation = match result {
        Ok(invocation) => invocation,
        Err(error) => {
            run.service_status = Some(error.status.as_u16());
            let refusal = refusal_for(&error);
            run.error = Some(error.message);
            return (Err(refusal), run);
        }
    };
    run.service_status = Some(200);
    run.request_id = Some(invocation.request_id);
    if invocation.function_error.is_some() {
        run.error = Some(format!("The Lambda function failed: {}", function_error(&invocation.payload)));
        return (Err(Refusal::Internal), run);
    }
    match answer::from_payload(&invocation.payload) {
        Ok(answered) => {
            run.function_status = Some(answered.status().as_u16());
            (Ok(answered), run)
        }
        Err(malformed) => {
            run.error = Some(malformed.to_string());
            (Err(Refusal::Internal), run)
        }
    }
}

/// What the client is told where Lambda itself refuses. That throttling becomes 503 is known from
/// use, not from AWS's documentation.
fn refusal_for(error: &ServiceError) -> Refusal {
    match error.code.as_str() {
        "TooManyRequestsException" => Refusal::Unavailable,
        "RequestEntityTooLargeException" | "RequestTooLargeException" => Refusal::BodyTooLarge,
        _ => Refusal::Internal,
    }
}

/// `Type: message` out of a function's error object, or the start of what it is instead.
fn function_error(payload: &[u8]) -> String {
    let text = match serde_json::from_slice::<serde_json::Value>(payload) {
        Ok(error) if error.get("errorMessage").is_some() => {
            let part = |name: &str| error.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            let (kind, message) = (part("errorType"), part("errorMessage"));
            if kind.is_empty() { message } else { format!("{kind}: {message}") }
        }
        _ => String::from_utf8_lossy(payload).into_owned(),
    };
    text.chars().take(ERROR_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "it stands for what the function service gives")]
    fn invocation(payload: &str, function_error: Option<&'static str>) -> ServiceResult<Invocation> {
        Ok(Invocation {
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            function_error,
            request_id: "lambda-id".into(),
        })
    }

    #[test]
    fn an_answer_is_handed_on() {
        let (result, run) = finish(invocation(r#"{"statusCode":202}"#, None), IntegrationRun::default());
        assert_eq!(result.unwrap().status(), 202);
        assert_eq!((run.service_status, run.function_status), (Some(200), Some(202)));
        assert_eq!(run.request_id.as_deref(), Some("lambda-id"));
    }

    #[test]
    fn a_failed_or_malformed_function_is_an_internal_error() {
        let failed = r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: x Error: exit 1"}"#;
        let (result, run) = finish(invocation(failed, Some("Unhandled")), IntegrationRun::default());
        assert_eq!(result.unwrap_err(), Refusal::Internal);
        let expected = "The Lambda function failed: Runtime.ExitError: RequestId: x Error: exit 1";
        assert_eq!(run.error.as_deref(), Some(expected));
        assert_eq!(run.function_status, None);
        let (result, run) = finish(invocation(r#"{"statusCode":"x"}"#, None), IntegrationRun::default());
        assert_eq!(result.unwrap_err(), Refusal::Internal);
        assert!(run.error.unwrap().contains("statusCode"));
    }

    #[test]
    fn what_lambda_refuses_has_its_own_answer() {
        let refused = |code: &str| {
            let error = ServiceError::new(429, code, "words");
            let (result, run) = finish(Err(error), IntegrationRun::default());
            (result.unwrap_err(), run.service_status, run.error)
        };
        assert_eq!(refused("TooManyRequestsException"), (Refusal::Unavailable, Some(429), Some("words".into())));
        assert_eq!(refused("RequestEntityTooLargeException").0, Refusal::BodyTooLarge);
        assert_eq!(refused("ResourceNotFoundException").0, Refusal::Internal);
    }
}
