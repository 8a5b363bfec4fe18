//! A bar on stderr for those who wait: only on a terminal, and only after a second.

use std::time::Duration;

use super::is_watched;
use crate::model::time::{Clock, Now};

/// Who waits no longer than this needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);
const WIDTH: usize = 30;

/// How far it is.
pub(super) struct Progress<'a> {
    clock: &'a dyn Clock,
    begun: Now,
    watched: bool,
    shown: bool,
    all: usize,
    done: usize,
}

impl<'a> Progress<'a> {
    /// So many steps are to come, and one more at the end.
    pub(super) fn new(clock: &'a dyn Clock, steps: usize) -> Self {
        Self {
            clock,
            begun: clock.now(),
            watched: is_watched(),
            shown: false,
            all: steps + 1,
            done: 0,
        }
    }

    /// The next step begins.
    #[expect(
        clippy::print_stderr,
        reason = "the bar is for who sits at the terminal"
    )]
    pub(super) fn step(&mut self, what: &str) {
        if self.watched && self.clock.now().since(self.begun) >= PATIENCE {
            eprint!("\r\x1b[2K{}", bar(self.done, self.all, what));
            self.shown = true;
        }
        self.done += 1;
    }

    /// Takes the bar away.
    #[expect(
        clippy::print_stderr,
        reason = "the bar is for who sits at the terminal"
    )]
    pub(super) fn done(&mut self) {
        if self.shown {
            eprint!("\r\x1b[2K");
            self.shown = false;
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.done();
    }
}

fn bar(done: usize, all: usize, what: &str) -> String {
    let full = (done * WIDTH).checked_div(all).unwrap_or(WIDTH).min(WIDTH);
    format!(
        "[{}{}] {done}/{all} {what}",
        "#".repeat(full),
        ".".repeat(WIDTH - full)
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_bar_fills() {
        assert_eq!(
            super::bar(1, 3, "sessions"),
            format!("[{}{}] 1/3 sessions", "#".repeat(10), ".".repeat(20))
        );
        assert_eq!(super::bar(0, 0, "x").len(), 30 + 2 + 6);
    }
}
