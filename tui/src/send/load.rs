//! Many events: at a rate, with so many requests under way at once.

use std::{num::NonZeroUsize, time::Duration};

use bytes::Bytes;
use tailwater_core::events::Sent;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::Sender;

/// Requests under way at once unless told otherwise: enough for any rate that a laptop makes.
pub const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(16).expect("above zero");

/// How events are sent.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Events a second; `None`: as fast as answers come.
    pub rate: Option<f64>,
    /// Requests under way at once.
    pub concurrency: NonZeroUsize,
}

/// Sends every event that `events` gives, in order, and hands over each as it is answered. What
/// has been started is finished even after `stop`.
pub async fn run(
    sender: &Sender,
    load: Load,
    mut events: impl Iterator<Item = (u64, Bytes)>,
    out: &mpsc::Sender<Sent>,
    stop: &CancellationToken,
) {
    let began = Instant::now();
    let mut started: u32 = 0;
    let mut running = JoinSet::new();
    loop {
        while running.len() >= load.concurrency.get()
            && let Some(ended) = running.join_next().await
        {
            hand_over(ended, out).await;
        }
        if let Some(rate) = load.rate {
            // Measured from the beginning, so that a late one does not make all later ones late.
            let due = began + Duration::from_secs_f64(f64::from(started) / rate);
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(due) => break,
                    () = stop.cancelled() => break,
                    Some(ended) = running.join_next() => hand_over(ended, out).await,
                }
            }
        }
        if stop.is_cancelled() {
            break;
        }
        let Some((seq, body)) = events.next() else { break };
        let sender = sender.clone();
        running.spawn(async move { sender.send(seq, body).await });
        started = started.saturating_add(1);
    }
    while let Some(ended) = running.join_next().await {
        hand_over(ended, out).await;
    }
}

async fn hand_over(ended: Result<Sent, JoinError>, out: &mpsc::Sender<Sent>) {
    if let Ok(sent) = ended {
        // Nobody listening does not unsend it.
        let _ = out.send(sent).await;
    }
}
