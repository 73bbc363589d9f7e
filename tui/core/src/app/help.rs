//! The help: what is looked at, explained, and what to do now; below it its settings, limits, costs,
//! the template, the AWS CLI, and all keys. Its lines fit the screen's width.

use super::{
    Action, App, Context, Effect, Pane, Row, Sign, Target, TraceItem, chart::ChartRow, keymap, keymap::BINDINGS,
};
use crate::{
    events::ApiRequestId,
    guide::{self, CliCommand, CliPlace, Known, Part, Topic, TraceIds},
    pipeline::Hop,
    text::{safe::visible, wrap},
    trace::{EventNumber, Place},
};

/// The cells of a key's or a setting's name.
const NAME_CELLS: usize = 24;
/// The cells of a key.
const KEY_CELLS: usize = 14;
/// How many keys the first screen names.
const KEYS_FIRST: usize = 7;
/// What can be turned to beside what is looked at, behind the hops.
const STACK: usize = Hop::ALL.len() + 1;
const CALLS: usize = STACK + 1;
const KEYS: usize = CALLS + 1;

/// The help, while it is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HelpView {
    /// The first line in sight.
    pub(super) scroll: usize,
    /// What was turned to; 0: what is looked at.
    turn: usize,
}

/// A line of the help; its texts are safe to print and fit the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelpLine {
    /// What the lines after it are about.
    Heading(String),
    /// A line of a paragraph.
    Text(String),
    /// A key or a setting, filled up to its column, and what there is to say of it; without a name it
    /// goes on from the line before.
    Fact(String, String),
    /// A line of a command for a shell.
    Command(String),
    /// Nothing.
    Blank,
}

impl App {
    /// The first line of the help in sight, where it is open.
    pub fn help(&self) -> Option<usize> {
        self.help.map(|help| help.scroll)
    }

    /// What the help explains: `Help: Kinesis`.
    pub fn help_title(&self) -> String {
        let of = match self.help.map_or(0, |help| help.turn) {
            0 => self.looked_at().to_owned(),
            STACK => "Stack".to_owned(),
            CALLS => "Calls".to_owned(),
            KEYS => "all keys".to_owned(),
            turn => Hop::ALL.get(turn - 1).map_or("", |hop| hop.name()).to_owned(),
        };
        format!("Help: {of}")
    }

    fn looked_at(&self) -> &'static str {
        match self.context_beneath_help() {
            Context::Detail => "this row",
            Context::Trace => "this trace",
            Context::Bytes => "these bytes",
            Context::Breaking => "breaking things",
            Context::Preview => "this preview",
            Context::Destroy => "taking the stack down",
            Context::Start => "the start",
            Context::Panes if !self.pane(self.focus).following() => "this row",
            _ => self.focus.name(),
        }
    }

    pub(super) fn turn_help(&mut self, forward: bool) {
        if let Some(help) = &mut self.help {
            let all = KEYS + 1;
            help.turn = (help.turn + if forward { 1 } else { all - 1 }) % all;
            help.scroll = 0;
        }
    }

    pub(super) fn scroll_help(&mut self, lines: isize) {
        let last = self.help_lines().len().saturating_sub(1);
        if let Some(help) = &mut self.help {
            help.scroll = help.scroll.saturating_add_signed(lines).min(last);
        }
    }

    /// Something the help explains has commands to copy.
    pub(super) fn has_commands(&self) -> bool {
        !self.help_commands().is_empty()
    }

    pub(super) fn copy_commands(&mut self) -> Vec<Effect> {
        let commands = self.help_commands();
        self.say("Copied the AWS CLI commands, one a line, if the terminal takes it.");
        vec![Effect::Copy(commands.join("\n"))]
    }

    /// The AWS CLI commands that show the same as a row.
    pub(super) fn commands_of_row(&self, row: &Row) -> Vec<CliCommand> {
        let topic = match row {
            Row::Trace(number) => Some(Topic::Trace(self.trace_ids(Some(*number)))),
            row => topic_of_row(row),
        };
        topic.map(|topic| guide::commands(&topic, &self.known())).unwrap_or_default()
    }

    fn help_commands(&self) -> Vec<String> {
        let commands = self.with_topic(guide::commands);
        commands.unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    /// The help's lines, scrolled or not.
    pub fn help_lines(&self) -> Vec<HelpLine> {
        let mut lines = Lines { width: usize::from(self.size.0).saturating_sub(3), lines: Vec::new() };
        let turn = self.help.map_or(0, |help| help.turn);
        let context = self.context_beneath_help();
        if turn == KEYS {
            self.all_keys(&mut lines, context);
            return lines.lines;
        }
        let explained = self.with_topic(|topic, known| (guide::what(topic, known), guide::more(topic, known)));
        let (what, more) =
            explained.unwrap_or_else(|| (vec![Part::Text(words_without_topic(context).to_owned())], Vec::new()));
        lines.parts(what);
        self.trouble_lines(&mut lines, turn);
        if turn == 0 {
            self.keys_now(&mut lines, context);
        }
        lines.parts(more);
        if turn == 0 {
            self.all_keys(&mut lines, context);
        }
        lines.lines
    }

    /// What is known of the pipeline.
    fn known(&self) -> Known<'_> {
        let ready = self.deployment.ready();
        Known {
            is_local: self.target == Target::Local,
            now_millis: self.now.as_millis(),
            place: self.cli_place(),
            stack_name: self.stack_name.as_str(),
            outputs: ready.map(|ready| &ready.outputs),
            buffering: ready.map(|ready| ready.buffering),
            settings: &self.deployment.settings,
        }
    }

    /// What is explained, with what is known of the pipeline.
    fn with_topic<T>(&self, explain: impl FnOnce(&Topic, &Known) -> T) -> Option<T> {
        let known = self.known();
        let operations: Vec<(&str, &str)> =
            self.calls.operations().map(|(service, operation, _)| (service, operation)).collect();
        let calls = Topic::Calls(&operations);
        match self.help.map_or(0, |help| help.turn) {
            0 => {}
            CALLS => return Some(explain(&calls, &known)),
            KEYS => return None,
            turn => {
                let topic = Hop::ALL.get(turn - 1).map_or(Topic::Stack, |hop| Topic::Hop(*hop));
                return Some(explain(&topic, &known));
            }
        }
        let row = match self.context_beneath_help() {
            Context::Start | Context::Preview | Context::Destroy => return None,
            Context::Trace | Context::Bytes => {
                let hop = match self.trace_selected() {
                    Some(TraceItem::Stage(Place::Hop(hop))) => Some(hop),
                    _ => None,
                };
                let topic = hop.map_or_else(|| Topic::Trace(self.trace_ids(self.trace())), Topic::Hop);
                return Some(explain(&topic, &known));
            }
            // What a fault is about is its hop.
            Context::Breaking => return Some(explain(&Topic::Hop(self.breaking.kind().hop()), &known)),
            Context::Detail => self.detail.as_ref().and_then(|detail| self.pane(detail.pane).history().get(detail.row)),
            // While it follows, the pane itself is looked at.
            _ if self.pane(self.focus).following() => None,
            _ => self.pane(self.focus).selected().map(|(_, row)| row),
        };
        if let Some(Row::Trace(number)) = row {
            return Some(explain(&Topic::Trace(self.trace_ids(Some(*number))), &known));
        }
        if let Some(topic) = row.and_then(topic_of_row) {
            return Some(explain(&topic, &known));
        }
        if let Some((logical_id, resource_type)) = self.chosen_resource() {
            let topic = Topic::Resource { logical_id: &logical_id, resource_type: &resource_type };
            return Some(explain(&topic, &known));
        }
        let topic = match self.focus {
            Pane::Send => Topic::Send,
            Pane::Logs => Topic::Logs,
            Pane::Records => Topic::Records,
            Pane::Objects => Topic::Objects,
            Pane::Traces => Topic::Trace(self.trace_ids(self.selected_number())),
            Pane::Stack => Topic::Stack,
            Pane::Calls => calls,
        };
        Some(explain(&topic, &known))
    }

    /// Where the AWS CLI has to look for what is shown here.
    pub fn cli_place(&self) -> CliPlace {
        let region = self.deployment.settings.region.clone();
        match &self.target {
            Target::Local => CliPlace {
                endpoint_url: self.cloud.as_ref().map(|cloud| cloud.endpoint_url.clone()),
                region,
                profile: None,
            },
            Target::Aws { region: of_target, profile, endpoint_url, .. } => CliPlace {
                endpoint_url: endpoint_url.clone(),
                region: region.or_else(|| (!of_target.is_empty()).then(|| of_target.clone())),
                profile: profile.clone(),
            },
        }
    }

    fn trace_ids(&self, number: Option<EventNumber>) -> TraceIds<'_> {
        let Some(trace) = number.and_then(|number| self.traces.get(number)) else { return TraceIds::default() };
        let first = trace.sent_at.or(trace.access_at).or(trace.function_at).or(trace.record_at);
        TraceIds {
            api_request_id: trace.api_request_id.as_ref().map(ApiRequestId::as_str),
            record: trace.place.as_ref().map(|(shard, number)| (shard, number)),
            landing: trace.landing.as_ref().map(|landing| (&landing.object, landing.line)),
            from_millis: first.unwrap_or(self.now).as_millis(),
        }
    }

    /// The resource of the chart's row that was chosen.
    fn chosen_resource(&self) -> Option<(String, String)> {
        if self.focus != Pane::Stack || self.events_listed {
            return None;
        }
        let index = self.chart_row?;
        let chart = self.chart();
        let ChartRow::Resource(resource) = chart.rows.get(index)? else { return None };
        Some((resource.logical_id.clone(), format!("AWS::{}", resource.kind)))
    }

    /// What is wrong at the hop that is explained, or at any of them.
    fn trouble_lines(&self, lines: &mut Lines, turn: usize) {
        if self.deployment.ready().is_none() {
            return;
        }
        let asked = |index: usize| turn == 0 || turn == index + 1;
        for (_, hop) in Hop::ALL.into_iter().enumerate().filter(|(index, _)| asked(*index)) {
            if let Some((sign, words)) = self.trouble_at(hop) {
                lines.heading(&format!("Now: {} {} {}", sign.text(), hop.name(), visible(&words)));
                lines.text(guide::trouble(hop));
            }
        }
    }

    /// The keys that matter most here and now.
    fn keys_now(&self, lines: &mut Lines, context: Context) {
        lines.heading("What to do now");
        let now = BINDINGS.iter().filter(|binding| {
            binding.contexts.contains(&context)
                && !binding.label.is_empty()
                && !binding.help.is_empty()
                && !matches!(binding.action, Action::Help | Action::Back | Action::NextPane | Action::Large)
                // Sideways is what arrows do anywhere.
                && (binding.action != Action::Left || self.focus == Pane::Send)
                && (binding.when)(self)
        });
        for binding in now.take(KEYS_FIRST) {
            // The rest of a longer explanation stands below, with all keys.
            lines.key(binding.shown, binding.help.split(';').next().unwrap_or_default());
        }
        lines.key("← →", "← all keys; → the next part of the pipeline, explained");
    }

    fn all_keys(&self, lines: &mut Lines, context: Context) {
        let mut section = |title: &str, context: Context| {
            lines.heading(title);
            for (shown, help) in keymap::help(context) {
                lines.key(shown, help);
            }
        };
        if context == Context::Start {
            section("Keys now", Context::Start);
        }
        if self.detail.is_some() {
            section("Keys in an open row", Context::Detail);
        } else if self.bytes_shown() {
            section("Keys in a trace's bytes", Context::Bytes);
        } else if self.trace.is_some() {
            section("Keys in a trace", Context::Trace);
        } else if self.breaks() {
            section("Keys while breaking", Context::Breaking);
        }
        if self.focus == Pane::Stack {
            section("Keys in a preview", Context::Preview);
            section("Keys before destroying", Context::Destroy);
            section("Keys while the stack changes, after Ctrl-C", Context::Running);
        }
        section("All keys of the panes", Context::Panes);
        section("Keys while editing", Context::Editing);
        lines.heading("Signs and numbers");
        let signs = [Sign::Done, Sign::Moving, Sign::Attention, Sign::Failed, Sign::Waiting];
        let words = ["done", "moving", "slow or throttled", "failed", "waiting"];
        let signs: Vec<String> =
            signs.iter().zip(words).map(|(sign, word)| format!("{} {word}", sign.text())).collect();
        lines.text(&signs.join("   "));
        lines.text("#42 was sent from here, ·7 by someone else. Marked rows in all panes are the same event.");
    }
}

const fn words_without_topic(context: Context) -> &'static str {
    match context {
        Context::Preview => "What a deployment would change, and cost. Nothing is changed before you agree.",
        Context::Destroy => "What taking the stack down means. Nothing is done before its name is typed.",
        _ => {
            "Tailwater deploys a pipeline from template.yaml and shows events on their way through it: an API takes \
             them, a Lambda function puts each to a Kinesis stream, Firehose gathers them and writes objects to S3. \
             When the pipeline is there, the overview opens. ← and → explain each part of it."
        }
    }
}

fn topic_of_row(row: &Row) -> Option<Topic<'_>> {
    Some(match row {
        Row::Sent(sent) => Topic::Sent(sent),
        Row::Log { line, .. } => Topic::Log(line),
        Row::Record(record) => Topic::Record(record),
        Row::Object(object) => Topic::Object { bucket: &object.bucket, key: &object.key },
        Row::Stack(event) if event.is_of_stack() => Topic::Stack,
        Row::Stack(event) => Topic::Resource { logical_id: &event.logical_id, resource_type: &event.resource_type },
        Row::Trace(_) => return None,
    })
}

/// Lines as they are written, none wider than the screen.
struct Lines {
    width: usize,
    lines: Vec<HelpLine>,
}

impl Lines {
    fn heading(&mut self, words: &str) {
        if !self.lines.is_empty() {
            self.lines.push(HelpLine::Blank);
        }
        self.lines.push(HelpLine::Heading(words.to_owned()));
    }

    fn text(&mut self, words: &str) {
        self.lines.extend(wrap::lines(&visible(words), self.width).into_iter().map(HelpLine::Text));
    }

    fn key(&mut self, shown: &str, help: &str) {
        self.fact(shown, help, KEY_CELLS);
    }

    fn fact(&mut self, name: &str, words: &str, cells: usize) {
        let mut name = format!("{name:<cells$}");
        // A longer name takes the room that it needs.
        if name.chars().count() > cells || !name.ends_with(' ') {
            name.push(' ');
        }
        let taken = name.chars().count();
        for (index, line) in wrap::lines(&visible(words), self.width.saturating_sub(taken)).into_iter().enumerate() {
            let name = if index == 0 { name.clone() } else { " ".repeat(taken) };
            self.lines.push(HelpLine::Fact(name, line));
        }
    }

    fn parts(&mut self, parts: Vec<Part>) {
        for part in parts {
            match part {
                Part::Heading(words) => self.heading(words),
                Part::Text(words) => self.text(&words),
                Part::Fact(name, words) => self.fact(&name, &words, NAME_CELLS),
                Part::Command(command) => {
                    let lines = command.lines(self.width);
                    let lines = lines.iter().flat_map(|line| wrap::lines(&visible(line), self.width));
                    self.lines.extend(lines.map(HelpLine::Command));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_screen() {
        let mut lines = Lines { width: 40, lines: Vec::new() };
        lines.key("Ctrl-U Ctrl-D", "half a page up and down, and then some more words that go on");
        lines.fact("ANameThatIsLongerThanItsColumn", "words", 10);
        lines.text("one two three four five six seven eight nine ten");
        let width = |line: &HelpLine| match line {
            HelpLine::Fact(name, words) => name.chars().count() + words.chars().count(),
            HelpLine::Heading(words) | HelpLine::Text(words) | HelpLine::Command(words) => words.chars().count(),
            HelpLine::Blank => 0,
        };
        assert!(lines.lines.iter().all(|line| width(line) <= 40), "{:#?}", lines.lines);
        assert_eq!(lines.lines[1], HelpLine::Fact(" ".repeat(14), "and then some more words".to_owned()));
    }
}
