//! Which records go: those older than their stream keeps them, and the oldest of all where there
//! are too many bytes.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use super::{Kinesis, engine::Dropped};

/// How often records that are too old are looked for.
const SWEEP: Duration = Duration::from_secs(10);
/// The share of the cap that is freed at once, so that letting go costs little a record.
const FREED_SHARE: u64 = 64;

impl Kinesis {
    /// The records that went because there were too many bytes, before their retention was over.
    pub fn dropped(&self) -> Dropped {
        Dropped {
            records: self.dropped_records.load(Ordering::Relaxed),
            bytes: self.dropped_bytes.load(Ordering::Relaxed),
        }
    }

    /// Deletes the oldest records until the cap holds again.
    pub(super) async fn let_oldest_go(&self) {
        // One at a time: whoever comes second finds enough freed.
        let _alone = self.letting_go.lock().await;
        let cap = self.place.retained_bytes;
        let held = self.streams.held();
        if held <= cap {
            return;
        }
        let names = self.engine.stream_names().await;
        let gone = self.engine.delete_oldest(&names, held - cap + cap / FREED_SHARE).await;
        for (name, dropped) in gone {
            self.streams.remove(&name, dropped.bytes);
            let before = self.dropped_records.fetch_add(dropped.records, Ordering::Relaxed);
            self.dropped_bytes.fetch_add(dropped.bytes, Ordering::Relaxed);
            if before == 0 && dropped.records > 0 {
                tracing::warn!(
                    stream = name,
                    cap_bytes = cap,
                    "the records of all streams exceed the cap: the oldest go before their retention is over"
                );
            }
        }
    }

    /// Deletes the records of a stream that are older than it keeps them.
    pub(super) async fn let_expired_go(&self, name: &str) {
        let Ok(stream) = self.engine.stream(name).await else { return };
        let kept_ms = i64::from(stream.retention_hours) * 3_600_000;
        let before_ms = jiff::Timestamp::now().as_millisecond() - kept_ms;
        let dropped = self.engine.delete_before(name, before_ms).await;
        self.streams.remove(name, dropped.bytes);
    }
}

/// Sweeps until the cloud is gone.
pub(super) async fn sweep(kinesis: Weak<Kinesis>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(kinesis): Option<Arc<Kinesis>> = kinesis.upgrade() else { return };
        for name in kinesis.engine.stream_names().await {
            kinesis.let_expired_go(&name).await;
        }
    }
}
