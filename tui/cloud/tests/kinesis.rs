//! Kinesis through the official SDK.

mod common;

use aws_sdk_kinesis::{
    Client,
    error::ProvideErrorMetadata,
    primitives::Blob,
    types::{
        PutRecordsRequestEntry, ShardIteratorType, StartingPosition, StreamMode, StreamModeDetails, StreamStatus,
        SubscribeToShardEventStream,
    },
};
use tailwater_cloud::{Limits, LocalCloud, Options};

const STREAM: &str = "events";
const SHARD: &str = "shardId-000000000000";

async fn client(cloud: &LocalCloud) -> Client {
    Client::new(&common::config(cloud).await)
}

async fn with_stream(options: Options, shards: i32) -> (LocalCloud, Client) {
    let cloud = LocalCloud::start(options).await.unwrap();
    let client = client(&cloud).await;
    client.create_stream().stream_name(STREAM).shard_count(shards).send().await.unwrap();
    common::until(async || {
        let answer = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
        let summary = answer.stream_description_summary.unwrap();
        (summary.stream_status == StreamStatus::Active).then_some(())
    })
    .await;
    (cloud, client)
}

async fn put(client: &Client, data: &str) -> String {
    let request = client.put_record().stream_name(STREAM).partition_key("k").data(Blob::new(data));
    request.send().await.unwrap().sequence_number
}

async fn iterator(client: &Client, shard: &str, kind: ShardIteratorType) -> String {
    let request = client.get_shard_iterator().stream_name(STREAM).shard_id(shard).shard_iterator_type(kind);
    request.send().await.unwrap().shard_iterator.unwrap()
}

fn texts(records: &[aws_sdk_kinesis::types::Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8(record.data.as_ref().to_vec()).unwrap()).collect()
}

#[tokio::test]
async fn what_is_put_is_read_in_order_with_milliseconds() {
    let (_cloud, client) = with_stream(common::options(), 1).await;
    let before = jiff::Timestamp::now().as_millisecond();
    let first = put(&client, "one").await;
    let second = put(&client, "two").await;
    let after = jiff::Timestamp::now().as_millisecond();
    assert!(first < second);
    let iterator = iterator(&client, SHARD, ShardIteratorType::TrimHorizon).await;
    let read = client.get_records().shard_iterator(iterator).send().await.unwrap();
    assert_eq!(texts(read.records()), ["one", "two"]);
    assert_eq!(read.millis_behind_latest, Some(0));
    let arrived = read.records()[0].approximate_arrival_timestamp.unwrap().to_millis().unwrap();
    assert!((before..=after).contains(&arrived), "{before} {arrived} {after}");
}

#[tokio::test]
async fn a_reader_that_is_behind_is_told_how_far() {
    let (_cloud, client) = with_stream(common::options(), 1).await;
    put(&client, "one").await;
    put(&client, "two").await;
    let iterator = iterator(&client, SHARD, ShardIteratorType::TrimHorizon).await;
    let read = client.get_records().shard_iterator(iterator).limit(1).send().await.unwrap();
    assert_eq!(texts(read.records()), ["one"]);
    assert!(read.millis_behind_latest.unwrap() > 0);
    let read = client.get_records().shard_iterator(read.next_shard_iterator.unwrap()).send().await.unwrap();
    assert_eq!(texts(read.records()), ["two"]);
    assert_eq!(read.millis_behind_latest, Some(0));
}

#[tokio::test]
async fn latest_gives_only_what_comes_later_and_nothing_is_lost_between_reads() {
    let (_cloud, client) = with_stream(Options { limits: Limits::Off, ..common::options() }, 1).await;
    put(&client, "before").await;
    let mut next = iterator(&client, SHARD, ShardIteratorType::Latest).await;
    let writer = tokio::spawn({
        let client = client.clone();
        async move {
            let puts = (0..100).map(|number| {
                let client = client.clone();
                async move { put(&client, &number.to_string()).await }
            });
            futures::future::join_all(puts).await
        }
    });
    let mut seen = Vec::new();
    while seen.len() < 100 {
        let read = client.get_records().shard_iterator(next).send().await.unwrap();
        seen.extend(texts(read.records()));
        next = read.next_shard_iterator.unwrap();
    }
    writer.await.unwrap();
    let mut numbers: Vec<u32> = seen.iter().map(|text| text.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_sixth_read_of_a_shard_in_a_second_is_refused_in_aws_words() {
    let (cloud, _) = with_stream(common::options(), 1).await;
    let config = common::config(&cloud).await.to_builder();
    let config = config.retry_config(aws_config::retry::RetryConfig::disabled()).build();
    let client = Client::new(&config);
    let iterator = iterator(&client, SHARD, ShardIteratorType::TrimHorizon).await;
    let reads = (0..20).map(|_| client.get_records().shard_iterator(&iterator).send());
    let answers = futures::future::join_all(reads).await;
    let refused = answers.iter().find_map(|answer| answer.as_ref().err()).expect("one of twenty is refused");
    assert!(refused.as_service_error().unwrap().is_provisioned_throughput_exceeded_exception());
    assert_eq!(
        refused.message(),
        Some("Rate exceeded for shard shardId-000000000000 in stream events under account 000000000000.")
    );
}

#[tokio::test]
async fn writes_beyond_a_shards_limit_are_refused_record_by_record() {
    let (_cloud, client) = with_stream(common::options(), 1).await;
    let entry = |_| {
        let data = Blob::new(vec![b'x'; 900 * 1024]);
        PutRecordsRequestEntry::builder().partition_key("k").data(data).build().unwrap()
    };
    let request = client.put_records().stream_name(STREAM).set_records(Some((0..3).map(entry).collect()));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.failed_record_count, Some(2));
    assert!(answer.records[0].sequence_number.is_some());
    assert_eq!(answer.records[1].error_code.as_deref(), Some("ProvisionedThroughputExceededException"));
    assert_eq!(
        answer.records[1].error_message.as_deref(),
        Some("Rate exceeded for shard shardId-000000000000 in stream events under account 000000000000.")
    );
}

#[tokio::test]
async fn beyond_the_cap_the_oldest_records_go() {
    let options = Options { retained_bytes: 64 * 1024, limits: Limits::Off, ..common::options() };
    let (cloud, client) = with_stream(options, 2).await;
    for number in 0..200 {
        let data = format!("{number:0>1000}");
        let key = number.to_string();
        client.put_record().stream_name(STREAM).partition_key(key).data(Blob::new(data)).send().await.unwrap();
    }
    let mut numbers = Vec::new();
    for shard in [SHARD, "shardId-000000000001"] {
        let iterator = iterator(&client, shard, ShardIteratorType::TrimHorizon).await;
        let read = client.get_records().shard_iterator(iterator).send().await.unwrap();
        numbers.extend(texts(read.records()).iter().map(|text| text.parse::<u32>().unwrap()));
    }
    numbers.sort_unstable();
    assert_eq!(numbers.last(), Some(&199));
    assert!((60..=65).contains(&numbers.len()), "{} records are kept", numbers.len());
    assert!(numbers[0] >= 130, "the oldest kept is {}", numbers[0]);
    assert_eq!(cloud.dropped().records, 200 - numbers.len() as u64);
}

#[tokio::test]
async fn a_split_shard_is_drained_and_names_its_children() {
    let (_cloud, client) = with_stream(Options { limits: Limits::Off, ..common::options() }, 1).await;
    put(&client, "parent").await;
    let half = (u128::MAX / 2 + 1).to_string();
    client.split_shard().stream_name(STREAM).shard_to_split(SHARD).new_starting_hash_key(half).send().await.unwrap();
    common::until(async || {
        let shards = client.list_shards().stream_name(STREAM).send().await.unwrap();
        (shards.shards().len() == 3).then_some(())
    })
    .await;
    put(&client, "child").await;
    let mut next = iterator(&client, SHARD, ShardIteratorType::TrimHorizon).await;
    let mut seen = Vec::new();
    let children = loop {
        let read = client.get_records().shard_iterator(next).send().await.unwrap();
        seen.extend(texts(read.records()));
        match read.next_shard_iterator {
            Some(iterator) => next = iterator,
            None => break read.child_shards.unwrap(),
        }
    };
    assert_eq!(seen, ["parent"]);
    let mut names: Vec<&str> = children.iter().map(|child| child.shard_id.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["shardId-000000000001", "shardId-000000000002"]);
    assert!(children.iter().all(|child| child.parent_shards == [SHARD]));
}

#[tokio::test]
async fn fan_out_pushes_a_record_as_it_comes() {
    let (cloud, client) = with_stream(common::options(), 1).await;
    let arn = format!("arn:aws:kinesis:{}:{}:stream/{STREAM}", cloud.region(), cloud.account_id());
    let consumer = client.register_stream_consumer().stream_arn(arn).consumer_name("c").send().await.unwrap();
    let consumer_arn = consumer.consumer.unwrap().consumer_arn;
    common::until(async || {
        let answer = client.describe_stream_consumer().consumer_arn(&consumer_arn).send().await.unwrap();
        let status = answer.consumer_description.unwrap().consumer_status;
        (status == aws_sdk_kinesis::types::ConsumerStatus::Active).then_some(())
    })
    .await;
    let subscribe = || {
        client
            .subscribe_to_shard()
            .consumer_arn(&consumer_arn)
            .shard_id(SHARD)
            .starting_position(StartingPosition::builder().r#type(ShardIteratorType::Latest).build().unwrap())
            .send()
    };
    let mut subscription = subscribe().await.unwrap();
    let second = subscribe().await.unwrap_err();
    assert!(second.as_service_error().unwrap().is_resource_in_use_exception());
    let sequence_number = put(&client, "pushed").await;
    let event = loop {
        let event = subscription.event_stream.recv().await.unwrap().expect("the subscription goes on");
        match event {
            SubscribeToShardEventStream::SubscribeToShardEvent(event) if event.records.is_empty() => {}
            SubscribeToShardEventStream::SubscribeToShardEvent(event) => break event,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(texts(&event.records), ["pushed"]);
    assert_eq!(event.continuation_sequence_number, sequence_number);
    client.delete_stream().stream_name(STREAM).enforce_consumer_deletion(true).send().await.unwrap();
    while subscription.event_stream.recv().await.unwrap().is_some() {}
}

#[tokio::test]
async fn streams_on_demand_encrypted_and_tagged() {
    let cloud = LocalCloud::start(common::options()).await.unwrap();
    let client = client(&cloud).await;
    let mode = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().unwrap();
    client.create_stream().stream_name(STREAM).stream_mode_details(mode).tags("team", "blue").send().await.unwrap();
    let summary = common::until(async || {
        let answer = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
        answer.stream_description_summary.filter(|summary| summary.stream_status == StreamStatus::Active)
    })
    .await;
    assert_eq!(summary.open_shard_count, 4);
    assert_eq!(summary.stream_mode_details.unwrap().stream_mode, StreamMode::OnDemand);
    let tags = client.list_tags_for_stream().stream_name(STREAM).send().await.unwrap();
    assert_eq!((tags.tags[0].key.as_str(), tags.tags[0].value.as_deref()), ("team", Some("blue")));
    let key = client.start_stream_encryption().stream_name(STREAM).key_id("alias/aws/kinesis");
    key.encryption_type(aws_sdk_kinesis::types::EncryptionType::Kms).send().await.unwrap();
    common::until(async || {
        let answer = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
        let summary = answer.stream_description_summary.unwrap();
        (summary.key_id.as_deref() == Some("alias/aws/kinesis")).then_some(())
    })
    .await;
    client.increase_stream_retention_period().stream_name(STREAM).retention_period_hours(48).send().await.unwrap();
    let listed = client.list_streams().send().await.unwrap();
    assert_eq!(listed.stream_names, [STREAM]);
    assert_eq!(listed.stream_summaries()[0].stream_name, STREAM);
}

#[tokio::test]
async fn refusals_are_in_aws_words() {
    let (_cloud, client) = with_stream(common::options(), 1).await;
    let again = client.create_stream().stream_name(STREAM).shard_count(1).send().await.unwrap_err();
    assert_eq!(again.message(), Some("Stream events under account 000000000000 already exists."));
    let missing = client.put_record().stream_name("none").partition_key("k").data(Blob::new("x")).send().await;
    assert_eq!(missing.unwrap_err().message(), Some("Stream none under account 000000000000 not found."));
    let created = client.create_stream().stream_name("other").shard_count(1).warm_throughput_mibps(1).send().await;
    let refused = created.unwrap_err();
    assert!(refused.message().unwrap().contains("WarmThroughputMiBps"), "{:?}", refused.message());
}

#[tokio::test]
async fn a_reader_from_a_time_sees_only_what_came_since() {
    let (_cloud, client) = with_stream(common::options(), 1).await;
    put(&client, "before").await;
    let arrived = {
        let iterator = iterator(&client, SHARD, ShardIteratorType::TrimHorizon).await;
        let read = client.get_records().shard_iterator(iterator).send().await.unwrap();
        read.records()[0].approximate_arrival_timestamp.unwrap()
    };
    // The SDK cuts off what a double's seconds lack of a whole millisecond.
    let later = aws_sdk_kinesis::primitives::DateTime::from_millis(arrived.to_millis().unwrap() + 2);
    while jiff::Timestamp::now().as_millisecond() <= later.to_millis().unwrap() {
        tokio::task::yield_now().await;
    }
    let at = client.get_shard_iterator().stream_name(STREAM).shard_id(SHARD);
    let at = at.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp(later).send().await.unwrap();
    let subscription = subscribe(
        &client,
        aws_sdk_kinesis::types::StartingPosition::builder().r#type(ShardIteratorType::AtTimestamp).timestamp(later),
    )
    .await;
    let after = put(&client, "after").await;
    let read = client.get_records().shard_iterator(at.shard_iterator.unwrap()).send().await.unwrap();
    assert_eq!(texts(read.records()), ["after"]);
    assert_eq!(next_records(subscription).await, ["after"]);
    put(&client, "last").await;
    let subscription = subscribe(
        &client,
        aws_sdk_kinesis::types::StartingPosition::builder()
            .r#type(ShardIteratorType::AfterSequenceNumber)
            .sequence_number(after),
    )
    .await;
    assert_eq!(next_records(subscription).await, ["last"]);
}

type Subscription = aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput;

async fn subscribe(client: &Client, from: aws_sdk_kinesis::types::builders::StartingPositionBuilder) -> Subscription {
    let summary = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
    let stream_arn = summary.stream_description_summary.unwrap().stream_arn;
    let name = uuid::Uuid::new_v4().simple().to_string();
    let consumer = client.register_stream_consumer().stream_arn(stream_arn).consumer_name(name).send().await.unwrap();
    let arn = consumer.consumer.unwrap().consumer_arn;
    common::until(async || {
        let consumer = client.describe_stream_consumer().consumer_arn(&arn).send().await.unwrap();
        let status = consumer.consumer_description.unwrap().consumer_status;
        (status == aws_sdk_kinesis::types::ConsumerStatus::Active).then_some(())
    })
    .await;
    let request = client.subscribe_to_shard().consumer_arn(&arn).shard_id(SHARD);
    request.starting_position(from.build().unwrap()).send().await.unwrap()
}

async fn next_records(mut subscription: Subscription) -> Vec<String> {
    use aws_sdk_kinesis::types::SubscribeToShardEventStream::SubscribeToShardEvent;
    loop {
        if let Some(SubscribeToShardEvent(event)) = subscription.event_stream.recv().await.unwrap()
            && !event.records.is_empty()
        {
            return texts(&event.records);
        }
    }
}

fn code<T, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, aws_sdk_kinesis::error::SdkError<E>>,
) -> Option<String> {
    result.err().and_then(|error| error.code().map(str::to_owned))
}

#[tokio::test]
async fn records_may_be_kept_for_a_year() {
    let (_cloud, client) = with_stream(common::options(), 1).await;
    let ask =
        |hours| client.increase_stream_retention_period().stream_name(STREAM).retention_period_hours(hours).send();
    assert_eq!(code(ask(8761).await).as_deref(), Some("ValidationException"));
    ask(8760).await.unwrap();
    client.decrease_stream_retention_period().stream_name(STREAM).retention_period_hours(169).send().await.unwrap();
    let summary = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
    assert_eq!(summary.stream_description_summary.unwrap().retention_period_hours, 169);
}

#[tokio::test]
async fn a_consumer_is_active_at_once_and_names_its_stream() {
    let (cloud, client) = with_stream(common::options(), 1).await;
    let arn = format!("arn:aws:kinesis:{}:{}:stream/{STREAM}", cloud.region(), cloud.account_id());
    let made = client.register_stream_consumer().stream_arn(&arn).consumer_name("tail").send().await.unwrap();
    let consumer_arn = made.consumer.unwrap().consumer_arn;
    let described = client.describe_stream_consumer().consumer_arn(&consumer_arn).send().await.unwrap();
    let described = described.consumer_description.unwrap();
    assert_eq!(described.consumer_status.as_str(), "ACTIVE");
    assert_eq!(described.stream_arn, arn);
    let start = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon).build().unwrap();
    let request = client.subscribe_to_shard().consumer_arn(&consumer_arn).shard_id(SHARD).starting_position(start);
    request.send().await.unwrap();
    let listed = client.list_stream_consumers().stream_arn(&arn).send().await.unwrap();
    assert_eq!(listed.consumers()[0].consumer_name, "tail");
    client.deregister_stream_consumer().consumer_arn(&consumer_arn).send().await.unwrap();
    common::until(async || {
        let listed = client.list_stream_consumers().stream_arn(&arn).send().await.unwrap();
        listed.consumers().is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_account_tells_its_limits() {
    let (_cloud, client) = with_stream(common::options(), 2).await;
    let limits = client.describe_limits().send().await.unwrap();
    assert_eq!(limits.open_shard_count, 2);
    assert!(limits.shard_limit > limits.open_shard_count, "{limits:?}");
}

#[tokio::test]
async fn what_has_no_effect_is_refused_by_name() {
    let (cloud, client) = with_stream(common::options(), 1).await;
    let arn = format!("arn:aws:kinesis:{}:{}:stream/{STREAM}", cloud.region(), cloud.account_id());
    let refused = client.update_max_record_size().stream_arn(&arn).max_record_size_in_kib(2048).send().await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Some("UnknownOperationException"));
    assert_eq!(
        refused.message(),
        Some("The embedded cloud does not offer the operation UpdateMaxRecordSize of Kinesis.")
    );
    let refused = client.update_stream_warm_throughput().stream_arn(&arn).warm_throughput_mibps(1).send().await;
    assert_eq!(code(refused).as_deref(), Some("UnknownOperationException"));
    let settings = client.describe_account_settings().send().await.unwrap();
    let commitment = settings.minimum_throughput_billing_commitment.unwrap();
    assert_eq!(commitment.status.as_str(), "DISABLED");
}

#[tokio::test]
async fn policies_and_tags_are_those_of_a_stream_that_is_there() {
    let (cloud, client) = with_stream(common::options(), 1).await;
    let arn = |name: &str| format!("arn:aws:kinesis:{}:{}:stream/{name}", cloud.region(), cloud.account_id());
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"000000000000"}},"Action":"kinesis:PutRecord","Resource":"{}"}}]}}"#,
        arn(STREAM)
    );
    let none = Some("ResourceNotFoundException".to_owned());
    assert_eq!(code(client.get_resource_policy().resource_arn(arn("none")).send().await), none);
    assert_eq!(code(client.put_resource_policy().resource_arn(arn("none")).policy(&policy).send().await), none);
    assert_eq!(code(client.delete_resource_policy().resource_arn(arn("none")).send().await), none);
    assert_eq!(code(client.list_tags_for_resource().resource_arn(arn("none")).send().await), none);
    let refused = client.put_resource_policy().resource_arn(arn(STREAM)).policy(r#"{"a":1}"#).send().await;
    assert_eq!(code(refused).as_deref(), Some("InvalidArgumentException"));
    client.put_resource_policy().resource_arn(arn(STREAM)).policy(&policy).send().await.unwrap();
    let answer = client.get_resource_policy().resource_arn(arn(STREAM)).send().await.unwrap();
    assert_eq!(answer.policy, policy);
}
