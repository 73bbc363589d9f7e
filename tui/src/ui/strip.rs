//! The five hops in a row, what is on its way between them, and the figures of each.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, HopView, OnTheLine, Sign},
    pipeline::Hop,
};

use super::{Theme, fit};

/// The columns of the hops at the smallest width; wider screens share what is more.
const COLUMNS: [u16; 5] = [15, 12, 13, 25, 14];
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let more = area.width.saturating_sub(1 + COLUMNS.iter().sum::<u16>()) / 5;
    let mut x = area.x + 1;
    for (hop, column) in Hop::ALL.into_iter().zip(COLUMNS) {
        let width = (column + more).min(area.right().saturating_sub(x));
        let view = app.hop(hop);
        let name = name(hop, width, app.on_the_line(hop), view.sign, theme);
        frame.buffer_mut().set_line(x, area.y, &name, width);
        frame.buffer_mut().set_line(x, area.y + 1, &figures(&view, usize::from(width) - 1, theme), width);
        if area.height > 2 {
            let bars = sparkline(&view.by_second, usize::from(width) - 2);
            frame.buffer_mut().set_string(x, area.y + 2, bars, theme.quiet());
        }
        x += width;
    }
}

/// `Lambda ──●──▶ `, the last hop without a line.
fn name(hop: Hop, width: u16, on_the_line: OnTheLine, sign: Option<Sign>, theme: Theme) -> Line<'static> {
    let style = match sign {
        Some(sign @ (Sign::Failed | Sign::Attention)) => theme.strong().patch(theme.sign(sign)),
        _ => theme.strong(),
    };
    let mut spans = vec![Span::styled(hop.name(), style)];
    if hop != Hop::S3 {
        let length = usize::from(width).saturating_sub(hop.name().len() + 3);
        spans.push(Span::raw(" "));
        spans.extend(line(length, on_the_line, theme));
        spans.push(Span::styled("▶", theme.quiet()));
    }
    Line::from(spans)
}

/// A line with a mark for what is on it: one for one event, more for more, at most all of it.
fn line(length: usize, on_the_line: OnTheLine, theme: Theme) -> Vec<Span<'static>> {
    if on_the_line.events == 0 || length == 0 {
        return vec![Span::styled("─".repeat(length), theme.quiet())];
    }
    let marks = (1 + on_the_line.events.ilog2() as usize).min(length);
    let room = length - marks;
    let before = (room * usize::from(on_the_line.progress.min(1000)) + 500) / 1000;
    vec![
        Span::styled("─".repeat(before), theme.quiet()),
        Span::styled("●".repeat(marks), theme.accent()),
        Span::styled("─".repeat(room - before), theme.quiet()),
    ]
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
    let words = if fit::width(&whole) <= room { whole } else { view.words.clone() };
    spans.push(Span::styled(fit::cut(&words, room), style));
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
