//! How many events per second one core attributes, and how often that allocates.
//!
//! Not a criterion bench: the tables must be warm and the keys must differ, so that one long run says more than many
//! short ones. Run with `cargo bench --bench attribution`. "p50" is the median over slices of 20 000 events, "p10" what a
//! less disturbed core would do; "allocs" are those of 4 M events after warming up.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock and prints its table"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use cachewatch::analyze::attribution::{Attributor, KeyEvent, Options, Patterns};

const EVENTS: usize = 4_000_000;
/// What is timed as one; short, so that what else the machine does falls between most of them.
const SLICE: usize = 20_000;
const KEYS: usize = 1_000_000;

/// A small generator, so that the bench needs no crate for it (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Zipf-like ranks: log-uniform, that is an exponent of about 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and n"
    )]
    fn zipf(&mut self, n: usize) -> u64 {
        ((n as f64).powf(self.unit()) - 1.0) as u64
    }
}

fn real_key(style: u64, id: u64, random: &mut Random) -> Vec<u8> {
    let hash = Random(id).next();
    let text = match style % 10 {
        0 | 1 => format!("user:{id}:profile"),
        2 => format!("user:{id}:settings"),
        3 => format!("session:{hash:016x}{:016x}", !hash),
        4 => format!("views/products/{id}-20240101/{hash:x}"),
        5 => format!(":1:myapp:article.{id}"),
        6 => format!("books::978{id:010}"),
        7 => format!("laravel_cache:{hash:016x}{:016x}{:08x}", !hash, hash >> 32),
        8 => format!(
            "ai:gpt-4o:{hash:016x}{:016x}{hash:016x}{:016x}",
            !hash, !hash
        ),
        _ => format!("{{user{id}}}.following"),
    };
    black_box(random.0);
    text.into_bytes()
}

/// Kinds as on a cache with TTLs and some eviction.
fn kind(random: &mut Random) -> KeyEvent {
    match random.next() % 10 {
        0..=6 => KeyEvent::Miss,
        7 => KeyEvent::Expired,
        8 => KeyEvent::Evicted,
        _ => KeyEvent::Deleted,
    }
}

struct Load {
    name: &'static str,
    bytes: Vec<u8>,
    events: Vec<(KeyEvent, u32, u32)>,
}

impl Load {
    fn new(name: &'static str, mut next: impl FnMut(&mut Random) -> (KeyEvent, Vec<u8>)) -> Self {
        let mut random = Random(42);
        let mut load = Self {
            name,
            bytes: Vec::new(),
            events: Vec::new(),
        };
        for _ in 0..EVENTS {
            let (kind, key) = next(&mut random);
            let start = u32::try_from(load.bytes.len()).unwrap_or(u32::MAX);
            load.bytes.extend_from_slice(&key);
            let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
            load.events.push((kind, start, length));
        }
        load
    }

    /// Seconds per event, for each slice.
    fn timed(&self, attributor: &mut Attributor, from: Duration) -> Vec<f64> {
        let slices = self.events.chunks(SLICE).enumerate();
        slices
            .map(|(i, slice)| {
                let from = from + Duration::from_micros((i * SLICE) as u64);
                let started = Instant::now();
                self.run(slice, attributor, from);
                started.elapsed().as_secs_f64() / slice.len() as f64
            })
            .collect()
    }

    fn run(&self, events: &[(KeyEvent, u32, u32)], attributor: &mut Attributor, from: Duration) {
        for (i, (kind, start, length)) in events.iter().enumerate() {
            let start = *start as usize;
            let key = self
                .bytes
                .get(start..start + *length as usize)
                .unwrap_or_default();
            let now = from + Duration::from_micros(i as u64);
            attributor.event(*kind, 0, key, now);
        }
    }
}

fn main() {
    let loads = [
        Load::new("Zipf over 1 M real-life keys, all kinds", |r| {
            let id = r.zipf(KEYS);
            let style = id / 7;
            (kind(r), real_key(style, id, r))
        }),
        Load::new("Zipf over 1 M real-life keys, misses", |r| {
            let id = r.zipf(KEYS);
            (KeyEvent::Miss, real_key(id / 7, id, r))
        }),
        Load::new("uniform over 1 M real-life keys, all kinds", |r| {
            let id = r.next() % KEYS as u64;
            (kind(r), real_key(id / 7, id, r))
        }),
        Load::new("redis-benchmark: key:000…, misses", |r| {
            let id = r.next() % 1_000_000_000;
            (KeyEvent::Miss, format!("key:{id:012}").into_bytes())
        }),
        Load::new("random bytes (16-32), misses", |r| {
            let length = 16 + r.next() % 17;
            let key = (0..length).map(|_| r.next().to_le_bytes()[0]).collect();
            (KeyEvent::Miss, key)
        }),
        Load::new("invented prefixes, all kinds", |r| {
            let word: String = (0..8)
                .map(|_| char::from(b'a' + (r.next() % 26) as u8))
                .collect();
            (kind(r), format!("{word}:{}:x", r.next() % 100).into_bytes())
        }),
    ];
    println!(
        "{:<56} {:>8} {:>8} {:>8} {:>8}",
        "load", "M ev/s", "ns (p50)", "ns (p10)", "allocs"
    );
    for load in &loads {
        for configured in [false, true] {
            if configured && load.name != loads[0].name {
                continue;
            }
            let patterns = if configured {
                Patterns::new([
                    ("sessions", b"session:*".as_slice()),
                    ("profiles", b"user:*:profile"),
                    ("ai", b"ai:*"),
                    ("books", b"books::*"),
                ])
                .unwrap_or_default()
            } else {
                Patterns::default()
            };
            let options = Options {
                patterns,
                ..Options::default()
            };
            let mut attributor = Attributor::new(options, Duration::ZERO);
            // 2 min of simulated time: everything is learned and admitted, and the tables are full.
            for round in 0..6 {
                load.run(
                    &load.events,
                    &mut attributor,
                    Duration::from_secs(20 * round),
                );
            }
            let from = Duration::from_mins(2);
            let allocations = allocation_counter::measure(|| {
                load.run(&load.events, &mut attributor, from);
            });
            let mut times = load.timed(&mut attributor, Duration::from_secs(140));
            times.sort_by(f64::total_cmp);
            let part = |q: usize| {
                times
                    .get(times.len() * q / 100)
                    .copied()
                    .unwrap_or(f64::NAN)
            };
            let snapshot = attributor.snapshot(Duration::from_secs(200));
            println!(
                "{:<56} {:>8.2} {:>8.1} {:>8.1} {:>8}   {} namespaces, {} MB",
                format!(
                    "{}{}",
                    load.name,
                    if configured { ", 4 patterns" } else { "" }
                ),
                1e-6 / part(50),
                part(50) * 1e9,
                part(10) * 1e9,
                allocations.count_total,
                snapshot.namespaces.len(),
                snapshot.bytes >> 20,
            );
        }
    }
}
