//! What of the bundled template needs what: the order in which CloudFormation can make it.

use saphyr::{LoadableYamlNode, Yaml};
use tailwater_core::app::TemplateResource;

use super::template::TEMPLATE;

/// The bundled template's resources in its order, each with those that have to be there before it:
/// the ones it names by `Ref`, `GetAtt` or `Sub`, and by `DependsOn`.
pub fn template_resources() -> Vec<TemplateResource> {
    resources(TEMPLATE)
}

fn resources(template: &str) -> Vec<TemplateResource> {
    let documents = Yaml::load_from_str(template).unwrap_or_default();
    let resources = documents.first().and_then(|document| document.as_mapping_get("Resources"));
    let Some(resources) = resources.and_then(|resources| resources.as_mapping()) else { return Vec::new() };
    let names: Vec<&str> = resources.iter().filter_map(|(name, _)| name.as_str()).collect();
    resources
        .iter()
        .filter_map(|(name, body)| {
            let mut referred = Vec::new();
            if let Some(on) = body.as_mapping_get("DependsOn") {
                referred.extend(on.as_str().map(str::to_owned));
                referred
                    .extend(on.as_sequence().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)));
            }
            if let Some(properties) = body.as_mapping_get("Properties") {
                references(properties, &mut referred);
            }
            // In the template's order, each once; parameters are no resources.
            let needs = names.iter().filter(|other| referred.iter().any(|one| one == *other));
            Some(TemplateResource {
                logical_id: name.as_str()?.to_owned(),
                resource_type: body
                    .as_mapping_get("Type")
                    .and_then(|kind| kind.as_str())
                    .unwrap_or_default()
                    .to_owned(),
                conditional: body.as_mapping_get("Condition").is_some(),
                needs: needs.map(|name| (*name).to_owned()).collect(),
            })
        })
        .collect()
}

/// The names that a value refers to.
fn references(node: &Yaml<'_>, found: &mut Vec<String>) {
    match node {
        Yaml::Tagged(tag, inner) => {
            of_function(&tag.suffix, inner, found);
            references(inner, found);
        }
        Yaml::Sequence(items) => items.iter().for_each(|item| references(item, found)),
        Yaml::Mapping(entries) => {
            for (key, value) in entries {
                if let Some(function) = key.as_str() {
                    of_function(function.strip_prefix("Fn::").unwrap_or(function), value, found);
                }
                references(value, found);
            }
        }
        _ => {}
    }
}

fn of_function(function: &str, argument: &Yaml<'_>, found: &mut Vec<String>) {
    let text = argument.as_str().or_else(|| argument.as_sequence()?.first()?.as_str());
    match (function, text) {
        ("Ref", Some(name)) => found.push(name.to_owned()),
        ("GetAtt", Some(path)) => found.extend(path.split('.').next().map(str::to_owned)),
        ("Sub", Some(text)) => {
            let inside = text.split("${").skip(1).filter_map(|rest| rest.split('}').next());
            found.extend(inside.filter_map(|name| name.split('.').next()).map(str::to_owned));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_template_says_what_needs_what() {
        let resources = template_resources();
        let needs = |id: &str| -> Vec<String> {
            resources.iter().find(|resource| resource.logical_id == id).expect(id).needs.clone()
        };
        assert_eq!(needs("Stream"), Vec::<String>::new());
        assert_eq!(needs("FunctionRole"), ["FunctionLogGroup", "Stream"]);
        assert_eq!(needs("Stage"), ["Api", "Route", "AccessLogGroup", "FunctionPermission", "DeliveryStream"]);
        assert!(needs("DeliveryStream").contains(&"DeliveryRole".to_owned()));
        let conditional: Vec<&str> =
            resources.iter().filter(|one| one.conditional).map(|one| one.logical_id.as_str()).collect();
        assert_eq!(conditional, ["Authorizer", "DeliveryLogStream"]);
    }
}
