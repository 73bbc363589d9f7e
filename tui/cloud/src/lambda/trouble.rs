//! What an order for trouble does to an invocation before the function sees its event.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::faults::{FunctionEnd, Met, When};

/// How an invocation begins, once nothing holds it back any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// The function gets its event.
    Deliver,
    /// The process is killed instead.
    Kill,
    /// The function answers with an error instead.
    Throw { error_type: String, message: String },
}

impl Met<FunctionEnd> {
    /// Whether the function does its work first.
    pub(super) fn is_after(&self) -> bool {
        matches!(self.effect, FunctionEnd::Crash(When::After) | FunctionEnd::Timeout(When::After))
    }
}

/// Waits as long as the orders hold an invocation back.
pub(super) async fn before(delay: Option<Met<Duration>>, end: Option<Met<FunctionEnd>>) -> Begin {
    if let Some(delay) = delay {
        delay.wait().await;
    }
    let Some(Met { effect, lifted }) = end else { return Begin::Deliver };
    match effect {
        FunctionEnd::Crash(When::Before) => Begin::Kill,
        FunctionEnd::Error { error_type, message } => Begin::Throw { error_type, message },
        FunctionEnd::Timeout(When::Before) => {
            lifted.cancelled().await;
            Begin::Deliver
        }
        FunctionEnd::Crash(When::After) | FunctionEnd::Timeout(When::After) => Begin::Deliver,
    }
}

/// Waits until the order is taken back; without one it never comes.
pub(super) async fn lifted(order: Option<&CancellationToken>) {
    match order {
        Some(order) => order.cancelled().await,
        None => std::future::pending().await,
    }
}
