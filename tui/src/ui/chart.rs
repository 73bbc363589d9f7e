//! The stack's operation as a chart: resources by start and length on a time axis.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, ChartResource, ChartRow, Pane, Sign, axis_step},
    text::{number, safe::visible, time},
};

use super::{Screen, Theme, fit};

/// The cells of a resource's name, with room and without.
const NAME_CELLS: (usize, usize) = (20, 26);
/// The least and the most cells of the axis.
const AXIS_CELLS: (usize, usize) = (24, 60);
/// Cells from one mark of the axis to the next, at least.
const MARK_CELLS: u16 = 9;
/// From this width on there is room for names and types.
const ROOMY: u16 = 110;
/// How many words on the way are shown beside a chart, and without one.
const MOST_NOTES: (usize, usize) = (3, 8);
/// How many lines what was said on the way, and how it ended, may take.
const MOST_LINES_OF_WORDS: usize = 7;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let chart = app.chart();
    let width = usize::from(area.width).saturating_sub(2);
    let mut above = vec![Line::from(vec![
        Span::styled(chart.sign.text(), theme.sign(chart.sign)),
        Span::raw(" "),
        Span::styled(fit::cut(&chart.head, width.saturating_sub(2)), theme.strong()),
    ])];
    above.extend(words(app, chart.cause.as_deref(), width, theme));
    if !app.deployment().own {
        let note = "Tailwater did not make this stack (it lacks the tag `tailwater`): it is only watched.";
        above.extend(fit::paragraphs(note, width).into_iter().map(|words| Line::styled(words, theme.strong())));
    }
    if chart.rows.is_empty() {
        above.push(Line::default());
        let next = empty_words(app);
        above.extend(fit::paragraphs(&next, width).into_iter().map(|words| Line::styled(words, theme.quiet())));
    }
    let mut y = print(frame, area, area.y, &above, theme);
    if chart.rows.is_empty() {
        return;
    }
    let roomy = area.width >= ROOMY;
    let name_cells = if roomy { NAME_CELLS.1 } else { NAME_CELLS.0 };
    let axis_cells = (width.saturating_sub(name_cells + 2) * 6 / 10).clamp(AXIS_CELLS.0, AXIS_CELLS.1);
    y = print(frame, area, y, &[axis(chart.span, name_cells + 2, axis_cells, theme)], theme);
    let selected = app.chart_selected(&chart);
    let lines: Vec<(usize, Line)> = chart
        .rows
        .iter()
        .enumerate()
        .flat_map(|(index, row)| {
            let is_selected = selected == Some(index);
            let mut lines = vec![(index, line(row, chart.span, name_cells, axis_cells, width, is_selected, theme))];
            if let (true, ChartRow::Resource(resource)) = (is_selected, row)
                && !resource.detail.is_empty()
            {
                let detail = format!("  └ {}  {}", resource.kind, resource.detail);
                lines.push((index, Line::styled(fit::cut(&detail, width), theme.quiet())));
            }
            lines
        })
        .collect();
    // The selected row stays in sight.
    let room = usize::from(area.bottom().saturating_sub(y));
    let last_of_selected = lines.iter().rposition(|(index, _)| Some(*index) == selected).unwrap_or(0);
    let skip = (last_of_selected + 1).saturating_sub(room);
    let below = lines.len().saturating_sub(skip + room);
    let shown: Vec<(usize, Line)> = lines.into_iter().skip(skip).take(room).collect();
    for (at, (index, _)) in (y..area.bottom()).zip(&shown) {
        screen.place_row(Rect { y: at, height: 1, ..area }, Pane::Stack, *index as u64);
    }
    let mut shown: Vec<Line> = shown.into_iter().map(|(_, line)| line).collect();
    if below > 0
        && let Some(last) = shown.last_mut()
    {
        *last = Line::styled(format!("  ↓ {} more", number::grouped(below as u64 + 1)), theme.quiet());
    }
    print(frame, area, y, &shown, theme);
}

/// What was said on the way, or how it ended: the first cause first.
fn words(app: &App, cause: Option<&str>, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let deployment = app.deployment();
    let mut lines = Vec::new();
    if let Some((sign, words)) = &deployment.outcome {
        for (index, words) in fit::paragraphs(words, width.saturating_sub(2)).into_iter().enumerate() {
            let mark = if index == 0 { sign.text() } else { " " };
            lines.push(Line::from(vec![
                Span::styled(mark, theme.sign(*sign)),
                Span::raw(" "),
                Span::styled(words, if index == 0 { theme.strong() } else { Style::new() }),
            ]));
        }
    } else if let Some(cause) = cause {
        let words = format!("First cause: {cause}");
        for (index, words) in fit::paragraphs(&words, width.saturating_sub(2)).into_iter().enumerate() {
            let mark = if index == 0 { Sign::Failed.text() } else { " " };
            lines.push(Line::from(vec![
                Span::styled(mark, theme.sign(Sign::Failed)),
                Span::raw(" "),
                Span::styled(words, theme.strong()),
            ]));
        }
    } else if deployment.working() {
        // The newest; beside a chart only the last of them.
        let room = if deployment.resources().is_empty() { MOST_NOTES.1 } else { MOST_NOTES.0 };
        let notes = deployment.notes();
        for (when, words) in notes.iter().skip(notes.len().saturating_sub(room)) {
            let words = format!("{}  {}", app.offset().clock(*when), visible(words));
            lines.extend(fit::paragraphs(&words, width).into_iter().map(Line::raw));
        }
        return lines;
    }
    lines.truncate(MOST_LINES_OF_WORDS);
    lines
}

/// What to do where nothing was seen yet.
fn empty_words(app: &App) -> String {
    use tailwater_core::app::{Phase, Work};
    match (&app.deployment().work, &app.deployment().phase) {
        (Some(Work::Preparing), _) => "Nothing is changed before you agree.".to_owned(),
        (Some(_), _) => "CloudFormation's first step is waited for.".to_owned(),
        (None, Phase::Absent) => format!(
            "{}: d shows what deploying template.yaml would make, and what it costs. It asks before anything is made.",
            app.place_words()
        ),
        (None, Phase::Unusable(why)) => visible(why).into_owned(),
        (None, _) => "The next operation shows here as it goes.".to_owned(),
    }
}

fn print(frame: &mut Frame, area: Rect, y: u16, lines: &[Line], theme: Theme) -> u16 {
    let mut at = y;
    for line in lines {
        if at >= area.bottom() {
            break;
        }
        frame.buffer_mut().set_line(area.x + 1, at, line, area.width.saturating_sub(1));
        if line.style == theme.selected() {
            let place = Rect { x: area.x, y: at, width: area.width, height: 1 };
            theme.row(place, line.style, frame.buffer_mut());
        }
        at += 1;
    }
    at
}

/// Where on the axis a moment stands.
fn place(at: Duration, span: Duration, cells: usize) -> usize {
    let span = span.as_micros().max(1);
    let cells = cells.saturating_sub(1) as u128;
    usize::try_from(at.as_micros().min(span) * cells / span).unwrap_or(0)
}

fn axis(span: Duration, indent: usize, cells: usize, theme: Theme) -> Line<'static> {
    let step = axis_step(span, u16::try_from(cells).unwrap_or(u16::MAX), MARK_CELLS);
    let mut text = String::new();
    let mut at = Duration::ZERO;
    while at <= span {
        let column = place(at, span, cells);
        let mark = time::duration(at).replacen("0 ms", "0 s", usize::from(at.is_zero()));
        let taken = fit::width(&text);
        if taken == 0 || taken < column {
            text.push_str(&" ".repeat(column - taken));
            text.push_str(&mark);
        }
        at += step;
    }
    Line::styled(format!("{}{text}", " ".repeat(indent)), theme.quiet())
}

fn line(
    row: &ChartRow,
    span: Duration,
    name_cells: usize,
    axis_cells: usize,
    width: usize,
    selected: bool,
    theme: Theme,
) -> Line<'static> {
    let style = if selected { theme.selected() } else { Style::new() };
    match row {
        ChartRow::Fold { count, open } => {
            let others = number::counted(*count as u64, "other");
            let verb = if *open { "below" } else { "folded: Enter shows them" };
            let words = format!("{} {others} cancelled because of it, {verb}", if *open { "▾" } else { "▸" });
            Line::styled(fit::cut(&words, width), style)
        }
        ChartRow::Resource(resource) => {
            // What has not begun has no bar: its words take that room.
            let axis_cells = if resource.bar.is_some() { axis_cells } else { 0 };
            let room = width.saturating_sub(name_cells + 2 + axis_cells + 1);
            Line::from(vec![
                Span::raw(fit::left(&visible(&resource.logical_id), name_cells - 1)),
                Span::raw(" "),
                Span::styled(resource.sign.text(), if selected { Style::new() } else { theme.sign(resource.sign) }),
                Span::raw(" "),
                Span::styled(bar(resource, span, axis_cells), bar_style(resource, selected, theme)),
                Span::raw(" "),
                Span::raw(fit::cut(&resource.words, room)),
            ])
            .style(style)
        }
    }
}

fn bar_style(resource: &ChartResource, selected: bool, theme: Theme) -> Style {
    match resource.sign {
        _ if selected => Style::new(),
        Sign::Failed | Sign::Moving => theme.sign(resource.sign),
        _ => Style::new(),
    }
}

/// `   ├──────┤   `, open on the right while it goes on.
fn bar(resource: &ChartResource, span: Duration, cells: usize) -> String {
    let Some((from, to)) = resource.bar else { return " ".repeat(cells) };
    let (from, to) = (place(from, span, cells), place(to, span, cells));
    let end = match (resource.open, resource.sign) {
        (true, _) => "─",
        (false, Sign::Failed) => "✗",
        (false, _) => "┤",
    };
    let bar = if to == from {
        if resource.open { "├".to_owned() } else { end.replace('┤', "│") }
    } else {
        format!("├{}{end}", "─".repeat(to - from - 1))
    };
    fit::left(&format!("{}{bar}", " ".repeat(from)), cells)
}
