//! Send: the editor, what would be sent, and the answers.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Widget,
};
use tailwater_core::{
    app::{App, Pane, Row, Sign},
    events::{Answer, Sent},
    text::{number, safe::visible, time},
};

use super::{
    Screen, Theme, fit, focused,
    rows::{self, Words},
    title,
};

/// Lines that the answers keep for themselves.
const ANSWERS_AT_LEAST: u16 = 2;
/// From these widths on an answer has its time, the size of its body, and its ids.
const ROOM_FOR_TIME: u16 = 56;
const ROOM_FOR_SIZE: u16 = 76;
const ROOM_FOR_ID: u16 = 100;
/// Cells of the preview that are made ready.
const PREVIEW_CELLS: usize = 400;

pub fn draw(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let inner =
        title::draw(frame, area, focused(app, Pane::Send), &title::of(Pane::Send), &state_words(app, area), theme);
    if inner.height < 4 {
        return;
    }
    screen.follow_text(app);
    let editing = app.editing();
    check_line(frame, Rect { height: 1, ..inner }, app, screen, theme);

    let text_lines = u16::try_from(app.send().text().lines().count().max(1)).unwrap_or(u16::MAX);
    let room = inner.height.saturating_sub(2 + ANSWERS_AT_LEAST).max(1);
    let wanted = text_lines.saturating_add(u16::from(editing));
    let editor = Rect { y: inner.y + 1, height: wanted.min(room), x: inner.x + 1, width: inner.width - 1 };
    draw_editor(frame, editor, screen, editing);
    if text_lines > editor.height && !editing {
        let more = format!("… {text_lines} lines");
        let x = inner.right().saturating_sub(u16::try_from(fit::width(&more)).unwrap_or(0));
        frame.buffer_mut().set_string(x, editor.bottom() - 1, more, theme.quiet());
    }

    let below = preview(app, usize::from(inner.width), theme);
    frame.buffer_mut().set_line(inner.x, editor.bottom(), &below, inner.width);
    let mut next = editor.bottom() + 1;
    if !app.request().is_usual() && next < inner.bottom() {
        let words = format!(" {} {}", Sign::Attention.text(), app.request().words());
        let words = fit::cut(&words, usize::from(inner.width));
        frame.buffer_mut().set_string(inner.x, next, words, theme.strong());
        next += 1;
    }
    let answers = Rect { y: next, height: inner.bottom().saturating_sub(next), ..inner };
    draw_answers(frame, answers, app, screen, theme);
}

/// What would be put to the stream, or what is wrong with it.
fn preview(app: &App, width: usize, theme: Theme) -> Line<'static> {
    let send = app.send();
    let (mark, style, words) = if send.check().is_good() {
        ("→", theme.accent(), send.preview().chars().take(PREVIEW_CELLS).collect())
    } else {
        (Sign::Failed.text(), theme.sign(Sign::Failed), send.check().words())
    };
    Line::from(vec![
        Span::styled(format!(" {mark} "), style),
        Span::raw(fit::cut(&visible(&words), width.saturating_sub(3))),
    ])
}

/// The address where events are posted, or what is selected among the answers; where that one line is
/// all there is, what `s` sends.
fn state_words(app: &App, area: Rect) -> String {
    let width = area.width;
    if area.height == 1 {
        let room = usize::from(width).saturating_sub(24);
        let words = if app.send().check().is_good() { app.send().preview() } else { "no JSON yet".into() };
        return fit::cut(
            &format!("1 opens it, s sends {}", visible(&words.chars().take(PREVIEW_CELLS).collect::<String>())),
            room,
        );
    }
    let room = usize::from(width).saturating_sub(14);
    let state = rows::state_words(app, Pane::Send, None, room);
    let address = app.deployment().ready().map(|ready| visible(&ready.outputs.submit_url).into_owned());
    match address {
        Some(address) if state.is_empty() || state == "following" => {
            let bare = address.split_once("://").map_or(address.as_str(), |(_, bare)| bare);
            fit::cut(if fit::width(&address) <= room { &address } else { bare }, room)
        }
        _ => state,
    }
}

/// The text's name and whether it is JSON once filled.
fn check_line(frame: &mut Frame, area: Rect, app: &App, screen: &Screen, theme: Theme) {
    let send = app.send();
    let sign = if send.check().is_good() { Sign::Done } else { Sign::Failed };
    let width = usize::from(area.width);
    let (line, column) = screen.cursor();
    let cursor = if app.editing() { format!("  {line}:{column}") } else { String::new() };
    let name = format!(" {}{cursor}", visible(&send.name()));
    // What is wrong needs a line of its own: it stands where the preview would.
    let words = if send.check().is_good() { send.check().words() } else { "not yet JSON".to_owned() };
    let room = width.saturating_sub(fit::width(&words) + 3);
    let line = Line::from(vec![
        Span::styled(fit::left(&name, room), theme.quiet()),
        Span::styled(sign.text(), theme.sign(sign)),
        Span::raw(format!(" {words} ")),
    ]);
    frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
}

fn draw_editor(frame: &mut Frame, area: Rect, screen: &mut Screen, editing: bool) {
    let reversed = Style::new().add_modifier(Modifier::REVERSED);
    let cursor = if editing { reversed } else { Style::new() };
    screen.editor(cursor, reversed).render(area, frame.buffer_mut());
    // What is typed or pasted may hold marks that turn a line around or hide in it.
    for position in area.positions() {
        if let Some(cell) = frame.buffer_mut().cell_mut(position)
            && matches!(visible(cell.symbol()), std::borrow::Cow::Owned(_))
        {
            cell.set_symbol("␦");
        }
    }
}

fn draw_answers(frame: &mut Frame, area: Rect, app: &App, screen: &mut Screen, theme: Theme) {
    let in_flight = app.send().in_flight();
    let waits = u16::from(!in_flight.is_empty());
    let list = Rect { height: area.height.saturating_sub(waits), ..area };
    let state = app.pane(Pane::Send);
    let taken = if state.is_empty() && waits > 0 {
        0
    } else {
        rows::draw(frame, list, app, screen, Pane::Send, theme, |row, _| answer(app, row, area.width, theme))
    };
    if let Some((first, waits)) = in_flight.first_key_value() {
        let waited = time::whole_seconds(app.now().since(waits.since));
        let words = match in_flight.len() {
            1 => format!(" #{first} … no answer yet, {waited}"),
            more => format!(" #{first} and {} more … no answer yet, {waited}", more - 1),
        };
        frame.buffer_mut().set_string(
            area.x,
            area.y + taken,
            fit::cut(&words, usize::from(area.width)),
            theme.accent(),
        );
    }
}

fn answer(app: &App, row: &Row, width: u16, theme: Theme) -> Words {
    let Row::Sent(sent) = row else {
        return Words { columns: Vec::new(), text: String::new(), style: Style::new() };
    };
    let (sign, text) = answer_words(sent);
    let mut columns = Vec::new();
    if width >= ROOM_FOR_TIME {
        columns.push(Span::styled(format!("{} ", app.row_time(sent.time, true)), theme.quiet()));
    }
    if width >= ROOM_FOR_SIZE {
        columns.push(Span::styled(fit::left(&number::size(sent.body.len() as u64), 9), theme.quiet()));
    }
    columns.extend([Span::styled(sign.text(), theme.sign(sign)), Span::raw(" ")]);
    let id = sent.api_request_id().filter(|_| width >= ROOM_FOR_ID);
    let text = id.map_or_else(|| text.clone(), |id| format!("{text}, API id {id}"));
    Words { columns, text: visible(&text).into_owned(), style: Style::new() }
}

/// `202 in 9 ms, shard 0`.
fn answer_words(sent: &Sent) -> (Sign, String) {
    let took = time::duration(sent.latency);
    match &sent.answer {
        Answer::Accepted { shard_id, .. } => (Sign::Done, format!("202 in {took}, shard {}", shard_id.number())),
        Answer::Refused { status: 429, .. } => (Sign::Attention, format!("429 in {took}: throttled by the API")),
        Answer::Refused { status, message, .. } => (Sign::Failed, format!("{status} in {took}: {message}")),
        Answer::Unanswered { message } => (Sign::Attention, format!("no answer in {took}: {message}")),
    }
}
