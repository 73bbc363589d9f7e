//! The hops, and what a deployed pipeline is called and where it answers.

mod auth;
mod change;
pub mod limits;
mod prices;
mod settings;

use serde::{Deserialize, Serialize};

use crate::events::LogSource;

pub use auth::AuthMode;
pub use change::{Change, Estimate, ParameterDifference, Preview, PropertyChange, Replacement};
pub use prices::{HopCost, Sizing, Storage};
pub use settings::Settings;

/// The five hops, in the order of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hop {
    /// API Gateway.
    Api,
    /// The function.
    Lambda,
    /// The stream.
    Kinesis,
    /// The delivery stream.
    Firehose,
    /// The bucket.
    S3,
}

impl Hop {
    /// All five, in the order of the data.
    pub const ALL: [Self; 5] = [Self::Api, Self::Lambda, Self::Kinesis, Self::Firehose, Self::S3];

    /// The name on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::Lambda => "Lambda",
            Self::Kinesis => "Kinesis",
            Self::Firehose => "Firehose",
            Self::S3 => "S3",
        }
    }

    /// The hop that a resource type of the template belongs to; roles and the like to none.
    pub fn of_resource_type(resource_type: &str) -> Option<Self> {
        let service = resource_type.strip_prefix("AWS::")?.split("::").next()?;
        match service {
            "ApiGatewayV2" => Some(Self::Api),
            "Lambda" => Some(Self::Lambda),
            "Kinesis" => Some(Self::Kinesis),
            "KinesisFirehose" => Some(Self::Firehose),
            "S3" => Some(Self::S3),
            _ => None,
        }
    }
}

/// The outputs of `template.yaml`, of a deployed stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    /// The HTTP API's address.
    pub api_url: String,
    /// Where events are posted.
    pub submit_url: String,
    /// The Kinesis stream.
    pub stream_name: String,
    /// The Lambda function.
    pub function_name: String,
    /// The function's log group.
    pub log_group_name: String,
    /// The gateway's access log group.
    pub access_log_group_name: String,
    /// The Firehose delivery stream.
    pub delivery_stream_name: String,
    /// The log group of delivery errors.
    pub delivery_log_group_name: String,
    /// The bucket.
    pub bucket_name: String,
}

impl Outputs {
    /// The pipeline's log groups, each with whose log it is.
    pub fn log_groups(&self) -> Vec<(LogSource, String)> {
        vec![
            (LogSource::Function, self.log_group_name.clone()),
            (LogSource::Access, self.access_log_group_name.clone()),
            (LogSource::Delivery, self.delivery_log_group_name.clone()),
        ]
    }
}

/// What the keys of what Firehose could not deliver begin with, as the template has it.
pub const ERROR_PREFIX: &str = "errors/";

/// Under which keys Firehose delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// What the keys begin with. With `!{timestamp:…}` in it that is where the time stands, else
    /// `YYYY/MM/dd/HH/` follows, as Firehose does it.
    pub prefix: String,
    /// What the keys of what could not be delivered begin with; empty: they are not looked for.
    pub errors: String,
}

impl Default for Layout {
    /// As the template has it.
    fn default() -> Self {
        Self { prefix: String::new(), errors: ERROR_PREFIX.to_owned() }
    }
}

/// When Firehose delivers: at whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffering {
    /// After this many seconds.
    pub interval_seconds: u64,
    /// At this many MB.
    pub size_mb: u64,
}
