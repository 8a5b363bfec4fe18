//! What rendering `/metrics` costs with many caches and namespaces, beside metric vectors that are set at each scrape, in
//! the same run.
//!
//! The other side is what one writes without a snapshot: a vector of the prometheus crate for each metric, every value
//! set by its labels, gathered and encoded. Its values and labels are handed to it ready, which favours it: that a cache
//! is walked and a value is looked up in what a node said counts on our side only. Both must say the same.
//!
//! A program that prints a table. Bounded: a fixed number of rounds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark that cannot go on stops with a message"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cachewatch::collect::redis::info;
use cachewatch::export::{Format, Renderer, families};
use cachewatch::model::attribution::{
    Again, AttributionSnapshot, CacheAttribution, Cause, Counters, EventCounts, NamespaceCounts,
    TableStats, Verdict,
};
use cachewatch::model::reading::Reading;
use cachewatch::model::snapshot::{CacheSnapshot, Snapshot};
use cachewatch::model::time::{Clock, SystemClock};
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::{Bucket, Metric, MetricType};
use prometheus::{
    CounterVec, Encoder as _, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder,
};

#[path = "../tests/it/browser/fleet.rs"]
mod fleet;

const ROUNDS: u32 = 15;
const NAMESPACES: u64 = 50;
/// What a Redis 7.0 says of itself.
const INFO: &str = include_str!("../src/export/testdata/info-7.0.txt");

fn main() {
    println!("/metrics with {NAMESPACES} namespaces a cache; a scrape, best of {ROUNDS} rounds");
    println!(
        "{:>7} {:>8} {:<22} {:>9} {:>7} {:>9} {:>12} {:>9}",
        "caches", "series", "", "ms", "ratio", "KB", "allocations", "peak KB"
    );
    for caches in [1, 10, 100] {
        compare(caches);
    }
}

fn compare(caches: usize) {
    let mut snapshot = snapshot(caches);
    let renderer = Renderer::new();
    let vectors = Vectors::new(&snapshot);

    let ours = renderer.render(&snapshot, Format::Text, false).unwrap();
    let ours = series(std::str::from_utf8(&ours).unwrap());
    let theirs = series(std::str::from_utf8(&vectors.scrape()).unwrap());
    let differs = ours.iter().zip(&theirs).find(|(a, b)| a != b);
    assert!(ours == theirs, "the series differ, first: {differs:?}");

    let naive = measure(|| vectors.scrape().len());
    // A renderer keeps what it made of a snapshot; another number makes it another one.
    let mut render = |format, gzip| {
        measure(|| {
            snapshot.sequence += 1;
            renderer.render(&snapshot, format, gzip).unwrap().len()
        })
    };
    let rows = [
        ("metric vectors, text", naive),
        ("ours, text", render(Format::Text, false)),
        ("ours, OpenMetrics", render(Format::OpenMetrics, false)),
        ("ours, text, gzip", render(Format::Text, true)),
    ];
    for (name, cost) in &rows {
        println!(
            "{caches:>7} {:>8} {name:<22} {:>9.2} {:>7.2} {:>9.0} {:>12} {:>9.0}",
            ours.len(),
            cost.took.as_secs_f64() * 1_000.0,
            cost.took.as_secs_f64() / rows[0].1.took.as_secs_f64(),
            cost.bytes as f64 / 1_024.0,
            cost.allocations,
            cost.peak as f64 / 1_024.0,
        );
    }
}

struct Cost {
    took: Duration,
    bytes: usize,
    allocations: u64,
    /// The most memory that it had at once beyond what was there before.
    peak: u64,
}

fn measure(mut scrape: impl FnMut() -> usize) -> Cost {
    let (mut took, mut bytes) = (Duration::MAX, 0);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        bytes = black_box(scrape());
        took = took.min(start.elapsed());
    }
    let memory = allocation_counter::measure(|| {
        black_box(scrape());
    });
    Cost {
        took,
        bytes,
        allocations: memory.count_total,
        peak: memory.bytes_max,
    }
}

/// The lines that have a value, sorted, without labels that are empty and without what the process says about itself.
fn series(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut lines: Vec<_> = lines
        .filter(|line| !line.starts_with("process_"))
        .map(normal)
        .collect();
    lines.sort_unstable();
    lines
}

/// The same line with its labels sorted; metric vectors write empty ones and have an order of their own.
fn normal(line: &str) -> String {
    let Some((name, rest)) = line.split_once('{') else {
        return line.to_owned();
    };
    let (labels, value) = rest.rsplit_once("\"} ").unwrap();
    let mut labels: Vec<_> = labels
        .split("\",")
        .filter(|l| !l.ends_with("=\""))
        .collect();
    labels.sort_unstable();
    format!("{name}{{{}}} {value}", labels.join("\","))
}

/// A vector for each metric, and what is to be set.
struct Vectors {
    registry: Registry,
    vectors: Vec<(Vector, Vec<Sample>)>,
}

/// Values of its labels, and its value.
type Sample = (Vec<String>, f64);

enum Vector {
    Counter(CounterVec),
    Gauge(GaugeVec),
    /// The made-up nodes were never polled: its series are there, and 0.
    Histogram(HistogramVec),
}

impl Vectors {
    fn new(snapshot: &Snapshot) -> Self {
        let registry = Registry::new();
        let collector = Box::new(ProcessCollector::for_self());
        registry.register(collector).unwrap();
        let vectors = families(snapshot).into_iter().map(|family| {
            let samples = family.get_metric();
            let mut names: Vec<&str> = Vec::new();
            for label in samples.iter().flat_map(Metric::get_label) {
                if !names.contains(&label.name()) {
                    names.push(label.name());
                }
            }
            let opts = Opts::new(family.name(), family.help());
            let kind = family.get_field_type();
            let vector = match kind {
                MetricType::COUNTER => {
                    let vector = CounterVec::new(opts, &names).unwrap();
                    registry.register(Box::new(vector.clone())).unwrap();
                    Vector::Counter(vector)
                }
                MetricType::GAUGE => {
                    let vector = GaugeVec::new(opts, &names).unwrap();
                    registry.register(Box::new(vector.clone())).unwrap();
                    Vector::Gauge(vector)
                }
                MetricType::HISTOGRAM => {
                    let buckets = samples[0].get_histogram().get_bucket();
                    let bounds = buckets.iter().map(Bucket::upper_bound).collect();
                    let opts = HistogramOpts::from(opts).buckets(bounds);
                    let vector = HistogramVec::new(opts, &names).unwrap();
                    registry.register(Box::new(vector.clone())).unwrap();
                    Vector::Histogram(vector)
                }
                kind => panic!("{kind:?} has no vector"),
            };
            let samples = samples.iter().map(|sample| {
                let labels = sample.get_label();
                let value = |name: &&str| {
                    let label = labels.iter().find(|l| l.name() == *name);
                    label.map_or_else(String::new, |l| l.value().to_owned())
                };
                let number = match kind {
                    MetricType::COUNTER => sample.get_counter().get_value(),
                    _ => sample.get_gauge().get_value(),
                };
                (names.iter().map(value).collect(), number)
            });
            (vector, samples.collect())
        });
        let vectors = vectors.collect();
        Self { registry, vectors }
    }

    fn scrape(&self) -> Vec<u8> {
        for (vector, samples) in &self.vectors {
            for (labels, value) in samples {
                match vector {
                    Vector::Counter(vector) => {
                        let counter = vector.with_label_values(labels);
                        counter.reset();
                        counter.inc_by(*value);
                    }
                    Vector::Gauge(vector) => vector.with_label_values(labels).set(*value),
                    Vector::Histogram(vector) => {
                        black_box(vector.with_label_values(labels));
                    }
                }
            }
        }
        let mut out = Vec::new();
        let families = self.registry.gather();
        TextEncoder::new().encode(&families, &mut out).unwrap();
        out
    }
}

fn snapshot(caches: usize) -> Snapshot {
    let now = SystemClock::start().now();
    // A summary has no vector; what fills one is left out.
    let info = INFO.lines().filter(|line| !line.starts_with("latency_"));
    let info: String = info.flat_map(|line| [line, "\r\n"]).collect();
    let reading = Arc::new(info::parse(&info).unwrap());
    let caches = fleet::many(caches, now);
    let caches = caches.iter().map(|c| Arc::new(full(c, &reading))).collect();
    fleet::snapshot(caches, now)
}

/// The cache with all that INFO tells, and with all namespaces and causes.
fn full(cache: &CacheSnapshot, reading: &Arc<Reading>) -> CacheSnapshot {
    let mut cache = cache.clone();
    for node in &mut cache.nodes {
        node.reading = Some(Arc::clone(reading));
    }
    let namespaces = (0..NAMESPACES).map(|i| NamespaceCounts {
        name: format!("{}:{i}:*:profile", cache.name),
        id: i,
        configured: i < 5,
        counters: counters(i),
    });
    cache.attribution = Some(Arc::new(CacheAttribution {
        totals: AttributionSnapshot {
            namespaces: namespaces.collect(),
            other: counters(NAMESPACES),
            events: EventCounts::default(),
            removals: TableStats::default(),
            misses: TableStats::default(),
            horizon: Duration::from_hours(2),
            gaps: 0,
            flushes: 0,
            retired: 0,
            candidates_replaced: 0,
            bytes: 16 << 20,
        },
        recent: Vec::new(),
        recent_span: Duration::from_mins(5),
        completeness: Some(1.0),
        costs: Vec::new(),
        hit_ratios: Vec::new(),
    }));
    cache
}

/// All kinds and causes, and numbers of several digits.
fn counters(i: u64) -> Counters {
    let mut counters = Counters::default();
    for (cause, j) in Cause::ALL.into_iter().zip(1..) {
        let age = 1 << (j % 17);
        let again = Again::First;
        counters.missed(Verdict { cause, age, again });
    }
    // Doubled until it looks like a week's.
    for _ in 0..17 {
        let again = counters;
        counters.add(&again);
    }
    counters.evictions = 104_729 * (i + 1);
    counters.expirations = 1_299_709 * (i + 1);
    counters.deletions = 7_919 * i;
    counters.repeats = 15_485 * i;
    counters.stampedes = 611 * i;
    counters
}
