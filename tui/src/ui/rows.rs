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

use super::{Screen, Theme, fit, focused, marks::Marks};

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

/// How much of a row's text is made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cells {
    /// What stands in one line, moved sideways.
    Line,
    /// More: it is wrapped, or something is looked for in it.
    Many,
}

/// What all rows of a pane are drawn with.
struct Drawing<'a> {
    app: &'a App,
    pane: Pane,
    width: usize,
    theme: Theme,
    marks: Marks,
}

/// Draws the rows that are in sight and says how many lines they took.
pub fn draw(
    frame: &mut Frame,
    area: Rect,
    app: &App,
    screen: &mut Screen,
    pane: Pane,
    theme: Theme,
    words: impl Fn(&Row, Cells) -> Words,
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
    let drawing = Drawing { app, pane, width, theme, marks: Marks::of(app, theme) };
    let lines_of = |index: usize| -> Vec<Line<'static>> {
        let Some((_, row)) = state.row_at(index) else { return Vec::new() };
        let selected = index == selected;
        let cells = if state.wrap || (selected && app.find().is_some()) { Cells::Many } else { Cells::Line };
        drawing.lines(row, selected, &words(row, cells))
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

impl Drawing<'_> {
    fn lines(&self, row: &Row, selected: bool, words: &Words) -> Vec<Line<'static>> {
        let Self { app, pane, width, theme, .. } = *self;
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
            spans.push(Span::styled(self.one_line(&whole, state.sideways, room, selected), words.style));
            return vec![self.marks.on(Line::from(spans)).style(style)];
        }
        // Under a narrow column of text, what follows goes on under the whole row.
        let indent = if room >= 24 { taken } else { 4 };
        let first = fit::pieces(&whole, room.max(2), 1).concat();
        let rest = &whole[first.len()..];
        spans.push(Span::styled(first, words.style));
        let mut lines = vec![self.marks.on(Line::from(spans)).style(style)];
        if !rest.is_empty() {
            lines.extend(fit::pieces(rest, width.saturating_sub(indent), MOST_LINES).into_iter().map(|piece| {
                let spans = vec![Span::raw(" ".repeat(indent)), Span::styled(piece, words.style)];
                self.marks.on(Line::from(spans)).style(style)
            }));
        }
        lines
    }

    /// The part of a text that is in sight. In the selected row that is where what was looked for
    /// stands.
    fn one_line(&self, text: &str, sideways: usize, room: usize, selected: bool) -> String {
        let shown = fit::cut(fit::skip(text, sideways), room);
        let found = if selected && self.marks.first_in(&shown).is_none() { self.marks.first_in(text) } else { None };
        match found {
            Some(at) => {
                let before = fit::width(&text[..at]).saturating_sub(room / 4);
                format!("…{}", fit::cut(fit::skip(text, before), room.saturating_sub(1)))
            }
            None => shown,
        }
    }
}

/// How many cells the numbers of events take, a free one behind them included.
pub fn number_cells(app: &App) -> usize {
    let highest = app.send().next_seq().max(app.ledger().others);
    highest.to_string().len().max(2) + 2
}

/// A part of a pane's state: in full, short, and whether it may be left out where room lacks.
struct Part {
    full: String,
    short: String,
    needed: bool,
}

impl Part {
    fn needed(full: impl Into<String>, short: impl Into<String>) -> Self {
        Self { full: full.into(), short: short.into(), needed: true }
    }

    fn spare(full: impl Into<String>, short: impl Into<String>) -> Self {
        Self { full: full.into(), short: short.into(), needed: false }
    }
}

/// The state in a pane's title, in so many cells: what it hides and how that ends, what came below,
/// what is found, let go, or can't be read.
pub fn state_words(app: &App, pane: Pane, source: Option<EventSource>, room: usize) -> String {
    let state = app.pane(pane);
    let mut parts = Vec::new();
    match source.and_then(|source| app.tail(source)) {
        Some(TailState::Retrying { after, .. }) => {
            parts.push(Part::needed(format!("! not read, again in {}", time::duration(*after)), "! not read"));
        }
        Some(TailState::Ended { .. }) => parts.push(Part::needed("✗ not read any more", "✗ not read")),
        Some(TailState::Slowed { every }) => {
            let every = time::duration(*every);
            parts.push(Part::spare(format!("idle, read every {every}"), format!("read every {every}")));
        }
        Some(TailState::Following) | None => {}
    }
    if let Some(filter) = state.filter() {
        let hidden = format!("{} hidden", number::grouped(state.hidden() as u64));
        parts.push(Part::needed(format!("{hidden} · F shows all"), hidden));
        parts.push(Part::spare(visible(&filter.text), fit::cut(&visible(&filter.text), 16)));
    }
    if !state.following() {
        parts.push(match state.new_below() as u64 {
            0 => Part::needed("paused", "paused"),
            new => {
                let new = format!("{} new below", number::grouped(new));
                Part::needed(format!("paused, {new}"), new)
            }
        });
    }
    if state.finds() && state.found() > 0 {
        let all = number::grouped(state.found() as u64);
        let words = match state.found_place() {
            Some(place) => format!("{} of {all}", number::grouped(place as u64)),
            None => format!("{all} found"),
        };
        parts.push(Part::spare(words.clone(), words));
    }
    if parts.is_empty() && !state.history().is_empty() {
        parts.push(Part::spare("following", "following"));
    }
    if state.history().first() > 0 {
        let gone = number::grouped(state.history().first());
        parts.push(Part::spare(format!("{gone} older let go"), format!("{gone} let go")));
    }
    fitted(parts, room)
}

/// In full where that fits, else short, the last first; then what can be spared goes, and at the
/// very end what stands first is short, too.
fn fitted(mut parts: Vec<Part>, room: usize) -> String {
    let joined = |parts: &[Part], short_from: usize| {
        let word = |(index, part): (usize, &Part)| {
            let word = if index < short_from { &part.full } else { &part.short };
            word.clone()
        };
        parts.iter().enumerate().map(word).collect::<Vec<String>>().join(", ")
    };
    loop {
        for short_from in (1..=parts.len()).rev() {
            let words = joined(&parts, short_from);
            if fit::width(&words) <= room {
                return words;
            }
        }
        match parts.iter().rposition(|part| !part.needed) {
            Some(spare) => {
                parts.remove(spare);
            }
            None => return joined(&parts, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_most_is_said_in_the_narrowest_title() {
        let parts = || {
            vec![
                Part::needed("1,203 hidden · F shows all", "1,203 hidden"),
                Part::spare("level>=WARN", "level>=WARN"),
                Part::needed("paused, 17 new below", "17 new below"),
                Part::spare("300 older let go", "300 let go"),
            ]
        };
        assert_eq!(
            fitted(parts(), 90),
            "1,203 hidden · F shows all, level>=WARN, paused, 17 new below, 300 older let go"
        );
        assert_eq!(fitted(parts(), 66), "1,203 hidden · F shows all, level>=WARN, 17 new below, 300 let go");
        assert_eq!(fitted(parts(), 54), "1,203 hidden · F shows all, level>=WARN, 17 new below");
        assert_eq!(fitted(parts(), 27), "1,203 hidden, 17 new below");
        assert_eq!(fitted(parts(), 5), "1,203 hidden, 17 new below");
    }
}
