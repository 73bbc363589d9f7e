//! The language, term by term.

use bytes::Bytes;
use rstest::rstest;

use super::*;
use crate::{
    events::{Answer, LogLine, LogSource, Record, Sent, Timestamp},
    trace::EventNumber,
};

fn record(data: &'static str) -> Row {
    Row::Record(Record {
        time: Timestamp::default(),
        shard_id: "shardId-000000000012".into(),
        sequence_number: "4966".into(),
        partition_key: "Key-1".to_owned(),
        data: Bytes::from(data),
    })
}

fn log(source: LogSource, message: &str) -> Row {
    let (level, lambda_request_id, api_request_id) = LogLine::read(message);
    Row::log(LogLine {
        time: Timestamp::default(),
        ingestion_time: Timestamp::default(),
        source,
        group: "group".to_owned(),
        stream: "stream".to_owned(),
        event_id: "e-1".to_owned(),
        lambda_request_id,
        api_request_id,
        level,
        message: message.to_owned(),
    })
}

fn sent(status: u16, body: &'static str) -> Row {
    Row::Sent(Sent {
        seq: 42,
        time: Timestamp::default(),
        latency: std::time::Duration::ZERO,
        body: Bytes::from(body),
        answer: Answer::Refused {
            status,
            nothing_put: true,
            api_request_id: Some("Api-9=".into()),
            message: "Too Many Requests".to_owned(),
        },
    })
}

fn matches(filter: &str, row: &Row) -> bool {
    let query = Query::filter(filter).unwrap_or_else(|error| panic!("{filter}: {error}")).expect("a filter");
    query.matches(row, &Traces::new())
}

const SIGNUP: &str = "{\"event\":\"SignUp\",\"user_id\":417,\"amount\":1.50e+03,\"big\":9007199254740993,\
                      \"tags\":[\"a\",\"b\"],\"who\":{\"a-b\":null},\"n\":\"12\",\"at\":\"2026-11-24T14:00Z\"}\n";

#[rstest]
#[case("signup", true)]
#[case("\"Event\":\"signup\"", true)]
#[case("{\"event\":\"signup\",\"user_id\":417", true)]
#[case("signup login", false)]
#[case("signup or login", true)]
#[case("login or signup user_id", true)]
#[case("login or signup nothing", false)]
#[case("signup and user_id", true)]
#[case("-signup", false)]
#[case("not login", true)]
#[case("NOT -login", false)]
#[case("signup -login", true)]
#[case("$.user_id", true)]
#[case("$.nothing", false)]
#[case("-$.nothing", true)]
#[case("$.user_id=417", true)]
#[case("$.user_id==417.0", true)]
#[case("$.user_id=\"417\"", false)]
#[case("$.user_id!=418", true)]
#[case("$.user_id!=417", false)]
#[case("$.nothing!=1", false)]
#[case("$.event=signup", false)]
#[case("$.event=SignUp", true)]
#[case("$.event~sign", true)]
#[case("$.event>1", false)]
#[case("$.amount=1500", true)]
#[case("$.amount>1499.99", true)]
#[case("$.amount>1500", false)]
#[case("$.amount>=1500", true)]
#[case("$.big=9007199254740992", false)]
#[case("$.big>9007199254740992", true)]
#[case("$.big=9007199254740993", true)]
#[case("$.tags[1]=b", true)]
#[case("$.tags[*]=b", true)]
#[case("$.tags[*]!=b", false)]
#[case("$.tags~a", true)]
#[case("$.who['a-b']=null", true)]
#[case("$..['a-b']", true)]
#[case("$.n=12", true)]
#[case("$.n=12.0", false)]
#[case("$.at>\"2026-11-24T13\"", true)]
#[case("$.at<\"2026-11-24T13\"", false)]
#[case("$[?@.user_id > 400]", false)]
#[case("$.tags[?@ == 'a']", true)]
#[case("shard=12", true)]
#[case("shard=shardId-000000000012", true)]
#[case("shard!=0", true)]
#[case("id=4966", true)]
#[case("id=49", false)]
#[case("id~96", true)]
#[case("key=Key-1", true)]
#[case("key~key", true)]
#[case("size>100", true)]
#[case("size>1e3", false)]
#[case("level=INFO", false)]
#[case("status=200", false)]
#[case("#42", false)]
#[case("price$5", false)]
fn a_record(#[case] filter: &str, #[case] holds: bool) {
    assert_eq!(matches(filter, &record(SIGNUP)), holds);
}

#[rstest]
#[case("level=WARN", true)]
#[case("level>=WARN", true)]
#[case("level>=error", false)]
#[case("level!=INFO", true)]
#[case("source=access", true)]
#[case("source=function", false)]
#[case("-source=function level>INFO", true)]
#[case("status=429", true)]
#[case("status>=400 status<500", true)]
#[case("status~42", true)]
#[case("id=a1", true)]
#[case("id!=a1", false)]
#[case("$.status=429", true)]
fn an_access_line(#[case] filter: &str, #[case] holds: bool) {
    let line = log(LogSource::Access, r#"{"requestId":"a1","status":"429","integrationRequestId":"-"}"#);
    assert_eq!(matches(filter, &line), holds);
}

#[rstest]
#[case("#42", true)]
#[case("·42", false)]
#[case("#41 or #42", true)]
#[case("status=429", true)]
#[case("status=CREATE_FAILED", false)]
#[case("id=Api-9=", true)]
#[case("\"too many\"", true)]
#[case("\"say \\\"hi\\\"\"", true)]
fn an_answer(#[case] filter: &str, #[case] holds: bool) {
    assert_eq!(matches(filter, &sent(429, "{\"a\":\"say \"hi\"\"}")), holds);
}

#[test]
fn a_word_that_only_looks_like_a_field_is_a_word() {
    assert!(matches("url=/a?b>c", &log(LogSource::Function, "GET url=/a?b>c")));
    assert!(matches("$5", &log(LogSource::Function, "costs $5")));
    assert!(matches("#x", &log(LogSource::Function, "colour #x")));
    assert!(matches("\"or\"", &log(LogSource::Function, "this or that")));
}

#[rstest]
#[case("\"abc", 0, "this quote is not closed")]
#[case("a or", 2, "or wants a term behind it: \"or\" in quotes is the word")]
#[case("or a", 0, "or stands between two terms: \"or\" in quotes is the word")]
#[case("a -", 2, "- hides what stands right behind it: -healthcheck")]
#[case("not", 0, "not wants a term behind it: \"not\" in quotes is the word")]
#[case("x level=", 8, "level wants something to be compared with")]
#[case("x level=LOUD", 8, "a level is DEBUG, INFO, WARN or ERROR")]
#[case("level~WARN", 5, "level is compared with = != < <= > >= only")]
#[case("source=lambda", 7, "a source is access, function or delivery")]
#[case("shard=x", 6, "a shard is a number: 0, or shardId-000000000000")]
#[case("status>=abc", 8, "a status is compared with < and > by its number")]
#[case("size=big", 5, "a size is a number of bytes")]
#[case("é $.a[1", 6, "this bracket is not closed")]
#[case("$.a>b", 4, "< and > compare with a number, or with a text in quotes")]
#[case("$.a=", 4, "the path wants something to be compared with")]
#[case("$.a=\"b\"c", 7, "a space is wanted behind the quotes")]
fn an_error_says_what_is_wrong_and_where(#[case] filter: &str, #[case] at: usize, #[case] what: &str) {
    assert_eq!(Query::filter(filter), Err(QueryError { at, what: what.to_owned() }));
}

#[test]
fn an_error_within_a_path_points_into_it() {
    for (filter, at) in [("x $.a[b]", 2..=9), ("$.user-id=1", 6..=6), ("$[?", 1..=1), ("$.", 0..=2)] {
        let error = Query::filter(filter).expect_err(filter);
        assert!(at.contains(&error.at), "{filter}: {error:?}");
        assert!(filter.is_char_boundary(error.at));
    }
}

#[test]
fn what_is_looked_for_is_a_text_as_typed_or_one_term() {
    let row = record(SIGNUP);
    let finds = |text: &str| Query::find(text).expect("something").matches(&row, &Traces::new());
    assert!(finds("\"event\":\"signup\",\"user_id\"") && finds("$.user_id=417") && finds("or") == finds("OR"));
    assert!(!finds("signup user_id"), "a space is a space");
    assert!(finds("\"signup"), "a quote is a quote");
    assert_eq!(Query::find("  "), None);
    assert!(Query::find("#42").expect("a number").depends_on_traces());
}

#[test]
fn what_made_a_row_match_is_marked() {
    let marks = |text: &str| Query::filter(text).expect("a filter").expect("some").marks();
    assert_eq!(marks("Sign -log $.user_id=417 $.x>3 id=AB"), ["sign", "417", "ab"]);
}

#[test]
fn an_event_is_found_by_any_of_its_ids() {
    let mut traces = Traces::new();
    let Row::Sent(answer) = sent(202, "{}") else { unreachable!("it is an answer") };
    let answer = Sent {
        answer: Answer::Accepted {
            api_request_id: "Api-9=".into(),
            shard_id: "shardId-000000000012".into(),
            sequence_number: "4966".into(),
        },
        ..answer
    };
    traces.sent(&answer);
    let query = Query::filter("id=Api-9=").expect("a filter").expect("some");
    assert!(query.depends_on_traces());
    assert!(query.matches(&record(SIGNUP), &traces), "the record of that request");
    assert_eq!(record(SIGNUP).number(&traces), Some(EventNumber::Own(42)));
}

mod any_text {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_read_without_harm(text in "[a-z$#·.\\[\\]\"'= <>!~0-9é*?@-]{0,24}") {
            match Query::filter(&text) {
                Ok(Some(query)) => { query.matches(&record(SIGNUP), &Traces::new()); }
                Ok(None) => {}
                Err(error) => prop_assert!(text.is_char_boundary(error.at)),
            }
            Query::find(&text);
        }
    }
}
