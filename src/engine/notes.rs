//! What the store knows that evaluations need: silences, annotations, and the same hour of earlier days.
//!
//! Deliberately absent: what they mean.
//!
//! Invariant: when the store does not answer, what was known goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::alert::surroundings::PastRatio;
use crate::model::name::CacheName;
use crate::model::record::{Annotation, HistoryPoint};
use crate::model::silence::Silence;
use crate::model::time::Now;
use crate::store::Store;

/// How soon a new silence or annotation is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often the past is looked at.
const PAST_EVERY: Duration = Duration::from_mins(5);
/// How far back annotations are wanted.
const ANNOTATIONS: SignedDuration = SignedDuration::from_hours(1);
/// How many earlier days are looked at.
const DAYS: i64 = 14;
/// The same hour: half of it before, half of it after.
const HALF_AN_HOUR: SignedDuration = SignedDuration::from_mins(30);
/// Slots of 15 min in that time; of a minute where nothing older is there.
const PAST_SLOTS: usize = 3_000;

/// What is known.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) silences: Vec<Silence>,
    pub(super) annotations: Vec<Annotation>,
    past: BTreeMap<CacheName, Vec<PastRatio>>,
    looked_at: Option<Now>,
    past_at: Option<Now>,
}

impl Notes {
    /// Looks into the store, if it is time to. `with_past`: the caches whose earlier days are wanted.
    pub(super) async fn refresh<'a>(
        &mut self,
        store: &Store,
        with_past: impl Iterator<Item = &'a CacheName>,
        now: Now,
    ) {
        if is_due(self.looked_at, LOOK_EVERY, now) {
            self.looked_at = Some(now);
            let from = now.wall.saturating_sub(ANNOTATIONS).unwrap_or(now.wall);
            if let Some(silences) = known(store.silences(now.wall).await) {
                self.silences = silences;
            }
            if let Some(annotations) = known(store.annotations(None, from, now.wall).await) {
                self.annotations = annotations;
            }
        }
        if is_due(self.past_at, PAST_EVERY, now) {
            self.past_at = Some(now);
            let from = now
                .wall
                .saturating_sub(SignedDuration::from_hours(24 * DAYS + 1));
            let from = from.unwrap_or(now.wall);
            for cache in with_past {
                let slots = store.history(cache, from, now.wall, PAST_SLOTS).await;
                if let Some(slots) = known(slots) {
                    self.past.insert(cache.clone(), same_hour(&slots, now.wall));
                }
            }
        }
    }

    /// The same hour of earlier days, as far as it was asked for.
    pub(super) fn past(&self, cache: &CacheName) -> &[PastRatio] {
        self.past.get(cache).map_or(&[], Vec::as_slice)
    }
}

fn is_due(last: Option<Now>, every: Duration, now: Now) -> bool {
    last.is_none_or(|last| now.since(last) >= every)
}

fn known<T>(answer: Result<T, crate::store::StoreError>) -> Option<T> {
    answer
        .inspect_err(
            |error| tracing::warn!(%error, "the store gave no answer; what was known goes on"),
        )
        .ok()
}

/// For each earlier day the miss ratio of the hour around this time of day, where there were lookups.
fn same_hour(slots: &[HistoryPoint], now: Timestamp) -> Vec<PastRatio> {
    let day = |n: i64| {
        let middle = now.checked_sub(SignedDuration::from_hours(24 * n)).ok()?;
        let (begin, end) = (
            middle.checked_sub(HALF_AN_HOUR).ok()?,
            middle.checked_add(HALF_AN_HOUR).ok()?,
        );
        let within = slots
            .iter()
            .filter(|slot| begin <= slot.at && slot.at < end);
        let (hits, misses) = within.fold((0_u64, 0_u64), |(hits, misses), slot| {
            (
                hits.saturating_add(slot.hits.unwrap_or(0)),
                misses.saturating_add(slot.misses.unwrap_or(0)),
            )
        });
        let lookups = hits.saturating_add(misses);
        (lookups > 0).then(|| PastRatio {
            at: begin,
            ratio: misses as f64 / lookups as f64,
            lookups,
        })
    };
    (1..=DAYS).rev().filter_map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_hour_of_earlier_days_counts() {
        let now = Timestamp::from_second(100 * 86_400).unwrap();
        let slot = |days: i64, minutes: i64, hits, misses| HistoryPoint {
            at: now - SignedDuration::from_mins(days * 1_440 - minutes),
            hits: Some(hits),
            misses: Some(misses),
            ..HistoryPoint::default()
        };
        let slots = [
            slot(2, -45, 999, 999),
            slot(2, -30, 80, 20),
            slot(2, 15, 70, 30),
            slot(2, 30, 999, 999),
            slot(1, 0, 0, 0),
            slot(0, 0, 999, 999),
        ];
        let past = same_hour(&slots, now);
        assert_eq!(past.len(), 1);
        assert_eq!(past[0].lookups, 200);
        assert!((past[0].ratio - 0.25).abs() < 1e-9);
    }
}
