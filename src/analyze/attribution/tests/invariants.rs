//! What holds whatever is fed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::price::{Price, PriceError};

fn kind() -> impl Strategy<Value = KeyEvent> {
    proptest::sample::select(vec![
        KeyEvent::Miss,
        KeyEvent::Expired,
        KeyEvent::Evicted,
        KeyEvent::Deleted,
        KeyEvent::Written,
    ])
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0..6_usize, 0..2000_u64).prop_map(|(s, i)| {
            let style = ["user:{}:profile", "s:{}", "a-{}/{}", "{{}}.x", "x[{}]y", "n{}_z"][s];
            style.replace("{}", &i.to_string()).into_bytes()
        }),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => proptest::collection::vec(proptest::sample::select(b":/.|-{}[]()?@%_09azAZ\xff\n".to_vec()), 0..60),
    ]
}

fn counts(snapshot: &AttributionSnapshot) -> BTreeMap<u64, Counters> {
    let named = snapshot.namespaces.iter().map(|n| (n.id, n.counters));
    named.chain([(0, snapshot.other)]).collect()
}

fn check(snapshot: &AttributionSnapshot) -> Result<(), TestCaseError> {
    let total = snapshot.total();
    prop_assert_eq!(total.misses.total(), snapshot.events.misses);
    prop_assert_eq!(total.expirations, snapshot.events.expired);
    prop_assert_eq!(total.evictions, snapshot.events.evicted);
    prop_assert_eq!(total.deletions, snapshot.events.deleted);
    let all = snapshot
        .namespaces
        .iter()
        .map(|n| n.counters)
        .chain([snapshot.other]);
    for counters in all {
        prop_assert_eq!(
            counters.evicted_ages.total(),
            counters.misses.get(Cause::Evicted)
        );
        prop_assert_eq!(
            counters.expired_ages.total(),
            counters.misses.get(Cause::Expired)
        );
        prop_assert!(counters.repeats + counters.stampedes <= counters.misses.total());
    }
    for namespace in &snapshot.namespaces {
        prop_assert!(!namespace.name.chars().any(char::is_control));
        prop_assert!(!namespace.name.is_empty() && namespace.name.len() <= MAX_NAME_BYTES);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sums_are_exact_counters_grow_and_memory_stays(
        events in proptest::collection::vec((kind(), 0_u32..3, key(), 0_u64..400), 1..1500),
        every in 50..200_usize,
    ) {
        let options = Options {
            namespaces: 6,
            removals: 64,
            misses: 32,
            admit_after: Duration::from_secs(3),
            retire_after: Duration::from_hours(24),
            ..Options::default()
        };
        let mut attributor = Attributor::new(options, Duration::ZERO);
        let bytes = attributor.bytes();
        let mut now = Duration::ZERO;
        let mut last = BTreeMap::<u64, Counters>::new();
        for (i, (event, db, key, wait)) in events.into_iter().enumerate() {
            now += Duration::from_millis(wait);
            attributor.event(event, db, &key, now);
            match i % 97 {
                31 => attributor.gap(now),
                59 => attributor.flushed(None, Some(3), now),
                _ => {}
            }
            if i % every == 0 {
                let snapshot = attributor.snapshot(now);
                check(&snapshot)?;
                let sum = snapshot.total().events() + snapshot.events.written;
                prop_assert_eq!(sum, i as u64 + 1);
                let counts = counts(&snapshot);
                for (id, before) in &last {
                    let after = counts.get(id).copied().unwrap_or_default();
                    for cause in Cause::ALL {
                        prop_assert!(after.misses.get(cause) >= before.misses.get(cause));
                    }
                    prop_assert!(after.events() >= before.events());
                    prop_assert!(after.repeats >= before.repeats);
                    prop_assert!(after.stampedes >= before.stampedes);
                }
                last = counts;
                prop_assert!(snapshot.namespaces.len() <= 6);
            }
        }
        prop_assert_eq!(attributor.bytes(), bytes);
    }
}

#[test]
fn long_keys_are_looked_at_from_both_ends() {
    let patterns = Patterns::new([("big", b"big:*:end".as_slice())]).unwrap();
    let mut attributor = Attributor::new(
        Options {
            patterns,
            ..small()
        },
        Duration::ZERO,
    );
    let middle = "x".repeat(1 << 20);
    for i in 0..3 {
        let key = format!("big:{middle}{i}{middle}:end");
        attributor.event(KeyEvent::Miss, 0, key.as_bytes(), Duration::ZERO);
    }
    let snapshot = attributor.snapshot(Duration::ZERO);
    assert_eq!(misses(&snapshot, "big"), 3);
    assert_eq!(snapshot.total().stampedes, 0, "they are different keys");
}

#[test]
fn nodes_merge_by_name() {
    let node = |style: &str, from: u64| {
        let mut attributor = Attributor::new(small(), Duration::ZERO);
        let keys = (0..20_000).map(|i| {
            if i % 2 == 0 {
                format!("both:{}", i + from)
            } else {
                format!("{style}:{i}")
            }
        });
        feed(&mut attributor, 0, 70, keys);
        attributor.snapshot(Duration::from_secs(70))
    };
    let (mut a, b) = (node("left", 0), node("right", 1 << 20));
    let (before, sum) = (
        misses(&a, "both:*"),
        misses(&a, "both:*") + misses(&b, "both:*"),
    );
    assert!(before > 0 && sum > before);
    a.merge(&b);
    assert_eq!(misses(&a, "both:*"), sum);
    assert_eq!(
        names(&a).into_iter().collect::<Vec<_>>(),
        ["both:*", "left:*", "right:*"]
    );
    assert_eq!(a.total().misses.total(), 40_000);
    assert_eq!(a.events.misses, 40_000);
}

#[test]
fn misses_cost_what_their_namespace_says() {
    let patterns = Patterns::new([("ai", b"ai:*".as_slice()), ("sql", b"sql:*")]).unwrap();
    let mut attributor = Attributor::new(
        Options {
            patterns,
            ..small()
        },
        Duration::ZERO,
    );
    let costs = MissCosts::new([
        ("ai".to_owned(), Price::new(0.012, "USD").unwrap()),
        ("nobody".to_owned(), Price::new(1.0, "USD").unwrap()),
    ]);
    let mut last = 0.0;
    for round in 1..=10 {
        feed(
            &mut attributor,
            round,
            1,
            (0..100).map(|i| format!("{}:{i}", ["ai", "sql"][i % 2])),
        );
        let snapshot = attributor.snapshot(Duration::from_secs(round + 1));
        let priced = costs.of(&snapshot, &snapshot.namespaces, Duration::from_mins(30));
        let [ai] = priced.as_slice() else {
            panic!("{priced:?}")
        };
        let total = ai.total;
        assert!((ai.per_hour - total * 2.0).abs() < 1e-9);
        assert_eq!(ai.saved, None);
        assert!(total > last);
        last = total;
    }
    assert!((last - 6.0).abs() < 1e-9, "500 misses at 0.012: {last}");
    assert_eq!(Price::new(-1.0, "USD"), Err(PriceError::Amount));
    assert_eq!(Price::new(f64::NAN, "USD"), Err(PriceError::Amount));
    assert_eq!(Price::new(1.0, "U$"), Err(PriceError::Currency));
}
