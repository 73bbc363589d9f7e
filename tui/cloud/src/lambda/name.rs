//! How functions are named: by name, by ARN whole or in part, with or without a version.

use super::settings::pattern;
use crate::{
    Place,
    wire::{ServiceError, ServiceResult},
};

/// The form that AWS names in its refusals.
const FORM: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?";
/// The longest name of a function.
const LONGEST_NAME: usize = 64;
/// The one version that there is.
pub(super) const LATEST: &str = "$LATEST";

/// A function that a caller names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub name: String,
    pub qualifier: Option<String>,
}

impl Reference {
    /// Reads any of the forms. One of another region or account is not there.
    pub fn parse(place: &Place, text: &str) -> ServiceResult<Self> {
        let malformed = || pattern("functionName", text, FORM);
        let parts: Vec<&str> = text.split(':').collect();
        let (owner, rest) = match parts.as_slice() {
            ["arn", _, "lambda", region, account, "function", rest @ ..] => (Some((Some(*region), *account)), rest),
            [account, "function", rest @ ..] => (Some((None, *account)), rest),
            ["function", rest @ ..] | rest => (None, rest),
        };
        let (name, qualifier) = match rest {
            [name] => (*name, None),
            [name, qualifier] => (*name, Some(*qualifier)),
            _ => return Err(malformed()),
        };
        if !is_name(name) || qualifier.is_some_and(|qualifier| qualifier != LATEST && !is_name(qualifier)) {
            return Err(malformed());
        }
        if let Some((region, account)) = owner {
            if let Some(region) = region.filter(|region| *region != place.region) {
                return Err(ServiceError::not_found(
                    "ResourceNotFoundException",
                    format!("Functions from '{region}' are not reachable in this region ('{}')", place.region),
                ));
            }
            if account != place.account_id {
                return Err(not_found(&format!("arn:aws:lambda:{}:{account}:function:{name}", place.region), None));
            }
        }
        Ok(Self { name: name.to_owned(), qualifier: qualifier.map(str::to_owned) })
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// `Function not found: …`.
pub(super) fn not_found(arn: &str, qualifier: Option<&str>) -> ServiceError {
    let qualifier = qualifier.map_or_else(String::new, |qualifier| format!(":{qualifier}"));
    ServiceError::not_found("ResourceNotFoundException", format!("Function not found: {arn}{qualifier}"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn place() -> Place {
        Place {
            region: "ap-southeast-2".into(),
            account_id: "000000000000".into(),
            endpoint_url: String::new(),
            gateway_url: String::new(),
            data_dir: std::path::PathBuf::new(),
            limits: crate::Limits::Aws,
            retained_bytes: 0,
            supervisor: Vec::new(),
        }
    }

    #[rstest]
    #[case("f", None)]
    #[case("f:$LATEST", Some("$LATEST"))]
    #[case("function:f", None)]
    #[case("000000000000:function:f", None)]
    #[case("arn:aws:lambda:ap-southeast-2:000000000000:function:f", None)]
    #[case("arn:aws:lambda:ap-southeast-2:000000000000:function:f:v1", Some("v1"))]
    fn every_form_names_the_function(#[case] text: &str, #[case] qualifier: Option<&str>) {
        let expected = Reference { name: "f".into(), qualifier: qualifier.map(str::to_owned) };
        assert_eq!(Reference::parse(&place(), text).unwrap(), expected);
    }

    #[rstest]
    #[case("", "regular expression")]
    #[case("a b", "regular expression")]
    #[case("a:b:c:d", "regular expression")]
    #[case("arn:aws:lambda:us-east-1:000000000000:function:f", "not reachable in this region")]
    #[case("arn:aws:lambda:ap-southeast-2:111111111111:function:f", "Function not found")]
    fn what_names_none_is_refused(#[case] text: &str, #[case] words: &str) {
        let error = Reference::parse(&place(), text).unwrap_err();
        assert!(error.message.contains(words), "{}", error.message);
    }
}
