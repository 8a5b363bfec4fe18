//! What the application tells, what samples tell, and who is believed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::analyze::attribution::{Attributor, KeyEvent, OTHER, Options, Patterns};
use crate::analyze::fixture;
use crate::analyze::ledger::CacheLedger;
use crate::model::attribution::LookupSource;
use crate::model::events::{PerKind, Subscription};
use crate::model::lookups::{NamespaceLookups, Sample};
use crate::model::snapshot::ResetReason;
use crate::model::window::Totals;

fn at(seconds: u64) -> Now {
    fixture::at(seconds)
}

fn batch(lookups: &[(&str, u64, u64)]) -> LookupBatch {
    let lookups = lookups.iter();
    let lookups = lookups.map(|(namespace, hits, misses)| NamespaceLookups {
        namespace: Arc::from(*namespace),
        hits: *hits,
        misses: *misses,
    });
    LookupBatch {
        cache: fixture::config().name,
        lookups: lookups.collect(),
    }
}

/// A node with 1000 lookups a second, of which a namespace `a` has a quarter with a tenth of misses, exactly.
struct World {
    lookups: CacheLookups,
    attributor: Attributor,
    node: NodeSnapshot,
    seconds: u64,
    ratio_of_samples: f64,
}

const EVERY: u64 = 60;

impl World {
    fn new() -> Self {
        let patterns = Patterns::new([("a", b"a:*".as_slice()), ("b", b"b:*")]).unwrap();
        let options = Options {
            patterns,
            removals: 1024,
            misses: 256,
            ..Options::default()
        };
        let mut node = CacheLedger::new(&fixture::config()).snapshot(at(0)).nodes[0].clone();
        node.events.subscription = Subscription::Subscribed;
        node.completeness = PerKind {
            keymiss: Some(1.0),
            ..PerKind::default()
        };
        node.totals = Totals {
            hits: Some(0),
            misses: Some(0),
            ..Totals::default()
        };
        let every = Duration::from_secs(EVERY);
        Self {
            lookups: CacheLookups::new(Some((node.name.clone(), every))),
            attributor: Attributor::new(options, Duration::ZERO),
            node,
            seconds: 0,
            ratio_of_samples: 0.25,
        }
    }

    /// A reading every 5 s, and a sample somewhere in each minute.
    fn live(&mut self, seconds: u64) {
        for _ in 0..seconds / 5 {
            self.seconds += 5;
            let now = at(self.seconds);
            for i in 0..125_u64 {
                let key = format!("a:{i}");
                self.attributor
                    .event(KeyEvent::Miss, 0, key.as_bytes(), now.mono);
            }
            let totals = &mut self.node.totals;
            totals.hits = totals.hits.map(|hits| hits + 4875);
            totals.misses = totals.misses.map(|misses| misses + 125);
            self.node.read_at = Some(now);
            if self.seconds % EVERY == 35 {
                self.sample(Some(200));
            }
            let events = self.attributor.snapshot(now.mono);
            self.lookups.observe(&self.node, &events);
            self.lookups.observe(&self.node, &events);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small"
    )]
    fn sample(&mut self, lookups: Option<u64>) {
        let period = self.seconds / EVERY;
        let ours = |all: u64| (all as f64 * self.ratio_of_samples) as u64;
        let sample = lookups.map(|lookups| Sample {
            covered: Duration::from_millis(200),
            lookups,
            namespaces: vec![(Arc::from("a"), ours(lookups)), (Arc::from("zz"), 7)],
            bytes: 1000,
            cut: period % 2 == 1,
        });
        self.lookups.sampled(SampleResult {
            cache: fixture::config().name,
            node: self.node.name.clone(),
            at: at(self.seconds),
            period,
            ends: Duration::from_secs((period + 1) * EVERY),
            sample,
        });
    }

    fn ratios(&self) -> Vec<NamespaceHitRatio> {
        self.lookups.hit_ratios(at(self.seconds))
    }

    fn left_out(&self) -> u64 {
        let snapshot = self.lookups.snapshot(at(self.seconds));
        snapshot.samples.unwrap().1.left_out
    }
}

#[test]
fn samples_and_misses_make_a_ratio() {
    let mut world = World::new();
    world.live(8 * EVERY - 5);
    assert_eq!(world.ratios(), [], "seven samples are too few");
    world.live(4 * EVERY);
    let ratios = world.ratios();
    let [ratio] = ratios.as_slice() else {
        panic!("{ratios:?}")
    };
    assert_eq!(
        (ratio.namespace.as_str(), ratio.source),
        ("a", LookupSource::Sample)
    );
    // 25 misses a second of 250 lookups.
    assert!((ratio.ratio - 0.9).abs() < 0.005, "{ratio:?}");
    assert!(ratio.lower < 0.9 && 0.9 < ratio.upper, "{ratio:?}");
    assert_eq!(ratio.lookups % 50, 0);
    let (_, stats) = world.lookups.snapshot(at(world.seconds)).samples.unwrap();
    assert_eq!((stats.complete, stats.cut, stats.failed), (6, 6, 0));
    assert_eq!((stats.bytes, stats.left_out), (12_000, 0));
}

#[test]
fn what_is_not_completely_known_is_left_out() {
    type Spoil = fn(&mut NodeSnapshot);
    let spoils: [(&str, Spoil); 6] = [
        ("a gap", |node| node.events.gaps += 1),
        ("a new session", |node| node.events.sessions += 1),
        ("a reset", |node| {
            *node.resets.entry(ResetReason::Resetstat).or_default() += 1;
        }),
        ("a reading that cannot be true", |node| {
            node.readings_discarded += 1;
        }),
        ("not subscribed", |node| {
            node.events.subscription = Subscription::Connecting;
        }),
        ("events are missing", |node| {
            node.completeness.keymiss = Some(0.98);
        }),
    ];
    for (what, spoil) in spoils {
        let mut world = World::new();
        world.live(3 * EVERY + 20);
        assert_eq!(world.left_out(), 0, "{what}");
        let before = world.node.clone();
        spoil(&mut world.node);
        world.live(10);
        world.node.completeness = before.completeness;
        world.node.events.subscription = before.events.subscription;
        world.live(EVERY);
        assert_eq!(world.left_out(), 1, "{what}");
        world.live(9 * EVERY);
        assert_eq!(world.left_out(), 1, "{what}");
        assert_eq!(world.ratios().len(), 1, "{what}");
    }
}

#[test]
fn without_events_there_is_no_ratio() {
    let mut world = World::new();
    // The server publishes no keymiss: what the events say is 0 misses.
    world.node.completeness.keymiss = Some(0.0);
    world.live(12 * EVERY);
    assert_eq!(world.ratios(), []);
}

#[test]
fn a_failed_and_a_missing_sample_spoil_their_interval_only() {
    let mut world = World::new();
    world.live(2 * EVERY);
    world.live(30);
    world.sample(None);
    world.seconds += 5;
    world.live(25);
    assert_eq!(world.left_out(), 1);
    // One that never came.
    world.seconds += EVERY;
    world.live(EVERY);
    assert_eq!(world.left_out(), 2);
    world.live(8 * EVERY);
    assert_eq!((world.left_out(), world.ratios().len()), (2, 1));
}

#[test]
fn another_node_starts_from_nothing_and_old_samples_are_forgotten() {
    let mut world = World::new();
    world.live(12 * EVERY);
    assert_eq!(world.ratios().len(), 1);
    assert_eq!(world.lookups.hit_ratios(at(world.seconds + 11 * EVERY)), []);
    *world.node.resets.entry(ResetReason::Failover).or_default() += 1;
    world.live(5);
    assert_eq!(world.ratios(), []);
    world.live(7 * EVERY);
    assert_eq!(world.ratios(), []);
    world.live(3 * EVERY);
    assert_eq!(world.ratios().len(), 1);
}

#[test]
fn the_application_is_believed_before_the_sample() {
    let mut world = World::new();
    world.live(12 * EVERY);
    let now = at(world.seconds);
    world
        .lookups
        .told(&batch(&[("a", 70, 30), ("b", 0, 0), ("c", 1, 0)]), now);
    let ratios = world.ratios();
    let found: Vec<_> = ratios
        .iter()
        .map(|r| (r.namespace.as_str(), r.source, r.lookups))
        .collect();
    let application = LookupSource::Application;
    assert_eq!(found, [("a", application, 100), ("c", application, 1)]);
    assert!((ratios[0].ratio - 0.7).abs() < 1e-12);
    // Newcombe 1998, method 3, for 70 of 100: 0.604 to 0.781.
    assert!((ratios[0].lower - 0.604).abs() < 1e-3 && (ratios[0].upper - 0.781).abs() < 1e-3);
    // What it told is old now.
    world.live(WINDOW.as_secs() + 20);
    let again = world.ratios();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].source, LookupSource::Sample);
    let snapshot = world.lookups.snapshot(at(world.seconds));
    assert_eq!(snapshot.application.len(), 3);
    assert_eq!(snapshot.application[0].hits, 70);
}

#[test]
fn a_cache_is_enriched_in_one_step() {
    let mut world = World::new();
    let mut cache = CacheLedger::new(&fixture::config()).snapshot(at(0));
    world.lookups.told(&batch(&[("a", 7, 3)]), at(0));
    world.lookups.enrich(&mut cache, at(0));
    assert!(cache.attribution.is_none());
    assert_eq!(cache.lookups.hit_ratios.len(), 1);
    let totals = world.attributor.snapshot(Duration::ZERO);
    cache.attribution = Some(Arc::new(crate::model::attribution::CacheAttribution {
        totals,
        recent: Vec::new(),
        recent_span: Duration::ZERO,
        completeness: None,
        costs: Vec::new(),
        hit_ratios: Vec::new(),
    }));
    world.lookups.enrich(&mut cache, at(0));
    let attribution = cache.attribution.unwrap();
    assert_eq!(attribution.hit_ratios, cache.lookups.hit_ratios);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn what_is_told_is_never_lost(
        told in prop::collection::vec((0_u32..400, 0_u64..1000, 0_u64..1000, 0_u64..60), 0..400)
    ) {
        let mut lookups = CacheLookups::new(None);
        let (mut now, mut sum, mut by_name) = (0, (0, 0), BTreeMap::new());
        let mut before: BTreeMap<Arc<str>, (u64, u64)> = BTreeMap::new();
        for (name, hits, misses, pause) in told {
            now += pause;
            let name = if name == 0 { OTHER.to_owned() } else { format!("n{name}:*") };
            lookups.told(&batch(&[(&name, hits, misses)]), at(now));
            sum = (sum.0 + hits, sum.1 + misses);
            let entry: &mut (u64, u64) = by_name.entry(name).or_default();
            *entry = (entry.0 + hits, entry.1 + misses);
            let snapshot = lookups.snapshot(at(now));
            let kept: BTreeMap<_, _> = snapshot
                .application
                .iter()
                .map(|n| (Arc::clone(&n.namespace), (n.hits, n.misses)))
                .collect();
            for (name, (hits, misses)) in &before {
                prop_assert!(kept[name].0 >= *hits && kept[name].1 >= *misses, "{name} went back");
            }
            for ratio in &snapshot.hit_ratios {
                prop_assert!(0.0 <= ratio.lower && ratio.lower <= ratio.ratio);
                prop_assert!(ratio.ratio <= ratio.upper && ratio.upper <= 1.0);
            }
            before = kept;
        }
        let snapshot = lookups.snapshot(at(now));
        let total = snapshot.application.iter().fold((0, 0), |t, n| (t.0 + n.hits, t.1 + n.misses));
        prop_assert_eq!(total, sum);
        prop_assert!(snapshot.application.len() <= MAX_NAMESPACES + 1);
        let mut beyond = 0;
        for (name, (hits, misses)) in &by_name {
            match snapshot.application.iter().find(|n| *n.namespace == **name) {
                Some(kept) if name != OTHER => prop_assert_eq!((kept.hits, kept.misses), (*hits, *misses)),
                Some(_) => {}
                None => beyond += hits + misses,
            }
        }
        prop_assert_eq!(snapshot.beyond_bound, beyond);
    }

    #[test]
    fn the_window_is_five_minutes(pauses in prop::collection::vec(0_u64..200, 1..60)) {
        let mut lookups = CacheLookups::new(None);
        let (mut now, mut told) = (0, Vec::new());
        for pause in pauses {
            now += pause;
            told.push(now);
            lookups.told(&batch(&[("a", 1, 0)]), at(now));
        }
        let within = |seconds: u64| told.iter().filter(|at| **at + seconds >= now).count() as u64;
        let got = lookups.hit_ratios(at(now))[0].lookups;
        prop_assert!(within(300) <= got && got <= within(310), "{got}");
    }
}
