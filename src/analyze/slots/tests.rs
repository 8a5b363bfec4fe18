//! Slots against the totals that they were cut from.

use proptest::prelude::*;

use super::*;
use crate::analyze::fixture::{at, config, counters, good, reading};
use crate::analyze::ledger::CacheLedger;
use crate::model::time::Now;

struct Cache {
    ledger: CacheLedger,
    slots: Slots,
    hits: u64,
}

impl Cache {
    fn new() -> Self {
        Self {
            ledger: CacheLedger::new(&config()),
            slots: Slots::default(),
            hits: 0,
        }
    }

    /// A reading `hits` later, and a beat.
    fn beat(&mut self, now: Now, hits: u64) -> Option<Finished> {
        self.hits += hits;
        let seconds = now.mono.as_secs();
        let said = reading(Some("a"), seconds + 100, counters(self.hits, 0, self.hits));
        self.ledger.observe(&good(now, said));
        self.look(now)
    }

    fn look(&mut self, now: Now) -> Option<Finished> {
        self.slots
            .step(&[Arc::new(self.ledger.snapshot(now))], now.wall)
    }
}

#[test]
fn a_slot_is_what_was_counted_in_it() {
    let mut cache = Cache::new();
    assert_eq!(
        cache.beat(at(100), 7),
        Some(Finished::default()),
        "the first beat only begins"
    );
    assert_eq!(cache.beat(at(105), 3), None);
    let finished = cache.beat(at(110), 4).unwrap();
    let (name, point) = &finished.caches[0];
    assert_eq!(name.as_str(), "sessions");
    assert_eq!(point.at, at(100).wall);
    assert_eq!((point.hits, point.misses), (Some(7), Some(0)));
    assert!((point.covered_seconds - 10.0).abs() < 1e-9);
}

#[test]
fn without_a_reading_nothing_is_covered() {
    let mut cache = Cache::new();
    cache.beat(at(100), 0);
    cache.beat(at(110), 0);
    let finished = cache.look(at(120)).unwrap();
    assert!(finished.caches[0].1.covered_seconds.abs() < 1e-9);
}

#[test]
fn namespaces_come_by_the_minute() {
    let snapshot = crate::export::sample::rich();
    let mut slots = Slots::default();
    slots.step(&snapshot.caches, at(0).wall);
    let later = slots.step(&snapshot.caches, at(30).wall).unwrap();
    assert_eq!(later.namespaces, [], "the minute is not over");
    let mut grown = snapshot.clone();
    for cache in &mut grown.caches {
        let mut changed = CacheSnapshot::clone(cache);
        if let Some(attribution) = &mut changed.attribution {
            Arc::make_mut(attribution).totals.other.evictions += 5;
        }
        *cache = Arc::new(changed);
    }
    let over = slots.step(&grown.caches, at(60).wall).unwrap();
    let attributed = grown
        .caches
        .iter()
        .filter(|c| c.attribution.is_some())
        .count();
    assert!(attributed > 0);
    assert_eq!(
        over.namespaces.len(),
        attributed,
        "only where something happened"
    );
    let (_, point) = &over.namespaces[0];
    assert_eq!(
        (point.namespace.as_str(), point.evictions, point.misses),
        (OTHER, 5, 0)
    );
    assert_eq!(point.causes.len(), Cause::ALL.len());
}

proptest! {
    #[test]
    fn nothing_is_lost_between_slots(steps in proptest::collection::vec((1_u64..40, 0_u64..1_000), 1..40)) {
        let mut cache = Cache::new();
        let (mut now, mut stored, mut all) = (1_000, 0, 0);
        cache.beat(at(now), 0);
        for (seconds, hits) in steps {
            now += seconds;
            all += hits;
            if let Some(finished) = cache.beat(at(now), hits) {
                stored += finished.caches.iter().filter_map(|(_, p)| p.hits).sum::<u64>();
            }
        }
        now += 10;
        let last = cache.look(at(now)).unwrap();
        stored += last.caches.iter().filter_map(|(_, p)| p.hits).sum::<u64>();
        prop_assert_eq!(stored, all);
    }
}
