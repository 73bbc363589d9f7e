//! A pane: its rows, which of them are shown, and which one is selected.

use std::collections::VecDeque;

use super::{History, Query, Row};
use crate::trace::Traces;

/// The panes, in the order of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pane {
    /// The editor and the answers.
    Send,
    /// The logs of function, gateway and delivery.
    Logs,
    /// The stream's records.
    Records,
    /// The bucket's objects.
    Objects,
    /// Every event, and how long it took at each hop.
    Traces,
    /// The stack's operation and events.
    Stack,
    /// The calls that this program made.
    Calls,
}

impl Pane {
    /// All of them, in order.
    pub const ALL: [Self; 7] =
        [Self::Send, Self::Logs, Self::Records, Self::Objects, Self::Traces, Self::Stack, Self::Calls];

    /// The ones on the overview.
    pub const OVERVIEW: [Self; 4] = [Self::Send, Self::Logs, Self::Records, Self::Objects];

    /// The name in its title.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Send => "Send",
            Self::Logs => "Logs",
            Self::Records => "Records",
            Self::Objects => "Objects",
            Self::Traces => "Traces",
            Self::Stack => "Stack",
            Self::Calls => "Calls",
        }
    }

    /// Whether it is no part of the overview and takes all the room.
    pub const fn is_apart(self) -> bool {
        matches!(self, Self::Traces | Self::Stack | Self::Calls)
    }

    /// The key that focuses it.
    pub const fn digit(self) -> char {
        match self {
            Self::Send => '1',
            Self::Logs => '2',
            Self::Records => '3',
            Self::Objects => '4',
            Self::Traces => '5',
            Self::Stack => '6',
            Self::Calls => '7',
        }
    }
}

/// Where to look next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Towards the newest.
    Down,
    /// Towards the oldest.
    Up,
}

/// A pane's rows and what is shown of them.
#[derive(Debug, Default)]
pub struct PaneState {
    history: History,
    filter: Option<Query>,
    /// The ids of the rows that the filter lets through; unused without one.
    matched: VecDeque<u64>,
    find: Option<Query>,
    /// The ids of the shown rows in which what is looked for stands.
    found: VecDeque<u64>,
    /// The selected row; `None`: the pane follows the newest.
    selected: Option<u64>,
    /// The id of the next row when following was paused.
    paused_at: u64,
    /// How many columns the rows are moved sideways.
    pub sideways: usize,
    /// Long rows go on in the next line.
    pub wrap: bool,
    /// Rows can turn out to be no events of their own, or be let go: these are hidden.
    of_traces: bool,
}

impl PaneState {
    /// A pane without rows.
    pub fn of(pane: Pane) -> Self {
        Self { of_traces: pane == Pane::Traces, ..Self::default() }
    }

    /// Only some rows are shown.
    fn chooses(&self) -> bool {
        self.filter.is_some() || self.of_traces
    }

    /// Which rows are shown can change after they came.
    pub fn changes_with_traces(&self) -> bool {
        self.of_traces || self.filter.as_ref().is_some_and(Query::depends_on_traces)
    }

    fn shows(&self, row: &Row, traces: &Traces) -> bool {
        !row.is_gone(traces) && self.filter.as_ref().is_none_or(|filter| filter.matches(row, traces))
    }

    /// All rows that are kept.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// What hides rows.
    pub const fn filter(&self) -> Option<&Query> {
        self.filter.as_ref()
    }

    /// Whether the newest row is kept in sight.
    pub const fn following(&self) -> bool {
        self.selected.is_none()
    }

    /// How many rows are shown, scrolled or not.
    pub fn len(&self) -> usize {
        if self.chooses() { self.matched.len() } else { self.history.len() }
    }

    /// Whether none is shown.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of the row at an index among the shown.
    pub fn id_at(&self, index: usize) -> Option<u64> {
        if self.chooses() {
            self.matched.get(index).copied()
        } else {
            (index < self.history.len()).then(|| self.history.first() + index as u64)
        }
    }

    /// The index among the shown of the first row whose id is not below this.
    pub fn index_of(&self, id: u64) -> usize {
        if self.chooses() {
            self.matched.partition_point(|matched| *matched < id)
        } else {
            usize::try_from(id.saturating_sub(self.history.first())).unwrap_or(usize::MAX).min(self.history.len())
        }
    }

    /// The row at an index among the shown.
    pub fn row_at(&self, index: usize) -> Option<(u64, &Row)> {
        let id = self.id_at(index)?;
        self.history.get(id).map(|row| (id, row))
    }

    /// The index among the shown of the selected row: the newest while following.
    pub fn selected_index(&self) -> Option<usize> {
        let last = self.len().checked_sub(1)?;
        Some(self.selected.map_or(last, |id| self.index_of(id).min(last)))
    }

    /// The selected row.
    pub fn selected(&self) -> Option<(u64, &Row)> {
        self.row_at(self.selected_index()?)
    }

    /// How many shown rows came since following was paused and are below the selected one.
    pub fn new_below(&self) -> usize {
        let Some(selected) = self.selected else { return 0 };
        self.len() - self.index_of(self.paused_at.max(selected + 1))
    }

    /// How many rows the filter hides.
    pub fn hidden(&self) -> usize {
        self.history.len() - self.len()
    }

    /// Adds the newest row.
    pub fn push(&mut self, row: Row, traces: &Traces) {
        let id = self.history.next();
        let shown = self.shows(&row, traces);
        if shown && self.chooses() {
            self.matched.push_back(id);
        }
        if shown && self.find.as_ref().is_some_and(|find| find.matches(&row, traces)) {
            self.found.push_back(id);
        }
        self.history.push(row);
        let first = self.history.first();
        for ids in [&mut self.matched, &mut self.found] {
            while ids.front().is_some_and(|id| *id < first) {
                ids.pop_front();
            }
        }
    }

    /// Shows only what the query lets through; `None` shows all. The selection stays where it can.
    pub fn set_filter(&mut self, filter: Option<Query>, traces: &Traces) {
        self.filter = filter;
        self.refilter(traces);
    }

    /// Looks for this from now on; `None`: for nothing.
    pub fn set_find(&mut self, find: Option<Query>, traces: &Traces) {
        self.find = find;
        self.find_again(traces);
    }

    /// Looks through all rows again.
    pub fn refilter(&mut self, traces: &Traces) {
        self.matched.clear();
        if self.chooses() {
            let shown = self.history.iter().filter(|(_, row)| self.shows(row, traces)).map(|(id, _)| id);
            let shown: VecDeque<u64> = shown.collect();
            self.matched = shown;
        }
        self.find_again(traces);
    }

    fn find_again(&mut self, traces: &Traces) {
        let mut found = std::mem::take(&mut self.found);
        found.clear();
        if let Some(find) = &self.find {
            let shown = (0..self.len()).filter_map(|index| self.row_at(index));
            found.extend(shown.filter(|(_, row)| find.matches(row, traces)).map(|(id, _)| id));
        }
        self.found = found;
    }

    /// How many of the shown rows hold what is looked for.
    pub fn found(&self) -> usize {
        self.found.len()
    }

    /// Whether something is looked for.
    pub const fn finds(&self) -> bool {
        self.find.is_some()
    }

    /// Which of the matches the selected row is, from 1, where it is one.
    pub fn found_place(&self) -> Option<usize> {
        let (id, _) = self.selected()?;
        self.found.binary_search(&id).ok().map(|index| index + 1)
    }

    /// The match before or after the selected row, and whether it lies around the end; `None` where
    /// there is no other.
    pub fn next_found(&self, direction: Direction) -> Option<(u64, bool)> {
        let (from, _) = self.selected()?;
        let (next, around) = match direction {
            Direction::Down => {
                let after = self.found.partition_point(|id| *id <= from);
                (self.found.get(after).or_else(|| self.found.front()), after == self.found.len())
            }
            Direction::Up => {
                let before = self.found.partition_point(|id| *id < from).checked_sub(1);
                let next = before.and_then(|index| self.found.get(index)).or_else(|| self.found.back());
                (next, before.is_none())
            }
        };
        next.filter(|id| **id != from).map(|id| (*id, around))
    }

    /// The newest match, from the selected row upwards, itself included, and around.
    pub fn newest_found(&self) -> Option<u64> {
        let (from, _) = self.selected()?;
        let upto = self.found.partition_point(|id| *id <= from);
        let above = upto.checked_sub(1).and_then(|index| self.found.get(index));
        above.or_else(|| self.found.back()).copied()
    }

    /// Selects the row with this id, or the next shown after it, and pauses.
    pub fn select(&mut self, id: u64) {
        if self.following() {
            self.paused_at = self.history.next();
        }
        self.selected = self.id_at(self.index_of(id).min(self.len().saturating_sub(1)));
    }

    /// Moves the selection by so many shown rows. Moving up pauses; moving down past the newest
    /// follows again.
    pub fn move_by(&mut self, rows: isize) {
        let Some(index) = self.selected_index() else { return };
        if rows > 0 && index + 1 == self.len() {
            self.follow();
        } else if let Some(id) = self.id_at(index.saturating_add_signed(rows).min(self.len() - 1)) {
            self.select(id);
        }
    }

    /// Selects the oldest row.
    pub fn first(&mut self) {
        self.select(0);
    }

    /// Follows the newest.
    pub const fn follow(&mut self) {
        self.selected = None;
    }

    /// The newest row, from the selected one upwards, itself included, that satisfies the test.
    pub fn newest_where(&self, test: impl Fn(&Row) -> bool) -> Option<u64> {
        let length = self.len();
        let from = self.selected_index()?;
        (0..length)
            .filter_map(|step| self.row_at((from + length - step) % length))
            .find(|(_, row)| test(row))
            .map(|(id, _)| id)
    }

    /// The next other row, from the selected one and around the end, that satisfies the test; and
    /// whether it went around.
    pub fn next_where(&self, direction: Direction, test: impl Fn(&Row) -> bool) -> Option<(u64, bool)> {
        let length = self.len();
        let from = self.selected_index()?;
        (1..length).find_map(|step| {
            let index = match direction {
                Direction::Down => (from + step) % length,
                Direction::Up => (from + length - step % length) % length,
            };
            let around = match direction {
                Direction::Down => index <= from,
                Direction::Up => index >= from,
            };
            let (id, row) = self.row_at(index)?;
            test(row).then_some((id, around))
        })
    }
}
