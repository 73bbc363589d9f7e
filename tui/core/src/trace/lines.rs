//! Settles the lines of objects with the records that have their bytes: in order, and where several
//! records have the same bytes, by count.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{
    Held, Landing,
    ledger::{BySecond, second},
    store::Id,
};
use crate::events::{ObjectKey, RecordHash, Timestamp};

/// How many lines whose record has not been seen are remembered.
const UNCLAIMED_KEPT: usize = 10_000;
/// An object's date has whole seconds, and its clock is not the stream's: a line may seem to be this
/// much older than its record, and no more.
const DATE_SLACK: Duration = Duration::from_secs(5);
/// A line is a surplus once its record has had this long to be read: records and objects come from
/// different sources.
const RECORDS_LATE: Duration = Duration::from_secs(10);

/// A record that has not landed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub id: Id,
    /// When it arrived.
    pub arrived: Timestamp,
    pub bytes: u64,
}

/// A line whose record has not been seen.
#[derive(Debug, Clone)]
struct Unclaimed {
    serial: u64,
    object: Arc<ObjectKey>,
    line: u64,
    time: Timestamp,
    /// Every record with its bytes that was seen has landed already.
    surplus: bool,
}

impl Unclaimed {
    fn landing(&self) -> Landing {
        Landing { object: self.object.as_ref().clone(), line: self.line, time: self.time }
    }
}

/// The records and lines with the same bytes.
#[derive(Debug, Default)]
struct Group {
    waiting: VecDeque<Waiting>,
    unclaimed: VecDeque<Unclaimed>,
    /// How many records were seen.
    seen: u64,
    /// How many of them are still known here.
    known: u64,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// It is this record's.
    Of(Id),
    /// Its record has not been seen, or all with its bytes have landed.
    Unclaimed,
}

/// Records and lines by their bytes.
#[derive(Debug, Default)]
pub(super) struct Lines {
    groups: HashMap<RecordHash, Group>,
    /// Unclaimed lines, oldest first; with those that were claimed since.
    order: VecDeque<(RecordHash, u64)>,
    unclaimed: usize,
    serial: u64,
    surplus: BySecond,
    surplus_all: u64,
    /// What waits: how many by their arrival, and their bytes.
    arrivals: BTreeMap<Timestamp, u64>,
    held: Held,
}

impl Lines {
    /// A record with these bytes: which of them it is, and its line where that was seen before it.
    pub fn record(&mut self, hash: RecordHash, record: Waiting) -> (u64, Option<Landing>) {
        let group = self.groups.entry(hash).or_default();
        group.seen += 1;
        group.known += 1;
        let nth = group.seen;
        // A line that is older than the record is an earlier one's that nobody saw.
        while group.unclaimed.front().is_some_and(|line| line.time.plus(DATE_SLACK) < record.arrived) {
            if let Some(line) = group.unclaimed.pop_front() {
                self.unclaimed -= 1;
                uncount(&mut self.surplus, &mut self.surplus_all, &line);
            }
        }
        let line = group.unclaimed.pop_front();
        if let Some(line) = &line {
            self.unclaimed -= 1;
            uncount(&mut self.surplus, &mut self.surplus_all, line);
            for rest in group.unclaimed.iter_mut().filter(|rest| !rest.surplus) {
                rest.surplus = true;
                self.surplus.add(second(rest.time));
                self.surplus_all += 1;
            }
        } else {
            group.waiting.push_back(record);
            self.hold(record);
        }
        (nth, line.map(|line| line.landing()))
    }

    /// A line with these bytes.
    pub fn line(&mut self, hash: RecordHash, object: &Arc<ObjectKey>, line: u64, time: Timestamp) -> Line {
        let group = self.groups.entry(hash).or_default();
        let fits = group.waiting.front().is_some_and(|record| time.plus(DATE_SLACK) >= record.arrived);
        if fits && let Some(record) = group.waiting.pop_front() {
            self.unhold(record);
            return Line::Of(record.id);
        }
        let surplus = group.seen > 0 && group.waiting.is_empty();
        if surplus {
            self.surplus.add(second(time));
            self.surplus_all += 1;
        }
        self.serial += 1;
        group.unclaimed.push_back(Unclaimed { serial: self.serial, object: object.clone(), line, time, surplus });
        self.unclaimed += 1;
        self.order.push_back((hash, self.serial));
        self.trim();
        Line::Unclaimed
    }

    /// A line of an object with what could not be delivered: the record it is of, which may still land.
    pub fn failed_line(&mut self, hash: RecordHash) -> Option<Id> {
        let group = self.groups.get_mut(&hash)?;
        let record = group.waiting.pop_front()?;
        // Others with its bytes come first from now on.
        group.waiting.push_back(record);
        Some(record.id)
    }

    /// A record is no longer known here; `waits`: it had not landed.
    pub fn forget(&mut self, hash: RecordHash, id: Id, waits: bool) {
        let Some(group) = self.groups.get_mut(&hash) else { return };
        group.known = group.known.saturating_sub(1);
        // The oldest is let go first: it stands in front.
        let place = if waits { group.waiting.iter().position(|record| record.id == id) } else { None };
        let record = place.and_then(|place| group.waiting.remove(place));
        if group.known == 0 && group.waiting.is_empty() && group.unclaimed.is_empty() {
            self.groups.remove(&hash);
        }
        if let Some(record) = record {
            self.unhold(record);
        }
    }

    /// How many records with these bytes were seen.
    pub fn identical(&self, hash: &RecordHash) -> u64 {
        self.groups.get(hash).map_or(0, |group| group.seen)
    }

    /// The surplus lines of one of the records with these bytes: of several, in turns.
    pub fn duplicates(&self, hash: &RecordHash, nth: u64, now: Timestamp) -> Vec<Landing> {
        let Some(group) = self.groups.get(hash) else { return Vec::new() };
        let late = second(now.minus(RECORDS_LATE));
        let lines = group.unclaimed.iter().filter(|line| line.surplus && second(line.time) < late);
        let turns = (1..=group.seen.max(1)).cycle();
        lines.zip(turns).filter(|(_, turn)| *turn == nth).map(|(line, _)| line.landing()).collect()
    }

    /// How many lines landed beyond the records with their bytes.
    pub fn surplus(&self, now: Timestamp) -> u64 {
        if self.surplus_all == 0 { 0 } else { self.surplus.before(second(now.minus(RECORDS_LATE))) }
    }

    /// What waits for a line.
    pub fn held(&self) -> Held {
        Held { oldest: self.arrivals.first_key_value().map(|(time, _)| *time), ..self.held }
    }

    fn hold(&mut self, record: Waiting) {
        self.held.records += 1;
        self.held.bytes += record.bytes;
        *self.arrivals.entry(record.arrived).or_default() += 1;
    }

    fn unhold(&mut self, record: Waiting) {
        self.held.records -= 1;
        self.held.bytes -= record.bytes;
        if let Some(count) = self.arrivals.get_mut(&record.arrived) {
            *count -= 1;
            if *count == 0 {
                self.arrivals.remove(&record.arrived);
            }
        }
    }

    fn trim(&mut self) {
        while self.unclaimed > UNCLAIMED_KEPT {
            let Some((hash, serial)) = self.order.pop_front() else { return };
            let Some(group) = self.groups.get_mut(&hash) else { continue };
            let Some(line) = group.unclaimed.pop_front_if(|line| line.serial == serial) else { continue };
            self.unclaimed -= 1;
            uncount(&mut self.surplus, &mut self.surplus_all, &line);
            if group.known == 0 && group.waiting.is_empty() && group.unclaimed.is_empty() {
                self.groups.remove(&hash);
            }
        }
        // What was claimed since goes with the rest, once it is most of it.
        if self.order.len() > 2 * UNCLAIMED_KEPT {
            let groups = &self.groups;
            self.order.retain(|(hash, serial)| {
                groups
                    .get(hash)
                    .is_some_and(|group| group.unclaimed.binary_search_by_key(serial, |line| line.serial).is_ok())
            });
        }
    }

    /// How much is remembered: groups, and places in the order.
    #[cfg(test)]
    pub fn sizes(&self) -> (usize, usize) {
        (self.groups.len(), self.order.len())
    }
}

fn uncount(surplus: &mut BySecond, all: &mut u64, line: &Unclaimed) {
    if line.surplus {
        surplus.remove(second(line.time));
        *all -= 1;
    }
}
