//! What becomes of an incident over a restart of cachewatch, and when its rule changes or goes.

use super::*;
use crate::alert::saved::SavedState;

#[test]
fn a_rule_that_is_removed_resolves_its_incident() {
    let mut world = World::new(&[miss_rule(), down_rule()]);
    world.run(3600, 40, 60);
    let stricter = MissRatioRule {
        threshold: 0.3,
        ..MissRatioRule::default()
    };
    let changed = rule("CacheMissRatioHigh", Signal::MissRatio(stricter));
    let now = at(world.now);
    assert_eq!(
        world.book.reconfigure(&labels(), &[changed], now),
        Outcome::default()
    );
    world.run(5, 40, 60);
    assert_eq!((world.state(), world.sent.len()), (AlertState::Firing, 1));

    let mut gone = world
        .book
        .reconfigure(&labels(), &[down_rule()], at(world.now));
    let resolved = gone.notifications.pop().unwrap();
    assert_eq!(resolved.transition, Transition::Resolved);
    assert_eq!(resolved.incident, world.sent[0].incident);
    assert_eq!(resolved.note.as_deref(), Some("the rule was removed"));
    assert_eq!(
        world.book.retire("the cache was removed", at(world.now)),
        Outcome::default()
    );
}

#[test]
fn a_restart_goes_on_with_the_incident() {
    let mut world = World::new(&[miss_rule()]);
    world.run(3600, 90, 10).run(1200, 40, 60);
    let saved = serde_json::to_string(&world.book.save(at(world.now))).unwrap();
    let saved: SavedState = serde_json::from_str(&saved).unwrap();
    let extra = |n: &Notification| match &n.evidence {
        Evidence::MissRatio(evidence) => evidence.extra_misses.unwrap(),
        Evidence::Down(_) | Evidence::Signal(_) | Evidence::Own(_) => 0,
    };

    // The monotonic clock begins anew; five minutes of wall time have passed.
    let shift = world.now + 300;
    let mut after = World::new(&[miss_rule()]);
    let restart = Now {
        mono: Duration::ZERO,
        wall: at(shift).wall,
    };
    assert_eq!(after.book.restore(&saved, restart), Outcome::default());
    let later = |now: u64| Now {
        mono: at(now).mono,
        wall: at(shift + now).wall,
    };
    let mut sent = Vec::new();
    for now in (0..1800).step_by(5) {
        let counters = counters(90 * now, 10 * now, now);
        after
            .ledger
            .observe(&good(later(now), reading(Some("a"), 9000 + now, counters)));
        let snapshot = after.ledger.snapshot(later(now));
        sent.extend(
            after
                .book
                .evaluate(
                    &snapshot,
                    after.ledger.history(),
                    &Surroundings::default(),
                    later(now),
                )
                .notifications,
        );
    }
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].transition, Transition::Resolved);
    assert_eq!(sent[0].incident, world.sent[0].incident);
    assert_eq!(
        sent[0].duration,
        sent[0].at.duration_since(sent[0].started).unsigned_abs()
    );
    assert!(close(
        match &sent[0].evidence {
            Evidence::MissRatio(evidence) => evidence.peak_ratio,
            Evidence::Down(_) | Evidence::Signal(_) | Evidence::Own(_) => None,
        },
        0.6
    ));
    let bad = 3600 + 1200 - world.sent[0].started.as_second();
    assert_eq!(extra(&sent[0]), u64::try_from(bad / 5 * 50).unwrap());
}

#[test]
fn a_restart_without_the_rule_resolves_its_incident() {
    let mut world = World::new(&[miss_rule()]);
    world.run(3600, 40, 60);
    let saved = world.book.save(at(world.now));
    let mut without = AlertBook::new(&config().name, &labels(), &[down_rule()], at(0));
    let gone = without.restore(&saved, at(world.now)).notifications;
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].incident, world.sent[0].incident);
    assert_eq!(gone[0].note.as_deref(), Some("the rule was removed"));
    assert!(without.save(at(world.now)).rules.is_empty());
}

#[test]
fn a_pending_rule_survives_a_short_restart_only() {
    let mut world = World::new(&[miss_rule()]);
    world.run(340, 40, 60);
    assert_eq!(world.state(), AlertState::Pending);
    let saved = world.book.save(at(340));
    for (away, state) in [(30, AlertState::Pending), (90, AlertState::NoData)] {
        let mut book = AlertBook::new(&config().name, &labels(), &[miss_rule()], at(340 + away));
        book.restore(&saved, at(340 + away));
        assert_eq!(book.rules[0].watches[0].machine.state(), state);
    }
}
