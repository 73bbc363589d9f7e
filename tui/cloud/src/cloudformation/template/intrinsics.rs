//! Intrinsic functions, evaluated.

use std::collections::BTreeMap;

use base64::Engine;
use serde_json::{Map, Value};

use super::{
    functions::{
        BASE64, FIND_IN_MAP, GET_ATT, IF, JOIN, Piece, REF, SELECT, SPLIT, SUB, function, get_att, index, pieces, sub,
    },
    invalid,
};
use crate::wire::ServiceResult;

/// What stands for a value that is known only once the change set was executed.
pub(crate) const UNKNOWN: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// The pseudo parameters.
#[derive(Debug, Clone)]
pub(crate) struct Pseudo {
    pub region: String,
    pub account_id: String,
    pub stack_id: String,
    pub stack_name: String,
}

impl Pseudo {
    /// `None`: not a pseudo parameter, or `AWS::NoValue`.
    fn value(&self, name: &str) -> Option<Value> {
        Some(match name {
            "AWS::AccountId" => Value::from(self.account_id.as_str()),
            "AWS::NotificationARNs" => Value::Array(Vec::new()),
            "AWS::Partition" => Value::from("aws"),
            "AWS::Region" => Value::from(self.region.as_str()),
            "AWS::StackId" => Value::from(self.stack_id.as_str()),
            "AWS::StackName" => Value::from(self.stack_name.as_str()),
            "AWS::URLSuffix" => Value::from("amazonaws.com"),
            _ => return None,
        })
    }
}

/// What `Ref` and `Fn::GetAtt` of a resource give.
pub(crate) trait ResourceValues: Sync {
    /// `Ref`.
    fn reference(&self, logical_id: &str) -> ServiceResult<Value>;
    /// `Fn::GetAtt`.
    fn attribute(&self, logical_id: &str, attribute: &str) -> ServiceResult<Value>;
}

/// Where no resource may be named, as in conditions.
pub(super) struct NoResources;

impl ResourceValues for NoResources {
    fn reference(&self, logical_id: &str) -> ServiceResult<Value> {
        Err(invalid(format!("Template error: {logical_id} cannot be referenced here")))
    }

    fn attribute(&self, logical_id: &str, _: &str) -> ServiceResult<Value> {
        self.reference(logical_id)
    }
}

/// Everything that a function's value depends on.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub mappings: &'a Map<String, Value>,
    /// Resolved: texts, or lists of texts.
    pub parameters: &'a BTreeMap<String, Value>,
    pub conditions: &'a BTreeMap<String, bool>,
    pub pseudo: &'a Pseudo,
    pub resources: &'a dyn ResourceValues,
}

impl Scope<'_> {
    /// A value with every function in it evaluated. `None` is `AWS::NoValue`, which takes the
    /// member or the item that it stands in away.
    pub fn evaluate(&self, value: &Value) -> ServiceResult<Option<Value>> {
        if let Some((name, argument)) = function(value) {
            return self.apply(name, argument);
        }
        Ok(Some(match value {
            Value::Array(items) => {
                let mut evaluated = Vec::with_capacity(items.len());
                for item in items {
                    evaluated.extend(self.evaluate(item)?);
                }
                Value::Array(evaluated)
            }
            Value::Object(members) => Value::Object(self.evaluate_members(members)?),
            other => other.clone(),
        }))
    }

    /// The members of an object, those without a value left out.
    pub fn evaluate_members(&self, members: &Map<String, Value>) -> ServiceResult<Map<String, Value>> {
        let mut evaluated = Map::new();
        for (name, member) in members {
            if let Some(value) = self.evaluate(member)? {
                evaluated.insert(name.clone(), value);
            }
        }
        Ok(evaluated)
    }

    fn apply(&self, name: &str, argument: &Value) -> ServiceResult<Option<Value>> {
        let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let value = match (name, parts) {
            ("Ref", _) => {
                let name = argument.as_str().ok_or_else(|| invalid(REF))?;
                if name == "AWS::NoValue" {
                    return Ok(None);
                }
                self.name(name)?
            }
            ("Fn::GetAtt", _) => {
                let (resource, attribute) = get_att(argument).ok_or_else(|| invalid(GET_ATT))?;
                self.resources.attribute(resource, &self.text(attribute, GET_ATT)?)?
            }
            ("Fn::Sub", _) => {
                let (text, variables) = sub(argument).ok_or_else(|| invalid(SUB))?;
                self.substitute(text, variables)?
            }
            ("Fn::Join", [delimiter, items]) => {
                let delimiter = self.text(delimiter, JOIN)?;
                let items = self.list(items, JOIN)?;
                let texts: Vec<String> = items
                    .iter()
                    .map(|item| text_of(item).ok_or_else(|| invalid(JOIN)))
                    .collect::<ServiceResult<_>>()?;
                Value::String(texts.join(&delimiter))
            }
            ("Fn::Split", [delimiter, text]) => {
                let delimiter = self.text(delimiter, SPLIT)?;
                let text = self.text(text, SPLIT)?;
                if delimiter.is_empty() {
                    return Err(invalid(SPLIT));
                }
                if text == UNKNOWN {
                    // What comes out of it is as unknown as what goes in.
                    return Ok(Some(Value::from(UNKNOWN)));
                }
                Value::Array(text.split(&delimiter).map(Value::from).collect())
            }
            ("Fn::Select", [wanted, items]) => {
                let wanted = self.evaluate(wanted)?.as_ref().and_then(index).ok_or_else(|| invalid(SELECT))?;
                let items = self.list(items, SELECT)?;
                if items.as_slice() == [Value::from(UNKNOWN)] {
                    return Ok(Some(Value::from(UNKNOWN)));
                }
                items.get(wanted).cloned().ok_or_else(|| {
                    invalid(format!("Template error: Fn::Select cannot select nonexistent value at index {wanted}"))
                })?
            }
            ("Fn::FindInMap", [map, key, attribute]) => {
                let map = self.text(map, FIND_IN_MAP)?;
                let key = self.text(key, FIND_IN_MAP)?;
                let attribute = self.text(attribute, FIND_IN_MAP)?;
                let found = self.mappings.get(&map).and_then(|map| map.get(&key)).and_then(|key| key.get(&attribute));
                found.cloned().ok_or_else(|| {
                    invalid(format!("Template error: Unable to get mapping for {map}::{key}::{attribute}"))
                })?
            }
            ("Fn::If", [condition, holds, fails]) => {
                let name = condition.as_str().ok_or_else(|| invalid(IF))?;
                let held = self.conditions.get(name).copied().ok_or_else(|| {
                    invalid(format!("Template error: unresolved condition dependency {name} in Fn::If"))
                })?;
                return self.evaluate(if held { holds } else { fails });
            }
            ("Fn::Base64", _) => {
                let text = self.text(argument, BASE64)?;
                Value::String(base64::engine::general_purpose::STANDARD.encode(text))
            }
            ("Fn::GetAZs", _) => {
                let region = self.text(argument, "Template error: Fn::GetAZs requires a region name.")?;
                let region = if region.is_empty() { self.pseudo.region.clone() } else { region };
                Value::Array(["a", "b", "c"].iter().map(|zone| Value::from(format!("{region}{zone}"))).collect())
            }
            _ => {
                return Err(invalid(format!(
                    "Template error: the embedded cloud does not support the intrinsic function {name} here."
                )));
            }
        };
        Ok(Some(value))
    }

    /// A parameter, a pseudo parameter or a resource.
    fn name(&self, name: &str) -> ServiceResult<Value> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        match self.pseudo.value(name) {
            Some(value) => Ok(value),
            None => self.resources.reference(name),
        }
    }

    fn substitute(&self, text: &str, variables: Option<&Map<String, Value>>) -> ServiceResult<Value> {
        let mut result = String::new();
        for piece in pieces(text)? {
            let name = match piece {
                Piece::Text(text) => {
                    result.push_str(text);
                    continue;
                }
                Piece::Variable(name) => name,
            };
            let value = match (variables.and_then(|variables| variables.get(name)), name.split_once('.')) {
                (Some(value), _) => self.evaluate(value)?.unwrap_or(Value::Null),
                (None, Some((resource, attribute))) => self.resources.attribute(resource, attribute)?,
                (None, None) => self.name(name)?,
            };
            match &value {
                // A list parameter stands in a text as its items, parted by commas.
                Value::Array(items) => {
                    result.push_str(&items.iter().filter_map(text_of).collect::<Vec<_>>().join(","));
                }
                value => result.push_str(&text_of(value).ok_or_else(|| invalid(SUB))?),
            }
        }
        Ok(Value::String(result))
    }

    fn text(&self, value: &Value, message: &str) -> ServiceResult<String> {
        self.evaluate(value)?.as_ref().and_then(text_of).ok_or_else(|| invalid(message))
    }

    fn list(&self, value: &Value, message: &str) -> ServiceResult<Vec<Value>> {
        match self.evaluate(value)? {
            Some(Value::Array(items)) => Ok(items),
            Some(Value::String(text)) if text == UNKNOWN => Ok(vec![Value::String(text)]),
            _ => Err(invalid(message)),
        }
    }
}

/// The text of a scalar.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    struct Two;

    impl ResourceValues for Two {
        fn reference(&self, logical_id: &str) -> ServiceResult<Value> {
            Ok(format!("ref-{logical_id}").into())
        }

        fn attribute(&self, logical_id: &str, attribute: &str) -> ServiceResult<Value> {
            match attribute {
                "List" => Ok(json!(["x", "y"])),
                "Unknown" => Ok(UNKNOWN.into()),
                _ => Ok(format!("{logical_id}:{attribute}").into()),
            }
        }
    }

    fn evaluate(value: &Value) -> ServiceResult<Option<Value>> {
        let Value::Object(mappings) = json!({"M": {"k": {"a": "v", "l": ["p", "q"]}, "ap-southeast-2": {"a": "here"}}})
        else {
            unreachable!("an object")
        };
        let parameters = BTreeMap::from([("P".to_owned(), json!("p")), ("L".to_owned(), json!(["1", "2"]))]);
        let conditions = BTreeMap::from([("Yes".to_owned(), true), ("No".to_owned(), false)]);
        let pseudo = Pseudo {
            region: "ap-southeast-2".into(),
            account_id: "000000000000".into(),
            stack_id: "id".into(),
            stack_name: "name".into(),
        };
        Scope {
            mappings: &mappings,
            parameters: &parameters,
            conditions: &conditions,
            pseudo: &pseudo,
            resources: &Two,
        }
        .evaluate(value)
    }

    #[rstest]
    #[case(json!({"Ref": "P"}), json!("p"))]
    #[case(json!({"Ref": "L"}), json!(["1", "2"]))]
    #[case(json!({"Ref": "A"}), json!("ref-A"))]
    #[case(json!({"Ref": "AWS::Region"}), json!("ap-southeast-2"))]
    #[case(json!({"Ref": "AWS::URLSuffix"}), json!("amazonaws.com"))]
    #[case(json!({"Ref": "AWS::NotificationARNs"}), json!([]))]
    #[case(json!({"Fn::GetAtt": ["A", "Arn"]}), json!("A:Arn"))]
    #[case(json!({"Fn::GetAtt": ["A", {"Ref": "P"}]}), json!("A:p"))]
    #[case(json!({"Fn::Sub": "${P}/${A}/${A.Arn}/${AWS::StackName}/$P/${!P}/${L}"}),
        json!("p/ref-A/A:Arn/name/$P/${P}/1,2"))]
    #[case(json!({"Fn::Sub": ["${x}-${P}", {"x": {"Fn::GetAtt": ["A", "Arn"]}, "P": 5}]}), json!("A:Arn-5"))]
    #[case(json!({"Fn::Sub": "a ${ P } $ {P} ${"}), json!("a p $ {P} ${"))]
    #[case(json!({"Fn::Join": ["-", ["a", {"Ref": "P"}, 3, true]]}), json!("a-p-3-true"))]
    #[case(json!({"Fn::Join": [",", {"Ref": "L"}]}), json!("1,2"))]
    #[case(json!({"Fn::Join": ["", {"Fn::GetAtt": ["A", "List"]}]}), json!("xy"))]
    #[case(json!({"Fn::Split": ["|", "a||b"]}), json!(["a", "", "b"]))]
    #[case(json!({"Fn::Select": ["1", {"Fn::Split": [".", "a.b"]}]}), json!("b"))]
    #[case(json!({"Fn::Select": [0, {"Ref": "L"}]}), json!("1"))]
    #[case(json!({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "a"]}), json!("here"))]
    #[case(json!({"Fn::FindInMap": ["M", "k", "l"]}), json!(["p", "q"]))]
    #[case(json!({"Fn::If": ["Yes", {"Ref": "P"}, "no"]}), json!("p"))]
    #[case(json!({"Fn::Base64": {"Fn::Sub": "${P}"}}), json!("cA=="))]
    #[case(json!({"Fn::GetAZs": ""}), json!(["ap-southeast-2a", "ap-southeast-2b", "ap-southeast-2c"]))]
    #[case(json!({"k": [{"Fn::If": ["No", "x", {"Ref": "AWS::NoValue"}]}, "y"], "gone": {"Ref": "AWS::NoValue"}}),
        json!({"k": ["y"]}))]
    #[case(json!({"Fn::Select": [0, {"Fn::Split": ["-", {"Fn::GetAtt": ["A", "Unknown"]}]}]}), json!(UNKNOWN))]
    #[case(json!({"Fn::Join": ["/", ["a", {"Fn::GetAtt": ["A", "Unknown"]}]]}), json!(format!("a/{UNKNOWN}")))]
    fn functions_are_evaluated(#[case] value: Value, #[case] expected: Value) {
        assert_eq!(evaluate(&value).unwrap(), Some(expected));
    }

    #[rstest]
    #[case(json!({"Fn::Select": [5, ["a"]]}), "Template error: Fn::Select cannot select nonexistent value at index 5")]
    #[case(json!({"Fn::FindInMap": ["M", "k", "z"]}), "Template error: Unable to get mapping for M::k::z")]
    #[case(json!({"Fn::Sub": "${a b}"}), crate::cloudformation::template::functions::SUB_NAME)]
    #[case(json!({"Fn::Join": ["-", {"Ref": "P"}]}), JOIN)]
    #[case(json!({"Fn::If": ["Maybe", 1, 2]}), "Template error: unresolved condition dependency Maybe in Fn::If")]
    fn what_has_no_value_is_refused(#[case] value: Value, #[case] message: &str) {
        assert_eq!(evaluate(&value).unwrap_err().message, message);
    }
}
