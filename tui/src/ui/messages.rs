//! Everything that was said in the line under the ledger, each in full, the newest at the bottom.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, Said, Sign},
    text::number,
};

use super::{Theme, fit, title};

/// How many lines one message takes at most.
const MOST_LINES: usize = 30;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let log = app.message_log();
    let scrolled = app.messages().unwrap_or(0);
    let mut state = vec![number::counted(log.iter().len() as u64, "message")];
    if scrolled > 0 {
        state.push(format!("{} newer below", number::grouped(scrolled as u64)));
    }
    if log.let_go() > 0 {
        state.push(format!("{} older let go", number::grouped(log.let_go())));
    }
    let inner = title::draw(frame, area, true, "Messages", &state.join(", "), theme);
    let width = usize::from(inner.width).saturating_sub(2);
    if log.iter().len() == 0 {
        let words = "Nothing was said yet. What stands in the line under the ledger is kept here.";
        frame.buffer_mut().set_string(inner.x + 1, inner.y, fit::cut(words, width), theme.quiet());
        return;
    }
    // From the newest up, as many as there is room for.
    let mut lines: Vec<Line> = Vec::new();
    for said in log.iter().rev().skip(scrolled) {
        let of_it = lines_of(app, said, width, theme);
        if !lines.is_empty() && lines.len() + of_it.len() > usize::from(inner.height) {
            break;
        }
        lines.splice(0..0, of_it);
    }
    for (y, line) in (inner.y..inner.bottom()).zip(&lines) {
        frame.buffer_mut().set_line(inner.x + 1, y, line, inner.width.saturating_sub(1));
    }
}

fn lines_of(app: &App, said: &Said, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let time = format!("{} ", app.offset().clock(said.time));
    let times = if said.times > 1 { format!(" ({} times)", number::grouped(said.times)) } else { String::new() };
    let sign =
        if said.sign == Sign::Done { Span::raw(" ") } else { Span::styled(said.sign.text(), theme.sign(said.sign)) };
    let indent = fit::width(&time) + 2;
    let words = format!("{}{times}", app.shown(&said.words));
    let parts = fit::paragraphs(&words, width.saturating_sub(indent).max(8));
    parts
        .into_iter()
        .take(MOST_LINES)
        .enumerate()
        .map(|(index, part)| {
            if index == 0 {
                Line::from(vec![
                    Span::styled(time.clone(), theme.quiet()),
                    sign.clone(),
                    Span::raw(" "),
                    Span::styled(part, Style::new()),
                ])
            } else {
                Line::from(vec![Span::raw(" ".repeat(indent)), Span::raw(part)])
            }
        })
        .collect()
}
