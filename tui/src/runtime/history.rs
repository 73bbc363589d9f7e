//! The bodies that were sent in this and earlier sessions, kept in the user's state folder.

use std::{fs, io, path::PathBuf};

use crate::target::state_folder;

/// How many are kept.
const KEPT: usize = 200;
/// Larger bodies are not worth keeping for choosing again.
const LARGEST_BYTES: usize = 64 * 1024;

/// The bodies, oldest first; a JSON string a line.
pub struct History {
    file: Option<PathBuf>,
    bodies: Vec<String>,
}

impl History {
    /// What is there; none where the folder cannot be used.
    pub fn open() -> Self {
        let file = state_folder().ok().map(|folder| folder.join("history.jsonl"));
        let text = file.as_ref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        let bodies = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Self { file, bodies }
    }

    /// The bodies, oldest first.
    pub fn bodies(&self) -> Vec<String> {
        self.bodies.clone()
    }

    /// Adds one as the newest; the same one before it goes.
    pub fn add(&mut self, body: &str) -> io::Result<()> {
        if body.len() > LARGEST_BYTES || self.bodies.last().is_some_and(|last| last == body) {
            return Ok(());
        }
        self.bodies.retain(|known| known != body);
        self.bodies.push(body.to_owned());
        let surplus = self.bodies.len().saturating_sub(KEPT);
        self.bodies.drain(..surplus);
        let Some(file) = &self.file else { return Ok(()) };
        let lines: Vec<String> =
            self.bodies.iter().map(|body| serde_json::Value::from(body.as_str()).to_string()).collect();
        let draft = file.with_extension("jsonl.new");
        fs::write(&draft, lines.join("\n") + "\n")?;
        fs::rename(draft, file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_once_each() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("history.jsonl");
        let mut history = History { file: Some(file.clone()), bodies: Vec::new() };
        for number in 0..KEPT + 10 {
            history.add(&format!("{{\"n\":{number},\n\"line\":2}}")).expect("written");
        }
        history.add("{\"n\":100,\n\"line\":2}").expect("written");
        assert_eq!(history.bodies.len(), KEPT);
        let read: Vec<String> = fs::read_to_string(file)
            .expect("a file")
            .lines()
            .map(|line| serde_json::from_str(line).expect("a string"))
            .collect();
        assert_eq!(read, history.bodies);
        assert_eq!(read.last().map(String::as_str), Some("{\"n\":100,\n\"line\":2}"));
    }
}
