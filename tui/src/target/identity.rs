//! Who calls, and where: what is said before anything is changed.

/// The partitions in which the pipeline can be made: they have all its services.
const PARTITIONS: [&str; 3] = ["aws", "aws-cn", "aws-us-gov"];

/// Whose credentials these are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Twelve digits.
    pub account_id: String,
    /// `arn:aws:sts::111122223333:assumed-role/admin/me`.
    pub arn: String,
}

impl Identity {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).filter(|partition| !partition.is_empty()).unwrap_or("aws")
    }

    /// The role that was assumed, where one was.
    pub fn role_name(&self) -> Option<&str> {
        self.arn.split(':').nth(5)?.strip_prefix("assumed-role/")?.split('/').next()
    }

    /// The name behind the account: a role's, a user's, or `root`.
    pub fn short_name(&self) -> &str {
        let resource = self.arn.split(':').nth(5).unwrap_or(&self.arn);
        self.role_name().unwrap_or_else(|| resource.rsplit('/').next().unwrap_or(resource))
    }

    /// Whether the pipeline can be made in this partition.
    pub(super) fn is_supported(&self) -> bool {
        PARTITIONS.contains(&self.partition())
    }
}

/// What to do where the answer says that the credentials are not what is wrong; `None`: they may be.
pub(super) fn advice(answer: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| answer.contains(word));
    if has(&["sts:AssumeRole"]) {
        return Some(
            "The profile's role does not let them in: its trust policy has to name who assumes it, and who assumes it \
             needs the permission sts:AssumeRole on it.",
        );
    }
    if has(&["scoped to a valid region"]) {
        return Some("The endpoint is another region's: give its --region.");
    }
    // Whoever could not even ask for credentials is told of those.
    if has(&["credential"]) {
        return None;
    }
    if has(&["UnknownIssuer", "invalid peer certificate", "certificate"]) {
        return Some(
            "The certificate is none that is trusted here, as behind a company's proxy: AWS_CA_BUNDLE=FILE names the \
             certificates to trust.",
        );
    }
    has(&["dispatch failure", "timeout has occurred", "timed out"]).then_some(
        "Look whether the network is there and the address is right; a proxy is set by HTTPS_PROXY, and NO_PROXY leaves \
         addresses out.",
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_not_the_credentials_is_not_blamed_on_them() {
        let advice = |answer| super::advice(answer).unwrap_or_default();
        let assumed = "dispatch failure: other: an error occurred while loading credentials: AccessDenied: User: x is not \
                       authorized to perform: sts:AssumeRole on resource: y";
        assert!(advice(assumed).contains("trust policy"));
        assert!(
            advice("dispatch failure: TLS handshake failed: invalid peer certificate: UnknownIssuer")
                .contains("AWS_CA_BUNDLE")
        );
        assert!(advice("dispatch failure: io error: Connection refused (os error 111)").contains("network"));
        assert!(
            advice("SignatureDoesNotMatch: Credential should be scoped to a valid region, not 'x'")
                .contains("--region")
        );
        for of_credentials in [
            "ExpiredToken: it has expired",
            "dispatch failure: other: the credential provider was not enabled: no credentials found in chain",
            "dispatch failure: loading credentials: failed to load the cached SSO token",
        ] {
            assert_eq!(super::advice(of_credentials), None);
        }
    }

    use super::*;

    fn identity(arn: &str) -> Identity {
        Identity { account_id: "111122223333".to_owned(), arn: arn.to_owned() }
    }

    #[test]
    fn partition_and_role_are_in_the_arn() {
        let role = identity("arn:aws-cn:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0a/me@example.com");
        assert_eq!((role.partition(), role.role_name()), ("aws-cn", Some("AWSReservedSSO_Admin_0a")));
        let user = identity("arn:aws:iam::111122223333:user/team/ann");
        assert_eq!((user.role_name(), user.short_name()), (None, "ann"));
        assert_eq!(identity("arn:aws:iam::111122223333:root").short_name(), "root");
    }

    #[test]
    fn a_partition_without_the_services_is_refused() {
        assert!(identity("arn:aws-us-gov:iam::1:user/a").is_supported());
        assert!(!identity("arn:aws-iso:iam::1:user/a").is_supported());
    }
}
