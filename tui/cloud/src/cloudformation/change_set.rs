//! Change sets: what an update would do, told before it does it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::validation::Finding;
use super::{
    CloudFormation,
    operation::changed_properties,
    resources::{Property, Update},
    stack::{OnFailure, Output, Resource, Revision, Stack},
    template::{Causes, DeletionPolicy, ResourceDeclaration, ResourceValues, UNKNOWN, invalid},
};
use crate::wire::ServiceResult;

/// What a change set may be executed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeSetType {
    Create,
    Update,
    Import,
}

/// One change set.
#[derive(Debug, Clone)]
pub(crate) struct ChangeSet {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub created: Timestamp,
    pub kind: ChangeSetType,
    pub status: &'static str,
    pub status_reason: Option<String>,
    pub execution_status: &'static str,
    pub revision: Revision,
    pub role_arn: Option<String>,
    pub on_stack_failure: Option<OnFailure>,
    pub changes: Vec<Change>,
    /// Physical ids of what is taken in, by logical id.
    pub imports: BTreeMap<String, String>,
    /// Whether it takes in what is there under the names of resources that it would make.
    pub imports_existing: bool,
    /// `ClientToken` of the request that made it.
    pub token: Option<String>,
}

/// One resource's change.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// `ResourceChange` without contexts and property values.
    plain: Option<Value>,
    /// With them.
    detailed: Option<Value>,
}

impl Change {
    /// The taking in of a resource that is there.
    pub fn import(addition: &Addition, physical_id: &str) -> Self {
        let plain = json!({
            "Action": "Import",
            "LogicalResourceId": addition.logical_id,
            "PhysicalResourceId": physical_id,
            "ResourceType": addition.resource_type,
            "Scope": [],
            "Details": [],
        });
        let mut detailed = plain.clone();
        detailed["AfterContext"] = context(&addition.properties);
        Self { plain: Some(plain), detailed: Some(detailed) }
    }

    /// The logical id of the resource, and what is done with it.
    pub fn action(&self) -> (&str, &str) {
        let change = self.plain.as_ref().or(self.detailed.as_ref());
        let text = |name: &str| change.and_then(|change| change[name].as_str()).unwrap_or_default();
        (text("LogicalResourceId"), text("Action"))
    }

    /// As `DescribeChangeSet` tells it; `None`: not told in this form.
    pub fn describe(&self, with_values: bool) -> Option<Value> {
        let change = if with_values { &self.detailed } else { &self.plain };
        change.as_ref().map(|change| json!({"Type": "Resource", "ResourceChange": change}))
    }
}

/// A resource that a revision makes, its properties as far as they are known.
pub(crate) struct Addition {
    pub logical_id: String,
    pub resource_type: String,
    pub properties: Map<String, Value>,
}

/// What a revision would change in a stack.
pub(crate) struct Plan {
    pub changes: Vec<Change>,
    pub additions: Vec<Addition>,
    /// What is wrong with properties, found before anything is made.
    pub findings: Vec<Finding>,
    /// Whether anything would be different, be it an output or a policy.
    pub changes_anything: bool,
}

/// How much is known of a resource before the update.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Foresight {
    /// It stays as it is.
    Same,
    /// It stays; its attributes may become others.
    Modified,
    /// It is made, or made anew.
    New,
}

/// The values of resources as they will be, as far as that is known.
struct Foreseen<'a> {
    stack: &'a Stack,
    resources: &'a BTreeMap<String, Foresight>,
}

impl ResourceValues for Foreseen<'_> {
    fn reference(&self, logical_id: &str) -> ServiceResult<Value> {
        match self.resources.get(logical_id) {
            Some(Foresight::Same | Foresight::Modified) => self.stack.reference(logical_id),
            _ => Ok(Value::from(UNKNOWN)),
        }
    }

    fn attribute(&self, logical_id: &str, attribute: &str) -> ServiceResult<Value> {
        match self.resources.get(logical_id) {
            Some(Foresight::Same | Foresight::Modified) => self.stack.attribute(logical_id, attribute),
            _ => Ok(Value::from(UNKNOWN)),
        }
    }
}

/// Compares a revision with what a stack holds.
pub(crate) fn plan(cloud: &CloudFormation, stack: &Stack, revision: &Revision) -> ServiceResult<Plan> {
    refuse_other_types(stack, revision)?;
    let pseudo = cloud.pseudo(&stack.id, &stack.name);
    let mut foresight = BTreeMap::new();
    let mut by_id: BTreeMap<String, Change> = BTreeMap::new();
    let mut changes_policies = false;
    let (mut additions, mut findings) = (Vec::new(), Vec::new());
    for id in revision.graph.sorted() {
        let Some(declaration) = revision.template.resource(&id) else { continue };
        let properties = {
            let foreseen = Foreseen { stack, resources: &foresight };
            let mut properties = revision.scope(&pseudo, &foreseen).evaluate_members(&declaration.properties)?;
            if let Some(schema) = cloud.registry.schema(&declaration.resource_type) {
                schema.join_tags(&mut properties, &revision.tags);
                findings.extend(Finding::of_properties(schema, &id, &properties));
                // Types are made what the schema wants; what it refuses fails when it is applied.
                if let Ok(accepted) = schema.accept(&id, properties.clone()) {
                    properties = accepted;
                }
            }
            properties
        };
        let Some(current) = stack.resources.get(&id).filter(|resource| resource.exists()) else {
            foresight.insert(id.clone(), Foresight::New);
            by_id.insert(id.clone(), addition(declaration, &properties));
            let resource_type = declaration.resource_type.clone();
            additions.push(Addition { logical_id: id, resource_type, properties });
            continue;
        };
        changes_policies |= current.deletion_policy != declaration.deletion_policy
            || current.update_replace_policy != declaration.update_replace_policy
            || (declaration.metadata.is_some() || current.metadata.is_some()) && {
                let foreseen = Foreseen { stack, resources: &foresight };
                let scope = revision.scope(&pseudo, &foreseen);
                let metadata = declaration.metadata.as_ref().map(|metadata| scope.evaluate(metadata)).transpose()?;
                metadata.flatten() != current.metadata
            };
        let modification = Modification { cloud, stack, revision, declaration, current, foresight: &foresight };
        let (change, ahead) = modification.change(&properties)?;
        foresight.insert(id.clone(), ahead);
        if let Some(change) = change {
            by_id.insert(id, change);
        }
    }
    let removed = stack.resources.values().filter(|resource| {
        resource.exists()
            && !revision
                .template
                .resource(&resource.logical_id)
                .is_some_and(|declaration| revision.holds(declaration.condition.as_ref()))
    });
    for resource in removed {
        by_id.insert(resource.logical_id.clone(), removal(resource));
    }
    let outputs = {
        let foreseen = Foreseen { stack, resources: &foresight };
        foreseen_outputs(revision, &revision.scope(&pseudo, &foreseen))
    };
    let has_changes = by_id.values().any(|change| change.detailed.is_some());
    let tags_before = stack.revision.as_ref().map(|before| before.tags.as_slice()).unwrap_or_default();
    Ok(Plan {
        changes_anything: has_changes
            || changes_policies
            || outputs != stack.outputs
            || tags_before != revision.tags.as_slice(),
        changes: by_id.into_values().collect(),
        additions,
        findings,
    })
}

fn refuse_other_types(stack: &Stack, revision: &Revision) -> ServiceResult<()> {
    let others: Vec<&str> = revision
        .template
        .resources
        .iter()
        .filter(|declaration| {
            revision.holds(declaration.condition.as_ref())
                && stack
                    .resources
                    .get(&declaration.logical_id)
                    .is_some_and(|now| now.exists() && now.resource_type != declaration.resource_type)
        })
        .map(|declaration| declaration.logical_id.as_str())
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(invalid(format!(
        "Update of resource type is not permitted. The new template modifies resource type of the following \
         resources: [{}]",
        others.join(", ")
    )))
}

fn foreseen_outputs(revision: &Revision, scope: &super::template::Scope<'_>) -> Vec<Output> {
    let declared = revision.template.outputs.iter().filter(|output| revision.holds(output.condition.as_ref()));
    declared
        .map(|output| {
            let value = match scope.evaluate(&output.value) {
                Ok(Some(Value::String(text))) => text,
                Ok(Some(other)) => other.to_string(),
                // It fails when it is applied, so it is a change.
                _ => UNKNOWN.to_owned(),
            };
            Output { key: output.key.clone(), value, description: output.description.clone() }
        })
        .collect()
}

fn context(properties: &Map<String, Value>) -> Value {
    Value::from(json!({"Properties": properties}).to_string())
}

fn addition(declaration: &ResourceDeclaration, properties: &Map<String, Value>) -> Change {
    let plain = json!({
        "Action": "Add",
        "LogicalResourceId": declaration.logical_id,
        "ResourceType": declaration.resource_type,
        "Scope": [],
        "Details": [],
    });
    let mut detailed = plain.clone();
    detailed["AfterContext"] = context(properties);
    Change { plain: Some(plain), detailed: Some(detailed) }
}

fn removal(resource: &Resource) -> Change {
    let plain = json!({
        "PolicyAction": if resource.deletion_policy == DeletionPolicy::Delete { "Delete" } else { "Retain" },
        "Action": "Remove",
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.resource_type,
        "Scope": [],
        "Details": [],
    });
    let mut detailed = plain.clone();
    detailed["BeforeContext"] = context(&resource.properties);
    Change { plain: Some(plain), detailed: Some(detailed) }
}

/// A resource that is there and may change.
struct Modification<'a> {
    cloud: &'a CloudFormation,
    stack: &'a Stack,
    revision: &'a Revision,
    declaration: &'a ResourceDeclaration,
    current: &'a Resource,
    foresight: &'a BTreeMap<String, Foresight>,
}

impl Modification<'_> {
    fn change(&self, after: &Map<String, Value>) -> ServiceResult<(Option<Change>, Foresight)> {
        let before = &self.current.properties;
        let mut plain = Vec::new();
        let mut detailed = Vec::new();
        let mut replacement = "False";
        let mut is_changed = false;
        for name in changed_properties(before, after) {
            is_changed = true;
            let replaces = self.property(&name).is_some_and(|property| property.update == Update::Replacement);
            let is_known = !after.get(&name).is_some_and(holds_unknown);
            let recreation = match (replaces, is_known) {
                (false, _) => "Never",
                (true, true) => "Always",
                (true, false) => "Conditionally",
            };
            match recreation {
                "Always" => replacement = "True",
                "Conditionally" if replacement == "False" => replacement = "Conditional",
                _ => {}
            }
            for (source, causing, evaluation) in self.causes(&name, is_known)? {
                plain.push(detail(&name, recreation, source, causing.as_deref(), evaluation, None));
                for difference in differences(&format!("/Properties/{name}"), before.get(&name), after.get(&name)) {
                    detailed.push(detail(&name, recreation, source, causing.as_deref(), evaluation, Some(&difference)));
                }
            }
        }
        // An attribute of a resource that changes may come out different: told as possible.
        for (name, value) in &self.declaration.properties {
            let causes = Causes::of(value, Some(&self.revision.conditions))?;
            for (resource, attribute) in &causes.attributes {
                if self.foresight.get(resource) == Some(&Foresight::Modified) {
                    let recreation = match self.property(name).map(|property| property.update) {
                        Some(Update::Replacement) => "Conditionally",
                        _ => "Never",
                    };
                    if recreation == "Conditionally" && replacement == "False" {
                        replacement = "Conditional";
                    }
                    let causing = format!("{resource}.{attribute}");
                    plain.push(detail(name, recreation, "ResourceAttribute", Some(&causing), "Dynamic", None));
                }
            }
        }
        if plain.is_empty() {
            return Ok((None, Foresight::Same));
        }
        let detailed_replacement = if is_changed || replacement != "Conditional" { replacement } else { "False" };
        let plain_change = self.resource_change(replacement, &plain);
        let detailed_change = is_changed.then(|| {
            let mut change = self.resource_change(detailed_replacement, &detailed);
            change["BeforeContext"] = context(before);
            change["AfterContext"] = context(after);
            change
        });
        let ahead = match (is_changed, replacement) {
            (false, _) => Foresight::Same,
            (true, "True") => Foresight::New,
            (true, _) => Foresight::Modified,
        };
        Ok((Some(Change { plain: Some(plain_change), detailed: detailed_change }), ahead))
    }

    fn property(&self, name: &str) -> Option<&'static Property> {
        self.cloud.registry.schema(&self.declaration.resource_type)?.property(name)
    }

    fn resource_change(&self, replacement: &str, details: &[Value]) -> Value {
        let mut scope: Vec<&str> = details.iter().filter_map(|detail| detail["Target"]["Attribute"].as_str()).collect();
        scope.sort_unstable();
        scope.dedup();
        json!({
            "Action": "Modify",
            "LogicalResourceId": self.declaration.logical_id,
            "PhysicalResourceId": self.current.physical_id,
            "ResourceType": self.declaration.resource_type,
            "Replacement": replacement,
            "Scope": scope,
            "Details": details,
        })
    }

    /// Why a property changes: source, causing entity, evaluation.
    fn causes(&self, name: &str, is_known: bool) -> ServiceResult<Vec<(&'static str, Option<String>, &'static str)>> {
        let Some(value) = self.declaration.properties.get(name) else {
            return Ok(vec![("DirectModification", None, "Static")]);
        };
        let causes = Causes::of(value, Some(&self.revision.conditions))?;
        let mut found = Vec::new();
        let before = self.stack.revision.as_ref();
        for reference in &causes.names {
            let is_parameter = self.revision.values.contains_key(reference);
            let was = before.and_then(|before| before.values.get(reference));
            if is_parameter && was != self.revision.values.get(reference) {
                found.push(("ParameterReference", Some(reference.clone()), "Static"));
            } else if self.foresight.get(reference) == Some(&Foresight::New) {
                found.push(("ResourceReference", Some(reference.clone()), "Dynamic"));
            }
        }
        for (resource, attribute) in &causes.attributes {
            if self.foresight.get(resource) == Some(&Foresight::New) {
                found.push(("ResourceAttribute", Some(format!("{resource}.{attribute}")), "Dynamic"));
            }
        }
        if found.is_empty() {
            return Ok(vec![("DirectModification", None, if is_known { "Static" } else { "Dynamic" })]);
        }
        if found.iter().any(|(source, ..)| *source == "ParameterReference") {
            found.push(("DirectModification", None, "Dynamic"));
        }
        Ok(found)
    }
}

fn holds_unknown(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(UNKNOWN),
        Value::Array(items) => items.iter().any(holds_unknown),
        Value::Object(members) => members.values().any(holds_unknown),
        _ => false,
    }
}

/// One place where two values differ.
struct Difference {
    path: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// Where two values differ, as far down as they have the same shape.
fn differences(path: &str, before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let mut found = Vec::new();
            for (name, value) in new {
                found.extend(differences(&format!("{path}/{name}"), old.get(name), Some(value)));
            }
            for (name, value) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
                found.extend(differences(&format!("{path}/{name}"), Some(value), None));
            }
            found
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() => old
            .iter()
            .zip(new)
            .enumerate()
            .flat_map(|(index, (old, new))| differences(&format!("{path}/{index}"), Some(old), Some(new)))
            .collect(),
        (before, after) if before == after => Vec::new(),
        (before, after) => {
            vec![Difference { path: path.to_owned(), before: before.cloned(), after: after.cloned() }]
        }
    }
}

fn detail(
    name: &str,
    recreation: &str,
    source: &str,
    causing: Option<&str>,
    evaluation: &str,
    difference: Option<&Difference>,
) -> Value {
    let attribute = if name == "Tags" { "Tags" } else { "Properties" };
    let mut target = json!({"Attribute": attribute, "Name": name, "RequiresRecreation": recreation});
    if let Some(difference) = difference {
        let kind = match (&difference.before, &difference.after) {
            (None, _) => "Add",
            (_, None) => "Remove",
            _ => "Modify",
        };
        target["AttributeChangeType"] = kind.into();
        target["Path"] = difference.path.as_str().into();
        for (member, value) in [("BeforeValue", &difference.before), ("AfterValue", &difference.after)] {
            if let Some(value) = value {
                target[member] = value.as_str().map_or_else(|| value.to_string(), str::to_owned).into();
            }
        }
    }
    let mut detail = json!({"Target": target, "Evaluation": evaluation, "ChangeSource": source});
    if let Some(causing) = causing {
        detail["CausingEntity"] = causing.into();
    }
    detail
}
