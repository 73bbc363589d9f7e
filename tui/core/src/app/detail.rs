//! One row opened: all its fields, and its body as a foldable tree, as text or as bytes.

use std::collections::HashMap;

use super::{Body, JsonLine, ObjectRow, Pane, Row, row::source_word};
use crate::{
    events::{Answer, LogLine, Record, Sent, StackEvent, Timestamp},
    text::{find, number, safe::visible, time, time::UtcOffset},
    trace::{EventNumber, Traces},
};

/// How many lines of an object are listed at most.
const MOST_RECORD_LINES: u64 = 5_000;

/// A line of the detail view; its text is safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DetailLine {
    /// A field and its value.
    Field(&'static str, String),
    /// What follows.
    Heading(String),
    /// A line of what it is made of.
    Text(String),
    /// A line of a JSON tree.
    Json(JsonLine),
    /// A line of an object.
    Record(RecordLine),
}

/// A line of an object, which was a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordLine {
    /// Its place in the object, from 1.
    pub place: u64,
    /// The event it belongs to, where that is known.
    pub number: Option<EventNumber>,
    /// The line, where it was loaded.
    pub text: Option<String>,
}

impl RecordLine {
    /// The line in words.
    pub fn words(&self) -> &str {
        self.text.as_deref().unwrap_or("(not loaded: t shows its trace, e.g. its record)")
    }
}

impl DetailLine {
    /// Whether this text, in small letters, stands in it.
    pub fn holds(&self, lower: &str) -> bool {
        let holds = |text: &str| find::contains(text.as_bytes(), lower);
        match self {
            Self::Field(name, text) => holds(name) || holds(text),
            Self::Heading(text) | Self::Text(text) => holds(text),
            Self::Json(line) => holds(&line.text),
            Self::Record(line) => holds(line.words()) || line.number.is_some_and(|number| holds(&number.to_string())),
        }
    }

    /// The line as plain text.
    fn plain(&self) -> String {
        match self {
            Self::Field(name, text) => format!("{name:<20}{text}"),
            Self::Heading(text) => format!("\n{text}"),
            Self::Text(text) => text.clone(),
            Self::Json(line) => format!("{}{}", " ".repeat(line.indent()), line.text),
            Self::Record(line) => {
                let number = line.number.map(|number| number.to_string()).unwrap_or_default();
                format!("{:>5}  {number:<6} {}", line.place, line.words())
            }
        }
    }
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
    /// All that is unfolded of it.
    pub lines: Vec<DetailLine>,
    /// The line that keys are about.
    pub cursor: usize,
    /// Long lines go on in the next line.
    pub wrap: bool,
    /// How many of the lines stand before the body's.
    fields: usize,
    body: Body,
}

impl Detail {
    /// Opens a row.
    pub fn of(pane: Pane, id: u64, row: &Row, traces: &Traces, offset: UtcOffset) -> Self {
        let number = row.number(traces);
        let name = |what: &str| number.map_or_else(|| what.to_owned(), |number| format!("{what} of {number}"));
        let mut lines = Vec::new();
        let (title, body) = match row {
            Row::Sent(sent) => {
                sent_lines(&mut lines, sent, offset);
                (format!("Event #{}", sent.seq), Body::of("Body as it was sent", sent.body.clone()))
            }
            Row::Log { line, .. } => {
                log_lines(&mut lines, line, number, offset);
                (name("Log line"), Body::of("Line", line.message.clone().into()))
            }
            Row::Record(record) => {
                record_lines(&mut lines, record, number, offset);
                (name("Record"), Body::of("Data", record.data.clone()))
            }
            Row::Object(object) => {
                object_lines(&mut lines, object, traces, offset);
                ("Object".to_owned(), Body::None)
            }
            // A trace is opened as one.
            Row::Trace(number) => (format!("Trace {number}"), Body::None),
            Row::Stack(event) => {
                stack_lines(&mut lines, event, offset);
                (format!("Stack event of {}", visible(&event.logical_id)), Body::None)
            }
        };
        let fields = lines.len();
        let mut detail = Self { pane, row: id, title, lines, cursor: 0, wrap: true, fields, body };
        detail.renew();
        detail
    }

    /// The body's lines as it is folded now.
    fn renew(&mut self) {
        self.lines.truncate(self.fields);
        self.lines.extend(self.body.lines());
        self.cursor = self.cursor.min(self.lines.len().saturating_sub(1));
    }

    /// The same row as it is now, opened as this one was.
    #[must_use]
    pub fn as_before(mut self, before: &Self) -> Self {
        self.wrap = before.wrap;
        self.body.fold_like(&before.body);
        self.renew();
        self.cursor = before.cursor.min(self.lines.len().saturating_sub(1));
        self
    }

    /// Moves the cursor by so many lines.
    pub fn move_by(&mut self, lines: isize) {
        self.cursor = self.cursor.saturating_add_signed(lines).min(self.lines.len().saturating_sub(1));
    }

    /// The line under the cursor.
    pub fn line(&self) -> Option<&DetailLine> {
        self.lines.get(self.cursor)
    }

    fn node(&self) -> Option<usize> {
        match self.line() {
            Some(DetailLine::Json(line)) => Some(line.node),
            _ => None,
        }
    }

    /// The cursor stands in a JSON tree.
    pub fn in_tree(&self) -> bool {
        self.node().is_some()
    }

    /// The body is a JSON tree.
    pub const fn is_json(&self) -> bool {
        matches!(self.body, Body::Json { .. })
    }

    /// The body can be shown as bytes.
    pub const fn has_bytes(&self) -> bool {
        self.body.has_bytes()
    }

    /// The body as bytes, or back.
    pub fn turn_bytes(&mut self) {
        self.body.turn_bytes();
        self.renew();
        self.cursor = self.fields.min(self.lines.len().saturating_sub(1));
    }

    /// Folds the value under the cursor, or unfolds it.
    pub fn turn_fold(&mut self) {
        let Some(node) = self.node() else { return };
        let folded = self.body.is_folded(node);
        self.fold(node, !folded);
    }

    /// Folds the value under the cursor; one that is folded or has nothing in it leads to the value
    /// that it stands in.
    pub fn fold_left(&mut self) {
        let Some(node) = self.node() else { return };
        if self.body.folds(node) && !self.body.is_folded(node) {
            self.fold(node, true);
        } else if let Some(parent) = self.body.parent(node) {
            self.go_to(parent);
        }
    }

    /// Unfolds the value under the cursor; one that is unfolded leads to the first value in it.
    pub fn fold_right(&mut self) {
        let Some(node) = self.node() else { return };
        if self.body.is_folded(node) {
            self.fold(node, false);
        } else if self.body.folds(node) {
            self.go_to(node + 1);
        }
    }

    /// Folds everything within the whole, or unfolds everything.
    pub fn fold_all(&mut self, fold: bool) {
        let node = self.node();
        self.body.fold_all(fold);
        self.renew();
        if let Some(node) = node {
            let seen = std::iter::successors(Some(node), |node| self.body.parent(*node));
            let last = seen.filter(|node| self.body.is_folded(*node)).last();
            self.go_to(last.unwrap_or(node));
        }
    }

    /// Unfolds whatever a text in small letters stands in, so that it can be found.
    pub fn unfold_for(&mut self, marks: &[String]) {
        if self.body.unfold_for(marks) {
            let node = self.node();
            self.renew();
            if let Some(node) = node {
                self.go_to(node);
            }
        }
    }

    fn fold(&mut self, node: usize, fold: bool) {
        self.body.fold(node, fold);
        self.renew();
        self.go_to(node);
    }

    fn go_to(&mut self, node: usize) {
        let of_it = |line: &DetailLine| matches!(line, DetailLine::Json(line) if line.node == node && !line.closes);
        if let Some(line) = self.lines.iter().position(of_it) {
            self.cursor = line;
        }
    }

    /// What stands under the cursor: a field's value, a JSON value as it was sent, a line.
    pub fn value(&self) -> Option<String> {
        match self.line()? {
            DetailLine::Field(_, value) | DetailLine::Text(value) => Some(value.clone()),
            DetailLine::Json(line) => self.body.value(line.node),
            DetailLine::Record(line) => line.text.clone(),
            DetailLine::Heading(_) => Some(self.body_text()).filter(|text| !text.is_empty()),
        }
    }

    /// The JSON path of the value under the cursor.
    pub fn path(&self) -> Option<String> {
        self.body.path(self.node()?)
    }

    /// All of it as plain text, safe to print, nothing folded.
    pub fn all_text(&self) -> String {
        let mut whole = self.clone();
        whole.body.fold_all(false);
        whole.renew();
        let lines = whole.lines.iter().map(|line| line.plain() + "\n");
        std::iter::once(format!("{}\n\n", self.title)).chain(lines).collect()
    }

    /// The body as it was sent; of a row without one, its lines.
    pub fn body_text(&self) -> String {
        self.body.text().unwrap_or_else(|| self.lines.iter().map(|line| line.plain() + "\n").collect())
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
}

fn record_lines(lines: &mut Vec<DetailLine>, record: &Record, number: Option<EventNumber>, offset: UtcOffset) {
    event_field(lines, number);
    field(lines, "arrived", &offset.full(record.time));
    field(lines, "shard", record.shard_id.as_str());
    field(lines, "sequence number", record.sequence_number.as_str());
    field(lines, "partition key", &record.partition_key);
    field(lines, "size", &size_words(record.data.len() as u64));
    field(lines, "SHA-256", &record.hash().to_string());
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
    let of_line = numbers_of_lines(object, traces);
    let count = object.lines.as_ref().ok().copied().unwrap_or(0);
    if object.head.is_empty() && of_line.is_empty() {
        return;
    }
    let loaded = object.loaded_lines();
    let heading = match loaded.len() as u64 {
        all if all >= count => "Lines, each the record of an event: Enter or t for its trace".to_owned(),
        some => format!(
            "Lines: the text of the first {} of {} is loaded; Enter or t for a line's trace",
            number::grouped(some),
            number::grouped(count)
        ),
    };
    lines.push(DetailLine::Heading(heading));
    let places = 1..=count.max(loaded.len() as u64).min(MOST_RECORD_LINES);
    lines.extend(places.map(|place| {
        let text = usize::try_from(place - 1).ok().and_then(|index| loaded.get(index));
        let text = text.map(|text| visible(text).into_owned());
        DetailLine::Record(RecordLine { place, number: of_line.get(&place).copied(), text })
    }));
    if count > MOST_RECORD_LINES {
        let more = number::counted(count - MOST_RECORD_LINES, "more line");
        lines.push(DetailLine::Text(format!("… and {more}; y copies the object's address")));
    }
}

/// The events of an object's lines, by the lines' places.
fn numbers_of_lines(object: &ObjectRow, traces: &Traces) -> HashMap<u64, EventNumber> {
    let landed = |number: &EventNumber| {
        let landing = traces.get(*number)?.landing.as_ref()?;
        (landing.object == object.key).then_some((landing.line, *number))
    };
    traces.numbers_in_object(&object.key).iter().filter_map(landed).collect()
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

pub(super) fn size_words(bytes: u64) -> String {
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
}
