//! What goes to files while the app runs: the session, what stands on the screen, a picture of it.

use super::{App, Effect};

/// What is being recorded, each with the name of its file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recording {
    /// The session: what comes from outside, and what hands do.
    pub session: Option<String>,
    /// What stands on the screen, as an asciicast.
    pub screen: Option<String>,
}

impl App {
    /// What is being recorded.
    pub const fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Whether anything is being recorded.
    pub const fn is_recording(&self) -> bool {
        self.recording.session.is_some() || self.recording.screen.is_some()
    }

    /// Records the session to a file, by a name of its own where none is given; while a recording
    /// runs, ends it.
    pub fn record(&mut self, file: &str) -> Vec<Effect> {
        if self.replay.is_some() {
            self.say("This is a replay: it is a recording already.");
            return Vec::new();
        }
        match (&self.recording.session, file.trim()) {
            (Some(_), "") => vec![Effect::StopRecording],
            (Some(running), _) => {
                let words = format!("{running} is being recorded: `:record` alone ends it.");
                self.say(words);
                Vec::new()
            }
            (None, file) => vec![Effect::Record(self.file_name(file, "jsonl"))],
        }
    }

    /// Draws the screen as it is to a picture (SVG), by a name of its own where none is given.
    pub fn picture(&mut self, file: &str) -> Vec<Effect> {
        vec![Effect::Picture(self.file_name(file.trim(), "svg"))]
    }

    /// Records what stands on the screen as an asciicast, by a name of its own where none is given;
    /// while one runs, ends it. A replay is exported whole.
    pub fn asciicast(&mut self, file: &str) -> Vec<Effect> {
        match (&self.recording.screen, file.trim()) {
            (Some(_), "") => vec![Effect::StopAsciicast],
            (Some(running), _) => {
                let words = format!("{running} is being recorded: `:asciicast` alone ends it.");
                self.say(words);
                Vec::new()
            }
            (None, file) => vec![Effect::Asciicast(self.file_name(file, "cast"))],
        }
    }

    /// The name given, or `tailwater-20261124-140207.svg`.
    fn file_name(&self, given: &str, ending: &str) -> String {
        if !given.is_empty() {
            return given.to_owned();
        }
        let digits: String = self.offset.full(self.now).chars().filter(char::is_ascii_digit).take(14).collect();
        match digits.split_at_checked(8) {
            Some((date, time)) => format!("tailwater-{date}-{time}.{ending}"),
            None => format!("tailwater.{ending}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Message, tests::ready_app};

    #[test]
    fn a_recording_gets_a_name_runs_once_and_ends_by_the_same_word() {
        let mut app = ready_app();
        let effects = app.record("");
        let [Effect::Record(file)] = effects.as_slice() else { panic!("{effects:?}") };
        let shape: String = file.chars().map(|letter| if letter.is_ascii_digit() { '9' } else { letter }).collect();
        assert_eq!(shape, "tailwater-99999999-999999.jsonl");
        app.update(Message::Recording(Recording { session: Some(file.clone()), screen: None }));
        assert!(app.is_recording());
        assert_eq!(app.record("other.jsonl"), []);
        assert_eq!(app.record(""), [Effect::StopRecording]);
        assert_eq!(app.picture(" a.svg "), [Effect::Picture("a.svg".to_owned())]);
    }
}
