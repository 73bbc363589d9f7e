//! Operations on log events: putting, reading one stream, searching a group.

use std::{ops::Bound, sync::Arc};

use serde_json::{Value, json};

use super::{
    LogLine, Logs, bad_token, constraint,
    event_id::Position,
    invalid, no_stream, now_ms,
    pattern::Pattern,
    store::{DAY_MS, Event, LONGEST_MESSAGE_BYTES},
    streams::check_stream_name,
    take_limit,
};
use crate::wire::{Input, ServiceResult};

/// Events in a page of a read.
const PAGE_EVENTS: usize = 10_000;
/// Bytes in a page of a read, and in one put.
const PAGE_BYTES: usize = 1024 * 1024;
/// What AWS counts for an event beside its message.
pub(super) const AWS_EVENT_BYTES: usize = 26;
/// How far in the future an event may be.
const TOO_NEW_MS: i64 = 2 * 60 * 60 * 1000;
/// How far in the past an event may be.
const TOO_OLD_MS: i64 = 14 * DAY_MS;
/// Events looked at before the store is let free for others.
const SEARCH_STEP: usize = 2_000;
/// Stream names in one search.
const MOST_STREAM_NAMES: usize = 100;

impl Logs {
    pub(super) fn put_log_events(&self, mut input: Input) -> ServiceResult {
        let group_name = self.group_of(&input.required("logGroupName")?)?;
        let stream = input.required("logStreamName")?;
        let events = input.list("logEvents")?;
        // AWS takes any token since 2023.
        input.ignore("sequenceToken");
        input.finish()?;
        check_stream_name(&stream)?;
        let lines = read_events(events)?;
        let now = now_ms();
        let mut store = self.store();
        let group = store.group(&group_name, now)?;
        if !group.streams.contains_key(&stream) {
            return Err(no_stream());
        }
        let oldest_kept = group.oldest_kept_ms(now).unwrap_or(i64::MIN);
        let (accepted, rejected) = sort_out(lines, now, oldest_kept);
        store.put(&group_name, &stream, accepted, now)?;
        let mut output = json!({ "nextSequenceToken": sequence_token(&stream) });
        if let Some(rejected) = rejected {
            output["rejectedLogEventsInfo"] = rejected;
        }
        Ok(output)
    }

    pub(super) fn get_log_events(&self, mut input: Input) -> ServiceResult {
        let group_name = self.take_group(&mut input)?;
        let stream_name = input.required("logStreamName")?;
        let start = input.integer("startTime")?.unwrap_or(0).max(0);
        let end = input.integer("endTime")?;
        let token = input.string("nextToken")?.map(|token| ReadToken::parse(&token)).transpose()?;
        let limit = take_limit(&mut input, PAGE_EVENTS)?;
        let from_head = input.boolean("startFromHead")?.unwrap_or(false);
        // Nothing is masked here.
        input.ignore("unmask");
        input.finish()?;
        let mut low = Bound::Included(Position { timestamp_ms: start, sequence: 0 });
        let mut high =
            end.map_or(Bound::Unbounded, |end| Bound::Excluded(Position { timestamp_ms: end.max(0), sequence: 0 }));
        let from_end = match token {
            None => !from_head,
            Some(ReadToken::After(position)) => {
                low = Bound::Excluded(position);
                false
            }
            Some(ReadToken::Before(position)) => {
                high = Bound::Excluded(position);
                true
            }
        };
        let now = now_ms();
        let mut store = self.store();
        let group = store.group(&group_name, now)?;
        let stream = group.streams.get(&stream_name).ok_or_else(no_stream)?;
        let mut page = group.of_stream(stream, (low, high), limit, from_end);
        drop(store);
        cut_to_bytes(&mut page, from_end);
        let (after, before) = match (page.first(), page.last(), token) {
            (Some((first, _)), Some((last, _)), _) => (*last, *first),
            (_, _, Some(ReadToken::After(position))) => (position, position.next()),
            (_, _, Some(ReadToken::Before(position))) => (previous(position), position),
            _ => {
                let position = Position { timestamp_ms: start, sequence: 0 };
                (previous(position), position)
            }
        };
        let events: Vec<Value> = page
            .iter()
            .map(|(position, event)| {
                json!({
                    "timestamp": position.timestamp_ms,
                    "message": event.message,
                    "ingestionTime": event.ingestion_ms,
                })
            })
            .collect();
        Ok(json!({
            "events": events,
            "nextForwardToken": ReadToken::After(after).text(),
            "nextBackwardToken": ReadToken::Before(before).text(),
        }))
    }

    pub(super) fn filter_log_events(&self, mut input: Input) -> ServiceResult {
        let group_name = self.take_group(&mut input)?;
        let names = input.strings("logStreamNames")?;
        let prefix = input.string("logStreamNamePrefix")?;
        let start = input.integer("startTime")?.unwrap_or(0).max(0);
        let end = input.integer("endTime")?.unwrap_or(i64::MAX);
        let pattern_text = input.string("filterPattern")?.unwrap_or_default();
        let token = input.string("nextToken")?;
        let limit = take_limit(&mut input, PAGE_EVENTS)?;
        // Streams are always interleaved since 2019, and nothing is masked here.
        input.ignore("interleaved");
        input.ignore("unmask");
        input.finish()?;
        if prefix.is_some() && !names.is_empty() {
            return Err(invalid("Cannot specify both logStreamNames and logStreamNamePrefix."));
        }
        if names.len() > MOST_STREAM_NAMES {
            return Err(constraint("logStreamNames", names.len(), "Member must have length less than or equal to 100"));
        }
        let pattern = Pattern::parse(&pattern_text).map_err(|error| invalid(error.to_string()))?;
        let search = search_id(&group_name, &names, prefix.as_deref(), &pattern_text);
        let first = Position { timestamp_ms: start, sequence: 0 };
        let mut next = token.map_or(Ok(first), |token| read_search_token(&token, search))?.max(first);
        {
            let mut store = self.store();
            let group = store.group(&group_name, now_ms())?;
            if names.iter().any(|name| !group.streams.contains_key(name)) {
                return Err(no_stream());
            }
        }
        let wanted = |event: &Event| {
            (names.is_empty() || names.iter().any(|name| **name == *event.stream))
                && prefix.as_ref().is_none_or(|prefix| event.stream.starts_with(prefix.as_str()))
                && pattern.matches(&event.message)
        };
        let mut events = Vec::new();
        let mut bytes = 0;
        let more = 'page: loop {
            let step = self.store().group(&group_name, now_ms())?.from(next, SEARCH_STEP);
            let last_step = step.len() < SEARCH_STEP;
            for (position, event) in step {
                if position.timestamp_ms > end {
                    break 'page false;
                }
                if wanted(&event) {
                    bytes += event.message.len() + AWS_EVENT_BYTES;
                    if events.len() == limit || (bytes > PAGE_BYTES && !events.is_empty()) {
                        next = position;
                        break 'page true;
                    }
                    events.push(found(position, &event));
                }
                next = position.next();
            }
            if last_step {
                break false;
            }
        };
        let mut output = json!({ "events": events, "searchedLogStreams": [] });
        if more {
            output["nextToken"] = search_token(next, search).into();
        }
        Ok(output)
    }
}

fn found(position: Position, event: &Event) -> Value {
    json!({
        "logStreamName": *event.stream,
        "timestamp": position.timestamp_ms,
        "message": event.message,
        "ingestionTime": event.ingestion_ms,
        "eventId": position.event_id(),
    })
}

/// AWS still answers a put with a token, one of 56 digits that no longer means anything.
pub(super) fn sequence_token(stream: &str) -> String {
    format!("4964{:0>52}", crc32fast::hash(stream.as_bytes()))
}

fn read_events(events: Vec<Value>) -> ServiceResult<Vec<LogLine>> {
    if events.is_empty() || events.len() > PAGE_EVENTS {
        return Err(constraint("logEvents", events.len(), "Member must have length between 1 and 10000"));
    }
    let mut lines: Vec<LogLine> = Vec::with_capacity(events.len());
    let mut bytes = 0;
    for (index, event) in events.into_iter().enumerate() {
        let mut event = Input::new(&format!("PutLogEvents.logEvents.{}", index + 1), event)?;
        let timestamp_ms = event.integer("timestamp")?;
        let message = event.required("message")?;
        event.finish()?;
        let member = format!("logEvents.{}.member.timestamp", index + 1);
        let timestamp_ms = timestamp_ms.ok_or_else(|| constraint(&member, "null", "Member must not be null"))?;
        if timestamp_ms < 0 {
            return Err(constraint(&member, timestamp_ms, "Member must have value greater than or equal to 0"));
        }
        if lines.last().is_some_and(|last| last.timestamp_ms > timestamp_ms) {
            return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
        }
        if message.len() + AWS_EVENT_BYTES > LONGEST_MESSAGE_BYTES {
            return Err(invalid(format!("Log event too large: {} bytes exceeds limit of 1048576", message.len())));
        }
        bytes += message.len() + AWS_EVENT_BYTES;
        lines.push(LogLine { timestamp_ms, message });
    }
    if bytes > PAGE_BYTES {
        return Err(invalid(format!("Upload too large: {bytes} bytes exceeds limit of 1048576")));
    }
    let spans =
        lines.first().zip(lines.last()).is_some_and(|(first, last)| last.timestamp_ms - first.timestamp_ms > DAY_MS);
    if spans {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(lines)
}

/// What is taken of lines in order of time, and `rejectedLogEventsInfo` about the rest. Its end
/// indexes are exclusive.
fn sort_out(lines: Vec<LogLine>, now_ms: i64, oldest_kept_ms: i64) -> (Vec<LogLine>, Option<Value>) {
    let before = |time: i64| lines.iter().take_while(|line| line.timestamp_ms < time).count();
    let too_old = before(now_ms - TOO_OLD_MS);
    let expired = before(oldest_kept_ms);
    let too_new = before(now_ms + TOO_NEW_MS + 1);
    let mut rejected = serde_json::Map::new();
    if too_new < lines.len() {
        rejected.insert("tooNewLogEventStartIndex".into(), too_new.into());
    }
    if too_old > 0 {
        rejected.insert("tooOldLogEventEndIndex".into(), too_old.into());
    }
    if expired > 0 {
        rejected.insert("expiredLogEventEndIndex".into(), expired.into());
    }
    let first = too_old.max(expired);
    let accepted = lines.into_iter().take(too_new).skip(first).collect();
    (accepted, (!rejected.is_empty()).then(|| rejected.into()))
}

/// Leaves as many events as one page holds bytes, at least one.
fn cut_to_bytes(page: &mut Vec<(Position, Arc<Event>)>, from_end: bool) {
    let mut bytes = 0;
    let mut fits = |(_, event): &&(Position, Arc<Event>)| {
        bytes += event.message.len() + AWS_EVENT_BYTES;
        bytes <= PAGE_BYTES
    };
    if from_end {
        let count = page.iter().rev().take_while(&mut fits).count().max(1).min(page.len());
        page.drain(..page.len() - count);
    } else {
        let count = page.iter().take_while(&mut fits).count().max(1);
        page.truncate(count);
    }
}

/// The position right before one.
fn previous(position: Position) -> Position {
    match position.sequence.checked_sub(1) {
        Some(sequence) => Position { sequence, ..position },
        None => Position { timestamp_ms: (position.timestamp_ms - 1).max(0), sequence: u64::MAX },
    }
}

/// Where a read of a stream goes on: `f/ID/s` forward from an event, `b/ID/s` backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadToken {
    After(Position),
    Before(Position),
}

impl ReadToken {
    fn parse(token: &str) -> ServiceResult<Self> {
        let mut parts = token.split('/');
        let direction = parts.next();
        let position = parts.next().and_then(Position::of_event_id).ok_or_else(bad_token)?;
        if (parts.next(), parts.next()) != (Some("s"), None) {
            return Err(bad_token());
        }
        match direction {
            Some("f") => Ok(Self::After(position)),
            Some("b") => Ok(Self::Before(position)),
            _ => Err(bad_token()),
        }
    }

    fn text(self) -> String {
        match self {
            Self::After(position) => format!("f/{}/s", position.event_id()),
            Self::Before(position) => format!("b/{}/s", position.event_id()),
        }
    }
}

/// Names a search, so that the token of another one is refused.
fn search_id(group: &str, names: &[String], prefix: Option<&str>, pattern: &str) -> u32 {
    crc32fast::hash(format!("{group}\0{names:?}\0{prefix:?}\0{pattern}").as_bytes())
}

fn search_token(next: Position, search: u32) -> String {
    hex::encode(format!("{}/{}/{search}", next.timestamp_ms, next.sequence))
}

fn read_search_token(token: &str, search: u32) -> ServiceResult<Position> {
    let text = hex::decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(bad_token)?;
    let parts: Vec<&str> = text.split('/').collect();
    let [time, sequence, of] = parts[..] else { return Err(bad_token()) };
    if of != search.to_string() {
        return Err(bad_token());
    }
    Ok(Position {
        timestamp_ms: time.parse().map_err(|_| bad_token())?,
        sequence: sequence.parse().map_err(|_| bad_token())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    fn lines(times: &[i64]) -> Vec<LogLine> {
        times.iter().map(|time| LogLine { timestamp_ms: *time, message: "m".into() }).collect()
    }

    fn times(lines: &[LogLine]) -> Vec<i64> {
        lines.iter().map(|line| line.timestamp_ms).collect()
    }

    #[test]
    fn events_out_of_the_accepted_time_are_named_by_index() {
        let given = [NOW - TOO_OLD_MS - 1, NOW - 3 * DAY_MS, NOW, NOW + TOO_NEW_MS, NOW + TOO_NEW_MS + 1];
        let (accepted, rejected) = sort_out(lines(&given), NOW, NOW - 2 * DAY_MS);
        assert_eq!(times(&accepted), [NOW, NOW + TOO_NEW_MS]);
        assert_eq!(
            rejected,
            Some(json!({ "tooNewLogEventStartIndex": 4, "tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 2 }))
        );
        let (accepted, rejected) = sort_out(lines(&[NOW]), NOW, i64::MIN);
        assert_eq!((times(&accepted), rejected), (vec![NOW], None));
    }

    #[test]
    fn a_put_must_be_in_order_and_within_a_day() {
        let event = |time: i64| json!({ "timestamp": time, "message": "m" });
        assert!(read_events(vec![event(1), event(1), event(2)]).is_ok());
        let error = read_events(vec![event(2), event(1)]).unwrap_err();
        assert!(error.message.contains("chronological order"), "{error}");
        let error = read_events(vec![event(0), event(DAY_MS + 1)]).unwrap_err();
        assert!(error.message.contains("24 hours"), "{error}");
        assert!(read_events(vec![]).is_err());
    }

    #[test]
    fn tokens_are_read_back_and_foreign_ones_refused() {
        let position = Position { timestamp_ms: NOW, sequence: 7 };
        for token in [ReadToken::After(position), ReadToken::Before(position)] {
            assert_eq!(ReadToken::parse(&token.text()).unwrap(), token);
        }
        for bad in ["", "f/x/s", "f/12", "c/12/s", "f/12/s/s"] {
            assert_eq!(ReadToken::parse(bad).unwrap_err().message, "The specified nextToken is invalid.", "{bad}");
        }
        assert_eq!(read_search_token(&search_token(position, 1), 1).unwrap(), position);
        assert!(read_search_token(&search_token(position, 1), 2).is_err());
        assert!(read_search_token("zz", 1).is_err());
    }
}
