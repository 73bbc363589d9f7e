//! A log group's lines where an endpoint has no way to read a group as a whole: stream by stream.

use aws_sdk_cloudwatchlogs::{
    Client,
    operation::filter_log_events::FilterLogEventsOutput,
    types::{FilteredLogEvent, OrderBy},
};
use tailwater_core::events::Timestamp;

use crate::target::error_text;

/// How many pages of one stream are read at once: the rest comes with the next read.
const MOST_PAGES: usize = 20;

/// Everything from a time on, as one page.
pub(super) async fn events(client: &Client, group: &str, from: Timestamp) -> Result<FilterLogEventsOutput, String> {
    let mut all = Vec::new();
    for stream in streams(client, group, from).await? {
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let request = client
                .get_log_events()
                .log_group_name(group)
                .log_stream_name(&stream)
                .start_time(from.as_millis())
                .start_from_head(true)
                .set_next_token(token.clone());
            let page = request
                .send()
                .await
                .map_err(|error| format!("read log stream {stream} of {group}: {}", error_text(&error)))?;
            all.extend(page.events.unwrap_or_default().into_iter().map(|event| {
                FilteredLogEvent::builder()
                    .log_stream_name(&stream)
                    .set_timestamp(event.timestamp)
                    .set_ingestion_time(event.ingestion_time)
                    .set_message(event.message)
                    .build()
            }));
            // The same token again is the end (CloudWatch Logs API reference, `GetLogEvents`).
            if page.next_forward_token.is_none() || page.next_forward_token == token {
                break;
            }
            token = page.next_forward_token;
        }
    }
    all.sort_by_key(FilteredLogEvent::timestamp);
    Ok(FilterLogEventsOutput::builder().set_events(Some(all)).build())
}

/// The streams that have lines since then. One whose last line is not told of is among them.
async fn streams(client: &Client, group: &str, from: Timestamp) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let page = client
            .describe_log_streams()
            .log_group_name(group)
            .order_by(OrderBy::LastEventTime)
            .descending(true)
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| format!("listed the streams of log group {group}: {}", error_text(&error)))?;
        let mut old = false;
        for stream in page.log_streams() {
            if stream.last_event_timestamp().is_some_and(|last| last < from.as_millis()) {
                old = true;
                continue;
            }
            names.extend(stream.log_stream_name().map(str::to_owned));
        }
        token = page.next_token;
        // Newest first: behind an old one all are old.
        if old || token.is_none() {
            return Ok(names);
        }
    }
}
