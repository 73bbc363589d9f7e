//! Whether a term holds for a row.

use std::cell::OnceCell;

use super::{
    Row,
    term::{Compared, Op, What},
};
use crate::{
    app::{row::source_word, traces_pane::any_text},
    events::{Answer, LogLine, ShardId},
    text::{
        decimal::Decimal,
        find,
        json_tree::{Kind, Tree},
    },
    trace::{EventNumber, Traces},
};

/// A JSON text with more values than this is looked at as text alone.
const MOST_VALUES: usize = 100_000;

/// A row with the JSON texts in it, read once for all terms and only where one asks.
pub struct RowTexts<'a> {
    row: &'a Row,
    traces: &'a Traces,
    json: OnceCell<Vec<(&'a str, Tree)>>,
}

impl<'a> RowTexts<'a> {
    pub const fn of(row: &'a Row, traces: &'a Traces) -> Self {
        Self { row, traces, json: OnceCell::new() }
    }

    /// The JSON texts: of a body, a record or a log line one, of an object each of its lines.
    fn json(&self) -> &[(&'a str, Tree)] {
        self.json.get_or_init(|| {
            let read = |text: &'a str| Tree::of(text, MOST_VALUES).map(|tree| (text, tree));
            match self.row {
                Row::Sent(sent) => std::str::from_utf8(&sent.body).ok().and_then(read).into_iter().collect(),
                Row::Record(record) => std::str::from_utf8(&record.data).ok().and_then(read).into_iter().collect(),
                Row::Log { line, .. } => read(&line.message).into_iter().collect(),
                Row::Object(object) => object.head.lines().filter_map(read).collect(),
                Row::Trace(number) => {
                    let trace = self.traces.get(*number);
                    let body = trace.and_then(|trace| trace.sent_body.as_ref().or(trace.record_data.as_ref()));
                    body.and_then(|body| std::str::from_utf8(body).ok()).and_then(read).into_iter().collect()
                }
                Row::Stack(_) => Vec::new(),
            }
        })
    }

    /// A member of a log line, as text.
    fn of_line(&self, name: &str) -> Option<String> {
        let (text, tree) = self.json().first()?;
        let node = tree.member(text, 0, name)?;
        Some(tree.content(text, node).into_owned())
    }

    fn any_id(&self, test: impl Fn(&str) -> bool) -> bool {
        let own = match self.row {
            Row::Sent(_) | Row::Object(_) | Row::Stack(_) | Row::Trace(_) => false,
            Row::Log { line, .. } => of_log_line(line).any(&test),
            Row::Record(record) => test(record.sequence_number.as_str()),
        };
        let of_stack = || match self.row {
            Row::Stack(event) => test(&event.event_id) || event.physical_id.as_deref().is_some_and(&test),
            _ => false,
        };
        own || of_stack() || self.numbers().iter().any(|number| self.of_event(*number, &test))
    }

    fn numbers(&self) -> Vec<EventNumber> {
        match self.row {
            Row::Object(object) => self.traces.numbers_in_object(&object.key).to_vec(),
            row => row.number(self.traces).into_iter().collect(),
        }
    }

    /// Whether one of an event's ids satisfies it.
    fn of_event(&self, number: EventNumber, test: impl Fn(&str) -> bool) -> bool {
        let Some(trace) = self.traces.get(number) else {
            return match self.row {
                Row::Sent(sent) => sent.api_request_id().is_some_and(|id| test(id.as_str())),
                _ => false,
            };
        };
        trace.api_request_id.as_ref().is_some_and(|id| test(id.as_str()))
            || trace.lambda_request_id.as_ref().is_some_and(|id| test(id.as_str()))
            || trace.place.as_ref().is_some_and(|(_, number)| test(number.as_str()))
            || matches!(&trace.answer, Some(Answer::Accepted { sequence_number, .. })
                if test(sequence_number.as_str()))
    }
}

fn of_log_line(line: &LogLine) -> impl Iterator<Item = &str> {
    let lambda = line.lambda_request_id.as_ref().map(crate::events::LambdaRequestId::as_str);
    let api = line.api_request_id.as_ref().map(crate::events::ApiRequestId::as_str);
    [lambda, api, Some(line.event_id.as_str())].into_iter().flatten()
}

impl What {
    /// Whether it holds.
    pub fn holds(&self, texts: &RowTexts<'_>) -> bool {
        let row = texts.row;
        match self {
            Self::Text(lower) if let Row::Trace(number) = row => {
                any_text(*number, texts.traces, |text| find::contains(text, lower))
            }
            Self::Text(lower) => row.any_text(|text| find::contains(text, lower)),
            Self::Number(number) => row.is_of(*number, texts.traces),
            Self::Level(op, level) => matches!(row, Row::Log { line, .. } if op.holds(&line.level, level)),
            Self::Source(op, source) => {
                matches!(row, Row::Log { line, .. } if op.holds(source_word(line.source), source_word(*source)))
            }
            Self::Shard(op, number) => shard(texts).is_some_and(|shard| op.holds(shard.number(), number.as_str())),
            Self::Id { op, id } => match op {
                Op::IsNot => !texts.any_id(|known| known == id),
                Op::Contains => {
                    let lower = id.to_lowercase();
                    texts.any_id(|known| find::contains(known.as_bytes(), &lower))
                }
                _ => texts.any_id(|known| known == id),
            },
            Self::Status(op, with) => status(texts).is_some_and(|status| of_status(*op, &status, with)),
            Self::Key(op, with) => match row {
                Row::Record(record) => of_text(*op, &record.partition_key, with),
                Row::Object(object) => of_text(*op, object.key.as_str(), with),
                Row::Sent(_) | Row::Log { .. } | Row::Stack(_) | Row::Trace(_) => false,
            },
            Self::Size(op, with) => size(row).is_some_and(|size| op.holds(&size, with)),
            Self::Path(path, with) => {
                let mut any = false;
                let mut all_differ = true;
                for (text, tree) in texts.json() {
                    for node in path.values(text, tree) {
                        let Some((op, with)) = with else { return true };
                        if *op == Op::IsNot {
                            any = true;
                            all_differ &= !of_value(Op::Is, text, tree, node, with);
                        } else if of_value(*op, text, tree, node, with) {
                            return true;
                        }
                    }
                }
                any && all_differ
            }
        }
    }
}

/// Whether a value of a JSON text satisfies a comparison. What is not quoted is equal to a number
/// of the same worth and to a text of the same letters.
fn of_value(op: Op, text: &str, tree: &Tree, node: usize, with: &Compared) -> bool {
    let kind = tree.nodes()[node].kind;
    let content = tree.content(text, node);
    if op == Op::Contains {
        return find::contains(content.as_bytes(), &with.text.to_lowercase());
    }
    if with.quoted {
        return kind == Kind::String && op.holds(content.as_ref(), with.text.as_str());
    }
    let number = || (kind == Kind::Number).then(|| Decimal::parse(&content)).flatten();
    match &with.number {
        Some(wanted) if kind == Kind::Number => number().is_some_and(|number| op.holds(&number, wanted)),
        _ => !op.orders() && op.holds(content.as_ref(), with.text.as_str()),
    }
}

fn of_text(op: Op, text: &str, with: &str) -> bool {
    if op == Op::Contains { find::contains(text.as_bytes(), &with.to_lowercase()) } else { op.holds(text, with) }
}

fn of_status(op: Op, status: &str, with: &Compared) -> bool {
    match (&with.number, Decimal::parse(status)) {
        (Some(wanted), Some(status)) if op != Op::Contains => op.holds(&status, wanted),
        _ if op.orders() => false,
        _ => of_text(op, status, &with.text),
    }
}

fn status(texts: &RowTexts<'_>) -> Option<String> {
    match texts.row {
        Row::Sent(sent) => sent.status().map(|status| status.to_string()),
        Row::Log { .. } => texts.of_line("status"),
        Row::Stack(event) => Some(event.status.as_str().to_owned()),
        Row::Trace(number) => match &texts.traces.get(*number)?.answer {
            Some(Answer::Accepted { .. }) => Some("202".to_owned()),
            Some(Answer::Refused { status, .. }) => Some(status.to_string()),
            Some(Answer::Unanswered { .. }) | None => None,
        },
        Row::Record(_) | Row::Object(_) => None,
    }
}

fn shard(texts: &RowTexts<'_>) -> Option<ShardId> {
    match texts.row {
        Row::Sent(sent) => match &sent.answer {
            Answer::Accepted { shard_id, .. } => Some(shard_id.clone()),
            _ => None,
        },
        Row::Record(record) => Some(record.shard_id.clone()),
        Row::Log { .. } => texts.of_line("shardId").map(ShardId),
        Row::Trace(number) => texts.traces.get(*number)?.place.as_ref().map(|(shard, _)| shard.clone()),
        Row::Object(_) | Row::Stack(_) => None,
    }
}

fn size(row: &Row) -> Option<Decimal> {
    let bytes = match row {
        Row::Sent(sent) => sent.body.len() as u64,
        Row::Log { line, .. } => line.message.len() as u64,
        Row::Record(record) => record.data.len() as u64,
        Row::Object(object) => object.size_bytes,
        Row::Stack(_) | Row::Trace(_) => return None,
    };
    Decimal::parse(&bytes.to_string())
}
