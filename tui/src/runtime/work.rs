//! What the app has running: the target, the deployment, the live sources, what is being sent.
//! Each hands over its own events; this room turns them into messages.

#[cfg(feature = "local")]
mod faults;
mod look_back;
mod stack;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use tailwater_core::{
    app::{self, CallBudget, CloudInfo, DeployProgress, Destroying, EventSource, Message, RequestEdits},
    events::Event,
    pipeline::{AuthMode, Outputs},
};
use tokio::sync::{
    Mutex,
    mpsc::{self, Sender},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    deploy::{self, DeployError, Deployed, Outcome, Prepared, Progress, Request},
    send::{self, CONCURRENCY, Load},
    tail::{self, BATCHES_AHEAD, Start, Update},
    target::{BUDGET_WINDOW, BudgetState, NoticeReceiver, Target},
};
use stack::StackWork;

/// How long the live sources may take to end in order: they deregister what costs.
const END_IN_ORDER: Duration = Duration::from_secs(2);

/// Between two looks at the budgets of calls.
const BUDGETS_EVERY: Duration = Duration::from_secs(1);

/// A target on its way, with what is to be said of an embedded cloud.
pub type Reaching = BoxFuture<'static, Result<(Target, Option<CloudInfo>), String>>;
/// How the target comes to be: asked for once the first frame is drawn, and again after a failure.
type Reach = Box<dyn Fn() -> Reaching + Send + Sync>;

/// What the app is to have running.
pub struct Work {
    reach: Reach,
    request: Request,
}

impl Work {
    /// With the target that this reaches, deploying this.
    pub fn new(reach: impl Fn() -> Reaching + Send + Sync + 'static, request: Request) -> Self {
        Self { reach: Box::new(reach), request }
    }

    /// Starts it; what it sees goes to `messages`.
    pub(super) fn start(self, messages: Sender<Message>) -> Running {
        let shared = Arc::new(Shared {
            messages,
            reach: self.reach,
            request: self.request,
            target: Mutex::new(None),
            live: Mutex::new(None),
            stack: StackWork::default(),
            #[cfg(feature = "local")]
            ordering: Mutex::new(()),
            tasks: TaskTracker::new(),
        });
        let sending = CancellationToken::new();
        let running = Running { shared, sending, looking: CancellationToken::new(), sender: None };
        running.begin();
        running
    }
}

/// What is running.
pub(super) struct Running {
    shared: Arc<Shared>,
    /// Stops everything that is being sent.
    sending: CancellationToken,
    /// Stops what is being looked for.
    looking: CancellationToken,
    /// What sent last, and how: where, whom the API lets in, what differs from the usual request.
    sender: Option<((String, AuthMode, RequestEdits), send::Sender)>,
}

struct Shared {
    messages: Sender<Message>,
    reach: Reach,
    request: Request,
    target: Mutex<Option<Target>>,
    live: Mutex<Option<Live>>,
    stack: StackWork,
    /// Held while an order of trouble is carried out.
    #[cfg(feature = "local")]
    ordering: Mutex<()>,
    tasks: TaskTracker,
}

/// The live sources of one deployed pipeline.
struct Live {
    outputs: Outputs,
    auth_mode: AuthMode,
    /// Firehose's interval, and where it delivers.
    interval: Duration,
    bucket: tail::Bucket,
    stop: CancellationToken,
}

impl Running {
    /// Reaches the target where that is still to be done. The embedded cloud is deployed to, since
    /// nothing costs anything there; on AWS the stack is looked at and nothing changed.
    pub(super) fn begin(&self) {
        self.on_target(|shared, target| async move {
            if target.is_local() && shared.request.watch.is_none() {
                shared.deploy(&target).await;
            } else {
                shared.look(&target).await;
            }
        });
    }

    /// Looks at the stack, and changes nothing.
    pub(super) fn look(&self) {
        self.on_target(|shared, target| async move { shared.look(&target).await });
    }

    /// Finds out what a deployment would change.
    pub(super) fn prepare(&self) {
        self.on_target(|shared, target| async move { shared.prepare(&target, false).await });
    }

    /// Carries out what was agreed to.
    pub(super) fn execute(&self) {
        self.on_target(|shared, target| async move { shared.execute(&target).await });
    }

    /// Drops what was shown.
    pub(super) fn discard(&self) {
        self.on_target(|shared, target| async move { shared.discard(&target).await });
    }

    /// Drops what was shown, and finds out what rolling back takes.
    pub(super) fn roll_back(&self) {
        self.on_target(|shared, target| async move {
            shared.discard(&target).await;
            shared.prepare(&target, true).await;
        });
    }

    /// Takes the stack down.
    pub(super) fn destroy(&self, how: Destroying) {
        self.on_target(move |shared, target| async move { shared.destroy(&target, how).await });
    }

    /// Cancels what is being done to the stack.
    pub(super) fn cancel(&self) {
        self.on_target(|shared, target| async move { shared.cancel(&target).await });
    }

    fn on_target<F>(&self, work: impl FnOnce(Arc<Shared>, Target) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let shared = self.shared.clone();
        self.shared.tasks.spawn(async move {
            if let Some(target) = shared.target().await {
                work(shared, target).await;
            }
        });
    }

    /// Sends events with their numbers.
    pub(super) async fn send(&mut self, events: Vec<(u64, Bytes)>, rate: Option<u32>, request: RequestEdits) {
        let live = self.shared.live.lock().await;
        let api = live.as_ref().map(|live| (live.outputs.submit_url.clone(), live.auth_mode));
        drop(live);
        let (Some((url, auth_mode)), Some(target)) = (api, self.shared.target.lock().await.clone()) else {
            // Not awaited: whoever calls is the one who takes messages in.
            let shared = self.shared.clone();
            self.shared.tasks.spawn(async move { shared.say(Message::SendingEnded).await });
            return;
        };
        let sender = self.sender(&target, url, auth_mode, request);
        let stop = self.sending.child_token();
        let shared = self.shared.clone();
        self.shared.tasks.spawn(async move {
            match sender {
                Ok(sender) => {
                    let (out, mut sent) = mpsc::channel(BATCHES_AHEAD);
                    let load = Load { rate: rate.map(f64::from), concurrency: CONCURRENCY };
                    let sending = async {
                        send::run(&sender, load, events.into_iter(), &out, &stop).await;
                        drop(out);
                    };
                    let telling = async {
                        while let Some(event) = sent.recv().await {
                            shared.say(Message::Events(vec![Event::Sent(event)])).await;
                        }
                    };
                    tokio::join!(sending, telling);
                }
                Err(error) => shared.say(Message::Notice(error)).await,
            }
            shared.say(Message::SendingEnded).await;
        });
    }

    /// What sends: the last one while nothing about it changed, so that its connections are used again.
    fn sender(
        &mut self,
        target: &Target,
        url: String,
        auth_mode: AuthMode,
        request: RequestEdits,
    ) -> Result<send::Sender, String> {
        let how = (url, auth_mode, request);
        if let Some((_, sender)) = self.sender.as_ref().filter(|(known, _)| *known == how) {
            return Ok(sender.clone());
        }
        let (url, auth_mode, request) = &how;
        let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let bearer = send::bearer_of_environment();
        let sender = send::Sender::new(target, url, *auth_mode, &headers, bearer.as_deref())
            .and_then(|sender| sender.asking(request.method.as_deref(), request.path.as_deref()))
            .map_err(|error| error.to_string())?;
        self.sender = Some((how, sender.clone()));
        Ok(sender)
    }

    /// Stops what is being sent.
    pub(super) fn stop_sending(&mut self) {
        self.sending.cancel();
        self.sending = CancellationToken::new();
    }

    /// Ends everything in order.
    pub(super) async fn end(mut self, hurry: bool) {
        self.stop_sending();
        self.stop_looking();
        self.shared.stop_watching().await;
        self.shared.tasks.close();
        let limit = if hurry { END_IN_ORDER / 4 } else { END_IN_ORDER };
        let _ = tokio::time::timeout(limit, self.shared.tasks.wait()).await;
        // A target that is still being reached holds its place: the app does not wait for it.
        #[cfg(feature = "local")]
        if let Ok(target) = tokio::time::timeout(limit, self.shared.target.lock()).await
            && let Some(embedded) = target.as_ref().and_then(Target::embedded)
        {
            embedded.shutdown().await;
        }
    }
}

/// Tells what Kinesis let go, as long as someone listens.
#[cfg(feature = "local")]
async fn tell_losses(embedded: Arc<crate::target::Embedded>, messages: Sender<Message>) {
    let mut known = 0;
    loop {
        let loss = tokio::select! {
            loss = embedded.next_loss(&mut known) => loss,
            () = messages.closed() => return,
        };
        let _ = messages.send(Message::Notice(loss)).await;
    }
}

/// Tells what a target says of itself, as long as someone listens.
async fn tell_notices(mut notices: NoticeReceiver, messages: Sender<Message>) {
    while let Some(notice) = notices.recv().await {
        if messages.send(Message::Notice(notice)).await.is_err() {
            return;
        }
    }
}

/// Tells which calls are made, and how their budgets stand, as long as someone listens.
async fn tell_calls(target: Target, messages: Sender<Message>) {
    let mut calls = target.calls();
    let mut dropped = 0;
    let mut next_look = tokio::time::interval(BUDGETS_EVERY);
    next_look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            call = calls.recv() => match call {
                Some(call) => {
                    if calls.dropped() > dropped {
                        dropped = calls.dropped();
                        let words = format!("{dropped} calls came too fast to be shown in Calls: its sums lack them.");
                        let _ = messages.send(Message::Notice(words)).await;
                    }
                    Message::Events(vec![Event::Call(call)])
                }
                None => return,
            },
            _ = next_look.tick(), if !target.is_local() => Message::Budgets(budgets(&target)),
            () = messages.closed() => return,
        };
        if messages.send(message).await.is_err() {
            return;
        }
    }
}

/// How the budgets stand, in the app's words.
fn budgets(target: &Target) -> Vec<CallBudget> {
    let states = target.budget();
    let of = |state: &BudgetState| {
        let (service, operation) = state.of.call();
        CallBudget {
            name: state.of.name().to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            used: state.used,
            left: state.left(),
            window_seconds: BUDGET_WINDOW.as_secs(),
        }
    };
    states.iter().map(of).collect()
}

/// Who and where one is, for the header.
fn shown(target: &Target) -> app::Target {
    let identity = target.identity();
    let name = identity.short_name();
    app::Target::Aws {
        account_id: target.account_id().to_owned(),
        region: target.region().to_owned(),
        profile: target.profile().map(str::to_owned),
        endpoint_url: target.endpoint_url().map(str::to_owned),
        elsewhere: target
            .service_endpoints()
            .into_iter()
            .map(|endpoint| format!("{} at {}", endpoint.service, endpoint.url))
            .collect(),
        who: match identity.role_name() {
            Some(role) => format!("role {role}"),
            None if name == "root" => "the root user".to_owned(),
            None => format!("user {name}"),
        },
    }
}

impl Shared {
    async fn say(&self, message: Message) {
        // Nobody listening means that the app has ended.
        let _ = self.messages.send(message).await;
    }

    /// The target; `None`: it could not be reached, and that was said.
    async fn target(&self) -> Option<Target> {
        let mut known = self.target.lock().await;
        if known.is_none() {
            match (self.reach)().await {
                Ok((target, cloud)) => {
                    if let Some(cloud) = cloud {
                        self.say(Message::CloudReady(cloud)).await;
                    }
                    #[cfg(feature = "local")]
                    if let Some(embedded) = target.embedded().cloned() {
                        tokio::spawn(tell_losses(embedded, self.messages.clone()));
                    }
                    #[cfg(feature = "local")]
                    tokio::spawn(faults::tell(target.clone(), self.messages.clone()));
                    tokio::spawn(tell_notices(target.notices(), self.messages.clone()));
                    tokio::spawn(tell_calls(target.clone(), self.messages.clone()));
                    if !target.is_local() {
                        self.say(Message::Reached(shown(&target))).await;
                    }
                    *known = Some(target);
                }
                Err(error) => self.say(Message::CloudFailed(error)).await,
            }
        }
        known.clone()
    }

    /// Deploys without asking, on the embedded cloud alone, then follows the pipeline.
    async fn deploy(self: &Arc<Self>, target: &Target) {
        let began = Instant::now();
        self.say(Message::Deploy(DeployProgress::Started { resources: None })).await;
        let outcome = self.telling(async |out| self.prepare_and_execute(target, &out).await).await;
        let progress = match outcome {
            Ok(Outcome::Deployed(deployed)) => self.done(target, deployed, began, false).await,
            Ok(Outcome::Unchanged(deployed)) => self.done(target, deployed, began, true).await,
            Ok(Outcome::Failed(failure)) => DeployProgress::Failed {
                error: format!(
                    "Stack {} ended in {}. {}",
                    self.request.stack_name,
                    failure.status,
                    stack::words_of_failure(&failure)
                ),
            },
            Err(error) => DeployProgress::Failed { error: stack::words_of(&error) },
        };
        self.say(Message::Deploy(progress)).await;
        self.watch_others(target).await;
    }

    async fn prepare_and_execute(&self, target: &Target, out: &Sender<Progress>) -> Result<Outcome, DeployError> {
        match deploy::prepare(target, &self.request, out).await? {
            Prepared::Unchanged(deployed) => Ok(Outcome::Unchanged(deployed)),
            Prepared::Finished(deployed) => Ok(Outcome::Deployed(deployed)),
            Prepared::First(_) => deploy::deploy(target, &self.request, out).await,
            Prepared::Changes(plan) => {
                let resources = Some(plan.preview.changes.len());
                self.say(Message::Deploy(DeployProgress::Started { resources })).await;
                deploy::execute(target, &plan, out).await
            }
        }
    }

    /// Follows the pipeline's sources from now on.
    async fn follow(self: &Arc<Self>, target: &Target, deployed: &Deployed) {
        let outputs = &deployed.outputs;
        let mut settings = deployed.settings.clone();
        settings.region = Some(target.region().to_owned()).filter(|region| !region.is_empty());
        settings.keys_file = target.keys_file();
        self.say(Message::Deploy(DeployProgress::Settings(settings))).await;
        let mut live = self.live.lock().await;
        if live.as_ref().is_some_and(|live| live.outputs == *outputs && live.auth_mode == deployed.auth_mode) {
            return;
        }
        let bucket = tail::Bucket { name: outputs.bucket_name.clone(), layout: deployed.layout.clone() };
        let stop = CancellationToken::new();
        if let Some(before) = live.replace(Live {
            outputs: outputs.clone(),
            bucket: bucket.clone(),
            auth_mode: deployed.auth_mode,
            interval: Duration::from_secs(deployed.buffering.interval_seconds),
            stop: stop.clone(),
        }) {
            before.stop.cancel();
        }
        drop(live);
        let start = Start::At(crate::target::now());
        // Of what is only watched a part may not be there.
        if !outputs.stream_name.is_empty() {
            let (out, source) = mpsc::channel(BATCHES_AHEAD);
            self.tasks.spawn(tail::records(target.clone(), outputs.stream_name.clone(), start, out, stop.clone()));
            self.pass_on(EventSource::Records, source, Event::Record);
        }
        let (out, source) = mpsc::channel(BATCHES_AHEAD);
        self.tasks.spawn(tail::logs(target.clone(), deployed.log_groups.clone(), start, out, stop.clone()));
        self.pass_on(EventSource::Logs, source, Event::Log);
        if !outputs.bucket_name.is_empty() {
            let (out, source) = mpsc::channel(BATCHES_AHEAD);
            self.tasks.spawn(tail::objects(target.clone(), bucket, start, out, stop));
            self.pass_on(EventSource::Objects, source, Event::Object);
        }
    }

    /// Turns a source's updates into messages, until it ends.
    fn pass_on<T: Send + 'static>(
        self: &Arc<Self>,
        which: EventSource,
        mut source: mpsc::Receiver<Update<T>>,
        to_event: impl Fn(T) -> Event + Send + 'static,
    ) {
        let shared = self.clone();
        self.tasks.spawn(async move {
            while let Some(update) = source.recv().await {
                let message = match update {
                    Update::Batch(batch) => Message::Events(batch.into_iter().map(&to_event).collect()),
                    Update::State(state) => Message::Tail(which, state),
                    Update::Gap(gap) => Message::Notice(gap.to_string()),
                };
                shared.say(message).await;
            }
        });
    }
}
