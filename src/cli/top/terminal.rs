//! Takes the terminal and gives it back, whatever happens.
//!
//! Invariant: whoever ends (the end of the view, an error, a panic in any task) gives the terminal back once, before
//! anything else is printed.

use std::io::{Stdout, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long reading waits before it looks whether it should end.
const LOOK: Duration = Duration::from_millis(100);

/// The terminal while it is ours. Dropping it gives it back.
pub(super) struct Taken {
    pub(super) terminal: Terminal<CrosstermBackend<Stdout>>,
    held: Arc<AtomicBool>,
}

impl Taken {
    /// Takes the terminal. A panic in any task from now on gives it back, prints its message there, and cancels.
    pub(super) fn new(cancel: CancellationToken) -> anyhow::Result<Self> {
        let held = Arc::new(AtomicBool::new(true));
        let in_hook = Arc::clone(&held);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back(&in_hook);
            before(panic);
            cancel.cancel();
        }));
        let taken = || {
            enable_raw_mode()?;
            execute!(stdout(), EnterAlternateScreen)?;
            let mut terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
            terminal.clear()?;
            Ok::<_, std::io::Error>(terminal)
        };
        match taken() {
            Ok(terminal) => Ok(Self { terminal, held }),
            Err(error) => {
                give_back(&held);
                Err(error).context("cannot use this terminal; --once prints a report instead")
            }
        }
    }

    /// Whether it has been given back already, by a panic.
    pub(super) fn is_lost(&self) -> bool {
        !self.held.load(Ordering::SeqCst)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back(&self.held);
    }
}

fn give_back(held: &AtomicBool) {
    if held.swap(false, Ordering::SeqCst) {
        // A terminal that is gone cannot be told anything, and need not be.
        drop(disable_raw_mode());
        drop(execute!(stdout(), LeaveAlternateScreen, Show));
    }
}

/// Reads keys and changes of size on a thread of its own, until cancelled, or until nobody wants them.
///
/// Nobody waits for that thread: once a terminal is gone, crossterm 0.29 looks for its next event for ever.
pub(super) fn read(events: mpsc::Sender<Event>, cancel: CancellationToken) -> std::io::Result<()> {
    let reader = std::thread::Builder::new().name("keys".to_owned());
    reader.spawn(move || {
        while !cancel.is_cancelled() {
            let event = match event::poll(LOOK) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let Ok(event) = event else { return };
            if events.blocking_send(event).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}
