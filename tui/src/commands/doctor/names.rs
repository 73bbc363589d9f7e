//! Whether the names that a deployment takes are free, or its own already.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::report::{Check, same_place, same_place_of_aws};
use crate::{
    deploy::{Action, DeployError, Planned, Request, Stack, action},
    target::{Target, error_text},
};

/// Looks at each name.
pub async fn checks(target: &Target, request: &Request, stack: &Result<Option<Stack>, DeployError>) -> Vec<Check> {
    let names = Planned::of(request, target);
    let own = stack.as_ref().ok().and_then(Option::as_ref);
    let mut checks = vec![self::stack(&names, stack, &same_place(target))];
    let (stream, bucket, function, groups, artifacts) = tokio::join!(
        stream(target, &names, own),
        bucket(target, &names, own),
        function(target, &names, own),
        log_groups(target, &names, own),
        artifacts(target, &names),
    );
    checks.extend([stream, bucket, function, groups, artifacts]);
    checks
}

fn stack(names: &Planned, stack: &Result<Option<Stack>, DeployError>, place: &str) -> Check {
    let name = &names.stack;
    match stack {
        Err(error) => Check::unknown("stack name", error.to_string()),
        Ok(None) => Check::good("stack name", format!("{name} is free")),
        Ok(Some(stack)) if !stack.own => Check::bad(
            "stack name",
            format!("{name} is in {} and was not made by Tailwater: it is only watched", stack.status),
            format!("tailwater deploy{place} --stack-name {name}-2"),
        ),
        Ok(Some(stack)) => match action(Some(&stack.status)) {
            Action::Refuse(advice) if !stack.status.in_progress() => Check::bad(
                "stack name",
                format!("{name} is in {}, from which nothing can be deployed: {advice}", stack.status),
                format!("tailwater destroy{place} --stack-name {name}"),
            ),
            _ => Check::good("stack name", format!("{name} is Tailwater's own, in {}", stack.status)),
        },
    }
}

/// What a lookup of a name told.
enum Found {
    Free,
    There,
    Unknown(String),
}

fn found<O, E>(
    target: &Target,
    operation: &str,
    result: &Result<O, SdkError<E, HttpResponse>>,
    absent: &[&str],
) -> Found
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let Err(error) = result else { return Found::There };
    if error.code().is_some_and(|code| absent.contains(&code)) {
        return Found::Free;
    }
    Found::Unknown(target.lacks(operation, error).unwrap_or_else(|| format!("asked: {}", error_text(error))))
}

/// Whether the stack that is there has this name among its outputs.
fn has(own: Option<&Stack>, output: &str, name: &str) -> bool {
    own.is_some_and(|stack| stack.outputs.iter().any(|(key, value)| key == output && value == name))
}

async fn stream(target: &Target, names: &Planned, own: Option<&Stack>) -> Check {
    let name = &names.stream;
    let asked = target.kinesis().describe_stream_summary().stream_name(name).send().await;
    match found(target, "kinesis:DescribeStreamSummary", &asked, &["ResourceNotFoundException"]) {
        Found::Free => Check::good("stream name", format!("{name} is free")),
        Found::There if has(own, "StreamName", name) => Check::good("stream name", format!("{name} is the stack's")),
        Found::There => Check::bad(
            "stream name",
            format!("there is a stream {name} already, which is not this stack's"),
            format!("tailwater deploy{} --param StreamName={name}-2", same_place(target)),
        ),
        Found::Unknown(reason) => Check::unknown("stream name", reason),
    }
}

async fn function(target: &Target, names: &Planned, own: Option<&Stack>) -> Check {
    let name = &names.function;
    let asked = target.lambda().get_function_configuration().function_name(name).send().await;
    match found(target, "lambda:GetFunctionConfiguration", &asked, &["ResourceNotFoundException"]) {
        Found::Free => Check::good("function name", format!("{name} is free")),
        Found::There if has(own, "FunctionName", name) => {
            Check::good("function name", format!("{name} is the stack's"))
        }
        Found::There => Check::bad(
            "function name",
            format!("there is a function {name} already, which is not this stack's"),
            format!("tailwater deploy{} --stack-name {}-2", same_place(target), names.stack),
        ),
        Found::Unknown(reason) => Check::unknown("function name", reason),
    }
}

/// Groups that are there without a stack: Lambda makes the function's again when it is called late.
async fn log_groups(target: &Target, names: &Planned, own: Option<&Stack>) -> Check {
    if own.is_some() {
        return Check::good("log groups", "they are the stack's");
    }
    for name in &names.log_groups {
        let asked = target.logs().describe_log_groups().log_group_name_prefix(name).send().await;
        match asked {
            Ok(answer) => {
                if answer.log_groups().iter().any(|group| group.log_group_name() == Some(name)) {
                    return Check::bad(
                        "log groups",
                        format!("the log group {name} is left from before: CloudFormation cannot make it"),
                        format!("aws logs delete-log-group --log-group-name {name}{}", same_place_of_aws(target)),
                    );
                }
            }
            Err(error) => {
                let lacks = target.lacks("logs:DescribeLogGroups", &error);
                return Check::unknown("log groups", lacks.unwrap_or_else(|| format!("asked: {}", error_text(&error))));
            }
        }
    }
    Check::good("log groups", "their names are free")
}

/// What S3 says of a bucket's name (`HeadBucket` has no body: the status is all there is).
async fn head(target: &Target, bucket: &str) -> Result<(), (Option<u16>, String)> {
    let asked = target.s3().head_bucket().bucket(bucket).expected_bucket_owner(target.account_id()).send().await;
    match asked {
        Ok(_) => Ok(()),
        Err(error) => Err((error.raw_response().map(|answer| answer.status().as_u16()), error_text(&error))),
    }
}

async fn bucket(target: &Target, names: &Planned, own: Option<&Stack>) -> Check {
    let name = &names.bucket;
    match head(target, name).await {
        Err((Some(404), _)) => Check::good("bucket name", format!("{name} is free")),
        Ok(()) if has(own, "BucketName", name) => Check::good("bucket name", format!("{name} is the stack's")),
        Ok(()) => Check::unknown(
            "bucket name",
            format!(
                "{name} is there and no stack's: one that `destroy --keep-data` left, or someone made. A deployment \
                 takes back what is its own and refuses the rest"
            ),
        )
        .with_fix(format!("tailwater deploy{} --dry-run --stack-name {}", same_place(target), names.stack)),
        Err((Some(403 | 301), _)) => Check::bad(
            "bucket name",
            format!("{name} is taken by another account, or these credentials may not look at it"),
            format!("tailwater deploy{} --param BucketBaseName={}", same_place(target), names.other_bucket_base()),
        ),
        Err((_, error)) => Check::unknown("bucket name", format!("asked: {error}")),
    }
}

async fn artifacts(target: &Target, names: &Planned) -> Check {
    let name = &names.artifacts;
    match head(target, name).await {
        Ok(()) => Check::good("packages", format!("{name} is there, and this account's")),
        Err((Some(404), _)) => Check::good("packages", format!("{name} is free: the first deployment makes it")),
        Err((Some(403 | 301), _)) => Check::bad(
            "packages",
            format!("{name} is taken by another account, or these credentials may not look at it"),
            format!(
                "aws s3 mb s3://{0}{1} && tailwater deploy{2} --param ArtifactBucket={0}",
                names.other_artifacts(),
                same_place_of_aws(target),
                same_place(target)
            ),
        ),
        Err((_, error)) => Check::unknown("packages", format!("asked: {error}")),
    }
}
