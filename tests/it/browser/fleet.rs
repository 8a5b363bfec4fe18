//! Made-up snapshots: caches in each state, many of them, and some whose names want to do harm.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cachewatch::model::events::{EventsState, EventsStatus, PerKind};
use cachewatch::model::incident::AlertState;
use cachewatch::model::name::Name;
use cachewatch::model::poll::{PollError, PollErrorKind};
use cachewatch::model::reading::{Reading, Role};
use cachewatch::model::snapshot::{CacheSnapshot, CacheState, ConfigStatus, OwnSnapshot, Snapshot};
use cachewatch::model::stats::{ChannelStats, HttpStats};
use cachewatch::model::store_health::StoreHealth;
use cachewatch::model::time::Now;

// Named, because the benchmarks take in this file by its path.
#[path = "fleet/parts.rs"]
mod parts;

use parts::{alerts, attribution, node, windows};

/// Markup, an escape sequence, text from right to left, an emoji of several characters.
pub const HARMFUL: &str = "<script>alert('x')</script>\"><img src=x onerror=alert(1)> {{7*7}} \u{202e}gnp.exe \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1b}[31m";
/// The incident of `products` that is open.
pub const OPEN: &str = "products-CacheMissRatioHigh-1";

fn harmful() -> String {
    format!("{HARMFUL}{}", "x".repeat(300))
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// What surrounds the caches.
pub fn snapshot(caches: Vec<Arc<CacheSnapshot>>, at: Now) -> Snapshot {
    let stats = ChannelStats::default();
    stats.delivered.add(41);
    stats.retried.add(3);
    Snapshot {
        sequence: 7,
        at,
        caches,
        own: OwnSnapshot {
            started: Now {
                mono: at.mono.saturating_sub(Duration::from_hours(1)),
                ..at
            },
            config: ConfigStatus {
                file: Some("/etc/cachewatch/cachewatch.yaml".to_owned()),
                shown: Arc::from("{ \"listen\": \"127.0.0.1:9721\" }"),
                loaded_at: at,
                reload_error: None,
                reloads_ok: 0,
                reloads_failed: 0,
            },
            channels: vec![(name("team-slack"), "slack", Arc::new(stats))],
            http: Arc::new(HttpStats::default()),
            reports_dropped: 0,
            heartbeat: Arc::default(),
            store: StoreHealth {
                backend: "sqlite",
                wanted: true,
                durable: true,
                ..StoreHealth::default()
            },
            tick_took: Duration::from_micros(350),
        },
    }
}

/// One of each state.
pub fn states(at: Now) -> Vec<Arc<CacheSnapshot>> {
    let mut products = cache("products", CacheState::Firing, 0.39, at);
    products.labels = BTreeMap::from([("team".to_owned(), "shop".to_owned())]);
    products.attribution = Some(Arc::new(attribution(&[])));
    let mut answers = cache("answers", CacheState::Down, 0.08, at);
    for node in &mut answers.nodes {
        node.up = false;
        node.error = Some(PollError {
            kind: PollErrorKind::Refused,
            message: format!(
                "{} refused the connection: is the server running?",
                node.name.as_str()
            ),
        });
    }
    let mut carts = cache("carts", CacheState::Degraded, 0.04, at);
    let mut other = node("carts-replica.example.org", Role::Replica, at);
    other.up = false;
    other.read_at = Some(ago(at, 95));
    other.error = Some(PollError {
        kind: PollErrorKind::ResponseTimeout,
        message: "carts-replica.example.org:6379 did not answer within 2 s".to_owned(),
    });
    carts.nodes.push(other);
    carts.nodes[0].events_status = EventsStatus {
        state: EventsState::NotificationsOff,
        message: "notify-keyspace-events is empty, so the server does not publish expired, evicted and keymiss".to_owned(),
        remedy: Some("CONFIG SET notify-keyspace-events Exem".to_owned()),
    };
    let mut new_one = cache("new-one", CacheState::Starting, 0.0, at);
    new_one.windows.clear();
    new_one.history = std::iter::empty().collect();
    new_one.alerts.clear();
    for node in &mut new_one.nodes {
        (node.up, node.read_at, node.reading) = (false, None, None);
        node.completeness = PerKind::default();
    }
    let mut archive = cache("archive", CacheState::InsufficientTraffic, 0.0, at);
    archive.windows = windows(0.0, 0.0);
    let mut prices = cache("prices", CacheState::Firing, 0.27, at);
    prices.alerts[0].state = AlertState::Silenced;
    prices.alerts[0].muted = Some("silenced by ann until 18:00 UTC: the import runs".to_owned());
    let mut search = cache("search", CacheState::Ok, 0.12, at);
    search.alerts[0].state = AlertState::WarmingUp;
    let sessions = cache("sessions", CacheState::Ok, 0.021, at);
    [
        answers, products, prices, carts, new_one, archive, search, sessions,
    ]
    .map(Arc::new)
    .into_iter()
    .collect()
}

/// Many, most of them well.
pub fn many(n: usize, at: Now) -> Vec<Arc<CacheSnapshot>> {
    const KINDS: [&str; 10] = [
        "sessions", "products", "carts", "prices", "search", "flags", "limits", "answers", "pages",
        "images",
    ];
    let make = |i: usize| {
        let state = match i % 25 {
            7 => CacheState::Firing,
            13 => CacheState::Degraded,
            21 => CacheState::InsufficientTraffic,
            _ => CacheState::Ok,
        };
        let miss = match state {
            CacheState::Firing => 0.2 + (i % 17) as f64 / 40.0,
            _ => (i * 7 % 19) as f64 / 100.0,
        };
        let name = format!("{}-{:02}", KINDS[i % KINDS.len()], i / KINDS.len());
        let mut cache = cache(&name, state, miss, at);
        let team = ["shop", "web", "data"][i % 3];
        cache.labels = BTreeMap::from([("team".to_owned(), team.to_owned())]);
        if state == CacheState::Firing {
            cache.attribution = Some(Arc::new(attribution(&[])));
        }
        if state == CacheState::Degraded {
            let mut other = node(&format!("{name}-2.example.org"), Role::Replica, at);
            other.up = false;
            cache.nodes.push(other);
        }
        if state == CacheState::InsufficientTraffic {
            cache.windows = windows(0.0, 0.0);
        }
        Arc::new(cache)
    };
    (0..n).map(make).collect()
}

/// Whatever others may have written is harmful.
pub fn hostile(at: Now) -> Vec<Arc<CacheSnapshot>> {
    let long = "a".repeat(64);
    let mut long = cache(&long, CacheState::Ok, 0.02, at);
    long.labels = BTreeMap::from([(harmful(), harmful())]);
    let mut hostile = cache("hostile", CacheState::Firing, 0.5, at);
    hostile.labels = BTreeMap::from([("team".to_owned(), harmful())]);
    let names = [&harmful(), HARMFUL, "\u{202e}\u{5d0}\u{5d1}"];
    hostile.attribution = Some(Arc::new(attribution(&names)));
    hostile.alerts[0].explanation = harmful().into();
    let node = &mut hostile.nodes[0];
    node.error = Some(PollError {
        kind: PollErrorKind::Server,
        message: harmful(),
    });
    node.events_status = EventsStatus {
        state: EventsState::Forbidden,
        message: harmful(),
        remedy: Some(harmful()),
    };
    if let Some(reading) = &node.reading {
        let mut reading = Reading::clone(reading);
        reading.version = Some(harmful());
        reading.memory.policy = Some(harmful());
        node.reading = Some(Arc::new(reading));
    }
    vec![Arc::new(long), Arc::new(hostile)]
}

fn ago(at: Now, seconds: u64) -> Now {
    Now {
        mono: at.mono.saturating_sub(Duration::from_secs(seconds)),
        wall: at.wall - jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap()),
    }
}

fn cache(text: &str, state: CacheState, miss: f64, at: Now) -> CacheSnapshot {
    let seed = text.bytes().map(u64::from).sum::<u64>();
    let rate = 40.0 + (seed % 17) as f64 * 130.0;
    let primary = node(&format!("{text}-1.example.org"), Role::Primary, at);
    let history = (0..60_u32).map(|i| {
        let wave = (f64::from(i) / 7.0 + seed as f64).sin() * 0.012;
        let late = if i > 48 { miss } else { miss.min(0.06) };
        (state != CacheState::InsufficientTraffic || i < 30).then(|| (late + wave).clamp(0.0, 1.0))
    });
    CacheSnapshot {
        name: name(text),
        labels: BTreeMap::new(),
        state,
        totals: primary.totals,
        windows: windows(rate, miss),
        history: history.collect(),
        nodes: vec![primary],
        attribution: None,
        lookups: Arc::default(),
        alerts: alerts(text, state, miss, at),
    }
}
