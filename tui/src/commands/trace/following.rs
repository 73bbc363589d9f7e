//! Own events, followed until they are in S3 or have ended elsewhere.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tailwater_core::{
    events::{Event, Sent},
    trace::{EventNumber, Ledger, Trace, Traces},
};
use tokio_util::sync::CancellationToken;

use super::print;
use crate::{
    cli::Output,
    commands::{
        CommandError,
        sources::{Sources, traces_of},
    },
    deploy::Deployed,
    tail::Start,
    target::Target,
};

/// After an event's end, its log lines have this long to be read: they are what a trace is made of.
const LINES_LATE: Duration = Duration::from_secs(5);
/// Between two looks at what has ended while nothing comes.
const LOOK_ROUND: Duration = Duration::from_millis(500);
/// And at most so often, whatever comes.
const PRINT_ROUND: Duration = Duration::from_millis(200);

/// Own events and the sources that see them.
pub(in crate::commands) struct Following {
    sources: Sources,
    traces: Traces,
    stop: CancellationToken,
    /// Those whose trace has not been printed, with when each was seen to have ended.
    open: BTreeMap<u64, Option<Instant>>,
    /// When it is looked next at what has ended.
    next_print: Instant,
    /// Bodies may be equal: which of how many an event is, is known when all were sent.
    all_first: bool,
    bucket: String,
}

impl Following {
    /// Follows a pipeline's sources; they are in place when this returns.
    /// `all_first`: no trace is printed before all events have been sent.
    pub async fn start(target: &Target, deployed: &Deployed, all_first: bool) -> Result<Self, CommandError> {
        let stop = CancellationToken::new();
        let mut sources = Sources::start(target, deployed, Start::Now, &stop);
        sources.in_place().await?;
        let traces = traces_of(target, deployed);
        let bucket = deployed.outputs.bucket_name.clone();
        Ok(Self { sources, traces, stop, open: BTreeMap::new(), next_print: Instant::now(), all_first, bucket })
    }

    /// An answer came, or none will.
    pub fn sent(&mut self, sent: &Sent) {
        self.traces.sent(sent);
        self.open.insert(sent.seq, None);
    }

    /// Waits for what a source sees, for a moment.
    pub async fn look(&mut self) -> Result<(), CommandError> {
        let Ok(events) = tokio::time::timeout(LOOK_ROUND, self.sources.next()).await else { return Ok(()) };
        for event in events? {
            match event {
                Event::Record(record) => self.traces.record(&record),
                Event::Log(line) => self.traces.log(&line),
                Event::Object(object) => self.traces.object(&object),
                Event::Sent(_) | Event::Stack(_) | Event::Call(_) => {}
            }
        }
        Ok(())
    }

    /// Prints the traces of those that have ended.
    pub fn print_ended(&mut self, output: Output, sending: bool) -> Result<(), CommandError> {
        let now = Instant::now();
        if now < self.next_print || self.all_first && (sending || !self.all_seen()) {
            return Ok(());
        }
        self.next_print = now + PRINT_ROUND;
        debug_assert!(self.traces.ledger(crate::target::now()).balances(), "a term was counted twice or not at all");
        let mut ended = Vec::new();
        for (seq, since) in &mut self.open {
            match self.traces.get(EventNumber::Own(*seq)) {
                Some(trace) if has_ended(trace) => {
                    let since = *since.get_or_insert(now);
                    if has_lines(trace) || now.duration_since(since) > LINES_LATE {
                        ended.push(*seq);
                    }
                }
                Some(_) => {}
                // Too many came since: it is counted.
                None => ended.push(*seq),
            }
        }
        for seq in ended {
            self.print(seq, output)?;
        }
        Ok(())
    }

    fn print(&mut self, seq: u64, output: Output) -> Result<(), CommandError> {
        self.open.remove(&seq);
        let now = crate::target::now();
        if let Some(waterfall) = self.traces.waterfall(EventNumber::Own(seq), now) {
            print::waterfall(output, &waterfall, &self.bucket, true)?;
        }
        Ok(())
    }

    /// The record of every event that was put has been seen.
    fn all_seen(&self) -> bool {
        self.open.keys().all(|seq| {
            self.traces.get(EventNumber::Own(*seq)).is_none_or(|trace| trace.hash.is_some() || has_ended(trace))
        })
    }

    /// Nothing is waited for.
    pub fn all_ended(&self) -> bool {
        self.open.is_empty()
    }

    /// Ends it: prints the traces of those that are still on the way, and says where all are. `None`:
    /// nothing could be printed.
    pub async fn end(mut self, output: Output) -> Option<Ledger> {
        self.stop.cancel();
        for seq in self.open.keys().copied().collect::<Vec<_>>() {
            self.print(seq, output).ok()?;
        }
        let ledger = self.traces.ledger(crate::target::now());
        self.sources.end().await;
        Some(ledger)
    }
}

/// It is in S3, or will not come there.
pub(super) fn has_ended(trace: &Trace) -> bool {
    trace.landing.is_some() || trace.failed_delivery.is_some() || trace.answer.is_some() && !trace.put()
}

/// Every line was read that is to be expected of it.
pub(super) fn has_lines(trace: &Trace) -> bool {
    let Some(access) = &trace.access else { return false };
    !access.reached && !trace.put() || trace.report.is_some() && (trace.function_at.is_some() || trace.threw())
}
