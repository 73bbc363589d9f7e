//! The roles, and IAM's operations on them.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    Place,
    wire::{Input, ServiceError, ServiceResult},
};

use super::{
    keys::unique_id,
    managed,
    operations::not_offered,
    policy::{TrustPolicy, check_identity_policy},
    role::{Role, encoded},
};

/// `MaxSessionDuration` where none is given, in seconds.
const USUAL_SESSION_SECONDS: i64 = 3600;
/// The tags that a role may have.
const TAGS_AT_MOST: usize = 50;
/// The managed policies that may be attached to a role.
const ATTACHED_AT_MOST: usize = 10;
/// Characters of a role's inline policies together, without white space.
const INLINE_CHARACTERS_AT_MOST: usize = 10_240;
/// Items of a list where the caller does not say how many.
const USUAL_PAGE: usize = 100;

/// The roles by their names, which differ in more than case.
#[derive(Default)]
pub(super) struct Roles {
    by_name: BTreeMap<String, Role>,
}

/// What an operation gives.
pub(super) struct Answer {
    pub output: Value,
    /// The ARN of the role that the operation deleted.
    pub deleted_role: Option<String>,
}

impl From<Value> for Answer {
    fn from(output: Value) -> Self {
        Self { output, deleted_role: None }
    }
}

impl Roles {
    /// The role of this ARN.
    pub fn by_arn(&self, arn: &str) -> Option<&Role> {
        let role = self.by_name.get(&key_of(arn.rsplit('/').next()?))?;
        (role.arn == arn).then_some(role)
    }

    /// Carries out an operation of IAM.
    pub fn call(&mut self, place: &Place, operation: &str, mut input: Input) -> ServiceResult<Answer> {
        if !OFFERED.contains(&operation) {
            return Err(not_offered("IAM", operation));
        }
        if operation == "CreateRole" {
            return self.create(place, input).map(Answer::from);
        }
        if operation == "SimulatePrincipalPolicy" {
            return self.simulate(input).map(Answer::from);
        }
        if operation == "ListRoles" {
            return self.list(input).map(Answer::from);
        }
        let name = input.required("RoleName")?;
        check_name("roleName", &name, 64)?;
        if operation == "DeleteRole" {
            input.finish()?;
            return self.delete(&name);
        }
        let role = self.by_name.get_mut(&key_of(&name)).ok_or_else(|| no_such_role(&name))?;
        match operation {
            "GetRole" => get(role, input),
            "UpdateRole" => update(role, input),
            "UpdateRoleDescription" => {
                role.description = input.string("Description")?;
                input.finish()?;
                Ok(json!({"Role": role.full_shape()}))
            }
            "UpdateAssumeRolePolicy" => {
                let document = input.required("PolicyDocument")?;
                input.finish()?;
                role.trust = TrustPolicy::parse(&document)?;
                Ok(Value::Null)
            }
            "PutRolePolicy" => put_policy(role, input),
            "GetRolePolicy" => get_policy(role, input),
            "DeleteRolePolicy" => delete_policy(role, input),
            "ListRolePolicies" => {
                let (names, marker) = page(&mut input, role.inline.keys().cloned().collect(), Clone::clone)?;
                input.finish()?;
                Ok(with_marker(json!({"PolicyNames": names}), marker))
            }
            "AttachRolePolicy" => attach(role, input),
            "DetachRolePolicy" => detach(role, input),
            "ListAttachedRolePolicies" => list_attached(role, input),
            "TagRole" => tag(role, input),
            "UntagRole" => {
                for key in input.strings("TagKeys")? {
                    role.tags.remove(&key);
                }
                input.finish()?;
                Ok(Value::Null)
            }
            "ListRoleTags" => {
                let tags = role.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                let (tags, marker) = page(&mut input, tags, |(key, _)| key.clone())?;
                input.finish()?;
                let tags: Value = tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
                Ok(with_marker(json!({"Tags": tags}), marker))
            }
            "PutRolePermissionsBoundary" => {
                role.permissions_boundary = Some(boundary(input.required("PermissionsBoundary")?)?);
                input.finish()?;
                Ok(Value::Null)
            }
            "DeleteRolePermissionsBoundary" => {
                input.finish()?;
                role.permissions_boundary
                    .take()
                    .map(|_| Value::Null)
                    .ok_or_else(|| not_found(format!("Role {name} does not have a permissions boundary.")))
            }
            // There are no instances here, so no role is in a profile of one.
            "ListInstanceProfilesForRole" => {
                input.limit("MaxItems", 1000)?;
                input.ignore("Marker");
                input.finish()?;
                Ok(json!({"InstanceProfiles": [], "IsTruncated": false}))
            }
            _ => Err(not_offered("IAM", operation)),
        }
        .map(Answer::from)
    }

    fn create(&mut self, place: &Place, mut input: Input) -> ServiceResult {
        let name = input.required("RoleName")?;
        check_name("roleName", &name, 64)?;
        let path = input.string("Path")?.unwrap_or_else(|| "/".to_owned());
        check_path(&path)?;
        let document = input.required("AssumeRolePolicyDocument")?;
        let description = input.string("Description")?;
        let max_session_seconds = session_seconds(&mut input)?.unwrap_or(USUAL_SESSION_SECONDS);
        let permissions_boundary = input.string("PermissionsBoundary")?.map(boundary).transpose()?;
        let tags = tags(&mut input)?;
        input.finish()?;
        let trust = TrustPolicy::parse(&document)?;
        if self.by_name.contains_key(&key_of(&name)) {
            return Err(ServiceError::new(
                409,
                "EntityAlreadyExists",
                format!("Role with name {name} already exists."),
            ));
        }
        let role = Role {
            arn: format!("arn:aws:iam::{}:role{path}{name}", place.account_id),
            path,
            id: unique_id("AROA"),
            created: Timestamp::now(),
            trust,
            description,
            max_session_seconds,
            permissions_boundary,
            tags,
            inline: BTreeMap::new(),
            attached: Vec::new(),
            name,
        };
        let answer = json!({"Role": role.full_shape()});
        self.by_name.insert(key_of(&role.name), role);
        Ok(answer)
    }

    fn list(&self, mut input: Input) -> ServiceResult {
        let prefix = input.string("PathPrefix")?.unwrap_or_else(|| "/".to_owned());
        let roles = self.by_name.values().filter(|role| role.path.starts_with(&prefix)).collect();
        let (roles, marker) = page(&mut input, roles, |role| role.name.clone())?;
        input.finish()?;
        let roles: Value = roles.into_iter().map(|role| Value::Object(role.shape())).collect();
        Ok(with_marker(json!({"Roles": roles}), marker))
    }

    fn delete(&mut self, name: &str) -> ServiceResult<Answer> {
        let role = self.by_name.get(&key_of(name)).ok_or_else(|| no_such_role(name))?;
        let conflict = |what: &str| {
            Err(ServiceError::new(409, "DeleteConflict", format!("Cannot delete entity, must {what} first.")))
        };
        if !role.attached.is_empty() {
            return conflict("detach all policies");
        }
        if !role.inline.is_empty() {
            return conflict("delete policies");
        }
        let deleted_role = self.by_name.remove(&key_of(name)).map(|role| role.arn);
        Ok(Answer { output: Value::Null, deleted_role })
    }
}

/// The operations on roles that this cloud offers.
const OFFERED: &[&str] = &[
    "AttachRolePolicy",
    "CreateRole",
    "DeleteRole",
    "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "GetRole",
    "GetRolePolicy",
    "ListAttachedRolePolicies",
    "ListInstanceProfilesForRole",
    "ListRolePolicies",
    "ListRoleTags",
    "ListRoles",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "SimulatePrincipalPolicy",
    "TagRole",
    "UntagRole",
    "UpdateAssumeRolePolicy",
    "UpdateRole",
    "UpdateRoleDescription",
];

/// `NoSuchEntity` in IAM's words.
pub(super) fn no_such_role(name: &str) -> ServiceError {
    not_found(format!("The role with name {name} cannot be found."))
}

fn get(role: &Role, input: Input) -> ServiceResult {
    input.finish()?;
    let mut shape = role.full_shape();
    shape.insert("RoleLastUsed".into(), json!({}));
    Ok(json!({"Role": shape}))
}

fn update(role: &mut Role, mut input: Input) -> ServiceResult {
    let description = input.string("Description")?;
    let seconds = session_seconds(&mut input)?;
    input.finish()?;
    if let Some(description) = description {
        role.description = Some(description);
    }
    if let Some(seconds) = seconds {
        role.max_session_seconds = seconds;
    }
    Ok(json!({}))
}

fn put_policy(role: &mut Role, mut input: Input) -> ServiceResult {
    let name = input.required("PolicyName")?;
    check_name("policyName", &name, 128)?;
    let document = input.required("PolicyDocument")?;
    input.finish()?;
    check_identity_policy(&document)?;
    let size = |text: &str| text.chars().filter(|letter| !letter.is_whitespace()).count();
    let others: usize = role.inline.iter().filter(|(known, _)| **known != name).map(|(_, text)| size(text)).sum();
    if others + size(&document) > INLINE_CHARACTERS_AT_MOST {
        return Err(ServiceError::new(
            409,
            "LimitExceeded",
            format!("Maximum policy size of {INLINE_CHARACTERS_AT_MOST} bytes exceeded for role {}", role.name),
        ));
    }
    role.inline.insert(name, document);
    Ok(Value::Null)
}

fn get_policy(role: &Role, mut input: Input) -> ServiceResult {
    let name = input.required("PolicyName")?;
    input.finish()?;
    let document = role.inline.get(&name).ok_or_else(|| no_such_policy(&name))?;
    Ok(json!({"RoleName": role.name, "PolicyName": name, "PolicyDocument": encoded(document)}))
}

fn delete_policy(role: &mut Role, mut input: Input) -> ServiceResult {
    let name = input.required("PolicyName")?;
    input.finish()?;
    role.inline.remove(&name).map(|_| Value::Null).ok_or_else(|| no_such_policy(&name))
}

fn attach(role: &mut Role, mut input: Input) -> ServiceResult {
    let arn = policy_arn(&mut input)?;
    input.finish()?;
    if managed::policy_name(&arn).is_none() {
        return Err(not_found(format!("Policy {arn} does not exist or is not attachable.")));
    }
    if !role.attached.contains(&arn) {
        if role.attached.len() >= ATTACHED_AT_MOST {
            return Err(ServiceError::new(
                409,
                "LimitExceeded",
                format!("Cannot exceed quota for PoliciesPerRole: {ATTACHED_AT_MOST}"),
            ));
        }
        role.attached.push(arn);
    }
    Ok(Value::Null)
}

fn detach(role: &mut Role, mut input: Input) -> ServiceResult {
    let arn = policy_arn(&mut input)?;
    input.finish()?;
    let index = role
        .attached
        .iter()
        .position(|known| *known == arn)
        .ok_or_else(|| not_found(format!("Policy {arn} was not found.")))?;
    role.attached.remove(index);
    Ok(Value::Null)
}

fn list_attached(role: &Role, mut input: Input) -> ServiceResult {
    // Managed policies here are all under the root path or AWS's own; a narrower one is refused.
    if input.peek("PathPrefix").and_then(Value::as_str) == Some("/") {
        input.ignore("PathPrefix");
    }
    let (arns, marker) = page(&mut input, role.attached.clone(), Clone::clone)?;
    input.finish()?;
    let policies: Value = arns
        .iter()
        .filter_map(|arn| Some(json!({"PolicyName": managed::policy_name(arn)?, "PolicyArn": arn})))
        .collect();
    Ok(with_marker(json!({"AttachedPolicies": policies}), marker))
}

fn tag(role: &mut Role, mut input: Input) -> ServiceResult {
    let tags = tags(&mut input)?;
    input.finish()?;
    let fresh = tags.keys().filter(|key| !role.tags.contains_key(*key)).count();
    if role.tags.len() + fresh > TAGS_AT_MOST {
        return Err(too_many_tags());
    }
    role.tags.extend(tags);
    Ok(Value::Null)
}

fn tags(input: &mut Input) -> ServiceResult<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    for tag in input.list("Tags")? {
        let text = |name: &str| tag.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(key), Some(value)) = (text("Key").filter(|key| !key.is_empty()), text("Value")) else {
            return Err(ServiceError::bad_request("ValidationError", "Every tag needs a Key and a Value."));
        };
        if tags.insert(key, value).is_some() {
            return Err(ServiceError::bad_request(
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
    }
    if tags.len() > TAGS_AT_MOST { Err(too_many_tags()) } else { Ok(tags) }
}

fn too_many_tags() -> ServiceError {
    ServiceError::new(
        409,
        "LimitExceeded",
        format!("The number of tags has reached the maximum limit of {TAGS_AT_MOST}."),
    )
}

fn session_seconds(input: &mut Input) -> ServiceResult<Option<i64>> {
    let seconds = input.integer("MaxSessionDuration")?;
    let bound = |value: i64, which: &str, limit: i64| {
        ServiceError::bad_request(
            "ValidationError",
            format!(
                "1 validation error detected: Value '{value}' at 'maxSessionDuration' failed to satisfy constraint: \
                 Member must have value {which} than or equal to {limit}"
            ),
        )
    };
    match seconds {
        Some(value) if value < 3600 => Err(bound(value, "greater", 3600)),
        Some(value) if value > 43_200 => Err(bound(value, "less", 43_200)),
        seconds => Ok(seconds),
    }
}

fn boundary(arn: String) -> ServiceResult<String> {
    if managed::policy_name(&arn).is_none() {
        return Err(not_found(format!("Scope ARN: {arn} does not exist or is not attachable.")));
    }
    Ok(arn)
}

fn policy_arn(input: &mut Input) -> ServiceResult<String> {
    let arn = input.required("PolicyArn")?;
    if arn.starts_with("arn:") && arn.split(':').count() >= 6 {
        Ok(arn)
    } else {
        Err(ServiceError::bad_request("InvalidInput", format!("ARN {arn} is not valid.")))
    }
}

/// Names of roles and policies: word characters and `+=,.@-`.
fn check_name(member: &str, name: &str, at_most: usize) -> ServiceResult<()> {
    let refused = |constraint: String| {
        Err(ServiceError::bad_request(
            "ValidationError",
            format!(
                "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: {constraint}"
            ),
        ))
    };
    if name.chars().count() > at_most {
        return refused(format!("Member must have length less than or equal to {at_most}"));
    }
    if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter)) {
        return refused(r"Member must satisfy regular expression pattern: [\w+=,.@-]+".to_owned());
    }
    Ok(())
}

fn check_path(path: &str) -> ServiceResult<()> {
    if path.starts_with('/') && path.ends_with('/') && path.len() <= 512 && path.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(());
    }
    Err(ServiceError::bad_request(
        "ValidationError",
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
         characters and/or / characters.",
    ))
}

/// Role names are unique without regard to case.
fn key_of(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// One page of a list: `MaxItems` of what follows `Marker`, and where the next one begins.
pub(super) fn page<T>(
    input: &mut Input,
    items: Vec<T>,
    name: impl Fn(&T) -> String,
) -> ServiceResult<(Vec<T>, Option<String>)> {
    let at_most = input.limit("MaxItems", 1000)?.unwrap_or(USUAL_PAGE);
    let first = match input.string("Marker")? {
        None => 0,
        Some(marker) => items
            .iter()
            .position(|item| name(item) == marker)
            .ok_or_else(|| ServiceError::bad_request("ValidationError", "Invalid Marker."))?,
    };
    let mut items = items.into_iter().skip(first);
    let page: Vec<T> = items.by_ref().take(at_most).collect();
    Ok((page, items.next().map(|next| name(&next))))
}

pub(super) fn with_marker(mut answer: Value, marker: Option<String>) -> Value {
    answer["IsTruncated"] = marker.is_some().into();
    if let Some(marker) = marker {
        answer["Marker"] = marker.into();
    }
    answer
}

fn no_such_policy(name: &str) -> ServiceError {
    not_found(format!("The role policy with name {name} cannot be found."))
}

fn not_found(message: String) -> ServiceError {
    ServiceError::not_found("NoSuchEntity", message)
}
