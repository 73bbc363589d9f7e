//! Change sets: what they tell, and what becomes of them.

use serde_json::{Value, json};

use super::{Fixture, thing, things};

async fn change_set(fixture: &Fixture, name: &str, kind: &str, template: &Value) -> Value {
    let input = json!({"StackName": "s", "ChangeSetName": name, "ChangeSetType": kind,
        "TemplateBody": template.to_string()});
    fixture.ok("CreateChangeSet", input).await
}

async fn changes(fixture: &Fixture, name: &str, with_values: bool) -> Value {
    let input = json!({"StackName": "s", "ChangeSetName": name, "IncludePropertyValues": with_values.to_string()});
    fixture.ok("DescribeChangeSet", input).await["Changes"].clone()
}

#[tokio::test]
async fn a_stack_is_made_through_a_change_set() {
    let fixture = Fixture::new();
    let template = things(json!({"A": thing(json!({"Value": "x"})), "B": thing(json!({"Value": {"Ref": "A"}}))}));
    change_set(&fixture, "c", "CREATE", &template).await;
    assert_eq!(fixture.stack("s").await["StackStatus"], "REVIEW_IN_PROGRESS");
    assert_eq!(
        changes(&fixture, "c", true).await[1]["ResourceChange"],
        json!({
            "Action": "Add",
            "LogicalResourceId": "B",
            "ResourceType": "Test::Thing",
            "Scope": [],
            "Details": [],
            "AfterContext": "{\"Properties\":{\"Value\":\"{{changeSet:KNOWN_AFTER_APPLY}}\"}}",
        })
    );
    assert!(changes(&fixture, "c", false).await[0]["ResourceChange"].get("AfterContext").is_none());
    let error = fixture.refused("GetTemplateSummary", json!({"StackName": "s"})).await;
    assert_eq!(error.message, "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.");
    fixture.ok("ExecuteChangeSet", json!({"StackName": "s", "ChangeSetName": "c"})).await;
    assert_eq!(fixture.settled("s").await, "CREATE_COMPLETE");
    let events = fixture.events("s").await;
    assert_eq!(events[..2], ["s REVIEW_IN_PROGRESS User Initiated", "s CREATE_IN_PROGRESS User Initiated"]);
    let stack = fixture.stack("s").await;
    assert!(stack["ChangeSetId"].as_str().unwrap().contains(":changeSet/c/"));
    assert!(stack["LastUpdatedTime"].is_string());
    let error = fixture.refused("ExecuteChangeSet", json!({"StackName": "s", "ChangeSetName": "c"})).await;
    assert_eq!(error.code, "InvalidChangeSetStatus");
}

#[tokio::test]
async fn a_static_change_is_told_as_aws_tells_it() {
    let fixture = Fixture::new();
    fixture.create(&things(json!({"T": thing(json!({"Value": "a", "Name": "n"}))}))).await;
    change_set(&fixture, "c", "UPDATE", &things(json!({"T": thing(json!({"Value": "b", "Name": "n"}))}))).await;
    assert_eq!(
        changes(&fixture, "c", true).await,
        json!([{"Type": "Resource", "ResourceChange": {
            "Action": "Modify",
            "LogicalResourceId": "T",
            "PhysicalResourceId": "T-1",
            "ResourceType": "Test::Thing",
            "Replacement": "False",
            "Scope": ["Properties"],
            "BeforeContext": "{\"Properties\":{\"Value\":\"a\",\"Name\":\"n\"}}",
            "AfterContext": "{\"Properties\":{\"Value\":\"b\",\"Name\":\"n\"}}",
            "Details": [{
                "Evaluation": "Static",
                "ChangeSource": "DirectModification",
                "Target": {
                    "Attribute": "Properties",
                    "AttributeChangeType": "Modify",
                    "Name": "Value",
                    "Path": "/Properties/Value",
                    "RequiresRecreation": "Never",
                    "BeforeValue": "a",
                    "AfterValue": "b",
                },
            }],
        }}])
    );
    let plain = changes(&fixture, "c", false).await;
    assert_eq!(
        plain[0]["ResourceChange"]["Details"],
        json!([{
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
            "Target": {"Attribute": "Properties", "Name": "Value", "RequiresRecreation": "Never"},
        }])
    );
}

#[tokio::test]
async fn a_change_through_another_resource_is_dynamic() {
    let fixture = Fixture::new();
    let template = |name: &str, value: &str| {
        things(json!({
            "A": thing(json!({"Name": name, "Value": value})),
            "B": thing(json!({"Value": {"Fn::GetAtt": ["A", "Arn"]}})),
        }))
    };
    fixture.create(&template("n", "1")).await;
    // A changes in place: its ARN may become another, but with values it is seen that it does not.
    change_set(&fixture, "inplace", "UPDATE", &template("n", "2")).await;
    let plain = changes(&fixture, "inplace", false).await;
    assert_eq!(plain[1]["ResourceChange"]["Details"][0]["ChangeSource"], "ResourceAttribute");
    assert_eq!(plain[1]["ResourceChange"]["Details"][0]["CausingEntity"], "A.Arn");
    assert_eq!(plain[1]["ResourceChange"]["Details"][0]["Evaluation"], "Dynamic");
    assert_eq!(changes(&fixture, "inplace", true).await.as_array().unwrap().len(), 1);
    // A is replaced: its ARN is known only then.
    change_set(&fixture, "replaced", "UPDATE", &template("m", "1")).await;
    let told = changes(&fixture, "replaced", true).await;
    assert_eq!(told[0]["ResourceChange"]["Replacement"], "True");
    let detail = &told[1]["ResourceChange"]["Details"][0];
    assert_eq!(detail["Evaluation"], "Dynamic");
    assert_eq!(detail["Target"]["AfterValue"], "{{changeSet:KNOWN_AFTER_APPLY}}");
}

#[tokio::test]
async fn a_change_by_a_parameter_names_it() {
    let fixture = Fixture::new();
    let template = json!({
        "Parameters": {"P": {"Type": "String", "Default": "1"}},
        "Resources": {"A": thing(json!({"Value": {"Ref": "P"}}))},
    });
    fixture.create(&template).await;
    let input = json!({"StackName": "s", "ChangeSetName": "c", "UsePreviousTemplate": "true",
        "Parameters": [{"ParameterKey": "P", "ParameterValue": "2"}]});
    fixture.ok("CreateChangeSet", input).await;
    let told = changes(&fixture, "c", false).await;
    let details = told[0]["ResourceChange"]["Details"].as_array().unwrap().clone();
    let sources: Vec<(&Value, &Value, &Value)> = details
        .iter()
        .map(|detail| (&detail["ChangeSource"], &detail["CausingEntity"], &detail["Evaluation"]))
        .collect();
    assert_eq!(
        sources,
        [
            (&json!("ParameterReference"), &json!("P"), &json!("Static")),
            (&json!("DirectModification"), &Value::Null, &json!("Dynamic")),
        ]
    );
}

#[tokio::test]
async fn nothing_to_do_is_a_failed_change_set() {
    let fixture = Fixture::new();
    let template = things(json!({"A": thing(json!({}))}));
    fixture.create(&template).await;
    change_set(&fixture, "c", "UPDATE", &template).await;
    let told = fixture.ok("DescribeChangeSet", json!({"StackName": "s", "ChangeSetName": "c"})).await;
    assert_eq!(told["Status"], "FAILED");
    assert_eq!(
        told["StatusReason"],
        "The submitted information didn't contain changes. Submit different information to create a change set."
    );
    assert_eq!(told["ExecutionStatus"], "UNAVAILABLE");
    fixture.ok("DeleteChangeSet", json!({"StackName": "s", "ChangeSetName": "c"})).await;
    let error = fixture.refused("DescribeChangeSet", json!({"StackName": "s", "ChangeSetName": "c"})).await;
    assert_eq!((error.status.as_u16(), error.code.as_str()), (404, "ChangeSetNotFound"));
    assert_eq!(error.message, "ChangeSet [c] does not exist");
}

#[tokio::test]
async fn removals_and_additions_are_told() {
    let fixture = Fixture::new();
    fixture.create(&things(json!({"A": thing(json!({})), "B": thing(json!({}))}))).await;
    change_set(&fixture, "c", "UPDATE", &things(json!({"A": thing(json!({})), "C": thing(json!({}))}))).await;
    let told = changes(&fixture, "c", false).await;
    let actions: Vec<(&str, &str)> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["ResourceChange"])
        .map(|change| (change["Action"].as_str().unwrap(), change["LogicalResourceId"].as_str().unwrap()))
        .collect();
    assert_eq!(actions, [("Remove", "B"), ("Add", "C")]);
    let listed = fixture.ok("ListChangeSets", json!({"StackName": "s"})).await;
    assert_eq!(listed["Summaries"][0]["ChangeSetName"], "c");
}

#[tokio::test]
async fn what_was_planned_goes_with_its_stack() {
    let fixture = Fixture::new();
    let made = change_set(&fixture, "c", "CREATE", &things(json!({"A": thing(json!({}))}))).await;
    fixture.ok("DeleteStack", json!({"StackName": made["StackId"]})).await;
    assert_eq!(fixture.settled(made["StackId"].as_str().unwrap()).await, "DELETE_COMPLETE");
    let error = fixture.refused("ExecuteChangeSet", json!({"ChangeSetName": made["Id"]})).await;
    assert_eq!(error.code, "ChangeSetNotFound");
    assert!(fixture.script.things().is_empty());
}
