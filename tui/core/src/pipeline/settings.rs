//! How a deployed pipeline is set, as far as that is known.

use std::collections::BTreeMap;

use super::{AuthMode, Sizing};

/// How a deployed pipeline is set, as far as that is known: a pipeline that was not made from the
/// template has no parameters to tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    parameters: BTreeMap<String, String>,
    /// The region it is in; `None`: not known.
    pub region: Option<String>,
    /// Where the keys of the embedded cloud stand, for the AWS CLI; `None` elsewhere.
    pub keys_file: Option<String>,
}

impl Settings {
    /// With the stack's parameters, each a name and a value.
    pub fn of(parameters: impl IntoIterator<Item = (String, String)>, region: &str) -> Self {
        Self {
            parameters: parameters.into_iter().collect(),
            region: (!region.is_empty()).then(|| region.to_owned()),
            keys_file: None,
        }
    }

    /// The parameters that are known, each a name and a value.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether any parameter is known.
    pub fn is_known(&self) -> bool {
        !self.parameters.is_empty()
    }

    /// The value of a parameter; `None`: not known.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The value of a parameter that is a whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// Whom the API lets in; `None`: not known.
    pub fn auth_mode(&self) -> Option<AuthMode> {
        self.get("AuthMode").map(AuthMode::parse)
    }

    /// What its price depends on; the template's defaults stand for what is not known.
    pub fn sizing(&self) -> Sizing {
        let usual = Sizing::default();
        let number = |name: &str, usual: u32| self.get(name).and_then(|value| value.parse().ok()).unwrap_or(usual);
        Sizing {
            shards: number("ShardCount", usual.shards),
            retention_hours: number("RetentionHours", usual.retention_hours),
            buffer_mb: number("BufferSizeMB", usual.buffer_mb),
            log_retention_days: number("LogRetentionDays", usual.log_retention_days),
            is_arm: self.get("Architecture") == Some("arm64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let settings = Settings::of([("ShardCount".to_owned(), "3".to_owned())], "us-east-1");
        assert_eq!((settings.number("ShardCount"), settings.number("RetentionHours")), (Some(3), None));
        assert_eq!(settings.auth_mode(), None);
        assert_eq!(settings.sizing(), Sizing { shards: 3, ..Sizing::default() });
        assert!(!Settings::default().is_known());
    }
}
