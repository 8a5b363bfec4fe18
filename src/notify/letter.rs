//! What a channel is asked to send, and what is noted down about the attempt.
//!
//! Invariant: a letter holds at least one notification; the first is the one that its key belongs to. What is noted holds
//! no secret.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::incident::Notification;

/// The most lines that are noted of one exchange.
const MAX_LINES: usize = 200;

/// What a channel is asked to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letter<'a> {
    /// What is to be said. More than one only where the channel takes digests: a storm becomes one message.
    pub(crate) notifications: &'a [Arc<Notification>],
    /// The same at each attempt.
    pub(crate) key: &'a str,
    /// How long it had to wait, if that is worth saying.
    pub(crate) late: Option<Duration>,
    /// Whether this only tries out the channel; then the message says so.
    pub(crate) test: bool,
    /// Where to note down what happened.
    pub(crate) trace: &'a Trace,
}

impl<'a> Letter<'a> {
    /// The first, and mostly only one.
    pub(crate) fn first(&self) -> &'a Notification {
        match self.notifications {
            [first, ..] => first,
            // Whoever makes a letter puts something into it; an empty one is a mistake that tests must find.
            [] => unreachable!("a letter without a notification"),
        }
    }
}

/// What is noted down about one attempt.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    noted: Mutex<Noted>,
    /// Whether the exchange is wanted line by line.
    wordy: bool,
}

#[derive(Debug, Default)]
struct Noted {
    code: Option<u16>,
    lines: Vec<String>,
    cut: usize,
}

impl Trace {
    /// Notes down the whole exchange, for `test-notify`.
    pub(crate) fn wordy() -> Self {
        Self {
            noted: Mutex::default(),
            wordy: true,
        }
    }

    /// The receiver answered with this HTTP status or SMTP reply code.
    pub(crate) fn answered(&self, code: u16) {
        self.lock().code = Some(code);
    }

    /// The last answer.
    pub(crate) fn code(&self) -> Option<u16> {
        self.lock().code
    }

    /// A line of the exchange, made safe to show by the caller.
    pub(crate) fn line(&self, line: impl FnOnce() -> String) {
        if !self.wordy {
            return;
        }
        let mut noted = self.lock();
        if noted.lines.len() < MAX_LINES {
            noted.lines.push(line());
        } else {
            noted.cut += 1;
        }
    }

    /// The exchange.
    pub(crate) fn lines(&self) -> Vec<String> {
        let noted = self.lock();
        let mut lines = noted.lines.clone();
        if noted.cut > 0 {
            lines.push(format!("… {} more lines", noted.cut));
        }
        lines
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        // Nothing in here can leave the notes half changed.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
