//! A week of history, with a storm in it or without: what fires, when, and what would be quiet.
//!
//! Deliberately absent: how detectors judge, which their own tests tell.

use proptest::prelude::*;

use super::*;
use crate::config::{BaselineRule, Detector, DownRule, LimitRule, MissRatioRule, Scope};
use crate::model::incident::Severity;
use crate::model::name::Name;

const MINUTE: Duration = Duration::from_mins(1);

fn cache() -> CacheName {
    Name::new("sessions").unwrap()
}

fn rule(signal: Signal) -> Rule {
    Rule::new(Name::new("Test").unwrap(), signal, Severity::Warning)
}

fn windowed() -> Rule {
    rule(Signal::MissRatio(MissRatioRule::default()))
}

fn slot(minute: i64, hits: u64, misses: u64) -> Slot {
    Slot {
        width: MINUTE,
        point: HistoryPoint {
            at: Timestamp::from_second(1_700_000_040 + minute * 60).unwrap(),
            covered_seconds: 60.0,
            hits: Some(hits),
            misses: Some(misses),
            evictions: Some(misses / 10),
            memory_used_bytes: Some(misses),
            memory_limit_bytes: Some(1_000),
            ..HistoryPoint::default()
        },
    }
}

/// A week of 10 % misses a minute, and of `percent` where `bad` says so.
fn week(percent: u64, bad: impl Fn(i64) -> bool) -> Vec<Slot> {
    let slots = (0..7 * 1_440).map(|minute| {
        let misses = if bad(minute) { percent } else { 10 };
        slot(minute, (100 - misses) * 10, misses * 10)
    });
    slots.collect()
}

#[test]
fn a_storm_a_day_is_seven_firings_a_week() {
    // An hour of 40 % at the end of each day but the last, of which the end is not in the history.
    let slots = week(40, |minute| minute % 1_440 >= 1_380);
    for detector in [Detector::Windowed, Detector::Sequential] {
        let rule = rule(Signal::MissRatio(MissRatioRule {
            detector,
            ..MissRatioRule::default()
        }));
        let found = replay(&cache(), &rule, &slots);
        assert_eq!(found.firings.len(), 7, "{detector:?}: {:?}", found.firings);
        assert_eq!(found.known, WEEK);
        assert!((found.per_week().unwrap() - 7.0).abs() < 1e-9);
        let last = found.firings.last().unwrap();
        assert_eq!(last.ended, None);
        for firing in &found.firings {
            let minutes = firing.lasted.as_secs() / 60;
            assert!((45..=75).contains(&minutes), "{minutes}");
            let peak = firing.peak.unwrap();
            assert!((0.39..=0.41).contains(&peak), "{peak}");
            let minute = firing.started.as_second() - slots[0].point.at.as_second();
            let late = (minute / 60) % 1_440 - 1_380;
            assert!((1..=15).contains(&late), "not before it began: {late}");
        }
    }
}

#[test]
fn a_threshold_beyond_the_storms_is_quiet() {
    let slots = week(40, |minute| minute % 1_440 >= 1_380);
    let Quiet::At(limit) = quiet_threshold(&cache(), &windowed(), &slots) else {
        panic!("there is one");
    };
    assert!((0.38..=0.41).contains(&limit), "{limit}");
    let quiet = with_threshold(&windowed(), limit).unwrap();
    assert!(replay(&cache(), &quiet, &slots).firings.is_empty());
    let louder = with_threshold(&windowed(), limit - 0.02).unwrap();
    assert!(!replay(&cache(), &louder, &slots).firings.is_empty());
    // Nor may one that fires once only in a day be called quiet.
    let day = &slots[..1_440];
    assert_eq!(
        quiet_threshold(&cache(), &windowed(), day),
        Quiet::At(limit)
    );
    assert_eq!(quiet_threshold(&cache(), &windowed(), &[]), Quiet::Unknown);
}

#[test]
fn a_clear_threshold_keeps_its_distance() {
    let Signal::MissRatio(miss) = with_threshold(&windowed(), 0.5).unwrap().signal else {
        panic!();
    };
    assert!((miss.clear_threshold - 0.4).abs() < 1e-9);
    let limit = rule(Signal::Limit(LimitRule::new(Measure::HitRatio, false, 0.8)));
    let Signal::Limit(limit) = with_threshold(&limit, 0.5).unwrap().signal else {
        panic!();
    };
    assert!(limit.clear_threshold > 0.5);
    assert_eq!(threshold_of(&rule(Signal::Down(DownRule::default()))), None);
}

#[test]
fn a_gap_neither_fires_nor_resolves() {
    let storm = week(60, |minute| minute >= 600);
    // Firing when the gap begins, and after it.
    let with_gap: Vec<_> = storm
        .iter()
        .enumerate()
        .filter(|(minute, _)| !(660..900).contains(minute))
        .map(|(_, slot)| *slot)
        .take(1_200)
        .collect();
    let found = replay(&cache(), &windowed(), &with_gap);
    assert_eq!(found.firings.len(), 1, "{:?}", found.firings);
    assert_eq!(found.known, MINUTE * 1_200);
    // A slot of which nothing is known is a gap too.
    let unknown: Vec<_> = storm
        .iter()
        .take(1_440)
        .enumerate()
        .map(|(minute, slot)| match minute {
            660..900 => Slot {
                point: HistoryPoint {
                    at: slot.point.at,
                    ..HistoryPoint::default()
                },
                ..*slot
            },
            _ => *slot,
        })
        .collect();
    let found = replay(&cache(), &windowed(), &unknown);
    assert_eq!((found.firings.len(), found.known), (1, MINUTE * 1_200));
}

#[test]
fn limits_of_what_history_holds_are_replayed() {
    let slots = week(60, |minute| (3_000..3_060).contains(&minute));
    let fires = |measure, above, threshold| {
        let rule = rule(Signal::Limit(LimitRule::new(measure, above, threshold)));
        assert_eq!(cannot(&rule), None);
        replay(&cache(), &rule, &slots).firings.len()
    };
    // In the storm: 10 misses and 1 eviction a second, memory at 60 %.
    assert_eq!(fires(Measure::HitRatio, false, 0.6), 1);
    assert_eq!(fires(Measure::MissesPerSecond, true, 5.0), 1);
    assert_eq!(fires(Measure::EvictionsPerSecond, true, 0.5), 1);
    assert_eq!(fires(Measure::MemoryUsedRatio, true, 0.5), 1);
    assert_eq!(fires(Measure::LookupsPerSecond, true, 20.0), 0);
    let evictions = rule(Signal::Limit(LimitRule::new(
        Measure::EvictionsPerSecond,
        true,
        0.1,
    )));
    let Quiet::At(limit) = quiet_threshold(&cache(), &evictions, &week(60, |m| m % 1_440 < 60))
    else {
        panic!("there is one");
    };
    assert!((0.9..=1.3).contains(&limit), "{limit}");
}

#[test]
fn the_past_is_that_of_the_replay() {
    // The first ten minutes of the fifth day are worse than on the four days before.
    let slots = week(40, |minute| {
        (4 * 1_440 + 600..4 * 1_440 + 660).contains(&minute)
    });
    let baseline = rule(Signal::Baseline(BaselineRule::default()));
    let found = replay(&cache(), &baseline, &slots);
    assert_eq!(found.firings.len(), 1, "{:?}", found.firings);
    assert_eq!(
        quiet_threshold(&cache(), &baseline, &slots),
        Quiet::Unsuited
    );
    // On the second day there is too little to compare with.
    let slots = week(40, |minute| (1_440 + 600..1_440 + 660).contains(&minute));
    assert!(replay(&cache(), &baseline, &slots).firings.is_empty());
}

#[test]
fn what_history_does_not_hold_is_said() {
    assert!(cannot(&rule(Signal::Down(DownRule::default()))).is_some());
    let gauge = LimitRule::new(Measure::Gauge, true, 1.0);
    assert!(cannot(&rule(Signal::Limit(gauge))).is_some());
    let mut nodes = windowed();
    nodes.scope = Scope::Nodes { most: 3 };
    assert!(cannot(&nodes).is_some());
    assert_eq!(replay(&cache(), &windowed(), &[]), Replayed::default());
    assert_eq!(Replayed::default().per_week(), None);
}

#[test]
fn a_rule_for_other_caches_or_roles_is_replayed_all_the_same() {
    let mut rule = windowed();
    rule.caches = vec![Name::new("other").unwrap()];
    rule.roles = vec![crate::model::reading::Role::Replica];
    let slots = week(60, |minute| minute >= 600);
    assert_eq!(replay(&cache(), &rule, &slots[..1_440]).firings.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_the_slots_firings_are_in_order(
        slots in proptest::collection::vec((-5_i64..5_000, 0_u64..2_000, 0_u64..2_000), 0..200),
    ) {
        let slots: Vec<_> = slots.iter().map(|(minute, hits, misses)| slot(*minute, *hits, *misses)).collect();
        let found = replay(&cache(), &windowed(), &slots);
        for pair in found.firings.windows(2) {
            prop_assert!(pair[0].ended.unwrap() <= pair[1].started);
        }
        prop_assert!(found.known <= MINUTE * 200);
    }
}
