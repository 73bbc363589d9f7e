//! This machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use tailwater_core::events::Timestamp;

/// Now, by this machine's clock.
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
