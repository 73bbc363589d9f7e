//! Where the events sent from here are, and the line under it: trouble, a word on what was just
//! done, or the next step.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{
    app::{self, App, Phase, Sign},
    text::number::grouped,
    trace::Ledger,
};

use super::{Theme, fit};

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let line = match &app.deployment().phase {
        Phase::Ready(_) => figures(app.ledger(), usize::from(area.width), theme),
        phase => {
            let sign = match phase {
                Phase::CloudFailed(_) | Phase::Failed(_) => Sign::Failed,
                Phase::Absent => Sign::Waiting,
                Phase::Unusable(_) => Sign::Attention,
                _ => Sign::Moving,
            };
            signed(sign, &app.progress_words(), usize::from(area.width), theme)
        }
    };
    frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
}

/// The line under the ledger.
pub fn draw_line(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let width = usize::from(area.width);
    let line = match app.line() {
        Some(app::Line::Trouble(sign, words)) => signed(sign, &words, width, theme),
        Some(app::Line::Notice(words)) => plain(&words, width, Style::new()),
        Some(app::Line::Hint(words)) => plain(&words, width, theme.accent()),
        None => return,
    };
    frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
}

fn plain(words: &str, width: usize, style: Style) -> Line<'static> {
    Line::styled(fit::cut(&format!(" {words}"), width.saturating_sub(1)), style)
}

fn signed(sign: Sign, words: &str, width: usize, theme: Theme) -> Line<'static> {
    Line::from(vec![
        Span::raw(" "),
        Span::styled(sign.text(), theme.sign(sign)),
        Span::raw(" "),
        Span::styled(fit::cut(words, width.saturating_sub(4)), theme.strong()),
    ])
}

fn figures(ledger: Ledger, width: usize, theme: Theme) -> Line<'static> {
    let mut spans = vec![Span::styled(format!(" {} sent", grouped(ledger.sent)), theme.strong()), Span::raw(": ")];
    let mut add = |count: u64, words: &str, sign: Option<Sign>, last: bool| {
        let style = match sign {
            Some(sign) if count > 0 => theme.sign(sign),
            _ => Style::new(),
        };
        let sign = sign.filter(|_| count > 0).map(|sign| format!("{} ", sign.text())).unwrap_or_default();
        spans.push(Span::styled(format!("{sign}{} {words}", grouped(count)), style));
        if !last {
            spans.push(Span::raw(", "));
        }
    };
    add(ledger.in_s3, "in S3", Some(Sign::Done), false);
    add(ledger.on_the_way, "on the way", Some(Sign::Moving), false);
    add(ledger.refused, "refused", Some(Sign::Failed), false);
    if ledger.unanswered > 0 {
        add(ledger.unanswered, "unanswered", Some(Sign::Attention), false);
    }
    add(ledger.missing, "missing", Some(Sign::Failed), true);
    let others = format!("others put {} ", grouped(ledger.others));
    let taken: usize = spans.iter().map(|span| fit::width(&span.content)).sum();
    if let Some(gap) = width.checked_sub(taken + fit::width(&others)).filter(|gap| *gap >= 2) {
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(others, theme.quiet()));
    }
    Line::from(spans)
}
