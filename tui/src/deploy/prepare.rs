//! Finds out what a deployment would change, and has CloudFormation hold it ready.

use aws_sdk_cloudformation::Client;
use tailwater_core::{events::StackStatus, pipeline::Preview};
use tokio::sync::mpsc::Sender;

use super::{
    Action, DeployError, Deployed, Failure, Progress, Remedy, Request, Stack, action, change_set, drift,
    follow::{attach, find},
    note, package, parameters, preview,
    run::Run,
    take_back,
};
use crate::target::{StackEvents, Target};

/// How many operations, one after another, are attached to: somebody else may begin the next.
const ATTACHED_AT_MOST: usize = 5;

/// What a deployment comes to before anything is changed.
#[derive(Debug)]
pub enum Prepared {
    /// There is nothing to do.
    Unchanged(Deployed),
    /// An operation that ran already did it.
    Finished(Deployed),
    /// This has to be done first, once someone agreed to it; then it is prepared again.
    First(Remedy),
    /// These changes, once someone agreed to them.
    Changes(Plan),
}

/// Changes that stand ready to be executed or dropped.
#[derive(Debug)]
pub struct Plan {
    /// What they are.
    pub preview: Preview,
    /// The stack failed with rollback disabled, and goes on from there in the same way.
    pub goes_on_as_failed: bool,
    pub(super) request: Request,
    pub(super) stack_id: String,
    pub(super) change_set_id: String,
    pub(super) run: Run,
}

/// Finds out what a deployment would change, and has CloudFormation hold it ready. Of what it needs
/// it makes the artifact bucket and puts the function's code there; an operation that runs already,
/// whoever began it, is followed to its end first.
pub async fn prepare(target: &Target, request: &Request, progress: &Sender<Progress>) -> Result<Prepared, DeployError> {
    let client = target.cloudformation();
    let name = &request.stack_name;
    let (stack, attached) = settle(target, &client, name, progress).await?;
    let refuse = |advice: &str| DeployError::State {
        stack: name.clone(),
        status: stack.as_ref().map_or_else(|| StackStatus::from(""), |stack| stack.status.clone()),
        advice: advice.to_owned(),
    };
    let mut goes_on_as_failed = false;
    match (action(stack.as_ref().map(|stack| &stack.status)), &stack) {
        // Without a stack there is nothing to delete or undo.
        (Action::Create | Action::Update, _) | (Action::DeleteFirst | Action::ContinueRollback, None) => {}
        (Action::UpdateAsItFailed, Some(stack)) if request.roll_back => {
            return Remedy::roll_back(&client, name, stack).await.map(Prepared::First);
        }
        (Action::UpdateAsItFailed, _) => {
            goes_on_as_failed = true;
            note(
                progress,
                format!(
                    "The last operation of stack {name} failed with rollback disabled: this deployment goes on from \
                     there, with rollback disabled. It can be rolled back instead (`tailwater deploy --roll-back`)."
                ),
            )
            .await;
        }
        (Action::DeleteFirst, Some(stack)) => {
            return Remedy::delete(&client, name, stack).await.map(Prepared::First);
        }
        (Action::ContinueRollback, Some(stack)) => {
            return Ok(Prepared::First(Remedy::continue_rollback(name, stack)));
        }
        (Action::Refuse(advice), _) => return Err(refuse(advice)),
        (Action::Attach, _) => {
            return Err(refuse("one operation follows another. Wait until whoever runs them has done"));
        }
    }
    if stack.is_some() {
        let dropped = change_set::drop_leftovers(&client, name).await;
        if dropped > 0 {
            note(progress, "A preview that an earlier run left was dropped.".to_owned()).await;
        }
    }
    let existing = stack.filter(|stack| stack.status.as_str() != "REVIEW_IN_PROGRESS");

    parameters::check_together(request, existing.as_ref())?;
    if let Some(existing) = &existing {
        drift::check(target, name, existing, &request.parameters).await?;
        if let Some(first) = Remedy::reopen(target, &client, name, existing).await {
            return Ok(Prepared::First(first));
        }
    }
    // A stack that only took its bucket back is deployed for the first time.
    let before = existing.as_ref().filter(|stack| !take_back::holds_bucket_alone(stack));
    let artifact = package::provide(target, request, existing.as_ref(), progress).await?;
    let values = parameters::values(target, request, before, artifact.as_ref(), progress).await;
    if existing.is_none()
        && let Some(kept) = take_back::find(target, &client, request, &values).await?
    {
        return Ok(Prepared::First(Remedy::take_back(name, kept)));
    }
    let wanted = parameters::for_change_set(&values, existing.as_ref());
    let tags = parameters::tags(request, existing.as_ref());
    let (change_set, stack_id) = change_set::make(&client, request, existing.as_ref(), wanted, &tags).await?;

    let ready = match change_set::wait(target, &client, name, &change_set, progress).await {
        Ok(Some(ready)) => ready,
        Ok(None) => {
            change_set::drop(&client, name, &change_set).await?;
            let stack = existing.ok_or_else(|| DeployError::State {
                stack: name.clone(),
                status: StackStatus::from("REVIEW_IN_PROGRESS"),
                advice: "CloudFormation found nothing to create; delete the stack and deploy again".to_owned(),
            })?;
            if goes_on_as_failed {
                return Remedy::roll_back(&client, name, &stack).await.map(Prepared::First);
            }
            let deployed = stack.deployed(name)?;
            let did_it = attached.is_some_and(|status| status == stack.status && !status.failed());
            return Ok(if did_it { Prepared::Finished(deployed) } else { Prepared::Unchanged(deployed) });
        }
        Err(error) => {
            // What was refused is not to stay: the first error is the one to tell.
            let _ = remove(&client, name, &change_set, existing.is_none()).await;
            return Err(error);
        }
    };
    let told = if ready.parameters.is_empty() { parameters::all(&values, existing.as_ref()) } else { ready.parameters };
    let changes: Vec<_> = ready.changes.iter().filter_map(preview::change).collect();
    Ok(Prepared::Changes(Plan {
        goes_on_as_failed,
        preview: Preview {
            stack_name: name.clone(),
            change_set,
            creates: existing.is_none(),
            can_roll_back: goes_on_as_failed,
            losses: preview::losses(&changes),
            changes,
            parameters: preview::differences(&told),
            estimate: preview::estimate(target, &told),
        },
        request: request.clone(),
        stack_id,
        change_set_id: ready.id,
        run: Run::default(),
    }))
}

/// The stack once nothing runs on it any more, and in which status the operation ended that ran.
pub(super) async fn settle(
    target: &Target,
    client: &Client,
    name: &str,
    progress: &Sender<Progress>,
) -> Result<(Option<Stack>, Option<StackStatus>), DeployError> {
    let mut attached = None;
    for _ in 0..ATTACHED_AT_MOST {
        // In the middle of something trouble is waited out; at the beginning it is told at once.
        let found = match attached {
            None => Stack::find(client, name).await?,
            Some(_) => find(client, name, target.pace().stack, progress).await?,
        };
        let Some(stack) = found else { return Ok((None, attached)) };
        if !stack.own {
            return Err(DeployError::Foreign(name.to_owned()));
        }
        if action(Some(&stack.status)) != Action::Attach {
            return Ok((Some(stack), attached));
        }
        note(
            progress,
            format!(
                "An operation runs on stack {name} ({}): this follows it from its beginning to its end.",
                stack.status
            ),
        )
        .await;
        let mut events = StackEvents::new(client, stack.id.clone());
        let detail = stack.detailed_status.as_deref();
        let status = attach(client, &mut events, detail, target.pace().stack, progress).await?;
        if status.failed() {
            let failure = Failure::of(status.clone(), events.seen());
            note(progress, format!("It failed. First cause: {}", failure.headline())).await;
            for line in failure.details() {
                note(progress, line).await;
            }
        }
        attached = Some(status);
    }
    Ok((find(client, name, target.pace().stack, progress).await?, attached))
}

/// Drops the changes that stand ready; nothing of them is left.
pub async fn discard(target: &Target, plan: &Plan) -> Result<(), DeployError> {
    let preview = &plan.preview;
    remove(&target.cloudformation(), &preview.stack_name, &preview.change_set, preview.creates).await
}

async fn remove(client: &Client, name: &str, change_set: &str, is_creation: bool) -> Result<(), DeployError> {
    change_set::drop(client, name, change_set).await?;
    if is_creation {
        delete_in_review(client, name).await?;
    }
    Ok(())
}

/// Deletes the empty stack in review that a change set of a creation leaves behind. Somebody else may
/// have made more of it meanwhile: then it is left as it is.
pub async fn delete_in_review(client: &Client, name: &str) -> Result<(), DeployError> {
    let Some(stack) = Stack::find(client, name).await? else { return Ok(()) };
    if stack.status.as_str() != "REVIEW_IN_PROGRESS" || !change_set::none_left(client, name).await? {
        return Ok(());
    }
    client
        .delete_stack()
        .stack_name(name)
        .send()
        .await
        .map_err(|error| DeployError::call(format!("removed the empty stack {name} of the preview"), &error))?;
    Ok(())
}
