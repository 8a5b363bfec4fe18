//! Namespaces of whose lookups something is known, against a truth that is known.

use super::*;
use crate::analyze::sample::{Interval, NamespaceCount};
use crate::model::attribution::LookupSource;
use crate::model::lookups::{NamespaceSums, SampleSums};

/// What an application told of a namespace whose misses are attributed, too.
fn told(text: &str, hits: u64, misses: u64, saved: Option<f64>) -> NamespacePoint {
    NamespacePoint {
        told: Some(ToldLookups { hits, misses }),
        saved,
        ..namespace(
            text,
            [0, 0, 0, 0, misses, 0],
            saved.map(|_| misses as f64 * 0.002),
        )
    }
}

/// Samples of a node with 1000 lookups a second, of which the namespace has a quarter, and of which `misses` a minute miss.
fn samples(intervals: u64, misses: u64) -> (SampleSums, NamespaceSums) {
    let (mut whole, mut part) = (SampleSums::default(), NamespaceSums::default());
    for n in 0..intervals {
        let interval = Interval::<()> {
            length: Duration::from_mins(1),
            covered: Duration::from_millis(200),
            lookups: 60_000,
            sampled: 200,
            namespaces: BTreeMap::new(),
        };
        whole.add(&interval.sums());
        let sampled = if n % 2 == 0 { 45 } else { 55 };
        part.add(&interval.sums_of(NamespaceCount { sampled, misses }));
    }
    (whole, part)
}

/// A cache some of whose lookups the application tells of, and some of which are sampled.
pub(super) fn known(record: Record) -> Record {
    let (whole, part) = samples(96, 1_500);
    let mut record = Record {
        namespaces: vec![
            told("cart:*", 90_000, 10_000, Some(180.0)),
            NamespacePoint {
                sampled: Some(part),
                ..namespace("product:*", [100_000, 0, 0, 0, 60_000, 0], Some(320.0))
            },
            namespace("price:*", [0, 0, 0, 0, 12, 0], None),
        ],
        namespaces_before: vec![told("cart:*", 95_000, 5_000, Some(190.0))],
        ..record
    };
    // As many lookups as namespaces had.
    for slot in &mut record.slots {
        slot.hits = slot.hits.map(|hits| hits * 50);
        slot.misses = slot.misses.map(|misses| misses * 50);
    }
    if let Some(slot) = record.slots.last_mut() {
        slot.sampled = Some(whole);
        slot.saved = Some(180.0);
    }
    record
}

fn report(record: Record) -> Report {
    build(&period(24), &[record], &Settings::default())
}

fn with_slots() -> Record {
    let period = period(24);
    let width = period.slot_seconds;
    Record {
        slots: slots(period.from, period.to, width, 0.1),
        slots_before: slots(period.before, period.from, width, 0.1),
        ..empty("shop")
    }
}

fn found(report: &Report) -> &numbers::Attribution {
    report.caches[0].attribution.as_ref().unwrap()
}

#[test]
fn what_the_application_counted_is_taken_as_it_is() {
    let report = report(known(with_slots()));
    let found = found(&report);
    let names = found.namespaces.iter().map(|n| n.namespace.as_str());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["product:*", "cart:*", "price:*"],
        "the most misses first"
    );
    let cart = &found.namespaces[1];
    let lookups = cart.lookups.unwrap();
    assert_eq!(
        (lookups.source, lookups.estimated),
        (LookupSource::Application, false)
    );
    assert_eq!(
        (lookups.hits, lookups.misses, lookups.lookups),
        (90_000, 10_000, 100_000)
    );
    assert!((lookups.hit_ratio - 0.9).abs() < 1e-12);
    assert!((cart.hit_ratio_change.unwrap() + 0.05).abs() < 1e-12);
    assert_eq!(cart.hit_ratio_change_is_clear, Some(true));
    let saved = cart.saved.unwrap();
    assert!((saved.amount - 180.0).abs() < 1e-9 && !saved.estimated && saved.lower.is_none());
    let price = &found.namespaces[2];
    assert_eq!((price.lookups, price.saved), (None, None), "absent, not 0");
}

#[test]
fn samples_make_an_estimate_around_the_truth() {
    let report = report(known(with_slots()));
    let found = found(&report);
    let product = &found.namespaces[0];
    let lookups = product.lookups.unwrap();
    assert_eq!(
        (lookups.source, lookups.estimated),
        (LookupSource::Sample, true)
    );
    // A quarter of 60 000 lookups a minute in 96 minutes, of which 1500 a minute miss.
    assert!(lookups.lookups.abs_diff(15_000 * 96) < 20, "{lookups:?}");
    assert_eq!(
        (lookups.misses, lookups.sampled),
        (1_500 * 96, Some(50 * 96))
    );
    assert!((lookups.hit_ratio - 0.9).abs() < 1e-4);
    assert!(lookups.hit_ratio_lower < 0.9 && 0.9 < lookups.hit_ratio_upper);
    assert!(
        lookups.hit_ratio_upper - lookups.hit_ratio_lower < 0.02,
        "{lookups:?}"
    );
    assert_eq!(product.previous_lookups, None, "no samples before");
    // 320 for 160 000 misses: 0.002 for each of nine times as many hits as there were misses.
    let saved = product.saved.unwrap();
    let truth = 13_500.0 * 96.0 * 0.002;
    assert!(
        saved.estimated && (saved.amount - truth).abs() < 1.0,
        "{saved:?}"
    );
    assert!(saved.lower.unwrap() < truth && truth < saved.upper.unwrap());
    assert_eq!(found.samples.unwrap().count, 96);
}

#[test]
fn totals_are_those_of_the_cache() {
    let mut record = known(with_slots());
    for slot in &mut record.slots {
        slot.miss_cost = None;
    }
    record.slots[0].miss_cost = Some(340.0);
    let report = report(record);
    let found = found(&report);
    let counts = &report.caches[0].counts;
    assert!((found.miss_cost.unwrap() - counts.miss_cost.unwrap()).abs() < 1e-9);
    assert!((found.saved.unwrap() - counts.saved.unwrap()).abs() < 1e-9);
    let estimated = found.namespaces.iter().filter_map(|n| n.saved);
    let estimated: f64 = estimated.filter(|s| s.estimated).map(|s| s.amount).sum();
    assert!((found.saved_estimated.unwrap() - estimated).abs() < 1e-9);
}

#[test]
fn lookups_are_told_also_without_events() {
    let mut point = told("a:*", 300, 100, None);
    point.causes = vec![0; 6];
    point.misses = 0;
    let report = report(Record {
        namespaces: vec![point],
        ..with_slots()
    });
    let found = found(&report);
    assert_eq!(
        (found.misses, found.namespaces[0].lookups.unwrap().misses),
        (0, 100)
    );
    let text = markdown(&report);
    assert!(text.contains("No miss was attributed"), "{text}");
    let row = text.lines().find(|line| line.contains("a:\\*")).unwrap();
    assert!(row.contains("75.0"), "{row}");
    assert!(
        row.contains("| – | – | – |"),
        "misses by events are not known: {row}"
    );
}

#[test]
fn another_source_is_no_trend() {
    let (whole, part) = samples(96, 1_500);
    let mut record = with_slots();
    record.slots_before[0].sampled = Some(whole);
    record.namespaces = vec![told("a:*", 300, 100, None)];
    record.namespaces_before = vec![NamespacePoint {
        sampled: Some(part),
        ..namespace("a:*", [5, 0, 0, 0, 0, 0], None)
    }];
    let report = report(record);
    let found = &found(&report).namespaces[0];
    assert_eq!(
        (found.previous_lookups, found.hit_ratio_change),
        (None, None)
    );
    assert_eq!(found.previous_misses, Some(5));
}

#[test]
fn too_few_samples_are_none() {
    let (whole, part) = samples(7, 1);
    let mut record = with_slots();
    record.slots[0].sampled = Some(whole);
    record.namespaces = vec![NamespacePoint {
        sampled: Some(part),
        ..namespace("a:*", [5, 0, 0, 0, 0, 0], Some(1.0))
    }];
    let report = report(record);
    let found = found(&report);
    assert_eq!(
        (found.namespaces[0].lookups, found.namespaces[0].saved),
        (None, None)
    );
    assert!(markdown(&report).contains("Hit ratios and savings by namespace are not known"));
}
