//! Stacks in the statuses of bad days, through the official SDK: early validation, imports, drift,
//! rollbacks that fail, roles that cannot be assumed.

mod common;

use std::{collections::HashMap, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_cloudformation::{
    Client,
    error::ProvideErrorMetadata,
    types::{ChangeSetType, EventFilter, EventType, OperationEvent, ResourceToImport},
};
use common::{config, options, role};
use rstest::rstest;
use tailwater_cloud::{
    LocalCloud,
    faults::{Action, Order, ResourceFault},
};

struct Site {
    cloud: LocalCloud,
    config: SdkConfig,
    client: Client,
}

impl Site {
    async fn start() -> Self {
        let cloud = LocalCloud::start(options()).await.unwrap();
        let config = config(&cloud).await;
        Self { client: Client::new(&config), config, cloud }
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    async fn bucket(&self, name: &str) {
        let location = aws_sdk_s3::types::CreateBucketConfiguration::builder()
            .location_constraint(self.cloud.region().into())
            .build();
        self.s3().create_bucket().bucket(name).create_bucket_configuration(location).send().await.unwrap();
    }

    /// Makes a change set and gives its status and the reason of it.
    async fn change_set(&self, name: &str, kind: ChangeSetType, template: &str) -> (String, String) {
        let make = self.client.create_change_set().stack_name("pipe").change_set_name(name);
        make.change_set_type(kind).template_body(template).send().await.unwrap();
        self.told(name).await
    }

    async fn told(&self, name: &str) -> (String, String) {
        let told = self.client.describe_change_set().stack_name("pipe").change_set_name(name).send().await.unwrap();
        (told.status().unwrap().as_str().to_owned(), told.status_reason().unwrap_or_default().to_owned())
    }

    async fn execute(&self, name: &str) -> String {
        self.client.execute_change_set().stack_name("pipe").change_set_name(name).send().await.unwrap();
        self.settled("pipe").await
    }

    async fn create(&self, template: &str) -> String {
        self.client.create_stack().stack_name("pipe").template_body(template).send().await.unwrap();
        self.settled("pipe").await
    }

    async fn update(&self, template: &str) -> String {
        self.client.update_stack().stack_name("pipe").template_body(template).send().await.unwrap();
        self.settled("pipe").await
    }

    async fn settled(&self, stack: &str) -> String {
        common::settled(&self.client, stack).await
    }

    async fn id(&self) -> String {
        let stacks = self.client.describe_stacks().stack_name("pipe").send().await.unwrap();
        stacks.stacks()[0].stack_id().unwrap().to_owned()
    }

    async fn failed_events(&self, change_set: &str) -> Vec<OperationEvent> {
        let events = self.client.describe_events().stack_name("pipe").change_set_name(change_set);
        let filter = EventFilter::builder().failed_events(true).build();
        events.filters(filter).send().await.unwrap().operation_events.unwrap_or_default()
    }

    async fn drifts(&self) -> HashMap<String, String> {
        self.client.detect_stack_drift().stack_name("pipe").send().await.unwrap();
        let drifts = self.client.describe_stack_resource_drifts().stack_name("pipe").send().await.unwrap();
        drifts
            .stack_resource_drifts()
            .iter()
            .map(|drift| {
                let status = drift.stack_resource_drift_status().unwrap().as_str().to_owned();
                (drift.logical_resource_id().unwrap().to_owned(), status)
            })
            .collect()
    }
}

#[tokio::test]
async fn a_wrong_property_is_found_before_anything_is_made() {
    let site = Site::start().await;
    let template = r#"{"Resources": {
        "Code": {"Type": "AWS::Lambda::Function", "Properties": {"Role": {"Fn::GetAtt": ["Events", "Arn"]}, "Rare": 1}},
        "Events": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": "many"}}}}"#;
    let (status, reason) = site.change_set("c", ChangeSetType::Create, template).await;
    assert_eq!(
        (status.as_str(), reason.as_str()),
        (
            "FAILED",
            "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To troubleshoot \
             Early Validation errors, use the DescribeEvents API for detailed failure information."
        )
    );
    let events = site.failed_events("c").await;
    assert_eq!(events[0].detailed_status().unwrap().as_str(), "VALIDATION_FAILED");
    assert_eq!(events[0].operation_type().unwrap().as_str(), "CREATE_CHANGESET");
    let told: Vec<(&str, &str)> = events[1..]
        .iter()
        .map(|event| (event.validation_path().unwrap(), event.validation_status_reason().unwrap()))
        .collect();
    assert!(told.contains(&("/Resources/Code/Properties", "'Code' is a required property")), "{told:?}");
    assert!(
        told.contains(&("/Resources/Events/Properties/ShardCount", "\"many\" is not of type 'integer'")),
        "{told:?}"
    );
    assert!(events[1..].iter().all(|event| *event.event_type().unwrap() == EventType::ValidationError));
    // The stack's own events say nothing of it, and nothing can be executed.
    let stack_events = site.client.describe_stack_events().stack_name("pipe").send().await.unwrap();
    assert_eq!(stack_events.stack_events().len(), 1);
    let refused = site.client.execute_change_set().stack_name("pipe").change_set_name("c").send().await.unwrap_err();
    assert!(refused.into_service_error().is_invalid_change_set_status_exception());
    // What was found outlives the change set.
    let arn = site.client.describe_change_set().stack_name("pipe").change_set_name("c").send().await.unwrap();
    site.client.delete_change_set().stack_name("pipe").change_set_name("c").send().await.unwrap();
    let events = site.client.describe_events().change_set_name(arn.change_set_id().unwrap()).send().await.unwrap();
    assert_eq!(events.operation_events().len(), 4);
}

#[tokio::test]
async fn a_taken_name_is_found_before_anything_is_made() {
    let site = Site::start().await;
    site.bucket("landing").await;
    let template = r#"{"Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "landing"}},
        "Events": {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "free", "ShardCount": 1}}}}"#;
    let (status, reason) = site.change_set("c", ChangeSetType::Create, template).await;
    assert_eq!(status, "FAILED");
    assert!(reason.contains("[AWS::EarlyValidation::ResourceExistenceCheck]"), "{reason}");
    let events = site.failed_events("c").await;
    assert_eq!(events[1].validation_name(), Some("NAME_CONFLICT_VALIDATION"));
    assert_eq!(
        events[1].validation_status_reason(),
        Some("Resource of type 'AWS::S3::Bucket' with identifier 'landing' already exists.")
    );
    assert_eq!((events.len(), events[1].logical_resource_id()), (2, Some("Bucket")));
    // Without the validation the resource itself finds out.
    let make = site.client.create_change_set().stack_name("pipe").change_set_name("d");
    let make = make.change_set_type(ChangeSetType::Create).template_body(template).disable_validation(true);
    make.send().await.unwrap();
    assert_eq!(site.told("d").await.0, "CREATE_COMPLETE");
    assert_eq!(site.execute("d").await, "ROLLBACK_COMPLETE");
}

const KEPT: &str = r#"{"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain",
    "Properties": {"BucketName": "landing"}}}}"#;

fn to_import(logical_id: &str, kind: &str, key: &str, value: &str) -> ResourceToImport {
    ResourceToImport::builder()
        .logical_resource_id(logical_id)
        .resource_type(kind)
        .resource_identifier(key, value)
        .build()
}

#[tokio::test]
async fn a_kept_bucket_is_taken_in_and_stays_when_the_stack_goes() {
    let site = Site::start().await;
    site.bucket("landing").await;
    site.s3().put_object().bucket("landing").key("kept").body(b"x".to_vec().into()).send().await.unwrap();
    let make = site.client.create_change_set().stack_name("pipe").change_set_name("import");
    let make = make.change_set_type(ChangeSetType::Import).template_body(KEPT);
    let make = make.tags(aws_sdk_cloudformation::types::Tag::builder().key("made-by").value("test").build());
    make.resources_to_import(to_import("Bucket", "AWS::S3::Bucket", "BucketName", "landing")).send().await.unwrap();
    let told = site.client.describe_change_set().stack_name("pipe").change_set_name("import").send().await.unwrap();
    let change = told.changes()[0].resource_change().unwrap();
    assert_eq!(change.action().unwrap().as_str(), "Import");
    assert_eq!(change.physical_resource_id(), Some("landing"));
    assert_eq!(site.execute("import").await, "IMPORT_COMPLETE");
    let events = site.client.describe_stack_events().stack_name("pipe").send().await.unwrap();
    let mut statuses: Vec<&str> = events
        .stack_events()
        .iter()
        .filter(|event| event.logical_resource_id() == Some("Bucket"))
        .map(|event| event.resource_status().unwrap().as_str())
        .collect();
    statuses.reverse();
    assert_eq!(statuses, ["IMPORT_IN_PROGRESS", "IMPORT_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]);
    let tags = site.s3().get_bucket_tagging().bucket("landing").send().await.unwrap();
    assert_eq!((tags.tag_set()[0].key(), tags.tag_set()[0].value()), ("made-by", "test"));

    // From now on it is a resource like any other: a template with more takes it along.
    let more = KEPT.replace("\"Resources\": {", "\"Resources\": {\"Group\": {\"Type\": \"AWS::Logs::LogGroup\"}, ");
    assert_eq!(site.update(&more).await, "UPDATE_COMPLETE");
    let id = site.id().await;
    site.client.delete_stack().stack_name("pipe").send().await.unwrap();
    assert_eq!(site.settled(&id).await, "DELETE_COMPLETE");
    assert!(site.s3().head_object().bucket("landing").key("kept").send().await.is_ok());
}

#[tokio::test]
async fn an_import_of_what_is_not_there_is_taken_back() {
    let site = Site::start().await;
    let import = || {
        let make = site.client.create_change_set().stack_name("pipe").change_set_name("import");
        make.change_set_type(ChangeSetType::Import)
    };
    let bucket = || to_import("Bucket", "AWS::S3::Bucket", "BucketName", "landing");
    import().template_body(KEPT).resources_to_import(bucket()).send().await.unwrap();
    assert_eq!(site.execute("import").await, "IMPORT_ROLLBACK_COMPLETE");
    let events = site.client.describe_stack_events().stack_name("pipe").send().await.unwrap();
    let failed = events
        .stack_events()
        .iter()
        .find(|event| event.resource_status().is_some_and(|status| status.as_str() == "IMPORT_FAILED"));
    assert_eq!(
        failed.unwrap().resource_status_reason(),
        Some("Resource of type 'AWS::S3::Bucket' with identifier 'landing' was not found.")
    );
    let resources = site.client.describe_stack_resources().stack_name("pipe").send().await.unwrap();
    assert!(resources.stack_resources().is_empty());

    let message = async |template: String, resource: Option<ResourceToImport>| {
        let make = import().template_body(template).set_resources_to_import(resource.map(|resource| vec![resource]));
        make.send().await.unwrap_err().into_service_error().message().unwrap_or_default().to_owned()
    };
    let no_policy = KEPT.replace("\"DeletionPolicy\": \"Retain\",", "");
    assert!(message(no_policy, Some(bucket())).await.contains("must have a DeletionPolicy attribute"));
    let more = KEPT.replace("\"Resources\": {", "\"Resources\": {\"Group\": {\"Type\": \"AWS::Logs::LogGroup\"}, ");
    let missing = message(more, Some(bucket())).await;
    assert_eq!(missing, "Resources [Group] is missing from ResourceToImport list");
    let outputs = KEPT.replace("{\"Resources\"", "{\"Outputs\": {\"B\": {\"Value\": \"b\"}}, \"Resources\"");
    let outputs = message(outputs, Some(bucket())).await;
    assert_eq!(outputs, "As part of the import operation, you cannot modify or add [Outputs]");
    assert!(message(KEPT.to_owned(), None).await.contains("ResourcesToImport must be specified"));
}

const TWO: &str = r#"{"Resources": {
    "Events": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": 1, "RetentionPeriodHours": 24}},
    "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "landing"}}}}"#;

#[tokio::test]
async fn what_somebody_removed_by_hand_is_found_as_drift_and_by_an_update() {
    let site = Site::start().await;
    assert_eq!(site.create(TWO).await, "CREATE_COMPLETE");
    let sync = HashMap::from([("Events", "IN_SYNC"), ("Bucket", "IN_SYNC")]);
    let owned = |map: HashMap<&str, &str>| -> HashMap<String, String> {
        map.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    assert_eq!(site.drifts().await, owned(sync));
    let kinesis = aws_sdk_kinesis::Client::new(&site.config);
    let name = kinesis.list_streams().send().await.unwrap().stream_names()[0].clone();
    kinesis.delete_stream().stream_name(name).send().await.unwrap();
    site.s3().delete_bucket().bucket("landing").send().await.unwrap();
    common::until(async || kinesis.list_streams().send().await.unwrap().stream_names().is_empty().then_some(())).await;
    let gone = HashMap::from([("Events", "DELETED"), ("Bucket", "DELETED")]);
    assert_eq!(site.drifts().await, owned(gone));
    let stacks = site.client.describe_stacks().stack_name("pipe").send().await.unwrap();
    let drift = stacks.stacks()[0].drift_information().unwrap();
    assert_eq!(drift.stack_drift_status().unwrap().as_str(), "DRIFTED");
    let one = site.client.detect_stack_resource_drift().stack_name("pipe").logical_resource_id("Bucket");
    let one = one.send().await.unwrap().stack_resource_drift.unwrap();
    assert_eq!(one.stack_resource_drift_status().unwrap().as_str(), "DELETED");

    // An update of what is gone fails, its way back too; a deletion does not miss it.
    assert_eq!(site.update(&TWO.replace("24", "48")).await, "UPDATE_ROLLBACK_FAILED");
    let events = site.client.describe_stack_events().stack_name("pipe").send().await.unwrap();
    let failed = events
        .stack_events()
        .iter()
        .find(|event| event.resource_status().is_some_and(|status| status.as_str() == "UPDATE_FAILED"));
    let reason = failed.unwrap().resource_status_reason().unwrap();
    assert!(reason.contains("HandlerErrorCode: NotFound"), "{reason}");
    let id = site.id().await;
    site.client.delete_stack().stack_name("pipe").send().await.unwrap();
    assert_eq!(site.settled(&id).await, "DELETE_COMPLETE");
}

#[tokio::test]
async fn rollbacks_that_fail_leave_only_their_ways_out() {
    let site = Site::start().await;
    let faults = site.cloud.faults();
    faults.add(Order::once(ResourceFault::fail("Bucket", Action::Create, "no room"))).unwrap();
    faults.add(Order::once(ResourceFault::fail("Events", Action::Delete, "in use"))).unwrap();
    let after = TWO.replace("\"AWS::S3::Bucket\",", "\"AWS::S3::Bucket\", \"DependsOn\": \"Events\",");
    assert_eq!(site.create(&after).await, "ROLLBACK_FAILED");
    let refused = site.client.update_stack().stack_name("pipe").template_body(TWO).send().await.unwrap_err();
    let message = refused.into_service_error().message().unwrap().to_owned();
    assert_eq!(message, format!("Stack:{} is in ROLLBACK_FAILED state and can not be updated.", site.id().await));
    let id = site.id().await;
    site.client.delete_stack().stack_name("pipe").send().await.unwrap();
    assert_eq!(site.settled(&id).await, "DELETE_COMPLETE");

    assert_eq!(site.create(TWO).await, "CREATE_COMPLETE");
    // The first change of the stream fails, and so does what is to take it back.
    faults.add(Order::times(ResourceFault::fail("Events", Action::Update, "not now"), 2)).unwrap();
    assert_eq!(site.update(&TWO.replace("24", "48")).await, "UPDATE_ROLLBACK_FAILED");
    let refused = site.client.rollback_stack().stack_name("pipe").send().await.unwrap_err().into_service_error();
    assert!(refused.message().unwrap().contains("is in UPDATE_ROLLBACK_FAILED state"), "{refused:?}");
    let go_on = site.client.continue_update_rollback().stack_name("pipe").resources_to_skip("Events");
    go_on.send().await.unwrap();
    assert_eq!(site.settled("pipe").await, "UPDATE_ROLLBACK_COMPLETE");
}

#[tokio::test]
async fn a_role_is_used_only_if_cloudformation_may_assume_it() {
    let site = Site::start().await;
    let other = role(&site.cloud, "lambda", "lambda.amazonaws.com").await;
    let nobody = "arn:aws:iam::000000000000:role/nobody".to_owned();
    for arn in [other, nobody] {
        let create = site.client.create_stack().stack_name("pipe").template_body(TWO).role_arn(&arn);
        let refused = create.send().await.unwrap_err().into_service_error();
        assert_eq!(refused.message(), Some(format!("Role {arn} is invalid or cannot be assumed").as_str()));
    }
    let own = role(&site.cloud, "deployer", "cloudformation.amazonaws.com").await;
    let create = site.client.create_stack().stack_name("pipe").template_body(TWO).role_arn(&own);
    create.send().await.unwrap();
    assert_eq!(site.settled("pipe").await, "CREATE_COMPLETE");
    let stacks = site.client.describe_stacks().stack_name("pipe").send().await.unwrap();
    assert_eq!(stacks.stacks()[0].role_arn(), Some(own.as_str()));
}

#[tokio::test]
async fn the_account_has_awss_limits() {
    let site = Site::start().await;
    let limits = site.client.describe_account_limits().send().await.unwrap();
    let stacks = limits.account_limits().iter().find(|limit| limit.name() == Some("StackLimit")).unwrap();
    assert_eq!(stacks.value(), Some(2000));
}

#[tokio::test]
async fn what_is_kept_joins_a_new_stack_with_the_rest() {
    let site = Site::start().await;
    let template = TWO.replace("\"AWS::S3::Bucket\",", "\"AWS::S3::Bucket\", \"DeletionPolicy\": \"Retain\",");
    assert_eq!(site.create(&template).await, "CREATE_COMPLETE");
    site.s3().put_object().bucket("landing").key("kept").body(b"x".to_vec().into()).send().await.unwrap();
    let id = site.id().await;
    site.client.delete_stack().stack_name("pipe").send().await.unwrap();
    assert_eq!(site.settled(&id).await, "DELETE_COMPLETE");

    let join = async |name: &str| {
        let make = site.client.create_change_set().stack_name("pipe").change_set_name(name);
        let make = make.change_set_type(ChangeSetType::Create).template_body(&template);
        make.import_existing_resources(true).send().await.unwrap();
    };
    join("first").await;
    let told = site.client.describe_change_set().stack_name("pipe").change_set_name("first").send().await.unwrap();
    assert_eq!(told.import_existing_resources(), Some(true));
    let actions: Vec<(&str, &str)> = told
        .changes()
        .iter()
        .map(|change| change.resource_change().unwrap())
        .map(|change| (change.logical_resource_id().unwrap(), change.action().unwrap().as_str()))
        .collect();
    assert_eq!(actions, [("Bucket", "Import"), ("Events", "Add")]);

    // A creation that fails takes nothing away with it.
    let fault = ResourceFault::fail("Events", Action::Create, "no room");
    site.cloud.faults().add(Order::once(fault)).unwrap();
    assert_eq!(site.execute("first").await, "ROLLBACK_COMPLETE");
    assert!(site.s3().head_object().bucket("landing").key("kept").send().await.is_ok());
    let id = site.id().await;
    site.client.delete_stack().stack_name("pipe").send().await.unwrap();
    assert_eq!(site.settled(&id).await, "DELETE_COMPLETE");

    join("second").await;
    assert_eq!(site.execute("second").await, "CREATE_COMPLETE");
    let bucket = site.client.describe_stack_resource().stack_name("pipe").logical_resource_id("Bucket");
    let bucket = bucket.send().await.unwrap().stack_resource_detail.unwrap();
    assert_eq!(bucket.physical_resource_id(), Some("landing"));
    assert!(site.s3().head_object().bucket("landing").key("kept").send().await.is_ok());
}

impl Site {
    /// The next actions that fit wait for good; so many go by first.
    fn hold(&self, resource: &str, action: Action, after: u32) {
        let fault = ResourceFault::delay(resource, action, Duration::from_hours(1));
        self.cloud.faults().add(Order::once(fault).after(after)).unwrap();
    }

    fn fail(&self, resource: &str, action: Action, after: u32) {
        let fault = ResourceFault::fail(resource, action, "not today");
        self.cloud.faults().add(Order::once(fault).after(after)).unwrap();
    }

    /// Begins what ends, or stays, in `status`.
    async fn begin(&self, status: &str) {
        const NEXT: &str = r#"{"Resources": {
            "Events": {"Type": "AWS::Kinesis::Stream", "DependsOn": "Bucket",
                "Properties": {"ShardCount": 1, "RetentionPeriodHours": 48}},
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "other"}}}}"#;
        let create = || self.client.create_stack().stack_name("pipe").template_body(TWO);
        match status {
            "CREATE_IN_PROGRESS" => self.hold("Events", Action::Create, 0),
            "ROLLBACK_IN_PROGRESS" => {
                self.fail("Bucket", Action::Create, 0);
                self.hold("Events", Action::Delete, 0);
            }
            _ => {}
        }
        if status.starts_with("IMPORT") {
            return self.begin_import(status).await;
        }
        if matches!(status, "CREATE_IN_PROGRESS" | "ROLLBACK_IN_PROGRESS") {
            let template = TWO.replace("\"AWS::S3::Bucket\",", "\"AWS::S3::Bucket\", \"DependsOn\": \"Events\",");
            create().template_body(template).send().await.unwrap();
            return;
        }
        create().send().await.unwrap();
        assert_eq!(self.settled("pipe").await, "CREATE_COMPLETE");
        match status {
            "UPDATE_IN_PROGRESS" => self.hold("Events", Action::Update, 0),
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" | "DELETE_IN_PROGRESS" => self.hold("Bucket", Action::Delete, 0),
            "UPDATE_ROLLBACK_IN_PROGRESS" => {
                self.fail("Events", Action::Update, 0);
                self.hold("Events", Action::Update, 0);
            }
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => {
                self.fail("Events", Action::Update, 0);
                self.hold("Bucket", Action::Delete, 0);
            }
            other => panic!("{other}"),
        }
        if status == "DELETE_IN_PROGRESS" {
            self.client.delete_stack().stack_name("pipe").send().await.unwrap();
        } else {
            self.client.update_stack().stack_name("pipe").template_body(NEXT).send().await.unwrap();
        }
    }

    /// An import of a bucket that is there and a stream that is not: the third action is the way back.
    async fn begin_import(&self, status: &str) {
        match status {
            "IMPORT_IN_PROGRESS" => self.hold("*", Action::Import, 0),
            "IMPORT_ROLLBACK_IN_PROGRESS" => self.hold("*", Action::Import, 2),
            "IMPORT_ROLLBACK_FAILED" => self.fail("*", Action::Import, 2),
            other => panic!("{other}"),
        }
        self.bucket("landing").await;
        let template = TWO.replace("\"Properties\"", "\"DeletionPolicy\": \"Retain\", \"Properties\"");
        let make = self.client.create_change_set().stack_name("pipe").change_set_name("import");
        let make = make.change_set_type(ChangeSetType::Import).template_body(template);
        let make = make.resources_to_import(to_import("Bucket", "AWS::S3::Bucket", "BucketName", "landing"));
        make.resources_to_import(to_import("Events", "AWS::Kinesis::Stream", "Name", "none")).send().await.unwrap();
        self.client.execute_change_set().stack_name("pipe").change_set_name("import").send().await.unwrap();
    }
}

#[rstest]
#[tokio::test]
async fn a_status_can_be_ordered(
    #[values(
        "CREATE_IN_PROGRESS",
        "ROLLBACK_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "IMPORT_IN_PROGRESS",
        "IMPORT_ROLLBACK_IN_PROGRESS",
        "IMPORT_ROLLBACK_FAILED"
    )]
    status: &str,
) {
    let site = Site::start().await;
    site.begin(status).await;
    common::until(async || {
        let stacks = site.client.describe_stacks().stack_name("pipe").send().await.unwrap();
        (stacks.stacks()[0].stack_status().unwrap().as_str() == status).then_some(())
    })
    .await;
    let id = site.id().await;
    let update = site.client.update_stack().stack_name("pipe").template_body(TWO).send().await.unwrap_err();
    let message = update.into_service_error().message().unwrap_or_default().to_owned();
    assert_eq!(message, format!("Stack:{id} is in {status} state and can not be updated."));
}
