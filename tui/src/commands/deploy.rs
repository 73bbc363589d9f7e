//! `tailwater deploy`

use std::pin::pin;

use serde_json::{Map, Value, json};
use tailwater_core::{events::StackEvent, pipeline::Preview, text::safe::visible};
use tokio::sync::mpsc;

use super::{
    CommandError, CommandResult, End, keyboard::Keyboard, leave, preview, print, request, say, stopped, target,
};
use crate::{
    cli::{DeployArgs, Global, Output, Where},
    deploy::{self, DeployError, Deployed, Explained, Failure, Outcome, Plan, Prepared, Progress, Remedy, Request},
    target::Target,
};

/// How long it may take to know whether something runs in AWS.
const GOES_ON_WITHIN: std::time::Duration = std::time::Duration::from_millis(200);
/// What the question adds where the stack can go back instead.
const ROLL_BACK: &str = ", or r to roll it back instead";
/// How much progress may wait to be printed.
const PROGRESS_AHEAD: usize = 64;

/// Packages, previews, asks, executes, and follows to the end.
pub async fn deploy(global: &Global, args: DeployArgs) -> CommandResult {
    let asks = global.target == Where::Aws;
    if asks && !args.dry_run && !global.yes && !Keyboard::is_there() {
        return Err(nobody_to_ask(&format!("Deploy stack {}", global.stack_name)));
    }
    let target = target(global).await?;
    if asks {
        say(&place(&target));
    }
    let request =
        Request { tags: args.tag.clone(), roll_back: args.roll_back, dry_run: args.dry_run, ..request(global) };
    let mut run = Run { global, args: &args, target: &target, request, asks, keyboard: Keyboard::new() };
    let end = match run.run().await {
        Ok(end) => conclude(global.output, &end),
        Err(CommandError::Deploy(error)) => refused(global.output, error),
        Err(error) => Err(error),
    };
    leave(&target).await;
    end
}

/// How the command ended.
enum Ended {
    /// With what became of the deployment.
    Outcome(Outcome),
    /// The preview was all that was asked for.
    Preview,
    /// Someone wants it rolled back instead: to be prepared anew.
    RollBack,
    /// Someone said no.
    Declined,
    /// Someone stopped it before anything was changed.
    Stopped,
    /// Someone stopped watching; the operation runs on.
    LeftRunning(String),
    /// Someone stopped it between two tries: nothing runs.
    LeftBetween(String),
    /// Someone cancelled the operation, and this became of it.
    Cancelled(Outcome),
}

/// One run of the command.
struct Run<'a> {
    global: &'a Global,
    args: &'a DeployArgs,
    target: &'a Target,
    request: Request,
    /// Only ever on AWS.
    asks: bool,
    keyboard: Keyboard,
}

impl Run<'_> {
    async fn run(&mut self) -> Result<Ended, CommandError> {
        for _ in 0..deploy::REMEDIES_AT_MOST {
            let prepared = {
                let (target, request, output) = (self.target, &self.request, self.global.output);
                let preparing = showing(async |out| deploy::prepare(target, request, out).await, shower(output));
                tokio::select! {
                    prepared = preparing => prepared?,
                    () = stopped(), if self.asks => return Ok(Ended::Stopped),
                }
            };
            match prepared {
                Prepared::Unchanged(deployed) => return Ok(Ended::Outcome(Outcome::Unchanged(deployed))),
                Prepared::Finished(deployed) => return Ok(Ended::Outcome(Outcome::Deployed(deployed))),
                Prepared::First(first) => {
                    if let Some(ended) = self.first(&first).await? {
                        return Ok(ended);
                    }
                }
                Prepared::Changes(plan) => match self.changes(&plan).await? {
                    Ended::RollBack => self.request.roll_back = true,
                    ended => return Ok(ended),
                },
            }
        }
        Err(deploy::never_ready(&self.global.stack_name).into())
    }

    /// Asks for what has to be done first, and does it; how it ended where it was not done.
    async fn first(&mut self, first: &Remedy) -> Result<Option<Ended>, CommandError> {
        say(&first.why);
        for loss in &first.losses {
            say(&format!("  ! {}", visible(loss)));
        }
        if self.args.dry_run {
            say(&format!("{}: `tailwater deploy` asks and does it. What would change is known only then.", first.what));
            return Ok(Some(Ended::Preview));
        }
        if let Some(ended) = self.agreed(&first.what, &first.losses, false).await? {
            return Ok(Some(ended));
        }
        let (target, role) = (self.target, self.request.role_arn.as_deref());
        let output = self.global.output;
        let work = showing(async |out| deploy::remedy(target, first, role, out).await, shower(output));
        tokio::select! {
            done = work => done?,
            () = stopped(), if self.asks => return Ok(Some(Ended::LeftRunning(self.global.stack_name.clone()))),
        }
        Ok(None)
    }

    /// Shows the changes, asks, and executes them.
    async fn changes(&mut self, plan: &Plan) -> Result<Ended, CommandError> {
        show(self.global.output, self.args.dry_run, &plan.preview)?;
        if self.args.dry_run {
            deploy::discard(self.target, plan).await?;
            return Ok(Ended::Preview);
        }
        let what = format!("Deploy stack {}", self.global.stack_name);
        match self.agreed(&what, &plan.preview.losses, plan.preview.can_roll_back).await {
            Ok(None) => self.execute(plan).await,
            Ok(Some(Ended::RollBack)) => {
                deploy::discard(self.target, plan).await?;
                Ok(Ended::RollBack)
            }
            // What stood ready is not to stay; a no is a no, whatever becomes of that.
            other => {
                if let Err(error) = deploy::discard(self.target, plan).await {
                    say(&visible(&error.to_string()));
                }
                other.map(|ended| ended.unwrap_or(Ended::Declined))
            }
        }
    }

    /// Asks where that is to be asked; how it ended where the answer was not yes.
    async fn agreed(
        &mut self,
        what: &str,
        losses: &[String],
        can_roll_back: bool,
    ) -> Result<Option<Ended>, CommandError> {
        if !self.asks {
            return Ok(None);
        }
        let is_loss = !losses.is_empty();
        if self.global.yes {
            if is_loss && !self.args.allow_loss {
                let lost: Vec<_> = losses.iter().map(|loss| visible(loss).into_owned()).collect();
                return Err(CommandError::Usage(format!(
                    "not done, because --yes alone does not agree to a loss: {}. Add --allow-loss to agree to that too",
                    lost.join("; ")
                )));
            }
            return Ok(None);
        }
        if !Keyboard::is_there() {
            return Err(nobody_to_ask(what));
        }
        let name = &self.global.stack_name;
        let question = if is_loss {
            format!(
                "{what}, and lose that? Type the stack's name, {name}{}:",
                if can_roll_back { ROLL_BACK } else { "" }
            )
        } else {
            format!("{what}? y/n{}", if can_roll_back { ROLL_BACK } else { "" })
        };
        let answer = tokio::select! {
            answer = self.keyboard.ask(&question) => answer,
            () = stopped() => return Ok(Some(Ended::Stopped)),
        };
        if can_roll_back && answer.as_deref() == Some("r") {
            return Ok(Some(Ended::RollBack));
        }
        let is_yes = match answer.as_deref() {
            Some(answer) if is_loss => answer == name,
            Some(answer) => matches!(answer, "y" | "yes"),
            None => false,
        };
        Ok((!is_yes).then_some(Ended::Declined))
    }

    /// Executes the changes. Someone who stops it is offered what is to become of the operation.
    async fn execute(&mut self, plan: &Plan) -> Result<Ended, CommandError> {
        let target = self.target;
        let mut executing =
            pin!(showing(async |out| deploy::execute(target, plan, out).await, shower(self.global.output)));
        let mut is_cancelled = false;
        loop {
            tokio::select! {
                outcome = &mut executing => return became(outcome, is_cancelled),
                () = stopped(), if self.asks => {}
            }
            let name = self.global.stack_name.clone();
            if !Keyboard::is_there() || is_cancelled {
                return Ok(left(plan, name).await);
            }
            let way_back =
                if plan.preview.creates { "what was made so far is deleted" } else { "it goes back to what it was" };
            let goes_on = tokio::select! {
                outcome = &mut executing => return became(outcome, false),
                goes_on = deploy::goes_on(plan) => goes_on,
            };
            if goes_on {
                eprintln!(
                    "\nThe operation on stack {name} runs on in AWS. c: cancel it ({way_back})  l: leave it running  \
                     Enter: go on watching"
                );
            } else {
                eprintln!(
                    "\nNothing runs in AWS at this moment: it is about to be tried again. c: give it up  l: leave, \
                     which gives it up too  Enter: go on"
                );
            }
            let answer = tokio::select! {
                outcome = &mut executing => return became(outcome, false),
                answer = self.keyboard.line() => answer,
                () = stopped() => return Ok(left(plan, name).await),
            };
            match answer.as_deref() {
                Some("c") => {
                    // What is under way goes on meanwhile: it may be what the word waits for.
                    let said = tokio::select! {
                        biased;
                        said = deploy::cancel(target, plan) => said,
                        outcome = &mut executing => return became(outcome, true),
                        () = stopped() => return Ok(Ended::LeftRunning(name)),
                    };
                    match said {
                        Ok(words) => {
                            say(words);
                            is_cancelled = true;
                        }
                        Err(error) => say(&visible(&error.to_string())),
                    }
                }
                Some("l") | None => return Ok(left(plan, name).await),
                Some(_) => {}
            }
        }
    }
}

/// How it ended that was followed to its end.
fn became(outcome: Result<Outcome, CommandError>, is_cancelled: bool) -> Result<Ended, CommandError> {
    match outcome {
        Err(CommandError::Deploy(DeployError::GivenUp(_))) => Ok(Ended::Stopped),
        Ok(outcome) if is_cancelled => Ok(Ended::Cancelled(outcome)),
        Ok(outcome) => Ok(Ended::Outcome(outcome)),
        Err(error) => Err(error),
    }
}

/// How it ended that is not followed any more.
async fn left(plan: &Plan, name: String) -> Ended {
    // Whoever holds the answer back is beginning an operation just now.
    let goes_on = tokio::time::timeout(GOES_ON_WITHIN, deploy::goes_on(plan)).await.unwrap_or(true);
    if goes_on { Ended::LeftRunning(name) } else { Ended::LeftBetween(name) }
}

fn nobody_to_ask(what: &str) -> CommandError {
    CommandError::Usage(format!("{what} on AWS wants a yes, and there is no terminal to ask on: add --yes"))
}

/// Whose account and where, before anything is asked.
fn place(target: &Target) -> String {
    let profile = target.profile().map(|name| format!(", profile {}", visible(name))).unwrap_or_default();
    let endpoint = target.endpoint_url().map(|url| format!(", at {}", visible(url))).unwrap_or_default();
    let who = visible(target.identity().short_name());
    format!("Account {}, {}, as {who}{profile}{endpoint}.", target.account_id(), target.region())
}

/// Shows progress as it comes.
fn shower(output: Output) -> impl FnMut(Progress) -> CommandResult {
    move |progress| match progress {
        Progress::Note(text) => {
            say(&text);
            Ok(End::Done)
        }
        Progress::Event(event) => print::line(
            output,
            || print::tagged("event", "stack", print::stack_json(&event)),
            || print::stack_text(&event),
        ),
        Progress::Step { .. } | Progress::Between(_) => Ok(End::Done),
    }
}

/// Shows what will be changed: on stdout where that is what was asked for.
fn show(output: Output, dry_run: bool, changes: &Preview) -> Result<(), CommandError> {
    match (dry_run, output) {
        (true, Output::Json) => {
            for line in preview::json(changes) {
                print::line(output, || line, String::new)?;
            }
        }
        (true, Output::Text) => {
            print::line(output, || Value::Null, || preview::text(changes).join("\n"))?;
        }
        (false, _) => say(&preview::text(changes).join("\n")),
    }
    Ok(())
}

/// Says how it ended.
fn conclude(output: Output, ended: &Ended) -> CommandResult {
    let nothing = || last("unchanged", None, &json!({}), &Value::Null);
    match ended {
        Ended::Outcome(outcome) => conclude_outcome(output, outcome),
        Ended::Preview => {
            print::line(output, nothing, || "The stack was not changed: this was the preview.".to_owned())
        }
        Ended::Declined => {
            print::line(output, nothing, || "The stack was not changed: the answer was not yes.".to_owned())?;
            Ok(End::Failed)
        }
        Ended::Stopped => {
            say("Stopped. This command changed nothing; what runs already runs on.");
            Ok(End::Interrupted)
        }
        Ended::LeftRunning(name) => {
            say(&format!(
                "Left running: the operation on stack {name} goes on in AWS. The same `tailwater deploy` attaches to it \
                 again, `tailwater tail stack` shows its events."
            ));
            Ok(End::Interrupted)
        }
        Ended::LeftBetween(name) => {
            say(&format!(
                "Left between two tries: nothing runs in AWS, and nothing will by itself. The same `tailwater deploy` \
                 tries stack {name} again."
            ));
            Ok(End::Interrupted)
        }
        // Prepared anew before it comes to this.
        Ended::RollBack => Ok(End::Failed),
        Ended::Cancelled(outcome) => {
            let status = match outcome {
                Outcome::Deployed(deployed) | Outcome::Unchanged(deployed) => deployed.status.as_str(),
                Outcome::Failed(failure) => failure.status.as_str(),
            };
            print::line(
                output,
                || last("failed", Some(status), &json!({}), &Value::Null),
                || format!("Cancelled: the stack is in {status}."),
            )?;
            Ok(End::Interrupted)
        }
    }
}

fn conclude_outcome(output: Output, outcome: &Outcome) -> CommandResult {
    let deployed = |event: &str, word: &str, stack: &Deployed| {
        print::line(
            output,
            || last(event, Some(stack.status.as_str()), &json!(stack.outputs), &Value::Null),
            || format!("{word}: {}\n{}", stack.status, print::outputs_text(&stack.outputs)),
        )
    };
    match outcome {
        Outcome::Deployed(stack) => deployed("deployed", "Deployed", stack),
        Outcome::Unchanged(stack) => deployed("unchanged", "Unchanged", stack),
        Outcome::Failed(failure) => {
            let cause = || failure.root_cause.as_ref().map_or(Value::Null, |event| cause_json(event, failure));
            print::line(
                output,
                || last("failed", Some(failure.status.as_str()), &json!({}), &cause()),
                || failure.report().join("\n"),
            )?;
            Ok(End::Failed)
        }
    }
}

/// The last line for programs.
fn last(event: &str, status: Option<&str>, outputs: &Value, root_cause: &Value) -> Value {
    json!({"event": event, "stackStatus": status, "outputs": outputs, "rootCause": root_cause})
}

fn cause_json(event: &StackEvent, failure: &Failure) -> Value {
    let mut cause = print::stack_json(event);
    explain(&mut cause, failure.explained);
    cause.insert("cancelled".into(), json!(failure.consequences));
    Value::Object(cause)
}

fn explain(cause: &mut Map<String, Value>, explained: Option<Explained>) {
    cause.insert("explanation".into(), json!(explained.map(|explained| explained.meaning)));
    cause.insert("advice".into(), json!(explained.map(|explained| explained.advice)));
}

/// Says why it was not carried out: the first line is the cause, what it means follows.
fn refused(output: Output, error: DeployError) -> CommandResult {
    let explained = error.explained();
    let (words, report) = (error.to_string(), error.report());
    let end = CommandError::Deploy(error).end();
    if output == Output::Json {
        let mut cause = Map::new();
        cause.insert("reason".into(), json!(words));
        explain(&mut cause, explained);
        print::line(output, || last("failed", None, &json!({}), &Value::Object(cause)), String::new)?;
    }
    say(&format!("tailwater: {}", report.join("\n")));
    Ok(end)
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
                Progress::Event(_) | Progress::Step { .. } | Progress::Between(_) => {}
            }
            Ok(End::Done)
        },
    )
    .await?;
    match outcome {
        Outcome::Deployed(deployed) | Outcome::Unchanged(deployed) => Ok(deployed),
        Outcome::Failed(failure) => {
            Err(CommandError::Failed(format!("deployed stack {}. {}", request.stack_name, failure.report().join("\n"))))
        }
    }
}
