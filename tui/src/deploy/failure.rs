//! Why an operation failed.

use tailwater_core::events::StackEvent;

/// The first cause among an operation's events, oldest first: the earliest failure that is not
/// itself the consequence of another.
pub fn root_cause(events: &[StackEvent]) -> Option<&StackEvent> {
    let consequence = |event: &StackEvent| {
        event.reason.as_deref().is_some_and(|reason| {
            reason.starts_with("Resource creation cancelled") || reason.starts_with("Resource update cancelled")
        })
    };
    let failed = |event: &&StackEvent| event.status.as_str().ends_with("_FAILED");
    let of_resources = events.iter().filter(failed).filter(|event| !event.is_of_stack());
    of_resources
        .clone()
        .find(|event| !consequence(event))
        // A stack can fail by itself, for instance on a bad output.
        .or_else(|| events.iter().find(|event| event.is_of_stack() && event.status.failed() && event.reason.is_some()))
}

#[cfg(test)]
mod tests {
    use tailwater_core::events::{StackStatus, Timestamp};

    use super::*;

    fn event(logical_id: &str, resource_type: &str, status: &str, reason: Option<&str>) -> StackEvent {
        StackEvent {
            event_id: format!("{logical_id}-{status}"),
            time: Timestamp::default(),
            logical_id: logical_id.into(),
            physical_id: None,
            resource_type: resource_type.into(),
            status: StackStatus::from(status),
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn the_earliest_failure_that_is_no_consequence() {
        let stack = "AWS::CloudFormation::Stack";
        let events = [
            event("A", "AWS::Kinesis::Stream", "CREATE_FAILED", Some("Resource creation cancelled")),
            event("B", "AWS::S3::Bucket", "CREATE_FAILED", Some("it already exists")),
            event("s", stack, "ROLLBACK_IN_PROGRESS", Some("The following resource(s) failed to create: [A, B].")),
        ];
        assert_eq!(root_cause(&events).map(|event| event.logical_id.as_str()), Some("B"));
        assert_eq!(root_cause(&events[2..]).map(|event| event.logical_id.as_str()), Some("s"));
        assert_eq!(root_cause(&[]).map(|event| event.logical_id.as_str()), None);
    }
}
