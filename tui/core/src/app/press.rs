//! What keys, pastes and the mouse do to the state: each is handed to the file of what it changes.

use super::{
    Action, App, Context, Destroying, Detail, Direction, Effect, HelpView, KeyPress, Mouse, MouseKind, Pane, Phase,
    Prompt, PromptKind, Question, Row, Target, Work, keymap,
};

/// How many rows the wheel moves.
const WHEEL_ROWS: isize = 3;

impl App {
    pub(super) fn press(&mut self, press: KeyPress) -> Vec<Effect> {
        self.pressed_while_presenting(press);
        let context = if self.types_by_itself() { Context::Panes } else { self.context() };
        if self.types_by_itself() && !keymap::action(self, context, press).is_some_and(Action::steers_replays) {
            return Vec::new();
        }
        if let Some(action) = keymap::action(self, context, press) {
            return self.act(action);
        }
        if context == Context::Picker {
            self.picker_key(press);
        }
        if context == Context::Prompt && self.prompt.as_mut().is_some_and(|prompt| prompt.key(press)) {
            self.typed();
        }
        if context == Context::Palette {
            self.palette_key(press);
        }
        Vec::new()
    }

    /// A paste never starts anything: it is text for the line being typed, or what to find.
    pub(super) fn paste(&mut self, text: &str) {
        let takes_curl = matches!(
            self.context(),
            Context::Panes
                | Context::Editing
                | Context::Detail
                | Context::Trace
                | Context::Bytes
                | Context::Help
                | Context::Messages
                | Context::Palette
        );
        if takes_curl && self.is_ready() && self.take_curl(text) {
            self.palette = None;
            self.messages = None;
            self.help = None;
            self.detail = None;
            self.trace = None;
            return;
        }
        match self.context() {
            Context::Picker => self.paste_to_picker(text),
            Context::Prompt => {
                if let Some(prompt) = &mut self.prompt {
                    prompt.insert(text);
                }
                self.typed();
            }
            Context::Panes
            | Context::Detail
            | Context::Trace
            | Context::Bytes
            | Context::Help
            | Context::Messages
            | Context::Palette => {
                self.paste_to_palette(text);
            }
            Context::Question
            | Context::Start
            | Context::Editing
            | Context::Preview
            | Context::Destroy
            | Context::Breaking
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
            Context::Messages => self.scroll_messages(wheel),
            Context::Detail => {
                if let Some(detail) = &mut self.detail {
                    detail.move_by(wheel);
                }
            }
            Context::Breaking if wheel != 0 => self.move_in_breaking(wheel.signum()),
            Context::Panes if wheel != 0 && mouse.pane == Pane::Stack && self.in_chart() => self.move_by(wheel),
            Context::Panes if wheel != 0 => self.panes[mouse.pane as usize].move_by(wheel),
            Context::Panes | Context::Editing if wheel == 0 => {
                self.editing &= mouse.pane == Pane::Send;
                self.focus_on(mouse.pane);
                if let Some(row) = mouse.row.filter(|_| self.in_chart()) {
                    self.chart_row = usize::try_from(row).ok();
                } else if let Some(row) = mouse.row {
                    self.panes[mouse.pane as usize].select(row);
                }
            }
            _ => {}
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        if self.refused_in_replay(action) {
            return Vec::new();
        }
        match action {
            Action::Focus(pane) => {
                self.close_breaking();
                self.detail = None;
                self.trace = None;
                self.focus_on(pane);
            }
            Action::Overview => {
                self.close_breaking();
                self.detail = None;
                self.trace = None;
                self.leave_large();
            }
            Action::NextPane => self.turn_pane(1),
            Action::PreviousPane => self.turn_pane(Pane::OVERVIEW.len() - 1),
            Action::Large if self.focus.is_apart() => self.leave_large(),
            Action::Large => self.large = !self.large,
            Action::Break => self.open_breaking(),
            Action::TurnFault => return self.turn_fault(),
            Action::ClearFaults => return self.clear_faults(),
            Action::Weaker => return self.adjust_fault(false),
            Action::Stronger => return self.adjust_fault(true),
            Action::NextColumn => self.turn_adjustment(false),
            Action::PreviousColumn => self.turn_adjustment(true),
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
            Action::Messages => self.messages = Some(0),
            Action::Palette => self.open_palette(""),
            Action::Complete => self.complete_in_palette(),
            Action::Trace => self.trace_of_row(),
            Action::FoldAll | Action::UnfoldAll => {
                if let Some(detail) = &mut self.detail {
                    detail.fold_all(action == Action::FoldAll);
                }
            }
            Action::Bytes => {
                if let Some(detail) = &mut self.detail {
                    detail.turn_bytes();
                }
            }
            Action::CopyValue => return self.copy_of_detail(Detail::value),
            Action::CopyPath => return self.copy_of_detail(Detail::path),
            Action::Print => return self.print_row(),
            Action::Save => self.begin_save(),
            Action::OpenIn(viewer) => return self.open_outside(viewer),
            Action::Find => self.prompt = Some(Prompt::new(PromptKind::Find, "")),
            Action::Filter => self.begin_filter(),
            Action::Escape if self.finds() => self.forget_find(),
            Action::Escape if self.is_on_tour() => self.end_tour(),
            Action::ShowAll => self.set_filter(None),
            Action::FindNext => self.find_next(Direction::Down),
            Action::FindPrevious => self.find_next(Direction::Up),
            Action::NextTrouble => self.next_trouble(),
            Action::Send => return self.send_next(),
            Action::Tour => self.begin_tour(),
            Action::StopLoad => {
                self.stop_load();
            }
            Action::Edit => {
                self.focus_on(Pane::Send);
                self.editing = true;
            }
            Action::Copy if self.help.is_some() => return self.copy_commands(),
            Action::Copy => return self.copy(),
            Action::Wrap => self.wrap(),
            Action::Times => return self.turn_times(),
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
            Action::Artifacts => {
                if let Some(how) = &mut self.destroying {
                    how.artifacts = !how.artifacts;
                }
            }
            Action::RetainStuck => {
                if let Some(how) = &mut self.destroying {
                    how.retain_stuck = !how.retain_stuck;
                }
            }
            Action::RollBack => {
                self.deployment.begin(Work::Preparing, self.now);
                return vec![Effect::RollBack];
            }
            Action::CancelRunning => {
                self.question = None;
                return vec![Effect::Cancel];
            }
            Action::LeaveRunning => return vec![Effect::Quit],
            Action::TurnView if self.bytes_shown() => self.turn_bytes(),
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
            Action::Help => self.help = Some(HelpView::default()),
            Action::NextTopic => self.turn_help(true),
            Action::PreviousTopic => self.turn_help(false),
            Action::Accept if self.palette.is_some() => return self.accept_in_palette(),
            Action::Accept if self.picker.is_some() => self.accept_in_picker(),
            Action::Accept => return self.accept(),
            Action::Yes => return self.yes(),
            Action::No | Action::WatchRunning => self.question = None,
            Action::Back | Action::Escape => return self.back(),
            Action::Interrupt => return self.interrupt(),
        }
        Vec::new()
    }

    pub(super) fn accept(&mut self) -> Vec<Effect> {
        let Some(prompt) = self.prompt.take() else { return Vec::new() };
        match prompt.kind {
            PromptKind::AgreeToDeploy | PromptKind::AgreeToDestroy => {
                return self.agree_by_name(prompt.kind, prompt.text().trim());
            }
            PromptKind::Filter => self.accept_filter(prompt),
            PromptKind::Find => self.accept_find(prompt.text()),
            PromptKind::Save => return self.save_rows(prompt.text()),
        }
        Vec::new()
    }

    pub(super) fn yes(&mut self) -> Vec<Effect> {
        match self.question.take() {
            Some(Question::Quit) => self.leave(),
            Some(Question::SendToAws) => {
                self.send_agreed = true;
                self.send_next()
            }
            Some(Question::LookBack) => self.go_back(),
            Some(Question::Overwrite(file)) => self.overwrite(&file),
            Some(Question::LoadToAws(plan)) => {
                self.send_agreed = true;
                self.load_agreed(plan)
            }
            Some(Question::Running) | None => Vec::new(),
        }
    }

    /// The end of the app. What stands ready to be executed is not to stay.
    pub(super) fn leave(&self) -> Vec<Effect> {
        let waits = self.deployment.losses().is_some();
        waits.then_some(Effect::Discard).into_iter().chain([Effect::Quit]).collect()
    }

    pub(super) fn back(&mut self) -> Vec<Effect> {
        match self.context() {
            Context::Question | Context::Running => self.question = None,
            Context::Destroy | Context::Preview => return self.disagree(),
            Context::Prompt => {
                let kind = self.prompt.take().map(|prompt| prompt.kind);
                if let Some(kind) = kind {
                    self.drop_typed(kind);
                }
            }
            Context::Palette => self.palette = None,
            Context::Picker => self.picker = None,
            Context::Help => self.help = None,
            Context::Messages => self.messages = None,
            Context::Detail => self.detail = None,
            Context::Trace => self.leave_trace(),
            Context::Breaking => self.close_breaking(),
            Context::Bytes => {
                if let Some(view) = &mut self.trace {
                    view.bytes = None;
                }
            }
            Context::Editing => self.editing = false,
            Context::Panes if self.is_away() => self.leave_large(),
            Context::Panes if self.is_on_tour() => self.end_tour(),
            Context::Panes | Context::Start => return self.quit(),
        }
        Vec::new()
    }

    pub(super) fn quit(&mut self) -> Vec<Effect> {
        if self.loss().is_some() && !self.is_looked_at() {
            self.question = Some(Question::Quit);
            return Vec::new();
        }
        self.leave()
    }

    pub(super) fn interrupt(&mut self) -> Vec<Effect> {
        if self.looks_back() {
            return self.stop_looking();
        }
        if self.question == Some(Question::Quit) || self.is_looked_at() {
            return self.leave();
        }
        // What was begun is answered; the same key again gives that up, too.
        if self.stop_load() {
            return Vec::new();
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

    pub(super) fn send_next(&mut self) -> Vec<Effect> {
        if !self.deployment.own {
            self.say("This pipeline is only watched: Tailwater did not make it, and sends nothing to it.");
            return Vec::new();
        }
        if matches!(self.target, Target::Aws { .. }) && !self.send_agreed {
            self.question = Some(Question::SendToAws);
            return Vec::new();
        }
        match self.send.take_next(self.now) {
            Ok(outgoing) => {
                self.notice = None;
                self.traces.sending(outgoing.seq, self.now);
                self.list_events();
                self.forget_sums();
                let mut effects = vec![Effect::Send {
                    events: vec![(outgoing.seq, outgoing.body)],
                    rate: None,
                    request: self.request.clone(),
                }];
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

    pub(super) fn copy(&mut self) -> Vec<Effect> {
        let text = match &self.detail {
            Some(detail) => self.pane(detail.pane).history().get(detail.row).map(Row::copy_text),
            None if self.trace.is_some() => self.copied_of_trace(),
            None => self.pane(self.focus).selected().map(|(_, row)| row.copy_text()),
        };
        let Some(text) = text else {
            self.say("This row was let go: it is no longer here to copy.");
            return Vec::new();
        };
        self.copy_text(&text)
    }

    fn copy_text(&mut self, text: &str) -> Vec<Effect> {
        let text = self.shown(text).into_owned();
        let size = crate::text::number::size(text.len() as u64);
        self.say(format!("Copied {size}, if the terminal takes it. Y prints the row, to be marked by hand."));
        vec![Effect::Copy(text)]
    }

    /// Copies a part of the open row.
    fn copy_of_detail(&mut self, part: impl Fn(&Detail) -> Option<String>) -> Vec<Effect> {
        if let Some(text) = self.detail.as_ref().and_then(part) {
            self.copy_text(&text)
        } else {
            self.say("Nothing to copy on this line. y copies the row.");
            Vec::new()
        }
    }
}
