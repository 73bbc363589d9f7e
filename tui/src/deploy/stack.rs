//! A stack as it is, and the pipeline that it makes.

use aws_sdk_cloudformation::{Client, error::ProvideErrorMetadata};
use tailwater_core::{
    events::{LogSource, StackStatus, Timestamp},
    pipeline::{AuthMode, Buffering, Layout, Outputs, Settings},
};

use super::{DeployError, OWN_TAG, change_set, package};

/// A stack as it is.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: StackStatus,
    /// When it was made or changed last, as CloudFormation tells.
    pub changed: Option<Timestamp>,
    /// What CloudFormation says beside the status, `CONFIGURATION_COMPLETE`.
    pub detailed_status: Option<String>,
    /// Its outputs, by name.
    pub outputs: Vec<(String, String)>,
    /// Its parameters, by name.
    pub parameters: Vec<(String, String)>,
    /// Its tags, ours among them.
    pub tags: Vec<(String, String)>,
    /// The change set that was executed last.
    pub change_set_id: Option<String>,
    /// Whether Tailwater made it.
    pub own: bool,
    /// Whether its termination protection is on.
    pub protected: bool,
}

impl From<aws_sdk_cloudformation::types::Stack> for Stack {
    fn from(stack: aws_sdk_cloudformation::types::Stack) -> Self {
        let tags: Vec<(String, String)> =
            stack.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()))).collect();
        Self {
            status: StackStatus::from(stack.stack_status().map_or("", |status| status.as_str())),
            changed: stack
                .last_updated_time()
                .or(stack.creation_time())
                .and_then(|time| time.to_millis().ok())
                .map(Timestamp::from_millis),
            detailed_status: stack.detailed_status().map(|status| status.as_str().to_owned()),
            own: tags.iter().any(|(key, _)| key == OWN_TAG.0),
            protected: stack.enable_termination_protection().unwrap_or(false),
            tags,
            change_set_id: stack.change_set_id().map(str::to_owned),
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

/// A deployed pipeline.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// The stack's status.
    pub status: StackStatus,
    /// Its outputs.
    pub outputs: Outputs,
    /// When Firehose delivers.
    pub buffering: Buffering,
    /// Whom its API lets in.
    pub auth_mode: AuthMode,
    /// How it is set.
    pub settings: Settings,
    /// Its log groups, each with whose log it is.
    pub log_groups: Vec<(LogSource, String)>,
    /// Under which keys Firehose delivers.
    pub layout: Layout,
}

impl Stack {
    /// Looks a stack up; `None` where there is none.
    pub async fn find(client: &Client, stack_name: &str) -> Result<Option<Self>, DeployError> {
        let answer = client.describe_stacks().stack_name(stack_name).send().await;
        let stacks = match answer {
            Ok(output) => output.stacks.unwrap_or_default(),
            Err(error) => {
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
        // A stack in review has no tags yet: its change sets say whose it is.
        if !stack.own && stack.status.as_str() == "REVIEW_IN_PROGRESS" {
            stack.own = change_set::all_own(client, stack_name).await?;
        }
        Ok(Some(stack))
    }

    /// The pipeline that it is.
    pub fn deployed(&self, stack_name: &str) -> Result<Deployed, DeployError> {
        let output = |name: &'static str| {
            self.output(name)
                .map(str::to_owned)
                .ok_or_else(|| DeployError::Output { stack: stack_name.to_owned(), output: name })
        };
        let outputs = Outputs {
            api_url: output("ApiUrl")?,
            submit_url: output("SubmitUrl")?,
            stream_name: output("StreamName")?,
            function_name: output("FunctionName")?,
            log_group_name: output("LogGroupName")?,
            access_log_group_name: output("AccessLogGroupName")?,
            delivery_stream_name: output("DeliveryStreamName")?,
            delivery_log_group_name: output("DeliveryLogGroupName")?,
            bucket_name: output("BucketName")?,
        };
        Ok(Deployed {
            status: self.status.clone(),
            log_groups: outputs.log_groups(),
            layout: Layout::default(),
            outputs,
            buffering: self.buffering(),
            auth_mode: AuthMode::parse(self.parameter("AuthMode").unwrap_or_default()),
            settings: Settings::of(self.parameters.iter().cloned(), ""),
        })
    }

    /// The value of an output.
    pub(super) fn output(&self, name: &str) -> Option<&str> {
        value_of(&self.outputs, name)
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        value_of(&self.parameters, name)
    }

    /// The key of the function's code, where someone gave it.
    pub(super) fn given_code(&self) -> Option<&str> {
        self.parameter("ArtifactKey").filter(|key| package::was_given(key))
    }

    /// When Firehose delivers.
    pub(super) fn buffering(&self) -> Buffering {
        let number =
            |name: &str, default: u64| self.parameter(name).and_then(|value| value.parse().ok()).unwrap_or(default);
        Buffering { interval_seconds: number("BufferIntervalSeconds", 60), size_mb: number("BufferSizeMB", 1) }
    }
}

/// The value of a name in a list.
pub(super) fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
