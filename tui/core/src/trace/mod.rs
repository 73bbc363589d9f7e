//! Puts what the sources saw together into one event's way through the hops, its *trace*, and
//! keeps the ledger of all of them.
//!
//! Joined by identity, never by luck: an answer, the function's log line and a record by shard and
//! sequence number; a gateway's log line by its request id; a line of an object by its bytes.
//! Where several records have the same bytes, lines settle them in order, by count.

mod clocks;
mod ledger;
mod number;
mod one;
mod waterfall;

pub use clocks::{Clock, ClockOffset};
pub use ledger::{Held, Ledger};
pub use number::EventNumber;
pub use one::{AccessFacts, Landing, PutFacts, Trace};
pub use waterfall::{Bar, Facts, HopBytes, Identical, Moment, Phase, PhaseKind, Place, Stage, StageState, Waterfall};

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use crate::events::{
    Access, Answer, ApiRequestId, FunctionLog, LambdaRequestId, LogLine, LogSource, Object, ObjectKey, ObjectLines,
    Record, RecordHash, Sent, SequenceNumber, ShardId, Timestamp,
};

/// How many traces are kept whole; older ones that are settled are only counted.
const TRACES_KEPT: usize = 10_000;
/// How many objects are remembered with the events in them.
const OBJECTS_KEPT: usize = 2_000;
/// How long past Firehose's interval an event may take before it counts as missing: its retries
/// and S3 itself take a while.
const LANDING_GRACE: Duration = Duration::from_mins(1);

/// A trace's key in this room: own and others' events are numbered apart.
type Key = EventNumber;

/// Every event that was seen, sent from here or by others.
#[derive(Debug, Default)]
pub struct Traces {
    kept: BTreeMap<Key, Trace>,
    by_place: HashMap<(ShardId, SequenceNumber), Key>,
    by_api_request: HashMap<ApiRequestId, Key>,
    by_lambda_request: HashMap<LambdaRequestId, Key>,
    /// Records that have not landed, by their bytes, in the order of arrival.
    waiting: HashMap<RecordHash, VecDeque<Key>>,
    /// Lines whose record has not been seen, by their bytes.
    unclaimed: HashMap<RecordHash, VecDeque<Landing>>,
    unclaimed_order: VecDeque<RecordHash>,
    /// The events in each object, and the order in which objects came.
    objects: HashMap<ObjectKey, Vec<Key>>,
    object_order: VecDeque<ObjectKey>,
    /// What the function's log said of a place before its answer or record was seen.
    others_seen: u64,
    /// Traces that were let go after they had settled.
    let_go: Ledger,
    interval: Option<Duration>,
    clocks: clocks::Clocks,
}

impl Traces {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Firehose's interval, once it is known: from it follows when an event is overdue.
    pub fn set_interval(&mut self, interval: Duration) {
        self.interval = Some(interval);
    }

    /// How long after its put an event may be on the way before it counts as missing.
    pub fn deadline(&self) -> Option<Duration> {
        self.interval.map(|interval| interval + LANDING_GRACE)
    }

    /// An event is on its way out and has no answer yet.
    pub fn sending(&mut self, seq: u64, time: Timestamp) {
        self.kept.entry(EventNumber::Own(seq)).or_default().sent_at = Some(time);
    }

    /// An answer came, or none will.
    pub fn sent(&mut self, sent: &Sent) {
        let key = EventNumber::Own(sent.seq);
        let trace = self.kept.entry(key).or_default();
        trace.sent_at = Some(sent.time);
        trace.answer = Some(sent.answer.clone());
        trace.latency = Some(sent.latency);
        trace.sent_bytes = sent.body.len() as u64;
        trace.sent_body = Some(sent.body.clone());
        if let Some(id) = sent.api_request_id() {
            let id = id.clone();
            trace.api_request_id = Some(id.clone());
            if let Some(other) = self.by_api_request.insert(id, key) {
                self.merge(other, key);
            }
        }
        if let Answer::Accepted { shard_id, sequence_number, .. } = &sent.answer {
            let place = (shard_id.clone(), sequence_number.clone());
            if let Some(other) = self.by_place.insert(place, key) {
                self.merge(other, key);
            }
        }
        self.let_settled_go();
    }

    /// A log line was seen.
    pub fn log(&mut self, line: &LogLine) {
        let Some(key) = self.key_of_log(line) else { return };
        if let Some(id) = &line.lambda_request_id {
            self.by_lambda_request.insert(id.clone(), key);
        }
        if let Some(id) = &line.api_request_id
            && let Some(other) = self.by_api_request.insert(id.clone(), key)
        {
            self.merge(other, key);
        }
        let Some(trace) = self.kept.get_mut(&key) else { return };
        if trace.api_request_id.is_none() {
            trace.api_request_id.clone_from(&line.api_request_id);
        }
        match line.source {
            LogSource::Access => {
                trace.access_at = Some(line.time);
                trace.access = Access::parse(&line.message).map(|access| AccessFacts {
                    request_at: access.request_time(),
                    response_ms: access.response_millis(),
                    integration_ms: access.integration_millis(),
                    status: access.status(),
                    lambda_status: access.lambda_status(),
                    reached: access.lambda_request_id().is_some(),
                    error: access.error().map(str::to_owned),
                });
            }
            LogSource::Function => match line.function_log() {
                FunctionLog::Start => trace.started_at = Some(line.own_time()),
                FunctionLog::Fault(words) => trace.fault = Some(words),
                FunctionLog::Report(report, error_type) => {
                    trace.report = Some(report);
                    trace.reported_at = Some(line.own_time());
                    trace.fault = trace.fault.take().or(error_type);
                }
                FunctionLog::Event(said) => {
                    trace.function_at = Some(said.time.unwrap_or(line.time));
                    trace.lambda_request_id.clone_from(&line.lambda_request_id);
                    trace.outcome = said.outcome;
                    trace.function_status = said.status;
                    trace.function_words = said.message;
                    trace.putting =
                        Some(PutFacts { kinesis_ms: said.kinesis_ms, attempts: said.attempts, error: said.error });
                    // The line names the record's place: it proves an unanswered event.
                    if let Some(place) = said.place {
                        trace.place = Some(place.clone());
                        if let Some(other) = self.by_place.insert(place, key) {
                            self.merge(other, key);
                        }
                    }
                }
                FunctionLog::InitStart | FunctionLog::Other => {}
            },
            LogSource::Delivery => {}
        }
    }

    /// A record was seen.
    pub fn record(&mut self, record: &Record) {
        let place = (record.shard_id.clone(), record.sequence_number.clone());
        let key = if let Some(key) = self.by_place.get(&place) {
            *key
        } else {
            let key = self.next_other();
            self.by_place.insert(place.clone(), key);
            key
        };
        let trace = self.kept.entry(key).or_default();
        if trace.record_at.is_some() {
            return;
        }
        let hash = record.hash();
        trace.place = Some(place);
        trace.record_at = Some(record.time);
        trace.record_bytes = record.data.len() as u64;
        trace.record_data = Some(record.data.clone());
        trace.hash = Some(hash);
        match self.claim(&hash) {
            Some(landing) => self.land(key, landing),
            None => self.waiting.entry(hash).or_default().push_back(key),
        }
        self.let_settled_go();
    }

    /// An object was seen: each of its lines settles the first record with these bytes.
    pub fn object(&mut self, object: &Object) {
        let ObjectLines::Read { hashes, .. } = &object.lines else { return };
        if self.objects.contains_key(&object.key) {
            return;
        }
        self.objects.insert(object.key.clone(), Vec::new());
        self.object_order.push_back(object.key.clone());
        for (index, hash) in hashes.iter().enumerate() {
            let landing = Landing { object: object.key.clone(), line: index as u64 + 1, time: object.time };
            if let Some(key) = self.take_waiting(hash) {
                self.land(key, landing);
            } else {
                self.unclaimed.entry(*hash).or_default().push_back(landing);
                self.unclaimed_order.push_back(*hash);
            }
        }
        while self.unclaimed_order.len() > TRACES_KEPT {
            if let Some(hash) = self.unclaimed_order.pop_front() {
                self.claim_front(&hash);
            }
        }
        while self.object_order.len() > OBJECTS_KEPT {
            if let Some(key) = self.object_order.pop_front() {
                self.objects.remove(&key);
            }
        }
        self.let_settled_go();
    }

    /// The number of the event that a record carries.
    pub fn number_of_record(&self, sequence_number: &SequenceNumber, shard_id: &ShardId) -> Option<EventNumber> {
        self.by_place.get(&(shard_id.clone(), sequence_number.clone())).copied()
    }

    /// The number of the event that a log line is about.
    pub fn number_of_log(&self, line: &LogLine) -> Option<EventNumber> {
        self.known_key_of_log(line)
    }

    /// The numbers of the events in an object, in the order of its lines.
    pub fn numbers_in_object(&self, key: &ObjectKey) -> &[EventNumber] {
        self.objects.get(key).map_or(&[], Vec::as_slice)
    }

    /// One event's trace.
    pub fn get(&self, number: EventNumber) -> Option<&Trace> {
        self.kept.get(&number)
    }

    /// The traces of the events sent from here, in the order of their numbers.
    pub fn own(&self) -> impl DoubleEndedIterator<Item = (u64, &Trace)> {
        self.kept.range(..EventNumber::Other(0)).filter_map(|(key, trace)| match key {
            EventNumber::Own(seq) => Some((*seq, trace)),
            EventNumber::Other(_) => None,
        })
    }

    /// An event's way as a waterfall.
    pub fn waterfall(&self, number: EventNumber, now: Timestamp) -> Option<Waterfall> {
        let trace = self.kept.get(&number)?;
        let due = self.interval.zip(trace.record_at.or(trace.sent_at)).map(|(interval, since)| since.plus(interval));
        let around = waterfall::Surroundings {
            clocks: &self.clocks,
            now,
            due,
            overdue: due.is_some_and(|due| now > due.plus(LANDING_GRACE)),
            failures: None,
            retention: None,
        };
        Some(Waterfall {
            number,
            rows: waterfall::rows(trace, &around),
            identical: None,
            clocks: self.clocks.offsets(),
            bytes: HopBytes {
                sent: trace.sent_at.map(|_| trace.sent_bytes),
                sent_body: trace.sent_body.clone(),
                record: trace.record_at.map(|_| trace.record_bytes),
                record_data: trace.record_data.clone(),
                line: trace.landing.as_ref().map(|_| trace.record_bytes),
            },
            duplicates: Vec::new(),
        })
    }

    /// The ledger of the events sent from here, at this moment.
    pub fn ledger(&self, now: Timestamp) -> Ledger {
        let mut ledger = self.let_go;
        let deadline = self.interval.map(|interval| interval + LANDING_GRACE);
        for (_, trace) in self.own() {
            ledger.count(trace, now, deadline);
        }
        ledger.others = self.others_seen;
        ledger
    }

    /// The records that were seen in the stream and not yet in an object: what Firehose holds, as
    /// far as can be told from outside.
    pub fn held(&self) -> Held {
        let mut held = Held::default();
        for trace in self.waiting.values().flatten().filter_map(|key| self.kept.get(key)) {
            held.count(trace);
        }
        held
    }

    /// Lines that landed more often than records with their bytes were seen.
    pub fn surplus_lines(&self, hash: &RecordHash) -> usize {
        self.unclaimed.get(hash).map_or(0, VecDeque::len)
    }

    fn next_other(&mut self) -> Key {
        self.others_seen += 1;
        let last = self.kept.keys().next_back();
        match last {
            Some(EventNumber::Other(number)) => EventNumber::Other(number + 1),
            _ => EventNumber::Other(self.others_seen),
        }
    }

    fn known_key_of_log(&self, line: &LogLine) -> Option<Key> {
        let by_api = line.api_request_id.as_ref().and_then(|id| self.by_api_request.get(id));
        let by_lambda = || line.lambda_request_id.as_ref().and_then(|id| self.by_lambda_request.get(id));
        by_api.or_else(by_lambda).copied()
    }

    /// The trace a line belongs to; a new one of someone else's where it names a request that is
    /// not known.
    fn key_of_log(&mut self, line: &LogLine) -> Option<Key> {
        if let Some(key) = self.known_key_of_log(line) {
            return Some(key);
        }
        line.api_request_id.as_ref()?;
        let key = self.next_other();
        self.kept.insert(key, Trace::default());
        Some(key)
    }

    /// Two traces turn out to be one event's: `gone` goes into `kept`. An event of ours keeps its
    /// number whichever was seen first.
    fn merge(&mut self, gone: Key, kept: Key) {
        let (gone, kept) = if gone > kept { (gone, kept) } else { (kept, gone) };
        if gone == kept {
            return;
        }
        let Some(old) = self.kept.remove(&gone) else { return };
        if matches!(gone, EventNumber::Other(_)) {
            self.others_seen = self.others_seen.saturating_sub(1);
        }
        let rename = |key: &mut Key| {
            if *key == gone {
                *key = kept;
            }
        };
        if let Some(place) = &old.place {
            self.by_place.insert(place.clone(), kept);
        }
        if let Some(id) = &old.lambda_request_id {
            self.by_lambda_request.insert(id.clone(), kept);
        }
        if let Some(id) = &old.api_request_id {
            self.by_api_request.insert(id.clone(), kept);
        }
        if let Some(keys) = old.hash.as_ref().and_then(|hash| self.waiting.get_mut(hash)) {
            keys.iter_mut().for_each(rename);
        }
        if let Some(keys) = old.landing.as_ref().and_then(|landing| self.objects.get_mut(&landing.object)) {
            keys.iter_mut().for_each(rename);
        }
        self.kept.entry(kept).or_default().take_from(old);
    }

    fn land(&mut self, key: Key, landing: Landing) {
        if let Some(keys) = self.objects.get_mut(&landing.object) {
            keys.push(key);
        }
        if let Some(trace) = self.kept.get_mut(&key) {
            trace.landing = Some(landing);
        }
    }

    fn claim(&mut self, hash: &RecordHash) -> Option<Landing> {
        if self.unclaimed.is_empty() {
            return None;
        }
        let landing = self.claim_front(hash)?;
        if let Some(index) = self.unclaimed_order.iter().position(|known| known == hash) {
            self.unclaimed_order.remove(index);
        }
        Some(landing)
    }

    fn claim_front(&mut self, hash: &RecordHash) -> Option<Landing> {
        let lines = self.unclaimed.get_mut(hash)?;
        let landing = lines.pop_front();
        if lines.is_empty() {
            self.unclaimed.remove(hash);
        }
        landing
    }

    fn take_waiting(&mut self, hash: &RecordHash) -> Option<Key> {
        let keys = self.waiting.get_mut(hash)?;
        let key = keys.pop_front();
        if keys.is_empty() {
            self.waiting.remove(hash);
        }
        key
    }

    /// Keeps the number of whole traces bounded: the oldest go, settled ones into the ledger's
    /// counts. Others' go first.
    fn let_settled_go(&mut self) {
        while self.kept.len() > TRACES_KEPT {
            let first_other = self.kept.range(EventNumber::Other(0)..).next().map(|(key, _)| *key);
            let oldest_settled = || self.kept.iter().find(|(_, trace)| trace.settled()).map(|(key, _)| *key);
            let Some(key) = first_other.or_else(oldest_settled) else { return };
            let Some(trace) = self.kept.remove(&key) else { return };
            if let EventNumber::Own(_) = key {
                self.let_go.count(&trace, Timestamp::default(), None);
            }
            self.forget(key, &trace);
        }
    }

    fn forget(&mut self, key: Key, trace: &Trace) {
        if let Some(place) = &trace.place {
            self.by_place.remove(place);
        }
        if let Some(id) = &trace.api_request_id {
            self.by_api_request.remove(id);
        }
        if let Some(id) = &trace.lambda_request_id {
            self.by_lambda_request.remove(id);
        }
        if let Some(hash) = &trace.hash
            && let Some(keys) = self.waiting.get_mut(hash)
        {
            keys.retain(|known| *known != key);
            if keys.is_empty() {
                self.waiting.remove(hash);
            }
        }
    }
}

#[cfg(test)]
mod tests;
