//! The work of one delivery stream: reads its source, buffers, and writes objects.

use std::{
    collections::BTreeSet,
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Place,
    faults::{Faults, Met},
    iam::Iam,
    kinesis::{From, Kinesis, Shard},
    logs::{LogLine, Logs},
    s3::S3,
    wire::ServiceError,
};

use super::{
    PRINCIPAL,
    delivery_stream::{DeliveryStream, Positions, Settings, Source},
    destination::Compression,
    key::object_key,
};

/// How long the first try after a failed one waits; it doubles from try to try.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest wait between tries.
const LAST_RETRY: Duration = Duration::from_secs(30);
/// How often a source that is gone is looked for.
const SOURCE_LOOKED_FOR: Duration = Duration::from_secs(1);
/// A time that never comes while a cloud lives.
const NEVER: Duration = Duration::from_hours(365 * 24);

/// What a worker uses.
#[derive(Clone)]
pub(crate) struct Uses {
    pub place: Arc<Place>,
    pub iam: Arc<Iam>,
    pub kinesis: Arc<Kinesis>,
    pub s3: Arc<S3>,
    pub logs: Arc<Logs>,
    pub faults: Arc<Faults>,
}

/// The worker of one delivery stream.
pub(super) struct Worker {
    uses: Uses,
    stream: Arc<DeliveryStream>,
    flushes: mpsc::Receiver<oneshot::Sender<()>>,
    stop: CancellationToken,
    source: Option<OpenSource>,
    /// Shards read to their end, and those that were closed before this began.
    done: BTreeSet<String>,
    flush: Option<oneshot::Sender<()>>,
    failures: u32,
    held: Option<Held>,
    /// Of the order that failed the last try: once it is taken back, the next one need not wait.
    failed_by: Option<CancellationToken>,
}

/// A delivery that an order makes late.
struct Held {
    until: Instant,
    lifted: CancellationToken,
}

impl Held {
    fn is_over(&self) -> bool {
        self.lifted.is_cancelled() || self.until <= Instant::now()
    }
}

/// A stream that is being read.
struct OpenSource {
    name: String,
    news: watch::Receiver<u64>,
}

/// Where to begin to read.
enum Begin {
    Latest,
    Oldest,
}

impl Worker {
    pub fn new(
        uses: Uses,
        stream: Arc<DeliveryStream>,
        flushes: mpsc::Receiver<oneshot::Sender<()>>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            uses,
            stream,
            flushes,
            stop,
            source: None,
            done: BTreeSet::new(),
            flush: None,
            failures: 0,
            held: None,
            failed_by: None,
        }
    }

    /// Works until the delivery stream or the cloud is gone.
    pub async fn run(mut self) {
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.work() => {}
        }
    }

    async fn work(&mut self) {
        self.open_source(Begin::Latest).await;
        self.stream.settings().active_since = Some(Timestamp::now());
        loop {
            self.read().await;
            let mut retry = None;
            if self.is_due() && !self.is_held() {
                self.held = None;
                if self.deliver().await {
                    self.failures = 0;
                    continue;
                }
                self.failures += 1;
                retry = Some(Instant::now() + back_off(self.failures));
                self.flush = None;
            } else if let Some(flush) = self.flush.take() {
                // Whoever asked may have given up waiting.
                let _ = flush.send(());
            }
            self.wait(retry).await;
        }
    }

    /// Opens the source where it is a stream that is there.
    async fn open_source(&mut self, begin: Begin) {
        let Some(name) = self.stream.source_name().map(str::to_owned) else { return };
        let Some(news) = self.uses.kinesis.news(&name) else { return };
        let Ok(shards) = self.uses.kinesis.shards(&name).await else { return };
        let mut positions = Positions::new();
        self.done.clear();
        for shard in shards {
            match begin {
                Begin::Latest if shard.closed => {
                    self.done.insert(shard.id);
                }
                Begin::Latest => {
                    if let Ok(from) = self.uses.kinesis.latest(&name, &shard.id).await {
                        positions.insert(shard.id, from);
                    }
                }
                Begin::Oldest => {
                    positions.insert(shard.id, From::At(shard.starting_sequence_number));
                }
            }
        }
        *self.stream.positions() = positions;
        self.source = Some(OpenSource { name, news });
    }

    /// Reads until there is nothing new or enough is buffered.
    async fn read(&mut self) {
        let Some(source) = &mut self.source else { return };
        source.news.borrow_and_update();
        let mut shards: Vec<String> = self.stream.positions().keys().cloned().collect();
        while let Some(shard_id) = shards.pop() {
            loop {
                if is_full(&self.stream) {
                    return;
                }
                let Some(from) = self.stream.positions().get(&shard_id).cloned() else { break };
                // A stream that is gone closes its news, which the wait sees.
                let Ok(read) = self.uses.kinesis.read(&source.name, &shard_id, &from).await else { return };
                for record in &read.records {
                    self.stream.take_in(&record.data, record.arrived_ms);
                }
                if let Some(last) = read.records.last() {
                    self.stream.positions().insert(shard_id.clone(), From::After(last.sequence_number.clone()));
                } else {
                    if read.ended {
                        self.stream.positions().remove(&shard_id);
                        self.done.insert(shard_id.clone());
                        let of_source = self.uses.kinesis.shards(&source.name).await.unwrap_or_default();
                        shards.extend(follow_children(&self.stream, of_source, &self.done, &shard_id));
                    }
                    break;
                }
            }
        }
    }

    fn is_due(&self) -> bool {
        let interval = self.stream.settings().destination.interval();
        let pending = self.stream.pending();
        if pending.in_flight.is_some() {
            return true;
        }
        let due = pending.buffer.due(interval);
        drop(pending);
        due.is_some_and(|due| self.flush.is_some() || due <= Instant::now()) || (due.is_some() && is_full(&self.stream))
    }

    /// Whether an order makes the delivery late that is due. The cloud's last delivery is never late.
    fn is_held(&mut self) -> bool {
        if self.flush.is_some() || self.stream.pending().in_flight.is_some() {
            return false;
        }
        if self.held.is_none() {
            let met = self.uses.faults.meet_delivery_delay(&self.stream.name);
            self.held = met.map(|Met { effect, lifted }| Held { until: Instant::now() + effect, lifted });
        }
        self.held.as_ref().is_some_and(|held| !held.is_over())
    }

    /// Writes what waits as one object; whether S3 took it.
    async fn deliver(&mut self) -> bool {
        let settings = self.stream.settings().clone();
        let batch = {
            let mut pending = self.stream.pending();
            if pending.in_flight.is_none() {
                pending.in_flight = pending.buffer.take();
            }
            let Some(batch) = &mut pending.in_flight else { return true };
            if batch.key.is_none() {
                batch.key = Some(self.key(&settings, batch.arrived_ms));
            }
            batch.clone()
        };
        let destination = &settings.destination;
        let denied = self.uses.faults.meet_delivery_error(&self.stream.name);
        self.failed_by = denied.as_ref().map(|met| met.lifted.clone());
        let result = async {
            if let Some(Met { effect: (code, message), .. }) = denied {
                return Err(ServiceError::new(403, code, message));
            }
            self.uses
                .iam
                .assume_for_service(&destination.role_arn, PRINCIPAL, &self.stream.name)
                .map_err(|error| ServiceError::new(403, "AccessDenied", error.message))?;
            let body = packed(&batch.records, batch.bytes, destination.compression());
            let key = batch.key.as_deref().unwrap_or_default();
            self.uses.s3.put(destination.bucket(), key, body.clone()).await?;
            if self.uses.faults.meet_delivery_twice(&self.stream.name) {
                let again = self.key(&settings, batch.arrived_ms);
                // The records are in S3: what becomes of their second object changes nothing.
                let _ = self.uses.s3.put(destination.bucket(), &again, body).await;
            }
            Ok(())
        };
        match result.await {
            Ok(()) => {
                self.stream.pending().in_flight = None;
                true
            }
            Err(error) => {
                self.tell(&settings, &error);
                false
            }
        }
    }

    fn key(&self, settings: &Settings, arrived_ms: i64) -> String {
        let time = Timestamp::from_millisecond(arrived_ms).unwrap_or_else(|_| Timestamp::now());
        let destination = &settings.destination;
        object_key(destination.prefix.as_ref(), &self.stream.name, settings.version, time, destination.extension())
    }

    /// Says in the delivery log what S3 did not take, as AWS does.
    fn tell(&self, settings: &Settings, error: &ServiceError) {
        tracing::warn!(delivery_stream = self.stream.name, %error, "S3 did not take an object");
        let Some(place) = &settings.destination.logging else { return };
        let message = match error.code.as_str() {
            "NoSuchBucket" => {
                "The specified bucket does not exist. Create the bucket or use a different bucket that does exist."
            }
            "AccessDenied" => {
                "Access was denied. Ensure that the trust policy for the provided IAM role allows Firehose to assume \
                 the role, and the access policy allows access to the S3 bucket."
            }
            _ => &error.message,
        };
        let line = json!({
            "deliveryStreamARN": self.stream.arn,
            "destination": settings.destination.bucket_arn,
            "deliveryStreamVersionId": settings.version,
            "message": message,
            "errorCode": format!("S3.{}", error.code),
        });
        let line = LogLine { timestamp_ms: Timestamp::now().as_millisecond(), message: line.to_string() };
        // A delivery log that is gone must not keep anything from being delivered.
        let _ = self.uses.logs.put(&place.group, &place.stream, vec![line]);
    }

    /// Waits for something to do; after a failure until `retry` at the latest.
    async fn wait(&mut self, retry: Option<Instant>) {
        let now = Instant::now();
        let interval = self.stream.settings().destination.interval();
        let due = self.stream.pending().buffer.due(interval);
        let held = self.held.as_ref().filter(|held| !held.is_over());
        let mut until = retry.or(held.map(|held| held.until)).or(due).unwrap_or(now + NEVER);
        let lifted = if retry.is_some() { self.failed_by.clone() } else { held.map(|held| held.lifted.clone()) };
        let lifted = async {
            match lifted {
                Some(lifted) => lifted.cancelled().await,
                None => std::future::pending().await,
            }
        };
        let is_gone = self.source.is_none() && matches!(self.stream.source, Source::Stream { .. });
        if is_gone {
            until = until.min(now + SOURCE_LOOKED_FOR);
        }
        let is_calm = retry.is_none();
        let news = async {
            match &mut self.source {
                Some(source) if is_calm => source.news.changed().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            request = self.flushes.recv() => self.flush = request,
            changed = news => {
                if changed.is_err() {
                    self.source = None;
                }
            }
            () = self.stream.updated.notified() => {}
            () = lifted => {}
            () = self.stream.put.notified(), if is_calm => {}
            () = tokio::time::sleep_until(until.into()) => {
                if is_gone {
                    self.open_source(Begin::Oldest).await;
                }
            }
        }
    }
}

/// Whether enough is buffered to write an object.
fn is_full(stream: &DeliveryStream) -> bool {
    let size = stream.settings().destination.size_bytes();
    stream.pending().buffer.bytes() >= size
}

/// Begins to read the children of a shard that was read to its end; gives those.
fn follow_children(stream: &DeliveryStream, shards: Vec<Shard>, done: &BTreeSet<String>, parent: &str) -> Vec<String> {
    let mut positions = stream.positions();
    let mut begun = Vec::new();
    for shard in shards {
        let is_next = shard.parents.iter().any(|name| name == parent)
            && shard.parents.iter().all(|name| done.contains(name))
            && !done.contains(&shard.id)
            && !positions.contains_key(&shard.id);
        if is_next {
            positions.insert(shard.id.clone(), From::At(shard.starting_sequence_number));
            begun.push(shard.id);
        }
    }
    begun
}

fn packed(records: &[Bytes], bytes: u64, compression: Compression) -> Bytes {
    let mut whole = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    for record in records {
        whole.extend_from_slice(record);
    }
    match compression {
        Compression::Uncompressed => whole.into(),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
            // Writing into memory does not fail.
            let _ = encoder.write_all(&whole);
            encoder.finish().map(Bytes::from).unwrap_or_default()
        }
    }
}

fn back_off(failures: u32) -> Duration {
    FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LAST_RETRY)
}
