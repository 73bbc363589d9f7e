//! What happened to a stack and its resources, as `DescribeStackEvents` and `DescribeEvents` tell it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::stack::{STACK_TYPE, Stack, StackOperation, iso};

/// Events in one page.
pub(crate) const PAGE: usize = 100;

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub id: String,
    /// The operation's id; `None`: none was under way.
    pub operation: Option<String>,
    at: Timestamp,
    logical_id: String,
    physical_id: String,
    resource_type: String,
    status: &'static str,
    reason: Option<String>,
    /// JSON text.
    properties: Option<String>,
    token: Option<String>,
}

impl Event {
    /// An event of now.
    pub fn new(stack: &Stack, logical_id: &str, resource_type: &str, status: &'static str) -> Self {
        let unique = uuid::Uuid::new_v4();
        let is_stack = resource_type == STACK_TYPE;
        Self {
            id: if is_stack { unique.to_string() } else { format!("{logical_id}-{unique}") },
            operation: stack.operation_id().map(str::to_owned),
            at: Timestamp::now(),
            logical_id: logical_id.to_owned(),
            physical_id: String::new(),
            resource_type: resource_type.to_owned(),
            status,
            reason: None,
            properties: None,
            token: stack.token.clone(),
        }
    }

    /// The physical id, as far as there is one.
    pub fn with_physical_id(mut self, physical_id: &str) -> Self {
        physical_id.clone_into(&mut self.physical_id);
        self
    }

    /// Why, in words.
    pub fn with_reason(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    /// The resource's properties, evaluated.
    pub fn with_properties(mut self, properties: &Map<String, Value>) -> Self {
        self.properties = Some(Value::Object(properties.clone()).to_string());
        self
    }

    /// As the API describes it.
    pub fn describe(&self, stack: &Stack) -> Value {
        let mut described = json!({
            "StackId": stack.id,
            "EventId": self.id,
            "StackName": stack.name,
            "LogicalResourceId": self.logical_id,
            "PhysicalResourceId": self.physical_id,
            "ResourceType": self.resource_type,
            "Timestamp": iso(self.at),
            "ResourceStatus": self.status,
        });
        for (name, value) in [
            ("ResourceStatusReason", &self.reason),
            ("ResourceProperties", &self.properties),
            ("ClientRequestToken", &self.token),
            ("OperationId", &self.operation),
        ] {
            if let Some(value) = value {
                described[name] = value.as_str().into();
            }
        }
        described
    }

    /// As `DescribeEvents` tells it.
    pub fn describe_in(&self, operation: &StackOperation, stack: &Stack) -> Value {
        let mut described = self.describe(stack);
        if let Value::Object(members) = &mut described {
            members.remove("StackName");
        }
        let kind = match self.status {
            _ if self.resource_type == STACK_TYPE => "STACK_EVENT",
            status if status.ends_with("_FAILED") => "PROVISIONING_ERROR",
            _ => "PROGRESS_EVENT",
        };
        described["EventType"] = kind.into();
        described["OperationType"] = operation.kind.into();
        described
    }

    /// Whether it tells of something that failed.
    pub fn is_failure(&self) -> bool {
        self.status.ends_with("_FAILED")
    }
}
