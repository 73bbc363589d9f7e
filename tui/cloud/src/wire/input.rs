//! An operation's input, member by member: what nobody asked for is refused by name.

use serde_json::{Map, Value};

use super::error::{ServiceError, ServiceResult};

/// An operation's input. A service takes the members it acts on and ends with [`Input::finish`],
/// which refuses what is left.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    operation: String,
    members: Map<String, Value>,
}

impl Input {
    /// The input of `operation`; `null` is an empty one.
    pub fn new(operation: &str, value: Value) -> ServiceResult<Self> {
        let members = match value {
            Value::Object(members) => members,
            Value::Null => Map::new(),
            _ => {
                return Err(ServiceError::bad_request(
                    "SerializationException",
                    format!("The input of {operation} must be a JSON object."),
                ));
            }
        };
        Ok(Self { operation: operation.to_owned(), members })
    }

    /// Every member that is left, for a service that checks them with rules of its own.
    pub fn into_members(self) -> Map<String, Value> {
        self.members
    }

    /// The operation's name.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Takes a member, `None` where it is absent or null.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// Looks at a member without taking it.
    pub fn peek(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// Takes a string.
    pub fn string(&mut self, name: &str) -> ServiceResult<Option<String>> {
        self.take(name)
            .map(|value| match value {
                Value::String(text) => Ok(text),
                Value::Number(number) => Ok(number.to_string()),
                Value::Bool(flag) => Ok(flag.to_string()),
                _ => Err(self.wrong_type(name, "a string")),
            })
            .transpose()
    }

    /// Takes a string that must be there and not be empty.
    pub fn required(&mut self, name: &str) -> ServiceResult<String> {
        self.string(name)?.filter(|text| !text.is_empty()).ok_or_else(|| {
            ServiceError::bad_request(
                "ValidationException",
                format!(
                    "1 validation error detected: Value null at '{}' failed to satisfy constraint: \
                     Member must not be null",
                    lower_first(name)
                ),
            )
        })
    }

    /// Takes a whole number; text that is one counts, since the query protocol has only text.
    pub fn integer(&mut self, name: &str) -> ServiceResult<Option<i64>> {
        self.take(name)
            .map(|value| match &value {
                Value::Number(number) => number
                    .as_i64()
                    .or_else(|| number.as_f64().filter(|float| float.fract() == 0.0).and_then(whole))
                    .ok_or_else(|| self.wrong_type(name, "a whole number")),
                Value::String(text) => text.trim().parse().map_err(|_| self.wrong_type(name, "a whole number")),
                _ => Err(self.wrong_type(name, "a whole number")),
            })
            .transpose()
    }

    /// Takes how many of a list are wanted, between 1 and `at_most`; refused in AWS's words otherwise.
    pub fn limit(&mut self, name: &str, at_most: usize) -> ServiceResult<Option<usize>> {
        let Some(wanted) = self.integer(name)? else { return Ok(None) };
        let bound = match usize::try_from(wanted) {
            Ok(count) if (1..=at_most).contains(&count) => return Ok(Some(count)),
            Ok(1..) => format!("less than or equal to {at_most}"),
            _ => "greater than or equal to 1".to_owned(),
        };
        Err(ServiceError::bad_request(
            "ValidationException",
            format!(
                "1 validation error detected: Value '{wanted}' at '{}' failed to satisfy constraint: Member must have \
                 value {bound}",
                lower_first(name)
            ),
        ))
    }

    /// Takes a boolean; the texts `true` and `false` count.
    pub fn boolean(&mut self, name: &str) -> ServiceResult<Option<bool>> {
        self.take(name)
            .map(|value| match &value {
                Value::Bool(flag) => Ok(*flag),
                Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
                Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
                _ => Err(self.wrong_type(name, "true or false")),
            })
            .transpose()
    }

    /// Takes a list, empty where it is absent.
    pub fn list(&mut self, name: &str) -> ServiceResult<Vec<Value>> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(self.wrong_type(name, "a list")),
        }
    }

    /// Takes a list of strings, empty where it is absent.
    pub fn strings(&mut self, name: &str) -> ServiceResult<Vec<String>> {
        self.list(name)?
            .into_iter()
            .map(|item| match item {
                Value::String(text) => Ok(text),
                _ => Err(self.wrong_type(name, "a list of strings")),
            })
            .collect()
    }

    /// Takes a member that is itself a structure.
    pub fn structure(&mut self, name: &str) -> ServiceResult<Option<Input>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(members)) => {
                Ok(Some(Input { operation: format!("{}.{name}", self.operation), members }))
            }
            Some(_) => Err(self.wrong_type(name, "a structure")),
        }
    }

    /// Takes a map from strings to strings, empty where it is absent.
    pub fn string_map(&mut self, name: &str) -> ServiceResult<std::collections::BTreeMap<String, String>> {
        match self.take(name) {
            None => Ok(std::collections::BTreeMap::new()),
            Some(Value::Object(members)) => members
                .into_iter()
                .map(|(key, value)| match value {
                    Value::String(text) => Ok((key, text)),
                    _ => Err(self.wrong_type(name, "a map of strings")),
                })
                .collect(),
            Some(_) => Err(self.wrong_type(name, "a map of strings")),
        }
    }

    /// Drops a member that changes nothing here, such as an idempotency token. Say why at the call.
    pub fn ignore(&mut self, name: &str) {
        self.members.remove(name);
    }

    /// Ends the taking: a member that is left is one that this cloud does not act on.
    pub fn finish(self) -> ServiceResult<()> {
        match self.members.iter().find(|(_, value)| !value.is_null()) {
            None => Ok(()),
            Some((name, _)) => Err(ServiceError::unsupported_member(&self.operation, name)),
        }
    }

    fn wrong_type(&self, name: &str, wanted: &str) -> ServiceError {
        ServiceError::bad_request("SerializationException", format!("{} of {} must be {wanted}.", name, self.operation))
    }
}

fn whole(number: f64) -> Option<i64> {
    format!("{number:.0}").parse().ok()
}

/// AWS names members in validation messages with a small first letter.
pub(crate) fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
