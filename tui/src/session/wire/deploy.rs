//! A deployment's progress, as it stands in a recording.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tailwater_core::{
    app::{DeployProgress, First},
    events::{StackStatus, Timestamp},
    pipeline::{self, Buffering, Outputs},
};

use super::{super::redact::Redaction, millis};

/// How a deployment goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Progress {
    /// It began.
    Started {
        /// How many resources change.
        resources: Option<usize>,
    },
    /// There is no stack.
    Absent,
    /// There is a stack.
    Found {
        /// Its status.
        status: String,
        /// Whether Tailwater made it.
        own: bool,
        /// The pipeline.
        pipeline: Option<Pipeline>,
        /// Why it is none.
        trouble: Option<String>,
        /// Since when the stack is so.
        #[serde(default)]
        since: Option<Timestamp>,
    },
    /// How the pipeline is set. Where keys stand is not told.
    Settings {
        /// The stack's parameters, each a name and a value.
        parameters: Vec<(String, String)>,
        /// The region.
        region: Option<String>,
    },
    /// Nothing runs in AWS until the next try begins, or something does again.
    Between(bool),
    /// Changes wait for a yes.
    Previewed(Box<Preview>),
    /// Something is to be done first.
    First {
        /// Why.
        why: String,
        /// What.
        what: String,
        /// What is lost by it.
        losses: Vec<String>,
    },
    /// Why an operation that was watched failed.
    Explained {
        /// The words.
        error: String,
    },
    /// It ended well.
    Done {
        /// The stack's status.
        status: String,
        /// The pipeline.
        pipeline: Pipeline,
        /// How long it took.
        took_ms: u64,
        /// Nothing had to be changed.
        unchanged: bool,
    },
    /// It failed.
    Failed {
        /// The words.
        error: String,
    },
    /// It was stopped.
    Stopped {
        /// The words.
        words: String,
    },
    /// The stack is gone.
    Destroyed {
        /// What is left.
        left: Vec<String>,
    },
}

/// A deployed pipeline.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    api_url: String,
    submit_url: String,
    stream_name: String,
    function_name: String,
    log_group_name: String,
    access_log_group_name: String,
    delivery_stream_name: String,
    delivery_log_group_name: String,
    bucket_name: String,
    interval_seconds: u64,
    size_mb: u64,
}

impl Pipeline {
    fn of(outputs: &Outputs, buffering: Buffering, redaction: &Redaction) -> Self {
        Self {
            api_url: redaction.text(&outputs.api_url),
            submit_url: redaction.text(&outputs.submit_url),
            stream_name: redaction.text(&outputs.stream_name),
            function_name: redaction.text(&outputs.function_name),
            log_group_name: redaction.text(&outputs.log_group_name),
            access_log_group_name: redaction.text(&outputs.access_log_group_name),
            delivery_stream_name: redaction.text(&outputs.delivery_stream_name),
            delivery_log_group_name: redaction.text(&outputs.delivery_log_group_name),
            bucket_name: redaction.text(&outputs.bucket_name),
            interval_seconds: buffering.interval_seconds,
            size_mb: buffering.size_mb,
        }
    }

    fn read(self) -> (Outputs, Buffering) {
        let outputs = Outputs {
            api_url: self.api_url,
            submit_url: self.submit_url,
            stream_name: self.stream_name,
            function_name: self.function_name,
            log_group_name: self.log_group_name,
            access_log_group_name: self.access_log_group_name,
            delivery_stream_name: self.delivery_stream_name,
            delivery_log_group_name: self.delivery_log_group_name,
            bucket_name: self.bucket_name,
        };
        (outputs, Buffering { interval_seconds: self.interval_seconds, size_mb: self.size_mb })
    }
}

impl Progress {
    /// Of what the app was told.
    pub fn of(progress: DeployProgress, redaction: &Redaction) -> Self {
        match progress {
            DeployProgress::Started { resources } => Self::Started { resources },
            DeployProgress::Absent => Self::Absent,
            DeployProgress::Found { status, own, pipeline, since } => {
                let (pipeline, trouble) = match pipeline {
                    Ok((outputs, buffering)) => (Some(Pipeline::of(&outputs, buffering, redaction)), None),
                    Err(why) => (None, Some(redaction.text(&why))),
                };
                Self::Found { status: status.0, own, pipeline, trouble, since }
            }
            DeployProgress::Settings(settings) => Self::Settings {
                parameters: settings
                    .parameters()
                    .map(|(name, value)| (name.to_owned(), redaction.text(value)))
                    .collect(),
                region: settings.region,
            },
            DeployProgress::Between(between) => Self::Between(between),
            DeployProgress::Previewed(preview) => Self::Previewed(Box::new(Preview::of(preview, redaction))),
            DeployProgress::First(First { why, what, losses }) => Self::First {
                why: redaction.text(&why),
                what: redaction.text(&what),
                losses: losses.iter().map(|loss| redaction.text(loss)).collect(),
            },
            DeployProgress::Explained { error } => Self::Explained { error: redaction.text(&error) },
            DeployProgress::Done { status, outputs, buffering, took, unchanged } => Self::Done {
                status: status.0,
                pipeline: Pipeline::of(&outputs, buffering, redaction),
                took_ms: millis(took),
                unchanged,
            },
            DeployProgress::Failed { error } => Self::Failed { error: redaction.text(&error) },
            DeployProgress::Stopped { words } => Self::Stopped { words: redaction.text(&words) },
            DeployProgress::Destroyed { left } => {
                Self::Destroyed { left: left.iter().map(|what| redaction.text(what)).collect() }
            }
        }
    }
}

impl From<Progress> for DeployProgress {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Started { resources } => Self::Started { resources },
            Progress::Absent => Self::Absent,
            Progress::Found { status, own, pipeline, trouble, since } => Self::Found {
                since,
                status: StackStatus(status),
                own,
                pipeline: pipeline.map(Pipeline::read).ok_or_else(|| trouble.unwrap_or_default()),
            },
            Progress::Settings { parameters, region } => {
                Self::Settings(pipeline::Settings::of(parameters, region.as_deref().unwrap_or_default()))
            }
            Progress::Between(between) => Self::Between(between),
            Progress::Previewed(preview) => Self::Previewed((*preview).into()),
            Progress::First { why, what, losses } => Self::First(First { why, what, losses }),
            Progress::Explained { error } => Self::Explained { error },
            Progress::Done { status, pipeline, took_ms, unchanged } => {
                let (outputs, buffering) = pipeline.read();
                let took = Duration::from_millis(took_ms);
                Self::Done { status: StackStatus(status), outputs, buffering, took, unchanged }
            }
            Progress::Failed { error } => Self::Failed { error },
            Progress::Stopped { words } => Self::Stopped { words },
            Progress::Destroyed { left } => Self::Destroyed { left },
        }
    }
}

/// What a deployment is about to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    stack_name: String,
    change_set: String,
    creates: bool,
    #[serde(default)]
    can_roll_back: bool,
    changes: Vec<Change>,
    parameters: Vec<Parameter>,
    losses: Vec<String>,
    estimate: Option<Estimate>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    action: String,
    logical_id: String,
    physical_id: Option<String>,
    resource_type: String,
    replacement: Replacement,
    properties: Vec<Property>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Replacement {
    No,
    Maybe,
    Yes,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Property {
    path: String,
    before: Option<String>,
    after: Option<String>,
    cause: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameter {
    name: String,
    default: Option<String>,
    value: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Estimate {
    idle_usd_per_day: f64,
    usd_per_million_events: f64,
    priced_region: String,
    as_of: String,
    source: String,
}

impl Preview {
    fn of(preview: pipeline::Preview, redaction: &Redaction) -> Self {
        let property = |property: pipeline::PropertyChange| Property {
            path: property.path,
            before: redaction.maybe(property.before.as_ref()),
            after: redaction.maybe(property.after.as_ref()),
            cause: property.cause,
        };
        let change = |change: pipeline::Change| Change {
            action: change.action,
            logical_id: change.logical_id,
            physical_id: redaction.maybe(change.physical_id.as_ref()),
            resource_type: change.resource_type,
            replacement: match change.replacement {
                pipeline::Replacement::No => Replacement::No,
                pipeline::Replacement::Maybe => Replacement::Maybe,
                pipeline::Replacement::Yes => Replacement::Yes,
            },
            properties: change.properties.into_iter().map(property).collect(),
        };
        let parameter = |parameter: pipeline::ParameterDifference| Parameter {
            name: parameter.name,
            default: redaction.maybe(parameter.default.as_ref()),
            value: redaction.text(&parameter.value),
        };
        Self {
            stack_name: redaction.text(&preview.stack_name),
            change_set: redaction.text(&preview.change_set),
            creates: preview.creates,
            can_roll_back: preview.can_roll_back,
            changes: preview.changes.into_iter().map(change).collect(),
            parameters: preview.parameters.into_iter().map(parameter).collect(),
            losses: preview.losses.iter().map(|loss| redaction.text(loss)).collect(),
            estimate: preview.estimate.map(|estimate| Estimate {
                idle_usd_per_day: estimate.idle_usd_per_day,
                usd_per_million_events: estimate.usd_per_million_events,
                priced_region: estimate.priced_region.into_owned(),
                as_of: estimate.as_of.into_owned(),
                source: estimate.source.into_owned(),
            }),
        }
    }
}

impl From<Preview> for pipeline::Preview {
    fn from(preview: Preview) -> Self {
        let property = |property: Property| pipeline::PropertyChange {
            path: property.path,
            before: property.before,
            after: property.after,
            cause: property.cause,
        };
        let change = |change: Change| pipeline::Change {
            action: change.action,
            logical_id: change.logical_id,
            physical_id: change.physical_id,
            resource_type: change.resource_type,
            replacement: match change.replacement {
                Replacement::No => pipeline::Replacement::No,
                Replacement::Maybe => pipeline::Replacement::Maybe,
                Replacement::Yes => pipeline::Replacement::Yes,
            },
            properties: change.properties.into_iter().map(property).collect(),
        };
        let parameter = |parameter: Parameter| pipeline::ParameterDifference {
            name: parameter.name,
            default: parameter.default,
            value: parameter.value,
        };
        Self {
            stack_name: preview.stack_name,
            change_set: preview.change_set,
            creates: preview.creates,
            can_roll_back: preview.can_roll_back,
            changes: preview.changes.into_iter().map(change).collect(),
            parameters: preview.parameters.into_iter().map(parameter).collect(),
            losses: preview.losses,
            estimate: preview.estimate.map(|estimate| pipeline::Estimate {
                idle_usd_per_day: estimate.idle_usd_per_day,
                usd_per_million_events: estimate.usd_per_million_events,
                priced_region: estimate.priced_region.into(),
                as_of: estimate.as_of.into(),
                source: estimate.source.into(),
            }),
        }
    }
}
