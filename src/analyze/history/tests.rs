//! Windows against a list of everything that happened.

use proptest::prelude::*;

use super::*;
use crate::analyze::fixture::at;

fn totals(hits: u64, misses: u64) -> Totals {
    Totals {
        hits: Some(hits),
        misses: Some(misses),
        evictions: Some(misses / 2),
        expirations: None,
    }
}

/// One sample every `step` seconds, up to and with `until`: so many hits and misses a second.
fn steady(step: u64, until: u64, hits: u64, misses: u64) -> History {
    let mut history = History::new(Duration::from_secs(step));
    for t in (0..=until / step).map(|i| i * step) {
        history.push(at(t), totals(t * hits, t * misses));
    }
    history
}

fn close(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| (a - b).abs() < 1e-9)
}

#[test]
fn nothing_yet_is_nothing_known() {
    let history = History::new(Duration::from_secs(5));
    let empty = history.window(Duration::from_mins(5), at(100));
    assert_eq!(
        (empty.covered, empty.miss_ratio, empty.lookups()),
        (Duration::ZERO, None, None)
    );

    let one = steady(5, 0, 1, 1).window(Duration::from_mins(5), at(3));
    assert_eq!(
        (one.lookups(), one.miss_ratio, one.lookups_per_second),
        (Some(0), None, None)
    );
}

#[test]
fn a_short_history_covers_what_it_covers() {
    let window = steady(5, 60, 9, 1).window(Duration::from_mins(5), at(62));
    assert_eq!(window.covered, Duration::from_mins(1));
    assert_eq!(window.lookups(), Some(600));
    assert!(close(window.lookups_per_second, 10.0) && close(window.miss_ratio, 0.1));
    assert!(close(window.evictions_per_second, 0.5));
    assert_eq!(window.expirations_per_second, None);
    assert!(window.miss_ratio_lower.unwrap() < 0.1);
}

#[test]
fn no_lookups_is_no_ratio() {
    let window = steady(5, 600, 0, 0).window(Duration::from_mins(1), at(600));
    assert_eq!(
        (window.lookups(), window.miss_ratio, window.miss_ratio_lower),
        (Some(0), None, None)
    );
    assert!(close(window.lookups_per_second, 0.0));
}

#[test]
fn every_poll_interval_keeps_within_the_bound_and_the_accuracy() {
    for step in [1, 5, 10, 60, 300] {
        let history = steady(step, 3 * 3600, 9, 1);
        assert!(history.old.len() + history.recent.len() <= MAX_SAMPLES);
        for (_, span) in crate::model::window::WINDOWS {
            let window = history.window(span, at(3 * 3600));
            let slop = Duration::from_secs(step) + history.spacing();
            assert!(
                window.covered >= span && window.covered <= span + slop,
                "{step} {span:?}"
            );
            assert!(close(window.lookups_per_second, 10.0) && close(window.miss_ratio, 0.1));
        }
    }
}

#[test]
fn a_longer_horizon_is_kept_when_asked_for() {
    let mut history = History::new(Duration::from_secs(1));
    history.keep(Duration::from_hours(24));
    for t in 0..26 * 3600 {
        history.push(at(t), totals(t, 0));
    }
    assert!(history.old.len() + history.recent.len() <= MAX_SAMPLES);
    let window = history.window(Duration::from_hours(24), at(26 * 3600));
    assert!(window.covered >= Duration::from_secs(24 * 3600 - 1));
}

#[test]
fn a_window_does_not_begin_inside_a_gap() {
    let mut history = steady(5, 600, 9, 1);
    // Three hours without a reading, in which the server counted on.
    let after = 600 + 3 * 3600;
    history.push(at(after), totals(9_000_000, 9_000_000));
    let window = history.window(Duration::from_mins(1), at(after));
    assert_eq!(
        (window.covered, window.lookups()),
        (Duration::ZERO, Some(0))
    );
    history.push(at(after + 5), totals(9_000_030, 9_000_020));
    let window = history.window(Duration::from_mins(1), at(after + 5));
    assert!(close(window.lookups_per_second, 10.0) && close(window.miss_ratio, 0.4));
}

#[test]
fn a_window_that_holds_a_short_gap_averages_over_it() {
    let mut history = steady(5, 600, 9, 1);
    history.push(at(700), totals(6300, 700));
    let window = history.window(Duration::from_mins(5), at(700));
    assert!(close(window.lookups_per_second, 10.0) && close(window.miss_ratio, 0.1));
}

#[test]
fn while_a_node_is_down_a_window_runs_out() {
    let history = steady(5, 600, 9, 1);
    let window = history.window(Duration::from_mins(5), at(720));
    assert_eq!(window.covered, Duration::from_mins(3));
    assert!(close(window.lookups_per_second, 10.0));
    assert_eq!(
        history.window(Duration::from_mins(5), at(901)).covered,
        Duration::ZERO
    );
}

#[test]
fn many_nodes_do_not_flood_the_history() {
    let mut history = History::new(Duration::from_secs(1));
    for i in 0..200_000_u64 {
        history.push(Now::ZERO.plus(Duration::from_millis(i * 20)), totals(i, 0));
    }
    assert!(history.old.len() + history.recent.len() <= MAX_SAMPLES);
    let window = history.window(Duration::from_mins(5), at(4000));
    assert!(window.covered >= Duration::from_mins(5) && window.covered <= Duration::from_secs(302));
    assert!((window.lookups_per_second.unwrap() - 50.0).abs() < 0.01);
}

#[test]
fn the_sparkline_shows_the_hour_and_its_gaps() {
    let mut history = History::new(Duration::from_secs(5));
    let (mut hits, mut misses) = (0, 0);
    for t in (0..=3600).step_by(5) {
        if !(1200..1800).contains(&t) {
            history.push(at(t), totals(hits, misses));
        }
        let bad = t >= 2400;
        hits += if bad { 10 } else { 45 };
        misses += if bad { 40 } else { 5 };
    }
    let line = history.sparkline(at(3600), 60).points;
    assert_eq!(line.len(), 60);
    assert!(close(line[5], 0.1) && close(line[35], 0.1));
    assert!(close(line[45], 0.8) && close(line[59], 0.8));
    assert!(line[21..29].iter().all(Option::is_none));
    assert_eq!(history.sparkline(at(3600), 0).points, []);
    // A slow poll gives a line too.
    let slow = steady(300, 3600, 9, 1).sparkline(at(3600), 60).points;
    assert!(slow.iter().all(|p| close(*p, 0.1)));
}

#[test]
fn a_young_history_fills_its_line() {
    let young = steady(1, 50, 9, 1).sparkline(at(50), 60);
    assert_eq!(young.span, Duration::from_mins(1));
    assert_eq!(young.points.iter().flatten().count(), 50);
    // Readings every 5 s cannot fill sixty points of a minute.
    assert_eq!(
        steady(5, 50, 9, 1).sparkline(at(50), 60).span,
        Duration::from_mins(5)
    );
    assert_eq!(
        steady(5, 400, 9, 1).sparkline(at(400), 60).span,
        Duration::from_mins(15)
    );
    assert_eq!(
        steady(5, 3600, 9, 1).sparkline(at(3600), 60).span,
        Duration::from_hours(1)
    );
}

#[test]
fn what_is_usual_is_the_median() {
    let history = steady(5, 3600, 9, 1);
    let usual =
        |until| history.usual_ratio(Duration::from_mins(5), Duration::from_hours(1), at(until));
    assert!(close(usual(3600), 0.1));
    assert_eq!(usual(200), None);
}

proptest! {
    /// Within the full resolution a window is exactly what a list of all samples says.
    #[test]
    fn a_window_is_what_a_full_list_says(
        steps in prop::collection::vec((1_u64..8, 0_u64..100, 0_u64..100), 2..100),
        span in 1_u64..300,
        late in 0_u64..20,
    ) {
        let mut history = History::new(Duration::from_secs(5));
        let mut list = Vec::new();
        let (mut t, mut hits, mut misses) = (0, 0, 0);
        for (dt, h, m) in steps {
            t += dt;
            hits += h;
            misses += m;
            history.push(at(t), totals(hits, misses));
            list.push((t, hits, misses));
        }
        let now = t + late;
        let base = list.iter().rev().find(|s| s.0 + span <= now).unwrap_or(&list[0]);
        let window = history.window(Duration::from_secs(span), at(now));
        prop_assert_eq!(window.covered, Duration::from_secs(t - base.0));
        prop_assert_eq!(window.delta, Totals { evictions: Some(misses / 2 - base.2 / 2), ..totals(hits - base.1, misses - base.2) });
    }

    /// The points of the line add up to no more and no less than what was counted.
    #[test]
    fn the_sparkline_stays_between_0_and_1(
        steps in prop::collection::vec((1_u64..400, 0_u64..100, 0_u64..100), 0..100),
        points in 0_usize..70,
    ) {
        let mut history = History::new(Duration::from_mins(1));
        let (mut t, mut hits, mut misses) = (0, 0, 0);
        for (dt, h, m) in steps {
            t += dt;
            hits += h;
            misses += m;
            history.push(at(t), totals(hits, misses));
        }
        let line = history.sparkline(at(t), points).points;
        prop_assert_eq!(line.len(), points);
        prop_assert!(line.iter().flatten().all(|p| (0.0..=1.0).contains(p)));
    }
}

/// Slots of ten seconds from `from` to `until`, each with so many hits and misses.
fn slots(from: u64, until: u64, hits: u64, misses: u64) -> Vec<HistoryPoint> {
    (from..until)
        .step_by(10)
        .map(|t| HistoryPoint {
            at: at(t).wall,
            covered_seconds: 10.0,
            hits: Some(hits),
            misses: Some(misses),
            ..HistoryPoint::default()
        })
        .collect()
}

const SLOT: Duration = Duration::from_secs(10);

#[test]
fn windows_go_on_over_a_restart() {
    let mut resumed = History::new(SLOT);
    resumed.resume(&slots(0, 3_600, 90, 10), SLOT, at(3_600));
    let whole = steady(10, 3_600, 9, 1);
    for span in [60, 300, 900, 3_600].map(Duration::from_secs) {
        let (a, b) = (
            resumed.window(span, at(3_600)),
            whole.window(span, at(3_600)),
        );
        assert_eq!(
            (a.covered, a.delta.hits, a.delta.misses),
            (b.covered, b.delta.hits, b.delta.misses)
        );
    }
    // The new process counts from zero.
    for t in 0..=30 {
        resumed.push(at(3_600 + t * 10), totals(t * 50, t * 50));
    }
    let window = resumed.window(Duration::from_mins(10), at(3_900));
    assert_eq!(window.lookups(), Some(6_000));
    assert_eq!(window.delta.misses, Some(300 + 1_500));
}

#[test]
fn a_window_does_not_begin_while_nobody_watched() {
    let mut resumed = History::new(SLOT);
    let mut past = slots(0, 600, 90, 10);
    past.extend(slots(1_800, 2_400, 50, 50));
    resumed.resume(&past, SLOT, at(2_400));
    let window = resumed.window(Duration::from_mins(15), at(2_400));
    assert_eq!(
        (window.covered, window.miss_ratio),
        (Duration::from_mins(10), Some(0.5))
    );
}

#[test]
fn what_is_older_than_the_clock_or_not_over_is_left_out() {
    let mut resumed = History::new(SLOT);
    let mut past = slots(0, 20, 1, 1);
    past.push(HistoryPoint {
        at: jiff::Timestamp::MIN,
        ..HistoryPoint::default()
    });
    past.push(HistoryPoint {
        at: jiff::Timestamp::MAX,
        hits: Some(u64::MAX),
        ..HistoryPoint::default()
    });
    resumed.resume(&past, SLOT, at(30));
    assert_eq!(
        resumed.window(Duration::from_mins(1), at(30)).lookups(),
        Some(4)
    );
}
