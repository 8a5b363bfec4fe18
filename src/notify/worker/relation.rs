//! How it stands between a worker and the receiver of its channel: when something was last sent, how many attempts failed
//! in a row, until when the receiver is left alone.
//!
//! Deliberately absent: anything that must outlive the process.
//!
//! Invariant: bounded, whatever the outbox holds.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::model::incident::{Notification, Severity, Transition};
use crate::model::name::CacheName;
use crate::model::record::OutboxItem;
use crate::model::time::Now;

/// For how long after a message about a cache further ones are gathered, where the channel takes several in one.
pub(crate) const GATHER: Duration = Duration::from_secs(30);
/// How many caches are remembered for that.
const MAX_CACHES: usize = 1_000;
/// How many messages that are done are remembered.
const MAX_DONE: usize = 10_000;

/// How it stands.
pub(super) struct Relation {
    /// When something was last sent.
    pub(super) last: Option<Instant>,
    /// Attempts that failed in a row.
    pub(super) failures: u32,
    /// Also what only waits for its next attempt is tried now.
    pub(super) eager: bool,
    /// When everything was last told again.
    pub(super) resent: Option<Instant>,
    single: usize,
    hold: Option<Hold>,
    told: BTreeMap<CacheName, (Instant, Severity)>,
    done: Done,
    /// The wall clock less the monotonic one, the largest that was seen: a wall clock that is set back must not put off
    /// what is due.
    ahead: SignedDuration,
}

/// The receiver is left alone.
#[derive(Clone, Copy)]
struct Hold {
    until: Instant,
    /// It asked for that itself.
    asked_for: bool,
}

/// What is done must not be done again, even if the outbox did not get to know.
#[derive(Default)]
struct Done {
    order: VecDeque<String>,
    keys: HashSet<String>,
}

impl Relation {
    pub(super) fn new() -> Self {
        Self {
            last: None,
            failures: 0,
            eager: false,
            resent: None,
            single: 0,
            hold: None,
            told: BTreeMap::new(),
            done: Done::default(),
            ahead: SignedDuration::MIN,
        }
    }

    /// The receiver is another one now.
    pub(super) fn renew(&mut self) {
        self.failures = 0;
        self.hold = None;
        self.eager = true;
    }

    /// The end is near: a wait of our own choice is over, and nothing is gathered any more; a wait that the receiver asked
    /// for goes on.
    pub(super) fn hurry(&mut self) {
        self.told.clear();
        if self.hold.is_none_or(|hold| !hold.asked_for) {
            self.hold = None;
            self.eager = true;
        }
    }

    /// Until when the receiver is left alone.
    pub(super) fn held(&mut self) -> Option<Instant> {
        self.hold = self.hold.filter(|hold| hold.until > Instant::now());
        self.hold.map(|hold| hold.until)
    }

    /// An attempt failed; the next one is that much later.
    pub(super) fn failed(&mut self, wait: Duration, asked_for: bool) {
        self.failures = self.failures.saturating_add(1);
        self.eager = false;
        self.hold = Some(Hold {
            until: Instant::now() + wait,
            asked_for,
        });
    }

    /// The receiver answered, with yes or no. What waited for it need not wait any longer.
    pub(super) fn answered(&mut self) {
        self.eager |= self.failures > 0;
        self.failures = 0;
    }

    /// Whether the receiver did not answer of late, and what waited for it has not been sent yet.
    pub(super) fn was_out(&self) -> bool {
        self.failures > 0 || self.eager
    }

    /// So many messages were refused together, and are to be sent one by one.
    pub(super) fn singly(&mut self, messages: usize) {
        self.single = messages;
    }

    /// Whether the next letter is to hold one message only. Counts down.
    pub(super) fn takes_single(&mut self) -> bool {
        let single = self.single > 0;
        self.single = self.single.saturating_sub(1);
        single
    }

    /// Something was told about a cache. After an end nothing is gathered: what fires next is news.
    pub(super) fn told(&mut self, n: &Notification) {
        let now = Instant::now();
        self.told
            .retain(|_, (at, _)| now.duration_since(*at) < GATHER);
        if n.transition == Transition::Resolved {
            self.told.remove(&n.cache);
        } else if self.told.len() < MAX_CACHES {
            self.told.insert(n.cache.clone(), (now, n.severity));
        }
    }

    /// Whether a message waits for more about its cache. One that is graver than what was told does not.
    pub(super) fn gathers(&self, item: &OutboxItem) -> bool {
        let n = &item.notification;
        item.attempts == 0
            && self.told.get(&n.cache).is_some_and(|(at, severity)| {
                Instant::now().duration_since(*at) < GATHER && n.severity <= *severity
            })
    }

    /// When the first of these has gathered for long enough.
    pub(super) fn gathered(&self, items: &[OutboxItem]) -> Instant {
        let told = items
            .iter()
            .filter_map(|item| self.told.get(&item.notification.cache));
        let first = told.map(|(at, _)| *at + GATHER).min();
        first.unwrap_or_else(Instant::now)
    }

    pub(super) fn is_done(&self, key: &str) -> bool {
        self.done.keys.contains(key)
    }

    pub(super) fn done(&mut self, keys: &[String]) {
        for key in keys {
            if self.done.keys.insert(key.clone()) {
                self.done.order.push_back(key.clone());
            }
        }
        while self.done.order.len() > MAX_DONE {
            if let Some(oldest) = self.done.order.pop_front() {
                self.done.keys.remove(&oldest);
            }
        }
    }

    /// The wall clock, as if it had never been set back.
    pub(super) fn as_of(&mut self, now: Now) -> Timestamp {
        let mono = SignedDuration::try_from(now.mono).unwrap_or(SignedDuration::MAX);
        let ahead = now.wall.as_duration().saturating_sub(mono);
        self.ahead = self.ahead.max(ahead);
        Timestamp::from_duration(self.ahead.saturating_add(mono)).unwrap_or(now.wall)
    }
}
