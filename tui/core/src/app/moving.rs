//! Moving: between panes, rows and events, and into the row that is opened.

use super::{App, ChartRow, Context, Detail, DetailLine, Pane, PaneState, Row};
use crate::trace::EventNumber;

/// How many columns a step sideways moves.
const SIDEWAYS_COLUMNS: usize = 8;

impl App {
    pub(super) fn focused(&mut self) -> &mut PaneState {
        &mut self.panes[self.focus as usize]
    }

    pub(super) fn focus_on(&mut self, pane: Pane) {
        if pane.is_apart() && !self.focus.is_apart() {
            self.focus_before = self.focus;
        }
        self.focus = pane;
        if pane == Pane::Traces {
            self.panes[pane as usize].refilter(&self.traces);
        }
    }

    pub(super) fn leave_large(&mut self) {
        self.large = false;
        if self.focus.is_apart() {
            self.focus = self.focus_before;
        }
    }

    pub(super) fn turn_pane(&mut self, steps: usize) {
        let panes = Pane::OVERVIEW;
        if self.deployment.ready().is_none() {
            return;
        }
        self.focus = match panes.iter().position(|pane| *pane == self.focus) {
            Some(index) => panes[(index + steps) % panes.len()],
            None => self.focus_before,
        };
    }

    /// How many rows a page has.
    pub(super) fn page(&self) -> isize {
        let layout = self.layout();
        let height = if self.detail.is_some() || self.help.is_some() || self.messages.is_some() {
            layout.body.height
        } else {
            layout.pane(self.focus).map_or(1, |area| area.height)
        };
        isize::try_from(height.saturating_sub(2)).unwrap_or(1).max(1)
    }

    pub(super) fn move_by(&mut self, rows: isize) {
        if self.palette.is_some() {
            self.move_in_palette(rows);
        } else if self.messages.is_some() {
            self.scroll_messages(rows);
        } else if self.picker.is_some() {
            self.move_in_picker(rows);
        } else if self.help.is_some() {
            self.scroll_help(rows);
        } else if let Some(detail) = &mut self.detail {
            detail.move_by(rows);
        } else if self.context() == Context::Breaking {
            self.move_in_breaking(rows);
        } else if self.trace.is_some() {
            self.move_in_trace(rows);
        } else if self.context() == Context::Preview {
            let last = self.preview_lines().len().saturating_sub(1);
            self.preview_scroll = self.preview_scroll.saturating_add_signed(rows).min(last);
        } else if self.in_chart() {
            let chart = self.chart();
            let last = chart.rows.len().saturating_sub(1);
            let from = self.chart_selected(&chart).unwrap_or(0);
            self.chart_row = Some(from.saturating_add_signed(rows).min(last));
        } else {
            self.focused().move_by(rows);
        }
    }

    pub(super) fn go_first(&mut self) {
        if self.messages.is_some() {
            self.scroll_messages(isize::MIN);
        } else if let Some(help) = &mut self.help {
            help.scroll = 0;
        } else if let Some(detail) = &mut self.detail {
            detail.cursor = 0;
        } else if self.trace.is_some() {
            self.move_in_trace(isize::MIN + 1);
        } else if self.in_chart() {
            self.chart_row = Some(0);
        } else {
            self.focused().first();
        }
    }

    pub(super) fn go_newest(&mut self) {
        let page = self.page();
        if self.messages.is_some() {
            self.scroll_messages(isize::MAX);
        } else if self.help.is_some() {
            self.scroll_help(isize::MAX);
            self.scroll_help(1 - page);
        } else if let Some(detail) = &mut self.detail {
            detail.move_by(isize::MAX);
        } else if self.trace.is_some() {
            self.move_in_trace(isize::MAX);
        } else if self.in_chart() {
            self.chart_row = None;
        } else {
            self.focused().follow();
        }
    }

    pub(super) fn sideways(&mut self, right: bool) {
        let now = self.now;
        if let Some(detail) = &mut self.detail {
            if right {
                detail.fold_right();
            } else {
                detail.fold_left();
            }
        } else if self.focus == Pane::Send {
            self.send.turn_template(right, now);
        } else {
            let pane = self.focused();
            pane.sideways = if right {
                pane.sideways.saturating_add(SIDEWAYS_COLUMNS)
            } else {
                pane.sideways.saturating_sub(SIDEWAYS_COLUMNS)
            };
        }
    }

    pub(super) fn wrap(&mut self) {
        if let Some(detail) = &mut self.detail {
            detail.wrap = !detail.wrap;
        } else {
            let pane = self.focused();
            pane.wrap = !pane.wrap;
            pane.sideways = 0;
        }
    }

    pub(super) fn open_selected(&mut self) {
        if let Some(detail) = &mut self.detail {
            if detail.in_tree() {
                detail.turn_fold();
            } else if self.event_under_cursor().is_some() {
                self.trace_of_row();
            }
            return;
        }
        if self.trace.is_some() && self.detail.is_none() {
            return self.open_in_trace();
        }
        if self.in_chart() {
            return self.open_of_chart();
        }
        if self.focus == Pane::Traces {
            return self.trace_of_row();
        }
        if self.enter_is_why() && self.open_why() {
            return;
        }
        let pane = self.focus;
        if let Some((id, row)) = self.pane(pane).selected() {
            self.detail = Some(Detail::of(pane, id, row, &self.traces, self.offset()));
        }
    }

    /// The open row as it is now; where it was let go, as it was.
    pub(super) fn detail_again(&self, before: Detail, pane: Pane, id: u64) -> Detail {
        match self.pane(pane).history().get(id) {
            Some(row) => Detail::of(pane, id, row, &self.traces, self.offset()).as_before(&before),
            None => before,
        }
    }

    /// The chart's row: what is folded unfolds, a resource shows its last event.
    pub(super) fn open_of_chart(&mut self) {
        let chart = self.chart();
        let row = self.chart_selected(&chart).and_then(|index| chart.rows.get(index));
        match row {
            Some(ChartRow::Fold { .. }) => self.unfolded = !self.unfolded,
            Some(ChartRow::Resource(resource)) => {
                let pane = self.pane(Pane::Stack);
                let of_it = |row: &Row| matches!(row, Row::Stack(event) if event.logical_id == resource.logical_id);
                let found = pane.history().iter().rfind(|(_, row)| of_it(row));
                match found {
                    Some((id, row)) => {
                        self.detail = Some(Detail::of(Pane::Stack, id, row, &self.traces, self.offset()));
                    }
                    None => self.say("It has not begun: there is no event of it yet."),
                }
            }
            None => {}
        }
    }

    /// The event before or after: the row beside the open one, or the body sent before.
    pub(super) fn turn_event(&mut self, back: bool) {
        if self.detail.is_none()
            && let Some(number) = self.trace()
        {
            self.turn_trace(number, back);
            return;
        }
        let Some(detail) = &self.detail else {
            let now = self.now;
            if !self.send.turn_history(back, now) {
                self.say("No body was sent before that one.");
            }
            return;
        };
        let wrap = detail.wrap;
        let (pane, id) = (detail.pane, detail.row);
        let state = &mut self.panes[pane as usize];
        let index = state.index_of(id);
        let beside = if back { index.checked_sub(1) } else { Some(index + 1) };
        if let Some(id) = beside.and_then(|index| state.id_at(index)) {
            state.select(id);
            self.open_row(pane, id);
            if let Some(detail) = &mut self.detail {
                detail.wrap = wrap;
            }
        } else {
            self.say(if back { "This is the oldest row." } else { "This is the newest row." });
        }
    }

    pub(super) fn turn_trace(&mut self, number: EventNumber, back: bool) {
        match self.traces.beside(number, back) {
            Some(number) => self.turn_trace_to(number),
            None => self.say(if back { "This is the first event known here." } else { "This is the last event." }),
        }
    }

    /// The event of the object's line under the cursor.
    pub(super) fn event_under_cursor(&self) -> Option<EventNumber> {
        match self.detail.as_ref()?.line()? {
            DetailLine::Record(line) => line.number,
            _ => None,
        }
    }

    /// The event that `t` is about: the row's, in Send the last one sent where no row is selected.
    pub(super) fn traced(&self) -> Option<EventNumber> {
        if let Some(number) = self.event_under_cursor() {
            return Some(number);
        }
        let row = match &self.detail {
            Some(detail) => self.pane(detail.pane).history().get(detail.row),
            None if self.focus == Pane::Send && self.pane(Pane::Send).following() => None,
            None => self.pane(self.focus).selected().map(|(_, row)| row),
        };
        let last = || self.traces.own().next_back().map(|(seq, _)| EventNumber::Own(seq));
        match row {
            Some(Row::Object(object)) => self.traces.numbers_in_object(&object.key).first().copied(),
            Some(row) => row.number(&self.traces),
            None => last(),
        }
    }
}
