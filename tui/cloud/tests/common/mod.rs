//! What the tests of several services share.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use tailwater_cloud::{LocalCloud, Options};

/// A cloud on free ports.
pub fn options() -> Options {
    Options { gateway_port: Some(0), ..Options::new(Vec::new()) }
}

/// The SDK's configuration for a cloud, with the account's own keys.
pub async fn config(cloud: &LocalCloud) -> SdkConfig {
    let keys = cloud.credentials();
    let keys = aws_credential_types::Credentials::from_keys(keys.access_key_id, keys.secret_access_key, None);
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(cloud.endpoint_url())
        .region(Region::new(cloud.region().to_owned()))
        .credentials_provider(keys)
        .load()
        .await
}

/// Asks until there is an answer.
pub async fn until<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..1000 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing came of it within ten seconds");
}
