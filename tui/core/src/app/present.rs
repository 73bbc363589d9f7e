//! Presenter mode: for a projector, from far away. One pane follows the newest event from hop to
//! hop, the wait for delivery counts down in large letters, keys are shown as they are pressed, and
//! nothing secret is drawn.

use std::{borrow::Cow, collections::VecDeque, time::Duration};

use super::{App, Context, KeyPress, Pane, Row, Target};
use crate::{events::Timestamp, pipeline::Hop, text::time};

/// How long each hop holds a mark, so that eyes can follow.
pub const HELD_AT_EACH_HOP: Duration = Duration::from_millis(400);
/// The smallest screen in presenter mode.
pub const SMALLEST_TO_PRESENT: (u16, u16) = (60, 18);
/// How many keys are shown, and how long.
const KEYS_SHOWN: usize = 6;
const KEY_STAYS: Duration = Duration::from_secs(3);

/// Presenter mode, while it is on.
#[derive(Debug, Default)]
pub struct Present {
    keys: VecDeque<(String, Timestamp)>,
}

/// The wait for delivery, as large letters and the words beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Countdown {
    /// `6 s`, or a few letters where nothing is awaited.
    pub large: String,
    /// What that means.
    pub words: String,
}

impl App {
    /// Presenter mode is on.
    pub const fn presents(&self) -> bool {
        self.present.is_some()
    }

    pub(super) fn present(&mut self) {
        self.present = Some(Present::default());
        self.say("Presenter mode: secrets are masked, each hop is held 0.4 s. :present ends it.");
    }

    pub(super) fn toggle_present(&mut self) {
        if self.presents() {
            self.present = None;
            self.say("Presenter mode is off: nothing is masked any more.");
        } else {
            self.present();
        }
    }

    /// How long each hop holds a mark.
    pub(super) const fn hold(&self) -> Duration {
        if self.presents() { HELD_AT_EACH_HOP } else { Duration::ZERO }
    }

    /// A text as it may be drawn or copied now: secrets masked while presenting.
    pub fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.presents() { self.mask().text(text) } else { Cow::Borrowed(text) }
    }

    pub(super) fn pressed_while_presenting(&mut self, press: KeyPress) {
        let now = self.now;
        if let Some(present) = &mut self.present {
            present.keys.push_back((press.to_string(), now.plus(KEY_STAYS)));
            if present.keys.len() > KEYS_SHOWN {
                present.keys.pop_front();
            }
        }
    }

    /// Time passes; whether a key goes out of sight.
    pub(super) fn forget_pressed_keys(&mut self) -> bool {
        let now = self.now;
        let Some(present) = &mut self.present else { return false };
        let before = present.keys.len();
        present.keys.retain(|(_, until)| *until > now);
        present.keys.len() != before
    }

    /// Keys are shown that will go out of sight.
    pub(super) fn shows_keys(&self) -> bool {
        self.present.as_ref().is_some_and(|present| !present.keys.is_empty())
    }

    /// The keys that were pressed last, oldest first.
    pub fn pressed_keys(&self) -> impl Iterator<Item = &str> {
        self.present.iter().flat_map(|present| present.keys.iter().map(|(key, _)| key.as_str()))
    }

    /// The pane follows the newest event: the hop at which its mark is.
    pub(super) fn follow_newest_event(&mut self) {
        let Some(hop) = self.flow.newest_at(self.now, self.hold()) else { return };
        let pane = match hop {
            Hop::Api => Pane::Send,
            Hop::Lambda => Pane::Logs,
            Hop::Kinesis | Hop::Firehose => Pane::Records,
            Hop::S3 => Pane::Objects,
        };
        if self.presents() && !self.focus.is_apart() && self.context() == Context::Panes {
            self.focus = pane;
        }
    }

    /// The same where nothing moves: the pane of the row that came last.
    pub(super) fn follow_row(&mut self, row: &Row) {
        let pane = match row {
            Row::Sent(_) => Pane::Send,
            Row::Log { .. } => Pane::Logs,
            Row::Record(_) => Pane::Records,
            Row::Object(_) => Pane::Objects,
            Row::Stack(_) | Row::Trace(_) => return,
        };
        if self.presents() && !self.focus.is_apart() && self.context() == Context::Panes {
            self.focus = pane;
        }
    }

    /// The wait for delivery.
    pub fn countdown(&self) -> Countdown {
        let held = self.held();
        match (held.records, self.due()) {
            (records @ 1.., Some(due)) => {
                let counted = crate::text::number::counted(records, "event");
                let left = due.since(self.now);
                let on_aws = matches!(self.target, Target::Aws { .. });
                let large = if due > self.now { time::whole_seconds(left) } else { "now".to_owned() };
                let about = if on_aws { "about " } else { "" };
                Countdown {
                    large,
                    words: format!("until Firehose delivers {counted} to S3 {about}({})", self.due_words(due)),
                }
            }
            _ => {
                Countdown { large: "idle".to_owned(), words: "Firehose holds nothing: send an event with s".to_owned() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            Begin, Message, Target,
            tests::{accepted, at, press, ready_app, record},
        },
        text::mask::Secret,
    };

    fn presenting() -> App {
        let mut app = ready_app();
        app.update(Message::Begin(Box::new(Begin { present: true, ..Begin::default() })));
        app
    }

    #[test]
    fn the_pane_follows_the_event_and_each_hop_holds_it() {
        let mut app = presenting();
        app.update(Message::Events(vec![accepted(1), record(1)]));
        let mut panes = vec![app.focus()];
        for millis in (0..6_000).step_by(50) {
            app.update(Message::Tick(at(millis)));
            if panes.last() != Some(&app.focus()) {
                panes.push(app.focus());
            }
        }
        assert_eq!(panes, [Pane::Send, Pane::Logs, Pane::Records]);
        assert!(!app.moves());
    }

    #[test]
    fn an_event_that_was_seen_before_its_answer_has_one_mark() {
        let mut app = ready_app();
        press(&mut app, 's');
        app.update(Message::Tick(at(1_000)));
        app.update(Message::Events(vec![record(1)]));
        app.update(Message::Events(vec![accepted(1)]));
        app.update(Message::Tick(at(1_050)));
        let marks: usize = crate::pipeline::Hop::ALL.iter().map(|hop| app.moving(*hop).marks.len()).sum();
        assert_eq!(marks, 1);
    }

    #[test]
    fn without_motion_it_follows_the_last_row() {
        let mut app = ready_app();
        app.update(Message::Begin(Box::new(Begin { present: true, motion: Some(false), ..Begin::default() })));
        app.update(Message::Events(vec![accepted(1), record(1)]));
        assert_eq!((app.focus(), app.moves()), (Pane::Records, false));
    }

    #[test]
    fn keys_are_shown_for_a_while() {
        let mut app = presenting();
        press(&mut app, '2');
        press(&mut app, 'k');
        assert_eq!(app.pressed_keys().collect::<Vec<_>>(), ["2", "k"]);
        assert!(app.changes_with_time());
        app.update(Message::Tick(at(60_000)));
        assert_eq!(app.pressed_keys().count(), 0);
    }

    #[test]
    fn the_wait_is_counted_down() {
        let mut app = presenting();
        assert_eq!(app.countdown().large, "idle");
        app.update(Message::Events(vec![record(1)]));
        app.update(Message::Tick(at(5_003)));
        let countdown = app.countdown();
        assert_eq!((countdown.large.as_str(), countdown.words.contains("1 event")), ("6 s", true));
        app.update(Message::Tick(at(12_000)));
        assert_eq!(app.countdown().large, "now");
    }

    #[test]
    fn what_is_shown_is_masked_only_while_presenting() {
        let mut app = ready_app();
        app.target = Target::Aws {
            account_id: "123456789012".to_owned(),
            region: String::new(),
            profile: None,
            endpoint_url: Some("https://box.corp:1".to_owned()),
            who: String::new(),
            elsewhere: Vec::new(),
        };
        let text = "x123456789012 at box.corp";
        assert_eq!(app.shown(text), text);
        app.update(Message::Begin(Box::new(Begin { present: true, ..Begin::default() })));
        assert_eq!(app.shown(text), format!("x{} at {}", Secret::Account.word(), Secret::Host.word()));
        press(&mut app, ':');
        app.palette = None;
        app.toggle_present();
        assert_eq!(app.shown(text), text);
    }
}
