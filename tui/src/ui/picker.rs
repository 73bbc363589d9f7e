//! A list to pick from, with the whole of what is chosen below it.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, Picker, PickerKind},
    text::{number, safe::visible},
};

use super::{Theme, fit, title};

/// The cells of a name.
const NAME_CELLS: usize = 20;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, picker: &Picker, theme: Theme) {
    let items = app.picker_items();
    let (name, none) = match picker.kind {
        PickerKind::Templates => ("Templates", "No template has that in it. Backspace takes letters back, Esc leaves."),
        PickerKind::History => ("Sent before", "No body sent before has that in it, or none was sent yet. Esc leaves."),
    };
    let state = format!("{} · letters narrow it", number::counted(items.len() as u64, "item"));
    let inner = title::draw(frame, area, true, name, &state, theme);
    let width = usize::from(inner.width).saturating_sub(2);
    let (before, after) = picker.split();
    let mut letters = after.chars();
    let under = letters.next().map_or_else(|| " ".to_owned(), |letter| visible(&letter.to_string()).into_owned());
    let typed = Line::from(vec![
        Span::styled("Choose: ", theme.strong()),
        Span::raw(visible(before).into_owned()),
        Span::styled(under, Style::new().add_modifier(Modifier::REVERSED)),
        Span::raw(visible(letters.as_str()).into_owned()),
    ]);
    frame.buffer_mut().set_line(inner.x + 1, inner.y, &typed, inner.width.saturating_sub(1));
    if items.is_empty() {
        frame.buffer_mut().set_string(inner.x + 1, inner.y + 1, fit::cut(none, width), theme.quiet());
        return;
    }
    let room = usize::from(inner.height.saturating_sub(1));
    let rows = items.len().min((room / 2).max(1));
    let first = (picker.selected() + 1).saturating_sub(rows);
    for (index, item) in items.iter().enumerate().skip(first).take(rows) {
        let chosen = index == picker.selected();
        let mark = if chosen { "▸" } else { " " };
        let words = format!("{mark}{}{}", fit::left(&visible(&item.name), NAME_CELLS), visible(&item.brief()));
        let style = if chosen { theme.selected() } else { Style::new() };
        let y = inner.y + 1 + u16::try_from(index - first).unwrap_or(0);
        frame.buffer_mut().set_string(inner.x, y, fit::left(&words, usize::from(inner.width)), style);
    }
    let below = inner.y + 2 + u16::try_from(rows).unwrap_or(0);
    if let Some(item) = items.get(picker.selected()) {
        for (y, line) in (below..inner.bottom()).zip(item.text.lines()) {
            frame.buffer_mut().set_string(inner.x + 1, y, fit::cut(&visible(line), width), Style::new());
        }
    }
}
