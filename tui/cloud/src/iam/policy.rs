//! Policy documents: what IAM accepts as one, and who may assume a role.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use serde_json::{Map, Value};

use crate::{
    Place,
    wire::{ServiceError, ServiceResult},
};

/// Who asks for a role.
pub(super) enum Assumer<'a> {
    /// A service, by its principal: `lambda.amazonaws.com`.
    Service(&'a str),
    /// An identity of the account, by its ARN, with the external id it sent.
    Identity { arn: &'a str, external_id: Option<&'a str> },
}

/// A role's trust policy.
#[derive(Debug, Clone)]
pub(super) struct TrustPolicy {
    text: String,
    statements: Vec<Map<String, Value>>,
}

impl TrustPolicy {
    /// Reads a role's `AssumeRolePolicyDocument`; `MalformedPolicyDocument` where it is none.
    pub fn parse(text: &str) -> ServiceResult<Self> {
        let statements = statements(text)?;
        for statement in &statements {
            if statement.contains_key("Resource") || statement.contains_key("NotResource") {
                return Err(malformed("Has prohibited field Resource"));
            }
            if !statement.contains_key("Principal") && !statement.contains_key("NotPrincipal") {
                return Err(malformed("Missing required field Principal"));
            }
            let actions = one_or_many(statement.get("Action").unwrap_or(&Value::Null));
            if actions.is_empty() {
                return Err(malformed("Missing required field Action"));
            }
            if actions.iter().any(|action| *action != "*" && !action.to_ascii_lowercase().starts_with("sts:")) {
                return Err(malformed("AssumeRole policy may only specify STS AssumeRole actions."));
            }
            principals_are_known(statement)?;
        }
        Ok(Self { text: text.to_owned(), statements })
    }

    /// The document as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether `assumer` may assume the role: some statement allows it and none denies it.
    pub fn allows(&self, place: &Place, assumer: &Assumer<'_>) -> bool {
        let decides = |effect: &str| {
            self.statements.iter().any(|statement| {
                statement.get("Effect").and_then(Value::as_str) == Some(effect) && applies(statement, place, assumer)
            })
        };
        decides("Allow") && !decides("Deny")
    }
}

/// Checks a policy that says what an identity may do; `MalformedPolicyDocument` where it is none.
pub(super) fn check_identity_policy(text: &str) -> ServiceResult<()> {
    for statement in statements(text)? {
        if statement.contains_key("Principal") || statement.contains_key("NotPrincipal") {
            return Err(malformed("Policy document should not specify a principal."));
        }
        if !statement.contains_key("Action") && !statement.contains_key("NotAction") {
            return Err(malformed("Policy statement must contain actions."));
        }
        if !statement.contains_key("Resource") && !statement.contains_key("NotResource") {
            return Err(malformed("Policy statement must contain resources."));
        }
        let actions = one_or_many(statement.get("Action").or(statement.get("NotAction")).unwrap_or(&Value::Null));
        if actions.iter().any(|action| *action != "*" && !action.contains(':')) {
            return Err(malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."));
        }
    }
    Ok(())
}

/// Checks a policy that says who may do what with a resource; `MalformedPolicyDocument` where it is
/// none.
pub(crate) fn check_resource_policy(text: &str) -> ServiceResult<()> {
    for statement in statements(text)? {
        principals_are_known(&statement)?;
        if !statement.contains_key("Action") && !statement.contains_key("NotAction") {
            return Err(malformed("Policy statement must contain actions."));
        }
        if !statement.contains_key("Resource") && !statement.contains_key("NotResource") {
            return Err(malformed("Policy statement must contain resources."));
        }
    }
    Ok(())
}

/// The statements of a document, each checked for what every policy needs.
pub(super) fn statements(text: &str) -> ServiceResult<Vec<Map<String, Value>>> {
    let document: Value = serde_json::from_str(text).map_err(|_| malformed("This policy contains invalid Json"))?;
    let Value::Object(mut document) = document else {
        return Err(malformed("Syntax errors in policy."));
    };
    if let Some(version) = document.get("Version")
        && !matches!(version.as_str(), Some("2012-10-17" | "2008-10-17"))
    {
        return Err(malformed("Syntax errors in policy."));
    }
    if document.keys().any(|name| !matches!(name.as_str(), "Version" | "Id" | "Statement")) {
        return Err(malformed("Syntax errors in policy."));
    }
    let statements = match document.remove("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => statements,
        Some(statement @ Value::Object(_)) => vec![statement],
        _ => return Err(malformed("Syntax errors in policy.")),
    };
    statements
        .into_iter()
        .map(|statement| match statement {
            Value::Object(statement) if is_statement(&statement) => Ok(statement),
            _ => Err(malformed("Syntax errors in policy.")),
        })
        .collect()
}

fn is_statement(statement: &Map<String, Value>) -> bool {
    const MEMBERS: [&str; 10] = [
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
        "Id",
    ];
    matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny"))
        && statement.keys().all(|name| MEMBERS.contains(&name.as_str()))
        && statement.get("Condition").is_none_or(|condition| {
            condition.as_object().is_some_and(|operators| operators.values().all(Value::is_object))
        })
}

fn principals_are_known(statement: &Map<String, Value>) -> ServiceResult<()> {
    match statement.get("Principal").or(statement.get("NotPrincipal")) {
        Some(Value::String(text)) if text == "*" => Ok(()),
        Some(Value::Object(kinds)) if !kinds.is_empty() => {
            for (kind, names) in kinds {
                let names = one_or_many(names);
                if names.is_empty() {
                    return Err(malformed("Syntax errors in policy."));
                }
                let known = |name: &str| match kind.as_str() {
                    "Service" => name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn"),
                    "AWS" => {
                        name == "*"
                            || name.starts_with("arn:aws")
                            || (name.len() == 12 && name.bytes().all(|letter| letter.is_ascii_digit()))
                    }
                    _ => true,
                };
                if !matches!(kind.as_str(), "Service" | "AWS" | "Federated" | "CanonicalUser") {
                    return Err(malformed("Syntax errors in policy."));
                }
                if let Some(unknown) = names.into_iter().find(|name| !known(name)) {
                    let kind = kind.to_ascii_uppercase();
                    return Err(malformed(&format!("Invalid principal in policy: \"{kind}\":\"{unknown}\"")));
                }
            }
            Ok(())
        }
        _ => Err(malformed("Syntax errors in policy.")),
    }
}

fn applies(statement: &Map<String, Value>, place: &Place, assumer: &Assumer<'_>) -> bool {
    let action = one_or_many(statement.get("Action").unwrap_or(&Value::Null))
        .iter()
        .any(|action| matches_wildcard(&action.to_ascii_lowercase(), "sts:assumerole"));
    let principal = match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(principal), _) => names(principal, place, assumer),
        (None, Some(principal)) => !names(principal, place, assumer),
        (None, None) => false,
    };
    action && principal && conditions_hold(statement, place, assumer)
}

fn names(principal: &Value, place: &Place, assumer: &Assumer<'_>) -> bool {
    if principal.as_str() == Some("*") {
        return true;
    }
    let named = |kind: &str| one_or_many(principal.get(kind).unwrap_or(&Value::Null));
    match assumer {
        Assumer::Service(service) => named("Service").contains(service),
        Assumer::Identity { arn, .. } => {
            let root = format!("arn:aws:iam::{}:root", place.account_id);
            named("AWS").iter().any(|name| *name == "*" || *name == place.account_id || *name == root || name == arn)
        }
    }
}

fn conditions_hold(statement: &Map<String, Value>, place: &Place, assumer: &Assumer<'_>) -> bool {
    let Some(operators) = statement.get("Condition").and_then(Value::as_object) else {
        return true;
    };
    operators.iter().all(|(operator, keys)| {
        keys.as_object().is_some_and(|keys| {
            keys.iter().all(|(key, wanted)| condition_holds(operator, key, &one_or_many(wanted), place, assumer))
        })
    })
}

/// One key of one operator. A key that the request does not carry fails, as on AWS, except under
/// an operator that says otherwise.
fn condition_holds(operator: &str, key: &str, wanted: &[&str], place: &Place, assumer: &Assumer<'_>) -> bool {
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    // The resource on whose behalf a service asks is one of this account and region; which one is
    // not told here, so a pattern counts that could name one.
    if key.eq_ignore_ascii_case("aws:SourceArn")
        && let Assumer::Service(service) = assumer
    {
        let service = service.split('.').next().unwrap_or_default();
        return wanted.iter().any(|pattern| could_name_own_resource(pattern, service, place))
            != operator.contains("Not");
    }
    let value = match (key.to_ascii_lowercase().as_str(), assumer) {
        ("aws:sourceaccount", Assumer::Service(_)) | ("aws:principalaccount", Assumer::Identity { .. }) => {
            Some(place.account_id.as_str())
        }
        // Firehose sends the account's number as its external id.
        ("sts:externalid", Assumer::Service("firehose.amazonaws.com")) => Some(place.account_id.as_str()),
        ("sts:externalid", Assumer::Identity { external_id, .. }) => *external_id,
        ("aws:principalarn", Assumer::Identity { arn, .. }) => Some(*arn),
        _ => None,
    };
    let Some(value) = value else {
        return if_exists || operator.contains("Not");
    };
    let is = |wanted: &&str| match operator {
        "StringEquals" | "StringNotEquals" => *wanted == value,
        "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => wanted.eq_ignore_ascii_case(value),
        _ => matches_wildcard(wanted, value),
    };
    match operator {
        "StringEquals" | "StringEqualsIgnoreCase" | "StringLike" | "ArnEquals" | "ArnLike" => wanted.iter().any(is),
        "StringNotEquals" | "StringNotEqualsIgnoreCase" | "StringNotLike" | "ArnNotEquals" | "ArnNotLike" => {
            !wanted.iter().any(is)
        }
        _ => false,
    }
}

fn could_name_own_resource(pattern: &str, service: &str, place: &Place) -> bool {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let own = ["arn", "aws", service, place.region.as_str(), place.account_id.as_str()];
    pattern == "*" || (parts.len() == 6 && parts.iter().zip(own).all(|(pattern, part)| matches_wildcard(pattern, part)))
}

/// Whether `text` matches a pattern of `*` (anything) and `?` (one letter), as in policies and in
/// `ArnLike`.
pub(crate) fn matches_wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((starred, taken)) = star else { return false };
                star = Some((starred, taken + 1));
                at = starred + 1;
                read = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

pub(super) fn one_or_many(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn malformed(message: &str) -> ServiceError {
    ServiceError::bad_request("MalformedPolicyDocument", message)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn place() -> Place {
        Place {
            region: "ap-southeast-2".to_owned(),
            account_id: "000000000000".to_owned(),
            endpoint_url: String::new(),
            gateway_url: String::new(),
            data_dir: std::path::PathBuf::new(),
            limits: crate::Limits::Aws,
            retained_bytes: 0,
            supervisor: Vec::new(),
        }
    }

    fn trusting(principal: &Value, condition: &Value) -> TrustPolicy {
        let document = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition,
        }]});
        TrustPolicy::parse(&document.to_string()).unwrap()
    }

    #[rstest]
    #[case("lambda.amazonaws.com", true)]
    #[case("firehose.amazonaws.com", false)]
    fn only_the_service_that_is_named_may_assume(#[case] service: &str, #[case] allowed: bool) {
        let trust = trusting(&json!({"Service": ["lambda.amazonaws.com", "edgelambda.amazonaws.com"]}), &json!({}));
        assert_eq!(trust.allows(&place(), &Assumer::Service(service)), allowed);
    }

    #[test]
    fn a_denial_wins() {
        let document = json!({"Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:*"},
            {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"},
        ]});
        let trust = TrustPolicy::parse(&document.to_string()).unwrap();
        assert!(!trust.allows(&place(), &Assumer::Service("lambda.amazonaws.com")));
    }

    #[rstest]
    #[case(json!({"StringEquals": {"aws:SourceAccount": "000000000000"}}), true)]
    #[case(json!({"StringEquals": {"aws:SourceAccount": "111111111111"}}), false)]
    #[case(json!({"StringEquals": {"sts:ExternalId": "000000000000"}}), true)]
    #[case(json!({"ArnLike": {"aws:SourceArn": "arn:aws:firehose:*:000000000000:deliverystream/*"}}), true)]
    #[case(json!({"ArnLike": {"aws:SourceArn": "arn:aws:lambda:*:000000000000:function:*"}}), false)]
    #[case(json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), false)]
    #[case(json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}), true)]
    #[case(json!({"Bool": {"aws:SourceAccount": "000000000000"}}), false)]
    fn conditions_are_kept(#[case] condition: Value, #[case] allowed: bool) {
        let trust = trusting(&json!({"Service": "firehose.amazonaws.com"}), &condition);
        assert_eq!(trust.allows(&place(), &Assumer::Service("firehose.amazonaws.com")), allowed);
    }

    #[test]
    fn the_account_means_everyone_in_it() {
        let root = Assumer::Identity { arn: "arn:aws:iam::000000000000:root", external_id: None };
        assert!(trusting(&json!({"AWS": "000000000000"}), &json!({})).allows(&place(), &root));
        assert!(!trusting(&json!({"AWS": "111111111111"}), &json!({})).allows(&place(), &root));
    }

    #[rstest]
    #[case("{", "This policy contains invalid Json")]
    #[case("[]", "Syntax errors in policy.")]
    #[case(r#"{"Version":"2020-01-01","Statement":[]}"#, "Syntax errors in policy.")]
    #[case(
        r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda"},"Action":"sts:AssumeRole"}}"#,
        "Invalid principal in policy: \"SERVICE\":\"lambda\""
    )]
    #[case(
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}}"#,
        "AssumeRole policy may only specify STS AssumeRole actions."
    )]
    #[case(
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}}"#,
        "Has prohibited field Resource"
    )]
    #[case(r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}"#, "Missing required field Principal")]
    fn a_malformed_trust_policy_is_refused(#[case] text: &str, #[case] message: &str) {
        let error = TrustPolicy::parse(text).unwrap_err();
        assert_eq!((error.code.as_str(), error.message.as_str()), ("MalformedPolicyDocument", message));
    }

    #[rstest]
    #[case(r#"{"Statement":{"Effect":"Allow","Action":"s3:Get*"}}"#, "Policy statement must contain resources.")]
    #[case(r#"{"Statement":{"Effect":"Allow","Resource":"*"}}"#, "Policy statement must contain actions.")]
    #[case(r#"{"Statement":{"Effect":"Maybe","Action":"s3:Get*","Resource":"*"}}"#, "Syntax errors in policy.")]
    fn a_malformed_identity_policy_is_refused(#[case] text: &str, #[case] message: &str) {
        assert_eq!(check_identity_policy(text).unwrap_err().message, message);
    }

    #[rstest]
    #[case("a*c", "abbc", true)]
    #[case("a?c", "abbc", false)]
    #[case("*", "", true)]
    #[case("*b*", "abc", true)]
    #[case("a", "", false)]
    fn patterns_match(#[case] pattern: &str, #[case] text: &str, #[case] expected: bool) {
        assert_eq!(matches_wildcard(pattern, text), expected);
    }
}
