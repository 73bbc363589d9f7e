//! The bundled template: its text, and what it says of its parameters.

use std::sync::LazyLock;

use regex_lite::Regex;
use saphyr::{LoadableYamlNode, Yaml};

/// The pipeline as one CloudFormation template.
pub use tailwater_core::guide::TEMPLATE;

/// Parameters that the deployer sets itself; a value given for them counts all the same.
const SET_BY_DEPLOYER: [&str; 2] = ["ArtifactBucket", "ArtifactKey"];

/// Why a parameter cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// The template has none of this name.
    #[error("the template has no parameter {name}. It has: {known}")]
    Unknown {
        /// The name as given.
        name: String,
        /// Every name it has.
        known: String,
    },
    /// The value is outside what the template allows.
    #[error("{name}={value} is not allowed: {rule}")]
    Value {
        /// The parameter.
        name: String,
        /// The value as given.
        value: String,
        /// What is allowed.
        rule: String,
    },
}

/// What the template says of one parameter.
#[derive(Debug)]
struct Declared {
    name: String,
    number: bool,
    default: Option<String>,
    allowed: Vec<String>,
    min: Option<f64>,
    max: Option<f64>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    pattern: Option<Regex>,
    constraint: Option<String>,
}

static DECLARED: LazyLock<Vec<Declared>> = LazyLock::new(|| declared(TEMPLATE));

/// The template's default for a parameter.
pub fn default_of(name: &str) -> Option<String> {
    DECLARED.iter().find(|parameter| parameter.name == name)?.default.clone()
}

/// The parameters that people choose, in the template's order, each with its default.
pub fn parameters() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    DECLARED
        .iter()
        .filter(|parameter| !SET_BY_DEPLOYER.contains(&parameter.name.as_str()))
        .map(|parameter| (parameter.name.as_str(), parameter.default.as_deref()))
}

/// Whether the template has this parameter.
pub fn has_parameter(name: &str) -> bool {
    DECLARED.iter().any(|parameter| parameter.name == name)
}

/// Checks parameters before any call is made.
pub fn check_parameters(given: &[(String, String)]) -> Result<(), ParameterError> {
    given.iter().try_for_each(|(name, value)| {
        let Some(declared) = DECLARED.iter().find(|parameter| parameter.name == *name) else {
            let known: Vec<&str> = DECLARED
                .iter()
                .map(|parameter| parameter.name.as_str())
                .filter(|name| !SET_BY_DEPLOYER.contains(name))
                .collect();
            return Err(ParameterError::Unknown { name: name.clone(), known: known.join(", ") });
        };
        declared.check(value).map_err(|rule| ParameterError::Value { name: name.clone(), value: value.clone(), rule })
    })
}

impl Declared {
    fn check(&self, value: &str) -> Result<(), String> {
        if !self.allowed.is_empty() && !self.allowed.iter().any(|allowed| allowed == value) {
            return Err(format!("it is one of {}", self.allowed.join(", ")));
        }
        if self.number {
            let number: f64 = value.parse().map_err(|_| "it is a number".to_owned())?;
            match (self.min, self.max) {
                (Some(min), Some(max)) if !(min..=max).contains(&number) => {
                    return Err(format!("it is a number from {min} to {max}"));
                }
                (Some(min), None) if number < min => return Err(format!("it is a number of at least {min}")),
                (None, Some(max)) if number > max => return Err(format!("it is a number of at most {max}")),
                _ => {}
            }
        }
        let length = value.chars().count();
        let constraint = |rule: String| self.constraint.clone().unwrap_or(rule);
        if self.min_length.is_some_and(|min| length < min) {
            return Err(constraint(format!("it has at least {} characters", self.min_length.unwrap_or_default())));
        }
        if self.max_length.is_some_and(|max| length > max) {
            return Err(constraint(format!("it has at most {} characters", self.max_length.unwrap_or_default())));
        }
        match &self.pattern {
            Some(pattern) if !pattern.is_match(value) => Err(constraint(format!("it matches {pattern}"))),
            _ => Ok(()),
        }
    }
}

fn declared(template: &str) -> Vec<Declared> {
    let documents = Yaml::load_from_str(template).unwrap_or_default();
    let Some(parameters) = documents.first().and_then(|document| document.as_mapping_get("Parameters")) else {
        return Vec::new();
    };
    let Some(parameters) = parameters.as_mapping() else { return Vec::new() };
    parameters
        .iter()
        .filter_map(|(name, body)| {
            let text = |key: &str| body.as_mapping_get(key).and_then(scalar_text);
            let number = |key: &str| text(key).and_then(|text| text.parse::<f64>().ok());
            let length = |key: &str| text(key).and_then(|text| text.parse::<usize>().ok());
            let allowed = body.as_mapping_get("AllowedValues").and_then(|list| list.as_sequence());
            Some(Declared {
                name: name.as_str()?.to_owned(),
                number: text("Type").as_deref() == Some("Number"),
                default: text("Default"),
                allowed: allowed.map(|list| list.iter().filter_map(scalar_text).collect()).unwrap_or_default(),
                min: number("MinValue"),
                max: number("MaxValue"),
                min_length: length("MinLength"),
                max_length: length("MaxLength"),
                pattern: text("AllowedPattern").and_then(|pattern| Regex::new(&pattern).ok()),
                constraint: text("ConstraintDescription"),
            })
        })
        .collect()
}

fn scalar_text(node: &Yaml<'_>) -> Option<String> {
    node.as_str()
        .map(str::to_owned)
        .or_else(|| node.as_integer().map(|number| number.to_string()))
        .or_else(|| node.as_floating_point().map(|number| number.to_string()))
        .or_else(|| node.as_bool().map(|flag| flag.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, value: &str) -> Result<(), ParameterError> {
        check_parameters(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn the_bundled_template_is_read() {
        assert_eq!(default_of("StreamName").as_deref(), Some("api-kinesis-stream"));
        assert_eq!(default_of("ThrottleRate").as_deref(), Some("50"));
        assert!(DECLARED.len() >= 18);
        assert!(TEMPLATE.len() < 51_200);
    }

    #[test]
    fn values_are_checked_before_any_call() {
        assert!(check("BufferIntervalSeconds", "0").is_ok());
        assert!(check("LogRetentionDays", "14").is_ok());
        for (name, value) in [
            ("BufferIntervalSeconds", "901"),
            ("BufferIntervalSeconds", "soon"),
            ("LogRetentionDays", "8"),
            ("AuthMode", "none"),
            ("StreamName", "no spaces"),
            ("BucketBaseName", "UPPER"),
            ("PartitionKeyPointer", "user_id"),
        ] {
            assert!(matches!(check(name, value), Err(ParameterError::Value { .. })), "{name}={value}");
        }
        let unknown = check("Throttle", "1").expect_err("unknown");
        assert!(unknown.to_string().contains("ThrottleRate"));
    }
}
