//! CloudWatch Logs of the embedded cloud, through the official SDK.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatchlogs::{
    Client,
    config::{
        BehaviorVersion, Credentials, Intercept, Region, RuntimeComponents,
        interceptors::BeforeTransmitInterceptorContextMut,
    },
    error::{BoxError, ProvideErrorMetadata},
    types::{InputLogEvent, OrderBy, StartLiveTailResponseStream},
};
use tailwater_cloud::{LocalCloud, Options};

async fn cloud() -> (LocalCloud, Client) {
    let mut options = Options::new(Vec::new());
    options.gateway_port = Some(0);
    let cloud = LocalCloud::start(options).await.expect("a cloud starts");
    let client = Client::from_conf(config(&cloud).build());
    (cloud, client)
}

fn config(cloud: &LocalCloud) -> aws_sdk_cloudwatchlogs::config::Builder {
    let keys = cloud.credentials();
    aws_sdk_cloudwatchlogs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(cloud.region().to_owned()))
        .endpoint_url(cloud.endpoint_url())
        .credentials_provider(Credentials::new(keys.access_key_id, keys.secret_access_key, None, None, "test"))
}

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis()).expect("a time")
}

fn event(timestamp_ms: i64, message: impl Into<String>) -> InputLogEvent {
    InputLogEvent::builder().timestamp(timestamp_ms).message(message).build().expect("an event")
}

async fn group_with_streams(client: &Client, group: &str, streams: &[&str]) {
    client.create_log_group().log_group_name(group).send().await.expect("a group is made");
    for stream in streams {
        client
            .create_log_stream()
            .log_group_name(group)
            .log_stream_name(*stream)
            .send()
            .await
            .expect("a stream is made");
    }
}

async fn put(client: &Client, group: &str, stream: &str, events: Vec<InputLogEvent>) {
    client
        .put_log_events()
        .log_group_name(group)
        .log_stream_name(stream)
        .set_log_events(Some(events))
        .send()
        .await
        .expect("events are put");
}

#[tokio::test]
async fn groups_are_made_described_in_pages_and_deleted() {
    let (_cloud, client) = cloud().await;
    for name in ["/aws/lambda/a", "/aws/lambda/b", "other"] {
        client.create_log_group().log_group_name(name).tags("stack", "s").send().await.unwrap();
    }
    let again = client.create_log_group().log_group_name("other").send().await.unwrap_err();
    assert_eq!(again.code(), Some("ResourceAlreadyExistsException"));
    assert_eq!(again.message(), Some("The specified log group already exists"));

    let pages = client.describe_log_groups().limit(1).log_group_name_prefix("/aws").into_paginator().items().send();
    let groups: Vec<_> = pages.collect::<Result<_, _>>().await.unwrap();
    let names: Vec<_> = groups.iter().filter_map(|group| group.log_group_name()).collect();
    assert_eq!(names, ["/aws/lambda/a", "/aws/lambda/b"]);
    assert_eq!(groups[0].arn(), Some("arn:aws:logs:ap-southeast-2:000000000000:log-group:/aws/lambda/a:*"));

    client.put_retention_policy().log_group_name("other").retention_in_days(7).send().await.unwrap();
    let bad = client.put_retention_policy().log_group_name("other").retention_in_days(8).send().await.unwrap_err();
    assert_eq!(bad.code(), Some("InvalidParameterException"));
    let found = client.describe_log_groups().log_group_name_pattern("the").send().await.unwrap();
    assert_eq!(found.log_groups()[0].retention_in_days(), Some(7));

    let arn = found.log_groups()[0].log_group_arn().unwrap().to_owned();
    client.tag_resource().resource_arn(&arn).tags("more", "m").send().await.unwrap();
    client.untag_resource().resource_arn(&arn).tag_keys("stack").send().await.unwrap();
    let tags = client.list_tags_for_resource().resource_arn(&arn).send().await.unwrap();
    assert_eq!(tags.tags().unwrap().keys().collect::<Vec<_>>(), ["more"]);

    client.delete_log_group().log_group_name("other").send().await.unwrap();
    let gone = client.delete_log_group().log_group_name("other").send().await.unwrap_err();
    assert_eq!(gone.message(), Some("The specified log group does not exist."));
}

#[tokio::test]
async fn a_search_interleaves_streams_and_pages() {
    let (_cloud, client) = cloud().await;
    group_with_streams(&client, "g", &["one", "two"]).await;
    let now = now_ms();
    put(&client, "g", "one", (0..50).map(|index| event(now - 1000 + 2 * index, format!("odd {index}"))).collect())
        .await;
    put(&client, "g", "two", (0..50).map(|index| event(now - 999 + 2 * index, format!("even {index}"))).collect())
        .await;

    let pages: Vec<_> = client
        .filter_log_events()
        .log_group_name("g")
        .limit(7)
        .into_paginator()
        .send()
        .collect::<Result<_, _>>()
        .await
        .unwrap();
    assert_eq!(pages.len(), 15);
    let all: Vec<_> = pages
        .iter()
        .flat_map(aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput::events)
        .collect();
    assert_eq!(all.len(), 100);
    assert!(all.windows(2).all(|pair| pair[0].timestamp() < pair[1].timestamp()), "in order of time");
    let ids: std::collections::HashSet<_> = all.iter().filter_map(|event| event.event_id()).collect();
    assert_eq!(ids.len(), 100);
    assert!(ids.iter().all(|id| id.len() == 56));

    let late = client.filter_log_events().log_group_name("g").start_time(now - 902).send().await.unwrap();
    let messages: Vec<_> = late.events().iter().filter_map(|event| event.message()).collect();
    assert_eq!(messages, ["odd 49", "even 49"]);

    let matching = client
        .filter_log_events()
        .log_group_identifier("arn:aws:logs:ap-southeast-2:000000000000:log-group:g")
        .log_stream_names("two")
        .filter_pattern("\"even 1\"")
        .end_time(now - 960)
        .send()
        .await
        .unwrap();
    let messages: Vec<_> = matching.events().iter().filter_map(|event| event.message()).collect();
    assert_eq!(
        messages,
        [
            "even 1", "even 10", "even 11", "even 12", "even 13", "even 14", "even 15", "even 16", "even 17",
            "even 18", "even 19"
        ]
    );
}

#[tokio::test]
async fn a_search_refuses_in_the_words_of_aws() {
    let (_cloud, client) = cloud().await;
    group_with_streams(&client, "g", &["one"]).await;
    let search = || client.filter_log_events().log_group_name("g");
    let message = |error: &dyn ProvideErrorMetadata| {
        (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned())
    };
    let error = client.filter_log_events().log_group_name("no").send().await.unwrap_err();
    assert_eq!(message(&error), ("ResourceNotFoundException".into(), "The specified log group does not exist.".into()));
    let error = search().log_stream_names("no").send().await.unwrap_err();
    assert_eq!(
        message(&error),
        ("ResourceNotFoundException".into(), "The specified log stream does not exist.".into())
    );
    let error = search().next_token("nonsense").send().await.unwrap_err();
    assert_eq!(message(&error), ("InvalidParameterException".into(), "The specified nextToken is invalid.".into()));
    let error = search().filter_pattern("a:b").send().await.unwrap_err();
    assert_eq!(message(&error), ("InvalidParameterException".into(), "Invalid character(s) in term ':'".into()));
    let error = search().limit(20_000).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidParameterException"));
}

#[tokio::test]
async fn a_stream_is_read_forward_and_backward() {
    let (_cloud, client) = cloud().await;
    group_with_streams(&client, "g", &["one"]).await;
    let now = now_ms();
    put(&client, "g", "one", (0..10).map(|index| event(now - 10 + index, index.to_string())).collect()).await;
    let read = || client.get_log_events().log_group_name("g").log_stream_name("one").limit(4);
    let messages = |output: &aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsOutput| {
        output.events().iter().filter_map(|event| event.message()).collect::<String>()
    };

    let head = read().start_from_head(true).send().await.unwrap();
    assert_eq!(messages(&head), "0123");
    let next = read().next_token(head.next_forward_token().unwrap()).send().await.unwrap();
    assert_eq!(messages(&next), "4567");
    let back = read().next_token(next.next_backward_token().unwrap()).send().await.unwrap();
    assert_eq!(messages(&back), "0123");

    let tail = read().send().await.unwrap();
    assert_eq!(messages(&tail), "6789");
    let end = read().next_token(tail.next_forward_token().unwrap()).send().await.unwrap();
    assert_eq!(messages(&end), "");
    assert_eq!(end.next_forward_token(), tail.next_forward_token(), "the end is told by the same token");
    put(&client, "g", "one", vec![event(now, "new")]).await;
    let later = read().next_token(end.next_forward_token().unwrap()).send().await.unwrap();
    assert_eq!(messages(&later), "new");
}

#[tokio::test]
async fn streams_are_ordered_by_their_last_event() {
    let (_cloud, client) = cloud().await;
    group_with_streams(&client, "g", &["a", "b", "c"]).await;
    let now = now_ms();
    for (stream, time) in [("a", now - 10), ("b", now), ("c", now - 20)] {
        put(&client, "g", stream, vec![event(time, "m")]).await;
    }
    let streams: Vec<_> = client
        .describe_log_streams()
        .log_group_name("g")
        .order_by(OrderBy::LastEventTime)
        .descending(true)
        .limit(2)
        .into_paginator()
        .items()
        .send()
        .collect::<Result<_, _>>()
        .await
        .unwrap();
    let names: Vec<_> = streams.iter().filter_map(|stream| stream.log_stream_name()).collect();
    assert_eq!(names, ["b", "a", "c"]);
    assert_eq!(streams[0].last_event_timestamp(), Some(now));
    client.delete_log_stream().log_group_name("g").log_stream_name("b").send().await.unwrap();
    let left = client.filter_log_events().log_group_name("g").send().await.unwrap();
    assert_eq!(left.events().len(), 2);
}

#[tokio::test]
async fn events_outside_of_the_accepted_time_are_reported() {
    let (_cloud, client) = cloud().await;
    group_with_streams(&client, "g", &["one"]).await;
    let hour = 60 * 60 * 1000;
    let now = now_ms();
    let output = client
        .put_log_events()
        .log_group_name("g")
        .log_stream_name("one")
        .log_events(event(now, "kept"))
        .log_events(event(now + 3 * hour, "too new"))
        .send()
        .await
        .unwrap();
    assert_eq!(output.rejected_log_events_info().unwrap().too_new_log_event_start_index(), Some(1));
    assert!(output.next_sequence_token().is_some());
    let kept = client.filter_log_events().log_group_name("g").send().await.unwrap();
    assert_eq!(kept.events().len(), 1);
    let error = client
        .put_log_events()
        .log_group_name("g")
        .log_stream_name("none")
        .log_events(event(now, "m"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.message(), Some("The specified log stream does not exist."));
}

/// Puts the host back that the SDK prefixes with `streaming-`.
#[derive(Debug)]
struct PlainHost(String);

impl Intercept for PlainHost {
    fn name(&self) -> &'static str {
        "PlainHost"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut aws_sdk_cloudwatchlogs::config::ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().set_uri(format!("{}/", self.0))?;
        Ok(())
    }
}

#[tokio::test]
async fn a_live_tail_tells_what_comes_and_only_what_was_asked_for() {
    let (cloud, client) = cloud().await;
    group_with_streams(&client, "g", &["one"]).await;
    let plain = PlainHost(cloud.endpoint_url().to_owned());
    let tailing = Client::from_conf(config(&cloud).interceptor(plain).build());
    let arn = "arn:aws:logs:ap-southeast-2:000000000000:log-group:g";
    let mut stream = tailing
        .start_live_tail()
        .log_group_identifiers(arn)
        .log_event_filter_pattern("ERROR")
        .send()
        .await
        .unwrap()
        .response_stream;
    let Some(StartLiveTailResponseStream::SessionStart(start)) = stream.recv().await.unwrap() else {
        panic!("the session starts first");
    };
    assert_eq!(start.log_group_identifiers(), [arn]);
    put(&client, "g", "one", vec![event(now_ms(), "INFO no"), event(now_ms(), "ERROR yes")]).await;
    let update = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            match stream.recv().await.unwrap() {
                Some(StartLiveTailResponseStream::SessionUpdate(update)) if !update.session_results().is_empty() => {
                    return update;
                }
                Some(StartLiveTailResponseStream::SessionUpdate(_)) => {}
                other => panic!("an update was expected: {other:?}"),
            }
        }
    })
    .await
    .expect("an update comes");
    let messages: Vec<_> = update.session_results().iter().filter_map(|event| event.message()).collect();
    assert_eq!(messages, ["ERROR yes"]);
    assert_eq!(
        update.session_metadata().map(aws_sdk_cloudwatchlogs::types::LiveTailSessionMetadata::sampled),
        Some(false)
    );
}

#[tokio::test]
async fn what_is_not_offered_is_named() {
    let (_cloud, client) = cloud().await;
    let error = client
        .put_metric_filter()
        .log_group_name("g")
        .filter_name("f")
        .filter_pattern("")
        .metric_transformations(
            aws_sdk_cloudwatchlogs::types::MetricTransformation::builder()
                .metric_name("m")
                .metric_namespace("n")
                .metric_value("1")
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("UnknownOperationException"));
    assert!(error.message().unwrap().contains("PutMetricFilter"));
    let error = client.create_log_group().log_group_name("g").kms_key_id("k").send().await.unwrap_err();
    assert!(error.message().unwrap().contains("kmsKeyId"), "{error:?}");
}
