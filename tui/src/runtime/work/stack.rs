//! What is done to the stack from the app: looking at it, watching it, previewing, deploying,
//! taking it down, cancelling.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use tailwater_core::{
    app::{DeployProgress, Destroying, First, Message},
    events::{Event, StackEvent},
};
use tokio::sync::{
    Mutex,
    mpsc::{self, Sender},
};
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::{
    deploy::{
        self, Action, DeployError, Deployed, DestroyOptions, Destroyed, Failure, Left, Outcome, Plan, Prepared,
        Progress, Remedy, Request, Stack, Stuck,
    },
    tail::{self, BATCHES_AHEAD, Start, Update},
    target::Target,
};

/// Between two looks for a stack that is not there: at first, and once nobody made one for a while.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(10));
/// How many looks are made before they become fewer.
const LOOKS_BEFORE_SLOWING: u32 = 24;

/// What is done to the stack.
#[derive(Default)]
pub struct StackWork {
    /// What was shown and waits for a yes.
    waiting: Mutex<Option<Waiting>>,
    /// The plan that is executed.
    executing: Mutex<Option<Arc<Plan>>>,
    /// Stops what can be stopped without a word to AWS.
    stop: Mutex<CancellationToken>,
    /// The stack whose events are watched; empty: one that is not there yet.
    watched: Mutex<Option<(String, CancellationToken)>>,
}

enum Waiting {
    Changes(Box<Plan>),
    First(Box<Remedy>),
}

impl Shared {
    /// Looks at the stack, watches its events, and follows the pipeline that it is.
    pub async fn look(self: &Arc<Self>, target: &Target) {
        let name = &self.request.stack_name;
        if let Some(watch) = &self.request.watch {
            let deployed = watch.pipeline();
            self.follow(target, &deployed).await;
            let Deployed { status, outputs, buffering, .. } = deployed;
            let found = DeployProgress::Found { status, since: None, own: false, pipeline: Ok((outputs, buffering)) };
            return self.say(Message::Deploy(found)).await;
        }
        let stack = match Stack::find(&target.cloudformation(), name).await {
            Ok(stack) => stack,
            Err(error) => {
                // What was known before goes on being shown.
                let known = self.live.lock().await.is_some();
                let error = words_of(&error);
                return self.say(if known { Message::Notice(error) } else { Message::CloudFailed(error) }).await;
            }
        };
        let Some(stack) = stack else {
            self.unwatch().await;
            self.unfollow().await;
            self.say(Message::Deploy(DeployProgress::Absent)).await;
            return self.wait_for_one(target).await;
        };
        let pipeline = deploy::pipeline_of(target, name, &stack).await;
        if let Ok(deployed) = &pipeline {
            self.follow(target, deployed).await;
        }
        let found = DeployProgress::Found {
            status: stack.status.clone(),
            since: stack.changed,
            own: stack.own,
            pipeline: match pipeline {
                Ok(deployed) => Ok((deployed.outputs, deployed.buffering)),
                Err(error) => Err(advice(name, &stack, &error)),
            },
        };
        self.say(Message::Deploy(found)).await;
        if is_others(target) {
            self.watch(target, stack.id).await;
        }
    }

    /// Watches what others do to a stack of a cloud that was joined, once it is deployed.
    pub async fn watch_others(self: &Arc<Self>, target: &Target) {
        if !is_others(target) {
            return;
        }
        if let Ok(Some(stack)) = Stack::find(&target.cloudformation(), &self.request.stack_name).await {
            self.watch(target, stack.id).await;
        }
    }

    /// Looks every few seconds for a stack that is not there, whoever makes it.
    async fn wait_for_one(self: &Arc<Self>, target: &Target) {
        let stop = CancellationToken::new();
        if let Some((_, before)) = self.stack.watched.lock().await.replace((String::new(), stop.clone())) {
            before.cancel();
        }
        let (shared, target) = (self.clone(), target.clone());
        self.tasks.spawn(async move {
            let client = target.cloudformation();
            let mut looks = 0;
            loop {
                let pause = if looks < LOOKS_BEFORE_SLOWING { LOOK_AGAIN.0 } else { LOOK_AGAIN.1 };
                looks += 1;
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stop.cancelled() => return,
                    () = shared.messages.closed() => return,
                }
                // What can't be asked now is asked the next time: it is no news to whoever only waits.
                let found = Stack::find(&client, &shared.request.stack_name).await;
                if matches!(found, Ok(Some(_))) && !stop.is_cancelled() {
                    return shared.look_now(target).await;
                }
            }
        });
    }

    fn look_now(self: Arc<Self>, target: Target) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.look(&target).await })
    }

    /// Hands over the stack's events from its beginning on, whoever causes them.
    async fn watch(self: &Arc<Self>, target: &Target, stack_id: String) {
        let mut watched = self.stack.watched.lock().await;
        if watched.as_ref().is_some_and(|(id, stop)| *id == stack_id && !stop.is_cancelled()) {
            return;
        }
        let stop = CancellationToken::new();
        if let Some((_, before)) = watched.replace((stack_id.clone(), stop.clone())) {
            before.cancel();
        }
        drop(watched);
        let (out, mut source) = mpsc::channel(BATCHES_AHEAD);
        self.tasks.spawn(tail::stack(target.clone(), stack_id, Start::Beginning, out, stop));
        let shared = self.clone();
        self.tasks.spawn(async move {
            let mut seen: Vec<StackEvent> = Vec::new();
            while let Some(update) = source.recv().await {
                match update {
                    Update::Batch(batch) => {
                        seen.extend(batch.iter().cloned());
                        let explained = explained(&seen);
                        shared.say(Message::Events(batch.into_iter().map(Event::Stack).collect())).await;
                        if let Some(error) = explained {
                            shared.say(Message::Deploy(DeployProgress::Explained { error })).await;
                        }
                    }
                    Update::State(tailwater_core::app::TailState::Retrying { error, .. }) => {
                        shared.say(Message::Notice(format!("The stack's events can't be read: {error}"))).await;
                    }
                    Update::State(_) => {}
                    Update::Gap(gap) => shared.say(Message::Notice(gap.to_string())).await,
                }
            }
        });
    }

    /// Whoever changes the stack reads its events at its own pace: two readers would share one budget.
    async fn unwatch(&self) {
        if let Some((_, stop)) = self.stack.watched.lock().await.take() {
            stop.cancel();
        }
    }

    /// Ends everything that only looks.
    pub async fn stop_watching(&self) {
        self.unwatch().await;
        self.unfollow().await;
        self.stack.stop.lock().await.cancel();
    }

    async fn unfollow(&self) {
        if let Some(live) = self.live.lock().await.take() {
            live.stop.cancel();
        }
    }

    /// Finds out what a deployment would change, and tells.
    pub async fn prepare(self: &Arc<Self>, target: &Target, roll_back: bool) {
        let stop = self.stoppable().await;
        let began = Instant::now();
        let request = Request { roll_back, ..self.request.clone() };
        let prepared = tokio::select! {
            prepared = self.telling(async |out| deploy::prepare(target, &request, &out).await) => prepared,
            () = stop.cancelled() => {
                let words = "Stopped before anything was asked: the stack was not changed.".to_owned();
                return self.say(Message::Deploy(DeployProgress::Stopped { words })).await;
            }
        };
        let progress = match prepared {
            Ok(Prepared::Unchanged(deployed)) => self.done(target, deployed, began, true).await,
            Ok(Prepared::Finished(deployed)) => self.done(target, deployed, began, false).await,
            Ok(Prepared::First(remedy)) => {
                let first = First { why: remedy.why.clone(), what: remedy.what.clone(), losses: remedy.losses.clone() };
                *self.stack.waiting.lock().await = Some(Waiting::First(Box::new(remedy)));
                DeployProgress::First(first)
            }
            Ok(Prepared::Changes(plan)) => {
                let preview = plan.preview.clone();
                *self.stack.waiting.lock().await = Some(Waiting::Changes(Box::new(plan)));
                DeployProgress::Previewed(preview)
            }
            Err(error) => DeployProgress::Failed { error: words_of(&error) },
        };
        self.say(Message::Deploy(progress)).await;
    }

    /// Carries out what was agreed to, and follows it to its end.
    pub async fn execute(self: &Arc<Self>, target: &Target) {
        let waiting = self.stack.waiting.lock().await.take();
        match waiting {
            None => {}
            Some(Waiting::First(remedy)) => {
                self.unwatch().await;
                let role = self.request.role_arn.as_deref();
                let stop = self.stoppable().await;
                let done = tokio::select! {
                    done = self.telling(async |out| deploy::remedy(target, &remedy, role, &out).await) => done,
                    () = stop.cancelled() => {
                        let words = "Stopped where it was. What CloudFormation has begun it ends; d again goes on from \
                                     there.";
                        self.say(Message::Deploy(DeployProgress::Stopped { words: words.to_owned() })).await;
                        return self.look(target).await;
                    }
                };
                match done {
                    Ok(()) => self.prepare(target, false).await,
                    Err(error) => {
                        let error = words_of(&error);
                        self.say(Message::Deploy(DeployProgress::Failed { error })).await;
                        self.look(target).await;
                    }
                }
            }
            Some(Waiting::Changes(plan)) => {
                self.unwatch().await;
                let began = Instant::now();
                let plan = Arc::new(*plan);
                *self.stack.executing.lock().await = Some(plan.clone());
                let outcome = self.telling(async |out| deploy::execute(target, &plan, &out).await).await;
                *self.stack.executing.lock().await = None;
                let failed = match outcome {
                    Ok(Outcome::Deployed(deployed) | Outcome::Unchanged(deployed)) => {
                        let done = self.done(target, deployed, began, false).await;
                        self.say(Message::Deploy(done)).await;
                        None
                    }
                    Ok(Outcome::Failed(failure)) => Some(words_of_failure(&failure)),
                    Err(DeployError::GivenUp(_)) => {
                        let words = "Given up before anything was executed: the stack was not changed.".to_owned();
                        self.say(Message::Deploy(DeployProgress::Stopped { words })).await;
                        return self.look(target).await;
                    }
                    Err(error) => Some(words_of(&error)),
                };
                let succeeded = failed.is_none();
                if let Some(error) = failed {
                    self.say(Message::Deploy(DeployProgress::Failed { error })).await;
                }
                // How the stack is now, and what others do to it from now on.
                if !target.is_local() || !succeeded {
                    self.look(target).await;
                }
            }
        }
    }

    /// Drops what was shown: nothing of it is to stay.
    pub async fn discard(&self, target: &Target) {
        if let Some(Waiting::Changes(plan)) = self.stack.waiting.lock().await.take()
            && let Err(error) = deploy::discard(target, &plan).await
        {
            self.say(Message::Notice(words_of(&error))).await;
        }
    }

    /// Takes the stack down.
    pub async fn destroy(self: &Arc<Self>, target: &Target, how: Destroying) {
        self.unwatch().await;
        let stop = self.stoppable().await;
        let role_arn = self.request.role_arn.as_deref();
        let Destroying { now, keep_data, artifacts, retain_stuck } = how;
        let options = DestroyOptions { now, keep_data, artifacts, retain_stuck, role_arn };
        let name = &self.request.stack_name;
        let destroyed = tokio::select! {
            destroyed = self.telling(async |out| deploy::destroy(target, name, options, &out).await) => destroyed,
            () = stop.cancelled() => {
                let words = "Stopped where it was. What CloudFormation has begun it ends; D again finishes the rest.";
                self.say(Message::Deploy(DeployProgress::Stopped { words: words.to_owned() })).await;
                return self.look(target).await;
            }
        };
        let progress = match destroyed {
            Ok(Destroyed::Done { left, .. } | Destroyed::Nothing { left }) => {
                self.unfollow().await;
                DeployProgress::Destroyed { left: left.iter().map(words_of_left).collect() }
            }
            Ok(Destroyed::Failed { status, cause, explained, stuck }) => {
                let cause = cause.unwrap_or_else(|| "CloudFormation gave no cause".to_owned());
                let mut lines = vec![format!("Stack {name} ended in {status}. First cause: {cause}")];
                lines.extend(
                    explained.into_iter().flat_map(|found| [found.meaning.to_owned(), found.advice.to_owned()]),
                );
                lines.extend(stuck.iter().map(words_of_stuck));
                DeployProgress::Failed { error: lines.join("\n") }
            }
            Err(error) => DeployProgress::Failed { error: words_of(&error) },
        };
        let gone = matches!(progress, DeployProgress::Destroyed { .. });
        self.say(Message::Deploy(progress)).await;
        if !gone {
            self.look(target).await;
        } else if is_others(target) {
            self.wait_for_one(target).await;
        }
    }

    /// Cancels what runs: what CloudFormation executes by its own means, anything else by leaving it.
    pub async fn cancel(&self, target: &Target) {
        let executing = self.stack.executing.lock().await.clone();
        match executing {
            Some(plan) => match deploy::cancel(target, &plan).await {
                Ok(words) => self.say(Message::DeployNote(words.to_owned())).await,
                Err(error) => self.say(Message::Notice(words_of(&error))).await,
            },
            None => self.stack.stop.lock().await.cancel(),
        }
    }

    async fn stoppable(&self) -> CancellationToken {
        let stop = CancellationToken::new();
        *self.stack.stop.lock().await = stop.clone();
        stop
    }

    /// Follows what was deployed, and says so.
    pub async fn done(
        self: &Arc<Self>,
        target: &Target,
        deployed: Deployed,
        began: Instant,
        unchanged: bool,
    ) -> DeployProgress {
        self.follow(target, &deployed).await;
        DeployProgress::Done {
            status: deployed.status,
            outputs: deployed.outputs,
            buffering: deployed.buffering,
            took: began.elapsed(),
            unchanged,
        }
    }

    /// Does something and tells how it goes.
    pub async fn telling<T>(&self, work: impl AsyncFnOnce(Sender<Progress>) -> T) -> T {
        let (sender, mut receiver) = mpsc::channel(BATCHES_AHEAD);
        let telling = async {
            while let Some(progress) = receiver.recv().await {
                let message = match progress {
                    Progress::Note(text) => Message::DeployNote(text),
                    Progress::Event(event) => Message::Events(vec![Event::Stack(event)]),
                    Progress::Between(between) => Message::Deploy(DeployProgress::Between(between)),
                    Progress::Step { what, done, total } => Message::DeployStep { what, done, total },
                };
                self.say(message).await;
            }
        };
        tokio::join!(work(sender), telling).0
    }
}

/// Whether others can change the stack: not so on a cloud of this app's own that nobody joined.
fn is_others(target: &Target) -> bool {
    #[cfg(feature = "local")]
    return target.embedded().is_none();
    #[cfg(not(feature = "local"))]
    return !target.is_local();
}

/// An error in AWS's words, then what it means and what to do, a line each.
pub fn words_of(error: &DeployError) -> String {
    match error.explained() {
        Some(explained) => format!("{error}\n{}\n{}", explained.meaning, explained.advice),
        None => error.to_string(),
    }
}

/// A failure: the first cause, then what it means, what to do, and how the stack is now.
pub fn words_of_failure(failure: &Failure) -> String {
    let mut lines = vec![format!("First cause: {}", failure.headline())];
    lines.extend(failure.details());
    lines.join("\n")
}

fn words_of_left(left: &Left) -> String {
    let kind = left.resource_type.strip_prefix("AWS::").unwrap_or(&left.resource_type);
    let cost = left.cost.as_ref().map(|cost| format!(", {cost}")).unwrap_or_default();
    format!("{kind} {} ({}{cost})", left.name, left.detail)
}

fn words_of_stuck(stuck: &Stuck) -> String {
    let id = stuck.physical_id.as_deref().unwrap_or_default();
    let reason = stuck.reason.as_deref().unwrap_or("no reason given");
    format!("{} {id} could not be deleted: {reason}", stuck.logical_id)
}

/// Why the last operation of a watched stack failed, once it has ended.
fn explained(seen: &[StackEvent]) -> Option<String> {
    let last = seen.iter().rev().find(|event| event.is_of_stack())?;
    let ended = !last.status.in_progress() && last.status.as_str() != "REVIEW_IN_PROGRESS";
    (ended && last.status.failed()).then(|| words_of_failure(&Failure::of(last.status.clone(), seen)))
}

/// What a stack is that is no pipeline, and what to do.
fn advice(name: &str, stack: &Stack, error: &DeployError) -> String {
    if let DeployError::Nothing(_) = error {
        return format!("{error}.");
    }
    if !stack.own {
        return format!("{}.", DeployError::Foreign(name.to_owned()));
    }
    let status = &stack.status;
    match deploy::action(Some(status)) {
        Action::Refuse(advice) => format!("Stack {name} is in {status}: {advice}."),
        Action::DeleteFirst => format!(
            "Stack {name} is in {status}: it never came up. Deploying it offers to delete what is left of it first."
        ),
        Action::ContinueRollback => format!(
            "Stack {name} is in {status}: an update failed, and undoing it failed too. Deploying it offers to go on \
             undoing."
        ),
        Action::Create => format!("Stack {name} is in {status}: it holds nothing yet."),
        Action::Update | Action::UpdateAsItFailed | Action::Attach => error.to_string(),
    }
}
