//! Which of a stack's events belong to one operation: from its beginning through its rollback.

use tailwater_core::events::StackEvent;

/// The events of the latest operation, oldest first: everything since it began.
pub fn latest(events: &[StackEvent]) -> &[StackEvent] {
    let began = (0..events.len()).rev().find(|index| begins(events, *index));
    &events[began.unwrap_or(0)..]
}

/// Whether an operation begins with this event. A rollback belongs to what it undoes, unless someone
/// asked for it after that had ended.
fn begins(events: &[StackEvent], index: usize) -> bool {
    let event = &events[index];
    if !event.is_of_stack() {
        return false;
    }
    match event.status.as_str() {
        "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS" | "IMPORT_IN_PROGRESS" => true,
        "ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS" => {
            let before = events[..index].iter().rev().find(|event| event.is_of_stack());
            before.is_none_or(|before| !before.status.in_progress())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use tailwater_core::events::{StackStatus, Timestamp};

    use super::*;

    fn stack(status: &str) -> StackEvent {
        StackEvent {
            event_id: status.into(),
            time: Timestamp::default(),
            logical_id: "s".into(),
            physical_id: None,
            resource_type: "AWS::CloudFormation::Stack".into(),
            status: StackStatus::from(status),
            reason: None,
        }
    }

    fn latest_of(statuses: &[&str]) -> Vec<String> {
        let events: Vec<StackEvent> = statuses.iter().map(|status| stack(status)).collect();
        latest(&events).iter().map(|event| event.status.to_string()).collect()
    }

    #[test]
    fn a_creation_has_its_rollback() {
        let creation = ["REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"];
        assert_eq!(latest_of(&creation), creation[1..]);
    }

    #[test]
    fn what_someone_asks_for_is_an_operation_of_its_own() {
        let all = ["UPDATE_IN_PROGRESS", "UPDATE_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"];
        assert_eq!(latest_of(&all), all[2..]);
        let cancelled = ["CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"];
        assert_eq!(latest_of(&cancelled), cancelled[1..]);
        assert!(latest_of(&[]).is_empty());
    }
}
