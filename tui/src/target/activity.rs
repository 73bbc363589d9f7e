//! Whether anything goes on: sources that had become slow look at once when something does.

use tokio::sync::watch;

/// Tells of what goes on.
#[derive(Debug, Clone)]
pub(super) struct Activity(watch::Sender<u64>);

impl Activity {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Something was sent, or came.
    pub(super) fn stir(&self) {
        self.0.send_modify(|times| *times = times.wrapping_add(1));
    }

    pub(super) fn watch(&self) -> Stirred {
        Stirred(self.0.subscribe())
    }
}

/// Notices that something goes on.
#[derive(Debug, Clone)]
pub struct Stirred(watch::Receiver<u64>);

impl Stirred {
    /// Waits until something was sent or came since the last time.
    pub async fn stirred(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Takes everything up to now as known.
    pub fn settle(&mut self) {
        self.0.mark_unchanged();
    }
}
