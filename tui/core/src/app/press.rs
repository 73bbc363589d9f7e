//! What keys, pastes and the mouse do to the state.

use super::{
    Action, App, ChartRow, Context, Destroying, Detail, Direction, Effect, KeyPress, Mouse, MouseKind, Pane, PaneState,
    Phase, Prompt, PromptKind, Query, Question, Row, Sign, Target, Work, keymap,
};
use crate::trace::EventNumber;

/// How many rows the wheel moves.
const WHEEL_ROWS: isize = 3;
/// How many columns a step sideways moves.
const SIDEWAYS_COLUMNS: usize = 8;

impl App {
    pub(super) fn press(&mut self, press: KeyPress) -> Vec<Effect> {
        let context = if self.types_by_itself() { Context::Panes } else { self.context() };
        if self.types_by_itself() && !keymap::action(self, context, press).is_some_and(Action::steers_replays) {
            return Vec::new();
        }
        if let Some(action) = keymap::action(self, context, press) {
            return self.act(action);
        }
        if context == Context::Prompt && self.prompt.as_mut().is_some_and(|prompt| prompt.key(press)) {
            self.typed();
        }
        Vec::new()
    }

    /// A paste never starts anything: it is text for the line being typed, or what to find.
    pub(super) fn paste(&mut self, text: &str) {
        match self.context() {
            Context::Prompt => {
                if let Some(prompt) = &mut self.prompt {
                    prompt.insert(text);
                }
                self.typed();
            }
            Context::Panes | Context::Detail | Context::Trace | Context::Help => {
                self.help = None;
                self.detail = None;
                self.trace = None;
                self.prompt = Some(Prompt::new(PromptKind::Find, text));
            }
            Context::Question
            | Context::Start
            | Context::Editing
            | Context::Preview
            | Context::Destroy
            | Context::Running => {}
        }
    }

    pub(super) fn mouse(&mut self, mouse: Mouse) {
        let wheel = match mouse.kind {
            MouseKind::WheelUp => -WHEEL_ROWS,
            MouseKind::WheelDown => WHEEL_ROWS,
            MouseKind::Click => 0,
        };
        match self.context() {
            Context::Help => self.scroll_help(wheel),
            Context::Detail => {
                if let Some(detail) = &mut self.detail {
                    detail.scroll_by(wheel);
                }
            }
            Context::Panes if wheel != 0 => self.panes[mouse.pane as usize].move_by(wheel),
            Context::Panes | Context::Editing if wheel == 0 => {
                self.editing &= mouse.pane == Pane::Send;
                self.focus_on(mouse.pane);
                if let Some(row) = mouse.row {
                    self.panes[mouse.pane as usize].select(row);
                }
            }
            _ => {}
        }
    }

    fn act(&mut self, action: Action) -> Vec<Effect> {
        if self.refused_in_replay(action) {
            return Vec::new();
        }
        match action {
            Action::Focus(pane) => {
                self.detail = None;
                self.trace = None;
                self.focus_on(pane);
            }
            Action::Overview => {
                self.detail = None;
                self.trace = None;
                self.leave_large();
            }
            Action::NextPane => self.turn_pane(1),
            Action::PreviousPane => self.turn_pane(Pane::OVERVIEW.len() - 1),
            Action::Large if self.focus.is_apart() => self.leave_large(),
            Action::Large => self.large = !self.large,
            Action::Up => self.move_by(-1),
            Action::Down => self.move_by(1),
            Action::PageUp => self.move_by(-self.page()),
            Action::PageDown => self.move_by(self.page()),
            Action::HalfUp => self.move_by(-(self.page() / 2).max(1)),
            Action::HalfDown => self.move_by((self.page() / 2).max(1)),
            Action::First => self.go_first(),
            Action::Newest => self.go_newest(),
            Action::Left => self.sideways(false),
            Action::Right => self.sideways(true),
            Action::Open => self.open_selected(),
            Action::PreviousEvent => self.turn_event(true),
            Action::NextEvent => self.turn_event(false),
            Action::Trace => {
                self.trace = self.traced();
                self.detail = None;
            }
            Action::Find => self.prompt = Some(Prompt::new(PromptKind::Find, "")),
            Action::Filter => {
                let filter = self.pane(self.focus).filter().cloned();
                let text = filter.as_ref().map_or("", |filter| filter.text.as_str()).to_owned();
                self.filter_before = filter;
                self.prompt = Some(Prompt::new(PromptKind::Filter, &text));
            }
            Action::ShowAll => self.set_filter(None),
            Action::FindNext => self.find_next(Direction::Down),
            Action::FindPrevious => self.find_next(Direction::Up),
            Action::NextTrouble => self.next_trouble(),
            Action::Send => return self.send_next(),
            Action::Edit => {
                self.focus_on(Pane::Send);
                self.editing = true;
            }
            Action::Copy => return self.copy(),
            Action::Wrap => self.wrap(),
            Action::Deploy => {
                self.deployment.begin(Work::Preparing, self.now);
                self.chart_row = None;
                return vec![Effect::Prepare];
            }
            Action::Destroy => self.destroying = Some(Destroying::default()),
            Action::Agree => return self.agree(),
            Action::Disagree => return self.disagree(),
            Action::KeepData => {
                if let Some(how) = &mut self.destroying {
                    how.keep_data = !how.keep_data;
                }
            }
            Action::WithoutDelivery => {
                if let Some(how) = &mut self.destroying {
                    how.now = !how.now;
                }
            }
            Action::CancelRunning => {
                self.question = None;
                return vec![Effect::Cancel];
            }
            Action::LeaveRunning => return vec![Effect::Quit],
            Action::TurnView => self.events_listed = !self.events_listed,
            Action::Retry if matches!(self.target, Target::Aws { .. }) => {
                self.deployment.again(Phase::Looking, self.now);
                return vec![Effect::Look];
            }
            Action::Retry => {
                let phase = if self.cloud.is_none() && self.target == Target::Local {
                    Phase::StartingCloud
                } else {
                    Phase::Deploying
                };
                self.deployment.again(phase, self.now);
                return vec![Effect::Deploy];
            }
            Action::Replay(step) => return vec![Effect::Replay(step)],
            Action::Help => self.help = Some(0),
            Action::Accept => return self.accept(),
            Action::Yes => return self.yes(),
            Action::No | Action::WatchRunning => self.question = None,
            Action::Back => return self.back(),
            Action::Interrupt => return self.interrupt(),
        }
        Vec::new()
    }

    fn focused(&mut self) -> &mut PaneState {
        &mut self.panes[self.focus as usize]
    }

    fn focus_on(&mut self, pane: Pane) {
        if pane.is_apart() && !self.focus.is_apart() {
            self.focus_before = self.focus;
        }
        self.focus = pane;
    }

    fn leave_large(&mut self) {
        self.large = false;
        if self.focus.is_apart() {
            self.focus = self.focus_before;
        }
    }

    fn turn_pane(&mut self, steps: usize) {
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
    fn page(&self) -> isize {
        let layout = self.layout();
        let height = if self.detail.is_some() || self.help.is_some() {
            layout.body.height
        } else {
            layout.pane(self.focus).map_or(1, |area| area.height)
        };
        isize::try_from(height.saturating_sub(2)).unwrap_or(1).max(1)
    }

    fn move_by(&mut self, rows: isize) {
        if self.help.is_some() {
            self.scroll_help(rows);
        } else if let Some(detail) = &mut self.detail {
            detail.scroll_by(rows);
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

    fn scroll_help(&mut self, lines: isize) {
        let last = self.help_lines().len().saturating_sub(1);
        if let Some(scroll) = &mut self.help {
            *scroll = scroll.saturating_add_signed(lines).min(last);
        }
    }

    fn go_first(&mut self) {
        if let Some(scroll) = &mut self.help {
            *scroll = 0;
        } else if let Some(detail) = &mut self.detail {
            detail.scroll = 0;
        } else if self.in_chart() {
            self.chart_row = Some(0);
        } else {
            self.focused().first();
        }
    }

    fn go_newest(&mut self) {
        let page = self.page();
        if self.help.is_some() {
            self.scroll_help(isize::MAX);
            self.scroll_help(1 - page);
        } else if let Some(detail) = &mut self.detail {
            detail.scroll_by(isize::MAX);
            detail.scroll_by(1 - page);
        } else if self.in_chart() {
            self.chart_row = None;
        } else {
            self.focused().follow();
        }
    }

    fn sideways(&mut self, right: bool) {
        let now = self.now;
        if self.focus == Pane::Send {
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

    fn wrap(&mut self) {
        if let Some(detail) = &mut self.detail {
            detail.wrap = !detail.wrap;
        } else {
            let pane = self.focused();
            pane.wrap = !pane.wrap;
            pane.sideways = 0;
        }
    }

    fn open_selected(&mut self) {
        if self.in_chart() {
            return self.open_of_chart();
        }
        let pane = self.focus;
        if let Some((id, row)) = self.pane(pane).selected() {
            self.detail = Some(Detail::of(pane, id, row, &self.traces, self.offset));
        }
    }

    /// The chart's row: what is folded unfolds, a resource shows its last event.
    fn open_of_chart(&mut self) {
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
                        self.detail = Some(Detail::of(Pane::Stack, id, row, &self.traces, self.offset));
                    }
                    None => self.say("It has not begun: there is no event of it yet."),
                }
            }
            None => {}
        }
    }

    /// The event before or after: the row beside the open one, or the body sent before.
    fn turn_event(&mut self, back: bool) {
        if let Some(number) = self.trace {
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
            self.open_selected();
            if let Some(detail) = &mut self.detail {
                detail.wrap = wrap;
            }
        } else {
            self.say(if back { "This is the oldest row." } else { "This is the newest row." });
        }
    }

    fn turn_trace(&mut self, number: EventNumber, back: bool) {
        let beside = match number {
            EventNumber::Own(seq) if back => seq.checked_sub(1).map(EventNumber::Own),
            EventNumber::Own(seq) => Some(EventNumber::Own(seq + 1)),
            EventNumber::Other(number) if back => number.checked_sub(1).map(EventNumber::Other),
            EventNumber::Other(number) => Some(EventNumber::Other(number + 1)),
        };
        match beside.filter(|number| self.traces.get(*number).is_some()) {
            Some(number) => self.trace = Some(number),
            None => self.say(if back { "This is the first event known here." } else { "This is the last event." }),
        }
    }

    /// The event that `t` is about: the row's, in Send the last one sent where no row is selected.
    fn traced(&self) -> Option<EventNumber> {
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

    fn set_filter(&mut self, filter: Option<Query>) {
        self.panes[self.focus as usize].set_filter(filter, &self.traces);
    }

    /// A filter shows at once what it does.
    fn typed(&mut self) {
        if let Some(prompt) = &self.prompt
            && prompt.kind == PromptKind::Filter
        {
            let filter = Query::parse(prompt.text());
            self.set_filter(filter);
        }
    }

    fn accept(&mut self) -> Vec<Effect> {
        let Some(prompt) = self.prompt.take() else { return Vec::new() };
        let query = Query::parse(prompt.text());
        match prompt.kind {
            PromptKind::AgreeToDeploy | PromptKind::AgreeToDestroy => {
                return self.agree_by_name(prompt.kind, prompt.text().trim());
            }
            PromptKind::Filter => {
                self.focused().follow();
                self.set_filter(query);
            }
            PromptKind::Find => {
                if let Some(query) = query {
                    self.find_first(&query);
                    self.find = Some(query);
                }
            }
        }
        Vec::new()
    }

    /// A yes to what is shown. Where something is lost, the stack's name is wanted, too.
    fn agree(&mut self) -> Vec<Effect> {
        if self.destroying.is_some() {
            self.prompt = Some(Prompt::new(PromptKind::AgreeToDestroy, ""));
            return Vec::new();
        }
        match self.deployment.losses() {
            Some([]) => self.execute(),
            Some(_) => {
                self.prompt = Some(Prompt::new(PromptKind::AgreeToDeploy, ""));
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn agree_by_name(&mut self, kind: PromptKind, typed: &str) -> Vec<Effect> {
        if typed != self.stack_name.as_str() {
            self.say("That is not the stack's name: nothing was changed.");
            return Vec::new();
        }
        match (kind, self.destroying) {
            (PromptKind::AgreeToDestroy, Some(how)) => {
                self.destroying = None;
                self.chart_row = None;
                self.deployment.begin(Work::Destroying(how), self.now);
                vec![Effect::Destroy(how)]
            }
            (PromptKind::AgreeToDeploy, _) => self.execute(),
            _ => Vec::new(),
        }
    }

    fn execute(&mut self) -> Vec<Effect> {
        self.deployment.execute(&self.template, self.now);
        vec![Effect::Execute]
    }

    fn disagree(&mut self) -> Vec<Effect> {
        if self.destroying.take().is_some() {
            return Vec::new();
        }
        self.deployment.work = None;
        self.deployment.outcome = Some((Sign::Done, "Nothing was changed: the answer was no.".to_owned()));
        vec![Effect::Discard]
    }

    /// The newest match in the focused pane; where it has none, in the others.
    fn find_first(&mut self, query: &Query) {
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
            None => self.say(format!("{} is not in any row loaded here.", query.text)),
        }
    }

    fn find_next(&mut self, direction: Direction) {
        let Some(query) = self.find.clone() else { return };
        let found = self.pane(self.focus).next_where(direction, |row| query.matches(row, &self.traces));
        self.go_to(found, direction, &format!("{} is in no other row of this pane.", query.text));
    }

    fn next_trouble(&mut self) {
        let found = self.pane(self.focus).next_where(Direction::Down, Row::is_trouble);
        self.go_to(found, Direction::Down, "No row of this pane failed or warns.");
    }

    fn go_to(&mut self, found: Option<(u64, bool)>, direction: Direction, otherwise: &str) {
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

    fn send_next(&mut self) -> Vec<Effect> {
        if matches!(self.target, Target::Aws { .. }) && !self.send_agreed {
            self.question = Some(Question::SendToAws);
            return Vec::new();
        }
        match self.send.take_next(self.now) {
            Ok(outgoing) => {
                self.notice = None;
                self.traces.sending(outgoing.seq, self.now);
                self.forget_sums();
                let mut effects = vec![Effect::Send { events: vec![(outgoing.seq, outgoing.body)], rate: None }];
                if self.send.remember(&outgoing.template) {
                    effects.push(Effect::Remember(outgoing.template));
                }
                effects
            }
            Err(why) => {
                self.say(why);
                Vec::new()
            }
        }
    }

    fn copy(&mut self) -> Vec<Effect> {
        let text = match &self.detail {
            Some(detail) => self.pane(detail.pane).history().get(detail.row).map(Row::copy_text),
            None => self.pane(self.focus).selected().map(|(_, row)| row.copy_text()),
        };
        let Some(text) = text else {
            self.say("This row was let go: it is no longer here to copy.");
            return Vec::new();
        };
        self.say(format!("Copied {}, if the terminal takes it.", crate::text::number::size(text.len() as u64)));
        vec![Effect::Copy(text)]
    }

    fn yes(&mut self) -> Vec<Effect> {
        match self.question.take() {
            Some(Question::Quit) => self.leave(),
            Some(Question::SendToAws) => {
                self.send_agreed = true;
                self.send_next()
            }
            Some(Question::Running) | None => Vec::new(),
        }
    }

    /// The end of the app. What stands ready to be executed is not to stay.
    fn leave(&self) -> Vec<Effect> {
        let waits = self.deployment.losses().is_some();
        waits.then_some(Effect::Discard).into_iter().chain([Effect::Quit]).collect()
    }

    fn back(&mut self) -> Vec<Effect> {
        match self.context() {
            Context::Question | Context::Running => self.question = None,
            Context::Destroy | Context::Preview => return self.disagree(),
            Context::Prompt => {
                let kind = self.prompt.take().map(|prompt| prompt.kind);
                if kind == Some(PromptKind::Filter) {
                    let before = self.filter_before.take();
                    self.set_filter(before);
                }
            }
            Context::Help => self.help = None,
            Context::Detail => self.detail = None,
            Context::Trace => self.trace = None,
            Context::Editing => self.editing = false,
            Context::Panes if self.is_away() => self.leave_large(),
            Context::Panes | Context::Start => return self.quit(),
        }
        Vec::new()
    }

    fn quit(&mut self) -> Vec<Effect> {
        if self.loss().is_some() && !self.is_looked_at() {
            self.question = Some(Question::Quit);
            return Vec::new();
        }
        self.leave()
    }

    fn interrupt(&mut self) -> Vec<Effect> {
        if self.question == Some(Question::Quit) || self.is_looked_at() {
            return self.leave();
        }
        if !self.send.in_flight().is_empty() {
            self.say("Sending is stopped. Ctrl-C again quits.");
            let left = self.send.stopped();
            self.unanswered(left, "stopped before an answer came");
            return vec![Effect::StopSending];
        }
        // A cloud of this app's own ends with it: nothing could run on there.
        let runs_on = self.cloud.as_ref().is_none_or(|cloud| !cloud.own);
        if runs_on && (self.deployment.operating() || self.deployment.working()) {
            self.question = Some(Question::Running);
            return Vec::new();
        }
        self.quit()
    }

    /// Stack is open.
    pub(super) fn in_stack(&self) -> bool {
        self.focus == Pane::Stack
    }

    /// Stack is open and shows the chart.
    fn in_chart(&self) -> bool {
        self.in_stack() && !self.events_listed
    }

    /// Nothing runs, and the stack is ours or not there.
    fn can_change(&self) -> bool {
        let known = !matches!(self.deployment.phase, Phase::StartingCloud | Phase::CloudFailed(_) | Phase::Looking);
        self.in_stack()
            && known
            && self.deployment.own
            && self.deployment.work.is_none()
            && !self.deployment.operating()
    }

    /// A deployment can be prepared.
    pub(super) fn can_deploy(&self) -> bool {
        self.can_change()
    }

    /// There is a stack that can be taken down.
    pub(super) fn can_destroy(&self) -> bool {
        self.can_change() && !matches!(self.deployment.phase, Phase::Absent)
    }

    /// What runs was begun here, or can be told to stop.
    pub(super) const fn can_cancel(&self) -> bool {
        self.deployment.working()
    }

    pub(super) fn can_send(&self) -> bool {
        self.is_ready() && !self.focus.is_apart()
    }

    /// The pipeline can be used.
    pub(super) const fn is_ready(&self) -> bool {
        self.deployment.ready().is_some()
    }

    /// The deployment failed and can be tried again.
    pub(super) const fn can_retry(&self) -> bool {
        matches!(self.deployment.phase, Phase::Failed(_) | Phase::CloudFailed(_) | Phase::Absent | Phase::Unusable(_))
    }

    /// One pane has all the room.
    pub(super) fn is_away(&self) -> bool {
        self.large().is_some()
    }

    /// A row is there to open, copy or find.
    pub(super) fn has_row(&self) -> bool {
        self.detail.is_some() || !self.pane(self.focus).is_empty() || (self.in_chart() && !self.chart().rows.is_empty())
    }

    /// The row, or the last event sent, has a trace.
    pub(super) fn has_trace(&self) -> bool {
        self.traced().is_some()
    }

    pub(super) fn can_filter(&self) -> bool {
        !self.pane(self.focus).history().is_empty()
    }

    pub(super) fn is_paused(&self) -> bool {
        !self.pane(self.focus).following()
    }

    pub(super) fn has_filter(&self) -> bool {
        self.pane(self.focus).filter().is_some()
    }

    pub(super) fn has_find(&self) -> bool {
        self.find.is_some() && self.has_row()
    }

    /// In Send there is another template; elsewhere, rows can be moved sideways.
    pub(super) fn turns_templates(&self) -> bool {
        if self.focus == Pane::Send { self.send.templates() > 1 } else { self.has_row() }
    }

    pub(super) fn turns_history(&self) -> bool {
        self.focus == Pane::Send && self.send.history() > 0
    }
}
