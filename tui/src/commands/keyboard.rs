//! Questions to the person at the terminal.

use std::io::{BufRead, IsTerminal};

use tokio::sync::mpsc;

/// The lines that someone types. They are read by a thread of their own, so that what runs goes on
/// and Ctrl-C is noticed while a question stands.
pub struct Keyboard {
    lines: Option<mpsc::UnboundedReceiver<String>>,
}

impl Keyboard {
    /// Reads nothing before something is asked.
    pub const fn new() -> Self {
        Self { lines: None }
    }

    /// Whether there is someone to ask.
    pub fn is_there() -> bool {
        std::io::stdin().is_terminal()
    }

    /// Asks, and waits for a line; `None`: there is nobody any more. What was typed before the question
    /// stood there is no answer to it.
    pub async fn ask(&mut self, question: &str) -> Option<String> {
        while self.lines.as_mut().is_some_and(|lines| lines.try_recv().is_ok()) {}
        eprint!("{question} ");
        self.line().await
    }

    /// The next line; `None`: there is nobody any more.
    pub async fn line(&mut self) -> Option<String> {
        let lines = self.lines.get_or_insert_with(|| {
            let (sender, lines) = mpsc::unbounded_channel();
            std::thread::spawn(move || {
                for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                    if sender.send(line.trim().to_owned()).is_err() {
                        return;
                    }
                }
            });
            lines
        });
        lines.recv().await
    }
}
