//! Deploys the bundled template and takes it down again, in steps that a command or a screen puts
//! together: `prepare` says what would change, `execute` does it and follows it to its end, `discard`
//! drops it. Yields [`StackEvent`]s as they come.

mod change_set;
mod dependencies;
mod destroy;
mod drift;
mod error;
mod execute;
mod failure;
mod follow;
mod intake;
mod names;
mod package;
mod parameters;
mod patience;
mod plan;
mod prepare;
mod preview;
mod recover;
mod run;
mod stack;
mod take_back;
mod template;
#[cfg(all(test, feature = "local"))]
mod tests;
mod watched;

use std::path::PathBuf;

use tailwater_core::events::StackEvent;
use tokio::sync::mpsc::Sender;

use crate::target::Target;

pub use dependencies::template_resources;
pub use destroy::{DestroyOptions, Destroyed, Left, Stuck, Survey, contents_in_words, destroy, survey};
pub use error::DeployError;
pub use execute::{cancel, execute, goes_on};
pub use failure::{Explained, Failure, root_cause};
pub use names::Planned;
pub use package::{Architecture, Package, PackageError, System, Tool, Workshop, beside, check_handler_zip};
pub use plan::{Action, action};
pub use prepare::{Plan, Prepared, discard, prepare};
pub use recover::{Remedy, remedy};
pub use stack::{Deployed, Stack};
pub use template::{TEMPLATE, check_parameters};
pub use watched::{Watch, pipeline_of};

/// How many things may have to be done one after another before a stack can be deployed.
pub const REMEDIES_AT_MOST: u32 = 5;
/// The tag that says that a stack is ours to change.
const OWN_TAG: (&str, &str) = ("tailwater", "1");

/// What to deploy.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The stack's name.
    pub stack_name: String,
    /// Template parameters, as given: they have been checked.
    pub parameters: Vec<(String, String)>,
    /// The function's code, where it was given.
    pub handler_zip: Option<PathBuf>,
    /// Tags of the stack and its resources, beside those it has.
    pub tags: Vec<(String, String)>,
    /// The role that CloudFormation works with; `None`: the one it has, or the caller's own rights.
    pub role_arn: Option<String>,
    /// A stack that failed with rollback disabled goes back first, instead of on from there.
    pub roll_back: bool,
    /// Nothing is to be executed: the function's code is not put anywhere.
    pub dry_run: bool,
    /// What is only watched, in place of a stack.
    pub watch: Option<Watch>,
}

impl Request {
    fn parameter(&self, name: &str) -> Option<&str> {
        stack::value_of(&self.parameters, name)
    }
}

/// How a deployment goes.
#[derive(Debug, Clone)]
pub enum Progress {
    /// Something worth a line to people.
    Note(String),
    /// A step of the stack.
    Event(StackEvent),
    /// Nothing runs in AWS until the next try begins (`true`), or something does again.
    Between(bool),
    /// How far something is that takes its time: `done` of `total`, where the total is known.
    Step {
        /// What is being done, in words that the figures follow.
        what: String,
        /// How much of it is done.
        done: u64,
        /// How much there is to do.
        total: Option<u64>,
    },
}

/// How a deployment ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Something was made or changed.
    Deployed(Deployed),
    /// There was nothing to do.
    Unchanged(Deployed),
    /// CloudFormation ended it otherwise.
    Failed(Failure),
}

/// Deploys without asking, and follows the operation to its end. What would have to be done first is
/// done where nothing is lost by it.
pub async fn deploy(target: &Target, request: &Request, progress: &Sender<Progress>) -> Result<Outcome, DeployError> {
    for _ in 0..REMEDIES_AT_MOST {
        match prepare(target, request, progress).await? {
            Prepared::Unchanged(deployed) => return Ok(Outcome::Unchanged(deployed)),
            Prepared::Finished(deployed) => return Ok(Outcome::Deployed(deployed)),
            Prepared::Changes(plan) => return execute(target, &plan, progress).await,
            Prepared::First(first) if first.losses.is_empty() => {
                note(progress, first.why.clone()).await;
                remedy(target, &first, request.role_arn.as_deref(), progress).await?;
            }
            Prepared::First(first) => {
                return Err(DeployError::State {
                    stack: first.stack_name,
                    status: first.status,
                    advice: format!("run `tailwater deploy`, which asks first: {}", first.losses.join("; ")),
                });
            }
        }
    }
    Err(never_ready(&request.stack_name))
}

/// What was done first did not help, however often.
pub fn never_ready(stack_name: &str) -> DeployError {
    DeployError::Call {
        tried: format!("made stack {stack_name} ready to be deployed, {REMEDIES_AT_MOST} times"),
        answer: "something is still to be done first. See `tailwater status` and `tailwater tail stack --from-start`"
            .to_owned(),
    }
}

async fn note(progress: &Sender<Progress>, text: String) {
    let _ = progress.send(Progress::Note(text)).await;
}
