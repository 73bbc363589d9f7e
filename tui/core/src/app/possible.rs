//! What can be done here and now: the key map asks.

use super::{App, Detail, Pane, Phase, Target, Work};

impl App {
    /// Stack is open.
    pub(super) fn in_stack(&self) -> bool {
        self.focus == Pane::Stack
    }

    /// Stack is open and shows the chart.
    pub(super) fn in_chart(&self) -> bool {
        self.in_stack() && !self.events_listed
    }

    /// Nothing runs, and the stack is ours or not there.
    pub(super) fn can_change(&self) -> bool {
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

    /// What is shown goes on from a failure that can be undone instead.
    pub(super) const fn can_roll_back(&self) -> bool {
        matches!(&self.deployment.work, Some(Work::Previewed(preview)) if preview.can_roll_back)
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

    /// There is something to find: a row, or, in a pipeline that was there before, what lies further
    /// back.
    pub(super) fn can_find(&self) -> bool {
        let before = matches!(self.target, Target::Aws { .. }) && !self.focus.is_apart();
        self.has_row() || self.is_ready() && before
    }

    /// One pane has all the room.
    pub(super) fn is_away(&self) -> bool {
        self.large().is_some()
    }

    /// Esc does something: marks of what was looked for go, the tour ends, or a level is left.
    pub(super) fn can_escape(&self) -> bool {
        self.finds() || self.is_away() || self.is_on_tour()
    }

    /// The cursor of the open row stands in a JSON tree.
    pub(super) fn in_tree(&self) -> bool {
        self.detail.as_ref().is_some_and(Detail::in_tree)
    }

    /// The open row's body is a JSON tree.
    pub(super) fn has_tree(&self) -> bool {
        self.detail.as_ref().is_some_and(Detail::is_json)
    }

    /// The open row's body can be shown as bytes.
    pub(super) fn has_bytes(&self) -> bool {
        self.detail.as_ref().is_some_and(Detail::has_bytes)
    }

    /// `Enter` does something on the line of the open row.
    pub(super) fn opens_line(&self) -> bool {
        self.in_tree() || self.event_under_cursor().is_some()
    }

    /// A row is there to open, copy or find.
    pub(super) fn has_row(&self) -> bool {
        self.detail.is_some() || !self.pane(self.focus).is_empty() || (self.in_chart() && !self.chart().rows.is_empty())
    }

    /// There is a row to open, or a reason of what is wrong.
    pub(super) fn can_open(&self) -> bool {
        self.has_row() || (!self.focus.is_apart() && self.has_why())
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
        self.finds() && self.has_row()
    }

    /// In Send there is another template; elsewhere, rows can be moved sideways.
    pub(super) fn turns_templates(&self) -> bool {
        if self.focus == Pane::Send { self.send.templates() > 1 } else { self.has_row() }
    }

    pub(super) fn turns_history(&self) -> bool {
        self.focus == Pane::Send && self.send.history() > 0
    }
}
