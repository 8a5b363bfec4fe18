//! A cache through its life: start, traffic, failures, a reload.

use std::sync::Arc;

use super::*;
use crate::analyze::fixture::{at, config, counters, failed, good, reading};
use crate::model::events::{EventsState, Subscription};
use crate::model::incident::{AlertState, AlertStatus, Severity};
use crate::model::name::Name;
use crate::model::poll::PollErrorKind;
use crate::model::reading::DbStats;

fn polled(ledger: &mut CacheLedger, seconds: u64, hits: u64, misses: u64) {
    let report = good(
        at(seconds),
        reading(Some("a"), 900 + seconds, counters(hits, misses, hits)),
    );
    ledger.observe(&report);
}

#[test]
fn a_cache_starts_without_anything() {
    let snapshot = CacheLedger::new(&config()).snapshot(at(0));
    assert_eq!(snapshot.state, CacheState::Starting);
    assert_eq!(snapshot.windows.len(), WINDOWS.len());
    assert_eq!(snapshot.totals, Totals::default());
    assert!(snapshot.windows.iter().all(|w| w.miss_ratio.is_none()));
    let node = &snapshot.nodes[0];
    assert!(!node.up && node.read_at.is_none());
    assert_eq!(node.events_status.state, EventsState::Connecting);

    let quiet = CacheConfig {
        events: false,
        ..config()
    };
    let node = &CacheLedger::new(&quiet).snapshot(at(0)).nodes[0];
    assert_eq!(node.events.subscription, Subscription::Disabled);
}

#[test]
fn numbers_come_out_right() {
    let mut ledger = CacheLedger::new(&config());
    polled(&mut ledger, 0, 1000, 1000);
    assert_eq!(
        ledger.snapshot(at(0)).state,
        CacheState::InsufficientTraffic
    );
    polled(&mut ledger, 5, 1030, 1010);
    polled(&mut ledger, 10, 1080, 1020);
    let snapshot = ledger.snapshot(at(11));
    assert_eq!(snapshot.state, CacheState::Ok);
    assert_eq!(snapshot.totals.lookups(), Some(100));
    for window in &snapshot.windows {
        assert_eq!(window.covered, Duration::from_secs(10));
        assert!((window.miss_ratio.unwrap() - 0.2).abs() < 1e-12);
        assert!((window.lookups_per_second.unwrap() - 10.0).abs() < 1e-12);
    }
    assert_eq!(snapshot.nodes[0].poll_durations.count(), 3);
}

#[test]
fn up_ends_with_a_failed_poll_or_with_age() {
    let mut ledger = CacheLedger::new(&config());
    polled(&mut ledger, 0, 0, 0);
    assert!(ledger.snapshot(at(10)).nodes[0].up);
    // No report at all: the poll hangs.
    assert!(!ledger.snapshot(at(11)).nodes[0].up);

    polled(&mut ledger, 12, 0, 0);
    ledger.observe(&failed(at(13), PollErrorKind::Refused));
    let snapshot = ledger.snapshot(at(13));
    let node = &snapshot.nodes[0];
    assert_eq!((node.up, snapshot.state), (false, CacheState::Down));
    assert_eq!(node.poll_errors.get(&PollErrorKind::Refused), Some(&1));
    assert!(node.error.is_some() && node.reading.is_some());
    assert_eq!(node.read_at, Some(at(12)));

    polled(&mut ledger, 14, 0, 0);
    let node = &ledger.snapshot(at(14)).nodes[0];
    assert!(node.up && node.error.is_none());
}

#[test]
fn a_cache_that_never_answered_is_down() {
    let mut ledger = CacheLedger::new(&config());
    ledger.observe(&failed(at(1), PollErrorKind::Auth));
    assert_eq!(ledger.snapshot(at(1)).state, CacheState::Down);
}

#[test]
fn a_database_that_vanished_has_no_keys() {
    let mut ledger = CacheLedger::new(&config());
    let mut first = reading(Some("a"), 1, counters(0, 0, 0));
    let keys = |keys| DbStats {
        keys,
        expires: 0,
        avg_ttl_ms: None,
    };
    first.dbs = BTreeMap::from([(0, keys(7)), (3, keys(9))]);
    ledger.observe(&good(at(0), first.clone()));
    first.dbs.remove(&3);
    ledger.observe(&good(at(5), first));
    let node = &ledger.snapshot(at(5)).nodes[0];
    assert_eq!(node.db_keys, BTreeMap::from([(0, 7), (3, 0)]));
}

#[test]
fn a_reload_takes_nothing_from_the_totals() {
    let mut ledger = CacheLedger::new(&config());
    polled(&mut ledger, 0, 0, 0);
    polled(&mut ledger, 5, 90, 10);
    let moved = CacheConfig {
        transport: crate::config::Transport::Tcp {
            host: "other".to_owned(),
            port: 1,
            tls: None,
        },
        ..config()
    };
    ledger.reconfigure(&moved);
    assert_eq!(ledger.snapshot(at(6)).totals.lookups(), Some(100));
    assert_eq!(ledger.snapshot(at(6)).nodes.len(), 1);
    // A report of the former node that was still under way.
    polled(&mut ledger, 7, 1000, 1000);
    assert_eq!(ledger.snapshot(at(7)).totals.lookups(), Some(100));
}

#[test]
fn the_state_is_the_worst_that_holds() {
    let mut ledger = CacheLedger::new(&config());
    polled(&mut ledger, 0, 0, 0);
    polled(&mut ledger, 5, 9, 1);
    let mut snapshot = ledger.snapshot(at(5));
    assert_eq!(cache_state(&snapshot), CacheState::Ok);

    let mut other = snapshot.nodes[0].clone();
    other.up = false;
    snapshot.nodes.push(other);
    assert_eq!(cache_state(&snapshot), CacheState::Degraded);

    snapshot.alerts.push(AlertStatus {
        subject: None,
        muted: None,
        looks: Vec::new(),
        rule: Name::new("CacheMissRatioHigh").unwrap(),
        signal: "miss_ratio",
        severity: Severity::Warning,
        state: AlertState::Recovering,
        since: at(0).wall,
        incident: None,
        value: None,
        threshold: None,
        explanation: "".into(),
    });
    assert_eq!(cache_state(&snapshot), CacheState::Firing);
    for node in &mut snapshot.nodes {
        node.up = false;
    }
    assert_eq!(cache_state(&snapshot), CacheState::Down);
}

#[test]
fn a_snapshot_shares_the_reading() {
    let mut ledger = CacheLedger::new(&config());
    polled(&mut ledger, 0, 0, 0);
    let (one, two) = (ledger.snapshot(at(0)), ledger.snapshot(at(1)));
    let reading = |s: &CacheSnapshot| s.nodes[0].reading.clone().unwrap();
    assert!(Arc::ptr_eq(&reading(&one), &reading(&two)));
}
