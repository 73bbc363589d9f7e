//! What is left in the account once a stack is gone, and what that costs.

use tailwater_core::{pipeline::Storage, text::number};

use super::{
    Run,
    contents::{self, Contents},
    pieces::{BUCKET, LOG_GROUP, Pieces},
};
use crate::{
    deploy::{DeployError, Stack, package, preview},
    target::Kind,
};

/// The least that is worth its figure.
const CENT: f64 = 0.01;
/// Of how many buckets the tags are read, to find those that an earlier stack left.
const MOST_BUCKETS_LOOKED_AT: usize = 20;

/// Something that is left in the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// `AWS::S3::Bucket`.
    pub resource_type: String,
    /// Its name.
    pub name: String,
    /// What it is, and what it holds.
    pub detail: String,
    /// What it costs; `None` where nothing is billed.
    pub cost: Option<String>,
}

/// Lists what is left. What cannot be read is said to be so: it fails nothing that is done.
pub async fn leftovers(run: &Run<'_>, pieces: &Pieces) -> Vec<Left> {
    let mut left = Vec::new();
    let storage = Storage::of(run.target.region());
    let mut told: Vec<String> = Vec::new();
    for piece in pieces.all_retained().filter(|piece| piece.resource_type != BUCKET) {
        told.push(piece.physical_id.clone());
        left.push(Left {
            resource_type: piece.resource_type.clone(),
            name: piece.physical_id.clone(),
            detail: "the stack went without it".to_owned(),
            cost: None,
        });
    }
    let artifacts = package::bucket_name(run.target.account_id(), run.target.region());
    let mut buckets: Vec<(String, &'static str)> =
        pieces.all_ids(BUCKET).map(|bucket| (bucket.to_owned(), "the data that the pipeline delivered")).collect();
    let (stacks, known) = match own_stacks(run).await {
        Ok(stacks) => (stacks, true),
        Err(error) => {
            left.push(unread("AWS::CloudFormation::Stack", "other stacks", &error));
            (Vec::new(), false)
        }
    };
    // Without knowing the other stacks, theirs cannot be told from what nobody owns.
    if known {
        buckets.extend(earlier_buckets(run, &stacks).await.into_iter().map(|name| (name, "left by an earlier stack")));
    }
    let shared = stacks.iter().any(|stack| stack.parameter("ArtifactBucket") == Some(artifacts.as_str()));
    let use_of = if shared {
        "the function's code, which other stacks take from there"
    } else {
        "the function's code; `tailwater destroy --artifacts` deletes it"
    };
    buckets.push((artifacts, use_of));
    for (bucket, what) in buckets {
        if told.contains(&bucket) {
            continue;
        }
        match contents::contents(run.target, &bucket).await {
            Ok(Some(contents)) => left.push(Left {
                resource_type: BUCKET.to_owned(),
                name: bucket.clone(),
                detail: format!("{what}: {}", in_words(contents)),
                cost: cost(run, storage.bucket(contents.bytes)),
            }),
            Ok(None) => {}
            Err(error) => left.push(unread(BUCKET, &bucket, &error)),
        }
        told.push(bucket);
    }
    for group in pieces.all_ids(LOG_GROUP).filter(|group| !told.iter().any(|told| told == group)) {
        match stored_bytes(run, group).await {
            Ok(Some(bytes)) => left.push(Left {
                resource_type: LOG_GROUP.to_owned(),
                name: group.to_owned(),
                detail: format!("log lines, {}", number::size(bytes)),
                cost: cost(run, storage.logs(bytes)),
            }),
            Ok(None) => {}
            Err(error) => left.push(unread(LOG_GROUP, group, &error)),
        }
    }
    for stack in stacks {
        let estimate = preview::estimate(run.target, &stack.parameters);
        left.push(Left {
            resource_type: "AWS::CloudFormation::Stack".to_owned(),
            name: stack.name.clone(),
            detail: format!("another stack of Tailwater, {}", stack.status),
            cost: estimate.map(|estimate| in_dollars(estimate.idle_usd_per_day, "day while idle")),
        });
    }
    left
}

/// The stacks of Tailwater in this account and region, other than the one at hand.
pub async fn own_stacks(run: &Run<'_>) -> Result<Vec<Stack>, DeployError> {
    let mut items = run.client.describe_stacks().into_paginator().items().send();
    let mut stacks = Vec::new();
    while let Some(stack) = items.next().await {
        let stack = stack.map_err(|error| DeployError::call("listed the stacks of this account and region", &error))?;
        let stack = Stack::from(stack);
        if stack.own && stack.status.as_str() != "DELETE_COMPLETE" && stack.name != run.stack_name {
            stacks.push(stack);
        }
    }
    Ok(stacks)
}

/// Buckets that Tailwater's stacks made and that no stack owns any more.
async fn earlier_buckets(run: &Run<'_>, stacks: &[Stack]) -> Vec<String> {
    let client = run.target.s3();
    let suffix = format!("-{}-{}", run.target.account_id(), run.target.region());
    // Whoever may not list buckets is told of those that this stack had.
    let Ok(listed) = client.list_buckets().send().await else { return Vec::new() };
    let artifacts = package::bucket_name(run.target.account_id(), run.target.region());
    let owned = |name: &str| {
        stacks.iter().any(|stack| {
            stack.outputs.iter().any(|(key, value)| key == "BucketName" && value == name)
                || stack.parameter("BucketBaseName").is_some_and(|base| name.strip_suffix(&suffix) == Some(base))
        })
    };
    let candidates = listed
        .buckets()
        .iter()
        .filter_map(|bucket| bucket.name())
        .filter(|name| name.ends_with(&suffix) && *name != artifacts && !owned(name))
        .take(MOST_BUCKETS_LOOKED_AT);
    let mut found = Vec::new();
    for name in candidates {
        if contents::is_ours(run.target, name).await {
            found.push(name.to_owned());
        }
    }
    found
}

/// What a log group stores, in bytes; `None` where there is none.
async fn stored_bytes(run: &Run<'_>, group: &str) -> Result<Option<u64>, DeployError> {
    let mut items =
        run.target.logs().describe_log_groups().log_group_name_prefix(group).into_paginator().items().send();
    while let Some(found) = items.next().await {
        let found = found.map_err(|error| DeployError::call(format!("looked for the log group {group}"), &error))?;
        if found.log_group_name() == Some(group) {
            return Ok(Some(found.stored_bytes().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default()));
        }
    }
    Ok(None)
}

fn unread(resource_type: &str, name: &str, error: &DeployError) -> Left {
    Left {
        resource_type: resource_type.to_owned(),
        name: name.to_owned(),
        detail: format!("could not be looked at: {error}"),
        cost: None,
    }
}

fn cost(run: &Run<'_>, dollars_a_month: f64) -> Option<String> {
    // Only AWS bills.
    (run.target.kind() == Kind::Aws).then(|| in_dollars(dollars_a_month, "month"))
}

fn in_dollars(dollars: f64, time: &str) -> String {
    if dollars < CENT { format!("less than $0.01 a {time}") } else { format!("about ${dollars:.2} a {time}") }
}

/// `2 objects, 1.5 MB`.
pub fn in_words(contents: Contents) -> String {
    let least = if contents.more { "at least " } else { "" };
    format!("{least}{}, {}", number::counted(contents.objects, "object"), number::size(contents.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_and_costs_are_said_in_words() {
        assert_eq!(in_words(Contents { objects: 1, bytes: 0, more: false }), "1 object, 0 B");
        assert!(in_words(Contents { objects: 5_000, bytes: 1, more: true }).starts_with("at least 5,000 objects"));
        assert_eq!(in_dollars(0.36, "day while idle"), "about $0.36 a day while idle");
        assert_eq!(in_dollars(0.000_1, "month"), "less than $0.01 a month");
    }
}
