//! Attributes every keyspace event of one node to a namespace, and every miss to its cause.
//!
//! An [`Attributor`] belongs to the task that reads the events of one node. All its memory is allocated when it is made;
//! an event allocates nothing, unless it is the one that makes a template a namespace.
//! Deliberately absent: I/O, a clock (`now` is the monotonic time of [`crate::model`]'s clock), key names in any output,
//! and hits per namespace, of which Redis publishes nothing.
//!
//! Invariants: the namespaces and `other` together hold exactly the events that were fed; no counter goes back.

mod causes;
mod cost;
mod flushes;
mod hashing;
mod namespaces;
mod removals;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::model::attribution::{AttributionSnapshot, Counters, EventCounts, NamespaceCounts};

pub use causes::DelMeaning;
pub use cost::MissCosts;
pub use namespaces::{
    Classifier, DEFAULT_SEPARATORS, FEW_KEYS, MAX_KEY_BYTES, MAX_NAME_BYTES, OTHER, Patterns,
    PatternsError, shown_name,
};

use causes::{Causes, Removal, ticks};
use hashing::{Hashing, fingerprint};
use namespaces::{Limits, Namespaces};

/// What happened to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEvent {
    /// `keymiss`.
    Miss,
    /// `expired`.
    Expired,
    /// `evicted`.
    Evicted,
    /// `del`, `rename_from`, `move_from`.
    Deleted,
    /// Any event after which the key is there: `set`, `rename_to`, `restore`, ... Optional.
    Written,
}

/// Sizes and times of an [`Attributor`].
#[derive(Debug, Clone)]
pub struct Options {
    /// The configured namespaces.
    pub patterns: Patterns,
    /// What separates the segments of keys: [`DEFAULT_SEPARATORS`].
    pub separators: Vec<u8>,
    /// Discovered namespaces at most; 0 to 1000, 50.
    pub namespaces: usize,
    /// Removals that are remembered, 16 bytes each; 1 000 000.
    pub removals: usize,
    /// Misses of keys without a known removal that are remembered, 16 bytes each; an eighth of the removals.
    pub misses: usize,
    /// How long a refill may take: further misses of the key within it are a stampede; 1 s.
    pub refill: Duration,
    /// How long a flush, a gap or an earlier miss is held to explain a miss; 1 h.
    pub reach: Duration,
    /// How long a template must have come before it becomes a namespace; 30 s.
    pub admit_after: Duration,
    /// How long a namespace without a key keeps its place in any case; 24 h.
    pub retire_after: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            patterns: Patterns::default(),
            separators: DEFAULT_SEPARATORS.to_vec(),
            namespaces: 50,
            removals: 1_000_000,
            misses: 125_000,
            refill: Duration::from_secs(1),
            reach: Duration::from_hours(1),
            admit_after: Duration::from_secs(30),
            retire_after: Duration::from_hours(24),
        }
    }
}

/// How many templates are watched beside the namespaces.
const CANDIDATES: usize = 512;
/// The most discovered namespaces that can be asked for.
const MAX_NAMESPACES: usize = crate::config::MAX_NAMESPACES;

/// How many events are put to the tables together.
const BATCH: usize = 32;

/// An event whose namespace is known and whose cause is not yet.
#[derive(Debug, Clone, Copy)]
struct Pending {
    print: u64,
    namespace: usize,
    db: u32,
    now: u32,
    event: KeyEvent,
}

impl Pending {
    const NONE: Self = Self {
        print: 0,
        namespace: 0,
        db: 0,
        now: 0,
        event: KeyEvent::Miss,
    };
}

/// The attribution of one node's events.
#[derive(Debug, Clone)]
pub struct Attributor {
    hashing: Hashing,
    namespaces: Namespaces,
    causes: Causes,
    started: Duration,
    events: EventCounts,
    gaps: u64,
    flushes: u64,
    pending: [Pending; BATCH],
    waiting: usize,
}

impl Attributor {
    /// Allocates everything it will need.
    pub fn new(options: Options, now: Duration) -> Self {
        let hashing = Hashing::random();
        let limits = Limits {
            namespaces: options.namespaces.min(MAX_NAMESPACES),
            candidates: CANDIDATES,
            admit_after: ticks(options.admit_after),
            retire_after: ticks(options.retire_after),
        };
        let (refill, reach) = (ticks(options.refill), ticks(options.reach));
        Self {
            namespaces: Namespaces::new(
                limits,
                options.patterns,
                &options.separators,
                hashing.clone(),
            ),
            causes: Causes::new(options.removals, options.misses, refill, reach),
            hashing,
            started: now,
            events: EventCounts::default(),
            gaps: 0,
            flushes: 0,
            pending: [Pending::NONE; BATCH],
            waiting: 0,
        }
    }

    /// Takes in one event. `now` must not go back; if it does, the event counts as of a little later.
    ///
    /// The event is put to the tables together with up to 31 others, whose waits for memory then overlap.
    pub fn event(&mut self, event: KeyEvent, db: u32, key: &[u8], now: Duration) {
        let now = self.ticks(now);
        if self.namespaces.is_due(now) {
            self.settle();
            self.namespaces.roll(now);
        }
        let hash = self.hashing.of(key);
        let namespace = match event {
            KeyEvent::Written => 0,
            _ => self.namespaces.find(key, hash, now),
        };
        let pending = Pending {
            print: fingerprint(hash, db),
            namespace,
            db,
            now,
            event,
        };
        if let Some(slot) = self.pending.get_mut(self.waiting) {
            *slot = pending;
            self.waiting += 1;
        }
        if self.waiting == BATCH {
            self.settle();
        }
    }

    /// Puts all pending events to the tables, in their order.
    fn settle(&mut self) {
        let waiting = self.pending.get(..self.waiting).unwrap_or_default();
        let near = waiting
            .iter()
            .fold(0, |near, p| near ^ self.causes.approach(p.print));
        std::hint::black_box(near);
        for pending in waiting {
            let Pending { print, now, .. } = *pending;
            if pending.event == KeyEvent::Written {
                self.events.written += 1;
                self.causes.written(print, now);
                continue;
            }
            let Some(counters) = self.namespaces.counters(pending.namespace) else {
                continue;
            };
            match pending.event {
                KeyEvent::Miss => {
                    self.events.misses += 1;
                    counters.missed(self.causes.missed(pending.db, print, now));
                }
                KeyEvent::Expired => {
                    self.events.expired += 1;
                    counters.expirations += 1;
                    self.causes.removed(print, Removal::Expired, now);
                }
                KeyEvent::Evicted => {
                    self.events.evicted += 1;
                    counters.evictions += 1;
                    self.causes.removed(print, Removal::Evicted, now);
                }
                KeyEvent::Deleted => {
                    self.events.deleted += 1;
                    counters.deletions += 1;
                    self.causes.removed(print, Removal::Deleted, now);
                }
                KeyEvent::Written => {}
            }
        }
        self.waiting = 0;
    }

    /// A database (`None`: all) was flushed; for SWAPDB tell both. `keys` is how many keys it had, where that is known:
    /// a flush then explains no more first misses than that. For the reach, it is the cause of misses of which nothing
    /// else is known; see `causes` for the order.
    pub fn flushed(&mut self, db: Option<u32>, keys: Option<u64>, now: Duration) {
        self.settle();
        self.flushes += 1;
        let now = self.ticks(now);
        self.causes.flushed(db, keys, now);
    }

    /// Events were lost until now. What they would have told is `unknown` for the reach or as far back as the table of
    /// removals reaches, whichever is shorter.
    pub fn gap(&mut self, now: Duration) {
        self.settle();
        self.gaps += 1;
        let now = self.ticks(now);
        self.causes.gap(now);
    }

    /// What `del` means from now on. That it is no deletion any more is known late: what was seen since `since` is taken
    /// not to have been one either.
    pub fn del_meaning(&mut self, meaning: DelMeaning, since: Duration) {
        self.settle();
        let since = self.ticks(since);
        self.causes.del_meaning(meaning, since);
    }

    /// What was counted so far.
    pub fn snapshot(&mut self, now: Duration) -> AttributionSnapshot {
        self.settle();
        let now = self.ticks(now);
        let horizon = self.causes.horizon(now);
        let mut other = Counters::default();
        let mut namespaces = Vec::new();
        for (index, namespace) in self.namespaces.iter().enumerate() {
            if index == 0 {
                other = namespace.counters;
                continue;
            }
            namespaces.push(NamespaceCounts {
                name: namespace.name.clone(),
                id: namespace.id,
                configured: namespace.configured,
                counters: namespace.counters,
            });
        }
        AttributionSnapshot {
            namespaces,
            other,
            events: self.events,
            removals: self.causes.removals.stats(),
            misses: self.causes.misses.stats(),
            horizon: Duration::from_millis(u64::from(horizon) * 1000 / u64::from(removals::TICKS)),
            gaps: self.gaps,
            flushes: self.flushes,
            retired: self.namespaces.retired(),
            candidates_replaced: self.namespaces.replaced(),
            bytes: self.bytes(),
        }
    }

    /// Says of a key in which namespace an event would be counted now; see [`Classifier`].
    pub fn classifier(&self) -> Classifier {
        self.namespaces.classifier()
    }

    /// Bytes on the heap; the same from the beginning to the end, but for the text of names.
    pub fn bytes(&self) -> usize {
        self.namespaces.bytes() + self.causes.removals.bytes() + self.causes.misses.bytes()
    }

    fn ticks(&self, now: Duration) -> u32 {
        ticks(now.saturating_sub(self.started))
    }
}
