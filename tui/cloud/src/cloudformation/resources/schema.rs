//! Property schemas: what a resource type takes, of which type, and what a change of it means.

use serde_json::{Map, Number, Value, json};

use crate::cloudformation::template::UNKNOWN;

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    String,
    Integer,
    Number,
    Boolean,
    /// A document: an object, or text that holds one.
    Json,
    /// A map from names to texts.
    Map,
    List(&'static Kind),
    Object(&'static [Property]),
}

/// What a change of a property means for the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Update {
    /// The resource stays.
    InPlace,
    /// A new resource takes its place.
    Replacement,
}

/// One property.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Property {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub update: Update,
    /// `false`: AWS has it, this cloud does not act on it and refuses it by name.
    pub supported: bool,
}

/// A property that may change in place.
pub(crate) const fn property(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, required: false, update: Update::InPlace, supported: true }
}

/// A property of AWS's that this cloud does not act on.
pub(crate) const fn unsupported(name: &'static str) -> Property {
    Property { name, kind: Kind::Json, required: false, update: Update::InPlace, supported: false }
}

impl Property {
    /// It must be there.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// A change makes a new resource.
    pub const fn replaces(mut self) -> Self {
        self.update = Update::Replacement;
        self
    }
}

/// How a type takes tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tags {
    None,
    /// `[{"Key": …, "Value": …}]`.
    List,
    /// `{"key": "value"}`.
    Map,
}

/// A resource type.
#[derive(Debug)]
pub(crate) struct Schema {
    pub type_name: &'static str,
    pub properties: &'static [Property],
    /// What `Fn::GetAtt` takes.
    pub attributes: &'static [&'static str],
    /// Of its property `Tags`; the stack's tags join them.
    pub tags: Tags,
    /// What names a resource of this type, for `GetTemplateSummary`.
    pub identifiers: &'static [&'static str],
    /// The property that gives it a name of its own.
    pub name: Option<&'static str>,
}

impl Schema {
    /// A property by name.
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// Evaluated properties as the types of the schema, or what AWS says is wrong with them.
    pub fn accept(&self, logical_id: &str, properties: Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut trouble = Trouble::default();
        let accepted = object("#", self.properties, properties, &mut trouble);
        if !trouble.missing.is_empty() {
            let missing = trouble.missing.iter().map(|missing| {
                let Missing { path, name } = missing;
                format!("The property {{{}/{name}}} is required", &path[1..])
            });
            return Err(format!("Property validation failure: [{}]", missing.collect::<Vec<_>>().join(", ")));
        }
        if !trouble.wrong.is_empty() {
            let wrong: Vec<String> = trouble.wrong.iter().map(Wrong::told).collect();
            return Err(format!(
                "Properties validation failed for resource {logical_id} with message:\n{}",
                wrong.join("\n")
            ));
        }
        if let Some(name) = trouble.unsupported {
            return Err(format!("The embedded cloud does not support the property {name} of {}.", self.type_name));
        }
        Ok(accepted)
    }

    /// What an early validation finds wrong with properties: the path below them (`/Code/S3Key`, empty
    /// for the properties themselves), and what is wrong in the words of JSON schema.
    pub fn findings(&self, properties: &Map<String, Value>) -> Vec<(String, String)> {
        let mut trouble = Trouble::default();
        object("#", self.properties, properties.clone(), &mut trouble);
        let missing = trouble
            .missing
            .into_iter()
            .map(|Missing { path, name }| (path[1..].to_owned(), format!("'{name}' is a required property")));
        let wrong = trouble.wrong.into_iter().map(|wrong| match wrong {
            Wrong::Extraneous { path, name } => {
                let words = format!("Additional properties are not allowed ('{name}' was unexpected)");
                (format!("{}/{name}", &path[1..]), words)
            }
            Wrong::Type { path, expected, value, .. } => {
                let expected = match expected {
                    "JSONArray" => "array".to_owned(),
                    "JSONObject" => "object".to_owned(),
                    simple => simple.to_lowercase(),
                };
                (path[1..].to_owned(), format!("{value} is not of type '{expected}'"))
            }
        });
        let unsupported = trouble.unsupported.map(|name| {
            let words = format!("The embedded cloud does not support the property {name} of {}.", self.type_name);
            (format!("/{}", name.replace('.', "/")), words)
        });
        missing.chain(wrong).chain(unsupported).collect()
    }

    /// Lets the stack's tags join those of the resource, whose own win.
    pub fn join_tags(&self, properties: &mut Map<String, Value>, stack_tags: &[(String, String)]) {
        if stack_tags.is_empty() {
            return;
        }
        match self.tags {
            Tags::None => {}
            Tags::List => {
                let own = properties.entry("Tags").or_insert_with(|| json!([]));
                let Value::Array(own) = own else { return };
                for (key, value) in stack_tags {
                    if !own.iter().any(|tag| tag["Key"] == key.as_str()) {
                        own.push(json!({"Key": key, "Value": value}));
                    }
                }
            }
            Tags::Map => {
                let own = properties.entry("Tags").or_insert_with(|| json!({}));
                let Value::Object(own) = own else { return };
                for (key, value) in stack_tags {
                    own.entry(key.as_str()).or_insert_with(|| value.as_str().into());
                }
            }
        }
    }
}

/// A property that must be there. Paths begin with `#`, the properties themselves.
struct Missing {
    path: String,
    name: &'static str,
}

/// A property that must not be there, or not be this.
enum Wrong {
    Extraneous { path: String, name: String },
    Type { path: String, expected: &'static str, found: &'static str, value: String },
}

impl Wrong {
    fn told(&self) -> String {
        match self {
            Self::Extraneous { path, name } => format!("{path}: extraneous key [{name}] is not permitted"),
            Self::Type { path, expected, found, .. } => format!("{path}: expected type: {expected}, found: {found}"),
        }
    }
}

#[derive(Default)]
struct Trouble {
    missing: Vec<Missing>,
    wrong: Vec<Wrong>,
    unsupported: Option<String>,
}

fn object(
    path: &str,
    schema: &'static [Property],
    members: Map<String, Value>,
    trouble: &mut Trouble,
) -> Map<String, Value> {
    for property in schema.iter().filter(|property| property.required && !members.contains_key(property.name)) {
        trouble.missing.push(Missing { path: path.to_owned(), name: property.name });
    }
    let mut accepted = Map::new();
    for (name, value) in members {
        match schema.iter().find(|property| property.name == name) {
            None => trouble.wrong.push(Wrong::Extraneous { path: path.to_owned(), name }),
            Some(property) if !property.supported => {
                trouble.unsupported.get_or_insert_with(|| format!("{path}/{name}")[2..].replace('/', "."));
            }
            Some(property) => {
                let value = accept(&format!("{path}/{name}"), property.kind, value, trouble);
                accepted.insert(name, value);
            }
        }
    }
    accepted
}

fn accept(path: &str, kind: Kind, value: Value, trouble: &mut Trouble) -> Value {
    // In a plan what is not known yet may become anything.
    if value.as_str().is_some_and(|text| text.contains(UNKNOWN)) {
        return value;
    }
    let shown = value.to_string();
    let found = match &value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Number",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "JSONArray",
        Value::Object(_) => "JSONObject",
    };
    let expected = match (kind, value) {
        (Kind::String, value @ Value::String(_))
        | (Kind::Boolean, value @ Value::Bool(_))
        | (Kind::Json, value @ (Value::Object(_) | Value::String(_))) => return value,
        (Kind::String, Value::Number(number)) => return Value::String(number.to_string()),
        (Kind::String, Value::Bool(flag)) => return Value::String(flag.to_string()),
        (Kind::String, _) => "String",
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => return Value::Bool(true),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => return Value::Bool(false),
        (Kind::Boolean, _) => "Boolean",
        (Kind::Integer, value) => match whole(&value) {
            Some(number) => return Value::Number(number),
            None => "Integer",
        },
        (Kind::Number, value) => match fraction(&value) {
            Some(number) => return Value::Number(number),
            None => "Number",
        },
        (Kind::Map, Value::Object(members)) => {
            return Value::Object(
                members
                    .into_iter()
                    .map(|(name, value)| {
                        let value = accept(&format!("{path}/{name}"), Kind::String, value, trouble);
                        (name, value)
                    })
                    .collect(),
            );
        }
        (Kind::List(item), Value::Array(items)) => {
            return Value::Array(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(index, value)| accept(&format!("{path}/{index}"), *item, value, trouble))
                    .collect(),
            );
        }
        (Kind::List(_), _) => "JSONArray",
        (Kind::Object(schema), Value::Object(members)) => {
            return Value::Object(object(path, schema, members, trouble));
        }
        (Kind::Json | Kind::Map | Kind::Object(_), _) => "JSONObject",
    };
    trouble.wrong.push(Wrong::Type { path: path.to_owned(), expected, found, value: shown });
    Value::Null
}

fn whole(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) if !number.is_f64() => Some(number.clone()),
        Value::String(text) => text.trim().parse::<i64>().ok().map(Number::from),
        _ => None,
    }
}

fn fraction(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => {
            let text = text.trim();
            text.parse::<i64>().ok().map(Number::from).or_else(|| text.parse().ok().and_then(Number::from_f64))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THING: Schema = Schema {
        type_name: "Test::Thing",
        properties: &[
            property("Type", Kind::String).required().replaces(),
            property("Count", Kind::Integer),
            property("Rate", Kind::Number),
            property("On", Kind::Boolean),
            property("Inner", Kind::Object(&[property("Name", Kind::String).required(), unsupported("Rare")])),
            property(
                "Tags",
                Kind::List(&Kind::Object(&[
                    property("Key", Kind::String).required(),
                    property("Value", Kind::String).required(),
                ])),
            ),
        ],
        attributes: &[],
        tags: Tags::List,
        identifiers: &["Type"],
        name: None,
    };

    fn accept(value: Value) -> Result<Value, String> {
        let Value::Object(members) = value else { unreachable!("properties are an object") };
        THING.accept("X", members).map(Value::Object)
    }

    #[test]
    fn text_becomes_what_the_schema_wants() {
        assert_eq!(
            accept(json!({"Type": 5, "Count": "7", "Rate": "1.5", "On": "true"})),
            Ok(json!({"Type": "5", "Count": 7, "Rate": 1.5, "On": true}))
        );
    }

    #[test]
    fn trouble_is_told_in_awss_words() {
        let failed = |value| accept(value).unwrap_err();
        assert_eq!(failed(json!({})), "Property validation failure: [The property {/Type} is required]");
        assert_eq!(
            failed(json!({"Type": "a", "Inner": {}})),
            "Property validation failure: [The property {/Inner/Name} is required]"
        );
        assert_eq!(
            failed(json!({"Type": "a", "Foo": 1})),
            "Properties validation failed for resource X with message:\n#: extraneous key [Foo] is not permitted"
        );
        assert_eq!(
            failed(json!({"Type": "a", "Inner": {"Name": "n", "Foo": 1}})),
            "Properties validation failed for resource X with message:\n#/Inner: extraneous key [Foo] is not permitted"
        );
        assert_eq!(
            failed(json!({"Type": "a", "Count": "many"})),
            "Properties validation failed for resource X with message:\n#/Count: expected type: Integer, found: String"
        );
        assert_eq!(
            failed(json!({"Type": "a", "Inner": {"Name": "n", "Rare": 1}})),
            "The embedded cloud does not support the property Inner.Rare of Test::Thing."
        );
    }

    #[test]
    fn an_early_validation_names_the_place() {
        let found = |value: Value| {
            let Value::Object(members) = value else { unreachable!("properties are an object") };
            THING.findings(&members)
        };
        let wrong = json!({"Inner": {"Foo": 1}, "Count": "many", "Rate": UNKNOWN});
        let told: Vec<(String, String)> = found(wrong);
        let told: Vec<(&str, &str)> = told.iter().map(|(path, words)| (path.as_str(), words.as_str())).collect();
        assert_eq!(
            told,
            [
                ("", "'Type' is a required property"),
                ("/Inner", "'Name' is a required property"),
                ("/Inner/Foo", "Additional properties are not allowed ('Foo' was unexpected)"),
                ("/Count", "\"many\" is not of type 'integer'"),
            ]
        );
    }

    #[test]
    fn the_stacks_tags_join() {
        let mut properties = Map::new();
        properties.insert("Tags".into(), json!([{"Key": "a", "Value": "own"}]));
        THING.join_tags(&mut properties, &[("a".into(), "stack".into()), ("b".into(), "stack".into())]);
        assert_eq!(properties["Tags"], json!([{"Key": "a", "Value": "own"}, {"Key": "b", "Value": "stack"}]));
    }
}
