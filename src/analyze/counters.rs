//! Counters of one node, made monotone over restarts, CONFIG RESETSTAT, failover and processes swapped behind a name.
//!
//! Counters belong to a process, not to an address: identity is the `run_id`, or, on servers that have none, the moment
//! of the start as `uptime` tells it. What a process had counted before it was first seen is not ours, unless it
//! started after we last looked: then all of it is.
//!
//! Deliberately not known here: what was counted between a process' last reading and its death or RESETSTAT (nobody can
//! know), and two processes without `run_id` that started within the same two seconds (they look like one).
//!
//! Invariant: totals never go back, never exceed what the servers counted while they were watched, and lose nothing
//! when nothing was counted between the last reading and the reset.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::model::reading::{Counters, Reading};
use crate::model::snapshot::ResetReason;
use crate::model::time::Now;
use crate::model::window::Totals;

mod fields;
mod process;
#[cfg(test)]
mod truth;

use process::Process;

/// Processes whose last counters are kept, for a name that alternates between several.
const REMEMBERED: usize = 16;

/// Implausible readings in a row, after which the next one is taken for the new truth.
const PATIENCE: u32 = 2;

/// What one reading added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observation {
    /// What was counted since the last reading; `None` for what the reading does not report.
    pub delta: Totals,
    /// Why the counters began anew, if they did.
    pub reset: Option<ResetReason>,
    /// Whether the same process turned from replica to primary or back.
    pub role_changed: bool,
}

/// The counters of one node.
#[derive(Debug, Clone, Default)]
pub struct NodeCounters {
    current: Option<Process>,
    remembered: VecDeque<Process>,
    totals: Totals,
    resets: BTreeMap<ResetReason, u64>,
    role_changes: u64,
    discarded: u64,
    /// Implausible readings since the last plausible one.
    strikes: u32,
}

/// What a reading means, before it is known to be plausible.
struct Step {
    delta: Counters,
    /// The counters that the next reading of the same process is compared with.
    base: Counters,
    reset: Option<ResetReason>,
    /// How long the counting of `delta` may have taken at most.
    span: Duration,
    /// The process as it was seen before, if it was.
    before: Option<Process>,
}

impl NodeCounters {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Monotone totals since the first reading. A counter is `None` until the server first reports it.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// How often the counters began anew, by reason.
    pub fn resets(&self) -> &BTreeMap<ResetReason, u64> {
        &self.resets
    }

    /// How often a process changed its role.
    pub fn role_changes(&self) -> u64 {
        self.role_changes
    }

    /// How many readings were implausible, and not counted.
    pub fn discarded(&self) -> u64 {
        self.discarded
    }

    /// Takes in a reading. `now` is when it came; it must not go back.
    pub fn observe(&mut self, reading: &Reading, now: Now) -> Observation {
        let Some(last) = self.current.take() else {
            self.current = Some(Process::first_seen(reading, now.mono, reading.counters));
            return self.add(&fields::since(&reading.counters, &reading.counters));
        };
        let Some(step) = self.interpret(&last, reading, now) else {
            self.discarded += 1;
            self.strikes += 1;
            if self.strikes < PATIENCE {
                self.current = Some(last);
            } else {
                // What the server goes on saying is where counting begins anew.
                self.strikes = 0;
                let process = Process::first_seen(reading, now.mono, reading.counters);
                self.replace(last, process);
            }
            return Observation::default();
        };
        self.strikes = 0;

        let before = step.before.as_ref().unwrap_or(&last);
        let role_changed = before.is_same(reading, now) && before.changes_role(reading);
        let process = Process::seen_again(before, reading, now.mono, step.base);
        self.replace(last, process);
        if let Some(reason) = step.reset {
            *self.resets.entry(reason).or_default() += 1;
        }
        self.role_changes += u64::from(role_changed);
        Observation {
            reset: step.reset,
            role_changed,
            ..self.add(&step.delta)
        }
    }

    /// Says what the reading means; `None` when it cannot be true.
    fn interpret(&self, last: &Process, reading: &Reading, now: Now) -> Option<Step> {
        let step = if last.is_same(reading, now) {
            last.proceed(reading, now)?
        } else if let Some(known) = self.remembered.iter().find(|p| p.is_same(reading, now)) {
            known.proceed(reading, now)?
        } else if last.started_since(reading, now) {
            Step::in_full(reading, ResetReason::Restart, last.gap(now))
        } else {
            Step {
                delta: fields::since(&reading.counters, &reading.counters),
                base: reading.counters,
                reset: Some(last.succession(reading)),
                span: last.gap(now),
                before: None,
            }
        };
        fields::is_plausible(&step.delta, step.span).then_some(step)
    }

    /// Makes `process` the current one and keeps the former one in mind, if it is another that can be recognised.
    fn replace(&mut self, last: Process, process: Process) {
        let (old, new) = (&last.identity.run_id, &process.identity.run_id);
        if old != new {
            self.remembered.retain(|p| p.identity.run_id != *new);
            if old.is_some() {
                if self.remembered.len() >= REMEMBERED {
                    self.remembered.pop_front();
                }
                self.remembered.push_back(last);
            }
        }
        self.current = Some(process);
    }

    fn add(&mut self, delta: &Counters) -> Observation {
        let add = |total: &mut Option<u64>, delta: Option<u64>| {
            if let Some(delta) = delta {
                *total = Some(total.unwrap_or(0).saturating_add(delta));
            }
        };
        add(&mut self.totals.hits, delta.hits);
        add(&mut self.totals.misses, delta.misses);
        add(&mut self.totals.evictions, delta.evicted);
        add(&mut self.totals.expirations, delta.expired);
        Observation {
            delta: Totals {
                hits: delta.hits,
                misses: delta.misses,
                evictions: delta.evicted,
                expirations: delta.expired,
            },
            ..Observation::default()
        }
    }
}

impl Step {
    /// Everything that the process counted is new.
    fn in_full(reading: &Reading, reason: ResetReason, span: Duration) -> Self {
        Self {
            delta: reading.counters,
            // What is not reported yet began at 0 too.
            base: fields::or(&reading.counters, &fields::ZERO),
            reset: Some(reason),
            span,
            before: None,
        }
    }
}

#[cfg(test)]
mod tests;
