//! Who is not told, and when after all; warm-ups and flapping.

use super::*;
use crate::model::incident::CoincidenceKind;

fn silence(from: u64, to: u64) -> Silence {
    Silence {
        id: "1".to_owned(),
        matchers: vec!["cache=sess*".parse().unwrap()],
        author: "ann".to_owned(),
        comment: "deploy".to_owned(),
        starts: at(from).wall,
        ends: at(to).wall,
        created: at(from).wall,
    }
}

#[test]
fn what_is_silenced_is_told_when_the_silence_ends() {
    let mut world = World::new(&[miss_rule()]);
    world.silences.push(silence(0, 3600 + 1200));
    world.run(3600, 90, 10).run(1190, 40, 60);
    assert_eq!(world.state(), AlertState::Silenced);
    assert_eq!((world.sent.len(), world.incidents.len()), (0, 1));
    assert_eq!(
        world.statuses[0].muted.as_deref(),
        Some("silenced until 1970-01-01 01:20 UTC by ann: deploy")
    );
    assert!(!world.statuses[0].looks.is_empty());
    let last = world.transitions.last().unwrap();
    assert_eq!(
        (last.from, last.to),
        (AlertState::Pending, AlertState::Silenced)
    );
    assert!(last.why.contains("by ann: deploy"), "{}", last.why);
    world.run(60, 40, 60);
    assert_eq!(
        (world.state(), world.told()),
        (AlertState::Firing, vec![Transition::Firing])
    );
    assert_eq!(
        world.sent[0].note.as_deref(),
        Some("was silenced until 1970-01-01 01:20 UTC by ann: deploy")
    );
    assert_eq!(world.sent[0].started, world.incidents[0].started);
    world.run(1800, 90, 10);
    assert_eq!(world.told(), [Transition::Firing, Transition::Resolved]);
}

#[test]
fn what_ends_within_its_silence_is_never_told_but_recorded() {
    let mut world = World::new(&[miss_rule()]);
    world.silences.push(silence(0, 90_000));
    world.run(3600, 90, 10).run(1200, 40, 60).run(1800, 90, 10);
    assert_eq!((world.state(), world.sent.len()), (AlertState::Ok, 0));
    let recorded: Vec<_> = world.incidents.iter().map(|n| n.transition).collect();
    assert_eq!(recorded, [Transition::Firing, Transition::Resolved]);
}

#[test]
fn what_was_told_is_told_to_be_over_also_within_a_silence() {
    let mut world = World::new(&[miss_rule()]);
    world.run(3600, 90, 10).run(1200, 40, 60);
    assert_eq!(world.told(), [Transition::Firing]);
    world.silences.push(silence(world.now, 90_000));
    world.run(10, 40, 60);
    assert_eq!(world.state(), AlertState::Silenced);
    world.run(1800, 90, 10);
    assert_eq!(world.told(), [Transition::Firing, Transition::Resolved]);
}

#[test]
fn whether_it_was_told_is_remembered_over_a_restart() {
    for silenced in [false, true] {
        let mut world = World::new(&[miss_rule()]);
        if silenced {
            world.silences.push(silence(0, 90_000));
        }
        world.run(3600, 90, 10).run(1200, 40, 60);
        let saved = world.book.save(at(world.now));
        let mut gone = AlertBook::new(&config().name, &labels(), &[], at(world.now));
        let outcome = gone.restore(&saved, at(world.now));
        assert_eq!(outcome.notifications.is_empty(), silenced);
        assert_eq!(outcome.incidents.len(), 1);
        assert_eq!(outcome.transitions.len(), 1);
    }
}

#[test]
fn a_cache_that_is_down_silences_its_other_rules() {
    let age = LimitRule {
        for_: Duration::ZERO,
        ..LimitRule::new(Measure::ReadingAge, true, 90.0)
    };
    let mut world = World::new(&[rule("ReadingOld", Signal::Limit(age)), down_rule()]);
    world.run(600, 90, 10).fail(300);
    let rules: Vec<_> = world.sent.iter().map(|n| n.rule.as_str()).collect();
    assert_eq!(rules, ["CacheDown"]);
    assert_eq!(world.statuses[0].state, AlertState::Silenced);
    assert_eq!(
        world.statuses[0].muted.as_deref(),
        Some("silenced because CacheDown fires")
    );
}

#[test]
fn a_restart_begins_a_warm_up_that_is_shown_and_no_page() {
    let mut world = World::new(&[miss_rule()]);
    world.run(3600, 90, 10);
    world.restart("b");
    world.run(5, 40, 60);
    assert_eq!(world.state(), AlertState::WarmingUp);
    let why = &world.statuses[0].explanation;
    assert!(
        why.starts_with("warming up since 01:00 UTC after a restart, "),
        "{why}"
    );
    // Cold for four minutes, then as before: nobody is told.
    world.run(235, 40, 60).run(1800, 90, 10);
    assert_eq!((world.state(), world.sent.len()), (AlertState::Ok, 0));
    // Another one, and it stays bad.
    world.restart("c");
    world.run(300, 40, 60);
    assert_eq!(world.sent.len(), 0);
    world.run(600, 40, 60);
    assert_eq!(world.told(), [Transition::Firing]);
    let kinds: Vec<_> = world.sent[0].coincidences.iter().map(|c| c.kind).collect();
    assert_eq!(kinds, [CoincidenceKind::Restart]);
    assert!(world.miss(0).normal_range.is_some());
}

#[test]
fn an_open_incident_stays_open_over_a_warm_up() {
    let mut world = World::new(&[miss_rule()]);
    world.run(3600, 90, 10).run(1200, 40, 60);
    world.restart("b");
    world.run(240, 100, 0);
    assert_eq!((world.state(), world.sent.len()), (AlertState::Firing, 1));
    world.run(1200, 100, 0);
    assert_eq!(world.told(), [Transition::Firing, Transition::Resolved]);
}

#[test]
fn what_fires_again_and_again_is_held_open_and_says_so() {
    let quick = MissRatioRule {
        short_window: Duration::from_secs(20),
        long_window: Duration::from_secs(40),
        for_: Duration::ZERO,
        clear_for: Duration::from_secs(30),
        ..MissRatioRule::default()
    };
    let mut world = World::new(&[rule("Flaps", Signal::MissRatio(quick))]);
    world.run(1800, 90, 10);
    for _ in 0..6 {
        world.run(120, 20, 80).run(150, 95, 5);
    }
    let notes: Vec<_> = world
        .sent
        .iter()
        .filter(|n| n.transition == Transition::Firing)
        .map(|n| n.note.clone().unwrap_or_default())
        .collect();
    assert_eq!(
        notes,
        [
            "",
            "",
            "fired 3 times within the last hour: held open for 1m",
            "fired 4 times within the last hour: held open for 2m",
            "fired 5 times within the last hour: held open for 4m",
        ],
        "the sixth time it is still open"
    );
}

#[test]
fn the_sequential_detector_fires_sooner_and_remembers() {
    let sequential = rule(
        "CacheMissRatioHigh",
        Signal::MissRatio(MissRatioRule::sequential()),
    );
    let mut world = World::new(&[sequential.clone(), miss_rule()]);
    world.run(3600, 90, 10).run(120, 40, 60);
    assert_eq!(world.statuses[0].state, AlertState::Firing);
    assert_ne!(world.statuses[1].state, AlertState::Firing);
    assert!(world.miss(0).long_lower.unwrap() > 0.2);
    world.run(1800, 90, 10);
    assert_eq!(world.statuses[0].state, AlertState::Ok);

    // Evidence that has been gathered is not lost over a restart.
    let mut before = World::new(std::slice::from_ref(&sequential));
    before.run(1800, 90, 10).run(60, 40, 60);
    let saved = before.book.save(at(before.now));
    let written = serde_json::to_string(&saved).unwrap();
    let mut book = AlertBook::new(&config().name, &labels(), &[sequential], at(0));
    book.restore(&serde_json::from_str(&written).unwrap(), at(before.now));
    assert_eq!(book.save(at(before.now)).rules.len(), 1);
}
