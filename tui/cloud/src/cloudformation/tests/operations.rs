//! Operations, their ids and events, and requests that are sent again.

use serde_json::{Value, json};

use super::{Fixture, thing, things};

/// Kinds and outcomes of the operations of the stack `s`, newest first.
async fn operations(fixture: &Fixture) -> Vec<String> {
    let told = fixture.ok("DescribeEvents", json!({"StackName": "s"})).await;
    let events = told["OperationEvents"].as_array().unwrap();
    events
        .iter()
        .filter(|event| event["EventId"] == event["OperationId"])
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap();
            format!("{} {}", text("OperationType"), text("OperationStatus"))
        })
        .collect()
}

#[tokio::test]
async fn a_failed_update_and_its_rollback_are_two_operations() {
    let fixture = Fixture::new();
    let template = |value: &str| things(json!({"A": thing(json!({"Value": value}))}));
    fixture.create(&template("1")).await;
    fixture.script.fail("update", "A", "no");
    assert_eq!(fixture.update(&template("2")).await, "UPDATE_ROLLBACK_FAILED");
    fixture.script.succeed("update", "A");
    fixture.ok("ContinueUpdateRollback", json!({"StackName": "s"})).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(
        operations(&fixture).await,
        ["CONTINUE_ROLLBACK SUCCEEDED", "ROLLBACK FAILED", "UPDATE_STACK FAILED", "CREATE_STACK SUCCEEDED"]
    );
    let stack = fixture.stack("s").await;
    let last = stack["LastOperations"].as_array().unwrap();
    assert_eq!(last.len(), 1, "{last:?}");
    assert_eq!(last[0]["OperationType"], "CONTINUE_ROLLBACK");
}

#[tokio::test]
async fn the_cause_is_among_the_failed_events_of_its_operation() {
    let fixture = Fixture::new();
    fixture.script.fail("create", "B", "no room");
    let template = things(json!({"A": thing(json!({})), "B": thing(json!({"Value": {"Ref": "A"}}))}));
    let input = json!({"StackName": "s", "TemplateBody": template.to_string(), "ClientRequestToken": "t"});
    let begun = fixture.ok("CreateStack", input).await["OperationId"].clone();
    assert_eq!(fixture.settled("s").await, "ROLLBACK_COMPLETE");
    let input = json!({"OperationId": begun, "Filters": {"FailedEvents": "true"}});
    let told = fixture.ok("DescribeEvents", input).await;
    let [summary, cause] = told["OperationEvents"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!((&summary["EventType"], &summary["OperationStatus"]), (&json!("STACK_EVENT"), &json!("FAILED")));
    assert_eq!(summary["ClientRequestToken"], "t");
    assert_eq!(cause["EventType"], "PROVISIONING_ERROR");
    assert_eq!((&cause["LogicalResourceId"], &cause["ResourceStatusReason"]), (&json!("B"), &json!("no room")));
    let stack_events = fixture.ok("DescribeStackEvents", json!({"StackName": "s"})).await;
    let of_cause =
        stack_events["StackEvents"].as_array().unwrap().iter().find(|event| event["EventId"] == cause["EventId"]);
    assert_eq!(of_cause.unwrap()["OperationId"], begun);
    let refused = fixture.refused("DescribeEvents", json!({"ChangeSetName": "c"})).await;
    assert_eq!(refused.message, "One of ChangeSetName, OperationId or StackName must be specified");
}

#[tokio::test]
async fn events_of_operations_come_in_pages() {
    let fixture = Fixture::new();
    let many: serde_json::Map<String, Value> = (0..50).map(|n| (format!("T{n}"), thing(json!({})))).collect();
    fixture.create(&things(Value::Object(many))).await;
    let (mut ids, mut input) = (Vec::new(), json!({"StackName": "s"}));
    loop {
        let page = fixture.ok("DescribeEvents", input.clone()).await;
        ids.extend(page["OperationEvents"].as_array().unwrap().iter().map(|event| event["EventId"].to_string()));
        if page["NextToken"].is_null() {
            break;
        }
        input["NextToken"] = page["NextToken"].clone();
    }
    // Three of each thing, two of the stack, and the operation itself.
    assert_eq!(ids.len(), 153);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 153);
}

#[tokio::test]
async fn a_request_that_is_sent_again_begins_nothing() {
    let fixture = Fixture::new();
    let template = |value: &str| things(json!({"A": thing(json!({"Value": value}))})).to_string();
    let create = json!({"StackName": "s", "TemplateBody": template("1"), "ClientRequestToken": "create"});
    let first = fixture.ok("CreateStack", create.clone()).await;
    assert_eq!(fixture.ok("CreateStack", create).await, first);
    fixture.settled("s").await;

    let input = json!({"StackName": "s", "ChangeSetName": "c", "TemplateBody": template("2"), "ClientToken": "make"});
    let made = fixture.ok("CreateChangeSet", input.clone()).await;
    assert_eq!(fixture.ok("CreateChangeSet", input).await, made);
    let execute = json!({"StackName": "s", "ChangeSetName": "c", "ClientRequestToken": "execute"});
    fixture.ok("ExecuteChangeSet", execute.clone()).await;
    fixture.ok("ExecuteChangeSet", execute).await;
    fixture.settled("s").await;

    let update = json!({"StackName": "s", "TemplateBody": template("3"), "ClientRequestToken": "execute"});
    let again = fixture.ok("UpdateStack", update).await;
    assert_eq!(fixture.stack("s").await["LastOperations"][0]["OperationId"], again["OperationId"]);
    let delete = json!({"StackName": "s", "ClientRequestToken": "create"});
    assert_eq!(fixture.refused("DeleteStack", delete).await.code, "TokenAlreadyExistsException");
    let delete = json!({"StackName": "s", "ClientRequestToken": "delete"});
    fixture.script.fail("delete", "A", "not now");
    fixture.ok("DeleteStack", delete.clone()).await;
    assert_eq!(fixture.settled("s").await, "DELETE_FAILED");
    fixture.ok("DeleteStack", delete).await;
    assert_eq!(
        operations(&fixture).await,
        ["DELETE_STACK FAILED", "UPDATE_STACK SUCCEEDED", "CREATE_CHANGESET SUCCEEDED", "CREATE_STACK SUCCEEDED"]
    );
}

#[tokio::test]
async fn a_forced_deletion_leaves_behind_what_cannot_go() {
    let fixture = Fixture::new();
    let template = things(json!({"A": thing(json!({})), "B": thing(json!({"Value": {"Ref": "A"}}))}));
    fixture.create(&template).await;
    let id = fixture.stack("s").await["StackId"].as_str().unwrap().to_owned();
    let force = json!({"StackName": "s", "DeletionMode": "FORCE_DELETE_STACK"});
    assert!(fixture.refused("DeleteStack", force.clone()).await.message.contains("DELETE_FAILED state"));
    fixture.script.fail("delete", "B", "not empty");
    fixture.ok("DeleteStack", json!({"StackName": "s"})).await;
    assert_eq!(fixture.settled("s").await, "DELETE_FAILED");
    fixture.ok("DeleteStack", force).await;
    assert_eq!(fixture.settled(&id).await, "DELETE_COMPLETE");
    let events = fixture.events(&id).await;
    assert!(events.contains(&"B DELETE_SKIPPED not empty".to_owned()), "{events:?}");
    assert_eq!(fixture.script.things().into_keys().collect::<Vec<_>>(), ["B-2"]);
    assert_eq!(fixture.stack(&id).await["DeletionMode"], "FORCE_DELETE_STACK");
}

#[tokio::test]
async fn a_continued_rollback_can_skip_all_that_failed() {
    let fixture = Fixture::new();
    let template = |value: &str| things(json!({"A": thing(json!({"Value": value}))}));
    fixture.create(&template("1")).await;
    fixture.script.fail("update", "A", "no");
    assert_eq!(fixture.update(&template("2")).await, "UPDATE_ROLLBACK_FAILED");
    let both = json!({"StackName": "s", "ForceRollback": true, "ResourcesToSkip": ["A"]});
    assert!(fixture.refused("ContinueUpdateRollback", both).await.message.contains("mutually exclusive"));
    fixture.ok("ContinueUpdateRollback", json!({"StackName": "s", "ForceRollback": true})).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
}

#[tokio::test]
async fn a_rollback_keeps_what_its_policy_keeps_unless_told_otherwise() {
    for told in [false, true] {
        let fixture = Fixture::new();
        let mut kept = thing(json!({}));
        kept["DeletionPolicy"] = "Retain".into();
        let template = things(json!({"A": kept, "B": thing(json!({"Value": {"Ref": "A"}}))}));
        fixture.script.fail_once("create", "B", "no room");
        let input = json!({"StackName": "s", "TemplateBody": template.to_string(), "RetainExceptOnCreate": told});
        fixture.ok("CreateStack", input).await;
        assert_eq!(fixture.settled("s").await, "ROLLBACK_COMPLETE");
        assert_eq!(fixture.script.things().len(), usize::from(!told));
        let id = fixture.stack("s").await["StackId"].as_str().unwrap().to_owned();
        fixture.ok("DeleteStack", json!({"StackName": "s"})).await;
        fixture.settled(&id).await;

        // The same for what an update adds.
        fixture.create(&things(json!({"C": thing(json!({}))}))).await;
        let before = fixture.script.things().len();
        fixture.script.fail_once("create", "B", "no room");
        let mut next = template.clone();
        next["Resources"]["C"] = thing(json!({}));
        let input = json!({"StackName": "s", "TemplateBody": next.to_string(), "RetainExceptOnCreate": told});
        fixture.ok("UpdateStack", input).await;
        assert_eq!(fixture.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
        assert_eq!(fixture.script.things().len(), before + usize::from(!told));
    }
}
