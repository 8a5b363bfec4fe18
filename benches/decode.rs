//! How many key events a second one core takes in: from bytes in the socket's buffer to counts by kind.
//!
//! Beside it, on the same bytes in the same run, the redis crate's parser with its pub/sub message, as its client uses
//! them (without the client's unbounded queue, which would cost more). Trust the ratio, not the digits.

#![expect(clippy::expect_used, reason = "a bench may panic")]
#![expect(clippy::print_stdout, reason = "the ratio is for whoever runs it")]

use std::hint::black_box;
use std::io::Read as _;
use std::time::{Duration, Instant};

use cachewatch::analyze::attribution::{Attributor, KeyEvent, Options};
use cachewatch::collect::redis::events::channel::Topic;
use cachewatch::collect::redis::events::decoder::Frame;
use cachewatch::collect::redis::events::intake::Intake;
use cachewatch::collect::redis::events::{EventBatch, EventSink, channel};
use cachewatch::model::events::{EventKind, PerKind};
use criterion::{Criterion, Throughput};

const EVENTS: u64 = 10_000;

/// Misses as a busy server publishes them: three families of keys, mostly `keymiss`.
fn stream() -> Vec<u8> {
    let mut out = Vec::new();
    for n in 0..EVENTS {
        let id = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let key = match n % 3 {
            0 => format!("user:{}:profile", id % 100_000_000),
            1 => format!("session:{id:016x}{:016x}", id.rotate_left(17)),
            _ => format!("ai_response:{id:016x}"),
        };
        let kind = if n % 10 == 9 {
            EventKind::Expired
        } else {
            EventKind::Keymiss
        };
        let channel = channel::name(0, kind);
        let (channel_len, key_len) = (channel.len(), key.len());
        out.extend_from_slice(
            format!(
                "*3\r\n$7\r\nmessage\r\n${channel_len}\r\n{channel}\r\n${key_len}\r\n{key}\r\n"
            )
            .as_bytes(),
        );
    }
    out
}

#[derive(Default)]
struct Counts(PerKind<u64>);

impl EventSink for Counts {
    type Batch<'a> = &'a mut Self;

    fn batch(&mut self) -> &mut Self {
        self
    }
}

impl EventBatch for &mut Counts {
    fn event(&mut self, topic: Topic, _db: u32, key: &[u8]) {
        black_box(key);
        if let Topic::Counted(kind) = topic {
            *self.0.get_mut(kind) += 1;
        }
    }
}

/// As a session does it, with a copy in place of the socket's read.
fn ours(intake: &mut Intake, stream: &[u8]) -> PerKind<u64> {
    let mut sink = Counts::default();
    feed(intake, stream, &mut sink);
    sink.0
}

fn feed<S: EventSink>(intake: &mut Intake, mut stream: &[u8], sink: &mut S) {
    while !stream.is_empty() {
        let count = stream
            .read(intake.space())
            .expect("a slice is always readable");
        intake.filled(count);
        let mut batch = sink.batch();
        while let Some(frame) = intake.next_frame().expect("well formed") {
            if let Frame::Message { channel, key, .. } = frame
                && let Some((db, topic)) = channel::parse(channel)
            {
                batch.event(topic, db, key);
            }
        }
    }
}

/// What the product does with each event: attributes it to a namespace and a cause.
struct Attributing(Attributor);

impl EventSink for Attributing {
    type Batch<'a> = &'a mut Self;

    fn batch(&mut self) -> &mut Self {
        self
    }
}

impl EventBatch for &mut Attributing {
    fn event(&mut self, topic: Topic, db: u32, key: &[u8]) {
        let event = match topic {
            Topic::Counted(EventKind::Keymiss) => KeyEvent::Miss,
            Topic::Counted(EventKind::Expired) => KeyEvent::Expired,
            Topic::Counted(EventKind::Evicted) => KeyEvent::Evicted,
            Topic::Removed(_) => KeyEvent::Deleted,
        };
        self.0.event(event, db, key, Duration::from_mins(1));
    }
}

fn redis_crate(mut stream: &[u8]) -> PerKind<u64> {
    let mut counts = PerKind::default();
    let mut parser = redis::Parser::new();
    for _ in 0..EVENTS {
        let value = parser.parse_value(&mut stream).expect("well formed");
        let message = redis::Msg::from_owned_value(value).expect("a message");
        black_box(message.get_payload_bytes());
        if let Some((_, Topic::Counted(kind))) =
            channel::parse(message.get_channel_name().as_bytes())
        {
            *counts.get_mut(kind) += 1;
        }
    }
    counts
}

/// The best of several rounds, taken in turns so that noise hits both.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn ratio(stream: &[u8]) {
    let mut intake = Intake::default();
    let mut attributing = Attributing(Attributor::new(Options::default(), Duration::ZERO));
    let mut best = [Duration::MAX; 3];
    for _ in 0..50 {
        let start = Instant::now();
        black_box(ours(&mut intake, black_box(stream)));
        let counted = Instant::now();
        feed(&mut intake, black_box(stream), &mut attributing);
        let attributed = Instant::now();
        black_box(redis_crate(black_box(stream)));
        let took = [counted - start, attributed - counted, attributed.elapsed()];
        for (best, took) in best.iter_mut().zip(took) {
            *best = took.min(*best);
        }
    }
    let [counted, attributed, theirs] = best.map(|took| EVENTS as f64 / took.as_secs_f64() / 1e6);
    println!("million events/s on one core, best of 50 rounds, and the ratio to the redis crate:");
    println!("  redis crate, decode           {theirs:>6.2}");
    println!(
        "  decode and count              {counted:>6.2}  {:>5.1}",
        counted / theirs
    );
    println!(
        "  decode and attribute          {attributed:>6.2}  {:>5.1}",
        attributed / theirs
    );
}

fn main() {
    let stream = stream();
    let mut intake = Intake::default();
    assert_eq!(
        ours(&mut intake, &stream),
        redis_crate(&stream),
        "both count the same"
    );

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("cachewatch", |b| {
        b.iter(|| ours(&mut intake, black_box(&stream)));
    });
    group.bench_function("redis_crate", |b| {
        b.iter(|| redis_crate(black_box(&stream)));
    });
    group.finish();
    criterion.final_summary();

    if std::env::args().any(|argument| argument == "--bench") {
        ratio(&stream);
    }
}
