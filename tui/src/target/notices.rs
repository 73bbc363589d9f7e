//! What a target has to say of itself while it is used: each thing once, whoever asked.

use tokio::sync::broadcast::{self, error::RecvError};

/// How many notices may wait for a listener; they are rare.
const NOTICES_AHEAD: usize = 16;

/// Says something to whoever listens.
#[derive(Debug, Clone)]
pub(super) struct Notices(broadcast::Sender<String>);

impl Notices {
    pub(super) fn new() -> Self {
        Self(broadcast::channel(NOTICES_AHEAD).0)
    }

    pub(super) fn say(&self, text: String) {
        // Nobody listening is no trouble: the errors themselves go their own way.
        let _ = self.0.send(text);
    }

    pub(super) fn listen(&self) -> NoticeReceiver {
        NoticeReceiver(self.0.subscribe())
    }
}

/// What a target says of itself from now on.
#[derive(Debug)]
pub struct NoticeReceiver(broadcast::Receiver<String>);

impl NoticeReceiver {
    /// The next notice; `None` once the target is gone.
    pub async fn recv(&mut self) -> Option<String> {
        loop {
            match self.0.recv().await {
                Ok(text) => return Some(text),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
