//! What the screen remembers between draws and the app need not know: the editor's cursor and
//! undo, where rows stand, what is under the mouse.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{layout::Rect, style::Style};
use ratatui_textarea::{CursorMove, TextArea, WrapMode};
use tailwater_core::app::{App, Pane};

/// What the screen remembers between draws.
#[derive(Debug)]
pub struct Screen {
    editor: TextArea<'static>,
    /// The revision of the app's text that the editor has taken over.
    revision: Option<u64>,
    /// The id of the first row in sight, by pane.
    pub(super) tops: [u64; Pane::ALL.len()],
    /// The first line in sight of the row that is open.
    pub(super) detail_top: usize,
    panes: Vec<(Rect, Pane)>,
    rows: Vec<(Rect, Pane, u64)>,
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            editor: editor(""),
            revision: None,
            tops: [0; Pane::ALL.len()],
            detail_top: 0,
            panes: Vec::new(),
            rows: Vec::new(),
        }
    }
}

impl Screen {
    /// Before the first draw.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over a text that the app put into the editor, as one step that undo takes back.
    pub(super) fn follow_text(&mut self, app: &App) {
        let revision = app.send().revision();
        if self.revision == Some(revision) {
            return;
        }
        if self.revision.is_none() {
            self.editor = editor(app.send().text());
        } else {
            let kept = self.editor.yank_text();
            self.editor.select_all();
            self.editor.insert_str(app.send().text());
            self.editor.set_yank_text(kept);
            self.editor.move_cursor(CursorMove::Jump(0, 0));
        }
        self.revision = Some(revision);
    }

    /// Takes over what was typed elsewhere: in a replay, by whoever was recorded.
    pub fn take_text(&mut self, app: &App) {
        self.editor = editor(app.send().text());
        self.editor.move_cursor(CursorMove::Bottom);
        self.editor.move_cursor(CursorMove::End);
        self.revision = Some(app.send().revision());
    }

    pub(super) fn edit(&mut self, key: KeyEvent) {
        // The editor's own key for it is Ctrl-U, which nobody guesses.
        if key.code == KeyCode::Char('z') && key.modifiers == KeyModifiers::CONTROL {
            self.editor.undo();
        } else {
            self.editor.input(key);
        }
    }

    pub(super) fn insert(&mut self, text: &str) {
        self.editor.insert_str(text.replace("\r\n", "\n").replace('\r', "\n"));
    }

    pub(super) fn text(&self) -> String {
        self.editor.lines().join("\n")
    }

    pub(super) fn editor(&mut self, cursor: Style, selection: Style) -> &TextArea<'static> {
        self.editor.set_cursor_style(cursor);
        self.editor.set_selection_style(selection);
        &self.editor
    }

    /// The editor's cursor, as line and column from 1.
    pub(super) fn cursor(&self) -> (usize, usize) {
        let cursor = self.editor.cursor();
        (cursor.0 + 1, cursor.1 + 1)
    }

    pub(super) fn forget_places(&mut self) {
        self.panes.clear();
        self.rows.clear();
    }

    pub(super) fn place_pane(&mut self, area: Rect, pane: Pane) {
        self.panes.push((area, pane));
    }

    pub(super) fn place_row(&mut self, area: Rect, pane: Pane, row: u64) {
        self.rows.push((area, pane, row));
    }

    /// What stands at a cell.
    pub(super) fn hit(&self, column: u16, row: u16) -> Option<(Pane, Option<u64>)> {
        let at = ratatui::layout::Position::new(column, row);
        let pane = self.panes.iter().find(|(area, _)| area.contains(at)).map(|(_, pane)| *pane)?;
        let row = self.rows.iter().find(|(area, of, _)| *of == pane && area.contains(at)).map(|(_, _, id)| *id);
        Some((pane, row))
    }
}

fn editor(text: &str) -> TextArea<'static> {
    let mut editor = TextArea::new(text.split('\n').map(str::to_owned).collect());
    editor.set_cursor_line_style(Style::new());
    editor.set_tab_length(2);
    editor.set_max_histories(1_000);
    editor.set_wrap_mode(WrapMode::None);
    editor
}
