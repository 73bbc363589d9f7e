//! Makes the README's picture from a real run: starts the app in a terminal, sends events, and
//! draws what stands on the screen as SVG.
//!
//! `cargo build && cargo run --example picture`

#[path = "../tests/common/screen.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod screen;

use std::{fmt::Write, path::PathBuf};

use portable_pty::CommandBuilder;
use screen::Screen;

const COLUMNS: u16 = 120;
const ROWS: u16 = 34;
/// A cell of the usual monospaced fonts at 14 px.
const CELL_WIDTH: f64 = 8.4;
const CELL_HEIGHT: f64 = 18.0;
const MARGIN: f64 = 14.0;
const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d5d8de";
/// The sixteen colours of a terminal, as this picture shows them.
const PALETTE: [&str; 16] = [
    "#16181d", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf", "#7f848e", "#e06c75",
    "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#ffffff",
];

fn main() {
    let file = std::env::args().nth(1).map_or_else(|| PathBuf::from("assets/overview.svg"), PathBuf::from);
    let folder = tempfile::tempdir().expect("a folder");
    // `target/debug/examples/picture` stands below `target/debug/tailwater`.
    let here = std::env::current_exe().expect("this program's file");
    let binary = here.parent().and_then(|folder| folder.parent()).expect("a build folder").join("tailwater");
    assert!(binary.exists(), "{} is not there: run `cargo build` first", binary.display());
    let mut command = CommandBuilder::new(binary);
    command.args(["--param", "BufferIntervalSeconds=4"]);
    command.cwd(folder.path());
    for variable in ["XDG_RUNTIME_DIR", "XDG_STATE_HOME"] {
        command.env(variable, folder.path().join(variable));
    }
    command.env("TERM", "xterm-256color");
    command.env("TZ", "UTC");
    command.env_remove("NO_COLOR");
    let mut app = Screen::start(command, COLUMNS, ROWS);
    app.until_shows("Press s to send your first event");
    for number in 1..=3 {
        app.keys("s");
        app.until_shows(&format!("#{number}  ✓ 202"));
    }
    app.until_shows("✓ 3 in S3");
    for number in 4..=5 {
        app.keys("s");
        app.until_shows(&format!("#{number}  ✓ 202"));
    }
    app.until("the last record", |text| text.contains("2 on the way") && text.contains("holds 2"));
    let picture = app.read(svg);
    std::fs::write(&file, picture).expect("the picture is written");
    println!("{}", file.display());
}

/// The screen as SVG: a run of cells of one look is one text, set to the width of its cells.
fn svg(screen: &vt100::Screen) -> String {
    let width = f64::from(COLUMNS) * CELL_WIDTH + 2.0 * MARGIN;
    let height = f64::from(ROWS) * CELL_HEIGHT + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <title>Tailwater's overview</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for row in 0..ROWS {
        let mut column = 0;
        while column < COLUMNS {
            let look = look(screen, row, column);
            let start = column;
            let mut text = String::new();
            while column < COLUMNS && self::look(screen, row, column) == look {
                match screen.cell(row, column) {
                    Some(cell) if cell.has_contents() => text.push_str(cell.contents()),
                    Some(cell) if cell.is_wide_continuation() => {}
                    _ => text.push(' '),
                }
                column += 1;
            }
            draw(&mut svg, row, start, column, &look, &text);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// How a cell looks: its colours, and whether it is bold.
#[derive(PartialEq)]
struct Look {
    foreground: String,
    background: Option<String>,
    bold: bool,
}

fn look(screen: &vt100::Screen, row: u16, column: u16) -> Look {
    let Some(cell) = screen.cell(row, column) else {
        return Look { foreground: FOREGROUND.to_owned(), background: None, bold: false };
    };
    let foreground = colour(cell.fgcolor());
    let background = colour(cell.bgcolor());
    let dim = if cell.dim() { "#8a9099" } else { FOREGROUND };
    if cell.inverse() {
        Look {
            foreground: background.unwrap_or_else(|| BACKGROUND.to_owned()),
            background: Some(foreground.unwrap_or_else(|| FOREGROUND.to_owned())),
            bold: cell.bold(),
        }
    } else {
        Look { foreground: foreground.unwrap_or_else(|| dim.to_owned()), background, bold: cell.bold() }
    }
}

fn colour(colour: vt100::Color) -> Option<String> {
    match colour {
        vt100::Color::Default => None,
        vt100::Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        vt100::Color::Idx(index) => Some(match index {
            0..=15 => PALETTE[usize::from(index)].to_owned(),
            16..=231 => {
                let level = |value: u8| if value == 0 { 0 } else { 55 + 40 * value };
                let cube = index - 16;
                format!("#{:02x}{:02x}{:02x}", level(cube / 36), level(cube / 6 % 6), level(cube % 6))
            }
            grey => {
                let level = 8 + 10 * (grey - 232);
                format!("#{level:02x}{level:02x}{level:02x}")
            }
        }),
    }
}

fn draw(svg: &mut String, row: u16, start: u16, end: u16, look: &Look, text: &str) {
    let x = MARGIN + f64::from(start) * CELL_WIDTH;
    let y = MARGIN + f64::from(row) * CELL_HEIGHT;
    let width = f64::from(end - start) * CELL_WIDTH;
    if let Some(background) = &look.background {
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{CELL_HEIGHT}\" fill=\"{background}\"/>"
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let weight = if look.bold { " font-weight=\"bold\"" } else { "" };
    let baseline = y + CELL_HEIGHT - 5.0;
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{baseline:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
         fill=\"{}\"{weight} xml:space=\"preserve\">{escaped}</text>",
        look.foreground
    );
}
