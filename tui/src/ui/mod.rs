//! Draws the app's state: one file for each thing on the screen. It decides nothing.

mod asking;
mod breaking;
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
mod marks;
mod masked;
mod messages;
mod objects;
mod palette;
mod picker;
mod present;
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
mod traces;
mod trail;

#[cfg(test)]
mod tests;

use ratatui::{Frame, layout::Rect};
use tailwater_core::app::{App, Area, Context, Layout, Pane, TOUR_LINES};

pub use screen::Screen;
pub use theme::Theme;

/// Draws one frame.
pub fn draw(frame: &mut Frame, app: &App, screen: &mut Screen) {
    let theme = Theme::new(app.theme());
    let size = frame.area();
    theme.clear(size, frame.buffer_mut());
    screen.forget_places();
    let (width, height) = app.smallest();
    if size.width < width || size.height < height {
        too_small::draw(frame, size, app);
        finish(frame, app);
        return;
    }
    let layout = app.layout_of(size.width, size.height);
    header::draw(frame, rect(layout.header), app, theme);
    strip::draw(frame, rect(layout.strip), app, theme);
    ledger::draw(frame, rect(layout.ledger), app, theme);
    ledger::draw_line(frame, rect(layout.message), app, theme);
    body(frame, &layout, app, screen, theme);
    palette::draw(frame, rect(layout.body), app, theme);
    if layout.countdown.height > 0 {
        present::countdown(frame, rect(layout.countdown), app, theme);
    }
    footer::draw(frame, rect(layout.footer), app, theme);
    if let Some(words) = app.tour() {
        let below = Rect { y: size.height.saturating_sub(TOUR_LINES), height: TOUR_LINES, ..size };
        tour::draw(frame, below, &words, theme);
    }
    finish(frame, app);
}

/// What a crowd must not learn is painted over, whatever drew it.
fn finish(frame: &mut Frame, app: &App) {
    if app.presents() {
        let area = frame.area();
        masked::paint(frame.buffer_mut(), area, &app.mask());
    }
}

fn body(frame: &mut Frame, layout: &Layout, app: &App, screen: &mut Screen, theme: Theme) {
    let area = rect(layout.body);
    if app.messages().is_some() {
        messages::draw(frame, area, app, theme);
    } else if let Some(picker) = app.picker() {
        picker::draw(frame, area, app, picker, theme);
    } else if app.help().is_some() {
        help::draw(frame, area, app, theme);
    } else if app.detail().is_some() {
        detail::draw(frame, area, app, screen, theme);
    } else if let Some(number) = app.trace().filter(|_| bytes_shown(app)) {
        trail::draw(frame, area, app, number, theme);
    } else if let Some(number) = app.trace() {
        trace::draw(frame, area, app, number, theme);
    } else if app.breaks() {
        breaking::draw(frame, area, app, theme);
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
                Pane::Traces => traces::draw(frame, area, app, screen, theme),
                Pane::Stack => stack::draw(frame, area, app, screen, theme),
                Pane::Calls => calls::draw(frame, area, app, theme),
            }
        }
    }
}

/// Whether the panes take keys: a question or a line being typed leaves their marks standing.
fn focused(app: &App, pane: Pane) -> bool {
    app.focus() == pane
        && !matches!(
            app.context(),
            Context::Help
                | Context::Messages
                | Context::Picker
                | Context::Detail
                | Context::Trace
                | Context::Bytes
                | Context::Breaking
        )
}

fn bytes_shown(app: &App) -> bool {
    app.trace_view().is_some_and(|view| view.bytes.is_some())
}

const fn rect(area: Area) -> Rect {
    Rect { x: area.x, y: area.y, width: area.width, height: area.height }
}
