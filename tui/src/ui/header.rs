//! The first line: where the pipeline lives, the stack, the offset of times, the way to help. On AWS
//! a second one: who one is there, and how the stack stands.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, Phase, Sign, Target, Work},
    text::safe::visible,
};

use super::{Theme, fit};

const HELP: &str = "? help ";

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let mark = mark(app, theme);
    let room = usize::from(area.width).saturating_sub(HELP.len() + 1 + fit::width(&mark.content));
    let broken = broken(app, room / 2);
    let room = room.saturating_sub(broken.as_deref().map_or(0, |words| fit::width(words) + 1));
    let mut parts = if app.presents() { vec!["PRESENTING, each hop held 0.4 s".to_owned()] } else { Vec::new() };
    parts.extend(match app.target() {
        // What is broken on purpose takes the place of the words on where one is.
        Target::Local if broken.is_some() => vec!["local".to_owned(), stack(app), app.offset().name()],
        Target::Local => {
            let place = match app.cloud() {
                Some(cloud) if !cloud.own => "local · joined a cloud that runs",
                _ => "local · nothing leaves this machine",
            };
            vec![place.to_owned(), stack(app), app.offset().name()]
        }
        Target::Aws { account_id, region, profile, .. } => {
            let profile = profile.as_ref().map(|profile| format!("{} ", visible(profile))).unwrap_or_default();
            let mut parts = vec![
                "AWS".to_owned(),
                format!(
                    "{profile}{}",
                    if app.presents() { "account masked".to_owned() } else { account(&visible(account_id)) }
                ),
                visible(region).into_owned(),
                format!("times {}", app.offset().name()),
                doing(app).to_owned(),
            ];
            parts.retain(|part| !part.is_empty());
            parts
        }
    });
    let ready = app.deployment().ready().filter(|ready| !ready.outputs.submit_url.is_empty());
    let address = ready.map(|ready| format!("POST {}", visible(&ready.outputs.submit_url)));
    // What fits is shown: the address comes last, since Send shows it too.
    if let Some(address) = address
        && fit::width(&parts.join(" · ")) + fit::width(&address) + 4 <= room
    {
        parts.push(address);
    }
    let apart = if broken.is_some() { "· " } else { "" };
    let words = fit::cut(&format!(" {apart}{}", app.shown(&parts.join(" · "))), room);
    let words = fit::left(&words, room + 1);
    let mut spans = vec![mark];
    if let Some(broken) = broken {
        spans.extend([Span::raw(" "), Span::styled(broken, theme.sign(Sign::Attention))]);
    }
    spans.extend([Span::styled(words, theme.strong()), Span::styled(HELP, theme.accent())]);
    let line = Line::from(spans);
    frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
    if area.height > 1
        && let Target::Aws { who, endpoint_url, elsewhere, .. } = app.target()
    {
        let who = if who.is_empty() { "not known yet".to_owned() } else { visible(who).into_owned() };
        let url = endpoint_url.as_ref().map(|url| format!(" · at {}", visible(url))).unwrap_or_default();
        let elsewhere: Vec<String> = elsewhere.iter().map(|service| format!(" · {}", visible(service))).collect();
        let elsewhere = elsewhere.concat();
        let words = fit::cut(&format!(" You: {who} · {}{url}{elsewhere}", stack(app)), usize::from(area.width));
        frame.buffer_mut().set_string(area.x, area.y + 1, words, ratatui::style::Style::new());
    }
}

/// That this is a replay, and where it stands; or that something is being recorded.
fn mark(app: &App, theme: Theme) -> Span<'static> {
    if let Some(replay) = app.replay() {
        return Span::styled(format!(" {} ", replay.words()), theme.selected());
    }
    let words = if app.is_recording() { " REC " } else { "" };
    Span::styled(words, theme.selected())
}

/// What is broken on purpose, whoever ordered it: `FAULT crash 20 %`.
fn broken(app: &App, room: usize) -> Option<String> {
    let on = app.faults_on();
    let word = if on.len() > 1 { "FAULTS" } else { "FAULT" };
    (!on.is_empty()).then(|| fit::cut(&app.shown(&format!("{word} {}", visible(&on.join(" + ")))), room))
}

/// `1234…4321`: enough to know it again.
fn account(id: &str) -> String {
    match (id.get(..4), id.len().checked_sub(4).and_then(|end| id.get(end..))) {
        (Some(start), Some(end)) if id.len() > 8 => format!("{start}…{end}"),
        _ => id.to_owned(),
    }
}

/// What this app is at.
const fn doing(app: &App) -> &'static str {
    match &app.deployment().work {
        None => "watching",
        Some(Work::Preparing) => "preparing a preview",
        Some(Work::Previewed(_) | Work::First(_)) => "asking",
        Some(Work::Executing) => "deploying",
        Some(Work::Destroying(_)) => "destroying",
    }
}

fn stack(app: &App) -> String {
    let deployment = app.deployment();
    let name = visible(app.stack_name().as_str());
    let on_aws = matches!(app.target(), Target::Aws { .. });
    if !deployment.own && deployment.ready().is_some_and(|ready| ready.status.as_str().is_empty()) {
        return format!("{name}, named one by one: only watched");
    }
    let (sign, status) = match &deployment.phase {
        Phase::StartingCloud | Phase::Looking => (Sign::Waiting, String::new()),
        Phase::Absent => return format!("stack {name} … none"),
        Phase::Deploying => (Sign::Moving, String::new()),
        Phase::Unusable(_) => (Sign::Attention, String::new()),
        Phase::CloudFailed(_) | Phase::Failed(_) => (Sign::Failed, String::new()),
        Phase::Ready(ready) if ready.status.in_progress() => (Sign::Moving, format!(" {}", ready.status)),
        Phase::Ready(ready) if ready.status.failed() => (Sign::Attention, format!(" {}", ready.status)),
        Phase::Ready(ready) if on_aws => (Sign::Done, format!(" {}", ready.status)),
        Phase::Ready(_) => (Sign::Done, String::new()),
    };
    let since = deployment.status_since.filter(|_| on_aws && !status.is_empty());
    let since = since.map(|since| format!(" {}", app.offset().day(since, app.now()))).unwrap_or_default();
    let foreign = if deployment.own { "" } else { ", not ours: only watched" };
    format!("stack {name} {}{}{since}{foreign}", sign.text(), visible(&status))
}
