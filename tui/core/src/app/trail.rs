//! An event's bytes at each hop, as far as they are kept, and where they differ from the hop before.

use std::{cell::Cell, ops::Range};

use bytes::Bytes;

use super::{App, Pane, Row};
use crate::{
    text::{difference::Difference, number, safe::visible},
    trace::{EventNumber, Landing},
};

/// How many bytes of a hop are shown at most.
const MOST_BYTES: usize = 256 * 1024;

/// The view of an event's bytes at each hop.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// The first line in sight.
    pub scroll: usize,
    /// In hexadecimal, although it is text.
    pub hex: bool,
    /// The last line that `scroll` may reach, as it was drawn last.
    most: Cell<Option<usize>>,
}

impl Trail {
    /// From the top, in the same form.
    pub(super) fn again(&self) -> Self {
        Self { hex: self.hex, ..Self::default() }
    }

    /// Scrolls by so many lines.
    pub(super) fn scroll_by(&mut self, lines: isize) {
        let scrolled = self.scroll.saturating_add_signed(lines);
        self.scroll = self.most.get().map_or(scrolled, |most| scrolled.min(most));
    }

    /// The first line in sight of so many, in so much room. How far one can scroll is known from here on.
    pub fn first_of(&self, lines: usize, room: usize) -> usize {
        let most = lines.saturating_sub(room);
        self.most.set(Some(most));
        self.scroll.min(most)
    }
}

/// An event's bytes at one hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopOfTrail {
    /// What they are: `Body as sent`.
    pub title: &'static str,
    /// Their size, and what became of them: `34 B, whitespace out, newline in`.
    pub state: String,
    /// The bytes, at most `MOST_BYTES`, or why there are none.
    pub bytes: Result<Bytes, String>,
    /// What stands out: taken out before the next hop, or put in since the one before.
    pub marks: Vec<Range<usize>>,
}

impl App {
    /// An event's bytes at each hop: as sent, as a record, as the line of its object.
    pub fn trail(&self, number: EventNumber) -> Vec<HopOfTrail> {
        let bytes = self.traces.waterfall(number, self.now).map(|waterfall| waterfall.bytes).unwrap_or_default();
        let landing = self.traces.get(number).and_then(|trace| trace.landing.clone());
        let sent = bytes.sent_body.or_else(|| self.body_of(number));
        let record = bytes.record_data.or_else(|| self.record_of(number));
        let line = landing.as_ref().and_then(|landing| self.line_of(landing));
        let to_record = sent.as_ref().zip(record.as_ref()).map(|(sent, record)| Difference::of(sent, record));
        let to_line = record.as_ref().zip(line.as_ref()).map(|(record, line)| Difference::of(record, line));
        let removed = to_record.as_ref().map(|difference| difference.removed.clone()).unwrap_or_default();
        let first = HopOfTrail {
            title: "Body as sent",
            state: state(bytes.sent, None),
            bytes: sent.ok_or_else(|| match number {
                EventNumber::Other(_) => "Sent by someone else: its body was not seen, its record is.".to_owned(),
                EventNumber::Own(_) => "It was let go: too much came since.".to_owned(),
            }),
            marks: removed,
        };
        let second = HopOfTrail {
            title: "Record, as the function put it",
            state: state(bytes.record, to_record.as_ref()),
            bytes: record.ok_or_else(|| match bytes.record {
                Some(_) => "It was let go: too much came since.".to_owned(),
                None => "No record of it was seen.".to_owned(),
            }),
            marks: to_record.map(|difference| difference.added).unwrap_or_default(),
        };
        // What ended before a record was made of it lands nowhere.
        let ended = self.traces.get(number).is_some_and(|trace| !trace.put() && (trace.settled() || trace.threw()));
        let third = HopOfTrail {
            title: "Line in S3, as Firehose wrote it",
            state: match (&landing, to_line.as_ref()) {
                (Some(landing), difference) => {
                    let equal = difference.map_or_else(|| "equal by SHA-256".to_owned(), Difference::words);
                    format!("line {}, {}, {equal}", landing.line, number::size(bytes.line.unwrap_or(0)))
                }
                (None, _) if ended => "nothing comes here".to_owned(),
                (None, _) => "not there yet".to_owned(),
            },
            bytes: line.ok_or_else(|| match &landing {
                Some(landing) => format!(
                    "Line {} of {} is further into it than what is kept here. Its SHA-256 is the record's: it has the \
                     same bytes.",
                    landing.line,
                    visible(landing.object.as_str())
                ),
                None => "In no object that was seen.".to_owned(),
            }),
            marks: to_line.map(|difference| difference.added).unwrap_or_default(),
        };
        [first, second, third].map(shortened).into()
    }

    fn body_of(&self, number: EventNumber) -> Option<Bytes> {
        self.pane(Pane::Send).history().iter().rev().find_map(|(_, row)| match row {
            Row::Sent(sent) if EventNumber::Own(sent.seq) == number => Some(sent.body.clone()),
            _ => None,
        })
    }

    fn record_of(&self, number: EventNumber) -> Option<Bytes> {
        self.pane(Pane::Records).history().iter().rev().find_map(|(_, row)| match row {
            Row::Record(record) if row.number(&self.traces) == Some(number) => Some(record.data.clone()),
            _ => None,
        })
    }

    /// The line of an object, where it is whole in what is kept of it.
    fn line_of(&self, landing: &Landing) -> Option<Bytes> {
        let head = self.pane(Pane::Objects).history().iter().rev().find_map(|(_, row)| match row {
            Row::Object(object) if object.key == landing.object => {
                Some((&object.head, object.head.len() as u64 >= object.size_bytes))
            }
            _ => None,
        });
        let (head, whole) = head?;
        let index = usize::try_from(landing.line.checked_sub(1)?).ok()?;
        let line = head.split_inclusive('\n').nth(index)?;
        // What is no UTF-8 is kept as text for people, not as it was.
        let as_it_was = !line.contains('\u{fffd}') && (line.ends_with('\n') || whole);
        as_it_was.then(|| Bytes::copy_from_slice(line.as_bytes()))
    }
}

fn state(bytes: Option<u64>, difference: Option<&Difference>) -> String {
    let size = bytes.map(number::size);
    let became = difference.map(Difference::words);
    size.into_iter().chain(became).collect::<Vec<_>>().join(", ")
}

/// At most so much of it as can be shown.
fn shortened(mut hop: HopOfTrail) -> HopOfTrail {
    if let Ok(bytes) = &mut hop.bytes
        && bytes.len() > MOST_BYTES
    {
        hop.state = format!("{}, the first {} shown", hop.state, number::size(MOST_BYTES as u64));
        bytes.truncate(MOST_BYTES);
        hop.marks.retain(|mark| mark.end <= MOST_BYTES);
    }
    hop
}
