//! Slots against the totals that they were cut from.

use proptest::prelude::*;

use super::*;
use crate::analyze::fixture::{at, config, counters, good, reading};
use crate::analyze::ledger::CacheLedger;
use crate::model::attribution::{Cause, NamespaceCost, OTHER};
use crate::model::lookups::{NamespaceLookups, NamespaceSums, SampleSums, SampleTotals};
use crate::model::record::ToldLookups;
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

/// The sample with what an application told of `a` so far, and sums of samples.
fn telling(hits: u64, misses: u64, intervals: u64) -> Vec<Arc<CacheSnapshot>> {
    let caches = crate::export::sample::rich().caches;
    let attributed = caches.iter().find(|cache| cache.attribution.is_some());
    let mut cache = CacheSnapshot::clone(attributed.unwrap());
    let attribution = Arc::make_mut(cache.attribution.as_mut().unwrap());
    attribution.totals.other.evictions += hits;
    attribution.costs = vec![NamespaceCost {
        namespace: "a".to_owned(),
        currency: "USD".to_owned(),
        total: 1.0,
        per_hour: 0.0,
        per_miss: 0.5,
        saved: None,
    }];
    let lookups = Arc::make_mut(&mut cache.lookups);
    lookups.application = vec![NamespaceLookups {
        namespace: Arc::from("a"),
        hits,
        misses,
    }];
    let whole = SampleSums {
        intervals,
        lookups: intervals * 100,
        ..SampleSums::default()
    };
    let sums = NamespaceSums {
        sampled: intervals * 7,
        part: intervals as f64 * 7.5,
        ..NamespaceSums::default()
    };
    lookups.sampled = Arc::new(SampleTotals {
        whole,
        namespaces: [(Arc::from("b"), sums)].into(),
    });
    vec![Arc::new(cache)]
}

#[test]
fn lookups_by_namespace_are_what_was_told_in_the_slot() {
    let mut slots = Slots::default();
    slots.step(&telling(100, 10, 3), at(0).wall);
    let short = slots.step(&telling(104, 11, 4), at(10).wall).unwrap();
    let (_, point) = &short.caches[0];
    assert_eq!(point.saved, Some(2.0), "four hits at 0.5");
    let sampled = point.sampled.unwrap();
    assert_eq!((sampled.intervals, sampled.lookups), (1, 100));
    let over = slots.step(&telling(110, 12, 5), at(60).wall).unwrap();
    assert_eq!(over.caches[0].1.saved, Some(3.0));
    let of = |name: &str| over.namespaces.iter().find(|(_, p)| p.namespace == name);
    let (_, a) = of("a").unwrap();
    assert_eq!(
        a.told,
        Some(ToldLookups {
            hits: 10,
            misses: 2
        })
    );
    assert_eq!((a.saved, a.misses), (Some(5.0), 0));
    let (_, b) = of("b").unwrap();
    assert_eq!(b.sampled.unwrap().sampled, 14);
    assert_eq!((b.told, b.saved), (None, None));
    // Nothing told is not known, and no 0.
    let idle = slots.step(&telling(110, 12, 5), at(120).wall).unwrap();
    assert_eq!(idle.namespaces, []);
    let (_, point) = &idle.caches[0];
    assert_eq!((point.saved, point.sampled), (None, None));
    // Sampling that began anew counts from 0.
    let anew = slots.step(&telling(110, 12, 2), at(180).wall).unwrap();
    assert_eq!(anew.caches[0].1.sampled.unwrap().intervals, 2);
    assert_eq!(anew.namespaces[0].1.sampled.unwrap().sampled, 14);
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
