//! What a delivery stream holds between source and destination.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;

/// Records that wait to be delivered together.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    records: VecDeque<Bytes>,
    bytes: u64,
    /// When the oldest was taken in.
    since: Option<Instant>,
    /// When the oldest arrived at the source, in milliseconds since 1970.
    arrived_ms: i64,
}

/// What becomes one object.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub records: Vec<Bytes>,
    pub bytes: u64,
    /// When the oldest arrived at the source, in milliseconds since 1970.
    pub arrived_ms: i64,
    /// The object's key, once it has been tried: a second try writes the same object.
    pub key: Option<String>,
}

impl Buffer {
    /// Takes a record in.
    pub fn push(&mut self, record: Bytes, arrived_ms: i64, now: Instant) {
        if self.records.is_empty() {
            self.since = Some(now);
            self.arrived_ms = arrived_ms;
        }
        self.arrived_ms = self.arrived_ms.min(arrived_ms);
        self.bytes += record.len() as u64;
        self.records.push_back(record);
    }

    /// Records held.
    pub fn records(&self) -> u64 {
        self.records.len() as u64
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When what is held must go, however little it is; `None`: nothing is held.
    pub fn due(&self, interval: Duration) -> Option<Instant> {
        self.since.map(|since| since + interval)
    }

    /// Takes everything out; `None`: nothing is held.
    pub fn take(&mut self) -> Option<Batch> {
        self.since.take()?;
        let bytes = std::mem::take(&mut self.bytes);
        Some(Batch { records: std::mem::take(&mut self.records).into(), bytes, arrived_ms: self.arrived_ms, key: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_record_decides_when_the_buffer_is_due() {
        let (mut buffer, start) = (Buffer::default(), Instant::now());
        let interval = Duration::from_mins(1);
        assert_eq!(buffer.due(interval), None);
        buffer.push(Bytes::from_static(b"late"), 2000, start);
        buffer.push(Bytes::from_static(b"early"), 1000, start + Duration::from_secs(30));
        assert_eq!(buffer.due(interval), Some(start + interval));
        let batch = buffer.take().unwrap();
        assert_eq!((batch.records.len(), batch.bytes, batch.arrived_ms), (2, 9, 1000));
        assert!(buffer.take().is_none());
        assert_eq!((buffer.records(), buffer.bytes(), buffer.due(interval)), (0, 0, None));
    }
}
