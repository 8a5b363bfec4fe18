//! Each kind of reset by name, and the edges.

use super::*;
use crate::analyze::fixture::{at, counters, reading};
use crate::model::reading::Role;

fn observe(node: &mut NodeCounters, reading: &Reading, seconds: u64) -> Observation {
    node.observe(reading, at(seconds))
}

fn lookups(node: &NodeCounters) -> Option<u64> {
    node.totals().lookups()
}

#[test]
fn what_was_counted_before_the_first_reading_is_not_ours() {
    let mut node = NodeCounters::new();
    assert_eq!(lookups(&node), None);
    let first = observe(
        &mut node,
        &reading(Some("a"), 900, counters(1000, 50, 2000)),
        0,
    );
    assert_eq!((first.reset, lookups(&node)), (None, Some(0)));
    observe(
        &mut node,
        &reading(Some("a"), 905, counters(1007, 53, 2010)),
        5,
    );
    assert_eq!(lookups(&node), Some(10));
}

#[test]
fn a_restart_counts_in_full() {
    let mut node = NodeCounters::new();
    observe(&mut node, &reading(Some("a"), 900, counters(5, 5, 10)), 0);
    // Faster than before: the new counters exceed the old ones.
    let seen = observe(
        &mut node,
        &reading(Some("b"), 6, counters(700, 100, 900)),
        5,
    );
    assert_eq!(seen.reset, Some(ResetReason::Restart));
    assert_eq!(lookups(&node), Some(800));
    assert_eq!(node.resets().get(&ResetReason::Restart), Some(&1));
}

#[test]
fn a_restart_during_an_outage_counts_in_full() {
    let mut node = NodeCounters::new();
    observe(&mut node, &reading(Some("a"), 900, counters(5, 5, 10)), 0);
    let seen = observe(&mut node, &reading(Some("b"), 590, counters(1, 2, 3)), 600);
    assert_eq!(
        (seen.reset, lookups(&node)),
        (Some(ResetReason::Restart), Some(3))
    );
}

#[test]
fn resetstat_counts_from_zero_and_uptime_goes_on() {
    for run_id in [Some("a"), None] {
        let mut node = NodeCounters::new();
        observe(&mut node, &reading(run_id, 900, counters(100, 10, 200)), 0);
        // More hits than before in the meantime; the commands tell.
        let seen = observe(&mut node, &reading(run_id, 905, counters(120, 0, 130)), 5);
        assert_eq!(seen.reset, Some(ResetReason::Resetstat), "{run_id:?}");
        assert_eq!(lookups(&node), Some(120));
    }
}

#[test]
fn without_run_id_uptime_tells_a_restart() {
    let mut node = NodeCounters::new();
    observe(&mut node, &reading(None, 3, counters(5, 5, 10)), 0);
    // The uptime has grown, but not by as much as time has passed.
    let seen = observe(&mut node, &reading(None, 5, counters(50, 5, 60)), 10);
    assert_eq!(
        (seen.reset, lookups(&node)),
        (Some(ResetReason::Restart), Some(55))
    );

    let seen = observe(&mut node, &reading(None, 500, counters(900, 5, 910)), 20);
    assert_eq!(
        (seen.reset, lookups(&node)),
        (Some(ResetReason::NodeSwap), Some(55))
    );
}

#[test]
fn without_any_identity_a_drop_is_a_restart() {
    let mut node = NodeCounters::new();
    let bare = |hits| {
        let mut reading = reading(None, 0, counters(hits, 0, hits));
        reading.identity.uptime_seconds = None;
        reading
    };
    observe(&mut node, &bare(100), 0);
    assert_eq!(observe(&mut node, &bare(110), 5).reset, None);
    assert_eq!(
        observe(&mut node, &bare(4), 10).reset,
        Some(ResetReason::Restart)
    );
    assert_eq!(node.totals().hits, Some(14));
}

#[test]
fn a_promoted_replica_at_the_same_address_is_a_failover() {
    let mut node = NodeCounters::new();
    let mut old = reading(Some("a"), 900, counters(100, 0, 100));
    old.identity.replid = Some("r1".to_owned());
    let mut new = reading(Some("b"), 800, counters(9_000_000, 0, 9_000_000));
    new.identity.replid = Some("r2".to_owned());
    new.identity.replid2 = Some("r1".to_owned());
    observe(&mut node, &old, 0);
    assert_eq!(
        observe(&mut node, &new, 5).reset,
        Some(ResetReason::Failover)
    );
    assert_eq!(lookups(&node), Some(0));

    // Back to the one that is known: its counting goes on where it was, and nothing began anew.
    let back = reading(Some("a"), 910, counters(130, 0, 130));
    assert_eq!(observe(&mut node, &back, 10).reset, None);
    assert_eq!(lookups(&node), Some(30));
}

#[test]
fn an_unrelated_process_is_a_swap() {
    let mut node = NodeCounters::new();
    observe(
        &mut node,
        &reading(Some("a"), 900, counters(100, 0, 100)),
        0,
    );
    let seen = observe(
        &mut node,
        &reading(Some("b"), 800, counters(1 << 50, 0, 1)),
        5,
    );
    assert_eq!(
        (seen.reset, lookups(&node)),
        (Some(ResetReason::NodeSwap), Some(0))
    );
}

#[test]
fn a_change_of_role_is_no_reset() {
    let mut node = NodeCounters::new();
    let with_role = |role, hits| Reading {
        role,
        ..reading(Some("a"), 900, counters(hits, 0, hits))
    };
    observe(&mut node, &with_role(Role::Replica, 10), 0);
    observe(&mut node, &with_role(Role::Unknown, 11), 5);
    let seen = observe(&mut node, &with_role(Role::Primary, 12), 10);
    assert_eq!((seen.reset, seen.role_changed), (None, true));
    assert_eq!((node.role_changes(), lookups(&node)), (1, Some(2)));
}

#[test]
fn absent_counters_stay_absent_until_first_reported() {
    let mut node = NodeCounters::new();
    let hits_only = |hits| Counters {
        hits: Some(hits),
        ..Counters::default()
    };
    observe(&mut node, &reading(Some("a"), 1, hits_only(5)), 0);
    observe(&mut node, &reading(Some("a"), 6, hits_only(8)), 5);
    assert_eq!((node.totals().hits, node.totals().misses), (Some(3), None));
    // First reported now: what it had counted before is not known to be ours.
    observe(&mut node, &reading(Some("a"), 11, counters(9, 70, 80)), 10);
    assert_eq!(
        (node.totals().hits, node.totals().misses),
        (Some(4), Some(0))
    );
    // Not reported once, then again: nothing is lost.
    observe(&mut node, &reading(Some("a"), 16, hits_only(10)), 15);
    observe(&mut node, &reading(Some("a"), 21, counters(11, 75, 90)), 20);
    assert_eq!(
        (node.totals().hits, node.totals().misses),
        (Some(6), Some(5))
    );
}

#[test]
fn one_mad_reading_is_forgotten_and_a_lasting_one_begins_anew() {
    let mut node = NodeCounters::new();
    observe(&mut node, &reading(Some("a"), 1, counters(100, 0, 100)), 0);
    observe(
        &mut node,
        &reading(Some("a"), 6, counters(u64::MAX, 0, 150)),
        5,
    );
    observe(
        &mut node,
        &reading(Some("a"), 11, counters(120, 0, 200)),
        10,
    );
    assert_eq!((lookups(&node), node.discarded()), (Some(20), 1));

    for seconds in [15, 20, 25] {
        let mad = reading(Some("a"), seconds + 1, counters(u64::MAX - 1, 0, 300));
        observe(&mut node, &mad, seconds);
    }
    assert_eq!((lookups(&node), node.discarded()), (Some(20), 3));
    observe(
        &mut node,
        &reading(Some("a"), 31, counters(u64::MAX, 0, 400)),
        30,
    );
    assert_eq!(lookups(&node), Some(21));
}

#[test]
fn a_counter_that_runs_backwards_by_a_little_is_no_reset() {
    let mut node = NodeCounters::new();
    let old = counters(1_000_000, 0, 500_000_000);
    observe(&mut node, &reading(Some("a"), 1, old), 0);
    let glitch = counters(999_990, 0, 500_000_100);
    assert_eq!(
        observe(&mut node, &reading(Some("a"), 6, glitch), 5).reset,
        None
    );
    let next = counters(1_000_005, 0, 500_000_200);
    observe(&mut node, &reading(Some("a"), 11, next), 10);
    assert_eq!(lookups(&node), Some(5));
}

#[test]
fn memory_of_processes_is_bounded() {
    let mut node = NodeCounters::new();
    for i in 0..100 {
        observe(
            &mut node,
            &reading(Some(&format!("p{i}")), 9000, counters(7, 0, 7)),
            i,
        );
    }
    assert_eq!(node.remembered.len(), REMEMBERED);
    assert_eq!(lookups(&node), Some(0));
}
