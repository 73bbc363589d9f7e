//! Follows an operation of a stack to its end.

use std::time::Duration;

use aws_sdk_cloudformation::Client;
use tailwater_core::events::StackStatus;
use tokio::sync::mpsc::Sender;

use super::{DeployError, Progress, Stack, failure, note, patience::Patience, plan};
use crate::target::StackEvents;

/// Above this pace the stack's status is looked at too: its last event may take a while to show.
const LOOK_AT_STATUS_FROM: Duration = Duration::from_secs(1);

/// Follows until the operation has ended; gives the stack's status.
pub async fn follow(
    client: &Client,
    events: &mut StackEvents<'_>,
    pace: Duration,
    progress: &Sender<Progress>,
) -> Result<StackStatus, DeployError> {
    let mut patience = Patience::new(pace, progress);
    loop {
        match look(client, events, pace, progress).await {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => {
                patience.relieved().await;
                tokio::time::sleep(pace).await;
            }
            Err(error) => patience.bear(error).await?,
        }
    }
}

/// Passes on what is new; the status where that was the end.
async fn look(
    client: &Client,
    events: &mut StackEvents<'_>,
    pace: Duration,
    progress: &Sender<Progress>,
) -> Result<Option<StackStatus>, DeployError> {
    for event in events.read().await? {
        let ended = event.is_of_stack() && !event.status.in_progress();
        let status = event.status.clone();
        let _ = progress.send(Progress::Event(event)).await;
        if ended && status.as_str() != "REVIEW_IN_PROGRESS" {
            return Ok(Some(status));
        }
    }
    if events.seen().is_empty() || pace < LOOK_AT_STATUS_FROM {
        return Ok(None);
    }
    let answer = client.describe_stacks().stack_name(events.stack_id()).send().await;
    let stacks = answer.map_err(|error| DeployError::call("read the stack's status", &error))?;
    let status = stacks
        .stacks()
        .first()
        .and_then(|stack| stack.stack_status())
        .map(aws_sdk_cloudformation::types::StackStatus::as_str);
    let Some(status) = status.map(StackStatus::from).filter(|status| !status.in_progress()) else { return Ok(None) };
    for event in events.read().await? {
        let _ = progress.send(Progress::Event(event)).await;
    }
    Ok(Some(status))
}

/// Looks a stack up in the middle of an operation, where trouble that passes is waited out.
pub async fn find(
    client: &Client,
    stack_name: &str,
    pace: Duration,
    progress: &Sender<Progress>,
) -> Result<Option<Stack>, DeployError> {
    let mut patience = Patience::new(pace, progress);
    loop {
        match Stack::find(client, stack_name).await {
            Ok(found) => {
                patience.relieved().await;
                return Ok(found);
            }
            Err(error) => patience.bear(error).await?,
        }
    }
}

/// Attaches to an operation that runs, whoever began it: shows everything since its beginning, then
/// follows it to its end.
pub async fn attach(
    client: &Client,
    events: &mut StackEvents<'_>,
    detailed_status: Option<&str>,
    pace: Duration,
    progress: &Sender<Progress>,
) -> Result<StackStatus, DeployError> {
    let mut patience = Patience::new(pace, progress);
    while let Err(error) = events.read().await {
        patience.bear(error.into()).await?;
    }
    patience.relieved().await;
    if let Some(words) = detailed_status.and_then(plan::detail) {
        note(progress, format!("CloudFormation says: {words}.")).await;
    }
    let history = failure::latest(events.seen()).to_vec();
    let ended = history.iter().rev().find(|event| event.is_of_stack()).map(|event| event.status.clone());
    for event in history {
        let _ = progress.send(Progress::Event(event)).await;
    }
    match ended {
        // It ended between the look at the stack and at its events.
        Some(status) if !status.in_progress() && status.as_str() != "REVIEW_IN_PROGRESS" => Ok(status),
        _ => follow(client, events, pace, progress).await,
    }
}
