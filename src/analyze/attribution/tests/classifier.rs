//! The classifier puts keys where the attributor counts them.

use proptest::prelude::*;

use super::*;

fn key(style: u64, i: u64) -> String {
    match style % 6 {
        0 => format!("user:{i}:profile"),
        1 => format!("session:{}", uuid(i)),
        2 => format!("ai:gpt-4o:{}", text(i, 64, HEX)),
        3 => format!("{{user{i}}}.following"),
        4 => format!("vip:{i}"),
        _ => text(i, 12, LETTERS),
    }
}

fn taught() -> Attributor {
    let patterns = Patterns::new([("vip", b"vip:*".as_slice())]).unwrap();
    let options = Options {
        patterns,
        ..small()
    };
    let mut attributor = Attributor::new(options, Duration::ZERO);
    feed(&mut attributor, 0, 120, (0..12_000).map(|i| key(i, i)));
    attributor
}

/// Which namespace counted one more event.
fn counted(attributor: &mut Attributor, key: &[u8]) -> String {
    let at = Duration::from_secs(121);
    let totals = |snapshot: &AttributionSnapshot| {
        let counts = snapshot.namespaces.iter();
        let mut counts: Vec<_> = counts
            .map(|n| (n.name.clone(), n.counters.misses.total()))
            .collect();
        counts.push((OTHER.to_owned(), snapshot.other.misses.total()));
        counts
    };
    let before = totals(&attributor.snapshot(at));
    attributor.event(KeyEvent::Miss, 0, key, at);
    let after = totals(&attributor.snapshot(at));
    let moved = after.iter().find(|count| !before.contains(count));
    moved.unwrap().0.clone()
}

#[test]
fn keys_go_where_events_about_them_are_counted() {
    let mut attributor = taught();
    let classifier = attributor.classifier();
    assert_eq!(classifier.classify(b"vip:7"), Some("vip"));
    assert_eq!(
        classifier.classify(b"user:7:profile"),
        Some("user:*:profile")
    );
    // A word that was never seen is an id, and nothing but ids has a namespace here.
    assert_eq!(classifier.classify(b"never:seen:9"), Some("*"));
    assert_eq!(classifier.classify(b"user:9:never"), None);
    for i in 0..300 {
        let key = key(i, 50_000 + i);
        let ours = classifier.classify(key.as_bytes()).unwrap_or(OTHER);
        assert_eq!(ours, counted(&mut attributor, key.as_bytes()), "{key}");
    }
    let long = format!("user:{}:profile", "9".repeat(5000));
    let ours = classifier.classify(long.as_bytes());
    assert_eq!(ours, Some("user:*:profile"));
    assert_eq!(counted(&mut attributor, long.as_bytes()), "user:*:profile");
}

#[test]
fn it_is_frozen_shared_and_names_no_key() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let mut attributor = taught();
    let classifier = attributor.classifier();
    shared(&classifier);
    feed(
        &mut attributor,
        121,
        120,
        (0..12_000).map(|i| format!("later:{i}")),
    );
    assert_eq!(classifier.classify(b"later:1"), Some("*"));
    assert_eq!(
        attributor.classifier().classify(b"later:1"),
        Some("later:*")
    );
    for name in classifier.names() {
        assert!(
            !name.contains(|c: char| c.is_ascii_digit()) || name.contains("gpt-4o"),
            "{name}"
        );
    }
    let empty = Attributor::new(small(), Duration::ZERO).classifier();
    assert_eq!(empty.classify(b""), None);
}

#[test]
fn a_retired_namespace_is_in_no_place() {
    let options = Options {
        namespaces: 1,
        retire_after: Duration::from_mins(1),
        ..small()
    };
    let mut attributor = Attributor::new(options, Duration::ZERO);
    feed(
        &mut attributor,
        0,
        120,
        (0..6000).map(|i| format!("old:{i}")),
    );
    let before = attributor.classifier();
    feed(
        &mut attributor,
        200,
        300,
        (0..20_000).map(|i| format!("new:{i}")),
    );
    assert_eq!(before.classify(b"old:1"), Some("old:*"));
    assert_eq!(attributor.snapshot(Duration::from_secs(500)).retired, 1);
    let after = attributor.classifier();
    assert_eq!(after.classify(b"old:1"), None);
    assert_eq!(after.classify(b"new:1"), Some("new:*"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_go_where_events_are_counted(key: Vec<u8>, style in 0_u64..6, tail in "[a-z0-9:.{}|/-]{0,12}") {
        thread_local!(static TAUGHT: Attributor = taught());
        let mut attributor = TAUGHT.with(Clone::clone);
        let classifier = attributor.classifier();
        let styled = [self::key(style, 7).as_bytes(), tail.as_bytes()].concat();
        for key in [key, styled] {
            let ours = classifier.classify(&key).unwrap_or(OTHER).to_owned();
            prop_assert_eq!(ours, counted(&mut attributor, &key));
        }
    }
}
