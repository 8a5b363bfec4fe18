//! Gaps as a poller would report them.

use super::*;
use crate::analyze::fixture::{at, counters, good, reading};
use crate::analyze::node::NodeLedger;
use crate::model::events::{EventReport, Subscription};
use crate::model::reading::InfoFields;
use crate::model::snapshot::NodeSnapshot;

/// A node whose reader sees every miss while it is subscribed, read every 5 s.
struct Watched {
    ledger: NodeLedger,
    run_id: &'static str,
    uptime_from: u64,
    misses: u64,
    events: EventReport,
    cut_off: Option<u64>,
    now: u64,
}

impl Watched {
    fn new() -> Self {
        let config = crate::analyze::fixture::config();
        let mut watched = Self {
            ledger: NodeLedger::new(config.node(), &config),
            run_id: "a",
            uptime_from: 0,
            misses: 0,
            events: EventReport {
                subscription: Subscription::Subscribed,
                ..EventReport::default()
            },
            cut_off: None,
            now: 1000,
        };
        for _ in 0..4 {
            watched.pass(100, 100);
        }
        watched
    }

    /// Five seconds pass; so many misses are counted, and so many of them seen.
    fn pass(&mut self, misses: u64, seen: u64) -> NodeSnapshot {
        self.now += 5;
        self.misses += misses;
        self.events.seen.keymiss += seen;
        let uptime = self.now - self.uptime_from;
        let mut reading = reading(
            Some(self.run_id),
            uptime,
            counters(0, self.misses, self.misses),
        );
        if let Some(cut_off) = self.cut_off {
            reading.fields = InfoFields::from_pairs([(CUT_OFF, cut_off.to_string().as_str())]);
        }
        let mut report = good(at(self.now), reading);
        report.events = self.events.clone();
        self.ledger.observe(&report);
        self.ledger
            .snapshot(&crate::analyze::fixture::config(), at(self.now))
    }

    fn gap(&mut self, reason: GapReason, began: u64, ended: Option<u64>, mid_message: bool) {
        let number = self.events.recent_gaps.last().map_or(0, |gap| gap.number) + 1;
        self.events.recent_gaps.push(Gap {
            number,
            began: at(began),
            ended: ended.map(at),
            reason,
            mid_message,
        });
    }
}

#[test]
fn a_gap_is_counted_when_it_is_over_with_its_length_and_what_was_lost() {
    let mut watched = Watched::new();
    let began = watched.now + 1;
    watched.gap(GapReason::Silent, began, None, false);
    for _ in 0..100 {
        let node = watched.pass(100, 0);
        assert_eq!(node.gaps, Gaps::default(), "it lasts");
    }
    let ended = watched.now + 2;
    watched.events.recent_gaps[0].ended = Some(at(ended));
    let node = watched.pass(100, 60);
    let last = node.gaps.last.unwrap();
    assert_eq!(last.lost, Some(10_040));
    let totals = node.gaps.of(GapReason::Silent);
    assert_eq!(totals.count, 1);
    assert_eq!(totals.lasted, Duration::from_secs(ended - began));
    // Ten of those forty were on their way.
    let node = watched.pass(100, 110);
    assert_eq!(node.gaps.last.unwrap().lost, Some(10_030));
    for _ in 0..80 {
        let node = watched.pass(100, 100);
        assert_eq!(node.gaps.last.unwrap().lost, Some(10_030));
        assert_eq!(node.gaps.of(GapReason::Silent).count, 1);
    }
}

#[test]
fn a_restart_and_a_failover_are_told_from_a_lost_connection() {
    for (restarted, expected) in [
        (Some(true), GapReason::Restart),
        (Some(false), GapReason::Failover),
        (None, GapReason::Connection),
    ] {
        let mut watched = Watched::new();
        let (began, ended) = (watched.now + 1, watched.now + 3);
        watched.gap(GapReason::Connection, began, Some(ended), true);
        watched.cut_off = Some(0);
        if let Some(restarted) = restarted {
            watched.run_id = "b";
            watched.misses = 0;
            watched.uptime_from = if restarted { watched.now + 2 } else { 0 };
        }
        let node = watched.pass(50, 30);
        assert_eq!(node.gaps.last.unwrap().reason, expected, "{restarted:?}");
        // It is the reason of that gap, and of no other one.
        let (began, ended) = (watched.now - 1, watched.now + 3);
        watched.gap(GapReason::Connection, began, Some(ended), false);
        let node = watched.pass(50, 50);
        assert_eq!(node.gaps.last.unwrap().reason, GapReason::Connection);
    }
}

#[test]
fn being_cut_off_is_what_the_server_says_or_else_an_end_within_a_message() {
    for (earlier, later, mid_message, expected) in [
        (Some(3), Some(4), false, GapReason::OutputLimit),
        (Some(3), Some(3), true, GapReason::Connection),
        (None, None, true, GapReason::OutputLimit),
        (None, None, false, GapReason::Connection),
    ] {
        let mut watched = Watched::new();
        watched.cut_off = earlier;
        watched.pass(1, 1);
        watched.pass(1, 1);
        let (began, ended) = (watched.now + 1, watched.now + 2);
        watched.gap(GapReason::Connection, began, Some(ended), mid_message);
        watched.cut_off = later;
        let node = watched.pass(1, 1);
        assert_eq!(
            node.gaps.last.unwrap().reason,
            expected,
            "{earlier:?} {later:?}"
        );
    }
}

#[test]
fn what_the_reader_knows_best_stays() {
    for reason in [GapReason::Start, GapReason::Paused, GapReason::NotPublished] {
        let mut watched = Watched::new();
        watched.cut_off = Some(1);
        watched.pass(1, 1);
        watched.cut_off = Some(2);
        let (began, ended) = (watched.now + 1, watched.now + 2);
        watched.gap(reason, began, Some(ended), true);
        assert_eq!(watched.pass(1, 1).gaps.last.unwrap().reason, reason);
    }
}

#[test]
fn gaps_that_the_list_does_not_hold_any_more_are_counted() {
    let mut watched = Watched::new();
    let ended = watched.now + 2;
    watched.gap(GapReason::Silent, ended - 1, Some(ended), false);
    watched.events.recent_gaps[0].number = 21;
    let node = watched.pass(1, 1);
    assert_eq!(node.gaps.of(GapReason::Connection).count, 20);
    assert_eq!(node.gaps.of(GapReason::Silent).count, 1);
}

#[test]
fn without_a_count_before_it_nothing_is_said_about_what_was_lost() {
    let config = crate::analyze::fixture::config();
    let mut ledger = NodeLedger::new(config.node(), &config);
    let mut report = good(at(5), reading(Some("a"), 100, counters(0, 7, 7)));
    report.events.subscription = Subscription::Subscribed;
    report.events.recent_gaps = vec![Gap {
        number: 1,
        began: at(0),
        ended: Some(at(1)),
        reason: GapReason::Start,
        mid_message: false,
    }];
    ledger.observe(&report);
    let last = ledger.snapshot(&config, at(5)).gaps.last.unwrap();
    assert_eq!((last.reason, last.lost), (GapReason::Start, None));
}
