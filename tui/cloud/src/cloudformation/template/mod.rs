//! A template, parsed and found sound: its sections as types.

mod conditions;
mod functions;
mod intrinsics;
mod parameters;
mod parse;
mod references;
mod sections;

pub(crate) use conditions::evaluate as evaluate_conditions;
pub(crate) use intrinsics::{Pseudo, ResourceValues, Scope, UNKNOWN};
pub(crate) use parameters::{
    Given, ParameterDeclaration, ResolvedParameter, describe as describe_parameter, resolve as resolve_parameters,
};
pub(crate) use references::Causes;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::wire::{ServiceError, ServiceResult};

/// The longest template that is taken inline, in bytes.
pub(crate) const LONGEST_BODY_BYTES: usize = 51_200;

/// A `ValidationError`, HTTP 400: what most of `CloudFormation`'s refusals are.
pub(crate) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::bad_request("ValidationError", message)
}

/// A template whose structure and references were checked.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    /// The text as it was given, for `GetTemplate`.
    pub text: String,
    pub description: Option<String>,
    pub metadata: Option<Value>,
    pub parameters: Vec<ParameterDeclaration>,
    pub mappings: Map<String, Value>,
    /// Condition functions, unevaluated.
    pub conditions: Map<String, Value>,
    /// In the template's order.
    pub resources: Vec<ResourceDeclaration>,
    /// In the template's order.
    pub outputs: Vec<OutputDeclaration>,
}

/// One member of `Resources`.
#[derive(Debug, Clone)]
pub(crate) struct ResourceDeclaration {
    pub logical_id: String,
    pub resource_type: String,
    /// Unevaluated.
    pub properties: Map<String, Value>,
    pub condition: Option<String>,
    /// As declared by `DependsOn`; implied ones are found by [`Template::dependencies`].
    pub depends_on: Vec<String>,
    pub deletion_policy: DeletionPolicy,
    /// Whether the template says `DeletionPolicy`, which an import wants.
    pub says_deletion_policy: bool,
    pub update_replace_policy: DeletionPolicy,
    /// Unevaluated.
    pub metadata: Option<Value>,
}

/// What becomes of a resource that leaves its stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DeletionPolicy {
    #[default]
    Delete,
    Retain,
    /// Kept, but for the rollback of the very creation that made it.
    RetainExceptOnCreate,
}

/// One member of `Outputs`.
#[derive(Debug, Clone)]
pub(crate) struct OutputDeclaration {
    pub key: String,
    /// Unevaluated.
    pub value: Value,
    pub description: Option<String>,
    pub condition: Option<String>,
}

impl Template {
    /// Parses and checks a template's text. `is_known_type` says which resource types there are.
    pub fn parse(text: &str, is_known_type: &dyn Fn(&str) -> bool) -> ServiceResult<Self> {
        let template = sections::read(text, parse::parse(text)?, is_known_type)?;
        references::check(&template)?;
        Ok(template)
    }

    /// The declaration of a resource.
    pub fn resource(&self, logical_id: &str) -> Option<&ResourceDeclaration> {
        self.resources.iter().find(|resource| resource.logical_id == logical_id)
    }

    /// What a resource waits for: `DependsOn`, and every resource that its properties name.
    pub fn dependencies(&self, resource: &ResourceDeclaration, conditions: &BTreeMap<String, bool>) -> Vec<String> {
        references::dependencies(self, resource, conditions)
    }
}
