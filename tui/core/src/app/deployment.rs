//! How far the deployment is: from the first frame to the pipeline that can be used.

use std::time::Duration;

use super::DeployProgress;
use crate::{
    events::{StackEvent, StackStatus, Timestamp},
    pipeline::{Buffering, Hop, Outputs},
};

/// Where the deployment stands.
#[derive(Debug, Clone)]
pub enum Phase {
    /// The embedded cloud is being started.
    StartingCloud,
    /// It could not be started, and why.
    CloudFailed(String),
    /// The stack is looked for, created or updated.
    Deploying,
    /// It failed: what was tried, what came back, what to do.
    Failed(String),
    /// The pipeline is there.
    Ready(Ready),
}

/// The pipeline, once it is there.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The stack's status.
    pub status: StackStatus,
    /// Its outputs.
    pub outputs: Outputs,
    /// When Firehose delivers.
    pub buffering: Buffering,
    /// How long it took.
    pub took: Duration,
    /// Nothing had to be changed.
    pub unchanged: bool,
}

/// A resource, as the stack's events tell of it.
#[derive(Debug, Clone)]
pub struct ResourceState {
    /// The name in the template.
    pub logical_id: String,
    /// `AWS::Kinesis::Stream`.
    pub resource_type: String,
    /// The last status.
    pub status: StackStatus,
    /// It failed, whatever was done about it since.
    pub has_failed: bool,
    /// When the first event of this operation came.
    pub started: Timestamp,
    /// When the last one came.
    pub changed: Timestamp,
    /// `CloudFormation`'s words with the last status that gave a reason.
    pub reason: Option<String>,
}

/// How a hop's resources fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HopProgress {
    /// None of them has begun.
    Waiting,
    /// At least one is at it.
    Working,
    /// All that began are done, in this time.
    Done(Duration),
    /// One of them failed.
    Failed,
}

/// How far the deployment is.
#[derive(Debug)]
pub struct Deployment {
    /// Where it stands.
    pub phase: Phase,
    /// When this attempt began.
    pub since: Timestamp,
    /// How many resources it changes, once that is known.
    pub resources_to_change: Option<usize>,
    resources: Vec<ResourceState>,
    first_failure: Option<ResourceState>,
}

impl Deployment {
    /// One that begins now.
    pub const fn new(phase: Phase, now: Timestamp) -> Self {
        Self { phase, since: now, resources_to_change: None, resources: Vec::new(), first_failure: None }
    }

    /// Takes in a progress message.
    pub fn progress(&mut self, progress: DeployProgress, now: Timestamp) {
        match progress {
            DeployProgress::Started { resources } => {
                if !matches!(self.phase, Phase::Deploying) {
                    *self = Self::new(Phase::Deploying, now);
                }
                self.resources_to_change = resources.or(self.resources_to_change);
            }
            DeployProgress::Done { status, outputs, buffering, took, unchanged } => {
                self.phase = Phase::Ready(Ready { status, outputs, buffering, took, unchanged });
            }
            DeployProgress::Failed { error } => self.phase = Phase::Failed(error),
        }
    }

    /// Takes in a step of the stack.
    pub fn event(&mut self, event: &StackEvent) {
        if event.is_of_stack() {
            return;
        }
        let index = match self.resources.iter().position(|known| known.logical_id == event.logical_id) {
            Some(index) => {
                let known = &mut self.resources[index];
                known.status = event.status.clone();
                known.changed = event.time;
                known.reason = event.reason.clone().or_else(|| known.reason.take());
                index
            }
            None => {
                self.resources.push(ResourceState {
                    logical_id: event.logical_id.clone(),
                    resource_type: event.resource_type.clone(),
                    status: event.status.clone(),
                    has_failed: false,
                    started: event.time,
                    changed: event.time,
                    reason: event.reason.clone(),
                });
                self.resources.len() - 1
            }
        };
        if event.status.as_str().ends_with("_FAILED") {
            self.resources[index].has_failed = true;
            // As it is now: what follows are the steps that undo it.
            self.first_failure.get_or_insert_with(|| self.resources[index].clone());
        }
    }

    /// The resources that began, in that order.
    pub fn resources(&self) -> &[ResourceState] {
        &self.resources
    }

    /// The resource that failed first.
    pub const fn first_failure(&self) -> Option<&ResourceState> {
        self.first_failure.as_ref()
    }

    /// How many resources are done.
    pub fn done(&self) -> usize {
        self.resources.iter().filter(|resource| is_done(&resource.status)).count()
    }

    /// How a hop's resources fare.
    pub fn hop(&self, hop: Hop) -> HopProgress {
        // What was undone is not there.
        let counts = |resource: &&ResourceState| resource.has_failed || resource.status.as_str() != "DELETE_COMPLETE";
        let of_hop = || {
            let of_hop = move |resource: &&ResourceState| Hop::of_resource_type(&resource.resource_type) == Some(hop);
            self.resources.iter().filter(of_hop).filter(counts)
        };
        let (Some(first), Some(last)) =
            (of_hop().map(|resource| resource.started).min(), of_hop().map(|resource| resource.changed).max())
        else {
            return HopProgress::Waiting;
        };
        if of_hop().any(|resource| resource.has_failed) {
            HopProgress::Failed
        } else if of_hop().all(|resource| is_done(&resource.status)) {
            HopProgress::Done(last.since(first))
        } else {
            HopProgress::Working
        }
    }

    /// What is being done, in a word: `creating`.
    pub fn verb(&self) -> &'static str {
        let is = |start: &str| self.resources.last().is_some_and(|last| last.status.as_str().starts_with(start));
        if is("UPDATE") {
            "updating"
        } else if is("DELETE") {
            "deleting"
        } else {
            "creating"
        }
    }

    /// The pipeline, where it is there.
    pub const fn ready(&self) -> Option<&Ready> {
        match &self.phase {
            Phase::Ready(ready) => Some(ready),
            _ => None,
        }
    }

    /// Whether something is being done that the screen follows.
    pub const fn running(&self) -> bool {
        matches!(self.phase, Phase::StartingCloud | Phase::Deploying)
    }
}

/// Whether a resource arrived where it was to go.
pub fn is_done(status: &StackStatus) -> bool {
    status.as_str().ends_with("_COMPLETE") && !status.failed()
}
