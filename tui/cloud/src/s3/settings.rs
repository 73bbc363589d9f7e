//! The settings of a bucket: what may be set, what is shown, what a new bucket has.

use s3s::dto;
use serde_json::Value;

use super::{
    BucketSettings,
    refusal::{access_denied, invalid_argument, malformed_xml, not_offered},
    store::Bucket,
    tags,
};
use crate::wire::{ServiceError, ServiceResult};

/// The largest policy of a bucket.
const LARGEST_POLICY_BYTES: usize = 20 * 1024;
/// The most rules of a lifecycle.
const MOST_RULES: usize = 1000;

/// What encrypts the objects of every bucket.
pub(super) fn default_encryption() -> dto::ServerSideEncryptionConfiguration {
    dto::ServerSideEncryptionConfiguration {
        rules: vec![dto::ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(dto::ServerSideEncryptionByDefault {
                kms_master_key_id: None,
                sse_algorithm: super::objects::encryption(),
            }),
            bucket_key_enabled: Some(false),
        }],
    }
}

/// The block of public access that every new bucket has.
pub(super) fn default_public_access_block() -> dto::PublicAccessBlockConfiguration {
    dto::PublicAccessBlockConfiguration {
        block_public_acls: Some(true),
        block_public_policy: Some(true),
        ignore_public_acls: Some(true),
        restrict_public_buckets: Some(true),
    }
}

/// The ownership of objects in every new bucket.
pub(super) fn default_ownership() -> dto::OwnershipControls {
    let enforced = dto::ObjectOwnership::from_static(dto::ObjectOwnership::BUCKET_OWNER_ENFORCED);
    dto::OwnershipControls { rules: vec![dto::OwnershipControlsRule { object_ownership: enforced }] }
}

/// The block of public access that holds; `None`: it was deleted.
pub(super) fn public_access_block(bucket: &Bucket) -> Option<dto::PublicAccessBlockConfiguration> {
    match &bucket.settings.public_access_block {
        None if bucket.public_access_block_deleted => None,
        None => Some(default_public_access_block()),
        Some(set) => Some(set.clone()),
    }
}

/// The ownership that holds; `None`: it was deleted.
pub(super) fn ownership(bucket: &Bucket) -> Option<dto::OwnershipControls> {
    match &bucket.settings.ownership {
        None if bucket.ownership_deleted => None,
        None => Some(default_ownership()),
        Some(set) => Some(set.clone()),
    }
}

/// Whether the bucket's owner owns every object, so that access control lists are off.
pub(super) fn lists_are_off(bucket: &Bucket) -> bool {
    let enforced = |rule: &dto::OwnershipControlsRule| {
        rule.object_ownership.as_str() == dto::ObjectOwnership::BUCKET_OWNER_ENFORCED
    };
    ownership(bucket).is_some_and(|controls| controls.rules.iter().any(enforced))
}

/// Refuses settings that S3 would not take or that this cloud does not act on.
pub(super) fn check(settings: &BucketSettings) -> ServiceResult<()> {
    if let Some(versioning) = &settings.versioning {
        check_versioning(versioning)?;
    }
    if let Some(encryption) = &settings.encryption {
        check_encryption(encryption)?;
    }
    if let Some(ownership) = &settings.ownership {
        check_ownership(ownership)?;
    }
    if let Some(lifecycle) = &settings.lifecycle {
        check_lifecycle(lifecycle)?;
    }
    tags::checked(settings.tags.clone(), tags::MOST_OF_BUCKET)?;
    Ok(())
}

/// Gives the rules of a lifecycle that have no name one, as S3 does.
pub(super) fn name_rules(settings: &mut BucketSettings) {
    for rule in settings.lifecycle.iter_mut().flat_map(|lifecycle| &mut lifecycle.rules) {
        rule.id.get_or_insert_with(|| super::store::new_id(48));
    }
}

pub(super) fn check_versioning(status: &dto::BucketVersioningStatus) -> ServiceResult<()> {
    match status.as_str() {
        dto::BucketVersioningStatus::ENABLED | dto::BucketVersioningStatus::SUSPENDED => Ok(()),
        _ => Err(malformed_xml()),
    }
}

pub(super) fn check_encryption(configuration: &dto::ServerSideEncryptionConfiguration) -> ServiceResult<()> {
    let [rule] = configuration.rules.as_slice() else { return Err(malformed_xml()) };
    let Some(default) = &rule.apply_server_side_encryption_by_default else { return Err(malformed_xml()) };
    match default.sse_algorithm.as_str() {
        dto::ServerSideEncryption::AES256 if default.kms_master_key_id.is_some() => Err(invalid_argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            "ApplyServerSideEncryptionByDefault",
            "AES256",
        )),
        dto::ServerSideEncryption::AES256 => Ok(()),
        other @ (dto::ServerSideEncryption::AWS_KMS | dto::ServerSideEncryption::AWS_KMS_DSSE) => {
            Err(not_offered(&format!("the SSEAlgorithm {other}: there is no KMS here")))
        }
        _ => Err(malformed_xml()),
    }
}

pub(super) fn check_ownership(controls: &dto::OwnershipControls) -> ServiceResult<()> {
    let [rule] = controls.rules.as_slice() else { return Err(malformed_xml()) };
    match rule.object_ownership.as_str() {
        dto::ObjectOwnership::BUCKET_OWNER_ENFORCED
        | dto::ObjectOwnership::BUCKET_OWNER_PREFERRED
        | dto::ObjectOwnership::OBJECT_WRITER => Ok(()),
        _ => Err(malformed_xml()),
    }
}

pub(super) fn check_lifecycle(configuration: &dto::BucketLifecycleConfiguration) -> ServiceResult<()> {
    let rules = &configuration.rules;
    if rules.is_empty() || rules.len() > MOST_RULES {
        return Err(malformed_xml());
    }
    for (index, rule) in rules.iter().enumerate() {
        check_rule(rule)?;
        if rule.id.is_some() && rules[..index].iter().any(|other| other.id == rule.id) {
            let id = rule.id.as_deref().unwrap_or_default();
            return Err(invalid_argument("Rule ID must be unique. Found same ID for more than one rule", "ID", id));
        }
    }
    Ok(())
}

fn check_rule(rule: &dto::LifecycleRule) -> ServiceResult<()> {
    if !matches!(rule.status.as_str(), dto::ExpirationStatus::ENABLED | dto::ExpirationStatus::DISABLED) {
        return Err(malformed_xml());
    }
    if rule.id.as_ref().is_some_and(|id| id.len() > 255) {
        return Err(invalid_argument("ID length should not exceed allowed limit of 255", "ID", ""));
    }
    if rule.transitions.as_ref().is_some_and(|all| !all.is_empty()) {
        return Err(not_offered("the member Transitions of a lifecycle rule"));
    }
    if rule.noncurrent_version_transitions.as_ref().is_some_and(|all| !all.is_empty()) {
        return Err(not_offered("the member NoncurrentVersionTransitions of a lifecycle rule"));
    }
    let days = [
        ("Expiration", rule.expiration.as_ref().and_then(|action| action.days)),
        ("NoncurrentVersionExpiration", rule.noncurrent_version_expiration.as_ref().and_then(|it| it.noncurrent_days)),
        (
            "AbortIncompleteMultipartUpload",
            rule.abort_incomplete_multipart_upload.as_ref().and_then(|action| action.days_after_initiation),
        ),
    ];
    for (action, days) in days {
        if let Some(days) = days.filter(|days| *days <= 0) {
            let words = format!("'Days' for {action} action must be a positive integer");
            return Err(invalid_argument(&words, "Days", &days.to_string()));
        }
    }
    let acts = rule.expiration.is_some()
        || rule.noncurrent_version_expiration.is_some()
        || rule.abort_incomplete_multipart_upload.is_some();
    if !acts {
        return Err(ServiceError::bad_request("InvalidRequest", "At least one action needs to be specified in a rule"));
    }
    Ok(())
}

/// Refuses what is no policy of this bucket.
pub(super) fn check_policy(bucket: &str, found: &Bucket, policy: &str) -> ServiceResult<()> {
    let malformed = |message: &str| ServiceError::bad_request("MalformedPolicy", message);
    if policy.len() > LARGEST_POLICY_BYTES {
        return Err(malformed("Policy exceeds the maximum allowed document size."));
    }
    if !policy.trim_start().starts_with('{') {
        return Err(malformed("Policies must be valid JSON and the first byte must be '{'"));
    }
    let document: Value = serde_json::from_str(policy).map_err(|_| malformed("This policy contains invalid Json"))?;
    match document.get("Version") {
        None => {}
        Some(Value::String(version)) if matches!(version.as_str(), "2012-10-17" | "2008-10-17") => {}
        Some(_) => return Err(malformed("The policy must contain a valid version string")),
    }
    let statements = match document.get("Statement") {
        Some(Value::Array(all)) if !all.is_empty() => all.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => return Err(malformed("Missing required field Statement")),
    };
    for statement in statements {
        check_statement(bucket, statement).map_err(|message| malformed(&message))?;
    }
    let blocks = public_access_block(found).and_then(|block| block.block_public_policy).unwrap_or_default();
    if blocks && statements.iter().any(is_public) {
        return Err(access_denied());
    }
    Ok(())
}

fn check_statement(bucket: &str, statement: &Value) -> Result<(), String> {
    match statement.get("Effect") {
        Some(Value::String(effect)) if matches!(effect.as_str(), "Allow" | "Deny") => {}
        Some(effect) => return Err(format!("Invalid effect : {}", effect.as_str().unwrap_or_default())),
        None => return Err("Missing required field Effect".to_owned()),
    }
    for [field, opposite] in [["Principal", "NotPrincipal"], ["Action", "NotAction"], ["Resource", "NotResource"]] {
        if statement.get(field).is_none() && statement.get(opposite).is_none() {
            return Err(format!("Missing required field {field}"));
        }
    }
    let whole = format!("arn:aws:s3:::{bucket}");
    let within = |resource: &str| {
        resource.strip_prefix(&whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest == "*")
    };
    let resources = statement.get("Resource").or_else(|| statement.get("NotResource"));
    let fits = match resources {
        Some(Value::String(resource)) => within(resource),
        Some(Value::Array(all)) => all.iter().all(|resource| resource.as_str().is_some_and(within)),
        _ => false,
    };
    if fits { Ok(()) } else { Err("Policy has invalid resource".to_owned()) }
}

/// Whether a statement lets everyone in.
fn is_public(statement: &Value) -> bool {
    let everyone = |principal: &Value| match principal {
        Value::String(name) => name == "*",
        Value::Object(kinds) => kinds.get("AWS").is_some_and(|names| match names {
            Value::Array(names) => names.iter().any(|name| name == "*"),
            name => name == "*",
        }),
        _ => false,
    };
    statement.get("Effect").is_some_and(|effect| effect == "Allow")
        && statement.get("Condition").is_none()
        && statement.get("Principal").is_some_and(everyone)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(policy: &str) -> String {
        let bucket = Bucket::default();
        check_policy("mine", &bucket, policy)
            .map_or_else(|error| format!("{}: {}", error.code, error.message), |()| "fine".to_owned())
    }

    #[test]
    fn a_policy_is_read_before_it_is_kept() {
        let statement = |effect: &str, principal: Value, resource: &str| {
            json!({"Version": "2012-10-17", "Statement": [
                {"Effect": effect, "Principal": principal, "Action": "s3:*", "Resource": resource}
            ]})
            .to_string()
        };
        assert_eq!(refusal(&statement("Deny", json!("*"), "arn:aws:s3:::mine/*")), "fine");
        assert_eq!(refusal(&statement("Allow", json!("*"), "arn:aws:s3:::mine/*")), "AccessDenied: Access Denied");
        assert_eq!(
            refusal(&statement("Deny", json!("*"), "arn:aws:s3:::mineral")),
            "MalformedPolicy: Policy has invalid resource"
        );
        assert_eq!(refusal("{"), "MalformedPolicy: This policy contains invalid Json");
        assert_eq!(refusal("{}"), "MalformedPolicy: Missing required field Statement");
        assert!(refusal("[]").contains("the first byte must be '{'"));
    }
}
