//! Looking for an event further back than what is loaded.

use std::time::Duration;

use tailwater_core::{
    app::{LookBackNews, Message},
    events::Timestamp,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Running;
use crate::tail::{BATCHES_AHEAD, Look, Looked};

/// What was put just now may be newer than this machine's clock says.
const NEWEST: Duration = Duration::from_secs(10);

impl Running {
    /// Looks for an id or a part of a body in what came in this time; what is found is handed over as
    /// ordinary events.
    pub(in crate::runtime) fn look_back(&mut self, wanted: String, from: Timestamp, to: Timestamp) {
        self.stop_looking();
        let (shared, stop) = (self.shared.clone(), self.looking.clone());
        self.shared.tasks.spawn(async move {
            let live = shared.live.lock().await;
            let known = live.as_ref().map(|live| (live.outputs.clone(), live.bucket.clone(), live.interval));
            drop(live);
            let (Some((outputs, bucket, interval)), Some(target)) = (known, shared.target().await) else {
                shared.say(Message::LookBack(LookBackNews::NotFound)).await;
                return;
            };
            let (out, mut looked) = mpsc::channel(BATCHES_AHEAD);
            let (from, to) = (target.to_their_time(from), target.to_their_time(to).plus(NEWEST));
            let looking = async {
                let look = Look { target: &target, outputs: &outputs, bucket: &bucket, interval, out: &out };
                let found = look.look(&wanted, from, to).await;
                drop(out);
                found
            };
            let telling = async {
                while let Some(looked) = looked.recv().await {
                    let message = match looked {
                        Looked::In(place) => Message::LookBack(LookBackNews::In(place)),
                        Looked::Found(event) => Message::Events(vec![event]),
                    };
                    shared.say(message).await;
                }
            };
            let news = tokio::select! {
                (found, ()) = async { tokio::join!(looking, telling) } => match found {
                    Ok(true) => LookBackNews::Found,
                    Ok(false) => LookBackNews::NotFound,
                    Err(error) => LookBackNews::Failed(error),
                },
                () = stop.cancelled() => return,
            };
            shared.say(Message::LookBack(news)).await;
        });
    }

    /// Stops what is being looked for.
    pub(in crate::runtime) fn stop_looking(&mut self) {
        self.looking.cancel();
        self.looking = CancellationToken::new();
    }
}
