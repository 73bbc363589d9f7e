//! From a template's JSON value to its sections: shapes and names, in AWS's words.

use serde_json::{Map, Value};

use super::{
    DeletionPolicy, OutputDeclaration, ParameterDeclaration, ResourceDeclaration, Template, functions, invalid,
};
use crate::wire::ServiceResult;

const SECTIONS: [&str; 10] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Resources",
    "Outputs",
];
const RESOURCE_MEMBERS: [&str; 7] =
    ["Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata"];
/// What AWS acts on and this cloud does not.
const UNSUPPORTED_RESOURCE_MEMBERS: [&str; 2] = ["CreationPolicy", "UpdatePolicy"];

/// Reads every section.
pub(super) fn read(
    text: &str,
    mut members: Map<String, Value>,
    is_known_type: &dyn Fn(&str) -> bool,
) -> ServiceResult<Template> {
    refuse_nulls("", &Value::Object(members.clone()))?;
    let unknown: Vec<&str> = members.keys().map(String::as_str).filter(|name| !SECTIONS.contains(name)).collect();
    if !unknown.is_empty() {
        return Err(invalid(format!("Invalid template property or properties [{}]", unknown.join(", "))));
    }
    for name in ["Transform", "Rules"] {
        if members.contains_key(name) {
            return Err(invalid(format!("The embedded cloud does not support the template section {name}.")));
        }
    }
    if let Some(version) = members.get("AWSTemplateFormatVersion").filter(|version| *version != "2010-09-09") {
        let version = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
        return Err(invalid(format!(
            "Template format error: {version} is not a supported value for AWSTemplateFormatVersion."
        )));
    }
    let description = match members.get("Description") {
        None => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(invalid("Template format error: Description must be a string.")),
    };
    let mut section = |name: &str| match members.remove(name) {
        None => Ok(Map::new()),
        Some(Value::Object(section)) => Ok(section),
        Some(_) => Err(invalid(format!("Template format error: {name} must be an object."))),
    };
    let parameters = section("Parameters")?;
    let mappings = section("Mappings")?;
    let conditions = section("Conditions")?;
    let resources = section("Resources")?;
    let outputs = section("Outputs")?;
    if resources.is_empty() {
        return Err(invalid("Template format error: At least one Resources member must be defined."));
    }
    check_mappings(&mappings)?;
    let template = Template {
        text: text.to_owned(),
        description,
        metadata: members.remove("Metadata"),
        parameters: parameters
            .iter()
            .map(|(name, declaration)| ParameterDeclaration::read(name, declaration))
            .collect::<ServiceResult<_>>()?,
        mappings,
        conditions,
        resources: resources
            .into_iter()
            .map(|(name, value)| read_resource(name, value))
            .collect::<ServiceResult<_>>()?,
        outputs: outputs.into_iter().map(|(name, value)| read_output(name, value)).collect::<ServiceResult<_>>()?,
    };
    let unrecognized: std::collections::BTreeSet<&str> = template
        .resources
        .iter()
        .map(|resource| resource.resource_type.as_str())
        .filter(|name| !is_known_type(name))
        .collect();
    if !unrecognized.is_empty() {
        let list = unrecognized.into_iter().collect::<Vec<_>>().join(", ");
        return Err(invalid(format!("Template format error: Unrecognized resource types: [{list}]")));
    }
    for resource in &template.resources {
        functions::check(&Value::Object(resource.properties.clone()))?;
        if let Some(metadata) = &resource.metadata {
            functions::check(metadata)?;
        }
    }
    for condition in template.conditions.values() {
        functions::check(condition)?;
    }
    for output in &template.outputs {
        functions::check(&output.value)?;
    }
    Ok(template)
}

fn refuse_nulls(path: &str, value: &Value) -> ServiceResult<()> {
    match value {
        Value::Null => Err(invalid(format!("[{path}] 'null' values are not allowed in templates"))),
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(index, item)| refuse_nulls(&format!("{path}/{index}"), item))
        }
        Value::Object(members) => {
            members.iter().try_for_each(|(name, member)| refuse_nulls(&format!("{path}/{name}"), member))
        }
        _ => Ok(()),
    }
}

/// Names of parameters and resources have letters and digits only.
pub(super) fn is_alphanumeric(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric())
}

fn check_mappings(mappings: &Map<String, Value>) -> ServiceResult<()> {
    for (name, mapping) in mappings {
        let keys = mapping
            .as_object()
            .ok_or_else(|| invalid(format!("Template format error: Every Mappings member {name} must be a map")))?;
        for attributes in keys.values() {
            let attributes = attributes
                .as_object()
                .ok_or_else(|| invalid(format!("Template format error: Every Mappings member {name} must be a map")))?;
            if attributes.values().any(Value::is_object) {
                return Err(invalid("Template format error: Every Mappings attribute must be a String or a List."));
            }
        }
    }
    Ok(())
}

fn read_resource(logical_id: String, value: Value) -> ServiceResult<ResourceDeclaration> {
    if !is_alphanumeric(&logical_id) {
        return Err(invalid(format!("Template format error: Resource name {logical_id} is non alphanumeric.")));
    }
    let Value::Object(mut members) = value else {
        return Err(invalid("Template format error: Any Resources member must be an object."));
    };
    let Some(resource_type) = members.get("Type").and_then(Value::as_str).map(str::to_owned) else {
        // A misspelt `Type` is told as what it is.
        if let Some(name) = unknown_member(&members) {
            return Err(invalid(format!("Invalid template resource property '{name}'")));
        }
        return Err(invalid(format!(
            "Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
        )));
    };
    if let Some(name) = unknown_member(&members) {
        return Err(invalid(format!("Invalid template resource property '{name}'")));
    }
    if let Some(name) = UNSUPPORTED_RESOURCE_MEMBERS.iter().find(|name| members.contains_key(**name)) {
        return Err(invalid(format!("The embedded cloud does not support the attribute {name} of {logical_id}.")));
    }
    let properties = match members.remove("Properties") {
        None => Map::new(),
        Some(Value::Object(properties)) => properties,
        Some(_) => {
            return Err(invalid(format!(
                "Template format error: [/Resources/{logical_id}/Properties] Properties must be an object."
            )));
        }
    };
    let depends_on = match members.remove("DependsOn") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several
            .into_iter()
            .map(|item| match item {
                Value::String(name) => Ok(name),
                _ => Err(invalid("Template format error: DependsOn must be a string or list of strings.")),
            })
            .collect::<ServiceResult<_>>()?,
        Some(_) => return Err(invalid("Template format error: DependsOn must be a string or list of strings.")),
    };
    Ok(ResourceDeclaration {
        says_deletion_policy: members.contains_key("DeletionPolicy"),
        deletion_policy: policy(&logical_id, "DeletionPolicy", members.remove("DeletionPolicy"))?,
        update_replace_policy: policy(&logical_id, "UpdateReplacePolicy", members.remove("UpdateReplacePolicy"))?,
        condition: condition_name("Resources", &logical_id, members.remove("Condition"))?,
        metadata: members.remove("Metadata"),
        logical_id,
        resource_type,
        properties,
        depends_on,
    })
}

fn unknown_member(members: &Map<String, Value>) -> Option<&String> {
    members.keys().find(|name| {
        !RESOURCE_MEMBERS.contains(&name.as_str()) && !UNSUPPORTED_RESOURCE_MEMBERS.contains(&name.as_str())
    })
}

fn policy(logical_id: &str, name: &str, value: Option<Value>) -> ServiceResult<DeletionPolicy> {
    match value {
        None => Ok(DeletionPolicy::Delete),
        Some(Value::String(text)) => match text.as_str() {
            "Delete" => Ok(DeletionPolicy::Delete),
            "Retain" => Ok(DeletionPolicy::Retain),
            "RetainExceptOnCreate" if name == "DeletionPolicy" => Ok(DeletionPolicy::RetainExceptOnCreate),
            "Snapshot" => {
                Err(invalid(format!("Template error: resource type of {logical_id} does not support {name} Snapshot")))
            }
            _ => Err(invalid(format!("Template format error: Unrecognized {name} {text} for resource {logical_id}"))),
        },
        Some(_) => Err(invalid(format!("Template format error: Every {name} member must be a string."))),
    }
}

fn condition_name(section: &str, id: &str, value: Option<Value>) -> ServiceResult<Option<String>> {
    match value {
        None => Ok(None),
        Some(Value::String(name)) => Ok(Some(name)),
        Some(_) => {
            Err(invalid(format!("Template format error: [/{section}/{id}] Every Condition member must be a string.")))
        }
    }
}

fn read_output(key: String, value: Value) -> ServiceResult<OutputDeclaration> {
    if !is_alphanumeric(&key) {
        return Err(invalid(format!("Template format error: Output name {key} is non alphanumeric.")));
    }
    let Value::Object(mut members) = value else {
        return Err(invalid("Template format error: Every Outputs member must contain a Value object"));
    };
    let Some(value) = members.remove("Value") else {
        return Err(invalid("Template format error: Every Outputs member must contain a Value object"));
    };
    let description = match members.remove("Description") {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => {
            return Err(invalid(format!(
                "Template format error: [/Outputs/{key}/Description] Description must be a string."
            )));
        }
    };
    let condition = condition_name("Outputs", &key, members.remove("Condition"))?;
    if members.contains_key("Export") {
        return Err(invalid(format!("The embedded cloud does not support Export of the output {key}.")));
    }
    if let Some(name) = members.keys().next() {
        return Err(invalid(format!("Template format error: Output {key} is malformed: unknown member {name}.")));
    }
    Ok(OutputDeclaration { key, value, description, condition })
}
