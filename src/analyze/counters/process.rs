//! One server process as it was last seen, and what a new reading says about it.
//!
//! Invariant: counters are compared within one process only.

use std::time::Duration;

use super::{Step, fields};
use crate::model::reading::{Counters, Identity, Reading, Role};
use crate::model::snapshot::ResetReason;
use crate::model::time::Now;

/// `uptime_in_seconds` is a difference of two whole seconds, so it is off by up to one; a reading may also be late.
const UPTIME_SLACK: Duration = Duration::from_secs(2);

/// How far two clocks may run apart, as a part of the time that has passed.
const CLOCK_DRIFT: u32 = 1000;

#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) identity: Identity,
    role: Role,
    /// The last value of each counter that was ever reported.
    counters: Counters,
    /// When it was last seen, on the monotonic clock.
    seen: Duration,
}

impl Process {
    pub(super) fn first_seen(reading: &Reading, seen: Duration, counters: Counters) -> Self {
        Self {
            identity: reading.identity.clone(),
            role: reading.role,
            counters,
            seen,
        }
    }

    /// The process behind the reading, which takes its role from `before` when the reading does not tell it.
    pub(super) fn seen_again(
        before: &Self,
        reading: &Reading,
        seen: Duration,
        counters: Counters,
    ) -> Self {
        let mut process = Self::first_seen(reading, seen, counters);
        if process.role == Role::Unknown && process.identity.run_id == before.identity.run_id {
            process.role = before.role;
        }
        process
    }

    pub(super) fn gap(&self, now: Now) -> Duration {
        now.mono.saturating_sub(self.seen)
    }

    /// Whether the reading comes from this process.
    pub(super) fn is_same(&self, reading: &Reading, now: Now) -> bool {
        match (&self.identity.run_id, &reading.identity.run_id) {
            (Some(old), Some(new)) => old == new,
            (None, None) => {
                let pair = (
                    self.identity.uptime_seconds,
                    reading.identity.uptime_seconds,
                );
                let (Some(old), Some(new)) = pair else {
                    return true;
                };
                let gap = self.gap(now);
                let expected = Duration::from_secs(old).saturating_add(gap);
                expected.abs_diff(Duration::from_secs(new)) <= UPTIME_SLACK + gap / CLOCK_DRIFT
            }
            _ => false,
        }
    }

    /// Whether the process of the reading, another one, started after this one was last seen. All that it counted is
    /// then ours.
    pub(super) fn started_since(&self, reading: &Reading, now: Now) -> bool {
        reading.identity.uptime_seconds.is_some_and(|uptime| {
            Duration::from_secs(uptime) <= self.gap(now).saturating_add(UPTIME_SLACK)
        })
    }

    /// What a reading of the same process means; `None` when it cannot be true.
    pub(super) fn proceed(&self, reading: &Reading, now: Now) -> Option<Step> {
        let gap = self.gap(now);
        if !fields::any_dropped(&reading.counters, &self.counters) {
            return Some(Step {
                delta: fields::since(&reading.counters, &self.counters),
                base: fields::or(&reading.counters, &self.counters),
                reset: None,
                span: gap,
                before: Some(self.clone()),
            });
        }
        // After a reset all commands that are reported were done since we last looked. Where that is impossible, a
        // single counter ran backwards, as sums over threads may; it would be counted as if it had begun at 0.
        if !fields::commands_fit(&reading.counters, gap) {
            return None;
        }
        let reason = if self.identity.run_id.is_none() && !self.uptime_went_on(reading) {
            ResetReason::Restart
        } else {
            ResetReason::Resetstat
        };
        Some(Step {
            before: Some(self.clone()),
            ..Step::in_full(reading, reason, gap)
        })
    }

    fn uptime_went_on(&self, reading: &Reading) -> bool {
        let pair = (
            self.identity.uptime_seconds,
            reading.identity.uptime_seconds,
        );
        matches!(pair, (Some(old), Some(new)) if new >= old)
    }

    /// Why another process, which had been running already, answers now.
    pub(super) fn succession(&self, reading: &Reading) -> ResetReason {
        let (old, new) = (&self.identity, &reading.identity);
        let related =
            old.replid.is_some() && (new.replid == old.replid || new.replid2 == old.replid);
        if related {
            ResetReason::Failover
        } else {
            ResetReason::NodeSwap
        }
    }

    /// Whether the role went from primary to replica or back.
    pub(super) fn changes_role(&self, reading: &Reading) -> bool {
        matches!(
            (self.role, reading.role),
            (Role::Primary, Role::Replica) | (Role::Replica, Role::Primary)
        )
    }
}
