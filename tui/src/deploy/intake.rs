//! The intake of a pipeline that a destruction stopped and did not take down: found by what Lambda says of
//! its function, and opened again.

use aws_sdk_cloudformation::Client;
use aws_sdk_lambda::error::ProvideErrorMetadata;

use super::{
    DeployError, Stack,
    destroy::{API_GATEWAY, Pieces, statements_for},
};
use crate::target::{Kind, Target};

/// The permissions by which others call a function.
const PERMISSION: &str = "AWS::Lambda::Permission";
/// HTTP APIs.
const API: &str = "AWS::ApiGatewayV2::Api";

/// What keeps events out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shut {
    /// The function's reserved concurrency is 0.
    Concurrency {
        /// The function.
        function: String,
    },
    /// API Gateway's permission to call the function is gone.
    Permission {
        /// The function.
        function: String,
        /// The statement's id, as CloudFormation knows it.
        statement: String,
        /// The routes that may call.
        source_arn: String,
    },
}

impl Shut {
    /// Why the function takes no events.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Concurrency { function } => format!(
                "The function {function} takes no events: its reserved concurrency is 0, as a `tailwater destroy` that \
                 was cut short leaves it."
            ),
            Self::Permission { function, .. } => format!(
                "The function {function} takes no events: API Gateway's permission to call it is gone, as a `tailwater \
                 destroy` that was cut short leaves it."
            ),
        }
    }

    /// The function.
    pub(super) fn function(&self) -> &str {
        match self {
            Self::Concurrency { function } | Self::Permission { function, .. } => function,
        }
    }

    /// Lets events in again.
    pub(super) async fn open(&self, target: &Target) -> Result<(), DeployError> {
        let function = self.function();
        match self {
            Self::Concurrency { .. } => {
                let opened = target.lambda().delete_function_concurrency().function_name(function).send().await;
                let tried = || format!("let the function {function} take events again");
                opened.map_err(|error| DeployError::call(tried(), &error))?;
            }
            Self::Permission { statement, source_arn, .. } => {
                let added = target
                    .lambda()
                    .add_permission()
                    .function_name(function)
                    .statement_id(statement)
                    .action("lambda:InvokeFunction")
                    .principal(API_GATEWAY)
                    .source_arn(source_arn)
                    .send()
                    .await;
                let tried = || format!("gave API Gateway its permission to call the function {function} back");
                added.map_err(|error| DeployError::call(tried(), &error))?;
            }
        }
        Ok(())
    }
}

/// What keeps events out of a stack's pipeline; `None`: nothing, or that cannot be known.
pub(super) async fn shut(target: &Target, client: &Client, stack: &Stack) -> Option<Shut> {
    let function = stack.output("FunctionName")?.to_owned();
    let lambda = target.lambda();
    let concurrency = lambda.get_function_concurrency().function_name(&function).send().await;
    if concurrency.is_ok_and(|answer| answer.reserved_concurrent_executions() == Some(0)) {
        return Some(Shut::Concurrency { function });
    }
    let policy = match lambda.get_policy().function_name(&function).send().await {
        Ok(answer) => answer.policy.unwrap_or_default(),
        // With its last statement a policy goes. Servers other than AWS may have none to begin with.
        Err(error) if error.code() == Some("ResourceNotFoundException") && target.kind() != Kind::Custom => {
            String::new()
        }
        Err(_) => return None,
    };
    if !statements_for(&policy, API_GATEWAY).is_empty() {
        return None;
    }
    let pieces = Pieces::of(client, &stack.id).await.ok()?;
    let (statement, api) = (pieces.only(PERMISSION)?.to_owned(), pieces.only(API)?);
    let (partition, region, account) = (target.identity().partition(), target.region(), target.account_id());
    let source_arn = format!("arn:{partition}:execute-api:{region}:{account}:{api}/*/POST/submit");
    Some(Shut::Permission { function, statement, source_arn })
}
