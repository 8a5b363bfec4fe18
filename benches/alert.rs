//! What a tick costs: 1,000 caches with 6 rules each, evaluated on one core, beside rules that look at the whole history
//! each time.
//!
//! Run with `cargo bench --bench alert`. Each cache is polled every 5 s and has an hour of history; some of them are
//! bad, so that incidents are open. The naive rules go through all readings of the hour for each rule; they are timed on
//! a part of the caches.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench reads the clock, prints its table and stops where it cannot go on"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cachewatch::alert::book::AlertBook;
use cachewatch::alert::sequential::{Params, Sequential};
use cachewatch::alert::surroundings::{Outcome, Surroundings};
use cachewatch::analyze::ledger::CacheLedger;
use cachewatch::analyze::wilson;
use cachewatch::config::signal::Measure;
use cachewatch::config::{
    AttributionConfig, CacheConfig, DownRule, LimitRule, MissRatioRule, Rule, Signal, Transport,
};
use cachewatch::model::events::EventReport;
use cachewatch::model::incident::Severity;
use cachewatch::model::name::Name;
use cachewatch::model::poll::{NotifyFlags, PollReport};
use cachewatch::model::reading::{Counters, Flavour, Identity, InfoFields, Memory, Reading, Role};
use cachewatch::model::snapshot::CacheSnapshot;
use cachewatch::model::time::Now;

const CACHES: u64 = 1_000;
/// On how many of them the naive rules are timed.
const NAIVE: usize = 20;
const POLL: u64 = 5;
const HISTORY: u64 = 3_600;
/// Ticks that are timed, one each poll.
const TICKS: u64 = 40;

struct Cache {
    config: CacheConfig,
    ledger: CacheLedger,
    book: AlertBook,
    /// What was found last, which the engine keeps until the next tick.
    latest: Option<(CacheSnapshot, Outcome)>,
    hits: u64,
    misses: u64,
    /// For the naive rules.
    samples: Vec<(u64, u64, u64)>,
}

fn rules() -> Vec<Rule> {
    let rule = |name: &str, signal| Rule::new(Name::new(name).unwrap(), signal, Severity::Warning);
    let limit = |measure, above, limit| Signal::Limit(LimitRule::new(measure, above, limit));
    vec![
        rule(
            "CacheMissRatioHigh",
            Signal::MissRatio(MissRatioRule::sequential()),
        ),
        rule(
            "CacheMissRatioVeryHigh",
            Signal::MissRatio(MissRatioRule {
                threshold: 0.5,
                clear_threshold: 0.4,
                ..MissRatioRule::default()
            }),
        ),
        rule("CacheDown", Signal::Down(DownRule::default())),
        rule("HitRatioLow", limit(Measure::HitRatio, false, 0.5)),
        rule("Evicts", limit(Measure::EvictionsPerSecond, true, 10.0)),
        rule(
            "MemoryNearLimit",
            limit(Measure::MemoryUsedRatio, true, 0.95),
        ),
    ]
}

impl Cache {
    fn new(i: u64, now: Now) -> Self {
        let config = CacheConfig {
            name: Name::new(&format!("cache-{i}")).unwrap(),
            transport: Transport::Tcp {
                host: format!("redis-{i}"),
                port: 6379,
                tls: None,
            },
            username: None,
            password: None,
            poll_interval: Duration::from_secs(POLL),
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(1),
            events: false,
            attribution: AttributionConfig::default(),
            sampling: None,
            labels: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
        };
        let ledger = CacheLedger::new(&config);
        let book = AlertBook::new(&config.name, &config.labels, &rules(), now);
        Self {
            config,
            ledger,
            book,
            latest: None,
            hits: 0,
            misses: 0,
            samples: Vec::new(),
        }
    }

    /// One reading; one cache in ten misses more than half of its lookups.
    fn poll(&mut self, i: u64, second: u64, now: Now) {
        let lookups = 100 + (i * 7 + second) % 50;
        let missed = if i.is_multiple_of(10) { 6 } else { 1 };
        self.misses += lookups * missed / 10;
        self.hits += lookups - lookups * missed / 10;
        self.samples.push((second, self.hits, self.misses));
        let reading = Reading {
            flavour: Flavour::Redis,
            version: Some("7.2.4".to_owned()),
            role: Role::Primary,
            identity: Identity {
                run_id: Some("a".to_owned()),
                uptime_seconds: Some(second + 1),
                replid: None,
                replid2: None,
            },
            counters: Counters {
                hits: Some(self.hits),
                misses: Some(self.misses),
                evicted: Some(second),
                expired: Some(second),
                commands: Some(self.hits + self.misses),
                connections: Some(1),
            },
            dbs: BTreeMap::new(),
            memory: Memory {
                used: Some(900 + i),
                limit: Some(2_000),
                policy: None,
            },
            fields: InfoFields::default(),
        };
        self.ledger.observe(&PollReport {
            cache: self.config.name.clone(),
            node: self.config.node(),
            at: now,
            took: Duration::from_millis(1),
            outcome: Ok(Arc::new(reading)),
            events: EventReport::default(),
            attribution: None,
            notify: NotifyFlags::Unknown,
        });
    }
}

/// All six rules from all readings of the hour.
fn naive(samples: &[(u64, u64, u64)]) -> f64 {
    let params = Params::from(&MissRatioRule::sequential());
    let mut sum = 0.0;
    let mut test = Sequential::new();
    for pair in samples.windows(2) {
        let &[(at, hits, misses), (then, more_hits, more_misses)] = pair else {
            continue;
        };
        let span = Duration::from_secs(then - at);
        test.observe(&params, more_hits - hits, more_misses - misses, span);
    }
    sum += f64::from(u8::from(test == Sequential::new()));
    let last = samples.last().map_or(0, |s| s.0);
    for window in [300, 900, 300, 300, 300] {
        let (mut hits, mut misses) = (0, 0);
        for pair in samples.windows(2) {
            let &[(_, h, m), (then, more_hits, more_misses)] = pair else {
                continue;
            };
            if then + window > last {
                hits += more_hits - h;
                misses += more_misses - m;
            }
        }
        sum += wilson::lower(misses, hits + misses, 2.326).unwrap_or(0.0);
    }
    sum
}

fn main() {
    let start = Now::ZERO;
    let at = |second: u64| start.plus(Duration::from_secs(second));
    let mut caches: Vec<_> = (0..CACHES).map(|i| Cache::new(i, start)).collect();
    let around = Surroundings::default();
    let mut firing = 0;
    for second in (0..HISTORY).step_by(5) {
        for (i, cache) in (0..).zip(&mut caches) {
            cache.poll(i, second, at(second));
            // Filling the history is not what is timed.
            if !second.is_multiple_of(60) {
                continue;
            }
            let snapshot = cache.ledger.snapshot(at(second));
            let history = cache.ledger.history();
            let outcome = cache.book.evaluate(&snapshot, history, &around, at(second));
            firing += outcome.incidents.len();
        }
    }
    let (mut ticks, mut wholes) = (Vec::new(), Vec::new());
    for tick in 0..TICKS {
        let second = HISTORY + tick * POLL;
        for (i, cache) in (0..).zip(&mut caches) {
            cache.poll(i, second, at(second));
        }
        // As the engine does: each cache is looked at as soon as its snapshot is made.
        let (begin, mut evaluating) = (Instant::now(), Duration::ZERO);
        for cache in &mut caches {
            let snapshot = cache.ledger.snapshot(at(second));
            let history = cache.ledger.history();
            let begin = Instant::now();
            let outcome = cache.book.evaluate(&snapshot, history, &around, at(second));
            evaluating += begin.elapsed();
            cache.latest = Some((snapshot, outcome));
        }
        ticks.push(evaluating);
        wholes.push(begin.elapsed());
    }
    wholes.sort_unstable();
    ticks.sort_unstable();
    let median = ticks.get(ticks.len() / 2).copied().unwrap_or_default();
    let worst = ticks.last().copied().unwrap_or_default();

    let begin = Instant::now();
    for cache in caches.iter().take(NAIVE) {
        black_box(naive(&cache.samples));
    }
    let scale = caches.len() as f64 / NAIVE as f64;
    let slow = begin.elapsed().as_secs_f64() * scale;
    let ms = |d: Duration| d.as_secs_f64() * 1_000.0;
    println!(
        "{CACHES} caches x {} rules, {firing} incidents",
        rules().len()
    );
    println!(
        "the rules of a tick: median {:.2} ms, worst {:.2} ms (goal: 10 ms)",
        ms(median),
        ms(worst)
    );
    println!(
        "with the snapshots: median {:.2} ms",
        ms(wholes.get(wholes.len() / 2).copied().unwrap_or_default())
    );
    println!(
        "from the whole history each time: {:.1} ms, {:.1} times as much",
        slow * 1_000.0,
        slow / median.as_secs_f64()
    );
}
