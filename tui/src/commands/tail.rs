//! `tailwater tail`

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tailwater_core::{app::TailState, events::StackEvent, text::safe::visible};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{CLOUD_ENDED, CommandError, CommandResult, End, gone, leave, print, say, stopped, target, unread, watched};
use crate::{
    cli::{Global, Output, TailArgs, TailWhat},
    deploy::Stack,
    tail::{self, BATCHES_AHEAD, Start, Update},
    target::Target,
};

/// Follows sources until stopped, a number of rows, or a time.
pub async fn tail(global: &Global, args: TailArgs) -> CommandResult {
    let target = target(global).await?;
    let result = follow(global, &args, &target).await;
    leave(&target).await;
    result
}

async fn follow(global: &Global, args: &TailArgs, target: &Target) -> CommandResult {
    let deployed = watched(target, global).await?;
    let outputs = &deployed.outputs;
    let start = match (args.since, args.from_start) {
        (Some(duration), _) => Start::At(crate::target::now().minus(duration)),
        (None, true) => Start::Beginning,
        (None, false) => Start::Now,
    };
    let named = global.watch().is_some();
    let missing = match args.what {
        TailWhat::Records if outputs.stream_name.is_empty() => Some("stream"),
        TailWhat::Logs if deployed.log_groups.is_empty() => Some("log group"),
        TailWhat::Objects if outputs.bucket_name.is_empty() => Some("bucket"),
        TailWhat::Stack if named => Some("stack"),
        _ => None,
    };
    if let Some(missing) = missing {
        let words = format!("there is no {missing} among what is watched");
        return Err(if named { CommandError::Usage(words) } else { CommandError::Failed(words) });
    }
    // Of all, what is there.
    let wants = |what: TailWhat| {
        let is_there = match what {
            TailWhat::Records => !outputs.stream_name.is_empty(),
            TailWhat::Logs => !deployed.log_groups.is_empty(),
            TailWhat::Objects => !outputs.bucket_name.is_empty(),
            TailWhat::Stack | TailWhat::All => !named,
        };
        is_there && (args.what == what || args.what == TailWhat::All)
    };
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let (records_out, mut records) = mpsc::channel(BATCHES_AHEAD);
    let (logs_out, mut logs) = mpsc::channel(BATCHES_AHEAD);
    let (objects_out, mut objects) = mpsc::channel(BATCHES_AHEAD);
    let (stack_out, mut stack) = mpsc::channel::<Update<StackEvent>>(BATCHES_AHEAD);
    if wants(TailWhat::Records) {
        tasks.spawn(tail::records(target.clone(), outputs.stream_name.clone(), start, records_out, stop.clone()));
    }
    if wants(TailWhat::Logs) {
        tasks.spawn(tail::logs(target.clone(), deployed.log_groups.clone(), start, logs_out, stop.clone()));
    }
    if wants(TailWhat::Objects) {
        let bucket = tail::Bucket { name: outputs.bucket_name.clone(), layout: deployed.layout.clone() };
        tasks.spawn(tail::objects(target.clone(), bucket, start, objects_out, stop.clone()));
    }
    if wants(TailWhat::Stack) {
        let found = Stack::find(&target.cloudformation(), &global.stack_name).await?;
        let id = found.map_or_else(|| global.stack_name.clone(), |stack| stack.id);
        tasks.spawn(tail::stack(target.clone(), id, start, stack_out, stop.clone()));
    }
    tasks.close();
    let mut rows = Rows {
        output: global.output,
        filter: args.filter.clone(),
        limit: args.limit,
        printed: 0,
        troubles: HashMap::new(),
    };
    let limit = async {
        match args.duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(limit);
    let interrupted = stopped();
    let (gone, unread) = (gone(target), unread());
    tokio::pin!(interrupted, gone, unread);
    let end = loop {
        let go_on = tokio::select! {
            Some(update) = records.recv() => rows.take(update, print::record_json, print::record_text),
            Some(update) = logs.recv() => rows.take(update, |line| print::log_json(line).to_string(), print::log_text),
            Some(update) = objects.recv() => {
                rows.take(update, |object| print::object_json(object).to_string(), print::object_text)
            }
            Some(update) = stack.recv() => rows.take(
                update,
                |event| print::tagged("source", "stack", print::stack_json(event)).to_string(),
                print::stack_text,
            ),
            () = &mut limit => Ok(false),
            // Following has no end of its own: being stopped is how it is done.
            () = &mut interrupted => Ok(false),
            () = &mut unread => Ok(false),
            () = &mut gone => Err(CommandError::Failed(CLOUD_ENDED.to_owned())),
        };
        match go_on {
            Ok(true) => {}
            Ok(false) => break Ok(End::Done),
            Err(error) => break Err(error),
        }
    };
    stop.cancel();
    drop((records, logs, objects, stack));
    // What costs is deregistered; without a network that is left to the next start.
    let _ = tokio::time::timeout(super::END_IN_ORDER, tasks.wait()).await;
    end
}

/// The same trouble is said again after this long.
const SAID_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// What is printed, and when it is enough.
struct Rows {
    output: Output,
    filter: Option<String>,
    limit: Option<u64>,
    printed: u64,
    /// What was said of sources that can't be read, and when.
    troubles: HashMap<String, Instant>,
}

impl Rows {
    /// Prints what fits the filter; `false`: that is enough.
    fn take<T>(
        &mut self,
        update: Update<T>,
        json: impl Fn(&T) -> String,
        text: impl Fn(&T) -> String,
    ) -> Result<bool, CommandError> {
        match update {
            Update::State(TailState::Following | TailState::Slowed { .. }) => Ok(true),
            Update::Gap(gap) => {
                say(&gap.to_string());
                Ok(true)
            }
            Update::State(TailState::Retrying { error, after }) => {
                // The same trouble again and again is one trouble, as where readers share a shard.
                self.troubles.retain(|_, said| said.elapsed() < SAID_AGAIN_AFTER);
                if !self.troubles.contains_key(&error) {
                    self.troubles.insert(error.clone(), Instant::now());
                    say(&visible(&format!("{error}; trying again in {:.1} s", after.as_secs_f64())));
                }
                Ok(true)
            }
            Update::State(TailState::Ended { error }) => Err(CommandError::Failed(error)),
            Update::Batch(events) => {
                for event in &events {
                    let row = match self.output {
                        Output::Json => json(event),
                        Output::Text => text(event),
                    };
                    if self.filter.as_ref().is_some_and(|filter| !row.contains(filter.as_str())) {
                        continue;
                    }
                    print::print(format!("{row}\n").as_bytes())?;
                    self.printed += 1;
                    if self.limit.is_some_and(|limit| self.printed >= limit) {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }
}
