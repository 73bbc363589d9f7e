//! Writes what a smoke test found as a page.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use tailwater_core::{
    events::Timestamp,
    text::mask::{Mask, Secret},
};

use super::{HOPS, Watch};
use crate::{
    cli::Global,
    commands::{CommandError, CommandResult, End, say},
    deploy::Stack,
    report::{Findings, HopTimes, Verdict, render},
    target::{Kind, Target},
};

/// A file that the page can be written to.
pub struct Page {
    path: PathBuf,
}

impl Page {
    /// At this place. A file that cannot be written is found before anything is sent.
    pub fn at(path: &Path) -> Result<Self, CommandError> {
        let was_there = path.exists();
        // What is there is not touched before there is something to put in its place.
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        if let Err(error) = opened {
            return Err(CommandError::Usage(format!(
                "the report can't be written to {}: {error}. Nothing was sent",
                path.display()
            )));
        }
        if !was_there {
            let _ = fs::remove_file(path);
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Writes it. What is in its way is said: the test has ended as it has.
    pub async fn write(
        self,
        global: &Global,
        target: Option<&Target>,
        watch: &Watch,
        result: &CommandResult,
        began: Timestamp,
    ) {
        let ended = crate::target::now();
        let ledger = watch.traces.ledger(ended);
        let verdict = match result {
            Ok(End::Done) => Verdict::Pass,
            Ok(End::TimeLimit) => Verdict::TimeLimit,
            Ok(End::Interrupted) => Verdict::Stopped,
            Ok(_) => Verdict::Fail,
            Err(_) => Verdict::BrokenOff,
        };
        let mut troubles: Vec<String> = result.as_ref().err().map(ToString::to_string).into_iter().collect();
        troubles
            .extend(watch.refusal.iter().map(|refusal| format!("The first event that was not accepted: {refusal}")));
        troubles.extend(watch.troubles.iter().cloned());
        let hops: Vec<HopTimes> = HOPS
            .iter()
            .map(|(_, hop)| {
                let of_hop = watch.seen.iter().filter(|((_, seen), _)| seen == hop);
                HopTimes { hop: *hop, times: of_hop.map(|((seq, _), time)| (*seq, *time)).collect() }
            })
            .collect();
        let findings = Findings {
            verdict,
            events: watch.events,
            ledger,
            duplicated: watch.duplicated,
            hops: &hops,
            traces: &watch.traces,
            troubles,
            environment: environment(global, target).await,
            began,
            ended,
        };
        let written = render(&findings, &mask(global, target))
            .and_then(|page| fs::write(&self.path, page).map_err(|error| error.to_string()));
        match written {
            Ok(()) => say(&format!("The report is {}.", self.path.display())),
            Err(error) => say(&format!("wrote the report to {}: {error}", self.path.display())),
        }
    }
}

/// What is known here to be nobody else's business.
fn mask(global: &Global, target: Option<&Target>) -> Mask {
    let mut mask = Mask::new();
    if let Some(target) = target {
        mask = mask.with(target.account_id(), Secret::Account);
    }
    let endpoint = target.and_then(Target::endpoint_url).or(global.endpoint_url.as_deref());
    if let Some(host) = endpoint.and_then(host_of) {
        mask = mask.with(host, Secret::Host);
    }
    for name in [std::env::var("HOSTNAME").ok(), fs::read_to_string("/etc/hostname").ok()].into_iter().flatten() {
        mask = mask.with(name.trim(), Secret::Host);
    }
    mask
}

/// The host of an address.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().filter(|host| !host.is_empty())
}

/// With what it was done, and where.
async fn environment(global: &Global, target: Option<&Target>) -> Vec<(String, String)> {
    let name = &global.stack_name;
    let mut rows = vec![
        ("Tailwater".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("system".to_owned(), format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH)),
    ];
    let Some(target) = target else {
        rows.push(("target".to_owned(), "not reached".to_owned()));
        return rows;
    };
    let place = match target.kind() {
        Kind::Local => "the embedded cloud of this program",
        Kind::Aws => "AWS",
        Kind::Custom => "an endpoint that speaks like AWS",
    };
    rows.extend([
        ("target".to_owned(), place.to_owned()),
        ("region".to_owned(), target.region().to_owned()),
        ("account".to_owned(), target.account_id().to_owned()),
    ]);
    rows.extend(target.endpoint_url().map(|url| ("endpoint".to_owned(), url.to_owned())));
    rows.extend(
        target.service_endpoints().into_iter().map(|endpoint| (format!("{} at", endpoint.service), endpoint.url)),
    );
    let offset = target.clock_offset_millis();
    if offset != 0 {
        rows.push(("the services' clock".to_owned(), format!("{offset} ms ahead of this machine's")));
    }
    match Stack::find(&target.cloudformation(), name).await {
        Ok(Some(stack)) => {
            rows.push(("stack".to_owned(), format!("{name}, {}", stack.status)));
            rows.extend(stack.outputs);
            let set = stack.parameters.into_iter().filter(|(_, value)| !value.is_empty());
            rows.extend(set.map(|(name, value)| (format!("parameter {name}"), value)));
        }
        Ok(None) => rows.push(("stack".to_owned(), format!("{name}, which is not there"))),
        Err(error) => rows.push(("stack".to_owned(), format!("{name}, which could not be looked at: {error}"))),
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_refused_and_one_that_is_there_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let Err(refused) = Page::at(&folder.path().join("no/such/folder/page.html")) else { panic!("refused") };
        assert!(matches!(&refused, CommandError::Usage(words) if words.contains("Nothing was sent")), "{refused}");
        assert_eq!(refused.end(), End::WrongUsage);
        assert!(Page::at(folder.path()).is_err(), "a folder is no file");
        let page = folder.path().join("page.html");
        Page::at(&page).expect("it can be written");
        assert!(!page.exists(), "nothing is left of the trial");
        fs::write(&page, "earlier").expect("written");
        Page::at(&page).expect("it can be written");
        assert_eq!(fs::read_to_string(&page).expect("read"), "earlier");
    }

    #[test]
    fn the_host_of_an_address_is_found() {
        assert_eq!(host_of("https://localstack.corp.example:4566/x"), Some("localstack.corp.example"));
        assert_eq!(host_of("ministack"), Some("ministack"));
        assert_eq!(host_of(""), None);
    }
}
