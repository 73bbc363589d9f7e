//! Follows an operation of a stack to its end.

use std::time::Duration;

use aws_sdk_cloudformation::Client;
use tailwater_core::events::StackStatus;
use tokio::sync::mpsc::Sender;

use super::{DeployError, Progress};
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
    loop {
        for event in events.read().await? {
            let ended = event.is_of_stack() && !event.status.in_progress();
            let status = event.status.clone();
            let _ = progress.send(Progress::Event(event)).await;
            if ended && status.as_str() != "REVIEW_IN_PROGRESS" {
                return Ok(status);
            }
        }
        if !events.seen().is_empty() && pace >= LOOK_AT_STATUS_FROM {
            let answer = client.describe_stacks().stack_name(events.stack_id()).send().await;
            let stacks = answer.map_err(|error| DeployError::call("read the stack's status", &error))?;
            let status = stacks
                .stacks()
                .first()
                .and_then(|stack| stack.stack_status())
                .map(aws_sdk_cloudformation::types::StackStatus::as_str);
            if let Some(status) = status.map(StackStatus::from)
                && !status.in_progress()
            {
                for event in events.read().await? {
                    let _ = progress.send(Progress::Event(event)).await;
                }
                return Ok(status);
            }
        }
        tokio::time::sleep(pace).await;
    }
}
