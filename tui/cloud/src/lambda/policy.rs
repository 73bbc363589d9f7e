//! A function's resource policy: who else may invoke it.

use serde_json::{Map, Value, json};

use super::settings::{invalid, pattern};
use crate::{
    iam,
    wire::{Input, ServiceError, ServiceResult},
};

/// One permission.
#[derive(Debug, Clone)]
struct Statement {
    id: String,
    action: String,
    /// `apigateway.amazonaws.com`, an account or an ARN.
    principal: String,
    source_arn: Option<String>,
    source_account: Option<String>,
}

/// The permissions of one function.
#[derive(Debug, Clone, Default)]
pub(super) struct Policy {
    statements: Vec<Statement>,
}

impl Policy {
    /// Adds what `AddPermission` asks for and gives the statement as JSON.
    pub fn add(&mut self, function_arn: &str, input: &mut Input) -> ServiceResult<Value> {
        let statement = Statement {
            id: input.required("StatementId")?,
            action: input.required("Action")?,
            principal: input.required("Principal")?,
            source_arn: input.string("SourceArn")?,
            source_account: input.string("SourceAccount")?,
        };
        if !statement.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            return Err(pattern("statementId", &statement.id, "([a-zA-Z0-9-_]+)"));
        }
        let known_action = statement.action == "lambda:*"
            || statement.action == "*"
            || statement
                .action
                .strip_prefix("lambda:")
                .is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if !known_action {
            return Err(pattern("action", &statement.action, r"(lambda:[*]|lambda:[a-zA-Z]+|[*])"));
        }
        if !is_principal(&statement.principal) {
            return Err(invalid("The provided principal was invalid. Please check the principal and try again."));
        }
        if self.statements.iter().any(|known| known.id == statement.id) {
            return Err(ServiceError::new(
                409,
                "ResourceConflictException",
                format!(
                    "The statement id ({}) provided already exists. Please provide a new statement id, or remove the \
                     existing statement.",
                    statement.id
                ),
            ));
        }
        let shown = statement.to_json(function_arn);
        self.statements.push(statement);
        Ok(shown)
    }

    /// Takes a permission away.
    pub fn remove(&mut self, id: &str) -> ServiceResult<()> {
        if self.statements.is_empty() {
            return Err(no_policy());
        }
        let before = self.statements.len();
        self.statements.retain(|statement| statement.id != id);
        if self.statements.len() == before {
            return Err(ServiceError::not_found(
                "ResourceNotFoundException",
                format!("Statement {id} is not found in resource policy."),
            ));
        }
        Ok(())
    }

    /// The policy document.
    pub fn document(&self, function_arn: &str) -> ServiceResult<Value> {
        if self.statements.is_empty() {
            return Err(no_policy());
        }
        let statements: Vec<Value> = self.statements.iter().map(|statement| statement.to_json(function_arn)).collect();
        Ok(json!({"Version": "2012-10-17", "Id": "default", "Statement": statements}))
    }

    /// Whether a service may invoke the function for the source named.
    pub fn allows(&self, service: &str, source_arn: &str, source_account: &str) -> bool {
        self.statements.iter().any(|statement| {
            matches!(statement.action.as_str(), "lambda:InvokeFunction" | "lambda:*" | "*")
                && (statement.principal == service || statement.principal == "*")
                && statement.source_arn.as_ref().is_none_or(|wanted| iam::matches_wildcard(wanted, source_arn))
                && statement.source_account.as_ref().is_none_or(|wanted| wanted == source_account)
        })
    }
}

impl Statement {
    fn to_json(&self, function_arn: &str) -> Value {
        let is_account = self.principal.len() == 12 && self.principal.bytes().all(|byte| byte.is_ascii_digit());
        let principal = match self.principal.as_str() {
            "*" => json!("*"),
            account if is_account => json!({"AWS": format!("arn:aws:iam::{account}:root")}),
            arn if arn.starts_with("arn:") => json!({"AWS": arn}),
            service => json!({"Service": service}),
        };
        let mut statement = json!({
            "Sid": self.id,
            "Effect": "Allow",
            "Principal": principal,
            "Action": self.action,
            "Resource": function_arn,
        });
        let mut condition = Map::new();
        if let Some(account) = &self.source_account {
            condition.insert("StringEquals".into(), json!({"AWS:SourceAccount": account}));
        }
        if let Some(arn) = &self.source_arn {
            condition.insert("ArnLike".into(), json!({"AWS:SourceArn": arn}));
        }
        if !condition.is_empty() {
            statement["Condition"] = Value::Object(condition);
        }
        statement
    }
}

fn is_principal(principal: &str) -> bool {
    principal == "*"
        || principal.starts_with("arn:")
        || principal.ends_with(".amazonaws.com")
        || (principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit()))
}

fn no_policy() -> ServiceError {
    ServiceError::not_found("ResourceNotFoundException", "No policy is associated with the given resource.")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const FUNCTION: &str = "arn:aws:lambda:r:000000000000:function:f";

    #[rstest]
    #[case("a*/POST/submit", "a:b/$default/POST/submit", true)]
    #[case("a*/POST/submit", "a:b/$default/GET/submit", false)]
    #[case("*", "", true)]
    #[case("a?c", "abc", true)]
    #[case("a?c", "ac", false)]
    #[case("a*b*c", "a1b2b3c", true)]
    #[case("abc", "abcd", false)]
    fn wildcards_match_as_in_arn_like(#[case] pattern: &str, #[case] text: &str, #[case] fits: bool) {
        assert_eq!(iam::matches_wildcard(pattern, text), fits);
    }

    fn add(policy: &mut Policy, members: Value) -> ServiceResult<Value> {
        policy.add(FUNCTION, &mut Input::new("AddPermission", members).unwrap())
    }

    #[test]
    fn only_the_service_and_source_named_may_invoke() {
        let mut policy = Policy::default();
        add(
            &mut policy,
            json!({"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
                   "SourceArn": "arn:aws:execute-api:r:000000000000:api/*/POST/submit"}),
        )
        .unwrap();
        let source = "arn:aws:execute-api:r:000000000000:api/$default/POST/submit";
        assert!(policy.allows("apigateway.amazonaws.com", source, "000000000000"));
        assert!(!policy.allows("s3.amazonaws.com", source, "000000000000"));
        assert!(!policy.allows("apigateway.amazonaws.com", "arn:aws:execute-api:r:0:other/x/POST/submit", "0"));
    }

    #[test]
    fn an_id_is_given_once_and_a_missing_one_is_named() {
        let mut policy = Policy::default();
        let statement = json!({"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"});
        assert!(policy.document(FUNCTION).is_err());
        add(&mut policy, statement.clone()).unwrap();
        assert!(add(&mut policy, statement).unwrap_err().message.starts_with("The statement id (s) provided"));
        assert_eq!(policy.remove("t").unwrap_err().message, "Statement t is not found in resource policy.");
        policy.remove("s").unwrap();
        assert_eq!(policy.remove("s").unwrap_err().message, "No policy is associated with the given resource.");
    }
}
