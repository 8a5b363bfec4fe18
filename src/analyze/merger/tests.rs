//! Nodes that count, retire, come and go, and what the cache makes of it.

use proptest::prelude::*;

use super::*;
use crate::analyze::attribution::{Attributor, KeyEvent, Options, Patterns};
use crate::analyze::fixture::at;
use crate::config::NamespaceConfig;
use crate::model::price::Price;

fn node(i: u16) -> NodeName {
    NodeName::tcp("n", i)
}

fn attributor() -> Attributor {
    Attributor::new(
        Options {
            patterns: Patterns::new([("ai", b"ai:*".as_slice())]).unwrap(),
            removals: 1000,
            misses: 1000,
            admit_after: Duration::ZERO,
            ..Options::default()
        },
        Duration::ZERO,
    )
}

fn config() -> AttributionConfig {
    AttributionConfig {
        namespaces: vec![NamespaceConfig {
            name: "ai".to_owned(),
            pattern: "ai:*".to_owned(),
            price: Some(Price::new(0.5, "USD").unwrap()),
        }],
        ..AttributionConfig::default()
    }
}

fn miss(attributor: &mut Attributor, times: u32, key: &str, seconds: u64) {
    for _ in 0..times {
        attributor.event(
            KeyEvent::Miss,
            0,
            key.as_bytes(),
            Duration::from_secs(seconds),
        );
    }
}

fn tell(merger: &mut Merger, who: u16, attributor: &mut Attributor, seconds: u64) {
    let snapshot = Arc::new(attributor.snapshot(Duration::from_secs(seconds)));
    merger.observe(&node(who), Some(&snapshot), true, Some(1.0), at(seconds));
}

fn misses(list: &[NamespaceCounts], name: &str) -> u64 {
    let found = list.iter().find(|n| n.name == name);
    found.map_or(0, |n| n.counters.misses.total())
}

#[test]
fn what_was_before_the_first_reading_is_left_out() {
    let (mut merger, mut one) = (Merger::new(&config()), attributor());
    miss(&mut one, 7, "ai:1", 0);
    merger.observe(
        &node(1),
        Some(&Arc::new(one.snapshot(Duration::ZERO))),
        false,
        None,
        at(0),
    );
    assert!(merger.latest().is_none());
    tell(&mut merger, 1, &mut one, 1);
    let first = merger.latest().unwrap();
    assert_eq!(misses(&first.totals.namespaces, "ai"), 0);
    assert!(first.costs[0].total.abs() < f64::EPSILON);
    miss(&mut one, 4, "ai:1", 2);
    tell(&mut merger, 1, &mut one, 61);
    let second = merger.latest().unwrap();
    assert_eq!(misses(&second.totals.namespaces, "ai"), 4);
    assert_eq!(second.totals.events.misses, 4);
    assert!((second.costs[0].total - 2.0).abs() < 1e-9);
    assert_eq!(second.recent_span, Duration::from_mins(1));
    assert!((second.costs[0].per_hour - 120.0).abs() < 1e-9);
}

#[test]
fn nodes_are_added_by_name_and_one_that_goes_takes_nothing_along() {
    let mut merger = Merger::new(&config());
    let (mut one, mut two) = (attributor(), attributor());
    tell(&mut merger, 1, &mut one, 0);
    tell(&mut merger, 2, &mut two, 0);
    miss(&mut one, 3, "ai:1", 1);
    miss(&mut two, 4, "ai:2", 1);
    tell(&mut merger, 1, &mut one, 5);
    tell(&mut merger, 2, &mut two, 5);
    merger.forget(&node(1));
    let mut anew = attributor();
    miss(&mut anew, 1, "ai:1", 6);
    tell(&mut merger, 1, &mut anew, 6);
    miss(&mut anew, 2, "ai:1", 7);
    tell(&mut merger, 1, &mut anew, 8);
    let all = merger.latest().unwrap();
    assert_eq!(misses(&all.totals.namespaces, "ai"), 9);
    assert_eq!(misses(&all.recent, "ai"), 9);
}

#[test]
fn recent_growth_is_forgotten_and_memory_is_bounded() {
    let (mut merger, mut one) = (Merger::new(&config()), attributor());
    tell(&mut merger, 1, &mut one, 0);
    miss(&mut one, 5, "ai:1", 1);
    for second in 1..2000 {
        if second == 1500 {
            miss(&mut one, 2, "ai:2", 1500);
        }
        tell(&mut merger, 1, &mut one, second);
        assert!(merger.slices.len() <= SLICES);
        let now = merger.latest().unwrap();
        assert!(now.recent_span <= RECENT + RECENT / 20 + Duration::from_secs(1));
        let expected = match second {
            0..=300 => 5,
            1500..=1800 => 2,
            // A slice goes when all of it is too old.
            301..=320 | 1801..=1820 => continue,
            _ => 0,
        };
        assert_eq!(misses(&now.recent, "ai"), expected, "{second}");
    }
    assert_eq!(misses(&merger.latest().unwrap().totals.namespaces, "ai"), 7);
}

fn told(namespaces: Vec<(u64, String, Counters)>, other: &Counters) -> Arc<AttributionSnapshot> {
    let mut snapshot = attributor().snapshot(Duration::ZERO);
    snapshot.namespaces = namespaces
        .into_iter()
        .map(|(id, name, counters)| NamespaceCounts {
            name,
            id,
            configured: false,
            counters,
        })
        .collect();
    snapshot.other = *other;
    Arc::new(snapshot)
}

fn evictions(n: u64) -> Counters {
    Counters {
        evictions: n,
        ..Counters::default()
    }
}

proptest! {
    /// A node that counts, retires and admits as it likes: the sum is exact, nothing goes back, and there are never more
    /// namespaces than allowed.
    #[test]
    fn sums_are_exact_and_only_grow(steps in proptest::collection::vec((0_usize..6, 0_u64..5, any::<bool>()), 1..80)) {
        let max = 3;
        let mut merger = Merger::new(&AttributionConfig { max_namespaces: max, ..AttributionConfig::default() });
        let mut live: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        let (mut other, mut id, mut truth) = (0, 0, 0);
        let mut before: BTreeMap<(String, u64), u64> = BTreeMap::new();
        let snapshot = told(Vec::new(), &Counters::default());
        merger.observe(&node(1), Some(&snapshot), true, None, at(0));
        for (step, (name, count, retire)) in (1..).zip(steps) {
            if retire && let Some((_, counted)) = live.remove(&name) {
                other += counted;
            }
            let is_full = live.len() >= max && !live.contains_key(&name);
            truth += count;
            if is_full {
                other += count;
            } else {
                id += 1;
                live.entry(name).or_insert((id, 0)).1 += count;
            }
            let list = live.iter().map(|(name, (id, n))| (*id, format!("n{name}"), evictions(*n))).collect();
            merger.observe(&node(1), Some(&told(list, &evictions(other))), true, None, at(step));
            let totals = &merger.latest().unwrap().totals;
            prop_assert_eq!(totals.total().evictions, truth);
            prop_assert!(totals.namespaces.len() <= max);
            for namespace in &totals.namespaces {
                let last = before.insert((namespace.name.clone(), namespace.id), namespace.counters.evictions);
                prop_assert!(last.unwrap_or(0) <= namespace.counters.evictions);
            }
        }
    }
}
