//! The palette: the line being typed, and what can be chosen, the best first.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, Item, Palette},
    text::safe::visible,
};

use super::{Theme, fit, title};

/// How many choices are in sight at most, and the cells of their names and keys.
const MOST: u16 = 14;
const NAME_CELLS: usize = 24;
const KEY_CELLS: usize = 12;

/// Draws it over the upper part of the body.
pub fn draw(frame: &mut Frame, body: Rect, app: &App, theme: Theme) {
    let Some(palette) = app.palette() else { return };
    let items = app.palette_items();
    let problem = palette.problem().map(|words| fit::paragraphs(words, usize::from(body.width).saturating_sub(2)));
    let problem = problem.unwrap_or_default();
    let lines_of_problem = u16::try_from(problem.len()).unwrap_or(0);
    let wanted = u16::try_from(items.len()).unwrap_or(MOST).clamp(1, MOST) + 3 + lines_of_problem;
    let area = Rect { height: wanted.min(body.height), ..body };
    theme.clear(area, frame.buffer_mut());
    let here = items.iter().filter(|item| item.now).count();
    let state = match items.len() - here {
        0 => format!("{here} found"),
        rest => format!("{here} found, {rest} not here and now"),
    };
    let inner = title::draw(frame, area, true, ": Palette", &state, theme);
    let width = usize::from(inner.width);
    frame.buffer_mut().set_line(inner.x, inner.y, &typed(palette, width, theme), inner.width);
    for (y, words) in (inner.y + 1..inner.bottom()).zip(&problem) {
        frame.buffer_mut().set_string(inner.x + 1, y, words, theme.strong());
    }
    let first = inner.y + 1 + lines_of_problem;
    let rows = usize::from(inner.height.saturating_sub(2 + lines_of_problem));
    let top = palette.selected().saturating_sub(rows.saturating_sub(1));
    for (y, (index, item)) in (first..inner.bottom().saturating_sub(1)).zip(items.iter().enumerate().skip(top)) {
        let line = row(item, index == palette.selected(), width, theme);
        frame.buffer_mut().set_line(inner.x, y, &line, inner.width);
        theme.row(Rect { y, height: 1, ..inner }, line.style, frame.buffer_mut());
    }
    if items.is_empty() {
        let words = " Nothing has this name. Backspace takes a letter back, Esc closes.";
        frame.buffer_mut().set_string(inner.x, first, fit::cut(words, width), theme.quiet());
    }
    let rule = Line::styled("─".repeat(width), theme.quiet());
    frame.buffer_mut().set_line(inner.x, inner.bottom().saturating_sub(1), &rule, inner.width);
}

fn typed(palette: &Palette, width: usize, theme: Theme) -> Line<'static> {
    let (before, after) = palette.split();
    let before = visible(before).into_owned();
    let room = width / 2;
    let before = fit::skip(&before, fit::width(&before).saturating_sub(room)).to_owned();
    let mut letters = after.chars();
    let under = letters.next().map_or_else(|| " ".to_owned(), |letter| visible(&letter.to_string()).into_owned());
    let mut spans = vec![
        Span::styled(" ❯ ", theme.accent()),
        Span::raw(before),
        Span::styled(under, Style::new().add_modifier(Modifier::REVERSED)),
        Span::raw(fit::cut(&visible(letters.as_str()), room / 2)),
    ];
    if palette.split() == ("", "") {
        let hint = "  type a name, a command, #42, an id or a part of a body";
        spans.push(Span::styled(fit::cut(hint, width.saturating_sub(4)), theme.quiet()));
    }
    Line::from(spans)
}

fn row(item: &Item, selected: bool, width: usize, theme: Theme) -> Line<'static> {
    let mark = if selected { "▸" } else { " " };
    let quiet = if item.now { Style::new() } else { theme.quiet() };
    let mut spans = vec![Span::raw(mark), Span::raw(" ")];
    let name = fit::cut(&item.name, width.saturating_sub(KEY_CELLS + 4));
    for (index, letter) in name.chars().enumerate() {
        let hit = u32::try_from(index).is_ok_and(|index| item.hits.contains(&index));
        let style = if hit { theme.accent().add_modifier(Modifier::UNDERLINED) } else { quiet };
        spans.push(Span::styled(letter.to_string(), style));
    }
    let gap = (NAME_CELLS + 1).saturating_sub(fit::width(&name)).max(2);
    spans.push(Span::raw(" ".repeat(gap)));
    let room = width.saturating_sub(2 + fit::width(&name) + gap + KEY_CELLS + 1);
    let words = if item.now { item.words.clone() } else { format!("not now: {}", item.words) };
    spans.push(Span::styled(fit::left(&words, room), theme.quiet()));
    spans.push(Span::styled(format!(" {}", fit::left(item.key, KEY_CELLS)), theme.accent()));
    Line::from(spans).style(if selected { theme.selected() } else { Style::new() })
}
