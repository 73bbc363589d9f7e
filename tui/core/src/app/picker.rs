//! A list to pick from: the templates, and the bodies that were sent before.

use super::{App, KeyPress, Prompt, PromptKind};
use crate::text::json;

/// What is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PickerKind {
    /// A template.
    Templates,
    /// A body that was sent before.
    History,
}

/// The list, while it is open.
#[derive(Debug)]
pub struct Picker {
    /// What is picked.
    pub kind: PickerKind,
    line: Prompt,
    selected: usize,
}

impl Picker {
    /// What was typed to narrow it, before the cursor and after it.
    pub fn split(&self) -> (&str, &str) {
        self.line.split()
    }

    /// The index of the chosen item.
    pub const fn selected(&self) -> usize {
        self.selected
    }
}

/// Something to pick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickerItem {
    /// Its name, or its place among those that were sent.
    pub name: String,
    /// Its text.
    pub text: String,
    index: usize,
}

impl App {
    /// The list to pick from, while it is open.
    pub const fn picker(&self) -> Option<&Picker> {
        self.picker.as_ref()
    }

    pub(super) fn open_picker(&mut self, kind: PickerKind) {
        self.help = None;
        self.detail = None;
        self.trace = None;
        self.picker = Some(Picker { kind, line: Prompt::new(PromptKind::Find, ""), selected: 0 });
    }

    /// What can be picked: templates in their order, of what was sent the newest first.
    pub fn picker_items(&self) -> Vec<PickerItem> {
        let Some(picker) = &self.picker else { return Vec::new() };
        let typed = picker.line.text().trim().to_lowercase();
        let fits =
            |item: &PickerItem| item.name.to_lowercase().contains(&typed) || item.text.to_lowercase().contains(&typed);
        let all: Vec<PickerItem> = match picker.kind {
            PickerKind::Templates => {
                let templates = self.send.all_templates().iter().enumerate();
                templates
                    .map(|(index, template)| PickerItem {
                        name: template.name.clone(),
                        text: template.text.clone(),
                        index,
                    })
                    .collect()
            }
            PickerKind::History => {
                let bodies = self.send.all_history().iter().enumerate().rev();
                bodies
                    .map(|(index, body)| PickerItem { name: (index + 1).to_string(), text: body.clone(), index })
                    .collect()
            }
        };
        all.into_iter().filter(fits).collect()
    }

    pub(super) fn move_in_picker(&mut self, rows: isize) {
        let last = self.picker_items().len().saturating_sub(1);
        if let Some(picker) = &mut self.picker {
            picker.selected = picker.selected.saturating_add_signed(rows).min(last);
        }
    }

    /// A key that is text and narrows the list.
    pub(super) fn picker_key(&mut self, press: KeyPress) {
        if let Some(picker) = &mut self.picker
            && picker.line.key(press)
        {
            picker.selected = 0;
        }
    }

    /// A paste that narrows the list.
    pub(super) fn paste_to_picker(&mut self, text: &str) {
        if let Some(picker) = &mut self.picker {
            picker.line.insert(text);
            picker.selected = 0;
        }
    }

    /// The chosen one into the editor.
    pub(super) fn accept_in_picker(&mut self) {
        let chosen = self.picker.as_ref().map_or(0, |picker| picker.selected);
        let item = self.picker_items().into_iter().nth(chosen);
        if let (Some(picker), Some(item)) = (self.picker.take(), item) {
            let now = self.now;
            match picker.kind {
                PickerKind::Templates => self.send.choose_template(item.index, now),
                PickerKind::History => self.send.choose_history(item.index, now),
            }
            self.focus_on(super::Pane::Send);
        }
    }
}

impl PickerItem {
    /// Its text on one line.
    pub fn brief(&self) -> String {
        if json::check(&self.text).is_ok() {
            json::compact(&self.text)
        } else {
            self.text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    }
}
