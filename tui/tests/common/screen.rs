//! A program on a terminal of its own, and what stands on its screen.

use std::{
    io::{Read, Write},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A program on a terminal of its own.
pub struct Screen {
    shared: Arc<(Mutex<vt100::Parser>, Condvar)>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

impl Screen {
    /// Starts it on a screen of this size.
    pub fn start(command: CommandBuilder, columns: u16, rows: u16) -> Self {
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

    /// The screen as it is, cell by cell.
    pub fn read<T>(&self, read: impl FnOnce(&vt100::Screen) -> T) -> T {
        read(self.shared.0.lock().expect("the screen").screen())
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
