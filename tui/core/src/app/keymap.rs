//! Every key and what it does, in one table: pressing, help, footer and README read it.

use super::{App, Key, KeyPress, Pane, ReplayStep, Viewer};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Focus a pane.
    Focus(Pane),
    /// Back to the overview.
    Overview,
    /// The next pane.
    NextPane,
    /// The previous pane.
    PreviousPane,
    /// One pane large, or back.
    Large,
    /// A row or line up.
    Up,
    /// A row or line down.
    Down,
    /// Sideways.
    Left,
    /// Sideways.
    Right,
    /// A page.
    PageUp,
    /// A page.
    PageDown,
    /// Half a page.
    HalfUp,
    /// Half a page.
    HalfDown,
    /// The oldest row, the first line.
    First,
    /// The newest row, and follow.
    Newest,
    /// Open the row.
    Open,
    /// The previous event: its row while one is open, its body in Send.
    PreviousEvent,
    /// The next event.
    NextEvent,
    /// Find.
    Find,
    /// The next match.
    FindNext,
    /// The previous match.
    FindPrevious,
    /// The next trouble.
    NextTrouble,
    /// One event's way through the hops.
    Trace,
    /// Hide what does not match.
    Filter,
    /// Show all rows.
    ShowAll,
    /// Send what is in the editor.
    Send,
    /// Begin the tour.
    Tour,
    /// No more of many are sent.
    StopLoad,
    /// Edit it.
    Edit,
    /// Copy the row.
    Copy,
    /// Copy what stands under the cursor of the open row.
    CopyValue,
    /// Copy the JSON path of what stands under the cursor.
    CopyPath,
    /// Print the row on the terminal's own screen, with the AWS CLI command that shows the same.
    Print,
    /// Save the rows that are shown.
    Save,
    /// Open the row, or the rows, in a program of the user's.
    OpenIn(Viewer),
    /// Fold all of the open row's JSON.
    FoldAll,
    /// Unfold all of it.
    UnfoldAll,
    /// The open row's body as bytes, or back.
    Bytes,
    /// Long rows go on in the next line.
    Wrap,
    /// Times: local, UTC, how long ago.
    Times,
    /// Try the deployment again.
    Retry,
    /// Find out what a deployment would change, and ask.
    Deploy,
    /// Take the stack down, after asking.
    Destroy,
    /// Agree to what is shown.
    Agree,
    /// Drop it.
    Disagree,
    /// Roll the stack back instead.
    RollBack,
    /// Keep the bucket when the stack goes.
    KeepData,
    /// Do not wait for Firehose when the stack goes.
    WithoutDelivery,
    /// Delete the function's code, too, when the stack goes.
    Artifacts,
    /// Leave what cannot be deleted when the stack goes.
    RetainStuck,
    /// Cancel what runs.
    CancelRunning,
    /// Let it run on, and quit.
    LeaveRunning,
    /// Watch it on.
    WatchRunning,
    /// The stack as a chart, or as a list of events.
    TurnView,
    /// Steer the replay.
    Replay(ReplayStep),
    /// The faults of the local cloud.
    Break,
    /// Turn the fault on, or off.
    TurnFault,
    /// Turn all faults off.
    ClearFaults,
    /// Less of what is set.
    Weaker,
    /// More of it.
    Stronger,
    /// The next column.
    NextColumn,
    /// The previous column.
    PreviousColumn,
    /// Explain.
    Help,
    /// All messages.
    Messages,
    /// The palette.
    Palette,
    /// The chosen name into the palette's line.
    Complete,
    /// The next thing that the help explains.
    NextTopic,
    /// The one before.
    PreviousTopic,
    /// What was typed is meant.
    Accept,
    /// Yes.
    Yes,
    /// No.
    No,
    /// One level back.
    Back,
    /// The marks of what was looked for go; then one level back.
    Escape,
    /// Stop what runs, then quit.
    Interrupt,
}

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// Before the pipeline is there.
    Start,
    /// The panes.
    Panes,
    /// The editor: letters are text.
    Editing,
    /// The line for a filter or for what to find: letters are text.
    Prompt,
    /// The palette: letters are text.
    Palette,
    /// One row opened.
    Detail,
    /// One event's trace.
    Trace,
    /// The faults of the local cloud.
    Breaking,
    /// One event's bytes at each hop.
    Bytes,
    /// The help.
    Help,
    /// All messages.
    Messages,
    /// A list to pick from: letters narrow it.
    Picker,
    /// A question.
    Question,
    /// The preview of a deployment, which waits for a yes.
    Preview,
    /// What the end of the stack would mean, which waits for its name.
    Destroy,
    /// What is to become of an operation that runs.
    Running,
}

/// A row of the table.
pub struct Binding {
    /// The keys that do it.
    pub keys: &'static [KeyPress],
    /// How help and footer write them.
    pub shown: &'static str,
    /// What they do.
    pub action: Action,
    /// Where.
    pub contexts: &'static [Context],
    /// The footer's words; empty: not in the footer.
    pub label: &'static str,
    /// The help's words.
    pub help: &'static str,
    /// Whether it does something now.
    pub when: fn(&App) -> bool,
}

use Context::{
    Breaking, Bytes, Destroy, Detail, Editing, Help, Messages, Palette, Panes, Picker, Preview, Prompt, Question,
    Running, Start, Trace,
};

const fn always(_: &App) -> bool {
    true
}

const fn char(letter: char) -> KeyPress {
    KeyPress::char(letter)
}

const fn key(key: Key) -> KeyPress {
    KeyPress::of(key)
}

/// Where a replay can be steered: everywhere but where letters are text.
const REPLAY: &[Context] =
    &[Start, Panes, Detail, Trace, Help, Question, Preview, Destroy, Running, Breaking, Messages];

macro_rules! bindings {
    ($( [$($press:expr),+] $shown:literal => $action:expr, $contexts:expr, $label:literal, $help:literal $(, if $when:expr)? ; )*) => {
        &[ $( Binding {
            keys: &[$($press),+],
            shown: $shown,
            action: $action,
            contexts: $contexts,
            label: $label,
            help: $help,
            when: bindings!(@when $($when)?),
        } ),* ]
    };
    (@when) => { always };
    (@when $when:expr) => { $when };
}

/// The table. The footer shows what it can in this order, so what matters most stands first.
pub const BINDINGS: &[Binding] = bindings![
    [char('y')] "y" => Action::Yes, &[Question], "yes", "yes";
    [key(Key::Enter)] "Enter" => Action::Yes, &[Question], "look further back", "look further back", if App::asks_to_look_back;
    [char('n'), char('q'), key(Key::Esc)] "n" => Action::No, &[Question], "no", "no";
    [char('c')] "c" => Action::CancelRunning, &[Running], "cancel it", "cancel the operation", if App::can_cancel;
    [char('l'), KeyPress::ctrl('c')] "l" => Action::LeaveRunning, &[Running], "leave it, quit", "let it run on without this app, and quit";
    [key(Key::Esc), char('n'), char('q')] "Esc" => Action::WatchRunning, &[Running], "watch on", "watch on";
    [char('y')] "y" => Action::Agree, &[Preview], "yes, do it", "agree; where something is lost, the stack's name is asked for";
    [char('n'), key(Key::Esc), char('q')] "n" => Action::Disagree, &[Preview], "no, drop it", "drop it: nothing is changed";
    [char('R')] "R" => Action::RollBack, &[Preview], "roll back instead", "a stack that failed with rollback disabled: roll it back instead", if App::can_roll_back;
    [key(Key::Enter)] "Enter" => Action::Agree, &[Destroy], "type the name", "go on to typing the stack's name";
    [char('b')] "b" => Action::KeepData, &[Destroy], "keep bucket", "keep the bucket and its objects, or not";
    [char('i')] "i" => Action::WithoutDelivery, &[Destroy], "wait or not", "do not wait for Firehose to deliver, or do";
    [char('a')] "a" => Action::Artifacts, &[Destroy], "code too", "delete the function's code too, or not";
    [char('x')] "x" => Action::RetainStuck, &[Destroy], "leave stuck", "let the stack go without what CloudFormation cannot delete, or not";
    [key(Key::Esc), char('n'), char('q')] "Esc" => Action::Disagree, &[Destroy], "leave it", "leave the stack as it is";
    [key(Key::F(5)), KeyPress::ctrl('s')] "F5" => Action::Send, &[Editing], "send", "send what is in the editor (Ctrl-S too)";
    [key(Key::Esc)] "Esc" => Action::Back, &[Editing], "done", "leave the editor; the text stays. Ctrl-Z undoes, Ctrl-R redoes";
    [key(Key::Enter)] "Enter" => Action::Accept, &[Prompt], "do it", "find, or filter, by what was typed";
    [key(Key::Esc)] "Esc" => Action::Back, &[Prompt], "cancel", "leave it as it was";
    [key(Key::Enter)] "Enter" => Action::Accept, &[Palette], "do it", "do what is chosen";
    [key(Key::Tab)] "Tab" => Action::Complete, &[Palette], "complete", "the chosen name into the line, to go on with its arguments";
    [key(Key::Up), KeyPress::ctrl('p'), key(Key::BackTab)] "↑ ↓" => Action::Up, &[Palette], "choose", "choose";
    [key(Key::Down), KeyPress::ctrl('n')] "↓" => Action::Down, &[Palette], "", "";
    [key(Key::Esc)] "Esc" => Action::Back, &[Palette], "close", "close it";
    [key(Key::Enter)] "Enter" => Action::Accept, &[Picker], "take it", "take what is chosen into the editor";
    [key(Key::Up)] "↑ ↓" => Action::Up, &[Picker], "choose", "choose";
    [key(Key::Down), key(Key::Tab)] "↓" => Action::Down, &[Picker], "", "";
    [key(Key::Esc)] "Esc" => Action::Back, &[Picker], "leave it", "leave the editor as it is";
    [key(Key::Enter)] "Enter" => Action::TurnFault, &[Breaking], "on, off", "turn the fault on, or off";
    [key(Key::Left), char('h')] "← →" => Action::Weaker, &[Breaking], "less, more", "less and more of the column (h, l too); one that is on is ordered anew";
    [key(Key::Right), char('l')] "→" => Action::Stronger, &[Breaking], "", "";
    [key(Key::Tab)] "Tab" => Action::NextColumn, &[Breaking], "column", "the next column: how late, how many of a hundred, how often, how long";
    [key(Key::BackTab)] "Shift-Tab" => Action::PreviousColumn, &[Breaking], "", "the previous column";
    [char('x')] "x" => Action::ClearFaults, &[Breaking], "all off", "turn all faults off, whoever ordered them", if App::has_faults;
    [char('r')] "r" => Action::Retry, &[Start], "try again", "try again, or look again", if App::can_retry;
    [char('d')] "d" => Action::Deploy, &[Panes], "deploy", "in Stack: show what a deployment would change and cost, then ask", if App::can_deploy;
    [char('D')] "D" => Action::Destroy, &[Panes], "destroy", "in Stack: take the stack down; wants its name typed", if App::can_destroy;
    [char('v')] "v" => Action::TurnView, &[Panes], "chart or events", "in Stack: the chart, or the list of all events", if App::in_stack;
    [char('v')] "v" => Action::TurnView, &[Bytes], "text or hex", "the bytes as text, or in hexadecimal";
    [char('i')] "i" => Action::Tour, &[Panes], "tour", "for newcomers: a tour that ends with your own event in S3 (:tour at any time)", if App::is_tour_offered;
    [char('x')] "x" => Action::StopLoad, &[Panes, Detail, Trace], "stop sending", "stop sending many events (Ctrl-C too)", if App::is_loading;
    [char('s'), key(Key::F(5))] "s" => Action::Send, &[Panes, Detail, Trace, Breaking], "send", "send what is in the editor, as many times as you press it", if App::can_send;
    [char('e')] "e" => Action::Edit, &[Panes], "edit", "edit it: letters are text, F5 or Ctrl-S sends, Esc is done", if App::can_send;
    [key(Key::Enter)] "Enter" => Action::Open, &[Panes], "open", "open the row: all fields, JSON as a tree, bytes; with no row, why something is wrong", if App::can_open;
    [key(Key::Enter)] "Enter" => Action::Open, &[Detail], "fold", "fold the JSON value, or unfold it; on an object's line: its trace", if App::opens_line;
    [char('t')] "t" => Action::Trace, &[Panes, Detail, Breaking], "trace", "the row's trace: its event, hop by hop; in Send, of the last event sent", if App::has_trace;
    [key(Key::Enter)] "Enter" => Action::Open, &[Trace], "open", "the bytes at each hop; with a row selected, that row: log line, record or object";
    [key(Key::Tab)] "Tab" => Action::NextPane, &[Panes], "pane", "the next pane";
    [char('G'), key(Key::End)] "G" => Action::Newest, &[Panes], "newest", "the newest row, and follow what comes", if App::is_paused;
    [char('F')] "F" => Action::ShowAll, &[Panes], "show all", "show all rows again", if App::has_filter;
    [char('n')] "n" => Action::FindNext, &[Panes, Detail], "next", "the next match (newer), and which of how many", if App::has_find;
    [char('N')] "N" => Action::FindPrevious, &[Panes, Detail], "previous", "the previous match (older)", if App::has_find;
    [key(Key::Left), char('h')] "← →" => Action::Left, &[Panes], "template", "in Send: the template; elsewhere: sideways (h, l too)", if App::turns_templates;
    [key(Key::Right), char('l')] "→" => Action::Right, &[Panes], "", "", if App::turns_templates;
    [key(Key::Left), char('h')] "← →" => Action::Left, &[Detail], "", "fold the JSON value, or go to what it is in; unfold it, or go into it (h, l too)", if App::in_tree;
    [key(Key::Right), char('l')] "→" => Action::Right, &[Detail], "", "", if App::in_tree;
    [char('-')] "- +" => Action::FoldAll, &[Detail], "fold all", "fold all of the JSON, or unfold all", if App::has_tree;
    [char('+'), char('=')] "+" => Action::UnfoldAll, &[Detail], "", "", if App::has_tree;
    [char('c')] "c" => Action::CopyValue, &[Detail], "copy value", "copy what the line says: a field's value, a JSON value as it was sent";
    [char('p')] "p" => Action::CopyPath, &[Detail], "copy path", "copy the JSON path of the line's value: it is a filter, too", if App::in_tree;
    [char('b')] "b" => Action::Bytes, &[Detail], "bytes", "the body as bytes in hexadecimal, or back", if App::has_bytes;
    [char('[')] "[ ]" => Action::PreviousEvent, &[Panes], "sent before", "in Send: the bodies sent before; in an open row: the previous and the next row", if App::turns_history;
    [char(']')] "]" => Action::NextEvent, &[Panes], "", "", if App::turns_history;
    [char('[')] "[ ]" => Action::PreviousEvent, &[Detail, Trace, Bytes], "previous, next", "the previous and the next row, or event";
    [char(']')] "]" => Action::NextEvent, &[Detail, Trace, Bytes], "", "";
    [char('/')] "/" => Action::Find, &[Panes, Detail], "find", "find in this pane, then in the others: a text, id=…, #42, $.user_id=417; what is not loaded further back, after asking; in an open row: in it", if App::can_find;
    [char('f')] "f" => Action::Filter, &[Panes], "filter", "show only rows that match: words, \"a text\", -word, level>=WARN, source=access, shard=0, id=…, status>=400, #42, $.user_id=417; or", if App::can_filter;
    [char('!')] "!" => Action::NextTrouble, &[Panes], "", "the next row that failed or warns; where none does, why something is wrong", if App::can_open;
    [char('y')] "y" => Action::Copy, &[Panes, Detail], "copy", "copy the row: body, line, record or object address", if App::has_row;
    [char('y')] "y" => Action::Copy, &[Trace], "copy", "copy what is selected, or the event's ids";
    [char('Y')] "Y" => Action::Print, &[Panes, Detail], "", "print the row on the terminal's own screen, with the AWS CLI command that shows the same: works where copying does not", if App::has_row;
    [char('W')] "W" => Action::Save, &[Panes], "", "save the rows that are shown as JSON lines (:w FILE too)", if App::can_save;
    [char('o')] "o O" => Action::OpenIn(Viewer::Pager), &[Panes, Detail], "", "open the pane's rows, or the open row, in $PAGER; O: in $EDITOR", if App::has_row;
    [char('O')] "O" => Action::OpenIn(Viewer::Editor), &[Panes, Detail], "", "", if App::has_row;
    [char('z')] "z" => Action::Large, &[Panes], "large", "this pane large, or back";
    [key(Key::BackTab)] "Shift-Tab" => Action::PreviousPane, &[Panes], "", "the previous pane";
    [char('w')] "w" => Action::Wrap, &[Panes, Detail], "", "wrap long rows, or cut them";
    [char('u')] "u" => Action::Times, &[Panes, Detail], "", "times: local, UTC, or how long ago";
    [char('1')] "1" => Action::Focus(Pane::Send), &[Panes, Detail, Trace, Breaking, Bytes], "", "Send: the editor and the answers", if App::is_ready;
    [char('2')] "2" => Action::Focus(Pane::Logs), &[Panes, Detail, Trace, Breaking, Bytes], "", "Logs: function, gateway, delivery", if App::is_ready;
    [char('3')] "3" => Action::Focus(Pane::Records), &[Panes, Detail, Trace, Breaking, Bytes], "", "Records: what is in the stream", if App::is_ready;
    [char('4')] "4" => Action::Focus(Pane::Objects), &[Panes, Detail, Trace, Breaking, Bytes], "", "Objects: what landed in S3", if App::is_ready;
    [char('6')] "6" => Action::Focus(Pane::Stack), &[Panes, Start, Detail, Trace, Breaking, Bytes], "stack", "Stack: what CloudFormation did";
    [char('7')] "7" => Action::Focus(Pane::Calls), &[Panes, Start, Detail, Trace, Breaking, Bytes], "calls", "Calls: every call to an AWS API that this program made";
    [char('0')] "0" => Action::Overview, &[Panes, Detail, Trace, Breaking, Bytes], "overview", "back to the overview", if App::is_away;
    [key(Key::Up), char('k')] "↑ ↓" => Action::Up, &[Panes, Detail, Help, Preview, Breaking, Messages, Trace, Bytes], "", "up and down (k, j too); moving up pauses, G follows again";
    [key(Key::Down), char('j')] "↓" => Action::Down, &[Panes, Detail, Help, Preview, Breaking, Messages, Trace, Bytes], "", "";
    [key(Key::PageUp)] "PgUp PgDn" => Action::PageUp, &[Panes, Detail, Help, Preview, Breaking, Messages, Trace, Bytes], "", "a page up and down (Space: down)";
    [key(Key::PageDown), char(' ')] "PgDn" => Action::PageDown, &[Panes, Detail, Help, Preview, Breaking, Messages, Trace, Bytes], "", "";
    [KeyPress::ctrl('u')] "Ctrl-U Ctrl-D" => Action::HalfUp, &[Panes, Detail, Help, Messages, Bytes], "", "half a page up and down";
    [KeyPress::ctrl('d')] "Ctrl-D" => Action::HalfDown, &[Panes, Detail, Help, Messages, Bytes], "", "";
    [char('g'), key(Key::Home)] "g" => Action::First, &[Panes, Detail, Help, Messages, Trace, Bytes], "", "the oldest row, the first line";
    [char('G'), key(Key::End)] "G" => Action::Newest, &[Detail, Help, Messages, Trace, Bytes], "", "the last line";
    [char(':'), KeyPress::ctrl('p')] ":" => Action::Palette, &[Start, Panes, Detail, Trace, Breaking, Bytes, Help, Messages], "all", "the palette: everything by its name, events by number, id or body (Ctrl-P too)";
    [char('m')] "m" => Action::Messages, &[Start, Panes, Detail, Trace, Breaking, Bytes], "", "all messages, each in full";
    [char('?')] "?" => Action::Help, &[Start, Panes, Detail, Trace, Preview, Destroy, Bytes, Breaking], "help", "explain what is focused, and all keys";
    [char('q'), key(Key::Esc), char('m')] "q" => Action::Back, &[Messages], "back", "back";
    [char('5')] "5" => Action::Focus(Pane::Traces), &[Panes, Detail, Trace, Bytes], "traces", "Traces: every event, and how long it took at each hop", if App::is_ready;
    [key(Key::Right), char('l'), key(Key::Tab)] "→" => Action::NextTopic, &[Help], "the hops", "what else can be explained: each hop, Stack, Calls";
    [key(Key::Left), char('h'), key(Key::BackTab)] "←" => Action::PreviousTopic, &[Help], "all keys", "the one before; from the first, all keys";
    [char('y')] "y" => Action::Copy, &[Help], "copy commands", "copy the AWS CLI commands that show the same", if App::has_commands;
    [char('B')] "B" => Action::Break, &[Panes, Detail, Trace], "break", "break something of the local cloud: faults by name, each with an exercise", if App::can_break;
    [char('B')] "B" => Action::Back, &[Breaking], "", "";
    [char('q'), key(Key::Esc), char('?')] "q" => Action::Back, &[Help], "back", "back";
    [char('q'), key(Key::Esc)] "q" => Action::Back, &[Detail, Trace, Breaking, Bytes], "back", "one level back";
    [key(Key::Esc)] "Esc" => Action::Escape, &[Panes], "", "the marks of what was found go, or the tour ends; then one level back", if App::can_escape;
    [char('q')] "q" => Action::Back, &[Panes, Start], "quit", "one level back (Esc too); on the overview it quits, and asks if something would be lost";
    [KeyPress::ctrl('c')] "Ctrl-C" => Action::Interrupt, &[Start, Panes, Detail, Trace, Help, Prompt, Picker, Editing, Question, Preview, Destroy, Breaking, Messages, Palette, Bytes], "", "stop what is being sent; while the stack changes, ask what becomes of it; else quit as q does";
    [char('P')] "P" => Action::Replay(ReplayStep::Pause), REPLAY, "pause, go on", "in a replay: pause, or go on; at the end, from the start", if App::is_replay;
    [char('<')] "< >" => Action::Replay(ReplayStep::Back), REPLAY, "5 s", "in a replay: 5 seconds back and on", if App::is_replay;
    [char('>')] ">" => Action::Replay(ReplayStep::Forward), REPLAY, "", "", if App::is_replay;
    [char('}')] "{ }" => Action::Replay(ReplayStep::Faster), REPLAY, "speed", "in a replay: half, or twice as fast", if App::is_replay;
    [char('{')] "{" => Action::Replay(ReplayStep::Slower), REPLAY, "", "", if App::is_replay;
    [char('^')] "^" => Action::Replay(ReplayStep::Start), REPLAY, "", "in a replay: from the start", if App::is_replay;
    [char('~')] "~" => Action::Replay(ReplayStep::AsRecorded), REPLAY, "as recorded", "in a replay: the view that was recorded, after yours", if App::has_own_view;
];

/// What a key does here and now.
pub fn action(app: &App, context: Context, press: KeyPress) -> Option<Action> {
    BINDINGS
        .iter()
        .find(|binding| binding.contexts.contains(&context) && binding.keys.contains(&press) && (binding.when)(app))
        .map(|binding| binding.action)
}

/// The footer's keys with their words, the most useful first.
pub fn footer(app: &App) -> Vec<(&'static str, &'static str)> {
    let context = app.context();
    // In a replay its own keys come first.
    let (steering, others): (Vec<_>, Vec<_>) = BINDINGS.iter().partition(|binding| binding.action.steers_replays());
    steering
        .into_iter()
        .chain(others)
        .filter(|binding| binding.contexts.contains(&context) && !binding.label.is_empty() && (binding.when)(app))
        // Sideways is what arrows do anywhere; that they turn templates has to be said.
        .filter(|binding| binding.action != Action::Left || app.focus() == Pane::Send)
        // In a replay nothing is sent or changed.
        .filter(|binding| !(app.is_replay() && binding.action.changes_the_world()))
        // Said where it is needed: elsewhere it stands in the help.
        .filter(|binding| binding.action != Action::Focus(Pane::Calls) || app.in_stack())
        .map(|binding| {
            let label = match binding.action {
                Action::Back if context == Panes && app.is_away() => "back",
                Action::Large if app.is_away() => "small",
                Action::Open if context == Trace && app.enter_is_bytes() => "bytes",
                Action::Open if context == Panes && app.focus() == Pane::Traces => "trace",
                Action::Open if context == Panes && app.enter_is_why() && app.has_why() => "why",
                _ => binding.label,
            };
            (binding.shown, label)
        })
        .collect()
}

/// The keys of a context for the help, in the table's order.
pub fn help(context: Context) -> impl Iterator<Item = (&'static str, &'static str)> {
    BINDINGS
        .iter()
        .filter(move |binding| binding.contexts.contains(&context) && !binding.help.is_empty())
        .map(|binding| (binding.shown, binding.help))
}

/// The table as Markdown, for the README.
pub fn markdown() -> String {
    let mut text = "| key | does |\n| --- | --- |\n".to_owned();
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (title, context) in [
        ("", Panes),
        ("", Start),
        ("while editing: ", Editing),
        ("in a row that is open: ", Detail),
        ("in a trace: ", Trace),
        ("while breaking: ", Breaking),
        ("in a trace's bytes: ", Bytes),
        ("in a preview: ", Preview),
        ("before destroying: ", Destroy),
        ("while the stack changes, after Ctrl-C: ", Running),
    ] {
        for (shown, help) in help(context) {
            if !seen.contains(&(shown, help)) {
                seen.push((shown, help));
                text.extend(["| `", &shown.replace('|', "\\|"), "` | ", title, help, " |\n"]);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_means_one_thing_in_one_place() {
        for (index, binding) in BINDINGS.iter().enumerate() {
            for other in &BINDINGS[index + 1..] {
                let shared = binding.contexts.iter().any(|context| other.contexts.contains(context));
                let same_key = binding.keys.iter().find(|key| other.keys.contains(key));
                assert!(
                    !(shared && same_key.is_some()),
                    "{:?} does {:?} and {:?}",
                    same_key,
                    binding.action,
                    other.action
                );
            }
        }
    }

    #[test]
    fn the_readme_table_names_every_key_that_help_names() {
        let table = markdown();
        for shown in ["`s`", "`e`", "`F5`", "`Tab`", "`?`", "`q`", "`Ctrl-C`", "`PgUp PgDn`"] {
            assert!(table.contains(shown), "{shown} is missing in\n{table}");
        }
        assert_eq!(table.matches("| `PgUp PgDn` |").count(), 1);
    }

    #[test]
    fn letters_are_text_where_text_is_typed() {
        for binding in BINDINGS {
            let typed = binding.contexts.iter().any(|context| matches!(context, Editing | Prompt | Palette | Picker));
            let letter = binding.keys.iter().any(|press| matches!(press.key, Key::Char(_)) && !press.ctrl);
            assert!(!(typed && letter), "{} is text there", binding.shown);
        }
    }
}
