//! `tailwater deploy`

use std::io::IsTerminal;

use serde_json::{Map, Value, json};
use tailwater_core::{
    pipeline::{Preview, Replacement},
    text::safe::visible,
};
use tokio::sync::mpsc;

use super::{CommandError, CommandResult, End, leave, print, request, say, target};
use crate::{
    cli::{Global, Output},
    deploy::{self, DeployError, Deployed, Outcome, Prepared, Progress, Request},
    target::Target,
};

/// How much progress may wait to be printed.
const PROGRESS_AHEAD: usize = 64;

/// Packages, previews, executes, and follows to the end.
pub async fn deploy(global: &Global, dry_run: bool) -> CommandResult {
    if !dry_run {
        confirm(global, &format!("Deploy stack {}", global.stack_name))?;
    }
    let target = target(global).await?;
    let output = global.output;
    let show = |progress| match progress {
        Progress::Note(text) => {
            say(&text);
            Ok(End::Done)
        }
        Progress::Event(event) => print::line(
            output,
            || print::tagged("event", "stack", print::stack_json(&event)),
            || print::stack_text(&event),
        ),
        Progress::Step { .. } => Ok(End::Done),
    };
    let result = async {
        let plan = match showing(async |out| deploy::prepare(&target, &request(global), out).await, show).await? {
            Prepared::Unchanged(deployed) => return Ok(Some(Outcome::Unchanged(deployed))),
            Prepared::Changes(plan) => plan,
        };
        preview(output, dry_run, &plan.preview)?;
        if dry_run {
            deploy::discard(&target, &plan).await?;
            return Ok(None);
        }
        showing(async |out| deploy::execute(&target, &plan, out).await, show).await.map(Some)
    }
    .await;
    let end = match result {
        Ok(outcome) => conclude(output, outcome.as_ref()),
        Err(error) => Err(error),
    };
    leave(&target).await;
    end
}

/// Shows what will be changed.
fn preview(output: Output, dry_run: bool, preview: &Preview) -> Result<(), CommandError> {
    for change in &preview.changes {
        let replaced = change.replacement == Replacement::Yes;
        let words = if replaced { "  a new one takes its place: what it holds goes" } else { "" };
        say(&format!("  {:<7} {:<20} {}{words}", change.action, change.logical_id, change.resource_type));
        if dry_run && output == Output::Json {
            let line = json!({
                "event": "change",
                "action": change.action,
                "logicalId": change.logical_id,
                "type": change.resource_type,
                "replacement": replaced,
            });
            print::line(output, || line, String::new)?;
        }
    }
    Ok(())
}

/// Says how it ended; `None`: the preview was all that was asked for.
fn conclude(output: Output, outcome: Option<&Outcome>) -> CommandResult {
    let last = |event: &str, status: Option<&str>, outputs: Value, root_cause: Value| json!({"event": event, "stackStatus": status, "outputs": outputs, "rootCause": root_cause});
    let deployed = |event: &str, deployed: &Deployed| {
        last(event, Some(deployed.status.as_str()), json!(deployed.outputs), Value::Null)
    };
    match outcome {
        Some(Outcome::Deployed(stack)) => print::line(
            output,
            || deployed("deployed", stack),
            || format!("Deployed: {}\n{}", stack.status, print::outputs_text(&stack.outputs)),
        ),
        Some(Outcome::Unchanged(stack)) => print::line(
            output,
            || deployed("unchanged", stack),
            || format!("Unchanged: {}\n{}", stack.status, print::outputs_text(&stack.outputs)),
        ),
        None => print::line(
            output,
            || last("unchanged", None, Value::Object(Map::new()), Value::Null),
            || "Nothing was changed: this was the preview.".to_owned(),
        ),
        Some(Outcome::Failed { status, root_cause }) => {
            let cause = root_cause.as_ref().map_or(Value::Null, |event| Value::Object(print::stack_json(event)));
            print::line(
                output,
                || last("failed", Some(status.as_str()), Value::Object(Map::new()), cause),
                || {
                    let cause = root_cause.as_ref().map_or_else(
                        || "CloudFormation gave no cause; see `tailwater tail stack --from-start`".to_owned(),
                        |event| {
                            let reason = event.reason.as_deref().unwrap_or("no reason given");
                            format!("{} ({}): {}", event.logical_id, event.resource_type, visible(reason))
                        },
                    );
                    format!("Failed: {status}\nFirst cause: {cause}")
                },
            )?;
            Ok(End::Failed)
        }
    }
}

/// Does a part of a deployment and shows its progress as it comes.
async fn showing<T>(
    work: impl AsyncFnOnce(&mpsc::Sender<Progress>) -> Result<T, DeployError>,
    mut show: impl FnMut(Progress) -> CommandResult,
) -> Result<T, CommandError> {
    let (sender, mut receiver) = mpsc::channel(PROGRESS_AHEAD);
    let working = async {
        let result = work(&sender).await;
        drop(sender);
        result
    };
    let showing = async {
        while let Some(progress) = receiver.recv().await {
            show(progress)?;
        }
        Ok::<_, CommandError>(())
    };
    let (result, shown) = tokio::join!(working, showing);
    shown?;
    Ok(result?)
}

/// Deploys what another command needs; only words and failures show, on stderr.
pub async fn quietly(target: &Target, request: &Request) -> Result<Deployed, CommandError> {
    let outcome = showing(
        async |out| deploy::deploy(target, request, out).await,
        |progress| {
            match progress {
                Progress::Note(text) => say(&text),
                Progress::Event(event) if event.status.failed() => say(&print::stack_text(&event)),
                _ => {}
            }
            Ok(End::Done)
        },
    )
    .await?;
    match outcome {
        Outcome::Deployed(deployed) | Outcome::Unchanged(deployed) => Ok(deployed),
        Outcome::Failed { status, root_cause } => {
            let cause = root_cause.and_then(|event| Some(format!("{}: {}", event.logical_id, event.reason?)));
            Err(CommandError::Failed(format!(
                "deployed stack {}: it ended in {status}. First cause: {}",
                request.stack_name,
                cause.unwrap_or_else(|| "CloudFormation gave none".to_owned())
            )))
        }
    }
}

/// Asks before something that costs or deletes, on AWS only.
pub fn confirm(global: &Global, what: &str) -> Result<(), CommandError> {
    if global.yes || global.target != crate::cli::Where::Aws {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(CommandError::Usage(format!(
            "{what} on AWS wants a yes, and there is no terminal to ask on: add --yes"
        )));
    }
    eprint!("{what} on AWS? y/n ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim(), "y" | "yes") {
        return Ok(());
    }
    Err(CommandError::Failed("not done: the answer was not yes".to_owned()))
}
