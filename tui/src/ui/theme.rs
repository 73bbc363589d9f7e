//! Colours and emphasis: few, and never alone: a sign or a word stands beside each.
//!
//! `auto` takes the terminal's own sixteen, so that it reads well on whatever ground there is. The
//! others bring their ground along, from the fixed part of the 256 colours, which every terminal
//! shows alike and which pass through `tmux` and SSH; each pair of letters and ground has a contrast
//! of at least 4.5, and states differ for the colour-blind, too.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};
use tailwater_core::{
    app::{Sign, ThemeName},
    events::Level,
};

/// The colours of a theme, as indices of the 256.
#[derive(Debug, Clone, Copy)]
struct Colours {
    ground: u8,
    letters: u8,
    quiet: u8,
    accent: u8,
    done: u8,
    failed: u8,
    /// Letters and ground of what wants attention.
    attention: (u8, u8),
    /// The ground of the selected row.
    selected: u8,
}

const DARK: Colours = Colours {
    ground: 233,
    letters: 252,
    quiet: 247,
    accent: 81,
    done: 79,
    failed: 209,
    attention: (16, 221),
    selected: 17,
};

const LIGHT: Colours = Colours {
    ground: 231,
    letters: 235,
    quiet: 240,
    accent: 25,
    done: 23,
    failed: 124,
    attention: (16, 221),
    selected: 189,
};

const CONTRAST: Colours = Colours {
    ground: 16,
    letters: 231,
    quiet: 252,
    accent: 87,
    done: 86,
    failed: 217,
    attention: (16, 226),
    selected: 18,
};

/// The styles of one theme.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    name: ThemeName,
}

impl Theme {
    /// By its name.
    pub const fn new(name: ThemeName) -> Self {
        Self { name }
    }

    const fn colours(self) -> Option<Colours> {
        match self.name {
            ThemeName::Auto | ThemeName::Mono => None,
            ThemeName::Dark => Some(DARK),
            ThemeName::Light => Some(LIGHT),
            ThemeName::Contrast => Some(CONTRAST),
        }
    }

    /// One of the theme's colours; with `auto`, one of the terminal's; in mono none.
    fn coloured(self, of: impl Fn(Colours) -> u8, own: Color) -> Style {
        match (self.colours(), self.name) {
            (Some(colours), _) => Style::new().fg(Color::Indexed(of(colours))),
            (None, ThemeName::Mono) => Style::new(),
            (None, _) => Style::new().fg(own),
        }
    }

    /// The ground and its letters.
    pub fn base(self) -> Style {
        self.colours().map_or_else(Style::new, |colours| {
            Style::new().fg(Color::Indexed(colours.letters)).bg(Color::Indexed(colours.ground))
        })
    }

    /// Empties an area, down to the ground.
    pub fn clear(self, area: Rect, buffer: &mut Buffer) {
        for position in area.intersection(buffer.area).positions() {
            buffer[position].reset();
        }
        buffer.set_style(area.intersection(buffer.area), self.base());
    }

    /// The one accent: what is focused, keys to press.
    pub fn accent(self) -> Style {
        self.coloured(|colours| colours.accent, Color::Magenta).add_modifier(Modifier::BOLD)
    }

    /// Lines and words that stand back.
    pub fn quiet(self) -> Style {
        match self.colours() {
            Some(colours) => Style::new().fg(Color::Indexed(colours.quiet)),
            None => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// Names and titles.
    #[expect(clippy::unused_self, reason = "whoever draws asks for a style by its name, whatever it depends on")]
    pub const fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The selected row of the focused pane.
    pub fn selected(self) -> Style {
        match self.colours() {
            Some(colours) => Style::new().bg(Color::Indexed(colours.selected)).add_modifier(Modifier::BOLD),
            None => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// Gives a whole row its style; what has a ground of its own in it keeps that.
    pub fn row(self, area: Rect, style: Style, buffer: &mut Buffer) {
        let ground = self.base().bg.unwrap_or(Color::Reset);
        for position in area.intersection(buffer.area).positions() {
            let cell = &mut buffer[position];
            let own = cell.bg != ground && Some(cell.bg) != style.bg;
            cell.set_style(if own { Style { bg: None, fg: None, ..style } } else { style });
        }
    }

    /// Rows of the selected event in other panes.
    #[expect(clippy::unused_self, reason = "whoever draws asks for a style by its name, whatever it depends on")]
    pub const fn same_event(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What was looked for, wherever it stands: underlined, too, since colour alone says nothing.
    pub fn found(self) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD).add_modifier(Modifier::UNDERLINED);
        match self.name {
            ThemeName::Mono => style,
            ThemeName::Auto => style.fg(Color::Black).bg(Color::Cyan),
            ThemeName::Dark | ThemeName::Light | ThemeName::Contrast => {
                style.fg(Color::Indexed(16)).bg(Color::Indexed(80))
            }
        }
    }

    /// A state.
    pub fn sign(self, sign: Sign) -> Style {
        match sign {
            Sign::Done => self.coloured(|colours| colours.done, Color::Green),
            Sign::Moving => self.accent(),
            Sign::Attention => self.attention(),
            Sign::Failed => self.coloured(|colours| colours.failed, Color::Red).add_modifier(Modifier::BOLD),
            Sign::Waiting => self.quiet(),
        }
    }

    /// Yellow can't be read on white: it is a ground, with black on it.
    fn attention(self) -> Style {
        match (self.colours(), self.name) {
            (Some(Colours { attention: (letters, ground), .. }), _) => {
                Style::new().fg(Color::Indexed(letters)).bg(Color::Indexed(ground))
            }
            (None, ThemeName::Mono) => Style::new().add_modifier(Modifier::BOLD),
            (None, _) => Style::new().fg(Color::Black).bg(Color::Yellow),
        }
    }

    /// A log line's level.
    pub fn level(self, level: Level) -> Style {
        match level {
            Level::Debug => self.quiet(),
            Level::Info => Style::new(),
            Level::Warn => self.attention(),
            Level::Error => self.sign(Sign::Failed),
        }
    }
}

/// Red, green and blue of a colour of the fixed part.
#[cfg(test)]
fn rgb(index: u8) -> [f64; 3] {
    assert!(index >= 16, "the first sixteen are the terminal's own");
    let level = |step: u8| if step == 0 { 0.0 } else { f64::from(55 + 40 * step) };
    match index {
        16..=231 => [level((index - 16) / 36), level((index - 16) / 6 % 6), level((index - 16) % 6)],
        _ => [f64::from(8 + 10 * (index - 232)); 3],
    }
}

/// Light as the eye weighs it, from 0 to 1.
#[cfg(test)]
fn linear(colour: [f64; 3]) -> [f64; 3] {
    colour.map(|part| {
        let part = part / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    })
}

#[cfg(test)]
fn luminance(index: u8) -> f64 {
    let [red, green, blue] = linear(rgb(index));
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// The contrast of two colours, from 1 to 21.
#[cfg(test)]
pub fn contrast(one: u8, other: u8) -> f64 {
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEMES: [(&str, Colours); 3] = [("dark", DARK), ("light", LIGHT), ("contrast", CONTRAST)];

    #[test]
    fn every_pair_of_letters_and_ground_is_legible() {
        for (name, colours) in THEMES {
            for ground in [colours.ground, colours.selected] {
                for letters in [colours.letters, colours.quiet, colours.accent, colours.done, colours.failed] {
                    let ratio = contrast(letters, ground);
                    assert!(ratio >= 4.5, "{name}: {letters} on {ground} is {ratio:.2}");
                }
            }
            let ratio = contrast(colours.attention.0, colours.attention.1);
            assert!(ratio >= 4.5, "{name}: attention is {ratio:.2}");
        }
        for letters in [CONTRAST.letters, CONTRAST.quiet, CONTRAST.accent, CONTRAST.done, CONTRAST.failed] {
            assert!(contrast(letters, CONTRAST.ground) >= 7.0, "{letters} in high contrast");
        }
    }

    /// What someone without red, or without green, cones sees (Viénot, Brettel and Mollon, 1999).
    fn seen_without(cones: &str, index: u8) -> [f64; 3] {
        let [red, green, blue] = linear(rgb(index));
        let kept = match cones {
            "red" => 0.112_38 * red + 0.887_62 * green,
            _ => 0.292_75 * red + 0.707_25 * green,
        };
        let tinted = match cones {
            "red" => 0.004_01 * red - 0.004_01 * green + blue,
            _ => -0.022_34 * red + 0.022_34 * green + blue,
        };
        [kept, kept, tinted].map(|part| part.max(0.0).powf(1.0 / 2.2) * 255.0)
    }

    #[test]
    fn states_differ_for_the_colour_blind_too() {
        for (name, colours) in THEMES {
            // What wants attention has a ground of its own.
            let states = [colours.accent, colours.done, colours.failed];
            for cones in ["red", "green"] {
                for (index, one) in states.iter().enumerate() {
                    for other in &states[index + 1..] {
                        let (one, other) = (seen_without(cones, *one), seen_without(cones, *other));
                        let apart = one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum::<f64>().sqrt();
                        assert!(apart >= 25.0, "{name} without {cones}: {one:?} and {other:?} are {apart:.0} apart");
                    }
                }
            }
        }
    }

    #[test]
    fn without_colours_there_are_none() {
        let theme = Theme::new(ThemeName::Mono);
        let signs = [Sign::Done, Sign::Moving, Sign::Attention, Sign::Failed, Sign::Waiting];
        let styles = signs.map(|sign| theme.sign(sign));
        for style in styles.into_iter().chain([theme.base(), theme.accent(), theme.quiet(), theme.selected()]) {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
