//! One role, and its shape in IAM's answers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::policy::TrustPolicy;

/// What RFC 3986 leaves as it is; IAM encodes the rest of a policy document in its answers.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A role of the account.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub name: String,
    /// `/`, or `/like/this/`.
    pub path: String,
    /// `AROA` and 17 letters.
    pub id: String,
    pub arn: String,
    pub created: Timestamp,
    pub trust: TrustPolicy,
    pub description: Option<String>,
    pub max_session_seconds: i64,
    /// The ARN of a managed policy.
    pub permissions_boundary: Option<String>,
    pub tags: BTreeMap<String, String>,
    /// Inline policies as they were given, by name.
    pub inline: BTreeMap<String, String>,
    /// ARNs of managed policies, in the order of attachment.
    pub attached: Vec<String>,
}

impl Role {
    /// The role as `CreateRole` and `ListRoles` give it; `GetRole` adds when it was last used, the
    /// boundary and the tags.
    pub fn shape(&self) -> Map<String, Value> {
        let mut shape = Map::new();
        shape.insert("Path".into(), self.path.as_str().into());
        shape.insert("RoleName".into(), self.name.as_str().into());
        shape.insert("RoleId".into(), self.id.as_str().into());
        shape.insert("Arn".into(), self.arn.as_str().into());
        shape.insert("CreateDate".into(), self.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into());
        shape.insert("AssumeRolePolicyDocument".into(), encoded(self.trust.text()).into());
        if let Some(description) = &self.description {
            shape.insert("Description".into(), description.as_str().into());
        }
        shape.insert("MaxSessionDuration".into(), self.max_session_seconds.into());
        shape
    }

    /// [`Self::shape`] with the boundary and the tags, where there are any.
    pub fn full_shape(&self) -> Map<String, Value> {
        let mut shape = self.shape();
        if let Some(arn) = &self.permissions_boundary {
            shape.insert(
                "PermissionsBoundary".into(),
                json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}),
            );
        }
        if !self.tags.is_empty() {
            shape.insert("Tags".into(), self.tag_list());
        }
        shape
    }

    /// The tags as a list of `Key` and `Value`.
    pub fn tag_list(&self) -> Value {
        self.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
    }
}

/// A policy document as IAM's answers carry it.
pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, ENCODED).to_string()
}
