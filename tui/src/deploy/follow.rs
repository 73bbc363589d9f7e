//! Follows a stack's events, oldest first, each once.

use std::{collections::HashSet, time::Duration};

use aws_sdk_cloudformation::Client;
use tailwater_core::events::{StackEvent, StackStatus, Timestamp};
use tokio::sync::mpsc::Sender;

use super::{DeployError, Progress};

/// The events of one stack.
pub struct StackEvents<'a> {
    client: &'a Client,
    /// Its ARN: by name a deleted stack can no longer be found.
    stack_id: String,
    pace: Duration,
    known: HashSet<String>,
    seen: Vec<StackEvent>,
}

impl<'a> StackEvents<'a> {
    /// Of the stack with this ARN, read at this pace.
    pub fn new(client: &'a Client, stack_id: String, pace: Duration) -> Self {
        Self { client, stack_id, pace, known: HashSet::new(), seen: Vec::new() }
    }

    /// Takes what there is so far as known.
    pub async fn skip_past(&mut self) -> Result<(), DeployError> {
        self.read().await?;
        self.seen.clear();
        Ok(())
    }

    /// What was read, oldest first.
    pub fn seen(&self) -> &[StackEvent] {
        &self.seen
    }

    /// Reads what is new, oldest first.
    pub async fn read(&mut self) -> Result<Vec<StackEvent>, DeployError> {
        let mut new = Vec::new();
        let mut token = None;
        'pages: loop {
            let page = self
                .client
                .describe_stack_events()
                .stack_name(&self.stack_id)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| DeployError::call("read the stack's events", &error))?;
            for event in page.stack_events() {
                let Some(event_id) = event.event_id() else { continue };
                // Newest first: behind a known one everything is known.
                if !self.known.insert(event_id.to_owned()) {
                    break 'pages;
                }
                let millis = event.timestamp().and_then(|time| time.to_millis().ok()).unwrap_or_default();
                new.push(StackEvent {
                    event_id: event_id.to_owned(),
                    time: Timestamp::from_millis(millis),
                    logical_id: event.logical_resource_id().unwrap_or_default().to_owned(),
                    physical_id: event.physical_resource_id().filter(|id| !id.is_empty()).map(str::to_owned),
                    resource_type: event.resource_type().unwrap_or_default().to_owned(),
                    status: StackStatus::from(event.resource_status().map_or("", |status| status.as_str())),
                    reason: event.resource_status_reason().map(str::to_owned),
                });
            }
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        new.reverse();
        self.seen.extend(new.iter().cloned());
        Ok(new)
    }

    /// Follows until the operation has ended; gives the stack's status.
    pub async fn follow(&mut self, progress: &Sender<Progress>) -> Result<StackStatus, DeployError> {
        loop {
            for event in self.read().await? {
                let ended = event.is_of_stack() && !event.status.in_progress();
                let status = event.status.clone();
                let _ = progress.send(Progress::Event(event)).await;
                if ended && status.as_str() != "REVIEW_IN_PROGRESS" {
                    return Ok(status);
                }
            }
            // An operation that had ended before it was looked at leaves no event to wait for.
            if self.seen.is_empty() || self.pace > Duration::from_secs(1) {
                let answer = self.client.describe_stacks().stack_name(&self.stack_id).send().await;
                let stack = answer.map_err(|error| DeployError::call("read the stack's status", &error))?;
                let status =
                    stack.stacks().first().and_then(|stack| stack.stack_status()).map(|status| status.as_str());
                if let Some(status) = status.map(StackStatus::from)
                    && !status.in_progress()
                    && !self.seen.is_empty()
                {
                    for event in self.read().await? {
                        let _ = progress.send(Progress::Event(event)).await;
                    }
                    return Ok(status);
                }
            }
            tokio::time::sleep(self.pace).await;
        }
    }
}
