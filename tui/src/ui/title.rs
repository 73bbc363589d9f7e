//! The line over a pane or a view: its name, a rule, its state.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use tailwater_core::app::Pane;

use super::{Theme, fit};

/// A pane's name with the key that focuses it.
pub fn of(pane: Pane) -> String {
    format!("{} {}", pane.digit(), pane.name())
}

/// How many cells a state may take behind this name.
pub fn room(area: Rect, name: &str) -> usize {
    // The mark and the space around the name, a dash, and the spaces and the dash around the state.
    usize::from(area.width).saturating_sub(fit::width(name) + 6)
}

/// Draws the first line of the area; what remains is the pane's own.
pub fn draw(frame: &mut Frame, area: Rect, focused: bool, name: &str, state: &str, theme: Theme) -> Rect {
    let width = usize::from(area.width);
    let rule = if focused { "━" } else { "─" };
    let name_style = if focused { theme.accent() } else { theme.strong() };
    let rule_style = if focused { theme.accent() } else { theme.quiet() };
    // A sign, not only a colour, says which pane is focused.
    let name = fit::cut(&format!("{}{name} ", if focused { "▶" } else { " " }), width);
    let state = if state.is_empty() { String::new() } else { format!(" {state} ") };
    let state = fit::cut(&state, width.saturating_sub(fit::width(&name) + 2));
    let dashes = width.saturating_sub(fit::width(&name) + fit::width(&state) + 1);
    let line = Line::from(vec![
        Span::styled(name, name_style),
        Span::styled(rule.repeat(dashes), rule_style),
        Span::raw(state),
        Span::styled(rule, rule_style),
    ]);
    frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}
