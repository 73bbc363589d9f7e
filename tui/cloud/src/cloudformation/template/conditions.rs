//! The `Conditions` section, evaluated.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Pseudo, Template,
    functions::{EQUALS, function},
    intrinsics::{NoResources, Scope, text_of},
    invalid,
};
use crate::wire::ServiceResult;

/// How many conditions may name each other in a row.
const DEEPEST: usize = 100;

/// Whether each condition holds.
pub(crate) fn evaluate(
    template: &Template,
    parameters: &BTreeMap<String, Value>,
    pseudo: &Pseudo,
) -> ServiceResult<BTreeMap<String, bool>> {
    let none = BTreeMap::new();
    let scope = Scope { mappings: &template.mappings, parameters, conditions: &none, pseudo, resources: &NoResources };
    let mut held = BTreeMap::new();
    for name in template.conditions.keys() {
        let holds = by_name(name, &template.conditions, &scope, 0)?;
        held.insert(name.clone(), holds);
    }
    Ok(held)
}

fn by_name(name: &str, conditions: &Map<String, Value>, scope: &Scope<'_>, depth: usize) -> ServiceResult<bool> {
    if depth > DEEPEST {
        return Err(invalid(format!("Template error: Found circular condition dependency at condition {name}")));
    }
    let value = conditions
        .get(name)
        .ok_or_else(|| invalid(format!("Template error: unresolved condition dependency {name} in Conditions")))?;
    holds(value, conditions, scope, depth + 1)
}

fn holds(value: &Value, conditions: &Map<String, Value>, scope: &Scope<'_>, depth: usize) -> ServiceResult<bool> {
    if let Some(name) =
        value.as_object().filter(|members| members.len() == 1).and_then(|members| members.get("Condition"))
    {
        return by_name(name.as_str().unwrap_or_default(), conditions, scope, depth);
    }
    let list = |argument: &Value| argument.as_array().cloned().unwrap_or_default();
    match function(value) {
        Some(("Fn::Equals", argument)) => {
            let [left, right] = list(argument).try_into().map_err(|_| invalid(EQUALS))?;
            let side = |value: &Value| -> ServiceResult<Value> {
                let value = scope.evaluate(value)?.unwrap_or(Value::Null);
                Ok(text_of(&value).map_or(value, Value::String))
            };
            Ok(side(&left)? == side(&right)?)
        }
        Some(("Fn::And", argument)) => {
            list(argument).iter().try_fold(true, |all, part| Ok(all & holds(part, conditions, scope, depth)?))
        }
        Some(("Fn::Or", argument)) => {
            list(argument).iter().try_fold(false, |any, part| Ok(any | holds(part, conditions, scope, depth)?))
        }
        Some(("Fn::Not", argument)) => match list(argument).first() {
            Some(part) => Ok(!holds(part, conditions, scope, depth)?),
            None => Ok(false),
        },
        _ => match text_of(value).as_deref() {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            _ => Err(invalid(
                "Template format error: Every Conditions member must be a condition function or a boolean.",
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "called with json!")]
    fn held(conditions: Value) -> ServiceResult<BTreeMap<String, bool>> {
        let text = json!({
            "Parameters": {"P": {"Type": "String"}, "N": {"Type": "Number"}},
            "Conditions": conditions,
            "Resources": {"A": {"Type": "Test::Thing"}},
        });
        let template = Template::parse(&text.to_string(), &|_| true)?;
        let pseudo =
            Pseudo { region: "r".into(), account_id: "a".into(), stack_id: "i".into(), stack_name: "n".into() };
        let parameters = BTreeMap::from([("P".to_owned(), json!("x")), ("N".to_owned(), json!("5"))]);
        evaluate(&template, &parameters, &pseudo)
    }

    #[test]
    fn conditions_build_on_each_other() {
        let held = held(json!({
            "IsX": {"Fn::Equals": [{"Ref": "P"}, "x"]},
            "IsFive": {"Fn::Equals": [{"Ref": "N"}, 5]},
            "Both": {"Fn::And": [{"Condition": "IsX"}, {"Condition": "IsFive"}]},
            "Neither": {"Fn::Not": [{"Fn::Or": [{"Condition": "IsX"}, {"Condition": "IsFive"}]}]},
            "Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, {"Fn::Select": [0, ["r", "s"]]}]},
        }))
        .unwrap();
        let expected = [("Both", true), ("Here", true), ("IsFive", true), ("IsX", true), ("Neither", false)];
        assert_eq!(held, expected.map(|(name, holds)| (name.to_owned(), holds)).into());
    }

    #[test]
    fn circles_and_resources_are_refused() {
        let circle = held(json!({"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::Not": [{"Condition": "A"}]}}));
        assert!(circle.unwrap_err().message.contains("circular condition dependency"));
        let resource = held(json!({"C": {"Fn::Equals": [{"Ref": "A"}, "x"]}}));
        assert_eq!(
            resource.unwrap_err().message,
            "Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of \
             the template"
        );
    }
}
