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
    /// The keys, or the line being typed.
    pub footer: Area,
}

impl Layout {
    /// For a screen of this size, with so many lines of header; `large`: the one pane that takes the whole body.
    pub fn of(width: u16, height: u16, header_lines: u16, large: Option<Pane>) -> Self {
        let line = |y: u16, height: u16| Area { x: 0, y, width, height };
        let strip_height = if width >= ROOMY.0 && height >= ROOMY.1 { 3 } else { 2 };
        let ledger = header_lines + strip_height;
        let top = ledger + 2;
        let body = Area { x: 0, y: top, width, height: height.saturating_sub(top + 1) };
        let panes = match large {
            Some(pane) => vec![(pane, body)],
            None => grid(body),
        };
        Self {
            header: line(0, header_lines),
            strip: line(header_lines, strip_height),
            ledger: line(ledger, 1),
            message: line(ledger + 1, 1),
            body,
            panes,
            footer: line(height.saturating_sub(1), 1),
        }
    }

    /// Where a pane stands, if it is in sight.
    pub fn pane(&self, pane: Pane) -> Option<Area> {
        self.panes.iter().find(|(known, _)| *known == pane).map(|(_, area)| *area)
    }
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
    fn no_size_breaks_it() {
        for (width, height) in [(0, 0), (1, 1), (3, 5), (200, 3)] {
            let layout = Layout::of(width, height, 2, None);
            assert_eq!(layout.panes.len(), 4);
        }
    }
}
