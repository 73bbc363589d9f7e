//! What is remembered of events, and what goes first when they become too many.
//!
//! The newest traces are kept whole. Those that are let go stay in the ledger, in the term they ended
//! in; those of them that are still to land keep what it takes to know them again.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{EventNumber, Ledger, Trace, ledger::Balance, ledger::Term, lines::Lines};
use crate::events::{ApiRequestId, LambdaRequestId, RecordHash, SequenceNumber, ShardId, Timestamp};

/// How many traces are kept whole.
pub const TRACES_KEPT: usize = 10_000;
/// How many of those that were let go are still followed to their object.
const FOLLOWED: usize = 50_000;
/// How many bytes of bodies and records are kept with the traces.
const BODY_BYTES_KEPT: usize = 8 * 1024 * 1024;
/// How many ids of events that were let go are known again: what is still said of them is of no event
/// that was not seen.
const GONE_KEPT: usize = 50_000;
/// Others' traces keep at least this share of the room while there are own ones.
const OTHERS_SHARE: usize = TRACES_KEPT / 4;

/// What a trace is called in this room, whatever its number becomes.
pub(super) type Id = u64;

/// A record's place in the stream.
pub(super) type RecordPlace = (ShardId, SequenceNumber);

/// A trace with what this room needs to know of it.
#[derive(Debug)]
pub(super) struct Kept {
    pub trace: Trace,
    pub number: EventNumber,
    pub term: Term,
    /// It takes part in settling lines by these bytes.
    pub joined: Option<RecordHash>,
    /// What was measured of it already, a bit each.
    pub measured: u16,
    settled: bool,
}

/// An event that was let go before it landed.
#[derive(Debug)]
pub(super) struct Followed {
    pub number: EventNumber,
    pub term: Term,
    pub joined: Option<RecordHash>,
    pub place: Option<RecordPlace>,
}

/// The queues of those that can be let go, oldest first; with some that are gone or settled since.
#[derive(Debug, Default)]
struct Queues {
    settled_own: VecDeque<Id>,
    settled_others: VecDeque<Id>,
    open_own: VecDeque<Id>,
    open_others: VecDeque<Id>,
}

/// Everything that is remembered of events.
#[derive(Debug, Default)]
pub(super) struct Store {
    kept: BTreeMap<Id, Kept>,
    numbers: BTreeMap<EventNumber, Id>,
    others_kept: usize,
    followed: HashMap<Id, Followed>,
    followed_order: VecDeque<Id>,
    next_id: Id,
    pub by_place: HashMap<RecordPlace, Id>,
    pub by_api_request: HashMap<ApiRequestId, Id>,
    pub by_lambda_request: HashMap<LambdaRequestId, Id>,
    /// Hashes of the ids of events that were let go.
    gone: HashSet<u64>,
    gone_order: VecDeque<u64>,
    queues: Queues,
    bodies: VecDeque<Id>,
    body_bytes: usize,
    own: Balance,
    others: Balance,
    let_go: u64,
}

impl Store {
    pub fn get(&self, id: Id) -> Option<&Kept> {
        self.kept.get(&id)
    }

    pub fn get_mut(&mut self, id: Id) -> Option<&mut Kept> {
        self.kept.get_mut(&id)
    }

    pub fn of_number(&self, number: EventNumber) -> Option<&Kept> {
        self.kept.get(self.numbers.get(&number)?)
    }

    pub fn number_of(&self, id: Id) -> Option<EventNumber> {
        let followed = || self.followed.get(&id).map(|followed| followed.number);
        self.kept.get(&id).map(|kept| kept.number).or_else(followed)
    }

    /// All that are kept, in the order of their numbers, own ones first.
    pub fn by_number(&self) -> impl DoubleEndedIterator<Item = (EventNumber, &Trace)> {
        self.numbers.iter().filter_map(|(number, id)| Some((*number, &self.kept.get(id)?.trace)))
    }

    /// All that are kept, in the order in which they were seen.
    pub fn by_age(&self) -> impl DoubleEndedIterator<Item = (EventNumber, &Trace)> {
        self.kept.values().map(|kept| (kept.number, &kept.trace))
    }

    /// All that are kept, the newest first.
    pub fn newest(&self) -> impl Iterator<Item = (Id, &Kept)> {
        self.kept.iter().rev().map(|(id, kept)| (*id, kept))
    }

    pub fn beside(&self, number: EventNumber, back: bool) -> Option<EventNumber> {
        let same_kind =
            |other: &EventNumber| matches!(other, EventNumber::Own(_)) == matches!(number, EventNumber::Own(_));
        let known = |(number, id): (&EventNumber, &Id)| self.kept.contains_key(id).then_some(*number);
        if back {
            self.numbers.range(..number).rev().filter_map(known).take_while(same_kind).next()
        } else {
            let after = (std::ops::Bound::Excluded(number), std::ops::Bound::Unbounded);
            self.numbers.range(after).filter_map(known).take_while(same_kind).next()
        }
    }

    /// The trace of an event that was sent from here; a new one where it is not known yet.
    pub fn own(&mut self, seq: u64) -> Id {
        let number = EventNumber::Own(seq);
        if let Some(id) = self.numbers.get(&number).copied() {
            if self.kept.contains_key(&id) {
                return id;
            }
            // It was let go while its answer was still awaited.
            if let Some(followed) = self.followed.remove(&id) {
                self.own.remove(followed.term);
            }
        }
        self.create(number)
    }

    /// A new trace of someone else's event.
    pub fn other(&mut self) -> Id {
        let last = self.numbers.range(EventNumber::Other(0)..).next_back();
        let number = match last {
            Some((EventNumber::Other(number), _)) => number + 1,
            _ => self.others.events() + 1,
        };
        self.create(EventNumber::Other(number))
    }

    fn create(&mut self, number: EventNumber) -> Id {
        self.next_id += 1;
        let id = self.next_id;
        let kept =
            Kept { trace: Trace::default(), number, term: Term::Seen, joined: None, measured: 0, settled: false };
        self.balance(number).add(kept.term);
        self.kept.insert(id, kept);
        self.numbers.insert(number, id);
        self.enqueue(id, number, false);
        id
    }

    fn balance(&mut self, number: EventNumber) -> &mut Balance {
        match number {
            EventNumber::Own(_) => &mut self.own,
            EventNumber::Other(_) => &mut self.others,
        }
    }

    fn enqueue(&mut self, id: Id, number: EventNumber, settled: bool) {
        let other = matches!(number, EventNumber::Other(_));
        if !settled && other {
            self.others_kept += 1;
        }
        let queue = match (settled, other) {
            (true, false) => &mut self.queues.settled_own,
            (true, true) => &mut self.queues.settled_others,
            (false, false) => &mut self.queues.open_own,
            (false, true) => &mut self.queues.open_others,
        };
        queue.push_back(id);
        // Those that are gone or settled since go from a queue once they are most of it.
        if queue.len() > 4 * TRACES_KEPT {
            let kept = &self.kept;
            queue.retain(|id| {
                kept.get(id).is_some_and(|kept| {
                    kept.settled == settled && matches!(kept.number, EventNumber::Other(_)) == other
                })
            });
        }
    }

    /// A trace has changed: its term follows.
    pub fn settle(&mut self, id: Id) {
        let Some(kept) = self.kept.get_mut(&id) else { return };
        let (number, before, term) = (kept.number, kept.term, Term::of(&kept.trace));
        kept.term = term;
        let newly = !kept.settled && kept.trace.settled();
        kept.settled |= newly;
        if term != before {
            let balance = self.balance(number);
            balance.remove(before);
            balance.add(term);
        }
        if newly {
            self.enqueue(id, number, true);
        }
    }

    /// Two traces turn out to be one event's, which is called by this id from now on; `None`: they are
    /// two events', whatever a log says. An event of ours keeps its number, whichever was seen first.
    pub fn merge(&mut self, one: Id, other: Id) -> Option<(Id, Option<(EventNumber, EventNumber)>)> {
        if one == other {
            return Some((one, None));
        }
        let (a, b) = (self.kept.get(&one)?, self.kept.get(&other)?);
        let both_own = matches!((a.number, b.number), (EventNumber::Own(_), EventNumber::Own(_)));
        if both_own || a.joined.is_some() && b.joined.is_some() {
            return None;
        }
        // What takes part in settling lines is called by its id there.
        let (stays, goes) = if b.joined.is_some() { (other, one) } else { (one, other) };
        let gone = self.kept.remove(&goes)?;
        let kept = self.kept.get_mut(&stays)?;
        let number = kept.number.min(gone.number);
        let renamed = (number != kept.number).then_some((kept.number, number));
        let (old_number, old_term) = (kept.number, kept.term);
        kept.number = number;
        kept.measured |= gone.measured;
        let bytes = bodies(&kept.trace) + bodies(&gone.trace);
        if let Some(place) = &gone.trace.place {
            self.by_place.insert(place.clone(), stays);
        }
        if let Some(id) = &gone.trace.api_request_id {
            self.by_api_request.insert(id.clone(), stays);
        }
        if let Some(id) = &gone.trace.lambda_request_id {
            self.by_lambda_request.insert(id.clone(), stays);
        }
        kept.trace.take_from(gone.trace);
        let after = bodies(&kept.trace);
        self.body_bytes = self.body_bytes + after - bytes;
        if after > 0 {
            self.bodies.push_back(stays);
        }
        self.numbers.remove(&old_number);
        self.numbers.remove(&gone.number);
        self.numbers.insert(number, stays);
        self.balance(gone.number).remove(gone.term);
        self.balance(old_number).remove(old_term);
        self.balance(number).add(old_term);
        self.others_kept = self.others_kept.saturating_sub(1);
        if let (EventNumber::Other(_), EventNumber::Own(_)) = (old_number, number) {
            self.enqueue(stays, number, false);
            if self.kept.get(&stays).is_some_and(|kept| kept.settled) {
                self.enqueue(stays, number, true);
            }
        }
        Some((stays, renamed))
    }

    /// What was found for an event of ours by its bytes alone turns out to be another's: the two part.
    /// The event of ours, as a new trace, and what the other one is called now.
    pub fn part(&mut self, id: Id) -> Option<(Id, EventNumber)> {
        let number = self.kept.get(&id).filter(|kept| kept.trace.found_by_bytes)?.number;
        let last = self.numbers.range(EventNumber::Other(0)..).next_back();
        let other = match last {
            Some((EventNumber::Other(number), _)) => EventNumber::Other(number + 1),
            _ => EventNumber::Other(self.others.events() + 1),
        };
        let kept = self.kept.get_mut(&id)?;
        let trace = &mut kept.trace;
        let own = Trace {
            sent_at: trace.sent_at.take(),
            latency: trace.latency.take(),
            answer: trace.answer.take(),
            sent_bytes: std::mem::take(&mut trace.sent_bytes),
            sent_body: trace.sent_body.take(),
            ..Trace::default()
        };
        trace.found_by_bytes = false;
        kept.number = other;
        let (term, settled) = (kept.term, kept.settled);
        self.balance(number).remove(term);
        self.balance(other).add(term);
        self.numbers.remove(&number);
        self.numbers.insert(other, id);
        self.enqueue(id, other, false);
        if settled {
            self.enqueue(id, other, true);
        }
        let parted = self.create(number);
        if bodies(&own) > 0 {
            self.bodies.push_back(parted);
        }
        self.kept.get_mut(&parted)?.trace = own;
        self.settle(parted);
        Some((parted, other))
    }

    /// A body or record was added to a trace.
    pub fn keep_bodies(&mut self, id: Id, added: usize) {
        self.body_bytes += added;
        self.bodies.push_back(id);
        while self.body_bytes > BODY_BYTES_KEPT || self.bodies.len() > 4 * TRACES_KEPT {
            let Some(oldest) = self.bodies.pop_front() else { return };
            if let Some(kept) = self.kept.get_mut(&oldest) {
                self.body_bytes -= bodies(&kept.trace);
                kept.trace.sent_body = None;
                kept.trace.record_data = None;
            }
        }
    }

    /// Keeps the number of whole traces bounded.
    pub fn let_go(&mut self, lines: &mut Lines) {
        while self.kept.len() > TRACES_KEPT {
            let Some(id) = self.next_to_go() else { return };
            self.fade(id, lines);
        }
        while self.followed.len() > FOLLOWED {
            let Some(id) = self.followed_order.pop_front() else { return };
            let Some(followed) = self.followed.remove(&id) else { continue };
            let balance = self.balance(followed.number);
            balance.remove(followed.term);
            balance.add(Term::Unfollowed);
            self.numbers.remove(&followed.number);
            if let Some(place) = &followed.place {
                self.gone(place);
                self.by_place.remove(place);
            }
            if let Some(hash) = followed.joined {
                lines.forget(hash, id, true);
            }
        }
        if self.followed_order.len() > 2 * FOLLOWED {
            let followed = &self.followed;
            self.followed_order.retain(|id| followed.contains_key(id));
        }
    }

    fn next_to_go(&mut self) -> Option<Id> {
        let kept = &self.kept;
        let pop = |queue: &mut VecDeque<Id>, settled: bool, other: bool| {
            std::iter::from_fn(|| queue.pop_front()).find(|id| {
                kept.get(id).is_some_and(|kept| {
                    kept.settled == settled && matches!(kept.number, EventNumber::Other(_)) == other
                })
            })
        };
        let queues = &mut self.queues;
        if self.others_kept > OTHERS_SHARE {
            let id = pop(&mut queues.settled_others, true, true).or_else(|| pop(&mut queues.open_others, false, true));
            if id.is_some() {
                return id;
            }
        }
        pop(&mut queues.settled_own, true, false)
            .or_else(|| pop(&mut queues.open_own, false, false))
            .or_else(|| pop(&mut queues.settled_others, true, true))
            .or_else(|| pop(&mut queues.open_others, false, true))
    }

    /// Lets a trace go. What is still to land, or to be answered, is followed.
    fn fade(&mut self, id: Id, lines: &mut Lines) {
        let Some(kept) = self.kept.remove(&id) else { return };
        let Kept { trace, number, term, joined, .. } = kept;
        self.let_go += 1;
        self.body_bytes -= bodies(&trace);
        if matches!(number, EventNumber::Other(_)) {
            self.others_kept = self.others_kept.saturating_sub(1);
        }
        if let Some(key) = trace.api_request_id {
            self.gone(&key);
            if self.by_api_request.get(&key) == Some(&id) {
                self.by_api_request.remove(&key);
            }
        }
        if let Some(key) = trace.lambda_request_id {
            self.gone(&key);
            if self.by_lambda_request.get(&key) == Some(&id) {
                self.by_lambda_request.remove(&key);
            }
        }
        let follows = matches!(term, Term::Put(_) | Term::Awaited | Term::Lost);
        if !matches!(term, Term::Awaited) {
            self.numbers.remove(&number);
        }
        let place = trace.place.filter(|place| self.by_place.get(place) == Some(&id));
        if follows {
            self.followed.insert(id, Followed { number, term, joined, place });
            self.followed_order.push_back(id);
            return;
        }
        if let Some(place) = &place {
            self.gone(place);
            self.by_place.remove(place);
        }
        if let Some(hash) = joined {
            lines.forget(hash, id, false);
        }
    }

    /// An event that was let go is seen further on.
    pub fn followed_mut(&mut self, id: Id) -> Option<&mut Followed> {
        self.followed.get_mut(&id)
    }

    /// An event that was let go has ended its way in this term.
    pub fn end_followed(&mut self, id: Id, term: Term, lines: &mut Lines) {
        let Some(followed) = self.followed.remove(&id) else { return };
        let balance = self.balance(followed.number);
        balance.remove(followed.term);
        balance.add(term);
        if let Some(place) = &followed.place {
            self.gone(place);
            self.by_place.remove(place);
        }
        if let Some(hash) = followed.joined {
            lines.forget(hash, id, false);
        }
    }

    fn gone(&mut self, id: &impl Hash) {
        let id = hashed(id);
        if self.gone.insert(id) {
            self.gone_order.push_back(id);
        }
        while self.gone_order.len() > GONE_KEPT {
            if let Some(oldest) = self.gone_order.pop_front() {
                self.gone.remove(&oldest);
            }
        }
    }

    /// Whether this is the id of an event that was let go.
    pub fn is_gone(&self, id: &impl Hash) -> bool {
        !self.gone.is_empty() && self.gone.contains(&hashed(id))
    }

    /// The ledger of own events and that of others'.
    pub fn ledgers(&self, now: Timestamp, deadline: Option<std::time::Duration>) -> (Ledger, Ledger) {
        (self.own.ledger(now, deadline), self.others.ledger(now, deadline))
    }

    pub fn others_seen(&self) -> u64 {
        self.others.events()
    }

    /// How many traces were let go.
    pub fn let_go_count(&self) -> u64 {
        self.let_go
    }

    #[cfg(test)]
    pub fn sizes(&self) -> [usize; 9] {
        let queues = &self.queues;
        [
            self.kept.len(),
            self.numbers.len(),
            self.followed.len(),
            self.by_place.len(),
            self.by_api_request.len(),
            self.by_lambda_request.len(),
            queues.settled_own.len() + queues.settled_others.len() + queues.open_own.len() + queues.open_others.len(),
            self.bodies.len(),
            self.body_bytes,
        ]
    }
}

fn hashed(id: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

fn bodies(trace: &Trace) -> usize {
    trace.sent_body.as_ref().map_or(0, bytes::Bytes::len) + trace.record_data.as_ref().map_or(0, bytes::Bytes::len)
}
