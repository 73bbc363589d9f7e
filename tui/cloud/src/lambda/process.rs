//! A function's process as the cloud holds it: started through the supervisor's chain, its output
//! on one pipe, its end reported, and ended for good when the cloud wants so.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    io::{ErrorKind, PipeReader},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::unix::pipe,
    process::{Child, Command},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{
    processes,
    supervisor::{self, FUNCTION_ENVIRONMENT, Report},
};

/// How long the chain may take to end what it supervises before the cloud does it itself.
pub(super) const ENDING_TAKES_AT_MOST: Duration = Duration::from_secs(5);
/// Bytes read from the pipe at once.
const READ_BYTES: usize = 64 * 1024;

/// What happened to the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProcessEvent {
    /// It runs under this number.
    Started(i32),
    /// It could not be executed: `exec format error`.
    Refused(String),
    /// `exit status 1`, `signal: killed`, or empty where it ended well.
    Ended(String),
}

/// What a process is started from.
pub(super) struct Launch<'a> {
    /// The supervisor's command.
    pub supervisor: &'a [OsString],
    /// The folder that the program starts in.
    pub directory: &'a Path,
    pub program: &'a Path,
    /// All that the program sees of variables.
    pub environment: &'a BTreeMap<String, String>,
    /// Unique to the environment; see [`processes::TAG`].
    pub tag: &'a str,
    /// Where the process is noted while it runs.
    pub running: &'a Running,
}

/// The cloud's ends of the sockets of all processes, by tag, so that they can be ended all at once
/// without the help of the tasks that watch them.
#[derive(Debug, Clone, Default)]
pub(super) struct Running(Arc<Mutex<HashMap<String, UnixStream>>>);

impl Running {
    fn sockets(&self) -> MutexGuard<'_, HashMap<String, UnixStream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every supervisor that the cloud ends, and returns when all processes are gone, whose tags
    /// begin so.
    pub fn end_all(&self, prefix: &str) {
        for (_, socket) in self.sockets().drain() {
            // A supervisor that is gone needs to be told nothing.
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
        processes::wait_for_tagged(|tag| tag.starts_with(prefix), ENDING_TAKES_AT_MOST);
        processes::kill_tagged(|tag| tag.starts_with(prefix));
    }
}

/// A function's process with its supervisors. Dropping it ends them all, soon; [`Self::end`] waits
/// until they are gone.
pub(super) struct Process {
    /// What happens to it; `None` when every process is gone.
    pub events: mpsc::Receiver<ProcessEvent>,
    /// What it writes to standard output and standard error, in the order of writing.
    pub output: Output,
    stop: CancellationToken,
}

impl Process {
    /// Starts the chain of processes.
    pub fn start(launch: &Launch<'_>) -> std::io::Result<Self> {
        let Some((program, arguments)) = launch.supervisor.split_first() else {
            return Err(std::io::Error::other("the cloud was started without a command that supervises functions"));
        };
        let (near, far) = UnixStream::pair()?;
        let (reader, writer) = std::io::pipe()?;
        let environment = serde_json::to_string(launch.environment)?;
        let child = Command::new(program)
            .args(arguments)
            .args(supervisor::arguments(supervisor::FIRST_ROLE, launch.directory, launch.program, launch.supervisor))
            .env(FUNCTION_ENVIRONMENT, environment)
            .env(processes::TAG, launch.tag)
            .stdin(Stdio::from(OwnedFd::from(far)))
            .stdout(Stdio::from(OwnedFd::from(writer.try_clone()?)))
            .stderr(Stdio::from(OwnedFd::from(writer)))
            // A Ctrl-C on the terminal is for the cloud, which ends its functions in its own order.
            .process_group(0)
            .spawn()?;
        near.set_nonblocking(true)?;
        launch.running.sockets().insert(launch.tag.to_owned(), near.try_clone()?);
        let socket = tokio::net::UnixStream::from_std(near)?;
        let (sender, events) = mpsc::channel(8);
        let stop = CancellationToken::new();
        let (tag, running, stopped) = (launch.tag.to_owned(), launch.running.clone(), stop.clone());
        tokio::spawn(async move {
            watch(child, socket, &tag, &sender, &stopped).await;
            running.sockets().remove(&tag);
        });
        Ok(Self { events, output: Output::new(reader)?, stop })
    }

    /// Ends the process, its descendants and its supervisors; returns when they are gone.
    pub async fn end(&mut self) {
        self.stop.cancel();
        while self.events.recv().await.is_some() {}
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Reports what happens until every process of the chain is gone, and sees to it that they go.
async fn watch(
    mut child: Child,
    mut socket: tokio::net::UnixStream,
    tag: &str,
    events: &mpsc::Sender<ProcessEvent>,
    stop: &CancellationToken,
) {
    let (reading, mut writing) = socket.split();
    let mut lines = BufReader::new(reading).lines();
    let mut told_end = false;
    let mut tell = async |event: ProcessEvent| {
        told_end |= !matches!(event, ProcessEvent::Started(_));
        // Where nobody listens any more, the environment is being ended.
        let _ = events.send(event).await;
    };
    let mut orderly = false;
    loop {
        tokio::select! {
            line = lines.next_line() => match line.ok().flatten().as_deref().map(Report::parse) {
                None => break,
                Some(None) => {}
                Some(Some(report)) => tell(event_of(report)).await,
            },
            status = child.wait() => {
                orderly = status.is_ok_and(|status| status.success());
                break;
            }
            () = stop.cancelled() => break,
        }
    }
    // The reading ends of guard and keeper see this as the cloud's end.
    let _ = writing.shutdown().await;
    let ending = tokio::time::timeout(ENDING_TAKES_AT_MOST, async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(report) = Report::parse(&line) {
                tell(event_of(report)).await;
            }
        }
        child.wait().await.is_ok_and(|status| status.success())
    });
    orderly = ending.await.unwrap_or(false) || orderly;
    if !orderly {
        let tag = tag.to_owned();
        let _ = tokio::task::spawn_blocking(move || processes::kill_tagged(|found| found == tag)).await;
        let _ = child.wait().await;
    }
    if !told_end {
        let _ = events.send(ProcessEvent::Ended("signal: killed".to_owned())).await;
    }
}

fn event_of(report: Report) -> ProcessEvent {
    match report {
        Report::Started(pid) => ProcessEvent::Started(pid),
        Report::Refused(reason) => ProcessEvent::Refused(reason),
        Report::Exited(0) => ProcessEvent::Ended(String::new()),
        Report::Exited(status) => ProcessEvent::Ended(format!("exit status {status}")),
        Report::Signaled(signal) => ProcessEvent::Ended(format!("signal: {}", signal_words(signal))),
    }
}

/// A signal as Lambda writes it, which is as Go does.
fn signal_words(signal: i32) -> String {
    match signal {
        1 => "hangup".to_owned(),
        2 => "interrupt".to_owned(),
        3 => "quit".to_owned(),
        4 => "illegal instruction".to_owned(),
        6 => "aborted".to_owned(),
        8 => "floating point exception".to_owned(),
        9 => "killed".to_owned(),
        11 => "segmentation fault".to_owned(),
        13 => "broken pipe".to_owned(),
        15 => "terminated".to_owned(),
        other => format!("signal {other}"),
    }
}

/// The pipe that a function writes to.
pub(super) struct Output {
    pipe: pipe::Receiver,
    ended: bool,
}

impl Output {
    fn new(pipe: PipeReader) -> std::io::Result<Self> {
        Ok(Self { pipe: pipe::Receiver::from_owned_fd(pipe.into())?, ended: false })
    }

    /// Waits for output and gives it. Never returns after the last writer is gone. Cancelling it
    /// loses nothing.
    pub async fn read(&mut self) -> Vec<u8> {
        loop {
            if self.ended {
                std::future::pending::<()>().await;
            }
            if self.pipe.readable().await.is_err() {
                self.ended = true;
                continue;
            }
            let mut buffer = vec![0; READ_BYTES];
            match self.pipe.try_read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(length) => {
                    buffer.truncate(length);
                    return buffer;
                }
                // Nothing was there after all.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(_) => self.ended = true,
            }
        }
    }

    /// What has been written until now, without waiting: asked of the system itself, since the
    /// runtime learns of new output only in its own time.
    pub fn read_now(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match rustix::io::read(&self.pipe, &mut buffer[..]) {
                Ok(0) => {
                    self.ended = true;
                    return all;
                }
                Ok(length) => all.extend_from_slice(&buffer[..length]),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return all,
            }
        }
    }
}
