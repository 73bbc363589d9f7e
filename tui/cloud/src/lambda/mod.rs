//! Lambda: functions from zips, run as processes of their own over the Runtime API.
//!
//! [`operations`] is the control plane, [`requests`] its HTTP; an invocation takes an idle
//! [`environment`] out of the function's [`pool`] or starts another.

mod entrypoint;
mod environment;
mod failure;
mod function;
mod log_stream;
mod name;
mod operations;
mod package;
mod policy;
mod pool;
mod process;
mod processes;
mod requests;
mod runtime_api;
mod settings;
pub mod supervisor;
mod trouble;
mod variables;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::requests::{error_body, has_operation, operation_of};

use self::{
    environment::{Job, Outcome, Work},
    function::Function,
    name::{LATEST, Reference},
    pool::{Pool, Seat},
    process::{Launch, Process},
    settings::invalid,
};
use crate::{
    Place,
    caller::Caller,
    faults::Faults,
    iam::Iam,
    logs::Logs,
    s3::S3,
    wire::{Input, Request, Response, ServiceError, ServiceResult, new_request_id},
};

/// Invocations of the account that may run at once, as AWS allows it: more are throttled.
const CONCURRENT_INVOCATIONS: u32 = 1000;
/// Execution environments at once on this machine: more invocations wait for one to be free.
const ENVIRONMENTS_AT_ONCE: usize = 64;
/// Bytes of a payload that is waited for.
const LARGEST_SYNCHRONOUS_BYTES: usize = 6_291_456;
/// Bytes of a payload that is queued.
const LARGEST_EVENT_BYTES: usize = 1_048_576;

/// What is said of a role that is not there or does not trust Lambda.
const UNASSUMABLE: &str = "The role defined for the function cannot be assumed by Lambda.";

/// How one invocation ended.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// The function's answer, or the error object it or the service made.
    pub payload: Bytes,
    /// `Handled` or `Unhandled` where the function failed.
    pub function_error: Option<&'static str>,
    /// Lambda's own id of the invocation.
    pub request_id: String,
}

/// The functions.
pub(crate) struct Lambda {
    site: Arc<Site>,
    s3: Arc<S3>,
    functions: Mutex<BTreeMap<String, Function>>,
    /// All invocations of the account are counted here.
    account: Arc<Pool>,
}

/// What execution environments have in common.
struct Site {
    place: Arc<Place>,
    iam: Arc<Iam>,
    logs: Arc<Logs>,
    faults: Arc<Faults>,
    /// The folder of this cloud's code and temporary files.
    directory: PathBuf,
    /// What the tags of this cloud's processes begin with: the cloud's own process, then one of the
    /// clouds in it.
    tag: String,
    permits: Arc<Semaphore>,
    /// Told when an environment is free or gone.
    freed: Notify,
    /// The tasks that drive environments.
    environments: TaskTracker,
    stop: CancellationToken,
    running: process::Running,
    /// Whether no process may be started any more.
    stopped: Mutex<bool>,
}

impl Site {
    /// Starts a process, unless the cloud ends.
    fn start_process(&self, launch: &Launch<'_>) -> ServiceResult<Process> {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if *stopped {
            return Err(ends());
        }
        Process::start(launch)
            .map_err(|error| ServiceError::internal(format!("The function's process cannot be started: {error}")))
    }
}

fn ends() -> ServiceError {
    ServiceError::new(503, "ServiceException", "The embedded cloud ends.")
}

impl Lambda {
    /// No functions yet. Ends what clouds left behind that were killed together with their
    /// supervisors.
    pub fn new(place: Arc<Place>, iam: Arc<Iam>, s3: Arc<S3>, logs: Arc<Logs>, faults: Arc<Faults>) -> Arc<Self> {
        let cloud = processes::identity(rustix::process::getpid().as_raw_pid()).unwrap_or_default();
        let unique = uuid::Uuid::new_v4().simple().to_string();
        // A function's process starts in another folder, so paths must not depend on the present one.
        let functions = std::path::absolute(&place.data_dir).unwrap_or_else(|_| place.data_dir.clone());
        let functions = functions.join("functions");
        let directory = functions.join(format!("{cloud}.{unique}"));
        std::thread::spawn(move || clear_up_after_others(&functions));
        let site = Arc::new(Site {
            place,
            iam,
            logs,
            faults,
            directory,
            tag: format!("{cloud}/{unique}"),
            permits: Arc::new(Semaphore::new(ENVIRONMENTS_AT_ONCE)),
            freed: Notify::new(),
            environments: TaskTracker::new(),
            stop: CancellationToken::new(),
            running: process::Running::default(),
            stopped: Mutex::new(false),
        });
        Arc::new(Self { site, s3, functions: Mutex::default(), account: Arc::default() })
    }

    fn functions(&self) -> MutexGuard<'_, BTreeMap<String, Function>> {
        self.functions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The function named, as it is now.
    fn find(&self, reference: &Reference) -> ServiceResult<Function> {
        let qualifier = reference.qualifier.as_deref();
        let arn = self.site.place.arn("lambda", &format!("function:{}", reference.name));
        self.functions()
            .get(&reference.name)
            .filter(|_| qualifier.is_none_or(|qualifier| qualifier == LATEST))
            .cloned()
            .ok_or_else(|| name::not_found(&arn, qualifier))
    }

    /// Runs a function, named by name or ARN, and waits for its end. Refuses with
    /// `ResourceNotFoundException`, `TooManyRequestsException`.
    pub async fn invoke(self: &Arc<Self>, function: &str, payload: Bytes) -> ServiceResult<Invocation> {
        check_size(payload.len(), "RequestResponse", LARGEST_SYNCHRONOUS_BYTES)?;
        let reference = Reference::parse(&self.site.place, function)?;
        let work = Work { request_id: new_request_id(), payload, client_context: None, wants_log: false };
        self.run(&reference, work).await.map(|(invocation, _)| invocation)
    }

    /// Runs a function; gives its outcome and, where it is wanted, the end of its log.
    async fn run(&self, reference: &Reference, work: Work) -> ServiceResult<(Invocation, Vec<u8>)> {
        let function = self.find(reference)?;
        let pool = function.pool.clone();
        let _running = pool
            .count_in(function.reserved)
            .ok_or_else(|| throttled("ReservedFunctionConcurrentInvocationLimitExceeded"))?;
        let _counted = self
            .account
            .count_in(Some(CONCURRENT_INVOCATIONS))
            .ok_or_else(|| throttled("ConcurrentInvocationLimitExceeded"))?;
        loop {
            let (sender, outcome) = oneshot::channel();
            let job = Job { work: work.clone(), outcome: sender };
            match self.place_for(&pool).await? {
                Room::Warm(seat) => {
                    if seat.jobs.send(job).await.is_err() {
                        continue;
                    }
                }
                Room::Cold(permit) => {
                    // Read again: the function may have changed or gone while this waited.
                    let version = self.find(reference)?.version();
                    environment::start(self.site.clone(), version, pool.clone(), job, permit);
                }
            }
            match outcome.await {
                Ok(Outcome::Done { invocation, log }) => return Ok((invocation, log)),
                Ok(Outcome::Refused(error)) => return Err(error),
                Ok(Outcome::NotTaken) => {}
                Err(_) if self.site.stop.is_cancelled() => return Err(ends()),
                Err(_) => return Err(ServiceError::new(500, "ServiceException", "The execution environment failed.")),
            }
        }
    }

    /// An idle environment, or leave to start another; waits where this machine runs as many as it
    /// may.
    async fn place_for(&self, pool: &Pool) -> ServiceResult<Room> {
        loop {
            let freed = self.site.freed.notified();
            if self.site.stop.is_cancelled() {
                return Err(ends());
            }
            if let Some(seat) = pool.take_idle() {
                return Ok(Room::Warm(seat));
            }
            if let Ok(permit) = self.site.permits.clone().try_acquire_owned() {
                return Ok(Room::Cold(permit));
            }
            // One that idles for another function makes room.
            let pools: Vec<Arc<Pool>> = self.functions().values().map(|function| function.pool.clone()).collect();
            let oldest =
                pools.iter().filter_map(|pool| Some((pool.longest_idle()?, pool))).min_by_key(|(since, _)| *since);
            if let Some((_, pool)) = oldest {
                pool.retire_longest_idle();
            }
            tokio::select! {
                () = freed => {}
                () = self.site.stop.cancelled() => {}
            }
        }
    }

    /// Whether the function's resource policy lets `service` (`apigateway.amazonaws.com`) invoke it
    /// from `source_arn`.
    pub fn may_invoke(&self, function: &str, service: &str, source_arn: &str) -> bool {
        let place = &self.site.place;
        Reference::parse(place, function).and_then(|reference| self.find(&reference)).is_ok_and(|function| {
            // The account stands in the fifth field of an ARN.
            let account = source_arn.split(':').nth(4).unwrap_or_default();
            function.policy.allows(service, source_arn, account)
        })
    }

    /// A request whose signature was checked.
    pub async fn http(self: &Arc<Self>, caller: &Caller, request: Request) -> Response {
        requests::answer(self, caller, &request).await
    }

    /// A Lambda operation (`CreateFunction`, …), input and output as JSON.
    pub async fn call(self: &Arc<Self>, caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        operations::call(self, caller, operation, input).await
    }

    /// Ends every process.
    pub async fn shutdown(&self) {
        self.site.stop.cancel();
        self.site.environments.close();
        self.site.environments.wait().await;
        let site = self.site.clone();
        let _ = tokio::task::spawn_blocking(move || site.end_now()).await;
    }

    /// Ends every process at once, without the help of the tasks that drive them.
    pub fn end_now(&self) {
        self.site.end_now();
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.site.end_now();
    }
}

impl Site {
    fn end_now(&self) {
        self.stop.cancel();
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut stopped, true) {
            return;
        }
        self.running.end_all(&format!("{}/", self.tag));
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Ends the processes and removes the folders of clouds that are gone.
fn clear_up_after_others(functions: &std::path::Path) {
    let is_gone = |tag: &str| tag.split_once('/').is_some_and(|(cloud, _)| !processes::may_run(cloud));
    // Supervisors of a cloud that was killed just now are at work, and reach what carries no tag. One
    // that is killed while this waits has not had its time yet: it is left to them.
    let gone = processes::tags(is_gone);
    processes::wait_for_tagged(|tag| gone.contains(tag), process::ENDING_TAKES_AT_MOST);
    processes::kill_tagged(|tag| gone.contains(tag));
    for entry in std::fs::read_dir(functions).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.split_once('.').is_some_and(|(cloud, _)| !processes::may_run(cloud)) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Where a job goes.
enum Room {
    Warm(Seat),
    Cold(OwnedSemaphorePermit),
}

fn throttled(reason: &str) -> ServiceError {
    ServiceError::new(429, "TooManyRequestsException", "Rate Exceeded.").with("Reason", reason)
}

fn check_size(length: usize, kind: &str, limit: usize) -> ServiceResult<()> {
    if length <= limit {
        return Ok(());
    }
    Err(ServiceError::new(
        413,
        "RequestTooLargeException",
        format!("{length} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"),
    ))
}
