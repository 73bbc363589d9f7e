//! The SDK's clients, each with the interceptor that every call passes.

use std::sync::OnceLock;

use super::{Target, endpoints, recorder::Recorder};

/// The SDK's clients, each made once: they remember what they learn of the service's clock.
#[derive(Default)]
pub(super) struct Clients {
    cloudformation: OnceLock<aws_sdk_cloudformation::Client>,
    firehose: OnceLock<aws_sdk_firehose::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    kinesis: OnceLock<aws_sdk_kinesis::Client>,
    lambda: OnceLock<aws_sdk_lambda::Client>,
    logs: OnceLock<aws_sdk_cloudwatchlogs::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
}

impl Target {
    /// A client for CloudFormation.
    pub fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        let make = || {
            let config = aws_sdk_cloudformation::config::Builder::from(&self.config).interceptor(self.recorder());
            aws_sdk_cloudformation::Client::from_conf(config.build())
        };
        self.shared.clients.cloudformation.get_or_init(make).clone()
    }

    /// A client for Kinesis.
    pub fn kinesis(&self) -> aws_sdk_kinesis::Client {
        let make = || {
            let config = aws_sdk_kinesis::config::Builder::from(&self.config).interceptor(self.recorder());
            aws_sdk_kinesis::Client::from_conf(config.build())
        };
        self.shared.clients.kinesis.get_or_init(make).clone()
    }

    /// A client for CloudWatch Logs.
    pub fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        let make = || {
            let config = aws_sdk_cloudwatchlogs::config::Builder::from(&self.config).interceptor(self.recorder());
            aws_sdk_cloudwatchlogs::Client::from_conf(config.build())
        };
        self.shared.clients.logs.get_or_init(make).clone()
    }

    /// A client for S3. Bucket names go into the path where the endpoint is not AWS's: its host
    /// has no names below it.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let make = || {
            let elsewhere = self.endpoint_url.is_some() || endpoints::own(&self.config, "S3").is_some();
            let config = aws_sdk_s3::config::Builder::from(&self.config)
                .force_path_style(elsewhere)
                .interceptor(self.recorder());
            aws_sdk_s3::Client::from_conf(config.build())
        };
        self.shared.clients.s3.get_or_init(make).clone()
    }

    /// A client for Firehose.
    pub fn firehose(&self) -> aws_sdk_firehose::Client {
        let make = || {
            let config = aws_sdk_firehose::config::Builder::from(&self.config).interceptor(self.recorder());
            aws_sdk_firehose::Client::from_conf(config.build())
        };
        self.shared.clients.firehose.get_or_init(make).clone()
    }

    /// A client for Lambda.
    pub fn lambda(&self) -> aws_sdk_lambda::Client {
        let make = || {
            let config = aws_sdk_lambda::config::Builder::from(&self.config).interceptor(self.recorder());
            aws_sdk_lambda::Client::from_conf(config.build())
        };
        self.shared.clients.lambda.get_or_init(make).clone()
    }

    /// A client for IAM.
    pub fn iam(&self) -> aws_sdk_iam::Client {
        let make = || {
            let config = aws_sdk_iam::config::Builder::from(&self.config).interceptor(self.recorder());
            aws_sdk_iam::Client::from_conf(config.build())
        };
        self.shared.clients.iam.get_or_init(make).clone()
    }

    /// A client for STS.
    pub fn sts(&self) -> aws_sdk_sts::Client {
        let make = || {
            let config = aws_sdk_sts::config::Builder::from(&self.config).interceptor(self.recorder());
            aws_sdk_sts::Client::from_conf(config.build())
        };
        self.shared.clients.sts.get_or_init(make).clone()
    }

    fn recorder(&self) -> Recorder {
        self.shared.recorder.clone()
    }
}
