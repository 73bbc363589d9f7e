//! How the app looks and behaves on this terminal: theme, motion, mouse, offset of times; what was
//! asked for on the command line goes before what is remembered.

use super::{App, Effect, Pane, Settings, Target, ThemeName, commands::Outcome};
use crate::text::{
    mask::{Mask, Secret},
    time::UtcOffset,
};

/// What is known when the app begins, besides its options.
#[derive(Debug, Clone, Default)]
pub struct Begin {
    /// What is remembered; `Err`: the file is broken, and why.
    pub settings: Option<Result<Settings, String>>,
    /// `--theme`.
    pub theme: Option<ThemeName>,
    /// `--motion`.
    pub motion: Option<bool>,
    /// Over SSH the terminal keeps the mouse.
    pub over_ssh: bool,
    /// `--present`.
    pub present: bool,
    /// Names of this machine, to be masked.
    pub hosts: Vec<String>,
}

/// How it looks.
#[derive(Debug, Default)]
pub(super) struct Look {
    settings: Settings,
    theme: Option<ThemeName>,
    motion: Option<bool>,
    over_ssh: bool,
    hosts: Vec<String>,
    /// The offset of this machine.
    local: UtcOffset,
}

impl Look {
    /// The offset of this machine.
    pub(super) const fn local(&self) -> UtcOffset {
        self.local
    }
}

impl App {
    /// Takes over what was remembered and asked for.
    pub(super) fn begin(&mut self, begin: Begin) {
        self.look = Look {
            settings: Settings::default(),
            theme: begin.theme,
            motion: begin.motion,
            over_ssh: begin.over_ssh,
            hosts: begin.hosts,
            local: self.offset,
        };
        match begin.settings {
            Some(Ok(settings)) => {
                // On AWS Send is one line until it is asked for.
                let here = |pane: &Pane| !pane.is_apart() && (self.target == Target::Local || *pane != Pane::Send);
                if let Some(pane) = settings.focus.filter(here) {
                    self.focus = pane;
                    self.large = settings.large;
                }
                for pane in &settings.wrapped {
                    self.panes[*pane as usize].wrap = true;
                }
                if settings.utc {
                    self.offset = UtcOffset::default();
                }
                self.look.settings = settings;
            }
            Some(Err(why)) => {
                self.say(format!(
                    "The remembered settings can't be read and are not used: {why}. :reset writes them anew."
                ));
            }
            None => {}
        }
        if begin.present {
            self.present();
        }
    }

    /// What is to be remembered.
    pub fn settings(&self) -> Settings {
        let mut settings = self.look.settings.clone();
        settings.focus = Some(if self.focus.is_apart() { self.focus_before } else { self.focus });
        settings.large = self.large;
        settings.wrapped = Pane::ALL.into_iter().filter(|pane| self.pane(*pane).wrap).collect();
        settings
    }

    /// The theme. Colours that were not asked for here and now are not used where `NO_COLOR` is set.
    pub fn theme(&self) -> ThemeName {
        if self.presents() {
            return if self.colours || self.look.theme.is_some() { ThemeName::Contrast } else { ThemeName::Mono };
        }
        match self.look.theme {
            Some(theme) => theme,
            None if !self.colours => ThemeName::Mono,
            None => self.look.settings.theme.unwrap_or_default(),
        }
    }

    /// Whether things move on the screen.
    pub fn motion(&self) -> bool {
        self.look.motion.unwrap_or(self.look.settings.motion)
    }

    /// Whether the mouse is the app's: not over SSH where nobody asked for it, since the terminal's
    /// own way to select text is wanted there.
    pub fn mouse_wanted(&self) -> bool {
        self.look.settings.mouse.unwrap_or(!self.look.over_ssh)
    }

    pub(super) fn set_theme(&mut self, name: &str) -> Outcome {
        let names = || ThemeName::ALL.map(ThemeName::name).join(", ");
        let theme = if name.is_empty() {
            let present = ThemeName::ALL.iter().position(|theme| *theme == self.theme()).unwrap_or(0);
            ThemeName::ALL[(present + 1) % ThemeName::ALL.len()]
        } else {
            ThemeName::parse(name).ok_or_else(|| format!("There is no theme {name}: {}.", names()))?
        };
        self.look.theme = Some(theme);
        self.look.settings.theme = Some(theme);
        self.say(format!("Theme {}. There are {}.", theme.name(), names()));
        Ok(Vec::new())
    }

    pub(super) fn set_motion(&mut self, word: &str) -> Outcome {
        let motion = switched(word, self.motion())?;
        self.look.motion = None;
        self.look.settings.motion = motion;
        self.flow.clear();
        self.say(if motion { "Events move along the strip." } else { "Nothing moves on the strip any more." });
        Ok(Vec::new())
    }

    pub(super) fn set_mouse(&mut self, word: &str) -> Outcome {
        let mouse = switched(word, self.mouse_wanted())?;
        self.look.settings.mouse = Some(mouse);
        self.say(if mouse {
            "The mouse selects and scrolls here. Hold Shift to select text as the terminal does."
        } else {
            "The mouse is the terminal's own: it selects text."
        });
        Ok(Vec::new())
    }

    pub(super) fn set_utc(&mut self, word: &str) -> Outcome {
        let utc = switched(word, self.offset == UtcOffset::default())?;
        if !utc && self.look.local == UtcOffset::default() {
            return Err("This machine's own time is UTC.".to_owned());
        }
        self.look.settings.utc = utc;
        self.offset = if utc { UtcOffset::default() } else { self.look.local };
        self.say(format!("Times are {}.", self.offset.name()));
        Ok(Vec::new())
    }

    pub(super) fn reset(&mut self) {
        self.look.settings = self.look.settings.reset();
        self.look.theme = None;
        self.look.motion = None;
        self.offset = self.look.local;
        self.large = false;
        self.leave_large();
        for pane in &mut self.panes {
            pane.wrap = false;
            pane.sideways = 0;
        }
        self.say("Theme, motion, mouse, times and layout are as they were at first.");
    }

    /// What is masked where secrets are.
    pub fn mask(&self) -> Mask {
        let mut mask = Mask::new();
        if let Target::Aws { account_id, endpoint_url, .. } = &self.target {
            mask = mask.with(account_id, Secret::Account);
            if let Some(url) = endpoint_url {
                let host = url.split("://").nth(1).unwrap_or(url).split(['/', ':']).next().unwrap_or_default();
                mask = mask.with(host, Secret::Host);
            }
        }
        self.look.hosts.iter().fold(mask, |mask, host| mask.with(host, Secret::Host))
    }
}

/// `on`, `off`, or the other of the two.
fn switched(word: &str, present: bool) -> Result<bool, String> {
    match word.to_ascii_lowercase().as_str() {
        "" => Ok(!present),
        "on" | "yes" => Ok(true),
        "off" | "no" => Ok(false),
        _ => Err(format!("{word} is neither on nor off.")),
    }
}

impl App {
    pub(super) const fn look_over_ssh(&self) -> bool {
        self.look.over_ssh
    }

    /// Writes what someone else needs to understand what is seen here, secrets masked.
    pub(super) fn write_diagnostics(&self, path: &str) -> Vec<Effect> {
        vec![Effect::Diagnostics { path: path.to_owned(), text: self.diagnostics() }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        App, Key, Message,
        tests::{key, options, ready_app, type_in},
    };

    fn begun(begin: Begin) -> App {
        let mut app = ready_app();
        app.update(Message::Begin(Box::new(begin)));
        app
    }

    fn remembered(text: &str) -> Begin {
        Begin { settings: Some(Settings::parse(text)), ..Begin::default() }
    }

    fn command(app: &mut App, text: &str) {
        type_in(app, ":");
        type_in(app, text);
        key(app, Key::Enter);
    }

    #[test]
    fn what_is_asked_for_goes_before_what_is_remembered() {
        assert_eq!(begun(Begin::default()).theme(), ThemeName::Auto);
        assert_eq!(begun(remembered(r#"{"theme":"light"}"#)).theme(), ThemeName::Light);
        let asked = Begin { theme: Some(ThemeName::Dark), ..remembered(r#"{"theme":"light"}"#) };
        assert_eq!(begun(asked).theme(), ThemeName::Dark);
        assert!(!begun(Begin { motion: Some(false), ..remembered(r#"{"motion":true}"#) }).motion());
    }

    #[test]
    fn without_colours_none_is_used_unless_asked_for() {
        let mut options = options();
        options.colours = false;
        let mut app = App::new(options);
        app.update(Message::Begin(Box::new(remembered(r#"{"theme":"dark"}"#))));
        assert_eq!(app.theme(), ThemeName::Mono);
        app.set_theme("dark").expect("a theme");
        assert_eq!(app.theme(), ThemeName::Dark);
    }

    #[test]
    fn over_ssh_the_mouse_is_the_terminal_s_unless_asked_for() {
        assert!(begun(Begin::default()).mouse_wanted());
        let mut app = begun(Begin { over_ssh: true, ..Begin::default() });
        assert!(!app.mouse_wanted());
        command(&mut app, "mouse on");
        assert!(app.mouse_wanted());
        assert_eq!(app.settings().mouse, Some(true));
    }

    #[test]
    fn commands_change_what_is_remembered_and_reset_takes_it_back() {
        let mut app = begun(remembered(r#"{"newer":1}"#));
        for text in ["theme light", "motion off", "mouse off"] {
            command(&mut app, text);
            assert!(app.palette().is_none(), "{text}");
        }
        type_in(&mut app, "3wz");
        let settings = app.settings();
        assert_eq!((settings.theme, settings.motion, settings.mouse), (Some(ThemeName::Light), false, Some(false)));
        assert_eq!(
            (settings.focus, settings.large, settings.wrapped.as_slice()),
            (Some(Pane::Records), true, &[Pane::Records][..])
        );
        let again = begun(Begin { settings: Some(Settings::parse(&settings.text())), ..Begin::default() });
        assert_eq!(again.settings(), settings);
        assert_eq!(again.large(), Some(Pane::Records));
        command(&mut app, "reset");
        let reset = app.settings();
        assert_eq!((reset.theme, reset.motion, reset.mouse, reset.large), (None, true, None, false));
        assert!(reset.text().contains("newer"));
    }

    #[test]
    fn what_makes_no_sense_stays_in_the_palette_with_its_reason() {
        let mut app = begun(Begin::default());
        command(&mut app, "theme pink");
        let problem = app.palette().and_then(|palette| palette.problem()).expect("a problem");
        assert!(problem.contains("dark, light"), "{problem}");
        key(&mut app, Key::Esc);
        command(&mut app, "diagnostics");
        let problem = app.palette().and_then(|palette| palette.problem()).expect("a problem");
        assert!(problem.contains(":diagnostics FILE"), "{problem}");
    }

    #[test]
    fn a_broken_file_is_said_and_ignored() {
        let app = begun(remembered("{"));
        assert_eq!(app.theme(), ThemeName::Auto);
        assert!(app.message_log().iter().any(|said| said.words.contains("can't be read")));
    }

    #[test]
    fn diagnostics_go_to_the_file_that_is_named() {
        let mut app = begun(Begin::default());
        type_in(&mut app, ":diagnostics /tmp/d.txt");
        let effects = key(&mut app, Key::Enter);
        assert!(matches!(&effects[..], [Effect::Diagnostics { path, .. }] if path == "/tmp/d.txt"), "{effects:?}");
    }
}
