//! An object of the bucket.

use super::{ObjectKey, RecordHash, Timestamp};

/// An object that landed in the bucket.
#[derive(Debug, Clone)]
pub struct Object {
    /// `LastModified`, whole seconds.
    pub time: Timestamp,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: ObjectKey,
    /// The size.
    pub size_bytes: u64,
    /// What was read of it.
    pub lines: ObjectLines,
}

/// What was read of an object's lines.
#[derive(Debug, Clone)]
pub enum ObjectLines {
    /// Every line, by its bytes: its newline included.
    Read {
        /// The hash of each line, in order.
        hashes: Vec<RecordHash>,
        /// The first bytes of the object, as text for people; at most some KiB.
        head: String,
    },
    /// Not read, and why.
    Unread {
        /// Why.
        reason: String,
    },
}

impl Object {
    /// How many records (lines) it holds, where they were read.
    pub fn records(&self) -> Option<usize> {
        match &self.lines {
            ObjectLines::Read { hashes, .. } => Some(hashes.len()),
            ObjectLines::Unread { .. } => None,
        }
    }
}
