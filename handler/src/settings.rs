//! What the template tells the function through its environment.

use std::env;

use crate::{Level, Pointer, PointerError};

/// What the template tells the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The stream to put to.
    pub stream_name: String,
    /// Where in an event its partition key stands; `None`: every event gets a random key.
    pub partition_key_pointer: Option<Pointer>,
    /// Log lines below this level are not written.
    pub log_level: Level,
}

/// Why the settings cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsError {
    /// `STREAM_NAME` is not set.
    NoStreamName,
    /// `PARTITION_KEY_POINTER` is not a JSON pointer.
    Pointer(PointerError),
}

impl std::fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoStreamName => {
                formatter.write_str("STREAM_NAME is not set: it names the Kinesis stream that events are put to")
            }
            Self::Pointer(error) => write!(formatter, "PARTITION_KEY_POINTER cannot be used: {error}"),
        }
    }
}

impl std::error::Error for SettingsError {}

impl Settings {
    /// Reads `STREAM_NAME`, `PARTITION_KEY_POINTER` and Lambda's `AWS_LAMBDA_LOG_LEVEL`.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_variables(|name| env::var(name).ok())
    }

    /// The same, from any source of variables. An empty one counts as not set.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        Ok(Self {
            stream_name: variable("STREAM_NAME").ok_or(SettingsError::NoStreamName)?,
            partition_key_pointer: variable("PARTITION_KEY_POINTER")
                .map(|text| Pointer::parse(&text))
                .transpose()
                .map_err(SettingsError::Pointer)?,
            log_level: variable("AWS_LAMBDA_LOG_LEVEL").map_or(Level::Info, |word| Level::from_word(&word)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn only_the_stream_must_be_named() {
        let settings = read(&[("STREAM_NAME", "events"), ("PARTITION_KEY_POINTER", "")]).unwrap();
        assert_eq!(
            settings,
            Settings { stream_name: "events".into(), partition_key_pointer: None, log_level: Level::Info }
        );
        assert_eq!(read(&[("STREAM_NAME", "")]), Err(SettingsError::NoStreamName));
    }

    #[test]
    fn a_pointer_that_is_none_is_refused_with_its_name() {
        let error = read(&[("STREAM_NAME", "events"), ("PARTITION_KEY_POINTER", "user_id")]).unwrap_err();
        assert!(error.to_string().starts_with("PARTITION_KEY_POINTER cannot be used"), "{error}");
    }

    #[test]
    fn the_log_level_is_lambdas() {
        let settings = read(&[("STREAM_NAME", "events"), ("AWS_LAMBDA_LOG_LEVEL", "WARN")]).unwrap();
        assert_eq!(settings.log_level, Level::Warn);
    }
}
