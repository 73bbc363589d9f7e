//! Puts what the sources saw together into one event's way through the hops, its *trace*, and
//! keeps the ledger of all of them.
//!
//! Joined by identity, never by luck: an answer, the function's log line and a record by shard and
//! sequence number; a gateway's log line by its request id; the platform's lines by the invocation's; a
//! line of an object by its bytes. Where several records have the same bytes, lines settle them in
//! order, by count.
//!
//! Each event of a source costs the same however many were seen before it.

mod clocks;
mod environments;
mod figures;
mod ledger;
mod lines;
mod number;
mod one;
mod store;
mod unanswered;
mod waterfall;

pub use clocks::{Clock, ClockOffset};
pub use figures::{BANDS, Column, Distribution, HopFigures, band_end, band_of};
pub use ledger::{Held, Ledger};
pub use number::EventNumber;
pub use one::{AccessFacts, Landing, PutFacts, Trace};
pub use store::TRACES_KEPT;
pub use waterfall::{Bar, Facts, HopBytes, Identical, Moment, Phase, PhaseKind, Place, Stage, StageState, Waterfall};

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use clocks::{Clocks, Span};
use environments::{Environments, Invocation};
use figures::Times;
use ledger::{BySecond, Term, is_overdue, second};
use lines::{Line, Lines, Waiting};
use store::{Id, Kept, Store};
use unanswered::Unanswered;

use crate::{
    events::{
        Access, Answer, ApiRequestId, FunctionLine, FunctionLog, LambdaRequestId, LogLine, LogSource, Object,
        ObjectKey, ObjectLines, Record, RecordHash, Sent, SequenceNumber, ShardId, Timestamp,
    },
    pipeline::{ERROR_PREFIX, Hop},
};

/// How many objects are remembered with the events in them, and how many of these events in all.
const OBJECTS_KEPT: usize = 2_000;
const OBJECT_LINES_KEPT: usize = 200_000;
/// How long past Firehose's interval an event may take before it counts as missing: its retries
/// and S3 itself take a while.
pub const LANDING_GRACE: Duration = Duration::from_mins(1);
/// How many seconds with delivery errors are remembered.
const FAILURES_KEPT: usize = 10_000;

/// What was measured of a trace already.
mod measured {
    use super::Place;

    pub const CLIENT_CLOCK: u16 = 1 << 8;
    pub const LAMBDA_CLOCK: u16 = 1 << 9;
    pub const KINESIS_CLOCK: u16 = 1 << 10;
    pub const S3_CLOCK: u16 = 1 << 11;

    pub fn time_at(place: Place) -> u16 {
        1 << Place::ALL.iter().position(|known| *known == place).unwrap_or(0)
    }
}

/// Delivery errors.
#[derive(Debug, Default)]
struct Failures {
    by_second: BySecond,
    last: Option<(Timestamp, String)>,
}

/// Every event that was seen, sent from here or by others.
#[derive(Debug, Default)]
pub struct Traces {
    store: Store,
    /// All that measures does so by one clock.
    one_clock: bool,
    lines: Lines,
    environments: Environments,
    unanswered: Unanswered,
    /// The events in each object, and the order in which objects came.
    objects: HashMap<ObjectKey, Vec<EventNumber>>,
    object_order: VecDeque<ObjectKey>,
    object_lines: usize,
    clocks: Clocks,
    times: Times,
    failures: Failures,
    /// The date of the newest object.
    last_landing: Option<Timestamp>,
    interval: Option<Duration>,
    retention: Option<Duration>,
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

    /// All that measures does so by one clock: the cloud is on this machine. Nothing is corrected, since
    /// what is apart is only how late a line was written.
    pub fn set_one_clock(&mut self) {
        self.one_clock = true;
    }

    /// How long the stream keeps a record, once it is known: what did not land until then is lost.
    pub fn set_retention(&mut self, retention: Duration) {
        self.retention = Some(retention);
    }

    /// How long after its put an event may be on the way before it counts as missing.
    pub fn deadline(&self) -> Option<Duration> {
        self.interval.map(|interval| interval + LANDING_GRACE)
    }

    /// An event is on its way out and has no answer yet.
    pub fn sending(&mut self, seq: u64, time: Timestamp) {
        let id = self.store.own(seq);
        if let Some(kept) = self.store.get_mut(id) {
            kept.trace.sent_at = Some(time);
        }
        self.settled(id);
        self.store.let_go(&mut self.lines);
    }

    /// An answer came, or none will.
    pub fn sent(&mut self, sent: &Sent) {
        let mut id = self.store.own(sent.seq);
        if let Some(kept) = self.store.get_mut(id) {
            let trace = &mut kept.trace;
            trace.sent_at = Some(sent.time);
            trace.answer = Some(sent.answer.clone());
            trace.latency = Some(sent.latency);
            trace.sent_bytes = sent.body.len() as u64;
            let added = if trace.sent_body.is_none() { sent.body.len() } else { 0 };
            trace.sent_body.get_or_insert_with(|| sent.body.clone());
            trace.api_request_id = sent.api_request_id().cloned().or(trace.api_request_id.take());
            self.store.keep_bodies(id, added);
        }
        if let Some(key) = sent.api_request_id() {
            let other = self.store.by_api_request.insert(key.clone(), id);
            id = self.merged(id, other);
        }
        if let Answer::Accepted { shard_id, sequence_number, .. } = &sent.answer {
            id = self.placed(id, (shard_id.clone(), sequence_number.clone()));
        }
        self.touched(id);
        if let Answer::Unanswered { .. } = &sent.answer {
            self.look_for_bytes(id);
        }
        self.store.let_go(&mut self.lines);
    }

    /// A log line was seen.
    pub fn log(&mut self, line: &LogLine) {
        match line.source {
            LogSource::Access => self.access(line),
            LogSource::Function => match line.function_log() {
                FunctionLog::Event(said) => self.function(line, said),
                said => {
                    let Some((id, invocation)) = self.environments.line(line, said) else { return };
                    self.invocation(id, invocation);
                }
            },
            LogSource::Delivery => {
                let failures = &mut self.failures;
                failures.by_second.add(second(line.time));
                failures.by_second.trim(FAILURES_KEPT);
                if failures.last.as_ref().is_none_or(|(time, _)| *time <= line.time) {
                    failures.last = Some((line.time, delivery_error(&line.message)));
                }
            }
        }
        self.store.let_go(&mut self.lines);
    }

    fn access(&mut self, line: &LogLine) {
        let Some(key) = &line.api_request_id else { return };
        let Some(mut id) = self.of_api_request(key) else { return };
        let access = Access::parse(&line.message);
        if let Some(kept) = self.store.get_mut(id) {
            kept.trace.access_at = Some(line.time);
            if let Some(access) = &access {
                let refused_by_lambda = access.lambda_status().is_some_and(|status| status >= 400);
                kept.trace.access = Some(AccessFacts {
                    request_at: access.request_time(),
                    response_ms: access.response_millis(),
                    integration_ms: access.integration_millis(),
                    status: access.status(),
                    lambda_status: access.lambda_status(),
                    reached: access.lambda_request_id().is_some() && !refused_by_lambda,
                    error: access.error().map(str::to_owned),
                });
            }
        }
        if let Some(invocation) = access.and_then(|access| access.lambda_request_id()) {
            id = self.invoked(id, invocation);
        }
        self.touched(id);
    }

    fn function(&mut self, line: &LogLine, said: FunctionLine) {
        let mut id = if let Some(key) = &line.api_request_id {
            match self.of_api_request(key) {
                Some(id) => id,
                None => return self.followed_line(said),
            }
        } else if let Some(known) = line.lambda_request_id.as_ref().and_then(|key| self.kept_by_lambda(key)) {
            known
        } else if said.place.is_some() {
            // The function was invoked by itself, without the gateway.
            self.store.other()
        } else {
            return;
        };
        if let Some(kept) = self.store.get_mut(id) {
            let trace = &mut kept.trace;
            trace.function_at = Some(said.time.unwrap_or(line.time));
            trace.function_status = said.status;
            trace.putting = Some(PutFacts { kinesis_ms: said.kinesis_ms, attempts: said.attempts, error: said.error });
            if said.outcome.as_deref() == Some("accepted") {
                trace.hash = trace.hash.or(said.hash);
                if trace.record_bytes == 0 {
                    trace.record_bytes = said.bytes.unwrap_or(0);
                }
            } else {
                trace.function_words = said.message;
            }
            trace.outcome = said.outcome;
        }
        if let Some(invocation) = &line.lambda_request_id {
            id = self.invoked(id, invocation.clone());
        }
        // The line names the record's place: it proves an unanswered event.
        if let Some(place) = said.place {
            id = self.placed(id, place);
        }
        self.touched(id);
    }

    fn invocation(&mut self, key: LambdaRequestId, said: Invocation) {
        let Some(id) = self.kept_by_lambda(&key) else {
            self.environments.keep(key, said);
            return;
        };
        if let Some(kept) = self.store.get_mut(id) {
            said.tell(&mut kept.trace);
        }
        self.touched(id);
    }

    /// A record was seen.
    pub fn record(&mut self, record: &Record) {
        let place = (record.shard_id.clone(), record.sequence_number.clone());
        let hash = record.hash();
        let id = match self.store.by_place.get(&place).copied() {
            Some(id) if self.store.get(id).is_some() => id,
            Some(id) => return self.followed_record(id, hash, record.time, record.data.len() as u64),
            None if self.store.is_gone(&place) => return,
            None => {
                let id = self.store.other();
                self.store.by_place.insert(place.clone(), id);
                id
            }
        };
        let Some(kept) = self.store.get_mut(id) else { return };
        let trace = &mut kept.trace;
        if trace.record_at.is_some() {
            return;
        }
        trace.place = Some(place);
        trace.record_at = Some(record.time);
        trace.record_bytes = record.data.len() as u64;
        trace.record_data = Some(record.data.clone());
        trace.hash = Some(hash);
        self.store.keep_bodies(id, record.data.len());
        self.touched(id);
        self.store.let_go(&mut self.lines);
    }

    /// The function's line of an event that was let go.
    fn followed_line(&mut self, said: FunctionLine) {
        if let (Some(place), Some(hash), Some(time)) = (said.place, said.hash, said.time)
            && let Some(id) = self.store.by_place.get(&place).copied()
        {
            self.followed_record(id, hash, time, said.bytes.unwrap_or(0));
        }
    }

    /// The bytes of an event that was let go before they were known.
    fn followed_record(&mut self, id: Id, hash: RecordHash, arrived: Timestamp, bytes: u64) {
        let Some(followed) = self.store.followed_mut(id).filter(|followed| followed.joined.is_none()) else { return };
        followed.joined = Some(hash);
        if let (_, Some(landing)) = self.lines.record(hash, Waiting { id, arrived, bytes }) {
            self.land(id, landing);
        }
    }

    /// An object was seen: each of its lines settles the first record with these bytes.
    pub fn object(&mut self, object: &Object) {
        let ObjectLines::Read { hashes, .. } = &object.lines else { return };
        if self.objects.contains_key(&object.key) {
            return;
        }
        self.objects.insert(object.key.clone(), Vec::new());
        self.object_order.push_back(object.key.clone());
        if object.key.as_str().starts_with(ERROR_PREFIX) {
            for (index, hash) in hashes.iter().enumerate() {
                if let Some(id) = self.lines.failed_line(*hash) {
                    let line = index as u64 + 1;
                    self.failed(id, Landing { object: object.key.clone(), line, time: object.time });
                }
            }
        } else {
            self.last_landing = self.last_landing.max(Some(object.time));
            let key = Arc::new(object.key.clone());
            for (index, hash) in hashes.iter().enumerate() {
                let line = index as u64 + 1;
                if let Line::Of(id) = self.lines.line(*hash, &key, line, object.time) {
                    self.land(id, Landing { object: object.key.clone(), line, time: object.time });
                }
            }
        }
        while self.object_order.len() > OBJECTS_KEPT || self.object_lines > OBJECT_LINES_KEPT {
            let Some(key) = self.object_order.pop_front() else { break };
            self.object_lines -= self.objects.remove(&key).map_or(0, |lines| lines.len());
        }
    }

    fn land(&mut self, id: Id, landing: Landing) {
        if let Some(number) = self.store.number_of(id)
            && let Some(numbers) = self.objects.get_mut(&landing.object)
        {
            numbers.push(number);
            self.object_lines += 1;
        }
        match self.store.get_mut(id) {
            Some(kept) => {
                kept.trace.landing = Some(landing);
                self.settled(id);
            }
            None => self.store.end_followed(id, Term::InS3, &mut self.lines),
        }
    }

    fn failed(&mut self, id: Id, failed: Landing) {
        if let Some(number) = self.store.number_of(id)
            && let Some(numbers) = self.objects.get_mut(&failed.object)
        {
            numbers.push(number);
            self.object_lines += 1;
        }
        if let Some(kept) = self.store.get_mut(id) {
            kept.trace.failed_delivery = Some(failed);
            self.settled(id);
        } else {
            self.store.end_followed(id, Term::Lost, &mut self.lines);
        }
    }

    /// The number of the event that a record carries.
    pub fn number_of_record(&self, sequence_number: &SequenceNumber, shard_id: &ShardId) -> Option<EventNumber> {
        let id = self.store.by_place.get(&(shard_id.clone(), sequence_number.clone()))?;
        self.store.number_of(*id)
    }

    /// The number of the event that a log line is about.
    pub fn number_of_log(&self, line: &LogLine) -> Option<EventNumber> {
        let by_api = || self.store.by_api_request.get(line.api_request_id.as_ref()?);
        let by_lambda = || self.store.by_lambda_request.get(line.lambda_request_id.as_ref()?);
        self.store.number_of(*by_api().or_else(by_lambda)?)
    }

    /// The number of the event with this id: the gateway's of its request, Lambda's of its invocation,
    /// or its record's sequence number.
    pub fn number_of_id(&self, text: &str) -> Option<EventNumber> {
        let text = text.trim();
        let by_place = || {
            let trace = self
                .store
                .by_age()
                .rev()
                .find(|(_, trace)| trace.place.as_ref().is_some_and(|(_, number)| number.as_str() == text));
            trace.map(|(number, _)| number)
        };
        let by_api = self.store.by_api_request.get(&text.into());
        let id = by_api.or_else(|| self.store.by_lambda_request.get(&text.into()));
        id.and_then(|id| self.store.number_of(*id)).or_else(by_place)
    }

    /// The numbers of the events in an object, in the order in which its lines found their records.
    pub fn numbers_in_object(&self, key: &ObjectKey) -> &[EventNumber] {
        self.objects.get(key).map_or(&[], Vec::as_slice)
    }

    /// One event's trace.
    pub fn get(&self, number: EventNumber) -> Option<&Trace> {
        self.store.of_number(number).map(|kept| &kept.trace)
    }

    /// The traces of the events sent from here, in the order of their numbers.
    pub fn own(&self) -> impl DoubleEndedIterator<Item = (u64, &Trace)> {
        self.store.by_number().filter_map(|(number, trace)| match number {
            EventNumber::Own(seq) => Some((seq, trace)),
            EventNumber::Other(_) => None,
        })
    }

    /// The traces of all events that are kept, in the order in which they were first seen.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = (EventNumber, &Trace)> {
        self.store.by_age()
    }

    /// The event after this one, or before it, of those that are kept and of the same sender.
    pub fn beside(&self, number: EventNumber, back: bool) -> Option<EventNumber> {
        self.store.beside(number, back)
    }

    /// How many traces were let go because too many came: they are counted, and not kept.
    pub fn let_go(&self) -> u64 {
        self.store.let_go_count()
    }

    /// An event's way as a waterfall.
    pub fn waterfall(&self, number: EventNumber, now: Timestamp) -> Option<Waterfall> {
        let kept = self.store.of_number(number)?;
        let Kept { trace, .. } = kept;
        let since = trace.put_since();
        let due = self.due(trace);
        let failures = since.and_then(|since| self.failing_since(since));
        let around = waterfall::Surroundings {
            clocks: &self.clocks,
            now,
            due,
            overdue: matches!(kept.term, Term::Put(put_in) if is_overdue(put_in, now, self.deadline())),
            failures,
            retention: self.retention,
        };
        let same = kept.joined.map_or(0, |hash| self.lines.identical(&hash));
        let duplicates = |hash| self.lines.duplicates(&hash, trace.nth, now);
        Some(Waterfall {
            number,
            rows: waterfall::rows(trace, &around),
            identical: (same > 1).then_some(Identical { position: trace.nth, of: same }),
            clocks: self.clocks.offsets(),
            bytes: HopBytes {
                sent: trace.answer.is_some().then_some(trace.sent_bytes),
                sent_body: trace.sent_body.clone(),
                record: trace.record_at.map(|_| trace.record_bytes),
                record_data: trace.record_data.clone(),
                line: trace.landing.as_ref().map(|_| trace.record_bytes),
            },
            duplicates: kept.joined.map(duplicates).unwrap_or_default(),
        })
    }

    /// When Firehose is to deliver an event that was put: with the oldest that it holds, at the latest
    /// when its interval has passed since it came.
    fn due(&self, trace: &Trace) -> Option<Timestamp> {
        let (since, interval) = (trace.put_since()?, self.interval?);
        let with_oldest = self.lines.held().oldest.map(|oldest| oldest.plus(interval));
        let latest = since.plus(interval);
        Some(with_oldest.filter(|due| *due >= since && *due <= latest).unwrap_or(latest))
    }

    /// How often deliveries have failed since then, and how the last one did; `None`: none did, or one
    /// has worked since.
    pub fn failing_since(&self, since: Timestamp) -> Option<(u64, &str)> {
        let (last, message) = self.failures.last.as_ref()?;
        // An object's date has whole seconds.
        let worked = self.last_landing.is_some_and(|landed| landed.plus(Duration::from_secs(1)) > *last);
        let times = self.failures.by_second.from(second(since));
        (*last >= since && !worked && times > 0).then_some((times, message.as_str()))
    }

    /// The ledger of the events sent from here, at this moment.
    pub fn ledger(&self, now: Timestamp) -> Ledger {
        let (own, _) = self.store.ledgers(now, self.deadline());
        Ledger { others: self.store.others_seen(), duplicates: self.lines.surplus(now), ..own }
    }

    /// The same of others' events: its `sent` are those that were seen.
    pub fn others_ledger(&self, now: Timestamp) -> Ledger {
        self.store.ledgers(now, self.deadline()).1
    }

    /// How long events took at a place; `None`: nothing was measured there.
    ///
    /// Sent: from sending to the answer, as the client saw it. API: the request, as the gateway saw it.
    /// Lambda: the run. Kinesis: the putting. Firehose: from the arrival to the object's date. S3: from
    /// the sending, or the gateway's taking it, to the object's date.
    pub fn figures(&self, place: Place) -> Option<HopFigures> {
        self.times.of(place).figures()
    }

    /// How long events took at a hop.
    pub fn hop_figures(&self, hop: Hop) -> Option<HopFigures> {
        self.figures(Place::Hop(hop))
    }

    /// How the same spread over time.
    pub fn distribution(&self, place: Place) -> Distribution {
        self.times.of(place).distribution()
    }

    /// How far the clocks are apart, as measured so far.
    pub fn clocks(&self) -> Vec<ClockOffset> {
        self.clocks.offsets()
    }

    /// The records that were seen in the stream and not yet in an object: what Firehose holds, as
    /// far as can be told from outside.
    pub fn held(&self) -> Held {
        self.lines.held()
    }

    fn kept_by_lambda(&self, key: &LambdaRequestId) -> Option<Id> {
        self.store.by_lambda_request.get(key).copied().filter(|id| self.store.get(*id).is_some())
    }

    /// The trace of a request; a new one of someone else's where it is not known.
    /// `None`: it was let go.
    fn of_api_request(&mut self, key: &ApiRequestId) -> Option<Id> {
        if let Some(id) = self.store.by_api_request.get(key).copied().filter(|id| self.store.get(*id).is_some()) {
            return Some(id);
        }
        if self.store.is_gone(key) {
            return None;
        }
        let id = self.store.other();
        self.store.by_api_request.insert(key.clone(), id);
        if let Some(kept) = self.store.get_mut(id) {
            kept.trace.api_request_id = Some(key.clone());
        }
        Some(id)
    }

    /// A trace's invocation is known now: what was said of that is the trace's.
    fn invoked(&mut self, id: Id, key: LambdaRequestId) -> Id {
        if let Some(kept) = self.store.get_mut(id) {
            kept.trace.lambda_request_id.get_or_insert_with(|| key.clone());
            if let Some(said) = self.environments.take(&key) {
                said.tell(&mut kept.trace);
            }
        }
        let other = self.store.by_lambda_request.insert(key, id);
        self.merged(id, other)
    }

    /// A trace's record is known by its place now.
    fn placed(&mut self, id: Id, place: store::RecordPlace) -> Id {
        if let Some(kept) = self.store.get_mut(id) {
            kept.trace.place.get_or_insert_with(|| place.clone());
        }
        let other = self.store.by_place.insert(place, id);
        self.merged(id, other)
    }

    fn merged(&mut self, id: Id, other: Option<Id>) -> Id {
        let Some(other) = other else { return id };
        let parted = if other == id { None } else { self.parted(id, other) };
        let id = match self.store.merge(id, other) {
            Some((id, renamed)) => {
                if let Some((old, new)) = renamed {
                    self.rename_in_object(id, old, new);
                }
                id
            }
            None => id,
        };
        if let Some(parted) = parted {
            self.look_for_bytes(parted);
        }
        id
    }

    /// Two events of ours can't be one: what one of them was taken for by its bytes alone is the other's.
    fn parted(&mut self, id: Id, other: Id) -> Option<Id> {
        let number = self.store.get(other)?.number;
        let both_own = matches!((self.store.get(id)?.number, number), (EventNumber::Own(_), EventNumber::Own(_)));
        let (parted, new) = if both_own { self.store.part(other)? } else { return None };
        self.rename_in_object(other, number, new);
        Some(parted)
    }

    fn rename_in_object(&mut self, id: Id, old: EventNumber, new: EventNumber) {
        if let Some(landing) = self.store.get(id).and_then(|kept| kept.trace.landing.as_ref())
            && let Some(numbers) = self.objects.get_mut(&landing.object)
            && let Some(number) = numbers.iter_mut().find(|number| **number == old)
        {
            *number = new;
        }
    }

    /// An event of ours has no answer: what was put meanwhile with its bytes, and is nobody's else, is it.
    fn look_for_bytes(&mut self, id: Id) {
        let Some(kept) = self.store.get(id).filter(|kept| kept.trace.maybe_put()) else { return };
        let (Some(sent_at), Some(body)) = (kept.trace.sent_at, &kept.trace.sent_body) else { return };
        let hash = unanswered::record_hash(body);
        let found = self.store.newest().find(|(_, kept)| {
            let put = kept.trace.put_since();
            kept.joined == Some(hash)
                && unanswered::is_nobodys(&kept.trace)
                && put.is_some_and(|put| unanswered::can_be(sent_at, put))
        });
        match found.map(|(found, _)| found) {
            Some(found) => self.found_by_bytes(id, found),
            None => self.unanswered.add(hash, id, sent_at),
        }
    }

    fn found_by_bytes(&mut self, own: Id, found: Id) {
        let id = self.merged(own, Some(found));
        if let Some(kept) = self.store.get_mut(id) {
            kept.trace.found_by_bytes = kept.trace.put();
        }
        self.settled(id);
    }

    /// A trace has changed: it takes part in settling lines once its bytes are known and it was put.
    fn touched(&mut self, id: Id) {
        if let Some(kept) = self.store.get_mut(id)
            && kept.joined.is_none()
            && kept.trace.put()
            && let Some(hash) = kept.trace.hash
        {
            kept.joined = Some(hash);
            let arrived = kept.trace.put_since().unwrap_or_default();
            let nobodys = unanswered::is_nobodys(&kept.trace);
            let waiting = Waiting { id, arrived, bytes: kept.trace.record_bytes };
            let (nth, landing) = self.lines.record(hash, waiting);
            kept.trace.nth = nth;
            if let Some(landing) = landing {
                self.land(id, landing);
            }
            if nobodys && let Some(own) = self.unanswered.take(&hash, arrived) {
                // It may have been named by a log line since.
                if self.store.get(own).is_some_and(|kept| kept.trace.maybe_put()) {
                    self.found_by_bytes(own, id);
                }
            }
        }
        self.settled(id);
    }

    /// A trace has changed: its term, and what is measured of it.
    fn settled(&mut self, id: Id) {
        self.store.settle(id);
        if let Some(kept) = self.store.get_mut(id) {
            if !self.one_clock {
                measure_clocks(kept, &mut self.clocks);
            }
            measure_times(kept, &mut self.times);
        }
    }
}

/// Measures the clocks by a trace, once each.
#[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
fn measure_clocks(kept: &mut Kept, clocks: &mut Clocks) {
    let millisecond = Duration::from_millis(1);
    // Who writes a time down does so a little after it, and a duration is measured from elsewhere.
    let both = 2 * millisecond;
    let span = |from: Timestamp, millis: f64| {
        let from = from.as_millis() * 1_000;
        let length = (millis.clamp(0.0, 1e9) * 1_000.0).round() as i64;
        Span { from, to: from + length, precision: millisecond, end_precision: both }
    };
    let trace = &kept.trace;
    let answered = matches!(trace.answer, Some(Answer::Accepted { .. } | Answer::Refused { .. }));
    let client = trace.sent_at.zip(trace.latency).filter(|_| answered);
    let client = client.map(|(sent, latency)| span(sent, latency.as_secs_f64() * 1_000.0));
    let access = trace.access.as_ref();
    let gateway = access.and_then(|access| access.request_at.zip(access.response_ms));
    let gateway = gateway.map(|(from, took)| span(from, took.into()));
    // Where the gateway gave up, the function may have gone on after its answer.
    let whole = access.is_some_and(|access| access.lambda_status == Some(200));
    let inside = gateway.filter(|_| whole && !trace.timed_out() && !trace.found_by_bytes);
    // Whenever these lines are written, that is within the request: the first after the gateway took it,
    // the function's own before it answers.
    let run = trace.started_at.zip(trace.function_at).map(|(start, end)| Span {
        from: start.as_millis() * 1_000,
        to: end.as_millis() * 1_000,
        precision: millisecond,
        end_precision: millisecond,
    });
    let arrival = trace.record_at.map(|arrived| span(arrived, 0.0));
    let date = trace.landing.as_ref().map(|landing| {
        let from = landing.time.as_millis() * 1_000;
        let second = Duration::from_secs(1);
        Span { from, to: from, precision: second, end_precision: second }
    });
    let measured = &mut kept.measured;
    let mut once = |bit: u16, inner: Option<Span>, outer: Option<Span>, measure: fn(&mut Clocks, Span, Span)| {
        if *measured & bit == 0
            && let (Some(inner), Some(outer)) = (inner, outer)
        {
            *measured |= bit;
            measure(clocks, inner, outer);
        }
    };
    once(measured::CLIENT_CLOCK, gateway, client, Clocks::gateway_within_client);
    once(measured::LAMBDA_CLOCK, run, inside, Clocks::lambda_within_gateway);
    once(measured::KINESIS_CLOCK, arrival, inside, Clocks::kinesis_within_gateway);
    once(measured::S3_CLOCK, date, arrival, Clocks::s3_after_kinesis);
}

/// Takes a trace's times in, once each.
fn measure_times(kept: &mut Kept, times: &mut Times) {
    let trace = &kept.trace;
    let millis = |millis: f64| Duration::from_secs_f64(millis.clamp(0.0, 1e9) / 1_000.0);
    let answered = matches!(trace.answer, Some(Answer::Accepted { .. } | Answer::Refused { .. }));
    let access = trace.access.as_ref();
    let began = trace.sent_at.or(access.and_then(|access| access.request_at));
    let landed = trace.landing.as_ref().map(|landing| landing.time);
    let cold = trace.cold();
    let taken = |place: Place| -> Option<(Timestamp, Duration)> {
        match place {
            Place::Sent => Some((trace.sent_at?, trace.latency.filter(|_| answered)?)),
            Place::Hop(Hop::Api) => {
                let access = access?;
                Some((access.request_at.or(trace.access_at)?, millis(access.response_ms?.into())))
            }
            Place::Hop(Hop::Lambda) => {
                let report = trace.report?;
                Some((trace.started_at.or(trace.reported_at)?, millis(report.duration_ms)))
            }
            Place::Hop(Hop::Kinesis) => Some((trace.function_at?, millis(trace.putting.as_ref()?.kinesis_ms?))),
            // An object's date has whole seconds: it may seem to lie before the arrival.
            Place::Hop(Hop::Firehose) => Some((landed?, landed?.since(trace.record_at?))),
            Place::Hop(Hop::S3) => Some((landed?, landed?.since(began?))),
        }
    };
    for place in Place::ALL {
        let bit = measured::time_at(place);
        if kept.measured & bit == 0
            && let Some((time, duration)) = taken(place)
        {
            kept.measured |= bit;
            times.of_mut(place).add(time, duration, cold);
        }
    }
}

/// A delivery error in a few words: its code and Firehose's message.
fn delivery_error(message: &str) -> String {
    let Ok(line) = serde_json::from_str::<serde_json::Value>(message) else { return message.to_owned() };
    let text = |name: &str| line.get(name).and_then(serde_json::Value::as_str);
    match (text("errorCode"), text("message").or_else(|| text("errorMessage"))) {
        (Some(code), Some(words)) => format!("{code}: {words}"),
        (Some(words), None) | (None, Some(words)) => words.to_owned(),
        (None, None) => message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
