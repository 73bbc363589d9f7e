//! Taking rows out of the app: saved as JSON lines, opened in a pager or an editor, printed on the
//! terminal's own screen.

use super::{App, Context, Detail, Effect, Pane, Prompt, PromptKind, Question, commands::Outcome};
use crate::text::{number, safe::visible};

/// How many letters of a command stand in a line, where its words allow it.
const COMMAND_LETTERS: usize = 78;

/// What shows a text outside the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// `$PAGER`: to read.
    Pager,
    /// `$VISUAL` or `$EDITOR`.
    Editor,
}

impl Viewer {
    /// The program and its arguments, as the environment names them. They are split as a shell would
    /// split them, but no shell reads them.
    pub fn command(self, variable: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, String> {
        let (names, otherwise): (&[&str], &str) = match self {
            Self::Pager => (&["PAGER"], "less"),
            Self::Editor => (&["VISUAL", "EDITOR"], "vi"),
        };
        let set = names.iter().find_map(|name| Some((*name, variable(name).filter(|value| !value.trim().is_empty())?)));
        let Some((name, value)) = set else { return Ok(vec![otherwise.to_owned()]) };
        match shell_words::split(&value) {
            Ok(words) if !words.is_empty() => Ok(words),
            _ => Err(format!("${name} is no command: {value}")),
        }
    }
}

impl App {
    /// The rows of the focused pane that its filter shows, as JSON lines, oldest first.
    fn rows_as_json(&self) -> String {
        let pane = self.pane(self.focus);
        let rows = (0..pane.len()).filter_map(|index| pane.row_at(index));
        let mut text = String::new();
        for (_, row) in rows {
            text.push_str(&row.json_line(&self.traces));
            text.push('\n');
        }
        text
    }

    /// Asks where the rows are to be saved.
    pub(super) fn begin_save(&mut self) {
        let name = format!("tailwater-{}.jsonl", self.focus.name().to_lowercase());
        self.prompt = Some(Prompt::new(PromptKind::Save, &name));
    }

    /// Saves the rows that are shown in the focused pane (`:w FILE`).
    pub fn save_rows(&mut self, file: &str) -> Vec<Effect> {
        let file = file.trim();
        if file.is_empty() {
            self.say("Say where to save the rows: a file's name.");
            return Vec::new();
        }
        self.save_to(file, false)
    }

    /// `:w FILE`; without a name it is asked for.
    #[expect(clippy::unnecessary_wraps, reason = "as every command of the palette")]
    pub(super) fn write_rows(&mut self, file: &str) -> Outcome {
        if file.trim().is_empty() {
            self.begin_save();
            return Ok(Vec::new());
        }
        Ok(self.save_rows(file))
    }

    fn save_to(&mut self, file: &str, over: bool) -> Vec<Effect> {
        let rows = self.pane(self.focus).len() as u64;
        if rows == 0 {
            self.say("This pane shows no rows: nothing was saved.");
            return Vec::new();
        }
        let what = number::counted(rows, "row");
        vec![Effect::Save { file: file.to_owned(), text: self.rows_as_json(), what, over }]
    }

    /// The file is there already.
    pub(super) fn ask_to_overwrite(&mut self, file: String) {
        self.question = Some(Question::Overwrite(file));
    }

    pub(super) fn overwrite(&mut self, file: &str) -> Vec<Effect> {
        self.save_to(file, true)
    }

    /// The open row, or the rows of the focused pane, in a pager or an editor. A pager gets text
    /// that is safe to print, an editor what was sent.
    pub fn open_outside(&mut self, viewer: Viewer) -> Vec<Effect> {
        let text = match (&self.detail, viewer) {
            (Some(detail), Viewer::Pager) => detail.all_text(),
            (Some(detail), Viewer::Editor) => detail.body_text(),
            (None, Viewer::Pager) => {
                self.rows_as_json().lines().map(|line| visible(line).into_owned() + "\n").collect()
            }
            (None, Viewer::Editor) => self.rows_as_json(),
        };
        if text.is_empty() {
            self.say("There is nothing to open here.");
            return Vec::new();
        }
        let name = match (&self.detail, viewer) {
            (Some(detail), Viewer::Editor) if detail.is_json() => "row.json",
            (Some(_), _) => "row.txt",
            (None, _) => "rows.jsonl",
        };
        // What is masked on the screen is masked outside it.
        let text = self.shown(&text).into_owned();
        vec![Effect::OpenIn { viewer, name, text }]
    }

    /// The selected row in words for the terminal's own screen, where it can be marked and copied
    /// whatever the terminal takes.
    pub(super) fn print_row(&mut self) -> Vec<Effect> {
        let (pane, row) = match &self.detail {
            Some(detail) => (detail.pane, self.pane(detail.pane).history().get(detail.row)),
            None => (self.focus, self.pane(self.focus).selected().map(|(_, row)| row)),
        };
        let Some(row) = row else {
            self.say("This row was let go: it is no longer here to print.");
            return Vec::new();
        };
        let mut text = Detail::of(pane, 0, row, &self.traces, self.offset()).all_text();
        let commands = self.commands_of_row(row);
        if !commands.is_empty() {
            text.push_str("\nThe AWS CLI shows the same with:\n");
            for command in commands {
                text.extend(["\n", &command.lines(COMMAND_LETTERS).join("\n"), "\n"]);
            }
            if let Some(file) = &self.deployment.settings.keys_file {
                let keys =
                    "\nThe local cloud wants its own keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY stand in ";
                text.extend([keys, file.as_str(), "\n"]);
            }
        }
        let text = self.shown(&text).into_owned();
        vec![Effect::Print(text)]
    }

    /// Rows are there to be taken out.
    pub(super) fn can_save(&self) -> bool {
        self.context() == Context::Panes && self.focus != Pane::Calls && !self.pane(self.focus).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_program_and_no_shell_reads_it() {
        let with =
            |name: &'static str, value: &'static str| move |asked: &str| (asked == name).then(|| value.to_owned());
        let words = |command: Result<Vec<String>, String>| command.expect("a command").join("|");
        assert_eq!(words(Viewer::Pager.command(|_| None)), "less");
        assert_eq!(words(Viewer::Pager.command(with("PAGER", "less -R '+/a b'"))), "less|-R|+/a b");
        assert_eq!(words(Viewer::Editor.command(with("EDITOR", "vim; rm -rf $HOME"))), "vim;|rm|-rf|$HOME");
        assert_eq!(words(Viewer::Editor.command(with("VISUAL", "  "))), "vi");
        assert_eq!(Viewer::Pager.command(with("PAGER", "less 'x")), Err("$PAGER is no command: less 'x".to_owned()));
    }
}
