//! Ways out of the states in which a stack cannot simply be deployed over: what has to be done
//! first, what that loses, and doing it.

use aws_sdk_cloudformation::Client;
use tailwater_core::events::StackStatus;
use tokio::sync::mpsc::Sender;

use super::{
    Action, DeployError, Failure, Progress, Stack, action,
    follow::follow,
    intake::{self, Shut},
    note,
    take_back::{Kept, take_back},
};
use crate::target::{StackEvents, Target};

/// Something that has to be done to a stack before it can be deployed, once someone agreed to it.
#[derive(Debug, Clone)]
pub struct Remedy {
    /// The stack.
    pub stack_name: String,
    /// Its status.
    pub status: StackStatus,
    /// Why it cannot be deployed as it is, a sentence.
    pub why: String,
    /// What is to be done, `Delete what is left of stack demo`.
    pub what: String,
    /// What is lost by it, a line each. Empty: nothing.
    pub losses: Vec<String>,
    step: Step,
    stack_id: String,
}

/// What is done.
#[derive(Debug, Clone)]
enum Step {
    Operation(Operation),
    ReopenIntake(Shut),
    TakeBack(Box<Kept>),
}

/// An operation of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Delete,
    ContinueRollback,
    RollBack,
}

impl Operation {
    /// Whether a stack in this status has come where this was to lead.
    fn led_to(self, status: &str) -> bool {
        match self {
            Self::Delete => status == "DELETE_COMPLETE",
            Self::ContinueRollback => status == "UPDATE_ROLLBACK_COMPLETE",
            Self::RollBack => matches!(status, "ROLLBACK_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE"),
        }
    }
}

impl Remedy {
    /// For a stack that never came up: what its rollback left is deleted.
    pub async fn delete(client: &Client, stack_name: &str, stack: &Stack) -> Result<Self, DeployError> {
        let losses = if stack.status.as_str() == "ROLLBACK_COMPLETE" {
            // Everything that was made has been deleted again.
            Vec::new()
        } else {
            remains(client, stack_name, &stack.id).await?
        };
        Ok(Self {
            stack_name: stack_name.to_owned(),
            status: stack.status.clone(),
            why: format!("Stack {stack_name} is in {}: it never came up, and can only be deleted.", stack.status),
            what: format!("Delete what is left of stack {stack_name}, then create it"),
            losses,
            step: Step::Operation(Operation::Delete),
            stack_id: stack.id.clone(),
        })
    }

    /// For a pipeline that a destruction stopped and did not take down. `None`: it takes events, or
    /// that cannot be known.
    pub async fn reopen(target: &Target, client: &Client, stack_name: &str, stack: &Stack) -> Option<Self> {
        let shut = intake::shut(target, client, stack).await?;
        Some(Self {
            stack_name: stack_name.to_owned(),
            status: stack.status.clone(),
            why: shut.why(),
            what: format!("Let the function {} take events again, then deploy", shut.function()),
            losses: Vec::new(),
            step: Step::ReopenIntake(shut),
            stack_id: stack.id.clone(),
        })
    }

    /// For a bucket that an earlier stack left.
    pub fn take_back(stack_name: &str, kept: Kept) -> Self {
        Self {
            stack_name: stack_name.to_owned(),
            status: StackStatus::from("REVIEW_IN_PROGRESS"),
            why: format!(
                "Bucket {} is there already: an earlier stack of Tailwater left it, with {}.",
                kept.bucket, kept.holds
            ),
            what: format!("Take the bucket {} back into stack {stack_name}, then deploy", kept.bucket),
            losses: Vec::new(),
            stack_id: stack_name.to_owned(),
            step: Step::TakeBack(Box::new(kept)),
        }
    }

    /// For a stack whose update could not be undone: the rest of it is undone.
    pub fn continue_rollback(stack_name: &str, stack: &Stack) -> Self {
        Self {
            stack_name: stack_name.to_owned(),
            status: stack.status.clone(),
            why: format!("Stack {stack_name} is in {}: an update failed, and undoing it failed too.", stack.status),
            what: format!("Go on undoing the update of stack {stack_name}, then deploy"),
            losses: Vec::new(),
            step: Step::Operation(Operation::ContinueRollback),
            stack_id: stack.id.clone(),
        }
    }
}

impl Remedy {
    /// For a stack that failed with rollback disabled, where that is asked for or no change leads on
    /// from there: it goes back.
    pub async fn roll_back(client: &Client, stack_name: &str, stack: &Stack) -> Result<Self, DeployError> {
        let is_creation = stack.status.as_str() == "CREATE_FAILED";
        Ok(Self {
            stack_name: stack_name.to_owned(),
            status: stack.status.clone(),
            why: format!(
                "Stack {stack_name} is in {}: its last operation failed with rollback disabled.",
                stack.status
            ),
            what: format!("Roll stack {stack_name} back, then deploy"),
            losses: if is_creation { remains(client, stack_name, &stack.id).await? } else { Vec::new() },
            step: Step::Operation(Operation::RollBack),
            stack_id: stack.id.clone(),
        })
    }
}

/// Does it, and follows it to its end.
pub async fn remedy(
    target: &Target,
    remedy: &Remedy,
    role_arn: Option<&str>,
    progress: &Sender<Progress>,
) -> Result<(), DeployError> {
    let client = target.cloudformation();
    let name = &remedy.stack_name;
    let operation = match &remedy.step {
        Step::Operation(operation) => *operation,
        Step::ReopenIntake(shut) => {
            shut.open(target).await?;
            note(progress, format!("The function of stack {name} takes events again.")).await;
            return Ok(());
        }
        Step::TakeBack(kept) => return take_back(target, &client, kept, progress).await,
    };
    // A question may stand for long, and somebody else may have acted meanwhile: whoever asked finds out
    // anew what is to be done.
    match Stack::find(&client, name).await? {
        Some(now) if now.id == remedy.stack_id && !matches!(action(Some(&now.status)), Action::Update) => {}
        _ => {
            note(progress, format!("Stack {name} is not as it was any more: nothing was done to it.")).await;
            return Ok(());
        }
    }
    let token = format!("tailwater-{}", uuid::Uuid::new_v4().simple());
    let mut events = StackEvents::new(&client, remedy.stack_id.clone());
    events.skip_past().await?;
    match operation {
        Operation::Delete => {
            note(progress, format!("What is left of stack {name} is deleted.")).await;
            client
                .delete_stack()
                .stack_name(name)
                .client_request_token(token)
                .set_role_arn(role_arn.map(str::to_owned))
                .send()
                .await
                .map_err(|error| DeployError::call(format!("deleted what is left of stack {name}"), &error))?;
        }
        Operation::ContinueRollback => {
            note(progress, format!("Undoing the failed update of stack {name} goes on.")).await;
            client
                .continue_update_rollback()
                .stack_name(name)
                .client_request_token(token)
                .set_role_arn(role_arn.map(str::to_owned))
                .send()
                .await
                .map_err(|error| DeployError::call(format!("went on undoing the update of stack {name}"), &error))?;
        }
        Operation::RollBack => {
            note(progress, format!("Stack {name} is rolled back.")).await;
            client
                .rollback_stack()
                .stack_name(name)
                .client_request_token(token)
                .set_role_arn(role_arn.map(str::to_owned))
                .send()
                .await
                .map_err(|error| DeployError::call(format!("rolled stack {name} back"), &error))?;
        }
    }
    let status = follow(&client, &mut events, target.pace().stack, progress).await?;
    if operation.led_to(status.as_str()) {
        return Ok(());
    }
    let failure = Failure::of(status.clone(), events.seen());
    let way = match operation {
        Operation::Delete => "`tailwater destroy` says what could not be deleted and finishes it".to_owned(),
        Operation::RollBack => "`tailwater deploy` offers what this state allows".to_owned(),
        Operation::ContinueRollback => {
            let stuck = failure.root_cause.as_ref().map_or("RESOURCE", |event| event.logical_id.as_str());
            format!(
                "put right what the line names and deploy again; or give it up (`aws cloudformation \
                 continue-update-rollback --stack-name {name} --resources-to-skip {stuck}`), or run `tailwater destroy`"
            )
        }
    };
    Err(DeployError::State { stack: name.clone(), status, advice: format!("{}. {way}", failure.headline()) })
}

/// What is left of a stack, a line a resource.
async fn remains(client: &Client, stack_name: &str, stack_id: &str) -> Result<Vec<String>, DeployError> {
    let mut left = Vec::new();
    let mut token = None;
    loop {
        let page = client
            .list_stack_resources()
            .stack_name(stack_id)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| DeployError::call(format!("looked what is left of stack {stack_name}"), &error))?;
        left.extend(page.stack_resource_summaries().iter().filter_map(|resource| {
            let status = resource.resource_status().map_or("", |status| status.as_str());
            let id = resource.physical_resource_id().filter(|id| !id.is_empty())?;
            if matches!(status, "DELETE_COMPLETE" | "DELETE_SKIPPED") {
                return None;
            }
            let logical_id = resource.logical_resource_id().unwrap_or_default();
            let holds = match resource.resource_type() {
                Some("AWS::S3::Bucket") => " (S3 refuses as long as it holds objects)",
                Some("AWS::Kinesis::Stream") => ", with the records it holds",
                Some("AWS::Logs::LogGroup") => ", with its lines",
                _ => "",
            };
            Some(format!("{logical_id} {id} is deleted{holds}"))
        }));
        token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(left);
        }
    }
}
