//! A replay: the app is fed from a recording and can be looked at, but changes nothing in the world.

use std::time::Duration;

use super::{Action, App, Context, Effect, Message, keymap};

/// What a replay's own keys do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplayStep {
    /// Pause, or go on; at the end, from the start.
    Pause,
    /// Twice as fast.
    Faster,
    /// Half as fast.
    Slower,
    /// A few seconds back.
    Back,
    /// A few seconds on.
    Forward,
    /// To the start.
    Start,
    /// The view that was recorded, after one's own.
    AsRecorded,
}

/// How fast a replay runs, in hundredths of the recording's own pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Speed(u32);

impl Speed {
    /// As it was recorded.
    pub const AS_RECORDED: Self = Self(100);
    const SLOWEST: u32 = 5;
    const FASTEST: u32 = 10_000;

    /// So many times the recording's own pace, within what can be shown.
    pub fn times(times: f64) -> Self {
        let hundredths = (times * 100.0).round().clamp(f64::from(Self::SLOWEST), f64::from(Self::FASTEST));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above")]
        Self(hundredths as u32)
    }

    /// Twice as fast.
    #[must_use]
    pub fn faster(self) -> Self {
        Self((self.0 * 2).min(Self::FASTEST))
    }

    /// Half as fast.
    #[must_use]
    pub fn slower(self) -> Self {
        Self((self.0 / 2).max(Self::SLOWEST))
    }

    /// How much of the recording passes in this time.
    pub fn of(self, time: Duration) -> Duration {
        time * self.0 / 100
    }

    /// How long so much of the recording takes.
    pub fn takes(self, recorded: Duration) -> Duration {
        recorded * 100 / self.0
    }

    /// `×2`, `×0.5`.
    pub fn words(self) -> String {
        format!("×{}", f64::from(self.0) / 100.0)
    }
}

/// Where a replay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// How far it is.
    pub position: Duration,
    /// How long the recording is.
    pub length: Duration,
    /// How fast it runs.
    pub speed: Speed,
    /// It stands still.
    pub paused: bool,
    /// Whoever sits here has looked elsewhere than the recording did.
    pub own_view: bool,
}

impl Replay {
    /// `REPLAY 0:12 of 1:03 ×2, paused`.
    pub fn words(&self) -> String {
        let mut words = format!("REPLAY {} of {}", minutes(self.position), minutes(self.length));
        if self.speed != Speed::AS_RECORDED {
            words += " ";
            words += &self.speed.words();
        }
        if self.position >= self.length {
            words += ", the end";
        } else if self.paused {
            words += ", paused";
        }
        if self.own_view {
            words += ", your view";
        }
        words
    }
}

/// `1:03`, `1:02:03`.
fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

impl App {
    /// Where the replay stands; `None`: this is no replay.
    pub const fn replay(&self) -> Option<&Replay> {
        self.replay.as_ref()
    }

    /// This is a replay.
    pub(super) const fn is_replay(&self) -> bool {
        self.replay.is_some()
    }

    /// This is a replay, and whoever sits here does something, not whoever was recorded.
    pub(super) const fn is_looked_at(&self) -> bool {
        self.replay.is_some() && !self.from_recording
    }

    /// The recording types: letters are text there, but not those of whoever sits here.
    pub fn types_by_itself(&self) -> bool {
        self.is_looked_at() && !self.has_own_view() && self.is_typing()
    }

    /// Letters are text.
    fn is_typing(&self) -> bool {
        matches!(self.context(), Context::Prompt | Context::Palette | Context::Picker | Context::Editing)
    }

    /// The view is not the one that was recorded.
    pub(super) const fn has_own_view(&self) -> bool {
        matches!(self.replay, Some(Replay { own_view: true, .. }))
    }

    pub(super) fn set_replay(&mut self, replay: Replay) {
        self.dirty |= self.replay.is_none_or(|before| before.words() != replay.words());
        self.replay = Some(replay);
    }

    /// Takes in what the recording tells: what was to be done then, was done then.
    pub fn replayed(&mut self, message: Message) {
        self.fed = true;
        self.from_recording = true;
        let _done_then = self.update(message);
        self.from_recording = false;
    }

    /// Whether this would make the view another than the recording's.
    pub fn leaves_the_recording(&self, message: &Message) -> bool {
        match message {
            Message::Key(_) if self.types_by_itself() => false,
            Message::Key(press) => match keymap::action(self, self.context(), *press) {
                Some(Action::Replay(_)) => false,
                Some(action) => !action.changes_the_world(),
                None => self.is_typing(),
            },
            Message::Paste(_) | Message::Mouse(_) | Message::EditorChanged(_) => true,
            _ => false,
        }
    }

    /// In a replay nothing is changed: says so, where this would.
    pub(super) fn refused_in_replay(&mut self, action: Action) -> bool {
        let refused = self.is_looked_at() && action.changes_the_world();
        if refused {
            self.say(NOTHING_IS_CHANGED);
        }
        refused
    }
}

/// What is said where a key would change the world.
pub const NOTHING_IS_CHANGED: &str =
    "This is a replay: nothing is sent or changed. `tailwater` alone does it for real.";

impl Action {
    /// Whether it would send something or change the stack.
    pub(super) const fn changes_the_world(self) -> bool {
        matches!(
            self,
            Self::Send
                | Self::Edit
                | Self::Retry
                | Self::Deploy
                | Self::Destroy
                | Self::Agree
                | Self::CancelRunning
                | Self::TurnFault
                | Self::ClearFaults
                | Self::LeaveRunning
        )
    }

    pub(super) const fn steers_replays(self) -> bool {
        matches!(self, Self::Replay(_))
    }
}

impl Effect {
    /// Whether it may be carried out in a replay: it only tells or ends.
    pub const fn is_for_replays(&self) -> bool {
        matches!(
            self,
            Self::Copy(_)
                | Self::Save { .. }
                | Self::OpenIn { .. }
                | Self::Print(_)
                | Self::Quit
                | Self::Replay(_)
                | Self::Picture(_)
                | Self::Asciicast(_)
                | Self::StopAsciicast
        )
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::app::{Key, KeyPress, tests::ready_app};

    fn replay() -> Replay {
        Replay {
            position: Duration::from_secs(12),
            length: Duration::from_secs(63),
            speed: Speed::AS_RECORDED,
            paused: false,
            own_view: false,
        }
    }

    #[test]
    fn says_where_it_stands() {
        assert_eq!(replay().words(), "REPLAY 0:12 of 1:03");
        let paused = Replay { speed: Speed::times(0.5), paused: true, own_view: true, ..replay() };
        assert_eq!(paused.words(), "REPLAY 0:12 of 1:03 ×0.5, paused, your view");
        let end = Replay { position: Duration::from_secs(3723), length: Duration::from_secs(3723), ..replay() };
        assert_eq!(end.words(), "REPLAY 1:02:03 of 1:02:03, the end");
    }

    #[test]
    fn speeds_stay_within_bounds() {
        let mut speed = Speed::AS_RECORDED;
        for _ in 0..20 {
            speed = speed.faster();
        }
        assert_eq!(speed, Speed::times(1e9));
        for _ in 0..40 {
            speed = speed.slower();
        }
        assert_eq!(speed, Speed::times(0.0));
        assert_eq!(Speed::times(2.0).of(Duration::from_secs(3)), Duration::from_secs(6));
        assert_eq!(Speed::times(2.0).takes(Duration::from_secs(3)), Duration::from_millis(1500));
    }

    #[test]
    fn keys_that_would_change_the_world_say_that_this_is_a_replay() {
        let mut app = ready_app();
        app.update(Message::Replay(replay()));
        assert_eq!(app.update(Message::Key(KeyPress::char('s'))), []);
        assert!(app.send().in_flight().is_empty());
        assert!(format!("{:?}", app.line()).contains("This is a replay"), "{:?}", app.line());
        assert!(!app.leaves_the_recording(&Message::Key(KeyPress::char('s'))));
        assert!(app.leaves_the_recording(&Message::Key(KeyPress::char('2'))));
        assert_eq!(app.update(Message::Key(KeyPress::char('P'))), [Effect::Replay(ReplayStep::Pause)]);
        assert_eq!(app.update(Message::Key(KeyPress::of(Key::Char('q')))), [Effect::Quit]);
        let footer = keymap::footer(&app);
        assert!(footer.iter().any(|(key, _)| *key == "P") && !footer.iter().any(|(key, _)| *key == "s"), "{footer:?}");
    }

    #[test]
    fn while_the_recording_types_the_replay_can_still_be_steered() {
        let mut app = ready_app();
        app.update(Message::Replay(replay()));
        app.replayed(Message::Paste("p".to_owned()));
        let before = format!("{:?}", app.palette());
        assert!(before.contains("\"p\""), "{before}");
        assert_eq!(app.update(Message::Key(KeyPress::char('P'))), [Effect::Replay(ReplayStep::Pause)]);
        assert_eq!(app.update(Message::Key(KeyPress::char('x'))), []);
        assert_eq!(format!("{:?}", app.palette()), before);
    }

    #[test]
    fn whoever_was_recorded_is_asked_before_the_end_whoever_looks_is_not() {
        let mut app = ready_app();
        app.replayed(Message::Key(KeyPress::char('s')));
        app.update(Message::Replay(replay()));
        app.replayed(Message::Key(KeyPress::char('q')));
        assert!(app.question().is_some());
        app.replayed(Message::Key(KeyPress::char('y')));
        assert!(app.question().is_none() && app.line().is_none_or(|line| !format!("{line:?}").contains("Copied")));
        assert_eq!(app.update(Message::Key(KeyPress::char('q'))), [Effect::Quit]);
    }

    #[test]
    fn what_was_recorded_happens_again_without_being_done() {
        let mut app = ready_app();
        app.update(Message::Replay(replay()));
        app.replayed(Message::Key(KeyPress::char('s')));
        assert_eq!(app.send().in_flight().len(), 1);
        // The recording's own word for it changes nothing more; without the key it stands for it.
        app.replayed(Message::Sending(vec![(1, Bytes::from_static(b"{}"))]));
        assert_eq!(app.send().in_flight().len(), 1);
        app.replayed(Message::Sending(vec![(2, Bytes::from_static(b"{}"))]));
        assert_eq!(app.send().in_flight().len(), 2);
        assert_eq!(app.send().next_seq(), 3);
    }
}
