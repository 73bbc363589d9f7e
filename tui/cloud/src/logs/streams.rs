//! Operations on log streams.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::{Logs, bad_token, constraint, groups::LONGEST_NAME, invalid, no_stream, now_ms, store::Stream, take_limit};
use crate::wire::{Input, ServiceError, ServiceResult};

/// Streams in a page.
const PAGE_STREAMS: usize = 50;

impl Logs {
    pub(super) fn create_log_stream(&self, mut input: Input) -> ServiceResult {
        let group = self.group_of(&input.required("logGroupName")?)?;
        let name = input.required("logStreamName")?;
        input.finish()?;
        check_stream_name(&name)?;
        let now = now_ms();
        let mut store = self.store();
        let group = store.group(&group, now)?;
        if group.streams.contains_key(&name) {
            return Err(ServiceError::bad_request(
                "ResourceAlreadyExistsException",
                "The specified log stream already exists",
            ));
        }
        let stream = Stream::new(&name, now);
        group.streams.insert(name, stream);
        Ok(Value::Null)
    }

    pub(super) fn delete_log_stream(&self, mut input: Input) -> ServiceResult {
        let group = self.group_of(&input.required("logGroupName")?)?;
        let name = input.required("logStreamName")?;
        input.finish()?;
        self.store().group(&group, now_ms())?.remove_stream(&name).ok_or_else(no_stream)?;
        Ok(Value::Null)
    }

    pub(super) fn describe_log_streams(&self, mut input: Input) -> ServiceResult {
        let group_name = self.take_group(&mut input)?;
        let prefix = input.string("logStreamNamePrefix")?;
        let by_time = match input.string("orderBy")?.as_deref() {
            None | Some("LogStreamName") => false,
            Some("LastEventTime") => true,
            Some(other) => {
                return Err(constraint(
                    "orderBy",
                    other,
                    "Member must satisfy enum value set: [LogStreamName, LastEventTime]",
                ));
            }
        };
        let descending = input.boolean("descending")?.unwrap_or(false);
        let limit = take_limit(&mut input, PAGE_STREAMS)?;
        let after = input.string("nextToken")?.map(|token| read_token(&token)).transpose()?;
        input.finish()?;
        if by_time && prefix.is_some() {
            return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        let mut store = self.store();
        let group = store.group(&group_name, now_ms())?;
        let place = |name: &str, stream: &Stream| -> (i64, String) {
            (if by_time { stream.last_event_ms.unwrap_or(0) } else { 0 }, name.to_owned())
        };
        let mut found: Vec<((i64, String), &Stream)> = group
            .streams
            .iter()
            .filter(|(name, _)| prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix)))
            .map(|(name, stream)| (place(name, stream), stream))
            .filter(|(place, _)| match &after {
                None => true,
                Some(after) if descending => place < after,
                Some(after) => place > after,
            })
            .collect();
        if descending {
            found.sort_by(|(one, _), (other, _)| Reverse(one).cmp(&Reverse(other)));
        } else {
            found.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let streams: Vec<Value> =
            found.iter().map(|((_, name), stream)| self.describe_stream(&group_name, name, stream)).collect();
        let mut output = json!({ "logStreams": streams });
        if let Some(((time, name), _)) = found.last().filter(|_| more) {
            output["nextToken"] = hex::encode(format!("{time}/{name}")).into();
        }
        Ok(output)
    }

    fn describe_stream(&self, group: &str, name: &str, stream: &Stream) -> Value {
        let mut described = json!({
            "logStreamName": name,
            "creationTime": stream.created_ms,
            "arn": format!("{}:log-stream:{name}", self.group_arn(group)),
            // AWS no longer counts the bytes of a stream.
            "storedBytes": 0,
        });
        let times = [
            ("firstEventTimestamp", stream.first_event_ms),
            ("lastEventTimestamp", stream.last_event_ms),
            ("lastIngestionTime", stream.last_ingestion_ms),
        ];
        for (member, time) in times {
            if let Some(time) = time {
                described[member] = time.into();
            }
        }
        if stream.last_ingestion_ms.is_some() {
            described["uploadSequenceToken"] = super::events::sequence_token(name).into();
        }
        described
    }
}

/// Refuses a stream's name that AWS refuses.
pub(super) fn check_stream_name(name: &str) -> ServiceResult<()> {
    if name.chars().count() > LONGEST_NAME {
        return Err(constraint("logStreamName", name, "Member must have length less than or equal to 512"));
    }
    if name.contains([':', '*']) {
        return Err(constraint("logStreamName", name, "Member must satisfy regular expression pattern: [^:*]*"));
    }
    Ok(())
}

fn read_token(token: &str) -> ServiceResult<(i64, String)> {
    let text = hex::decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(bad_token)?;
    let (time, name) = text.split_once('/').ok_or_else(bad_token)?;
    Ok((time.parse().map_err(|_| bad_token())?, name.to_owned()))
}
