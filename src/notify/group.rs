//! What is to be done with messages that wait: which may be sent, which have become needless, which go together. Pure.
//!
//! Of each incident at most one message waits to any effect:
//! - `resolved` tells of the whole incident. While it waits, a `firing` that could not be delivered is needless: one late
//!   message tells of both. Had the `firing` been held back by quiet hours until after the end, nobody needs to know at all.
//! - `resolved` never comes before `firing`, and nothing comes after `resolved`.
//! - A reminder is needless beside any other message, and once the incident is over or somebody has taken it on.
//!
//! Deliberately absent: the outbox, and time that passes.
//!
//! Invariant: a message that is due is always either sent or superseded, so that whoever asks again makes progress.

use jiff::Timestamp;

use crate::model::incident::Transition;
use crate::model::name::CacheName;
use crate::model::record::{OutboxItem, OutboxStatus};
use crate::notify::letter::Angle;
use crate::notify::route::is_reminder;

/// More messages than this waiting at once are a storm: they become one.
pub(crate) const STORM: usize = 5;
/// The most notifications in one letter.
pub(crate) const MAX_LETTER: usize = 50;
/// After so many attempts a message steps back behind those that were tried less, in case it is itself the trouble.
const ATTEMPTS_BEFORE_STEPPING_BACK: u32 = 4;

/// How the incident of a message stands, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is open, or not known.
    Open,
    /// It is open, and somebody has taken it on.
    Acknowledged,
    /// It is over.
    Over,
}

/// What is to be done about one incident.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Verdict {
    /// The one message to be sent.
    pub(crate) send: Option<OutboxItem>,
    /// What it is to tell.
    pub(crate) angle: Angle,
    /// Keys of messages that share its fate: it tells what they would have told.
    pub(crate) along: Vec<String>,
    /// Keys of messages that have become needless.
    pub(crate) supersede: Vec<String>,
}

/// Decides about one incident and one channel. `rows`: all its messages to the channel, done ones too.
pub(crate) fn decide(rows: &[OutboxItem], standing: Standing, as_of: Timestamp) -> Verdict {
    let mut verdict = Verdict::default();
    let waiting = |row: &&OutboxItem| row.status == OutboxStatus::Waiting;
    let is = |transition| move |row: &&OutboxItem| row.notification.transition == transition;
    let resolved = rows.iter().find(is(Transition::Resolved));
    let firing = rows
        .iter()
        .filter(waiting)
        .filter(is(Transition::Firing))
        .find(|row| !is_reminder(row));
    let mut reminders: Vec<&OutboxItem> = rows
        .iter()
        .filter(waiting)
        .filter(|row| is_reminder(row))
        .collect();
    reminders.sort_by(|a, b| (a.queued, &a.key).cmp(&(b.queued, &b.key)));
    let newest = reminders.pop();
    let mut needless = |row: &OutboxItem| verdict.supersede.push(row.key.clone());
    reminders.into_iter().for_each(&mut needless);

    match (resolved, firing, newest) {
        (Some(resolved), firing, newest) => {
            newest.into_iter().for_each(&mut needless);
            let pending = resolved.status == OutboxStatus::Waiting;
            match firing {
                Some(firing) if pending && held_until_over(firing, resolved.queued) => {
                    needless(firing);
                    needless(resolved);
                }
                Some(firing) if pending && resolved.due <= as_of => {
                    verdict.along.push(firing.key.clone());
                    verdict.angle = Angle::CameAndWent;
                    verdict.send = Some(resolved.clone());
                }
                Some(firing) => needless(firing),
                None if pending && resolved.due <= as_of => {
                    if was_given_up(rows) {
                        verdict.angle = Angle::CameAndWent;
                    }
                    verdict.send = Some(resolved.clone());
                }
                None => {}
            }
        }
        (None, Some(firing), newest) => {
            newest.into_iter().for_each(&mut needless);
            if standing == Standing::Over && is_held(firing) {
                needless(firing);
            } else if firing.due <= as_of {
                if standing == Standing::Over {
                    verdict.angle = Angle::Gone;
                }
                verdict.send = Some(firing.clone());
            }
        }
        (None, None, Some(reminder)) => {
            if standing != Standing::Open {
                needless(reminder);
            } else if reminder.due <= as_of {
                verdict.angle = Angle::Reminder;
                verdict.send = Some(reminder.clone());
            }
        }
        (None, None, None) => {}
    }
    verdict
}

/// Whether the receiver was to be told of the beginning, and never was.
fn was_given_up(rows: &[OutboxItem]) -> bool {
    let mut told = rows
        .iter()
        .filter(|row| row.notification.transition == Transition::Firing)
        .map(|row| row.status)
        .peekable();
    // Without a row nothing is known: the store forgets what is old.
    told.peek().is_some() && told.all(|status| status == OutboxStatus::Dead)
}

/// Whether a message was held back by quiet hours, and still was when the incident ended.
fn held_until_over(firing: &OutboxItem, ended: Timestamp) -> bool {
    is_held(firing) && firing.due > ended
}

/// Whether a message was put there to be sent later, and was not tried yet.
pub(crate) fn is_held(item: &OutboxItem) -> bool {
    item.attempts == 0 && item.due > item.queued
}

/// Puts messages into the order in which they are tried.
pub(crate) fn order(items: &mut [OutboxItem]) {
    items.sort_by_cached_key(|item| {
        let rounds = item.attempts / ATTEMPTS_BEFORE_STEPPING_BACK;
        (rounds, item.queued, item.key.clone())
    });
}

/// Which of the messages that are due, in order, go into the next letter. `digests`: whether the channel takes more than
/// one. `not_yet`: whether messages about a cache wait for more of the same, by the cache and how bad it is.
pub(crate) fn pick(
    due: &[OutboxItem],
    digests: bool,
    not_yet: impl Fn(&OutboxItem) -> bool,
) -> Vec<&OutboxItem> {
    if !digests {
        return due.first().into_iter().collect();
    }
    if due.len() > STORM {
        return due.iter().take(MAX_LETTER).collect();
    }
    let Some(first) = due.iter().find(|item| !not_yet(item)) else {
        return Vec::new();
    };
    let cache: &CacheName = &first.notification.cache;
    let same = due.iter().filter(|item| item.notification.cache == *cache);
    same.collect()
}

#[cfg(test)]
mod tests;
