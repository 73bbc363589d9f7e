//! Template text into one JSON value: YAML's short forms (`!Ref`, `!Sub`, …) become the long ones
//! (`{"Ref": …}`, `{"Fn::Sub": …}`), so that nothing behind this file knows which it was.
//!
//! YAML is read event by event rather than through a tree of nodes: a template is a stranger's
//! text, and an own stack bounds how deep and how large it may grow.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use serde_json::{Map, Number, Value};

use super::invalid;
use crate::wire::{ServiceError, ServiceResult};

/// How deep a template may nest; deeper ones are refused as not well-formed.
const DEEPEST: usize = 100;
/// How many values a template may unfold into through its aliases.
const MOST_VALUES: usize = 200_000;

/// Reads a template, JSON or YAML. A refusal names the line and the column.
pub(crate) fn parse(text: &str) -> ServiceResult<Map<String, Value>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| {
            invalid(format!(
                "Template format error: JSON not well-formed. (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?
    } else {
        parse_yaml(text)?
    };
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(invalid("Template format error: unsupported structure.")),
    }
}

/// A collection that is still being filled.
struct Open {
    anchor: usize,
    tag: Option<String>,
    start: Marker,
    collection: Collection,
}

enum Collection {
    Sequence(Vec<Value>),
    Mapping { members: Map<String, Value>, key: Option<String> },
}

/// Builds the value of one YAML document.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: std::collections::HashMap<usize, Value>,
    values: usize,
    root: Option<Value>,
}

fn parse_yaml(text: &str) -> ServiceResult<Value> {
    let mut builder = Builder::default();
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| not_well_formed_scan(&error))?;
        let at = span.start;
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    return Err(not_well_formed(at));
                }
            }
            Event::Scalar(content, style, anchor, tag) => builder.scalar(content, style, anchor, tag.as_deref(), at)?,
            Event::SequenceStart(anchor, tag) => {
                builder.start(anchor, tag.as_deref(), at, Collection::Sequence(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                builder.start(anchor, tag.as_deref(), at, Collection::Mapping { members: Map::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.end()?,
            Event::Alias(anchor) => {
                let value = builder.anchors.get(&anchor).cloned().ok_or_else(|| not_well_formed(at))?;
                builder.values += count(&value);
                builder.add(value, at)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        if builder.values > MOST_VALUES {
            return Err(not_well_formed(at));
        }
    }
    Ok(builder.root.unwrap_or(Value::Null))
}

impl Builder {
    fn scalar(
        &mut self,
        content: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: Marker,
    ) -> ServiceResult<()> {
        let is_key =
            matches!(self.open.last().map(|open| &open.collection), Some(Collection::Mapping { key: None, .. }));
        let forced_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        let function = tag.filter(|tag| !tag.is_yaml_core_schema()).map(tag_name);
        let value = if is_key || function.is_some() || forced_text || style != ScalarStyle::Plain {
            Value::String(content.into_owned())
        } else {
            plain(content)
        };
        let value = match function {
            Some(function) => apply_tag(&function, value, at)?,
            None => value,
        };
        self.keep(anchor, &value);
        self.add(value, at)
    }

    fn start(&mut self, anchor: usize, tag: Option<&Tag>, start: Marker, collection: Collection) -> ServiceResult<()> {
        if self.open.len() >= DEEPEST {
            return Err(not_well_formed(start));
        }
        let tag = tag.filter(|tag| !tag.is_yaml_core_schema()).map(tag_name);
        self.open.push(Open { anchor, tag, start, collection });
        Ok(())
    }

    fn end(&mut self) -> ServiceResult<()> {
        let Some(Open { anchor, tag, start, collection }) = self.open.pop() else { return Ok(()) };
        let value = match collection {
            Collection::Sequence(items) => Value::Array(items),
            Collection::Mapping { mut members, .. } => {
                // In YAML `Fn::GetAtt: A.B` is as good as the list.
                if members.len() == 1
                    && let Some(Value::String(text)) = members.get("Fn::GetAtt")
                    && let Some((resource, attribute)) = text.split_once('.')
                {
                    let parts = Value::from(vec![resource, attribute]);
                    members.insert("Fn::GetAtt".into(), parts);
                }
                Value::Object(members)
            }
        };
        let value = match tag {
            Some(tag) => apply_tag(&tag, value, start)?,
            None => value,
        };
        self.keep(anchor, &value);
        self.add(value, start)
    }

    fn keep(&mut self, anchor: usize, value: &Value) {
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
    }

    fn add(&mut self, value: Value, at: Marker) -> ServiceResult<()> {
        self.values += 1;
        match self.open.last_mut().map(|open| &mut open.collection) {
            None => self.root = Some(value),
            Some(Collection::Sequence(items)) => items.push(value),
            Some(Collection::Mapping { members, key }) => match key.take() {
                None => {
                    let name = match value {
                        Value::String(name) => name,
                        Value::Number(number) => number.to_string(),
                        _ => return Err(not_well_formed(at)),
                    };
                    if members.contains_key(&name) {
                        return Err(not_well_formed(at));
                    }
                    *key = Some(name);
                }
                Some(name) => {
                    members.insert(name, value);
                }
            },
        }
        Ok(())
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

fn tag_name(tag: &Tag) -> String {
    format!("{}{}", tag.handle.trim_start_matches('!'), tag.suffix)
}

/// A plain scalar by YAML's core schema. Text that a number would not give back unchanged, such as
/// an account's `000000000000`, stays text.
fn plain(content: Cow<'_, str>) -> Value {
    match content.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if let Some(whole) = content.parse::<i64>().ok().filter(|whole| whole.to_string() == content.as_ref()) {
        return Value::from(whole);
    }
    let fraction = content.parse::<f64>().ok().filter(|_| content.contains('.')).and_then(Number::from_f64);
    match fraction.filter(|fraction| fraction.to_string() == content.as_ref()) {
        Some(fraction) => Value::Number(fraction),
        None => Value::String(content.into_owned()),
    }
}

/// The long form of a short one.
fn apply_tag(tag: &str, value: Value, at: Marker) -> ServiceResult<Value> {
    let name = match tag {
        "Ref" => "Ref".to_owned(),
        "Condition" => "Condition".to_owned(),
        "GetAtt" => {
            // `!GetAtt A.B.C`: the first dot parts resource and attribute.
            let value = match value {
                Value::String(text) => match text.split_once('.') {
                    Some((resource, attribute)) => Value::from(vec![resource.to_owned(), attribute.to_owned()]),
                    None => Value::String(text),
                },
                other => other,
            };
            return Ok(single("Fn::GetAtt", value));
        }
        "And" | "Base64" | "Cidr" | "Equals" | "FindInMap" | "ForEach" | "GetAZs" | "If" | "ImportValue" | "Join"
        | "Length" | "Not" | "Or" | "Select" | "Split" | "Sub" | "ToJsonString" | "Transform" => format!("Fn::{tag}"),
        _ => {
            return Err(invalid(format!(
                "Template format error: YAML not well-formed: the tag !{tag} is unknown. (line {}, column {})",
                at.line(),
                at.col() + 1
            )));
        }
    };
    Ok(single(&name, value))
}

fn single(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

fn not_well_formed(at: Marker) -> ServiceError {
    invalid(format!("Template format error: YAML not well-formed. (line {}, column {})", at.line(), at.col() + 1))
}

fn not_well_formed_scan(error: &ScanError) -> ServiceError {
    not_well_formed(*error.marker())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn short_forms_become_long_ones() {
        let text = "A: !Ref B\nC: !GetAtt D.E.F\nG: !Sub ['${x}', {x: !Ref Y}]\nH: !If [c, 1, !Ref AWS::NoValue]\n";
        assert_eq!(
            Value::Object(parse(text).unwrap()),
            json!({
                "A": {"Ref": "B"},
                "C": {"Fn::GetAtt": ["D", "E.F"]},
                "G": {"Fn::Sub": ["${x}", {"x": {"Ref": "Y"}}]},
                "H": {"Fn::If": ["c", 1, {"Ref": "AWS::NoValue"}]},
            })
        );
    }

    #[test]
    fn scalars_keep_what_a_number_would_lose() {
        let text = "a: 000000000000\nb: 1.10\nc: 1.5\nd: 2012-10-17\ne: '7'\nf: yes\ng: 12\nh: |\n  x\n  y\ni:\n";
        assert_eq!(
            Value::Object(parse(text).unwrap()),
            json!({"a": "000000000000", "b": "1.10", "c": 1.5, "d": "2012-10-17", "e": "7", "f": "yes", "g": 12,
                "h": "x\ny\n", "i": null})
        );
    }

    #[test]
    fn anchors_are_followed_and_bounded() {
        assert_eq!(Value::Object(parse("a: &x {b: 1}\nc: *x\n").unwrap()), json!({"a": {"b": 1}, "c": {"b": 1}}));
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..10 {
            let below = level - 1;
            let aliases = [format!("*a{below}").as_str(); 10].join(",");
            bomb = format!("{bomb}a{level}: &a{level} [{aliases}]\n");
        }
        assert!(parse(&bomb).is_err());
    }

    #[test]
    fn trouble_names_its_place() {
        let message = |text: &str| parse(text).unwrap_err().message;
        assert_eq!(message("{\"a\": }"), "Template format error: JSON not well-formed. (line 1, column 7)");
        assert_eq!(message("a: 1\na: 2\n"), "Template format error: YAML not well-formed. (line 2, column 1)");
        assert_eq!(message("- a\n"), "Template format error: unsupported structure.");
        assert_eq!(message("text"), "Template format error: unsupported structure.");
        assert_eq!(message(""), "Template format error: unsupported structure.");
        assert!(message("a: !Foo b\n").contains("the tag !Foo is unknown. (line 1, column 4)"));
        assert!(message(&format!("a: {}", "[".repeat(20_000))).contains("not well-formed"));
        assert!(message(&format!("{{\"a\": {}", "[".repeat(20_000))).contains("not well-formed"));
    }
}
