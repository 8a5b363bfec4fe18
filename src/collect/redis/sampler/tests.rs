//! The sampler beside a real server under load, whose hit ratios are known.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use tokio_util::task::TaskTracker;

use super::*;
use crate::analyze::attribution::{Attributor, KeyEvent, Options, Patterns};
use crate::analyze::ledger::CacheLedger;
use crate::analyze::lookups::CacheLookups;
use crate::collect::redis::events::testing::{Redis, until};
use crate::model::events::{PerKind, Subscription};
use crate::model::snapshot::NodeSnapshot;
use crate::model::time::SystemClock;
use crate::model::window::Totals;

mod together;

const SECRET: &str = "hunter2";
/// Name, glob, share of lookups, share of hits in these.
const NAMESPACES: [(&str, &str, f64, f64); 3] = [
    ("users", "user:*", 0.6, 0.95),
    ("answers", "ai:answer:*", 0.3, 0.4),
    ("carts", "cart:*:items", 0.1, 0.75),
];

fn attributor() -> Attributor {
    let patterns = NAMESPACES.map(|(name, glob, _, _)| (name, glob.as_bytes()));
    let options = Options {
        patterns: Patterns::new(patterns).unwrap(),
        removals: 1024,
        misses: 256,
        ..Options::default()
    };
    Attributor::new(options, Duration::ZERO)
}

fn key(namespace: usize, kind: &str) -> String {
    NAMESPACES[namespace]
        .1
        .replace('*', &format!("{kind}-{SECRET}"))
}

/// What clients have really asked for.
#[derive(Default)]
struct Truth {
    hits: [AtomicU64; 3],
    misses: [AtomicU64; 3],
}

/// Clients that look up, in bursts of one namespace, and write values that nobody may see.
fn load(server: &Redis, truth: &Arc<Truth>, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
    let mut connection = server.client().get_connection().unwrap();
    for namespace in 0..3 {
        let mut cmd = redis::cmd("SET");
        cmd.arg(key(namespace, "kept")).arg(SECRET.repeat(20));
        cmd.query::<()>(&mut connection).unwrap();
    }
    let work = |client: redis::Client, truth: Arc<Truth>, stop: Arc<AtomicBool>, seed| {
        let mut connection = client.get_connection().unwrap();
        let mut random = fastrand::Rng::with_seed(seed);
        while !stop.load(Ordering::Relaxed) {
            let chosen = random.f64();
            let namespace = match chosen {
                x if x < 0.6 => 0,
                x if x < 0.9 => 1,
                _ => 2,
            };
            let (mut pipe, mut hits) = (redis::pipe(), 0);
            for _ in 0..8 {
                let hit = random.f64() < NAMESPACES[namespace].3;
                hits += u64::from(hit);
                let kind = if hit { "kept" } else { "none" };
                pipe.cmd("GET").arg(key(namespace, kind)).ignore();
                let value = SECRET.repeat(10);
                pipe.cmd("SET").arg("written").arg(value).ignore();
            }
            pipe.query::<()>(&mut connection).unwrap();
            truth.hits[namespace].fetch_add(hits, Ordering::Relaxed);
            truth.misses[namespace].fetch_add(8 - hits, Ordering::Relaxed);
            std::thread::park_timeout(Duration::from_micros(random.u64(50..1000)));
        }
    };
    let threads = (0..3).map(|seed| {
        let (client, truth, stop) = (server.client(), Arc::clone(truth), Arc::clone(stop));
        std::thread::spawn(move || work(client, truth, stop, seed))
    });
    threads.collect()
}

/// A started sampler.
struct Running {
    results: mpsc::Receiver<SampleResult>,
    cancel: CancellationToken,
    tracker: TaskTracker,
    clock: Arc<SystemClock>,
}

impl Running {
    fn start(
        mut config: CacheConfig,
        sampling: MonitorSampling,
        classifier: Option<Classifier>,
    ) -> Self {
        config.sampling = Some(sampling);
        let (sender, results) = mpsc::channel(64);
        let (cancel, tracker) = (CancellationToken::new(), TaskTracker::new());
        let clock = Arc::new(SystemClock::start());
        let sampler = Sampler::new(
            Arc::new(config),
            Arc::new(move || classifier.clone()),
            sender,
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::default(),
        );
        tracker.spawn(sampler.run(cancel.clone()));
        tracker.close();
        Self {
            results,
            cancel,
            tracker,
            clock,
        }
    }

    async fn next(&mut self) -> SampleResult {
        let next = tokio::time::timeout(Duration::from_secs(20), self.results.recv());
        next.await.expect("a sample").expect("it runs")
    }

    async fn stop(self) {
        self.cancel.cancel();
        tokio::time::timeout(Duration::from_secs(5), self.tracker.wait())
            .await
            .expect("it ends");
    }
}

fn every(millis: u64, duration: u64) -> MonitorSampling {
    MonitorSampling {
        duration: Duration::from_millis(duration),
        every: Duration::from_millis(millis),
        max_bytes: 4 << 20,
    }
}

/// The node as the ledger shows it now, and its misses as the events tell them.
fn look(
    server: &Redis,
    node: &mut NodeSnapshot,
    events: &mut Attributor,
    truth: &Truth,
    told: &mut [u64; 3],
    clock: &SystemClock,
) {
    let (hits, misses) = (server.info("keyspace_hits"), server.info("keyspace_misses"));
    let now = clock.now();
    node.totals = Totals {
        hits: Some(hits),
        misses: Some(misses),
        ..Totals::default()
    };
    node.read_at = Some(now);
    for (namespace, told) in told.iter_mut().enumerate() {
        let misses = truth.misses[namespace].load(Ordering::Relaxed);
        while *told < misses {
            *told += 1;
            events.event(
                KeyEvent::Miss,
                0,
                key(namespace, "none").as_bytes(),
                now.mono,
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intervals_hold_the_true_hit_ratios_of_a_real_server() {
    const GROUPS: usize = 5;
    const SAMPLES: u64 = 12;
    let Some(server) = Redis::start(&[]).await else {
        return;
    };
    let (truth, stop) = (Arc::new(Truth::default()), Arc::new(AtomicBool::new(false)));
    let threads = load(&server, &truth, &stop);
    until("there is a load", || server.info("keyspace_hits") > 1000).await;

    let mut events = attributor();
    let mut config = server.config();
    config.sampling = Some(every(200, 40));
    let mut node = CacheLedger::new(&config)
        .snapshot(crate::model::time::Now::ZERO)
        .nodes[0]
        .clone();
    node.events.subscription = Subscription::Subscribed;
    node.completeness = PerKind {
        keymiss: Some(1.0),
        ..PerKind::default()
    };
    let mut running = Running::start(server.config(), every(200, 40), Some(events.classifier()));
    let mut told = [0; 3];
    let (mut held, mut made, mut seen, mut error) = (0, 0, String::new(), [0.0; 3]);
    for _ in 0..GROUPS {
        let sampled = (node.name.clone(), Duration::from_millis(200));
        let mut lookups = CacheLookups::new(Some(sampled));
        let count = |of: &[AtomicU64; 3]| [0, 1, 2].map(|i| of[i].load(Ordering::Relaxed));
        look(
            &server,
            &mut node,
            &mut events,
            &truth,
            &mut told,
            &running.clock,
        );
        let running_at = running.clock.now();
        lookups.observe(&node, &events.snapshot(running_at.mono));
        let before = (count(&truth.hits), count(&truth.misses));
        let used = |lookups: &CacheLookups| {
            let (_, stats) = lookups.snapshot(running_at).samples.unwrap();
            stats.complete.saturating_sub(stats.left_out)
        };
        // A machine that is busy with other things may skip stretches.
        while used(&lookups) < SAMPLES {
            let result = running.next().await;
            assert!(result.sample.is_some(), "{result:?}");
            seen += format!("{result:?}").as_str();
            let wait = result.ends.saturating_sub(running.clock.now().mono);
            lookups.sampled(result);
            tokio::time::sleep(wait).await;
            look(
                &server,
                &mut node,
                &mut events,
                &truth,
                &mut told,
                &running.clock,
            );
            lookups.observe(&node, &events.snapshot(running.clock.now().mono));
        }
        let after = (count(&truth.hits), count(&truth.misses));
        let now = running.clock.now();
        let ratios = lookups.hit_ratios(now);
        for (i, (name, _, _, _)) in NAMESPACES.iter().enumerate() {
            let Some(got) = ratios.iter().find(|r| r.namespace == *name) else {
                continue;
            };
            let hits = (after.0[i] - before.0[i]) as f64;
            let true_ratio = hits / (hits + (after.1[i] - before.1[i]) as f64);
            println!(
                "{name}: {true_ratio:.3}, estimated {:.3} ({:.3} to {:.3})",
                got.ratio, got.lower, got.upper
            );
            made += 1;
            held += u32::from(got.lower <= true_ratio && true_ratio <= got.upper);
            error[i] += (got.ratio - true_ratio) / GROUPS as f64;
        }
        seen += format!("{:?}", lookups.snapshot(now)).as_str();
    }
    running.stop().await;
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(made >= 12, "{made} estimates of 15");
    // Of 15 intervals at 95 %, fewer than 11 hold with a probability below 1 in 10 000.
    assert!(
        held >= made - 4,
        "{held} of {made} intervals hold the truth"
    );
    assert!(error.iter().all(|error| error.abs() < 0.15), "{error:?}");
    assert!(
        !seen.contains(SECRET) && !seen.contains("written"),
        "{seen}"
    );
}

#[tokio::test]
async fn without_a_classifier_the_server_is_left_alone() {
    let Some(server) = Redis::start(&[]).await else {
        return;
    };
    let before = server.info("total_connections_received");
    let mut running = Running::start(server.config(), every(50, 10), None);
    let waited = tokio::time::timeout(Duration::from_millis(300), running.results.recv());
    assert!(waited.await.is_err(), "nothing is told");
    // That of INFO itself.
    assert_eq!(server.info("total_connections_received"), before + 1);
    running.stop().await;
}

#[tokio::test]
async fn one_sample_in_each_stretch_at_a_random_moment() {
    let Some(server) = Redis::start(&[]).await else {
        return;
    };
    let mut running = Running::start(
        server.config(),
        every(100, 10),
        Some(attributor().classifier()),
    );
    let mut offsets = Vec::new();
    let mut last = None;
    for _ in 0..12 {
        let result = running.next().await;
        assert!(last.is_none_or(|last| last < result.period));
        last = Some(result.period);
        let begin = result.ends.saturating_sub(Duration::from_millis(100));
        offsets.push(result.at.mono.saturating_sub(begin).as_millis());
        let sample = result.sample.unwrap();
        assert!(sample.covered >= Duration::from_millis(10) && !sample.cut);
        assert_eq!((sample.lookups, sample.namespaces.len()), (0, 0));
    }
    let (low, high) = (offsets.iter().min().unwrap(), offsets.iter().max().unwrap());
    assert!(high - low > 20, "{offsets:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_failure_is_told_and_its_lookups_are_not() {
    let Some(server) = Redis::start(&[]).await else {
        return;
    };
    server.run(&["ACL SETUSER default -monitor"]);
    let mut running = Running::start(
        server.config(),
        every(50, 10),
        Some(attributor().classifier()),
    );
    assert_eq!(running.next().await.sample, None);
    server.run(&["ACL SETUSER default +monitor"]);
    while running.next().await.sample.is_none() {}
    running.stop().await;
}
