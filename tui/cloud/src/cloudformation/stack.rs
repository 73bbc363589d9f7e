//! A stack: what was deployed, what there is, and what happened.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{
    change_set::ChangeSet,
    events::Event,
    graph::Graph,
    template::{DeletionPolicy, Pseudo, ResolvedParameter, ResourceValues, Scope, Template, invalid},
    validation::Validated,
};
use crate::{caller::Caller, wire::ServiceResult};

/// The type that stacks themselves have in their events.
pub(crate) const STACK_TYPE: &str = "AWS::CloudFormation::Stack";

/// The reason of events that somebody asked for.
pub(crate) const USER_INITIATED: &str = "User Initiated";

/// One operation on a stack: what somebody asked for, or the rollback that followed from it.
#[derive(Debug, Clone)]
pub(crate) struct StackOperation {
    pub id: String,
    /// `CREATE_STACK`, `ROLLBACK`, …
    pub kind: &'static str,
    /// `ClientRequestToken` of the request that began it; `None`: there was none, or the operation
    /// began by itself.
    pub token: Option<String>,
    pub by_user: bool,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub failed: bool,
}

impl StackOperation {
    /// `OperationStatus` as `DescribeEvents` tells it.
    pub fn status(&self) -> &'static str {
        match (self.ended, self.failed) {
            (None, _) => "IN_PROGRESS",
            (Some(_), true) => "FAILED",
            (Some(_), false) => "SUCCEEDED",
        }
    }
}

/// The kind of operation that a status begins; `None`: it is a further one of the operation at hand.
fn begun_by(status: &str, before: &str) -> Option<&'static str> {
    match status {
        "CREATE_IN_PROGRESS" => Some("CREATE_STACK"),
        "UPDATE_IN_PROGRESS" | "IMPORT_IN_PROGRESS" => Some("UPDATE_STACK"),
        "DELETE_IN_PROGRESS" => Some("DELETE_STACK"),
        "UPDATE_ROLLBACK_IN_PROGRESS" if before == "UPDATE_ROLLBACK_FAILED" => Some("CONTINUE_ROLLBACK"),
        "ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS" | "IMPORT_ROLLBACK_IN_PROGRESS" => Some("ROLLBACK"),
        _ => None,
    }
}

/// A time as `CloudFormation` writes it: milliseconds, UTC.
pub(crate) fn iso(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// A template with its parameters: all that decides what a stack holds.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    pub template: Arc<Template>,
    pub parameters: Vec<ResolvedParameter>,
    /// What references to parameters give.
    pub values: BTreeMap<String, Value>,
    pub conditions: BTreeMap<String, bool>,
    pub graph: Graph,
    pub tags: Vec<(String, String)>,
    pub capabilities: Vec<String>,
}

impl Revision {
    /// What functions in this revision's template are evaluated in.
    pub fn scope<'a>(&'a self, pseudo: &'a Pseudo, resources: &'a dyn ResourceValues) -> Scope<'a> {
        Scope {
            mappings: &self.template.mappings,
            parameters: &self.values,
            conditions: &self.conditions,
            pseudo,
            resources,
        }
    }

    /// Whether a condition holds; none always does.
    pub fn holds(&self, condition: Option<&String>) -> bool {
        condition.is_none_or(|name| self.conditions.get(name).copied().unwrap_or(false))
    }
}

/// One resource of a stack.
#[expect(clippy::struct_field_names, reason = "a resource type is what CloudFormation calls it")]
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub logical_id: String,
    pub resource_type: String,
    /// `None`: not made yet.
    pub physical_id: Option<String>,
    pub status: &'static str,
    pub reason: Option<String>,
    pub at: Timestamp,
    /// As applied last.
    pub properties: Map<String, Value>,
    /// What `Fn::GetAtt` gives.
    pub attributes: Map<String, Value>,
    /// What it waited for, so that it is deleted before that.
    pub dependencies: Vec<String>,
    pub deletion_policy: DeletionPolicy,
    pub update_replace_policy: DeletionPolicy,
    /// Evaluated.
    pub metadata: Option<Value>,
    /// Whether it was there before its stack: no rollback deletes it.
    pub imported: bool,
    /// What the last drift detection found.
    pub drift: Option<Drift>,
}

/// Whether a resource is as its stack left it, found at that time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drift {
    /// `IN_SYNC`, `DELETED`, `NOT_CHECKED`.
    pub status: &'static str,
    pub at: Timestamp,
}

/// One drift detection of a whole stack.
#[derive(Debug, Clone)]
pub(crate) struct DriftDetection {
    pub id: String,
    /// `IN_SYNC`, `DRIFTED`.
    pub status: &'static str,
    pub drifted: usize,
    pub at: Timestamp,
}

impl Resource {
    /// Whether there is something to delete.
    pub fn exists(&self) -> bool {
        self.physical_id.is_some() && self.status != "DELETE_COMPLETE" && self.status != "DELETE_SKIPPED"
    }
}

/// One output, evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub key: String,
    pub value: String,
    pub description: Option<String>,
}

/// What a failed create does, as `OnFailure` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    Rollback,
    DoNothing,
    Delete,
}

/// An update that is under way, or whose rollback failed.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    /// What to go back to.
    pub previous: Option<Revision>,
    pub previous_outputs: Vec<Output>,
    /// The resources as they were.
    pub before: BTreeMap<String, Resource>,
    /// Resources that this update made, changed or tried to.
    pub touched: std::collections::BTreeSet<String>,
    /// What it made and its rollback must delete, kept while a rollback that failed waits for
    /// another.
    pub made: Vec<Resource>,
}

/// One stack.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    pub id: String,
    pub name: String,
    pub created: Timestamp,
    pub updated: Option<Timestamp>,
    pub deleted: Option<Timestamp>,
    pub status: &'static str,
    pub status_reason: Option<String>,
    /// `None`: in review, nothing was deployed yet.
    pub revision: Option<Revision>,
    pub role_arn: Option<String>,
    pub on_failure: OnFailure,
    pub termination_protection: bool,
    /// Whether a rollback deletes even what a policy of `Retain` would keep, as long as the operation
    /// that is rolled back made it.
    pub retain_except_on_create: bool,
    /// How the stack was last asked to go, where that was said.
    pub deletion_mode: Option<&'static str>,
    /// The change set that was executed last.
    pub change_set_id: Option<String>,
    pub outputs: Vec<Output>,
    pub resources: BTreeMap<String, Resource>,
    /// Oldest first.
    pub events: Vec<Event>,
    /// Oldest first.
    pub operations: Vec<StackOperation>,
    pub change_sets: Vec<ChangeSet>,
    /// Of every change set that there was, oldest first.
    pub validations: Vec<Validated>,
    /// Physical ids of what the operation under way takes in instead of making it, by logical id.
    pub imports: BTreeMap<String, String>,
    /// Oldest first.
    pub drift_detections: Vec<DriftDetection>,
    pub update: Option<Update>,
    /// Ends the operation that is under way.
    pub cancel: CancellationToken,
    /// Operations of one stack follow each other.
    pub turn: Arc<tokio::sync::Mutex<()>>,
    /// `ClientRequestToken` of the operation under way, for its events.
    pub token: Option<String>,
}

impl Stack {
    /// A stack of which nothing exists yet.
    pub fn new(id: String, name: String, status: &'static str) -> Self {
        Self {
            id,
            name,
            created: Timestamp::now(),
            updated: None,
            deleted: None,
            status,
            status_reason: None,
            revision: None,
            role_arn: None,
            on_failure: OnFailure::Rollback,
            termination_protection: false,
            retain_except_on_create: false,
            deletion_mode: None,
            change_set_id: None,
            outputs: Vec::new(),
            resources: BTreeMap::new(),
            events: Vec::new(),
            operations: Vec::new(),
            change_sets: Vec::new(),
            validations: Vec::new(),
            imports: BTreeMap::new(),
            drift_detections: Vec::new(),
            update: None,
            cancel: CancellationToken::new(),
            turn: Arc::default(),
            token: None,
        }
    }

    /// Who resource operations are made as.
    pub fn caller(&self) -> Caller {
        match &self.role_arn {
            Some(role_arn) => Caller::Role { role_arn: role_arn.clone(), session_name: "AWSCloudFormation".to_owned() },
            None => Caller::Service("cloudformation.amazonaws.com"),
        }
    }

    /// Moves the stack to another status, with its event.
    pub fn set_status(&mut self, status: &'static str, reason: Option<String>) {
        if let Some(kind) = begun_by(status, self.status) {
            let by_user = reason.as_deref() == Some(USER_INITIATED);
            // What is overtaken, or is followed by its own rollback, did not succeed.
            self.end_operation(true);
            self.imports.clear();
            self.operations.push(StackOperation {
                id: uuid::Uuid::new_v4().to_string(),
                kind,
                token: self.token.clone().filter(|_| by_user),
                by_user,
                started: Timestamp::now(),
                ended: None,
                failed: false,
            });
        }
        self.status = status;
        // A success has no reason to tell, its event at most who asked for it.
        self.status_reason = reason.clone().filter(|_| !matches!(status, "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS"));
        let event = Event::new(self, &self.name, STACK_TYPE, status).with_physical_id(&self.id).with_reason(reason);
        self.events.push(event);
        if !status.ends_with("_IN_PROGRESS") {
            self.end_operation(status.ends_with("_FAILED"));
        }
    }

    fn end_operation(&mut self, failed: bool) {
        if let Some(operation) = self.operations.last_mut().filter(|operation| operation.ended.is_none()) {
            operation.ended = Some(Timestamp::now());
            operation.failed = failed;
        }
    }

    /// The id of the operation that began last.
    pub fn operation_id(&self) -> Option<&str> {
        self.operations.last().map(|operation| operation.id.as_str())
    }

    /// Whether a rollback keeps a resource that the operation made, or took in.
    pub fn keeps_at_rollback(&self, resource: &Resource) -> bool {
        let is_kept = resource.deletion_policy == DeletionPolicy::Retain && !self.retain_except_on_create;
        resource.imported || is_kept
    }

    /// Begins an update to another revision; one that failed and was not taken back goes on.
    pub fn begin_update(&mut self, next: Revision) {
        let previous = self.revision.replace(next);
        self.update.get_or_insert_with(|| Update {
            previous,
            previous_outputs: self.outputs.clone(),
            before: self.resources.clone(),
            touched: std::collections::BTreeSet::new(),
            made: Vec::new(),
        });
        self.updated = Some(Timestamp::now());
        self.set_status("UPDATE_IN_PROGRESS", Some(USER_INITIATED.into()));
    }

    /// Moves a resource to another status, with its event.
    pub fn set_resource_status(&mut self, logical_id: &str, status: &'static str, reason: Option<String>) {
        let Some(resource) = self.resources.get_mut(logical_id) else { return };
        resource.status = status;
        resource.reason.clone_from(&reason);
        resource.at = Timestamp::now();
        let resource = resource.clone();
        self.record(&resource, status, reason);
    }

    /// Ends what a resource was about in its failure: `CREATE_IN_PROGRESS` in `CREATE_FAILED`.
    pub fn fail_resource(&mut self, logical_id: Option<&String>, reason: Option<String>) {
        let Some(resource) = logical_id.and_then(|id| self.resources.get(id)) else { return };
        let (id, status) = (resource.logical_id.clone(), resource.status);
        let failed = match status.split('_').next() {
            Some("IMPORT") => "IMPORT_FAILED",
            Some("CREATE") => "CREATE_FAILED",
            Some("DELETE") => "DELETE_FAILED",
            _ => "UPDATE_FAILED",
        };
        self.set_resource_status(&id, failed, reason);
    }

    /// An event of a resource that need not be the stack's current one, such as the old one of a
    /// replacement.
    pub fn record(&mut self, resource: &Resource, status: &'static str, reason: Option<String>) {
        let event = Event::new(self, &resource.logical_id, &resource.resource_type, status)
            .with_physical_id(resource.physical_id.as_deref().unwrap_or_default())
            .with_properties(&resource.properties)
            .with_reason(reason);
        self.events.push(event);
    }

    /// The graph of what exists: each resource waits for what it was made after.
    pub fn recorded_graph(&self) -> Graph {
        Graph::from_dependencies(
            self.resources.values().map(|resource| (resource.logical_id.clone(), resource.dependencies.clone())),
        )
    }

    /// The change set of a name or an id.
    pub fn change_set(&self, name: &str) -> Option<&ChangeSet> {
        self.change_sets.iter().rev().find(|change_set| change_set.id == name || change_set.name == name)
    }
}

impl ResourceValues for Stack {
    fn reference(&self, logical_id: &str) -> ServiceResult<Value> {
        self.resources.get(logical_id).and_then(|resource| resource.physical_id.as_deref()).map(Value::from).ok_or_else(
            || {
                invalid(format!(
                    "Template format error: Unresolved resource dependencies [{logical_id}] in the Resources block of \
                     the template"
                ))
            },
        )
    }

    fn attribute(&self, logical_id: &str, attribute: &str) -> ServiceResult<Value> {
        let resource = self.resources.get(logical_id).ok_or_else(|| {
            invalid(format!(
                "Template format error: Unresolved resource dependencies [{logical_id}] in the Resources block of the \
                 template"
            ))
        })?;
        resource.attributes.get(attribute).cloned().ok_or_else(|| {
            invalid(format!("Resource type {} does not support attribute {{{attribute}}}", resource.resource_type))
        })
    }
}
