//! Follows an operation that somebody else began: a run that was cut short, or another person.

use std::time::Duration;

use aws_sdk_cloudformation::Client;
use tailwater_core::events::{StackEvent, StackStatus};
use tokio::sync::mpsc::Sender;

use super::{DeployError, Progress, follow::follow};
use crate::target::StackEvents;

/// The reason that CloudFormation gives for what somebody asked for.
const USER_INITIATED: &str = "User Initiated";

/// Follows the operation that is under way from its first event to its end; gives the stack's status.
pub async fn attach(
    client: &Client,
    stack_id: &str,
    pace: Duration,
    progress: &Sender<Progress>,
) -> Result<StackStatus, DeployError> {
    let mut events = StackEvents::new(client, stack_id.to_owned());
    let past = events.read().await?;
    let (current, ended) = current(&past);
    for event in current {
        let _ = progress.send(Progress::Event(event.clone())).await;
    }
    match ended {
        Some(status) => Ok(status),
        None => follow(client, &mut events, pace, progress).await,
    }
}

/// The events of the operation that began last, and its end where it has come to it meanwhile.
fn current(past: &[StackEvent]) -> (&[StackEvent], Option<StackStatus>) {
    let begins = |event: &StackEvent| {
        event.is_of_stack() && event.status.in_progress() && event.reason.as_deref() == Some(USER_INITIATED)
    };
    let current = &past[past.iter().rposition(begins).unwrap_or_default()..];
    let ended = current
        .iter()
        .rev()
        .find(|event| event.is_of_stack())
        .filter(|event| !event.status.in_progress() && event.status.as_str() != "REVIEW_IN_PROGRESS")
        .map(|event| event.status.clone());
    (current, ended)
}

#[cfg(test)]
mod tests {
    use tailwater_core::events::Timestamp;

    use super::*;

    fn event(resource_type: &str, status: &str, reason: Option<&str>) -> StackEvent {
        StackEvent {
            event_id: status.into(),
            time: Timestamp::default(),
            logical_id: "x".into(),
            physical_id: None,
            resource_type: resource_type.into(),
            status: StackStatus::from(status),
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn an_earlier_operations_end_is_not_this_ones() {
        let stack = "AWS::CloudFormation::Stack";
        let mut past = vec![
            event(stack, "REVIEW_IN_PROGRESS", Some(USER_INITIATED)),
            event(stack, "CREATE_IN_PROGRESS", Some(USER_INITIATED)),
            event("AWS::S3::Bucket", "CREATE_COMPLETE", None),
            event(stack, "CREATE_COMPLETE", None),
            event(stack, "DELETE_IN_PROGRESS", Some(USER_INITIATED)),
            event("AWS::S3::Bucket", "DELETE_COMPLETE", None),
        ];
        let (events, ended) = current(&past);
        assert_eq!((events.len(), ended), (2, None));
        past.push(event(stack, "DELETE_COMPLETE", None));
        assert_eq!(current(&past).1, Some(StackStatus::from("DELETE_COMPLETE")));
    }

    #[test]
    fn a_rollback_belongs_to_what_it_undoes() {
        let stack = "AWS::CloudFormation::Stack";
        let past = [
            event(stack, "CREATE_IN_PROGRESS", Some(USER_INITIATED)),
            event("AWS::S3::Bucket", "CREATE_FAILED", Some("taken")),
            event(stack, "ROLLBACK_IN_PROGRESS", Some("The following resource(s) failed to create: [B].")),
        ];
        let (events, ended) = current(&past);
        assert_eq!((events.len(), ended), (3, None));
    }
}
