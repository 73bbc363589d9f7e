//! The panel of what can be broken on the local cloud: the faults with what is set of each, and the
//! exercise of the one that is selected, once it is on.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, FaultRow, Sign},
    faults::Adjustment,
    text::{number, safe::visible},
};

use super::{Theme, fit, title};

/// The cells of the fault's name.
const NAME_CELLS: usize = 18;
/// The columns of what can be set: heading and cells.
const COLUMNS: [(&str, usize); 4] = [("late by", 9), ("share", 8), ("times", 8), ("for", 12)];
/// The cells of how often it was met.
const MET_CELLS: usize = 12;
/// From this width on each row says what its fault does.
const ROOMY: u16 = 112;
/// The cells of an exercise's headings.
const HEADING_CELLS: usize = 8;
/// Rows of the list that stay in sight however long an exercise is.
const LEAST_ROWS: usize = 3;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let on = app.faults_on().len();
    let state =
        if on == 0 { "nothing is broken".to_owned() } else { format!("{} on", number::counted(on as u64, "fault")) };
    let inner = title::draw(frame, area, true, "Break something", &state, theme);
    let width = usize::from(inner.width).saturating_sub(2);
    let rows = app.fault_rows();
    let mut below = below(app, &rows, width, theme);
    let height = usize::from(inner.height);
    let room = height.saturating_sub(below.len() + 1).max(LEAST_ROWS).min(rows.len());
    if height > below.len() + room + 1 {
        below.insert(0, Line::default());
    }
    let selected = rows.iter().position(|row| row.selected).unwrap_or(0);
    let first = (selected + 1).saturating_sub(room).max(selected.saturating_sub(room / 2)).min(rows.len() - room);
    let mut lines = vec![heading(app, first, rows.len() - first - room, theme)];
    lines.extend(rows.iter().skip(first).take(room).map(|row| line(app, row, width, inner.width, theme)));
    lines.extend(below);
    for (y, line) in (inner.y..inner.bottom()).zip(&lines) {
        frame.buffer_mut().set_line(inner.x + 1, y, line, inner.width.saturating_sub(1));
    }
}

fn heading(app: &App, above: usize, below: usize, theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::styled(fit::left("  fault", NAME_CELLS + 2), theme.strong())];
    for ((name, cells), adjustment) in COLUMNS.into_iter().zip(Adjustment::ALL) {
        let style = if adjustment == app.adjustment() { theme.accent() } else { theme.strong() };
        spans.push(Span::styled(fit::left(name, cells), style));
    }
    let hidden = match (above, below) {
        (0, 0) => String::new(),
        (above, 0) => format!("↑ {above} more"),
        (0, below) => format!("↓ {below} more"),
        (above, below) => format!("↑ {above}, ↓ {below} more"),
    };
    spans.push(Span::styled(hidden, theme.quiet()));
    Line::from(spans)
}

fn line(app: &App, row: &FaultRow, width: usize, screen: u16, theme: Theme) -> Line<'static> {
    let sign = if row.on { Span::styled("!", theme.sign(Sign::Attention)) } else { Span::raw(" ") };
    let name = fit::left(&format!(" {}", row.kind.name()), NAME_CELLS + 1);
    let name_style = match (row.selected, row.on) {
        (true, _) => theme.selected(),
        (false, true) => theme.strong(),
        (false, false) => ratatui::style::Style::new(),
    };
    let mut spans = vec![sign, Span::styled(name, name_style)];
    for ((text, (_, cells)), adjustment) in row.cells.iter().zip(COLUMNS).zip(Adjustment::ALL) {
        if row.selected && adjustment == app.adjustment() {
            let shown = format!("‹{text}›");
            spans.push(Span::styled(fit::left(&shown, cells), theme.accent()));
        } else {
            spans.push(Span::raw(fit::left(&format!(" {text}"), cells)));
        }
    }
    spans.push(Span::raw(fit::left(&format!(" {}", row.met), MET_CELLS)));
    if screen >= ROOMY {
        let taken: usize = spans.iter().map(|span| fit::width(&span.content)).sum();
        spans.push(Span::styled(fit::cut(row.kind.does(), width.saturating_sub(taken)), theme.quiet()));
    }
    Line::from(spans)
}

/// What stands under the list: trouble, what the fault does, its exercise, and faults without a row.
fn below(app: &App, rows: &[FaultRow], width: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(error) = app.breaking_error() {
        let words = format!("The local cloud did not answer: {}", visible(error));
        lines.extend(
            fit::paragraphs(&words, width).into_iter().map(|text| Line::styled(text, theme.sign(Sign::Failed))),
        );
    }
    if let Some(row) = rows.iter().find(|row| row.selected) {
        let what = format!("{}: {}.", row.kind.name(), row.kind.does());
        lines.extend(fit::paragraphs(&what, width).into_iter().map(|text| Line::styled(text, theme.strong())));
        if !row.on {
            let how = "Enter turns it on. Then press s to send an event and watch the strip; x turns all off.";
            lines.extend(fit::paragraphs(how, width).into_iter().map(|text| Line::styled(text, theme.quiet())));
        }
    }
    for (heading, text) in app.exercise() {
        // A command takes the full width: it is long, and has no heading.
        let indent = if heading.is_empty() { 0 } else { HEADING_CELLS };
        let pieces = fit::paragraphs(&text, width.saturating_sub(indent));
        for (index, piece) in pieces.into_iter().enumerate() {
            let heading = fit::left(if index == 0 { heading } else { "" }, indent);
            lines
                .push(Line::from(vec![Span::styled(heading, theme.accent()), Span::raw(visible(&piece).into_owned())]));
        }
    }
    let other = app.other_faults();
    if !other.is_empty() {
        let words = format!("Also on, ordered by a program: {}.", visible(&other.join(", ")));
        lines.extend(fit::paragraphs(&words, width).into_iter().map(|text| Line::styled(text, theme.quiet())));
    }
    lines
}
