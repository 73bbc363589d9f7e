//! Finding and filtering.

use std::time::Duration;

use super::{App, DetailLine, Direction, Line, Pane, PaneState, Prompt, PromptKind, Query, QueryError, Sign};
use crate::{events::Timestamp, text::number};

/// At most so often the rows are looked through again because an event's number or ids became
/// known: a flood of events must not make keys wait.
const LOOK_AGAIN_EVERY: Duration = Duration::from_millis(250);

/// What is looked for, and what is still to be looked at.
#[derive(Debug, Default)]
pub(super) struct Finding {
    /// What was looked for last; it is marked in every pane.
    query: Option<Query>,
    /// What is being typed to be found.
    typed: Option<Query>,
    /// The filter before the one being typed.
    filter_before: Option<Query>,
    /// Rows may match by now that did not, or no longer.
    stale: bool,
    /// When the rows were last looked through again.
    looked: Option<Timestamp>,
}

impl Finding {
    /// Rows are to be looked through again.
    pub(super) const fn is_due(&self) -> bool {
        self.stale
    }
}

impl App {
    /// What was looked for last, or is being typed to be found.
    pub fn find(&self) -> Option<&Query> {
        self.finding.typed.as_ref().or(self.finding.query.as_ref())
    }

    /// The texts that are marked wherever they stand, in small letters.
    pub fn marks(&self) -> Vec<String> {
        self.find().map(Query::marks).unwrap_or_default()
    }

    /// What is wrong with the filter being typed.
    pub fn filter_error(&self) -> Option<QueryError> {
        let prompt = self.prompt.as_ref().filter(|prompt| prompt.kind == PromptKind::Filter)?;
        Query::filter(prompt.text()).err()
    }

    /// What the line being typed may say, or what is wrong with it.
    pub(super) fn prompt_line(&self) -> Option<Line> {
        let prompt = self.prompt.as_ref()?;
        if let Some(error) = self.filter_error() {
            let column = prompt.text()[..error.at].chars().count() + 1;
            return Some(Line::Trouble(Sign::Attention, format!("Column {column}: {}.", error.what)));
        }
        let words = match (prompt.kind, prompt.text().trim().is_empty()) {
            (PromptKind::Filter, true) => {
                "text \"a b\" -text level>=WARN source=access id=… status>=400 #42 $.user_id=417 or"
            }
            (PromptKind::Find, true) => "A text as it stands there, #42, id=… or $.user_id=417. Then n, N and ! go on.",
            _ => return None,
        };
        Some(Line::Hint(words.to_owned()))
    }

    /// Events became known: rows may match by now.
    pub(super) fn look_again(&mut self) {
        let depends = |query: &Option<Query>| query.as_ref().is_some_and(Query::depends_on_traces);
        let find = depends(&self.finding.query);
        let listed = self.focus == Pane::Traces;
        // Traces is looked through while it is looked at.
        let changes =
            |pane: Pane, state: &PaneState| (pane != Pane::Traces || listed) && (find || state.changes_with_traces());
        if !Pane::ALL.into_iter().any(|pane| changes(pane, self.pane(pane))) {
            self.finding.stale = false;
            return;
        }
        if self.finding.looked.is_some_and(|looked| self.now.since(looked) < LOOK_AGAIN_EVERY) {
            self.finding.stale = true;
            return;
        }
        self.finding.stale = false;
        self.finding.looked = Some(self.now);
        for (pane, state) in Pane::ALL.into_iter().zip(&mut self.panes) {
            if changes(pane, state) {
                state.refilter(&self.traces);
            }
        }
        self.dirty = true;
    }

    pub(super) fn begin_filter(&mut self) {
        let filter = self.pane(self.focus).filter().cloned();
        let text = filter.as_ref().map_or("", |filter| filter.text.as_str()).to_owned();
        self.finding.filter_before = filter;
        self.prompt = Some(Prompt::new(PromptKind::Filter, &text));
    }

    pub(super) fn set_filter(&mut self, filter: Option<Query>) {
        self.panes[self.focus as usize].set_filter(filter, &self.traces);
    }

    /// The filter is as it was before one was typed.
    pub(super) fn drop_typed(&mut self, kind: PromptKind) {
        self.finding.typed = None;
        if kind == PromptKind::Filter {
            let before = self.finding.filter_before.take();
            self.set_filter(before);
        }
    }

    /// What is typed shows at once what it does; a term that is not right yet hides nothing.
    pub(super) fn typed(&mut self) {
        let Some(prompt) = &self.prompt else { return };
        match prompt.kind {
            PromptKind::Filter => {
                let text = prompt.text();
                let filter = Query::filter(text).or_else(|error| {
                    let before = text[..error.at].rfind(char::is_whitespace).unwrap_or(0);
                    Query::filter(&text[..before])
                });
                if let Ok(filter) = filter {
                    self.set_filter(filter);
                }
            }
            PromptKind::Find => self.finding.typed = Query::find(prompt.text()),
            _ => {}
        }
    }

    /// What was typed hides rows; what is wrong with it leaves it where it was typed.
    pub(super) fn accept_filter(&mut self, prompt: Prompt) {
        match Query::filter(prompt.text()) {
            Ok(filter) => {
                self.finding.filter_before = None;
                self.focused().follow();
                self.set_filter(filter);
            }
            Err(_) => self.prompt = Some(prompt),
        }
    }

    /// What was typed is looked for; nothing typed: the same again.
    pub(super) fn accept_find(&mut self, text: &str) {
        self.finding.typed = None;
        let Some(query) = Query::find(text) else {
            return self.find_next(Direction::Up);
        };
        // A known id leads to its event, whoever's it is.
        if self.detail.is_none()
            && let Some(number) = self.traces.number_of_id(text.trim())
        {
            self.open_trace(number);
            return;
        }
        self.set_find(Some(query));
        if self.detail.is_some() {
            return self.find_in_detail(Direction::Down, true);
        }
        self.find_first();
    }

    pub(super) fn set_find(&mut self, query: Option<Query>) {
        for pane in &mut self.panes {
            pane.set_find(query.clone(), &self.traces);
        }
        self.finding.query = query;
    }

    /// Nothing is looked for any more.
    pub(super) fn forget_find(&mut self) {
        self.finding.typed = None;
        self.set_find(None);
    }

    pub(super) const fn finds(&self) -> bool {
        self.finding.query.is_some()
    }

    /// The newest match in the focused pane; where it has none, in the others.
    pub(super) fn find_first(&mut self) {
        let from = Pane::ALL.iter().position(|pane| *pane == self.focus).unwrap_or(0);
        let found = (0..Pane::ALL.len()).find_map(|step| {
            let pane = Pane::ALL[(from + step) % Pane::ALL.len()];
            self.pane(pane).newest_found().map(|id| (pane, id))
        });
        match found {
            Some((pane, id)) => {
                self.focus_on(pane);
                self.focused().select(id);
                self.notice = None;
                self.say_found("");
            }
            // What a filter hides is loaded: it is no reason to look further back.
            None if self.panes.iter().any(|pane| pane.hidden() > 0) => {
                self.say_not_found("is not in any row loaded here");
            }
            None => {
                let wanted = self.finding.query.as_ref().map(|query| query.text.clone()).unwrap_or_default();
                self.offer_look_back(&wanted);
            }
        }
    }

    fn say_not_found(&mut self, what: &str) {
        let text = self.finding.query.as_ref().map(|query| query.text.clone()).unwrap_or_default();
        let filtered = self.panes.iter().any(|pane| pane.hidden() > 0);
        let hidden = if filtered { " that a filter shows" } else { "" };
        self.say(format!("{text} {what}{hidden}."));
    }

    /// Which of how many matches this is, and how it was come by.
    fn say_found(&mut self, how: &str) {
        let pane = self.pane(self.focus);
        let of = number::grouped(pane.found() as u64);
        let place = pane.found_place().map(|place| format!("match {} of {of}", number::grouped(place as u64)));
        let words: Vec<String> = [how.to_owned()].into_iter().filter(|how| !how.is_empty()).chain(place).collect();
        let mut words = words.join(": ");
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        self.say(format!("{words}."));
    }

    /// The next line of the open row in which what is looked for stands; `here`: the line under the
    /// cursor counts, too.
    fn find_in_detail(&mut self, direction: Direction, here: bool) {
        let marks = self.marks();
        let Some(detail) = &mut self.detail else { return };
        detail.unfold_for(&marks);
        let holds = |line: &DetailLine| marks.iter().any(|mark| line.holds(mark));
        let found: Vec<usize> = (0..detail.lines.len()).filter(|index| holds(&detail.lines[*index])).collect();
        let from = detail.cursor;
        let after = found.partition_point(|index| if here { *index < from } else { *index <= from });
        let before = found.partition_point(|index| *index < from);
        let (place, around) = match direction {
            Direction::Down if after < found.len() => (after, false),
            Direction::Down => (0, true),
            Direction::Up if before > 0 => (before - 1, false),
            Direction::Up => (found.len().saturating_sub(1), true),
        };
        let Some(line) = found.get(place) else {
            return self.say_not_found("is not in this row");
        };
        detail.cursor = *line;
        let how = match (around, direction) {
            (false, _) => "Match",
            (true, Direction::Down) => "Past the last line, on from the first: match",
            (true, Direction::Up) => "Past the first line, on from the last: match",
        };
        self.say(format!("{how} {} of {}.", place + 1, number::counted(found.len() as u64, "line")));
    }

    pub(super) fn find_next(&mut self, direction: Direction) {
        if self.detail.is_some() {
            return self.find_in_detail(direction, false);
        }
        if self.finding.query.is_none() {
            return;
        }
        match self.pane(self.focus).next_found(direction) {
            Some((id, around)) => {
                self.focused().select(id);
                self.say_found(around_words(around, direction));
            }
            None if self.pane(self.focus).found() == 1 => self.say_not_found("is in no other row of this pane"),
            None => self.say_not_found("is in no row of this pane"),
        }
    }

    pub(super) fn next_trouble(&mut self) {
        let Some((id, around)) = self.pane(self.focus).next_where(Direction::Down, |row| self.is_trouble(row)) else {
            let only = self.pane(self.focus).selected().is_some_and(|(_, row)| self.is_trouble(row));
            if (!only || !self.focus.is_apart()) && self.open_why() {
                return;
            }
            let what = if only { "No other row of this pane" } else { "No row of this pane" };
            let hidden = if self.pane(self.focus).hidden() > 0 { ", of those shown" } else { "" };
            return self.say(format!("{what} failed or warns{hidden}."));
        };
        self.focused().select(id);
        match around_words(around, Direction::Down) {
            "" => self.notice = None,
            words => self.say(format!("{words}.")),
        }
    }
}

/// How a search came around the end, where it did.
const fn around_words(around: bool, direction: Direction) -> &'static str {
    match (around, direction) {
        (false, _) => "",
        (true, Direction::Down) => "Past the newest row, on from the oldest",
        (true, Direction::Up) => "Past the oldest row, on from the newest",
    }
}
