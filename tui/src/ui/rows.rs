//! The rows of a pane: which are in sight, which is selected, which are the same event's.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, EventSource, Pane, PaneState, Row, TailState},
    text::{number, safe::visible, time},
};

use super::{Screen, Theme, fit, focused};

/// How many lines a wrapped row takes at most.
const MOST_LINES: usize = 40;

/// A row in words: what stands in columns, then the text that may be cut, moved or wrapped.
pub struct Words {
    /// In columns, each with its style.
    pub columns: Vec<Span<'static>>,
    /// The rest, safe to print.
    pub text: String,
    /// How the rest is shown.
    pub style: Style,
}

/// Draws the rows that are in sight and says how many lines they took.
pub fn draw(
    frame: &mut Frame,
    area: Rect,
    app: &App,
    screen: &mut Screen,
    pane: Pane,
    theme: Theme,
    words: impl Fn(&Row) -> Words,
) -> u16 {
    let state = app.pane(pane);
    let width = usize::from(area.width);
    if area.height == 0 {
        return 0;
    }
    let Some(selected) = state.selected_index() else {
        let lines = fit::paragraphs(&app.empty_words(pane), width.saturating_sub(2));
        let shown = lines.iter().take(usize::from(area.height));
        for (y, line) in (area.y..).zip(shown.clone()) {
            frame.buffer_mut().set_string(area.x + 1, y, line, theme.quiet());
        }
        return u16::try_from(shown.len()).unwrap_or(area.height);
    };
    let lines_of = |index: usize| -> Vec<Line<'static>> {
        let Some((_, row)) = state.row_at(index) else { return Vec::new() };
        lines(app, pane, row, index == selected, &words(row), width, theme)
    };
    let top = top(state, selected, usize::from(area.height), screen.tops[pane as usize], |index| {
        if state.wrap { lines_of(index).len() } else { 1 }
    });
    screen.tops[pane as usize] = state.id_at(top).unwrap_or(0);
    let mut y = area.y;
    for index in top..state.len() {
        let Some(id) = state.id_at(index) else { break };
        for line in lines_of(index) {
            if y >= area.bottom() {
                return area.height;
            }
            let place = Rect { x: area.x, y, width: area.width, height: 1 };
            frame.buffer_mut().set_line(area.x, y, &line, area.width);
            theme.row(place, line.style, frame.buffer_mut());
            screen.place_row(place, pane, id);
            y += 1;
        }
    }
    y - area.y
}

/// The index of the first row in sight: as before where the selected row is then in sight.
fn top(state: &PaneState, selected: usize, height: usize, before: u64, lines_of: impl Fn(usize) -> usize) -> usize {
    let mut top = selected;
    let mut taken = lines_of(selected);
    while top > 0 {
        let more = lines_of(top - 1);
        if taken + more > height {
            break;
        }
        taken += more;
        top -= 1;
    }
    // `top` is now the lowest scroll at which the selected row is the last in sight.
    if state.following() { top } else { state.index_of(before).clamp(top, selected) }
}

fn lines(
    app: &App,
    pane: Pane,
    row: &Row,
    selected: bool,
    words: &Words,
    width: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let number = row.number(app.traces()).map(|number| number.to_string()).unwrap_or_default();
    let is_focused = focused(app, pane);
    let same = !is_focused && app.selected_number().is_some_and(|number| row.is_of(number, app.traces()));
    let (mark, style) = match (selected && is_focused, same) {
        (true, _) => ("▸", theme.selected()),
        (_, true) => ("▸", theme.same_event()),
        _ => (" ", Style::new()),
    };
    let mut spans = vec![Span::raw(mark)];
    if pane != Pane::Stack && pane != Pane::Objects {
        spans.push(Span::styled(fit::left(&number, number_cells(app)), theme.strong()));
    }
    spans.extend(words.columns.iter().cloned());
    let taken: usize = spans.iter().map(|span| fit::width(&span.content)).sum();
    let room = width.saturating_sub(taken);
    let state = app.pane(pane);
    let whole = app.shown(&words.text);
    if !state.wrap {
        let text = fit::cut(fit::skip(&whole, state.sideways), room);
        spans.push(Span::styled(text, words.style));
        return vec![Line::from(spans).style(style)];
    }
    // Under a narrow column of text, what follows goes on under the whole row.
    let indent = if room >= 24 { taken } else { 4 };
    let first = fit::pieces(&whole, room.max(2), 1).concat();
    let rest = &whole[first.len()..];
    spans.push(Span::styled(first, words.style));
    let mut lines = vec![Line::from(spans).style(style)];
    if !rest.is_empty() {
        lines.extend(fit::pieces(rest, width.saturating_sub(indent), MOST_LINES).into_iter().map(|piece| {
            Line::from(vec![Span::raw(" ".repeat(indent)), Span::styled(piece, words.style)]).style(style)
        }));
    }
    lines
}

/// How many cells the numbers of events take, a free one behind them included.
pub fn number_cells(app: &App) -> usize {
    let highest = app.send().next_seq().max(app.ledger().others);
    highest.to_string().len().max(2) + 2
}

/// The state in a pane's title: what it follows, hides, let go, or can't read.
pub fn state_words(app: &App, pane: Pane, source: Option<EventSource>) -> String {
    let state = app.pane(pane);
    let mut words = Vec::new();
    match source.and_then(|source| app.tail(source)) {
        Some(TailState::Retrying { after, .. }) => {
            words.push(format!("! not read, again in {}", time::duration(*after)));
        }
        Some(TailState::Ended { .. }) => words.push("✗ not read any more".to_owned()),
        Some(TailState::Slowed { every }) => words.push(format!("idle, read every {}", time::duration(*every))),
        Some(TailState::Following) | None => {}
    }
    if let Some(filter) = state.filter() {
        let all = state.history().len() as u64;
        words.push(format!(
            "{} of {} match {}",
            number::grouped(state.len() as u64),
            number::grouped(all),
            visible(&filter.text)
        ));
    }
    if !state.following() {
        words.push(match state.new_below() as u64 {
            0 => "paused".to_owned(),
            new => format!("paused, {} new below", number::grouped(new)),
        });
    } else if words.is_empty() && !state.history().is_empty() {
        words.push("following".to_owned());
    }
    if state.history().first() > 0 {
        words.push(format!("{} older let go", number::grouped(state.history().first())));
    }
    words.join(", ")
}
