//! One execution environment: a process that runs the function's code, one invocation at a time,
//! with its own Runtime API and its own log stream.
//!
//! A task of its own drives it from its start to its end. Everything that happens to it (what the
//! runtime says, what the process writes, its end, the clock) comes together there, so nothing is
//! locked.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Invocation, Site, entrypoint,
    failure::Failure,
    log_stream::{LogStream, Status, Summary},
    package::Package,
    pool::{Pool, Seat},
    process::{Launch, Process, ProcessEvent},
    processes,
    runtime_api::{ApiAnswer, ApiCall, FunctionResult, LARGEST_PAYLOAD_BYTES, NextInvocation, RuntimeApi, Waiter},
    settings::Settings,
    trouble::{self, Begin},
    variables::variables,
};
use crate::{
    faults::{FunctionEnd, Met, MetInvocation},
    wire::{ServiceError, ServiceResult},
};

/// How long an environment may take to become ready.
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// How long an environment without work is kept.
const IDLE_LIMIT: Duration = Duration::from_mins(5);
/// How long an answer is held back for the runtime to ask for its next invocation: an environment
/// that is known to be ready takes the next one, where otherwise another would be started cold.
const READY_SOON: Duration = Duration::from_millis(50);
/// How long a runtime that said that it cannot start may take to end by itself.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What an environment runs: the function as it was when the environment was started.
#[derive(Debug)]
pub(super) struct Version {
    pub name: String,
    pub arn: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    pub settings: Settings,
    pub package: Arc<Package>,
    /// The pool's when this was read.
    pub generation: u64,
}

/// What is asked of an environment.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub request_id: String,
    pub payload: Bytes,
    /// JSON text.
    pub client_context: Option<String>,
    /// The answer carries the end of the log.
    pub wants_log: bool,
}

/// Work and where its outcome goes.
#[derive(Debug)]
pub(super) struct Job {
    pub work: Work,
    pub outcome: oneshot::Sender<Outcome>,
}

/// What became of a job.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The function ran.
    Done { invocation: Invocation, log: Vec<u8> },
    /// The environment ended before it took the job: another one can.
    NotTaken,
    /// No environment can be started.
    Refused(ServiceError),
}

/// Starts an environment for its first job.
pub(super) fn start(site: Arc<Site>, version: Arc<Version>, pool: Arc<Pool>, first: Job, permit: OwnedSemaphorePermit) {
    let tracker = site.environments.clone();
    tracker.spawn(async move {
        run(&site, version, &pool, first).await;
        drop(permit);
        site.freed.notify_waiters();
    });
}

async fn run(site: &Arc<Site>, version: Arc<Version>, pool: &Arc<Pool>, first: Job) {
    let log = LogStream::new(
        site.logs.clone(),
        version.settings.logging.clone(),
        &version.settings.runtime,
        &version.settings.runtime_version_arn(&site.place),
    );
    let (jobs, waiting) = mpsc::channel(1);
    let id = pool.next_id();
    let folder = site.directory.join(format!("environment-{}", uuid::Uuid::new_v4().simple()));
    let mut environment = Environment {
        site: site.clone(),
        version,
        pool: pool.clone(),
        id,
        jobs,
        retire: CancellationToken::new(),
        folder,
        log,
        running: None,
        peak_memory_bytes: 0,
        init: None,
    };
    environment.live(waiting, first).await;
    environment.end().await;
    let _ = std::fs::remove_dir_all(&environment.folder);
}

/// The processes and the Runtime API of an environment that was started.
struct Runtime {
    api: RuntimeApi,
    process: Process,
    pid: Option<i32>,
    /// The runtime's request for its next invocation.
    waiter: Option<Waiter>,
}

struct Environment {
    site: Arc<Site>,
    version: Arc<Version>,
    pool: Arc<Pool>,
    id: u64,
    jobs: mpsc::Sender<Job>,
    retire: CancellationToken,
    /// Its own folder, for temporary files.
    folder: PathBuf,
    log: LogStream,
    running: Option<Runtime>,
    peak_memory_bytes: u64,
    /// How long the start took, until an invocation has reported it.
    init: Option<Duration>,
}

/// What the driving task waits for.
enum Happening {
    /// The runtime is ready for the next invocation.
    Ready,
    Finished {
        request_id: String,
        result: FunctionResult,
        reply: oneshot::Sender<ApiAnswer>,
    },
    InitError {
        result: FunctionResult,
        reply: oneshot::Sender<ApiAnswer>,
    },
    /// The process is gone.
    Ended(Failure),
}

impl Environment {
    /// From the start to the moment at which it has to end.
    async fn live(&mut self, mut waiting: mpsc::Receiver<Job>, first: Job) {
        self.log.init_start();
        let mut alive = match self.start("init", INIT_LIMIT).await {
            Err(error) => {
                let _ = first.outcome.send(Outcome::Refused(error));
                return;
            }
            Ok(Ok(init)) => {
                self.init = Some(init);
                self.invoke(first, Instant::now()).await
            }
            Ok(Err(_)) => self.start_again_and_invoke(first).await,
        };
        let (retire, stop) = (self.retire.clone(), self.site.stop.clone());
        while alive {
            tokio::select! {
                job = waiting.recv() => {
                    let Some(job) = job else { break };
                    alive = self.invoke(job, Instant::now()).await;
                }
                happening = self.happening() => match happening {
                    Happening::Ready => {}
                    Happening::Finished { reply, .. } | Happening::InitError { reply, .. } => {
                        let _ = reply.send(ApiAnswer::InvalidState);
                    }
                    Happening::Ended(failure) => {
                        self.ended_idle(&failure);
                        break;
                    }
                },
                () = sleep(IDLE_LIMIT) => alive = !self.pool.remove(self.id),
                () = retire.cancelled() => break,
                () = stop.cancelled() => break,
            }
        }
        // A job that was sent in the last moment goes to another environment.
        waiting.close();
        while let Ok(job) = waiting.try_recv() {
            let _ = job.outcome.send(Outcome::NotTaken);
        }
    }

    /// Starts the process and waits until its runtime is ready; gives the time it took. A service
    /// error means that the environment itself cannot be made.
    async fn start(&mut self, phase: &str, limit: Duration) -> ServiceResult<Result<Duration, Failure>> {
        let started = Instant::now();
        let mut environment = variables(&self.site, &self.version, &self.folder, self.log.name())?;
        let directory = self.version.package.directory().to_owned();
        let ready = match entrypoint::find(&directory, self.version.architecture.as_str()) {
            Err(failure) => Err(failure),
            Ok(program) => {
                let api = RuntimeApi::listen().await.map_err(ServiceError::internal)?;
                environment.insert("AWS_LAMBDA_RUNTIME_API".to_owned(), api.address.to_string());
                let process = self.site.start_process(&Launch {
                    supervisor: &self.site.place.supervisor,
                    directory: &directory,
                    program: &program,
                    environment: &environment,
                    tag: &format!("{}/{}", self.site.tag, uuid::Uuid::new_v4().simple()),
                    running: &self.site.running,
                })?;
                self.running = Some(Runtime { api, process, pid: None, waiter: None });
                self.wait_until_ready(started + limit).await
            }
        };
        let took = started.elapsed();
        self.measure_memory();
        match ready {
            Ok(()) => {
                self.log.init_done(phase, Status::Success, None, took);
                Ok(Ok(took))
            }
            Err(failure) => {
                self.end().await;
                self.log.init_done(phase, failure.status, Some(&failure.error_type), took);
                Ok(Err(failure))
            }
        }
    }

    async fn wait_until_ready(&mut self, limit: Instant) -> Result<(), Failure> {
        let stop = self.site.stop.clone();
        loop {
            let happening = tokio::select! {
                happening = self.happening() => happening,
                () = sleep_until(limit) => {
                    return Err(Failure { status: Status::Timeout, ..Failure::new("Sandbox.Timedout", "Init timed out") });
                }
                () = stop.cancelled() => return Err(Failure::new("Runtime.ExitError", "The cloud ends")),
            };
            match happening {
                Happening::Ready => return Ok(()),
                Happening::Finished { reply, .. } => {
                    let _ = reply.send(ApiAnswer::InvalidRequestId);
                }
                Happening::InitError { result, reply } => {
                    let _ = reply.send(ApiAnswer::Accepted);
                    let (payload, error_type) = match result {
                        FunctionResult::Error { payload, error_type } => (Some(payload), error_type),
                        FunctionResult::Answer(_) | FunctionResult::TooLarge => (None, "Runtime.Unknown".to_owned()),
                    };
                    // It writes why, and ends by itself.
                    let _ = timeout(LAST_WORDS, self.until_ended()).await;
                    return Err(Failure { payload, ..Failure::new(&error_type, "The runtime could not start") });
                }
                Happening::Ended(failure) => return Err(failure),
            }
        }
    }

    async fn until_ended(&mut self) {
        while !matches!(self.happening().await, Happening::Ended(_)) {}
    }

    /// Lambda repeats a start that failed as part of the invocation, within the function's own time.
    async fn start_again_and_invoke(&mut self, job: Job) -> bool {
        let started = Instant::now();
        let limit = self.timeout();
        self.log.start(&job.work.request_id);
        match self.start("invoke", limit).await {
            Err(error) => {
                let _ = job.outcome.send(Outcome::Refused(error));
                false
            }
            Ok(Ok(_)) => self.run_job(job, started).await,
            Ok(Err(failure)) => {
                let failure = if failure.status == Status::Timeout { self.timed_out() } else { failure };
                self.fail(job.work, Some(job.outcome), started, &failure).await;
                false
            }
        }
    }

    /// Runs one invocation; gives whether the environment can take another.
    async fn invoke(&mut self, job: Job, started: Instant) -> bool {
        if !self.still_runs().await {
            let _ = job.outcome.send(Outcome::NotTaken);
            return false;
        }
        self.log.start(&job.work.request_id);
        self.run_job(job, started).await
    }

    /// Whether the process lives and its runtime waits: it may have been killed since it became
    /// idle. Then the job is for another environment.
    async fn still_runs(&mut self) -> bool {
        while self.running.as_ref().is_some_and(|running| running.waiter.as_ref().is_none_or(Waiter::is_closed)) {
            // A runtime that lives and asks for nothing is the business of the function's time limit.
            let Ok(happening) = timeout(READY_SOON, self.happening()).await else { return true };
            match happening {
                Happening::Ready => {}
                Happening::Finished { reply, .. } | Happening::InitError { reply, .. } => {
                    let _ = reply.send(ApiAnswer::InvalidState);
                }
                Happening::Ended(failure) => {
                    self.ended_idle(&failure);
                    return false;
                }
            }
        }
        self.running.is_some()
    }

    fn ended_idle(&mut self, failure: &Failure) {
        self.pool.remove(self.id);
        self.log.fault(&format!("{} between invocations", failure.message), &failure.error_type);
    }

    async fn run_job(&mut self, job: Job, started: Instant) -> bool {
        let Job { work, outcome } = job;
        let mut outcome = Some(outcome);
        let deadline = started + self.timeout();
        let next = NextInvocation {
            request_id: work.request_id.clone(),
            deadline_ms: Timestamp::now().as_millisecond()
                + i64::try_from(deadline.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(i64::MAX),
            function_arn: self.version.arn.clone(),
            trace_id: trace_id(),
            client_context: work.client_context.clone(),
            payload: work.payload.clone(),
        };
        let stop = self.site.stop.clone();
        let MetInvocation { delay, end } = self.site.faults.meet_invocation(&self.version.name);
        let mut after = end.clone().filter(Met::is_after);
        let mut waits = delay.is_some() || end.is_some();
        let mut let_go = std::pin::pin!(trouble::before(delay, end));
        let mut delivered = !waits && self.deliver(&next);
        // What the function answered, and an order holds back until the time limit.
        let mut kept_back: Option<(FunctionResult, oneshot::Sender<ApiAnswer>, CancellationToken)> = None;
        let mut result: Option<FunctionResult> = None;
        let mut answered_by = None;
        let failure = loop {
            let hold = answered_by.filter(|_| outcome.is_some() && !work.wants_log);
            let happening = tokio::select! {
                happening = self.happening() => happening,
                begin = &mut let_go, if waits => {
                    waits = false;
                    match begin {
                        Begin::Deliver => delivered = self.deliver(&next),
                        Begin::Kill => if let Some(failure) = self.kill_process().await {
                            break Some(failure);
                        },
                        Begin::Throw { error_type, message } => {
                            self.log.threw(&work.request_id, &error_type, &message);
                            let payload = json!({"errorType": error_type, "errorMessage": message}).to_string();
                            result = Some(FunctionResult::Error { payload: payload.into(), error_type });
                            answered_by = Some(Instant::now() + READY_SOON);
                            // The runtime was given nothing, and waits on.
                            if self.running.as_ref().is_some_and(|running| running.waiter.is_some()) {
                                break None;
                            }
                        }
                    }
                    continue;
                }
                () = trouble::lifted(kept_back.as_ref().map(|(.., lifted)| lifted)) => {
                    if let Some((said, reply, _)) = kept_back.take() {
                        result = Some(accept(said, reply));
                        answered_by = Some(Instant::now() + READY_SOON);
                    }
                    continue;
                }
                () = sleep_until(deadline) => break Some(self.timed_out()),
                () = stop.cancelled() => break Some(Failure::new("Runtime.ExitError", "The cloud ends")),
                () = sleep_until(hold.unwrap_or(deadline)), if hold.is_some() => {
                    if let (Some(outcome), Some(result)) = (outcome.take(), &result) {
                        self.answer(&work, outcome, result);
                    }
                    continue;
                }
            };
            match happening {
                Happening::Ready if result.is_some() => break None,
                Happening::Ready if delivered => {
                    if let Some(waiter) = self.running.as_mut().and_then(|running| running.waiter.take()) {
                        let _ = waiter.send(Err(ApiAnswer::InvalidState));
                    }
                }
                Happening::Ready if waits => {}
                Happening::Ready => delivered = self.deliver(&next),
                Happening::Finished { request_id, result: said, reply } => {
                    if !delivered || request_id != work.request_id {
                        let _ = reply.send(ApiAnswer::InvalidRequestId);
                    } else if result.is_some() || kept_back.is_some() {
                        let _ = reply.send(ApiAnswer::InvalidState);
                    } else {
                        match after.take() {
                            None => {
                                result = Some(accept(said, reply));
                                answered_by = Some(Instant::now() + READY_SOON);
                            }
                            Some(Met { effect: FunctionEnd::Timeout(_), lifted }) => {
                                kept_back = Some((said, reply, lifted));
                            }
                            Some(_) => {
                                if let Some(failure) = self.kill_process().await {
                                    break Some(failure);
                                }
                            }
                        }
                    }
                }
                Happening::InitError { reply, .. } => {
                    let _ = reply.send(ApiAnswer::InvalidState);
                }
                Happening::Ended(failure) => break Some(failure),
            }
        };
        if let Some(failure) = failure {
            // What the function answered before it failed stands.
            if let (Some(result), Some(sender)) = (&result, outcome.take_if(|_| result.is_some())) {
                self.answer(&work, sender, result);
            }
            self.fail(work, outcome, started, &failure).await;
            return false;
        }
        let Some(result) = result else { return false };
        self.finish_output();
        self.measure_memory();
        let (status, error_type, produced_bytes) = match &result {
            FunctionResult::Answer(payload) => (Status::Success, None, payload.len()),
            FunctionResult::Error { payload, error_type } => (Status::Failure, Some(error_type.clone()), payload.len()),
            FunctionResult::TooLarge => (Status::Failure, Some("Function.ResponseSizeTooLarge".to_owned()), 0),
        };
        self.report(&work.request_id, status, error_type, started.elapsed(), produced_bytes);
        let seat = Seat {
            id: self.id,
            generation: self.version.generation,
            jobs: self.jobs.clone(),
            retire: self.retire.clone(),
        };
        // Ready before the caller knows: its next call finds this environment warm.
        let stays = self.pool.put_back(seat);
        self.site.freed.notify_waiters();
        if let Some(outcome) = outcome {
            self.answer(&work, outcome, &result);
        }
        stays
    }

    /// Hands the invocation to the runtime where it waits for one.
    fn deliver(&mut self, next: &NextInvocation) -> bool {
        let waiter = self.running.as_mut().and_then(|running| running.waiter.take());
        waiter.is_some_and(|waiter| waiter.send(Ok(next.clone())).is_ok())
    }

    fn answer(&self, work: &Work, outcome: oneshot::Sender<Outcome>, result: &FunctionResult) {
        let (payload, function_error) = match result {
            FunctionResult::Answer(payload) => (payload.clone(), None),
            FunctionResult::Error { payload, .. } => (payload.clone(), Some("Unhandled")),
            FunctionResult::TooLarge => {
                let error = json!({
                    "errorType": "Function.ResponseSizeTooLarge",
                    "errorMessage": format!(
                        "Response payload size exceeded maximum allowed payload size ({LARGEST_PAYLOAD_BYTES} bytes)."
                    ),
                });
                (error.to_string().into(), Some("Unhandled"))
            }
        };
        let invocation = Invocation { payload, function_error, request_id: work.request_id.clone() };
        let log = if work.wants_log { self.log.tail().to_vec() } else { Vec::new() };
        // A caller that went away needs no answer.
        let _ = outcome.send(Outcome::Done { invocation, log });
    }

    /// Ends the environment after an invocation that the process did not survive, says so in the
    /// log, and then answers.
    async fn fail(
        &mut self,
        work: Work,
        outcome: Option<oneshot::Sender<Outcome>>,
        started: Instant,
        failure: &Failure,
    ) {
        let duration = if failure.status == Status::Timeout { self.timeout() } else { started.elapsed() };
        self.measure_memory();
        self.end().await;
        if failure.status == Status::Timeout {
            self.log.timed_out(&work.request_id, self.version.settings.timeout_s);
        } else if failure.payload.is_none() {
            self.log.fault(&failure.words(&work.request_id), &failure.error_type);
        }
        let error_type = (failure.status != Status::Timeout).then(|| failure.error_type.clone());
        self.report(&work.request_id, failure.status, error_type, duration, 0);
        if let Some(outcome) = outcome {
            let payload = failure.payload(&work.request_id);
            self.answer(&work, outcome, &FunctionResult::Error { payload, error_type: failure.error_type.clone() });
        }
    }

    /// Kills the process, whose end is then seen as that of any other; gives the failure where its
    /// number is not known yet, and all of the environment had to be ended.
    async fn kill_process(&mut self) -> Option<Failure> {
        if let Some(pid) = self.running.as_ref().and_then(|running| running.pid) {
            processes::kill(pid);
            return None;
        }
        self.end().await;
        Some(Failure::exited("signal: killed"))
    }

    fn timed_out(&self) -> Failure {
        Failure::timeout(self.version.settings.timeout_s)
    }

    fn report(
        &mut self,
        request_id: &str,
        status: Status,
        error_type: Option<String>,
        duration: Duration,
        produced_bytes: usize,
    ) {
        let summary = Summary {
            request_id: request_id.to_owned(),
            status,
            error_type,
            duration,
            init_duration: self.init.take(),
            memory_size_mb: self.version.settings.memory_mb,
            max_memory_used_mb: self.peak_memory_bytes.div_ceil(1024 * 1024),
            produced_bytes,
        };
        self.log.report(&summary);
    }

    /// Waits for the next thing that happens; output is written to the log as it comes. Cancelling
    /// it loses nothing.
    async fn happening(&mut self) -> Happening {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        loop {
            tokio::select! {
                output = running.process.output.read() => self.log.function_output(&output),
                call = running.api.calls.recv() => match call {
                    Some(ApiCall::Next(waiter)) => {
                        running.waiter = Some(waiter);
                        return Happening::Ready;
                    }
                    Some(ApiCall::Finished { request_id, result, reply }) => {
                        return Happening::Finished { request_id, result, reply };
                    }
                    Some(ApiCall::InitError { result, reply }) => return Happening::InitError { result, reply },
                    None => return Happening::Ended(Failure::new("Runtime.ExitError", "The Runtime API ended")),
                },
                event = running.process.events.recv() => match event {
                    Some(ProcessEvent::Started(pid)) => running.pid = Some(pid),
                    Some(ProcessEvent::Refused(reason)) => {
                        let program = self.version.package.directory().join(entrypoint::NAME);
                        let message = format!("fork/exec {}: {reason}", program.display());
                        return Happening::Ended(Failure::new("Runtime.InvalidEntrypoint", message));
                    }
                    Some(ProcessEvent::Ended(how)) => return Happening::Ended(Failure::exited(&how)),
                    None => return Happening::Ended(Failure::exited("signal: killed")),
                },
            }
        }
    }

    /// Writes what the function wrote until now.
    fn finish_output(&mut self) {
        if let Some(running) = &mut self.running {
            let output = running.process.output.read_now();
            self.log.function_output(&output);
            self.log.finish_line();
        }
    }

    /// Ends every process of the environment, and writes their last words.
    async fn end(&mut self) {
        if let Some(running) = &mut self.running {
            running.process.end().await;
        }
        self.finish_output();
        self.running = None;
    }

    fn measure_memory(&mut self) {
        let pid = self.running.as_ref().and_then(|running| running.pid);
        if let Some(bytes) = pid.and_then(processes::peak_memory_bytes) {
            self.peak_memory_bytes = self.peak_memory_bytes.max(bytes);
        }
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.version.settings.timeout_s.into())
    }
}

/// Takes what the function answered.
fn accept(said: FunctionResult, reply: oneshot::Sender<ApiAnswer>) -> FunctionResult {
    let taken = if matches!(said, FunctionResult::TooLarge) { ApiAnswer::TooLarge } else { ApiAnswer::Accepted };
    let _ = reply.send(taken);
    said
}

/// An X-Ray header that samples nothing.
fn trace_id() -> String {
    let root = uuid::Uuid::new_v4().simple().to_string();
    let parent = uuid::Uuid::new_v4().simple().to_string();
    format!("Root=1-{:08x}-{};Parent={};Sampled=0", Timestamp::now().as_second(), &root[..24], &parent[..16])
}
