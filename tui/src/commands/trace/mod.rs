//! `tailwater trace`: one event, found wherever it left a trace, and followed to S3.

mod following;
mod print;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use tailwater_core::{
    events::{ApiRequestId, Event, SequenceNumber, Timestamp},
    text::time,
    trace::{EventNumber, Trace, Traces},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    CLOUD_ENDED, CommandError, CommandResult, End, gone, leave, say,
    sources::{Sources, traces_of},
    stopped, target,
};
use crate::{
    cli::{Global, TraceArgs},
    deploy::{Deployed, Stack},
    tail::{self, BATCHES_AHEAD, Look, Looked, Start},
    target::Target,
};
pub(super) use following::Following;

/// How far back is looked, in growing steps: what is looked for is new more often than not.
const STEPS: [Duration; 6] = [
    Duration::from_mins(15),
    Duration::from_hours(1),
    Duration::from_hours(6),
    Duration::from_hours(24),
    Duration::from_hours(3 * 24),
    Duration::from_hours(14 * 24),
];
/// How long the template lets logs be kept where the stack does not say.
const USUAL_LOG_DAYS: u64 = 7;
/// How long a stream keeps its records where the stack does not say.
const USUAL_RETENTION_HOURS: u64 = 24;
/// What was just sent may have no line yet: CloudWatch Logs takes lines in after seconds.
const LINES_LATE: Duration = Duration::from_secs(10);
/// Between two looks at the same time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// What is older than this is not followed: no delivery takes so long that still works.
const FOLLOWED: Duration = Duration::from_hours(24);

/// Finds an event, and prints its trace.
pub async fn trace(global: &Global, args: TraceArgs) -> CommandResult {
    let target = target(global).await?;
    let result = tokio::select! {
        result = find_and_follow(global, &args, &target) => result,
        () = stopped() => Ok(End::Interrupted),
        () = gone(&target) => Err(CommandError::Failed(CLOUD_ENDED.to_owned())),
    };
    leave(&target).await;
    result
}

async fn find_and_follow(global: &Global, args: &TraceArgs, target: &Target) -> CommandResult {
    let (deployed, parameters) = pipeline(global, target).await?;
    let number = |name: &str, usual: u64| {
        let given = parameters.iter().find(|(key, _)| key == name);
        given.and_then(|(_, value)| value.parse().ok()).unwrap_or(usual)
    };
    let kept = Duration::from_hours(24 * number("LogRetentionDays", USUAL_LOG_DAYS));
    let mut traces = traces_of(target, &deployed);
    traces.set_retention(Duration::from_hours(number("RetentionHours", USUAL_RETENTION_HOURS)));
    let mut search = Search { target, deployed: &deployed, id: args.id.trim(), traces };
    if search.id.is_empty() {
        return Err(CommandError::Usage("name an id, or a part of the event's body".to_owned()));
    }
    let back = args.since.unwrap_or(kept).min(kept);
    if args.since.is_some_and(|since| since > kept) {
        say(&format!("The logs are kept for {}: it looks back no further.", time::duration(kept)));
    }
    let began = Instant::now();
    if !search.everywhere(back).await? && !search.again(args.timeout.min(LINES_LATE)).await? {
        // An id of the gateway's stands in logs alone; a sequence number leads into the stream.
        let places = if ApiRequestId::looks_like(search.id) {
            "the access log or the function's log"
        } else if SequenceNumber::looks_like(search.id) {
            "the access log, the function's log or the stream"
        } else {
            "the access log, the function's log, the stream or the objects"
        };
        return Err(CommandError::Failed(format!(
            "{} is not in {places} of stack {} of the last {}: look for another id, or in another stack",
            search.id,
            global.stack_name,
            time::duration(back)
        )));
    }
    let ended = search.follow(args.timeout.saturating_sub(began.elapsed())).await?;
    let now = target.now();
    let numbers: Vec<EventNumber> = search.traces.all().map(|(number, _)| number).collect();
    for number in numbers {
        if let Some(waterfall) = search.traces.waterfall(number, now) {
            print::waterfall(global.output, &waterfall, &deployed.outputs.bucket_name, false)?;
        }
    }
    if !ended {
        say(&format!("It was not in S3 within {}.", time::duration(args.timeout)));
        return Ok(End::TimeLimit);
    }
    Ok(End::Done)
}

/// The pipeline, whoever made it, with the stack's parameters. Nothing is deployed: what is looked for
/// would not be there.
async fn pipeline(global: &Global, target: &Target) -> Result<(Deployed, Vec<(String, String)>), CommandError> {
    if let Some(watch) = global.watch() {
        return Ok((watch.pipeline(), Vec::new()));
    }
    let stack = Stack::find(&target.cloudformation(), &global.stack_name).await?.ok_or_else(|| {
        CommandError::Failed(format!(
            "there is no stack {} in account {}, {}: name another with --stack-name, --region or --profile",
            global.stack_name,
            target.account_id(),
            target.region()
        ))
    })?;
    let deployed = if stack.own {
        stack.deployed(&global.stack_name)?
    } else {
        crate::deploy::pipeline_of(target, &global.stack_name, &stack).await?
    };
    Ok((deployed, stack.parameters))
}

/// An event that is looked for.
struct Search<'a> {
    target: &'a Target,
    deployed: &'a Deployed,
    id: &'a str,
    traces: Traces,
}

impl Search<'_> {
    /// Looks back in growing steps; whether it was found.
    async fn everywhere(&mut self, back: Duration) -> Result<bool, CommandError> {
        let now = self.target.now();
        let mut to = now.plus(LINES_LATE);
        for step in STEPS.into_iter().filter(|step| *step < back).chain([back]) {
            let from = now.minus(step);
            if self.look(from, to, true).await? {
                return Ok(true);
            }
            to = from;
        }
        Ok(false)
    }

    /// Looks at the newest lines again, for a while.
    async fn again(&mut self, within: Duration) -> Result<bool, CommandError> {
        let within = if self.target.is_local() { within.min(LOOK_AGAIN) } else { within };
        let until = Instant::now() + within;
        say("Not found. If it was sent just now, its lines may not be there yet: looking again.");
        while Instant::now() < until {
            tokio::time::sleep(LOOK_AGAIN).await;
            let now = self.target.now();
            if self.look(now.minus(STEPS[0]), now.plus(LINES_LATE), false).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Looks once in a time, and takes in what is found.
    async fn look(&mut self, from: Timestamp, to: Timestamp, aloud: bool) -> Result<bool, CommandError> {
        let (out, mut looked) = mpsc::channel(BATCHES_AHEAD);
        let interval = Duration::from_secs(self.deployed.buffering.interval_seconds);
        let (target, outputs) = (self.target, &self.deployed.outputs);
        let bucket = &tail::Bucket { name: outputs.bucket_name.clone(), layout: self.deployed.layout.clone() };
        let id = self.id;
        let looking = async {
            let look = Look { target, outputs, bucket, interval, out: &out };
            let found = look.look(id, from, to).await;
            drop(out);
            found
        };
        let traces = &mut self.traces;
        let taking = async {
            let mut said = BTreeSet::new();
            while let Some(looked) = looked.recv().await {
                match looked {
                    Looked::In(place) if aloud && said.insert(place.clone()) => {
                        say(&format!("Looking through {place}"));
                    }
                    Looked::In(_) => {}
                    Looked::Found(event) => take(traces, &event),
                }
            }
        };
        let (found, ()) = tokio::join!(looking, taking);
        found.map_err(CommandError::Failed)
    }

    /// Follows what was found until it has ended and its lines are read; `false`: time was up before
    /// it was in S3.
    async fn follow(&mut self, within: Duration) -> Result<bool, CommandError> {
        let until = tokio::time::Instant::now() + within;
        let now = self.target.now();
        let since = |traces: &Traces| {
            let recent = |trace: &Trace| trace.put_since().filter(|put| now.since(*put) < FOLLOWED);
            let open = traces.all().filter(|(_, trace)| !has_ended(trace));
            open.filter_map(|(_, trace)| recent(trace)).min()
        };
        if let Some(since) = since(&self.traces) {
            say("It is on its way: following it to S3.");
            let stop = CancellationToken::new();
            let mut sources = Sources::start(self.target, self.deployed, Start::At(since), &stop);
            let mut result = Ok(true);
            while result.is_ok() && self.traces.all().any(|(_, trace)| trace.put() && !has_ended(trace)) {
                tokio::select! {
                    events = sources.objects.recv() => match events {
                        Some(update) => match super::sources::heard(update) {
                            Ok(crate::tail::Update::Batch(objects)) => {
                                for object in &objects {
                                    self.traces.object(object);
                                }
                            }
                            Ok(_) => {}
                            Err(error) => result = Err(error),
                        },
                        None => result = Err(CommandError::Failed("the objects can't be followed".to_owned())),
                    },
                    // What others put is not looked for: only that these sources do not stand still.
                    Some(_) = sources.records.recv() => {}
                    Some(_) = sources.logs.recv() => {}
                    () = tokio::time::sleep_until(until) => {
                        result = Ok(false);
                        break;
                    }
                }
            }
            stop.cancel();
            sources.end().await;
            if !result? {
                return Ok(false);
            }
        }
        // The platform's report and the gateway's line come last.
        let recent =
            |trace: &Trace| trace.function_at.or(trace.access_at).is_some_and(|at| now.since(at) < LINES_LATE * 6);
        let patience = Instant::now() + if self.target.is_local() { LOOK_AGAIN * 2 } else { LINES_LATE };
        while Instant::now() < patience
            && self.traces.all().any(|(_, trace)| recent(trace) && !following::has_lines(trace))
        {
            tokio::time::sleep(LOOK_AGAIN).await;
            let now = self.target.now();
            self.look(now.minus(STEPS[0]), now.plus(LINES_LATE), false).await?;
        }
        Ok(true)
    }
}

/// It is in S3, or will not come there.
fn has_ended(trace: &Trace) -> bool {
    following::has_ended(trace) || !trace.put()
}

fn take(traces: &mut Traces, event: &Event) {
    match event {
        Event::Record(record) => traces.record(record),
        Event::Log(line) => traces.log(line),
        Event::Object(object) => traces.object(object),
        Event::Sent(_) | Event::Stack(_) | Event::Call(_) => {}
    }
}
