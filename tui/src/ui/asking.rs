//! What is shown before a yes: the preview of a deployment, or what the end of the stack means.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::app::{App, AskingLine, Sign};

use super::{Theme, fit, title};

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let (lines, scroll) =
        if app.destroying().is_some() { (app.destroy_lines(), 0) } else { (app.preview_lines(), app.preview_scroll()) };
    let width = usize::from(area.width).saturating_sub(2);
    let skipped = lines.iter().take(scroll).map(|line| drawn(line, width, theme).len()).sum::<usize>();
    let all: Vec<Line> = lines.iter().flat_map(|line| drawn(line, width, theme)).collect();
    let room = usize::from(area.height).saturating_sub(1);
    let state = if all.len() > skipped + room { "↓ for more" } else { "" };
    let inner = title::draw(frame, area, true, &app.asking_title(), state, theme);
    for (y, line) in (inner.y..inner.bottom()).zip(all.iter().skip(skipped)) {
        frame.buffer_mut().set_line(inner.x + 1, y, line, inner.width.saturating_sub(1));
    }
}

/// A line in as many as it takes.
fn drawn(line: &AskingLine, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let style = match (line.heading, line.sign) {
        (true, _) | (_, Some(Sign::Failed | Sign::Attention)) => theme.strong(),
        _ => Style::new(),
    };
    // Headings stand at the edge, what belongs to them two cells in, behind its sign.
    let indent = if line.heading { 0 } else { line.indent + 2 };
    let room = width.saturating_sub(indent).max(1);
    let parts = if line.words.is_empty() { vec![String::new()] } else { fit::paragraphs(&line.words, room) };
    parts
        .into_iter()
        .enumerate()
        .map(|(index, words)| match line.sign {
            Some(sign) if index == 0 => Line::from(vec![
                Span::styled(sign.text(), theme.sign(sign)),
                Span::raw(" ".repeat(indent.saturating_sub(1))),
                Span::styled(words, style),
            ]),
            _ => Line::from(vec![Span::raw(" ".repeat(indent)), Span::styled(words, style)]),
        })
        .collect()
}
