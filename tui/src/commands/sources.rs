//! The live sources of a pipeline, as commands follow them.

use std::time::Duration;

use tailwater_core::{
    app::TailState,
    events::{Event, LogLine, Object, Record},
    trace::Traces,
};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{CommandError, say};
use crate::{
    deploy::Deployed,
    tail::{self, BATCHES_AHEAD, Start, Update},
    target::Target,
};

/// Traces of nothing yet, which know of the pipeline what tells when an event is late.
pub(super) fn traces_of(target: &Target, deployed: &Deployed) -> Traces {
    let mut traces = Traces::new();
    if target.is_local() {
        traces.set_one_clock();
    }
    traces.set_interval(Duration::from_secs(deployed.buffering.interval_seconds));
    traces
}

/// The three live sources.
pub(super) struct Sources {
    pub records: mpsc::Receiver<Update<Record>>,
    pub logs: mpsc::Receiver<Update<LogLine>>,
    pub objects: mpsc::Receiver<Update<Object>>,
    tasks: TaskTracker,
}

impl Sources {
    /// Follows a pipeline from now on, or from a time.
    pub fn start(target: &Target, deployed: &Deployed, start: Start, stop: &CancellationToken) -> Self {
        let outputs = &deployed.outputs;
        let tasks = TaskTracker::new();
        let (out, records) = mpsc::channel(BATCHES_AHEAD);
        tasks.spawn(tail::records(target.clone(), outputs.stream_name.clone(), start, out, stop.clone()));
        let (out, logs) = mpsc::channel(BATCHES_AHEAD);
        tasks.spawn(tail::logs(target.clone(), deployed.log_groups.clone(), start, out, stop.clone()));
        let (out, objects) = mpsc::channel(BATCHES_AHEAD);
        let bucket = tail::Bucket { name: outputs.bucket_name.clone(), layout: deployed.layout.clone() };
        tasks.spawn(tail::objects(target.clone(), bucket, start, out, stop.clone()));
        tasks.close();
        Self { records, logs, objects, tasks }
    }

    /// Waits until each is in place, so that nothing that is sent goes by unseen.
    pub async fn in_place(&mut self) -> Result<(), CommandError> {
        async fn first<T>(source: &mut mpsc::Receiver<Update<T>>) -> Result<(), CommandError> {
            loop {
                match source.recv().await {
                    Some(Update::State(TailState::Following | TailState::Slowed { .. })) => return Ok(()),
                    Some(Update::State(TailState::Retrying { error, .. })) => say(&error),
                    Some(Update::State(TailState::Ended { error })) => return Err(CommandError::Failed(error)),
                    Some(Update::Batch(_) | Update::Gap(_)) => {}
                    None => return Err(CommandError::Failed("a source ended before it was in place".to_owned())),
                }
            }
        }
        tokio::try_join!(first(&mut self.records), first(&mut self.logs), first(&mut self.objects))?;
        Ok(())
    }

    /// What one of them sees next; nothing where it only says how it fares.
    pub async fn next(&mut self) -> Result<Vec<Event>, CommandError> {
        fn events<T>(update: Update<T>, event: impl Fn(T) -> Event) -> Result<Vec<Event>, CommandError> {
            Ok(match heard(update)? {
                Update::Batch(batch) => batch.into_iter().map(event).collect(),
                Update::State(_) | Update::Gap(_) => Vec::new(),
            })
        }
        tokio::select! {
            Some(update) = self.records.recv() => events(update, Event::Record),
            Some(update) = self.logs.recv() => events(update, Event::Log),
            Some(update) = self.objects.recv() => events(update, Event::Object),
            else => Err(CommandError::Failed("the sources ended before all was seen".to_owned())),
        }
    }

    /// Ends them in order.
    pub async fn end(self) {
        let Self { records, logs, objects, tasks } = self;
        drop((records, logs, objects));
        // What costs is deregistered; without a network that is left to the next start.
        let _ = tokio::time::timeout(super::END_IN_ORDER, tasks.wait()).await;
    }
}

/// A source that tries again says so, and one that ended ends all.
pub(super) fn heard<T>(update: Update<T>) -> Result<Update<T>, CommandError> {
    match update {
        Update::State(TailState::Retrying { error, .. }) => {
            say(&error);
            Ok(Update::State(TailState::Following))
        }
        Update::State(TailState::Ended { error }) => Err(CommandError::Failed(error)),
        other => Ok(other),
    }
}
