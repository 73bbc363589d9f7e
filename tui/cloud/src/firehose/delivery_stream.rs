//! One delivery stream: its settings, and what waits in it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::kinesis::From;

use super::{
    buffer::{Batch, Buffer},
    destination::Destination,
};

/// The one destination's id, as AWS names the first.
pub(super) const DESTINATION_ID: &str = "destinationId-000000000001";

/// A delivery stream, shared between its operations and its worker.
pub(super) struct DeliveryStream {
    pub name: String,
    pub arn: String,
    pub source: Source,
    pub created: Timestamp,
    settings: Mutex<Settings>,
    pending: Mutex<Pending>,
    positions: Mutex<Positions>,
    /// Something changed that the worker acts on at once.
    pub updated: Notify,
    /// A record was put directly.
    pub put: Notify,
    pub flushes: mpsc::Sender<oneshot::Sender<()>>,
}

/// Where records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Direct {
        /// `DeliveryStreamEncryptionConfiguration`.
        encryption: Value,
    },
    Stream {
        arn: String,
        role_arn: String,
    },
}

/// What may change.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub destination: Destination,
    /// Grows with every update; part of object keys.
    pub version: u64,
    pub updated: Option<Timestamp>,
    /// Since when it delivers; `None`: it is being created.
    pub active_since: Option<Timestamp>,
    pub tags: BTreeMap<String, String>,
}

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub buffer: Buffer,
    /// What is being delivered, again and again until S3 takes it.
    pub in_flight: Option<Batch>,
}

/// Where each shard of the source is read on.
pub(super) type Positions = BTreeMap<String, From>;

/// What waits in a delivery stream, as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffered {
    /// Records taken in and not yet written.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Until the next object is written, in milliseconds; 0: it is being written, or S3 refuses it.
    pub due_in_ms: u64,
}

impl DeliveryStream {
    pub fn new(
        name: String,
        arn: String,
        source: Source,
        destination: Destination,
        tags: BTreeMap<String, String>,
        flushes: mpsc::Sender<oneshot::Sender<()>>,
    ) -> Self {
        Self {
            name,
            arn,
            source,
            created: Timestamp::now(),
            settings: Mutex::new(Settings { destination, version: 1, updated: None, active_since: None, tags }),
            pending: Mutex::default(),
            positions: Mutex::default(),
            updated: Notify::new(),
            put: Notify::new(),
            flushes,
        }
    }

    pub fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where each shard of the source is read on.
    pub fn positions(&self) -> MutexGuard<'_, Positions> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The source's name, where it is a stream.
    pub fn source_name(&self) -> Option<&str> {
        match &self.source {
            Source::Direct { .. } => None,
            Source::Stream { arn, .. } => arn.rsplit('/').next(),
        }
    }

    /// Takes a record in.
    pub fn take_in(&self, data: &Bytes, arrived_ms: i64) {
        let delimiter = self.settings().destination.delimiter;
        let record = if delimiter { [data.as_ref(), b"\n"].concat().into() } else { data.clone() };
        self.pending().buffer.push(record, arrived_ms, Instant::now());
    }

    /// What waits.
    pub fn buffered(&self) -> Buffered {
        let interval = self.settings().destination.interval();
        let pending = self.pending();
        let (records, bytes) =
            pending.in_flight.as_ref().map_or((0, 0), |batch| (batch.records.len() as u64, batch.bytes));
        let wait = match pending.in_flight {
            Some(_) => Duration::ZERO,
            None => pending.buffer.due(interval).map_or(interval, |due| due.saturating_duration_since(Instant::now())),
        };
        Buffered {
            records: records + pending.buffer.records(),
            bytes: bytes + pending.buffer.bytes(),
            due_in_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// `DeliveryStreamDescription`.
    pub fn description(&self) -> Value {
        let settings = self.settings();
        let (s3, extended) = settings.destination.shapes();
        let mut description = json!({
            "DeliveryStreamName": self.name,
            "DeliveryStreamARN": self.arn,
            "DeliveryStreamStatus": if settings.active_since.is_some() { "ACTIVE" } else { "CREATING" },
            "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
            "VersionId": settings.version.to_string(),
            "CreateTimestamp": seconds(self.created),
            "Destinations": [{
                "DestinationId": DESTINATION_ID,
                "S3DestinationDescription": s3,
                "ExtendedS3DestinationDescription": extended,
            }],
            "HasMoreDestinations": false,
        });
        if let Some(updated) = settings.updated {
            description["LastUpdateTimestamp"] = seconds(updated).into();
        }
        match &self.source {
            Source::Direct { encryption } => {
                description["DeliveryStreamType"] = "DirectPut".into();
                description["DeliveryStreamEncryptionConfiguration"] = encryption.clone();
            }
            Source::Stream { arn, role_arn } => {
                description["DeliveryStreamType"] = "KinesisStreamAsSource".into();
                let mut source = json!({"KinesisStreamARN": arn, "RoleARN": role_arn});
                if let Some(since) = settings.active_since {
                    source["DeliveryStartTimestamp"] = seconds(since).into();
                }
                description["Source"] = json!({"KinesisStreamSourceDescription": source});
            }
        }
        description
    }

    /// `DirectPut` or `KinesisStreamAsSource`.
    pub fn kind(&self) -> &'static str {
        match self.source {
            Source::Direct { .. } => "DirectPut",
            Source::Stream { .. } => "KinesisStreamAsSource",
        }
    }
}

fn seconds(time: Timestamp) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in a double")]
    let seconds = time.as_millisecond() as f64 / 1000.0;
    seconds
}
