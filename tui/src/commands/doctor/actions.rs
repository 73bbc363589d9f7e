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
    /// The role that CloudFormation is given with `--role-arn`.
    ServiceRole,
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

/// Every action: what it is needed for, what it is done on, and its names. The caller's own stand in
/// this program's calls, without what it can do without (`DescribeEvents`) and what is opt-in (enhanced
/// fan-out, Live Tail); those of `CloudFormation` in the handlers of the template's resource types
/// (`aws cloudformation describe-type`, `handlers`) and, for the API's log, in the API Gateway
/// Developer Guide, "Configure logging for HTTP APIs".
const TABLE: &[(Why, Resource, &str)] = &[
    (
        Why::Deploy,
        Resource::Stack,
        "cloudformation:DescribeStacks cloudformation:CreateChangeSet cloudformation:DescribeChangeSet \
         cloudformation:ExecuteChangeSet cloudformation:DeleteChangeSet cloudformation:ListChangeSets \
         cloudformation:DescribeStackEvents cloudformation:ListStackResources \
         cloudformation:CancelUpdateStack cloudformation:ContinueUpdateRollback cloudformation:RollbackStack \
         cloudformation:DescribeStackResources cloudformation:DeleteStack",
    ),
    (
        Why::Deploy,
        Resource::Artifacts,
        "s3:CreateBucket s3:ListBucket s3:GetBucketTagging s3:PutBucketPublicAccessBlock \
         s3:PutBucketOwnershipControls s3:PutEncryptionConfiguration s3:PutBucketVersioning \
         s3:PutLifecycleConfiguration s3:PutBucketPolicy s3:PutBucketTagging",
    ),
    (Why::Deploy, Resource::Packages, "s3:PutObject s3:GetObject s3:DeleteObject"),
    (
        Why::Resources,
        Resource::Api,
        "apigateway:POST apigateway:GET apigateway:PATCH apigateway:DELETE apigateway:TagResource",
    ),
    (
        Why::Resources,
        Resource::Function,
        "lambda:CreateFunction lambda:GetFunction lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration \
         lambda:AddPermission lambda:RemovePermission lambda:TagResource lambda:DeleteFunction \
         lambda:GetFunctionConcurrency lambda:DeleteFunctionConcurrency",
    ),
    (
        Why::Resources,
        Resource::Role,
        "iam:CreateRole iam:GetRole iam:PutRolePolicy iam:GetRolePolicy iam:DeleteRolePolicy iam:PassRole iam:TagRole \
         iam:DeleteRole",
    ),
    (
        Why::Resources,
        Resource::Stream,
        "kinesis:CreateStream kinesis:IncreaseStreamRetentionPeriod kinesis:DecreaseStreamRetentionPeriod \
         kinesis:StartStreamEncryption \
         kinesis:UpdateShardCount kinesis:AddTagsToStream kinesis:DeleteStream",
    ),
    (
        Why::Resources,
        Resource::Delivery,
        "firehose:CreateDeliveryStream firehose:UpdateDestination firehose:TagDeliveryStream",
    ),
    (
        Why::Resources,
        Resource::LogGroup,
        "logs:CreateLogGroup logs:PutRetentionPolicy logs:CreateLogStream logs:TagResource",
    ),
    (
        Why::Resources,
        Resource::Any,
        "logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery \
         logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies",
    ),
    (
        Why::Resources,
        Resource::Bucket,
        "s3:CreateBucket s3:PutEncryptionConfiguration s3:PutBucketPublicAccessBlock s3:PutBucketOwnershipControls \
         s3:PutLifecycleConfiguration s3:PutBucketPolicy s3:PutBucketTagging s3:DeleteBucketPolicy",
    ),
    (
        Why::Watch,
        Resource::Stream,
        "kinesis:DescribeStreamSummary kinesis:ListShards kinesis:GetShardIterator kinesis:GetRecords",
    ),
    (Why::Watch, Resource::LogGroup, "logs:FilterLogEvents"),
    (Why::Watch, Resource::Bucket, "s3:ListBucket"),
    (Why::Watch, Resource::Objects, "s3:GetObject"),
    (Why::Destroy, Resource::Stack, "cloudformation:UpdateStack cloudformation:GetTemplate"),
    (Why::Destroy, Resource::Any, "cloudformation:ListStacks logs:DescribeLogGroups s3:ListAllMyBuckets"),
    (
        Why::Destroy,
        Resource::Function,
        "lambda:GetFunctionConfiguration lambda:PutFunctionConcurrency lambda:GetPolicy",
    ),
    (Why::Destroy, Resource::Delivery, "firehose:DescribeDeliveryStream firehose:DeleteDeliveryStream"),
    (Why::Destroy, Resource::LogGroup, "logs:DeleteLogGroup"),
    (Why::Destroy, Resource::Bucket, "s3:ListBucketVersions s3:ListBucketMultipartUploads s3:DeleteBucket"),
    (Why::Destroy, Resource::Objects, "s3:DeleteObject s3:DeleteObjectVersion s3:AbortMultipartUpload"),
];

/// Every action.
pub fn actions() -> Vec<Action> {
    let of_row = |(why, on, names): &(Why, Resource, &'static str)| {
        let (why, on) = (*why, *on);
        names.split_ascii_whitespace().map(move |name| Action { name, on, why })
    };
    TABLE.iter().flat_map(of_row).collect()
}

impl Resource {
    /// The ARN, as the deployment's names make it. What AWS makes up is stood in for.
    pub fn arn(self, target: &Target, names: &Planned, service_role: Option<&str>) -> String {
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
            Self::ServiceRole => service_role.unwrap_or("*").to_owned(),
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
