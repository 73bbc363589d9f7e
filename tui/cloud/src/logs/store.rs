//! What is kept: groups, their streams and events, and what was let go.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{Arc, Weak},
};

use super::{LogLine, event_id::Position, live_tail::Session, no_group};
use crate::wire::ServiceResult;

/// Bytes of events kept over all groups. Above it the fullest group lets its oldest events go.
pub(super) const KEPT_BYTES: u64 = 10 * 1024 * 1024;
/// What an event takes beside its message: two index entries, its allocation, its times.
const EVENT_OVERHEAD_BYTES: u64 = 160;
/// The longest message of one event, as AWS takes it; a longer line becomes several events.
pub(super) const LONGEST_MESSAGE_BYTES: usize = 1024 * 1024;
/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Everything that is kept.
#[derive(Default)]
pub(super) struct Store {
    pub groups: BTreeMap<String, Group>,
    pub sessions: Vec<Weak<Session>>,
    next_sequence: u64,
}

/// A log group.
pub(super) struct Group {
    pub created_ms: i64,
    /// `None`: never expires.
    pub retention_days: Option<i64>,
    pub tags: BTreeMap<String, String>,
    pub streams: BTreeMap<String, Stream>,
    /// Of all streams, by time.
    events: BTreeMap<Position, Arc<Event>>,
    kept_bytes: u64,
    pub let_go: LetGo,
}

/// Events that are no longer there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LetGo {
    /// For want of room.
    pub for_room: u64,
    /// Because they were older than the group's retention.
    pub expired: u64,
}

/// A log stream.
pub(super) struct Stream {
    name: Arc<str>,
    pub created_ms: i64,
    pub first_event_ms: Option<i64>,
    pub last_event_ms: Option<i64>,
    pub last_ingestion_ms: Option<i64>,
    positions: BTreeSet<Position>,
}

/// A log event.
#[derive(Debug)]
pub(super) struct Event {
    pub stream: Arc<str>,
    pub ingestion_ms: i64,
    pub message: Box<str>,
}

impl Event {
    fn kept_bytes(&self) -> u64 {
        self.message.len() as u64 + EVENT_OVERHEAD_BYTES
    }
}

impl Store {
    /// The group of that name, without what its retention no longer keeps.
    pub fn group(&mut self, name: &str, now_ms: i64) -> ServiceResult<&mut Group> {
        let group = self.groups.get_mut(name).ok_or_else(no_group)?;
        group.expire(now_ms);
        Ok(group)
    }

    /// Appends lines, makes the stream where it is not there, and lets go what is too much.
    pub fn put(&mut self, group_name: &str, stream: &str, lines: Vec<LogLine>, now_ms: i64) -> ServiceResult<()> {
        self.sessions.retain(|session| session.strong_count() > 0);
        let sessions: Vec<_> =
            self.sessions.iter().filter_map(Weak::upgrade).filter(|session| session.reads(group_name)).collect();
        let group = self.groups.get_mut(group_name).ok_or_else(no_group)?;
        let name = group.streams.entry(stream.to_owned()).or_insert_with(|| Stream::new(stream, now_ms)).name.clone();
        for line in lines {
            for message in pieces(&line.message) {
                let position = Position { timestamp_ms: line.timestamp_ms.max(0), sequence: self.next_sequence };
                self.next_sequence += 1;
                let event = Arc::new(Event { stream: name.clone(), ingestion_ms: now_ms, message: message.into() });
                for session in &sessions {
                    session.offer(group_name, position, &event);
                }
                group.insert(position, event);
            }
        }
        group.expire(now_ms);
        self.make_room(KEPT_BYTES);
        Ok(())
    }

    /// Lets the fullest group's oldest events go until no more than `bytes` are kept.
    fn make_room(&mut self, bytes: u64) {
        let mut kept: u64 = self.groups.values().map(|group| group.kept_bytes).sum();
        while kept > bytes {
            let Some(fullest) = self.groups.values_mut().max_by_key(|group| group.kept_bytes) else { return };
            let Some(freed) = fullest.drop_oldest() else { return };
            fullest.let_go.for_room += 1;
            kept -= freed;
        }
    }
}

impl Group {
    /// A group without streams that never expires.
    pub fn new(now_ms: i64) -> Self {
        Self {
            created_ms: now_ms,
            retention_days: None,
            tags: BTreeMap::new(),
            streams: BTreeMap::new(),
            events: BTreeMap::new(),
            kept_bytes: 0,
            let_go: LetGo::default(),
        }
    }

    /// Bytes of the messages kept, with what AWS counts for each event.
    pub fn stored_bytes(&self) -> u64 {
        self.kept_bytes - self.events.len() as u64 * (EVENT_OVERHEAD_BYTES - super::events::AWS_EVENT_BYTES as u64)
    }

    /// The time before which events are expired.
    pub fn oldest_kept_ms(&self, now_ms: i64) -> Option<i64> {
        self.retention_days.map(|days| now_ms.saturating_sub(days.saturating_mul(DAY_MS)))
    }

    /// Up to `count` events from `from` on, by time.
    pub fn from(&self, from: Position, count: usize) -> Vec<(Position, Arc<Event>)> {
        self.events.range(from..).take(count).map(|(position, event)| (*position, event.clone())).collect()
    }

    /// Up to `count` events of one stream within the bounds, by time; the last ones where
    /// `from_end`.
    pub fn of_stream(
        &self,
        stream: &Stream,
        bounds: (Bound<Position>, Bound<Position>),
        count: usize,
        from_end: bool,
    ) -> Vec<(Position, Arc<Event>)> {
        if !in_order(bounds) {
            return Vec::new();
        }
        let found = |position: &Position| self.events.get(position).map(|event| (*position, event.clone()));
        let range = stream.positions.range(bounds);
        if from_end {
            let mut events: Vec<_> = range.rev().take(count).filter_map(found).collect();
            events.reverse();
            return events;
        }
        range.take(count).filter_map(found).collect()
    }

    /// Removes a stream with its events.
    pub fn remove_stream(&mut self, name: &str) -> Option<Stream> {
        let stream = self.streams.remove(name)?;
        for position in &stream.positions {
            if let Some(event) = self.events.remove(position) {
                self.kept_bytes -= event.kept_bytes();
            }
        }
        Some(stream)
    }

    fn insert(&mut self, position: Position, event: Arc<Event>) {
        if let Some(stream) = self.streams.get_mut(&*event.stream) {
            stream.note(position, event.ingestion_ms);
        }
        self.kept_bytes += event.kept_bytes();
        self.events.insert(position, event);
    }

    fn expire(&mut self, now_ms: i64) {
        let Some(oldest_kept) = self.oldest_kept_ms(now_ms) else { return };
        while self.events.first_key_value().is_some_and(|(position, _)| position.timestamp_ms < oldest_kept) {
            self.drop_oldest();
            self.let_go.expired += 1;
        }
    }

    /// Removes the oldest event and gives the bytes that it took.
    fn drop_oldest(&mut self) -> Option<u64> {
        let (position, event) = self.events.pop_first()?;
        if let Some(stream) = self.streams.get_mut(&*event.stream) {
            stream.positions.remove(&position);
        }
        self.kept_bytes -= event.kept_bytes();
        Some(event.kept_bytes())
    }
}

impl Stream {
    /// A stream without events.
    pub fn new(name: &str, now_ms: i64) -> Self {
        Self {
            name: name.into(),
            created_ms: now_ms,
            first_event_ms: None,
            last_event_ms: None,
            last_ingestion_ms: None,
            positions: BTreeSet::new(),
        }
    }

    fn note(&mut self, position: Position, ingestion_ms: i64) {
        let time = position.timestamp_ms;
        self.first_event_ms = Some(self.first_event_ms.map_or(time, |first| first.min(time)));
        self.last_event_ms = Some(self.last_event_ms.map_or(time, |last| last.max(time)));
        self.last_ingestion_ms = Some(ingestion_ms);
        self.positions.insert(position);
    }
}

/// Whether a range of these bounds exists: `BTreeSet::range` panics on others.
fn in_order((low, high): (Bound<Position>, Bound<Position>)) -> bool {
    match (low, high) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Included(low), Bound::Included(high)) => low <= high,
        (Bound::Included(low) | Bound::Excluded(low), Bound::Included(high) | Bound::Excluded(high)) => low < high,
    }
}

/// A line as events take it: whole, or cut between characters.
fn pieces(message: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(message);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        if text.len() <= LONGEST_MESSAGE_BYTES {
            return Some(text);
        }
        let (piece, after) = text.split_at(text.floor_char_boundary(LONGEST_MESSAGE_BYTES));
        rest = Some(after);
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    fn line(timestamp_ms: i64, message: &str) -> LogLine {
        LogLine { timestamp_ms, message: message.to_owned() }
    }

    fn store(groups: &[&str]) -> Store {
        let mut store = Store::default();
        for group in groups {
            store.groups.insert((*group).to_owned(), Group::new(NOW));
        }
        store
    }

    fn messages(store: &mut Store, group: &str, from_ms: i64) -> Vec<String> {
        let group = store.group(group, NOW).unwrap();
        let from = Position { timestamp_ms: from_ms, sequence: 0 };
        group.from(from, 100).into_iter().map(|(_, event)| event.message.to_string()).collect()
    }

    #[test]
    fn events_stand_by_time_then_by_their_coming() {
        let mut store = store(&["g"]);
        store.put("g", "one", vec![line(20, "b"), line(10, "a")], NOW).unwrap();
        store.put("g", "two", vec![line(20, "c")], NOW).unwrap();
        assert_eq!(messages(&mut store, "g", 0), ["a", "b", "c"]);
        assert_eq!(messages(&mut store, "g", 20), ["b", "c"]);
    }

    #[test]
    fn a_group_that_is_not_there_is_an_error() {
        let error = store(&[]).put("g", "s", vec![], NOW).unwrap_err();
        assert_eq!(error.code, "ResourceNotFoundException");
    }

    #[test]
    fn the_fullest_group_lets_its_oldest_go_and_counts_them() {
        let mut store = store(&["quiet", "loud"]);
        store.put("quiet", "s", vec![line(1, "stays")], NOW).unwrap();
        let lines = (0..10).map(|index| line(10 + index, &"x".repeat(1000))).collect();
        store.put("loud", "s", lines, NOW).unwrap();
        store.make_room(5000);
        assert_eq!(messages(&mut store, "quiet", 0), ["stays"]);
        let loud = store.group("loud", NOW).unwrap();
        let kept = loud.from(Position { timestamp_ms: 0, sequence: 0 }, 100);
        assert_eq!(loud.let_go, LetGo { for_room: 10 - kept.len() as u64, expired: 0 });
        assert_eq!(kept.len(), 4);
        assert_eq!(kept[0].0.timestamp_ms, 16);
    }

    #[test]
    fn retention_ends_events_and_counts_them() {
        let mut store = store(&["g"]);
        store.groups.get_mut("g").unwrap().retention_days = Some(1);
        store.put("g", "s", vec![line(NOW - 2 * DAY_MS, "old"), line(NOW, "new")], NOW).unwrap();
        assert_eq!(messages(&mut store, "g", 0), ["new"]);
        assert_eq!(store.groups["g"].let_go, LetGo { for_room: 0, expired: 1 });
        assert_eq!(store.groups["g"].stored_bytes(), 3 + 26);
    }

    #[test]
    fn a_removed_stream_takes_its_events_with_it() {
        let mut store = store(&["g"]);
        store.put("g", "one", vec![line(1, "a")], NOW).unwrap();
        store.put("g", "two", vec![line(2, "b")], NOW).unwrap();
        store.groups.get_mut("g").unwrap().remove_stream("one").unwrap();
        assert_eq!(messages(&mut store, "g", 0), ["b"]);
        assert_eq!(store.groups["g"].kept_bytes, 1 + EVENT_OVERHEAD_BYTES);
    }

    #[test]
    fn a_long_line_becomes_several_events_cut_between_characters() {
        let text = "é".repeat(LONGEST_MESSAGE_BYTES / 2 + 3);
        let cut: Vec<&str> = pieces(&text).collect();
        assert_eq!(cut.concat(), text);
        assert_eq!(cut.iter().map(|piece| piece.len()).collect::<Vec<_>>(), [LONGEST_MESSAGE_BYTES, 6]);
        assert_eq!(pieces("").collect::<Vec<_>>(), [""]);
    }
}
