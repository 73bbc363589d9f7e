//! The processes between the cloud and a function: they end the function's processes when the cloud
//! goes, however that happens, and when one of themselves goes.
//!
//! Every execution environment is a chain of processes, each started by the one before:
//!
//! ```text
//! cloud ── guard ── keeper ── launcher, which becomes the function's bootstrap
//! ```
//!
//! - Guard and keeper hold one end of a socket whose other end only the cloud holds: when the cloud
//!   ends, by whatever signal, they read its end and kill all that descends from them. Both are
//!   subreapers, so that a process that forks twice or leaves its session stays their descendant.
//! - When the keeper is killed, the guard sees its child end and kills all that descends from it;
//!   when the guard is killed, the keeper sees its parent end and does the same.
//! - When both are killed at once, the system kills the bootstrap itself (its parent's death
//!   signal), and the cloud, which sees the socket close, kills every process that carries the
//!   environment's tag in its variables (`TAILWATER_ENVIRONMENT`).
//! - When the cloud is killed together with both, the bootstrap dies by its parent's death signal,
//!   and the next cloud of the user kills what carries the tag of a cloud that is gone.
//!
//! The launcher exists because the death signal has to be asked for between fork and exec, which no
//! safe function of the standard library allows: it asks for itself, then becomes the bootstrap.
//!
//! Elsewhere than on Linux there are neither subreapers nor death signals: there is no guard, and a
//! keeper ends the descendants it can still see and the bootstrap's process group.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io::{Read, Write},
    os::{
        fd::AsFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    process::{Command, ExitCode, Stdio},
};

use rustix::process::{WaitOptions, WaitStatus, wait};

use super::processes;

/// The variable that carries the bootstrap's environment, as a JSON object, through guard and
/// keeper, which run in the cloud's own environment.
pub(super) const FUNCTION_ENVIRONMENT: &str = "TAILWATER_FUNCTION_ENVIRONMENT";

/// Which process of the chain the cloud starts.
pub(super) const FIRST_ROLE: &str = if cfg!(target_os = "linux") { GUARD } else { KEEPER };
const GUARD: &str = "guard";
const KEEPER: &str = "keeper";
const LAUNCHER: &str = "launcher";

/// What the chain tells the cloud over the socket, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Report {
    /// The launcher runs; the bootstrap will have the same process number.
    Started(i32),
    /// The bootstrap could not be executed: what the system said.
    Refused(String),
    /// The bootstrap ended by itself.
    Exited(i32),
    /// A signal ended it.
    Signaled(i32),
}

impl Report {
    /// Reads a line.
    pub fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.trim_end().split_once(' ')?;
        match word {
            "started" => rest.parse().ok().map(Self::Started),
            "refused" => Some(Self::Refused(rest.to_owned())),
            "exited" => rest.parse().ok().map(Self::Exited),
            "signaled" => rest.parse().ok().map(Self::Signaled),
            _ => None,
        }
    }

    fn send(&self) {
        self.send_to(socket());
    }

    fn send_to(&self, socket: Option<UnixStream>) {
        let line = match self {
            Self::Started(pid) => format!("started {pid}\n"),
            Self::Refused(reason) => format!("refused {reason}\n"),
            Self::Exited(status) => format!("exited {status}\n"),
            Self::Signaled(signal) => format!("signaled {signal}\n"),
        };
        if let Some(mut socket) = socket {
            // Where the cloud is gone, nobody asks any more.
            let _ = socket.write_all(line.as_bytes());
        }
    }
}

/// The way to the cloud, which is this process's standard input.
fn socket() -> Option<UnixStream> {
    std::io::stdin().as_fd().try_clone_to_owned().ok().map(UnixStream::from)
}

/// Runs as one of the processes that supervise a function. `arguments` are those that the cloud
/// appended to [`crate::Options::supervisor`].
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    let Some(chain) = Chain::parse(arguments) else {
        eprintln!("This mode is started by the embedded cloud, for a function's processes.");
        return ExitCode::from(2);
    };
    match chain.role.to_str() {
        Some(GUARD) => guard(&chain),
        Some(KEEPER) => keeper(&chain),
        Some(LAUNCHER) => launcher(&chain),
        _ => ExitCode::from(2),
    }
}

/// What a process of the chain is told: its role, the parent it expects, the function's folder and
/// program, and the command that starts the next of the chain.
struct Chain {
    role: OsString,
    directory: OsString,
    program: OsString,
    command: Vec<OsString>,
}

impl Chain {
    fn parse(arguments: Vec<OsString>) -> Option<Self> {
        let mut arguments = arguments.into_iter();
        let chain = Self {
            role: arguments.next()?,
            directory: arguments.next()?,
            program: arguments.next()?,
            command: arguments.collect(),
        };
        (!chain.command.is_empty()).then_some(chain)
    }

    /// The next process of the chain. It inherits the socket, and output goes to the cloud.
    fn next(&self, role: &str) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).args(arguments(role, &self.directory, &self.program, &self.command));
        command
    }
}

/// The arguments that follow the supervisor's command.
pub(super) fn arguments(
    role: &str,
    directory: impl AsRef<OsStr>,
    program: impl AsRef<OsStr>,
    command: &[OsString],
) -> Vec<OsString> {
    let mut arguments = vec![OsString::from(role), directory.as_ref().to_owned(), program.as_ref().to_owned()];
    arguments.extend_from_slice(command);
    arguments
}

fn guard(chain: &Chain) -> ExitCode {
    become_subreaper();
    let keeper = match chain.next(KEEPER).spawn() {
        Ok(child) => child.id(),
        Err(error) => {
            Report::Refused(format!("the supervisor: {error}")).send();
            return ExitCode::FAILURE;
        }
    };
    std::thread::spawn(|| {
        wait_for_end_of_cloud();
        end_everything();
    });
    let status = reap_until_end_of(keeper);
    processes::kill_descendants();
    match status {
        Some(status) if status.exit_status() == Some(0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn keeper(chain: &Chain) -> ExitCode {
    become_subreaper();
    std::thread::spawn(|| {
        wait_for_end_of_cloud_or_parent();
        end_everything();
    });
    // The bootstrap gets a process group of its own: what it sends to its group does not reach the
    // supervisors, and a Ctrl-C on the terminal reaches neither.
    let bootstrap = match chain.next(LAUNCHER).process_group(0).spawn() {
        Ok(child) => child.id(),
        Err(error) => {
            Report::Refused(format!("the supervisor: {error}")).send();
            return ExitCode::FAILURE;
        }
    };
    if let Ok(pid) = i32::try_from(bootstrap) {
        Report::Started(pid).send();
    }
    let status = reap_until_end_of(bootstrap);
    end_group(bootstrap);
    processes::kill_descendants();
    match status.map(|status| (status.exit_status(), status.terminating_signal())) {
        Some((Some(status), _)) => Report::Exited(status).send(),
        Some((_, Some(signal))) => Report::Signaled(signal).send(),
        _ => {}
    }
    ExitCode::SUCCESS
}

fn launcher(chain: &Chain) -> ExitCode {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        // Where the keeper ended before this was said, the guard ends this process.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
    let environment: BTreeMap<String, String> =
        std::env::var(FUNCTION_ENVIRONMENT).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    // Its own end of the socket goes over to the bootstrap no more than standard input does, but it is
    // still there where the bootstrap cannot be executed.
    let socket = socket();
    let error = Command::new(&chain.program)
        .current_dir(&chain.directory)
        .env_clear()
        .envs(environment)
        .envs(std::env::var_os(processes::TAG).map(|tag| (processes::TAG, tag)))
        .stdin(Stdio::null())
        .exec();
    Report::Refused(system_words(&error)).send_to(socket);
    ExitCode::from(127)
}

/// What the system said, in its own words and without Rust's number: `exec format error`.
pub(super) fn system_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

fn become_subreaper() {
    #[cfg(target_os = "linux")]
    {
        let own = rustix::process::getpid();
        // It can only fail on a kernel older than 3.4.
        let _ = rustix::process::set_child_subreaper(Some(own));
    }
}

fn end_group(leader: u32) {
    if let Some(leader) = i32::try_from(leader).ok().and_then(rustix::process::Pid::from_raw) {
        // An empty group is no error here.
        let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
    }
}

fn end_everything() -> ! {
    processes::kill_descendants();
    std::process::exit(0);
}

/// Asks for every child's end, adopted ones too, until the one named ended; `None`: nothing more
/// can be known of it.
fn reap_until_end_of(child: u32) -> Option<WaitStatus> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if u32::try_from(pid.as_raw_pid()).ok() == Some(child) => return Some(status),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Returns when the cloud's end of the socket is closed.
fn wait_for_end_of_cloud() {
    let mut nothing = [0; 64];
    let mut socket = std::io::stdin().lock();
    loop {
        match socket.read(&mut nothing) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

#[cfg(not(target_os = "linux"))]
use wait_for_end_of_cloud as wait_for_end_of_cloud_or_parent;

/// Returns when the cloud's end of the socket is closed or the parent ended.
#[cfg(target_os = "linux")]
fn wait_for_end_of_cloud_or_parent() {
    use rustix::{
        event::{PollFd, PollFlags, poll},
        process::{PidfdFlags, getppid, pidfd_open},
    };
    let parent = getppid().and_then(|parent| pidfd_open(parent, PidfdFlags::empty()).ok());
    let Some(parent) = parent else {
        // A kernel before 5.3 has no handles for processes: the cloud's end alone is waited for.
        return wait_for_end_of_cloud();
    };
    let socket = std::io::stdin();
    loop {
        let mut watched = [PollFd::new(&socket, PollFlags::IN), PollFd::new(&parent, PollFlags::IN)];
        if poll(&mut watched, None).is_err() {
            continue;
        }
        if !watched[1].revents().is_empty() {
            return;
        }
        if !watched[0].revents().is_empty() {
            return wait_for_end_of_cloud();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_as_they_are_sent() {
        assert_eq!(Report::parse("started 12\n"), Some(Report::Started(12)));
        assert_eq!(Report::parse("refused exec format error\n"), Some(Report::Refused("exec format error".into())));
        assert_eq!(Report::parse("signaled 9"), Some(Report::Signaled(9)));
        assert_eq!(Report::parse("exited x"), None);
        assert_eq!(Report::parse("nonsense"), None);
    }

    #[test]
    fn a_chain_needs_the_command_of_the_next_process() {
        assert!(Chain::parse(vec!["guard".into(), "/d".into(), "/p".into()]).is_none());
        assert!(Chain::parse(vec!["guard".into(), "/d".into(), "/p".into(), "tailwater".into()]).is_some());
    }
}
