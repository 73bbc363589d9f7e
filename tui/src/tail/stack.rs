//! The events of the stack's operations.

use tailwater_core::{app::TailState, events::StackEvent};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::{Start, Update, backoff::Backoff, say};
use crate::target::{StackEvents, Target};

/// Follows a stack's events until `stop` or until nobody listens.
pub async fn stack(
    target: Target,
    stack_id: String,
    start: Start,
    out: Sender<Update<StackEvent>>,
    stop: CancellationToken,
) {
    let client = target.cloudformation();
    let mut events = StackEvents::new(&client, stack_id);
    let from = match start {
        Start::Now => Some(crate::target::now()),
        Start::At(time) => Some(time),
        Start::Beginning => None,
    };
    let mut last = None;
    let mut backoff = Backoff::default();
    loop {
        let read = tokio::select! {
            read = events.read() => read,
            () = stop.cancelled() => return,
            () = out.closed() => return,
        };
        let pause = match read {
            Ok(mut new) => {
                backoff.reset();
                new.retain(|event| from.is_none_or(|from| event.time >= from));
                if !new.is_empty() && out.send(Update::Batch(new)).await.is_err() {
                    return;
                }
                if !say(&out, &mut last, TailState::Following).await {
                    return;
                }
                // Whoever deploys reads at the deployment's own pace; this one only watches.
                target.pace().logs
            }
            Err(error) => {
                let after = backoff.next();
                if !say(&out, &mut last, TailState::Retrying { error: error.to_string(), after }).await {
                    return;
                }
                after
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}
