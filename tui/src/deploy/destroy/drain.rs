//! Stops the intake, gives Firehose its time to deliver, and deletes the delivery stream so that it
//! cannot write again.

use std::time::Duration;

use aws_sdk_firehose::types::DeliveryStreamStatus;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::Value;
use tailwater_core::pipeline::Buffering;
use tokio::time::Instant;

use super::{
    Run, is_absent,
    pieces::{DELIVERY_STREAM, FUNCTION, Pieces},
};
use crate::{
    deploy::DeployError,
    target::{Target, error_text},
};

/// What Firehose may take beyond its interval.
const DELIVERY_GRACE: Duration = Duration::from_secs(5);
/// The same on the embedded cloud, where nothing retries over a network.
const DELIVERY_GRACE_LOCAL: Duration = Duration::from_secs(1);
/// Between two steps of the countdown.
const COUNTDOWN_PACE: Duration = Duration::from_secs(1);
/// Between two looks at a delivery stream that is being deleted.
const DELIVERY_STREAM_PACE: Duration = Duration::from_secs(2);
/// How long its deletion may take.
const DELIVERY_STREAM_LIMIT: Duration = Duration::from_mins(5);
/// Who calls the function on behalf of the API.
pub const API_GATEWAY: &str = "apigateway.amazonaws.com";

/// Stops the intake; gives the moment from which nothing more comes, `None` where there was none.
pub async fn stop_intake(run: &Run<'_>, pieces: &Pieces) -> Result<Option<Instant>, DeployError> {
    let mut stopped = None;
    for function in pieces.ids(FUNCTION) {
        // Reserved concurrency 0 is how Lambda is told to stop: the gateway then answers 5xx.
        let throttled = run
            .target
            .lambda()
            .put_function_concurrency()
            .function_name(function)
            .reserved_concurrent_executions(0)
            .send()
            .await;
        match throttled {
            Ok(_) => {}
            Err(error) if is_absent(&error) => continue,
            // What did not reach the service would not reach it a second time either.
            Err(error) if error.as_service_error().is_none() => {
                return Err(DeployError::call(format!("stopped the function {function}"), &error));
            }
            Err(error) => shut_out_api(run, function, &error_text(&error)).await,
        }
        stopped = Some(Instant::now());
    }
    Ok(stopped)
}

/// The other way to stop the intake, where Lambda reserves no concurrency, as in an account whose
/// whole quota is the least that must stay unreserved: the API may no longer call the function. It
/// fails nothing: what comes in nevertheless is at most delivered.
async fn shut_out_api(run: &Run<'_>, function: &str, refusal: &str) {
    let refused = format!("Lambda does not let the function's concurrency be 0 ({refusal})");
    match remove_permissions(run.target, function).await {
        Ok(0) => {
            run.note(format!(
                "{refused}, and no permission of API Gateway to call it was found: what is posted until the stack is \
                 gone may be lost."
            ))
            .await;
        }
        Ok(_) => {
            run.note(format!("{refused}: API Gateway's permission to call it is taken away instead.")).await;
        }
        Err(answer) => {
            run.note(format!(
                "{refused}, and API Gateway's permission to call it could not be taken away ({answer}): what is posted \
                 until the stack is gone may be lost."
            ))
            .await;
        }
    }
}

/// Removes API Gateway's permissions from a function's policy; gives their number.
async fn remove_permissions(target: &Target, function: &str) -> Result<usize, String> {
    let client = target.lambda();
    let policy = match client.get_policy().function_name(function).send().await {
        Ok(answer) => answer.policy.unwrap_or_default(),
        Err(error) if is_absent(&error) => return Ok(0),
        Err(error) => return Err(error_text(&error)),
    };
    let statements = statements_for(&policy, API_GATEWAY);
    for statement in &statements {
        let removed = client.remove_permission().function_name(function).statement_id(statement).send().await;
        if let Err(error) = removed
            && !is_absent(&error)
        {
            return Err(error_text(&error));
        }
    }
    Ok(statements.len())
}

/// The ids of a policy's statements that let a service in.
pub fn statements_for(policy: &str, service: &str) -> Vec<String> {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = policy["Statement"].as_array().map(Vec::as_slice).unwrap_or_default();
    statements
        .iter()
        .filter(|statement| statement["Principal"]["Service"] == service)
        .filter_map(|statement| statement["Sid"].as_str().map(str::to_owned))
        .collect()
}

/// Waits until Firehose has delivered, and deletes the delivery stream.
pub async fn deliver(
    run: &Run<'_>,
    pieces: &Pieces,
    buffering: Buffering,
    stopped: Option<Instant>,
) -> Result<(), DeployError> {
    for name in pieces.ids(DELIVERY_STREAM) {
        let Some(status) = status(run, name).await? else { continue };
        if status == DeliveryStreamStatus::Active {
            wait(run, buffering, stopped.unwrap_or_else(Instant::now)).await;
        }
        delete(run, name).await?;
    }
    Ok(())
}

/// Counts down Firehose's interval from the moment at which the intake stopped.
async fn wait(run: &Run<'_>, buffering: Buffering, stopped: Instant) {
    let seconds = buffering.interval_seconds;
    if run.options.now {
        run.note(format!(
            "Not waiting for Firehose: what it still buffers is lost, up to {seconds} s or {} MB of events.",
            buffering.size_mb
        ))
        .await;
        return;
    }
    let grace = if run.target.is_local() { DELIVERY_GRACE_LOCAL } else { DELIVERY_GRACE };
    let whole = Duration::from_secs(seconds) + grace;
    run.note(format!(
        "The intake is stopped. Firehose has {} s to deliver what it buffers (--now does not wait).",
        whole.as_secs()
    ))
    .await;
    let end = stopped + whole;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let done = whole.saturating_sub(left).as_secs();
        run.step("Firehose delivers what it buffers: seconds", done, Some(whole.as_secs())).await;
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(COUNTDOWN_PACE)).await;
    }
}

/// A delivery stream's status; `None` where it is not there.
async fn status(run: &Run<'_>, name: &str) -> Result<Option<DeliveryStreamStatus>, DeployError> {
    match run.target.firehose().describe_delivery_stream().delivery_stream_name(name).send().await {
        Ok(answer) => Ok(answer.delivery_stream_description.map(|found| found.delivery_stream_status)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => match unread_status(&error) {
            Some(status) => Ok(Some(status)),
            None => Err(DeployError::call(format!("looked at the delivery stream {name}"), &error)),
        },
    }
}

/// The status in a description that the SDK cannot read as a whole, as from endpoints that write its
/// numbers as text.
fn unread_status<E>(error: &SdkError<E, HttpResponse>) -> Option<DeliveryStreamStatus> {
    let answer = error.raw_response().filter(|answer| answer.status().is_success())?;
    let body: Value = serde_json::from_slice(answer.body().bytes()?).ok()?;
    Some(body["DeliveryStreamDescription"]["DeliveryStreamStatus"].as_str()?.into())
}

/// Deletes a delivery stream and waits until it is gone.
async fn delete(run: &Run<'_>, name: &str) -> Result<(), DeployError> {
    let pace = if run.target.is_local() { run.target.pace().stack } else { DELIVERY_STREAM_PACE };
    let deadline = Instant::now() + DELIVERY_STREAM_LIMIT;
    while let Some(found) = status(run, name).await? {
        if Instant::now() > deadline {
            return Err(DeployError::Call {
                tried: format!("waited for the delivery stream {name} to go"),
                answer: format!("it is still there, {found}, after {} s", DELIVERY_STREAM_LIMIT.as_secs()),
            });
        }
        if found != DeliveryStreamStatus::Deleting {
            let deleted = run.target.firehose().delete_delivery_stream().delivery_stream_name(name).send().await;
            match deleted {
                Ok(_) => run.note(format!("The delivery stream {name} is being deleted.")).await,
                // It is being made, or somebody else deletes it: it is looked at again.
                Err(error) if error.code() == Some("ResourceInUseException") => {}
                Err(error) if is_absent(&error) => return Ok(()),
                Err(error) => return Err(DeployError::call(format!("deleted the delivery stream {name}"), &error)),
            }
        }
        tokio::time::sleep(pace).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::replay::{Exchange, Replay};

    /// A policy as `GetPolicy` answers it (Lambda API reference, `GetPolicy`).
    #[test]
    fn the_apis_statements_are_found() {
        let policy = r#"{"Version":"2012-10-17","Id":"default","Statement":[
            {"Sid":"a","Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"lambda:InvokeFunction"},
            {"Sid":"b","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction"},
            {"Sid":"c","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"lambda:InvokeFunction"}]}"#;
        assert_eq!(statements_for(policy, API_GATEWAY), ["a"]);
        assert!(statements_for("no JSON", API_GATEWAY).is_empty());
    }

    #[tokio::test]
    async fn a_status_is_read_where_numbers_are_written_as_text() {
        let description = Exchange::recorded("firehose/describe-delivery-stream");
        let replay = Replay::of([description.with(r#""SizeInMBs":1"#, r#""SizeInMBs":"1""#)]);
        let name = "tailwater-DeliveryStream-AbCdEfGhIjKl";
        let answer = replay.target().firehose().describe_delivery_stream().delivery_stream_name(name).send().await;
        let error = answer.expect_err("the SDK takes no text for a number");
        assert_eq!(unread_status(&error), Some(DeliveryStreamStatus::Active));
        replay.assert_asked();

        let replay = Replay::recorded(&["firehose/describe-delivery-stream-absent"]);
        let answer = replay.target().firehose().describe_delivery_stream().delivery_stream_name(name).send().await;
        assert_eq!(unread_status(&answer.expect_err("refused")), None);
    }
}
