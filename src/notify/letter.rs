//! What a channel is asked to send, and what is noted down about the attempt.
//!
//! Invariant: a letter holds at least one notification; the first is the one that its key belongs to. What is noted holds
//! no secret.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::incident::Notification;

/// The most lines that are noted of one exchange.
const MAX_LINES: usize = 200;

/// What a notification is there to tell besides its transition: that depends on what the receiver was told before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Angle {
    /// The transition. Of an end: the receiver was told of the beginning, as far as is known.
    #[default]
    News,
    /// That it is still firing. The beginning was told; its numbers are those of then.
    Reminder,
    /// The whole incident: it is over, and the receiver was not told of its beginning.
    CameAndWent,
    /// The beginning of what is over by now, where the receiver is not told of ends.
    Gone,
}

/// One notification of a letter.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// The transition.
    pub(crate) notification: Arc<Notification>,
    /// What there is to tell of it.
    pub(crate) angle: Angle,
}

impl From<Arc<Notification>> for Part {
    fn from(notification: Arc<Notification>) -> Self {
        Self {
            notification,
            angle: Angle::News,
        }
    }
}

/// That a message comes late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Late {
    /// How long it had to wait.
    pub(crate) by: Duration,
    /// Why.
    pub(crate) because: Delay,
}

/// Why a message comes late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delay {
    /// The receiver did not take it, or what was before it.
    ChannelOut,
    /// It fell into the channel's quiet hours.
    QuietHours,
    /// Something else: we ourselves were not running, perhaps.
    Other,
}

/// What a channel is asked to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Letter<'a> {
    /// What is to be said. More than one only where the channel takes digests: a storm becomes one message.
    pub(crate) parts: &'a [Part],
    /// The same at each attempt.
    pub(crate) key: &'a str,
    /// How late it is, if that is worth saying.
    pub(crate) late: Option<Late>,
    /// Whether this only tries out the channel; then the message says so.
    pub(crate) test: bool,
    /// Where to note down what happened.
    pub(crate) trace: &'a Trace,
}

impl<'a> Letter<'a> {
    /// The first, and mostly only one.
    pub(crate) fn first(&self) -> &'a Notification {
        match self.parts {
            [first, ..] => &first.notification,
            // Whoever makes a letter puts something into it; an empty one is a mistake that tests must find.
            [] => unreachable!("a letter without a notification"),
        }
    }

    /// The one that it is about, where that is one only.
    pub(crate) fn only(&self) -> Option<&'a Part> {
        match self.parts {
            [one] => Some(one),
            _ => None,
        }
    }

    /// All of them.
    pub(crate) fn notifications(&self) -> impl Iterator<Item = &'a Arc<Notification>> + Clone {
        self.parts.iter().map(|part| &part.notification)
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
