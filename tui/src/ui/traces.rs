//! Traces: every event as a row, over them how long events took at each hop, beside them the waterfall
//! of the selected one where there is room.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, EventRow, Pane, PlaceTimes, Row, Sign, TimesTable, cold_words, window_words},
    text::{number, time},
};

use super::{
    Screen, Theme, fit, focused,
    rows::{self, Words},
    title, trace,
};

/// From this width on the selected event's waterfall stands beside the rows.
const SIDE_BY_SIDE: u16 = 120;
/// Of a hundred cells so many are the rows' where the waterfall is beside them.
const ROWS_PERCENT: u16 = 45;
/// From this width on a row has its times in figures, below it as bars.
const ROOM_FOR_TIMES: u16 = 72;
/// The cells of a figure.
const FIGURE_CELLS: usize = 9;
/// The cells of an event's times: at each hop, and in all.
const EVENT_CELLS: [usize; 5] = [8, 8, 8, 9, 8];
/// The cells of a place's name in the table.
const NAME_CELLS: usize = 9;
/// The cells of a state, with room and without.
const STATE_CELLS: (usize, usize) = (14, 14);
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Up to so many microseconds a time has the bar at the same place of `BARS`.
const BAR_MICROS: [u128; 7] = [1_000, 3_000, 10_000, 30_000, 100_000, 1_000_000, 10_000_000];

pub fn draw(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let name = title::of(Pane::Traces);
    let counted = format!("{} by others", number::grouped(app.ledger().others));
    let room = title::room(area, &name).saturating_sub(fit::width(&counted) + 2);
    let state = [counted, rows::state_words(app, Pane::Traces, None, room)].join(", ");
    let state = state.trim_end_matches(", ");
    let inner = title::draw(frame, area, focused(app, Pane::Traces), &name, state, theme);
    let taken = times(frame, inner, app, theme);
    let below = Rect { y: inner.y + taken, height: inner.height.saturating_sub(taken), ..inner };
    let (list, beside) = if area.width >= SIDE_BY_SIDE {
        let width = area.width * ROWS_PERCENT / 100;
        let rest = Rect { x: below.x + width + 1, width: below.width.saturating_sub(width + 1), ..below };
        (Rect { width, ..below }, Some(rest))
    } else {
        (below, None)
    };
    events(frame, list, app, screen, theme);
    if let (Some(beside), Some(number)) =
        (beside, app.pane(Pane::Traces).selected().and_then(|(_, row)| number_of(row)))
    {
        trace::draw_of(frame, beside, app, number, false, theme);
    }
}

const fn number_of(row: &Row) -> Option<tailwater_core::trace::EventNumber> {
    match row {
        Row::Trace(number) => Some(*number),
        _ => None,
    }
}

/// Figures and distributions, a place a line; how many lines they took.
fn times(frame: &mut Frame, area: Rect, app: &App, theme: Theme) -> u16 {
    let figures = NAME_CELLS + 4 * FIGURE_CELLS + 1;
    let columns = (usize::from(area.width).saturating_sub(figures + 4) / 30 * 30).clamp(30, 120);
    let table = app.times_table(columns);
    let cold = table.places.iter().find(|place| place.cold.iter().any(|count| *count > 0));
    let mut lines = vec![heading(&table, columns, theme)];
    for place in &table.places {
        lines.push(place_line(place, theme));
        if let Some(cold) = cold.filter(|cold| cold.name == place.name) {
            lines.push(cold_line(cold, figures, theme));
        }
    }
    let room = usize::from(area.height / 2);
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().take(room)) {
        frame.buffer_mut().set_line(area.x + 1, y, line, area.width.saturating_sub(1));
    }
    u16::try_from(lines.len().min(room)).unwrap_or(area.height)
}

fn heading(table: &TimesTable, columns: usize, theme: Theme) -> Line<'static> {
    let mut text = fit::left("hop", NAME_CELLS);
    for name in ["p50", "p90", "p99", "max"] {
        text.push_str(&right(name, FIGURE_CELLS));
    }
    let legend =
        [format!("{}; full height: the longest of these", window_words(table, columns)), window_words(table, columns)];
    let legend = legend
        .into_iter()
        .chain([window_words(table, columns).replacen("last ", "", 1)])
        .find(|words| fit::width(words) <= columns)
        .unwrap_or_default();
    Line::from(vec![Span::styled(text, theme.strong()), Span::styled(format!("  {legend}"), theme.quiet())])
}

fn place_line(place: &PlaceTimes, theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::styled(fit::left(place.name, NAME_CELLS), theme.strong())];
    match place.figures {
        Some(figures) => {
            for figure in [figures.p50, figures.p90, figures.p99, figures.max] {
                let words = if place.name == "to S3" || place.name == "Firehose" {
                    // An object's date has whole seconds.
                    time::duration(Duration::from_secs((figure + Duration::from_millis(500)).as_secs()))
                        .replacen("0 ms", "0 s", 1)
                } else {
                    time::duration(figure)
                };
                spans.push(Span::raw(right(&words, FIGURE_CELLS)));
            }
        }
        None => spans.push(Span::styled(fit::left("        … not measured yet", 4 * FIGURE_CELLS), theme.quiet())),
    }
    spans.push(Span::raw("  "));
    let bars = place.bars.iter().map(|bar| match bar {
        Some(level) => BARS[usize::from(level.saturating_sub(1)).min(BARS.len() - 1)],
        None => " ",
    });
    spans.push(Span::raw(bars.collect::<String>()));
    Line::from(spans)
}

/// Where there were cold starts, under the bars of Lambda.
fn cold_line(place: &PlaceTimes, before: usize, theme: Theme) -> Line<'static> {
    let marks: String = place.cold.iter().map(|count| if *count > 0 { "*" } else { " " }).collect();
    let words = place.figures.map(cold_words).unwrap_or_default();
    Line::from(vec![
        Span::styled(fit::left(&format!("  * cold start: {words}"), before + 1), theme.quiet()),
        Span::styled(marks, theme.accent()),
    ])
}

fn events(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let figures = area.width >= ROOM_FOR_TIMES;
    let head = Line::styled(fit::cut(&head(app, figures), usize::from(area.width)), theme.quiet());
    let has_rows = !app.pane(Pane::Traces).is_empty();
    if has_rows {
        frame.buffer_mut().set_line(area.x, area.y, &head, area.width);
    }
    let taken = u16::from(has_rows);
    let list = Rect { y: area.y + taken, height: area.height.saturating_sub(taken), ..area };
    rows::draw(frame, list, app, screen, Pane::Traces, theme, |row, _| {
        let event = number_of(row).and_then(|number| app.event_row(number));
        event.map_or_else(
            || Words { columns: Vec::new(), text: "let go".to_owned(), style: theme.quiet() },
            |event| words(app, &event, figures, theme),
        )
    });
}

fn head(app: &App, figures: bool) -> String {
    let number = " ".repeat(rows::number_cells(app) + 1);
    let (state, time) = if figures { (STATE_CELLS.0, 13) } else { (STATE_CELLS.1, 9) };
    let mut head = format!("{number}{}  {}", fit::left("time", time), fit::left("state", state));
    if figures {
        for (name, cells) in ["API", "Lambda", "Kinesis", "Firehose", "to S3"].iter().zip(EVENT_CELLS) {
            head.push_str(&right(name, cells));
        }
    } else {
        head.push_str("hops    to S3");
    }
    head
}

fn words(app: &App, event: &EventRow, figures: bool, theme: Theme) -> Words {
    let clock = app.offset();
    let time = event.time.map(|time| if figures { clock.clock_millis(time) } else { clock.clock(time) });
    let cells = if figures { (STATE_CELLS.0, 13) } else { (STATE_CELLS.1, 9) };
    let strong = matches!(event.sign, Sign::Failed | Sign::Attention);
    let mut columns = vec![
        Span::styled(fit::left(&time.unwrap_or_default(), cells.1), theme.quiet()),
        Span::styled(event.sign.text(), theme.sign(event.sign)),
        Span::raw(" "),
        Span::styled(fit::left(&event.state, cells.0), if strong { theme.strong() } else { Style::new() }),
    ];
    if figures {
        for (index, duration) in event.times.iter().enumerate() {
            let words = match duration {
                // Firehose's time ends with an object's date, whole seconds.
                Some(duration) if index == 3 => format!("{} s", (*duration + Duration::from_millis(500)).as_secs()),
                Some(duration) => time::duration(*duration),
                None => String::new(),
            };
            columns.push(Span::raw(right(&words, EVENT_CELLS[index])));
        }
        columns.push(Span::raw(right(&event.total, EVENT_CELLS[4])));
    } else {
        let bars = event.times.iter().map(|duration| duration.map_or(" ", bar)).collect::<String>();
        columns.push(Span::raw(format!("{bars} ")));
        columns.push(Span::raw(right(&event.total, FIGURE_CELLS - 1)));
    }
    let text = if event.cold { " *" } else { "" };
    Words { columns, text: text.to_owned(), style: theme.quiet() }
}

/// A time as a bar: the taller the longer, in steps of about three.
fn bar(duration: Duration) -> &'static str {
    let micros = duration.as_micros();
    BARS[BAR_MICROS.iter().position(|most| micros < *most).unwrap_or(BAR_MICROS.len())]
}

fn right(text: &str, cells: usize) -> String {
    format!("{}{text}", " ".repeat(cells.saturating_sub(fit::width(text))))
}
