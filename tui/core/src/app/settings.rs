//! What is remembered from session to session: how it looks and what stood where, as a small JSON
//! document. What a newer version wrote into it is kept.

use serde_json::{Map, Value};

use super::Pane;

/// Colours by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum ThemeName {
    /// The terminal's own sixteen colours, on its own background.
    #[default]
    Auto,
    /// Light letters on a dark ground.
    Dark,
    /// Dark letters on a light ground.
    Light,
    /// As much contrast as there is.
    Contrast,
    /// No colour at all.
    Mono,
}

impl ThemeName {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Dark, Self::Light, Self::Contrast, Self::Mono];

    /// Its name, as it is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Contrast => "contrast",
            Self::Mono => "mono",
        }
    }

    /// By its name, or by what people call it, too.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase();
        let also = match name.as_str() {
            "monochrome" | "none" => Some(Self::Mono),
            "high-contrast" | "high contrast" => Some(Self::Contrast),
            "terminal" | "default" => Some(Self::Auto),
            _ => None,
        };
        also.or_else(|| Self::ALL.into_iter().find(|theme| theme.name() == name))
    }
}

/// What is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The theme that was chosen; `None`: none was.
    pub theme: Option<ThemeName>,
    /// Things move on the screen.
    pub motion: bool,
    /// The mouse is the app's; `None`: wherever that is no hindrance.
    pub mouse: Option<bool>,
    /// Times are UTC.
    pub utc: bool,
    /// The focused pane.
    pub focus: Option<Pane>,
    /// It is large.
    pub large: bool,
    /// The panes whose long rows go on in the next line.
    pub wrapped: Vec<Pane>,
    /// What this version does not know.
    unknown: Map<String, Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: None,
            motion: true,
            mouse: None,
            utc: false,
            focus: None,
            large: false,
            wrapped: Vec::new(),
            unknown: Map::new(),
        }
    }
}

/// What the document's first level may hold; the rest is kept as it is.
const KNOWN: [&str; 7] = ["theme", "motion", "mouse", "utc", "focus", "large", "wrap"];

impl Settings {
    /// From the document; where it is none, why. A value that makes no sense is as good as absent.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut all: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let default = Self::default();
        let flag = |name: &str| all.get(name).and_then(Value::as_bool);
        let word = |name: &str| all.get(name).and_then(Value::as_str);
        let wrapped = all
            .get("wrap")
            .and_then(Value::as_array)
            .map_or(Vec::new(), |names| names.iter().filter_map(Value::as_str).filter_map(pane).collect());
        let settings = Self {
            theme: word("theme").and_then(ThemeName::parse),
            motion: flag("motion").unwrap_or(default.motion),
            mouse: flag("mouse"),
            utc: flag("utc").unwrap_or(default.utc),
            focus: word("focus").and_then(pane),
            large: flag("large").unwrap_or(default.large),
            wrapped,
            unknown: Map::new(),
        };
        all.retain(|name, _| !KNOWN.contains(&name.as_str()));
        Ok(Self { unknown: all, ..settings })
    }

    /// As the document, a line each.
    pub fn text(&self) -> String {
        let mut all = self.unknown.clone();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                all.insert(name.to_owned(), value);
            }
        };
        put("theme", self.theme.map(|theme| theme.name().into()));
        put("motion", Some(self.motion.into()));
        put("mouse", self.mouse.map(Into::into));
        put("utc", Some(self.utc.into()));
        put("focus", self.focus.map(|pane| word_of(pane).into()));
        put("large", Some(self.large.into()));
        put("wrap", Some(self.wrapped.iter().map(|pane| Value::from(word_of(*pane))).collect::<Vec<_>>().into()));
        let mut text = serde_json::to_string_pretty(&Value::Object(all)).unwrap_or_default();
        text.push('\n');
        text
    }

    /// As new, but for what this version does not know.
    #[must_use]
    pub fn reset(&self) -> Self {
        Self { unknown: self.unknown.clone(), ..Self::default() }
    }
}

fn word_of(pane: Pane) -> String {
    pane.name().to_ascii_lowercase()
}

fn pane(word: &str) -> Option<Pane> {
    Pane::ALL.into_iter().find(|pane| pane.name().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_the_unknown_is_kept() {
        let text = r#"{"theme":"light","motion":false,"tails":{"a":[1.50]},"focus":"logs","wrap":["records",7]}"#;
        let settings = Settings::parse(text).expect("settings");
        assert_eq!(settings.theme, Some(ThemeName::Light));
        assert!(!settings.motion);
        assert_eq!((settings.focus, settings.wrapped.as_slice()), (Some(Pane::Logs), &[Pane::Records][..]));
        let again = Settings::parse(&settings.text()).expect("settings");
        assert_eq!(again, settings);
        assert!(settings.text().contains("\"tails\""));
        assert!(settings.reset().text().contains("\"tails\""));
        assert_eq!(settings.reset().theme, None);
    }

    #[test]
    fn what_makes_no_sense_is_as_good_as_absent() {
        let settings = Settings::parse(r#"{"theme":"pink","motion":"yes","mouse":3,"focus":"sky","wrap":true}"#);
        assert_eq!(settings, Ok(Settings::default()));
        for broken in ["", "[]", "{\"theme\":", "null"] {
            assert!(Settings::parse(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_theme_is_known_by_its_names() {
        for theme in ThemeName::ALL {
            assert_eq!(ThemeName::parse(theme.name()), Some(theme));
        }
        assert_eq!(ThemeName::parse(" High-Contrast "), Some(ThemeName::Contrast));
        assert_eq!(ThemeName::parse("monochrome"), Some(ThemeName::Mono));
        assert_eq!(ThemeName::parse("pink"), None);
    }
}
