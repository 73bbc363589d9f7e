//! Every refusal in AWS's own words.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Fixture, thing, things};

fn validate(template: &Value) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let input = json!({"StackName": "s", "TemplateBody": template.to_string()});
        let error = Fixture::new().refused("CreateStack", input).await;
        assert_eq!((error.status.as_u16(), error.code.as_str()), (400, "ValidationError"));
        error.message
    })
}

/// A template of one thing whose value is this.
#[expect(clippy::needless_pass_by_value, reason = "called with json!")]
fn of_value(value: Value) -> Value {
    things(json!({"A": thing(json!({"Value": value}))}))
}

#[rstest]
#[case(json!({"Resources": {}}), "Template format error: At least one Resources member must be defined.")]
#[case(json!({}), "Template format error: At least one Resources member must be defined.")]
#[case(json!({"Resources": {"A": {"Properties": {}}}}),
    "Template format error: [/Resources/A] Every Resources object must contain a Type member.")]
#[case(json!({"Resources": {"A": "x"}}), "Template format error: Any Resources member must be an object.")]
#[case(json!({"Resources": {"A": {"Typ": "Test::Thing"}}}), "Invalid template resource property 'Typ'")]
#[case(json!({"Resources": {"A": {"Type": "Test::Thing", "Invalid": 1}}}),
    "Invalid template resource property 'Invalid'")]
#[case(of_value(json!({"Ref": "Nobody"})),
    "Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template")]
#[case(json!({"Resources": {"A": thing(json!({}))}, "Outputs": {"O": {"Value": {"Ref": "Nobody"}}}}),
    "Unresolved resource dependencies [Nobody] in the Outputs block of the template")]
#[case(json!({"Resources": {"A": thing(json!({}))}, "Outputs": {"O": {"Value": null}}}),
    "[/Outputs/O/Value] 'null' values are not allowed in templates")]
#[case(json!({"Resources": {"A-b": thing(json!({}))}}), "Template format error: Resource name A-b is non alphanumeric.")]
#[case(json!({"Parameters": {"p-q": {"Type": "String"}}, "Resources": {"A": thing(json!({}))}}),
    "Template format error: Parameter name p-q is non alphanumeric.")]
#[case(json!({"Resources": {"A": thing(json!({}))}, "Outputs": {"O": {"Description": "d"}}}),
    "Template format error: Every Outputs member must contain a Value object")]
#[case(json!({"Mappings": {"M": "x"}, "Resources": {"A": thing(json!({}))}}),
    "Template format error: Every Mappings member M must be a map")]
#[case(json!({"Mappings": {"M": {"k": {"a": {"deep": 1}}}}, "Resources": {"A": thing(json!({}))}}),
    "Template format error: Every Mappings attribute must be a String or a List.")]
#[case(of_value(json!({"Fn::GetAtt": ["A"]})),
    "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")]
#[case(of_value(json!({"Fn::GetAtt": ["A", ""]})),
    "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")]
#[case(json!({"Conditions": {"C": {"Fn::Equals": ["a"]}}, "Resources": {"A": thing(json!({}))}}),
    "Template error: every Fn::Equals object requires a list of 2 string parameters.")]
#[case(of_value(json!({"Fn::Select": ["x", ["a"]]})),
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a list")]
#[case(of_value(json!({"Fn::Split": [","]})),
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.")]
#[case(of_value(json!({"Fn::Join": [","]})),
    "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.")]
#[case(of_value(json!({"Fn::If": ["Nope", "a", "b"]})), "Template error: unresolved condition dependency Nope in Fn::If")]
#[case(things(json!({"A": thing(json!({"Value": {"Ref": "B"}})), "B": thing(json!({"Value": {"Ref": "A"}}))})),
    "Circular dependency between resources: [A, B]")]
#[case(things(json!({"A": {"Type": "AWS::EC2::Instance"}, "B": {"Type": "Foo::Bar::Baz"}})),
    "Template format error: Unrecognized resource types: [AWS::EC2::Instance, Foo::Bar::Baz]")]
#[case(of_value(json!({"Fn::ImportValue": "x"})),
    "Template error: the embedded cloud does not support the intrinsic function Fn::ImportValue.")]
#[case(of_value(json!({"Fn::Cidr": ["10.0.0.0/8", 2]})),
    "Template error: the embedded cloud does not support the intrinsic function Fn::Cidr.")]
#[case(json!({"Transform": "AWS::Serverless-2016-10-31", "Resources": {"A": thing(json!({}))}}),
    "The embedded cloud does not support the template section Transform.")]
#[case(json!({"Rules": {"R": {}}, "Resources": {"A": thing(json!({}))}}),
    "The embedded cloud does not support the template section Rules.")]
#[case(of_value(json!({"Fn::GetAtt": ["B", "Nope"]})),
    "Template format error: Unresolved resource dependencies [B] in the Resources block of the template")]
#[case(things(json!({"A": thing(json!({})), "B": thing(json!({"Value": {"Fn::GetAtt": ["A", "Nope"]}}))})),
    "Template error: resource A does not support attribute type Nope in Fn::GetAtt")]
#[case(json!({"Parameters": {"P": {"Type": "String"}}, "Resources": {"A": thing(json!({}))}}),
    "Parameters: [P] must have values")]
#[case(json!({"Parameters": {"P": {"Type": "Number", "Default": "abc"}}, "Resources": {"A": thing(json!({}))}}),
    "Parameter 'P' must be a number.")]
fn a_template_is_refused(#[case] template: Value, #[case] message: &str) {
    assert_eq!(validate(&template), message);
}

#[test]
fn a_missing_mapping_is_named() {
    let template = json!({
        "Mappings": {"M": {"k": {"a": "v"}}},
        "Resources": {"A": thing(json!({"Value": {"Fn::FindInMap": ["M", "k", "b"]}}))},
        "Outputs": {},
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let fixture = Fixture::new();
        let input = json!({"StackName": "s", "TemplateBody": template.to_string()});
        let error = fixture.refused("CreateStack", input).await;
        assert_eq!(error.message, "Template error: Unable to get mapping for M::k::b");
    });
}

#[tokio::test]
async fn requests_are_refused() {
    let fixture = Fixture::new();
    let body = things(json!({"A": thing(json!({}))})).to_string();
    let cases = [
        ("DescribeStacks", json!({"StackName": "x"}), "Stack with id x does not exist"),
        ("DescribeStackEvents", json!({"StackName": "x"}), "Stack [x] does not exist"),
        ("DescribeStackResources", json!({"StackName": "x"}), "Stack with id x does not exist"),
        ("GetTemplate", json!({"StackName": "x"}), "Stack with id x does not exist"),
        ("UpdateStack", json!({"StackName": "x", "TemplateBody": body}), "Stack [x] does not exist"),
        (
            "CreateChangeSet",
            json!({"StackName": "x", "ChangeSetName": "c", "TemplateBody": body}),
            "Stack [x] does not exist",
        ),
        (
            "DescribeChangeSet",
            json!({"ChangeSetName": "c"}),
            "StackName must be specified if ChangeSetName is not specified as an ARN.",
        ),
        ("CreateStack", json!({"StackName": "x"}), "Either Template URL or Template Body must be specified."),
        (
            "CreateStack",
            json!({"StackName": "x", "TemplateURL": "ftp://nowhere"}),
            "TemplateURL must be a supported URL.",
        ),
        (
            "CreateStack",
            json!({"StackName": "1x", "TemplateBody": body}),
            "1 validation error detected: Value '1x' at 'stackName' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*",
        ),
        (
            "CreateStack",
            json!({"StackName": "x", "TemplateBody": body, "Parameters": [
                {"ParameterKey": "P", "ParameterValue": "v"}]}),
            "Parameters: [P] do not exist in the template",
        ),
    ];
    for (operation, input, message) in cases {
        let error = fixture.refused(operation, input.clone()).await;
        assert_eq!((error.code.as_str(), error.message.as_str()), ("ValidationError", message), "{operation} {input}");
    }
    fixture.ok("DeleteStack", json!({"StackName": "x"})).await;
    let long = "x".repeat(51_201);
    let error = fixture.refused("ValidateTemplate", json!({"TemplateBody": long})).await;
    assert!(error.message.ends_with(
        "at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200"
    ));
    let error = fixture.refused("DetectStackSetDrift", json!({"StackName": "x"})).await;
    assert!(error.code == "InvalidAction" && error.message.contains("DetectStackSetDrift"), "{error}");
    let input = json!({"StackName": "x", "TemplateBody": body, "TimeoutInMinutes": "5"});
    let error = fixture.refused("CreateStack", input).await;
    assert!(error.message.contains("TimeoutInMinutes"), "{error}");
}

#[tokio::test]
async fn a_stack_that_is_there_refuses() {
    let fixture = Fixture::new();
    let template = things(json!({"A": thing(json!({}))}));
    fixture.create(&template).await;
    let input = json!({"StackName": "s", "TemplateBody": template.to_string()});
    let error = fixture.refused("CreateStack", input).await;
    assert_eq!((error.code.as_str(), error.message.as_str()), ("AlreadyExistsException", "Stack [s] already exists"));
    let input = json!({"StackName": "s", "ChangeSetName": "c", "ChangeSetType": "CREATE",
        "TemplateBody": template.to_string()});
    let error = fixture.refused("CreateChangeSet", input).await;
    assert_eq!(error.message, "Stack [s] already exists and cannot be created again with the changeSet [c].");
    let error = fixture.refused("DescribeStackResource", json!({"StackName": "s", "LogicalResourceId": "Z"})).await;
    assert_eq!(error.message, "Resource Z does not exist for stack s");
    let id = fixture.stack("s").await["StackId"].as_str().unwrap().to_owned();
    fixture.ok("DeleteStack", json!({"StackName": "s"})).await;
    fixture.settled(&id).await;
    let input = json!({"StackName": id, "TemplateBody": template.to_string()});
    let error = fixture.refused("UpdateStack", input).await;
    assert_eq!(error.message, format!("Stack:{id} is in DELETE_COMPLETE state and can not be updated."));
}

#[tokio::test]
async fn roles_need_a_capability() {
    let fixture = Fixture::new();
    let role = |properties: Value| json!({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": properties}}});
    for (properties, needed) in [
        (json!({"AssumeRolePolicyDocument": {}}), "CAPABILITY_IAM"),
        (json!({"AssumeRolePolicyDocument": {}, "RoleName": "r"}), "CAPABILITY_NAMED_IAM"),
    ] {
        let template = role(properties).to_string();
        let error = fixture.refused("CreateStack", json!({"StackName": "s", "TemplateBody": template})).await;
        assert_eq!(error.code, "InsufficientCapabilitiesException");
        assert_eq!(error.message, format!("Requires capabilities : [{needed}]"));
        let summary = fixture.ok("GetTemplateSummary", json!({"TemplateBody": template})).await;
        assert_eq!(summary["Capabilities"], json!([needed]));
        assert_eq!(summary["CapabilitiesReason"], "The following resource(s) require capabilities: [AWS::IAM::Role]");
    }
}

#[tokio::test]
async fn parameters_are_held_to_their_constraints() {
    let fixture = Fixture::new();
    for (declaration, value, message) in [
        (
            json!({"Type": "String", "AllowedValues": ["a", "b"]}),
            "c",
            "Parameter 'P' must be one of AllowedValues [a, b]",
        ),
        (json!({"Type": "String", "AllowedPattern": "[a-z]+"}), "A1", "Parameter 'P' must match pattern [a-z]+"),
        (json!({"Type": "String", "MinLength": 2}), "a", "Parameter 'P' must contain at least 2 characters"),
        (json!({"Type": "String", "MaxLength": "2"}), "abc", "Parameter 'P' must contain at most 2 characters"),
        (json!({"Type": "Number", "MinValue": 5}), "4", "Parameter 'P' must be a number not less than 5"),
        (json!({"Type": "Number", "MaxValue": 5}), "6", "Parameter 'P' must be a number not greater than 5"),
        (json!({"Type": "Number"}), "six", "Parameter 'P' must be a number."),
        (json!({"Type": "List<Number>"}), "1,x", "Parameter 'P' must be a number."),
        (
            json!({"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "only letters"}),
            "1",
            "Parameter P failed to satisfy constraint: only letters",
        ),
    ] {
        let template = json!({"Parameters": {"P": declaration}, "Resources": {"A": thing(json!({}))}});
        let input = json!({"StackName": "s", "TemplateBody": template.to_string(),
            "Parameters": [{"ParameterKey": "P", "ParameterValue": value}]});
        assert_eq!(fixture.refused("CreateStack", input).await.message, message);
    }
}

#[tokio::test]
async fn secrets_are_not_told() {
    let fixture = Fixture::new();
    let template = json!({
        "Parameters": {"P": {"Type": "String", "NoEcho": true, "Default": "secret"}},
        "Resources": {"A": thing(json!({"Value": {"Ref": "P"}}))},
    });
    fixture.create(&template).await;
    assert_eq!(fixture.stack("s").await["Parameters"], json!([{"ParameterKey": "P", "ParameterValue": "****"}]));
    assert_eq!(fixture.script.things()["A-1"]["Value"], "secret");
}
