//! Reads a stack's events, oldest first, each once.

use std::collections::HashSet;

use aws_sdk_cloudformation::Client;
use tailwater_core::events::{StackEvent, StackStatus, Timestamp};

use super::error_text;

/// The stack's events could not be read.
#[derive(Debug, thiserror::Error)]
#[error("read the events of stack {stack_id}: {answer}")]
pub struct StackEventsError {
    /// The stack's ARN.
    stack_id: String,
    /// What came back.
    answer: String,
}

/// The events of one stack.
pub struct StackEvents<'a> {
    client: &'a Client,
    /// Its ARN: by name a deleted stack can no longer be found.
    stack_id: String,
    known: HashSet<String>,
    seen: Vec<StackEvent>,
}

impl<'a> StackEvents<'a> {
    /// Of the stack with this ARN.
    pub fn new(client: &'a Client, stack_id: String) -> Self {
        Self { client, stack_id, known: HashSet::new(), seen: Vec::new() }
    }

    /// Takes what there is so far as known.
    pub async fn skip_past(&mut self) -> Result<(), StackEventsError> {
        self.read().await?;
        self.seen.clear();
        Ok(())
    }

    /// The stack's ARN.
    pub fn stack_id(&self) -> &str {
        &self.stack_id
    }

    /// What was read, oldest first.
    pub fn seen(&self) -> &[StackEvent] {
        &self.seen
    }

    /// Reads what is new, oldest first.
    pub async fn read(&mut self) -> Result<Vec<StackEvent>, StackEventsError> {
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
                .map_err(|error| StackEventsError { stack_id: self.stack_id.clone(), answer: error_text(&error) })?;
            for event in page.stack_events() {
                let Some(event_id) = event.event_id() else { continue };
                // Newest first: behind a known one everything is known.
                if self.known.contains(event_id) {
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
        // Only once every page is there: a read that failed on the way is made again from the start.
        self.known.extend(new.iter().map(|event: &StackEvent| event.event_id.clone()));
        new.reverse();
        self.seen.extend(new.iter().cloned());
        Ok(new)
    }
}
