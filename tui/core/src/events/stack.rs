//! A step of a stack operation.

use std::fmt;

use super::Timestamp;

/// A step of a stack operation, as CloudFormation tells it.
#[derive(Debug, Clone)]
pub struct StackEvent {
    /// CloudFormation's id of the event; unique.
    pub event_id: String,
    /// When.
    pub time: Timestamp,
    /// The resource's name in the template; the stack's own name for the stack itself.
    pub logical_id: String,
    /// The resource's id in its service, once it is known.
    pub physical_id: Option<String>,
    /// `AWS::Kinesis::Stream`.
    pub resource_type: String,
    /// `CREATE_COMPLETE`.
    pub status: StackStatus,
    /// CloudFormation's own words.
    pub reason: Option<String>,
}

impl StackEvent {
    /// Whether this is of the stack itself, not of a resource in it.
    pub fn is_of_stack(&self) -> bool {
        self.resource_type == "AWS::CloudFormation::Stack"
    }
}

/// A status of a stack or of a resource in it, `CREATE_COMPLETE`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StackStatus(pub String);

impl StackStatus {
    /// The text as AWS writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Something is being done.
    pub fn in_progress(&self) -> bool {
        self.0.ends_with("_IN_PROGRESS") && self.0 != "REVIEW_IN_PROGRESS"
    }

    /// Something did not work, or was undone because of that.
    pub fn failed(&self) -> bool {
        self.0.ends_with("_FAILED") || self.0.contains("ROLLBACK")
    }

    /// It is there and can be used.
    pub fn usable(&self) -> bool {
        matches!(
            self.0.as_str(),
            "CREATE_COMPLETE"
                | "UPDATE_COMPLETE"
                | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
                | "UPDATE_ROLLBACK_COMPLETE"
                | "IMPORT_COMPLETE"
        )
    }
}

impl fmt::Display for StackStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<&str> for StackStatus {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
