//! The one table of what the caller must be allowed to do: each action, on what, and why.

use crate::{deploy::Planned, target::Target};

/// What an action is done on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Whatever there is: the action takes no resource.
    Any,
    /// The stack.
    Stack,
    /// The HTTP API.
    Api,
    /// The function.
    Function,
    /// The roles of the function and of the delivery.
    Role,
    /// The data stream.
    Stream,
    /// The delivery stream.
    Delivery,
    /// A log group.
    LogGroup,
    /// The bucket that receives the events.
    Bucket,
    /// Its objects.
    Objects,
    /// The bucket of function packages.
    Artifacts,
    /// The packages in it.
    Packages,
}

/// For what an action is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Making and changing the stack: the caller's own part.
    Deploy,
    /// What CloudFormation does on the caller's behalf: with `--role-arn` that role needs it instead.
    Resources,
    /// The live panes, `tail` and `smoke`.
    Watch,
    /// Taking it down.
    Destroy,
}

impl Why {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Deploy => "to deploy",
            Self::Resources => "for CloudFormation, which acts with your rights",
            Self::Watch => "to watch events",
            Self::Destroy => "to destroy",
        }
    }
}

/// One action.
#[derive(Debug, Clone, Copy)]
pub struct Action {
    /// `kinesis:CreateStream`.
    pub name: &'static str,
    /// What it is done on.
    pub on: Resource,
    /// What it is needed for.
    pub why: Why,
}

const fn rows<const N: usize>(why: Why, on: Resource, names: [&'static str; N]) -> [Action; N] {
    let mut rows = [Action { name: "", on, why }; N];
    let mut index = 0;
    while index < N {
        rows[index].name = names[index];
        index += 1;
    }
    rows
}

/// Every action. The caller's own stand in this program's calls; those of CloudFormation in the
/// handlers of the template's resource types (`aws cloudformation describe-type`, `handlers`) and, for
/// the API's log, in the API Gateway Developer Guide, "Configure logging for HTTP APIs".
pub fn actions() -> Vec<Action> {
    use Resource::{Any, Api, Artifacts, Bucket, Delivery, Function, LogGroup, Objects, Packages, Role, Stack, Stream};
    use Why::{Deploy, Destroy, Resources, Watch};
    let mut all = Vec::new();
    all.extend(rows(
        Deploy,
        Stack,
        [
            "cloudformation:DescribeStacks",
            "cloudformation:CreateChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:DeleteChangeSet",
            "cloudformation:ListChangeSets",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeEvents",
            "cloudformation:ListStackResources",
            "cloudformation:CancelUpdateStack",
            "cloudformation:ContinueUpdateRollback",
            "cloudformation:DeleteStack",
        ],
    ));
    all.extend(rows(
        Deploy,
        Artifacts,
        [
            "s3:CreateBucket",
            "s3:ListBucket",
            "s3:GetBucketTagging",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketOwnershipControls",
            "s3:PutEncryptionConfiguration",
            "s3:PutBucketVersioning",
            "s3:PutLifecycleConfiguration",
            "s3:PutBucketPolicy",
            "s3:PutBucketTagging",
        ],
    ));
    all.extend(rows(Deploy, Packages, ["s3:PutObject", "s3:GetObject"]));
    all.extend(rows(
        Resources,
        Api,
        ["apigateway:POST", "apigateway:GET", "apigateway:PATCH", "apigateway:DELETE", "apigateway:TagResource"],
    ));
    all.extend(rows(
        Resources,
        Function,
        [
            "lambda:CreateFunction",
            "lambda:GetFunction",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
            "lambda:AddPermission",
            "lambda:RemovePermission",
            "lambda:TagResource",
            "lambda:DeleteFunction",
        ],
    ));
    all.extend(rows(
        Resources,
        Role,
        [
            "iam:CreateRole",
            "iam:GetRole",
            "iam:PutRolePolicy",
            "iam:GetRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:PassRole",
            "iam:TagRole",
            "iam:DeleteRole",
        ],
    ));
    all.extend(rows(
        Resources,
        Stream,
        [
            "kinesis:CreateStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:IncreaseStreamRetentionPeriod",
            "kinesis:StartStreamEncryption",
            "kinesis:UpdateShardCount",
            "kinesis:AddTagsToStream",
            "kinesis:DeleteStream",
        ],
    ));
    all.extend(rows(
        Resources,
        Delivery,
        [
            "firehose:CreateDeliveryStream",
            "firehose:DescribeDeliveryStream",
            "firehose:UpdateDestination",
            "firehose:TagDeliveryStream",
            "firehose:DeleteDeliveryStream",
        ],
    ));
    all.extend(rows(
        Resources,
        LogGroup,
        [
            "logs:CreateLogGroup",
            "logs:PutRetentionPolicy",
            "logs:CreateLogStream",
            "logs:TagResource",
            "logs:DeleteLogGroup",
        ],
    ));
    all.extend(rows(
        Resources,
        Any,
        [
            "logs:DescribeLogGroups",
            "logs:CreateLogDelivery",
            "logs:GetLogDelivery",
            "logs:UpdateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:DescribeResourcePolicies",
        ],
    ));
    all.extend(rows(
        Resources,
        Bucket,
        [
            "s3:CreateBucket",
            "s3:PutEncryptionConfiguration",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketOwnershipControls",
            "s3:PutLifecycleConfiguration",
            "s3:PutBucketPolicy",
            "s3:PutBucketTagging",
            "s3:DeleteBucketPolicy",
            "s3:DeleteBucket",
        ],
    ));
    all.extend(rows(Watch, Stream, ["kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords"]));
    all.extend(rows(Watch, LogGroup, ["logs:FilterLogEvents"]));
    all.extend(rows(Watch, Bucket, ["s3:ListBucket"]));
    all.extend(rows(Watch, Objects, ["s3:GetObject"]));
    all.extend(rows(Destroy, Stack, ["cloudformation:UpdateStack", "cloudformation:GetTemplate"]));
    all.extend(rows(Destroy, Function, ["lambda:PutFunctionConcurrency"]));
    all.extend(rows(Destroy, Bucket, ["s3:ListBucketVersions", "s3:ListBucketMultipartUploads"]));
    all.extend(rows(Destroy, Objects, ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"]));
    all
}

impl Resource {
    /// The ARN, as the deployment's names make it. What AWS makes up is stood in for.
    pub fn arn(self, target: &Target, names: &Planned) -> String {
        let partition = target.identity().partition();
        let (region, account) = (target.region(), target.account_id());
        let of = |service: &str, rest: &str| format!("arn:{partition}:{service}:{region}:{account}:{rest}");
        let stack = &names.stack;
        match self {
            Self::Any => "*".to_owned(),
            Self::Stack => of("cloudformation", &format!("stack/{stack}/00000000-0000-0000-0000-000000000000")),
            Self::Api => format!("arn:{partition}:apigateway:{region}::/apis"),
            Self::Function => of("lambda", &format!("function:{}", names.function)),
            Self::Role => format!("arn:{partition}:iam::{account}:role/{stack}-FunctionRole-EXAMPLE"),
            Self::Stream => of("kinesis", &format!("stream/{}", names.stream)),
            Self::Delivery => of("firehose", &format!("deliverystream/{stack}-DeliveryStream-EXAMPLE")),
            Self::LogGroup => of("logs", &format!("log-group:{}:*", names.log_groups[0])),
            Self::Bucket => format!("arn:{partition}:s3:::{}", names.bucket),
            Self::Objects => format!("arn:{partition}:s3:::{}/example", names.bucket),
            Self::Artifacts => format!("arn:{partition}:s3:::{}", names.artifacts),
            Self::Packages => format!("arn:{partition}:s3:::{}/functions/example.zip", names.artifacts),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_stands_once_for_what_it_is_done_on() {
        let mut seen = BTreeSet::new();
        for action in actions() {
            assert!(seen.insert((action.name, action.on)), "{} twice on {:?}", action.name, action.on);
            assert!(action.name.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty()));
        }
    }

    #[test]
    fn every_resource_type_of_the_template_has_an_action_that_makes_it() {
        let names: BTreeSet<&str> = actions().iter().map(|action| action.name).collect();
        for (resource_type, makes) in [
            ("AWS::ApiGatewayV2::Api", "apigateway:POST"),
            ("AWS::Lambda::Function", "lambda:CreateFunction"),
            ("AWS::Lambda::Permission", "lambda:AddPermission"),
            ("AWS::IAM::Role", "iam:CreateRole"),
            ("AWS::Kinesis::Stream", "kinesis:CreateStream"),
            ("AWS::KinesisFirehose::DeliveryStream", "firehose:CreateDeliveryStream"),
            ("AWS::Logs::LogGroup", "logs:CreateLogGroup"),
            ("AWS::Logs::LogStream", "logs:CreateLogStream"),
            ("AWS::S3::Bucket", "s3:CreateBucket"),
            ("AWS::S3::BucketPolicy", "s3:PutBucketPolicy"),
        ] {
            assert!(crate::deploy::TEMPLATE.contains(resource_type), "{resource_type}");
            assert!(names.contains(makes), "{makes}");
        }
        let types: BTreeSet<&str> = crate::deploy::TEMPLATE
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Type: AWS::"))
            .filter_map(|rest| rest.split("::").next())
            .collect();
        let known: BTreeSet<&str> =
            ["ApiGatewayV2", "Lambda", "IAM", "Kinesis", "KinesisFirehose", "Logs", "S3"].into_iter().collect();
        assert_eq!(types, known);
    }
}
