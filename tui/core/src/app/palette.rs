//! The palette: everything that can be done, by its name; events by number, id or a part of their
//! body.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};

use super::{
    Action, App, Context, Effect, Key, KeyPress, Pane, Prompt, PromptKind, Query, commands, commands::Command, keymap,
};
use crate::{
    text::{json, safe::visible},
    trace::EventNumber,
};

/// What does nothing here and now stands behind what does, unless it fits this much better.
const NOW_COUNTS: u32 = 400;
/// A name that fits counts more than words that do.
const NAME_COUNTS: u32 = 1_000;
/// A longer pasted text is cut: no id is as long, and the start of a body finds it.
const LONGEST_PASTE: usize = 400;

/// The palette, while it is open.
#[derive(Debug)]
pub struct Palette {
    line: Prompt,
    selected: usize,
    /// The text was pasted: it is something to find rather than something to do.
    pasted: bool,
    /// Why what was chosen did nothing.
    problem: Option<String>,
}

impl Palette {
    fn new(text: &str, pasted: bool) -> Self {
        Self { line: Prompt::new(PromptKind::Find, text), selected: 0, pasted, problem: None }
    }

    /// The text before the cursor and after it.
    pub fn split(&self) -> (&str, &str) {
        self.line.split()
    }

    /// The index of the chosen item.
    pub const fn selected(&self) -> usize {
        self.selected
    }

    /// Why what was chosen did nothing.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn text(&self) -> &str {
        self.line.text().trim()
    }

    fn set_text(&mut self, text: &str) {
        self.line = Prompt::new(PromptKind::Find, "");
        for letter in text.chars() {
            self.line.key(KeyPress::char(letter));
        }
        self.changed();
    }

    fn changed(&mut self) {
        self.selected = 0;
        self.problem = None;
    }
}

/// Something to choose.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// What it does.
    pub words: String,
    /// The key that does it; empty: none.
    pub key: &'static str,
    /// It does something here and now.
    pub now: bool,
    /// The letters of the name that were typed, by index.
    pub hits: Vec<u32>,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Action(Action),
    Command(&'static Command),
    Event(EventNumber),
    Find,
}

impl App {
    /// The palette, while it is open.
    pub const fn palette(&self) -> Option<&Palette> {
        self.palette.as_ref()
    }

    pub(super) fn open_palette(&mut self, text: &str) {
        self.palette = Some(Palette::new(text, false));
    }

    /// A pasted text is an id or a part of a body to find: Enter finds it. A body that was indented
    /// is found as the function puts it, without insignificant whitespace.
    pub(super) fn paste_to_palette(&mut self, text: &str) {
        let text = text.trim();
        let one_line =
            if text.contains('\n') && json::check(text).is_ok() { json::compact(text) } else { text.to_owned() };
        let cut: String = one_line.chars().take(LONGEST_PASTE).collect();
        match &mut self.palette {
            Some(palette) => {
                palette.line.insert(&cut);
                palette.changed();
            }
            None => self.palette = Some(Palette::new(&cut, true)),
        }
    }

    /// A key that is text in the palette's line.
    pub(super) fn palette_key(&mut self, press: KeyPress) {
        let Some(palette) = &mut self.palette else { return };
        // An empty line has nothing to take back: Backspace leaves, as it does in `less` and `vim`.
        if press.key == Key::Backspace && palette.line.text().is_empty() {
            self.palette = None;
        } else if palette.line.key(press) {
            palette.changed();
        }
    }

    pub(super) fn move_in_palette(&mut self, rows: isize) {
        let last = self.palette_items().len().saturating_sub(1);
        if let Some(palette) = &mut self.palette {
            // Around the end: the last is one step up from the first.
            let length = last + 1;
            let steps = rows.rem_euclid(isize::try_from(length).unwrap_or(1)).unsigned_abs();
            palette.selected = (palette.selected.min(last) + steps) % length;
            palette.problem = None;
        }
    }

    /// The chosen item's name into the line, to go on with its arguments.
    pub(super) fn complete_in_palette(&mut self) {
        let Some(item) = self.chosen() else { return };
        let Some(palette) = &mut self.palette else { return };
        match item.what {
            What::Command(command) if command.arguments.is_empty() => palette.set_text(&format!(":{}", command.name)),
            What::Command(command) => palette.set_text(&format!(":{} ", command.name)),
            What::Action(_) => palette.set_text(&item.name),
            What::Event(_) | What::Find => {}
        }
    }

    fn chosen(&self) -> Option<Item> {
        let palette = self.palette.as_ref()?;
        self.palette_items().into_iter().nth(palette.selected)
    }

    pub(super) fn accept_in_palette(&mut self) -> Vec<Effect> {
        let Some(item) = self.chosen() else { return Vec::new() };
        let Some(mut palette) = self.palette.take() else { return Vec::new() };
        let problem = match item.what {
            What::Action(_) | What::Command(_) if !item.now => {
                format!("That does nothing here and now: {}.", item.words)
            }
            What::Action(action) => return self.act(action),
            What::Command(command) => {
                let typed = palette.text().to_owned();
                let parsed = Command::parse(&typed).filter(|(named, _)| named.name == command.name);
                let arguments = parsed.map_or("", |(_, rest)| rest);
                if arguments.is_empty() && command.needs_arguments() {
                    palette.set_text(&format!(":{} ", command.name));
                    format!("It wants {}: {}", command.usage(), command.words)
                } else if !arguments.is_empty() && command.arguments.is_empty() {
                    format!(":{} takes nothing more.", command.name)
                } else {
                    match (command.run)(self, arguments) {
                        Ok(effects) => return effects,
                        Err(why) => why,
                    }
                }
            }
            What::Event(number) => {
                self.help = None;
                self.open_trace(number);
                return Vec::new();
            }
            What::Find => return self.find_event(palette.text()),
        };
        palette.problem = Some(problem);
        self.palette = Some(palette);
        Vec::new()
    }

    /// An id, or a part of a body: the event's trace where the text leads to one event, else the
    /// newest row that holds it.
    fn find_event(&mut self, text: &str) -> Vec<Effect> {
        let Some(query) = Query::find(text) else { return Vec::new() };
        // The row that names the event most plainly comes first.
        let panes = [Pane::Records, Pane::Send, Pane::Logs];
        let found = panes.into_iter().find_map(|pane| {
            let state = self.pane(pane);
            let id =
                state.newest_where(|row| query.matches(row, &self.traces) && row.number(&self.traces).is_some())?;
            let number = state.history().get(id)?.number(&self.traces)?;
            Some((pane, id, number))
        });
        self.help = None;
        self.detail = None;
        self.trace = None;
        // An id names its event, also where no row of it is loaded any more.
        let named = self.event_of_text(text);
        if let Some(number) = named.filter(|named| found.is_none_or(|(.., number)| number != *named)) {
            self.open_trace(number);
        } else if let Some((pane, id, number)) = found {
            self.focus_on(pane);
            self.focused().select(id);
            self.open_trace(number);
            self.set_find(Some(query));
        } else {
            self.set_find(Some(query));
            self.find_first();
        }
        Vec::new()
    }

    /// What can be chosen, the best first.
    pub fn palette_items(&self) -> Vec<Item> {
        let Some(palette) = &self.palette else { return Vec::new() };
        let typed = palette.text();
        let as_command = typed.starts_with(':');
        let bare = typed.trim_start_matches(':').trim_start();
        let mut items = Vec::new();
        if let Some(number) = event_of(bare).filter(|number| self.traces.get(*number).is_some()) {
            items.push(Item {
                name: number.to_string(),
                words: "its trace: the event, hop by hop".to_owned(),
                key: "",
                now: true,
                hits: Vec::new(),
                what: What::Event(number),
            });
        }
        let find = (!bare.is_empty() && !as_command).then(|| Item {
            name: format!("Find {}", visible(bare)),
            words: "in every row that is loaded: an id, a part of a body".to_owned(),
            key: "",
            now: true,
            hits: Vec::new(),
            what: What::Find,
        });
        if palette.pasted {
            items.extend(find.clone());
        }
        let exact = Command::parse(typed).map(|(command, _)| command);
        items.extend(exact.map(|command| self.item_of_command(command)));
        let mut fitting = self.fitting(bare, as_command);
        fitting.retain(|item| match (item.what, exact) {
            (What::Command(command), Some(exact)) => command.name != exact.name,
            (What::Action(action), Some(exact)) => exact.action != Some(action),
            _ => true,
        });
        items.extend(fitting);
        if !palette.pasted {
            items.extend(find);
        }
        items
    }

    fn fitting(&self, typed: &str, commands_only: bool) -> Vec<Item> {
        let mut all: Vec<(Item, &'static str)> = Vec::new();
        if !commands_only {
            all.extend(self.items_of_keys());
        }
        // What has a key of its own stands there already, with it.
        let named = |command: &&Command| commands_only || command.action.is_none();
        all.extend(
            commands::COMMANDS.iter().filter(named).map(|command| (self.item_of_command(command), command.also)),
        );
        let mut matcher = Matcher::new(Config::DEFAULT);
        matcher.config.prefer_prefix = true;
        let of = |kind| Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, kind);
        let (fuzzy, within) = (of(AtomKind::Fuzzy), of(AtomKind::Substring));
        let mut letters = Vec::new();
        let mut scored: Vec<(u32, Item)> = all
            .into_iter()
            .filter_map(|(mut item, also)| {
                let mut hits = Vec::new();
                let name = Utf32Str::new(&item.name, &mut letters);
                let score = if let Some(score) = fuzzy.indices(name, &mut matcher, &mut hits) {
                    score + NAME_COUNTS
                } else {
                    hits.clear();
                    let all = format!("{} {} {also}", item.name, item.words);
                    within.score(Utf32Str::new(&all, &mut letters), &mut matcher)?
                };
                item.hits = hits;
                Some((score + if item.now { NOW_COUNTS } else { 0 }, item))
            })
            .collect();
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        scored.into_iter().map(|(_, item)| item).collect()
    }

    /// Every action that has a key, once, with the words of the help.
    fn items_of_keys(&self) -> Vec<(Item, &'static str)> {
        let here = self.context_below();
        let mut items: Vec<(Item, &'static str)> = Vec::new();
        let does_now = |binding: &keymap::Binding| binding.contexts.contains(&here) && (binding.when)(self);
        let offered = |binding: &&keymap::Binding| {
            !binding.help.is_empty()
                && binding.contexts.iter().any(|context| BELOW.contains(context))
                && !MOVES.contains(&binding.action)
        };
        let mut bindings: Vec<&keymap::Binding> = keymap::BINDINGS.iter().filter(offered).collect();
        // Of an action that is bound twice, what does something now counts.
        bindings.sort_by_key(|binding| !does_now(binding));
        for binding in bindings {
            let known =
                items.iter().any(|(item, _)| matches!(item.what, What::Action(action) if action == binding.action));
            if known {
                continue;
            }
            let also = commands::COMMANDS.iter().find(|command| command.action == Some(binding.action));
            let (name, words) = match binding.help.split_once(": ") {
                _ if !binding.label.is_empty() => (binding.label, binding.help),
                Some((name, words)) if name.chars().count() <= 20 => (name, words),
                // The first words are the name, the rest says more.
                _ => {
                    let (name, more) = binding.help.split_once([',', ';', ':', '(']).unwrap_or((binding.help, ""));
                    (name.trim_end().trim_start_matches("the "), more.trim().trim_end_matches(')'))
                }
            };
            let item = Item {
                name: name.to_owned(),
                words: words.to_owned(),
                key: binding.shown,
                now: does_now(binding),
                hits: Vec::new(),
                what: What::Action(binding.action),
            };
            items.push((item, also.map_or("", |command| command.also)));
        }
        items
    }

    fn item_of_command(&self, command: &'static Command) -> Item {
        let binding =
            command.action.and_then(|action| keymap::BINDINGS.iter().find(|binding| binding.action == action));
        Item {
            name: command.usage(),
            words: command.words.to_owned(),
            key: binding.map_or("", |binding| binding.shown),
            now: (command.when)(self),
            hits: Vec::new(),
            what: What::Command(command),
        }
    }
}

/// Where the palette opens: what is bound elsewhere alone answers a question.
const BELOW: [Context; 8] = [
    Context::Bytes,
    Context::Start,
    Context::Panes,
    Context::Detail,
    Context::Trace,
    Context::Breaking,
    Context::Help,
    Context::Messages,
];

/// What is done by the key alone: nobody looks for it by name.
const MOVES: [Action; 7] =
    [Action::Up, Action::Down, Action::PageUp, Action::PageDown, Action::HalfUp, Action::Back, Action::Palette];

/// `#42`, `·7`, `42`.
fn event_of(text: &str) -> Option<EventNumber> {
    if let Some(digits) = text.strip_prefix('·') {
        return digits.parse().ok().map(EventNumber::Other);
    }
    text.strip_prefix('#').unwrap_or(text).parse().ok().map(EventNumber::Own)
}

#[cfg(test)]
mod tests;
