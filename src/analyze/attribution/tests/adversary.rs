//! Whoever invents keys gains nothing.

use super::*;

const REAL: [&str; 3] = ["user:*:profile", "sess:*", "ai:gpt-4o:*"];

fn real(i: u64) -> String {
    match i % 3 {
        0 => format!("user:{i}:profile"),
        1 => format!("sess:{}", text(i, 24, BASE62)),
        _ => format!("ai:gpt-4o:{}", text(i, 64, HEX)),
    }
}

/// Prefixes that come with 1 to 40 keys each, at several depths and with several separators.
fn invented(i: u64) -> String {
    let word = |n: u64| text(n, 5, LETTERS);
    let separator = [":", "/", ".", "|", "-"][usize::try_from(i % 5).unwrap()];
    match i % 4 {
        0 => format!("{}{separator}{i}", word(i / 40)),
        1 => format!("{}{separator}{}{separator}{i}", word(i / 160), word(i / 40)),
        2 => format!("user:{}:{}", word(i), word(i / 40)),
        _ => format!(
            "{}{}{i}",
            word(i),
            ":".repeat(usize::try_from(i % 9).unwrap())
        ),
    }
}

#[test]
fn invented_prefixes_neither_grow_memory_nor_push_out_real_ones() {
    let mut attributor = Attributor::new(small(), Duration::ZERO);
    feed(&mut attributor, 0, 70, (0..10_000).map(real));
    let before = attributor.snapshot(Duration::from_secs(70));
    assert_eq!(names(&before), REAL.map(str::to_owned).into());
    let bytes = attributor.bytes();

    feed(
        &mut attributor,
        70,
        3600,
        (0..600_000).map(|i| {
            if i % 60 == 0 {
                real(i / 60)
            } else {
                invented(i)
            }
        }),
    );
    let after = attributor.snapshot(Duration::from_secs(3670));
    assert_eq!(attributor.bytes(), bytes);
    for name in REAL {
        let grown = misses(&after, name) - misses(&before, name);
        assert!((3333..=3334).contains(&grown), "{name}: {grown}");
    }
    assert!(after.namespaces.len() <= 50);
    assert_eq!(after.total().misses.total(), 610_000);
}

#[test]
fn a_new_real_namespace_is_found_in_the_middle_of_a_flood() {
    let mut attributor = Attributor::new(small(), Duration::ZERO);
    feed(&mut attributor, 0, 600, (0..300_000).map(invented));
    feed(
        &mut attributor,
        600,
        300,
        (300_000..600_000).map(|i| {
            if i % 20 == 0 {
                format!("order:{i}")
            } else {
                invented(i)
            }
        }),
    );
    let snapshot = attributor.snapshot(Duration::from_mins(15));
    assert!(
        names(&snapshot).contains("order:*"),
        "{:?}",
        names(&snapshot)
    );
}

#[test]
fn patient_junk_does_not_get_the_reserve() {
    // Sixty prefixes that keep coming, before the real ones do.
    let mut attributor = Attributor::new(
        Options {
            namespaces: 20,
            ..small()
        },
        Duration::ZERO,
    );
    let junk = |i: u64| {
        format!(
            "junk{}:{}:{i}",
            text(i % 4, 3, LETTERS),
            text(i % 30, 3, LETTERS)
        )
    };
    feed(&mut attributor, 0, 300, (0..60_000).map(junk));
    assert!(attributor.snapshot(Duration::from_mins(5)).namespaces.len() <= 20);
    feed(
        &mut attributor,
        300,
        300,
        (0..120_000).map(|i| if i % 2 == 0 { junk(i) } else { real(i / 2) }),
    );
    let snapshot = attributor.snapshot(Duration::from_mins(10));
    let names = names(&snapshot);
    assert!(REAL.iter().all(|name| names.contains(*name)), "{names:?}");
}

#[test]
fn a_flood_of_random_keys_leaves_the_removals_alone() {
    let mut attributor = Attributor::new(small(), Duration::ZERO);
    let at = Duration::from_secs;
    for i in 0..500 {
        attributor.event(KeyEvent::Evicted, 0, format!("a:{i}").as_bytes(), at(1));
    }
    for i in 0..200_000 {
        attributor.event(KeyEvent::Miss, 0, format!("b:{i}").as_bytes(), at(2));
    }
    for i in 0..500 {
        attributor.event(KeyEvent::Miss, 0, format!("a:{i}").as_bytes(), at(10));
    }
    let snapshot = attributor.snapshot(at(10));
    assert_eq!(snapshot.total().misses.get(Cause::Evicted), 500);
    assert_eq!(snapshot.total().misses.get(Cause::NeverSeen), 200_000);
    assert_eq!(snapshot.total().evicted_ages.within(8), 0);
    assert_eq!(snapshot.total().evicted_ages.within(9), 500);
    assert_eq!(
        (snapshot.removals.occupied, snapshot.removals.fell_out),
        (500, 0)
    );
    assert!(snapshot.misses.fell_out > 190_000);
    assert_eq!(snapshot.horizon, at(10));
}

#[test]
fn a_dead_namespace_gives_way_only_when_its_place_is_wanted() {
    let mut attributor = Attributor::new(
        Options {
            namespaces: 4,
            retire_after: Duration::from_secs(1000),
            ..small()
        },
        Duration::ZERO,
    );
    let names_of = |i: u64, set: u64| format!("{}:{i}", text(i % 4 + set * 4, 6, LETTERS));
    feed(&mut attributor, 0, 100, (0..10_000).map(|i| names_of(i, 0)));
    let first = attributor.snapshot(Duration::from_secs(100));
    assert_eq!(first.namespaces.len(), 4);
    feed(
        &mut attributor,
        100,
        900,
        (0..90_000).map(|i| names_of(i, 1)),
    );
    let second = attributor.snapshot(Duration::from_secs(1000));
    assert_eq!(names(&second), names(&first), "not dead for long enough");
    feed(
        &mut attributor,
        1000,
        400,
        (0..40_000).map(|i| names_of(i, 1)),
    );
    let third = attributor.snapshot(Duration::from_secs(1400));
    assert_eq!(third.retired, 4);
    assert!(names(&third).is_disjoint(&names(&first)));
    assert!(third.other.misses.total() > second.other.misses.total());
    assert_eq!(third.total().misses.total(), 140_000);
}
