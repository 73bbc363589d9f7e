//! Where and how a delivery stream delivers: the S3 destination's settings, read from and written
//! in the shapes of Firehose's API.
//!
//! <https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html>

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::wire::{Input, ServiceError, ServiceResult};

use super::key::Prefix;

/// Seconds that records are buffered where nothing else is said.
const USUAL_INTERVAL_SECONDS: i64 = 300;
/// The longest that records may be buffered, in seconds.
const LONGEST_INTERVAL_SECONDS: i64 = 900;
/// Megabytes that are buffered where nothing else is said.
const USUAL_SIZE_MB: i64 = 5;
/// The most that may be buffered, in megabytes.
const LARGEST_SIZE_MB: i64 = 128;

/// The settings of an S3 destination.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    pub role_arn: String,
    pub bucket_arn: String,
    pub prefix: Option<Prefix>,
    error_prefix: Option<Prefix>,
    interval_seconds: i64,
    size_mb: i64,
    compression: Compression,
    extension: Option<String>,
    /// As it was given: nothing is encrypted in a folder of one's own.
    encryption: Value,
    pub logging: Option<LogPlace>,
    logging_shape: Value,
    /// Whether a newline is put behind every record.
    pub delimiter: bool,
    processing_shape: Value,
}

/// Where delivery errors are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogPlace {
    pub group: String,
    pub stream: String,
}

/// How objects are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Uncompressed,
    Gzip,
}

impl Destination {
    /// Reads a new destination's settings.
    pub fn new(mut input: Input) -> ServiceResult<Self> {
        let mut destination = Self {
            role_arn: input.required("RoleARN")?,
            bucket_arn: input.required("BucketARN")?,
            prefix: None,
            error_prefix: None,
            interval_seconds: USUAL_INTERVAL_SECONDS,
            size_mb: USUAL_SIZE_MB,
            compression: Compression::Uncompressed,
            extension: None,
            encryption: json!({"NoEncryptionConfig": "NoEncryption"}),
            logging: None,
            logging_shape: json!({"Enabled": false}),
            delimiter: false,
            processing_shape: json!({"Enabled": false, "Processors": []}),
        };
        destination.set(input)?;
        Ok(destination)
    }

    /// These settings with those of an update in place of the old ones.
    pub fn updated(&self, mut input: Input) -> ServiceResult<Self> {
        let mut destination = self.clone();
        if let Some(role_arn) = input.string("RoleARN")? {
            destination.role_arn = role_arn;
        }
        if let Some(bucket_arn) = input.string("BucketARN")? {
            destination.bucket_arn = bucket_arn;
        }
        destination.set(input)?;
        Ok(destination)
    }

    fn set(&mut self, mut input: Input) -> ServiceResult<()> {
        if !self.bucket_arn.starts_with("arn:aws:s3:::") || self.bucket_arn.len() == "arn:aws:s3:::".len() {
            return Err(invalid(format!("BucketARN {} is not the ARN of a bucket.", self.bucket_arn)));
        }
        if !self.role_arn.starts_with("arn:aws:iam::") || !self.role_arn.contains(":role/") {
            return Err(invalid(format!("RoleARN {} is not the ARN of a role.", self.role_arn)));
        }
        if let Some(text) = input.string("Prefix")? {
            self.prefix = Some(Prefix::parse(&text).map_err(invalid)?).filter(|prefix| !prefix.text().is_empty());
        }
        if let Some(text) = input.string("ErrorOutputPrefix")? {
            self.error_prefix = Some(Prefix::parse(&text).map_err(invalid)?).filter(|prefix| !prefix.text().is_empty());
        }
        self.check_prefixes()?;
        if let Some(hints) = input.structure("BufferingHints")? {
            self.set_hints(hints)?;
        }
        self.compression = match input.string("CompressionFormat")?.as_deref() {
            None => self.compression,
            Some("UNCOMPRESSED") => Compression::Uncompressed,
            Some("GZIP") => Compression::Gzip,
            Some(other) => {
                return Err(invalid(format!("The embedded cloud does not support the CompressionFormat {other}.")));
            }
        };
        if let Some(extension) = input.string("FileExtension")? {
            if !extension.is_empty() && !extension.starts_with('.') {
                return Err(invalid(format!("FileExtension {extension} must begin with a full stop.")));
            }
            self.extension = Some(extension).filter(|extension| !extension.is_empty());
        }
        if let Some(zone) = input.string("CustomTimeZone")?
            && !matches!(zone.as_str(), "UTC" | "Etc/UTC")
        {
            return Err(invalid(format!("The embedded cloud does not support the CustomTimeZone {zone}.")));
        }
        if let Some(encryption) = input.take("EncryptionConfiguration") {
            self.encryption = encryption;
        }
        if let Some(logging) = input.structure("CloudWatchLoggingOptions")? {
            self.set_logging(logging)?;
        }
        if let Some(processing) = input.structure("ProcessingConfiguration")? {
            self.set_processing(processing)?;
        }
        if let Some(mode) = input.string("S3BackupMode")?
            && mode != "Disabled"
        {
            return Err(invalid(format!("The embedded cloud does not support the S3BackupMode {mode}.")));
        }
        for member in ["DynamicPartitioningConfiguration", "DataFormatConversionConfiguration"] {
            let off = input.peek(member).is_some_and(|shape| shape["Enabled"] == false);
            if off {
                input.ignore(member);
            }
        }
        input.finish()
    }

    fn check_prefixes(&self) -> ServiceResult<()> {
        if self.prefix.as_ref().is_some_and(Prefix::names_error_type) {
            return Err(invalid("!{firehose:error-output-type} must not be used in Prefix.".to_owned()));
        }
        let names_error = self.error_prefix.as_ref().map(Prefix::names_error_type);
        let has_expressions = |prefix: &Option<Prefix>| prefix.as_ref().is_some_and(Prefix::has_expressions);
        if has_expressions(&self.error_prefix) && names_error == Some(false)
            || has_expressions(&self.prefix) && names_error != Some(true)
        {
            return Err(invalid(
                "ErrorOutputPrefix must contain !{firehose:error-output-type} where a prefix contains expressions."
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn set_hints(&mut self, mut hints: Input) -> ServiceResult<()> {
        let interval = hints.integer("IntervalInSeconds")?;
        let size = hints.integer("SizeInMBs")?;
        hints.finish()?;
        let (Some(interval), Some(size)) = (interval, size) else {
            return Err(invalid("BufferingHints must have both SizeInMBs and IntervalInSeconds.".to_owned()));
        };
        check_range("intervalInSeconds", interval, 0, LONGEST_INTERVAL_SECONDS)?;
        check_range("sizeInMBs", size, 1, LARGEST_SIZE_MB)?;
        self.interval_seconds = interval;
        self.size_mb = size;
        Ok(())
    }

    fn set_logging(&mut self, mut logging: Input) -> ServiceResult<()> {
        let enabled = logging.boolean("Enabled")?.unwrap_or(false);
        let group = logging.string("LogGroupName")?;
        let stream = logging.string("LogStreamName")?;
        logging.finish()?;
        let mut shape = Map::from_iter([("Enabled".to_owned(), Value::from(enabled))]);
        for (name, value) in [("LogGroupName", &group), ("LogStreamName", &stream)] {
            if let Some(value) = value {
                shape.insert(name.to_owned(), value.as_str().into());
            }
        }
        self.logging = match (enabled, group, stream) {
            (false, ..) => None,
            (true, Some(group), Some(stream)) => Some(LogPlace { group, stream }),
            (true, ..) => {
                return Err(invalid(
                    "LogGroupName and LogStreamName must be set where CloudWatchLoggingOptions are enabled.".to_owned(),
                ));
            }
        };
        self.logging_shape = shape.into();
        Ok(())
    }

    fn set_processing(&mut self, mut processing: Input) -> ServiceResult<()> {
        let enabled = processing.boolean("Enabled")?.unwrap_or(false);
        let processors = processing.list("Processors")?;
        processing.finish()?;
        self.delimiter = false;
        for processor in &processors {
            let kind = processor["Type"].as_str().unwrap_or_default();
            if kind != "AppendDelimiterToRecord" {
                return Err(invalid(format!("The embedded cloud does not support the processor {kind}.")));
            }
            for parameter in processor["Parameters"].as_array().into_iter().flatten() {
                let (name, value) = (parameter["ParameterName"].as_str(), parameter["ParameterValue"].as_str());
                if name != Some("Delimiter") || !matches!(value, Some("\\n" | "\n")) {
                    return Err(invalid(format!(
                        "The embedded cloud does not support the parameter {} of {kind} with the value {}.",
                        name.unwrap_or_default(),
                        value.unwrap_or_default()
                    )));
                }
            }
            self.delimiter = enabled;
        }
        self.processing_shape = json!({"Enabled": enabled, "Processors": processors});
        Ok(())
    }

    /// How long records are buffered at most.
    pub fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_seconds.unsigned_abs())
    }

    /// How many bytes are buffered before they are delivered.
    pub fn size_bytes(&self) -> u64 {
        self.size_mb.unsigned_abs() * 1024 * 1024
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        self.bucket_arn.trim_start_matches("arn:aws:s3:::")
    }

    /// How objects are packed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// What object keys end with.
    pub fn extension(&self) -> &str {
        match (&self.extension, self.compression) {
            (Some(extension), _) => extension,
            (None, Compression::Gzip) => ".gz",
            (None, Compression::Uncompressed) => "",
        }
    }

    /// `S3DestinationDescription` and `ExtendedS3DestinationDescription`.
    pub fn shapes(&self) -> (Value, Value) {
        let mut shape = Map::new();
        shape.insert("RoleARN".into(), self.role_arn.as_str().into());
        shape.insert("BucketARN".into(), self.bucket_arn.as_str().into());
        for (name, prefix) in [("Prefix", &self.prefix), ("ErrorOutputPrefix", &self.error_prefix)] {
            if let Some(prefix) = prefix {
                shape.insert(name.into(), prefix.text().into());
            }
        }
        shape.insert(
            "BufferingHints".into(),
            json!({"SizeInMBs": self.size_mb, "IntervalInSeconds": self.interval_seconds}),
        );
        let compression = match self.compression {
            Compression::Uncompressed => "UNCOMPRESSED",
            Compression::Gzip => "GZIP",
        };
        shape.insert("CompressionFormat".into(), compression.into());
        shape.insert("EncryptionConfiguration".into(), self.encryption.clone());
        shape.insert("CloudWatchLoggingOptions".into(), self.logging_shape.clone());
        let mut extended = shape.clone();
        extended.insert("ProcessingConfiguration".into(), self.processing_shape.clone());
        extended.insert("S3BackupMode".into(), "Disabled".into());
        if let Some(extension) = &self.extension {
            extended.insert("FileExtension".into(), extension.as_str().into());
        }
        (shape.into(), extended.into())
    }
}

fn check_range(member: &str, value: i64, least: i64, most: i64) -> ServiceResult<()> {
    let refused = |which: &str, limit: i64| {
        Err(ServiceError::bad_request(
            "ValidationException",
            format!(
                "1 validation error detected: Value '{value}' at 'bufferingHints.{member}' failed to satisfy \
                 constraint: Member must have value {which} than or equal to {limit}"
            ),
        ))
    };
    match value {
        value if value < least => refused("greater", least),
        value if value > most => refused("less", most),
        _ => Ok(()),
    }
}

fn invalid(message: String) -> ServiceError {
    ServiceError::bad_request("InvalidArgumentException", message)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(mut members: Value) -> ServiceResult<Destination> {
        members["RoleARN"] = "arn:aws:iam::000000000000:role/r".into();
        members["BucketARN"] = "arn:aws:s3:::b".into();
        Destination::new(Input::new("ExtendedS3DestinationConfiguration", members)?)
    }

    #[test]
    fn what_is_not_said_is_as_on_aws() {
        let destination = read(json!({})).unwrap();
        assert_eq!(destination.interval(), Duration::from_mins(5));
        assert_eq!(destination.size_bytes(), 5 * 1024 * 1024);
        assert_eq!(destination.bucket(), "b");
        assert_eq!(destination.shapes().1["S3BackupMode"], "Disabled");
    }

    #[rstest]
    #[case(json!({"DynamicPartitioningConfiguration": {"Enabled": true}}), "DynamicPartitioningConfiguration")]
    #[case(json!({"S3BackupMode": "Enabled"}), "S3BackupMode")]
    #[case(json!({"CompressionFormat": "Snappy"}), "Snappy")]
    #[case(json!({"CustomTimeZone": "Europe/Berlin"}), "Europe/Berlin")]
    #[case(json!({"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 901}}), "901")]
    #[case(json!({"BufferingHints": {"SizeInMBs": 1}}), "IntervalInSeconds")]
    #[case(json!({"ProcessingConfiguration": {"Enabled": true, "Processors": [{"Type": "Lambda"}]}}), "Lambda")]
    #[case(json!({"Prefix": "!{timestamp:yyyy}/"}), "ErrorOutputPrefix")]
    #[case(json!({"Nonsense": 1}), "Nonsense")]
    fn what_is_not_supported_is_refused_by_name(#[case] members: Value, #[case] named: &str) {
        let error = read(members).unwrap_err();
        assert!(error.message.contains(named), "{}", error.message);
    }

    #[test]
    fn an_update_keeps_what_it_does_not_name() {
        let destination = read(json!({"Prefix": "raw/"})).unwrap();
        let hints = json!({"BufferingHints": {"SizeInMBs": 2, "IntervalInSeconds": 0}});
        let updated = destination.updated(Input::new("ExtendedS3DestinationUpdate", hints).unwrap()).unwrap();
        assert_eq!(updated.interval(), Duration::ZERO);
        assert_eq!(updated.prefix.unwrap().text(), "raw/");
    }
}
