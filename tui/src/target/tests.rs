//! Calls as they pass interceptor and HTTP client, answered by the test.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_smithy_http_client::test_util::infallible_client_fn;
use tailwater_core::events::CallOutcome;

use super::{BudgetState, Moved, OfShard, Target, budget::Budgeted};

fn answer(status: u16, body: &str) -> http::Response<String> {
    http::Response::builder().status(status).body(body.to_owned()).expect("an answer")
}

/// A target that answers every request alike, with the times at which requests left.
fn target(status: u16, body: &'static str) -> (Target, Arc<Moved>, Arc<Mutex<Vec<Duration>>>) {
    let (moved, time) = Moved::new();
    let left = Arc::new(Mutex::new(Vec::new()));
    let http = infallible_client_fn({
        let (moved, left) = (moved.clone(), left.clone());
        move |_| {
            left.lock().expect("times").push(moved.passed());
            answer(status, body)
        }
    });
    (Target::scripted(http, time), moved, left)
}

#[tokio::test]
async fn a_call_is_told_to_every_subscriber() {
    let (target, ..) = target(200, r#"{"Records":[],"MillisBehindLatest":0}"#);
    let (mut one, mut other) = (target.calls(), target.clone().calls());
    target.kinesis().get_records().shard_iterator("x").send().await.expect("answered");
    for calls in [&mut one, &mut other] {
        let call = calls.recv().await.expect("a call");
        assert_eq!((call.service.as_str(), call.operation.as_str()), ("Kinesis", "GetRecords"));
        assert_eq!((call.attempts, call.throttled, call.outcome), (1, 0, CallOutcome::Answered));
    }
}

#[tokio::test]
async fn a_failure_has_the_services_code() {
    // Kinesis API reference, GetRecords, errors.
    let (target, ..) = target(400, r#"{"__type":"ExpiredIteratorException","message":"Iterator expired."}"#);
    let mut calls = target.calls();
    target.kinesis().get_records().shard_iterator("x").send().await.expect_err("refused");
    let call = calls.recv().await.expect("a call");
    assert_eq!(call.outcome, CallOutcome::Failed("ExpiredIteratorException".to_owned()));
}

#[tokio::test]
async fn throttled_attempts_are_counted_and_take_their_places() {
    let (target, moved, left) =
        target(400, r#"{"__type":"ProvisionedThroughputExceededException","message":"Rate exceeded for shard"}"#);
    let mut calls = target.calls();
    let reading = tokio::spawn({
        let client = target.kinesis();
        async move {
            for _ in 0..2 {
                // The SDK's own retries would wait by the real clock.
                let once = aws_sdk_kinesis::Config::builder().retry_config(aws_config::retry::RetryConfig::disabled());
                let read = client.get_records().shard_iterator("x").customize().config_override(once);
                read.interceptor(OfShard("0".to_owned())).send().await.expect_err("throttled");
            }
        }
    });
    moved.pass(Duration::from_secs(1)).await;
    reading.await.expect("read");
    assert_eq!(*left.lock().expect("times"), [Duration::ZERO, Duration::from_millis(500)]);
    let call = calls.recv().await.expect("a call");
    let code = "ProvisionedThroughputExceededException".to_owned();
    assert_eq!((call.throttled, call.outcome), (1, CallOutcome::Throttled(code)));
    let records = target.budget().into_iter().find(|state| state.of == Budgeted::Records);
    assert_eq!(records, Some(BudgetState { of: Budgeted::Records, used: 2, allowed: Some(20) }));
}

#[tokio::test]
async fn readers_of_one_source_share_its_budget() {
    let (target, moved, left) = target(200, r#"{"events":[]}"#);
    for _ in 0..8 {
        let client = target.logs();
        tokio::spawn(async move {
            loop {
                client.filter_log_events().log_group_name("g").send().await.expect("answered");
            }
        });
    }
    moved.pass(Duration::from_secs(20)).await;
    let left = left.lock().expect("times");
    assert!(left.len() >= 40, "{left:?}");
    for second in left.windows(3) {
        assert!(second[2] - second[0] >= Duration::from_secs(1), "more than two in a second: {second:?}");
    }
}
