//! The first line: where the pipeline lives, the stack, the offset of times, the way to help.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use tailwater_core::{
    app::{App, Phase, Sign, Target},
    text::safe::visible,
};

use super::{Theme, fit};

const HELP: &str = "? help ";

pub fn draw(frame: &mut Frame, area: Rect, app: &App, theme: Theme) {
    let room = usize::from(area.width).saturating_sub(HELP.len() + 1);
    let mut parts = vec![target(app)];
    let (sign, status) = stack(app);
    parts.push(format!("stack {} {}{status}", visible(app.stack_name().as_str()), sign.text()));
    parts.push(app.offset().name());
    let address = app.deployment().ready().map(|ready| format!("POST {}", visible(&ready.outputs.submit_url)));
    // What fits is shown: the address comes last, since Send shows it too.
    if let Some(address) = address
        && fit::width(&parts.join(" · ")) + fit::width(&address) + 4 <= room
    {
        parts.push(address);
    }
    let words = fit::left(&format!(" {}", parts.join(" · ")), room + 1);
    let line = Line::from(vec![Span::styled(words, theme.strong()), Span::styled(HELP, theme.accent())]);
    frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
}

fn target(app: &App) -> String {
    match app.target() {
        Target::Local => match app.cloud() {
            Some(cloud) if !cloud.own => "local · joined a cloud that runs".to_owned(),
            _ => "local · nothing leaves this machine".to_owned(),
        },
        Target::Aws { account_id, region, profile, endpoint_url } => {
            let mut words = format!("AWS · {account_id}");
            if let Some(profile) = profile {
                words.push_str(&format!(" {profile}"));
            }
            words.push_str(&format!(" · {region}"));
            if let Some(url) = endpoint_url {
                words.push_str(&format!(" · {url}"));
            }
            visible(&words).into_owned()
        }
    }
}

fn stack(app: &App) -> (Sign, String) {
    match &app.deployment().phase {
        Phase::StartingCloud => (Sign::Waiting, String::new()),
        Phase::Deploying => (Sign::Moving, String::new()),
        Phase::CloudFailed(_) | Phase::Failed(_) => (Sign::Failed, String::new()),
        Phase::Ready(ready) if ready.status.failed() => (Sign::Attention, format!(" {}", ready.status)),
        Phase::Ready(_) => (Sign::Done, String::new()),
    }
}
