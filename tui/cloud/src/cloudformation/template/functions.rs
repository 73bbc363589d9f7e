//! The shape of every intrinsic function in a template, checked before anything is evaluated.

use serde_json::Value;

use super::invalid;
use crate::wire::ServiceResult;

pub(super) const GET_ATT: &str = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource \
     attribute";
pub(super) const EQUALS: &str = "Template error: every Fn::Equals object requires a list of 2 string parameters.";
pub(super) const SELECT: &str =
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a list";
pub(super) const SPLIT: &str = "Template error: every Fn::Split object requires two parameters, (1) a string \
                                delimiter and (2) a string to be split or a function that returns a string to be \
                                split.";
pub(super) const JOIN: &str = "Template error: every Fn::Join object requires two parameters, (1) a string delimiter \
                               and (2) a list of strings to be joined or a function that returns a list of strings \
                               (such as Fn::GetAZs) to be joined.";
pub(super) const FIND_IN_MAP: &str = "Template error: every Fn::FindInMap object requires three parameters, the map \
                                      name, map key and the attribute for return value";
pub(super) const SUB: &str = "Template error: One or more Fn::Sub intrinsic functions don't specify expected \
                              arguments. Specify a string as first argument, and an optional second argument to \
                              specify a mapping of values to replace in the string";
pub(super) const SUB_NAME: &str = "Template error: variable names in Fn::Sub syntax must contain only alphanumeric \
                                   characters, underscores, periods, and colons";
pub(super) const BASE64: &str = "Template error: every Fn::Base64 object must have a String-typed value.";
pub(super) const REF: &str = "Template error: every Ref object must have a single String value.";
pub(super) const IF: &str = "Template error: Fn::If requires a list argument with three elements";
pub(super) const NOT: &str = "Template error: Fn::Not requires a list argument with one function token";

/// The function that an object is, and its argument: `{"Ref": …}`, `{"Fn::…": …}`.
pub(super) fn function(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let (name, argument) = members.iter().next()?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

/// Checks every function in a value.
pub(super) fn check(value: &Value) -> ServiceResult<()> {
    if let Some((name, argument)) = function(value) {
        check_one(name, argument)?;
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(members) => members.values().try_for_each(check),
        _ => Ok(()),
    }
}

fn check_one(name: &str, argument: &Value) -> ServiceResult<()> {
    let list = argument.as_array().map(Vec::as_slice);
    let is_text = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    // What gives text or a list only when it is evaluated.
    let is_function = |value: &Value| value.is_object();
    let (sound, message) = match name {
        "Ref" => (argument.as_str().is_some_and(|name| !name.is_empty()), REF),
        "Fn::GetAtt" => (get_att(argument).is_some(), GET_ATT),
        "Fn::Equals" => (
            list.is_some_and(|list| list.len() == 2 && list.iter().all(|item| is_text(item) || is_function(item))),
            EQUALS,
        ),
        "Fn::Select" => (
            list.is_some_and(|list| {
                list.len() == 2
                    && (is_function(&list[0]) || index(&list[0]).is_some())
                    && (list[1].is_array() || is_function(&list[1]))
            }),
            SELECT,
        ),
        "Fn::Split" => (
            list.is_some_and(|list| {
                list.len() == 2 && list[0].is_string() && (is_text(&list[1]) || is_function(&list[1]))
            }),
            SPLIT,
        ),
        "Fn::Join" => (
            list.is_some_and(|list| {
                list.len() == 2 && list[0].is_string() && (list[1].is_array() || is_function(&list[1]))
            }),
            JOIN,
        ),
        "Fn::FindInMap" => (
            list.is_some_and(|list| list.len() == 3 && list.iter().all(|item| is_text(item) || is_function(item))),
            FIND_IN_MAP,
        ),
        "Fn::Sub" => (sub(argument).is_some(), SUB),
        "Fn::Base64" => (is_text(argument) || is_function(argument), BASE64),
        "Fn::GetAZs" => {
            (argument.is_string() || is_function(argument), "Template error: Fn::GetAZs requires a region name.")
        }
        "Fn::If" => (list.is_some_and(|list| list.len() == 3 && list[0].is_string()), IF),
        "Fn::And" | "Fn::Or" => {
            if list.is_some_and(|list| (2..=10).contains(&list.len())) {
                return Ok(());
            }
            return Err(invalid(format!(
                "Template error: every {name} object requires a list of at least 2 and at most 10 boolean parameters."
            )));
        }
        "Fn::Not" => (list.is_some_and(|list| list.len() == 1), NOT),
        _ => {
            return Err(invalid(format!(
                "Template error: the embedded cloud does not support the intrinsic function {name}."
            )));
        }
    };
    if sound { Ok(()) } else { Err(invalid(message)) }
}

/// Resource and attribute of a `Fn::GetAtt`. JSON templates may write `"A.B"` too.
pub(super) fn get_att(argument: &Value) -> Option<(&str, &Value)> {
    match argument {
        Value::Array(parts) => {
            let [resource, attribute] = parts.as_slice() else { return None };
            let resource = resource.as_str().filter(|name| !name.is_empty())?;
            let sound = match attribute {
                Value::String(name) => !name.is_empty(),
                other => other.is_object(),
            };
            sound.then_some((resource, attribute))
        }
        _ => None,
    }
}

/// The text of a `Fn::Sub` and its own variables.
pub(super) fn sub(argument: &Value) -> Option<(&str, Option<&serde_json::Map<String, Value>>)> {
    match argument {
        Value::String(text) => Some((text, None)),
        Value::Array(parts) => match parts.as_slice() {
            [Value::String(text), Value::Object(variables)] => Some((text, Some(variables))),
            _ => None,
        },
        _ => None,
    }
}

/// An index of `Fn::Select`: a number, or text that is one.
pub(super) fn index(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|index| usize::try_from(index).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A piece of a `Fn::Sub` text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    /// `${Name}` or `${Name.Attribute}`.
    Variable(&'a str),
}

/// Takes a `Fn::Sub` text apart. `${!Literal}` is the text `${Literal}`.
pub(super) fn pieces(text: &str) -> ServiceResult<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let name = &rest[start + 2..start + length];
        pieces.push(Piece::Text(&rest[..start]));
        if let Some(literal) = name.strip_prefix('!') {
            pieces.push(Piece::Text("${"));
            pieces.push(Piece::Text(literal));
            pieces.push(Piece::Text("}"));
        } else {
            let name = name.trim();
            let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_.:".contains(letter);
            if name.is_empty() || !name.chars().all(allowed) {
                return Err(invalid(SUB_NAME));
            }
            pieces.push(Piece::Variable(name));
        }
        rest = &rest[start + length + 1..];
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    Ok(pieces)
}
