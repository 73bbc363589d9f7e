//! The function as AWS starts it: HTTPS, one thread, everything from Lambda's environment.

use lambda_http::Error;
use tailwater_handler::{Settings, client, https, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = Settings::from_env()?;
    run(client(https()?)?, settings).await
}
