//! Where each service answers, as the environment and the shared files set it.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// The services that are used, by the names of the shared files' `services` sections.
const SERVICES: [&str; 8] = ["CloudFormation", "CloudWatch Logs", "Firehose", "IAM", "Kinesis", "Lambda", "S3", "STS"];

/// A service that answers elsewhere than the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEndpoint {
    /// The service's name.
    pub service: &'static str,
    /// `AWS_ENDPOINT_URL_<SERVICE>`, or its like in the profile.
    pub url: String,
}

/// The service's endpoint where it is set for it alone. One that was given on the command line holds
/// for every service.
pub(super) fn own(config: &SdkConfig, service: &'static str) -> Option<String> {
    if config.get_origin("endpoint_url").is_client_config() {
        return None;
    }
    let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let url = config.service_config()?.load_config(key.ok()?)?;
    (Some(url.as_str()) != config.endpoint_url()).then_some(url)
}

/// The service's own endpoint, by an operation as IAM names it: `kinesis:ListShards`.
pub(super) fn of_operation(config: &SdkConfig, operation: &str) -> Option<String> {
    let service = match operation.split_once(':')?.0 {
        "cloudformation" => "CloudFormation",
        "firehose" => "Firehose",
        "iam" => "IAM",
        "kinesis" => "Kinesis",
        "lambda" => "Lambda",
        "logs" => "CloudWatch Logs",
        "s3" => "S3",
        "sts" => "STS",
        _ => return None,
    };
    own(config, service)
}

/// Every service that answers elsewhere than the others.
pub(super) fn all(config: &SdkConfig) -> Vec<ServiceEndpoint> {
    SERVICES.into_iter().filter_map(|service| Some(ServiceEndpoint { service, url: own(config, service)? })).collect()
}
