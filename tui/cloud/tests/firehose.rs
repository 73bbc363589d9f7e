//! Firehose through the official SDKs: from Kinesis, or put directly, into S3.

#![expect(clippy::large_futures, reason = "the SDK's are")]

mod common;

use std::io::Read;

use aws_sdk_firehose::{
    error::ProvideErrorMetadata,
    primitives::Blob,
    types::{
        BufferingHints, CloudWatchLoggingOptions, CompressionFormat, DeliveryStreamDescription, DeliveryStreamStatus,
        DeliveryStreamType, ExtendedS3DestinationConfiguration, ExtendedS3DestinationUpdate,
        KinesisStreamSourceConfiguration, ProcessingConfiguration, Processor, ProcessorType, Record,
    },
};
use tailwater_cloud::{Limits, LocalCloud};

const NAME: &str = "delivery";
const STREAM: &str = "events";
const BUCKET: &str = "landing";

struct Pipeline {
    cloud: LocalCloud,
    kinesis: aws_sdk_kinesis::Client,
    firehose: aws_sdk_firehose::Client,
    s3: aws_sdk_s3::Client,
    role_arn: String,
}

/// A stream, a bucket and a role.
async fn pipeline() -> Pipeline {
    let options = tailwater_cloud::Options { limits: Limits::Off, ..common::options() };
    let cloud = LocalCloud::start(options).await.unwrap();
    let config = common::config(&cloud).await;
    let s3 = aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build());
    let constraint = aws_sdk_s3::types::BucketLocationConstraint::from(cloud.region());
    let location = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(constraint).build();
    s3.create_bucket().bucket(BUCKET).create_bucket_configuration(location).send().await.unwrap();
    let kinesis = aws_sdk_kinesis::Client::new(&config);
    kinesis.create_stream().stream_name(STREAM).shard_count(1).send().await.unwrap();
    let pipeline = Pipeline {
        role_arn: common::role(&cloud, "firehose", "firehose.amazonaws.com").await,
        firehose: aws_sdk_firehose::Client::new(&config),
        kinesis,
        s3,
        cloud,
    };
    common::until(async || {
        let answer = pipeline.kinesis.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
        let status = answer.stream_description_summary.unwrap().stream_status;
        (status == aws_sdk_kinesis::types::StreamStatus::Active).then_some(())
    })
    .await;
    pipeline
}

fn hints(seconds: i32, megabytes: i32) -> BufferingHints {
    BufferingHints::builder().interval_in_seconds(seconds).size_in_mbs(megabytes).build()
}

impl Pipeline {
    fn destination(&self) -> aws_sdk_firehose::types::builders::ExtendedS3DestinationConfigurationBuilder {
        ExtendedS3DestinationConfiguration::builder()
            .role_arn(&self.role_arn)
            .bucket_arn(format!("arn:aws:s3:::{BUCKET}"))
            .buffering_hints(hints(0, 1))
    }

    async fn deliver_stream(&self, destination: ExtendedS3DestinationConfiguration) {
        let source = KinesisStreamSourceConfiguration::builder()
            .kinesis_stream_arn(format!("arn:aws:kinesis:ap-southeast-2:000000000000:stream/{STREAM}"))
            .role_arn(&self.role_arn)
            .build()
            .unwrap();
        let create = self.firehose.create_delivery_stream().delivery_stream_name(NAME);
        let create = create.delivery_stream_type(DeliveryStreamType::KinesisStreamAsSource);
        let create = create.kinesis_stream_source_configuration(source);
        create.extended_s3_destination_configuration(destination).send().await.unwrap();
        self.active().await;
    }

    async fn deliver_direct(&self, destination: ExtendedS3DestinationConfiguration) {
        let create = self.firehose.create_delivery_stream().delivery_stream_name(NAME);
        create.extended_s3_destination_configuration(destination).send().await.unwrap();
        self.active().await;
    }

    async fn describe(&self) -> DeliveryStreamDescription {
        let answer = self.firehose.describe_delivery_stream().delivery_stream_name(NAME).send().await.unwrap();
        answer.delivery_stream_description.unwrap()
    }

    async fn active(&self) {
        common::until(async || {
            (self.describe().await.delivery_stream_status == DeliveryStreamStatus::Active).then_some(())
        })
        .await;
    }

    async fn put(&self, data: &str, key: &str) {
        let put = self.kinesis.put_record().stream_name(STREAM).partition_key(key);
        put.data(aws_sdk_kinesis::primitives::Blob::new(data)).send().await.unwrap();
    }

    async fn keys(&self) -> Vec<String> {
        let listed = self.s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
        listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
    }

    async fn body(&self, key: &str) -> Vec<u8> {
        let got = self.s3.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        got.body.collect().await.unwrap().to_vec()
    }

    /// Everything in the bucket, in the order of arrival.
    async fn landed(&self) -> String {
        let listed = self.s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
        let mut objects = Vec::new();
        for object in listed.contents() {
            objects.push(self.body(object.key().unwrap()).await);
        }
        String::from_utf8(objects.concat()).unwrap()
    }

    async fn landed_lines(&self, count: usize) -> Vec<String> {
        let mut lines = common::until(async || {
            let landed = self.landed().await;
            let lines: Vec<String> = landed.lines().map(str::to_owned).collect();
            (lines.len() >= count).then_some(lines)
        })
        .await;
        lines.sort();
        lines
    }
}

#[tokio::test]
async fn records_of_a_stream_land_under_aws_keys() {
    let pipeline = pipeline().await;
    pipeline.put("before it was there\n", "k").await;
    pipeline.deliver_stream(pipeline.destination().build().unwrap()).await;
    pipeline.put("one\n", "k").await;
    assert_eq!(pipeline.landed_lines(1).await, ["one"]);
    let keys = pipeline.keys().await;
    let now = jiff::Timestamp::now();
    let (prefix, name) = keys[0].rsplit_once('/').unwrap();
    assert_eq!(prefix, now.strftime("%Y/%m/%d/%H").to_string());
    assert!(name.starts_with(&now.strftime("delivery-1-%Y-%m-%d-%H-").to_string()), "{name}");
    assert_eq!(name.len(), "delivery-1-2026-01-02-03-04-05-".len() + 36);
}

#[tokio::test]
async fn the_buffer_waits_for_its_size() {
    let pipeline = pipeline().await;
    pipeline.deliver_stream(pipeline.destination().buffering_hints(hints(900, 1)).build().unwrap()).await;
    let line = format!("{}\n", "x".repeat(300 * 1024 - 1));
    for _ in 0..3 {
        pipeline.put(&line, "k").await;
    }
    assert!(pipeline.keys().await.is_empty());
    pipeline.put(&line, "k").await;
    assert_eq!(pipeline.landed_lines(4).await.len(), 4);
    assert_eq!(pipeline.keys().await.len(), 1);
}

#[tokio::test]
async fn what_is_buffered_lands_when_the_cloud_ends() {
    let pipeline = pipeline().await;
    pipeline.deliver_stream(pipeline.destination().buffering_hints(hints(900, 128)).build().unwrap()).await;
    let entries = (0..300).map(|number| {
        let data = aws_sdk_kinesis::primitives::Blob::new(format!("{number:03}\n"));
        let entry = aws_sdk_kinesis::types::PutRecordsRequestEntry::builder().data(data);
        entry.partition_key(number.to_string()).build().unwrap()
    });
    pipeline.kinesis.put_records().stream_name(STREAM).set_records(Some(entries.collect())).send().await.unwrap();
    assert_eq!(pipeline.cloud.shutdown().await, 0);
}

#[tokio::test]
async fn every_record_lands_once_across_a_reshard() {
    let pipeline = pipeline().await;
    pipeline.deliver_stream(pipeline.destination().build().unwrap()).await;
    for round in 0..3 {
        for number in 0..20 {
            pipeline.put(&format!("{round}-{number:02}\n"), &format!("{round}-{number}")).await;
        }
        let target = [2, 4, 2][round];
        let update = pipeline.kinesis.update_shard_count().stream_name(STREAM).target_shard_count(target);
        update.scaling_type(aws_sdk_kinesis::types::ScalingType::UniformScaling).send().await.unwrap();
        common::until(async || {
            let answer = pipeline.kinesis.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
            (answer.stream_description_summary.unwrap().open_shard_count == target).then_some(())
        })
        .await;
    }
    let expected: Vec<String> =
        (0..3).flat_map(|round| (0..20).map(move |number| format!("{round}-{number:02}"))).collect();
    assert_eq!(pipeline.landed_lines(expected.len()).await, expected);
}

#[tokio::test]
async fn what_s3_refuses_is_kept_and_said() {
    let pipeline = pipeline().await;
    let config = common::config(&pipeline.cloud).await;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&config);
    logs.create_log_group().log_group_name("/aws/firehose").send().await.unwrap();
    let logging = CloudWatchLoggingOptions::builder().enabled(true).log_group_name("/aws/firehose");
    let logging = logging.log_stream_name("S3Delivery").build();
    let destination = pipeline.destination().bucket_arn("arn:aws:s3:::later").cloud_watch_logging_options(logging);
    pipeline.deliver_direct(destination.build().unwrap()).await;
    let record = Record::builder().data(Blob::new("kept\n")).build().unwrap();
    pipeline.firehose.put_record().delivery_stream_name(NAME).record(record).send().await.unwrap();
    let line = common::until(async || {
        let found = logs.filter_log_events().log_group_name("/aws/firehose").send().await.unwrap();
        found.events().first().and_then(|event| event.message.clone())
    })
    .await;
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["errorCode"], "S3.NoSuchBucket");
    assert_eq!(line["destination"], "arn:aws:s3:::later");
    let destination = ExtendedS3DestinationUpdate::builder().bucket_arn(format!("arn:aws:s3:::{BUCKET}")).build();
    let update =
        pipeline.firehose.update_destination().delivery_stream_name(NAME).destination_id("destinationId-000000000001");
    let update = update.current_delivery_stream_version_id("1").extended_s3_destination_update(destination);
    update.send().await.unwrap();
    assert_eq!(pipeline.landed_lines(1).await, ["kept"]);
}

#[tokio::test]
async fn records_are_packed_and_delimited_where_asked() {
    let pipeline = pipeline().await;
    let processor = Processor::builder().r#type(ProcessorType::AppendDelimiterToRecord).build().unwrap();
    let processing = ProcessingConfiguration::builder().enabled(true).processors(processor).build();
    let destination = pipeline
        .destination()
        .prefix("raw/")
        .compression_format(CompressionFormat::Gzip)
        .processing_configuration(processing)
        .buffering_hints(hints(1, 1));
    pipeline.deliver_direct(destination.build().unwrap()).await;
    let records = ["a", "b"].map(|data| Record::builder().data(Blob::new(data)).build().unwrap());
    let put = pipeline.firehose.put_record_batch().delivery_stream_name(NAME).set_records(Some(records.to_vec()));
    assert_eq!(put.send().await.unwrap().failed_put_count, 0);
    let key = common::until(async || pipeline.keys().await.pop()).await;
    assert!(key.starts_with("raw/") && key.strip_suffix(".gz").is_some(), "{key}");
    let packed = pipeline.body(&key).await;
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, "a\nb\n");
}

#[tokio::test]
async fn a_delivery_stream_is_described_updated_and_deleted() {
    let pipeline = pipeline().await;
    pipeline.deliver_stream(pipeline.destination().build().unwrap()).await;
    let description = pipeline.describe().await;
    assert_eq!(description.version_id, "1");
    assert_eq!(description.delivery_stream_type, DeliveryStreamType::KinesisStreamAsSource);
    let source = description.source.unwrap().kinesis_stream_source_description.unwrap();
    assert!(source.delivery_start_timestamp.is_some());
    let destination = &description.destinations[0];
    assert_eq!(destination.destination_id, "destinationId-000000000001");
    let extended = destination.extended_s3_destination_description.as_ref().unwrap();
    assert_eq!(extended.buffering_hints.as_ref().unwrap().interval_in_seconds, Some(0));
    assert_eq!(destination.s3_destination_description.as_ref().unwrap().bucket_arn, "arn:aws:s3:::landing");
    let update = |version: &str| {
        let settings = ExtendedS3DestinationUpdate::builder().buffering_hints(hints(60, 5)).build();
        let update = pipeline.firehose.update_destination().delivery_stream_name(NAME);
        let update = update.current_delivery_stream_version_id(version).extended_s3_destination_update(settings);
        update.destination_id("destinationId-000000000001").send()
    };
    update("1").await.unwrap();
    assert_eq!(pipeline.describe().await.version_id, "2");
    let stale = update("1").await.unwrap_err();
    assert!(stale.as_service_error().unwrap().is_concurrent_modification_exception());
    let listed = pipeline.firehose.list_delivery_streams().send().await.unwrap();
    assert_eq!(listed.delivery_stream_names, [NAME]);
    pipeline.firehose.delete_delivery_stream().delivery_stream_name(NAME).send().await.unwrap();
    let gone = pipeline.firehose.describe_delivery_stream().delivery_stream_name(NAME).send().await.unwrap_err();
    assert_eq!(gone.message(), Some("Firehose delivery under account 000000000000 not found."));
}

#[tokio::test]
async fn a_role_that_does_not_trust_firehose_is_refused() {
    let pipeline = pipeline().await;
    let role_arn = common::role(&pipeline.cloud, "other", "lambda.amazonaws.com").await;
    let destination = pipeline.destination().role_arn(&role_arn).build().unwrap();
    let create = pipeline.firehose.create_delivery_stream().delivery_stream_name(NAME);
    let refused = create.extended_s3_destination_configuration(destination).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidArgumentException"));
    assert_eq!(
        refused.message(),
        Some("Firehose is unable to assume role arn:aws:iam::000000000000:role/other. Please check the role provided.")
    );
}

#[tokio::test]
async fn a_limit_out_of_bounds_is_refused_in_aws_words() {
    let cloud = LocalCloud::start(common::options()).await.unwrap();
    let firehose = aws_sdk_firehose::Client::new(&common::config(&cloud).await);
    for (limit, bound) in [(0, "greater than or equal to 1"), (10_001, "less than or equal to 10000")] {
        let refused = firehose.list_delivery_streams().limit(limit).send().await.unwrap_err();
        assert_eq!(refused.code(), Some("ValidationException"));
        let message = format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have \
             value {bound}"
        );
        assert_eq!(refused.message(), Some(message.as_str()));
    }
}
