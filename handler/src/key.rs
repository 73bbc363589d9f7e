//! The partition key of a record, which chooses its shard.

use sha2::{Digest, Sha256};

use crate::pointer::{Pointer, string_text};

/// The longest partition key that Kinesis takes. Its unit is counted as UTF-16 code units, the
/// strictest reading of AWS's "256 Unicode characters": a key that passes it passes any other.
const MAX_KEY_UNITS: usize = 256;

/// The scalar that `pointer` names in `document` as text (a string's meaning, a number or a boolean
/// as written), its SHA-256 where it is longer than a key may be, or a random key where there is
/// none: no pointer, nothing there, an empty string, `null`, an array or an object.
pub(crate) fn partition_key(document: &[u8], pointer: Option<&Pointer>) -> String {
    let scalar = pointer.and_then(|pointer| pointer.find(document)).and_then(|value| match value.first()? {
        b'"' => Some(string_text(value)),
        b'{' | b'[' | b'n' => None,
        _ => Some(String::from_utf8_lossy(value)),
    });
    match scalar {
        Some(key) if key.encode_utf16().count() > MAX_KEY_UNITS => hex::encode(Sha256::digest(key.as_bytes())),
        Some(key) if !key.is_empty() => key.into_owned(),
        _ => uuid::Uuid::new_v4().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(document: &str) -> String {
        partition_key(document.as_bytes(), Some(&Pointer::parse("/id").unwrap()))
    }

    fn is_random(key: &str) -> bool {
        uuid::Uuid::parse_str(key).is_ok_and(|id| id.get_version_num() == 4)
    }

    #[test]
    fn a_scalar_is_the_key() {
        assert_eq!(key(r#"{"id":"a\tb"}"#), "a\tb");
        assert_eq!(key(r#"{"id":1.50}"#), "1.50");
        assert_eq!(key(r#"{"id":false}"#), "false");
    }

    #[test]
    fn anything_else_is_random() {
        for document in [r#"{"id":null}"#, r#"{"id":""}"#, r#"{"id":[1]}"#, r#"{"id":{}}"#, "{}", "1"] {
            assert!(is_random(&key(document)), "{document}");
        }
        assert!(is_random(&partition_key(br#"{"id":1}"#, None)));
        assert_ne!(key("{}"), key("{}"));
    }

    #[test]
    fn a_long_scalar_is_its_hash() {
        let document = |length| format!(r#"{{"id":"{}"}}"#, "é".repeat(length));
        assert_eq!(key(&document(256)), "é".repeat(256));
        assert_eq!(key(&document(257)), hex::encode(Sha256::digest("é".repeat(257))));
        // 129 characters that take two UTF-16 code units each.
        assert_eq!(key(&format!(r#"{{"id":"{}"}}"#, "😀".repeat(129))), hex::encode(Sha256::digest("😀".repeat(129))));
    }
}
