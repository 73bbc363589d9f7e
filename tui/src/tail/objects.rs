//! The objects that land in the bucket.
//!
//! Keys are in the order of their text, not of their landing: a retried delivery has an older one.
//! So the hours that can still receive objects are listed whole, and what was seen is remembered.

use std::{collections::HashMap, time::Duration};

use aws_sdk_s3::Client;
use futures::{StreamExt, stream};
use tailwater_core::{
    app::TailState,
    events::{Object, ObjectKey, ObjectLines, RecordHash, Timestamp},
};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::{Start, Update, backoff::Backoff, rest::Rest, say};
use crate::target::{Target, error_text};

/// Up to this size an object's lines are read.
const READ_UP_TO_BYTES: u64 = 16 * 1024 * 1024;
/// How much of an object is kept as text for people.
const HEAD_BYTES: usize = 64 * 1024;
/// How many objects are read at once.
const READS_AT_ONCE: usize = 4;
/// Every so many listings the hour before is listed too.
const LISTINGS_TO_PREVIOUS_HOUR: u64 = 5;
/// So long without a listing is an absence: the program or the network was away.
const ABSENCE: Duration = Duration::from_mins(1);
/// Where the template lets Firehose put what it could not deliver.
const ERROR_PREFIX: &str = "errors/";
/// How long a key is remembered: longer than any hour that is listed.
const REMEMBERED: Duration = Duration::from_hours(3);

/// An object as a listing names it.
#[derive(Debug, Clone)]
struct Listed {
    key: String,
    time: Timestamp,
    size_bytes: u64,
}

/// Follows a bucket until `stop` or until nobody listens.
pub async fn objects(
    target: Target,
    bucket: String,
    start: Start,
    out: Sender<Update<Object>>,
    stop: CancellationToken,
) {
    let follow = follow(&target, &bucket, start, &out);
    tokio::select! {
        () = follow => {}
        () = stop.cancelled() => {}
        () = out.closed() => {}
    }
}

async fn follow(target: &Target, bucket: &str, start: Start, out: &Sender<Update<Object>>) {
    let client = target.s3();
    let mut seen: HashMap<String, Timestamp> = HashMap::new();
    let mut last = None;
    let mut backoff = Backoff::default();
    let mut rest = Rest::new(target, target.pace().objects);
    let mut turn: u64 = 0;
    // The first listing decides what is new; a gap since the last one is made up for.
    let mut listed_at: Option<Timestamp> = None;
    loop {
        let now = target.now();
        let prefixes = match (listed_at, start) {
            (None, Start::Beginning) => vec![String::new()],
            (None, Start::At(time)) => with_errors(hours(target.beginning(time), now)),
            (None, Start::Now) => with_errors(hours(now.minus(Duration::from_hours(1)), now)),
            (Some(before), _) => {
                // After an absence late objects of the hour before it may have landed, too.
                let absent = now.since(before) > ABSENCE;
                let previous = absent || turn.is_multiple_of(LISTINGS_TO_PREVIOUS_HOUR);
                let prefixes = hours(if previous { before.minus(Duration::from_hours(1)) } else { before }, now);
                if previous { with_errors(prefixes) } else { prefixes }
            }
        };
        match list(target, &client, bucket, &prefixes).await {
            Ok(found) => {
                let known_before = listed_at.is_none() && start == Start::Now;
                let since = match (listed_at, start) {
                    // An object's date has whole seconds.
                    (None, Start::At(time)) => {
                        Timestamp::from_millis(target.beginning(time).as_millis() / 1_000 * 1_000)
                    }
                    (None, _) => Timestamp::default(),
                    // What is older was known once, and is not remembered any more.
                    (Some(before), _) => before.minus(REMEMBERED),
                };
                let mut new: Vec<Listed> = found
                    .into_iter()
                    .filter(|object| seen.insert(object.key.clone(), object.time).is_none())
                    .filter(|object| !known_before && object.time >= since)
                    .collect();
                new.sort_by(|a, b| (a.time, &a.key).cmp(&(b.time, &b.key)));
                backoff.reset();
                listed_at = Some(now);
                turn += 1;
                let oldest = now.minus(REMEMBERED);
                if start != Start::Beginning || turn > 1 {
                    seen.retain(|_, time| *time >= oldest);
                }
                rest.read(!new.is_empty());
                if !new.is_empty() && !read_and_send(&client, bucket, new, out).await {
                    return;
                }
                if !say(out, &mut last, rest.state()).await {
                    return;
                }
                rest.pause().await;
            }
            Err(error) => {
                let after = backoff.next();
                if !say(out, &mut last, TailState::Retrying { error, after }).await {
                    return;
                }
                target.time().sleep(after).await;
            }
        }
    }
}

/// Reads new objects and hands them over in order; `false`: nobody listens.
async fn read_and_send(client: &Client, bucket: &str, new: Vec<Listed>, out: &Sender<Update<Object>>) -> bool {
    let mut reads = stream::iter(new).map(|object| read(client, bucket, object)).buffered(READS_AT_ONCE);
    while let Some(object) = reads.next().await {
        if out.send(Update::Batch(vec![object])).await.is_err() {
            return false;
        }
    }
    true
}

async fn read(client: &Client, bucket: &str, listed: Listed) -> Object {
    let lines = if listed.size_bytes > READ_UP_TO_BYTES {
        ObjectLines::Unread { reason: format!("it has more than {} MB", READ_UP_TO_BYTES / 1024 / 1024) }
    } else {
        match client.get_object().bucket(bucket).key(&listed.key).send().await {
            Ok(output) => match output.body.collect().await {
                Ok(body) => lines(&body.into_bytes()),
                Err(error) => ObjectLines::Unread { reason: error.to_string() },
            },
            Err(error) => ObjectLines::Unread { reason: error_text(&error) },
        }
    };
    Object {
        time: listed.time,
        bucket: bucket.to_owned(),
        key: ObjectKey(listed.key),
        size_bytes: listed.size_bytes,
        lines,
    }
}

/// The hash of each line, newline included, and the beginning as text.
fn lines(body: &[u8]) -> ObjectLines {
    let hashes = body.split_inclusive(|byte| *byte == b'\n').map(RecordHash::of).collect();
    let head = String::from_utf8_lossy(&body[..body.len().min(HEAD_BYTES)]).into_owned();
    ObjectLines::Read { hashes, head }
}

/// These, and where what could not be delivered goes.
fn with_errors(mut prefixes: Vec<String>) -> Vec<String> {
    prefixes.push(ERROR_PREFIX.to_owned());
    prefixes
}

/// Everything under the prefixes.
async fn list(target: &Target, client: &Client, bucket: &str, prefixes: &[String]) -> Result<Vec<Listed>, String> {
    let mut found = Vec::new();
    for prefix in prefixes {
        let mut token = None;
        loop {
            let page = client
                .list_objects_v2()
                .bucket(bucket)
                .prefix(prefix)
                .set_continuation_token(token)
                .send()
                .await
                .map_err(|error| {
                    let lacks = target.lacks("ListObjectsV2", &error);
                    lacks.unwrap_or_else(|| format!("listed s3://{bucket}/{prefix}: {}", error_text(&error)))
                })?;
            found.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| {
                Some(Listed {
                    time: Timestamp::from_millis(object.last_modified?.to_millis().ok()?),
                    size_bytes: u64::try_from(object.size.unwrap_or_default()).unwrap_or_default(),
                    key: object.key?,
                })
            }));
            token = page.next_continuation_token;
            if token.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// `YYYY/MM/dd/HH/` of every hour from one moment to another, in UTC.
fn hours(from: Timestamp, to: Timestamp) -> Vec<String> {
    const HOUR_MILLIS: i64 = 3_600_000;
    let first = from.as_millis().div_euclid(HOUR_MILLIS);
    let last = to.as_millis().div_euclid(HOUR_MILLIS);
    (first..=last)
        .filter_map(|hour| jiff::Timestamp::from_millisecond(hour * HOUR_MILLIS).ok())
        .map(|time| time.strftime("%Y/%m/%d/%H/").to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hour_between_is_listed() {
        let time = |text| Timestamp::parse(text).expect("a time");
        assert_eq!(
            hours(time("2026-11-24T22:59:59.999Z"), time("2026-11-25T00:00:00.000Z")),
            ["2026/11/24/22/", "2026/11/24/23/", "2026/11/25/00/"]
        );
    }

    #[test]
    fn lines_are_hashed_with_their_newline() {
        let ObjectLines::Read { hashes, head } = lines(b"{\"a\":1}\n{}\n") else { panic!("read") };
        assert_eq!(hashes, [RecordHash::of(b"{\"a\":1}\n"), RecordHash::of(b"{}\n")]);
        assert_eq!(head, "{\"a\":1}\n{}\n");
    }
}
