//! Draws the app's state: one file for each thing on the screen. It decides nothing.

mod asking;
mod calls;
mod chart;
mod detail;
mod fit;
mod footer;
mod header;
mod help;
mod input;
mod ledger;
mod logs;
mod objects;
mod picker;
mod records;
mod rows;
mod screen;
mod send;
mod stack;
mod start;
mod strip;
mod theme;
mod title;
mod too_small;
mod tour;
mod trace;

#[cfg(test)]
mod tests;

use ratatui::{Frame, layout::Rect};
use tailwater_core::app::{App, Area, Context, Layout, Pane, SMALLEST, TOUR_LINES};

pub use screen::Screen;
pub use theme::Theme;

/// Draws one frame.
pub fn draw(frame: &mut Frame, app: &App, screen: &mut Screen) {
    let theme = Theme::new(app.colours());
    let size = frame.area();
    screen.forget_places();
    if size.width < SMALLEST.0 || size.height < SMALLEST.1 {
        too_small::draw(frame, size, app);
        return;
    }
    let height = size.height.saturating_sub(app.tour_lines());
    let layout = Layout::of(size.width, height, app.header_lines(), app.large());
    header::draw(frame, rect(layout.header), app, theme);
    strip::draw(frame, rect(layout.strip), app, theme);
    ledger::draw(frame, rect(layout.ledger), app, theme);
    ledger::draw_line(frame, rect(layout.message), app, theme);
    body(frame, &layout, app, screen, theme);
    footer::draw(frame, rect(layout.footer), app, theme);
    if let Some(words) = app.tour() {
        let below = Rect { y: size.height.saturating_sub(TOUR_LINES), height: TOUR_LINES, ..size };
        tour::draw(frame, below, &words, theme);
    }
}

fn body(frame: &mut Frame, layout: &Layout, app: &App, screen: &mut Screen, theme: Theme) {
    let area = rect(layout.body);
    if let Some(picker) = app.picker() {
        picker::draw(frame, area, app, picker, theme);
    } else if app.help().is_some() {
        help::draw(frame, area, app, theme);
    } else if app.detail().is_some() {
        detail::draw(frame, area, app, theme);
    } else if let Some(number) = app.trace() {
        trace::draw(frame, area, app, number, theme);
    } else if app.focus() == Pane::Stack && (app.destroying().is_some() || app.deployment().losses().is_some()) {
        asking::draw(frame, area, app, theme);
    } else if app.deployment().ready().is_none() && !app.focus().is_apart() {
        start::draw(frame, area, app, theme);
    } else {
        for (pane, area) in &layout.panes {
            let area = rect(*area);
            screen.place_pane(area, *pane);
            match pane {
                Pane::Send => send::draw(frame, area, app, screen, theme),
                Pane::Logs => logs::draw(frame, area, app, screen, theme),
                Pane::Records => records::draw(frame, area, app, screen, theme),
                Pane::Objects => objects::draw(frame, area, app, screen, theme),
                Pane::Stack => stack::draw(frame, area, app, screen, theme),
                Pane::Calls => calls::draw(frame, area, app, theme),
            }
        }
    }
}

/// Whether the panes take keys: a question or a line being typed leaves their marks standing.
fn focused(app: &App, pane: Pane) -> bool {
    app.focus() == pane && !matches!(app.context(), Context::Help | Context::Picker | Context::Detail | Context::Trace)
}

const fn rect(area: Area) -> Rect {
    Rect { x: area.x, y: area.y, width: area.width, height: area.height }
}
