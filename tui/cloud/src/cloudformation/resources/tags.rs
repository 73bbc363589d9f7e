//! Tags, in the two shapes that resource types take them in.

use serde_json::{Map, Value};

use super::{Kind, property};

/// `[{"Key": …, "Value": …}]`.
pub(super) const TAG_LIST: Kind =
    Kind::List(&Kind::Object(&[property("Key", Kind::String).required(), property("Value", Kind::String).required()]));

/// The property `Tags` as a map, whichever shape it has.
pub(super) fn tag_map(properties: &Map<String, Value>) -> Map<String, Value> {
    match properties.get("Tags") {
        Some(Value::Object(tags)) => tags.clone(),
        Some(Value::Array(tags)) => {
            tags.iter().filter_map(|tag| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].clone()))).collect()
        }
        _ => Map::new(),
    }
}

/// Tags to set, and keys to remove, to get from one set of properties to another.
pub(super) fn tag_changes(before: &Map<String, Value>, after: &Map<String, Value>) -> (Map<String, Value>, Vec<Value>) {
    let (before, after) = (tag_map(before), tag_map(after));
    let removed = before.keys().filter(|key| !after.contains_key(*key)).map(|key| Value::from(key.as_str())).collect();
    let set = after.into_iter().filter(|(key, value)| before.get(key) != Some(value)).collect();
    (set, removed)
}

/// A map of tags as the list that some operations take.
pub(super) fn tag_list(tags: &Map<String, Value>) -> Value {
    tags.iter().map(|(key, value)| serde_json::json!({"Key": key, "Value": value})).collect()
}
