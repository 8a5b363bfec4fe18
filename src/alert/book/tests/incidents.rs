//! Incidents from their beginning to their end, and what is none.

use super::*;

#[test]
fn a_miss_storm_gives_one_firing_and_one_resolved_with_its_story() {
    let mut world = World::new(&[miss_rule()]);
    world.run(3600, 90, 10);
    assert_eq!((world.state(), world.sent.len()), (AlertState::Ok, 0));
    world.run(1200, 40, 60);
    assert_eq!(world.state(), AlertState::Firing);
    assert_eq!(world.told(), [Transition::Firing]);
    world.run(1800, 90, 10);
    assert_eq!(world.state(), AlertState::Ok);
    assert_eq!(world.told(), [Transition::Firing, Transition::Resolved]);

    let (firing, resolved) = (&world.sent[0], &world.sent[1]);
    assert_eq!(firing.incident, resolved.incident);
    let ms = firing.started.as_millisecond();
    assert_eq!(firing.incident, format!("sessions-CacheMissRatioHigh-{ms}"));
    assert_eq!(firing.at, firing.started);
    let waited = firing.started.duration_since(firing.pending_since);
    assert_eq!(waited.as_secs(), 60);
    assert_eq!(firing.labels.get("team").unwrap(), "rule");
    assert_eq!(firing.labels.get("env").unwrap(), "prod");
    assert_eq!(firing.note, None);

    let evidence = world.miss(0);
    assert!(close(evidence.normal_ratio, 0.1));
    assert!(evidence.long_lower.unwrap() > 0.2 && evidence.short_ratio.unwrap() > 0.2);
    assert_eq!(evidence.history.points.len(), 60);
    let evidence = world.miss(1);
    assert!(close(evidence.short_ratio, 0.1) && close(evidence.peak_ratio, 0.6));
    // 60 instead of 10 in each 5 s, from the firing to the end of the storm.
    let bad = 3600 + 1200 - firing.started.as_second();
    assert_eq!(
        evidence.extra_misses,
        Some(u64::try_from(bad / 5 * 50).unwrap())
    );
    let lasted = resolved.at.duration_since(firing.started).unsigned_abs();
    assert_eq!(resolved.duration, lasted);
}

#[test]
fn the_firing_message_names_what_is_behind_it() {
    let mut world = World::new(&[miss_rule()]);
    world.run(1800, 90, 10).run(1200, 40, 60);
    assert_eq!(world.miss(0).attribution, None, "events are off");

    let mut world = World::new(&[miss_rule()]);
    world.attribution = Some(Arc::new(attribution()));
    world.run(2400, 90, 10);
    // What is usual is not forgotten over a reload.
    world.book.reconfigure(&labels(), &[miss_rule()], at(2400));
    world.run(1200, 40, 60).run(1800, 90, 10);
    let found = world.miss(0).attribution.as_ref().unwrap();
    let first = &found.namespaces[0];
    assert_eq!(
        (first.name.as_str(), found.namespaces.len()),
        ("product:*:detail", 3)
    );
    assert!(first.extra_misses.is_some() && !found.extra_cost_per_hour.is_empty());
    // Expirations are no reason here, so no cliff is looked for.
    assert_eq!(found.ttl_cliff, None);
    assert!(world.miss(1).attribution.is_some());
}

#[test]
fn healthy_and_quiet_caches_stay_quiet() {
    let mut world = World::new(&[miss_rule(), down_rule()]);
    world.run(7200, 9, 1);
    assert_eq!(world.statuses[0].state, AlertState::Ok);
    assert_eq!(world.statuses[1].state, AlertState::Ok);
    let mut idle = World::new(&[miss_rule(), down_rule()]);
    idle.run(3600, 0, 0);
    assert_eq!(idle.state(), AlertState::InsufficientTraffic);
    assert_eq!((world.sent.len(), idle.sent.len()), (0, 0));
}

#[test]
fn a_failed_poll_neither_fires_nor_resolves() {
    let mut world = World::new(&[miss_rule()]);
    world.run(3600, 40, 60).fail(5);
    assert_eq!((world.state(), world.sent.len()), (AlertState::Firing, 1));
    world.run(400, 90, 10);
    assert_eq!(world.state(), AlertState::Recovering);
    world.fail(7200);
    assert_eq!(
        (world.state(), world.sent.len()),
        (AlertState::Recovering, 1)
    );
    world.run(1800, 90, 10);
    assert_eq!(world.told(), [Transition::Firing, Transition::Resolved]);

    let mut world = World::new(&[miss_rule()]);
    world.run(320, 40, 60);
    assert_eq!(world.state(), AlertState::Pending);
    world.fail(40);
    assert_eq!(world.state(), AlertState::Pending);
    world.fail(60);
    assert_eq!((world.state(), world.sent.len()), (AlertState::NoData, 0));
}

#[test]
fn when_traffic_stops_the_incident_ends_some_time_and_says_so() {
    let mut world = World::new(&[miss_rule()]);
    world.run(3600, 40, 60);
    assert_eq!(world.state(), AlertState::Firing);
    // Five minutes until the short window is empty, then clear_for and the extended window.
    world.run(300 + 3600, 0, 0);
    assert_eq!((world.state(), world.sent.len()), (AlertState::Firing, 1));
    world.run(310, 0, 0);
    assert_eq!(world.state(), AlertState::InsufficientTraffic);
    assert_eq!(world.told(), [Transition::Firing, Transition::Resolved]);
    assert_eq!(world.sent[1].note.as_deref(), Some("no lookups any more"));
}

#[test]
fn a_cache_that_does_not_answer_is_down_and_comes_back() {
    let mut world = World::new(&[down_rule()]);
    // Never answered at all.
    world.fail(60);
    assert_eq!(world.state(), AlertState::Pending);
    world.fail(10);
    assert_eq!(world.told(), [Transition::Firing]);
    let Evidence::Down(evidence) = &world.sent[0].evidence else {
        panic!("about misses");
    };
    assert_eq!((evidence.nodes.len(), evidence.total), (1, 1));
    world.run(25, 1, 1);
    assert_eq!(world.state(), AlertState::Recovering);
    world.run(20, 1, 1);
    assert_eq!(world.told(), [Transition::Firing, Transition::Resolved]);
}

#[test]
fn rules_for_other_caches_do_not_watch_this_one() {
    let other = Rule {
        caches: vec![Name::new("other").unwrap()],
        ..miss_rule()
    };
    let mut world = World::new(&[other, down_rule()]);
    world.run(5, 1, 1);
    assert_eq!(world.statuses.len(), 1);
    assert_eq!(world.book.horizon(), Duration::ZERO);
}
