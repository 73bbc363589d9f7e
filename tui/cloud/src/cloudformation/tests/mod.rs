//! The engine against a resource type that fails and waits on command.

mod change_sets;
mod lifecycle;
mod messages;
mod operations;
mod order;
mod thing;
mod updates;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{CloudFormation, Uses, has_type, resources::Registry};
use crate::{
    ACCOUNT_ID, Limits, Place, Services,
    caller::Caller,
    wire::{Input, ServiceError, ServiceResult},
};
use thing::{Script, Thing};

/// Longer than any operation here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A cloud with the type `Test::Thing` besides its own.
struct Fixture {
    cloud: Arc<CloudFormation>,
    script: Script,
    _data: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let place = Arc::new(Place {
            region: "ap-southeast-2".into(),
            account_id: ACCOUNT_ID.into(),
            endpoint_url: "http://127.0.0.1:1".into(),
            gateway_url: "http://127.0.0.1:2".into(),
            data_dir: data.path().to_owned(),
            limits: Limits::Off,
            retained_bytes: 1 << 20,
            supervisor: Vec::new(),
        });
        let services = Services::new(place);
        let uses = Uses {
            place: services.place,
            iam: services.iam,
            kinesis: services.kinesis,
            s3: services.s3,
            logs: services.logs,
            lambda: services.lambda,
            firehose: services.firehose,
            gateway: services.gateway,
            faults: services.faults,
        };
        let script = Script::default();
        let registry = Registry::new(&uses).with(Thing(script.clone()));
        Self { cloud: CloudFormation::with_registry(uses, registry), script, _data: data }
    }

    async fn call(&self, operation: &str, input: Value) -> ServiceResult {
        self.cloud.call(&Caller::Account, operation, Input::new(operation, input).unwrap()).await
    }

    async fn ok(&self, operation: &str, input: Value) -> Value {
        self.call(operation, input).await.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    async fn refused(&self, operation: &str, input: Value) -> ServiceError {
        self.call(operation, input).await.expect_err(operation)
    }

    /// Creates the stack `s` and waits for its end.
    async fn create(&self, template: &Value) -> String {
        self.ok("CreateStack", json!({"StackName": "s", "TemplateBody": template.to_string()})).await;
        self.settled("s").await
    }

    async fn update(&self, template: &Value) -> String {
        self.ok("UpdateStack", json!({"StackName": "s", "TemplateBody": template.to_string()})).await;
        self.settled("s").await
    }

    /// Updates a stack that is half made: only without a rollback, since there is no good state to go
    /// back to.
    async fn go_on(&self, template: &Value) -> String {
        let mut input = json!({"StackName": "s", "TemplateBody": template.to_string()});
        let refused = self.refused("UpdateStack", input.clone()).await.message;
        assert!(refused.starts_with("This stack is currently in a non-terminal ["), "{refused}");
        input["DisableRollback"] = true.into();
        self.ok("UpdateStack", input).await;
        self.settled("s").await
    }

    /// Waits until no operation is under way; gives the stack's status.
    async fn settled(&self, stack: &str) -> String {
        self.until(stack, |status| !status.ends_with("_IN_PROGRESS") || status == "REVIEW_IN_PROGRESS").await
    }

    async fn until(&self, stack: &str, wanted: impl Fn(&str) -> bool) -> String {
        let wait = async {
            loop {
                let status = self.stack(stack).await["StackStatus"].as_str().unwrap_or_default().to_owned();
                if wanted(&status) {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the stack comes to rest")
    }

    async fn stack(&self, stack: &str) -> Value {
        self.ok("DescribeStacks", json!({"StackName": stack})).await["Stacks"][0].clone()
    }

    /// Every event so far, oldest first, as `logical id STATUS reason`.
    async fn events(&self, stack: &str) -> Vec<String> {
        let output = self.ok("DescribeStackEvents", json!({"StackName": stack})).await;
        let mut events: Vec<String> = output["StackEvents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| {
                let text = |name: &str| event[name].as_str().unwrap_or_default();
                let told = format!(
                    "{} {} {}",
                    text("LogicalResourceId"),
                    text("ResourceStatus"),
                    text("ResourceStatusReason")
                );
                told.trim_end().to_owned()
            })
            .collect();
        events.reverse();
        events
    }

    async fn physical_id(&self, logical_id: &str) -> String {
        let input = json!({"StackName": "s", "LogicalResourceId": logical_id});
        let output = self.ok("DescribeStackResource", input).await;
        output["StackResourceDetail"]["PhysicalResourceId"].as_str().unwrap_or_default().to_owned()
    }
}

/// A template of things.
#[expect(clippy::needless_pass_by_value, reason = "called with json!")]
fn things(resources: Value) -> Value {
    json!({"Resources": resources})
}

/// One thing with these properties.
#[expect(clippy::needless_pass_by_value, reason = "called with json!")]
fn thing(properties: Value) -> Value {
    json!({"Type": "Test::Thing", "Properties": properties})
}

#[tokio::test]
async fn every_type_is_known_by_name() {
    let fixture = Fixture::new();
    let registered = Registry::new(&fixture.cloud.uses).names().collect::<Vec<_>>();
    assert!(registered.iter().all(|name| has_type(name)), "{registered:?}");
    assert!(!has_type("AWS::SQS::Queue"));
}
