//! Creation, failure, rollback, deletion: events in AWS's order and with AWS's reasons.

use serde_json::json;

use super::{Fixture, thing, things};

#[tokio::test]
async fn a_stack_is_created_in_the_order_of_its_references() {
    let fixture = Fixture::new();
    let template = json!({
        "Description": "two things",
        "Resources": {
            "B": thing(json!({"Value": {"Fn::GetAtt": ["A", "Arn"]}})),
            "A": thing(json!({"Value": "x"})),
        },
        "Outputs": {"Of": {"Value": {"Fn::Sub": "${B}/${A.Value}"}, "Description": "told"}},
    });
    assert_eq!(fixture.create(&template).await, "CREATE_COMPLETE");
    assert_eq!(
        fixture.events("s").await,
        [
            "s CREATE_IN_PROGRESS User Initiated",
            "A CREATE_IN_PROGRESS",
            "A CREATE_IN_PROGRESS Resource creation Initiated",
            "A CREATE_COMPLETE",
            "B CREATE_IN_PROGRESS",
            "B CREATE_IN_PROGRESS Resource creation Initiated",
            "B CREATE_COMPLETE",
            "s CREATE_COMPLETE",
        ]
    );
    let stack = fixture.stack("s").await;
    assert_eq!(stack["Outputs"], json!([{"OutputKey": "Of", "OutputValue": "B-2/x", "Description": "told"}]));
    assert_eq!(stack["Description"], "two things");
    assert_eq!(fixture.script.things()["B-2"]["Value"], "arn:thing:A-1");
}

#[tokio::test]
async fn events_carry_the_physical_id_once_there_is_one() {
    let fixture = Fixture::new();
    fixture.create(&things(json!({"A": thing(json!({"Value": "x"}))}))).await;
    let output = fixture.ok("DescribeStackEvents", json!({"StackName": "s"})).await;
    let ids: Vec<&str> = output["StackEvents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["LogicalResourceId"] == "A")
        .map(|event| event["PhysicalResourceId"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["A-1", "A-1", ""]);
    assert_eq!(output["StackEvents"][1]["ResourceProperties"], "{\"Value\":\"x\"}");
}

#[tokio::test]
async fn independent_resources_are_made_at_the_same_time() {
    let fixture = Fixture::new();
    let first = fixture.script.wait("create", "A");
    let second = fixture.script.wait("create", "B");
    let template = things(json!({"A": thing(json!({})), "B": thing(json!({}))}));
    fixture.ok("CreateStack", json!({"StackName": "s", "TemplateBody": template.to_string()})).await;
    while fixture.script.steps().len() < 2 {
        tokio::task::yield_now().await;
    }
    second.notify_one();
    first.notify_one();
    assert_eq!(fixture.settled("s").await, "CREATE_COMPLETE");
}

#[tokio::test]
async fn a_failure_cancels_the_rest_and_rolls_back_in_reverse() {
    let fixture = Fixture::new();
    fixture.script.fail("create", "C", "no room");
    let _held = fixture.script.wait("settle", "D");
    let template = things(json!({
        "A": thing(json!({})),
        "B": thing(json!({"Value": {"Ref": "A"}})),
        "C": thing(json!({"Value": {"Ref": "B"}})),
        "D": thing(json!({})),
        "E": thing(json!({"Value": {"Ref": "C"}})),
    }));
    assert_eq!(fixture.create(&template).await, "ROLLBACK_COMPLETE");
    let events = fixture.events("s").await;
    let from = events.iter().position(|event| event.contains("FAILED")).unwrap();
    assert_eq!(
        events[from..],
        [
            "C CREATE_FAILED no room",
            "D CREATE_FAILED Resource creation cancelled",
            "s ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [C, D]. Rollback requested by user.",
            "C DELETE_COMPLETE",
            "D DELETE_IN_PROGRESS",
            "D DELETE_COMPLETE",
            "B DELETE_IN_PROGRESS",
            "B DELETE_COMPLETE",
            "A DELETE_IN_PROGRESS",
            "A DELETE_COMPLETE",
            "s ROLLBACK_COMPLETE",
        ]
    );
    assert!(fixture.script.things().is_empty());
}

#[tokio::test]
async fn a_failed_creation_stays_where_asked() {
    let fixture = Fixture::new();
    fixture.script.fail("create", "B", "no room");
    let template = things(json!({"A": thing(json!({})), "B": thing(json!({"Value": {"Ref": "A"}}))}));
    let input = json!({"StackName": "s", "TemplateBody": template.to_string(), "DisableRollback": true});
    fixture.ok("CreateStack", input).await;
    assert_eq!(fixture.settled("s").await, "CREATE_FAILED");
    let stack = fixture.stack("s").await;
    assert_eq!(stack["StackStatusReason"], "The following resource(s) failed to create: [B]. ");
    assert_eq!(stack["DisableRollback"], true);
    // Once the reason is gone an update completes it, or the creation is taken back.
    fixture.script.succeed("create", "B");
    assert_eq!(fixture.go_on(&template).await, "UPDATE_COMPLETE");
    assert_eq!(fixture.script.things().len(), 2);
}

#[tokio::test]
async fn a_failed_creation_that_stays_can_be_taken_back() {
    let fixture = Fixture::new();
    fixture.script.fail("create", "B", "no room");
    let template = things(json!({"A": thing(json!({})), "B": thing(json!({"Value": {"Ref": "A"}}))}));
    let input = json!({"StackName": "s", "TemplateBody": template.to_string(), "OnFailure": "DO_NOTHING"});
    fixture.ok("CreateStack", input).await;
    assert_eq!(fixture.settled("s").await, "CREATE_FAILED");
    fixture.ok("RollbackStack", json!({"StackName": "s"})).await;
    assert_eq!(fixture.settled("s").await, "ROLLBACK_COMPLETE");
    assert!(fixture.script.things().is_empty());
}

#[tokio::test]
async fn a_provider_that_panics_fails_its_resource_alone() {
    let fixture = Fixture::new();
    fixture.script.panic("create", "A");
    assert_eq!(
        fixture.create(&things(json!({"A": thing(json!({})), "B": thing(json!({}))}))).await,
        "ROLLBACK_COMPLETE"
    );
    assert!(fixture.events("s").await.iter().any(|event| event.starts_with("A CREATE_FAILED Internal failure")));
    assert!(fixture.script.things().is_empty());
}

#[tokio::test]
async fn a_failed_creation_is_deleted_where_asked() {
    let fixture = Fixture::new();
    fixture.script.fail("settle", "A", "no room");
    let template = things(json!({"A": thing(json!({}))}));
    let input = json!({"StackName": "s", "TemplateBody": template.to_string(), "OnFailure": "DELETE"});
    let id = fixture.ok("CreateStack", input).await["StackId"].as_str().unwrap().to_owned();
    assert_eq!(fixture.settled(&id).await, "DELETE_COMPLETE");
    assert!(fixture.script.things().is_empty());
}

#[tokio::test]
async fn a_bad_attribute_in_an_output_fails_the_stack() {
    let fixture = Fixture::new();
    let template = json!({
        "Resources": {"A": thing(json!({}))},
        "Outputs": {"O": {"Value": {"Fn::GetAtt": ["A", "Nope"]}}},
    });
    assert_eq!(fixture.create(&template).await, "ROLLBACK_COMPLETE");
    assert!(
        fixture.events("s").await.contains(
            &"s ROLLBACK_IN_PROGRESS [Error] /Outputs/O/Value/Fn::GetAtt: Resource type Test::Thing does not support \
          attribute {Nope}. Rollback requested by user."
                .to_owned()
        )
    );
}

#[tokio::test]
async fn what_the_schema_refuses_fails_its_resource() {
    for (properties, reason) in [
        (
            json!({"Foo": 1}),
            "A CREATE_FAILED Properties validation failed for resource A with message:\n#: extraneous key [Foo] is not \
             permitted",
        ),
        (json!({"Rare": "x"}), "A CREATE_FAILED The embedded cloud does not support the property Rare of Test::Thing."),
    ] {
        let fixture = Fixture::new();
        assert_eq!(fixture.create(&things(json!({"A": thing(properties)}))).await, "ROLLBACK_COMPLETE");
        assert!(fixture.events("s").await.contains(&reason.to_owned()), "{:?}", fixture.events("s").await);
    }
}

#[tokio::test]
async fn deletion_goes_backwards_and_keeps_what_its_policy_keeps() {
    let fixture = Fixture::new();
    let mut template = things(json!({
        "A": thing(json!({})),
        "B": thing(json!({"Value": {"Ref": "A"}})),
        "Kept": thing(json!({})),
    }));
    template["Resources"]["Kept"]["DeletionPolicy"] = "Retain".into();
    fixture.create(&template).await;
    let id = fixture.stack("s").await["StackId"].as_str().unwrap().to_owned();
    fixture.ok("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(fixture.settled(&id).await, "DELETE_COMPLETE");
    let events = fixture.events(&id).await;
    let from = events.iter().position(|event| event == "s DELETE_IN_PROGRESS User Initiated").unwrap();
    assert_eq!(
        events[from..],
        [
            "s DELETE_IN_PROGRESS User Initiated",
            "B DELETE_IN_PROGRESS",
            "B DELETE_COMPLETE",
            "Kept DELETE_SKIPPED",
            "A DELETE_IN_PROGRESS",
            "A DELETE_COMPLETE",
            "s DELETE_COMPLETE",
        ]
    );
    assert_eq!(fixture.script.things().into_keys().collect::<Vec<_>>(), ["Kept-2"]);
    // By its name the stack is gone, and another may take it.
    let error = fixture.refused("DescribeStacks", json!({"StackName": "s"})).await;
    assert_eq!(error.message, "Stack with id s does not exist");
    assert_eq!(fixture.create(&things(json!({"A": thing(json!({}))}))).await, "CREATE_COMPLETE");
}

#[tokio::test]
async fn a_deletion_that_fails_can_go_on_without_the_resource() {
    let fixture = Fixture::new();
    let template = things(json!({"A": thing(json!({})), "B": thing(json!({"Value": {"Ref": "A"}}))}));
    fixture.create(&template).await;
    let id = fixture.stack("s").await["StackId"].as_str().unwrap().to_owned();
    let error = fixture.refused("DeleteStack", json!({"StackName": "s", "RetainResources": ["B"]})).await;
    assert!(error.message.contains("only when the stack is in the DELETE_FAILED state"));
    fixture.script.fail("delete", "B", "not empty");
    fixture.ok("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(fixture.settled("s").await, "DELETE_FAILED");
    let reason = fixture.stack("s").await["StackStatusReason"].clone();
    assert_eq!(reason, "The following resource(s) failed to delete: [B]. ");
    assert_eq!(fixture.script.things().len(), 2, "what B needs stays as long as B does");
    fixture.ok("DeleteStack", json!({"StackName": "s", "RetainResources": ["B"]})).await;
    assert_eq!(fixture.settled(&id).await, "DELETE_COMPLETE");
    assert_eq!(fixture.script.things().into_keys().collect::<Vec<_>>(), ["B-2"]);
}

#[tokio::test]
async fn a_deletion_overtakes_a_creation() {
    let fixture = Fixture::new();
    let _held = fixture.script.wait("settle", "A");
    let template = things(json!({"A": thing(json!({})), "B": thing(json!({"Value": {"Ref": "A"}}))}));
    let input = json!({"StackName": "s", "TemplateBody": template.to_string()});
    let id = fixture.ok("CreateStack", input).await["StackId"].as_str().unwrap().to_owned();
    while fixture.script.things().is_empty() {
        tokio::task::yield_now().await;
    }
    fixture.ok("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(fixture.until(&id, |status| status == "DELETE_COMPLETE").await, "DELETE_COMPLETE");
    assert!(fixture.script.things().is_empty());
}

#[tokio::test]
async fn termination_protection_holds() {
    let fixture = Fixture::new();
    let template = things(json!({"A": thing(json!({}))}));
    let input = json!({"StackName": "s", "TemplateBody": template.to_string(), "EnableTerminationProtection": "true"});
    fixture.ok("CreateStack", input).await;
    fixture.settled("s").await;
    let error = fixture.refused("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(error.message, "Stack [s] cannot be deleted while TerminationProtection is enabled");
    let input = json!({"StackName": "s", "EnableTerminationProtection": "false"});
    fixture.ok("UpdateTerminationProtection", input).await;
    fixture.ok("DeleteStack", json!({"StackName": "s"})).await;
}

#[tokio::test]
async fn many_events_come_in_pages() {
    let fixture = Fixture::new();
    let resources = (0..60).map(|index| (format!("R{index}"), thing(json!({})))).collect::<serde_json::Map<_, _>>();
    fixture.create(&json!({"Resources": resources})).await;
    let mut seen = Vec::new();
    let mut token = serde_json::Value::Null;
    loop {
        let page = fixture.ok("DescribeStackEvents", json!({"StackName": "s", "NextToken": token})).await;
        let events = page["StackEvents"].as_array().unwrap().clone();
        assert!(events.len() <= 100);
        seen.extend(events.into_iter().map(|event| event["EventId"].as_str().unwrap().to_owned()));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 2 + 3 * 60);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 2 + 3 * 60);
}
