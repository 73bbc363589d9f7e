//! Known causes of failed deployments: how AWS words them, what each means, what to do about it.

/// A kind of cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The function's zip cannot be used.
    Package,
    /// The function's zip is not where the stack takes it from.
    ArtifactGone,
    /// A role is too young to be known everywhere.
    IamPropagation,
    /// The permissions boundary forbids it.
    Boundary,
    /// The organization forbids it.
    Organization,
    /// The role that CloudFormation was to use cannot be used.
    ServiceRole,
    /// A permission on a key is missing.
    Key,
    /// A permission is missing.
    Permission,
    /// A name is taken.
    NameTaken,
    /// A bucket of that name was just deleted.
    NameBusy,
    /// A quota is used up.
    Quota,
    /// Too many calls.
    Throttled,
    /// The machine's clock is off.
    Clock,
    /// The credentials have ended.
    Expired,
    /// The credentials are none.
    Credentials,
    /// The region does not offer it, or has to be opted into.
    Region,
    /// It took too long.
    TimeOut,
    /// The template was refused before anything was made.
    Validation,
    /// A value is not allowed.
    Parameter,
    /// The access log cannot be set up.
    AccessLog,
    /// The stack may not be deleted.
    Protected,
    /// AWS could not be reached.
    Network,
    /// The endpoint does not offer it.
    NotOffered,
    /// What stood ready does so no more.
    Outdated,
}

/// One known cause.
struct Cause {
    kind: Kind,
    /// The resource type must begin with this; empty: any.
    resource: &'static str,
    /// Each a list of parts that AWS's words must all hold, in lower case; one list is enough.
    words: &'static [&'static [&'static str]],
    meaning: &'static str,
    advice: &'static str,
}

/// What a failure means and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// Which kind of cause it is.
    pub kind: Kind,
    /// What it means, a sentence.
    pub meaning: &'static str,
    /// What to do, a sentence or two.
    pub advice: &'static str,
}

/// Explains AWS's words about a resource of this type; empty: about a call. `None`: the words are of
/// no known kind.
pub fn explain(resource_type: &str, words: &str) -> Option<Explained> {
    let words = words.to_lowercase();
    let fits = |cause: &&Cause| {
        resource_type.starts_with(cause.resource)
            && cause.words.iter().any(|parts| parts.iter().all(|part| words.contains(part)))
    };
    CAUSES.iter().find(fits).map(|cause| Explained { kind: cause.kind, meaning: cause.meaning, advice: cause.advice })
}

/// The table. The first row that fits counts, so what is particular stands before what is general.
const CAUSES: &[Cause] = &[
    Cause {
        kind: Kind::Package,
        resource: "",
        words: &[
            &["could not unzip"],
            &["unzipped size must be smaller"],
            &["zipped size must be smaller"],
            &["uploaded file must be a non-empty zip"],
        ],
        meaning: "Lambda cannot use the zip with the function's code.",
        advice: "Build it anew and give it with --handler-zip FILE. `tailwater doctor` checks a zip without deploying.",
    },
    Cause {
        kind: Kind::ArtifactGone,
        resource: "AWS::Lambda",
        words: &[
            &["nosuchbucket"],
            &["nosuchkey"],
            &["specified bucket does not exist"],
            &["specified key does not exist"],
            &["error occurred while getobject"],
        ],
        meaning: "The zip with the function's code is not in the artifact bucket: the bucket or the object was deleted.",
        advice: "Run `tailwater deploy` again with --handler-zip FILE: it makes the bucket and puts the code there.",
    },
    Cause {
        kind: Kind::ArtifactGone,
        resource: "",
        words: &[&["nosuchbucket"], &["specified bucket does not exist"]],
        meaning: "A bucket that the deployment needs was deleted while it ran.",
        advice: "Run `tailwater deploy` again: it makes the artifact bucket anew.",
    },
    Cause {
        kind: Kind::IamPropagation,
        resource: "AWS::KinesisFirehose",
        words: &[
            &["unable to assume role"],
            &["cannot assume role"],
            &["not authorized to perform: kinesis:"],
            &["not authorized to perform: sts:assumerole"],
        ],
        meaning: "IAM has not yet told Firehose of the role that was made a moment ago.",
        advice: "Run `tailwater deploy` again: the role is known after some seconds. If it stays, a policy of the \
                 organization or a permissions boundary bounds the role.",
    },
    Cause {
        kind: Kind::IamPropagation,
        resource: "AWS::Lambda",
        words: &[&["role defined for the function cannot be assumed"], &["execution role does not have permissions"]],
        meaning: "IAM has not yet told Lambda of the role that was made a moment ago.",
        advice: "Run `tailwater deploy` again: the role is known after some seconds.",
    },
    Cause {
        kind: Kind::Boundary,
        resource: "",
        words: &[&["permissions boundary"], &["permissionsboundary"], &["permission boundary"]],
        meaning: "A permissions boundary is in the way: either it lacks this permission, or roles may be made only with one.",
        advice: "Ask whoever runs the account for the boundary's ARN and give it: --param PermissionsBoundaryArn=ARN.",
    },
    Cause {
        kind: Kind::Organization,
        resource: "",
        words: &[
            &["service control policy"],
            &["explicit deny in a resource control policy"],
            &["resource control policy"],
        ],
        meaning: "A policy of the organization forbids this in the account or region.",
        advice: "Deploy to a region or account where it is allowed (--region, --profile), or ask whoever runs the \
                 organization.",
    },
    Cause {
        kind: Kind::ServiceRole,
        resource: "",
        words: &[
            &["is invalid or cannot be assumed"],
            &["not authorized to perform: iam:passrole"],
            &["cross-account pass role"],
        ],
        meaning: "The role cannot be handed over: either it does not exist, does not trust the service, or you may not pass it.",
        advice: "Check the ARN of --role-arn, that the role trusts cloudformation.amazonaws.com, and that you have \
                 iam:PassRole on it.",
    },
    Cause {
        kind: Kind::Key,
        resource: "",
        words: &[
            &["kms", "access denied"],
            &["kmsaccessdenied"],
            &["not authorized to perform: kms:"],
            &["kms.", "exception"],
            &["kms key", "disabled"],
            &["kms key", "not found"],
        ],
        meaning: "A key of KMS cannot be used: the stream is encrypted with the key that AWS keeps for Kinesis.",
        advice: "Ask for kms:CreateGrant and kms:GenerateDataKey on alias/aws/kinesis, or for the key to be enabled.",
    },
    Cause {
        kind: Kind::AccessLog,
        resource: "",
        words: &[
            &["cannot enable logging"],
            &["enable logging", "permission"],
            &["policy document length breaking cloudwatch logs constraints"],
        ],
        meaning: "API Gateway cannot set up the access log.",
        advice: "Ask for logs:CreateLogDelivery, logs:PutResourcePolicy and logs:DescribeResourcePolicies. If the \
                 policy is too long, remove entries of logs that are gone (`aws logs describe-resource-policies`).",
    },
    Cause {
        kind: Kind::Region,
        resource: "",
        words: &[
            &["optinrequired"],
            &["opt-in"],
            &["is not subscribed"],
            &["needs a subscription for the service"],
            &["subscriptionrequired"],
            &["not supported in this region"],
            &["not available in this region"],
            &["not supported in the region"],
            &["unrecognized resource type"],
            &["is disabled in this region"],
            &["region is disabled"],
            &["dns error", "amazonaws.com"],
        ],
        meaning: "The region does not offer this, does not exist, or has to be enabled for the account first.",
        advice: "Choose another --region, or enable this one: `aws account enable-region --region-name NAME`.",
    },
    Cause {
        kind: Kind::Throttled,
        resource: "",
        words: &[
            &["throttl"],
            &["rate exceeded"],
            &["toomanyrequests"],
            &["requestlimitexceeded"],
            &["slowdown"],
            &["reduce your request rate"],
        ],
        meaning: "AWS takes no more calls of this kind for the moment; the account shares the limit.",
        advice: "Run the same command again in a minute: it goes on where it stopped.",
    },
    Cause {
        kind: Kind::Clock,
        resource: "",
        words: &[
            &["requesttimetooskewed"],
            &["signature expired"],
            &["signature not yet current"],
            &["difference between the request time"],
        ],
        meaning: "This machine's clock differs from that of AWS by more than five minutes.",
        advice: "Set the clock, then run the same command again. `tailwater doctor` says by how much it is off.",
    },
    Cause {
        kind: Kind::Expired,
        resource: "",
        words: &[
            &["expiredtoken"],
            &["token", "expired"],
            &["credentials", "expired"],
            &["session", "expired"],
            &["requestexpired"],
        ],
        meaning: "The credentials have expired. What CloudFormation has begun goes on by itself.",
        advice: "Log in again (`aws sso login`), then run the same command: it attaches to what runs.",
    },
    Cause {
        kind: Kind::Credentials,
        resource: "",
        words: &[
            &["invalidclienttokenid"],
            &["unrecognizedclient"],
            &["security token included in the request is invalid"],
            &["signaturedoesnotmatch"],
            &["no providers in chain provided credentials"],
            &["credentials provider was not enabled"],
        ],
        meaning: "AWS does not know these credentials.",
        advice: "Choose another --profile, log in again, or, in a region that has to be enabled, enable it first.",
    },
    Cause {
        kind: Kind::Permission,
        resource: "",
        words: &[
            &["not authorized to perform"],
            &["accessdenied"],
            &["access denied"],
            &["unauthorizedoperation"],
            &["does not have permission"],
            &["forbidden"],
        ],
        meaning: "A permission is missing: the line names who lacks which.",
        advice: "Ask for it, or deploy with a role of CloudFormation's that has it: --role-arn ARN. `tailwater doctor` \
                 lists what is needed.",
    },
    Cause {
        kind: Kind::NameBusy,
        resource: "AWS::S3",
        words: &[&["operationaborted"], &["conflicting conditional operation"]],
        meaning: "A bucket of this name was deleted a moment ago, and S3 has not yet let go of the name.",
        advice: "Run `tailwater deploy` again later (it can take an hour), or name another: --param BucketBaseName=NAME.",
    },
    Cause {
        kind: Kind::NameTaken,
        resource: "AWS::S3",
        words: &[
            &["already exist"],
            &["alreadyexists"],
            &["alreadyownedbyyou"],
            &["already own it"],
            &["bucket name is not available"],
        ],
        meaning: "A bucket of this name is there already: perhaps one that `destroy --keep-data` left. Bucket names are global.",
        advice: "Name another: --param BucketBaseName=NAME. Or delete the bucket, if it is yours and you do not need it.",
    },
    Cause {
        kind: Kind::NameTaken,
        resource: "AWS::Kinesis::",
        words: &[&["already exist"], &["alreadyexists"], &["resourceinuse"]],
        meaning: "A stream of this name is there already, and this stack did not make it.",
        advice: "Name another: --param StreamName=NAME. Or choose another --stack-name: its names follow from that.",
    },
    Cause {
        kind: Kind::NameTaken,
        resource: "AWS::Logs",
        words: &[&["already exist"], &["alreadyexists"]],
        meaning: "A log group of this name is there already: Lambda makes it by itself where it was deleted too early.",
        advice: "Delete it (`aws logs delete-log-group --log-group-name NAME`), or choose another --stack-name.",
    },
    Cause {
        kind: Kind::NameTaken,
        resource: "",
        words: &[&["already exist"], &["alreadyexists"], &["resourceconflict", "already"]],
        meaning: "Something of this name is there already, and this stack did not make it.",
        advice: "Choose another --stack-name: the other names follow from it. Or delete what has the name.",
    },
    Cause {
        kind: Kind::Validation,
        resource: "",
        words: &[
            &["earlyvalidation"],
            &["early validation"],
            &["property validation failure"],
            &["model validation failed"],
            &["extraneous key"],
        ],
        meaning: "CloudFormation checked the template before it made anything, and refused a property.",
        advice: "If you gave a --param that the line names, give another value. If not, this program's template is \
                 wrong for this region: deploy to another one with --region.",
    },
    Cause {
        kind: Kind::Quota,
        resource: "AWS::Kinesis::",
        words: &[&["limitexceeded"], &["limit exceeded"], &["would exceed"], &["shard limit"]],
        meaning: "The account may have no more streams or shards in this region.",
        advice: "Delete streams that nobody needs, give fewer shards (--param ShardCount=1), or ask for more in \
                 Service Quotas (`aws service-quotas list-service-quotas --service-code kinesis`).",
    },
    Cause {
        kind: Kind::Quota,
        resource: "",
        words: &[
            &["limitexceeded"],
            &["limit exceeded"],
            &["limit has been reached"],
            &["toomanybuckets"],
            &["more buckets than allowed"],
            &["quota"],
            &["exceeded the maximum number"],
            &["maximum number of"],
        ],
        meaning: "A quota of the account is used up in this region.",
        advice: "Delete what nobody needs, or ask for more in Service Quotas. `tailwater doctor` shows which quotas bite.",
    },
    Cause {
        kind: Kind::TimeOut,
        resource: "",
        words: &[
            &["timed out"],
            &["timeout"],
            &["did not stabilize"],
            &["notstabilized"],
            &["exceeded attempts to wait"],
            &["still in progress after"],
        ],
        meaning: "It was not done in the time that CloudFormation gives it.",
        advice: "Run `tailwater deploy` again. If it stays, look at the state of AWS in this region: \
                 https://health.aws.amazon.com.",
    },
    Cause {
        kind: Kind::Protected,
        resource: "",
        words: &[&["terminationprotection"], &["termination protection"]],
        meaning: "The stack is protected: someone decided that it must not be deleted.",
        advice: "If that is still to be, leave it. If not: `aws cloudformation update-termination-protection \
                 --no-enable-termination-protection --stack-name NAME`.",
    },
    Cause {
        kind: Kind::Outdated,
        resource: "",
        words: &[&["changesetnotfound"], &["invalidchangesetstatus"], &["changeset", "does not exist"]],
        meaning: "Someone else changed or deployed the stack in the meantime: what was previewed stands no more.",
        advice: "Run `tailwater deploy` again: it previews against the stack as it is now.",
    },
    Cause {
        kind: Kind::NotOffered,
        resource: "",
        words: &[
            &["unknownoperation"],
            &["invalidaction"],
            &["not implemented"],
            &["notimplemented"],
            &["unsupportedoperation"],
        ],
        meaning: "This endpoint does not offer the operation.",
        advice: "On AWS it is there. With an emulator: take a newer one, or the target `local`, which needs none.",
    },
    Cause {
        kind: Kind::Parameter,
        resource: "",
        words: &[
            &["failed to satisfy constraint"],
            &["parameter"],
            &["invalid value"],
            &["invalidargument"],
            &["invalidrequest"],
            &["malformed"],
        ],
        meaning: "A value is not one that AWS takes.",
        advice: "Give another with --param KEY=VALUE; `tailwater template` says what each parameter is for.",
    },
    Cause {
        kind: Kind::Network,
        resource: "",
        words: &[
            &["dispatch failure"],
            &["connection refused"],
            &["connection reset"],
            &["connection closed"],
            &["error trying to connect"],
            &["error sending request"],
            &["dns error"],
            &["network is unreachable"],
            &["unexpected eof"],
            &["io error"],
        ],
        meaning: "AWS could not be reached. What CloudFormation has begun goes on by itself.",
        advice: "Check the network, HTTPS_PROXY and AWS_CA_BUNDLE, then run the same command again: it attaches to what runs.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(resource_type: &str, words: &str) -> Option<Kind> {
        explain(resource_type, words).map(|explained| explained.kind)
    }

    #[test]
    fn the_words_of_aws_are_recognised() {
        // As recorded against AWS, or as its API reference and public issue threads have them.
        for (resource_type, words, wanted) in [
            (
                "AWS::Lambda::Function",
                "Resource handler returned message: \"Could not unzip uploaded file. Please check your file, then try to \
                 upload again. (Service: Lambda, Status Code: 400)\"",
                Kind::Package,
            ),
            (
                "AWS::Lambda::Function",
                "Resource handler returned message: \"Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 \
                 Error Message: The specified bucket does not exist\"",
                Kind::ArtifactGone,
            ),
            (
                "AWS::KinesisFirehose::DeliveryStream",
                "Firehose is unable to assume role arn:aws:iam::123456789012:role/r. Please check the role provided.",
                Kind::IamPropagation,
            ),
            (
                "AWS::KinesisFirehose::DeliveryStream",
                "Role arn:aws:iam::123456789012:role/r is not authorized to perform: kinesis:DescribeStream on resource \
                 arn:aws:kinesis:us-east-1:123456789012:stream/s",
                Kind::IamPropagation,
            ),
            (
                "AWS::IAM::Role",
                "API: iam:CreateRole User: arn:aws:sts::123456789012:assumed-role/dev/me is not authorized to perform: \
                 iam:CreateRole on resource: x because no permissions boundary allows the iam:CreateRole action",
                Kind::Boundary,
            ),
            (
                "AWS::IAM::Role",
                "User: x is not authorized to perform: iam:CreateRole on resource: y with an explicit deny in a service \
                 control policy",
                Kind::Organization,
            ),
            (
                "AWS::IAM::Role",
                "API: iam:CreateRole User: x is not authorized to perform: iam:CreateRole on resource: y",
                Kind::Permission,
            ),
            ("AWS::S3::Bucket", "taken-name-123 already exists", Kind::NameTaken),
            (
                "AWS::S3::Bucket",
                "A conflicting conditional operation is currently in progress against this resource. Please try again.",
                Kind::NameBusy,
            ),
            ("AWS::Kinesis::Stream", "This request would exceed the shard limit for the account", Kind::Quota),
            (
                "AWS::IAM::Role",
                "Cannot exceed quota for RolesPerAccount: 1000 (Service: Iam, Status Code: 409)",
                Kind::Quota,
            ),
            ("AWS::ApiGatewayV2::Stage", "Rate exceeded (Service: ApiGatewayV2, Status Code: 429)", Kind::Throttled),
            ("", "Throttling: Rate exceeded", Kind::Throttled),
            ("", "ExpiredToken: The security token included in the request is expired", Kind::Expired),
            ("", "SignatureDoesNotMatch: Signature expired: 20261124T000000Z is now earlier than x", Kind::Clock),
            ("", "InvalidClientTokenId: The security token included in the request is invalid.", Kind::Credentials),
            ("", "ValidationError: Role arn:aws:iam::1:role/x is invalid or cannot be assumed", Kind::ServiceRole),
            ("", "OptInRequired: The AWS Access Key Id needs a subscription for the service", Kind::Region),
            (
                "",
                "Template format error: Unrecognized resource types: [AWS::KinesisFirehose::DeliveryStream]",
                Kind::Region,
            ),
            ("AWS::Kinesis::Stream", "Exceeded attempts to wait", Kind::TimeOut),
            (
                "AWS::Kinesis::Stream",
                "Property validation failure: [The property {/Name} is required]",
                Kind::Validation,
            ),
            (
                "",
                "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]",
                Kind::Validation,
            ),
            ("AWS::Kinesis::Stream", "User: x is not authorized to perform: kms:CreateGrant on resource: y", Kind::Key),
            (
                "AWS::ApiGatewayV2::Stage",
                "Cannot enable logging. Policy document length breaking Cloudwatch Logs Constraints, either < 1 or > 5120",
                Kind::AccessLog,
            ),
            ("", "ValidationError: Parameter 'ShardCount' must be a number.", Kind::Parameter),
            ("", "dispatch failure: io error: connection refused", Kind::Network),
            ("", "InvalidAction: Could not find operation DescribeEvents", Kind::NotOffered),
        ] {
            assert_eq!(kind(resource_type, words), Some(wanted), "{words}");
        }
        assert_eq!(kind("AWS::S3::Bucket", "something that nobody knows"), None);
    }

    #[test]
    fn every_cause_says_what_it_means_and_what_to_do() {
        for cause in CAUSES {
            assert!(cause.meaning.ends_with('.') && cause.advice.ends_with('.'), "{}", cause.meaning);
            let is_lower = |part: &&str| part.chars().all(|letter| !letter.is_uppercase());
            assert!(cause.words.iter().all(|parts| parts.iter().all(is_lower)), "{:?}", cause.words);
        }
    }
}
