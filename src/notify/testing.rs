//! What the tests of this room share: sample notifications, golden files, receivers that misbehave, a look at the log.

use std::sync::Arc;

use crate::model::incident::Notification;
use crate::model::time::{Clock, Now};
use crate::notify::Channel;
use crate::notify::letter::{Angle, Letter, Part, Trace};
use crate::notify::outcome::Outcome;

pub(crate) mod golden;
pub(crate) mod http;
pub(crate) mod log;
pub(crate) mod notification;
pub(crate) mod outbox;
pub(crate) mod secrets;
pub(crate) mod smtp;
pub(crate) mod tls;

/// A clock that stands still.
pub(crate) struct StoppedClock(pub(crate) Now);

impl Clock for StoppedClock {
    fn now(&self) -> Now {
        self.0
    }
}

/// Makes a letter of these and hands it on.
pub(crate) fn with_letter<T>(all: &[Notification], f: impl FnOnce(&Letter<'_>) -> T) -> T {
    let all: Vec<_> = all.iter().cloned().map(|n| Arc::new(n).into()).collect();
    with_parts(&all, f)
}

/// Makes a letter of the sample reminder and hands it on.
pub(crate) fn with_reminder<T>(f: impl FnOnce(&Letter<'_>) -> T) -> T {
    with_parts(&[reminder()], f)
}

/// The sample reminder.
pub(crate) fn reminder() -> Part {
    Part {
        notification: Arc::new(notification::reminder()),
        angle: Angle::Reminder,
    }
}

fn with_parts<T>(parts: &[Part], f: impl FnOnce(&Letter<'_>) -> T) -> T {
    f(&Letter {
        parts,
        key: "incident/firing/ops",
        late: None,
        test: false,
        trace: &Trace::default(),
    })
}

/// Sends one notification by a channel, and says what became of it.
pub(crate) async fn send(channel: &dyn Channel, n: &Notification, key: &str) -> Outcome {
    traced(channel, std::slice::from_ref(n), key).await.0
}

/// Sends notifications as one letter; gives the outcome and the whole exchange.
pub(crate) async fn traced(
    channel: &dyn Channel,
    all: &[Notification],
    key: &str,
) -> (Outcome, Trace) {
    let all: Vec<_> = all.iter().cloned().map(|n| Arc::new(n).into()).collect();
    traced_parts(channel, &all, key).await
}

/// The same with what there is to tell of each.
pub(crate) async fn traced_parts(
    channel: &dyn Channel,
    parts: &[Part],
    key: &str,
) -> (Outcome, Trace) {
    let trace = Trace::wordy();
    let letter = Letter {
        parts,
        key,
        late: None,
        test: false,
        trace: &trace,
    };
    let outcome = channel.send(&letter).await;
    (outcome, trace)
}
