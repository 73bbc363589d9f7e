//! What the shared configuration files say of a profile, where the SDK keeps it to itself.

use std::collections::HashSet;

use aws_types::os_shim_internal::{Env, Fs};

/// What matters of a profile before it is used, and for what to say when it fails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ProfileFacts {
    /// Its name.
    pub(super) name: String,
    /// `mfa_serial` of the profile, or of one that it takes its credentials from.
    pub(super) mfa_serial: Option<String>,
    /// Where its credentials come from in the end.
    pub(super) origin: Origin,
    /// `ca_bundle`.
    pub(super) ca_bundle: Option<String>,
}

/// Where credentials come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Origin {
    /// `AWS_ACCESS_KEY_ID` and its like.
    Environment,
    /// IAM Identity Center: `aws sso login`.
    Sso,
    /// A session of the console: `aws login`.
    Console,
    /// A program.
    Process,
    /// Keys in the shared files.
    Keys,
    /// A machine's or a container's role, or none of these.
    #[default]
    Other,
}

/// Reads the facts of a profile: the one given, else that of `AWS_PROFILE`, else `default`.
pub(super) async fn facts(name: Option<&str>) -> Option<ProfileFacts> {
    let name = name.map(|name| name.to_owned().into());
    let files = aws_runtime::env_config::file::EnvConfigFiles::default();
    let set = aws_config::profile::load(&Fs::real(), &Env::real(), &files, name).await;
    let set = set.ok()?;
    let value = |profile: &str, key: &str| set.get_profile(profile).and_then(|it| it.get(key)).map(str::to_owned);
    Some(walk(set.selected_profile(), value))
}

/// Follows `source_profile` to the profile that has credentials of its own.
fn walk(selected: &str, value: impl Fn(&str, &str) -> Option<String>) -> ProfileFacts {
    let mut facts =
        ProfileFacts { name: selected.to_owned(), ca_bundle: value(selected, "ca_bundle"), ..ProfileFacts::default() };
    let mut known = HashSet::new();
    let mut current = selected.to_owned();
    while known.insert(current.clone()) {
        let has = |key: &str| value(&current, key).is_some();
        if has("role_arn") && !has("web_identity_token_file") {
            facts.mfa_serial = facts.mfa_serial.or_else(|| value(&current, "mfa_serial"));
            match value(&current, "source_profile") {
                Some(next) if next != current => {
                    current = next;
                    continue;
                }
                _ => {}
            }
        }
        facts.origin = if has("sso_session") || has("sso_start_url") {
            Origin::Sso
        } else if has("login_session") {
            Origin::Console
        } else if has("credential_process") {
            Origin::Process
        } else if has("aws_access_key_id") {
            Origin::Keys
        } else {
            Origin::Other
        };
        break;
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(selected: &str, lines: &[(&str, &str, &str)]) -> ProfileFacts {
        walk(selected, |profile, key| {
            lines.iter().find(|(of, name, _)| *of == profile && *name == key).map(|(_, _, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_second_factor_is_found_along_the_way() {
        let lines = [
            ("admin", "role_arn", "arn:aws:iam::111122223333:role/admin"),
            ("admin", "source_profile", "base"),
            ("base", "role_arn", "arn:aws:iam::111122223333:role/base"),
            ("base", "mfa_serial", "arn:aws:iam::111122223333:mfa/me"),
            ("base", "source_profile", "keys"),
            ("keys", "aws_access_key_id", "AKIA"),
        ];
        let facts = walked("admin", &lines);
        assert_eq!(facts.mfa_serial.as_deref(), Some("arn:aws:iam::111122223333:mfa/me"));
        assert_eq!(facts.origin, Origin::Keys);
        assert_eq!(walked("keys", &lines).mfa_serial, None);
    }

    #[test]
    fn where_credentials_come_from_is_told_apart_and_a_loop_ends() {
        assert_eq!(walked("a", &[("a", "sso_session", "corp")]).origin, Origin::Sso);
        assert_eq!(walked("a", &[("a", "login_session", "arn")]).origin, Origin::Console);
        assert_eq!(walked("a", &[("a", "credential_process", "/bin/x")]).origin, Origin::Process);
        let looped = [
            ("a", "role_arn", "arn"),
            ("a", "source_profile", "b"),
            ("b", "role_arn", "arn"),
            ("b", "source_profile", "a"),
        ];
        assert_eq!(walked("a", &looped).origin, Origin::Other);
    }
}
