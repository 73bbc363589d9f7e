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
    caller::Caller,
    wire::{Input, ServiceError, ServiceResult},
};

use self::{
    delivery_stream::{DeliveryStream, Source},
    destination::Destination,
    worker::Worker,
};

pub(crate) use self::worker::Uses;

pub use self::delivery_stream::Buffered;

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
    pub fn new(uses: Uses) -> Arc<Self> {
        Arc::new(Self { uses, streams: RwLock::default() })
    }

    /// A Firehose operation, input and output as JSON.
    #[expect(clippy::unused_async, reason = "every service is called alike")]
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
        let mut undelivered = 0;
        for stream in &streams {
            undelivered += stream.buffered().records + self.unread(stream).await;
        }
        undelivered
    }

    /// Records in a delivery stream's source that it has not read yet.
    async fn unread(&self, stream: &DeliveryStream) -> u64 {
        let Some(source) = stream.source_name() else { return 0 };
        let positions = stream.positions().clone();
        let mut unread = 0;
        for (shard_id, from) in positions {
            unread += self.uses.kinesis.count(source, &shard_id, from).await;
        }
        unread
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

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
    use serde_json::Value;

    use super::*;
    use crate::{Limits, Place, Services};

    const TRUST: &str = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"firehose.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;

    async fn call(services: &Services, service: &str, operation: &str, input: Value) -> Value {
        let input = Input::new(operation, input).unwrap();
        let caller = Caller::Account;
        match service {
            "iam" => services.iam.call(&caller, operation, input).await,
            "kinesis" => services.kinesis.call(&caller, operation, input).await,
            _ => services.firehose.call(&caller, operation, input).await,
        }
        .unwrap()
    }

    /// A delivery stream that waits a quarter of an hour, with `records` in its source.
    async fn waiting(directory: &std::path::Path, bucket: &str, records: usize) -> Services {
        let services = Services::new(Arc::new(Place {
            region: "ap-southeast-2".to_owned(),
            account_id: crate::ACCOUNT_ID.to_owned(),
            endpoint_url: String::new(),
            gateway_url: String::new(),
            data_dir: directory.to_owned(),
            limits: Limits::Off,
            retained_bytes: 64 * 1024 * 1024,
            supervisor: Vec::new(),
        }));
        services.s3.create_bucket("landing").await.unwrap();
        call(&services, "iam", "CreateRole", json!({"RoleName": "r", "AssumeRolePolicyDocument": TRUST})).await;
        call(&services, "kinesis", "CreateStream", json!({"StreamName": "events", "ShardCount": 2})).await;
        let role_arn = "arn:aws:iam::000000000000:role/r";
        let create = json!({
            "DeliveryStreamName": "d",
            "DeliveryStreamType": "KinesisStreamAsSource",
            "KinesisStreamSourceConfiguration": {
                "KinesisStreamARN": "arn:aws:kinesis:ap-southeast-2:000000000000:stream/events",
                "RoleARN": role_arn,
            },
            "ExtendedS3DestinationConfiguration": {
                "RoleARN": role_arn,
                "BucketARN": format!("arn:aws:s3:::{bucket}"),
                "BufferingHints": {"IntervalInSeconds": 900, "SizeInMBs": 1},
            },
        });
        call(&services, "firehose", "CreateDeliveryStream", create).await;
        while services.firehose.stream("d").unwrap().settings().active_since.is_none() {
            tokio::task::yield_now().await;
        }
        let data = BASE64.encode("x".repeat(1023) + "\n");
        for batch in (0..records).collect::<Vec<_>>().chunks(500) {
            let records: Vec<Value> =
                batch.iter().map(|number| json!({"PartitionKey": number.to_string(), "Data": data})).collect();
            call(&services, "kinesis", "PutRecords", json!({"StreamName": "events", "Records": records})).await;
        }
        services
    }

    #[tokio::test]
    async fn a_flush_delivers_what_is_buffered_and_what_is_still_in_the_stream() {
        let directory = tempfile::tempdir().unwrap();
        let services = waiting(directory.path(), "landing", 3000).await;
        assert_eq!(services.firehose.flush(Duration::from_secs(10)).await, 0);
        let left = services.firehose.buffered("d").unwrap();
        assert_eq!((left.records, left.bytes), (0, 0));
        assert_eq!(services.firehose.unread(&services.firehose.stream("d").unwrap()).await, 0);
    }

    #[tokio::test]
    async fn a_flush_counts_what_s3_refuses() {
        let directory = tempfile::tempdir().unwrap();
        let services = waiting(directory.path(), "missing", 3000).await;
        assert_eq!(services.firehose.flush(Duration::from_secs(10)).await, 3000);
        services.s3.create_bucket("missing").await.unwrap();
        assert_eq!(services.firehose.flush(Duration::from_secs(10)).await, 0);
    }
}
