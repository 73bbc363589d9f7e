//! What the screen says in words: the hint, the trouble, the empty pane, the question, the help.

use super::{App, Pane, Phase, Question, Sign, Target, Verdict, Work};
use crate::{
    events::Answer,
    text::{number, safe::visible, time},
};

/// A line under the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Something is wrong in the editor.
    Trouble(Sign, String),
    /// Something is wrong in the pipeline.
    Verdict(Verdict),
    /// What was just done.
    Notice(String),
    /// What to do next, or what is happening to the first event.
    Hint(String),
}

impl App {
    /// The line under the ledger, where there is something to say.
    pub fn line(&self) -> Option<Line> {
        let notice = self.notice.as_ref().map(|(text, _)| Line::Notice(visible(text).into_owned()));
        self.prompt_line()
            .or(notice)
            .or_else(|| self.editor_trouble())
            .or_else(|| self.load_words().map(Line::Notice))
            .or_else(|| self.verdict().map(Line::Verdict))
            .or_else(|| self.hint().map(Line::Hint))
    }

    /// What is wrong in the editor is wanted where there is room for it, while it is edited.
    fn editor_trouble(&self) -> Option<Line> {
        let check = self.send.check();
        let wrong = self.editing() && !check.is_good();
        wrong.then(|| Line::Trouble(Sign::Attention, visible(&check.words()).into_owned()))
    }

    /// The next step, until the second event is sent.
    fn hint(&self) -> Option<String> {
        // The tour says it all.
        let ready = self.deployment.ready().filter(|_| !self.focus.is_apart() && !self.is_on_tour())?;
        if !self.deployment.own {
            return Some(
                "Tailwater did not make this pipeline: it is only watched, nothing is sent or changed.".to_owned(),
            );
        }
        let ledger = self.ledger();
        if ledger.sent == 0 {
            let done = if ready.unchanged {
                "The stack is there as it should be".to_owned()
            } else {
                format!("Ready in {}", time::duration(ready.took))
            };
            return Some(match self.target {
                Target::Local if self.is_tour_offered() => {
                    format!("{done}. Press s to send your first event; i starts a tour.")
                }
                Target::Local => format!("{done}. Press s to send your first event."),
                Target::Aws { .. } => format!("{done}. Press s to send an event, ? for all keys."),
            });
        }
        if ledger.sent > 1 {
            return None;
        }
        let (seq, trace) = self.traces.own().next()?;
        if let Some(landing) = &trace.landing {
            // Who is there needs no way to it.
            if self.trace.is_some() {
                return None;
            }
            return Some(format!("Event #{seq} is line {} of the object. Press t to see its trace.", landing.line));
        }
        match &trace.answer {
            None => Some(format!("#{seq} is on its way to the API.")),
            Some(Answer::Accepted { shard_id, .. }) if trace.record_at.is_none() => {
                Some(format!("#{seq}: the function put it to Kinesis, shard {}, and answered 202.", shard_id.number()))
            }
            Some(Answer::Accepted { .. }) => {
                let due = self.due()?;
                Some(format!(
                    "#{seq} is a record in Kinesis. Firehose holds it too: {}, or at {} MB.",
                    self.due_words(due),
                    ready.buffering.size_mb
                ))
            }
            Some(_) => None,
        }
    }

    /// What an empty pane waits for.
    pub fn empty_words(&self, pane: Pane) -> String {
        let state = self.pane(pane);
        if let Some(filter) = state.filter() {
            return format!(
                "0 of {} match {}. F shows all.",
                number::counted(state.history().len() as u64, "row"),
                visible(&filter.text)
            );
        }
        match pane {
            Pane::Send => "Nothing sent yet. Press s to send what stands above.".to_owned(),
            Pane::Logs => "No log lines yet. The function writes one for each event: press s to send one.".to_owned(),
            Pane::Records => {
                "The shard is open and empty. Records appear as soon as the function puts them.".to_owned()
            }
            Pane::Objects => match self.deployment.ready() {
                Some(ready) => format!(
                    "Nothing delivered yet. Firehose delivers after {} s or {} MB, whichever comes first.",
                    ready.buffering.interval_seconds, ready.buffering.size_mb
                ),
                None => "Nothing delivered yet.".to_owned(),
            },
            Pane::Traces => "No event yet. Each that is sent, from here or by anyone else, gets a row.".to_owned(),
            Pane::Stack => "No stack events yet. CloudFormation writes one for each step of each resource.".to_owned(),
            Pane::Calls => "No call was made yet.".to_owned(),
        }
    }

    /// What Firehose holds and when it delivers, for the end of Objects.
    pub fn buffer_words(&self) -> Option<[String; 2]> {
        let held = self.held();
        if held.records == 0 {
            return None;
        }
        let ready = self.deployment.ready()?;
        let due = self.due()?;
        let when = match self.target {
            Target::Local if due > self.now => format!("in {}", time::whole_seconds(due.since(self.now))),
            Target::Local if self.now.since(due) > super::verdict::LATE_FROM => {
                format!("{} late, not yet", time::whole_seconds(self.now.since(due)))
            }
            Target::Local => "now".to_owned(),
            Target::Aws { .. } => format!("about {}", self.offset().clock(due)),
        };
        Some([
            format!("{}, {} in Firehose's buffer:", number::counted(held.records, "event"), number::size(held.bytes)),
            format!("delivered {when} or at {} MB", ready.buffering.size_mb),
        ])
    }

    /// What ends with the app, if anything would be lost.
    pub fn loss(&self) -> Option<String> {
        let in_flight = self.send.in_flight().len() as u64;
        let ledger = self.ledger();
        let events = ledger.sent + ledger.others;
        if self.cloud.as_ref().is_some_and(|cloud| cloud.own) && events > 0 {
            let verb = "end with it";
            Some(format!("The local cloud and {} {verb}.", number::counted(events, "event")))
        } else if self.cloud.as_ref().is_some_and(|cloud| cloud.own) && self.deployment.working() {
            Some("The local cloud ends with it, in the middle of a change.".to_owned())
        } else if matches!(self.deployment.work, Some(Work::Destroying(_))) {
            Some("Taking the stack down stops where it is; the same again finishes it.".to_owned())
        } else if self.deployment.work == Some(Work::Executing) && self.deployment.between {
            Some("Nothing runs in AWS at this moment: leaving gives the next try up.".to_owned())
        } else if self.deployment.work == Some(Work::Executing) {
            Some("The deployment runs on without it; the app attaches to it at the next start.".to_owned())
        } else if in_flight > 0 {
            Some(format!("{} being sent and not answered.", number::counted(in_flight, "event")))
        } else {
            None
        }
    }

    /// The question that waits, in words.
    pub fn question_words(&self) -> Option<String> {
        match self.question.as_ref()? {
            Question::LookBack => self.look_back_words(),
            Question::Quit => Some(format!("{} Quit? y/n", self.loss().unwrap_or_default()).trim_start().to_owned()),
            Question::Running => {
                let status = self.deployment.operation().filter(|operation| operation.ended.is_none());
                Some(match (&self.deployment.work, status) {
                    (Some(Work::Preparing), _) => "A preview is being prepared.".to_owned(),
                    (Some(Work::Destroying(_)), _) => {
                        "This app takes the stack down: leaving stops it where it is, D again ends it.".to_owned()
                    }
                    (Some(Work::Executing), _) if self.deployment.between => {
                        "Nothing runs in AWS at this moment: leaving gives the next try up.".to_owned()
                    }
                    (_, Some(operation)) => format!("{} runs.", visible(operation.status.as_str())),
                    _ => "The stack is being changed.".to_owned(),
                })
            }
            Question::Overwrite(file) => Some(format!("{} is there already. Write over it? y/n", visible(file))),
            Question::LoadToAws(plan) => match &self.target {
                Target::Aws { account_id, region, .. } => {
                    Some(format!("Send {} to account {account_id}, {region}? y/n", plan.words()))
                }
                Target::Local => Some(format!("Send {}? y/n", plan.words())),
            },
            Question::SendToAws => match &self.target {
                Target::Aws { account_id, region, profile, .. } => Some(format!(
                    "Send to account {account_id}{}, {region}? y/n",
                    profile.as_ref().map(|profile| format!(" {profile}")).unwrap_or_default()
                )),
                Target::Local => Some("Send? y/n".to_owned()),
            },
        }
    }

    /// What the first screen says of the deployment, in one line.
    pub fn progress_words(&self) -> String {
        let stack = visible(self.stack_name.as_str()).into_owned();
        match &self.deployment.phase {
            Phase::StartingCloud => format!("Starting the local cloud, then creating stack {stack} from template.yaml"),
            Phase::CloudFailed(_) => match self.target {
                Target::Local => "The local cloud could not be started".to_owned(),
                Target::Aws { .. } => "AWS could not be reached".to_owned(),
            },
            Phase::Looking => format!("Asking AWS who you are, then for stack {stack}: nothing is changed"),
            Phase::Absent => format!("There is no stack {stack}: nothing to watch yet"),
            Phase::Unusable(_) => format!("Stack {stack} cannot be watched as a pipeline"),
            Phase::Failed(_) => format!("Stack {stack} could not be deployed"),
            Phase::Ready(ready) => format!("Stack {stack} {}", ready.status),
            Phase::Deploying if !matches!(self.target, Target::Local) => {
                let Some(operation) = self.deployment.operation() else {
                    return format!("Stack {stack}: CloudFormation's first step is waited for");
                };
                let done = number::counted(self.deployment.done() as u64, "resource");
                format!("Stack {stack} {}: {done} done. 6 shows it.", visible(operation.status.as_str()))
            }
            Phase::Deploying => match (self.deployment.resources_to_change, self.deployment.resources().is_empty()) {
                (Some(all), _) => format!(
                    "Creating stack {stack} from template.yaml: {} of {all} resources",
                    self.deployment.done().min(all)
                ),
                (None, false) => {
                    format!("Creating stack {stack} from template.yaml: {} resources done", self.deployment.done())
                }
                (None, true) => format!("Looking at stack {stack}, then deploying template.yaml"),
            },
        }
    }
}
