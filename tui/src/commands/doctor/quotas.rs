//! The quotas of an account that stop a deployment, or make it stutter.

use tailwater_core::text::number;

use super::report::{Check, same_place_of_aws};
use crate::{
    deploy::Request,
    target::{Target, error_text},
};

/// What an account has at first, and what Lambda always keeps for functions without a reservation
/// is a multiple of it (Lambda Developer Guide, "Lambda quotas"): fewer make a small pipeline stutter.
const LEAST_CONCURRENCY: i32 = 10;
/// Roles that the template makes.
const ROLES: i32 = 2;
/// Room for a package and its next.
const CODE_BYTES: i64 = 100 * 1024 * 1024;

/// Looks at each quota. `exists`: the stack is there, so that what it takes is counted already.
pub async fn checks(target: &Target, request: &Request, exists: bool) -> Vec<Check> {
    let shards = request.parameters.iter().find(|(key, _)| key == "ShardCount");
    let shards = shards.and_then(|(_, value)| value.parse().ok()).unwrap_or(1);
    let needed = if exists { 0 } else { shards };
    let (shards, lambda, roles) =
        tokio::join!(self::shards(target, needed), lambda(target), roles(target, if exists { 0 } else { ROLES }));
    let mut checks = vec![shards];
    checks.extend(lambda);
    checks.push(roles);
    checks
}

fn raise(service: &str, place: &str) -> String {
    format!(
        "aws service-quotas list-service-quotas --service-code {service}{place} --output table  # then \
         request-service-quota-increase with the quota's code"
    )
}

async fn shards(target: &Target, needed: i32) -> Check {
    let asked = match target.kinesis().describe_limits().send().await {
        Ok(asked) => asked,
        Err(error) => {
            let lacks = target.lacks("kinesis:DescribeLimits", &error);
            return Check::unknown("shards", lacks.unwrap_or_else(|| format!("asked: {}", error_text(&error))));
        }
    };
    let (limit, open) = (asked.shard_limit(), asked.open_shard_count());
    let whole = format!("{open} of {limit} are open in {}, {needed} more are needed", target.region());
    if limit - open >= needed {
        Check::good("shards", whole)
    } else {
        Check::bad("shards", whole, raise("kinesis", &same_place_of_aws(target)))
    }
}

async fn lambda(target: &Target) -> Vec<Check> {
    let asked = match target.lambda().get_account_settings().send().await {
        Ok(asked) => asked,
        Err(error) => {
            let lacks = target.lacks("lambda:GetAccountSettings", &error);
            let reason = lacks.unwrap_or_else(|| format!("asked: {}", error_text(&error)));
            return vec![Check::unknown("concurrency", reason.clone()), Check::unknown("code storage", reason)];
        }
    };
    let limit = asked.account_limit();
    let concurrency = match limit.and_then(aws_sdk_lambda::types::AccountLimit::unreserved_concurrent_executions) {
        None => Check::unknown("concurrency", "Lambda did not say how many executions are free"),
        Some(free) if free < LEAST_CONCURRENCY => Check::bad(
            "concurrency",
            format!("{free} executions at once are not reserved; fewer than {LEAST_CONCURRENCY} refuse events (503)"),
            raise("lambda", &same_place_of_aws(target)),
        ),
        Some(free) => Check::good("concurrency", format!("{free} executions at once are free")),
    };
    let total = limit.map(aws_sdk_lambda::types::AccountLimit::total_code_size);
    let used = asked.account_usage().map(aws_sdk_lambda::types::AccountUsage::total_code_size);
    let storage = match (total, used) {
        (Some(total), Some(used)) if total > 0 => {
            let size = |bytes: i64| number::size(u64::try_from(bytes).unwrap_or_default());
            let whole = format!("{} of {} are used", size(used), size(total));
            if total - used < CODE_BYTES {
                Check::bad("code storage", whole, raise("lambda", &same_place_of_aws(target)))
            } else {
                Check::good("code storage", whole)
            }
        }
        _ => Check::unknown("code storage", "Lambda did not say how much code the account has"),
    };
    vec![concurrency, storage]
}

async fn roles(target: &Target, needed: i32) -> Check {
    if target.is_local() {
        return Check::good("roles", "the embedded cloud sets no limit");
    }
    let asked = match target.iam().get_account_summary().send().await {
        Ok(asked) => asked,
        Err(error) => {
            let lacks = target.lacks("iam:GetAccountSummary", &error);
            return Check::unknown("roles", lacks.unwrap_or_else(|| format!("asked: {}", error_text(&error))));
        }
    };
    // The SDK's model does not name these two, IAM sends them all the same.
    let figure = |name: &str| asked.summary_map()?.get(&name.into()).copied();
    match (figure("Roles"), figure("RolesQuota")) {
        (Some(there), Some(quota)) => {
            let whole = format!("{there} of {quota} are there, {needed} more are needed");
            if quota - there >= needed {
                Check::good("roles", whole)
            } else {
                Check::bad("roles", whole, raise("iam", " --region us-east-1"))
            }
        }
        _ => Check::unknown("roles", "IAM did not say how many there are and may be"),
    }
}
