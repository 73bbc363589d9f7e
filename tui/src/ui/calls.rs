//! Calls: every call to an AWS API, summed up by operation, with what is left and what it costs.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, CallRow, Pane, Sign},
    text::{number, safe::visible},
};

use super::{Theme, fit, focused, title};

/// The cells of the figures: calls, errors, retries, throttled, p50, p99, left.
const FIGURES: [(&str, usize); 7] =
    [("calls", 6), ("errors", 6), ("retries", 7), ("throttled", 9), ("p50", 7), ("p99", 7), ("left", 8)];
/// The cells of a service's name and of an operation's, with room and without.
const NAMES: [(usize, usize); 2] = [(0, 20), (16, 26)];
/// From this width on the service has a column of its own, and the last error one.
const ROOMY: u16 = 110;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let calls = app.calls();
    let state = number::counted(calls.total(), "call");
    let inner = title::draw(frame, area, focused(app, Pane::Calls), &title::of(Pane::Calls), &state, theme);
    let width = usize::from(inner.width).saturating_sub(2);
    let names = NAMES[usize::from(inner.width >= ROOMY)];
    let words = [Some(app.cost_words()), app.budget_words()];
    let words = words.iter().flatten().flat_map(|words| fit::paragraphs(words, width));
    let mut lines: Vec<Line> = words.map(|words| Line::styled(words, theme.quiet())).collect();
    lines.push(Line::default());
    let rows = app.call_rows();
    if rows.is_empty() {
        lines.push(Line::styled(app.empty_words(Pane::Calls), theme.quiet()));
    } else {
        lines.push(heading(names, width, theme));
        lines.extend(rows.iter().map(|row| line(row, names, width, theme)));
    }
    for (y, line) in (inner.y..inner.bottom()).zip(&lines) {
        frame.buffer_mut().set_line(inner.x + 1, y, line, inner.width.saturating_sub(1));
    }
}

fn heading((service, operation): (usize, usize), width: usize, theme: Theme) -> Line<'static> {
    let mut text = format!("  {}{}", fit::left("service", service), fit::left("operation", operation));
    for (name, cells) in FIGURES {
        text.push_str(&format!(" {name:>cells$}"));
    }
    if service > 0 {
        text.push_str("  last error");
    }
    Line::styled(fit::cut(&text, width), theme.strong())
}

fn line(row: &CallRow, (service, operation): (usize, usize), width: usize, theme: Theme) -> Line<'static> {
    let sign = if row.trouble { Sign::Attention } else { Sign::Done };
    let mut text =
        format!(" {}{}", fit::left(&visible(&row.service), service), fit::left(&visible(&row.operation), operation));
    for (figure, (_, cells)) in row.figures.iter().zip(FIGURES) {
        text.push_str(&format!(" {figure:>cells$}"));
    }
    if service > 0 {
        text.push_str("  ");
        text.push_str(&visible(&row.last_error));
    }
    Line::from(vec![
        Span::styled(sign.text(), theme.sign(sign)),
        Span::raw(fit::cut(&text, width.saturating_sub(1)).trim_end().to_owned()),
    ])
}
