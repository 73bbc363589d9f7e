//! Operations on log groups and their tags.

use serde_json::{Value, json};

use super::{Logs, bad_token, constraint, invalid, no_group, now_ms, store::Group, take_limit};
use crate::wire::{Input, ServiceError, ServiceResult};

/// The retentions that AWS offers, in days.
const RETENTION_DAYS: [i64; 23] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653, 3654];
/// Groups in a page.
const PAGE_GROUPS: usize = 50;
/// The longest name of a group or stream, in characters.
pub(super) const LONGEST_NAME: usize = 512;
/// The most tags of one group.
const MOST_TAGS: usize = 50;

impl Logs {
    pub(super) fn create_log_group(&self, mut input: Input) -> ServiceResult {
        let name = input.required("logGroupName")?;
        let tags = input.string_map("tags")?;
        take_standard_class(&mut input)?;
        input.finish()?;
        check_group_name(&name)?;
        if tags.len() > MOST_TAGS {
            return Err(constraint("tags", tags.len(), "Member must have length less than or equal to 50"));
        }
        let mut store = self.store();
        if store.groups.contains_key(&name) {
            return Err(ServiceError::bad_request(
                "ResourceAlreadyExistsException",
                "The specified log group already exists",
            ));
        }
        let mut group = Group::new(now_ms());
        group.tags = tags;
        store.groups.insert(name, group);
        Ok(Value::Null)
    }

    pub(super) fn delete_log_group(&self, mut input: Input) -> ServiceResult {
        let name = self.group_of(&input.required("logGroupName")?)?;
        input.finish()?;
        self.store().groups.remove(&name).ok_or_else(no_group)?;
        Ok(Value::Null)
    }

    pub(super) fn describe_log_groups(&self, mut input: Input) -> ServiceResult {
        let prefix = input.string("logGroupNamePrefix")?;
        let part = input.string("logGroupNamePattern")?;
        let only = input.strings("logGroupIdentifiers")?;
        let after = input.string("nextToken")?.map(|token| read_name_token(&token)).transpose()?;
        let limit = take_limit(&mut input, PAGE_GROUPS)?;
        take_standard_class(&mut input)?;
        // There are no linked accounts, so that including them changes nothing.
        input.ignore("includeLinkedAccounts");
        input.finish()?;
        if prefix.is_some() && part.is_some() {
            return Err(invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."));
        }
        let only: Vec<String> = only.iter().map(|name| self.group_of(name)).collect::<ServiceResult<_>>()?;
        let now = now_ms();
        let mut store = self.store();
        let mut names: Vec<String> = store
            .groups
            .keys()
            .filter(|name| after.as_ref().is_none_or(|after| *name > after))
            .filter(|name| prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix)))
            .filter(|name| part.as_ref().is_none_or(|part| name.contains(part)))
            .filter(|name| only.is_empty() || only.contains(name))
            .take(limit + 1)
            .cloned()
            .collect();
        let more = names.len() > limit;
        names.truncate(limit);
        let mut groups = Vec::with_capacity(names.len());
        for name in &names {
            let group = store.group(name, now)?;
            groups.push(self.describe_group(name, group));
        }
        let mut output = json!({ "logGroups": groups });
        if let Some(last) = names.last().filter(|_| more) {
            output["nextToken"] = name_token(last).into();
        }
        Ok(output)
    }

    /// AWS's members, and `letGoEvents`, which only this cloud has: how many events it no longer
    /// keeps, for want of room or because of their age.
    fn describe_group(&self, name: &str, group: &Group) -> Value {
        let arn = self.group_arn(name);
        let mut described = json!({
            "logGroupName": name,
            "creationTime": group.created_ms,
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "storedBytes": group.stored_bytes(),
            "logGroupClass": "STANDARD",
            "logGroupArn": arn,
            "letGoEvents": { "forRoom": group.let_go.for_room, "expired": group.let_go.expired },
        });
        if let Some(days) = group.retention_days {
            described["retentionInDays"] = days.into();
        }
        described
    }

    pub(super) fn put_retention_policy(&self, mut input: Input) -> ServiceResult {
        let name = self.group_of(&input.required("logGroupName")?)?;
        let days = input.integer("retentionInDays")?;
        input.finish()?;
        let days = days.ok_or_else(|| constraint("retentionInDays", "null", "Member must not be null"))?;
        if !RETENTION_DAYS.contains(&days) {
            return Err(constraint(
                "retentionInDays",
                days,
                &format!("Member must satisfy enum value set: {RETENTION_DAYS:?}"),
            ));
        }
        let now = now_ms();
        let mut store = self.store();
        store.group(&name, now)?.retention_days = Some(days);
        // What the new policy no longer keeps goes now.
        store.group(&name, now)?;
        Ok(Value::Null)
    }

    pub(super) fn delete_retention_policy(&self, mut input: Input) -> ServiceResult {
        let name = self.group_of(&input.required("logGroupName")?)?;
        input.finish()?;
        self.store().group(&name, now_ms())?.retention_days = None;
        Ok(Value::Null)
    }

    pub(super) fn tag(&self, mut input: Input) -> ServiceResult {
        let name = self.take_tagged(&mut input)?;
        let tags = input.string_map("tags")?;
        input.finish()?;
        let mut store = self.store();
        let group = store.group(&name, now_ms())?;
        let mut all = group.tags.clone();
        all.extend(tags);
        if all.len() > MOST_TAGS {
            return Err(ServiceError::bad_request(
                "TooManyTagsException",
                "The resource would have more than 50 tags.",
            ));
        }
        group.tags = all;
        Ok(Value::Null)
    }

    pub(super) fn untag(&self, mut input: Input) -> ServiceResult {
        let name = self.take_tagged(&mut input)?;
        let mut keys = input.strings("tagKeys")?;
        // The older operation calls the keys tags.
        if input.operation() == "UntagLogGroup" {
            keys.extend(input.strings("tags")?);
        }
        input.finish()?;
        self.store().group(&name, now_ms())?.tags.retain(|key, _| !keys.contains(key));
        Ok(Value::Null)
    }

    pub(super) fn list_tags(&self, mut input: Input) -> ServiceResult {
        let name = self.take_tagged(&mut input)?;
        input.finish()?;
        Ok(json!({ "tags": self.store().group(&name, now_ms())?.tags }))
    }

    /// The newer operations name an ARN, the older ones a group.
    fn take_tagged(&self, input: &mut Input) -> ServiceResult<String> {
        let member = if input.operation().ends_with("LogGroup") { "logGroupName" } else { "resourceArn" };
        let identifier = input.required(member)?;
        self.group_of(&identifier)
    }
}

/// Takes `logGroupClass`: there is the standard class only.
fn take_standard_class(input: &mut Input) -> ServiceResult<()> {
    match input.string("logGroupClass")?.as_deref() {
        None | Some("STANDARD") => Ok(()),
        Some(other) => Err(ServiceError::unsupported_member(input.operation(), &format!("logGroupClass {other}"))),
    }
}

fn check_group_name(name: &str) -> ServiceResult<()> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || ".-_/#".contains(letter);
    if name.len() > LONGEST_NAME {
        return Err(constraint("logGroupName", name, "Member must have length less than or equal to 512"));
    }
    if !name.chars().all(allowed) {
        return Err(constraint(
            "logGroupName",
            name,
            "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
        ));
    }
    Ok(())
}

/// A page goes on after this name.
pub(super) fn name_token(name: &str) -> String {
    hex::encode(name)
}

/// The name that a token goes on after.
pub(super) fn read_name_token(token: &str) -> ServiceResult<String> {
    let bytes = hex::decode(token).map_err(|_| bad_token())?;
    String::from_utf8(bytes).map_err(|_| bad_token())
}
