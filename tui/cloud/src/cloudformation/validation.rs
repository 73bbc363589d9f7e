//! Early validation: what is wrong with a change set before anything is made. Only `DescribeEvents`
//! tells what was found; the change set itself says that something was.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    CloudFormation,
    change_set::{Addition, Plan},
    resources::{Request, Schema},
    stack::Stack,
    template::UNKNOWN,
};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validation {
    /// Properties against their schema.
    Property,
    /// Names of resources that are to be made against those that are there.
    NameConflict,
}

impl Validation {
    /// Its name in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Property => "PROPERTY_VALIDATION",
            Self::NameConflict => "NAME_CONFLICT_VALIDATION",
        }
    }

    /// Its name in the reason of a change set.
    fn hook(self) -> &'static str {
        match self {
            Self::Property => "AWS::EarlyValidation::PropertyValidation",
            Self::NameConflict => "AWS::EarlyValidation::ResourceExistenceCheck",
        }
    }
}

/// The early validation of one change set, which is told even after the change set is gone.
#[derive(Debug, Clone)]
pub(crate) struct Validated {
    /// The id of the operation that made the change set.
    pub operation_id: String,
    pub change_set_id: String,
    pub at: Timestamp,
    pub findings: Vec<Finding>,
}

/// One thing that is wrong.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub event_id: String,
    pub validation: Validation,
    pub logical_id: String,
    pub resource_type: String,
    pub physical_id: Option<String>,
    /// Where in the template.
    pub path: String,
    pub reason: String,
}

impl Finding {
    fn new(validation: Validation, logical_id: &str, resource_type: &str, path: String, reason: String) -> Self {
        Self {
            event_id: uuid::Uuid::new_v4().to_string(),
            validation,
            logical_id: logical_id.to_owned(),
            resource_type: resource_type.to_owned(),
            physical_id: None,
            path,
            reason,
        }
    }

    /// What is wrong with a resource's properties.
    pub fn of_properties(schema: &Schema, logical_id: &str, properties: &Map<String, Value>) -> Vec<Self> {
        let found = schema.findings(properties).into_iter().map(|(path, words)| {
            let path = format!("/Resources/{logical_id}/Properties{path}");
            Self::new(Validation::Property, logical_id, schema.type_name, path, words)
        });
        found.collect()
    }
}

/// Why a change set failed whose validation found something.
pub(crate) fn reason(findings: &[Finding]) -> String {
    let mut hooks: Vec<&str> = findings.iter().map(|finding| finding.validation.hook()).collect();
    hooks.sort_unstable();
    hooks.dedup();
    format!(
        "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, use the \
         DescribeEvents API for detailed failure information.",
        hooks.join(", ")
    )
}

impl CloudFormation {
    /// Everything that is wrong with a plan; what is imported is there by right.
    pub(crate) async fn validate(
        &self,
        stack: &Stack,
        plan: &Plan,
        imports: &BTreeMap<String, String>,
    ) -> Vec<Finding> {
        let mut findings = plan.findings.clone();
        for addition in plan.additions.iter().filter(|addition| !imports.contains_key(&addition.logical_id)) {
            if let Some((property, name)) = self.taken_name(stack, addition).await {
                let (id, kind) = (&addition.logical_id, &addition.resource_type);
                let reason = format!("Resource of type '{kind}' with identifier '{name}' already exists.");
                let path = format!("/Resources/{id}/Properties/{property}");
                let mut finding = Finding::new(Validation::NameConflict, id, kind, path, reason);
                finding.physical_id = Some(name);
                findings.push(finding);
            }
        }
        findings
    }

    /// The property that names a resource that is to be made, and its name, where there is one of
    /// that name already.
    pub(crate) async fn taken_name(&self, stack: &Stack, addition: &Addition) -> Option<(&'static str, String)> {
        let provider = self.registry.get(&addition.resource_type)?;
        let property = provider.schema().name?;
        let name = addition.properties.get(property)?.as_str().filter(|name| !name.contains(UNKNOWN))?;
        let request = Request {
            caller: stack.caller(),
            stack_name: stack.name.clone(),
            logical_id: addition.logical_id.clone(),
            properties: addition.properties.clone(),
        };
        // What cannot be looked at shows itself when the resource is made.
        let is_taken = matches!(provider.exists(&request, name).await, Ok(Some(true)));
        is_taken.then(|| (property, name.to_owned()))
    }
}
