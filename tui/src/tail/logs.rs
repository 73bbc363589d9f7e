//! The logs of the function, the gateway and the delivery.
//!
//! CloudWatch Logs gives no order and takes lines in seconds after their time: each read begins with
//! what was the newest time a while ago, and what was seen since is told apart by the event's id.
//! That while is measured by this machine's clock alone, so that it may be off from the service's.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use aws_sdk_cloudwatchlogs::{Client, operation::filter_log_events::FilterLogEventsOutput, types::FilteredLogEvent};
use tailwater_core::{
    app::TailState,
    events::{LogLine, LogSource, RecordHash, Timestamp},
};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::{Gap, Start, Update, backoff::Backoff, live, rest::Rest, say, streams};
use crate::target::{Target, error_text};

/// Lines come in at most this much later than their time.
pub(super) const LATENESS: Duration = Duration::from_secs(30);
/// The same on the embedded cloud, which takes lines in at once.
const LATENESS_LOCAL: Duration = Duration::from_secs(1);

/// No log group keeps its lines for less, where it lets any go (CloudWatch Logs, `PutRetentionPolicy`).
const LEAST_RETENTION: Duration = Duration::from_hours(24);

/// The groups to follow, each with whose log it is.
pub type LogGroups = Vec<(LogSource, String)>;

/// What is known of one group.
struct Group {
    source: LogSource,
    name: String,
    /// From this time on lines may still come: the newest time as it was [`LATENESS`] ago.
    open_from: Timestamp,
    /// The newest times since then, each with when it was seen.
    newest: VecDeque<(Instant, Timestamp)>,
    /// The ids seen from there on, with their times.
    seen: HashMap<String, Timestamp>,
    /// By the services' clock: everything until then was seen, or was not asked for.
    read_to: Timestamp,
}

impl Group {
    fn new(source: LogSource, name: String, from: Timestamp) -> Self {
        Self { source, name, open_from: from, newest: VecDeque::new(), seen: HashMap::new(), read_to: from }
    }

    /// Whether a line is new.
    fn is_new(&mut self, event_id: &str, time: Timestamp) -> bool {
        self.seen.insert(event_id.to_owned(), time).is_none()
    }

    /// A read has ended that saw `newest` as the newest time: what can no longer come is closed.
    fn close(&mut self, newest: Option<Timestamp>, now: Instant, lateness: Duration) {
        let known = self.newest.back().map_or(self.open_from, |(_, time)| *time);
        if let Some(time) = newest.filter(|time| *time > known) {
            self.newest.push_back((now, time));
        }
        while let Some((_, time)) = self.newest.pop_front_if(|(seen, _)| now.duration_since(*seen) >= lateness) {
            self.open_from = time;
        }
        let open_from = self.open_from;
        self.seen.retain(|_, time| *time >= open_from);
    }

    /// What the group has let go since it was read.
    async fn gap(&mut self, target: &Target, client: &Client) -> Result<Option<Gap>, String> {
        let now = target.now();
        // What is asked for from its beginning begins where that is.
        let from = self.read_to;
        if from == Timestamp::default() || now.since(from) <= LEAST_RETENTION {
            return Ok(None);
        }
        let found = client.describe_log_groups().log_group_name_prefix(&self.name).send().await;
        let found = match found {
            Ok(found) => found,
            // Whoever may read lines need not be one who may look at groups.
            Err(error) if error.as_service_error().is_some() => return Ok(None),
            Err(error) => return Err(format!("looked at log group {}: {}", self.name, error_text(&error))),
        };
        let group = found.log_groups().iter().find(|group| group.log_group_name() == Some(self.name.as_str()));
        self.read_to = now;
        let Some(group) = group else { return Ok(None) };
        // A group keeps its lines from its own beginning on, and for so many days where that is set.
        let made = group.creation_time().map(Timestamp::from_millis);
        let from = made.map_or(from, |made| made.max(from));
        let Some(days) = group.retention_in_days().and_then(|days| u64::try_from(days).ok()) else { return Ok(None) };
        let horizon = now.minus(Duration::from_hours(24 * days));
        Ok((horizon > from).then(|| Gap {
            what: format!("lines of log group {}", self.name),
            from,
            to: horizon,
            reason: format!("the group keeps lines for {days} days"),
        }))
    }
}

/// Tells lines apart that came without an id, as from endpoints that give none: by stream, time and
/// words, and equal ones by their turn within one read. A read holds all lines of a time or none, so
/// that the turn is the same in the next one.
#[derive(Default)]
pub(super) struct Unnamed(HashMap<String, usize>);

impl Unnamed {
    fn id(&mut self, stream: &str, time: Timestamp, message: &str) -> String {
        let line = format!("{stream}/{}/{}", time.as_millis(), RecordHash::of(message.as_bytes()));
        let turn = self.0.entry(line.clone()).or_default();
        *turn += 1;
        format!("{line}/{turn}")
    }
}

/// Follows the groups until `stop` or until nobody listens.
pub async fn logs(
    target: Target,
    groups: LogGroups,
    start: Start,
    out: Sender<Update<LogLine>>,
    stop: CancellationToken,
) {
    let from = match start {
        Start::Now => target.beginning(crate::target::now()),
        Start::At(time) => target.beginning(time),
        Start::Beginning => Timestamp::from_millis(0),
    };
    let follow = async {
        if target.extras().live_tail {
            match live::follow(&target, &groups, from, &out).await {
                Ok(()) => return,
                Err(reason) => target.notice(format!("Logs are polled, not pushed: {reason}.")),
            }
        }
        poll(&target, groups, from, &out).await;
    };
    tokio::select! {
        () = follow => {}
        () = stop.cancelled() => {}
        () = out.closed() => {}
    }
}

/// A group with when it is read next.
struct Due {
    group: Group,
    rest: Rest,
    next: Instant,
    backoff: Backoff,
}

/// Reads the groups in turns, each by its own rest: the budget holds for all of them together.
async fn poll(target: &Target, groups: LogGroups, from: Timestamp, out: &Sender<Update<LogLine>>) {
    let lateness = if target.is_local() { LATENESS_LOCAL } else { LATENESS };
    let client = target.logs();
    let time = target.time().clone();
    let pace = target.pace();
    let mut groups: Vec<Due> = groups
        .into_iter()
        .map(|(source, name)| {
            let rested = if source == LogSource::Delivery { pace.errors } else { pace.logs };
            Due {
                group: Group::new(source, name, from),
                rest: Rest::new(target, rested),
                next: time.now(),
                backoff: Backoff::default(),
            }
        })
        .collect();
    let mut last = None;
    let mut by_streams = false;
    loop {
        let now = time.now();
        groups.sort_by_key(|due| due.next);
        let mut failed = None;
        for due in groups.iter_mut().filter(|due| due.next <= now) {
            match read(target, &client, &mut due.group, lateness, &mut by_streams, out).await {
                Ok(Some(lines)) => {
                    due.backoff.reset();
                    due.rest.read(lines > 0);
                    due.next = time.now() + due.rest.every();
                }
                Ok(None) => return,
                // One group that is gone or closed to us keeps none of the others from being read.
                Err(error) => {
                    let after = due.backoff.next();
                    due.next = time.now() + after;
                    failed = Some((error, after));
                }
            }
        }
        let state = match failed {
            Some((error, after)) => Some(TailState::Retrying { error, after }),
            None if groups.iter().any(|due| due.backoff.is_waiting()) => None,
            // What is read most often says how the source fares.
            None => groups.iter().min_by_key(|due| due.rest.every()).map(|due| due.rest.state()),
        };
        if let Some(state) = state
            && !say(out, &mut last, state).await
        {
            return;
        }
        let Some(first) = groups.iter().map(|due| due.next).min() else { return };
        if let Some(due) = groups.first_mut() {
            due.rest.until(first).await;
        }
        if time.now() < first {
            // Something goes on: every group that can be read is looked at.
            for due in groups.iter_mut().filter(|due| !due.backoff.is_waiting()) {
                due.rest.wake();
                due.next = time.now();
            }
        }
    }
}

/// Reads what is new in one group, page by page, and says how many lines; `None`: nobody listens.
async fn read(
    target: &Target,
    client: &Client,
    group: &mut Group,
    lateness: Duration,
    by_streams: &mut bool,
    out: &Sender<Update<LogLine>>,
) -> Result<Option<usize>, String> {
    if let Some(gap) = group.gap(target, client).await?
        && out.send(Update::Gap(gap)).await.is_err()
    {
        return Ok(None);
    }
    let began = target.now();
    let mut newest = None;
    let mut token = None;
    let mut lines = 0;
    let mut unnamed = Unnamed::default();
    loop {
        let page = if *by_streams {
            streams::events(client, &group.name, group.open_from).await?
        } else {
            match page(target, client, &group.name, group.open_from, token).await {
                Ok(page) => page,
                Err(PageError::Lacks(words)) => {
                    target.notice(format!("Log streams are read one by one, by GetLogEvents: {words}."));
                    *by_streams = true;
                    token = None;
                    continue;
                }
                Err(PageError::Failed(words)) => return Err(words),
            }
        };
        let mut batch = Vec::new();
        for event in page.events.unwrap_or_default() {
            let line = to_line(group.source, &group.name, event, &mut unnamed);
            newest = newest.max(Some(line.time));
            if group.is_new(&line.event_id, line.time) {
                batch.push(line);
            }
        }
        lines += batch.len();
        if !batch.is_empty() && out.send(Update::Batch(batch)).await.is_err() {
            return Ok(None);
        }
        // A page may be empty and still have more behind it.
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    group.close(newest, target.time().now(), lateness);
    group.read_to = began;
    Ok(Some(lines))
}

/// Why a page could not be read.
#[derive(Debug)]
pub(super) enum PageError {
    /// The endpoint does not offer that.
    Lacks(String),
    /// Anything else.
    Failed(String),
}

impl From<PageError> for String {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Lacks(words) | PageError::Failed(words) => words,
        }
    }
}

/// One page of a group's lines.
pub(super) async fn page(
    target: &Target,
    client: &Client,
    group: &str,
    from: Timestamp,
    token: Option<String>,
) -> Result<FilterLogEventsOutput, PageError> {
    let request = client.filter_log_events().log_group_name(group).start_time(from.as_millis());
    request.set_next_token(token).send().await.map_err(|error| match target.lacks("logs:FilterLogEvents", &error) {
        Some(words) => PageError::Lacks(words),
        None => PageError::Failed(format!("read log group {group}: {}", error_text(&error))),
    })
}

pub(super) fn to_line(source: LogSource, group: &str, event: FilteredLogEvent, unnamed: &mut Unnamed) -> LogLine {
    let stream = event.log_stream_name.unwrap_or_default();
    let message = event.message.unwrap_or_default();
    let times = (event.timestamp.unwrap_or_default(), event.ingestion_time.unwrap_or_default());
    let event_id = event.event_id.unwrap_or_else(|| unnamed.id(&stream, Timestamp::from_millis(times.0), &message));
    line(source, group, stream, event_id, times, &message)
}

/// A line, with what it says of itself. `times`: its own, and that of its ingestion.
pub(super) fn line(
    source: LogSource,
    group: &str,
    stream: String,
    event_id: String,
    times: (i64, i64),
    message: &str,
) -> LogLine {
    let message = message.trim_end_matches(['\n', '\r']).to_owned();
    let (level, lambda_request_id, api_request_id) = LogLine::read(&message);
    LogLine {
        time: Timestamp::from_millis(times.0),
        ingestion_time: Timestamp::from_millis(times.1),
        source,
        group: group.to_owned(),
        stream,
        event_id,
        lambda_request_id,
        api_request_id,
        level,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Duration = Duration::from_secs(10);

    #[test]
    fn a_late_line_is_seen_once_and_what_is_closed_is_not_read_again() {
        let time = Timestamp::from_millis;
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut group = Group::new(LogSource::Function, "group".into(), time(100));
        assert!(group.is_new("b", time(500)));
        group.close(Some(time(500)), at(0), LATE);
        assert_eq!(group.open_from, time(100));
        // Older than the newest, and late.
        assert!(group.is_new("a", time(300)));
        assert!(!group.is_new("b", time(500)));
        group.close(Some(time(500)), at(5), LATE);
        assert_eq!(group.open_from, time(100));
        group.close(Some(time(500)), at(10), LATE);
        assert_eq!((group.open_from, group.seen.len()), (time(500), 1));
        assert!(!group.is_new("b", time(500)));
        assert!(group.is_new("c", time(500)));
        group.close(Some(time(500)), at(60), LATE);
        assert_eq!((group.open_from, group.newest.len()), (time(500), 0));
    }

    #[test]
    fn lines_without_an_id_are_told_apart_and_known_again() {
        let time = Timestamp::from_millis;
        let read = || {
            let mut unnamed = Unnamed::default();
            let lines = [("a", 1, "equal"), ("a", 1, "equal"), ("b", 1, "equal"), ("a", 2, "equal"), ("a", 1, "other")];
            lines.map(|(stream, millis, message)| unnamed.id(stream, time(millis), message))
        };
        let ids = read();
        assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), ids.len(), "{ids:?}");
        assert_eq!(read(), ids);
    }
}
