//! One check, and all of them as text and as JSON.

use serde_json::{Value, json};
use tailwater_core::text::safe::visible;

use crate::target::Target;

/// How wide names are in text.
const NAME_WIDTH: usize = 13;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: String,
    /// Good, bad, or not to be known.
    pub ok: Option<bool>,
    /// What was found.
    pub detail: String,
    /// A command that mends it, to be pasted.
    pub fix: Option<String>,
    /// Checks of one group that are alike take one line of text.
    group: Option<&'static str>,
}

impl Check {
    /// All is well.
    pub fn good(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), ok: Some(true), detail: detail.into(), fix: None, group: None }
    }

    /// Something has to be done.
    pub fn bad(name: impl Into<String>, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name: name.into(), ok: Some(false), detail: detail.into(), fix: Some(fix.into()), group: None }
    }

    /// It could not be known.
    pub fn unknown(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), ok: None, detail: detail.into(), fix: None, group: None }
    }

    /// With a command that would help all the same.
    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// One of several alike.
    #[must_use]
    pub fn of(mut self, group: &'static str) -> Self {
        self.group = Some(group);
        self
    }

    fn sign(&self) -> char {
        match self.ok {
            Some(true) => '✓',
            Some(false) => '✗',
            None => '?',
        }
    }
}

/// The options that lead a command of this program to the same place, each after a space.
pub fn same_place(target: &Target) -> String {
    if target.is_local() {
        return String::new();
    }
    let endpoint = target.endpoint_url().map(|url| format!(" --endpoint-url {url}")).unwrap_or_default();
    let profile = target.profile().map(|name| format!(" --profile {name}")).unwrap_or_default();
    format!(" --target aws{endpoint}{profile} --region {}", target.region())
}

/// The same for the AWS CLI.
pub fn same_place_of_aws(target: &Target) -> String {
    let endpoint = target.endpoint_url().map(|url| format!(" --endpoint-url {url}")).unwrap_or_default();
    let profile = target.profile().map(|name| format!(" --profile {name}")).unwrap_or_default();
    format!("{endpoint}{profile} --region {}", target.region())
}

/// `{"checks":[{"name","ok","detail","fix"}]}`
pub fn json(checks: &[Check]) -> Value {
    let checks: Vec<Value> = checks
        .iter()
        .map(|check| json!({"name": check.name, "ok": check.ok, "detail": check.detail, "fix": check.fix}))
        .collect();
    json!({ "checks": checks })
}

/// A line a check, under a failing one its fix. Those of a group that are well take one line together,
/// and those that are unknown for the same reason another.
pub fn text(checks: &[Check]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (index, check) in checks.iter().enumerate() {
        let alike = |other: &Check| {
            check.ok != Some(false)
                && check.group.is_some()
                && other.group == check.group
                && other.ok == check.ok
                && (check.ok == Some(true) || other.detail == check.detail)
        };
        if checks[..index].iter().any(alike) {
            continue;
        }
        let count = checks[index..].iter().filter(|other| alike(other)).count();
        let (name, detail) = match check.group {
            Some(group) if count > 1 && check.ok == Some(true) => (group, format!("{count} of them, all well")),
            Some(group) if count > 1 => (group, format!("{count} of them: {}", check.detail)),
            _ => (check.name.as_str(), check.detail.clone()),
        };
        lines.push(format!("{} {name:<NAME_WIDTH$} {}", check.sign(), visible(&detail)));
        if let Some(fix) = &check.fix {
            lines.push(format!("  {:<NAME_WIDTH$} fix: {}", "", visible(fix)));
        }
    }
    let count = |wanted: Option<bool>| checks.iter().filter(|check| check.ok == wanted).count();
    lines.push(format!("{} well, {} failed, {} unknown", count(Some(true)), count(Some(false)), count(None)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_well_takes_one_line_and_what_fails_its_own_with_a_fix() {
        let checks = [
            Check::good("region", "eu-west-1"),
            Check::good("may a:One", "").of("permissions"),
            Check::good("may a:Two", "").of("permissions"),
            Check::bad("may a:Three", "not allowed", "aws iam …").of("permissions"),
            Check::unknown("may a:Four", "not asked").of("permissions"),
            Check::good("may a:Five", "").of("permissions"),
            Check::unknown("may a:Six", "not asked").of("permissions"),
        ];
        assert_eq!(
            text(&checks),
            "✓ region        eu-west-1\n\
             ✓ permissions   3 of them, all well\n\
             ✗ may a:Three   not allowed\n                fix: aws iam …\n\
             ? permissions   2 of them: not asked\n\
             4 well, 1 failed, 2 unknown"
        );
        assert_eq!(json(&checks)["checks"][3]["ok"], false);
        assert_eq!(json(&checks)["checks"][4]["ok"], Value::Null);
    }
}
