//! A picture of the screen, as SVG: drawn from the cells that a terminal would be told.

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

/// A cell of the usual monospaced fonts at 14 px.
const CELL_WIDTH: f64 = 8.4;
const CELL_HEIGHT: f64 = 18.0;
const MARGIN: f64 = 14.0;
/// From a row's top to the line that its letters stand on.
const BASELINE: f64 = 13.0;

/// What a terminal's own colours look like in a picture.
#[derive(Debug, Clone, Copy)]
pub struct Shades {
    foreground: Rgb,
    background: Rgb,
    /// The sixteen colours, in the terminal's order.
    named: [Rgb; 16],
}

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rgb(u8, u8, u8);

const fn rgb(hex: u32) -> Rgb {
    let bytes = hex.to_be_bytes();
    Rgb(bytes[1], bytes[2], bytes[3])
}

impl Shades {
    /// A dark terminal.
    pub const DARK: Self = Self {
        foreground: rgb(0xd5_d8_de),
        background: rgb(0x16_18_1d),
        named: [
            rgb(0x16_18_1d),
            rgb(0xe0_6c_75),
            rgb(0x98_c3_79),
            rgb(0xe5_c0_7b),
            rgb(0x61_af_ef),
            rgb(0xc6_78_dd),
            rgb(0x56_b6_c2),
            rgb(0xab_b2_bf),
            rgb(0x7f_84_8e),
            rgb(0xf0_8c_94),
            rgb(0xb0_d8_94),
            rgb(0xf2_d4_98),
            rgb(0x84_c4_f8),
            rgb(0xd8_98_ec),
            rgb(0x78_cc_d8),
            rgb(0xff_ff_ff),
        ],
    };
    /// A light terminal.
    pub const LIGHT: Self = Self {
        foreground: rgb(0x24_29_2f),
        background: rgb(0xff_ff_ff),
        named: [
            rgb(0x24_29_2f),
            rgb(0xb4_23_18),
            rgb(0x1a_7f_37),
            rgb(0x9a_67_00),
            rgb(0x09_69_da),
            rgb(0x82_50_df),
            rgb(0x1b_7c_83),
            rgb(0xc8_cd_d3),
            rgb(0x6e_77_81),
            rgb(0xcf_22_2e),
            rgb(0x2d_a4_4e),
            rgb(0xbf_87_00),
            rgb(0x21_8b_ff),
            rgb(0xa4_75_f9),
            rgb(0x31_92_aa),
            rgb(0xff_ff_ff),
        ],
    };

    fn colour(&self, colour: Color) -> Option<Rgb> {
        let index = match colour {
            Color::Reset => return None,
            Color::Rgb(red, green, blue) => return Some(Rgb(red, green, blue)),
            Color::Indexed(index) => index,
            Color::Black => 0,
            Color::Red => 1,
            Color::Green => 2,
            Color::Yellow => 3,
            Color::Blue => 4,
            Color::Magenta => 5,
            Color::Cyan => 6,
            Color::Gray => 7,
            Color::DarkGray => 8,
            Color::LightRed => 9,
            Color::LightGreen => 10,
            Color::LightYellow => 11,
            Color::LightBlue => 12,
            Color::LightMagenta => 13,
            Color::LightCyan => 14,
            Color::White => 15,
        };
        Some(match index {
            0..=15 => self.named[usize::from(index)],
            16..=231 => {
                let level = |value: u8| if value == 0 { 0 } else { 55 + 40 * value };
                let cube = index - 16;
                Rgb(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
            }
            grey => {
                let level = 8 + 10 * (grey - 232);
                Rgb(level, level, level)
            }
        })
    }

    fn look(&self, cell: &Cell) -> Look {
        let is = |modifier| cell.modifier.contains(modifier);
        let mut foreground = self.colour(cell.fg).unwrap_or(self.foreground);
        let mut background = self.colour(cell.bg);
        if is(Modifier::REVERSED) {
            let behind = background.unwrap_or(self.background);
            background = Some(foreground);
            foreground = behind;
        }
        if is(Modifier::DIM) {
            foreground = foreground.towards(background.unwrap_or(self.background));
        }
        if is(Modifier::HIDDEN) {
            foreground = background.unwrap_or(self.background);
        }
        Look {
            foreground,
            background,
            bold: is(Modifier::BOLD),
            italic: is(Modifier::ITALIC),
            underlined: is(Modifier::UNDERLINED),
            crossed_out: is(Modifier::CROSSED_OUT),
        }
    }
}

impl Rgb {
    /// Two fifths of the way to another colour: still to be read, but standing back.
    fn towards(self, other: Self) -> Self {
        let mix = |from: u8, to: u8| {
            let mixed = (u16::from(from) * 3 + u16::from(to) * 2) / 5;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }
}

impl std::fmt::Display for Rgb {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// How a run of cells looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an emphasis of its own")]
struct Look {
    foreground: Rgb,
    background: Option<Rgb>,
    bold: bool,
    italic: bool,
    underlined: bool,
    crossed_out: bool,
}

/// The screen as SVG. Each run of cells of one look is one text, set to the width of its cells, so that
/// columns stay columns in any font.
pub fn svg(buffer: &Buffer, title: &str, shades: &Shades) -> String {
    let width = f64::from(buffer.area.width) * CELL_WIDTH + 2.0 * MARGIN;
    let height = f64::from(buffer.area.height) * CELL_HEIGHT + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.1}\" height=\"{height:.1}\" \
         viewBox=\"0 0 {width:.1} {height:.1}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <title>{}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n",
        escaped(title),
        shades.background
    );
    for row in 0..buffer.area.height {
        // What is behind letters first: letters may reach over the borders of their cells.
        let runs = runs(buffer, row, shades);
        // In one piece where it is of one colour, so that no seam shows.
        for piece in runs.chunk_by(|run, next| run.look.background == next.look.background) {
            if let (Some(background), columns) =
                (piece[0].look.background, piece.iter().map(|run| run.columns).sum::<u16>())
            {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{background}\"/>",
                    x(piece[0].start),
                    y(row),
                    f64::from(columns) * CELL_WIDTH
                );
            }
        }
        for run in &runs {
            draw(&mut svg, row, run);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Cells of one look beside each other. One wide character, or one whose width fonts disagree about,
/// is a run of its own.
struct Run {
    start: u16,
    columns: u16,
    look: Look,
    text: String,
    alone: bool,
}

fn runs(buffer: &Buffer, row: u16, shades: &Shades) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    while column < buffer.area.width {
        let Some(cell) = buffer.cell((buffer.area.x + column, buffer.area.y + row)) else { break };
        let symbol = cell.symbol();
        let columns = u16::try_from(symbol.width()).unwrap_or(1).clamp(1, 2);
        let look = shades.look(cell);
        let alone = !symbol.is_ascii();
        match runs.last_mut() {
            Some(run) if run.look == look && !run.alone && !alone => {
                run.columns += columns;
                run.text.push_str(symbol);
            }
            // A line is one stroke.
            Some(run) if run.look == look && run.alone && alone && run.text.ends_with(symbol) && symbol == "─" => {
                run.columns += columns;
                run.text.push_str(symbol);
            }
            _ => runs.push(Run { start: column, columns, look, text: symbol.to_owned(), alone }),
        }
        column += columns;
    }
    runs
}

fn draw(svg: &mut String, row: u16, run: &Run) {
    // Spaces at the ends need no letters, except that lines go under and through them.
    let look = &run.look;
    let lined = look.underlined || look.crossed_out;
    let kept = if lined { run.text.as_str() } else { run.text.trim_end_matches(' ') };
    let text = if lined { kept } else { kept.trim_start_matches(' ') };
    if text.is_empty() {
        return;
    }
    let skipped = u16::try_from(kept.len() - text.len()).unwrap_or(0);
    let columns = u16::try_from(text.width()).unwrap_or(run.columns).max(1);
    let mut style = String::new();
    if look.bold {
        style += " font-weight=\"bold\"";
    }
    if look.italic {
        style += " font-style=\"italic\"";
    }
    match (look.underlined, look.crossed_out) {
        (false, false) => {}
        (true, false) => style += " text-decoration=\"underline\"",
        (false, true) => style += " text-decoration=\"line-through\"",
        (true, true) => style += " text-decoration=\"underline line-through\"",
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{style} \
         xml:space=\"preserve\">{}</text>",
        x(run.start + skipped),
        y(row) + BASELINE,
        f64::from(columns) * CELL_WIDTH,
        look.foreground,
        escaped(text)
    );
}

fn x(column: u16) -> f64 {
    MARGIN + f64::from(column) * CELL_WIDTH
}

fn y(row: u16) -> f64 {
    MARGIN + f64::from(row) * CELL_HEIGHT
}

/// Text as XML takes it: what XML cannot hold is shown as a replacement.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    #[test]
    fn runs_keep_their_columns_and_looks() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 3));
        buffer.set_string(1, 0, "a<b>&\"", Style::new().add_modifier(Modifier::BOLD | Modifier::ITALIC));
        buffer.set_string(0, 1, "日本 x", Style::new().fg(Color::Indexed(208)).bg(Color::Rgb(1, 2, 3)));
        buffer.set_string(0, 2, "gone", Style::new().add_modifier(Modifier::CROSSED_OUT | Modifier::REVERSED));
        insta::assert_snapshot!(svg(&buffer, "A & B", &Shades::DARK));
    }

    #[test]
    fn dim_stands_back_on_light_and_dark() {
        let mut cell = Cell::new("x");
        cell.set_style(Style::new().add_modifier(Modifier::DIM));
        for shades in [Shades::DARK, Shades::LIGHT] {
            let look = shades.look(&cell);
            assert!(look.foreground != shades.foreground && look.foreground != shades.background);
        }
        cell.set_style(Style::new().add_modifier(Modifier::HIDDEN));
        assert_eq!(Shades::DARK.look(&cell).foreground, Shades::DARK.background);
    }
}
