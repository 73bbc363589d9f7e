//! What this room knows of each stream beside the engine: who may touch it now, what it holds, and
//! who waits for news of it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::{RwLock as Gate, watch};

use super::throttle::ReadWindow;

/// One stream's state.
pub(super) struct StreamState {
    /// Held alone while records are put and together while they are read: a reader that has seen a
    /// sequence number has seen every smaller one.
    pub gate: Gate<()>,
    /// Changes whenever there is something new to read.
    pub news: watch::Sender<u64>,
    /// Bytes of its records.
    pub bytes: AtomicU64,
    pub encrypted: AtomicBool,
    windows: Mutex<HashMap<String, ReadWindow>>,
}

impl StreamState {
    fn new() -> Self {
        Self {
            gate: Gate::default(),
            news: watch::Sender::new(0),
            bytes: AtomicU64::new(0),
            encrypted: AtomicBool::new(false),
            windows: Mutex::default(),
        }
    }

    /// Wakes whoever waits for news.
    pub fn tell(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Looks at a shard's reads.
    pub fn with_window<T>(&self, shard_id: &str, look: impl FnOnce(&mut ReadWindow) -> T) -> T {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        look(windows.entry(shard_id.to_owned()).or_default())
    }
}

/// The states by the names of their streams.
#[derive(Default)]
pub(super) struct Streams {
    states: RwLock<HashMap<String, Arc<StreamState>>>,
    /// Bytes of the records of all streams.
    bytes: AtomicU64,
}

impl Streams {
    /// The state of a stream that was created.
    pub fn open(&self, name: &str) {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        states.entry(name.to_owned()).or_insert_with(|| Arc::new(StreamState::new()));
    }

    /// The stream is gone: whoever waits for its news learns that none will come.
    pub fn close(&self, name: &str) {
        let state = self.states.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        if let Some(state) = state {
            self.bytes.fetch_sub(state.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// A stream's state; `None` where there is no such stream.
    pub fn get(&self, name: &str) -> Option<Arc<StreamState>> {
        self.states.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Counts bytes that were put, and gives what all streams hold.
    pub fn add(&self, state: &StreamState, bytes: u64) -> u64 {
        state.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes
    }

    /// Counts bytes that were deleted.
    pub fn remove(&self, name: &str, bytes: u64) {
        if let Some(state) = self.get(name) {
            state.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Bytes of the records of all streams.
    pub fn held(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}
