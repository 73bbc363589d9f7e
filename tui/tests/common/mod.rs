//! What the tests of the real binary share: a user of its own for each, and a terminal.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    io::{Read, Write},
    path::Path,
    process::{Command, Output},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long anything may take on a busy machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A user of its own: no other test's embedded cloud is joined.
pub struct User {
    folder: tempfile::TempDir,
}

impl User {
    /// A new one.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let below = |name: &str| self.folder.path().join(name).display().to_string();
        vec![
            ("XDG_RUNTIME_DIR", below("run")),
            ("XDG_STATE_HOME", below("state")),
            ("XDG_DATA_HOME", below("data")),
            ("HOME", below("home")),
            // The local target ignores it.
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned()),
        ]
    }

    /// A command of this user.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tailwater"));
        command.args(arguments).envs(self.variables()).env_remove("TAILWATER_TARGET");
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// Runs the terminal app on a screen of this size.
    pub fn app(&self, arguments: &[&str], columns: u16, rows: u16) -> Screen {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tailwater"));
        command.args(arguments);
        for (name, value) in self.variables() {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        command.cwd(self.folder.path());
        Screen::start(command, columns, rows)
    }

    /// The user's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The last line of standard output as JSON.
pub fn last_json(output: &Output) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_else(|| panic!("no output; {}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// A program on a terminal of its own.
pub struct Screen {
    shared: Arc<(Mutex<vt100::Parser>, Condvar)>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

impl Screen {
    fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let child = pair.slave.spawn_command(command).expect("the binary starts");
        drop(pair.slave);
        let shared = Arc::new((Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)), Condvar::new()));
        let mut reader = pair.master.try_clone_reader().expect("its output");
        let keys = pair.master.take_writer().expect("its input");
        let fed = shared.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                fed.0.lock().expect("the screen").process(&buffer[..count]);
                fed.1.notify_all();
            }
            fed.1.notify_all();
        });
        Self { shared, keys, child, _master: pair.master }
    }

    /// What stands on the screen.
    pub fn text(&self) -> String {
        self.shared.0.lock().expect("the screen").screen().contents()
    }

    /// Whether the program has the alternate screen.
    pub fn is_taken_over(&self) -> bool {
        self.shared.0.lock().expect("the screen").screen().alternate_screen()
    }

    /// Waits until the screen is as wanted.
    pub fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut parser = self.shared.0.lock().expect("the screen");
        loop {
            let text = parser.screen().contents();
            if wanted(&text) {
                return text;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never saw {what}; the screen:\n{text}");
            parser = self.shared.1.wait_timeout(parser, left).expect("the screen").0;
        }
    }

    /// Waits until the screen holds a text.
    pub fn until_shows(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("typed");
        self.keys.flush().expect("typed");
    }

    /// The program's process.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("a process")
    }

    /// Waits for its end; gives the exit code.
    pub fn end(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "it does not end; the screen:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn cells(count: u16) -> std::num::NonZero<u16> {
    std::num::NonZero::new(count).expect("a screen has cells")
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
