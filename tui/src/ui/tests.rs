//! Whole screens as text, drawn from messages alone.

mod breaking;
mod guide;
mod hands;
mod overview;
mod sending;
mod sizes;
mod stack;
mod story;
mod traces;
mod viewing;

use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use tailwater_core::app::{App, Message};

use super::{Screen, draw};

/// Draws the app at a size as it would be on a terminal of that size.
fn drawn(app: &mut App, screen: &mut Screen, width: u16, height: u16) -> Buffer {
    app.update(Message::Resize { width, height });
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, app, screen)).expect("a frame");
    terminal.backend().buffer().clone()
}

/// The screen's text, a line each, without the spaces at the ends.
fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let lines = buffer.content.chunks(width).map(|cells| {
        let mut line = String::new();
        let mut skip = 0;
        for cell in cells {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            skip = super::fit::width(cell.symbol()).saturating_sub(1);
        }
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The screen's text at a size.
fn screen_text(app: &mut App, width: u16, height: u16) -> String {
    text(&drawn(app, &mut Screen::new(), width, height))
}
