//! The function as AWS starts it: HTTPS, one thread, everything from Lambda's environment.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tailwater_handler::start(tailwater_handler::https()).await
}
