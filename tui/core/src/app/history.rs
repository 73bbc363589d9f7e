//! The rows of a pane, bounded by count and by bytes: the oldest go first, and are counted.

use std::collections::VecDeque;

use super::Row;

/// How many rows a pane keeps.
const MOST_ROWS: usize = 5_000;
/// How many bytes a pane's rows may take. One row larger than that is kept alone.
const MOST_BYTES: usize = 8 << 20;

/// The rows of a pane. A row's id is its place in all that ever came, from 0.
#[derive(Debug, Default)]
pub struct History {
    rows: VecDeque<Row>,
    first: u64,
    bytes: usize,
}

impl History {
    /// Adds the newest row.
    pub fn push(&mut self, row: Row) {
        self.bytes += row.bytes();
        self.rows.push_back(row);
        while self.rows.len() > MOST_ROWS || (self.bytes > MOST_BYTES && self.rows.len() > 1) {
            if let Some(gone) = self.rows.pop_front() {
                self.bytes -= gone.bytes();
                self.first += 1;
            }
        }
    }

    /// The row with this id, where it is still kept.
    pub fn get(&self, id: u64) -> Option<&Row> {
        let index = usize::try_from(id.checked_sub(self.first)?).ok()?;
        self.rows.get(index)
    }

    /// The id of the oldest row that is kept; as many were let go.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The id that the next row will get.
    pub fn next(&self) -> u64 {
        self.first + self.rows.len() as u64
    }

    /// How many rows are kept.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The bytes the rows take, about.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows with their ids, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &Row)> {
        self.rows.iter().enumerate().map(|(index, row)| (self.first + index as u64, row))
    }
}
