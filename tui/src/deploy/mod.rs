//! Deploys the bundled template, follows the operation to its end, and takes it down again.
//! Yields [`StackEvent`]s as they come.

mod attach;
mod destroy;
mod failure;
mod follow;
mod names;
mod package;
mod plan;
mod review;
mod template;

use std::{path::PathBuf, time::Duration};

use aws_sdk_cloudformation::{
    Client,
    types::{Capability, ChangeSetStatus, ChangeSetType, Parameter, Tag},
};
use tailwater_core::{
    events::{StackEvent, StackStatus},
    pipeline::{Buffering, Change, Outputs, Preview, Replacement},
};
use tokio::sync::mpsc::Sender;

use crate::target::{StackEvents, StackEventsError, Target, error_text};

pub use destroy::{DestroyOptions, Destroyed, Left, Stuck, Survey, contents_in_words, destroy, survey};
pub use failure::root_cause;
use follow::follow;
pub use package::{PackageError, check_handler_zip};
pub use plan::{Action, action};
pub use template::{TEMPLATE, check_parameters};

/// The tag that says that a stack is ours to change.
const OWN_TAG: (&str, &str) = ("tailwater", "1");
/// How long to wait between two looks at a change set that is being made.
const CHANGE_SET_PACE: Duration = Duration::from_millis(500);
/// The same, on the embedded cloud.
const CHANGE_SET_PACE_LOCAL: Duration = Duration::from_millis(10);
/// Firehose's interval on the embedded cloud unless told otherwise: a minute is long to wait for
/// something that costs nothing to deliver.
const LOCAL_INTERVAL_SECONDS: &str = "10";

/// What to deploy.
#[derive(Debug, Clone)]
pub struct Request {
    /// The stack's name.
    pub stack_name: String,
    /// Template parameters, as given: they have been checked.
    pub parameters: Vec<(String, String)>,
    /// The function's code, where it was given.
    pub handler_zip: Option<PathBuf>,
}

impl Request {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// How a deployment goes.
#[derive(Debug, Clone)]
pub enum Progress {
    /// Something worth a line to people.
    Note(String),
    /// A step of the stack.
    Event(StackEvent),
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
    Failed {
        /// The stack's status.
        status: StackStatus,
        /// The first cause.
        root_cause: Option<StackEvent>,
    },
}

/// A deployed pipeline.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// The stack's status.
    pub status: StackStatus,
    /// Its outputs.
    pub outputs: Outputs,
    /// When Firehose delivers.
    pub buffering: Buffering,
}

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
    /// A stack of this name that Tailwater did not make.
    #[error(
        "stack {0} exists and was not made by Tailwater (it lacks the tag `tailwater`): it is left as it is. \
         Choose another --stack-name"
    )]
    Foreign(String),
    /// A stack that somebody protected from being deleted.
    #[error(
        "deleted stack {0}: its termination protection is on, so nothing was touched. Lift it with \
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
}

/// A stack as it is.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: StackStatus,
    /// Its outputs, by name.
    pub outputs: Vec<(String, String)>,
    /// Its parameters, by name.
    pub parameters: Vec<(String, String)>,
    /// Whether Tailwater made it.
    pub own: bool,
    /// Whether its termination protection is on.
    pub protected: bool,
}

/// Whether Tailwater made a stack.
fn is_own(stack: &aws_sdk_cloudformation::types::Stack) -> bool {
    stack.tags().iter().any(|tag| tag.key() == Some(OWN_TAG.0))
}

impl From<aws_sdk_cloudformation::types::Stack> for Stack {
    fn from(stack: aws_sdk_cloudformation::types::Stack) -> Self {
        Self {
            status: StackStatus::from(stack.stack_status().map_or("", |status| status.as_str())),
            own: is_own(&stack),
            protected: stack.enable_termination_protection().unwrap_or(false),
            outputs: stack
                .outputs()
                .iter()
                .filter_map(|output| Some((output.output_key()?.to_owned(), output.output_value()?.to_owned())))
                .collect(),
            parameters: stack
                .parameters()
                .iter()
                .filter_map(|parameter| {
                    Some((parameter.parameter_key()?.to_owned(), parameter.parameter_value()?.to_owned()))
                })
                .collect(),
            name: stack.stack_name.unwrap_or_default(),
            id: stack.stack_id.unwrap_or_default(),
        }
    }
}

impl Stack {
    /// Looks a stack up; `None` where there is none.
    pub async fn find(client: &Client, stack_name: &str) -> Result<Option<Self>, DeployError> {
        let answer = client.describe_stacks().stack_name(stack_name).send().await;
        let stacks = match answer {
            Ok(output) => output.stacks.unwrap_or_default(),
            Err(error) => {
                use aws_smithy_types::error::metadata::ProvideErrorMetadata;
                let absent = error.code() == Some("ValidationError")
                    && error.message().is_some_and(|message| message.contains("does not exist"));
                if absent {
                    return Ok(None);
                }
                return Err(DeployError::call(format!("looked for stack {stack_name}"), &error));
            }
        };
        let Some(mut stack) = stacks.into_iter().next().map(Self::from) else { return Ok(None) };
        if stack.status.as_str() == "DELETE_COMPLETE" {
            return Ok(None);
        }
        if !stack.own && stack.status.as_str() == "REVIEW_IN_PROGRESS" {
            stack.own = review::is_own(client, &stack.id).await?;
        }
        Ok(Some(stack))
    }

    /// The pipeline that it is.
    pub fn deployed(&self, stack_name: &str) -> Result<Deployed, DeployError> {
        let output = |name: &'static str| {
            self.outputs
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
                .ok_or_else(|| DeployError::Output { stack: stack_name.to_owned(), output: name })
        };
        Ok(Deployed {
            status: self.status.clone(),
            outputs: Outputs {
                api_url: output("ApiUrl")?,
                submit_url: output("SubmitUrl")?,
                stream_name: output("StreamName")?,
                function_name: output("FunctionName")?,
                log_group_name: output("LogGroupName")?,
                access_log_group_name: output("AccessLogGroupName")?,
                delivery_stream_name: output("DeliveryStreamName")?,
                delivery_log_group_name: output("DeliveryLogGroupName")?,
                bucket_name: output("BucketName")?,
            },
            buffering: self.buffering(),
        })
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The key of the function's code, where someone gave it.
    fn given_code(&self) -> Option<&str> {
        self.parameter("ArtifactKey").filter(|key| !key.starts_with(package::BUNDLED_PREFIX))
    }

    fn buffering(&self) -> Buffering {
        let number =
            |name: &str, default: u64| self.parameter(name).and_then(|value| value.parse().ok()).unwrap_or(default);
        Buffering { interval_seconds: number("BufferIntervalSeconds", 60), size_mb: number("BufferSizeMB", 1) }
    }
}

/// What a deployment comes to before anything is changed.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one")]
pub enum Prepared {
    /// There is nothing to do.
    Unchanged(Deployed),
    /// These changes, once someone agreed to them.
    Changes(Plan),
}

/// Changes that stand ready to be executed or dropped.
#[derive(Debug)]
pub struct Plan {
    /// What they are.
    pub preview: Preview,
    stack_id: String,
}

/// Deploys without asking, and follows the operation to its end.
pub async fn deploy(target: &Target, request: &Request, progress: &Sender<Progress>) -> Result<Outcome, DeployError> {
    match prepare(target, request, progress).await? {
        Prepared::Unchanged(deployed) => Ok(Outcome::Unchanged(deployed)),
        Prepared::Changes(plan) => execute(target, &plan, progress).await,
    }
}

/// Finds out what a deployment would change, and has CloudFormation hold it ready. Of what it needs
/// it makes the artifact bucket and puts the function's code there; an operation that runs already
/// is followed to its end first.
pub async fn prepare(target: &Target, request: &Request, progress: &Sender<Progress>) -> Result<Prepared, DeployError> {
    let client = target.cloudformation();
    let name = &request.stack_name;
    let mut stack = Stack::find(&client, name).await?;
    if let Some(stack) = &stack
        && !stack.own
    {
        return Err(DeployError::Foreign(name.clone()));
    }
    if let Some(running) = stack.as_ref().filter(|stack| stack.status.in_progress()) {
        note(progress, format!("Stack {name} is in {}: waiting for it to end.", running.status)).await;
        let mut events = StackEvents::new(&client, running.id.clone());
        follow(&client, &mut events, target.pace().stack, progress).await?;
        stack = Stack::find(&client, name).await?;
    }
    let stack = match action(stack.as_ref().map(|stack| &stack.status)) {
        Action::Create | Action::Update => stack,
        Action::DeleteFirst => {
            note(progress, format!("Stack {name} never came up; what is left of it is deleted first.")).await;
            delete_remains(target, &client, name, progress).await?;
            None
        }
        Action::Refuse(advice) => {
            return Err(DeployError::State {
                stack: name.clone(),
                status: stack.map_or_else(|| StackStatus::from(""), |stack| stack.status),
                advice: advice.to_owned(),
            });
        }
    };
    let existing = stack.filter(|stack| stack.status.as_str() != "REVIEW_IN_PROGRESS");

    check_together(request, existing.as_ref())?;
    let artifact = code(target, request, existing.as_ref(), progress).await?;
    let parameters = parameters(target, request, existing.as_ref(), artifact.as_ref(), progress).await;
    let change_set = format!("{}{}", review::CHANGE_SET_PREFIX, uuid::Uuid::new_v4().simple());
    let kind = if existing.is_some() { ChangeSetType::Update } else { ChangeSetType::Create };
    let made = client
        .create_change_set()
        .stack_name(name)
        .change_set_name(&change_set)
        .change_set_type(kind)
        .template_body(TEMPLATE)
        .set_parameters(Some(parameters))
        .capabilities(Capability::CapabilityNamedIam)
        .tags(Tag::builder().key(OWN_TAG.0).value(OWN_TAG.1).build())
        .send()
        .await
        .map_err(|error| DeployError::call(format!("prepared the changes of stack {name}"), &error))?;
    let stack_id = made.stack_id.unwrap_or_else(|| name.clone());

    let Some(changes) = wait_for_change_set(target, &client, name, &change_set).await? else {
        drop_change_set(&client, name, &change_set).await?;
        let stack = existing.ok_or_else(|| DeployError::State {
            stack: name.clone(),
            status: StackStatus::from("REVIEW_IN_PROGRESS"),
            advice: "CloudFormation found nothing to create; delete the stack and deploy again".to_owned(),
        })?;
        return Ok(Prepared::Unchanged(stack.deployed(name)?));
    };
    Ok(Prepared::Changes(Plan {
        preview: Preview {
            stack_name: name.clone(),
            change_set,
            creates: existing.is_none(),
            changes,
            parameters: Vec::new(),
            losses: Vec::new(),
            estimate: None,
        },
        stack_id,
    }))
}

/// Drops the changes that stand ready; nothing of them is left.
pub async fn discard(target: &Target, plan: &Plan) -> Result<(), DeployError> {
    let client = target.cloudformation();
    let name = &plan.preview.stack_name;
    drop_change_set(&client, name, &plan.preview.change_set).await?;
    if plan.preview.creates {
        // A change set that creates leaves an empty stack in review behind.
        client
            .delete_stack()
            .stack_name(name)
            .send()
            .await
            .map_err(|error| DeployError::call(format!("removed the empty stack {name} of the preview"), &error))?;
    }
    Ok(())
}

/// Executes the changes, and follows the operation to its end.
pub async fn execute(target: &Target, plan: &Plan, progress: &Sender<Progress>) -> Result<Outcome, DeployError> {
    let client = target.cloudformation();
    let name = &plan.preview.stack_name;
    let mut events = StackEvents::new(&client, plan.stack_id.clone());
    events.skip_past().await?;
    client
        .execute_change_set()
        .stack_name(name)
        .change_set_name(&plan.preview.change_set)
        .disable_rollback(false)
        .send()
        .await
        .map_err(|error| DeployError::call(format!("executed the changes of stack {name}"), &error))?;
    let status = follow(&client, &mut events, target.pace().stack, progress).await?;
    if !status.usable() || status.as_str() == "UPDATE_ROLLBACK_COMPLETE" {
        return Ok(Outcome::Failed { status, root_cause: root_cause(events.seen()).cloned() });
    }
    let stack = Stack::find(&client, name).await?.ok_or_else(|| DeployError::Call {
        tried: format!("looked for stack {name} after deploying it"),
        answer: "it is not there".to_owned(),
    })?;
    Ok(Outcome::Deployed(stack.deployed(name)?))
}

/// Finds the function's code and puts it where CloudFormation takes it from; `None`: the stack keeps
/// the code that someone gave it before.
async fn code(
    target: &Target,
    request: &Request,
    existing: Option<&Stack>,
    progress: &Sender<Progress>,
) -> Result<Option<package::Artifact>, DeployError> {
    let kept = existing.and_then(Stack::given_code).filter(|_| request.handler_zip.is_none());
    if let Some(key) = kept {
        note(progress, format!("The function keeps its code, {key}; --handler-zip FILE replaces it.")).await;
        return Ok(None);
    }
    let package = package::find(target, request.handler_zip.as_deref())?;
    if let Some(asked) = request.parameter("Architecture").filter(|asked| *asked != package.architecture) {
        return Err(DeployError::Parameters(format!(
            "Architecture={asked} does not fit the function's code, which is built for {}: \
             give --handler-zip FILE built for {asked}",
            package.architecture
        )));
    }
    package::upload(target, &package).await.map(Some)
}

/// What a single parameter's rule cannot say.
fn check_together(request: &Request, existing: Option<&Stack>) -> Result<(), DeployError> {
    let value = |name: &str| {
        let kept = || existing.and_then(|stack| stack.parameter(name)).map(str::to_owned);
        request.parameter(name).map(str::to_owned).or_else(kept).unwrap_or_default()
    };
    if value("AuthMode") == "JWT" && (value("JwtIssuer").is_empty() || value("JwtAudience").is_empty()) {
        return Err(DeployError::Parameters(
            "AuthMode=JWT needs an issuer and an audience: --param JwtIssuer=https://… --param JwtAudience=…"
                .to_owned(),
        ));
    }
    Ok(())
}

async fn note(progress: &Sender<Progress>, text: String) {
    let _ = progress.send(Progress::Note(text)).await;
}

/// The parameters of this deployment: those that were given, those that follow from the target and
/// the package, and of an existing stack the values it has.
async fn parameters(
    target: &Target,
    request: &Request,
    existing: Option<&Stack>,
    artifact: Option<&package::Artifact>,
    progress: &Sender<Progress>,
) -> Vec<Parameter> {
    let mut values: Vec<(String, String)> = Vec::new();
    if let Some(artifact) = artifact {
        values.push(("ArtifactBucket".into(), artifact.bucket.clone()));
        values.push(("ArtifactKey".into(), artifact.key.clone()));
        values.push(("Architecture".into(), artifact.architecture.to_owned()));
    }
    if existing.is_none() {
        values.extend(names::derived(&request.stack_name));
        if target.is_local() && !request.parameters.iter().any(|(key, _)| key == "BufferIntervalSeconds") {
            values.push(("BufferIntervalSeconds".into(), LOCAL_INTERVAL_SECONDS.into()));
            note(
                progress,
                format!(
                    "Firehose delivers after {LOCAL_INTERVAL_SECONDS} s here, not after the template's 60 \
                     (--param BufferIntervalSeconds=60 for that)."
                ),
            )
            .await;
        }
    }
    if let (crate::target::Kind::Custom, Some(endpoint)) = (target.kind(), target.endpoint_url()) {
        values.push(("AwsEndpointUrl".into(), endpoint.to_owned()));
    }
    for (key, value) in &request.parameters {
        values.retain(|(known, _)| known != key);
        values.push((key.clone(), value.clone()));
    }
    let mut parameters: Vec<Parameter> = values
        .iter()
        .map(|(key, value)| Parameter::builder().parameter_key(key).parameter_value(value).build())
        .collect();
    for (key, _) in existing.map(|stack| stack.parameters.as_slice()).unwrap_or_default() {
        if !values.iter().any(|(known, _)| known == key) && template::has_parameter(key) {
            parameters.push(Parameter::builder().parameter_key(key).use_previous_value(true).build());
        }
    }
    parameters
}

/// Waits until a change set can be executed; `None` where it holds no changes.
async fn wait_for_change_set(
    target: &Target,
    client: &Client,
    stack: &str,
    change_set: &str,
) -> Result<Option<Vec<Change>>, DeployError> {
    let mut changes = Vec::new();
    let mut token = None;
    loop {
        let answer = client
            .describe_change_set()
            .stack_name(stack)
            .change_set_name(change_set)
            .set_next_token(token.clone())
            .send()
            .await
            .map_err(|error| DeployError::call(format!("read the changes of stack {stack}"), &error))?;
        match answer.status() {
            Some(ChangeSetStatus::CreateComplete) => {
                changes.extend(answer.changes().iter().filter_map(|change| {
                    let resource = change.resource_change()?;
                    Some(Change {
                        action: resource.action()?.as_str().to_owned(),
                        logical_id: resource.logical_resource_id()?.to_owned(),
                        physical_id: resource.physical_resource_id().map(str::to_owned),
                        resource_type: resource.resource_type()?.to_owned(),
                        replacement: match resource
                            .replacement()
                            .map(aws_sdk_cloudformation::types::Replacement::as_str)
                        {
                            Some("True") => Replacement::Yes,
                            Some("Conditional") => Replacement::Maybe,
                            _ => Replacement::No,
                        },
                        properties: Vec::new(),
                    })
                }));
                token = answer.next_token().map(str::to_owned);
                if token.is_none() {
                    return Ok(Some(changes));
                }
            }
            Some(ChangeSetStatus::Failed) => {
                let reason = answer.status_reason().unwrap_or("it gave no reason");
                if reason.contains("didn't contain changes") || reason.contains("No updates are to be performed") {
                    return Ok(None);
                }
                return Err(DeployError::Call {
                    tried: format!("prepared the changes of stack {stack}"),
                    answer: reason.to_owned(),
                });
            }
            _ => {
                let pace = if target.is_local() { CHANGE_SET_PACE_LOCAL } else { CHANGE_SET_PACE };
                tokio::time::sleep(pace).await;
            }
        }
    }
}

async fn drop_change_set(client: &Client, stack: &str, change_set: &str) -> Result<(), DeployError> {
    client
        .delete_change_set()
        .stack_name(stack)
        .change_set_name(change_set)
        .send()
        .await
        .map_err(|error| DeployError::call(format!("removed the preview of stack {stack}"), &error))?;
    Ok(())
}

/// Deletes a stack that never came up, so that it can be created again.
async fn delete_remains(
    target: &Target,
    client: &Client,
    stack: &str,
    progress: &Sender<Progress>,
) -> Result<(), DeployError> {
    let Some(found) = Stack::find(client, stack).await? else { return Ok(()) };
    let mut events = StackEvents::new(client, found.id.clone());
    events.skip_past().await?;
    client
        .delete_stack()
        .stack_name(&found.id)
        .send()
        .await
        .map_err(|error| DeployError::call(format!("deleted what is left of stack {stack}"), &error))?;
    let status = follow(client, &mut events, target.pace().stack, progress).await?;
    if status.as_str() == "DELETE_COMPLETE" {
        return Ok(());
    }
    Err(DeployError::State {
        stack: stack.to_owned(),
        status,
        advice: root_cause(events.seen())
            .and_then(|event| event.reason.clone())
            .unwrap_or_else(|| "see its events with `tailwater tail stack --from-start`".to_owned()),
    })
}
