//! One event's trace: a waterfall on a time axis, what became of the bytes, its log lines.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, Axis, BREAK_CELLS, Pane, Row, RowBar, Sign, TraceItem, TraceRow, TraceScreen, source_word},
    text::{number, safe::visible},
    trace::{EventNumber, PhaseKind},
};

use super::{Theme, fit, title};

/// The cells of a place's name, of its sign, and of the word beside it.
const NAME_CELLS: usize = 9;
const SIGN_CELLS: usize = 2;
const WORD_CELLS: usize = 9;
/// The cells of the facts behind the axis, at least and at most.
const FACTS_CELLS: (usize, usize) = (17, 64);
/// From so many cells of facts on, ids are shown whole.
const ROOM_FOR_IDS: usize = 56;
/// The least cells of the axis.
const AXIS_CELLS: usize = 20;
/// The break of the axis and of the bars that cross it.
const BREAK: &str = "╱╱";

/// How a trace is drawn.
#[derive(Clone, Copy)]
struct Look {
    theme: Theme,
    /// Cells of the whole, of the axis and of the facts.
    width: usize,
    axis: usize,
    facts: usize,
}

impl Look {
    fn new(width: usize, theme: Theme) -> Self {
        let before = NAME_CELLS + SIGN_CELLS + WORD_CELLS;
        let facts = (width * 24 / 100).clamp(FACTS_CELLS.0, FACTS_CELLS.1);
        let axis = width.saturating_sub(before + facts + 1).max(AXIS_CELLS);
        Self { theme, width, axis, facts: width.saturating_sub(before + axis + 1) }
    }

    const fn before() -> usize {
        NAME_CELLS + SIGN_CELLS + WORD_CELLS
    }
}

/// Draws the trace that is open.
pub fn draw(frame: &mut Frame, area: Rect, app: &App, number: EventNumber, theme: Theme) {
    draw_of(frame, area, app, number, true, theme);
}

/// Draws an event's trace; `open`: it is the one that takes keys.
pub fn draw_of(frame: &mut Frame, area: Rect, app: &App, number: EventNumber, open: bool, theme: Theme) {
    let Some(screen) = app.trace_screen(number) else {
        let inner = title::draw(frame, area, open, &format!("Trace {number}"), "", theme);
        let words = "It was let go: too many events came since. The ledger still counts it.";
        for (y, line) in (inner.y..inner.bottom()).zip(fit::paragraphs(words, usize::from(inner.width) - 2)) {
            frame.buffer_mut().set_string(inner.x + 1, y, line, theme.quiet());
        }
        return;
    };
    let state = if open { "] [ next, previous" } else { "" };
    let inner = title::draw(frame, area, open, &screen.title, state, theme);
    let look = Look::new(usize::from(inner.width).saturating_sub(2), theme);
    let selected = if open { app.trace_selected() } else { None };
    let mut lines = waterfall(&screen, selected, look);
    lines.push(Line::default());
    lines.extend(bytes_line(&screen, selected, open, look));
    for (sign, words) in &screen.notes {
        lines.extend(note(*sign, words, look));
    }
    let room = usize::from(inner.height).saturating_sub(lines.len());
    lines.extend(logs(app, number, selected, room, look));
    for (y, line) in (inner.y..inner.bottom()).zip(&lines) {
        frame.buffer_mut().set_line(inner.x + 1, y, line, inner.width.saturating_sub(1));
        let row = Rect { x: inner.x, y, width: inner.width, height: 1 };
        frame.buffer_mut().set_style(row, line.style);
    }
}

/// The axis, then a row for the sending and for each hop.
fn waterfall(screen: &TraceScreen, selected: Option<TraceItem>, look: Look) -> Vec<Line<'static>> {
    let axis = screen.axis(look.axis);
    let mut lines = vec![axis_line(&axis, look)];
    for row in &screen.rows {
        let style = if selected == Some(TraceItem::Stage(row.place)) { look.theme.selected() } else { Style::new() };
        lines.extend(row_lines(row, &axis, look).into_iter().map(|line| line.style(style)));
    }
    let cold = screen
        .rows
        .iter()
        .filter_map(|row| row.bar.as_ref())
        .any(|bar| bar.phases.iter().any(|(kind, ..)| *kind == PhaseKind::Init));
    if cold {
        let words = format!("{}░ cold start: its environment was started first", " ".repeat(Look::before()));
        lines.push(Line::styled(fit::cut(&words, look.width), look.theme.quiet()));
    }
    lines
}

fn axis_line(axis: &Axis, look: Look) -> Line<'static> {
    let mut cells: Vec<char> = vec![' '; look.axis];
    for cut in axis.breaks() {
        for (cell, letter) in cells.iter_mut().skip(*cut).zip(BREAK.chars()) {
            *cell = letter;
        }
    }
    for mark in axis.marks() {
        for (cell, letter) in cells.iter_mut().skip(mark.from).zip(mark.words.chars()) {
            *cell = letter;
        }
    }
    let text = format!("{}{}", " ".repeat(Look::before()), cells.into_iter().collect::<String>());
    Line::styled(text.trim_end().to_owned(), look.theme.quiet())
}

fn row_lines(row: &TraceRow, axis: &Axis, look: Look) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut spans = vec![
        Span::styled(fit::left(row.place.name(), NAME_CELLS), theme.strong()),
        Span::styled(row.sign.text(), theme.sign(row.sign)),
        Span::raw(" "),
        Span::raw(fit::left(&row.word, WORD_CELLS)),
    ];
    let facts = if look.facts >= ROOM_FOR_IDS { &row.long_facts } else { &row.facts };
    let strong = matches!(row.sign, Sign::Failed | Sign::Attention);
    let reason_style = if strong { theme.strong() } else { Style::new() };
    let mut below: Vec<Line> = Vec::new();
    let indent = " ".repeat(Look::before());
    if let Some(bar) = &row.bar {
        spans.push(Span::styled(bar_text(bar, axis, look.axis), bar_style(row.sign, theme)));
        spans.push(Span::raw(" "));
        let beside = if row.reason.is_empty() { facts } else { &row.reason };
        if fit::width(beside) <= look.facts {
            let style = if row.reason.is_empty() { theme.quiet() } else { reason_style };
            spans.push(Span::styled(beside.clone(), style));
        } else if row.reason.is_empty() {
            spans.push(Span::styled(fit::cut(facts, look.facts), theme.quiet()));
        } else {
            spans.push(Span::styled(fit::cut(facts, look.facts), theme.quiet()));
            below.extend(reason_lines(&row.reason, 2, &indent, look.width, reason_style));
        }
    } else {
        let room = look.width.saturating_sub(Look::before());
        let words = if row.reason.is_empty() { facts } else { &row.reason };
        let style = if row.sign == Sign::Waiting { theme.quiet() } else { reason_style };
        let mut words = at_most(fit::paragraphs(words, room), 3, room).into_iter();
        spans.extend(words.next().map(|words| Span::styled(words, style)));
        below.extend(words.map(|words| Line::from(vec![Span::raw(indent.clone()), Span::styled(words, style)])));
    }
    if !row.below.is_empty() {
        let room = look.width.saturating_sub(NAME_CELLS + SIGN_CELLS);
        let words = format!("{}{}", " ".repeat(NAME_CELLS + SIGN_CELLS), fit::end_of(&row.below, room));
        below.push(Line::styled(words, theme.quiet()));
    }
    let mut lines = vec![Line::from(spans)];
    lines.append(&mut below);
    lines
}

/// A reason under its row: so many lines of it.
fn reason_lines(reason: &str, most: usize, indent: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    let room = width.saturating_sub(indent.len());
    let words = at_most(fit::paragraphs(reason, room), most, room).into_iter();
    words.map(|words| Line::from(vec![Span::raw(indent.to_owned()), Span::styled(words, style)])).collect()
}

/// At most so many lines; the last one says that there is more.
fn at_most(mut lines: Vec<String>, most: usize, width: usize) -> Vec<String> {
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = format!("{}…", fit::cut(last, width.saturating_sub(1)).trim_end_matches('…'));
        }
    }
    lines
}

fn bar_style(sign: Sign, theme: Theme) -> Style {
    match sign {
        Sign::Failed | Sign::Moving => theme.sign(sign),
        _ => Style::new(),
    }
}

/// `   ├── 9.1 ms ──┤  `: the bar with its label on it, where that has room, else beside it.
fn bar_text(bar: &RowBar, axis: &Axis, width: usize) -> String {
    let mut cells: Vec<char> = vec![' '; width];
    let last = width.saturating_sub(1);
    let (from, to) = (axis.cell(bar.from).min(last), axis.cell(bar.to).min(last));
    for (cell, place) in cells.iter_mut().zip(0..).skip(from).take(to - from + 1) {
        *cell = match place {
            place if place == from && from == to => '│',
            place if place == from => '├',
            place if place == to && bar.open => '╌',
            place if place == to => '┤',
            _ => '─',
        };
    }
    for (kind, start, end) in &bar.phases {
        let (start, end) = (axis.cell(*start).min(last), axis.cell(*end).min(last));
        if *kind == PhaseKind::Init && end > start {
            for cell in cells.iter_mut().take(end).skip((start + 1).max(from + 1)) {
                *cell = '░';
            }
        }
    }
    for cut in axis.breaks().iter().filter(|cut| **cut > from && **cut + BREAK_CELLS <= to) {
        for (cell, letter) in cells.iter_mut().skip(*cut).zip(BREAK.chars()) {
            *cell = letter;
        }
    }
    if bar.moment {
        cells[from] = '✓';
    }
    let label: Vec<char> = bar.label.chars().collect();
    if !label.is_empty() {
        place_label(&mut cells, &label, from, to);
    }
    cells.into_iter().collect()
}

/// Writes a label into the longest stretch of a bar, else behind it, else before it.
fn place_label(cells: &mut [char], label: &[char], from: usize, to: usize) {
    let inside = stretches(cells, from, to).into_iter().max_by_key(|(start, end)| end - start);
    if let Some((start, end)) = inside
        && end - start >= label.len() + 4
    {
        let at = start + (end - start - label.len() - 2) / 2;
        cells[at] = ' ';
        cells[at + 1..=at + label.len()].copy_from_slice(label);
        cells[at + label.len() + 1] = ' ';
    } else if to + 1 + label.len() < cells.len() {
        cells[to + 2..to + 2 + label.len()].copy_from_slice(label);
    } else if from > label.len() {
        cells[from - label.len() - 1..from - 1].copy_from_slice(label);
    }
}

/// The stretches of a bar that are plain: between its ends, breaks and phases.
fn stretches(cells: &[char], from: usize, to: usize) -> Vec<(usize, usize)> {
    let mut stretches = Vec::new();
    let mut start = None;
    for (place, cell) in cells.iter().enumerate().take(to + 1).skip(from) {
        match (*cell == '─', start) {
            (true, None) => start = Some(place),
            (false, Some(begin)) => {
                stretches.push((begin, place));
                start = None;
            }
            _ => {}
        }
    }
    stretches
}

/// `Bytes: sent 39 B → record 34 B …`, with the key that shows them.
fn bytes_line(screen: &TraceScreen, selected: Option<TraceItem>, open: bool, look: Look) -> Vec<Line<'static>> {
    let key = "Enter: the bytes";
    let words = format!("Bytes: {}", screen.bytes);
    let style = if selected == Some(TraceItem::Bytes) { look.theme.selected() } else { Style::new() };
    // Without room for it here the footer says it.
    let fits = fit::width(&words) + key.len() + 2 <= look.width;
    let is_key = open && fits && matches!(selected, None | Some(TraceItem::Bytes));
    let room = look.width.saturating_sub(if is_key { key.len() + 2 } else { 0 });
    let mut words = fit::paragraphs(&words, room).into_iter();
    let first = fit::left(&words.next().unwrap_or_default(), room);
    let mut spans = vec![Span::raw(first)];
    if is_key {
        let key_style = if selected.is_some() { Style::new() } else { look.theme.accent() };
        spans.extend([Span::raw("  "), Span::styled(key, key_style)]);
    }
    let mut lines = vec![Line::from(spans).style(style)];
    lines.extend(words.map(|words| Line::raw(format!("  {words}")).style(style)));
    lines
}

fn note(sign: Option<Sign>, words: &str, look: Look) -> Vec<Line<'static>> {
    let indent = if sign.is_some() { 2 } else { 0 };
    let lines = fit::paragraphs(words, look.width.saturating_sub(indent)).into_iter().enumerate();
    lines
        .map(|(index, words)| match sign {
            Some(sign) if index == 0 => {
                Line::from(vec![Span::styled(sign.text(), look.theme.sign(sign)), Span::raw(format!(" {words}"))])
            }
            _ => Line::raw(format!("{}{words}", " ".repeat(indent))),
        })
        .collect()
}

/// The event's log lines, the selected one in sight.
fn logs(app: &App, number: EventNumber, selected: Option<TraceItem>, room: usize, look: Look) -> Vec<Line<'static>> {
    let ids = app.log_rows_of(number);
    let Some(room) = room.checked_sub(2).filter(|room| *room > 0) else { return Vec::new() };
    if ids.is_empty() {
        return Vec::new();
    }
    let of_selected = ids.iter().position(|id| selected == Some(TraceItem::Log(*id)));
    let first = of_selected.map_or(0, |index| (index + 1).saturating_sub(room));
    let shown = ids.len().saturating_sub(first).min(room);
    let hidden = ids.len() - shown;
    let more =
        if hidden > 0 { format!(", {} not in sight: ↓", number::grouped(hidden as u64)) } else { String::new() };
    let head = format!("Log lines: {}{more}", number::grouped(ids.len() as u64));
    let mut lines = vec![Line::default(), Line::styled(head, look.theme.strong())];
    for id in ids.iter().skip(first).take(room) {
        let Some(Row::Log { line, brief }) = app.pane(Pane::Logs).history().get(*id) else { continue };
        let style = if selected == Some(TraceItem::Log(*id)) { look.theme.selected() } else { Style::new() };
        let start = format!("{} {}", app.offset().clock_millis(line.time), fit::left(source_word(line.source), 9));
        let level = format!("{} ", fit::left(line.level.word(), 5));
        let text = fit::cut(&visible(brief), look.width.saturating_sub(start.len() + level.len()));
        lines.push(
            Line::from(vec![
                Span::styled(start, look.theme.quiet()),
                Span::styled(level, if style == Style::new() { look.theme.level(line.level) } else { style }),
                Span::raw(text),
            ])
            .style(style),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tailwater_core::app::Point;

    use super::*;

    fn axis(millis: &[i64], cells: usize) -> Axis {
        let points: Vec<Point> =
            millis.iter().map(|millis| Point { micros: millis * 1_000, precision: Duration::ZERO }).collect();
        Axis::of(&points, cells)
    }

    fn bar(from: i64, to: i64, label: &str) -> RowBar {
        let (from, to) = (from * 1_000, to * 1_000);
        RowBar { from, to, open: false, moment: from == to, label: label.to_owned(), phases: Vec::new() }
    }

    #[test]
    fn a_label_stands_on_its_bar_or_beside_it() {
        let axis = axis(&[0, 2, 9, 10], 41);
        assert_eq!(bar_text(&bar(0, 10, "9.1 ms"), &axis, 41), "├─────────────── 9.1 ms ────────────────┤");
        assert_eq!(bar_text(&bar(2, 3, "1 ms"), &axis, 41), "        ├───┤ 1 ms                       ");
        assert_eq!(bar_text(&bar(9, 10, "1 ms"), &axis, 41), "                               1 ms ├───┤");
    }

    #[test]
    fn a_bar_that_crosses_a_break_shows_it() {
        let axis = axis(&[0, 5, 10, 6_000], 30);
        let crossing = bar_text(&bar(5, 6_000, ""), &axis, 30);
        assert_eq!(crossing.matches(BREAK).count(), 1, "{crossing}");
        assert!(crossing.trim().starts_with('├') && crossing.trim().ends_with('┤'), "{crossing}");
        assert!(!bar_text(&bar(0, 10, ""), &axis, 30).contains(BREAK));
    }

    #[test]
    fn a_cold_start_is_a_part_of_the_bar() {
        let axis = axis(&[0, 40, 50], 41);
        let mut cold = bar(0, 50, "");
        cold.phases = vec![(PhaseKind::Init, 0, 40_000), (PhaseKind::Run, 40_000, 50_000)];
        assert_eq!(bar_text(&cold, &axis, 41), "├░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░────────┤");
    }
}
