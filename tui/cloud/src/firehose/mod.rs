//! Firehose: reads a stream, buffers by interval and size, writes objects under AWS's keys.
//!
//! [`operations`] answers calls, [`destination`] holds a delivery stream's settings, [`worker`] does
//! the work of one delivery stream between its [`buffer`] and S3, under the keys of [`key`].

mod buffer;
mod delivery_stream;
mod destination;
mod key;
mod operations;
mod worker;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    Place,
    caller::Caller,
    iam::Iam,
    kinesis::Kinesis,
    logs::Logs,
    s3::S3,
    wire::{Input, ServiceError, ServiceResult},
};

use self::{
    delivery_stream::{DeliveryStream, Source},
    destination::Destination,
    worker::{Uses, Worker},
};

pub(crate) use self::delivery_stream::Buffered;

/// Whom a role must trust that Firehose assumes.
const PRINCIPAL: &str = "firehose.amazonaws.com";

/// The delivery streams.
pub(crate) struct Firehose {
    uses: Uses,
    streams: RwLock<BTreeMap<String, Open>>,
}

/// A delivery stream whose worker runs until this is dropped.
struct Open {
    stream: Arc<DeliveryStream>,
    _running: DropGuard,
}

impl Firehose {
    /// No delivery streams yet.
    pub fn new(place: Arc<Place>, iam: Arc<Iam>, kinesis: Arc<Kinesis>, s3: Arc<S3>, logs: Arc<Logs>) -> Arc<Self> {
        Arc::new(Self { uses: Uses { place, iam, kinesis, s3, logs }, streams: RwLock::default() })
    }

    /// A Firehose operation, input and output as JSON.
    pub async fn call(&self, _caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        match operation {
            "CreateDeliveryStream" => self.create(input),
            "DescribeDeliveryStream" => self.describe(input),
            "ListDeliveryStreams" => self.list(input),
            "UpdateDestination" => self.update(input),
            "DeleteDeliveryStream" => self.delete(input),
            "PutRecord" => self.put_record(input),
            "PutRecordBatch" => self.put_record_batch(input),
            "TagDeliveryStream" => self.tag(input),
            "UntagDeliveryStream" => self.untag(input),
            "ListTagsForDeliveryStream" => self.list_tags(input),
            _ => Err(ServiceError::unknown_operation("Firehose", operation)),
        }
    }

    /// Delivers everything that is buffered and everything in the sources that was not read yet, at
    /// most `limit` long. Gives the number of records that could not be delivered.
    pub async fn flush(&self, limit: Duration) -> u64 {
        let streams = self.streams();
        let flushed = futures::future::join_all(streams.iter().map(|stream| async {
            let (reply, answer) = oneshot::channel();
            // A worker that is gone, or that S3 refuses, drops the reply.
            if stream.flushes.send(reply).await.is_ok() {
                let _ = answer.await;
            }
        }));
        // What is left after the limit is counted below.
        let _ = tokio::time::timeout(limit, flushed).await;
        streams.iter().map(|stream| stream.undelivered()).sum()
    }

    /// What waits in a delivery stream; `None`: there is none of that name.
    pub fn buffered(&self, name: &str) -> Option<Buffered> {
        self.stream(name).map(|stream| stream.buffered())
    }

    fn stream(&self, name: &str) -> Option<Arc<DeliveryStream>> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        streams.get(name).map(|open| open.stream.clone())
    }

    fn streams(&self) -> Vec<Arc<DeliveryStream>> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        streams.values().map(|open| open.stream.clone()).collect()
    }

    fn open(
        &self,
        name: &str,
        source: Source,
        destination: Destination,
        tags: BTreeMap<String, String>,
    ) -> ServiceResult {
        let arn = self.uses.place.arn("firehose", &format!("deliverystream/{name}"));
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        if streams.contains_key(name) {
            return Err(ServiceError::bad_request(
                "ResourceInUseException",
                format!("Firehose {name} under accountId {} already exists", self.uses.place.account_id),
            ));
        }
        let (flushes, requests) = mpsc::channel(1);
        let stream = Arc::new(DeliveryStream::new(name.to_owned(), arn.clone(), source, destination, tags, flushes));
        let stop = CancellationToken::new();
        let worker = Worker::new(self.uses.clone(), stream.clone(), requests, stop.clone());
        tokio::spawn(worker.run());
        streams.insert(name.to_owned(), Open { stream, _running: stop.drop_guard() });
        Ok(json!({"DeliveryStreamARN": arn}))
    }

    /// Ends a delivery stream; what it buffers is gone, as on AWS.
    fn close(&self, name: &str) {
        self.streams.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}
