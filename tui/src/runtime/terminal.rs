//! The terminal: taken over at the start, given back on every way out.

use std::{
    io::{self, BufWriter, Stdout, Write},
    panic,
    sync::Once,
    thread,
};

use crossterm::{
    clipboard::CopyToClipboard,
    event::{
        DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event, KeyCode,
        KeyEventKind, KeyModifiers,
    },
    execute,
    terminal::{
        Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{Frame, backend::CrosstermBackend, buffer::Buffer};
use tailwater_core::app::Message;
use tokio::sync::mpsc::Sender;

/// The terminal while the app has it.
pub struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    /// The mouse is the app's.
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal over. A panic of a task is told to the app as a notice; one of the loop
    /// itself gives the terminal back first.
    pub fn enter(notices: Sender<Message>) -> io::Result<Self> {
        install_panic_hook(notices);
        take()?;
        Ok(Self { inner: blank()?, mouse: false })
    }

    /// Nothing of what the terminal shows is known: the next frame draws all of it. The library's own
    /// way asks the terminal for its cursor, whose answer the stream of keys would take.
    fn forget(&mut self) -> io::Result<()> {
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.inner = blank()?;
        Ok(())
    }

    /// Draws one frame; gives what stands on the screen then.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> io::Result<&Buffer> {
        Ok(self.inner.draw(draw)?.buffer)
    }

    /// Gives the terminal to something else, until [`Self::take_again`].
    pub fn lend(&mut self) -> io::Result<()> {
        self.inner.show_cursor()?;
        give_back();
        Ok(())
    }

    /// Takes the terminal again.
    pub fn take_again(&mut self) -> io::Result<()> {
        take()?;
        self.follow_mouse()?;
        self.forget()
    }

    /// Takes the mouse, or leaves it to the terminal.
    pub fn take_mouse(&mut self, mouse: bool) -> io::Result<()> {
        if self.mouse != mouse {
            self.mouse = mouse;
            self.follow_mouse()?;
        }
        Ok(())
    }

    fn follow_mouse(&self) -> io::Result<()> {
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)
        } else {
            execute!(io::stdout(), DisableMouseCapture)
        }
    }

    /// Gives the terminal back, stops the process as Ctrl-Z does, and takes the terminal again when
    /// it goes on.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        #[cfg(unix)]
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP)?;
        take()?;
        self.follow_mouse()?;
        self.forget()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.inner.show_cursor();
        give_back();
    }
}

/// Keys come as they are pressed, as long as this is there.
pub struct Raw;

impl Raw {
    /// From now on.
    pub fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
    }
}

fn blank() -> io::Result<ratatui::Terminal<CrosstermBackend<BufWriter<Stdout>>>> {
    ratatui::Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, io::stdout())))
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, SetTitle("tailwater"))
}

fn give_back() {
    let _ = execute!(io::stdout(), DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen);
    let _ = disable_raw_mode();
    let _ = io::stdout().flush();
}

fn install_panic_hook(notices: Sender<Message>) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        let of_the_loop = thread::current().id();
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == of_the_loop {
                give_back();
                before(info);
            } else {
                // Printed, it would tear the screen; the app goes on without the task.
                let _ = notices.try_send(Message::Notice(format!("A part of the app failed: {info}")));
            }
        }));
    });
}

/// Whether this is Ctrl-Z, which a terminal in raw mode hands over as a key.
pub fn is_suspend(event: &Event) -> bool {
    cfg!(unix)
        && matches!(event, Event::Key(key) if key.kind == KeyEventKind::Press
            && key.code == KeyCode::Char('z')
            && key.modifiers.contains(KeyModifiers::CONTROL))
}

/// Puts text on the user's clipboard, also through SSH (OSC 52).
pub fn copy(text: &str) -> io::Result<()> {
    execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
}

/// The system's word that the program is to end: SIGTERM, SIGHUP or SIGINT. Made before the terminal
/// is taken over, so that no moment is left in which one of them would leave it torn.
pub struct ToldToEnd {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 3],
}

impl ToldToEnd {
    /// Listens from now on.
    pub fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let signals =
                [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?, signal(SignalKind::interrupt())?];
            Ok(Self { signals })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for it; `interrupts`: SIGINT counts.
    pub async fn told(&mut self, interrupts: bool) {
        #[cfg(unix)]
        {
            let [terminate, hang_up, interrupt] = &mut self.signals;
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
                _ = interrupt.recv(), if interrupts => {}
            }
        }
        #[cfg(not(unix))]
        {
            let _ = interrupts;
            std::future::pending::<()>().await;
        }
    }
}
