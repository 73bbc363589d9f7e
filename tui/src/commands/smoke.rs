//! `tailwater smoke`: the acceptance test of a user. Distinct events, each seen at every hop.

mod report;

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde_json::{Value, json};
use tailwater_core::{
    app::TailState,
    events::{Object, ObjectLines, RecordHash, Sent},
    pipeline::Hop,
    trace::{Ledger, Traces},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    CLOUD_ENDED, CommandError, CommandResult, End, gone, leave, pipeline, print, say,
    sources::{Sources, traces_of},
    stopped, target,
};
use crate::{
    cli::{Global, SmokeArgs},
    deploy::Deployed,
    send::{CONCURRENCY, Load, Sender, bearer_of_environment, run},
    tail::{BATCHES_AHEAD, Start, Update},
    target::Target,
};

/// The hops that are shown, by the names of the JSON.
const HOPS: [(&str, Hop); 4] = [("api", Hop::Api), ("lambda", Hop::Lambda), ("kinesis", Hop::Kinesis), ("s3", Hop::S3)];
/// After everything has landed, so many listings of the bucket look for what lands twice.
const LISTINGS_FOR_DUPLICATES: u32 = 2;
/// How many different troubles of sources are kept for the report.
const MOST_TROUBLES: usize = 20;
/// And so long an answer may take.
const LISTING_TIME: Duration = Duration::from_millis(100);

/// Sends events and waits until each was seen at every hop; where that is asked for, a page says what
/// came of it, however it ended.
pub async fn smoke(global: &Global, args: SmokeArgs) -> CommandResult {
    let page = args.report.as_deref().map(report::Page::at).transpose()?;
    let mut watch = Watch::new(args.events);
    let began = crate::target::now();
    let (target, result) = match target(global).await {
        Ok(target) => {
            let result = check(global, &args, &target, &mut watch).await;
            (Some(target), result)
        }
        Err(error) => (None, Err(error)),
    };
    if let Some(page) = page {
        page.write(global, target.as_ref(), &watch, &result, began).await;
    }
    if let Some(target) = &target {
        leave(target).await;
    }
    result
}

async fn check(global: &Global, args: &SmokeArgs, target: &Target, watch: &mut Watch) -> CommandResult {
    let deployed = pipeline(target, global).await?;
    let deadline = tokio::time::Instant::now() + args.timeout;
    let stop = CancellationToken::new();
    let mut sources = Sources::start(target, &deployed, Start::Now, &stop);
    watch.traces = traces_of(target, &deployed);
    let end = tokio::select! {
        end = watch_all(target, &mut sources, watch, &deployed, args, &stop) => end,
        () = tokio::time::sleep_until(deadline) => Ok(End::TimeLimit),
        () = stopped() => Ok(End::Interrupted),
        () = gone(target) => Err(CommandError::Failed(CLOUD_ENDED.to_owned())),
    };
    stop.cancel();
    sources.end().await;
    let end = end?;
    if end == End::Interrupted {
        return Ok(end);
    }
    let ledger = watch.traces.ledger(crate::target::now());
    let verdict = match end {
        End::TimeLimit => "timeout",
        _ if ledger.in_s3 == args.events && watch.duplicated == 0 => "pass",
        _ => "fail",
    };
    print::line(global.output, || watch.json(verdict, ledger), || watch.text(verdict, ledger))?;
    if let Some(refusal) = &watch.refusal {
        say(refusal);
    }
    Ok(match verdict {
        "pass" => End::Done,
        "timeout" => End::TimeLimit,
        _ => End::Failed,
    })
}

async fn watch_all(
    target: &Target,
    sources: &mut Sources,
    watch: &mut Watch,
    deployed: &Deployed,
    args: &SmokeArgs,
    stop: &CancellationToken,
) -> CommandResult {
    let events = args.events;
    sources.in_place().await?;
    let bearer = bearer_of_environment();
    let sender = Sender::new(target, &deployed.outputs.submit_url, deployed.auth_mode, &[], bearer.as_deref())?;
    let run_id = uuid::Uuid::new_v4().to_string();
    let bodies = (1..=events)
        .map(move |seq| (seq, Bytes::from(json!({"event": "smoke", "run": run_id, "seq": seq}).to_string())));
    let (results, mut sent) = mpsc::channel(BATCHES_AHEAD);
    let load = Load { rate: args.rate, concurrency: CONCURRENCY };
    let sending = run(&sender, load, bodies, &results, stop);
    tokio::pin!(sending);
    let mut all_sent = false;
    let mut settled_since: Option<tokio::time::Instant> = None;
    let look_for_duplicates = target.pace().objects.first * LISTINGS_FOR_DUPLICATES + LISTING_TIME;
    loop {
        let enough = async {
            match settled_since {
                Some(since) => tokio::time::sleep_until(since + look_for_duplicates).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = &mut sending, if !all_sent => all_sent = true,
            Some(result) = sent.recv() => watch.sent(&result),
            Some(update) = sources.records.recv() => {
                if let Update::Batch(batch) = watch.heard(update)? {
                    for record in &batch {
                        watch.traces.record(record);
                    }
                }
            }
            Some(update) = sources.logs.recv() => {
                if let Update::Batch(batch) = watch.heard(update)? {
                    for line in &batch {
                        watch.traces.log(line);
                    }
                }
            }
            Some(update) = sources.objects.recv() => {
                if let Update::Batch(batch) = watch.heard(update)? {
                    for object in &batch {
                        watch.object(object);
                    }
                }
            }
            () = enough => return Ok(End::Done),
        }
        watch.look();
        if settled_since.is_none() && all_sent && watch.answered == events && watch.settled() {
            settled_since = Some(tokio::time::Instant::now());
        }
    }
}

/// What was seen of the events so far.
struct Watch {
    events: u64,
    traces: Traces,
    answered: u64,
    accepted: u64,
    duplicated: u64,
    /// How often each line of ours was seen in objects, by its bytes.
    landed: HashMap<RecordHash, u64>,
    /// When each event was sent, and when it was first seen at each hop.
    begun: HashMap<u64, Instant>,
    seen: HashMap<(u64, Hop), Duration>,
    refusal: Option<String>,
    /// What sources said of being unable to read.
    troubles: BTreeSet<String>,
}

impl Watch {
    fn new(events: u64) -> Self {
        Self {
            events,
            traces: Traces::new(),
            answered: 0,
            accepted: 0,
            duplicated: 0,
            landed: HashMap::new(),
            begun: HashMap::new(),
            seen: HashMap::new(),
            refusal: None,
            troubles: BTreeSet::new(),
        }
    }

    /// A source that tries again says so, and one that ended ends all.
    fn heard<T>(&mut self, update: Update<T>) -> Result<Update<T>, CommandError> {
        match update {
            Update::State(TailState::Retrying { error, .. }) => {
                say(&error);
                if self.troubles.len() < MOST_TROUBLES {
                    self.troubles.insert(error);
                }
                Ok(Update::State(TailState::Following))
            }
            Update::State(TailState::Ended { error }) => Err(CommandError::Failed(error)),
            other => Ok(other),
        }
    }

    fn sent(&mut self, sent: &Sent) {
        self.answered += 1;
        self.accepted += u64::from(sent.accepted());
        // The answer is here now, and took so long.
        let begun = Instant::now().checked_sub(sent.latency).unwrap_or_else(Instant::now);
        self.begun.insert(sent.seq, begun);
        if sent.accepted() {
            self.seen.insert((sent.seq, Hop::Api), sent.latency);
        } else if self.refusal.is_none() {
            let status = sent.status().map_or_else(|| "unanswered".to_owned(), |status| status.to_string());
            self.refusal = Some(format!("#{} {status}: {}", sent.seq, sent.error().unwrap_or_default()));
        }
        self.traces.sent(sent);
    }

    fn object(&mut self, object: &Object) {
        if let ObjectLines::Read { hashes, .. } = &object.lines {
            for hash in hashes {
                *self.landed.entry(*hash).or_default() += 1;
            }
        }
        self.traces.object(object);
    }

    /// Notes what was seen for the first time.
    fn look(&mut self) {
        let mut duplicated = 0;
        for (seq, trace) in self.traces.own() {
            let Some(begun) = self.begun.get(&seq) else { continue };
            for hop in [Hop::Lambda, Hop::Kinesis, Hop::S3] {
                if trace.seen_at(hop) {
                    self.seen.entry((seq, hop)).or_insert_with(|| begun.elapsed());
                }
            }
            let times = trace.hash.and_then(|hash| self.landed.get(&hash)).copied().unwrap_or_default();
            duplicated += times.saturating_sub(1);
        }
        self.duplicated = duplicated;
    }

    /// Every event that was accepted was seen at every hop.
    fn settled(&self) -> bool {
        HOPS.iter().all(|(_, hop)| self.count(*hop) == self.accepted)
    }

    fn count(&self, hop: Hop) -> u64 {
        self.seen.keys().filter(|(_, seen)| *seen == hop).count() as u64
    }

    /// p50, p99 and the longest time until it was seen at a hop, in milliseconds.
    fn figures(&self, hop: Hop) -> Option<(f64, f64, f64)> {
        let mut times: Vec<Duration> =
            self.seen.iter().filter(|((_, seen), _)| *seen == hop).map(|(_, time)| *time).collect();
        times.sort_unstable();
        let longest = *times.last()?;
        let at = |percent: usize| times[(times.len() * percent).div_ceil(100).saturating_sub(1)];
        Some((print::millis(at(50)), print::millis(at(99)), print::millis(longest)))
    }

    fn json(&self, verdict: &str, ledger: Ledger) -> Value {
        let hops: serde_json::Map<String, Value> = HOPS
            .iter()
            .map(|(name, hop)| {
                let (p50, p99, max) =
                    self.figures(*hop).map_or((None, None, None), |(a, b, c)| (Some(a), Some(b), Some(c)));
                ((*name).to_owned(), json!({"seen": self.count(*hop), "p50Ms": p50, "p99Ms": p99, "maxMs": max}))
            })
            .collect();
        json!({
            "events": self.events,
            "delivered": ledger.in_s3,
            "lost": ledger.missing,
            "duplicated": self.duplicated,
            "onTheWay": ledger.on_the_way,
            "refused": ledger.refused,
            "unanswered": ledger.unanswered,
            "hops": hops,
            "verdict": verdict,
        })
    }

    fn text(&self, verdict: &str, ledger: Ledger) -> String {
        let mut text = format!(
            "{verdict}: {} of {} events in S3, {} lost, {} duplicated, {} on the way, {} refused, {} unanswered\n  \
             from sending until seen here:",
            ledger.in_s3,
            self.events,
            ledger.missing,
            self.duplicated,
            ledger.on_the_way,
            ledger.refused,
            ledger.unanswered,
        );
        let hops = HOPS.map(|(_, hop)| {
            let figures = self.figures(hop).map_or_else(
                || "not seen".to_owned(),
                |(p50, p99, max)| format!("p50 {p50:.1} ms, p99 {p99:.1} ms, longest {max:.1} ms"),
            );
            format!("\n  {:<8} {:>5} seen  {figures}", hop.name(), self.count(hop))
        });
        text.push_str(&hops.concat());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_seen() {
        let mut watch = Watch::new(4);
        for (seq, millis) in [(1, 10), (2, 20), (3, 30), (4, 40)] {
            watch.seen.insert((seq, Hop::S3), Duration::from_millis(millis));
        }
        assert_eq!(watch.figures(Hop::S3), Some((20.0, 40.0, 40.0)));
        assert_eq!(watch.figures(Hop::Api), None);
        assert_eq!((watch.count(Hop::S3), watch.count(Hop::Api)), (4, 0));
    }
}
