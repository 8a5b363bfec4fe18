//! All caches together, and which of them is the worst.

use std::cmp::Ordering;

use super::gather::{part, rated, total};
use super::numbers::{Cache, Counts, Fleet};
use super::period::Period;

/// The highest miss ratio that is sure comes first, so that few lookups do not lead; what is not known comes last.
pub(super) fn worst_first(caches: &mut [Cache]) {
    caches.sort_by(|a, b| {
        let rank = |cache: &Cache| cache.counts.hit_ratio_upper;
        let known = match (rank(a), rank(b)) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        known.then_with(|| a.cache.cmp(&b.cache))
    });
}

pub(super) fn sum(period: &Period, caches: &[Cache]) -> Fleet {
    let now: Vec<_> = caches.iter().map(|cache| cache.counts).collect();
    let before: Vec<_> = caches.iter().filter_map(|cache| cache.previous).collect();
    let without = caches
        .iter()
        .filter(|cache| cache.record.slots.is_empty())
        .count();
    Fleet {
        caches: caches.len(),
        caches_without_data: without,
        counts: together(&now, caches.len(), period.seconds()),
        previous: (!before.is_empty())
            .then(|| together(&before, caches.len(), period.seconds_before())),
        incidents: caches.iter().map(|cache| cache.incidents.count).sum(),
        incidents_open: caches.iter().map(|cache| cache.incidents.open).sum(),
    }
}

/// Costs and savings are left out: caches may count in different currencies. Coverage is the mean of the caches'.
fn together(all: &[Counts], caches: usize, seconds: f64) -> Counts {
    let rated_ones = || all.iter().filter(|counts| counts.lookups.is_some());
    let covered = all.iter().map(|counts| counts.covered_seconds);
    let covered = covered.fold(0.0, |a, b| a + b);
    let covered = part(covered, caches as f64).unwrap_or(0.0);
    rated(Counts {
        covered_ratio: part(covered, seconds).unwrap_or(0.0).min(1.0),
        covered_seconds: covered,
        hits: total(rated_ones().map(|counts| counts.hits)),
        misses: total(rated_ones().map(|counts| counts.misses)),
        evictions: total(all.iter().map(|counts| counts.evictions)),
        expirations: total(all.iter().map(|counts| counts.expirations)),
        ..Counts::default()
    })
}
