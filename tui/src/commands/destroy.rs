//! `tailwater destroy`

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tailwater_core::text::{number, safe::visible};
use tokio::sync::mpsc;

use super::{CommandError, CommandResult, End, leave, print, say, target};
use crate::{
    cli::{Global, Where},
    deploy::{self, DestroyOptions, Destroyed, Explained, Left, Progress, Stuck, Survey},
    target::Target,
};

/// How much progress may wait to be printed.
const PROGRESS_AHEAD: usize = 64;
/// Between two lines of one step where nobody sees a line change: on a pipe.
const STEP_LINE_PACE: Duration = Duration::from_secs(10);

/// Takes the pipeline down.
pub async fn destroy(global: &Global, options: DestroyOptions<'_>) -> CommandResult {
    let asks = global.target == Where::Aws && !global.yes;
    if asks && !std::io::stdin().is_terminal() {
        return Err(CommandError::Usage(format!(
            "Deleting stack {} ({}) on AWS wants a yes, and there is no terminal to ask on: add --yes",
            global.stack_name,
            if options.keep_data { "its bucket is kept" } else { "every object in its bucket is lost" }
        )));
    }
    let target = target(global).await?;
    let ended = match ask(global, &target, options, asks).await {
        Ok(()) => take_down(global, &target, options).await,
        Err(error) => Err(error),
    };
    let end = match ended {
        Ok(ended) => conclude(global, &ended),
        Err(error) => Err(error),
    };
    leave(&target).await;
    end
}

/// Asks for a yes that names what is lost.
async fn ask(global: &Global, target: &Target, options: DestroyOptions<'_>, asks: bool) -> Result<(), CommandError> {
    if !asks {
        return Ok(());
    }
    let survey = deploy::survey(target, &global.stack_name).await?;
    if survey.status.is_none() && !options.artifacts && survey.log_groups.is_empty() {
        return Ok(());
    }
    for line in what_is_lost(global, target, options, &survey) {
        say(&line);
    }
    eprint!("Type the stack's name to go on: ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && answer.trim() == global.stack_name {
        return Ok(());
    }
    Err(CommandError::Failed(format!("not done: the answer was not {}", global.stack_name)))
}

fn what_is_lost(global: &Global, target: &Target, options: DestroyOptions<'_>, survey: &Survey) -> Vec<String> {
    let profile = target.profile().map(|name| format!(", profile {}", visible(name))).unwrap_or_default();
    let endpoint = target.endpoint_url().map(|url| format!(", at {}", visible(url))).unwrap_or_default();
    let place = format!("account {}, {}{profile}{endpoint}", target.account_id(), target.region());
    let mut lines = vec![match &survey.status {
        Some(status) => format!("Stack {} is {status} in {place}.", global.stack_name),
        None => format!("There is no stack {} in {place}.", global.stack_name),
    }];
    if survey.status.is_some() {
        lines.push("Deleted with it: the API, the function, the stream with its records, the log groups.".to_owned());
    }
    for group in &survey.log_groups {
        lines.push(format!(
            "Deleted: the log group {} with its lines, which Lambda made for the last stack of this name.",
            visible(group)
        ));
    }
    for (bucket, contents) in &survey.buckets {
        let words = deploy::contents_in_words(*contents);
        lines.push(if options.keep_data {
            format!("Kept: the bucket {bucket} with {words}.")
        } else {
            format!("Deleted for good: the bucket {bucket} with {words}.")
        });
    }
    if options.now {
        lines.push("Lost: what Firehose has not delivered yet.".to_owned());
    }
    if options.artifacts {
        lines.push("Deleted too: the function's code, and its bucket where no other stack uses it.".to_owned());
    }
    lines
}

/// Destroys, and offers to leave what cannot be deleted where somebody can answer.
async fn take_down(global: &Global, target: &Target, options: DestroyOptions<'_>) -> Result<Destroyed, CommandError> {
    let ended = run(global, target, options).await?;
    let Destroyed::Failed { cause, stuck, .. } = &ended else { return Ok(ended) };
    let can_ask = !global.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if stuck.is_empty() || options.retain_stuck || !can_ask {
        return Ok(ended);
    }
    say(&format!(
        "CloudFormation could not delete everything: {}",
        visible(cause.as_deref().unwrap_or("no cause given"))
    ));
    for stuck in stuck {
        say(&format!("  {}", stuck_text(stuck)));
    }
    eprint!("Let the stack go and leave these in the account? y/n ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim(), "y" | "yes") {
        return run(global, target, DestroyOptions { retain_stuck: true, ..options }).await;
    }
    Ok(ended)
}

async fn run(global: &Global, target: &Target, options: DestroyOptions<'_>) -> Result<Destroyed, CommandError> {
    let output = global.output;
    let (sender, mut receiver) = mpsc::channel(PROGRESS_AHEAD);
    let work = async {
        let ended = deploy::destroy(target, &global.stack_name, options, &sender).await;
        drop(sender);
        ended
    };
    let showing = async {
        let mut steps = Steps::new();
        while let Some(progress) = receiver.recv().await {
            match progress {
                Progress::Step { what, done, total } => steps.show(&what, done, total),
                Progress::Between(_) => {}
                Progress::Note(text) => {
                    steps.end();
                    say(&text);
                }
                Progress::Event(event) => {
                    steps.end();
                    print::line(
                        output,
                        || print::tagged("event", "stack", print::stack_json(&event)),
                        || print::stack_text(&event),
                    )?;
                }
            }
        }
        steps.end();
        Ok::<_, CommandError>(())
    };
    let (ended, shown) = tokio::join!(work, showing);
    shown?;
    Ok(ended?)
}

fn conclude(global: &Global, ended: &Destroyed) -> CommandResult {
    let name = &global.stack_name;
    let (kept, left, head) = match ended {
        Destroyed::Done { kept, left } => {
            let head = match kept {
                Some(bucket) => format!("Stack {name} is deleted. Bucket {bucket} and its objects are left."),
                None => format!("Stack {name} is deleted."),
            };
            (kept.as_deref(), left, head)
        }
        Destroyed::Nothing { left } => (None, left, format!("There is no stack {name}: nothing to delete.")),
        Destroyed::Failed { status, cause, explained, stuck } => {
            print::line(
                global.output,
                || {
                    json!({
                        "event": "failed",
                        "stackStatus": status.as_str(),
                        "rootCause": cause,
                        "explanation": explained.map(|explained| explained.meaning),
                        "advice": explained.map(|explained| explained.advice),
                        "stuck": stuck.iter().map(stuck_json).collect::<Vec<_>>(),
                    })
                },
                || failure_text(status.as_str(), cause.as_deref(), *explained, stuck),
            )?;
            return Ok(End::Failed);
        }
    };
    print::line(
        global.output,
        || json!({"event": "destroyed", "keptBucket": kept, "left": left.iter().map(left_json).collect::<Vec<_>>()}),
        || {
            let mut lines = vec![head];
            if !left.is_empty() {
                lines.push("Left in the account:".to_owned());
                lines.extend(left.iter().map(|left| format!("  {}", left_text(left))));
            }
            lines.join("\n")
        },
    )
}

fn left_json(left: &Left) -> Value {
    json!({"type": left.resource_type, "name": left.name, "detail": left.detail, "cost": left.cost})
}

fn left_text(left: &Left) -> String {
    let kind = match left.resource_type.as_str() {
        "AWS::S3::Bucket" => "bucket",
        "AWS::Logs::LogGroup" => "log group",
        "AWS::CloudFormation::Stack" => "stack",
        other => other,
    };
    let cost = left.cost.as_ref().map(|cost| format!("; {cost} at list price")).unwrap_or_default();
    format!("{kind} {}: {}{cost}", visible(&left.name), visible(&left.detail))
}

fn stuck_json(stuck: &Stuck) -> Value {
    json!({
        "logicalId": stuck.logical_id,
        "physicalId": stuck.physical_id,
        "type": stuck.resource_type,
        "reason": stuck.reason,
    })
}

fn stuck_text(stuck: &Stuck) -> String {
    let id = stuck.physical_id.as_deref().map(|id| format!(" {}", visible(id))).unwrap_or_default();
    let reason = stuck.reason.as_deref().unwrap_or("no reason given");
    format!("{} ({}{id}): {}", visible(&stuck.logical_id), stuck.resource_type, visible(reason))
}

fn failure_text(status: &str, cause: Option<&str>, explained: Option<Explained>, stuck: &[Stuck]) -> String {
    let mut lines = vec![
        format!("Failed: {status}"),
        format!("First cause: {}", visible(cause.unwrap_or("CloudFormation gave none"))),
    ];
    if let Some(explained) = explained {
        lines.extend([format!("  {}", explained.meaning), format!("  {}", explained.advice)]);
    }
    if !stuck.is_empty() {
        lines.push("Not deleted:".to_owned());
        lines.extend(stuck.iter().map(|stuck| format!("  {}", stuck_text(stuck))));
        lines.push(
            "Clear the cause and run `tailwater destroy` again, or add --retain-stuck: the stack goes and leaves these."
                .to_owned(),
        );
    }
    lines.join("\n")
}

/// Steps that take their time: on a terminal one line that changes, on a pipe a line now and then.
struct Steps {
    terminal: bool,
    /// The step that the terminal's last line shows.
    open: bool,
    last: Option<(String, Instant)>,
}

impl Steps {
    fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), open: false, last: None }
    }

    fn show(&mut self, what: &str, done: u64, total: Option<u64>) {
        let figures = match total {
            Some(total) => format!("{} of {}", number::grouped(done), number::grouped(total)),
            None => number::grouped(done),
        };
        let line = format!("{what}: {figures}");
        if self.terminal {
            // The rest of a longer line before it is cleared.
            eprint!("\r{}\x1b[K", visible(&line));
            let _ = std::io::stderr().flush();
            self.open = true;
            return;
        }
        let due = match &self.last {
            Some((before, at)) => before != what || at.elapsed() >= STEP_LINE_PACE,
            None => true,
        };
        if due {
            say(&visible(&line));
            self.last = Some((what.to_owned(), Instant::now()));
        }
    }

    /// Ends the line that changes.
    fn end(&mut self) {
        if std::mem::take(&mut self.open) {
            eprintln!();
        }
    }
}
