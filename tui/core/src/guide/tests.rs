//! What the explanations say.

use super::*;
use crate::events::{Answer, ApiRequestId, Timestamp};

fn outputs() -> Outputs {
    Outputs {
        api_url: "https://a1b2c3d4e5.execute-api.ap-southeast-2.amazonaws.com".to_owned(),
        submit_url: "https://a1b2c3d4e5.execute-api.ap-southeast-2.amazonaws.com/submit".to_owned(),
        stream_name: "api-kinesis-stream".to_owned(),
        function_name: "tailwater-submit".to_owned(),
        log_group_name: "/aws/lambda/tailwater-submit".to_owned(),
        access_log_group_name: "/aws/vendedlogs/apigateway/tailwater".to_owned(),
        delivery_stream_name: "tailwater-DeliveryStream-x".to_owned(),
        delivery_log_group_name: "/aws/kinesisfirehose/tailwater".to_owned(),
        bucket_name: "api-kinesis-firehose-bucket-123456789012-ap-southeast-2".to_owned(),
    }
}

fn settings() -> Settings {
    let parameters = [
        ("ShardCount", "3"),
        ("RetentionHours", "48"),
        ("ThrottleRate", "50"),
        ("ThrottleBurst", "400"),
        ("AuthMode", "IAM"),
        ("BufferIntervalSeconds", "10"),
        ("BufferSizeMB", "1"),
        ("PartitionKeyPointer", ""),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Settings::of(parameters, "ap-southeast-2")
}

fn known<'a>(outputs: &'a Outputs, settings: &'a Settings) -> Known<'a> {
    Known {
        is_local: false,
        now_millis: 1_700_000_000_000,
        place: CliPlace { region: Some("ap-southeast-2".to_owned()), ..CliPlace::default() },
        stack_name: "tailwater",
        outputs: Some(outputs),
        buffering: Some(Buffering { interval_seconds: 10, size_mb: 1 }),
        settings,
    }
}

/// An explanation as text, a part a line.
fn said(topic: &Topic, known: &Known) -> String {
    let parts = what(topic, known).into_iter().chain(more(topic, known));
    let line = |part| match part {
        Part::Heading(words) => format!("== {words}"),
        Part::Text(words) => words,
        Part::Fact(name, words) => format!("{name}: {words}"),
        Part::Command(command) => format!("$ {command}"),
    };
    parts.map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn settings_are_told_with_the_values_of_what_is_deployed() {
    let (outputs, settings) = (outputs(), settings());
    let known = known(&outputs, &settings);
    let kinesis = said(&Topic::Hop(Hop::Kinesis), &known);
    assert!(kinesis.contains("ShardCount: 3: takes in 3,000 records and 3 MB a second"), "{kinesis}");
    assert!(kinesis.contains("(default 1)") && kinesis.contains("RetentionHours: 48:"), "{kinesis}");
    assert!(kinesis.contains("$2.52 a day while nothing comes"), "{kinesis}");
    let api = said(&Topic::Hop(Hop::Api), &known);
    assert!(api.contains("ThrottleBurst: 400:") && api.contains("signed by someone"), "{api}");
    assert!(api.contains("$ aws apigatewayv2 get-stage --stage-name '$default' --api-id a1b2c3d4e5 "), "{api}");
    let line = bundled().property("Function", "MemorySize").expect("a property").line;
    assert!(said(&Topic::Hop(Hop::Lambda), &known).contains(&format!("MemorySize: 512 (set by template.yaml:{line})")));
}

#[test]
fn what_is_not_known_is_said() {
    let (outputs, settings) = (outputs(), Settings::default());
    let known = known(&outputs, &settings);
    let api = said(&Topic::Hop(Hop::Api), &known);
    assert!(api.contains("ThrottleRate: not known; the template's default is 50"), "{api}");
    assert!(api.contains("The stack tells no parameters of this template") && !api.contains("RouteKey"), "{api}");
    // Firehose's buffering is known of any pipeline.
    assert!(said(&Topic::Objects, &known).contains("BufferIntervalSeconds: 10: seconds"));
}

#[test]
fn every_topic_has_words_and_a_command() {
    let (outputs, settings) = (outputs(), settings());
    let known = known(&outputs, &settings);
    let operations = [("kinesis", "GetRecords"), ("kinesis", "Odd")];
    let resource = Topic::Resource { logical_id: "DeliveryRole", resource_type: "AWS::IAM::Role" };
    let (shard, number, key) = ("shardId-000000000001".into(), "4966".into(), "2026/11/24/13/x".into());
    let trace = Topic::Trace(TraceIds {
        api_request_id: Some("Yx3k="),
        record: Some((&shard, &number)),
        landing: Some((&key, 4)),
        from_millis: 1_700_000_000_000,
    });
    assert_eq!(commands(&trace, &known).len(), 4);
    let mut topics = vec![Topic::Send, Topic::Logs, Topic::Records, Topic::Objects, trace, Topic::Stack, resource];
    topics.extend(Hop::ALL.map(Topic::Hop));
    topics.push(Topic::Calls(&operations));
    for topic in topics {
        let said = said(&topic, &known);
        assert!(said.len() > 100 && said.contains("$ aws "), "{topic:?}: {said}");
    }
}

#[test]
fn a_refusal_says_who_refused_and_what_to_do() {
    let (outputs, settings) = (outputs(), settings());
    let known = known(&outputs, &settings);
    let sent = |status| Sent {
        seq: 1,
        time: Timestamp::from_millis(1_700_000_000_000),
        latency: std::time::Duration::from_millis(9),
        body: bytes::Bytes::from_static(b"{}"),
        answer: Answer::Refused {
            status,
            nothing_put: status < 500,
            api_request_id: Some(ApiRequestId::from("Yx3k=")),
            message: String::new(),
        },
    };
    let throttled = said(&Topic::Sent(&sent(429)), &known);
    assert!(throttled.contains("ThrottleRate (50)") && throttled.contains("Nothing was put"), "{throttled}");
    assert!(throttled.contains(r#"--filter-pattern '"Yx3k="'"#), "{throttled}");
    assert!(said(&Topic::Sent(&sent(404)), &known).contains("one route, POST /submit"));
    assert!(said(&Topic::Sent(&sent(500)), &known).contains("It may have been put"));
}

#[test]
fn a_resource_is_told_in_the_templates_own_words() {
    let (outputs, settings) = (outputs(), settings());
    let known = known(&outputs, &settings);
    let role = said(&Topic::Resource { logical_id: "DeliveryRole", resource_type: "AWS::IAM::Role" }, &known);
    let line = bundled().resource("DeliveryRole").expect("a resource");
    assert!(role.contains("What Firehose may do") && role.contains(&format!("line {line}")), "{role}");
    let foreign = said(&Topic::Resource { logical_id: "Queue", resource_type: "AWS::SQS::Queue" }, &known);
    assert!(foreign.contains("of another template"), "{foreign}");
}
