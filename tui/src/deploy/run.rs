//! What a deployment has running in AWS at this moment, shared by whoever carries it out and whoever
//! wants it cancelled: a retry runs on another stack than the first try, and between two tries nothing
//! runs at all.

use aws_sdk_cloudformation::Client;
use tailwater_core::events::StackStatus;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{DeployError, Stack};
use crate::target::Target;

/// What runs in AWS at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Now {
    /// Nothing.
    Nothing,
    /// What a try left is cleared away.
    Clearing,
    /// The changes of the stack with this ARN are executed.
    Executing(String),
}

/// One deployment, over all its tries.
#[derive(Debug)]
pub(super) struct Run {
    /// Held while an operation is begun: a word to cancel comes before it or after it, never between.
    pub(super) now: Mutex<Now>,
    /// No further try is to begin.
    pub(super) given_up: CancellationToken,
}

impl Default for Run {
    fn default() -> Self {
        Self { now: Mutex::new(Now::Nothing), given_up: CancellationToken::new() }
    }
}

impl Run {
    /// Says what runs from now on.
    pub(super) async fn is(&self, now: Now) {
        *self.now.lock().await = now;
    }

    /// Whether leaving it now leaves something that goes on in AWS.
    pub(super) async fn goes_on(&self) -> bool {
        *self.now.lock().await != Now::Nothing
    }

    /// Cancels what runs, and every try after it. Says what it began.
    pub(super) async fn cancel(&self, target: &Target, name: &str) -> Result<&'static str, DeployError> {
        // First, so that what still waits to begin does not.
        self.given_up.cancel();
        let now = self.now.lock().await;
        match &*now {
            Now::Nothing => Ok("Given up: nothing runs in AWS, and it is not tried again."),
            Now::Clearing => Ok("Given up: it is not tried again. What the last try left is still being cleared away."),
            Now::Executing(stack_id) => cancel_operation(&target.cloudformation(), name, stack_id).await,
        }
    }
}

/// Cancels an operation: an update goes back to what was, a creation is deleted.
async fn cancel_operation(client: &Client, name: &str, stack_id: &str) -> Result<&'static str, DeployError> {
    let stack = Stack::find(client, stack_id).await?;
    let status = stack.map_or_else(|| StackStatus::from("DELETE_COMPLETE"), |stack| stack.status);
    match status.as_str() {
        "UPDATE_IN_PROGRESS" => {
            let cancelled = client.cancel_update_stack().stack_name(name).send().await;
            cancelled.map_err(|error| DeployError::call(format!("cancelled the update of stack {name}"), &error))?;
            Ok("The update is cancelled: the stack goes back to what it was.")
        }
        "CREATE_IN_PROGRESS" => {
            let deleted = client.delete_stack().stack_name(name).send().await;
            deleted.map_err(|error| DeployError::call(format!("deleted stack {name} while it was made"), &error))?;
            Ok("The creation is cancelled: what was made so far is deleted.")
        }
        // It fails by itself; a retry after it would not be what was asked for.
        "ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS" | "ROLLBACK_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" => {
            Ok("It has failed already and is being undone: it is not tried again.")
        }
        _ => Err(DeployError::State {
            stack: name.to_owned(),
            status,
            advice: "nothing can be cancelled any more. Wait until it has ended".to_owned(),
        }),
    }
}
