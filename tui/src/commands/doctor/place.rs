//! Where: the region, whether it is set, can be one and is enabled, and the embedded cloud.

use aws_config::BehaviorVersion;

use super::{USUAL_REGION, report::Check};
use crate::cli::Global;
#[cfg(feature = "local")]
use crate::target::Target;

/// Where the options and the SDK's settings say that the pipeline lives.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The region.
    pub region: Option<String>,
    /// The endpoint, where it is not AWS's own.
    pub endpoint: Option<String>,
    /// The profile that was named.
    pub profile: Option<String>,
}

impl Place {
    /// Reads the settings; makes no call to AWS.
    pub async fn find(global: &Global) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).no_credentials();
        if let Some(profile) = &global.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &global.region {
            loader = loader.region(aws_config::Region::new(region.clone()));
        }
        if let Some(endpoint) = &global.endpoint_url {
            loader = loader.endpoint_url(endpoint);
        }
        let config = loader.load().await;
        Self {
            region: config.region().map(|region| region.as_ref().to_owned()).filter(|region| !region.is_empty()),
            endpoint: config.endpoint_url().map(str::to_owned),
            profile: global.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok()),
        }
    }

    /// ` --profile NAME`, where one was named.
    pub fn for_profile(&self) -> String {
        self.profile.as_ref().map(|name| format!(" --profile {name}")).unwrap_or_default()
    }

    /// Whether it is a region of AWS itself that an account may not have enabled.
    pub fn may_be_disabled(&self) -> bool {
        let elsewhere = ["cn-", "us-gov-", "us-iso", "eu-iso"];
        self.endpoint.is_none()
            && self.region.as_deref().is_some_and(|region| {
                region != USUAL_REGION && !elsewhere.iter().any(|prefix| region.starts_with(prefix))
            })
    }

    /// The address that has to answer.
    pub fn address(&self) -> String {
        if let Some(endpoint) = &self.endpoint {
            return endpoint.clone();
        }
        let region = self.region.as_deref().unwrap_or(USUAL_REGION);
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://cloudformation.{region}.{domain}/")
    }
}

/// Whether a region is set, and can be one.
pub fn region(place: &Place) -> Check {
    let fix = |region: &str| format!("aws configure set region {region}{}", place.for_profile());
    match &place.region {
        None => Check::bad(
            "region",
            "no region is set: not by --region, AWS_REGION, nor the profile",
            fix("ap-southeast-2"),
        ),
        Some(region) if place.endpoint.is_none() && !can_be_region(region) => {
            Check::bad("region", format!("{region:?} is no region's name: one is eu-west-1"), fix("eu-west-1"))
        }
        Some(region) => Check::good("region", region),
    }
}

/// The region does not know keys that others know.
pub fn disabled(place: &Place) -> Check {
    let region = place.region.as_deref().unwrap_or_default();
    Check::bad(
        "region",
        format!("{region} does not accept these credentials, {USUAL_REGION} does: the account has not enabled it"),
        format!("aws account enable-region --region-name {region}{}", place.for_profile()),
    )
}

/// `eu-west-1`, `us-gov-west-1`, `ap-southeast-2`: letters, one word or more, a number.
fn can_be_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    words.len() >= 2
        && number.chars().all(|digit| digit.is_ascii_digit())
        && !number.is_empty()
        && words.iter().all(|word| word.len() >= 2 && word.chars().all(|letter| letter.is_ascii_lowercase()))
}

/// The embedded cloud that runs.
#[cfg(feature = "local")]
pub fn embedded(target: &Target) -> Check {
    let address = target.endpoint_url().unwrap_or_default();
    Check::good(
        "local cloud",
        match target.embedded() {
            None => format!("one runs for this user, at {address}"),
            Some(own) => {
                let note = own.note().map(|note| format!(". {note}")).unwrap_or_default();
                format!("none runs; one was started and answers at {address}{note}")
            }
        },
    )
}

/// There is none and none can be started.
#[cfg(feature = "local")]
pub fn no_embedded(error: &str) -> Check {
    Check::bad(
        "local cloud",
        error,
        "export XDG_RUNTIME_DIR=\"$(mktemp -d)\"  # a folder of your own that can be written to",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(region: Option<&str>, endpoint: Option<&str>) -> Place {
        Place { region: region.map(str::to_owned), endpoint: endpoint.map(str::to_owned), profile: None }
    }

    #[test]
    fn no_region_or_one_that_cannot_be_fails() {
        for good in ["eu-west-1", "us-gov-west-1", "ap-southeast-2", "cn-north-1", "eusc-de-east-1"] {
            assert_eq!(region(&place(Some(good), None)).ok, Some(true), "{good}");
        }
        for wrong in [None, Some("eu-west"), Some("Ireland"), Some("eu-west-1a"), Some("eu_west_1"), Some("1")] {
            let check = region(&place(wrong, None));
            assert_eq!(check.ok, Some(false), "{wrong:?}");
            assert!(check.fix.is_some_and(|fix| fix.starts_with("aws configure set region ")));
        }
        assert_eq!(region(&place(Some("local"), Some("http://127.0.0.1:4566"))).ok, Some(true));
    }

    #[test]
    fn a_region_that_is_not_enabled_fails_with_what_enables_it() {
        let place = place(Some("ap-east-1"), None);
        assert!(place.may_be_disabled());
        let check = disabled(&place);
        assert_eq!(check.fix.as_deref(), Some("aws account enable-region --region-name ap-east-1"));
        assert_eq!(check.ok, Some(false));
    }

    #[test]
    fn the_address_that_has_to_answer_is_the_regions() {
        assert_eq!(place(Some("cn-north-1"), None).address(), "https://cloudformation.cn-north-1.amazonaws.com.cn/");
        assert_eq!(place(Some("x"), Some("http://127.0.0.1:1")).address(), "http://127.0.0.1:1");
    }

    #[cfg(feature = "local")]
    #[test]
    fn a_cloud_that_cannot_be_started_fails() {
        let check = no_embedded("looked for a running embedded cloud: permission denied");
        assert_eq!((check.ok, check.fix.is_some()), (Some(false), true));
    }
}
