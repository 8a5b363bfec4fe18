//! Rules about other signals than the miss ratio, and about parts of a cache.

use super::*;
use crate::config::Scope;
use crate::model::incident::Subject;
use crate::model::reading::Role;

fn limit(measure: Measure, above: bool, threshold: f64) -> LimitRule {
    LimitRule::new(measure, above, threshold)
}

#[test]
fn a_rate_fires_and_is_over_on_the_other_side_of_its_clear_limit() {
    let lookups = rule(
        "Busy",
        Signal::Limit(limit(Measure::LookupsPerSecond, true, 30.0)),
    );
    let mut world = World::new(&[lookups]);
    world.run(200, 90, 10);
    assert_eq!(world.state(), AlertState::InsufficientTraffic, "too short");
    world.run(800, 90, 10);
    assert_eq!(world.state(), AlertState::Ok);
    assert_eq!(
        &*world.statuses[0].explanation,
        "lookups per second is 20/s over 5m, not above 30/s"
    );
    world.run(600, 180, 20);
    let Evidence::Signal(evidence) = &world.sent[0].evidence else {
        panic!("about a signal")
    };
    assert_eq!(
        (evidence.name.as_str(), evidence.above),
        ("lookups_per_second", true)
    );
    assert!(close(evidence.normal, 20.0), "{evidence:?}");
    assert!(evidence.value.unwrap() > 30.0 && evidence.history.points.len() > 10);
    // A failed poll resolves nothing, however long ago the last good one is.
    world.fail(1200);
    assert_eq!((world.state(), world.sent.len()), (AlertState::Firing, 1));
    world.run(1200, 90, 10);
    assert_eq!(world.told(), [Transition::Firing, Transition::Resolved]);
    let Evidence::Signal(evidence) = &world.sent[1].evidence else {
        panic!("about a signal")
    };
    assert!(close(evidence.peak, 40.0), "{:?}", evidence.peak);
}

#[test]
fn a_hit_ratio_needs_lookups() {
    let hits = rule("Hits", Signal::Limit(limit(Measure::HitRatio, false, 0.8)));
    let mut world = World::new(&[hits]);
    world.run(1200, 0, 0);
    assert_eq!(
        (world.state(), world.sent.len()),
        (AlertState::InsufficientTraffic, 0)
    );
    world.run(600, 40, 60);
    assert_eq!((world.state(), world.sent.len()), (AlertState::Firing, 1));
}

#[test]
fn each_namespace_has_an_incident_of_its_own() {
    let misses = Rule {
        scope: Scope::Namespaces {
            globs: vec!["product:*".to_owned(), "search:*".to_owned()],
            most: 5,
        },
        warm_up: Duration::ZERO,
        ..rule(
            "Misses",
            Signal::Limit(limit(Measure::MissShare, true, 0.5)),
        )
    };
    let mut world = World::new(&[misses]);
    let mut counts = attribution();
    let names: Vec<_> = counts
        .totals
        .namespaces
        .iter()
        .map(|n| n.name.clone())
        .collect();
    assert!(
        names.iter().any(|name| name == "product:*:detail"),
        "{names:?}"
    );
    for _ in 0..200 {
        let all = 100;
        counts.totals.events.misses += all;
        for namespace in &mut counts.totals.namespaces {
            if namespace.name == "product:*:detail" {
                for _ in 0..80 {
                    namespace
                        .counters
                        .missed(crate::model::attribution::Verdict {
                            cause: crate::model::attribution::Cause::Expired,
                            age: 1,
                            again: crate::model::attribution::Again::First,
                        });
                }
            }
        }
        world.attribution = Some(Arc::new(counts.clone()));
        world.run(5, 90, 10);
    }
    assert_eq!(world.sent.len(), 1, "{:?}", world.statuses);
    let product = Subject::Namespace("product:*:detail".to_owned());
    assert_eq!(world.sent[0].subject, Some(product.clone()));
    let parts: Vec<_> = world.sent[0].incident.split('-').collect();
    assert_eq!((parts.len(), parts[3].len()), (4, 8), "{parts:?}");
    let of: Vec<_> = world
        .statuses
        .iter()
        .map(|s| (s.subject.clone(), s.state))
        .collect();
    assert!(
        of.contains(&(Some(product.clone()), AlertState::Firing)),
        "{of:?}"
    );
    assert_eq!(of.len(), 2, "the other namespaces match no glob");

    // What is saved comes back for the same namespace, before anything is known of it.
    let saved = world.book.save(at(world.now));
    let rules: Vec<_> = world.book.rules.iter().map(|r| r.rule.clone()).collect();
    world.book = AlertBook::new(&config().name, &labels(), &rules, at(world.now));
    assert_eq!(
        world.book.restore(&saved, at(world.now)),
        Outcome::default()
    );
    world.attribution = None;
    world.run(5, 90, 10);
    assert_eq!(world.statuses[0].subject, Some(product));
    assert_eq!((world.state(), world.sent.len()), (AlertState::Firing, 1));
    // One that is gone for good does not fire for ever.
    world.run(3600 + 600, 90, 10);
    assert_eq!(world.told(), [Transition::Firing, Transition::Resolved]);
    let note = world.sent[1].note.as_deref().unwrap_or_default();
    assert!(note.starts_with("nothing to judge by any more"), "{note}");
}

#[test]
fn subjects_are_bounded_and_what_is_cut_is_counted() {
    let misses = Rule {
        scope: Scope::Namespaces {
            globs: vec!["*".to_owned()],
            most: 2,
        },
        ..rule(
            "Misses",
            Signal::Limit(limit(Measure::MissesPerSecond, true, 5.0)),
        )
    };
    let mut world = World::new(&[misses]);
    world.attribution = Some(Arc::new(attribution()));
    world.run(10, 90, 10);
    assert_eq!(world.statuses.len(), 2);
    let there = attribution().totals.namespaces.len() as u64;
    assert_eq!(world.cut, there - 2);
}

#[test]
fn a_rule_for_a_role_leaves_other_nodes_alone() {
    let replicas = Rule {
        roles: vec![Role::Replica],
        ..rule("Hits", Signal::Limit(limit(Measure::HitRatio, false, 0.8)))
    };
    let mut world = World::new(&[replicas]);
    world.run(1200, 40, 60);
    assert_eq!((world.state(), world.sent.len()), (AlertState::Ok, 0));
    assert_eq!(
        &*world.statuses[0].explanation,
        "no node is a replica, which the rule is about"
    );
}

#[test]
fn a_gauge_is_looked_up_by_name_and_labels() {
    let gauge = LimitRule {
        metric: Some("cache_window_lookups".to_owned()),
        ..limit(Measure::Gauge, false, 10.0)
    };
    let one = LimitRule {
        metric_labels: BTreeMap::from([("window".to_owned(), "5m".to_owned())]),
        ..gauge.clone()
    };
    let mut world = World::new(&[
        rule("Any", Signal::Limit(gauge)),
        rule("FiveMinutes", Signal::Limit(one)),
    ]);
    world.run(120, 90, 10);
    let values: Vec<_> = world.statuses.iter().map(|s| s.value).collect();
    assert_eq!(values, [Some(5.0), Some(50.0)], "of several the worst");
    let states: Vec<_> = world.statuses.iter().map(|s| s.state).collect();
    assert_eq!(states, [AlertState::Firing, AlertState::Ok]);
    assert_eq!(
        &*world.statuses[0].explanation,
        "cache_window_lookups is 5, below 10"
    );
}

#[test]
fn a_cache_is_compared_with_its_own_past() {
    let past = rule(
        "Past",
        Signal::Baseline(crate::config::BaselineRule::default()),
    );
    let mut world = World::new(&[past]);
    world.run(1200, 60, 40);
    assert_eq!(world.state(), AlertState::InsufficientTraffic, "no past");
    let day = |ratio| PastRatio {
        at: at(0).wall,
        ratio,
        lookups: 10_000,
    };
    world.past = [0.38, 0.40, 0.41, 0.39].map(day).to_vec();
    world.run(1200, 60, 40);
    assert_eq!(world.state(), AlertState::Ok);
    world.run(1800, 30, 70);
    assert_eq!(world.told(), [Transition::Firing]);
    assert!(world.miss(0).threshold > 0.4 && world.miss(0).threshold < 0.5);
    assert!(world.book.looks_at_the_past());
}
