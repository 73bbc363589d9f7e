//! Where the events sent from here are, and the line under it: trouble, a word on what was just
//! done, or the next step.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{
    app::{self, App, Phase, Sign, Verdict},
    text::number::{counted, grouped},
    trace::Ledger,
};

use super::{Theme, fit};

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let width = usize::from(area.width);
    let line = match (&app.deployment().phase, verdict_in_place(app)) {
        (Phase::Ready(_), Some(verdict)) => wrong(app, &verdict, false, width, theme),
        (Phase::Ready(_), None) => figures(app.ledger(), width, theme),
        (phase, _) => {
            let sign = match phase {
                Phase::CloudFailed(_) | Phase::Failed(_) => Sign::Failed,
                Phase::Absent => Sign::Waiting,
                Phase::Unusable(_) => Sign::Attention,
                _ => Sign::Moving,
            };
            signed(sign, &app.progress_words(), width, theme)
        }
    };
    frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
}

/// The line under the ledger.
pub fn draw_line(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let width = usize::from(area.width);
    let line = match app.line() {
        Some(app::Line::Trouble(sign, words)) => signed(sign, &words, width, theme),
        Some(app::Line::Verdict(verdict)) if verdict_in_place(app).is_some() => {
            plain(&format!("  {}", verdict.more), width, Style::new())
        }
        Some(app::Line::Verdict(verdict)) => wrong(app, &verdict, true, width, theme),
        Some(app::Line::Notice(words)) => said(&app.shown(&words), width, theme),
        Some(app::Line::Hint(words)) => plain(&words, width, theme.accent()),
        None => return,
    };
    frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
}

/// What is wrong stands in the ledger's place where nothing was sent from here, else under it.
fn verdict_in_place(app: &App) -> Option<Verdict> {
    (app.ledger().sent == 0).then(|| app.verdict()).flatten()
}

/// What is wrong, with what waits where there is room for it, and the key that says why.
fn wrong(app: &App, verdict: &Verdict, with_more: bool, width: usize, theme: Theme) -> Line<'static> {
    let key = app.why_key(verdict);
    let why = key.map_or(0, |key| fit::width(key) + " why ".len());
    let room = width.saturating_sub(3 + why + 2);
    let whole = format!("{}. {}", verdict.head, verdict.more);
    let words = if with_more && fit::width(&whole) <= room { &whole } else { &verdict.head };
    let mut spans = vec![
        Span::raw(" "),
        Span::styled(verdict.sign.text(), theme.sign(verdict.sign)),
        Span::raw(" "),
        Span::styled(fit::left(words, room), theme.strong()),
    ];
    if let Some(key) = key {
        spans.extend([Span::raw("  "), Span::styled(key, theme.accent()), Span::raw(" why ")]);
    }
    Line::from(spans)
}

/// What was said; where it is too long for the line, with the key that shows the whole of it.
fn said(words: &str, width: usize, theme: Theme) -> Line<'static> {
    const WHOLE: &str = " whole ";
    if fit::width(words) + 2 <= width {
        return plain(words, width, Style::new());
    }
    let room = width.saturating_sub(WHOLE.len() + 3);
    Line::from(vec![
        Span::raw(fit::left(&format!(" {words}"), room)),
        Span::raw("  "),
        Span::styled("m", theme.accent()),
        Span::raw(WHOLE),
    ])
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

/// A term of the ledger: how many, their word, and the sign that they have where there are any.
type Term = (u64, &'static str, Option<Sign>);

/// Every term; where the figures are too long for the screen, the terms that are none are left out.
fn figures(ledger: Ledger, width: usize, theme: Theme) -> Line<'static> {
    let terms: [Term; 5] = [
        (ledger.in_s3, "in S3", Some(Sign::Done)),
        (ledger.on_the_way, "on the way", Some(Sign::Moving)),
        (ledger.refused, "refused", Some(Sign::Failed)),
        (ledger.unanswered, "unanswered", Some(Sign::Attention)),
        (ledger.missing, "missing", Some(Sign::Failed)),
    ];
    let mut spans = terms_of(ledger.sent, &terms, theme);
    if taken(&spans) > width {
        let some: Vec<Term> = terms.into_iter().filter(|(count, ..)| *count > 0).collect();
        spans = terms_of(ledger.sent, &some, theme);
    }
    let others = grouped(ledger.others);
    let duplicates = if ledger.duplicates > 0 {
        format!("{} {}, ", Sign::Attention.text(), counted(ledger.duplicates, "duplicate"))
    } else {
        String::new()
    };
    let beside = [(&duplicates, format!("others put {others} ")), (&duplicates, format!("others {others} "))];
    let alone = [(&duplicates, String::new()), (&String::new(), format!("others {others} "))];
    for (duplicates, others) in beside.iter().chain(&alone) {
        let cells = fit::width(duplicates) + fit::width(others);
        if let Some(gap) = width.checked_sub(taken(&spans) + cells).filter(|gap| *gap >= 2) {
            spans.push(Span::raw(" ".repeat(gap)));
            spans.push(Span::styled((*duplicates).clone(), theme.strong()));
            spans.push(Span::styled(others.clone(), theme.quiet()));
            break;
        }
    }
    Line::from(spans)
}

fn terms_of(sent: u64, terms: &[Term], theme: Theme) -> Vec<Span<'static>> {
    let mut spans = vec![Span::styled(format!(" {} sent", grouped(sent)), theme.strong()), Span::raw(": ")];
    for (index, (count, words, sign)) in terms.iter().enumerate() {
        let sign = sign.filter(|_| *count > 0);
        let style = sign.map_or(Style::new(), |sign| theme.sign(sign));
        let sign = sign.map(|sign| format!("{} ", sign.text())).unwrap_or_default();
        if index > 0 {
            spans.push(Span::raw(", "));
        }
        spans.push(Span::styled(format!("{sign}{} {words}", grouped(*count)), style));
    }
    spans
}

fn taken(spans: &[Span]) -> usize {
    spans.iter().map(|span| fit::width(&span.content)).sum()
}
