//! Colours and emphasis: few, from the terminal's own sixteen so that light and dark both read
//! well, and never alone: a sign or a word stands beside each.

use ratatui::style::{Color, Modifier, Style};
use tailwater_core::{app::Sign, events::Level};

/// The styles of one session.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    colours: bool,
}

#[expect(clippy::unused_self, reason = "whoever draws asks for a style by its name, whatever it depends on")]
impl Theme {
    /// With colours, or without where `NO_COLOR` says so.
    pub const fn new(colours: bool) -> Self {
        Self { colours }
    }

    const fn coloured(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    /// The one accent: what is focused, keys to press.
    pub const fn accent(self) -> Style {
        self.coloured(Color::Magenta).add_modifier(Modifier::BOLD)
    }

    /// Lines and words that stand back.
    pub const fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Names and titles.
    pub const fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The selected row of the focused pane.
    pub const fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Rows of the selected event in other panes.
    pub const fn same_event(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What was looked for, wherever it stands.
    pub const fn found(self) -> Style {
        if self.colours {
            Style::new().fg(Color::Black).bg(Color::Cyan).add_modifier(Modifier::BOLD)
        } else {
            Style::new().add_modifier(Modifier::BOLD).add_modifier(Modifier::UNDERLINED)
        }
    }

    /// A state.
    pub const fn sign(self, sign: Sign) -> Style {
        match sign {
            Sign::Done => self.coloured(Color::Green),
            Sign::Moving => self.accent(),
            Sign::Attention => self.attention(),
            Sign::Failed => self.coloured(Color::Red).add_modifier(Modifier::BOLD),
            Sign::Waiting => self.quiet(),
        }
    }

    /// Yellow can't be read on white: it is a background, with black on it.
    const fn attention(self) -> Style {
        if self.colours {
            Style::new().fg(Color::Black).bg(Color::Yellow)
        } else {
            Style::new().add_modifier(Modifier::BOLD)
        }
    }

    /// A log line's level.
    pub const fn level(self, level: Level) -> Style {
        match level {
            Level::Debug => self.quiet(),
            Level::Info => Style::new(),
            Level::Warn => self.attention(),
            Level::Error => self.sign(Sign::Failed),
        }
    }
}
