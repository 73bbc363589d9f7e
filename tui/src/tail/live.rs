//! Lines as CloudWatch Logs takes them in, by Live Tail: pushed once a second, for a price.
//!
//! Sessions end after three hours or with the connection. What came between two of them is read once
//! by `FilterLogEvents`. Live lines have no ids, so both ways count equal lines of a stream: what one
//! has shown, the other does not show again.

use std::{collections::HashMap, time::Duration};

use aws_sdk_cloudwatchlogs::types::{LiveTailSessionLogEvent, LiveTailSessionUpdate, StartLiveTailResponseStream};
use tailwater_core::{
    app::TailState,
    events::{LogLine, LogSource, RecordHash, Timestamp},
};
use tokio::sync::mpsc::Sender;

use super::{
    Update,
    backoff::Backoff,
    logs::{LATENESS, LogGroups, Unnamed, line, page, to_line},
    say,
};
use crate::target::{Target, error_text};

/// A session says something every second, if only that nothing came; silence means that it is dead.
const SILENCE: Duration = Duration::from_secs(20);
/// What an update holds at most; above it is sampled (CloudWatch Logs user guide, Live Tail).
const UPDATE_LINES: usize = 500;

/// From so many counts on, those of lines that can no longer come the other way are cleared.
const COUNTS_KEPT: usize = 10_000;

/// Which way a line came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Pushed,
    Read,
}

/// How often equal lines were seen, each way.
#[derive(Debug, Default)]
struct Seen {
    counts: HashMap<RecordHash, (Timestamp, u32, u32)>,
    newest: Timestamp,
    /// How many counts were left by the last clearing.
    cleared_to: usize,
}

impl Seen {
    /// Whether a line is one more than the other way has seen. A pushed one gets an id.
    fn is_new(&mut self, way: Way, line: &mut LogLine) -> bool {
        let text = format!("{}\n{}\n{}\n{}", line.group, line.stream, line.time.as_millis(), line.message);
        let hash = RecordHash::of(text.as_bytes());
        let (_, pushed, read) = self.counts.entry(hash).or_insert((line.time, 0, 0));
        self.newest = self.newest.max(line.time);
        let (own, other) = match way {
            Way::Pushed => (pushed, read),
            Way::Read => (read, pushed),
        };
        *own += 1;
        if way == Way::Pushed {
            line.event_id = format!("live-{hash}-{own}");
        }
        let is_new = *own > *other;
        if self.counts.len() > COUNTS_KEPT.max(2 * self.cleared_to) {
            let open = self.newest.minus(LATENESS);
            self.counts.retain(|_, (time, ..)| *time >= open);
            self.cleared_to = self.counts.len();
        }
        is_new
    }

    /// From when on lines may still be missing.
    fn open_from(&self, from: Timestamp) -> Timestamp {
        from.max(self.newest.minus(LATENESS))
    }

    /// Forgets what can no longer come the other way, and begins to count what is read anew.
    fn begin_reading(&mut self, from: Timestamp) {
        self.counts.retain(|_, (time, ..)| *time >= from);
        for (_, pushed, read) in self.counts.values_mut() {
            // Everything from here on is read again: what was shown is on one side.
            *pushed = (*pushed).max(*read);
            *read = 0;
        }
    }
}

/// Follows the groups until nobody listens. `Err`: Live Tail can't be had here, and why.
pub(super) async fn follow(
    target: &Target,
    groups: &LogGroups,
    from: Timestamp,
    out: &Sender<Update<LogLine>>,
) -> Result<(), String> {
    let client = target.logs();
    let arns: Vec<String> = groups
        .iter()
        .map(|(_, name)| {
            let partition = target.identity().partition();
            format!("arn:{partition}:logs:{}:{}:log-group:{name}", target.region(), target.account_id())
        })
        .collect();
    let mut seen = Seen::default();
    let mut backoff = Backoff::default();
    let mut last = None;
    let mut sampled = false;
    let mut told = false;
    loop {
        let session = async {
            let started = client.start_live_tail().set_log_group_identifiers(Some(arns.clone())).send().await;
            let mut session = started.map_err(|error| {
                let refused = error.as_service_error().is_some_and(|error| {
                    error.is_access_denied_exception()
                        || error.is_invalid_operation_exception()
                        || error.is_invalid_parameter_exception()
                        || error.is_limit_exceeded_exception()
                });
                let text = target.lacks("logs:StartLiveTail", &error);
                let lacks = text.is_some();
                let text = text.unwrap_or_else(|| format!("started Live Tail: {}", error_text(&error)));
                if lacks || (refused && !told) { Trouble::NotHere(text) } else { Trouble::Again(text) }
            })?;
            if !told {
                told = true;
                if !target.is_local() {
                    target.notice(
                        "Logs come by Live Tail until this ends: 0.01 USD per minute after a free allowance (list price of \
                         us-east-1)."
                            .to_owned(),
                    );
                }
            }
            let missed = seen.open_from(from);
            seen.begin_reading(missed);
            for (source, name) in groups {
                let read = read_missed(target, &client, *source, name, missed, &mut seen, out).await;
                if !read.map_err(Trouble::Again)? {
                    return Ok(false);
                }
            }
            backoff.reset();
            if !say(out, &mut last, TailState::Following).await {
                return Ok(false);
            }
            loop {
                let update = tokio::time::timeout(SILENCE, session.response_stream.recv()).await;
                let update = update
                    .map_err(|_| Trouble::Again(format!("Live Tail was silent for {} s", SILENCE.as_secs())))?
                    .map_err(|error| Trouble::Again(format!("read Live Tail: {}", error_text(&error))))?;
                match update {
                    Some(StartLiveTailResponseStream::SessionUpdate(update)) => {
                        if is_sampled(&update) != sampled {
                            sampled = !sampled;
                            target.notice(if sampled {
                                format!(
                                    "Live Tail shows a sample: more than {UPDATE_LINES} lines a second come. Without \
                                     --live-tail all are read."
                                )
                            } else {
                                "Live Tail shows all lines again.".to_owned()
                            });
                        }
                        let lines = update.session_results.unwrap_or_default();
                        let lines = lines.into_iter().filter_map(|event| pushed(groups, event));
                        let mut lines: Vec<LogLine> = lines.collect();
                        lines.retain_mut(|line| seen.is_new(Way::Pushed, line));
                        if !lines.is_empty() {
                            target.stir();
                            if out.send(Update::Batch(lines)).await.is_err() {
                                return Ok(false);
                            }
                        }
                    }
                    Some(_) => {}
                    // Three hours are over.
                    None => return Ok(true),
                }
            }
        };
        match session.await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(Trouble::NotHere(reason)) => return Err(reason),
            Err(Trouble::Again(error)) => {
                let after = backoff.next();
                if !say(out, &mut last, TailState::Retrying { error, after }).await {
                    return Ok(());
                }
                target.time().sleep(after).await;
            }
        }
    }
}

/// Why a session ended.
enum Trouble {
    /// It can't be had here.
    NotHere(String),
    /// It may go well another time.
    Again(String),
}

fn is_sampled(update: &LiveTailSessionUpdate) -> bool {
    update.session_metadata.as_ref().is_some_and(|metadata| metadata.sampled)
}

/// Reads what came while no session ran; `false`: nobody listens.
async fn read_missed(
    target: &Target,
    client: &aws_sdk_cloudwatchlogs::Client,
    source: LogSource,
    group: &str,
    from: Timestamp,
    seen: &mut Seen,
    out: &Sender<Update<LogLine>>,
) -> Result<bool, String> {
    let mut token = None;
    let mut unnamed = Unnamed::default();
    loop {
        let page = page(target, client, group, from, token).await?;
        let events = page.events.unwrap_or_default().into_iter();
        let mut lines: Vec<LogLine> = events.map(|event| to_line(source, group, event, &mut unnamed)).collect();
        lines.retain_mut(|line| seen.is_new(Way::Read, line));
        if !lines.is_empty() && out.send(Update::Batch(lines)).await.is_err() {
            return Ok(false);
        }
        token = page.next_token;
        if token.is_none() {
            return Ok(true);
        }
    }
}

/// A pushed line; its group is named by account and name, or as it was asked for.
fn pushed(groups: &LogGroups, event: LiveTailSessionLogEvent) -> Option<LogLine> {
    let identifier = event.log_group_identifier.unwrap_or_default();
    let name = identifier.rsplit(':').next().unwrap_or(&identifier);
    let (source, group) = groups.iter().find(|(_, group)| group == name)?;
    let stream = event.log_stream_name.unwrap_or_default();
    let message = event.message.unwrap_or_default();
    let times = (event.timestamp.unwrap_or_default(), event.ingestion_time.unwrap_or_default());
    Some(line(*source, group, stream, String::new(), times, &message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str, millis: i64) -> LogLine {
        line(LogSource::Function, "group", "stream".to_owned(), String::new(), (millis, millis), message)
    }

    #[test]
    fn equal_lines_are_shown_as_often_as_they_were_written_whichever_way_they_come() {
        let mut seen = Seen::default();
        let mut twice = said("done", 100);
        assert!(seen.is_new(Way::Pushed, &mut twice));
        assert!(seen.is_new(Way::Pushed, &mut twice));
        // The session broke off; all of it is read again, with one more.
        seen.begin_reading(Timestamp::from_millis(0));
        let shown = (0..3).filter(|_| seen.is_new(Way::Read, &mut twice)).count();
        assert_eq!(shown, 1);
        // What was read already may still be pushed by the new session.
        assert!(!seen.is_new(Way::Pushed, &mut twice));
        assert!(seen.is_new(Way::Pushed, &mut said("done", 101)));
    }

    #[test]
    fn what_was_read_once_is_not_shown_when_it_is_read_again() {
        let mut seen = Seen::default();
        let mut once = said("START", 100);
        assert!(seen.is_new(Way::Read, &mut once));
        seen.begin_reading(Timestamp::from_millis(0));
        assert!(!seen.is_new(Way::Read, &mut once));
    }

    #[test]
    fn a_group_is_known_however_it_is_named() {
        let groups = vec![(LogSource::Access, "/aws/x".to_owned())];
        for identifier in ["111122223333:/aws/x", "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/x", "/aws/x"] {
            let event = LiveTailSessionLogEvent::builder().log_group_identifier(identifier).message("hi\n").build();
            let line = pushed(&groups, event).expect("a line");
            assert_eq!((line.source, line.message.as_str()), (LogSource::Access, "hi"));
        }
    }
}
