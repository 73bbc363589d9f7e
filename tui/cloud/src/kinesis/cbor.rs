//! AWS's CBOR protocol, which the SDK for Java speaks with Kinesis: JSON's shapes, with bytes as
//! bytes and times in milliseconds.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value};

/// The media type of this protocol.
pub(super) const CONTENT_TYPE: &str = "application/x-amz-cbor-1.1";
/// Members that are bytes.
const BYTES: &[&str] = &["Data"];
/// Members that are times.
const TIMES: &[&str] =
    &["ApproximateArrivalTimestamp", "ConsumerCreationTimestamp", "StreamCreationTimestamp", "Timestamp"];

/// Reads an input; `None` where it is no CBOR map.
pub(super) fn decode(bytes: &[u8]) -> Option<Map<String, Value>> {
    match to_json(ciborium::from_reader(bytes).ok()?, "") {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// Writes an output.
pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing into memory does not fail.
    let _ = ciborium::into_writer(&from_json(value, ""), &mut bytes);
    bytes
}

fn to_json(value: Cbor, member: &str) -> Value {
    match value {
        Cbor::Bool(flag) => flag.into(),
        Cbor::Integer(number) => {
            let number = i128::from(number);
            if TIMES.contains(&member) {
                #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in a double")]
                let seconds = number as f64 / 1000.0;
                Number::from_f64(seconds).map_or(Value::Null, Value::Number)
            } else {
                i64::try_from(number).map_or(Value::Null, Value::from)
            }
        }
        Cbor::Float(number) => {
            let number = if TIMES.contains(&member) { number / 1000.0 } else { number };
            Number::from_f64(number).map_or(Value::Null, Value::Number)
        }
        Cbor::Text(text) => text.into(),
        Cbor::Bytes(bytes) => BASE64.encode(bytes).into(),
        Cbor::Array(items) => items.into_iter().map(|item| to_json(item, member)).collect(),
        Cbor::Map(members) => Value::Object(
            members
                .into_iter()
                .filter_map(|(name, value)| {
                    let name = name.into_text().ok()?;
                    let value = to_json(value, &name);
                    Some((name, value))
                })
                .collect(),
        ),
        Cbor::Tag(_, inner) => to_json(*inner, member),
        _ => Value::Null,
    }
}

fn from_json(value: &Value, member: &str) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(flag) => Cbor::Bool(*flag),
        Value::Number(number) if TIMES.contains(&member) => {
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
            let milliseconds = (number.as_f64().unwrap_or_default() * 1000.0).round() as i64;
            Cbor::Integer(milliseconds.into())
        }
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Cbor::Integer(whole.into()),
            None => Cbor::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) if BYTES.contains(&member) => match BASE64.decode(text) {
            Ok(bytes) => Cbor::Bytes(bytes),
            Err(_) => Cbor::Text(text.clone()),
        },
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(items) => Cbor::Array(items.iter().map(|item| from_json(item, member)).collect()),
        Value::Object(members) => {
            Cbor::Map(members.iter().map(|(name, value)| (Cbor::Text(name.clone()), from_json(value, name))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_and_times_have_their_own_forms() {
        let value = json!({"Records": [{"Data": "aGk=", "ApproximateArrivalTimestamp": 1.25, "PartitionKey": "k"}]});
        let bytes = encode(&value);
        let Cbor::Map(members) = ciborium::from_reader(&bytes[..]).unwrap() else { panic!("a map") };
        let Cbor::Array(records) = &members[0].1 else { panic!("a list") };
        let Cbor::Map(record) = &records[0] else { panic!("a map") };
        assert_eq!(record[0].1, Cbor::Bytes(b"hi".to_vec()));
        assert_eq!(record[1].1, Cbor::Integer(1250.into()));
        assert_eq!(Value::Object(decode(&bytes).unwrap()), value);
    }
}
