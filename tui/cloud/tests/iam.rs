//! IAM over its wire protocol and STS through the official SDK.

mod common;

use aws_sdk_sts::error::ProvideErrorMetadata;
use common::{iam, role};
use tailwater_cloud::{Credentials, LocalCloud};

const TRUST_ACCOUNT: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"sts:AssumeRole"}]}"#;
const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kinesis:PutRecord","Resource":"*"}]}"#;

async fn cloud() -> LocalCloud {
    LocalCloud::start(common::options()).await.unwrap()
}

async fn create(cloud: &LocalCloud, name: &str, trust: &str) -> common::Answer {
    iam(cloud, &[("Action", "CreateRole"), ("RoleName", name), ("AssumeRolePolicyDocument", trust)]).await
}

#[tokio::test]
async fn a_role_is_created_read_and_deleted() {
    let cloud = cloud().await;
    let members = [
        ("Action", "CreateRole"),
        ("RoleName", "r"),
        ("Path", "/pipeline/"),
        ("Description", "puts & reads"),
        ("AssumeRolePolicyDocument", TRUST_ACCOUNT),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "blue"),
    ];
    let created = iam(&cloud, &members).await;
    assert_eq!(created.element("Arn"), Some("arn:aws:iam::000000000000:role/pipeline/r"));
    assert!(created.element("RoleId").unwrap().starts_with("AROA"));
    assert_eq!(created.headers["x-amzn-requestid"], created.element("RequestId").unwrap());
    let got = iam(&cloud, &[("Action", "GetRole"), ("RoleName", "r")]).await;
    assert_eq!(got.element("Description"), Some("puts &amp; reads"));
    assert!(got.element("AssumeRolePolicyDocument").unwrap().starts_with("%7B%22Version%22%3A%222012-10-17%22"));
    assert_eq!(got.element("Value"), Some("blue"));
    let again = create(&cloud, "R", TRUST_ACCOUNT).await;
    assert_eq!(again.refusal(), (409, "EntityAlreadyExists", "Role with name R already exists."));
    let deleted = iam(&cloud, &[("Action", "DeleteRole"), ("RoleName", "r")]).await;
    assert_eq!(deleted.status, 200);
    let gone = iam(&cloud, &[("Action", "GetRole"), ("RoleName", "r")]).await;
    assert_eq!(gone.refusal(), (404, "NoSuchEntity", "The role with name r cannot be found."));
}

#[tokio::test]
async fn a_role_with_policies_is_not_deleted() {
    let cloud = cloud().await;
    create(&cloud, "r", TRUST_ACCOUNT).await;
    let members = [("Action", "PutRolePolicy"), ("RoleName", "r"), ("PolicyName", "p"), ("PolicyDocument", POLICY)];
    assert_eq!(iam(&cloud, &members).await.status, 200);
    let delete = [("Action", "DeleteRole"), ("RoleName", "r")];
    let refused = iam(&cloud, &delete).await;
    assert_eq!(refused.refusal(), (409, "DeleteConflict", "Cannot delete entity, must delete policies first."));
    let got = iam(&cloud, &[("Action", "GetRolePolicy"), ("RoleName", "r"), ("PolicyName", "p")]).await;
    assert!(got.element("PolicyDocument").unwrap().contains("kinesis%3APutRecord"));
    iam(&cloud, &[("Action", "DeleteRolePolicy"), ("RoleName", "r"), ("PolicyName", "p")]).await;
    let arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    iam(&cloud, &[("Action", "AttachRolePolicy"), ("RoleName", "r"), ("PolicyArn", arn)]).await;
    let refused = iam(&cloud, &delete).await;
    assert_eq!(refused.refusal(), (409, "DeleteConflict", "Cannot delete entity, must detach all policies first."));
    let attached = iam(&cloud, &[("Action", "ListAttachedRolePolicies"), ("RoleName", "r")]).await;
    assert_eq!(attached.element("PolicyName"), Some("AWSLambdaBasicExecutionRole"));
    iam(&cloud, &[("Action", "DetachRolePolicy"), ("RoleName", "r"), ("PolicyArn", arn)]).await;
    assert_eq!(iam(&cloud, &delete).await.status, 200);
}

#[tokio::test]
async fn refusals_are_in_aws_words() {
    let cloud = cloud().await;
    let malformed = create(&cloud, "r", "{").await;
    assert_eq!(malformed.refusal(), (400, "MalformedPolicyDocument", "This policy contains invalid Json"));
    create(&cloud, "r", TRUST_ACCOUNT).await;
    let arn = "arn:aws:iam::aws:policy/NoSuchPolicy";
    let unknown = iam(&cloud, &[("Action", "AttachRolePolicy"), ("RoleName", "r"), ("PolicyArn", arn)]).await;
    assert_eq!(unknown.refusal().0, 404);
    let lacking = iam(&cloud, &[("Action", "SimulateCustomPolicy")]).await;
    let message = "The embedded cloud does not offer the operation SimulateCustomPolicy of IAM.";
    assert_eq!(lacking.refusal(), (400, "InvalidAction", message));
    let nonsense = iam(&cloud, &[("Action", "MakeTea")]).await;
    let message = "The action MakeTea is not valid for this web service.";
    assert_eq!(nonsense.refusal(), (400, "InvalidAction", message));
    let member = iam(&cloud, &[("Action", "GetRole"), ("RoleName", "r"), ("Colour", "red")]).await;
    assert_eq!(member.refusal().1, "ValidationError");
    assert!(member.refusal().2.contains("Colour"), "{member:?}");
    let none = iam(&cloud, &[("Action", "ListRoles"), ("MaxItems", "0")]).await;
    let message = "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have \
                   value greater than or equal to 1";
    let (status, code, said) = none.refusal();
    assert_eq!((status, code, said.replace("&apos;", "'").as_str()), (400, "ValidationError", message));
}

#[tokio::test]
async fn a_caller_learns_who_it_is() {
    let cloud = cloud().await;
    create(&cloud, "r", TRUST_ACCOUNT).await;
    let sts = aws_sdk_sts::Client::new(&common::config(&cloud).await);
    let account = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(account.arn(), Some("arn:aws:iam::000000000000:root"));
    assert_eq!(account.account(), Some("000000000000"));
    let role_arn = "arn:aws:iam::000000000000:role/r";
    let assumed = sts.assume_role().role_arn(role_arn).role_session_name("me").send().await.unwrap();
    assert_eq!(assumed.assumed_role_user().unwrap().arn(), "arn:aws:sts::000000000000:assumed-role/r/me");
    let keys = assumed.credentials().unwrap();
    let keys = Credentials {
        access_key_id: keys.access_key_id().to_owned(),
        secret_access_key: keys.secret_access_key().to_owned(),
        session_token: Some(keys.session_token().to_owned()),
    };
    let session = aws_sdk_sts::Client::new(&common::config_of(&cloud, keys).await);
    let role = session.get_caller_identity().send().await.unwrap();
    assert_eq!(role.arn(), Some("arn:aws:sts::000000000000:assumed-role/r/me"));
    assert!(role.user_id().unwrap().starts_with("AROA") && role.user_id().unwrap().ends_with(":me"));
    iam(&cloud, &[("Action", "DeleteRole"), ("RoleName", "r")]).await;
    let gone = session.get_caller_identity().send().await.unwrap_err();
    assert_eq!(gone.code(), Some("InvalidClientTokenId"));
}

#[tokio::test]
async fn a_role_that_does_not_trust_the_caller_is_not_assumed() {
    let cloud = cloud().await;
    let arn = role(&cloud, "r", "lambda.amazonaws.com").await;
    let sts = aws_sdk_sts::Client::new(&common::config(&cloud).await);
    let refused = sts.assume_role().role_arn(&arn).role_session_name("me").send().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDenied"));
    assert_eq!(
        refused.message(),
        Some(
            "User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role/r"
        )
    );
}

#[tokio::test]
async fn what_a_role_may_do_is_simulated() {
    let cloud = cloud().await;
    let config = common::config(&cloud).await;
    let client = aws_sdk_iam::Client::new(&config);
    let arn = role(&cloud, "deployer", "cloudformation.amazonaws.com").await;
    let put = client.put_role_policy().role_name("deployer").policy_name("put").policy_document(POLICY);
    put.send().await.unwrap();
    let simulate = async |source: &str| {
        let simulate = client.simulate_principal_policy().policy_source_arn(source);
        simulate.action_names("kinesis:PutRecord").action_names("s3:CreateBucket").send().await
    };
    let told = simulate(&arn).await.unwrap();
    let decisions: Vec<(&str, &str)> = told
        .evaluation_results()
        .iter()
        .map(|result| (result.eval_action_name(), result.eval_decision().as_str()))
        .collect();
    assert_eq!(decisions, [("kinesis:PutRecord", "allowed"), ("s3:CreateBucket", "implicitDeny")]);
    assert_eq!(told.evaluation_results()[0].matched_statements()[0].source_policy_id(), Some("role_deployer_put"));
    assert!(!told.is_truncated());

    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
    client.attach_role_policy().role_name("deployer").policy_arn(administrator).send().await.unwrap();
    let told = simulate(&arn).await.unwrap();
    assert!(told.evaluation_results().iter().all(|result| result.eval_decision().as_str() == "allowed"));
    let reader = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    client.put_role_permissions_boundary().role_name("deployer").permissions_boundary(reader).send().await.unwrap();
    let told = simulate(&arn).await.unwrap();
    let detail = told.evaluation_results()[0].permissions_boundary_decision_detail().unwrap();
    assert!(!detail.allowed_by_permissions_boundary());
    assert_eq!(told.evaluation_results()[0].eval_decision().as_str(), "implicitDeny");

    // The account itself cannot be simulated, nor what nobody made.
    let refused = simulate("arn:aws:iam::000000000000:root").await.unwrap_err().into_service_error();
    assert_eq!(refused.code(), Some("InvalidInput"));
    let refused = simulate("arn:aws:iam::000000000000:role/nobody").await.unwrap_err().into_service_error();
    assert!(refused.is_no_such_entity_exception());
    let unknown = "arn:aws:iam::aws:policy/SecurityAudit";
    client.put_role_permissions_boundary().role_name("deployer").permissions_boundary(unknown).send().await.unwrap();
    let refused = simulate(&arn).await.unwrap_err().into_service_error();
    assert!(refused.message().unwrap().contains("does not know what the managed policy"), "{refused:?}");
}
