//! What may be done to a stack in each of its states.

use tailwater_core::events::StackStatus;

/// What a deployment has to do, given the stack's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Create it through a change set.
    Create,
    /// Update it through a change set.
    Update,
    /// It never came up and holds nothing: delete what is left, then create.
    DeleteFirst,
    /// Nothing legal leads to a deployed stack without someone's decision.
    Refuse(&'static str),
}

/// The table of CloudFormation's states. One in progress must have been waited for.
pub fn action(status: Option<&StackStatus>) -> Action {
    match status.map(StackStatus::as_str) {
        None | Some("DELETE_COMPLETE" | "REVIEW_IN_PROGRESS") => Action::Create,
        Some("CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_COMPLETE") => Action::Update,
        Some("ROLLBACK_COMPLETE") => Action::DeleteFirst,
        Some("ROLLBACK_FAILED" | "DELETE_FAILED") => Action::Refuse(
            "something of it could not be deleted. Run `tailwater destroy`, which says what, then deploy again",
        ),
        Some("UPDATE_ROLLBACK_FAILED") => Action::Refuse(
            "an update could not be undone. Run `aws cloudformation continue-update-rollback`, or `tailwater destroy`",
        ),
        Some("CREATE_FAILED" | "UPDATE_FAILED") => Action::Refuse(
            "an operation failed with rollback disabled. Run `aws cloudformation rollback-stack`, or `tailwater destroy`",
        ),
        Some(_) => {
            Action::Refuse("this state allows no deployment. Wait until it has ended, or choose another --stack-name")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_action() {
        let of = |status: &str| action(Some(&StackStatus::from(status)));
        assert_eq!(action(None), Action::Create);
        assert_eq!(of("REVIEW_IN_PROGRESS"), Action::Create);
        assert_eq!(of("CREATE_COMPLETE"), Action::Update);
        assert_eq!(of("UPDATE_ROLLBACK_COMPLETE"), Action::Update);
        assert_eq!(of("ROLLBACK_COMPLETE"), Action::DeleteFirst);
        for refused in ["ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED", "CREATE_FAILED", "UPDATE_FAILED"]
        {
            assert!(matches!(of(refused), Action::Refuse(_)), "{refused}");
        }
        assert!(matches!(of("IMPORT_ROLLBACK_FAILED"), Action::Refuse(_)));
    }
}
