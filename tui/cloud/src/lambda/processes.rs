//! What the system knows of processes, read from `/proc`: who descends from whom, who carries a
//! tag, how much memory was used; and ending them for good.
//!
//! On other systems than Linux there is no `/proc`: descendants are asked of `ps`, and memory is
//! not measured.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// The variable that tags every process of an execution environment. Children inherit it, whatever
/// session or process group they move to.
pub(super) const TAG: &str = "TAILWATER_ENVIRONMENT";

/// How long ending processes may take before it is given up: one that the kernel holds (in a read
/// from a dead disk, say) takes SIGKILL only later.
const ENDING_TAKES_AT_MOST: Duration = Duration::from_secs(5);
/// Between two looks at processes that were killed and are not gone yet.
const NEXT_LOOK: Duration = Duration::from_millis(1);

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    /// Ended, and not yet asked for by its parent.
    zombie: bool,
}

/// Kills every descendant of the calling process until none is left. Where the process is a
/// subreaper, no descendant can slip away by forking twice.
pub(super) fn kill_descendants() {
    let own = rustix::process::getpid();
    let deadline = Instant::now() + ENDING_TAKES_AT_MOST;
    loop {
        let alive = descendants(own.as_raw_pid());
        if alive.is_empty() || Instant::now() > deadline {
            return;
        }
        for pid in alive {
            kill(pid);
        }
        std::thread::sleep(NEXT_LOOK);
    }
}

/// The tags of all processes that are wanted.
pub(super) fn tags(wanted: impl Fn(&str) -> bool) -> HashSet<String> {
    all_tags().filter(|tag| wanted(tag)).collect()
}

/// Kills every process whose tag is one of those wanted, until none is left.
pub(super) fn kill_tagged(wanted: impl Fn(&str) -> bool) {
    let deadline = Instant::now() + ENDING_TAKES_AT_MOST;
    while signal_tagged(&wanted, Some(Signal::KILL)) > 0 && Instant::now() < deadline {
        std::thread::sleep(NEXT_LOOK);
    }
}

/// Waits until no process has a tag that is wanted, or until it took too long.
pub(super) fn wait_for_tagged(wanted: impl Fn(&str) -> bool, at_most: Duration) {
    let deadline = Instant::now() + at_most;
    while signal_tagged(&wanted, None) > 0 && Instant::now() < deadline {
        std::thread::sleep(NEXT_LOOK);
    }
}

/// Kills one process.
pub(super) fn kill(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may have ended by itself in between.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// The living descendants of a process, itself excluded.
fn descendants(ancestor: i32) -> Vec<i32> {
    let processes = all();
    let mut family = HashSet::from([ancestor]);
    loop {
        let before = family.len();
        for process in &processes {
            if family.contains(&process.parent) {
                family.insert(process.pid);
            }
        }
        if family.len() == before {
            break;
        }
    }
    family.remove(&ancestor);
    processes.iter().filter(|process| !process.zombie && family.contains(&process.pid)).map(|p| p.pid).collect()
}

#[cfg(target_os = "linux")]
mod system {
    use super::{Process, TAG};
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    /// The numbers of all processes.
    fn pids() -> impl Iterator<Item = i32> {
        std::fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
    }

    pub fn all() -> Vec<Process> {
        pids().filter_map(|pid| parse_stat(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)).collect()
    }

    /// `pid (name) state parent …`; the name may hold anything, brackets too.
    pub fn parse_stat(stat: &[u8]) -> Option<Process> {
        let text = String::from_utf8_lossy(stat);
        let (front, rest) = text.rsplit_once(')')?;
        let pid = front.split_once(' ')?.0.parse().ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        Some(Process { pid, parent, zombie: state == "Z" || state == "X" })
    }

    /// Sends the signal to the processes whose tag is wanted; counts them.
    pub fn signal_tagged(wanted: &impl Fn(&str) -> bool, signal: Option<Signal>) -> usize {
        let own = rustix::process::getpid().as_raw_pid();
        let mut found = 0;
        for pid in pids().filter(|pid| *pid != own) {
            let Some(handle) = Pid::from_raw(pid) else { continue };
            // The handle is taken before the tag is read, so that the number cannot have passed to
            // another process in between.
            let Ok(handle) = pidfd_open(handle, PidfdFlags::empty()) else { continue };
            if tag(pid).is_some_and(|tag| wanted(&tag))
                && signal.is_none_or(|signal| pidfd_send_signal(handle, signal).is_ok())
            {
                found += 1;
            }
        }
        found
    }

    /// The tags of all processes that have one.
    pub fn all_tags() -> impl Iterator<Item = String> {
        pids().filter_map(tag)
    }

    /// The tag that a process was started with. A process that ended has none.
    fn tag(pid: i32) -> Option<String> {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        environment.split(|byte| *byte == 0).find_map(|variable| {
            let value = variable.strip_prefix(TAG.as_bytes())?.strip_prefix(b"=")?;
            Some(String::from_utf8_lossy(value).into_owned())
        })
    }

    /// The most memory that a process and its living children held at any one time each, in bytes.
    pub fn peak_memory_bytes(pid: i32) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let kilobytes: u64 = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?
            .trim()
            .trim_end_matches(" kB")
            .trim()
            .parse()
            .ok()?;
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let below: u64 =
            children.split_ascii_whitespace().filter_map(|child| peak_memory_bytes(child.parse().ok()?)).sum();
        Some(kilobytes * 1024 + below)
    }

    /// What tells a process from all others of this system: its number, the moment it was started,
    /// and the name space that its number counts in. One that ended has none.
    pub fn identity(pid: i32) -> Option<String> {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        if parse_stat(&stat)?.zombie {
            return None;
        }
        // The start time is the 22nd field, the 20th after the name.
        let stat = String::from_utf8_lossy(&stat);
        let started = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.to_owned();
        let space = std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok()?;
        let space: String = space.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
        Some(format!("{space}-{pid}-{started}"))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Process, Signal};

    pub fn all() -> Vec<Process> {
        let Ok(output) = std::process::Command::new("ps").args(["-axo", "pid=,ppid=,stat="]).output() else {
            return Vec::new();
        };
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| {
                let mut fields = line.split_ascii_whitespace();
                Some(Process {
                    pid: fields.next()?.parse().ok()?,
                    parent: fields.next()?.parse().ok()?,
                    zombie: fields.next()?.starts_with('Z'),
                })
            })
            .collect()
    }

    /// Other systems do not show the environment of a process: nothing can be found by its tag.
    pub fn signal_tagged(_wanted: &impl Fn(&str) -> bool, _signal: Option<Signal>) -> usize {
        0
    }

    /// As above.
    pub fn all_tags() -> impl Iterator<Item = String> {
        std::iter::empty()
    }

    /// Not measured on this system.
    pub fn peak_memory_bytes(_pid: i32) -> Option<u64> {
        None
    }

    /// Not known on this system.
    pub fn identity(pid: i32) -> Option<String> {
        Some(format!("0-{pid}-0"))
    }
}

use system::{all, all_tags, signal_tagged};
pub(super) use system::{identity, peak_memory_bytes};

/// Whether the process that an identity names still runs; also `true` where it cannot be known from
/// here, as in another name space of process numbers.
pub(super) fn may_run(known: &str) -> bool {
    let mut parts = known.split('-');
    let (Some(space), Some(Ok(pid))) = (parts.next(), parts.next().map(str::parse::<i32>)) else { return true };
    let here = identity(rustix::process::getpid().as_raw_pid());
    if here.is_none_or(|own| own.split('-').next() != Some(space)) {
        return true;
    }
    identity(pid).is_some_and(|now| now == known)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{system::parse_stat, *};

    #[test]
    fn a_process_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let stat = parse_stat(b"42 (a) b (c) S 7 42 42 0 -1 0").unwrap();
        assert_eq!((stat.pid, stat.parent, stat.zombie), (42, 7, false));
        assert!(parse_stat(b"43 (x) Z 7 42").unwrap().zombie);
        assert!(parse_stat(b"garbage").is_none());
    }

    #[test]
    fn this_process_runs_and_one_started_at_another_time_does_not() {
        let own = identity(rustix::process::getpid().as_raw_pid()).unwrap();
        assert!(may_run(&own));
        assert!(!may_run(&format!("{own}1")));
        assert!(may_run("1-2-3"), "another name space is not for us to judge");
    }
}
