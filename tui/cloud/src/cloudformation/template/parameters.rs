//! The `Parameters` section: declarations, and the values that an operation gives them.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{intrinsics::text_of, invalid, sections::is_alphanumeric};
use crate::wire::{ServiceError, ServiceResult};

const MEMBERS: [&str; 11] = [
    "Type",
    "Default",
    "NoEcho",
    "AllowedValues",
    "AllowedPattern",
    "MinLength",
    "MaxLength",
    "MinValue",
    "MaxValue",
    "Description",
    "ConstraintDescription",
];

/// The longest value of a parameter, in bytes.
const LONGEST_VALUE_BYTES: usize = 4096;

/// A parameter's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParameterType {
    String,
    Number,
    CommaDelimitedList,
    NumberList,
}

impl ParameterType {
    /// As templates write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Number => "Number",
            Self::CommaDelimitedList => "CommaDelimitedList",
            Self::NumberList => "List<Number>",
        }
    }
}

/// One member of `Parameters`.
#[derive(Debug, Clone)]
pub(crate) struct ParameterDeclaration {
    pub name: String,
    pub kind: ParameterType,
    pub default: Option<String>,
    pub no_echo: bool,
    pub description: Option<String>,
    pub allowed_values: Vec<String>,
    allowed_pattern: Option<(String, Regex)>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    min_value: Option<f64>,
    max_value: Option<f64>,
    constraint_description: Option<String>,
}

impl ParameterDeclaration {
    /// Reads one declaration.
    pub(super) fn read(name: &str, value: &Value) -> ServiceResult<Self> {
        if !is_alphanumeric(name) {
            return Err(invalid(format!("Template format error: Parameter name {name} is non alphanumeric.")));
        }
        let members = value
            .as_object()
            .ok_or_else(|| invalid("Template format error: Any Parameters member must be an object."))?;
        if let Some(unknown) = members.keys().find(|member| !MEMBERS.contains(&member.as_str())) {
            return Err(invalid(format!("Invalid template parameter property '{unknown}'")));
        }
        let text = |member: &str| members.get(member).and_then(text_of);
        let kind = match text("Type").as_deref() {
            None => {
                return Err(invalid("Template format error: Every Parameters object must contain a Type member."));
            }
            Some("String") => ParameterType::String,
            Some("Number") => ParameterType::Number,
            Some("CommaDelimitedList" | "List<String>") => ParameterType::CommaDelimitedList,
            Some("List<Number>") => ParameterType::NumberList,
            Some(other) => return Err(invalid(format!("Template format error: Unrecognized parameter type: {other}"))),
        };
        let default = match members.get("Default") {
            None => None,
            Some(value) => Some(
                text_of(value)
                    .ok_or_else(|| invalid("Template format error: Every Default member must be a string."))?,
            ),
        };
        let allowed_values = match members.get("AllowedValues") {
            None => Vec::new(),
            Some(Value::Array(values)) => values.iter().filter_map(text_of).collect(),
            Some(_) => return Err(invalid("Template format error: Every AllowedValues member must be a list.")),
        };
        let allowed_pattern = match text("AllowedPattern") {
            None => None,
            // A value must match from its first to its last character.
            Some(pattern) => match Regex::new(&format!("^(?:{pattern})$")) {
                Ok(regex) => Some((pattern, regex)),
                Err(_) => {
                    return Err(invalid(format!(
                        "The embedded cloud does not support the AllowedPattern of parameter {name}: {pattern}"
                    )));
                }
            },
        };
        let number = |member: &str| -> ServiceResult<Option<f64>> {
            text(member)
                .map(|text| text.parse::<f64>())
                .transpose()
                .map_err(|_| invalid(format!("Template format error: Every {member} member must be a number.")))
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length fits, or bounds nothing")]
        let length = |member: &str| number(member).map(|found| found.map(|length| length as usize));
        Ok(Self {
            name: name.to_owned(),
            kind,
            default,
            no_echo: text("NoEcho").is_some_and(|flag| flag.eq_ignore_ascii_case("true")),
            description: text("Description"),
            allowed_values,
            allowed_pattern,
            min_length: length("MinLength")?,
            max_length: length("MaxLength")?,
            min_value: number("MinValue")?,
            max_value: number("MaxValue")?,
            constraint_description: text("ConstraintDescription"),
        })
    }

    /// `ParameterConstraints` of `GetTemplateSummary`.
    pub fn constraints(&self) -> Value {
        if self.allowed_values.is_empty() { json!({}) } else { json!({"AllowedValues": self.allowed_values}) }
    }

    fn refusal(&self, words: &str) -> ServiceError {
        match &self.constraint_description {
            Some(description) => {
                invalid(format!("Parameter {} failed to satisfy constraint: {description}", self.name))
            }
            None => invalid(format!("Parameter '{}' {words}", self.name)),
        }
    }

    /// The value that references to this parameter give. Refuses one outside the constraints.
    fn accept(&self, text: &str) -> ServiceResult<Value> {
        if text.len() > LONGEST_VALUE_BYTES {
            return Err(invalid(format!(
                "Parameter '{}' must contain at most {LONGEST_VALUE_BYTES} characters",
                self.name
            )));
        }
        let is_list = matches!(self.kind, ParameterType::CommaDelimitedList | ParameterType::NumberList);
        let items: Vec<&str> = if is_list { text.split(',').map(str::trim).collect() } else { vec![text] };
        for item in &items {
            self.accept_item(item)?;
        }
        Ok(if is_list {
            Value::Array(if text.is_empty() { Vec::new() } else { items.into_iter().map(Value::from).collect() })
        } else {
            Value::from(text)
        })
    }

    fn accept_item(&self, item: &str) -> ServiceResult<()> {
        if matches!(self.kind, ParameterType::Number | ParameterType::NumberList) {
            let Some(number) = item.trim().parse::<f64>().ok().filter(|number| number.is_finite()) else {
                return Err(invalid(format!("Parameter '{}' must be a number.", self.name)));
            };
            if let Some(least) = self.min_value.filter(|least| number < *least) {
                return Err(self.refusal(&format!("must be a number not less than {least}")));
            }
            if let Some(most) = self.max_value.filter(|most| number > *most) {
                return Err(self.refusal(&format!("must be a number not greater than {most}")));
            }
        }
        if !self.allowed_values.is_empty() && !self.allowed_values.iter().any(|allowed| allowed == item) {
            return Err(self.refusal(&format!("must be one of AllowedValues [{}]", self.allowed_values.join(", "))));
        }
        let length = item.chars().count();
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            return Err(self.refusal(&format!("must contain at least {least} characters")));
        }
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            return Err(self.refusal(&format!("must contain at most {most} characters")));
        }
        match &self.allowed_pattern {
            Some((pattern, regex)) if !regex.is_match(item) => {
                Err(self.refusal(&format!("must match pattern {pattern}")))
            }
            _ => Ok(()),
        }
    }
}

/// What an operation gives for one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    Value(String),
    /// `UsePreviousValue`.
    Previous,
}

/// A parameter's value in one stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResolvedParameter {
    pub name: String,
    /// As it was given, or the default.
    pub text: String,
    pub no_echo: bool,
}

/// What a template's parameters turn out to be: as described, and as evaluated.
pub(crate) type Resolved = (Vec<ResolvedParameter>, BTreeMap<String, Value>);

/// Gives every parameter its value: the one given, the previous one, or the default.
pub(crate) fn resolve(
    declarations: &[ParameterDeclaration],
    given: &BTreeMap<String, Given>,
    previous: &[ResolvedParameter],
) -> ServiceResult<Resolved> {
    let unknown: Vec<&str> = given
        .keys()
        .map(String::as_str)
        .filter(|name| !declarations.iter().any(|declaration| declaration.name == *name))
        .collect();
    if !unknown.is_empty() {
        return Err(invalid(format!("Parameters: [{}] do not exist in the template", unknown.join(", "))));
    }
    let mut missing = Vec::new();
    let mut resolved = Vec::new();
    for declaration in declarations {
        let name = &declaration.name;
        let text = match given.get(name) {
            Some(Given::Value(text)) => Some(text.clone()),
            Some(Given::Previous) => {
                let Some(before) = previous.iter().find(|parameter| parameter.name == *name) else {
                    return Err(invalid(format!(
                        "Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a \
                         parameter key not in the previous template"
                    )));
                };
                Some(before.text.clone())
            }
            None => declaration.default.clone(),
        };
        match text {
            None => missing.push(name.as_str()),
            Some(text) => {
                resolved.push(ResolvedParameter { name: name.clone(), text, no_echo: declaration.no_echo });
            }
        }
    }
    if !missing.is_empty() {
        return Err(invalid(format!("Parameters: [{}] must have values", missing.join(", "))));
    }
    let values = declarations
        .iter()
        .zip(&resolved)
        .map(|(declaration, parameter)| Ok((parameter.name.clone(), declaration.accept(&parameter.text)?)))
        .collect::<ServiceResult<_>>()?;
    Ok((resolved, values))
}

/// A parameter as `ValidateTemplate` describes it; also the base of other descriptions.
pub(crate) fn describe(declaration: &ParameterDeclaration) -> Map<String, Value> {
    let mut described = Map::new();
    described.insert("ParameterKey".into(), declaration.name.as_str().into());
    if let Some(default) = &declaration.default {
        described.insert("DefaultValue".into(), default.as_str().into());
    }
    described.insert("NoEcho".into(), declaration.no_echo.into());
    if let Some(description) = &declaration.description {
        described.insert("Description".into(), description.as_str().into());
    }
    described
}
