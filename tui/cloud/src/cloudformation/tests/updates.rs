//! Updates: in place, by replacement, and back.

use serde_json::json;

use super::{Fixture, thing, things};

#[tokio::test]
async fn only_what_changed_is_touched() {
    let fixture = Fixture::new();
    fixture.create(&things(json!({"A": thing(json!({"Value": "1"})), "B": thing(json!({"Value": "1"}))}))).await;
    let before = fixture.events("s").await.len();
    let next = things(json!({"A": thing(json!({"Value": "2"})), "B": thing(json!({"Value": "1"}))}));
    assert_eq!(fixture.update(&next).await, "UPDATE_COMPLETE");
    assert_eq!(
        fixture.events("s").await[before..],
        [
            "s UPDATE_IN_PROGRESS User Initiated",
            "A UPDATE_IN_PROGRESS",
            "A UPDATE_COMPLETE",
            "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "s UPDATE_COMPLETE",
        ]
    );
    assert_eq!(fixture.physical_id("A").await, "A-1");
    let error = fixture.refused("UpdateStack", json!({"StackName": "s", "TemplateBody": next.to_string()})).await;
    assert_eq!((error.code.as_str(), error.message.as_str()), ("ValidationError", "No updates are to be performed."));
}

#[tokio::test]
async fn a_replacement_comes_before_the_old_one_goes() {
    let fixture = Fixture::new();
    fixture
        .create(&things(json!({"A": thing(json!({"Name": "a"})), "B": thing(json!({"Value": {"Ref": "A"}}))})))
        .await;
    let before = fixture.events("s").await.len();
    let next = things(json!({"A": thing(json!({"Name": "b"})), "B": thing(json!({"Value": {"Ref": "A"}}))}));
    assert_eq!(fixture.update(&next).await, "UPDATE_COMPLETE");
    assert_eq!(
        fixture.events("s").await[before..],
        [
            "s UPDATE_IN_PROGRESS User Initiated",
            "A UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating \
             one.",
            "A UPDATE_IN_PROGRESS Resource creation Initiated",
            "A UPDATE_COMPLETE",
            "B UPDATE_IN_PROGRESS",
            "B UPDATE_COMPLETE",
            "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "A DELETE_IN_PROGRESS",
            "A DELETE_COMPLETE",
            "s UPDATE_COMPLETE",
        ]
    );
    assert_eq!(fixture.physical_id("A").await, "A-3");
    assert_eq!(fixture.script.things()["B-2"]["Value"], "A-3");
    assert!(!fixture.script.things().contains_key("A-1"));
}

#[tokio::test]
async fn a_named_resource_is_not_replaced_under_its_name() {
    let fixture = Fixture::new();
    fixture.create(&things(json!({"A": thing(json!({"Name": "a", "Sort": "x"}))}))).await;
    let next = things(json!({"A": thing(json!({"Name": "a", "Sort": "y"}))}));
    assert_eq!(fixture.update(&next).await, "UPDATE_ROLLBACK_COMPLETE");
    assert!(fixture.events("s").await.contains(
        &"A UPDATE_FAILED CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename \
          a and update the stack again."
            .to_owned()
    ));
    assert_eq!(fixture.script.things()["A-1"]["Sort"], "x");
}

/// A stack, and an update of it that changes, replaces and makes something before `C` is changed.
fn before_and_after() -> (serde_json::Value, serde_json::Value) {
    let template = |value: &str, name: &str| {
        things(json!({
            "A": thing(json!({"Value": value})),
            "B": thing(json!({"Name": name, "Value": {"Fn::GetAtt": ["A", "Value"]}})),
            "C": thing(json!({"Value": {"Ref": "B"}})),
        }))
    };
    let mut after = template("2", "new");
    after["Resources"]["New"] = thing(json!({}));
    (template("1", "old"), after)
}

#[tokio::test]
async fn a_failed_update_goes_back() {
    let fixture = Fixture::new();
    let (first, next) = before_and_after();
    fixture.create(&first).await;
    let things_before = fixture.script.things();
    let before = fixture.events("s").await.len();
    fixture.script.fail_once("update", "C", "no");
    assert_eq!(fixture.update(&next).await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(fixture.script.things(), things_before);
    assert_eq!(fixture.physical_id("B").await, "B-2");
    let events = fixture.events("s").await[before..].to_vec();
    let from = events.iter().position(|event| event.contains("FAILED")).unwrap();
    assert_eq!(
        events[from..],
        [
            "C UPDATE_FAILED no",
            "s UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to update: [C].",
            "A UPDATE_IN_PROGRESS",
            "A UPDATE_COMPLETE",
            "B UPDATE_IN_PROGRESS",
            "B UPDATE_COMPLETE",
            "C UPDATE_IN_PROGRESS",
            "C UPDATE_COMPLETE",
            "s UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "B DELETE_IN_PROGRESS",
            "B DELETE_COMPLETE",
            "New DELETE_IN_PROGRESS",
            "New DELETE_COMPLETE",
            "s UPDATE_ROLLBACK_COMPLETE",
        ]
    );
    // And the way is free again.
    assert_eq!(fixture.update(&next).await, "UPDATE_COMPLETE");
}

#[tokio::test]
async fn a_rollback_that_is_continued_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let (first, next) = before_and_after();
    fixture.create(&first).await;
    let things_before = fixture.script.things();
    fixture.script.fail("update", "C", "no");
    assert_eq!(fixture.update(&next).await, "UPDATE_ROLLBACK_FAILED");
    fixture.script.succeed("update", "C");
    fixture.ok("ContinueUpdateRollback", json!({"StackName": "s"})).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(fixture.script.things(), things_before);
}

#[tokio::test]
async fn a_rollback_that_fails_can_be_continued_or_skip() {
    let fixture = Fixture::new();
    fixture.create(&things(json!({"A": thing(json!({"Value": "1"})), "B": thing(json!({"Value": "1"}))}))).await;
    fixture.script.fail("update", "A", "broken");
    let next = things(json!({"A": thing(json!({"Value": "2"})), "B": thing(json!({"Value": "1"}))}));
    assert_eq!(fixture.update(&next).await, "UPDATE_ROLLBACK_FAILED");
    let error = fixture.refused("UpdateStack", json!({"StackName": "s", "TemplateBody": next.to_string()})).await;
    assert!(error.message.ends_with("is in UPDATE_ROLLBACK_FAILED state and can not be updated."));
    fixture.ok("ContinueUpdateRollback", json!({"StackName": "s"})).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_ROLLBACK_FAILED");
    fixture.ok("ContinueUpdateRollback", json!({"StackName": "s", "ResourcesToSkip": ["A"]})).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
}

#[tokio::test]
async fn what_leaves_the_template_goes_unless_kept() {
    let fixture = Fixture::new();
    let mut template = things(json!({"A": thing(json!({})), "B": thing(json!({})), "C": thing(json!({}))}));
    template["Resources"]["C"]["DeletionPolicy"] = "Retain".into();
    fixture.create(&template).await;
    assert_eq!(fixture.update(&things(json!({"A": thing(json!({}))}))).await, "UPDATE_COMPLETE");
    assert_eq!(fixture.script.things().into_keys().collect::<Vec<_>>(), ["A-1", "C-3"]);
    let listed = fixture.ok("ListStackResources", json!({"StackName": "s"})).await;
    assert_eq!(listed["StackResourceSummaries"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_policy_alone_is_an_update() {
    let fixture = Fixture::new();
    let mut template = things(json!({"A": thing(json!({}))}));
    fixture.create(&template).await;
    let id = fixture.stack("s").await["StackId"].as_str().unwrap().to_owned();
    template["Resources"]["A"]["DeletionPolicy"] = "Retain".into();
    assert_eq!(fixture.update(&template).await, "UPDATE_COMPLETE");
    fixture.ok("DeleteStack", json!({"StackName": "s"})).await;
    fixture.settled(&id).await;
    assert_eq!(fixture.script.things().len(), 1);
}

#[tokio::test]
async fn an_update_can_be_cancelled() {
    let fixture = Fixture::new();
    fixture.create(&things(json!({"A": thing(json!({"Value": "1"}))}))).await;
    let _held = fixture.script.wait("settle", "A");
    let next = things(json!({"A": thing(json!({"Value": "2"}))}));
    fixture.ok("UpdateStack", json!({"StackName": "s", "TemplateBody": next.to_string()})).await;
    while !fixture.script.steps().contains(&"update A".to_owned()) {
        tokio::task::yield_now().await;
    }
    fixture.script.succeed("settle", "A");
    fixture.ok("CancelUpdateStack", json!({"StackName": "s"})).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(fixture.script.things()["A-1"]["Value"], "1");
}

#[tokio::test]
async fn parameters_keep_their_values() {
    let fixture = Fixture::new();
    let template = json!({
        "Parameters": {"P": {"Type": "String", "Default": "d"}, "Q": {"Type": "Number", "Default": 1}},
        "Resources": {"A": thing(json!({"Value": {"Ref": "P"}, "Count": {"Ref": "Q"}}))},
    });
    let input = json!({"StackName": "s", "TemplateBody": template.to_string(),
        "Parameters": [{"ParameterKey": "P", "ParameterValue": "given"}]});
    fixture.ok("CreateStack", input).await;
    fixture.settled("s").await;
    assert_eq!(fixture.script.things()["A-1"]["Count"], 1);
    let input = json!({"StackName": "s", "UsePreviousTemplate": "true", "Parameters": [
        {"ParameterKey": "P", "UsePreviousValue": "true"}, {"ParameterKey": "Q", "ParameterValue": "7"}]});
    fixture.ok("UpdateStack", input).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_COMPLETE");
    let made = fixture.script.things();
    assert_eq!((&made["A-1"]["Value"], &made["A-1"]["Count"]), (&json!("given"), &json!(7)));
}

#[tokio::test]
async fn the_stacks_tags_reach_resources() {
    let fixture = Fixture::new();
    let template = things(json!({"A": thing(json!({}))}));
    let tagged = |value: &str| json!({"StackName": "s", "TemplateBody": template.to_string(), "Tags": [{"Key": "k", "Value": value}]});
    fixture.ok("CreateStack", tagged("1")).await;
    fixture.settled("s").await;
    assert_eq!(fixture.script.things()["A-1"]["Tags"], json!([{"Key": "k", "Value": "1"}]));
    fixture.ok("UpdateStack", tagged("2")).await;
    fixture.settled("s").await;
    assert_eq!(fixture.script.things()["A-1"]["Tags"], json!([{"Key": "k", "Value": "2"}]));
    assert_eq!(fixture.stack("s").await["Tags"], json!([{"Key": "k", "Value": "2"}]));
}

#[tokio::test]
async fn a_failed_update_that_stays_can_go_on_or_back() {
    for goes_on in [true, false] {
        let fixture = Fixture::new();
        let (first, next) = before_and_after();
        fixture.create(&first).await;
        let things_before = fixture.script.things();
        fixture.script.fail_once("update", "C", "no");
        let input = json!({"StackName": "s", "TemplateBody": next.to_string(), "DisableRollback": "true"});
        fixture.ok("UpdateStack", input).await;
        assert_eq!(fixture.settled("s").await, "UPDATE_FAILED");
        if goes_on {
            assert_eq!(fixture.go_on(&next).await, "UPDATE_COMPLETE");
            let made = fixture.script.things();
            assert_eq!(made.len(), 4, "the old B is gone: {made:?}");
            assert_eq!(made["C-3"]["Value"], fixture.physical_id("B").await);
        } else {
            fixture.ok("RollbackStack", json!({"StackName": "s"})).await;
            assert_eq!(fixture.settled("s").await, "UPDATE_ROLLBACK_COMPLETE");
            assert_eq!(fixture.script.things(), things_before);
        }
    }
}

#[tokio::test]
async fn attempts_that_follow_each_other_leave_nothing_behind() {
    let fixture = Fixture::new();
    let named =
        |name: &str| things(json!({"A": thing(json!({"Name": name})), "B": thing(json!({"Value": {"Ref": "A"}}))}));
    fixture.create(&named("one")).await;
    fixture.script.fail("update", "B", "no");
    let input = json!({"StackName": "s", "TemplateBody": named("two").to_string(), "DisableRollback": "true"});
    fixture.ok("UpdateStack", input).await;
    assert_eq!(fixture.settled("s").await, "UPDATE_FAILED");
    fixture.script.succeed("update", "B");
    assert_eq!(fixture.go_on(&named("three")).await, "UPDATE_COMPLETE");
    let made = fixture.script.things();
    assert_eq!(made.values().filter(|properties| properties.contains_key("Name")).count(), 1, "{made:?}");
}

#[tokio::test]
async fn a_type_cannot_change() {
    let fixture = Fixture::new();
    fixture.create(&things(json!({"A": thing(json!({}))}))).await;
    let next = json!({"Resources": {"A": {"Type": "AWS::S3::Bucket"}}});
    let error = fixture.refused("UpdateStack", json!({"StackName": "s", "TemplateBody": next.to_string()})).await;
    assert_eq!(
        error.message,
        "Update of resource type is not permitted. The new template modifies resource type of the following \
         resources: [A]"
    );
}
