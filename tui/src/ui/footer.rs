//! The last line: the keys that do something here and now, the line being typed, or a question.

use ratatui::{
    Frame,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, Context, PromptKind, Sign, keymap},
    text::{number, safe::visible},
};

use super::{Theme, fit, present};

/// Shown at the right end wherever they do something.
const AT_THE_END: [&str; 3] = [":", "?", "q"];

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let width = usize::from(area.width);
    let mut spans = vec![Span::raw(" ")];
    spans.extend(present::keys(app, theme));
    if let Some(words) = app.question_words().filter(|_| app.context() == Context::Running) {
        spans.push(Span::styled(format!("{}   ", visible(&words)), theme.strong()));
    } else if let Some(words) = app.question_words() {
        spans.push(Span::styled(fit::cut(&visible(&words), width - 1), theme.strong()));
        frame.buffer_mut().set_line(area.x, area.y, &Line::from(spans), area.width);
        return;
    }
    if app.context() == Context::Editing {
        spans.push(Span::styled(" EDITING ", theme.selected()));
        spans.push(Span::raw("  "));
    }
    if let Some(prompt) = app.prompt() {
        spans.extend(typed(app, prompt.kind, prompt.split(), width / 2, theme));
        spans.push(Span::raw("   "));
    }
    let (end, keys): (Vec<_>, Vec<_>) =
        keymap::footer(app).into_iter().partition(|(shown, _)| AT_THE_END.contains(shown));
    let end: Vec<Span> = end.iter().flat_map(|(shown, label)| key(shown, label, theme)).collect();
    let end_width = width_of(&end);
    for (shown, label) in keys {
        let spans_of_key = key(shown, label, theme);
        if width_of(&spans) + width_of(&spans_of_key) + end_width > width {
            break;
        }
        spans.extend(spans_of_key);
    }
    spans.push(Span::raw(" ".repeat(width.saturating_sub(width_of(&spans) + end_width))));
    spans.extend(end);
    frame.buffer_mut().set_line(area.x, area.y, &Line::from(spans), area.width);
}

fn key(shown: &'static str, label: &'static str, theme: Theme) -> [Span<'static>; 3] {
    [Span::styled(shown, theme.accent()), Span::raw(format!(" {label}")), Span::raw("  ")]
}

fn width_of(spans: &[Span]) -> usize {
    spans.iter().map(|span| fit::width(&span.content)).sum()
}

fn typed(app: &App, kind: PromptKind, (before, after): (&str, &str), room: usize, theme: Theme) -> Vec<Span<'static>> {
    let name = match kind {
        PromptKind::Filter => "Show only: ".to_owned(),
        PromptKind::Find => "Find: ".to_owned(),
        PromptKind::Save => format!("Save {} to: ", number::counted(app.pane(app.focus()).len() as u64, "row")),
        PromptKind::AgreeToDeploy => format!("Lose that? Type {}: ", visible(app.stack_name().as_str())),
        PromptKind::AgreeToDestroy => format!("Destroy it? Type {}: ", visible(app.stack_name().as_str())),
    };
    // From where something is wrong on, the text stands out.
    let wrong = app.filter_error().map_or(usize::MAX, |error| error.at);
    let (good, bad) = before.split_at(wrong.min(before.len()));
    let bad = visible(bad).into_owned();
    let good = visible(good).into_owned();
    // The end of a long text stays in sight, where it is typed.
    let bad_width = fit::width(&bad);
    let good = fit::skip(&good, (fit::width(&good) + bad_width).saturating_sub(room)).to_owned();
    let bad = fit::skip(&bad, bad_width.saturating_sub(room)).to_owned();
    let bad_style = theme.sign(Sign::Attention);
    let after_style = if wrong <= before.len() { bad_style } else { ratatui::style::Style::new() };
    let mut letters = after.chars();
    let under = letters.next().map_or_else(|| " ".to_owned(), |letter| visible(&letter.to_string()).into_owned());
    vec![
        Span::styled(name, theme.strong()),
        Span::raw(good),
        Span::styled(bad, bad_style),
        Span::styled(under, ratatui::style::Style::new().add_modifier(Modifier::REVERSED)),
        Span::styled(fit::cut(&visible(letters.as_str()), room / 2), after_style),
    ]
}
