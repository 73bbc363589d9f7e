//! Tailwater: deploys a streaming pipeline and lets people watch one event travel through it, live.

mod cli;
mod commands;
mod deploy;
mod report;
mod runtime;
mod send;
mod session;
mod tail;
mod target;
mod ui;

use std::process::ExitCode;

/// The hidden mode that supervises the embedded cloud's functions.
#[cfg(feature = "local")]
pub(crate) const SUPERVISE: &str = "__supervise";
/// The hidden mode in which this program is the pipeline's function.
#[cfg(feature = "local")]
pub(crate) const FUNCTION: &str = "__function";

fn main() -> ExitCode {
    #[cfg(feature = "local")]
    {
        let mut arguments = std::env::args_os().skip(1);
        let mode = arguments.next();
        if mode.as_deref() == Some(SUPERVISE.as_ref()) {
            return tailwater_cloud::supervisor::run(arguments.collect());
        }
        if mode.as_deref() == Some(FUNCTION.as_ref()) {
            return function();
        }
    }
    cli::run()
}

/// Runs as the function, on the Lambda Runtime API.
#[cfg(feature = "local")]
fn function() -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(async { tailwater_handler::start(tailwater_handler::plain_http()).await }),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
