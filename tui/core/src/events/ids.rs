//! Identifiers that must not be mixed up.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The text as AWS writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

text_id! {
    /// The gateway's id of a request: `apigw-requestid`, `$context.requestId`.
    ApiRequestId
}
text_id! {
    /// Lambda's id of an invocation.
    LambdaRequestId
}
text_id! {
    /// A shard of a stream, `shardId-000000000000`.
    ShardId
}
text_id! {
    /// A record's place in its shard: a decimal number of up to 128 bits' worth of digits.
    SequenceNumber
}
text_id! {
    /// An object's key in its bucket.
    ObjectKey
}
text_id! {
    /// A CloudFormation stack's name.
    StackName
}

impl ShardId {
    /// The shard's number, as people call it: `0` for `shardId-000000000000`.
    pub fn number(&self) -> &str {
        let digits = self.0.strip_prefix("shardId-").unwrap_or(&self.0).trim_start_matches('0');
        if digits.is_empty() { "0" } else { digits }
    }
}

impl ApiRequestId {
    /// Whether a text has the form of one: 16 characters of base64.
    pub fn looks_like(text: &str) -> bool {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '+' | '/');
        text.len() == 16 && text.strip_suffix('=').is_some_and(|rest| rest.chars().all(letter))
    }
}

impl SequenceNumber {
    /// Whether a text has the form of one: Kinesis's have 56 digits.
    pub fn looks_like(text: &str) -> bool {
        text.len() >= 40 && text.chars().all(|letter| letter.is_ascii_digit())
    }
}

/// SHA-256 of a record's bytes, its newline included.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordHash(pub [u8; 32]);

impl RecordHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// From 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for RecordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for RecordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
