//! The same hour of earlier days, for rules that compare with it.
//!
//! Invariant: only what lies before the moment of the replay is told.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Slot;
use crate::alert::surroundings::PastRatio;
use crate::config::{Rule, Signal};
use crate::model::time::Now;

/// How many earlier days are looked at, as the engine does.
const DAYS: i64 = 14;
/// The same hour: half of it before, half of it after.
const HALF_AN_HOUR: SignedDuration = SignedDuration::from_mins(30);
/// How often the past is looked at, as the engine does.
const EVERY: Duration = Duration::from_mins(5);

/// What was counted up to the beginning of each slot.
pub(super) struct PastDays {
    sums: Vec<(Timestamp, u64, u64)>,
    found: Vec<PastRatio>,
    looked_at: Option<Now>,
}

impl PastDays {
    /// Empty for a rule that needs none.
    pub(super) fn new(rule: &Rule, slots: &[Slot]) -> Self {
        let mut sums = Vec::new();
        if matches!(rule.signal, Signal::Baseline(_)) {
            let (mut hits, mut misses) = (0_u64, 0_u64);
            for slot in slots {
                sums.push((slot.point.at, hits, misses));
                hits = hits.saturating_add(slot.point.hits.unwrap_or(0));
                misses = misses.saturating_add(slot.point.misses.unwrap_or(0));
            }
            sums.extend(slots.last().map(|last| (last.end(), hits, misses)));
        }
        Self {
            sums,
            found: Vec::new(),
            looked_at: None,
        }
    }

    /// The earlier days as they were known then.
    pub(super) fn at(&mut self, now: Now) -> &[PastRatio] {
        let due = self.looked_at.is_none_or(|last| now.since(last) >= EVERY);
        if due && !self.sums.is_empty() {
            self.looked_at = Some(now);
            self.found = (1..=DAYS)
                .rev()
                .filter_map(|day| self.day(day, now.wall))
                .collect();
        }
        &self.found
    }

    fn day(&self, day: i64, now: Timestamp) -> Option<PastRatio> {
        let middle = now.checked_sub(SignedDuration::from_hours(24 * day)).ok()?;
        let begin = middle.checked_sub(HALF_AN_HOUR).ok()?;
        let end = middle.checked_add(HALF_AN_HOUR).ok()?;
        let (hits_then, misses_then) = self.until(begin);
        let (hits, misses) = self.until(end);
        let (hits, misses) = (
            hits.saturating_sub(hits_then),
            misses.saturating_sub(misses_then),
        );
        let lookups = hits.saturating_add(misses);
        (lookups > 0).then(|| PastRatio {
            at: begin,
            ratio: misses as f64 / lookups as f64,
            lookups,
        })
    }

    /// Hits and misses of all slots that began before `at`.
    fn until(&self, at: Timestamp) -> (u64, u64) {
        let next = self.sums.partition_point(|(begun, ..)| *begun < at);
        let found = self.sums.get(next).or(self.sums.last());
        found.map_or((0, 0), |(_, hits, misses)| (*hits, *misses))
    }
}
