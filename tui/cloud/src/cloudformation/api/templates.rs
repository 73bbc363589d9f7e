//! Operations about templates alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{describe::no_change_set, request::no_stack_with_id};
use crate::{
    cloudformation::{
        CloudFormation,
        graph::Graph,
        template::{Template, describe_parameter, invalid},
    },
    wire::{Input, ServiceResult},
};

impl CloudFormation {
    pub(super) fn get_template(&self, mut input: Input) -> ServiceResult {
        let name = input.string("StackName")?;
        let change_set = input.string("ChangeSetName")?;
        // Without transforms, the processed template is the original one.
        input.ignore("TemplateStage");
        input.finish()?;
        let text = if let Some(change_set) = change_set {
            let (stack_id, change_set_id) = self.find_change_set(name.as_deref(), &change_set)?;
            self.with_stack(&stack_id, |stack| {
                stack.change_set(&change_set_id).map(|found| found.revision.template.text.clone())
            })
            .flatten()
            .ok_or_else(|| no_change_set(&change_set))?
        } else {
            let name = name.ok_or_else(|| invalid("StackName must be specified."))?;
            let id = self.find(&name).ok_or_else(|| no_stack_with_id(&name))?;
            self.with_stack(&id, |stack| {
                let revision = stack.revision.as_ref();
                // A stack in review shows what its change set would deploy.
                let revision = revision.or_else(|| stack.change_sets.last().map(|change_set| &change_set.revision));
                revision.map(|revision| revision.template.text.clone())
            })
            .flatten()
            .ok_or_else(|| no_stack_with_id(&name))?
        };
        Ok(json!({"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}))
    }

    pub(super) async fn get_template_summary(&self, mut input: Input) -> ServiceResult {
        let name = input.string("StackName")?;
        let text = self.template_text(&mut input).await?;
        if input
            .peek("TemplateSummaryConfig")
            .is_some_and(|config| config["TreatUnrecognizedResourceTypesAsWarnings"] == "false")
        {
            input.ignore("TemplateSummaryConfig");
        }
        input.finish()?;
        let template = match (text, name) {
            (Some(_), Some(_)) => {
                return Err(invalid("You must specify only one of StackName, TemplateURL and TemplateBody."));
            }
            (Some(text), None) => self.parse(&text)?,
            (None, Some(name)) => {
                let id = self.find(&name).ok_or_else(|| no_stack_with_id(&name))?;
                let template = self.with_stack(&id, |stack| {
                    if stack.status == "REVIEW_IN_PROGRESS" {
                        return None;
                    }
                    stack.revision.as_ref().map(|revision| (*revision.template).clone())
                });
                template
                    .flatten()
                    .ok_or_else(|| invalid("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks."))?
            }
            (None, None) => return Err(invalid("Either Template URL or Template Body must be specified.")),
        };
        let mut summary = json!({
            "Parameters": template
                .parameters
                .iter()
                .map(|declaration| {
                    let mut described = describe_parameter(declaration);
                    described.insert("ParameterType".into(), declaration.kind.name().into());
                    described.insert("ParameterConstraints".into(), declaration.constraints());
                    Value::Object(described)
                })
                .collect::<Vec<_>>(),
            "ResourceTypes": template
                .resources
                .iter()
                .map(|resource| resource.resource_type.as_str())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>(),
            "Version": "2010-09-09",
            "ResourceIdentifierSummaries": self.identifiers(&template),
        });
        self.describe_template(&template, &mut summary);
        if let Some(metadata) = &template.metadata {
            summary["Metadata"] = metadata.to_string().into();
        }
        Ok(summary)
    }

    pub(super) async fn validate_template(&self, mut input: Input) -> ServiceResult {
        let text = self.template_text(&mut input).await?;
        input.finish()?;
        let text = text.ok_or_else(|| invalid("Either Template URL or Template Body must be specified."))?;
        let template = self.parse(&text)?;
        Graph::of(&template, &BTreeMap::new())?;
        let parameters: Vec<Value> =
            template.parameters.iter().map(|declaration| Value::Object(describe_parameter(declaration))).collect();
        let mut output = json!({"Parameters": parameters});
        self.describe_template(&template, &mut output);
        Ok(output)
    }

    fn describe_template(&self, template: &Template, output: &mut Value) {
        if let Some(description) = &template.description {
            output["Description"] = description.as_str().into();
        }
        if let Some(capability) = self.capabilities(template) {
            let types: BTreeSet<&str> = template
                .resources
                .iter()
                .map(|resource| resource.resource_type.as_str())
                .filter(|name| name.starts_with("AWS::IAM::"))
                .collect();
            let types = types.into_iter().collect::<Vec<_>>().join(", ");
            output["Capabilities"] = json!([capability]);
            output["CapabilitiesReason"] = format!("The following resource(s) require capabilities: [{types}]").into();
        }
    }

    fn identifiers(&self, template: &Template) -> Vec<Value> {
        let mut by_type: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for resource in &template.resources {
            by_type.entry(&resource.resource_type).or_default().push(&resource.logical_id);
        }
        by_type
            .into_iter()
            .filter_map(|(type_name, logical_ids)| {
                let identifiers = self.registry.schema(type_name)?.identifiers;
                Some(json!({
                    "ResourceType": type_name,
                    "LogicalResourceIds": logical_ids,
                    "ResourceIdentifiers": identifiers,
                }))
            })
            .collect()
    }
}
