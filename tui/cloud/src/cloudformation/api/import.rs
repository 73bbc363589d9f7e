//! Change sets of the type IMPORT: what is there already becomes a stack's own.

use std::collections::BTreeMap;

use super::request::list;
use crate::{
    cloudformation::{
        CloudFormation,
        change_set::{Change, ChangeSetType, Plan},
        stack::{Resource, Revision, Stack},
        template::{DeletionPolicy, invalid},
    },
    wire::{Input, ServiceResult},
};

/// One of `ResourcesToImport`.
pub(super) struct ToImport {
    logical_id: String,
    resource_type: String,
    identifier: BTreeMap<String, String>,
}

/// Takes `ResourcesToImport`.
pub(super) fn take(input: &mut Input) -> ServiceResult<Vec<ToImport>> {
    let mut wanted = Vec::new();
    for item in list(input, "ResourcesToImport")? {
        let text = |name: &str| {
            let text = item[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            text.ok_or_else(|| invalid(format!("Every resource to import must have a {name}.")))
        };
        let identifier = item["ResourceIdentifier"].as_object().cloned().unwrap_or_default();
        let identifier = identifier.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned())));
        wanted.push(ToImport {
            logical_id: text("LogicalResourceId")?,
            resource_type: text("ResourceType")?,
            identifier: identifier.collect(),
        });
    }
    Ok(wanted)
}

/// Refuses resources to import in other change sets, and imports without.
pub(super) fn check_kind(kind: ChangeSetType, wanted: &[ToImport]) -> ServiceResult<()> {
    match (kind == ChangeSetType::Import, wanted.is_empty()) {
        (true, true) => Err(invalid("ResourcesToImport must be specified for a change set of the type IMPORT.")),
        (false, false) => Err(invalid("ResourcesToImport can only be specified for a change set of the type IMPORT.")),
        _ => Ok(()),
    }
}

/// Physical ids by logical id, where the revision only takes in what is wanted: an import changes
/// nothing else. The plan then tells of imports instead of additions.
pub(super) fn resolve(
    cloud: &CloudFormation,
    stack: &Stack,
    revision: &Revision,
    plan: &mut Plan,
    kind: ChangeSetType,
    wanted: Vec<ToImport>,
) -> ServiceResult<BTreeMap<String, String>> {
    if kind != ChangeSetType::Import {
        return Ok(BTreeMap::new());
    }
    let mut imports = BTreeMap::new();
    for resource in wanted {
        let physical_id = physical_id(cloud, stack, revision, &resource)?;
        imports.insert(resource.logical_id, physical_id);
    }
    let (added, others): (Vec<&Change>, Vec<&Change>) =
        plan.changes.iter().partition(|change| change.action().1 == "Add");
    let names = |changes: &[&Change], fits: &dyn Fn(&str) -> bool| -> Vec<String> {
        changes.iter().map(|change| change.action().0).filter(|id| fits(id)).map(str::to_owned).collect()
    };
    let missing = names(&added, &|id| !imports.contains_key(id));
    if !missing.is_empty() {
        return Err(invalid(format!("Resources [{}] is missing from ResourceToImport list", missing.join(", "))));
    }
    let modified = names(&others, &|_| true);
    if !modified.is_empty() {
        return Err(invalid(format!(
            "You have modified resources [{}] in your template that are not being imported. Update, create or delete \
             operations cannot be executed during import operations.",
            modified.join(", ")
        )));
    }
    let declared = revision.template.outputs.iter().filter(|output| revision.holds(output.condition.as_ref()));
    if !declared.map(|output| &output.key).eq(stack.outputs.iter().map(|output| &output.key)) {
        return Err(invalid("As part of the import operation, you cannot modify or add [Outputs]"));
    }
    plan.changes = plan
        .additions
        .iter()
        .filter_map(|addition| Some(Change::import(addition, imports.get(&addition.logical_id)?)))
        .collect();
    Ok(imports)
}

/// What is there under the names of resources that the revision would make, and whose policy keeps
/// them: it is taken in instead (`ImportExistingResources`).
pub(super) async fn existing(
    cloud: &CloudFormation,
    stack: &Stack,
    revision: &Revision,
    plan: &mut Plan,
) -> BTreeMap<String, String> {
    let mut imports = BTreeMap::new();
    for addition in &plan.additions {
        let declaration = revision.template.resource(&addition.logical_id);
        if declaration.is_none_or(|declaration| declaration.deletion_policy == DeletionPolicy::Delete) {
            continue;
        }
        if let Some((_, name)) = cloud.taken_name(stack, addition).await {
            let change = Change::import(addition, &name);
            plan.changes.retain(|known| known.action().0 != addition.logical_id);
            plan.changes.push(change);
            imports.insert(addition.logical_id.clone(), name);
        }
    }
    plan.changes.sort_by(|one, other| one.action().0.cmp(other.action().0));
    imports
}

fn physical_id(cloud: &CloudFormation, stack: &Stack, revision: &Revision, wanted: &ToImport) -> ServiceResult<String> {
    let ToImport { logical_id, resource_type, identifier } = wanted;
    let declaration = revision
        .template
        .resource(logical_id)
        .filter(|declaration| {
            declaration.resource_type == *resource_type && revision.holds(declaration.condition.as_ref())
        })
        .ok_or_else(|| invalid(format!("Resource [{logical_id}] is not in the template")))?;
    if stack.resources.get(logical_id).is_some_and(Resource::exists) {
        return Err(invalid(format!("Resource [{logical_id}] is in the stack already and cannot be imported")));
    }
    if !declaration.says_deletion_policy {
        return Err(invalid(format!(
            "Resources [{logical_id}] must have a DeletionPolicy attribute specified in the template for import"
        )));
    }
    // What several properties identify, such as the parts of an API, is not taken in here.
    let schema = cloud.registry.schema(resource_type);
    let [name] = schema.map(|schema| schema.identifiers).unwrap_or_default() else {
        return Err(invalid(format!("Resource type {resource_type} is not supported for import.")));
    };
    match identifier.get(*name) {
        Some(value) if identifier.len() == 1 && !value.is_empty() => Ok(value.clone()),
        _ => Err(invalid(format!("The resource identifier of [{logical_id}] must be exactly [{name}]"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_imported_is_taken_whole() {
        let value = serde_json::json!({"ResourcesToImport": [{
            "LogicalResourceId": "Kept", "ResourceType": "AWS::S3::Bucket", "ResourceIdentifier": {"BucketName": "b"},
        }]});
        let taken = take(&mut Input::new("CreateChangeSet", value).unwrap()).unwrap();
        assert_eq!(taken[0].identifier.get("BucketName").map(String::as_str), Some("b"));
        let value = serde_json::json!({"ResourcesToImport": [{"LogicalResourceId": "Kept"}]});
        let refused = take(&mut Input::new("CreateChangeSet", value).unwrap()).err().unwrap();
        assert_eq!(refused.message, "Every resource to import must have a ResourceType.");
        assert_eq!(check_kind(ChangeSetType::Update, &taken).unwrap_err().code, "ValidationError");
    }
}
