//! A cache polled every 5 s, its ledger and its book, through whole incidents.

use std::sync::Arc;

use super::*;
use crate::alert::saved::SavedState;
use crate::alert::surroundings::{EachSample, Gauges, PastRatio};
use crate::analyze::fixture::{at, config, counters, failed, good, reading};
use crate::analyze::ledger::CacheLedger;
use crate::config::signal::Measure;
use crate::config::{DownRule, LimitRule, MissRatioRule};
use crate::export::sample::attribution::attribution;
use crate::model::attribution::CacheAttribution;
use crate::model::incident::{
    AlertState, AlertStatus, Evidence, MissEvidence, Notification, Severity, Transition,
};
use crate::model::name::Name;
use crate::model::poll::PollErrorKind;
use crate::model::record::TransitionRecord;
use crate::model::silence::Silence;

struct World {
    ledger: CacheLedger,
    book: AlertBook,
    now: u64,
    hits: u64,
    misses: u64,
    sent: Vec<Notification>,
    statuses: Vec<AlertStatus>,
    incidents: Vec<Notification>,
    cut: u64,
    transitions: Vec<TransitionRecord>,
    silences: Vec<Silence>,
    past: Vec<PastRatio>,
    run_id: &'static str,
    /// When the server was started.
    born: i64,
    attribution: Option<Arc<CacheAttribution>>,
}

fn rule(name: &str, signal: Signal) -> Rule {
    Rule {
        labels: BTreeMap::from([("team".to_owned(), "rule".to_owned())]),
        runbook: Some("https://runbook".to_owned()),
        ..Rule::new(Name::new(name).unwrap(), signal, Severity::Warning)
    }
}

fn miss_rule() -> Rule {
    rule(
        "CacheMissRatioHigh",
        Signal::MissRatio(MissRatioRule::default()),
    )
}

fn down_rule() -> Rule {
    rule("CacheDown", Signal::Down(DownRule::default()))
}

fn labels() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("team".to_owned(), "cache".to_owned()),
        ("env".to_owned(), "prod".to_owned()),
    ])
}

impl World {
    fn new(rules: &[Rule]) -> Self {
        Self {
            ledger: CacheLedger::new(&config()),
            book: AlertBook::new(&config().name, &labels(), rules, at(0)),
            now: 0,
            hits: 0,
            misses: 0,
            sent: Vec::new(),
            statuses: Vec::new(),
            incidents: Vec::new(),
            cut: 0,
            transitions: Vec::new(),
            silences: Vec::new(),
            past: Vec::new(),
            run_id: "a",
            born: -1000,
            attribution: None,
        }
    }

    fn tick(&mut self) {
        let now = at(self.now);
        let mut snapshot = self.ledger.snapshot(now);
        snapshot.attribution.clone_from(&self.attribution);
        let around = Surroundings {
            silences: &self.silences,
            past: &self.past,
            gauges: Some(&Fifty),
            ..Surroundings::default()
        };
        let outcome = self
            .book
            .evaluate(&snapshot, self.ledger.history(), &around, now);
        self.statuses = outcome.statuses;
        self.sent.extend(outcome.notifications);
        self.incidents.extend(outcome.incidents);
        self.cut = outcome.subjects_cut;
        self.transitions.extend(outcome.transitions);
    }

    /// So many seconds with so many hits and misses in each 5 s.
    fn run(&mut self, seconds: u64, hits: u64, misses: u64) -> &mut Self {
        for _ in 0..seconds / 5 {
            self.now += 5;
            self.hits += hits;
            self.misses += misses;
            let counters = counters(self.hits, self.misses, self.hits);
            self.ledger.observe(&good(
                at(self.now),
                reading(Some(self.run_id), self.uptime(), counters),
            ));
            self.tick();
        }
        self
    }

    /// So many seconds in which polls fail.
    fn fail(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds / 5 {
            self.now += 5;
            self.ledger
                .observe(&failed(at(self.now), PollErrorKind::Refused));
            self.tick();
        }
        self
    }

    fn uptime(&self) -> u64 {
        u64::try_from(i64::try_from(self.now).unwrap() - self.born).unwrap()
    }

    /// The server is restarted.
    fn restart(&mut self, run_id: &'static str) -> &mut Self {
        self.run_id = run_id;
        self.born = i64::try_from(self.now).unwrap();
        (self.hits, self.misses) = (0, 0);
        self
    }

    fn state(&self) -> AlertState {
        self.statuses[0].state
    }

    fn told(&self) -> Vec<Transition> {
        self.sent.iter().map(|n| n.transition).collect()
    }

    fn miss(&self, i: usize) -> &MissEvidence {
        match &self.sent[i].evidence {
            Evidence::MissRatio(evidence) => evidence,
            Evidence::Down(_) | Evidence::Signal(_) | Evidence::Own(_) => {
                panic!("not about misses")
            }
        }
    }
}

/// Has a gauge of 50 for one window and of 5 for the other.
struct Fifty;

impl Gauges for Fifty {
    fn each(&self, metric: &str, cache: &CacheSnapshot, _now: Now, each: EachSample<'_>) {
        if metric == "cache_window_lookups" {
            each(&[("cache", cache.name.as_str()), ("window", "5m")], 50.0);
            each(&[("cache", cache.name.as_str()), ("window", "1m")], 5.0);
        }
    }
}

fn close(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| (a - b).abs() < 0.01)
}

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

mod mutes;
mod signals;
