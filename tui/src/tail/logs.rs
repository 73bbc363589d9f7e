//! The logs of the function, the gateway and the delivery.
//!
//! CloudWatch Logs gives no order and takes lines in seconds after their time: each read goes back
//! over a window that overlaps the last one, and what was seen is told apart by the event's id.

use std::{collections::HashMap, time::Duration};

use tailwater_core::{
    app::TailState,
    events::{LogLine, LogSource, Timestamp},
    pipeline::Outputs,
};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::{Start, Update, backoff::Backoff, say};
use crate::target::{Target, error_text};

/// How far back each read goes over what was read: lines come in this much later than their time.
const OVERLAP: Duration = Duration::from_secs(30);
/// The same on the embedded cloud, which takes lines in at once.
const OVERLAP_LOCAL: Duration = Duration::from_secs(3);

/// The groups to follow, each with whose log it is.
pub type LogGroups = Vec<(LogSource, String)>;

/// The log groups of a pipeline.
pub fn log_groups(outputs: &Outputs) -> LogGroups {
    vec![
        (LogSource::Function, outputs.log_group_name.clone()),
        (LogSource::Access, outputs.access_log_group_name.clone()),
        (LogSource::Delivery, outputs.delivery_log_group_name.clone()),
    ]
}

/// What is known of one group.
struct Group {
    source: LogSource,
    name: String,
    /// The newest time that was seen, or that of the beginning.
    newest: Timestamp,
    /// The ids seen in the window, with their times.
    seen: HashMap<String, Timestamp>,
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
        Start::Now => crate::target::now(),
        Start::At(time) => time,
        Start::Beginning => Timestamp::from_millis(0),
    };
    let overlap = if target.is_local() { OVERLAP_LOCAL } else { OVERLAP };
    let client = target.logs();
    let mut groups: Vec<Group> =
        groups.into_iter().map(|(source, name)| Group { source, name, newest: from, seen: HashMap::new() }).collect();
    let mut last = None;
    let mut backoff = Backoff::default();
    loop {
        let round = async {
            for group in &mut groups {
                let lines = read(&client, group, from, overlap, &out).await?;
                if !lines {
                    return Ok(false);
                }
            }
            Ok::<_, String>(true)
        };
        let result = tokio::select! {
            result = round => result,
            () = stop.cancelled() => return,
            () = out.closed() => return,
        };
        let pause = match result {
            Ok(true) => {
                backoff.reset();
                if !say(&out, &mut last, TailState::Following).await {
                    return;
                }
                target.pace().logs
            }
            Ok(false) => return,
            Err(error) => {
                let after = backoff.next();
                if !say(&out, &mut last, TailState::Retrying { error, after }).await {
                    return;
                }
                after
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Reads what is new in one group, page by page; `false`: nobody listens.
async fn read(
    client: &aws_sdk_cloudwatchlogs::Client,
    group: &mut Group,
    from: Timestamp,
    overlap: Duration,
    out: &Sender<Update<LogLine>>,
) -> Result<bool, String> {
    let window = group.newest.minus(overlap).max(from);
    let mut token = None;
    loop {
        let page = client
            .filter_log_events()
            .log_group_name(&group.name)
            .start_time(window.as_millis())
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| format!("read log group {}: {}", group.name, error_text(&error)))?;
        let mut batch = Vec::new();
        for event in page.events.unwrap_or_default() {
            let Some(event_id) = event.event_id else { continue };
            let time = Timestamp::from_millis(event.timestamp.unwrap_or_default());
            if group.seen.insert(event_id.clone(), time).is_some() {
                continue;
            }
            group.newest = group.newest.max(time);
            let message = event.message.unwrap_or_default();
            let message = message.trim_end_matches(['\n', '\r']).to_owned();
            let (level, lambda_request_id, api_request_id) = LogLine::read(&message);
            batch.push(LogLine {
                time,
                ingestion_time: Timestamp::from_millis(event.ingestion_time.unwrap_or_default()),
                source: group.source,
                group: group.name.clone(),
                stream: event.log_stream_name.unwrap_or_default(),
                event_id,
                lambda_request_id,
                api_request_id,
                level,
                message,
            });
        }
        if !batch.is_empty() && out.send(Update::Batch(batch)).await.is_err() {
            return Ok(false);
        }
        // A page may be empty and still have more behind it.
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    let kept = group.newest.minus(overlap).max(from);
    group.seen.retain(|_, time| *time >= kept);
    Ok(true)
}
