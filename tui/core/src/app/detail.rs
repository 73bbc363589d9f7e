//! One row opened: all its fields, its body as indented JSON, its bytes where they are no text.

use super::{ObjectRow, Pane, Row, row::source_word};
use crate::{
    events::{Answer, LogLine, Record, Sent, StackEvent, Timestamp},
    text::{hex_dump, json, number, safe::visible, time, time::UtcOffset},
    trace::{EventNumber, Traces},
};

/// How many lines a body is shown with at most.
const MOST_BODY_LINES: usize = 5_000;

/// A line of the detail view; its text is safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetailLine {
    /// A field and its value.
    Field(&'static str, String),
    /// What follows.
    Heading(String),
    /// A line of what it is made of.
    Text(String),
}

/// One row opened.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The pane it is from.
    pub pane: Pane,
    /// The row.
    pub row: u64,
    /// What it is.
    pub title: String,
    /// All of it.
    pub lines: Vec<DetailLine>,
    /// The first line in sight.
    pub scroll: usize,
    /// Long lines go on in the next line.
    pub wrap: bool,
}

impl Detail {
    /// Opens a row.
    pub fn of(pane: Pane, id: u64, row: &Row, traces: &Traces, offset: UtcOffset) -> Self {
        let number = row.number(traces);
        let name = |what: &str| number.map_or_else(|| what.to_owned(), |number| format!("{what} of {number}"));
        let mut lines = Vec::new();
        let title = match row {
            Row::Sent(sent) => {
                sent_lines(&mut lines, sent, offset);
                format!("Event #{}", sent.seq)
            }
            Row::Log { line, .. } => {
                log_lines(&mut lines, line, number, offset);
                name("Log line")
            }
            Row::Record(record) => {
                record_lines(&mut lines, record, number, offset);
                name("Record")
            }
            Row::Object(object) => {
                object_lines(&mut lines, object, traces, offset);
                "Object".to_owned()
            }
            // A trace is opened as one.
            Row::Trace(number) => format!("Trace {number}"),
            Row::Stack(event) => {
                stack_lines(&mut lines, event, offset);
                format!("Stack event of {}", visible(&event.logical_id))
            }
        };
        Self { pane, row: id, title, lines, scroll: 0, wrap: true }
    }

    /// Scrolls by so many lines.
    pub fn scroll_by(&mut self, lines: isize) {
        self.scroll = self.scroll.saturating_add_signed(lines).min(self.lines.len().saturating_sub(1));
    }
}

fn field(lines: &mut Vec<DetailLine>, name: &'static str, value: &str) {
    lines.push(DetailLine::Field(name, visible(value).into_owned()));
}

fn event_field(lines: &mut Vec<DetailLine>, number: Option<EventNumber>) {
    match number {
        Some(EventNumber::Own(own)) => field(lines, "event", &format!("#{own}, sent from here")),
        Some(EventNumber::Other(other)) => field(lines, "event", &format!("·{other}, sent by someone else")),
        None => {}
    }
}

fn sent_lines(lines: &mut Vec<DetailLine>, sent: &Sent, offset: UtcOffset) {
    field(lines, "sent", &format!("{}, by this machine's clock", offset.full(sent.time)));
    match &sent.answer {
        Answer::Accepted { api_request_id, shard_id, sequence_number } => {
            field(lines, "answer", &format!("202 in {}", time::duration(sent.latency)));
            field(lines, "API request id", api_request_id.as_str());
            field(lines, "shard", shard_id.as_str());
            field(lines, "sequence number", sequence_number.as_str());
        }
        Answer::Refused { status, nothing_put, api_request_id, message } => {
            field(lines, "answer", &format!("{status} in {}", time::duration(sent.latency)));
            field(lines, "message", message);
            let meaning = if *nothing_put { "refused: nothing was put" } else { "not known whether it was put" };
            field(lines, "means", meaning);
            if let Some(id) = api_request_id {
                field(lines, "API request id", id.as_str());
            }
        }
        Answer::Unanswered { message } => {
            field(lines, "answer", &format!("none in {}", time::duration(sent.latency)));
            field(lines, "message", message);
            field(lines, "means", "it may have arrived or not: a record or log line would show it");
        }
    }
    body_lines(lines, "Body as it was sent", &sent.body);
}

fn log_lines(lines: &mut Vec<DetailLine>, line: &LogLine, number: Option<EventNumber>, offset: UtcOffset) {
    event_field(lines, number);
    field(lines, "time", &offset.full(line.time));
    field(
        lines,
        "seen by Logs",
        &format!(
            "{}, {} ms later",
            offset.clock_millis(line.ingestion_time),
            line.ingestion_time.millis_since(line.time)
        ),
    );
    field(lines, "source", source_word(line.source));
    field(lines, "level", line.level.word());
    if let Some(id) = &line.lambda_request_id {
        field(lines, "Lambda request id", id.as_str());
    }
    if let Some(id) = &line.api_request_id {
        field(lines, "API request id", id.as_str());
    }
    field(lines, "log group", &line.group);
    field(lines, "log stream", &line.stream);
    body_lines(lines, "Line", line.message.as_bytes());
}

fn record_lines(lines: &mut Vec<DetailLine>, record: &Record, number: Option<EventNumber>, offset: UtcOffset) {
    event_field(lines, number);
    field(lines, "arrived", &offset.full(record.time));
    field(lines, "shard", record.shard_id.as_str());
    field(lines, "sequence number", record.sequence_number.as_str());
    field(lines, "partition key", &record.partition_key);
    field(lines, "size", &size_words(record.data.len() as u64));
    field(lines, "SHA-256", &record.hash().to_string());
    body_lines(lines, "Data", &record.data);
}

fn object_lines(lines: &mut Vec<DetailLine>, object: &ObjectRow, traces: &Traces, offset: UtcOffset) {
    field(lines, "bucket", &object.bucket);
    field(lines, "key", object.key.as_str());
    field(lines, "written", &whole_second(object.time, offset));
    field(lines, "size", &size_words(object.size_bytes));
    match &object.lines {
        Ok(count) => field(lines, "lines", &number::grouped(*count)),
        Err(reason) => field(lines, "lines", &format!("not read: {reason}")),
    }
    let numbers = traces.numbers_in_object(&object.key);
    if !numbers.is_empty() {
        field(lines, "events", &ranges(numbers));
    }
    if !object.head.is_empty() {
        let whole = object.head.len() as u64 >= object.size_bytes;
        lines.push(DetailLine::Heading(if whole { "Content".to_owned() } else { "First of its content".to_owned() }));
        for line in object.head.lines().take(MOST_BODY_LINES) {
            lines.push(DetailLine::Text(visible(line).into_owned()));
        }
    }
}

fn stack_lines(lines: &mut Vec<DetailLine>, event: &StackEvent, offset: UtcOffset) {
    field(lines, "time", &offset.full(event.time));
    field(lines, "resource", &event.logical_id);
    field(lines, "type", &event.resource_type);
    field(lines, "status", event.status.as_str());
    if let Some(id) = &event.physical_id {
        field(lines, "physical id", id);
    }
    if let Some(reason) = &event.reason {
        field(lines, "reason", reason);
    }
}

/// A body: indented where it is JSON, else as text, else as bytes.
fn body_lines(lines: &mut Vec<DetailLine>, what: &str, bytes: &[u8]) {
    let size = size_words(bytes.len() as u64);
    let body = match std::str::from_utf8(bytes) {
        Ok(text) if json::check(text).is_ok() => {
            lines.push(DetailLine::Heading(format!("{what}: JSON, {size}")));
            json::pretty(text)
        }
        Ok(text) => {
            lines.push(DetailLine::Heading(format!("{what}: text, {size}")));
            text.lines().map(str::to_owned).collect()
        }
        Err(_) => {
            lines.push(DetailLine::Heading(format!("{what}: no text, {size}")));
            hex_dump::lines(&bytes[..bytes.len().min(MOST_BODY_LINES * 16)])
        }
    };
    let more = body.len().saturating_sub(MOST_BODY_LINES);
    lines.extend(body.iter().take(MOST_BODY_LINES).map(|line| DetailLine::Text(visible(line).into_owned())));
    if more > 0 {
        lines.push(DetailLine::Text(format!("… and {}; y copies all", number::counted(more as u64, "more line"))));
    }
}

fn size_words(bytes: u64) -> String {
    if bytes < 1000 { number::size(bytes) } else { format!("{} ({} B)", number::size(bytes), number::grouped(bytes)) }
}

fn whole_second(moment: Timestamp, offset: UtcOffset) -> String {
    // An object's date has whole seconds: no finer.
    offset.full(moment).replacen(&offset.clock_millis(moment), &offset.clock(moment), 1)
}

/// Numbers in few words: `#9–#20, ·3, #22`.
pub fn ranges(numbers: &[EventNumber]) -> String {
    let follows = |first: EventNumber, second: EventNumber| match (first, second) {
        (EventNumber::Own(first), EventNumber::Own(second))
        | (EventNumber::Other(first), EventNumber::Other(second)) => first + 1 == second,
        _ => false,
    };
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let mut words: Vec<String> = Vec::new();
    let mut rest = sorted.as_slice();
    while let Some(first) = rest.first() {
        let run = 1 + rest.windows(2).take_while(|pair| follows(pair[0], pair[1])).count();
        words.push(if run == 1 { first.to_string() } else { format!("{first}–{}", rest[run - 1]) });
        rest = &rest[run..];
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_ranges() {
        let own = EventNumber::Own;
        assert_eq!(ranges(&[own(9), own(10), own(11), EventNumber::Other(3), own(13)]), "#9–#11, #13, ·3");
        assert_eq!(ranges(&[own(2), own(1)]), "#1–#2");
        assert_eq!(ranges(&[]), "");
    }

    #[test]
    fn a_body_that_is_no_text_is_shown_as_bytes() {
        let mut lines = Vec::new();
        body_lines(&mut lines, "Data", b"\xff\x00");
        assert_eq!(lines[0], DetailLine::Heading("Data: no text, 2 B".to_owned()));
        assert!(matches!(&lines[1], DetailLine::Text(text) if text.contains("ff 00")));
        lines.clear();
        body_lines(&mut lines, "Data", b"{\"n\":1.0e2}\n");
        assert_eq!(lines[2], DetailLine::Text("  \"n\": 1.0e2".to_owned()));
    }
}
