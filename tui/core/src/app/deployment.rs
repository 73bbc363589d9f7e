//! How far the deployment is: from the first frame to the pipeline that can be used.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use super::{DeployProgress, Sign, TemplateResource};
use crate::{
    events::{StackEvent, StackStatus, Timestamp},
    pipeline::{Buffering, Hop, Outputs, Preview, Settings},
    text::{number, time},
};

/// Where the pipeline stands.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one")]
pub enum Phase {
    /// The embedded cloud is being started.
    StartingCloud,
    /// The embedded cloud could not be started, or AWS not be reached, and why.
    CloudFailed(String),
    /// AWS is asked for the stack.
    Looking,
    /// There is no stack.
    Absent,
    /// There is a stack, and no pipeline in it that can be watched: what it is and what to do.
    Unusable(String),
    /// The stack is created, or taken down.
    Deploying,
    /// It failed: what was tried, what came back, what to do.
    Failed(String),
    /// The pipeline is there.
    Ready(Ready),
}

/// What this app is doing with the stack.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// It finds out what a deployment would change.
    Preparing,
    /// It knows, and waits for a yes.
    Previewed(Preview),
    /// Something has to be done before a deployment can be prepared, and waits for a yes.
    First(First),
    /// It has the changes carried out.
    Executing,
    /// It takes the stack down.
    Destroying(Destroying),
}

/// What has to be done before a stack can be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct First {
    /// Why it cannot be deployed as it is.
    pub why: String,
    /// What is to be done.
    pub what: String,
    /// What is lost by it.
    pub losses: Vec<String>,
}

/// How to take a stack down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Destroying {
    /// The bucket and its objects stay.
    pub keep_data: bool,
    /// Firehose gets no time to deliver: what it buffers is lost.
    pub now: bool,
    /// The function's code goes, too.
    pub artifacts: bool,
    /// What cannot be deleted stays in the account, so that the stack itself goes.
    pub retain_stuck: bool,
}

/// An operation of the stack, whoever started it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The stack's status, as its last event said.
    pub status: StackStatus,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; `None`: it runs.
    pub ended: Option<Timestamp>,
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
    /// Its id in its service, once it is known.
    pub physical_id: Option<String>,
    /// `CloudFormation`'s words with the last status that gave a reason.
    pub reason: Option<String>,
    /// `CloudFormation`'s words on its failure.
    pub failure: Option<String>,
}

impl ResourceState {
    /// Whether it failed only because something else did.
    pub fn is_consequence(&self) -> bool {
        self.failure.as_deref().is_some_and(|reason| {
            reason.starts_with("Resource creation cancelled") || reason.starts_with("Resource update cancelled")
        })
    }
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

/// How many events are known by their ids: two readers may hand over the same one.
const KNOWN_EVENTS: usize = 10_000;
/// How many words on the way are kept.
const NOTES_KEPT: usize = 100;

/// How far the deployment is.
#[derive(Debug)]
pub struct Deployment {
    /// Where the pipeline stands.
    pub phase: Phase,
    /// When this attempt began.
    pub since: Timestamp,
    /// How many resources it changes, once that is known.
    pub resources_to_change: Option<usize>,
    /// What this app is doing with the stack.
    pub work: Option<Work>,
    /// How the last thing that it did ended.
    pub outcome: Option<(Sign, String)>,
    /// Whether Tailwater made the stack; one that it did not make is only watched.
    pub own: bool,
    /// How the pipeline is set, as far as that is known.
    pub settings: Settings,
    /// The change set that is executed.
    pub change_set: Option<String>,
    /// The resources that the change set makes, changes or removes, in its order.
    pub planned: Vec<TemplateResource>,
    /// Nothing runs in AWS: a deployment waits for its next try.
    pub between: bool,
    /// When the stack came to its status, where that is known.
    pub status_since: Option<Timestamp>,
    operation: Option<Operation>,
    /// When the last event of the stack itself came.
    last_of_stack: Timestamp,
    notes: VecDeque<(Timestamp, String)>,
    resources: Vec<ResourceState>,
    first_failure: Option<ResourceState>,
    known: (HashSet<String>, VecDeque<String>),
}

impl Deployment {
    /// One that begins now.
    pub fn new(phase: Phase, now: Timestamp) -> Self {
        Self {
            phase,
            since: now,
            resources_to_change: None,
            work: None,
            outcome: None,
            own: true,
            settings: Settings::default(),
            change_set: None,
            planned: Vec::new(),
            between: false,
            status_since: None,
            operation: None,
            last_of_stack: Timestamp::default(),
            notes: VecDeque::new(),
            resources: Vec::new(),
            first_failure: None,
            known: (HashSet::new(), VecDeque::new()),
        }
    }

    /// It is tried again: what was seen of the stack so far stays known.
    pub fn again(&mut self, phase: Phase, now: Timestamp) {
        let known = std::mem::take(&mut self.known);
        *self = Self { known, ..Self::new(phase, now) };
    }

    /// Takes in a progress message.
    pub fn progress(&mut self, progress: DeployProgress, now: Timestamp) {
        match progress {
            DeployProgress::Started { resources } => {
                if !matches!(self.phase, Phase::Deploying) {
                    self.again(Phase::Deploying, now);
                }
                self.resources_to_change = resources.or(self.resources_to_change);
            }
            DeployProgress::Absent => {
                self.phase = Phase::Absent;
                self.own = true;
            }
            DeployProgress::Found { status, since, own, pipeline } => {
                self.status_since = since;
                self.found(status, own, pipeline);
            }
            DeployProgress::Between(between) => self.between = between,
            DeployProgress::Settings(settings) => self.settings = settings,
            DeployProgress::Previewed(preview) => self.work = Some(Work::Previewed(preview)),
            DeployProgress::First(first) => self.work = Some(Work::First(first)),
            DeployProgress::Explained { error } => {
                if self.work.is_none() {
                    self.outcome = Some((Sign::Failed, error));
                }
            }
            DeployProgress::Done { status, outputs, buffering, took, unchanged } => {
                let words = if unchanged {
                    "Nothing to change: the stack is as template.yaml and the parameters say.".to_owned()
                } else {
                    format!("Deployed in {}.", time::duration(took))
                };
                if self.work.take().is_some() {
                    self.outcome = Some((Sign::Done, words));
                }
                self.phase = Phase::Ready(Ready { status, outputs, buffering, took, unchanged });
            }
            DeployProgress::Failed { error } => {
                self.work = None;
                self.outcome = Some((Sign::Failed, error.clone()));
                if self.ready().is_none() {
                    self.phase = Phase::Failed(error);
                }
            }
            DeployProgress::Stopped { words } => {
                self.work = None;
                self.outcome = Some((Sign::Attention, words));
            }
            DeployProgress::Destroyed { left } => {
                self.work = None;
                self.settings = Settings::default();
                self.phase = Phase::Absent;
                let left = match left.as_slice() {
                    [] => "nothing of it is left".to_owned(),
                    left => format!("left in the account: {}", left.join("; ")),
                };
                self.outcome = Some((Sign::Done, format!("The stack is deleted, {left}.")));
            }
        }
    }

    fn found(&mut self, status: StackStatus, own: bool, pipeline: Result<(Outputs, Buffering), String>) {
        self.own = own;
        self.phase = match pipeline {
            Ok((outputs, buffering)) => {
                Phase::Ready(Ready { status, outputs, buffering, took: Duration::ZERO, unchanged: true })
            }
            Err(_) if status.in_progress() => Phase::Deploying,
            Err(why) => Phase::Unusable(why),
        };
    }

    /// What is lost by what waits for a yes; `None`: nothing waits.
    pub fn losses(&self) -> Option<&[String]> {
        match &self.work {
            Some(Work::Previewed(preview)) => Some(&preview.losses),
            Some(Work::First(first)) => Some(&first.losses),
            _ => None,
        }
    }

    /// Begins something: what the last thing came to is no news any more.
    pub fn begin(&mut self, work: Work, now: Timestamp) {
        self.between = false;
        self.since = now;
        self.outcome = None;
        self.notes.clear();
        if matches!(work, Work::Executing | Work::Destroying(_)) {
            // What was done before is no part of this; the list of events keeps it.
            self.operation = None;
            self.resources.clear();
            self.first_failure = None;
            self.planned.clear();
            self.change_set = None;
            self.resources_to_change = None;
        }
        self.work = Some(work);
    }

    /// What was asked about is carried out now.
    pub fn execute(&mut self, template: &[TemplateResource], now: Timestamp) {
        let preview = match self.work.take() {
            Some(Work::Previewed(preview)) => preview,
            Some(Work::First(_)) => return self.begin(Work::Preparing, now),
            other => {
                self.work = other;
                return;
            }
        };
        self.begin(Work::Executing, now);
        self.change_set = Some(preview.change_set);
        self.resources_to_change = Some(preview.changes.len());
        self.planned = preview
            .changes
            .into_iter()
            .map(|change| {
                let known = template.iter().find(|known| known.logical_id == change.logical_id);
                TemplateResource {
                    needs: known.map(|known| known.needs.clone()).unwrap_or_default(),
                    logical_id: change.logical_id,
                    resource_type: change.resource_type,
                    conditional: false,
                }
            })
            .collect();
        if self.ready().is_none() {
            self.phase = Phase::Deploying;
        }
    }

    /// A word on the way.
    pub fn note(&mut self, words: String, now: Timestamp) {
        self.notes.push_back((now, words));
        if self.notes.len() > NOTES_KEPT {
            self.notes.pop_front();
        }
    }

    /// How far something is: it takes the place of what was said of it before.
    pub fn step(&mut self, what: &str, done: u64, total: Option<u64>, now: Timestamp) {
        let done = number::grouped(done);
        let words = match total {
            Some(total) => format!("{what}: {done} of {}", number::grouped(total)),
            None => format!("{what}: {done}"),
        };
        if self.notes.back().is_some_and(|(_, last)| last.starts_with(&format!("{what}: "))) {
            self.notes.pop_back();
        }
        self.note(words, now);
    }

    /// What was said on the way, oldest first.
    pub const fn notes(&self) -> &VecDeque<(Timestamp, String)> {
        &self.notes
    }

    /// Takes in a step of the stack; `false`: it was known.
    pub fn event(&mut self, event: &StackEvent) -> bool {
        if !self.known.0.insert(event.event_id.clone()) {
            return false;
        }
        self.known.1.push_back(event.event_id.clone());
        if self.known.1.len() > KNOWN_EVENTS
            && let Some(oldest) = self.known.1.pop_front()
        {
            self.known.0.remove(&oldest);
        }
        if event.is_of_stack() {
            self.stack_event(event);
        } else {
            self.resource_event(event);
        }
        true
    }

    fn stack_event(&mut self, event: &StackEvent) {
        let status = event.status.clone();
        // A reader that begins anew hands over older events after newer ones: they change nothing.
        if event.time < self.last_of_stack || status.as_str() == "REVIEW_IN_PROGRESS" {
            return;
        }
        self.last_of_stack = event.time;
        // A roll back goes on with the operation that it undoes; these begin one.
        let begins = matches!(
            status.as_str(),
            "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS" | "IMPORT_IN_PROGRESS"
        );
        if begins {
            self.resources.clear();
            self.first_failure = None;
            // What this app deploys by itself has been counted before it began.
            if self.work.is_none() && !matches!(self.phase, Phase::Deploying) {
                self.planned.clear();
                self.change_set = None;
                self.resources_to_change = None;
                self.outcome = None;
            }
            self.operation = Some(Operation { status, started: event.time, ended: None });
        } else if let Some(operation) = &mut self.operation {
            operation.ended = (!status.in_progress()).then_some(event.time);
            operation.status = status;
        }
        if let Phase::Ready(ready) = &mut self.phase {
            ready.status = event.status.clone();
            self.status_since = Some(event.time);
        }
    }

    fn resource_event(&mut self, event: &StackEvent) {
        if self.operation.as_ref().is_some_and(|operation| event.time < operation.started) {
            return;
        }
        let known = self.resources.iter().position(|known| known.logical_id == event.logical_id);
        let index = known.unwrap_or(self.resources.len());
        if known.is_none() {
            self.resources.push(ResourceState {
                logical_id: event.logical_id.clone(),
                resource_type: event.resource_type.clone(),
                physical_id: None,
                status: event.status.clone(),
                has_failed: false,
                failure: None,
                started: event.time,
                changed: event.time,
                reason: None,
            });
        }
        let resource = &mut self.resources[index];
        resource.status = event.status.clone();
        resource.changed = event.time;
        resource.physical_id = event.physical_id.clone().or_else(|| resource.physical_id.take());
        resource.reason = event.reason.clone().or_else(|| resource.reason.take());
        if event.status.as_str().ends_with("_FAILED") {
            resource.has_failed = true;
            resource.failure.clone_from(&event.reason);
            // As it is now: what follows are the steps that undo it. One that was cancelled because
            // another failed is no cause.
            if self.first_failure.as_ref().is_none_or(|first| first.is_consequence() && !resource.is_consequence()) {
                self.first_failure = Some(resource.clone());
            }
        }
    }

    /// The operation that runs, or the last one.
    pub const fn operation(&self) -> Option<&Operation> {
        self.operation.as_ref()
    }

    /// Whether an operation of the stack runs, whoever started it.
    pub fn operating(&self) -> bool {
        self.operation.as_ref().is_some_and(|operation| operation.ended.is_none())
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
    pub fn running(&self) -> bool {
        matches!(self.phase, Phase::StartingCloud | Phase::Looking | Phase::Deploying)
            || self.operating()
            || self.working()
    }

    /// Whether this app is at it, not waiting for an answer.
    pub const fn working(&self) -> bool {
        matches!(self.work, Some(Work::Preparing | Work::Executing | Work::Destroying(_)))
    }
}

/// Whether a resource arrived where it was to go.
pub fn is_done(status: &StackStatus) -> bool {
    status.as_str().ends_with("_COMPLETE") && !status.failed()
}
