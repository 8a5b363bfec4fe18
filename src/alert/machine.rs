//! The state machine of one rule for one cache.
//!
//! Time counts towards `for` (or `clear_for`) only between two evaluations in a row that both found a breach (or
//! clear): where nothing was known, the clock stands still. A single other finding in between sets it back to zero.
//!
//! | finding | no incident | incident |
//! |---|---|---|
//! | breach | pending; fires after `for` | firing |
//! | between | ok | firing |
//! | clear | ok | recovering; resolved after `clear_for` |
//! | insufficient traffic | insufficient_traffic | as it was; resolved after `idle_for` of it |
//! | no data | no_data; a pending one waits for as long as `for` | as it was |
//! | warming up | warming_up | as it was |
//!
//! Silenced is no state here: whether anybody is told of an incident does not change how it goes on.
//!
//! Deliberately absent: what a finding rests on, and what is said about it.
//!
//! Invariant: `Fired` and `Resolved` alternate, beginning with `Fired`.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::incident::AlertState;
use crate::model::time::Now;

/// What one evaluation of a rule found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No readings to say anything.
    NoData,
    /// Too few lookups to say anything.
    InsufficientTraffic,
    /// The condition holds.
    Breach,
    /// The clear condition holds.
    Clear,
    /// Neither does.
    Between,
    /// The cache fills anew, and is not judged.
    WarmingUp,
}

impl Verdict {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoData => "no_data",
            Self::InsufficientTraffic => "insufficient_traffic",
            Self::Breach => "breach",
            Self::Clear => "clear",
            Self::Between => "between",
            Self::WarmingUp => "warming_up",
        }
    }
}

/// How long things must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The condition, before it fires.
    pub for_: Duration,
    /// The clear condition, before it is resolved.
    pub clear_for: Duration,
    /// Insufficient traffic, before an incident is given up: it must not stay open for ever on a cache that nobody uses.
    pub idle_for: Duration,
}

/// Why an incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The clear condition held for long enough.
    Cleared,
    /// There was no traffic to judge by for long enough.
    Idle,
}

/// What an evaluation led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An incident begins.
    Fired,
    /// It ends.
    Resolved(Ending),
}

/// What outlives a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The state.
    pub state: AlertState,
    /// Since when.
    pub since: Timestamp,
    /// How long the condition (or, when recovering, the clear condition) has held.
    pub held: Duration,
    /// How long there has been no traffic to judge by.
    pub idle: Duration,
    /// How long nothing has been known.
    pub unknown: Duration,
}

/// The state machine.
#[derive(Debug, Clone)]
pub struct Machine {
    kept: Kept,
    last: Option<(Verdict, Duration)>,
}

impl Machine {
    /// Nothing known yet.
    pub fn new(now: Now) -> Self {
        Self::restored(Kept {
            state: AlertState::NoData,
            since: now.wall,
            held: Duration::ZERO,
            idle: Duration::ZERO,
            unknown: Duration::ZERO,
        })
    }

    /// As it was when it was saved.
    pub fn restored(kept: Kept) -> Self {
        Self { kept, last: None }
    }

    /// What outlives a restart.
    pub fn kept(&self) -> Kept {
        self.kept
    }

    /// The state.
    pub fn state(&self) -> AlertState {
        self.kept.state
    }

    /// Since when the state is so.
    pub fn since(&self) -> Timestamp {
        self.kept.since
    }

    /// Takes in a finding.
    pub fn step(&mut self, verdict: Verdict, timing: &Timing, now: Now) -> Option<Change> {
        let went_on = match self.last {
            Some((last, at)) if last == verdict => now.mono.saturating_sub(at),
            _ => Duration::ZERO,
        };
        self.last = Some((verdict, now.mono));
        if self.kept.state.is_firing() {
            self.step_open(verdict, went_on, timing, now)
        } else {
            self.step_quiet(verdict, went_on, timing, now)
        }
    }

    fn step_quiet(
        &mut self,
        verdict: Verdict,
        went_on: Duration,
        timing: &Timing,
        now: Now,
    ) -> Option<Change> {
        match verdict {
            Verdict::Breach => {
                self.enter(AlertState::Pending, now);
                self.kept.unknown = Duration::ZERO;
                self.kept.held = self.kept.held.saturating_add(went_on);
                if self.kept.held >= timing.for_ {
                    self.enter(AlertState::Firing, now);
                    return Some(Change::Fired);
                }
            }
            Verdict::NoData => {
                self.kept.unknown = self.kept.unknown.saturating_add(went_on);
                if self.kept.state != AlertState::Pending || self.kept.unknown > timing.for_ {
                    self.enter(AlertState::NoData, now);
                }
            }
            Verdict::InsufficientTraffic => self.enter(AlertState::InsufficientTraffic, now),
            Verdict::WarmingUp => self.enter(AlertState::WarmingUp, now),
            Verdict::Clear | Verdict::Between => self.enter(AlertState::Ok, now),
        }
        None
    }

    fn step_open(
        &mut self,
        verdict: Verdict,
        went_on: Duration,
        timing: &Timing,
        now: Now,
    ) -> Option<Change> {
        match verdict {
            Verdict::Breach | Verdict::Between => {
                self.enter(AlertState::Firing, now);
                self.kept.idle = Duration::ZERO;
            }
            Verdict::Clear => {
                self.enter(AlertState::Recovering, now);
                self.kept.idle = Duration::ZERO;
                self.kept.held = self.kept.held.saturating_add(went_on);
                if self.kept.held >= timing.clear_for {
                    self.enter(AlertState::Ok, now);
                    return Some(Change::Resolved(Ending::Cleared));
                }
            }
            Verdict::InsufficientTraffic => {
                self.kept.idle = self.kept.idle.saturating_add(went_on);
                if self.kept.idle >= timing.idle_for {
                    self.enter(AlertState::InsufficientTraffic, now);
                    return Some(Change::Resolved(Ending::Idle));
                }
            }
            Verdict::NoData | Verdict::WarmingUp => {}
        }
        None
    }

    /// A new state starts its clocks anew; the same one goes on.
    fn enter(&mut self, state: AlertState, now: Now) {
        if self.kept.state != state {
            self.kept = Kept {
                state,
                since: now.wall,
                held: Duration::ZERO,
                idle: Duration::ZERO,
                unknown: Duration::ZERO,
            };
        }
    }
}

#[cfg(test)]
mod tests;
