//! Who: the account, the role or user, and how long the credentials are good.

use std::time::Duration;

use tailwater_core::text::time;

use super::{place::Place, report::Check};
use crate::target::{Kind, Target, TargetError, now};

/// Credentials that expire sooner may not last for a deployment.
const SHORT: Duration = Duration::from_mins(10);

/// Who the credentials belong to.
pub fn check(target: &Target) -> Check {
    let left = target.credentials_expire().map(|expiry| {
        u64::try_from(expiry.as_millis().saturating_sub(now().as_millis()))
            .map_or(Duration::ZERO, Duration::from_millis)
    });
    let identity = target.identity();
    let profile = target.profile().map(|name| format!(", profile {name}")).unwrap_or_default();
    let whole = format!("{}, account {}{profile}", identity.arn, identity.account_id);
    judge(whole, identity.arn.ends_with(":root") && target.kind() == Kind::Aws, left, target.profile())
}

/// What was found, and whether it lasts.
fn judge(whole: String, root: bool, left: Option<Duration>, profile: Option<&str>) -> Check {
    let whole = if root { format!("{whole}; it is the account's root user: a role is safer") } else { whole };
    let Some(left) = left else { return Check::good("identity", whole) };
    if left < SHORT {
        let of_profile = profile.map(|name| format!(" --profile {name}")).unwrap_or_default();
        let when = if left.is_zero() {
            "they have expired".to_owned()
        } else {
            format!("they expire in {}", time::whole_seconds(left))
        };
        return Check::bad("identity", format!("{whole}; {when}"), format!("aws sso login{of_profile}"));
    }
    Check::good("identity", format!("{whole}; good for {}", time::whole_seconds(left)))
}

/// The same where it may not be known.
pub fn of(asked: &Result<Target, TargetError>, place: &Place) -> Check {
    match asked {
        Ok(target) => check(target),
        Err(error) => trouble(error, place),
    }
}

/// Why there is no identity.
fn trouble(error: &TargetError, place: &Place) -> Check {
    let for_profile = place.for_profile();
    let fix = match error {
        TargetError::Mfa { profile, .. } => {
            format!("eval \"$(aws configure export-credentials --profile {profile} --format env)\"")
        }
        TargetError::CaBundle { .. } => "unset AWS_CA_BUNDLE".to_owned(),
        _ => format!(
            "aws sts get-caller-identity{for_profile} || aws sso login{for_profile} || aws configure{for_profile}"
        ),
    };
    let detail = match error {
        // The SDK lists every place it looked at, over many lines.
        TargetError::Identity { answer, .. } if answer.contains("no credentials found in chain") => {
            "there are no credentials: not in the environment, the profile, nor from a machine's role".to_owned()
        }
        other => other.to_string(),
    };
    Check::bad("identity", detail, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_end_soon_fail() {
        let of = |left: Option<u64>| judge("me".to_owned(), false, left.map(Duration::from_secs), Some("dev"));
        assert_eq!(of(None).ok, Some(true));
        assert_eq!(of(Some(3_600)).ok, Some(true));
        for left in [0, 599] {
            let check = of(Some(left));
            assert_eq!(check.ok, Some(false), "{left}");
            assert_eq!(check.fix.as_deref(), Some("aws sso login --profile dev"));
        }
        assert!(judge("me".to_owned(), true, None, None).detail.contains("root user"));
    }

    #[test]
    fn without_credentials_the_line_says_how_to_get_some() {
        let error = TargetError::Identity {
            place: "AWS".to_owned(),
            answer: "dispatch failure: no credentials found in chain. Attempted:\n  Environment: no".to_owned(),
            advice: String::new(),
        };
        let check = trouble(&error, &Place { profile: Some("dev".to_owned()), ..Place::default() });
        assert_eq!(check.ok, Some(false));
        assert!(check.detail.starts_with("there are no credentials"), "{}", check.detail);
        assert!(check.fix.expect("a fix").contains("aws sso login --profile dev"));
        let mfa = TargetError::Mfa { profile: "ops".to_owned(), serial: "arn:aws:iam::1:mfa/me".to_owned() };
        assert!(trouble(&mfa, &Place::default()).fix.expect("a fix").contains("export-credentials --profile ops"));
    }
}
