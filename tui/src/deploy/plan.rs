//! What may be done to a stack in each of its states: the one table that `deploy` and `destroy` go by.

use tailwater_core::events::StackStatus;

/// What a deployment has to do first, given the stack's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Create it through a change set.
    Create,
    /// Update it through a change set.
    Update,
    /// Update it from where it failed. Rollback was disabled then and has to stay so.
    UpdateAsItFailed,
    /// An operation runs: follow it to its end, then look again.
    Attach,
    /// It never came up: delete what is left, then create.
    DeleteFirst,
    /// An update could not be undone: undo the rest, then update.
    ContinueRollback,
    /// Nothing legal leads to a deployed stack without someone's decision.
    Refuse(&'static str),
}

/// What a removal may do, given the stack's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// There is nothing.
    Nothing,
    /// It is in review and holds nothing: delete it.
    DeleteEmpty,
    /// Drain the pipeline, then delete the stack.
    Delete,
    /// As before; what cannot be deleted may be retained, and only here.
    DeleteOrRetain,
    /// An operation runs: follow it to its end, then look again.
    Attach,
}

/// One row of the table.
struct Row {
    status: &'static str,
    deploy: Action,
    destroy: Removal,
}

const fn row(status: &'static str, deploy: Action, destroy: Removal) -> Row {
    Row { status, deploy, destroy }
}

/// Every status that CloudFormation has, in the order of its documentation.
const TABLE: [Row; 23] = [
    row("CREATE_COMPLETE", Action::Update, Removal::Delete),
    row("CREATE_IN_PROGRESS", Action::Attach, Removal::Attach),
    row("CREATE_FAILED", Action::UpdateAsItFailed, Removal::Delete),
    row("DELETE_COMPLETE", Action::Create, Removal::Nothing),
    row(
        "DELETE_FAILED",
        Action::Refuse(
            "something of it could not be deleted. Run `tailwater destroy`, which says what and finishes it, then \
             deploy again",
        ),
        Removal::DeleteOrRetain,
    ),
    row("DELETE_IN_PROGRESS", Action::Attach, Removal::Attach),
    row("REVIEW_IN_PROGRESS", Action::Create, Removal::DeleteEmpty),
    row("ROLLBACK_COMPLETE", Action::DeleteFirst, Removal::Delete),
    row("ROLLBACK_FAILED", Action::DeleteFirst, Removal::Delete),
    row("ROLLBACK_IN_PROGRESS", Action::Attach, Removal::Attach),
    row("UPDATE_COMPLETE", Action::Update, Removal::Delete),
    // Usable, but not updatable before what was replaced is gone.
    row("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Action::Attach, Removal::Attach),
    row("UPDATE_FAILED", Action::UpdateAsItFailed, Removal::Delete),
    row("UPDATE_IN_PROGRESS", Action::Attach, Removal::Attach),
    row("UPDATE_ROLLBACK_COMPLETE", Action::Update, Removal::Delete),
    row("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", Action::Attach, Removal::Attach),
    row("UPDATE_ROLLBACK_FAILED", Action::ContinueRollback, Removal::Delete),
    row("UPDATE_ROLLBACK_IN_PROGRESS", Action::Attach, Removal::Attach),
    row("IMPORT_IN_PROGRESS", Action::Attach, Removal::Attach),
    row("IMPORT_COMPLETE", Action::Update, Removal::Delete),
    row("IMPORT_ROLLBACK_IN_PROGRESS", Action::Attach, Removal::Attach),
    row(
        "IMPORT_ROLLBACK_FAILED",
        Action::Refuse(
            "an import could not be undone. The stack's events name the resource (`tailwater tail stack \
             --from-start`): put right what they name, or run `tailwater destroy`",
        ),
        Removal::Delete,
    ),
    row("IMPORT_ROLLBACK_COMPLETE", Action::Update, Removal::Delete),
];

/// What a status that is not in the table allows: AWS has made a new one.
const UNKNOWN: Action =
    Action::Refuse("Tailwater does not know this status. Wait until it has ended, or choose another --stack-name");

fn find(status: &StackStatus) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.status == status.as_str())
}

/// What a deployment has to do first; `None`: there is no stack.
pub fn action(status: Option<&StackStatus>) -> Action {
    let Some(status) = status else { return Action::Create };
    match find(status) {
        Some(row) => row.deploy,
        None if status.in_progress() => Action::Attach,
        None => UNKNOWN,
    }
}

/// What a removal may do; `None`: there is no stack.
pub fn removal(status: Option<&StackStatus>) -> Removal {
    let Some(status) = status else { return Removal::Nothing };
    match find(status) {
        Some(row) => row.destroy,
        None if status.in_progress() => Removal::Attach,
        None => Removal::Delete,
    }
}

/// What CloudFormation means by a status beside the status.
pub fn detail(detailed_status: &str) -> Option<&'static str> {
    match detailed_status {
        "CONFIGURATION_COMPLETE" => {
            Some("every resource is configured; CloudFormation waits until each of them has settled")
        }
        "VALIDATION_FAILED" => Some("CloudFormation checked the template before it began and refused it"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: &str) -> Action {
        action(Some(&StackStatus::from(status)))
    }

    #[test]
    fn every_status_that_the_service_has_is_in_the_table() {
        use aws_sdk_cloudformation::types::StackStatus as Served;
        for status in Served::values() {
            assert!(find(&StackStatus::from(*status)).is_some(), "{status}");
        }
        assert_eq!(TABLE.len(), Served::values().len());
    }

    #[test]
    fn one_in_progress_is_attached_to() {
        for row in &TABLE {
            let runs = StackStatus::from(row.status).in_progress();
            assert_eq!(row.deploy == Action::Attach, runs, "{}", row.status);
            assert_eq!(row.destroy == Removal::Attach, runs, "{}", row.status);
        }
        assert_eq!(of("REPAIR_IN_PROGRESS"), Action::Attach);
        assert_eq!(removal(Some(&StackStatus::from("REPAIR_IN_PROGRESS"))), Removal::Attach);
    }

    #[test]
    fn every_state_has_its_action() {
        assert_eq!(action(None), Action::Create);
        assert_eq!(of("REVIEW_IN_PROGRESS"), Action::Create);
        for updatable in [
            "CREATE_COMPLETE",
            "UPDATE_COMPLETE",
            "UPDATE_ROLLBACK_COMPLETE",
            "IMPORT_COMPLETE",
            "IMPORT_ROLLBACK_COMPLETE",
        ] {
            assert_eq!(of(updatable), Action::Update, "{updatable}");
        }
        assert_eq!(of("ROLLBACK_COMPLETE"), Action::DeleteFirst);
        assert_eq!(of("UPDATE_ROLLBACK_FAILED"), Action::ContinueRollback);
        assert_eq!(of("UPDATE_FAILED"), Action::UpdateAsItFailed);
        for refused in ["DELETE_FAILED", "IMPORT_ROLLBACK_FAILED", "SOMETHING_NEW"] {
            assert!(matches!(of(refused), Action::Refuse(_)), "{refused}");
        }
    }

    #[test]
    fn only_a_failed_deletion_may_retain() {
        for row in &TABLE {
            assert_eq!(row.destroy == Removal::DeleteOrRetain, row.status == "DELETE_FAILED", "{}", row.status);
        }
        assert_eq!(removal(None), Removal::Nothing);
    }
}
