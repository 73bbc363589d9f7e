//! Before the pipeline is there: the resources as they are made, or what failed, why, what to do.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, Phase, ResourceState, Sign, is_done},
    text::{safe::visible, time},
};

use super::{Theme, fit, stack::sign_of};

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let width = usize::from(area.width).saturating_sub(2);
    let mut lines = Vec::new();
    match &app.deployment().phase {
        Phase::CloudFailed(error) | Phase::Failed(error) => failure(&mut lines, app, error, width, theme),
        Phase::Absent => absent(&mut lines, app, width, theme),
        Phase::Unusable(why) => {
            let next = if app.deployment().own {
                "6 opens Stack: d deploys, D takes it down; both show first what that means, and ask. r looks again."
            } else {
                "6 opens Stack and shows what CloudFormation does to it. Nothing here changes it. r looks again."
            };
            sections(&mut lines, &[("What was found", why), ("What to do", next)], width, theme);
        }
        Phase::Looking => {
            let words = "Nothing is changed: it watches until you say otherwise.";
            lines.push(Line::styled(fit::cut(words, width), theme.quiet()));
        }
        _ => {
            for words in fit::paragraphs(WHAT_IT_IS, width) {
                lines.push(Line::styled(words, theme.quiet()));
            }
            lines.push(Line::default());
        }
    }
    let resources = app.deployment().resources();
    // The newest are in sight where not all are.
    let room = usize::from(area.height).saturating_sub(lines.len());
    let hidden = resources.len().saturating_sub(room);
    lines.extend(resources.iter().skip(hidden).map(|resource| line_of(app, resource, width, theme)));
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        frame.buffer_mut().set_line(area.x + 1, y, line, area.width.saturating_sub(1));
    }
}

const WHAT_IT_IS: &str = "An event is posted to the API, a Lambda function puts it to a Kinesis stream, Firehose \
                          collects from there and writes objects to S3. Each is made now from template.yaml:";

/// No stack: what there could be, and which key leads there.
fn absent(lines: &mut Vec<Line<'static>>, app: &App, width: usize, theme: Theme) {
    if let Some((sign, words)) = &app.deployment().outcome {
        for words in fit::paragraphs(&format!("{} {words}", sign.text()), width) {
            lines.push(Line::styled(words, theme.strong()));
        }
        lines.push(Line::default());
    }
    let found = format!(
        "{} there is no stack {}. Nothing is made before you agree.",
        app.place_words(),
        visible(app.stack_name().as_str())
    );
    let made = "An HTTP API, a Lambda function, a Kinesis stream, a Firehose delivery stream and an S3 bucket, with two \
                roles and their log groups, all in one CloudFormation stack; and a bucket for the function's code.";
    let next = "Press 6 for Stack, then d: it shows every resource, what it costs, and asks. r looks again. q quits.";
    sections(
        lines,
        &[("What was found", &found), ("What deploying would make", made), ("What to do", next)],
        width,
        theme,
    );
}

fn sections(lines: &mut Vec<Line<'static>>, sections: &[(&str, &str)], width: usize, theme: Theme) {
    for (title, words) in sections {
        lines.push(Line::styled((*title).to_owned(), theme.strong()));
        lines.extend(fit::paragraphs(words, width - 2).into_iter().map(|words| Line::raw(format!("  {words}"))));
        lines.push(Line::default());
    }
}

fn failure(lines: &mut Vec<Line<'static>>, app: &App, error: &str, width: usize, theme: Theme) {
    let mut section = |title: &str, words: &str, style: Style| {
        lines.push(Line::styled(title.to_owned(), theme.strong()));
        lines.extend(
            fit::paragraphs(words, width - 2).into_iter().map(|words| Line::styled(format!("  {words}"), style)),
        );
        lines.push(Line::default());
    };
    section("What failed", error, theme.sign(Sign::Failed));
    if let Some(first) = app.deployment().first_failure() {
        let reason = first.reason.as_deref().unwrap_or("CloudFormation gave no reason");
        section("The first cause", &format!("{} ({}): {reason}", first.logical_id, first.resource_type), Style::new());
    }
    let next = match app.deployment().phase {
        Phase::Failed(_) => "r tries again. 6 shows every step CloudFormation took. q quits.",
        _ => "r tries again when the cause is gone. q quits.",
    };
    section("What to do", next, Style::new());
}

fn line_of(app: &App, resource: &ResourceState, width: usize, theme: Theme) -> Line<'static> {
    let sign = sign_of(&resource.status);
    let until = if is_done(&resource.status) { resource.changed } else { app.now() };
    let took = if resource.status.failed() {
        resource.reason.as_ref().map(|reason| visible(reason).into_owned()).unwrap_or_default()
    } else {
        time::duration(until.since(resource.started))
    };
    let kind = resource.resource_type.strip_prefix("AWS::").unwrap_or(&resource.resource_type);
    // A third of what is more than the smallest width for each name.
    let more = width.saturating_sub(78).min(30) / 3;
    let start = format!(
        " {} {} {} ",
        fit::left(&visible(&resource.logical_id), 22 + more),
        fit::left(&visible(kind), 26 + more),
        fit::left(&visible(resource.status.as_str()), 18)
    );
    let room = width.saturating_sub(fit::width(&start) + 1);
    Line::from(vec![
        Span::styled(sign.text(), theme.sign(sign)),
        Span::raw(start),
        Span::styled(fit::cut(&took, room), theme.quiet()),
    ])
}
