//! Finding and filtering.

use super::{App, Direction, Pane, PromptKind, Query};

impl App {
    pub(super) fn set_filter(&mut self, filter: Option<Query>) {
        self.panes[self.focus as usize].set_filter(filter, &self.traces);
    }

    /// A filter shows at once what it does.
    pub(super) fn typed(&mut self) {
        if let Some(prompt) = &self.prompt
            && prompt.kind == PromptKind::Filter
        {
            let filter = Query::parse(prompt.text());
            self.set_filter(filter);
        }
    }

    /// The newest match in the focused pane; where it has none, in the others.
    pub(super) fn find_first(&mut self, query: &Query) {
        let from = Pane::ALL.iter().position(|pane| *pane == self.focus).unwrap_or(0);
        let found = (0..Pane::ALL.len()).find_map(|step| {
            let pane = Pane::ALL[(from + step) % Pane::ALL.len()];
            self.pane(pane).newest_where(|row| query.matches(row, &self.traces)).map(|id| (pane, id))
        });
        match found {
            Some((pane, id)) => {
                self.focus_on(pane);
                self.focused().select(id);
                self.notice = None;
            }
            None => self.offer_look_back(&query.text),
        }
    }

    pub(super) fn find_next(&mut self, direction: Direction) {
        let Some(query) = self.find.clone() else { return };
        let found = self.pane(self.focus).next_where(direction, |row| query.matches(row, &self.traces));
        self.go_to(found, direction, &format!("{} is in no other row of this pane.", query.text));
    }

    pub(super) fn next_trouble(&mut self) {
        let found = self.pane(self.focus).next_where(Direction::Down, |row| self.is_trouble(row));
        if found.is_none() && self.open_why() {
            return;
        }
        self.go_to(found, Direction::Down, "No row of this pane failed or warns.");
    }

    pub(super) fn go_to(&mut self, found: Option<(u64, bool)>, direction: Direction, otherwise: &str) {
        let Some((id, around)) = found else {
            self.say(otherwise);
            return;
        };
        self.focused().select(id);
        match (around, direction) {
            (false, _) => self.notice = None,
            (true, Direction::Down) => self.say("Past the newest row: on from the oldest."),
            (true, Direction::Up) => self.say("Past the oldest row: on from the newest."),
        }
    }
}
