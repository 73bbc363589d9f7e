//! What stands where: plain arithmetic, so that paging and drawing agree.

use super::Pane;

/// The smallest screen that is drawn.
pub const SMALLEST: (u16, u16) = (80, 24);
/// From this size on the strip has a line more, of rates over the last minute.
const ROOMY: (u16, u16) = (110, 32);

/// A rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Area {
    /// From the left, from 0.
    pub x: u16,
    /// From the top, from 0.
    pub y: u16,
    /// In cells.
    pub width: u16,
    /// In cells.
    pub height: u16,
}

/// What stands where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The target, the stack, help.
    pub header: Area,
    /// The five hops.
    pub strip: Area,
    /// Where the events are.
    pub ledger: Area,
    /// One line: trouble, a word on what was just done, or the next step.
    pub message: Area,
    /// Everything between message and footer.
    pub body: Area,
    /// The panes in sight, each with its title line.
    pub panes: Vec<(Pane, Area)>,
    /// The wait for delivery in large letters, in presenter mode; else no lines high.
    pub countdown: Area,
    /// The keys, or the line being typed.
    pub footer: Area,
}

impl Layout {
    /// For a screen of this size, with so many lines of header; `large`: the one pane that takes the whole body.
    pub fn of(width: u16, height: u16, header_lines: u16, large: Option<Pane>) -> Self {
        Self::with(width, height, header_lines, large, Arrangement::Grid)
    }

    /// The same in another arrangement of what stands in the body.
    pub fn with(width: u16, height: u16, header_lines: u16, large: Option<Pane>, how: Arrangement) -> Self {
        let line = |y: u16, height: u16| Area { x: 0, y, width, height };
        let strip_height = if width >= ROOMY.0 && height >= ROOMY.1 { 3 } else { 2 };
        let ledger = header_lines + strip_height;
        let top = ledger + 2;
        let countdown = match how {
            Arrangement::Present => COUNTDOWN_LINES.min(height.saturating_sub(top + 1)),
            Arrangement::Grid | Arrangement::Tails => 0,
        };
        let body = Area { x: 0, y: top, width, height: height.saturating_sub(top + 1 + countdown) };
        let panes = match (large, how) {
            (Some(pane), _) => vec![(pane, body)],
            (None, Arrangement::Tails) => tails(body),
            (None, _) => grid(body),
        };
        Self {
            header: line(0, header_lines),
            strip: line(header_lines, strip_height),
            ledger: line(ledger, 1),
            message: line(ledger + 1, 1),
            body,
            panes,
            countdown: line(height.saturating_sub(1 + countdown), countdown),
            footer: line(height.saturating_sub(1), 1),
        }
    }

    /// Where a pane stands, if it is in sight.
    pub fn pane(&self, pane: Pane) -> Option<Area> {
        self.panes.iter().find(|(known, _)| *known == pane).map(|(_, area)| *area)
    }
}

/// How what stands in the body is arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrangement {
    /// Two rows of two panes.
    Grid,
    /// Send in one line, the three tails below each other over the full width: whoever is there came
    /// to look.
    Tails,
    /// One pane, and the countdown to delivery under it.
    Present,
}

/// The lines of the countdown: a rule, large letters, the words under them.
const COUNTDOWN_LINES: u16 = 6;

/// Send in one line, then the tails, the same height each as far as that goes.
fn tails(body: Area) -> Vec<(Pane, Area)> {
    let line = |y: u16, height: u16| Area { x: body.x, y, width: body.width, height };
    let rest = body.height.saturating_sub(1);
    let heights = [rest.div_ceil(3), (rest + 1) / 3, rest / 3];
    let mut panes = vec![(Pane::Send, line(body.y, body.height.min(1)))];
    let mut y = body.y + 1;
    for (pane, height) in [Pane::Logs, Pane::Records, Pane::Objects].into_iter().zip(heights) {
        panes.push((pane, line(y, height)));
        y += height;
    }
    panes
}

/// Two rows of two panes, in the order of the data, a column free between them.
fn grid(body: Area) -> Vec<(Pane, Area)> {
    let upper = body.height.div_ceil(2);
    let left = (body.width.saturating_sub(1)) / 2;
    let right = body.width.saturating_sub(left + 1);
    let area = |right_side: bool, lower: bool| Area {
        x: if right_side { left + 1 } else { 0 },
        y: if lower { body.y + upper } else { body.y },
        width: if right_side { right } else { left },
        height: if lower { body.height - upper } else { upper },
    };
    let places = [(false, false), (true, false), (false, true), (true, true)];
    Pane::OVERVIEW.into_iter().zip(places).map(|(pane, (right, lower))| (pane, area(right, lower))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_of_the_smallest_screen_is_given_out_once() {
        let layout = Layout::of(80, 24, 1, None);
        let areas = [layout.header, layout.strip, layout.ledger, layout.message, layout.footer];
        let panes: u32 = layout.panes.iter().map(|(_, area)| u32::from(area.width) * u32::from(area.height)).sum();
        let rest: u32 = areas.iter().map(|area| u32::from(area.width) * u32::from(area.height)).sum();
        // One column between the panes is free.
        assert_eq!(panes + rest + u32::from(layout.body.height), 80 * 24);
        assert_eq!(layout.body.y + layout.body.height, layout.footer.y);
    }

    #[test]
    fn the_tails_take_every_line_below_send() {
        for height in 24..40 {
            let layout = Layout::with(80, height, 2, None, Arrangement::Tails);
            let lines: u16 = layout.panes.iter().map(|(_, area)| area.height).sum();
            assert_eq!(lines, layout.body.height);
            assert_eq!(layout.pane(Pane::Objects).map(|area| area.y + area.height), Some(layout.footer.y));
        }
    }

    #[test]
    fn the_countdown_stands_over_the_footer() {
        let layout = Layout::with(60, 18, 1, Some(Pane::Logs), Arrangement::Present);
        assert_eq!(layout.countdown.y + layout.countdown.height, layout.footer.y);
        assert_eq!(layout.body.y + layout.body.height, layout.countdown.y);
        assert!(layout.body.height >= 6, "{layout:?}");
    }

    #[test]
    fn no_size_breaks_it() {
        for (width, height) in [(0, 0), (1, 1), (3, 5), (200, 3)] {
            for how in [Arrangement::Grid, Arrangement::Tails, Arrangement::Present] {
                let layout = Layout::with(width, height, 2, None, how);
                assert_eq!(layout.panes.len(), 4);
            }
        }
    }
}
