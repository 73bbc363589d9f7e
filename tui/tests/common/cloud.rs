//! An embedded cloud in a process of its own.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use serde_json::Value;

use super::User;

/// `tailwater local` in the background.
pub struct Cloud {
    child: Child,
    /// What it said when it was ready.
    pub ready: Value,
}

impl Cloud {
    /// Starts it for a user.
    pub fn start(user: &User) -> Self {
        let mut command = user.command(&["local", "--output", "json", "--gateway-port", "0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, ready }
    }

    /// Something that it said when it was ready.
    pub fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_else(|| panic!("no {name}: {}", self.ready))
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
