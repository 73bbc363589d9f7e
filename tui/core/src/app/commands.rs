//! The commands of the palette, in one table: what has a key too stands in the key map.

use super::{Action, App, Effect, Pane, PickerKind, Viewer};

/// What a command comes to: what is to be done, or why not, in words that stay in the palette.
pub type Outcome = Result<Vec<Effect>, String>;

/// A row of the table.
#[derive(Debug)]
pub struct Command {
    /// Its name, as it is typed behind `:`.
    pub name: &'static str,
    /// Its arguments, as they are shown: `FILE`, `COUNT [RATE]`; empty: none.
    pub arguments: &'static str,
    /// What it does.
    pub words: &'static str,
    /// Further words to find it by.
    pub also: &'static str,
    /// The action of the key map that does the same: its key is shown beside it.
    pub action: Option<Action>,
    /// Whether it does something now.
    pub when: fn(&App) -> bool,
    /// Does it, with what was typed behind its name.
    pub run: fn(&mut App, &str) -> Outcome,
}

impl Command {
    /// Whether it does nothing without arguments.
    pub fn needs_arguments(&self) -> bool {
        !self.arguments.is_empty() && !self.arguments.starts_with('[')
    }

    /// `:burst COUNT [RATE]`.
    pub fn usage(&self) -> String {
        if self.arguments.is_empty() { format!(":{}", self.name) } else { format!(":{} {}", self.name, self.arguments) }
    }

    /// The command that a text begins with, `:` before it or not, and what stands behind its name.
    pub fn parse(text: &str) -> Option<(&'static Self, &str)> {
        let text = text.trim_start().trim_start_matches(':').trim_start();
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let command = COMMANDS.iter().find(|command| command.name.eq_ignore_ascii_case(name))?;
        Some((command, rest.trim()))
    }
}

const fn always(_: &App) -> bool {
    true
}

macro_rules! commands {
    ($( $name:literal $arguments:literal => $words:literal, also $also:literal $(, as $action:expr)? $(, if $when:expr)? => $run:expr ; )*) => {
        &[ $( Command {
            name: $name,
            arguments: $arguments,
            words: $words,
            also: $also,
            action: commands!(@action $($action)?),
            when: commands!(@when $($when)?),
            run: $run,
        } ),* ]
    };
    (@action) => { None };
    (@action $action:expr) => { Some($action) };
    (@when) => { always };
    (@when $when:expr) => { $when };
}

/// The table, in the order in which the palette offers it.
pub const COMMANDS: &[Command] = commands![
    "deploy" "" => "show what a deployment would change and cost, then ask", also "update stack create",
        as Action::Deploy => |app, _| in_stack(app, Action::Deploy);
    "destroy" "" => "take the stack down; wants its name typed", also "delete remove stack",
        as Action::Destroy => |app, _| in_stack(app, Action::Destroy);
    "burst" "COUNT [RATE]" => "send so many events, so many a second; x stops it", also "load many flood bulk", if App::is_ready => App::burst;
    "rate" "A_SECOND" => "send events at a steady rate until x stops it", also "load steady stream", if App::is_ready => App::steady;
    "templates" "" => "pick a template for the editor", also "samples bodies sample examples",
        if App::is_ready => |app, _| { app.open_picker(PickerKind::Templates); Ok(Vec::new()) };
    "history" "" => "pick a body that was sent before", also "earlier bodies again",
        if App::is_ready => |app, _| { app.open_picker(PickerKind::History); Ok(Vec::new()) };
    "curl" "[secrets]" => "copy the curl command that posts the same event", also "shell export", if App::is_ready => App::copy_curl;
    "method" "METHOD" => "send with another method than POST, to see how that is refused", also "request" => App::set_method;
    "path" "PATH" => "send to another path, to see how that is refused", also "request url" => App::set_path;
    "header" "NAME: VALUE" => "send with this header; NAME: alone leaves it out", also "request" => App::set_header;
    "reset-request" "" => "method, path and headers as usual again", also "request header" => |app, _| Ok(app.reset_request());
    "tour" "" => "the tour for newcomers, which ends with your own event in S3", also "learn begin newcomer guide start introduction",
        if App::is_ready => |app, _| { app.begin_tour(); Ok(Vec::new()) };
    "w" "FILE" => "save the rows of this pane that are shown as JSON lines", also "write save export jsonl",
        as Action::Save => App::write_rows;
    "pager" "" => "the rows of this pane, or the open row, in $PAGER", also "less open view",
        as Action::OpenIn(Viewer::Pager) => |app, _| Ok(app.open_outside(Viewer::Pager));
    "editor" "" => "the rows of this pane, or the open row, in $EDITOR", also "vi open edit",
        as Action::OpenIn(Viewer::Editor) => |app, _| Ok(app.open_outside(Viewer::Editor));
    "calls" "" => "every call to an AWS API that this program made", also "api budget cost",
        as Action::Focus(Pane::Calls) => |app, _| Ok(app.act(Action::Focus(Pane::Calls)));
    "stack" "" => "what CloudFormation did, and does", also "cloudformation resources",
        as Action::Focus(Pane::Stack) => |app, _| Ok(app.act(Action::Focus(Pane::Stack)));
    "theme" "[NAME]" => "colours: auto, dark, light, contrast, mono; without a name the next", also "color colour dark light high contrast monochrome"
        => App::set_theme;
    "motion" "[on|off]" => "events move along the strip, or not", also "animation still" => App::set_motion;
    "mouse" "[on|off]" => "the mouse selects here, or is the terminal's own", also "select text" => App::set_mouse;
    "utc" "[on|off]" => "times in UTC, or this machine's", also "local time zone clock" => App::set_utc;
    "reset" "" => "theme, motion, mouse, times and layout as at first", also "layout default settings" => |app, _| { app.reset(); Ok(Vec::new()) };
    "present" "" => "presenter mode, on or off: large, slow, secrets masked", also "projector demo mask countdown" => |app, _| { app.toggle_present(); Ok(Vec::new()) };
    "messages" "" => "everything that was said in the line under the ledger", also "log errors notices history",
        as Action::Messages => |app, _| Ok(app.act(Action::Messages));
    "diagnostics" "FILE" => "write a file for a ticket: state, sources, calls, messages, secrets masked", also "report bug support"
        => |app, path| Ok(app.write_diagnostics(path));
    "record" "[FILE]" => "record the session to a file, secrets masked; again: end it", also "save session recording replay" => |app, file| Ok(app.record(file));
    "picture" "[FILE]" => "draw the screen as it is to a file (SVG)", also "screenshot svg image export" => |app, file| Ok(app.picture(file));
    "asciicast" "[FILE]" => "record what stands on the screen, for asciinema; again: end it", also "video cast export demo" => |app, file| Ok(app.asciicast(file));
    "quit" "" => "end the app; asks if something would be lost", also "exit leave q" => |app, _| Ok(app.quit());
];

/// Opens Stack and does there what its key does.
fn in_stack(app: &mut App, action: Action) -> Outcome {
    let before = app.focus;
    app.act(Action::Focus(Pane::Stack));
    let possible = match action {
        Action::Deploy => app.can_deploy(),
        _ => app.can_destroy(),
    };
    if possible {
        return Ok(app.act(action));
    }
    app.focus = before;
    Err("Not now: the stack is being looked at or changed, was not made by Tailwater, or there is none.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::keymap;

    #[test]
    fn every_name_is_there_once_and_is_one_word() {
        for (index, command) in COMMANDS.iter().enumerate() {
            assert!(
                command.name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'),
                "{}",
                command.name
            );
            assert!(!command.words.is_empty());
            assert!(COMMANDS[index + 1..].iter().all(|other| other.name != command.name), "{}", command.name);
        }
    }

    #[test]
    fn every_action_that_a_command_names_has_a_key() {
        for command in COMMANDS {
            if let Some(action) = command.action {
                assert!(keymap::BINDINGS.iter().any(|binding| binding.action == action), "{}", command.name);
            }
        }
    }

    #[test]
    fn a_command_is_known_by_its_name_alone() {
        let of = |text| Command::parse(text).map(|(command, rest)| (command.name, rest));
        assert_eq!(of(":deploy"), Some(("deploy", "")));
        assert_eq!(of(" : DEPLOY  now  "), Some(("deploy", "now")));
        assert_eq!(of("deployed"), None);
        assert_eq!(of(""), None);
    }
}
