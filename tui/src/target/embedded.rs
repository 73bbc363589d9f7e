//! The embedded cloud: joins the one that runs for this user, or starts one in this process.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tailwater_cloud::{LocalCloud, Options};
use tailwater_core::text::number;
use tokio::sync::Mutex;

use super::{Claim, Registration, Target, TargetError};

/// How long to wait for a cloud that is just starting to say where it is.
const STARTING: Duration = Duration::from_secs(5);
/// Between two looks at what Kinesis let go.
const LOSSES_PACE: Duration = Duration::from_secs(2);
/// Between two looks for it.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// An embedded cloud of this process.
pub struct Embedded {
    cloud: Mutex<Option<LocalCloud>>,
    registration: Registration,
    gateway_port_taken: bool,
    _claim: Claim,
}

impl Embedded {
    /// Starts a cloud and registers it, on the right that was claimed.
    pub async fn start(claim: Claim, options: Options) -> Result<Arc<Self>, TargetError> {
        let cloud = LocalCloud::start(options).await.map_err(|error| TargetError::Cloud(error.to_string()))?;
        let registration = Registration::of(&cloud);
        claim.publish(&registration).map_err(|error| {
            TargetError::Cloud(format!("wrote down where the embedded cloud is, for other terminals: {error}"))
        })?;
        let gateway_port_taken = cloud.gateway_port_taken();
        Ok(Arc::new(Self { cloud: Mutex::new(Some(cloud)), registration, gateway_port_taken, _claim: claim }))
    }

    /// Where it is.
    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    /// What is worth a word about how it started.
    pub fn note(&self) -> Option<String> {
        self.gateway_port_taken.then(|| {
            format!("Port 3000 is taken by another program: the API answers at {}.", self.registration.gateway_url)
        })
    }

    /// Waits until Kinesis has let more than `known` records go before their time, to stay within its
    /// memory; says so. It ends with the cloud, then it never comes.
    pub async fn next_loss(&self, known: &mut u64) -> String {
        loop {
            tokio::time::sleep(LOSSES_PACE).await;
            let dropped = self.cloud.lock().await.as_ref().map(LocalCloud::dropped);
            let Some(dropped) = dropped else { return std::future::pending().await };
            if dropped.records > *known {
                *known = dropped.records;
                return format!(
                    "Kinesis let its oldest {} records ({}) go to stay within its memory.",
                    number::grouped(dropped.records),
                    number::size(dropped.bytes)
                );
            }
        }
    }

    /// Delivers what Firehose still buffers and ends everything. Gives the number of records that
    /// could not be delivered.
    pub async fn shutdown(&self) -> u64 {
        match self.cloud.lock().await.take() {
            Some(cloud) => cloud.shutdown().await,
            None => 0,
        }
    }
}

/// The options of a cloud in this process: this binary supervises its functions.
pub fn cloud_options(region: Option<&str>) -> Result<Options, TargetError> {
    let binary = std::env::current_exe()
        .map_err(|error| TargetError::Cloud(format!("looked for this program's own file: {error}")))?;
    let mut options = Options::new(vec![binary.into(), crate::SUPERVISE.into()]);
    if let Some(region) = region {
        region.clone_into(&mut options.region);
    }
    Ok(options)
}

impl Target {
    /// Joins the embedded cloud that runs for this user; `None` where there is none.
    pub fn join() -> Result<Option<Self>, TargetError> {
        let found = Registration::find();
        let found =
            found.map_err(|error| TargetError::Cloud(format!("looked for a running embedded cloud: {error}")))?;
        Ok(found.map(|registration| Self::local(&registration, None)))
    }

    /// Joins the embedded cloud that runs for this user; starts one in this process where there
    /// is none.
    pub async fn join_or_start(region: Option<&str>) -> Result<Self, TargetError> {
        let trouble =
            |error: std::io::Error| TargetError::Cloud(format!("looked for a running embedded cloud: {error}"));
        let deadline = Instant::now() + STARTING;
        loop {
            if let Some(registration) = Registration::find().map_err(trouble)? {
                if let Some(wanted) = region
                    && wanted != registration.region
                {
                    return Err(TargetError::Cloud(format!(
                        "the embedded cloud that runs (process {}) is in {}, not in {wanted}: leave out --region, or end it first",
                        registration.pid, registration.region
                    )));
                }
                return Ok(Self::local(&registration, None));
            }
            if let Some(claim) = Claim::take().map_err(trouble)? {
                let embedded = Embedded::start(claim, cloud_options(region)?).await?;
                return Ok(Self::local(&embedded.registration.clone(), Some(embedded)));
            }
            // One is starting: it holds the lock and has not yet said where it is.
            if Instant::now() > deadline {
                return Err(TargetError::Cloud(
                    "another process is starting an embedded cloud and does not say where: end it and try again".into(),
                ));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}
