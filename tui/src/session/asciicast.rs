//! An asciicast (version 2): a header, then one line for each change of the screen. Players for it
//! run in terminals and in browsers.

use std::{fmt::Write, time::Duration};

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};
use serde_json::json;
use tailwater_core::events::Timestamp;

/// Turns frames into the lines of an asciicast.
#[derive(Debug)]
pub struct Asciicast {
    last: Buffer,
    begun: bool,
}

impl Asciicast {
    /// For a screen of this size.
    pub fn new(columns: u16, rows: u16) -> Self {
        Self { last: Buffer::empty(Rect::new(0, 0, columns, rows)), begun: false }
    }

    /// The first line.
    pub fn header(&self, start: Timestamp, title: &str) -> String {
        let Rect { width, height, .. } = self.last.area;
        let timestamp = start.as_millis().div_euclid(1000);
        json!({
            "version": 2,
            "width": width,
            "height": height,
            "timestamp": timestamp,
            "title": title,
            "env": { "TERM": "xterm-256color" },
        })
        .to_string()
    }

    /// The lines that bring the screen to this frame; none where it stands already.
    pub fn frame(&mut self, at: Duration, frame: &Buffer) -> Vec<String> {
        let mut lines = Vec::new();
        let mut output = String::new();
        let resized = frame.area != self.last.area;
        if resized {
            lines.push(line(at, "r", &format!("{}x{}", frame.area.width, frame.area.height)));
        }
        if resized || !self.begun {
            output += "\x1b[?25l\x1b[0m\x1b[2J";
            self.last = Buffer::empty(frame.area);
            self.begun = true;
        }
        output += &changes(&self.last, frame);
        self.last = frame.clone();
        if !output.is_empty() {
            lines.push(line(at, "o", &output));
        }
        lines
    }

    /// The line that ends it: the last frame stays until then.
    pub fn end(at: Duration) -> String {
        line(at, "o", "\x1b[0m\x1b[?25h")
    }
}

fn line(at: Duration, kind: &str, data: &str) -> String {
    format!("[{}.{:06},{},{}]", at.as_secs(), at.subsec_micros(), json!(kind), json!(data))
}

/// What a terminal has to be told to come from one frame to the next.
fn changes(last: &Buffer, next: &Buffer) -> String {
    let mut output = String::new();
    let mut place = None;
    let mut look = None;
    for (column, row, cell) in last.diff(next) {
        if place != Some((column, row)) {
            let _ = write!(output, "\x1b[{};{}H", row + 1, column + 1);
        }
        if look != Some(look_of(cell)) {
            look = Some(look_of(cell));
            output += &style(cell);
        }
        output += cell.symbol();
        let width = u16::try_from(unicode_width::UnicodeWidthStr::width(cell.symbol())).unwrap_or(1).max(1);
        place = Some((column + width, row));
    }
    if look.is_some() {
        output += "\x1b[0m";
    }
    output
}

const fn look_of(cell: &Cell) -> (Color, Color, Modifier) {
    (cell.fg, cell.bg, cell.modifier)
}

/// The modifiers and the codes that set them.
const CODES: [(Modifier, u8); 9] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::RAPID_BLINK, 6),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

/// The sequence that sets a cell's look, whatever was set before.
fn style(cell: &Cell) -> String {
    let mut codes = vec!["0".to_owned()];
    for (modifier, code) in CODES {
        if cell.modifier.contains(modifier) {
            codes.push(code.to_string());
        }
    }
    codes.extend(colour(cell.fg, 30));
    codes.extend(colour(cell.bg, 40));
    format!("\x1b[{}m", codes.join(";"))
}

/// A colour's code; `base` is 30 for letters, 40 for what is behind them.
fn colour(colour: Color, base: u8) -> Option<String> {
    let named = |index: u8| (base + index).to_string();
    let bright = |index: u8| (base + 60 + index).to_string();
    Some(match colour {
        Color::Reset => return None,
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", base + 8),
    })
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn frame(text: &str, style: Style) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(1, 0, text, style);
        buffer
    }

    #[test]
    fn a_terminal_that_plays_it_shows_the_frames() {
        let mut cast = Asciicast::new(12, 2);
        let style = Style::new().fg(Color::Indexed(42)).bg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::BOLD);
        let frames = [frame("日本 #1", style), frame("日 ok #2", Style::new().fg(Color::LightRed))];
        let cells = |count| std::num::NonZero::new(count).expect("a screen has cells");
        let mut terminal = vt100::Parser::new(cells(2), cells(12), 0);
        for (index, next) in frames.iter().enumerate() {
            let lines = cast.frame(Duration::from_millis(1_500 * index as u64), next);
            for text in lines {
                let (_, kind, data): (f64, String, String) = serde_json::from_str(&text).expect("a line");
                assert_eq!(kind, "o");
                terminal.process(data.as_bytes());
            }
            let shown = terminal.screen().contents();
            assert_eq!(shown.lines().next(), [Some(" 日本 #1"), Some(" 日 ok #2")][index]);
        }
        let cell = terminal.screen().cell(0, 4).expect("a cell");
        assert_eq!((cell.contents(), cell.fgcolor()), ("o", vt100::Color::Idx(9)));
        assert!(cast.frame(Duration::from_secs(9), &frames[1]).is_empty(), "nothing changed");
    }

    #[test]
    fn a_look_is_told_with_all_its_parts() {
        let mut cell = Cell::new("x");
        cell.set_style(
            Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::DarkGray).add_modifier(Modifier::DIM | Modifier::REVERSED),
        );
        assert_eq!(style(&cell), "\x1b[0;2;7;38;2;1;2;3;100m");
    }

    #[test]
    fn another_size_is_told() {
        let mut cast = Asciicast::new(12, 2);
        cast.frame(Duration::ZERO, &frame("a", Style::new()));
        let lines = cast.frame(Duration::from_secs(1), &Buffer::empty(Rect::new(0, 0, 20, 4)));
        assert_eq!(lines[0], "[1.000000,\"r\",\"20x4\"]");
        assert_eq!(
            cast.header(Timestamp::from_millis(1_700_000_000_999), "a"),
            "{\"version\":2,\"width\":20,\"height\":4,\"timestamp\":1700000000,\"title\":\"a\",\
             \"env\":{\"TERM\":\"xterm-256color\"}}"
        );
    }
}
