//! A reader beside a server, with the small skews that two connections have.

use proptest::prelude::*;

use super::*;
use crate::analyze::fixture::at;

fn report(subscription: Subscription, keymiss: u64) -> EventReport {
    EventReport {
        subscription,
        seen: PerKind {
            keymiss,
            ..PerKind::default()
        },
        ..EventReport::default()
    }
}

fn misses(misses: u64) -> Totals {
    Totals {
        misses: Some(misses),
        ..Totals::default()
    }
}

/// Takes reports of (counted, seen), one every 5 s.
fn run(reports: &[(u64, u64)]) -> Completeness {
    let mut completeness = Completeness::default();
    for (t, (counted, seen)) in (0..).step_by(5).zip(reports) {
        let events = report(Subscription::Subscribed, *seen);
        completeness.observe(at(t), &events, &misses(*counted), false);
    }
    completeness
}

fn keymiss(reports: &[(u64, u64)]) -> Option<f64> {
    run(reports).ratio().keymiss
}

#[test]
fn nothing_counted_is_nothing_to_compare() {
    assert_eq!(keymiss(&[(7, 0); 10]), None);
    assert_eq!(run(&[(1, 0), (2, 1), (3, 2), (4, 3)]).ratio().expired, None);
}

#[test]
fn an_event_that_is_late_or_early_is_no_loss() {
    let whole = Some(1.0);
    assert_eq!(keymiss(&[(0, 0), (1, 1), (2, 2), (3, 3)]), whole);
    // The last one still under way.
    assert_eq!(keymiss(&[(0, 0), (1, 1), (2, 2), (3, 2)]), whole);
    // The first one seen before it was counted in a reading.
    assert_eq!(keymiss(&[(0, 1), (1, 1), (2, 2), (3, 3)]), whole);
    // And both.
    assert_eq!(keymiss(&[(0, 1), (1, 1), (2, 2), (3, 2)]), whole);
}

#[test]
fn a_loss_shows_one_report_later_and_is_forgotten_after_five_minutes() {
    assert_eq!(keymiss(&[(0, 0), (5, 5), (10, 10), (20, 10)]), Some(1.0));
    assert_eq!(
        keymiss(&[(0, 0), (5, 5), (10, 10), (20, 10), (20, 10)]),
        Some(0.5)
    );
    let mut reports = vec![(0, 0), (5, 5), (20, 5)];
    reports.extend((1..=70).map(|i| (20 + i, 5 + i)));
    assert_eq!(keymiss(&reports), Some(1.0));
}

#[test]
fn a_server_that_publishes_nothing_has_zero() {
    assert_eq!(
        keymiss(&[(0, 0), (0, 0), (1, 0), (1, 0), (1, 0)]),
        Some(0.0)
    );
    let published = run(&[(3, 0), (9, 0)]).published().keymiss;
    assert_eq!(
        published,
        Published {
            counted: 6,
            seen: 0
        }
    );
}

#[test]
fn the_time_before_the_first_subscription_does_not_count_but_a_gap_does() {
    let mut completeness = Completeness::default();
    let mut observe = |t: u64, subscription, seen, counted| {
        completeness.observe(at(t), &report(subscription, seen), &misses(counted), false);
        completeness.ratio().keymiss
    };
    assert_eq!(observe(0, Subscription::Connecting, 0, 0), None);
    assert_eq!(observe(5, Subscription::Connecting, 0, 1000), None);
    for i in 0..4 {
        observe(10 + i * 5, Subscription::Subscribed, 10 * i, 1000 + 10 * i);
    }
    assert_eq!(observe(30, Subscription::Subscribed, 40, 1040), Some(1.0));
    observe(35, Subscription::Lost(String::new()), 40, 1080);
    assert_eq!(observe(40, Subscription::Subscribed, 60, 1100), Some(0.6));
    // Gone for longer than it looks back: nothing can be said.
    assert_eq!(
        observe(45, Subscription::Lost(String::new()), 60, 1200),
        Some(0.8)
    );
    for t in (50..500).step_by(5) {
        observe(t, Subscription::Lost(String::new()), 60, 1200 + t);
    }
    assert_eq!(
        observe(500, Subscription::Lost(String::new()), 60, 1800),
        None
    );
}

#[test]
fn what_died_with_a_process_does_not_hide_a_loss() {
    let mut completeness = Completeness::default();
    let mut observe = |t: u64, seen, counted, reset| {
        let events = report(Subscription::Subscribed, seen);
        completeness.observe(at(t), &events, &misses(counted), reset);
        completeness.ratio().keymiss
    };
    observe(0, 0, 0, false);
    observe(5, 10, 10, false);
    observe(10, 20, 20, false);
    // 100 events of the dying process; its counter was never read again.
    observe(15, 120, 20, true);
    assert_eq!(observe(20, 130, 30, false), Some(1.0));
    observe(25, 130, 60, false);
    assert_eq!(observe(30, 130, 60, false), Some(0.5));
}

#[test]
fn slow_polls_have_enough_reports_too() {
    let mut completeness = Completeness::default();
    for i in 0..10 {
        let events = report(Subscription::Subscribed, i * 5);
        completeness.observe(at(i * 300), &events, &misses(i * 10), false);
    }
    assert_eq!(completeness.samples.len(), MIN_SAMPLES);
    // Each end is favoured by one report of the three intervals.
    assert!(completeness.ratio().keymiss.unwrap() < 0.9);
}

proptest! {
    /// Every event arrives, some a little before or after their counter is read: never anything but 1. Skews are a
    /// matter of milliseconds, so that of two neighbouring reports one is in step.
    #[test]
    fn a_working_reader_is_complete(rounds in prop::collection::vec((0_u64..4, 0_u64..4, -2_i64..=2), 3..60)) {
        let mut reports = vec![];
        let mut counted = 10;
        for (first, second, skew) in rounds {
            counted += first;
            reports.push((counted, counted));
            counted += second;
            // Late by no more than was counted since, early by no more than comes with the next.
            let late = skew.max(-i64::try_from(second).unwrap()).min(0);
            let early = skew.max(0);
            reports.push((counted, counted.saturating_add_signed(late + early)));
            counted += early.unsigned_abs();
        }
        let ratio = keymiss(&reports);
        prop_assert!(ratio.is_none_or(|r| r > 0.999), "{ratio:?}");
    }

    #[test]
    fn the_ratio_is_a_ratio(reports in prop::collection::vec((any::<u64>(), any::<u64>()), 0..30)) {
        let ratio = keymiss(&reports);
        prop_assert!(ratio.is_none_or(|r| (0.0..=1.0).contains(&r)));
    }
}
