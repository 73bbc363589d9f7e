//! Why a deployment could not be carried out.

use tailwater_core::{events::StackStatus, text::safe::visible};

use super::{Explained, PackageError, failure};
use crate::target::{StackEventsError, error_text};

/// Why a deployment could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A call failed.
    #[error("{tried}: {answer}")]
    Call {
        /// What was tried, on what.
        tried: String,
        /// What came back.
        answer: String,
    },
    /// CloudFormation refused the changes before it made anything.
    #[error("prepared the changes of stack {stack}: early validation refused {what}")]
    Validation {
        /// The stack.
        stack: String,
        /// The type of the resource that was refused first.
        resource_type: String,
        /// What was refused and why: the first in full, then how many more.
        what: String,
    },
    /// The stack's events could not be read.
    #[error(transparent)]
    Events(#[from] StackEventsError),
    /// The function's code is none that can run.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Parameters that do not go together.
    #[error("{0}")]
    Parameters(String),
    /// A stack in this state cannot be deployed over.
    #[error("stack {stack} is in {status}: {advice}")]
    State {
        /// The stack.
        stack: String,
        /// Its status.
        status: StackStatus,
        /// What to do.
        advice: String,
    },
    /// A stack that others made, without anything to watch.
    #[error(
        "stack {0} was not made by Tailwater and has neither a Kinesis stream nor a bucket nor log groups: there is \
         nothing to watch but its events (`tailwater tail stack --stack-name {0}`)"
    )]
    Nothing(String),
    /// It was cancelled before it began.
    #[error("deployed stack {0}: it was cancelled before anything was executed, and the stack was not changed")]
    GivenUp(String),
    /// A stack of this name that Tailwater did not make.
    #[error(
        "stack {0} exists and was not made by Tailwater (it lacks the tag `tailwater`): it is only watched, never \
         changed. `tailwater tail stack --stack-name {0}` shows its events; to deploy, choose another --stack-name"
    )]
    Foreign(String),
    /// A stack that somebody protected from being deleted.
    #[error(
        "stack {0} is not deleted and nothing of it was touched: its termination protection is on. Lift it with \
         `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name {0}`, \
         then destroy again"
    )]
    Protected(String),
    /// An output that the template has is not there.
    #[error("stack {stack} has no output {output}: it was made from another template. Choose another --stack-name")]
    Output {
        /// The stack.
        stack: String,
        /// The output.
        output: &'static str,
    },
    /// Something of the stack was removed by hand.
    #[error("{what} of stack {stack} is gone, although CloudFormation takes it to be there: {advice}")]
    Drift {
        /// The stack.
        stack: String,
        /// `Bucket NAME`.
        what: String,
        /// What to do.
        advice: String,
    },
}

impl DeployError {
    /// A call failed.
    pub fn call<E, R>(tried: impl Into<String>, error: &aws_smithy_runtime_api::client::result::SdkError<E, R>) -> Self
    where
        E: std::error::Error + aws_smithy_types::error::metadata::ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        Self::Call { tried: tried.into(), answer: error_text(error) }
    }

    /// All of it as lines for people, safe to print; the first has the cause.
    pub fn report(&self) -> Vec<String> {
        let mut lines = vec![visible(&self.to_string()).into_owned()];
        if let Some(explained) = self.explained() {
            lines.extend([explained.meaning, explained.advice].map(|line| format!("  {line}")));
        }
        lines
    }

    /// What it means and what to do, where AWS's words are of a known kind.
    pub fn explained(&self) -> Option<Explained> {
        match self {
            Self::Call { answer, .. } => failure::explain("", answer),
            Self::Validation { resource_type, .. } => failure::explain(resource_type, &self.to_string()),
            Self::Events(error) => failure::explain("", &error.to_string()),
            // Their own words say it.
            Self::Package(_)
            | Self::Parameters(_)
            | Self::State { .. }
            | Self::GivenUp(_)
            | Self::Nothing(_)
            | Self::Foreign(_)
            | Self::Protected(_)
            | Self::Output { .. }
            | Self::Drift { .. } => None,
        }
    }
}
