//! What the caller may do, action by action: simulated by IAM where that is allowed, else by calls
//! that change nothing, else not to be known.

use std::collections::BTreeMap;

use aws_sdk_iam::{
    operation::simulate_principal_policy::SimulatePrincipalPolicyError,
    types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::json;

use super::{
    actions::{Action, Resource, Why, actions},
    report::Check,
};
use crate::{
    deploy::{Planned, Request},
    target::{Kind, Target, error_text, is_unknown_operation},
};

/// The group's name in text.
const GROUP: &str = "permissions";
/// How services say that a call is not allowed.
const DENIED: [&str; 5] =
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized"];

/// How IAM says that actions cannot be simulated together, or at all (IAM API reference,
/// `SimulatePrincipalPolicy`, errors).
const INVALID: &str = "InvalidInput";

/// What is known of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Allowed,
    /// Why: `implicitDeny`, or what the call was answered.
    Denied(String),
    Unknown(String),
}

/// Whose policies are asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Principal {
    User {
        name: String,
        arn: String,
    },
    Role {
        name: String,
        arn: String,
    },
    Root,
    /// A federated user, or one that is not known.
    Other,
}

impl Principal {
    /// Of an identity's ARN. An assumed role's has no path, so the role's own is made without one; IAM
    /// is asked for the whole.
    fn of(arn: &str) -> Self {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let [_, partition, _, _, account, resource] = parts[..] else { return Self::Other };
        if resource == "root" {
            return Self::Root;
        }
        if let Some(path) = resource.strip_prefix("user/") {
            let name = path.rsplit('/').next().unwrap_or(path).to_owned();
            return Self::User { name, arn: arn.to_owned() };
        }
        match resource.strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next()) {
            Some(name) => {
                Self::Role { name: name.to_owned(), arn: format!("arn:{partition}:iam::{account}:role/{name}") }
            }
            None => Self::Other,
        }
    }
}

/// A line for each action that the deployment and its live side need.
pub async fn checks(target: &Target, request: &Request) -> Vec<Check> {
    if target.is_local() {
        return vec![Check::good(GROUP, "the embedded cloud's own key may do everything there")];
    }
    let names = Planned::of(request, target);
    let mut wanted = actions();
    let service_role = request.role_arn.as_deref();
    if service_role.is_some() {
        // What CloudFormation does is its role's to be allowed, giving it that role is the caller's.
        wanted.retain(|action| action.why != Why::Resources);
        wanted.push(Action { name: "iam:PassRole", on: Resource::ServiceRole, why: Why::Deploy });
    }
    let principal = principal(target).await;
    let verdicts = match &principal {
        Principal::Root if target.kind() == Kind::Aws => wanted.iter().map(|_| Verdict::Allowed).collect(),
        Principal::User { arn, .. } | Principal::Role { arn, .. } => {
            match simulate(target, &names, service_role, arn, &wanted).await {
                Ok(verdicts) => verdicts,
                Err(reason) => dry(target, &names, &wanted, &reason).await,
            }
        }
        Principal::Root | Principal::Other => {
            dry(target, &names, &wanted, "policies can be simulated for users and roles only").await
        }
    };
    wanted
        .iter()
        .zip(verdicts)
        .map(|(action, verdict)| {
            line(action, verdict, &principal, &action.on.arn(target, &names, service_role)).of(GROUP)
        })
        .collect()
}

async fn principal(target: &Target) -> Principal {
    let principal = Principal::of(&target.identity().arn);
    let Principal::Role { name, arn } = principal else { return principal };
    // The roles of IAM Identity Center have a path, which only IAM knows.
    let asked = target.iam().get_role().role_name(&name).send().await;
    let whole = asked.ok().and_then(|answer| Some(answer.role()?.arn().to_owned()));
    Principal::Role { arn: whole.unwrap_or(arn), name }
}

fn line(action: &Action, verdict: Verdict, principal: &Principal, arn: &str) -> Check {
    let name = format!("may {}", action.name);
    let needed = action.why.words();
    match verdict {
        Verdict::Allowed => Check::good(name, format!("needed {needed}")),
        Verdict::Unknown(reason) => Check::unknown(name, reason),
        Verdict::Denied(reason) => Check::bad(
            name,
            format!("not allowed on {arn} ({reason}); needed {needed}"),
            allow(action, &reason, principal, arn),
        ),
    }
}

/// The command that allows it, for whoever may.
fn allow(action: &Action, reason: &str, principal: &Principal, arn: &str) -> String {
    let id = action.name.replace(':', "-");
    // What AWS makes up is stood in for in the question, and has to be open in the answer.
    let stand_ins = ["FunctionRole-EXAMPLE", "EXAMPLE", "00000000-0000-0000-0000-000000000000"];
    let resource = stand_ins.iter().fold(arn.to_owned(), |arn, stand_in| arn.replace(stand_in, "*"));
    let resource = resource.replace("/functions/example.zip", "/functions/*").replace("/example", "/*");
    let resource = if resource.ends_with("/apis") { format!("{resource}*") } else { resource };
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action.name, "Resource": resource}],
    });
    let put = |kind: &str, name: &str| {
        format!(
            "aws iam put-{kind}-policy --{kind}-name {name} --policy-name tailwater-{id} --policy-document '{policy}'"
        )
    };
    match principal {
        // A deny outweighs what is allowed beside it.
        _ if reason.starts_with("explicitDeny") || reason.contains("organization") || reason.contains("boundary") => {
            format!("echo 'Ask an administrator: {} is denied by a policy above yours ({reason})'", action.name)
        }
        Principal::User { name, .. } => put("user", name),
        Principal::Role { name, .. } if name.starts_with("AWSReservedSSO_") => {
            format!("echo 'Ask an administrator of IAM Identity Center to add to your permission set: {policy}'")
        }
        Principal::Role { name, .. } => put("role", name),
        Principal::Root | Principal::Other => format!("echo 'Ask an administrator to allow: {policy}'"),
    }
}

/// Asks IAM what the principal's policies say: one request for the actions on one resource.
async fn simulate(
    target: &Target,
    names: &Planned,
    service_role: Option<&str>,
    principal: &str,
    wanted: &[Action],
) -> Result<Vec<Verdict>, String> {
    let mut by_resource: BTreeMap<Resource, Vec<&'static str>> = BTreeMap::new();
    for action in wanted {
        by_resource.entry(action.on).or_default().push(action.name);
    }
    let mut left: Vec<(Resource, Vec<&'static str>)> = by_resource.into_iter().collect();
    let mut decided: BTreeMap<(Resource, String), Verdict> = BTreeMap::new();
    while let Some((resource, actions)) = left.pop() {
        match simulate_on(target, principal, resource, &resource.arn(target, names, service_role), &actions).await {
            Ok(verdicts) => decided.extend(verdicts.into_iter().map(|(name, verdict)| ((resource, name), verdict))),
            // IAM takes only actions together that want the same facts of a request.
            Err(error) if error.code() == Some(INVALID) && actions.len() > 1 => {
                left.extend(actions.iter().map(|name| (resource, vec![*name])));
            }
            Err(error) if error.code() == Some(INVALID) => {
                let reason = format!("simulated it with IAM: {}", error_text(&error));
                decided.extend(
                    actions.iter().map(|name| ((resource, (*name).to_owned()), Verdict::Unknown(reason.clone()))),
                );
            }
            Err(error) => return Err(no_simulation(target, &error)),
        }
    }
    Ok(wanted
        .iter()
        .map(|action| {
            let known = decided.get(&(action.on, action.name.to_owned()));
            known.cloned().unwrap_or_else(|| Verdict::Unknown("IAM's simulation did not say".to_owned()))
        })
        .collect())
}

/// Asks about actions on one resource; gives what was decided by the actions' names.
async fn simulate_on(
    target: &Target,
    principal: &str,
    resource: Resource,
    arn: &str,
    actions: &[&'static str],
) -> Result<Vec<(String, Verdict)>, SdkError<SimulatePrincipalPolicyError, HttpResponse>> {
    let context = |key: &str, value: &str| {
        ContextEntry::builder()
            .context_key_name(key)
            .context_key_type(ContextKeyTypeEnum::String)
            .context_key_values(value)
            .build()
    };
    let client = target.iam();
    let mut decided = Vec::new();
    let mut marker = None;
    loop {
        let mut call = client
            .simulate_principal_policy()
            .policy_source_arn(principal)
            .resource_arns(arn)
            .context_entries(context("aws:RequestedRegion", target.region()))
            .set_action_names(Some(actions.iter().map(|name| (*name).to_owned()).collect()))
            .set_marker(marker);
        let passed_to = match resource {
            Resource::Role => Some("lambda.amazonaws.com"),
            Resource::ServiceRole => Some("cloudformation.amazonaws.com"),
            _ => None,
        };
        if let Some(service) = passed_to {
            call = call.context_entries(context("iam:PassedToService", service));
        }
        let answer = call.send().await?;
        decided.extend(
            answer.evaluation_results().iter().map(|result| (result.eval_action_name().to_owned(), decision(result))),
        );
        marker = answer.marker().map(str::to_owned).filter(|_| answer.is_truncated());
        if marker.is_none() {
            return Ok(decided);
        }
    }
}

fn decision(result: &EvaluationResult) -> Verdict {
    let decision = result.eval_decision();
    if *decision == PolicyEvaluationDecisionType::Allowed {
        return Verdict::Allowed;
    }
    let by_organization =
        result.organizations_decision_detail().is_some_and(|detail| !detail.allowed_by_organizations());
    let by_boundary =
        result.permissions_boundary_decision_detail().is_some_and(|detail| !detail.allowed_by_permissions_boundary());
    let whose = match (by_organization, by_boundary) {
        (true, _) => ", by the organization",
        (false, true) => ", by the permissions boundary",
        (false, false) => "",
    };
    Verdict::Denied(format!("{}{whose}", decision.as_str()))
}

fn no_simulation<E>(target: &Target, error: &SdkError<E, HttpResponse>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    target.lacks("iam:SimulatePrincipalPolicy", error).unwrap_or_else(|| {
        if error.code().is_some_and(|code| DENIED.contains(&code)) {
            "iam:SimulatePrincipalPolicy is not allowed, which could tell".to_owned()
        } else {
            format!("simulated it with IAM: {}", error_text(error))
        }
    })
}

/// Tries what changes nothing; of the rest nothing is known.
async fn dry(target: &Target, names: &Planned, wanted: &[Action], reason: &str) -> Vec<Verdict> {
    let tried = futures::future::join_all(wanted.iter().map(|action| try_out(target, names, action))).await;
    tried.into_iter().map(|tried| tried.unwrap_or_else(|| Verdict::Unknown(reason.to_owned()))).collect()
}

/// A call that only reads. That what it asks for is not there shows that it was allowed to ask.
async fn try_out(target: &Target, names: &Planned, action: &Action) -> Option<Verdict> {
    let group = &names.log_groups[0];
    Some(match (action.name, action.on) {
        ("cloudformation:DescribeStacks", _) => {
            verdict(target, action, target.cloudformation().describe_stacks().stack_name(&names.stack).send().await)
        }
        ("cloudformation:DescribeStackEvents", _) => {
            let call = target.cloudformation().describe_stack_events().stack_name(&names.stack);
            verdict(target, action, call.send().await)
        }
        ("cloudformation:ListStackResources", _) => {
            let call = target.cloudformation().list_stack_resources().stack_name(&names.stack);
            verdict(target, action, call.send().await)
        }
        ("kinesis:DescribeStreamSummary", _) => {
            let call = target.kinesis().describe_stream_summary().stream_name(&names.stream);
            verdict(target, action, call.send().await)
        }
        ("kinesis:ListShards", _) => {
            verdict(target, action, target.kinesis().list_shards().stream_name(&names.stream).send().await)
        }
        ("firehose:DescribeDeliveryStream", _) => {
            let name = format!("{}-DeliveryStream-EXAMPLE", names.stack);
            let call = target.firehose().describe_delivery_stream().delivery_stream_name(name);
            verdict(target, action, call.send().await)
        }
        ("logs:DescribeLogGroups", _) => {
            verdict(target, action, target.logs().describe_log_groups().log_group_name_prefix(group).send().await)
        }
        ("logs:FilterLogEvents", _) => {
            verdict(target, action, target.logs().filter_log_events().log_group_name(group).limit(1).send().await)
        }
        ("lambda:GetFunction", _) => {
            verdict(target, action, target.lambda().get_function().function_name(&names.function).send().await)
        }
        ("iam:GetRole", _) => {
            let name = format!("{}-FunctionRole-EXAMPLE", names.stack);
            verdict(target, action, target.iam().get_role().role_name(name).send().await)
        }
        ("s3:ListBucket", on) => {
            let bucket = if on == Resource::Artifacts { &names.artifacts } else { &names.bucket };
            verdict(target, action, target.s3().list_objects_v2().bucket(bucket).max_keys(1).send().await)
        }
        _ => return None,
    })
}

/// Codes of answers that come before anything is decided: they tell nothing of what is allowed.
const UNDECIDED: [&str; 8] = [
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "InternalFailure",
    "InternalError",
    "ExpiredToken",
];

fn verdict<O, E>(target: &Target, action: &Action, result: Result<O, SdkError<E, HttpResponse>>) -> Verdict
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let Err(error) = result else { return Verdict::Allowed };
    if target.kind() != Kind::Aws && is_unknown_operation(&error) {
        return Verdict::Unknown(format!("this endpoint does not offer {}", action.name));
    }
    match error.code() {
        Some(code) if DENIED.contains(&code) => Verdict::Denied(error_text(&error)),
        Some(code) if !UNDECIDED.contains(&code) => Verdict::Allowed,
        _ => Verdict::Unknown(format!("tried it: {}", error_text(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_of_an_assumed_role_are_the_roles() {
        assert_eq!(
            Principal::of("arn:aws-cn:sts::111122223333:assumed-role/Admin/me@example.com"),
            Principal::Role { name: "Admin".to_owned(), arn: "arn:aws-cn:iam::111122223333:role/Admin".to_owned() }
        );
        let arn = "arn:aws:iam::111122223333:user/team/ann";
        assert_eq!(Principal::of(arn), Principal::User { name: "ann".to_owned(), arn: arn.to_owned() });
        assert_eq!(Principal::of("arn:aws:iam::111122223333:root"), Principal::Root);
        assert_eq!(Principal::of("arn:aws:sts::111122223333:federated-user/ann"), Principal::Other);
        assert_eq!(Principal::of("ann"), Principal::Other);
    }

    #[test]
    fn what_denies_it_decides_who_can_mend_it() {
        let action = Action { name: "kinesis:CreateStream", on: Resource::Stream, why: Why::Resources };
        let user = Principal::User { name: "ann".to_owned(), arn: String::new() };
        let fix = |reason: &str, principal: &Principal| allow(&action, reason, principal, "arn:aws:kinesis:::x");
        assert!(fix("implicitDeny", &user).starts_with("aws iam put-user-policy --user-name ann "));
        assert!(fix("explicitDeny", &user).starts_with("echo "));
        assert!(fix("implicitDeny, by the organization", &user).starts_with("echo "));
        let sso = Principal::Role { name: "AWSReservedSSO_Dev_0a".to_owned(), arn: String::new() };
        assert!(fix("implicitDeny", &sso).contains("permission set"));
    }
}
