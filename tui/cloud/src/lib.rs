//! An embedded local cloud: the AWS services of one streaming pipeline, in one process, on
//! loopback only, speaking AWS's wire protocols with signatures checked.
//!
//! It knows nothing of the app. Clients are the official SDKs, the AWS CLI and `curl`.
//!
//! Inside, a service is a struct whose `call` takes an operation's name and its input as JSON in
//! the shape of that service's API and gives back the output in the same shape; the wire protocols
//! (`wire`) turn HTTP into such calls, and services call each other the same way. The order in
//! which services may use each other is that of `Services`.
//!
//! It can be ordered to fail: see [`faults`].

mod caller;
mod cloudformation;
pub mod faults;
mod firehose;
mod front_door;
mod gateway;
mod iam;
mod kinesis;
mod lambda;
mod logs;
mod options;
mod s3;
mod signature;
mod temporary;
mod wire;

pub use firehose::Buffered;
pub use front_door::{LocalCloud, StartError};
pub use iam::Credentials;
pub use kinesis::Dropped;
pub use lambda::supervisor;
pub use options::{Limits, Options};

use std::sync::Arc;

/// The account every embedded cloud plays.
pub const ACCOUNT_ID: &str = "000000000000";

/// Where a cloud is: what its ARNs and addresses are made of.
#[derive(Debug)]
pub(crate) struct Place {
    /// The one region that exists here; a signature for another one is refused.
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// `http://127.0.0.1:PORT`, the address of every service.
    pub endpoint_url: String,
    /// `http://127.0.0.1:PORT` of the HTTP API gateway.
    pub gateway_url: String,
    /// Where objects and function code are kept, removed with the cloud unless the user named it.
    pub data_dir: std::path::PathBuf,
    /// See [`Limits`].
    pub limits: Limits,
    /// Bytes of Kinesis records kept, the oldest go first.
    pub retained_bytes: u64,
    /// The command that supervises functions.
    pub supervisor: Vec<std::ffi::OsString>,
}

impl Place {
    /// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account_id)
    }
}

/// Every service of one cloud. A service holds those above it that it uses, none below.
#[derive(Clone)]
pub(crate) struct Services {
    pub place: Arc<Place>,
    pub iam: Arc<iam::Iam>,
    pub kinesis: Arc<kinesis::Kinesis>,
    pub s3: Arc<s3::S3>,
    pub logs: Arc<logs::Logs>,
    pub lambda: Arc<lambda::Lambda>,
    pub firehose: Arc<firehose::Firehose>,
    pub gateway: Arc<gateway::Gateway>,
    pub cloudformation: Arc<cloudformation::CloudFormation>,
    pub faults: Arc<faults::Faults>,
}

impl Services {
    /// Makes the services of a new, empty cloud; starts their background work on the current
    /// runtime.
    pub fn new(place: Arc<Place>) -> Self {
        let faults = Arc::<faults::Faults>::default();
        let iam = iam::Iam::new(place.clone());
        let kinesis = kinesis::Kinesis::new(place.clone(), faults.clone());
        let s3 = s3::S3::new(place.clone(), iam.clone(), faults.clone());
        let logs = logs::Logs::new(place.clone());
        let lambda = lambda::Lambda::new(place.clone(), iam.clone(), s3.clone(), logs.clone(), faults.clone());
        let firehose = firehose::Firehose::new(firehose::Uses {
            place: place.clone(),
            iam: iam.clone(),
            kinesis: kinesis.clone(),
            s3: s3.clone(),
            logs: logs.clone(),
            faults: faults.clone(),
        });
        let gateway = gateway::Gateway::new(place.clone(), iam.clone(), lambda.clone(), logs.clone(), faults.clone());
        let cloudformation = cloudformation::CloudFormation::new(cloudformation::Uses {
            place: place.clone(),
            iam: iam.clone(),
            kinesis: kinesis.clone(),
            s3: s3.clone(),
            logs: logs.clone(),
            lambda: lambda.clone(),
            firehose: firehose.clone(),
            gateway: gateway.clone(),
            faults: faults.clone(),
        });
        Self { place, iam, kinesis, s3, logs, lambda, firehose, gateway, cloudformation, faults }
    }
}
