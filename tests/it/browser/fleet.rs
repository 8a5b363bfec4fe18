//! Made-up snapshots: caches in each state, many of them, and some whose names want to do harm.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cachewatch::model::attribution::{
    Again, AttributionSnapshot, CacheAttribution, Cause, Counters, EventCounts, NamespaceCost,
    NamespaceCounts, TableStats, Verdict,
};
use cachewatch::model::events::{EventReport, EventsState, EventsStatus, PerKind, Subscription};
use cachewatch::model::gap::Gaps;
use cachewatch::model::incident::{AlertState, AlertStatus, Look, Severity};
use cachewatch::model::name::{Name, NodeName};
use cachewatch::model::poll::{PollError, PollErrorKind};
use cachewatch::model::reading::{
    Counters as Counted, DbStats, Flavour, Identity, InfoFields, Memory, Reading, Role,
};
use cachewatch::model::snapshot::{
    CacheSnapshot, CacheState, ConfigStatus, NodeSnapshot, OwnSnapshot, Snapshot,
};
use cachewatch::model::stats::{ChannelStats, DurationHistogram, HttpStats};
use cachewatch::model::store_health::StoreHealth;
use cachewatch::model::time::Now;
use cachewatch::model::window::{Totals, WINDOWS, WindowStats};

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
    hostile.alerts[0].explanation = harmful();
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

fn alerts(cache: &str, state: CacheState, miss: f64, at: Now) -> Vec<AlertStatus> {
    let either = |yes| {
        if yes {
            AlertState::Firing
        } else {
            AlertState::Ok
        }
    };
    let firing = state == CacheState::Firing;
    let down = state == CacheState::Down;
    let look = |seconds, value: f64| Look {
        at: ago(at, seconds + 30).wall,
        until: ago(at, seconds).wall,
        times: 6,
        verdict: "breach",
        value: Some(value),
        why: Arc::from(format!(
            "{:.1} % of 18240 lookups missed in 5m, above 20 %",
            value * 100.0
        )),
    };
    let words = if firing { "above" } else { "not above" };
    vec![
        AlertStatus {
            rule: name("CacheMissRatioHigh"),
            signal: "miss_ratio",
            subject: None,
            severity: Severity::Critical,
            state: either(firing),
            since: ago(at, 400).wall,
            incident: (cache == "products").then(|| OPEN.to_owned()),
            value: Some(miss),
            threshold: Some(0.2),
            explanation: format!(
                "{:.1} % of 18240 lookups missed in 5m, and {:.1} % in 15m, {words} 20 %",
                miss * 100.0,
                miss * 80.0
            ),
            muted: None,
            looks: if firing {
                vec![look(60, 0.31), look(30, 0.36), look(0, miss)]
            } else {
                Vec::new()
            },
        },
        AlertStatus {
            rule: name("CacheDown"),
            signal: "down",
            subject: None,
            severity: Severity::Critical,
            state: either(down),
            since: ago(at, 3000).wall,
            incident: None,
            value: None,
            threshold: None,
            explanation: if down {
                "no node has answered for 1m 35s"
            } else {
                "1 of 1 nodes answers"
            }
            .to_owned(),
            muted: None,
            looks: Vec::new(),
        },
    ]
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small and positive"
)]
fn windows(rate: f64, miss: f64) -> Vec<WindowStats> {
    let window = |(_, window): &(&str, Duration)| {
        let lookups = rate * window.as_secs_f64();
        let ratio = (lookups > 0.0).then_some(miss);
        WindowStats {
            window: *window,
            covered: *window,
            delta: Totals {
                hits: Some((lookups * (1.0 - miss)) as u64),
                misses: Some((lookups * miss) as u64),
                evictions: Some((lookups * miss / 2.0) as u64),
                expirations: Some((lookups * miss / 5.0) as u64),
            },
            lookups_per_second: Some(rate),
            evictions_per_second: Some(rate * miss / 2.0),
            expirations_per_second: Some(rate * miss / 5.0),
            miss_ratio: ratio,
            miss_ratio_lower: ratio.map(|r| r * 0.96),
        }
    };
    WINDOWS.iter().map(window).collect()
}

fn node(host: &str, role: Role, at: Now) -> NodeSnapshot {
    NodeSnapshot {
        name: NodeName::tcp(host, 6379),
        up: true,
        read_at: Some(ago(at, 2)),
        reading: Some(Arc::new(reading(host, role))),
        error: None,
        totals: Totals {
            hits: Some(1_200_345),
            misses: Some(98_001),
            evictions: Some(5_410),
            expirations: Some(23_000),
        },
        db_keys: BTreeMap::from([(0, 48_112)]),
        resets: BTreeMap::new(),
        role_changes: 0,
        readings_discarded: 0,
        events: EventReport {
            subscription: Subscription::Subscribed,
            ..EventReport::default()
        },
        gaps: Gaps::default(),
        completeness: PerKind {
            expired: Some(1.0),
            evicted: Some(1.0),
            keymiss: Some(0.997),
        },
        events_status: EventsStatus {
            state: EventsState::Working,
            message: "subscribed to expired, evicted and keymiss".to_owned(),
            remedy: None,
        },
        poll_durations: DurationHistogram::default(),
        poll_errors: BTreeMap::new(),
        poll_interval: Duration::from_secs(5),
    }
}

fn reading(host: &str, role: Role) -> Reading {
    let seed = host.bytes().map(u64::from).sum::<u64>();
    let keys = DbStats {
        keys: 48_112,
        expires: 40_000,
        avg_ttl_ms: None,
    };
    Reading {
        flavour: Flavour::Valkey,
        version: Some("8.1.4".to_owned()),
        role,
        identity: Identity::default(),
        counters: Counted::default(),
        dbs: BTreeMap::from([(0, keys)]),
        memory: Memory {
            used: Some((40 + seed % 55) * 1_000_000),
            limit: Some(100_000_000),
            policy: Some("allkeys-lru".to_owned()),
        },
        fields: InfoFields::default(),
    }
}

/// The usual namespaces, or these.
fn attribution(names: &[&str]) -> CacheAttribution {
    const USUAL: [&str; 6] = [
        "product:*:detail",
        "ai:answer:*",
        "price:*:eur",
        "user:*:profile",
        "session:*",
        "other",
    ];
    const CAUSES: [(Cause, u64); 4] = [
        (Cause::Evicted, 640),
        (Cause::Expired, 120),
        (Cause::NeverSeen, 70),
        (Cause::Deleted, 30),
    ];
    let names = if names.is_empty() { &USUAL } else { names };
    let recent: Vec<_> = names
        .iter()
        .zip(0_u64..)
        .map(|(name, i)| {
            let mut counters = Counters {
                evictions: 900 / (i + 1),
                expirations: 300 / (i + 1),
                repeats: 40,
                ..Counters::default()
            };
            for (cause, n) in CAUSES {
                for _ in 0..n / (i + 1) {
                    counters.missed(Verdict {
                        cause,
                        age: 40,
                        again: Again::First,
                    });
                }
            }
            NamespaceCounts {
                name: (*name).to_owned(),
                id: i,
                configured: false,
                counters,
            }
        })
        .collect();
    CacheAttribution {
        totals: AttributionSnapshot {
            namespaces: recent.clone(),
            other: Counters::default(),
            events: EventCounts::default(),
            removals: TableStats::default(),
            misses: TableStats::default(),
            horizon: Duration::from_hours(2),
            gaps: 0,
            flushes: 0,
            retired: 0,
            candidates_replaced: 0,
            bytes: 0,
        },
        costs: vec![NamespaceCost {
            namespace: names[0].to_owned(),
            currency: "USD".to_owned(),
            total: 12.0,
            per_hour: 38.2,
            per_miss: 0.004,
            saved: None,
        }],
        recent,
        recent_span: Duration::from_mins(5),
        completeness: Some(0.997),
        hit_ratios: Vec::new(),
    }
}
