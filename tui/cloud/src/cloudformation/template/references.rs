//! What a template refers to: that it exists, what depends on what, and what causes a value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    ResourceDeclaration, Template,
    functions::{Piece, function, get_att, pieces, sub},
    invalid,
};
use crate::wire::ServiceResult;

/// Names that are always there.
const PSEUDO_PARAMETERS: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NotificationARNs",
    "AWS::NoValue",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// Names that a value refers to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Causes {
    /// Of `Ref` and `${Name}`: parameters, resources, pseudo parameters.
    pub names: BTreeSet<String>,
    /// Of `Fn::GetAtt` and `${Name.Attribute}`: resource and attribute.
    pub attributes: BTreeSet<(String, String)>,
    /// Conditions of `Fn::If` and `Condition`.
    pub conditions: BTreeSet<String>,
}

impl Causes {
    /// Everything that a value refers to; of a `Fn::If` both branches, unless `conditions` decide.
    pub fn of(value: &Value, conditions: Option<&BTreeMap<String, bool>>) -> ServiceResult<Self> {
        let mut causes = Self::default();
        causes.collect(value, conditions)?;
        Ok(causes)
    }

    /// Everything that a resource's properties and metadata refer to.
    pub fn of_resource(
        resource: &ResourceDeclaration,
        conditions: Option<&BTreeMap<String, bool>>,
    ) -> ServiceResult<Self> {
        let mut causes = Self::default();
        for value in resource.properties.values().chain(&resource.metadata) {
            causes.collect(value, conditions)?;
        }
        Ok(causes)
    }

    fn collect(&mut self, value: &Value, conditions: Option<&BTreeMap<String, bool>>) -> ServiceResult<()> {
        match (function(value), value) {
            (Some(("Ref", argument)), _) => {
                self.names.extend(argument.as_str().map(str::to_owned));
                Ok(())
            }
            (Some(("Fn::GetAtt", argument)), _) => {
                if let Some((resource, attribute)) = get_att(argument) {
                    let name = attribute.as_str().unwrap_or_default().to_owned();
                    self.attributes.insert((resource.to_owned(), name));
                    self.collect(attribute, conditions)?;
                }
                Ok(())
            }
            (Some(("Fn::Sub", argument)), _) => {
                let Some((text, variables)) = sub(argument) else { return Ok(()) };
                for piece in pieces(text)? {
                    let Piece::Variable(name) = piece else { continue };
                    if variables.is_some_and(|variables| variables.contains_key(name)) {
                        continue;
                    }
                    match name.split_once('.') {
                        Some((resource, attribute)) => {
                            self.attributes.insert((resource.to_owned(), attribute.to_owned()));
                        }
                        None => {
                            self.names.insert(name.to_owned());
                        }
                    }
                }
                variables.map_or(Ok(()), |variables| {
                    variables.values().try_for_each(|value| self.collect(value, conditions))
                })
            }
            (Some(("Fn::If", Value::Array(parts))), _) if parts.len() == 3 => {
                let name = parts[0].as_str().unwrap_or_default();
                self.conditions.insert(name.to_owned());
                match conditions.and_then(|conditions| conditions.get(name)) {
                    Some(true) => self.collect(&parts[1], conditions),
                    Some(false) => self.collect(&parts[2], conditions),
                    None => parts[1..].iter().try_for_each(|part| self.collect(part, conditions)),
                }
            }
            (_, Value::Array(items)) => items.iter().try_for_each(|item| self.collect(item, conditions)),
            (_, Value::Object(members)) => members.values().try_for_each(|member| self.collect(member, conditions)),
            _ => Ok(()),
        }
    }

    fn resources(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str).chain(self.attributes.iter().map(|(resource, _)| resource.as_str()))
    }
}

/// What a resource waits for. A dependency whose condition is false is none.
pub(super) fn dependencies(
    template: &Template,
    resource: &ResourceDeclaration,
    conditions: &BTreeMap<String, bool>,
) -> Vec<String> {
    let causes = Causes::of_resource(resource, Some(conditions)).unwrap_or_default();
    let named = causes.resources().chain(resource.depends_on.iter().map(String::as_str));
    let exists = |name: &&str| {
        template.resource(name).is_some_and(|found| {
            found.condition.as_ref().is_none_or(|condition| conditions.get(condition).copied().unwrap_or(true))
        })
    };
    named.filter(exists).map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Checks that everything referred to exists, in AWS's words where it does not.
pub(super) fn check(template: &Template) -> ServiceResult<()> {
    check_conditions(template)?;
    let is_parameter = |name: &str| template.parameters.iter().any(|parameter| parameter.name == name);
    let is_name =
        |name: &str| PSEUDO_PARAMETERS.contains(&name) || is_parameter(name) || template.resource(name).is_some();
    let unresolved = |causes: &Causes| -> BTreeSet<String> {
        let names = causes.names.iter().filter(|name| !is_name(name)).cloned();
        let attributes = causes.attributes.iter().map(|(resource, _)| resource);
        names.chain(attributes.filter(|name| template.resource(name).is_none()).cloned()).collect()
    };
    let mut missing = BTreeSet::new();
    for resource in &template.resources {
        let causes = Causes::of_resource(resource, None)?;
        missing.extend(unresolved(&causes));
        missing.extend(resource.depends_on.iter().filter(|name| template.resource(name).is_none()).cloned());
        check_condition_names(template, &causes.conditions)?;
    }
    if !missing.is_empty() {
        return Err(invalid(format!(
            "Template format error: Unresolved resource dependencies [{}] in the Resources block of the template",
            join(&missing)
        )));
    }
    for output in &template.outputs {
        let causes = Causes::of(&output.value, None)?;
        missing.extend(unresolved(&causes));
        check_condition_names(template, &causes.conditions)?;
    }
    if !missing.is_empty() {
        return Err(invalid(format!(
            "Unresolved resource dependencies [{}] in the Outputs block of the template",
            join(&missing)
        )));
    }
    Ok(())
}

fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn check_condition_names(template: &Template, names: &BTreeSet<String>) -> ServiceResult<()> {
    match names.iter().find(|name| !template.conditions.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(invalid(format!("Template error: unresolved condition dependency {name} in Fn::If"))),
    }
}

fn check_conditions(template: &Template) -> ServiceResult<()> {
    for value in template.conditions.values() {
        let causes = Causes::of(value, None)?;
        let known = |name: &String| {
            PSEUDO_PARAMETERS.contains(&name.as_str())
                || template.parameters.iter().any(|parameter| parameter.name == *name)
        };
        let mut unresolved: BTreeSet<String> = causes.names.iter().filter(|name| !known(name)).cloned().collect();
        unresolved.extend(causes.attributes.iter().map(|(resource, _)| resource.clone()));
        if !unresolved.is_empty() {
            return Err(invalid(format!(
                "Template format error: Unresolved dependencies [{}]. Cannot reference resources in the Conditions \
                 block of the template",
                join(&unresolved)
            )));
        }
    }
    let used =
        template.resources.iter().filter_map(|resource| resource.condition.as_ref().map(|name| ("Resources", name)));
    let used = used
        .chain(template.outputs.iter().filter_map(|output| output.condition.as_ref().map(|name| ("Outputs", name))));
    for (section, name) in used {
        if !template.conditions.contains_key(name) {
            return Err(invalid(format!(
                "Template format error: Unresolved condition dependency {name} in the {section} block of the template"
            )));
        }
    }
    Ok(())
}
