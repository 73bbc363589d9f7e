//! Executes a change set once, whatever becomes of the answer, and follows it to its end.

use std::time::Duration;

use aws_sdk_cloudformation::Client;
use tokio::sync::mpsc::Sender;

use super::{
    DeployError, Failure, Outcome, Plan, Prepared, Progress,
    change_set::{self, Execution},
    failure::Kind,
    follow::{find, follow},
    note,
    patience::Patience,
    prepare::{discard, prepare},
    recover::remedy,
    run::{Now, Run},
};
use crate::target::{StackEvents, Target};

/// How often a deployment is tried again because IAM had not yet told a service of a role.
const IAM_RETRIES: u32 = 2;
/// How long IAM is given to tell a service of a role before that.
const IAM_PAUSE: Duration = Duration::from_secs(15);
/// How often the execution is asked for where it is known not to have begun.
const EXECUTE_TRIES: u32 = 5;

/// Executes the changes, and follows the operation to its end. Where IAM had not yet told a service
/// of a role that the stack made, it is tried again, unless it was cancelled.
pub async fn execute(target: &Target, plan: &Plan, progress: &Sender<Progress>) -> Result<Outcome, DeployError> {
    let ended = tries(target, plan, progress).await;
    plan.run.is(Now::Nothing).await;
    ended
}

/// Cancels the operation that executes a plan, and every try after it. Says what it began.
pub async fn cancel(target: &Target, plan: &Plan) -> Result<&'static str, DeployError> {
    plan.run.cancel(target, &plan.preview.stack_name).await
}

/// Whether whoever stops following a plan now leaves something that goes on in AWS: between two tries
/// nothing does.
pub async fn goes_on(plan: &Plan) -> bool {
    plan.run.goes_on().await
}

async fn tries(target: &Target, plan: &Plan, progress: &Sender<Progress>) -> Result<Outcome, DeployError> {
    let Some(mut outcome) = once(target, plan, &plan.run, progress).await? else {
        discard(target, plan).await?;
        return Err(DeployError::GivenUp(plan.preview.stack_name.clone()));
    };
    for _ in 0..IAM_RETRIES {
        let Outcome::Failed(failure) = &outcome else { break };
        if failure.kind() != Some(Kind::IamPropagation) || plan.run.given_up.is_cancelled() {
            break;
        }
        plan.run.is(Now::Nothing).await;
        let _ = progress.send(Progress::Between(true)).await;
        note(
            progress,
            format!(
                "{}. {} It is tried again after {} s.",
                failure.headline(),
                failure.explained.map_or("", |explained| explained.meaning),
                pause(target).as_secs()
            ),
        )
        .await;
        tokio::select! {
            () = tokio::time::sleep(pause(target)) => {}
            () = plan.run.given_up.cancelled() => break,
        }
        let Some(again) = again(target, plan, progress).await? else { break };
        let Some(ended) = once(target, &again, &plan.run, progress).await? else {
            discard(target, &again).await?;
            break;
        };
        outcome = ended;
    }
    let _ = progress.send(Progress::Between(false)).await;
    Ok(outcome)
}

fn pause(target: &Target) -> Duration {
    if target.is_local() { Duration::ZERO } else { IAM_PAUSE }
}

/// The same changes once more; `None`: they would be others than those that were agreed to, or it was
/// cancelled.
async fn again(target: &Target, plan: &Plan, progress: &Sender<Progress>) -> Result<Option<Plan>, DeployError> {
    let request = &plan.request;
    let mut prepared = prepare(target, request, progress).await?;
    if let Prepared::First(first) = &prepared
        && first.losses.is_empty()
    {
        {
            let mut now = plan.run.now.lock().await;
            if plan.run.given_up.is_cancelled() {
                return Ok(None);
            }
            *now = Now::Clearing;
        }
        let _ = progress.send(Progress::Between(false)).await;
        remedy(target, first, request.role_arn.as_deref(), progress).await?;
        plan.run.is(Now::Nothing).await;
        let _ = progress.send(Progress::Between(true)).await;
        prepared = prepare(target, request, progress).await?;
    }
    let Prepared::Changes(again) = prepared else { return Ok(None) };
    if again.preview.losses.iter().all(|loss| plan.preview.losses.contains(loss)) {
        return Ok(Some(again));
    }
    discard(target, &again).await?;
    Ok(None)
}

/// One try; `None`: it was cancelled before it began.
async fn once(
    target: &Target,
    plan: &Plan,
    run: &Run,
    progress: &Sender<Progress>,
) -> Result<Option<Outcome>, DeployError> {
    let client = target.cloudformation();
    let name = &plan.preview.stack_name;
    let mut events = StackEvents::new(&client, plan.stack_id.clone());
    events.skip_past().await?;
    {
        let mut now = run.now.lock().await;
        if run.given_up.is_cancelled() {
            return Ok(None);
        }
        if !start(target, &client, plan, run, progress).await? {
            return Ok(None);
        }
        *now = Now::Executing(plan.stack_id.clone());
    }
    let _ = progress.send(Progress::Between(false)).await;
    let status = follow(&client, &mut events, target.pace().stack, progress).await?;
    if status.failed() || !status.usable() {
        return Ok(Some(Outcome::Failed(Failure::of(status, events.seen()))));
    }
    let stack = find(&client, name, target.pace().stack, progress).await?.ok_or_else(|| DeployError::Call {
        tried: format!("looked for stack {name} after deploying it"),
        answer: "it is not there".to_owned(),
    })?;
    Ok(Some(Outcome::Deployed(stack.deployed(name)?)))
}

/// Starts the execution. An answer that got lost is found out: nothing is executed twice. `false`: it
/// was cancelled before it began.
async fn start(
    target: &Target,
    client: &Client,
    plan: &Plan,
    run: &Run,
    progress: &Sender<Progress>,
) -> Result<bool, DeployError> {
    let preview = &plan.preview;
    let mut patience = Patience::new(target.pace().stack, progress);
    let mut tries = 0;
    loop {
        let answer = client
            .execute_change_set()
            .stack_name(&plan.stack_id)
            .change_set_name(&plan.change_set_id)
            // The same for each try, so that CloudFormation too knows them for one.
            .client_request_token(&preview.change_set)
            .disable_rollback(plan.goes_on_as_failed)
            .send()
            .await;
        let Err(error) = answer else { return Ok(true) };
        let error = DeployError::call(format!("executed the changes of stack {}", preview.stack_name), &error);
        tries += 1;
        let begun = loop {
            match change_set::execution(client, &plan.stack_id, &plan.change_set_id).await {
                Ok(execution) => break execution,
                Err(error) => patience.bear(error).await?,
            }
        };
        patience.relieved().await;
        match begun {
            Execution::Begun => {
                note(progress, "The answer to the execution got lost; it has begun, once.".to_owned()).await;
                return Ok(true);
            }
            Execution::NotBegun if run.given_up.is_cancelled() => return Ok(false),
            Execution::NotBegun if tries < EXECUTE_TRIES => patience.bear(error).await?,
            Execution::NotBegun | Execution::Gone => return Err(error),
        }
    }
}
