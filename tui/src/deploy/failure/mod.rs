//! Why an operation failed: the first cause first, in AWS's words and in ours.

mod causes;
mod operations;

use std::collections::BTreeSet;

use tailwater_core::{
    events::{StackEvent, StackStatus},
    text::safe::visible,
};

pub use causes::{Explained, Kind, explain};
pub use operations::latest;

/// The reason that CloudFormation gives for what somebody asked for.
const USER_INITIATED: &str = "User Initiated";

/// How a failed operation came about.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The stack's status.
    pub status: StackStatus,
    /// The first cause.
    pub root_cause: Option<StackEvent>,
    /// What it means and what to do, where its words are of a known kind.
    pub explained: Option<Explained>,
    /// How many resources failed or were cancelled only because of it.
    pub consequences: usize,
    /// Why the rollback failed too.
    pub rollback: Option<StackEvent>,
}

impl Failure {
    /// Reads it from a stack's events, oldest first.
    pub fn of(status: StackStatus, events: &[StackEvent]) -> Self {
        let of_operation = latest(events);
        // A rollback that goes on has no cause of its own: that is in an older operation.
        let root_cause = root_cause(of_operation).or_else(|| root_cause(events)).cloned();
        let rollback = status.as_str().ends_with("ROLLBACK_FAILED").then(|| rollback_failure(of_operation)).flatten();
        let first = root_cause.as_ref().map(|event| event.logical_id.as_str());
        let others: BTreeSet<&str> = of_operation
            .iter()
            .filter(|event| !event.is_of_stack() && event.status.as_str().ends_with("_FAILED") && is_consequence(event))
            .map(|event| event.logical_id.as_str())
            .filter(|id| Some(*id) != first)
            .collect();
        let consequences = others.len();
        let explained = root_cause.as_ref().and_then(explain_event);
        Self { status, explained, consequences, rollback: rollback.cloned(), root_cause }
    }

    /// The kind of the first cause.
    pub fn kind(&self) -> Option<Kind> {
        self.explained.map(|explained| explained.kind)
    }

    /// The first cause in one line, safe to print.
    pub fn headline(&self) -> String {
        self.root_cause.as_ref().map_or_else(
            || {
                format!(
                    "Stack ended in {}, and CloudFormation gave no cause: `tailwater tail stack --from-start` shows its events",
                    self.status
                )
            },
            |event| format!("{} ({}): {}", visible(&event.logical_id), visible(&event.resource_type), words_of(event)),
        )
    }

    /// All of it as lines for people; the first has the first cause.
    pub fn report(&self) -> Vec<String> {
        let first = format!("Failed. First cause: {}", self.headline());
        std::iter::once(first).chain(self.details().into_iter().map(|line| format!("  {line}"))).collect()
    }

    /// What follows the headline, a line each, safe to print: what it means, what to do, what failed
    /// because of it, how the stack is now.
    pub fn details(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(explained) = self.explained {
            lines.push(explained.meaning.to_owned());
            lines.push(explained.advice.to_owned());
        }
        match self.consequences {
            0 => {}
            1 => lines.push("1 other was cancelled because of it.".to_owned()),
            others => lines.push(format!("{others} others were cancelled because of it.")),
        }
        if let Some(event) = &self.rollback {
            let words = words_of(event);
            lines.push(format!(
                "Undoing it failed too: {} ({}): {words}",
                visible(&event.logical_id),
                event.resource_type
            ));
        }
        lines.push(self.state());
        lines
    }

    /// How the stack is now, and what that allows.
    fn state(&self) -> String {
        let status = &self.status;
        let allows = match status.as_str() {
            "ROLLBACK_COMPLETE" => {
                "everything that was made is deleted again; the next deploy removes what is left first"
            }
            "UPDATE_ROLLBACK_COMPLETE" => "it is as it was before, and works",
            "UPDATE_ROLLBACK_FAILED" => {
                "the next `tailwater deploy` offers to go on undoing it, `tailwater destroy` removes it"
            }
            "ROLLBACK_FAILED" => {
                "the next `tailwater deploy` offers to delete what is left, `tailwater destroy` does it"
            }
            "CREATE_FAILED" | "UPDATE_FAILED" => "rollback was disabled: the next deploy goes on from here",
            "DELETE_FAILED" => "`tailwater destroy` says what could not be deleted and finishes it",
            "DELETE_COMPLETE" => "nothing of it is left",
            _ => return format!("The stack is in {status}."),
        };
        format!("The stack is in {status}: {allows}.")
    }
}

/// What the words of an event mean.
pub fn explain_event(event: &StackEvent) -> Option<Explained> {
    explain(&event.resource_type, event.reason.as_deref()?)
}

fn words_of(event: &StackEvent) -> String {
    event
        .reason
        .as_deref()
        .map_or_else(|| "CloudFormation gave no reason".to_owned(), |words| visible(words).into_owned())
}

/// The first cause among an operation's events, oldest first: the earliest failure that is not
/// itself the consequence of another.
pub fn root_cause(events: &[StackEvent]) -> Option<&StackEvent> {
    let failed = |event: &&StackEvent| event.status.as_str().ends_with("_FAILED");
    let of_resources = events.iter().filter(failed).filter(|event| !event.is_of_stack());
    of_resources
        .clone()
        .find(|event| !is_consequence(event))
        // A stack can fail by itself, for instance on a bad output.
        .or_else(|| events.iter().find(|event| event.is_of_stack() && event.status.failed() && has_cause(event)))
}

/// The first failure after the rollback began.
fn rollback_failure(events: &[StackEvent]) -> Option<&StackEvent> {
    let began = events
        .iter()
        .position(|event| event.is_of_stack() && event.status.as_str().ends_with("ROLLBACK_IN_PROGRESS"))?;
    events[began..].iter().find(|event| !event.is_of_stack() && event.status.as_str().ends_with("_FAILED"))
}

/// Whether the event says why, and not only that someone asked for it.
fn has_cause(event: &StackEvent) -> bool {
    event.reason.as_deref().is_some_and(|reason| reason != USER_INITIATED)
}

fn is_consequence(event: &StackEvent) -> bool {
    event.reason.as_deref().is_some_and(|reason| {
        reason.starts_with("Resource creation cancelled") || reason.starts_with("Resource update cancelled")
    })
}

#[cfg(test)]
mod tests {
    use tailwater_core::events::Timestamp;

    use super::*;

    const STACK: &str = "AWS::CloudFormation::Stack";

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
        let events = [
            event("A", "AWS::Kinesis::Stream", "CREATE_FAILED", Some("Resource creation cancelled")),
            event("B", "AWS::S3::Bucket", "CREATE_FAILED", Some("it already exists")),
            event("s", STACK, "ROLLBACK_IN_PROGRESS", Some("The following resource(s) failed to create: [A, B].")),
        ];
        assert_eq!(root_cause(&events).map(|event| event.logical_id.as_str()), Some("B"));
        assert_eq!(root_cause(&events[2..]).map(|event| event.logical_id.as_str()), Some("s"));
        assert_eq!(root_cause(&[]).map(|event| event.logical_id.as_str()), None);
    }

    #[test]
    fn consequences_are_folded_and_the_rollback_told_apart() {
        let events = [
            event("s", STACK, "UPDATE_IN_PROGRESS", Some("User Initiated")),
            event("Old", "AWS::S3::Bucket", "UPDATE_FAILED", Some("of an operation before")),
            event("s", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", None),
            event("s", STACK, "UPDATE_ROLLBACK_COMPLETE", None),
            event("s", STACK, "UPDATE_IN_PROGRESS", Some("User Initiated")),
            event("A", "AWS::Kinesis::Stream", "UPDATE_FAILED", Some("Resource update cancelled")),
            event("B", "AWS::Lambda::Function", "UPDATE_FAILED", Some("Rate exceeded\u{1b}[31m")),
            event("C", "AWS::S3::Bucket", "UPDATE_FAILED", Some("Resource update cancelled")),
            event(
                "s",
                STACK,
                "UPDATE_ROLLBACK_IN_PROGRESS",
                Some("The following resource(s) failed to update: [A, B]."),
            ),
            event("D", "AWS::IAM::Role", "UPDATE_FAILED", Some("Access denied")),
            event("s", STACK, "UPDATE_ROLLBACK_FAILED", Some("The following resource(s) failed to update: [D]. ")),
        ];
        let failure = Failure::of(StackStatus::from("UPDATE_ROLLBACK_FAILED"), &events);
        assert_eq!(failure.headline(), "B (AWS::Lambda::Function): Rate exceeded␛[31m");
        assert_eq!(failure.kind(), Some(Kind::Throttled));
        let details = failure.details();
        assert_eq!(details[2], "2 others were cancelled because of it.");
        assert_eq!(details[3], "Undoing it failed too: D (AWS::IAM::Role): Access denied");
        assert!(details[4].contains("offers to go on undoing it"));
    }

    #[test]
    fn a_rollback_that_goes_on_has_its_cause_in_the_operation_before() {
        let events = [
            event("s", STACK, "UPDATE_IN_PROGRESS", Some("User Initiated")),
            event("B", "AWS::Lambda::Function", "UPDATE_FAILED", Some("Rate exceeded")),
            event("s", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", None),
            event("s", STACK, "UPDATE_ROLLBACK_FAILED", None),
            event("s", STACK, "UPDATE_ROLLBACK_IN_PROGRESS", Some("User Initiated")),
            event("s", STACK, "UPDATE_ROLLBACK_COMPLETE", None),
        ];
        let failure = Failure::of(StackStatus::from("UPDATE_ROLLBACK_COMPLETE"), &events);
        assert_eq!(failure.root_cause.map(|event| event.logical_id), Some("B".to_owned()));
    }
}
