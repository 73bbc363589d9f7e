//! The events of the stack's operations.

use tailwater_core::{app::TailState, events::StackEvent};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::{Start, Update, backoff::Backoff, rest::Rest, say};
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
        Start::Now => Some(target.beginning(crate::target::now())),
        Start::At(time) => Some(target.beginning(time)),
        Start::Beginning => None,
    };
    let mut last = None;
    let mut backoff = Backoff::default();
    // Whoever deploys reads at the deployment's own pace; this one only watches.
    let mut rest = Rest::new(&target, target.pace().watched_stack);
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
                rest.read(!new.is_empty());
                if !new.is_empty() && out.send(Update::Batch(new)).await.is_err() {
                    return;
                }
                if !say(&out, &mut last, rest.state()).await {
                    return;
                }
                None
            }
            Err(error) => {
                let after = backoff.next();
                if !say(&out, &mut last, TailState::Retrying { error: error.to_string(), after }).await {
                    return;
                }
                Some(after)
            }
        };
        let pause = async {
            match pause {
                Some(after) => target.time().sleep(after).await,
                None => rest.pause().await,
            }
        };
        tokio::select! {
            () = pause => {}
            () = stop.cancelled() => return,
            () = out.closed() => return,
        }
    }
}
