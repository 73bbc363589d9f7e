//! The five hops in a row, what is on its way between them, and the figures of each.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, HopView, Moving, OnTheLine, Sign},
    pipeline::Hop,
};

use super::{Theme, fit};

/// The columns of the hops at the smallest width, and on a projector; wider screens share what is
/// more.
const COLUMNS: [u16; 5] = [15, 12, 13, 25, 14];
const NARROW: [u16; 5] = [11, 11, 11, 14, 12];
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// What flows, thin to thick: so many a second and fewer.
const FLOWS: [(u64, usize); 4] = [(50, 6), (200, 4), (1_000, 3), (u64::MAX, 2)];

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let columns = if area.width > COLUMNS.iter().sum() { COLUMNS } else { NARROW };
    let more = area.width.saturating_sub(1 + columns.iter().sum::<u16>()) / 5;
    let mut x = area.x + 1;
    for (hop, column) in Hop::ALL.into_iter().zip(columns) {
        let width = (column + more).min(area.right().saturating_sub(x));
        let view = app.hop(hop);
        let name = name(app, hop, width, view.sign, theme);
        frame.buffer_mut().set_line(x, area.y, &name, width);
        let figures = figures(&view, usize::from(width).saturating_sub(1), theme);
        frame.buffer_mut().set_line(x, area.y + 1, &figures, width);
        if area.height > 2 {
            let bars = sparkline(&view.by_second, usize::from(width).saturating_sub(2));
            frame.buffer_mut().set_string(x, area.y + 2, bars, theme.quiet());
        }
        x += width;
    }
}

/// `Lambda ──●──▶ `, the last hop without a line.
fn name(app: &App, hop: Hop, width: u16, sign: Option<Sign>, theme: Theme) -> Line<'static> {
    let style = match sign {
        Some(sign @ (Sign::Failed | Sign::Attention)) => theme.strong().patch(theme.sign(sign)),
        // Where a mark is held for the eyes to follow, its hop lights up.
        _ if app.held_for_eyes(hop) > 0 => theme.selected(),
        _ => theme.strong(),
    };
    let mut spans = vec![Span::styled(hop.name(), style)];
    if hop != Hop::S3 {
        let length = usize::from(width).saturating_sub(hop.name().len() + 3);
        let moving = if app.motion() { app.moving(hop) } else { Moving::default() };
        spans.push(Span::raw(" "));
        spans.extend(line(length, app.on_the_line(hop), &moving, theme));
        spans.push(Span::styled("▶", theme.quiet()));
    }
    Line::from(spans)
}

/// A line with what is on it. Single events are marks where they are; many are a flow, the thicker
/// the more; what waits there stands still.
fn line(length: usize, waiting: OnTheLine, moving: &Moving, theme: Theme) -> Vec<Span<'static>> {
    if length == 0 {
        return Vec::new();
    }
    let mut cells = vec![false; length];
    if moving.a_second > 0 {
        let apart = FLOWS.iter().find(|(most, _)| moving.a_second <= *most).map_or(2, |(_, apart)| *apart);
        for (index, cell) in cells.iter_mut().enumerate() {
            *cell = (index + apart - usize::from(moving.phase) % apart) % apart == 0;
        }
    } else if moving.marks.is_empty() {
        let marks = if waiting.events == 0 { 0 } else { (1 + waiting.events.ilog2() as usize).min(length) };
        let room = length - marks;
        let before = (room * usize::from(waiting.progress.min(1000)) + 500) / 1000;
        cells[before..before + marks].fill(true);
    }
    // Those that would stand on each other stand behind each other.
    for mark in moving.marks.iter().rev() {
        let place = (usize::from((*mark).min(1000)) * (length - 1) + 500) / 1000;
        if let Some(free) = (0..=place).rev().find(|place| !cells[*place]) {
            cells[free] = true;
        }
    }
    cells
        .chunk_by(|one, other| one == other)
        .map(|cells| {
            if cells[0] {
                Span::styled("●".repeat(cells.len()), theme.accent())
            } else {
                Span::styled("─".repeat(cells.len()), theme.quiet())
            }
        })
        .collect()
}

fn figures(view: &HopView, width: usize, theme: Theme) -> Line<'static> {
    let mut spans = Vec::new();
    let mut room = width;
    let style = match view.sign {
        Some(sign) => {
            spans.push(Span::styled(sign.text(), theme.sign(sign)));
            spans.push(Span::raw(" "));
            room = room.saturating_sub(2);
            if matches!(sign, Sign::Failed | Sign::Attention) { theme.strong() } else { Style::new() }
        }
        None => Style::new(),
    };
    let whole = format!("{}{}", view.words, view.more);
    let key = if view.key.is_empty() { 0 } else { fit::width(view.key) + 2 };
    let words = if fit::width(&whole) <= room { whole } else { view.words.clone() };
    let words = fit::cut(&words, room);
    let left = room.saturating_sub(fit::width(&words));
    spans.push(Span::styled(words, style));
    // The key that shows more stands beside what is wrong, where there is room for both.
    if key > 0 && left >= key {
        spans.push(Span::raw(" "));
        spans.push(Span::styled(format!("→{}", view.key), theme.accent()));
    }
    Line::from(spans)
}

/// Counts as bars, the present on the right; nothing where nothing passed.
fn sparkline(counts: &[u64], width: usize) -> String {
    let highest = counts.iter().copied().max().unwrap_or(0);
    if highest == 0 {
        return String::new();
    }
    let label = " last 60 s";
    let room = width.saturating_sub(label.len()).max(1);
    let per_bar = counts.len().div_ceil(room);
    let sums: Vec<u64> = counts.chunks(per_bar).map(|chunk| chunk.iter().sum()).collect();
    let highest = sums.iter().copied().max().unwrap_or(1);
    let mut bars: String = sums
        .iter()
        .map(|sum| match sum {
            0 => " ",
            sum => BARS[usize::try_from((sum * 8).div_ceil(highest) - 1).unwrap_or(7).min(7)],
        })
        .collect();
    bars.push_str(label);
    bars
}

#[cfg(test)]
mod tests {
    use tailwater_core::app::ThemeName;

    use super::*;

    fn drawn(length: usize, waiting: OnTheLine, moving: &Moving) -> String {
        line(length, waiting, moving, Theme::new(ThemeName::Mono)).iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn a_line_shows_what_waits_what_moves_and_what_flows() {
        let none = Moving::default();
        let waiting = |events, progress| OnTheLine { events, progress };
        assert_eq!(drawn(7, waiting(0, 0), &none), "───────");
        assert_eq!(drawn(7, waiting(1, 500), &none), "───●───");
        assert_eq!(drawn(7, waiting(4, 1000), &none), "────●●●");
        let moving = |marks: &[u16]| Moving { marks: marks.to_vec(), ..Moving::default() };
        assert_eq!(drawn(7, waiting(9, 500), &moving(&[0])), "●──────");
        assert_eq!(drawn(7, waiting(0, 0), &moving(&[500, 510, 1000])), "──●●──●");
        assert_eq!(drawn(2, waiting(0, 0), &moving(&[0, 0, 0])), "●─");
        let flow = |a_second, phase| Moving { a_second, phase, ..Moving::default() };
        assert_eq!(drawn(7, waiting(0, 0), &flow(20, 0)), "●─────●");
        assert_eq!(drawn(7, waiting(0, 0), &flow(20, 1)), "─●─────");
        assert_eq!(drawn(7, waiting(0, 0), &flow(5_000, 1)), "─●─●─●─");
        assert_eq!(drawn(0, waiting(3, 0), &flow(5_000, 1)), "");
    }
}
