//! The objects that land in the bucket.
//!
//! Keys are in the order of their text, not of their landing: a retried delivery has an older one.
//! So the hours that can still receive objects are listed whole, and what was seen is remembered.

use std::{collections::HashMap, time::Duration};

use aws_sdk_s3::Client;
use bytes::Bytes;
use futures::{StreamExt, stream};
use tailwater_core::{
    app::TailState,
    events::{Object, ObjectKey, ObjectLines, RecordHash, Timestamp},
    pipeline::Layout,
};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::{Start, Update, backoff::Backoff, rest::Rest, say};
use crate::target::{Target, error_text};

/// Up to this size an object's lines are read.
const READ_UP_TO_BYTES: u64 = 16 * 1024 * 1024;
/// How much of an object is kept as text for people.
const HEAD_BYTES: usize = 4 * 1024;
/// How many objects are read at once.
const READS_AT_ONCE: usize = 4;
/// Every so many listings the hour before is listed too.
const LISTINGS_TO_PREVIOUS_HOUR: u64 = 5;
/// So long without a listing is an absence: the program or the network was away.
const ABSENCE: Duration = Duration::from_mins(1);
/// How long a key is remembered: longer than any hour that is listed.
const REMEMBERED: Duration = Duration::from_hours(3);

/// A bucket, and under which keys Firehose delivers to it.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// The keys.
    pub layout: Layout,
}

impl Bucket {
    /// Whether what stands under a key could not be delivered.
    pub(super) fn is_error(&self, key: &str) -> bool {
        let errors = fixed(&self.layout.errors);
        !errors.is_empty() && key.starts_with(errors)
    }
}

impl From<String> for Bucket {
    /// As the template lays it out.
    fn from(name: String) -> Self {
        Self { name, layout: Layout::default() }
    }
}

/// An object as a listing names it.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub key: String,
    pub time: Timestamp,
    size_bytes: u64,
}

/// Follows a bucket until `stop` or until nobody listens.
pub async fn objects(
    target: Target,
    bucket: impl Into<Bucket>,
    start: Start,
    out: Sender<Update<Object>>,
    stop: CancellationToken,
) {
    let bucket = bucket.into();
    let follow = follow(&target, &bucket, start, &out);
    tokio::select! {
        () = follow => {}
        () = stop.cancelled() => {}
        () = out.closed() => {}
    }
}

async fn follow(target: &Target, bucket: &Bucket, start: Start, out: &Sender<Update<Object>>) {
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
        let wanted = match (listed_at, start) {
            (None, Start::Beginning) => None,
            (None, Start::At(time)) => Some((target.beginning(time), true)),
            (None, Start::Now) => Some((now.minus(Duration::from_hours(1)), true)),
            (Some(before), _) => {
                // After an absence late objects of the hour before it may have landed, too.
                let absent = now.since(before) > ABSENCE;
                let previous = absent || turn.is_multiple_of(LISTINGS_TO_PREVIOUS_HOUR);
                Some((if previous { before.minus(Duration::from_hours(1)) } else { before }, previous))
            }
        };
        let listed = match wanted {
            None => list(target, &client, &bucket.name, &[fixed(&bucket.layout.prefix).to_owned()]).await,
            Some((from, errors)) => list_since(target, &client, bucket, from, now, errors).await,
        };
        match listed {
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
async fn read_and_send(client: &Client, bucket: &Bucket, new: Vec<Listed>, out: &Sender<Update<Object>>) -> bool {
    let mut reads = stream::iter(new).map(|object| read(client, bucket, object)).buffered(READS_AT_ONCE);
    while let Some(object) = reads.next().await {
        if out.send(Update::Batch(vec![object])).await.is_err() {
            return false;
        }
    }
    true
}

pub(super) async fn read(client: &Client, bucket: &Bucket, listed: Listed) -> Object {
    let (object, _) = read_whole(client, bucket, listed).await;
    object
}

/// An object with its body, where that was read.
pub(super) async fn read_whole(client: &Client, bucket: &Bucket, listed: Listed) -> (Object, Bytes) {
    let mut whole = Bytes::new();
    let lines = if listed.size_bytes > READ_UP_TO_BYTES {
        ObjectLines::Unread { reason: format!("it has more than {} MB", READ_UP_TO_BYTES / 1024 / 1024) }
    } else {
        match client.get_object().bucket(&bucket.name).key(&listed.key).send().await {
            Ok(output) => match output.body.collect().await {
                Ok(body) => {
                    whole = body.into_bytes();
                    if bucket.is_error(&listed.key) { undelivered(&whole) } else { lines(&whole) }
                }
                Err(error) => ObjectLines::Unread { reason: error.to_string() },
            },
            Err(error) => ObjectLines::Unread { reason: error_text(&error) },
        }
    };
    let object = Object {
        time: listed.time,
        bucket: bucket.name.clone(),
        key: ObjectKey(listed.key),
        size_bytes: listed.size_bytes,
        lines,
    };
    (object, whole)
}

/// The hash of each line, newline included, and the beginning as text.
fn lines(body: &[u8]) -> ObjectLines {
    let hashes = body.split_inclusive(|byte| *byte == b'\n').map(RecordHash::of).collect();
    ObjectLines::Read { hashes, head: head(body) }
}

fn head(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(HEAD_BYTES)]).into_owned()
}

/// What could not be delivered: Firehose writes a line of JSON for each record, with the record in it
/// as base64. Its hash is the record's, so that it is known whose failure it is.
fn undelivered(body: &[u8]) -> ObjectLines {
    use base64::Engine;
    let raw = |line: &[u8]| {
        let line: serde_json::Value = serde_json::from_slice(line).ok()?;
        base64::engine::general_purpose::STANDARD.decode(line.get("rawData")?.as_str()?).ok()
    };
    let hash = |line: &[u8]| RecordHash::of(raw(line).as_deref().unwrap_or(line));
    ObjectLines::Read { hashes: body.split_inclusive(|byte| *byte == b'\n').map(hash).collect(), head: head(body) }
}

/// Everything that was delivered in the hours since then, with what could not be delivered.
pub(super) async fn list_since(
    target: &Target,
    client: &Client,
    bucket: &Bucket,
    from: Timestamp,
    to: Timestamp,
    errors: bool,
) -> Result<Vec<Listed>, String> {
    let mut found = list(target, client, &bucket.name, &hours(&bucket.layout.prefix, from, to)).await?;
    if !errors || bucket.layout.errors.is_empty() {
        return Ok(found);
    }
    // Errors stand below their kind, of which there are few; below that by the hour.
    let errors = &bucket.layout.errors;
    let (kinds, beside) = kinds(target, client, &bucket.name, errors).await?;
    found.extend(beside);
    let mut prefixes = Vec::new();
    for kind in kinds {
        let below = kind.strip_prefix(errors.as_str()).unwrap_or_default();
        let is_year = below.len() == 5 && below[..4].bytes().all(|byte| byte.is_ascii_digit());
        prefixes.extend(hours(if is_year { errors } else { &kind }, from, to));
    }
    prefixes.sort();
    prefixes.dedup();
    found.extend(list(target, client, &bucket.name, &prefixes).await?);
    Ok(found)
}

/// What stands directly below a prefix: the folders, and the objects beside them.
async fn kinds(
    target: &Target,
    client: &Client,
    bucket: &str,
    prefix: &str,
) -> Result<(Vec<String>, Vec<Listed>), String> {
    let page = client.list_objects_v2().bucket(bucket).prefix(prefix).delimiter("/").send().await.map_err(|error| {
        let lacks = target.lacks("s3:ListObjectsV2", &error);
        lacks.unwrap_or_else(|| format!("listed s3://{bucket}/{prefix}: {}", error_text(&error)))
    })?;
    let folders = page.common_prefixes().iter().filter_map(|folder| folder.prefix().map(str::to_owned)).collect();
    Ok((folders, page.contents.unwrap_or_default().into_iter().filter_map(listed).collect()))
}

fn listed(object: aws_sdk_s3::types::Object) -> Option<Listed> {
    Some(Listed {
        time: Timestamp::from_millis(object.last_modified?.to_millis().ok()?),
        size_bytes: u64::try_from(object.size.unwrap_or_default()).unwrap_or_default(),
        key: object.key?,
    })
}

/// Everything under the prefixes.
pub(super) async fn list(
    target: &Target,
    client: &Client,
    bucket: &str,
    prefixes: &[String],
) -> Result<Vec<Listed>, String> {
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
                    let lacks = target.lacks("s3:ListObjectsV2", &error);
                    lacks.unwrap_or_else(|| format!("listed s3://{bucket}/{prefix}: {}", error_text(&error)))
                })?;
            found.extend(page.contents.unwrap_or_default().into_iter().filter_map(listed));
            token = page.next_continuation_token;
            if token.is_none() {
                break;
            }
        }
    }
    Ok(found)
}

/// Under which every hour's objects stand, from one moment to another, in UTC.
fn hours(prefix: &str, from: Timestamp, to: Timestamp) -> Vec<String> {
    const HOUR_MILLIS: i64 = 3_600_000;
    let first = from.as_millis().div_euclid(HOUR_MILLIS);
    let last = to.as_millis().div_euclid(HOUR_MILLIS);
    let mut all: Vec<String> = (first..=last)
        .filter_map(|hour| jiff::Timestamp::from_millisecond(hour * HOUR_MILLIS).ok())
        .map(|time| of_hour(prefix, time))
        .collect();
    // A prefix without hours is the same for many.
    all.dedup();
    all
}

/// What every key of a prefix begins with.
fn fixed(prefix: &str) -> &str {
    prefix.split_once(EXPRESSION).map_or(prefix, |(fixed, _)| fixed)
}

/// What begins a Firehose expression in a prefix.
const EXPRESSION: &str = "!{";

/// The prefix of an hour's objects. Firehose appends `YYYY/MM/dd/HH/` where the prefix has no time of its
/// own (Amazon Data Firehose developer guide, custom prefixes); behind what can't be known beforehand
/// the rest is left open.
fn of_hour(prefix: &str, time: jiff::Timestamp) -> String {
    if !prefix.contains("!{timestamp:") {
        let fixed = fixed(prefix);
        let hour = if fixed.len() == prefix.len() { time.strftime("%Y/%m/%d/%H/").to_string() } else { String::new() };
        return format!("{fixed}{hour}");
    }
    let mut text = String::new();
    let mut rest = prefix;
    while let Some((before, expression)) = rest.split_once(EXPRESSION) {
        text.push_str(before);
        let Some((pattern, after)) =
            expression.strip_prefix("timestamp:").and_then(|expression| expression.split_once('}'))
        else {
            return text;
        };
        let Some(written) = written(pattern, time) else { return text };
        text.push_str(&written);
        rest = after;
    }
    text + rest
}

/// A time by a pattern of Java's `DateTimeFormatter`, as far as a prefix of an hour can have it; `None`:
/// it is finer or another.
fn written(pattern: &str, time: jiff::Timestamp) -> Option<String> {
    let format = pattern.replace('%', "%%").replace('\'', "");
    let format = format.replace("yyyy", "%Y").replace("YYYY", "%Y").replace("MM", "%m").replace("dd", "%d");
    let format = format.replace("HH", "%H");
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter == '%' {
            letters.next();
        } else if letter.is_ascii_alphabetic() {
            return None;
        }
    }
    Some(time.strftime(&format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hour_between_is_listed() {
        let time = |text| Timestamp::parse(text).expect("a time");
        assert_eq!(
            hours("", time("2026-11-24T22:59:59.999Z"), time("2026-11-25T00:00:00.000Z")),
            ["2026/11/24/22/", "2026/11/24/23/", "2026/11/25/00/"]
        );
    }

    #[test]
    fn a_prefix_of_anothers_has_its_time_where_it_says() {
        let time = |text| Timestamp::parse(text).expect("a time");
        let at = |prefix| hours(prefix, time("2026-11-24T22:30:00.000Z"), time("2026-11-24T23:30:00.000Z"));
        assert_eq!(at("raw/"), ["raw/2026/11/24/22/", "raw/2026/11/24/23/"]);
        assert_eq!(
            at("raw/dt=!{timestamp:yyyy-MM-dd}/hour=!{timestamp:HH}/"),
            ["raw/dt=2026-11-24/hour=22/", "raw/dt=2026-11-24/hour=23/"]
        );
        assert_eq!(at("day/!{timestamp:yyyy/MM/dd}/"), ["day/2026/11/24/"]);
        // A key of the record is known only once it is there.
        assert_eq!(at("by/!{partitionKeyFromQuery:customer}/!{timestamp:yyyy}/"), ["by/"]);
        assert_eq!(at("by/!{firehose:random-string}/"), ["by/"]);
    }

    #[test]
    fn lines_are_hashed_with_their_newline() {
        let ObjectLines::Read { hashes, head } = lines(b"{\"a\":1}\n{}\n") else { panic!("read") };
        assert_eq!(hashes, [RecordHash::of(b"{\"a\":1}\n"), RecordHash::of(b"{}\n")]);
        assert_eq!(head, "{\"a\":1}\n{}\n");
    }

    /// Firehose developer guide, "Handle data delivery failures": a line of the error output.
    #[test]
    fn what_could_not_be_delivered_is_known_by_the_record_in_it() {
        let body =
            br#"{"attemptsMade":4,"arrivalTimestamp":1764000000000,"errorCode":"S3.AccessDenied","rawData":"e30K"}
"#;
        let ObjectLines::Read { hashes, .. } = undelivered(body) else { panic!("read") };
        assert_eq!(hashes, [RecordHash::of(b"{}\n")]);
        let ObjectLines::Read { hashes, .. } = undelivered(b"no JSON\n") else { panic!("read") };
        assert_eq!(hashes, [RecordHash::of(b"no JSON\n")]);
    }
}
