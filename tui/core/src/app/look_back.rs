//! Looking for an event further back than what is loaded: after asking, in steps that grow, and each
//! says how many calls it takes at most.

use std::time::Duration;

use super::{App, Context, Effect, Pane, Query, Question, Row};
use crate::{
    events::{ApiRequestId, SequenceNumber, Timestamp},
    text::{number, safe::visible, time},
};

/// How far each step goes further back.
const STEPS: [Duration; 5] = [
    Duration::from_hours(1),
    Duration::from_hours(6),
    Duration::from_hours(24),
    Duration::from_hours(72),
    Duration::from_hours(168),
];
/// What finding an event by an id takes: two log groups searched, the rest of its lines in two more
/// searches, its place in the shard and its record, two listings and an object.
const CALLS_BY_ID: u64 = 9;
/// What a text takes besides objects: two log groups, the shards, a place and a read in one, and what
/// else is known of the event.
const CALLS_BY_TEXT: u64 = 9;
/// Objects that are read for one look at most.
pub const OBJECTS_MOST: u64 = 100;
/// How much of what is looked for is said, in characters.
const WANTED_SHOWN: usize = 20;

/// How looking back goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookBackNews {
    /// It looks in this now.
    In(String),
    /// All was handed over that was found.
    Found,
    /// There was nothing.
    NotFound,
    /// It could not look.
    Failed(String),
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct LookBack {
    wanted: String,
    /// From here on everything was looked through; `None`: only what is loaded.
    since: Option<Timestamp>,
    steps: usize,
    looking: bool,
}

impl LookBack {
    fn step(&self) -> Duration {
        STEPS[self.steps.min(STEPS.len() - 1)]
    }

    /// How many calls the next step takes at most.
    fn calls(&self, interval: Duration) -> u64 {
        if ApiRequestId::looks_like(&self.wanted) || SequenceNumber::looks_like(&self.wanted) {
            return CALLS_BY_ID;
        }
        let hours = self.step().as_secs().div_ceil(3_600);
        let objects = self.step().as_secs() / interval.as_secs().max(1);
        CALLS_BY_TEXT + hours + objects.min(OBJECTS_MOST)
    }

    /// What is looked for, as much of it as has room.
    fn shown(&self) -> String {
        let text = visible(&self.wanted);
        match text.char_indices().nth(WANTED_SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text.into_owned(),
        }
    }
}

impl App {
    /// Nothing that is loaded has it: further back there may be something.
    pub(super) fn offer_look_back(&mut self, wanted: &str) {
        if !self.is_ready() {
            self.say(format!("{wanted} is not in any row loaded here."));
            return;
        }
        self.look_back = Some(LookBack { wanted: wanted.to_owned(), since: None, steps: 0, looking: false });
        self.question = Some(Question::LookBack);
    }

    /// The question, in words.
    pub(super) fn look_back_words(&self) -> Option<String> {
        let look = self.look_back.as_ref()?;
        let interval = self.deployment.ready().map_or(0, |ready| ready.buffering.interval_seconds);
        let (hours, calls) = (time::duration(look.step()), look.calls(Duration::from_secs(interval)));
        let calls = number::grouped(calls);
        // What to press stands before where it was looked: a small screen cuts the end.
        Some(match look.since {
            None => format!("{} is in no row here. Enter: look {hours} back (up to {calls} calls)", look.shown()),
            Some(since) => format!(
                "{} not found since {}. Enter: look {hours} further (up to {calls} calls). Looked in access log, \
                 function log, stream, S3",
                look.shown(),
                &self.offset.clock(since)[..5]
            ),
        })
    }

    /// Whether `Enter` answers the question.
    pub(super) fn asks_to_look_back(&self) -> bool {
        self.question == Some(Question::LookBack)
    }

    /// Something is being looked for.
    pub(super) fn looks_back(&self) -> bool {
        self.look_back.as_ref().is_some_and(|look| look.looking)
    }

    /// Agreed: looks one step further back.
    pub(super) fn go_back(&mut self) -> Vec<Effect> {
        let now = self.now;
        let Some(look) = &mut self.look_back else { return Vec::new() };
        // The first step begins with what is loaded: rows may have been let go.
        let to = look.since.unwrap_or(now);
        let from = to.minus(look.step());
        look.since = Some(from);
        look.steps += 1;
        look.looking = true;
        let wanted = look.wanted.clone();
        let shown = look.shown();
        self.say(format!("Looking for {shown}. Ctrl-C stops it."));
        vec![Effect::LookBack { wanted, from, to }]
    }

    /// Looking is given up.
    pub(super) fn stop_looking(&mut self) -> Vec<Effect> {
        self.look_back = None;
        self.say("Looking back is stopped.");
        vec![Effect::StopLooking]
    }

    /// How it goes on.
    pub(super) fn looked_back(&mut self, news: LookBackNews) {
        let Some(look) = self.look_back.as_mut().filter(|look| look.looking) else { return };
        match news {
            LookBackNews::In(place) => {
                let shown = look.shown();
                self.say(format!("Looking for {shown} in {place}. Ctrl-C stops it."));
            }
            LookBackNews::NotFound => {
                look.looking = false;
                self.notice = None;
                // Whoever types is not interrupted: their Enter would be the answer.
                if self.context() == Context::Panes {
                    self.question = Some(Question::LookBack);
                } else {
                    let shown = self.look_back.take().map(|look| look.shown()).unwrap_or_default();
                    self.say(format!("{shown} was not found so far back. Find it again to look further."));
                }
            }
            LookBackNews::Failed(error) => {
                self.look_back = None;
                self.say(error);
            }
            LookBackNews::Found => {
                let wanted = look.wanted.clone();
                self.look_back = None;
                self.notice = None;
                if self.context() == Context::Panes {
                    self.open_found(&wanted);
                } else {
                    self.say(format!("{wanted} was found: it stands in the panes. : and the id opens its trace."));
                }
            }
        }
    }

    /// Selects what was found and opens its trace.
    fn open_found(&mut self, wanted: &str) {
        let query = Query::find(wanted);
        let row = query.as_ref().and_then(|query| {
            Pane::ALL.iter().find_map(|pane| {
                let id = self.pane(*pane).newest_where(|row| query.matches(row, &self.traces))?;
                Some((*pane, id))
            })
        });
        if let Some((pane, id)) = row {
            self.focus_on(pane);
            self.focused().select(id);
        }
        self.set_find(query);
        let of_row = |row: &Row| match row {
            Row::Object(object) => self.traces.numbers_in_object(&object.key).first().copied(),
            row => row.number(&self.traces),
        };
        let beside = || row.and_then(|(pane, id)| of_row(self.pane(pane).history().get(id)?));
        match self.traces.number_of_id(wanted).or_else(beside) {
            Some(number) => self.open_trace(number),
            None => self.say("Found. Its trace is not known: no line names its record."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_are_named_for_what_is_looked_for() {
        let of = |wanted: &str, steps| {
            let look = LookBack { wanted: wanted.to_owned(), since: None, steps, looking: false };
            look.calls(Duration::from_mins(1))
        };
        assert_eq!(of("Yx3kAbCdSwMEJZw=", 0), 9);
        assert_eq!(of("Yx3kAbCdSwMEJZw=", 4), 9);
        assert_eq!(of("user 417", 0), 9 + 1 + 60);
        assert_eq!(of("user 417", 2), 9 + 24 + 100);
    }
}
