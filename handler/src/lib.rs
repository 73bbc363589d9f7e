//! The pipeline's Lambda function: takes one JSON event from `POST /submit` and puts it to a
//! Kinesis stream, whitespace removed and a newline appended, otherwise byte for byte as sent.
//!
//! The `bootstrap` binary runs it on AWS; `tailwater` runs the same library in its function mode.
//! It knows the HTTP API's event, the stream and its own log line, nothing of what comes after.

mod answer;
mod client;
mod event;
mod function;
mod json;
mod key;
mod log;
mod pointer;
mod put;
mod settings;
#[cfg(feature = "bootstrap")]
mod tls;

use std::process::ExitCode;

use aws_sdk_kinesis::{Client, config::SharedHttpClient};
use lambda_http::{Error, LambdaEvent, lambda_runtime, service_fn};

pub use client::{ConfigurationError, client, plain_http};
pub use event::Event;
pub use function::Function;
pub use json::{Invalid, Problem, compact};
pub use log::Level;
pub use pointer::{Pointer, PointerError};
pub use settings::{Settings, SettingsError};
#[cfg(feature = "bootstrap")]
pub use tls::{TrustError, https};

/// The largest record that the whole way takes, its newline included: Firehose's 1,000 KiB, which
/// is below the 1 MiB that Kinesis takes with the longest partition key.
pub const MAX_RECORD_BYTES: usize = 1_000 * 1_024;

/// Runs the function as Lambda's environment describes it, until the process is ended: `http` is
/// what [`plain_http`] or, with the feature `bootstrap`, `https` gives. What keeps it from starting is told in a log line.
pub async fn start<E: Into<Error>>(http: Result<SharedHttpClient, E>) -> ExitCode {
    let Err(error) = serve(http.map_err(Into::into)).await else { return ExitCode::SUCCESS };
    log::write_fatal(&error.to_string());
    ExitCode::FAILURE
}

async fn serve(http: Result<SharedHttpClient, Error>) -> Result<(), Error> {
    let settings = Settings::from_env()?;
    run(&client(http?)?, settings).await
}

/// Serves invocations from the Lambda Runtime API, one at a time, until the process is ended.
///
/// # Errors
/// When the Runtime API is gone.
///
/// # Panics
/// Where Lambda's own variables (`AWS_LAMBDA_RUNTIME_API`, `AWS_LAMBDA_FUNCTION_NAME` and the like)
/// are not set: the process was not started as a Lambda function.
pub async fn run(client: &Client, settings: Settings) -> Result<(), Error> {
    let function = &Function::new(client, settings);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| async move {
        let (event, context) = event.into_parts();
        let response = function.answer(&event.into_request(context)).await;
        Ok::<_, Error>(event::response(response))
    }))
    .await
}
