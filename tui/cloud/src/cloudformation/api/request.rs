//! Members that several operations share: names, tags, parameters, templates, roles.

use std::{collections::BTreeMap, sync::Arc};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::{
    cloudformation::{
        CloudFormation,
        graph::Graph,
        stack::{OnFailure, Revision, Stack},
        template::{Causes, Given, LONGEST_BODY_BYTES, Template, evaluate_conditions, invalid, resolve_parameters},
    },
    wire::{Input, ServiceError, ServiceResult},
};

/// The longest template that is taken from S3, in bytes.
const LONGEST_OBJECT_BYTES: usize = 1024 * 1024;
/// The longest name of a stack or change set.
const LONGEST_NAME: usize = 128;

/// `Stack [<name>] does not exist`, as the operations on events, change sets and updates say it.
pub(super) fn no_stack(name: &str) -> ServiceError {
    invalid(format!("Stack [{name}] does not exist"))
}

/// `Stack with id <name> does not exist`, as the other operations say it.
pub(super) fn no_stack_with_id(name: &str) -> ServiceError {
    invalid(format!("Stack with id {name} does not exist"))
}

/// Takes a list; the query protocol writes an empty one as empty text.
pub(super) fn list(input: &mut Input, name: &str) -> ServiceResult<Vec<Value>> {
    if input.peek(name) == Some(&Value::from("")) {
        input.ignore(name);
    }
    input.list(name)
}

/// Takes a list of texts.
pub(super) fn strings(input: &mut Input, name: &str) -> ServiceResult<Vec<String>> {
    if input.peek(name) == Some(&Value::from("")) {
        input.ignore(name);
    }
    input.strings(name)
}

/// Takes the name of a stack that is to be made.
pub(super) fn new_name(input: &mut Input, member: &str) -> ServiceResult<String> {
    let name = input.required(member)?;
    check_name(&name, member)?;
    Ok(name)
}

/// Refuses what cannot be the name of a stack or a change set.
pub(super) fn check_name(name: &str, member: &str) -> ServiceResult<()> {
    let lower = crate::wire::input::lower_first(member);
    let starts_well = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
    if !starts_well || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-') {
        let pattern = if member == "StackName" {
            "[a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*"
        } else {
            "[a-zA-Z][-a-zA-Z0-9]*"
        };
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at '{lower}' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: {pattern}"
        )));
    }
    if name.len() > LONGEST_NAME {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at '{lower}' failed to satisfy constraint: Member must have \
             length less than or equal to {LONGEST_NAME}"
        )));
    }
    Ok(())
}

/// Takes `Tags`.
pub(super) fn tags(input: &mut Input) -> ServiceResult<Vec<(String, String)>> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for tag in list(input, "Tags")? {
        let (Some(key), Some(value)) = (tag["Key"].as_str(), tag["Value"].as_str()) else {
            return Err(invalid("Every tag must have a Key and a Value."));
        };
        if tags.iter().any(|(known, _)| known == key) {
            return Err(invalid(format!("Duplicate tag keys found: {key}")));
        }
        if key.starts_with("aws:") {
            return Err(invalid("aws: prefixed tag key names are not allowed for external use."));
        }
        tags.push((key.to_owned(), value.to_owned()));
    }
    Ok(tags)
}

/// Takes `Parameters`.
pub(super) fn parameters(input: &mut Input) -> ServiceResult<BTreeMap<String, Given>> {
    let mut given = BTreeMap::new();
    for parameter in list(input, "Parameters")? {
        let key = parameter["ParameterKey"]
            .as_str()
            .ok_or_else(|| invalid("Every parameter must have a ParameterKey."))?
            .to_owned();
        let use_previous =
            parameter["UsePreviousValue"].as_bool().or_else(|| parameter["UsePreviousValue"].as_str()?.parse().ok());
        let value = match (parameter["ParameterValue"].as_str(), use_previous) {
            (Some(_), Some(true)) => {
                return Err(invalid(format!(
                    "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true and non empty \
                     value for a parameter"
                )));
            }
            (_, Some(true)) => Given::Previous,
            (Some(value), _) => Given::Value(value.to_owned()),
            (None, _) => {
                return Err(invalid(format!(
                    "Invalid input for parameter key {key}. Need to specify either usePreviousValue as true or a \
                     value for a parameter"
                )));
            }
        };
        if given.insert(key.clone(), value).is_some() {
            return Err(invalid(format!("Duplicate parameter {key}")));
        }
    }
    Ok(given)
}

/// Takes `DeploymentConfig`, of which there is the standard mode only.
pub(super) fn standard_deployment(input: &mut Input) -> ServiceResult<()> {
    let Some(mut config) = input.structure("DeploymentConfig")? else { return Ok(()) };
    match config.string("Mode")?.as_deref() {
        None | Some("STANDARD") => config.finish(),
        Some(_) => Err(ServiceError::unsupported_member(input.operation(), "DeploymentConfig.Mode EXPRESS")),
    }
}

/// Drops members that ask for nothing, and refuses those that ask for what there is not.
pub(super) fn without_extras(input: &mut Input) -> ServiceResult<()> {
    for name in ["NotificationARNs", "ResourceTypes"] {
        if !list(input, name)?.is_empty() {
            return Err(ServiceError::unsupported_member(input.operation(), name));
        }
    }
    if input.peek("RollbackConfiguration").is_some_and(|value| value.as_str() == Some("")) {
        input.ignore("RollbackConfiguration");
    }
    standard_deployment(input)?;
    // Only change sets are validated early here.
    input.ignore("DisableValidation");
    // There are no nested stacks that it could include.
    input.ignore("IncludeNestedStacks");
    Ok(())
}

/// Takes `OnFailure`, called `member` here, and `DisableRollback`, of which one may be given.
pub(super) fn on_failure(input: &mut Input, member: &str) -> ServiceResult<Option<OnFailure>> {
    let named = match input.string(member)?.as_deref() {
        None => None,
        Some("ROLLBACK") => Some(OnFailure::Rollback),
        Some("DO_NOTHING") => Some(OnFailure::DoNothing),
        Some("DELETE") => Some(OnFailure::Delete),
        Some(other) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at '{}' failed to satisfy constraint: Member must \
                 satisfy enum value set: [ROLLBACK, DELETE, DO_NOTHING]",
                crate::wire::input::lower_first(member)
            )));
        }
    };
    let disable = input.boolean("DisableRollback")?;
    match (named, disable) {
        (Some(_), Some(_)) => Err(invalid("You may set only one of OnFailure or DisableRollback.")),
        (Some(named), None) => Ok(Some(named)),
        (None, Some(true)) => Ok(Some(OnFailure::DoNothing)),
        (None, Some(false)) => Ok(Some(OnFailure::Rollback)),
        (None, None) => Ok(None),
    }
}

impl CloudFormation {
    /// The id of the stack of a name, which is not deleted, or of an id.
    pub(super) fn find(&self, name_or_id: &str) -> Option<String> {
        self.with_stacks(|stacks| {
            stacks
                .iter()
                .rev()
                .find(|stack| stack.id == name_or_id || (stack.name == name_or_id && stack.status != "DELETE_COMPLETE"))
                .map(|stack| stack.id.clone())
        })
    }

    /// An id for a new stack.
    pub(super) fn new_stack_id(&self, name: &str) -> String {
        self.uses.place.arn("cloudformation", &format!("stack/{name}/{}", uuid::Uuid::new_v4()))
    }

    /// Takes `RoleARN` and sees that `CloudFormation` may assume it.
    pub(super) fn role(&self, input: &mut Input) -> ServiceResult<Option<String>> {
        let Some(role_arn) = input.string("RoleARN")? else { return Ok(None) };
        match self.uses.iam.assume_for_service(&role_arn, "cloudformation.amazonaws.com", "AWSCloudFormation") {
            Ok(_) => Ok(Some(role_arn)),
            Err(_) => Err(invalid(format!("Role {role_arn} is invalid or cannot be assumed"))),
        }
    }

    /// Takes the template's text from the body or from the cloud's own S3; `None`: neither given.
    pub(super) async fn template_text(&self, input: &mut Input) -> ServiceResult<Option<String>> {
        let body = input.string("TemplateBody")?;
        let url = input.string("TemplateURL")?;
        match (body, url) {
            (Some(_), Some(_)) => Err(invalid("Only one of TemplateURL or TemplateBody may be specified.")),
            (Some(body), None) if body.len() > LONGEST_BODY_BYTES => Err(invalid(format!(
                "1 validation error detected: Value '{body}' at 'templateBody' failed to satisfy constraint: Member \
                 must have length less than or equal to {LONGEST_BODY_BYTES}"
            ))),
            (Some(body), None) => Ok(Some(body)),
            (None, Some(url)) => self.fetch(&url).await.map(Some),
            (None, None) => Ok(None),
        }
    }

    async fn fetch(&self, url: &str) -> ServiceResult<String> {
        let (bucket, key) = bucket_and_key(url, &self.uses.place.endpoint_url)
            .ok_or_else(|| invalid("TemplateURL must be a supported URL."))?;
        let object = self
            .uses
            .s3
            .get(&bucket, &key, None)
            .await
            .map_err(|error| invalid(format!("S3 error: {}", error.message)))?;
        if object.len() > LONGEST_OBJECT_BYTES {
            return Err(invalid(format!("Template may not exceed {LONGEST_OBJECT_BYTES} bytes in size.")));
        }
        String::from_utf8(object.to_vec())
            .map_err(|_| invalid("Template format error: the template is not UTF-8 text."))
    }

    /// Parses a template's text.
    pub(super) fn parse(&self, text: &str) -> ServiceResult<Template> {
        Template::parse(text, &|type_name| self.registry.knows(type_name))
    }

    /// Takes what makes a revision: template, parameters, tags, capabilities. `stack` is the one
    /// that is to be made or changed.
    pub(super) async fn revision(&self, input: &mut Input, stack: &Stack) -> ServiceResult<Revision> {
        let text = self.template_text(input).await?;
        let use_previous = input.boolean("UsePreviousTemplate")?.unwrap_or(false);
        let previous = stack.revision.as_ref();
        let template = match (text, use_previous, previous) {
            (Some(_), true, _) => {
                return Err(invalid(
                    "You cannot specify usePreviousTemplate to true and also Template Body or Template URL.",
                ));
            }
            (Some(text), false, _) => Arc::new(self.parse(&text)?),
            (None, true, Some(previous)) => previous.template.clone(),
            (None, ..) => return Err(invalid("Either Template URL or Template Body must be specified.")),
        };
        let given = parameters(input)?;
        let has_tags = input.peek("Tags").is_some();
        let tags = match previous {
            // Tags that are not named stay as they were.
            Some(previous) if !has_tags => previous.tags.clone(),
            _ => tags(input)?,
        };
        let capabilities = strings(input, "Capabilities")?;
        let before = previous.map(|previous| previous.parameters.as_slice()).unwrap_or_default();
        let (parameters, values) = resolve_parameters(&template.parameters, &given, before)?;
        let conditions = evaluate_conditions(&template, &values, &self.pseudo(&stack.id, &stack.name))?;
        let graph = Graph::of(&template, &conditions)?;
        self.check_attributes(&template, &conditions)?;
        check_present(&template, &conditions)?;
        let needed = self.capabilities(&template);
        if let Some(needed) = needed
            && !capabilities.iter().any(|given| given == needed || given == "CAPABILITY_NAMED_IAM")
        {
            return Err(ServiceError::bad_request(
                "InsufficientCapabilitiesException",
                format!("Requires capabilities : [{needed}]"),
            ));
        }
        Ok(Revision { template, parameters, values, conditions, graph, tags, capabilities })
    }

    /// The capability that a template needs: it makes identities, or even names them.
    pub(super) fn capabilities(&self, template: &Template) -> Option<&'static str> {
        let mut roles =
            template.resources.iter().filter(|resource| resource.resource_type.starts_with("AWS::IAM::")).peekable();
        roles.peek()?;
        let is_named = roles.any(|resource| {
            let schema = self.registry.schema(&resource.resource_type);
            schema.and_then(|schema| schema.name).is_some_and(|name| resource.properties.contains_key(name))
        });
        Some(if is_named { "CAPABILITY_NAMED_IAM" } else { "CAPABILITY_IAM" })
    }

    fn check_attributes(&self, template: &Template, conditions: &BTreeMap<String, bool>) -> ServiceResult<()> {
        for resource in &template.resources {
            let causes = Causes::of_resource(resource, Some(conditions))?;
            for (id, attribute) in &causes.attributes {
                let schema = template.resource(id).and_then(|found| self.registry.schema(&found.resource_type));
                let is_known = schema.is_none_or(|schema| schema.attributes.contains(&attribute.as_str()));
                // The name of an attribute may itself be a function's.
                if !is_known && !attribute.is_empty() {
                    return Err(invalid(format!(
                        "Template error: resource {id} does not support attribute type {attribute} in Fn::GetAtt"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Refuses what refers to a resource that its condition leaves out.
fn check_present(template: &Template, conditions: &BTreeMap<String, bool>) -> ServiceResult<()> {
    let is_there =
        |condition: Option<&String>| condition.is_none_or(|name| conditions.get(name).copied().unwrap_or(false));
    let absent = |causes: &Causes| -> Vec<String> {
        let names = causes.names.iter().chain(causes.attributes.iter().map(|(resource, _)| resource));
        let mut absent: Vec<String> = names
            .filter(|name| template.resource(name).is_some_and(|found| !is_there(found.condition.as_ref())))
            .cloned()
            .collect();
        absent.dedup();
        absent
    };
    let mut missing = std::collections::BTreeSet::new();
    for resource in template.resources.iter().filter(|resource| is_there(resource.condition.as_ref())) {
        missing.extend(absent(&Causes::of_resource(resource, Some(conditions))?));
    }
    let join = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
    if !missing.is_empty() {
        return Err(invalid(format!(
            "Template format error: Unresolved resource dependencies [{}] in the Resources block of the template",
            join(&missing)
        )));
    }
    for output in template.outputs.iter().filter(|output| is_there(output.condition.as_ref())) {
        missing.extend(absent(&Causes::of(&output.value, Some(conditions))?));
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(invalid(format!("Unresolved resource dependencies [{}] in the Outputs block of the template", join(&missing))))
}

/// Bucket and key of an object's address, in path or virtual-host style.
fn bucket_and_key(url: &str, endpoint_url: &str) -> Option<(String, String)> {
    let url = url.split(['?', '#']).next()?;
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    if let Some(path) = url.strip_prefix(endpoint_url) {
        let (bucket, key) = path.strip_prefix('/')?.split_once('/')?;
        return Some((decode(bucket), decode(key))).filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty());
    }
    let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
    let host = host.strip_suffix(".amazonaws.com")?;
    if host == "s3" || host.starts_with("s3.") || host.starts_with("s3-") {
        let (bucket, key) = path.split_once('/')?;
        return Some((decode(bucket), decode(key)));
    }
    let bucket = [".s3.", ".s3-"].iter().find_map(|part| host.split_once(part).map(|(bucket, _)| bucket));
    let bucket = bucket.or_else(|| host.strip_suffix(".s3"))?;
    Some((bucket.to_owned(), decode(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_addressed_in_either_style() {
        let found = |url| bucket_and_key(url, "http://127.0.0.1:4566");
        let pair = Some(("b".to_owned(), "k/t.yaml".to_owned()));
        assert_eq!(found("http://127.0.0.1:4566/b/k/t.yaml"), pair);
        assert_eq!(found("https://b.s3.ap-southeast-2.amazonaws.com/k/t.yaml"), pair);
        assert_eq!(found("https://b.s3.amazonaws.com/k/t.yaml"), pair);
        assert_eq!(found("https://s3.ap-southeast-2.amazonaws.com/b/k/t.yaml"), pair);
        assert_eq!(found("https://example.com/t.yaml"), None);
        assert_eq!(found("http://127.0.0.1:4566/b"), None);
    }
}
