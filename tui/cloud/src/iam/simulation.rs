//! `SimulatePrincipalPolicy`: what the identity policies of a role allow. Nothing here enforces them;
//! this tells what AWS would decide.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    managed,
    policy::{check_identity_policy, matches_wildcard, one_or_many, statements},
    role::Role,
    roles::{Roles, no_such_role, page, with_marker},
};
use crate::wire::{Input, ServiceError, ServiceResult};

/// Context keys of a request with their values, the keys in small letters.
type Context = BTreeMap<String, Vec<String>>;

/// One policy to evaluate.
struct Policy {
    /// As `MatchedStatements` names it.
    id: String,
    statements: Vec<Map<String, Value>>,
}

impl Policy {
    fn parse(id: String, text: &str) -> ServiceResult<Self> {
        check_identity_policy(text)?;
        Ok(Self { id, statements: statements(text)? })
    }

    /// One that AWS manages. What this cloud does not know the document of cannot be evaluated.
    fn managed(arn: &str) -> ServiceResult<Self> {
        let document = managed::document(arn).ok_or_else(|| {
            ServiceError::new(
                500,
                "PolicyEvaluation",
                format!("The embedded cloud does not know what the managed policy {arn} allows, so it cannot tell."),
            )
        })?;
        Self::parse(arn.rsplit('/').next().unwrap_or(arn).to_owned(), document)
    }
}

/// What is asked: one action on one resource.
struct Question<'a> {
    action: &'a str,
    resource: &'a str,
    context: &'a Context,
}

/// What a set of policies says.
#[derive(Default)]
struct Verdict {
    /// Ids of the policies that allow it.
    allowed: Vec<String>,
    /// Ids of the policies that deny it.
    denied: Vec<String>,
    /// Context keys that would have been needed.
    missing: BTreeSet<String>,
}

impl Roles {
    /// Carries `SimulatePrincipalPolicy` out.
    pub fn simulate(&self, mut input: Input) -> ServiceResult {
        let source = input.required("PolicySourceArn")?;
        let actions = input.strings("ActionNames")?;
        let mut resources = input.strings("ResourceArns")?;
        let further = input.strings("PolicyInputList")?;
        let context = context(input.list("ContextEntries")?);
        if actions.is_empty() {
            return Err(ServiceError::bad_request(
                "ValidationError",
                "1 validation error detected: Value null at 'actionNames' failed to satisfy constraint: Member must \
                 not be null",
            ));
        }
        if let Some(wrong) = actions.iter().find(|action| !action.contains(':')) {
            return Err(invalid_input(&format!("Invalid Action Name: {wrong}")));
        }
        if resources.is_empty() {
            resources.push("*".to_owned());
        }
        let role = self.source(&source)?;
        let mut policies = policies(role)?;
        for (index, text) in further.iter().enumerate() {
            policies.push(Policy::parse(format!("PolicyInputList.{}", index + 1), text)?);
        }
        let boundary = role.permissions_boundary.as_deref().map(Policy::managed).transpose()?;
        let mut results = Vec::new();
        for action in &actions {
            for resource in &resources {
                let question = Question { action, resource, context: &context };
                results.push(result(&question, &policies, boundary.as_ref()));
            }
        }
        let (results, marker) =
            page(&mut input, results, |result| format!("{} {}", result["EvalActionName"], result["EvalResourceName"]))?;
        input.finish()?;
        Ok(with_marker(json!({"EvaluationResults": results}), marker))
    }

    /// The role whose policies are asked for. The account itself has none that could be looked at.
    fn source(&self, arn: &str) -> ServiceResult<&Role> {
        if !arn.contains(":role/") {
            return Err(invalid_input(&format!(
                "Invalid Entity Arn: {arn} does not clearly define entity type and name."
            )));
        }
        self.by_arn(arn).ok_or_else(|| no_such_role(super::role_name(arn)))
    }
}

fn policies(role: &Role) -> ServiceResult<Vec<Policy>> {
    let inline = role.inline.iter().map(|(name, text)| Policy::parse(format!("role_{}_{name}", role.name), text));
    inline.chain(role.attached.iter().map(|arn| Policy::managed(arn))).collect()
}

fn context(entries: Vec<Value>) -> Context {
    let entries = entries.into_iter().filter_map(|entry| {
        let key = entry["ContextKeyName"].as_str()?.to_ascii_lowercase();
        let values = one_or_many(&entry["ContextKeyValues"]).into_iter().map(str::to_owned).collect();
        Some((key, values))
    });
    entries.collect()
}

fn result(question: &Question<'_>, policies: &[Policy], boundary: Option<&Policy>) -> Value {
    let verdict = judge(question, policies);
    let bounded = boundary.map(|boundary| judge(question, std::slice::from_ref(boundary)));
    let within = bounded.as_ref().is_none_or(|bounded| bounded.denied.is_empty() && !bounded.allowed.is_empty());
    let denies = !verdict.denied.is_empty() || bounded.as_ref().is_some_and(|bounded| !bounded.denied.is_empty());
    let (decision, matched) = match (denies, verdict.allowed.is_empty() || !within) {
        (true, _) => ("explicitDeny", &verdict.denied),
        (false, false) => ("allowed", &verdict.allowed),
        (false, true) => ("implicitDeny", &verdict.denied),
    };
    let matched: Vec<Value> =
        matched.iter().map(|id| json!({"SourcePolicyId": id, "SourcePolicyType": "IAM Policy"})).collect();
    let mut result = json!({
        "EvalActionName": question.action,
        "EvalResourceName": question.resource,
        "EvalDecision": decision,
        "MatchedStatements": matched,
        "MissingContextValues": verdict.missing,
    });
    if boundary.is_some() {
        result["PermissionsBoundaryDecisionDetail"] = json!({"AllowedByPermissionsBoundary": within});
    }
    result
}

fn judge(question: &Question<'_>, policies: &[Policy]) -> Verdict {
    let mut verdict = Verdict::default();
    for policy in policies {
        for statement in &policy.statements {
            if !is_about(statement, question) || !conditions_hold(statement, question.context, &mut verdict.missing) {
                continue;
            }
            match statement.get("Effect").and_then(Value::as_str) {
                Some("Deny") => verdict.denied.push(policy.id.clone()),
                _ => verdict.allowed.push(policy.id.clone()),
            }
        }
    }
    verdict
}

fn is_about(statement: &Map<String, Value>, question: &Question<'_>) -> bool {
    let action = question.action.to_ascii_lowercase();
    let names_action = |patterns: &Value| {
        one_or_many(patterns).iter().any(|pattern| matches_wildcard(&pattern.to_ascii_lowercase(), &action))
    };
    let names_resource =
        |patterns: &Value| one_or_many(patterns).iter().any(|pattern| matches_wildcard(pattern, question.resource));
    let about_action = match (statement.get("Action"), statement.get("NotAction")) {
        (Some(patterns), _) => names_action(patterns),
        (None, Some(patterns)) => !names_action(patterns),
        (None, None) => false,
    };
    let about_resource = match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(patterns), _) => names_resource(patterns),
        (None, Some(patterns)) => !names_resource(patterns),
        (None, None) => false,
    };
    about_action && about_resource
}

fn conditions_hold(statement: &Map<String, Value>, context: &Context, missing: &mut BTreeSet<String>) -> bool {
    let Some(operators) = statement.get("Condition").and_then(Value::as_object) else { return true };
    let mut holds = true;
    for (operator, keys) in operators {
        for (key, wanted) in keys.as_object().into_iter().flatten() {
            let values = context.get(&key.to_ascii_lowercase());
            if values.is_none() {
                missing.insert(key.clone());
            }
            holds &= condition_holds(operator, &texts(wanted), values.map(Vec::as_slice));
        }
    }
    holds
}

/// The values of a condition, which may be written as numbers or booleans.
fn texts(wanted: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match wanted {
        Value::Array(items) => items.iter().map(text).collect(),
        value => vec![text(value)],
    }
}

/// One key of one operator; an operator that is not known here never holds.
fn condition_holds(operator: &str, wanted: &[String], values: Option<&[String]>) -> bool {
    let operator = operator.split_once(':').map_or(operator, |(_, operator)| operator);
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    if operator == "Null" {
        let wants_absent = wanted.iter().any(|text| text == "true");
        return wants_absent == values.is_none();
    }
    let negated = operator.contains("Not");
    let Some(values) = values else { return if_exists || negated };
    let is: fn(&str, &str) -> bool = match operator.replace("Not", "").as_str() {
        "StringEquals" | "NumericEquals" | "DateEquals" => |wanted, value| wanted == value,
        "StringEqualsIgnoreCase" | "Bool" => |wanted, value| wanted.eq_ignore_ascii_case(value),
        "StringLike" | "ArnEquals" | "ArnLike" => |wanted, value| matches_wildcard(wanted, value),
        _ => return false,
    };
    let any = values.iter().any(|value| wanted.iter().any(|wanted| is(wanted, value)));
    any != negated
}

fn invalid_input(message: &str) -> ServiceError {
    ServiceError::bad_request("InvalidInput", message)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn decide(document: &Value, action: &str, resource: &str, context: &[(&str, &str)]) -> String {
        let policy = Policy::parse("p".to_owned(), &document.to_string()).unwrap();
        let context: Context =
            context.iter().map(|(key, value)| (key.to_ascii_lowercase(), vec![(*value).to_owned()])).collect();
        let question = Question { action, resource, context: &context };
        result(&question, &[policy], None)["EvalDecision"].as_str().unwrap().to_owned()
    }

    #[rstest]
    #[case("s3:GetObject", "arn:aws:s3:::b/k", "allowed")]
    #[case("S3:getobject", "arn:aws:s3:::b/k", "allowed")]
    #[case("s3:GetObject", "arn:aws:s3:::other/k", "implicitDeny")]
    #[case("s3:PutObject", "arn:aws:s3:::b/k", "implicitDeny")]
    #[case("s3:GetObject", "arn:aws:s3:::b/secret", "explicitDeny")]
    #[case("kinesis:PutRecord", "*", "implicitDeny")]
    fn statements_decide(#[case] action: &str, #[case] resource: &str, #[case] decision: &str) {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::b/*"},
            {"Effect": "Deny", "NotAction": "kinesis:*", "Resource": "arn:aws:s3:::b/secret"},
        ]});
        assert_eq!(decide(&document, action, resource, &[]), decision);
    }

    #[rstest]
    #[case(json!({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}), &[], "implicitDeny")]
    #[case(json!({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
        &[("iam:PassedToService", "lambda.amazonaws.com")], "allowed")]
    #[case(json!({"StringNotLike": {"aws:PrincipalArn": "*admin*"}}), &[("aws:PrincipalArn", "an-admin")], "implicitDeny")]
    #[case(json!({"StringNotLike": {"aws:PrincipalArn": "*admin*"}}), &[], "allowed")]
    #[case(json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": true}}), &[], "allowed")]
    #[case(json!({"Null": {"aws:TokenIssueTime": "true"}}), &[], "allowed")]
    #[case(json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), &[("aws:SourceIp", "10.0.0.1")], "implicitDeny")]
    fn conditions_need_their_keys(#[case] condition: Value, #[case] context: &[(&str, &str)], #[case] decision: &str) {
        let document = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*", "Condition": condition,
        }});
        assert_eq!(decide(&document, "iam:PassRole", "*", context), decision);
    }
}
