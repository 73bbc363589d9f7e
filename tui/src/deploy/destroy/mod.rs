//! Takes a stack down, in the order that loses nothing unasked: the intake stops, Firehose delivers
//! and goes, the bucket is emptied or kept, the stack goes, then what the stack did not own. Every
//! step looks first at what is there, so that a run that was cut short is taken up by the next.

mod artifacts;
mod contents;
mod drain;
mod empty;
mod keep;
mod leftovers;
mod log_groups;
mod pieces;

use aws_sdk_cloudformation::Client;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tailwater_core::events::{StackEvent, StackStatus};
use tokio::sync::mpsc::Sender;

use super::{
    DeployError, Explained, Failure, Progress, Stack,
    follow::{attach, follow},
    note,
    plan::{Removal, removal},
};
use crate::target::{StackEvents, Target};

pub use contents::{Contents, contents as bucket_contents, is_ours as bucket_is_ours, is_there as bucket_is_there};
pub use drain::{API_GATEWAY, statements_for};
pub use keep::{BUCKET_DELETED, BUCKET_KEPT};
pub use leftovers::{Left, in_words as contents_in_words};
pub use pieces::{BUCKET, DELIVERY_STREAM, FUNCTION, LOG_GROUP, Pieces};

/// How often a bucket that was written to again is emptied again before that is called a failure.
const MOST_EMPTYINGS: usize = 3;

/// How many operations, one after another, are attached to: somebody else may begin the next.
const ATTACHED_AT_MOST: usize = 5;

/// How to take a stack down.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct DestroyOptions<'a> {
    /// Do not wait for Firehose: what it buffers is lost.
    pub now: bool,
    /// Leave the bucket and its objects.
    pub keep_data: bool,
    /// Delete the function's code too, and its bucket where no other stack uses it.
    pub artifacts: bool,
    /// Leave what CloudFormation cannot delete, so that the stack itself goes.
    pub retain_stuck: bool,
    /// CloudFormation's service role; `None`: the one that the stack has, or the caller's rights.
    pub role_arn: Option<&'a str>,
}

/// How it ended.
#[derive(Debug)]
pub enum Destroyed {
    /// The stack is gone.
    Done {
        /// The bucket that was to be kept, where there was one.
        kept: Option<String>,
        /// What is left in the account.
        left: Vec<Left>,
    },
    /// There was no stack.
    Nothing {
        /// What is left in the account.
        left: Vec<Left>,
    },
    /// CloudFormation ended it otherwise.
    Failed {
        /// The stack's status.
        status: StackStatus,
        /// The first cause, in AWS's words.
        cause: Option<String>,
        /// What that means and what to do, where its words are of a known kind.
        explained: Option<Explained>,
        /// What it could not delete.
        stuck: Vec<Stuck>,
    },
}

/// A resource that CloudFormation could not delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// Its name in the template.
    pub logical_id: String,
    /// Its id in its service.
    pub physical_id: Option<String>,
    /// `AWS::S3::Bucket`.
    pub resource_type: String,
    /// CloudFormation's words.
    pub reason: Option<String>,
}

impl Stuck {
    fn id(&self) -> String {
        self.logical_id.clone()
    }
}

/// What there is to take down, for the question before it.
#[derive(Debug)]
pub struct Survey {
    /// The stack's status; `None`: there is no stack.
    pub status: Option<StackStatus>,
    /// The buckets of the stack that are there, and what they hold.
    pub buckets: Vec<(String, Contents)>,
    /// Where there is no stack: the log groups that Lambda made for the last one of this name.
    pub log_groups: Vec<String>,
}

/// Looks at what there is to take down. Refuses what [`destroy`] refuses.
pub async fn survey(target: &Target, stack_name: &str) -> Result<Survey, DeployError> {
    let client = target.cloudformation();
    let Some(stack) = Stack::find(&client, stack_name).await? else {
        let log_groups = match last_deleted(&client, stack_name).await? {
            Some(before) => log_groups::orphans(target, &before).await?,
            None => Vec::new(),
        };
        return Ok(Survey { status: None, buckets: Vec::new(), log_groups });
    };
    refuse(&stack, stack_name)?;
    let pieces = Pieces::of(&client, &stack.id).await?;
    let mut buckets = Vec::new();
    for bucket in pieces.ids(pieces::BUCKET) {
        if let Some(contents) = contents::contents(target, bucket).await? {
            buckets.push((bucket.to_owned(), contents));
        }
    }
    Ok(Survey { status: Some(stack.status), buckets, log_groups: Vec::new() })
}

/// Takes a stack down. Asks nothing: whoever calls has a yes.
pub async fn destroy(
    target: &Target,
    stack_name: &str,
    options: DestroyOptions<'_>,
    progress: &Sender<Progress>,
) -> Result<Destroyed, DeployError> {
    let client = target.cloudformation();
    let run = Run { target, client: &client, stack_name, options, progress };
    let Some(stack) = Stack::find(&client, stack_name).await? else {
        // A run that was cut short after the stack went has the rest still to do.
        if let Some(before) = last_deleted(&client, stack_name).await? {
            log_groups::delete(&run, &before).await?;
        }
        if options.artifacts {
            artifacts::delete(&run, None).await?;
        }
        return Ok(Destroyed::Nothing { left: leftovers::leftovers(&run, &Pieces::default()).await });
    };
    let pieces = match run.take_down(&stack).await? {
        Ended::Gone(pieces) => pieces,
        Ended::Stuck(destroyed) => return Ok(destroyed),
    };
    log_groups::delete(&run, &pieces).await?;
    if options.artifacts {
        artifacts::delete(&run, Some(&stack)).await?;
    }
    let kept = match pieces.all_ids(pieces::BUCKET).next() {
        Some(bucket) if options.keep_data && contents::is_there(target, bucket).await? => Some(bucket.to_owned()),
        _ => None,
    };
    Ok(Destroyed::Done { kept, left: leftovers::leftovers(&run, &pieces).await })
}

/// What every step needs.
struct Run<'a> {
    target: &'a Target,
    client: &'a Client,
    stack_name: &'a str,
    options: DestroyOptions<'a>,
    progress: &'a Sender<Progress>,
}

/// How the stack itself ended.
enum Ended {
    /// It is gone; what it had.
    Gone(Pieces),
    Stuck(Destroyed),
}

impl Run<'_> {
    async fn note(&self, text: String) {
        note(self.progress, text).await;
    }

    async fn step(&self, what: &str, done: u64, total: Option<u64>) {
        let _ = self.progress.send(Progress::Step { what: what.to_owned(), done, total }).await;
    }

    /// Takes the stack down, whatever state it is in.
    async fn take_down(&self, found: &Stack) -> Result<Ended, DeployError> {
        let Some(stack) = self.settle(found).await? else {
            return self.gone(&found.id, Pieces::default()).await;
        };
        let pieces = Pieces::of(self.client, &stack.id).await?;
        // One in review holds nothing yet.
        if removal(Some(&stack.status)) != Removal::DeleteEmpty {
            if self.options.keep_data {
                keep::refuse_where_lost(self, &pieces).await?;
            }
            let stopped = drain::stop_intake(self, &pieces).await?;
            if self.options.keep_data {
                keep::retain(self, &stack, &pieces).await?;
            }
            drain::deliver(self, &pieces, stack.buffering(), stopped).await?;
            if !self.options.keep_data {
                for bucket in pieces.ids(pieces::BUCKET) {
                    empty::empty(self, bucket).await?;
                }
            }
        }
        if let Some(stuck) = self.delete(&stack, &pieces).await? {
            return Ok(Ended::Stuck(stuck));
        }
        self.gone(&stack.id, pieces).await
    }

    /// The stack once nothing runs on it any more; `None`: what ran was its deletion.
    async fn settle(&self, found: &Stack) -> Result<Option<Stack>, DeployError> {
        let mut stack = found.clone();
        for _ in 0..ATTACHED_AT_MOST {
            refuse(&stack, self.stack_name)?;
            if removal(Some(&stack.status)) != Removal::Attach {
                return Ok(Some(stack));
            }
            self.note(format!("Stack {} is in {}: waiting for it to end.", self.stack_name, stack.status)).await;
            let mut events = StackEvents::new(self.client, stack.id.clone());
            let detail = stack.detailed_status.as_deref();
            attach(self.client, &mut events, detail, self.target.pace().stack, self.progress).await?;
            match Stack::find(self.client, &stack.id).await? {
                Some(now) => stack = now,
                None => return Ok(None),
            }
        }
        Err(DeployError::State {
            stack: self.stack_name.to_owned(),
            status: stack.status,
            advice: "one operation follows another. Wait until whoever runs them has done".to_owned(),
        })
    }

    /// Deletes what CloudFormation left although it was not to be kept, once the stack is gone.
    async fn gone(&self, stack_id: &str, before: Pieces) -> Result<Ended, DeployError> {
        let now = Pieces::of(self.client, stack_id).await?;
        // Not every endpoint knows what a stack had once it is gone.
        let pieces = if now.is_empty() { before } else { now };
        if !self.options.keep_data {
            // An earlier run that kept the data had CloudFormation leave the bucket.
            for bucket in pieces.retained(pieces::BUCKET) {
                empty::empty(self, bucket).await?;
                empty::delete_bucket(self, bucket).await?;
            }
        }
        Ok(Ended::Gone(pieces))
    }

    /// Deletes the stack; what is in the way is cleared or left, as far as that is allowed.
    async fn delete(&self, stack: &Stack, pieces: &Pieces) -> Result<Option<Destroyed>, DeployError> {
        let mut events = StackEvents::new(self.client, stack.id.clone());
        let mut retain: Vec<String> = Vec::new();
        let mut emptyings = 1;
        loop {
            events.skip_past().await?;
            self.client
                .delete_stack()
                // By name: other servers than AWS know no ARN where something is to be changed.
                .stack_name(self.stack_name)
                .set_retain_resources((!retain.is_empty()).then(|| retain.clone()))
                .set_role_arn(self.options.role_arn.map(str::to_owned))
                .send()
                .await
                .map_err(|error| DeployError::call(format!("deleted stack {}", self.stack_name), &error))?;
            // Somebody else's deletion may have ended just now: nothing more would come.
            if Stack::find(self.client, &stack.id).await?.is_none() {
                for event in events.read().await? {
                    let _ = self.progress.send(Progress::Event(event)).await;
                }
                return Ok(None);
            }
            let status = follow(self.client, &mut events, self.target.pace().stack, self.progress).await?;
            if status.as_str() == "DELETE_COMPLETE" {
                return Ok(None);
            }
            let obstacles = obstacles(events.seen());
            let buckets: Vec<String> =
                obstacles.iter().filter(|stuck| stuck.resource_type == pieces::BUCKET).map(Stuck::id).collect();
            // What was to be left and is in the way again would be so for ever.
            let tried = |id: &String| retain.contains(id);
            if self.options.keep_data && !buckets.is_empty() && !buckets.iter().all(tried) {
                self.note("S3 refuses to delete the bucket that is to be kept: the stack goes without it.".to_owned())
                    .await;
                retain = buckets;
            } else if !self.options.keep_data && !buckets.is_empty() && emptyings < MOST_EMPTYINGS {
                emptyings += 1;
                self.note("The bucket was written to again: it is emptied again.".to_owned()).await;
                for bucket in pieces.ids(pieces::BUCKET) {
                    empty::empty(self, bucket).await?;
                }
            } else if self.options.retain_stuck && !obstacles.iter().map(Stuck::id).all(|id| tried(&id)) {
                retain = obstacles.iter().map(Stuck::id).collect();
                self.note(format!("The stack goes without {}, which stays in the account.", retain.join(", "))).await;
            } else {
                let Failure { status, root_cause, explained, .. } = Failure::of(status, events.seen());
                let cause = root_cause.and_then(|event| event.reason);
                return Ok(Some(Destroyed::Failed { status, cause, explained, stuck: obstacles }));
            }
        }
    }
}

/// What the last stack of this name had, where it was ours and is deleted.
async fn last_deleted(client: &Client, stack_name: &str) -> Result<Option<Pieces>, DeployError> {
    let mut pages = client
        .list_stacks()
        .stack_status_filter(aws_sdk_cloudformation::types::StackStatus::DeleteComplete)
        .into_paginator()
        .items()
        .send();
    let mut newest: Option<(aws_smithy_types::DateTime, String)> = None;
    while let Some(stack) = pages.next().await {
        // Without the right to list stacks, what an earlier run left is not found.
        let Ok(stack) = stack else { break };
        if stack.stack_name() != Some(stack_name) {
            continue;
        }
        if let (Some(time), Some(id)) = (stack.deletion_time(), stack.stack_id())
            && newest.as_ref().is_none_or(|(newest, _)| newest < time)
        {
            newest = Some((*time, id.to_owned()));
        }
    }
    let Some((_, id)) = newest else { return Ok(None) };
    let described = client.describe_stacks().stack_name(&id).send().await.ok();
    let stacks = described.and_then(|answer| answer.stacks).unwrap_or_default();
    let own = stacks.into_iter().map(Stack::from).any(|stack| stack.own);
    if own { Pieces::of(client, &id).await.map(Some) } else { Ok(None) }
}

/// Refuses a stack that is not ours to delete, or that somebody protected.
fn refuse(stack: &Stack, stack_name: &str) -> Result<(), DeployError> {
    if !stack.own {
        return Err(DeployError::Foreign(stack_name.to_owned()));
    }
    if stack.protected {
        return Err(DeployError::Protected(stack_name.to_owned()));
    }
    Ok(())
}

/// What could not be deleted, by an operation's events.
fn obstacles(events: &[StackEvent]) -> Vec<Stuck> {
    events
        .iter()
        .filter(|event| !event.is_of_stack() && event.status.as_str() == "DELETE_FAILED")
        .map(|event| Stuck {
            logical_id: event.logical_id.clone(),
            physical_id: event.physical_id.clone(),
            resource_type: event.resource_type.clone(),
            reason: event.reason.clone(),
        })
        .collect()
}

/// Whether a service says that what was asked for is not there.
fn is_absent<E, R>(error: &SdkError<E, R>) -> bool
where
    E: ProvideErrorMetadata,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    matches!(code, Some("ResourceNotFoundException" | "NoSuchBucket" | "NotFound"))
}
