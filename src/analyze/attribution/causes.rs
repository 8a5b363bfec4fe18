//! Why a key was missed, out of what was seen of it before.
//!
//! Two tables: removals, and misses of keys of which no removal is known. They are apart so that a flood of random keys
//! fills the second and leaves the first alone. A key is in at most one of them.
//!
//! How a miss is judged, first match wins; F is the last flush of the key's database that can still explain something
//! ([`Attributor::flushed`](super::Attributor::flushed)), G the last gap; both count for the reach only, G besides no
//! longer than the table of removals reaches back:
//! 1. *The key is known, and was missed since.* It is taken to have been refilled after a miss, unless it is known to be
//!    one that nobody refills (missed twice). If F or G came after that miss, the refilled key went with it: `flushed` or
//!    `unknown`, whichever came later. Else nothing removed it since, so it was not refilled: the cause stays, and it is
//!    a *stampede* within the refill time of the first miss, a *repeat* after it, a new first miss after the reach.
//! 2. *The key is known and was not missed since*: what removed it is the cause. A flush or a gap that came later does
//!    not change that: a key that was not there cannot be flushed.
//! 3. *It was seen to be written since* (only with write events): F or G if they came later, else `unknown`.
//! 4. *The key is not known*: F or G, whichever came later; else `unknown` on a replica, which removes keys without
//!    saying why; else `never_seen`.
//!
//! What `repeat` rests on without write events: a key that is refilled can only be missed again after a removal, and
//! removals are seen. Where `del` is not subscribed, a refilled and then deleted key counts as a repeat.

use super::flushes::Flushes;
use super::removals::{Fact, TICKS, Table};
use crate::model::attribution::{Again, Cause, Verdict};

/// What a `del` event means on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DelMeaning {
    /// Somebody deleted the key.
    #[default]
    Deletion,
    /// Slots are being migrated away: the key may live on elsewhere. Misses after it are `unknown`.
    Migration,
    /// A replica repeats what its primary removed, for whatever reason: `unknown`, as is every key not known here.
    Replica,
}

const EXPIRED: u8 = 0;
const EVICTED: u8 = 1;
const DELETED: u8 = 2;
const FLUSHED: u8 = 3;
const NEVER_SEEN: u8 = 4;
const UNKNOWN: u8 = 5;
const WRITTEN: u8 = 6;

/// How a key was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    Expired,
    Evicted,
    Deleted,
}

/// The memory of one node.
#[derive(Debug, Clone)]
pub(super) struct Causes {
    pub(super) removals: Table,
    pub(super) misses: Table,
    flushes: Flushes,
    gap: Option<u32>,
    /// Since when nothing was lost, in ticks.
    whole_since: u32,
    del: DelMeaning,
    refill: u32,
    reach: u32,
}

impl Causes {
    /// Sizes in entries, times in ticks.
    pub(super) fn new(removals: usize, misses: usize, refill: u32, reach: u32) -> Self {
        Self {
            removals: Table::new(removals),
            misses: Table::new(misses),
            flushes: Flushes::new(),
            gap: None,
            whole_since: 0,
            del: DelMeaning::Deletion,
            refill,
            reach,
        }
    }

    pub(super) fn flushed(&mut self, db: Option<u32>, keys: Option<u64>, now: u32) {
        self.flushes.note(db, keys, now);
    }

    pub(super) fn gap(&mut self, now: u32) {
        self.gap = Some(now);
        self.whole_since = now;
        self.removals.forget_reach();
        self.misses.forget_reach();
    }

    pub(super) fn del_meaning(&mut self, meaning: DelMeaning, since: u32) {
        if self.del == DelMeaning::Deletion && meaning != DelMeaning::Deletion {
            self.removals.revise(|fact| {
                let is_doubtful = fact.state == DELETED && !fact.missed && fact.burst >= since;
                is_doubtful.then_some(Fact {
                    state: UNKNOWN,
                    ..fact
                })
            });
        }
        self.del = meaning;
    }

    /// How far back a "never seen" reaches, in ticks.
    pub(super) fn horizon(&self, now: u32) -> u32 {
        let whole = now.saturating_sub(self.whole_since);
        match self.removals.reach() {
            Some(reach) => whole.min(ticks(reach)),
            None => whole,
        }
    }

    /// See [`Table::approach`].
    #[inline]
    pub(super) fn approach(&self, print: u64) -> u64 {
        self.removals.approach(print) ^ self.misses.approach(print)
    }

    pub(super) fn removed(&mut self, print: u64, how: Removal, now: u32) {
        let state = match (how, self.del) {
            (Removal::Expired, _) => EXPIRED,
            (Removal::Evicted, _) => EVICTED,
            (Removal::Deleted, DelMeaning::Deletion) => DELETED,
            (Removal::Deleted, _) => UNKNOWN,
        };
        let fact = Fact {
            at: now / TICKS,
            state,
            missed: false,
            repeated: false,
            burst: now,
        };
        if let Some(place) = self.removals.place(print) {
            self.removals.set(place, fact);
            return;
        }
        if let Some(place) = self.misses.place(print) {
            self.misses.free(place);
        }
        self.removals.insert(print, fact, now / TICKS);
    }

    /// A key was written. Only known ones matter.
    pub(super) fn written(&mut self, print: u64, now: u32) {
        let fact = Fact {
            at: now / TICKS,
            state: WRITTEN,
            missed: false,
            repeated: false,
            burst: now,
        };
        if let Some(place) = self.removals.place(print) {
            self.removals.set(place, fact);
        } else if let Some(place) = self.misses.place(print) {
            self.misses.set(place, fact);
        }
    }

    pub(super) fn missed(&mut self, db: u32, print: u64, now: u32) -> Verdict {
        if let Some(place) = self.removals.place(print)
            && let Some(fact) = self.removals.fact(place)
        {
            let (fact, verdict) = self.judge(fact, db, now);
            self.removals.set(place, fact);
            return verdict;
        }
        if let Some(place) = self.misses.place(print)
            && let Some(fact) = self.misses.fact(place)
        {
            let (mut fact, verdict) = self.judge(fact, db, now);
            // Here it is the last miss that makes an entry worth keeping.
            fact.at = fact.burst / TICKS;
            self.misses.set(place, fact);
            return verdict;
        }
        let state = self.interruption(db, 0, now).unwrap_or({
            if self.del == DelMeaning::Replica {
                UNKNOWN
            } else {
                NEVER_SEEN
            }
        });
        let fact = Fact {
            at: now / TICKS,
            state,
            missed: true,
            repeated: false,
            burst: now,
        };
        self.misses.insert(print, fact, now / TICKS);
        Verdict {
            cause: cause(state),
            age: 0,
            again: Again::First,
        }
    }

    fn judge(&mut self, old: Fact, db: u32, now: u32) -> (Fact, Verdict) {
        let mut fact = old;
        let mut again = Again::First;
        let was_there = (old.missed && !old.repeated) || old.state == WRITTEN;
        let interrupted = was_there
            .then(|| self.interruption(db, old.burst, now))
            .flatten();
        let since = now.saturating_sub(old.burst);
        if let Some(state) = interrupted {
            (fact.state, fact.at) = (state, now / TICKS);
        } else if old.state == WRITTEN {
            (fact.state, fact.at) = (UNKNOWN, now / TICKS);
        } else if old.missed && since < self.refill {
            let verdict = verdict(old, now, Again::Stampede);
            return (old, verdict);
        } else if old.missed && since <= self.reach {
            again = Again::Repeat;
        }
        fact.missed = true;
        fact.repeated = again == Again::Repeat;
        fact.burst = now;
        (fact, verdict(fact, now, again))
    }

    /// The later of flush and gap after `since`, as a state.
    fn interruption(&mut self, db: u32, since: u32, now: u32) -> Option<u8> {
        let after = |at: &u32| *at >= since;
        let flush = self.flushes.last(db, now, self.reach).filter(after);
        let gap = self.gap.filter(after).filter(|at| {
            let ago = now.saturating_sub(*at);
            ago <= self.reach && self.removals.reach().is_none_or(|r| ago <= ticks(r))
        });
        if flush.is_none() && gap.is_none() {
            return None;
        }
        if flush >= gap {
            self.flushes.explained(db);
            return Some(FLUSHED);
        }
        Some(UNKNOWN)
    }
}

fn verdict(fact: Fact, now: u32, again: Again) -> Verdict {
    Verdict {
        cause: cause(fact.state),
        age: (now / TICKS).saturating_sub(fact.at),
        again,
    }
}

fn cause(state: u8) -> Cause {
    match state {
        EXPIRED => Cause::Expired,
        EVICTED => Cause::Evicted,
        DELETED => Cause::Deleted,
        FLUSHED => Cause::Flushed,
        NEVER_SEEN => Cause::NeverSeen,
        _ => Cause::Unknown,
    }
}

/// A time in ticks; saturates after 4.2 years.
pub(super) fn ticks(time: std::time::Duration) -> u32 {
    let nanos_per_tick = 1_000_000_000 / TICKS;
    let whole = time.as_secs().saturating_mul(u64::from(TICKS));
    let part = u64::from(time.subsec_nanos() / nanos_per_tick);
    u32::try_from(whole.saturating_add(part)).unwrap_or(u32::MAX)
}
