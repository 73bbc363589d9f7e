//! The diagnostics file: what someone else needs to understand what is seen here, secrets masked.

use std::fmt::Write;

use super::{App, EventSource, Phase, TailState, Target};
use crate::text::{number, time};

impl App {
    /// The file's text, but for what only the program's outside knows: versions, terminal, system.
    pub fn diagnostics(&self) -> String {
        let mut text = String::new();
        self.write_all(&mut text);
        self.mask().text(&text).into_owned()
    }

    fn write_all(&self, text: &mut String) {
        let mut line = |words: &str| {
            // Writing into a String does not fail.
            let words = words.replace(['\n', '\r'], " ");
            // A part begins behind an empty line.
            let before = if words.starts_with('[') && words != "[app]" { "\n" } else { "" };
            let _ = writeln!(text, "{before}{words}");
        };
        line("[app]");
        line(&format!("time: {}", self.now));
        line(&format!("screen: {} x {} cells", self.size.0, self.size.1));
        line(&format!(
            "theme: {}, motion: {}, mouse: {}, over ssh: {}, presenting: {}",
            self.theme().name(),
            self.motion(),
            self.mouse_wanted(),
            self.look_over_ssh(),
            self.presents()
        ));
        line(&format!("times: {}", self.offset.name()));
        line(&format!("view: {:?}, pane {}, large {}", self.context_below(), self.focus.name(), self.large));

        line("[target]");
        match &self.target {
            Target::Local => line("local: the embedded cloud"),
            Target::Aws { account_id, region, endpoint_url, who, .. } => {
                line(&format!("aws: account {account_id}, region {region}, as {who}"));
                line(&format!("endpoint: {}", endpoint_url.as_deref().unwrap_or("AWS's own")));
            }
        }
        if let Some(cloud) = &self.cloud {
            line(&format!("cloud: {}, its own: {}", cloud.endpoint_url, cloud.own));
        }

        line("[stack]");
        line(&format!("name: {}, made by Tailwater: {}", self.stack_name, self.deployment.own));
        let phase = match &self.deployment.phase {
            Phase::StartingCloud => "starting the cloud".to_owned(),
            Phase::Looking => "looking".to_owned(),
            Phase::Absent => "absent".to_owned(),
            Phase::Deploying => "deploying".to_owned(),
            Phase::CloudFailed(error) => format!("not reached: {error}"),
            Phase::Failed(error) => format!("failed: {error}"),
            Phase::Unusable(why) => format!("unusable: {why}"),
            Phase::Ready(ready) => format!(
                "ready: {}, Firehose {} s or {} MB, {}",
                ready.status, ready.buffering.interval_seconds, ready.buffering.size_mb, ready.outputs.submit_url
            ),
        };
        line(&phase);
        if let Some(first) = self.deployment.first_failure() {
            let reason = first.reason.as_deref().unwrap_or("no reason");
            line(&format!("first failure: {} {}: {reason}", first.logical_id, first.resource_type));
        }

        line("[sources]");
        for (name, source) in
            [("logs", EventSource::Logs), ("records", EventSource::Records), ("objects", EventSource::Objects)]
        {
            let state = match self.tails.get(&source) {
                None => "not begun".to_owned(),
                Some(TailState::Following) => "following".to_owned(),
                Some(TailState::Slowed { every }) => format!("following, every {}", time::duration(*every)),
                Some(TailState::Retrying { error, after }) => {
                    format!("not read, again in {}: {error}", time::duration(*after))
                }
                Some(TailState::Ended { error }) => format!("ended: {error}"),
            };
            line(&format!("{name}: {state}"));
        }

        line("[events]");
        let ledger = self.ledger();
        line(&format!(
            "sent {}: in S3 {}, on the way {}, refused {}, unanswered {}, missing {}; others put {}",
            ledger.sent,
            ledger.in_s3,
            ledger.on_the_way,
            ledger.refused,
            ledger.unanswered,
            ledger.missing,
            ledger.others
        ));
        for pane in super::Pane::ALL {
            let history = self.pane(pane).history();
            line(&format!(
                "{}: {} rows, {}, {} let go",
                pane.name(),
                history.len(),
                number::size(history.bytes() as u64),
                history.first()
            ));
        }

        line("[calls]");
        for row in self.call_rows() {
            let error =
                if row.last_error.is_empty() { String::new() } else { format!(" last error: {}", row.last_error) };
            line(&format!("{} {}: {}{error}", row.service, row.operation, row.figures.join(" ")));
        }

        line("[messages]");
        for said in self.message_log.iter() {
            let times = if said.times > 1 { format!(" ({} times)", said.times) } else { String::new() };
            line(&format!("{} {} {}{times}", said.time, said.sign.text(), said.words));
        }
    }
}
