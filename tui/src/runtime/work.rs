//! What the app has running: the target, the deployment, the live sources, what is being sent.
//! Each hands over its own events; this room turns them into messages.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use tailwater_core::{
    app::{CloudInfo, DeployProgress, EventSource, Message},
    events::Event,
    pipeline::{AuthMode, Outputs},
};
use tokio::sync::{
    Mutex,
    mpsc::{self, Sender},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    deploy::{self, DeployError, Deployed, Outcome, Prepared, Progress, Request, Stack},
    send::{self, CONCURRENCY, Load},
    tail::{self, BATCHES_AHEAD, Start, Update},
    target::{NoticeReceiver, Target},
};

/// How long the live sources may take to end in order: they deregister what costs.
const END_IN_ORDER: Duration = Duration::from_secs(2);

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
            tasks: TaskTracker::new(),
        });
        let running = Running { shared, sending: CancellationToken::new() };
        running.deploy();
        running
    }
}

/// What is running.
pub(super) struct Running {
    shared: Arc<Shared>,
    /// Stops everything that is being sent.
    sending: CancellationToken,
}

struct Shared {
    messages: Sender<Message>,
    reach: Reach,
    request: Request,
    target: Mutex<Option<Target>>,
    live: Mutex<Option<Live>>,
    tasks: TaskTracker,
}

/// The live sources of one deployed pipeline.
struct Live {
    outputs: Outputs,
    auth_mode: AuthMode,
    stop: CancellationToken,
}

impl Running {
    /// Reaches the target where that is still to be done, deploys, and follows what is deployed.
    pub(super) fn deploy(&self) {
        let shared = self.shared.clone();
        self.shared.tasks.spawn(async move {
            if let Some(target) = shared.target().await {
                shared.deploy(&target).await;
            }
        });
    }

    /// Sends events with their numbers.
    pub(super) async fn send(&self, events: Vec<(u64, Bytes)>, rate: Option<u32>) {
        let live = self.shared.live.lock().await;
        let api = live.as_ref().map(|live| (live.outputs.submit_url.clone(), live.auth_mode));
        drop(live);
        let (Some((url, auth_mode)), Some(target)) = (api, self.shared.target.lock().await.clone()) else {
            self.shared.say(Message::SendingEnded).await;
            return;
        };
        let stop = self.sending.child_token();
        let shared = self.shared.clone();
        self.shared.tasks.spawn(async move {
            let bearer = send::bearer_of_environment();
            match send::Sender::new(&target, &url, auth_mode, &[], bearer.as_deref()) {
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
                Err(error) => shared.say(Message::Notice(error.to_string())).await,
            }
            shared.say(Message::SendingEnded).await;
        });
    }

    /// Stops what is being sent.
    pub(super) fn stop_sending(&mut self) {
        self.sending.cancel();
        self.sending = CancellationToken::new();
    }

    /// Ends everything in order.
    pub(super) async fn end(mut self, hurry: bool) {
        self.stop_sending();
        if let Some(live) = self.shared.live.lock().await.take() {
            live.stop.cancel();
        }
        self.shared.tasks.close();
        let limit = if hurry { END_IN_ORDER / 4 } else { END_IN_ORDER };
        let _ = tokio::time::timeout(limit, self.shared.tasks.wait()).await;
        #[cfg(feature = "local")]
        if let Some(embedded) = self.shared.target.lock().await.as_ref().and_then(Target::embedded) {
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
                    tokio::spawn(tell_notices(target.notices(), self.messages.clone()));
                    *known = Some(target);
                }
                Err(error) => self.say(Message::CloudFailed(error)).await,
            }
        }
        known.clone()
    }

    /// Deploys (on the embedded cloud) or looks (on AWS, where nothing is deployed without a yes),
    /// then follows the pipeline.
    async fn deploy(self: &Arc<Self>, target: &Target) {
        let began = Instant::now();
        self.say(Message::Deploy(DeployProgress::Started { resources: None })).await;
        let result = if target.is_local() { self.deploy_here(target).await } else { self.look(target).await };
        let progress = match result {
            Ok((deployed, unchanged)) => {
                self.follow(target, &deployed).await;
                DeployProgress::Done {
                    status: deployed.status,
                    outputs: deployed.outputs,
                    buffering: deployed.buffering,
                    took: began.elapsed(),
                    unchanged,
                }
            }
            Err(error) => DeployProgress::Failed { error },
        };
        self.say(Message::Deploy(progress)).await;
    }

    async fn deploy_here(&self, target: &Target) -> Result<(Deployed, bool), String> {
        let (sender, mut receiver) = mpsc::channel(BATCHES_AHEAD);
        let deployment = async {
            let outcome = self.prepare_and_execute(target, &sender).await;
            drop(sender);
            outcome
        };
        let telling = async {
            while let Some(progress) = receiver.recv().await {
                let message = match progress {
                    Progress::Note(text) => Message::Notice(text),
                    Progress::Event(event) => Message::Events(vec![Event::Stack(event)]),
                    // A deployment's steps are the stack's events, which the screen has.
                    Progress::Step { .. } => continue,
                };
                self.say(message).await;
            }
        };
        let (outcome, ()) = tokio::join!(deployment, telling);
        match outcome.map_err(|error| error.to_string())? {
            Outcome::Deployed(deployed) => Ok((deployed, false)),
            Outcome::Unchanged(deployed) => Ok((deployed, true)),
            Outcome::Failed(failure) => Err(format!(
                "Stack {} ended in {}. First cause: {}",
                self.request.stack_name,
                failure.status,
                failure.headline()
            )),
        }
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

    async fn look(&self, target: &Target) -> Result<(Deployed, bool), String> {
        let name = &self.request.stack_name;
        let stack = Stack::find(&target.cloudformation(), name).await.map_err(|error| error.to_string())?;
        let stack = stack.ok_or_else(|| {
            format!(
                "There is no stack {name} in account {}, {}. Deploy it with `tailwater deploy --target aws`.",
                target.account_id(),
                target.region()
            )
        })?;
        Ok((stack.deployed(name).map_err(|error| error.to_string())?, true))
    }

    /// Follows the pipeline's sources from now on.
    async fn follow(self: &Arc<Self>, target: &Target, deployed: &Deployed) {
        let outputs = &deployed.outputs;
        let mut live = self.live.lock().await;
        if live.as_ref().is_some_and(|live| live.outputs == *outputs && live.auth_mode == deployed.auth_mode) {
            return;
        }
        let stop = CancellationToken::new();
        if let Some(before) =
            live.replace(Live { outputs: outputs.clone(), auth_mode: deployed.auth_mode, stop: stop.clone() })
        {
            before.stop.cancel();
        }
        drop(live);
        let start = Start::At(crate::target::now());
        let (out, source) = mpsc::channel(BATCHES_AHEAD);
        self.tasks.spawn(tail::records(target.clone(), outputs.stream_name.clone(), start, out, stop.clone()));
        self.pass_on(EventSource::Records, source, Event::Record);
        let (out, source) = mpsc::channel(BATCHES_AHEAD);
        self.tasks.spawn(tail::logs(target.clone(), tail::log_groups(outputs), start, out, stop.clone()));
        self.pass_on(EventSource::Logs, source, Event::Log);
        let (out, source) = mpsc::channel(BATCHES_AHEAD);
        self.tasks.spawn(tail::objects(target.clone(), outputs.bucket_name.clone(), start, out, stop));
        self.pass_on(EventSource::Objects, source, Event::Object);
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
