//! The reason for misses, guessed from how many keys are evicted and expire: for a cache without events.
//!
//! Invariant: a reason is only named when there is enough of it to explain the misses.

use crate::model::incident::MissEvidence;
use crate::notify::format::{percent, rate_of};

use super::{extra_per_second, known};

/// Evictions are named as a reason when there is at least one for every ten misses too many: fewer could not explain them.
const EVICTIONS_PER_MISS: f64 = 0.1;
/// Expirations are part of every healthy cache, so they are named only when there is one for every second miss too many.
const EXPIRATIONS_PER_MISS: f64 = 0.5;
/// From this share of the limit on, memory counts as full: servers evict a little below the limit, too.
pub(super) const MEMORY_FULL_RATIO: f64 = 0.95;

/// A sentence, and what to try.
pub(super) fn reason(e: &MissEvidence) -> (String, String) {
    let reason = Reason::of(e);
    (reason.sentence(), reason.advice().to_owned())
}

/// What the numbers say about why.
struct Reason {
    /// Evictions per second, when they are enough to explain the misses.
    evictions: Option<f64>,
    /// Memory in use, when that is next to its limit.
    memory_full: Option<f64>,
    /// Expirations per second, when they are enough to explain the misses.
    expirations: Option<f64>,
    /// Whether the numbers that could show a reason were there at all.
    measured: bool,
}

impl Reason {
    fn of(e: &MissEvidence) -> Self {
        let misses = known(e.short_ratio)
            .zip(known(e.lookups_per_second))
            .map(|(ratio, lookups)| ratio * lookups);
        // Against the misses that need explaining; all of them, where it is not known how many are normal.
        let to_explain = extra_per_second(e).or(misses).filter(|m| *m > 0.0);
        let enough = |per_second: Option<f64>, per_miss: f64| {
            known(per_second)
                .zip(to_explain)
                .filter(|(rate, misses)| *rate > 0.0 && *rate >= misses * per_miss)
                .map(|(rate, _)| rate)
        };
        Self {
            evictions: enough(e.evictions_per_second, EVICTIONS_PER_MISS),
            memory_full: known(e.memory_used_ratio).filter(|r| *r >= MEMORY_FULL_RATIO),
            expirations: enough(e.expirations_per_second, EXPIRATIONS_PER_MISS),
            measured: known(e.evictions_per_second).is_some()
                && known(e.expirations_per_second).is_some()
                && to_explain.is_some(),
        }
    }

    fn sentence(&self) -> String {
        let evicts = |r: f64| match self.memory_full {
            Some(used) => format!(
                "memory is full ({} of its limit): the server evicts {}",
                percent(used),
                rate_of(r, " keys")
            ),
            // Servers evict for no other reason than their memory limit.
            None => format!(
                "the server evicts {} to stay within its memory limit",
                rate_of(r, " keys")
            ),
        };
        let expires = |r: f64| {
            format!(
                "{} reach the end of their time to live",
                rate_of(r, " keys")
            )
        };
        match (self.evictions, self.expirations) {
            (Some(ev), Some(ex)) => format!("Likely reason: {}, and {}.", evicts(ev), expires(ex)),
            (Some(ev), None) => format!("Likely reason: {}.", evicts(ev)),
            (None, Some(ex)) => format!(
                "Possible reason: {}; each one misses once when it is looked up again.",
                expires(ex)
            ),
            (None, None) if self.measured => {
                "The reason is not known: too few keys are evicted or expire to explain the misses."
                    .to_owned()
            }
            (None, None) => {
                "The reason is not known: some of the numbers that could show it are missing."
                    .to_owned()
            }
        }
    }

    fn advice(&self) -> &'static str {
        match (self.evictions, self.expirations) {
            (Some(_), _) => {
                "Try: raise maxmemory, shorten the time to live of keys that are seldom read, or store smaller values."
            }
            (None, Some(_)) => {
                "Try: add a random part (jitter) to times to live, or refresh keys that are read often before they expire."
            }
            (None, None) => {
                "Try: look for a deployment that changed key names, a flush or a restart, or new traffic for keys that were never stored, for which negative caching helps."
            }
        }
    }
}
